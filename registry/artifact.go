package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Packed is an artifact that was made.
type Packed struct {
	Manifest Manifest
	File     string
	SHA256   string // of the artifact
}

// PackOptions say what Pack makes.
type PackOptions struct {
	// Dir holds plugin.yaml, the binary, and the recipes in recipes/PAIR/NAME/recipe.yaml.
	Dir string
	// Out is the folder or the file for the artifact; "" is Dir.
	Out string
	// OS and Arch are what the binary is for; "" is this machine's.
	OS, Arch string
}

// Pack makes an artifact of a folder: it fills in the platform and all checksums. The same files always make the same artifact, byte for
// byte.
func Pack(ctx context.Context, o PackOptions) (Packed, error) {
	file := filepath.Join(o.Dir, ManifestFile)
	data, err := readFile(file, maxManifest)
	if err != nil {
		return Packed{}, failure("name a folder with a plugin.yaml; docs/plugins.md shows one", err, "the manifest %s cannot be read", file)
	}
	m, err := parseManifest(data)
	if err != nil {
		return Packed{}, err
	}
	m.OS, m.Arch = or(o.OS, runtime.GOOS), or(o.Arch, runtime.GOARCH)
	if m.SHA256, err = sumFile(ctx, filepath.Join(o.Dir, m.Binary()), maxBinary); err != nil {
		return Packed{}, failure("build the binary into the folder first", err, "the binary of the plugin %s cannot be packed", m.Name)
	}
	for i, r := range m.Recipes {
		if m.Recipes[i].SHA256, err = sumFile(ctx, filepath.Join(o.Dir, filepath.FromSlash(r.path())), maxRecipe); err != nil {
			return Packed{}, failure("put the recipe there, or take it out of plugin.yaml", err, "the recipe %s cannot be packed", r.Name)
		}
	}
	if data, err = yaml.Marshal(m); err != nil {
		return Packed{}, fmt.Errorf("write the manifest of %s: %w", m.Name, err)
	}
	if _, err := ParseManifest(data); err != nil {
		return Packed{}, err
	}
	p := Packed{Manifest: m, File: or(o.Out, o.Dir)}
	if info, err := os.Stat(p.File); err == nil && info.IsDir() {
		p.File = filepath.Join(p.File, fmt.Sprintf("%s-%s-%s-%s.tar.gz", m.Name, m.Version, m.OS, m.Arch))
	}
	sum := sha256.New()
	err = writeAtomic(p.File, 0o644, func(w io.Writer) error { return m.writeTo(ctx, io.MultiWriter(w, sum), o.Dir, data) })
	if err != nil {
		return Packed{}, failure("name another place with --out", err, "the artifact %s cannot be written", p.File)
	}
	p.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return p, nil
}

