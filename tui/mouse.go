package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/tui/ui"
)

// wheelLines is how far one notch of the wheel goes.
const wheelLines = 3

// toggleMouse takes the mouse, or gives it back to the terminal, with which text is selected as ever.
func (m *model) toggleMouse() tea.Cmd {
	m.mouse = !m.mouse
	text := m.t("The mouse belongs to the terminal again: it selects text.")
	if m.mouse {
		text = m.t("Wheel and click work here; %s gives the mouse back for selecting text.", ui.KeyName(m.env().Keys.Of("global", "mouse")[0]))
	}
	return func() tea.Msg { return ui.Toast{Text: text} }
}

// wheel is the keys for one line up or down, some times.
func (m *model) wheel(b tea.MouseButton) tea.Cmd {
	action, key := "down", tea.KeyDown
	switch b {
	case tea.MouseWheelUp:
		action, key = "up", tea.KeyUp
	case tea.MouseWheelDown:
	default:
		return nil
	}
	if f, ok := m.overlay.(*finder); ok {
		return f.key(m, tea.KeyPressMsg{Code: key})
	}
	if m.overlay != nil || m.top() == nil {
		return nil
	}
	var cmds []tea.Cmd
	for range wheelLines {
		list := m.top().Bindings()
		i := slices.IndexFunc(list, func(b ui.Binding) bool { return slices.Equal(b.Keys, m.env().Keys.Of("list", action)) })
		if i >= 0 {
			cmds = append(cmds, m.do(list[i], ""))
		}
	}
	return tea.Batch(cmds...)
}

// click chooses the line of the page's list that is pointed at.
func (m *model) click(at tea.Mouse) {
	if p, ok := m.top().(ui.Listed); ok && m.overlay == nil && at.Button == tea.MouseLeft {
		p.List().Click(at.Y - m.headLines())
	}
}
