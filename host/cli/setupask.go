package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/pomost/pomost/host/control"
)

// prompt shows a text and reads the line behind it, without blanks around.
func (q *questions) prompt(text string) (string, error) {
	fmt.Fprint(q.app.errs, text)
	line, err := q.in.read(q.app.ctx)
	if err != nil {
		q.say("")
	}
	return strings.TrimSpace(line), err
}

// secret reads a line that is not shown, where a terminal would show it.
func (q *questions) secret(text string) (string, error) {
	fd, ok := q.in.terminal()
	if !ok {
		return q.prompt(text)
	}
	if q.in.reading() { // a line that was asked for earlier would take what is typed, and show it
		if _, err := q.prompt("Press enter first, please: "); err != nil {
			return "", err
		}
	}
	fmt.Fprint(q.app.errs, text)
	line, err := term.ReadPassword(fd)
	q.say("")
	if errors.Is(err, io.EOF) {
		err = errEnded
	}
	return strings.TrimSpace(string(line)), err
}

// form asks for the fields of a question, one after the other. Those that are rarely needed are asked only on demand.
func (q *questions) form(question *control.Question) (map[string]any, error) {
	fields := q.walk.Fill()
	values := map[string]any{}
	asked, rare := false, false
	for _, pass := range []bool{false, true} {
		if pass && !rare {
			n := 0
			for _, f := range fields {
				if f.Advanced && f.Asked(flat(fields, values)) {
					n++
				}
			}
			if n == 0 {
				break
			}
			line, err := q.prompt(fmt.Sprintf("Also %s that are rarely needed? (yes or no) [no]: ", control.Several(n, "field")))
			if err != nil {
				return values, err
			}
			if line == "<" {
				return values, errBack
			}
			rare = strings.HasPrefix(strings.ToLower(line), "y")
			if !rare {
				break
			}
		}
		for _, f := range fields {
			if f.Advanced != pass || !f.Asked(flat(fields, values)) {
				continue
			}
			v, err := q.field(f, question.Skippable && !asked)
			if err != nil {
				return values, err
			}
			asked = true
			if f.Secret && blank(v) {
				continue
			}
			values[f.Key] = v
		}
	}
	for _, f := range fields { // what was not asked stays as it stands
		if _, given := values[f.Key]; !given && f.Advanced && !rare && !f.Secret && f.Value != nil && f.Asked(flat(fields, values)) {
			values[f.Key] = f.Value
		}
	}
	return values, nil
}

// flat are the values of a form so far: those that were given, else those that are proposed.
func flat(fields []control.Field, values map[string]any) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		v := f.Value
		if f.Type == control.FieldBool {
			v = truth(f.Value)
		}
		if v != nil {
			out[f.Key] = v
		}
	}
	maps.Copy(out, values)
	return out
}

func truth(v any) bool { return v == true || v == "true" || v == "yes" }

