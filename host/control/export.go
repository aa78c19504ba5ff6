package control

import (
	"context"

	"github.com/pomost/pomost/host/home"
)

// Export implements API.
func (s *Service) Export(ctx context.Context) (ExportResult, error) {
	var res ExportResult
	err := s.reading(ctx, func(st *home.State) error {
		c, revision, err := configIn(ctx, st)
		if err != nil {
			return err
		}
		if revision == 0 {
			return usage("nothing was applied yet", "run `pomost apply -f FILE` first")
		}
		text, err := c.YAML()
		res = ExportResult{Revision: revision, Config: string(text)}
		return err
	})
	return res, err
}
