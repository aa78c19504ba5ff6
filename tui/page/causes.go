package page

// Cause says a cause's code in plain words.
func (k *Kit) Cause(code string) string {
	switch code {
	case "product_missing":
		return k.t("an article is missing")
	case "match_ambiguous":
		return k.t("several records match")
	case "match_none":
		return k.t("no record matches")
	case "value_unmapped":
		return k.t("a value has no counterpart")
	case "vat_code_missing":
		return k.t("a VAT code is missing")
	case "account_missing":
		return k.t("an account is missing")
	case "amounts_differ":
		return k.t("the amounts differ")
	case "currency":
		return k.t("another currency")
	case "no_administration":
		return k.t("the company or year is not there")
	case "period_locked":
		return k.t("the period is locked")
	case "blocked":
		return k.t("the record is blocked")
	case "length":
		return k.t("a text is too long")
	case "invalid_value":
		return k.t("a value is not valid")
	case "special_tax":
		return k.t("a special tax applies")
	case "back_order":
		return k.t("a back order")
	case "conflict":
		return k.t("changed on both sides")
	case "changed_after_sending":
		return k.t("changed after it was sent")
	case "unknown_outcome":
		return k.t("it is not known whether it arrived")
	case "refused":
		return k.t("the system refused it")
	case "unavailable":
		return k.t("the system did not answer")
	case "credentials":
		return k.t("the system does not accept the credentials")
	case "rights":
		return k.t("a right is missing")
	case "rate_limited":
		return k.t("too many calls for the system")
	case "function_failed":
		return k.t("a function failed")
	case "plugin_failed":
		return k.t("a connector failed")
	case "missing_in_year":
		return k.t("missing in this year")
	case "credit_limit":
		return k.t("over the credit limit")
	case "customer_missing":
		return k.t("the customer is missing")
	case "debtor_discount":
		return k.t("the debtor has a discount of its own")
	}
	return code
}

// consequence says a decision's consequence in plain words.
func (k *Kit) consequence(decision string) string {
	switch decision {
	case "sent":
		return k.t("It is linked to the number you give, and never sent again.")
	case "absent":
		return k.t("It may be sent again: if it is there after all, it stands there twice.")
	case "link":
		return k.t("Both records are bound together; nothing is written now.")
	case "skip":
		return k.t("It is not carried over, and forgotten until it changes.")
	}
	return ""
}
