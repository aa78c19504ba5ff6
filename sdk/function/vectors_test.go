package function

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json: the hex of its batches")

// The notation of vectors.json, which docs/functions.md explains.
type vectors struct {
	About   string        `json:"about"`
	Batches []batchVector `json:"batches"`
	Refused []struct {
		Name string `json:"name"`
		Hex  string `json:"hex"`
	} `json:"refused"`
}

type batchVector struct {
	Name     string         `json:"name"`
	Rows     int            `json:"rows"`
	Columns  []columnVector `json:"columns"`
	Hex      string         `json:"hex"`
	Accepted []string       `json:"also_accepted_hex,omitempty"`
}

type columnVector struct {
	Type   string            `json:"type"`
	Values []json.RawMessage `json:"values"`
}

func kindNamed(t *testing.T, name string) byte {
	t.Helper()
	for k, n := range kindNames {
		if n == name {
			return k
		}
	}
	t.Fatalf("no kind %s", name)
	return 0
}

func vectorValue(t *testing.T, kind byte, raw json.RawMessage) value {
	t.Helper()
	if raw[0] == '{' { // {"absent": true}
		return value{}
	}
	switch string(raw) {
	case "null":
		return value{state: Null}
	case "true":
		return value{state: Present, num: 1}
	case "false":
		return value{state: Present}
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	v := value{state: Present, text: s}
	var err error
	switch kind {
	case kindInteger:
		v.text = ""
		v.num, err = strconv.ParseInt(s, 10, 64)
	case kindDate:
		var d [3]int
		for i, part := range strings.Split(s, "-") {
			if d[i], err = strconv.Atoi(part); err != nil {
				break
			}
		}
		v.text, v.num = "", Date{d[0], d[1], d[2]}.days()
	}
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	for i := range v.Batches {
		c := &v.Batches[i]
		t.Run(c.Name, func(t *testing.T) {
			w := writer{columns: make([]output, len(c.Columns))}
			want := make([][]value, len(c.Columns))
			for n, col := range c.Columns {
				kind := kindNamed(t, col.Type)
				w.columns[n].reset(kind)
				for _, raw := range col.Values {
					x := vectorValue(t, kind, raw)
					want[n] = append(want[n], x)
					w.columns[n].add(x)
				}
				if len(col.Values) != c.Rows {
					t.Fatalf("%d values in %d rows", len(col.Values), c.Rows)
				}
			}
			got := hex.EncodeToString(w.bytes(c.Rows))
			if *update {
				c.Hex = got
			}
			if got != strings.ReplaceAll(c.Hex, " ", "") {
				t.Errorf("written as\n%s, want\n%s", got, c.Hex)
			}
			for _, form := range append([]string{c.Hex}, c.Accepted...) {
				b, err := readBatch(unhex(t, form))
				if err != nil {
					t.Fatal(err)
				}
				for n := range want {
					for row, x := range want[n] {
						if back := b.columns[n].valueAt(row); back != x {
							t.Errorf("column %d, row %d: %+v, want %+v", n, row, back, x)
						}
					}
				}
			}
		})
	}
	for _, c := range v.Refused {
		if _, err := readBatch(unhex(t, c.Hex)); err == nil {
			t.Errorf("refused, %s: it is accepted", c.Name)
		}
	}
	if *update {
		b, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/vectors.json", append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzReadBatch: nothing that a host could pass makes the guest read out of bounds.
func FuzzReadBatch(f *testing.F) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		f.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		f.Fatal(err)
	}
	for _, c := range v.Batches {
		seed, err := hex.DecodeString(c.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := readBatch(in)
		if err != nil {
			return
		}
		w := writer{columns: make([]output, len(b.columns))}
		for n := range b.columns {
			w.columns[n].reset(b.columns[n].kind)
			for row := range b.rows {
				w.columns[n].add(b.columns[n].valueAt(row))
			}
		}
		again, err := readBatch(w.bytes(b.rows))
		if err != nil {
			t.Fatal(err)
		}
		for n := range b.columns {
			for row := range b.rows {
				if x, y := b.columns[n].valueAt(row), again.columns[n].valueAt(row); x != y {
					t.Fatalf("column %d, row %d: %+v becomes %+v", n, row, x, y)
				}
			}
		}
	})
}
