package store

import "github.com/pomost/pomost/sdk/record"

// Slice is what is kept beside a log line: what came in, what was sent, what was answered. It is sealed with its day's key before it
// comes here (package activity); the store knows neither.
type Slice struct {
	// Line is the index in Change.Log of the line it belongs to. Log, when not 0, is the ID of a line that was kept earlier instead.
	Line int
	Log  int64
	// Day is whose key it is sealed with, and when it goes.
	Day  record.Date
	Body []byte
}

// MaxSlices is how many slices one log line has at most; further ones are left out.
const MaxSlices = 64
