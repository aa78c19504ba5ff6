package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// open opens a folder with an articles.csv.
func open(t *testing.T, text string, with connector.Settings) (*connection, string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "articles.csv")
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	c := New()
	s := connector.Settings{setFolder: dir}
	for _, k := range c.Describe().Settings {
		if k.Default != "" {
			s[k.Key] = k.Default
		}
	}
	for k, v := range with {
		s[k] = v
	}
	conn, problems := c.Open(t.Context(), s, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return conn.(*connection), file
}

func read(t *testing.T, c *connection) ([]record.Record, error) {
	t.Helper()
	var out []record.Record
	err := c.Read(t.Context(), connector.ReadRequest{Object: "articles"}, func(b connector.Batch) error { out = append(out, b.Records...); return nil })
	return out, err
}

func write(t *testing.T, c *connection, a connector.Action, pairs ...any) connector.WriteResult {
	t.Helper()
	schema, err := c.Discover(t.Context(), "articles")
	if err != nil {
		t.Fatal(err)
	}
	r := record.New(schema)
	for i := 0; i < len(pairs); i += 2 {
		r.MustSet(pairs[i].(string), pairs[i+1].(record.Value))
	}
	var got []connector.WriteResult
	err = c.Write(t.Context(), connector.WriteRequest{Object: "articles", Action: a, Records: []record.Record{r}}, func(r connector.WriteResult) error { got = append(got, r); return nil })
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	return got[0]
}

