package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// codeLife is how long an authorisation code can be traded.
const codeLife = time.Minute

// maxLive bounds the codes, access tokens and chains kept at a time. At the bound a new code or refresh token is not
// kept, so that it cannot be traded; of access tokens an old one goes.
const maxLive = 100_000

// authServer is the vendor's identity server: it consents at once, trades codes and rotates refresh tokens. Each consent
// has a chain of its own; chains live beside each other.
type authServer struct {
	sys       System
	now       func() time.Time
	redirects []string

	mu           sync.Mutex
	clientID     string
	clientSecret string
	codes        map[string]*authCode
	access       map[string]accessToken
	// refresh holds the one usable refresh token of each chain; a used one is forgotten, so that using it again is
	// invalid_grant like any unknown token.
	refresh map[string]chain
}

type authCode struct {
	scopes    []string
	redirect  string
	challenge string
	expires   time.Time
}

type chain struct {
	ID     string   `json:"id"`
	Scopes []string `json:"scopes"`
	// Given is when its refresh token was given.
	Given time.Time `json:"given,omitzero"`
}

type accessToken struct {
	chain   chain
	expires time.Time
}

func newAuthServer(sys System, now func() time.Time, redirects []string) *authServer {
	return &authServer{
		sys: sys, now: now, redirects: redirects,
		clientID: "pomost-" + sys.Name, clientSecret: randomToken(24),
		codes: map[string]*authCode{}, access: map[string]accessToken{}, refresh: map[string]chain{},
	}
}

