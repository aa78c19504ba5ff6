package function

import (
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"
)

// place is where a column's value stands in the author's struct.
type place struct {
	value reflect.Value
	state reflect.Value // of a Maybe; else the zero Value
}

func fields(columns []column, s reflect.Value) []place {
	out := make([]place, 0, len(columns))
	for _, c := range columns {
		f := s.Field(c.field)
		if c.maybe {
			out = append(out, place{value: f.Field(1), state: f.Field(0)})
			continue
		}
		out = append(out, place{value: f})
	}
	return out
}

// load fills the author's struct from a row. Anything but Present means that the row must not be given to the function.
func load(b *batch, row int, columns []column, to []place) State {
	missing := Present
	for i := range columns {
		c, p := &b.columns[i], &to[i]
		state := c.state(row)
		if columns[i].maybe {
			p.state.SetUint(uint64(state))
			if state != Present {
				p.value.SetZero()
				continue
			}
		} else if state != Present {
			// One null among absents: the answer is null, for something was stated.
			if missing != Null {
				missing = state
			}
			continue
		}
		switch c.kind {
		case kindInteger:
			p.value.SetInt(c.integerAt(row))
		case kindBool:
			p.value.SetBool(c.data[row] != 0)
		case kindDate:
			d := c.dateAt(row)
			p.value.Field(0).SetInt(int64(d.Year))
			p.value.Field(1).SetInt(int64(d.Month))
			p.value.Field(2).SetInt(int64(d.Day))
		default:
			p.value.SetString(c.textAt(row))
		}
	}
	return missing
}

// row adds what the function answered. A value that cannot travel makes an error of the row.
func (w *writer) row(columns []column, from []place) {
	for i := range columns {
		v, err := valueOf(columns[i], from[i])
		if err != nil {
			w.fail("the output " + columns[i].name + " " + err.Error())
			return
		}
		w.columns[i].pending = v
	}
	for i := range columns {
		w.columns[i].add(w.columns[i].pending)
	}
	w.errors().add(value{state: Null})
}

func valueOf(c column, p place) (value, error) {
	v := value{state: Present}
	if c.maybe {
		if v.state = State(p.state.Uint()); v.state != Present {
			return v, nil
		}
	}
	switch c.kind {
	case kindInteger:
		v.num = p.value.Int()
	case kindBool:
		if p.value.Bool() {
			v.num = 1
		}
	case kindDate:
		d := Date{int(p.value.Field(0).Int()), int(p.value.Field(1).Int()), int(p.value.Field(2).Int())}
		if !d.valid() {
			return v, errors.New("is no date of the years 1 to 9999")
		}
		v.num = d.days()
	case kindDecimal:
		var ok bool
		if v.text, ok = canonical(p.value.String()); !ok {
			return v, errors.New("is no decimal number of at most 38 digits")
		}
	default:
		if v.text = p.value.String(); !utf8.ValidString(v.text) {
			return v, errors.New("is no valid UTF-8")
		}
	}
	return v, nil
}

// valuesOf takes an example apart. What cannot travel panics: it is the author's mistake, seen while the program starts.
func valuesOf(columns []column, s reflect.Value) []value {
	out := make([]value, 0, len(columns))
	for i, p := range fields(columns, s) {
		v, err := valueOf(columns[i], p)
		if err != nil {
			panic("function: an example: " + columns[i].name + " " + err.Error())
		}
		out = append(out, v)
	}
	return out
}

// canonical makes a decimal's text canonical: no plus sign, no exponent, no needless zeros, no -0.
func canonical(s string) (string, bool) {
	minus := strings.HasPrefix(s, "-")
	if minus || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	whole, part, point := strings.Cut(s, ".")
	if whole == "" && part == "" || point && part == "" || !digits(whole) || !digits(part) {
		return "", false
	}
	whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	if len(whole)+len(part) > 38 {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	if part != "" {
		whole += "." + part
	}
	if minus && whole != "0" {
		whole = "-" + whole
	}
	return whole, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// String is the date as 2006-01-02.
func (d Date) String() string {
	two := func(n int) string { return string([]byte{'0' + byte(n/10%10), '0' + byte(n%10)}) }
	return two(d.Year/100) + two(d.Year) + "-" + two(d.Month) + "-" + two(d.Day)
}

func (d Date) valid() bool {
	if d.Year < 1 || d.Year > 9999 || d.Month < 1 || d.Month > 12 || d.Day < 1 {
		return false
	}
	return civil(d.days()) == d
}

// days is the number of days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day is the
// last of them; an era is 400 years.
func (d Date) days() int64 {
	y, m := int64(d.Year), int64(d.Month)
	if m <= 2 {
		y--
		m += 12
	}
	era := floorDiv(y, 400)
	yearOfEra := y - era*400
	dayOfYear := (153*(m-3)+2)/5 + int64(d.Day) - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

// civil is the reverse of days.
func civil(days int64) Date {
	z := days + 719468
	era := floorDiv(z, 146097)
	day := z - era*146097
	year := (day - day/1460 + day/36524 - day/146096) / 365
	dayOfYear := day - (365*year + year/4 - year/100)
	m := (5*dayOfYear + 2) / 153
	d := Date{Year: int(year + era*400), Month: int(m + 3), Day: int(dayOfYear - (153*m+2)/5 + 1)}
	if d.Month > 12 {
		d.Month -= 12
		d.Year++
	}
	return d
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
