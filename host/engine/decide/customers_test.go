package decide

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// customerLanes are both lanes of a flow of customers between a Swedish shop and Dutch books.
func customerLanes(t *testing.T, s flow.CustomerSettings) (toBooks, toShop *Masters) {
	t.Helper()
	r, err := flow.LoadRecipe(recipes.FS, "accountview-eaccounting/customers")
	if err != nil {
		t.Fatal(err)
	}
	if s.Match == nil {
		s.Match = []string{flow.MatchEmail}
	}
	r = r.Marked(s.Marks)
	schemas := map[string]*record.Schema{"AR1": contact, "customers": customer}
	shop, books := Company{"SE", "SEK"}, Company{"NL", "EUR"}
	lane := func(l flow.Lane, from, to Company, conflict Conflict) *Masters {
		return &Masters{Recipe: r, Lane: l, Write: r.Write[l.Write], Schemas: schemas, Create: true, Update: true, Conflict: conflict,
			Hash: func(v record.Value) string { return "h" + v.String() },
			Kind: &Customers{Recipe: r, Lane: l, Settings: s, From: from, To: to, DefaultTerms: "T30"}}
	}
	toBooks, toShop = lane(r.Lanes[0], shop, books, ConflictWins), lane(r.Lanes[1], books, shop, ConflictYields)
	toBooks.Reverse, toShop.Reverse = toShop, toBooks
	return toBooks, toShop
}

func textFields(length int, names string) []record.Field {
	var out []record.Field
	for _, n := range strings.Fields(names) {
		out = append(out, record.Field{Name: n, Type: record.Scalar(record.KindText), Length: length})
	}
	return out
}

var (
	contact = record.MustSchema("CONTACT", append(append(textFields(80, "SUB_NR ADDRESS1 ACCT_NR SRC_CODE POST_CODE CNT_CODE MAIL_BUS TEL_BUS TEL_MOB WWW_URL MC_MAILB VAT_NR COC_CODE VAT_CODE LNK_ACCT DISC_CODE CUR_CODE"),
		textFields(40, "ACCT_NAME CITY MAIN_CONT")...), record.Field{Name: "REC_BLK", Type: record.Scalar(record.KindBool)}, record.Field{Name: "CNG_DATE", Type: record.Scalar(record.KindInstant)})...)
	customer = record.MustSchema("CustomerApi", append(textFields(50, "Id CustomerNumber Name InvoiceAddress1 InvoiceAddress2 InvoiceCity InvoicePostalCode InvoiceCountryCode EmailAddress Telephone MobilePhone WwwAddress ContactPersonName ContactPersonEmail VatNumber CorporateIdentityNumber CurrencyCode TermsOfPaymentId"),
		record.Field{Name: "IsPrivatePerson", Type: record.Scalar(record.KindBool)}, record.Field{Name: "IsActive", Type: record.Scalar(record.KindBool)}, record.Field{Name: "ChangedUtc", Type: record.Scalar(record.KindInstant)})...)
)

// filled makes a record of names and texts; every other text field is there and empty, as both systems answer.
func filled(s *record.Schema, pairs ...any) record.Record {
	r := record.New(s)
	for _, f := range s.Fields {
		switch f.Type.Kind {
		case record.KindText:
			r.MustSet(f.Name, record.Text(""))
		case record.KindBool:
			r.MustSet(f.Name, record.Bool(false))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			r.MustSet(pairs[i].(string), record.Text(v))
		case bool:
			r.MustSet(pairs[i].(string), record.Bool(v))
		}
	}
	return r
}

// system answers a lane's questions from records of both sides.
type system struct {
	source, destination []record.Record
	links               map[LinkNeed]Link
}

