package connector

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// defaultScopes are what orders, customers, articles and invoices need, and a refresh token [DOC authentication]. Bank
// accounts would need ea:purchase_readonly, fiscal years perhaps ea:accounting_readonly: Check says what is missing.
func defaultScopes() []string { return []string{"ea:api", "ea:sales", "offline_access"} }

// companyPicker makes the consent page ask for the company, which else is silently the one of the last time [DOC].
const companyPicker = "service:44643EB1-3F76-4C1C-A672-402AE8085934+forceselectcompany:true"

func settings() []sdk.Setting {
	return []sdk.Setting{
		{Key: "base_url", Label: "Address of the API", Type: sdk.SettingURL, Default: vendorBase,
			Help: "Visma's by default; give another one for the Visma test environment or a sandbox"},
		{Key: "authorize_url", Label: "Address of the consent page", Type: sdk.SettingURL, Advanced: true,
			Help: "follows from the address of the API when empty"},
		{Key: "token_url", Label: "Address for tokens", Type: sdk.SettingURL, Advanced: true,
			Help: "follows from the address of the API when empty"},
		{Key: "redirect_url", Label: "Redirect address", Type: sdk.SettingURL, Default: "https://localhost:44300/callback",
			Help: "exactly as registered for your application at Visma"},
		{Key: "scopes", Label: "Scopes", Type: sdk.SettingText, Advanced: true, Default: strings.Join(defaultScopes(), " "),
			Help: "the rights to ask for at the consent, separated by spaces; add ea:purchase_readonly for bank accounts, ea:accounting_readonly for fiscal years"},
		{Key: "acr_values", Label: "Consent options", Type: sdk.SettingText, Advanced: true, Default: companyPicker,
			Help: "makes the consent page ask which company is meant; \"none\" leaves it out"},
		{Key: "settle_time", Label: "Settle time", Type: sdk.SettingDuration, Advanced: true, Default: "2m",
			Help: "how long a request without an answer may still be carried out; a lost create is looked up after that"},
		{Key: "page_size", Label: "Records a page", Type: sdk.SettingInteger, Advanced: true, Default: strconv.Itoa(maxPageSize),
			Help: "how many records one request asks for, 1 to 1000; less only where answers are too large"},
		{Key: "partial_delivery", Label: "Rest of a partial delivery", Type: sdk.SettingChoice, Values: []string{"complete", "back_order"}, Default: "complete", Advanced: true,
			Help: "what becomes of the rest when an order is shipped of which a part was delivered: nothing (complete), or an order of its own (back_order)"},
		{Key: "scan_since", Label: "Look-ups by scan since", Type: sdk.SettingDate, Advanced: true,
			Help: "where Visma cannot filter by a field, documents made since this date are read and compared; empty: all"},
	}
}

// config are the parsed settings.
type config struct {
	base      string // without a slash at the end
	pageSize  int
	scanSince record.Date // 0: no bound
	readOnly  bool        // the consent asks for no scope to write
	// backOrders makes an order of its own of what was not delivered when an order is shipped.
	backOrders bool
}

// parse validates all settings.
func parse(s sdk.Settings) (config, []sdk.Problem) {
	problems := s.Validate(settings())
	c := config{base: strings.TrimRight(value(s, "base_url"), "/"), pageSize: maxPageSize}
	if n, err := strconv.Atoi(value(s, "page_size")); err == nil {
		c.pageSize = n
		if n < 1 || n > maxPageSize {
			problems = append(problems, sdk.Problem{Setting: "page_size", Message: fmt.Sprintf("a page of %d records is not possible", n),
				Remedy: fmt.Sprintf("give a number from 1 to %d", maxPageSize)})
		}
	}
	if d, err := record.ParseDate(value(s, "scan_since")); err == nil {
		c.scanSince = d
	}
	scopes := strings.Fields(value(s, "scopes"))
	for _, need := range []string{"ea:api", "offline_access"} {
		if !contains(scopes, need) {
			problems = append(problems, sdk.Problem{Setting: "scopes", Message: "the scope " + need + " is missing",
				Remedy: "without ea:api nothing can be asked, without offline_access the consent ends after an hour; add " + need})
		}
	}
	c.backOrders = value(s, "partial_delivery") == "back_order"
	c.readOnly = !contains(scopes, "ea:sales")
	if u, err := url.Parse(c.base); err == nil && u.RawQuery != "" {
		problems = append(problems, sdk.Problem{Setting: "base_url", Message: "the address of the API has a query", Remedy: "leave out what stands after ?"})
	}
	return c, problems
}

// value is a setting or its default.
func value(s sdk.Settings, key string) string {
	if v := strings.TrimSpace(s[key]); v != "" {
		return v
	}
	for _, known := range settings() {
		if known.Key == key {
			return known.Default
		}
	}
	return ""
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// Open implements sdk.Connector.
func (eaccounting) Open(_ context.Context, s sdk.Settings, host sdk.Host) (sdk.Connection, []sdk.Problem) {
	c, problems := parse(s)
	if len(problems) > 0 {
		return nil, problems
	}
	return newConnection(c, host), nil
}

// Authorize implements sdk.Connector: the consent address [DOC authentication].
func (eaccounting) Authorize(_ context.Context, req sdk.AuthorizeRequest) (sdk.AuthorizeResponse, error) {
	if _, problems := parse(req.Settings); len(problems) > 0 {
		p := problems[0]
		return sdk.AuthorizeResponse{}, &sdk.Error{Cause: sdk.CauseInvalidValue, Field: p.Setting, Message: p.Message, Remedy: p.Remedy}
	}
	u, err := url.Parse(authorizeURL(req.Settings))
	if err != nil {
		return sdk.AuthorizeResponse{}, &sdk.Error{Cause: sdk.CauseInvalidValue, Field: "authorize_url", Message: "the consent address cannot be read", Remedy: "correct the setting", Err: err}
	}
	q := u.Query()
	q.Set("response_type", "code")
	q.Set("client_id", req.ClientID)
	q.Set("redirect_uri", req.RedirectURL)
	q.Set("scope", value(req.Settings, "scopes"))
	q.Set("state", req.State)
	q.Set("prompt", "select_account")
	if acr := value(req.Settings, "acr_values"); acr != "none" {
		q.Set("acr_values", acr)
	}
	if req.Challenge != "" {
		q.Set("code_challenge", req.Challenge)
		q.Set("code_challenge_method", "S256")
	}
	u.RawQuery = q.Encode()
	return sdk.AuthorizeResponse{URL: u.String()}, nil
}

// authorizeURL is the setting, else the vendor's for the vendor's hosts, else the usual path at the API's origin.
func authorizeURL(s sdk.Settings) string {
	if v := value(s, "authorize_url"); v != "" {
		return v
	}
	base, err := url.Parse(value(s, "base_url"))
	vendor, vendorErr := url.Parse(vendorBase)
	switch {
	case err != nil || vendorErr != nil || strings.EqualFold(base.Host, vendor.Host):
		return vendorAuthorize
	case strings.EqualFold(base.Host, vendorTestHost):
		return vendorTestAuthorize
	}
	return base.Scheme + "://" + base.Host + authorizePath
}
