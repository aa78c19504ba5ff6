package conformance

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// seeded is how many records the reading tests make: with small pages, several of them.
const seeded = 7

// tick is longer than the step of a system's clock that shows whole seconds: what was made before it is past after it.
const tick = 1100 * time.Millisecond

func testRead(t *testing.T, o Options, obj connector.Object, s Samples) {
	cursors := obj.Read == connector.ReadCursor || obj.Read == connector.ReadCursorAndSweep
	if s.CannotFind {
		t.Run("cannot be read", func(t *testing.T) {
			t.Parallel()
			e := openObject(t, o, obj, s, nil)
			_, _, _, err := e.readAll(nil, 0, 0)
			e.wantCause(err, connector.CauseRights, connector.CauseRefused) // never an empty list
		})
		return
	}
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, nil)
		recs, _, _, err := e.readAll(nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		wantKeys(t, obj, recs, nil)
	})
	t.Run("all once in order", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, o.SmallPages)
		want := e.seed(seeded)
		for _, size := range []int{2, 1, 0} {
			recs, cursor, batches, err := e.readAll(nil, 0, size)
			if err != nil {
				t.Fatal(err)
			}
			wantKeys(t, obj, recs, want)
			if size > 0 && batches < seeded/size {
				t.Errorf("%d batches for %d records of at most %d", batches, seeded, size)
			}
			if cursors && cursor == nil {
				t.Error("a full read left no cursor")
			}
			e.wantOrder(recs)
		}
	})
	t.Run("cursor", func(t *testing.T) {
		if !cursors {
			t.Skip("the object is scanned")
		}
		t.Parallel()
		testCursor(t, o, obj, s)
	})
	t.Run("resume", func(t *testing.T) {
		if !cursors {
			t.Skip("the object is scanned")
		}
		t.Parallel()
		testResume(t, o, obj, s)
	})
	t.Run("change while reading", func(t *testing.T) {
		t.Parallel()
		testChangeWhileReading(t, o, obj, s)
	})
	t.Run("stops", func(t *testing.T) {
		t.Parallel()
		testReadStops(t, o, obj, s)
	})
	for _, do := range []string{"status:503", "status:429", "garbage", "truncate", "drop", "expire-token"} {
		t.Run("goes on after "+do, func(t *testing.T) {
			needsNetwork(t, o)
			t.Parallel()
			e := openObject(t, o, obj, s, o.SmallPages)
			want := e.seed(seeded)
			e.faults(sandbox.Fault{Match: s.ReadCall, Skip: 1, Do: do})
			recs, _, _, err := e.readAll(nil, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			wantKeys(t, obj, recs, want)
			if !slices.ContainsFunc(e.calls(), func(c sandbox.Call) bool { return c.Fault != "" }) {
				t.Errorf("the fault never happened: is %q the call behind Read, and does SmallPages make several of them?", s.ReadCall)
			}
		})
	}
	t.Run("revoked", func(t *testing.T) {
		needsNetwork(t, o)
		t.Parallel()
		e := openObject(t, o, obj, s, o.SmallPages)
		e.seed(3)
		e.revoke()
		_, _, _, err := e.readAll(nil, 0, 0)
		e.wantCause(err, connector.CauseCredentials)
	})
	t.Run("unavailable", func(t *testing.T) {
		t.Parallel()
		e := openObject(t, o, obj, s, o.SmallPages)
		e.seed(seeded)
		if e.Sandbox == nil {
			e.Local.Break()
		} else {
			e.faults(sandbox.Fault{Match: s.ReadCall, Skip: 1, Times: -1, Do: "garbage"})
		}
		_, _, _, err := e.readAll(nil, 0, 0)
		e.wantCause(err, connector.CauseUnavailable)
	})
}

// wantOrder wants the records by their stamp, oldest first.
func (e *Env) wantOrder(recs []record.Record) {
	e.T.Helper()
	if e.Samples.Stamp == "" {
		return
	}
	var last time.Time
	for _, r := range recs {
		at, ok := r.Get(e.Samples.Stamp).AsInstant()
		if !ok {
			continue
		}
		if at.Before(last) {
			e.T.Errorf("%s %s is older than the one before it", e.Object.Name, r.Get(e.Object.Key))
		}
		last = at
	}
}

// touch changes a record of the system.
func (e *Env) touch(key string) {
	e.T.Helper()
	if e.Samples.Touch != nil {
		e.Samples.Touch(e, key)
		return
	}
	r := e.Samples.Change(e)
	k, err := keyValue(e.Schema, e.Object.Key, key)
	if err != nil {
		e.T.Fatal(err)
	}
	if err := r.Set(e.Object.Key, k); err != nil {
		e.T.Fatal(err)
	}
	if got := e.write(connector.Update, time.Time{}, r); got[0].Outcome != connector.OutcomeUpdated {
		e.T.Fatalf("update %s: %s", r, describe(got))
	}
}

// touched reports whether a record shows what touch did.
func (e *Env) touched(r record.Record) bool {
	if e.Samples.Touch != nil {
		return e.Samples.Changed(r)
	}
	return len(e.missing(e.Samples.Change(e), r)) == 0
}

func (e *Env) canTouch() bool {
	return e.Samples.Touch != nil || e.Samples.Change != nil && e.Object.Update
}

