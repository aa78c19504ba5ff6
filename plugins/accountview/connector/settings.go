package connector

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time_zone must work on machines without a zone database

	sdk "github.com/pomost/pomost/sdk/connector"
)

// settingsSchema describes the settings; validation follows it.
func settingsSchema() []sdk.Setting {
	list := []sdk.Setting{
		{Key: "company", Label: "Company", Help: "Code or Id of the company (onderneming) in AccountView.net", Type: sdk.SettingText, Required: true},
		{Key: "time_zone", Label: "Time zone", Help: "of the AccountView server: its change stamps are local time, and today's date is that of the books there", Type: sdk.SettingText, Default: "Europe/Amsterdam"},
		{Key: "base_url", Label: "Address of the API", Help: "only to be changed for a test system", Type: sdk.SettingURL, Default: vendorBase, Advanced: true},
		{Key: "authorize_url", Label: "Address of the consent page", Help: "default: the vendor's, else " + pathAuthorize + " at the host of base_url", Type: sdk.SettingURL, Advanced: true},
		{Key: "token_url", Label: "Address for tokens", Help: "default: the vendor's, else " + pathTrade + " at the host of base_url", Type: sdk.SettingURL, Advanced: true},
		{Key: "redirect_url", Label: "Redirect address", Help: "exactly as registered for the application at accountview.net", Type: sdk.SettingURL, Advanced: true},
		{Key: "settle_time", Label: "Settle time", Help: "after this time a request without an answer can no longer land", Type: sdk.SettingDuration, Default: "3m", Advanced: true},
		{Key: "request_timeout", Label: "Time-out of a request", Help: "shorter than settle_time", Type: sdk.SettingDuration, Default: "100s", Advanced: true},
		{Key: "requests_per_minute", Label: "Requests a minute", Help: "0: no limit; AccountView documents none", Type: sdk.SettingInteger, Default: "0", Advanced: true},
		{Key: "page_size", Label: "Rows a page", Help: fmt.Sprintf("rows asked for at once, at most %d", maxPageSize), Type: sdk.SettingInteger, Default: "200", Advanced: true},
		{Key: "change_look_back", Label: "Look-back for changes", Help: "changes are read again from this long before the last one seen: every workstation stamps with its own clock", Type: sdk.SettingDuration, Default: "2h", Advanced: true},
		{Key: "extra_fields", Label: "Further fields", Help: "fields of the data dictionary to read and write beside the usual and the custom ones, as in CONTACT.LNK_ACCT, SO_HDR.DEL_WEEK", Type: sdk.SettingTexts, Advanced: true},
		{Key: "field_roles", Label: "Fields by hand", Help: "fields that are otherwise found by their labels: ean, description, short_description, unit, vat_code, blocked and reserved of ARTICLE, sent of SO_LINE, as in ean=ARTICLE.K1_EAN", Type: sdk.SettingTexts, Advanced: true},
		{Key: "update_mode", Label: "How changes are sent", Help: "stated: only the fields that change; merge: all filled fields with them; auto: stated, until a change is seen to empty other fields", Type: sdk.SettingChoice, Default: "auto", Values: []string{"auto", "stated", "merge"}, Advanced: true},
		{Key: "logical_values", Label: "How yes and no are sent", Help: "text: \"True\" and \"False\", as other clients send them; json: true and false", Type: sdk.SettingChoice, Default: "text", Values: []string{"text", "json"}, Advanced: true},
		{Key: "pad_keys", Label: "Pad keys in filters", Help: "fill keys with spaces to the width of their field where AccountView finds them in no other way", Type: sdk.SettingBool, Default: "false", Advanced: true},
		{Key: "price_decimals", Label: "Decimals of order prices", Help: "decimals that SO_LINE.ART_PX keeps; a FoxPro currency field keeps 4", Type: sdk.SettingInteger, Default: "4", Advanced: true},
		{Key: "quantity_decimals", Label: "Decimals of ordered quantities", Help: "decimals that SO_LINE.ORD_QTY keeps; empty: unknown", Type: sdk.SettingInteger, Advanced: true},
	}
	for _, o := range append(objects(), historyObject()) {
		list = append(list, sdk.Setting{Key: o.setting, Label: "Object of " + strings.ToLower(o.Title), Type: sdk.SettingText, Default: o.spec(), Advanced: true,
			Help: "code of the business object, its table and its table of lines, as in SO1/SO_HDR/SO_LINE"})
	}
	for _, f := range foundLists {
		list = append(list, sdk.Setting{Key: f.setting, Label: "List of " + f.title, Type: sdk.SettingText, Advanced: true,
			Help: "object, table, code and name, as in BC1/BETCOND/DISC_CODE/DISC_DESC, where the data dictionary does not show which they are"})
	}
	return list
}

