package activity

import (
	"context"
	"fmt"
	"time"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/record"
)

// DefaultDays is for how many days payloads are kept.
const DefaultDays = 90

// pruneChunk is how many slices are removed in one commit: some ten milliseconds in which nobody else writes.
const pruneChunk = 500

// Prune drops what is older than days, 0 for DefaultDays: first the keys, after which nobody can read it any more, then the slices.
// Lines of the log stay. It goes on where an earlier call was broken off.
func Prune(ctx context.Context, s store.Store, keys Keys, now time.Time, days int) error {
	if days <= 0 {
		days = DefaultDays
	}
	before := record.NewDate(now.UTC().Date()) - record.Date(days)
	if _, err := keys.DropDays(before); err != nil {
		return fmt.Errorf("drop the keys of days before %s: %w", before, err)
	}
	for {
		n, err := s.DropSlices(ctx, before, pruneChunk)
		if err != nil {
			return fmt.Errorf("drop what the activity log kept before %s: %w", before, err)
		}
		if n < pruneChunk {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
