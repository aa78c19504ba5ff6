package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter is the smallest company: POST /things adds one, GET tells how many there are.
type counter struct{ N int }

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		c.N++
		w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprintf(w, `{"n":%d,"path":%q,"scopes":%q}`, c.N, r.URL.Path, strings.Join(GrantOf(r.Context()).Scopes, " "))
}
func (c *counter) Snapshot() ([]byte, error) { return json.Marshal(c) }
func (c *counter) Restore(data []byte) error { return json.Unmarshal(data, c) }

// testRefreshLife is how long a refresh token of the test's system is good.
const testRefreshLife = 100 * time.Hour

func testSystem() System {
	return System{
		Name: "test", BasePath: "/api/v1", AuthorizePath: "/connect/authorize", TokenPath: "/api/v1/token", RevokePath: "/api/v1/revocation", CompanyID: "DEMO",
		RefreshLife: testRefreshLife,
		Settings: []Setting{
			{Key: "country", Default: "NL", Values: []string{"NL", "SE"}},
			{Key: "dialect", Default: "default", Values: []string{"default", "odd"}, List: true},
			{Key: "years", Default: "2026", Check: func(s string) error {
				if s == "" {
					return errors.New("must not be empty")
				}
				return nil
			}},
		},
		Scopes: []string{"read", "offline"}, KnownScopes: []string{"read", "write", "offline"}, OfflineScope: "offline", TokenLife: time.Hour,
		ObjectOf: func(r *http.Request, _ []byte) string { return r.URL.Query().Get("object") },
		New:      func(Env) (Company, error) { return &counter{}, nil },
	}
}

// clock is a settable clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// client talks to a running sandbox; connections are not kept, so that a dropped one is never retried behind our back.
type client struct {
	t    *testing.T
	run  *Running
	http *http.Client
}

