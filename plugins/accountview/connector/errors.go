package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// phrase recognises a message of AccountView. No list of its messages is public, and they come in Dutch or English by the
// user's language, so the table goes by the words that such a message cannot do without. The first that matches counts;
// what none matches is CauseRefused with the message quoted, which is always true.
type phrase struct {
	pattern   *regexp.Regexp
	cause     sdk.Cause
	retryable bool
	remedy    string
}

const (
	notThere = `(bestaat (hier )?niet|niet gevonden|onbekend|komt niet voor|niet aanwezig|ongeldig|does not exist|not found|unknown|invalid)`
	closed   = `(afgesloten|gesloten|geblokkeerd|vergrendeld|definitief|closed|locked)`
)

func re(s string) *regexp.Regexp { return regexp.MustCompile(`(?is)` + s) }

// gatewayWords are of the way to AccountView, not of AccountView itself: whether a write was done is then not known.
var gatewayWords = re(`time-?\s?out|timed out|gateway|niet bereikbaar|onbereikbaar|not reachable|unreachable|offline|verbinding (is )?(verbroken|mislukt)|geen verbinding|connection|service unavailable|probeer het later|try again later`)

// emptyWords say that a read found nothing, where that comes as an error (404) [C PAS treats 404 as nothing there].
var emptyWords = re(`geen (gegevens|records|regels|rijen)( zijn)?( gevonden)?|no (records|data|rows)( were)?( found)?`)

// companyWords say that the x-company header is not accepted.
var companyWords = re(`onderneming.*(` + notThere + `|gekoppeld)|company.*` + notThere + `|x-company`)

var phrases = []phrase{
	{re(`exclusief|in gebruik|back-?up|reorganis|organiseer|exclusive|in use`), sdk.CauseUnavailable, true,
		"AccountView keeps the administration to itself for now; the next run tries again"},
	{companyWords, sdk.CauseRights, false, "choose another company, or link the user to this one in AccountView.net"},
	{re(`business-?object.*` + notThere), sdk.CauseRights, false, "correct the object's code in the settings, or have the module activated"},
	{re(`scope|geen recht|niet geautoriseerd|niet bevoegd|onvoldoende recht|geen toegang|not authori[sz]ed|access denied|no permission|permission denied`), sdk.CauseRights, false,
		"give the AccountView user the rights for this function, and consent anew if a scope is missing"},
	{re(`(module|licentie|license|licence).*(niet|geen|not|no )`), sdk.CauseRights, false, "the company's licence lacks a module; have it activated in AccountView"},
	{re(`geen administratie|geen boekjaar|(administratie|boekjaar)[^.]*(bestaat niet|niet gevonden|ontbreekt|niet aanwezig)|(missing|no) (administration|fiscal year)|(administration|fiscal year)[^.]*(not found|does not exist|missing)`), sdk.CauseNoAdministration, false,
		"create the administration of that year in AccountView, then retry"},
	{re(`(administratie|boekjaar|periode|dagboek|administration|fiscal year|period|journal)[^.]*` + closed), sdk.CausePeriodLocked, false,
		"open the period in AccountView, then retry"},
	{re(`kredietlimiet|kredietruimte|credit limit`), sdk.CauseCreditLimit, false, "raise the debtor's credit limit in AccountView or enter the order there"},
	{re(`(debiteur|relatie|crediteur|artikel|debtor|customer|article|item)[^.]*(geblokkeerd|blocked)`), sdk.CauseBlocked, false, "lift the block in AccountView, then retry"},
	{re(`bestaat (al|reeds)|komt (al|reeds) voor|(al|reeds) aanwezig|already exists|duplicate|niet uniek|not unique`), sdk.CauseConflict, false, "look the record up in AccountView; it is there already"},
	{re(`te lang|too long|maximaal \d+ tekens`), sdk.CauseLength, false, "shorten the value at its source or map it otherwise"},
	{re(`(moet|moeten|dient)\b.*(ingevoerd|ingevuld|opgegeven)|verplicht|ontbreekt|is mandatory|required|must be (entered|filled)`), sdk.CauseInvalidValue, false, "fill the field by the mapping or the settings"},
	{re(`(btw|vat)[^.]*(buitenland|foreign)|(buitenland|foreign)[^.]*(btw|vat)`), sdk.CauseInvalidValue, false, "give the debtor a VAT code for its country"},
	{re(`\b(debiteur|relatie|klant|debtor|customer)[^.]*` + notThere), sdk.CauseCustomerMissing, false, "create the debtor in the administration of that year, then retry"},
	{re(`\b(artikel|article|item)[^.]*` + notThere), sdk.CauseProductMissing, false, "create the article in AccountView, then retry"},
	{re(`\b(btw|vat)[^.]*` + notThere), sdk.CauseVATCodeMissing, false, "choose a VAT code that exists in AccountView"},
	{re(`\b(valuta|currency)[^.]*` + notThere), sdk.CauseCurrency, false, "set the currency up in AccountView"},
	{re(`(rekening|account)\w*[^.]*` + notThere), sdk.CauseAccountMissing, false, "choose an account that exists in AccountView"},
	{re(`ongeldig|te groot|too large|geen (datum|getal|geldig|logische)|niet toegestaan|komt niet voor|onbekend|invalid|not allowed|unknown`), sdk.CauseInvalidValue, false, "correct the value at its source or by the mapping"},
}

