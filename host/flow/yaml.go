package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file. The parser recurses and compares keys with one another, so both size and depth are bounded before it sees
// anything.
const (
	maxFile   = 256 << 10
	maxDepth  = 100
	maxTokens = 40_000 // about 10,000 lines
)

// place is a position in a file.
type place struct{ line, column int }

type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeText
	nodeNumber
	nodeBool
	nodeList
	nodeMap
)

var nodeNames = [...]string{"empty", "text", "a number", "true or false", "a list", "a map"}

// node is a value of a file with its position. Scalars keep the text as it is written, so that no number loses a digit.
type node struct {
	place
	kind    nodeKind
	text    string
	list    []*node
	entries []entry
}

type entry struct {
	place
	key   string
	value *node
}

// get returns the value of a key, nil where there is none.
func (n *node) get(key string) *node {
	if n != nil && n.kind == nodeMap {
		for _, e := range n.entries {
			if e.key == key {
				return e.value
			}
		}
	}
	return nil
}

// plain is the node as JSON would have it: nil, string, bool, json.Number, []any or map[string]any. A number that JSON cannot
// write (0012) stays text.
func (n *node) plain() any {
	switch n.kind {
	case nodeText:
		return n.text
	case nodeNumber:
		if json.Valid([]byte(n.text)) {
			return json.Number(n.text)
		}
		return n.text
	case nodeBool:
		return n.text == "true"
	case nodeList:
		out := make([]any, len(n.list))
		for i, e := range n.list {
			out[i] = e.plain()
		}
		return out
	case nodeMap:
		out := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			out[e.key] = e.value.plain()
		}
		return out
	}
	return nil
}

// scalar reports whether the node is a text, a number or a truth value.
func (n *node) scalar() bool { return n.kind == nodeText || n.kind == nodeNumber || n.kind == nodeBool }

// decoder gathers what is wrong with one file.
type decoder struct {
	file string
	errs UsageErrors
	// unreadable: something stands in the file that has no meaning here, so that reading on would only add to the noise.
	unreadable bool
}

func (d *decoder) fail(at place, path, message, remedy string) {
	d.errs = append(d.errs, &UsageError{File: d.file, Line: at.line, Column: at.column, Path: path, Message: message, Remedy: remedy})
}

// tree reads a file of one YAML document. It returns nil after a failure.
func (d *decoder) tree(data []byte) (n *node) {
	if len(data) > maxFile {
		d.fail(place{}, "", fmt.Sprintf("the file has %d bytes, more than %d", len(data), maxFile), "split it, or leave out what is not needed")
		return nil
	}
	if !utf8.Valid(data) {
		d.fail(place{}, "", "the file is not UTF-8 text", "save it as UTF-8")
		return nil
	}
	defer func() {
		// The parser has been seen to panic on malformed input; that is the file's fault and not ours.
		if p := recover(); p != nil {
			d.fail(place{}, "", "the file is not valid YAML", "check its indentation and quotes")
			n = nil
		}
	}()
	text := strings.TrimPrefix(string(data), "\ufeff")
	tokens := lexer.Tokenize(text)
	if len(tokens) > maxTokens {
		d.fail(placeOf(tokens[maxTokens]), "", "the file is too long", "split it, or leave out what is not needed")
		return nil
	}
	if at, ok := tooDeep(tokens); ok {
		d.fail(at, "", "the file is nested too deeply", "simplify it")
		return nil
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		// Only the message, never the excerpt that the parser adds: it may show a secret.
		at, message := place{}, "not valid YAML"
		var ye yaml.Error
		if errors.As(err, &ye) {
			message += ": " + ye.GetMessage()
			at = placeOf(ye.GetToken())
		}
		d.fail(at, "", message, "check the indentation and the quotes there")
		return nil
	}
	var bodies []ast.Node
	for _, doc := range f.Docs {
		switch doc.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.DirectiveNode:
		default:
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		d.fail(place{1, 1}, "", "the file is empty", "begin with version: 1")
		return nil
	case 1:
		if n = d.node(bodies[0], ""); d.unreadable {
			return nil
		}
		return n
	}
	d.fail(placeOf(bodies[1].GetToken()), "", "the file has more than one document", "remove the line ---")
	return nil
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, max(t.Position.Column, 1)}
}

