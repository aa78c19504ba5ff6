package token

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory keeps secrets; fail makes the next PutSecrets fail, as a full disk or a kill before the commit would.
type memory struct {
	mu      sync.Mutex
	secrets map[string]string
	fail    error
	puts    int
}

func (m *memory) Secrets(context.Context, string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.secrets), nil
}

func (m *memory) PutSecrets(_ context.Context, _ string, set map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fail; err != nil {
		m.fail = nil
		return err
	}
	m.puts++
	for k, v := range set {
		if v == "" {
			delete(m.secrets, k)
		} else {
			m.secrets[k] = v
		}
	}
	return nil
}

func (m *memory) get(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.secrets[name]
}

// identity is an identity server with one chain of refresh tokens: each is good once.
type identity struct {
	mu      sync.Mutex
	good    string
	n       int
	trades  atomic.Int64
	life    any
	before  func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	after   func(w http.ResponseWriter, r *http.Request) bool // the trade is done, its answer is not sent yet
	forgive string                                            // an old token that is taken all the same
	basic   bool
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.trades.Add(1)
	i.mu.Lock()
	before := i.before
	i.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	if i.basic {
		if id != "" || secret != "" {
			fail(w, 400, "invalid_request")
			return
		}
		u, p, _ := r.BasicAuth()
		id, _ = url.QueryUnescape(u)
		secret, _ = url.QueryUnescape(p)
	}
	if r.Method != http.MethodPost || r.PostFormValue("grant_type") != "refresh_token" || id != "the id" || secret != "the s+cret/" {
		fail(w, 401, "invalid_client")
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if given := r.PostFormValue("refresh_token"); given != i.good && (given != i.forgive || given == "") {
		fail(w, 400, "invalid_grant")
		return
	}
	i.n++
	i.good = fmt.Sprint("refresh-", i.n)
	if i.after != nil && i.after(w, r) {
		return
	}
	life := i.life
	if life == nil {
		life = 3600
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":"access-%d","token_type":"Bearer","expires_in":%v,"refresh_token":"%s"}`, i.n, life, i.good)
}

// change alters the server while it serves.
func (i *identity) change(f func(i *identity)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f(i)
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q,"error_description":"token %s or secret %s is wrong"}`, code, "refresh-0", "the s+cret/")
}

type bench struct {
	*Keeper
	memory   *memory
	identity *identity
	settings connector.Settings
	clock    atomic.Int64 // seconds that have passed
	server   *httptest.Server
}

func description() connector.Description {
	return connector.Description{Name: "shop", HostSettings: []string{"base_url", "token_url"}, OAuth: &connector.OAuth{
		BaseSetting: "base_url", AuthorizeSetting: "authorize_url", TokenSetting: "token_url", Style: "body",
		DefaultAuthorizePath: "/connect/authorize", DefaultTokenPath: "/connect/token",
		VendorBase: "https://api.vendor.example/v2", VendorAuthorizeURL: "https://id.vendor.example/authorize", VendorTokenURL: "https://id.vendor.example/token",
		Environments: []connector.Environment{{Base: "https://api-test.vendor.example/v2", AuthorizeURL: "https://id-test.vendor.example/authorize",
			TokenURL: "https://id-test.vendor.example/token"}},
		RefreshLife: 100 * 24 * time.Hour, RefreshEnds: "the password changes",
	}}
}

func newBench(t *testing.T, change ...func(*bench, *Options)) *bench {
	t.Helper()
	b := &bench{identity: &identity{good: "refresh-0"}, memory: &memory{secrets: map[string]string{ClientID: "the id", ClientSecret: "the s+cret/"}}}
	b.server = httptest.NewServer(b.identity)
	b.settings = connector.Settings{"base_url": b.server.URL + "/v2"}
	start := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	opts := Options{Backoff: time.Millisecond, Now: func() time.Time { return start.Add(time.Duration(b.clock.Load()) * time.Second) }}
	for _, c := range change {
		c(b, &opts)
	}
	b.Keeper = b.keeper(opts)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		b.server.Close()
	})
	if _, err := b.Seed(t.Context(), "shop", "refresh-0"); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) keeper(opts Options) *Keeper {
	return NewKeeper(b.memory, func(context.Context, string) (connector.Description, connector.Settings, error) {
		d := description()
		if b.identity.basic {
			d.OAuth.Style = "header"
		}
		return d, b.settings, nil
	}, opts)
}

func (b *bench) want(t *testing.T, rejected, want string) {
	t.Helper()
	got, err := b.Token(t.Context(), "shop", rejected)
	if err != nil || got != want {
		t.Fatalf("Token(rejected %q) = %q, %v; want %q", rejected, got, err, want)
	}
}

func (b *bench) wantTrades(t *testing.T, n int64) {
	t.Helper()
	if got := b.identity.trades.Load(); got != n {
		t.Errorf("%d trades, want %d", got, n)
	}
}

// wantError also proves that no secret is in the error.
func (b *bench) wantError(t *testing.T, cause connector.Cause, contains ...string) *connector.Error {
	t.Helper()
	got, err := b.Token(t.Context(), "shop", "")
	var e *connector.Error
	if got != "" || !errors.As(err, &e) || e.Cause != cause {
		t.Fatalf("Token = %q, %v; want cause %s", got, err, cause)
	}
	if e.Retryable == (cause == connector.CauseCredentials) {
		t.Errorf("retryable is %v for %s", e.Retryable, cause)
	}
	text := fmt.Sprintf("%v %+v %s", err, *e, e.Remedy)
	for _, c := range append(contains, "shop") {
		if !strings.Contains(text, c) {
			t.Errorf("error %q does not say %q", text, c)
		}
	}
	for _, secret := range []string{"refresh-0", "refresh-1", "the s+cret/", "access-1"} {
		if strings.Contains(text, secret) {
			t.Errorf("error %q shows the secret %q", text, secret)
		}
	}
	return e
}

func TestTokenIsTradedOnceAndRotates(t *testing.T) {
	for _, basic := range []bool{false, true} {
		b := newBench(t, func(b *bench, _ *Options) { b.identity.basic = basic })
		b.want(t, "", "access-1")
		b.want(t, "", "access-1")
		b.want(t, "some older token", "access-1")
		b.wantTrades(t, 1)
		if b.memory.get(RefreshToken) != "refresh-1" || b.memory.get(PreviousRefresh) != "refresh-0" || b.memory.get(AccessToken) != "access-1" {
			t.Errorf("stored: %v", b.memory.secrets)
		}
		b.want(t, "access-1", "access-2")
		b.want(t, "access-1", "access-2") // a late report of the old token costs nothing
		b.wantTrades(t, 2)
		b.clock.Add(3600 - 61)
		b.want(t, "", "access-2")
		b.clock.Add(2)
		b.want(t, "", "access-3")
		b.wantTrades(t, 3)
	}
}

func TestFiftyCallersOneTrade(t *testing.T) {
	b := newBench(t, func(b *bench, _ *Options) {
		b.identity.before = func(http.ResponseWriter, *http.Request) bool { time.Sleep(20 * time.Millisecond); return false }
	})
	for round, rejected := range []string{"", "access-1"} {
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				got, err := b.Token(t.Context(), "shop", rejected)
				if want := fmt.Sprint("access-", round+1); err != nil || got != want {
					t.Errorf("Token = %q, %v; want %q", got, err, want)
				}
			})
		}
		group.Wait()
		b.wantTrades(t, int64(round+1))
	}
}

func TestRestartUsesWhatIsStored(t *testing.T) {
	b := newBench(t)
	b.want(t, "", "access-1")
	again := b.keeper(b.opts)
	defer again.Close()
	if got, err := again.Token(t.Context(), "shop", ""); got != "access-1" || err != nil {
		t.Errorf("after a restart: %q, %v", got, err)
	}
	b.wantTrades(t, 1)
	if got, err := again.Token(t.Context(), "shop", "access-1"); got != "access-2" || err != nil {
		t.Errorf("after a restart and a refusal: %q, %v", got, err)
	}
	// The first keeper, as on another host, learns of it from the store instead of trading again.
	b.want(t, "access-1", "access-2")
	b.wantTrades(t, 2)
}

func TestNobodyGetsATokenBeforeItIsStored(t *testing.T) {
	b := newBench(t)
	b.memory.fail = &store.Error{Code: store.CodeDiskFull, Message: "the disk is full"}
	e := b.wantError(t, connector.CauseUnavailable, "could not be stored", "disk is full")
	if store.CodeOf(e) != store.CodeDiskFull {
		t.Errorf("the cause is lost: %v", e)
	}
	if b.memory.get(RefreshToken) != "refresh-0" || b.memory.get(AccessToken) != "" {
		t.Errorf("stored: %v", b.memory.secrets)
	}
	b.want(t, "", "access-1") // stored late, not traded again
	b.wantTrades(t, 1)
	if b.memory.get(RefreshToken) != "refresh-1" {
		t.Errorf("stored: %v", b.memory.secrets)
	}
}

// The process dies between answer and store: the old token is spent and the next one gone. Only a new seed helps, and it does.
func TestCrashBetweenAnswerAndStore(t *testing.T) {
	b := newBench(t)
	b.memory.fail = errors.New("killed")
	b.wantError(t, connector.CauseUnavailable)
	after := b.keeper(b.opts) // what was in memory is gone
	defer after.Close()
	b.Close()
	b.Keeper = after
	b.wantError(t, connector.CauseCredentials, "refresh_token", "pomost apply")
	b.wantTrades(t, 2)
	b.wantError(t, connector.CauseCredentials, "refresh_token", "pomost apply") // believed for a while
	b.wantTrades(t, 2)

	b.identity.change(func(i *identity) { i.good = "a new seed" })
	if taken, err := b.Seed(t.Context(), "shop", "refresh-0"); taken || err != nil {
		t.Errorf("the same seed again: taken %v, %v", taken, err)
	}
	b.wantError(t, connector.CauseCredentials)
	if taken, err := b.Seed(t.Context(), "shop", "a new seed"); !taken || err != nil {
		t.Errorf("a new seed: taken %v, %v", taken, err)
	}
	b.want(t, "", "access-2")
}

func TestRefusalIsAskedAgainLater(t *testing.T) {
	b := newBench(t)
	b.identity.change(func(i *identity) { i.good = "another" })
	b.wantError(t, connector.CauseCredentials)
	b.identity.change(func(i *identity) { i.good = "refresh-0" })
	b.wantError(t, connector.CauseCredentials)
	b.clock.Add(61)
	b.want(t, "", "access-1")
}

func TestTokenBeforeIsTriedOnce(t *testing.T) {
	b := newBench(t)
	b.want(t, "", "access-1") // stored: refresh-1 and before it refresh-0
	b.identity.change(func(i *identity) { i.good, i.forgive = "unknown to us", "refresh-0" })
	b.want(t, "access-1", "access-2")
	b.wantTrades(t, 3)
	b.identity.change(func(i *identity) { i.forgive = "" })
	b.want(t, "access-2", "access-3")
	b.wantTrades(t, 4)
}

func TestTroubleOnTheWay(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
		return true
	}
	html := func(status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			fmt.Fprint(w, `<html>{"access_token":"x"}</html>`)
			return true
		}
	}
	text := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		cause  connector.Cause
		says   string
		trades int64
	}{
		"connection lost":       {hangUp, connector.CauseUnavailable, "does not answer", attempts},
		"html 502":              {html(502), connector.CauseUnavailable, "status 502", attempts},
		"html 200":              {html(200), connector.CauseUnavailable, "status 200", attempts},
		"html 401":              {html(401), connector.CauseUnavailable, "status 401", attempts},
		"not found":             {text(404, `nothing here`), connector.CauseUnavailable, "token_url", attempts},
		"json 500":              {text(500, `{"error":"invalid_grant"}`), connector.CauseUnavailable, "status 500", attempts},
		"empty 200":             {text(200, ``), connector.CauseUnavailable, "status 200", attempts},
		"no token":              {text(200, `{"token_type":"Bearer"}`), connector.CauseUnavailable, "status 200", attempts},
		"too large":             {text(200, `{"access_token":"`+strings.Repeat("x", maxAnswer)), connector.CauseUnavailable, "larger", attempts},
		"busy":                  {text(400, `{"error":"temporarily_unavailable"}`), connector.CauseUnavailable, "temporarily_unavailable", attempts},
		"rate limited":          {text(429, `{}`), connector.CauseRateLimited, "allows no more", 1},
		"wrong client":          {text(401, `{"error":"invalid_client"}`), connector.CauseCredentials, "client_secret", 1},
		"wrong client, no body": {text(401, ``), connector.CauseCredentials, "client_secret", 1},
		"bad request":           {text(400, `{"error":"invalid_scope"}`), connector.CauseCredentials, "invalid_scope", 1},
		"code of its own":       {text(400, `{"error":"refresh-0 <b>"}`), connector.CauseCredentials, "an error of its own", 1},
		"redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return true
		}, connector.CauseUnavailable, "status 307", attempts},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(b *bench, _ *Options) { b.identity.before = tt.answer })
			b.wantError(t, tt.cause, tt.says)
			b.wantTrades(t, tt.trades)
			if b.memory.get(RefreshToken) != "refresh-0" {
				t.Errorf("the refresh token was lost: %v", b.memory.secrets)
			}
			b.identity.change(func(i *identity) { i.before = nil })
			b.clock.Add(61)
			b.want(t, "", "access-1")
		})
	}
}

