package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// defaultBatch is how many records Read yields at a time.
const defaultBatch = 500

// attempts bounds how often a write begins again because somebody else wrote the file.
const attempts = 5

// connection is the use of one folder.
type connection struct {
	writing *sync.Mutex
	dir     string
	form    form
	keys    map[string]string // the key column, by object
}

var _ connector.Connection = (*connection)(nil)

func (c *connection) load(ctx context.Context, name string) (object, *table, error) {
	i := slices.IndexFunc(objects, func(o object) bool { return o.name == name })
	if i < 0 {
		return object{}, nil, &connector.Error{Cause: connector.CauseInvalidValue, Message: fmt.Sprintf("a folder of CSV files has no object %q", clip(name)),
			Remedy: "use customers or articles"}
	}
	t, err := load(ctx, c.dir, objects[i], c.keys[name], c.form)
	return objects[i], t, err
}

// Check reads both files. A folder that lacks one of them is good for flows of the other.
func (c *connection) Check(ctx context.Context) ([]connector.CheckResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	folder := connector.CheckResult{Name: "folder", Title: "The folder is there", OK: true}
	info, err := os.Stat(c.dir)
	switch {
	case err != nil:
		folder.OK, folder.Cause, folder.Message, folder.Remedy = false, connector.CauseUnavailable, "the folder "+c.dir+" cannot be seen: "+plain(err).Error(), "make the folder, or correct the setting"
	case !info.IsDir():
		folder.OK, folder.Cause, folder.Message, folder.Remedy = false, connector.CauseInvalidValue, c.dir+" is no folder", "correct the setting"
	}
	out := []connector.CheckResult{folder}
	if !folder.OK {
		return out, nil
	}
	for _, o := range objects {
		res := connector.CheckResult{Name: o.name, Title: o.file + " can be read", OK: true}
		_, t, err := c.load(ctx, o.name)
		switch e := connector.AsError(err); {
		case err == nil:
			res.Title = fmt.Sprintf("%s can be read (lines: %d)", o.file, len(t.rows))
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, os.ErrNotExist):
			res.Warning, res.Message, res.Remedy = true, "there is no "+o.file+" in the folder", "put it there before a flow of "+o.name+" runs"
		default:
			res.OK, res.Cause, res.Message, res.Remedy = false, e.Cause, e.Error(), e.Remedy
		}
		out = append(out, res)
	}
	return out, nil
}

// Discover makes the schema of the file's first line.
func (c *connection) Discover(ctx context.Context, name string) (*record.Schema, error) {
	_, t, err := c.load(ctx, name)
	if err != nil {
		return nil, err
	}
	return t.schema, nil
}

// List answers nothing: CSV files have no reference values.
func (c *connection) List(_ context.Context, list string) ([]connector.ListItem, error) {
	return nil, &connector.Error{Cause: connector.CauseInvalidValue, Message: fmt.Sprintf("a folder of CSV files has no list %q", clip(list)), Remedy: "take the list of the other system"}
}

