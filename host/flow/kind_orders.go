package flow

import "github.com/pomost/pomost/sdk/record"

// ordersKind: sales orders become sales orders.
var ordersKind = &kind{
	read: map[string]*record.Schema{"order": OrderSchema, "customer": CustomerSchema, "invoice": InvoiceSchema},
	back: map[string]*record.Schema{"debtor": DebtorSchema, "address": DeliverySchema, "product": ProductSchema, "booked": BookedSchema},
	write: map[string]map[string]*record.Schema{
		"order":   {"order": OrderSchema, "customer": CustomerSchema, "debtor": PartySchema, "sending": SendingSchema},
		"debtor":  {"order": OrderSchema, "customer": CustomerSchema, "settings": CustomerSendingSchema},
		"address": {"order": OrderSchema, "customer": CustomerSchema, "debtor": PartySchema, "address": AddressSchema},
	},
	need: need{[]string{"order", "customer", "invoice"}, []string{"order", "debtor", "address"}, []string{"debtor", "address", "product", "booked"}},
	lane: Lane{Read: "order", Back: "booked", Write: "order"},
	settings: func(r *Recipe, values map[string]any, out *Settings) []Problem {
		out.Orders = orderSettings(values)
		return r.checkOrderSettings(out.Orders, values)
	},
}
