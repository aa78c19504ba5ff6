package harness

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

func TestMain(m *testing.M) {
	Worker()
	dir, err := os.MkdirTemp("", "pomost-run-") // for the daemons' sockets
	if err == nil {
		err = os.Setenv("XDG_RUNTIME_DIR", dir)
	}
	if err != nil {
		panic(err)
	}
	Main(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// TestAPI plays one story with every implementation of control.API: the service in this process, the service that holds its home, and a
// client of a daemon. Whoever asks gets the same.
func TestAPI(t *testing.T) {
	for _, kind := range []string{"service", "held", "daemon"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var api control.API = w.Service
			switch kind {
			case "held":
				release, err := w.Service.Hold(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := release(); err != nil {
						t.Error(err)
					}
				}()
			case "daemon":
				api = w.serve(t)
			}
			s := &story{T: t, World: w, api: api}
			for _, part := range []struct {
				name string
				do   func()
			}{{"before anything was applied", s.before}, {"mistakes in a configuration", s.mistakes}, {"a configuration", s.configuration}, {"mistakes", s.words},
				{"a plan", s.plan}, {"a run", s.run}, {"what is known of it", s.known}, {"pause and resume", s.pause}, {"watching", s.watch}, {"following", s.follow},
				{"checks", s.checks}, {"a consent", s.consent}, {"a decision", s.decision}, {"what is stopped", s.stopped}, {"what is started", s.started},
				{"the history", s.history}} {
				t.Log(part.name)
				part.do()
			}
		})
	}
}

