package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// What clients that are in use send, word by word; a sandbox that refuses what the system takes would be stricter than it. Marks: PHP a shop
// connector of 2021, PHP2 a plugin of 2026, PHP3 a package, PY a Python package, PY2 a Python service of 2026, RB a Ruby gem, JS1 a page in a browser, JS2 to JS6
// Node services, NET a program with WebClient.

func basic(w *wire) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(w.run.Info.ClientID+":"+w.run.Info.ClientSecret))
}

// agree walks through the consent page with a query as it is written.
func (w *wire) agree(query string) url.Values {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.run.Info.AuthorizeURL+"?client_id="+w.run.Info.ClientID+"&"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		w.t.Fatalf("%s: %s", query, resp.Status)
	}
	return to.Query()
}

// TestTokensOfClients: how clients ask for consent and tokens.
func TestTokensOfClients(t *testing.T) {
	const back = "https://localhost:44300/callback"
	w := open(t, kit.Options{Redirects: []string{back}}, nil)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, query := range map[string]string{
		"JS1":  "redirect_uri=" + back + "&state=abcde12345&nonce=abcde12345&scope=ea:api%20offline_access%20ea:sales&response_type=code",
		"PHP2": "redirect_uri=" + url.QueryEscape(back) + "&response_type=code&scope=ea%3Aapi+ea%3Asales+ea%3Aaccounting+offline_access&state=6f9&prompt=select_account",
		"JS2": "redirect_uri=" + url.QueryEscape(back) + "&response_type=code&scope=ea%3Aapi%20ea%3Asales%20ea%3Apurchase%20ea%3Aaccounting%20vls%3Aapi%20offline_access" +
			"&state=k2&prompt=select_account&acr_values=service:44643EB1-3F76-4C1C-A672-402AE8085934",
		"KB": "redirect_uri=" + back + "&scope=ea:api%20offline_access%20ea:sales&state=s&response_type=code&prompt=login&acr_values=service:44643EB1-3F76-4C1C-A672-402AE8085934+forceselectcompany:true",
	} {
		answer := w.agree(query)
		if answer.Get("code") == "" || answer.Get("state") == "" {
			t.Errorf("%s: the consent ends with %v", name, answer)
			continue
		}
		body := url.Values{"grant_type": {"authorization_code"}, "code": {answer.Get("code")}, "redirect_uri": {back}}
		header := form.Clone()
		if name == "KB" { // credentials in the body
			body.Set("client_id", w.run.Info.ClientID)
			body.Set("client_secret", w.run.Info.ClientSecret)
		} else {
			header.Set("Authorization", basic(w))
		}
		status, tokens := w.trade(body, header)
		if status != 200 || tokens["token_type"] != "Bearer" || tokens["expires_in"] != 3600.0 || tokens["refresh_token"] == nil {
			t.Errorf("%s: %d %v", name, status, tokens)
			continue
		}
		// PY: a form with a charset, the token as it is in the body.
		header = http.Header{"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"}, "Authorization": {basic(w)}}
		status, text := w.send("POST", w.run.Info.TokenURL, "grant_type=refresh_token&refresh_token="+fmt.Sprint(tokens["refresh_token"]), header)
		if err := json.Unmarshal([]byte(text), &tokens); err != nil || status != 200 {
			t.Errorf("%s: refreshed: %d %s", name, status, text)
		}
		// PHP2 says good-bye, in the words of the identity server.
		if name == "PHP2" {
			again := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {basic(w)}}
			address := strings.TrimSuffix(w.run.Info.TokenURL, "token") + "revocation"
			if status, text := w.send("POST", address, url.Values{"token": {fmt.Sprint(tokens["refresh_token"])}, "token_type_hint": {"refresh_token"}}.Encode(), again); status != 200 {
				t.Errorf("%d %s", status, text)
			}
			continue
		}
		// NET: the scheme in small letters.
		if status, text := w.send("GET", w.run.Info.BaseURL+"/customers", "", http.Header{"Authorization": {"bearer " + fmt.Sprint(tokens["access_token"])}}); status != 200 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// TestListsOfClients: how clients ask for lists. want is how many of the two customers are found.
