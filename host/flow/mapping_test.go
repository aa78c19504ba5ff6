package flow

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// schemaOf builds a schema of a dictionary's notation: C10 text, ! upper case, M memo, D date, N2 number with decimals, L logical.
func schemaOf(name, fields string, more ...record.Field) *record.Schema {
	var out []record.Field
	for _, w := range strings.Fields(fields) {
		n, typ, _ := strings.Cut(w, ":")
		f := record.Field{Name: n, Upper: strings.HasSuffix(typ, "!"), Decimals: -1}
		digits := strings.TrimRight(typ[1:], "!")
		switch typ[0] {
		case 'C':
			f.Type = record.Scalar(record.KindText)
			_, _ = fmt.Sscan(digits, &f.Length)
		case 'M':
			f.Type = record.Scalar(record.KindText)
		case 'D':
			f.Type = record.Scalar(record.KindDate)
		case 'T':
			f.Type = record.Scalar(record.KindInstant)
		case 'I':
			f.Type = record.Scalar(record.KindInteger)
		case 'L':
			f.Type = record.Scalar(record.KindBool)
		case 'N':
			f.Type = record.Scalar(record.KindDecimal)
			if digits != "" {
				_, _ = fmt.Sscan(digits, &f.Decimals)
			}
		}
		out = append(out, f)
	}
	return record.MustSchema(name, append(out, more...)...)
}

func soSchema(priceDecimals int) *record.Schema {
	line := schemaOf("SO_LINE", fmt.Sprintf("ART_CODE:C15! ORD_QTY:N4 ART_PX:N%d DEL_DATE:D", priceDecimals))
	return schemaOf("SO_HDR", "ORD_NR:C10! ORD_DATE:D DEL_DATE:D INV_DATE:D RPL_INV:C10! RPL_DEL:C10! DEL_CODE:C10! COMMENT1:C40 COMMENT2:M TO_EMAIL:C50 PD_AMT:N2",
		record.Field{Name: "SO_LINE", Type: record.ListOf(line)})
}

var contactSchema = schemaOf("CONTACT", `SUB_NR:C10! ACCT_NR:C10! SRC_CODE:C10! ACCT_NAME:C40 ADDRESS1:C80 POST_CODE:C10! CITY:C35 CNT_CODE:C2! MAIL_BUS:C50
	TEL_BUS:C20 TEL_MOB:C20 MAIN_CONT:C40 MC_MAILB:C50 VAT_NR:C14! COC_CODE:C15 CUR_CODE:C3! RPL_INV:C10! REC_BLK:L BLK_SP:L DISC_PCT:N2 PCT_LIST:C5! QD_CODE:C5!
	APX_LIST:C5! CNG_DATE:T`)

var addrSchema = schemaOf("DEL_ADDR", "REC_ID:C10! SUB_NR:C10! DEL_NAME:C40 ADDRESS1:C80 POST_CODE:C10! CITY:C35 CNT_CODE:C2! MAIL_BUS:C50 TEL_BUS:C20")

var articleSchema = schemaOf("ARTICLE", "ART_CODE:C15! ART_DESC1:C40 CNG_DATE:T")

var eaOrder = schemaOf("orders", `Id:M Number:I Status:I OrderDate:D DeliveryDate:D CurrencyCode:C3 IncludesVat:L CustomerIsPrivatePerson:L CustomerId:M CustomerNumber:M
	BuyersOrderReference:C35 YourReference:C100 TermsOfPaymentId:M DeliveryMethodCode:C20 DeliveryMethodName:C50 Amount:N2 VatAmount:N2 RoundingsAmount:N2
	ReverseChargeOnConstructionServices:L EuThirdParty:L RotReducedInvoicingType:I UsesGreenTechnology:L HouseWorkAmount:N2
	InvoiceCustomerName:C50 InvoiceAddress1:C50 InvoiceAddress2:C50 InvoicePostalCode:C10 InvoiceCity:C50 InvoiceCountryCode:C2
	DeliveryCustomerName:C100 DeliveryAddress1:C50 DeliveryAddress2:C50 DeliveryPostalCode:C10 DeliveryCity:C50 DeliveryCountryCode:C2 ModifiedUtc:T CreatedUtc:T`,
	record.Field{Name: "Rows", Type: record.ListOf(eaRow)})

