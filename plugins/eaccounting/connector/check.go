package connector

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	sdk "github.com/pomost/pomost/sdk/connector"
)

// Check implements sdk.Connection. It only reads: whether the right to write is there shows at the first write.
func (c *connection) Check(ctx context.Context) ([]sdk.CheckResult, error) {
	s, err := c.company(ctx)
	if err != nil {
		e := sdk.AsError(err)
		if e.Cause != sdk.CauseRights {
			return nil, err // nothing else would answer either
		}
		return []sdk.CheckResult{broken("company", "The company can be reached", e)}, nil
	}
	out := []sdk.CheckResult{
		{Name: "company", Title: "The company can be reached", OK: true, Message: fmt.Sprintf("%s (%s, %s)", s.Name, s.CountryCode, s.CurrencyCode)},
		s.checkStatus(),
		s.checkVariant(),
		s.checkLocked(),
	}
	if c.readOnly {
		out = append(out, sdk.CheckResult{Name: "write_scope", Title: "Something can be written", OK: true, Warning: true, Cause: sdk.CauseRights,
			Message: "the setting scopes has no ea:sales, so this connection can only be read from",
			Remedy:  "none where it is only a source; else add ea:sales and authorise the connection again"})
	}
	for _, o := range objects {
		r, err := c.checkObject(ctx, o)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	stock, err := c.checkStock(ctx, s)
	if err != nil {
		return nil, err
	}
	out = append(out, stock)
	for _, l := range []struct{ name, title, why string }{
		{"article_codings", "Article account codings can be read", "articles cannot be made without them"},
		{"terms_of_payment", "Terms of payment can be read", "customers cannot be made without them"},
		{"fiscal_years", "Fiscal years can be read", "without them nobody is warned of a year that is missing"},
		{"bank_accounts", "Bank accounts can be read", "only booking payments needs them"},
	} {
		items, err := c.List(ctx, l.name)
		e := sdk.AsError(err)
		switch {
		case err == nil && len(items) > 0:
			out = append(out, sdk.CheckResult{Name: l.name, Title: l.title, OK: true})
		case err == nil:
			out = append(out, sdk.CheckResult{Name: l.name, Title: l.title, OK: true, Warning: true, Message: "there are none; " + l.why, Remedy: "make one in eAccounting"})
		case e.Cause == sdk.CauseRights || e.Cause == sdk.CauseRefused:
			out = append(out, sdk.CheckResult{Name: l.name, Title: l.title, OK: true, Warning: true, Cause: e.Cause, Message: e.Error() + "; " + l.why, Remedy: e.Remedy})
		default:
			return nil, err
		}
	}
	return out, nil
}

func broken(name, title string, e *sdk.Error) sdk.CheckResult {
	return sdk.CheckResult{Name: name, Title: title, Cause: e.Cause, Message: e.Error(), Remedy: e.Remedy}
}

// checkObject asks for one record, in the way in which changes are read.
func (c *connection) checkObject(ctx context.Context, o *object) (sdk.CheckResult, error) {
	res := sdk.CheckResult{Name: o.Name, Title: o.Title + " can be read", OK: true}
	q := url.Values{}
	if o.stamp != "" {
		q = url.Values{"$filter": {o.stamp + " ge " + instantText(earliest)}, "$orderby": {o.stamp}}
	}
	_, err := c.rawPage(ctx, o.path, q, 1, 1)
	if refusedQuery(err) {
		res.Warning = true
		res.Message = "changes cannot be asked for by their time, so the whole list is read each time"
		res.Remedy = "none needed; let the flow run less often if that takes long"
		_, err = c.rawPage(ctx, o.path, url.Values{}, 1, 1)
	}
	if err == nil {
		return res, nil
	}
	e := sdk.AsError(err)
	if e.Cause != sdk.CauseRights && e.Cause != sdk.CauseRefused {
		return res, err
	}
	if o.optional {
		return sdk.CheckResult{Name: res.Name, Title: res.Title, OK: true, Warning: true, Cause: e.Cause, Message: e.Error() + "; no flow of ours needs them", Remedy: e.Remedy}, nil
	}
	return broken(res.Name, res.Title, e), nil
}

func (s company) checkStatus() sdk.CheckResult {
	r := sdk.CheckResult{Name: "company_status", Title: "The company is active", OK: true}
	if s.CompanyStatus == nil {
		return r
	}
	switch *s.CompanyStatus {
	case 0:
		r.OK, r.Cause, r.Message, r.Remedy = false, sdk.CauseRights, "the company is not active", "activate it in eAccounting"
	case 2:
		r.Warning, r.Cause, r.Message, r.Remedy = true, sdk.CauseRights, "the company can only be read", "end the read-only state in eAccounting before anything is written"
	}
	return r
}

// checkVariant warns where orders are not included: the module has had two names [OA26, SW20].
func (s company) checkVariant() sdk.CheckResult {
	r := sdk.CheckResult{Name: "order_module", Title: "The company has orders", OK: true}
	if len(s.ActivatedModules) == 0 || slices.ContainsFunc(s.ActivatedModules, func(m string) bool {
		return strings.EqualFold(m, "sales_standard") || strings.EqualFold(m, "order_standard")
	}) {
		return r
	}
	r.Warning, r.Cause = true, sdk.CauseRights
	r.Message = fmt.Sprintf("neither sales_standard nor order_standard is among the modules (variant %s)", variants[s.ProductVariant])
	r.Remedy = "orders need the variant Pro, Standard or Invoicing; without them let the flow read invoices"
	return r
}

func (s company) checkLocked() sdk.CheckResult {
	r := sdk.CheckResult{Name: "books_open", Title: "The books are open", OK: true}
	if d, ok := s.lockedTo(); ok {
		r.Message = "closed up to and including " + d.String()
	}
	return r
}
