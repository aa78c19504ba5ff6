package connector

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// found is a list whose business object nobody's code shows (facts B1): it is looked for in the data dictionary, by the name of its
// table where that is known and else by its label, and can be named by hand.
type found struct {
	list    string
	setting string
	title   string
	table   string         // DBF_NAME, where it is known
	label   *regexp.Regexp // of DBF_DESC, which is Dutch as AccountView is
	// id and name are columns where they are known; else the first short text labelled as a code, the first labelled as a name.
	id, name   string
	attributes map[string]string
}

// The lists that are looked for.
const (
	ListOpenItems       = "open_items"
	ListPaymentTerms    = "payment_terms"
	ListPaymentMethods  = "payment_methods"
	ListShippingMethods = "shipping_methods"
	ListWarehouses      = "warehouses"
	ListPriceLists      = "price_lists"
	ListContacts        = "contact_persons"
	ListQuotes          = "quotes"
	ListRevenue         = "revenue_categories"
)

var foundLists = []found{
	{list: ListOpenItems, setting: "list_open_items", title: "open items", table: "OPENITEM", id: "SUB_INV", name: "INV_NR", attributes: map[string]string{
		"DR_AMT": "amount", "ITEM_REST": "open", "ITEM_AGE": "days", "CRED_DAYS": "term", "ITEM_EXPDS": "overdue", "DATE_PAID": "paid_on"}},
	{list: ListPaymentTerms, setting: "list_payment_terms", title: "payment conditions", label: re(`^(betalings?|betaal)condities?$`), id: "DISC_CODE", name: "DISC_DESC",
		attributes: map[string]string{"CRED_DAYS": "days", "DISC_DAYS": "discount_days"}},
	{list: ListPaymentMethods, setting: "list_payment_methods", title: "payment methods", label: re(`^betaal(wijzen?|methoden?|methodes)$`), id: "PAY_TYPE"},
	{list: ListShippingMethods, setting: "list_shipping_methods", title: "shipping methods", label: re(`^(vervoers|verzend)(methoden?|methodes|wijzen?)$`), id: "SHIP_MTH"},
	{list: ListWarehouses, setting: "list_warehouses", title: "warehouses", label: re(`^(magazijnen|magazijn|voorraadlocaties?)$`)},
	{list: ListPriceLists, setting: "list_price_lists", title: "price lists", label: re(`^prijslijsten$`), id: "APX_LIST"},
	{list: ListContacts, setting: "list_contact_persons", title: "contact persons", label: re(`^contactpersonen$`)},
	{list: ListRevenue, setting: "list_revenue_categories", title: "revenue categories", label: re(`^omzetcategorie(ën|en)$`), id: "REV_CAT"},
	{list: ListQuotes, setting: "list_quotes", title: "quotes", table: "QT_HDR"},
}

func foundList(name string) (found, bool) {
	i := slices.IndexFunc(foundLists, func(f found) bool { return f.list == name })
	if i < 0 {
		return found{}, false
	}
	return foundLists[i], true
}

// by tells how an account's table was found, for Check.
type by struct {
	source source
	how    string   // "" where it was not found
	unsure []string // tables of which any could be meant
}

// locate finds a list's business object. Errors are those of the way to AccountView.
func (c *connection) locate(ctx context.Context, f found) (by, error) {
	src := source{id: f.id, name: f.name, attributes: f.attributes}
	var how string
	if named := c.cfg.lists[f.list]; named.code != "" {
		src.code, src.table, how = named.code, named.table, "named by hand"
		if named.id != "" {
			src.id, src.name = named.id, named.name
		}
	} else {
		tables, err := c.directory(ctx)
		if err != nil {
			return by{}, err
		}
		var fit []entryOfTable
		for _, t := range tables {
			if t.object != "" && (f.table != "" && t.name == f.table || f.label != nil && f.label.MatchString(t.label)) {
				fit = append(fit, t)
			}
		}
		if len(fit) != 1 {
			out := by{}
			for _, t := range fit {
				out.unsure = append(out.unsure, fmt.Sprintf("%s/%s %s", t.object, t.name, t.label))
			}
			return out, nil
		}
		src.code, src.table, how = fit[0].object, fit[0].name, "found in the data dictionary as "+fit[0].label
	}
	t, err := c.table(ctx, src.table)
	if err != nil {
		return by{}, err
	}
	src.id, src.name = t.nameOr(src.id, codeLabel), t.nameOr(src.name, nameLabel)
	if src.id == "" {
		return by{unsure: []string{src.code + "/" + src.table + ", which has no column that is labelled as a code"}}, nil
	}
	return by{source: src, how: how}, nil
}

