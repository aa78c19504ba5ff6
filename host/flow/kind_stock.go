package flow

import "github.com/pomost/pomost/sdk/record"

// LevelSchema is the stock of a product in the source. What a quantity means is the recipe's word; one that this account does not have is
// absent.
var LevelSchema = record.MustSchema("level",
	text("key"), text("code"), text("name"),
	scalar("available", record.KindDecimal), scalar("technical", record.KindDecimal), scalar("free", record.KindDecimal),
	scalar("ordered", record.KindDecimal),  // ordered from suppliers
	scalar("reserved", record.KindDecimal), // for sales orders
)

// OpenOrderSchema is a sales order whose goods are still to go, or are not yet known to have gone.
var OpenOrderSchema = record.MustSchema("open_order",
	text("key"), text("status"), scalar("date", record.KindDate),
	record.Field{Name: "rows", Type: record.ListOf(record.MustSchema("open_row",
		text("article"),
		scalar("quantity", record.KindDecimal),
		scalar("sent", record.KindDecimal), // of it, that has left already
	))},
)

// LevelSendingSchema is the context "sending" of a flow of stock.
var LevelSendingSchema = record.MustSchema("level_sending",
	scalar("quantity", record.KindDecimal), // absent where the destination counts itself
	scalar("managed", record.KindBool),     // absent where that is to stay as it is
)

// stockKind: stock levels are put on articles. The read object "reserving" are the source's open sales orders, from which reservations are
// counted where no field has them; the back object "waiting" the destination's orders that the source may not know yet.
var stockKind = &kind{
	read:  map[string]*record.Schema{"level": LevelSchema, "reserving": OpenOrderSchema},
	back:  map[string]*record.Schema{"article": ArticleSchema, "waiting": OpenOrderSchema},
	write: map[string]map[string]*record.Schema{"article": {"level": LevelSchema, "sending": LevelSendingSchema}},
	need:  need{[]string{"level"}, []string{"article"}, []string{"article"}},
	lane:  Lane{Read: "level", Back: "article", Write: "article"},
	settings: func(_ *Recipe, values map[string]any, out *Settings) []Problem {
		s, problems := stockSettings(values)
		out.Stock = s
		return problems
	},
}
