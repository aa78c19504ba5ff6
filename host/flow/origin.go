package flow

import (
	"fmt"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// Origin tells what made one field of a record.
type Origin struct {
	Field, Value string
	// Rule is the rule in one line.
	Rule string
	// Function is the function that took part, with its version.
	Function   string
	Overridden bool
	// From are what the rule read, with the values; empty values are left out.
	From []OriginValue
}

// OriginValue is a path with its value.
type OriginValue struct{ Path, Value string }

// maxOrigins bounds what is told of one record.
const maxOrigins = 400

// Origins tells what made each field of a record that the mapping made of ctx and lines. Fields without a value are left out.
func (m *Mapping) Origins(ctx Context, lines []record.Record, made record.Record, known Results) []Origin {
	var out []Origin
	m.origins(ctx, lines, made, known, "", &out)
	return out
}

func (m *Mapping) origins(ctx Context, lines []record.Record, made record.Record, known Results, prefix string, out *[]Origin) {
	for i := range m.rules {
		r := &m.rules[i]
		v := made.Get(r.Field)
		if v.IsEmpty() || len(*out) >= maxOrigins {
			continue
		}
		switch {
		case r.Record != nil:
			if rec, ok := v.AsRecord(); ok {
				r.Record.origins(ctx, lines, rec, known, prefix+r.Field+".", out)
			}
		case r.Rows != nil:
			elements := lines
			if r.Rows.From != linesPath {
				elements = nil
				for _, e := range r.Rows.from.get(ctx).AsList() {
					if rec, ok := e.AsRecord(); ok {
						elements = append(elements, rec)
					}
				}
			}
			for n, e := range v.AsList() {
				rec, ok := e.AsRecord()
				if !ok || n >= len(elements) {
					break
				}
				inner := make(Context, len(ctx)+1)
				for k, c := range ctx {
					inner[k] = c
				}
				inner[r.Rows.As] = elements[n]
				r.Rows.Mapping.origins(inner, lines, rec, known, fmt.Sprintf("%s%s[%d].", prefix, r.Field, n+1), out)
			}
		default:
			*out = append(*out, r.origin(ctx, v, known, prefix))
		}
	}
}

func (r *Rule) origin(ctx Context, v record.Value, known Results, prefix string) Origin {
	o := Origin{Field: prefix + r.Field, Value: v.String(), Rule: r.String(), Overridden: r.Overridden}
	c := Call{Function: r.Function}
	for i, p := range r.paths() {
		if i >= len(r.from) {
			break
		}
		from := r.from[i].get(ctx)
		c.Args = append(c.Args, from)
		if !from.IsEmpty() {
			o.From = append(o.From, OriginValue{p, from.String()})
		}
	}
	if r.Function != "" {
		o.Function = strings.TrimSpace(r.Function + " " + known[c.ID()].Version)
	}
	return o
}

// String is the rule in one line, for people: customer.name, cut.
func (r *Rule) String() string {
	var s string
	switch {
	case len(r.From) > 0:
		s = strings.Join(r.From, " or ")
	case len(r.Join) > 0:
		s = strings.Join(r.Join, fmt.Sprintf(" + %q + ", r.Separator))
	case len(r.Any) > 0:
		s = "any of " + strings.Join(r.Any, ", ")
	case r.Expression != nil:
		s = r.Expression.String()
	case r.Function != "":
		s = fmt.Sprintf("%s(%s).%s", r.Function, strings.Join(r.Takes, ", "), r.Gives)
	case r.RestOf != "":
		s = "what " + r.RestOf + " has no room for"
	default:
		s = fmt.Sprintf("%q", r.Const)
	}
	if r.HasDefault {
		s += fmt.Sprintf(" or %q", r.Default)
	}
	for _, step := range r.Do {
		s += ", " + step.Name
		if step.Arg != "" {
			s += "(" + step.Arg + ")"
		}
	}
	if r.Table != nil {
		s += ", translated"
	}
	if r.Length == LengthCut {
		s += ", cut"
	}
	return s
}
