package sandbox

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// operator of a filter. The names Equal, NotEqual, Contains and DateOnOrAfterDate and the numbers 42 and 43 are seen in
// clients [C PHP, RB, NG, GO]; the rest is assumed by facts B8.
type operator int

const (
	opEqual operator = iota
	opNotEqual
	opContains
	opAfter // on or after a date
	opBefore
	opGreater
	opGreaterEqual
	opLess
	opLessEqual
)

var operators = map[string]operator{
	"equal": opEqual, "notequal": opNotEqual, "contains": opContains,
	"dateonorafterdate": opAfter, "42": opAfter, "dateonorbeforedate": opBefore, "43": opBefore,
	"greaterthan": opGreater, "greaterthanorequal": opGreaterEqual, "lessthan": opLess, "lessthanorequal": opLessEqual,
}

// condition is one filter on one column.
type condition struct {
	f      *field
	inLine bool
	op     operator
	fold   bool
	prefix bool       // dialect equal_prefix: the value need only be the beginning
	never  bool       // dialect padded_filters: the value has not the width of its key
	values []string   // canonical, as columns store them; Contains keeps the spaces of what was asked
	nums   []*big.Rat // of a numeric column
	day    bool       // a date without a time
}

const (
	maxFilters    = 100
	maxListValues = 1000
)

// parseFilters reads FilterControlSourceN, FilterOperatorN, FilterValueTypeN, FilterValueN, FilterIsListOfValuesN.
func (c *company) parseFilters(q *query, p params) *fault {
	var numbers []int
	for name := range p {
		for _, part := range []string{"filtercontrolsource", "filteroperator", "filtervaluetype", "filterislistofvalues", "filtervalue"} {
			digits, ok := strings.CutPrefix(name, part)
			if !ok {
				continue
			}
			if n, err := strconv.Atoi(digits); err == nil && n > 0 && !slices.Contains(numbers, n) {
				numbers = append(numbers, n)
			}
			break
		}
	}
	if len(numbers) > maxFilters {
		return refuse("Er zijn te veel filters (%d, maximaal %d).", len(numbers), maxFilters)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if p.noFilter(strconv.Itoa(n)) {
			continue
		}
		cond, err := c.parseFilter(q, p, strconv.Itoa(n))
		if err != nil {
			return err
		}
		q.filters = append(q.filters, cond)
	}
	matchAny, ok := parseLogical(p["matchanyfilter"])
	if !ok {
		return refuse("MatchAnyFilter: %s is geen logische waarde.", quote(p["matchanyfilter"]))
	}
	q.any = matchAny && !c.dialect["no_match_any"]
	return nil
}

// noFilter says whether a numbered filter is none: clients send FilterIsListOfValuesN=false alone, or all of it empty [C GO].
func (p params) noFilter(n string) bool {
	for _, name := range []string{"filtercontrolsource", "filteroperator", "filtervaluetype", "filtervalue"} {
		if p[name+n] != "" {
			return false
		}
	}
	list, ok := parseLogical(p["filterislistofvalues"+n])
	return ok && !list
}

func (c *company) parseFilter(q *query, p params, n string) (*condition, *fault) {
	source := p["filtercontrolsource"+n]
	if strings.TrimSpace(source) == "" {
		return nil, refuse("FilterControlSource%s ontbreekt.", n)
	}
	f, inLine, err := q.resolve(source)
	if err != nil {
		return nil, err
	}
	cond := &condition{f: f, inLine: inLine}
	if name := strings.ToLower(strings.TrimSpace(p["filteroperator"+n])); name != "" {
		op, ok := operators[name]
		if !ok {
			return nil, refuse("FilterOperator%s: operator %s is onbekend.", n, quote(p["filteroperator"+n]))
		}
		cond.op = op
	}
	if typ := strings.ToUpper(strings.TrimSpace(p["filtervaluetype"+n])); typ != "" {
		if len(typ) != 1 || kind(typ[0]) == 0 {
			return nil, refuse("FilterValueType%s: type %s is onbekend.", n, quote(typ))
		}
		if kind(typ[0]) != kind(f.typ) {
			return nil, refuse("Filter %s: type %s past niet bij veld %s (%s).", n, typ, f.name, typeWords[kind(f.typ)])
		}
	}
	list, ok := parseLogical(p["filterislistofvalues"+n])
	if !ok {
		return nil, refuse("FilterIsListOfValues%s: %s is geen logische waarde.", n, quote(p["filterislistofvalues"+n]))
	}
	values := []string{p["filtervalue"+n]}
	if list {
		if cond.op != opEqual && cond.op != opNotEqual {
			return nil, refuse("Filter %s: een lijst van waarden kan alleen met Equal of NotEqual.", n)
		}
		if values, err = splitListOfValues(values[0]); err != nil {
			return nil, err
		}
	}
	return cond, c.setValues(cond, values)
}

