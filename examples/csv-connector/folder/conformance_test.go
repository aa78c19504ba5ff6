package folder

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pomost/pomost/sdk/conformance"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

func TestMain(m *testing.M) { os.Exit(conformance.Main(m)) }

const (
	customersHead = "number,name,email,city,limit:decimal,company:bool\n"
	articlesHead  = "number,name,price:decimal,stock:integer,active:bool,since:date\n"
)

// TestConformance runs the suite that defines a connector. The folder is the whole system, so it is made in place of a sandbox.
func TestConformance(t *testing.T) {
	for what, with := range map[string]connector.Settings{
		"plain":         {},
		"a Windows one": {setDelimiter: "semicolon", setDecimal: "comma", setEncoding: "windows-1252", "articles_key": "code"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, conformance.Options{Connector: New(), Local: func(t *testing.T) conformance.Local { return makeFolder(t, with) }, Objects: samples()})
		})
	}
}

func makeFolder(t *testing.T, with connector.Settings) conformance.Local {
	t.Helper()
	dir := t.TempDir()
	settings := connector.Settings{setFolder: dir}
	for k, v := range with {
		settings[k] = v
	}
	for file, head := range map[string]string{"customers.csv": customersHead, "articles.csv": articlesHead} {
		text := []byte(head)
		for i, b := range text {
			if b == ',' && with[setDelimiter] == "semicolon" {
				text[i] = ';'
			}
		}
		if k := with["articles_key"]; k != "" && file == "articles.csv" {
			text = append([]byte(k), text[len("number"):]...)
		}
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return conformance.Local{Settings: settings, Break: func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}}
}

func samples() []conformance.Samples {
	hostile := map[string][]string{keyField: {"O'B&+%/#?", `"a",b;c`, "a\nb", " x ", "é€"}}
	return []conformance.Samples{
		{
			Object: "customers", Hostile: hostile,
			New: func(e *conformance.Env, i int) record.Record {
				return fill(e, keyField, record.Text(fmt.Sprintf("K%d", 5000+i)), "name", record.Text(fmt.Sprintf("Jansen; \"Zn.\" & %d", i)),
					"email", record.Text(fmt.Sprintf("j%d@voorbeeld.test", i)), "city", record.Text("'s-Hertogenbosch\n2e regel"),
					"limit", record.Decimal(decimal.MustParse("1234567890.10")), "company", record.Bool(i%2 == 0))
			},
			Change: func(e *conformance.Env) record.Record { return fill(e, "city", record.Text("Málaga")) },
			Bad: func(e *conformance.Env) (record.Record, string) {
				return fill(e, keyField, record.Text("BAD"), "name", record.Text("a\x00b")), "name"
			},
		},
		{
			Object: "articles", Hostile: hostile,
			New: func(e *conformance.Env, i int) record.Record {
				return fill(e, keyField, record.Text(fmt.Sprintf("ART-%d", i)), "name", record.Text("Café, groß"), "price", record.Decimal(decimal.MustParse("0.125")),
					"stock", record.Integer(int64(-i)), "active", record.Bool(true), "since", record.OfDate(record.NewDate(2026, 12, 31)))
			},
			Change: func(e *conformance.Env) record.Record {
				return fill(e, "price", record.Decimal(decimal.MustParse("10.5")), "since", record.Null())
			},
			Bad: func(e *conformance.Env) (record.Record, string) {
				return fill(e, keyField, record.Text("  "), "name", record.Text("no key")), keyField
			},
		},
	}
}

func fill(e *conformance.Env, pairs ...any) record.Record {
	r := record.New(e.Schema)
	for i := 0; i < len(pairs); i += 2 {
		r.MustSet(pairs[i].(string), pairs[i+1].(record.Value))
	}
	return r
}