func start(t *testing.T, opts Options) *client {
	t.Helper()
	run, err := Start(t.Context(), testSystem(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	return &client{t, run, &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

func (a answer) field(name string) string {
	var m map[string]any
	json.Unmarshal([]byte(a.body), &m)
	s, _ := m[name].(string)
	return s
}

func (c *client) do(req *http.Request) answer {
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(body), resp.Header, err}
}

func (c *client) call(method, path, token string) answer {
	req, err := http.NewRequest(method, c.run.Info.BaseURL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return c.do(req)
}

func (c *client) token(form url.Values) answer {
	form = cloneValues(form)
	if !form.Has("client_id") {
		form.Set("client_id", c.run.Info.ClientID)
		form.Set("client_secret", c.run.Info.ClientSecret)
	}
	req, _ := http.NewRequest(http.MethodPost, c.run.Info.TokenURL, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return c.do(req)
}

func cloneValues(v url.Values) url.Values {
	out := url.Values{}
	for k, s := range v {
		out[k] = s
	}
	return out
}

func (c *client) refresh(token string) answer {
	return c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// access trades the first line's refresh token.
func (c *client) access() string {
	c.t.Helper()
	a := c.refresh(c.run.Info.RefreshToken)
	if a.status != http.StatusOK {
		c.t.Fatalf("refresh: %d %s %v", a.status, a.body, a.err)
	}
	return a.field("access_token")
}

func (c *client) consent(query url.Values) (status int, back *url.URL) {
	c.t.Helper()
	q := url.Values{"response_type": {"code"}, "client_id": {c.run.Info.ClientID}, "redirect_uri": {"http://localhost:9999/cb"}, "state": {"s 1"}}
	for k, v := range query {
		q[k] = v
	}
	req, _ := http.NewRequest(http.MethodGet, c.run.Info.AuthorizeURL+"?"+q.Encode(), nil)
	a := c.do(req)
	back, _ = url.Parse(a.header.Get("Location"))
	return a.status, back
}

func TestUnknownSettingsNameTheNearest(t *testing.T) {
	for _, tc := range []struct {
		set  map[string]string
		want string
	}{
		{map[string]string{"contry": "NL"}, `"country"`},
		{map[string]string{"country": "NO"}, `NL, SE`},
		{map[string]string{"dialect": "default,od"}, `"odd"`},
		{map[string]string{"years": ""}, `must not be empty`},
	} {
		_, err := Start(t.Context(), testSystem(), Options{Set: tc.set})
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v, want a usage error with %s", tc.set, err, tc.want)
		}
	}
	c := start(t, Options{Set: map[string]string{"dialect": "odd, default"}})
	if !(Env{Set: c.run.server.set}).Has("dialect", "odd") {
		t.Error("a list is not split at its commas")
	}
}

func TestCallsReachTheCompany(t *testing.T) {
	c := start(t, Options{})
	tok := c.access()
	a := c.call("POST", "/Things?x=1", tok)
	if a.status != http.StatusCreated || a.body != `{"n":1,"path":"/Things","scopes":"read offline"}` {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := c.call("GET", "/things", "wrong"); a.status != http.StatusUnauthorized {
		t.Errorf("a wrong token gave %d", a.status)
	}
	req, _ := http.NewRequest("GET", strings.Replace(c.run.Info.BaseURL, "/api/v1", "/API/V1", 1), nil)
	req.Header.Set("Authorization", "bearer "+tok)
	if a := c.do(req); a.status != http.StatusOK || !strings.Contains(a.body, `"path":"/"`) {
		t.Errorf("the base path in another case gave %d %s", a.status, a.body)
	}
	req, _ = http.NewRequest("GET", strings.TrimSuffix(c.run.Info.BaseURL, "/api/v1")+"/api/v10/things", nil)
	req.Header.Set("Authorization", "Bearer "+tok)
	if a := c.do(req); a.status != http.StatusNotFound {
		t.Errorf("a path outside gave %d", a.status)
	}
	big, _ := http.NewRequest("POST", c.run.Info.BaseURL+"/things", strings.NewReader(strings.Repeat("x", maxBody+1)))
	big.Header.Set("Authorization", "Bearer "+tok)
	if a := c.do(big); a.err == nil && a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large gave %d", a.status)
	}
}

func TestRateLimitSlides(t *testing.T) {
	ck := newClock()
	c := start(t, Options{Rate: 2, Now: ck.now})
	tok := c.access()
	get := func(path string) int { return c.call("GET", path, tok).status }
	id := "/orders/0f0e0d0c-0b0a-0908-0706-050403020100"
	if get(id+"?a=1") != 200 || get("/orders/17") != 200 {
		t.Fatal("calls within the limit were refused")
	}
	if get("/orders/18") != 429 {
		t.Error("one endpoint's ids must share the limit")
	}
	if get("/orders") != 200 {
		t.Error("another endpoint must have a limit of its own")
	}
	ck.advance(59 * time.Second)
	if get("/orders/18") != 429 {
		t.Error("the window must be 60 seconds")
	}
	ck.advance(time.Second)
	if get("/orders/18") != 200 {
		t.Error("after 60 seconds the call must go through")
	}
	l := &rateLimiter{limit: 1, now: ck.now, calls: map[string][]time.Time{}}
	l.take("c", "/x")
	ck.advance(20 * time.Second)
	if wait, ok := l.take("c", "/x"); ok || wait != 40*time.Second {
		t.Errorf("wait %v, %v; want 40s", wait, ok)
	}
	if _, ok := l.take("d", "/x"); !ok {
		t.Error("another client must have a limit of its own")
	}
}

func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := start(t, Options{LogFile: path, Faults: []Fault{{Match: "get /api/v1/things", Object: "a", Do: "status:503"}}})
	tok := c.access()
	c.call("GET", "/things?object=A&q=%20x", tok)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	var last map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v: %s", len(lines), err, data)
	}
	delete(last, "time")
	want := map[string]any{"method": "GET", "path": "/api/v1/things?object=A&q=%20x", "object": "A", "status": 503.0, "fault": "status:503"}
	if fmt.Sprint(last) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", last, want)
	}
	if strings.Contains(string(data), tok) || strings.Contains(string(data), c.run.Info.ClientSecret) {
		t.Error("the log holds a secret")
	}
}

func TestLogInMemoryIsBounded(t *testing.T) {
	l := &requestLog{}
	for i := range keptCalls + 3 {
		l.add(Call{Status: i})
	}
	all := l.all()
	if len(all) != keptCalls || all[0].Status != 3 || all[len(all)-1].Status != keptCalls+2 {
		t.Errorf("%d calls, from %d to %d", len(all), all[0].Status, all[len(all)-1].Status)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	c := start(t, Options{StateFile: path})
	first := c.refresh(c.run.Info.RefreshToken)
	c.call("POST", "/things", first.field("access_token"))
	info := c.run.Info
	if err := c.run.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v %v", st, err)
	}
	c = start(t, Options{StateFile: path})
	if c.run.Info.ClientSecret != info.ClientSecret || c.run.Info.RefreshToken == info.RefreshToken {
		t.Error("the client must stay and the first line's chain must be a new one")
	}
	if a := c.call("GET", "/things", first.field("access_token")); !strings.Contains(a.body, `"n":1`) {
		t.Errorf("after the restart: %d %s", a.status, a.body)
	}
	if a := c.refresh(info.RefreshToken); a.status != 400 {
		t.Errorf("a spent token works after a restart: %d", a.status)
	}
	if a := c.refresh(first.field("refresh_token")); a.status != 200 {
		t.Errorf("the stored token is lost: %d %s", a.status, a.body)
	}
	c.run.Close()
	_, err := Start(t.Context(), testSystem(), Options{StateFile: path, Set: map[string]string{"country": "SE"}})
	if err == nil || !strings.Contains(err.Error(), "other --set values") {
		t.Errorf("the state of another company was taken: %v", err)
	}
	os.WriteFile(path, []byte("{"), 0o600)
	if _, err := Start(t.Context(), testSystem(), Options{StateFile: path}); err == nil {
		t.Error("a broken state file was taken")
	}
}

func TestMainPrintsInfoFirstAndStops(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var stderr strings.Builder
	done := make(chan int, 1)
	go func() {
		done <- Main(ctx, testSystem(), []string{"--set", "country=SE", "--redirect", "http://localhost:1/cb", "--state", state}, in, &stderr)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	var info map[string]string
	if err := json.Unmarshal([]byte(line), &info); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"base_url", "authorize_url", "token_url", "client_id", "client_secret", "refresh_token", "company"} {
		if info[k] == "" {
			t.Errorf("the first line lacks %s: %s", k, line)
		}
	}
	if !strings.HasSuffix(info["base_url"], "/api/v1") || !strings.HasPrefix(info["base_url"], "http://127.0.0.1:") {
		t.Errorf("base_url %s", info["base_url"])
	}
	cancel()
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Main did not stop")
	}
	if _, err := os.Stat(state); err != nil {
		t.Error("no state was saved:", err)
	}
}

func TestMainRefusesWrongUsage(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults")
	for _, tc := range []struct {
		args   []string
		faults string
		want   string
	}{
		{[]string{"--lisen", ":0"}, "", "--listen"},
		{[]string{"--set", "contry=NL"}, "", `"country"`},
		{[]string{"--set", "country"}, "", "KEY=VALUE"},
		{[]string{"--data", "/does/not/exist"}, "", "folder"},
		{[]string{"extra"}, "", "extra"},
		{[]string{"--listen", "300.0.0.1:1"}, "", "--listen"},
		{[]string{"--faults", faults}, `[{"match":"POST /x","do":"stats:503"}]`, `"status"`},
		{[]string{"--faults", faults}, `[{"match":"POST /x","doo":"drop"}]`, `"do"`},
		{[]string{"--faults", faults}, `[{"match":"/x","do":"drop"}]`, "method and a path"},
		{[]string{"--faults", faults}, `[{"match":"GET /x","do":"late:soon"}]`, "duration"},
		{[]string{"--faults", faults}, `[{"match":"GET /x","do":"drop:1"}]`, "no argument"},
		{[]string{"--faults", faults}, `{}`, "list"},
		{[]string{"--faults", faults + "x"}, "", "--faults"},
	} {
		os.WriteFile(faults, []byte(tc.faults), 0o600)
		var stdout, stderr strings.Builder
		if code := Main(t.Context(), testSystem(), tc.args, &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), tc.want) || stdout.Len() > 0 {
			t.Errorf("%v %s: exit %d, %q; want 2 and %s", tc.args, tc.faults, code, stderr.String(), tc.want)
		}
	}
	var stderr strings.Builder
	if code := Main(t.Context(), testSystem(), []string{"--help"}, io.Discard, &stderr); code != 0 || !strings.Contains(stderr.String(), "country") {
		t.Errorf("--help: exit %d, %s", code, stderr.String())
	}
}

