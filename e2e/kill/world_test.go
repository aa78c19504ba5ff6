package kill

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite"

	"github.com/pomost/pomost/internal/harness"
	kit "github.com/pomost/pomost/sdk/sandbox"
	"github.com/pomost/pomost/sdk/sandbox/shop"
)

// settle is how long a lost request may still land, late how long one takes that does.
const (
	settle = "2s"
	late   = "late:1200ms"
)

// scratch is the folder of this run of the tests; books and webshop, in it, are what the two systems hold before anything travels.
var scratch, books, webshop string

func TestMain(m *testing.M) {
	flag.Parse()
	code := func() int {
		dir, err := os.MkdirTemp("", "pomost-kill-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		scratch, books, webshop = dir, filepath.Join(dir, "books"), filepath.Join(dir, "shop")
		if err := errors.Join(madeShop(), os.Setenv("XDG_RUNTIME_DIR", dir)); err != nil {
			panic(err)
		}
		// Most of a case is waiting for what was lost to land.
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
		// Whoever is orphaned becomes our child, so that it can be seen.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			panic(err)
		}
		code := m.Run()
		if left := orphans(); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "processes outlived their host: %s\n", strings.Join(left, ", "))
			return 1
		}
		return code
	}()
	os.Exit(code)
}

// orphans are the processes that are still alive some time after the last host has ended.
func orphans() []string {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var alive []string
		for _, pid := range children(os.Getpid()) {
			if reaped, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err == nil && reaped == 0 {
				alive = append(alive, fmt.Sprintf("%d %s", pid, command(pid)))
			}
		}
		if len(alive) == 0 || time.Now().After(end) {
			return alive
		}
	}
}

