// Package plugins takes the example connector the whole way of a plugin from elsewhere, with the built binaries: build, pack, install,
// pin, use, tamper, refuse.
package plugins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bin is the folder of the built binaries, artifact the packed example.
var bin, artifact string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pomost-plugins-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if bin = os.Getenv("POMOST_BIN"); bin == "" {
		bin = dir
		for name, pkg := range map[string]string{"pomost": ".", "pomost-connector-accountview": "./plugins/accountview", "pomost-connector-eaccounting": "./plugins/eaccounting"} {
			if err := build("../..", filepath.Join(dir, name), pkg); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
	}
	if artifact, err = packExample(filepath.Join(dir, "csv")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(dir, to, pkg string) error {
	cmd := exec.Command("go", "build", "-o", to, pkg)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s in %s: %w\n%s", pkg, dir, err, out)
	}
	return nil
}

// packExample does what the example's README tells an author to do.
func packExample(dir string) (string, error) {
	const example = "../../examples/csv-connector"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := build(example, filepath.Join(dir, "pomost-connector-csv"), "."); err != nil {
		return "", err
	}
	manifest, err := os.ReadFile(filepath.Join(example, "plugin.yaml"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "plugin.yaml"), manifest, 0o600); err != nil {
		return "", err
	}
	if err := os.CopyFS(filepath.Join(dir, "recipes"), os.DirFS(filepath.Join(example, "recipes"))); err != nil {
		return "", err
	}
	out, err := exec.Command(filepath.Join(bin, "pomost"), "plugin", "pack", dir, "--output", "json").Output()
	if err != nil {
		return "", fmt.Errorf("pack the example: %w: %s", err, out)
	}
	var packed struct{ File string }
	if err := json.Unmarshal(out, &packed); err != nil {
		return "", err
	}
	return packed.File, nil
}

// world is one home with a folder of files.
type world struct {
	t      *testing.T
	dir    string
	home   string
	folder string
	env    []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, home: filepath.Join(dir, "home"), folder: filepath.Join(dir, "files")}
	if err := os.Mkdir(w.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// answer is what a command printed with --output json.
type answer struct {
	Error   struct{ Cause, Message, Remedy string }
	Name    string
	Version string
	SHA256  string
	Path    string
	Recipes []string
	Plugins []struct {
		Name, Version, SHA256 string
		Shipped, OK           bool
		Differences           []struct{ File, Message string }
	}
	Flows json.RawMessage // of run: what it did; of apply: the flows' names
}

// pomost runs a command and wants its exit code.
func (w *world) pomost(code int, args ...string) answer {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "pomost"), append(args, "--home", w.home, "--output", "json")...)
	cmd.Env = append(os.Environ(), w.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		w.t.Fatal(err)
	}
	if got != code {
		w.t.Fatalf("pomost %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), errs.String())
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		w.t.Fatalf("pomost %s: %v in %s", strings.Join(args, " "), err, out.String())
	}
	return a
}

// shows wants a text in what a command shows to people.
func (w *world) shows(text string, args ...string) {
	w.t.Helper()
	out, err := exec.Command(filepath.Join(bin, "pomost"), append(args, "--home", w.home)...).Output()
	if err != nil || !strings.Contains(string(out), text) {
		w.t.Errorf("pomost %s: %v, no %q in\n%s", strings.Join(args, " "), err, text, out)
	}
}

func (w *world) says(a answer, words ...string) {
	w.t.Helper()
	for _, word := range words {
		if !strings.Contains(a.Error.Message+" "+a.Error.Remedy, word) {
			w.t.Errorf("%q (%s) does not say %q", a.Error.Message, a.Error.Remedy, word)
		}
	}
}

// tamper changes the installed binary as somebody with the user's rights could.
func (w *world) tamper(path string) {
	w.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", append(data, 0), 0o500); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		w.t.Fatal(err)
	}
}

const connectionOnly = `version: 1
connections:
  files:
    connector: csv
    settings: {folder: %q, delimiter: semicolon, decimal: comma}
`

