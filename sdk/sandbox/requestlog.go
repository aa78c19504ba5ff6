package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Call is one line of the request log.
type Call struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	// Path is the path with its query, as sent.
	Path string `json:"path"`
	// Object is the kind of record the call is about, where the system has such a word.
	Object string `json:"object"`
	// Status is the answer's, also where it did not reach the caller (lost-reply); 0 where nothing was answered.
	Status int `json:"status"`
	// Fault is what was made to go wrong; several are joined by "+". "" means nothing.
	Fault string `json:"fault"`
}

// keptCalls bounds the calls kept in memory for Running.Log; the file keeps all.
const keptCalls = 100_000

type requestLog struct {
	mu    sync.Mutex
	calls []Call
	next  int // where the oldest call is, once calls is full
	file  *os.File
	err   error
}

func openLog(path string) (*requestLog, error) {
	l := &requestLog{}
	if path == "" {
		return l, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, usagef("--log: %v", err)
	}
	l.file = f
	return l, nil
}

// add writes the call before its answer goes out, so that whoever got the answer finds the line.
func (l *requestLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.calls) < keptCalls {
		l.calls = append(l.calls, c)
	} else {
		l.calls[l.next] = c
		l.next = (l.next + 1) % keptCalls
	}
	if l.file == nil || l.err != nil {
		return
	}
	line, err := json.Marshal(c)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err != nil {
		l.err = fmt.Errorf("request log stopped: %w", err)
	}
}

func (l *requestLog) all() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(slices.Clone(l.calls[l.next:]), l.calls[:l.next]...)
}

func (l *requestLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.err
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
		l.file = nil
	}
	return err
}