func TestListsOfClients(t *testing.T) {
	w := open(t, kit.Options{}, nil)
	world := &world{c: w.c}
	first := w.do(201, "POST", "/customers", world.customerBody(obj{"Name": "O'Hara", "EmailAddress": "o@example.nl", "CustomerNumber": "CR-1", "CorporateIdentityNumber": "556123-4567"}))
	w.do(201, "POST", "/customers", world.customerBody(obj{"Name": "MakePlans AS", "CustomerNumber": "CR-2"}))
	w.do(201, "POST", "/articles", world.articleBody("MUG", "21"))
	for _, tc := range []struct {
		client, query string
		want          int
	}{
		{"PHP", "/customers?$filter=EmailAddress%20eq%20'o@example.nl'", 1},
		{"PHP", "/articles?PageNumber=1&PageSize=10&ChangedUtc=", 1},                        // none of these is one of the API's
		{"PHP", "/articles?PageNumber=1&PageSize=10&ChangedUtc=2026-06-01+10%3A00%3A00", 1}, // so all come
		{"PHP2", "/customers?%24filter=CustomerNumber%20eq%20%27CR-2%27&%24top=200&%24skip=0", 1},
		{"PHP2", "/customers?%24filter=Name%20eq%20%27O%27%27Hara%27&%24top=200&%24skip=0", 1},
		{"PHP2", "/customers?%24top=200&%24skip=200", 0},
		{"PY", "/customers?%24filter=Name+eq+%27MakePlans+AS%27&%24pagesize=100&%24page=1", 1},
		{"PY", "/customers?%24filter=Id+eq+" + fmt.Sprint(first["Id"]) + "&%24pagesize=100&%24page=1", 1},
		{"PY", "/customers?%24filter=IsActive+eq+true+and+Name+eq+%27MakePlans+AS%27&%24pagesize=100&%24page=1", 1},
		{"PY", "/customers?%24order_by=Name&%24pagesize=100&%24page=1", 2}, // a mistake of its own, which is ignored
		{"PY2", "/customers?$filter=contains(Name,'plan')&$select=Id,Name&$orderby=Name&$pagesize=1000&$page=1", 1},
		{"PHP3", "/customers?%24filter=ChangedUtc%20gt%202020-06-01T10%3A00%3A00%2B02%3A00", 2}, // with its own zone
		{"PHP3", "/customers?%24filter=ChangedUtc%20lt%202020-06-01T10%3A00%3A00%2B02%3A00", 0},
		{"JS5", "/customers?%24filter=contains%28Name%2C%27akeP%27%29&%24pagesize=20", 1},
		{"the vendor's page", "/customers?$version=2", 2}, // the version beside that of the path
		{"RB", "/customers?%24pagesize=100&%24page=2", 0},
		{"RB", "/customers?%24filter=contains%28Name%2C+%27MakePlans%27%29", 1},
		{"RB", "/customers?%24select=Id%2C+Name", 2},
		{"RB", "/customers?pagesize=100&page=1", 2}, // as its page shows them, without the sign
		{"JS2", "/customers?name=MakePlans%20AS", 2},
		{"JS3", "/customers?%24filter=CorporateIdentityNumber%20eq%20'556123-4567'", 1},
		{"JS3", "/articles?$top=1", 1},
		{"JS4", "/Customers", 2},
		{"JS4", "/CompanySettings", -1},
		{"JS6", "/customerinvoices?%24filter=InvoiceDate+ge+2026-04-01", 0},
	} {
		status, text := w.send("GET", w.run.Info.BaseURL+tc.query, "", http.Header{"Authorization": {"Bearer " + w.token}, "Content-Type": {"application/json;charset=UTF-8"},
			"Accept": {"application/json"}, "ipp-company-id": {"1"}, "ipp-application-type": {"Visma.net Financials"}})
		var body struct {
			Meta *struct{ TotalNumberOfResults int }
			Data []obj
		}
		if err := json.Unmarshal([]byte(text), &body); status != 200 || err != nil || tc.want >= 0 && (len(body.Data) != tc.want || body.Meta == nil) {
			t.Errorf("%s: GET %s: %d, %d records, want %d: %.200s", tc.client, tc.query, status, len(body.Data), tc.want, text)
		}
	}
	// PY2's selection: what was not asked for is not there.
	if rows := w.do(200, "GET", "/customers?$select=Id,Name", nil)["Data"].([]any); len(rows[0].(obj)) != 2 {
		t.Errorf("%v", rows[0])
	}
	// PHP names another host: the test environment's.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.run.Info.BaseURL+"/articles?PageNumber=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "eaccountingapi-sandbox.test.vismaonline.com"
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
}

