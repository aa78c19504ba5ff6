package scenario

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/internal/harness"
)

var update = flag.Bool("update", false, "write what the cases print into their files")

// atOnce is how many cases run side by side: they wait for settle times more than they compute.
const atOnce = "6"

func TestMain(m *testing.M) {
	harness.Worker()
	// Far from the systems' own zones, so that a date which shifts anywhere shows in every case.
	zone, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		panic(err)
	}
	time.Local = zone
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	harness.Main(m)
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases: ", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runCase(t, file)
		})
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Error("the case says in no line what it shows")
	}
	part := map[string]string{}
	for _, f := range archive.Files {
		if !slices.Contains(append([]string{"setup", "settings", "shop.json", "steps", "want"}, furtherFlows...), f.Name) || part[f.Name] != "" {
			t.Fatalf("part %q is unknown or there twice", f.Name)
		}
		part[f.Name] = string(f.Data)
	}
	w := newWorld(t, part)
	for _, line := range lines(part["steps"]) {
		if err := w.do(line); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, w.out.String())
		}
	}
	got := w.clean(w.out.String())
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(part["want"], "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// do carries one command out.
func (w *world) do(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "repeat":
		count, command, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(count)
		for i := 1; err == nil && i <= n; i++ {
			err = w.do(strings.ReplaceAll(command, "%d", strconv.Itoa(i)))
		}
		return err
	case "ea", "av":
		return w.seed(word, rest)
	case "settings":
		return w.apply(rest)
	case "customers", "products", "stock":
		return w.change(word, rest)
	case "books":
		k, v, _ := strings.Cut(rest, "=")
		w.AVSettings[k] = v
		return w.apply("{}")
	case "later":
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		return w.Later(w.t.Context(), d)
	case "plan":
		return w.plan(rest)
	case "run":
		return w.run(line, func(ctx context.Context) control.RunResult { return w.Service.Run(ctx, w.named(rest), nil) })
	case "run-plan":
		return w.run(line, func(ctx context.Context) control.RunResult { return w.Service.RunPlan(ctx, w.planID, nil) })
	case "retry":
		return w.retry(line, rest)
	case "decide":
		return w.decide(line, rest)
	case "rewind":
		return w.Rewind(w.t.Context())
	case "records":
		fmt.Fprintln(&w.out, line)
		return w.records()
	case "show":
		if list, ok := strings.CutPrefix(rest, "ea "); ok {
			return w.showShop(list)
		}
		return w.show(rest)
	case "log":
		return w.log()
	}
	return fmt.Errorf("there is no command %s", word)
}

// furtherFlows are the flows beside that of orders; a case that has a part of that name has the flow, with these settings.
var furtherFlows = []string{"customers", "products", "stock"}

// named are the flows that a command names; without any, all that there are.
func (w *world) named(rest string) []string {
	if f := strings.Fields(rest); len(f) > 0 {
		return f
	}
	return w.Names()
}

func (w *world) plan(rest string) error {
	name := w.named(rest)[0]
	res, err := w.Service.Plan(w.t.Context(), name, nil)
	fmt.Fprintln(&w.out, strings.TrimSpace("plan "+rest))
	if err != nil {
		w.failure(control.AsFailure(err))
		return nil
	}
	w.planID = res.ID
	for _, a := range res.Actions {
		fmt.Fprintf(&w.out, "  %s: %s %s%s\n", a.Label, a.Action, a.Object, prefixed(": ", strings.TrimSpace(a.Cause+" "+a.Reason)))
		for _, c := range a.Changes {
			from := ""
			if c.From != "" {
				from = c.From + " → "
			}
			fmt.Fprintf(&w.out, "      %s: %s%s\n", c.Field, from, c.To)
		}
		for _, note := range append([]string{a.Proof}, a.Warnings...) {
			if note != "" {
				fmt.Fprintf(&w.out, "      · %s\n", note)
			}
		}
	}
	return nil
}