// settle asks a decider until it has decided.
func (s system) settle(t *testing.T, m *Masters, rec record.Record) Decision {
	t.Helper()
	facts := Facts{Answers: map[string]Answer{}, Links: map[LinkNeed]Link{}}
	for range 10 {
		d := m.Decide(rec, &facts)
		if d.Verdict != NeedMore {
			return d
		}
		for _, n := range d.Links {
			facts.Links[n] = s.links[n]
		}
		for _, l := range d.Lookups {
			ans := Answer{Status: connector.AbsentEverywhere}
			for _, r := range map[Side][]record.Record{Source: s.source, Destination: s.destination}[l.Side] {
				if Fold(r.Get(l.Fields[0].Name).String()) == Fold(l.Fields[0].Value) {
					ans.Status, ans.Records = connector.Found, append(ans.Records, r)
				}
			}
			facts.Answers[l.ID()] = ans
		}
	}
	t.Fatal("no decision")
	return Decision{}
}

func TestCustomerParty(t *testing.T) {
	rate := func(s string) *decimal.Decimal { d := decimal.MustParse(s); return &d }
	rules := []flow.PartyRule{
		{Country: "DE", Party: "company", Value: "eu"}, {Country: "de", Rate: rate("19"), Value: "d19"}, {Country: "DE", Rate: rate("7"), Value: "d7"},
		{Country: "FR", Rate: rate("20"), Value: "f"}, {Country: "FR", Rate: rate("5.5"), Value: "f"}, {Party: "private", Value: "p"}, {Value: "rest"},
	}
	for _, c := range []struct {
		country, vat string
		private      bool
		abroad       bool
		want         string
		many         bool
	}{
		{"DE", "DE1", false, true, "eu", false},
		{"DE", "", true, true, "", true}, // a code for each rate: none can serve
		{"FR", "", true, true, "f", false},
		{"PL", "", true, true, "p", false},
		{"PL", "PL1", false, true, "rest", false},
		{"NL", "", true, true, "", false}, // the own country: only a row that names it
		{"NL", "", true, false, "p", false},
		{"", "", true, true, "p", false}, // of the shop's country
	} {
		toBooks, _ := customerLanes(t, flow.CustomerSettings{})
		canon, holds := toBooks.Recipe.Canon("customer", filled(customer, "Id", "1", "InvoiceCountryCode", c.country, "VatNumber", c.vat, "IsPrivatePerson", c.private))
		if len(holds) > 0 {
			t.Fatal(holds)
		}
		if got, many := toBooks.Kind.(*Customers).choose(rules, canon, c.abroad); got != c.want || many != c.many {
			t.Errorf("%+v: %q, %v", c, got, many)
		}
	}
}

