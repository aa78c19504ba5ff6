package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// data is the vendor's specification, beside the repository.
const data = "../../../../../shared/data/eaccounting"

// TestTablesAreFresh generates the tables anew, where the specification stands, and compares.
func TestTablesAreFresh(t *testing.T) {
	tables, err := generate(data)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("POMOST_DATA") != "required" {
		t.Skipf("the specification %s is not there, so the tables are not compared with it", data)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range tables {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the specification says: run go run ./plugins/eaccounting/spec/generate FOLDER plugins/eaccounting/spec", name)
		}
	}
}
