package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNotInstalled is returned for the name of a plugin that is not installed.
var ErrNotInstalled = errors.New("no such plugin is installed")

// Store is the folder of the installed plugins, NAME/VERSION/…, with its lock file. Reading is safe at any time, also beside somebody
// who installs; install and remove are to be called by one process at a time.
type Store struct{ dir string }

// Open returns the store in a folder, which need not exist.
func Open(dir string) *Store { return &Store{dir} }

// Installed is a pinned plugin.
type Installed struct {
	Pin
	Dir  string // its folder
	Path string // of its binary
}

func (s *Store) installed(p Pin) Installed {
	dir := filepath.Join(s.dir, p.Name, p.Version)
	return Installed{Pin: p, Dir: dir, Path: filepath.Join(dir, p.Binary)}
}

// List returns the pinned plugins by name.
func (s *Store) List() ([]Installed, error) {
	pins, err := s.readLock()
	out := make([]Installed, 0, len(pins))
	for _, p := range pins {
		out = append(out, s.installed(p))
	}
	return out, err
}

// Find returns a pinned plugin; the error is ErrNotInstalled where there is none. It looks at the lock file only: whoever runs the
// binary compares its checksum.
func (s *Store) Find(name string) (Installed, error) {
	pins, err := s.readLock()
	if err != nil {
		return Installed{}, err
	}
	for _, p := range pins {
		if p.Name == name {
			return s.installed(p), nil
		}
	}
	return Installed{}, ErrNotInstalled
}

// Manifest reads the manifest of an installed plugin and compares it with the pin.
func (i Installed) Manifest() (Manifest, error) {
	file := filepath.Join(i.Dir, ManifestFile)
	data, err := readFile(file, maxManifest)
	if err != nil {
		return Manifest{}, failure(i.Again(), err, "the manifest of the plugin %s cannot be read", i.Name)
	}
	if sumOf(data) != i.Pin.Manifest {
		return Manifest{}, failure(i.Again(), nil, "%s was changed since the plugin %s was installed", file, i.Name)
	}
	return ParseManifest(data)
}

// CheckBinary compares the binary with the pin, for whoever runs it outside the host's supervision.
func (i Installed) CheckBinary(ctx context.Context) error {
	got, err := sumFile(ctx, i.Path, maxBinary)
	if err != nil {
		return failure(i.Again(), err, "the binary of the plugin %s cannot be read", i.Name)
	}
	if got != i.SHA256 {
		return failure(i.Again(), nil, "the binary of the plugin %s was changed since it was installed and is not run: %s", i.Name, i.Path)
	}
	return nil
}

// Again is the remedy for a plugin whose files are not what they were.
func (i Installed) Again() string {
	if i.From == "" {
		return "install it again with `pomost plugin install`, from a source that you trust"
	}
	return "install it again from a source that you trust: pomost plugin install " + i.From
}

// InstallOptions say what Install installs.
type InstallOptions struct {
	// From is the artifact, or the plugin.yaml of a folder with the same files.
	From string
	// Shipped tells whether a connector of that name comes with the program; it cannot be replaced.
	Shipped func(name string) bool
	// Check may refuse the plugin after its files were verified; files are those of the recipes, NAME/recipe.yaml. It may be nil.
	Check func(m Manifest, recipes fs.FS) error
	// Now is the time that the lock file notes.
	Now time.Time
}

