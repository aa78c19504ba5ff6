package shop

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode"
)

// castCustomer is a customer that every year has. Empty fields are made up like everybody's.
type castCustomer struct {
	role    string
	name    string // empty: made up
	country string // empty: NL
	company bool
	noVAT   bool   // a company that gave no VAT number
	email   string // "-": none
	inBooks bool
}

const sharedEmail = "familie.bos@post.example"

var castCustomers = []castCustomer{
	{role: "collective", name: "Gastbestellingen webshop", email: "-"},
	{role: "shared1", name: "Annemiek Bos-Terpstra", email: sharedEmail},
	{role: "shared2", name: "H. Bos", email: "Familie.Bos@Post.example"},
	{role: "twice", name: "Hoveniersbedrijf Oosterhof B.V.", company: true, email: "administratie@oosterhof.example", inBooks: true},
	{role: "blocked", name: "Restaurant De Ploeg", company: true, email: "info@deploeg.example", inBooks: true},
	{role: "longmail", name: "Gemeente Zuid-West Meanderland", company: true, noVAT: true, email: "administratie.crediteuren.facturen@gemeente-zuid-west.example"},
	{role: "name50", name: "Stichting Vrienden van het Oude Raadhuis te Veenwy", company: true, noVAT: true},
	{role: "guest1", name: "T. Vermeulen", email: "-"},
	{role: "guest2", name: "mevr. de Wit t.n.v. J. de Boer", email: "-"},
	{role: "guest3", name: "Yılmaz, Öztürk & co.", email: "-"},
	{role: "case", name: "Boekhandel 't Hoekje", company: true, email: "Info@BoekhandelHoekje.Example", inBooks: true},
	{role: "emoji", name: "Bloem & Zo 🌷", company: true},
	{role: "quotes", name: `O'Connor & Zn. "De Kade"`, company: true},
	{role: "spaces", name: "Café  De   Linde"},
	{role: "lower", name: "jan de vries", email: "JAN.DE.VRIES@post.example", inBooks: true},
	{role: "upper", name: "PIETERSEN BOUW BV", company: true},
	{role: "trailing", name: " Fam. Van der Berg–Jansen "},
	{role: "mixed", name: "Zoë Müller-Łukasiewicz"},
	{role: "be", name: "Tuinaannemer D'Hondt BVBA", country: "BE", company: true},
	{role: "beprivate", country: "BE"},
	{role: "de", name: "Gärtnerei Groß & Söhne GmbH", country: "DE", company: true},
	{role: "deprivate", country: "DE"},
	{role: "frnovat", name: "Librairie de l'Écluse", country: "FR", company: true, noVAT: true},
	{role: "fr", name: "Jardins du Maréchal SARL", country: "FR", company: true},
	{role: "se", name: "Trädgårdsbutiken i Malmö AB", country: "SE", company: true, inBooks: true},
	{role: "seprivate", country: "SE"},
	{role: "pl", name: "Ogród Łódzki Sp. z o.o.", country: "PL", company: true},
	{role: "plprivate", country: "PL"},
	{role: "no", name: "Blomster på Bryggen AS", country: "NO", company: true},
	{role: "noprivate", country: "NO"},
	{role: "depot", name: "Zorggroep Rijnzicht, t.a.v. inkoop", company: true, inBooks: true},
}

func (g *generator) customers() {
	r := g.rand(2)
	g.keys = map[string]int{}
	taken := map[string]bool{sharedEmail: true}
	for i := range g.opts.Customers {
		var c castCustomer
		if i < len(castCustomers) {
			c = castCustomers[i]
			g.keys[c.role] = i
		} else {
			c = castCustomer{country: drawLand(r), company: chance(r, 38), noVAT: chance(r, 12), inBooks: chance(r, 45)}
			if chance(r, 5) {
				c.email = "-"
			}
		}
		g.shop.Customers = append(g.shop.Customers, makeCustomer(r, i, c, taken))
	}
	depot := &g.shop.Customers[g.keys["depot"]]
	depot.Delivery = &Address{
		Name: "Zorggroep Rijnzicht – magazijn, poort 3", Address1: "Industrieweg 112-B", PostCode: "6541 XK", City: "Nijmegen", Country: "NL",
	}
}

func drawLand(r *rand.Rand) string {
	n := r.IntN(1000)
	for _, l := range lands {
		if n -= l.weight; n < 0 {
			return l.code
		}
	}
	return "NL"
}

