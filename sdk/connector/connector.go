// Package connector is what a connector's author writes against: the Connector and Connection interfaces, the values
// they exchange with the host, an HTTP client that does tokens, limits and honest outcomes, and Serve, which speaks the
// protocol of proto/connector/v1 to the host.
//
// A connector knows one system's API and nothing of any other. It keeps no state of its own between calls beyond caches:
// the host owns cursors, tokens and what was done.
package connector

import (
	"context"
	"time"

	"github.com/pomost/pomost/sdk/record"
)

// Connector is a plugin's root. Its methods may be called concurrently.
type Connector interface {
	// Describe says what the connector is and offers. It needs no settings, no network and always answers the same.
	Describe() Description
	// Authorize builds the address at which a person consents. It makes no request.
	Authorize(ctx context.Context, req AuthorizeRequest) (AuthorizeResponse, error)
	// Open validates settings and opens a connection with them. It makes no request either: Check does. All problems are
	// answered at once, each pointing at a setting; the connection is nil when there is any. The host closes what it opened.
	Open(ctx context.Context, settings Settings, host Host) (Connection, []Problem)
}

// Connection is a configured, authorised use of a connector. Its methods may be called concurrently; all obey the
// context and return soon after it ends.
//
// An error from a method (not a per-record result) means that the call as a whole failed; return an *Error so that the
// host can tell causes apart. Any other error counts as CausePluginFailed.
type Connection interface {
	// Check tests every right and function that the objects need: one result each, with cause and remedy.
	Check(ctx context.Context) ([]CheckResult, error)
	// Discover returns the schema of an object as this account has it, custom fields included.
	Discover(ctx context.Context, object string) (*record.Schema, error)
	// List returns the reference values of a list that Describe names (VAT codes, payment terms, accounts …), in a stable order.
	List(ctx context.Context, list string) ([]ListItem, error)
	// Read calls yield with batches of records changed since the cursor, oldest change first, each batch with the cursor to
	// go on from after it. A record may come twice, never not at all. It returns nil when everything up to now was read
	// and stops with yield's error when yield returns one.
	Read(ctx context.Context, req ReadRequest, yield func(Batch) error) error
	// Find looks keys up and answers per key, in the order asked. Absent must be true: the system was asked and said no.
	Find(ctx context.Context, req FindRequest) ([]FindResult, error)
	// Write attempts each record once and calls yield with one result per record, in order. After req.NotAfter no
	// request is started any more: what was not started is refused with CauseUnavailable and Retryable. A request that may have
	// reached the system and was not answered is OutcomeUnknown, never refused and never tried again.
	Write(ctx context.Context, req WriteRequest, yield func(WriteResult) error) error
	// Close releases what the connection holds.
	Close() error
}

// Undoer is a connection that can take back what Write did.
type Undoer interface {
	// Undo takes back one written record where the system allows it, or refuses with the reason.
	Undo(ctx context.Context, req UndoRequest) (WriteResult, error)
}

// Host is what a connection may ask of its host. Methods may be called concurrently.
type Host interface {
	// Token returns an access token for the connection. rejected is the access token that the system has just refused, or
	// "": the host then trades its refresh token once, however many callers report the same rejected token.
	// The error is an *Error with CauseCredentials when only a person's new consent helps.
	Token(ctx context.Context, rejected string) (string, error)
	// Exchange reports one HTTP request and its answer for the activity log. It never blocks for long and never fails.
	Exchange(ctx context.Context, x Exchange)
	// Progress reports what a long call is doing or waiting for.
	Progress(ctx context.Context, p Progress)
}

// Description is a connector's account of itself.
type Description struct {
	Name     string // "accountview": the word in a configuration
	Title    string // "AccountView"
	Version  string
	Settings []Setting
	Secrets  []Setting // client_id, client_secret, refresh_token …: kept by the host, never sent to the plugin unless Plugin is set
	Objects  []Object
	Lists    []string // reference lists that List knows
	Limits   []Limit
	// OAuth tells how the host trades tokens; nil for a system without OAuth.
	OAuth *OAuth
	// SettleTime is the default time after which a request without an answer can no longer land: longer than the
	// system's gateway time-out. The connection's setting settle_time overrides it.
	SettleTime time.Duration
	// HostSettings names the settings that hold addresses of the system; changing the host of one drops the connection's tokens.
	HostSettings []string
}