func TestCustomerKeys(t *testing.T) {
	all := []string{flow.MatchNumber, flow.MatchVATNumber, flow.MatchChamberNumber, flow.MatchEmail, flow.MatchNamePostcode}
	toBooks, _ := customerLanes(t, flow.CustomerSettings{Match: all})
	canon := func(which string, r record.Record) record.Record {
		c, holds := toBooks.Recipe.Canon(which, r)
		if len(holds) > 0 {
			t.Fatal(holds)
		}
		return c
	}
	keys, held := toBooks.Kind.Keys(canon("customer", filled(customer, "Id", "1", "CustomerNumber", "7", "VatNumber", "SE 556677.889901", "CorporateIdentityNumber", "556677-8899",
		"EmailAddress", "Info@A.example", "Name", "Alfa  AB", "InvoicePostalCode", "11122")))
	if held != nil || len(keys) != len(all) {
		t.Fatalf("%+v %+v", keys, held)
	}
	for i, c := range []struct {
		field      string
		same, near []string
	}{
		{"SUB_NR", []string{"7", "7 "}, []string{"07", "77"}},
		{"VAT_NR", []string{"SE556677889901", "se556677889901"}, []string{"SE556677889902", ""}},
		{"COC_CODE", []string{"5566778899", "556677-8899", "556677 8899"}, []string{"55667788990", "556677889", ""}},
		{"MAIL_BUS", []string{"info@a.example", "INFO@A.EXAMPLE"}, []string{"info@a.example.nl", "info@b.example", ""}},
	} {
		for _, v := range append(slices.Clone(c.same), c.near...) {
			if got, want := keys[i].Same(canon("debtor", filled(contact, "SUB_NR", "1", c.field, v))), slices.Contains(c.same, v); got != want {
				t.Errorf("%s: %q is the same: %v", c.field, v, got)
			}
		}
	}
	for _, c := range []struct {
		name, code string
		want       bool
	}{{"ALFA AB", "111 22", true}, {"Alfa AB", "", false}, {"Alfa", "11122", false}, {"Alfa AB", "11123", false}} {
		if got := keys[4].Same(canon("debtor", filled(contact, "SUB_NR", "1", "ACCT_NAME", c.name, "POST_CODE", c.code))); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	// The number of a private person is her own, and no key.
	keys, _ = toBooks.Kind.Keys(canon("customer", filled(customer, "Id", "1", "IsPrivatePerson", true, "VatNumber", "SE556677889901", "CorporateIdentityNumber", "811218-9876", "EmailAddress", "a@b.example")))
	if len(keys) != 1 || keys[0].By != flow.MatchEmail {
		t.Errorf("a private person is recognised by %+v", keys)
	}
}

func TestCustomerCreate(t *testing.T) {
	full := []any{"Id", "c1", "CustomerNumber", "1001", "Name", "Alfa", "EmailAddress", "a@b.example", "InvoiceCity", "Lund", "InvoicePostalCode", "22222"}
	with := func(more ...any) record.Record { return filled(customer, append(slices.Clone(full), more...)...) }
	account := flow.CustomerSettings{CollectiveAccount: "1210"}
	for _, c := range []struct {
		name     string
		settings flow.CustomerSettings
		rec      record.Record
		others   []record.Record // of the source
		verdict  Verdict
		cause    string
	}{
		{"plain", account, with(), nil, Act, ""},
		{"without an account", flow.CustomerSettings{}, with(), nil, Hold, "account_missing"},
		{"guest", account, with("EmailAddress", "", "IsPrivatePerson", true), nil, Skip, ""},
		{"company without a key", account, with("EmailAddress", ""), nil, Hold, "match_none"},
		{"shared address", account, with(), []record.Record{filled(customer, "Id", "c2", "CustomerNumber", "1002", "EmailAddress", "A@B.example")}, Hold, "match_ambiguous"},
		{"not to be found again", flow.CustomerSettings{CollectiveAccount: "1210", Match: []string{"number"}, Marks: map[string]flow.Mark{"SUB_NR": flow.MarkNever}}, with(), nil, Hold, "match_none"},
		{"with its number", flow.CustomerSettings{CollectiveAccount: "1210", Match: []string{"number"}, Marks: map[string]flow.Mark{"SUB_NR": flow.MarkCreate}}, with(), nil, Act, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			toBooks, _ := customerLanes(t, c.settings)
			d := system{source: append(c.others, c.rec)}.settle(t, toBooks, c.rec)
			if d.Verdict != c.verdict || d.Cause != c.cause {
				t.Fatalf("%d %s %s", d.Verdict, d.Cause, d.Reason)
			}
			if d.Verdict == Act && (len(d.Actions) != 1 || len(d.Actions[0].Lookup.Fields) != 1 || d.Actions[0].Identity == "") {
				t.Errorf("nothing finds it again: %+v", d.Actions)
			}
		})
	}
}