func newWorld(t *testing.T) *World {
	t.Helper()
	w, err := New(t.Context(), Options{Dir: t.TempDir(), AV: kit.Options{Set: map[string]string{"dialect": "so1_unreadable"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// serve runs a daemon for the test's time and returns a client of it.
func (w *World) serve(t *testing.T) *control.Client {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan control.Serving, 1), make(chan error, 1)
	go func() {
		ended <- w.Service.Serve(ctx, control.ServeOptions{Ready: func(s control.Serving) { ready <- s }, Log: func(line string) { t.Log(line) }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	h, err := home.Open(w.home, home.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := h.Daemon()
	c := w.client(t)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ends with %v", err)
		}
		if _, ok := h.Daemon(); ok {
			t.Error("a daemon that ended is still written down")
		}
		if _, err := os.Stat(d.Socket); err == nil {
			t.Error("its socket is still there")
		}
	})
	return c
}

// client is a client of the daemon that serves.
func (w *World) client(t *testing.T) *control.Client {
	t.Helper()
	h, err := home.Open(w.home, home.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	d, ok := h.Daemon()
	if !ok {
		t.Fatal("the daemon has not written where it is")
	}
	c, err := control.Dial(t.Context(), d.Socket, "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type story struct {
	*testing.T
	*World
	api control.API
}

func (s *story) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// fails wants a failure with an exit code and a cause; words must be in its message or remedy.
func (s *story) fails(err error, exit int, cause string, words ...string) {
	s.Helper()
	if err == nil {
		s.Fatal("no failure")
	}
	f := control.AsFailure(err)
	if f.Exit() != exit || f.Cause != cause {
		s.Errorf("exit %d, cause %s: %v; want %d, %s", f.Exit(), f.Cause, f, exit, cause)
	}
	for _, word := range words {
		if !strings.Contains(f.Message+" → "+f.Remedy, word) {
			s.Errorf("%s → %s: want %q in it", f.Message, f.Remedy, word)
		}
	}
}

func (s *story) status() control.StatusResult {
	s.Helper()
	st, err := s.api.Status(s.Context())
	s.ok(err)
	return st
}

func (s *story) before() {
	st := s.status()
	if st.Revision != 0 || len(st.Flows) != 0 || st.Home != s.home {
		s.Errorf("%+v", st)
	}
	_, err := s.api.Export(s.Context())
	if err == nil {
		s.Error("nothing can be exported")
	}
	res := s.api.Run(s.Context(), []string{Flow}, nil)
	if res.Exit() != control.ExitUsage || res.Flows == nil {
		s.Errorf("%+v", res)
	}
	c, err := s.api.Catalog(s.Context())
	s.ok(err)
	if len(c.Recipes) == 0 || c.Recipes[0].Source == "" {
		s.Errorf("%+v", c)
	}
}

func (s *story) mistakes() {
	_, err := s.api.ApplyConfig(s.Context(), control.ConfigRequest{File: "x.yaml", Config: "version: 1\nconnections:\n  shop: {connector: eaccounting, settings: {nonsense: 1}}\nflws: {}\n"})
	var all flow.UsageErrors
	if !errors.As(err, &all) || len(all) == 0 || all[0].File != "x.yaml" || all[0].Line == 0 {
		s.Errorf("%v: %v", err, all)
	}
	s.fails(err, control.ExitUsage, "usage")
	_, err = s.api.ApplyConfig(s.Context(), control.ConfigRequest{File: "x.yaml", Config: "version: 1\nconnections:\n  shop: {connector: eaccounting, secrets: {client_id: env:A}}\n"})
	s.fails(err, control.ExitUsage, "usage", "its value was not given")
}

func (s *story) config(settings map[string]any) control.ConfigRequest {
	s.Helper()
	file, err := s.Configure(settings)
	s.ok(err)
	req, err := control.ReadConfig(control.ApplyRequest{File: file}, s.secret)
	s.ok(err)
	return req
}

func (s *story) configuration() {
	req := s.config(map[string]any{"collective_account": "1210"})
	req.Check = true
	res, err := s.api.ApplyConfig(s.Context(), req)
	s.ok(err)
	if res.Applied || res.Revision != 0 || len(res.Changes) == 0 {
		s.Errorf("%+v", res)
	}
	req.Check = false
	res, err = s.api.ApplyConfig(s.Context(), req)
	s.ok(err)
	if !res.Applied || res.Revision != 1 || !slices.Equal(res.Flows, []string{Flow}) {
		s.Errorf("%+v", res)
	}
	req.Revision = 7
	_, err = s.api.ApplyConfig(s.Context(), req)
	s.fails(err, control.ExitFailed, "conflict", "revision 1 is in force")
	// What is exported can be applied, and changes nothing; it holds no secret.
	out, err := s.api.Export(s.Context())
	s.ok(err)
	for _, secret := range []string{s.EA.Info.ClientSecret, s.EA.Info.RefreshToken, "env:"} {
		if strings.Contains(out.Config, secret) {
			s.Errorf("the export holds %s", secret)
		}
	}
	again, err := s.api.ApplyConfig(s.Context(), control.ConfigRequest{File: "export.yaml", Config: out.Config, Prune: true, Revision: out.Revision})
	s.ok(err)
	if again.Revision != 1 || len(again.Changes) != 0 {
		s.Errorf("%+v", again)
	}
	st := s.status()
	if len(st.Flows) != 1 || st.Flows[0].State != control.FlowNew || st.Flows[0].Kind != "orders" || st.Flows[0].Title == "" || len(st.Connections) != 2 {
		s.Errorf("%+v", st)
	}
}

func (s *story) words() {
	if res := s.api.RunPlan(s.Context(), "", nil); res.Error == nil || res.Exit() != control.ExitUsage {
		s.Errorf("a plan without an ID: %+v", res)
	}
	ctx := s.Context()
	_, err := s.api.Records(ctx, control.RecordsRequest{Cause: "product_mising"})
	s.fails(err, control.ExitUsage, "usage", "did you mean product_missing?")
	_, err = s.api.Records(ctx, control.RecordsRequest{Flow: "order"})
	s.fails(err, control.ExitUsage, "usage", "did you mean orders?")
	_, err = s.api.Records(ctx, control.RecordsRequest{Status: "hold"})
	s.fails(err, control.ExitUsage, "usage", "did you mean held?")
	s.fails(s.api.Logs(ctx, control.LogsRequest{Flow: "order"}, nil), control.ExitUsage, "usage", "orders")
	s.fails(s.api.Logs(ctx, control.LogsRequest{Cause: "refusd"}, nil), control.ExitUsage, "usage", "did you mean refused?")
	s.fails(s.api.Pause(ctx, "order"), control.ExitUsage, "usage", "did you mean orders?")
	s.fails(s.api.Stop(ctx, "order"), control.ExitUsage, "usage", "did you mean orders?")
	s.fails(s.api.RunPlan(ctx, "nonsense", nil).Error, control.ExitUsage, "usage", "there is no plan nonsense")
	s.fails(s.api.Retry(ctx, control.RetryRequest{Cause: "refusd"}, nil).Error, control.ExitUsage, "usage", "did you mean refused?")
	s.fails(s.api.Retry(ctx, control.RetryRequest{Keys: []string{"4711"}}, nil).Error, control.ExitUsage, "usage", "no record 4711")
	s.fails(s.api.Run(ctx, []string{"order"}, nil).Error, control.ExitUsage, "usage", "did you mean orders?")
	_, err = s.api.Decide(ctx, control.DecideRequest{Flow: Flow, Key: "1", Decision: "sen", Result: "2"})
	s.fails(err, control.ExitUsage, "usage", "did you mean sent?")
	_, err = s.api.Check(ctx, []string{"shp"})
	s.fails(err, control.ExitUsage, "usage", "did you mean shop?")
	_, err = s.api.Authorize(ctx, control.AuthorizeRequest{Connection: "boks"})
	s.fails(err, control.ExitUsage, "usage", "did you mean books?")
}

// order makes an order in the shop and its article in both systems.
func (s *story) order(article string, known bool) string {
	s.Helper()
	ctx := s.Context()
	post := func(path string, body Object) Object {
		s.Helper()
		out, err := s.EA.Call(ctx, http.MethodPost, path, body)
		s.ok(err)
		return out
	}
	coding, err := s.EA.All(ctx, "/articleaccountcodings")
	s.ok(err)
	units, err := s.EA.All(ctx, "/units")
	s.ok(err)
	terms, err := s.EA.All(ctx, "/termsofpayments")
	s.ok(err)
	a := post("/articles", Object{"Number": article, "Name": "Mug", "IsActive": true, "CodingId": coding[0]["Id"], "UnitId": units[0]["Id"], "NetPrice": 10})
	c := post("/customers", Object{"Name": "Jan", "EmailAddress": article + "@example.nl", "IsPrivatePerson": true, "InvoiceCity": "Delft", "InvoicePostalCode": "2611 AA", "TermsOfPaymentId": terms[0]["Id"]})
	today := time.Now().Format(time.DateOnly)
	o := post("/orders", Object{"CustomerId": c["Id"], "OrderDate": today, "CurrencyCode": "EUR", "RotReducedInvoicingType": 0, "VatAmount": 0, "Amount": 10, "Status": 2,
		"InvoiceCity": "Delft", "InvoicePostalCode": "2611 AA", "Rows": []any{Object{"LineNumber": 1, "ArticleId": a["Id"], "ArticleNumber": article, "Text": "Mug", "Quantity": 1, "UnitPrice": 10, "IsTextRow": false}}})
	if known {
		_, err = s.AV.Insert(ctx, "AK1", "", Object{"ART_CODE": article, "ART_DESC1": "Mug"})
		s.ok(err)
	}
	id, _ := o["Id"].(string)
	return id
}

func (s *story) plan() {
	s.order("A1", true)
	s.order("A2", false)
	res, err := s.api.Plan(s.Context(), Flow, nil)
	s.ok(err)
	actions := map[string]int{}
	for _, a := range res.Actions {
		actions[a.Action]++
	}
	if diff := cmp.Diff(map[string]int{"create": 2, "hold": 1}, actions); diff != "" || res.ID == "" {
		s.Errorf("%+v %s", res, diff)
	}
}

func (s *story) run() {
	var events []control.Event
	res := s.api.Run(s.Context(), []string{Flow}, func(e control.Event) { events = append(events, e) })
	if res.Error != nil || len(res.Flows) != 1 || res.Flows[0].Created != 1 || res.Flows[0].Held != 1 || res.Exit() != control.ExitRecords {
		s.Fatalf("%+v", res)
	}
	if len(events) == 0 {
		s.Error("no progress was told")
	}
	f := s.status().Flows[0]
	if f.State != control.FlowHeld || f.Held != 1 || f.LastRun == nil || f.LastRun.Counts.Created != 1 || f.LastSuccess.IsZero() || f.Causes["product_missing"] != 1 || f.Running != nil {
		s.Errorf("%+v", f)
	}
}

func (s *story) known() {
	ctx := s.Context()
	recs, err := s.api.Records(ctx, control.RecordsRequest{Cause: "product_missing"})
	s.ok(err)
	if len(recs.Records) != 1 || recs.Records[0].Cause != "product_missing" || recs.Records[0].Remedy == "" {
		s.Fatalf("%+v", recs)
	}
	var lines []control.LogEntry
	s.ok(s.api.Logs(ctx, control.LogsRequest{Flow: Flow}, func(e control.LogEntry) error { lines = append(lines, e); return nil }))
	if len(lines) < 3 || lines[0].ID == 0 {
		s.Fatalf("%+v", lines)
	}
	var last []control.LogEntry
	s.ok(s.api.Logs(ctx, control.LogsRequest{Last: 1}, func(e control.LogEntry) error { last = append(last, e); return nil }))
	if len(last) != 1 || last[0].ID != lines[len(lines)-1].ID {
		s.Errorf("%+v", last)
	}
	enough := errors.New("enough")
	if err := s.api.Logs(ctx, control.LogsRequest{}, func(control.LogEntry) error { return enough }); !errors.Is(err, enough) {
		s.Errorf("the reader's error comes back as %v", err)
	}
	why, err := s.api.Why(ctx, Flow, recs.Records[0].Key)
	s.ok(err)
	if why.Cause != "product_missing" || why.Key != recs.Records[0].Key {
		s.Errorf("%+v", why)
	}
}

func (s *story) pause() {
	s.ok(s.api.Pause(s.Context(), Flow))
	if f := s.status().Flows[0]; !f.Paused {
		s.Errorf("%+v", f)
	}
	if res := s.api.Run(s.Context(), []string{Flow}, nil); res.Error != nil {
		s.Errorf("a paused flow does not run by hand: %v", res.Error)
	}
	s.ok(s.api.Resume(s.Context(), Flow))
	if f := s.status().Flows[0]; f.Paused {
		s.Errorf("%+v", f)
	}
}

func (s *story) watch() {
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	seen := 0
	enough := errors.New("enough")
	err := s.api.Watch(ctx, func(st control.StatusResult) error {
		switch seen++; seen {
		case 1:
			return s.api.Pause(ctx, Flow)
		case 2:
			if !st.Flows[0].Paused {
				s.Error("a change that is none was told")
			}
			return s.api.Resume(ctx, Flow)
		}
		return enough
	})
	if !errors.Is(err, enough) {
		s.Errorf("seen %d: %v", seen, err)
	}
}

func (s *story) follow() {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	after := int64(0)
	s.ok(s.api.Logs(ctx, control.LogsRequest{Last: 1}, func(e control.LogEntry) error { after = e.ID; return nil }))
	done := make(chan error, 1)
	var got control.LogEntry
	go func() {
		done <- s.api.Logs(ctx, control.LogsRequest{After: after, Follow: true}, func(e control.LogEntry) error {
			got = e
			cancel()
			return nil
		})
	}()
	if res := s.api.Run(s.Context(), []string{Flow}, nil); res.Error != nil {
		s.Error(res.Error)
	}
	if err := <-done; err != nil || got.ID <= after {
		s.Errorf("%v: %+v", err, got)
	}
}

func (s *story) checks() {
	res, err := s.api.Check(s.Context(), nil)
	s.ok(err)
	if len(res.Connections) != 2 || res.Connections[0].Name != "books" || len(res.Connections[0].Checks) < 5 || !res.Connections[1].OK {
		s.Errorf("%+v", res)
	}
	one, err := s.api.Check(s.Context(), []string{"shop"})
	s.ok(err)
	if len(one.Connections) != 1 || one.Exit() != control.ExitDone {
		s.Errorf("%+v", one)
	}
	d, err := s.api.Doctor(s.Context())
	s.ok(err)
	names := map[string]bool{}
	for _, g := range d.Sections {
		names[g.Name] = true
	}
	for _, want := range []string{"machine", "daemon", "state", "plugins", "connection shop", "connection books", "flows"} {
		if !names[want] {
			s.Errorf("doctor does not look at %s", want)
		}
	}
	s.ok(s.EA.Close())
	down, err := s.api.Check(s.Context(), []string{"shop"})
	s.ok(err)
	if down.Exit() != control.ExitUnreachable || down.Connections[0].OK || down.Connections[0].Checks[len(down.Connections[0].Checks)-1].Remedy == "" {
		s.Errorf("%+v", down)
	}
	s.ok(s.EA.Start(s.Context()))
}

// page opens the system's consent page, as a browser does, and returns where it leads back to.
func (s *story) page(address string) string {
	s.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, address, nil)
	s.ok(err)
	resp, err := client.Do(req)
	s.ok(err)
	defer resp.Body.Close()
	to, err := resp.Location()
	s.ok(err)
	return to.String()
}

func (s *story) consent() {
	ctx := s.Context()
	for _, name := range []string{"shop", "books"} {
		begun, err := s.api.Authorize(ctx, control.AuthorizeRequest{Connection: name, RedirectURL: "http://127.0.0.1:1/callback"})
		s.ok(err)
		answer := func(text string) error {
			_, err := s.api.Consent(ctx, control.ConsentRequest{Connection: name, State: begun.State, Answer: text})
			return err
		}
		back := s.page(begun.URL)
		s.fails(answer("http://127.0.0.1:1/callback?state=another&code=1"), control.ExitUnreachable, "credentials", "another consent")
		s.fails(answer("http://127.0.0.1:1/callback?state="+begun.State+"&error=access_denied"), control.ExitUnreachable, "credentials", "denied")
		s.fails(answer("http://127.0.0.1:1/callback"), control.ExitUnreachable, "credentials", "no code")
		s.fails(answer("nonsense"), control.ExitUnreachable, "credentials", "expired")
		s.ok(answer(back))
		s.fails(answer(back), control.ExitUnreachable, "credentials", "no consent of it was begun")
		res, err := s.api.Check(ctx, []string{name})
		s.ok(err)
		if !res.Connections[0].OK {
			s.Errorf("%+v", res)
		}
		if c := res.Connections[0].Checks; c[len(c)-1].Name != "consent" || !c[len(c)-1].OK || c[len(c)-1].Message == "" {
			s.Errorf("%s: the check does not tell how long the consent goes on: %+v", name, c)
		}
	}
	for _, c := range s.status().Connections {
		if c.State != "ok" || c.ConsentSince == nil || (c.ConsentUntil != nil) != (c.Name == "shop") {
			s.Errorf("%+v", c)
		}
		if c.Name == "shop" && (c.ConsentUntil.Sub(*c.ConsentSince) < 300*24*time.Hour || !strings.Contains(c.Message, "until about")) {
			s.Errorf("%+v", c)
		}
	}
}

// decision: an order whose outcome nobody knows, which a person looked for.
func (s *story) decision() {
	ctx := s.Context()
	id := s.order("A3", true)
	s.ok(s.AV.AddFault(kit.Fault{Match: "POST /api/v3/accountviewdata", Object: "SO1", Times: 1, Do: "drop"}))
	if res := s.api.Run(ctx, []string{Flow}, nil); res.Error != nil || res.Flows[0].Held == 0 {
		s.Fatalf("%+v", res)
	}
	recs, err := s.api.Records(ctx, control.RecordsRequest{Cause: "unknown_outcome"})
	s.ok(err)
	if len(recs.Records) != 1 || recs.Records[0].Key != id {
		s.Fatalf("%+v", recs)
	}
	_, err = s.api.Decide(ctx, control.DecideRequest{Flow: Flow, Key: id, Decision: control.DecideSkip})
	s.fails(err, control.ExitFailed, "unknown_outcome")
	res, err := s.api.Decide(ctx, control.DecideRequest{Flow: Flow, Key: recs.Records[0].Label, Decision: control.DecideAbsent, Note: "looked in the books"})
	s.ok(err)
	if res.Key != id || res.Message == "" {
		s.Errorf("%+v", res)
	}
	at := len(s.AV.Log())
	if res := s.api.Retry(ctx, control.RetryRequest{Keys: []string{id}}, nil); res.Error != nil || res.Flows[0].Created != 1 {
		s.Fatalf("%+v", res)
	}
	if res := s.api.Run(ctx, []string{Flow}, nil); res.Error != nil {
		s.Fatal(res.Error)
	}
	if n := s.AV.Writes(at)["POST SO1"]; n != 1 {
		s.Errorf("it was sent %d times", n)
	}
	var words []string
	s.ok(s.api.Logs(ctx, control.LogsRequest{Record: id, Outcome: "decided"}, func(e control.LogEntry) error { words = append(words, e.Action+" "+e.Message); return nil }))
	if len(words) != 1 || !strings.HasPrefix(words[0], "absent decided by ") || !strings.HasSuffix(words[0], ": looked in the books") {
		s.Errorf("%q", words)
	}
}

// stopped: a run that its caller gives up is over soon, and says so.
func (s *story) stopped() {
	s.ok(s.EA.AddFault(kit.Fault{Match: "GET /v2/orders", Times: 1, Do: "delay:20s"}))
	ctx, cancel := context.WithCancel(s.Context())
	began := time.Now()
	time.AfterFunc(500*time.Millisecond, cancel)
	res := s.api.Run(ctx, []string{Flow}, nil)
	if res.Error == nil || res.Error.Cause != "stopped" || len(res.Flows) != 1 || res.Flows[0].Status != "stopped" || time.Since(began) > 10*time.Second {
		s.Errorf("after %s: %+v", time.Since(began), res)
	}
	s.ok(s.EA.ClearFaults())
	s.ok(s.api.Stop(s.Context(), Flow))
	if res := s.api.Run(s.Context(), []string{Flow}, nil); res.Error != nil {
		s.Error(res.Error)
	}
}
