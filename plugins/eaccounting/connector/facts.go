package connector

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

//go:embed facts.tsv
var factsText string

// fact is one field of the specification [OA26].
type fact struct {
	name     string
	typ      string // uuid, string, bool, int32, int64, double, date-time, a schema, or one of these followed by []
	length   int
	required bool
	readOnly bool
	nullable bool
}

// facts are the fields by schema, in the order of the specification.
var facts = mustParseFacts(factsText)

func mustParseFacts(text string) map[string][]fact {
	out := map[string][]fact{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cols := strings.Split(line, "\t")
		if len(cols) != 5 {
			panic(fmt.Sprintf("facts.tsv: %q has %d columns, want 5", line, len(cols)))
		}
		n, err := strconv.Atoi(cols[3])
		if err != nil {
			panic(fmt.Sprintf("facts.tsv: %q: %v", line, err))
		}
		out[cols[0]] = append(out[cols[0]], fact{
			name: cols[1], typ: cols[2], length: n,
			required: strings.Contains(cols[4], "R"), readOnly: strings.Contains(cols[4], "O"), nullable: strings.Contains(cols[4], "N"),
		})
	}
	return out
}

// personal are the fields that tell about a person, in every schema: Pomost masks and erases them.
var personal = map[string]bool{
	"Name": true, "ContactPersonEmail": true, "ContactPersonMobile": true, "ContactPersonName": true, "ContactPersonPhone": true,
	"CorporateIdentityNumber": true, "EmailAddress": true, "EmailAddressOrder": true, "EmailAddressQuote": true, "EmailAddresses": true,
	"InvoiceAddress1": true, "InvoiceAddress2": true, "InvoiceCity": true, "InvoicePostalCode": true, "InvoiceCustomerName": true,
	"DeliveryAddress1": true, "DeliveryAddress2": true, "DeliveryCity": true, "DeliveryPostalCode": true, "DeliveryCustomerName": true,
	"CustomerName": true, "CustomerEmail": true, "MobilePhone": true, "Telephone": true, "VatNumber": true, "Note": true, "Iban": true,
	"YourReference": true, "Ssn": true, "HouseWorkCorporateIdentityNumber": true, "HouseWorkPropertyName": true, "PropertyReference": true,
	"RotReducedInvoicingOrgNumber": true, "RotReducedInvoicingPropertyName": true, "TaxDeductionNumber": true, "ElectronicAddress": true,
	"ElectronicReference": true, "BuyersOrderReference": true,
}

// notPersonal are the schemas whose Name is no person's.
var notPersonal = map[string]bool{"ArticleApi": true, "ArticleLabelApi": true, "CustomerLabelApi": true, "TermsOfPaymentApi": true}

// decimals are the places that a number keeps, by schema and field [OA26 notes]; others are unknown.
var decimals = map[string]int{
	"OrderApi.Amount": 2, "OrderRowApi.DeliveredQuantity": 2, "OrderRowApi.Amount": 2, "OrderRowApi.DiscountPercentage": 4,
	"OrderRowApi.Quantity": 4, "CustomerInvoiceRowApi.Quantity": 4, "CustomerApi.DiscountPercentage": 4, "ArticleApi.PurchasePrice": 2,
	"ArticleApi.NetPrice": 2, "ArticleApi.GrossPrice": 2,
}

// schemaOf builds the schema of an object or of a part of one.
func schemaOf(name string) *record.Schema {
	var fields []record.Field
	for _, f := range facts[name] {
		places, ok := decimals[name+"."+f.name]
		if !ok {
			places = -1
		}
		fields = append(fields, record.Field{
			Name: f.name, Type: typeOf(f), Label: f.name, Length: f.bound(), Decimals: places,
			Required: f.needed(), ReadOnly: f.readOnly, Personal: personal[f.name] && !notPersonal[name],
		})
	}
	return record.MustSchema(name, fields...)
}

// bound is the most characters of a text; a uuid always has 36.
func (f fact) bound() int {
	if f.typ == "uuid" {
		return 36
	}
	return f.length
}

// needed tells whether a create must state the field. A required truth value or number that is left out takes its default
// [SBX], and assumed names those for which there is one that does no harm.
func (f fact) needed() bool {
	_, ok := assumed[f.name]
	return f.required && !f.readOnly && !ok
}

// assumed are the values of required fields that a create may leave out: none of these changes what is owed.
var assumed = map[string]any{
	"IsActive": true, "EuThirdParty": false, "ReverseChargeOnConstructionServices": false, "RotReducedInvoicingType": 0,
	"IsTextRow": false, "IsWorkCost": false, "EligibleForReverseChargeOnVat": false, "LineNumber": nil,
}

func typeOf(f fact) record.Type {
	if elem, ok := strings.CutSuffix(f.typ, "[]"); ok {
		t := typeOf(fact{name: f.name, typ: elem})
		return record.Type{Kind: record.KindList, Elem: &t}
	}
	switch f.typ {
	case "uuid", "string":
		return record.Scalar(record.KindText)
	case "bool":
		return record.Scalar(record.KindBool)
	case "int32", "int64":
		return record.Scalar(record.KindInteger)
	case "double":
		return record.Scalar(record.KindDecimal)
	case "date-time":
		// A moment is named so; all other dates are calendar dates, given with and without a time [SBX].
		if strings.HasSuffix(f.name, "Utc") {
			return record.Scalar(record.KindInstant)
		}
		return record.Scalar(record.KindDate)
	default:
		return record.Type{Kind: record.KindRecord, Record: schemaOf(f.typ)}
	}
}
