package logview

import (
	"encoding/json"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/tui/ui"
)

// Bindings implements ui.Page.
func (p *Page) Bindings() []ui.Binding {
	bind := func(action, label, help string, do func() tea.Cmd) ui.Binding {
		return p.env.Bind("logs", action, label, help, do)
	}
	hidden := func(b ui.Binding) ui.Binding { b.Hidden = true; return b }
	list := func(action, help string, do func() tea.Cmd) ui.Binding {
		return hidden(p.env.Bind("list", action, "", help, do))
	}
	if p.asking != 0 {
		return []ui.Binding{
			{Keys: []string{"enter"}, Label: "done", Help: "Keep what is typed", Do: p.accept},
			p.escape("undo", "Put back what held before"),
		}
	}
	freeze := bind("freeze", "freeze", "Hold the screen still: nothing new is taken in", p.freeze)
	if p.frozen || p.left {
		freeze = bind("freeze", "go on", "Take in what came meanwhile, and follow again", p.freeze)
	}
	out := []ui.Binding{
		freeze,
		bind("search", "search", "Find text and mark it; everything stays to be seen", func() tea.Cmd { return p.ask('/') }),
		bind("filter", "filter", "Hide every line that does not match", func() tea.Cmd { return p.ask('&') }),
		bind("details", "details", "Show everything about the line, with what was sent and answered", p.openDetails),
	}
	if p.Story != nil {
		story := bind("story", "record", "Open the story of the line's record", p.story)
		story.Disabled = p.noStory
		out = append(out, story)
	}
	if p.clearable() {
		out = append(out, p.escape("clear", "Close the details, then end the search, then the filter; after that the page is left"))
	}
	found := func() string {
		if p.buffer.search.Empty() {
			return p.t("first search with /")
		}
		return ""
	}
	next := bind("next", "next", "To the next line that the search finds", func() tea.Cmd { return p.next(1) })
	previous := bind("previous", "previous", "To the line before that the search finds", func() tea.Cmd { return p.next(-1) })
	next.Hidden, previous.Hidden = p.buffer.search.Empty(), true
	next.Disabled, previous.Disabled = found, found
	earlier := bind("earlier", "earlier", "Load earlier lines from the store", p.load)
	earlier.Disabled = func() string {
		if p.all {
			return p.t("there are no earlier lines")
		}
		return ""
	}
	out = append(out, next, previous,
		bind("error", "next problem", "Down to the next line in which something went wrong", func() tea.Cmd { return p.nextBad(1) }),
		hidden(bind("error_back", "", "Up to the line before in which something went wrong", func() tea.Cmd { return p.nextBad(-1) })),
		earlier,
		hidden(bind("time", "", "Write times of here, as so long ago, or in UTC", func() tea.Cmd { p.form = (p.form + 1) % timeForms; return nil })),
		hidden(bind("wrap", "", "Break long lines, or cut them", func() tea.Cmd { p.wrap = !p.wrap; return nil })),
		hidden(bind("mark", "", "Draw a mark below the line, or take it away", func() tea.Cmd { p.buffer.toggleMark(); return nil })),
		hidden(bind("copy", "", "Copy the line", p.copyLine)),
		hidden(bind("copy_json", "", "Copy the line as JSON, with what was sent and answered where the details are open", p.copyJSON)),
	)
	for i, period := range periods {
		out = append(out, hidden(bind(period.action, "", period.Help, func() tea.Cmd { return p.since(i) })))
	}
	if p.details != nil {
		out = append(out,
			hidden(bind("details_down", "", "Down in the details", func() tea.Cmd { p.details.scroll(1); return nil })),
			hidden(bind("details_up", "", "Up in the details", func() tea.Cmd { p.details.scroll(-1); return nil })))
	}
	page := max(p.height-1, 1)
	return append(out,
		list("up", "One line up", func() tea.Cmd { return p.move(-1) }),
		list("down", "One line down", func() tea.Cmd { return p.move(1) }),
		list("page_up", "One page up", func() tea.Cmd { return p.move(-page) }),
		list("page_down", "One page down", func() tea.Cmd { return p.move(page) }),
		list("top", "To the first line", func() tea.Cmd { return p.move(-p.buffer.count()) }),
		list("bottom", "To the newest line, and follow again", p.end),
	)
}

func (p *Page) escape(label, help string) ui.Binding {
	return ui.Binding{Keys: p.env.Keys.Of("global", "back"), Label: label, Help: help, Do: p.clear}
}

func (p *Page) copyLine() tea.Cmd {
	e, ok := p.here()
	if !ok {
		return nil
	}
	_, what := p.lead(&e)
	text := strings.Join(strings.Fields(e.Time.Format("2006-01-02 15:04:05Z07:00")+" "+ui.Clean(e.Flow+" "+e.Key+" "+e.Outcome)+" "+what), " ")
	return p.copied(text, p.t("the line is copied"))
}

func (p *Page) copyJSON() tea.Cmd {
	e, ok := p.here()
	if !ok {
		return nil
	}
	if p.details != nil && p.details.entry.ID == e.ID {
		e = p.details.entry
	}
	body, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return p.failed(err)
	}
	return p.copied(string(body), p.t("the line is copied as JSON"))
}

func (p *Page) copied(text, said string) tea.Cmd {
	return tea.Batch(tea.SetClipboard(text), func() tea.Msg { return ui.Toast{Text: said} })
}
