package kill

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pomost/pomost/host/function"
	"github.com/pomost/pomost/internal/harness"
)

// kills is how often a process is killed at a random moment.
const kills = 16

// TestKillAtRandomMoments kills now the host, now one of its connectors or function workers, wherever they are, while answers are lost; then it
// lets a run come to its end.
func TestKillAtRandomMoments(t *testing.T) {
	binaries(t)
	t.Parallel()
	s := sceneOf("all")
	calm := play(t, s)
	w := newWorld(t, s, calm.cache)
	// Tokens first: a kill between the answer of the token service and its storing loses the consent, which no client of single-use
	// tokens can help (docs/engine.md).
	if out, code := w.pomost(nil, "plan", "orders"); code != 0 {
		t.Fatalf("the plan: exit %d: %s", code, out)
	}
	w.faults(lossy)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	hosts, others := 0, 0
	for range kills {
		cmd, _ := w.start(nil, append([]string{"run"}, s.flows...)...)
		time.Sleep(time.Duration(50+rnd.IntN(900)) * time.Millisecond)
		victim := cmd.Process.Pid
		if children := children(victim); len(children) > 0 && rnd.IntN(2) == 0 {
			victim = children[rnd.IntN(len(children))]
		}
		if syscall.Kill(victim, syscall.SIGKILL) == nil {
			if victim == cmd.Process.Pid {
				hosts++
			} else {
				others++
				// What the host makes of it is its matter for a moment; then it goes too.
				time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		calm.possible(w, s)
	}
	if hosts == 0 || others == 0 {
		t.Fatalf("%d hosts and %d of their children were killed: that proves nothing", hosts, others)
	}
	w.faults(nil)
	w.retry()
	w.settled(s, calm.middle)
}

// retry takes up what failed because a function worker was killed: that is for a person to ask.
func (w *world) retry() {
	w.t.Helper()
	if out, code := w.pomost(nil, "retry"); code != 0 && code != 4 {
		w.t.Fatalf("retry: exit %d: %s", code, out)
	}
}

// TestKillChild kills a connector in the middle of reading or writing, or a function worker, and leaves the host alone. That run ends by
// itself, and the next ones make good what it did not do.
func TestKillChild(t *testing.T) {
	binaries(t)
	for _, s := range scenes {
		for _, victim := range []string{"pomost-connector-eaccounting", "pomost-connector-accountview", function.WorkerCommand} {
			calls := slices.Contains(s.flows, "orders") || slices.Contains(s.flows, "customers") && s.name != "customers to eAccounting"
			if victim == function.WorkerCommand && !calls {
				continue
			}
			t.Run(s.name+"/"+victim, func(t *testing.T) {
				t.Parallel()
				calm := play(t, s)
				w := newWorld(t, s, calm.cache)
				ea, av := len(w.EA.Log()), len(w.AV.Log())
				busy := func(sys *harness.System, since int) bool { return len(sys.Log())-since >= 6 }
				cmd, out := w.start(nil, append([]string{"run"}, s.flows...)...)
				killed := false
				for end := time.Now().Add(20 * time.Second); !killed && time.Now().Before(end); time.Sleep(time.Millisecond) {
					if victim != function.WorkerCommand && (!busy(w.EA, ea) || !busy(w.AV, av)) {
						continue
					}
					for _, c := range children(cmd.Process.Pid) {
						if strings.Contains(command(c), victim) {
							killed = syscall.Kill(c, syscall.SIGKILL) == nil
						}
					}
				}
				_ = cmd.Wait()
				if code := cmd.ProcessState.ExitCode(); !killed || code == -1 || code == 2 {
					t.Fatalf("killed: %v; the run ends with exit %d: %s", killed, code, out)
				}
				calm.possible(w, s)
				w.retry()
				w.settled(s, calm.middle)
			})
		}
	}
}

// children lists the processes that a process started.
func children(pid int) []int {
	var out []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is sound
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread, or the process, has ended
		}
		for _, f := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(f); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}
