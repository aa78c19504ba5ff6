package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// apiError is CommonExtendedBadRequest [OA26]; older builds had only the first two members [SW20].
type apiError struct {
	Code    int    `json:"ErrorCode"`
	Message string `json:"DeveloperErrorMessage"`
	Errors  []struct {
		Field, ErrorCode, Message string
	} `json:"Errors"`
}

// meaning is what an error code means for the caller.
type meaning struct {
	cause     sdk.Cause
	retryable bool
	remedy    string
}

// meanings are the documented codes (facts section 4, [DOC error-codes]). A code with two meanings is told apart in refine.
var meanings = map[int]meaning{
	2000: {sdk.CauseInvalidValue, false, "correct the field and try again"},
	3000: {sdk.CauseRefused, false, "a record that this one refers to is not there: check the ids"},
	3001: {sdk.CauseNoAdministration, false, "create the fiscal year in eAccounting"},
	3002: {sdk.CauseAccountMissing, false, "create the ledger account in eAccounting or choose another one"},
	3003: {sdk.CauseRights, false, "give the user the right to approve"},
	4000: {sdk.CauseConflict, false, "a record with this number exists already: link the two or choose another number"},
	4001: {sdk.CauseRefused, false, "something depends on the record; make it inactive instead"},
	4002: {sdk.CauseRefused, false, "change the record in eAccounting, or leave it as it is"},
	4003: {sdk.CauseRights, false, "finish the start-up guide in eAccounting"},
	4004: {sdk.CauseRights, false, "the company is not active: activate it in eAccounting"},
	4005: {sdk.CauseCredentials, false, "authorise the connection again"},
	4006: {sdk.CauseRights, false, "add the scope to the setting scopes and authorise the connection again"},
	4007: {sdk.CauseRights, false, "give the user who consented the right in eAccounting"},
	4008: {sdk.CauseInvalidValue, false, "the control digit is wrong: correct the number"},
	4009: {sdk.CauseRights, false, "the product variant of the company does not include this: change the subscription"},
	4010: {sdk.CauseRateLimited, true, "wait; the next run goes on by itself"},
	4011: {sdk.CauseRights, false, "the user who consented has no access to the company: consent with another one"},
	4012: {sdk.CauseRights, false, "accept the licence agreement in eAccounting"},
	4013: {sdk.CausePeriodLocked, false, "open the period in eAccounting or choose another date"},
	4014: {sdk.CauseInvalidValue, false, "fill in your reference, which electronic invoices need"},
	4015: {sdk.CauseInvalidValue, false, "fill in our reference, which electronic invoices need"},
	4016: {sdk.CauseInvalidValue, false, "correct the due date"},
	4017: {sdk.CauseInvalidValue, false, "fill in the electronic address of the customer"},
	4018: {sdk.CauseRefused, false, "correct the supplier invoice in eAccounting"},
	4019: {sdk.CauseRights, false, "the user who consented may only read: consent with another one"},
	4020: {sdk.CauseInvalidValue, false, "the fiscal years overlap: correct the dates"},
	4021: {sdk.CauseInvalidValue, false, "the fiscal year is too long: correct the dates"},
	4022: {sdk.CauseInvalidValue, false, "a fiscal year must end on the last day of a month"},
	4023: {sdk.CauseInvalidValue, false, "a payment cannot lie in the future: correct the date"},
	4024: {sdk.CauseAccountMissing, false, "fill in the sales account of the article's coding in eAccounting"},
	4025: {sdk.CauseInvalidValue, false, "correct the VAT number: two letters of the country, then 8 to 12 letters or digits"},
	4026: {sdk.CausePeriodLocked, false, "open the period in eAccounting or choose another date"},
	4027: {sdk.CauseInvalidValue, false, "reversed VAT must be zero: correct the amounts"},
	4028: {sdk.CauseRefused, false, "the order has back orders: handle them first"},
	4029: {sdk.CauseInvalidValue, false, "correct the social security number"},
	4030: {sdk.CauseInvalidValue, false, "correct the payment reference (OCR)"},
	4031: {sdk.CauseInvalidValue, false, "the invoice lacks articles of its order: add them"},
	4032: {sdk.CauseInvalidValue, false, "the supplier invoice does not balance: correct the amounts"},
	4033: {sdk.CauseRefused, false, "finish the approval in eAccounting first"},
	4034: {sdk.CauseCredentials, false, "these are credentials of the Visma test environment: use production ones, or the test address"},
	4035: {sdk.CauseInvalidValue, false, "VAT cannot be forced for a customer in the EU: switch that off"},
	4037: {sdk.CausePeriodLocked, false, "the reconciliation lies in a locked period: choose another date"},
	4038: {sdk.CausePeriodLocked, false, "the year is locked: choose another date"},
	4039: {sdk.CauseCurrency, false, "leave the domestic amount out of a domestic invoice"},
	4100: {sdk.CauseRefused, true, "an outside service refused it: try again later, then look at the message"},
	5000: {sdk.CauseUnavailable, true, "Visma has an error; the next run tries again"},
	5001: {sdk.CauseUnavailable, true, "Visma cannot reach a part of itself; the next run tries again"},
	5002: {sdk.CauseUnavailable, true, "Visma gave up; the next run tries again"},
	5003: {sdk.CauseRefused, false, "bring the stock balance to zero before the article stops being a stock article"},
	5004: {sdk.CauseRefused, false, "bring the stock balance to zero before the article becomes a service"},
	5005: {sdk.CauseBlocked, false, "the project has ended: choose another one"},
	5006: {sdk.CauseBlocked, false, "the cost centre is not active: choose another one"},
	5007: {sdk.CauseRefused, false, "the item to attach to is not there"},
	6000: {sdk.CauseRefused, false, "eAccounting does not understand the query; report this with the message"},
	6001: {sdk.CauseInvalidValue, false, "eAccounting does not understand a value, probably a date"},
}

