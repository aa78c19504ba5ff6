package decide

import (
	"fmt"
	"sort"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Booked is what must agree between an order that was sent and one that is found: its date, its debtor, its rows and their sum.
// rec is in the destination's own fields, on its way out or read back.
func Booked(recipe *flow.Recipe, rec record.Record) map[string]string {
	b, _ := recipe.Canon("booked", rec)
	sum := decimal.Zero
	var rows []string
	for _, v := range b.Get("rows").AsList() {
		r, _ := v.AsRecord()
		qty, _ := r.Get("quantity").AsDecimal()
		price, _ := r.Get("price").AsDecimal()
		sum = sum.Add(qty.Mul(price).Round(cents))
		rows = append(rows, fmt.Sprintf("%s × %s @ %s", strings.ToUpper(strings.TrimSpace(r.Get("article").String())), qty, price))
	}
	sort.Strings(rows)
	date, _ := b.Get("date").AsDate()
	return map[string]string{"date": date.String(), "debtor": b.Get("debtor").String(), "rows": strings.Join(rows, "; "), "sum": sum.StringFixed(cents)}
}

// Compare tells where what is found differs from what is expected, "" when nothing does.
func Compare(expect, found map[string]string) string {
	var diff []string
	for _, k := range sortedNames(expect) {
		if expect[k] != found[k] {
			diff = append(diff, fmt.Sprintf("%s is %q instead of %q", k, found[k], expect[k]))
		}
	}
	return strings.Join(diff, "; ")
}
