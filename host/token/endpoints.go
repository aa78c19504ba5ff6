package token

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pomost/pomost/sdk/connector"
)

// Endpoints are the addresses at which a person consents and tokens are traded.
type Endpoints struct{ Authorize, Token string }

// EndpointsOf computes them from a connector's description and a connection's settings: what the settings say; else the vendor's for a
// host of the vendor's; else the usual paths at the origin of the base address. An error is a *connector.Error that names the setting.
func EndpointsOf(d connector.Description, settings connector.Settings) (Endpoints, error) {
	o := d.OAuth
	if o == nil {
		return Endpoints{}, fmt.Errorf("connector %s has no OAuth", d.Name)
	}
	pick := func(setting, path string, vendor func(connector.Environment) string) (string, error) {
		if text := strings.TrimSpace(settings[setting]); text != "" {
			u, err := address(setting, text)
			if err != nil {
				return "", err
			}
			u.Fragment = ""
			return u.String(), nil
		}
		base := strings.TrimSpace(settings[o.BaseSetting])
		if base == "" {
			base = o.VendorBase
		}
		u, err := address(o.BaseSetting, base)
		if err != nil {
			return "", err
		}
		for _, e := range append([]connector.Environment{{Base: o.VendorBase, AuthorizeURL: o.VendorAuthorizeURL, TokenURL: o.VendorTokenURL}}, o.Environments...) {
			if v, err := url.Parse(e.Base); err == nil && bare(v.Hostname()) == bare(u.Hostname()) && vendor(e) != "" {
				return vendor(e), nil
			}
		}
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}).String(), nil
	}
	authorize, err := pick(o.AuthorizeSetting, o.DefaultAuthorizePath, func(e connector.Environment) string { return e.AuthorizeURL })
	if err != nil {
		return Endpoints{}, err
	}
	trade, err := pick(o.TokenSetting, o.DefaultTokenPath, func(e connector.Environment) string { return e.TokenURL })
	return Endpoints{Authorize: authorize, Token: trade}, err
}

// bare is a host name without case and www.
func bare(host string) string { return strings.TrimPrefix(strings.ToLower(host), "www.") }

func address(setting, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil {
		return u, nil
	}
	// The text and the parser's error are left out: an address may carry a password.
	return nil, &connector.Error{Cause: connector.CauseInvalidValue, Field: setting, Message: "the setting is no http or https address",
		Remedy: "give it as https://host/path, without user and password"}
}

// hostsOf names the far sides of a connection: what its tokens are bound to. It changes when the host, scheme or port of a setting does
// that the connector marks as an address, or that of the token endpoint; paths may change.
func hostsOf(d connector.Description, settings connector.Settings, e Endpoints) string {
	parts := []string{"token=" + origin(e.Token)}
	for _, key := range d.HostSettings {
		if d.OAuth != nil && key == d.OAuth.TokenSetting {
			continue // is part of the endpoint, given or not
		}
		parts = append(parts, key+"="+origin(strings.TrimSpace(settings[key])))
	}
	return strings.Join(parts, "\n")
}

func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	return scheme + "://" + host
}
