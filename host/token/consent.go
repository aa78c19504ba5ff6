package token

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// Code is what a person's consent gave: an authorisation code with what it was asked for with.
type Code struct {
	Code string
	// Verifier is the secret of PKCE whose challenge was in the address, RedirectURL the one that was asked for.
	Verifier, RedirectURL string
	// ClientID and ClientSecret replace those that are kept, when given.
	ClientID, ClientSecret string
}

// Consent trades the code of a person's consent and keeps the tokens, in place of all earlier ones. Nothing is kept unless the system gave a
// refresh token. The seed that was taken last stays known: the same one in a configuration file does not come back over the new tokens.
func (k *Keeper) Consent(ctx context.Context, connection string, code Code) error {
	d, settings, err := k.source(ctx, connection)
	if err != nil {
		return fmt.Errorf("connection %s: %w", connection, err)
	}
	e, err := EndpointsOf(d, settings)
	if err != nil {
		return fmt.Errorf("connection %s: %w", connection, err)
	}
	k.mu.Lock()
	s := k.state(connection)
	k.mu.Unlock()
	return k.exclusive(ctx, connection, s, func() error {
		have, err := k.secrets.Secrets(ctx, connection)
		if err != nil {
			return err
		}
		c := client{connection: connection, url: e.Token, style: d.OAuth.Style, id: have[ClientID], secret: have[ClientSecret]}
		if code.ClientID != "" {
			c.id = code.ClientID
		}
		if code.ClientSecret != "" {
			c.secret = code.ClientSecret
		}
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code.Code}, "redirect_uri": {code.RedirectURL}, "code_verifier": {code.Verifier}}
		a, err := request(ctx, k.opts.Client, c, form, code.Code, k.opts.Now)
		switch {
		case errors.Is(err, errGrant):
			return &connector.Error{Cause: connector.CauseCredentials, Code: "invalid_grant",
				Message: fmt.Sprintf("connection %s: the system no longer accepts the code: it has expired, was used already, or belongs to another consent", connection),
				Remedy:  again(connection)}
		case err != nil:
			return err
		case a.refresh == "":
			return &connector.Error{Cause: connector.CauseCredentials,
				Message: fmt.Sprintf("connection %s: the system gave no refresh token, so that it would have to be consented to every hour", connection),
				Remedy:  "allow this client offline access in the system's own settings, then " + again(connection)}
		}
		set := dropped()
		set[RefreshToken], set[AccessToken], set[AccessExpiry] = a.refresh, a.access, a.expiry.UTC().Format(time.RFC3339)
		set[TokenHosts], set[ClientID], set[ClientSecret] = hostsOf(d, settings, e), c.id, c.secret
		renewed(set, d.OAuth, k.opts.Now())
		// The system has spent the code: from here on the caller's end changes nothing any more.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		if err := k.secrets.PutSecrets(ctx, connection, set); err != nil {
			return fmt.Errorf("connection %s: storing its tokens: %w", connection, err)
		}
		s.unsaved, s.refused = nil, nil
		k.mu.Lock()
		defer k.mu.Unlock()
		s.access, s.until = "", time.Time{}
		return nil
	})
}

func again(connection string) string {
	return "begin again with `pomost connection authorize " + connection + "`"
}
