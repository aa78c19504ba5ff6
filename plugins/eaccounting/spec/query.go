package spec

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// odata are the parameters of every list; neither specification declares them (facts section 3) [DOC].
var odata = []string{"$page", "$pagesize", "$filter", "$select", "$orderby", "$top", "$skip"}

const mostPageSize = 1000 // [DOC]

// query judges the parameters of a call.
func (t *Tables) query(c Call, raw string, report func(at, format string, args ...any)) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		report("query", "cannot be read: %v", err)
		return
	}
	schema := strings.TrimSuffix(c.Answer, "[]")
	for name, values := range q {
		if len(values) != 1 {
			report(name, "is given %d times", len(values))
		}
		v := values[0]
		switch {
		case slices.Contains(c.Query, name):
		case !slices.Contains(odata, name) || !c.IsList():
			report(name, "is no parameter of %s %s", c.Method, c.Path)
		case name == "$filter":
			t.filter(schema, v, report)
		case name == "$orderby":
			for part := range strings.SplitSeq(v, ",") {
				t.property(schema, strings.TrimSuffix(strings.TrimSpace(part), " desc"), report)
			}
		case name == "$select":
			for part := range strings.SplitSeq(v, ",") {
				t.property(schema, strings.TrimSpace(part), report)
			}
		default:
			n, err := strconv.Atoi(v)
			if least := map[bool]int{true: 0, false: 1}[name == "$skip"]; err != nil || n < least {
				report(name, "is %q, want a number from %d on", v, least)
			}
			if (name == "$pagesize" || name == "$top") && n > mostPageSize {
				report(name, "is %d, at most %d are given [DOC]", n, mostPageSize)
			}
		}
	}
}

// property judges the name of a field, and returns the field.
func (t *Tables) property(schema, name string, report func(at, format string, args ...any)) (Field, bool) {
	f, ok := t.Schemas[schema][name]
	if !ok {
		report(name, "is no field of %s", schema)
	}
	return f, ok
}

// token is a text in quotes, an id, a moment, a number, a path or a sign.
var token = regexp.MustCompile(`'(?:[^']|'')*'|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}` +
	`|\d{4}-\d\d-\d\dT[\d:.]+Z?|-?\d+(?:\.\d+)?|[A-Za-z_$][\w/]*|[(),:]|\s+|.`)

var (
	comparisons = []string{"eq", "ne", "gt", "ge", "lt", "le"}
	words       = []string{"and", "or", "not", "null", "true", "false", "contains", "startswith", "endswith", "tolower", "toupper"}
)

// filter judges the fields of a $filter and what they are compared with.
func (t *Tables) filter(schema, text string, report func(at, format string, args ...any)) {
	var parts []string
	for _, p := range token.FindAllString(text, -1) {
		if strings.TrimSpace(p) != "" {
			parts = append(parts, p)
		}
	}
	elements := map[string]string{} // the schema of each variable of any()
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		c := p[0]
		switch {
		case c == '\'' || c >= '0' && c <= '9' || c == '-' || strings.Contains("(),:", p):
			if c == '\'' && len(p) == 1 {
				report("$filter", "has a quote without an end: %s", text)
			}
			continue
		case slices.Contains(words, p) || slices.Contains(comparisons, p):
			continue
		case uuid.MatchString(p):
			continue
		}
		if list, ok := strings.CutSuffix(p, "/any"); ok {
			f, known := t.property(schema, list, report)
			if !known || i+3 >= len(parts) || parts[i+1] != "(" || parts[i+3] != ":" {
				report("$filter", "any() cannot be read: %s", text)
				return
			}
			elements[parts[i+2]] = strings.TrimSuffix(f.Type, "[]")
			i += 3
			continue
		}
		var f Field
		var known bool
		if variable, member, nested := strings.Cut(p, "/"); nested {
			f, known = t.property(elements[variable], member, report)
		} else {
			f, known = t.property(schema, p, report)
		}
		if known && i+2 < len(parts) && slices.Contains(comparisons, parts[i+1]) && !fits(f.Type, parts[i+2]) {
			report("$filter", "compares %s, a %s, with %s", f.Name, f.Type, parts[i+2])
		}
	}
}

// fits tells whether a literal has a field's type [DOC filtering].
func fits(typ, literal string) bool {
	if literal == "null" {
		return true
	}
	switch typ {
	case "string":
		return literal[0] == '\''
	case "uuid":
		return uuid.MatchString(literal)
	case "bool":
		return literal == "true" || literal == "false"
	case "date-time":
		return isTime(literal)
	case "int32", "int64", "double":
		_, err := strconv.ParseFloat(literal, 64) // of the form only
		return err == nil
	}
	return false
}
