package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/sandbox"
)

// Host is a connector.Host for tests: it trades tokens with a sandbox and remembers what it was told.
type Host struct {
	t    *testing.T
	info sandbox.Info
	http *http.Client

	mu        sync.Mutex
	access    string
	refresh   string
	trades    int
	secrets   []string
	exchanges []connector.Exchange
	progress  []connector.Progress
}

// NewHost returns a host with the sandbox's first refresh token.
func NewHost(t *testing.T, info sandbox.Info) *Host {
	h := &Host{
		t: t, info: info, http: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second},
		refresh: info.RefreshToken, secrets: []string{info.RefreshToken, info.ClientSecret},
	}
	t.Cleanup(h.http.CloseIdleConnections)
	return h
}

// Token trades the refresh token where there is no access token yet or the present one was rejected.
func (h *Host) Token(ctx context.Context, rejected string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.access != "" && h.access != rejected {
		return h.access, nil
	}
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {h.refresh},
		"client_id": {h.info.ClientID}, "client_secret": {h.info.ClientSecret},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.info.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := h.http.Do(req)
	if err != nil {
		return "", &connector.Error{Cause: connector.CauseUnavailable, Message: "the token address does not answer", Retryable: true, Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", &connector.Error{Cause: connector.CauseUnavailable, Message: "the token address does not answer", Retryable: true, Err: err}
	}
	if resp.StatusCode >= 500 { // the token address may lie behind the same gateway as the API
		return "", &connector.Error{
			Cause: connector.CauseUnavailable, Message: fmt.Sprintf("the token address answers with status %d", resp.StatusCode), Retryable: true,
			Remedy: "try again later",
		}
	}
	if resp.StatusCode != http.StatusOK {
		return "", &connector.Error{
			Cause: connector.CauseCredentials, Message: fmt.Sprintf("the system refuses the credentials (status %d)", resp.StatusCode),
			Remedy: "authorise the connection again",
		}
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Access == "" {
		return "", &connector.Error{Cause: connector.CauseUnavailable, Message: "the token address answers with something else", Retryable: true, Err: err}
	}
	h.access, h.trades = answer.Access, h.trades+1
	if answer.Refresh != "" {
		h.refresh = answer.Refresh
	}
	h.secrets = append(h.secrets, answer.Access, answer.Refresh)
	return h.access, nil
}

// Exchange remembers x.
func (h *Host) Exchange(_ context.Context, x connector.Exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.exchanges = append(h.exchanges, x)
}

// Progress remembers p.
func (h *Host) Progress(_ context.Context, p connector.Progress) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = append(h.progress, p)
}

// Exchanges are those reported so far.
func (h *Host) Exchanges() []connector.Exchange {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.exchanges)
}

// Reports are the progress reports so far.
func (h *Host) Reports() []connector.Progress {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.progress)
}

// Trades counts the refresh tokens traded.
func (h *Host) Trades() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trades
}

// Leaks names the first secret that stands in s, "" where none does.
func (h *Host) Leaks(s string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range h.secrets {
		if secret != "" && strings.Contains(s, secret) {
			return secret
		}
	}
	return ""
}

// Call makes a request past the connector, with the host's token: path is relative to the sandbox's base address. A status
// of 400 or more fails the test.
func (h *Host) Call(method, path string, header http.Header, body any) []byte {
	h.t.Helper()
	token, err := h.Token(h.t.Context(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		payload = strings.NewReader(string(data))
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.info.BaseURL+path, payload)
	if err != nil {
		h.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.http.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode >= 400 {
		h.t.Fatalf("%s %s: status %d: %s", method, path, resp.StatusCode, answer)
	}
	return answer
}

var _ connector.Host = (*Host)(nil)
