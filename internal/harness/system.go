package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// System is one running sandbox with a caller of its own, whose consent is not the connection's.
type System struct {
	*kit.Running
	// Token is the caller's access token.
	Token string

	sys    kit.System
	opts   kit.Options
	client *http.Client
	before []kit.Call // of the starts before this one
}

// Object is a JSON object; its numbers are json.Number.
type Object = map[string]any

// Refusal is an answer that is an error in the system's own form.
type Refusal struct {
	Status int
	Body   string
	Call   string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.Call, r.Status, r.Body) }

// Start starts a sandbox and gives its caller a token.
func Start(ctx context.Context, sys kit.System, opts kit.Options) (*System, error) {
	s := &System{sys: sys, opts: opts, client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return s, s.Start(ctx)
}

// Start brings a sandbox back that was closed: with its records and faults, at the same address.
func (s *System) Start(ctx context.Context) error {
	r, err := kit.Start(ctx, s.sys, s.opts)
	if err != nil {
		return err
	}
	if s.Running != nil {
		s.before = s.Log()
	}
	s.Running = r
	s.opts.Listen = s.Host()
	return s.Consent(ctx)
}

// Restart stops the sandbox and starts it with its records and another limit of calls a minute (kit.Options.Rate).
func (s *System) Restart(ctx context.Context, rate int) error {
	if err := s.Close(); err != nil {
		return err
	}
	s.opts.Rate = rate
	return s.Start(ctx)
}

// Host is the host and the port of the sandbox.
func (s *System) Host() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(s.Info.BaseURL, "http://"), "/")
	return host
}

// AddFault adds a fault to those there are; the counts of all start anew.
func (s *System) AddFault(f kit.Fault) error {
	s.opts.Faults = append(s.opts.Faults, f)
	return s.SetFaults(s.opts.Faults)
}

// ClearFaults ends all faults.
func (s *System) ClearFaults() error {
	s.opts.Faults = nil
	return s.SetFaults(nil)
}

// Close stops the sandbox; its state is in its state file then.
func (s *System) Close() error {
	s.client.CloseIdleConnections()
	return s.Running.Close()
}

// Consent gives the caller a new token; it walks the code flow of OAuth, as a person with a browser does.
func (s *System) Consent(ctx context.Context) error {
	back := "http://127.0.0.1:1/callback"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Info.AuthorizeURL+"?"+url.Values{"response_type": {"code"}, "client_id": {s.Info.ClientID},
		"redirect_uri": {back}, "state": {"x"}}.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return fmt.Errorf("%s: the consent ends with %s: %w", s.sys.Name, resp.Status, err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {back},
		"client_id": {s.Info.ClientID}, "client_secret": {s.Info.ClientSecret}}
	if req, err = http.NewRequestWithContext(ctx, http.MethodPost, s.Info.TokenURL, strings.NewReader(form.Encode())); err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, err = s.client.Do(req); err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return fmt.Errorf("%s gave no token: %s %w", s.sys.Name, resp.Status, err)
	}
	s.Token = answer.AccessToken
	return nil
}

// Call makes one call. An answer of status 400 or more, or one that AccountView's error body makes a refusal, is a *Refusal.
func (s *System) Call(ctx context.Context, method, path string, body any) (Object, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, s.Info.BaseURL+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-company", s.Info.Company)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	out := Object{}
	if len(bytes.TrimSpace(data)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		err = dec.Decode(&out)
	}
	if resp.StatusCode >= http.StatusBadRequest || out["ErrorMessage"] != nil {
		return out, &Refusal{Status: resp.StatusCode, Body: string(data), Call: method + " " + path}
	}
	return out, err
}

// All reads all pages of a list of eAccounting.
func (s *System) All(ctx context.Context, path string) ([]Object, error) {
	var out []Object
	for page := 1; ; page++ {
		answer, err := s.Call(ctx, http.MethodGet, fmt.Sprintf("%s?$pagesize=1000&$page=%d", path, page), nil)
		if err != nil {
			return nil, err
		}
		data, _ := answer["Data"].([]any)
		for _, d := range data {
			if o, ok := d.(Object); ok {
				out = append(out, o)
			}
		}
		meta, _ := answer["Meta"].(Object)
		n, err := strconv.Atoi(fmt.Sprint(meta["TotalNumberOfPages"]))
		if err != nil {
			return nil, fmt.Errorf("%s does not say how many pages it has: %w", path, err)
		}
		if page >= n {
			return out, nil
		}
	}
}