func makeCustomer(r *rand.Rand, i int, cast castCustomer, taken map[string]bool) Customer {
	code := cast.country
	if code == "" {
		code = "NL"
	}
	l := landOf(code)
	person := pick(r, l.first) + " " + pick(r, l.last)
	c := Customer{Key: fmt.Sprintf("C%05d", i+1), Name: cast.name, Company: cast.company, Country: code, InBooks: cast.inBooks, Collective: cast.role == "collective"}
	if c.Name == "" {
		c.Name = person
		if c.Company {
			c.Name = companyName(r, l)
		}
	}
	a := makeAddress(r, l)
	c.Address1, c.Address2, c.PostCode, c.City = a.Address1, a.Address2, a.PostCode, a.City
	if c.Collective {
		c.Address1, c.PostCode, c.City = "Havenkade 1", "3511 AB", "Utrecht"
		return c
	}
	if c.Company {
		c.Contact = person
		if !cast.noVAT {
			c.VATNumber = vatNumber(r, code)
			c.ChamberNumber = chamberNumber(r, code, c.VATNumber)
			if chance(r, 20) { // as people type it
				c.VATNumber = c.VATNumber[:2] + " " + c.VATNumber[2:]
			}
		}
		c.TermsDays = []int{14, 30, 30, 30, 60}[r.IntN(5)]
	}
	switch cast.email {
	case "-":
	case "":
		c.Email = makeEmail(r, c, person, taken)
	default:
		c.Email = cast.email
		taken[strings.ToLower(cast.email)] = true
	}
	if chance(r, 70) {
		c.Phone = phone(r, l)
	}
	if !c.Company && chance(r, 50) {
		c.Mobile = l.phone + " 6 " + digits(r, 8)
	}
	if cast.role == "" && chance(r, 6) {
		d := makeAddress(r, l)
		c.Delivery = &d
	}
	// A guest is known by nothing that the books could find again.
	if c.Email == "" {
		c.InBooks = false
	}
	return c
}

func companyName(r *rand.Rand, l *land) string {
	form := pick(r, companyForms)
	if l.form != "" {
		form = l.form
	}
	name := pick(r, companyTrades) + " " + pick(r, companyWords)
	if chance(r, 40) {
		name = pick(r, companyWords) + " " + pick(r, companyTrades)
	}
	return strings.TrimSpace(name + " " + form)
}

func makeAddress(r *rand.Rand, l *land) Address {
	p := pick(r, l.places)
	a := Address{City: p.city, PostCode: postCode(r, l.code, p.prefix), Country: l.code}
	street, n := pick(r, l.streets), 1+r.IntN(220)
	switch {
	case l.code == "FR":
		a.Address1 = fmt.Sprintf("%d, %s", n, street)
	case l.code == "PL":
		a.Address1 = fmt.Sprintf("%s %d/%d", street, n, 1+r.IntN(30))
	case l.code != "NL":
		a.Address1 = fmt.Sprintf("%s %d", street, n)
	default:
		addition := []string{"", "", "", "", "", " A", "-2", " bis", "-hs", "/III", "a", " 1-hoog", "  "}[r.IntN(13)]
		a.Address1 = fmt.Sprintf("%s %d%s", street, n, addition)
		if chance(r, 6) {
			a.Address2 = pick(r, []string{"Unit 4.12", "Postbus 1090", "achterom", "t.a.v. de receptie"})
		}
		if chance(r, 5) {
			a.City = strings.ToUpper(a.City)
		}
	}
	return a
}

// makeEmail gives an address that nobody else has, now and then with capitals in it.
func makeEmail(r *rand.Rand, c Customer, person string, taken map[string]bool) string {
	local, domain := slug(person), "post.example"
	if c.Company {
		domain = strings.ReplaceAll(slug(c.Name), ".", "") + ".example"
		local = pick(r, []string{"info", "inkoop", "administratie", local})
	}
	email := local + "@" + domain
	for n := 2; taken[email]; n++ {
		email = fmt.Sprintf("%s%d@%s", local, n, domain)
	}
	taken[email] = true
	switch r.IntN(12) {
	case 0:
		return strings.ToUpper(email[:1]) + email[1:]
	case 1:
		return strings.ToUpper(email)
	}
	return email
}

var plain = strings.NewReplacer("ë", "e", "é", "e", "è", "e", "ï", "i", "ı", "i", "ö", "o", "ø", "o", "ü", "u", "å", "a", "ä", "a", "ł", "l",
	"ń", "n", "ó", "o", "ś", "s", "ß", "ss", "ç", "c", "æ", "ae", "ò", "o", "ş", "s", "ğ", "g")

// slug is a name in lower-case ASCII letters, words parted by points.
func slug(s string) string {
	s = plain.Replace(strings.ToLower(s))
	words := strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) || c > unicode.MaxASCII })
	out := strings.Join(words, ".")
	if len(out) > 20 { // two of them and a domain stay within the 50 characters of an ERP
		out = strings.TrimRight(out[:20], ".")
	}
	return out
}

func phone(r *rand.Rand, l *land) string {
	switch r.IntN(4) {
	case 0:
		return l.phone + digits(r, 9)
	case 1:
		return l.phone + " (0)" + digits(r, 2) + " - " + digits(r, 7)
	case 2:
		return "0" + digits(r, 2) + "-" + digits(r, 7)
	}
	return l.phone + " " + digits(r, 2) + " " + digits(r, 3) + " " + digits(r, 4)
}
