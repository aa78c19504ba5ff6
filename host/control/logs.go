package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
)

// logPage is how many log lines are read at a time, logPoll how often a follower looks for new ones.
const (
	logPage = 500
	logPoll = 300 * time.Millisecond
)

// Logs implements API. A follower looks for new lines a few times a second, without the home's lock.
func (s *Service) Logs(ctx context.Context, req LogsRequest, yield func(LogEntry) error) error {
	if err := knownCause(req.Cause); err != nil {
		return err
	}
	if req.Outcome != "" && !slices.Contains(activity.Outcomes, req.Outcome) {
		return unknownWord("outcome", req.Outcome, activity.Outcomes)
	}
	after, last := req.After, req.Last
	for {
		page, err := s.logPage(ctx, req, after, last)
		if err != nil {
			if req.Follow && ctx.Err() != nil { // that is how following ends
				return nil //nolint:nilerr // as said
			}
			return fmt.Errorf("read the log: %w", err)
		}
		for _, e := range page {
			after = e.ID
			if err := yield(e); err != nil {
				return err
			}
		}
		full := len(page) == logPage && last == 0
		last = 0
		switch {
		case full:
			continue
		case !req.Follow, !req.Until.IsZero() && s.opts.Clock.Now().After(req.Until):
			return nil
		}
		if s.opts.Clock.Sleep(ctx, logPoll) != nil {
			return nil //nolint:nilerr // the context's end is how following ends
		}
	}
}

// logPage reads the lines after one, or the last ones where last says how many.
func (s *Service) logPage(ctx context.Context, req LogsRequest, after int64, last int) ([]LogEntry, error) {
	var out []LogEntry
	err := s.reading(ctx, func(st *home.State) error {
		keys := activity.Log{Keys: st.Vault}
		f := store.LogFilter{Flow: req.Flow, Key: req.Record, LabelHash: keys.LabelHash(req.Record), Cause: req.Cause, Outcome: req.Outcome, Since: req.Since, Until: req.Until,
			After: after, Limit: logPage}
		if last > 0 {
			f.Limit, f.Newest = last, true
		}
		if err := s.loggedFlow(ctx, st, req.Flow); err != nil {
			return err
		}
		lines, err := st.Store.Log(ctx, f)
		if err != nil {
			return err
		}
		for _, l := range lines {
			e := LogEntry{ID: l.ID, LogLine: l, Lane: laneOf(l.Flow), Label: keys.LabelOf(l)}
			e.Flow = flowOf(l.Flow)
			out = append(out, e)
		}
		if !req.Payloads {
			return nil
		}
		kept, err := keys.Payloads(ctx, st.Store, lines)
		for i := range out {
			out[i].Payloads = kept[out[i].ID]
		}
		return err
	})
	return out, err
}

// loggedFlow refuses a flow that is not in force, and of which nothing is remembered either. "" is all flows.
func (s *Service) loggedFlow(ctx context.Context, st *home.State, name string) error {
	if name == "" {
		return nil
	}
	c, _, err := configIn(ctx, st)
	if err != nil {
		return err
	}
	if _, ok := c.Flows[flowOf(name)]; ok {
		return nil
	}
	if runs, err := st.Store.Runs(ctx, name, 1); err != nil || len(runs) > 0 {
		return err // it was removed; what it did is still told
	}
	return s.flowIn(ctx, st, name)
}
