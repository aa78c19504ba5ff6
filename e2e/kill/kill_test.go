// Package kill kills the real host at every failpoint, with real connectors between two sandboxes, and shows that nothing is lost and
// nothing doubled: whoever runs the flows again until no outcome is open has what an undisturbed run makes.
package kill

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/pomost/pomost/host/engine/failpoint"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// scene is what is played: flows, in the order in which they run, with their settings and the systems'.
type scene struct {
	name     string
	flows    []string
	settings map[string]any
	ea, av   map[string]string
	// schedule is that of all flows, for a daemon.
	schedule string
	// unreached are the failpoints that are not on its way.
	unreached []string
}

// way is the customers flow of one direction.
func way(direction string) map[string]any {
	return map[string]any{"customers": map[string]any{"direction": direction, "collective_account": "1210"}}
}

var scenes = []scene{
	{name: "orders", flows: []string{"orders"}},
	// A scan has no cursor.
	{name: "products", flows: []string{"products"}},
	{name: "stock", flows: []string{"stock"}, unreached: []string{"cursor-durable"}},
	{name: "customers to AccountView", flows: []string{"customers"}, settings: way("to_accountview")},
	{name: "customers to eAccounting", flows: []string{"customers"}, settings: way("to_eaccounting")},
	{name: "all", flows: []string{"orders", "customers", "products", "stock"}, settings: way("both"), av: map[string]string{"dialect": "article_rich,reservations"}},
	// Systems that make something of what they are sent: whoever forgets what he sent takes that for news, and carries it back.
	{name: "tidied", flows: []string{"customers"}, settings: way("both"), ea: map[string]string{"dialect": "customers_tidied"},
		av: map[string]string{"dialect": "contact_tidied"}},
}

// lossy loses the answers to some of the writes of every kind, and lets others come late.
var lossy = func() []kit.Fault {
	const av = "/api/v3/accountviewdata"
	var out []kit.Fault
	for _, f := range []kit.Fault{{Match: "POST /v2/articles"}, {Match: "PUT /v2/articles"}, {Match: "POST /v2/customers"}, {Match: "PUT /v2/customers"},
		{Match: "POST " + av, Object: "AR1"}, {Match: "PUT " + av, Object: "AR1"}, {Match: "POST " + av, Object: "ADDR"}, {Match: "POST " + av, Object: "SO1"}} {
		for i, do := range []string{"lost-reply", late} {
			f.Skip, f.Do = 2*i, do
			out = append(out, f)
		}
	}
	return out
}()

// doubtful are the failpoints that only a lost answer reaches.
var doubtful = []string{"unknown-durable", "settle-before", "settle-durable"}

// sceneOf is the scene of that name.
func sceneOf(name string) scene {
	return scenes[slices.IndexFunc(scenes, func(s scene) bool { return s.name == name })]
}

func TestKillAtEveryFailpoint(t *testing.T) {
	binaries(t)
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			calm := play(t, s)
			for _, name := range failpoint.Names {
				if slices.Contains(s.unreached, name) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, s, calm.cache)
					first, second := calm.at(name)
					if slices.Contains(doubtful, name) {
						w.faults(lossy)
					}
					w.killed(s, name, first)
					calm.possible(w, s)
					w.faults(nil)
					w.edit(s)
					w.faults(lossy)
					w.killed(s, name, second)
					calm.possible(w, s)
					w.faults(nil)
					w.settled(s, calm.end)
				})
			}
		})
	}
}

// undisturbed is what runs make that nobody kills.
type undisturbed struct {
	once               sync.Once
	start, middle, end map[string][]string
	hits               map[string]int // of the first run
	cache              string         // as its home has it
}

var (
	playedLock sync.Mutex
	played     = map[string]*undisturbed{}
)

// play runs a scene to its end, with the edits that all its cases have in the middle; once for all who ask.
func play(t *testing.T, s scene) *undisturbed {
	t.Helper()
	playedLock.Lock()
	u := played[s.name]
	if u == nil {
		u = &undisturbed{cache: filepath.Join(scratch, "cache of "+s.name)}
		played[s.name] = u
	}
	playedLock.Unlock()
	u.once.Do(func() { u.play(t, s) })
	if u.end == nil {
		t.Fatal("the calm run failed elsewhere")
	}
	return u
}

func (u *undisturbed) play(t *testing.T, s scene) {
	t.Helper()
	w := newWorld(t, s, "")
	u.start = w.state()
	log := filepath.Join(t.TempDir(), "hits")
	if out, code := w.pomost([]string{"POMOST_FAILPOINT_LOG=" + log}, append([]string{"run"}, s.flows...)...); code != 0 && code != 4 {
		t.Fatalf("the calm run: exit %d: %s", code, out)
	}
	u.hits, u.middle = hits(t, log), w.state()
	w.edit(s)
	w.finish(s.flows)
	w.quiet(s.flows)
	if _, err := os.Stat(filepath.Join(w.home, "cache")); err == nil {
		if err := os.CopyFS(u.cache, os.DirFS(filepath.Join(w.home, "cache"))); err != nil {
			t.Fatal(err)
		}
	}
	u.end = w.state()
}

// at is the hit of a failpoint at which the first run is killed, and the second.
func (u *undisturbed) at(name string) (first, second int) {
	n := u.hits[name]
	switch {
	case slices.Contains(doubtful, name):
		return 1, 2
	case u.hits["run-leased"] > 1: // now in the first flow, now in another
		return (n + 1) / 2, max(n*2/5, min(n, 4))
	}
	return 1, min(max(n-1, 1), 5)
}

// settled runs a scene to its end and asserts that both systems hold what was wanted, that nothing is left to do, and that the database is
// sound.
func (w *world) settled(s scene, want map[string][]string) {
	w.t.Helper()
	w.finish(s.flows)
	compare(w.t, want, w.state())
	if w.t.Failed() {
		out, _ := w.pomost(nil, "records")
		w.t.Logf("what is remembered: %s", out)
	}
	w.quiet(s.flows)
	w.sound()
	if n := w.count("SELECT count(*) FROM link JOIN name ON name.id = link.verified WHERE name.text = 'not yet'"); n > 0 {
		w.t.Errorf("what was booked was never compared for %d records", n)
	}
}
