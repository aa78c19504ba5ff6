package connector

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/decimal"
	"github.com/pomost/pomost/sdk/record"
)

// Validate checks settings against their descriptions and answers every problem: unknown keys with the nearest known one,
// missing required ones, values that do not fit their type. What only the connector knows it checks itself.
func (s Settings) Validate(known []Setting) []Problem {
	var out []Problem
	names := make([]string, 0, len(known))
	for _, k := range known {
		names = append(names, k.Key)
	}
	given := make([]string, 0, len(s))
	for k := range s {
		given = append(given, k)
	}
	slices.Sort(given)
	for _, k := range given {
		if !slices.Contains(names, k) {
			out = append(out, Problem{
				Setting: k, Message: fmt.Sprintf("there is no setting %q", k),
				Remedy: fmt.Sprintf("did you mean %q? Known: %s", Nearest(k, names), strings.Join(names, ", ")),
			})
		}
	}
	for _, k := range known {
		v := strings.TrimSpace(s[k.Key])
		if v == "" {
			if k.Required && (k.DependsOn == "" || s[k.DependsOn] == k.Equals) {
				out = append(out, Problem{Setting: k.Key, Message: k.Label + " is missing", Remedy: "give a value: " + k.Help})
			}
			continue
		}
		if message, remedy := k.wrong(v); message != "" {
			out = append(out, Problem{Setting: k.Key, Message: fmt.Sprintf("%s: %q %s", k.Label, v, message), Remedy: remedy})
		}
	}
	return out
}

// wrong tells what is wrong with a value, "" where nothing is.
func (k Setting) wrong(v string) (message, remedy string) {
	switch k.Type {
	case SettingInteger:
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return "is no whole number", "write digits only, such as 100"
		}
	case SettingDecimal:
		if _, err := decimal.Parse(v); err != nil {
			return "is no number", "write a number with a point, such as 0.25"
		}
	case SettingBool:
		if v != "true" && v != "false" {
			return "is neither true nor false", "write true or false"
		}
	case SettingDate:
		if _, err := record.ParseDate(v); err != nil || len(v) != len("2006-01-02") {
			return "is no date", "write it as 2026-01-31"
		}
	case SettingDuration:
		if d, err := time.ParseDuration(v); err != nil || d < 0 {
			return "is no duration", "write a number with its unit, such as 90s or 2m"
		}
	case SettingURL:
		return wrongURL(v)
	case SettingChoice:
		if !slices.Contains(k.Values, v) {
			return "is none of the choices", fmt.Sprintf("did you mean %q? Choices: %s", Nearest(v, k.Values), strings.Join(k.Values, ", "))
		}
	case SettingChoices:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); !slices.Contains(k.Values, part) {
				return fmt.Sprintf("holds %q, which is none of the choices", part), fmt.Sprintf("did you mean %q? Choices: %s", Nearest(part, k.Values), strings.Join(k.Values, ", "))
			}
		}
	}
	return "", ""
}

// wrongURL takes https everywhere, and plain http only to this machine: a token must not travel in the clear.
func wrongURL(v string) (message, remedy string) {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "is no address", "write it in full, such as https://api.example.com/v2"
	}
	if u.User != nil || u.Fragment != "" {
		return "holds a user or a fragment", "leave out what stands before @ and after #"
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "would send credentials unencrypted", "use https"
	}
	return "", ""
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Nearest returns the candidate with the fewest letters to change, "" of none; the first one wins a tie.
func Nearest(word string, candidates []string) string {
	best, least := "", -1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); least < 0 || d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes, of words cut at a bound.
func distance(a, b string) int {
	const bound = 100
	a, b = a[:min(len(a), bound)], b[:min(len(b), bound)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next := min(row[j]+1, row[j-1]+1, diagonal+cost)
			diagonal, row[j] = row[j], next
		}
	}
	return row[len(b)]
}
