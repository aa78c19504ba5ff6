package sandbox

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed dictionary.tsv
var dictionaryTSV string

// field is one column of a table, as the data dictionary (DCT_FLD) describes it.
type field struct {
	name     string
	typ      byte // C M text, N Y B I number, L logical, D date, T date and time
	length   int
	dec      int // decimals that are kept; the real dictionary shows none
	mand     bool
	comBlk   bool
	custom   bool
	upper    bool // FLD_FMT "!": stored in capitals, compared without case
	fmt      string
	mask     string
	desc     string
	padded   bool // answered at its full width, right-padded with spaces
	pos      int
	sysOnly  bool   // stamps that only the server writes
	short    bool   // a date is answered without a time
	answered string // its name in answers
	joined   bool   // a column of the joined table, asked for as table.field and answered as TABLE_FIELD
}

// tableDef is a table's layout.
type tableDef struct {
	name    string
	desc    string
	key     *field
	numKey  bool // keys are numbers without leading zeros: 9 comes before 10
	fields  []*field
	byName  map[string]*field
	child   string   // detail table, stored under its header rows
	parent  string   // header table of a detail table
	indexed []string // fields with an index beside the key
	scope   scope
	objCode string // OBJ_CODE in DCT_FILE
}

// scope says in which year administrations a table's rows are.
type scope int

const (
	shared scope = iota // the same in every year
	master              // exchanged between years; in the dialect year_masters only from the year of its making
	yearly              // each year has its own
)

func (d *tableDef) field(name string) *field { return d.byName[strings.ToUpper(name)] }

// f returns a field that the code knows to be in every dialect.
func (d *tableDef) f(name string) *field {
	f := d.byName[name]
	if f == nil {
		panic("sandbox: no field " + d.name + "." + name)
	}
	return f
}

type tableSpec struct {
	name, desc, key, objCode, child, parent string
	join                                    string // table whose columns can be asked for with this one's [C NG]
	when                                    string // only in that dialect
	scope                                   scope
	numKey                                  bool
	indexed                                 string
}

// tableSpecs lists the tables in the order of the dictionary.
var tableSpecs = []tableSpec{
	{name: "CONTACT", desc: "Bedrijven (basisgegevens)", key: "SUB_NR", objCode: "AR1", scope: master, indexed: "MAIL_BUS ACCT_NAME SRC_CODE VAT_NR COC_CODE"},
	{name: "DEL_ADDR", desc: "Afleveradressen", key: "REC_ID", objCode: "ADDR", scope: master, indexed: "SUB_NR"},
	{name: "ARTICLE", desc: "Artikelen", key: "ART_CODE", objCode: "AK1", scope: master, indexed: "AG_CODE K1_STREEPC"},
	{name: "ART_GRP", desc: "Artikelgroepen", key: "AG_CODE", objCode: "AG1"},
	{name: "SO_HDR", desc: "Verkooporders", key: "ORD_NR", objCode: "SO1", child: "SO_LINE", scope: yearly, indexed: "COMMENT1 RPL_INV RPL_DEL EXT_ID"},
	{name: "SO_LINE", desc: "Verkooporderregels", key: "REC_ID", parent: "SO_HDR", scope: yearly},
	{name: "VAT", desc: "BTW-codes", key: "VAT_CODE", objCode: "VA1"},
	{name: "LEDGER", desc: "Grootboekrekeningen", key: "ACCT_NR", objCode: "GL1", indexed: "ACCT_NAME"},
	{name: "DAILY", desc: "Dagboeken", key: "DJ_CODE", objCode: "DJ1"},
	{name: "ADM_PER", desc: "Perioden", key: "REC_ID", objCode: "PER", scope: yearly},
	{name: "ADM_LIST", desc: "Administraties", key: "ADM_CODE", objCode: "ADL"},
	{name: "COST", desc: "Kostenplaatsen", key: "COST_CODE", objCode: "CC1"},
	{name: "COMP_HDR", desc: "Ondernemingen", key: "COMP_ID", objCode: "CMP1"},
	{name: "DJ_PAGE", desc: "Dagboekbladzijden", key: "PAGE_NR", objCode: "DJ2", child: "DJ_LINE", scope: yearly, numKey: true, indexed: "INV_NR SUB_NR"},
	{name: "DJ_LINE", desc: "Dagboekregels", key: "REC_ID", parent: "DJ_PAGE", scope: yearly},
	{name: "TRANSACT", desc: "Grootboekmutaties", key: "REC_ID", objCode: "GJ1", scope: yearly, indexed: "INV_NR"},
	{name: "OPENITEM", desc: "Openstaande posten", key: "SUB_INV", objCode: "OI1", indexed: "INV_NR"},
	{name: "PROJECTS", desc: "Projecten", key: "PROJ_CODE", objCode: "PJ1"},
	{name: "HST_AH", desc: "Historie orders", key: "DEL_DATE"},
	{name: "HST_AL", desc: "Historie orderregels", key: "REC_ID", objCode: "ALH", scope: yearly, join: "HST_AH", indexed: "HST_AH.COMMENT1 HST_AH.ORD_NR HST_AH.EXT_ID"},
	{name: "ART_LINE", desc: "Artikelregels", key: "REC_ID", objCode: "AKH", scope: yearly, indexed: "ART_CODE"},
	{name: "BETCOND", desc: "Betalingscondities", key: "DISC_CODE", objCode: "BC1", when: "code_tables"},
	{name: "VERVOER", desc: "Vervoersmethoden", key: "X_CODE", objCode: "VM1", when: "code_tables"},
	{name: "MAGAZIJN", desc: "Magazijnen", key: "MAG_CODE", objCode: "MG1", when: "code_tables"},
	{name: "DCT_FILE", desc: "Tabellen", key: "DBF_NAME", objCode: "DBF"},
	{name: "DCT_FLD", desc: "Velden", key: "", objCode: "FLD", indexed: "DBF_NAME"},
}

