package function

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What host and worker send each other: four bytes of length (little endian, the type counted in), a byte of type, the rest.
const (
	frameLoad      = 'L' // host: a loadRequest in JSON behind its length, then the module
	frameDescribed = 'D' // worker: loaded; the module's description
	frameCall      = 'C' // host: the function's number in four bytes, then the batch
	frameResult    = 'R' // worker: the batch of the answer
	frameFailed    = 'E' // worker: a failure in JSON; the worker ends
)

// maxFrame is the longest frame: a module with its head.
const maxFrame = maxModule + 64<<10

// errFrameSize means that nothing was sent.
var errFrameSize = errors.New("the frame is too long")

func writeFrame(w io.Writer, kind byte, parts ...[]byte) error {
	size := 1
	for _, p := range parts {
		size += len(p)
	}
	if size > maxFrame {
		return fmt.Errorf("%w: %d bytes", errFrameSize, size)
	}
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, 5), uint32(size))
	if _, err := w.Write(append(head, kind)); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads a frame into buf, or into a larger one where it does not fit, and returns its content.
func readFrame(r io.Reader, buf []byte) (kind byte, content []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0 || size > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes is announced", size)
	}
	n := int(size) - 1
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err = io.ReadFull(r, buf)
	return head[4], buf, err
}
