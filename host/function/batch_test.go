package function

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/record"
)

// vectors are those of the guest side: both must agree with the page, and so with each other.
type vectors struct {
	Batches []struct {
		Name    string
		Rows    int
		Columns []struct {
			Type   string
			Values []json.RawMessage
		}
		Hex      string
		Accepted []string `json:"also_accepted_hex"`
	}
	Refused []struct{ Name, Hex string }
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	b, err := os.ReadFile("../../sdk/function/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Batches) == 0 || len(v.Refused) == 0 {
		t.Fatal("there are no vectors")
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	for _, c := range v.Batches {
		t.Run(c.Name, func(t *testing.T) {
			refuse := func(row int, why string) { t.Errorf("row %d: %s", row, why) }
			b := appendHead(nil, c.Rows, len(c.Columns))
			var want [][]record.Value
			var types []record.Kind
			for _, col := range c.Columns {
				kind := kinds[col.Type]
				values := make([]record.Value, len(col.Values))
				for i, raw := range col.Values {
					if raw[0] == '{' { // {"absent": true}
						continue
					}
					var err error
					if values[i], err = exampleValue(kind, raw); err != nil {
						t.Fatal(err)
					}
				}
				b = appendColumn(b, kind, values, refuse)
				want, types = append(want, values), append(types, kind)
			}
			if got := hex.EncodeToString(b); got != c.Hex {
				t.Errorf("written as\n%s, want\n%s", got, c.Hex)
			}
			for _, form := range append([]string{c.Hex}, c.Accepted...) {
				got, err := readBatch(unhex(t, form), c.Rows, types, refuse)
				if err != nil {
					t.Fatal(err)
				}
				for n := range want {
					for row, w := range want[n] {
						if !got[n][row].Equal(w) || got[n][row].Kind() != w.Kind() {
							t.Errorf("column %d, row %d: %v, want %v", n, row, got[n][row], w)
						}
					}
				}
			}
		})
	}
	for _, c := range v.Refused {
		b := unhex(t, c.Hex)
		rows, kind := 1, record.KindInteger
		if len(b) >= 4 {
			rows = int(binary.LittleEndian.Uint32(b))
		}
		if len(b) > 8 && b[8] == byte(record.KindText) {
			kind = record.KindText
		}
		if got, err := readBatch(b, rows, []record.Kind{kind}, func(int, string) {}); err == nil {
			t.Errorf("refused, %s: it is accepted as %v", c.Name, got)
		}
	}
}

// TestValuesThatCannotTravel: a value that breaks the rules of its kind is the fault of its row alone.
func TestValuesThatCannotTravel(t *testing.T) {
	texts := func(kind byte, values ...string) []byte {
		b := appendHead(nil, len(values), 1)
		b = append(b, kind, 0, 0, 0, 0, 0, 0, 0)
		n := len(b)
		b = binary.LittleEndian.AppendUint32(b, 0)
		all := strings.Join(values, "")
		end := 0
		for _, v := range values {
			end += len(v)
			b = binary.LittleEndian.AppendUint32(b, uint32(end))
		}
		b = pad(b, len(b)-n)
		return pad(append(b, all...), len(all))
	}
	day := binary.LittleEndian.AppendUint32(append(appendHead(nil, 1, 1), 6, 0, 0, 0, 0, 0, 0, 0), uint32(1<<31-1))
	for name, c := range map[string]struct {
		b    []byte
		rows int
		kind record.Kind
	}{
		"a decimal that is not canonical": {texts(4, "1", "1.50"), 2, record.KindDecimal},
		"a decimal that is none":          {texts(4, "1", "1e3"), 2, record.KindDecimal},
		"a text that is no UTF-8":         {texts(2, "a", "\xff"), 2, record.KindText},
		"a date too late":                 {append(day, 0, 0, 0, 0), 1, record.KindDate},
	} {
		refused := map[int]string{}
		got, err := readBatch(c.b, c.rows, []record.Kind{c.kind}, func(row int, why string) { refused[row] = why })
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := c.rows - 1
		if len(refused) != 1 || refused[last] == "" || !got[0][last].IsAbsent() || last > 0 && got[0][0].IsAbsent() {
			t.Errorf("%s: %v %v", name, refused, got)
		}
	}
	if got, err := readBatch(append(appendHead(nil, 1, 1), 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0), 1, []record.Kind{record.KindBool}, nil); err == nil {
		t.Errorf("a bool of 2 is %v", got)
	}
}

// FuzzReadBatch: nothing that a module could answer makes the host read out of bounds or take more than it was sent.
func FuzzReadBatch(f *testing.F) {
	for _, c := range readVectors(f).Batches {
		f.Add(unhex(f, c.Hex), byte(2), byte(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, first, second byte) {
		if len(b) < 8 {
			return
		}
		rows := int(binary.LittleEndian.Uint32(b)) % (maxRows + 1)
		var types []record.Kind
		for _, k := range []byte{first, second}[:min(2, int(b[4]))] {
			types = append(types, record.Kind(2+k%5))
		}
		got, err := readBatch(b, rows, types, func(row int, _ string) {
			if row < 0 || row >= rows {
				t.Fatal(row)
			}
		})
		if err != nil {
			return
		}
		for i, values := range got {
			for _, v := range values {
				if k := v.Kind(); len(values) != rows || k != types[i] && k != record.KindNull && k != record.KindAbsent {
					t.Fatal(len(values), k)
				}
			}
		}
	})
}

func FuzzDescription(f *testing.F) {
	f.Add([]byte(`{"name":"a","version":"1","functions":[{"name":"f","inputs":[{"name":"x","type":"date"}],"outputs":[{"name":"y","type":"bool"}],"examples":[{"in":{"x":"2024-02-29"},"out":{"y":true}},{"in":{},"error":"no"}]}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parseDescription(text)
		if err != nil {
			return
		}
		for _, fn := range d.Functions {
			for _, e := range fn.Examples {
				if len(e.In) != len(fn.Inputs) || e.Error == "" && len(e.Out) != len(fn.Outputs) {
					t.Fatalf("%+v", fn)
				}
			}
		}
	})
}

func TestDescriptionsAreChecked(t *testing.T) {
	good := `{"name":"a","version":"1","functions":[{"name":"f","inputs":[{"name":"x","type":"text"}],"outputs":[{"name":"y","type":"text"}],"examples":[{"in":{"x":"1"},"out":{"y":null}}]}]}`
	if _, err := parseDescription([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for old, wrong := range map[string]string{
		`"name":"a"`:             `"name":"A b"`,
		`"version":"1"`:          `"version":"1\u001b[2J"`,
		`"name":"f"`:             `"name":"F"`,
		`"type":"text"`:          `"type":"float"`,
		`"inputs":[{`:            `"inputs":[],"x":[{`,
		`{"x":"1"}`:              `{"z":"1"}`,
		`{"x":"1"},`:             `{"x":1},`,
		`"functions":[`:          `"functions":[],"x":[`,
		`]}]}`:                   `]}]} {}`,
		`[{"name":"x",`:          `[{"name":"x","type":"text"},{"name":"x",`,
		`"examples":[{"in":{"x"`: `"examples":[{"out":{"q":"1"},"in":{"x"`,
	} {
		text := strings.Replace(good, old, wrong, 1)
		if text == good {
			t.Fatal(old)
		}
		if d, err := parseDescription([]byte(text)); err == nil && !strings.HasPrefix(old, `"examples"`) {
			t.Errorf("%s is taken: %+v", text, d)
		}
	}
}
