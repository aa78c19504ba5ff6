package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
)

// lowSpace is how much room a home should have left: the journal of the state and a few days of the log.
const lowSpace = 200 << 20

// Doctor implements API: the preflight of everything, part by part. What is wrong with one part does not keep the others from being looked
// at; what needs the home's lock waits for it, unless a daemon has it and answers in our place.
func (s *Service) Doctor(ctx context.Context) (DoctorResult, error) {
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv, ReadOnly: true})
	if err != nil {
		return DoctorResult{Sections: []DoctorGroup{}}, err
	}
	res := DoctorResult{Sections: []DoctorGroup{s.doctorMachine(h), s.doctorDaemon(h)}}
	state, applied := s.doctorState(ctx)
	res.Sections = append(res.Sections, state, s.doctorPlugins(ctx))
	if applied {
		more, err := s.doctorFlows(ctx)
		if err != nil && ctx.Err() != nil {
			return res, ctx.Err()
		}
		if err != nil {
			more = append(more, DoctorGroup{Name: "connections", Title: "Connections", Checks: []CheckItem{bad("open", "the connections can be opened", err)}})
		}
		res.Sections = append(res.Sections, more...)
	}
	res.OK = res.Exit() == ExitDone
	return res, ctx.Err()
}

func good(name, title, message string) CheckItem {
	return CheckItem{Name: name, Title: title, OK: true, Message: message}
}

// bad is a check that failed with an error.
func bad(name, title string, err error) CheckItem {
	f := AsFailure(err)
	return CheckItem{Name: name, Title: title, Cause: f.Cause, Message: f.Error(), Remedy: f.Remedy}
}

func (s *Service) doctorMachine(h *home.Home) DoctorGroup {
	g := DoctorGroup{Name: "machine", Title: "This machine"}
	info, err := os.Stat(h.Dir())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		g.Checks = append(g.Checks, CheckItem{Name: "home", Title: "the home " + h.Dir(), OK: true, Warning: true, Message: "it does not exist yet",
			Remedy: "it is made by `pomost apply -f FILE`"})
		return g
	case err != nil:
		g.Checks = append(g.Checks, bad("home", "the home "+h.Dir(), err))
		return g
	case info.Mode().Perm()&0o077 != 0:
		g.Checks = append(g.Checks, CheckItem{Name: "home", Title: "the home " + h.Dir(), OK: true, Warning: true, Message: "others may look into its folder",
			Remedy: "chmod 700 " + h.Dir()})
	default:
		g.Checks = append(g.Checks, good("home", "the home "+h.Dir(), "for this user alone"))
	}
	if free, ok := freeSpace(h.Dir()); ok {
		item := good("disk", "room on the disk", fmt.Sprintf("%d MB are free", free>>20))
		if free < lowSpace {
			item.Warning, item.Remedy = true, "make room: a full disk stops every flow, though nothing is lost by it"
		}
		g.Checks = append(g.Checks, item)
	}
	// Tokens and settle times hang on the clock; a machine that lost its time is decades off.
	now := time.Now()
	item := good("clock", "the clock", now.Format(time.DateTime+" MST"))
	if now.Year() < 2026 || now.Year() > 2100 {
		item.OK, item.Cause, item.Remedy = false, "failed", "set the clock of this machine, and keep it by NTP"
	}
	g.Checks = append(g.Checks, item)
	who, locked := h.Holder()
	item = good("lock", "the lock", "nobody has it")
	if locked {
		item.Message = fmt.Sprintf("process %d has it (%s, since %s)", who.PID, who.Command, who.Started.Local().Format(time.DateTime))
	}
	g.Checks = append(g.Checks, item)
	return g
}

func (s *Service) doctorDaemon(h *home.Home) DoctorGroup {
	g := DoctorGroup{Name: "daemon", Title: "Daemon"}
	s.mu.Lock()
	d := s.daemon
	s.mu.Unlock()
	written, ok := h.Daemon()
	switch {
	case d != nil:
		g.Checks = append(g.Checks, good("daemon", "the daemon", fmt.Sprintf("process %d, since %s", os.Getpid(), d.started.Local().Format(time.DateTime))))
	case ok:
		g.Checks = append(g.Checks, CheckItem{Name: "daemon", Title: "the daemon", OK: true, Warning: true,
			Message: fmt.Sprintf("process %d was one and does not answer; flows are not run by their schedules", written.PID), Remedy: "start it again: pomost serve"})
	default:
		g.Checks = append(g.Checks, CheckItem{Name: "daemon", Title: "the daemon", OK: true, Warning: true, Message: "none runs: flows are not run by their schedules",
			Remedy: "pomost serve"})
	}
	return g
}

