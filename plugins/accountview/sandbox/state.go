package sandbox

import (
	"encoding/json"
	"fmt"
)

// savedRow is a row in a snapshot: filled fields by name.
type savedRow struct {
	Year   int               `json:"year,omitempty"`
	VAT    string            `json:"vat,omitempty"`
	Since  string            `json:"since,omitempty"`
	Fields map[string]string `json:"fields"`
	Lines  []savedRow        `json:"lines,omitempty"`
}

type snapshot struct {
	Count  counters              `json:"count"`
	Tables map[string][]savedRow `json:"tables"`
}

// Snapshot is every table but the dictionary, which follows from the settings.
func (c *company) Snapshot() ([]byte, error) {
	s := snapshot{Count: c.count, Tables: map[string][]savedRow{}}
	for name, t := range c.tables {
		if t.def.parent != "" || name == "DCT_FILE" || name == "DCT_FLD" {
			continue
		}
		rows := make([]savedRow, 0, len(t.rows))
		for _, r := range t.rows {
			rows = append(rows, saveRow(t.def, c.defs[t.def.child], r))
		}
		s.Tables[name] = rows
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("snapshot of the company: %w", err)
	}
	return b, nil
}

func saveRow(def, child *tableDef, r *row) savedRow {
	s := savedRow{Year: r.year, VAT: r.vat, Since: r.since, Fields: make(map[string]string, len(r.cells))}
	for _, cell := range r.cells {
		s.Fields[def.fields[cell.pos].name] = cell.text
	}
	for _, l := range r.lines {
		s.Lines = append(s.Lines, saveRow(child, nil, l))
	}
	return s
}

// Restore replaces the tables by those of a snapshot.
func (c *company) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("snapshot of the company: %w", err)
	}
	if s.Count.Order == nil || s.Count.Page == nil {
		return fmt.Errorf("snapshot of the company has no counters")
	}
	fresh := map[string]*table{}
	for name, rows := range s.Tables {
		def := c.defs[name]
		if def == nil || def.key == nil || def.parent != "" {
			return fmt.Errorf("snapshot of the company: table %s is unknown", name)
		}
		t := newTable(def)
		for _, saved := range rows {
			r, err := loadRow(def, c.defs[def.child], saved)
			if err != nil {
				return err
			}
			t.insert(r)
		}
		fresh[name] = t
	}
	for name, t := range fresh {
		c.tables[name] = t
	}
	c.count = s.Count
	return nil
}

func loadRow(def, child *tableDef, s savedRow) (*row, error) {
	r := &row{year: s.Year, vat: s.VAT, since: s.Since}
	for name, text := range s.Fields {
		f := def.field(name)
		if f == nil {
			return nil, fmt.Errorf("snapshot of the company: field %s.%s is unknown", def.name, name)
		}
		r.set(f, text)
	}
	for _, saved := range s.Lines {
		if child == nil {
			return nil, fmt.Errorf("snapshot of the company: %s has no lines", def.name)
		}
		l, err := loadRow(child, nil, saved)
		if err != nil {
			return nil, err
		}
		r.lines = append(r.lines, l)
	}
	return r, nil
}