// A private person keeps to herself what only companies have, whichever side takes her for a company.
func TestCustomerPrivate(t *testing.T) {
	toBooks, toShop := customerLanes(t, flow.CustomerSettings{CollectiveAccount: "1210", Marks: map[string]flow.Mark{"ContactPersonName": flow.MarkUpdate, "VatNumber": flow.MarkUpdate}})
	anna := filled(customer, "Id", "c1", "CustomerNumber", "1", "Name", "Anna", "EmailAddress", "a@b.example", "IsPrivatePerson", true, "CorporateIdentityNumber", "811218-9876",
		"VatNumber", "SE811218987601", "ContactPersonName", "Anna", "InvoiceCity", "Lund", "InvoicePostalCode", "22222", "InvoiceCountryCode", "SE")
	d := system{source: []record.Record{anna}}.settle(t, toBooks, anna)
	for _, f := range []string{"COC_CODE", "VAT_NR", "MAIN_CONT"} {
		if v := d.Actions[0].Record.Get(f); !v.IsEmpty() {
			t.Errorf("%s travels: %s", f, v)
		}
	}
	debtor := filled(contact, "SUB_NR", "10001", "ACCT_NAME", "Anna", "MAIL_BUS", "a@b.example", "MAIN_CONT", "Bo", "VAT_NR", "NL001234567B01", "COC_CODE", "30123456",
		"CITY", "Malmö", "POST_CODE", "22222", "CNT_CODE", "SE")
	d = system{destination: []record.Record{anna}}.settle(t, toShop, debtor)
	if d.Verdict != Act || len(d.Actions[0].Changes) != 1 || d.Actions[0].Changes[0].Field != "InvoiceCity" {
		t.Errorf("%d %s %+v", d.Verdict, d.Reason, d.Actions)
	}
}

func TestAltered(t *testing.T) {
	for _, c := range []struct {
		sent, found string
		want        bool
	}{
		{"Kade 1", "KADE 1", true}, {"030 123", "030123", true}, {"Burgemeester van", "Burgemeester", true}, {"Łódź", "?ód?", true},
		{"Kade 1", "Kade 2", false}, {"Kade 1", "", false}, {"Kade", "Kade 1", false}, {"Lodz", "?odz", false},
	} {
		if got := altered(record.Text(c.sent), record.Text(c.found)); got != c.want {
			t.Errorf("%q → %q: %v", c.sent, c.found, got)
		}
	}
}

// Two lines of an address are one text: they are compared and written together.
func TestCompareDivided(t *testing.T) {
	_, toShop := customerLanes(t, flow.CustomerSettings{})
	base := []any{"SUB_NR", "10001", "ACCT_NAME", "Alfa", "MAIL_BUS", "a@b.example", "CITY", "Lund", "POST_CODE", "22222", "CNT_CODE", "SE"}
	there := []any{"Id", "c1", "Name", "Alfa", "EmailAddress", "a@b.example", "InvoiceCity", "Lund", "InvoicePostalCode", "22222", "InvoiceCountryCode", "SE"}
	for _, c := range []struct{ ours, line1, line2, want1, want2 string }{
		{"Kade 1, hal 3", "Kade 1", "hal 3", "", ""}, // the same, divided
		{"Kade 2", "Kade 1", "hal 3", "Kade 2", "null"},
		{"Burgemeester van der Veldestraat 118, achterhuis, derde verdieping", "Kade 1", "", "Burgemeester van der Veldestraat 118, achterhuis", "derde verdieping"},
		{"", "Kade 1", "hal 3", "", ""}, // nothing is emptied because it is not known
	} {
		have := filled(customer, append(slices.Clone(there), "InvoiceAddress1", c.line1, "InvoiceAddress2", c.line2)...)
		d := system{destination: []record.Record{have}}.settle(t, toShop, filled(contact, append(slices.Clone(base), "ADDRESS1", c.ours)...))
		var got1, got2 string
		if d.Verdict == Act {
			got1 = d.Actions[0].Record.Get("InvoiceAddress1").AsText()
			if got2 = d.Actions[0].Record.Get("InvoiceAddress2").AsText(); d.Actions[0].Record.Get("InvoiceAddress2").Kind() == record.KindNull {
				got2 = "null"
			}
		}
		if got1 != c.want1 || got2 != c.want2 {
			t.Errorf("%q over %q and %q: %q and %q (%s)", c.ours, c.line1, c.line2, got1, got2, d.Reason)
		}
	}
}