// splitListOfValues reads FilterValue of a list. No client shows its form. The reading here: values separated by commas,
// as in FoxPro's INLIST; one may be in FoxPro quotes ('…', "…" or […]), and must be where it holds a comma.
func splitListOfValues(s string) ([]string, *fault) {
	var out []string
	for rest := s; ; {
		rest = strings.TrimLeft(rest, " ")
		var value string
		if closing := closingQuote(rest); closing != 0 {
			end := strings.IndexByte(rest[1:], closing)
			if end < 0 {
				return nil, refuse("De lijst van waarden %s heeft een aanhalingsteken te weinig.", quote(s))
			}
			value, rest = rest[1:1+end], strings.TrimLeft(rest[end+2:], " ")
			if rest != "" && rest[0] != ',' {
				return nil, refuse("De lijst van waarden %s kan niet worden gelezen.", quote(s))
			}
		} else if i := strings.IndexByte(rest, ','); i >= 0 {
			value, rest = rest[:i], rest[i:]
		} else {
			value, rest = rest, ""
		}
		if out = append(out, value); len(out) > maxListValues {
			return nil, refuse("De lijst van waarden is te lang (maximaal %d).", maxListValues)
		}
		if rest == "" {
			return out, nil
		}
		rest = rest[1:]
	}
}

// closingQuote returns the quote that ends the string which starts here, 0 where none starts.
func closingQuote(s string) byte {
	if s == "" {
		return 0
	}
	switch s[0] {
	case '\'', '"':
		return s[0]
	case '[':
		return ']'
	}
	return 0
}

// setValues turns the texts of a filter into what columns store.
func (c *company) setValues(cond *condition, values []string) *fault {
	f := cond.f
	cond.fold = f.upper || f.name == "MAIL_BUS" && !c.dialect["case_sensitive_mail"]
	switch {
	case cond.op == opContains && kind(f.typ) != 'C', (cond.op == opAfter || cond.op == opBefore) && kind(f.typ) != 'T',
		kind(f.typ) == 'L' && cond.op != opEqual && cond.op != opNotEqual:
		return refuse("De operator past niet bij veld %s (%s).", f.name, typeWords[kind(f.typ)])
	}
	for _, v := range values {
		switch kind(f.typ) {
		case 'C':
			if c.cp1252 {
				v = toCP1252(v)
			}
			if cond.op != opContains {
				cond.never = c.dialect["padded_filters"] && f.padded && utf8.RuneCountInString(v) < f.length
				cond.prefix = c.dialect["equal_prefix"] && cond.op == opEqual
				v = strings.TrimRight(v, " ")
			}
			if cond.fold {
				v = strings.ToUpper(v)
			}
		case 'N':
			r, ok := parseDecimal(v)
			if !ok {
				return refuse("Filter op %s: %s is geen getal.", f.name, quote(v))
			}
			cond.nums = append(cond.nums, r)
		case 'L':
			on, ok := parseLogical(v)
			if !ok {
				return refuse("Filter op %s: %s is geen logische waarde.", f.name, quote(v))
			}
			v = ""
			if on {
				v = "1"
			}
		case 'T':
			d, day, err := parseDateLiteral(f, v)
			if err != nil {
				return err
			}
			v, cond.day = d, day
		}
		cond.values = append(cond.values, v)
	}
	return nil
}

