package connector

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pomost/pomost/host/child"
	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
	"github.com/pomost/pomost/sdk/connector"
)

func errorToProto(e *connector.Error) *connectorv1.Error {
	out := &connectorv1.Error{
		Cause:     string(e.Cause),
		Code:      strings.ToValidUTF8(e.Code, ""),
		Message:   strings.ToValidUTF8(e.Message, ""),
		Field:     strings.ToValidUTF8(e.Field, ""),
		Remedy:    strings.ToValidUTF8(e.Remedy, ""),
		Retryable: e.Retryable,
	}
	if e.After > 0 {
		out.After = durationpb.New(e.After)
	}
	return out
}

var knownCauses = map[connector.Cause]bool{
	connector.CauseUnavailable: true, connector.CauseCredentials: true, connector.CauseRights: true,
	connector.CauseRateLimited: true, connector.CauseRefused: true, connector.CauseInvalidValue: true,
	connector.CauseLength: true, connector.CauseBlocked: true, connector.CausePeriodLocked: true,
	connector.CauseNoAdministration: true, connector.CauseMissingInYear: true, connector.CauseCreditLimit: true,
	connector.CauseProductMissing: true, connector.CauseCustomerMissing: true, connector.CauseVATCodeMissing: true,
	connector.CauseAccountMissing: true, connector.CauseCurrency: true, connector.CauseConflict: true,
	connector.CauseUnknownOutcome: true, connector.CausePluginFailed: true,
}

// errorFromProto takes an error of a plugin. Its texts may be shown anywhere, so they are sanitised.
func errorFromProto(e *connectorv1.Error) *connector.Error {
	cause := connector.Cause(e.GetCause())
	if !knownCauses[cause] {
		cause = connector.CauseRefused
	}
	return &connector.Error{
		Cause:     cause,
		Code:      child.Sanitise(e.GetCode()),
		Message:   child.Sanitise(e.GetMessage()),
		Field:     child.Sanitise(e.GetField()),
		Remedy:    child.Sanitise(e.GetRemedy()),
		Retryable: e.GetRetryable(),
		After:     max(0, e.GetAfter().AsDuration()),
	}
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func exchangeFromProto(x *connectorv1.Exchange) connector.Exchange {
	out := connector.Exchange{
		Duration: x.GetDuration().AsDuration(),
		Method:   child.Sanitise(x.GetMethod()),
		URL:      child.Sanitise(x.GetUrl()),
		Status:   int(x.GetStatus()),
		Request:  x.GetRequest(),
		Response: x.GetResponse(),
		Error:    child.Sanitise(x.GetError()),
	}
	if x.GetStart() != nil {
		out.Start = x.GetStart().AsTime()
	}
	return out
}

func descriptionFromProto(d *connectorv1.DescribeResponse) (connector.Description, error) {
	out := connector.Description{
		Name: d.GetName(), Title: child.Sanitise(d.GetTitle()), Version: child.Sanitise(d.GetVersion()),
		Settings: settingsFromProto(d.GetSettings()), Secrets: settingsFromProto(d.GetSecrets()),
		Lists: d.GetLists(), SettleTime: max(0, d.GetSettleTime().AsDuration()), HostSettings: d.GetHostSettings(),
	}
	if !nameForm.MatchString(out.Name) {
		return out, fmt.Errorf("it describes itself with the name %q", clip(child.Sanitise(out.Name)))
	}
	for _, o := range d.GetObjects() {
		out.Objects = append(out.Objects, connector.Object{
			Name: o.GetName(), Title: child.Sanitise(o.GetTitle()), Key: o.GetKey(), Read: connector.ChangeReading(o.GetRead()), Find: o.GetFind(),
			Create: o.GetCreate(), Update: o.GetUpdate(), Undo: o.GetUndo(),
			Idempotence: connector.Idempotence(o.GetIdempotence()), Reference: o.GetReference(), BatchWrite: int(o.GetBatchWrite()),
		})
	}
	for _, l := range d.GetLimits() {
		out.Limits = append(out.Limits, connector.Limit{Requests: int(l.GetRequests()), Per: l.GetPer().AsDuration(), PerEndpoint: l.GetPerEndpoint()})
	}
	if o := d.GetOauth(); o != nil {
		out.OAuth = &connector.OAuth{
			Scopes: o.GetScopes(), BaseSetting: o.GetBaseSetting(), AuthorizeSetting: o.GetAuthorizeSetting(), TokenSetting: o.GetTokenSetting(),
			DefaultAuthorizePath: o.GetDefaultAuthorizePath(), DefaultTokenPath: o.GetDefaultTokenPath(),
			VendorBase: o.GetVendorBase(), VendorAuthorizeURL: o.GetVendorAuthorizeUrl(), VendorTokenURL: o.GetVendorTokenUrl(), Style: o.GetStyle(),
			Registration: child.Sanitise(o.GetRegistration()), RefreshLife: max(0, o.GetRefreshLife().AsDuration()), RefreshEnds: child.Sanitise(o.GetRefreshEnds()),
		}
		for _, e := range o.GetEnvironments() {
			out.OAuth.Environments = append(out.OAuth.Environments, connector.Environment{Base: e.GetBase(), AuthorizeURL: e.GetAuthorizeUrl(), TokenURL: e.GetTokenUrl()})
		}
	}
	return out, nil
}

func settingsFromProto(ss []*connectorv1.Setting) []connector.Setting {
	var out []connector.Setting
	for _, s := range ss {
		out = append(out, connector.Setting{
			Key: s.GetKey(), Label: child.Sanitise(s.GetLabel()), Help: child.Sanitise(s.GetHelp()), Type: connector.SettingType(s.GetType()),
			Default: s.GetDefault(), Values: s.GetValues(), Required: s.GetRequired(), Secret: s.GetSecret(), Advanced: s.GetAdvanced(),
			Plugin: s.GetPlugin(), DependsOn: s.GetDependsOn(), Equals: s.GetEquals(),
		})
	}
	return out
}

func problemsFromProto(ps []*connectorv1.Problem) []connector.Problem {
	var out []connector.Problem
	for _, p := range ps {
		out = append(out, connector.Problem{Setting: p.GetSetting(), Message: child.Sanitise(p.GetMessage()), Remedy: child.Sanitise(p.GetRemedy())})
	}
	return out
}
