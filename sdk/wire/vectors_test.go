package wire

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json: hex and fingerprints of its records")

// The notation of vectors.json, which docs/wire.md explains.
type vectors struct {
	About   string         `json:"about"`
	Records []recordVector `json:"records"`
	Values  []valueVector  `json:"values"`
	Refused []refusal      `json:"refused"`
}

type recordVector struct {
	Name        string          `json:"name"`
	Schema      jsonSchema      `json:"schema"`
	Value       json.RawMessage `json:"value"`
	SchemaHex   string          `json:"schema_hex"`
	RecordHex   string          `json:"record_hex"`
	Accepted    []string        `json:"also_accepted_hex,omitempty"`
	Fingerprint string          `json:"fingerprint"`
}

type valueVector struct {
	Kind  string          `json:"kind"`
	Value json.RawMessage `json:"value"`
	Hex   string          `json:"hex"`
}

type refusal struct {
	Name      string      `json:"name"`
	Schema    *jsonSchema `json:"schema,omitempty"`
	RecordHex string      `json:"record_hex,omitempty"`
	SchemaHex string      `json:"schema_hex,omitempty"`
}

type jsonSchema struct {
	Name   string      `json:"name"`
	Fields []jsonField `json:"fields"`
}

type jsonField struct {
	Name     string   `json:"name"`
	Type     jsonType `json:"type"`
	Label    string   `json:"label,omitempty"`
	Length   int      `json:"length,omitempty"`
	Decimals int      `json:"decimals,omitempty"`
	Flags    []string `json:"flags,omitempty"`
	Role     string   `json:"role,omitempty"`
}

// jsonType is "text", {"list": TYPE} or {"record": SCHEMA}.
type jsonType struct{ t record.Type }

func (j *jsonType) UnmarshalJSON(b []byte) error {
	var kind string
	if json.Unmarshal(b, &kind) == nil {
		k, _ := record.ParseKind(kind)
		j.t = record.Scalar(k)
		return nil
	}
	var nested struct {
		List   *jsonType   `json:"list"`
		Record *jsonSchema `json:"record"`
	}
	if err := json.Unmarshal(b, &nested); err != nil {
		return err
	}
	if nested.List != nil {
		j.t = record.Type{Kind: record.KindList, Elem: &nested.List.t}
		return nil
	}
	j.t = record.Type{Kind: record.KindRecord, Record: nested.Record.schema()}
	return nil
}

func (j jsonType) MarshalJSON() ([]byte, error) {
	switch j.t.Kind {
	case record.KindList:
		return json.Marshal(map[string]any{"list": jsonType{*j.t.Elem}})
	case record.KindRecord:
		return json.Marshal(map[string]any{"record": schemaToJSON(j.t.Record)})
	}
	return json.Marshal(j.t.Kind.String())
}

var flagNames = []string{"required", "read_only", "personal", "custom", "upper"}

func (j jsonSchema) schema() *record.Schema {
	var fields []record.Field
	for _, f := range j.Fields {
		out := record.Field{Name: f.Name, Type: f.Type.t, Label: f.Label, Length: f.Length, Decimals: f.Decimals, Role: f.Role}
		for _, flag := range f.Flags {
			switch flag {
			case "required":
				out.Required = true
			case "read_only":
				out.ReadOnly = true
			case "personal":
				out.Personal = true
			case "custom":
				out.Custom = true
			case "upper":
				out.Upper = true
			default:
				panic("unknown flag " + flag)
			}
		}
		fields = append(fields, out)
	}
	return record.MustSchema(j.Name, fields...)
}

func schemaToJSON(s *record.Schema) jsonSchema {
	out := jsonSchema{Name: s.Name}
	for _, f := range s.Fields {
		jf := jsonField{Name: f.Name, Type: jsonType{f.Type}, Label: f.Label, Length: f.Length, Decimals: f.Decimals, Role: f.Role}
		for i, set := range []bool{f.Required, f.ReadOnly, f.Personal, f.Custom, f.Upper} {
			if set {
				jf.Flags = append(jf.Flags, flagNames[i])
			}
		}
		out.Fields = append(out.Fields, jf)
	}
	return out
}

