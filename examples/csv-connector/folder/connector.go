// Package folder is the connector for a folder of CSV files: customers.csv and articles.csv, a record a line, the first line the
// columns' names.
//
// There is no network in it: no tokens, no limits, no answer that gets lost. What it must be honest about is the file: it is written by
// other programs too, so it is read anew for each call, and replaced as a whole or not at all.
package folder

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/pomost/pomost/sdk/connector"
)

// keyField is the field with a record's own key. Which column it comes from is a setting.
const keyField = "number"

// The settings.
const (
	setFolder    = "folder"
	setDelimiter = "delimiter"
	setDecimal   = "decimal"
	setEncoding  = "encoding"
	setSettle    = "settle_time"
)

// object is one kind of record, with its file.
type object struct {
	name, title, file string
	missing           connector.Cause // where one to be updated is not there
	personal          bool
}

var objects = []object{
	{name: "customers", title: "Customers", file: "customers.csv", missing: connector.CauseCustomerMissing, personal: true},
	{name: "articles", title: "Articles", file: "articles.csv", missing: connector.CauseProductMissing},
}

// Connector is the connector. Its zero value is not usable; New makes one.
type Connector struct {
	// writing lets one write at a time replace a file.
	writing *sync.Mutex
}

// New returns the connector.
func New() *Connector { return &Connector{writing: &sync.Mutex{}} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Description {
	d := connector.Description{
		Name: "csv", Title: "Folder of CSV files", Version: "1.0.0", SettleTime: time.Second,
		Settings: []connector.Setting{
			{Key: setFolder, Label: "Folder", Help: "the folder with customers.csv and articles.csv, as a full path", Type: connector.SettingText, Required: true},
			{Key: setDelimiter, Label: "Delimiter", Help: "what stands between the columns", Type: connector.SettingChoice,
				Values: []string{"comma", "semicolon", "tab"}, Default: "comma"},
			{Key: setDecimal, Label: "Decimal sign", Help: "what stands before the decimals: 1.50 or 1,50", Type: connector.SettingChoice,
				Values: []string{"point", "comma"}, Default: "point"},
			{Key: setEncoding, Label: "Encoding", Help: "how the files hold letters with accents; older programs on Windows write windows-1252",
				Type: connector.SettingChoice, Values: []string{"utf-8", "windows-1252"}, Default: "utf-8"},
		},
	}
	for _, o := range objects {
		d.Settings = append(d.Settings, connector.Setting{
			Key: o.keySetting(), Label: "Key column of " + o.file, Type: connector.SettingText, Default: keyField, Advanced: true,
			Help: "the column of " + o.file + " that no two lines have in common; it is read as the field number",
		})
		d.Objects = append(d.Objects, connector.Object{
			Name: o.name, Title: o.title, Key: keyField, Read: connector.ReadScan, Find: []string{keyField}, Create: true, Update: true,
			Idempotence: connector.IdempotenceUniqueKey, BatchWrite: 500,
		})
	}
	d.Settings = append(d.Settings, connector.Setting{Key: setSettle, Label: "Settle time", Advanced: true, Type: connector.SettingDuration, Default: "1s",
		Help: "how long an interrupted write may still be under way"})
	return d
}

func (o object) keySetting() string { return o.name + "_key" }

// Authorize has nothing to do: a folder needs no consent.
func (*Connector) Authorize(context.Context, connector.AuthorizeRequest) (connector.AuthorizeResponse, error) {
	return connector.AuthorizeResponse{}, &connector.Error{Cause: connector.CauseRefused, Message: "a folder of CSV files needs no consent",
		Remedy: "leave the step out"}
}

// Open checks the settings. It does not look at the folder; Check does.
func (c *Connector) Open(_ context.Context, s connector.Settings, _ connector.Host) (connector.Connection, []connector.Problem) {
	problems := s.Validate(c.Describe().Settings)
	// The connector runs in a folder of its own, so a path that depends on where somebody stands would lead nowhere.
	if dir := s[setFolder]; dir != "" && !filepath.IsAbs(dir) {
		problems = append(problems, connector.Problem{Setting: setFolder, Message: fmt.Sprintf("%q is no full path", dir), Remedy: "write the whole path, such as /srv/export"})
	}
	if s[setDelimiter] == "comma" && s[setDecimal] == "comma" {
		problems = append(problems, connector.Problem{Setting: setDecimal, Message: "the comma cannot stand between columns and before decimals",
			Remedy: "choose another delimiter, or the point"})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	conn := &connection{writing: c.writing, dir: s[setFolder], form: form{decimalComma: s[setDecimal] == "comma", windows: s[setEncoding] == "windows-1252"}, keys: map[string]string{}}
	conn.form.delimiter = map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}[s[setDelimiter]]
	for _, o := range objects {
		conn.keys[o.name] = s[o.keySetting()]
	}
	return conn, nil
}
