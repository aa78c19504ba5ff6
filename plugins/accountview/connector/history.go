package connector

import (
	"context"
	"fmt"
	"slices"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// The history of orders: its lines (ALH, HST_AL) with the columns of their order, which a client asks for as hst_ah.name [C NG]. Whether
// an order leaves SO1 once it is delivered is not known, nor whether the order's reference comes along: the look-up goes there where
// the data dictionary shows the reference's column in HST_AH.
func historyObject() *object {
	return &object{Object: sdk.Object{Name: "ALH", Title: "Delivered orders"}, code: "ALH", table: "HST_AL", lines: "HST_AH", setting: "object_history"}
}

// history is the table of delivered orders as this account has it, nil where there is none that can be searched.
func (c *connection) history(ctx context.Context, s *shape) (*table, error) {
	if s.Name != Orders {
		return nil, nil
	}
	t, err := c.table(ctx, c.cfg.history.lines)
	if err != nil || !t.dictionary {
		return nil, err
	}
	return t, nil
}

// inHistory finds keys among the delivered orders of one administration. searched tells for each whether it could be asked for; what is
// found has those of the order's columns that the history has. Errors are those of the way to AccountView.
func (c *connection) inHistory(ctx context.Context, s *shape, t *table, d record.Date, keys []*wanted) (found [][]record.Record, searched []bool, failed []error, err error) {
	found, searched, failed = make([][]record.Record, len(keys)), make([]bool, len(keys)), make([]error, len(keys))
	var ask []int
	for i, k := range keys {
		if !slices.ContainsFunc(k.columns, func(col column) bool { _, ok := t.column(col.Name); return !ok }) {
			ask, searched[i] = append(ask, i), true
		}
	}
	c.mu.Lock()
	together := c.anyWorks[s.Name]
	c.mu.Unlock()
	for len(ask) > 0 {
		n := 1
		if together {
			for n < min(len(ask), maxFilters) && len(keys[ask[n]].columns) == 1 && keys[ask[n]].columns[0].Name == keys[ask[0]].columns[0].Name {
				n++
			}
		}
		group := ask[:n]
		ask = ask[n:]
		if e := c.askHistory(ctx, s, t, d, keys, group, found); e != nil {
			if transient(e) {
				return nil, nil, nil, e
			}
			for _, i := range group {
				failed[i] = e
			}
		}
	}
	return found, searched, failed, nil
}

// askHistory asks for keys in one request: several as alternatives.
func (c *connection) askHistory(ctx context.Context, s *shape, t *table, d record.Date, keys []*wanted, group []int, found [][]record.Record) error {
	q := &query{object: c.cfg.history.code, bookDate: isoDay(d), pageSize: c.cfg.pageSize, any: len(group) > 1}
	for _, col := range s.head.cols {
		if _, ok := t.column(col.Name); ok {
			q.fields = append(q.fields, t.name+"."+col.Name)
		}
	}
	for _, i := range group {
		for n, col := range keys[i].columns {
			for _, v := range variants(col, keys[i].values[n], false)[:1] {
				q.filters = append(q.filters, filter{t.name + "." + col.Name, "Equal", 'C', padded(col, v, c.cfg.padKeys)})
			}
		}
	}
	seen := map[string]bool{}
	for total := 0; ; {
		a, err := c.get(ctx, q, t)
		if err != nil {
			return err
		}
		rows := a.rows(c.cfg.history.table)
		for _, r := range rows {
			r = joinedRow(r, t, s.head)
			for _, i := range group {
				if !keys[i].matches(r) {
					continue
				}
				rec := s.record(r, nil, false, c.cfg.zone)
				if id := fmt.Sprint(i, " ", record.FingerprintOf(rec)); !seen[id] { // one row for each line of the order
					seen[id] = true
					found[i] = append(found[i], rec)
				}
			}
		}
		if total += len(rows); total > maxRows {
			return &sdk.Error{Cause: sdk.CauseRefused, Message: fmt.Sprintf("more than %d lines of the history of orders answer a single look-up", maxRows), Remedy: "the filter may not be obeyed: see the connection's check"}
		}
		if len(rows) < q.pageSize {
			return nil
		}
		q.page = max(q.page, 1) + 1
	}
}

// joinedRow names a joined table's columns as that table does: they are answered as HST_AH_NAME or HST_AH.NAME (which of both is not
// known; the second was cut to NAME when the answer was read).
func joinedRow(r row, t, head *table) row {
	out := row{}
	for _, col := range head.cols {
		if v, ok := r[t.name+"_"+col.Name]; ok {
			out[col.Name] = v
		} else if v, ok := r[col.Name]; ok {
			out[col.Name] = v
		}
	}
	return out
}
