package control

import (
	"context"
	"fmt"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/token"
)

// scrubberOf makes what takes a connection's secrets out of its raw exchanges: all secrets that the home keeps for it. Access tokens are added as
// they are given out.
func scrubberOf(ctx context.Context, st *home.State, connection string) (*activity.Scrubber, error) {
	secrets, err := st.Store.Secrets(ctx, connection)
	if err != nil {
		return nil, fmt.Errorf("read the secrets of connection %s: %w", connection, err)
	}
	out := &activity.Scrubber{}
	for name, secret := range secrets {
		if !token.Plain(name) {
			out.Hide(secret)
		}
	}
	return out, nil
}
