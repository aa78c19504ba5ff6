package realdata

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pomost/pomost/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// dataSet is the folder of a data set; the test ends where it is missing.
func dataSet(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "sets", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if os.Getenv("POMOST_DATA") == "required" {
		t.Fatalf("the data set %s is not in %s, and POMOST_DATA=required", name, dir)
	}
	t.Skipf("LEFT OUT: the data set %s is not beside the checkout (%s)", name, dir)
	return ""
}

// readJSON decodes a file of a data set; its numbers are json.Number where the type says so.
func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// readCSV returns the rows of a file by the names in its first line.
func readCSV(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var out []map[string]string
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, v := range line {
			row[all[0][i]] = v
		}
		out = append(out, row)
	}
	return out
}