// Setting describes one setting: the form, the validation, the documentation all come from it.
type Setting struct {
	Key, Label, Help string
	Type             SettingType
	Default          string // as text in the setting's own notation; "" is none
	Values           []string
	Required         bool
	Secret           bool
	Advanced         bool
	Plugin           bool // a secret that the plugin itself needs (not OAuth client credentials)
	// DependsOn names a setting, and Equals the value it must have for this one to be asked.
	DependsOn, Equals string
}

// SettingType is the type of a setting's value.
type SettingType string

// The types of settings.
const (
	SettingText     SettingType = "text"
	SettingInteger  SettingType = "integer"
	SettingDecimal  SettingType = "decimal"
	SettingBool     SettingType = "bool"
	SettingDate     SettingType = "date"
	SettingDuration SettingType = "duration"
	SettingURL      SettingType = "url"
	SettingChoice   SettingType = "choice"  // one of Values
	SettingChoices  SettingType = "choices" // a list of Values
	SettingTexts    SettingType = "texts"   // a list of texts
	SettingTable    SettingType = "table"   // a translation table: a list of maps, or a map
)

// OAuth tells the host how to trade tokens for a connector.
type OAuth struct {
	Scopes []string
	// AuthorizeSetting and TokenSetting name the settings with the addresses; DefaultAuthorizePath and DefaultTokenPath are
	// relative to the origin of the setting BaseSetting when those are empty and the base is not the vendor's.
	BaseSetting, AuthorizeSetting, TokenSetting    string
	DefaultAuthorizePath, DefaultTokenPath         string
	VendorBase, VendorAuthorizeURL, VendorTokenURL string
	// Style is how client credentials travel: "header" (HTTP Basic) or "body".
	Style string
	// Environments are the vendor's other environments, such as one for tests.
	Environments []Environment
	// Registration tells a person how to get client id and secret, in a sentence or two.
	Registration string
	// RefreshLife is how long a refresh token that nobody uses stays good, as far as is known; 0 where nobody knows.
	RefreshLife time.Duration
	// RefreshEnds is what ends a consent before that, as the end of the sentence "it ends when …"; "" where nobody knows.
	RefreshEnds string
}

// Environment is a further environment of the vendor's, told by the host of Base.
type Environment struct{ Base, AuthorizeURL, TokenURL string }

// Object is a kind of record that a connector offers.
type Object struct {
	Name, Title string
	Key         string // the field with the record's own key, unique in the system
	Read        ChangeReading
	Find        []string // fields that Find takes as key
	Create      bool
	Update      bool
	Undo        bool
	Idempotence Idempotence
	// Reference is the field that Find can look a lost create up by (IdempotenceReference).
	Reference string
	// BatchWrite is the most records a single Write call should carry; 1 where the system takes one document a call.
	BatchWrite int
}

// ChangeReading tells how changes of an object can be read.
type ChangeReading string

// Ways of reading changes.
const (
	ReadNone           ChangeReading = "none"
	ReadCursor         ChangeReading = "cursor"
	ReadCursorAndSweep ChangeReading = "cursor_and_sweep"
	ReadScan           ChangeReading = "scan"
)

// Idempotence tells what protects a create from being done twice.
type Idempotence string

// Idempotence classes.
const (
	IdempotenceUniqueKey Idempotence = "unique_key" // the system refuses a second record with the key that we give
	IdempotenceReference Idempotence = "findable_reference"
	IdempotenceNone      Idempotence = "none"
)

// Limit is a rate limit of the system.
type Limit struct {
	Requests int
	Per      time.Duration
	// PerEndpoint: counted for each endpoint on its own.
	PerEndpoint bool
}

// Settings are a connection's settings as text, with defaults filled in, and the secrets that the plugin itself needs.
type Settings map[string]string

// Problem is one thing wrong with the settings.
type Problem struct {
	Setting, Message, Remedy string
}

// AuthorizeRequest asks for a consent address. State and the PKCE challenge (S256) are the host's.
type AuthorizeRequest struct {
	Settings                                Settings
	ClientID, RedirectURL, State, Challenge string
}

