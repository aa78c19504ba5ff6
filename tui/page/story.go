package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pomost/pomost/host/activity"
	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Story is everything about one record: where it is now, what came, what made each field, every attempt with what was sent and
// answered.
type Story struct {
	plain
	*Kit
	flow, key, label string
	story            activity.Story
	loaded           bool
	err              error
	open             map[string]bool // what is unfolded
	at, top, height  int
	lines            []storyLine
	width            int
}

// storyLine is one line as it is drawn. fold names what it folds, part what it is a part of.
type storyLine struct {
	text, fold, part string
}

// maxBody is how many lines of a payload are drawn: longer ones are for the log's file.
const maxBody = 2000

// NewStory opens the story of a record.
func NewStory(k *Kit, flow, key, label string) *Story {
	return &Story{Kit: k, flow: flow, key: key, label: label, open: map[string]bool{}}
}

type told struct {
	story activity.Story
	err   error
}

// Init implements ui.Page.
func (s *Story) Init() tea.Cmd {
	return func() tea.Msg {
		story, err := s.API.Why(s.Ctx, s.flow, s.key)
		return told{story, err}
	}
}

// Title implements ui.Page.
func (s *Story) Title() string { return name(s.key, s.label) }

// Update implements ui.Page.
func (s *Story) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case told:
		if s.err = msg.err; msg.err == nil {
			s.story, s.loaded = msg.story, true
			if s.label == "" {
				s.label = msg.story.Label
			}
		}
	case retried:
		return s.Init()
	}
	return nil
}

// Bindings implements ui.Page.
func (s *Story) Bindings() []ui.Binding {
	if !s.loaded {
		return nil
	}
	move := func(action, help string, by func() int) ui.Binding {
		b := s.Bind("list", action, "", help, func() tea.Cmd { s.move(by()); return nil })
		b.Hidden = true
		return b
	}
	previous := s.Bind("story", "previous", "", "To the part before", func() tea.Cmd { s.jump(-1); return nil })
	previous.Hidden = true
	waits := s.story.Status == "held" || s.story.Status == "failed" || s.story.Status == "pending"
	retry := s.Changing(s.Bind("story", "retry", "retry", "Take this record up again, read afresh", func() tea.Cmd {
		return s.Retry(control.RetryRequest{Flows: []string{s.flow}, Keys: []string{s.key}}, func() tea.Msg { return retried{} })
	}))
	decide := s.Changing(s.Bind("story", "decide", "decide", "Say yourself what is to become of this record", func() tea.Cmd {
		return push(NewDecide(s.Kit, control.RecordInfo{Flow: s.flow, Key: s.key, Label: s.label, Status: s.story.Status, Cause: s.story.Cause, Reason: s.story.Reason, Remedy: s.story.Remedy}))
	}))
	if !waits && retry.Disabled == nil {
		retry.Disabled = func() string { return s.t("it does not wait for anything") }
	}
	if (!waits || !Decidable(s.story.Cause)) && decide.Disabled == nil {
		decide.Disabled = func() string { return s.t("there is nothing to decide here") }
	}
	return []ui.Binding{
		s.Bind("story", "fold", "open/close", "Show or hide what was sent and answered", func() tea.Cmd { s.fold(); return nil }),
		s.Bind("story", "fold_all", "all", "Show or hide everything", func() tea.Cmd { s.foldAll(); return nil }),
		s.Bind("story", "next", "next part", "To the next part", func() tea.Cmd { s.jump(1); return nil }),
		retry, decide,
		s.Bind("story", "logs", "log", "What was done about this record, line by line", func() tea.Cmd { return s.Logs(control.LogsRequest{Flow: s.flow, Record: s.key}) }),
		s.Bind("story", "copy", "copy", "Copy what stands here, unfolded parts included", s.copy),
		previous,
		move("up", "One line up", func() int { return -1 }), move("down", "One line down", func() int { return 1 }),
		move("page_up", "One page up", func() int { return -max(s.height-1, 1) }), move("page_down", "One page down", func() int { return max(s.height-1, 1) }),
		move("top", "To the first line", func() int { return -len(s.lines) }), move("bottom", "To the last line", func() int { return len(s.lines) }),
	}
}

func (s *Story) move(by int) { s.at = min(max(s.at+by, 0), max(len(s.lines)-1, 0)) }

// jump goes to the next line that folds something.
func (s *Story) jump(by int) {
	for i := s.at + by; i >= 0 && i < len(s.lines); i += by {
		if s.lines[i].fold != "" {
			s.at = i
			return
		}
	}
}

func (s *Story) fold() {
	if s.at >= len(s.lines) {
		return
	}
	f := s.lines[s.at].fold
	if f == "" {
		f = s.lines[s.at].part
	}
	if f == "" {
		return
	}
	s.open[f] = !s.open[f]
	s.build(s.width)
	if i := slices.IndexFunc(s.lines, func(l storyLine) bool { return l.fold == f }); i >= 0 {
		s.at = i
	}
}

