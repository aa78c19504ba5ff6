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
)

const (
	// ratePerMinute is the limit per client and endpoint [DOC rate-limits].
	ratePerMinute = 600
	// maxPageSize is the largest $pagesize [DOC].
	maxPageSize = 1000
	// settleTime is longer than any gateway's time-out that is known for the platform [?].
	settleTime = 2 * time.Minute
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
			{Key: "client_id", Label: "Client id", Help: "the id of your application at the Visma developer portal", Type: sdk.SettingText, Required: true, Secret: true},
			{Key: "client_secret", Label: "Client secret", Help: "the secret of your application at the Visma developer portal", Type: sdk.SettingText, Required: true, Secret: true},
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
			Style: "header",
		},
		SettleTime:   settleTime,
		HostSettings: []string{"base_url", "authorize_url", "token_url"},
	}
}

var _ sdk.Connector = eaccounting{}
