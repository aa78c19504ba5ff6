package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// snapshot is the company in the state file.
type snapshot struct {
	Tables    map[string][]json.RawMessage `json:"tables"`
	Paid      map[string]bool              `json:"paid"`
	BackOrder map[string]bool              `json:"back_order"`
	Settings  json.RawMessage              `json:"settings"`
	Prices    []json.RawMessage            `json:"prices"`
	Numbers   map[string]int64             `json:"numbers"`
	LastStamp time.Time                    `json:"last_stamp"`
	IDs       ids                          `json:"ids"`
	Lived     int                          `json:"lived,omitempty"`
	Fresh     []string                     `json:"fresh,omitempty"`
}

// invoiceExtra and orderExtra are what the company remembers beyond the fields of the API.
type invoiceExtra struct{ paid bool }
type orderExtra struct{ backOrdered bool }

func (c *company) Snapshot() ([]byte, error) {
	exact := form{exact: true}
	s := snapshot{
		Tables: map[string][]json.RawMessage{}, Paid: map[string]bool{}, BackOrder: map[string]bool{},
		Settings: exact.append(nil, c.settings, nil), Numbers: c.numbers, LastStamp: c.lastStamp,
		IDs: c.ids, Lived: c.lived, Fresh: c.fresh,
	}
	for _, p := range c.prices {
		s.Prices = append(s.Prices, exact.append(nil, p, nil))
	}
	for name, t := range c.tables {
		list := make([]json.RawMessage, 0, len(t.order))
		for _, r := range t.order {
			list = append(list, exact.append(nil, r, nil))
			switch x := r.extra.(type) {
			case invoiceExtra:
				s.Paid[r.str("Id")] = x.paid
			case orderExtra:
				s.BackOrder[r.str("Id")] = x.backOrdered
			}
		}
		s.Tables[name] = list
	}
	return json.Marshal(s)
}

func (c *company) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("company: %w", err)
	}
	if s.IDs.Seed == ([16]byte{}) {
		return errors.New("company: the state says nothing of its ids: it was made by an older sandbox; remove the file to start anew")
	}
	read := func(of *schema, raw json.RawMessage) (*record, error) {
		m, err := decodeObject(raw)
		if err != nil {
			return nil, err
		}
		rd := &reader{exact: true}
		r := rd.object(of, m, "")
		if len(rd.problems) > 0 {
			return nil, fmt.Errorf("%s: %s", rd.problems[0].Field, rd.problems[0].Message)
		}
		return r, nil
	}
	tables := map[string]*table{}
	for name, schemaName := range tableSchemas {
		t := newTable(name, schemaName)
		for i, raw := range s.Tables[name] {
			r, err := read(t.schema, raw)
			if err != nil {
				return fmt.Errorf("company: %s, record %d: %w", name, i+1, err)
			}
			if s.Paid[r.str("Id")] {
				r.extra = invoiceExtra{paid: true}
			}
			if s.BackOrder[r.str("Id")] {
				r.extra = orderExtra{backOrdered: true}
			}
			t.add(r)
		}
		tables[name] = t
	}
	settings, err := read(schemas["CompanySettingsApi"], s.Settings)
	if err != nil {
		return fmt.Errorf("company settings: %w", err)
	}
	var prices []*record
	for i, raw := range s.Prices {
		p, err := read(schemas["SalesPriceListRowApi"], raw)
		if err != nil {
			return fmt.Errorf("company: price %d: %w", i+1, err)
		}
		prices = append(prices, p)
	}
	c.tables, c.settings, c.lastStamp, c.prices = tables, settings, s.LastStamp, prices
	c.indexPrices()
	c.numbers = maps.Clone(s.Numbers)
	c.ids, c.lived, c.fresh = s.IDs, s.Lived, s.Fresh
	return nil
}
