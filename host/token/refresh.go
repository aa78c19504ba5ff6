package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// refresh returns a token that is not the rejected one: the stored one where that is good, else a new one. It runs alone for
// its connection.
func (k *Keeper) refresh(ctx context.Context, connection string, s *state, rejected string) (answer, error) {
	d, settings, err := k.source(ctx, connection)
	if err != nil {
		return answer{}, fmt.Errorf("connection %s: %w", connection, err)
	}
	e, err := EndpointsOf(d, settings)
	if err != nil {
		return answer{}, fmt.Errorf("connection %s: %w", connection, err)
	}
	hosts := hostsOf(d, settings, e)
	have, err := k.secrets.Secrets(ctx, connection)
	if err != nil {
		return answer{}, err
	}
	if u := s.unsaved; u != nil {
		s.unsaved = nil
		if have[RefreshToken] == u.spent { // nobody has brought a new one meanwhile
			if err := k.save(ctx, connection, s, u); err != nil {
				return answer{}, err
			}
			if u.answer.access != rejected && u.answer.hosts == hosts && k.fresh(u.answer.expiry) {
				return u.answer, nil
			}
			for name, value := range u.secrets {
				have[name] = value
			}
		}
	}
	if was := have[TokenHosts]; was != "" && was != hosts {
		if err := k.secrets.PutSecrets(ctx, connection, dropped()); err != nil {
			return answer{}, fmt.Errorf("dropping its tokens: %w", err)
		}
		return answer{}, &connector.Error{Cause: connector.CauseCredentials,
			Message: fmt.Sprintf("connection %s: its address has changed, so its tokens were dropped", connection), Remedy: newSeed(connection)}
	}
	if a, ok := k.stored(have, rejected); ok {
		return a, nil
	}
	c := client{connection: connection, url: e.Token, style: d.OAuth.Style, id: have[ClientID], secret: have[ClientSecret], oauth: d.OAuth}
	if consent, ok := ConsentOf(d.OAuth, have); ok {
		c.why = consent.refused(k.opts.Now())
	}
	if missing := firstMissing(have, ClientID, ClientSecret, RefreshToken); missing != "" {
		return answer{}, &connector.Error{Cause: connector.CauseCredentials,
			Message: fmt.Sprintf("connection %s has no %s", connection, missing), Remedy: lacking(connection, missing)}
	}
	credentials := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", c.url, c.id, c.secret, have[RefreshToken]))
	if r := s.refused; r != nil && r.credentials == credentials && k.opts.Now().Before(r.until) {
		return answer{}, r.err
	}
	a, err := k.tradeKnown(ctx, c, s, have, hosts, rejected)
	var known *connector.Error
	if errors.As(err, &known) && known.Cause == connector.CauseCredentials {
		s.refused = &refused{credentials: credentials, until: k.opts.Now().Add(refusedFor), err: err}
	}
	return a, err
}

func firstMissing(have map[string]string, names ...string) string {
	for _, n := range names {
		if have[n] == "" {
			return n
		}
	}
	return ""
}

func lacking(connection, name string) string {
	if name == RefreshToken {
		return newSeed(connection)
	}
	return fmt.Sprintf("put %s into the secrets of connection %s and run `pomost apply`", name, connection)
}

// stored returns the access token among the secrets where it is good.
func (k *Keeper) stored(have map[string]string, rejected string) (answer, bool) {
	token := have[AccessToken]
	if token == "" || token == rejected {
		return answer{}, false
	}
	expiry, err := time.Parse(time.RFC3339, have[AccessExpiry])
	return answer{access: token, expiry: expiry, hosts: have[TokenHosts]}, err == nil && k.fresh(expiry)
}

func (k *Keeper) fresh(expiry time.Time) bool { return k.opts.Now().Add(margin).Before(expiry) }

// tradeKnown trades the current refresh token. When it is refused, what is stored is read again, since another host may have been
// faster than its lease, and the token before it is tried: each one once.
func (k *Keeper) tradeKnown(ctx context.Context, c client, s *state, have map[string]string, hosts, rejected string) (answer, error) {
	tried := map[string]bool{}
	var refusal error
	for refresh := have[RefreshToken]; refresh != ""; {
		tried[refresh] = true
		a, err := k.tradePatiently(ctx, c, refresh)
		if err == nil {
			a.hosts = hosts
			return a, k.save(ctx, c.connection, s, unsavedOf(a, refresh, have[RefreshToken], c.oauth, k.opts.Now()))
		}
		if !errors.Is(err, errGrant) {
			return answer{}, err
		}
		if refusal == nil {
			refusal = err
		}
		if have, err = k.secrets.Secrets(ctx, c.connection); err != nil {
			return answer{}, err
		}
		if a, ok := k.stored(have, rejected); ok && a.hosts == hosts && !tried[have[RefreshToken]] {
			return a, nil
		}
		refresh = ""
		for _, known := range []string{have[RefreshToken], have[PreviousRefresh]} {
			if known != "" && !tried[known] {
				refresh = known
				break
			}
		}
	}
	return answer{}, refusal
}

// unsavedOf is what is to be stored of an answer. spent is the token that was traded, current the one in the store.
func unsavedOf(a answer, spent, current string, o *connector.OAuth, now time.Time) *unsaved {
	set := map[string]string{AccessToken: a.access, AccessExpiry: a.expiry.UTC().Format(time.RFC3339), TokenHosts: a.hosts, RefreshToken: spent}
	if a.refresh != "" && a.refresh != spent {
		set[RefreshToken], set[PreviousRefresh] = a.refresh, spent
		renewed(set, o, now)
	}
	return &unsaved{spent: current, answer: a, secrets: set}
}

// save makes an answer durable. Invariant: nobody gets an access token before the refresh token that came with it is stored. What cannot
// be stored now (a full disk) is kept in memory, and the next caller begins with storing it.
func (k *Keeper) save(ctx context.Context, connection string, s *state, u *unsaved) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := k.secrets.PutSecrets(ctx, connection, u.secrets); err != nil {
		s.unsaved = u
		return &connector.Error{Cause: connector.CauseUnavailable, Retryable: true, Err: err,
			Message: fmt.Sprintf("connection %s: its new tokens could not be stored, so they are not used", connection),
			Remedy:  "mend the cause and leave this process running: it stores them at the next attempt"}
	}
	return nil
}

// tradePatiently tries again while the token service does not answer properly. A lost answer may have spent the token; then the next
// attempt is refused, and nothing is lost by having made it.
func (k *Keeper) tradePatiently(ctx context.Context, c client, refresh string) (answer, error) {
	for attempt, wait := 1, k.opts.Backoff; ; attempt, wait = attempt+1, 2*wait {
		a, err := trade(ctx, k.opts.Client, c, refresh, k.opts.Now)
		var known *connector.Error
		if err == nil || attempt >= attempts || !errors.As(err, &known) || known.Cause != connector.CauseUnavailable {
			return a, err
		}
		if sleep(ctx, wait) != nil {
			return a, err
		}
	}
}