// parseError reads an error body; ok is false when it is none of the API's.
func parseError(body []byte) (apiError, bool) {
	var e apiError
	if err := json.Unmarshal(body, &e); err != nil {
		return apiError{}, false
	}
	return e, e.Code != 0
}

// refusal turns an answer with a status of 300 to 499 into an error. what names the request for people: "customer Jansen".
func refusal(resp *sdk.Response, what string) *sdk.Error {
	e, ok := parseError(resp.Body)
	if !ok {
		return strange(resp, what)
	}
	m, known := meanings[e.Code]
	if !known {
		m = meaning{cause: sdk.CauseRefused, remedy: "look at eAccounting's message"}
		if e.Code >= 5000 && e.Code < 5003 {
			m.retryable = true
		}
	}
	text := clean(e.Message)
	out := &sdk.Error{Cause: m.cause, Code: strconv.Itoa(e.Code), Remedy: m.remedy, Retryable: m.retryable}
	if len(e.Errors) > 0 {
		out.Field = e.Errors[0].Field
		if first := clean(e.Errors[0].Message); first != "" {
			text = first
		}
		if n := len(e.Errors) - 1; n > 0 {
			text += fmt.Sprintf(" (and %d more)", n)
		}
	}
	if wait, limited := rateLimited(resp); limited {
		out.Cause, out.Retryable, out.After, out.Remedy = sdk.CauseRateLimited, true, wait, meanings[4010].remedy
	}
	out.Message = fmt.Sprintf("eAccounting refuses %s: %s", what, text)
	refine(out, e)
	return out
}

// refine tells apart what the code alone does not.
func refine(out *sdk.Error, e apiError) {
	text := strings.ToLower(e.Message + " " + out.Field)
	for _, sub := range e.Errors {
		text += " " + strings.ToLower(sub.Message)
	}
	switch e.Code {
	case 2000:
		for _, word := range []string{"max length", "maximum length", "maxlength", "too long", "longer than"} {
			if strings.Contains(text, word) {
				out.Cause, out.Remedy = sdk.CauseLength, "shorten the value"
			}
		}
		// Older builds name the field only in the text [SW20]; there it stands first.
		if out.Field == "" {
			out.Field = fieldInText(e.Message)
		}
	case 3000:
		switch {
		case strings.Contains(text, "customer"):
			out.Cause, out.Remedy = sdk.CauseCustomerMissing, "the customer is not in eAccounting (any more)"
		case strings.Contains(text, "article"):
			out.Cause, out.Remedy = sdk.CauseProductMissing, "the article is not in eAccounting (any more)"
		}
	case 4002:
		// The same number also means "no access to the module" [DOC].
		if strings.Contains(text, "module") {
			out.Cause, out.Remedy = sdk.CauseRights, "switch the module on in eAccounting (Apps and extensions), or check that the right company was chosen at the consent"
		}
	}
}

