package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// apiUser is who changes records by the API.
const apiUser = "API"

// number gives out the key of a new record.
//
// Debtors count from 10001, orders per year from yy000001, pages per year from 1, everything else shares one count of ten
// digits (REC_ID). A number that a client chose is passed over.
func (tx *transaction) number(def *tableDef) string {
	for {
		n := tx.c.nextNumber(def, tx.year)
		if tx.pending[fold(n)] {
			continue
		}
		taken := false
		for _, r := range tx.c.tables[def.name].lookup(def.key, n) {
			taken = taken || def.scope != yearly || r.year == tx.year
		}
		if !taken {
			return n
		}
	}
}

func (c *company) nextNumber(def *tableDef, year int) string {
	switch def.name {
	case "CONTACT":
		c.count.Debtor++
		return strconv.Itoa(c.count.Debtor)
	case "SO_HDR":
		c.count.Order[year]++
		return fmt.Sprintf("%02d%06d", year%100, c.count.Order[year])
	case "DJ_PAGE":
		c.count.Page[year]++
		return strconv.Itoa(c.count.Page[year])
	}
	return c.nextRecord()
}

// exists refuses a code that is given and not known.
func (tx *transaction) exists(d *draft, name, table, label string) *fault {
	f := d.def.field(name)
	if f == nil {
		return nil
	}
	code := d.row.get(f)
	if code == "" || tx.c.find(table, code, tx.year) != nil {
		return nil
	}
	return refuse("%s %s bestaat niet.", label, quote(code))
}

// checkDebtor asks for what every client sends (PHP, PAS): collective account, search code and name. The dictionary marks
// SUB_NR as mandatory too, yet the server numbers it.
func (tx *transaction) checkDebtor(d *draft) *fault {
	if err := firstFault(
		d.require("SRC_CODE", "Zoekcode"), d.require("ACCT_NAME", "Bedrijfsnaam"), d.require("ACCT_NR", "Verzamelrekening"),
		tx.exists(d, "ACCT_NR", "LEDGER", "Verzamelrekening"), tx.exists(d, "VAT_CODE", "VAT", "BTW-code"),
		tx.exists(d, "LNK_ACCT", "LEDGER", "Standaardrekening"),
	); err != nil {
		return err
	}
	if inv := d.get("RPL_INV"); inv != "" && fold(inv) != fold(d.get("SUB_NR")) {
		if err := tx.exists(d, "RPL_INV", "CONTACT", "Factuurdebiteur"); err != nil {
			return err
		}
	}
	return tx.checkForeign(d.get("VAT_NR"), d.get("VAT_CODE"))
}

// domesticVAT is the VAT_TYPE of codes for sales at home. Assumed: no source tells the values.
const domesticVAT = "1"

// checkForeign is the dialect foreign_vat: by AccountView's support a debtor is foreign when the country prefix of its
// VAT number is another one than the company's, and then domestic codes are questioned.
func (tx *transaction) checkForeign(vatNumber, vatCode string) *fault {
	if !tx.c.dialect["foreign_vat"] || len(vatNumber) < 2 || vatCode == "" || strings.HasPrefix(vatNumber, tx.c.country) {
		return nil
	}
	vat := tx.c.find("VAT", vatCode, tx.year)
	if vat == nil || vat.get(tx.c.defs["VAT"].f("VAT_TYPE")) != domesticVAT {
		return nil
	}
	return refuse("BTW-code %s is niet geschikt voor buitenlandse debiteuren.", quote(vatCode))
}

func (tx *transaction) checkAddress(d *draft) *fault {
	if err := d.require("SUB_NR", "Debiteurnummer"); err != nil {
		return err
	}
	return tx.exists(d, "SUB_NR", "CONTACT", "Debiteur")
}

func (tx *transaction) checkArticle(d *draft) *fault {
	return firstFault(d.require("ART_CODE", "Artikelcode"), tx.exists(d, "K1_BTW", "VAT", "BTW-code"))
}

// checkMaster is for the small master tables, where no client shows more than a key to be needed.
func (tx *transaction) checkMaster(d *draft) *fault {
	if err := d.require(d.def.key.name, d.def.key.desc); err != nil {
		return err
	}
	if d.def.name == "VAT" {
		return tx.exists(d, "VAT_ACCT", "LEDGER", "Rekening")
	}
	return tx.exists(d, "VAT_CODE", "VAT", "BTW-code")
}

func (tx *transaction) checkPeriod(d *draft) *fault {
	if err := firstFault(d.require("PERIOD", "Periode"), d.require("BEG_DATE", "Begindatum"), d.require("END_DATE", "Einddatum")); err != nil {
		return err
	}
	if d.get("BEG_DATE") > d.get("END_DATE") {
		return refuse("De begindatum ligt na de einddatum.")
	}
	year := fmt.Sprintf("%04d-", tx.year)
	if !strings.HasPrefix(d.get("BEG_DATE"), year) || !strings.HasPrefix(d.get("END_DATE"), year) {
		return refuse("De periode valt niet in boekjaar %d.", tx.year)
	}
	return nil
}

func firstFault(faults ...*fault) *fault {
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}
