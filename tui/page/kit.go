// Package page holds the screens: what there is, one flow, a plan, the records that wait, one record's story, the connections and the
// check of everything. They know only the control API.
package page

import (
	"context"
	"errors"

	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/tui/ui"
)

// Factory makes the pages that live in packages of their own.
type Factory struct {
	Logs     func(env ui.Env, req control.LogsRequest) ui.Page
	Setup    func(env ui.Env) ui.Page
	Settings func(env ui.Env, flow string) ui.Page
	Consent  func(env ui.Env, connection string) ui.Page
}

// Kit is what the pages share. The router alone changes its styles.
type Kit struct {
	ui.Env
	Factory Factory

	mu      sync.Mutex
	begun   map[string]int // runs begun here and still under way, by flow
	working sync.WaitGroup
}

// Begun are the flows with a run that was begun here and is still waited for.
func (k *Kit) Begun() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.begun))
}

// Wait waits until nobody waits for a run that was begun here, as it soon is once the context has ended: the run itself goes on.
func (k *Kit) Wait() { k.working.Wait() }

// start begins runs that belong to the daemon, and returns what waits for their result. They begin at once, and not when a command is
// carried out: a key that was pressed right before the window closed counts.
func (k *Kit) start(flows []string, req control.StartRequest) func() control.RunResult {
	result := make(chan control.RunResult, 1)
	k.count(flows, 1)
	k.working.Go(func() {
		defer k.count(flows, -1)
		result <- k.API.Start(k.Ctx, req, nil)
	})
	return func() control.RunResult { return <-result }
}

func (k *Kit) count(flows []string, by int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begun == nil {
		k.begun = map[string]int{}
	}
	for _, f := range flows {
		if k.begun[f] += by; k.begun[f] == 0 {
			delete(k.begun, f)
		}
	}
}

func (k *Kit) t(text string, args ...any) string { return k.Words.T(text, args...) }

// num writes a count as the language does.
func (k *Kit) num(n int) string { return k.t("%d", n) }

// plain is what a page is that never types and never loses anything.
type plain struct{}

func (plain) Typing() bool  { return false }
func (plain) Leave() string { return "" }

func push(p ui.Page) tea.Cmd { return func() tea.Msg { return ui.Push{Page: p} } }

func (k *Kit) toast(text string) tea.Cmd { return func() tea.Msg { return ui.Toast{Text: text} } }

// failed shows what went wrong and what to do about it; an end that somebody asked for is no failure.
func (k *Kit) failed(err error) tea.Cmd {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return func() tea.Msg { return ui.Toast{Text: k.ErrorText(err), Failure: true} }
}

// ErrorText is an error in one line: what happened, and what to do.
func (k *Kit) ErrorText(err error) string {
	f := control.AsFailure(err)
	text := f.Error()
	if f.Remedy != "" {
		text += " " + ui.SymbolArrow + " " + k.Remedy(f.Remedy)
	}
	return ui.Clean(text)
}

// Logs opens the log.
func (k *Kit) Logs(req control.LogsRequest) tea.Cmd {
	if k.Factory.Logs == nil {
		return nil
	}
	return push(k.Factory.Logs(k.Env, req))
}

// Settings opens a flow's settings.
func (k *Kit) Settings(flow string) tea.Cmd {
	if k.Factory.Settings == nil {
		return nil
	}
	return push(k.Factory.Settings(k.Env, flow))
}

// Setup opens the questions that lead from nothing to flows.
func (k *Kit) Setup() tea.Cmd {
	if k.Factory.Setup == nil {
		return nil
	}
	return push(k.Factory.Setup(k.Env))
}

// Authorize opens a connection's consent.
func (k *Kit) Authorize(connection string) tea.Cmd {
	if k.Factory.Consent == nil {
		return nil
	}
	return push(k.Factory.Consent(k.Env, connection))
}

// RunFlow runs a flow once, and tells when it begins and what came of it.
func (k *Kit) RunFlow(flow string) tea.Cmd {
	run := k.start([]string{flow}, control.StartRequest{Flows: []string{flow}})
	return tea.Batch(k.toast(k.t("%s: the run has begun", flow)), func() tea.Msg { return k.told(run()) })
}

// Retry takes records up again.
func (k *Kit) Retry(req control.RetryRequest, then func() tea.Msg) tea.Cmd {
	begun := k.t("the records of %s are taken up again", req.Cause)
	if n := len(req.Keys); n > 0 {
		begun = k.t("%d records are taken up again", n)
	}
	run := k.start(req.Flows, control.StartRequest{Retry: &req})
	return tea.Batch(k.toast(begun), func() tea.Msg {
		toast := k.told(run())
		return tea.Sequence(func() tea.Msg { return toast }, then)()
	})
}

// told is what a toast says when runs are over.
func (k *Kit) told(res control.RunResult) tea.Msg {
	if res.Error != nil {
		switch {
		case errors.Is(res.Error, context.Canceled):
			return nil
		case res.Error.Cause == "stopped": // somebody wanted that
			return ui.Toast{Text: k.t("It was stopped; nothing is lost, the next run goes on.")}
		}
		return ui.Toast{Text: k.ErrorText(res.Error), Failure: true}
	}
	var parts []string
	failure := false
	for _, f := range res.Flows {
		parts = append(parts, f.Name+": "+k.Counts(f.Counts))
		failure = failure || f.Status == "failed"
	}
	return ui.Toast{Text: strings.Join(parts, "; "), Failure: failure}
}

