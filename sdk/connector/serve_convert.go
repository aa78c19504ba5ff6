package connector

import (
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
)

// maxText bounds a text that is for people: error details travel in HTTP/2 trailers, which are small.
const maxText = 4 << 10

// wireText makes a text fit for protobuf, which refuses invalid UTF-8: systems answer in all code pages.
func wireText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func durationToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func errorToProto(e *Error) *connectorv1.Error {
	message := e.Message
	if e.Err != nil && e.Err.Error() != message {
		message += ": " + e.Err.Error() // the cause behind does not travel, its words do
	}
	return &connectorv1.Error{
		Cause:     wireText(string(e.Cause)),
		Code:      wireText(e.Code),
		Message:   wireText(message),
		Field:     wireText(e.Field),
		Remedy:    wireText(e.Remedy),
		Retryable: e.Retryable,
		After:     durationToProto(e.After),
	}
}

func errorFromProto(e *connectorv1.Error) *Error {
	return &Error{
		Cause:     Cause(e.GetCause()),
		Code:      e.GetCode(),
		Message:   e.GetMessage(),
		Field:     e.GetField(),
		Remedy:    e.GetRemedy(),
		Retryable: e.GetRetryable(),
		After:     e.GetAfter().AsDuration(),
	}
}

// callError is the status of a failed call, with the typed error in its details.
func callError(err error) error {
	e := errorToProto(AsError(err))
	st, derr := status.New(codes.Unknown, e.GetMessage()).WithDetails(e)
	if derr != nil {
		return status.Error(codes.Unknown, e.GetMessage())
	}
	return st.Err()
}

func exchangeToProto(x Exchange) *connectorv1.Exchange {
	return &connectorv1.Exchange{
		Start:    timeToProto(x.Start),
		Duration: durationToProto(x.Duration),
		Method:   wireText(x.Method),
		Url:      wireText(x.URL),
		Status:   int32(x.Status),
		Request:  x.Request[:min(len(x.Request), maxExchangeBody)],
		Response: x.Response[:min(len(x.Response), maxExchangeBody)],
		Error:    wireText(x.Error),
	}
}

func descriptionToProto(d Description) *connectorv1.DescribeResponse {
	out := &connectorv1.DescribeResponse{
		Name:         d.Name,
		Title:        d.Title,
		Version:      d.Version,
		Settings:     settingsToProto(d.Settings),
		Secrets:      settingsToProto(d.Secrets),
		Lists:        d.Lists,
		SettleTime:   durationToProto(d.SettleTime),
		HostSettings: d.HostSettings,
	}
	for _, o := range d.Objects {
		out.Objects = append(out.Objects, &connectorv1.Object{
			Name: o.Name, Title: o.Title, Key: o.Key, Read: string(o.Read), Find: o.Find,
			Create: o.Create, Update: o.Update, Undo: o.Undo,
			Idempotence: string(o.Idempotence), Reference: o.Reference, BatchWrite: uint32(max(0, o.BatchWrite)),
		})
	}
	for _, l := range d.Limits {
		out.Limits = append(out.Limits, &connectorv1.Limit{
			Requests: uint32(max(0, l.Requests)), Per: durationToProto(l.Per), PerEndpoint: l.PerEndpoint,
		})
	}
	if o := d.OAuth; o != nil {
		out.Oauth = &connectorv1.OAuth{
			Scopes: o.Scopes, BaseSetting: o.BaseSetting, AuthorizeSetting: o.AuthorizeSetting, TokenSetting: o.TokenSetting,
			DefaultAuthorizePath: o.DefaultAuthorizePath, DefaultTokenPath: o.DefaultTokenPath,
			VendorBase: o.VendorBase, VendorAuthorizeUrl: o.VendorAuthorizeURL, VendorTokenUrl: o.VendorTokenURL, Style: o.Style,
			Registration: o.Registration, RefreshEnds: o.RefreshEnds,
		}
		if o.RefreshLife > 0 {
			out.Oauth.RefreshLife = durationToProto(o.RefreshLife)
		}
		for _, e := range o.Environments {
			out.Oauth.Environments = append(out.Oauth.Environments, &connectorv1.Environment{Base: e.Base, AuthorizeUrl: e.AuthorizeURL, TokenUrl: e.TokenURL})
		}
	}
	return out
}

func settingsToProto(ss []Setting) []*connectorv1.Setting {
	var out []*connectorv1.Setting
	for _, s := range ss {
		out = append(out, &connectorv1.Setting{
			Key: s.Key, Label: s.Label, Help: s.Help, Type: string(s.Type), Default: s.Default, Values: s.Values,
			Required: s.Required, Secret: s.Secret, Advanced: s.Advanced, Plugin: s.Plugin,
			DependsOn: s.DependsOn, Equals: s.Equals,
		})
	}
	return out
}