// Tables are the table of a business object of AccountView and that of its lines, "" where it has none.
func Tables(object string) (head, lines string) {
	switch object {
	case "AR1":
		return "CONTACT", ""
	case "ADDR":
		return "DEL_ADDR", ""
	case "AK1":
		return "ARTICLE", ""
	case "SO1":
		return "SO_HDR", "SO_LINE"
	}
	return object, ""
}

// Insert adds records to a business object of AccountView. bookDate chooses the administration, "" is today's.
func (s *System) Insert(ctx context.Context, object, bookDate string, rows ...Object) (Object, error) {
	return s.Call(ctx, http.MethodPost, "/accountviewdata", envelope(object, bookDate, rows, nil))
}

// InsertWithLines adds one record with its lines to a business object of AccountView.
func (s *System) InsertWithLines(ctx context.Context, object, bookDate string, head Object, lines ...Object) (Object, error) {
	return s.Call(ctx, http.MethodPost, "/accountviewdata", envelope(object, bookDate, []Object{head}, lines))
}

// Change changes the fields given of one record of AccountView.
func (s *System) Change(ctx context.Context, object, id, bookDate string, fields Object) (Object, error) {
	body := envelope(object, bookDate, []Object{fields}, nil)
	body["id"] = id
	return s.Call(ctx, http.MethodPut, "/accountviewdata", body)
}

// envelope is the body of a write; lines belong to the first of the rows.
func envelope(object, bookDate string, rows, lines []Object) Object {
	head, below := Tables(object)
	table, content := Object{}, Object{}
	table["Definition"], content["Data"] = section(head, rows, "")
	if len(lines) > 0 {
		def, data := section(below, lines, "1")
		table["DetailDefinitions"], content["DetailData"] = []any{def}, []any{data}
	}
	return Object{"BookDate": bookDate, "BusinessObject": object, "Table": table, "TableData": content}
}

// section is one table of an envelope; the rows share the fields of the first. header is the RowId that lines belong to.
func section(table string, rows []Object, header string) (def, data Object) {
	names := slices.Sorted(maps.Keys(rows[0]))
	fields := []any{Object{"Name": "RowId", "FieldType": "C"}}
	if header != "" {
		fields = append(fields, Object{"Name": "HeaderId", "FieldType": "C"})
	}
	for _, n := range names {
		fields = append(fields, Object{"Name": n})
	}
	var out []any
	for i, r := range rows {
		values := []any{strconv.Itoa(i + 1)}
		if header != "" {
			values = append(values, header)
		}
		for _, n := range names {
			values = append(values, r[n])
		}
		out = append(out, Object{"Values": values})
	}
	return Object{"Name": table, "Fields": fields}, Object{"Rows": out}
}

// Log returns the calls of all starts, oldest first.
func (s *System) Log() []kit.Call { return append(slices.Clone(s.before), s.Running.Log()...) }

// Writes counts the calls that wrote, by method and object or path, since the call with that position in the log.
func (s *System) Writes(since int) map[string]int {
	out := map[string]int{}
	for _, c := range s.Calls(since) {
		if c.Method != http.MethodGet {
			out[c.Method+" "+Subject(c)]++
		}
	}
	return out
}

// Calls are the calls since the call with that position in the log, without those for tokens and consents.
func (s *System) Calls(since int) []kit.Call {
	return slices.DeleteFunc(s.Log()[since:], func(c kit.Call) bool {
		p, _, _ := strings.Cut(strings.ToLower(c.Path), "?")
		return p == strings.ToLower(s.sys.TokenPath) || p == strings.ToLower(s.sys.AuthorizePath)
	})
}

// Subject is what a call is about: the business object, else the resource.
func Subject(c kit.Call) string {
	if c.Object != "" {
		return c.Object
	}
	p, _, _ := strings.Cut(strings.ToLower(c.Path), "?")
	parts := strings.Split(strings.Trim(p, "/"), "/")
	if len(parts) > 1 && strings.HasPrefix(parts[0], "v") {
		return parts[1]
	}
	return parts[len(parts)-1]
}
