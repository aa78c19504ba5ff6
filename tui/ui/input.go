package ui

import (
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
)

// maxInput bounds what can be typed or pasted into one line.
const maxInput = 2000

// Input is one line of text that is being typed.
type Input struct {
	runes []rune
	at    int
}

// Value is the text.
func (i *Input) Value() string { return string(i.runes) }

// Set replaces the text.
func (i *Input) Set(s string) {
	i.runes, i.at = nil, 0
	i.Insert(s)
}

// Insert puts text in where the cursor is, as a paste does: it is never read as keys.
func (i *Input) Insert(s string) {
	var add []rune
	for _, r := range Clean(s) {
		if unicode.IsPrint(r) && len(i.runes)+len(add) < maxInput {
			add = append(add, r)
		}
	}
	i.runes = append(i.runes[:i.at:i.at], append(add, i.runes[i.at:]...)...)
	i.at += len(add)
}

// Key edits the text and tells whether the key was one for editing.
func (i *Input) Key(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "left":
		i.at = max(i.at-1, 0)
	case "right":
		i.at = min(i.at+1, len(i.runes))
	case "home", "ctrl+a":
		i.at = 0
	case "end", "ctrl+e":
		i.at = len(i.runes)
	case "backspace":
		if i.at > 0 {
			i.runes = append(i.runes[:i.at-1:i.at-1], i.runes[i.at:]...)
			i.at--
		}
	case "delete":
		if i.at < len(i.runes) {
			i.runes = append(i.runes[:i.at:i.at], i.runes[i.at+1:]...)
		}
	case "ctrl+u":
		i.runes, i.at = i.runes[i.at:], 0
	case "ctrl+w":
		head := strings.TrimRight(string(i.runes[:i.at]), " ")
		cut := []rune(head[:strings.LastIndex(head, " ")+1])
		i.runes, i.at = append(cut, i.runes[i.at:]...), len(cut)
	default:
		if k.Text == "" {
			return false
		}
		i.Insert(k.Text)
	}
	return true
}

// View draws the text in width cells with a mark where the next letter goes. The end is what is seen when it is too long.
func (i *Input) View(st Styles, width int, focus bool) string {
	if width <= 0 {
		return ""
	}
	if !focus {
		return st.Field.Render(Pad(string(i.runes), width))
	}
	from := 0
	for from < i.at && Width(string(i.runes[from:i.at])) > width-1 {
		from++
	}
	head := string(i.runes[from:i.at])
	under, tail := " ", ""
	if i.at < len(i.runes) {
		under, tail = string(i.runes[i.at]), string(i.runes[i.at+1:])
	}
	rest := max(width-Width(head)-Width(under), 0)
	return st.Field.Render(head) + st.FieldFocus.Reverse(true).Render(under) + st.Field.Render(Pad(tail, rest))
}

// Rank tells whether the letters of query stand in text in this order, without case, and how well: less is better.
func Rank(text, query string) (int, bool) {
	text, query = strings.ToLower(text), strings.ToLower(strings.TrimSpace(query))
	if i := strings.Index(text, query); i >= 0 { // together is better than apart, the beginning of a word better than its middle
		if i == 0 || strings.Contains(text, " "+query) {
			return 0, true
		}
		return 1, true
	}
	t, score, last := []rune(text), 2, -1
	for _, q := range query {
		if q == ' ' {
			continue
		}
		found := -1
		for i := last + 1; i < len(t); i++ {
			if t[i] == q {
				found = i
				break
			}
		}
		if found < 0 {
			return 0, false
		}
		if gap := found - last - 1; gap > 0 {
			score += 2 + min(gap, 8)
			if found > 0 && t[found-1] == ' ' { // the beginning of a word is a good place
				score -= 2
			}
		}
		last = found
	}
	return score, true
}
