package flow

import (
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/connector"
)

// Lists tells where a flow of products or stock finds the reference values that it chooses from.
type Lists struct {
	// PriceBasis tells of the source whether its prices include VAT: "true" or "false".
	PriceBasis ListFact
	// VATRates are the percentages of the source's VAT codes.
	VATRates ListFact
	// CountsStock tells of the destination whether it counts its stock itself: then a quantity cannot be set.
	CountsStock ListFact
	Codings     CodingList
	Units       UnitList
	// Deliveries are the source's ways of delivery, Methods the attributes by which its terms of payment tell how they are paid.
	Deliveries NamedList
	Methods    []string
}

// NamedList is a reference list whose items have further names in some attributes.
type NamedList struct {
	List  string
	Names []string
}

// CodingList describes the destination's list of codings, which decide the VAT of an article. Rate, Type and Active are attributes, Goods
// and Service values of Type.
type CodingList struct{ List, Rate, Type, Active, Goods, Service string }

// UnitList describes the destination's list of units. Names are attributes by which a unit is called too, Piece the names of the unit that is
// taken where none is known.
type UnitList struct {
	List  string
	Names []string
	Piece []string
}

// Item finds an item of a list by its id, its name or, where these are given, further attributes, without minding letter case.
func Item(items []connector.ListItem, word string, names ...string) (connector.ListItem, bool) {
	for _, by := range append([]string{"", "\x00"}, names...) {
		i := slices.IndexFunc(items, func(it connector.ListItem) bool {
			switch by {
			case "":
				return strings.EqualFold(it.ID, word)
			case "\x00":
				return strings.EqualFold(strings.TrimSpace(it.Name), strings.TrimSpace(word))
			}
			return it.Attributes[by] != "" && strings.EqualFold(it.Attributes[by], word)
		})
		if i >= 0 {
			return items[i], true
		}
	}
	return connector.ListItem{}, false
}

// lists reads the section of that name.
func (d *decoder) lists(n *node) Lists {
	var l Lists
	if n == nil || !d.object(n, "lists", "price_basis", "vat_rates", "counts_stock", "codings", "units", "deliveries", "methods") {
		return l
	}
	fact := func(key string) ListFact { return d.listFact(n.get(key), "lists."+key) }
	l.PriceBasis, l.VATRates, l.CountsStock = fact("price_basis"), fact("vat_rates"), fact("counts_stock")
	if c := n.get("codings"); c != nil && d.object(c, "lists.codings", "list", "rate", "type", "active", "goods", "service") {
		word := func(key string) string { return d.word(c.get(key), "lists.codings."+key) }
		l.Codings = CodingList{List: word("list"), Rate: word("rate"), Type: word("type"), Active: word("active"), Goods: word("goods"), Service: word("service")}
	}
	if x := n.get("deliveries"); x != nil && d.object(x, "lists.deliveries", "list", "names") {
		l.Deliveries = NamedList{List: d.word(x.get("list"), "lists.deliveries.list"), Names: d.words(x.get("names"), "lists.deliveries.names")}
	}
	l.Methods = d.words(n.get("methods"), "lists.methods")
	if u := n.get("units"); u != nil && d.object(u, "lists.units", "list", "names", "piece") {
		l.Units = UnitList{List: d.word(u.get("list"), "lists.units.list"), Names: d.words(u.get("names"), "lists.units.names"), Piece: d.words(u.get("piece"), "lists.units.piece")}
	}
	return l
}
