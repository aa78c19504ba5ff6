package bench

import "testing"

// perSecond and per are measurements; no amount of money is one.
func perSecond(n int, b *testing.B) float64 { return float64(n) / b.Elapsed().Seconds() }

func (r ratio) per(calls int) float64 { return float64(calls) / float64(max(r.orders, 1)) }