func (o *object) spec() string {
	return strings.TrimSuffix(o.code+"/"+o.table+"/"+o.lines, "/")
}

// config is a connection's settings, understood.
type config struct {
	base         string
	company      string
	zone         *time.Location
	timeout      time.Duration
	perMinute    int
	pageSize     int
	lookBack     time.Duration
	extra        []string          // TABLE.FIELD, upper case
	roles        map[string]string // column by TABLE.role
	updateMode   string
	jsonLogicals bool
	padKeys      bool
	priceScale   int // −1: unknown
	qtyScale     int
	objects      map[string]*object
	lists        map[string]namedList
	history      *object // its lines are the table of the orders' own columns
}

const (
	maxPageSize = 1000 // the largest that clients use without trouble [C GO, NG, RB]
	maxDecimals = 8
)

// parser reads settings and collects what is wrong with them.
type parser struct {
	settings sdk.Settings
	schema   []sdk.Setting
	problems []sdk.Problem
}

func (p *parser) problem(key, message, remedy string) {
	if remedy == "" {
		remedy = "correct the setting " + key
	}
	p.problems = append(p.problems, sdk.Problem{Setting: key, Message: message, Remedy: remedy})
}

// text is the setting's value, its default where it is empty.
func (p *parser) text(key string) string {
	if v := strings.TrimSpace(p.settings[key]); v != "" {
		return v
	}
	i := slices.IndexFunc(p.schema, func(s sdk.Setting) bool { return s.Key == key })
	return p.schema[i].Default
}

func (p *parser) integer(key string, least, most int) int {
	v := p.text(key)
	if v == "" {
		return -1
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		p.problem(key, fmt.Sprintf("%s is not a whole number from %d to %d", quote(v), least, most), "")
		return least
	}
	return n
}

func (p *parser) duration(key string, least, most time.Duration) time.Duration {
	v := p.text(key)
	d, err := time.ParseDuration(v)
	if err != nil || d < least || d > most {
		p.problem(key, fmt.Sprintf("%s is not a time from %s to %s", quote(v), least, most), "write it as 90s, 3m or 1h30m")
		return least
	}
	return d
}

func (p *parser) choice(key string) string {
	v := p.text(key)
	i := slices.IndexFunc(p.schema, func(s sdk.Setting) bool { return s.Key == key })
	if !slices.Contains(p.schema[i].Values, v) {
		p.problem(key, fmt.Sprintf("%s is none of its values", quote(v)), "use one of "+strings.Join(p.schema[i].Values, ", "))
	}
	return v
}

func (p *parser) boolean(key string) bool {
	v := p.text(key)
	b, err := strconv.ParseBool(v)
	if err != nil {
		p.problem(key, fmt.Sprintf("%s is neither true nor false", quote(v)), "")
	}
	return b
}

// address checks an http or https address; "" stands for none.
func (p *parser) address(key string, mayQuery bool) string {
	v := p.text(key)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		p.problem(key, quote(v)+" is not an address", "write it as https://host/path")
	case u.Scheme != "https" && u.Scheme != "http":
		p.problem(key, fmt.Sprintf("addresses begin with https:// or http://, not %s://", u.Scheme), "")
	case u.User != nil:
		p.problem(key, "an address must not hold a user or password", "secrets go into the connection's secrets")
	case !mayQuery && (u.RawQuery != "" || u.Fragment != ""):
		p.problem(key, "an address here ends before ? and #", "")
	}
	return strings.TrimRight(v, "/")
}