func TestInstallUseTamperMend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.file("config.yaml", fmt.Sprintf(connectionOnly, w.folder))
	before := w.pomost(2, "apply", "-f", config)
	w.says(before, "csv", "not installed")

	in := w.pomost(0, "plugin", "install", artifact)
	if in.Name != "csv" || in.Version != "1.0.0" || len(in.SHA256) != 64 {
		t.Fatalf("%+v", in)
	}
	shipped, installed := 0, 0
	for _, p := range w.pomost(0, "plugin", "ls").Plugins {
		switch {
		case p.Shipped && (p.Name == "accountview" || p.Name == "eaccounting"):
			shipped++
		case !p.Shipped && p.Name == "csv" && p.SHA256 == in.SHA256:
			installed++
		default:
			t.Errorf("%+v", p)
		}
	}
	if shipped != 2 || installed != 1 {
		t.Errorf("%d shipped, %d installed", shipped, installed)
	}
	if v := w.pomost(0, "plugin", "verify"); len(v.Plugins) != 1 || !v.Plugins[0].OK {
		t.Errorf("%+v", v.Plugins)
	}
	w.pomost(0, "apply", "-f", config)
	w.shows("NAME", "plugin", "ls")
	w.shows("accountview", "plugin", "ls")
	w.shows("installed 20", "plugin", "ls")
	w.shows("csv 1.0.0 is as it was installed.", "plugin", "verify")

	// What was installed is changed: it is told, and it does not run.
	w.tamper(in.Path)
	v := w.pomost(1, "plugin", "verify")
	if len(v.Plugins) != 1 || v.Plugins[0].OK || len(v.Plugins[0].Differences) != 1 || v.Plugins[0].Differences[0].File != "pomost-connector-csv" {
		t.Errorf("%+v", v.Plugins)
	}
	w.says(v, "pomost-connector-csv", "plugin install")
	other := w.file("other.yaml", strings.Replace(fmt.Sprintf(connectionOnly, w.folder), "comma", "point", 1))
	refused := w.pomost(1, "apply", "-f", other)
	if refused.Error.Cause != "plugin_failed" {
		t.Errorf("%+v", refused.Error)
	}
	w.says(refused, in.Path, "was changed since it was installed", "plugin install")
	w.pomost(0, "plugin", "install", artifact)
	w.pomost(0, "plugin", "verify")
	w.pomost(0, "apply", "-f", other)

	// It is used, so it stays; without its connection it can go.
	w.says(w.pomost(2, "plugin", "remove", "csv"), "files")
	w.pomost(0, "apply", "-f", w.file("none.yaml", "version: 1\nconnections: {}\n"), "--prune")
	w.pomost(0, "plugin", "remove", "csv")
	w.says(w.pomost(2, "apply", "-f", config), "not installed")
}

func TestWhatMayNotBeInstalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pack := func(name, recipe, text string) string {
		dir := filepath.Join(w.dir, "src-"+name)
		manifest := "format: 1\nname: " + name + "\nversion: 1.0.0\nprotocol: [1]\n"
		if err := os.MkdirAll(filepath.Join(dir, "recipes", recipe), 0o700); err != nil {
			t.Fatal(err)
		}
		if recipe != "" {
			manifest += "recipes: [{name: " + recipe + "}]\n"
			w.file(filepath.Join("src-"+name, "recipes", recipe, "recipe.yaml"), text)
		}
		w.file(filepath.Join("src-"+name, "plugin.yaml"), manifest)
		w.file(filepath.Join("src-"+name, "pomost-connector-"+name), "#!/bin/sh\n")
		var p struct{ File string }
		out, err := exec.Command(filepath.Join(bin, "pomost"), "plugin", "pack", dir, "--output", "json").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &p); err != nil {
			t.Fatal(err)
		}
		return p.File
	}
	sound, err := os.ReadFile("../../examples/csv-connector/recipes/csv-eaccounting/products/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const shipped, fromFile = "accountview-eaccounting/orders", "csv-eaccounting/products"
	w.says(w.pomost(1, "plugin", "install", pack("eaccounting", "", "")), "eaccounting", "comes with Pomost")
	w.says(w.pomost(1, "plugin", "install", pack("thief", shipped, "name: "+shipped+"\n")), shipped, "comes with Pomost")
	w.says(w.pomost(1, "plugin", "install", pack("broken", fromFile, "name: "+fromFile+"\nkind: dreams\n")), fromFile, "cannot be used", "kind")
	w.says(w.pomost(1, "plugin", "install", pack("stranger", fromFile, string(sound))), "between csv and eaccounting", "its own connector")
	damaged := w.file("damaged.tar.gz", "no archive")
	w.says(w.pomost(1, "plugin", "install", damaged), "no intact plugin")
	w.says(w.pomost(1, "plugin", "install", filepath.Join(w.dir, "nothing.tar.gz")), "cannot be read")
	w.says(w.pomost(2, "plugin", "install"), "needs a file")
	w.says(w.pomost(2, "plugin", "instal", "x"), "pomost plugin install")
	w.says(w.pomost(2, "plugin", "remove", "thief"), "thief")
	if p := w.pomost(0, "plugin", "verify").Plugins; len(p) != 0 {
		t.Errorf("%+v", p)
	}
	if left, _ := os.ReadDir(filepath.Join(w.home, "plugins")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
