package ui

import "testing"

// TestRemedy: what a key of the screens does is named by the key, and what only a command does by the command.
func TestRemedy(t *testing.T) {
	e := &Env{Words: plainWords{}, Keys: DefaultKeys()}
	for said, want := range map[string]string{
		"consent again with `pomost connection authorize books`, or put a new one into `pomost apply`": "consent again with o on the page of the connections, or put a new one into `pomost apply`",
		"say with `pomost decide` whether it is there (--sent KEY)":                                    "say with d on the record whether it is there (--sent KEY)",
		"`pomost retry orders --record 5`":                                                             "r on the record",
		"`pomost plan FLOW` or `pomost records`":                                                       "v on the page of the flow or i on the first page",
		"`pomost serve`":                                                                               "`pomost serve`",
		"unblock debtor 10004, then retry":                                                             "unblock debtor 10004, then retry",
		"":                                                                                             "",
	} {
		if got := e.Remedy(said); got != want {
			t.Errorf("%q is said as %q, want %q", said, got, want)
		}
	}
	for _, h := range here {
		if len(e.Keys.Of(h.page, h.action)) == 0 {
			t.Errorf("there is no key for %s.%s", h.page, h.action)
		}
	}
}
