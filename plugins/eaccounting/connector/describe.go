// Package connector speaks to Visma eAccounting (Bokföring & Fakturering, eAccounting NL/NO, ePasseli) through its REST
// API v2. It knows that system and nothing of any other.
//
// Facts of the API carry the mark of their source in square brackets: [OA26] the official OpenAPI of 2026, [SW20] the
// official swagger of 2020, [DOC] a page of developer.vismaonline.com, [SBX] measured against the vendor's sandbox, [?] our
// inference.
package connector

import (
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// Name is the connector's word in a configuration.
const Name = "eaccounting"

// Version is the connector's version.
const Version = "0.1.0"

// The vendor's addresses [DOC].
const (
	vendorBase      = "https://eaccountingapi.vismaonline.com/v2"
	vendorAuthorize = "https://identity.vismaonline.com/connect/authorize"
	vendorToken     = "https://identity.vismaonline.com/connect/token" //nolint:gosec // an address, no credential
	authorizePath   = "/connect/authorize"
	tokenPath       = "/connect/token"

	// The vendor's own test environment has an identity server of its own too [DOC].
	vendorTestHost      = "eaccountingapi-sandbox.test.vismaonline.com"
	vendorTestAuthorize = "https://identity-sandbox.test.vismaonline.com/connect/authorize"
	vendorTestToken     = "https://identity-sandbox.test.vismaonline.com/connect/token" //nolint:gosec // an address, no credential
)

const (
	// ratePerMinute is the limit per client and endpoint [DOC rate-limits].
	ratePerMinute = 600
	// maxPageSize is the largest $pagesize [DOC].
	maxPageSize = 1000
	// settleTime is longer than any gateway's time-out that is known for the platform [?].
	settleTime = 2 * time.Minute
	// refreshLife is how long a refresh token is good when nobody uses it [CLIENT, ?: one client's notes say about two years].
	refreshLife = 2 * 365 * 24 * time.Hour
)

// eaccounting is the connector; it has no state.
type eaccounting struct{}

// New returns the connector.
func New() sdk.Connector { return eaccounting{} }

// Describe implements sdk.Connector.
func (eaccounting) Describe() sdk.Description {
	return sdk.Description{
		Name: Name, Title: "Visma eAccounting", Version: Version,
		Settings: settings(),
		Secrets: []sdk.Setting{
			{Key: "client_id", Label: "Client id", Help: "of your application at Visma; see https://developer.vismaonline.com", Type: sdk.SettingText, Required: true, Secret: true},
			{Key: "client_secret", Label: "Client secret", Help: "of your application at Visma; it comes with the id", Type: sdk.SettingText, Required: true, Secret: true},
			{Key: "refresh_token", Label: "Refresh token", Help: "comes from the consent; give one only as a seed", Type: sdk.SettingText, Secret: true},
		},
		Objects: objectList(),
		Lists:   listNames(),
		Limits:  []sdk.Limit{{Requests: ratePerMinute, Per: time.Minute, PerEndpoint: true}},
		OAuth: &sdk.OAuth{
			Scopes:      defaultScopes(),
			BaseSetting: "base_url", AuthorizeSetting: "authorize_url", TokenSetting: "token_url",
			DefaultAuthorizePath: authorizePath, DefaultTokenPath: tokenPath,
			VendorBase: vendorBase, VendorAuthorizeURL: vendorAuthorize, VendorTokenURL: vendorToken,
			Style:        "header",
			Environments: []sdk.Environment{{Base: "https://" + vendorTestHost + "/v2", AuthorizeURL: vendorTestAuthorize, TokenURL: vendorTestToken}},
			// [DOC getting-started, community ta-p/241050]
			Registration: "Ask for an application on the pages for developers, https://developer.vismaonline.com (\"Give me access\"): Visma sends its client id and secret, and registers " +
				"its redirect address, which must stand in redirect_url letter by letter. A client for the test environment can be had there at once; it works with " +
				"https://" + vendorTestHost + "/v2 as base_url alone.",
			RefreshLife: refreshLife,
			// [DOC community]; that a person can take it back is how consents are [?].
			RefreshEnds: "the user who consented changes the password, or takes the access back at Visma",
		},
		SettleTime:   settleTime,
		HostSettings: []string{"base_url", "authorize_url", "token_url"},
	}
}

var _ sdk.Connector = eaccounting{}
