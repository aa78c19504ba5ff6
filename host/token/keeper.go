// Package token keeps the OAuth tokens of all connections. The host alone trades and refreshes them; plugins get access tokens only.
//
// Refresh tokens are mostly good for one use: each trade answers with the next one. So a trade is never made twice at a time for
// one connection, its answer is read whatever the callers do, and the next refresh token is durable before anybody gets the
// access token that came with it. One window remains that no client can close: the system has spent the old token and its answer
// is lost (the network breaks, or this process dies before the answer is stored). The next trade is then refused, the token before it
// is tried once, for systems that forgive it, and after that only a new consent helps.
package token

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// The names of a connection's secrets.
const (
	ClientID        = "client_id"
	ClientSecret    = "client_secret"
	RefreshToken    = "refresh_token"
	PreviousRefresh = "refresh_token_previous" // the one before it, tried once when it is refused
	SeedHash        = "seed_hash"              // of the seed taken last: the same seed again is ignored
	AccessToken     = "access_token"
	AccessExpiry    = "access_expiry" // RFC 3339
	TokenHosts      = "token_hosts"   // the far sides that the tokens belong to
	RefreshSince    = "refresh_since" // RFC 3339: when the system gave the refresh token; "" for a seed, whose age nobody told
	RefreshUntil    = "refresh_until" // RFC 3339: about when the system forgets it if nobody uses it; "" where nobody knows
)

// Plain tells that what is kept under a name beside the secrets is none: a time or an address, that may well stand in a record too.
func Plain(name string) bool {
	switch name {
	case AccessExpiry, RefreshSince, RefreshUntil, TokenHosts:
		return true
	}
	return false
}

const (
	// margin is how long before its end a token is refreshed: longer than a request takes.
	margin = time.Minute
	// refreshTimeout bounds when the last request of a refresh may start.
	refreshTimeout = 2 * time.Minute
	storeTimeout   = 30 * time.Second
	// attempts bounds how often a refresh is tried while the token service does not answer properly.
	attempts = 3
	// refusedFor is how long a refusal is believed, so that a dead token does not hammer the token service.
	refusedFor = time.Minute
)

// Secrets is the part of store.Store that a Keeper needs.
type Secrets interface {
	Secrets(ctx context.Context, connection string) (map[string]string, error)
	PutSecrets(ctx context.Context, connection string, secrets map[string]string) error
}

// Source tells what a connection is: its connector's description and its settings, defaults filled in. It is asked at every call, so
// that no token goes to a host that the connection has not had before; it must be quick.
type Source func(ctx context.Context, connection string) (connector.Description, connector.Settings, error)

// Options change a Keeper; the zero value is good.
type Options struct {
	Client *http.Client     // nil: one of its own, which follows no redirects
	Lease  Lease            // nil: this process is the only one
	Now    func() time.Time // nil: time.Now
	// Backoff is the wait before the second attempt; it doubles. 0: half a second.
	Backoff time.Duration
}

// Keeper keeps tokens. Safe for concurrent use.
type Keeper struct {
	secrets Secrets
	source  Source
	opts    Options

	ctx  context.Context // ends when the Keeper closes: no new request is started after that
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	states map[string]*state
}

// state is what is known of one connection's tokens in memory.
type state struct {
	work chan struct{} // holds one token: whoever has it may change the secrets

	// Guarded by Keeper.mu.
	access string
	hosts  string    // the far sides that it belongs to
	until  time.Time // when it is to be refreshed
	flight *flight

	// Guarded by work.
	unsaved *unsaved
	refused *refused
}

// flight is a refresh under way, shared by all who ask meanwhile.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

// unsaved is an answer that could not be stored; nobody has its access token yet.
type unsaved struct {
	spent   string // the refresh token it was traded for
	answer  answer
	secrets map[string]string
}

// refused is the last refusal, for the credentials it was about.
type refused struct {
	credentials [sha256.Size]byte
	until       time.Time
	err         error
}

// NewKeeper returns a Keeper; close it before its store.
func NewKeeper(secrets Secrets, source Source, opts Options) *Keeper {
	if opts.Client == nil {
		opts.Client = newClient()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Backoff <= 0 {
		opts.Backoff = 500 * time.Millisecond
	}
	k := &Keeper{secrets: secrets, source: source, opts: opts, states: map[string]*state{}}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

// Close starts no new request, waits until running ones are answered and stored, and ends.
func (k *Keeper) Close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.stop()
	k.wg.Wait()
	k.opts.Client.CloseIdleConnections()
	return nil
}

var errClosed = &connector.Error{Cause: connector.CauseUnavailable, Retryable: true, Message: "Pomost is stopping and trades no tokens any more", Remedy: "start it again"}

func (k *Keeper) state(connection string) *state {
	s := k.states[connection]
	if s == nil {
		s = &state{work: make(chan struct{}, 1)}
		s.work <- struct{}{}
		k.states[connection] = s
	}
	return s
}

// Token returns an access token of a connection. rejected is the one that the system has just refused, or "". However many ask at a
// time, and however many report the same rejected token, there is one refresh, and all get its outcome: a token, or a
// *connector.Error. It is CauseCredentials when only a person's new consent helps.
func (k *Keeper) Token(ctx context.Context, connection, rejected string) (string, error) {
	hosts, err := k.hosts(ctx, connection)
	if err != nil {
		return "", typed(connection, err)
	}
	for round := 0; ; round++ {
		k.mu.Lock()
		if k.closed {
			k.mu.Unlock()
			return "", errClosed
		}
		s := k.state(connection)
		if s.access != "" && s.access != rejected && s.hosts == hosts && k.opts.Now().Before(s.until) {
			defer k.mu.Unlock()
			return s.access, nil
		}
		f := s.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			s.flight = f
			k.wg.Go(func() { k.fly(connection, s, f, rejected) })
		}
		k.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-f.done:
		}
		// A refresh that began before may have brought the very token that was rejected; the next one is about that.
		if f.err != nil || f.token != rejected || round > 0 {
			return f.token, f.err
		}
	}
}