func parseValue(t *testing.T, typ record.Type, raw json.RawMessage) record.Value {
	t.Helper()
	if string(raw) == "null" {
		return record.Null()
	}
	text := func() string {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return s
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	switch typ.Kind {
	case record.KindText:
		return record.Text(text())
	case record.KindInteger:
		i, err := strconv.ParseInt(text(), 10, 64)
		ok(err)
		return record.Integer(i)
	case record.KindDecimal:
		d, err := decimal.Parse(text())
		ok(err)
		return record.Decimal(d)
	case record.KindBool:
		return record.Bool(string(raw) == "true")
	case record.KindDate:
		d, err := record.ParseDate(text())
		ok(err)
		return record.OfDate(d)
	case record.KindInstant:
		at, err := time.Parse(time.RFC3339Nano, text())
		ok(err)
		return record.Instant(at)
	case record.KindBytes:
		b, err := hex.DecodeString(text())
		ok(err)
		return record.Bytes(b)
	case record.KindList:
		var list []json.RawMessage
		ok(json.Unmarshal(raw, &list))
		values := []record.Value{}
		for _, e := range list {
			values = append(values, parseValue(t, *typ.Elem, e))
		}
		return record.List(values...)
	case record.KindRecord:
		return record.Nested(parseRecord(t, typ.Record, raw))
	}
	t.Fatalf("no notation for %s", typ.Kind)
	return record.Value{}
}

func parseRecord(t *testing.T, s *record.Schema, raw json.RawMessage) record.Record {
	t.Helper()
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	r := record.New(s)
	for name, v := range members {
		i, ok := s.Index(name)
		if !ok {
			t.Fatalf("no field %s", name)
		}
		r.Values[i] = parseValue(t, s.Fields[i].Type, v)
	}
	return r
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

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	for i := range v.Records {
		c := &v.Records[i]
		t.Run(c.Name, func(t *testing.T) {
			s := c.Schema.schema()
			r := parseRecord(t, s, c.Value)
			tree, err := AppendSchema(nil, s)
			if err != nil {
				t.Fatal(err)
			}
			packed, err := AppendRecord(nil, r)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				c.SchemaHex, c.RecordHex, c.Fingerprint = hex.EncodeToString(tree), hex.EncodeToString(packed), record.FingerprintOf(r).String()
			}
			if got := hex.EncodeToString(tree); got != c.SchemaHex {
				t.Errorf("schema\n got %s\nwant %s", got, c.SchemaHex)
			}
			if got := hex.EncodeToString(packed); got != c.RecordHex {
				t.Errorf("record\n got %s\nwant %s", got, c.RecordHex)
			}
			if got := record.FingerprintOf(r).String(); got != c.Fingerprint {
				t.Errorf("fingerprint %s, want %s", got, c.Fingerprint)
			}
			decoded, err := DecodeSchema(unhex(t, c.SchemaHex))
			if err != nil {
				t.Fatal(err)
			}
			for _, form := range append([]string{c.RecordHex}, c.Accepted...) {
				got, rest, err := ReadRecord(unhex(t, form), decoded)
				if err != nil || len(rest) != 0 {
					t.Fatalf("%s: %v, %d bytes left", form, err, len(rest))
				}
				if !record.Nested(got).Equal(record.Nested(r)) {
					t.Errorf("%s decodes to %s, want %s", form, got, r)
				}
			}
		})
	}
	for i := range v.Values {
		c := &v.Values[i]
		k, _ := record.ParseKind(c.Kind)
		want := parseValue(t, record.Scalar(k), c.Value)
		packed, err := AppendValue(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			c.Hex = hex.EncodeToString(packed)
		}
		if got := hex.EncodeToString(packed); got != c.Hex {
			t.Errorf("%s %s: %s, want %s", c.Kind, c.Value, got, c.Hex)
		}
		if got, err := ReadValue(unhex(t, c.Hex)); err != nil || !got.Equal(want) {
			t.Errorf("%s decodes to %v, %v", c.Hex, got, err)
		}
	}
	for _, c := range v.Refused {
		t.Run("refused "+c.Name, func(t *testing.T) {
			if c.SchemaHex != "" {
				if s, err := DecodeSchema(unhex(t, c.SchemaHex)); err == nil {
					t.Errorf("accepted as %+v", s)
				}
				return
			}
			if r, _, err := ReadRecord(unhex(t, c.RecordHex), c.Schema.schema()); err == nil {
				t.Errorf("accepted as %s", r)
			}
		})
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
