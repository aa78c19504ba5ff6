package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// LockFile is the name of the lock file in the folder of plugins.
const LockFile = "plugins.lock"

const maxLock = 1 << 20

// Pin is one installed plugin in the lock file. It decides: what does not have these checksums does not run.
type Pin struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	SHA256   string `json:"sha256"`   // of the binary
	Manifest string `json:"manifest"` // SHA-256 of plugin.yaml, which names the checksums of the recipes
	Binary   string `json:"binary"`   // its file's name
	// Installed is when, and From the file that it came from.
	Installed time.Time `json:"installed"`
	From      string    `json:"from"`
}

type lockFile struct {
	Format  int   `json:"format"`
	Plugins []Pin `json:"plugins"`
}

// readLock reads the lock file; one that is missing pins nothing.
func (s *Store) readLock() ([]Pin, error) {
	file := filepath.Join(s.dir, LockFile)
	data, err := readFile(file, maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	const remedy = "restore the file from a back-up, or remove it and install the plugins again"
	if err != nil {
		return nil, failure(remedy, err, "the lock file %s cannot be read", file)
	}
	var l lockFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return nil, failure(remedy, fmt.Errorf("line %d: %w", 1+bytes.Count(data[:min(int(dec.InputOffset()), len(data))], []byte("\n")), err), "the lock file %s is damaged", file)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, failure(remedy, nil, "the lock file %s is damaged: there is something behind its end", file)
	}
	if l.Format != Format {
		return nil, failure("use the Pomost that wrote it, or a later one", nil, "the lock file %s has format %d, and this Pomost knows format %d", file, l.Format, Format)
	}
	seen := map[string]bool{}
	for i, p := range l.Plugins {
		// The names become parts of paths.
		if !nameForm.MatchString(p.Name) || !versionForm.MatchString(p.Version) || !isSum(p.SHA256) || !isSum(p.Manifest) ||
			p.Binary != BinaryPrefix+p.Name && p.Binary != BinaryPrefix+p.Name+".exe" || seen[p.Name] {
			return nil, failure(remedy, nil, "the lock file %s is damaged: its plugin number %d (%s) is not one", file, i+1, clip(p.Name))
		}
		seen[p.Name] = true
	}
	return l.Plugins, nil
}

// writeLock replaces the lock file.
func (s *Store) writeLock(pins []Pin) error {
	slices.SortFunc(pins, func(a, b Pin) int { return strings.Compare(a.Name, b.Name) })
	data, err := json.MarshalIndent(lockFile{Format: Format, Plugins: pins}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	file := filepath.Join(s.dir, LockFile)
	err = writeAtomic(file, 0o600, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
	if err != nil {
		return failure("see that the home can be written and the disk is not full", err, "the lock file %s cannot be written", file)
	}
	return nil
}

// exists tells whether there is a file or folder.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
