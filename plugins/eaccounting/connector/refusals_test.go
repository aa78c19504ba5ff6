package connector

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pomost/pomost/sdk/conformance"
	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
	"github.com/pomost/pomost/sdk/sandbox"
)

// stub is a connection to a server that answers as the test says; the token is always the same.
func stub(t *testing.T, answer http.HandlerFunc) *connection {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connect/token" {
			fmt.Fprint(w, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	host := conformance.NewHost(t, sandbox.Info{BaseURL: s.URL + "/v2", TokenURL: s.URL + "/connect/token"})
	c, problems := New().Open(t.Context(), sdk.Settings{"base_url": s.URL + "/v2"}, host)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() { _ = c.Close() })
	conn, ok := c.(*connection)
	if !ok {
		t.Fatalf("%T", c)
	}
	return conn
}

func refuse(w http.ResponseWriter, status, code int, text string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ErrorCode": code, "DeveloperErrorMessage": text, "ErrorId": "1c296026-489d-434c-b7e9-70401278a086",
		"Errors": []any{map[string]any{"Field": "Name", "ErrorCode": "X", "Message": text, "Key": nil}}})
}

// TestEveryCodeIsARefusal sends a create against each documented code (facts section 4): the outcome says what was done, why, which field, what
// to do and whether to try again. The HTTP status is not what counts: a code means the same with 400 and 409.
func TestEveryCodeIsARefusal(t *testing.T) {
	t.Parallel()
	type want struct {
		status int
		cause  sdk.Cause
		retry  bool
	}
	invalid, rights, locked := want{400, sdk.CauseInvalidValue, false}, want{403, sdk.CauseRights, false}, want{400, sdk.CausePeriodLocked, false}
	plain := want{400, sdk.CauseRefused, false}
	blocked := want{400, sdk.CauseBlocked, false}
	wants := map[int]want{
		2000: invalid, 3000: {404, sdk.CauseRefused, false}, 3001: {400, sdk.CauseNoAdministration, false}, 3002: {400, sdk.CauseAccountMissing, false},
		3003: rights, 4000: {409, sdk.CauseConflict, false}, 4001: plain, 4002: plain, 4003: rights, 4004: rights, 4005: {401, sdk.CauseCredentials, false},
		4006: rights, 4007: rights, 4008: invalid, 4009: rights, 4011: rights, 4012: rights, 4013: locked, 4014: invalid, 4015: invalid, 4016: invalid, 4017: invalid,
		4018: plain, 4019: rights, 4020: invalid, 4021: invalid, 4022: invalid, 4023: invalid, 4024: {400, sdk.CauseAccountMissing, false}, 4025: invalid, 4026: locked,
		4027: invalid, 4028: plain, 4029: invalid, 4030: invalid, 4031: invalid, 4032: invalid, 4033: plain, 4034: {403, sdk.CauseCredentials, false}, 4035: invalid,
		4037: locked, 4038: locked, 4039: {400, sdk.CauseCurrency, false}, 4100: {400, sdk.CauseRefused, true},
		5000: {400, sdk.CauseUnavailable, true}, 5001: {400, sdk.CauseUnavailable, true}, 5002: {400, sdk.CauseUnavailable, true},
		5003: plain, 5004: plain, 5005: blocked, 5006: blocked, 5007: plain, 6000: plain, 6001: invalid,
	}
	wants[4010] = want{429, sdk.CauseRateLimited, true}
	for _, code := range documented {
		w, ok := wants[code]
		if !ok {
			t.Errorf("code %d is not tested", code)
			continue
		}
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			c := stub(t, func(rw http.ResponseWriter, _ *http.Request) {
				refuse(rw, w.status, code, "SomeException - Try again in 300 seconds.")
			})
			o, err := objectByName("customers")
			if err != nil {
				t.Fatal(err)
			}
			r := build(o.schema, "Name", text("Jansen"), "InvoiceCity", text("Delft"), "InvoicePostalCode", text("2611 AB"),
				"TermsOfPaymentId", text("1c296026-489d-434c-b7e9-70401278a086"), "IsPrivatePerson", record.Bool(false))
			var got sdk.WriteResult
			err = c.Write(t.Context(), sdk.WriteRequest{Object: "customers", Action: sdk.Create, Records: []record.Record{r}},
				func(res sdk.WriteResult) error { got = res; return nil })
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != sdk.OutcomeRefused || got.Err == nil {
				t.Fatalf("%+v, want refused", got)
			}
			e := got.Err
			if e.Cause != w.cause || e.Retryable != w.retry || e.Remedy == "" || !strings.Contains(e.Message, "Jansen") && code != 4010 {
				t.Errorf("%+v, want %s, retryable %v, the record and a remedy", *e, w.cause, w.retry)
			}
			if code != 4010 && (e.Field != "Name" || e.Code != fmt.Sprint(code)) {
				t.Errorf("field %q, code %q", e.Field, e.Code)
			}
			if code == 4010 && e.After != 300*time.Second {
				t.Errorf("after %v, the message says 300 seconds", e.After)
			}
			err = c.Read(t.Context(), sdk.ReadRequest{Object: "customers"}, func(sdk.Batch) error { return nil })
			if e := sdk.AsError(err); e == nil || e.Cause != w.cause && code != 6001 && code != 6000 {
				t.Errorf("a read ends with %v, want %s", err, w.cause)
			}
		})
	}
}

