package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/term"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
)

// maxAnswers bounds a file of answers.
const maxAnswers = 1 << 20

// readAnswers reads answers from a YAML or JSON file. Texts that refer to a secret (env:NAME, file:PATH) are resolved later, for the fields
// that are secret.
func readAnswers(file string) (control.Answers, error) {
	var out control.Answers
	wrong := func(why string) error {
		return usage("the answers in "+file+" cannot be read: "+why, "write {values: {QUESTION: {fields: {FIELD: value}}}}")
	}
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxAnswers {
		return out, wrong("the file is too large")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return out, wrong(err.Error())
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return out, wrong(yaml.FormatError(err, false, false))
	}
	if len(tree.Docs) != 1 {
		return out, wrong("one document is wanted")
	}
	value, err := plainNode(tree.Docs[0].Body, 0)
	if err != nil {
		return out, wrong(err.Error())
	}
	body, err := json.Marshal(value)
	if err != nil {
		return out, wrong(err.Error())
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return out, wrong(err.Error())
	}
	for id, a := range out.Values {
		for key, v := range a.Fields {
			if ref, ok := v.(string); ok && (strings.HasPrefix(ref, "env:") || strings.HasPrefix(ref, "file:")) {
				secret, err := flow.ResolveSecret(ref, filepath.Dir(file), os.LookupEnv, readBounded)
				if err != nil {
					return out, fmt.Errorf("the answer %s.%s in %s: %w", id, key, file, err)
				}
				a.Fields[key] = secret
			}
		}
	}
	return out, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxPaste))
}

// plainNode is what a node says; numbers stay as they are written, since an amount must not pass through a float.
func plainNode(n ast.Node, depth int) (any, error) {
	if depth > 20 {
		return nil, errors.New("it is nested too deep")
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return nil, nil
	case *ast.MappingNode:
		out := map[string]any{}
		for _, kv := range n.Values {
			key := kv.Key.GetToken().Value
			v, err := plainNode(kv.Value, depth+1)
			if err != nil {
				return nil, err
			}
			out[key] = v
		}
		return out, nil
	case *ast.SequenceNode:
		out := []any{}
		for _, e := range n.Values {
			v, err := plainNode(e, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, nil // fields take numbers as text
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	}
	return nil, fmt.Errorf("%s is not possible here", n.Type())
}

// propose answers a question with what is proposed, for nobody can be asked.
func (q *questions) propose(step control.Step) error {
	question := step.Question
	if question.Kind == control.QuestionConsent {
		return &control.Failure{Connection: question.Connection, Cause: "credentials", Message: "it has no consent yet, and nobody can be asked for it here",
			Remedy: q.app.hint("connection authorize " + quoteArg(question.Connection))}
	}
	if len(step.Problems) > 0 {
		var out flow.UsageErrors
		for _, p := range step.Problems {
			out = append(out, &flow.UsageError{Path: join(question.ID, p.Path), Message: p.Message, Remedy: p.Remedy})
		}
		return out
	}
	for _, c := range question.Checks {
		if !c.OK {
			q.say("! %s: %s", cell(c.Title), cell(c.Message))
		}
	}
	values := map[string]any{}
	for _, f := range question.Fields {
		if !f.Asked(flat(question.Fields, values)) {
			continue
		}
		if v := asIs(f); !blank(v) {
			values[f.Key] = v
		} else if f.Required {
			return usage("the question "+question.ID+" has no answer: its field "+f.Key+" is needed", "answer it in the file of answers: values: {"+question.ID+": {fields: {"+f.Key+": …}}}")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		q.say("%s.%s: as proposed", cell(question.ID), cell(key))
	}
	q.walk.Answer(values)
	return nil
}

func join(id, path string) string {
	if path == "" {
		return id
	}
	return id + "." + path
}

// errEnded says that the one who answers is gone.
var errEnded = usage("the answers ended here", "answer all questions, or give them with --answers FILE")

// lineReader reads lines one at a time, and only when one is wanted: what reads without showing must have the terminal for itself.
type lineReader struct {
	raw     io.Reader
	in      *bufio.Reader
	got     chan lineRead
	pending bool
	ended   bool
}

type lineRead struct {
	text string
	err  error
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{raw: r, in: bufio.NewReaderSize(r, maxPaste), got: make(chan lineRead, 1)}
}

// terminal is the terminal that lines are typed at, if one is.
func (r *lineReader) terminal() (int, bool) {
	f, ok := r.raw.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !r.pending && r.in.Buffered() > 0 {
		return 0, false
	}
	return int(f.Fd()), true
}

// reading tells that a line which nobody waits for any more is still being read.
func (r *lineReader) reading() bool { return r.pending }

// read reads a line until ctx ends; the read itself goes on then, and the next caller gets its line.
func (r *lineReader) read(ctx context.Context) (string, error) {
	if !r.pending {
		r.pending = true
		go func() {
			text, err := r.in.ReadSlice('\n')
			r.got <- lineRead{string(text), err}
		}()
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case l := <-r.got:
		r.pending = false
		switch {
		case errors.Is(l.err, bufio.ErrBufferFull):
			return "", usage("a line is longer than any answer can be", "look at what was pasted")
		case l.err != nil && l.text == "":
			r.ended = true
			return "", errEnded
		}
		return strings.TrimRight(l.text, "\r\n"), nil
	}
}

// pasted hands a line over each time there is a turn, until ctx ends: a line that follows the right answer belongs to the next question.
// A line that is no answer ends it by cancel, as does the end of the lines; word tells which. wait waits for its end.
func (r *lineReader) pasted(ctx context.Context, cancel context.CancelFunc, turns <-chan struct{}) (lines <-chan string, word *error, wait func()) {
	out, done := make(chan string), make(chan struct{})
	word = new(error)
	go func() {
		defer close(done)
		defer close(out)
		for {
			line, err := r.read(ctx)
			if err != nil {
				if r.ended { // nobody is left to answer what comes after the consent
					*word = errEnded
					cancel()
				}
				return
			}
			switch strings.TrimSpace(line) {
			case "":
				continue
			case "<":
				*word = errBack
			case "-":
				*word = errSkip
			}
			if *word != nil {
				cancel()
				return
			}
			select {
			case out <- line:
			case <-ctx.Done():
				return
			}
			select {
			case <-turns:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, word, func() { <-done }
}

// inTurn gives a turn after each answer that was wrong.
type inTurn struct {
	control.API
	turns chan struct{}
}

// Consent implements control.API.
func (t inTurn) Consent(ctx context.Context, req control.ConsentRequest) (control.ConsentResult, error) {
	r, err := t.API.Consent(ctx, req)
	if err != nil {
		select {
		case t.turns <- struct{}{}:
		default: // it came from the browser: the line before it still has its turn
		}
	}
	return r, err
}
