package function

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// What a mask says of a row.
const (
	maskPresent = 0
	maskNull    = 1
	maskAbsent  = 2
)

// Days of the first and the last date that can travel: 0001-01-01 and 9999-12-31.
const (
	firstDay = -719162
	lastDay  = 2932896
)

// appendHead begins a batch.
func appendHead(b []byte, rows, columns int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(rows))
	return binary.LittleEndian.AppendUint32(b, uint32(columns))
}

// appendColumn writes a column in its flat form. A value that cannot travel is written as absent, and refuse is told why.
func appendColumn(b []byte, kind record.Kind, values []record.Value, refuse func(row int, why string)) []byte {
	mask := make([]byte, len(values))
	masked := false
	for i, v := range values {
		why := ""
		switch got := v.Kind(); {
		case got == record.KindAbsent:
			mask[i] = maskAbsent
		case got == record.KindNull:
			mask[i] = maskNull
		case got == kind:
			if kind == record.KindText && !utf8.ValidString(v.AsText()) {
				why = "the text is no valid UTF-8"
			}
		case kind == record.KindDecimal && got == record.KindInteger:
		default:
			why = fmt.Sprintf("%s is given where %s is taken", got, kind)
		}
		if why != "" {
			refuse(i, why)
			mask[i] = maskAbsent
		}
		masked = masked || mask[i] != maskPresent
	}
	flag := byte(0)
	if masked {
		flag = 1
	}
	b = append(b, byte(kind), flag, 0, 0, 0, 0, 0, 0)
	if masked {
		b = pad(append(b, mask...), len(mask))
	}
	return appendData(b, kind, values, mask)
}

func appendData(b []byte, kind record.Kind, values []record.Value, mask []byte) []byte {
	switch kind {
	case record.KindInteger:
		for i, v := range values {
			n, _ := v.AsInteger()
			b = binary.LittleEndian.AppendUint64(b, uint64(zeroUnless(mask[i] == maskPresent, n)))
		}
		return b
	case record.KindBool:
		for i, v := range values {
			n := byte(0)
			if mask[i] == maskPresent && v.AsBool() {
				n = 1
			}
			b = append(b, n)
		}
		return pad(b, len(values))
	case record.KindDate:
		for i, v := range values {
			d, _ := v.AsDate()
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(zeroUnless(mask[i] == maskPresent, int64(d)))))
		}
		return pad(b, 4*len(values))
	}
	offsets := len(b)
	b = append(b, make([]byte, 4*(len(values)+1))...)
	b = pad(b, 4*(len(values)+1))
	start := len(b)
	for i, v := range values {
		if mask[i] == maskPresent {
			b = append(b, v.String()...)
		}
		binary.LittleEndian.PutUint32(b[offsets+4*(i+1):], uint32(len(b)-start))
	}
	return pad(b, len(b)-start)
}

func zeroUnless(present bool, n int64) int64 {
	if present {
		return n
	}
	return 0
}

func pad(b []byte, n int) []byte {
	for ; n%8 != 0; n++ {
		b = append(b, 0)
	}
	return b
}

// badBatch is what is wrong with a batch that a module answered.
type badBatch struct{ what string }

func (e *badBatch) Error() string { return "its answer is not of the documented form: " + e.what }

func bad(format string, args ...any) error { return &badBatch{fmt.Sprintf(format, args...)} }

// reader walks through a batch; nothing in it is believed.
type reader struct {
	b    []byte
	rows int
}

// take cuts n bytes and what fills them up to a multiple of 8.
func (r *reader) take(n int) ([]byte, error) {
	padded := (n + 7) &^ 7
	if n < 0 || len(r.b) < padded {
		return nil, bad("it ends early")
	}
	head := r.b[:n:n]
	r.b = r.b[padded:]
	return head, nil
}

