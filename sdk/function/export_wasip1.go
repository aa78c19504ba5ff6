package function

import (
	"strconv"
	"unsafe"
)

// passed is where the host puts a batch. It is kept, so that the collector leaves it alone, and used again while it is large enough.
var passed []byte

// described is kept while the host reads it.
var described []byte

//go:wasmexport pomost_abi
func exportABI() uint32 { return ABI }

//go:wasmexport pomost_describe
func exportDescribe() uint64 {
	described = describe()
	return pointer(described)
}

//go:wasmexport pomost_alloc
func exportAlloc(size uint32) uint32 {
	if size > maxBytes {
		panic("function: a batch of " + strconv.Itoa(int(size)) + " bytes is too large")
	}
	if cap(passed) < int(size) || passed == nil {
		passed = make([]byte, max(int(size)*5/4, 4096))
	}
	passed = passed[:cap(passed)]
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(passed)))) //nolint:gosec // the host writes there; passed keeps it alive
}

//go:wasmexport pomost_call
func exportCall(fn, at, size uint32) uint64 {
	if at != uint32(uintptr(unsafe.Pointer(unsafe.SliceData(passed)))) || int(size) > len(passed) { //nolint:gosec // compared only
		panic("function: the batch is not where pomost_alloc said")
	}
	out, err := invoke(int(fn), passed[:size])
	if err != nil {
		panic("function: " + err.Error())
	}
	return pointer(out)
}

// pointer tells the host where bytes stand, and how many: the address above, the length below.
func pointer(b []byte) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))<<32 | uint64(len(b)) //nolint:gosec // read by the host before the next call
}
