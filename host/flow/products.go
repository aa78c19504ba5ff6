package flow

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// The keys by which products are recognised.
const (
	KeySKU  = "sku"
	KeyEAN  = "ean"
	KeyBoth = "both"
)

// ProductSettings are the settings of a flow of products (DESIGN section 7).
type ProductSettings struct {
	// Key is what a product is recognised by: sku, ean or both.
	Key string
	// Marks say per field of the destination when it is written; they override the recipe's.
	Marks map[string]Mark
	// Attributes are fields of the destination by the source's field that fills them.
	Attributes map[string]string
	// Filter selects the products that travel: by the source's fields, the values of which one must be there.
	Filter map[string][]string
	// Codings choose the coding; the first row whose conditions all hold wins.
	Codings []CodingRule
	// Units are the destination's units by the source's; "*" stands for all others.
	Units map[string]string
	// PriceBasis is auto, net or gross.
	PriceBasis string
}

// CodingRule is one row of the table of codings; an empty condition matches all. A row without a coding chooses the one of its type, or of
// goods, that has the row's or the product's rate.
type CodingRule struct {
	Group, VATCode string
	// Rate is in percent; nil matches all.
	Rate *decimal.Decimal
	// Type is goods or service.
	Type string
	// Coding is the destination's, by its key or its name.
	Coding string
}

func (r *Recipe) productSettings(v map[string]any) (*ProductSettings, []Problem) {
	s := &ProductSettings{}
	s.Key, _ = v["key"].(string)
	s.Attributes, _ = v["attributes"].(map[string]string)
	s.Filter, _ = v["filter"].(map[string][]string)
	s.Units, _ = v["units"].(map[string]string)
	s.PriceBasis, _ = v["price_basis"].(string)
	rows, _ := v["codings"].([]map[string]any)
	var problems []Problem
	for i, row := range rows {
		var c CodingRule
		c.Group, _ = row["group"].(string)
		c.VATCode, _ = row["vat_code"].(string)
		c.Type, _ = row["type"].(string)
		c.Coding, _ = row["coding"].(string)
		if d, ok := row["rate"].(decimal.Decimal); ok {
			c.Rate = &d
		}
		if c.Coding == "" && c.Type == "" && c.Rate == nil {
			problems = append(problems, Problem{fmt.Sprintf("codings[%d]", i), "names no coding, and neither a rate nor a type to choose one by", "add coding: with the name of one"})
		}
		s.Codings = append(s.Codings, c)
	}
	var more []Problem
	s.Marks, more = r.marks(v)
	return s, append(append(problems, more...), r.checkAttributes(s.Attributes)...)
}

// checkAttributes finds fields that cannot be filled by hand.
func (r *Recipe) checkAttributes(attributes map[string]string) []Problem {
	t := r.Write[r.Lanes[0].Write]
	if t == nil {
		return nil
	}
	var out []Problem
	for _, field := range keys(attributes) {
		at := join("attributes", field)
		if field == t.Key || slices.Contains(t.Keep, field) {
			out = append(out, Problem{at, "this flow never writes " + field, "leave it out"})
			continue
		}
		if rule := t.rule(field); rule != nil && (rule.Fixed || rule.Record != nil || rule.Rows != nil || slices.ContainsFunc(rule.From, func(p string) bool { return strings.HasPrefix(p, "sending.") })) {
			out = append(out, Problem{at, "the flow works " + field + " out itself", "leave it out"})
		}
	}
	return out
}

// With is the target with further fields, each filled from a field of the source's record. Where the recipe fills such a field from
// elsewhere, its transforms, its length and its mark stay.
func (t *Target) With(attributes map[string]string) *Target {
	out := *t
	out.rules = slices.Clone(t.rules)
	for _, field := range keys(attributes) {
		path := SourceContext + "." + attributes[field]
		rule := out.rule(field)
		if rule == nil {
			out.rules = append(out.rules, Rule{Field: field, Mark: MarkUpdate, Length: LengthHold}) // it may be a code, which is never cut
			rule = &out.rules[len(out.rules)-1]
		}
		rule.From, rule.Join, rule.Any, rule.Const, rule.Optional = []string{path}, nil, nil, "", false
		rule.from = []source{parsePath(path, "", nil)}
	}
	return &out
}

// ValidateTarget checks a target that settings have changed against the schemas of both systems, as Validate does the recipe's own.
func (r *Recipe) ValidateTarget(which string, t *Target, source, destination map[string]*record.Schema) []Problem {
	system := func(name string) map[string]*record.Schema {
		if name == r.Source {
			return source
		}
		return destination
	}
	return t.Validate(r.contexts(which, system), system(t.System)[t.Object], r.Functions)
}

// EAN returns an article number of GS1 (EAN-8, UPC, EAN-13, GTIN-14) as its digits, and whether its check digit is right.
func EAN(s string) (string, bool) {
	for _, c := range s {
		if (c < '0' || c > '9') && c != ' ' && c != '-' {
			return "", false
		}
	}
	d := digits(s)
	if !slices.Contains([]int{8, 12, 13, 14}, len(d)) || strings.Trim(d, "0") == "" {
		return "", false
	}
	sum := 0
	for i := range len(d) - 1 {
		weight := 1
		if (len(d)-i)%2 == 0 { // the digit beside the check digit counts three times, then every second one
			weight = 3
		}
		sum += weight * int(d[i]-'0')
	}
	return d, (10-sum%10)%10 == int(d[len(d)-1]-'0')
}

// SameEAN compares two such numbers: shorter ones are the same as those with leading zeros.
func SameEAN(a, b string) bool {
	a, b = digits(a), digits(b)
	return a != "" && strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

var (
	htmlHidden = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->`)
	htmlBreak  = regexp.MustCompile(`(?i)<(br|/p|/div|/li|/tr|/h[1-6]|/ul|/ol|/table)\b[^<>]*>`)
	htmlItem   = regexp.MustCompile(`(?i)<li\b[^<>]*>`)
	htmlTag    = regexp.MustCompile(`</?[A-Za-z][^<>]*>`)
)

// htmlText is the text of a piece of HTML: its lines stay lines. What is no tag stays as it is, "< 5 kg" too.
func htmlText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if htmlTag.MatchString(s) {
		s = htmlHidden.ReplaceAllString(s, "")
		s = strings.ReplaceAll(s, "\n", " ") // in HTML a line's end is a space
		s = htmlTag.ReplaceAllString(htmlItem.ReplaceAllString(htmlBreak.ReplaceAllString(s, "\n"), "- "), "")
	}
	lines := strings.Split(html.UnescapeString(s), "\n")
	out := lines[:0]
	for _, line := range lines {
		line = spaces(line)
		if line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}
