package function

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// The kinds of a column in a batch. The numbers are those of the wire form of records.
const (
	kindText    = 2
	kindInteger = 3
	kindDecimal = 4
	kindBool    = 5
	kindDate    = 6
)

// What a mask says of a row.
const (
	maskPresent = 0
	maskNull    = 1
	maskAbsent  = 2
)

// Bounds, as docs/functions.md states them; the host keeps them too.
const (
	maxRows    = 10_000
	maxColumns = 32
	maxBytes   = 16 << 20
	maxError   = 1000 // bytes of a row's error
)

// input is a column of a batch that was checked: every accessor below is in range.
type input struct {
	kind byte
	mask []byte // nil where all are present
	data []byte // numbers, or the offsets of texts
	text string // the texts, one behind the other
}

// batch is a table in its flat form.
type batch struct {
	rows    int
	columns []input
}

var errBatch = errors.New("the batch is not of the form that docs/functions.md describes")

// readBatch checks a batch and makes its columns reachable. It copies the texts once, so that a function may keep them.
func readBatch(b []byte) (*batch, error) {
	if len(b) < 8 || len(b) > maxBytes {
		return nil, errBatch
	}
	rows, columns := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if rows > maxRows || columns > maxColumns+1 {
		return nil, errBatch
	}
	out := &batch{rows: int(rows), columns: make([]input, 0, columns)}
	b = b[8:]
	for range columns {
		var c input
		var err error
		if c, b, err = readColumn(b, out.rows); err != nil {
			return nil, err
		}
		out.columns = append(out.columns, c)
	}
	if len(b) != 0 {
		return nil, errBatch
	}
	return out, nil
}

func readColumn(b []byte, rows int) (c input, rest []byte, err error) {
	if len(b) < 8 || b[1] > 1 {
		return c, nil, errBatch
	}
	c.kind = b[0]
	masked := b[1] == 1
	b = b[8:]
	if masked {
		if c.mask, b, err = take(b, rows); err != nil {
			return c, nil, err
		}
		for _, m := range c.mask {
			if m > maskAbsent {
				return c, nil, errBatch
			}
		}
	}
	switch c.kind {
	case kindInteger:
		c.data, b, err = take(b, 8*rows)
	case kindBool:
		c.data, b, err = take(b, rows)
	case kindDate:
		c.data, b, err = take(b, 4*rows)
	case kindText, kindDecimal:
		if c.data, b, err = take(b, 4*(rows+1)); err != nil {
			return c, nil, err
		}
		last := uint32(0)
		if binary.LittleEndian.Uint32(c.data) != 0 {
			return c, nil, errBatch
		}
		for i := range rows {
			next := binary.LittleEndian.Uint32(c.data[4*i+4:])
			if next < last {
				return c, nil, errBatch
			}
			last = next
		}
		if last > maxBytes {
			return c, nil, errBatch
		}
		var texts []byte
		if texts, b, err = take(b, int(last)); err == nil {
			c.text = string(texts)
		}
	default:
		return c, nil, errBatch
	}
	return c, b, err
}

// take cuts n bytes and the zeros that fill them up to a multiple of 8.
func take(b []byte, n int) (head, rest []byte, err error) {
	padded := (n + 7) &^ 7
	if len(b) < padded {
		return nil, nil, errBatch
	}
	return b[:n:n], b[padded:], nil
}

func (c *input) state(row int) State {
	if c.mask == nil {
		return Present
	}
	switch c.mask[row] {
	case maskNull:
		return Null
	case maskAbsent:
		return Absent
	}
	return Present
}

func (c *input) textAt(row int) string {
	return c.text[binary.LittleEndian.Uint32(c.data[4*row:]):binary.LittleEndian.Uint32(c.data[4*row+4:])]
}

func (c *input) integerAt(row int) int64 { return int64(binary.LittleEndian.Uint64(c.data[8*row:])) }

func (c *input) dateAt(row int) Date {
	return civil(int64(int32(binary.LittleEndian.Uint32(c.data[4*row:]))))
}

// output is a column that is being written. Its buffers are used again by the next batch.
type output struct {
	kind    byte
	masked  bool
	mask    []byte
	data    []byte // numbers, or the ends of texts
	text    []byte
	pending value
}

// value is one value on its way out. The zero value is absent.
type value struct {
	state State
	num   int64 // integer; bool as 0 or 1; date as days since 1970-01-01
	text  string
}

func (c *output) reset(kind byte) {
	c.kind, c.masked = kind, false
	c.mask, c.data, c.text = c.mask[:0], c.data[:0], c.text[:0]
}

func (c *output) add(v value) {
	m := byte(maskPresent)
	switch v.state {
	case Null:
		m, c.masked = maskNull, true
	case Absent:
		m, c.masked = maskAbsent, true
	}
	c.mask = append(c.mask, m)
	if m != maskPresent {
		v = value{}
	}
	switch c.kind {
	case kindInteger:
		c.data = binary.LittleEndian.AppendUint64(c.data, uint64(v.num))
	case kindBool:
		c.data = append(c.data, byte(v.num))
	case kindDate:
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(int32(v.num)))
	default:
		c.text = append(c.text, v.text...)
		c.data = binary.LittleEndian.AppendUint32(c.data, uint32(len(c.text)))
	}
}

// append writes the column in its flat form.
func (c *output) append(b []byte) []byte {
	masked := byte(0)
	if c.masked {
		masked = 1
	}
	b = append(b, c.kind, masked, 0, 0, 0, 0, 0, 0)
	if c.masked {
		b = pad(append(b, c.mask...), len(c.mask))
	}
	if c.kind == kindText || c.kind == kindDecimal {
		b = append(b, 0, 0, 0, 0) // where the first begins
		b = pad(append(b, c.data...), 4+len(c.data))
		return pad(append(b, c.text...), len(c.text))
	}
	return pad(append(b, c.data...), len(c.data))
}

func pad(b []byte, n int) []byte {
	for ; n%8 != 0; n++ {
		b = append(b, 0)
	}
	return b
}

// writer collects the answer to a batch: the columns, and behind them one of errors.
type writer struct {
	columns []output // the last one is that of the errors
	buf     []byte
}

func (w *writer) reset(columns []column) {
	for len(w.columns) < len(columns)+1 {
		w.columns = append(w.columns, output{})
	}
	w.columns = w.columns[:len(columns)+1]
	for i, c := range columns {
		w.columns[i].reset(c.kind)
	}
	w.errors().reset(kindText)
}

func (w *writer) errors() *output { return &w.columns[len(w.columns)-1] }

// nothing is a row that was not given to the function.
func (w *writer) nothing(s State) {
	for i := range len(w.columns) - 1 {
		w.columns[i].add(value{state: s})
	}
	w.errors().add(value{state: Null})
}

// fail is a row without an answer.
func (w *writer) fail(message string) {
	for i := range len(w.columns) - 1 {
		w.columns[i].add(value{})
	}
	if message == "" {
		message = "the function gives no reason"
	}
	if len(message) > maxError {
		message = message[:maxError]
	}
	w.errors().add(value{state: Present, text: valid(message)})
}

// bytes is the whole answer; it is good until the next one is written.
func (w *writer) bytes(rows int) []byte {
	b := binary.LittleEndian.AppendUint32(w.buf[:0], uint32(rows))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(w.columns)))
	for i := range w.columns {
		b = w.columns[i].append(b)
	}
	w.buf = b
	return b
}

// valid drops what is not UTF-8: the end of a text that was cut, for instance.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b []byte
	for _, r := range s {
		if r != utf8.RuneError {
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}
