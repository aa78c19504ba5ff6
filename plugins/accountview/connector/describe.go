// Package connector knows AccountView through the AccountView.net Web API.
//
// Marks such as [C PHP] name the evidence of a fact: D documented, C seen in client code (of whom), U uncertain; the
// sources are listed in docs. What is uncertain can be set by hand (settings marked advanced).
package connector

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// Name is the connector's word in a configuration.
const Name = "accountview"

// Version is the connector's version.
const Version = "0.1.0"

const (
	vendorBase      = "https://www.accountview.net/api/v3"
	vendorAuthorize = "https://www.accountview.net/ams/authorize.aspx" // [C PHP]
	vendorTrade     = "https://www.accountview.net/api/v3/token"       // [C PHP, GO]
	pathAuthorize   = "/ams/authorize.aspx"
	pathTrade       = "/api/v3/token"
	// settleTime covers the On Premises Gateway, through which a request travels to the customer's own server (facts 10).
	settleTime = 3 * time.Minute
)

// The scopes that reading and writing need [C PHP]; deleting has one of its own that nothing here needs.
var scopes = []string{"readaccountviewdata", "updateaccountviewdata"}

// The objects that the connector offers, by AccountView's own codes.
const (
	Debtors   = "AR1"
	Addresses = "ADDR"
	Articles  = "AK1"
	Orders    = "SO1"
	Pages     = "DJ2"
)

// object is what the connector knows of a business object. Code and tables can be set by hand.
type object struct {
	sdk.Object
	code    string // BusinessObject of a request
	table   string // key of the answer
	lines   string // detail table, "" without
	within  string // the record's field that holds the lines, "" without; it keeps its name whatever the table is called
	changed string // the column with the time of the last change, "" without
	setting string // that overrides code and tables
	// document: kept by year; the record's date decides the administration, and look-ups reach into neighbouring years.
	document bool
	date     string // the column with a document's date
	// same are the columns that together tell two records of one administration apart, where the key does not; nil: the key does.
	same []string
	// serves says in a person's words what stands still without the right to this object.
	serves string
}

// objects are the built-in ones, in the order in which Describe lists them.
func objects() []*object {
	return []*object{
		{
			Object: sdk.Object{Name: Debtors, Title: "Debtors", Key: "SUB_NR", Read: sdk.ReadCursorAndSweep,
				Find: []string{"SUB_NR", "MAIL_BUS", "VAT_NR", "COC_CODE", "ACCT_NAME"}, Create: true, Update: true,
				Idempotence: sdk.IdempotenceReference, Reference: "MAIL_BUS", BatchWrite: 1},
			code: "AR1", table: "CONTACT", changed: "CNG_DATE", setting: "object_debtors",
			serves: "customers travel neither way, and orders and invoices are held, since their buyers cannot be looked up",
		},
		{
			Object: sdk.Object{Name: Addresses, Title: "Delivery addresses", Key: "REC_ID", Read: sdk.ReadNone,
				Find: []string{"REC_ID", "SUB_NR"}, Create: true,
				Idempotence: sdk.IdempotenceReference, Reference: "SUB_NR", BatchWrite: 1},
			code: "ADDR", table: "DEL_ADDR", setting: "object_addresses",
			serves: "orders that go to another address than the buyer's own are held",
		},
		{
			Object: sdk.Object{Name: Articles, Title: "Articles", Key: "ART_CODE", Read: sdk.ReadCursorAndSweep,
				Find: []string{"ART_CODE"}, Create: true, Update: true,
				Idempotence: sdk.IdempotenceUniqueKey, BatchWrite: 1},
			code: "AK1", table: "ARTICLE", changed: "CNG_DATE", setting: "object_articles",
			serves: "products and stock do not travel, and orders are held, since their articles cannot be looked up",
		},
		{
			Object: sdk.Object{Name: Orders, Title: "Sales orders", Key: "ORD_NR", Read: sdk.ReadScan,
				Find: []string{"COMMENT1", "ORD_NR", "EXT_ID"}, Create: true,
				Idempotence: sdk.IdempotenceReference, Reference: "COMMENT1", BatchWrite: 1},
			code: "SO1", table: "SO_HDR", lines: "SO_LINE", within: "SO_LINE", setting: "object_orders", document: true, date: "ORD_DATE",
			serves: "orders do not travel as sales orders",
		},
		{
			// PAGE_NR counts by year, so it cannot be the key that a link keeps; the number of the invoice is given by whoever made
			// it and found again in every year.
			Object: sdk.Object{Name: Pages, Title: "Sales daybook pages", Key: "INV_NR", Read: sdk.ReadNone,
				Find: []string{"INV_NR"}, Create: true,
				Idempotence: sdk.IdempotenceReference, Reference: "INV_NR", BatchWrite: 1},
			code: "DJ2", table: "DJ_PAGE", lines: "DJ_LINE", within: "DJ_LINE", setting: "object_pages", document: true, date: "TRN_DATE",
			same: []string{"DJ_CODE", "PAGE_NR"}, serves: "invoices do not travel into the sales daybook",
		},
	}
}