var knownFields = func() map[string]bool {
	out := map[string]bool{}
	for _, fs := range facts {
		for _, f := range fs {
			out[f.name] = true
		}
	}
	return out
}()

var word = regexp.MustCompile(`[A-Za-z][A-Za-z0-9]*`)

// fieldInText is the first word that is a field's name written as one ("Name" alone would be found in any sentence, so
// one capital is not enough unless it stands in "The X field").
func fieldInText(text string) string {
	words := word.FindAllString(text, 40)
	for i, w := range words {
		if !knownFields[w] {
			continue
		}
		named := i > 0 && strings.EqualFold(words[i-1], "the") && i+1 < len(words) && strings.EqualFold(words[i+1], "field")
		inner := strings.IndexFunc(w[1:], func(r rune) bool { return r >= 'A' && r <= 'Z' }) >= 0
		if named || inner {
			return w
		}
	}
	return ""
}

// strange is an answer that is none of the API's.
func strange(resp *sdk.Response, what string) *sdk.Error {
	e := &sdk.Error{Cause: sdk.CauseRefused, Code: strconv.Itoa(resp.Status), Message: fmt.Sprintf("eAccounting answers %s with status %d and no reason", what, resp.Status),
		Remedy: "check the setting base_url"}
	switch {
	case resp.Status == 401:
		e.Cause, e.Remedy = sdk.CauseCredentials, meanings[4005].remedy
	case resp.Status == 403:
		e.Cause, e.Remedy = sdk.CauseRights, "check the scopes and the rights of the user who consented"
	case isHTML(resp) || resp.Status < 400 || resp.Status == 408:
		e.Cause, e.Retryable = sdk.CauseUnavailable, true
		e.Message = fmt.Sprintf("something in front of eAccounting answers %s with status %d", what, resp.Status)
		e.Remedy = "check the setting base_url and the way to eAccounting; the next run tries again"
	case resp.Status == 404 && len(bytes.TrimSpace(resp.Body)) > 0: // the API's own 404 has a code: something else answers here
		e.Cause = sdk.CauseUnavailable
	}
	return e
}

func isHTML(resp *sdk.Response) bool {
	return strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html") || bytes.HasPrefix(bytes.TrimSpace(resp.Body), []byte("<"))
}

// exceptionName is how the messages begin: "AuthorizationException - ".
var exceptionName = regexp.MustCompile(`^[A-Za-z]+Exception\s*-\s*`)

// clean makes the system's message fit for a sentence: without the exception's name, on one line, bounded.
func clean(s string) string {
	s = strings.Join(strings.Fields(exceptionName.ReplaceAllString(strings.TrimSpace(s), "")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}

// seconds finds the wait in "Try again in 55 seconds." [DOC sample].
var seconds = regexp.MustCompile(`(?i)\bin\s+(\d{1,4})\s+seconds?`)

// rateLimited recognises 429 and code 4010. Retry-After is often absent, so the seconds are read from the message [CLIENT].
func rateLimited(resp *sdk.Response) (time.Duration, bool) {
	if resp.Status < 400 {
		return 0, false
	}
	e, ok := parseError(resp.Body)
	if resp.Status != 429 && (!ok || e.Code != 4010) {
		return 0, false
	}
	if n, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After"))); err == nil && n >= 0 && n < 10_000 {
		return time.Duration(n) * time.Second, true
	}
	if m := seconds.FindStringSubmatch(e.Message); m != nil {
		n, _ := strconv.Atoi(m[1]) // at most four digits
		return time.Duration(n) * time.Second, true
	}
	return 15 * time.Second, true
}

// refusedQuery reports whether err says that a query parameter is not understood: another way of asking may be.
func refusedQuery(err error) bool {
	e := sdk.AsError(err)
	return e != nil && (e.Code == "6000" || e.Code == "6001")
}
