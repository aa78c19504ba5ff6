package connector

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// The reference lists.
const (
	ListCompanies      = "companies"
	ListCompany        = "company"
	ListVATCodes       = "vat_codes"
	ListLedgerAccounts = "ledger_accounts"
	ListDaybooks       = "daybooks"
	ListPeriods        = "periods"
	ListYears          = "years"
	ListCostCentres    = "cost_centres"
	ListProjects       = "projects"
	ListArticleGroups  = "article_groups"
)

var listNames = append([]string{ListCompanies, ListCompany, ListVATCodes, ListLedgerAccounts, ListDaybooks, ListPeriods, ListYears, ListCostCentres, ListProjects, ListArticleGroups}, foundNames()...)

func foundNames() (names []string) {
	for _, f := range foundLists {
		names = append(names, f.list)
	}
	return names
}

// maxItems bounds a list.
const maxItems = 50_000

// source is a business object that serves as a list.
type source struct {
	code, table string
	system      bool
	id, name    string            // columns
	attributes  map[string]string // by column
}

// sources are the lists that are plain tables (facts B1, B2).
var sources = map[string]source{
	ListVATCodes: {code: "VA1", table: "VAT", id: "VAT_CODE", name: "VAT_NAME", attributes: map[string]string{
		"VAT_PCT": "rate", "VAT_TYPE": "type", "CALC_TYPE": "calculation", "FRM_CODE": "form", "IS_REVERSE": "reverse", "VAT_ACCT": "account", "VAT_LINK": "linked"}},
	ListLedgerAccounts: {code: "GL1", table: "LEDGER", id: "ACCT_NR", name: "ACCT_NAME", attributes: map[string]string{
		"ACCT_TYPE": "type", "ACCT_LINK": "collective", "VAT_CODE": "vat_code", "STAT_SELL": "turnover", "REC_BLK": "blocked"}},
	ListDaybooks: {code: "DJ1", table: "DAILY", id: "DJ_CODE", name: "DJ_NAME", attributes: map[string]string{
		"DJ_TYPE": "type", "DJ_TYPEV": "type_name", "GROSS_FLG": "gross", "CUR_CODE": "currency", "DJ_ACCT": "account", "CNG_BLK": "blocked", "NUM_AUTO": "numbers_itself"}},
	ListCostCentres:   {code: "CC1", table: "COST", id: "COST_CODE", name: "COST_DESC", attributes: map[string]string{"COST_TYPE": "type"}},
	ListProjects:      {code: "PJ1", table: "PROJECTS", id: "PROJ_CODE", name: "PROJ_DESC", attributes: map[string]string{"PRO_STAT": "status", "BEG_DATE": "begin", "END_DATE": "end"}},
	ListArticleGroups: {code: "AG1", table: "ART_GRP", id: "AG_CODE", name: "AG_DESC"},
}

// List implements sdk.Connection.
func (c *connection) List(ctx context.Context, name string) ([]sdk.ListItem, error) {
	switch name {
	case ListCompanies:
		list, err := c.companies(ctx)
		if err != nil {
			return nil, err
		}
		items := make([]sdk.ListItem, len(list))
		for i, co := range list {
			items[i] = companyItem(co)
		}
		return items, nil
	case ListCompany:
		return c.listCompany(ctx)
	case ListPeriods:
		return c.listPeriods(ctx)
	case ListYears:
		return c.listYears(ctx)
	}
	if f, ok := foundList(name); ok {
		return c.listFound(ctx, f)
	}
	src, ok := sources[name]
	if !ok {
		return nil, &sdk.Error{Cause: sdk.CausePluginFailed, Message: fmt.Sprintf("the AccountView connector has no list %s", quote(name)), Remedy: "use one of " + strings.Join(listNames, ", ")}
	}
	items, err := c.listSource(ctx, src)
	if name == ListDaybooks {
		for _, item := range items {
			item.Attributes["sales"] = strconv.FormatBool(salesDaybook(item))
		}
	}
	return items, err
}

// listSource answers a plain table as a list; a row without a name is called by its id.
func (c *connection) listSource(ctx context.Context, src source) ([]sdk.ListItem, error) {
	t, err := c.table(ctx, src.table)
	if err != nil {
		return nil, err
	}
	rows, err := c.all(ctx, src, t)
	if err != nil {
		return nil, err
	}
	items := make([]sdk.ListItem, 0, len(rows))
	for _, r := range rows {
		item := sdk.ListItem{ID: r.text(src.id), Name: r.text(src.name), Attributes: c.attributes(t, r, src.attributes)}
		if item.Name == "" {
			item.Name = item.ID
		}
		items = append(items, item)
	}
	return items, nil
}

