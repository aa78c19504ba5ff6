package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// connection is one company at Visma: a token is bound to one user and one company [DOC].
type connection struct {
	config
	http *sdk.HTTP
	host sdk.Host

	mu sync.Mutex
	// learned is what this account was found not to understand, so that it is not tried again: by object and subject.
	learned map[string]bool
	// turns let one update at a time read, merge and write an object's records: a PUT carries all fields, and two flows of one connection would
	// put back what the other has just written.
	turns map[string]chan struct{}
	rates rateBook
	// stockSeen is when a sign of the stock module was seen last; zero: never.
	stockSeen time.Time
}

func newConnection(c config, host sdk.Host) *connection {
	h := sdk.NewHTTP(host)
	h.Limiter = sdk.NewLimiter(ratePerMinute, time.Minute)
	h.RateLimited = rateLimited
	h.MaxBody = 64 << 20
	turns := map[string]chan struct{}{}
	for _, o := range objects {
		turns[o.Name] = make(chan struct{}, 1)
	}
	return &connection{config: c, http: h, host: host, learned: map[string]bool{}, turns: turns}
}

// turn waits until no other update of an object is under way; the caller gives the turn back.
func (c *connection) turn(ctx context.Context, o *object) (done func(), err error) {
	select {
	case c.turns[o.Name] <- struct{}{}:
		return func() { <-c.turns[o.Name] }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements sdk.Connection.
func (c *connection) Close() error {
	c.http.Close()
	return nil
}

// Discover implements sdk.Connection. The API has no custom fields and no description of itself per account, so the schema
// is that of the specification.
func (c *connection) Discover(_ context.Context, name string) (*record.Schema, error) {
	o, err := objectByName(name)
	if err != nil {
		return nil, err
	}
	return o.schema, nil
}

func (c *connection) knows(subject string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.learned[subject]
}

func (c *connection) learn(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.learned[subject] = true
}

// call sends one request and returns its answer with a status of 200 to 299; any other is an error. what names it for
// people.
func (c *connection) call(ctx context.Context, method, path string, query url.Values, body []byte, notAfter time.Time, what string) (*sdk.Response, error) {
	endpoint, _, _ := strings.Cut(path, "/")
	req := sdk.Request{
		Method: method, URL: c.base + "/" + path, Body: body, Endpoint: endpoint, Write: method != http.MethodGet, NotAfter: notAfter,
		Header: http.Header{"Accept": {"application/json"}},
	}
	if len(query) > 0 {
		req.URL += "?" + encodeQuery(query)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(ctx, req)
	if err != nil {
		return resp, err
	}
	switch {
	case resp.Status < 300:
		return resp, nil
	case req.Write && !provesRefusal(resp):
		return resp, &sdk.Error{Cause: sdk.CauseUnknownOutcome, Code: strconv.Itoa(resp.Status),
			Message: fmt.Sprintf("something in front of eAccounting answered %s with status %d; it may have been carried out", what, resp.Status),
			Remedy:  "none now: after the settle time it is looked up"}
	default:
		return resp, refusal(resp, what)
	}
}

// provesRefusal tells whether an answer shows that eAccounting itself refused a write: one with its error code, or a plain
// status of the 400s. HTML is a gateway's, and nobody knows what became of the request behind it.
func provesRefusal(resp *sdk.Response) bool {
	if _, ok := parseError(resp.Body); ok {
		return true
	}
	return resp.Status >= 400 && resp.Status != http.StatusRequestTimeout && !isHTML(resp)
}

// encodeQuery writes $page as it is documented; url.Values would write %24page, which a strict reader may not take.
func encodeQuery(q url.Values) string {
	return strings.ReplaceAll(strings.ReplaceAll(q.Encode(), "%24", "$"), "+", "%20")
}

// page is one answer to a list request.
type page struct {
	rows  []row
	total int // of all pages
	pages int
	// serverTime is the system's clock when it answered; zero when it does not say.
	serverTime time.Time
}

// row is one record as it came.
type row struct {
	id      string
	stamp   time.Time // of the last change; zero when it is null
	created time.Time
	rec     record.Record
}

// effective is the stamp, else the moment of creation.
func (r row) effective() time.Time {
	if r.stamp.IsZero() {
		return r.created
	}
	return r.stamp
}

type envelope struct {
	Meta *struct {
		TotalNumberOfPages   int
		TotalNumberOfResults int
		ServerTimeUtc        string
	}
	Data []json.RawMessage
}

// rawPage asks for one page of a list [OA26 envelope].
func (c *connection) rawPage(ctx context.Context, path string, query url.Values, number, size int) (envelope, error) {
	q := url.Values{}
	for k, v := range query {
		q[k] = v
	}
	q.Set("$page", strconv.Itoa(number))
	q.Set("$pagesize", strconv.Itoa(size))
	what := "the list of " + path
	resp, err := c.call(ctx, http.MethodGet, path, q, nil, time.Time{}, what)
	if err != nil {
		return envelope{}, err
	}
	var e envelope
	if err := json.Unmarshal(resp.Body, &e); err != nil || e.Meta == nil || e.Data == nil {
		return envelope{}, unreadable(what, err)
	}
	return e, nil
}

// unreadable is an answer to a read that is not what the API promises.
func unreadable(what string, err error) error {
	return &sdk.Error{Cause: sdk.CauseUnavailable, Message: "eAccounting's answer to " + what + " cannot be read", Retryable: true, Err: err,
		Remedy: "check the setting base_url; the next run tries again"}
}

// page asks for one page of an object.
func (c *connection) page(ctx context.Context, o *object, query url.Values, number int) (page, error) {
	e, err := c.rawPage(ctx, o.path, query, number, c.pageSize)
	if err != nil {
		return page{}, err
	}
	p := page{rows: make([]row, 0, len(e.Data)), total: e.Meta.TotalNumberOfResults, pages: e.Meta.TotalNumberOfPages}
	if t, ok := parseInstant(e.Meta.ServerTimeUtc); ok {
		p.serverTime = t
	}
	for _, raw := range e.Data {
		r, err := o.row(raw)
		if err != nil {
			return page{}, unreadable("the list of "+o.path, err)
		}
		p.rows = append(p.rows, r)
	}
	c.noteStock(o, p.rows)
	return p, c.fillRates(ctx, o, p.rows)
}

// row decodes one record; one without an Id is not one.
func (o *object) row(raw []byte) (row, error) {
	m, err := decodeObject(raw)
	if err != nil {
		return row{}, err
	}
	rec := fromJSON(o.schema, m)
	r := row{rec: rec, id: rec.Get(o.Key).AsText()}
	if r.id == "" {
		return row{}, fmt.Errorf("a record without %s", o.Key)
	}
	if o.stamp != "" {
		r.stamp, _ = rec.Get(o.stamp).AsInstant()
	}
	if o.created != "" {
		r.created, _ = rec.Get(o.created).AsInstant()
	}
	return r, nil
}

// one reads a record by its Id: raw as it came, nil when there is none.
func (c *connection) one(ctx context.Context, o *object, id string, notAfter time.Time) ([]byte, error) {
	what := o.path + " " + id
	resp, err := c.call(ctx, http.MethodGet, o.path+"/"+url.PathEscape(id), nil, nil, notAfter, what)
	if err != nil {
		e := sdk.AsError(err)
		if resp != nil && resp.Status == http.StatusNotFound && e.Code == "3000" {
			return nil, nil
		}
		return nil, err
	}
	if len(bytes.TrimSpace(resp.Body)) == 0 {
		return nil, unreadable(what, nil)
	}
	return resp.Body, nil
}

var _ sdk.Connection = (*connection)(nil)
