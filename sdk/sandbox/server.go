package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody is the largest request body that is read.
const maxBody = 10 << 20

// maxLate bounds the calls that wait to be done late at one time; one more is dropped for good.
const maxLate = 1000

// server is a running sandbox.
type server struct {
	sys     System
	set     map[string]string
	now     func() time.Time
	auth    *authServer
	rate    *rateLimiter
	faults  *faultBook
	log     *requestLog
	company Company

	// companyMu serialises everything the company does.
	companyMu sync.Mutex
	// journal, generation and still are for --state; still is the company's clock while it does what is written down.
	journal    *journal
	generation int
	still      time.Time

	// ctx ends when the sandbox stops; late calls and delays end with it, and are waited for.
	ctx  context.Context
	stop context.CancelFunc
	late sync.WaitGroup
	slot chan struct{}
}

// Running is a sandbox started by Start.
type Running struct {
	Info Info

	server    *server
	http      *http.Server
	stateFile string
	served    chan error
	closeOnce sync.Once
	closeErr  error
	unhook    func() bool
}

// Start starts a sandbox in this process. It stops when Close is called or ctx ends; Close must be called in any case.
func Start(ctx context.Context, sys System, opts Options) (*Running, error) {
	set, err := fillSettings(sys.Settings, opts.Set)
	if err != nil {
		return nil, err
	}
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	data := opts.Data
	if data == "" {
		data = "none"
	}
	limit := opts.Rate
	if limit == 0 {
		limit = sys.DefaultRate
	}
	s := &server{
		sys: sys, set: set, now: now, auth: newAuthServer(sys, now, opts.Redirects),
		rate: &rateLimiter{limit: limit, now: now, calls: map[string][]time.Time{}}, faults: &faultBook{},
		slot: make(chan struct{}, maxLate),
	}
	if err := s.faults.set(opts.Faults); err != nil {
		return nil, err
	}
	if s.company, err = sys.New(Env{Set: set, Now: s.companyNow, Data: data, CompanyID: sys.CompanyID}); err != nil {
		return nil, fmt.Errorf("%s sandbox: %w", sys.Name, err)
	}
	if opts.StateFile != "" {
		if err := s.loadState(opts.StateFile); err != nil {
			return nil, err
		}
		if err := s.replay(opts.StateFile); err != nil {
			return nil, err
		}
	}
	if s.log, err = openLog(opts.LogFile); err != nil {
		return nil, err
	}
	addr := opts.Listen
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, errors.Join(usagef("--listen %s: %v", addr, err), s.log.close())
	}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	run := &Running{
		server: s, stateFile: opts.StateFile, served: make(chan error, 1),
		http: &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute},
	}
	origin := "http://" + reachable(listener.Addr().(*net.TCPAddr))
	run.Info = Info{
		BaseURL: origin + sys.BasePath, AuthorizeURL: origin + sys.AuthorizePath, TokenURL: origin + sys.TokenPath,
		ClientID: s.auth.clientID, ClientSecret: s.auth.clientSecret, RefreshToken: s.auth.seed(sys.Scopes), Company: sys.CompanyID,
	}
	if opts.StateFile != "" { // from here on nothing is lost, the seed of the first line included
		if err := s.begin(opts.StateFile); err != nil {
			s.stop()
			return nil, errors.Join(err, listener.Close(), s.log.close())
		}
	}
	go func() { run.served <- run.http.Serve(listener) }()
	if lively, ok := s.company.(Lively); ok && opts.Live > 0 {
		s.late.Go(func() { s.liven(lively, opts.Live) })
	}
	run.unhook = context.AfterFunc(ctx, func() { run.close() })
	return run, nil
}

// liven lets something happen in the company at each interval until the sandbox stops, or until the company can think of nothing more.
func (s *server) liven(c Lively, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		s.companyMu.Lock()
		err := s.lives(c, n)
		s.companyMu.Unlock()
		if err != nil {
			return
		}
	}
}

// reachable is the address under which this machine reaches the listener.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	}
	return a.String()
}

// Log returns the calls so far, oldest first (the last 100,000).
func (r *Running) Log() []Call { return r.server.log.all() }

// SetFaults replaces the faults; their counts start anew.
func (r *Running) SetFaults(faults []Fault) error { return r.server.faults.set(faults) }

// Close stops the sandbox: it lets calls in progress end for a moment, gives up late ones, and saves the state. Only the
// first call does something; all return its error.
func (r *Running) Close() error {
	r.unhook()
	return r.close()
}

func (r *Running) close() error {
	r.closeOnce.Do(func() {
		r.server.stop()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if r.http.Shutdown(ctx) != nil {
			r.http.Close()
		}
		err := <-r.served
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		r.server.late.Wait()
		if r.stateFile != "" {
			err = errors.Join(err, r.server.end(r.stateFile))
		}
		r.closeErr = errors.Join(err, r.server.log.close())
	})
	return r.closeErr
}

