package connector

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// connection is an open connection to one company.
type connection struct {
	cfg  *config
	http *sdk.HTTP
	host sdk.Host
	now  func() time.Time
	// slots bounds the requests under way: each is relayed to the customer's own server.
	slots chan struct{}

	mu        sync.Mutex
	company   *company
	companyAt time.Time
	tables    map[string]*cached
	shapes    map[string]*shape
	files     []entryOfTable // the directory of tables, nil until it was read
	filesAt   time.Time
	noYear    map[string]time.Time     // months without an administration, and when that was learnt
	spans     []span                   // administrations whose periods were read
	anyWorks  map[string]bool          // by object: whether MatchAnyFilter was seen to work
	mailFolds *bool                    // nil until it was seen whether Equal minds the case of mail addresses
	lostPuts  map[string]record.Record // as they were before a change without an answer, while mergePut is not known
	mergePut  *bool                    // nil until a PUT was seen to keep (false) or empty (true) what it omits
}

const (
	concurrency = 4
	companyLife = 15 * time.Minute
	// yearLife bounds how long a missing administration is taken for missing: in January it is made at any moment.
	yearLife = 2 * time.Minute
)

func newConnection(cfg *config, host sdk.Host, now func() time.Time) *connection {
	h := sdk.NewHTTP(host)
	h.Timeout = cfg.timeout
	h.Answered = answered
	h.RateLimited = rateLimited
	if cfg.perMinute > 0 {
		h.Limiter = sdk.NewLimiter(cfg.perMinute, time.Minute)
	}
	return &connection{
		cfg: cfg, http: h, host: host, now: now, slots: make(chan struct{}, concurrency),
		tables: map[string]*cached{}, shapes: map[string]*shape{}, noYear: map[string]time.Time{}, anyWorks: map[string]bool{}, lostPuts: map[string]record.Record{},
	}
}

// rateLimited: no limit is documented (facts B4), so a 429 most likely is the gateway's, and short.
func rateLimited(resp *sdk.Response) (time.Duration, bool) {
	if resp.Status != http.StatusTooManyRequests {
		return 0, false
	}
	if n, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After"))); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, true
	}
	return 2 * time.Second, true
}

// Close implements sdk.Connection.
func (c *connection) Close() error {
	c.http.Close()
	return nil
}

// today is the date at the books.
func (c *connection) today() record.Date {
	return record.NewDate(c.now().In(c.cfg.zone).Date())
}

// request sends one request with the headers that clients send [C].
func (c *connection) request(ctx context.Context, req sdk.Request, companyID string) (*sdk.Response, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, &sdk.Error{Cause: sdk.CauseUnavailable, Message: "nothing was sent to AccountView", Err: ctx.Err(), Retryable: true, Remedy: "the next run tries again"}
	}
	req.Header = http.Header{"Accept": {"application/json"}}
	if companyID != "" {
		req.Header["X-Company"] = []string{companyID}
	}
	if req.Body != nil {
		req.Header["Content-Type"] = []string{"application/json; charset=utf-8"}
	}
	req.Endpoint = "accountview"
	return c.http.Do(ctx, req)
}

// get reads rows. Tables help to name the field that an error is about.
func (c *connection) get(ctx context.Context, q *query, tables ...*table) (*answer, error) {
	co, err := c.theCompany(ctx)
	if err != nil {
		return nil, err
	}
	endpoint := "/accountviewdata"
	if q.system {
		endpoint = "/accountviewsystemdata"
	}
	body, err := c.read(ctx, endpoint+"?"+q.encode(), co.ID, tables...)
	if err != nil || body == nil {
		return &answer{}, err
	}
	a, err := parseAnswer(body)
	if err != nil {
		return nil, unavailable("the answer of AccountView cannot be read", err)
	}
	if a.message != "" && len(a.tables) == 0 {
		return nil, unavailable("AccountView.net says: "+clip(a.message), nil)
	}
	return a, nil
}