func companyItem(co company) sdk.ListItem {
	return sdk.ListItem{ID: strings.TrimSpace(co.ID), Name: strings.TrimSpace(co.Description), Attributes: map[string]string{
		"code": strings.TrimSpace(co.Code), "id": strings.TrimSpace(co.ID), "description": strings.TrimSpace(co.Description)}}
}

// attributes picks the filled columns under their list's names.
func (c *connection) attributes(t *table, r row, names map[string]string) map[string]string {
	out := map[string]string{}
	for column, name := range names {
		col, ok := t.column(column)
		if !ok {
			continue
		}
		if v := r.value(col, c.cfg.zone); !v.IsEmpty() {
			out[name] = v.String()
		}
	}
	return out
}

// salesWords tell a sales daybook by its type's or its own name: what the numbers of DJ_TYPE mean is not documented.
var salesWords = re(`verkoop|sales`)

func salesDaybook(item sdk.ListItem) bool {
	if t := item.Attributes["type_name"]; t != "" {
		return salesWords.MatchString(t)
	}
	return salesWords.MatchString(item.Name)
}

// all reads a table to its end, in the order of its ids, as it is today. In the first days of January the new year may not be there
// yet; without a date AccountView takes the latest one, so that the documents of the old year can still go.
func (c *connection) all(ctx context.Context, src source, t *table) ([]row, error) {
	rows, err := c.allAt(ctx, src, t, c.today())
	if causeOf(err) == sdk.CauseNoAdministration {
		return c.allAt(ctx, src, t, 0)
	}
	return rows, err
}

// allAt is all in the administration of a date; 0 leaves it to AccountView.
func (c *connection) allAt(ctx context.Context, src source, t *table, at record.Date) ([]row, error) {
	if len(t.cols) == 0 {
		return nil, &sdk.Error{Cause: sdk.CauseRights, Message: fmt.Sprintf("nothing is known of the table %s: %s", src.table, t.reason), Remedy: "see the connection's check"}
	}
	fields := []string{}
	for _, col := range t.cols {
		_, attribute := src.attributes[col.Name]
		if attribute || col.Name == src.id || col.Name == src.name {
			fields = append(fields, col.Name)
		}
	}
	q := &query{system: src.system, object: src.code, fields: fields, pageSize: c.cfg.pageSize}
	if !src.system && at != 0 {
		q.bookDate = isoDay(at)
	}
	var out []row
	seen := map[string]bool{}
	for {
		a, err := c.get(ctx, q, t)
		if err != nil {
			return nil, err
		}
		rows := a.rows(src.table)
		fresh := 0
		for _, r := range rows {
			if id := r.text(src.id); id != "" && !seen[id] {
				seen[id] = true
				fresh++
				out = append(out, r)
			}
		}
		if len(out) > maxItems {
			return nil, &sdk.Error{Cause: sdk.CauseRefused, Message: fmt.Sprintf("%s has more than %d rows", src.table, maxItems), Remedy: "see the connection's check"}
		}
		if len(rows) < q.pageSize || fresh == 0 {
			break
		}
		q.page = max(q.page, 1) + 1
	}
	slices.SortStableFunc(out, func(a, b row) int { return strings.Compare(a.text(src.id), b.text(src.id)) })
	return out, nil
}

// listCompany answers the one company. Country and currency have no column of their own in the facts: the country is that
// of the VAT number's prefix, the currency that of the sales daybook, where these say so.
func (c *connection) listCompany(ctx context.Context) ([]sdk.ListItem, error) {
	co, err := c.theCompany(ctx)
	if err != nil {
		return nil, err
	}
	item := companyItem(*co)
	src := source{code: "CMP1", table: "COMP_HDR", id: "COMP_ID", name: "COMP_DESC", attributes: map[string]string{"VAT_NR": "vat_number", "KVK_NR": "coc_number"}}
	t, err := c.table(ctx, src.table)
	if err != nil {
		return nil, err
	}
	rows, err := c.all(ctx, src, t)
	if err != nil && transient(err) {
		return nil, err
	}
	for _, r := range rows {
		if len(rows) > 1 && !strings.EqualFold(r.text(src.id), item.Attributes["code"]) {
			continue
		}
		for name, v := range c.attributes(t, r, src.attributes) {
			item.Attributes[name] = v
		}
	}
	if v := item.Attributes["vat_number"]; len(v) > 2 && countryPrefix.MatchString(v) {
		item.Attributes["country"] = strings.NewReplacer("EL", "GR", "XI", "GB").Replace(v[:2])
	}
	daybooks, err := c.List(ctx, ListDaybooks)
	if err != nil && transient(err) {
		return nil, err
	}
	for _, d := range daybooks {
		if cur := d.Attributes["currency"]; cur != "" && d.Attributes["sales"] == "true" {
			item.Attributes["currency"] = cur
			break
		}
	}
	return []sdk.ListItem{item}, nil
}

