package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Write implements sdk.Connection: one record a request, each attempted once.
func (c *connection) Write(ctx context.Context, req sdk.WriteRequest, yield func(sdk.WriteResult) error) error {
	o, err := objectByName(req.Object)
	if err != nil {
		return err
	}
	var do func(context.Context, *object, record.Record, time.Time) sdk.WriteResult
	switch {
	case req.Action == sdk.Create && o.Create:
		do = c.create
	case req.Action == sdk.Update && o.Update:
		do = c.update
	default:
		return &sdk.Error{Cause: sdk.CauseRefused, Message: "eAccounting's API does not let " + o.Name + " be written in this way",
			Remedy: "change the record in eAccounting itself"}
	}
	for _, r := range req.Records {
		if err := yield(do(ctx, o, r, req.NotAfter)); err != nil {
			return err
		}
	}
	return nil
}

// create posts a new record.
func (c *connection) create(ctx context.Context, o *object, r record.Record, notAfter time.Time) sdk.WriteResult {
	m, problem := toJSON(r, o.schema.Name, "", true)
	if problem == nil {
		problem = o.checkEnums(m)
	}
	if problem != nil {
		return refused(problem)
	}
	for _, name := range o.dropped {
		delete(m, name)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return refused(&sdk.Error{Cause: sdk.CauseInvalidValue, Message: "the record cannot be written as JSON", Remedy: "report this", Err: err})
	}
	resp, err := c.call(ctx, http.MethodPost, o.path, nil, body, notAfter, o.label(r))
	if err != nil {
		return failed(err)
	}
	made, err := o.row(resp.Body)
	if err != nil {
		return c.lookUpCreated(ctx, o, r, err)
	}
	return sdk.WriteResult{Outcome: sdk.OutcomeCreated, Record: made.rec}
}

// lookUpCreated finds a record whose create was accepted without a readable answer: by the key of ours that the system keeps unique, else
// by the reference, which is looked up before every create; without either nobody can tell which record it is.
func (c *connection) lookUpCreated(ctx context.Context, o *object, r record.Record, cause error) sdk.WriteResult {
	unknown := sdk.WriteResult{Outcome: sdk.OutcomeUnknown, Err: &sdk.Error{
		Cause: sdk.CauseUnknownOutcome, Message: "eAccounting accepted " + o.label(r) + ", but its answer does not say what was made", Err: cause,
		Remedy: "none now: after the settle time it is looked up",
	}}
	key := o.unique
	if key == "" {
		key = o.Reference
	}
	if key == "" || r.Get(key).IsEmpty() {
		return unknown
	}
	found, err := c.Find(ctx, sdk.FindRequest{Object: o.Name, Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: key, Value: r.Get(key)}}}}})
	if err != nil || found[0].Status != sdk.Found || len(found[0].Records) != 1 {
		return unknown
	}
	return sdk.WriteResult{Outcome: sdk.OutcomeCreated, Record: found[0].Records[0]}
}

// update changes the stated fields of a record. PUT nulls what it leaves out [SBX], so the record is read, merged as it
// came (with members that this connector does not know) and written whole. There is no version to compare [OA26]: a
// change by somebody else in the moment between the two is overwritten.
func (c *connection) update(ctx context.Context, o *object, r record.Record, notAfter time.Time) sdk.WriteResult {
	id := r.Get(o.Key).AsText()
	if !isUUID(id) {
		return refused(invalid(o.Key, fmt.Sprintf("%q is no id, and without one nobody can say which record is meant", id)))
	}
	stated, problem := toJSON(r, o.schema.Name, "", false)
	if problem == nil {
		problem = o.checkEnums(stated)
	}
	if problem != nil {
		return refused(problem)
	}
	done, err := c.turn(ctx, o)
	if err != nil {
		return notDone(err)
	}
	defer done()
	raw, err := c.one(ctx, o, id, notAfter)
	if err != nil {
		return notDone(err)
	}
	if raw == nil {
		return refused(&sdk.Error{Cause: o.missing, Code: "3000", Message: o.label(r) + " is not in eAccounting (any more)", Remedy: "link the record anew"})
	}
	now, err := o.row(raw)
	if err != nil {
		return notDone(unreadable(o.label(r), err))
	}
	if problem := c.stockCounted(o, now.rec, r); problem != nil {
		return refused(problem)
	}
	if holdsAll(o.schema.Name, now.rec, r) {
		return sdk.WriteResult{Outcome: sdk.OutcomeUnchanged, Record: now.rec}
	}
	if o.steps {
		if res, did := c.step(ctx, o, now.rec, r, raw, notAfter); did {
			return res
		}
	}
	body, err := o.merge(raw, stated)
	if err != nil {
		return notDone(unreadable(o.label(r), err))
	}
	resp, err := c.call(ctx, http.MethodPut, o.path+"/"+url.PathEscape(id), nil, body, notAfter, o.label(r))
	if err != nil {
		return failed(err)
	}
	stored, err := o.row(resp.Body)
	after, told := stored.rec, err == nil
	if !told { // older builds answer a PUT with nothing [SW20]
		after, told = c.readBack(ctx, o, id)
	}
	if !told {
		after = record.New(o.schema)
		after.MustSet(o.Key, record.Text(id))
		return sdk.WriteResult{Outcome: sdk.OutcomeUpdated, Record: after}
	}
	if problem := c.stockIgnored(o, now.rec, r, after); problem != nil {
		return refused(problem)
	}
	c.compareAfter(ctx, o, now.rec, r, after)
	return sdk.WriteResult{Outcome: sdk.OutcomeUpdated, Record: after}
}

