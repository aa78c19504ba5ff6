package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// pager is a table of debtors behind a fake that pages and filters in a given manner.
type pager struct {
	keys      []string
	ignoreKey bool // LastKey is not looked at
	refuseKey bool
	inclusive bool // the row of LastKey comes again
	andOnly   bool // MatchAnyFilter is not looked at
	refuseAny bool
	noFilter  bool // filters are not looked at
	prefix    bool // Equal takes what begins so
	noSort    bool
}

func refuse(message string) (int, string) {
	b, _ := json.Marshal(map[string]any{"ErrorType": "AccountViewError", "ErrorNumbers": nil, "ErrorMessage": message})
	return 200, string(b)
}

func (p *pager) answer(path string, q url.Values, _ string) (int, string) {
	if q.Get("BusinessObject") != "AR1" {
		return refuse("Geen recht op dit business-object.")
	}
	rows := slices.Clone(p.keys)
	if q.Get("SortFields") != "" && p.noSort {
		return refuse("SortFields is onbekend.")
	}
	either := q.Get("MatchAnyFilter") == "true" && !p.andOnly
	if q.Get("MatchAnyFilter") == "true" && p.refuseAny {
		return refuse("MatchAnyFilter is onbekend.")
	}
	if q.Get("FilterValue1") != "" && q.Get("FilterControlSource1") != "CNG_DATE" && !p.noFilter {
		rows = slices.DeleteFunc(rows, func(k string) bool {
			hits, n := 0, 0
			for ; q.Get("FilterValue"+strconv.Itoa(n+1)) != ""; n++ {
				v := q.Get("FilterValue" + strconv.Itoa(n+1))
				if k == v || p.prefix && strings.HasPrefix(k, v) {
					hits++
				}
			}
			return either && hits == 0 || !either && hits < n
		})
	}
	if last := q.Get("LastKey"); last != "" && !p.ignoreKey {
		if p.refuseKey {
			return refuse("LastKey is onbekend.")
		}
		i := slices.Index(rows, strings.TrimRight(last, " ")) + 1
		if p.inclusive {
			i--
		}
		rows = rows[i:]
	}
	size, _ := strconv.Atoi(q.Get("PageSize"))
	if n, _ := strconv.Atoi(q.Get("PageNumber")); n > 1 {
		rows = rows[min(len(rows), (n-1)*size):]
	}
	rows = rows[:min(size, len(rows))]
	var out []map[string]any
	for _, k := range rows {
		out = append(out, map[string]any{"SUB_NR": fmt.Sprintf("%-10s", k), "CNG_DATE": "2026-05-01T10:00:00"})
	}
	b, _ := json.Marshal(map[string]any{"CONTACT": out})
	if len(out) == 0 {
		return 200, `{}`
	}
	return 200, string(b)
}

func numbers(n int) (keys []string) {
	for i := range n {
		keys = append(keys, strconv.Itoa(10001+i))
	}
	return keys
}

