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
// purchaseType is HDR_TYPE of purchases, which lie in the same table; 1 is sales [C NG].
const purchaseType = "2"

func historyObject() *object {
	return &object{Object: sdk.Object{Name: "ALH", Title: "Delivered orders"}, code: "ALH", table: "HST_AL", lines: "HST_AH", setting: "object_history"}
}

// history is the table of delivered orders as this account has it.
type history struct {
	head  *table
	lines *table
	// of are the columns of its lines by those of an order's line; nil where they do not tell what was ordered.
	of map[string]column
}

// lineNames are the columns of the history's lines for those of an order's. Of the table's own columns none is known; its sister, the
// posted lines (ART_LINE), has these names, so they are used where the dictionary shows them.
var lineNames = map[string][]string{"ART_CODE": {"ART_CODE"}, "ORD_QTY": {"ORD_QTY", "ART_QTY"}, "ART_PX": {"ART_PX"}}

// history is nil where there is none that can be searched.
func (c *connection) history(ctx context.Context, s *shape) (*history, error) {
	if s.Name != Orders {
		return nil, nil
	}
	head, err := c.table(ctx, c.cfg.history.lines)
	if err != nil || !head.dictionary {
		return nil, err
	}
	h := &history{head: head, of: map[string]column{}}
	if h.lines, err = c.table(ctx, c.cfg.history.table); err != nil {
		return nil, err
	}
	for name, candidates := range lineNames {
		for _, candidate := range candidates {
			if col, ok := h.lines.column(candidate); ok && h.lines.dictionary {
				h.of[name] = col
				break
			}
		}
	}
	if len(h.of) < len(lineNames) || s.detail == nil {
		h.of = nil
	}
	return h, nil
}

// inHistory finds keys among the delivered orders of one administration. searched tells for each whether it could be asked for; what is
// found has those of the order's columns that the history has. Errors are those of the way to AccountView.
func (c *connection) inHistory(ctx context.Context, s *shape, h *history, d record.Date, keys []*wanted) (found [][]record.Record, searched []bool, failed []error, err error) {
	found, searched, failed = make([][]record.Record, len(keys)), make([]bool, len(keys)), make([]error, len(keys))
	var ask []int
	for i, k := range keys {
		if !slices.ContainsFunc(k.columns, func(col column) bool { _, ok := h.head.column(col.Name); return !ok }) {
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
		if e := c.askHistory(ctx, s, h, d, keys, group, found); e != nil {
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
func (c *connection) askHistory(ctx context.Context, s *shape, h *history, d record.Date, keys []*wanted, group []int, found [][]record.Record) error {
	t := h.head
	q := &query{object: c.cfg.history.code, bookDate: isoDay(d), pageSize: c.cfg.pageSize, any: len(group) > 1}
	for _, col := range s.head.cols {
		if _, ok := t.column(col.Name); ok {
			q.fields = append(q.fields, t.name+"."+col.Name)
		}
	}
	if _, typed := t.column("HDR_TYPE"); typed {
		q.fields = append(q.fields, t.name+".HDR_TYPE")
	}
	for _, col := range h.of {
		q.fields = append(q.fields, h.lines.name+"."+col.Name)
	}
	slices.Sort(q.fields)
	for _, i := range group {
		for n, col := range keys[i].columns {
			for _, v := range variants(col, keys[i].values[n], false)[:1] {
				q.filters = append(q.filters, filter{t.name + "." + col.Name, "Equal", 'C', padded(col, v, c.cfg.padKeys)})
			}
		}
	}
	order := map[string]int{} // place in found by key and order: one row comes for each of its lines
	lines := map[string][]row{}
	for total := 0; ; {
		a, err := c.get(ctx, q, t)
		if err != nil {
			return err
		}
		rows := a.rows(c.cfg.history.table)
		for _, r := range rows {
			if r.text(t.name+"_HDR_TYPE") == purchaseType || r.text("HDR_TYPE") == purchaseType {
				continue
			}
			head := joinedRow(r, t, s.head)
			for _, i := range group {
				if !keys[i].matches(head) {
					continue
				}
				id := fmt.Sprint(i, " ", record.FingerprintOf(s.record(head, nil, false, c.cfg.zone)))
				if _, seen := order[id]; !seen {
					order[id] = len(found[i])
					found[i] = append(found[i], record.Record{})
				}
				line := row{}
				for name, col := range h.of {
					line[name] = r[col.Name]
				}
				lines[id] = append(lines[id], line)
				found[i][order[id]] = s.record(head, lines[id], h.of != nil, c.cfg.zone)
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
