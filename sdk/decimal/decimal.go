// Package decimal is exact decimal arithmetic for money, quantities and rates.
//
// A Decimal is an immutable value of at most MaxDigits significant digits. It is always held in canonical form (no
// trailing zeros in the coefficient, no negative zero), so two equal numbers print the same text and have the same
// fingerprint. There is no conversion from or to binary floating point on purpose.
package decimal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

const (
	// MaxDigits bounds the significant digits of a parsed number and of every result.
	MaxDigits = 38
	// maxExponent bounds the magnitude of a parsed exponent, so that "1e999999999" costs nothing.
	maxExponent = 38
)

// ErrSyntax is returned for text that is not a decimal number; ErrRange for a number outside the bounds.
var (
	ErrSyntax = errors.New("not a decimal number")
	ErrRange  = errors.New("number out of range")
)

// exact has room for the full product of two operands of MaxDigits digits, and for a quotient whose rounding to any
// allowed number of places cannot be disturbed by its own last digit.
var exact = apd.Context{Precision: 120, MaxExponent: 2000, MinExponent: -2000, Rounding: apd.RoundHalfUp}

// Decimal is an exact decimal number. The zero value is 0.
type Decimal struct{ d apd.Decimal }

// Zero is 0.
var Zero Decimal

// Parse reads a number as JSON or a form writes it: digits, an optional sign, point and exponent. Spaces, group
// separators, NaN and infinities are refused.
func Parse(s string) (Decimal, error) {
	if err := check(s); err != nil {
		return Zero, fmt.Errorf("%w: %q", err, clip(s))
	}
	var d apd.Decimal
	if _, _, err := d.SetString(s); err != nil {
		return Zero, fmt.Errorf("%w: %q", ErrSyntax, clip(s))
	}
	out, err := bounded(&d)
	if err != nil {
		return Zero, fmt.Errorf("%w: %q", err, clip(s))
	}
	return out, nil
}

// MustParse is Parse for constants; it panics on bad text.
func MustParse(s string) Decimal {
	d, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// New returns coefficient × 10^−scale: New(1250, 2) is 12.5.
func New(coefficient int64, scale int32) Decimal {
	var d apd.Decimal
	d.SetFinite(coefficient, -scale)
	return canonical(&d)
}

func check(s string) error {
	if s == "" || len(s) > 100 {
		return ErrSyntax
	}
	digits := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
		case c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E':
		default:
			return ErrSyntax
		}
	}
	if !digits {
		return ErrSyntax
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func canonical(d *apd.Decimal) Decimal {
	var out Decimal
	out.d.Reduce(d)
	if out.d.IsZero() {
		return Zero
	}
	return out
}

func bounded(d *apd.Decimal) (Decimal, error) {
	if d.Form != apd.Finite {
		return Zero, ErrSyntax
	}
	out := canonical(d)
	digits := out.d.NumDigits()
	if digits > MaxDigits || int64(out.d.Exponent) > maxExponent-digits || out.d.Exponent < -maxExponent {
		return Zero, ErrRange
	}
	return out, nil
}

// Add returns a + b.
func (a Decimal) Add(b Decimal) Decimal { return a.op(b, exact.Add) }

// Sub returns a − b.
func (a Decimal) Sub(b Decimal) Decimal { return a.op(b, exact.Sub) }

// Mul returns a × b, exactly.
func (a Decimal) Mul(b Decimal) Decimal { return a.op(b, exact.Mul) }

func (a Decimal) op(b Decimal, f func(d, x, y *apd.Decimal) (apd.Condition, error)) Decimal {
	var out apd.Decimal
	// The context has room for every result of canonical operands; an error would be a broken invariant of this
	// package, not of its caller.
	if _, err := f(&out, &a.d, &b.d); err != nil {
		panic(fmt.Sprintf("decimal: %v", err))
	}
	return canonical(&out)
}

// Quo returns a ÷ b rounded half away from zero to the given number of decimals. Dividing by zero is an error.
func (a Decimal) Quo(b Decimal, places int32) (Decimal, error) {
	if b.IsZero() {
		return Zero, errors.New("division by zero")
	}
	var q apd.Decimal
	if _, err := exact.Quo(&q, &a.d, &b.d); err != nil {
		return Zero, fmt.Errorf("divide %s by %s: %w", a, b, err)
	}
	return canonical(&q).Round(places), nil
}

// Round returns a rounded half away from zero to the given number of decimals.
func (a Decimal) Round(places int32) Decimal { return a.quantize(places, apd.RoundHalfUp) }

// Floor returns a rounded towards minus infinity to the given number of decimals.
func (a Decimal) Floor(places int32) Decimal { return a.quantize(places, apd.RoundFloor) }

func (a Decimal) quantize(places int32, mode apd.Rounder) Decimal {
	if -a.d.Exponent <= places {
		return a
	}
	c := exact
	c.Rounding = mode
	var out apd.Decimal
	if _, err := c.Quantize(&out, &a.d, -places); err != nil {
		panic(fmt.Sprintf("decimal: %v", err))
	}
	return canonical(&out)
}

// Neg returns −a.
func (a Decimal) Neg() Decimal { return Zero.Sub(a) }

// Abs returns the magnitude of a.
func (a Decimal) Abs() Decimal {
	if a.Sign() < 0 {
		return a.Neg()
	}
	return a
}

// Cmp compares by value: −1, 0 or 1.
func (a Decimal) Cmp(b Decimal) int { return a.d.Cmp(&b.d) }

// Equal reports whether a and b are the same number.
func (a Decimal) Equal(b Decimal) bool { return a.Cmp(b) == 0 }

// Sign is −1, 0 or 1.
func (a Decimal) Sign() int { return a.d.Sign() }

// IsZero reports whether a is 0.
func (a Decimal) IsZero() bool { return a.d.IsZero() }

// Places is the number of decimals that a needs: 0 for 100, 2 for 1.25.
func (a Decimal) Places() int32 { return max(0, -a.d.Exponent) }

// String is the canonical text: plain notation, no exponent, no trailing zeros, no plus sign.
func (a Decimal) String() string { return a.d.Text('f') }

// StringFixed rounds to the given number of decimals and writes all of them: StringFixed(2) of 12.5 is "12.50".
func (a Decimal) StringFixed(places int32) string {
	s := a.Round(places).String()
	if places <= 0 {
		return s
	}
	point := strings.IndexByte(s, '.')
	if point < 0 {
		return s + "." + strings.Repeat("0", int(places))
	}
	return s + strings.Repeat("0", int(places)-(len(s)-point-1))
}

// MarshalText writes the canonical text.
func (a Decimal) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is Parse.
func (a *Decimal) UnmarshalText(b []byte) error {
	d, err := Parse(string(b))
	if err != nil {
		return err
	}
	*a = d
	return nil
}