// phpOrder is an order as the shop connector writes it: all fields of the specification, those that only the server writes too.
const phpOrder = `{"Amount":24.2,"CustomerId":"CUSTOMER","CurrencyCode":"EUR","CreatedUtc":"2026-06-01 10:11:12","VatAmount":4.2,"RoundingsAmount":0,"DeliveredAmount":0,
"DeliveredVatAmount":0,"DeliveredRoundingsAmount":0,"DeliveryCustomerName":"Jan Jansen","DeliveryAddress1":"Kade 1","DeliveryAddress2":"","DeliveryPostalCode":"2611 AA",
"DeliveryCity":"Delft","DeliveryCountryCode":"NL","YourReference":"100000124","OurReference":"","InvoiceAddress1":"Kade 1","InvoiceAddress2":"","InvoiceCity":"Delft",
"InvoiceCountryCode":"NL","InvoiceCustomerName":"Jan Jansen","InvoicePostalCode":"2611 AA","DeliveryMethodName":null,"DeliveryMethodCode":null,"DeliveryTermName":null,
"DeliveryTermCode":null,"EuThirdParty":false,"CustomerIsPrivatePerson":false,"OrderDate":"2026-06-01","Status":1,"Number":null,"ModifiedUtc":"2026-06-01 10:11:12",
"DeliveryDate":null,"HouseWorkAmount":0,"HouseWorkAutomaticDistribution":false,"HouseWorkCorporateIdentityNumber":null,"HouseWorkPropertyName":null,"Rows":[{"LineNumber":0,
"DeliveredQuantity":0,"ArticleId":"ARTICLE","ArticleNumber":"MUG","IsTextRow":false,"Text":"Beker","UnitPrice":10,"DiscountPercentage":0,"Quantity":2,"WorkCostType":0,
"IsWorkCost":false,"EligibleForReverseChargeOnVat":false,"CostCenterItemId1":null,"CostCenterItemId2":null,"CostCenterItemId3":null}],"ShippedDateTime":null,
"RotReducedInvoicingType":0,"RotPropertyType":null,"Persons":[],"ReverseChargeOnConstructionServices":false}`

