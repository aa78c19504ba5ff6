package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"
)

// The journal stands beside the state file and holds what happened since that was written: each call that may change the company,
// before it is done and answered, and the tokens after each trade. So a sandbox that is killed loses nothing that it has answered; what
// was under way may be done or not, as with any system. It is written through to the operating system and not to the disk: a machine
// that loses its power may lose the last moments. Codes of a consent, which live a minute, are not kept.

// maxJournal is the size at which the state is written anew and the journal begins again.
const maxJournal = 64 << 20

// maxEntry bounds a line when the journal is read; the body of a call is bounded by maxBody and is base64 here.
const maxEntry = 2*maxBody + 1<<20

// journal is the open file. It belongs to whoever holds companyMu or, for tokens, to the lock inside.
type journal struct {
	path string
	file *os.File
	size int64
}

// entry is a line: a call of the company, something that happened by itself, or the tokens as they are now.
type entry struct {
	// Generation opens the file: it must be that of the state file, or the journal is older than that and already in it.
	Generation int         `json:"generation,omitempty"`
	Time       *time.Time  `json:"time,omitempty"`
	Method     string      `json:"method,omitempty"`
	URL        string      `json:"url,omitempty"` // relative to the API's base
	Header     http.Header `json:"header,omitempty"`
	Grant      *Grant      `json:"grant,omitempty"`
	Body       []byte      `json:"body,omitempty"`
	Live       int         `json:"live,omitempty"`

	Refresh map[string]chain       `json:"refresh,omitempty"`
	Access  map[string]savedAccess `json:"access,omitempty"`
}

func journalPath(state string) string { return state + ".journal" }

// begin writes the state as it is and starts an empty journal. The generation makes a crash between the two harmless. The caller holds
// companyMu, or nobody else is there yet.
func (s *server) begin(state string) error {
	s.generation++
	if err := s.saveState(state); err != nil {
		return err
	}
	if s.journal != nil {
		_ = s.journal.file.Close() // its content is in the state now
	}
	s.journal = nil
	line, err := json.Marshal(entry{Generation: s.generation})
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	path := journalPath(state)
	if err := writeFileAtomic(path, append(line, '\n')); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	s.journal = &journal{path: state, file: f}
	return nil
}

// end saves the state and removes the journal.
func (s *server) end(state string) error {
	s.companyMu.Lock()
	defer s.companyMu.Unlock()
	s.generation++
	err := s.saveState(state)
	if s.journal == nil {
		return err
	}
	err = errors.Join(err, s.journal.file.Close())
	if err == nil {
		err = os.Remove(journalPath(state))
	}
	return err
}

func (j *journal) write(e entry) error {
	line, err := json.Marshal(e)
	if err == nil {
		var n int
		n, err = j.file.Write(append(line, '\n'))
		j.size += int64(n)
	}
	if err != nil {
		return fmt.Errorf("--state: the journal %s cannot be written: %w", j.file.Name(), err)
	}
	return nil
}

// changes tells whether a call may change the company.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// inCompany lets the company do a call, after it was written down where the state is kept. The caller holds companyMu.
func (s *server) inCompany(w http.ResponseWriter, r *http.Request) {
	if s.journal == nil || !changes(r) {
		s.company.ServeHTTP(w, r)
		return
	}
	at := s.now()
	body, err := io.ReadAll(r.Body)
	if err == nil && s.sys.Replays {
		header := r.Header.Clone()
		header.Del("Authorization")
		grant := GrantOf(r.Context())
		err = s.journal.write(entry{Time: &at, Method: r.Method, URL: r.URL.String(), Header: header, Grant: &grant, Body: body})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.still = at
	s.company.ServeHTTP(w, r)
	s.still = time.Time{}
	if !s.sys.Replays || s.journal.size > maxJournal {
		if err := s.begin(s.journal.path); err != nil {
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
		}
	}
}

// tokens writes the tokens down after a call of the identity server.
func (s *server) tokens() error {
	s.companyMu.Lock()
	defer s.companyMu.Unlock()
	if s.journal == nil {
		return nil
	}
	e := entry{}
	e.Refresh, e.Access = s.auth.saved()
	return s.journal.write(e)
}

// lives lets the nth thing happen in the company. The caller holds companyMu.
func (s *server) lives(c Lively, n int) error {
	if s.journal == nil {
		return c.Live(n)
	}
	at := s.now()
	if s.sys.Replays {
		if err := s.journal.write(entry{Time: &at, Live: n}); err != nil {
			return err
		}
	}
	s.still = at
	err := c.Live(n)
	s.still = time.Time{}
	if !s.sys.Replays {
		err = errors.Join(err, s.begin(s.journal.path))
	}
	return err
}

// companyNow is the company's clock. It stands still during a call that is written down, so that the same call makes the same records
// when it is done again.
func (s *server) companyNow() time.Time {
	if !s.still.IsZero() {
		return s.still
	}
	return s.now()
}

// replay does again what the journal of the loaded state holds. A last line without its end was never answered.
func (s *server) replay(state string) error {
	path := journalPath(state)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("--state: %v", err)
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var e entry
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err != nil {
			return usagef("--state: %s line %d: %v; remove it to go on without what it holds", path, n, err)
		}
		if n == 1 {
			if e.Generation != s.generation {
				return nil // already in the state
			}
			continue
		}
		s.again(e)
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); err == nil {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if len(line) > maxEntry {
			return nil, errors.New("the line is too long")
		}
	}
}

func (s *server) again(e entry) {
	if e.Time != nil {
		s.still = *e.Time
		defer func() { s.still = time.Time{} }()
	}
	switch {
	case e.Method != "":
		r, err := http.NewRequestWithContext(context.Background(), e.Method, e.URL, bytes.NewReader(e.Body))
		if err != nil {
			return // was taken once by the same rules
		}
		r.Header = e.Header
		if e.Grant != nil {
			r = r.WithContext(WithGrant(r.Context(), *e.Grant))
		}
		s.company.ServeHTTP(&recorder{header: http.Header{}}, r)
	case e.Live > 0:
		if c, ok := s.company.(Lively); ok {
			_ = c.Live(e.Live) // its error only ends what happens by itself
		}
	default:
		s.auth.restore(e.Refresh, e.Access)
	}
}