func testCursor(t *testing.T, o Options, obj connector.Object, s Samples) {
	e := openObject(t, o, obj, s, o.SmallPages)
	made := e.seed(seeded)
	time.Sleep(tick)
	_, cursor, _, err := e.readAll(nil, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	recs, next, _, err := e.readAll(cursor, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) >= seeded && !s.Resweeps {
		t.Errorf("nothing changed, yet %d of %d records came again", len(recs), seeded)
	}
	if !e.canTouch() {
		return
	}
	e.touch(made[2])
	recs, last, _, err := e.readAll(next, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(keys(obj, recs), made[2]) {
		t.Errorf("%s %s changed after the cursor and was not read", obj.Name, made[2])
	}
	if len(recs) >= seeded && !s.Resweeps {
		t.Errorf("one record changed, yet %d of %d came again", len(recs), seeded)
	}
	recs, _, _, err = e.readAll(last, 24*time.Hour, 2)
	if err != nil {
		t.Fatal(err)
	}
	wantKeys(t, obj, recs, made)
}

// testResume stops a read after each of its batches and goes on from that batch's cursor: nothing may be missing.
func testResume(t *testing.T, o Options, obj connector.Object, s Samples) {
	e := openObject(t, o, obj, s, o.SmallPages)
	made := e.seed(seeded)
	if e.canTouch() {
		e.touch(made[1]) // so that the order of changes is not that of creation
	}
	type stop struct {
		before []record.Record
		cursor []byte
	}
	var stops []stop
	var recs []record.Record
	err := e.Conn.Read(callContext(t), connector.ReadRequest{Object: obj.Name, BatchSize: 2}, func(b connector.Batch) error {
		recs = append(recs, b.Records...)
		stops = append(stops, stop{slices.Clone(recs), b.Cursor})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, st := range stops {
		if st.cursor == nil {
			continue
		}
		more, _, _, err := e.readAll(st.cursor, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := keys(obj, append(st.before, more...))
		for _, k := range made {
			if !slices.Contains(got, k) {
				t.Errorf("%s %s is lost when a read stops after batch %d and goes on from its cursor %q", obj.Name, k, i+1, st.cursor)
			}
		}
	}
}

// testChangeWhileReading changes a record already read and one perhaps not yet read, and makes a new one, while a read
// with small pages goes on: this read and the next from its cursor must together bring all of it.
func testChangeWhileReading(t *testing.T, o Options, obj connector.Object, s Samples) {
	e := openObject(t, o, obj, s, o.SmallPages)
	made := e.seed(seeded)
	var recs []record.Record
	var cursor []byte
	var late string
	first := ""
	err := e.Conn.Read(callContext(t), connector.ReadRequest{Object: obj.Name, BatchSize: 2}, func(b connector.Batch) error {
		recs = append(recs, b.Records...)
		if b.Cursor != nil {
			cursor = b.Cursor
		}
		if first == "" && len(b.Records) > 0 {
			first = b.Records[0].Get(obj.Key).String()
			if e.canTouch() {
				e.touch(first)
				e.touch(made[len(made)-1])
			}
			if obj.Create {
				late = e.create(s.New(e, 1000))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	more, _, _, err := e.readAll(cursor, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	latest := map[string]record.Record{}
	for _, r := range append(recs, more...) {
		latest[r.Get(obj.Key).String()] = r
	}
	for _, k := range made {
		r, ok := latest[k]
		if !ok {
			t.Errorf("%s %s was lost while others changed", obj.Name, k)
		} else if e.canTouch() && (k == first || k == made[len(made)-1]) && !e.touched(r) {
			t.Errorf("the change of %s %s while it was read was lost: %s", obj.Name, k, r)
		}
	}
	if _, ok := latest[late]; late != "" && !ok {
		t.Errorf("%s %s, made while reading, was lost", obj.Name, late)
	}
}

func testReadStops(t *testing.T, o Options, obj connector.Object, s Samples) {
	e := openObject(t, o, obj, s, o.SmallPages)
	e.seed(seeded)
	own := errors.New("enough of it")
	n := 0
	err := e.Conn.Read(callContext(t), connector.ReadRequest{Object: obj.Name, BatchSize: 2}, func(connector.Batch) error { n++; return own })
	if !errors.Is(err, own) {
		t.Errorf("Read ended with %v, want the error of yield", err)
	}
	if n != 1 {
		t.Errorf("yield was called %d times after its error", n-1)
	}
	ctx, cancel := context.WithCancel(callContext(t))
	defer cancel()
	start := time.Now()
	err = e.Conn.Read(ctx, connector.ReadRequest{Object: obj.Name, BatchSize: 2}, func(connector.Batch) error { cancel(); return nil })
	if err == nil {
		t.Error("a cancelled read ended without an error: the host would take it for complete")
	}
	patience := 200 * time.Millisecond
	if e.Sandbox == nil {
		patience = 0 // nothing delays it, so its time is up from the start
	} else {
		e.faults(sandbox.Fault{Match: s.ReadCall, Times: -1, Do: "delay:20s"})
	}
	ctx, cancel = context.WithTimeout(callContext(t), patience)
	defer cancel()
	if err := e.Conn.Read(ctx, connector.ReadRequest{Object: obj.Name}, func(connector.Batch) error { return nil }); err == nil {
		t.Error("a read whose time is up ended without an error")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v to stop", d)
	}
	e.calm()
}
