package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
)

// Why implements API: it tells everything that is known of one record, by its key or by what people call it. Nothing is asked of any system.
func (s *Service) Why(ctx context.Context, name, key string) (activity.Story, error) {
	var story activity.Story
	if key == "" {
		return story, usage("no record is named", "name it by its key or its number: `pomost why FLOW KEY`")
	}
	err := s.reading(ctx, func(st *home.State) error {
		if err := s.loggedFlow(ctx, st, name); err != nil {
			return err
		}
		origins, err := s.origins(ctx, st, name)
		if err != nil {
			return err
		}
		log := activity.Log{Keys: st.Vault}
		found, err := log.Find(ctx, st.Store, name, key)
		if err != nil {
			return fmt.Errorf("look record %s up: %w", key, err)
		}
		story, err = log.Story(ctx, st.Store, activity.Subject{Flow: name, Key: found, Origins: origins})
		if err != nil {
			return fmt.Errorf("tell of record %s: %w", key, err)
		}
		return nil
	})
	return story, err
}

// origins are what a flow reads, one for each way in which its records travel; none for a flow that is not in force any more.
func (s *Service) origins(ctx context.Context, st *home.State, name string) ([]activity.Origin, error) {
	c, _, err := configIn(ctx, st)
	if err != nil {
		return nil, err
	}
	conf, ok := c.Flows[flowOf(name)]
	if !ok {
		return nil, nil
	}
	r, err := flow.LoadRecipe(s.recipes, conf.Recipe)
	if err != nil {
		return nil, err
	}
	var out []activity.Origin
	for _, l := range r.Lanes {
		from, to := conf.Source, conf.Destination
		if c.Connections[from].Connector != l.From {
			from, to = to, from
		}
		if o := r.LaneRead(l); o != nil {
			out = append(out, activity.Origin{Connection: from, Object: o.Object, Destination: to})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the recipe " + conf.Recipe + " reads nothing")
	}
	return out, nil
}
