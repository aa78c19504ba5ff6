package sqlite

import (
	"context"

	"github.com/pomost/pomost/host/store"
)

// Commit implements store.Store. The lease is proved inside the transaction that it guards.
func (s *Store) Commit(ctx context.Context, c store.Change) error {
	return s.change(ctx, "commit a change", func(t *tx) error {
		if err := t.held(c.Lease); err != nil {
			return err
		}
		if err := each(c.Links, t.putLink); err != nil {
			return err
		}
		if err := each(c.Records, t.setRecord); err != nil {
			return err
		}
		if err := each(c.Forget, t.forgetRecord); err != nil {
			return err
		}
		if err := each(c.Settle, t.settle); err != nil {
			return err
		}
		if err := each(c.Cursors, t.setCursor); err != nil {
			return err
		}
		if err := t.appendLog(c.Log, s.logLines); err != nil {
			return err
		}
		return t.putSlices(c.Slices, c.Log)
	})
}

func each[T any](list []T, apply func(T) error) error {
	for _, x := range list {
		if err := apply(x); err != nil {
			return err
		}
	}
	return nil
}