// command is how a process was started.
func command(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // of a process that has ended there is none
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

// madeShop writes the two folders: a webshop's year, and books that have articles, prices, stock and debtors that the shop does not have.
func madeShop() error {
	s := shop.Generate(shop.Options{Seed: 1, Customers: 40, Articles: 40, Orders: 60})
	if err := s.Save(webshop); err != nil {
		return err
	}
	n := 0
	for i := range s.Articles {
		a := &s.Articles[i]
		if !a.InBooks || a.Service {
			continue
		}
		if n++; n%2 == 0 {
			a.Stock = fmt.Sprint(100 + n)
		}
		if n%3 == 0 {
			a.NetPrice = fmt.Sprintf("%d.25", 10+n)
		}
	}
	for i := range 10 {
		s.Articles = append(s.Articles, shop.Article{Number: fmt.Sprintf("BOEK-%02d", i), Name: fmt.Sprintf("Tuinboek deel %d", i), Group: s.Groups[0].Code,
			NetPrice: fmt.Sprintf("%d.50", 20+i), GrossPrice: fmt.Sprintf("%d.99", 24+i), VATPercent: "21", Unit: "st", Stock: fmt.Sprint(5 * i), InBooks: true})
	}
	for i := range 8 {
		s.Books.Debtors = append(s.Books.Debtors, shop.Debtor{Number: fmt.Sprint(19001 + i), Name: fmt.Sprintf("Hovenier %d", i), Company: i%2 == 0, Email: fmt.Sprintf("hovenier%d@bloem.example", i),
			Phone: fmt.Sprintf("030-12345%02d", i), Address1: fmt.Sprintf("Plantsoen %d", i+1), PostCode: fmt.Sprintf("35%02d AB", i+11), City: "Utrecht", Country: "NL"})
	}
	return s.Save(books)
}

// world is both systems, in this process, and the home of a Pomost that runs as processes of its own.
type world struct {
	*harness.World
	t    *testing.T
	home string
	env  []string
}

// newWorld starts both systems and applies a configuration. cache is the one of another world's home, if it has one: functions are compiled once.
func newWorld(t *testing.T, s scene, cache string) *world {
	t.Helper()
	dir := t.TempDir()
	h, err := harness.New(t.Context(), harness.Options{Dir: dir, EA: kit.Options{Data: webshop, Rate: -1, Set: s.ea}, AV: kit.Options{Data: books, Rate: -1, Set: s.av}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{World: h, t: t, home: h.Home(), env: []string{
		"EA_ID=" + h.EA.Info.ClientID, "EA_SECRET=" + h.EA.Info.ClientSecret, "EA_TOKEN=" + h.EA.Info.RefreshToken,
		"AV_ID=" + h.AV.Info.ClientID, "AV_SECRET=" + h.AV.Info.ClientSecret, "AV_TOKEN=" + h.AV.Info.RefreshToken}}
	if _, err := os.Stat(cache); err == nil {
		if err := os.CopyFS(filepath.Join(w.home, "cache"), os.DirFS(cache)); err != nil {
			t.Fatal(err)
		}
	}
	h.EASettings["settle_time"], h.AVSettings["settle_time"] = settle, settle
	h.AVSettings["time_zone"] = "Europe/Amsterdam"
	h.Schedule = s.schedule
	h.Flows = map[string]harness.FlowSetup{}
	for _, f := range s.flows {
		if f == "orders" {
			continue
		}
		source := map[string]string{"customers": "shop"}[f]
		if source == "" {
			source = "books"
		}
		set, _ := s.settings[f].(map[string]any)
		h.Flows[f] = harness.FlowSetup{Recipe: f, Source: source, Settings: set}
	}
	var orders map[string]any
	if slices.Contains(s.flows, "orders") {
		orders = map[string]any{"collective_account": "1210"}
	}
	file, err := h.Configure(orders)
	if err != nil {
		t.Fatal(err)
	}
	if out, code := w.pomost(nil, "apply", "-f", file); code != 0 {
		t.Fatalf("apply: exit %d: %s", code, out)
	}
	return w
}

// binaries is the folder of binaries built with the tag failpoint.
func binaries(t *testing.T) string {
	dir := os.Getenv("POMOST_FAILPOINT_BIN")
	if dir == "" {
		t.Skip("POMOST_FAILPOINT_BIN names no folder of binaries; `make binary` builds them")
	}
	return dir
}

// command is the built command, not yet started. It ends with the test at the latest.
func (w *world) command(env []string, args ...string) *exec.Cmd {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	w.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(binaries(w.t), "pomost"), append(args, "--home", w.home, "--output", "json")...)
	cmd.Env = append(append(os.Environ(), w.env...), env...)
	return cmd
}

// start starts the built command.
func (w *world) start(env []string, args ...string) (cmd *exec.Cmd, out *bytes.Buffer) {
	w.t.Helper()
	cmd = w.command(env, args...)
	out = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatalf("pomost %v: %v", args, err)
	}
	return cmd, out
}

// pomost runs the built command; the code is −1 when it was killed.
func (w *world) pomost(env []string, args ...string) (string, int) {
	w.t.Helper()
	cmd, out := w.start(env, args...)
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("pomost %v: %v", args, err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// faults are what goes wrong from now on at both systems.
func (w *world) faults(f []kit.Fault) {
	w.t.Helper()
	if err := errors.Join(w.EA.SetFaults(f), w.AV.SetFaults(f)); err != nil {
		w.t.Fatal(err)
	}
}

// killed runs the flows with the word to kill the host at the nth hit of a failpoint.
func (w *world) killed(s scene, name string, nth int) {
	w.t.Helper()
	if out, code := w.pomost([]string{fmt.Sprintf("POMOST_FAILPOINT=%s:%d", name, nth)}, append([]string{"run"}, s.flows...)...); code != -1 {
		w.t.Fatalf("the host was to be killed at the hit number %d of %s, it ended with exit %d: %s", nth, name, code, out)
	}
}

// movers are customers that have moved.
var movers = []string{"Stijn Maes", "Jürgen Schröder", "Jeroen Koolhaas", "Ogród Łódzki Sp. z o.o."}

// edit is what people do between two runs, the same in every case. Nothing of it is in conflict with what a killed run has not carried over
// yet, and no customer moves where only orders travel: what their debtors know depends on when those were made.
func (w *world) edit(s scene) {
	w.t.Helper()
	do := func(_ harness.Object, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	ctx := w.t.Context()
	for _, a := range []string{"TUIN-1001", "TUIN-1009", "BOEK-06", "BOEK-07"} {
		do(w.AV.Change(ctx, "AK1", a, "", harness.Object{"PX_SELL": 77.5, "QTY_AVAIL": 4, "QTY_TECH": 4, "QTY_FREE2": 4}))
	}
	for _, d := range []string{"19002", "19003", "19005", "19006"} {
		do(w.AV.Change(ctx, "AR1", d, "", harness.Object{"CITY": "Zeist"}))
	}
	changed := 0
	customers, err := w.EA.All(ctx, "/customers")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range customers {
		if !slices.Contains(s.flows, "customers") {
			changed = len(movers)
			break
		}
		if name := fmt.Sprint(c["Name"]); slices.Contains(movers, name) {
			c["InvoiceCity"] = "Amersfoort"
			do(w.EA.Call(ctx, http.MethodPut, "/customers/"+fmt.Sprint(c["Id"]), c))
			changed++
		}
	}
	if changed != len(movers) {
		w.t.Fatalf("%d of %d customers were found to be changed", changed, len(movers))
	}
	orders, err := w.EA.All(ctx, "/orders")
	if err != nil {
		w.t.Fatal(err)
	}
	again := maps.Clone(orders[len(orders)-1])
	delete(again, "Id")
	delete(again, "Number")
	for range 4 {
		do(w.EA.Call(ctx, http.MethodPost, "/orders", again))
	}
}

// finish runs the flows until no outcome is open.
func (w *world) finish(flows []string) {
	w.t.Helper()
	for n := 1; ; n++ {
		out, code := w.pomost(nil, append([]string{"run"}, flows...)...)
		if code != 0 && code != 4 {
			w.t.Fatalf("run %d to the end: exit %d: %s", n, code, out)
		}
		if w.count("SELECT count(*) FROM intent WHERE state <= 1") == 0 && w.count("SELECT count(*) FROM record JOIN name ON name.id = record.status WHERE name.text = 'pending'") == 0 {
			return
		}
		if n == 5 {
			w.t.Fatalf("after %d runs there are still outcomes that nobody knows: %s", n, out)
		}
	}
}

// count asks the home's database.
func (w *world) count(query string) int {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.home, "data", "pomost.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(w.t.Context(), query).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// sound asserts that the database has no damage.
func (w *world) sound() {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.home, "data", "pomost.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var word string
	if err := db.QueryRowContext(w.t.Context(), "PRAGMA integrity_check").Scan(&word); err != nil || word != "ok" {
		w.t.Errorf("the database is damaged: %s %v", word, err)
	}
}

// quiet asserts that one more run writes nothing to either system.
func (w *world) quiet(flows []string) {
	w.t.Helper()
	ea, av := len(w.EA.Log()), len(w.AV.Log())
	if out, code := w.pomost(nil, append([]string{"run"}, flows...)...); code != 0 && code != 4 {
		w.t.Errorf("one more run: exit %d: %s", code, out)
	}
	if wrote := w.EA.Writes(ea); len(wrote) > 0 {
		w.t.Errorf("one more run wrote to eAccounting: %v", wrote)
	}
	if wrote := w.AV.Writes(av); len(wrote) > 0 {
		w.t.Errorf("one more run wrote to AccountView: %v", wrote)
	}
}

// volatile tells which fields the systems set themselves, or depend on the order in which records were made.
func volatile(field string) bool {
	return strings.HasSuffix(field, "Utc") || strings.HasSuffix(field, "_Id") || slices.Contains([]string{"Id", "CustomerNumber", "RowId", "SUB_NR", "ORD_NR", "DEL_CODE", "RPL_DEL", "RPL_INV", "REC_ID", "EXT_KEY", "CNG_NR", "CNG_USR", "CNG_DATE", "INP_DATE"}, field)
}

// state is what both systems hold, read through their APIs: by a name that people would know it by, all records that have it.
func (w *world) state() map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	add := func(kind string, name any, r harness.Object) {
		text, err := json.Marshal(lasting(r))
		if err != nil {
			w.t.Fatal(err)
		}
		key := kind + " " + strings.ToLower(trimmed(name))
		out[key] = append(out[key], string(text))
	}
	named := func(r harness.Object, mail, name string) any {
		if m, _ := r[mail].(string); m != "" {
			return m
		}
		return r[name]
	}
	for path, kind := range map[string]string{"/articles": "article", "/customers": "customer"} {
		all, err := w.EA.All(w.t.Context(), path)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range all {
			switch kind {
			case "article":
				add(kind, r["Number"], r)
			default:
				add(kind, named(r, "EmailAddress", "Name"), r)
			}
		}
	}
	debtors := map[string]string{}
	for _, r := range w.table("AR1") {
		name := named(r, "MAIL_BUS", "ACCT_NAME")
		debtors[trimmed(r["SUB_NR"])] = strings.ToLower(fmt.Sprint(name))
		add("debtor", name, r)
	}
	addresses := map[string]string{}
	for _, r := range w.table("ADDR") {
		name := fmt.Sprint(r["ADDRESS1"], ", ", r["POST_CODE"])
		addresses[trimmed(r["DEL_CODE"])] = name
		add("address", name, r)
	}
	for _, r := range w.table("SO1") {
		r["debtor"], r["address"] = debtors[trimmed(r["RPL_INV"])], addresses[trimmed(r["DEL_CODE"])]
		add("order", r["COMMENT1"], r)
	}
	for _, rs := range out {
		slices.Sort(rs)
	}
	return out
}

// table reads a business object of AccountView in all of its years; each record has its lines.
func (w *world) table(object string) []harness.Object {
	w.t.Helper()
	head, below := harness.Tables(object)
	var out []harness.Object
	years := []string{"2026"}
	if object == "SO1" {
		years = []string{"2025", "2026", "2027"}
	}
	for _, year := range years {
		answer, err := w.AV.Call(w.t.Context(), http.MethodGet, "/accountviewdata?BusinessObject="+object+"&PageSize=10000&BookDate="+year+"-06-01", nil)
		if err != nil {
			w.t.Fatal(err)
		}
		lines := map[string][]any{}
		for _, l := range records(answer[below]) {
			of := fmt.Sprint(l[head+"_Id"])
			lines[of] = append(lines[of], lasting(l))
		}
		for _, r := range records(answer[head]) {
			if of := fmt.Sprint(r[head+"_Id"]); below != "" {
				r["lines"] = lines[of]
			}
			out = append(out, r)
		}
	}
	return out
}

func trimmed(v any) string { return strings.TrimSpace(fmt.Sprint(v)) }

// records are the objects of a list.
func records(list any) []harness.Object {
	var out []harness.Object
	all, _ := list.([]any)
	for _, r := range all {
		if r, ok := r.(harness.Object); ok {
			out = append(out, r)
		}
	}
	return out
}

// lasting is a record without what is volatile.
func lasting(r harness.Object) harness.Object {
	plain := maps.Clone(r)
	maps.DeleteFunc(plain, func(f string, _ any) bool { return volatile(f) })
	if code, ok := plain["POST_CODE"].(string); ok { // whoever comes first decides whether it is worth a write to part it
		plain["POST_CODE"] = strings.ReplaceAll(code, " ", "")
	}
	return plain
}

// possible asserts what must be so at any time: every article has a quantity that it had, or that an undisturbed run gave it. Where orders travel
// too, only that none is zero which should not be: what an order takes depends on how far those are.
func (u *undisturbed) possible(w *world, s scene) {
	w.t.Helper()
	balance := func(article string) json.Number {
		var a struct{ StockBalance json.Number }
		if err := json.Unmarshal([]byte(article), &a); err != nil {
			w.t.Fatal(err)
		}
		return a.StockBalance
	}
	for name, now := range w.state() {
		if !strings.HasPrefix(name, "article ") {
			continue
		}
		var may []json.Number
		for _, before := range slices.Concat(u.start[name], u.middle[name], u.end[name]) {
			may = append(may, balance(before))
		}
		if u.start[name] == nil {
			may = append(may, "0") // it has just been made
		}
		for _, a := range now {
			if b := balance(a); !slices.Contains(may, b) && (b == "0" || !slices.Contains(s.flows, "orders")) {
				w.t.Errorf("%s has the quantity %s, it may have %v", name, b, may)
			}
		}
	}
}

// compare tells what is lost, what is doubled and what differs from what an undisturbed run made.
func compare(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		w, g := want[name], got[name]
		switch {
		case len(g) < len(w):
			t.Errorf("%s was lost: %d, the calm run made %d", name, len(g), len(w))
		case len(g) > len(w):
			t.Errorf("%s was doubled: %d, the calm run made %d\n%s", name, len(g), len(w), strings.Join(g, "\n"))
		case !slices.Equal(g, w):
			for i := range g {
				calm, now := fields(t, w[i]), fields(t, g[i])
				for _, f := range slices.Sorted(maps.Keys(calm)) {
					if calm[f] != now[f] {
						t.Errorf("%s: its %s is %s, the calm run made it %s", name, f, now[f], calm[f])
					}
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("%s was made too much: %v", name, got[name])
		}
	}
}

// fields are a record's fields.
func fields(t *testing.T, text string) map[string]string {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for k, v := range raw {
		out[k] = string(v)
	}
	return out
}

// hits reads how often each failpoint was passed.
func hits(t *testing.T, file string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for line := range strings.Lines(string(text)) {
		out[strings.TrimSpace(line)]++
	}
	return out
}
