package activity

// Causes are the codes of held and failed records (DESIGN, section 7), for whoever searches by one.
var Causes = []string{
	"account_missing", "amounts_differ", "back_order", "blocked", "conflict", "changed_after_sending", "credentials", "credit_limit", "currency",
	"customer_missing", "debtor_discount", "function_failed", "invalid_value", "length", "match_ambiguous", "match_none", "missing_in_year",
	"no_administration", "period_locked", "plugin_failed", "product_missing", "rate_limited", "refused", "rights", "special_tax", "unavailable",
	"unknown_outcome", "value_unmapped", "vat_code_missing",
}

// Outcomes are the words of a line's outcome.
var Outcomes = []string{
	"created", "updated", "unchanged", "linked", "refused", "unknown", // of an attempt
	"held", "failed", "pending", // of a record that waits
	"verified", "differs", "unverifiable", // of what was booked
	"done", "adopted", "absent", "given_up", // of a look at what became of a lost answer
	"run done", "run failed", "run stopped",
	"decided", // a person's word
}
