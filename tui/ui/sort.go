package ui

import (
	"cmp"
	"slices"
	"strings"
)

// Order is a direction of sorting.
type Order int

// The directions.
const (
	Unsorted Order = iota
	Up             // the least first: names, the oldest
	Down           // the greatest first: counts, the newest
)

// sorting is what a person sorted a table by; column -1 leaves the rows in the page's own order.
type sorting struct {
	column int
	order  Order
}

// Sortable tells whether any column offers sorting.
func (t *Table) Sortable() bool {
	return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Order != Unsorted })
}

// Sorted tells whether the rows stand otherwise than in the page's own order.
func (t *Table) Sorted() bool { return t.sorting.column >= 0 }

// SortNext sorts by the next column that is seen and offers it, and behind the last one returns to the page's own order.
func (t *Table) SortNext() {
	i := t.sorting.column + 1
	for i < len(t.Columns) && (t.Columns[i].Order == Unsorted || i < len(t.drawn) && t.drawn[i] == 0) {
		i++
	}
	t.sorting = sorting{column: -1}
	if i < len(t.Columns) {
		t.sorting = sorting{column: i, order: t.Columns[i].Order}
	}
	t.SetRows(t.given)
}

// SortReverse turns the order round; in the page's own order nothing happens.
func (t *Table) SortReverse() {
	if t.Sorted() {
		t.sorting.order = Up + Down - t.sorting.order
		t.SetRows(t.given)
	}
}

// marker stands behind the title of the column by which the rows are sorted.
func (t *Table) marker(column int) string {
	switch {
	case column != t.sorting.column:
		return ""
	case t.sorting.order == Up:
		return " ▲"
	}
	return " ▼"
}

// sorted are rows in the order that was asked for. Headings stay where they are: rows are sorted below each. What is equal keeps the page's
// own order, whatever the direction.
func (t *Table) sorted(rows []Row) []Row {
	if !t.Sorted() {
		return rows
	}
	out := slices.Clone(rows)
	for begin := 0; begin < len(out); {
		if out[begin].Heading {
			begin++
			continue
		}
		end := begin
		for end < len(out) && !out[end].Heading {
			end++
		}
		slices.SortStableFunc(out[begin:end], func(a, b Row) int {
			c := compareCells(cellOf(a, t.sorting.column), cellOf(b, t.sorting.column))
			if t.sorting.order == Down {
				return -c
			}
			return c
		})
		begin = end
	}
	return out
}

func cellOf(r Row, column int) Cell {
	if column < len(r.Cells) {
		return r.Cells[column]
	}
	return Cell{}
}

func compareCells(a, b Cell) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), natural(strings.ToLower(a.Text), strings.ToLower(b.Text)))
}

// natural compares texts as people do, numbers in them by their size: 990 stands before 1001.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			n, m := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(n), len(m)), strings.Compare(n, m)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many digits a text begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
