package form

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Typing tells that letters are text now.
func (f *Form) Typing() bool {
	switch {
	case f.open != nil:
		return true
	case f.table != nil:
		return true
	}
	return f.focus.what == onItem && f.focus.item != nil && f.focus.item.typed()
}

// Bindings are the keys that work in the form now.
func (f *Form) Bindings() []ui.Binding {
	bind := func(action, label, help string, do func() tea.Cmd) ui.Binding {
		return f.env.Bind("form", action, label, help, do)
	}
	hidden := func(b ui.Binding) ui.Binding { b.Hidden = true; return b }
	back := func(label, help string, do func() tea.Cmd) ui.Binding {
		return ui.Binding{Keys: f.env.Keys.Of("global", "back"), Label: label, Help: help, Do: do}
	}
	submit := bind("submit", "continue", "Check the form and go on", f.submit)
	switch {
	case f.open != nil:
		out := []ui.Binding{bind("enter", "choose", "Take what is marked", f.choose)}
		if f.open.many {
			out[0] = bind("enter", "done", "Take what is marked", f.choose)
			out = append(out, ui.Binding{Keys: []string{"space"}, Label: "mark", Help: "Mark the option, or take the mark away", Do: func() tea.Cmd { f.open.toggle(); return nil }})
		}
		if !f.single() {
			out = append(out, submit)
		}
		if !f.single() || f.open.cell != nil || f.open.filter.Value() != "" {
			out = append(out, back("close", "Close the list", f.closeList))
		}
		return append(out, hidden(bind("next", "", "To the next field", func() tea.Cmd { return f.leaveList(1) })),
			hidden(bind("previous", "", "To the field before", func() tea.Cmd { return f.leaveList(-1) })))
	case f.table != nil:
		out := []ui.Binding{
			bind("enter", "next cell", "To the next cell, or to the list of its options", f.table.enter),
			bind("row_delete", "delete row", "Delete the row", f.table.delete),
			bind("row_add", "new row", "Add a row", f.table.add),
			submit,
			hidden(bind("next", "", "To the next cell", func() tea.Cmd { f.table.step(1); return nil })),
			hidden(bind("previous", "", "To the cell before", func() tea.Cmd { f.table.step(-1); return nil })),
		}
		if !f.single() {
			out = append(out, back("close", "Close the table", func() tea.Cmd { f.table.item.check(f); f.close(); return nil }))
		}
		return out
	}
	enter := bind("enter", "next", "To the next field", f.enter)
	switch {
	case f.focus.what == onButton:
		enter = bind("enter", "continue", "Check the form and go on", f.submit)
	case f.focus.what == onFold:
		enter = bind("enter", "show or hide", "Show or hide the fields that are rarely needed", f.enter)
	case f.focus.item != nil && !f.focus.item.typed() && f.focus.item.Type != control.FieldBool:
		enter = bind("enter", "open", "Open the list", f.enter)
	}
	out := []ui.Binding{enter}
	if f.focus.what != onButton {
		out = append(out, submit)
	}
	if it := f.focus.item; it != nil && it.Secret {
		out = append(out, bind("reveal", "show it", "Show or hide what is typed", func() tea.Cmd { it.reveal = !it.reveal; return nil }))
	}
	return append(out,
		hidden(bind("next", "", "To the next field", func() tea.Cmd { f.move(1); return nil })),
		hidden(bind("previous", "", "To the field before", func() tea.Cmd { f.move(-1); return nil })))
}

// Update takes the keys that are no bindings, and pastes: these are text where text is typed, and nothing elsewhere.
func (f *Form) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		switch it := f.focus.item; {
		case f.open != nil:
			f.open.filter.Insert(msg.Content)
			f.open.at = 0
		case f.table != nil:
			f.table.paste(msg.Content)
		case f.Typing():
			it.input.Insert(msg.Content)
			it.wrong = ""
		}
	case tea.KeyPressMsg:
		switch {
		case f.open != nil:
			return f.listKey(msg)
		case f.table != nil:
			f.table.key(msg)
			return nil
		}
		f.key(msg)
	}
	return nil
}

