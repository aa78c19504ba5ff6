package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

var now = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

const recipeName = "ledger-eaccounting/products"

// source makes a folder as an author has it.
func source(t *testing.T, name, version, binary string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, ManifestFile), fmt.Sprintf("format: 1\nname: %s\nversion: %s\ntitle: A ledger\nprotocol: [1]\nrecipes:\n  - name: %s-eaccounting/products\n", name, version, name))
	write(t, filepath.Join(dir, BinaryPrefix+name), binary)
	write(t, filepath.Join(dir, recipeFolder, name+"-eaccounting", "products", "recipe.yaml"), "name: "+name+"\n")
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(file, 0o600) // what is installed is read-only
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pack(t *testing.T, dir string) Packed {
	t.Helper()
	p, err := Pack(t.Context(), PackOptions{Dir: dir, Out: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func install(t *testing.T, s *Store, from string) Installed {
	t.Helper()
	in, _, err := s.Install(t.Context(), InstallOptions{From: from, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// wantError wants one of ours that says what and what to do.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%v is no error for a person", err)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error()+" "+e.Remedy, p) {
			t.Errorf("%q (%s) does not say %q", err, e.Remedy, p)
		}
	}
	if e.Remedy == "" {
		t.Errorf("%q has no remedy", err)
	}
}

func TestInstallFindVerifyRemove(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "plugins"))
	if _, err := s.Find("ledger"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("an empty store: %v", err)
	}
	if v, err := s.Verify(t.Context()); err != nil || len(v) != 0 {
		t.Errorf("an empty store: %v %v", v, err)
	}
	p := pack(t, source(t, "ledger", "1.0.0", "binary"))
	in := install(t, s, p.File)
	got, err := s.Find("ledger")
	if err != nil || got != in {
		t.Fatalf("%+v %v, want %+v", got, err, in)
	}
	if data, err := os.ReadFile(in.Path); err != nil || string(data) != "binary" {
		t.Errorf("%q %v", data, err)
	}
	if info, err := os.Stat(in.Path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o500 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if in.SHA256 != sumOf([]byte("binary")) || !in.Installed.Equal(now) || in.From != p.File {
		t.Errorf("%+v", in.Pin)
	}
	if m, err := in.Manifest(); err != nil || m.Title != "A ledger" || len(m.Recipes) != 1 {
		t.Errorf("%+v %v", m, err)
	}
	if v, err := s.Verify(t.Context()); err != nil || len(v) != 1 || len(v[0].Differences) != 0 {
		t.Errorf("%+v %v", v, err)
	}
	if _, err := s.Remove("ledger"); err != nil {
		t.Fatal(err)
	}
	if list, err := s.List(); err != nil || len(list) != 0 || exists(in.Dir) {
		t.Errorf("%v %v", list, err)
	}
	if _, err := s.Remove("ledger"); !errors.Is(err, ErrNotInstalled) {
		t.Error(err)
	}
}

func TestVersions(t *testing.T) {
	s := Open(t.TempDir())
	one := install(t, s, pack(t, source(t, "ledger", "1.0.0", "one")).File)
	two := install(t, s, pack(t, source(t, "ledger", "1.1.0", "two")).File)
	if list, err := s.List(); err != nil || len(list) != 1 || list[0] != two {
		t.Errorf("%v %v", list, err)
	}
	if exists(one.Dir) {
		t.Error("the old version is still there")
	}
	_, _, err := s.Install(t.Context(), InstallOptions{From: pack(t, source(t, "ledger", "1.1.0", "other")).File, Now: now})
	wantError(t, err, "1.1.0", "other contents", "plugin remove ledger")
	if data, _ := os.ReadFile(two.Path); string(data) != "two" {
		t.Errorf("the refused one is there: %q", data)
	}
	// The same artifact again mends what was damaged.
	write(t, two.Path, "damaged")
	again := install(t, s, pack(t, source(t, "ledger", "1.1.0", "two")).File)
	if data, _ := os.ReadFile(again.Path); string(data) != "two" {
		t.Errorf("%q", data)
	}
	left, _ := filepath.Glob(filepath.Join(s.dir, ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestVerifyTellsWhatDiffers(t *testing.T) {
	for what, tc := range map[string]struct {
		do   func(in Installed) error
		file string
		word string
	}{
		"binary":   {func(in Installed) error { write(t, in.Path, "evil"); return nil }, BinaryPrefix + "ledger", "was changed"},
		"missing":  {func(in Installed) error { return os.Remove(in.Path) }, BinaryPrefix + "ledger", "is missing"},
		"manifest": {func(in Installed) error { write(t, filepath.Join(in.Dir, ManifestFile), "format: 1"); return nil }, ManifestFile, "was changed"},
		"recipe": {func(in Installed) error {
			write(t, filepath.Join(in.Dir, recipeFolder, recipeName, "recipe.yaml"), "name: evil")
			return nil
		}, "recipes/" + recipeName + "/recipe.yaml", "was changed"},
		"extra": {func(in Installed) error { write(t, filepath.Join(in.Dir, "x"), ""); return nil }, "x", "was not there"},
		"all":   {func(in Installed) error { return os.RemoveAll(in.Dir) }, ManifestFile, "is missing"},
	} {
		t.Run(what, func(t *testing.T) {
			s := Open(t.TempDir())
			in := install(t, s, pack(t, source(t, "ledger", "1.0.0", "binary")).File)
			if err := tc.do(in); err != nil {
				t.Fatal(err)
			}
			v, err := s.Verify(t.Context())
			if err != nil || len(v) != 1 {
				t.Fatal(v, err)
			}
			if !slices.ContainsFunc(v[0].Differences, func(d Difference) bool { return d.File == tc.file && strings.Contains(d.Message, tc.word) }) {
				t.Errorf("%+v", v[0].Differences)
			}
			if what != "all" && len(v[0].Differences) != 1 {
				t.Errorf("more than it is: %+v", v[0].Differences)
			}
			if what == "binary" {
				wantError(t, in.CheckBinary(t.Context()), "ledger", in.Path, "plugin install")
			}
		})
	}
}

// archive writes an artifact by hand: a manifest for the files that it should have, and entries as given.
func archive(t *testing.T, manifest string, entries ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	put := func(h tar.Header, body string) {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		h.Mode = 0o755
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := tw.Write([]byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if manifest != "" {
		put(tar.Header{Name: ManifestFile}, manifest)
	}
	for _, h := range entries {
		put(h, "binary")
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.tar.gz")
	write(t, file, b.String())
	return file
}

func goodManifest(more string) string {
	return fmt.Sprintf("format: 1\nname: ledger\nversion: 1.0.0\nprotocol: [1]\nos: %s\narch: %s\nsha256: %s\n%s", runtime.GOOS, runtime.GOARCH, sumOf([]byte("binary")), more)
}

func TestHostileArtifacts(t *testing.T) {
	bin := tar.Header{Name: BinaryPrefix + "ledger"}
	outside := filepath.Join(t.TempDir(), "outside")
	for what, tc := range map[string]struct {
		file string
		says string
	}{
		"path up":          {archive(t, goodManifest(""), bin, tar.Header{Name: "../../evil"}), "not named by its manifest"},
		"absolute path":    {archive(t, goodManifest(""), bin, tar.Header{Name: outside}), "not named by its manifest"},
		"symbolic link":    {archive(t, goodManifest(""), tar.Header{Name: bin.Name, Typeflag: tar.TypeSymlink, Linkname: outside}), "is a link"},
		"hard link":        {archive(t, goodManifest(""), tar.Header{Name: bin.Name, Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}), "is a link"},
		"device":           {archive(t, goodManifest(""), tar.Header{Name: bin.Name, Typeflag: tar.TypeChar}), "device"},
		"twice":            {archive(t, goodManifest(""), bin, bin), "stands twice"},
		"no manifest":      {archive(t, "", bin), "not the manifest"},
		"no binary":        {archive(t, goodManifest("")), "lacks " + bin.Name},
		"wrong sum":        {archive(t, strings.Replace(goodManifest(""), sumOf([]byte("binary")), sumOf([]byte("x")), 1), bin), "checksum"},
		"name up":          {archive(t, strings.Replace(goodManifest(""), "name: ledger", "name: ../ledger", 1), bin), "lower-case"},
		"version up":       {archive(t, strings.Replace(goodManifest(""), "1.0.0", "../../1.0.0", 1), bin), "version must"},
		"recipe up":        {archive(t, goodManifest("recipes: [{name: ../x, sha256: "+sumOf(nil)+"}]\n"), bin), "PAIR/NAME"},
		"unknown key":      {archive(t, goodManifest("runs_as: root\n"), bin), "runs_as"},
		"key twice":        {archive(t, goodManifest("name: ledger\n"), bin), "name"},
		"later format":     {archive(t, strings.Replace(goodManifest(""), "format: 1", "format: 2", 1), bin), "format 1"},
		"other machine":    {archive(t, strings.Replace(goodManifest(""), "arch: "+runtime.GOARCH, "arch: vax", 1), bin), "vax"},
		"other protocol":   {archive(t, strings.Replace(goodManifest(""), "protocol: [1]", "protocol: [7]", 1), bin), "[7]"},
		"huge manifest":    {archive(t, goodManifest("title: "+strings.Repeat("x", maxManifest)), bin), "not the manifest"},
		"no archive":       {filepath.Join(source(t, "ledger", "1.0.0", "x"), BinaryPrefix+"ledger"), "no intact plugin"},
		"missing":          {outside, "cannot be read"},
		"a folder":         {t.TempDir(), "is no file"},
		"unpacked, no sum": {filepath.Join(source(t, "ledger", "1.0.0", "x"), ManifestFile), "plugin pack"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			s := Open(filepath.Join(dir, "a", "plugins"))
			_, _, err := s.Install(t.Context(), InstallOptions{From: tc.file, Now: now})
			wantError(t, err, tc.says)
			if exists(outside) || exists(filepath.Join(dir, "evil")) || exists(filepath.Join(dir, "a", "evil")) {
				t.Error("something was written outside")
			}
			if left, _ := os.ReadDir(s.dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	if s := Open(t.TempDir()); true { // the manifest above is a good one
		install(t, s, archive(t, goodManifest(""), bin))
	}
}

// A damaged artifact is never installed, wherever the damage is.
func TestDamagedArtifacts(t *testing.T) {
	p := pack(t, source(t, "ledger", "1.0.0", strings.Repeat("binary", 50)))
	data, err := os.ReadFile(p.File)
	if err != nil {
		t.Fatal(err)
	}
	s := Open(t.TempDir())
	file := filepath.Join(t.TempDir(), "x.tar.gz")
	try := func(what string, b []byte) {
		write(t, file, string(b))
		in, _, err := s.Install(t.Context(), InstallOptions{From: file, Now: now})
		if err == nil && (in.SHA256 != p.Manifest.SHA256 || in.Name != "ledger") {
			t.Errorf("%s: something else was installed", what)
		}
	}
	for i := 0; i < len(data); i += 3 {
		try(fmt.Sprint("cut at ", i), data[:i])
		bad := bytes.Clone(data)
		bad[i] ^= 0x55
		try(fmt.Sprint("changed at ", i), bad)
	}
	write(t, file, string(data[:len(data)/2]))
	_, _, err = s.Install(t.Context(), InstallOptions{From: file, Now: now})
	wantError(t, err, "no intact plugin")
}

func TestNamesAreNotTaken(t *testing.T) {
	s := Open(t.TempDir())
	p := pack(t, source(t, "ledger", "1.0.0", "binary"))
	_, _, err := s.Install(t.Context(), InstallOptions{From: p.File, Now: now, Shipped: func(n string) bool { return n == "ledger" }})
	wantError(t, err, "comes with Pomost")
	refused := &Error{Message: "not this one", Remedy: "r"}
	_, _, err = s.Install(t.Context(), InstallOptions{From: p.File, Now: now, Check: func(m Manifest, recipes fs.FS) error {
		if _, err := fs.ReadFile(recipes, recipeName+"/recipe.yaml"); err != nil {
			t.Error(err)
		}
		return refused
	}})
	if !errors.Is(err, refused) {
		t.Error(err)
	}
	if list, err := s.List(); err != nil || len(list) > 0 {
		t.Errorf("%v %v", list, err)
	}
	install(t, s, p.File)
	// Another plugin with a recipe of the same name.
	other := source(t, "thief", "1.0.0", "binary")
	write(t, filepath.Join(other, ManifestFile), "format: 1\nname: thief\nversion: 1.0.0\nprotocol: [1]\nrecipes: [{name: "+recipeName+"}]\n")
	write(t, filepath.Join(other, recipeFolder, recipeName, "recipe.yaml"), "x")
	_, _, err = s.Install(t.Context(), InstallOptions{From: pack(t, other).File, Now: now})
	wantError(t, err, recipeName, "already that of the plugin ledger")
}

func TestPackIsReproducible(t *testing.T) {
	dir := source(t, "ledger", "1.0.0", "binary")
	a := pack(t, dir)
	if err := os.Chtimes(filepath.Join(dir, BinaryPrefix+"ledger"), now, now); err != nil {
		t.Fatal(err)
	}
	if b := pack(t, dir); a.SHA256 != b.SHA256 {
		t.Error("the same files made another artifact")
	}
	if want := fmt.Sprintf("ledger-1.0.0-%s-%s.tar.gz", runtime.GOOS, runtime.GOARCH); filepath.Base(a.File) != want {
		t.Errorf("it is called %s, want %s", a.File, want)
	}
	// An unpacked artifact installs by its manifest as well.
	to := t.TempDir()
	_, manifest, err := unpack(t.Context(), a.File, to)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(to, ManifestFile), string(manifest))
	s := Open(t.TempDir())
	if in := install(t, s, filepath.Join(to, ManifestFile)); in.SHA256 != a.Manifest.SHA256 {
		t.Errorf("%+v", in)
	}
	for what, edit := range map[string]func(dir string) error{
		"binary":   func(dir string) error { return os.Remove(filepath.Join(dir, BinaryPrefix+"ledger")) },
		"recipe":   func(dir string) error { return os.RemoveAll(filepath.Join(dir, recipeFolder)) },
		"manifest": func(dir string) error { return os.Remove(filepath.Join(dir, ManifestFile)) },
	} {
		dir := source(t, "ledger", "1.0.0", "binary")
		if err := edit(dir); err != nil {
			t.Fatal(err)
		}
		_, err := Pack(t.Context(), PackOptions{Dir: dir})
		wantError(t, err, what)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Pack(ctx, PackOptions{Dir: dir, Out: t.TempDir()}); err == nil {
		t.Error("a stopped pack made something")
	}
}

func TestLockFile(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	in := install(t, s, pack(t, source(t, "ledger", "1.0.0", "binary")).File)
	file := filepath.Join(dir, LockFile)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"cut":          string(good[:len(good)/2]),
		"empty":        "",
		"more":         string(good) + "{}",
		"unknown":      strings.Replace(string(good), `"from"`, `"form"`, 1),
		"later format": strings.Replace(string(good), `"format": 1`, `"format": 2`, 1),
		"path":         strings.Replace(string(good), `"version": "1.0.0"`, `"version": "../1.0.0"`, 1),
		"binary":       strings.Replace(string(good), `"binary": "`, `"binary": "../`, 1),
		"sum":          strings.Replace(string(good), in.SHA256, "", 1),
	} {
		if text == string(good) {
			t.Fatalf("%s: nothing was changed", what)
		}
		write(t, file, text)
		_, err := s.Find("ledger")
		wantError(t, err, file)
		_, _, err = s.Install(t.Context(), InstallOptions{From: in.From, Now: now})
		wantError(t, err, file)
		if now, _ := os.ReadFile(file); string(now) != text {
			t.Errorf("%s: a damaged lock file was overwritten", what)
		}
	}
}

func TestRecipes(t *testing.T) {
	s := Open(t.TempDir())
	in := install(t, s, pack(t, source(t, "ledger", "1.0.0", "binary")).File)
	base := fstest.MapFS{"a-b/orders/recipe.yaml": {Data: []byte("base")}, "a-b/demo/demo.yaml": {Data: []byte("demo")}}
	fsys := s.Recipes(base)
	var names []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, p)
		}
		return err
	})
	if want := []string{"a-b/demo/demo.yaml", "a-b/orders/recipe.yaml", recipeName + "/recipe.yaml"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v %v, want %v", names, err, want)
	}
	if data, err := fs.ReadFile(fsys, recipeName+"/recipe.yaml"); err != nil || string(data) != "name: ledger\n" {
		t.Errorf("%q %v", data, err)
	}
	if found, err := fs.Glob(fsys, "*/demo/demo.yaml"); err != nil || len(found) != 1 {
		t.Errorf("%v %v", found, err)
	}
	for _, name := range []string{"ledger-eaccounting/stock/recipe.yaml", "../plugins.lock", LockFile, "ledger-eaccounting"} {
		if _, err := fs.ReadFile(fsys, name); err == nil {
			t.Errorf("%s can be read", name)
		}
	}
	// What is shipped wins over what is installed.
	base[recipeName+"/recipe.yaml"] = &fstest.MapFile{Data: []byte("shipped")}
	if data, _ := fs.ReadFile(fsys, recipeName+"/recipe.yaml"); string(data) != "shipped" {
		t.Errorf("%q", data)
	}
	delete(base, recipeName+"/recipe.yaml")
	write(t, filepath.Join(in.Dir, recipeFolder, recipeName, "recipe.yaml"), "name: evil")
	_, err = fs.ReadFile(fsys, recipeName+"/recipe.yaml")
	wantError(t, err, "was changed", "plugin install")
	write(t, filepath.Join(s.dir, LockFile), "{")
	_, err = fs.ReadFile(fsys, recipeName+"/recipe.yaml")
	wantError(t, err, LockFile)
	if data, err := fs.ReadFile(fsys, "a-b/orders/recipe.yaml"); err != nil || string(data) != "base" {
		t.Errorf("a damaged lock file hides what is shipped: %q %v", data, err)
	}
}

// FuzzInstall: whatever an artifact holds, what is installed is what its manifest says, and nothing lands elsewhere.
func FuzzInstall(f *testing.F) {
	dir := f.TempDir()
	for name, text := range map[string]string{ManifestFile: "format: 1\nname: ledger\nversion: 1.0.0\nprotocol: [1]\n", BinaryPrefix + "ledger": "binary"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	p, err := Pack(f.Context(), PackOptions{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(p.File)
	if err != nil {
		f.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		f.Fatal(err)
	}
	plain, err := io.ReadAll(zr)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, plain []byte) {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		_, _ = zw.Write(plain)
		_ = zw.Close()
		dir := t.TempDir()
		file := filepath.Join(dir, "x.tar.gz")
		write(t, file, b.String())
		s := Open(filepath.Join(dir, "plugins"))
		in, m, err := s.Install(t.Context(), InstallOptions{From: file, Now: now})
		if entries, _ := os.ReadDir(dir); len(entries) != 2 {
			t.Errorf("something landed elsewhere: %v", entries)
		}
		if err != nil {
			return
		}
		if v, err := s.Verify(t.Context()); err != nil || len(v) != 1 || len(v[0].Differences) > 0 || in.Name != m.Name {
			t.Errorf("%+v %v", v, err)
		}
	})
}
