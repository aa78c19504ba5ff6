// Package sandbox is the kit of which a connector's sandbox is made: the part that is the same for every system.
//
// A sandbox is a stateful emulator of one company at a vendor, seen through that vendor's API. The kit does what lies
// around the API itself: OAuth 2 with rotating refresh tokens, rate limit, request log, faults on demand, saved state and
// the command line. A System says how its vendor looks in these respects and makes the Company that answers the calls.
//
// A sandbox package imports only this kit (and its shop subpackage); it shares no code with the connector that it
// judges, so that the two cannot merely agree with each other.
package sandbox

import (
	"context"
	"net/http"
	"time"
)

// Info is what a caller needs to talk to a running sandbox. As JSON it is the first line of stdout (DESIGN section 7).
type Info struct {
	BaseURL      string `json:"base_url"`
	AuthorizeURL string `json:"authorize_url"`
	TokenURL     string `json:"token_url"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
	Company      string `json:"company"`
}

// System describes one vendor's system to the kit.
type System struct {
	// Name is the connector's name, as in "eaccounting".
	Name string
	// BasePath is where the API lives, as in "/v2"; Info.BaseURL is the origin plus it. Matched without case.
	BasePath string
	// AuthorizePath and TokenPath are the OAuth end points, matched without case. They may lie below BasePath.
	AuthorizePath, TokenPath string
	// RevokePath is where a client gives a token back (RFC 7009); "" where the system has no such place.
	RevokePath string
	// CompanyID identifies the company to its callers (Info.Company, Env.CompanyID).
	CompanyID string
	// Settings are the keys of --set.
	Settings []Setting
	// Scopes is the grant of the first line's refresh token, and of a consent that asks for no scope.
	Scopes []string
	// KnownScopes are all scopes that exist; a consent that asks for another one fails with invalid_scope. Empty: any.
	KnownScopes []string
	// OfflineScope is the scope without which no refresh token is given; "" where none is needed.
	OfflineScope string
	// Implicit says that the consent page also gives an access token at once (response_type=token, RFC 6749, 4.2), as browser
	// applications ask for it.
	Implicit bool
	// TokenLife is how long an access token works; 0 means an hour.
	TokenLife time.Duration
	// RefreshLife is how long a refresh token works that nobody trades; 0 means for ever.
	RefreshLife time.Duration
	// DefaultRate is how many calls a minute one client may make to one endpoint; 0 means no limit.
	DefaultRate int

	// RateLimited writes the system's own 429; wait is how long until a call would be let through again.
	RateLimited func(w http.ResponseWriter, r *http.Request, wait time.Duration)
	// Unauthorized writes the system's own 401.
	Unauthorized func(w http.ResponseWriter, r *http.Request)
	// Garbage writes what a broken gateway in front of the system says: HTML with status 502.
	Garbage func(w http.ResponseWriter, r *http.Request)
	// StatusError writes the system's own body for any other status of a fault (status:503).
	StatusError func(w http.ResponseWriter, r *http.Request, status int)
	// ObjectOf names the kind of record a call is about, for faults and log; nil where paths say enough. The request
	// carries its full path.
	ObjectOf func(r *http.Request, body []byte) string

	// Replays says that the company's state follows from its calls and their times alone (no randomness, no order of maps), so that
	// --state needs to write down no more than the calls. Otherwise the whole state is written after each call that may change it.
	Replays bool

	// New makes the company.
	New func(Env) (Company, error)
}

// Setting is one key of --set.
type Setting struct {
	Key     string
	Default string
	// Values are the allowed ones; empty means any.
	Values []string
	// List lets the value be several of Values, separated by commas.
	List bool
	// Check refuses a value beyond what Values can say; may be nil.
	Check func(value string) error
	Help  string
}

// Env is what a Company is made from.
type Env struct {
	// Set holds every key of System.Settings, defaults filled in, validated.
	Set map[string]string
	// Now is the clock. A company never reads another one.
	Now func() time.Time
	// Data is "none", "demo" or a folder.
	Data string
	// CompanyID is System.CompanyID.
	CompanyID string
}

// Has reports whether the comma-separated setting key holds value.
func (e Env) Has(key, value string) bool {
	for _, v := range splitList(e.Set[key]) {
		if v == value {
			return true
		}
	}
	return false
}

// Company answers the API calls of one company.
//
// The kit calls it from one goroutine at a time, so a Company needs no locks. ServeHTTP gets only authorised calls;
// r.URL.Path is relative to BasePath ("/orders", with a leading slash, case as sent), the body is complete and bounded,
// and GrantOf(r.Context()) tells the caller's rights. What it writes is buffered and goes out after it returns.
type Company interface {
	http.Handler
	// Snapshot is the whole state, for --state; Restore brings it back into a company made with the same Env.
	Snapshot() ([]byte, error)
	Restore([]byte) error
}

// Lively is a Company in which something happens by itself, for --live: the nth thing, from 1 on. It is called as ServeHTTP is.
type Lively interface {
	Live(n int) error
}

// Grant is what the caller of a request may do.
type Grant struct {
	ClientID string
	Scopes   []string
}

// Has reports whether the grant includes any of the scopes.
func (g Grant) Has(anyOf ...string) bool {
	for _, s := range g.Scopes {
		for _, want := range anyOf {
			if s == want {
				return true
			}
		}
	}
	return false
}

type grantKey struct{}

// GrantOf returns the rights of the call that ctx belongs to.
func GrantOf(ctx context.Context) Grant {
	g, _ := ctx.Value(grantKey{}).(Grant)
	return g
}

type limitKey struct{}

// LimitOf returns, in RateLimited, the limit of calls a minute that was crossed; 0 where a fault forced the answer.
func LimitOf(ctx context.Context) int {
	n, _ := ctx.Value(limitKey{}).(int)
	return n
}

// WithGrant returns a context that carries a grant: for tests that call a Company directly.
func WithGrant(ctx context.Context, g Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// Options are the flags of a sandbox.
type Options struct {
	// Listen is the address; "" means a free port of 127.0.0.1.
	Listen string
	// Data is "none", "demo" or a folder; "" means none.
	Data string
	// Faults are what goes wrong, and when.
	Faults []Fault
	// Rate is the limit of calls a minute to one endpoint; 0 means the system's own, negative none.
	Rate int
	// Set holds values for System.Settings.
	Set map[string]string
	// Redirects are the only addresses to which a consent may return; empty means any loopback address.
	Redirects []string
	// LogFile gets one JSON object a call; "" means no file.
	LogFile string
	// StateFile is read at the start where it exists, and kept so that a kill loses nothing that was answered; "" means no state is
	// kept. A journal stands beside it while the sandbox runs.
	StateFile string
	// Live is the time after which something new happens in the company by itself, again and again; 0 means never.
	Live time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}
