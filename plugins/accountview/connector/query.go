package connector

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/record"
)

// filter is one numbered filter (facts section 3). The free Filter expression is never used.
type filter struct {
	column   string // bare, or TABLE.FIELD where two tables come along
	operator string // Equal, DateOnOrAfterDate: names that clients use [C PHP, NG]
	typ      byte   // C, T
	value    string
}

// query is a GET of AccountView's data.
type query struct {
	system   bool // accountviewsystemdata
	object   string
	fields   []string
	filters  []filter
	any      bool // filters are alternatives
	bookDate string
	pageSize int
	lastKey  string
	page     int
	sort     string
	descend  bool
}

const (
	// maxFilters bounds the alternatives of one request; NG sends several, nothing tells how many are allowed.
	maxFilters = 20
	// maxQuery keeps a query below the 2,048 bytes that IIS, which serves this API, takes by default.
	maxQuery = 1900
)

// encode writes the query. Everything in a value is percent-encoded, braces, carets and plus signs too (facts B7.8), so
// that a value can never end its parameter.
func (q *query) encode() string {
	var b strings.Builder
	add := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(escape(value))
	}
	add("BusinessObject", q.object)
	if q.pageSize > 0 {
		add("PageSize", strconv.Itoa(q.pageSize))
	}
	switch {
	case q.lastKey != "":
		add("LastKey", q.lastKey)
	case q.page > 1:
		add("PageNumber", strconv.Itoa(q.page))
	}
	if len(q.fields) > 0 {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString("Fields=")
		for i, f := range q.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(escape(f))
		}
	}
	if q.bookDate != "" {
		add("BookDate", q.bookDate)
	}
	for i, f := range q.filters {
		n := strconv.Itoa(i + 1)
		add("FilterControlSource"+n, f.column)
		add("FilterOperator"+n, f.operator)
		add("FilterValueType"+n, string(rune(f.typ)))
		add("FilterValue"+n, f.value)
	}
	if q.any && len(q.filters) > 1 {
		add("MatchAnyFilter", "true")
	}
	if q.sort != "" {
		add("SortFields", q.sort)
		order := "Ascending"
		if q.descend {
			order = "Descending"
		}
		add("SortOrder", order)
	}
	return b.String()
}

// escape percent-encodes a value; a space becomes %20, which every server reads alike.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// dateTimeLiteral is a FoxPro literal of a date and time [C PHP].
func dateTimeLiteral(t time.Time) string { return t.Format("{^2006-01-02 15:04:05}") }

// maxKey bounds a value to look for in a field without a known length.
const maxKey = 254

// checkKey tells why a value cannot be looked for, "" if it can. None is escaped by guesswork: AccountView builds
// FoxPro expressions from filters, and how it quotes is not documented. What cannot stand in a column cannot be asked.
func checkKey(value string) string {
	switch {
	case strings.TrimSpace(value) == "":
		return "it is empty"
	case !utf8.ValidString(value):
		return "it is no valid text"
	case strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "it holds control characters"
	case utf8.RuneCountInString(value) > maxKey:
		return fmt.Sprintf("it is longer than %d characters", maxKey)
	}
	return ""
}

// normal is the form in which values of a column are compared: AccountView pads texts with spaces and keeps some columns
// in upper case. Addresses of mail are compared without case: whether AccountView does is unknown (facts B7.9).
func normal(c column, s string) string {
	s = strings.TrimRight(s, " ")
	if c.Upper || mailColumn(c.Name) {
		return strings.ToUpper(s)
	}
	return s
}

func mailColumn(name string) bool {
	return name == "MAIL_BUS" || name == "TO_EMAIL" || name == "MC_MAILB"
}

// variants are the forms of a value to ask for. folds: Equal is known not to mind the case of mail addresses.
func variants(c column, s string, folds bool) []string {
	s = strings.TrimRight(s, " ")
	if c.Upper {
		return []string{strings.ToUpper(s)}
	}
	if !mailColumn(c.Name) || folds {
		return []string{s}
	}
	// Ask as given, in small letters, and with a capital.
	low := strings.ToLower(s)
	out := []string{s}
	first, size := utf8.DecodeRuneInString(low)
	for _, v := range []string{low, strings.ToUpper(string(first)) + low[size:]} {
		if v != s && v != out[len(out)-1] {
			out = append(out, v)
		}
	}
	return out
}

// isoDay is a date as requests write it: no time zone, so that it can never shift.
func isoDay(d record.Date) string { return d.String() }

// isoMidnight is a date in an envelope: FieldType T, no Z (the calendar date as the document states it).
func isoMidnight(d record.Date) string { return d.String() + "T00:00:00" }
