package connector

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// The roles of columns whose names no source tells (DOMAIN C 25): each account has them under names of its own, or not at all. They are
// recognised by their labels in the data dictionary, and may be named by hand (setting field_roles).
const (
	RoleEAN         = "ean"
	RoleDescription = "description"
	RoleShort       = "short_description"
	RoleUnit        = "unit"
	RoleVATCode     = "vat_code"
	RoleBlocked     = "blocked"
	RoleReserved    = "reserved" // quantity reserved for sales orders
	RoleSent        = "sent"     // of an order line, the quantity that has left
)

// role is how columns of a table are recognised.
type role struct {
	name  string
	table string
	kind  record.Kind
	label *regexp.Regexp
}

// roles are those that are looked for. Labels are Dutch, as AccountView is.
var roles = []role{
	{RoleEAN, "ARTICLE", record.KindText, re(`\bean\b|\bgtin\b|barcode|streepjes?code`)},
	{RoleDescription, "ARTICLE", record.KindText, re(`(lange|uitgebreide) (artikel)?(omschrijving|tekst)|artikeltekst|webtekst`)},
	{RoleShort, "ARTICLE", record.KindText, re(`korte (artikel)?(omschrijving|tekst)`)},
	{RoleUnit, "ARTICLE", record.KindText, re(`^(code )?(verkoop)?eenheid(s?code)?$`)},
	{RoleVATCode, "ARTICLE", record.KindText, re(`^btw-?\s?code( verkoop)?$`)},
	{RoleBlocked, "ARTICLE", record.KindBool, re(`geblokkeerd|blokkade|niet meer leverbaar`)},
	{RoleReserved, "ARTICLE", record.KindDecimal, re(`reserve`)},
	{RoleSent, "SO_LINE", record.KindDecimal, re(`(aantal|totaal).*(verzonden|geleverd)|(verzonden|geleverd) aantal`)},
}

// rolesOf gives columns their roles: those named by hand, else those that one column alone fits. Several make none: a wrong column would be
// worse than one that is missing.
func rolesOf(table string, entries []entry, named map[string]string) (byColumn map[string]string, unsure map[string][]string) {
	byColumn, unsure = map[string]string{}, map[string][]string{}
	for _, r := range roles { // a column named by hand is no other's
		column, byHand := named[table+"."+r.name]
		if byHand && slices.ContainsFunc(entries, func(e entry) bool { return e.name == column }) {
			byColumn[column] = r.name
		}
	}
	for _, r := range roles {
		if _, byHand := named[table+"."+r.name]; byHand || r.table != table {
			continue
		}
		var fit []string
		for _, e := range entries {
			if kindOf(e.typ) == r.kind && byColumn[e.name] == "" && r.label.MatchString(strings.TrimSpace(e.label)) {
				fit = append(fit, e.name)
			}
		}
		switch {
		case len(fit) == 1:
			byColumn[fit[0]] = r.name
		case len(fit) > 1:
			unsure[r.name] = fit
		}
	}
	return byColumn, unsure
}

var rolePattern = regexp.MustCompile(`^([a-z_]+)=([A-Z][A-Z0-9_]{0,9})\.([A-Z][A-Z0-9_]{0,9})$`)

// fieldRoles reads the setting field_roles, as in ean=ARTICLE.K1_EAN. The answer is by TABLE.role.
func (p *parser) fieldRoles(key string) map[string]string {
	out := map[string]string{}
	known := make([]string, 0, len(roles))
	for _, r := range roles {
		known = append(known, r.name)
	}
	for part := range strings.FieldsFuncSeq(p.text(key), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		name, field, _ := strings.Cut(part, "=")
		m := rolePattern.FindStringSubmatch(strings.ToLower(name) + "=" + strings.ToUpper(field))
		switch {
		case m == nil:
			p.problem(key, quote(part)+" is not a role, a table and a field", "write it as ean=ARTICLE.K1_EAN")
		case !slices.Contains(known, m[1]):
			p.problem(key, fmt.Sprintf("there is no role %s", quote(m[1])), "did you mean "+nearest(m[1], known)+"?")
		default:
			out[m[2]+"."+m[1]] = m[3]
		}
	}
	return out
}
