package shop

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// digits gives n decimal digits, the first of them not 0.
func digits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	if b[0] == '0' {
		b[0] = '1'
	}
	return string(b)
}

// weighted is Σ digit × weight.
func weighted(s string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	return sum
}

// luhn is the check digit that ISO/IEC 7812 puts behind s.
func luhn(s string) int {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return (10 - sum%10) % 10
}

// vatNumber gives a number with the right check digits for the country, without spaces, or "" where it knows no rule.
// The numbers are random: whether one is in use at a tax office is not known and does not matter here.
func vatNumber(r *rand.Rand, country string) string {
	for {
		if s, ok := tryVATNumber(r, country); ok {
			return s
		}
	}
}

// tryVATNumber fails where the random body of a number has no check digit (remainder 10).
func tryVATNumber(r *rand.Rand, country string) (string, bool) {
	switch country {
	case "NL": // eleven test over nine digits, then B and two digits
		body := digits(r, 8)
		check := weighted(body, 9, 8, 7, 6, 5, 4, 3, 2) % 11
		return fmt.Sprintf("NL%s%dB01", body, check), check != 10
	case "BE": // 97 less the remainder of the first eight
		body := r.IntN(9_000_000) + 1_000_000
		return fmt.Sprintf("BE0%07d%02d", body, 97-body%97), true
	case "DE": // ISO 7064, MOD 11,10
		body, p := digits(r, 8), 10
		for i := range len(body) {
			s := (int(body[i]-'0') + p) % 10
			if s == 0 {
				s = 10
			}
			p = 2 * s % 11
		}
		return fmt.Sprintf("DE%s%d", body, (11-p)%10), true
	case "FR": // SIREN with a Luhn digit, before it a key of two digits
		body := digits(r, 8)
		siren := fmt.Sprintf("%s%d", body, luhn(body))
		var n int
		for i := range len(siren) {
			n = (n*10 + int(siren[i]-'0')) % 97
		}
		return fmt.Sprintf("FR%02d%s", (12+3*n)%97, siren), true
	case "SE": // organisation number with a Luhn digit, then 01
		body := "55" + digits(r, 7)
		return fmt.Sprintf("SE%s%d01", body, luhn(body)), true
	case "PL":
		body := digits(r, 9)
		check := weighted(body, 6, 5, 7, 2, 3, 4, 5, 6, 7) % 11
		return fmt.Sprintf("PL%s%d", body, check), check != 10
	case "NO": // organisation number, then MVA; not an EU number
		body := "9" + digits(r, 7)
		check := (11 - weighted(body, 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
		return fmt.Sprintf("NO%s%dMVA", body, check), check != 10
	}
	return "", true
}

// chamberNumber is the number in the country's trade register, as far as it follows from the VAT number.
func chamberNumber(r *rand.Rand, country, vat string) string {
	switch country {
	case "NL":
		return digits(r, 8)
	case "SE":
		return vat[2:8] + "-" + vat[8:12]
	case "NO":
		return strings.TrimSuffix(vat[2:], "MVA")
	case "FR":
		return vat[4:]
	case "BE":
		return vat[2:]
	}
	return ""
}

// ean is an EAN-13 under a Dutch prefix.
func ean(r *rand.Rand) string {
	body := "8719" + digits(r, 8)
	sum := 0
	for i := range len(body) {
		w := 1
		if i%2 == 1 {
			w = 3
		}
		sum += int(body[i]-'0') * w
	}
	return fmt.Sprintf("%s%d", body, (10-sum%10)%10)
}

// postCode spells a post code as buyers do: mostly as the post wants it.
func postCode(r *rand.Rand, country, prefix string) string {
	switch country {
	case "NL":
		const letters = "ABCDEGHJKLMNPRSTVWXZ"
		n := prefix + fmt.Sprintf("%02d", r.IntN(100))
		l := string([]byte{letters[r.IntN(len(letters))], letters[r.IntN(len(letters))]})
		switch k := r.IntN(10); {
		case k < 6:
			return n + " " + l
		case k < 9:
			return n + l
		default:
			return n + strings.ToLower(l)
		}
	case "BE", "NO":
		return prefix + fmt.Sprintf("%02d", r.IntN(100))
	case "SE":
		n := fmt.Sprintf("%s%03d", prefix, r.IntN(1000))
		if r.IntN(2) == 0 {
			return n
		}
		return n[:3] + " " + n[3:]
	case "PL":
		n := fmt.Sprintf("%s%03d", prefix, r.IntN(1000))
		if r.IntN(3) == 0 {
			return n
		}
		return n[:2] + "-" + n[2:]
	}
	return prefix + fmt.Sprintf("%03d", r.IntN(1000))
}
