package home

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pomost/pomost/host/store"
)

// LockWait is how long a command waits for the lock.
const LockWait = 30 * time.Second

// lockPoll is how often a waiting command looks; the system's own waiting would not obey a context.
const lockPoll = 50 * time.Millisecond

// maxHolder bounds what is read and written about the holder.
const maxHolder = 4096

// Holder is who has the lock, as it wrote down itself.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Started time.Time `json:"started"`
}

// LockedError says who kept the lock for longer than we waited.
type LockedError struct {
	Home   string
	Waited time.Duration
	Holder Holder // zero when it could not be read
}

// Error names the holder.
func (e *LockedError) Error() string {
	who := "another process"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d (%s, since %s)", e.Holder.PID, e.Holder.Command, e.Holder.Started.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("the home %s is in use by %s; waited %s for it", e.Home, who, e.Waited)
}

// Remedy tells what to do.
func (e *LockedError) Remedy() string {
	return "wait until that command is done, or end it; its work is not lost and goes on with the next run"
}

// Lock is the right to write in a home. The operating system takes it back when the process dies, however it dies; the file stays.
type Lock struct {
	home string

	mu   sync.Mutex
	file *os.File
}

// errTaken is what tryLock answers while another one has the lock.
var errTaken = errors.New("the lock is taken")

// Lock takes the home's lock and waits up to wait for it, then fails with *LockedError. holder is the command as a person knows
// it, without secrets: "pomost run orders".
func (h *Home) Lock(ctx context.Context, wait time.Duration, holder string) (*Lock, error) {
	path := filepath.Join(h.Run(), "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &store.Error{Code: store.CodeDenied, Message: "the lock " + path + " cannot be opened", Err: err,
			Remedy: "run Pomost as the user who owns the home, or name another one with --home"}
	}
	if err := await(ctx, f, wait); err != nil {
		defer f.Close()
		switch {
		case errors.Is(err, errTaken):
			return nil, &LockedError{Home: h.dir, Waited: wait, Holder: readHolder(f)}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		return nil, &store.Error{Code: store.CodeIO, Message: "the home " + h.dir + " cannot be locked", Err: err,
			Remedy: "use a folder on a local disk as home"}
	}
	l := &Lock{home: h.dir, file: f}
	if err := writeHolder(f, Holder{PID: os.Getpid(), Command: cut(holder), Started: time.Now().UTC().Truncate(time.Second)}); err != nil {
		// Who holds it is only told to others; a full disk must not keep a command from running that may make room.
		_ = f.Truncate(0)
	}
	return l, nil
}

// cut bounds a command line and keeps it on one line.
func cut(command string) string {
	command = strings.Join(strings.Fields(command), " ")
	if len(command) > 500 {
		command = strings.ToValidUTF8(command[:500], "") + "…"
	}
	return command
}

func await(ctx context.Context, f *os.File, wait time.Duration) error {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		if err := tryLock(f); !errors.Is(err, errTaken) {
			return err
		}
		poll := time.NewTimer(lockPoll)
		select {
		case <-ctx.Done():
			poll.Stop()
			return ctx.Err()
		case <-deadline.C:
			poll.Stop()
			return tryLock(f)
		case <-poll.C:
		}
	}
}

func writeHolder(f *os.File, h Holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, '\n'), 0)
	return err
}

// readHolder reads who has the lock; the zero Holder when nobody wrote it, or only half.
func readHolder(f *os.File) (h Holder) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxHolder))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

func (l *Lock) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file != nil
}

// Release gives the lock back; twice is once.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	// The file is never removed: a waiter may have it open, and a new one under its name would be a second lock.
	return errors.Join(f.Truncate(0), f.Close())
}
