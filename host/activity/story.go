package activity

import (
	"encoding/json"
	"time"
)

// Story is everything that is known of one record of a flow: what came, what made each field, every attempt, what was answered,
// and where it is now. It is what `pomost why` prints and the record's page of the terminal UI shows.
type Story struct {
	Flow  string `json:"flow"`
	Key   string `json:"key"`
	Label string `json:"label,omitempty"` // what people call the record
	// Status is where it is now: linked, held, failed, watched, skipped (a person left it out), pending (an outcome is open) or unknown
	// (nothing is remembered of it).
	Status string `json:"status"`
	Cause  string `json:"cause,omitempty"`
	Reason string `json:"reason,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Since is when it came to wait as it does, Tries how often it was tried since.
	Since time.Time `json:"since,omitzero"`
	Tries int       `json:"tries,omitempty"`
	// Source is the source's record as it last came, and SourceTime when; nil once the retention dropped it.
	Source     *Payload  `json:"source,omitempty"`
	SourceTime time.Time `json:"source_time,omitzero"`
	// Links are its counterparts in the destination.
	Links []StoryLink `json:"links"`
	// Fields tell what each field of the outgoing record is made of, as it was when it was last sent; empty where nothing was, or where retention dropped it.
	Fields []FieldOrigin `json:"fields"`
	// Attempts are what was done about it, oldest first.
	Attempts []Attempt `json:"attempts"`
	// Open are effects whose outcome is not known.
	Open []OpenEffect `json:"open"`
}

// StoryLink is a counterpart of the record.
type StoryLink struct {
	Kind       string    `json:"kind"`
	Connection string    `json:"connection"`
	Object     string    `json:"object"`
	Key        string    `json:"key"`
	Verified   string    `json:"verified"`
	Since      time.Time `json:"since"`
}

// FieldOrigin is one outgoing field: its value, and the rule and the source's value that made it.
type FieldOrigin struct {
	Object string `json:"object"`
	Field  string `json:"field"`
	Value  string `json:"value"`
	// Rule is the mapping's rule in one line; Function the function that took part, with its version; Overridden tells that the flow, and
	// not the recipe, says so.
	Rule       string `json:"rule"`
	Function   string `json:"function,omitempty"`
	Overridden bool   `json:"overridden,omitempty"`
	// From are the source's fields with their values.
	From []FieldValue `json:"from"`
}

// FieldValue is a field with its value as text.
type FieldValue struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Attempt is one line of the log with its payloads.
type Attempt struct {
	Time    time.Time `json:"time"`
	Run     string    `json:"run,omitempty"`
	Step    string    `json:"step,omitempty"`
	Action  string    `json:"action,omitempty"`
	Object  string    `json:"object,omitempty"`
	Outcome string    `json:"outcome"`
	Result  string    `json:"result,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Message string    `json:"message,omitempty"`
	Millis  int64     `json:"millis"`
	// Payloads are kept until the retention drops them.
	Payloads []Payload `json:"payloads,omitempty"`
}

// Payload is one slice: what came in, was sent or was answered.
type Payload struct {
	// Kind is in (the source's record), out (what was sent), answer, or exchange (a raw request with its answer).
	Kind   string `json:"kind"`
	Object string `json:"object,omitempty"`
	// Body is JSON; Cut tells that it was longer than is kept.
	Body json.RawMessage `json:"body"`
	Cut  bool            `json:"cut,omitempty"`
}

// OpenEffect is an intent without a known outcome.
type OpenEffect struct {
	Object    string    `json:"object"`
	Action    string    `json:"action"`
	State     string    `json:"state"` // open, unknown or given_up
	Reference string    `json:"reference,omitempty"`
	Opened    time.Time `json:"opened"`
	// LookAgain is when the outcome can be looked up.
	LookAgain time.Time `json:"look_again"`
}
