package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Items is the MasterKind of products: what decisions about them depend on beside the record, as the run found it at its start.
type Items struct {
	Settings flow.ProductSettings
	// Currency is the destination company's, SourceCurrency the source's; "" when they do not tell.
	Currency, SourceCurrency string
	// Gross: the source's prices include VAT. BasisAssumed: whether they do could not be read, net was taken.
	Gross, BasisAssumed bool
	// PriceDecimals are those that the destination's prices keep.
	PriceDecimals int32
	// VATRates are the percentages of the source's VAT codes.
	VATRates map[string]decimal.Decimal
	// Codings and Units are the destination's, in the order in which they are listed; only active codings.
	Codings []Coding
	Units   []connector.ListItem
	// UnitList says how units are called.
	UnitList flow.UnitList
	// OwnCoding: the coding of an article that exists is left to the destination.
	OwnCoding bool
}

// Coding is what decides the VAT of an article in the destination.
type Coding struct {
	Key, Name string
	Rate      decimal.Decimal // percent
	Service   bool
}

// Words implements MasterKind.
func (*Items) Words() Words {
	return Words{Kind: "product", Target: "article", Missing: string(connector.CauseProductMissing),
		Taken: "article %s was made from, or belongs to, another product already: %s", TakenRemedy: "give each product a number and a bar code of its own"}
}

// Label is the product's code.
func (*Items) Label(canon record.Record) string { return canon.Get("code").String() }

// Wanted applies the filter: by each field one of its values.
func (k *Items) Wanted(_, source record.Record) string {
	for _, field := range sortedNames(k.Settings.Filter) {
		value := Fold(source.Get(field).String())
		if !slices.ContainsFunc(k.Settings.Filter[field], func(v string) bool { return sameValue(value, Fold(v)) }) {
			return "the filter leaves it out: " + field + " is " + quoted(source.Get(field).String())
		}
	}
	return ""
}

// sameValue compares a field with a value of the filter, both folded: numbers by their amount.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, err := decimal.Parse(a)
	y, err2 := decimal.Parse(b)
	return err == nil && err2 == nil && x.Equal(y)
}

func quoted(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "empty"
	}
	return s
}

// Keys are the number, the bar code or both, which then must mean one article.
func (k *Items) Keys(canon record.Record) ([]MatchKey, *flow.Hold) {
	both := k.Settings.Key == flow.KeyBoth
	var keys []MatchKey
	if k.Settings.Key != flow.KeyEAN {
		keys = append(keys, codeKey(canon.Get("code").String(), both))
	}
	if k.Settings.Key == flow.KeySKU {
		return keys, nil
	}
	ean, ok := flow.EAN(canon.Get("ean").String())
	switch {
	case ok:
		keys = append(keys, MatchKey{By: "ean", Values: []string{ean}, With: both, Same: func(there record.Record) bool {
			return slices.ContainsFunc(there.Get("barcodes").AsList(), func(v record.Value) bool {
				b, _ := v.AsRecord()
				return flow.SameEAN(b.Get("code").String(), ean)
			})
		}})
	case !both:
		return nil, &flow.Hold{Cause: "match_none", Field: "ean", Message: "it has no valid bar code, by which products are recognised in this flow",
			Remedy: "give it one in the source, or set key to both or sku"}
	}
	return keys, nil
}

// codeKey recognises an article by its number.
func codeKey(code string, with bool) MatchKey {
	return MatchKey{By: "code", Values: []string{code}, With: with, Same: func(there record.Record) bool {
		return Fold(there.Get("code").String()) == Fold(code)
	}}
}

// Identity is the number: two products never make the same article.
func (*Items) Identity(canon record.Record) string {
	return "article:" + Fold(canon.Get("code").String())
}

// Check finds nothing: an article that exists may be kept in step.
func (*Items) Check(_, _ record.Record) (string, *flow.Hold) { return "", nil }

// Context works out what the mapping needs: prices, coding, unit and bar code. The coding is that of a new article; Amend takes that of one
// that exists.
func (k *Items) Context(_ *Ask, canon, _ record.Record) (flow.Context, []string, *flow.Hold) {
	out := record.New(flow.ItemSendingSchema)
	var warnings []string
	coding, _, none := k.coding(canon)
	if none == nil {
		out.MustSet("coding", record.Text(coding.Key))
	}
	unit, _, none := k.unit(canon)
	if none == nil {
		out.MustSet("unit", record.Text(unit.ID))
	}
	if raw := canon.Get("ean"); !raw.IsEmpty() {
		if ean, ok := flow.EAN(raw.String()); ok {
			b := record.New(flow.BarcodeSchema)
			b.MustSet("code", record.Text(ean))
			out.MustSet("barcodes", record.List(record.Nested(b)))
		} else {
			warnings = append(warnings, fmt.Sprintf("its bar code %s is not valid and is not sent", raw))
		}
	}
	out.MustSet("active", record.Bool(!canon.Get("blocked").AsBool()))
	more, held := k.price(canon, out, coding)
	if held != nil {
		return nil, nil, held
	}
	return flow.Context{"item": canon, "sending": out}, append(warnings, more...), nil
}

