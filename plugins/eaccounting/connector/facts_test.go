package connector

import (
	"strings"
	"testing"

	"github.com/pomost/pomost/plugins/eaccounting/spec"
	"github.com/pomost/pomost/sdk/record"
)

// TestFacts compares the connector's table with the specification, field by field.
func TestFacts(t *testing.T) {
	tables := spec.Of(spec.G2026)
	for name, fields := range facts {
		if name == "CreditedByApi" { // known from a note of CustomerInvoiceApi.CreditedBy only
			continue
		}
		want := tables.Schemas[name]
		if want == nil {
			t.Errorf("%s is not in the specification", name)
			continue
		}
		seen := map[string]bool{}
		for _, f := range fields {
			w, ok := want[f.name]
			if !ok {
				t.Errorf("%s.%s is not in the specification", name, f.name)
				continue
			}
			seen[f.name] = true
			if f.typ != w.Type || f.required != w.Required || f.readOnly != w.ReadOnly || f.nullable != w.Nullable || f.length != w.Length {
				t.Errorf("%s.%s is %+v, the specification says %+v", name, f.name, f, w)
			}
		}
		for field, w := range want {
			part := strings.TrimSuffix(w.Type, "[]")
			if _, known := facts[part]; !seen[field] && !(strings.HasSuffix(part, "Api") && !known) {
				t.Errorf("%s.%s of the specification is missing", name, field)
			}
		}
	}
}

func TestSchemas(t *testing.T) {
	for _, o := range objects {
		for _, f := range []string{o.stamp, o.created, o.unique} {
			if _, ok := o.schema.Field(f); f != "" && !ok {
				t.Errorf("%s: no field %s", o.Name, f)
			}
		}
	}
	for path, kind := range map[string]record.Kind{
		"Rows.UnitPrice": record.KindDecimal, "Rows.LineNumber": record.KindInteger, "OrderDate": record.KindDate, "ModifiedUtc": record.KindInstant,
		"Status": record.KindInteger, "IncludesVat": record.KindBool, "CustomerId": record.KindText, "Rows": record.KindList,
	} {
		f, ok := schemaOf("OrderApi").Field(path)
		if !ok || f.Type.Kind != kind {
			t.Errorf("OrderApi.%s is %s, want %s", path, f.Type.Kind, kind)
		}
	}
	if f, _ := schemaOf("CustomerApi").Field("CorporateIdentityNumber"); !f.Personal {
		t.Error("a Swedish private person's CorporateIdentityNumber is a national identity number: it must be marked personal")
	}
	if f, _ := schemaOf("ArticleApi").Field("Name"); f.Personal || !f.Required || f.Length != 50 {
		t.Errorf("ArticleApi.Name: %+v", f)
	}
}
