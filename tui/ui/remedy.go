package ui

import "regexp"

// here are the commands that a key of the screens does too: what to say in place of the command, and the key's page and action.
var here = []struct {
	command      *regexp.Regexp
	place        func(w Words, key string) string
	page, action string
}{
	{regexp.MustCompile("`pomost connection authorize[^`]*`"), onConnections, "connections", "authorize"},
	{regexp.MustCompile("`pomost connection check[^`]*`"), onConnections, "connections", "check"},
	{regexp.MustCompile("`pomost decide[^`]*`"), onRecord, "records", "decide"},
	{regexp.MustCompile("`pomost retry[^`]*`"), onRecord, "records", "retry"},
	{regexp.MustCompile("`pomost why[^`]*`"), onRecord, "records", "story"},
	{regexp.MustCompile("`pomost records[^`]*`"), onFirst, "dashboard", "inbox"},
	{regexp.MustCompile("`pomost setup[^`]*`"), onFirst, "dashboard", "setup"},
	{regexp.MustCompile("`pomost resume[^`]*`"), onFlow, "flow", "pause"},
	{regexp.MustCompile("`pomost plan[^`]*`"), onFlow, "flow", "plan"},
	{regexp.MustCompile("`pomost run[^`]*`"), onFlow, "flow", "run"},
	{regexp.MustCompile("`pomost logs[^`]*`"), onFlow, "flow", "logs"},
}

// Where a key works.
func onConnections(w Words, key string) string { return w.T("%s on the page of the connections", key) }
func onRecord(w Words, key string) string      { return w.T("%s on the record", key) }
func onFirst(w Words, key string) string       { return w.T("%s on the first page", key) }
func onFlow(w Words, key string) string        { return w.T("%s on the page of the flow", key) }

// Remedy is a remedy as the screens say it: a command that a key does here is named by the key. Others stay, such as `pomost serve`.
func (e *Env) Remedy(text string) string {
	for _, h := range here {
		if !h.command.MatchString(text) {
			continue
		}
		keys := e.Keys.Of(h.page, h.action)
		if len(keys) == 0 { // somebody took the key away
			continue
		}
		text = h.command.ReplaceAllLiteralString(text, h.place(e.Words, KeyName(keys[0])))
	}
	return text
}
