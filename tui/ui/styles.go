package ui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Styles are named by meaning. Colour is never the only sign: a word or a symbol stands beside it.
type Styles struct {
	Title, Muted, Bold, Selected, Key, Error, Warning, Good, Running, Match, MatchHere, Field, FieldFocus, Border lipgloss.Style
	// ASCII draws borders and symbols with plain characters.
	ASCII bool
}

// Theme says which of the styles a terminal gets.
type Theme struct {
	// Light is a light background.
	Light bool
	// Plain uses no colour at all, only bold, reverse and underline: NO_COLOR.
	Plain bool
	// Basic uses the sixteen colours that the person chose for the terminal.
	Basic bool
	// ASCII draws with plain characters.
	ASCII bool
}

// NewStyles makes the styles of a theme.
func NewStyles(t Theme) Styles {
	s := lipgloss.NewStyle
	st := Styles{
		Title: s().Bold(true), Muted: s(), Bold: s().Bold(true), Selected: s().Reverse(true), Key: s().Bold(true),
		Error: s().Bold(true), Warning: s(), Good: s(), Running: s(), Match: s().Underline(true), MatchHere: s().Reverse(true).Bold(true),
		Field: s().Underline(true), FieldFocus: s().Reverse(true), Border: s(), ASCII: t.ASCII,
	}
	if t.Plain {
		return st
	}
	// Each row: what is meant, the colour on dark, on light, of sixteen.
	pick := func(dark, light, basic string) lipgloss.Style {
		switch {
		case t.Basic:
			return s().Foreground(lipgloss.Color(basic))
		case t.Light:
			return s().Foreground(lipgloss.Color(light))
		}
		return s().Foreground(lipgloss.Color(dark))
	}
	st.Title = pick("#7fd1c7", "#00695c", "6").Bold(true)
	st.Muted = pick("#8a919c", "#5f6670", "8")
	st.Key = pick("#e5c07b", "#7a4f00", "3").Bold(true)
	st.Error = pick("#ff7b72", "#b3001b", "1").Bold(true)
	st.Warning = pick("#f0b84b", "#8a5a00", "3")
	st.Good = pick("#7bc77b", "#1a6b1a", "2")
	st.Running = pick("#6cb6ff", "#0b5cad", "4")
	st.Match = pick("#ffd866", "#7a4f00", "3").Underline(true)
	st.Border = pick("#4d5561", "#a9b0b8", "8")
	switch {
	case t.Basic:
		st.Selected = s().Reverse(true)
	case t.Light:
		st.Selected = s().Background(lipgloss.Color("#cfe3f7")).Foreground(lipgloss.Color("#0c2340"))
		st.Field = s().Background(lipgloss.Color("#eceff3"))
	default:
		st.Selected = s().Background(lipgloss.Color("#274060")).Foreground(lipgloss.Color("#ffffff"))
		st.Field = s().Background(lipgloss.Color("#2a2f37"))
	}
	return st
}

// The symbols of states. Each is one cell wide everywhere, and ToASCII knows a plain character for it.
const (
	SymbolError   = "✗"
	SymbolWarning = "!"
	SymbolWaiting = "…"
	SymbolRunning = "»"
	SymbolPaused  = "="
	SymbolNew     = "○"
	SymbolGood    = "✓"
	SymbolArrow   = "→"
	SymbolCrumb   = "›"
	SymbolHere    = "▌"
	SymbolMarked  = "●"
)

// plainer gives a plain character, as wide, for each character that the screens draw with. Letters of data are not touched.
var plainer = strings.NewReplacer("✗", "x", "…", "~", "»", ">", "○", "o", "✓", "v", "→", ">", "←", "<", "›", ">", "▌", ">", "●", "*", "·", "-", "—", "-", "–", "-",
	"│", "|", "─", "-", "╭", "+", "╮", "+", "╰", "+", "╯", "+", "├", "+", "┤", "+", "┬", "+", "┴", "+", "┼", "+", "┌", "+", "┐", "+", "└", "+", "┘", "+",
	"▲", "^", "▼", "v", "↑", "^", "↓", "v", "▸", ">", "▾", "v", "█", "#", "░", ".", "▓", "#", "•", "*", "“", "\"", "”", "\"", "‘", "'", "’", "'", "×", "x", "…", "~")

// ToASCII draws a whole frame with plain characters.
func ToASCII(frame string) string { return plainer.Replace(frame) }
