package flow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Setting is one setting of a recipe: the form, the validation and the documentation come from it.
type Setting struct {
	connector.Setting
	// Question is how the wizard asks for it; "" where it does not.
	Question string
	// Planned says that the setting does not work yet; PlannedValues which of its values do not.
	Planned       bool
	PlannedValues []string
	// Labels say values in words, where the word in the file does not say enough.
	Labels map[string]string
	// Options is the reference list whose values are offered, with its side: destination.accounts.
	Options string
	// MostUsed is a field of a side's records whose most frequent value is proposed: destination.OBJECT.FIELD.
	MostUsed string
	// Max is the most characters of a text, 0 is 200.
	Max int
	// Fields are the keys of a table that has fixed ones; a table without them is a map of texts. With Rows it is a list of such tables.
	Fields []Setting
	Rows   bool
	// Lists: the values of a map of texts are lists of texts. Where Values are given, a map's values are among them.
	Lists bool
}

// Settings are a flow's settings, typed by the recipe's kind.
type Settings struct {
	// The one of the recipe's kind is set.
	Orders    *OrderSettings
	Products  *ProductSettings
	Stock     *StockSettings
	Customers *CustomerSettings
}

// maxList bounds the elements of a list or a table.
const maxList = 10000

// ParseSettings checks a flow's settings and types them. All problems come at once.
func (r *Recipe) ParseSettings(raw map[string]any) (Settings, []Problem) {
	p := settingsParser{}
	values := p.object(r.Settings, raw, "")
	var out Settings
	if k := kinds[r.Kind]; k != nil {
		p.problems = append(p.problems, k.settings(r, values, &out)...)
	}
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return out, p.problems
}

// settingsParser gathers problems.
type settingsParser struct{ problems []Problem }

func (p *settingsParser) fail(path, message, remedy string) {
	p.problems = append(p.problems, Problem{path, message, remedy})
}

// object types the values of a map by the settings that describe it. Settings that are not given have their default, or nothing.
func (p *settingsParser) object(settings []Setting, raw map[string]any, path string) map[string]any {
	known := make([]string, 0, len(settings))
	for _, s := range settings {
		known = append(known, s.Key)
	}
	for _, key := range keys(raw) {
		if !slices.Contains(known, key) {
			p.fail(join(path, key), "unknown setting "+clip(key), suggest(key, known))
		}
	}
	out := map[string]any{}
	for _, s := range settings {
		at := join(path, s.Key)
		v, given := raw[s.Key]
		switch {
		case given && s.Planned:
			p.fail(at, "the setting "+at+" does not work yet", "leave it out")
			continue
		case given && v == nil:
			p.fail(at, "has no value", "give it one, or leave it out")
			continue
		case !given && s.Default == "":
			if s.Required {
				p.fail(at, "is missing", "set it")
			}
			continue
		case !given && (s.Type == connector.SettingChoices || s.Type == connector.SettingTexts):
			var list []any
			for _, w := range strings.Split(s.Default, ",") {
				list = append(list, strings.TrimSpace(w))
			}
			v = list
		case !given && s.Type == connector.SettingBool:
			v = s.Default == "true"
		case !given:
			v = s.Default
		}
		if typed, ok := p.value(s, v, at); ok {
			out[s.Key] = typed
		}
	}
	return out
}

// value types one value: string, bool, int64, decimal.Decimal, record.Date, time.Duration, []string, map or a list of maps.
func (p *settingsParser) value(s Setting, v any, path string) (any, bool) {
	switch s.Type {
	case connector.SettingBool:
		if b, ok := v.(bool); ok {
			return b, true
		}
		p.fail(path, "is "+typeName(v)+", want true or false", "")
		return nil, false
	case connector.SettingChoices, connector.SettingTexts:
		return p.list(s, v, path)
	case connector.SettingTable:
		if s.Rows {
			return p.rows(s, v, path)
		}
		return p.table(s, v, path)
	}
	t, ok := p.text(s, v, path)
	if !ok {
		return nil, false
	}
	switch s.Type {
	case connector.SettingChoice:
		return t, p.choice(s, t, path)
	case connector.SettingDate:
		d, err := record.ParseDate(t)
		if err != nil || len(t) != len("2006-01-02") {
			p.fail(path, fmt.Sprintf("%q is not a date", clip(t)), "write it as 2026-01-31")
			return nil, false
		}
		if y := d.Year(); y < 1990 || y > 2100 {
			p.fail(path, fmt.Sprintf("the year %d cannot be right", y), "write the date as 2026-01-31")
			return nil, false
		}
		return d, true
	case connector.SettingInteger:
		i, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			p.fail(path, fmt.Sprintf("%q is no whole number", clip(t)), "")
		}
		return i, err == nil
	case connector.SettingDecimal:
		d, err := decimal.Parse(t)
		if err != nil {
			p.fail(path, fmt.Sprintf("%q is no number", clip(t)), "")
		}
		return d, err == nil
	case connector.SettingDuration:
		d, err := time.ParseDuration(t)
		if err != nil || d < 0 {
			p.fail(path, fmt.Sprintf("%q is no duration", clip(t)), "write it as 30s, 5m or 2h")
			return nil, false
		}
		return d, true
	}
	return t, true
}