// run prints what a run says, which writes it made, and what is remembered after it.
func (w *world) run(line string, do func(context.Context) control.RunResult) error {
	av, ea := len(w.AV.Log()), len(w.EA.Log())
	res := do(w.t.Context())
	fmt.Fprintf(&w.out, "%s: exit %d", line, res.Exit())
	for _, f := range res.Flows {
		if len(w.Names()) > 1 {
			fmt.Fprintf(&w.out, "; %s", f.Name)
		}
		fmt.Fprintf(&w.out, ", %s", f.Status)
		for _, c := range []struct {
			word string
			n    int
		}{{"read", f.Read}, {"created", f.Created}, {"updated", f.Updated}, {"unchanged", f.Unchanged}, {"skipped", f.Skipped}, {"held", f.Held}, {"failed", f.Failed}} {
			if c.n != 0 {
				fmt.Fprintf(&w.out, ", %s %d", c.word, c.n)
			}
		}
		if sum := f.Created + f.Updated + f.Unchanged + f.Skipped + f.Held + f.Failed; sum != f.Read {
			fmt.Fprintf(&w.out, " (these make %d)", sum)
		}
	}
	fmt.Fprintln(&w.out)
	if res.Error != nil {
		w.failure(res.Error)
	}
	w.writes(av, ea)
	return w.records()
}

func (w *world) failure(f *control.Failure) {
	fmt.Fprintf(&w.out, "  error %s: %s → %s\n", f.Cause, f.Error(), f.Remedy)
}

func (w *world) retry(line, rest string) error {
	req := control.RetryRequest{Flows: w.Names()}
	for _, arg := range strings.Fields(rest) {
		if cause, ok := strings.CutPrefix(arg, "cause="); ok {
			req.Cause = cause
			continue
		}
		req.Keys = append(req.Keys, w.expand(arg))
	}
	return w.run(line, func(ctx context.Context) control.RunResult { return w.Service.Retry(ctx, req, nil) })
}

// decide is a person's word: the record's label, the decision, and the destination's key where it needs one.
func (w *world) decide(line, rest string) error {
	words := append(strings.Fields(rest), "", "", "")
	req := control.DecideRequest{Flow: w.Names()[0], Key: w.expand(words[0]), Decision: words[1], Result: w.expand(words[2])}
	res, err := w.Service.Decide(w.t.Context(), req)
	fmt.Fprintln(&w.out, line)
	if err != nil {
		w.failure(control.AsFailure(err))
	} else {
		fmt.Fprintf(&w.out, "  %s\n", res.Message)
	}
	return w.records()
}

// records prints what is remembered, equal lines once with their number.
func (w *world) records() error {
	found, err := w.Records(w.t.Context())
	if err != nil {
		return err
	}
	var all []string
	for _, r := range found {
		all = append(all, fmt.Sprintf("%s %s: %s%s%s", r.Label, r.Status, strings.TrimSpace(r.Cause+" "), prefixed(" ", r.Reason), prefixed(" → ", r.Remedy)))
	}
	slices.Sort(all)
	number := regexp.MustCompile(`\d+`)
	for i := 0; i < len(all); {
		n := 1
		for i+n < len(all) && number.ReplaceAllString(all[i+n], "") == number.ReplaceAllString(all[i], "") {
			n++
		}
		if n > 5 {
			fmt.Fprintf(&w.out, "  %d records as: %s\n", n, all[i])
		} else {
			for _, r := range all[i : i+n] {
				fmt.Fprintf(&w.out, "  %s\n", r)
			}
		}
		i += n
	}
	return nil
}

func (w *world) log() error {
	fmt.Fprintln(&w.out, "log")
	return w.Service.Logs(w.t.Context(), control.LogsRequest{Flow: w.Names()[0]}, func(l control.LogEntry) error {
		fmt.Fprintf(&w.out, "  %s\n", strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s %s %s %s", l.Key, l.Step, l.Action, l.Object, l.Outcome, l.Result, l.Cause, l.Message)), " "))
		return nil
	})
}