func TestShortTroubleIsOvercome(t *testing.T) {
	b := newBench(t)
	b.identity.change(func(i *identity) {
		i.before = func(w http.ResponseWriter, _ *http.Request) bool {
			if i.trades.Load() > 2 {
				return false
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
	})
	b.want(t, "", "access-1")
	b.wantTrades(t, 3)
}

// The window that no client can close, seen from outside.
func TestLostAnswer(t *testing.T) {
	b := newBench(t)
	b.identity.change(func(i *identity) {
		i.after = func(w http.ResponseWriter, _ *http.Request) bool {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				conn.Close()
			}
			return true
		}
	})
	b.wantError(t, connector.CauseCredentials, "no longer accepts the refresh token", "pomost apply")
}

// A caller that goes away leaves the trade running: its answer is stored and serves the next one.
func TestCallerLeaves(t *testing.T) {
	arrived, leave := make(chan bool), make(chan bool)
	b := newBench(t, func(b *bench, _ *Options) {
		b.identity.before = func(http.ResponseWriter, *http.Request) bool { arrived <- true; <-leave; return false }
	})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { _, err := b.Token(ctx, "shop", ""); gone <- err }()
	<-arrived
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left got %v", err)
	}
	close(leave)
	b.want(t, "", "access-1")
	b.wantTrades(t, 1)
}

