package control

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine asks for the IDs that a function of the answers lists, in their order.
func machine(ids func(Answers) []string, a Answers) Step {
	list := ids(a)
	for i, id := range list {
		if _, ok := a.Values[id]; !ok {
			return Step{Question: &Question{ID: id, Fields: []Field{{Key: "v", Value: "proposed", Proposed: true}, {Key: "s", Secret: true}}}, Number: i + 1, Total: len(list)}
		}
	}
	return Step{Done: true}
}

func TestWalk(t *testing.T) {
	ids := func(a Answers) []string { // b2 is asked where b says so
		out := []string{"a", "b"}
		if a.Values["b"].Fields["v"] == "more" {
			out = append(out, "b2")
		}
		return append(out, "c", "d")
	}
	var w Walk
	next := func() string {
		for !w.Arrive(machine(ids, w.Answers())) {
		}
		if w.Step.Question == nil {
			return ""
		}
		return w.Step.Question.ID
	}
	expect := func(want string) {
		t.Helper()
		if got := next(); got != want {
			t.Fatalf("%q is asked, want %q", got, want)
		}
	}
	answer := func(v string) { w.Answer(map[string]any{"v": v}) }

	expect("a")
	if w.CanBack() || w.Back(nil) {
		t.Fatal("there is a way back from the first question")
	}
	answer("1")
	expect("b")
	answer("more")
	expect("b2")
	answer("3")
	expect("c")
	if !w.Back(map[string]any{"v": "typed"}) {
		t.Fatal("there is no way back")
	}
	expect("b2")
	if got := w.Fill()[0]; got.Value != "3" || got.Proposed {
		t.Fatalf("the answer is not kept: %+v", got)
	}
	w.Back(nil)
	expect("b")
	answer("less") // b2 falls away, with its answer kept aside
	expect("c")
	if got := w.Fill()[0].Value; got != "typed" {
		t.Fatalf("what was typed is lost: %v", got)
	}
	w.Back(nil)
	expect("b") // and not b2, which is not asked any more
	answer("more")
	expect("b2") // with what was answered before
	if got := w.Fill()[0].Value; got != "3" {
		t.Fatalf("the answer is lost: %v", got)
	}
	answer("3")
	expect("c")
	answer("4")
	expect("d")
	w.Answer(map[string]any{"v": "5"})
	expect("")
	if got, want := w.Answers().Order, []string{"a", "b", "b2", "c", "d"}; !slices.Equal(got, want) {
		t.Fatalf("the order is %v, want %v", got, want)
	}
	w.Back(nil)
	expect("d")
	w.Skip()
	w.Stay()
	if _, ok := w.Answers().Values["d"]; ok {
		t.Fatal("an answer that did not lead on still counts")
	}
	w.Skip()
	expect("")
	if !w.Answers().Values["d"].Skipped {
		t.Fatal("it is not left out")
	}

	var again Walk
	again.Load(w.Answers())
	if diff := cmp.Diff(w.Answers(), again.Answers()); diff != "" {
		t.Fatalf("answers that were loaded (-want +got):\n%s", diff)
	}
}

func TestFieldParse(t *testing.T) {
	options := []Option{{Value: "a", Label: "First"}, {Value: "2", Label: "Second"}, {Value: "c"}}
	for _, tc := range []struct {
		field Field
		text  string
		want  any
		wrong string
	}{
		{Field{Type: FieldText}, "  x y ", "x y", ""},
		{Field{Type: FieldText}, " ", nil, ""},
		{Field{Type: FieldText, Required: true}, "", nil, "this is needed"},
		{Field{Type: FieldText, Max: 3}, "żółć", nil, "at most 3 characters are possible"},
		{Field{Type: FieldText, Max: 4}, "żółć", "żółć", ""},
		{Field{Type: FieldInteger}, "-12", "-12", ""},
		{Field{Type: FieldInteger}, "1.0", nil, "1.0 is no whole number"},
		{Field{Type: FieldDecimal}, "12,50", "12.50", ""},
		{Field{Type: FieldDecimal}, "12345678901234567890.123456", "12345678901234567890.123456", ""},
		{Field{Type: FieldDecimal}, "1,234.50", nil, "1,234.50 is no number: write it as 12.50"},
		{Field{Type: FieldDecimal}, "1e3", nil, "1e3 is no number: write it as 12.50"},
		{Field{Type: FieldBool}, "Yes", true, ""},
		{Field{Type: FieldBool}, "off", false, ""},
		{Field{Type: FieldBool}, "perhaps", nil, "perhaps is neither yes nor no"},
		{Field{Type: FieldDate}, "2026-02-28", "2026-02-28", ""},
		{Field{Type: FieldDate}, "2026-02-29", nil, "2026-02-29 is no date: write it as 2026-01-31"},
		{Field{Type: FieldDuration}, "90s", "90s", ""},
		{Field{Type: FieldDuration}, "5", nil, "5 is no length of time: write it as 30s, 5m or 2h"},
		{Field{Type: FieldURL}, "https://x.example/y", "https://x.example/y", ""},
		{Field{Type: FieldURL}, "ftp://x", nil, "ftp://x is no address: it begins with https://"},
		{Field{Type: FieldChoice, Options: options}, "first", "a", ""},
		{Field{Type: FieldChoice, Options: options}, "3", "c", ""},
		{Field{Type: FieldChoice, Options: options}, "2", "2", ""}, // a value comes before a place in the list
		{Field{Type: FieldChoice, Options: options}, "4", nil, "4 is none of the choices"},
		{Field{Type: FieldChoice}, "anything", "anything", ""},
	} {
		got, err := tc.field.Parse(tc.text)
		if err != nil {
			if err.Error() != tc.wrong {
				t.Errorf("%s %q: %v, want %q", tc.field.Type, tc.text, err, tc.wrong)
			}
		} else if tc.wrong != "" || got != tc.want {
			t.Errorf("%s %q is %v, want %v %s", tc.field.Type, tc.text, got, tc.want, tc.wrong)
		}
	}
}

func TestFieldAsked(t *testing.T) {
	for _, tc := range []struct {
		equals string
		value  any
		want   bool
	}{{"", nil, false}, {"", "", true}, {"", false, false}, {"", true, true}, {"true", true, true}, {"false", false, true}, {"x", "x", true}, {"x", "y", false},
		{"x", []any{"y", "x"}, true}, {"", []any{}, false}} {
		if got := (Field{DependsOn: "f", Equals: tc.equals}).Asked(map[string]any{"f": tc.value}); got != tc.want {
			t.Errorf("asked where f is %v and %q is wanted: %v", tc.value, tc.equals, got)
		}
	}
	if (Field{DependsOn: "f"}).Asked(nil) || !(Field{}).Asked(nil) {
		t.Error("a field is asked although the one it hangs on is not there, or not although it hangs on none")
	}
}
