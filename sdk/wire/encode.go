package wire

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/pomost/pomost/sdk/record"
)

// AppendRecord appends a record, packed by its own schema.
func AppendRecord(b []byte, r record.Record) ([]byte, error) {
	if r.Schema == nil {
		return b, mismatch("a record without a schema")
	}
	out, _, err := appendRoot(b, r.Schema, r)
	if err != nil {
		return b, err
	}
	return out, nil
}

// Pack appends as many of the records as fit into one frame and returns how many those are: all, or fewer when a limit
// of the frame is reached; the rest goes into the next. Each must have the shape of s.
func Pack(b []byte, s *record.Schema, rs []record.Record) (packed []byte, n int, err error) {
	if s == nil && len(rs) > 0 {
		return b, 0, mismatch("records without a schema")
	}
	if b == nil && s != nil {
		// A guess that is right for ordinary fields spares most of the growing.
		b = make([]byte, 0, min(min(len(rs), MaxBatch)*(1+12*len(s.Fields)), softFrameBytes/8))
	}
	packed, values := b, 0
	for n < len(rs) && n < MaxBatch && len(packed)-len(b) < softFrameBytes && values < softFrameValues {
		var count int
		packed, count, err = appendRoot(packed, s, rs[n])
		if err != nil {
			return b, 0, fmt.Errorf("record %d of the batch: %w", n+1, err)
		}
		values += count
		n++
	}
	return packed, n, nil
}

func appendRoot(b []byte, s *record.Schema, r record.Record) ([]byte, int, error) {
	e := encoder{b: b}
	if err := e.record(s, r, 0); err != nil {
		return nil, 0, err
	}
	if len(e.b)-len(b) > MaxRecord {
		return nil, 0, overLimit("a record of %d bytes, at most %d", len(e.b)-len(b), MaxRecord)
	}
	return e.b, e.values, nil
}

// AppendValue appends a scalar with its kind before it, for where no schema is at hand: keys and conditions.
func AppendValue(b []byte, v record.Value) ([]byte, error) {
	e := encoder{b: msgp.AppendUint8(b, uint8(v.Kind()))}
	if k := v.Kind(); k == record.KindList || k == record.KindRecord {
		return b, mismatch("a %s where a scalar is wanted", k)
	}
	if err := e.value(record.Type{Kind: v.Kind()}, v, 0); err != nil {
		return b, err
	}
	return e.b, nil
}

type encoder struct {
	b      []byte
	values int
}

func (e *encoder) record(s *record.Schema, r record.Record, depth int) *Error {
	if depth > record.MaxDepth {
		return overLimit("nested deeper than %d", record.MaxDepth)
	}
	if len(r.Values) > len(s.Fields) {
		return mismatch("%d values for %d fields of %s", len(r.Values), len(s.Fields), s.Name)
	}
	if r.Schema != s && r.Schema != nil && !sameNames(r.Schema, s, len(r.Values)) {
		return mismatch("a record of another schema (%s, want %s)", r.Schema.Name, s.Name)
	}
	e.b = msgp.AppendArrayHeader(e.b, uint32(len(s.Fields)))
	for i := range s.Fields {
		if i >= len(r.Values) {
			e.absent()
			continue
		}
		if err := e.value(s.Fields[i].Type, r.Values[i], depth); err != nil {
			return err.in(s.Fields[i].Name)
		}
	}
	return nil
}

// sameNames reports whether the first n fields of two schemas are named alike, so that values by position mean the same.
func sameNames(a, b *record.Schema, n int) bool {
	if len(a.Fields) < n || len(b.Fields) < n {
		return false
	}
	for i := range n {
		if a.Fields[i].Name != b.Fields[i].Name {
			return false
		}
	}
	return true
}

func (e *encoder) absent() {
	e.values++
	e.b = append(e.b, codeExt8, 0, extAbsent)
}