const phpCustomer = `{"CorporateIdentityNumber":"","ContactPersonEmail":"","ContactPersonMobile":"","ContactPersonName":"","ContactPersonPhone":"","CurrencyCode":"EUR",
"EmailAddress":"jan@example.nl","InvoiceAddress1":"Kade 1","InvoiceAddress2":"","InvoiceCity":"Delft","InvoiceCountryCode":"NL","InvoicePostalCode":"2611 AA",
"DeliveryCustomerName":"Jan Jansen","DeliveryAddress1":"Kade 1","DeliveryAddress2":"","DeliveryPostalCode":"2611 AA","DeliveryCity":"Delft","DeliveryCountryCode":"NL",
"DeliveryMethodId":null,"DeliveryTermId":null,"Name":"Jan Jansen","Note":"","ReverseChargeOnConstructionServices":false,"WebshopCustomerNumber":null,"MobilePhone":"",
"Telephone":"0612345678","TermsOfPaymentId":"TERMS","TermsOfPayment":{"Name":"","NameEnglish":"","NumberOfDays":10,"TermsOfPaymentTypeId":0,"TermsOfPaymentTypeText":null,
"AvailableForSales":false,"AvailableForPurchase":false},"VatNumber":"","WwwAddress":"","LastInvoiceDate":null,"IsPrivatePerson":false,"DiscountPercentage":0,
"ChangedUtc":"2026-06-01 10:11:12","IsActive":true,"ForceBookkeepVat":false,"EdiGlnNumber":"","SalesDocumentLanguage":"nl","ElectronicAddress":null,"ElectronicReference":null,
"EdiServiceDelivererId":null,"AutoInvoiceActivationEmailSentDate":null,"AutoInvoiceRegistrationRequestSentDate":null,"EmailAddresses":[],"CustomerLabels":null,
"IsFutureInvoiceDateAllowed":true}`

const phpInvoice = `{"EuThirdParty":false,"IsCreditInvoice":false,"CurrencyCode":"EUR","CurrencyRate":1,"CustomerId":"CUSTOMER","Rows":[{"ArticleId":"ARTICLE","ArticleNumber":"MUG",
"LineNumber":0,"IsTextRow":false,"Text":"Beker","UnitPrice":16,"UnitAbbreviation":"","UnitAbbreviationEnglish":"pcs","DiscountPercentage":0,"Quantity":1,"IsWorkCost":false,
"IsVatFree":false,"CostCenterItemId1":null,"CostCenterItemId2":null,"CostCenterItemId3":null,"ProjectId":null,"UnitId":"66ff2d2e-0ad5-4cf9-a6b9-5528aff90d0b","WorkCostType":0,
"WorkHours":null,"MaterialCosts":null}],"VatSpecification":[{"AmountInvoiceCurrency":16,"VatAmountInvoiceCurrency":3,"VatPercent":0.2}],"InvoiceDate":"2026-06-01",
"RotReducedInvoicingType":0,"RotReducedInvoicingAmount":0,"RotReducedInvoicingPercent":0,"RotReducedInvoicingPropertyName":null,"RotReducedInvoicingOrgNumber":null,"Persons":[],
"RotReducedInvoicingAutomaticDistribution":false,"ElectronicReference":"","ElectronicAddress":"","EdiServiceDelivererId":"","OurReference":"","YourReference":"",
"BuyersOrderReference":"","InvoiceCustomerName":"Jan Jansen","InvoiceAddress1":"Kade 1","InvoiceAddress2":"","InvoiceCity":"Delft","InvoiceCountryCode":"NL",
"InvoicePostalCode":"2611 AA","DeliveryCustomerName":"Jan Jansen","DeliveryAddress1":"Kade 1","DeliveryAddress2":"","DeliveryPostalCode":"2611 AA","DeliveryCity":"Delft",
"DeliveryCountryCode":"NL","DeliveryMethodName":null,"DeliveryTermName":null,"DeliveryMethodCode":null,"DeliveryTermCode":null,"CustomerIsPrivatePerson":false,
"CustomerEmail":"jan@example.nl","CustomerNumber":"7","PaymentReferenceNumber":null,"RotPropertyType":null,"SalesDocumentAttachments":[],"HasAutoInvoiceError":false,
"IsNotDelivered":true,"ReverseChargeOnConstructionServices":false,"WorkHouseOtherCosts":null,"ReferringInvoiceId":null,"CreatedFromOrderId":null,"CreatedFromDraftId":null,
"CreatedUtc":"2026-06-01","ModifiedUtc":"2026-06-01 10:11:12","ReversedConstructionVatInvoicing":false,"IncludesVat":false,"SendType":null,"PaymentReminderIssued":false}`