// paddedFields come back at their full width, as fixed-width FoxPro keys do (facts B7: trim every C value).
var paddedFields = map[string]bool{
	"SUB_NR": true, "ART_CODE": true, "REC_ID": true, "ORD_NR": true, "PAGE_NR": true, "ACCT_NR": true, "DJ_CODE": true,
	"VAT_CODE": true, "AG_CODE": true, "COST_CODE": true, "ADM_CODE": true, "COMP_ID": true, "DBF_NAME": true,
	"RPL_INV": true, "RPL_DEL": true, "DEL_CODE": true,
}

var stampFields = map[string]bool{"CNG_DATE": true, "CNG_NR": true, "CNG_USR": true, "INP_DATE": true, "INP_USR": true}

// loadDictionary builds the tables that the dialects ask for.
func loadDictionary(d dialects) (map[string]*tableDef, error) {
	defs := make(map[string]*tableDef, len(tableSpecs))
	absent := map[string]bool{} // tables of other dialects
	for _, s := range tableSpecs {
		if absent[s.name] = s.when != "" && !d[s.when]; absent[s.name] {
			continue
		}
		defs[s.name] = &tableDef{
			name: s.name, desc: s.desc, numKey: s.numKey, child: s.child, parent: s.parent, scope: s.scope,
			objCode: s.objCode, byName: map[string]*field{}, indexed: strings.Fields(s.indexed),
		}
	}
	for n, line := range strings.Split(dictionaryTSV, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		c := strings.Split(line, "\t")
		if absent[c[0]] {
			continue
		}
		if len(c) != 10 || len(c[2]) != 1 || defs[c[0]] == nil {
			return nil, fmt.Errorf("dictionary.tsv line %d is not a field", n+1)
		}
		if when, not := strings.CutPrefix(c[8], "!"); when != "" && d[when] == not {
			continue
		}
		length, err := strconv.Atoi(c[3])
		if err != nil {
			return nil, fmt.Errorf("dictionary.tsv line %d: length: %w", n+1, err)
		}
		dec, err := strconv.Atoi(c[4])
		if err != nil {
			return nil, fmt.Errorf("dictionary.tsv line %d: decimals: %w", n+1, err)
		}
		def := defs[c[0]]
		f := &field{
			name: c[1], answered: c[1], typ: c[2][0], length: length, dec: dec, fmt: c[6], mask: c[7], desc: c[9],
			mand: strings.Contains(c[5], "m"), comBlk: strings.Contains(c[5], "b"), custom: strings.Contains(c[5], "u"),
			upper: c[6] == "!", padded: paddedFields[c[1]] && c[2] == "C", sysOnly: stampFields[c[1]], pos: len(def.fields),
		}
		f.short = f.typ == 'D' && d["short_dates"]
		switch {
		case d["px2"] && (f.name == "ART_PX" || f.name == "PX_SELL"):
			f.dec = 2
		case d["qty2"] && f.name == "ORD_QTY":
			f.dec = 2
		}
		def.fields = append(def.fields, f)
		def.byName[f.name] = f
	}
	for _, s := range tableSpecs {
		def := defs[s.name]
		if def == nil {
			continue
		}
		if s.key != "" {
			def.key = def.f(s.key)
		}
		if s.join == "" {
			continue
		}
		for _, of := range defs[s.join].fields {
			f := *of
			f.answered = s.join + "_" + of.name
			if d["joined_dot"] {
				f.answered = s.join + "." + of.name
			}
			f.name, f.joined, f.padded, f.pos = s.join+"."+of.name, true, false, len(def.fields)
			def.fields = append(def.fields, &f)
			def.byName[f.name] = &f
		}
	}
	return defs, nil
}

