package connector

import (
	"errors"
	"fmt"
	"time"
)

// Cause is a stable code for why something did not happen (DESIGN section 7).
type Cause string

// The causes that a connector can report. The host knows further ones of its own decisions.
const (
	CauseUnavailable      Cause = "unavailable"       // the system or the way to it does not answer
	CauseCredentials      Cause = "credentials"       // tokens or client refused: a person must consent again
	CauseRights           Cause = "rights"            // scope, user right, licence or module missing
	CauseRateLimited      Cause = "rate_limited"      // quota used up
	CauseRefused          Cause = "refused"           // the system refuses the record for a reason of its own
	CauseInvalidValue     Cause = "invalid_value"     // a field's value is not acceptable
	CauseLength           Cause = "length"            // a value is too long
	CauseBlocked          Cause = "blocked"           // the party is blocked
	CausePeriodLocked     Cause = "period_locked"     // the books are closed for the date
	CauseNoAdministration Cause = "no_administration" // no fiscal year for the date
	CauseMissingInYear    Cause = "missing_in_year"   // master record not in the date's year
	CauseCreditLimit      Cause = "credit_limit"
	CauseProductMissing   Cause = "product_missing"
	CauseCustomerMissing  Cause = "customer_missing"
	CauseVATCodeMissing   Cause = "vat_code_missing"
	CauseAccountMissing   Cause = "account_missing"
	CauseCurrency         Cause = "currency"
	CauseConflict         Cause = "conflict"        // exists already, or changed meanwhile
	CauseUnknownOutcome   Cause = "unknown_outcome" // sent, not answered
	CausePluginFailed     Cause = "plugin_failed"
)

// Error is a typed failure: what happened, why, and what to do.
type Error struct {
	Cause   Cause
	Code    string // the system's own code, if it gave one
	Message string // one sentence for a bookkeeper, without secrets
	Field   string // the field at fault, in the system's name
	Remedy  string
	// Retryable: trying again later can help without anybody doing something. After is the least wait.
	Retryable bool
	After     time.Duration
	Err       error
}

// Error is the message with its cause.
func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = fmt.Sprintf("%s (field %s)", s, e.Field)
	}
	if e.Err != nil {
		s = fmt.Sprintf("%s: %v", s, e.Err)
	}
	return s
}

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns err as an *Error; one that is none is CausePluginFailed.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Cause: CausePluginFailed, Message: err.Error(), Err: err}
}