func TestCloseWaitsForTheAnswer(t *testing.T) {
	arrived, leave := make(chan bool), make(chan bool)
	b := newBench(t, func(b *bench, _ *Options) {
		b.identity.before = func(http.ResponseWriter, *http.Request) bool { arrived <- true; <-leave; return false }
	})
	go b.Token(t.Context(), "shop", "")
	<-arrived
	closed := make(chan error)
	go func() { closed <- b.Close() }()
	select {
	case <-closed:
		t.Fatal("closed while a trade was under way")
	case <-time.After(30 * time.Millisecond):
	}
	close(leave)
	<-closed
	if b.memory.get(RefreshToken) != "refresh-1" {
		t.Errorf("the answer was not stored: %v", b.memory.secrets)
	}
	if _, err := b.Token(t.Context(), "shop", ""); err == nil {
		t.Error("a closed keeper gave a token")
	}
}

func TestLives(t *testing.T) {
	for life, after := range map[any]int64{30: 16, `"7200"`: 7141, "null": 541, "7200.0": 7141, `"soon"`: 541, -5: 541, 1_000_000_000_000_000: int64(maxLife/time.Second) - 59} {
		b := newBench(t, func(b *bench, _ *Options) { b.identity.life = life })
		b.want(t, "", "access-1")
		b.clock.Add(after - 2)
		b.want(t, "", "access-1")
		b.clock.Add(2)
		b.want(t, "", "access-2")
	}
}
