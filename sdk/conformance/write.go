package conformance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

func testCreate(t *testing.T, o Options, obj connector.Object, s Samples) {
	t.Run("stored as sent", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		a, b := s.New(e, 1), s.New(e, 2)
		got := e.write(connector.Create, time.Time{}, a, b)
		for i, sent := range []record.Record{a, b} {
			if got[i].Outcome != connector.OutcomeCreated {
				t.Fatalf("create: %s", describe(got))
			}
			if s.CannotFind {
				continue
			}
			stored := e.byKey(e.keyOf(sent, got[i]))
			if bad := e.missing(sent, stored); len(bad) > 0 {
				t.Errorf("stored differently: %s", strings.Join(bad, "; "))
			}
		}
	})
	t.Run("one bad record stops only itself", func(t *testing.T) {
		if s.Bad == nil {
			t.Skip("no bad sample")
		}
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		bad, field := s.Bad(e)
		got := e.write(connector.Create, time.Time{}, s.New(e, 1), bad, s.New(e, 2))
		if got[0].Outcome != connector.OutcomeCreated || got[2].Outcome != connector.OutcomeCreated {
			t.Errorf("the good records: %s", describe(got))
		}
		if got[1].Outcome != connector.OutcomeRefused {
			t.Fatalf("the bad record: %s", describe(got))
		}
		e.wantRefusal(got[1])
		if got[1].Err != nil && field != "" && got[1].Err.Field != field {
			t.Errorf("the refusal blames field %q, want %q: %v", got[1].Err.Field, field, got[1].Err)
		}
		if got[1].Err != nil && got[1].Err.Retryable {
			t.Errorf("a bad record is called retryable: %v", got[1].Err)
		}
	})
	t.Run("twice", func(t *testing.T) {
		if obj.Idempotence != connector.IdempotenceUniqueKey {
			t.Skip("no key of ours that is unique")
		}
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		r := s.New(e, 1)
		e.create(r)
		got := e.write(connector.Create, time.Time{}, r)
		if got[0].Outcome != connector.OutcomeRefused || got[0].Err == nil || got[0].Err.Cause != connector.CauseConflict {
			t.Errorf("a second create with the same key: %s, want refused with cause conflict", describe(got))
		}
	})
	t.Run("too late", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		rs := []record.Record{s.New(e, 1), s.New(e, 2)}
		before := e.writes()
		for i, r := range e.write(connector.Create, time.Now().Add(-time.Second), rs...) {
			if r.Outcome != connector.OutcomeRefused || r.Err == nil || r.Err.Cause != connector.CauseUnavailable || !r.Err.Retryable {
				t.Errorf("record %d after not_after: %s, want refused, unavailable, retryable", i, describe([]connector.WriteResult{r}))
			}
		}
		if n := e.writes() - before; n > 0 {
			t.Errorf("%d requests were sent after not_after", n)
		}
	})
	for _, do := range []string{"lost-reply", "truncate"} {
		t.Run("unknown after "+do, func(t *testing.T) {
			needsNetwork(t, o)
			if s.Silent && do == "truncate" {
				t.Skip("an answer without a body cannot be cut")
			}
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			r := s.New(e, 1)
			before := e.writes()
			e.faults(sandbox.Fault{Match: s.CreateCall, Do: do})
			e.wantUnknown(r)
			if n := e.writes() - before; n != 1 {
				t.Errorf("%d requests were sent, an unknown outcome is never tried again", n)
			}
			e.wantLookedUp(r, 1)
		})
	}
	t.Run("unknown and late", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		r := s.New(e, 1)
		e.faults(sandbox.Fault{Match: s.CreateCall, Do: "late:300ms"})
		e.wantUnknown(r)
		time.Sleep(900 * time.Millisecond)
		e.wantLookedUp(r, 1)
	})
	for _, do := range []string{"drop", "status:503", "garbage"} {
		t.Run("unknown after "+do, func(t *testing.T) {
			needsNetwork(t, o)
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			r := s.New(e, 1)
			e.faults(sandbox.Fault{Match: s.CreateCall, Do: do})
			e.wantUnknown(r)
			e.wantLookedUp(r, 0)
		})
	}
	for _, do := range []string{"status:429", "expire-token"} {
		t.Run("goes on after "+do, func(t *testing.T) {
			needsNetwork(t, o)
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			r := s.New(e, 1)
			e.faults(sandbox.Fault{Match: s.CreateCall, Do: do})
			got := e.write(connector.Create, time.Time{}, r)
			if got[0].Outcome != connector.OutcomeCreated {
				t.Fatalf("%s, want created", describe(got))
			}
			e.wantLookedUp(r, 1)
		})
	}
	t.Run("revoked", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		r := s.New(e, 1)
		e.revoke()
		got, err := e.tryWrite(connector.Create, time.Time{}, r)
		if err == nil && len(got) == 1 && got[0].Outcome == connector.OutcomeRefused && got[0].Err != nil {
			err = got[0].Err
		}
		e.wantCause(err, connector.CauseCredentials)
	})
	t.Run("refused where it is gone", func(t *testing.T) {
		if o.Local == nil {
			t.Skip("a network can lose an answer: the outcome is unknown then")
		}
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		r := s.New(e, 1)
		e.Local.Break()
		got, err := e.tryWrite(connector.Create, time.Time{}, r)
		if err == nil && len(got) == 1 && got[0].Outcome == connector.OutcomeRefused {
			err = asError(got[0].Err)
		}
		e.wantCause(err, connector.CauseUnavailable)
	})
	t.Run("stops", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		rs := []record.Record{s.New(e, 1), s.New(e, 2), s.New(e, 3)}
		before := e.writes()
		own := errors.New("enough of it")
		err := e.Conn.Write(callContext(t), connector.WriteRequest{Object: obj.Name, Action: connector.Create, Records: rs},
			func(connector.WriteResult) error { return own })
		if !errors.Is(err, own) {
			t.Errorf("Write ended with %v, want the error of yield", err)
		}
		e.wantNoMoreThan(before, 1)
		ctx, cancel := context.WithCancel(callContext(t))
		cancel()
		var got []connector.WriteResult
		before = e.writes()
		err = e.Conn.Write(ctx, connector.WriteRequest{Object: obj.Name, Action: connector.Create, Records: rs},
			func(r connector.WriteResult) error { got = append(got, r); return nil })
		for _, r := range got {
			if r.Outcome == connector.OutcomeCreated {
				t.Error("a record was created after the context had ended")
			}
		}
		if err == nil && len(got) != len(rs) {
			t.Errorf("a cancelled write ended without an error and answered %d of %d records", len(got), len(rs))
		}
		e.wantNoMoreThan(before, 0)
	})
	t.Run("unknown object", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		before := e.writes()
		err := e.Conn.Write(callContext(t), connector.WriteRequest{Object: "no such object", Action: connector.Create, Records: []record.Record{s.New(e, 1)}},
			func(r connector.WriteResult) error {
				if r.Outcome != connector.OutcomeRefused {
					t.Errorf("outcome %s for an unknown object", outcomeName(r.Outcome))
				}
				return errors.New("refused")
			})
		if err == nil {
			t.Error("an unknown object is written without an error")
		}
		e.wantNoMoreThan(before, 0)
	})
}

