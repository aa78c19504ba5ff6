package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// wire speaks to a sandbox over HTTP, as a client does.
type wire struct {
	t     *testing.T
	run   *kit.Running
	c     *company // to look at between calls only
	token string
}

// open starts a sandbox and gets a token; prepare, if not nil, sees its company before anybody calls.
func open(t *testing.T, opts kit.Options, prepare func(*company)) *wire {
	t.Helper()
	w := &wire{t: t}
	sys := System()
	sys.New = func(env kit.Env) (kit.Company, error) {
		made, err := newCompany(env)
		if err != nil {
			return nil, err
		}
		w.c = made.(*company)
		if prepare != nil {
			prepare(w.c)
		}
		return made, nil
	}
	run, err := kit.Start(t.Context(), sys, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	w.run = run
	status, answer := w.trade(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {run.Info.RefreshToken},
		"client_id": {run.Info.ClientID}, "client_secret": {run.Info.ClientSecret}}, nil)
	if w.token, _ = answer["access_token"].(string); status != http.StatusOK || w.token == "" {
		t.Fatalf("token: %d %v", status, answer)
	}
	return w
}

// trade posts a form to the token address.
func (w *wire) trade(form url.Values, header http.Header) (int, map[string]any) {
	w.t.Helper()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body := w.send("POST", w.run.Info.TokenURL, form.Encode(), header)
	var answer map[string]any
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		w.t.Fatalf("token answer %d %s: %v", status, body, err)
	}
	return status, answer
}

// send is one request, word by word.
func (w *wire) send(method, address, body string, header http.Header) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// do calls the API and wants the status.
func (w *wire) do(status int, method, path string, body any) obj {
	w.t.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		text = string(b)
	}
	got, answer := w.send(method, w.run.Info.BaseURL+path, text, http.Header{"Authorization": {"Bearer " + w.token}, "Content-Type": {"application/json"}})
	if got != status {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, answer)
	}
	m, _ := decodeObject([]byte(answer)) // none where the answer is empty
	return m
}
