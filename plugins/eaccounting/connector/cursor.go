package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// cursor is where a read stopped. All times are the system's own: its clock and ours never meet.
type cursor struct {
	Version int `json:"v"`
	// Since: everything that changed before it was read.
	Since time.Time `json:"since"`
	// Nulls: records without a change stamp were seen, so they are asked for again.
	Nulls bool `json:"nulls,omitempty"`
}

const cursorVersion = 1

func decodeCursor(b []byte) (cursor, error) {
	if len(b) == 0 {
		return cursor{Version: cursorVersion}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var c cursor
	if err := dec.Decode(&c); err != nil || c.Version != cursorVersion || c.Since.IsZero() {
		return cursor{}, &sdk.Error{Cause: sdk.CauseRefused, Message: fmt.Sprintf("the cursor %.60q is none of this connector's", b), Err: err,
			Remedy: "read from the beginning"}
	}
	return c, nil
}

func (c cursor) encode() []byte {
	if c.Since.IsZero() {
		return nil
	}
	c.Version = cursorVersion
	b, err := json.Marshal(c)
	if err != nil {
		return nil // a time outside the years 0 to 9999, which no stamp has: no safe point
	}
	return b
}

// emitter cuts records into batches and says how far each batch is safe.
type emitter struct {
	schema *record.Schema
	size   int
	yield  func(sdk.Batch) error
	// high is the system's clock when the read began: no cursor goes beyond it, since what changes while the read goes on
	// may have been passed already.
	high  time.Time
	nulls bool
	// whole: the list is read to its end each time, so there is no safe point within it and none behind it.
	whole bool

	pending []record.Record
	safe    time.Time
}

// add emits rows; safe is the moment before which everything was emitted once these are, zero where nobody can tell.
func (e *emitter) add(r row, safe time.Time) error {
	if len(e.pending) == e.size {
		if err := e.flush(e.cursor(e.safe)); err != nil {
			return err
		}
	}
	e.pending, e.safe = append(e.pending, r.rec), safe
	return nil
}

func (e *emitter) cursor(safe time.Time) []byte {
	if safe.IsZero() || e.high.IsZero() || e.whole {
		return nil
	}
	if safe.After(e.high) {
		safe = e.high
	}
	return cursor{Since: safe, Nulls: e.nulls}.encode()
}

func (e *emitter) flush(cursor []byte) error {
	b := sdk.Batch{Schema: e.schema, Records: e.pending, Cursor: cursor}
	e.pending = nil
	return e.yield(b)
}

// finish emits the rest with the cursor behind all of it, even when there is no record: the cursor must go on.
func (e *emitter) finish() error { return e.flush(e.cursor(e.high)) }

// sortRows orders rows by stamp, then Id.
func sortRows(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		if c := a.effective().Compare(b.effective()); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
}
