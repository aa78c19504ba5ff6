package connector

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

const (
	// keysPerCall and filterBytes bound one look-up: a longer address may be cut off on its way [?].
	keysPerCall = 20
	filterBytes = 1800
)

// Find implements sdk.Connection. Keys are asked for together, up to 20 a request; what comes back is compared again, so
// that a filter which is not obeyed can never make a record found or absent.
func (c *connection) Find(ctx context.Context, req sdk.FindRequest) ([]sdk.FindResult, error) {
	o, err := objectByName(req.Object)
	if err != nil {
		return nil, err
	}
	l := &lookup{c: c, o: o, results: make([]sdk.FindResult, len(req.Keys)), keys: req.Keys}
	var ask []int
	for i, k := range req.Keys {
		ok, err := l.prepare(i, k)
		if err != nil {
			return nil, err
		}
		if ok {
			ask = append(ask, i)
		}
	}
	if err := l.askAll(ctx, ask); err != nil {
		return nil, err
	}
	return l.results, nil
}

// lookup is one Find in progress.
type lookup struct {
	c       *connection
	o       *object
	keys    []sdk.Key
	results []sdk.FindResult
}

func (l *lookup) scope() string { return "all " + l.o.path }

// prepare answers keys that need no request; ok means that one is needed.
func (l *lookup) prepare(i int, k sdk.Key) (ok bool, err error) {
	if len(k.Fields) == 0 {
		return false, &sdk.Error{Cause: sdk.CauseInvalidValue, Message: "a key without a field cannot be looked up", Remedy: "state a field"}
	}
	for _, f := range k.Fields {
		if !contains(l.o.Find, f.Name) {
			return false, &sdk.Error{Cause: sdk.CauseRefused, Field: f.Name, Message: fmt.Sprintf("%s cannot be looked up by %s", l.o.Name, f.Name),
				Remedy: "use one of " + strings.Join(l.o.Find, ", ")}
		}
		field, _ := l.o.schema.Field(f.Name)
		switch _, askable := literal(field, f.Value); {
		case askable:
		case f.Value.IsEmpty():
			l.results[i] = sdk.FindResult{Status: sdk.CannotTell, Reason: f.Name + " is empty"}
			return false, nil
		case isID(field) || field.Type.Kind == record.KindInteger:
			// No record can have it, so there is nothing to ask.
			l.results[i] = sdk.FindResult{Status: sdk.AbsentEverywhere, Scopes: []string{l.scope()}}
			return false, nil
		default:
			l.results[i] = sdk.FindResult{Status: sdk.CannotTell, Reason: f.Name + " holds characters, or more of them, than can be asked for"}
			return false, nil
		}
	}
	return true, nil
}

// askAll looks up the keys with these positions.
func (l *lookup) askAll(ctx context.Context, ask []int) error {
	if len(ask) == 1 && l.byID(ask[0]) {
		return l.askByID(ctx, ask[0])
	}
	var group, scan []int
	length := 0
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		again, err := l.askGroup(ctx, group)
		scan = append(scan, again...)
		group, length = nil, 0
		return err
	}
	for _, i := range ask {
		if l.c.knows(l.unfilterable(i)) {
			scan = append(scan, i)
			continue
		}
		n := len(url.QueryEscape(l.filter(i))) + len("%20or%20")
		if len(group) == keysPerCall || length+n > filterBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		group, length = append(group, i), length+n
	}
	if err := flush(); err != nil {
		return err
	}
	return l.askByReading(ctx, scan)
}

// byID tells a key that is the record's own address.
func (l *lookup) byID(i int) bool {
	return len(l.keys[i].Fields) == 1 && l.keys[i].Fields[0].Name == l.o.Key
}

func (l *lookup) askByID(ctx context.Context, i int) error {
	raw, err := l.c.one(ctx, l.o, strings.ToLower(l.keys[i].Fields[0].Value.AsText()), time.Time{})
	if err != nil {
		return l.cannotTell([]int{i}, err)
	}
	l.results[i] = sdk.FindResult{Status: sdk.AbsentEverywhere, Scopes: []string{l.scope()}}
	if raw == nil {
		return nil
	}
	r, err := l.o.row(raw)
	if err != nil {
		return unreadable(l.o.path+" by id", err)
	}
	if !l.match(i, r) {
		return unreadable(l.o.path+" by id", errors.New("another record came"))
	}
	rows := []row{r}
	if err := l.c.fillRates(ctx, l.o, rows); err != nil {
		return err
	}
	l.take(i, rows[0])
	return nil
}

// filter is the condition of one key.
func (l *lookup) filter(i int) string {
	parts := make([]string, 0, len(l.keys[i].Fields))
	for _, f := range l.keys[i].Fields {
		field, _ := l.o.schema.Field(f.Name)
		lit, _ := literal(field, f.Value) // checked in prepare
		if list, member, nested := strings.Cut(f.Name, "."); nested {
			parts = append(parts, list+"/any(x: x/"+member+" eq "+lit+")") // OData v4; whether a list can be filtered by is not documented [?]
			continue
		}
		parts = append(parts, f.Name+" eq "+lit)
	}
	s := strings.Join(parts, " and ")
	if len(parts) > 1 {
		s = "(" + s + ")"
	}
	return s
}

// unfilterable is what is learned when this key's fields cannot be filtered by.
func (l *lookup) unfilterable(i int) string {
	s := l.o.Name + " cannot be filtered by"
	for _, f := range l.keys[i].Fields {
		s += " " + f.Name
	}
	return s
}