// classify finds the cause of a message; unknown ones are CauseRefused and known is false.
func classify(message string) (p phrase, known bool) {
	for _, p := range phrases {
		if p.pattern.MatchString(message) {
			return p, true
		}
	}
	return phrase{cause: sdk.CauseRefused, remedy: "see what AccountView says and correct the record or the settings"}, false
}

var columnWord = regexp.MustCompile(`\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b`)

// faultField finds the column that a message is about: by its name, else by its label, of which messages may give the first
// word only ("Zoekcode moet worden ingevoerd" for "Zoekcode bedrijf" [C PHP]).
func faultField(message string, tables ...*table) string {
	for _, word := range columnWord.FindAllString(message, -1) {
		for _, t := range tables {
			if t == nil {
				continue
			}
			if c, ok := t.column(word); ok {
				return c.Name
			}
		}
	}
	low := strings.ToLower(message)
	best, size := "", 0
	for _, t := range tables {
		if t == nil {
			continue
		}
		for _, c := range t.cols {
			label := strings.ToLower(strings.TrimSpace(c.Label))
			first, _, _ := strings.Cut(label, " ")
			for _, l := range []string{label, first} {
				if len(l) > size && len(l) >= 4 && strings.HasPrefix(low, l+" ") {
					best, size = c.Name, len(l)
				}
			}
		}
	}
	return best
}

// refusal makes the error of an ErrorMessage. what names the record, "" for a read.
func refusal(f *failure, what string, tables ...*table) *sdk.Error {
	message := f.ErrorMessage
	if message == "" {
		message = f.Message
	}
	p, _ := classify(message)
	e := &sdk.Error{Cause: p.cause, Field: faultField(message, tables...), Remedy: p.remedy, Retryable: p.retryable}
	for i, n := range f.ErrorNumbers {
		if i > 0 {
			e.Code += ","
		}
		e.Code += n.String()
	}
	if what == "" {
		e.Message = "AccountView says: " + clip(message)
	} else {
		e.Message = fmt.Sprintf("AccountView refuses %s: %s", what, clip(message))
	}
	return e
}

// clip bounds a message of the system.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 500 {
		return string(r[:500]) + "…"
	}
	return s
}

// answered tells the HTTP client which 5xx answers are AccountView's own word: only messages that are recognised as a
// refusal. Anything else with such a status may come from the way there, and then a write may have been done.
func answered(resp *sdk.Response) bool {
	f := parseFailure(resp.Body)
	if f == nil || f.ErrorMessage == "" || gatewayWords.MatchString(f.ErrorMessage) {
		return false
	}
	_, known := classify(f.ErrorMessage)
	return known
}

func tokenRefused() *sdk.Error {
	return &sdk.Error{Cause: sdk.CauseCredentials, Code: "401", Message: "AccountView does not accept the access token, not even a fresh one",
		Remedy: "consent anew: the user's password or rights may have changed"}
}

func unavailable(message string, err error) *sdk.Error {
	return &sdk.Error{Cause: sdk.CauseUnavailable, Message: message, Err: err, Retryable: true, After: 30 * time.Second,
		Remedy: "the way to AccountView is disturbed (On Premises Gateway, back-up at night); the next run tries again"}
}

// isJSON tells an answer of the API from a page of a gateway. The body counts; the header is often wrong.
func isJSON(body []byte) bool {
	b := strings.TrimSpace(string(trimBOM(body)))
	return b != "" && (b[0] == '{' || b[0] == '[') && json.Valid([]byte(b))
}

