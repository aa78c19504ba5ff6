package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestArticleLife(t *testing.T) {
	w := newWorld(t)
	a := w.article("A-1", "21", obj{"Barcodes": []obj{{"Barcode": "8712345678906", "BarcodeType": 0}}, "StockBalance": json.Number("5.125")})
	w.want(a, "NetPrice", "10", "GrossPrice", "12.1", "StockBalance", "5.13", "StockBalanceAvailable", "5.13", "IsServiceArticle", "false",
		"SendToWebshop", "true", "CodingName", "Goederen 21%", "UnitName", "stuk")
	path := "/articles/" + a["Id"].(string)
	b := w.ok(200, "PUT", path, w.articleBody("A-1", "9", obj{"GrossPrice": json.Number("20"), "NetPrice": json.Number("7.777")}))
	w.want(b, "NetPrice", "7.78", "GrossPrice", "20", "Barcodes", "<nil>", "StockBalance", "0", "CreatedUtc", a["CreatedUtc"].(string))
	if b["ChangedUtc"] == a["ChangedUtc"] {
		t.Error("ChangedUtc did not move")
	}
	body := w.articleBody("A-2", "9", obj{"GrossPrice": json.Number("10.90")})
	delete(body, "NetPrice")
	w.want(w.ok(201, "POST", "/articles", body), "NetPrice", "10", "GrossPrice", "10.9")
	if r := w.call("DELETE", path, nil); r.status != 405 {
		t.Errorf("DELETE: %d", r.status)
	}
}

func TestArticleValidation(t *testing.T) {
	w := newWorld(t)
	w.article("A-1", "21")
	for _, tc := range []struct {
		change obj
		code   int
		fields string
	}{
		{obj{"Number": "a-1"}, codeConflict, ""},
		{obj{"Number": ""}, codeValidation, "Number"},
		{obj{"Number": strings.Repeat("1", 41)}, codeValidation, "Number"},
		{obj{"Name": strings.Repeat("n", 51)}, codeValidation, "Name"},
		{obj{"CodingId": "00000000-0000-0000-0000-000000000001"}, codeNotFound, ""},
		{obj{"UnitId": "00000000-0000-0000-0000-000000000001"}, codeNotFound, ""},
		{obj{"NetPrice": -1}, codeValidation, "NetPrice"},
		{obj{"GrossPrice": 99000001}, codeValidation, "GrossPrice"},
		{obj{"IsStock": true}, codeValidation, "IsStock"},
		{obj{"Barcodes": []obj{{"Barcode": "1"}, {"Barcode": "2"}}}, codeValidation, "Barcodes"},
		{obj{"Note": strings.Repeat("n", 4001)}, codeValidation, "Note"},
	} {
		if fields := w.refused(400, tc.code, "POST", "/articles", w.articleBody("A-9", "21", tc.change)); fields != tc.fields {
			t.Errorf("%v: fields %s", tc.change, fields)
		}
	}
	w.refused(400, codeValidation, "POST", "/articles", `{"Number":"A-9","NetPrice":1e400}`)
}

func TestStockModule(t *testing.T) {
	w := newWorld(t, "module.stock=on")
	a := w.article("A-1", "21", obj{"IsStock": true, "StockBalance": 10})
	w.want(a, "StockBalance", "0", "IsStock", "true")
	w.refused(400, codeValidation, "POST", "/articles", w.articleBody("S-1", "21", obj{"IsStock": true, "CodingId": w.c.codingFor("21", true).str("Id")}))

	order := w.ok(201, "POST", "/orders", orderBody(w.customer(), []obj{row(a, "3", "1")}))
	path := "/articles/" + a["Id"].(string)
	w.want(w.ok(200, "GET", path, nil), "StockBalance", "0", "StockBalanceReserved", "3", "StockBalanceAvailable", "-3")
	w.ok(200, "POST", "/orders/"+order["Id"].(string)+"/completed", nil)
	w.want(w.ok(200, "GET", path, nil), "StockBalance", "-3", "StockBalanceReserved", "0", "StockBalanceAvailable", "-3")
	w.refused(400, codeBalanceStock, "PUT", path, w.articleBody("A-1", "21", obj{"IsStock": false}))
	w.refused(400, codeBalanceService, "PUT", path, w.articleBody("A-1", "21", obj{"IsStock": false, "CodingId": w.c.codingFor("21", true).str("Id")}))
	w.ok(200, "POST", "/orders/"+order["Id"].(string)+"/voided", nil)
	w.want(w.ok(200, "GET", path, nil), "StockBalance", "0", "StockBalanceReserved", "3")
	w.ok(200, "DELETE", "/orders/"+order["Id"].(string), nil)
	w.want(w.ok(200, "GET", path, nil), "StockBalance", "0", "StockBalanceReserved", "0")
}

func TestNumbersAreExact(t *testing.T) {
	w := newWorld(t)
	a := w.article("A-1", "21", obj{"NetPrice": json.Number("0.07"), "StockBalance": json.Number("123456789012345.67")})
	w.want(a, "NetPrice", "0.07", "StockBalance", "123456789012345.67")
	for in, out := range map[string]string{"1.005": "1.01", "2.675": "2.68", "1E2": "100", "0.0": "0", "1.10": "1.1"} {
		w.want(w.ok(200, "PUT", "/articles/"+a["Id"].(string), w.articleBody("A-1", "21", obj{"NetPrice": json.Number(in)})), "NetPrice", out)
	}
	if r := w.call("GET", "/articles", nil); !strings.Contains(r.raw, `"NetPrice":1.1,`) && !strings.Contains(r.raw, `"NetPrice":`) {
		t.Error(r.raw)
	}
}