// price fills in the prices, with the rate of a coding; without a coding the one that needs no rate.
func (k *Items) price(canon, out record.Record, coding Coding) (warnings []string, held *flow.Hold) {
	p, ok := canon.Get("price").AsDecimal()
	switch {
	case !ok:
		return nil, nil
	case p.Sign() < 0:
		return nil, &flow.Hold{Cause: string(connector.CauseInvalidValue), Field: "price", Message: "its price " + p.String() + " is below zero", Remedy: "correct the price in the source"}
	case k.SourceCurrency != "" && k.Currency != "" && !strings.EqualFold(k.SourceCurrency, k.Currency):
		return []string{fmt.Sprintf("the price is not sent: it is in %s, the destination keeps %s", k.SourceCurrency, k.Currency)}, nil
	case coding.Key == "": // a new article is held for it, one that exists has a coding of its own
		return nil, nil
	}
	if k.SourceCurrency == "" || k.Currency == "" {
		warnings = append(warnings, "whether both sides keep the same currency cannot be read: it is assumed")
	}
	if p.IsZero() { // an empty price is read as zero too: nobody should sell for nothing without having seen it
		warnings = append(warnings, "its price in the source is zero")
	}
	if k.BasisAssumed {
		warnings = append(warnings, "whether the source's prices include VAT cannot be read: without VAT is assumed (setting price_basis)")
	}
	factor := decimal.New(1, 0).Add(coding.Rate.Mul(decimal.New(1, 2)))
	net, gross := p, p
	if k.Gross {
		var err error
		if net, err = p.Quo(factor, k.PriceDecimals); err != nil {
			return nil, &flow.Hold{Cause: string(connector.CauseInvalidValue), Field: "price", Message: "its price cannot be worked out: " + err.Error(), Remedy: "correct the price in the source"}
		}
	} else {
		gross = p.Mul(factor)
	}
	if k := p.Round(k.PriceDecimals); !k.Equal(p) {
		warnings = append(warnings, fmt.Sprintf("the price %s is rounded to %s", p, k))
	}
	out.MustSet("net_price", record.Decimal(net.Round(k.PriceDecimals)))
	out.MustSet("gross_price", record.Decimal(gross.Round(k.PriceDecimals)))
	return warnings, nil
}

// Make implements Maker: what a new article needs and the settings do not give, and what was assumed for it.
func (k *Items) Make(canon, _ record.Record) (warnings []string, _ string, held *flow.Hold) {
	coding, note, held := k.coding(canon)
	if held != nil {
		return nil, "", held
	}
	unit, unitNote, held := k.unit(canon)
	if held != nil {
		return nil, "", held
	}
	if note == "" { // nobody knows keys by heart
		note = "its coding is " + coding.Name
	}
	if unitNote == "" {
		unitNote = "its unit is " + unit.Name
	}
	return []string{note, unitNote}, "", nil
}

// Amend implements Amender: the prices of an article that exists follow its own coding, which the destination may have changed.
func (k *Items) Amend(ctx flow.Context, canon, there record.Record) []string {
	own := there.Get("coding").String()
	i := slices.IndexFunc(k.Codings, func(c Coding) bool { return strings.EqualFold(c.Key, own) })
	sending := ctx["sending"]
	chosen := sending.Get("coding").String()
	switch {
	case strings.EqualFold(chosen, own), chosen != "" && (!k.OwnCoding || i < 0):
		return nil
	case i < 0:
		return []string{"the price is not sent, since the rate of the article's coding there is not known"}
	}
	out := record.Record{Schema: sending.Schema, Values: slices.Clone(sending.Values)}
	if _, held := k.price(canon, out, k.Codings[i]); held != nil {
		return nil // the context's own price would have held it before
	}
	ctx["sending"] = out
	j := slices.IndexFunc(k.Codings, func(c Coding) bool { return strings.EqualFold(c.Key, chosen) })
	if rate, known := k.rate(canon); known && !rate.Equal(k.Codings[i].Rate) || j >= 0 && len(k.Settings.Codings) > 0 && !k.Codings[j].Rate.Equal(k.Codings[i].Rate) {
		return []string{fmt.Sprintf("the article has the coding %s (%s %%) there, by the source and the settings it would be another rate: its prices follow %s %%",
			k.Codings[i].Name, k.Codings[i].Rate, k.Codings[i].Rate)}
	}
	return nil
}

// rate is the product's VAT rate in percent, where the source tells it.
func (k *Items) rate(canon record.Record) (decimal.Decimal, bool) {
	r, ok := k.VATRates[Fold(canon.Get("vat_code").String())]
	return r, ok
}

