package flow

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// ParseExpression reads an expression. The error says what is wrong and where.
func ParseExpression(text string) (*Expression, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("the expression has more than %d characters", maxExpression)
	}
	p := &expressionParser{text: text, out: &Expression{text: text}}
	p.next()
	root, err := p.ternary(0)
	if err == nil && p.token != "" {
		err = p.unexpected()
	}
	if err != nil {
		return nil, fmt.Errorf("the expression %q cannot be read: %w", clip(text), err)
	}
	p.out.root = root
	return p.out, nil
}

// expressionParser reads an expression by recursive descent.
type expressionParser struct {
	text  string
	at    int    // behind the token
	token string // "" at the end
	bad   error  // a token that cannot be read
	out   *Expression
}

var operators = []string{"==", "!=", "<=", ">=", "??", "<", ">", "+", "-", "*", "/", "?", ":", "(", ")", ","}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// next reads a token: an operator, a number, a text in quotes, or a path.
func (p *expressionParser) next() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	p.token = ""
	if p.at == len(p.text) {
		return
	}
	rest := p.text[p.at:]
	take := func(n int) { p.token, p.at = rest[:n], p.at+n }
	c := rest[0]
	switch {
	case c == '\'' || c == '"':
		end := strings.IndexByte(rest[1:], c)
		if end < 0 {
			p.bad = fmt.Errorf("a text that begins at character %d does not end", p.at+1)
			take(len(rest))
			return
		}
		take(end + 2)
	case isWord(c) || c == '@':
		n := 1
		for n < len(rest) && (isWord(rest[n]) || rest[n] == '.' || rest[n] == '@') {
			n++
		}
		take(n)
	default:
		for _, op := range operators {
			if strings.HasPrefix(rest, op) {
				take(len(op))
				return
			}
		}
		_, n := utf8.DecodeRuneInString(rest)
		take(n)
	}
}

func (p *expressionParser) unexpected() error {
	switch {
	case p.bad != nil:
		return p.bad
	case p.token == "":
		return fmt.Errorf("it ends too early")
	}
	return fmt.Errorf("%q does not belong at character %d", clip(p.token), p.at-len(p.token)+1)
}

func (p *expressionParser) accept(token string) bool {
	if p.token != token || p.bad != nil {
		return false
	}
	p.next()
	return true
}

func (p *expressionParser) ternary(depth int) (expr, error) {
	if depth > maxExpressionDepth {
		return nil, fmt.Errorf("it is nested too deeply")
	}
	when, err := p.binary(depth, 0)
	if err != nil || !p.accept("?") {
		return when, err
	}
	a, err := p.ternary(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.accept(":") {
		return nil, p.unexpected()
	}
	b, err := p.ternary(depth + 1)
	return choice{when, a, b}, err
}

// ranks are the operators between two values, the loosest first.
var ranks = [][]string{{"??"}, {"or"}, {"and"}, {"==", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/"}}

func (p *expressionParser) binary(depth, rank int) (expr, error) {
	if rank == len(ranks) {
		return p.unary(depth)
	}
	a, err := p.binary(depth, rank+1)
	for err == nil && slices.Contains(ranks[rank], p.token) && p.bad == nil {
		op := p.token
		p.next()
		var b expr
		b, err = p.binary(depth, rank+1)
		a = operation{op, a, b}
	}
	return a, err
}

func (p *expressionParser) unary(depth int) (expr, error) {
	if depth > maxExpressionDepth {
		return nil, fmt.Errorf("it is nested too deeply")
	}
	for _, op := range []string{"-", "not"} {
		if p.accept(op) {
			a, err := p.unary(depth + 1)
			return negation{op == "not", a}, err
		}
	}
	return p.operand(depth)
}

func (p *expressionParser) operand(depth int) (expr, error) {
	t := p.token
	switch {
	case p.bad != nil || t == "":
		return nil, p.unexpected()
	case p.accept("("):
		e, err := p.ternary(depth + 1)
		if err == nil && !p.accept(")") {
			err = p.unexpected()
		}
		return e, err
	case t[0] == '\'' || t[0] == '"':
		p.next()
		return literal{record.Text(t[1 : len(t)-1])}, nil
	case t[0] >= '0' && t[0] <= '9':
		d, err := decimal.Parse(t)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", clip(t))
		}
		p.next()
		return literal{record.Decimal(d)}, nil
	case !isWord(t[0]) && t[0] != '@' || slices.Contains([]string{"and", "or", "not"}, t):
		return nil, p.unexpected()
	}
	p.next()
	switch t {
	case "true", "false":
		return literal{record.Bool(t == "true")}, nil
	case "null":
		return literal{record.Null()}, nil
	}
	if p.token == "(" && p.bad == nil {
		return p.call(t, depth)
	}
	if strings.HasSuffix(t, ".") || strings.Contains(t, "..") {
		return nil, fmt.Errorf("%q is no path", clip(t))
	}
	if !slices.Contains(p.out.paths, t) {
		p.out.paths = append(p.out.paths, t)
	}
	return pathExpr{t}, nil
}

func (p *expressionParser) call(name string, depth int) (expr, error) {
	b, ok := builtins[name]
	if !ok {
		hint := ""
		if near := Nearest(name, keys(builtins)); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return nil, fmt.Errorf("there is no function %s%s", clip(name), hint)
	}
	c := callExpr{name: name, builtin: b}
	p.next() // (
	for p.token != ")" || len(c.args) > 0 {
		a, err := p.ternary(depth + 1)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
		if !p.accept(",") {
			break
		}
	}
	if !p.accept(")") {
		return nil, p.unexpected()
	}
	if len(c.args) > len(b.takes) || len(c.args) < len(b.takes)-b.optional {
		return nil, fmt.Errorf("%s takes %d values, %d are given", name, len(b.takes), len(c.args))
	}
	return c, nil
}
