package connector

import (
	"maps"
	"slices"
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

func TestRolesOfLabels(t *testing.T) {
	for label, want := range map[string]string{
		"EAN-code": RoleEAN, "Streepjescode": RoleEAN, "GTIN": RoleEAN, "Barcode artikel": RoleEAN, "Lange omschrijving": RoleDescription, "Korte omschrijving": RoleShort,
		"Eenheid": RoleUnit, "Eenheidcode": RoleUnit, "BTW-code": RoleVATCode, "btw code verkoop": RoleVATCode,
		"Omschrijving": "", "Leanproductie": "", "Prijs per eenheid": "", "BTW-codering inkoop": "", "Oceaan": "",
	} {
		got, _ := rolesOf("ARTICLE", []entry{{name: "X", label: label, typ: 'C'}}, nil)
		if got["X"] != want {
			t.Errorf("%s: role %q, want %q", label, got["X"], want)
		}
	}
	for label, want := range map[string]string{"Gereserveerd voor verkooporders": RoleReserved, "Verkoopreserveringen": RoleReserved, "Aantal vrij": ""} {
		got, _ := rolesOf("ARTICLE", []entry{{name: "X", label: label, typ: 'N'}}, nil)
		if got["X"] != want {
			t.Errorf("%s: role %q, want %q", label, got["X"], want)
		}
	}
	if got, _ := rolesOf("ARTICLE", []entry{{name: "X", label: "Gereserveerd door", typ: 'C'}, {name: "B", label: "Geblokkeerd", typ: 'C'}}, nil); len(got) != 0 {
		t.Errorf("a text is taken for a quantity or a truth value: %v", got)
	}
	if got, _ := rolesOf("CONTACT", []entry{{name: "X", label: "EAN-code", typ: 'C'}}, nil); len(got) != 0 {
		t.Errorf("the role of another table: %v", got)
	}
	two := []entry{{name: "A", label: "EAN-code", typ: 'C'}, {name: "B", label: "EAN doos", typ: 'C'}}
	got, unsure := rolesOf("ARTICLE", two, nil)
	if len(got) != 0 || !slices.Equal(unsure[RoleEAN], []string{"A", "B"}) {
		t.Errorf("two fit: %v %v", got, unsure)
	}
	if got, unsure = rolesOf("ARTICLE", two, map[string]string{"ARTICLE.ean": "B"}); got["B"] != RoleEAN || len(unsure) != 0 {
		t.Errorf("by hand: %v %v", got, unsure)
	}
	if got, _ = rolesOf("ARTICLE", two[:1], map[string]string{"ARTICLE.ean": "NONE"}); len(got) != 0 {
		t.Errorf("a column by hand that is not there: %v", got)
	}
}

func TestDiscoverRoles(t *testing.T) {
	t.Parallel()
	for dialect, want := range map[string]map[string]string{
		"default": {}, "reservations": {"@reserved": "K1_AFGEZ"},
		"article_rich":                  {"@ean": "K1_STREEPC", "@description": "K1_LANG", "@short_description": "K1_KORT", "@unit": "K1_EENH", "@vat_code": "K1_BTW", "@blocked": "K1_BLOK"},
		"article_rich,article_two_eans": {"@description": "K1_LANG", "@short_description": "K1_KORT", "@unit": "K1_EENH", "@vat_code": "K1_BTW", "@blocked": "K1_BLOK"},
	} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			b := openBed(t, dialect, nil)
			got := map[string]string{}
			for _, f := range b.schema(Articles).Fields {
				if f.Role != "" {
					got["@"+f.Role] = f.Name
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			check := checkOf(t, b)["field_roles"]
			if two := strings.Contains(dialect, "two_eans"); !check.OK || check.Warning != two || two && !strings.Contains(check.Message, "ean could be K1_STREEPC or K1_EAN_DS") {
				t.Errorf("%+v", check)
			}
		})
	}
	b := openBed(t, "article_rich,article_two_eans,so_sent", sdk.Settings{"field_roles": "ean=article.k1_ean_ds, unit=ARTICLE.K1_KORT"})
	s := b.schema(Articles)
	for role, name := range map[string]string{"@ean": "K1_EAN_DS", "@unit": "K1_KORT"} {
		if f, _ := s.Field(role); f.Name != name {
			t.Errorf("%s is %q", role, f.Name)
		}
	}
	if f, ok := b.schema(Orders).Field("SO_LINE.@sent"); !ok || f.Name != "K1_VERZ" {
		t.Errorf("%+v", f)
	}
}

func TestFieldRolesSetting(t *testing.T) {
	base := sdk.Settings{"company": "DEMO"}
	for value, want := range map[string]string{"ean=ARTICLE.K1_EAN": "", "ean": "is not a role", "ean=K1_EAN": "is not a role", "aen=ARTICLE.K1_EAN": "did you mean ean?", "ean=ARTICLE.": "is not a role"} {
		s := maps.Clone(base)
		s["field_roles"] = value
		_, problems := parseSettings(s)
		if len(problems) == 0 {
			if want != "" {
				t.Errorf("%s is taken", value)
			}
			continue
		}
		if said := problems[0].Message + " " + problems[0].Remedy; want == "" || problems[0].Setting != "field_roles" || !strings.Contains(said, want) {
			t.Errorf("%s: %+v", value, problems)
		}
	}
}

// Sales orders are read in whole, those of last year's administration too, each once.
func TestScanOrders(t *testing.T) {
	t.Parallel()
	b := openBed(t, "default", sdk.Settings{"page_size": "2"})
	debtor(b.Env, "30001")
	post(b.Env, "AK1", "ARTICLE", []string{"ART_CODE:C", "PX_SELL:N"}, "PLANK", "12.50")
	post(b.Env, "AK1", "ARTICLE", []string{"ART_CODE:C", "PX_SELL:N"}, "VERZEND", "6.95")
	today := b.conn.today()
	for i, day := range []record.Date{shiftYear(today, -1), today, today, today, shiftYear(today, 1)} {
		r := order(b.schema(Orders), "WEB-"+string(rune('A'+i)), "30001")
		set(&r, "ORD_DATE", day)
		if res := b.write(sdk.WriteRequest{Object: Orders, Action: sdk.Create, Records: []record.Record{r}}); res.Outcome != sdk.OutcomeCreated {
			t.Fatalf("%d: %+v", i, res.Err)
		}
	}
	var got []string
	err := b.conn.Read(t.Context(), sdk.ReadRequest{Object: Orders}, func(batch sdk.Batch) error {
		if batch.Cursor != nil {
			t.Error("a scan leaves a cursor")
		}
		for _, r := range batch.Records {
			got = append(got, r.Get("COMMENT1").AsText())
			if len(r.Get("SO_LINE").AsList()) != 2 {
				t.Errorf("%s", r)
			}
		}
		return nil
	})
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{"WEB-A", "WEB-B", "WEB-C", "WEB-D", "WEB-E"}) {
		t.Errorf("%v %v", got, err)
	}
}
