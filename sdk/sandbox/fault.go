package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault says that a call goes wrong (DESIGN section 7).
type Fault struct {
	// Match is a method and a path prefix, compared without case, the path as in the URL: "POST /v2/orders" or
	// "POST /connect/token". A query is not part of the path.
	Match string `json:"match"`
	// Object narrows Match to calls about one kind of record; compared without case. "" means any.
	Object string `json:"object,omitempty"`
	// Skip is how many matching calls are let through first.
	Skip int `json:"skip,omitempty"`
	// Times is how many calls fail after those: absent or 0 means one, -1 means all.
	Times int `json:"times,omitempty"`
	// Do is what goes wrong:
	//
	//	status:N        the system's answer with this status; nothing was done
	//	drop            the connection closes; nothing was done
	//	lost-reply      it was done, but the connection closes before the answer
	//	late:DUR        the connection closes at once; it is done DUR later
	//	delay:DUR       it is done after DUR, whether the caller still waits or not, and answered then
	//	truncate        it was done; half of the answer's body comes, under its full Content-Length
	//	garbage         HTML of a gateway, status 502; nothing was done
	//	expire-token    this call's access token stops working: 401
	//	revoke-refresh  the refresh token of this call's consent stops working; an API call itself goes on
	Do string `json:"do"`
}

type faultKind int

const (
	faultStatus faultKind = iota + 1
	faultDrop
	faultLostReply
	faultLate
	faultDelay
	faultTruncate
	faultGarbage
	faultExpireToken
	faultRevokeRefresh
)

var faultVerbs = map[string]faultKind{
	"status": faultStatus, "drop": faultDrop, "lost-reply": faultLostReply, "late": faultLate, "delay": faultDelay,
	"truncate": faultTruncate, "garbage": faultGarbage, "expire-token": faultExpireToken, "revoke-refresh": faultRevokeRefresh,
}

// armed is a parsed fault with its own count of matching calls.
type armed struct {
	fault  Fault
	method string
	prefix string
	kind   faultKind
	status int
	wait   time.Duration
	seen   int
}

func arm(f Fault) (*armed, error) {
	method, prefix, ok := strings.Cut(strings.TrimSpace(f.Match), " ")
	prefix = strings.TrimSpace(prefix)
	if !ok || method == "" || !strings.HasPrefix(prefix, "/") {
		return nil, usagef("fault %q: match must be a method and a path, as in \"POST /v2/orders\"", f.Match)
	}
	if f.Skip < 0 || f.Times < -1 {
		return nil, usagef("fault %q: skip must not be negative, times not below -1 (-1 means for ever)", f.Match)
	}
	a := &armed{fault: f, method: strings.ToUpper(method), prefix: strings.ToLower(prefix)}
	verb, arg, hasArg := strings.Cut(f.Do, ":")
	a.kind, ok = faultVerbs[verb]
	if !ok {
		verbs := []string{"status", "drop", "lost-reply", "late", "delay", "truncate", "garbage", "expire-token", "revoke-refresh"}
		return nil, usagef("fault %q: do %q is unknown; did you mean %q? Known: %s", f.Match, f.Do, nearest(verb, verbs), strings.Join(verbs, ", "))
	}
	switch a.kind {
	case faultStatus:
		n, err := strconv.Atoi(arg)
		if err != nil || n < 200 || n > 599 {
			return nil, usagef("fault %q: do %q needs a status from 200 to 599, as in status:503", f.Match, f.Do)
		}
		a.status = n
	case faultLate, faultDelay:
		d, err := time.ParseDuration(arg)
		if err != nil || d < 0 {
			return nil, usagef("fault %q: do %q needs a duration, as in %s:5s", f.Match, f.Do, verb)
		}
		a.wait = d
	default:
		if hasArg {
			return nil, usagef("fault %q: do %q takes no argument", f.Match, verb)
		}
	}
	return a, nil
}

// ReadFaults reads a list of faults as JSON; a wrong one is a UsageError that names it.
func ReadFaults(r io.Reader) ([]Fault, error) {
	data, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil, err
	}
	var raw []map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, usagef("not a JSON list of faults: %v", err)
	}
	keys := []string{"match", "object", "skip", "times", "do"}
	for i, entry := range raw {
		for k := range entry {
			known := false
			for _, want := range keys {
				known = known || k == want
			}
			if !known {
				return nil, usagef("fault %d: unknown key %q; did you mean %q?", i+1, k, nearest(k, keys))
			}
		}
	}
	var faults []Fault
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&faults); err != nil {
		return nil, usagef("faults: %v", err)
	}
	for _, f := range faults {
		if _, err := arm(f); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

func readFaultFile(path string) ([]Fault, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("--faults: %v", err)
	}
	defer f.Close()
	faults, err := ReadFaults(f)
	if err != nil {
		return nil, fmt.Errorf("--faults %s: %w", path, err)
	}
	return faults, nil
}

// faultBook holds the armed faults.
type faultBook struct {
	mu    sync.Mutex
	armed []*armed
}

func (b *faultBook) set(faults []Fault) error {
	list := make([]*armed, 0, len(faults))
	for _, f := range faults {
		a, err := arm(f)
		if err != nil {
			return err
		}
		list = append(list, a)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = list
	return nil
}

// firing is what happens to one call. Entries count independently, so several may fire together: waits add up,
// revoke-refresh happens beside the rest, and of all others the first in the list wins.
type firing struct {
	name   string
	delay  time.Duration
	revoke bool
	main   *armed
}

func (b *faultBook) fire(method, path, object string) firing {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out firing
	var names []string
	path = strings.ToLower(path)
	for _, a := range b.armed {
		if a.method != strings.ToUpper(method) || !strings.HasPrefix(path, a.prefix) {
			continue
		}
		if a.fault.Object != "" && !strings.EqualFold(a.fault.Object, object) {
			continue
		}
		a.seen++
		times := a.fault.Times
		if times == 0 {
			times = 1
		}
		if a.seen <= a.fault.Skip || (times > 0 && a.seen > a.fault.Skip+times) {
			continue
		}
		switch {
		case a.kind == faultDelay:
			out.delay += a.wait
		case a.kind == faultRevokeRefresh:
			out.revoke = true
		case out.main == nil:
			out.main = a
		default:
			continue
		}
		names = append(names, a.fault.Do)
	}
	out.name = strings.Join(names, "+")
	return out
}
