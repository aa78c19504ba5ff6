package flow

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Config is a configuration as a file states it (DESIGN section 7).
type Config struct {
	Version int `json:"version"`
	// KeepDays is for how many days the activity log keeps what came, was sent and was answered; 0 is the program's own choice.
	KeepDays    int                   `json:"keep_days,omitempty"`
	Connections map[string]Connection `json:"connections"`
	Flows       map[string]Flow       `json:"flows"`

	file   string
	places map[string]place // by path; empty for a configuration that was not read from a file
}

// Connection is a configured use of a connector.
type Connection struct {
	Connector string            `json:"connector"`
	Settings  map[string]string `json:"settings,omitempty"`
	// Secrets are references as written, env:NAME or file:PATH. They are resolved once by the command that reads the file and are
	// no part of a revision.
	Secrets map[string]string `json:"-"`
}

// Flow is a recipe made concrete.
type Flow struct {
	Recipe      string `json:"recipe"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
	// Settings hold nil, string, bool, json.Number, []any and map[string]any.
	Settings map[string]any `json:"settings,omitempty"`
	// Mapping holds rules of the flow's own, by target and field (Recipe.Override).
	Mapping map[string]any `json:"mapping,omitempty"`
	// Schedule is the time between two runs, "" for none.
	Schedule string `json:"schedule,omitempty"`
}

// Every is the time between two runs, 0 for a flow without a schedule.
func (f Flow) Every() time.Duration {
	d, _ := time.ParseDuration(f.Schedule)
	return d
}

// Version is the version of the file's form that this program reads.
const Version = 1

// Bounds of a schedule, and of how long payloads are kept: a bookkeeper's records are asked for until ten years after.
const (
	minSchedule = time.Second
	maxSchedule = 31 * 24 * time.Hour
	maxKeepDays = 3660
)

var (
	configName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	secretName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// ParseConfig reads a configuration file; file is its name for messages. The error is a UsageErrors with all that is wrong.
// What lies between the parts is tested by Check.
func ParseConfig(data []byte, file string) (Config, error) {
	d := &decoder{file: file}
	c := Config{Version: Version, Connections: map[string]Connection{}, Flows: map[string]Flow{}, file: file, places: map[string]place{}}
	if root := d.tree(data); root != nil {
		root.remember(c.places, "")
		d.config(&c, root)
	}
	if err := d.errs.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// remember notes where everything stands.
func (n *node) remember(places map[string]place, path string) {
	for _, e := range n.entries {
		places[join(path, e.key)] = e.place
		e.value.remember(places, join(path, e.key))
	}
	for i, e := range n.list {
		at := fmt.Sprintf("%s[%d]", path, i)
		places[at] = e.place
		e.remember(places, at)
	}
}

func (d *decoder) config(c *Config, root *node) {
	if !d.object(root, "", "version", "keep_days", "connections", "flows") {
		return
	}
	switch v := root.get("version"); {
	case v == nil:
		d.fail(place{1, 1}, "version", "is missing", "begin the file with version: 1")
	case v.kind != nodeNumber || v.text != "1":
		d.fail(v.place, "version", "this program reads version 1 of the file", "write version: 1")
	}
	if n := root.get("keep_days"); n != nil && n.kind != nodeNull {
		c.KeepDays = d.days(n)
	}
	for _, e := range d.named(root, "connections") {
		c.Connections[e.key] = d.connection(e, join("connections", e.key))
	}
	for _, e := range d.named(root, "flows") {
		c.Flows[e.key] = d.flow(e, join("flows", e.key))
	}
}

// days reads for how many days something is kept.
func (d *decoder) days(n *node) int {
	days, err := strconv.Atoi(n.text)
	if n.kind != nodeNumber || err != nil || days < 1 || days > maxKeepDays {
		d.fail(n.place, "keep_days", fmt.Sprintf("is a number of days from 1 to %d", maxKeepDays), "write it as keep_days: 90")
		return 0
	}
	return days
}

// named lists the entries of a map of things with names of their own.
func (d *decoder) named(root *node, section string) []entry {
	n := root.get(section)
	if n == nil || n.kind == nodeNull {
		return nil
	}
	if n.kind != nodeMap {
		d.wrong(n, section, "a map of names")
		return nil
	}
	var out []entry
	for _, e := range n.entries {
		if !configName.MatchString(e.key) {
			d.fail(e.place, section, fmt.Sprintf("%q cannot be a name", clip(e.key)), "use small letters, digits, - and _, at most 63, beginning with a letter or digit")
			continue
		}
		out = append(out, e)
	}
	return out
}

func (d *decoder) connection(e entry, path string) Connection {
	var c Connection
	if !d.object(e.value, path, "connector", "settings", "secrets") {
		return c
	}
	if c.Connector = d.needed(e, "connector", path); c.Connector != "" && !configName.MatchString(c.Connector) {
		d.fail(e.value.get("connector").place, path+".connector", fmt.Sprintf("%q cannot be the name of a connector", clip(c.Connector)), "")
	}
	if s := e.value.get("settings"); s != nil && s.kind != nodeNull {
		c.Settings = d.texts(s, path+".settings")
	}
	s := e.value.get("secrets")
	if s == nil || s.kind == nodeNull {
		return c
	}
	if s.kind != nodeMap {
		d.wrong(s, path+".secrets", "a map of references")
		return c
	}
	c.Secrets = map[string]string{}
	for _, e := range s.entries {
		at := join(path+".secrets", e.key)
		if !secretName.MatchString(e.key) {
			d.fail(e.place, path+".secrets", fmt.Sprintf("%q cannot be the name of a secret", clip(e.key)), "use small letters, digits and _")
			continue
		}
		if message := checkSecretRef(e.value); message != "" {
			d.fail(e.value.place, at, message, "write env:NAME for an environment variable or file:PATH for a file that holds it")
			continue
		}
		c.Secrets[e.key] = e.value.text
	}
	return c
}

func (d *decoder) flow(e entry, path string) Flow {
	var f Flow
	if !d.object(e.value, path, "recipe", "source", "destination", "settings", "schedule", "mapping") {
		return f
	}
	f.Recipe, f.Source, f.Destination = d.needed(e, "recipe", path), d.needed(e, "source", path), d.needed(e, "destination", path)
	if s := e.value.get("settings"); s != nil && s.kind != nodeNull {
		if s.kind != nodeMap {
			d.wrong(s, path+".settings", "a map of settings")
		} else {
			f.Settings, _ = s.plain().(map[string]any)
		}
	}
	if s := e.value.get("schedule"); s != nil && s.kind != nodeNull {
		f.Schedule = d.word(s, path+".schedule")
		every, err := time.ParseDuration(f.Schedule)
		if err != nil || every < minSchedule || every > maxSchedule {
			d.fail(s.place, path+".schedule", fmt.Sprintf("%q is no time between two runs", clip(f.Schedule)), "write it as 30s, 5m or 2h")
		}
	}
	if m := e.value.get("mapping"); m != nil {
		if m.kind != nodeMap {
			d.wrong(m, path+".mapping", "a map of what is written")
		} else {
			f.Mapping, _ = m.plain().(map[string]any)
		}
	}
	return f
}

// needed reads a text that must be there.
func (d *decoder) needed(e entry, key, path string) string {
	n := e.value.get(key)
	if n == nil || n.kind == nodeNull || n.kind == nodeText && strings.TrimSpace(n.text) == "" {
		d.fail(e.place, join(path, key), "is missing", "add "+key+": …")
		return ""
	}
	return d.word(n, join(path, key))
}

// Problem makes a UsageError of what is wrong at a path, with its position where the configuration was read from a file. A path
// that stands nowhere has the position of what it would stand in.
func (c Config) Problem(path, message, remedy string) *UsageError {
	e := &UsageError{File: c.file, Path: path, Message: message, Remedy: remedy}
	for p := path; p != ""; {
		if at, ok := c.places[p]; ok {
			e.Line, e.Column = at.line, at.column
			break
		}
		p = p[:max(0, strings.LastIndexAny(p, ".["))]
	}
	if e.Line == 0 {
		e.File = ""
	}
	return e
}

// Canonical is the configuration as a revision keeps it: JSON with sorted keys, without secrets and their references.
func (c Config) Canonical() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		panic("flow: configuration cannot be encoded: " + err.Error()) // it holds nothing but JSON's own types
	}
	return bytes.TrimSpace(b.Bytes())
}

// ParseCanonical reads what Canonical wrote.
func ParseCanonical(data []byte) (Config, error) {
	var c Config
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("stored configuration: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Config{}, fmt.Errorf("stored configuration: something stands behind it")
	}
	if c.Version != Version {
		return Config{}, fmt.Errorf("stored configuration: version %d, this program reads %d", c.Version, Version)
	}
	if c.Connections == nil {
		c.Connections = map[string]Connection{}
	}
	if c.Flows == nil {
		c.Flows = map[string]Flow{}
	}
	return c, nil
}

// Merge puts a new configuration over an old one: what it names is replaced, and what it does not name is removed only when prune
// is set. Positions are those of the new one.
func Merge(old, next Config, prune bool) Config {
	out := Config{Version: Version, Connections: map[string]Connection{}, Flows: map[string]Flow{}, KeepDays: next.KeepDays, file: next.file, places: next.places}
	if !prune {
		out.KeepDays = cmp.Or(next.KeepDays, old.KeepDays)
		maps.Copy(out.Connections, old.Connections)
		maps.Copy(out.Flows, old.Flows)
	}
	maps.Copy(out.Connections, next.Connections)
	maps.Copy(out.Flows, next.Flows)
	return out
}
