package token

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
)

func TestSeeds(t *testing.T) {
	b := newBench(t)
	b.want(t, "", "access-1")
	for range 2 {
		if taken, err := b.Seed(t.Context(), "shop", "refresh-0"); taken || err != nil {
			t.Errorf("the same seed: taken %v, %v", taken, err)
		}
	}
	if taken, err := b.Seed(t.Context(), "shop", ""); taken || err != nil {
		t.Errorf("no seed: taken %v, %v", taken, err)
	}
	b.want(t, "", "access-1")
	b.wantTrades(t, 1)
	b.identity.change(func(i *identity) { i.good = "new consent" })
	if taken, err := b.Seed(t.Context(), "shop", "new consent"); !taken || err != nil {
		t.Errorf("a new seed: taken %v, %v", taken, err)
	}
	if b.memory.get(PreviousRefresh) != "" || b.memory.get(AccessToken) != "" {
		t.Errorf("remains of the old consent: %v", b.memory.secrets)
	}
	b.want(t, "", "access-2")
}

func TestChangedHostDropsTokens(t *testing.T) {
	for name, change := range map[string]func(b *bench, other string){
		"base_url": func(b *bench, other string) { b.settings = connector.Settings{"base_url": other + "/v2"} },
		"token_url": func(b *bench, other string) {
			b.settings = connector.Settings{"base_url": b.server.URL, "token_url": other + "/t"}
		},
	} {
		for _, by := range []string{"token", "seed"} {
			t.Run(name+" by "+by, func(t *testing.T) {
				b := newBench(t)
				b.want(t, "", "access-1")
				b.settings = connector.Settings{"base_url": b.server.URL + "/v3/other/path"} // the same host
				b.want(t, "access-1", "access-2")

				thief := &identity{good: "refresh-2"}
				other := httptest.NewServer(thief)
				defer other.Close()
				change(b, other.URL)
				if by == "seed" {
					if taken, err := b.Seed(t.Context(), "shop", "refresh-0"); taken || err != nil {
						t.Errorf("the same seed: taken %v, %v", taken, err)
					}
				} else if _, err := b.Token(t.Context(), "shop", "access-2"); err == nil {
					t.Error("a token for another host")
				}
				b.wantError(t, connector.CauseCredentials)
				if n := thief.trades.Load(); n != 0 {
					t.Errorf("the new host was sent %d tokens", n)
				}
				for _, name := range []string{RefreshToken, PreviousRefresh, AccessToken} {
					if b.memory.get(name) != "" {
						t.Errorf("%s is still there", name)
					}
				}
				if taken, err := b.Seed(t.Context(), "shop", "refresh-0"); taken || err != nil {
					t.Errorf("the old seed at the new host: taken %v, %v", taken, err)
				}
				thief.change(func(i *identity) { i.good = "consent there" })
				if _, err := b.Seed(t.Context(), "shop", "consent there"); err != nil {
					t.Fatal(err)
				}
				b.want(t, "", "access-1")
			})
		}
	}
}

func TestMissingSecrets(t *testing.T) {
	b := newBench(t)
	delete(b.memory.secrets, ClientSecret)
	b.wantError(t, connector.CauseCredentials, "has no client_secret", "pomost apply")
	if err := b.Drop(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	b.memory.secrets[ClientSecret] = "the s+cret/"
	b.wantError(t, connector.CauseCredentials, "has no refresh_token", "consent again")
	b.wantTrades(t, 0)
}

// leases is one lease table that two hosts share.
type leases struct {
	mu     sync.Mutex
	holder string
	most   int
	in     int
}

func (l *leases) Acquire(_ context.Context, name, holder string, now, until time.Time) (store.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if name != "token:shop" || !until.After(now) {
		return store.Lease{}, fmt.Errorf("odd lease %s", name)
	}
	if l.holder != "" {
		return store.Lease{}, &store.HeldError{Name: name, Holder: l.holder, Until: until}
	}
	l.holder = holder
	l.in++
	l.most = max(l.most, l.in)
	return store.Lease{Name: name, Holder: holder}, nil
}

func (l *leases) Release(_ context.Context, lease store.Lease) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == lease.Holder {
		l.holder = ""
		l.in--
	}
	return nil
}

func TestTwoHostsOneTrade(t *testing.T) {
	table := &leases{}
	b := newBench(t, func(_ *bench, o *Options) { o.Lease = StoreLease(table, "host-a", o.Now) })
	opts := b.opts
	opts.Lease = StoreLease(table, "host-b", opts.Now)
	other := b.keeper(opts)
	defer other.Close()
	b.want(t, "", "access-1")
	b.identity.change(func(i *identity) {
		i.before = func(http.ResponseWriter, *http.Request) bool { time.Sleep(20 * time.Millisecond); return false }
	})
	var group sync.WaitGroup
	for _, k := range []*Keeper{b.Keeper, other} {
		for range 10 {
			group.Go(func() {
				if got, err := k.Token(t.Context(), "shop", "access-1"); got != "access-2" || err != nil {
					t.Errorf("Token = %q, %v", got, err)
				}
			})
		}
	}
	group.Wait()
	b.wantTrades(t, 2)
	if table.most != 1 || table.holder != "" {
		t.Errorf("at most %d holders at a time, %q at the end", table.most, table.holder)
	}
}
