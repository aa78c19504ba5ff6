package connector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// HTTP is the client that connectors use: it fetches tokens from the host, keeps limits, repeats what is safe to repeat,
// caps bytes, reports exchanges, and says honestly whether a write may have been done. Safe for concurrent use.
type HTTP struct {
	Host Host
	// Client carries the requests; NewHTTP makes one that follows no redirects.
	Client *http.Client
	// Limiter is asked before each request; nil is no limit.
	Limiter *Limiter
	// MaxBody caps an answer in bytes.
	MaxBody int64
	// Timeout bounds one request, from its start to the last byte of its answer.
	Timeout time.Duration
	// Attempts bounds how often a safe request is tried.
	Attempts int
	// MaxWait bounds how long one request waits in all for rate limits.
	MaxWait time.Duration
	// RateLimited tells whether an answer means "too many requests" and how long to wait; nil: status 429 with Retry-After.
	RateLimited func(*Response) (wait time.Duration, limited bool)
	// Answered tells whether an answer of status 5xx is nevertheless the system's own and final word (a refusal in its own
	// form), to be returned like any other; nil: never.
	Answered func(*Response) bool

	now func() time.Time
}

// Request is one HTTP request.
type Request struct {
	Method, URL string
	Header      http.Header // beside Authorization, which HTTP sets
	Body        []byte
	// Endpoint is the key under which the limit is counted.
	Endpoint string
	// Write marks a request that changes something: it is sent at most once, save after an answer that proves that nothing
	// was done (401, 429). A read may be repeated.
	Write bool
	// NotAfter is the moment after which the request must not start; zero is none.
	NotAfter time.Time
}

// Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewHTTP returns a client with the defaults: 100 s a request, 32 MiB an answer, 4 attempts at what is safe, two minutes
// of waiting for limits.
func NewHTTP(host Host) *HTTP {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// A connection that idled long is likely closed by the far side, and a write on it would end in an unknown outcome.
	transport.IdleConnTimeout = 20 * time.Second
	transport.Proxy = nil
	return &HTTP{
		Host: host,
		Client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		MaxBody:  32 << 20,
		Timeout:  100 * time.Second,
		Attempts: 4,
		MaxWait:  2 * time.Minute,
		now:      time.Now,
	}
}

// Close closes idle connections.
func (h *HTTP) Close() { h.Client.CloseIdleConnections() }

// maxExchange bounds the bodies reported for the activity log.
const maxExchange = 64 << 10

// Do sends a request and returns its answer, whatever its status, with these exceptions, which are an *Error: nothing could be
// sent (CauseUnavailable), a write may have been done (CauseUnknownOutcome: connection lost, answer cut, status 5xx), a read
// failed at every attempt (CauseUnavailable), limits outlast MaxWait (CauseRateLimited), no token (CauseCredentials).
// An answer with status 5xx comes beside its error, for a connector that knows better what it means.
func (h *HTTP) Do(ctx context.Context, req Request) (*Response, error) {
	where := place(req.URL)
	token, err := h.Host.Token(ctx, "")
	if err != nil {
		return nil, err
	}
	renewed := false
	var waited time.Duration
	for attempt := 1; ; {
		if err := h.waitForLimit(ctx, req, where); err != nil {
			return nil, err
		}
		if tooLate(h.now(), req.NotAfter) {
			return nil, notSent(where, errTimeUp)
		}
		resp, sent, err := h.once(ctx, req, token)
		switch {
		case err != nil && !sent && (ctx.Err() != nil || attempt >= h.Attempts):
			return nil, notSent(where, err)
		case err != nil && req.Write && sent:
			return nil, lost(where, err)
		case err != nil && (ctx.Err() != nil || attempt >= h.Attempts || errors.Is(err, errTooLarge)):
			return nil, &Error{Cause: CauseUnavailable, Message: where + " does not answer properly", Retryable: true, Err: err,
				Remedy: "check that the system is up; the next run tries again"}
		case err != nil:
			attempt++
			if err := h.sleep(ctx, where, backoff(attempt)); err != nil {
				return nil, notSent(where, err)
			}
		case resp.Status == http.StatusUnauthorized && !renewed:
			// Refused at the door: nothing was done, so even a write may be sent again with a fresh token.
			renewed = true
			if token, err = h.Host.Token(ctx, token); err != nil {
				return nil, err
			}
		default:
			wait, limited := h.limited(resp)
			if limited {
				wait = max(wait, leastWait)
				waited += wait
				if waited > h.MaxWait || tooLate(h.now().Add(wait), req.NotAfter) {
					return nil, &Error{Cause: CauseRateLimited, Message: where + " allows no more requests for now", Retryable: true, After: wait,
						Remedy: "wait; the next run goes on by itself"}
				}
				h.Limiter.Pause(req.Endpoint, wait)
				if err := h.sleep(ctx, where, wait); err != nil {
					return nil, notSent(where, err)
				}
				continue
			}
			if resp.Status < 500 || h.Answered != nil && h.Answered(resp) {
				return resp, nil
			}
			if req.Write {
				return resp, lost(where, fmt.Errorf("status %d", resp.Status))
			}
			if attempt >= h.Attempts {
				return resp, &Error{Cause: CauseUnavailable, Message: fmt.Sprintf("%s answers with status %d", where, resp.Status), Retryable: true,
					Remedy: "check that the system is up; the next run tries again"}
			}
			attempt++
			if err := h.sleep(ctx, where, backoff(attempt)); err != nil {
				return nil, notSent(where, err)
			}
		}
	}
}

