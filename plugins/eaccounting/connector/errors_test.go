package connector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// documented are the error codes of the facts, section 4 [DOC error-codes].
var documented = []int{2000, 3000, 3001, 3002, 3003, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4014, 4015,
	4016, 4017, 4018, 4019, 4020, 4021, 4022, 4023, 4024, 4025, 4026, 4027, 4028, 4029, 4030, 4031, 4032, 4033, 4034, 4035, 4037, 4038, 4039, 4100,
	5000, 5001, 5002, 5003, 5004, 5005, 5006, 5007, 6000, 6001}

func TestMeanings(t *testing.T) {
	for _, code := range documented {
		m, ok := meanings[code]
		if !ok || m.cause == "" || m.remedy == "" {
			t.Errorf("code %d: %+v, want a cause and a remedy", code, m)
		}
	}
	if len(meanings) != len(documented) {
		t.Errorf("%d codes have a meaning, %d are documented", len(meanings), len(documented))
	}
}

func answer(status int, code int, message string, fields ...string) *sdk.Response {
	body := map[string]any{"ErrorCode": code, "DeveloperErrorMessage": message, "ErrorId": "1c296026-489d-434c-b7e9-70401278a086"}
	if len(fields) > 0 {
		body["Errors"] = []any{map[string]any{"Field": fields[0], "ErrorCode": "X", "Message": fields[1], "Key": nil}}
	}
	b, _ := json.Marshal(body)
	return &sdk.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: b}
}

func TestRefusal(t *testing.T) {
	html := &sdk.Response{Status: 403, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>no</html>")}
	for name, c := range map[string]struct {
		resp      *sdk.Response
		cause     sdk.Cause
		field     string
		retryable bool
		says      string
	}{
		"field":          {answer(400, 2000, "DataModelValidationException - x", "Name", "The Name field is required."), sdk.CauseInvalidValue, "Name", false, "The Name field is required."},
		"length":         {answer(400, 2000, "DataModelValidationException - x", "Rows[2].Text", "The field Text must have a maximum length of 2000."), sdk.CauseLength, "Rows[2].Text", false, "2000"},
		"old, no list":   {answer(400, 2000, "DataModelValidationException - The InvoiceCity field is required."), sdk.CauseInvalidValue, "InvoiceCity", false, "InvoiceCity"},
		"old, ambiguous": {answer(400, 2000, "DataModelValidationException - Name something."), sdk.CauseInvalidValue, "", false, "something"},
		"conflict as 409": {answer(409, 4000, "ConflictException - A customer with CustomerNumber 1 already exists."), sdk.CauseConflict, "", false,
			"A customer with CustomerNumber 1 already exists."},
		"no customer":  {answer(400, 3000, "ResourceNotFoundException - Customer with id x was not found."), sdk.CauseCustomerMissing, "", false, "Customer"},
		"no article":   {answer(400, 3000, "ResourceNotFoundException - Article with id x was not found."), sdk.CauseProductMissing, "", false, "Article"},
		"no term":      {answer(400, 3000, "ResourceNotFoundException - TermsOfPayment with id x was not found."), sdk.CauseRefused, "", false, "TermsOfPayment"},
		"module":       {answer(403, 4002, "ForbiddenRequestException - No access to module: api_standard"), sdk.CauseRights, "", false, "api_standard"},
		"cannot":       {answer(400, 4002, "CanNotBeCreatedOrUpdatedException - The order is invoiced."), sdk.CauseRefused, "", false, "invoiced"},
		"locked":       {answer(400, 4013, "x"), sdk.CausePeriodLocked, "", false, "x"},
		"unauthorized": {answer(401, 4005, "AuthorizationException - Authorization has been denied for this request."), sdk.CauseCredentials, "", false, "denied"},
		"scope":        {answer(403, 4006, "NoAccessToScopesException - Requires ea:purchase."), sdk.CauseRights, "", false, "ea:purchase"},
		"quota":        {answer(429, 4010, "API calls quota exceeded! maximum admitted 600 per Minute. Try again in 55 seconds."), sdk.CauseRateLimited, "", true, "quota"},
		"unknown code": {answer(400, 4999, "NewException - Something new."), sdk.CauseRefused, "", false, "Something new."},
		"html":         {html, sdk.CauseRights, "", false, "403"},
		"redirect":     {&sdk.Response{Status: 302, Header: http.Header{}}, sdk.CauseUnavailable, "", true, "302"},
		"empty 404":    {&sdk.Response{Status: 404, Header: http.Header{}}, sdk.CauseRefused, "", false, "404"},
	} {
		e := refusal(c.resp, "customer Jansen")
		if e.Cause != c.cause || e.Field != c.field || e.Retryable != c.retryable || e.Remedy == "" || e.Code == "" {
			t.Errorf("%s: %+v, want %s, field %q, retryable %v, a code and a remedy", name, *e, c.cause, c.field, c.retryable)
		}
		if !strings.Contains(e.Message, "customer Jansen") || !strings.Contains(e.Message, c.says) || strings.Contains(e.Message, "Exception") {
			t.Errorf("%s: message %q, want one that names the record, quotes %q and no exception", name, e.Message, c.says)
		}
	}
}

func TestRateLimited(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"API calls quota exceeded! maximum admitted 600 per Minute. Try again in 55 seconds.": 55 * time.Second,
		"Try again in 1 second.":               time.Second,
		"something else":                       15 * time.Second,
		"Try again in 99999999999999 seconds.": 15 * time.Second,
	} {
		for _, status := range []int{429, 400} {
			if got, limited := rateLimited(answer(status, 4010, text)); !limited || got != want {
				t.Errorf("status %d, %q: %v, %v, want %v", status, text, got, limited, want)
			}
		}
	}
	if _, limited := rateLimited(answer(400, 2000, "x")); limited {
		t.Error("a validation error is taken for a rate limit")
	}
	if _, limited := rateLimited(&sdk.Response{Status: 200, Body: []byte(`{"ErrorCode":4010}`)}); limited {
		t.Error("an answer that succeeded is taken for a rate limit")
	}
}

func TestCleanBounds(t *testing.T) {
	if got := clean("FooException - " + strings.Repeat("é", 1000)); len([]rune(got)) != 301 {
		t.Errorf("%d characters, want 300 and an ellipsis", len([]rune(got)))
	}
	if got := clean("a\r\n b\tc"); got != "a b c" {
		t.Errorf("%q, want one line", got)
	}
}

func TestProvesRefusal(t *testing.T) {
	for i, c := range []struct {
		resp *sdk.Response
		want bool
	}{
		{answer(400, 2000, "x"), true},
		{&sdk.Response{Status: 404, Header: http.Header{}}, true},
		{&sdk.Response{Status: 408, Header: http.Header{}}, false},
		{&sdk.Response{Status: 302, Header: http.Header{}}, false},
		{&sdk.Response{Status: 403, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: []byte("<html>")}, false},
	} {
		if got := provesRefusal(c.resp); got != c.want {
			t.Errorf("%d: %s: %v, want %v", i, fmt.Sprint(c.resp.Status), got, c.want)
		}
	}
}

func TestAnotherAddressAnswers(t *testing.T) {
	e := refusal(&sdk.Response{Status: 404, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("404 page not found")}, "the company's settings")
	if e.Cause != sdk.CauseUnavailable || !strings.Contains(e.Remedy, "base_url") {
		t.Errorf("a 404 without a code of the API: %+v", e)
	}
}
