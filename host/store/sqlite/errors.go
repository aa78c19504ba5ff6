package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/pomost/pomost/host/store"
)

var (
	errClosed   = errors.New("the state is closed")
	errReadOnly = errors.New("the state is open for reading only")
)

const remedyCorrupt = "stop Pomost and put the last back-up of the home in its place"

// fail turns what the database answered into an error of the store; errors that have a meaning of their own pass.
func (s *Store) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	var (
		known *store.Error
		busy  *store.BusyError
		held  *store.HeldError
	)
	switch {
	case errors.As(err, &known), errors.As(err, &busy), errors.As(err, &held),
		errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrLost), errors.Is(err, store.ErrSettled),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	e := &store.Error{Code: store.CodeInternal, Err: err, Message: fmt.Sprintf("the state in %s failed at %q", s.path, op),
		Remedy: "report this with the text of the error"}
	var d *driver.Error
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		diskFull(e, s.path)
	case errors.Is(err, fs.ErrPermission):
		denied(e, s.path)
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Message, e.Remedy = store.CodeDenied, "the folder of "+s.path+" does not exist", "make it, or name another home with --home"
	case errors.Is(err, errReadOnly), errors.Is(err, errClosed):
		e.Remedy = ""
	case errors.As(err, &d):
		classify(e, s.path, d.Code())
	}
	return e
}

// classify sets what a result code of SQLite means to a person (sqlite.org/rescode.html).
func classify(e *store.Error, path string, code int) {
	switch code & 0xff {
	case lib.SQLITE_FULL:
		diskFull(e, path)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		e.Code, e.Message, e.Remedy = store.CodeBusy, "another process keeps the state in "+path+" locked", "end that process, or wait for it"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN, lib.SQLITE_AUTH:
		denied(e, path)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		e.Code, e.Message, e.Remedy = store.CodeCorrupt, "the state file "+path+" is damaged or is no state of Pomost", remedyCorrupt
	case lib.SQLITE_IOERR:
		e.Code, e.Message, e.Remedy = store.CodeIO, "the disk under "+path+" answers with an error", "look at the disk; the same command works again once it does"
	}
}

func diskFull(e *store.Error, path string) {
	e.Code, e.Message = store.CodeDiskFull, "the disk under "+path+" is full; nothing was changed"
	e.Remedy = "make room; the same command then goes on where it stopped"
}

func denied(e *store.Error, path string) {
	e.Code, e.Message = store.CodeDenied, "the state in "+path+" cannot be opened, read or written"
	e.Remedy = "give the user who runs Pomost the rights to the file and its folder"
}

// failed reports whether SQLite has given the whole transaction up, as it does when the disk is full or fails.
func failed(err error) bool {
	var d *driver.Error
	if !errors.As(err, &d) {
		return false
	}
	switch d.Code() & 0xff {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_NOMEM, lib.SQLITE_CORRUPT, lib.SQLITE_BUSY, lib.SQLITE_INTERRUPT:
		return true
	}
	return false
}
