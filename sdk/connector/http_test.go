package connector

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeHost hands out tokens t1, t2 … and keeps what it is told.
type fakeHost struct {
	mu        sync.Mutex
	n         int
	refuse    error
	exchanges []Exchange
	waits     []time.Duration
}

func (h *fakeHost) Token(_ context.Context, rejected string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil && rejected != "" {
		return "", h.refuse
	}
	if h.n == 0 || rejected == "t"+strconv.Itoa(h.n) {
		h.n++
	}
	return "t" + strconv.Itoa(h.n), nil
}

func (h *fakeHost) Exchange(ctx context.Context, x Exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() == nil {
		h.exchanges = append(h.exchanges, x)
	}
}

func (h *fakeHost) Progress(_ context.Context, p Progress) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = append(h.waits, p.Wait)
}

// server answers the n-th request (from 1) with handle.
func server(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) (*HTTP, *fakeHost, string, *atomic.Int32) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(int(n.Add(1)), w, r) }))
	t.Cleanup(s.Close)
	host := &fakeHost{}
	h := NewHTTP(host)
	t.Cleanup(h.Close)
	h.Attempts = 2
	return h, host, s.URL, &n
}

func hijack(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func causeOf(err error) Cause {
	var e *Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return ""
}

func TestDoReads(t *testing.T) {
	ok := func(w http.ResponseWriter) { io.WriteString(w, `{"a":1}`) }
	fail := map[string]func(w http.ResponseWriter){
		"503":    func(w http.ResponseWriter) { w.WriteHeader(503) },
		"closed": hijack,
		"cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		},
		"401": func(w http.ResponseWriter) { w.WriteHeader(401) },
		"429": func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) },
	}
	for name, how := range fail {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, host, url, n := server(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					how(w)
					return
				}
				ok(w)
			})
			resp, err := h.Do(t.Context(), Request{Method: "GET", URL: url})
			if err != nil || string(resp.Body) != `{"a":1}` {
				t.Fatalf("%v, %v", resp, err)
			}
			if n.Load() != 2 || len(host.exchanges) != 2 {
				t.Errorf("%d requests, %d reports, want 2", n.Load(), len(host.exchanges))
			}
			if name == "401" && host.n != 2 {
				t.Error("no fresh token after 401")
			}
		})
	}
}

func TestDoReadGivesUp(t *testing.T) {
	h, _, url, n := server(t, func(_ int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(502); io.WriteString(w, "<html>") })
	resp, err := h.Do(t.Context(), Request{Method: "GET", URL: url + "/x?secret=1"})
	if causeOf(err) != CauseUnavailable || resp == nil || resp.Status != 502 || n.Load() != 2 {
		t.Errorf("%+v, %v after %d requests; want unavailable with the answer after 2", resp, err, n.Load())
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error repeats the query: %v", err)
	}
}

// A write is sent once; only what proves that nothing was done lets it be sent again.
func TestDoWrites(t *testing.T) {
	cases := []struct {
		name     string
		first    func(w http.ResponseWriter)
		cause    Cause // "" is success at the second request
		requests int32
	}{
		{"503", func(w http.ResponseWriter) { w.WriteHeader(503) }, CauseUnknownOutcome, 1},
		{"closed", hijack, CauseUnknownOutcome, 1},
		{"cut", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9"); io.WriteString(w, "x") }, CauseUnknownOutcome, 1},
		{"401", func(w http.ResponseWriter) { w.WriteHeader(401) }, "", 2},
		{"429", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) }, "", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, _, url, n := server(t, func(n int, w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) != "{}" {
					t.Errorf("request %d has body %q", n, body)
				}
				if n == 1 {
					c.first(w)
				}
			})
			_, err := h.Do(t.Context(), Request{Method: "POST", URL: url, Body: []byte("{}"), Write: true})
			if causeOf(err) != c.cause || n.Load() != c.requests {
				t.Errorf("%v after %d requests, want %q after %d", err, n.Load(), c.cause, c.requests)
			}
		})
	}
}

// A write on an idle connection that the far side has closed must not be doubled by net/http, nor be lost silently.
func TestDoWriteOnStaleConnection(t *testing.T) {
	var posts atomic.Int32
	h, _, url, _ := server(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			posts.Add(1)
			hijack(w)
		}
	})
	for range 5 {
		if _, err := h.Do(t.Context(), Request{Method: "GET", URL: url}); err != nil {
			t.Fatal(err)
		}
		posts.Store(0)
		if _, err := h.Do(t.Context(), Request{Method: "POST", URL: url, Body: []byte("{}"), Write: true}); causeOf(err) != CauseUnknownOutcome {
			t.Errorf("%v, want unknown outcome", err)
		}
		if posts.Load() != 1 {
			t.Errorf("%d posts arrived, want 1", posts.Load())
		}
	}
}

func TestDoNothingSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	h := NewHTTP(&fakeHost{})
	h.Attempts = 2
	_, err = h.Do(t.Context(), Request{Method: "POST", URL: url, Body: []byte("{}"), Write: true})
	if causeOf(err) != CauseUnavailable {
		t.Errorf("nobody listens: %v, want unavailable: nothing can have been done", err)
	}
}