func (s *Story) foldAll() {
	folds := s.folds()
	shut := slices.ContainsFunc(folds, func(f string) bool { return !s.open[f] })
	for _, f := range folds {
		s.open[f] = shut
	}
	s.build(s.width)
	s.move(0)
}

// folds are all parts that can be folded.
func (s *Story) folds() []string {
	var out []string
	for i, a := range s.story.Attempts {
		for j := range a.Payloads {
			out = append(out, fmt.Sprint("payload ", i, " ", j))
		}
	}
	return out
}

// copy puts the page's text on the clipboard, through the terminal.
func (s *Story) copy() tea.Cmd {
	s.build(max(s.width, 80))
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(strings.TrimRight(ansi.Strip(l.text), " ") + "\n")
	}
	s.build(s.width)
	return tea.Batch(tea.SetClipboard(b.String()), s.toast(s.t("copied, if the terminal allows it")))
}

// View implements ui.Page.
func (s *Story) View(width, height int) string {
	st := s.Styles
	switch {
	case s.err != nil:
		return " " + st.Error.Render(ui.SymbolError+" "+s.t("The record's story could not be read.")) + "\n\n" + indent(ui.Wrap(s.ErrorText(s.err), max(width-2, 1)))
	case !s.loaded:
		return " " + st.Muted.Render(s.t("reading the record's story…"))
	}
	s.height = height
	s.build(width)
	s.move(0)
	if s.at < s.top {
		s.top = s.at
	}
	if s.at >= s.top+height {
		s.top = s.at - height + 1
	}
	s.top = max(min(s.top, len(s.lines)-height), 0)
	var out []string
	for i := s.top; i < len(s.lines) && i < s.top+height; i++ {
		mark := " "
		if i == s.at {
			mark = st.Key.Render(ui.SymbolHere)
		}
		out = append(out, mark+ui.Cut(s.lines[i].text, width-1))
	}
	return strings.Join(out, "\n")
}

// build makes the lines for a width.
func (s *Story) build(width int) {
	s.width = width
	s.lines = s.lines[:0]
	st, now, inner := s.Styles, s.Now(), max(width-3, 10)
	add := func(text string) { s.lines = append(s.lines, storyLine{text: text}) }
	para := func(style lipgloss.Style, text string) {
		for _, l := range ui.Wrap(ui.Clean(text), inner) {
			add(style.Render(l))
		}
	}
	section := func(title string) {
		add("")
		add(st.Title.Render(title))
	}
	add(s.standing())
	if s.story.Reason != "" {
		para(lipgloss.NewStyle(), s.story.Reason)
	}
	if s.story.Remedy != "" {
		para(st.Key, s.t("What to do: %s", s.Remedy(s.story.Remedy)))
	}
	if s.story.Key != s.label {
		add(st.Muted.Render(s.t("key %s", ui.Clean(s.story.Key))))
	}
	if len(s.story.Open) > 0 {
		section(s.t("Not known yet"))
		for _, o := range s.story.Open {
			add(st.Warning.Render(ui.SymbolWaiting+" "+ui.Clean(o.Action+" "+o.Object)) + "  " + s.t("begun %s", ui.Moment(now, o.Opened)) + st.Muted.Render("  "+s.openState(o)))
		}
	}
	if len(s.story.Links) > 0 {
		section(s.t("Where it stands"))
		for _, l := range s.story.Links {
			add(ui.Pad(ui.Clean(l.Connection+" "+l.Object), 18) + " " + st.Bold.Render(ui.Clean(l.Key)) + "  " + s.verified(l.Verified) + st.Muted.Render("  "+s.t("since %s", ui.Moment(now, l.Since))))
		}
	}
	if len(s.story.Fields) > 0 {
		section(s.t("What goes where"))
		s.fields(inner)
	}
	if len(s.story.Attempts) > 0 {
		section(s.t("What was done"))
		for i, a := range s.story.Attempts {
			s.attempt(i, a, inner)
		}
	} else {
		section(s.t("What was done"))
		add(st.Muted.Render(s.t("nothing is in the log any more, or nothing was done yet")))
	}
}

// standing is where the record is now, in one line.
func (s *Story) standing() string {
	st := s.Styles
	cause := ""
	if s.story.Cause != "" {
		cause = ": " + s.Cause(s.story.Cause)
	}
	switch s.story.Status {
	case "linked":
		return st.Good.Render(ui.SymbolGood + " " + s.t("carried over"))
	case "held":
		return st.Warning.Render(ui.SymbolWarning + " " + s.t("held") + cause)
	case "failed":
		return st.Error.Render(ui.SymbolError + " " + s.t("failed") + cause)
	case "watched":
		return st.Muted.Render(ui.SymbolNew + " " + s.t("watched: it waits for its status"))
	case "pending":
		return st.Warning.Render(ui.SymbolWaiting + " " + s.t("its outcome is open") + cause)
	}
	return st.Muted.Render(ui.SymbolNew + " " + s.t("never seen by this flow"))
}