var eaRow = schemaOf("Rows", `LineNumber:I IsTextRow:L IsWorkCost:L ArticleNumber:C40 Text:C2000 Quantity:N4 UnitPrice:N4 DiscountPercentage:N4
	IsDiscountInFixedAmount:L Amount:N2 VatRate:N2`)

var eaCustomer = schemaOf("customers", `Id:M CustomerNumber:C16 Name:C50 IsPrivatePerson:L IsActive:L EmailAddress:C255 EmailAddressOrder:C255 Telephone:C50 MobilePhone:C50
	ContactPersonName:C100 ContactPersonEmail:C255 VatNumber:C20 CorporateIdentityNumber:C20 CurrencyCode:C3 TermsOfPaymentId:M DeliveryMethodId:M
	InvoiceAddress1:C50 InvoiceAddress2:C50 InvoicePostalCode:C10 InvoiceCity:C50 InvoiceCountryCode:C2
	DeliveryCustomerName:C100 DeliveryAddress1:C50 DeliveryAddress2:C50 DeliveryPostalCode:C10 DeliveryCity:C50 DeliveryCountryCode:C2 ChangedUtc:T`)

var eaInvoice = schemaOf("customerinvoices", "Id:M CreatedFromOrderId:M RemainingAmount:N2 IsCreditInvoice:L ModifiedUtc:T",
	record.Field{Name: "CreditedBy", Type: record.ListOf(schemaOf("CreditedBy", "CreditInvoiceId:M"))})

// rec builds a record of alternating names and values.
func rec(t testing.TB, s *record.Schema, pairs ...any) record.Record {
	t.Helper()
	r := record.New(s)
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		f, ok := s.Field(name)
		if !ok {
			t.Fatalf("%s has no field %s", s.Name, name)
		}
		var v record.Value
		switch x := pairs[i+1].(type) {
		case string:
			var err error
			if v, err = Convert(record.Text(x), f.Type.Kind); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		case int:
			v = record.Integer(int64(x))
		case bool:
			v = record.Bool(x)
		case record.Record:
			v = record.Nested(x)
		case []record.Record:
			var list []record.Value
			for _, e := range x {
				list = append(list, record.Nested(e))
			}
			v = record.List(list...)
		case record.Value:
			v = x
		}
		r.MustSet(name, v)
	}
	return r
}

func mustMap(t *testing.T, m Mapped) record.Record {
	t.Helper()
	if len(m.Holds) > 0 {
		t.Fatalf("held: %+v", m.Holds)
	}
	return m.Record
}

// TestRecipeFits: every path and field of the recipe exists in the systems' schemas.
func TestRecipeFits(t *testing.T) {
	r := mustLoad(t)
	problems := r.Validate(map[string]*record.Schema{"orders": eaOrder, "customers": eaCustomer, "customerinvoices": eaInvoice},
		map[string]*record.Schema{"AR1": contactSchema, "ADDR": addrSchema, "AK1": articleSchema, "SO1": soSchema(4)})
	for _, p := range problems {
		t.Error(p)
	}
	// What is certain is not optional: an account without it is told so.
	poor := schemaOf("CONTACT", "SUB_NR:C10! ACCT_NAME:C40")
	if problems := r.Validate(nil, map[string]*record.Schema{"AR1": poor}); len(problems) < 10 {
		t.Errorf("an account without the fields: %v", problems)
	}
	never := map[string]bool{"PD_AMT": true, "INV_DATE": true}
	for which, target := range r.Write {
		for _, rule := range target.Rules() {
			if never[rule.Field] {
				t.Errorf("%s: %s must not be sent", which, rule.Field)
			}
		}
	}
	for field, mark := range map[string]Mark{"ACCT_NR": MarkCreate, "SRC_CODE": MarkCreate, "ACCT_NAME": MarkUpdate, "TEL_BUS": MarkWhenEmpty, "VAT_NR": MarkWhenEmpty, "COC_CODE": MarkWhenEmpty} {
		for _, rule := range r.Write["debtor"].Rules() {
			if rule.Field == field && rule.Mark != mark {
				t.Errorf("%s has the mark %s, want %s", field, rule.Mark, mark)
			}
			if rule.Field == "SUB_NR" {
				t.Error("AccountView numbers its debtors")
			}
			if rule.Field == "VAT_NR" && rule.Differs != "hold" {
				t.Error("a change of the VAT number must be held")
			}
		}
	}
}