// What the destination says more of, or the other lane would carry back as it is, is no news.
func TestNoNews(t *testing.T) {
	_, toShop := customerLanes(t, flow.CustomerSettings{})
	have := filled(customer, "Id", "c1", "Name", "Alfa en Zonen van der Velde in de Kleine Hout", "EmailAddress", "a@b.example", "InvoiceCity", "Lund", "InvoicePostalCode", "22222",
		"InvoiceCountryCode", "SE", "VatNumber", "SE 5566.7788.9901")
	debtor := filled(contact, "SUB_NR", "10001", "ACCT_NAME", "Alfa en Zonen van der Velde in de Kleine", "MAIL_BUS", "A@B.example", "CITY", "LUND", "POST_CODE", "222 22", "CNT_CODE", "SE",
		"VAT_NR", "SE556677889901")
	d := system{destination: []record.Record{have}}.settle(t, toShop, debtor)
	if d.Verdict != Adopt {
		t.Fatalf("%d %s %+v", d.Verdict, d.Reason, d.Actions)
	}
	// The country that nobody stated is not put in the place of one that is there.
	debtor.MustSet("CNT_CODE", record.Text(""))
	if d = (system{destination: []record.Record{have}}).settle(t, toShop, debtor); d.Verdict != Adopt {
		t.Errorf("%d %s %+v", d.Verdict, d.Reason, d.Actions)
	}
	debtor.MustSet("ACCT_NAME", record.Text("Alfa en Zonen"))
	if d = (system{destination: []record.Record{have}}).settle(t, toShop, debtor); d.Verdict != Act || len(d.Actions[0].Changes) != 1 {
		t.Errorf("a name that was changed is news: %d %s", d.Verdict, d.Reason)
	}
}

// What was written and never read back (the run was killed) may look otherwise there; that is no news. What says something else is.
func TestUnseen(t *testing.T) {
	_, toShop := customerLanes(t, flow.CustomerSettings{})
	street := "Burgemeester van der Veldestraat 118"
	have := filled(customer, "Id", "c1", "Name", "Alfa", "EmailAddress", "a@b.example", "InvoiceAddress1", street, "InvoiceCity", "Lund", "InvoicePostalCode", "22222", "InvoiceCountryCode", "SE")
	for _, c := range []struct {
		there string
		want  Verdict
	}{{"BURGEMEESTER VAN DER VELDESTRA", Remember}, {"Kade 1", Act}} {
		debtor := filled(contact, "SUB_NR", "10001", "ACCT_NAME", "Alfa", "ADDRESS1", c.there, "MAIL_BUS", "a@b.example", "CITY", "Lund", "POST_CODE", "22222", "CNT_CODE", "SE")
		links := map[LinkNeed]Link{{Object: "AR1", Key: "10001"}: {Key: "c1", Sent: map[string]string{"AR1.ADDRESS1": "h" + street}}}
		d := system{destination: []record.Record{have}, links: links}.settle(t, toShop, debtor)
		if d.Verdict != c.want {
			t.Errorf("%q: %d %s %+v", c.there, d.Verdict, d.Reason, d.Actions)
		}
	}
}

