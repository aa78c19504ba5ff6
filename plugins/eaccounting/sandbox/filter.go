package sandbox

import (
	"math/big"
	"strings"
	"time"
)

// maxFilter bounds the length of a $filter, maxDepth its nesting.
const (
	maxFilter = 8000
	maxDepth  = 50
)

// predicate is a compiled $filter or a part of it.
type predicate func(r *record) bool

// operand is a value in a comparison: a property, a literal or tolower of one.
type operand struct {
	kind    kind // 0 for null
	literal bool
	// value reads it from the record; nil is null.
	value func(r *record) any
}

// parser reads the OData subset of facts section 3: eq ne gt ge lt le and or not, parentheses, contains startswith
// endswith tolower toupper, any over a list of rows, null, quoted strings, bare GUIDs, times, numbers and booleans.
type parser struct {
	tokens []token
	at     int
	depth  int
	schema *schema
	// variable is the name of the row inside any(…), "" outside.
	variable string
	exact    bool
	old      bool
}

// compileFilter makes a predicate for records of s. exactText compares text with case; the default is without, as the
// database below compares.
func compileFilter(s *schema, filter string, exactText, old bool) (predicate, error) {
	if len(filter) > maxFilter {
		return nil, badQuery("the query is longer than %d characters", maxFilter)
	}
	tokens, err := lexFilter(filter)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, schema: s, exact: exactText, old: old}
	out, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokEnd {
		return nil, p.syntax()
	}
	return out, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

