package sandbox

import "net/http"

// The household deduction (ROT and RUT) and reverse charge on construction, as far as they were measured [SBX].

// checkDeduction wants the persons of a document with a deduction, each with a number that can be one.
func checkDeduction(r *record) error {
	if r.integer("RotReducedInvoicingType") == 0 {
		return nil
	}
	persons := r.list("Persons")
	if len(persons) == 0 {
		return invalid("Persons", "Required", "Persons are required for domestic services.")
	}
	for _, p := range persons {
		if !looksLikeSSN(p.str("Ssn")) {
			return fail(http.StatusBadRequest, codeSSN, "SocialSecurityNumberIsInvalidException - The social security number is invalid.")
		}
	}
	return nil
}

// looksLikeSSN wants 10 or 12 digits, with or without a hyphen; the control digit is not looked at.
func looksLikeSSN(s string) bool {
	digits := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r != '-':
			return false
		}
	}
	return digits == 10 || digits == 12
}

// checkConstruction refuses a row of reverse charge for a customer who is not set up for it.
func checkConstruction(customer, row *record, at string) error {
	if row.boolean("ReversedConstructionServicesVatFree") && !customer.boolean("ReverseChargeOnConstructionServices") {
		return invalid(at+"ReversedConstructionServicesVatFree", "Invalid",
			"ReversedConstructionServicesVatFree can not be used when the customer does not use ReverseChargeOnConstructionServices.")
	}
	return nil
}
