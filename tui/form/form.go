// Package form makes a form of the fields that the control API describes: for a connection's credentials, a question of the set-up, a
// flow's settings.
package form

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/tui/ui"
)

// Form is fields that a person fills in. It is a part of a page, which hands it keys and pastes, and shows its bindings.
type Form struct {
	// Submit is called when the person is done and every value has its right form.
	Submit func() tea.Cmd
	// Done is the word on the button at the end.
	Done string

	env      ui.Env
	items    []*item
	focus    place
	open     *picker // the list of options that is open
	table    *grid   // the table that is open
	folded   bool    // advanced fields are hidden
	problems []string
	initial  map[string]any
	top      int // first line that is drawn
}

// place is where the cursor is: on an item, on the line that folds the advanced fields, or on the button.
type place struct {
	item *item
	what int
}

const (
	onItem = iota
	onFold
	onButton
)

// item is one field with what stands in it.
type item struct {
	control.Field
	group string // the key of the group that it is in
	short string // its key in the group

	input  ui.Input        // text of every type that is typed
	on     bool            // bool
	chosen map[string]bool // choice and choices
	rows   [][]string      // texts and table, a text a cell
	listed []bool          // the rows of a map whose value is a list
	before string          // the text at first

	wrong  string
	reveal bool
}

// New makes a form. Fields begin with their values; the first one has the cursor.
func New(env ui.Env, fields []control.Field) *Form {
	f := &Form{env: env, Done: env.Words.T("Continue"), folded: true}
	for _, field := range fields {
		if value, isMap := field.Value.(map[string]any); field.Type == control.FieldGroup || field.Type == control.FieldTable && len(field.Columns) > 0 && isMap {
			for _, c := range field.Columns {
				part := c
				part.Key, part.Label = field.Key+"."+c.Key, field.Label+": "+c.Label
				part.Value = c.Value
				if v, given := value[c.Key]; given {
					part.Value = v
				}
				part.Advanced = field.Advanced || c.Advanced
				if c.DependsOn != "" {
					part.DependsOn = field.Key + "." + c.DependsOn
				} else if field.DependsOn != "" {
					part.DependsOn, part.Equals = field.DependsOn, field.Equals
				}
				part.Required = false // a group that is left out needs nothing; the answer is checked as a whole
				f.items = append(f.items, newItem(part, field.Key, c.Key))
			}
			continue
		}
		if field.Type == control.FieldChoice && !field.Required && len(field.Options) > 0 && len(fields) > 1 {
			field.Options = append([]control.Option{{Label: env.Words.T("no choice: the default holds")}}, field.Options...)
		}
		f.items = append(f.items, newItem(field, "", field.Key))
	}
	f.initial = f.Values()
	if places := f.places(); len(places) > 0 {
		f.focus = places[0]
	}
	if f.single() { // there is nothing else to do here
		f.activate()
	}
	return f
}

func newItem(f control.Field, group, short string) *item {
	if len(f.Options) == 0 { // what can be chosen is not known: anything may be right
		switch f.Type {
		case control.FieldChoice:
			f.Type = control.FieldText
		case control.FieldChoices:
			f.Type = control.FieldTexts
		}
	}
	it := &item{Field: f, group: group, short: short, chosen: map[string]bool{}}
	switch f.Type {
	case control.FieldBool:
		it.on = f.Value == true || f.Value == "true" || f.Value == "yes"
	case control.FieldChoice:
		if v := f.Text(f.Value); v != "" {
			it.chosen[v] = true
		}
	case control.FieldChoices:
		for _, v := range texts(f, f.Value) {
			it.chosen[v] = true
		}
	case control.FieldTexts:
		for _, v := range texts(f, f.Value) {
			it.rows = append(it.rows, []string{v})
		}
	case control.FieldTable:
		it.fill()
	default:
		it.input.Set(f.Text(f.Value))
	}
	it.before = it.input.Value()
	return it
}

