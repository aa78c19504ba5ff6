package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
)

// DemoResult is what demo prints: what run prints, and what both systems then answer.
type DemoResult struct {
	Flows []FlowResult `json:"flows"`
	// Sandboxes are the numbers of records that each system tells, by connection.
	Sandboxes map[string]map[string]int `json:"sandboxes"`
	// Agree tells whether those are the numbers of the runs, and no record is there twice.
	Agree  bool        `json:"agree"`
	Counts []DemoCount `json:"counts"`
	Held   []DemoHeld  `json:"held"`
	Error  *Failure    `json:"error,omitempty"`
}

// DemoCount is one number that a system told, beside the one it should be.
type DemoCount struct {
	Connection string `json:"connection"`
	System     string `json:"system"`
	Name       string `json:"name"`
	Title      string `json:"title"`
	Count      int    `json:"count"`
	Twice      int    `json:"twice"`              // records that share what none may share
	Expected   *int   `json:"expected,omitempty"` // of the run; none where the run says nothing of it
	Since      int    `json:"since,omitempty"`    // came after the run, in a live demonstration
	Agree      bool   `json:"agree"`
}

// DemoHeld is one cause for which records are held or failed, with one of them as example.
type DemoHeld struct {
	Cause   string     `json:"cause"`
	Count   int        `json:"count"`
	Example RecordInfo `json:"example"`
}

// Exit is the demonstration's exit code: records that are held are part of the show.
func (r DemoResult) Exit() int {
	switch {
	case r.Error != nil:
		return r.Error.Exit()
	case !r.Agree:
		return ExitFailed
	}
	return ExitDone
}

// Bounds of a demonstration.
const (
	demoTime     = 5 * time.Minute
	sandboxStart = 30 * time.Second
)

// demoPlan is demo.yaml: all that is specific to the pair of systems shown.
type demoPlan struct {
	Sandboxes map[string]struct {
		Connector string   `yaml:"connector"`
		Title     string   `yaml:"title"`
		Args      []string `yaml:"args"`
		Live      []string `yaml:"live"` // further ones where the demonstration goes on
	} `yaml:"sandboxes"`
	Config string      `yaml:"config"`
	Counts []demoCount `yaml:"counts"`
}

func loadDemo(recipes fs.FS) (demoPlan, error) {
	var p demoPlan
	names, err := fs.Glob(recipes, "*/demo/demo.yaml")
	if err != nil || len(names) == 0 {
		return p, usage("this program has no demonstration", "")
	}
	data, err := fs.ReadFile(recipes, names[0])
	if err == nil {
		err = yaml.UnmarshalWithOptions(data, &p, yaml.Strict())
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", names[0], err)
	}
	return p, nil
}

// Demo shows the main job: it starts both sandboxes with sample data, applies a configuration, runs its flows, counts through
// both APIs what is there now, and stops all it started. It works in a home of its own, or in the one that was named, if
// that is new.
func (s *Service) Demo(ctx context.Context) DemoResult { return s.DemoLive(ctx, nil) }

// DemoLive is Demo with live sandboxes, in which more happens while show is called with what came out and the service that everything is
// played on. All is stopped when show returns.
func (s *Service) DemoLive(ctx context.Context, show func(DemoResult, *Service) error) DemoResult {
	res := DemoResult{Flows: []FlowResult{}, Sandboxes: map[string]map[string]int{}, Counts: []DemoCount{}, Held: []DemoHeld{}}
	if err := s.demo(ctx, &res, show); err != nil {
		res.Error = AsFailure(err)
	}
	return res
}

func (s *Service) demo(whole context.Context, res *DemoResult, show func(DemoResult, *Service) error) (err error) {
	ctx, cancel := context.WithTimeout(whole, demoTime)
	defer cancel()
	plan, err := loadDemo(s.recipes)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pomost-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demonstration: %w", err)
	}
	defer os.RemoveAll(dir)
	opts := s.opts
	if opts.Home == "" {
		opts.Home = filepath.Join(dir, "home")
	} else if err := s.unused(ctx); err != nil {
		return err
	}
	boxes, err := s.startSandboxes(whole, plan, show != nil) // they outlive the first part
	defer func() {
		for _, b := range boxes {
			b.stop()
		}
	}()
	if err != nil {
		return err
	}
	secrets := map[string]string{}
	for name, b := range boxes {
		for key, value := range b.info {
			secrets[strings.ToUpper(name+"_"+key)] = value
		}
	}
	opts.Getenv = func(key string) string {
		if v, ok := secrets[key]; ok {
			return v
		}
		return s.opts.Getenv(key)
	}
	own := New(opts)
	if _, err := own.ApplyConfig(ctx, resolveConfig([]byte(fillDemo(plan.Config, boxes)), "demo.yaml", opts.Getenv)); err != nil {
		return err
	}
	flows, err := own.Flows(ctx)
	if err != nil {
		return err
	}
	run := own.Run(ctx, flows, s.opts.Progress)
	res.Flows = run.Flows
	if run.Error != nil {
		return run.Error
	}
	if res.Held, err = own.heldByCause(ctx); err != nil {
		return err
	}
	s.say("counting through both APIs")
	if err := res.count(ctx, plan, boxes, show != nil); err != nil || show == nil {
		return err
	}
	return show(*res, own)
}