func (p *parser) word(w string) bool {
	if t := p.peek(); t.kind == tokWord && t.text == w {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(k tokenKind) error {
	if p.peek().kind != k {
		return p.syntax()
	}
	p.at++
	return nil
}

func (p *parser) syntax() error {
	t := p.peek()
	if t.kind == tokEnd {
		return badQuery("syntax error: expression expected at position %d", t.pos)
	}
	return badQuery("syntax error at position %d: '%s'", t.pos, t.text)
}

func (p *parser) or() (predicate, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, badQuery("the query is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	if err != nil {
		return nil, err
	}
	for p.word("or") {
		right, err := p.and()
		if err != nil {
			return nil, err
		}
		a := left
		left = func(r *record) bool { return a(r) || right(r) }
	}
	return left, nil
}

func (p *parser) and() (predicate, error) {
	left, err := p.not()
	if err != nil {
		return nil, err
	}
	for p.word("and") {
		right, err := p.not()
		if err != nil {
			return nil, err
		}
		a := left
		left = func(r *record) bool { return a(r) && right(r) }
	}
	return left, nil
}

func (p *parser) not() (predicate, error) {
	negate := false
	for p.word("not") {
		negate = !negate
	}
	inner, err := p.primary()
	if err != nil || !negate {
		return inner, err
	}
	return func(r *record) bool { return !inner(r) }, nil
}

func (p *parser) primary() (predicate, error) {
	if p.peek().kind == tokOpen {
		p.at++
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(tokClose)
	}
	if t := p.peek(); t.kind == tokWord && p.tokens[p.at+1].kind == tokOpen {
		switch t.text {
		case "contains":
			return p.textFunction(strings.Contains)
		case "startswith":
			return p.textFunction(strings.HasPrefix)
		case "endswith":
			return p.textFunction(strings.HasSuffix)
		}
	}
	if list, ok := p.listProperty(); ok {
		return p.any(list)
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == tokWord && comparisons[t.text] != nil {
		p.at++
		right, err := p.operand()
		if err != nil {
			return nil, err
		}
		return p.compare(left, t.text, right)
	}
	if left.kind == kindBool {
		return func(r *record) bool { b, _ := left.value(r).(bool); return b }, nil
	}
	return nil, p.syntax()
}

func (p *parser) textFunction(test func(s, part string) bool) (predicate, error) {
	p.at += 2 // the name and the parenthesis
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.expect(tokComma); err != nil {
		return nil, err
	}
	b, err := p.operand()
	if err != nil {
		return nil, err
	}
	if a.kind != kindString || b.kind != kindString {
		return nil, badQuery("a text function needs text arguments")
	}
	fold := p.fold()
	return func(r *record) bool {
		s, ok1 := a.value(r).(string)
		part, ok2 := b.value(r).(string)
		return ok1 && ok2 && test(fold(s), fold(part))
	}, p.expect(tokClose)
}

func (p *parser) fold() func(string) string {
	if p.exact {
		return func(s string) string { return s }
	}
	return strings.ToLower
}

// listProperty recognises "Rows/any(" without moving; the property must be a list of records.
func (p *parser) listProperty() (int, bool) {
	t := p.tokens[p.at:]
	if p.variable != "" || len(t) < 4 || t[0].kind != tokWord || t[1].kind != tokSlash || t[2].kind != tokWord || t[2].text != "any" || t[3].kind != tokOpen {
		return 0, false
	}
	i, ok := p.schema.index[t[0].text]
	return i, ok && p.schema.fields[i].kind == kindObjects
}

// any is "Rows/any(x: condition on x/…)", or "Rows/any()" for "has rows".
func (p *parser) any(list int) (predicate, error) {
	p.at += 4
	rows := func(r *record) []*record { l, _ := r.vals[list].([]*record); return l }
	if p.peek().kind == tokClose {
		p.at++
		return func(r *record) bool { return len(rows(r)) > 0 }, nil
	}
	name := p.next()
	if name.kind != tokWord {
		p.at--
		return nil, p.syntax()
	}
	if err := p.expect(tokColon); err != nil {
		return nil, err
	}
	outer := p.schema
	p.schema, p.variable = outer.fields[list].of, name.text
	inner, err := p.or()
	p.schema, p.variable = outer, ""
	if err != nil {
		return nil, err
	}
	return func(r *record) bool {
		for _, row := range rows(r) {
			if inner(row) {
				return true
			}
		}
		return false
	}, p.expect(tokClose)
}

func (p *parser) operand() (operand, error) {
	t := p.next()
	switch t.kind {
	case tokString:
		return literal(kindString, t.text), nil
	case tokUUID:
		return literal(kindUUID, t.text), nil
	case tokTime:
		return literal(kindInstant, t.time), nil
	case tokNumber:
		n, ok := parseNum(t.text)
		if !ok {
			return operand{}, badQuery("'%s' is not a number", t.text)
		}
		return literal(kindDouble, n), nil
	case tokWord:
		switch t.text {
		case "true", "false":
			return literal(kindBool, t.text == "true"), nil
		case "null":
			return operand{literal: true, value: func(*record) any { return nil }}, nil
		case "tolower", "toupper":
			if p.peek().kind == tokOpen {
				return p.caseFunction(t.text)
			}
		}
		return p.property(t)
	}
	if t.kind != tokEnd {
		p.at--
	}
	return operand{}, p.syntax()
}

func literal(k kind, v any) operand {
	return operand{kind: k, literal: true, value: func(*record) any { return v }}
}

func (p *parser) caseFunction(name string) (operand, error) {
	p.at++
	if p.depth++; p.depth > maxDepth {
		return operand{}, badQuery("the query is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	inner, err := p.operand()
	if err != nil {
		return operand{}, err
	}
	if inner.kind != kindString {
		return operand{}, badQuery("%s needs a text argument", name)
	}
	change := strings.ToLower
	if name == "toupper" {
		change = strings.ToUpper
	}
	return operand{kind: kindString, value: func(r *record) any {
		if s, ok := inner.value(r).(string); ok {
			return change(s)
		}
		return nil
	}}, p.expect(tokClose)
}

// property reads "Name", "TermsOfPayment/Name" or, inside any, "x/Name".
func (p *parser) property(t token) (operand, error) {
	s := p.schema
	if p.variable != "" {
		if t.text != p.variable {
			return operand{}, badQuery("could not find a property named '%s' inside any(%s: …)", t.text, p.variable)
		}
		if err := p.expect(tokSlash); err != nil {
			return operand{}, err
		}
		t = p.next()
	}
	var path []int
	for {
		i, ok := s.index[t.text]
		if t.kind != tokWord || !ok || s.fields[i].hidden(p.old) {
			return operand{}, badQuery("could not find a property named '%s' on type '%s'", t.text, s.name)
		}
		path = append(path, i)
		f := &s.fields[i]
		if f.kind == kindObject && p.peek().kind == tokSlash {
			p.at++
			t, s = p.next(), f.of
			continue
		}
		if f.kind >= kindObject {
			return operand{}, badQuery("the property '%s' cannot be used in a filter", f.name)
		}
		return operand{kind: comparedAs(f.kind), value: reader1(path)}, nil
	}
}

// reader1 reads the value at the end of a path of fields.
func reader1(path []int) func(r *record) any {
	if len(path) == 1 {
		i := path[0]
		return func(r *record) any { return plain(r.vals[i]) }
	}
	return func(r *record) any {
		for _, i := range path[:len(path)-1] {
			next, ok := r.vals[i].(*record)
			if !ok {
				return nil
			}
			r = next
		}
		return plain(r.vals[path[len(path)-1]])
	}
}

// plain turns a number of the record into a *big.Rat, whatever its kind.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return new(big.Rat).SetInt64(v)
	case *num:
		return v.r
	default:
		return v
	}
}

// comparedAs folds the kinds that compare with each other.
func comparedAs(k kind) kind {
	switch k {
	case kindInt:
		return kindDouble
	case kindDate:
		return kindInstant
	default:
		return k
	}
}

var comparisons = map[string]func(order int) bool{
	"eq": func(o int) bool { return o == 0 }, "ne": func(o int) bool { return o != 0 },
	"gt": func(o int) bool { return o > 0 }, "ge": func(o int) bool { return o >= 0 },
	"lt": func(o int) bool { return o < 0 }, "le": func(o int) bool { return o <= 0 },
}

func (p *parser) compare(a operand, op string, b operand) (predicate, error) {
	if a.kind != 0 && b.kind != 0 && a.kind != b.kind {
		return nil, badQuery("a binary operator with incompatible types was detected for operator '%s'", op)
	}
	k := max(a.kind, b.kind)
	equality := op == "eq" || op == "ne"
	if k == kindBool && !equality {
		return nil, badQuery("operator '%s' cannot be used with true or false", op)
	}
	fold := p.fold()
	order := orderOf(k, fold)
	test := comparisons[op]
	return func(r *record) bool {
		x, y := a.value(r), b.value(r)
		if x == nil || y == nil {
			// null equals null only; every order with null is false.
			return equality && (x == nil && y == nil) == (op == "eq")
		}
		return test(order(x, y))
	}, nil
}

func orderOf(k kind, fold func(string) string) func(a, b any) int {
	switch k {
	case kindBool:
		return func(a, b any) int {
			if a == b {
				return 0
			}
			return 1
		}
	case kindDouble:
		return func(a, b any) int { return a.(*big.Rat).Cmp(b.(*big.Rat)) }
	case kindInstant:
		return func(a, b any) int { return a.(time.Time).Compare(b.(time.Time)) }
	case kindString:
		return func(a, b any) int { return strings.Compare(fold(a.(string)), fold(b.(string))) }
	default:
		return func(a, b any) int { return strings.Compare(a.(string), b.(string)) }
	}
}
