package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// demoCount tells how to count one kind of record through a system's API, raw: nothing here goes through a connector, so that
// the demonstration proves something.
type demoCount struct {
	Name     string            `yaml:"name"`
	Title    string            `yaml:"title"`
	Of       string            `yaml:"of"`   // the sandbox
	Flow     string            `yaml:"flow"` // whose run says how many there should be
	Is       string            `yaml:"is"`   // the count of that run
	Path     string            `yaml:"path"`
	Query    map[string]string `yaml:"query"`
	Headers  map[string]string `yaml:"headers"`
	Page     string            `yaml:"page"` // the query's word for the page, from 1
	List     string            `yaml:"list"` // where the answer has its records
	Distinct string            `yaml:"distinct"`
}

// Bounds of counting.
const (
	countPages  = 1000
	countBody   = 32 << 20
	requestTime = 30 * time.Second
)

// count asks both systems what they hold and compares that with what the runs said. In a live demonstration something may have happened
// since the runs read: more than they read is no difference there, less is.
func (r *DemoResult) count(ctx context.Context, plan demoPlan, boxes map[string]*sandboxProcess, live bool) error {
	c := &rawClient{http: &http.Client{Timeout: requestTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		tokens: map[string]string{}}
	defer c.http.CloseIdleConnections()
	r.Agree = true
	for _, what := range plan.Counts {
		box := boxes[what.Of]
		if box == nil {
			return fmt.Errorf("the demonstration counts in %s, which it does not start", what.Of)
		}
		for key, value := range what.Headers {
			what.Headers[key] = fillDemo(value, boxes)
		}
		n, twice, err := c.count(ctx, what, box)
		if err != nil {
			return at(what.Of, err)
		}
		got := DemoCount{Connection: what.Of, System: plan.Sandboxes[what.Of].Title, Name: what.Name, Title: what.Title, Count: n, Twice: twice, Agree: twice == 0}
		for _, f := range r.Flows {
			if want, known := f.number(what.Is); known && f.Name == what.Flow {
				if live && what.Is == "read" && n > want {
					got.Since = n - want
				}
				got.Expected, got.Agree = &want, got.Agree && want+got.Since == n
			}
		}
		r.Agree = r.Agree && got.Agree
		r.Counts = append(r.Counts, got)
		if r.Sandboxes[what.Of] == nil {
			r.Sandboxes[what.Of] = map[string]int{}
		}
		r.Sandboxes[what.Of][what.Name] = n
	}
	return nil
}

// rawClient speaks to the sandboxes' APIs under a consent of its own.
type rawClient struct {
	http   *http.Client
	tokens map[string]string // by base address
}

// count reads all pages and returns how many records there are, and how many of them share what none may share.
func (c *rawClient) count(ctx context.Context, what demoCount, box *sandboxProcess) (n, twice int, err error) {
	token, err := c.token(ctx, box.info)
	if err != nil {
		return 0, 0, err
	}
	seen := map[string]bool{}
	for page := 1; page <= countPages; page++ {
		q := url.Values{what.Page: {strconv.Itoa(page)}}
		for k, v := range what.Query {
			q.Set(k, v)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, box.info["base_url"]+what.Path+"?"+q.Encode(), nil)
		if err != nil {
			return 0, 0, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		for k, v := range what.Headers {
			req.Header.Set(k, v)
		}
		var answer map[string]json.RawMessage
		if err := c.do(req, http.StatusOK, &answer); err != nil {
			return 0, 0, err
		}
		text, ok := answer[what.List]
		if !ok {
			return 0, 0, fmt.Errorf("the answer to %s has no %s", what.Path, what.List)
		}
		var records []map[string]json.RawMessage
		if err := json.Unmarshal(text, &records); err != nil {
			return 0, 0, fmt.Errorf("the answer to %s: %w", what.Path, err)
		}
		if len(records) == 0 {
			return n, twice, nil
		}
		for _, rec := range records {
			n++
			if key := string(rec[what.Distinct]); key != "" {
				if seen[key] {
					twice++
				}
				seen[key] = true
			}
		}
	}
	return 0, 0, fmt.Errorf("%s has more than %d pages", what.Path, countPages)
}

// token consents and trades the code, once a sandbox.
func (c *rawClient) token(ctx context.Context, info map[string]string) (string, error) {
	if t := c.tokens[info["base_url"]]; t != "" {
		return t, nil
	}
	const back = "http://127.0.0.1/consent"
	q := url.Values{"response_type": {"code"}, "client_id": {info["client_id"]}, "redirect_uri": {back}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, info["authorize_url"]+"?"+q.Encode(), nil)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	target, err := resp.Location()
	if err != nil || target.Query().Get("code") == "" {
		return "", errors.New("the consent page gives no code")
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {target.Query().Get("code")}, "redirect_uri": {back},
		"client_id": {info["client_id"]}, "client_secret": {info["client_secret"]}}
	if req, err = http.NewRequestWithContext(ctx, http.MethodPost, info["token_url"], strings.NewReader(form.Encode())); err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := c.do(req, http.StatusOK, &answer); err != nil {
		return "", err
	}
	c.tokens[info["base_url"]] = answer.AccessToken
	return answer.AccessToken, nil
}

func (c *rawClient) do(req *http.Request, want int, into any) error {
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, countBody))
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s %s answers %s", req.Method, req.URL.Path, resp.Status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	return nil
}
