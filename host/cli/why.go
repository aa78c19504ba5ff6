package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/control"
)

func (a *app) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "why FLOW KEY", Short: "Tell everything about one record",
		Long: "Tells what came, what made each field, every attempt with what was sent and answered, and where the record is now. KEY is its key,\n" +
			"or its number as people know it.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("`pomost why` takes a flow and a record", "as in: pomost why orders 1001")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			api, err := a.api()
			if err != nil {
				return err
			}
			story, err := api.Why(a.ctx, args[0], args[1])
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return a.finish(story, nil, control.ExitDone, func(w io.Writer) { storyText(w, story) })
		},
	}
}

const storyTime = "2006-01-02 15:04:05"

// storyText tells a record's story to a person.
func storyText(w io.Writer, s activity.Story) {
	name := s.Key
	if s.Label != "" && s.Label != s.Key {
		name = s.Label + "  (" + s.Key + ")"
	}
	fmt.Fprintf(w, "%s · %s\n", cell(s.Flow), cell(name))
	if s.Status == "unknown" && len(s.Attempts) == 0 && len(s.Open) == 0 {
		fmt.Fprintln(w, "Nothing is remembered of it. It was never seen, or it was left out by a filter.")
		return
	}
	where := []string{s.Status}
	if s.Cause != "" {
		where = append(where, s.Cause)
	}
	if !s.Since.IsZero() {
		where = append(where, "since "+s.Since.Local().Format("2006-01-02 15:04"))
	}
	if s.Tries > 1 {
		where = append(where, control.Several(s.Tries, "attempt"))
	}
	fmt.Fprintln(w, cell(strings.Join(where, " · ")))
	for _, l := range []struct{ mark, text string }{{"  ", s.Reason}, {"  → ", s.Remedy}} {
		if l.text != "" {
			fmt.Fprintln(w, l.mark+cell(l.text))
		}
	}
	for _, l := range s.Links {
		fmt.Fprintf(w, "  %s: %s\n", cell(l.Kind), cell(strings.TrimSpace(fmt.Sprintf("%s %s %s  %s", l.Connection, l.Object, l.Key, l.Verified))))
	}
	for _, o := range s.Open {
		fmt.Fprintf(w, "  open: %s\n", cell(openText(o)))
	}
	if s.Source != nil {
		fmt.Fprintf(w, "\nWhat came  %s\n", s.SourceTime.Local().Format(storyTime))
		table(w, "  ", filled(rows(s.Source.Body, s.Source.Cut)))
	}
	if len(s.Fields) > 0 {
		fmt.Fprintln(w, "\nWhat makes each field now")
		list := make([][]string, 0, len(s.Fields))
		for _, f := range s.Fields {
			list = append(list, []string{f.Object + "." + f.Field, f.Value, originText(f)})
		}
		table(w, "  ", list)
	}
	if len(s.Attempts) > 0 {
		fmt.Fprintln(w, "\nWhat was done")
	}
	for _, at := range s.Attempts {
		words := append([]string{at.Time.Local().Format(storyTime)}, attemptWords(at.Step, at.Action, at.Object, at.Outcome, at.Result, at.Cause, at.Message, at.Millis)...)
		fmt.Fprintln(w, "  "+cell(strings.Join(words, "  ")))
		attemptText(w, at)
	}
}

func openText(o activity.OpenEffect) string {
	text := strings.Join(strings.Fields(o.Action+" "+o.Object+" "+o.Reference), " ") + ": "
	if o.State == "given_up" {
		return text + "a person must decide what became of it"
	}
	return text + "its outcome is not known; looked for again after " + o.LookAgain.Local().Format(time.TimeOnly)
}

func originText(f activity.FieldOrigin) string {
	var parts []string
	for _, from := range f.From {
		parts = append(parts, from.Field+"="+from.Value)
	}
	text := "← " + f.Rule
	if f.Function != "" {
		text += " by " + f.Function
	}
	if len(parts) > 0 {
		text += "  (" + strings.Join(parts, ", ") + ")"
	}
	if f.Overridden {
		text += "  set in the flow"
	}
	return text
}

