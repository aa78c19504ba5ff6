package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

func testFind(t *testing.T, o Options, obj connector.Object, s Samples) {
	if s.CannotFind {
		t.Run("cannot tell", func(t *testing.T) {
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			for _, field := range obj.Find {
				res := e.find(field, e.absentKey(field))
				if res.Status != connector.CannotTell || res.Reason == "" {
					t.Errorf("by %s: %s, want cannot tell with a reason", field, describeFind(res))
				}
			}
		})
		return
	}
	t.Run("found and absent", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		made := e.seed(3)
		for _, field := range obj.Find {
			t.Run(field, func(t *testing.T) { e.testFindBy(t, field, made) })
		}
	})
	t.Run("several match", func(t *testing.T) {
		if s.Shared == "" || !obj.Create || slices.Contains(s.Lacks, s.Shared) {
			t.Skip("no field that two records may share")
		}
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		a, b := s.New(e, 1), s.New(e, 2)
		if err := b.Set(s.Shared, a.Get(s.Shared)); err != nil {
			t.Fatal(err)
		}
		want := []string{e.create(a), e.create(b)}
		e.create(s.New(e, 3))
		res := e.find(s.Shared, a.Get(s.Shared))
		got := keys(obj, res.Records)
		slices.Sort(got)
		slices.Sort(want)
		if res.Status != connector.Found || !slices.Equal(got, want) {
			t.Errorf("two records share %s: %s, want both", s.Shared, describeFind(res))
		}
	})
	t.Run("hostile", func(t *testing.T) {
		t.Parallel()
		testFindHostile(t, o, obj, s)
	})
	// What cannot be asked is never absent: the host would make the record a second time.
	kinds := []string{"status:403", "status:500", "garbage", "drop", "truncate"}
	if o.Local != nil {
		kinds = []string{"it is gone"}
	}
	for _, do := range kinds {
		t.Run("never absent after "+do, func(t *testing.T) {
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			e.seed(1)
			field := lostKey(obj)
			if !slices.Contains(obj.Find, field) {
				field = obj.Find[0]
			}
			if e.Sandbox == nil {
				e.Local.Break()
			} else {
				e.faults(sandbox.Fault{Match: s.FindCall, Times: -1, Do: do})
			}
			res, err := e.Conn.Find(callContext(t), connector.FindRequest{Object: obj.Name, Keys: []connector.Key{oneKey(field, e.absentKey(field))}})
			if err != nil {
				e.wantCause(err, connector.CauseUnavailable, connector.CauseRights, connector.CauseRefused)
				return
			}
			if res[0].Status != connector.CannotTell || res[0].Reason == "" {
				t.Errorf("%s, want cannot tell with a reason", describeFind(res[0]))
			}
		})
	}
	t.Run("revoked", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		e.revoke()
		_, err := e.Conn.Find(callContext(t), connector.FindRequest{Object: obj.Name, Keys: []connector.Key{oneKey(obj.Find[0], e.absentKey(obj.Find[0]))}})
		e.wantCause(err, connector.CauseCredentials)
	})
}

func oneKey(field string, v record.Value) connector.Key {
	return connector.Key{Fields: []connector.KeyField{{Name: field, Value: v}}}
}

// absentKey is a value that no record has in the field.
func (e *Env) absentKey(field string) record.Value {
	f, ok := e.Schema.Field(field)
	if !ok && !e.lacks(field) {
		e.T.Fatalf("%s has no field %s", e.Schema.Name, field)
	}
	if f.Type.Kind == record.KindInteger {
		return record.Integer(987654321)
	}
	if f.Length == 36 || strings.HasSuffix(field, "Id") {
		return record.Text("00000000-1111-4222-8333-444444444444")
	}
	v := "nobody-7341"
	if f.Length > 0 && len(v) > f.Length {
		v = v[:f.Length]
	}
	return record.Text(v)
}