// parseDateLiteral reads {^2019-01-31} and {^2019-01-31 12:00:00} [C PHP, RB]; nothing else is known to be understood.
func parseDateLiteral(f *field, s string) (text string, day bool, err *fault) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(s), "{^")
	if ok {
		inner, ok = strings.CutSuffix(inner, "}")
	}
	inner = strings.TrimSpace(inner)
	if ok {
		if t, perr := time.Parse("2006-01-02", inner); perr == nil {
			return t.Format("2006-01-02T15:04:05"), true, nil
		}
		for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
			if t, perr := time.Parse(layout, inner); perr == nil {
				if f.typ == 'D' {
					return t.Format("2006-01-02") + "T00:00:00", true, nil
				}
				return t.Format("2006-01-02T15:04:05"), false, nil
			}
		}
	}
	return "", false, refuse("Filter op %s: %s is geen datum; gebruik {^jjjj-mm-dd}.", f.name, quote(s))
}

// fromIndex narrows the candidates by an equality on an indexed column, if every row must fulfil it.
func (q *query) fromIndex(t *table) ([]*row, bool) {
	must := q.expr
	if !q.any || len(q.filters) == 1 {
		must = append(slices.Clip(must), q.filters...)
	}
	for _, cond := range must {
		if cond.op != opEqual || cond.inLine || cond.prefix || cond.never || t.index[cond.f] == nil || slices.Contains(cond.values, "") {
			continue
		}
		if len(cond.values) == 1 {
			return t.lookup(cond.f, cond.values[0]), true
		}
		var hits []*row
		seen := make(map[*row]bool)
		for _, v := range cond.values {
			for _, r := range t.lookup(cond.f, v) {
				if !seen[r] {
					seen[r] = true
					hits = append(hits, r)
				}
			}
		}
		return hits, true
	}
	return nil, false
}

func (q *query) matches(r *row) bool {
	for _, cond := range q.expr {
		if !cond.matchesRow(r) {
			return false
		}
	}
	if !q.any {
		for _, cond := range q.filters {
			if !cond.matchesRow(r) {
				return false
			}
		}
		return true
	}
	for _, cond := range q.filters {
		if cond.matchesRow(r) {
			return true
		}
	}
	return len(q.filters) == 0
}

// matchesRow applies the condition to a header row; one on a line's column holds if any line fulfils it.
func (cond *condition) matchesRow(r *row) bool {
	if !cond.inLine {
		return cond.matches(r.get(cond.f))
	}
	for _, l := range r.lines {
		if cond.matches(l.get(cond.f)) {
			return true
		}
	}
	return false
}

func (cond *condition) matches(stored string) bool {
	if cond.never {
		return cond.op == opNotEqual
	}
	if cond.prefix {
		if cond.fold {
			stored = strings.ToUpper(stored)
		}
		return slices.ContainsFunc(cond.values, func(v string) bool { return strings.HasPrefix(stored, v) })
	}
	switch cond.op {
	case opEqual, opNotEqual:
		found := false
		for i := range cond.values {
			if cond.compare(stored, i) == 0 {
				found = true
				break
			}
		}
		return found == (cond.op == opEqual)
	case opContains:
		if cond.f.typ == 'C' { // the column is as wide as it is: a padded key contains its padding
			stored = pad(stored, cond.f.length)
		}
		if cond.fold {
			stored = strings.ToUpper(stored)
		}
		return strings.Contains(stored, cond.values[0])
	}
	if kind(cond.f.typ) == 'T' && stored == "" {
		return false
	}
	n := cond.compare(stored, 0)
	switch cond.op {
	case opAfter, opGreaterEqual:
		return n >= 0
	case opBefore, opLessEqual:
		return n <= 0
	case opGreater:
		return n > 0
	default:
		return n < 0
	}
}

// compare says how the stored value stands to the i-th of the condition. A date without a time means the whole day.
func (cond *condition) compare(stored string, i int) int {
	want := cond.values[i]
	switch kind(cond.f.typ) {
	case 'N':
		return rat(stored).Cmp(cond.nums[i])
	case 'C':
		if cond.fold {
			stored = strings.ToUpper(stored)
		}
	case 'T':
		if cond.day && len(stored) >= 10 {
			return strings.Compare(stored[:10], want[:10])
		}
	}
	return strings.Compare(stored, want)
}
