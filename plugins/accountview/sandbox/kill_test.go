package sandbox

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	kit "github.com/pomost/pomost/sdk/sandbox"
)

// copied is what a kill at this moment leaves behind: the state file and its journal as they are.
func copied(t *testing.T, state string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "state")
	for _, suffix := range []string{"", ".journal"} {
		b, err := os.ReadFile(state + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// A sandbox that is killed has after its next start all that it had answered: records with their numbers and stamps, and the tokens.
func TestKillLosesNothingAnswered(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	opts := kit.Options{StateFile: state, Set: map[string]string{"dialect": "so_rich"}}
	_, w := start(t, opts)
	post := func(e map[string]any) string {
		t.Helper()
		_, _, body := w.do("POST", "/accountviewdata", encode(t, e))
		if m := message(body); m != "" {
			t.Fatal(m)
		}
		return body
	}
	year := w.year(t)
	post(envelopeOf("", "AK1", part{"ARTICLE", "ART_CODE:C,PX_SELL:N", [][]any{{"A", "1.25"}}}))
	post(envelopeOf("", "AR1", part{"CONTACT", debtorFields, [][]any{{"1", "1210", "-", "Jansen", "a@b.example", "NL"}}}))
	date := fmt.Sprintf("%d-03-01", year)
	for i := range 20 {
		post(envelopeOf(date, "SO1", order("10001", date, fmt.Sprint("R", i)), line("A", 2, "1.25")))
		post(envelopeOf(date, "DJ2", part{"DJ_PAGE", "DJ_CODE:C,SUB_NR:C,INV_NR:C,TRN_DATE:T,HDR_DESC:C", [][]any{{"700", "10001", fmt.Sprint(i), date, "x"}}},
			part{"DJ_LINE", "ACCT_NR:C,AMOUNT:N", [][]any{{"8000", "-1"}}}))
	}
	_, first := w.form(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {w.info.RefreshToken}})
	if first["error"] != "invalid_grant" {
		t.Fatalf("the seed was traded before: %v", first)
	}
	reads := []string{"AR1", "AK1", "SO1&BookDate=" + date, "DJ2&BookDate=" + date, "GJ1&BookDate=" + date, "OI1"}
	read := func(w *wire) (all []string) {
		for _, q := range reads {
			_, _, body := w.do("GET", "/accountviewdata?BusinessObject="+q, "")
			all = append(all, body)
		}
		return all
	}
	want := read(w)
	after := copied(t, state)
	torn := copied(t, state)
	again := kit.Options{StateFile: after, Set: opts.Set}
	_, w2 := start(t, again)
	w2.token = w.token // what was given out before still works
	got := read(w2)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s after a kill:\n%.600s\nbefore:\n%.600s", reads[i], got[i], want[i])
		}
	}
	// Killed again before it was stopped once, with a line that was half written.
	w2.do("POST", "/accountviewdata", encode(t, envelopeOf("", "AG1", part{"ART_GRP", "AG_CODE:C", [][]any{{"KEEP"}}})))
	twice := copied(t, after)
	f, err := os.OpenFile(twice+".journal", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, w3 := start(t, kit.Options{StateFile: twice, Set: opts.Set})
	if _, _, body := w3.do("GET", "/accountviewdata?BusinessObject=AG1", ""); !strings.Contains(body, "KEEP") {
		t.Errorf("after the second kill: %s", body)
	}
	// A journal that is older than the state beside it is in it already.
	b, err := os.ReadFile(torn + ".journal")
	if err != nil {
		t.Fatal(err)
	}
	run, w4 := start(t, kit.Options{StateFile: torn, Set: opts.Set})
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(torn+".journal", b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, w5 := start(t, kit.Options{StateFile: torn, Set: opts.Set})
	w4.token, w5.token = w.token, w.token
	for i, body := range read(w5) {
		if body != want[i] {
			t.Errorf("%s was done twice: %.300s", reads[i], body)
		}
	}
	bad := copied(t, twice)
	if err := os.WriteFile(bad+".journal", []byte("no json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kit.Start(t.Context(), System(), kit.Options{StateFile: bad, Set: opts.Set}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a broken journal was taken: %v", err)
	}
}

// year is one that the company has an administration of.
func (w *wire) year(t *testing.T) int {
	t.Helper()
	years, err := parseYears(func() string {
		for _, s := range System().Settings {
			if s.Key == "years" {
				return s.Default
			}
		}
		return ""
	}())
	if err != nil {
		t.Fatal(err)
	}
	return years[1].year
}