func (e *encoder) value(t record.Type, v record.Value, depth int) *Error {
	if e.values++; e.values > MaxValues {
		return overLimit("more than %d values", MaxValues)
	}
	switch v.Kind() {
	case record.KindAbsent:
		e.b = append(e.b, codeExt8, 0, extAbsent)
		return nil
	case record.KindNull:
		e.b = append(e.b, codeNil)
		return nil
	}
	if v.Kind() != t.Kind {
		return mismatch("is %s, want %s", v.Kind(), t.Kind)
	}
	switch t.Kind {
	case record.KindText:
		s := v.AsText()
		if len(s) > MaxText {
			return overLimit("a text of %d bytes, at most %d", len(s), MaxText)
		}
		if !utf8.ValidString(s) {
			return mismatch("not valid UTF-8")
		}
		e.b = msgp.AppendString(e.b, s)
	case record.KindInteger:
		i, _ := v.AsInteger()
		e.b = appendInt(e.b, i)
	case record.KindDecimal:
		d, _ := v.AsDecimal()
		var text [96]byte
		e.b = appendExt(e.b, extDecimal, append(text[:0], d.String()...))
	case record.KindBool:
		e.b = msgp.AppendBool(e.b, v.AsBool())
	case record.KindDate:
		d, _ := v.AsDate()
		if int64(d) < minDay || int64(d) > maxDay {
			return mismatch("a date outside the years 1 to 9999")
		}
		e.b = appendInt(e.b, int64(d))
	case record.KindInstant:
		at, _ := v.AsInstant()
		if s := at.Unix(); s < minSecond || s > maxSecond {
			return mismatch("an instant outside the years 1 to 9999")
		}
		e.b = appendInstant(e.b, at)
	case record.KindBytes:
		raw := v.AsBytes()
		if len(raw) > MaxText {
			return overLimit("%d bytes, at most %d", len(raw), MaxText)
		}
		e.b = msgp.AppendBytes(e.b, raw)
	case record.KindList:
		return e.list(t, v.AsList(), depth)
	case record.KindRecord:
		n, _ := v.AsRecord()
		return e.record(t.Record, n, depth+1)
	default:
		return mismatch("a field cannot be of kind %s", t.Kind)
	}
	return nil
}

func (e *encoder) list(t record.Type, list []record.Value, depth int) *Error {
	if len(list) > MaxList {
		return overLimit("a list of %d elements, at most %d", len(list), MaxList)
	}
	if depth+1 > record.MaxDepth {
		return overLimit("nested deeper than %d", record.MaxDepth)
	}
	e.b = msgp.AppendArrayHeader(e.b, uint32(len(list)))
	for i, v := range list {
		if err := e.value(*t.Elem, v, depth+1); err != nil {
			return err.in(fmt.Sprintf("[%d]", i))
		}
	}
	return nil
}

// appendInt writes the smallest form, which msgp does for unsigned numbers and for negative ones.
func appendInt(b []byte, i int64) []byte {
	if i >= 0 {
		return msgp.AppendUint64(b, uint64(i))
	}
	return msgp.AppendInt64(b, i)
}

// appendExt writes the smallest form of an extension of up to 255 bytes.
func appendExt(b []byte, typ int8, payload []byte) []byte {
	switch n := len(payload); n {
	case 1:
		b = append(b, codeFixExt1, byte(typ))
	case 2:
		b = append(b, codeFixExt2, byte(typ))
	case 4:
		b = append(b, codeFixExt4, byte(typ))
	case 8:
		b = append(b, codeFixExt8, byte(typ))
	case 16:
		b = append(b, codeFixExt16, byte(typ))
	default:
		b = append(b, codeExt8, byte(n), byte(typ))
	}
	return append(b, payload...)
}

func appendInstant(b []byte, t time.Time) []byte {
	sec, nsec := t.Unix(), uint64(t.Nanosecond())
	var buf [12]byte
	switch {
	case sec >= 0 && sec < 1<<32 && nsec == 0:
		binary.BigEndian.PutUint32(buf[:], uint32(sec))
		return appendExt(b, extTimestamp, buf[:4])
	case sec >= 0 && sec < 1<<34:
		binary.BigEndian.PutUint64(buf[:], nsec<<34|uint64(sec))
		return appendExt(b, extTimestamp, buf[:8])
	default:
		binary.BigEndian.PutUint32(buf[:], uint32(nsec))
		binary.BigEndian.PutUint64(buf[4:], uint64(sec))
		return appendExt(b, extTimestamp, buf[:12])
	}
}