// What is not touched stays byte for byte as another program wrote it: numbers, quotes that are needed, line ends, mark and encoding.
func TestAWriteLeavesTheRestOfTheFileAlone(t *testing.T) {
	semicolon := connector.Settings{setDelimiter: "semicolon", setDecimal: "comma"}
	windows := connector.Settings{setDelimiter: "semicolon", setDecimal: "comma", setEncoding: "windows-1252"}
	for what, tc := range map[string]struct {
		with          connector.Settings
		before, after string
	}{
		"plain": {nil, "number,name,price:decimal\nA,\"Bol, \"\"rond\"\"\",1.50\nB,Mok,2\n", "number,name,price:decimal\nA,\"Bol, \"\"rond\"\"\",1.50\nB,Mok,2.5\n"},
		"CRLF":  {nil, "number,name,price:decimal\r\nA,x,001.50\r\nB,Mok,2\r\n", "number,name,price:decimal\r\nA,x,001.50\r\nB,Mok,2.5\r\n"},
		"mark":  {nil, "\xef\xbb\xbfnumber,name,price:decimal\nA,é,1\nB,Mok,2\n", "\xef\xbb\xbfnumber,name,price:decimal\nA,é,1\nB,Mok,2.5\n"},
		"comma": {semicolon, "number;name;price:decimal\nA;1,5;1,50\nB;Mok;2\n", "number;name;price:decimal\nA;1,5;1,50\nB;Mok;2,5\n"},
		"1252":  {windows, "number;name;price:decimal\nA;caf\xe9 \x80;1\nB;Mok;2\n", "number;name;price:decimal\nA;caf\xe9 \x80;1\nB;Mok;2,5\n"},
	} {
		t.Run(what, func(t *testing.T) {
			c, file := open(t, tc.before, tc.with)
			got := write(t, c, connector.Update, keyField, record.Text("B"), "price", record.Decimal(decimal.MustParse("2.5")))
			if got.Outcome != connector.OutcomeUpdated {
				t.Fatal(got.Err)
			}
			if now, _ := os.ReadFile(file); string(now) != tc.after {
				t.Errorf("%q, want %q", now, tc.after)
			}
			if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
				t.Errorf("its rights became %v", info.Mode())
			}
			if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestSameValueIsUnchanged(t *testing.T) {
	c, file := open(t, "number,price:decimal\nA,1.50\n", nil)
	before, _ := os.Stat(file)
	got := write(t, c, connector.Update, keyField, record.Text("A"), "price", record.Decimal(decimal.MustParse("1.5")))
	if got.Outcome != connector.OutcomeUnchanged {
		t.Errorf("outcome %v", got.Outcome)
	}
	if after, _ := os.Stat(file); !os.SameFile(before, after) {
		t.Error("the file was written, and nothing changed")
	}
}

func TestTypesComeFromTheHeader(t *testing.T) {
	c, _ := open(t, "sku , name,price: Decimal,n:integer,ok:bool,day:date\nA,,-0.30,7,1,2026-02-28\n", connector.Settings{"articles_key": "sku"})
	got, err := read(t, c)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if want := "{number=A name=null price=-0.3 n=7 ok=true day=2026-02-28}"; got[0].String() != want {
		t.Errorf("%s, want %s", got[0], want)
	}
}

// A file that cannot be understood is refused as a whole, with the line, and is not read as far as it goes.
func TestBadFilesAreRefused(t *testing.T) {
	for what, tc := range map[string]struct {
		text string
		with connector.Settings
		says []string
	}{
		"empty":          {"", nil, []string{"is empty"}},
		"no key column":  {"name\nx\n", nil, []string{"no column", "articles_key"}},
		"two key fields": {"number,sku\nx,y\n", connector.Settings{"articles_key": "sku"}, []string{"number stands twice"}},
		"column twice":   {"number,a,a\n", nil, []string{"a stands twice"}},
		"no name":        {"number,,a\n", nil, []string{"no name"}},
		"unknown type":   {"number,price:money\n", nil, []string{"money", "decimal"}},
		"no key":         {"number,a\nx,1\n ,2\n", nil, []string{"line 3", "no key"}},
		"key twice":      {"number,a\nx,1\ny,2\nx,3\n", nil, []string{"lines 2 and 4", `"x"`}},
		"bad number":     {"number,p:decimal\nx,1\ny,abc\n", nil, []string{"line 3", `"y"`, "abc", "is no number"}},
		"thousands":      {"number;p:decimal\nx;1.234,50\n", connector.Settings{setDelimiter: "semicolon", setDecimal: "comma"}, []string{"line 2", "point"}},
		"bad date":       {"number,d:date\nx,31-01-2026\n", nil, []string{"line 2", "2026-01-31"}},
		"bad bool":       {"number,b:bool\nx,perhaps\n", nil, []string{"neither true nor false"}},
		"bad integer":    {"number,n:integer\nx,1.5\n", nil, []string{"no whole number"}},
		"short line":     {"number,a\nx\n", nil, []string{"line 2"}},
		"open quote":     {"number,a\nx,\"1\n", nil, []string{"no proper CSV"}},
		"not UTF-8":      {"number,a\nx,caf\xe9\n", nil, []string{"windows-1252"}},
	} {
		t.Run(what, func(t *testing.T) {
			c, file := open(t, tc.text, tc.with)
			got, err := read(t, c)
			var e *connector.Error
			if !errors.As(err, &e) || len(got) > 0 || e.Cause != connector.CauseInvalidValue || e.Remedy == "" {
				t.Fatalf("%d records, %+v", len(got), err)
			}
			for _, s := range tc.says {
				if !strings.Contains(err.Error()+" "+e.Remedy, s) {
					t.Errorf("%q (%s) does not say %q", err, e.Remedy, s)
				}
			}
			// Nor is it written: what is not understood would be lost.
			if err := c.Write(t.Context(), connector.WriteRequest{Object: "articles", Action: connector.Create}, func(connector.WriteResult) error { return nil }); err == nil {
				t.Error("it was written to")
			}
			if now, _ := os.ReadFile(file); string(now) != tc.text {
				t.Errorf("it became %q", now)
			}
		})
	}
}

// Another program replaces the file between our reading and our writing: its line must not be lost.
func TestAnotherProgramsChangeIsKept(t *testing.T) {
	c, file := open(t, "number,a\nx,1\n", nil)
	_, tab, err := c.load(t.Context(), "articles")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("number,a\nx,1\nother,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tab.rows = append(tab.rows, []string{"ours", "3"})
	if done, err := tab.save(); done || !errors.Is(err, errChanged) {
		t.Errorf("the old view was written: %v %v", done, err)
	}
	if got := write(t, c, connector.Create, keyField, record.Text("ours")); got.Outcome != connector.OutcomeCreated {
		t.Error(got.Err)
	}
	if now, _ := os.ReadFile(file); string(now) != "number,a\nx,1\nother,2\nours,\n" {
		t.Errorf("%q", now)
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	c, _ := open(t, "number,n:integer\n", nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if got := write(t, c, connector.Create, keyField, record.Text(fmt.Sprint("k", i)), "n", record.Integer(int64(i))); got.Outcome != connector.OutcomeCreated {
				t.Error(got.Err)
			}
		})
	}
	wg.Wait()
	if got, err := read(t, c); err != nil || len(got) != 20 {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	c, file := open(t, "number\nx\n", nil)
	if err := os.Chmod(filepath.Dir(file), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(file), 0o700) })
	if got := write(t, c, connector.Create, keyField, record.Text("y")); got.Outcome != connector.OutcomeRefused || got.Err.Remedy == "" {
		t.Errorf("%+v", got)
	}
}

func TestOpenTellsAllProblems(t *testing.T) {
	_, problems := New().Open(t.Context(), connector.Settings{setFolder: "here", setDelimiter: "comma", setDecimal: "comma", setEncoding: "latin9"}, nil)
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Setting)
	}
	if got := strings.Join(keys, " "); got != "encoding folder decimal" {
		t.Errorf("problems with %q", got)
	}
}

func TestCheckNamesAMissingFile(t *testing.T) {
	c, _ := open(t, "number\nx\n", nil)
	got, err := c.Check(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	for _, r := range got {
		if !r.OK || r.Warning != (r.Name == "customers") {
			t.Errorf("%+v", r)
		}
	}
	for _, r := range got {
		if r.Name == "articles" && !strings.Contains(r.Title, "lines: 1") {
			t.Errorf("%+v", r)
		}
	}
}

func TestNotAfter(t *testing.T) {
	c, file := open(t, "number\nx\n", nil)
	schema, err := c.Discover(t.Context(), "articles")
	if err != nil {
		t.Fatal(err)
	}
	r := record.New(schema)
	r.MustSet(keyField, record.Text("y"))
	err = c.Write(t.Context(), connector.WriteRequest{Object: "articles", Action: connector.Create, Records: []record.Record{r}, NotAfter: time.Now().Add(-time.Minute)},
		func(r connector.WriteResult) error {
			if r.Outcome != connector.OutcomeRefused || !r.Err.Retryable {
				t.Errorf("%+v", r)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(file); string(now) != "number\nx\n" {
		t.Errorf("%q", now)
	}
}