// readBatch reads a batch whose columns must be of these kinds. A value that breaks the rules of its kind, such as a decimal that
// is not canonical, is that row's fault alone: refuse is told why, and the value is absent.
func readBatch(b []byte, rows int, kinds []record.Kind, refuse func(row int, why string)) ([][]record.Value, error) {
	if len(b) > maxBytes {
		return nil, bad("it has %d bytes, at most %d are allowed", len(b), maxBytes)
	}
	if len(b) < 8 {
		return nil, bad("it ends early")
	}
	if n := binary.LittleEndian.Uint32(b); n != uint32(rows) {
		return nil, bad("it has %d rows, %d were asked for", n, rows)
	}
	if n := binary.LittleEndian.Uint32(b[4:]); n != uint32(len(kinds)) {
		return nil, bad("it has %d columns, not %d", n, len(kinds))
	}
	r := &reader{b: b[8:], rows: rows}
	out := make([][]record.Value, 0, len(kinds))
	for i, kind := range kinds {
		values, err := r.column(kind, refuse)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		out = append(out, values)
	}
	if len(r.b) != 0 {
		return nil, bad("%d bytes are left over", len(r.b))
	}
	return out, nil
}

func (r *reader) column(kind record.Kind, refuse func(row int, why string)) ([]record.Value, error) {
	head, err := r.take(8)
	if err != nil {
		return nil, err
	}
	if head[0] != byte(kind) {
		return nil, bad("it is of kind %d, not %d", head[0], kind)
	}
	var mask []byte
	switch head[1] {
	case 0:
	case 1:
		if mask, err = r.take(r.rows); err != nil {
			return nil, err
		}
	default:
		return nil, bad("its mask is announced by %d", head[1])
	}
	values := make([]record.Value, r.rows)
	for i, m := range mask {
		switch m {
		case maskPresent, maskAbsent:
		case maskNull:
			values[i] = record.Null()
		default:
			return nil, bad("its mask has a %d", m)
		}
	}
	return values, r.data(kind, mask, values, refuse)
}

func (r *reader) data(kind record.Kind, mask []byte, values []record.Value, refuse func(row int, why string)) error {
	size := map[record.Kind]int{record.KindInteger: 8, record.KindBool: 1, record.KindDate: 4}[kind]
	if size == 0 {
		return r.texts(kind, mask, values, refuse)
	}
	data, err := r.take(size * r.rows)
	if err != nil {
		return err
	}
	for i := range values {
		if mask != nil && mask[i] != maskPresent {
			continue
		}
		switch kind {
		case record.KindInteger:
			values[i] = record.Integer(int64(binary.LittleEndian.Uint64(data[8*i:])))
		case record.KindBool:
			if data[i] > 1 {
				return bad("a bool is %d", data[i])
			}
			values[i] = record.Bool(data[i] == 1)
		case record.KindDate:
			d := int32(binary.LittleEndian.Uint32(data[4*i:]))
			if d < firstDay || d > lastDay {
				refuse(i, "a date is outside the years 1 to 9999")
				continue
			}
			values[i] = record.OfDate(record.Date(d))
		}
	}
	return nil
}

func (r *reader) texts(kind record.Kind, mask []byte, values []record.Value, refuse func(row int, why string)) error {
	offsets, err := r.take(4 * (r.rows + 1))
	if err != nil {
		return err
	}
	at := func(i int) uint32 { return binary.LittleEndian.Uint32(offsets[4*i:]) }
	if at(0) != 0 {
		return bad("the first text begins at %d", at(0))
	}
	if at(r.rows) > maxBytes {
		return bad("its texts have %d bytes", at(r.rows))
	}
	raw, err := r.take(int(at(r.rows)))
	if err != nil {
		return err
	}
	all := string(raw)
	for i := range values {
		from, to := at(i), at(i+1)
		if to < from || int(to) > len(all) {
			return bad("text %d ends at %d, before it begins", i, to)
		}
		if mask != nil && mask[i] != maskPresent {
			continue
		}
		s := all[from:to]
		if kind == record.KindDecimal {
			d, err := decimal.Parse(s)
			if err != nil || d.String() != s {
				refuse(i, "a decimal is not in its canonical form")
				continue
			}
			values[i] = record.Decimal(d)
			continue
		}
		if !utf8.ValidString(s) {
			refuse(i, "a text is no valid UTF-8")
			continue
		}
		values[i] = record.Text(s)
	}
	return nil
}
