package function

import (
	"strconv"
	"unicode/utf8"
)

var kindNames = map[byte]string{kindText: "text", kindInteger: "integer", kindDecimal: "decimal", kindBool: "bool", kindDate: "date"}

// describe is the module's description of itself, in JSON. It is written by hand: encoding/json would double the module.
func describe() []byte {
	if module.name == "" {
		panic("function: the module has no name: call function.Module from init")
	}
	b := append([]byte(`{"name":`), quote(module.name)...)
	b = append(append(b, `,"version":`...), quote(module.version)...)
	b = append(b, `,"functions":[`...)
	for i, f := range module.functions {
		b = comma(b, i)
		b = append(append(b, `{"name":`...), quote(f.name)...)
		b = append(append(b, `,"description":`...), quote(f.description)...)
		b = appendColumns(append(b, `,"inputs":`...), f.inputs)
		b = appendColumns(append(b, `,"outputs":`...), f.outputs)
		b = append(b, `,"examples":[`...)
		for j, s := range f.samples {
			b = appendValues(append(comma(b, j), `{"in":`...), f.inputs, s.in)
			if s.err != "" {
				b = append(append(b, `,"error":`...), quote(s.err)...)
			} else {
				b = appendValues(append(b, `,"out":`...), f.outputs, s.out)
			}
			b = append(b, '}')
		}
		b = append(b, `]}`...)
	}
	return append(b, `]}`...)
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendColumns(b []byte, columns []column) []byte {
	b = append(b, '[')
	for i, c := range columns {
		b = append(append(comma(b, i), `{"name":`...), quote(c.name)...)
		b = append(append(b, `,"type":`...), quote(kindNames[c.kind])...)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendValues(b []byte, columns []column, values []value) []byte {
	b = append(b, '{')
	n := 0
	for i, c := range columns {
		v := values[i]
		if v.state == Absent {
			continue
		}
		b = append(append(comma(b, n), quote(c.name)...), ':')
		n++
		switch {
		case v.state == Null:
			b = append(b, "null"...)
		case c.kind == kindBool:
			b = strconv.AppendBool(b, v.num == 1)
		case c.kind == kindInteger:
			b = append(b, quote(strconv.FormatInt(v.num, 10))...)
		case c.kind == kindDate:
			b = append(b, quote(civil(v.num).String())...)
		default:
			b = append(b, quote(v.text)...)
		}
	}
	return append(b, '}')
}

// quote is a JSON string.
func quote(s string) []byte {
	const hex = "0123456789abcdef"
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
