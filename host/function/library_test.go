package function

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// raw assembles a module by hand: what no compiler of ours would write. Each body is the code of an export, in the order of exports.
type raw struct {
	data   string // at address 16
	bodies [4][]byte
	omit   string // an export that is left out
	wants  string // a module to import a function from
}

const (
	i32Const = 0x41
	i64Const = 0x42
	end      = 0x0b
	trap     = 0x00
)

func leb(n int64) []byte {
	var b []byte
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func number(op byte, n int64) []byte { return append(append([]byte{op}, leb(n)...), end) }

// at is a pointer with a length as a module returns it.
func at(address, size int64) []byte { return number(i64Const, address<<32|size) }

func (r raw) bytes() []byte {
	unsigned := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	section := func(id byte, content []byte) []byte {
		return append(append([]byte{id}, unsigned(len(content))...), content...)
	}
	name := func(s string) []byte { return append(unsigned(len(s)), s...) }
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, []byte("\x04\x60\x00\x01\x7f\x60\x00\x01\x7e\x60\x01\x7f\x01\x7f\x60\x03\x7f\x7f\x7f\x01\x7e"))...)
	imported := 0
	if r.wants != "" {
		imported = 1
		b = append(b, section(2, append(append(append([]byte{1}, name(r.wants)...), name("call")...), 0, 0))...)
	}
	b = append(b, section(3, []byte{4, 0, 1, 2, 3})...)
	b = append(b, section(5, []byte{1, 0, 1})...)
	list := append(name("memory"), 2, 0)
	count := 1
	for i, e := range exports {
		if e.name == r.omit {
			continue
		}
		list = append(append(list, name(e.name)...), 0, byte(i+imported))
		count++
	}
	b = append(b, section(7, append([]byte{byte(count)}, list...))...)
	code := []byte{4}
	for _, body := range r.bodies {
		code = append(append(append(code, unsigned(len(body)+1)...), 0), body...)
	}
	b = append(b, section(10, code)...)
	return append(b, section(11, append(append([]byte{1, 0, i32Const, 16, end}, unsigned(len(r.data))...), r.data...))...)
}

const rawDescription = `{"name":"raw","version":"1","functions":[{"name":"f","inputs":[{"name":"x","type":"text"}],"outputs":[{"name":"y","type":"text"}],"examples":[]}]}`

// sane describes itself and answers nothing good.
func sane() raw {
	return raw{data: rawDescription, bodies: [4][]byte{number(i32Const, 1), at(16, int64(len(rawDescription))), number(i32Const, 1024), at(16, 8)}}
}