// volatile are fields that the system moves by itself, so that another value after an update is no news.
var volatile = map[string]bool{
	"ChangedUtc": true, "ModifiedUtc": true, "NetPriceWithDiscount": true, "StockBalanceAvailable": true, "StockBalanceManuallyChangedUtc": true,
	"Amount": true, "VatAmount": true, "RoundingsAmount": true, "DeliveredAmount": true, "DeliveredVatAmount": true, "DeliveredRoundingsAmount": true,
	"PurchasePriceManuallyChangedUtc": true, "FreightCostsManuallyChangedUtc": true, "StockValue": true, "UnpaidInvoicesAmount": true, "LastInvoiceDate": true,
}

// compareAfter looks at what the update did beside what it was for. A PUT carries all fields, so one that came back otherwise was changed by
// the system itself, or by somebody in the moment between reading and writing: it is said, since nothing can take it back.
func (c *connection) compareAfter(ctx context.Context, o *object, before, stated, after record.Record) {
	var changed []string
	for _, f := range facts[o.schema.Name] {
		a, b := before.Get(f.name), after.Get(f.name)
		if !stated.Get(f.name).IsAbsent() || volatile[f.name] || f.readOnly || a.Equal(b) || a.IsEmpty() && b.IsEmpty() {
			continue
		}
		changed = append(changed, f.name)
	}
	if len(changed) > 0 {
		c.host.Progress(ctx, sdk.Progress{What: fmt.Sprintf("%s came back with other values than it had in %s", o.label(after), strings.Join(changed, ", "))})
	}
}

// merge lays the stated members over the record as it came, without what the system computes.
func (o *object) merge(raw []byte, stated map[string]any) ([]byte, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	if err := dropReadOnly(o.schema.Name, m); err != nil {
		return nil, err
	}
	if _, ok := stated["Rows"]; ok {
		for _, name := range o.computed {
			delete(m, name)
		}
	}
	for name, v := range stated {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		m[name] = b
	}
	for _, name := range o.dropped {
		delete(m, name)
	}
	var out bytes.Buffer
	err := json.NewEncoder(&out).Encode(m)
	return bytes.TrimSpace(out.Bytes()), err
}

// dropReadOnly takes out of a record as it came what the system computes, in its parts too. The Id of a label stays, by which it is named; rows lose
// theirs, which the specification marks read-only [OA26].
func dropReadOnly(schemaName string, m map[string]json.RawMessage) error {
	for _, f := range facts[schemaName] {
		raw, ok := m[f.name]
		part, isList := strings.CutSuffix(f.typ, "[]")
		switch {
		case !ok:
		case f.readOnly:
			delete(m, f.name)
		case isList && facts[part] != nil && string(raw) != "null":
			var list []map[string]json.RawMessage
			if err := json.Unmarshal(raw, &list); err != nil {
				return err
			}
			for _, e := range list {
				id, named := e["Id"]
				named = named && strings.HasSuffix(part, "LabelApi")
				if err := dropReadOnly(part, e); err != nil {
					return err
				}
				if named {
					e["Id"] = id
				}
			}
			b, err := json.Marshal(list)
			if err != nil {
				return err
			}
			m[f.name] = b
		}
	}
	return nil
}

// checkEnums refuses numbers that the specification does not know, before the system makes something else of them.
func (o *object) checkEnums(m map[string]any) *sdk.Error {
	for name, bounds := range o.enums {
		v, ok := m[name].(json.Number)
		if !ok {
			continue
		}
		n, err := v.Int64()
		if err != nil || n < bounds[0] || n > bounds[1] {
			return invalid(name, fmt.Sprintf("is %s, eAccounting knows %d to %d", v, bounds[0], bounds[1]))
		}
	}
	return nil
}

// label names a record for people: by its number, reference or name.
func (o *object) label(r record.Record) string {
	kind := strings.TrimSuffix(o.Name, "s")
	for _, f := range []string{"CustomerNumber", "Number", "BuyersOrderReference", "Name", "Id"} {
		if v := r.Get(f); !v.IsEmpty() {
			return kind + " " + v.String()
		}
	}
	return "a new " + kind
}

// holdsAll reports whether the stored record has all that is stated and can be written.
func holdsAll(schemaName string, stored, stated record.Record) bool {
	for _, f := range facts[schemaName] {
		v := stated.Get(f.name)
		if v.IsAbsent() || f.readOnly {
			continue
		}
		if !holds(f, stored.Get(f.name), v) {
			return false
		}
	}
	return true
}

func holds(f fact, stored, stated record.Value) bool {
	switch stated.Kind() {
	case record.KindNull:
		return stored.Kind() == record.KindNull
	case record.KindList:
		a, b := stored.AsList(), stated.AsList()
		if stored.Kind() != record.KindList || len(a) != len(b) {
			return false
		}
		elem := fact{name: f.name, typ: strings.TrimSuffix(f.typ, "[]")}
		for i := range a {
			if !holds(elem, a[i], b[i]) {
				return false
			}
		}
		return true
	case record.KindRecord:
		a, ok := stored.AsRecord()
		b, _ := stated.AsRecord()
		return ok && holdsAll(f.typ, a, b)
	}
	return stored.Equal(stated)
}

func refused(e *sdk.Error) sdk.WriteResult {
	return sdk.WriteResult{Outcome: sdk.OutcomeRefused, Err: e}
}

// failed tells from a request's error whether the write may have been done.
func failed(err error) sdk.WriteResult {
	e := sdk.AsError(err)
	if e.Cause == sdk.CauseUnknownOutcome {
		return sdk.WriteResult{Outcome: sdk.OutcomeUnknown, Err: e}
	}
	return refused(e)
}

// notDone is for failures before the write itself: nothing was changed.
func notDone(err error) sdk.WriteResult { return refused(sdk.AsError(err)) }