func sourceOrder(t testing.TB) record.Record {
	row := func(line int, article, qty, price, discount, rate string) record.Record {
		return rec(t, eaRow, "LineNumber", line, "IsTextRow", false, "IsWorkCost", false, "ArticleNumber", article, "Text", " Stoel\n eiken ", "Quantity", qty,
			"UnitPrice", price, "DiscountPercentage", discount, "VatRate", rate, "IsDiscountInFixedAmount", false)
	}
	return rec(t, eaOrder, "Id", "8d1f6f52-6d0e-4b1f-9a52-0f8f7d1c2b3a", "Number", 1042, "Status", 3, "OrderDate", "2027-01-01", "CurrencyCode", "EUR",
		"IncludesVat", false, "CustomerIsPrivatePerson", false, "CustomerId", "c1", "BuyersOrderReference", "PO 7", "YourReference", "PO 7", "Amount", "121.00", "VatAmount", "21.00",
		"RotReducedInvoicingType", 0, "UsesGreenTechnology", false, "EuThirdParty", false, "InvoiceCustomerName", "Jansen  Houthandel", "InvoiceCity", "Utrecht", "InvoiceCountryCode", "nl",
		"DeliveryMethodName", "Post", "Rows", []record.Record{row(0, " stoel-1 ", "2", "50.0000", "0.1", "0.21"), row(1, "FREIGHT", "1", "10", "0", "9")})
}

func TestCanonOrder(t *testing.T) {
	r := mustLoad(t)
	got, holds := r.Canon("order", sourceOrder(t))
	if len(holds) > 0 {
		t.Fatal(holds)
	}
	for path, want := range map[string]string{
		"key": "8d1f6f52-6d0e-4b1f-9a52-0f8f7d1c2b3a", "number": "1042", "status": "shipped", "date": "2027-01-01", "delivery_date": "", "total": "121",
		"billing.name": "Jansen Houthandel", "billing.country": "NL", "billing.city": "Utrecht", "tax_reduction": "false", "delivery_method": "Post", "includes_vat": "false",
	} {
		if v := got.Path(path).String(); v != want {
			t.Errorf("%s = %q, want %q", path, v, want)
		}
	}
	if !got.Get("delivery").IsAbsent() {
		t.Error("an address without anything in it must be absent")
	}
	rows := got.Get("rows").AsList()
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	first, _ := rows[0].AsRecord()
	if s := first.String(); s != "{line=0 is_text=false is_work=false article=stoel-1 text=Stoel eiken quantity=2 unit_price=50 discount=0.1 fixed_discount=false vat_rate=21}" {
		t.Error(s)
	}
	if second, _ := rows[1].AsRecord(); second.Get("vat_rate").String() != "9" {
		t.Errorf("a rate in percent must stay: %s", second)
	}
	rot := sourceOrder(t)
	rot.MustSet("RotReducedInvoicingType", record.Integer(1))
	if got, _ := r.Canon("order", rot); !got.Get("tax_reduction").AsBool() {
		t.Error("ROT was not seen")
	}
	bad := sourceOrder(t)
	bad.MustSet("Status", record.Integer(9))
	bad.MustSet("OrderDate", record.Null())
	_, holds = r.Canon("order", bad)
	if len(holds) != 2 || holds[0].Cause != "value_unmapped" || holds[0].Field != "status" || holds[1].Cause != "invalid_value" || holds[1].Field != "date" {
		t.Errorf("%+v", holds)
	}
	if _, holds := r.Canon("nothing", bad); len(holds) == 0 {
		t.Error("an unknown object must be told")
	}
}