// Read yields all lines, as the file was at one moment. A line has no stamp, so there is no cursor.
func (c *connection) Read(ctx context.Context, req connector.ReadRequest, yield func(connector.Batch) error) error {
	_, t, err := c.load(ctx, req.Object)
	if err != nil {
		return err
	}
	size := req.BatchSize
	if size <= 0 {
		size = defaultBatch
	}
	for start := 0; start < len(t.rows); start += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := connector.Batch{Schema: t.schema}
		for i := start; i < min(start+size, len(t.rows)); i++ {
			b.Records = append(b.Records, t.record(i))
		}
		if err := yield(b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Find looks keys up. The file was read to its end, so absent is absent.
func (c *connection) Find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	_, t, err := c.load(ctx, req.Object)
	if err != nil {
		return nil, err
	}
	out := make([]connector.FindResult, 0, len(req.Keys))
	for _, k := range req.Keys {
		if len(k.Fields) != 1 || k.Fields[0].Name != keyField {
			return nil, &connector.Error{Cause: connector.CauseInvalidValue, Message: t.name() + " can be searched by its key only", Remedy: "look up by " + keyField}
		}
		i, ok := t.index[k.Fields[0].Value.AsText()]
		if !ok {
			out = append(out, connector.FindResult{Status: connector.AbsentEverywhere, Scopes: []string{t.name()}})
			continue
		}
		out = append(out, connector.FindResult{Status: connector.Found, Records: []record.Record{t.record(i)}, Scopes: []string{t.name()}})
	}
	return out, nil
}

// Write puts all records of the request into the file at once.
func (c *connection) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	results, err := c.write(ctx, req)
	if err != nil {
		return err
	}
	for _, r := range results {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) write(ctx context.Context, req connector.WriteRequest) ([]connector.WriteResult, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for n := 1; ; n++ {
		o, t, err := c.load(ctx, req.Object)
		if err != nil {
			return nil, err
		}
		results := make([]connector.WriteResult, 0, len(req.Records))
		changed := 0
		for _, r := range req.Records {
			res := t.apply(o, req.Action, r)
			if res.Outcome == connector.OutcomeCreated || res.Outcome == connector.OutcomeUpdated {
				changed++
			}
			results = append(results, res)
		}
		if changed == 0 {
			return results, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err // nothing was written
		}
		if !req.NotAfter.IsZero() && time.Now().After(req.NotAfter) {
			return failed(results, connector.OutcomeRefused, &connector.Error{Cause: connector.CauseUnavailable, Message: "the time for writing " + t.name() + " is over",
				Remedy: "run the flow again", Retryable: true}), nil
		}
		done, err := t.save()
		switch {
		case err == nil:
			return results, nil
		case done: // it is in place, and may not survive a power failure
			return failed(results, connector.OutcomeUnknown, &connector.Error{Cause: connector.CauseUnknownOutcome, Message: t.name() + " may not have reached the disk", Err: plain(err),
				Remedy: "look into the file"}), nil
		case errors.Is(err, errChanged) && n < attempts:
			continue
		}
		return failed(results, connector.OutcomeRefused, &connector.Error{Cause: connector.CauseUnavailable, Message: t.path + " cannot be written", Err: plain(err), Retryable: true,
			Remedy: "see that the folder can be written, the disk is not full, and no other program writes the file all the time"}), nil
	}
}

// failed turns what was to be written into what became of it.
func failed(results []connector.WriteResult, outcome connector.Outcome, err *connector.Error) []connector.WriteResult {
	for i, r := range results {
		if r.Outcome == connector.OutcomeCreated || r.Outcome == connector.OutcomeUpdated {
			results[i] = connector.WriteResult{Outcome: outcome, Err: err}
		}
	}
	return results
}

// apply puts one record into the table, or says why not.
func (t *table) apply(o object, action connector.Action, r record.Record) connector.WriteResult {
	refuse := func(cause connector.Cause, field, message, remedy string) connector.WriteResult {
		return connector.WriteResult{Outcome: connector.OutcomeRefused, Err: &connector.Error{Cause: cause, Field: field, Message: t.name() + ": " + message, Remedy: remedy}}
	}
	key := r.Get(keyField)
	if key.IsEmpty() || key.Kind() != record.KindText {
		return refuse(connector.CauseInvalidValue, keyField, "a line needs a key", "fill in the field number")
	}
	at, exists := t.index[key.AsText()]
	switch {
	case action == connector.Create && exists:
		return refuse(connector.CauseConflict, keyField, fmt.Sprintf("there is a line with the key %q already", clip(key.AsText())), "update it instead")
	case action == connector.Update && !exists:
		return refuse(o.missing, keyField, fmt.Sprintf("there is no line with the key %q", clip(key.AsText())), "create it instead")
	case action != connector.Create && action != connector.Update:
		return refuse(connector.CauseRefused, "", "lines can be created and updated only", "use another action")
	}
	row := make([]string, len(t.header))
	if exists {
		copy(row, t.rows[at])
	}
	for i, f := range r.Schema.Fields {
		if i >= len(r.Values) || r.Values[i].IsAbsent() {
			continue
		}
		col, ok := t.schema.Index(f.Name)
		if !ok {
			return refuse(connector.CauseInvalidValue, f.Name, "there is no column for it", "add the column to the file, or take the field out of the mapping")
		}
		cell, err := t.form.write(r.Values[i], t.schema.Fields[col].Type.Kind)
		if err != nil {
			return refuse(connector.CauseInvalidValue, f.Name, "the value "+err.Error(), "correct the value, or the mapping")
		}
		if exists && sameCell(t.form, row[col], cell, t.schema.Fields[col].Type.Kind) {
			continue // 1.50 stays 1.50 where 1.5 is sent
		}
		row[col] = cell
	}
	outcome := connector.OutcomeCreated
	switch {
	case !exists:
		at = len(t.rows)
		t.rows, t.index[key.AsText()] = append(t.rows, row), at
	case slices.Equal(row, t.rows[at]):
		outcome = connector.OutcomeUnchanged
	default:
		t.rows[at], outcome = row, connector.OutcomeUpdated
	}
	return connector.WriteResult{Outcome: outcome, Record: t.record(at)}
}

func sameCell(f form, a, b string, k record.Kind) bool {
	v, err1 := f.parse(a, k)
	w, err2 := f.parse(b, k)
	return err1 == nil && err2 == nil && v.Equal(w)
}

// Close has nothing to release.
func (c *connection) Close() error { return nil }