// accountView is the connector.
type accountView struct {
	now func() time.Time
}

// New returns the AccountView connector.
func New() sdk.Connector { return &accountView{now: time.Now} }

// Describe implements sdk.Connector.
func (a *accountView) Describe() sdk.Description {
	d := sdk.Description{
		Name: Name, Title: "AccountView", Version: Version,
		Settings: settingsSchema(),
		Secrets: []sdk.Setting{
			{Key: "client_id", Label: "API key", Help: "API-sleutel of the application registered at accountview.net, menu Ontwikkelaar", Type: sdk.SettingText, Required: true, Secret: true},
			{Key: "client_secret", Label: "API secret", Help: "shown beside the API key", Type: sdk.SettingText, Required: true, Secret: true},
			{Key: "refresh_token", Label: "Refresh token", Help: "from a consent; its successors are kept by Pomost", Type: sdk.SettingText, Secret: true},
		},
		Lists: slices.Clone(listNames),
		OAuth: &sdk.OAuth{
			Scopes: slices.Clone(scopes), BaseSetting: "base_url", AuthorizeSetting: "authorize_url", TokenSetting: "token_url",
			DefaultAuthorizePath: pathAuthorize, DefaultTokenPath: pathTrade,
			VendorBase: vendorBase, VendorAuthorizeURL: vendorAuthorize, VendorTokenURL: vendorTrade,
			Registration: "Register an application on https://www.accountview.net under Ontwikkelaar, Applicatie toevoegen (a ProActive user with the right to that menu can): its API-sleutel " +
				"is the client_id, its API-secret the client_secret. Its redirect address must be that of redirect_url.", // [D SPEND]
			Style: "body", // [C GO: registered as a provider that wants the client's credentials in the body]
		},
		SettleTime:   settleTime,
		HostSettings: []string{"base_url", "authorize_url", "token_url"},
	}
	for _, o := range objects() {
		d.Objects = append(d.Objects, o.Object)
	}
	return d
}

// Authorize implements sdk.Connector: the address of facts section 2. Whether the page knows PKCE is not documented; a
// server that does not ignores what it does not know (RFC 6749, 3.1).
func (a *accountView) Authorize(_ context.Context, req sdk.AuthorizeRequest) (sdk.AuthorizeResponse, error) {
	address := strings.TrimSpace(req.Settings["authorize_url"])
	if address == "" {
		address = vendorAuthorize
		if base := strings.TrimSpace(req.Settings["base_url"]); base != "" && !sameHost(base, vendorBase) {
			u, err := url.Parse(base)
			if err != nil {
				return sdk.AuthorizeResponse{}, &sdk.Error{Cause: sdk.CauseInvalidValue, Field: "base_url", Message: "base_url is not an address", Err: err,
					Remedy: "give it as " + vendorBase}
			}
			address = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: pathAuthorize}).String()
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return sdk.AuthorizeResponse{}, &sdk.Error{Cause: sdk.CauseInvalidValue, Field: "authorize_url", Message: "authorize_url is not an address", Err: err,
			Remedy: "give it as " + vendorAuthorize}
	}
	q := u.Query()
	q.Set("response_type", "code")
	q.Set("client_id", req.ClientID)
	q.Set("redirect_uri", req.RedirectURL)
	q.Set("scope", strings.Join(scopes, " "))
	q.Set("state", req.State)
	if req.Challenge != "" {
		q.Set("code_challenge", req.Challenge)
		q.Set("code_challenge_method", "S256")
	}
	u.RawQuery = q.Encode()
	return sdk.AuthorizeResponse{URL: u.String()}, nil
}

// sameHost compares the hosts of two addresses; the vendor's is seen with and without www.
func sameHost(a, b string) bool {
	host := func(s string) string {
		u, err := url.Parse(s)
		if err != nil {
			return s
		}
		return strings.TrimPrefix(strings.ToLower(u.Host), "www.")
	}
	return host(a) == host(b)
}
