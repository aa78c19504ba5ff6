package control

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/record"
)

// The types of fields.
const (
	FieldText     = "text"
	FieldInteger  = "integer"
	FieldDecimal  = "decimal"
	FieldBool     = "bool"
	FieldDate     = "date"
	FieldDuration = "duration"
	FieldURL      = "url"
	FieldChoice   = "choice"
	FieldChoices  = "choices"
	FieldTexts    = "texts"
	FieldTable    = "table"
	// FieldGroup is a record of its own: its Columns are fields, its value a map of them.
	FieldGroup = "group"
)

// FieldError says why a text is no value of a field. Text may hold one %s, for Arg: screens say it in the person's language.
type FieldError struct{ Text, Arg string }

// Error implements error.
func (e *FieldError) Error() string {
	if e.Arg == "" {
		return e.Text
	}
	return fmt.Sprintf(e.Text, e.Arg)
}

var (
	integerText = regexp.MustCompile(`^[+-]?[0-9]{1,18}$`)
	decimalText = regexp.MustCompile(`^[+-]?[0-9]{1,24}([.,][0-9]{1,12})?$`)
)

// Parse makes a field's value from what a person typed for it: nil where nothing was typed, which leaves the field out. Lists and tables
// are made of values of their own and have no text.
func (f Field) Parse(text string) (any, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		if f.Required {
			return nil, &FieldError{Text: "this is needed"}
		}
		return nil, nil
	}
	limit := f.Max
	if limit == 0 {
		limit = 2000
	}
	if n := len([]rune(text)); n > limit {
		return nil, &FieldError{"at most %s characters are possible", strconv.Itoa(limit)}
	}
	switch f.Type {
	case FieldInteger:
		if !integerText.MatchString(text) {
			return nil, &FieldError{"%s is no whole number", text}
		}
	case FieldDecimal:
		if !decimalText.MatchString(text) {
			return nil, &FieldError{"%s is no number: write it as 12.50", text}
		}
		text = strings.Replace(text, ",", ".", 1)
	case FieldDate:
		if _, err := record.ParseDate(text); err != nil || len(text) != len(time.DateOnly) {
			return nil, &FieldError{"%s is no date: write it as 2026-01-31", text}
		}
	case FieldDuration:
		if d, err := time.ParseDuration(text); err != nil || d < 0 {
			return nil, &FieldError{"%s is no length of time: write it as 30s, 5m or 2h", text}
		}
	case FieldURL:
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, &FieldError{"%s is no address: it begins with https://", text}
		}
	case FieldBool:
		switch strings.ToLower(text) {
		case "y", "yes", "true", "on", "1":
			return true, nil
		case "n", "no", "false", "off", "0":
			return false, nil
		}
		return nil, &FieldError{"%s is neither yes nor no", text}
	case FieldChoice:
		return f.option(text)
	}
	return text, nil
}

// option finds the option that a person means by its value or label, or by its number in the list.
func (f Field) option(text string) (any, error) {
	for _, o := range f.Options {
		if o.Value == text {
			return o.Value, nil
		}
	}
	for _, o := range f.Options {
		if strings.EqualFold(o.Label, text) || strings.EqualFold(o.Value, text) {
			return o.Value, nil
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(f.Options) {
		return f.Options[n-1].Value, nil
	}
	if len(f.Options) == 0 { // what the system offers is not known: anything may be right
		return text, nil
	}
	return nil, &FieldError{"%s is none of the choices", text}
}

// Text is how a value stands in a field: the opposite of Parse.
func (f Field) Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(value)
}

// Label of the option with this value, or the value itself where there is none.
func (f Field) OptionLabel(value string) string {
	for _, o := range f.Options {
		if o.Value == value && o.Label != "" {
			return o.Label
		}
	}
	return value
}

// Asked tells whether a field is to be asked, given the values of the fields of its form: one that depends on another is asked only where
// that one has the value that it hangs on.
func (f Field) Asked(values map[string]any) bool {
	if f.DependsOn == "" {
		return true
	}
	v, ok := values[f.DependsOn]
	if !ok || v == nil {
		return false
	}
	switch x := v.(type) {
	case bool:
		if f.Equals == "" {
			return x
		}
		return strconv.FormatBool(x) == f.Equals
	case []any:
		for _, e := range x {
			if fmt.Sprint(e) == f.Equals {
				return true
			}
		}
		return f.Equals == "" && len(x) > 0
	}
	return f.Equals == "" || fmt.Sprint(v) == f.Equals
}
