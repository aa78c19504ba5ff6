package kill

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how often a process is killed at a random moment.
const kills = 24

// TestKillAtRandomMoments kills now the host, now one of its connectors, wherever they are; then it lets a run come to its end.
func TestKillAtRandomMoments(t *testing.T) {
	ea := sandbox(t, "eaccounting", "--data", "demo", "--rate", "100000")
	calm, av := sandbox(t, "accountview", "--data", "demo"), sandbox(t, "accountview", "--data", "demo")
	if out, code := pomost(t, home(t, ea, calm), nil, "run", "orders"); code != 4 && code != 0 {
		t.Fatalf("the calm run: exit %d: %s", code, out)
	}
	wantOrders, wantDebtors := books(t, calm)
	dir := home(t, ea, av)
	// Tokens first: a kill between the answer of the token service and its storing loses the consent, which no client of single-use
	// tokens can help (docs/engine.md).
	if out, code := pomost(t, dir, nil, "plan", "orders"); code != 0 {
		t.Fatalf("the plan: exit %d: %s", code, out)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	hosts, connectors := 0, 0
	for range kills {
		cmd := exec.Command(filepath.Join(binaries(t), "pomost"), "run", "orders", "--home", filepath.Join(dir, "home"), "--output", "json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+rnd.IntN(900)) * time.Millisecond)
		victim := cmd.Process.Pid
		if children := children(t, victim); len(children) > 0 && rnd.IntN(2) == 0 {
			victim = children[rnd.IntN(len(children))]
		}
		if syscall.Kill(victim, syscall.SIGKILL) == nil {
			if victim == cmd.Process.Pid {
				hosts++
			} else {
				connectors++
				// What the host makes of it is its matter for a moment; then it goes too.
				time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
	}
	if hosts == 0 || connectors == 0 {
		t.Fatalf("%d hosts and %d connectors were killed: that proves nothing", hosts, connectors)
	}
	if out, code := pomost(t, dir, nil, "run", "orders"); code != 4 && code != 0 {
		t.Fatalf("the last run: exit %d: %s", code, out)
	}
	gotOrders, gotDebtors := books(t, av)
	compare(t, wantOrders, gotOrders)
	for mail, n := range gotDebtors {
		if n != wantDebtors[mail] {
			t.Errorf("%d debtors have the e-mail %s, the calm run made %d", n, mail, wantDebtors[mail])
		}
	}
}

// children lists the processes that a process started.
func children(t *testing.T, pid int) []int {
	var out []int
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
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