// tooDeep bounds the depth that the parser would recurse to: open brackets, and places on a line or at growing indentation
// where something nested can begin.
func tooDeep(tokens token.Tokens) (place, bool) {
	brackets := 0
	var columns []int
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		}
		if brackets == 0 {
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
		}
		if brackets > maxDepth || len(columns) > 3*maxDepth {
			return placeOf(t), true
		}
	}
	return place{}, false
}

// node copies the parser's node. Anchors, aliases, tags and merges are refused: a configuration says what it means.
func (d *decoder) node(a ast.Node, path string) *node {
	n := &node{place: placeOf(a.GetToken())}
	switch a := a.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.kind, n.text = nodeText, a.Value
	case *ast.LiteralNode:
		n.kind, n.text = nodeText, a.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		n.kind, n.text = nodeNumber, a.GetToken().Value
	case *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = nodeText, a.GetToken().Value
	case *ast.BoolNode:
		n.kind, n.text = nodeBool, "false"
		if a.Value {
			n.text = "true"
		}
	case *ast.SequenceNode:
		n.kind = nodeList
		for i, v := range a.Values {
			n.list = append(n.list, d.node(v, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.MappingNode:
		n.kind = nodeMap
		for _, v := range a.Values {
			d.entry(n, v, path)
		}
		if len(n.entries) > 0 {
			n.place = n.entries[0].place
		}
	case *ast.MappingValueNode:
		n.kind = nodeMap
		d.entry(n, a, path)
		n.place = placeOf(a.Key.GetToken())
	default:
		d.unreadable = true
		d.fail(n.place, path, "YAML's "+strings.ToLower(a.Type().YAMLName())+" is not supported here", "write the value out")
	}
	return n
}

func (d *decoder) entry(n *node, v *ast.MappingValueNode, path string) {
	at := placeOf(v.Key.GetToken())
	switch v.Key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	default:
		d.unreadable = true
		d.fail(at, path, "a key must be a plain word", "write key: value")
		return
	}
	key := v.Key.GetToken().Value
	full := join(path, clip(key))
	for _, e := range n.entries {
		if e.key == key {
			d.fail(at, full, fmt.Sprintf("stands twice, first in line %d", e.line), "remove one of them")
			return
		}
	}
	if v.Value == nil {
		n.entries = append(n.entries, entry{at, key, &node{place: at}})
		return
	}
	n.entries = append(n.entries, entry{at, key, d.node(v.Value, full)})
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// object checks that a node is a map whose keys are known.
func (d *decoder) object(n *node, path string, known ...string) bool {
	if n.kind != nodeMap {
		d.wrong(n, path, "a map")
		return false
	}
	for _, e := range n.entries {
		found := false
		for _, k := range known {
			found = found || k == e.key
		}
		if !found {
			d.fail(e.place, join(path, clip(e.key)), "unknown key "+clip(e.key), suggest(e.key, known))
		}
	}
	return true
}

// wrong reports a value of another type than the one wanted. It never shows the value: it may be a secret.
func (d *decoder) wrong(n *node, path, want string) {
	d.fail(n.place, path, "is "+nodeNames[n.kind]+", want "+want, "")
}

// word reads a text; numbers are taken as they are written.
func (d *decoder) word(n *node, path string) string {
	if n == nil {
		return ""
	}
	if n.kind != nodeText && n.kind != nodeNumber {
		d.wrong(n, path, "text")
		return ""
	}
	return n.text
}

// words reads a text or a list of texts.
func (d *decoder) words(n *node, path string) []string {
	if n == nil {
		return nil
	}
	if n.kind != nodeList {
		return []string{d.word(n, path)}
	}
	out := make([]string, 0, len(n.list))
	for i, e := range n.list {
		out = append(out, d.word(e, fmt.Sprintf("%s[%d]", path, i)))
	}
	return out
}

// flag reads a truth value, false where there is none.
func (d *decoder) flag(n *node, path string) bool {
	if n == nil {
		return false
	}
	if n.kind != nodeBool {
		d.wrong(n, path, "true or false")
	}
	return n.text == "true"
}

// texts reads a map of texts.
func (d *decoder) texts(n *node, path string) map[string]string {
	if n == nil {
		return nil
	}
	if n.kind != nodeMap {
		d.wrong(n, path, "a map of texts")
		return nil
	}
	out := make(map[string]string, len(n.entries))
	for _, e := range n.entries {
		if !e.value.scalar() {
			d.wrong(e.value, join(path, e.key), "text")
			continue
		}
		out[e.key] = e.value.text
	}
	return out
}