func (s *Story) verified(v string) string {
	st := s.Styles
	switch v {
	case "verified":
		return st.Good.Render(ui.SymbolGood + " " + s.t("verified"))
	case "differs":
		return st.Warning.Render(ui.SymbolWarning + " " + s.t("it differs from what was sent"))
	case "unverifiable":
		return st.Muted.Render(s.t("cannot be verified"))
	case "not yet":
		return st.Muted.Render(s.t("not verified yet"))
	}
	return st.Muted.Render(s.t("not written by Pomost"))
}

func (s *Story) openState(o activity.OpenEffect) string {
	if o.State == "given_up" {
		return s.t("a person must decide")
	}
	return s.t("it is looked for at %s", ui.Moment(s.Now(), o.LookAgain))
}

// fields tell what each outgoing field is made of.
func (s *Story) fields(width int) {
	st := s.Styles
	first, second := 8, 8
	for _, f := range s.story.Fields {
		first = max(first, ui.Width(ui.Clean(f.Field)))
		second = max(second, ui.Width(ui.Clean(f.Value)))
	}
	first, second = min(first, width/4), min(second, width/4)
	object := ""
	for _, f := range s.story.Fields {
		if f.Object != object {
			object = f.Object
			s.lines = append(s.lines, storyLine{text: st.Muted.Render(ui.Clean(object))})
		}
		var from []string
		for _, v := range f.From {
			from = append(from, ui.Clean(v.Field)+" = "+ui.Clean(v.Value))
		}
		rule := ui.Clean(f.Rule)
		if len(f.From) == 1 && f.From[0].Field == f.Rule {
			rule = "" // the rule says no more than the field does
		}
		if f.Overridden {
			rule += " [" + s.t("as this flow says") + "]"
		}
		if f.Function != "" {
			rule += " [" + ui.Clean(f.Function) + "]"
		}
		head := "  " + ui.Pad(ui.Clean(f.Field), first) + "  " + st.Bold.Render(ui.Pad(ui.Clean(f.Value), second)) + "  "
		mark := "← "
		for _, part := range []string{strings.Join(from, ", "), strings.TrimSpace(rule)} {
			if part == "" {
				continue
			}
			for _, l := range ui.Wrap(part, max(width-first-second-8, 8)) {
				s.lines = append(s.lines, storyLine{text: head + st.Muted.Render(mark+l)})
				head, mark = strings.Repeat(" ", first+second+6), "  "
			}
		}
		if mark == "← " {
			s.lines = append(s.lines, storyLine{text: head})
		}
	}
}

// attempt is one thing that was done, with what was sent and answered folded away.
func (s *Story) attempt(i int, a activity.Attempt, width int) {
	st := s.Styles
	style := s.outcome(a.Outcome)
	text := st.Muted.Render(ui.Moment(s.Now(), a.Time)) + "  " + style.Render(ui.Clean(a.Outcome))
	if what := strings.TrimSpace(ui.Clean(a.Action + " " + a.Object)); what != "" {
		text += "  " + what
	}
	if a.Result != "" {
		text += "  " + ui.SymbolArrow + " " + st.Bold.Render(ui.Clean(a.Result))
	}
	text += st.Muted.Render(fmt.Sprintf("  %d ms", a.Millis))
	s.lines = append(s.lines, storyLine{text: text})
	if a.Message != "" {
		for _, l := range ui.Wrap(ui.Clean(a.Message), width-2) {
			s.lines = append(s.lines, storyLine{text: "  " + l})
		}
	}
	for j, p := range a.Payloads {
		fold := fmt.Sprint("payload ", i, " ", j)
		mark := "▸ "
		if s.open[fold] {
			mark = "▾ "
		}
		title := s.payload(p.Kind)
		if p.Object != "" {
			title += " · " + ui.Clean(p.Object)
		}
		if p.Cut {
			title += " · " + s.t("shortened")
		}
		s.lines = append(s.lines, storyLine{text: "  " + st.Key.Render(mark) + title, fold: fold})
		if !s.open[fold] {
			continue
		}
		for _, l := range body(p.Body) {
			s.lines = append(s.lines, storyLine{text: "      " + l, part: fold})
		}
	}
}

func (s *Story) payload(kind string) string {
	switch kind {
	case "in":
		return s.t("what came in")
	case "out":
		return s.t("what was sent")
	case "answer":
		return s.t("what was answered")
	case "exchange":
		return s.t("the call, word for word")
	}
	return ui.Clean(kind)
}

// body is JSON in lines, made safe to draw.
func body(raw json.RawMessage) []string {
	var b bytes.Buffer
	text := string(raw)
	if json.Indent(&b, raw, "", "  ") == nil {
		text = b.String()
	}
	lines := strings.Split(text, "\n")
	if len(lines) > maxBody {
		lines = append(lines[:maxBody], "…")
	}
	for i, l := range lines {
		lines[i] = ui.Clean(l)
	}
	return lines
}
