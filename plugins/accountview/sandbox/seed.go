package sandbox

import (
	"fmt"
	"time"
)

const companyName = "Voorbeeld BV"

// vatRates are the VAT codes of a new company by country: rates from the standard one down. A last code of 0 % for
// sales within the EU follows.
var vatRates = map[string][]string{
	"NL": {"21", "9"},
	"BE": {"21", "12", "6"},
	"DE": {"19", "7"},
	"NO": {"25", "15", "12"},
	"PL": {"23", "8", "5"},
	"SE": {"25", "12", "6"},
}

// vatNumbers are the company's own, in the form of its country.
var vatNumbers = map[string]string{
	"NL": "NL001234567B01", "BE": "BE0123456749", "DE": "DE123456788", "NO": "NO123456785MVA", "PL": "PL1234563218", "SE": "SE556012579001",
}

// euVAT is the VAT_TYPE of the code for sales within the EU. Assumed, as domesticVAT.
const euVAT = "3"

// seed makes an empty company: its years and periods, ledger accounts, VAT codes and the sales daybook (DESIGN 7).
func (c *company) seed() error {
	s := c.seeder()
	s.add("COMP_HDR", "COMP_ID", CompanyCode, "COMP_DESC", companyName, "KVK_NR", "30123456", "VAT_NR", vatNumbers[c.country],
		// Secrets lie beside the rest in the real table (facts B7): whoever asks for "*" gets them.
		"EV_CSEC", "sandbox-secret-everbinding", "PAYL_SEC", "sandbox-secret-paylink")
	previous := ""
	for _, a := range c.years {
		code := fmt.Sprintf("%s%d", CompanyCode, a.year)
		archived := ""
		if a.closed {
			archived = "1"
		}
		s.add("ADM_LIST", "ADM_CODE", code, "ADM_DESC", fmt.Sprintf("%s %d", companyName, a.year), "ADM_PREV", previous, "ADM_ARCH", archived,
			"ADM_DIR", fmt.Sprintf(`C:\AccountView\Data\%s\`, code), "DBC_NAME", fmt.Sprintf("ADM%d", a.year), "SYNC_LOG", "1")
		previous = code
		s.year = a.year
		for m := time.January; m <= time.December; m++ {
			from := time.Date(a.year, m, 1, 0, 0, 0, 0, time.UTC)
			s.add("ADM_PER", "REC_ID", c.nextRecord(), "PERIOD", fmt.Sprint(int(m)), "BEG_DATE", from.Format("2006-01-02T15:04:05"),
				"END_DATE", from.AddDate(0, 1, -1).Format("2006-01-02T15:04:05"))
		}
		s.year = 0
	}
	for _, a := range []struct{ nr, name, sells string }{
		{"1210", "Debiteuren", ""}, {"1600", "BTW", ""}, {"8000", "Omzet hoog tarief", "1"}, {"8010", "Omzet laag tarief", "1"},
		{"8020", "Omzet nultarief en EU", "1"}, {"8050", "Doorberekende verzendkosten", "1"}, {"8990", "Afrondingsverschillen", ""},
	} {
		s.add("LEDGER", "ACCT_NR", a.nr, "ACCT_NAME", a.name, "STAT_SELL", a.sells)
	}
	names, forms := []string{"BTW hoog verkoop", "BTW laag verkoop"}, []string{"1A", "1B"}
	rates := vatRates[c.country]
	for i, rate := range rates {
		name, form := "BTW "+rate+" % verkoop", "1C"
		if i < len(names) {
			name, form = names[i], forms[i]
		}
		s.add("VAT", "VAT_CODE", fmt.Sprint(i+1), "VAT_NAME", name, "VAT_PCT", rate, "VAT_TYPE", domesticVAT, "CALC_TYPE", "1",
			"VAT_ACCT", "1600", "FRM_CODE", form)
	}
	zero, form := "BTW 0 % verkoop binnen de EU", "3B"
	if c.country == "NO" { // not in the EU
		zero, form = "BTW 0 % uitvoer", "3A"
	}
	s.add("VAT", "VAT_CODE", fmt.Sprint(len(rates)+1), "VAT_NAME", zero, "VAT_PCT", "0", "VAT_TYPE", euVAT,
		"CALC_TYPE", "1", "VAT_ACCT", "1600", "FRM_CODE", form)
	gross := ""
	if c.gross {
		gross = "1"
	}
	// DJ_TYPE's values are unknown; DJ_TYPEV says in words what the daybook is for.
	s.add("DAILY", "DJ_CODE", "700", "DJ_NAME", "Verkoopboek", "DJ_TYPE", "4", "DJ_TYPEV", "Verkoop", "GROSS_FLG", gross,
		"DJ_ACCT", "1210", "CUR_CODE", c.currency)
	s.dictionary()
	return s.err
}

// seeder enters rows that no client sent. The first mistake stays.
type seeder struct {
	c    *company
	now  string
	year int
	err  error
}

func (c *company) seeder() *seeder { return &seeder{c: c, now: c.stamp()} }

// add enters a row from pairs of field name and text; dates and logicals as stored, the rest as a client would write it.
func (s *seeder) add(table string, pairs ...string) *row {
	t := s.c.tables[table]
	r := &row{year: s.year}
	for i := 0; i+1 < len(pairs); i += 2 {
		f := t.def.field(pairs[i])
		if f == nil || pairs[i+1] == "" {
			continue // a field of another dialect
		}
		text, err := fromText(f, pairs[i+1], s.c.cp1252)
		if err != nil && s.err == nil {
			s.err = fmt.Errorf("sample data: %s: %w", table, err)
		}
		r.set(f, text)
	}
	if f := t.def.field("CNG_DATE"); f != nil {
		r.set(f, s.now)
		r.set(t.def.f("INP_DATE"), s.now)
		r.set(t.def.f("INP_USR"), "BEHEER")
		r.set(t.def.f("CNG_USR"), "BEHEER")
	}
	t.insert(r)
	return r
}

// dictionary enters what DCT_FILE and DCT_FLD say of the tables, custom fields and dialects included.
func (s *seeder) dictionary() {
	flag := func(on bool) string {
		if on {
			return "1"
		}
		return ""
	}
	for _, spec := range tableSpecs {
		def := s.c.defs[spec.name]
		if def == nil {
			continue
		}
		obj := findObject(spec.objCode)
		readOnly := obj == nil || !obj.insert
		s.add("DCT_FILE", "DBF_NAME", def.name, "DBF_DESC", def.desc, "DBF_TYPE", "2", "OBJ_CODE", def.objCode, "OBJ_IMP", flag(!readOnly),
			"NO_INSERT", flag(readOnly), "NO_UPDATE", flag(obj == nil || !obj.update), "NO_DELETE", "1", "NO_XML_UPD", flag(readOnly),
			"TBL_HDR", def.parent, "TBL_CHILD", def.child)
		for _, f := range def.own() {
			s.add("DCT_FLD", "FLD_DESC", f.desc, "FIELD_NAME", f.name, "DBF_NAME", def.name, "FIELD_LEN", fmt.Sprint(f.length),
				"FIELD_TYPE", string(f.typ), "INP_MAND", flag(f.mand), "FLD_FMT", f.fmt, "FLD_MASK", f.mask, "COM_BLK", flag(f.comBlk),
				"REC_CUST", flag(f.custom))
		}
	}
}
