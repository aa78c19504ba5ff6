package connector

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

//go:embed fields.tsv
var fieldsTSV string

// column is one field of a table.
type column struct {
	record.Field
	typ     byte // the dictionary's letter: C M text, N Y B number, I integer, L logical, D date, T date and time
	certain bool // known to exist without the dictionary's word
}

// table is what is known of a table: its columns in the order in which they are asked.
type table struct {
	name string
	cols []column
	// dictionary: the columns are those of the account's data dictionary; else reason tells why it could not be read.
	dictionary bool
	reason     string
	// unsure are roles that several columns could have, so that none has it, with those columns.
	unsure map[string][]string
	schema *record.Schema
}

func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.cols, func(c column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return column{}, false
	}
	return t.cols[i], true
}

// names are the columns as a request lists them.
func (t *table) names() []string {
	out := make([]string, len(t.cols))
	for i, c := range t.cols {
		out[i] = c.Name
	}
	return out
}

// builtin are the known columns by table.
var builtin = parseFields(fieldsTSV)

// parseFields reads fields.tsv; a mistake in it is a mistake of this package.
func parseFields(tsv string) map[string][]column {
	out := map[string][]column{}
	for line := range strings.Lines(tsv) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 7 || len(f[2]) != 1 {
			panic(fmt.Sprintf("fields.tsv: %q has not seven columns", line))
		}
		length, err := strconv.Atoi(f[3])
		if err != nil {
			panic(fmt.Sprintf("fields.tsv: %q: %v", line, err))
		}
		c := column{typ: f[2][0], certain: f[5] == "C"}
		c.Name, c.Length, c.Label = f[1], length, f[6]
		c.Type, c.Decimals = record.Scalar(kindOf(c.typ)), decimalsOf(c.typ, "")
		c.Required, c.ReadOnly = strings.Contains(f[4], "q"), strings.Contains(f[4], "r")
		c.Upper, c.Personal = strings.Contains(f[4], "u"), strings.Contains(f[4], "p")
		out[f[0]] = append(out[f[0]], c)
	}
	return out
}

// kindOf tells what a type's letter means (facts section 4); absent for one that is unknown.
func kindOf(typ byte) record.Kind {
	switch typ {
	case 'C', 'M', 'V':
		return record.KindText
	case 'N', 'Y', 'B', 'F':
		return record.KindDecimal
	case 'I':
		return record.KindInteger
	case 'L':
		return record.KindBool
	case 'D':
		return record.KindDate
	case 'T':
		return record.KindInstant
	}
	return record.KindAbsent
}

var maskPattern = regexp.MustCompile(`^[9,#]*(\.([9#]+))?$`)

// decimalsOf derives the decimals that a number keeps: the dictionary has no column for them. A FoxPro currency keeps four
// by its type; a plain input mask of a number shows them; −1 is unknown.
func decimalsOf(typ byte, mask string) int {
	switch typ {
	case 'Y':
		return 4
	case 'N', 'F', 'B':
		mask = strings.TrimSpace(mask)
		if m := maskPattern.FindStringSubmatch(mask); mask != "" && m != nil {
			return len(m[2])
		}
		return -1
	}
	return 0
}

// entry is one row of the data dictionary (DCT_FLD).
type entry struct {
	name, label, format, mask string
	typ                       byte
	length                    int
	custom                    bool
}

// stamps are written by AccountView itself in every table [C GO: COM_BLK in all dumps].
var stamps = []string{"CNG_DATE", "CNG_NR", "CNG_USR", "INP_DATE", "INP_USR"}

// people are the tables whose custom texts may hold personal data.
var people = []string{"CONTACT", "DEL_ADDR", "SO_HDR"}

// fallback is a table without the dictionary's word: the certain columns only.
func fallback(name, reason string) *table {
	t := &table{name: name, reason: reason}
	for _, c := range builtin[name] {
		if c.certain {
			t.cols = append(t.cols, c)
		}
	}
	return t
}

// merge lays the dictionary's word over the known columns: a column is there if the dictionary shows it; known ones keep
// what only clients' code tells (needed, personal, never written). INP_MAND and COM_BLK are hints and no rules: clients
// leave out fields that are "mandatory" and send such as are "blocked" [C PAS]. Of the other columns the custom ones come
// along and those in extra; CONTACT alone has 189.
func merge(name string, entries []entry, extra []string, named map[string]string) *table {
	t := &table{name: name, dictionary: true}
	known := builtin[name]
	roles, unsure := rolesOf(name, entries, named)
	t.unsure = unsure
	add := func(e entry, c column) {
		c.Label, c.Custom, c.Role = e.label, e.custom, roles[e.name]
		// Columns that hold dates are sent and answered as date and time, so the dictionary may call either [facts B3].
		if kindOf(e.typ) != record.KindAbsent && (c.typ != 'D' || e.typ != 'T') {
			c.typ = e.typ
		}
		c.Type = record.Scalar(kindOf(c.typ))
		c.Decimals = decimalsOf(c.typ, e.mask)
		c.Length = 0
		if c.typ == 'C' || c.typ == 'V' {
			c.Length = e.length
		}
		c.Upper = c.Upper && e.format == "" || strings.HasPrefix(e.format, "!")
		t.cols = append(t.cols, c)
	}
	for _, c := range known {
		if i := slices.IndexFunc(entries, func(e entry) bool { return e.name == c.Name }); i >= 0 {
			add(entries[i], c)
		}
	}
	for _, e := range entries {
		if slices.ContainsFunc(known, func(c column) bool { return c.Name == e.name }) || kindOf(e.typ) == record.KindAbsent {
			continue
		}
		// A table of which no more than the key is known comes as a whole.
		if len(known) > 1 && !e.custom && roles[e.name] == "" && !slices.Contains(extra, name+"."+e.name) {
			continue
		}
		c := column{typ: e.typ}
		c.Name, c.ReadOnly = e.name, slices.Contains(stamps, e.name)
		c.Personal = slices.Contains(people, name) && kindOf(e.typ) == record.KindText
		add(e, c)
	}
	return t
}

// seal builds the schema once all columns stand.
func (t *table) seal() error {
	fields := make([]record.Field, len(t.cols))
	for i, c := range t.cols {
		fields[i] = c.Field
	}
	s, err := record.NewSchema(t.name, fields...)
	t.schema = s
	return err
}
