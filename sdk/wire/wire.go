// Package wire packs records for the connector protocol: a schema tree, then records as positional MessagePack by it.
// docs/wire.md is the specification; testdata/vectors.json lets every language check itself against it.
//
// Decoding takes bytes from another process: whatever they are, it ends in a value or in an *Error, never in a panic, and
// allocates by what is really there, never by a length that is merely claimed.
package wire

import (
	"errors"
	"fmt"
)

// Limits. Both sides keep them; what is over is an error, nothing is cut.
const (
	MaxRecord = 16 << 20  // bytes of one packed record
	MaxText   = 8 << 20   // bytes of one text or byte string
	MaxList   = 100_000   // elements of one list
	MaxValues = 1_000_000 // values in one record, nested ones and lists included
	MaxBatch  = 10_000    // records in one frame
	MaxSchema = 1 << 20   // bytes of one schema tree
	MaxFields = 10_000    // fields in one schema tree, nested ones included

	// A frame takes no further record once it holds this much. With one record of the greatest size on top it stays
	// within the 24 MiB of a message.
	softFrameBytes  = 4 << 20
	softFrameValues = 500_000

	maxFrameValues = softFrameValues + MaxValues
)

// The kinds of failure, for errors.Is.
var (
	// ErrMalformed: the bytes are not what docs/wire.md describes.
	ErrMalformed = errors.New("malformed")
	// ErrLimit: a limit is exceeded.
	ErrLimit = errors.New("over the limit")
	// ErrMismatch: a value does not fit its field.
	ErrMismatch = errors.New("does not fit the schema")
)

// Error says what is wrong with packed bytes, or with a record that cannot be packed.
type Error struct {
	Kind error  // ErrMalformed, ErrLimit or ErrMismatch
	Path string // the field, "Rows[3].Price"; "" when it concerns the whole
	What string
}

// Error is the path, what is wrong, and the kind.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s: %v", e.What, e.Kind)
	}
	return fmt.Sprintf("%s: %s: %v", e.Path, e.What, e.Kind)
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

func malformed(format string, args ...any) *Error {
	return &Error{Kind: ErrMalformed, What: fmt.Sprintf(format, args...)}
}

func overLimit(format string, args ...any) *Error {
	return &Error{Kind: ErrLimit, What: fmt.Sprintf(format, args...)}
}

func mismatch(format string, args ...any) *Error {
	return &Error{Kind: ErrMismatch, What: fmt.Sprintf(format, args...)}
}

// in puts a step of the path before that of the error.
func (e *Error) in(step string) *Error {
	switch {
	case e.Path == "":
		e.Path = step
	case e.Path[0] == '[':
		e.Path = step + e.Path
	default:
		e.Path = step + "." + e.Path
	}
	return e
}

// Extension types and first bytes of MessagePack that this package reads or writes itself.
const (
	extDecimal   = 1
	extAbsent    = 2
	extTimestamp = -1

	codeNil      = 0xc0
	codeExt8     = 0xc7
	codeExt16    = 0xc8
	codeExt32    = 0xc9
	codeFixExt1  = 0xd4
	codeFixExt2  = 0xd5
	codeFixExt4  = 0xd6
	codeFixExt8  = 0xd7
	codeFixExt16 = 0xd8
)

// Instants and dates lie between the years 1 and 9999, so that every language and store can hold them.
const (
	minSecond = -62135596800 // 0001-01-01T00:00:00Z
	maxSecond = 253402300799 // 9999-12-31T23:59:59Z
	minDay    = minSecond / 86400
	maxDay    = maxSecond / 86400
)