var countryPrefix = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z]`)

// periodSource tells where periods are read. Of ADM_PER only the key is known [C GO, RB]: its other columns are found in the
// dictionary by type and label.
func (c *connection) periodSource(ctx context.Context) (source, *table, error) {
	t, err := c.table(ctx, "ADM_PER")
	if err != nil {
		return source{}, nil, err
	}
	src := source{code: "PER", table: "ADM_PER", id: "REC_ID", attributes: map[string]string{}}
	for _, col := range t.cols {
		word := strings.ToLower(col.Label + " " + col.Name)
		kind := kindOf(col.typ)
		switch {
		case slices.Contains(stamps, col.Name):
		case (kind == record.KindDate || kind == record.KindInstant) && (strings.Contains(word, "beg") || strings.Contains(word, "start")):
			src.attributes[col.Name] = "begin"
		case (kind == record.KindDate || kind == record.KindInstant) && (strings.Contains(word, "eind") || strings.Contains(word, "end")):
			src.attributes[col.Name] = "end"
		case (kind == record.KindDecimal || kind == record.KindInteger) && strings.Contains(word, "perio"):
			src.attributes[col.Name] = "period"
		case kind == record.KindBool && re(closed).MatchString(word):
			src.attributes[col.Name] = "closed"
		}
	}
	return src, t, nil
}

// listPeriods answers the periods of today's year.
func (c *connection) listPeriods(ctx context.Context) ([]sdk.ListItem, error) {
	src, t, err := c.periodSource(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.all(ctx, src, t)
	if err != nil {
		return nil, err
	}
	items := make([]sdk.ListItem, 0, len(rows))
	for _, r := range rows {
		a := c.attributes(t, r, src.attributes)
		items = append(items, sdk.ListItem{ID: r.text(src.id), Name: a["period"], Attributes: a})
	}
	return items, nil
}

var yearPattern = regexp.MustCompile(`(19|20)\d\d`)

// listYears answers the year administrations: by ADL where it can be read, else by trying the years around today.
func (c *connection) listYears(ctx context.Context) ([]sdk.ListItem, error) {
	t, err := c.table(ctx, "ADM_LIST")
	if err != nil {
		return nil, err
	}
	src := source{code: "ADL", table: "ADM_LIST", system: true, id: "ADM_CODE", name: "ADM_DESC", attributes: map[string]string{
		"ADM_PREV": "previous", "ATS_YEAR": "fiscal_year", "ADM_ARCH": "archived", "SYNC_LOG": "exchanges_master_data"}}
	rows, err := c.all(ctx, src, t)
	if err != nil && transient(err) {
		return nil, err
	}
	var items []sdk.ListItem
	for _, r := range rows {
		item := sdk.ListItem{ID: r.text(src.id), Name: r.text(src.name), Attributes: c.attributes(t, r, src.attributes)}
		for _, text := range []string{item.Attributes["fiscal_year"], item.Name, item.ID} {
			if y := yearPattern.FindString(text); y != "" {
				item.Attributes["year"] = y
				break
			}
		}
		items = append(items, item)
	}
	if len(items) > 0 {
		return items, nil
	}
	s, err := c.shape(ctx, Debtors)
	if err != nil {
		return nil, err
	}
	for by := -2; by <= 1; by++ {
		d := shiftYear(c.today(), by)
		missing, err := c.confirmMissing(ctx, s, d)
		if err != nil {
			return nil, err
		}
		if !missing {
			y := strconv.Itoa(d.Year())
			items = append(items, sdk.ListItem{ID: y, Name: y, Attributes: map[string]string{"year": y}})
		}
	}
	return items, nil
}