// wantNoMoreThan bounds the requests sent since a count.
func (e *Env) wantNoMoreThan(before, n int) {
	e.T.Helper()
	if sent := e.writes() - before; sent > n {
		e.T.Errorf("%d requests were sent, want at most %d", sent, n)
	}
}

// wantRefusal wants a refusal to say why and what to do, and to leave no secret.
func (e *Env) wantRefusal(r connector.WriteResult) {
	e.T.Helper()
	if r.Err == nil {
		e.T.Error("a refusal without a reason")
		return
	}
	e.wantCause(r.Err, r.Err.Cause)
	if r.Err.Cause == "" || r.Err.Cause == connector.CauseUnknownOutcome || r.Err.Cause == connector.CausePluginFailed {
		e.T.Errorf("a refusal with cause %q: %v", r.Err.Cause, r.Err)
	}
}

func (e *Env) wantUnknown(r record.Record) {
	e.T.Helper()
	got := e.write(connector.Create, time.Time{}, r)
	if got[0].Outcome != connector.OutcomeUnknown {
		e.T.Fatalf("%s, want unknown: nobody can say whether it was done", describe(got))
	}
	e.wantCause(asError(got[0].Err), connector.CauseUnknownOutcome)
}

// asError avoids an error that is not nil but holds nil.
func asError(e *connector.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// wantLookedUp looks a record up by the field that stands for a lost create.
func (e *Env) wantLookedUp(r record.Record, n int) {
	e.T.Helper()
	e.calm()
	if e.Samples.CannotFind || e.Object.Idempotence == connector.IdempotenceNone {
		return
	}
	field := lostKey(e.Object)
	res := e.find(field, r.Get(field))
	if e.lacks(field) {
		if n > 0 && res.Status != connector.CannotTell {
			e.T.Errorf("looked up by %s, which is not there: %s, want cannot tell", field, describeFind(res))
		}
		return
	}
	if n == 0 && res.Status == connector.AbsentEverywhere {
		return
	}
	if n == 0 || res.Status != connector.Found || len(res.Records) != n {
		e.T.Errorf("looked up by %s=%s: %s, want %d", field, r.Get(field), describeFind(res), n)
	}
}

func testUpdate(t *testing.T, o Options, obj connector.Object, s Samples) {
	t.Run("leaves other fields alone", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(2)[0]
		before := e.byKey(key)
		change := e.changeOf(key)
		got := e.write(connector.Update, time.Time{}, change)
		if got[0].Outcome != connector.OutcomeUpdated {
			t.Fatalf("update: %s", describe(got))
		}
		after := e.byKey(key)
		if bad := e.missing(change, after); len(bad) > 0 {
			t.Errorf("not stored: %s", strings.Join(bad, "; "))
		}
		e.wantAlone(before, after, change)
	})
	t.Run("same again", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(1)[0]
		e.write(connector.Update, time.Time{}, e.changeOf(key))
		before := e.byKey(key)
		got := e.write(connector.Update, time.Time{}, e.changeOf(key))
		if got[0].Outcome != connector.OutcomeUnchanged && got[0].Outcome != connector.OutcomeUpdated {
			t.Fatalf("the same update again: %s", describe(got))
		}
		e.wantAlone(before, e.byKey(key), record.New(e.Schema))
	})
	t.Run("no such record", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		change := s.Change(e)
		if err := change.Set(obj.Key, e.absentKey(obj.Key)); err != nil {
			t.Fatal(err)
		}
		got := e.write(connector.Update, time.Time{}, change)
		if got[0].Outcome != connector.OutcomeRefused {
			t.Fatalf("%s, want refused", describe(got))
		}
		e.wantRefusal(got[0])
		// Without a key nobody can say which record is meant.
		before := e.writes()
		if got := e.write(connector.Update, time.Time{}, s.Change(e)); got[0].Outcome != connector.OutcomeRefused {
			t.Errorf("an update without a key: %s, want refused", describe(got))
		}
		e.wantNoMoreThan(before, 0)
	})
	t.Run("too late", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(1)[0]
		before := e.writes()
		got := e.write(connector.Update, time.Now().Add(-time.Second), e.changeOf(key))
		if got[0].Outcome != connector.OutcomeRefused || got[0].Err == nil || !got[0].Err.Retryable {
			t.Errorf("after not_after: %s, want refused, retryable", describe(got))
		}
		e.wantNoMoreThan(before, 0)
	})
	t.Run("unknown after lost-reply", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(1)[0]
		e.faults(sandbox.Fault{Match: s.UpdateCall, Do: "lost-reply"})
		before := e.writes()
		got := e.write(connector.Update, time.Time{}, e.changeOf(key))
		if got[0].Outcome != connector.OutcomeUnknown {
			t.Fatalf("%s, want unknown", describe(got))
		}
		e.wantNoMoreThan(before, 1)
		e.calm()
		if bad := e.missing(s.Change(e), e.byKey(key)); len(bad) > 0 {
			t.Errorf("the update was done and does not show: %s", strings.Join(bad, "; "))
		}
	})
	t.Run("goes on after expire-token", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		key := e.seed(1)[0]
		e.faults(sandbox.Fault{Match: s.UpdateCall, Do: "expire-token"})
		if got := e.write(connector.Update, time.Time{}, e.changeOf(key)); got[0].Outcome != connector.OutcomeUpdated {
			t.Errorf("%s, want updated", describe(got))
		}
	})
}

// changeOf is the sample change with a record's key.
func (e *Env) changeOf(key string) record.Record {
	e.T.Helper()
	r := e.Samples.Change(e)
	v, err := keyValue(e.Schema, e.Object.Key, key)
	if err != nil {
		e.T.Fatal(err)
	}
	if err := r.Set(e.Object.Key, v); err != nil {
		e.T.Fatal(err)
	}
	return r
}

// wantAlone wants every field that the change does not state to be as before.
func (e *Env) wantAlone(before, after, change record.Record) {
	e.T.Helper()
	for _, f := range e.Schema.Fields {
		if !change.Get(f.Name).IsAbsent() || f.Name == e.Samples.Stamp || slices.Contains(e.Samples.Volatile, f.Name) {
			continue
		}
		a, b := before.Get(f.Name), after.Get(f.Name)
		if !a.Equal(b) && !(a.IsEmpty() && b.IsEmpty()) {
			e.T.Errorf("the update changed %s, which it does not state: %q became %q", f.Name, a, b)
		}
	}
}
