package ui

// Words says texts in the person's language. The English text is the key, with %s and %d in it as fmt has them.
type Words interface {
	T(text string, args ...any) string
	// Language is the language that is spoken, as "nl".
	Language() string
}