func (s *Service) say(message string) {
	if s.opts.Progress != nil {
		s.opts.Progress(Event{Message: message})
	}
}

// unused refuses a home that is in use: a demonstration is not played on anybody's state.
func (s *Service) unused(ctx context.Context) error {
	flows, err := s.Flows(ctx)
	if err != nil {
		return err
	}
	if len(flows) > 0 {
		return usage("the home %s is in use", "name a new folder with --home, or none", s.opts.Home)
	}
	return nil
}

// fillDemo puts words of the sandboxes in their places.
func fillDemo(text string, boxes map[string]*sandboxProcess) string {
	var pairs []string
	for name, b := range boxes {
		for key, value := range b.info {
			pairs = append(pairs, "${"+name+"."+key+"}", value)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// heldByCause sums up what is held or failed, with one example for each cause.
func (s *Service) heldByCause(ctx context.Context) ([]DemoHeld, error) {
	recs, err := s.Records(ctx, RecordsRequest{})
	if err != nil {
		return nil, err
	}
	out, at := []DemoHeld{}, map[string]int{}
	for _, r := range recs.Records {
		i, known := at[r.Cause]
		if !known {
			i = len(out)
			at[r.Cause] = i
			out = append(out, DemoHeld{Cause: r.Cause, Example: r})
		}
		out[i].Count++
	}
	return out, nil
}

// sandboxProcess is a sandbox that runs for a demonstration.
type sandboxProcess struct {
	info map[string]string // its first line
	stop func()            // returns when it has ended
}

func (s *Service) startSandboxes(ctx context.Context, plan demoPlan, live bool) (map[string]*sandboxProcess, error) {
	boxes := map[string]*sandboxProcess{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	for _, name := range sortedKeys(plan.Sandboxes) {
		conf := plan.Sandboxes[name]
		s.say("starting the sandbox of " + conf.Title)
		wg.Go(func() {
			args := conf.Args
			if live {
				args = slices.Concat(args, conf.Live)
			}
			b, err := s.startSandbox(ctx, conf.Connector, args)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, at(name, err))
				return
			}
			boxes[name] = b
		})
	}
	wg.Wait()
	return boxes, failed
}

// startSandbox starts a connector's sandbox and reads its first line.
func (s *Service) startSandbox(ctx context.Context, connector string, args []string) (*sandboxProcess, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd, err := s.sandboxCommand(ctx, connector, args)
	if err != nil {
		cancel()
		return nil, err
	}
	line, words := newFirstLine(), &lastBytes{}
	cmd.Stdout, cmd.Stderr = line, words
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = runTied(cmd) // what it says of an early end is in its last words
	}()
	b := &sandboxProcess{stop: func() { cancel(); <-done }}
	late := time.NewTimer(sandboxStart)
	defer late.Stop()
	var problem string
	select {
	case text := <-line.first:
		if err := json.Unmarshal(text, &b.info); err == nil {
			return b, nil
		}
		problem = "its first line is not the expected one"
	case <-done:
		problem = "it ended at once: " + strings.TrimSpace(words.String())
	case <-late.C:
		problem = "it said nothing for " + sandboxStart.String()
	case <-ctx.Done():
		b.stop()
		return nil, ctx.Err()
	}
	b.stop()
	return nil, &Failure{Cause: "plugin_failed", Message: "the sandbox of " + connector + " does not start: " + problem,
		Remedy: "try `pomost sandbox " + connector + "`", exit: ExitFailed}
}

// firstLine takes the first line of what is written to it and lets the rest go.
type firstLine struct {
	first chan []byte
	buf   []byte
	sent  bool
}

const maxFirstLine = 64 << 10

func newFirstLine() *firstLine { return &firstLine{first: make(chan []byte, 1)} }

func (l *firstLine) Write(p []byte) (int, error) {
	if !l.sent {
		l.buf = append(l.buf, p...)
		if i := bytes.IndexByte(l.buf, '\n'); i >= 0 || len(l.buf) > maxFirstLine {
			l.sent = true
			l.first <- l.buf[:max(i, 0)]
			l.buf = nil
		}
	}
	return len(p), nil
}

// lastBytes keeps the end of what is written to it. Safe for concurrent use.
type lastBytes struct {
	mu  sync.Mutex
	buf []byte
}

const maxLastBytes = 4 << 10

func (l *lastBytes) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if over := len(l.buf) - maxLastBytes; over > 0 {
		l.buf = append([]byte(nil), l.buf[over:]...)
	}
	return len(p), nil
}

func (l *lastBytes) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}

var (
	_ io.Writer = (*firstLine)(nil)
	_ io.Writer = (*lastBytes)(nil)
)

// number is a count of a flow's run by its word.
func (f FlowResult) number(word string) (int, bool) {
	n, ok := map[string]int{"read": f.Read, "created": f.Created, "updated": f.Updated, "unchanged": f.Unchanged,
		"skipped": f.Skipped, "held": f.Held, "failed": f.Failed}[word]
	return n, ok
}
