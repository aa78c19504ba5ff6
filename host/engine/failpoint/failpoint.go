// Package failpoint marks every step between intent, send, answer, link and cursor by name, so that tests can kill the real process
// there. In a normal build Hit does nothing at all; with the build tag failpoint it obeys the environment.
package failpoint

// Names lists every failpoint, in the order of a record's way. A test asserts that each was hit.
var Names = []string{
	"run-leased",      // the lease is ours, nothing else happened
	"decided",         // a record is decided, nothing is durable
	"intent-durable",  // the intent is written, nothing is sent
	"answered",        // the destination has answered, nothing of it is written
	"answer-durable",  // the answer and the link are written, the rest of the record is not
	"verify-before",   // all is written, what was booked is not yet compared
	"verify-durable",  // the comparison is written
	"record-durable",  // the record's end is written, the cursor is not
	"cursor-durable",  // the cursor is written
	"unknown-durable", // an unknown outcome is written
	"settle-before",   // the settle time is over, nothing is looked up yet
	"settle-durable",  // what was found of an unknown outcome is written
	"run-done-before", // all work is done, the run is not closed
}
