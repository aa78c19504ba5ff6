package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/pomost/pomost/sdk/decimal"
)

// Fingerprint is the SHA-256 of a record's canonical form: typed values by field name. It does not depend on the order
// of fields, on the wire form or on absent fields, so that it stays the same when a schema gains a field.
type Fingerprint [sha256.Size]byte

// FingerprintOf computes the fingerprint of a record.
func FingerprintOf(r Record) Fingerprint {
	var b bytes.Buffer
	appendCanonical(&b, Nested(r))
	return sha256.Sum256(b.Bytes())
}

// FingerprintOfValue computes the fingerprint of one value.
func FingerprintOfValue(v Value) Fingerprint {
	var b bytes.Buffer
	appendCanonical(&b, v)
	return sha256.Sum256(b.Bytes())
}

// String is the fingerprint in hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// appendCanonical writes the canonical form that docs/wire.md describes: one byte for the kind, then
// the content; variable lengths are preceded by their length as 8 bytes, big endian.
func appendCanonical(b *bytes.Buffer, v Value) {
	b.WriteByte(byte(v.kind))
	switch v.kind {
	case KindText, KindBytes:
		appendString(b, v.str)
	case KindInteger, KindBool, KindDate:
		appendUint(b, uint64(v.num))
	case KindDecimal:
		appendString(b, v.ref.(decimal.Decimal).String())
	case KindInstant:
		t := v.ref.(time.Time)
		appendUint(b, uint64(t.Unix()))
		appendUint(b, uint64(t.Nanosecond()))
	case KindList:
		list := v.AsList()
		appendUint(b, uint64(len(list)))
		for _, e := range list {
			appendCanonical(b, e)
		}
	case KindRecord:
		r, _ := v.AsRecord()
		names := r.Names()
		appendUint(b, uint64(len(names)))
		for _, n := range names {
			appendString(b, n)
			appendCanonical(b, r.Get(n))
		}
	}
}

func appendString(b *bytes.Buffer, s string) {
	appendUint(b, uint64(len(s)))
	b.WriteString(s)
}

func appendUint(b *bytes.Buffer, n uint64) {
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], n)
	b.Write(buf[:])
}
