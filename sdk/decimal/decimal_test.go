package decimal

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseIsCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.00": "0", "12.50": "12.5", "1e3": "1000", "1E-2": "0.01", "+7": "7", "-3.10": "-3.1",
		"100": "100", "99000000": "99000000", "1000000000000000.0001": "1000000000000000.0001",
	} {
		d, err := Parse(in)
		if err != nil || d.String() != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, d, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", " 1", "1 ", "1,5", "NaN", "Infinity", "inf", "0x10", "1e", "--1", "1.2.3", ".", "e5"} {
		if _, err := Parse(in); !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q): %v, want ErrSyntax", in, err)
		}
	}
	for _, in := range []string{"1e99", "1e-99", "123456789012345678901234567890123456789", "1e999999999"} {
		if _, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) succeeded", in)
		}
	}
}

func TestRoundHalfAwayFromZero(t *testing.T) {
	for in, want := range map[string]string{
		"1.005": "1.01", "-1.005": "-1.01", "2.675": "2.68", "0.004999": "0", "-0.005": "-0.01", "12": "12", "99.995": "100",
	} {
		if got := MustParse(in).Round(2).String(); got != want {
			t.Errorf("Round(%s) = %s, want %s", in, got, want)
		}
	}
	if got := MustParse("-1.001").Floor(2).String(); got != "-1.01" {
		t.Errorf("Floor = %s", got)
	}
}

func TestStringFixed(t *testing.T) {
	for in, want := range map[string]string{"12.5": "12.50", "12": "12.00", "0": "0.00", "-0.005": "-0.01", "1.999": "2.00"} {
		if got := MustParse(in).StringFixed(2); got != want {
			t.Errorf("StringFixed(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestQuo(t *testing.T) {
	got, err := MustParse("12.10").Quo(MustParse("1.21"), 2)
	if err != nil || got.String() != "10" {
		t.Errorf("12.10/1.21 = %s, %v", got, err)
	}
	if _, err := New(1, 0).Quo(Zero, 2); err == nil {
		t.Error("division by zero succeeded")
	}
}

// TestAgainstRationals compares every operation with exact fractions, computed by another library.
func TestAgainstRationals(t *testing.T) {
	gen := rapid.Custom(func(t *rapid.T) Decimal {
		return New(rapid.Int64Range(-1e15, 1e15).Draw(t, "c"), rapid.Int32Range(0, 6).Draw(t, "s"))
	})
	rat := func(d Decimal) *big.Rat { r, _ := new(big.Rat).SetString(d.String()); return r }
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		ra, rb := rat(a), rat(b)
		if rat(a.Add(b)).Cmp(new(big.Rat).Add(ra, rb)) != 0 || rat(a.Sub(b)).Cmp(new(big.Rat).Sub(ra, rb)) != 0 ||
			rat(a.Mul(b)).Cmp(new(big.Rat).Mul(ra, rb)) != 0 || a.Cmp(b) != ra.Cmp(rb) {
			t.Fatalf("%s and %s", a, b)
		}
		if b.IsZero() {
			return
		}
		// FloatString rounds half away from zero.
		q, _ := a.Quo(b, 4)
		if want := new(big.Rat).Quo(ra, rb).FloatString(4); rat(q).Cmp(rat(MustParse(want))) != 0 {
			t.Fatalf("%s / %s = %s, want %s", a, b, q, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "-1.5e3", "1e38", "..", "0e0", "+0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(d.String())
		if err != nil || !again.Equal(d) || again.String() != d.String() {
			t.Fatalf("%q → %q → %q, %v", s, d, again, err)
		}
	})
}