// Install verifies a plugin, puts it into the store and pins it. Nothing of it runs. A plugin of that name is replaced by one of another
// version; the same version with other contents is refused, and with the same contents is put there afresh.
func (s *Store) Install(ctx context.Context, o InstallOptions) (Installed, Manifest, error) {
	from, err := filepath.Abs(o.From)
	if err != nil {
		return Installed{}, Manifest{}, fmt.Errorf("find %s: %w", o.From, err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return Installed{}, Manifest{}, s.unwritable(err)
	}
	s.sweep()
	staging, err := os.MkdirTemp(s.dir, ".new-*")
	if err != nil {
		return Installed{}, Manifest{}, s.unwritable(err)
	}
	defer os.RemoveAll(staging)
	m, manifest, err := unpack(ctx, from, staging)
	if err != nil {
		return Installed{}, m, err
	}
	if err := m.fits(); err != nil {
		return Installed{}, m, err
	}
	pins, err := s.readLock()
	if err != nil {
		return Installed{}, m, err
	}
	pin := Pin{Name: m.Name, Version: m.Version, SHA256: m.SHA256, Manifest: sumOf(manifest), Binary: m.Binary(), Installed: o.Now.UTC().Truncate(time.Second), From: from}
	if err := s.admit(o, m, pin, pins, staging); err != nil {
		return Installed{}, m, err
	}
	if err := writeNew(filepath.Join(staging, ManifestFile), 0o400, bytes.NewReader(manifest)); err != nil {
		return Installed{}, m, s.unwritable(err)
	}
	in := s.installed(pin)
	if err := s.move(staging, in.Dir); err != nil {
		return Installed{}, m, s.unwritable(err)
	}
	// Only the lock file makes it one that runs; a folder that it does not name is never looked at.
	pins = append(slices.DeleteFunc(pins, func(p Pin) bool { return p.Name == m.Name }), pin)
	if err := s.writeLock(pins); err != nil {
		return Installed{}, m, err
	}
	s.dropOthers(in)
	return in, m, nil
}

// admit says why a verified plugin may not be installed.
func (s *Store) admit(o InstallOptions, m Manifest, pin Pin, pins []Pin, staging string) error {
	if o.Shipped != nil && o.Shipped(m.Name) {
		return failure("ask its author for another name", nil, "the connector %s comes with Pomost and cannot be replaced by a plugin", m.Name)
	}
	for _, p := range pins {
		if p.Name == m.Name {
			if p.Version == m.Version && p.Manifest != pin.Manifest {
				return failure("ask its author for a new version number, or run `pomost plugin remove "+m.Name+"` first", nil,
					"the plugin %s %s is installed with other contents", m.Name, m.Version)
			}
			continue
		}
		other, err := s.installed(p).Manifest()
		if err != nil {
			return err
		}
		for _, r := range m.Recipes {
			if slices.ContainsFunc(other.Recipes, func(x RecipeFile) bool { return x.Name == r.Name }) {
				return failure("ask its author for another name", nil, "the recipe %s of the plugin %s is already that of the plugin %s", r.Name, m.Name, p.Name)
			}
		}
	}
	if o.Check == nil {
		return nil
	}
	return o.Check(m, os.DirFS(filepath.Join(staging, recipeFolder)))
}

// move puts a folder in place; one that is there makes room.
func (s *Store) move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if exists(to) {
		old, err := os.MkdirTemp(s.dir, ".old-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(old)
		if err := os.Rename(to, filepath.Join(old, "x")); err != nil {
			return err
		}
	}
	if err := syncDir(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(s.dir))
}

// sweep removes what an install that was cut off left behind.
func (s *Store) sweep() {
	for _, pattern := range []string{".new-*", ".old-*"} {
		left, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, path := range left {
			_ = os.RemoveAll(path) // what cannot be removed only takes room
		}
	}
}

// dropOthers removes the other versions of a plugin, which nothing runs any more. A process that still does keeps its open file.
func (s *Store) dropOthers(in Installed) {
	entries, err := os.ReadDir(filepath.Dir(in.Dir))
	if err != nil {
		return // they only take room; verify names them
	}
	for _, e := range entries {
		if e.Name() != in.Version {
			_ = os.RemoveAll(filepath.Join(filepath.Dir(in.Dir), e.Name()))
		}
	}
}

// Remove unpins a plugin and removes its files.
func (s *Store) Remove(name string) (Installed, error) {
	in, err := s.Find(name)
	if err != nil {
		return in, err
	}
	pins, err := s.readLock()
	if err != nil {
		return in, err
	}
	if err := s.writeLock(slices.DeleteFunc(pins, func(p Pin) bool { return p.Name == name })); err != nil {
		return in, err
	}
	if err := os.RemoveAll(filepath.Dir(in.Dir)); err != nil {
		return in, s.unwritable(err)
	}
	return in, nil
}

func (s *Store) unwritable(err error) error {
	return failure("see that the home can be written and the disk is not full", err, "the folder of plugins %s cannot be written", s.dir)
}

// Difference is a file that is not as it was installed.
type Difference struct {
	File    string `json:"file"`
	Message string `json:"message"`
}

// Verified is what Verify found of one plugin.
type Verified struct {
	Installed
	Differences []Difference
}

// Verify computes all checksums anew and tells what differs from what was installed.
func (s *Store) Verify(ctx context.Context) ([]Verified, error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	out := make([]Verified, 0, len(all))
	for _, in := range all {
		v := Verified{Installed: in}
		if v.Differences, err = in.differences(ctx); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (i Installed) differences(ctx context.Context) ([]Difference, error) {
	out := []Difference{}
	wanted := map[string]string{ManifestFile: i.Pin.Manifest, i.Binary: i.SHA256}
	limits := map[string]int64{ManifestFile: maxManifest, i.Binary: maxBinary}
	m, err := i.Manifest()
	if err == nil { // else the manifest itself is told below, and the recipes cannot be known
		for _, r := range m.Recipes {
			wanted[r.path()], limits[r.path()] = r.SHA256, maxRecipe
		}
	}
	for _, name := range sortedNames(wanted) {
		got, err := sumFile(ctx, filepath.Join(i.Dir, filepath.FromSlash(name)), limits[name])
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, Difference{name, "is missing"})
		case err != nil:
			out = append(out, Difference{name, "cannot be read: " + err.Error()})
		case got != wanted[name]:
			out = append(out, Difference{name, fmt.Sprintf("was changed: SHA-256 %.12s…, want %.12s…", got, wanted[name])})
		}
	}
	var extra []Difference
	werr := filepath.WalkDir(i.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(i.Dir, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if _, known := wanted[name]; !known && !d.IsDir() && !(m.Name == "" && strings.HasPrefix(name, recipeFolder+"/")) {
			extra = append(extra, Difference{name, "was not there when the plugin was installed"})
		}
		return nil
	})
	if werr != nil && !errors.Is(werr, fs.ErrNotExist) {
		extra = append(extra, Difference{i.Dir, "cannot be read: " + werr.Error()})
	}
	return append(out, extra...), nil
}