func (c *connection) read(ctx context.Context, path, companyID string, tables ...*table) ([]byte, error) {
	resp, err := c.request(ctx, sdk.Request{Method: http.MethodGet, URL: c.cfg.base + path}, companyID)
	if err != nil {
		return nil, err
	}
	body, err := judgeRead(resp, tables...)
	if f := parseFailure(resp.Body); f != nil && companyWords.MatchString(f.ErrorMessage) {
		c.forgetCompany()
	}
	return body, err
}

// company is an entry of /companies.
type company struct{ ID, Code, Description string }

func (c *connection) forgetCompany() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.company = nil
}

// companies lists the companies of the user: a root array, without x-company [C GO, NG, PAS].
func (c *connection) companies(ctx context.Context) ([]company, error) {
	body, err := c.read(ctx, "/companies", "")
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, &sdk.Error{Cause: sdk.CauseUnavailable, Message: "AccountView.net has no list of companies at " + c.cfg.base, Retryable: true, Remedy: "check base_url"}
	}
	var list []company // members match without case: Id, Code, Description
	if err := decode(body, &list); err != nil {
		return nil, unavailable("the list of companies cannot be read", err)
	}
	return list, nil
}

// theCompany finds the company of the setting, by Code or Id; the answer is kept for a while.
func (c *connection) theCompany(ctx context.Context) (*company, error) {
	c.mu.Lock()
	known := c.company
	if known != nil && c.now().Sub(c.companyAt) > companyLife {
		known = nil
	}
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	list, err := c.companies(ctx)
	if err != nil {
		return nil, err
	}
	found, err := chooseCompany(list, c.cfg.company)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.company, c.companyAt = found, c.now()
	return found, nil
}

func chooseCompany(list []company, want string) (*company, error) {
	same := func(a string) bool {
		return strings.EqualFold(strings.Trim(strings.TrimSpace(a), "{}"), strings.Trim(strings.TrimSpace(want), "{}"))
	}
	var codes []string
	var hits []company
	for _, co := range list {
		if same(co.ID) {
			return &co, nil
		}
		if same(co.Code) {
			hits = append(hits, co)
		}
		codes = append(codes, strings.TrimSpace(co.Code)+" ("+strings.TrimSpace(co.Description)+")")
	}
	switch {
	case len(hits) == 1 && strings.TrimSpace(hits[0].ID) != "":
		return &hits[0], nil
	case len(hits) > 1:
		return nil, &sdk.Error{Cause: sdk.CauseRights, Field: "company", Message: fmt.Sprintf("the user has %d companies with the code %s", len(hits), quote(want)), Remedy: "set company to the Id of one of them"}
	case len(list) == 0:
		return nil, &sdk.Error{Cause: sdk.CauseRights, Field: "company", Message: "the user who gave consent has no company in AccountView.net", Remedy: "link the user to the company in AccountView.net"}
	}
	if len(codes) > 20 {
		codes = append(codes[:20], "…")
	}
	return nil, &sdk.Error{Cause: sdk.CauseRights, Field: "company", Message: fmt.Sprintf("the user who gave consent has no company %s", quote(want)),
		Remedy: "set company to one of: " + strings.Join(codes, ", ")}
}

// month keys what is known of years: administrations begin and end with a month.
func month(d record.Date) string { return d.String()[:7] }

func (c *connection) yearMissing(d record.Date) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.noYear[month(d)]
	return ok && c.now().Sub(at) < yearLife
}

func (c *connection) learnYear(d record.Date, missing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if missing {
		c.noYear[month(d)] = c.now()
	} else {
		delete(c.noYear, month(d))
	}
}

func noAdministration(d record.Date) *sdk.Error {
	return &sdk.Error{Cause: sdk.CauseNoAdministration, Message: fmt.Sprintf("AccountView has no administration for %s", d),
		Remedy: "create the administration of that year in AccountView, then retry"}
}
