package flow

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/record"
)

// Recipe is what is known of a pair of systems for one kind of flow: settings with their questions, and what goes where.
type Recipe struct {
	Name, Kind, Title string
	// Source and Destination are the names of connectors.
	Source, Destination string
	Settings            []Setting
	// Lanes are the ways in which records travel: one, or one each way.
	Lanes []Lane
	Terms Terms
	Facts Facts
	Lists Lists
	// Read makes canonical records of the source's, Write the destination's of canonical ones, Back canonical ones of the
	// destination's.
	Read  map[string]*Object
	Write map[string]*Target
	Back  map[string]*Object
	// Functions are the signatures of the functions that rules may call, by name; nil while they are not known.
	Functions map[string]Signature
	// Words are what the recipe's texts, and those of its connectors' settings, are in other languages: by language ("nl") and English text.
	Words map[string]map[string]string
}

// Object says where a canonical object comes from.
type Object struct {
	// System is the connector whose object it is; Object the system's object, Key the field with its own key, Changed the field with the stamp
	// of its last change.
	System, Object, Key, Changed string
	// Find names the system's field for what a record is looked up by.
	Find map[string]string
	Mapping
}

// Target says how a record of the destination is made.
type Target struct {
	System, Object, Key string
	// Keep are fields that no setting may make this target write: another flow owns them.
	Keep []string
	Mapping
}

// Terms tells which terms of payment are paid at once, by card or a payment provider.
type Terms struct {
	List, Attribute string
	CardTypes       []string
}

// Card reports whether a term of payment is one by card.
func (t Terms) Card(item connector.ListItem) bool {
	return slices.Contains(t.CardTypes, item.Attributes[t.Attribute])
}

// Facts tells where facts about both companies are found; those without "source" in their name are the destination's.
type Facts struct {
	SourceCountry, SourceCurrency   ListFact
	Country, Currency               ListFact
	SourceTerms                     ListFact // the terms of payment of customers for whom no others are agreed
	PriceBasis                      ListFact
	PriceDecimals, QuantityDecimals DecimalsFact
}

// ListFact is an attribute of the items of a reference list that have the attributes in Where.
type ListFact struct {
	List, Attribute string
	Where           map[string]string
}

// From returns the attribute where all items that match say the same, and whether they do.
func (f ListFact) From(items []connector.ListItem) (string, bool) {
	value, found := "", false
	for _, it := range items {
		match := true
		for k, v := range f.Where {
			match = match && it.Attributes[k] == v
		}
		v := it.Attributes[f.Attribute]
		if !match || v == "" {
			continue
		}
		if found && v != value {
			return "", false
		}
		value, found = v, true
	}
	return value, found
}

// DecimalsFact is the number of decimals that a field keeps.
type DecimalsFact struct {
	Object, Field string
	Default       int32
}

// In returns the decimals by the discovered schema of the object, else the default.
func (f DecimalsFact) In(s *record.Schema) int32 {
	if field, ok := s.Field(f.Field); ok && field.Decimals >= 0 {
		return int32(field.Decimals)
	}
	return f.Default
}

// rootContext names the system's record in the mappings of read and back; no path can be written with it.
const rootContext = "\x00"

// Canon makes the canonical record of one read from a system.
func (r *Recipe) Canon(which string, rec record.Record) (record.Record, []Hold) {
	k := kinds[r.Kind]
	o, schema := r.Read[which], k.read[which]
	if o == nil {
		o, schema = r.Back[which], k.back[which]
	}
	if o == nil {
		return record.Record{}, []Hold{{Cause: string(connector.CauseInvalidValue), Message: "the recipe " + r.Name + " does not read " + which}}
	}
	m := o.Map(Context{rootContext: rec}, nil, schema)
	return m.Record, m.Holds
}

// lacks tells whether an account may lack what a field is read from.
func (m *Mapping) lacks(field string) bool {
	return slices.ContainsFunc(m.rules, func(r Rule) bool { return r.Field == field && r.Optional })
}

