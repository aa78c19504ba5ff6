package function

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// WorkerCommand is the argument by which this binary becomes a function worker instead of what it usually is. Nobody types it.
const WorkerCommand = "function-worker"

// wasi is all that a module may import from.
const wasi = wasi_snapshot_preview1.ModuleName

// loadRequest comes before the module.
type loadRequest struct {
	Cache  string `json:"cache"`  // folder of compiled code; "" is none
	Memory int64  `json:"memory"` // bytes that the module may have
}

// failure is what a worker says before it ends.
type failure struct {
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

// Serve is the worker's side: it takes one module, then batches, one at a time, and returns the exit code of the process. The end of
// stdin ends the process at once, even while a module runs: without its host a worker has no business.
func Serve(stdin io.Reader, stdout io.Writer) int {
	in, out := io.Pipe()
	go func() {
		_, err := io.Copy(out, bufio.NewReaderSize(stdin, 64<<10))
		if err == nil {
			os.Exit(0)
		}
		out.CloseWithError(err)
	}()
	if err := serve(context.Background(), in, stdout); err != nil {
		return 1
	}
	return 0
}

func serve(ctx context.Context, in io.Reader, stdout io.Writer) error {
	w := bufio.NewWriterSize(stdout, 64<<10)
	var m *loaded
	var buf []byte
	for {
		kind, content, err := readFrame(in, buf)
		if err != nil {
			return err
		}
		var answer []byte
		as := byte(frameResult)
		switch {
		case kind == frameLoad && m == nil:
			as = frameDescribed
			if m, err = load(ctx, content); err == nil {
				answer, err = m.describe(ctx)
			}
			debug.FreeOSMemory() // compiling took much more than running does
		case kind == frameCall && m != nil && len(content) >= 4:
			buf = content
			answer, err = m.call(ctx, binary.LittleEndian.Uint32(content), content[4:])
		default:
			return fmt.Errorf("a frame %q was not expected", kind)
		}
		if err != nil {
			return errors.Join(err, tell(w, err))
		}
		if err := writeFrame(w, as, answer); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// tell says why the worker ends.
func tell(w *bufio.Writer, err error) error {
	f := &failure{Reason: Start, Message: err.Error()}
	errors.As(err, &f)
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := writeFrame(w, frameFailed, text); err != nil {
		return err
	}
	return w.Flush()
}

// loaded is the module that this worker runs.
type loaded struct {
	module                  api.Module
	said                    *tail // what it wrote to standard error
	describing, alloc, doIt api.Function
}

// exports are what a module must offer.
var exports = []struct {
	name            string
	params, results []api.ValueType
}{
	{"pomost_abi", nil, []api.ValueType{api.ValueTypeI32}},
	{"pomost_describe", nil, []api.ValueType{api.ValueTypeI64}},
	{"pomost_alloc", []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}},
	{"pomost_call", []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}, []api.ValueType{api.ValueTypeI64}},
}

// load compiles a module, or takes its code from the cache, and starts it.
func load(ctx context.Context, content []byte) (*loaded, error) {
	if len(content) < 4 {
		return nil, errors.New("the request to load is short")
	}
	n := binary.LittleEndian.Uint32(content)
	if int64(n)+4 > int64(len(content)) {
		return nil, errors.New("the request to load is short")
	}
	var req loadRequest
	if err := json.Unmarshal(content[4:4+n], &req); err != nil {
		return nil, err
	}
	binary := content[4+n:]
	// Soft: the collector works harder before the module comes near its bound, which the parent watches.
	debug.SetMemoryLimit(2*req.Memory + 64<<20)
	config := wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(uint32(req.Memory >> 16)).WithDebugInfoEnabled(false)
	if !compiles {
		config = wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(uint32(req.Memory >> 16))
	}
	ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	rt, code, err := compile(ctx, config, req.Cache, binary)
	if err != nil {
		return nil, err
	}
	if err := fits(code); err != nil {
		return nil, err
	}
	m := &loaded{said: &tail{}}
	module, err := rt.InstantiateModule(ctx, code, deterministic().WithName("").WithStartFunctions("_initialize").WithStderr(m.said))
	if err != nil {
		return nil, m.trapped(err, Start)
	}
	m.module = module
	m.describing, m.alloc, m.doIt = module.ExportedFunction("pomost_describe"), module.ExportedFunction("pomost_alloc"), module.ExportedFunction("pomost_call")
	version, err := module.ExportedFunction("pomost_abi").Call(ctx)
	if err != nil {
		return nil, m.trapped(err, Start)
	}
	if version[0] != abiVersion {
		return nil, fmt.Errorf("it speaks version %d of the binary interface, this Pomost speaks %d", uint32(version[0]), abiVersion)
	}
	return m, nil
}

// compile compiles a module, or takes its code from a cache; "" is none. A cache that cannot be written, on a full disk, costs time and no more.
func compile(ctx context.Context, config wazero.RuntimeConfig, cache string, binary []byte) (wazero.Runtime, wazero.CompiledModule, error) {
	with := config
	if cache != "" {
		kept, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return compile(ctx, config, "", binary)
		}
		with = config.WithCompilationCache(kept)
	}
	rt := wazero.NewRuntimeWithConfig(ctx, with)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, nil, err
	}
	code, err := rt.CompileModule(ctx, binary)
	switch {
	case err == nil:
		return rt, code, nil
	case cache != "":
		return compile(ctx, config, "", binary)
	}
	return nil, nil, fmt.Errorf("it is no WebAssembly module that can be run: %w", err)
}