// judgeRead turns the answer to a read into its body, nil for "nothing there", or an error.
func judgeRead(resp *sdk.Response, tables ...*table) ([]byte, error) {
	empty := len(strings.TrimSpace(string(resp.Body))) == 0
	f := parseFailure(resp.Body)
	switch {
	case resp.Status == http.StatusUnauthorized:
		return nil, tokenRefused()
	case f != nil && f.ErrorMessage != "":
		switch {
		case emptyWords.MatchString(f.ErrorMessage):
			return nil, nil
		case gatewayWords.MatchString(f.ErrorMessage):
			return nil, unavailable("AccountView cannot be reached: "+clip(f.ErrorMessage), nil)
		}
		e := refusal(f, "", tables...)
		if resp.Status == http.StatusForbidden && e.Cause == sdk.CauseRefused {
			e.Cause = sdk.CauseRights
		}
		return nil, e
	case resp.Status == http.StatusForbidden:
		return nil, &sdk.Error{Cause: sdk.CauseRights, Code: "403", Message: "AccountView does not allow this", Remedy: "give the AccountView user the rights for this function"}
	case resp.Status == http.StatusNotFound && f == nil && (empty || isJSON(resp.Body)):
		// Nothing there [C PAS], if it is the API that says so.
		return nil, nil
	case resp.Status == http.StatusOK && f != nil:
		return nil, unavailable("AccountView.net says: "+clip(f.Message), nil)
	case resp.Status/100 == 2 && isJSON(resp.Body):
		return resp.Body, nil
	case resp.Status/100 == 2:
		return nil, unavailable("the answer is not that of AccountView but "+describeBody(resp), nil)
	case resp.Status >= 500:
		return nil, unavailable(fmt.Sprintf("AccountView answers with status %d", resp.Status), nil)
	case f != nil:
		return nil, &sdk.Error{Cause: sdk.CauseRefused, Code: fmt.Sprint(resp.Status), Message: "AccountView.net says: " + clip(f.Message),
			Remedy: "check base_url"}
	}
	return nil, &sdk.Error{Cause: sdk.CauseUnavailable, Code: fmt.Sprint(resp.Status), Retryable: true,
		Message: fmt.Sprintf("status %d with %s instead of an answer of AccountView", resp.Status, describeBody(resp)), Remedy: "check base_url"}
}

func describeBody(resp *sdk.Response) string {
	b := strings.TrimSpace(string(resp.Body))
	switch {
	case b == "":
		return "an empty body"
	case b[0] == '<':
		return "an HTML page"
	}
	return "something that is no JSON"
}

// judgeWrite turns the answer to a write into its body (nil where there is none), or into the result that it means.
func judgeWrite(resp *sdk.Response, what string, tables ...*table) ([]byte, *sdk.WriteResult) {
	f := parseFailure(resp.Body)
	ok := resp.Status/100 == 2
	unknown := func(why string) *sdk.WriteResult {
		return &sdk.WriteResult{Outcome: sdk.OutcomeUnknown, Err: &sdk.Error{Cause: sdk.CauseUnknownOutcome, Code: fmt.Sprint(resp.Status),
			Message: fmt.Sprintf("%s was sent, but %s", what, why), Remedy: "none now: after the settle time it is looked up"}}
	}
	refused := func(e *sdk.Error) *sdk.WriteResult { return &sdk.WriteResult{Outcome: sdk.OutcomeRefused, Err: e} }
	switch {
	case resp.Status == http.StatusUnauthorized:
		return nil, refused(tokenRefused())
	case f != nil && f.ErrorMessage != "" && (gatewayWords.MatchString(f.ErrorMessage) || resp.Status == http.StatusRequestTimeout):
		return nil, unknown("the way to AccountView answers: " + clip(f.ErrorMessage))
	case f != nil && f.ErrorMessage != "":
		e := refusal(f, what, tables...)
		if resp.Status == http.StatusForbidden && e.Cause == sdk.CauseRefused {
			e.Cause = sdk.CauseRights
		}
		return nil, refused(e)
	case ok && f != nil:
		return nil, unknown("AccountView.net answers: " + clip(f.Message))
	case ok && strings.TrimSpace(string(resp.Body)) == "":
		return nil, nil // a dialect: success without an echo
	case ok && isJSON(resp.Body):
		return resp.Body, nil
	case resp.Status >= 400 && resp.Status < 500 && resp.Status != http.StatusRequestTimeout && f != nil:
		return nil, refused(&sdk.Error{Cause: sdk.CauseRefused, Code: fmt.Sprint(resp.Status),
			Message: fmt.Sprintf("AccountView.net refuses %s: %s", what, clip(f.Message)), Remedy: "check base_url and the rights of the user"})
	case resp.Status == http.StatusForbidden && isJSON(resp.Body):
		return nil, refused(&sdk.Error{Cause: sdk.CauseRights, Code: "403", Message: "AccountView does not allow to write " + what,
			Remedy: "give the AccountView user the rights for this function"})
	}
	return nil, unknown(fmt.Sprintf("the answer is status %d with %s", resp.Status, describeBody(resp)))
}

// transient tells errors of the way or of the user's rights from AccountView's word about a request: nothing follows from
// them about what exists.
func transient(err error) bool {
	var e *sdk.Error
	if !errors.As(err, &e) {
		return true
	}
	return e.Retryable || slices.Contains([]sdk.Cause{sdk.CauseUnavailable, sdk.CauseCredentials, sdk.CauseRateLimited, sdk.CausePluginFailed}, e.Cause)
}

func causeOf(err error) sdk.Cause {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return ""
}
