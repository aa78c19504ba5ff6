// Package activity is the activity log: what came in, what was sent, what was answered, and why. It makes payloads of records and
// exchanges, seals them with a key a day, finds and opens them again, and drops them with their day's key when their time is over.
//
// The store keeps the lines of the log in the clear (keys, codes, counts) and the payloads as sealed slices that it cannot read.
package activity

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/record"
)

// Keys seal with a key a day and make keyed hashes; the vault of a home does.
type Keys interface {
	SealDay(day record.Date, plain, bound []byte) ([]byte, error)
	// OpenDay fails where the key of the day was dropped; Dropped tells whether that is what an error says.
	OpenDay(day record.Date, sealed, bound []byte) ([]byte, error)
	Dropped(err error) bool
	DropDays(before record.Date) (int, error)
	HashKey(domain, text string) string
}

// Log seals what is kept beside log lines and opens it again. Safe for concurrent use.
type Log struct{ Keys Keys }

// Label seals into a line what people call its record, and the hash that it is found by.
func (l Log) Label(line *store.LogLine, label string) error {
	if label == "" {
		return nil
	}
	sealed, err := l.Keys.SealDay(day(*line), []byte(label), bound("label", *line))
	if err != nil {
		return fmt.Errorf("seal the label of record %s: %w", line.Key, err)
	}
	line.Label, line.LabelHash = sealed, l.LabelHash(label)
	return nil
}

// LabelHash is what a label is found by: letter case and surrounding spaces do not count. It is never 0 but for "".
func (l Log) LabelHash(label string) int64 {
	label = strings.ToLower(strings.TrimSpace(label))
	if label == "" {
		return 0
	}
	n, err := strconv.ParseUint(l.Keys.HashKey("label", label)[:16], 16, 64)
	if err != nil || n == 0 {
		return 1
	}
	return int64(n)
}

// LabelOf is what people call the record of a line, "" where that is not known or not readable any more.
func (l Log) LabelOf(line store.LogLine) string {
	if len(line.Label) == 0 {
		return ""
	}
	text, err := l.Keys.OpenDay(day(line), line.Label, bound("label", line))
	if err != nil {
		return ""
	}
	return string(text)
}

// Seal makes one slice of the payloads of a line. The caller says in the slice which line that is.
func (l Log) Seal(line store.LogLine, payloads []Payload) (store.Slice, error) {
	body, err := l.Keys.SealDay(day(line), pack(payloads), bound("slice", line))
	if err != nil {
		return store.Slice{}, fmt.Errorf("seal what is kept of record %s: %w", line.Key, err)
	}
	return store.Slice{Day: day(line), Body: body}, nil
}

// Open opens a slice of a line.
func (l Log) Open(line store.LogLine, s store.Slice) ([]Payload, error) {
	plain, err := l.Keys.OpenDay(s.Day, s.Body, bound("slice", line))
	if err != nil {
		return nil, err
	}
	return unpack(plain)
}

// day is the day whose key a line is sealed with: that of its time in UTC.
func day(line store.LogLine) record.Date { return record.NewDate(line.Time.UTC().Date()) }

// bound ties what is sealed to its line, so that it opens beside no other one.
func bound(what string, line store.LogLine) []byte {
	return mustJSON([]string{what, line.Flow, line.Run, line.Key, line.Step})
}

// packed is the first byte of a packed list of payloads; another form of it will have another one.
const packed = 1

// Bounds of a packed list: what is larger when it is unpacked is none of ours.
const (
	maxPacked  = maxPayloads*(maxBody+4096) + 1
	packedKind = 40 // letters of a kind
)

var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one of flate's
	}
	return w
}}

// pack writes payloads as one compressed list.
func pack(payloads []Payload) []byte {
	var b bytes.Buffer
	b.WriteByte(packed)
	w := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, _ = w.Write(mustJSON(payloads[:min(len(payloads), maxPayloads)])) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

var errPacked = errors.New("what was kept is damaged")

// unpack reads what pack wrote.
func unpack(b []byte) ([]Payload, error) {
	if len(b) == 0 || b[0] != packed {
		return nil, fmt.Errorf("%w: it has an unknown form", errPacked)
	}
	r := flate.NewReader(bytes.NewReader(b[1:]))
	plain, err := io.ReadAll(io.LimitReader(r, maxPacked+1))
	if err != nil || len(plain) > maxPacked {
		return nil, fmt.Errorf("%w: it cannot be unpacked", errPacked)
	}
	var payloads []Payload
	if err := json.Unmarshal(plain, &payloads); err != nil || len(payloads) > maxPayloads {
		return nil, fmt.Errorf("%w: it is no list of payloads", errPacked)
	}
	for _, p := range payloads {
		if p.Kind == "" || len(p.Kind) > packedKind || len(p.Body) == 0 {
			return nil, fmt.Errorf("%w: a payload is not complete", errPacked)
		}
	}
	return payloads, nil
}
