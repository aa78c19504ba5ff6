package store

import "errors"

// Code tells what is wrong with the state itself, so that a program can act on it.
type Code string

// The codes of Error.
const (
	CodeNotApplied Code = "not_applied"  // there is no state yet
	CodeDiskFull   Code = "disk_full"    // nothing was lost; the same call works again once there is room
	CodeBusy       Code = "busy"         // another process holds the state for longer than we wait
	CodeDenied     Code = "denied"       // the file or its folder cannot be read or written
	CodeCorrupt    Code = "corrupt"      // the file is damaged, or is none of ours
	CodeNewer      Code = "newer_schema" // written by a newer Pomost; left untouched
	CodeOlder      Code = "older_schema" // must be brought up to date by a command that writes
	CodeSecrets    Code = "secrets"      // a secret cannot be encrypted or decrypted
	CodeIO         Code = "io"           // the disk answers with an error
	CodeInternal   Code = "internal"     // a fault of ours
)

// ErrSettled refuses to move an intent that has its final state to another one.
var ErrSettled = errors.New("the intent is settled already")

// Error is a failure of the state itself: what happened, where, and what to do. The change it answers did not happen.
type Error struct {
	Code    Code
	Message string // one sentence, without secrets
	Remedy  string
	Err     error
}

// Error is the message with its cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of an error of the state, "" for any other.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Final tells whether an intent in this state stands in nobody's way any more. One that was given up does: a person must decide it.
func (s IntentState) Final() bool { return s != IntentOpen && s != IntentUnknown && s != IntentGivenUp }
