package flow

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// transform is a named, pure change of one value. takes and gives are the kinds that it works on and returns; takes zero: any.
type transform struct {
	takes, gives record.Kind
	arg          bool // needs an argument
	text         func(s, arg string) (string, error)
	value        func(v record.Value) (record.Value, error)
}

// fits tells whether the transform does with values of a kind: those it takes, those that are already what it gives, and
// integers for decimals.
func (t transform) fits(k record.Kind) bool {
	return k == t.takes || k == t.gives || t.takes == record.KindDecimal && k == record.KindInteger
}

// transforms are all that a recipe may name in "do".
var transforms = map[string]transform{
	"trim":        onText(strings.TrimSpace),
	"upper":       onText(strings.ToUpper),
	"lower":       onText(strings.ToLower),
	"spaces":      onText(spaces),
	"digits":      onText(digits),
	"phone":       onText(phone),
	"email":       onText(strings.TrimSpace),
	"vat_number":  onText(vatNumber),
	"no_hyphens":  onText(func(s string) string { return strings.ReplaceAll(s, "-", "") }),
	"search_code": onText(searchCode),
	"html_text":   onText(htmlText),
	"country":     {takes: record.KindText, gives: record.KindText, text: country},
	"postcode":    {takes: record.KindText, gives: record.KindText, arg: true, text: postcode},
	"date":        {takes: record.KindText, gives: record.KindDate, value: toDate},
	"text":        {gives: record.KindText, value: func(v record.Value) (record.Value, error) { return Convert(v, record.KindText) }},
	"not":         {takes: record.KindBool, gives: record.KindBool, value: not},
	"percent":     {takes: record.KindDecimal, gives: record.KindDecimal, value: percent},
}

func onText(f func(string) string) transform {
	return transform{takes: record.KindText, gives: record.KindText, text: func(s, _ string) (string, error) { return f(s), nil }}
}

// apply carries a step out.
func (s Step) apply(v record.Value, ctx Context) (record.Value, error) {
	t, ok := transforms[s.Name]
	if !ok {
		return record.Absent(), fmt.Errorf("there is no transform %s", s.Name)
	}
	if t.value != nil {
		return t.value(v)
	}
	if v.Kind() != record.KindText {
		return record.Absent(), fmt.Errorf("the transform %s takes text, the value is %s", s.Name, v.Kind())
	}
	arg := ""
	if t.arg {
		arg = s.arg.get(ctx).String()
	}
	out, err := t.text(v.AsText(), arg)
	if err != nil {
		return record.Absent(), err
	}
	return record.Text(out), nil
}

// spaces makes every run of white space, line ends included, one space.
func spaces(s string) string { return strings.Join(strings.Fields(s), " ") }

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// phone cuts the spaces of a telephone number, so that more of it fits; the rest stays as people wrote it.
func phone(s string) string { return strings.Join(strings.Fields(s), "") }

// vatNumber writes a VAT number without spaces, dots and hyphens, in upper case.
func vatNumber(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '.' || r == '-' {
			return -1
		}
		return r
	}, s))
}

// country is an ISO 3166 code: EL, the VAT prefix of Greece, is GR; XI, that of Northern Ireland, is no country.
func country(s, _ string) (string, error) {
	c := strings.ToUpper(strings.TrimSpace(s))
	switch {
	case c == "EL":
		return "GR", nil
	case c == "XI":
		return "", fmt.Errorf("XI is a prefix of VAT numbers, not a country")
	case len(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z':
		return "", fmt.Errorf("%q is no country code of two letters", clip(s))
	}
	return c, nil
}

var (
	postcodeNL = regexp.MustCompile(`^([1-9][0-9]{3})([A-Z]{2})$`)
	postcode5  = regexp.MustCompile(`^[0-9]{5}$`)
)

// postcode writes a postal code as its country does: 1234 AB, 111 22, 00-950. What does not look like one stays as written.
func postcode(s, land string) (string, error) {
	tidy := spaces(s)
	bare := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(tidy))
	switch land = strings.ToUpper(strings.TrimSpace(land)); land {
	case "NL":
		bare = strings.TrimPrefix(bare, "NL")
		if m := postcodeNL.FindStringSubmatch(bare); m != nil {
			return m[1] + " " + m[2], nil
		}
	case "SE", "PL":
		bare = strings.TrimPrefix(bare, land)
		if postcode5.MatchString(bare) {
			if land == "SE" {
				return bare[:3] + " " + bare[3:], nil
			}
			return bare[:2] + "-" + bare[2:], nil
		}
	}
	return tidy, nil
}

// letters are those that do not come apart into a Latin letter and a mark.
var letters = strings.NewReplacer("ø", "o", "Ø", "O", "ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "ß", "ss", "ẞ", "SS",
	"æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "þ", "th", "Þ", "TH", "ı", "i", "ħ", "h", "Ħ", "H", "ĳ", "ij", "Ĳ", "IJ")

// searchCode is a search code out of a name: its ASCII letters and digits, accents dropped, in upper case, the first ten; "-"
// where there is none.
func searchCode(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(letters.Replace(s)) {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			b.WriteRune(unicode.ToUpper(r))
		}
		if b.Len() == 10 {
			break
		}
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}

// toDate takes the calendar date as it is written; a time or zone behind it never shifts it.
func toDate(v record.Value) (record.Value, error) {
	if v.Kind() == record.KindDate {
		return v, nil
	}
	return Convert(v, record.KindDate)
}

// percent is a rate in percent: one that is stated as a fraction (0.21) is multiplied by 100.
func percent(v record.Value) (record.Value, error) {
	d, ok := v.AsDecimal()
	if !ok {
		return record.Absent(), fmt.Errorf("the transform percent takes a number, the value is %s", v.Kind())
	}
	if d.Sign() > 0 && d.Cmp(decimal.New(1, 0)) < 0 {
		d = d.Mul(decimal.New(100, 0))
	}
	return record.Decimal(d), nil
}

// not is the contrary of a truth value.
func not(v record.Value) (record.Value, error) {
	if v.Kind() != record.KindBool {
		return record.Absent(), fmt.Errorf("the transform not takes a truth value, the value is %s", v.Kind())
	}
	return record.Bool(!v.AsBool()), nil
}

// Tidy writes a value that is found in the rule's field as the rule would, as far as that depends on the value alone.
func (r *Rule) Tidy(v record.Value) record.Value {
	if v.Kind() != record.KindText {
		return v
	}
	for _, s := range r.Do {
		t, ok := transforms[s.Name]
		if !ok || t.text == nil || t.arg {
			continue
		}
		if text, err := t.text(v.AsText(), ""); err == nil {
			v = record.Text(text)
		}
	}
	return v
}

// transformNames are the known transforms, sorted.
func transformNames() []string {
	names := make([]string, 0, len(transforms))
	for n := range transforms {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