// AuthorizeResponse carries the consent address.
type AuthorizeResponse struct{ URL string }

// CheckResult is the outcome of one preflight check.
type CheckResult struct {
	Name, Title     string
	OK              bool
	Warning         bool // works, but a person should know Message
	Cause           Cause
	Message, Remedy string
}

// ListItem is one reference value.
type ListItem struct {
	ID, Name string
	// Attributes are further properties by name, such as rate, type or days.
	Attributes map[string]string
}

// ReadRequest asks for changes of an object.
type ReadRequest struct {
	Object string
	// Cursor is where an earlier read stopped, nil for the beginning. Only the connector knows its form.
	Cursor []byte
	// LookBack is how far before the cursor to begin, so that records with late or equal stamps are not lost.
	LookBack time.Duration
	// Where are conditions that the connector may use to read less; the host tests the records again.
	Where []Condition
	// BatchSize is the most records in a batch; 0 leaves it to the connector.
	BatchSize int
}

// Condition restricts a field.
type Condition struct {
	Field string
	Op    string // "eq", "ge", "le"
	Value record.Value
}

// Batch is a group of records with the cursor behind them.
type Batch struct {
	Schema  *record.Schema
	Records []record.Record
	// Cursor is where to go on once all records of this batch are done; nil: no safe point yet.
	Cursor []byte
}

// Key is one thing to find: the values of one or more key fields, all of which must match.
type Key struct {
	Fields []KeyField
	// Around is the date of the document at hand, for systems that keep years apart; 0 is "now". For a document the
	// neighbouring years are searched too.
	Around record.Date
}

// KeyField is one field of a key.
type KeyField struct {
	Name  string
	Value record.Value
}

// FindRequest looks keys of an object up.
type FindRequest struct {
	Object string
	Keys   []Key
}

// FindStatus is the kind of answer to a look-up.
type FindStatus uint8

// Answers to a look-up.
const (
	// CannotTell: the system cannot be asked (the object cannot be read back, no right, …). The zero status, so that a missing
	// answer is never taken for absent.
	CannotTell FindStatus = iota
	Found
	AbsentEverywhere
)

// FindResult is the answer for one key.
type FindResult struct {
	Status  FindStatus
	Records []record.Record // Found: every record that matches, at most MaxFound
	Scopes  []string        // what was searched: "open orders 2026" …
	Reason  string          // CannotTell: why
	// Cause of CannotTell where it is known: CauseNoAdministration for a date whose books do not exist, CauseRights …
	Cause Cause
}

// MaxFound bounds the records answered for one key.
const MaxFound = 50

// Action is what Write does with a record.
type Action uint8

// The actions of Write.
const (
	Create Action = iota + 1
	Update        // needs the record's own key; absent fields are left alone
)

// WriteRequest carries records to write.
type WriteRequest struct {
	Object  string
	Action  Action
	Records []record.Record
	// NotAfter is the moment after which no request may start; zero is none.
	NotAfter time.Time
	// Around is the date of the document on whose behalf the records are written, for systems that keep years apart; 0 lets
	// the records' own dates or today decide.
	Around record.Date
}

// Outcome is what became of one record.
type Outcome uint8

// The outcomes. The zero outcome is OutcomeUnknown, so that a missing answer is never taken for a refusal.
const (
	OutcomeUnknown Outcome = iota
	OutcomeCreated
	OutcomeUpdated
	OutcomeUnchanged
	OutcomeRefused
)

// WriteResult is the outcome for one record.
type WriteResult struct {
	Outcome Outcome
	// Record is what the system says it booked, as far as it says: its key above all, totals where known.
	Record record.Record
	// Err tells why for OutcomeRefused (nothing was done) and OutcomeUnknown (perhaps something was done).
	Err *Error
}

// UndoRequest names what to take back.
type UndoRequest struct {
	Object   string
	Key      string
	NotAfter time.Time
}

// Exchange is one HTTP request and its answer.
type Exchange struct {
	Start             time.Time
	Duration          time.Duration
	Method, URL       string
	Status            int
	Request, Response []byte // bodies, cut at a bound
	Error             string
}

// Progress tells what a call is doing.
type Progress struct {
	What string        // "reading orders, page 3"
	Wait time.Duration // > 0: waiting that long, because of What
}
