package function

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Where modules come from.
const (
	Shipped = "shipped" // with Pomost, beside its binary
	Own     = "own"     // added by the user
)

// suffix ends the name of a module's file, sumSuffix that of its checksum's.
const (
	suffix    = ".wasm"
	sumSuffix = ".sha256"
)

// maxModules bounds how many files of a folder are looked at.
const maxModules = 1000

// file is a module's file, as it was when it was found.
type file struct {
	name string // the file's, without the suffix
	path string
	from string
	hash string
}

// find lists the modules of a folder, which may be missing. What cannot be used is told beside them.
func find(dir, from string) ([]file, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of functions %s cannot be read: %w", dir, err)
	}
	var out []file
	var wrong []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || e.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		if len(out) == maxModules {
			return out, errors.Join(append(wrong, fmt.Errorf("the folder of functions %s has more than %d modules", dir, maxModules))...)
		}
		f := file{name: name, path: filepath.Join(dir, e.Name()), from: from}
		content, err := readModule(f.path)
		if err == nil {
			f.hash = hashOf(content)
			err = f.checkSum()
		}
		if err != nil {
			wrong = append(wrong, &Failed{Module: name, Reason: Start, Message: err.Error(), Err: err})
			continue
		}
		out = append(out, f)
	}
	return out, errors.Join(wrong...)
}

// checkSum compares a module of the user's with the checksum that was written when it was added: a file that was swapped, or torn
// by a full disk, is not run.
func (f file) checkSum() error {
	if f.from != Own {
		return nil
	}
	sum, err := os.ReadFile(f.path + sumSuffix)
	if err != nil {
		return fmt.Errorf("it has no checksum beside it (add it with `pomost function add`): %w", err)
	}
	if hash, _, _ := strings.Cut(string(sum), " "); hash != f.hash {
		return fmt.Errorf("%s is not as it was when it was added; add it again if the change is yours", f.path)
	}
	return nil
}

func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxModule+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxModule {
		return nil, fmt.Errorf("%s has more than %d MiB", path, maxModule>>20)
	}
	return content, nil
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// install puts a module into the user's folder under its own name.
func install(dir, name string, content []byte) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+suffix)
	// The checksum first: between the two an older module is refused for a moment, and a torn new one is never run.
	sum := fmt.Sprintf("%s  %s\n", hashOf(content), name+suffix)
	if err := replace(path+sumSuffix, []byte(sum)); err != nil {
		return "", err
	}
	return path, replace(path, content)
}

// replace writes a file whole or not at all.
func replace(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// cacheOf makes the folder in which a module's compiled code and description are kept; "" where there is no cache.
func cacheOf(cache, hash string) string {
	if cache == "" {
		return ""
	}
	dir := filepath.Join(cache, hash)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "" // slower, but it works
	}
	return dir
}

// sweepCache removes what is kept of modules that are no more.
func sweepCache(cache string, keep []string) {
	if cache == "" {
		return
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		if hashForm.MatchString(e.Name()) && !slices.Contains(keep, e.Name()) {
			os.RemoveAll(filepath.Join(cache, e.Name()))
		}
	}
}