const phpDraft = `{"CustomerId":"CUSTOMER","CreatedUtc":"2026-06-01 10:11:12","IsCreditInvoice":false,"RotReducedInvoicingType":0,"RotReducedInvoicingPropertyName":null,
"RotReducedInvoicingOrgNumber":null,"RotReducedInvoicingAmount":0,"RotReducedInvoicingAutomaticDistribution":false,"RotPropertyType":null,"HouseWorkOtherCosts":null,
"Rows":[{"LineNumber":0,"ArticleId":"ARTICLE","ArticleNumber":"MUG","IsTextRow":false,"Text":"Beker","UnitPrice":16,"DiscountPercentage":0,"Quantity":1,"WorkCostType":0,
"IsWorkCost":false,"WorkHours":0,"MaterialCosts":0,"ReversedConstructionServicesVatFree":false,"CostCenterItemId1":null,"CostCenterItemId2":null,"CostCenterItemId3":null,
"UnitAbbreviation":"","ProjectId":null,"UnitName":""}],"Persons":[],"OurReference":"","YourReference":"","BuyersOrderReference":"","InvoiceCustomerName":"Jan Jansen",
"InvoiceAddress1":"Kade 1","InvoiceAddress2":"","InvoiceCity":"Delft","InvoiceCountryCode":"NL","InvoicePostalCode":"2611 AA","InvoiceCurrencyCode":"EUR",
"DeliveryCustomerName":"Jan Jansen","DeliveryAddress1":"Kade 1","DeliveryAddress2":"","DeliveryPostalCode":"2611 AA","DeliveryCity":"Delft","DeliveryCountryCode":"NL",
"DeliveryMethodName":null,"DeliveryTermName":null,"DeliveryMethodCode":null,"DeliveryTermCode":null,"EuThirdParty":false,"CustomerIsPrivatePerson":false,
"ReverseChargeOnConstructionServices":false,"SalesDocumentAttachments":[],"InvoiceDate":"2026-06-01","CustomerNumber":"7","IncludesVat":false}`

// js3Draft has members that the API does not know, and leaves out such as it requires.
const js3Draft = `{"CustomerId":"CUSTOMER","InvoiceDate":"2026-06-01","Currency":"SEK","EuThirdParty":false,"RotReducedInvoicingType":0,"YourOrderNumber":"44","Rows":[
{"LineNumber":1,"IsTextRow":true,"Text":"Reg.nr: ABC123","ReversedConstructionServicesVatFree":false},
{"LineNumber":2,"IsTextRow":false,"ArticleId":"ARTICLE","Text":"Arbete","UnitPrice":500,"Quantity":1,"ReversedConstructionServicesVatFree":false}],"YourReference":"Kund","OurReference":""}`

const js4Draft = `{"CustomerId":"CUSTOMER","YourReference":null,"BuyersOrderReference":null,"OurReference":null,"InvoiceDate":"2026-06-01","Rows":[
{"ArticleId":"ARTICLE","Text":"Webbhotell","UnitPrice":199,"Quantity":1,"LineNumber":1}]}`

const js3Customer = `{"Name":"Verkstad AB","IsPrivatePerson":false,"CountryCode":"SE","CurrencyCode":"SEK","TermsOfPaymentId":"TERMS","CorporateIdentityNumber":"556123-4567",
"MobilePhone":"070","InvoicePostalCode":"00000","InvoiceCity":"Okänd"}`

