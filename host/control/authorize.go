package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/token"
	"github.com/pomost/pomost/sdk/connector"
)

// Bounds of consents that were begun and not ended.
const (
	consentLife = 30 * time.Minute
	maxConsents = 100
	maxAnswer   = 16 << 10
)

// DefaultRedirect is where a consent leads back to when the connection says nothing: a listener on this machine (RFC 8252, 7.3).
const DefaultRedirect = "http://127.0.0.1:44300/callback"

// consents are those that were begun, by their state. They live in memory only: a consent is a matter of minutes.
type consents struct {
	mu   sync.Mutex
	open map[string]consent
}

type consent struct {
	connection string
	begun      time.Time
	code       token.Code // without the code itself
}

func newConsents() *consents { return &consents{open: map[string]consent{}} }

func (c *consents) begin(state string, v consent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, old := range c.open {
		if v.begun.Sub(old.begun) > consentLife || len(c.open) >= maxConsents {
			delete(c.open, k)
		}
	}
	c.open[state] = v
}

func (c *consents) get(state string, now time.Time) (consent, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.open[state]
	return v, ok && now.Sub(v.begun) <= consentLife
}

func (c *consents) end(state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, state)
}

// secretText is a random text that nobody guesses.
func secretText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Authorize implements API. Nothing is kept of it but in memory.
func (s *Service) Authorize(ctx context.Context, req AuthorizeRequest) (AuthorizeResult, error) {
	var connectorName string
	var given map[string]string
	id, secret := req.ClientID, req.ClientSecret
	err := s.reading(ctx, func(st *home.State) error {
		c, _, err := configIn(ctx, st)
		if err != nil {
			return err
		}
		conf, ok := c.Connections[req.Connection]
		if !ok {
			return unknownConnection(req.Connection, sortedKeys(c.Connections))
		}
		connectorName, given = conf.Connector, conf.Settings
		secrets, err := st.Store.Secrets(ctx, req.Connection)
		if id == "" {
			id = secrets[token.ClientID]
		}
		if secret == "" {
			secret = secrets[token.ClientSecret]
		}
		return err
	})
	if err != nil {
		return AuthorizeResult{}, err
	}
	res := AuthorizeResult{State: secretText(), RedirectURL: req.RedirectURL}
	verifier := secretText()
	sum := sha256.Sum256([]byte(verifier))
	err = s.plugins(func(m Plugins) error {
		c, err := m.Connector(ctx, connectorName)
		if err != nil {
			return err
		}
		d := c.Describe()
		s.known.keep(d)
		if d.OAuth == nil {
			return usage("%s needs no consent", "check it with `pomost connection check "+req.Connection+"`", d.Title)
		}
		if missing := missingOf(id, secret); missing != "" { // before the person goes there, not after
			remedy := "put client_id and client_secret into its secrets and run `pomost apply`"
			if d.OAuth.Registration != "" {
				remedy += ". " + d.OAuth.Registration
			}
			return usage("it has no "+missing+" yet", remedy)
		}
		settings := withDefaults(d, given)
		if res.RedirectURL == "" {
			res.RedirectURL = settings["redirect_url"]
		}
		if res.RedirectURL == "" {
			res.RedirectURL = DefaultRedirect
		}
		answer, err := c.Authorize(ctx, connector.AuthorizeRequest{Settings: settings, ClientID: id, RedirectURL: res.RedirectURL, State: res.State,
			Challenge: base64.RawURLEncoding.EncodeToString(sum[:])})
		res.URL = answer.URL
		return err
	})
	if err != nil {
		return AuthorizeResult{}, at(req.Connection, err)
	}
	s.consents.begin(res.State, consent{connection: req.Connection, begun: s.opts.Clock.Now(),
		code: token.Code{Verifier: verifier, RedirectURL: res.RedirectURL, ClientID: req.ClientID, ClientSecret: req.ClientSecret}})
	return res, nil
}

// missingOf names the first of the client's credentials that is not there.
func missingOf(id, secret string) string {
	switch {
	case id == "":
		return token.ClientID
	case secret == "":
		return token.ClientSecret
	}
	return ""
}

func unknownConnection(name string, names []string) error {
	if len(names) == 0 {
		return usage("there is no connection %s", "apply a file that has it", name)
	}
	return unknownWord("connection", name, names)
}

// Consent implements API: it trades what the system's page answered, and keeps the tokens. A wrong answer leaves the consent open, so that
// the right one can still be given.
func (s *Service) Consent(ctx context.Context, req ConsentRequest) (ConsentResult, error) {
	open, ok := s.consents.get(req.State, s.opts.Clock.Now())
	if !ok || open.connection != req.Connection {
		return ConsentResult{}, notConsented(req.Connection, "no consent of it was begun, or too long ago", "begin again with `pomost connection authorize "+req.Connection+"`")
	}
	code, err := codeOf(req)
	if err != nil {
		return ConsentResult{}, err
	}
	open.code.Code = code
	err = s.within(ctx, func(_ *home.State, w *workshop) error { return w.tokens.Consent(ctx, req.Connection, open.code) })
	if err != nil {
		return ConsentResult{}, at(req.Connection, err)
	}
	s.consents.end(req.State)
	s.known.refuse(req.Connection, nil)
	s.refresh()
	s.changed()
	return ConsentResult{Connection: req.Connection, Message: "connection " + req.Connection + " is authorised"}, nil
}

func notConsented(connection, message, remedy string) error {
	return &Failure{Connection: connection, Cause: string(connector.CauseCredentials), Message: message, Remedy: remedy, exit: ExitUnreachable}
}

// codeOf reads the code out of what a person pasted: the whole address that the page led back to, its part behind the question mark, or
// the code alone. What was pasted is quoted in no message: it is as good as a password.
func codeOf(req ConsentRequest) (string, error) {
	text := strings.TrimSpace(req.Answer)
	if len(text) > maxAnswer || strings.ContainsAny(text, "\n\r\t ") {
		return "", notConsented(req.Connection, "the answer is neither an address nor a code", "paste the whole address of the page that came last")
	}
	query := ""
	if _, after, ok := strings.Cut(text, "?"); ok {
		query, _, _ = strings.Cut(after, "#")
	} else if strings.Contains(text, "code=") || strings.Contains(text, "error=") {
		query = text
	}
	if query == "" {
		if text == "" || strings.Contains(text, "://") {
			return "", notConsented(req.Connection, "the address holds no code", "paste the address of the page that came after the consent, with all that stands behind its question mark")
		}
		return text, nil // PKCE ties it to the address that it was asked for with
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return "", notConsented(req.Connection, "the address cannot be read", "paste it whole, as the browser shows it")
	}
	switch {
	case (q.Get("state") != "" || strings.Contains(text, "://")) && subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(req.State)) != 1:
		return "", notConsented(req.Connection, "the answer belongs to another consent: its state is not the one that was sent", "use the address that was shown last")
	case q.Get("error") == "access_denied":
		return "", notConsented(req.Connection, "the consent was denied at the system's page", "open the address again and allow it, as a user who may")
	case q.Get("error") != "":
		said := q.Get("error")
		if more := q.Get("error_description"); more != "" {
			said += ": " + more
		}
		return "", notConsented(req.Connection, "the system's page ended with an error ("+clipped(said, 200)+")", "check client_id and redirect_url of the connection with what is registered at the system")
	case q.Get("code") == "":
		return "", notConsented(req.Connection, "the address holds no code", "paste the address of the page that came after the consent")
	}
	return q.Get("code"), nil
}

// clipped is a text on one line, cut.
func clipped(text string, most int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}