func (f *Form) key(k tea.KeyPressMsg) {
	it := f.focus.item
	switch k.String() {
	case "up":
		f.move(-1)
		return
	case "down":
		f.move(1)
		return
	case "pgup":
		f.move(-5)
		return
	case "pgdown":
		f.move(5)
		return
	case "space", "left", "right":
		switch {
		case f.focus.what == onFold && k.String() == "space":
			f.folded = !f.folded
			return
		case it != nil && it.Type == control.FieldBool:
			it.on = !it.on
			return
		case it != nil && !it.typed():
			if k.String() == "space" {
				f.activate()
			}
			return
		}
	}
	if it == nil || !it.typed() {
		return
	}
	if it.Secret && slices.Contains([]string{"left", "right", "home", "end", "ctrl+a", "ctrl+e"}, k.String()) {
		return // what cannot be seen is edited at its end only
	}
	if it.input.Key(k) {
		it.wrong = ""
	}
}

// enter does the obvious at the place of the cursor.
func (f *Form) enter() tea.Cmd {
	switch it := f.focus.item; {
	case f.focus.what == onFold:
		f.folded = !f.folded
	case f.focus.what == onButton:
		return f.submit()
	case it != nil && !it.typed() && it.Type != control.FieldBool:
		f.activate()
	case len(f.items) == 1:
		return f.submit()
	default:
		f.move(1)
	}
	return nil
}

// activate opens what the item has to open.
func (f *Form) activate() {
	it := f.focus.item
	if it == nil {
		return
	}
	switch it.Type {
	case control.FieldChoice, control.FieldChoices:
		f.open = newPicker(it.Options, it.chosen, it.Type == control.FieldChoices)
	case control.FieldTexts, control.FieldTable:
		f.table = newGrid(f, it)
	}
}

// move goes n places down; what is left is checked.
func (f *Form) move(n int) {
	places := f.places()
	i := slices.Index(places, f.focus)
	if it := f.focus.item; it != nil {
		it.reveal = false
		if it.changed() || it.wrong != "" { // what was only passed is not blamed yet
			it.check(f)
		}
	}
	f.focus = places[min(max(i+n, 0), len(places)-1)]
}

// submit checks every field and hands the form over, or goes to the first error.
func (f *Form) submit() tea.Cmd {
	f.problems = nil
	if first := f.check(); first != nil {
		f.show(first)
		return nil
	}
	if f.Submit == nil {
		return nil
	}
	return f.Submit()
}

// choose takes what is marked in the open list.
func (f *Form) choose() tea.Cmd {
	p := f.open
	if p.cell != nil {
		if v, ok := p.current(); ok {
			*p.cell = v
		}
		f.open = nil
		f.table.step(1)
		return nil
	}
	it := f.focus.item
	if !p.many {
		if v, ok := p.current(); ok {
			clear(it.chosen)
			it.chosen[v] = true
		} else if len(it.chosen) == 0 {
			return nil
		}
	}
	it.wrong = ""
	if f.single() {
		return f.submit()
	}
	f.open = nil
	f.move(1)
	return nil
}

// closeList takes back what is typed, then closes the list.
func (f *Form) closeList() tea.Cmd {
	if f.open.filter.Value() != "" { // what is typed goes first
		f.open.filter.Set("")
		f.open.at = 0
		return nil
	}
	f.open = nil
	return nil
}

// leaveList goes on to another field or cell.
func (f *Form) leaveList(n int) tea.Cmd {
	cell := f.open.cell != nil
	if !cell && f.single() {
		f.open.move(n)
		return nil
	}
	f.open = nil
	if cell {
		f.table.step(n)
		return nil
	}
	f.move(n)
	return nil
}

func (f *Form) listKey(k tea.KeyPressMsg) tea.Cmd {
	p := f.open
	switch k.String() {
	case "up":
		p.move(-1)
	case "down":
		p.move(1)
	case "pgup":
		p.move(-pickerRows)
	case "pgdown":
		p.move(pickerRows)
	case "space":
		if p.many {
			p.toggle()
			f.focus.item.wrong = ""
			return nil
		}
		if p.filter.Value() == "" {
			return f.choose()
		}
		fallthrough
	default:
		if p.filter.Key(k) {
			p.at = 0
		}
	}
	return nil
}