// Stop ends a flow's run.
func (k *Kit) Stop(flow string) tea.Cmd {
	return func() tea.Msg {
		if err := k.API.Stop(k.Ctx, flow); err != nil {
			return ui.Toast{Text: k.ErrorText(err), Failure: true}
		}
		return ui.Toast{Text: k.t("%s stops as soon as what is under way is answered", flow)}
	}
}

// Pause pauses or resumes a flow's schedule.
func (k *Kit) Pause(flow string, paused bool) tea.Cmd {
	return func() tea.Msg {
		act, said := k.API.Pause, k.t("%s is paused: it runs only when you say so", flow)
		if paused {
			act, said = k.API.Resume, k.t("%s runs by its schedule again", flow)
		}
		if err := act(k.Ctx, flow); err != nil {
			return ui.Toast{Text: k.ErrorText(err), Failure: true}
		}
		return ui.Toast{Text: said}
	}
}

// Counts says what a run did, without what it did none of.
func (k *Kit) Counts(c store.Counts) string {
	if c.Read == 0 {
		return k.t("nothing new")
	}
	parts := []string{k.t("%d read", c.Read)}
	for _, p := range []struct {
		n    int
		text string
	}{
		{c.Created, k.t("%d created", c.Created)}, {c.Updated, k.t("%d updated", c.Updated)}, {c.Unchanged, k.t("%d unchanged", c.Unchanged)},
		{c.Skipped, k.t("%d skipped", c.Skipped)}, {c.Held, k.t("%d held", c.Held)}, {c.Failed, k.t("%d failed", c.Failed)},
	} {
		if p.n > 0 {
			parts = append(parts, p.text)
		}
	}
	return strings.Join(parts, ", ")
}

// state is a flow's state as a symbol with a word, its style, and its place among states, worst first.
func (k *Kit) state(state string) (text string, style lipgloss.Style, rank int) {
	st := k.Styles
	switch state {
	case control.FlowFailing:
		return ui.SymbolError + " " + k.t("failing"), st.Error, 0
	case control.FlowHeld:
		return ui.SymbolWarning + " " + k.t("held"), st.Warning, 1
	case control.FlowWaiting:
		return ui.SymbolWaiting + " " + k.t("waiting"), st.Warning, 2
	case control.FlowRunning:
		return ui.SymbolRunning + " " + k.t("running"), st.Running, 3
	case control.FlowPaused:
		return ui.SymbolPaused + " " + k.t("paused"), st.Muted, 4
	case control.FlowNew:
		return ui.SymbolNew + " " + k.t("new"), st.Muted, 5
	case control.FlowOK:
		return ui.SymbolGood + " " + k.t("all right"), st.Good, 6
	}
	return ui.Clean(state), st.Muted, 7
}

// worst sorts states: the named ones first, in their order, then all others.
func worst(state string, first ...string) int64 {
	if i := slices.Index(first, state); i >= 0 {
		return int64(i)
	}
	return int64(len(first))
}

// outcome is the style of what became of an attempt; the word itself stands there.
func (k *Kit) outcome(outcome string) lipgloss.Style {
	switch outcome {
	case "failed", "refused":
		return k.Styles.Error
	case "held", "unknown", "differs":
		return k.Styles.Warning
	case "created", "updated", "linked", "verified", "done":
		return k.Styles.Good
	}
	return k.Styles.Muted
}

// connectionState is the same for a connection.
func (k *Kit) connectionState(state string) (string, lipgloss.Style) {
	st := k.Styles
	switch state {
	case "ok":
		return ui.SymbolGood + " " + k.t("all right"), st.Good
	case "unauthorized":
		return ui.SymbolWarning + " " + k.t("no consent"), st.Warning
	case "revoked":
		return ui.SymbolError + " " + k.t("revoked"), st.Error
	case "unknown":
		return ui.SymbolNew + " " + k.t("never used"), st.Muted
	}
	return ui.Clean(state), st.Muted
}

// byCount lists causes, the most frequent first.
func byCount(causes map[string]int) []string {
	return slices.SortedFunc(maps.Keys(causes), func(a, b string) int {
		if d := causes[b] - causes[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

// name is what people call a record.
func name(key, label string) string {
	if label == "" {
		label = key
	}
	return ui.Clean(label)
}

// task is a long call under way. Its progress is written by the call and read when the page is drawn.
type task struct {
	cancel  context.CancelFunc
	started time.Time

	mu    sync.Mutex
	event control.Event
}

func (k *Kit) begin() (*task, context.Context) {
	ctx, cancel := context.WithCancel(k.Ctx)
	return &task{cancel: cancel, started: k.Now()}, ctx
}

func (t *task) progress(e control.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.event = e
}

// view says what is under way, how far it is and how long it took so far.
func (t *task) view(k *Kit, what string) string {
	t.mu.Lock()
	e := t.event
	t.mu.Unlock()
	parts := []string{what}
	if e.Counts.Read > 0 {
		parts = append(parts, k.t("%d read", e.Counts.Read))
	}
	if e.Message != "" {
		parts = append(parts, ui.Clean(e.Message))
	}
	if e.Wait > 0 {
		parts = append(parts, k.t("waiting %s", ui.Took(e.Wait)))
	}
	parts = append(parts, ui.Took(k.Now().Sub(t.started)))
	return k.Styles.Running.Render(ui.SymbolRunning+" ") + strings.Join(parts, " · ")
}

// keyed is a label with a value behind it, in a column.
func (k *Kit) keyed(label, value string, width int) string {
	const column = 18
	return k.Styles.Muted.Render(ui.Pad(label, min(column, width))) + ui.Cut(value, max(width-column, 0))
}
