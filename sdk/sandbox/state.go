package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// stateVersion is the form of the state file; another one is refused.
const stateVersion = 1

// savedState is the state file: the company and its chains of tokens, so that a client which stored a refresh token can
// go on after a restart.
type savedState struct {
	Version    int    `json:"version"`
	Generation int    `json:"generation,omitempty"` // which journal continues it
	System     string `json:"system"`
	// Set is kept so that a file made for another company is refused instead of half understood.
	Set          map[string]string      `json:"set"`
	ClientID     string                 `json:"client_id"`
	ClientSecret string                 `json:"client_secret"`
	Refresh      map[string]chain       `json:"refresh"`
	Access       map[string]savedAccess `json:"access"`
	Company      json.RawMessage        `json:"company"`
}

type savedAccess struct {
	Chain   chain     `json:"chain"`
	Expires time.Time `json:"expires"`
}

func (s *server) loadState(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("--state: %v", err)
	}
	var st savedState
	if err := json.Unmarshal(data, &st); err != nil {
		return usagef("--state %s: not a state file: %v", path, err)
	}
	if st.Version != stateVersion || st.System != s.sys.Name {
		return usagef("--state %s: made by %s version %d, this is %s version %d; remove it to start anew", path, st.System, st.Version, s.sys.Name, stateVersion)
	}
	if !maps.Equal(st.Set, s.set) {
		return usagef("--state %s: made with other --set values; use the same ones, or remove the file to start anew", path)
	}
	if err := s.company.Restore(st.Company); err != nil {
		return fmt.Errorf("--state %s: %w", path, err)
	}
	a := s.auth
	s.generation = st.Generation
	a.clientID, a.clientSecret = st.ClientID, st.ClientSecret
	a.restore(st.Refresh, st.Access)
	return nil
}

// saved are the tokens as a state file keeps them.
func (a *authServer) saved() (map[string]chain, map[string]savedAccess) {
	a.mu.Lock()
	defer a.mu.Unlock()
	access := make(map[string]savedAccess, len(a.access))
	for k, t := range a.access {
		access[k] = savedAccess{Chain: t.chain, Expires: t.expires}
	}
	return maps.Clone(a.refresh), access
}

// restore replaces the tokens.
func (a *authServer) restore(refresh map[string]chain, access map[string]savedAccess) {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.refresh)
	clear(a.access)
	maps.Copy(a.refresh, refresh)
	for k, t := range access {
		a.access[k] = accessToken{chain: t.Chain, expires: t.Expires}
	}
}

// saveState writes the state file. The caller holds companyMu, or nobody else is there yet.
func (s *server) saveState(path string) error {
	company, err := s.company.Snapshot()
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	a := s.auth
	st := savedState{
		Version: stateVersion, Generation: s.generation, System: s.sys.Name, Set: s.set, ClientID: a.clientID, ClientSecret: a.clientSecret, Company: company,
	}
	st.Refresh, st.Access = a.saved()
	data, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	return writeFileAtomic(path, data)
}

// writeFileAtomic replaces the file as a whole or not at all; readable by its owner only, since it holds tokens.
func writeFileAtomic(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	return nil
}