func blank(v any) bool {
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

// field asks for one field until the answer has the right form.
func (q *questions) field(f control.Field, skippable bool) (any, error) {
	switch {
	case f.Type == control.FieldGroup, f.Type == control.FieldTable && len(f.Columns) > 0 && isMap(f.Value):
		return q.group(f)
	case f.Type == control.FieldTable:
		return q.table(f, skippable)
	}
	if f.Proposed && f.Why != "" {
		q.say("  %s: proposed, %s", cell(label(f)), cell(f.Why))
	}
	for i, o := range f.Options {
		q.say("  %d  %s", i+1, cell(firstOf(o.Label, o.Value)))
	}
	for {
		line, err := q.line(f)
		if err != nil {
			return nil, err
		}
		switch line {
		case "<":
			return nil, errBack
		case "?":
			q.explain(f, skippable)
			continue
		case "-":
			if skippable {
				return nil, errSkip
			}
			if f.Required {
				q.say("  ! this is needed")
				continue
			}
			return emptyValue(f), nil
		case "":
			if !blank(f.Value) || !f.Required {
				return asIs(f), nil
			}
		}
		v, err := parse(f, line)
		if err != nil {
			q.say("  ! %s", cell(err.Error()))
			continue
		}
		return v, nil
	}
}

func isMap(v any) bool { _, ok := v.(map[string]any); return ok }

func label(f control.Field) string { return firstOf(f.Label, f.Key) }

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// line asks for one line, with what enter takes in brackets.
func (q *questions) line(f control.Field) (string, error) {
	text := cell(label(f))
	if f.Secret {
		if !blank(f.Value) {
			text += " [kept]"
		}
		return q.secret(text + " (not shown): ")
	}
	switch f.Type {
	case control.FieldBool:
		text += " (yes or no)"
	case control.FieldChoices, control.FieldTexts:
		text += " (some, parted by commas)"
	}
	if def := shown(f); def != "" {
		text += " [" + cell(def) + "]"
	}
	return q.prompt(text + ": ")
}

// shown is a value as a person types it.
func shown(f control.Field) string {
	switch f.Type {
	case control.FieldBool:
		return f.Text(truth(f.Value))
	case control.FieldChoice:
		return number(f, f.Text(f.Value))
	case control.FieldChoices, control.FieldTexts:
		var out []string
		for _, v := range words(f, f.Value) {
			out = append(out, number(f, v))
		}
		return strings.Join(out, ", ")
	}
	return f.Text(f.Value)
}

// number is an option's number in the list that was shown.
func number(f control.Field, value string) string {
	if i := slices.IndexFunc(f.Options, func(o control.Option) bool { return o.Value == value }); i >= 0 {
		return strconv.Itoa(i + 1)
	}
	return value
}

// words reads a list: as one, or as text with commas.
func words(f control.Field, value any) []string {
	var out []string
	if list, ok := value.([]any); ok {
		for _, v := range list {
			out = append(out, f.Text(v))
		}
		return out
	}
	for w := range strings.SplitSeq(f.Text(value), ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// asIs is the value that stands in the field, in the form that an answer has.
func asIs(f control.Field) any {
	switch f.Type {
	case control.FieldBool:
		return truth(f.Value)
	case control.FieldChoices, control.FieldTexts:
		out := []any{}
		for _, w := range words(f, f.Value) {
			out = append(out, w)
		}
		return out
	}
	if f.Value == nil {
		return ""
	}
	return f.Value
}

func emptyValue(f control.Field) any {
	switch f.Type {
	case control.FieldBool:
		return false
	case control.FieldChoices, control.FieldTexts:
		return []any{}
	}
	return ""
}

// parse makes a value of a line.
func parse(f control.Field, line string) (any, error) {
	switch f.Type {
	case control.FieldChoices, control.FieldTexts:
		out := []any{}
		one := f
		one.Required = false
		if one.Type = control.FieldText; f.Type == control.FieldChoices {
			one.Type = control.FieldChoice
		}
		for _, w := range words(f, line) {
			v, err := one.Parse(w)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		if f.Required && len(out) == 0 {
			return nil, &control.FieldError{Text: "this is needed"}
		}
		return out, nil
	}
	v, err := f.Parse(line)
	if v == nil && err == nil {
		v = ""
	}
	return v, err
}

func (q *questions) explain(f control.Field, skippable bool) {
	if f.Help != "" {
		q.say("  %s", cell(f.Help))
	}
	for i, o := range f.Options {
		if o.Help != "" {
			q.say("  %d  %s", i+1, cell(o.Help))
		}
	}
	leave := "- leaves the field empty"
	if skippable {
		leave = "- leaves the question out: the default holds, and what needs it is held"
	}
	q.say("  enter takes what stands in brackets, < goes one question back, %s", leave)
}

// group asks for the fields of a record.
func (q *questions) group(f control.Field) (any, error) {
	have, _ := f.Value.(map[string]any)
	out := map[string]any{}
	for _, c := range f.Columns {
		c.Label, c.Required = label(f)+": "+label(c), false
		if v, ok := have[c.Key]; ok {
			c.Value = v
		}
		v, err := q.field(c, false)
		if err != nil {
			return nil, err
		}
		if !blank(v) {
			out[c.Key] = v
		}
	}
	return out, nil
}

// table shows the rows that are there, and takes them or new ones, a line each.
func (q *questions) table(f control.Field, skippable bool) (any, error) {
	columns := f.Columns
	if len(columns) == 0 {
		columns = []control.Field{{Key: "from", Label: "from", Type: control.FieldText, Required: true}, {Key: "to", Label: "to", Type: control.FieldText, Required: true}}
		if len(f.Options) > 0 {
			columns[1].Type, columns[1].Options = control.FieldChoice, f.Options
		}
	}
	var names []string
	for _, c := range columns {
		names = append(names, label(c))
	}
	rows := tableRows(f, columns)
	q.say("  %s (%s)", cell(label(f)), cell(strings.Join(names, ", ")))
	for _, r := range rows {
		q.say("    %s", cell(strings.Join(r, ", ")))
	}
	var made [][]any
	for {
		text := "  Enter keeps these rows; or type new ones, a row a line: "
		switch {
		case len(made) > 0:
			text = "  another row, or enter: "
		case len(rows) == 0:
			text = "  Enter for none; or a row a line, parted by commas: "
		}
		line, err := q.prompt(text)
		if err != nil {
			return nil, err
		}
		switch line {
		case "<":
			return nil, errBack
		case "?":
			q.explain(f, skippable)
			continue
		case "-":
			if skippable && len(made) == 0 {
				return nil, errSkip
			}
			return emptyTable(f), nil
		case "":
			if len(made) == 0 {
				if f.Value == nil {
					return emptyTable(f), nil
				}
				return f.Value, nil
			}
			return tableOf(f, columns, made), nil
		}
		row, err := parseRow(columns, line)
		if err != nil {
			q.say("  ! %s", cell(err.Error()))
			continue
		}
		made = append(made, row)
	}
}

func parseRow(columns []control.Field, line string) ([]any, error) {
	cells := strings.SplitN(line, ",", len(columns))
	row := make([]any, len(columns))
	for i, c := range columns {
		text := ""
		if i < len(cells) {
			text = cells[i]
		}
		v, err := c.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", label(c), err)
		}
		row[i] = v
	}
	return row, nil
}

func tableRows(f control.Field, columns []control.Field) (out [][]string) {
	switch v := f.Value.(type) {
	case map[string]any:
		for _, from := range slices.Sorted(maps.Keys(v)) {
			to := f.Text(v[from])
			if list, ok := v[from].([]any); ok {
				to = strings.Join(words(f, list), ", ")
			}
			out = append(out, []string{from, to})
		}
	case []any:
		for _, e := range v {
			row, _ := e.(map[string]any)
			cells := make([]string, len(columns))
			for i, c := range columns {
				cells[i] = c.Text(row[c.Key])
			}
			out = append(out, cells)
		}
	}
	return out
}

func emptyTable(f control.Field) any {
	if len(f.Columns) == 0 {
		return map[string]any{}
	}
	return []any{}
}

func tableOf(f control.Field, columns []control.Field, rows [][]any) any {
	if len(f.Columns) == 0 {
		out := map[string]any{}
		for _, r := range rows {
			out[fmt.Sprint(r[0])] = r[1]
		}
		return out
	}
	out := []any{}
	for _, r := range rows {
		row := map[string]any{}
		for i, c := range columns {
			if r[i] != nil {
				row[c.Key] = r[i]
			}
		}
		out = append(out, row)
	}
	return out
}
