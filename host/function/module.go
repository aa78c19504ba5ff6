package function

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pomost/pomost/sdk/record"
)

// module is an installed module with its workers.
type module struct {
	pool    *Pool
	file    file
	slots   chan *worker // a slot per worker that may be; nil is one without a process
	waiting atomic.Int64

	mu        sync.Mutex
	described *Description
	retired   bool
	reaper    *time.Timer // ends idle workers; nil when there are none
}

func newModule(p *Pool, f file) *module {
	m := &module{pool: p, file: f, slots: make(chan *worker, p.opts.Workers)}
	for range p.opts.Workers {
		m.slots <- nil
	}
	return m
}

// descriptionFile keeps a module's description in its cache folder.
const descriptionFile = "description.json"

// describe returns what the module says of itself; it is started for that only when nobody remembers.
func (m *module) describe(ctx context.Context) (Description, error) {
	m.mu.Lock()
	known := m.described
	m.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	if dir := cacheOf(m.pool.opts.Cache, m.file.hash); dir != "" {
		if text, err := os.ReadFile(filepath.Join(dir, descriptionFile)); err == nil {
			if d, err := parseDescription(text); err == nil {
				m.remember(d)
				return d, nil
			}
		}
	}
	w, err := m.take(ctx)
	if err != nil {
		return Description{}, err
	}
	m.give(w)
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.described, nil
}

func (m *module) remember(d Description) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.described = &d
}

// failed is a failure of this module, or of one of its functions.
func (m *module) failed(fn string, err error) error {
	out := &Failed{Module: m.file.name, Function: fn, Reason: Start, Message: err.Error(), Err: err}
	m.mu.Lock()
	if m.described != nil {
		out.Version = m.described.Version
	}
	m.mu.Unlock()
	var f *failure
	if errors.As(err, &f) {
		out.Reason, out.Message = f.Reason, f.Message
	}
	return out
}