func (s *Service) doctorState(ctx context.Context) (g DoctorGroup, applied bool) {
	g = DoctorGroup{Name: "state", Title: "State"}
	err := s.reading(ctx, func(st *home.State) error {
		if err := st.Store.Check(ctx); err != nil {
			return err
		}
		g.Checks = append(g.Checks, good("store", "the state is whole", ""))
		c, revision, err := configIn(ctx, st)
		if err != nil || revision == 0 {
			return err
		}
		applied = true
		g.Checks = append(g.Checks, good("configuration", "the configuration", fmt.Sprintf("revision %d, %s, %s", revision, Several(len(c.Connections), "connection"), Several(len(c.Flows), "flow"))))
		return nil
	})
	switch {
	case isNotApplied(err), err == nil && !applied:
		g.Checks = append(g.Checks, CheckItem{Name: "configuration", Title: "the configuration", OK: true, Warning: true, Message: "nothing was applied yet",
			Remedy: "pomost setup, or pomost apply -f FILE"})
	case err != nil:
		g.Checks = append(g.Checks, bad("store", "the state", err))
	}
	return g, applied
}

func (s *Service) doctorPlugins(ctx context.Context) DoctorGroup {
	g := DoctorGroup{Name: "plugins", Title: "Connectors"}
	found, err := s.VerifyPlugins(ctx)
	if err != nil && len(found.Plugins) == 0 {
		g.Checks = append(g.Checks, bad("plugins", "installed plugins", err))
	}
	for _, p := range found.Plugins {
		item := good(p.Name, "plugin "+p.Name+" "+p.Version, "as it was installed")
		if !p.OK {
			item.OK, item.Cause, item.Message, item.Remedy = false, "plugin_failed", "it is not as it was installed: "+p.Differences[0].File+" "+p.Differences[0].Message, p.Remedy
		}
		g.Checks = append(g.Checks, item)
	}
	err = s.plugins(func(m Plugins) error {
		for _, name := range s.Connectors() {
			c, err := m.Connector(ctx, name)
			if err != nil {
				g.Checks = append(g.Checks, bad(name, "connector "+name, err))
				continue
			}
			d := c.Describe()
			s.known.keep(d)
			g.Checks = append(g.Checks, good(name, "connector "+name, d.Title+" "+d.Version))
		}
		return nil
	})
	if err != nil {
		g.Checks = append(g.Checks, bad("connectors", "the connectors", err))
	}
	return g
}

// doctorFlows checks every connection, and makes every flow ready as a run would.
func (s *Service) doctorFlows(ctx context.Context) ([]DoctorGroup, error) {
	var out []DoctorGroup
	err := s.within(ctx, func(_ *home.State, w *workshop) error {
		fine := map[string]bool{}
		for _, name := range sortedKeys(w.config.Connections) {
			c, err := s.checkOne(ctx, w, name)
			if err != nil {
				return err
			}
			fine[name] = c.OK
			out = append(out, DoctorGroup{Name: "connection " + name, Title: "Connection " + name, Checks: c.Checks})
		}
		flows := DoctorGroup{Name: "flows", Title: "Flows"}
		for _, name := range sortedKeys(w.config.Flows) {
			conf := w.config.Flows[name]
			if !fine[conf.Source] || !fine[conf.Destination] {
				flows.Checks = append(flows.Checks, CheckItem{Name: name, Title: "flow " + name, OK: true, Warning: true,
					Message: "it cannot be checked before its connections are well", Remedy: "mend the connection first"})
				continue
			}
			if _, err := w.lanes(ctx, name); err != nil {
				flows.Checks = append(flows.Checks, flowFaults(name, err)...)
				continue
			}
			flows.Checks = append(flows.Checks, good(name, "flow "+name, "ready to run"))
		}
		out = append(out, flows)
		return nil
	})
	return out, err
}

// flowFaults are the checks of a flow that cannot be made ready: one for each thing that is wrong with it.
func flowFaults(name string, err error) []CheckItem {
	var several flow.UsageErrors
	if !errors.As(err, &several) {
		return []CheckItem{bad(name, "flow "+name, err)}
	}
	var out []CheckItem
	for _, u := range several {
		out = append(out, bad(name, "flow "+name, u))
	}
	return out
}

// Several is a number of things in English: 1 flow, 2 flows.
func Several(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
