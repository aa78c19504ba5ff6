package activity

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pomost/pomost/sdk/connector"
)

// Scrubber takes known secrets out of raw exchanges, and what looks like a secret by its name. Safe for concurrent use.
type Scrubber struct {
	mu    sync.RWMutex
	words []string // the secrets as they may appear, in the order in which they came
}

// scrubbed stands where a secret was.
const scrubbed = "[secret]"

// Bounds of a scrubber: shorter words stand in ordinary texts, and a rotated token is of no use to anybody after some hundred others.
const (
	leastSecret = 6
	maxWords    = 1000
)

// Hide adds secrets.
func (s *Scrubber) Hide(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) < leastSecret {
			continue
		}
		quoted := string(mustJSON(secret))
		text := quoted[1 : len(quoted)-1]
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), text, strings.ReplaceAll(text, "/", `\/`), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if !slices.Contains(s.words, form) {
				s.words = append(s.words, form)
			}
		}
	}
	if len(s.words) > maxWords {
		s.words = slices.Delete(s.words, 0, len(s.words)-maxWords)
	}
}

// Names of secrets, wherever they stand: in a query or a form, in JSON, in a header that an error quotes.
var (
	inForm   = regexp.MustCompile(`(?i)\b((?:access_|refresh_|id_)?token|client_secret|client_assertion|password|api[_-]?key|code_verifier|authorization)=[^&\s"]+`)
	inJSON   = regexp.MustCompile(`(?i)("(?:(?:access_|refresh_|id_)?token|client_secret|client_assertion|password|api[_-]?key|code_verifier|authorization)"\s*:\s*)"(?:[^"\\]|\\.)*"?`)
	inHeader = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}`)
	// userInfo is a password in an address.
	userInfo = regexp.MustCompile(`(://)[^/\s"@]*@`)
)

// stems are parts of those names. Searching for one is a hundred times faster than the expressions, and few texts have any.
var stems = []string{"token", "secret", "assertion", "password", "api", "verifier", "authorization", "bearer", "basic"}

func named(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(stems, func(stem string) bool { return strings.Contains(text, stem) })
}

// Clean returns the exchange without secrets.
func (s *Scrubber) Clean(x connector.Exchange) connector.Exchange {
	x.URL, x.Error = s.text(x.URL), s.text(x.Error)
	x.Request, x.Response = []byte(s.text(string(x.Request))), []byte(s.text(string(x.Response)))
	return x
}

func (s *Scrubber) text(text string) string {
	if text == "" {
		return ""
	}
	s.mu.RLock()
	// The longest first: a secret that is part of another one must not leave the other's rest behind.
	words := slices.Clone(s.words)
	s.mu.RUnlock()
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	for _, w := range words {
		text = strings.ReplaceAll(text, w, scrubbed)
	}
	text = userInfo.ReplaceAllString(text, "${1}"+scrubbed+"@")
	if !named(text) {
		return text
	}
	text = inForm.ReplaceAllString(text, "${1}="+scrubbed)
	text = inJSON.ReplaceAllString(text, `${1}"`+scrubbed+`"`)
	return inHeader.ReplaceAllString(text, "${1} "+scrubbed)
}