func readKeys(t *testing.T, c *connection, cursor []byte) (keys []string, last []byte) {
	t.Helper()
	err := c.Read(t.Context(), sdk.ReadRequest{Object: Debtors, Cursor: cursor}, func(b sdk.Batch) error {
		for _, r := range b.Records {
			keys = append(keys, r.Get("SUB_NR").String())
		}
		if b.Cursor != nil {
			last = b.Cursor
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, last
}

func TestReadWhateverThePaging(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]pager{
		"by key": {}, "key ignored": {ignoreKey: true}, "key refused": {refuseKey: true}, "key inclusive": {inclusive: true}, "no sorting": {noSort: true},
	} {
		for _, n := range []int{0, 1, 2, 3, 4, 7, 9} {
			p.keys = numbers(n)
			f := serve(t, sdk.Settings{"page_size": "3"}, p.answer)
			got, last := readKeys(t, f.conn, nil)
			if !slices.Equal(got, p.keys) {
				t.Errorf("%s, %d rows: %v", name, n, got)
			}
			var c cursor
			if err := json.Unmarshal(last, &c); err != nil || c.Last != "" || (n > 0) != (c.Since != "") && !p.noSort {
				t.Errorf("%s, %d rows: cursor %s, %v", name, n, last, err)
			}
		}
	}
}

// A read that broke off goes on behind the last key done, and its end still counts from its beginning.
func TestReadResumes(t *testing.T) {
	t.Parallel()
	p := pager{keys: numbers(7)}
	f := serve(t, sdk.Settings{"page_size": "3"}, p.answer)
	var first []byte
	stop := errors.New("stop")
	if err := f.conn.Read(t.Context(), sdk.ReadRequest{Object: Debtors}, func(b sdk.Batch) error { first = b.Cursor; return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	got, last := readKeys(t, f.conn, first)
	if !slices.Equal(got, numbers(7)[3:]) {
		t.Errorf("%v", got)
	}
	if string(last) != `{"since":"2026-05-01T10:00:00"}` {
		t.Errorf("cursor %s", last)
	}
	if _, err := parseCursor([]byte(`{"since":"yesterday"}`)); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

func findNumbers(t *testing.T, c *connection, values ...string) []sdk.FindResult {
	t.Helper()
	req := sdk.FindRequest{Object: Debtors}
	for _, v := range values {
		req.Keys = append(req.Keys, sdk.Key{Fields: []sdk.KeyField{{Name: "SUB_NR", Value: record.Text(v)}}})
	}
	got, err := c.Find(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Absent must be true however filters are taken: ignored, all of them instead of any, by prefix, refused.
func TestFindIsTrueWhateverTheFilters(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]pager{
		"any": {}, "all instead of any": {andOnly: true}, "any refused": {refuseAny: true}, "ignored": {noFilter: true}, "by prefix": {prefix: true},
	} {
		p.keys = []string{"10001", "100010", "10002"}
		f := serve(t, nil, p.answer)
		for range 2 {
			for i, r := range findNumbers(t, f.conn, "99", "10002", "1000", "10001") {
				want := []sdk.FindStatus{sdk.AbsentEverywhere, sdk.Found, sdk.AbsentEverywhere, sdk.Found}[i]
				if r.Status != want || want == sdk.Found && len(r.Records) != 1 {
					t.Errorf("%s, key %d: %+v", name, i, r)
				}
			}
			// All absent: with filters that must all hold the answer would be empty for any keys.
			for i, r := range findNumbers(t, f.conn, "98", "97") {
				if r.Status != sdk.AbsentEverywhere || len(r.Scopes) == 0 {
					t.Errorf("%s, absent key %d: %+v", name, i, r)
				}
			}
		}
		f2 := serve(t, nil, p.answer)
		for i, r := range findNumbers(t, f2.conn, "10001", "10002") {
			if r.Status != sdk.Found {
				t.Errorf("%s, first look-up, key %d: %+v", name, i, r)
			}
		}
	}
}

// Keys go many to a request, and a request stays short enough for any server.
func TestFindBatches(t *testing.T) {
	t.Parallel()
	p := pager{keys: numbers(50)}
	f := serve(t, nil, p.answer)
	for i, r := range findNumbers(t, f.conn, p.keys...) {
		if r.Status != sdk.Found {
			t.Fatalf("key %d: %+v", i, r)
		}
	}
	if n := f.sent("AR1"); n > 10 {
		t.Errorf("%d requests for 50 keys", n)
	}
	for _, q := range f.queries {
		if n := len(q.Encode()); n > 2048 {
			t.Errorf("a query of %d bytes", n)
		}
		if slices.Contains(strings.Split(q.Get("Fields"), ","), "*") || q.Get("Fields") == "" {
			t.Errorf("fields %q: the list is always explicit", q.Get("Fields"))
		}
	}
}

func TestDictionaryPaddedFilter(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, func(path string, q url.Values, _ string) (int, string) {
		if q.Get("BusinessObject") == "FLD" && q.Get("FilterValue1") == "ARTICLE " {
			return 200, `{"DCT_FLD":[{"FIELD_NAME":"ART_CODE  ","DBF_NAME":"ARTICLE ","FLD_DESC":"Artikelcode","FIELD_TYPE":"C","FIELD_LEN":20,"FLD_FMT":"!","REC_CUST":false},
				{"FIELD_NAME":"K1_EAN","DBF_NAME":"ARTICLE ","FLD_DESC":"EAN","FIELD_TYPE":"C","FIELD_LEN":"13","FLD_FMT":"","REC_CUST":"True"},
				{"FIELD_NAME":"OTHER","DBF_NAME":"ARTICLE ","FLD_DESC":"","FIELD_TYPE":"C","FIELD_LEN":1,"REC_CUST":false},
				{"FIELD_NAME":"SUB_NR","DBF_NAME":"CONTACT ","FIELD_TYPE":"C","FIELD_LEN":10}]}`
		}
		return 200, `{}`
	})
	s, err := f.conn.Discover(t.Context(), Articles)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Fields) != 2 || s.Fields[0].Length != 20 || !s.Fields[0].Upper || !s.Fields[1].Custom || s.Fields[1].Length != 13 {
		t.Errorf("%+v", s.Fields)
	}
	n := f.sent("FLD")
	if _, err := f.conn.Discover(t.Context(), Articles); err != nil || f.sent("FLD") != n {
		t.Errorf("the dictionary was asked again at once: %v", err)
	}
}
