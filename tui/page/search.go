package page

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/tui/ui"
)

// search is the filter line of a list: `/` begins it, enter keeps it, esc takes it away before it leaves the page.
type search struct {
	typing bool
	input  ui.Input
}

func (s *search) begin(k *Kit, page string) ui.Binding {
	return k.Bind(page, "search", "filter", "Show only what contains the words that you type", func() tea.Cmd { s.typing = true; return nil })
}

// bindings are those while the filter is typed; nil when it is not. A filter that stands is taken away by esc.
func (s *search) bindings(k *Kit, page string, changed func()) []ui.Binding {
	if !s.typing {
		return nil
	}
	end := func(away bool) func() tea.Cmd {
		return func() tea.Cmd {
			s.typing = false
			if away {
				s.input.Set("")
				changed()
			}
			return nil
		}
	}
	return []ui.Binding{
		{Keys: []string{"enter"}, Label: "keep filter", Help: "Keep the filter and go back to the list", Do: end(false)},
		{Keys: k.Keys.Of("global", "back"), Label: "no filter", Help: "Take the filter away", Do: end(true)},
	}
}

// clear is the binding that takes a standing filter away; nothing where there is none.
func (s *search) clear(k *Kit, changed func()) []ui.Binding {
	if s.input.Value() == "" {
		return nil
	}
	return []ui.Binding{{Keys: k.Keys.Of("global", "back"), Label: "no filter", Help: "Take the filter away", Do: func() tea.Cmd { s.input.Set(""); changed(); return nil }}}
}

func (s *search) key(k tea.KeyPressMsg) bool { return s.typing && s.input.Key(k) }

func (s *search) paste(text string) bool {
	if s.typing {
		s.input.Insert(text)
	}
	return s.typing
}

// filter is what was typed; a mistake in it, as it stands while a person types, hides nothing.
func (s *search) filter(fields ...string) ui.Filter {
	f, err := ui.ParseFilter(s.input.Value(), fields...)
	if err != nil {
		return ui.Filter{}
	}
	return f
}

// view is the filter's line with the counts, "" where there is none.
func (s *search) view(k *Kit, shown, all, width int) string {
	if !s.typing && s.input.Value() == "" {
		return ""
	}
	count := k.t("%d of %d", shown, all)
	if _, err := ui.ParseFilter(s.input.Value()); err != nil {
		count = ui.Clean(err.Error())
	}
	label := " " + k.t("filter") + " "
	return label + s.input.View(k.Styles, max(width-ui.Width(label)-ui.Width(count)-3, 8), s.typing) + "  " + k.Styles.Muted.Render(count)
}

// fold is for matching without case.
func fold(parts ...string) string { return strings.ToLower(strings.Join(parts, " ")) }
