package connector

import (
	"fmt"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// checkPage holds a daybook page against what must be true of any posting, before AccountView sees it. The amounts are the
// document's own: a VAT amount that is left out would be computed by AccountView, and then no longer be what the customer was
// charged. A page with a debtor is balanced on the debtor [C PAS]; one without must come to nothing by itself [C GO].
func checkPage(s *shape, rec record.Record) *sdk.Error {
	sum := decimal.Zero
	balanced := !rec.Get("SUB_NR").IsEmpty()
	for i, v := range rec.Get(s.within).AsList() {
		l, ok := v.AsRecord()
		if !ok {
			continue
		}
		amount, _ := l.Get("AMOUNT").AsDecimal()
		vat, stated := l.Get("VAT_AMT").AsDecimal()
		if !l.Get("VAT_CODE").IsEmpty() && !stated {
			return problem(sdk.CauseInvalidValue, "VAT_AMT", fmt.Sprintf("line %d: it has a VAT code and no VAT amount", i+1), "state VAT_AMT as the document charges it")
		}
		for _, d := range []decimal.Decimal{amount, vat} {
			if d.Places() > 2 {
				return problem(sdk.CauseInvalidValue, "AMOUNT", fmt.Sprintf("line %d: %s is no amount in whole cents", i+1, d), "round the amounts by the mapping, so that they add up to the document's total")
			}
		}
		sum = sum.Add(amount).Add(vat)
	}
	if !balanced && !sum.IsZero() {
		return problem(sdk.CauseInvalidValue, "AMOUNT", fmt.Sprintf("debit and credit differ by %s, and the page has no debtor to carry that", sum), "give the page its debtor (SUB_NR), or lines that come to nothing together")
	}
	return nil
}

// identity names a record among those that one look-up finds, "" where it has none.
func (s *shape) identity(r row) string {
	if s.same == nil {
		return r.text(s.Key)
	}
	id := ""
	for _, name := range s.same {
		if r.text(name) == "" {
			return ""
		}
		id += r.text(name) + "\x00"
	}
	return id
}