// fly carries a refresh out for all who wait, whether or not any of them still does.
func (k *Keeper) fly(connection string, s *state, f *flight, rejected string) {
	ctx, cancel := context.WithTimeout(k.ctx, refreshTimeout)
	defer cancel()
	var got answer
	err := k.exclusive(ctx, connection, s, func() (err error) {
		got, err = k.refresh(ctx, connection, s, rejected)
		return err
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	s.flight = nil
	if f.err = typed(connection, err); err == nil {
		f.token = got.access
		s.access, s.hosts, s.until = got.access, got.hosts, got.expiry.Add(-early(got.expiry.Sub(k.opts.Now())))
	}
	close(f.done)
}

// early is how long before its end a token is refreshed; one of a short life is used for half of it.
func early(life time.Duration) time.Duration { return min(margin, max(life/2, 0)) }

// typed makes every error one that the host can tell apart.
func typed(connection string, err error) error {
	var known *connector.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &connector.Error{Cause: connector.CauseUnavailable, Retryable: true, Err: err,
		Message: fmt.Sprintf("connection %s: its tokens could not be refreshed", connection), Remedy: "see the cause; the next run tries again"}
}

// exclusive runs f while nobody else, here or on another host, changes the connection's tokens.
func (k *Keeper) exclusive(ctx context.Context, connection string, s *state, f func() error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.work:
	}
	defer func() { s.work <- struct{}{} }()
	if k.opts.Lease != nil {
		release, err := k.opts.Lease(ctx, connection)
		if err != nil {
			return err
		}
		defer release()
	}
	return f()
}

// Seed takes a refresh token from a configuration. The seed that was taken last is ignored when it comes again, for its successors are
// what is good by now; taken tells whether it was a new one. It also drops the tokens when the connection's host has changed,
// so call it after the settings that Source tells.
func (k *Keeper) Seed(ctx context.Context, connection, seed string) (taken bool, err error) {
	if seed == "" {
		return false, nil
	}
	hosts, err := k.hosts(ctx, connection)
	if err != nil {
		return false, err
	}
	hash := HashSeed(seed)
	err = k.alter(ctx, connection, func(have map[string]string) map[string]string {
		switch {
		case have[SeedHash] != hash:
			taken = true
			set := dropped()
			set[RefreshToken], set[SeedHash], set[TokenHosts] = seed, hash, hosts
			return set
		case have[TokenHosts] != "" && have[TokenHosts] != hosts:
			return dropped() // the old seed was for the old host
		}
		return nil
	})
	return taken && err == nil, err
}

// HashSeed is what is kept of a seed under SeedHash, to know it again.
func HashSeed(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:])
}

// Drop removes a connection's tokens until a new consent; the seed taken last stays known, so that it does not come back.
func (k *Keeper) Drop(ctx context.Context, connection string) error {
	return k.alter(ctx, connection, func(map[string]string) map[string]string { return dropped() })
}

func dropped() map[string]string {
	return map[string]string{RefreshToken: "", PreviousRefresh: "", AccessToken: "", AccessExpiry: "", TokenHosts: "", RefreshSince: "", RefreshUntil: ""}
}

// alter changes the secrets of a connection while no refresh runs, and forgets what was known in memory.
func (k *Keeper) alter(ctx context.Context, connection string, change func(have map[string]string) map[string]string) error {
	k.mu.Lock()
	s := k.state(connection)
	k.mu.Unlock()
	return k.exclusive(ctx, connection, s, func() error {
		have, err := k.secrets.Secrets(ctx, connection)
		if err != nil {
			return err
		}
		set := change(have)
		if set == nil {
			return nil
		}
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

// hosts names the far sides of a connection as its settings are now.
func (k *Keeper) hosts(ctx context.Context, connection string) (string, error) {
	d, settings, err := k.source(ctx, connection)
	if err != nil {
		return "", fmt.Errorf("connection %s: %w", connection, err)
	}
	e, err := EndpointsOf(d, settings)
	if err != nil {
		return "", fmt.Errorf("connection %s: %w", connection, err)
	}
	return hostsOf(d, settings, e), nil
}
