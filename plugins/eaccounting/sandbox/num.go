package sandbox

import (
	"math/big"
	"strconv"
	"strings"
)

// num is an exact decimal with the text it goes out as. Amounts are never binary floating point here.
type num struct {
	r    *big.Rat
	text string
}

var (
	zero = newNum(new(big.Rat))
	one  = big.NewRat(1, 1)
)

// maxNumText and maxExponent bound what a caller can make the sandbox compute.
const (
	maxNumText  = 60
	maxExponent = 30
)

// newNum holds r, which must have a finite decimal expansion of at most 12 places.
func newNum(r *big.Rat) *num {
	text := r.FloatString(12)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" || text == "" {
		text = "0"
	}
	return &num{r: r, text: text}
}

// parseNum reads a JSON number by its text.
func parseNum(s string) (*big.Rat, bool) {
	if len(s) > maxNumText {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp > maxExponent || exp < -maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(s)
}

var half = big.NewRat(1, 2)

// round rounds to places decimals, half away from zero.
func round(r *big.Rat, places int) *big.Rat {
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	scaled := new(big.Rat).Mul(new(big.Rat).Abs(r), new(big.Rat).SetInt(factor))
	scaled.Add(scaled, half)
	whole := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	out := new(big.Rat).SetFrac(whole, factor)
	if r.Sign() < 0 {
		out.Neg(out)
	}
	return out
}

func numOf(r *big.Rat, places int) *num { return newNum(round(r, places)) }

func add(a, b *big.Rat) *big.Rat { return new(big.Rat).Add(a, b) }
func sub(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
func mul(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
func quo(a, b *big.Rat) *big.Rat { return new(big.Rat).Quo(a, b) }
func neg(a *big.Rat) *big.Rat    { return new(big.Rat).Neg(a) }

// percent turns a rate of 21 into the fraction 0.21.
func percent(rate *big.Rat) *big.Rat { return mul(rate, big.NewRat(1, 100)) }

// mustRat reads a constant of this package's tables.
func mustRat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("not a number: " + s)
	}
	return r
}