// One caller is told to wait, and all wait: at that endpoint, and at no other.
func TestAllWaitTogether(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var limitedAt time.Time
	early := 0
	first := make(chan struct{})
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if limitedAt.IsZero() && r.URL.Path == "/v2/units" {
			limitedAt = time.Now()
			refuse(w, 429, 4010, "API calls quota exceeded! maximum admitted 600 per Minute. Try again in 1 seconds.")
			close(first)
			return
		}
		if r.URL.Path == "/v2/units" && time.Since(limitedAt) < 900*time.Millisecond {
			early++
		}
		fmt.Fprint(w, `{"Meta":{"CurrentPage":1,"PageSize":50,"TotalNumberOfPages":0,"TotalNumberOfResults":0,"ServerTimeUtc":"2026-11-23T10:00:00Z"},"Data":[]}`)
	})
	var wg sync.WaitGroup
	list := func(name string) {
		if _, err := c.List(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	wg.Go(func() { list("units") })
	<-first
	host, ok := c.host.(*conformance.Host)
	if !ok {
		t.Fatalf("%T", c.host)
	}
	for deadline := time.Now().Add(5 * time.Second); len(host.Reports()) == 0; runtime.Gosched() { // until the first one says that it waits
		if time.Now().After(deadline) {
			t.Fatal("nobody waits")
		}
	}
	start := time.Now()
	list("currencies") // another endpoint
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("another endpoint waited for %v", d)
	}
	for range 8 {
		wg.Go(func() { list("units") })
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if early > 0 {
		t.Errorf("%d requests did not wait", early)
	}
}

// What an update did beside what it was for is compared, and said.
func TestUpdateIsComparedAfterwards(t *testing.T) {
	t.Parallel()
	const id = "1c296026-489d-434c-b7e9-70401278a086"
	body := func(name, note string) string {
		return fmt.Sprintf(`{"Id":%q,"CustomerNumber":"1","Name":%q,"Note":%q,"IsActive":true,"ChangedUtc":"2026-11-23T10:00:00Z"}`, id, name, note)
	}
	for _, stays := range []bool{true, false} {
		c := stub(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodGet:
				fmt.Fprint(w, body("Jansen", "mine"))
			case stays:
				fmt.Fprint(w, body("Janssen", "mine"))
			default:
				fmt.Fprint(w, body("Janssen", "theirs"))
			}
		})
		o, err := objectByName("customers")
		if err != nil {
			t.Fatal(err)
		}
		err = c.Write(t.Context(), sdk.WriteRequest{Object: "customers", Action: sdk.Update, Records: []record.Record{build(o.schema, "Id", text(id), "Name", text("Janssen"))}},
			func(res sdk.WriteResult) error {
				if res.Outcome != sdk.OutcomeUpdated {
					t.Errorf("%+v", res)
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		host, ok := c.host.(*conformance.Host)
		if !ok {
			t.Fatalf("%T", c.host)
		}
		said := ""
		for _, p := range host.Reports() {
			said += p.What
		}
		if strings.Contains(said, "in Note") == stays || strings.Contains(said, "theirs") {
			t.Errorf("the note stays: %v; said: %q", stays, said)
		}
	}
}
