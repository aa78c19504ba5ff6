package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pomost/pomost/sdk/sandbox"
)

// The error codes that this sandbox answers with (facts section 4, [DOC error-codes]).
const (
	codeValidation     = 2000
	codeNotFound       = 3000
	codeNoFiscalYear   = 3001
	codeConflict       = 4000
	codeCannotDelete   = 4001
	codeCannotChange   = 4002
	codeNotAuthorized  = 4005
	codeNotActive      = 4004
	codeNoScope        = 4006
	codeDenied         = 4007
	codeReadOnlyUser   = 4019
	codeWrongVariant   = 4009
	codeTooMany        = 4010
	codeLockedPeriod   = 4013
	codeFutureDate     = 4023
	codeVatNumber      = 4025
	codeHasBackOrders  = 4028
	codeSSN            = 4029
	codeForceVatEU     = 4035
	codeDomesticAmount = 4039
	codeInternal       = 5000
	codeBalanceStock   = 5003
	codeBalanceService = 5004
	codeProjectEnded   = 5005
	codeInactiveCenter = 5006
	codeQuery          = 6000
	codeInput          = 6001
)

// problem is an error of the API: HTTP status, ErrorCode and text.
type problem struct {
	status int
	code   int
	text   string
	fields []fieldProblem
}

func (p *problem) Error() string { return fmt.Sprintf("%d: %s", p.code, p.text) }

func fail(status, code int, format string, args ...any) error {
	return &problem{status: status, code: code, text: fmt.Sprintf(format, args...)}
}

func badQuery(format string, args ...any) error {
	return fail(http.StatusBadRequest, codeQuery, "QueryParameterException - "+format, args...)
}

func badDate(format string, args ...any) error {
	return fail(http.StatusBadRequest, codeInput, "InvalidInputException - "+format, args...)
}

// invalid is a 2000 that names one field.
func invalid(fieldName, code, format string, args ...any) error {
	return invalidFields([]fieldProblem{{Field: fieldName, ErrorCode: code, Message: fmt.Sprintf(format, args...)}})
}

func invalidFields(fields []fieldProblem) error {
	return &problem{status: http.StatusBadRequest, code: codeValidation, text: "DataModelValidationException - " + fields[0].Message, fields: fields}
}

// unknownReference is what a body gets that refers to a record that is not there (facts section 4: 3000).
func unknownReference(what, id string) error {
	return fail(http.StatusBadRequest, codeNotFound, "ResourceNotFoundException - %s with id %s was not found.", what, id)
}

// unknownPath is what a path gets that names a record that is not there.
func unknownPath(what, id string) error {
	return fail(http.StatusNotFound, codeNotFound, "ResourceNotFoundException - %s with id %s was not found.", what, id)
}

func cannotChange(format string, args ...any) error {
	return fail(http.StatusBadRequest, codeCannotChange, "CanNotBeCreatedOrUpdatedException - "+format, args...)
}

// errorBody is CommonExtendedBadRequest [OA26].
type errorBody struct {
	ErrorCode             int            `json:"ErrorCode"`
	DeveloperErrorMessage string         `json:"DeveloperErrorMessage"`
	ErrorID               string         `json:"ErrorId"`
	Errors                []fieldProblem `json:"Errors"`
}

// oldErrorBody is what there was in 2020 [SW20].
type oldErrorBody struct {
	ErrorCode             int    `json:"ErrorCode"`
	DeveloperErrorMessage string `json:"DeveloperErrorMessage"`
	ErrorID               string `json:"ErrorId"`
}

func writeProblem(w http.ResponseWriter, p *problem, old bool) {
	id := newUUID()
	var v any = errorBody{p.code, p.text, id, p.fields}
	if old {
		v = oldErrorBody{p.code, p.text, id}
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain text and numbers always marshal
	}
	writeBody(w, p.status, data)
}

func writeBody(w http.ResponseWriter, status int, data []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(data)
}

// unauthorized is the vendor's 401 (samples/error-401.json): the three old members only.
func unauthorized(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, &problem{status: http.StatusUnauthorized, code: codeNotAuthorized,
		text: "AuthorizationException - Authorization has been denied for this request."}, true)
}

// rateLimited is the vendor's 429 (samples/error-429.json). There is no Retry-After: the seconds are in the text only; a dialect has it.
func rateLimited(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	limit := sandbox.LimitOf(r.Context())
	if limit == 0 {
		limit = defaultRate
	}
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	if sandbox.SettingsOf(r.Context()).Has("dialect", "retry_after") {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		writeProblem(w, &problem{status: http.StatusTooManyRequests, code: codeTooMany, text: "API calls quota exceeded!"}, true)
		return
	}
	writeProblem(w, &problem{status: http.StatusTooManyRequests, code: codeTooMany,
		text: fmt.Sprintf("API calls quota exceeded! maximum admitted %d per Minute. Try again in %d seconds.", limit, seconds)}, true)
}

func statusError(w http.ResponseWriter, _ *http.Request, status int) {
	writeProblem(w, &problem{status: status, code: codeInternal, text: http.StatusText(status)}, true)
}