// text takes a text or a number as it is written.
func (p *settingsParser) text(s Setting, v any, path string) (string, bool) {
	var t string
	switch x := v.(type) {
	case string:
		t = x
	case json.Number:
		t = x.String()
	default:
		p.fail(path, "is "+typeName(v)+", want text", "")
		return "", false
	}
	limit := s.Max
	if limit == 0 {
		limit = 200
	}
	switch {
	case t == "":
		p.fail(path, "is empty", "give it a value, or leave it out")
	case strings.TrimSpace(t) != t:
		p.fail(path, "begins or ends with a space", "remove the space")
	case strings.ContainsFunc(t, unicode.IsControl):
		p.fail(path, "contains a control character", "remove it")
	case runes(t) > limit:
		p.fail(path, fmt.Sprintf("has %d characters, at most %d are allowed", runes(t), limit), "shorten it")
	default:
		return t, true
	}
	return "", false
}

func (p *settingsParser) choice(s Setting, t, path string) bool {
	if slices.Contains(s.PlannedValues, t) {
		p.fail(path, "the value "+t+" does not work yet", "use "+strings.Join(s.Values, " or "))
		return false
	}
	if !slices.Contains(s.Values, t) {
		p.fail(path, "unknown value "+clip(t), suggest(t, s.Values))
		return false
	}
	return true
}

