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
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/pomost/pomost/host/child"
)

// watchEvery is how often the parent looks at a busy worker's memory.
const watchEvery = 50 * time.Millisecond

// workerMark in the environment marks a worker. A binary that does not know WorkerCommand, such as a test's, would else start workers
// of its own, and they too.
const workerMark = "POMOST_FUNCTION_WORKER"

// worker is a function worker as its parent sees it. One call at a time.
type worker struct {
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File
	in     *bufio.Reader
	words  child.LastWords // of the worker, not of its module
	gone   chan struct{}   // closed when it is reaped
	buf    []byte
	idle   time.Time // since when it has nothing to do

	mu   sync.Mutex
	why  error // it was killed for this
	dead bool  // it is reaped: its id may belong to another
}

// startWorker starts a worker without a module.
func startWorker(spawn *child.Spawner, command []string) (*worker, error) {
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		inRead.Close()
		inWrite.Close()
		return nil, err
	}
	w := &worker{stdin: inWrite, stdout: outRead, in: bufio.NewReaderSize(outRead, 64<<10), gone: make(chan struct{})}
	w.cmd = &exec.Cmd{Path: command[0], Args: command, Env: append(child.Environment(), workerMark+"=1"), Dir: os.TempDir(),
		Stdin: inRead, Stdout: outWrite, Stderr: &w.words, WaitDelay: time.Second}
	child.Isolate(w.cmd)
	spawn.Do(func() { err = w.cmd.Start() })
	inRead.Close()
	outWrite.Close()
	if err != nil {
		inWrite.Close()
		outRead.Close()
		return nil, err
	}
	go func() {
		defer close(w.gone)
		child.AwaitExit(w.cmd.Process.Pid)
		w.mu.Lock()
		if runtime.GOOS == "linux" {
			child.KillGroup(w.cmd)
		}
		w.dead = true
		w.mu.Unlock()
		_ = w.cmd.Wait() // how it ended is known from what it said, or from why it was killed
	}()
	return w, nil
}

// kill ends the worker; the first reason counts.
func (w *worker) kill(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == nil {
		w.why = why
	}
	if !w.dead {
		child.KillGroup(w.cmd)
	}
}

// close kills the worker and waits until it is gone.
func (w *worker) close() {
	w.kill(errors.New("it is not needed any more"))
	w.stdin.Close()
	w.stdout.Close()
	<-w.gone
}

// limits bound one exchange with a worker.
type limits struct {
	time   time.Duration
	memory int64 // of the whole process; 0 is no bound
}

// exchange sends a frame and returns the answer, which is good until the next exchange. The worker is killed when ctx ends or a
// limit is reached, and must be closed after any error.
func (w *worker) exchange(ctx context.Context, l limits, want, kind byte, parts ...[]byte) ([]byte, error) {
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		w.watch(ctx, l, done)
	}()
	err := writeFrame(w.stdin, kind, parts...)
	var got byte
	if err == nil || !errors.Is(err, errFrameSize) { // it may have said why it does not listen any more
		var rerr error
		if got, w.buf, rerr = readFrame(w.in, w.buf); rerr == nil || err == nil {
			err = rerr
		}
	}
	close(done)
	<-watched
	w.mu.Lock()
	why := w.why
	w.mu.Unlock()
	switch {
	case why != nil:
		return nil, why
	case err != nil:
		return nil, w.silent(err)
	case got == frameFailed:
		f := &failure{}
		if err := json.Unmarshal(w.buf, f); err != nil {
			return nil, w.silent(err)
		}
		f.Message = cut(f.Message, 2*maxRowError)
		return nil, f
	case got != want:
		return nil, w.silent(fmt.Errorf("it answers by a frame %q", got))
	}
	return w.buf, nil
}

// silent is the failure of a worker that did not say why.
func (w *worker) silent(err error) error {
	message := "its worker ended unexpectedly"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.kill(err)
		<-w.gone
	}
	if said := w.words.String(); said != "" {
		message += ": " + cut(said, 400)
	}
	return &failure{Trap, message}
}

// watch kills the worker when something is over before it is done.
func (w *worker) watch(ctx context.Context, l limits, done <-chan struct{}) {
	deadline := time.NewTimer(l.time)
	defer deadline.Stop()
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			w.kill(context.Cause(ctx))
			return
		case <-deadline.C:
			w.kill(&failure{Deadline, fmt.Sprintf("it was not done after %s and was ended", l.time)})
			return
		case <-look.C:
			if used := residentMemory(w.cmd.Process.Pid); l.memory > 0 && used > l.memory {
				w.kill(&failure{Memory, fmt.Sprintf("it took %d MiB of memory, more than the %d that its worker may have, and was ended", used>>20, l.memory>>20)})
				return
			}
		}
	}
}

// load gives the worker its module and returns what that says of itself.
func (w *worker) load(ctx context.Context, l limits, req loadRequest, module []byte) ([]byte, error) {
	head, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	return w.exchange(ctx, l, frameDescribed, frameLoad, size, head, module)
}

// call gives the worker a batch and returns the answer's.
func (w *worker) call(ctx context.Context, l limits, fn int, batch []byte) ([]byte, error) {
	return w.exchange(ctx, l, frameResult, frameCall, binary.LittleEndian.AppendUint32(nil, uint32(fn)), batch)
}
