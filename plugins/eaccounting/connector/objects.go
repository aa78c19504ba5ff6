package connector

import (
	"github.com/pomost/pomost/sdk/record"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// object is what the connector knows of one resource.
type object struct {
	sdk.Object
	path   string // below the base address; also the key of the rate limit
	schema *record.Schema
	// stamp is the field of the last change, "" where there is none and all records are read each time; created stands in for it where it
	// is null, "" where there is no such field.
	stamp, created string
	// nullable tells that stamp may be null [OA26].
	nullable bool
	// since is the parameter for changes, where there is one [OA26].
	since string
	// unique is the field of ours that the system keeps unique; an answer without a body is looked up by it.
	unique string
	// missing is the cause when a record with the given Id is not there.
	missing sdk.Cause
	// enums are integer fields without a harmless default and the values they may have.
	enums map[string][2]int64
	// optional tells that no flow needs it: where it cannot be read, Check only warns.
	optional bool
	// dropped are fields that are writable by the specification and must not travel back with an update: the embedded
	// object would contradict the Id beside it.
	dropped []string
	// computed are writable fields that follow from Rows: an update that states rows sends none of those that it read.
	computed []string
	// steps tells that a changed Status is a call of its own.
	steps bool
}

// objects are the resources by name [OA26; quotes SW20]. Quotes are those that were sent or converted: their drafts are a list of their own.
var objects = []*object{
	{
		Object: sdk.Object{
			Name: "customers", Title: "Customers", Key: "Id", Read: sdk.ReadCursorAndSweep, Find: []string{"Id", "CustomerNumber", "EmailAddress", "VatNumber", "CorporateIdentityNumber", "Name"},
			Create: true, Update: true, Idempotence: sdk.IdempotenceReference, Reference: "EmailAddress", BatchWrite: 50,
		},
		path: "customers", schema: schemaOf("CustomerApi"), stamp: "ChangedUtc", nullable: true, unique: "CustomerNumber",
		missing: sdk.CauseCustomerMissing, dropped: []string{"TermsOfPayment"},
	},
	{
		Object: sdk.Object{
			Name: "articles", Title: "Articles", Key: "Id", Read: sdk.ReadCursor, Find: []string{"Id", "Number", "Barcodes.Barcode"},
			Create: true, Update: true, Idempotence: sdk.IdempotenceUniqueKey, Reference: "Number", BatchWrite: 50,
		},
		path: "articles", schema: schemaOf("ArticleApi"), stamp: "ChangedUtc", created: "CreatedUtc", unique: "Number", missing: sdk.CauseProductMissing,
	},
	{
		Object: sdk.Object{
			Name: "orders", Title: "Orders", Key: "Id", Read: sdk.ReadCursor, Find: []string{"Id", "Number", "BuyersOrderReference"},
			Create: true, Update: true, Idempotence: sdk.IdempotenceReference, Reference: "BuyersOrderReference", BatchWrite: 50,
		},
		path: "orders", schema: schemaOf("OrderApi"), stamp: "ModifiedUtc", created: "CreatedUtc", nullable: true, missing: sdk.CauseRefused,
		enums: map[string][2]int64{"Status": {orderDraft, orderInvoiced}}, steps: true,
		computed: []string{"Amount", "VatAmount", "RoundingsAmount", "DeliveredAmount", "DeliveredVatAmount", "DeliveredRoundingsAmount"},
	},
	{
		Object: sdk.Object{
			Name: "customerinvoices", Title: "Customer invoices", Key: "Id", Read: sdk.ReadCursor, Find: []string{"Id", "CreatedFromOrderId"},
			Idempotence: sdk.IdempotenceNone,
		},
		path: "customerinvoices", schema: schemaOf("CustomerInvoiceApi"), stamp: "ModifiedUtc", created: "CreatedUtc", nullable: true,
		since: "modifiedSinceUtc", missing: sdk.CauseRefused,
	},
	{
		Object: sdk.Object{
			Name: "customerinvoicedrafts", Title: "Customer invoice drafts", Key: "Id", Read: sdk.ReadScan, Find: []string{"Id", "BuyersOrderReference"},
			Idempotence: sdk.IdempotenceNone,
		},
		path: "customerinvoicedrafts", schema: schemaOf("CustomerInvoiceDraftApi"), created: "CreatedUtc", missing: sdk.CauseRefused, optional: true,
	},
	{
		Object: sdk.Object{
			Name: "quotes", Title: "Quotes", Key: "Id", Read: sdk.ReadScan, Find: []string{"Id", "Number"}, Idempotence: sdk.IdempotenceNone,
		},
		path: "quotes", schema: schemaOf("QuoteApi"), created: "CreatedUtc", missing: sdk.CauseRefused, optional: true,
	},
	{
		Object: sdk.Object{
			Name: "customerlabels", Title: "Customer labels", Key: "Id", Read: sdk.ReadScan, Find: []string{"Id", "Name"},
			Create: true, Update: true, Idempotence: sdk.IdempotenceReference, Reference: "Name", BatchWrite: 50,
		},
		path: "customerlabels", schema: schemaOf("CustomerLabelApi"), missing: sdk.CauseRefused, optional: true,
	},
	{
		Object: sdk.Object{
			Name: "articlelabels", Title: "Article labels", Key: "Id", Read: sdk.ReadScan, Find: []string{"Id", "Name"},
			Create: true, Update: true, Idempotence: sdk.IdempotenceReference, Reference: "Name", BatchWrite: 50,
		},
		path: "articlelabels", schema: schemaOf("ArticleLabelApi"), missing: sdk.CauseRefused, optional: true,
	},
}

func objectList() []sdk.Object {
	out := make([]sdk.Object, 0, len(objects))
	for _, o := range objects {
		out = append(out, o.Object)
	}
	return out
}

// objectByName finds an object, or says which there are.
func objectByName(name string) (*object, error) {
	names := make([]string, 0, len(objects))
	for _, o := range objects {
		if o.Name == name {
			return o, nil
		}
		names = append(names, o.Name)
	}
	return nil, &sdk.Error{Cause: sdk.CauseRefused, Message: "eAccounting has no object " + name,
		Remedy: "did you mean " + sdk.Nearest(name, names) + "?"}
}
