package control

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/home"
)

// draftFile keeps, in the home, the answers of a set-up that somebody left before its end. It is good for the revision that it was made on: what
// came into force since made it pointless.
const draftFile = "setup.json"

// maxDraft bounds that file.
const maxDraft = 256 << 10

type draft struct {
	Revision int64   `json:"revision"`
	Answers  Answers `json:"answers"`
}

// draft returns the answers of a set-up that was left; nil where there are none, or none that can be used.
func (s *Service) draft(revision int64) *Answers {
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return nil
	}
	f, err := os.Open(filepath.Join(h.Dir(), draftFile))
	if err != nil {
		return nil
	}
	defer f.Close()
	var d draft
	text, err := io.ReadAll(io.LimitReader(f, maxDraft))
	if err != nil || json.Unmarshal(text, &d) != nil || d.Revision != revision || len(d.Answers.Values) == 0 {
		return nil
	}
	return &d.Answers
}

// keepDraft keeps the answers so far, without secrets, and reports whether it could.
func (s *Service) keepDraft(a Answers, catalog CatalogResult, revision int64) bool {
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return false
	}
	kept := Answers{Values: map[string]Answer{}, Order: a.Order}
	for id, answer := range a.Values {
		if strings.HasPrefix(id, askConsent) {
			answer.Fields = nil // what was pasted
		}
		if system, ok := strings.CutPrefix(id, askConnection); ok {
			answer.Fields = maps.Clone(answer.Fields)
			maps.DeleteFunc(answer.Fields, func(key string, _ any) bool { return !catalog.open(system, key) })
		}
		kept.Values[id] = answer
	}
	text, err := json.Marshal(draft{revision, kept})
	if err != nil || len(text) > maxDraft {
		return false
	}
	return home.Replace(filepath.Join(h.Dir(), draftFile), text) == nil
}

// dropDraft removes the answers that are kept: something came into force. Those of a set-up that goes on are kept again with its next question.
func (s *Service) dropDraft() {
	if h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true}); err == nil {
		_ = os.Remove(filepath.Join(h.Dir(), draftFile)) // one that stays is of another revision, and is not used
	}
}

// open tells whether a field of a connection's form is known and no secret.
func (c CatalogResult) open(system, key string) bool {
	return key == "name" || slices.ContainsFunc(c.Connectors, func(k CatalogConnector) bool {
		return k.Name == system && slices.ContainsFunc(k.Settings, func(f Field) bool { return f.Key == key && !f.Secret })
	})
}
