package vault

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// Mark stands where a secret stood.
const Mark = "•••"

// Secret is a text that prints as a mark everywhere: with fmt, in logs, in JSON and YAML. It holds a pointer because fmt does
// not ask unexported fields for their String, and would show a plain string in them. The zero Secret is the empty one.
type Secret struct{ text *string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String is the mark.
func (s Secret) String() string { return Mark }

// GoString is the mark.
func (s Secret) GoString() string { return Mark }

// Format writes the mark for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, Mark) }

// MarshalJSON is the mark.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(Mark) }

// MarshalText is the mark.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Mark), nil }

// LogValue is the mark.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Mark) }

// minScrub is the shortest secret that Scrub removes: shorter ones would tear any text apart and protect nothing.
const minScrub = 4

// Scrub replaces every secret in a text by a mark, also where it stands escaped for an address or JSON or in base64.
func Scrub(text string, secrets ...string) string {
	var forms []string
	for _, s := range secrets {
		if len(s) < minScrub {
			continue
		}
		forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s), jsonEscaped(s), base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	// The longest first, so that a secret that is part of another one leaves no remains of it.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	for _, f := range slices.Compact(forms) {
		text = strings.ReplaceAll(text, f, Mark)
	}
	return text
}

func jsonEscaped(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(b[1 : len(b)-1])
}