func TestCanonCustomerAndInvoice(t *testing.T) {
	r := mustLoad(t)
	company := rec(t, eaCustomer, "Id", "c1", "Name", "Firma", "IsPrivatePerson", false, "CorporateIdentityNumber", "12345678", "VatNumber", "nl 1234.56.789 b01")
	got, _ := r.Canon("customer", company)
	if got.Get("chamber_number").String() != "12345678" || got.Get("vat_number").String() != "NL123456789B01" {
		t.Error(got)
	}
	for _, private := range []record.Value{record.Bool(true), record.Null(), record.Absent()} {
		person := rec(t, eaCustomer, "Id", "c2", "Name", "Åsa", "IsPrivatePerson", private, "CorporateIdentityNumber", "19700101-1234")
		if got, _ := r.Canon("customer", person); !got.Get("chamber_number").IsAbsent() {
			t.Errorf("a person's identity number must not travel (private: %v): %s", private.Kind(), got)
		}
	}
	inv := rec(t, eaInvoice, "Id", "i", "CreatedFromOrderId", "o", "RemainingAmount", "0", "IsCreditInvoice", false, "CreditedBy", []record.Record{})
	if got, _ := r.Canon("invoice", inv); got.String() != "{key=i order=o remaining=0 credit=false credited=false}" {
		t.Error(got)
	}
	inv.MustSet("CreditedBy", record.List(record.Nested(record.New(eaInvoice.Fields[5].Type.Elem.Record))))
	if got, _ := r.Canon("invoice", inv); !got.Get("credited").AsBool() {
		t.Error("a credited invoice was not seen")
	}
}

func TestCanonDebtor(t *testing.T) {
	r := mustLoad(t)
	for _, c := range []struct {
		field   string
		value   string
		blocked bool
		own     bool
	}{{"DISC_PCT", "0", false, false}, {"DISC_PCT", "2.5", false, true}, {"QD_CODE", "STAF", false, true}, {"REC_BLK", "true", true, false}, {"BLK_SP", "true", true, false}, {"BLK_SP", "false", false, false}} {
		got, holds := r.Canon("debtor", rec(t, contactSchema, "SUB_NR", "10001", "ACCT_NAME", "X", c.field, c.value))
		if len(holds) > 0 || got.Get("blocked").AsBool() != c.blocked || got.Get("own_discount").AsBool() != c.own {
			t.Errorf("%s=%s: %s %v", c.field, c.value, got, holds)
		}
	}
}

func orderContext(t testing.TB) (Context, []record.Record) {
	order, holds := mustLoad(t).Canon("order", sourceOrder(t))
	if len(holds) > 0 {
		t.Fatal(holds)
	}
	line := rec(t, OutgoingRowSchema, "line", 1, "article", "stoel-1", "text", "Stoel eiken", "quantity", "2", "price", "45.0000", "vat_rate", "21")
	return Context{"order": order, "customer": rec(t, CustomerSchema, "email", " jan@example.nl "),
		"debtor":  rec(t, PartySchema, "key", "10001", "invoice_to", "10002", "delivery_code", ""),
		"sending": rec(t, SendingSchema, "reference", "WEB1-1042")}, []record.Record{line}
}

func TestWriteOrder(t *testing.T) {
	target := mustLoad(t).Write["order"]
	ctx, lines := orderContext(t)
	m := target.Map(ctx, lines, soSchema(4))
	got := mustMap(t, m).String()
	want := "{ORD_DATE=2027-01-01 DEL_DATE=2027-01-01 RPL_INV=10002 RPL_DEL=10001 COMMENT1=WEB1-1042 COMMENT2=PO 7 TO_EMAIL=jan@example.nl " +
		"SO_LINE=[{ART_CODE=STOEL-1 ORD_QTY=2 ART_PX=45 DEL_DATE=2027-01-01}]}"
	if got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	refs := map[string]string{}
	for _, r := range m.Refs {
		refs[r.Path] = r.Field
	}
	if refs["debtor.invoice_to"] != "RPL_INV" || refs["debtor.key"] != "RPL_DEL" || refs["debtor.delivery_code"] != "DEL_CODE" {
		t.Errorf("refs %v", m.Refs)
	}
	// The booked order is read by the same recipe, so what is sent and what is found can be compared.
	booked, holds := mustLoad(t).Canon("booked", m.Record)
	if len(holds) > 0 || booked.String() != "{reference=WEB1-1042 debtor=10002 date=2027-01-01 rows=[{article=STOEL-1 quantity=2 price=45}]}" {
		t.Error(booked, holds)
	}
}

