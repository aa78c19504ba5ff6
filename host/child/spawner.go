// Package child starts child processes that end with their host, however it ends, and keeps what they said last. Connectors and
// function workers are children.
package child

import "runtime"

// Spawner starts processes from one operating-system thread that lives as long as they do: on Linux the death signal is
// tied to the thread that started the child, not to the process.
type Spawner struct {
	jobs chan func()
	done chan struct{}
}

// NewSpawner makes the thread.
func NewSpawner() *Spawner {
	s := &Spawner{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // the thread goes on to live: all children are dead by now
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

// Do runs a job on the thread and waits for it: the start of a command.
func (s *Spawner) Do(job func()) {
	done := make(chan struct{})
	s.jobs <- func() { defer close(done); job() }
	<-done
}

// Close ends the thread; all children must be dead by then.
func (s *Spawner) Close() { close(s.jobs); <-s.done }
