package connector

import (
	"context"
	"slices"
	"time"

	"github.com/pomost/pomost/sdk/record"
)

// span is the time that one year's administration covers, as its periods show it.
type span struct {
	from, to record.Date
	at       time.Time // when that was learnt
}

const (
	// spanLife bounds how old that may be: periods are made for years that are yet to come.
	spanLife = 30 * time.Minute
	maxSpans = 100
)

// byAdministration sorts keys by the administration of their dates, so that many documents of one year are looked up together.
// The groups come in the order of their first key; a date whose administration is not known is a group of its own.
func (c *connection) byAdministration(ctx context.Context, dates []record.Date) (groups [][]record.Date, err error) {
	if len(dates) < 2 {
		return [][]record.Date{dates}, nil
	}
	of := map[record.Date]int{} // first day → group
	for _, d := range dates {
		s, known, err := c.administration(ctx, d)
		if err != nil {
			return nil, err
		}
		if !known {
			s.from = d
		}
		i, ok := of[s.from]
		if !ok {
			i = len(groups)
			of[s.from] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	return groups, nil
}

// administration finds the administration that holds a date, by its periods. Where these cannot be read nothing is known. Errors
// are those of the way to AccountView.
func (c *connection) administration(ctx context.Context, d record.Date) (span, bool, error) {
	c.mu.Lock()
	for _, s := range c.spans {
		if s.from <= d && d <= s.to && c.now().Sub(s.at) < spanLife {
			c.mu.Unlock()
			return s, s.from != s.to, nil
		}
	}
	c.mu.Unlock()
	s := span{from: d, to: d}
	if c.yearMissing(d) {
		return s, false, nil
	}
	s, err := c.periodsOf(ctx, d)
	if err != nil && transient(err) {
		return s, false, err
	}
	s.at = c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = slices.DeleteFunc(c.spans, func(o span) bool { return s.at.Sub(o.at) >= spanLife })
	if len(c.spans) < maxSpans {
		c.spans = append(c.spans, s)
	}
	return s, s.from != s.to, nil
}

// periodsOf is the time from the first to the last day of a date's administration; the date alone where its periods do not tell,
// or tell of a time that the date is not in.
func (c *connection) periodsOf(ctx context.Context, d record.Date) (span, error) {
	alone := span{from: d, to: d}
	src, t, err := c.periodSource(ctx)
	if err != nil {
		return alone, err
	}
	rows, err := c.allAt(ctx, src, t, d)
	if err != nil {
		return alone, err
	}
	var s span
	for _, r := range rows {
		for name, attribute := range src.attributes {
			col, _ := t.column(name)
			v := r.value(col, c.cfg.zone)
			day, ok := v.AsDate()
			if at, is := v.AsInstant(); is {
				day, ok = record.NewDate(at.In(c.cfg.zone).Date()), true
			}
			switch {
			case !ok:
			case attribute == "begin" && (s.from == 0 || day < s.from):
				s.from = day
			case attribute == "end" && day > s.to:
				s.to = day
			}
		}
	}
	// A year has at most two (a first one may be long); more means that the periods of all years came.
	if s.from == 0 || s.to == 0 || d < s.from || d > s.to || s.to-s.from > 2*366 {
		return alone, nil
	}
	return s, nil
}
