package folder

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// form is how the files of a folder write values.
type form struct {
	delimiter    rune
	decimalComma bool
	windows      bool // windows-1252, else UTF-8
}

// types are the words behind the colon of a column's name.
var types = map[string]record.Kind{
	"text": record.KindText, "integer": record.KindInteger, "decimal": record.KindDecimal, "bool": record.KindBool, "date": record.KindDate,
}

// parse reads a cell. An empty one is null: the file has a place for the value and none in it.
func (f form) parse(cell string, k record.Kind) (record.Value, error) {
	if cell == "" {
		return record.Null(), nil
	}
	trimmed := strings.TrimSpace(cell)
	switch k {
	case record.KindInteger:
		n, err := strconv.ParseInt(trimmed, 10, 64)
		if err != nil {
			return record.Value{}, errors.New("is no whole number")
		}
		return record.Integer(n), nil
	case record.KindDecimal:
		if f.decimalComma {
			if strings.Contains(trimmed, ".") { // 1.234,56 or 1.234: nobody can say which is meant
				return record.Value{}, errors.New("has a point, and the decimal sign is the comma")
			}
			trimmed = strings.Replace(trimmed, ",", ".", 1)
		}
		d, err := decimal.Parse(trimmed)
		if err != nil {
			return record.Value{}, errors.New("is no number")
		}
		return record.Decimal(d), nil
	case record.KindBool:
		switch strings.ToLower(trimmed) {
		case "true", "1":
			return record.Bool(true), nil
		case "false", "0":
			return record.Bool(false), nil
		}
		return record.Value{}, errors.New("is neither true nor false")
	case record.KindDate:
		d, err := record.ParseDate(trimmed)
		if err != nil || len(trimmed) != len("2006-01-02") {
			return record.Value{}, errors.New("is no date such as 2026-01-31")
		}
		return record.OfDate(d), nil
	}
	return record.Text(cell), nil
}

// write is the reverse of parse.
func (f form) write(v record.Value, k record.Kind) (string, error) {
	if err := record.Conforms(v, record.Scalar(k)); err != nil {
		return "", err
	}
	cell := v.String()
	switch k {
	case record.KindDecimal:
		if f.decimalComma {
			cell = strings.Replace(cell, ".", ",", 1)
		}
	case record.KindText:
		cell = strings.ReplaceAll(cell, "\r\n", "\n")
		if strings.ContainsFunc(cell, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			return "", errors.New("holds a control character, which a CSV file cannot keep")
		}
		if f.windows {
			if _, err := charmap.Windows1252.NewEncoder().String(cell); err != nil {
				return "", errors.New("holds a letter that windows-1252 does not have")
			}
		}
	}
	return cell, nil
}
