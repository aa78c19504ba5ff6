package sandbox

import "context"

type settingsKey struct{}

// SettingsOf returns the settings of the company that a call of System.RateLimited is about, as an Env without anything else: what a system
// says at its door may depend on them too.
func SettingsOf(ctx context.Context) Env {
	set, _ := ctx.Value(settingsKey{}).(map[string]string)
	return Env{Set: set}
}
