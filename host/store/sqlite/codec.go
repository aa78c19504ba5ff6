package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pomost/pomost/sdk/record"
)

// micros is a time as it is stored: microseconds in UTC, 0 for no time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// hash64 is what ends of links and keys of log lines are found by; rows are compared in full afterwards. It is never 0.
func hash64(parts ...string) int64 {
	h := sha256.New()
	var n [binary.MaxVarintLen64]byte
	for _, p := range parts {
		h.Write(n[:binary.PutUvarint(n[:], uint64(len(p)))])
		h.Write([]byte(p))
	}
	var sum [sha256.Size]byte
	v := int64(binary.BigEndian.Uint64(h.Sum(sum[:0])))
	if v == 0 {
		return 1
	}
	return v
}

// fingerprint is a fingerprint as it is stored: nothing for the zero one.
func fingerprint(f record.Fingerprint) []byte {
	if f == (record.Fingerprint{}) {
		return []byte{}
	}
	return f[:]
}

func toFingerprint(b []byte) (f record.Fingerprint) {
	copy(f[:], b)
	return f
}

// pack writes a map as its entries in order of the keys, each text after its length.
func pack(m map[string]string) []byte {
	b := []byte{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = binary.AppendUvarint(b, uint64(len(k)))
		b = append(b, k...)
		b = binary.AppendUvarint(b, uint64(len(m[k])))
		b = append(b, m[k]...)
	}
	return b
}

var errPacked = errors.New("a stored map is damaged")

// unpack reads what pack wrote; nil for none.
func unpack(b []byte) (map[string]string, error) {
	if len(b) == 0 {
		return nil, nil
	}
	text := string(b)
	m := map[string]string{}
	next := func() (string, bool) {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return "", false
		}
		start := len(text) - len(b) + k
		b = b[k+int(n):]
		return text[start : start+int(n)], true
	}
	for len(b) > 0 {
		key, ok := next()
		if !ok {
			return nil, errPacked
		}
		value, ok := next()
		if !ok {
			return nil, errPacked
		}
		m[key] = value
	}
	return m, nil
}
