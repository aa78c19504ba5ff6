package control

import (
	"sync"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/connector"
)

// recipeAge is how long a recipe that was read is good for: a plugin may bring another one.
const recipeAge = 10 * time.Second

// known remembers what connectors said of themselves, what recipes say, and which connections were refused by their systems, so that
// showing how things are neither starts a process nor reads a file each time. Safe for concurrent use.
type known struct {
	mu           sync.Mutex
	descriptions map[string]connector.Description
	recipes      map[string]knownRecipe
	refusals     map[string]*Failure // by connection
}

type knownRecipe struct {
	recipe *flow.Recipe
	err    error
	read   time.Time
}

func newKnown() *known {
	return &known{descriptions: map[string]connector.Description{}, recipes: map[string]knownRecipe{}, refusals: map[string]*Failure{}}
}

func (k *known) keep(d connector.Description) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.descriptions[d.Name] = d
}

// title is what people call a connector; its name where it has not said so yet.
func (k *known) title(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d, ok := k.descriptions[name]; ok && d.Title != "" {
		return d.Title
	}
	return name
}

// object is what people call an object of a connector that has described itself; its name where none has it.
func (k *known) object(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.descriptions {
		for _, o := range d.Objects {
			if o.Name == name && o.Title != "" {
				return o.Title
			}
		}
	}
	return name
}

// oauth is how a connector's system gives tokens; nil where it has not said so yet, or gives none.
func (k *known) oauth(name string) *connector.OAuth {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.descriptions[name].OAuth
}

// noConsent tells that a connector's system is known to need no person's consent.
func (k *known) noConsent(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	d, ok := k.descriptions[name]
	return ok && d.OAuth == nil
}

// refuse notes that a system refused a connection's credentials; nil, that it took them.
func (k *known) refuse(connection string, f *Failure) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f == nil {
		delete(k.refusals, connection)
		return
	}
	k.refusals[connection] = f
}

func (k *known) refused(connection string) *Failure {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refusals[connection]
}

// recipe returns a recipe by its name.
func (s *Service) recipe(name string) (*flow.Recipe, error) {
	k := s.known
	k.mu.Lock()
	defer k.mu.Unlock()
	now := s.opts.Clock.Now()
	if r, ok := k.recipes[name]; ok && now.Sub(r.read) < recipeAge {
		return r.recipe, r.err
	}
	r, err := flow.LoadRecipe(s.recipes, name)
	k.recipes[name] = knownRecipe{recipe: r, err: err, read: now}
	return r, err
}
