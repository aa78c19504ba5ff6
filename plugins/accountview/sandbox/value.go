package sandbox

import (
	"encoding/json"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"
)

// Values are stored as canonical text: C and M as sent (without trailing spaces), numbers as plain decimals without
// trailing zeros, logicals as "1" or "", dates as 2006-01-02T15:04:05. "" is the empty value of every type.

const maxMemo = 1 << 20

// parseDecimal reads a plain decimal (an exponent within reason is accepted, as JSON allows one). Nothing else: big.Rat
// alone would also take fractions and hexadecimals, and an exponent that fills the memory.
func parseDecimal(s string) (*big.Rat, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 {
		return nil, false
	}
	mant, exp, hasExp := strings.Cut(strings.ToLower(s), "e")
	digits := 0
	for i := 0; i < len(mant); i++ {
		switch c := mant[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !strings.Contains(mant[i+1:], "."):
		case (c == '-' || c == '+') && i == 0:
		default:
			return nil, false
		}
	}
	if digits == 0 || hasExp && len(strings.TrimLeft(exp, "+-")) > 2 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// round is half away from zero at so many decimals.
func round(r *big.Rat, dec int) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(dec)), nil)
	num := new(big.Int).Mul(r.Num(), scale)
	num.Mul(num, big.NewInt(2))
	den := new(big.Int).Mul(r.Denom(), big.NewInt(2))
	if num.Sign() >= 0 {
		num.Add(num, r.Denom())
	} else {
		num.Sub(num, r.Denom())
	}
	return new(big.Rat).SetFrac(new(big.Int).Quo(num, den), scale)
}

// decimalText is the canonical text of a number at so many decimals.
func decimalText(r *big.Rat, dec int) string {
	s := round(r, dec).FloatString(dec)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// rat reads a stored number; the empty value is zero.
func rat(s string) *big.Rat {
	if r, ok := parseDecimal(s); ok {
		return r
	}
	return new(big.Rat)
}

// kind folds the type letters into the groups that convert into one another.
func kind(typ byte) byte {
	switch typ {
	case 'C', 'M':
		return 'C'
	case 'N', 'Y', 'B', 'I':
		return 'N'
	case 'D', 'T':
		return 'T'
	case 'L':
		return 'L'
	}
	return 0
}

var typeWords = map[byte]string{'C': "tekst", 'N': "numeriek", 'T': "datum", 'L': "logisch"}

// convert turns a JSON value that a client sent into stored text. set is false for null (facts B3: null = not set).
func convert(f *field, raw any, cp1252 bool) (text string, set bool, err *fault) {
	switch v := raw.(type) {
	case nil:
		return "", false, nil
	case string:
		text, err = fromText(f, v, cp1252)
	case json.Number:
		text, err = fromText(f, v.String(), cp1252)
	case bool:
		switch {
		case f.typ == 'L' && v:
			text = "1"
		case f.typ != 'L':
			err = refuse("%s: een logische waarde past niet in een veld van type %c.", f.name, f.typ)
		}
	default:
		err = refuse("%s: de waarde is geen tekst, getal of logische waarde.", f.name)
	}
	return text, err == nil, err
}

func fromText(f *field, s string, cp1252 bool) (string, *fault) {
	switch kind(f.typ) {
	case 'C':
		return fromString(f, s, cp1252)
	case 'N':
		return fromNumber(f, s)
	case 'L':
		on, ok := parseLogical(s)
		if !ok {
			return "", refuse("%s: %s is geen logische waarde.", f.name, quote(s))
		}
		if on {
			return "1", nil
		}
		return "", nil
	default:
		return fromDate(f, s)
	}
}

func fromString(f *field, s string, cp1252 bool) (string, *fault) {
	if !utf8.ValidString(s) {
		return "", refuse("%s: de tekst is geen geldige UTF-8.", f.name)
	}
	s = strings.TrimRight(s, " ")
	if f.upper {
		s = strings.ToUpper(s)
	}
	if cp1252 {
		s = toCP1252(s)
	}
	n := utf8.RuneCountInString(s)
	if f.typ == 'C' && n > f.length {
		return "", refuse("%s: de waarde %s is te lang (%d tekens, maximaal %d).", f.name, quote(s), n, f.length)
	}
	if len(s) > maxMemo {
		return "", refuse("%s: de notitie is te lang.", f.name)
	}
	return s, nil
}

func fromNumber(f *field, s string) (string, *fault) {
	if strings.TrimSpace(s) == "" {
		return "", nil
	}
	r, ok := parseDecimal(s)
	if !ok {
		return "", refuse("%s: %s is geen getal.", f.name, quote(s))
	}
	text := decimalText(r, f.dec)
	whole, _, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	room := 14 // Y and B
	switch f.typ {
	case 'I':
		room = 9
	case 'N':
		room = f.length
		if f.dec > 0 {
			room -= f.dec + 1
		}
	}
	if len(whole) > room {
		return "", refuse("%s: het getal %s is te groot.", f.name, quote(s))
	}
	return text, nil
}

func parseLogical(s string) (on, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", ".t.", "1":
		return true, true
	case "false", ".f.", "0", "":
		return false, true
	}
	return false, false
}

// fromDate takes the calendar date and the time as they are written; a Z or an offset does not move them, since the
// facts show no conversion.
func fromDate(f *field, s string) (string, *fault) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	t, ok := parseISO(s)
	if !ok {
		return "", refuse("%s: %s is geen datum.", f.name, quote(s))
	}
	if f.typ == 'D' {
		return t.Format("2006-01-02") + "T00:00:00", nil
	}
	return t.Format("2006-01-02T15:04:05"), nil
}

var isoLayouts = []string{
	"2006-01-02T15:04:05", "2006-01-02", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05",
}

func parseISO(s string) (time.Time, bool) {
	if len(s) < 10 || len(s) > 40 {
		return time.Time{}, false
	}
	for _, l := range isoLayouts {
		if t, err := time.Parse(l, s); err == nil && t.Year() >= 1900 {
			return t, true
		}
	}
	return time.Time{}, false
}

// cp1252High are the characters of code page 1252 between 0x80 and 0x9f.
const cp1252High = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"

// toCP1252 puts a question mark where a character is not in the code page, as FoxPro does.
func toCP1252(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 || r >= 0xa0 && r <= 0xff || strings.ContainsRune(cp1252High, r) {
			return r
		}
		return '?'
	}, s)
}
