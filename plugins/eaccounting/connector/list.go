package connector

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// list is one reference list: a resource and how its records become items.
type list struct {
	name, path string
	id         string            // member that is the item's ID
	title      []string          // members of which the first one filled is the name
	attributes map[string]string // attribute → member
	sort       string            // member to sort by first, "" for the name
	items      string            // member that holds further items of this list, "" for none
	later      bool              // not yet there in 2020: a plain 404 means that there are none
}

// lists are the reference lists ([OA26]; bank accounts, countries, VAT codes, accounts, projects, cost centres and fiscal years [SW20]).
var lists = []list{
	{name: "units", path: "units", id: "Id", title: []string{"Name", "Abbreviation", "Code"},
		attributes: map[string]string{"code": "Code", "abbreviation": "Abbreviation"}},
	{name: "terms_of_payment", path: "termsofpayments", id: "Id", title: []string{"Name", "NameEnglish"},
		attributes: map[string]string{"days": "NumberOfDays", "type": "TermsOfPaymentTypeId", "type_name": "TermsOfPaymentTypeText", "sales": "AvailableForSales"}},
	{name: "article_codings", path: "articleaccountcodings", id: "Id", title: []string{"Name", "NameEnglish"},
		attributes: map[string]string{"rate": "VatRatePercent", "type": "Type", "active": "IsActive", "vat_rate": "VatRate"}},
	{name: "currencies", path: "currencies", id: "Code", title: []string{"Code"}},
	{name: "countries", path: "countries", id: "Code", title: []string{"Name", "Code"}, attributes: map[string]string{"eu": "IsEuMember"}},
	{name: "delivery_methods", path: "deliverymethods", id: "Id", title: []string{"Name", "Code"}, attributes: map[string]string{"code": "Code"}},
	{name: "delivery_terms", path: "deliveryterms", id: "Id", title: []string{"Name", "Code"}, attributes: map[string]string{"code": "Code"}},
	{name: "customer_labels", path: "customerlabels", id: "Id", title: []string{"Name"}, attributes: map[string]string{"description": "Description"}},
	{name: "article_labels", path: "articlelabels", id: "Id", title: []string{"Name"}, attributes: map[string]string{"description": "Description"}},
	{name: "vat_codes", path: "vatcodes", id: "Id", title: []string{"Description", "Code"}, attributes: map[string]string{"code": "Code", "rate": "VatRate"}},
	{name: "accounts", path: "accounts", id: "Number", title: []string{"Name"},
		attributes: map[string]string{"active": "IsActive", "vat_code": "VatCodeId", "type": "Type", "type_name": "TypeDescription"}},
	{name: "projects", path: "projects", id: "Id", title: []string{"Name", "Number"},
		attributes: map[string]string{"number": "Number", "from": "StartDate", "to": "EndDate", "status": "Status", "customer": "CustomerId"}},
	{name: "cost_centers", path: "costcenters", id: "Id", title: []string{"Name"}, items: "Items",
		attributes: map[string]string{"center": "Center", "center_number": "Number", "code": "ShortName", "active": "IsActive"}},
	{name: "price_lists", later: true, path: "salespricelists", id: "Id", title: []string{"Name", "Number"},
		attributes: map[string]string{"number": "Number", "currency": "CurrencyCode", "active": "IsActive", "standard": "IsStandard"}},
	{name: "discount_agreements", later: true, path: "discountagreements", id: "Id", title: []string{"Name", "Number"},
		attributes: map[string]string{"number": "Number", "active": "IsActive"}},
	{name: "fiscal_years", path: "fiscalyears", id: "Id", title: []string{"StartDate"}, sort: "StartDate",
		attributes: map[string]string{"from": "StartDate", "to": "EndDate", "locked": "IsLockedForAccounting"}},
	{name: "bank_accounts", path: "bankaccounts", id: "Id", title: []string{"Name", "BankAccountTypeDescription"},
		attributes: map[string]string{"type": "BankAccountType", "type_name": "BankAccountTypeDescription", "iban": "Iban", "currency": "CurrencyCode",
			"ledger_account": "LedgerAccountNumber", "active": "IsActive", "default": "IsDefaultChequeAccount"}},
}

// companyList is the list of the one company behind the consent.
const companyList = "company"

func listNames() []string {
	out := make([]string, 0, len(lists)+1)
	for _, l := range lists {
		out = append(out, l.name)
	}
	return append(out, companyList)
}

// maxListPages bounds a reference list.
const maxListPages = 100

