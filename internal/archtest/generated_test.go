package archtest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sumFile records what the generated code was made from and what came out. `make generate` writes it.
const sumFile = "proto/generated.sum"

var update = flag.Bool("update", false, "write "+sumFile+"; only `make generate` does, right after generating")

// generators are the modules in tools/go.mod whose versions shape the generated code.
var generators = []string{"google.golang.org/protobuf ", "google.golang.org/grpc/cmd/protoc-gen-go-grpc "}

// TestGeneratedCodeIsFresh finds, without building the generators, a .proto file that was changed and not generated, and
// generated code that was changed by hand. `make verify` generates anew and compares.
func TestGeneratedCodeIsFresh(t *testing.T) {
	now := sums(t)
	file := filepath.Join(root, sumFile)
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run make generate", err)
	}
	then := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range now {
		if !slices.Contains(then, line) {
			t.Errorf("not as generated: %s: run make generate", line)
		}
	}
	for _, line := range then {
		if !slices.Contains(now, line) {
			t.Errorf("no longer there: %s: run make generate", line)
		}
	}
}

// sums lists a hash for each source and product of the generators, and the generators' versions.
func sums(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(filepath.Join(root, "proto"), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !strings.HasSuffix(p, ".proto") && !strings.HasSuffix(p, ".pb.go") && d.Name() != "buf.gen.yaml" {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		// A checkout on Windows may have other line ends.
		sum := sha256.Sum256(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
		rel, err := filepath.Rel(root, p)
		list = append(list, fmt.Sprintf("%s  %s", hex.EncodeToString(sum[:]), filepath.ToSlash(rel)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.Open(filepath.Join(root, "tools", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	defer mod.Close()
	for s := bufio.NewScanner(mod); s.Scan(); {
		line := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s.Text()), "// indirect"))
		if slices.ContainsFunc(generators, func(g string) bool { return strings.HasPrefix(line, g) }) {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}
