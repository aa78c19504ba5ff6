package sandbox

import (
	"strings"
)

// parseExpression reads the free Filter. The server evaluates FoxPro there; clients show only conjunctions of these
// forms [C RB], and the sandbox takes no others, so that nobody comes to rely on more:
//
//	!EMPTY(dct_file.obj_code) AND dct_file.dbf_type=2
//	(transact.trn_date >= {^2015-01-01} AND transact.trn_date <= {^2015-12-31})
//	dct_fld.dbf_name='ART_LINE'
func (c *company) parseExpression(q *query, text string) ([]*condition, *fault) {
	if len(text) > 4000 {
		return nil, refuse("Filter: de uitdrukking is te lang.")
	}
	e := &expression{c: c, q: q, text: text}
	e.space()
	if e.done() {
		return nil, nil
	}
	conds, ok := e.conjunction(0)
	if e.space(); e.err == nil && (!ok || !e.done()) {
		e.err = refuse("Filter: de uitdrukking %s kan niet worden gelezen bij teken %d.", quote(text), e.at+1)
	}
	return conds, e.err
}

type expression struct {
	c    *company
	q    *query
	text string
	at   int
	err  *fault
}

func (e *expression) done() bool { return e.at >= len(e.text) }

func (e *expression) space() {
	for !e.done() && (e.text[e.at] == ' ' || e.text[e.at] == '\t') {
		e.at++
	}
}

// take consumes a token, without case, after any space.
func (e *expression) take(token string) bool {
	e.space()
	if len(e.text)-e.at >= len(token) && strings.EqualFold(e.text[e.at:e.at+len(token)], token) {
		e.at += len(token)
		return true
	}
	return false
}

func (e *expression) conjunction(depth int) (conds []*condition, ok bool) {
	for {
		if depth < 10 && e.take("(") {
			inner, ok := e.conjunction(depth + 1)
			if !ok || !e.take(")") {
				return nil, false
			}
			conds = append(conds, inner...)
		} else if cond, ok := e.term(); ok {
			conds = append(conds, cond)
		} else {
			return nil, false
		}
		if len(conds) > maxFilters {
			return nil, false
		}
		if before := e.at; !e.take("AND ") && !e.take("AND(") {
			e.at = before
			return conds, true
		} else if e.text[e.at-1] == '(' {
			e.at--
		}
	}
}

// term reads [!]EMPTY(column) or column operator literal.
func (e *expression) term() (*condition, bool) {
	not := e.take("!")
	if e.take("EMPTY(") {
		cond, ok := e.column()
		if !ok || !e.take(")") {
			return nil, false
		}
		if kind(cond.f.typ) != 'C' {
			e.err = refuse("Filter: EMPTY() past niet bij veld %s.", cond.f.name)
			return nil, false
		}
		if not {
			cond.op = opNotEqual
		}
		return e.with(cond, "")
	}
	if not {
		return nil, false
	}
	cond, ok := e.column()
	if !ok {
		return nil, false
	}
	switch {
	case e.take(">="):
		cond.op = opGreaterEqual
	case e.take("<="):
		cond.op = opLessEqual
	case e.take("="):
	default:
		return nil, false
	}
	e.space()
	literal, typ := e.literal()
	if typ == 0 || typ != kind(cond.f.typ) {
		return nil, false
	}
	return e.with(cond, literal)
}

func (e *expression) with(cond *condition, value string) (*condition, bool) {
	e.err = e.c.setValues(cond, []string{value})
	return cond, e.err == nil
}

func (e *expression) column() (*condition, bool) {
	e.space()
	start := e.at
	for !e.done() && (isWord(e.text[e.at]) || e.text[e.at] == '.') {
		e.at++
	}
	if start == e.at {
		return nil, false
	}
	cond := &condition{}
	cond.f, cond.inLine, e.err = e.q.resolve(e.text[start:e.at])
	return cond, e.err == nil
}

func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_'
}

// literal reads a date {^…}, a quoted string or a number; typ is its kind, 0 for none.
func (e *expression) literal() (text string, typ byte) {
	rest := e.text[e.at:]
	switch {
	case strings.HasPrefix(rest, "{^"):
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return "", 0
		}
		e.at += end + 1
		return rest[:end+1], 'T'
	case closingQuote(rest) != 0:
		end := strings.IndexByte(rest[1:], closingQuote(rest))
		if end < 0 {
			return "", 0
		}
		e.at += end + 2
		return rest[1 : 1+end], 'C'
	}
	n := 0
	for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.' || n == 0 && rest[n] == '-') {
		n++
	}
	if n == 0 {
		return "", 0
	}
	e.at += n
	return rest[:n], 'N'
}
