package flow

import (
	"maps"

	"github.com/pomost/pomost/sdk/record"
)

// kind is what all recipes of one kind have in common: the canonical objects in whose words decisions are made.
type kind struct {
	// read and back are the canonical objects that the sections of a recipe make.
	read, back map[string]*record.Schema
	// write are the records that the rules of each target may read, by the first word of a path. Beside them each may read "source": the
	// record as its system gave it, custom fields included.
	write map[string]map[string]*record.Schema
	// need are the objects that a recipe must have.
	need need
	// lane is the one of a recipe that names none.
	lane Lane
	// settings types the settings' values and finds those that contradict one another.
	settings func(r *Recipe, values map[string]any, out *Settings) []Problem
}

type need struct{ read, write, back []string }

// kinds are all kinds of recipes.
var kinds = map[string]*kind{
	"orders":    ordersKind,
	"products":  productsKind,
	"stock":     stockKind,
	"customers": customersKind,
}

// Lane is one way in which records travel: Read is what is read from From, Back how their counterparts are read, Write how they are
// written. A recipe whose records travel both ways has two, and calls one of them by its name in the store.
type Lane struct {
	// Name is "" where there is one lane only.
	Name string
	// From is the connector of the system that is read.
	From              string
	Read, Back, Write string
}

// SourceContext is the first word of paths into the record as its system gave it.
const SourceContext = "source"

// SettingsContext is the first word of paths into what the settings and the companies say, not the record.
const SettingsContext = "settings"

// object finds an object of a recipe by its name in either section.
func (r *Recipe) object(which string) *Object {
	if o := r.Read[which]; o != nil {
		return o
	}
	return r.Back[which]
}

// LaneRead is the object that a lane reads, LaneBack that of the counterparts.
func (r *Recipe) LaneRead(l Lane) *Object { return r.object(l.Read) }

// LaneBack is the object of a lane's counterparts.
func (r *Recipe) LaneBack(l Lane) *Object { return r.object(l.Back) }

// contexts are the records that a target's rules may read.
func (r *Recipe) contexts(which string, system func(string) map[string]*record.Schema) map[string]*record.Schema {
	out := maps.Clone(kinds[r.Kind].write[which])
	for _, l := range r.Lanes {
		if o := r.object(l.Read); l.Write == which && o != nil {
			out[SourceContext] = system(o.System)[o.Object]
		}
	}
	return out
}

// lanes reads the lanes of a recipe; one that names none has that of its kind.
func (d *decoder) lanes(n *node, r *Recipe, k *kind) []Lane {
	if n == nil {
		l := k.lane
		l.From = r.Source
		return []Lane{l}
	}
	if n.kind != nodeMap || len(n.entries) == 0 {
		d.fail(n.place, "lanes", "want a map of lanes", "")
		return nil
	}
	var out []Lane
	for _, e := range n.entries {
		at := join("lanes", e.key)
		if !d.object(e.value, at, "from", "read", "back", "write") {
			continue
		}
		l := Lane{Name: e.key, From: d.system(e.value, at, r, ""), Read: d.word(e.value.get("read"), at+".read"),
			Back: d.word(e.value.get("back"), at+".back"), Write: d.word(e.value.get("write"), at+".write")}
		out = append(out, l)
	}
	return out
}

// system reads which of the recipe's two systems something belongs to: the key "system", or "from" of a lane.
func (d *decoder) system(n *node, path string, r *Recipe, otherwise string) string {
	key := "system"
	if otherwise == "" {
		key = "from"
	}
	v := n.get(key)
	if v == nil && otherwise != "" {
		return otherwise
	}
	return d.choice(n, path, key, r.Source, r.Destination)
}

// checkLane finds what a lane names and the recipe lacks.
func (r *Recipe) checkLane(l Lane) []Problem {
	at := join("lanes", l.Name)
	var out []Problem
	if o := r.object(l.Read); o == nil || o.System != l.From {
		out = append(out, Problem{at + ".read", "names no object of " + l.From, ""})
	}
	if o := r.object(l.Back); o == nil || o.System == l.From {
		out = append(out, Problem{at + ".back", "names no object of the other system", ""})
	}
	if t := r.Write[l.Write]; t == nil || t.System == l.From {
		out = append(out, Problem{at + ".write", "names no target in the other system", ""})
	}
	return out
}
