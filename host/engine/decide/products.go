package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/connector"
)

// productCode is the destination's code for an article number of the source: cut at the ends and in upper case, as codes are
// compared there.
func (s *order) productCode(number string) string {
	return strings.ToUpper(strings.TrimSpace(number))
}

// product is an article as the destination has it.
type product struct{ code, name string }

// products finds every article of the order in the destination, by row.
func (s *order) products() (map[int64]product, *Decision) {
	goods := map[int64]product{}
	origin := map[string]string{} // code → the source's number
	var missing []string
	fail := func(cause, reason, remedy string) (map[int64]product, *Decision) {
		d := hold(s.d, cause, reason, remedy)
		return nil, &d
	}
	note := func(p product, code string) {
		if p.code == "" && !s.pending() && !slices.Contains(missing, code) {
			missing = append(missing, code)
		}
	}
	for _, r := range s.rows() {
		if r.Get("is_text").AsBool() {
			continue
		}
		line, _ := r.Get("line").AsInteger()
		number := strings.TrimSpace(r.Get("article").String())
		if number == "" {
			return fail("product_missing", fmt.Sprintf("row %d has no article", line), "give the row an article in the source")
		}
		code := s.productCode(number)
		if s.Settings.ShippingArticle != "" && slices.ContainsFunc(s.Settings.ShippingArticles, func(a string) bool { return s.productCode(a) == code }) {
			code = s.productCode(s.Settings.ShippingArticle)
		} else if other, ok := origin[code]; ok && other != number {
			return fail("conflict", fmt.Sprintf("the articles %s and %s are the same code in the destination", other, number),
				"give one of them another number in the source")
		} else {
			origin[code] = number
		}
		if n := s.codeLength(); n > 0 && len([]rune(code)) > n {
			return fail("length", fmt.Sprintf("article %s is longer than the %d characters of a code in the destination", number, n),
				"give the article a shorter number in the source")
		}
		found, d := s.product(code)
		if d != nil {
			return nil, d
		}
		goods[line] = product{code: code, name: found.name}
		note(found, code)
	}
	for _, extra := range []string{s.Settings.DiscountArticle, s.Settings.RoundingArticle} {
		if extra == "" {
			continue
		}
		found, d := s.product(s.productCode(extra))
		if d != nil {
			return nil, d
		}
		note(found, s.productCode(extra))
	}
	if len(missing) > 0 {
		return fail("product_missing", "not in the destination: "+strings.Join(missing, ", "), "create the article there, then retry")
	}
	return goods, nil
}

// product looks an article up by its exact code. It has no code while the answer is awaited, and when the destination has no
// such article.
func (s *order) product(code string) (product, *Decision) {
	obj := s.Recipe.Back["product"]
	ans, ok := s.find(Lookup{Side: Destination, Object: obj.Object, Fields: []Field{{obj.Find["code"], code}}, Around: s.d.Date})
	if !ok {
		return product{}, nil
	}
	if ans.Status == connector.CannotTell {
		return product{}, s.untold(ans, "articles")
	}
	for _, r := range ans.Records {
		p, holds := s.Recipe.Canon("product", r)
		if len(holds) == 0 && s.productCode(p.Get("key").String()) == code {
			if p.Get("blocked").AsBool() {
				d := hold(s.d, "blocked", "article "+code+" is blocked in the destination", "unblock the article there, then retry")
				return product{}, &d
			}
			return product{code: code, name: p.Get("name").String()}, nil
		}
	}
	return product{}, nil
}

// codeLength is the most characters of an article's code, 0 when the destination does not tell.
func (s *order) codeLength() int {
	obj := s.Recipe.Back["product"]
	if f, ok := s.Schemas[obj.Object].Field(obj.Key); ok {
		return f.Length
	}
	return 0
}