func TestASandboxEndsWithItsParent(t *testing.T) {
	var mu sync.Mutex
	parent := 100
	done := make(chan struct{})
	go func() {
		waitForEnd(t.Context(), func() int { mu.Lock(); defer mu.Unlock(); return parent })
		close(done)
	}()
	select {
	case <-done:
		t.Fatal("ended while its parent lives")
	case <-time.After(parentPoll + 200*time.Millisecond):
	}
	mu.Lock()
	parent = 1
	mu.Unlock()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		t.Fatal("outlived its parent")
	}
}

// lively is a company in which something happens twice.
type lively struct {
	counter
	turns chan int
}

func (l *lively) Live(n int) error {
	l.turns <- n
	if n == 2 {
		return errors.New("that was all")
	}
	return nil
}

// TestLive: things happen by themselves until there are no more, and a sandbox that stops waits for the one under way.
func TestLive(t *testing.T) {
	l := &lively{turns: make(chan int, 10)}
	sys := testSystem()
	sys.New = func(Env) (Company, error) { return l, nil }
	run, err := Start(t.Context(), sys, Options{Live: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := <-l.turns, <-l.turns; a != 1 || b != 2 {
		t.Errorf("turns %d and %d", a, b)
	}
	if err := run.Close(); err != nil {
		t.Error(err)
	}
	if len(l.turns) != 0 {
		t.Error("it went on after its end")
	}
	if _, err := parseFlags(sys, []string{"--live", "1ms"}, io.Discard); err == nil {
		t.Error("--live 1ms is taken")
	}
}