// TestModulesThatAreNone: a module that is not as documented is told by its fault, and none of it is believed.
func TestModulesThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*raw)
		reason Reason
		text   string
	}{
		"answers garbage":             {func(*raw) {}, Answer, "rows"},
		"answers outside its memory":  {func(r *raw) { r.bodies[3] = at(1<<20, 8) }, Answer, "outside its memory"},
		"answers too much":            {func(r *raw) { r.bodies[3] = at(0, 1<<30) }, Answer, "at most"},
		"gives a place outside":       {func(r *raw) { r.bodies[2] = number(i32Const, -8) }, Answer, "outside its memory"},
		"traps":                       {func(r *raw) { r.bodies[3] = []byte{trap, end} }, Trap, "unreachable"},
		"loops":                       {func(r *raw) { r.bodies[3] = []byte{0x03, 0x40, 0x0c, 0, end, trap, end} }, Deadline, "not done after"},
		"traps when it is described":  {func(r *raw) { r.bodies[1] = []byte{trap, end} }, Start, "unreachable"},
		"describes itself elsewhere":  {func(r *raw) { r.bodies[1] = at(1<<20, 8) }, Answer, "outside its memory"},
		"describes itself by garbage": {func(r *raw) { r.bodies[1] = at(17, 8) }, Start, "description"},
		"speaks another version":      {func(r *raw) { r.bodies[0] = number(i32Const, 2) }, Start, "version 2"},
		"lacks an export":             {func(r *raw) { r.omit = "pomost_call" }, Start, "exports no pomost_call"},
		"wants more than it gets":     {func(r *raw) { r.wants = "env" }, Start, "call of env"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sane()
			c.change(&r)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "raw.wasm"), r.bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := New(Options{Shipped: dir, Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			_, _, err = p.Call(t.Context(), "f", []Column{texts("x", "a")})
			var f *Failed
			if !errors.As(err, &f) || f.Reason != c.reason || !strings.Contains(f.Message, c.text) || f.Module != "raw" {
				t.Errorf("%+v", err)
			}
		})
	}
	for name, content := range map[string]string{"no module": "hello", "nothing": ""} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "raw.wasm"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := New(Options{Shipped: dir})
		if err != nil {
			t.Fatal(err)
		}
		var f *Failed
		if modules, err := p.Modules(t.Context()); !errors.As(err, &f) || f.Reason != Start || len(modules) != 0 {
			t.Errorf("%s: %v %v", name, modules, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestShippedFunction(t *testing.T) {
	modules, cache := shipped(t)
	p := open(t, func(o *Options) { o.Shipped, o.Cache = modules, cache })
	m, outcomes, err := p.Test(t.Context(), "split_street")
	if err != nil || m.Name != "split_street" || len(outcomes) < 8 {
		t.Fatal(m, outcomes, err)
	}
	for _, o := range outcomes {
		if !o.Passed {
			t.Errorf("%+v", o)
		}
	}
	out, errs, err := p.Call(t.Context(), "split_street", []Column{texts("country", "nl", "PL"), texts("street", "Plein 1944 12-A", "os. Jana III Sobieskiego 5 m. 7")})
	if err != nil || errs[0] != nil || errs[1] != nil {
		t.Fatal(err, errs)
	}
	if out[0].Name != "name" || out[0].Values[0].AsText() != "Plein 1944" || out[1].Values[0].AsText() != "12" || out[2].Values[1].AsText() != "m. 7" {
		t.Error(out)
	}
}

// TestAdd: a function of the user's own, from its skeleton to the first call.
func TestAdd(t *testing.T) {
	modules, cache := shipped(t)
	bad, _ := guests(t)
	own := filepath.Join(t.TempDir(), "functions")
	p, err := New(Options{Shipped: modules, Own: own, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	// Where an example fails, a name is taken, or there is nothing, nothing is added.
	var refused *RefusedError
	if _, err := p.Add(t.Context(), filepath.Join(bad, "guest.wasm")); !errors.As(err, &refused) || !strings.Contains(refused.Why, `liar("a") is ("a"), not ("b")`) {
		t.Error(err)
	}
	if _, err := p.Add(t.Context(), filepath.Join(modules, "split_street.wasm")); !errors.As(err, &refused) || !strings.Contains(refused.Why, "ships") {
		t.Error(err)
	}
	var unknown *UnknownError
	if _, err := p.Add(t.Context(), "nowhere.wasm"); !errors.Is(err, ErrNoFile) {
		t.Error(err)
	}
	without := filepath.Join(t.TempDir(), "raw.wasm")
	if err := os.WriteFile(without, sane().bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Add(t.Context(), without); !errors.As(err, &refused) || !strings.Contains(refused.Why, "no example") {
		t.Error(err)
	}
	if left, _ := os.ReadDir(own); len(left) != 0 {
		t.Errorf("left: %v", left)
	}

	dir := filepath.Join(t.TempDir(), "clean_phone")
	if _, err := Skeleton(dir, "clean_phone"); err != nil {
		t.Fatal(err)
	}
	if _, err := Skeleton(dir, "clean_phone"); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if _, err := Skeleton(dir, "Clean"); !errors.Is(err, ErrName) {
		t.Error(err)
	}
	test := exec.CommandContext(t.Context(), "go", "test", ".")
	test.Dir, test.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off")
	if out, err := test.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	path, err := Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Add(t.Context(), path)
	if err != nil || m.From != Own || m.Path != filepath.Join(own, "clean_phone.wasm") {
		t.Fatal(m, err)
	}
	call := func() (string, error) {
		out, _, err := p.Call(t.Context(), "clean_phone", []Column{texts("text", " x ")})
		if err != nil {
			return "", err
		}
		return out[0].Values[0].AsText(), nil
	}
	if got, err := call(); err != nil || got != "x" {
		t.Error(got, err)
	}
	// Again is a replacement.
	if _, err := p.Add(t.Context(), path); err != nil {
		t.Error(err)
	}
	if all, err := p.Modules(t.Context()); err != nil || len(all) != 2 || all[0].Name != "clean_phone" {
		t.Error(all, err)
	}

	// A file that was changed behind our back is not run.
	if err := os.WriteFile(m.Path, sane().bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Refresh()
	if _, err := call(); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "not as it was when it was added") {
		t.Error(err)
	}
	if err := os.Remove(m.Path + sumSuffix); err != nil {
		t.Fatal(err)
	}
	p.Refresh()
	if err := p.Broken(); err == nil || !strings.Contains(err.Error(), "no checksum") {
		t.Error(err)
	}

	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\nfunc"), 0o600); err != nil {
		t.Fatal(err)
	}
	var build *BuildError
	if _, err := Build(t.Context(), dir); !errors.As(err, &build) || !strings.Contains(build.Output, "main.go:2") {
		t.Error(err)
	}
}

// TestTheCacheIsSwept: what is kept of modules that are no more goes, and nothing else.
func TestTheCacheIsSwept(t *testing.T) {
	modules, _ := guests(t)
	cache := t.TempDir()
	gone := filepath.Join(cache, strings.Repeat("0", 64))
	foreign := filepath.Join(cache, "somebody's")
	for _, d := range []string{gone, foreign} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p, err := New(Options{Shipped: modules, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if exists(gone) || !exists(foreign) {
		t.Error("the cache is not swept as it should be")
	}
}

// TestACacheThatCannotBeWritten: on a full disk functions start more slowly, and no less right.
func TestACacheThatCannotBeWritten(t *testing.T) {
	modules, _ := shipped(t)
	files, err := filepath.Glob(filepath.Join(modules, "*.wasm"))
	if err != nil || len(files) == 0 {
		t.Fatal("no modules", err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	try := func(cache string) {
		t.Helper()
		rt, code, err := compile(ctx, wazero.NewRuntimeConfigCompiler(), cache, content)
		if err != nil {
			t.Fatal(err)
		}
		defer rt.Close(ctx)
		if err := fits(code); err != nil {
			t.Error(err)
		}
	}
	good, bad := t.TempDir(), t.TempDir()
	try(good)
	kept := 0
	err = filepath.WalkDir(good, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		kept++
		inside, err := filepath.Rel(good, path)
		if err != nil {
			return err
		}
		return os.MkdirAll(filepath.Join(bad, inside, "in the way"), 0o700)
	})
	if err != nil || kept == 0 {
		t.Fatal("nothing was kept", err)
	}
	try(bad)
	try(filepath.Join(files[0], "no folder"))
}