// attemptText shows what was sent and what was answered side by side, and each raw exchange in a line.
func attemptText(w io.Writer, at activity.Attempt) {
	var sent, answered [][]string
	for _, p := range at.Payloads {
		switch p.Kind {
		case activity.KindOut:
			sent = append(sent, rows(p.Body, p.Cut)...)
		case activity.KindAnswer:
			answered = append(answered, filled(rows(p.Body, p.Cut))...)
		}
	}
	switch {
	case len(sent) == 0 && len(answered) > 0:
		table(w, "      ", append([][]string{{"", "answered"}}, answered...))
	case len(sent) > 0:
		list := [][]string{{"", "sent", "answered"}}
		for _, r := range sent {
			got := ""
			if n := slices.IndexFunc(answered, func(o []string) bool { return o[0] == r[0] }); n >= 0 {
				got = answered[n][1]
				answered = slices.Delete(answered, n, n+1)
			}
			list = append(list, []string{r[0], r[1], got})
		}
		for _, r := range answered {
			list = append(list, []string{r[0], "", r[1]})
		}
		table(w, "      ", list)
	}
	for _, p := range at.Payloads {
		switch p.Kind {
		case activity.KindExchange:
			fmt.Fprintln(w, "      "+cell(exchangeText(p.Body)))
		case activity.KindUnreadable:
			fmt.Fprintln(w, "      what was kept cannot be read: "+cell(string(p.Body)))
		}
	}
}

// exchangeText is a raw exchange in a line; of one that failed also the beginning of what was answered.
func exchangeText(body json.RawMessage) string {
	var x struct {
		Method, URL, Error string
		Status             int
		Millis             int64
		Response           json.RawMessage
	}
	if json.Unmarshal(body, &x) != nil {
		return short(string(body))
	}
	text := fmt.Sprintf("%s %s", x.Method, x.URL)
	if x.Status != 0 {
		text += fmt.Sprintf(" → %d", x.Status)
	}
	text += fmt.Sprintf(", %d ms", x.Millis)
	if x.Error != "" {
		text += ": " + x.Error
	} else if x.Status >= 400 && len(x.Response) > 0 {
		text += ": " + short(string(x.Response))
	}
	return text
}

// shortText is how much of a value a table shows.
const shortText = 60

func short(s string) string {
	if r := []rune(s); len(r) > shortText {
		return string(r[:shortText]) + "…"
	}
	return s
}

// empty is how a value that is stated to be empty is shown.
const empty = "(empty)"

// filled leaves out what is empty: of what was sent that matters, of what came and was answered it only fills the page.
func filled(list [][]string) [][]string {
	return slices.DeleteFunc(list, func(r []string) bool { return r[1] == empty || r[1] == "" })
}

// rows lists the values of a JSON tree by their paths, in its order.
func rows(body json.RawMessage, cut bool) [][]string {
	var out [][]string
	var walk func(path string, b json.RawMessage)
	walk = func(path string, b json.RawMessage) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		t, err := d.Token()
		delim, tree := t.(json.Delim)
		if err != nil || !tree {
			switch v := t.(type) {
			case nil:
				out = append(out, []string{path, empty})
			case string:
				out = append(out, []string{path, v})
			default:
				out = append(out, []string{path, fmt.Sprint(v)})
			}
			return
		}
		for n := 1; d.More(); n++ {
			name := strconv.Itoa(n)
			if delim == '{' {
				key, err := d.Token()
				if err != nil {
					return
				}
				name, _ = key.(string)
			}
			var v json.RawMessage
			if d.Decode(&v) != nil {
				return
			}
			if path != "" {
				name = path + "." + name
			}
			walk(name, v)
		}
	}
	walk("", body)
	if cut {
		out = append(out, []string{"…", "it was longer"})
	}
	return out
}

// table shows rows in columns, long values cut.
func table(w io.Writer, indent string, list [][]string) {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, r := range list {
		cells := make([]string, len(r))
		for i, c := range r {
			if c = cell(c); i < 2 {
				c = short(c)
			}
			cells[i] = c
		}
		fmt.Fprintln(t, indent+strings.Join(cells, "\t"))
	}
	_ = t.Flush() // a buffer takes everything
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}