// TestWritesOfClients: what clients write is taken with 201, as they expect.
func TestWritesOfClients(t *testing.T) {
	w := open(t, kit.Options{}, nil)
	world := &world{c: w.c}
	words := strings.NewReplacer("CUSTOMER\"", fmt.Sprint(w.do(201, "POST", "/customers", world.customerBody())["Id"])+"\"",
		"ARTICLE\"", fmt.Sprint(w.do(201, "POST", "/articles", world.articleBody("MUG", "21"))["Id"])+"\"", "TERMS", w.c.table("termsofpayments").order[0].str("Id"))
	post := func(client, method, path, body string, want int) obj {
		t.Helper()
		status, text := w.send(method, w.run.Info.BaseURL+path, words.Replace(body), http.Header{"Authorization": {"Bearer " + w.token}, "Content-Type": {"application/json"}})
		if status != want {
			t.Errorf("%s: %s %s: %d, want %d: %s", client, method, path, status, want, text)
		}
		m, _ := decodeObject([]byte(text))
		return m
	}
	is := func(client string, got obj, pairs ...string) {
		t.Helper()
		for i := 0; i < len(pairs); i += 2 {
			if text := fmt.Sprint(got[pairs[i]]); text != pairs[i+1] {
				t.Errorf("%s: %s is %s, want %s", client, pairs[i], text, pairs[i+1])
			}
		}
	}
	cu := post("PHP", "POST", "/customers", phpCustomer, 201)
	is("PHP", cu, "Name", "Jan Jansen", "CustomerNumber", "1002", "VatNumber", "")
	is("PHP", post("PHP", "POST", "/orders", phpOrder, 201), "Status", "1", "Amount", "24.2", "YourReference", "100000124")
	is("PHP", post("PHP", "POST", "/customerinvoices", phpInvoice, 201), "InvoiceNumber", "1", "TotalVatAmountInvoiceCurrency", "3.36", "IsCreditInvoice", "false")
	is("PHP", post("PHP", "POST", "/customerinvoicedrafts", phpDraft, 201), "CustomerId", words.Replace(`CUSTOMER"`)[:36])
	post("JS3", "POST", "/customers", js3Customer, 201)
	draft := post("JS3", "POST", "/customerinvoicedrafts", js3Draft, 201)
	post("JS3", "PUT", "/customerinvoicedrafts/"+fmt.Sprint(draft["Id"]), `{"Id":"`+fmt.Sprint(draft["Id"])+`",`+js3Draft[1:], 200)
	post("JS3", "GET", "/customerinvoicedrafts/00000000-0000-0000-0000-000000000001", "", 404) // and makes a new one then
	sale := post("JS5", "POST", "/customerinvoicedrafts", js4Draft, 201)
	post("JS5", "POST", "/customerinvoicedrafts/"+fmt.Sprint(sale["Id"])+"/convert", "{}", 201)
	post("PHP2", "PUT", "/customers/"+fmt.Sprint(cu["Id"]), `{"Id":"`+fmt.Sprint(cu["Id"])+`",`+js3Customer[1:], 200)
	// JS2 describes a row instead of naming an article, and shows what the system says of it.
	refused := post("JS2", "POST", "/customerinvoicedrafts", strings.Replace(js4Draft, `"ArticleId":"ARTICLE","Text"`, `"Description"`, 1), 400)
	if text, _ := refused["DeveloperErrorMessage"].(string); text == "" {
		t.Errorf("JS2: %v", refused)
	}
	// PHP2's shared customer has neither place nor terms, which the system requires.
	is("PHP2", post("PHP2", "POST", "/customers", `{"CustomerNumber":"WEB","Name":"Webshop customers","IsPrivatePerson":false,"IsActive":true,"InvoiceCity":"","InvoiceCountryCode":"SE","TermsOfPaymentId":null}`, 400),
		"ErrorCode", "2000")
	// PY writes with a charset and deletes again.
	gone := w.do(201, "POST", "/customerlabels", obj{"Name": "Test"})
	if status, text := w.send("DELETE", w.run.Info.BaseURL+"/customerlabels/"+fmt.Sprint(gone["Id"]), "", http.Header{"Authorization": {"Bearer " + w.token},
		"Content-Type": {"application/json;charset=UTF-8"}, "Accept": {"application/json"}}); status != 200 {
		t.Errorf("PY: %d %s", status, text)
	}
}
