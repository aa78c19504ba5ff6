package spec

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/pomost/pomost/sdk/sandbox"
)

// Judge collects what contradicts the specification. Its methods may be called at once.
type Judge struct {
	// Played is the generation that the sandbox plays: its answers are judged by it. Requests are judged by 2026, whatever is played: a
	// caller cannot know which one it meets, and the elder ignores what it does not know.
	Played Generation
	// Caller tells the requests that are judged; nil: all. Answers are judged in any case.
	Caller func(*http.Request) bool

	mu       sync.Mutex
	findings map[string]int
	requests int
	answers  int
}

// Findings are the contradictions so far, each once, sorted.
func (j *Judge) Findings() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for f, n := range j.findings {
		if n > 1 {
			f += fmt.Sprintf(" (%d times)", n)
		}
		out = append(out, f)
	}
	sort.Strings(out)
	return out
}

// Judged counts the requests and the answers that were judged.
func (j *Judge) Judged() (requests, answers int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.requests, j.answers
}

func (j *Judge) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.findings == nil {
		j.findings = map[string]int{}
	}
	j.findings[fmt.Sprintf(format, args...)]++
}

// Watch puts the judge before the companies of a sandbox.
func (j *Judge) Watch(sys sandbox.System) sandbox.System {
	inner := sys.New
	sys.New = func(env sandbox.Env) (sandbox.Company, error) {
		c, err := inner(env)
		if err != nil {
			return nil, err
		}
		w := &watched{Company: c, judge: j}
		if l, ok := c.(sandbox.Lively); ok {
			return lively{w, l}, nil
		}
		return w, nil
	}
	return sys
}

type watched struct {
	sandbox.Company
	judge *Judge
}

type lively struct {
	*watched
	sandbox.Lively
}

// ServeHTTP lets the company answer and judges both sides.
func (w *watched) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body) // it is complete and in memory
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	rec := &copied{ResponseWriter: out}
	w.Company.ServeHTTP(rec, r)
	if w.judge.Caller == nil || w.judge.Caller(r) {
		w.judge.Request(r.Method, r.URL.Path, r.URL.RawQuery, body)
	}
	w.judge.Answer(r.Method, r.URL.Path, r.URL.RawQuery, rec.status, rec.body.Bytes())
}

type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (c *copied) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *copied) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// Request judges one request; path is relative to the base address.
func (j *Judge) Request(method, path, query string, body []byte) {
	j.mu.Lock()
	j.requests++
	j.mu.Unlock()
	t := Of(G2026)
	c, ok := t.Find(method, path)
	if !ok {
		if c, ok = Of(G2020).Find(method, path); !ok {
			j.note("request %s %s: the specification has no such call", method, generic(path))
			return
		}
		t = Of(G2020)
	}
	report := func(at, format string, args ...any) {
		j.note("request %s %s: %s %s", c.Method, c.Path, generic(at), fmt.Sprintf(format, args...))
	}
	t.query(c, query, report)
	switch empty := len(bytes.TrimSpace(body)) == 0; {
	case empty && c.Body == "OrderConversionApi": // the call of 2020 has no body [SW20]
	case empty && c.Body != "":
		report("body", "is missing (%s)", c.Body)
	case !empty && c.Body == "":
		report("body", "was sent to a call that takes none")
	case !empty:
		v, err := decode(body)
		if err != nil {
			report("body", "is no JSON: %v", err)
			return
		}
		w := way{t: t, sent: true, report: report}
		if strings.HasSuffix(c.Body, "[]") {
			w.value(Field{Type: c.Body, Places: -1}, v, "body")
			return
		}
		w.object(c.Body, v, "")
	}
}

// Answer judges one answer.
func (j *Judge) Answer(method, path, query string, status int, body []byte) {
	j.mu.Lock()
	j.answers++
	j.mu.Unlock()
	t := Of(j.Played)
	c, ok := t.Find(method, path)
	if !ok {
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			j.note("answer to %s %s: status %d, but the API of %s has no such call", method, generic(path), status, j.Played)
		}
		return
	}
	report := func(at, format string, args ...any) {
		j.note("answer to %s %s: %s %s", c.Method, c.Path, generic(at), fmt.Sprintf(format, args...))
	}
	if status >= 400 {
		t.refusal(status, body, report)
		return
	}
	if len(c.Statuses) > 0 && !slices.Contains(c.Statuses, status) {
		report("status", "is %d, the specification says %v", status, c.Statuses)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if method == http.MethodGet && c.Answer != "" {
			report("body", "is empty, the specification wants %s", c.Answer)
		}
		return // writes may answer nothing [SW20]
	}
	v, err := decode(body)
	if err != nil {
		report("body", "is no JSON: %v", err)
		return
	}
	w := way{t: t, partial: strings.Contains(query, "select="), report: report}
	switch {
	case c.IsList():
		t.envelope(v, strings.TrimSuffix(c.Answer, "[]"), w)
	case c.Answer != "":
		w.object(c.Answer, v, "")
	}
}

// envelope judges a list [OA26, SW20: all of it is required].
func (t *Tables) envelope(v any, schema string, w way) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 2 {
		w.report("body", "is %s, a list has Meta and Data", kindOf(v))
		return
	}
	meta := w
	meta.partial, meta.t = false, Of(G2026) // PaginationMetadata of 2020 has the same members
	meta.object("CommonPaginationMetadata", m["Meta"], "Meta")
	rows, ok := m["Data"].([]any)
	if !ok {
		w.report("Data", "is %s, the specification wants a list", kindOf(m["Data"]))
		return
	}
	for i, r := range rows {
		w.object(schema, r, fmt.Sprintf("Data[%d]", i))
	}
}

// refusal judges an error body: CommonExtendedBadRequest [OA26]; older builds had only the first three members.
func (t *Tables) refusal(status int, body []byte, report func(at, format string, args ...any)) {
	if len(bytes.TrimSpace(body)) == 0 && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		return // of the platform, not of the API
	}
	v, err := decode(body)
	if err != nil {
		report("error body", "is no JSON: %v", err)
		return
	}
	m, ok := v.(map[string]any)
	if _, code := m["ErrorCode"]; !ok || !code {
		report("error body", "has no ErrorCode")
		return
	}
	way{t: Of(G2026), partial: true, report: report}.object("CommonExtendedBadRequest", v, "error")
}

// generic makes one finding of those that differ in an id or a position only.
func generic(s string) string {
	s = anID.ReplaceAllString(s, "{id}")
	return position.ReplaceAllString(s, "[]")
}
