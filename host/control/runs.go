package control

import (
	"context"

	"github.com/pomost/pomost/host/home"
)

// How many runs Runs tells of: where nothing is said, and at most.
const (
	runsUsual = 50
	runsMost  = 500
)

// diedText is what is remembered of a run whose process ended in its midst.
const diedText = "the process that ran it ended; nothing is lost, the next run goes on"

// RunsRequest selects runs.
type RunsRequest struct {
	Flow string // all its lanes
	Last int    // so many of the newest; 0 is 50, and 500 is the most
}

// RunsResult is the history of a flow.
type RunsResult struct {
	Runs []RunInfo `json:"runs"` // newest first
}

// Runs implements API.
func (s *Service) Runs(ctx context.Context, req RunsRequest) (RunsResult, error) {
	res := RunsResult{Runs: []RunInfo{}}
	if req.Last <= 0 {
		req.Last = runsUsual
	}
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return res, err
	}
	err = s.reading(ctx, func(st *home.State) error {
		if err := s.flowIn(ctx, st, req.Flow); err != nil {
			return err
		}
		runs, err := st.Store.Runs(ctx, flowOf(req.Flow), min(req.Last, runsMost))
		if err != nil {
			return err
		}
		now := s.works.running(flowOf(req.Flow))
		for _, r := range runs {
			info := infoOf(r)
			info.Lane = laneOf(r.Flow)
			if r.Status == "running" {
				switch {
				case now != nil && now.ID == r.ID: // what is remembered of it is older
					info.Counts, info.Message = now.Counts, now.Message
				case now == nil && !s.runsElsewhere(h):
					info.Status, info.Error = "failed", diedText
				}
			}
			res.Runs = append(res.Runs, *info)
		}
		return nil
	})
	return res, err
}