// TestOptionalFields: what is not certain is sent only where the account's dictionary shows it.
func TestOptionalFields(t *testing.T) {
	target := mustLoad(t).Write["order"]
	ctx, lines := orderContext(t)
	base := soSchema(4)
	rich := record.MustSchema("SO_HDR", append(schemaOf("x", "EXT_ID:C32 CUR_CODE:C3!").Fields, base.Fields[:len(base.Fields)-1]...)...)
	line := schemaOf("SO_LINE", "ART_CODE:C15! ORD_QTY:N4 ART_PX:N4 DEL_DATE:D ART_DESC1:C10")
	rich = record.MustSchema("SO_HDR", append(rich.Fields, record.Field{Name: "SO_LINE", Type: record.ListOf(line)})...)
	m := target.Map(ctx, lines, rich)
	got := mustMap(t, m)
	if got.Get("EXT_ID").String() != "8d1f6f526d0e4b1f9a520f8f7d1c2b3a" {
		t.Errorf("EXT_ID %q", got.Get("EXT_ID"))
	}
	if !got.Get("CUR_CODE").IsAbsent() {
		t.Error("without knowing the company's currency nothing may be said of it")
	}
	first, _ := got.Get("SO_LINE").AsList()[0].AsRecord()
	if first.Get("ART_DESC1").String() != "" {
		t.Error("without the article's name its description is AccountView's own")
	}
	ctx["sending"] = rec(t, SendingSchema, "reference", "1", "currency", "SEK")
	lines[0].MustSet("article_name", record.Text("Stoel"))
	m = target.Map(ctx, lines, rich)
	got = mustMap(t, m)
	first, _ = got.Get("SO_LINE").AsList()[0].AsRecord()
	if got.Get("CUR_CODE").String() != "EUR" || first.Get("ART_DESC1").String() != "Stoel" {
		t.Error(got)
	}
	if len(m.Warnings) != 1 || m.Warnings[0].Field != "SO_LINE[1].ART_DESC1" {
		t.Errorf("a cut must be told: %v", m.Warnings)
	}
	lines[0].MustSet("article_name", record.Text("STOEL EIKEN"))
	first, _ = mustMap(t, target.Map(ctx, lines, rich)).Get("SO_LINE").AsList()[0].AsRecord()
	if !first.Get("ART_DESC1").IsAbsent() {
		t.Error("a text that says the article's name is not sent")
	}
}