// take waits for a worker, and starts one where there is none. Whoever has one gives it back.
func (m *module) take(ctx context.Context) (*worker, error) {
	if n := m.waiting.Add(1); n > int64(m.pool.opts.Queue+m.pool.opts.Workers) {
		m.waiting.Add(-1)
		return nil, m.failed("", &failure{TooLarge, fmt.Sprintf("%d calls wait for it already", m.pool.opts.Queue)})
	}
	defer m.waiting.Add(-1)
	var w *worker
	select {
	case w = <-m.slots:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if w != nil {
		return w, nil
	}
	w, err := m.start(ctx)
	if err != nil {
		m.slots <- nil
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, m.failed("", err)
	}
	return w, nil
}

// start starts a worker with the module in it.
func (m *module) start(ctx context.Context) (*worker, error) {
	content, err := readModule(m.file.path)
	if err != nil {
		return nil, err
	}
	if hashOf(content) != m.file.hash {
		return nil, fmt.Errorf("%s was changed after it was looked at", m.file.path)
	}
	o := m.pool.opts
	w, err := startWorker(m.pool.spawn, o.Command)
	if err != nil {
		return nil, fmt.Errorf("its worker cannot be started: %w", err)
	}
	dir := cacheOf(o.Cache, m.file.hash)
	text, err := w.load(ctx, limits{o.StartTimeout, workerMemory(o.Memory)}, loadRequest{Cache: dir, Memory: o.Memory}, content)
	if err != nil {
		w.close()
		return nil, err
	}
	d, err := parseDescription(text)
	if err != nil {
		w.close()
		return nil, err
	}
	if dir != "" {
		_ = replace(filepath.Join(dir, descriptionFile), text) // the next start is slower without it, and no less right
	}
	m.remember(d)
	return w, nil
}

// workerMemory bounds a worker's whole process: the module's memory, which is copied when it grows, and the compiler's.
func workerMemory(module int64) int64 { return 3*module + 128<<20 }

// give puts a worker back that may be used again. Slots are filled under the lock, so that no worker slips past retire.
func (m *module) give(w *worker) {
	w.idle = time.Now()
	m.mu.Lock()
	retired := m.retired
	if !retired {
		m.slots <- w
		if m.reaper == nil {
			m.reaper = time.AfterFunc(m.pool.opts.Idle, m.reap)
		}
	}
	m.mu.Unlock()
	if retired {
		m.drop(w)
	}
}

// drop ends a worker that must not be used again; its slot is free for a fresh one.
func (m *module) drop(w *worker) {
	w.close()
	m.slots <- nil
}

// reap ends workers that had nothing to do for a while.
func (m *module) reap() {
	_, leave, err := m.pool.enter(context.Background())
	if err != nil {
		return
	}
	defer leave()
	m.mu.Lock()
	m.reaper = nil
	ended, left := m.takeIdle(func(w *worker) bool { return time.Since(w.idle) >= m.pool.opts.Idle })
	if left > 0 && !m.retired {
		m.reaper = time.AfterFunc(m.pool.opts.Idle, m.reap)
	}
	m.mu.Unlock()
	for _, w := range ended {
		w.close()
	}
}

// retire ends the workers that are idle now; those at work end when they are given back.
func (m *module) retire() {
	m.mu.Lock()
	m.retired = true
	if m.reaper != nil {
		m.reaper.Stop()
		m.reaper = nil
	}
	ended, _ := m.takeIdle(func(*worker) bool { return true })
	m.mu.Unlock()
	for _, w := range ended {
		w.close()
	}
}

// takeIdle takes workers without work out of their slots, and counts those that stay or are at work. It needs the lock.
func (m *module) takeIdle(which func(*worker) bool) (taken []*worker, left int) {
	for range cap(m.slots) {
		select {
		case w := <-m.slots:
			switch {
			case w != nil && which(w):
				taken = append(taken, w)
				w = nil
			case w != nil:
				left++
			}
			m.slots <- w
		default:
			left++
		}
	}
	return taken, left
}

// call runs function number n on columns of any length.
func (m *module) call(ctx context.Context, d Description, n int, columns []Column) ([]Column, []error, error) {
	f := d.Functions[n]
	inputs, rows, err := arrange(f, columns)
	if err != nil {
		return nil, nil, err
	}
	out := make([]Column, len(f.Outputs))
	kinds := make([]record.Kind, 0, len(f.Outputs)+1)
	for i, p := range f.Outputs {
		out[i] = Column{Name: p.Name, Values: make([]record.Value, 0, rows)}
		kinds = append(kinds, p.Kind)
	}
	kinds = append(kinds, record.KindText)
	errs := make([]error, rows)
	for from := 0; from < rows; from += batchRows {
		part := make([][]record.Value, len(inputs))
		to := min(from+batchRows, rows)
		for i, in := range inputs {
			part[i] = in[from:to]
		}
		answer, err := m.batch(ctx, f, n, kinds, part, errs[from:to], d.Version)
		if err != nil {
			return nil, nil, err
		}
		for i := range out {
			out[i].Values = append(out[i].Values, answer[i]...)
		}
	}
	return out, errs, nil
}

// arrange puts the columns into the function's order.
func arrange(f Function, columns []Column) ([][]record.Value, int, error) {
	var inputs [][]record.Value
	for _, p := range f.Inputs {
		found := false
		for _, c := range columns {
			if c.Name == p.Name {
				inputs, found = append(inputs, c.Values), true
				break
			}
		}
		if !found {
			return nil, 0, fmt.Errorf("the function %s needs the column %s, which is not given", f.Name, p.Name)
		}
	}
	if len(columns) != len(f.Inputs) {
		return nil, 0, fmt.Errorf("the function %s takes %d columns, %d are given", f.Name, len(f.Inputs), len(columns))
	}
	for _, in := range inputs {
		if len(in) != len(inputs[0]) {
			return nil, 0, fmt.Errorf("the columns for the function %s are not of one length", f.Name)
		}
	}
	return inputs, len(inputs[0]), nil
}

// batch runs one batch. An error of a row is put into errs; its values are absent then.
func (m *module) batch(ctx context.Context, f Function, n int, kinds []record.Kind, in [][]record.Value, errs []error, version string) ([][]record.Value, error) {
	refuse := func(row int, why string) {
		if errs[row] == nil {
			errs[row] = &RowError{Function: f.Name, Version: version, Message: why}
		}
	}
	b := appendHead(nil, len(errs), len(in))
	for i, values := range in {
		b = appendColumn(b, f.Inputs[i].Kind, values, refuse)
	}
	if len(b) > maxBytes {
		return nil, m.failed(f.Name, &failure{TooLarge, fmt.Sprintf("%d records together have %d MiB for it, at most %d are possible", len(errs), len(b)>>20, maxBytes>>20)})
	}
	w, err := m.take(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.call(ctx, limits{m.pool.opts.Timeout, workerMemory(m.pool.opts.Memory)}, n, b)
	var columns [][]record.Value
	if err == nil {
		columns, err = readBatch(answer, len(errs), kinds, refuse)
	}
	if err != nil {
		m.drop(w)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var wrong *badBatch
		if errors.As(err, &wrong) {
			err = &failure{Answer, err.Error()}
		}
		return nil, m.failed(f.Name, err)
	}
	m.give(w)
	for row, v := range columns[len(kinds)-1] {
		if v.Kind() == record.KindText {
			message := clean(v.AsText(), maxRowError)
			if message == "" {
				message = "the function gives no reason"
			}
			refuse(row, message)
		}
	}
	columns = columns[:len(kinds)-1]
	for row, err := range errs {
		if err != nil {
			for _, c := range columns {
				c[row] = record.Absent()
			}
		}
	}
	return columns, nil
}
