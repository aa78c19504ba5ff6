package token

import (
	"fmt"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// soon is how long before its end a consent is worth a warning: a person has to be found who may consent.
const soon = 30 * 24 * time.Hour

// Consent is what is known of how long a connection goes on without a person.
type Consent struct {
	// Since is when the system gave the refresh token that is kept; zero where nobody told, as of a seed that was not traded yet.
	Since time.Time
	// Until is about when the system forgets that token if nobody uses it; zero where nobody knows.
	Until time.Time
	// ends is what ends it before that.
	ends string
}

// ConsentOf reads it out of a connection's secrets; false where it has no refresh token. o may be nil: what ends it early is not known then.
func ConsentOf(o *connector.OAuth, have map[string]string) (Consent, bool) {
	if have[RefreshToken] == "" {
		return Consent{}, false
	}
	var c Consent
	if since, err := time.Parse(time.RFC3339, have[RefreshSince]); err == nil {
		c.Since = since
	}
	if until, err := time.Parse(time.RFC3339, have[RefreshUntil]); err == nil {
		c.Until = until
	}
	if o != nil {
		c.ends = o.RefreshEnds
	}
	return c, true
}

// renewed notes among secrets to be kept that the system gave a refresh token now. Until when it lasts is kept too, since who shows it may
// have no connector at hand.
func renewed(set map[string]string, o *connector.OAuth, now time.Time) {
	set[RefreshSince], set[RefreshUntil] = now.UTC().Format(time.RFC3339), ""
	if o != nil && o.RefreshLife > 0 {
		set[RefreshUntil] = now.Add(o.RefreshLife).UTC().Format(time.RFC3339)
	}
}

// Soon tells whether it ends so soon that a person should act.
func (c Consent) Soon(now time.Time) bool { return !c.Until.IsZero() && now.Add(soon).After(c.Until) }

// Short is how long it goes on, in a few words; "" where nobody knows.
func (c Consent) Short() string {
	if c.Until.IsZero() {
		return ""
	}
	return "good until about " + c.Until.Format(time.DateOnly) + " if nobody uses it; each use renews it"
}

// String is all that is known, for people.
func (c Consent) String() string {
	var parts []string
	switch {
	case c.Since.IsZero():
		parts = append(parts, "it was given as a seed, and how old that is nobody told")
	case c.Until.IsZero():
		parts = append(parts, "renewed on "+c.Since.Format(time.DateOnly)+"; how long it lasts unused is not known")
	default:
		parts = append(parts, "renewed on "+c.Since.Format(time.DateOnly), c.Short())
	}
	if c.ends != "" {
		parts = append(parts, "it ends at once when "+c.ends)
	}
	return strings.Join(parts, "; ")
}

// refused is what can be said about why a refresh token is not accepted, when the system says no more than that. Whether it was taken back,
// forgotten or spent elsewhere looks alike from outside, so this tells apart only what its age does.
func (c Consent) refused(now time.Time) string {
	switch {
	case c.Since.IsZero():
		return "; it came as a seed and was never used here: a token that has been used elsewhere is spent"
	case !c.Until.IsZero() && now.After(c.Until):
		return fmt.Sprintf("; it has not been used since %s, which is longer than the system keeps one: it has expired", c.Since.Format(time.DateOnly))
	case c.ends != "":
		return "; the system does not say why, and it has not expired: " + c.ends + ", or the token was used elsewhere"
	}
	return "; the system does not say why: it was taken back or used elsewhere"
}