// coding chooses the coding of a new article; the note says what was assumed.
func (k *Items) coding(canon record.Record) (c Coding, note string, held *flow.Hold) {
	rate, known := k.rate(canon)
	for _, row := range k.Settings.Codings {
		switch {
		case row.Group != "" && Fold(row.Group) != Fold(canon.Get("group").String()),
			row.VATCode != "" && Fold(row.VATCode) != Fold(canon.Get("vat_code").String()),
			row.Coding != "" && row.Rate != nil && !(known && row.Rate.Equal(rate)),
			row.Coding != "" && row.Type == "service": // the source tells no service from goods
			continue
		case row.Coding != "":
			if c, ok := k.codingNamed(row.Coding); ok {
				return c, "", nil
			}
			return c, "", &flow.Hold{Cause: "vat_code_missing", Field: "coding", Message: "the destination has no active coding " + row.Coding, Remedy: "correct the setting codings"}
		}
		at, ok := rate, known
		if row.Rate != nil {
			at, ok = *row.Rate, true
		}
		if !ok {
			at = k.standard(row.Type == "service")
		}
		return k.codingAt(at, row.Type == "service")
	}
	if len(k.Settings.Codings) > 0 {
		return c, "", k.noCoding(canon, "no row of the setting codings fits it")
	}
	if known {
		return k.codingAt(rate, false)
	}
	if !canon.Get("vat_code").IsEmpty() {
		return c, "", k.noCoding(canon, "the rate of its VAT code is not known")
	}
	c, _, held = k.codingAt(k.standard(false), false)
	if held == nil {
		note = fmt.Sprintf("the coding %s is assumed for it: the source tells no VAT code, and no codings are set", c.Name)
	}
	return c, note, held
}

func (k *Items) noCoding(canon record.Record, why string) *flow.Hold {
	return &flow.Hold{Cause: "vat_code_missing", Field: "coding",
		Message: fmt.Sprintf("%s (VAT code %s, group %s)", why, quoted(canon.Get("vat_code").String()), quoted(canon.Get("group").String())), Remedy: "complete the setting codings"}
}

func (k *Items) codingNamed(word string) (Coding, bool) {
	i := slices.IndexFunc(k.Codings, func(c Coding) bool { return strings.EqualFold(c.Key, word) })
	if i < 0 {
		i = slices.IndexFunc(k.Codings, func(c Coding) bool { return Fold(c.Name) == Fold(word) })
	}
	if i < 0 {
		return Coding{}, false
	}
	return k.Codings[i], true
}

// codingAt is the first coding of a rate.
func (k *Items) codingAt(rate decimal.Decimal, service bool) (Coding, string, *flow.Hold) {
	var fit []Coding
	for _, c := range k.Codings {
		if c.Service == service && c.Rate.Equal(rate) {
			fit = append(fit, c)
		}
	}
	kind := "goods"
	if service {
		kind = "services"
	}
	switch len(fit) {
	case 0:
		return Coding{}, "", &flow.Hold{Cause: "vat_code_missing", Field: "coding", Message: fmt.Sprintf("the destination has no active coding for %s at %s %%", kind, rate),
			Remedy: "make one there, or name another in the setting codings"}
	case 1:
		return fit[0], "", nil
	}
	return fit[0], fmt.Sprintf("the coding %s is taken, the first of %d for %s at %s %%", fit[0].Name, len(fit), kind, rate), nil
}

// standard is the country's standard rate: the highest one that there is a coding for.
func (k *Items) standard(service bool) decimal.Decimal {
	highest := decimal.Zero
	for _, c := range k.Codings {
		if c.Service == service && c.Rate.Cmp(highest) > 0 {
			highest = c.Rate
		}
	}
	return highest
}

// unit chooses the unit of a new article; the note says what was assumed.
func (k *Items) unit(canon record.Record) (it connector.ListItem, note string, held *flow.Hold) {
	own := canon.Get("unit").String()
	word := ""
	for _, from := range sortedNames(k.Settings.Units) {
		if own != "" && Fold(from) == Fold(own) {
			word = k.Settings.Units[from]
		}
	}
	if word == "" {
		word = k.Settings.Units["*"]
	}
	if word != "" {
		if it, ok := flow.Item(k.Units, word, k.UnitList.Names...); ok {
			return it, "", nil
		}
		return it, "", &flow.Hold{Cause: "value_unmapped", Field: "unit", Message: "the destination has no unit " + word, Remedy: "correct the setting units"}
	}
	if own != "" {
		if it, ok := flow.Item(k.Units, own, k.UnitList.Names...); ok {
			return it, "", nil
		}
		if len(k.Settings.Units) > 0 {
			return it, "", &flow.Hold{Cause: "value_unmapped", Field: "unit", Message: "there is no translation of the unit " + own, Remedy: "complete the setting units"}
		}
	}
	if len(k.Units) == 0 {
		return it, "", &flow.Hold{Cause: "value_unmapped", Field: "unit", Message: "the destination has no units", Remedy: "make one there"}
	}
	it = k.Units[0]
	for _, piece := range k.UnitList.Piece {
		if p, ok := flow.Item(k.Units, piece, k.UnitList.Names...); ok {
			it = p
			break
		}
	}
	return it, "the unit " + it.Name + " is assumed for it (setting units)", nil
}
