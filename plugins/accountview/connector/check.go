package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// checks collects the results of a preflight.
type checks struct{ list []sdk.CheckResult }

func (k *checks) ok(name, title, message string) {
	k.list = append(k.list, sdk.CheckResult{Name: name, Title: title, OK: true, Message: message})
}

func (k *checks) warn(name, title, message, remedy string) {
	k.list = append(k.list, sdk.CheckResult{Name: name, Title: title, OK: true, Warning: true, Message: message, Remedy: remedy})
}

func (k *checks) fail(name, title string, err error) {
	var e *sdk.Error
	if !errors.As(err, &e) {
		e = &sdk.Error{Cause: sdk.CausePluginFailed, Message: err.Error()}
	}
	remedy := e.Remedy
	if remedy == "" {
		remedy = "see the message"
	}
	k.list = append(k.list, sdk.CheckResult{Name: name, Title: title, Cause: e.Cause, Message: e.Error(), Remedy: remedy})
}

// Check implements sdk.Connection. Where the company itself cannot be reached, that is the only result: the rest would
// repeat it.
func (c *connection) Check(ctx context.Context) ([]sdk.CheckResult, error) {
	k := &checks{}
	c.forgetCompany()
	co, err := c.theCompany(ctx)
	if err != nil {
		k.fail("company", "AccountView can be reached and shows the company", err)
		return k.list, ctx.Err()
	}
	k.ok("company", "AccountView can be reached and shows the company", fmt.Sprintf("%s (%s)", strings.TrimSpace(co.Description), strings.TrimSpace(co.Code)))
	c.checkDictionary(ctx, k)
	c.checkYears(ctx, k)
	rights, rightsErr := c.rights(ctx)
	for _, o := range objects() {
		c.checkObject(ctx, k, c.cfg.objects[o.Name], rights, rightsErr)
	}
	c.checkMail(ctx, k)
	c.checkBooks(ctx, k)
	c.checkLists(ctx, k)
	return k.list, ctx.Err()
}

func (c *connection) checkDictionary(ctx context.Context, k *checks) {
	const name, title = "dictionary", "The data dictionary can be read"
	var likely, custom, found, unsure []string
	for _, o := range objects() {
		for _, tableName := range []string{c.cfg.objects[o.Name].table, c.cfg.objects[o.Name].lines} {
			if tableName == "" {
				continue
			}
			t, err := c.table(ctx, tableName)
			if err != nil {
				k.fail(name, title, err)
				return
			}
			if !t.dictionary {
				k.warn(name, title, t.reason+"; only fields that are certain are used", "give the AccountView user the right to read the data dictionary")
				return
			}
			for _, role := range slices.Sorted(maps.Keys(t.unsure)) {
				unsure = append(unsure, fmt.Sprintf("%s could be %s", role, strings.Join(t.unsure[role], " or ")))
			}
			for _, col := range t.cols {
				if col.Role != "" {
					found = append(found, fmt.Sprintf("%s is %s.%s", col.Role, t.name, col.Name))
				}
				switch {
				case col.Custom:
					custom = append(custom, t.name+"."+col.Name)
				case o.document && !col.certain:
					likely = append(likely, t.name+"."+col.Name)
				}
			}
		}
	}
	message := "orders have none of the uncertain fields (VAT code, discount, currency, payment condition …)"
	if len(likely) > 0 {
		message = "orders also have " + strings.Join(likely, ", ")
	}
	if len(custom) > 0 {
		message += "; custom fields: " + strings.Join(custom, ", ")
	}
	k.ok(name, title, message)
	const roleTitle = "Fields that each account names otherwise are found"
	message = "none was found by its label: neither bar code, unit, VAT code, texts, a block nor reservations of articles"
	if len(found) > 0 {
		message = strings.Join(found, "; ")
	}
	if len(unsure) > 0 {
		k.warn("field_roles", roleTitle, message+"; not used, since several fit: "+strings.Join(unsure, "; "), "say which in the setting field_roles, as in ean=ARTICLE.K1_EAN")
		return
	}
	k.ok("field_roles", roleTitle, message)
}

func (c *connection) checkYears(ctx context.Context, k *checks) {
	s, err := c.shape(ctx, Debtors)
	if err != nil {
		k.fail("years", "This year has an administration", err)
		return
	}
	today := c.today()
	missing, err := c.confirmMissing(ctx, s, today)
	switch {
	case err != nil:
		k.fail("years", "This year has an administration", err)
	case missing:
		k.fail("years", "This year has an administration", noAdministration(today))
	default:
		k.ok("years", "This year has an administration", fmt.Sprintf("%s can be booked", today))
	}
	january := record.NewDate(today.Year()+1, time.January, 1)
	missing, err = c.confirmMissing(ctx, s, january)
	const title = "The coming year has an administration"
	switch {
	case err != nil:
		k.fail("next_year", title, err)
	case missing && today.Time().Month() >= time.November:
		k.warn("next_year", title, fmt.Sprintf("documents from %s on will be held: that year has no administration yet", january), "create the administration of the new year in time")
	case missing:
		k.ok("next_year", title, "not yet")
	default:
		k.ok("next_year", title, fmt.Sprintf("%s can be booked", january))
	}
}