func TestWriteOrderHolds(t *testing.T) {
	target := mustLoad(t).Write["order"]
	for _, c := range []struct {
		name, field, cause string
		change             func(Context, []record.Record)
	}{
		{"article too long", "SO_LINE[1].ART_CODE", "length", func(_ Context, l []record.Record) { l[0].MustSet("article", record.Text(strings.Repeat("x", 16))) }},
		{"no article", "SO_LINE[1].ART_CODE", "invalid_value", func(_ Context, l []record.Record) { l[0].MustSet("article", record.Text(" ")) }},
		{"quantity", "SO_LINE[1].ORD_QTY", "invalid_value", func(_ Context, l []record.Record) {
			l[0].MustSet("quantity", record.Decimal(decimal.MustParse("1.00001")))
		}},
		{"reference", "COMMENT1", "length", func(c Context, _ []record.Record) { c["sending"].Values[0] = record.Text(strings.Repeat("9", 41)) }},
		{"control characters", "COMMENT1", "invalid_value", func(c Context, _ []record.Record) { c["sending"].Values[0] = record.Text("9\x00\x1b[31m") }},
		{"a line end in a field of one line", "COMMENT1", "invalid_value", func(c Context, _ []record.Record) { c["sending"].Values[0] = record.Text("9\n1") }},
		{"no date", "ORD_DATE", "invalid_value", func(c Context, _ []record.Record) {
			i, _ := OrderSchema.Index("date")
			c["order"].Values[i] = record.Null()
		}},
		{"e-mail", "TO_EMAIL", "length", func(c Context, _ []record.Record) {
			r := c["customer"]
			r.MustSet("order_email", record.Text(strings.Repeat("a", 45)+"@b.nl.x"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, lines := orderContext(t)
			c.change(ctx, lines)
			m := target.Map(ctx, lines, soSchema(4))
			if len(m.Holds) != 1 || m.Holds[0].Field != c.field || m.Holds[0].Cause != c.cause || m.Holds[0].Remedy == "" {
				t.Errorf("%+v", m.Holds)
			}
		})
	}
	ctx, _ := orderContext(t)
	if m := target.Map(ctx, nil, soSchema(4)); len(m.Holds) != 1 || m.Holds[0].Field != "SO_LINE" {
		t.Errorf("an order without rows: %+v", m.Holds)
	}
}

func TestWriteDebtor(t *testing.T) {
	r := mustLoad(t)
	address := func(pairs ...any) record.Record { return rec(t, AddressSchema, pairs...) }
	settings := rec(t, CustomerSendingSchema, "collective_account", "1210", "country", "NL", "currency", "EUR")
	cases := []struct {
		name     string
		customer record.Record
		want     string
		warnings int
		holds    string
	}{
		{"company", rec(t, CustomerSchema, "name", "Jansen Houthandel", "private", false, "email", "Info@Jansen.nl", "phone", "+31 30 123 45 67", "contact_name", "Piet Jansen",
			"contact_email", "piet@jansen.nl", "vat_number", "NL 1234.56.789.B01", "chamber_number", "30123456", "currency", "EUR",
			"address", address("address1", "Dorpsstraat 1", "address2", "t.a.v. Piet", "post_code", "3511ab", "city", "Utrecht", "country", "NL")),
			"{ACCT_NR=1210 SRC_CODE=JANSENHOUT ACCT_NAME=Jansen Houthandel ADDRESS1=Dorpsstraat 1, t.a.v. Piet POST_CODE=3511 AB CITY=Utrecht CNT_CODE=NL " +
				"MAIL_BUS=Info@Jansen.nl TEL_BUS=+31301234567 MAIN_CONT=Piet Jansen MC_MAILB=piet@jansen.nl VAT_NR=NL123456789B01 COC_CODE=30123456}", 0, ""},
		{"person", rec(t, CustomerSchema, "name", "Åsa Öberg", "private", true, "email", "asa@example.se", "contact_name", "X", "vat_number", "SE1", "chamber_number", "197001011234", "currency", "SEK",
			"address", address("address1", "Storgatan 2", "post_code", "11122", "city", "Stockholm", "country", "SE")),
			"{ACCT_NR=1210 SRC_CODE=ASAOBERG ACCT_NAME=Åsa Öberg ADDRESS1=Storgatan 2 POST_CODE=111 22 CITY=Stockholm CNT_CODE=SE MAIL_BUS=asa@example.se CUR_CODE=SEK}", 0, ""},
		{"long name, long telephone, no country", rec(t, CustomerSchema, "name", "Żółta Łódź Przedsiębiorstwo Handlowo-Usługowe sp. z o.o.", "private", false, "mobile", strings.Repeat("1", 21)),
			"{ACCT_NR=1210 SRC_CODE=ZOLTALODZP ACCT_NAME=Żółta Łódź Przedsiębiorstwo CNT_CODE=NL}", 2, ""},
		{"no Latin letters", rec(t, CustomerSchema, "name", "株式会社"), "{ACCT_NR=1210 SRC_CODE=- ACCT_NAME=株式会社 CNT_CODE=NL}", 0, ""},
		{"city too long", rec(t, CustomerSchema, "name", "X", "address", address("city", strings.Repeat("y", 36))), "", 0, "CITY length"},
		{"e-mail too long", rec(t, CustomerSchema, "name", "X", "email", strings.Repeat("y", 51)), "", 0, "MAIL_BUS length"},
		{"no name", rec(t, CustomerSchema, "email", "a@b.nl"), "", 0, "ACCT_NAME invalid_value"},
		{"VAT prefix as a country", rec(t, CustomerSchema, "name", "X", "address", address("country", "XI")), "", 0, "CNT_CODE invalid_value"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := r.Write["debtor"].Map(Context{"customer": c.customer, "order": record.New(OrderSchema), "settings": settings}, nil, contactSchema)
			var holds []string
			for _, h := range m.Holds {
				holds = append(holds, h.Field+" "+h.Cause)
			}
			if got := strings.Join(holds, "; "); got != c.holds {
				t.Fatalf("held: %v", m.Holds)
			}
			if c.want != "" {
				if diff := cmp.Diff(c.want, m.Record.String()); diff != "" {
					t.Error(diff)
				}
			}
			if len(m.Warnings) != c.warnings {
				t.Errorf("warnings %v", m.Warnings)
			}
		})
	}
	m := r.Write["debtor"].Map(Context{"customer": cases[0].customer, "settings": record.New(CustomerSendingSchema)}, nil, contactSchema)
	if len(m.Holds) != 1 || m.Holds[0].Field != "ACCT_NR" || !m.Record.Get("CUR_CODE").IsAbsent() {
		t.Errorf("without settings: %+v %s", m.Holds, m.Record)
	}
}

func TestWriteAddress(t *testing.T) {
	r := mustLoad(t)
	to := rec(t, AddressSchema, "name", strings.Repeat("Naam ", 12), "address1", "Rynek 1", "post_code", "00950", "city", "Warszawa", "country", "pl")
	m := r.Write["address"].Map(Context{"address": to, "customer": rec(t, CustomerSchema, "name", "X", "phone", "1 2", "email", "a@b.pl"), "debtor": rec(t, PartySchema, "key", "10001"),
		"order": record.New(OrderSchema)}, nil, addrSchema)
	want := "{SUB_NR=10001 DEL_NAME=Naam Naam Naam Naam Naam Naam Naam Naam ADDRESS1=Rynek 1 POST_CODE=00-950 CITY=Warszawa CNT_CODE=PL MAIL_BUS=a@b.pl TEL_BUS=12}"
	if got := mustMap(t, m).String(); got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	back, holds := r.Canon("address", m.Record)
	if len(holds) > 0 || back.Path("address.post_code").String() != "00-950" || back.Get("debtor").String() != "10001" {
		t.Error(back, holds)
	}
}

// TestDatesNeverShift: a date of a document is the same everywhere.
func TestDatesNeverShift(t *testing.T) {
	old := time.Local
	defer func() { time.Local = old }()
	for _, zone := range []string{"Pacific/Auckland", "Europe/Stockholm", "America/Los_Angeles", "UTC"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Skipf("no time zones here: %v", err)
		}
		time.Local = loc
		for _, written := range []string{"2027-01-01", "2027-01-01T00:00:00", "2027-01-01T23:59:59.000Z", "2027-01-01T00:00:00+13:00"} {
			v, err := toDate(record.Text(written))
			if err != nil || v.String() != "2027-01-01" {
				t.Errorf("%s in %s: %s %v", written, zone, v, err)
			}
		}
		ctx, lines := orderContext(t)
		got := mustLoad(t).Write["order"].Map(ctx, lines, soSchema(4)).Record.Get("ORD_DATE")
		if d, ok := got.AsDate(); !ok || d.String() != "2027-01-01" {
			t.Errorf("%s: %s", zone, got)
		}
	}
}