var (
	codeLabel = re(`code|nummer|nr\b`)
	nameLabel = re(`omschrijving|naam|tekst`)
)

// nameOr is the column that is asked for where the table has it, else the first text whose label fits, "" without one.
func (t *table) nameOr(name string, label *regexp.Regexp) string {
	if _, ok := t.column(name); ok {
		return name
	}
	for _, col := range t.cols {
		if kindOf(col.typ) == record.KindText && !slices.Contains(stamps, col.Name) && label.MatchString(col.Label) {
			return col.Name
		}
	}
	return ""
}

// entryOfTable is a row of the directory of tables (DCT_FILE).
type entryOfTable struct{ name, label, object string }

// directory lists the account's tables with their business objects [C GO, RB]. An account whose directory cannot be read has none.
func (c *connection) directory(ctx context.Context) ([]entryOfTable, error) {
	c.mu.Lock()
	known, at := c.files, c.filesAt
	c.mu.Unlock()
	if known != nil && c.now().Sub(at) < dictionaryLife {
		return known, nil
	}
	list := []entryOfTable{}
	q := &query{system: true, object: "DBF", pageSize: dictionaryPage, fields: []string{"DBF_NAME", "DBF_DESC", "OBJ_CODE"}}
	seen := map[string]bool{}
	for {
		a, err := c.get(ctx, q)
		if err != nil && transient(err) {
			return nil, err
		}
		if err != nil {
			break
		}
		rows, fresh := a.rows("DCT_FILE"), 0
		for _, r := range rows {
			t := entryOfTable{strings.ToUpper(strings.TrimSpace(r.text("DBF_NAME"))), strings.TrimSpace(r.text("DBF_DESC")), strings.ToUpper(strings.TrimSpace(r.text("OBJ_CODE")))}
			if t.name != "" && !seen[t.name] {
				seen[t.name] = true
				fresh++
				list = append(list, t)
			}
		}
		if len(rows) < q.pageSize || fresh == 0 || len(list) > maxColumns {
			break
		}
		q.page = max(q.page, 1) + 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files, c.filesAt = list, c.now()
	return list, nil
}

// listFound answers a list that is looked for; one that is not found is empty, and Check says so.
func (c *connection) listFound(ctx context.Context, f found) ([]sdk.ListItem, error) {
	at, err := c.locate(ctx, f)
	if err != nil || at.how == "" {
		return []sdk.ListItem{}, err
	}
	return c.listSource(ctx, at.source)
}

// checkLists tells which of the lists without a known object were found.
func (c *connection) checkLists(ctx context.Context, k *checks) {
	const name, title = "lists", "Lists that each account keeps elsewhere are found"
	var have, lack, unsure []string
	for _, f := range foundLists {
		at, err := c.locate(ctx, f)
		switch {
		case err != nil:
			k.fail(name, title, err)
			return
		case at.how != "":
			have = append(have, fmt.Sprintf("%s: %s (%s)", f.title, at.source.code, at.how))
		case len(at.unsure) > 0:
			unsure = append(unsure, fmt.Sprintf("%s could be %s (%s)", f.title, strings.Join(at.unsure, " or "), f.setting))
		default:
			lack = append(lack, fmt.Sprintf("%s (%s)", f.title, f.setting))
		}
	}
	message := strings.Join(have, "; ")
	if len(lack) > 0 {
		message = strings.TrimPrefix(message+"; not found: "+strings.Join(lack, ", "), "; ")
	}
	if len(unsure) > 0 {
		k.warn(name, title, message+"; not used, since several fit: "+strings.Join(unsure, "; "), "name the object in the setting beside it, as in BC1/BETCOND/DISC_CODE/DISC_DESC")
		return
	}
	k.ok(name, title, message)
}

// namedList is a list's object as it was named by hand.
type namedList struct{ code, table, id, name string }

var listPattern = regexp.MustCompile(`^[A-Z0-9_]{1,10}/[A-Z][A-Z0-9_]{0,9}(/[A-Z][A-Z0-9_]{0,9}){0,2}$`)

// namedLists reads the settings list_…, as in BC1/BETCOND/DISC_CODE/DISC_DESC.
func (p *parser) namedLists() map[string]namedList {
	out := map[string]namedList{}
	for _, f := range foundLists {
		v := strings.ToUpper(p.text(f.setting))
		if v == "" {
			continue
		}
		if !listPattern.MatchString(v) {
			p.problem(f.setting, quote(v)+" is not a code, a table and its columns", "write it as BC1/BETCOND/DISC_CODE/DISC_DESC")
			continue
		}
		parts := append(strings.Split(v, "/"), "", "")
		out[f.list] = namedList{parts[0], parts[1], parts[2], parts[3]}
	}
	return out
}