// right is an entry of the list of business objects.
type right struct {
	Code                         string
	InsertAllowed, UpdateAllowed bool
}

// rights lists what may be done per business object, by analogy with the list of system objects [C GO, U for the company's].
func (c *connection) rights(ctx context.Context) ([]right, error) {
	co, err := c.theCompany(ctx)
	if err != nil {
		return nil, err
	}
	body, err := c.read(ctx, "/accountviewbusinessobjects", co.ID)
	if err != nil {
		return nil, err
	}
	var list []right
	if body == nil || decode(body, &list) != nil {
		return nil, errors.New("the list of business objects cannot be read")
	}
	return list, nil
}

func (c *connection) checkObject(ctx context.Context, k *checks, o *object, rights []right, rightsErr error) {
	name := strings.ToLower(o.Name)
	title := fmt.Sprintf("%s (%s) can be read", o.Title, o.code)
	s, err := c.shape(ctx, o.Name)
	var a *answer
	if err == nil {
		a, err = c.get(ctx, &query{object: o.code, fields: s.columns(), bookDate: isoDay(c.today()), pageSize: sampleRows}, s.tables()...)
	}
	switch {
	case err != nil && o.document && !transient(err) && causeOf(err) != sdk.CauseRights && causeOf(err) != sdk.CauseNoAdministration:
		k.warn(name, title, fmt.Sprintf("%s cannot be read back: %v. What becomes of one whose answer is lost must then be decided by a person, and they are sent without looking whether they exist", strings.ToLower(o.Title), err),
			"give the AccountView user the right to read "+strings.ToLower(o.Title))
	case err != nil:
		k.fail(name, title, withoutIt(err, o))
	default:
		c.checkRow(ctx, k, s, a, name, title)
	}
	c.checkRights(k, o, rights, rightsErr)
}

// withoutIt adds to a missing right what stands still without it.
func withoutIt(err error, o *object) error {
	var e *sdk.Error
	if !errors.As(err, &e) || e.Cause != sdk.CauseRights {
		return err
	}
	told := *e
	told.Message += "; without it " + o.serves
	return &told
}

// checkRow looks at the one row that was read: whether its lines come along, and whether it can be found by its key.
func (c *connection) checkRow(ctx context.Context, k *checks, s *shape, a *answer, name, title string) {
	recs := s.records(a, c.cfg.zone)
	if len(recs) == 0 {
		k.ok(name, title, "there are none yet")
		return
	}
	i := slices.IndexFunc(recs, func(r record.Record) bool { return !r.Get(s.Key).IsEmpty() })
	if i < 0 {
		k.ok(name, title, "none of those read has "+s.Key+" filled, so it was not tried to find one by it")
		return
	}
	rec := recs[i]
	key := rec.Get(s.Key)
	if s.document && rec.Get(s.within).IsAbsent() {
		k.warn(name, title, fmt.Sprintf("%s %s comes without its lines: what was booked cannot be verified line by line", s.code, key), "compare the first documents by eye")
		return
	}
	found, err := c.Find(ctx, sdk.FindRequest{Object: s.Name, Keys: []sdk.Key{{Fields: []sdk.KeyField{{Name: s.Key, Value: key}}}}})
	switch {
	case !slices.Contains(s.Find, s.Key):
		k.ok(name, title, "")
	case err != nil:
		k.fail(name, title, err)
	case found[0].Status != sdk.Found:
		k.fail(name, title, &sdk.Error{Cause: sdk.CauseRefused, Field: s.Key, Message: fmt.Sprintf("%s %s was read, but looking it up by %s does not find it", s.code, key, s.Key),
			Remedy: "set pad_keys to true"})
	default:
		k.ok(name, title, fmt.Sprintf("%s %s was read and found by its key", s.Key, key))
	}
}

func (c *connection) checkRights(k *checks, o *object, rights []right, rightsErr error) {
	name := "write_" + strings.ToLower(o.Name)
	title := fmt.Sprintf("%s (%s) can be written", o.Title, o.code)
	i := slices.IndexFunc(rights, func(r right) bool { return strings.EqualFold(strings.TrimSpace(r.Code), o.code) })
	switch {
	case rightsErr != nil:
		k.warn(name, title, "AccountView does not tell which objects may be written; the first write will show it", "none needed")
	case i < 0:
		k.warn(name, title, fmt.Sprintf("AccountView does not list the business object %s; the module may be missing", o.code), "have the module activated, or correct the setting "+o.setting)
	case o.Create && !rights[i].InsertAllowed || o.Update && !rights[i].UpdateAllowed:
		k.fail(name, title, withoutIt(&sdk.Error{Cause: sdk.CauseRights, Message: fmt.Sprintf("AccountView does not allow to write %s (insert %t, update %t)", strings.ToLower(o.Title), rights[i].InsertAllowed, rights[i].UpdateAllowed),
			Remedy: "give the AccountView user the rights for this function"}, o))
	default:
		k.ok(name, title, "")
	}
}

