package flow

import "github.com/pomost/pomost/sdk/record"

// ItemSchema is a product of the source, as a flow of products reads it. What this account does not have is absent.
var ItemSchema = record.MustSchema("item",
	text("key"),
	text("code"), // the stock keeping unit: what people call it
	text("ean"), text("name"), text("description"), text("group"), text("unit"),
	text("vat_code"),                    // the source's own
	scalar("price", record.KindDecimal), // sales price, in the source's basis
	scalar("blocked", record.KindBool),  // not sold any more
	scalar("changed", record.KindInstant),
)

// BarcodeSchema is a bar code of an article.
var BarcodeSchema = record.MustSchema("barcode", text("code"))

// ArticleSchema is a product of the destination, as a flow of products or stock reads it.
var ArticleSchema = record.MustSchema("article",
	text("key"), text("code"), text("name"),
	record.Field{Name: "barcodes", Type: record.ListOf(BarcodeSchema)},
	text("coding"),                     // its key: what decides the VAT
	scalar("service", record.KindBool), // no stock is kept of it
	scalar("stock", record.KindDecimal),
	scalar("managed", record.KindBool), // the destination counts the stock of it itself
	scalar("active", record.KindBool),
)

// ItemSendingSchema is the context "sending" of a flow of products: what is worked out of the source's product and the flow's settings.
var ItemSendingSchema = record.MustSchema("item_sending",
	scalar("net_price", record.KindDecimal), scalar("gross_price", record.KindDecimal), // absent where the price is not to be sent
	text("coding"), // the destination's key of what decides the VAT
	text("unit"),   // the destination's key
	record.Field{Name: "barcodes", Type: record.ListOf(BarcodeSchema)},
	scalar("active", record.KindBool),
)

// productsKind: products become articles.
var productsKind = &kind{
	read:  map[string]*record.Schema{"item": ItemSchema},
	back:  map[string]*record.Schema{"article": ArticleSchema},
	write: map[string]map[string]*record.Schema{"article": {"item": ItemSchema, "sending": ItemSendingSchema}},
	need:  need{[]string{"item"}, []string{"article"}, []string{"article"}},
	lane:  Lane{Read: "item", Back: "article", Write: "article"},
	settings: func(r *Recipe, values map[string]any, out *Settings) []Problem {
		s, problems := r.productSettings(values)
		out.Products = s
		return problems
	},
}
