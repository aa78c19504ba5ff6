package sandbox

import "github.com/pomost/pomost/sdk/sandbox"

// dialect are the plausible readings of what the facts leave open.
type dialect struct {
	swagger2020       bool
	vatPerLine        bool
	amountExclVat     bool
	inclVatReversed   bool
	nullStamps        bool
	stampSeconds      bool
	datesWithTime     bool
	caseSensitive     bool
	noListFilters     bool
	customersTidied   bool
	modulesUnnamed    bool
	emptyWrites       bool
	conflict409       bool
	creditRows        bool
	draftsNumbered    bool
	pricesTwoPlaces   bool
	pricesFourPlaces  bool
	strictFields      bool
	amountsKept       bool
	stockMovesStamps  bool
	sinceExclusive    bool
	rowsUnsorted      bool
	retryAfterInstead bool
}

// dialects are the names, what each is, and the switch behind it.
var dialects = []struct {
	name, what string
	of         func(*dialect) *bool
}{
	{"swagger2020", "the API as it was in 2020: fewer fields, calls, filters and error details; writes that answer nothing", func(d *dialect) *bool { return &d.swagger2020 }},
	{"vat_per_line", "VAT is rounded on each row, not per rate on the document", func(d *dialect) *bool { return &d.vatPerLine }},
	{"amount_excl_vat", "an order's Amount is the sum of its rows", func(d *dialect) *bool { return &d.amountExclVat }},
	{"amounts_kept", "amounts that a caller states for an order are kept, not computed", func(d *dialect) *bool { return &d.amountsKept }},
	{"incl_vat_reversed", "ShowPricesExclVatPC means the opposite", func(d *dialect) *bool { return &d.inclVatReversed }},
	{"prices_two_places", "unit prices keep 2 decimals everywhere", func(d *dialect) *bool { return &d.pricesTwoPlaces }},
	{"prices_four_places", "unit prices keep 4 decimals everywhere", func(d *dialect) *bool { return &d.pricesFourPlaces }},
	{"null_stamps", "nullable change stamps are null", func(d *dialect) *bool { return &d.nullStamps }},
	{"stamp_seconds", "stamps have whole seconds, so records share them", func(d *dialect) *bool { return &d.stampSeconds }},
	{"since_exclusive", "the bound of modifiedSinceUtc is not included", func(d *dialect) *bool { return &d.sinceExclusive }},
	{"stock_moves_stamps", "a movement of stock moves the article's change stamp", func(d *dialect) *bool { return &d.stockMovesStamps }},
	{"dates_with_time", "document dates come as midnight UTC", func(d *dialect) *bool { return &d.datesWithTime }},
	{"case_sensitive", "`$filter` compares text with case", func(d *dialect) *bool { return &d.caseSensitive }},
	{"no_list_filters", "`$filter` takes no `any()` over the rows of a list", func(d *dialect) *bool { return &d.noListFilters }},
	{"rows_unsorted", "the rows of a document come in another order than they were sent in", func(d *dialect) *bool { return &d.rowsUnsorted }},
	{"drafts_numbered", "a draft of an order has a number already", func(d *dialect) *bool { return &d.draftsNumbered }},
	{"credit_rows_negative", "the rows of a credit invoice have negative quantities", func(d *dialect) *bool { return &d.creditRows }},
	{"customers_tidied", "customers are stored with places in capitals, names cut at 30 characters, postal codes and telephones without spaces",
		func(d *dialect) *bool { return &d.customersTidied }},
	{"modules_unnamed", "the stock module is not among the activated modules, or under another name", func(d *dialect) *bool { return &d.modulesUnnamed }},
	{"empty_writes", "writes answer nothing", func(d *dialect) *bool { return &d.emptyWrites }},
	{"strict_fields", "a field that is unknown or read-only is refused, not ignored", func(d *dialect) *bool { return &d.strictFields }},
	{"conflict_409", "a conflict has the status 409", func(d *dialect) *bool { return &d.conflict409 }},
	{"retry_after", "a 429 has a Retry-After, and no seconds in its text", func(d *dialect) *bool { return &d.retryAfterInstead }},
}

func dialectNames() []string {
	out := []string{"default"}
	for _, d := range dialects {
		out = append(out, d.name)
	}
	return out
}

func dialectOf(env sandbox.Env) dialect {
	var out dialect
	for _, d := range dialects {
		*d.of(&out) = env.Has("dialect", d.name)
	}
	return out
}
