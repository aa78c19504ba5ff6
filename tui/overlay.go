package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/tui/ui"
)

// overlay is what lies over the page and gets the keys first. It takes itself away.
type overlay interface {
	key(m *model, k tea.KeyPressMsg) tea.Cmd
	paste(text string)
	view(m *model, width, height int) string
}

// A dialog that nobody asked for takes no key until none came for grace, so that what is being typed cannot answer it; after graceMost it
// does in any case.
const (
	grace     = 425 * time.Millisecond
	graceMost = 1500 * time.Millisecond
)

// question is a dialog with yes and no.
type question struct {
	ui.Ask
	opened time.Time
	quiet  time.Time // the last key before it takes any
	wait   bool      // it opened by itself
	quits  bool
	typed  ui.Input
}

// newQuestion makes a dialog. trigger is the key that asked for it, "" when none did: it never is the key that answers.
func newQuestion(m *model, ask ui.Ask, trigger string) *question {
	if ask.YesKey == "" {
		ask.YesKey = "y"
	}
	if ask.YesKey == trigger || ask.YesKey == "esc" || ask.YesKey == "n" {
		ask.YesKey = map[bool]string{true: "j", false: "y"}[trigger == "y"]
	}
	now := m.kit.Now()
	return &question{Ask: ask, opened: now, quiet: now, wait: trigger == ""}
}

func (q *question) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	now := m.kit.Now()
	if q.wait {
		if now.Sub(q.quiet) < grace && now.Sub(q.opened) < graceMost {
			q.quiet = now
			return nil
		}
		q.wait = false
	}
	pressed := k.String()
	switch {
	case pressed == "esc" || q.Name == "" && pressed == "n":
		m.overlay = nil
		return nil
	case q.Name != "" && pressed == "enter":
		if q.typed.Value() != q.Name {
			return nil
		}
	case q.Name != "":
		q.typed.Key(k)
		return nil
	case pressed != q.YesKey:
		return nil
	}
	m.overlay = nil
	if q.Do == nil {
		return nil
	}
	return wrap(q.Do(), m.top(), pressed)
}

func (q *question) paste(text string) {
	if q.Name != "" && !q.wait {
		q.typed.Insert(text)
	}
}

func (q *question) view(m *model, width, height int) string {
	st := m.kit.Styles
	w := min(64, width-4)
	var body []string
	for _, l := range ui.Wrap(ui.Clean(q.Text), w-4) {
		if len(body) < height-6 {
			body = append(body, l)
		}
	}
	body = append(body, "")
	yes := st.Key.Render(q.YesKey) + " " + q.Yes
	if q.Name != "" {
		body = append(body, m.t("Type %s to go on:", ui.Clean(q.Name))+" "+q.typed.View(st, max(min(20, w-30), 8), true))
		yes = st.Key.Render("enter") + " " + q.Yes
	}
	body = append(body, yes+"   "+st.Key.Render("esc")+" "+m.t("no, go back"))
	return m.box(ui.Clean(q.Title), body, w)
}