// fits checks what a module wants and what it offers before any of it runs.
func fits(code wazero.CompiledModule) error {
	for _, f := range code.ImportedFunctions() {
		if from, name, _ := f.Import(); from != wasi {
			return fmt.Errorf("it asks for %s of %s; functions get nothing but %s", clean(name, 80), clean(from, 80), wasi)
		}
	}
	if len(code.ImportedMemories()) > 0 {
		return errors.New("it imports a memory; it must have its own")
	}
	if code.ExportedMemories()["memory"] == nil {
		return errors.New("it exports no memory named memory")
	}
	have := code.ExportedFunctions()
	for _, e := range exports {
		f := have[e.name]
		if f == nil {
			return fmt.Errorf("it exports no %s: it is no module of functions", e.name)
		}
		if string(f.ParamTypes()) != string(e.params) || string(f.ResultTypes()) != string(e.results) {
			return fmt.Errorf("its %s has other parameters or results than documented", e.name)
		}
	}
	return nil
}

// deterministic is a world in which the same input gives the same output: no files, no arguments, no environment, a clock that
// stands, random bytes that are zero. The monotonic clock counts its own readings, for Go's runtime divides by what passed; a
// sleep is over at once.
func deterministic() wazero.ModuleConfig {
	var ticks int64
	return wazero.NewModuleConfig().
		WithWalltime(func() (int64, int32) { return 0, 0 }, 1).
		WithNanotime(func() int64 { ticks++; return ticks }, 1).
		WithNanosleep(func(ns int64) { ticks += max(0, ns) }).
		WithOsyield(func() {}).
		WithRandSource(zeros{})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// trapped is the failure of a call; reason is what it is unless memory was short.
func (m *loaded) trapped(err error, reason Reason) error {
	f := &failure{Reason: reason, Message: "it ended by itself: " + firstLine(err.Error())}
	if said := m.said.String(); said != "" {
		f.Message = "it ended by itself: " + said
		if strings.Contains(said, "out of memory") {
			f.Reason, f.Message = Memory, "it needs more memory than it may have"
		}
	}
	return f
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return clean(s, 300)
}

// read copies what a module says that it has written.
func (m *loaded) read(result uint64, limit int) ([]byte, error) {
	at, size := uint32(result>>32), uint32(result)
	if int64(size) > int64(limit) {
		return nil, &failure{Answer, fmt.Sprintf("its answer has %d bytes, at most %d are allowed", size, limit)}
	}
	b, ok := m.module.Memory().Read(at, size)
	if !ok {
		return nil, &failure{Answer, "its answer lies outside its memory"}
	}
	return b, nil
}

func (m *loaded) describe(ctx context.Context) ([]byte, error) {
	result, err := m.describing.Call(ctx)
	if err != nil {
		return nil, m.trapped(err, Start)
	}
	return m.read(result[0], maxDescription)
}

// call gives a batch to function number fn. The answer is a view of the module's memory, good until the next call.
func (m *loaded) call(ctx context.Context, fn uint32, batch []byte) ([]byte, error) {
	at, err := m.alloc.Call(ctx, uint64(len(batch)))
	if err != nil {
		return nil, m.trapped(err, Trap)
	}
	if !m.module.Memory().Write(uint32(at[0]), batch) {
		return nil, &failure{Answer, "it gives a place outside its memory"}
	}
	result, err := m.doIt.Call(ctx, uint64(fn), at[0]&0xffffffff, uint64(len(batch)))
	if err != nil {
		return nil, m.trapped(err, Trap)
	}
	return m.read(result[0], maxBytes)
}

// compiles tells whether machine code can be made for this machine; elsewhere modules are interpreted, slowly.
var compiles = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// tail keeps the first line of a panic, else the last bytes that a module wrote to standard error.
type tail struct {
	first, last []byte
}

const keptTail = 2048

// Write implements io.Writer and never fails.
func (t *tail) Write(p []byte) (int, error) {
	if room := keptTail - len(t.first); room > 0 {
		t.first = append(t.first, p[:min(room, len(p))]...)
	}
	t.last = append(t.last, p[max(0, len(p)-keptTail):]...)
	if len(t.last) > 2*keptTail {
		t.last = append(t.last[:0], t.last[len(t.last)-keptTail:]...)
	}
	return len(p), nil
}

// String is what matters of it, on one line.
func (t *tail) String() string {
	for _, part := range [][]byte{t.last, t.first} {
		for line := range strings.Lines(string(part)) {
			for _, begin := range []string{"panic: ", "fatal error: ", "runtime: out of memory"} {
				if strings.HasPrefix(line, begin) {
					return clean(line, 400)
				}
			}
		}
	}
	return clean(strings.ReplaceAll(string(t.last[max(0, len(t.last)-400):]), "\n", " / "), 400)
}