// Called are the names of the functions that the rules for writing call, sorted.
func (r *Recipe) Called() []string {
	called := map[string]bool{}
	for _, t := range r.Write {
		t.each(func(rule *Rule) {
			if rule.Function != "" && rule.Mark != MarkNever {
				called[rule.Function] = true
			}
		})
	}
	return keys(called)
}

// each visits all rules, those of nested records and rows included.
func (m *Mapping) each(visit func(*Rule)) {
	for i := range m.rules {
		r := &m.rules[i]
		visit(r)
		if r.Record != nil {
			r.Record.each(visit)
		}
		if r.Rows != nil {
			r.Rows.Mapping.each(visit)
		}
	}
}

var recipeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}(/[a-z0-9][a-z0-9_-]{0,62}){1,2}$`)

// ErrNoRecipe is returned for the name of a recipe that does not exist.
var ErrNoRecipe = errors.New("there is no such recipe")

// RecipeNames lists the recipes of a file system, sorted.
func RecipeNames(fsys fs.FS) []string {
	var names []string
	_ = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == "recipe.yaml" {
			names = append(names, path.Dir(p))
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// LoadRecipe reads and checks the recipe NAME/recipe.yaml. All that is wrong with it is in the error.
func LoadRecipe(fsys fs.FS, name string) (*Recipe, error) {
	if !recipeName.MatchString(name) {
		return nil, fmt.Errorf("recipe %q: %w", clip(name), ErrNoRecipe)
	}
	file := path.Join(name, "recipe.yaml")
	data, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("recipe %s: %w", name, ErrNoRecipe)
	}
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", name, err)
	}
	d := &decoder{file: file}
	root := d.tree(data)
	if root == nil {
		return nil, d.errs.err()
	}
	r := d.recipe(root)
	if len(d.errs) == 0 {
		if r.Name != name {
			d.fail(root.place, "name", "is "+r.Name+", but the recipe lies at "+name, "")
		}
		for _, p := range r.checkStatic() {
			d.errs = append(d.errs, &UsageError{File: file, Path: p.Path, Message: p.Message, Remedy: p.Remedy})
		}
	}
	if err := d.errs.err(); err != nil {
		return nil, err
	}
	return r, nil
}

func (d *decoder) recipe(n *node) *Recipe {
	r := &Recipe{Read: map[string]*Object{}, Write: map[string]*Target{}, Back: map[string]*Object{}}
	if !d.object(n, "", "name", "kind", "title", "source", "destination", "settings", "lanes", "terms", "facts", "lists", "read", "write", "back", "words") {
		return r
	}
	for key, to := range map[string]*string{"name": &r.Name, "kind": &r.Kind, "title": &r.Title, "source": &r.Source, "destination": &r.Destination} {
		if *to = d.word(n.get(key), key); *to == "" {
			d.fail(n.place, key, "is missing", "")
		}
	}
	r.Settings = d.settings(n.get("settings"), "settings")
	k := kinds[r.Kind]
	if k == nil {
		d.fail(n.place, "kind", "unknown kind "+clip(r.Kind), suggest(r.Kind, keys(kinds)))
		return r
	}
	if w := n.get("words"); w != nil && w.kind != nodeMap {
		d.wrong(w, "words", "a map of languages")
	} else if w != nil {
		r.Words = map[string]map[string]string{}
		for _, e := range w.entries {
			r.Words[e.key] = d.texts(e.value, join("words", e.key))
		}
	}
	r.Lanes = d.lanes(n.get("lanes"), r, k)
	if t := n.get("terms"); t != nil && d.object(t, "terms", "list", "attribute", "card_types") {
		r.Terms = Terms{d.word(t.get("list"), "terms.list"), d.word(t.get("attribute"), "terms.attribute"), d.words(t.get("card_types"), "terms.card_types")}
	}
	if f := n.get("facts"); f != nil && d.object(f, "facts", "source_country", "source_currency", "source_terms", "country", "currency", "price_basis", "price_decimals", "quantity_decimals") {
		list := func(key string) ListFact { return d.listFact(f.get(key), "facts."+key) }
		r.Facts = Facts{SourceCountry: list("source_country"), SourceCurrency: list("source_currency"), SourceTerms: list("source_terms"),
			Country: list("country"), Currency: list("currency"), PriceBasis: list("price_basis"),
			PriceDecimals:    d.decimals(f.get("price_decimals"), "facts.price_decimals"),
			QuantityDecimals: d.decimals(f.get("quantity_decimals"), "facts.quantity_decimals")}
	}
	r.Lists = d.lists(n.get("lists"))
	for _, s := range []struct {
		name string
		to   map[string]*Object
		from map[string]*record.Schema
	}{{"read", r.Read, k.read}, {"back", r.Back, k.back}} {
		for _, e := range d.section(n.get(s.name), s.name, keys(s.from)) {
			at := join(s.name, e.key)
			if !d.object(e.value, at, "system", "object", "key", "changed", "find", "fields") {
				continue
			}
			system := r.Source
			if s.name == "back" {
				system = r.Destination
			}
			o := &Object{System: d.system(e.value, at, r, system), Object: d.word(e.value.get("object"), at+".object"), Key: d.word(e.value.get("key"), at+".key"),
				Changed: d.word(e.value.get("changed"), at+".changed"), Find: d.texts(e.value.get("find"), at+".find"),
				Mapping: Mapping{rules: d.rules(e.value.get("fields"), at+".fields")}}
			o.bind(rootContext, nil)
			s.to[e.key] = o
		}
	}
	for _, e := range d.section(n.get("write"), "write", keys(k.write)) {
		at := join("write", e.key)
		if !d.object(e.value, at, "system", "object", "key", "keep", "fields") {
			continue
		}
		t := &Target{System: d.system(e.value, at, r, r.Destination), Object: d.word(e.value.get("object"), at+".object"), Key: d.word(e.value.get("key"), at+".key"),
			Keep:    d.words(e.value.get("keep"), at+".keep"),
			Mapping: Mapping{rules: d.rules(e.value.get("fields"), at+".fields")}}
		t.bind("", nil)
		r.Write[e.key] = t
	}
	return r
}

func (d *decoder) section(n *node, path string, known []string) []entry {
	if n == nil {
		d.fail(place{}, path, "is missing", "")
		return nil
	}
	if !d.object(n, path, known...) {
		return nil
	}
	return n.entries
}

func (d *decoder) listFact(n *node, path string) ListFact {
	if n == nil || !d.object(n, path, "list", "attribute", "where") {
		return ListFact{}
	}
	return ListFact{d.word(n.get("list"), path+".list"), d.word(n.get("attribute"), path+".attribute"), d.texts(n.get("where"), path+".where")}
}

func (d *decoder) decimals(n *node, path string) DecimalsFact {
	if n == nil || !d.object(n, path, "object", "field", "default") {
		return DecimalsFact{}
	}
	f := DecimalsFact{Object: d.word(n.get("object"), path+".object"), Field: d.word(n.get("field"), path+".field")}
	places, err := strconv.ParseInt(d.word(n.get("default"), path+".default"), 10, 32)
	if err != nil || places < 0 || places > 12 {
		d.fail(n.place, path+".default", "want a number from 0 to 12", "")
	}
	f.Default = int32(places)
	return f
}

// rules reads the fields of a mapping.
func (d *decoder) rules(n *node, path string) []Rule {
	if n == nil || n.kind != nodeMap || len(n.entries) == 0 {
		d.fail(place{}, path, "want a map of fields", "")
		return nil
	}
	out := make([]Rule, 0, len(n.entries))
	for _, e := range n.entries {
		r := d.rule(e.value, join(path, e.key))
		r.Field = e.key
		out = append(out, r)
	}
	return out
}

var ruleKeys = []string{"from", "join", "separator", "any", "const", "default", "record", "rows", "rest_of", "fixed", "expression", "function", "takes", "gives", "needs", "follows", "table", "do", "when", "not_equal", "length",
	"optional", "required", "mark", "differs"}

// rule reads one rule; a text alone is a path.
func (d *decoder) rule(n *node, path string) Rule {
	if n.kind != nodeMap {
		return Rule{From: d.words(n, path)}
	}
	d.object(n, path, ruleKeys...)
	at := func(key string) (*node, string) { return n.get(key), join(path, key) }
	r := Rule{
		From: d.words(at("from")), Join: d.words(at("join")), Separator: d.word(at("separator")), Any: d.words(at("any")),
		Function: d.word(at("function")), Takes: d.words(at("takes")), Gives: d.word(at("gives")), Needs: d.word(at("needs")), Follows: d.word(at("follows")),
		Const: d.word(at("const")), Default: d.word(at("default")), HasDefault: n.get("default") != nil, Table: d.texts(at("table")),
		RestOf: d.word(at("rest_of")), When: d.word(at("when")), NotEqual: d.word(at("not_equal")), Optional: d.flag(at("optional")), Required: d.flag(at("required")), Fixed: d.flag(at("fixed")),
		Length: Length(d.choice(n, path, "length", "hold", "cut", "drop")),
		Mark:   Mark(d.choice(n, path, "mark", "update", "create", "when_empty", "never")), Differs: d.choice(n, path, "differs", "", "hold"),
	}
	sources := 0
	for _, key := range []string{"from", "join", "any", "expression", "function", "const", "record", "rows", "rest_of"} {
		if n.get(key) != nil {
			sources++
		}
	}
	if sources != 1 {
		d.fail(n.place, path, "want exactly one of from, join, any, expression, function, const, record, rows and rest_of", "")
	}
	if (r.Function != "") != (len(r.Takes) > 0 && r.Gives != "") || r.Function == "" && r.Needs != "" {
		d.fail(n.place, path, "a function wants takes and gives", "write {function: NAME, takes: [PATH], gives: OUTPUT}")
	}
	if x, at := at("expression"); x != nil {
		parsed, err := ParseExpression(d.word(x, at))
		if err != nil {
			d.fail(x.place, at, err.Error(), "")
		}
		r.Expression = parsed
	}
	if f := n.get("record"); f != nil {
		r.Record = &Mapping{rules: d.rules(f, join(path, "record"))}
	}
	if f, at := at("rows"); f != nil && d.object(f, at, "from", "as", "fields") {
		r.Rows = &Rows{From: d.word(f.get("from"), at+".from"), As: d.word(f.get("as"), at+".as"), Mapping: &Mapping{rules: d.rules(f.get("fields"), at+".fields")}}
		if r.Rows.From == "" || r.Rows.As == "" {
			d.fail(f.place, at, "want from and as", "")
		}
	}
	if f, at := at("do"); f != nil {
		r.Do = d.steps(f, at)
	}
	return r
}

// choice reads one of some words, the first where there is none.
func (d *decoder) choice(n *node, path, key string, words ...string) string {
	v := n.get(key)
	if v == nil {
		return words[0]
	}
	w := d.word(v, join(path, key))
	if !slices.Contains(words, w) {
		d.fail(v.place, join(path, key), "unknown word "+clip(w), suggest(w, words))
	}
	return w
}

// steps reads transforms: names, or a name with the path of its argument.
func (d *decoder) steps(n *node, path string) []Step {
	list := n.list
	if n.kind != nodeList {
		list = []*node{n}
	}
	out := make([]Step, 0, len(list))
	for _, e := range list {
		var s Step
		if e.kind == nodeMap && len(e.entries) == 1 {
			s = Step{Name: e.entries[0].key, Arg: d.word(e.entries[0].value, path)}
		} else {
			s.Name = d.word(e, path)
		}
		switch t, ok := transforms[s.Name]; {
		case !ok:
			d.fail(e.place, path, "unknown transform "+clip(s.Name), suggest(s.Name, transformNames()))
		case t.arg != (s.Arg != ""):
			d.fail(e.place, path, "the transform "+s.Name+" has the wrong number of arguments", "")
		}
		out = append(out, s)
	}
	return out
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
