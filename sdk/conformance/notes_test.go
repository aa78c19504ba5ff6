package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// note is the one thing that the system of these tests keeps.
type note struct {
	ID      string
	Ref     string
	Title   string
	Amount  json.Number
	Changed time.Time
}

// notes is a system of one table, as small as it can be: GET /notes with since, ref, page; GET, PUT /notes/{id}; POST /notes.
type notes struct {
	all  []*note
	next int
	last time.Time
}

func notesSystem() sandbox.System {
	return sandbox.System{
		Name: "notes", BasePath: "/api", AuthorizePath: "/authorize", TokenPath: "/token", CompanyID: "c1", Scopes: []string{"all"},
		RateLimited: func(w http.ResponseWriter, _ *http.Request, _ time.Duration) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		New: func(sandbox.Env) (sandbox.Company, error) { return &notes{}, nil },
	}
}

func (n *notes) Snapshot() ([]byte, error) { return json.Marshal(n.all) }
func (n *notes) Restore(b []byte) error    { return json.Unmarshal(b, &n.all) }

func (n *notes) stamp() time.Time {
	t := time.Now().UTC().Truncate(time.Microsecond)
	if !t.After(n.last) {
		t = n.last.Add(time.Microsecond)
	}
	n.last = t
	return t
}

func (n *notes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/notes"), "/")
	i := slices.IndexFunc(n.all, func(x *note) bool { return x.ID == id })
	answer := func(v any) { json.NewEncoder(w).Encode(v) }
	switch {
	case r.URL.Path == "/colours":
		answer([]string{"red", "green", "blue"})
	case r.Method == "GET" && id == "":
		q := r.URL.Query()
		since, _ := time.Parse(time.RFC3339Nano, q.Get("since"))
		var found []*note
		for _, x := range n.all {
			// The filter takes beginnings, so a connector that trusts it finds too much.
			if x.Changed.After(since) && strings.HasPrefix(x.Ref, q.Get("ref")) {
				found = append(found, x)
			}
		}
		slices.SortFunc(found, func(a, b *note) int { return a.Changed.Compare(b.Changed) })
		if size, _ := strconv.Atoi(q.Get("size")); size > 0 && len(found) > size {
			found = found[:size]
		}
		answer(found)
	case r.Method == "GET" && i >= 0:
		answer(n.all[i])
	case r.Method == "POST" || r.Method == "PUT" && i >= 0:
		var x note
		if err := json.NewDecoder(r.Body).Decode(&x); err != nil || x.Title == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		x.Changed = n.stamp()
		if r.Method == "POST" {
			n.next++
			x.ID = fmt.Sprint("n", n.next)
			n.all = append(n.all, &x)
		} else {
			x.ID = id
			n.all[i] = &x
		}
		answer(x)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// noteConnector is a connector for it, right or broken in one way.
type noteConnector struct{ broken string }

var noteSchema = record.MustSchema("notes",
	record.Field{Name: "ID", Type: record.Scalar(record.KindText), ReadOnly: true},
	record.Field{Name: "Ref", Type: record.Scalar(record.KindText)},
	record.Field{Name: "Title", Type: record.Scalar(record.KindText), Required: true},
	record.Field{Name: "Amount", Type: record.Scalar(record.KindDecimal)},
	record.Field{Name: "Changed", Type: record.Scalar(record.KindInstant), ReadOnly: true},
)

var noteCount int

func (c noteConnector) Describe() connector.Description {
	d := connector.Description{
		Name: "notes", Title: "Notes", Version: "1", SettleTime: time.Second, Lists: []string{"colours"}, HostSettings: []string{"base_url"},
		Settings: []connector.Setting{
			{Key: "base_url", Label: "Address", Help: "h", Type: connector.SettingURL, Required: true},
			{Key: "settle_time", Label: "Settle time", Help: "h", Type: connector.SettingDuration, Default: "1s"},
			{Key: "page_size", Label: "Page", Help: "h", Type: connector.SettingInteger, Default: "100"},
		},
		Objects: []connector.Object{{
			Name: "notes", Title: "Notes", Key: "ID", Read: connector.ReadCursor, Find: []string{"ID", "Ref"}, Create: true, Update: true,
			Idempotence: connector.IdempotenceReference, Reference: "Ref", BatchWrite: 10,
		}},
	}
	if c.broken == "describe changes" {
		noteCount++
		d.Version = strconv.Itoa(noteCount)
	}
	return d
}

func (c noteConnector) Authorize(context.Context, connector.AuthorizeRequest) (connector.AuthorizeResponse, error) {
	return connector.AuthorizeResponse{}, nil
}

func (c noteConnector) Open(_ context.Context, s connector.Settings, host connector.Host) (connector.Connection, []connector.Problem) {
	problems := s.Validate(c.Describe().Settings)
	if c.broken == "one problem at a time" && len(problems) > 1 {
		problems = problems[:1]
	}
	if len(problems) > 0 {
		return nil, problems
	}
	size, _ := strconv.Atoi(s["page_size"]) // checked by Validate
	return &noteConnection{noteConnector: c, http: connector.NewHTTP(host), base: s["base_url"], size: size, host: host}, nil
}

type noteConnection struct {
	noteConnector
	http *connector.HTTP
	host connector.Host
	base string
	size int
}

func (c *noteConnection) Close() error { c.http.Close(); return nil }

func (c *noteConnection) do(ctx context.Context, method, path string, body any, notAfter time.Time, into any) error {
	req := connector.Request{Method: method, URL: c.base + path, Write: method != "GET", NotAfter: notAfter}
	if body != nil {
		req.Body, _ = json.Marshal(body)
	}
	if c.broken == "ignores not_after" {
		req.NotAfter = time.Time{}
	}
	resp, err := c.http.Do(ctx, req)
	if c.broken == "sends again" && err != nil && req.Write {
		resp, err = c.http.Do(ctx, req)
	}
	if err != nil {
		if e := connector.AsError(err); c.broken == "no remedy" {
			e.Remedy = ""
		}
		if c.broken == "tells the token" {
			token, _ := c.host.Token(ctx, "")
			return &connector.Error{Cause: connector.AsError(err).Cause, Message: "refused with " + token, Remedy: "r"}
		}
		return err
	}
	if resp.Status >= 300 {
		return &connector.Error{Cause: connector.CauseInvalidValue, Code: strconv.Itoa(resp.Status), Field: "Title", Message: "refused", Remedy: "correct it"}
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		cause := connector.CauseUnavailable
		if req.Write {
			cause = connector.CauseUnknownOutcome
		}
		return &connector.Error{Cause: cause, Message: "unreadable", Remedy: "r", Err: err}
	}
	return nil
}

func (c *noteConnection) Check(ctx context.Context) ([]connector.CheckResult, error) {
	var colours []string
	if err := c.do(ctx, "GET", "/colours", nil, time.Time{}, &colours); err != nil {
		if c.broken == "check passes always" {
			return []connector.CheckResult{{Name: "all", Title: "All", OK: true}}, nil
		}
		return nil, err
	}
	return []connector.CheckResult{{Name: "all", Title: "All", OK: true}}, nil
}

func unknownName(name, want string) error {
	if name != want {
		return &connector.Error{Cause: connector.CauseRefused, Message: "no " + name, Remedy: "use " + want}
	}
	return nil
}

func (c *noteConnection) Discover(_ context.Context, object string) (*record.Schema, error) {
	return noteSchema, unknownName(object, "notes")
}

func (c *noteConnection) List(ctx context.Context, list string) ([]connector.ListItem, error) {
	if err := unknownName(list, "colours"); err != nil {
		return nil, err
	}
	var colours []string
	if err := c.do(ctx, "GET", "/colours", nil, time.Time{}, &colours); err != nil {
		return nil, err
	}
	var out []connector.ListItem
	for _, x := range colours {
		out = append(out, connector.ListItem{ID: x, Name: x})
	}
	if noteCount++; c.broken == "list order" && noteCount%2 == 0 {
		slices.Reverse(out)
	}
	return out, nil
}

func toNote(x note) record.Record {
	r := record.New(noteSchema)
	r.MustSet("ID", record.Text(x.ID))
	r.MustSet("Ref", record.Text(x.Ref))
	r.MustSet("Title", record.Text(x.Title))
	if x.Amount != "" {
		r.MustSet("Amount", record.Decimal(decimal.MustParse(x.Amount.String())))
	}
	r.MustSet("Changed", record.Instant(x.Changed))
	return r
}

func (c *noteConnection) Read(ctx context.Context, req connector.ReadRequest, yield func(connector.Batch) error) error {
	if err := unknownName(req.Object, "notes"); err != nil {
		return err
	}
	since, _ := time.Parse(time.RFC3339Nano, string(req.Cursor))
	if c.broken == "no look-back" {
		req.LookBack = 0
	}
	since = since.Add(-req.LookBack)
	size := min(c.size, max(req.BatchSize, 0))
	if size == 0 {
		size = c.size
	}
	if c.broken == "ignores the batch size" {
		size = c.size
	}
	for {
		var page []note
		q := url.Values{"since": {since.Format(time.RFC3339Nano)}, "size": {strconv.Itoa(size)}}
		if err := c.do(ctx, "GET", "/notes?"+q.Encode(), nil, time.Time{}, &page); err != nil {
			if c.broken == "ends quietly" {
				return nil
			}
			return err
		}
		b := connector.Batch{Schema: noteSchema}
		for _, x := range page {
			b.Records = append(b.Records, toNote(x))
			since = x.Changed
		}
		if c.broken == "doubles" && len(b.Records) > 0 {
			b.Records[0] = b.Records[len(b.Records)-1]
		}
		if c.broken == "wrong order" {
			slices.Reverse(b.Records)
		}
		if b.Cursor = []byte(since.Format(time.RFC3339Nano)); c.broken == "no cursor" {
			b.Cursor = nil
		}
		if c.broken == "cursor of the end" {
			b.Cursor = []byte(time.Now().Format(time.RFC3339Nano))
		}
		if c.broken == "cursor ahead" {
			b.Cursor = []byte(time.Now().Add(time.Hour).Format(time.RFC3339Nano))
		}
		if err := yield(b); err != nil && c.broken != "does not stop" {
			return err
		}
		if len(page) < size || c.broken == "first page only" {
			return nil
		}
	}
}

func (c *noteConnection) Find(ctx context.Context, req connector.FindRequest) ([]connector.FindResult, error) {
	if err := unknownName(req.Object, "notes"); err != nil {
		return nil, err
	}
	var out []connector.FindResult
	for _, k := range req.Keys {
		field, v := k.Fields[0].Name, k.Fields[0].Value.AsText()
		if field != "ID" && field != "Ref" {
			return nil, unknownName(field, "Ref")
		}
		res := connector.FindResult{Status: connector.AbsentEverywhere, Scopes: []string{"all notes"}}
		var page []note
		path := "/notes?ref=" + url.QueryEscape(v)
		if field == "ID" {
			path = "/notes"
		}
		if c.broken == "does not escape" && field == "Ref" {
			path = "/notes?ref=" + strings.Map(func(r rune) rune {
				if r <= ' ' || r > '~' || r == '%' {
					return -1
				}
				return r
			}, v)
		}
		err := c.do(ctx, "GET", path, nil, time.Time{}, &page)
		if err != nil && c.broken != "absent when unsure" {
			if connector.AsError(err).Code == "" {
				return nil, err
			}
			res = connector.FindResult{Status: connector.CannotTell, Reason: "the system refuses the question"}
		}
		for _, x := range page {
			if field == "ID" && x.ID == v || field == "Ref" && (x.Ref == v || c.broken == "trusts the filter") {
				res.Status, res.Records = connector.Found, append(res.Records, toNote(x))
			}
		}
		if c.broken == "one match only" && len(res.Records) > 1 {
			res.Records = res.Records[:1]
		}
		out = append(out, res)
	}
	if c.broken == "mixes the answers" {
		slices.Reverse(out)
	}
	return out, nil
}

func (c *noteConnection) Write(ctx context.Context, req connector.WriteRequest, yield func(connector.WriteResult) error) error {
	if err := unknownName(req.Object, "notes"); err != nil {
		return err
	}
	for _, r := range req.Records {
		res := c.writeOne(ctx, req, r)
		if c.broken == "stops at a bad record" && res.Outcome == connector.OutcomeRefused {
			return res.Err
		}
		if c.broken == "unknown is refused" && res.Outcome == connector.OutcomeUnknown {
			res.Outcome = connector.OutcomeRefused
		}
		if c.broken == "unknown is created" && res.Outcome == connector.OutcomeUnknown {
			res.Outcome = connector.OutcomeCreated
		}
		if err := yield(res); err != nil && c.broken != "does not stop" {
			return err
		}
	}
	return nil
}

func (c *noteConnection) writeOne(ctx context.Context, req connector.WriteRequest, r record.Record) connector.WriteResult {
	refuse := func(err error) connector.WriteResult {
		e := connector.AsError(err)
		if e.Cause == connector.CauseUnknownOutcome {
			return connector.WriteResult{Err: e}
		}
		return connector.WriteResult{Outcome: connector.OutcomeRefused, Err: e}
	}
	var x note
	method, path, outcome := "POST", "/notes", connector.OutcomeCreated
	if req.Action == connector.Update {
		id := r.Get("ID").AsText()
		if id == "" {
			return refuse(&connector.Error{Cause: connector.CauseInvalidValue, Message: "no key", Remedy: "state it"})
		}
		method, path, outcome = "PUT", "/notes/"+url.PathEscape(id), connector.OutcomeUpdated
		if err := c.do(ctx, "GET", path, nil, req.NotAfter, &x); err != nil {
			return refuse(err)
		}
		if c.broken == "empties the rest" {
			x = note{Title: x.Title}
		}
	}
	set := func(name string, to *string) {
		if v := r.Get(name); !v.IsAbsent() {
			*to = v.String()
		}
	}
	set("Ref", &x.Ref)
	set("Title", &x.Title)
	set("Amount", (*string)(&x.Amount))
	if c.broken == "floats" && x.Amount != "" {
		f, _ := x.Amount.Float64()
		x.Amount = json.Number(strconv.FormatFloat(float64(float32(f)), 'g', -1, 64))
	}
	var made note
	if err := c.do(ctx, method, path, x, req.NotAfter, &made); err != nil {
		return refuse(err)
	}
	return connector.WriteResult{Outcome: outcome, Record: toNote(made)}
}