// writeTo writes the artifact: the manifest first, so that whoever unpacks knows what may follow.
func (m Manifest) writeTo(ctx context.Context, w io.Writer, dir string, manifest []byte) error {
	zw := gzip.NewWriter(w)
	tw := tar.NewWriter(zw)
	add := func(name string, mode, size int64, r io.Reader) error {
		// No times and no owners: the artifact depends on the files' contents alone.
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size, Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		_, err := io.Copy(tw, ctxReader{ctx, r})
		return err
	}
	if err := add(ManifestFile, 0o644, int64(len(manifest)), bytes.NewReader(manifest)); err != nil {
		return err
	}
	for _, name := range sortedNames(m.sums()) {
		err := func() error {
			f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			mode := int64(0o644)
			if name == m.Binary() {
				mode = 0o755
			}
			return add(name, mode, info.Size(), f)
		}()
		if err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

// unpack brings the files of an artifact, or of a folder given by its manifest, into an empty folder and checks each against the
// manifest. Only regular files that the manifest names are taken, each once: nothing can land elsewhere.
func unpack(ctx context.Context, from, to string) (Manifest, []byte, error) {
	f, err := os.Open(from)
	if err != nil {
		return Manifest{}, nil, failure("name a plugin's .tar.gz, or its plugin.yaml", err, "the plugin %s cannot be read", from)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return Manifest{}, nil, failure("name a plugin's .tar.gz, or its plugin.yaml", err, "the plugin %s cannot be read", from)
	case !info.Mode().IsRegular():
		return Manifest{}, nil, failure("name a plugin's .tar.gz, or its plugin.yaml", nil, "%s is no file", from)
	case info.Size() > maxArtifact:
		return Manifest{}, nil, failure("", nil, "%s is larger than %d MiB, which no plugin may be", from, maxArtifact>>20)
	}
	var m Manifest
	var data []byte
	if filepath.Base(from) == ManifestFile {
		m, data, err = copyFolder(ctx, f, filepath.Dir(from), to)
	} else {
		m, data, err = untar(ctx, f, to)
	}
	var known *Error
	if err != nil && !errors.As(err, &known) {
		err = failure("get it again from its author; `pomost plugin pack` makes artifacts", err, "%s is no intact plugin", from)
	}
	return m, data, err
}

func untar(ctx context.Context, f io.Reader, to string) (Manifest, []byte, error) {
	zr, err := gzip.NewReader(ctxReader{ctx, f})
	if err != nil {
		return Manifest{}, nil, err
	}
	// Whatever the entries say, no more than this is unpacked.
	tr := tar.NewReader(io.LimitReader(zr, maxBinary+maxRecipes*(maxRecipe+4096)+1<<20))
	h, err := tr.Next()
	if err != nil {
		return Manifest{}, nil, err
	}
	if h.Name != ManifestFile || h.Typeflag != tar.TypeReg || h.Size > maxManifest {
		return Manifest{}, nil, fmt.Errorf("its first entry is %q and not the manifest %s", clip(h.Name), ManifestFile)
	}
	data, err := io.ReadAll(tr)
	if err != nil {
		return Manifest{}, nil, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		return m, nil, err
	}
	wanted := m.sums()
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, nil, err
		}
		want, ok := wanted[h.Name]
		switch {
		case h.Typeflag != tar.TypeReg:
			return m, nil, fmt.Errorf("its entry %q is a link, a folder or a device; only files are taken", clip(h.Name))
		case !ok:
			return m, nil, fmt.Errorf("its entry %q is not named by its manifest, or stands twice", clip(h.Name))
		case h.Size > m.limit(h.Name):
			return m, nil, fmt.Errorf("its entry %s is too large", h.Name)
		}
		delete(wanted, h.Name)
		if err := m.place(tr, to, h.Name, want); err != nil {
			return m, nil, err
		}
	}
	// What stands behind the end of the archive is read as well: gzip's own checksum stands last.
	if _, err := io.Copy(io.Discard, io.LimitReader(zr, 1<<20)); err != nil {
		return m, nil, err
	}
	if len(wanted) > 0 {
		return m, nil, fmt.Errorf("it lacks %s", strings.Join(sortedNames(wanted), ", "))
	}
	return m, data, nil
}

func copyFolder(ctx context.Context, manifest io.Reader, dir, to string) (Manifest, []byte, error) {
	data, err := io.ReadAll(io.LimitReader(manifest, maxManifest+1))
	if err != nil {
		return Manifest{}, nil, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		return m, nil, err
	}
	sums := m.sums()
	for _, name := range sortedNames(sums) {
		err := func() error {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if info, err := os.Lstat(path); err != nil {
				return err
			} else if !info.Mode().IsRegular() {
				return fmt.Errorf("%s is no file", path)
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return m.place(ctxReader{ctx, f}, to, name, sums[name])
		}()
		if err != nil {
			return m, nil, err
		}
	}
	return m, data, nil
}

// place writes a file that the manifest names and compares its checksum. The name is one of ours: it was looked up, not taken over.
func (m Manifest) place(r io.Reader, to, name, want string) error {
	target := filepath.Join(to, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	mode := fs.FileMode(0o400)
	if name == m.Binary() {
		mode = 0o500
	}
	sum := sha256.New()
	if err := writeNew(target, mode, io.TeeReader(limited(r, m.limit(name)), sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s does not have the checksum that the manifest states: SHA-256 %.12s…, want %.12s…", name, got, want)
	}
	return nil
}

// limited reads at most n bytes and fails where there are more: a file cut short would be another file.
func limited(r io.Reader, n int64) io.Reader { return &limitedReader{r, n} }

type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errors.New("it is too large")
	}
	return n, err
}

// ctxReader stops when the context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func sumFile(ctx context.Context, file string, limit int64) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return "", err
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file", file)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, limited(ctxReader{ctx, f}, limit)); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func readFile(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(limited(f, limit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(filepath.ToSlash(file)), err)
	}
	return data, nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
