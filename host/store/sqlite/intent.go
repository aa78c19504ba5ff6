package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/store"
)

// intentStates are stored by their index; the migrations know that 0 to 2 are not final.
var intentStates = []store.IntentState{
	store.IntentOpen, store.IntentUnknown, store.IntentGivenUp, store.IntentDone, store.IntentAdopted, store.IntentRefused, store.IntentAbsent,
}

func stateNumber(s store.IntentState) (int64, error) {
	i := slices.Index(intentStates, s)
	if i < 0 {
		return 0, fmt.Errorf("%q is no state of an intent", s)
	}
	return int64(i), nil
}

const intentColumns = `id, state, flow, connection, object, action, step, cause, opened, not_after, settled, run, key, identity, reference, result_key, fingerprint, source, expect`

type intentRow struct {
	intent store.Intent
	names  [6]int64
}

func (r *intentRow) scan(row scanner) (err error) {
	i := &r.intent
	var state, opened, notAfter, settled int64
	var fingerprint, source, expect []byte
	if err := row.Scan(&i.ID, &state, &r.names[0], &r.names[1], &r.names[2], &r.names[3], &r.names[4], &r.names[5], &opened, &notAfter, &settled,
		&i.Run, &i.Key, &i.Identity, &i.Reference, &i.ResultKey, &fingerprint, &source, &expect); err != nil {
		return err
	}
	if state < 0 || state >= int64(len(intentStates)) {
		return fmt.Errorf("intent %d has the unknown state %d", i.ID, state)
	}
	i.State = intentStates[state]
	i.Opened, i.NotAfter, i.Settled = fromMicros(opened), fromMicros(notAfter), fromMicros(settled)
	i.Fingerprint, i.Source = toFingerprint(fingerprint), toFingerprint(source)
	i.Expect, err = unpack(expect)
	return err
}

func (r *intentRow) resolve(ctx context.Context, s *Store) error {
	i := &r.intent
	return s.words(ctx, r.names[:], &i.Flow, &i.Connection, &i.Object, &i.Action, &i.Step, &i.Cause)
}

// Intents implements store.Store.
func (s *Store) Intents(ctx context.Context, flow string) ([]store.Intent, error) {
	var rows []*intentRow
	err := s.query(ctx, "SELECT "+intentColumns+" FROM intent WHERE state <= 2 ORDER BY id", func(row scanner) error {
		r := &intentRow{}
		rows = append(rows, r)
		return r.scan(row)
	})
	var intents []store.Intent
	for _, r := range rows {
		if err == nil {
			err = r.resolve(ctx, s)
		}
		if flow == "" || r.intent.Flow == flow || strings.HasPrefix(r.intent.Flow, flow+":") {
			intents = append(intents, r.intent)
		}
	}
	if err != nil {
		return nil, s.fail("read open intents", err)
	}
	return intents, nil
}

// OpenIntent implements store.Store.
func (s *Store) OpenIntent(ctx context.Context, i store.Intent) (id int64, err error) {
	if i.State == "" {
		i.State = store.IntentOpen
	}
	state, err := stateNumber(i.State)
	if err == nil && i.State.Final() {
		err = fmt.Errorf("an intent cannot be opened as %s", i.State)
	}
	if err != nil {
		return 0, s.fail("open an intent", err)
	}
	var standing *intentRow
	err = s.change(ctx, "open an intent", func(t *tx) error {
		ids, err := t.namesOf(i.Flow, i.Connection, i.Object, i.Action, i.Step, i.Cause)
		if err != nil {
			return err
		}
		if i.Identity != "" {
			// The unique index would refuse it too; asking first tells which one stands in the way.
			if standing, err = t.openIntent(ids[1], ids[2], i.Identity); err != nil {
				return err
			} else if standing != nil {
				return &store.BusyError{Intent: standing.intent}
			}
		}
		id, err = t.insert(`INSERT INTO intent (state, flow, connection, object, action, step, cause, opened, not_after, settled, run, key, identity, reference, result_key, fingerprint, source, expect)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			state, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], micros(i.Opened), micros(i.NotAfter), micros(i.Settled),
			i.Run, i.Key, i.Identity, i.Reference, i.ResultKey, fingerprint(i.Fingerprint), fingerprint(i.Source), pack(i.Expect))
		if err == nil && id%1000 == 0 {
			err = t.exec("DELETE FROM intent WHERE id <= ? AND state > 2", id-maxIntents)
		}
		return err
	})
	var busy *store.BusyError
	if errors.As(err, &busy) {
		if e := standing.resolve(ctx, s); e != nil {
			return 0, s.fail("open an intent", e)
		}
		busy.Intent = standing.intent
	}
	if err != nil {
		return 0, err
	}
	return id, nil
}

// openIntent returns the open intent on an identity, nil for none.
func (t *tx) openIntent(connection, object int64, identity string) (*intentRow, error) {
	var found *intentRow
	err := t.each("SELECT "+intentColumns+" FROM intent WHERE state <= 2 AND identity <> '' AND connection = ? AND object = ? AND identity = ?",
		func(row scanner) error {
			found = &intentRow{}
			return found.scan(row)
		}, connection, object, identity)
	return found, err
}

// settle moves an intent to a new state. What is final stays.
func (t *tx) settle(c store.Settlement) error {
	to, err := stateNumber(c.State)
	if err != nil {
		return err
	}
	cause, err := t.name(c.Cause)
	if err != nil {
		return err
	}
	var from int64
	if err := t.row("SELECT state FROM intent WHERE id = ?", []any{c.ID}, &from); errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("intent %d: %w", c.ID, store.ErrNotFound)
	} else if err != nil {
		return err
	}
	state := intentStates[from]
	if state.Final() && c.State != state {
		return fmt.Errorf("intent %d is %s and cannot become %s: %w", c.ID, state, c.State, store.ErrSettled)
	}
	return t.exec(`UPDATE intent SET state = ?, result_key = ?, cause = ?, settled = iif(? = 0, settled, ?) WHERE id = ?`,
		to, c.ResultKey, cause, micros(c.Settled), micros(c.Settled), c.ID)
}