func load(t *testing.T, text string) (*Recipe, error) {
	t.Helper()
	return LoadRecipe(fstest.MapFS{"a/b/recipe.yaml": {Data: []byte(text)}}, "a/b")
}

// TestBrokenRecipes: a recipe is checked when it is loaded, not when an order comes.
func TestBrokenRecipes(t *testing.T) {
	data, err := recipesFile()
	if err != nil {
		t.Fatal(err)
	}
	good := strings.Replace(data, "name: accountview-eaccounting/orders", "name: a/b", 1)
	if _, err := load(t, good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"from: order.date, required", "from: order.datum, required", "write.order.ORD_DATE: order has no field datum"},
		{"from: sending.reference", "from: seding.reference", "there is no seding to take seding.reference from; did you mean sending?"},
		{"line.quantity", "line.number", "write.order.SO_LINE.ORD_QTY: outgoing_row has no field number"},
		{"customer.address.city, do: spaces", "customer.address, do: spaces", "takes text, the value is record"},
		{"includes_vat: IncludesVat", "include_vat: IncludesVat", "read.order.include_vat: order has no such field; did you mean includes_vat?"},
		{"do: search_code", "do: searchcode", "unknown transform searchcode; did you mean search_code?"},
		{"do: [postcode: address.country]", "do: postcode", "wrong number of arguments"},
		{"do: [postcode: address.country]", "do: [postcode: address.land]", "address has no field land"},
		{"mark: create, required", "mark: creat, required", "did you mean create?"},
		{"length: drop", "lenght: drop", "unknown key lenght; did you mean length?"},
		{"kind: orders", "kind: order", "unknown kind order; did you mean orders?"},
		{`"1": draft`, `"1": [draft]`, "want text"},
		{"{from: Id, required: true}", "{from: Id, const: x}", "exactly one of"},
		{"ORD_DATE: {from: order.date", "ORD_DATE: {when: order.nothing, from: order.date", "order has no field nothing"},
		{"default: [ongoing, shipped, invoiced]", "default: [ongoing, sent]", "settings.order_status[1]: unknown value sent"},
		{"remaining: RemainingAmount", "remaining: {any: [RemainingAmount]}", "a bool cannot become a decimal"},
		{"as: line", "as: order", "the name order is taken"},
		{"name: a/b", "name: a/c", "the recipe lies at a/b"},
	} {
		if !strings.Contains(good, c.from) {
			t.Errorf("the recipe has no %q", c.from)
			continue
		}
		if _, err := load(t, strings.Replace(good, c.from, c.to, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v\nwant %s", c.from, c.to, err, c.want)
		}
	}
	for _, name := range []string{"", "..", "../a/b", "a/b/c/d", "A/b", "a//b", "a/c"} {
		if _, err := LoadRecipe(fstest.MapFS{}, name); err == nil {
			t.Errorf("%q was loaded", name)
		}
	}
}

