package kill

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pomost/pomost/host/engine/failpoint"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

// daemonKills is how often the daemon is killed.
const daemonKills = 8

// byDaemon is a scene whose flows a daemon runs.
func byDaemon(name string) scene {
	s := sceneOf(name)
	s.schedule = "1s"
	return s
}

// TestKillDaemon kills the daemon at random moments and at failpoints, while all flows run by schedule and by hand through it and answers are
// lost. Each next one takes over what the killed one left: socket, lock and work.
func TestKillDaemon(t *testing.T) {
	binaries(t)
	t.Parallel()
	s := byDaemon("all")
	calm := play(t, sceneOf("all"))
	w := newWorld(t, s, calm.cache)
	if out, code := w.pomost(nil, "plan", "orders"); code != 0 { // tokens first, as in TestKillAtRandomMoments
		t.Fatalf("the plan: exit %d: %s", code, out)
	}
	w.faults(lossy)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for n := range daemonKills {
		var env []string
		if n%2 == 1 {
			env = []string{fmt.Sprintf("POMOST_FAILPOINT=%s:%d", failpoint.Names[rnd.IntN(len(failpoint.Names))], 1+rnd.IntN(5))}
		}
		daemon := w.serve(env)
		client, out := w.start(nil, append([]string{"run"}, s.flows[rnd.IntN(len(s.flows)):]...)...)
		time.Sleep(time.Duration(50+rnd.IntN(1200)) * time.Millisecond)
		_ = daemon.Process.Kill() // a failpoint may have been first
		_ = daemon.Wait()
		if code := daemon.ProcessState.ExitCode(); code != -1 {
			t.Fatalf("daemon %d was to be killed, it ended with exit %d", n, code)
		}
		// Whoever asked the daemon is told, or has done the work by itself where the daemon had not answered yet.
		_ = client.Wait()
		if code := client.ProcessState.ExitCode(); !slices.Contains([]int{0, 1, 4}, code) || !json.Valid([]byte(answerOf(out.String()))) {
			t.Errorf("the run through daemon %d ends with exit %d: %s", n, code, out)
		}
		calm.possible(w, s)
	}
	w.faults(nil)
	daemon := w.serve(nil)
	if out, code := w.pomost(nil, append([]string{"run"}, s.flows...)...); code != 0 && code != 4 {
		t.Errorf("a run through the last daemon: exit %d: %s", code, out)
	}
	w.terminate(daemon)
	w.retry()
	w.settled(s, calm.middle)
}

// TestStopDaemonInMidRun: a daemon that is asked to end while orders are on their way lets them be answered, and nobody has to ask what became
// of them.
func TestStopDaemonInMidRun(t *testing.T) {
	binaries(t)
	t.Parallel()
	s := byDaemon("orders")
	calm := play(t, sceneOf("orders"))
	w := newWorld(t, s, calm.cache)
	w.faults([]kit.Fault{{Match: "POST /api/v3/accountviewdata", Times: 1000, Do: "delay:150ms"}})
	for n := range 3 {
		daemon := w.serve(nil)
		sent := w.sent()
		for end := time.Now().Add(time.Minute); w.sent() < sent+2 || w.count(open) == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("daemon %d never sent anything", n)
			}
		}
		w.terminate(daemon)
		if n := w.count(open); n > 0 {
			t.Errorf("%d intents were left open", n)
		}
	}
	w.faults(nil)
	w.settled(s, calm.middle)
}

// open counts the intents whose outcome nobody knows.
const open = "SELECT count(*) FROM intent WHERE state <= 1"

// sent is how many intents there ever were.
func (w *world) sent() int { return w.count("SELECT count(*) FROM intent") }

// TestKillPlannedRun kills the run of a plan at every failpoint on its way, and runs the plan again.
func TestKillPlannedRun(t *testing.T) {
	binaries(t)
	t.Parallel()
	s := sceneOf("orders")
	calm := play(t, s)
	planned := func(t *testing.T) (*world, string) {
		t.Helper()
		w := newWorld(t, s, calm.cache)
		out, code := w.pomost(nil, "plan", "orders")
		var plan struct{ ID string }
		if err := json.Unmarshal([]byte(answerOf(out)), &plan); err != nil || code != 0 || plan.ID == "" {
			t.Fatalf("the plan: exit %d, %v: %s", code, err, out)
		}
		return w, plan.ID
	}
	for _, name := range failpoint.Names {
		if name == "cursor-durable" { // a plan's run reads its records, and moves no cursor
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, plan := planned(t)
			if slices.Contains(doubtful, name) {
				w.faults(lossy)
			}
			if out, code := w.pomost([]string{"POMOST_FAILPOINT=" + name + ":1"}, "run", "--plan", plan); code != -1 {
				t.Fatalf("the host was to be killed at %s, it ended with exit %d: %s", name, code, out)
			}
			w.faults(nil)
			if out, code := w.pomost(nil, "run", "--plan", plan); code != 0 && code != 4 {
				t.Errorf("the plan once more: exit %d: %s", code, out)
			}
			w.settled(s, calm.middle)
		})
	}
}

// serve starts a daemon and waits until it is ready, or has ended.
func (w *world) serve(env []string) *exec.Cmd {
	w.t.Helper()
	cmd := w.command(env, "serve", "--listen", "")
	ready, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	_, _ = bufio.NewReader(ready).ReadString('\n')
	return cmd
}

// terminate asks a daemon to end, which it does without a complaint.
func (w *world) terminate(daemon *exec.Cmd) {
	w.t.Helper()
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil {
		w.t.Fatalf("the daemon was asked to end: %v", err)
	}
}

// answerOf is the JSON in what a command wrote; progress stands before it.
func answerOf(out string) string {
	if i := strings.Index(out, "{\n"); i >= 0 {
		return out[i:]
	}
	return out[max(strings.Index(out, "{"), 0):]
}
