package token

import (
	"context"
	"errors"
	"time"

	"github.com/pomost/pomost/host/store"
)

// Lease keeps other hosts from refreshing the same connection's tokens at the same time. It waits until the right is free or
// ctx ends; release gives it back.
type Lease func(ctx context.Context, connection string) (release func(), err error)

// leaseLife is longer than a refresh may take.
const leaseLife = refreshTimeout + tradeTimeout + time.Minute

// leasePoll is how often a held lease is asked for again.
const leasePoll = 200 * time.Millisecond

// Leases is the part of store.Store that StoreLease needs.
type Leases interface {
	Acquire(ctx context.Context, name, holder string, now, until time.Time) (store.Lease, error)
	Release(ctx context.Context, l store.Lease) error
}

// StoreLease takes the store's lease "token:<connection>" around each refresh, for stores that several hosts share.
func StoreLease(leases Leases, holder string, now func() time.Time) Lease {
	return func(ctx context.Context, connection string) (func(), error) {
		for {
			l, err := leases.Acquire(ctx, "token:"+connection, holder, now(), now().Add(leaseLife))
			var held *store.HeldError
			switch {
			case err == nil:
				return func() {
					ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tradeTimeout)
					defer cancel()
					// One that cannot be given back runs out by itself.
					_ = leases.Release(ctx, l)
				}, nil
			case !errors.As(err, &held):
				return nil, err
			}
			if err := sleep(ctx, leasePoll); err != nil {
				return nil, err
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