func TestConstantsFit(t *testing.T) {
	s := schemaOf("SO_HDR", "EMP_NR:C10! FLAG:L DAYS:I PCT:N2 DAY:D")
	for _, c := range []struct{ field, text, want, err string }{
		{"EMP_NR", "jan", "JAN", ""}, {"EMP_NR", "12345678901", "", "11 characters"}, {"FLAG", "true", "true", ""}, {"FLAG", "x", "", "neither true nor false"},
		{"DAYS", "12", "12", ""}, {"DAYS", "1.5", "", "no whole number"}, {"PCT", "1.50", "1.5", ""}, {"PCT", "1.234", "", "2 decimals"}, {"DAY", "2026-01-31", "2026-01-31", ""},
		{"EMP_N", "x", "", "did you mean EMP_NR?"},
		{"SO_LINE.ART_CODE", "x", "", "no field SO_LINE.ART_CODE"},
	} {
		v, err := ConvertText(c.text, s, c.field)
		if c.err == "" && (err != nil || v.String() != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s=%s: %s, %v", c.field, c.text, v, err)
		}
	}
}

func BenchmarkCanonOrder(b *testing.B) {
	r, src := mustLoad(b), sourceOrder(b)
	b.ReportAllocs()
	for b.Loop() {
		r.Canon("order", src)
	}
}