// leastWait keeps a system that says "now" from being asked in a tight loop.
const leastWait = 250 * time.Millisecond

var (
	errTimeUp   = errors.New("its time was up before it could start")
	errTooLarge = errors.New("it is too large")
)

// waitForLimit waits until the limit lets the request start, but not past its NotAfter and not longer than MaxWait.
func (h *HTTP) waitForLimit(ctx context.Context, req Request, where string) error {
	patience := h.MaxWait
	if !req.NotAfter.IsZero() {
		patience = min(patience, req.NotAfter.Sub(h.now()))
	}
	bounded, cancel := context.WithTimeout(ctx, max(patience, 0))
	defer cancel()
	if tooLate(h.now(), req.NotAfter) {
		return notSent(where, errTimeUp)
	}
	err := h.Limiter.Wait(bounded, req.Endpoint, func(d time.Duration) {
		h.Host.Progress(ctx, Progress{What: "waiting for the rate limit of " + where, Wait: d})
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return notSent(where, ctx.Err())
	case tooLate(h.now(), req.NotAfter):
		return notSent(where, errTimeUp)
	default:
		return &Error{Cause: CauseRateLimited, Message: "the rate limit of " + where + " is used up", Retryable: true, After: time.Minute,
			Remedy: "wait; the next run goes on by itself"}
	}
}

func tooLate(t, notAfter time.Time) bool { return !notAfter.IsZero() && !t.Before(notAfter) }

func (h *HTTP) limited(resp *Response) (time.Duration, bool) {
	if h.RateLimited != nil {
		return h.RateLimited(resp)
	}
	if resp.Status != http.StatusTooManyRequests {
		return 0, false
	}
	after := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if n, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	if t, err := http.ParseTime(after); err == nil {
		return max(t.Sub(h.now()), 0), true
	}
	return 10 * time.Second, true
}

// backoff grows from a quarter second, with jitter, to at most five seconds.
func backoff(attempt int) time.Duration {
	d := min(250*time.Millisecond<<min(attempt-1, 5), 5*time.Second)
	return d/2 + rand.N(d/2)
}

func (h *HTTP) sleep(ctx context.Context, where string, d time.Duration) error {
	if d >= time.Second {
		h.Host.Progress(ctx, Progress{What: "waiting to ask " + where + " again", Wait: d})
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// once sends the request one time. sent tells whether any byte of it may have reached the system.
func (h *HTTP) once(ctx context.Context, req Request, token string) (resp *Response, sent bool, err error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	var wrote atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { wrote.Store(true) }})
	r, err := http.NewRequestWithContext(traced, req.Method, req.URL, bytes.NewReader(req.Body))
	if err != nil {
		return nil, false, err
	}
	for k, v := range req.Header {
		r.Header[k] = v
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "pomost")
	}
	x := Exchange{Start: h.now(), Method: req.Method, URL: req.URL, Request: cut(req.Body)}
	defer func() {
		x.Duration = h.now().Sub(x.Start)
		if err != nil {
			x.Error = err.Error()
		}
		// The call's end must not swallow the report of what was sent before it.
		h.Host.Exchange(context.WithoutCancel(outer), x)
	}()
	answer, err := h.Client.Do(r)
	if err != nil {
		return nil, wrote.Load(), clean(err)
	}
	defer answer.Body.Close()
	x.Status = answer.StatusCode
	body, err := io.ReadAll(io.LimitReader(answer.Body, h.MaxBody+1))
	x.Response = cut(body)
	if err != nil {
		return nil, true, fmt.Errorf("the answer (status %d) broke off: %w", answer.StatusCode, clean(err))
	}
	if int64(len(body)) > h.MaxBody {
		return nil, true, fmt.Errorf("the answer (status %d) has more than %d bytes: %w", answer.StatusCode, h.MaxBody, errTooLarge)
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: body}, true, nil
}

// clean drops the address that net/http repeats in its errors: the caller names the place, and a query may hold names.
func clean(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func cut(b []byte) []byte {
	if len(b) > maxExchange {
		b = b[:maxExchange]
	}
	return bytes.Clone(b)
}

// place names the far side without query and credentials.
func place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the system"
	}
	return u.Host + u.Path
}

func notSent(where string, err error) *Error {
	return &Error{Cause: CauseUnavailable, Message: "nothing was sent to " + where, Retryable: true, Err: err,
		Remedy: "check the address and the network; the next run tries again"}
}

func lost(where string, err error) *Error {
	return &Error{Cause: CauseUnknownOutcome, Message: "the answer of " + where + " was lost, the request may have been carried out", Err: err,
		Remedy: "none now: after the settle time it is looked up"}
}
