package connector

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/pomost/pomost/registry"
	"github.com/pomost/pomost/sdk/connector"
)

// binaryPrefix begins the name of every connector's binary.
const binaryPrefix = "pomost-connector-"

// nameForm is the form of a connector's name; it keeps the name from leading out of the folder of binaries.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// pluginFailed is the typed error of a plugin that does not do what it should.
func pluginFailed(message, remedy string, retryable bool, err error) *connector.Error {
	return &connector.Error{Cause: connector.CausePluginFailed, Message: message, Remedy: remedy, Retryable: retryable, Err: err}
}

// executable is a binary that was hashed and is what will be executed: the open file itself on Linux, a private copy
// elsewhere. A path alone could lead to another file a moment later.
type executable struct {
	file *os.File
	path string     // what to execute
	name string     // what it is called, for argv[0] and messages
	pass []*os.File // descriptors that the child needs for it
	sum  [sha256.Size]byte
}

func (x *executable) Close() error { return x.file.Close() }

// location is where a connector's binary lies.
type location struct {
	path string
	// plugin is set where the connector was installed: the lock file of plugins says which checksum it must have.
	plugin *registry.Installed
}

// find returns the place of a connector's binary: beside the program, else that of the installed plugin. What is shipped wins, so that no
// plugin can take its name. It looks at no binary.
func (m *Manager) find(name string) (location, error) {
	if !nameForm.MatchString(name) || len(name) > 60 {
		return location{}, pluginFailed(fmt.Sprintf("%q is not a connector's name", name), "Names are lower-case letters, digits and single hyphens.", false, nil)
	}
	file := binaryPrefix + name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	shipped := location{path: filepath.Join(m.opts.Dir, file)}
	if m.opts.Installed == nil {
		return shipped, nil
	}
	if _, err := os.Lstat(shipped.path); !errors.Is(err, fs.ErrNotExist) {
		return shipped, nil
	}
	in, err := m.opts.Installed.Find(name)
	var wrong *registry.Error
	switch {
	case errors.Is(err, registry.ErrNotInstalled):
		return shipped, nil
	case errors.As(err, &wrong):
		return location{}, pluginFailed(wrong.Error(), wrong.Remedy, false, err)
	case err != nil:
		return location{}, pluginFailed(fmt.Sprintf("The connector %s cannot be looked up among the installed plugins", name), "Check the home's folder.", false, err)
	}
	return location{path: in.Path, plugin: &in}, nil
}

// open opens a connector's binary, hashes it and checks the hash: against that of the lock file or the given one, else against that of
// the first start. Each start hashes anew.
func (m *Manager) open(name, dir string) (*executable, error) {
	at, err := m.find(name)
	if err != nil {
		return nil, err
	}
	path := at.path
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && at.plugin != nil:
		return nil, pluginFailed(fmt.Sprintf("The plugin %s is installed, but its binary %s is gone.", name, path), at.plugin.Again(), false, nil)
	case errors.Is(err, fs.ErrNotExist):
		return nil, pluginFailed(fmt.Sprintf("The connector %s is not installed: there is no %s.", name, path),
			"Check the name of the connector, or put its binary there.", false, nil)
	case err != nil:
		return nil, pluginFailed(fmt.Sprintf("The connector %s cannot be read", name), "Check the permissions of its binary.", false, err)
	}
	x := &executable{file: f, name: path}
	if err := x.prepare(dir); err != nil {
		f.Close()
		return nil, pluginFailed(fmt.Sprintf("The connector %s cannot be read", name), "Check its binary.", false, err)
	}
	if at.plugin != nil {
		err = pinned(at.plugin, x.sum)
	} else {
		err = m.trust(name, x.sum)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return x, nil
}

// pinned compares a hash with that in the lock file of plugins.
func pinned(p *registry.Installed, sum [sha256.Size]byte) error {
	if p.SHA256 == hex.EncodeToString(sum[:]) {
		return nil
	}
	return pluginFailed(
		fmt.Sprintf("The binary of the plugin %s was changed since it was installed and is not run: %s has SHA-256 %x…, and %.12s… is pinned", p.Name, p.Path, sum[:6], p.SHA256),
		p.Again(), false, nil)
}

// trust compares a hash with the one that the connector must have.
func (m *Manager) trust(name string, sum [sha256.Size]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	want, known := m.trusted[name]
	if !known {
		m.trusted[name] = sum
		return nil
	}
	if want == sum {
		return nil
	}
	return pluginFailed(
		fmt.Sprintf("The binary of the connector %s is not the expected one: SHA-256 %x…, want %x…", name, sum[:6], want[:6]),
		"If you have replaced it on purpose, restart Pomost; else install it again from a source that you trust.", false, nil)
}

// prepare hashes the file and settles what is executed.
func (x *executable) prepare(dir string) error {
	head := make([]byte, 2)
	if _, err := x.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if path, pass, ok := execByDescriptor(x.file, bytes.Equal(head, []byte("#!"))); ok {
		h := sha256.New()
		if _, err := io.Copy(h, x.file); err != nil {
			return err
		}
		x.path, x.pass, x.sum = path, pass, [sha256.Size]byte(h.Sum(nil))
		return nil
	}
	return x.copyTo(filepath.Join(dir, filepath.Base(x.name)))
}

// copyTo makes the private copy and hashes what goes into it.
func (x *executable) copyTo(path string) error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&0o111 == 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%s: %w", x.name, fs.ErrPermission)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500) //nolint:gosec // the copy is to be run, by its owner alone
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(h, out), x.file)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	x.path, x.sum = path, [sha256.Size]byte(h.Sum(nil))
	return nil
}

// parseChecksums reads the expected hashes of Options.
func parseChecksums(in map[string]string) (map[string][sha256.Size]byte, error) {
	out := map[string][sha256.Size]byte{}
	for name, text := range in {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != sha256.Size {
			return nil, fmt.Errorf("the checksum of the connector %s is not a SHA-256 in hexadecimal", name)
		}
		out[name] = [sha256.Size]byte(b)
	}
	return out, nil
}