// object is a business object: what BusinessObject names.
type object struct {
	code, desc, table string
	extras            []string // related tables that come along empty [C GO]
	insert, update    bool
	system            bool
	orders            bool   // needs the order module
	only              string // shows the rows that have this mark
}

// objects lists what this company offers. Delete is refused everywhere: no client shows how it is asked.
var objects = []object{
	{code: "AR1", desc: "Debiteuren", table: "CONTACT", extras: []string{"USR_LINK"}, insert: true, update: true},
	{code: "ADDR", desc: "Afleveradressen", table: "DEL_ADDR", insert: true, update: true},
	{code: "AK1", desc: "Artikelen", table: "ARTICLE", insert: true, update: true},
	{code: "AG1", desc: "Artikelgroepen", table: "ART_GRP", insert: true, update: true},
	{code: "SO1", desc: "Verkooporders", table: "SO_HDR", insert: true, orders: true},
	{code: "GL1", desc: "Grootboekrekeningen", table: "LEDGER", insert: true, update: true},
	{code: "DJ1", desc: "Dagboeken", table: "DAILY", insert: true, update: true},
	{code: "DJ2", desc: "Dagboekbladzijden", table: "DJ_PAGE", insert: true},
	{code: "DJ2P", desc: "Dagboekbladzijden", table: "DJ_PAGE", extras: []string{"USR_LINK", "PAGE_WF"}},
	{code: "VA1", desc: "BTW-codes", table: "VAT", insert: true, update: true},
	{code: "CC1", desc: "Kostenplaatsen", table: "COST", insert: true, update: true},
	{code: "AP1", desc: "Crediteuren", table: "CONTACT", only: "CRED_SHOW"},
	{code: "CON", desc: "Bedrijven", table: "CONTACT"},
	{code: "GJ1", desc: "Grootboekmutaties", table: "TRANSACT", extras: []string{"TRN_HDR"}},
	{code: "PJ1", desc: "Projecten", table: "PROJECTS", insert: true, update: true},
	{code: "OI1", desc: "Openstaande posten", table: "OPENITEM"},
	{code: "ALH", desc: "Historie orderregels", table: "HST_AL"},
	{code: "AKH", desc: "Artikelregels", table: "ART_LINE"},
	{code: "BC1", desc: "Betalingscondities", table: "BETCOND", insert: true, update: true},
	{code: "VM1", desc: "Vervoersmethoden", table: "VERVOER", insert: true, update: true},
	{code: "MG1", desc: "Magazijnen", table: "MAGAZIJN", insert: true, update: true},
	{code: "PER", desc: "Perioden", table: "ADM_PER", insert: true, update: true},
	{code: "CMP1", desc: "Onderneming", table: "COMP_HDR"},
	{code: "ADL", desc: "Administraties", table: "ADM_LIST", system: true},
	{code: "DBF", desc: "Tabellen", table: "DCT_FILE", system: true},
	{code: "FLD", desc: "Velden", table: "DCT_FLD", extras: []string{"DCT_TAG"}, system: true},
}

// findObject finds a business object of any dialect; the company's own method leaves out what this company has not.
func findObject(code string) *object {
	code = strings.TrimSpace(code)
	for i := range objects {
		if strings.EqualFold(objects[i].code, code) {
			return &objects[i]
		}
	}
	return nil
}
