package ui

import (
	"context"

	"github.com/pomost/pomost/host/control"
)

// ReadOnlyAPI is an API that refuses whatever would change something, whoever asks: the screens grey such actions out, and this stands
// behind them.
type ReadOnlyAPI struct{ control.API }

var _ control.API = ReadOnlyAPI{}

func refused() *control.Failure {
	return &control.Failure{Cause: "read_only", Message: "this window only looks: it was started with --read-only", Remedy: "start it without --read-only"}
}

// Run is refused.
func (ReadOnlyAPI) Run(context.Context, []string, func(control.Event)) control.RunResult {
	return control.RunResult{Error: refused()}
}

// RunPlan is refused.
func (ReadOnlyAPI) RunPlan(context.Context, string, func(control.Event)) control.RunResult {
	return control.RunResult{Error: refused()}
}

// Retry is refused.
func (ReadOnlyAPI) Retry(context.Context, control.RetryRequest, func(control.Event)) control.RunResult {
	return control.RunResult{Error: refused()}
}

// Start is refused.
func (ReadOnlyAPI) Start(context.Context, control.StartRequest, func(control.Event)) control.RunResult {
	return control.RunResult{Error: refused()}
}

// Stop is refused.
func (ReadOnlyAPI) Stop(context.Context, string) error { return refused() }

// Pause is refused.
func (ReadOnlyAPI) Pause(context.Context, string) error { return refused() }

// Resume is refused.
func (ReadOnlyAPI) Resume(context.Context, string) error { return refused() }

// Decide is refused.
func (ReadOnlyAPI) Decide(context.Context, control.DecideRequest) (control.DecideResult, error) {
	return control.DecideResult{}, refused()
}

// ApplyConfig is refused, but for showing what would change.
func (r ReadOnlyAPI) ApplyConfig(ctx context.Context, req control.ConfigRequest) (control.ApplyResult, error) {
	if !req.Check {
		return control.ApplyResult{}, refused()
	}
	return r.API.ApplyConfig(ctx, req)
}

// Authorize is refused.
func (ReadOnlyAPI) Authorize(context.Context, control.AuthorizeRequest) (control.AuthorizeResult, error) {
	return control.AuthorizeResult{}, refused()
}

// Consent is refused.
func (ReadOnlyAPI) Consent(context.Context, control.ConsentRequest) (control.ConsentResult, error) {
	return control.ConsentResult{}, refused()
}