// list takes a list of texts, or one text alone; what stands twice counts once.
func (p *settingsParser) list(s Setting, v any, path string) (any, bool) {
	raw, ok := v.([]any)
	if !ok {
		raw = []any{v}
		path = strings.TrimSuffix(path, "[0]")
	}
	if len(raw) == 0 || len(raw) > maxList {
		p.fail(path, fmt.Sprintf("has %d elements, want 1 to %d", len(raw), maxList), "leave the setting out if nothing is to be set")
		return nil, false
	}
	out, good := make([]string, 0, len(raw)), true
	for i, e := range raw {
		at := path
		if ok {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		t, valid := p.text(s, e, at)
		if valid && s.Type == connector.SettingChoices {
			valid = p.choice(s, t, at)
		}
		good = good && valid
		if valid && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, good
}

// rows takes a list of maps with fixed keys, or one such map alone.
func (p *settingsParser) rows(s Setting, v any, path string) (any, bool) {
	raw, ok := v.([]any)
	if !ok {
		raw = []any{v}
	}
	if len(raw) > maxList {
		p.fail(path, fmt.Sprintf("has %d rows, at most %d are allowed", len(raw), maxList), "")
		return nil, false
	}
	out := make([]map[string]any, 0, len(raw))
	for i, e := range raw {
		at := fmt.Sprintf("%s[%d]", path, i)
		m, ok := e.(map[string]any)
		if !ok {
			p.fail(at, "is "+typeName(e)+", want a map", "write "+s.Key+": [{"+s.Fields[0].Key+": …}]")
			continue
		}
		out = append(out, p.object(s.Fields, m, at))
	}
	return out, true
}

// lists takes a map of lists of texts, each of which may be one text alone.
func (p *settingsParser) lists(s Setting, raw map[string]any, path string) map[string][]string {
	out := map[string][]string{}
	for _, key := range keys(raw) {
		given, ok := raw[key].([]any)
		if !ok {
			given = []any{raw[key]}
		}
		list := slices.Clone(given)
		for i, e := range list {
			if b, isBool := e.(bool); isBool {
				list[i] = strconv.FormatBool(b)
			}
		}
		if l, ok := p.list(s, list, join(path, key)); ok {
			out[key], _ = l.([]string)
		}
	}
	return out
}

// table takes a map with fixed keys, a map of texts, or one of lists of texts.
func (p *settingsParser) table(s Setting, v any, path string) (any, bool) {
	raw, ok := v.(map[string]any)
	if !ok {
		p.fail(path, "is "+typeName(v)+", want a map", "write "+s.Key+": {key: value}")
		return nil, false
	}
	if len(raw) > maxList {
		p.fail(path, fmt.Sprintf("has %d entries, at most %d are allowed", len(raw), maxList), "")
		return nil, false
	}
	if len(s.Fields) > 0 {
		return p.object(s.Fields, raw, path), true
	}
	if s.Lists {
		return p.lists(s, raw, path), true
	}
	out := map[string]string{}
	for _, key := range keys(raw) {
		e := raw[key]
		if b, isBool := e.(bool); isBool { // a constant may well be a truth value
			e = strconv.FormatBool(b)
		}
		if e == nil {
			p.fail(join(path, key), "has no value", "give it one, or leave it out")
			continue
		}
		t, valid := p.text(s, e, join(path, key))
		if valid && len(s.Values) > 0 {
			valid = p.choice(s, t, join(path, key))
		}
		if valid {
			out[key] = t
		}
	}
	return out, true
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return nodeNames[nodeNull]
	case string:
		return nodeNames[nodeText]
	case json.Number:
		return nodeNames[nodeNumber]
	case bool:
		return nodeNames[nodeBool]
	case []any:
		return nodeNames[nodeList]
	}
	return nodeNames[nodeMap]
}

var settingTypes = []string{"text", "integer", "decimal", "bool", "date", "duration", "url", "choice", "choices", "texts", "table"}

// settings reads the settings of a recipe.
func (d *decoder) settings(n *node, path string) []Setting {
	if n == nil || n.kind != nodeMap {
		d.fail(place{}, path, "want a map of settings", "")
		return nil
	}
	var out []Setting
	for _, e := range n.entries {
		p := join(path, e.key)
		if !d.object(e.value, p, "type", "label", "help", "question", "default", "values", "planned_values", "planned", "advanced", "required", "max", "fields", "rows", "lists", "depends_on", "equals", "options", "most_used", "labels") {
			continue
		}
		at := func(key string) (*node, string) { return e.value.get(key), join(p, key) }
		s := Setting{Setting: connector.Setting{Key: e.key, Label: d.word(at("label")), Help: d.word(at("help")), Values: d.words(at("values")),
			Advanced: d.flag(at("advanced")), Required: d.flag(at("required")), DependsOn: d.word(at("depends_on")), Equals: d.word(at("equals")),
			Type: connector.SettingType(d.choice(e.value, p, "type", settingTypes...))},
			Question: d.word(at("question")), Options: d.word(at("options")), MostUsed: d.word(at("most_used")), Rows: d.flag(at("rows")), Lists: d.flag(at("lists")), Planned: d.flag(at("planned")), PlannedValues: d.words(at("planned_values"))}
		if v := e.value.get("default"); v != nil {
			s.Default = strings.Join(d.words(&node{place: v.place, kind: nodeList, list: flatten(v)}, p+".default"), ", ")
		}
		if v, at := at("labels"); v != nil {
			s.Labels = map[string]string{}
			for _, l := range v.entries {
				if !slices.Contains(s.Values, l.key) {
					d.fail(l.place, join(at, l.key), "is none of the values", suggest(l.key, s.Values))
				}
				s.Labels[l.key] = d.word(l.value, join(at, l.key))
			}
		}
		if v, at := at("most_used"); v != nil && strings.Count(s.MostUsed, ".") != 2 {
			d.fail(v.place, at, "want a side, an object and a field", "write it as destination.OBJECT.FIELD")
		}
		if v, at := at("max"); v != nil {
			m, err := strconv.Atoi(d.word(v, at))
			if err != nil || m < 1 {
				d.fail(v.place, at, "want a number from 1", "")
			}
			s.Max = m
		}
		if v, at := at("fields"); v != nil {
			s.Fields = d.settings(v, at)
		}
		if s.Label == "" {
			d.fail(e.place, p+".label", "is missing", "")
		}
		if strings.HasPrefix(string(s.Type), "choice") && len(s.Values) == 0 {
			d.fail(e.place, p+".values", "is missing", "")
		}
		out = append(out, s)
	}
	return out
}

// flatten makes a list of a list or of one value; truth values become their words.
func flatten(n *node) []*node {
	list := n.list
	if n.kind != nodeList {
		list = []*node{n}
	}
	out := make([]*node, len(list))
	for i, e := range list {
		c := *e
		if c.kind == nodeBool {
			c.kind = nodeText
		}
		out[i] = &c
	}
	return out
}