var (
	specPattern  = regexp.MustCompile(`^[A-Z0-9_]{1,10}(/[A-Z][A-Z0-9_]{0,9}){0,2}$`)
	fieldPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,9}\.[A-Z][A-Z0-9_]{0,9}$`)
)

func (p *parser) object(o *object) *object {
	v := strings.ToUpper(p.text(o.setting))
	if !specPattern.MatchString(v) {
		p.problem(o.setting, quote(v)+" is not a code with tables", "write it as "+o.spec())
		return o
	}
	parts := strings.Split(v, "/")
	o.code = parts[0]
	if len(parts) > 1 {
		o.table = parts[1]
	}
	if len(parts) > 2 {
		if o.lines == "" {
			p.problem(o.setting, strings.ToLower(o.Title)+" have no table of lines", "write it as "+o.spec())
		} else {
			o.lines = parts[2]
		}
	}
	return o
}

func (p *parser) fields(key string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(p.text(key), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		name := strings.ToUpper(part)
		if !fieldPattern.MatchString(name) {
			p.problem(key, quote(part)+" is not a table and a field", "write it as CONTACT.LNK_ACCT")
			continue
		}
		out = append(out, name)
	}
	return out
}

// parseSettings validates all settings and answers every problem at once.
func parseSettings(settings sdk.Settings) (*config, []sdk.Problem) {
	p := &parser{settings: settings, schema: settingsSchema()}
	keys := make([]string, 0, len(p.schema))
	for _, s := range p.schema {
		keys = append(keys, s.Key)
		if s.Required && strings.TrimSpace(settings[s.Key]) == "" {
			p.problem(s.Key, s.Label+" is missing", s.Help)
		}
	}
	for _, k := range slices.Sorted(mapKeys(settings)) {
		if !slices.Contains(keys, k) {
			p.problem(k, "the AccountView connector has no setting "+k, "did you mean "+nearest(k, keys)+"?")
		}
	}
	c := &config{
		base: p.address("base_url", false), company: p.text("company"),
		timeout: p.duration("request_timeout", time.Second, time.Hour), perMinute: p.integer("requests_per_minute", 0, 100_000),
		pageSize: p.integer("page_size", 1, maxPageSize), lookBack: p.duration("change_look_back", 0, 31*24*time.Hour),
		extra: p.fields("extra_fields"), roles: p.fieldRoles("field_roles"), updateMode: p.choice("update_mode"), jsonLogicals: p.choice("logical_values") == "json",
		padKeys: p.boolean("pad_keys"), priceScale: p.integer("price_decimals", 0, maxDecimals), qtyScale: p.integer("quantity_decimals", 0, maxDecimals),
		objects: map[string]*object{},
	}
	p.address("authorize_url", true)
	p.address("token_url", true)
	p.address("redirect_url", true)
	p.duration("settle_time", 0, 24*time.Hour)
	zone, err := time.LoadLocation(p.text("time_zone"))
	if err != nil || p.text("time_zone") == "Local" {
		p.problem("time_zone", quote(p.text("time_zone"))+" is not a time zone", "write it as Europe/Amsterdam")
	}
	c.zone = zone
	for _, o := range objects() {
		c.objects[o.Name] = p.object(o)
	}
	c.history = p.object(historyObject())
	c.lists = p.namedLists()
	return c, p.problems
}

// Open implements sdk.Connector.
func (a *accountView) Open(_ context.Context, settings sdk.Settings, host sdk.Host) (sdk.Connection, []sdk.Problem) {
	cfg, problems := parseSettings(settings)
	if len(problems) > 0 {
		return nil, problems
	}
	return newConnection(cfg, host, a.now), nil
}

func mapKeys(m sdk.Settings) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// quote shortens and quotes what somebody wrote, for a message.
func quote(s string) string {
	r := []rune(s)
	if len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

// nearest returns the known word with the least edits.
func nearest(word string, known []string) string {
	best, least := "", 1<<30
	for _, k := range known {
		if d := edits(strings.ToLower(word), k); d < least {
			best, least = k, d
		}
	}
	return best
}

func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := left
			if a[i] != b[j] {
				cost++
			}
			left = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