func (c *connection) checkMail(ctx context.Context, k *checks) {
	const name, title = "mail_case", "Debtors are found by e-mail whatever its case"
	s, err := c.shape(ctx, Debtors)
	if err != nil {
		return // told by the object's own check
	}
	col, ok := s.head.column("MAIL_BUS")
	if !ok {
		k.warn(name, title, "debtors have no field MAIL_BUS here", "match customers by another field")
		return
	}
	folds, err := c.foldsMail(ctx, s, c.today(), col)
	c.mu.Lock()
	known := c.mailFolds != nil
	c.mu.Unlock()
	switch {
	case err != nil && transient(err):
		k.fail(name, title, err)
	case err != nil:
		k.warn(name, title, fmt.Sprintf("this could not be tried: %v", err), "write e-mail addresses in small letters in AccountView")
	case !known:
		k.ok(name, title, "no debtor has an e-mail address to try it with yet")
	case !folds:
		k.warn(name, title, "AccountView minds the case: addresses are asked for as given, in small letters and with a capital; one written otherwise is not found", "write e-mail addresses in small letters in AccountView")
	default:
		k.ok(name, title, "")
	}
}

// checkAccounts looks whether ledger accounts can be read, from which collective and turnover accounts are chosen.
func (c *connection) checkAccounts(ctx context.Context, k *checks) {
	const name, title = "ledger_accounts", "Ledger accounts can be read"
	accounts, err := c.List(ctx, ListLedgerAccounts)
	switch {
	case err != nil:
		k.fail(name, title, withoutIt(err, &object{serves: "collective and turnover accounts must be typed by hand"}))
	case len(accounts) == 0:
		k.warn(name, title, "the company has no ledger accounts", "set them up in AccountView")
	default:
		k.ok(name, title, fmt.Sprintf("%d accounts", len(accounts)))
	}
}

// checkNumbers warns of sales daybooks that number their pages themselves: what an invoice's own number becomes there is not known.
func checkNumbers(k *checks, daybooks []sdk.ListItem) {
	const name, title = "invoice_numbers", "Invoices keep their numbers"
	var own []string
	for _, d := range daybooks {
		if d.Attributes["sales"] == "true" && d.Attributes["numbers_itself"] == "true" {
			own = append(own, d.ID+" "+d.Name)
		}
	}
	if len(own) > 0 {
		k.warn(name, title, "numbers are given out automatically in "+strings.Join(own, ", ")+": AccountView may put its own number in place of the invoice's", "use a sales daybook that takes the number as it is")
		return
	}
	k.ok(name, title, "")
}

// checkBooks looks at what the flows need of the books: VAT codes, and the sales daybook that shows how prices are meant.
func (c *connection) checkBooks(ctx context.Context, k *checks) {
	codes, err := c.List(ctx, ListVATCodes)
	const vatTitle = "VAT codes can be read"
	switch {
	case err != nil:
		k.fail("vat_codes", vatTitle, withoutIt(err, &object{serves: "invoices do not travel, and no VAT code can be chosen"}))
	case len(codes) == 0:
		k.warn("vat_codes", vatTitle, "the company has no VAT codes", "set them up in AccountView")
	default:
		k.ok("vat_codes", vatTitle, fmt.Sprintf("%d codes", len(codes)))
	}
	const title = "The sales daybook shows how prices are meant"
	daybooks, err := c.List(ctx, ListDaybooks)
	if err != nil {
		k.fail("daybook", title, withoutIt(err, &object{serves: "invoices do not travel, and orders need price_basis set by hand"}))
		return
	}
	c.checkAccounts(ctx, k)
	checkNumbers(k, daybooks)
	var sales []string
	bases := map[string]bool{}
	for _, d := range daybooks {
		if d.Attributes["sales"] == "true" {
			basis := "without VAT (net)"
			if d.Attributes["gross"] == "true" {
				basis = "with VAT (gross)"
			}
			bases[basis] = true
			sales = append(sales, fmt.Sprintf("%s %s: prices %s", d.ID, d.Name, basis))
		}
	}
	switch {
	case len(sales) == 0:
		k.warn("daybook", title, "no daybook is recognised as a sales daybook; prices are taken to be without VAT", "set price_basis in the flow")
	case len(bases) > 1:
		k.warn("daybook", title, strings.Join(sales, "; "), "the sales daybooks differ: set price_basis in the flow")
	default:
		k.ok("daybook", title, strings.Join(sales, "; "))
	}
}
