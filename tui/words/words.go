// Package words says the texts of the screens in the person's language. The English text is the key; a catalog holds what the other
// languages say, and in every language the forms that depend on a number.
package words

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/pomost/pomost/tui/ui"
)

//go:embed *.yaml
var catalogs embed.FS

// Languages are those that there are whole catalogs of.
var Languages = []string{"en", "pl", "nl"}

var load = sync.OnceValues(func() (*i18n.Bundle, error) {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	names, err := fs.Glob(catalogs, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the catalogs: %w", err)
	}
	for _, name := range names {
		if _, err := b.LoadMessageFileFS(catalogs, name); err != nil {
			return nil, fmt.Errorf("read the catalog %s: %w", name, err)
		}
	}
	return b, nil
})

// Catalog says texts in one language. Safe for concurrent use.
type Catalog struct {
	localizer *i18n.Localizer
	printer   *message.Printer // writes 1,204 or 1.204
	language  string
	said      sync.Map // text without a number → what is said
}

var _ ui.Words = (*Catalog)(nil)

// New returns the words of the first language that is known, of lists as "pl_PL.UTF-8" or "nl,en"; English where none is.
func New(languages ...string) (*Catalog, error) {
	b, err := load()
	if err != nil {
		return nil, err
	}
	c := &Catalog{language: Choose(languages...)}
	c.localizer = i18n.NewLocalizer(b, c.language)
	c.printer = message.NewPrinter(language.Make(c.language))
	return c, nil
}

// Choose returns the first known language of those named, each as LANG or --lang has it.
func Choose(languages ...string) string {
	for _, list := range languages {
		for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ':' }) {
			name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), ".")
			name, _, _ = strings.Cut(name, "@")
			name, _, _ = strings.Cut(strings.ReplaceAll(name, "-", "_"), "_")
			for _, l := range Languages {
				if name == l {
					return l
				}
			}
			if name == "c" || name == "posix" {
				return "en"
			}
		}
	}
	return "en"
}

// Language is the language that is spoken.
func (c *Catalog) Language() string { return c.language }

// T says a text. The first whole number among the arguments decides between singular and plural where the catalog has both.
func (c *Catalog) T(text string, args ...any) string {
	format := c.format(text, args)
	if len(args) == 0 {
		return format
	}
	return c.printer.Sprintf(format, args...)
}

func (c *Catalog) format(text string, args []any) string {
	if said, ok := c.said.Load(text); ok {
		return said.(string)
	}
	for _, a := range args {
		n, ok := a.(int)
		if !ok {
			continue
		}
		said, err := c.localizer.Localize(&i18n.LocalizeConfig{MessageID: text, PluralCount: n})
		if err == nil {
			return said
		}
		break
	}
	said, err := c.localizer.Localize(&i18n.LocalizeConfig{MessageID: text})
	var missing *i18n.MessageNotFoundErr
	switch {
	case errors.As(err, &missing) || said == "":
		said = text
	}
	c.said.Store(text, said)
	return said
}

// Knows tells whether the language has this text; English always has.
func (c *Catalog) Knows(text string) bool {
	if c.language == "en" {
		return true
	}
	_, tag, err := c.localizer.LocalizeWithTag(&i18n.LocalizeConfig{MessageID: text})
	return err == nil && tag.String() == c.language
}
