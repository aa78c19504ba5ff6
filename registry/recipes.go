package registry

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Recipes returns a file system of recipes, NAME/recipe.yaml: those of base and those of the installed plugins as they are pinned at the
// moment of reading. What base has wins. A recipe that was changed since it was installed is not read.
func (s *Store) Recipes(base fs.FS) fs.FS { return &recipeFS{base, s} }

type recipeFS struct {
	base  fs.FS
	store *Store
}

// installed finds the recipes of the plugins, by their file. It returns what it can, beside the first error.
func (r *recipeFS) installed() (map[string]recipeAt, error) {
	all, failed := r.store.List()
	out := map[string]recipeAt{}
	for _, in := range all {
		m, err := in.Manifest()
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		for _, f := range m.Recipes {
			out[path.Join(f.Name, "recipe.yaml")] = recipeAt{in, f}
		}
	}
	return out, failed
}

type recipeAt struct {
	in   Installed
	file RecipeFile
}

// Open implements fs.FS.
func (r *recipeFS) Open(name string) (fs.File, error) {
	f, err := r.base.Open(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) || path.Base(name) != "recipe.yaml" {
		return f, err
	}
	known, failed := r.installed()
	at, ok := known[name]
	if !ok {
		if failed != nil { // it may be one of those that cannot be read
			return nil, &fs.PathError{Op: "open", Path: name, Err: failed}
		}
		return nil, err
	}
	data, err := readFile(filepath.Join(at.in.Dir, filepath.FromSlash(at.file.path())), maxRecipe)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: failure(at.in.Again(), err, "the recipe of the plugin %s cannot be read", at.in.Name)}
	}
	if sumOf(data) != at.file.SHA256 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: failure(at.in.Again(), nil, "the recipe was changed since the plugin %s was installed", at.in.Name)}
	}
	return &recipeFile{Reader: bytes.NewReader(data), entry: entry{name: "recipe.yaml", size: int64(len(data))}}, nil
}

// ReadDir implements fs.ReadDirFS.
func (r *recipeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(r.base, name)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return list, err
	}
	known, _ := r.installed() // a broken one is told when it is asked for
	for _, file := range sortedNames(known) {
		rest := file
		if name != "." {
			var below bool
			if rest, below = strings.CutPrefix(file, name+"/"); !below {
				continue
			}
		}
		missing = false
		head, _, deeper := strings.Cut(rest, "/")
		if !slices.ContainsFunc(list, func(d fs.DirEntry) bool { return d.Name() == head }) {
			list = append(list, fs.FileInfoToDirEntry(entry{name: head, dir: deeper}))
		}
	}
	if missing {
		return nil, err
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

type recipeFile struct {
	io.Reader
	entry
}

func (f *recipeFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *recipeFile) Close() error               { return nil }

// entry is a file or folder of the plugins' recipes.
type entry struct {
	name string
	size int64
	dir  bool
}

func (e entry) Name() string { return e.name }
func (e entry) Size() int64  { return e.size }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o500
	}
	return 0o400
}
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.dir }
func (e entry) Sys() any           { return nil }