// List implements sdk.Connection.
func (c *connection) List(ctx context.Context, name string) ([]sdk.ListItem, error) {
	if name == companyList {
		return c.companyItem(ctx)
	}
	i := slices.IndexFunc(lists, func(l list) bool { return l.name == name })
	if i < 0 {
		return nil, &sdk.Error{Cause: sdk.CauseRefused, Message: "eAccounting has no list " + name, Remedy: "did you mean " + sdk.Nearest(name, listNames()) + "?"}
	}
	l := lists[i]
	var out []sdk.ListItem
	order := map[string]string{}
	for number := 1; number <= maxListPages; number++ {
		e, err := c.rawPage(ctx, l.path, url.Values{}, number, maxPageSize)
		if p := sdk.AsError(err); l.later && p != nil && p.Code == "404" {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, raw := range e.Data {
			m, err := decodeObject(raw)
			if err != nil {
				return nil, unreadable("the list of "+l.path, err)
			}
			for _, m := range l.members(m) {
				it, ok := l.item(m)
				if _, dup := order[it.ID]; !ok || dup {
					continue
				}
				order[it.ID] = it.Name
				if l.sort != "" {
					order[it.ID] = plain(m[l.sort])
				}
				out = append(out, it)
			}
		}
		if len(e.Data) == 0 || number >= e.Meta.TotalNumberOfPages {
			break
		}
	}
	slices.SortFunc(out, func(a, b sdk.ListItem) int {
		if c := strings.Compare(order[a.ID], order[b.ID]); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// members are the records of one answer: itself, or with items those below it, each telling whose it is.
func (l list) members(m map[string]any) []map[string]any {
	if l.items == "" {
		return []map[string]any{m}
	}
	var out []map[string]any
	below, _ := m[l.items].([]any)
	for _, e := range below {
		if item, ok := e.(map[string]any); ok {
			item["Number"] = m["Number"]
			item["Center"] = m["Name"]
			out = append(out, item)
		}
	}
	return out
}

func (l list) item(m map[string]any) (sdk.ListItem, bool) {
	it := sdk.ListItem{ID: plain(m[l.id]), Attributes: map[string]string{}}
	for _, t := range l.title {
		if it.Name = plain(m[t]); it.Name != "" {
			break
		}
	}
	for attribute, member := range l.attributes {
		if v := plain(m[member]); v != "" {
			it.Attributes[attribute] = v
		}
	}
	for _, attribute := range []string{"from", "to"} { // fiscal years come with and without a time
		if d, err := record.ParseDate(it.Attributes[attribute]); err == nil {
			it.Attributes[attribute] = d.String()
		}
	}
	if from := it.Attributes["from"]; from != "" && l.sort == "StartDate" {
		it.Name = from + " – " + it.Attributes["to"]
	}
	if it.Name == "" {
		it.Name = it.ID
	}
	return it, it.ID != ""
}

// plain writes a JSON scalar as text; numbers in canonical form.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		if d, ok := number(v); ok {
			return d.String()
		}
	}
	return ""
}

// company is what /companysettings tells [OA26 CompanySettingsApi].
type company struct {
	Name                     string
	CountryCode              string
	CurrencyCode             string
	VatCode                  string
	CorporateIdentityNumber  string
	CompanyIdentifier        string
	TermsOfPaymentID         string `json:"TermsOfPaymentId"`
	ProductVariant           int
	CompanyStatus            *int
	DomesticCurrencyRounding int
	ActivatedModules         []string
	ShowPricesExclVatPC      *bool
	UsesMoss                 *bool
	AccountingLockedTo       string
}

// variants are the product variants [OA26].
var variants = map[int]string{1: "standard", 2: "invoicing", 3: "bookkeeping", 4: "solo", 5: "pro", 6: "invoicing_collaboration"}

// statuses are the company's states [OA26].
var statuses = map[int]string{0: "inactive", 1: "active", 2: "read_only"}

func (c *connection) company(ctx context.Context) (company, error) {
	resp, err := c.call(ctx, http.MethodGet, "companysettings", nil, nil, time.Time{}, "the company's settings")
	if err != nil {
		return company{}, err
	}
	var out company
	if err := json.Unmarshal(resp.Body, &out); err != nil || out.Name == "" {
		return company{}, unreadable("the company's settings", err)
	}
	return out, nil
}

func (c *connection) companyItem(ctx context.Context) ([]sdk.ListItem, error) {
	s, err := c.company(ctx)
	if err != nil {
		return nil, err
	}
	it := sdk.ListItem{ID: s.CompanyIdentifier, Name: s.Name, Attributes: map[string]string{
		"country": s.CountryCode, "currency": s.CurrencyCode, "vat_number": s.VatCode, "terms_of_payment": s.TermsOfPaymentID,
		"modules": strings.Join(s.ActivatedModules, " "), "variant": variants[s.ProductVariant], "rounding": strconv.Itoa(s.DomesticCurrencyRounding),
	}}
	if on := s.countsStock() || c.stockSign(); on || len(s.ActivatedModules) > 0 {
		it.Attributes["stock_module"] = strconv.FormatBool(on)
	}
	if it.ID == "" {
		it.ID = s.Name
	}
	if s.CompanyStatus != nil {
		it.Attributes["status"] = statuses[*s.CompanyStatus]
	}
	if s.ShowPricesExclVatPC != nil {
		// What it means for IncludesVat is uncertain (facts 6.3): each document says for itself.
		it.Attributes["prices_excl_vat_private"] = strconv.FormatBool(*s.ShowPricesExclVatPC)
	}
	if s.UsesMoss != nil {
		it.Attributes["oss"] = strconv.FormatBool(*s.UsesMoss)
	}
	if d, ok := s.lockedTo(); ok {
		it.Attributes["locked_to"] = d.String()
	}
	for k, v := range it.Attributes {
		if v == "" {
			delete(it.Attributes, k)
		}
	}
	return []sdk.ListItem{it}, nil
}

// countsStock tells whether the stock module is active. Its name among the modules is not documented [?]: those of others do not have the word.
func (s company) countsStock() bool {
	return slices.ContainsFunc(s.ActivatedModules, func(m string) bool { return strings.Contains(strings.ToLower(m), "stock") })
}

// lockedTo is the day up to which the books are closed, if they are.
func (s company) lockedTo() (record.Date, bool) {
	d, err := record.ParseDate(s.AccountingLockedTo)
	return d, err == nil && d.Year() > 1900
}