// askGroup looks up several keys with one request, and answers which of them must be asked in another way.
func (l *lookup) askGroup(ctx context.Context, group []int) (again []int, err error) {
	parts := make([]string, 0, len(group))
	for _, i := range group {
		parts = append(parts, l.filter(i))
	}
	rows, obeyed, err := l.collect(ctx, url.Values{"$filter": {strings.Join(parts, " or ")}}, group)
	switch {
	case refusedQuery(err) && len(group) > 1:
		// One hostile key, or "or" itself, must not spoil the others.
		for _, i := range group {
			one, err := l.askGroup(ctx, []int{i})
			if err != nil {
				return nil, err
			}
			again = append(again, one...)
		}
		return again, nil
	case refusedQuery(err) || err == nil && !obeyed:
		if l.byID(group[0]) && len(group) == 1 {
			return nil, l.askByID(ctx, group[0])
		}
		if !obeyed || l.harmless(group) {
			for _, i := range group {
				l.c.learn(l.unfilterable(i))
			}
		}
		return group, nil
	case err != nil:
		return nil, l.cannotTell(group, err)
	}
	l.settle(group, rows, l.scope())
	return nil, nil
}

// harmless tells that a refusal is about the field and not about what was in the value.
func (l *lookup) harmless(group []int) bool {
	for _, i := range group {
		for _, f := range l.keys[i].Fields {
			for _, r := range f.Value.String() {
				if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.@", r) {
					return false
				}
			}
		}
	}
	return true
}

// collect reads all pages of a filter. obeyed is false when a full page holds records that were not asked for; a few such
// records do no harm (the system compares letters more loosely), and a short list was then compared to its end.
func (l *lookup) collect(ctx context.Context, q url.Values, group []int) (rows []row, obeyed bool, err error) {
	limit := sdk.MaxFound * len(group)
	for number := 1; ; number++ {
		p, err := l.c.page(ctx, l.o, q, number)
		if err != nil {
			return nil, true, err
		}
		for _, r := range p.rows {
			switch {
			case slices.ContainsFunc(group, func(i int) bool { return l.match(i, r) }):
				rows = append(rows, r)
			case number < p.pages:
				return nil, false, nil
			}
		}
		if len(p.rows) == 0 || number >= p.pages || len(rows) >= limit {
			return rows, true, nil
		}
	}
}

// askByReading answers keys that cannot be filtered by: the list is read and compared.
func (l *lookup) askByReading(ctx context.Context, keys []int) error {
	if len(keys) == 0 {
		return nil
	}
	q, scope := url.Values{}, l.scope()
	if l.c.scanSince != 0 && l.o.created != "" {
		q.Set("$filter", l.o.created+" ge "+l.c.scanSince.String()+"T00:00:00Z")
		scope = l.o.path + " made since " + l.c.scanSince.String()
	}
	l.c.host.Progress(ctx, sdk.Progress{What: "comparing " + scope + ": eAccounting cannot filter by this field"})
	var rows []row
	lacking := map[int]string{} // by key: a field that the records here do not have
	keep := func(r row) bool {
		for _, i := range keys {
			for _, f := range l.keys[i].Fields {
				if list, _, _ := strings.Cut(f.Name, "."); r.rec.Get(list).IsAbsent() {
					lacking[i] = f.Name
				}
			}
			if l.match(i, r) {
				rows = append(rows, r)
				break
			}
		}
		return false
	}
	r := &reading{c: l.c, o: l.o, out: &emitter{schema: l.o.schema, size: 1}, seen: map[string]time.Time{}}
	err := r.numbered(ctx, q, keep)
	if refusedQuery(err) && len(q) > 0 {
		rows = nil
		err = r.numbered(ctx, url.Values{}, keep)
	}
	if err != nil {
		return l.cannotTell(keys, err)
	}
	l.settle(keys, rows, scope)
	for i, field := range lacking {
		if l.results[i].Status != sdk.Found {
			// Older builds do not know all fields [SW20]: the record may be there without it.
			l.results[i] = sdk.FindResult{Status: sdk.CannotTell, Reason: "this eAccounting does not show " + field}
		}
	}
	return nil
}

// settle gives each key its records.
func (l *lookup) settle(keys []int, rows []row, scope string) {
	for _, i := range keys {
		l.results[i] = sdk.FindResult{Status: sdk.AbsentEverywhere, Scopes: []string{scope}}
		taken := map[string]bool{}
		for _, r := range rows {
			if !taken[r.id] && l.match(i, r) {
				taken[r.id] = true
				l.take(i, r)
			}
		}
	}
}

func (l *lookup) take(i int, r row) {
	res := &l.results[i]
	res.Status = sdk.Found
	if len(res.Records) < sdk.MaxFound {
		res.Records = append(res.Records, r.rec)
	}
}

func (l *lookup) match(i int, r row) bool {
	for _, f := range l.keys[i].Fields {
		field, _ := l.o.schema.Field(f.Name)
		if list, member, nested := strings.Cut(f.Name, "."); nested {
			if !slices.ContainsFunc(r.rec.Get(list).AsList(), func(e record.Value) bool {
				row, _ := e.AsRecord()
				return matches(field, row.Get(member), f.Value)
			}) {
				return false
			}
			continue
		}
		if !matches(field, r.rec.Get(f.Name), f.Value) {
			return false
		}
	}
	return true
}

// cannotTell answers keys with the reason why they could not be asked, where that is about the object; what concerns the
// whole connection fails the call.
func (l *lookup) cannotTell(keys []int, err error) error {
	e := sdk.AsError(err)
	if e.Cause != sdk.CauseRights && e.Cause != sdk.CauseRefused {
		return err
	}
	for _, i := range keys {
		l.results[i] = sdk.FindResult{Status: sdk.CannotTell, Reason: e.Error()}
	}
	return nil
}
