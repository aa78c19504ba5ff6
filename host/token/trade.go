package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pomost/pomost/host/vault"
	"github.com/pomost/pomost/sdk/connector"
)

const (
	tradeTimeout = 30 * time.Second
	maxAnswer    = 64 << 10
	// unknownLife is taken for a token whose life the answer does not tell.
	unknownLife = 10 * time.Minute
	// maxLife bounds what an answer may claim.
	maxLife = 30 * 24 * time.Hour
)

// client is what a token request is made with.
type client struct {
	connection, url, style, id, secret string
	oauth                              *connector.OAuth
	why                                string // what is known about a refusal of its refresh token, as a part of a sentence
}

// answer is what a trade gave.
type answer struct {
	access  string
	refresh string // "" when the old one goes on being good
	expiry  time.Time
	hosts   string // the far sides that it belongs to
}

// newClient follows no redirect: a token request goes to the configured address and nowhere else.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.IdleConnTimeout = 20 * time.Second
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// errGrant marks an answer that the refresh token is not good, so that another known one may be tried.
var errGrant = errors.New("invalid_grant")

// trade trades a refresh token.
func trade(ctx context.Context, hc *http.Client, c client, refresh string, now func() time.Time) (answer, error) {
	return request(ctx, hc, c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, refresh, now)
}

// request makes one token request; spent is the secret that it trades. Whatever ctx does, a request that was started is read to its end: its answer may hold the only good
// refresh token.
func request(ctx context.Context, hc *http.Client, c client, form url.Values, spent string, now func() time.Time) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tradeTimeout)
	defer cancel()
	if c.style != "header" {
		form.Set("client_id", c.id)
		form.Set("client_secret", c.secret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, c.unavailable("the address of its tokens cannot be used", nil)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "pomost")
	if c.style == "header" {
		req.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret)) // form-encoded first: RFC 6749, 2.3.1
	}
	start := now()
	resp, err := hc.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return answer{}, c.unavailable("its token service "+origin(c.url)+" does not answer", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, c.unavailable("the answer of its token service broke off", err)
	}
	if len(body) > maxAnswer {
		return answer{}, c.unavailable(fmt.Sprintf("the answer of its token service is larger than %d bytes", maxAnswer), nil)
	}
	return c.read(resp, body, spent, start)
}

// wire is the answer as RFC 6749, 5.1 and 5.2 give it; expires_in comes as number or text.
type wire struct {
	AccessToken  string          `json:"access_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"`
	Error        string          `json:"error"`
	Description  string          `json:"error_description"`
}

// read tells what an answer means. Nothing of its text is quoted but the error's code and its description without secrets.
func (c client) read(resp *http.Response, body []byte, refresh string, start time.Time) (answer, error) {
	var w wire
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	parsed := !strings.Contains(media, "html") && json.Unmarshal(body, &w) == nil
	status := resp.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		after, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		if err != nil || after < 0 {
			after = 10 * time.Second
		}
		return answer{}, &connector.Error{Cause: connector.CauseRateLimited, Retryable: true, After: min(after, time.Hour),
			Message: fmt.Sprintf("connection %s: its token service allows no more requests for now", c.connection), Remedy: "wait; the next run goes on by itself"}
	case status == http.StatusOK && parsed && w.AccessToken != "":
		return answer{access: w.AccessToken, refresh: w.RefreshToken, expiry: start.Add(life(w.ExpiresIn))}, nil
	case status >= 400 && status < 500 && parsed && w.Error != "":
		return answer{}, c.refusal(w, refresh)
	case status == http.StatusUnauthorized && len(body) == 0:
		return answer{}, c.refusal(wire{Error: "invalid_client"}, refresh)
	}
	return answer{}, c.unavailable(fmt.Sprintf("its token service %s does not answer as one (status %d)", origin(c.url), status), nil)
}

// life reads expires_in, a number or a text of one, in whole seconds.
func life(expires json.RawMessage) time.Duration {
	text, _, _ := strings.Cut(strings.Trim(string(expires), `"`), ".")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 {
		return unknownLife
	}
	return time.Duration(min(seconds, int64(maxLife/time.Second))) * time.Second
}

// refusal gives an OAuth error its meaning (RFC 6749, 5.2).
func (c client) refusal(w wire, refresh string) error {
	code := w.Error
	if !plain(code) {
		code = "an error of its own"
	}
	said := ""
	if w.Description != "" {
		said = ": " + short(vault.Scrub(w.Description, refresh, c.secret, c.id), 200)
	}
	switch code {
	case "temporarily_unavailable", "server_error", "slow_down":
		return c.unavailable("its token service cannot answer now ("+code+")", nil)
	case "invalid_grant":
		return &connector.Error{Cause: connector.CauseCredentials, Code: code, Err: errGrant,
			Message: fmt.Sprintf("connection %s: the system no longer accepts the refresh token%s%s", c.connection, said, c.why), Remedy: newSeed(c.connection)}
	case "invalid_client", "unauthorized_client":
		return &connector.Error{Cause: connector.CauseCredentials, Code: code,
			Message: fmt.Sprintf("connection %s: the system refuses client_id and client_secret (%s)%s", c.connection, code, said),
			Remedy:  fmt.Sprintf("correct client_id and client_secret in the secrets of connection %s and run `pomost apply`", c.connection)}
	}
	return &connector.Error{Cause: connector.CauseCredentials, Code: code,
		Message: fmt.Sprintf("connection %s: the system gives no token (%s)%s", c.connection, code, said),
		Remedy:  fmt.Sprintf("check the secrets of connection %s and its token_url, then run `pomost apply`", c.connection)}
}

func newSeed(connection string) string {
	return fmt.Sprintf("consent again with `pomost connection authorize %s`, or put a new refresh_token into its secrets and run `pomost apply`", connection)
}

func (c client) unavailable(what string, err error) *connector.Error {
	return &connector.Error{Cause: connector.CauseUnavailable, Retryable: true, Err: err,
		Message: fmt.Sprintf("connection %s: %s", c.connection, what), Remedy: "check that the system is up and that base_url and token_url are right; the next run tries again"}
}

// plain tells whether a code is safe to print.
func plain(code string) bool {
	if len(code) > 50 {
		return false
	}
	return strings.IndexFunc(code, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) < 0
}

// short cuts a text and keeps it on one line.
func short(text string, most int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return text
}
