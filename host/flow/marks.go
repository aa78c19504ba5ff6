package flow

import (
	"slices"
	"strings"
)

// markWords are the marks as a user writes them in the setting fields.
var markWords = []string{string(MarkCreate), string(MarkUpdate), string(MarkWhenEmpty), string(MarkNever)}

// marks reads the setting "fields": a mark by field of one of the recipe's targets. A field that must stay as it was made takes no mark that
// would change it.
func (r *Recipe) marks(values map[string]any) (map[string]Mark, []Problem) {
	given, _ := values["fields"].(map[string]string)
	var known []string
	rules := map[string]*Rule{}
	for _, which := range keys(r.Write) {
		for i := range r.Write[which].rules {
			rule := &r.Write[which].rules[i]
			known = append(known, rule.Field)
			rules[rule.Field] = rule
		}
	}
	out := map[string]Mark{}
	var problems []Problem
	for _, field := range keys(given) {
		at, word := join("fields", field), given[field]
		rule := rules[field]
		switch {
		case rule == nil:
			problems = append(problems, Problem{at, "the recipe fills no such field", suggest(field, known)})
		case !slices.Contains(markWords, word):
			problems = append(problems, Problem{at, "unknown mark " + clip(word), suggest(word, markWords)})
		case rule.Fixed && (word == string(MarkUpdate) || word == string(MarkWhenEmpty)):
			problems = append(problems, Problem{at, field + " is never changed on a record that exists", "use create, or leave it out"})
		case rule.Required && word == string(MarkNever):
			problems = append(problems, Problem{at, field + " is needed for a new record and cannot be left out", "use " + strings.Join([]string{"create", "update"}, " or ")})
		default:
			out[field] = Mark(word)
		}
	}
	return out, problems
}

// Marked is the recipe with other marks for some fields of its targets.
func (r *Recipe) Marked(marks map[string]Mark) *Recipe {
	out := *r
	out.Write = make(map[string]*Target, len(r.Write))
	for which, t := range r.Write {
		out.Write[which] = t.Marked(marks)
	}
	return &out
}

// Marked is the target with other marks for some of its fields. What a field had no room for goes the way of that field.
func (t *Target) Marked(marks map[string]Mark) *Target {
	out := *t
	out.rules = slices.Clone(t.rules)
	for i := range out.rules {
		r := &out.rules[i]
		for _, field := range []string{r.RestOf, r.Field} {
			if m, ok := marks[field]; ok {
				r.Mark = m
			}
		}
	}
	return &out
}
