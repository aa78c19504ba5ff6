package function

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

type everything struct {
	Text      string
	Count     int
	Total     Decimal `pomost:"sum"`
	Paid      bool
	DueDate   Date
	VATNumber Maybe[string]
}

type answered struct {
	Text  string
	Total Decimal
	Due   Maybe[Date]
}

// forget empties the module, which is one for the whole program.
func forget(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { module.name, module.version, module.functions = "", "", nil })
}

func TestExamplesAndDescription(t *testing.T) {
	forget(t)
	Module("sample", "1.0")
	in := everything{Text: "a\"\\\n\u00e9", Count: -2, Total: "+01.50", Paid: true, DueDate: Date{2024, 2, 29}}
	Register("take", "Takes all.", func(i everything) (answered, error) {
		switch i.Count {
		case 0:
			return answered{}, errors.New("nothing counted")
		case 1:
			panic("one")
		case 2:
			return answered{Total: "1e3"}, nil
		case 3:
			return answered{Total: "1", Due: Some(Date{2023, 2, 29})}, nil
		}
		return answered{Text: i.Text + i.VATNumber.Value, Total: i.Total, Due: Some(i.DueDate)}, nil
	},
		Case(in, answered{in.Text, "1.5", Some(in.DueDate)}),
		Example[everything, answered]{In: everything{Total: "0", DueDate: Date{1, 1, 1}}, Err: "nothing counted"},
		Example[everything, answered]{In: everything{Count: 1, Total: "0", DueDate: Date{9999, 12, 31}}, Err: "panic: one"},
		Example[everything, answered]{In: everything{Count: 2, Total: "0", DueDate: Date{1, 1, 1}}, Err: "the output total is no decimal number of at most 38 digits"},
		Example[everything, answered]{In: everything{Count: 3, Total: "0", DueDate: Date{1, 1, 1}}, Err: "the output due is no date of the years 1 to 9999"})
	if err := CheckExamples(); err != nil {
		t.Error(err)
	}
	var d struct {
		Name, Version string
		Functions     []struct {
			Inputs   []struct{ Name, Type string }
			Examples []struct {
				In    map[string]any
				Error string
			}
		}
	}
	if err := json.Unmarshal(describe(), &d); err != nil {
		t.Fatalf("%v: %s", err, describe())
	}
	var columns []string
	for _, c := range d.Functions[0].Inputs {
		columns = append(columns, c.Name+" "+c.Type)
	}
	if got := strings.Join(columns, ", "); got != "text text, count integer, sum decimal, paid bool, due_date date, vat_number text" {
		t.Error(got)
	}
	first := d.Functions[0].Examples[0].In
	if first["text"] != in.Text || first["count"] != "-2" || first["sum"] != "1.5" || first["paid"] != true || first["due_date"] != "2024-02-29" || len(first) != 5 {
		t.Errorf("%v", first)
	}
	if d.Functions[0].Examples[1].Error != "nothing counted" {
		t.Errorf("%+v", d.Functions[0].Examples)
	}
}

func TestWrongExamplesAreTold(t *testing.T) {
	forget(t)
	type text struct{ Text string }
	Register("same", "", func(i text) (text, error) { return i, nil }, Case(text{"a"}, text{"b"}), Example[text, text]{Err: "no"})
	err := CheckExamples()
	if err == nil || !strings.Contains(err.Error(), `same, example 1: the answer is {"text":"a"}, not {"text":"b"}`) || !strings.Contains(err.Error(), "example 2") {
		t.Error(err)
	}
}

