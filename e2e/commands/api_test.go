package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts see both systems through their APIs only, raw, under a consent of their own: the host's chain of tokens is left alone.

var client = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (b *box) consent() (string, error) {
	if b.token != "" {
		return b.token, nil
	}
	const redirect = "http://127.0.0.1/back"
	resp, err := client.Get(b.info["authorize_url"] + "?" + url.Values{"response_type": {"code"}, "client_id": {b.info["client_id"]}, "redirect_uri": {redirect}}.Encode())
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	target, err := resp.Location()
	if err != nil {
		return "", err
	}
	resp, err = client.PostForm(b.info["token_url"], url.Values{"grant_type": {"authorization_code"}, "code": {target.Query().Get("code")}, "redirect_uri": {redirect},
		"client_id": {b.info["client_id"]}, "client_secret": {b.info["client_secret"]}})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	b.token = answer.AccessToken
	return b.token, nil
}

func (b *box) call(method, path string, body any) (int, []byte, error) {
	token, err := b.consent()
	if err != nil {
		return 0, nil, err
	}
	var data []byte
	switch v := body.(type) {
	case nil:
	case []byte:
		data = v
	default:
		if data, err = json.Marshal(v); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequest(method, b.info["base_url"]+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-company", b.info["company"])
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

type object = map[string]any

// must calls and wants a good answer.
func (b *box) must(ts *testscript.TestScript, method, path string, body any) object {
	status, answer, err := b.call(method, path, body)
	ts.Check(err)
	out := object{}
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.UseNumber()
	if err := dec.Decode(&out); status >= 300 || err != nil || out["ErrorMessage"] != nil {
		ts.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
	}
	return out
}

func cmdAPI(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 3 || len(args) == 4, "api NAME METHOD PATH [FILE]")
	var body any
	if len(args) == 4 {
		data, err := os.ReadFile(ts.MkAbs(args[3]))
		ts.Check(err)
		body = data
	}
	status, answer, err := boxOf(ts, args[0]).call(args[1], args[2], body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", answer)
	if (status < 300) == neg {
		ts.Fatalf("status %d: %s", status, answer)
	}
}

// escaped lets a script write a mark that turns lines round, which a file in a repository should not hold.
func escaped(s string) string { return strings.ReplaceAll(s, `\u202e`, "\u202e") }

func (b *box) first(ts *testscript.TestScript, path string) object {
	list, _ := b.must(ts, "GET", path, nil)["Data"].([]any)
	if len(list) == 0 {
		return nil
	}
	return list[0].(object)
}

func cmdArticle(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && (len(args) == 2 || len(args) == 3), "article NAME CODE [PRICE]")
	b, code, price := boxOf(ts, args[0]), escaped(args[1]), "10.00"
	if len(args) == 3 {
		price = args[2]
	}
	if b.connector == "accountview" {
		b.insert(ts, "AK1", "ARTICLE", "ART_CODE:C,ART_DESC1:C,PX_SELL:N", []any{code, "Article " + code, json.Number(price)})
		return
	}
	coding := b.first(ts, "/articleaccountcodings?$filter="+url.QueryEscape("VatRatePercent eq 21"))
	unit := b.first(ts, "/units")
	b.must(ts, "POST", "/articles", object{"Number": code, "Name": "Article " + code, "IsActive": true, "CodingId": coding["Id"], "UnitId": unit["Id"],
		"NetPrice": json.Number(price), "GrossPrice": json.Number(price)})
}

// insert posts one row of one table.
func (b *box) insert(ts *testscript.TestScript, code, table, fields string, values []any) object {
	defs := []object{{"Name": "RowId", "FieldType": "C"}}
	for f := range strings.SplitSeq(fields, ",") {
		name, typ, _ := strings.Cut(f, ":")
		defs = append(defs, object{"Name": name, "FieldType": typ})
	}
	return b.must(ts, "POST", "/accountviewdata", object{"BookDate": "2026-06-10T00:00:00", "BusinessObject": code,
		"Table":     object{"Definition": object{"Name": table, "Fields": defs}},
		"TableData": object{"Data": object{"Rows": []any{object{"Values": append([]any{"1"}, values...)}}}}})
}

func cmdOrder(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "order EMAIL ARTICLE QUANTITY")
	b := boxOf(ts, "shop")
	customer := b.first(ts, "/customers?$filter="+url.QueryEscape("EmailAddress eq '"+args[0]+"'"))
	if customer == nil {
		terms := b.first(ts, "/termsofpayments")
		name, _, _ := strings.Cut(args[0], "@")
		customer = b.must(ts, "POST", "/customers", object{"Name": name, "EmailAddress": args[0], "InvoiceAddress1": "Kade 1", "InvoiceCity": "Utrecht",
			"InvoicePostalCode": "3511 AB", "InvoiceCountryCode": "NL", "IsPrivatePerson": true, "IsActive": true, "TermsOfPaymentId": terms["Id"]})
	}
	article := b.first(ts, "/articles?$filter="+url.QueryEscape("Number eq '"+escaped(args[1])+"'"))
	o := b.must(ts, "POST", "/orders", object{"CustomerId": customer["Id"], "CurrencyCode": "EUR", "OrderDate": "2026-06-10", "Status": 2, "EuThirdParty": false,
		"ReverseChargeOnConstructionServices": false, "RotReducedInvoicingType": 0,
		"Rows": []object{{"IsTextRow": false, "IsWorkCost": false, "EligibleForReverseChargeOnVat": false, "ArticleId": article["Id"], "Quantity": json.Number(args[2])}}})
	ts.Setenv("ORDER", fmt.Sprint(o["Id"]))
	ts.Setenv("NUMBER", fmt.Sprint(o["Number"]))
}

// tables are AccountView's tables by business object.
var tables = map[string]string{"SO1": "SO_HDR", "AR1": "CONTACT", "AK1": "ARTICLE", "ADDR": "DEL_ADDR"}

func cmdCount(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && (len(args) == 3 || len(args) == 4), "count NAME OBJECT N [FIELD=VALUE]")
	b := boxOf(ts, args[0])
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	var list []any
	if table := tables[args[1]]; table != "" {
		list, _ = b.must(ts, "GET", "/accountviewdata?BookDate=2026-06-10&BusinessObject="+args[1], nil)[table].([]any)
	} else {
		list, _ = b.must(ts, "GET", "/"+args[1]+"?$pagesize=1000", nil)["Data"].([]any)
	}
	got := 0
	for _, r := range list {
		if len(args) == 4 {
			field, value, _ := strings.Cut(args[3], "=")
			if strings.TrimSpace(fmt.Sprint(r.(object)[field])) != value {
				continue
			}
		}
		got++
	}
	if got != n {
		ts.Fatalf("%d records of %s, want %d", got, args[1], n)
	}
}