// texts reads a list: as one, or as text with commas, which is how defaults are written.
func texts(f control.Field, value any) (out []string) {
	switch v := value.(type) {
	case nil:
	case []any:
		for _, e := range v {
			out = append(out, f.Text(e))
		}
	case []string:
		out = slices.Clone(v)
	default:
		for w := range strings.SplitSeq(f.Text(v), ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

// columns are those of the table of an item.
func (it *item) columns() []control.Field {
	switch {
	case it.Type == control.FieldTexts:
		return []control.Field{{Key: "", Label: it.Label, Type: control.FieldText, Max: it.Max}}
	case len(it.Columns) > 0:
		return it.Columns
	}
	to := control.Field{Key: "to", Label: "to", Type: control.FieldText, Max: it.Max, Required: true}
	if len(it.Options) > 0 {
		to.Type, to.Options = control.FieldChoice, it.Options
	}
	return []control.Field{{Key: "from", Label: "from", Type: control.FieldText, Required: true}, to}
}

// fill reads a table's rows.
func (it *item) fill() {
	switch v := it.Value.(type) {
	case map[string]any: // a map of texts
		for _, from := range slices.Sorted(maps.Keys(v)) {
			list, isList := v[from].([]any)
			to := it.Text(v[from])
			if isList {
				to = strings.Join(texts(it.Field, list), ", ")
			}
			it.rows, it.listed = append(it.rows, []string{from, to}), append(it.listed, isList)
		}
	case map[string]string:
		for _, from := range slices.Sorted(maps.Keys(v)) {
			it.rows, it.listed = append(it.rows, []string{from, v[from]}), append(it.listed, false)
		}
	case []any:
		for _, e := range v {
			row, _ := e.(map[string]any)
			cells := make([]string, len(it.Columns))
			for i, c := range it.Columns {
				cells[i] = c.Text(row[c.Key])
			}
			it.rows = append(it.rows, cells)
		}
	}
}

// typed tells that letters are text for the item.
func (it *item) typed() bool {
	switch it.Type {
	case control.FieldBool, control.FieldChoice, control.FieldChoices, control.FieldTexts, control.FieldTable:
		return false
	}
	return true
}

// value is what stands in the item, as a configuration holds it; "" where it is empty.
func (it *item) value() any {
	switch it.Type {
	case control.FieldBool:
		return it.on
	case control.FieldChoice:
		for v := range it.chosen {
			return v
		}
		return ""
	case control.FieldChoices:
		out := []any{}
		for _, o := range it.Options {
			if it.chosen[o.Value] {
				out = append(out, o.Value)
			}
		}
		for _, v := range slices.Sorted(maps.Keys(it.chosen)) {
			if it.chosen[v] && !slices.ContainsFunc(it.Options, func(o control.Option) bool { return o.Value == v }) {
				out = append(out, v)
			}
		}
		return out
	case control.FieldTexts:
		out := []any{}
		for _, r := range it.rows {
			if v := strings.TrimSpace(r[0]); v != "" {
				out = append(out, v)
			}
		}
		return out
	case control.FieldTable:
		return it.tableValue()
	}
	if v, err := it.Parse(it.input.Value()); err == nil && v != nil {
		return v
	}
	return strings.TrimSpace(it.input.Value())
}

func (it *item) tableValue() any {
	columns := it.columns()
	if len(it.Columns) == 0 {
		out := map[string]any{}
		for i, r := range it.rows {
			from, to := strings.TrimSpace(r[0]), strings.TrimSpace(r[1])
			if from == "" {
				continue
			}
			if i < len(it.listed) && it.listed[i] {
				list := []any{}
				for w := range strings.SplitSeq(to, ",") {
					if w = strings.TrimSpace(w); w != "" {
						list = append(list, w)
					}
				}
				out[from] = list
				continue
			}
			out[from] = to
		}
		return out
	}
	out := []any{}
	for _, r := range it.rows {
		row := map[string]any{}
		for i, c := range columns {
			if v, err := c.Parse(r[i]); err == nil && v != nil {
				row[c.Key] = v
			} else if t := strings.TrimSpace(r[i]); t != "" {
				row[c.Key] = t
			}
		}
		if len(row) > 0 {
			out = append(out, row)
		}
	}
	return out
}

// Values are the values of the fields that are asked, by key. What was left empty is there and empty: it is taken away.
func (f *Form) Values() map[string]any {
	flat := map[string]any{}
	for _, it := range f.items {
		flat[it.Key] = it.value()
	}
	out := map[string]any{}
	for _, it := range f.items {
		v := flat[it.Key]
		if !it.Asked(flat) || it.Secret && v == "" { // an empty secret leaves the one that is kept
			continue
		}
		if it.group == "" {
			out[it.short] = v
			continue
		}
		group, _ := out[it.group].(map[string]any)
		if group == nil {
			group = map[string]any{}
			out[it.group] = group
		}
		if !empty(v) {
			group[it.short] = v
		}
	}
	return out
}

func empty(v any) bool {
	switch x := v.(type) {
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return v == nil
}

// Dirty tells that something was changed.
func (f *Form) Dirty() bool { return !reflect.DeepEqual(f.initial, f.Values()) }

// changed tells that the item does not hold what it began with.
func (it *item) changed() bool {
	return !reflect.DeepEqual(newItem(it.Field, it.group, it.short).value(), it.value())
}

// SetStyles gives the form new styles.
func (f *Form) SetStyles(s ui.Styles) { f.env.Styles = s }

func (f *Form) t(text string, args ...any) string { return f.env.Words.T(text, args...) }

// asked are the items that are asked now, folded ones included.
func (f *Form) asked() []*item {
	flat := map[string]any{}
	for _, it := range f.items {
		flat[it.Key] = it.value()
	}
	var out []*item
	for _, it := range f.items {
		if it.Asked(flat) {
			out = append(out, it)
		}
	}
	return out
}

// places are those that the cursor can be at, from top to bottom: advanced fields come last.
func (f *Form) places() []place {
	var out []place
	var advanced []*item
	for _, it := range f.asked() {
		if it.Advanced {
			advanced = append(advanced, it)
			continue
		}
		out = append(out, place{item: it})
	}
	if len(advanced) > 0 {
		out = append(out, place{what: onFold})
		if !f.folded {
			for _, it := range advanced {
				out = append(out, place{item: it})
			}
		}
	}
	return append(out, place{what: onButton})
}

// single tells that the form asks for one list of options or one table: it is always open, for there is nothing else to do.
func (f *Form) single() bool {
	asked := f.asked()
	return len(asked) == 1 && !asked[0].typed() && asked[0].Type != control.FieldBool
}

// check gives every asked item its error, and returns the first item that has one.
func (f *Form) check() *item {
	var first *item
	for _, it := range f.asked() {
		it.check(f)
		if it.wrong != "" && first == nil {
			first = it
		}
	}
	return first
}

func (it *item) check(f *Form) {
	it.wrong = ""
	say := func(where string, err error) {
		var fe *control.FieldError
		if it.wrong == "" && errors.As(err, &fe) {
			it.wrong = where + f.fieldError(fe)
		}
	}
	switch it.Type {
	case control.FieldBool:
	case control.FieldChoice, control.FieldChoices, control.FieldTexts:
		if it.Required && empty(it.value()) {
			it.wrong = f.t("this is needed")
		}
	case control.FieldTable:
		seen := map[string]bool{}
		for i, r := range it.rows {
			if strings.TrimSpace(strings.Join(r, "")) == "" {
				continue
			}
			where := f.t("row %d", i+1) + ": "
			for j, c := range it.columns() {
				_, err := c.Parse(r[j])
				say(where, err)
			}
			if from := strings.TrimSpace(r[0]); len(it.Columns) == 0 {
				if seen[from] && it.wrong == "" {
					it.wrong = where + f.t("%s stands twice", from)
				}
				seen[from] = true
			}
		}
	default:
		_, err := it.Parse(it.input.Value())
		say("", err)
	}
}

// fieldError says an error of a value in the person's language.
func (f *Form) fieldError(e *control.FieldError) string {
	if e.Arg == "" {
		return f.t(e.Text)
	}
	return f.t(e.Text, ui.Cut(ui.Clean(e.Arg), 30))
}

// Problem is what the other side finds wrong with an answer.
type Problem struct{ Path, Text string }

// SetProblems puts errors at their fields, and those of no field above the form. The first field with one gets the cursor.
func (f *Form) SetProblems(problems []Problem) {
	f.problems = nil
	for _, it := range f.items {
		it.wrong = ""
	}
	var first *item
	for _, p := range problems {
		it, rest := f.at(p.Path)
		if it == nil {
			f.problems = append(f.problems, p.Text)
			continue
		}
		text := p.Text
		if rest != "" {
			text = strings.TrimLeft(rest, ".") + ": " + text
			var n int
			if _, err := fmt.Sscanf(rest, "[%d]", &n); err == nil {
				text = f.t("row %d", n+1) + ": " + p.Text
			}
		}
		if it.wrong != "" {
			it.wrong += "; "
		}
		it.wrong += text
		if first == nil || slices.Index(f.items, it) < slices.Index(f.items, first) {
			first = it
		}
	}
	if first != nil {
		f.show(first)
	}
}

// at finds the item that a path leads to, and the rest of the path within it.
func (f *Form) at(path string) (*item, string) {
	var best *item
	for _, it := range f.items {
		rest, ok := strings.CutPrefix(path, it.Key)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (best == nil || len(it.Key) > len(best.Key)) {
			best = it
		}
		if best == nil && it.group != "" && path == it.group {
			best = it
		}
	}
	if best == nil {
		return nil, ""
	}
	return best, strings.TrimPrefix(path, best.Key)
}

// show puts the cursor on an item, and unfolds what hides it.
func (f *Form) show(it *item) {
	if it.Advanced {
		f.folded = false
	}
	f.focus = place{item: it}
	f.close()
}

// close closes what is open; what is alone is open again at once.
func (f *Form) close() {
	f.open, f.table = nil, nil
	if f.single() {
		f.activate()
	}
}
