package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/pomost/pomost/internal/harness"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

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
	s := map[string]*harness.System{"ea": w.EA, "av": w.AV}[side]
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
		return s.AddFault(f)
	case "FAULTS":
		return s.ClearFaults()
	case "STOP":
		return s.Close()
	case "START":
		return s.Start(w.t.Context())
	case "POST", "PUT":
		if side == "av" {
			return w.write(verb, place, name, body)
		}
		return w.callShop(verb, place, name, body)
	case "CHANGE", "DELETE":
		if side == "ea" {
			return w.callShop(verb, place, name, body)
		}
	}
	return fmt.Errorf("%s has no command %s", side, words[0])
}

// callShop makes a call to eAccounting.
func (w *world) callShop(verb, path, name string, body map[string]any) error {
	path = "/" + path
	switch verb {
	case "CHANGE":
		if list, number, ok := strings.Cut(path, "?Number="); ok { // what a flow made has no name here
			all, err := w.EA.All(w.t.Context(), list)
			if err != nil {
				return err
			}
			for _, r := range all {
				if r["Number"] == number {
					path = fmt.Sprintf("%s/%v", list, r["Id"])
				}
			}
		}
		have, err := w.EA.Call(w.t.Context(), http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		maps.Copy(have, w.withRows(body))
		_, err = w.EA.Call(w.t.Context(), http.MethodPut, path, have)
		return err
	case "POST":
		if err := w.complete(path, name, body); err != nil {
			return err
		}
	}
	answer, err := w.EA.Call(w.t.Context(), verb, path, body)
	if id, ok := answer["Id"].(string); ok && name != "" {
		w.vars[strings.ReplaceAll(name, "-", "_")] = id
		w.vars[strings.ReplaceAll(name, "-", "_")+"_bare"] = strings.ReplaceAll(id, "-", "") // as another system keeps it
	}
	return err
}

// complete fills in what a new record needs and the case does not care about.
func (w *world) complete(path, name string, body map[string]any) error {
	first := func(table string, want map[string]string) (string, error) {
		list, err := w.EA.All(w.t.Context(), "/"+table)
		for _, r := range list {
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
		if defaults["TermsOfPaymentId"], err = first("termsofpayments", want); err != nil {
			return err
		}
		if code, ok := body["delivery"]; ok {
			delete(body, "delivery")
			defaults["DeliveryMethodId"], err = first("deliverymethods", map[string]string{"Code": fmt.Sprint(code)})
		}
	case "articles":
		defaults = map[string]any{"Number": name, "Name": "Article " + name, "IsActive": true, "NetPrice": 10}
		rate := "21"
		if r, ok := body["rate"]; ok {
			rate = fmt.Sprint(r)
			delete(body, "rate")
		}
		kind := "Goods"
		if body["service"] == true {
			kind = "Service"
		}
		delete(body, "service")
		if defaults["CodingId"], err = first("articleaccountcodings", map[string]string{"VatRatePercent": rate, "Type": kind}); err == nil {
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
	head, lines := harness.Tables(object)
	details := rows(body[lines])
	book := "2026-06-10"
	if given, ok := body["BookDate"]; ok {
		book = fmt.Sprint(given)
	}
	delete(body, "BookDate")
	delete(body, lines)
	if verb == http.MethodPut {
		_, err := w.AV.Change(w.t.Context(), object, name, book, body)
		return err
	}
	for k, v := range defaults {
		if _, given := body[k]; !given {
			body[k] = v
		}
	}
	answer, err := w.AV.InsertWithLines(w.t.Context(), object, book, body, details...)
	if err != nil {
		return err
	}
	if made := rows(answer[head]); len(made) > 0 && name != "" && object != "AK1" { // an article's code is its name
		w.vars[strings.ReplaceAll(name, "-", "_")] = strings.TrimSpace(fmt.Sprint(made[0][key]))
	}
	return nil
}