// TestNothingInNothingOut: a row that lacks what a function needs is not given to it.
func TestNothingInNothingOut(t *testing.T) {
	forget(t)
	type in struct{ A, B string }
	type out struct{ C string }
	calls := 0
	Register("join", "", func(i in) (out, error) { calls++; return out{i.A + i.B}, nil })
	w := writer{columns: make([]output, 2)}
	rows := [][2]value{
		{{state: Present, text: "x"}, {state: Present, text: "y"}},
		{{state: Null}, {state: Present, text: "y"}},
		{{state: Present, text: "x"}, {}},
		{{}, {state: Null}},
	}
	for i := range w.columns {
		w.columns[i].reset(kindText)
		for _, r := range rows {
			w.columns[i].add(r[i])
		}
	}
	answer, err := invoke(0, w.bytes(len(rows)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := readBatch(answer)
	if err != nil {
		t.Fatal(err)
	}
	want := []value{{state: Present, text: "xy"}, {state: Null}, {}, {state: Null}}
	for i, v := range want {
		if got := b.columns[0].valueAt(i); got != v {
			t.Errorf("row %d: %+v, want %+v", i, got, v)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	for _, bad := range []struct {
		fn int
		b  []byte
	}{{1, w.bytes(4)}, {-1, nil}, {0, nil}, {0, []byte{0, 0, 0, 0, 0, 0, 0, 0}}} {
		if _, err := invoke(bad.fn, bad.b); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestWhatCannotBeRegistered(t *testing.T) {
	type text struct{ Text string }
	for want, register := range map[string]func(){
		"small letters": func() { Register("Upper", "", func(i text) (text, error) { return i, nil }) },
		"registered twice": func() {
			same := func(i text) (text, error) { return i, nil }
			Register("a", "", same)
			Register("a", "", same)
		},
		"must be a struct":  func() { Register("b", "", func(i string) (text, error) { return text{}, nil }) },
		"1 to 32 exported":  func() { Register("c", "", func(struct{ a int }) (text, error) { return text{}, nil }) },
		"cannot be of type": func() { Register("d", "", func(struct{ A time.Time }) (text, error) { return text{}, nil }) },
		"two inputs named": func() {
			Register("e", "", func(struct {
				A string
				B string `pomost:"a"`
			}) (text, error) {
				return text{}, nil
			})
		},
		"an example":      func() { Register("f", "", func(i text) (text, error) { return i, nil }, Case(text{"\xff"}, text{})) },
		"called twice":    func() { Module("m", "1"); Module("m", "1") },
		"needs a version": func() { Module("m", "") },
	} {
		t.Run(want, func(t *testing.T) {
			forget(t)
			defer func() {
				if p := recover(); p == nil || !strings.Contains(p.(string), want) {
					t.Errorf("%v", p)
				}
			}()
			register()
		})
	}
}

func TestDates(t *testing.T) {
	for d := (Date{1, 1, 1}); d.Year < 10000; d = civil(d.days() + 97) {
		at := time.Unix(d.days()*86400, 0).UTC()
		if (Date{at.Year(), int(at.Month()), at.Day()}) != d || d.String() != at.Format(time.DateOnly) || !d.valid() {
			t.Fatal(d, at)
		}
	}
	for _, d := range []Date{{}, {2023, 2, 29}, {2024, 13, 1}, {10000, 1, 1}, {2024, 4, 31}} {
		if d.valid() {
			t.Error(d)
		}
	}
}

func TestDecimals(t *testing.T) {
	for in, want := range map[string]string{"1": "1", "-0": "0", "+1.50": "1.5", "00.5": "0.5", ".5": "0.5", "-0.00": "0", "1000": "1000", strings.Repeat("9", 38): strings.Repeat("9", 38)} {
		if got, ok := canonical(in); !ok || got != want {
			t.Errorf("%s: %s %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "-", ".", "1.", "1e3", "1,5", " 1", "--1", "NaN", strings.Repeat("9", 39)} {
		if got, ok := canonical(in); ok {
			t.Errorf("%q becomes %s", in, got)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"Street": "street", "VATNumber": "vat_number", "VatNo": "vat_no", "A": "a", "PostCode2": "post_code2", "ID": "id", "Is_Paid": "is_paid"} {
		if got := snake(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
