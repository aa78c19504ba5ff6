package decide

import (
	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/record"
)

// MasterKind is what a kind of master data knows of its own. Its methods are pure.
type MasterKind interface {
	Words() Words
	// Label is what people call a record.
	Label(canon record.Record) string
	// Wanted tells why a record is not carried over; "" when it is.
	Wanted(canon, source record.Record) string
	// Keys are what a counterpart is recognised by, the most trusted first. None: the hold says why, or why such a record is skipped.
	Keys(canon record.Record) ([]MatchKey, *flow.Hold)
	// Context holds the records that the target's rules read, beside the source's own. What it asks for is asked, and then it is called again.
	Context(a *Ask, canon, source record.Record) (flow.Context, []string, *flow.Hold)
	// Check tells why a counterpart must not be touched: a hold, or with skip a reason to pass over it.
	Check(canon, existing record.Record) (skip string, held *flow.Hold)
	// Identity names what a create brings into being, so that two records never make the same thing twice.
	Identity(canon record.Record) string
}

// MatchKey is one way to recognise a counterpart.
type MatchKey struct {
	// By is the recipe's word for the key (find), Values the spellings that are asked for.
	By     string
	Values []string
	// Same compares exactly what is found, in canonical words.
	Same func(existing record.Record) bool
	// With: all keys with this set must find the same counterpart; else the first key that finds one decides.
	With bool
	// Sole asks the source who else has this key, where it must be nobody: Others picks them by what people call them.
	Sole   *Lookup
	Others func(source []record.Record) []string
}

// Maker is a MasterKind that has a word before a counterpart is made of out: warnings, and why none is to be made.
type Maker interface {
	Make(canon, out record.Record) (warnings []string, skip string, held *flow.Hold)
}

// Shy is a MasterKind that leaves a field of some counterparts alone, as they are.
type Shy interface {
	Leaves(existing record.Record, rule flow.Rule) bool
}

// Amender is a MasterKind for which what is sent depends on the counterpart: it changes the context that the rules read.
type Amender interface {
	Amend(ctx flow.Context, canon, existing record.Record) (warnings []string)
}

// Surrounded is a MasterKind for which more counts than the record itself: it puts that into the record by whose fingerprint a change is noticed.
type Surrounded interface {
	Surrounded(canon record.Record) record.Record
}

// Reporter is a MasterKind that may not write to some counterparts, and tells how they differ instead: as Check, with the source's own record.
type Reporter interface {
	Report(canon, source, existing record.Record) (skip string, held *flow.Hold)
}

// Words are how a kind is called in what people read.
type Words struct {
	// Kind is the link's kind and the step's name: order, product, customer. Target is the destination's word: debtor, article.
	Kind, Target string
	// Missing is the cause when a linked counterpart is gone.
	Missing string
	// Taken and TakenRemedy are said when a counterpart belongs to another record already.
	Taken, TakenRemedy string
	// None is said where there is no counterpart and none is to be made; "" names the setting create.
	None string
}

// Ask is how a MasterKind asks for facts.
type Ask struct{ *asker }

// Find returns an answer, or notes the question: then the decision is asked for again.
func (a *Ask) Find(l Lookup) (Answer, bool) { return a.find(l) }