func TestDoNotAfter(t *testing.T) {
	h, host, url, n := server(t, func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	})
	for _, limiter := range []*Limiter{nil, exhausted()} {
		h.Limiter = limiter
		start := time.Now()
		_, err := h.Do(t.Context(), Request{Method: "POST", URL: url, Write: true, NotAfter: time.Now().Add(-time.Second)})
		if causeOf(err) != CauseUnavailable || n.Load() != 0 {
			t.Errorf("past not-after: %v after %d requests", err, n.Load())
		}
		if time.Since(start) > time.Second {
			t.Error("it waited for something that it could not do any more")
		}
	}
	// A limit that outlasts the time does not wait it out either.
	_, err := h.Do(t.Context(), Request{Method: "POST", URL: url, Write: true, NotAfter: time.Now().Add(100 * time.Millisecond)})
	if causeOf(err) != CauseUnavailable || n.Load() != 0 {
		t.Errorf("limit beyond not-after: %v after %d requests", err, n.Load())
	}
	h.Limiter = nil
	_, err = h.Do(t.Context(), Request{Method: "POST", URL: url, Write: true, NotAfter: time.Now().Add(time.Minute)})
	if causeOf(err) != CauseRateLimited || n.Load() != 1 {
		t.Errorf("429 beyond not-after: %v after %d requests", err, n.Load())
	}
	if len(host.waits) > 1 {
		t.Errorf("waits %v", host.waits)
	}
}

func exhausted() *Limiter {
	l := NewLimiter(1, time.Hour)
	l.reserve("")
	return l
}

func TestDoBoundsWaiting(t *testing.T) {
	h, _, url, _ := server(t, func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(429)
	})
	h.MaxWait = 600 * time.Millisecond
	if _, err := h.Do(t.Context(), Request{Method: "GET", URL: url}); causeOf(err) != CauseRateLimited {
		t.Errorf("%v, want rate limited", err)
	}
	h.Limiter = exhausted()
	if _, err := h.Do(t.Context(), Request{Method: "GET", URL: url}); causeOf(err) != CauseRateLimited {
		t.Errorf("%v, want rate limited by our own limit", err)
	}
}

func TestRetryAfter(t *testing.T) {
	h := NewHTTP(&fakeHost{})
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h.now = func() time.Time { return now }
	for text, want := range map[string]time.Duration{
		"": 10 * time.Second, "7": 7 * time.Second, "-3": 10 * time.Second, "1m": 10 * time.Second,
		"Mon, 23 Nov 2026 12:00:30 GMT": 30 * time.Second, "Mon, 23 Nov 2026 11:00:00 GMT": 0,
	} {
		got, limited := h.limited(&Response{Status: 429, Header: http.Header{"Retry-After": {text}}})
		if !limited || got != want {
			t.Errorf("Retry-After %q: %v, %v, want %v", text, got, limited, want)
		}
	}
}

func TestDoTokenRefused(t *testing.T) {
	h, host, url, n := server(t, func(_ int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	resp, err := h.Do(t.Context(), Request{Method: "GET", URL: url})
	if err != nil || resp.Status != 401 || n.Load() != 2 {
		t.Errorf("401 twice: %v, %v after %d requests, want the answer after 2", resp, err, n.Load())
	}
	host.refuse = &Error{Cause: CauseCredentials, Message: "revoked", Remedy: "consent again"}
	if _, err := h.Do(t.Context(), Request{Method: "POST", URL: url, Write: true}); causeOf(err) != CauseCredentials {
		t.Errorf("%v, want credentials", err)
	}
}

func TestDoCaps(t *testing.T) {
	h, host, url, n := server(t, func(_ int, w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 100_000)) })
	h.MaxBody = 99_999
	if _, err := h.Do(t.Context(), Request{Method: "GET", URL: url}); causeOf(err) != CauseUnavailable || n.Load() != 1 {
		t.Errorf("%v after %d requests, want unavailable after 1: asking again would bring the same", err, n.Load())
	}
	if got := len(host.exchanges[0].Response); got != maxExchange {
		t.Errorf("reported %d bytes, want %d", got, maxExchange)
	}
	h.MaxBody = 100_000
	if resp, err := h.Do(t.Context(), Request{Method: "GET", URL: url}); err != nil || len(resp.Body) != 100_000 {
		t.Errorf("a body of exactly the bound: %v", err)
	}
}

func TestDoFollowsNoRedirect(t *testing.T) {
	h, _, url, n := server(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	resp, err := h.Do(t.Context(), Request{Method: "GET", URL: url})
	if err != nil || resp.Status != 302 || n.Load() != 1 {
		t.Errorf("%v, %v: a token must not travel to where an answer points", resp, err)
	}
}

func TestDoEnds(t *testing.T) {
	block := make(chan struct{})
	defer close(block)
	h, host, url, _ := server(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-block:
		case <-r.Context().Done():
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := h.Do(ctx, Request{Method: "POST", URL: url, Body: []byte("{}"), Write: true})
	if causeOf(err) != CauseUnknownOutcome || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want unknown outcome by the deadline", err)
	}
	if len(host.exchanges) != 1 {
		t.Error("the request that was cut off is not reported")
	}
	h.Timeout = 50 * time.Millisecond
	h.Attempts = 1
	if _, err := h.Do(t.Context(), Request{Method: "GET", URL: url}); causeOf(err) != CauseUnavailable {
		t.Errorf("%v, want unavailable after the request's own time", err)
	}
}