// A run is killed after it made a customer of a debtor and before it read that back. What somebody changes in the books before the next run is
// not taken back by the lane that comes first then, however the customer looks in the shop.
func TestKilledBeforeReadBack(t *testing.T) {
	for _, city := range []string{"Lund", "LUND", "Lun"} {
		for _, changed := range []bool{false, true} {
			toBooks, toShop := customerLanes(t, flow.CustomerSettings{CollectiveAccount: "1210"})
			debtor := filled(contact, "SUB_NR", "10001", "ACCT_NAME", "Alfa", "ADDRESS1", "Kade 1", "MAIL_BUS", "a@b.example", "CITY", "Lund", "POST_CODE", "22222", "CNT_CODE", "SE")
			d := system{source: []record.Record{debtor}}.settle(t, toShop, debtor)
			if d.Verdict != Act {
				t.Fatalf("%d %s", d.Verdict, d.Reason)
			}
			sent, observed := maps.Clone(d.Actions[0].Sent), maps.Clone(d.Actions[0].Seen)
			made := filled(customer, "Id", "c1", "Name", "Alfa", "EmailAddress", "a@b.example", "InvoiceAddress1", "Kade 1", "InvoiceCity", city, "InvoicePostalCode", "22222", "InvoiceCountryCode", "SE")
			if changed {
				debtor.MustSet("CITY", record.Text("Malmö"))
			}
			there := LinkNeed{Object: "customers", Key: "c1"}
			d = system{source: []record.Record{made}, destination: []record.Record{debtor},
				links: map[LinkNeed]Link{there: {Key: "10001", Sent: sent, Observed: observed, Verified: VerifiedNotYet}}}.settle(t, toBooks, made)
			if d.Verdict != Remember || d.Verified != VerifiedNotYet {
				t.Fatalf("%s, changed %v, to the books: %d %s %+v %s", city, changed, d.Verdict, d.Reason, d.Actions, d.Verified)
			}
			maps.Copy(sent, d.Sent)
			maps.Copy(observed, d.Observed)
			here := LinkNeed{Object: "AR1", Key: "10001"}
			d = system{source: []record.Record{debtor}, destination: []record.Record{made},
				links: map[LinkNeed]Link{here: {Key: "c1", Sent: sent, Observed: observed, Verified: VerifiedNotYet}}}.settle(t, toShop, debtor)
			switch {
			case !changed && (d.Verdict != Remember || d.Verified != Verified):
				t.Errorf("%s, to the shop: %d %s %+v %s", city, d.Verdict, d.Reason, d.Actions, d.Verified)
			case changed && (d.Verdict != Act || len(d.Actions[0].Changes) != 1 || d.Actions[0].Changes[0].To != "Malmö"):
				t.Errorf("%s, to the shop: %d %s %+v: the change does not travel", city, d.Verdict, d.Reason, d.Actions)
			}
		}
	}
}

// What the one side has and the other lacks is not carried over because the lane that has nothing to say of it has looked.
func TestBlankIsNotCarriedOver(t *testing.T) {
	toBooks, toShop := customerLanes(t, flow.CustomerSettings{CollectiveAccount: "1210"})
	debtor := filled(contact, "SUB_NR", "10001", "ACCT_NAME", "Alfa", "MAIL_BUS", "a@b.example", "CITY", "Lund", "POST_CODE", "22222", "CNT_CODE", "SE")
	have := filled(customer, "Id", "c1", "Name", "Alfa", "EmailAddress", "a@b.example", "InvoiceCity", "Lund", "InvoicePostalCode", "22222", "InvoiceCountryCode", "SE", "MobilePhone", "+46701234567")
	d := system{source: []record.Record{debtor}, destination: []record.Record{have}}.settle(t, toShop, debtor)
	if d.Verdict != Adopt {
		t.Fatalf("%d %s", d.Verdict, d.Reason)
	}
	links := map[LinkNeed]Link{{Object: "customers", Key: "c1"}: {Key: "10001", Sent: d.Sent, Observed: d.Observed}}
	d = system{source: []record.Record{have}, destination: []record.Record{debtor}, links: links}.settle(t, toBooks, have)
	if d.Verdict != Act || len(d.Actions[0].Changes) != 1 || d.Actions[0].Changes[0].Field != "TEL_MOB" {
		t.Errorf("%d %s %+v", d.Verdict, d.Reason, d.Actions)
	}
}
