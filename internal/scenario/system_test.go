package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// system is one running sandbox, filled and looked at through its own API.
type system struct {
	*kit.Running
	w      *world
	sys    kit.System
	opts   kit.Options
	faults []kit.Fault
	client *http.Client
	token  string
	header map[string]string
	before []kit.Call // calls before the last start
}

func newSystem(w *world, sys kit.System, data string, set map[string]string) *system {
	s := &system{w: w, sys: sys, opts: kit.Options{Set: set, Data: data, StateFile: filepath.Join(w.dir, sys.Name+".state"), Now: w.today}, header: map[string]string{},
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if err := s.start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	if s.Info.Company != "" {
		s.header["x-company"] = s.Info.Company
	}
	if err := s.consent(); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (s *system) start() error {
	r, err := kit.Start(s.w.t.Context(), s.sys, s.opts)
	if err != nil {
		return err
	}
	if s.Running == nil {
		s.opts.Listen = strings.TrimPrefix(origin(r.Info.BaseURL), "http://")
	}
	s.Running = r
	return nil
}

func (s *system) stop() error {
	s.before = s.Log()
	return s.Close()
}

// Log returns the calls of all starts.
func (s *system) Log() []kit.Call { return append(slices.Clone(s.before), s.Running.Log()...) }

func origin(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Scheme + "://" + u.Host
}

func (s *system) origin() string { return origin(s.Info.BaseURL) }

func (s *system) set(key, otherwise string) string {
	if v := s.opts.Set[key]; v != "" {
		return v
	}
	return otherwise
}

// consent gets a token of our own, so that the connection's chain of refresh tokens is left alone.
func (s *system) consent() error {
	back := "http://127.0.0.1:1/callback"
	resp, err := s.client.Get(s.Info.AuthorizeURL + "?" + url.Values{"response_type": {"code"}, "client_id": {s.Info.ClientID}, "redirect_uri": {back}, "state": {"x"}}.Encode())
	if err != nil {
		return err
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return err
	}
	resp, err = s.client.PostForm(s.Info.TokenURL, url.Values{"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {back},
		"client_id": {s.Info.ClientID}, "client_secret": {s.Info.ClientSecret}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return fmt.Errorf("%s gave no token: %s %w", s.sys.Name, resp.Status, err)
	}
	s.token = answer.AccessToken
	return nil
}

// call makes a call of our own and returns its answer, an object or {"Data": a list}.
func (s *system) call(method, path string, body any) (map[string]any, error) {
	var content io.Reader
	if body != nil {
		content = strings.NewReader(mustJSON(body))
	}
	req, err := http.NewRequest(method, s.Info.BaseURL+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range s.header {
		req.Header.Set(k, v)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 && s.sys.Name == "eaccounting" {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, data)
	}
	out := map[string]any{}
	if len(bytes.TrimSpace(data)) == 0 {
		return out, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return out, dec.Decode(&out)
}

var variable = regexp.MustCompile(`\$[A-Za-z][A-Za-z0-9_]*`)

// expand puts values in the place of $names; quoted does it for YAML.
func (w *world) expand(text string) string { return w.replace(text, "%s") }
func (w *world) quoted(text string) string { return w.replace(text, "%q") }

func (w *world) replace(text, form string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		v, ok := w.vars[name[1:]]
		if !ok {
			return name
		}
		if strings.Contains(text, `"`+name+`"`) {
			return v
		}
		return fmt.Sprintf(form, v)
	})
}

// seed is a command to one system: VERB PLACE [NAME] [{YAML}].
func (w *world) seed(side, rest string) error {
	s := map[string]*system{"ea": w.ea, "av": w.av}[side]
	head, content, has := strings.Cut(rest, "{")
	words := strings.Fields(w.expand(head))
	body := map[string]any{}
	if has {
		if err := yaml.Unmarshal([]byte(w.quoted("{"+content)), &body); err != nil {
			return err
		}
	}
	words = append(words, "", "", "")
	switch verb, place, name := words[0], words[1], words[2]; verb {
	case "FAULT":
		var f kit.Fault
		if err := json.Unmarshal([]byte(mustJSON(body)), &f); err != nil {
			return err
		}
		s.faults = append(s.faults, f)
		return s.SetFaults(s.faults)
	case "FAULTS":
		s.faults = nil
		return s.SetFaults(nil)
	case "STOP":
		return s.stop()
	case "START":
		return s.start()
	case "POST", "PUT", "CHANGE", "DELETE":
		if side == "av" {
			return w.write(verb, place, name, body)
		}
		return w.callShop(verb, place, name, body)
	default:
		return fmt.Errorf("%s is no verb here", verb)
	}
}

// callShop makes a call to eAccounting.
func (w *world) callShop(verb, path, name string, body map[string]any) error {
	path = "/" + path
	switch verb {
	case "CHANGE":
		have, err := w.ea.call("GET", path, nil)
		if err != nil {
			return err
		}
		maps.Copy(have, w.withRows(body))
		_, err = w.ea.call("PUT", path, have)
		return err
	case "POST":
		if err := w.complete(path, name, body); err != nil {
			return err
		}
	}
	answer, err := w.ea.call(verb, path, body)
	if id, ok := answer["Id"].(string); ok && name != "" {
		w.vars[strings.ReplaceAll(name, "-", "_")] = id
	}
	return err
}

// complete fills in what a new record needs and the case does not care about.
func (w *world) complete(path, name string, body map[string]any) error {
	first := func(table string, want map[string]string) (string, error) {
		list, err := w.ea.call("GET", "/"+table+"?$pagesize=1000", nil)
		for _, r := range rows(list["Data"]) {
			fits := true
			for k, v := range want {
				fits = fits && fmt.Sprint(r[k]) == v
			}
			if fits {
				return fmt.Sprint(r["Id"]), nil
			}
		}
		return "", fmt.Errorf("no %s with %v: %w", table, want, err)
	}
	var err error
	defaults := map[string]any{}
	switch path[strings.LastIndex(path, "/")+1:] {
	case "customers":
		defaults = map[string]any{"Name": name, "InvoiceAddress1": "Kade 1", "InvoicePostalCode": "3511 AB", "InvoiceCity": "Utrecht", "InvoiceCountryCode": "NL",
			"IsPrivatePerson": true, "IsActive": true}
		want := map[string]string{"NumberOfDays": "30"}
		if kind, ok := body["terms"]; ok {
			want = map[string]string{"TermsOfPaymentTypeId": fmt.Sprint(kind)}
			delete(body, "terms")
		}
		defaults["TermsOfPaymentId"], err = first("termsofpayments", want)
	case "articles":
		defaults = map[string]any{"Number": name, "Name": "Article " + name, "IsActive": true, "NetPrice": 10}
		rate := "21"
		if r, ok := body["rate"]; ok {
			rate = fmt.Sprint(r)
			delete(body, "rate")
		}
		if defaults["CodingId"], err = first("articleaccountcodings", map[string]string{"VatRatePercent": rate, "Type": "Goods"}); err == nil {
			defaults["UnitId"], err = first("units", nil)
		}
	case "orders":
		defaults = map[string]any{"CurrencyCode": "EUR", "OrderDate": "2026-06-10", "Status": 2, "EuThirdParty": false,
			"ReverseChargeOnConstructionServices": false, "RotReducedInvoicingType": 0}
		w.withRows(body)
	case "payments":
		defaults = map[string]any{"PaymentDate": "2026-06-14", "PaymentCurrency": "EUR", "PaymentType": 1}
		defaults["CompanyBankAccountId"], err = first("bankaccounts", nil)
	}
	for k, v := range defaults {
		if _, given := body[k]; !given {
			body[k] = v
		}
	}
	return err
}

var shortRow = regexp.MustCompile(`^(-?[\d.]+) (\S+)(?: (-?[\d.]+))?(?: -([\d.]+)(%?))?$`)

// withRows turns an order's short rows into whole ones.
func (w *world) withRows(body map[string]any) map[string]any {
	list, _ := body["Rows"].([]any)
	for i, v := range list {
		row := map[string]any{"LineNumber": i + 1, "IsTextRow": false, "IsWorkCost": false, "EligibleForReverseChargeOnVat": false}
		switch v := v.(type) {
		case map[string]any:
			maps.Copy(row, v)
		case string:
			if text, ok := strings.CutPrefix(v, "# "); ok {
				row["IsTextRow"], row["Text"] = true, text
				break
			}
			m := shortRow.FindStringSubmatch(v)
			if m == nil {
				w.t.Fatalf("row %q is not understood", v)
			}
			row["Quantity"], row["ArticleId"] = json.Number(m[1]), w.vars[strings.ReplaceAll(m[2], "-", "_")]
			if m[3] != "" {
				row["UnitPrice"] = json.Number(m[3])
			}
			if pct, err := strconv.ParseFloat(m[4], 64); m[5] == "%" && err == nil {
				row["DiscountPercentage"] = json.Number(strconv.FormatFloat(pct/100, 'f', 4, 64))
			} else if m[4] != "" {
				row["IsDiscountInFixedAmount"], row["DiscountFixedAmount"] = true, json.Number(m[4])
			}
		}
		list[i] = row
	}
	return body
}

// tables are the header and the lines of an object of AccountView.
func tables(object string) (head, lines string) {
	switch object {
	case "AR1":
		return "CONTACT", ""
	case "ADDR":
		return "DEL_ADDR", ""
	case "AK1":
		return "ARTICLE", ""
	case "SO1":
		return "SO_HDR", "SO_LINE"
	}
	return object, ""
}

// write inserts into or changes AccountView.
func (w *world) write(verb, object, name string, body map[string]any) error {
	key := ""
	defaults := map[string]any{}
	switch object {
	case "AR1":
		key, defaults = "SUB_NR", map[string]any{"ACCT_NR": "1210", "SRC_CODE": "-", "ACCT_NAME": name}
	case "AK1":
		key, defaults = "ART_CODE", map[string]any{"ART_CODE": name, "ART_DESC1": "Article " + name}
	case "ADDR":
		key = "REC_ID"
	case "SO1":
		key, defaults = "ORD_NR", map[string]any{"ORD_DATE": "2026-06-10T00:00:00"}
	}
	head, lines := tables(object)
	book, details := body["BookDate"], body[lines]
	delete(body, "BookDate")
	delete(body, lines)
	if verb == "POST" {
		for k, v := range defaults {
			if _, given := body[k]; !given {
				body[k] = v
			}
		}
	}
	body["RowId"] = "1"
	table, data := map[string]any{}, map[string]any{}
	table["Definition"], data["Data"] = section(head, []map[string]any{body})
	if list := rows(details); len(list) > 0 {
		for i := range list {
			list[i]["RowId"], list[i]["HeaderId"] = strconv.Itoa(i+1), "1"
		}
		def, content := section(lines, list)
		table["DetailDefinitions"], data["DetailData"] = []any{def}, []any{content}
	}
	if book == nil {
		book = "2026-06-10"
	}
	envelope := map[string]any{"BookDate": book, "BusinessObject": object, "Table": table, "TableData": data}
	if verb == "PUT" {
		envelope["id"] = name
	}
	answer, err := w.av.call(verb, "/accountviewdata", envelope)
	if err != nil {
		return err
	}
	if msg, bad := answer["ErrorMessage"]; bad {
		return fmt.Errorf("AccountView: %v", msg)
	}
	if made := rows(answer[head]); len(made) > 0 && verb == "POST" && name != "" && object != "AK1" { // an article's code is its name
		w.vars[strings.ReplaceAll(name, "-", "_")] = strings.TrimSpace(fmt.Sprint(made[0][key]))
	}
	return nil
}

// section is the definition and the data of one table in an envelope; the rows share the fields of the first.
func section(table string, list []map[string]any) (def, data map[string]any) {
	names := slices.Sorted(maps.Keys(list[0]))
	var fields, out []any
	for _, n := range names {
		fields = append(fields, map[string]any{"Name": n})
	}
	for _, r := range list {
		var values []any
		for _, n := range names {
			values = append(values, r[n])
		}
		out = append(out, map[string]any{"Values": values})
	}
	return map[string]any{"Name": table, "Fields": fields}, map[string]any{"Rows": out}
}