// testFindBy looks made records up by a field, mixed with values that no record has, many in a call.
func (e *Env) testFindBy(t *testing.T, field string, made []string) {
	var recs []record.Record
	for _, k := range made {
		recs = append(recs, e.byKey(k))
	}
	absent := e.absentKey(field)
	if e.lacks(field) {
		if res := e.find(field, absent); res.Status != connector.CannotTell || res.Reason == "" {
			t.Errorf("by %s, which is not there: %s, want cannot tell with a reason", field, describeFind(res))
		}
		return
	}
	var ask []connector.Key
	var want []string // the key of the record, "" for absent
	const mixed = 30
	for i := range mixed {
		if i%3 == 1 {
			ask, want = append(ask, oneKey(field, absent)), append(want, "")
			continue
		}
		r := recs[i%len(recs)]
		v := leaf(r, field)
		if v.IsEmpty() {
			ask, want = append(ask, oneKey(field, absent)), append(want, "")
			continue
		}
		ask, want = append(ask, oneKey(field, v)), append(want, r.Get(e.Object.Key).String())
	}
	// A key is the whole value: neither a part of it nor more than it.
	if f, _ := e.Schema.Field(field); f.Type.Kind == record.KindText {
		for _, r := range recs {
			if v := []rune(leaf(r, field).AsText()); len(v) > 1 {
				ask = append(ask, oneKey(field, record.Text(string(v[:len(v)-1]))), oneKey(field, record.Text(string(v)+"0")), oneKey(field, record.Text(string(v[1:]))))
				want = append(want, "", "", "")
			}
		}
	}
	if !slices.ContainsFunc(want, func(k string) bool { return k != "" }) {
		t.Skipf("the samples leave %s empty", field)
	}
	for i, res := range e.findAll(ask...) {
		if want[i] == "" {
			if i >= mixed { // what may be too long to be asked for
				if res.Status == connector.Found {
					t.Errorf("key %d %v: %s, no record has that value", i, ask[i], describeFind(res))
				}
				continue
			}
			if res.Status != connector.AbsentEverywhere || len(res.Records) > 0 || len(res.Scopes) == 0 {
				t.Errorf("key %d %v: %s, want absent with the scopes searched", i, ask[i], describeFind(res))
			}
			continue
		}
		if res.Status != connector.Found || !slices.Equal(keys(e.Object, res.Records), []string{want[i]}) {
			t.Errorf("key %d %v: %s, want %s", i, ask[i], describeFind(res), want[i])
		}
	}
}

// hostile are values that break out of filters, addresses, JSON, or simple string building.
var hostile = []string{
	"'", "''", `"`, `\`, "' or 1 eq 1 or '", "') or true or ('", "x' or 'a'='a", "&$filter=true", "?a=b#c", "+", "%27", "%", "{}", "{^2019-01-31}", "^",
	"a,b", "a;b", "*", "\n", "a\r\nX-Evil: 1", "\x00", "../..", "<script>", "😀", "Ł", " ", strings.Repeat("a", 5000), strings.Repeat("'", 500), "null", "true",
}

func testFindHostile(t *testing.T, o Options, obj connector.Object, s Samples) {
	e := openObject(t, o, obj, s, nil)
	made := e.seed(2)
	for _, field := range obj.Find {
		f, _ := e.Schema.Field(field)
		if f.Type.Kind != record.KindText || e.lacks(field) {
			continue
		}
		var ask []connector.Key
		for _, v := range hostile {
			ask = append(ask, oneKey(field, record.Text(v)))
		}
		for i, res := range e.findAll(ask...) {
			if res.Status == connector.Found {
				t.Errorf("%s=%.40q: %s, no record has that value", field, hostile[i], describeFind(res))
			}
		}
		// Asked alone as well: a batch may have hidden what one does.
		for _, v := range hostile[:8] {
			if res := e.find(field, record.Text(v)); res.Status == connector.Found {
				t.Errorf("%s=%.40q alone: %s, no record has that value", field, v, describeFind(res))
			}
		}
		r := e.byKey(made[0])
		if v := leaf(r, field); !v.IsEmpty() {
			res := e.findAll(oneKey(field, record.Text("' or 1 eq 1 or '")), oneKey(field, v))
			if res[1].Status != connector.Found || len(res[1].Records) != 1 {
				t.Errorf("%s=%s beside a hostile key: %s", field, v, describeFind(res[1]))
			}
		}
		n := 0
		for _, v := range s.Hostile[field] {
			n++
			r := s.New(e, 100+n)
			if err := r.Set(field, record.Text(v)); err != nil {
				t.Fatal(err)
			}
			key := e.create(r)
			if res := e.find(field, record.Text(v)); res.Status != connector.Found || !slices.Contains(keys(obj, res.Records), key) {
				t.Errorf("%s=%q was stored and is not found: %s", field, v, describeFind(res))
			}
		}
	}
	if _, err := e.Conn.Find(callContext(t), connector.FindRequest{Object: obj.Name, Keys: []connector.Key{oneKey("no such field", record.Text("x"))}}); err == nil {
		t.Error("a field that cannot be looked up has no error")
	}
	if _, err := e.Conn.Find(callContext(t), connector.FindRequest{Object: "no such object"}); err == nil {
		t.Error("an unknown object has no error")
	}
}
