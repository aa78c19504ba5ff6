package control

import "github.com/pomost/pomost/host/flow"

// CatalogResult is what connections and flows can be made of.
type CatalogResult struct {
	Connectors []CatalogConnector `json:"connectors"`
	Recipes    []CatalogRecipe    `json:"recipes"`
}

// CatalogConnector is a connector that is installed.
type CatalogConnector struct {
	Name     string  `json:"name"`
	Title    string  `json:"title"`
	Version  string  `json:"version"`
	Settings []Field `json:"settings"`
	Secrets  []Field `json:"secrets"`
	// Consent tells that a person must consent at the system's own page.
	Consent bool `json:"consent"`
	// Registration tells how a person gets client id and secret.
	Registration string `json:"registration,omitempty"`
}

// CatalogRecipe is a recipe that there is.
type CatalogRecipe struct {
	Name        string  `json:"name"`
	Kind        string  `json:"kind"`
	Title       string  `json:"title"`
	Source      string  `json:"source"` // connectors
	Destination string  `json:"destination"`
	Settings    []Field `json:"settings"`
}

// Answers are all answers given so far, by the IDs of their questions. What is asked next depends on nothing else but them and what
// the systems say: the same answers lead to the same question, an answer that is changed or taken away asks again only what hangs on it.
type Answers struct {
	// Language is that of the person, as "nl": questions come in it where their words are known, else in English.
	Language string `json:"language,omitempty"`
	// Flow names an existing flow whose settings are to be changed; "" sets up from nothing, or goes on with what is there.
	Flow   string            `json:"flow,omitempty"`
	Values map[string]Answer `json:"values"`
	// Order holds the IDs in the order in which they were answered, for going back.
	Order []string `json:"order"`
}

// Answer is the answer to one question.
type Answer struct {
	// Fields are the values of a form's fields, as a configuration file states them: text, bool, list, map.
	Fields map[string]any `json:"fields,omitempty"`
	// Skipped: the person left it out. Default values hold, and what needs it is held with that question as the remedy.
	Skipped bool `json:"skipped,omitempty"`
}

// Step is what to do next.
type Step struct {
	// Question is what is asked; nil when all is answered.
	Question *Question `json:"question,omitempty"`
	// Problems are what is wrong with the answer to a question that is asked again because of it, by field.
	Problems []flow.Problem `json:"problems,omitempty"`
	// Number and Total tell how far this is: total is what is known now.
	Number int `json:"number"`
	Total  int `json:"total"`
	// Done: everything is answered. Config is the file that results, Changes what it would change, and Command what would do the same.
	Done    bool              `json:"done"`
	Config  string            `json:"config,omitempty"`
	Changes []flow.Difference `json:"changes,omitempty"`
	Command string            `json:"command,omitempty"`
	// Draft, beside the first question of a set-up, are the answers of one that was left before its end, without secrets: whoever asks may go on
	// with them. Kept tells that the answers so far are kept for that.
	Draft *Answers `json:"draft,omitempty"`
	Kept  bool     `json:"kept,omitempty"`
	// Secrets are those given in answers, by connection: ApplyConfig takes them.
	Secrets map[string]map[string]string `json:"secrets,omitempty"`
}

// Question is one page: a text and a form.
type Question struct {
	ID string `json:"id"`
	// Kind is form, consent (Connection is to be authorised), check (a result to be read), plan (a flow's plan to be read) or review.
	Kind  string `json:"kind"`
	Title string `json:"title"`
	// Text is in plain words, Example one real record, before and after.
	Text    string   `json:"text,omitempty"`
	Example []string `json:"example,omitempty"`
	Fields  []Field  `json:"fields,omitempty"`
	// Skippable questions can be left out.
	Skippable  bool   `json:"skippable,omitempty"`
	Connection string `json:"connection,omitempty"`
	Flow       string `json:"flow,omitempty"`
	// Checks are the results of a check.
	Checks []CheckItem `json:"checks,omitempty"`
}

// The kinds of questions.
const (
	QuestionForm    = "form"
	QuestionConsent = "consent"
	QuestionCheck   = "check"
	QuestionPlan    = "plan"
	QuestionReview  = "review"
)

// Field is one field of a form. Forms, flags and validation all come from it.
type Field struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	Help  string `json:"help,omitempty"`
	// Type is text, integer, decimal, bool, date, duration, url, choice (one option), choices (some), texts (a list), table, or group (a record of
	// its own).
	Type    string   `json:"type"`
	Options []Option `json:"options,omitempty"`
	// Value is what stands in the field at first: the value in force, the proposal, or the default, in this order.
	Value any `json:"value,omitempty"`
	// Proposed tells that Value was found out; Why says from what.
	Proposed bool   `json:"proposed,omitempty"`
	Why      string `json:"why,omitempty"`
	Required bool   `json:"required,omitempty"`
	Secret   bool   `json:"secret,omitempty"`
	Advanced bool   `json:"advanced,omitempty"`
	Max      int    `json:"max,omitempty"`
	// DependsOn names a field of the same form, and Equals the value it must have (any, when empty) for this one to be asked.
	DependsOn string `json:"depends_on,omitempty"`
	Equals    string `json:"equals,omitempty"`
	// Columns are those of a table's rows, or the fields of a group; a table without them is a map of texts.
	Columns []Field `json:"columns,omitempty"`
}

// Option is one choice.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Help  string `json:"help,omitempty"`
}