func randomToken(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// seed opens a new chain, as a consent would, and returns its refresh token.
func (a *authServer) seed(scopes []string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	token := randomToken(32)
	a.refresh[token] = chain{ID: randomToken(8), Scopes: slices.Clone(scopes), Given: a.now()}
	return token
}

// check finds the grant of a bearer token.
func (a *authServer) check(r *http.Request) (Grant, bool) {
	token, ok := bearer(r)
	if !ok {
		return Grant{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.access[token]
	if !ok || !a.now().Before(t.expires) {
		return Grant{}, false
	}
	return Grant{ClientID: a.clientID, Scopes: t.chain.Scopes}, true
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// expire makes the call's access token useless.
func (a *authServer) expire(r *http.Request) {
	token, _ := bearer(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.access, token)
}

// revoke makes the refresh token of the call's chain useless: the one in the form of a token call, else that of the
// chain to which the access token belongs.
func (a *authServer) revoke(r *http.Request, body []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("refresh_token") != "" {
		delete(a.refresh, form.Get("refresh_token"))
		return
	}
	token, _ := bearer(r)
	t, ok := a.access[token]
	if !ok {
		return
	}
	for k, c := range a.refresh {
		if c.ID == t.chain.ID {
			delete(a.refresh, k)
		}
	}
}

// giveBack ends the chain of a refresh token, or an access token, that its client has no more use for. A token that is not known is an answer
// like any other (RFC 7009, 2.2).
func (a *authServer) giveBack(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if err := r.ParseForm(); err != nil || r.PostForm.Get("token") == "" {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if !a.clientOK(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		oauthError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	token := r.PostForm.Get("token")
	delete(a.access, token)
	if c, ok := a.refresh[token]; ok {
		delete(a.refresh, token)
		for k, t := range a.access {
			if t.chain.ID == c.ID {
				delete(a.access, k)
			}
		}
	}
	w.WriteHeader(http.StatusOK)
}

// authorize is the consent page. A wrong client or address must not redirect (RFC 6749, 4.1.2.1); anything else wrong
// goes back to the caller's address as an error.
func (a *authServer) authorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "invalid_request: "+err.Error(), http.StatusBadRequest)
		return
	}
	q := r.Form
	if q.Get("client_id") != a.clientID {
		http.Error(w, "unauthorized_client: unknown client_id", http.StatusBadRequest)
		return
	}
	redirect := q.Get("redirect_uri")
	if !a.redirectAllowed(redirect) {
		http.Error(w, "invalid_request: redirect_uri is not registered for this client", http.StatusBadRequest)
		return
	}
	answer := url.Values{}
	if s := q.Get("state"); s != "" {
		answer.Set("state", s)
	}
	scopes := strings.Fields(q.Get("scope"))
	if len(scopes) == 0 {
		scopes = slices.Clone(a.sys.Scopes)
	}
	unknown := slices.IndexFunc(scopes, func(s string) bool {
		return len(a.sys.KnownScopes) > 0 && !slices.Contains(a.sys.KnownScopes, s)
	})
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	switch {
	case q.Get("response_type") == "token" && a.sys.Implicit && unknown < 0:
		target, _ := url.Parse(redirect) // parsed before by redirectAllowed
		target.Fragment = ""
		http.Redirect(w, r, target.String()+"#"+a.implicit(scopes, q.Get("state")).Encode(), http.StatusFound)
		return
	case q.Get("response_type") != "code":
		answer.Set("error", "unsupported_response_type")
	case unknown >= 0:
		answer.Set("error", "invalid_scope")
		answer.Set("error_description", "unknown scope "+scopes[unknown])
	case challenge != "" && method != "S256":
		answer.Set("error", "invalid_request")
		answer.Set("error_description", "code_challenge_method must be S256")
	default:
		answer.Set("code", a.newCode(&authCode{
			scopes: scopes, redirect: redirect, challenge: challenge, expires: a.now().Add(codeLife),
		}))
	}
	target, _ := url.Parse(redirect) // parsed before by redirectAllowed
	query := target.Query()
	for k, v := range answer {
		query[k] = v
	}
	target.RawQuery = query.Encode()
	w.Header().Set("Location", target.String())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}

// implicit is the answer of a consent that asks for an access token at once; such a chain has no refresh token.
func (a *authServer) implicit(scopes []string, state string) url.Values {
	t := a.issue(chain{ID: randomToken(8), Scopes: scopes})
	a.mu.Lock()
	delete(a.refresh, t.RefreshToken)
	a.mu.Unlock()
	out := url.Values{"access_token": {t.AccessToken}, "token_type": {t.TokenType}, "expires_in": {fmt.Sprint(t.ExpiresIn)}, "scope": {t.Scope}}
	if state != "" {
		out.Set("state", state)
	}
	return out
}

// redirectAllowed takes exactly the registered addresses where there are any, else every loopback address.
func (a *authServer) redirectAllowed(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Fragment != "" {
		return false
	}
	if len(a.redirects) > 0 {
		return slices.Contains(a.redirects, redirect)
	}
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (a *authServer) newCode(c *authCode) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for k, old := range a.codes {
		if !now.Before(old.expires) {
			delete(a.codes, k)
		}
	}
	// A code comes back in an address, so it must be decoded before it is traded: who forgets that does not get past this one.
	code := randomToken(24) + "+/="
	if len(a.codes) < maxLive {
		a.codes[code] = c
	}
	return code
}

// token trades a code or a refresh token (RFC 6749, 4.1.3 and 6).
func (a *authServer) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(ct), "application/x-www-form-urlencoded") {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if err := r.ParseForm(); err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if !a.clientOK(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		oauthError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	var c chain
	var problem string
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		c, problem = a.tradeCode(r.PostForm)
	case "refresh_token":
		c, problem = a.tradeRefresh(r.PostForm)
	default:
		problem = "unsupported_grant_type"
	}
	if problem != "" {
		oauthError(w, http.StatusBadRequest, problem)
		return
	}
	writeJSON(w, http.StatusOK, a.issue(c))
}

// clientOK takes the credentials from the body or from HTTP Basic, where both are form-encoded (RFC 6749, 2.3.1).
func (a *authServer) clientOK(r *http.Request) bool {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if u, p, ok := r.BasicAuth(); ok {
		id, secret = u, p
		if du, err := url.QueryUnescape(u); err == nil {
			id = du
		}
		if dp, err := url.QueryUnescape(p); err == nil {
			secret = dp
		}
	}
	return id == a.clientID && subtle.ConstantTimeCompare([]byte(secret), []byte(a.clientSecret)) == 1
}

func (a *authServer) tradeCode(form url.Values) (chain, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := form.Get("code")
	code, ok := a.codes[key]
	if !ok {
		return chain{}, "invalid_grant"
	}
	delete(a.codes, key) // single use, also when what follows is wrong
	if !a.now().Before(code.expires) || form.Get("redirect_uri") != code.redirect {
		return chain{}, "invalid_grant"
	}
	if code.challenge != "" {
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != code.challenge {
			return chain{}, "invalid_grant"
		}
	}
	return chain{ID: randomToken(8), Scopes: code.scopes}, ""
}

func (a *authServer) tradeRefresh(form url.Values) (chain, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.refresh[form.Get("refresh_token")]
	if !ok {
		return chain{}, "invalid_grant"
	}
	delete(a.refresh, form.Get("refresh_token"))
	if life := a.sys.RefreshLife; life > 0 && !c.Given.IsZero() && !a.now().Before(c.Given.Add(life)) {
		return chain{}, "invalid_grant"
	}
	return c, ""
}

// tokenAnswer has the fields that real clients read (samples/token-response-shape.json).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

func (a *authServer) issue(c chain) tokenAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for k, t := range a.access {
		if !now.Before(t.expires) || len(a.access) >= maxLive {
			delete(a.access, k)
		}
	}
	life := a.sys.TokenLife
	if life <= 0 {
		life = time.Hour
	}
	out := tokenAnswer{
		AccessToken: randomToken(32), ExpiresIn: int(life / time.Second), TokenType: "Bearer", Scope: strings.Join(c.Scopes, " "),
	}
	a.access[out.AccessToken] = accessToken{chain: c, expires: now.Add(life)}
	if a.sys.OfflineScope == "" || slices.Contains(c.Scopes, a.sys.OfflineScope) {
		out.RefreshToken = randomToken(32)
		c.Given = now
		if len(a.refresh) < maxLive {
			a.refresh[out.RefreshToken] = c
		}
	}
	return out
}

func oauthError(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(data)
}