// ServeHTTP takes a call through faults, rights and limits to whoever answers it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	call := Call{Time: s.now().UTC(), Method: r.Method, Path: r.URL.RequestURI()}
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			call.Status = http.StatusRequestEntityTooLarge
			s.log.add(call)
			http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
		}
		return // else the caller went away while sending
	}
	if s.sys.ObjectOf != nil {
		call.Object = s.sys.ObjectOf(withBody(r.Context(), r, body), body)
	}
	f := s.faults.fire(r.Method, r.URL.Path, call.Object)
	call.Fault = f.name
	if f.revoke {
		s.auth.revoke(r, body)
		_ = s.tokens() // a journal that cannot be written refuses the next change
	}
	if f.delay > 0 && !s.sleep(f.delay) {
		hangUp(w)
		return
	}
	var kind faultKind
	if f.main != nil {
		kind = f.main.kind
	}
	rec := &recorder{header: http.Header{}}
	// What is done is done, whether the caller still listens or not: the handler never sees the caller's own context.
	req := withBody(context.WithoutCancel(r.Context()), r, body)
	switch kind {
	case faultDrop:
		s.log.add(call)
		hangUp(w)
		return
	case faultLate:
		s.log.add(call)
		s.doLate(req, body, f.main.wait) // before hanging up: Close waits for open connections, then for late calls
		hangUp(w)
		return
	case faultStatus:
		s.failWith(rec, req, f.main.status)
	case faultGarbage:
		s.garbage(rec, req)
	case faultExpireToken:
		s.auth.expire(req)
		_ = s.tokens()
		s.route(rec, req)
	default:
		s.route(rec, req)
	}
	call.Status = rec.code()
	s.log.add(call)
	switch kind {
	case faultLostReply:
		hangUp(w)
	case faultTruncate:
		rec.sendHalf(w)
	default:
		rec.send(w)
	}
}

// route finds who answers: the identity server or, for an authorised call within its limit, the company.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.EqualFold(r.URL.Path, s.sys.AuthorizePath):
		s.auth.authorize(w, r)
		_ = s.tokens()
		return
	case s.sys.RevokePath != "" && strings.EqualFold(r.URL.Path, s.sys.RevokePath):
		s.auth.giveBack(w, r)
		_ = s.tokens() // a journal that cannot be written refuses the next change
		return
	case strings.EqualFold(r.URL.Path, s.sys.TokenPath):
		answer := &recorder{header: http.Header{}}
		s.auth.token(answer, r)
		if err := s.tokens(); err != nil {
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
			return
		}
		answer.replay(w)
		return
	}
	rest, ok := below(s.sys.BasePath, r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	grant, ok := s.auth.check(r)
	if !ok {
		s.unauthorized(w, r)
		return
	}
	if wait, ok := s.rate.take(grant.ClientID, r.URL.Path); !ok {
		s.rateLimited(w, r.WithContext(context.WithValue(r.Context(), limitKey{}, s.rate.limit)), wait)
		return
	}
	inner := r.WithContext(WithGrant(r.Context(), grant))
	url := *r.URL
	url.Path, url.RawPath = rest, ""
	inner.URL = &url
	s.companyMu.Lock()
	defer s.companyMu.Unlock()
	s.inCompany(w, inner)
}

// below cuts the base off the path, without case; the rest starts with a slash.
func below(base, path string) (string, bool) {
	if len(path) < len(base) || !strings.EqualFold(path[:len(base)], base) {
		return "", false
	}
	rest := path[len(base):]
	if rest == "" {
		return "/", true
	}
	return rest, rest[0] == '/'
}

func (s *server) unauthorized(w http.ResponseWriter, r *http.Request) {
	if s.sys.Unauthorized != nil {
		s.sys.Unauthorized(w, r)
		return
	}
	http.Error(w, "unauthorized", http.StatusUnauthorized)
}

func (s *server) rateLimited(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	if s.sys.RateLimited != nil {
		s.sys.RateLimited(w, r.WithContext(context.WithValue(r.Context(), settingsKey{}, s.set)), wait)
		return
	}
	http.Error(w, "too many requests", http.StatusTooManyRequests)
}

func (s *server) garbage(w http.ResponseWriter, r *http.Request) {
	if s.sys.Garbage != nil {
		s.sys.Garbage(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusBadGateway)
	io.WriteString(w, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n")
}

// failWith answers a status fault. A forced 429 asks for a second only, so that who obeys it does not wait long.
func (s *server) failWith(w http.ResponseWriter, r *http.Request, status int) {
	switch {
	case status == http.StatusTooManyRequests:
		s.rateLimited(w, r, time.Second)
	case status == http.StatusUnauthorized:
		s.unauthorized(w, r)
	case s.sys.StatusError != nil:
		s.sys.StatusError(w, r, status)
	default:
		http.Error(w, http.StatusText(status), status)
	}
}

// sleep waits in real time (a fault is about the caller's patience, not about the company's clock); false means that
// the sandbox is stopping.
func (s *server) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// doLate does the call after its caller was hung up on.
func (s *server) doLate(r *http.Request, body []byte, wait time.Duration) {
	select {
	case s.slot <- struct{}{}:
	default:
		return
	}
	late := withBody(s.ctx, r, body)
	s.late.Go(func() {
		defer func() { <-s.slot }()
		if s.sleep(wait) {
			s.route(&recorder{header: http.Header{}}, late)
		}
	})
}

func withBody(ctx context.Context, r *http.Request, body []byte) *http.Request {
	c := r.Clone(ctx)
	c.Body = io.NopCloser(bytes.NewReader(body))
	c.ContentLength = int64(len(body))
	return c
}

// hangUp closes the caller's connection without an answer.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// recorder holds an answer until it is known what becomes of it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// replay writes the answer to another writer.
func (r *recorder) replay(w http.ResponseWriter) {
	for k, v := range r.header {
		w.Header()[k] = v
	}
	w.WriteHeader(r.code())
	w.Write(r.body.Bytes())
}

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func (r *recorder) sendHeader(w http.ResponseWriter) {
	for k, v := range r.header {
		w.Header()[k] = v
	}
	if code := r.code(); code != http.StatusNoContent && code != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(r.body.Len()))
	}
	w.WriteHeader(r.code())
}

func (r *recorder) send(w http.ResponseWriter) {
	r.sendHeader(w)
	w.Write(r.body.Bytes())
}

// sendHalf promises the whole body, sends half of it and hangs up.
func (r *recorder) sendHalf(w http.ResponseWriter) {
	r.sendHeader(w)
	w.Write(r.body.Bytes()[:r.body.Len()/2])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}
