package flow

import "github.com/pomost/pomost/sdk/record"

// The canonical objects are the words in which decisions are made. A recipe says how a source's records become canonical
// ones, and how canonical ones become a destination's: the decisions know no system by name.

func text(name string) record.Field {
	return record.Field{Name: name, Type: record.Scalar(record.KindText)}
}
func personal(name string) record.Field {
	return record.Field{Name: name, Type: record.Scalar(record.KindText), Personal: true}
}
func scalar(name string, k record.Kind) record.Field {
	return record.Field{Name: name, Type: record.Scalar(k), Decimals: -1}
}
func nested(name string, s *record.Schema) record.Field {
	return record.Field{Name: name, Type: record.Type{Kind: record.KindRecord, Record: s}}
}

// AddressSchema is a postal address with the name on it.
var AddressSchema = record.MustSchema("address",
	personal("name"), personal("address1"), personal("address2"), personal("post_code"), personal("city"),
	text("country"), // ISO 3166 alpha-2, upper case
)

// OrderRowSchema is one row of an order. Amounts are in the order's currency.
var OrderRowSchema = record.MustSchema("order_row",
	scalar("line", record.KindInteger),
	scalar("is_text", record.KindBool), // a remark without amount
	scalar("is_work", record.KindBool), // work cost of a tax-reduction scheme
	text("article"), text("text"),
	scalar("quantity", record.KindDecimal),
	scalar("unit_price", record.KindDecimal),
	scalar("discount", record.KindDecimal),    // fraction: 0.1 is 10 %
	scalar("fixed_discount", record.KindBool), // the discount is an amount: amount counts, discount does not
	scalar("amount", record.KindDecimal),      // the row's amount as the source computed it; absent when it says none
	scalar("vat_rate", record.KindDecimal),    // percent: 21, not 0.21
)

// OrderSchema is a sales order.
var OrderSchema = record.MustSchema("order",
	text("key"), text("id"), text("number"),
	text("external"), // what no other order has, as the destination keeps it where it can
	text("status"),   // draft, ongoing, shipped, invoiced
	scalar("date", record.KindDate), scalar("delivery_date", record.KindDate),
	text("currency"),
	scalar("includes_vat", record.KindBool), // row prices include VAT
	scalar("private", record.KindBool),
	text("customer"), // key of the customer in the source
	text("customer_number"),
	text("buyers_reference"), text("your_reference"),
	text("payment_terms"),
	text("delivery_method"), text("delivery_method_name"), // its code, else its name; and its name
	// total is what the source states as the document's amount; total_vat its VAT; roundings what was added to round the total.
	scalar("total", record.KindDecimal), scalar("total_vat", record.KindDecimal), scalar("roundings", record.KindDecimal),
	scalar("reverse_charge", record.KindBool), scalar("eu_third_party", record.KindBool),
	scalar("tax_reduction", record.KindBool), // a scheme in which the tax office pays a part (ROT, RUT, green technology)
	scalar("back_order", record.KindBool),
	nested("billing", AddressSchema), nested("delivery", AddressSchema),
	record.Field{Name: "rows", Type: record.ListOf(OrderRowSchema)},
	scalar("changed", record.KindInstant),
)

// CustomerSchema is a customer: of the source, or of either side where customers travel both ways.
var CustomerSchema = record.MustSchema("customer",
	text("key"), text("number"), personal("name"),
	scalar("private", record.KindBool), scalar("active", record.KindBool),
	personal("email"), personal("order_email"), personal("phone"), personal("mobile"),
	personal("contact_name"), personal("contact_email"),
	personal("vat_number"), personal("chamber_number"),
	scalar("company", record.KindBool), // it has what only companies have, where the system does not say what it is
	personal("website"),
	text("currency"), text("payment_terms"), text("delivery_method"),
	scalar("delivery_based_vat", record.KindBool), // its VAT follows where the goods go
	nested("address", AddressSchema), nested("delivery", AddressSchema),
	scalar("changed", record.KindInstant),
)

// InvoiceSchema is what the payment of an order is judged by.
var InvoiceSchema = record.MustSchema("invoice",
	text("key"), text("order"),
	scalar("remaining", record.KindDecimal),
	scalar("credit", record.KindBool),   // it is a credit note
	scalar("credited", record.KindBool), // it was credited by another
)

// DebtorSchema is a customer's account in the destination, as read there.
var DebtorSchema = record.MustSchema("debtor",
	text("key"), personal("name"), personal("email"),
	text("invoice_to"), // key of the debtor who gets the invoices, when another
	scalar("blocked", record.KindBool),
	scalar("own_discount", record.KindBool), // the destination would take a discount of its own off each sale
	personal("vat_number"), text("currency"),
	text("vat_code"), // the VAT code that its sales get there
	nested("address", AddressSchema),
)

// DeliverySchema is a delivery address in the destination, as read there.
var DeliverySchema = record.MustSchema("delivery_address",
	text("key"), text("debtor"), nested("address", AddressSchema),
)

// ProductSchema is an article in the destination, as read there.
var ProductSchema = record.MustSchema("product",
	text("key"), text("name"), scalar("blocked", record.KindBool), text("vat_code"),
)

// BookedRowSchema is a row of an order as the destination keeps it.
var BookedRowSchema = record.MustSchema("booked_row",
	text("article"), scalar("quantity", record.KindDecimal), scalar("price", record.KindDecimal),
)

// BookedSchema is an order as read back from the destination.
var BookedSchema = record.MustSchema("booked",
	text("key"), text("reference"), text("external"), text("debtor"), scalar("date", record.KindDate),
	record.Field{Name: "rows", Type: record.ListOf(BookedRowSchema)},
)

// OutgoingRowSchema is a row to be written: the context "line" of a recipe's rows.
var OutgoingRowSchema = record.MustSchema("outgoing_row",
	scalar("line", record.KindInteger), text("article"), text("text"),
	text("article_name"), // the article's name in the destination: a text that says the same is not sent
	scalar("quantity", record.KindDecimal), scalar("price", record.KindDecimal), scalar("vat_rate", record.KindDecimal),
	scalar("discount_percent", record.KindDecimal), // off the price, where the discount has a field of its own
	text("vat_code"), // by the table
)

// PartySchema is the debtor and the delivery address that an outgoing order is booked on: the context "debtor" of a recipe's order
// and address. Keys that an earlier step is yet to return are empty.
var PartySchema = record.MustSchema("party",
	text("key"), text("invoice_to"), // key of the debtor who gets the invoice
	text("delivery_code"), // key of the delivery address
)

// SendingSchema is the context "sending" of a recipe's order.
var SendingSchema = record.MustSchema("sending",
	text("reference"),                              // the order's reference with its prefix
	text("currency"),                               // of the destination's company, where known
	text("payment_terms"), text("delivery_method"), // the destination's codes, by the tables
)
