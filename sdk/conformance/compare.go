package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// keyValue is a key's text as a value of the field's kind.
func keyValue(s *record.Schema, field, text string) (record.Value, error) {
	f, ok := s.Field(field)
	if !ok {
		return record.Value{}, fmt.Errorf("%s has no field %s", s.Name, field)
	}
	switch f.Type.Kind {
	case record.KindInteger:
		d, err := decimal.Parse(text)
		if err != nil {
			return record.Value{}, err
		}
		var n int64
		if _, err := fmt.Sscan(d.String(), &n); err != nil {
			return record.Value{}, err
		}
		return record.Integer(n), nil
	case record.KindText:
		return record.Text(text), nil
	}
	return record.Value{}, fmt.Errorf("%s.%s is %s; a key must be text or integer", s.Name, field, f.Type.Kind)
}

// leaf is the value at a field's path, of the first row where it leads into a list.
func leaf(r record.Record, path string) record.Value {
	head, rest, nested := strings.Cut(path, ".")
	v := r.Get(head)
	if !nested {
		return v
	}
	if list := v.AsList(); len(list) > 0 {
		v = list[0]
	}
	n, ok := v.AsRecord()
	if !ok {
		return record.Absent()
	}
	return leaf(n, rest)
}

// missing lists what of sent is not in stored, field by field; only what sent states is looked at.
func (e *Env) missing(sent, stored record.Record) []string {
	var out []string
	for _, name := range sent.Names() {
		a, b := sent.Get(name), stored.Get(name)
		if !e.lacks(name) && !e.same(e.Schema, name, a, b) {
			out = append(out, fmt.Sprintf("%s: sent %q, stored %q", name, a, b))
		}
	}
	return out
}

func (e *Env) same(s *record.Schema, path string, sent, stored record.Value) bool {
	if e.Samples.Same != nil && e.Samples.Same(path, sent, stored) {
		return true
	}
	if sent.IsEmpty() && stored.IsEmpty() {
		return true
	}
	switch sent.Kind() {
	case record.KindList:
		a, b := sent.AsList(), stored.AsList()
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if !e.same(s, path, a[i], b[i]) {
				return false
			}
		}
		return true
	case record.KindRecord:
		a, _ := sent.AsRecord()
		b, ok := stored.AsRecord()
		if !ok {
			return false
		}
		for _, n := range a.Names() {
			if !e.same(s, path+"."+n, a.Get(n), b.Get(n)) {
				return false
			}
		}
		return true
	case record.KindText:
		f, _ := s.Field(path)
		if f.Upper {
			return strings.EqualFold(sent.AsText(), stored.AsText())
		}
	}
	if a, ok := sent.AsDecimal(); ok {
		b, ok := stored.AsDecimal()
		return ok && a.Equal(b)
	}
	return sent.Equal(stored)
}

// keys are the values of the key field, in order.
func keys(obj connector.Object, recs []record.Record) []string {
	out := make([]string, 0, len(recs))
	for _, r := range recs {
		out = append(out, r.Get(obj.Key).String())
	}
	return out
}

// wantKeys checks that exactly these records came, each once.
func wantKeys(t *testing.T, obj connector.Object, recs []record.Record, want []string) {
	t.Helper()
	count := map[string]int{}
	for _, k := range keys(obj, recs) {
		count[k]++
	}
	for _, k := range want {
		switch count[k] {
		case 0:
			t.Errorf("%s %s was not read", obj.Name, k)
		case 1:
		default:
			t.Errorf("%s %s was read %d times in one quiet read", obj.Name, k, count[k])
		}
		delete(count, k)
	}
	for k := range count {
		t.Errorf("%s %s was read, which was not made", obj.Name, k)
	}
}

// wantCause checks that err is a typed error of one of the causes, with a sentence, a remedy and no secret.
func (e *Env) wantCause(err error, causes ...connector.Cause) {
	e.T.Helper()
	if err == nil {
		e.T.Errorf("no error, want cause %v", causes)
		return
	}
	var c *connector.Error
	if !errors.As(err, &c) {
		e.T.Errorf("error %q is no *connector.Error", err)
		return
	}
	if !slices.Contains(causes, c.Cause) {
		e.T.Errorf("cause %s (%v), want %v", c.Cause, err, causes)
	}
	if strings.TrimSpace(c.Message) == "" || strings.TrimSpace(c.Remedy) == "" {
		e.T.Errorf("error %+v lacks a message or a remedy", *c)
	}
	if e.Host.Leaks(err.Error()+c.Remedy) != "" {
		e.T.Errorf("the error holds a secret")
	}
}

func outcomeName(o connector.Outcome) string {
	names := [...]string{"unknown", "created", "updated", "unchanged", "refused"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprint("outcome ", o)
}

func describe(rs []connector.WriteResult) string {
	var out []string
	for _, r := range rs {
		s := outcomeName(r.Outcome)
		if r.Err != nil {
			s += fmt.Sprintf(" (%s %s: %s)", r.Err.Cause, r.Err.Code, r.Err.Error())
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func describeFind(r connector.FindResult) string {
	switch r.Status {
	case connector.Found:
		return fmt.Sprintf("found %d: %v", len(r.Records), r.Records)
	case connector.AbsentEverywhere:
		return fmt.Sprintf("absent in %v", r.Scopes)
	default:
		return "cannot tell: " + r.Reason
	}
}
