package wire

import (
	"bytes"
	"sync"

	"github.com/pomost/pomost/sdk/record"
)

// Writer makes the frames of one direction of one call: the schema goes along only where it differs from that of the
// frame before. Not safe for concurrent use.
type Writer struct{ last *record.Schema }

// Frame packs as many records of schema s as fit into one frame. schema is empty when it is that of the frame before; n
// is how many records were taken.
func (w *Writer) Frame(s *record.Schema, rs []record.Record) (schema, records []byte, n int, err error) {
	records, n, err = Pack(nil, s, rs)
	if err != nil || n == 0 {
		return nil, nil, 0, err
	}
	if s != w.last {
		if schema, err = AppendSchema(nil, s); err != nil {
			return nil, nil, 0, err
		}
		w.last = s
	}
	return schema, records, n, nil
}

// Reader takes the frames of one direction of one call. Not safe for concurrent use; Schemas may be shared.
type Reader struct {
	Schemas *SchemaCache
	last    *record.Schema
}

// Frame unpacks a frame.
func (r *Reader) Frame(schema, records []byte, n uint32) ([]record.Record, error) {
	if len(schema) > 0 {
		s, err := r.Schemas.Decode(schema)
		if err != nil {
			return nil, err
		}
		r.last = s
	}
	if n > MaxBatch {
		return nil, overLimit("%d records in a frame, at most %d", n, MaxBatch)
	}
	return Unpack(records, r.last, int(n))
}

// Schema is that of the last frame, nil before the first.
func (r *Reader) Schema() *record.Schema { return r.last }

// SchemaCache decodes schema trees and gives the same bytes the same *record.Schema, so that a schema that comes with
// each call is decoded once. The zero value works; safe for concurrent use.
type SchemaCache struct {
	mu      sync.Mutex
	entries []schemaEntry // latest use last
}

type schemaEntry struct {
	packed []byte
	schema *record.Schema
}

const cachedSchemas = 32

// Decode is DecodeSchema with a memory. A nil cache has none.
func (c *SchemaCache) Decode(packed []byte) (*record.Schema, error) {
	if c == nil {
		return DecodeSchema(packed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.entries) - 1; i >= 0; i-- {
		if e := c.entries[i]; bytes.Equal(e.packed, packed) {
			copy(c.entries[i:], c.entries[i+1:])
			c.entries[len(c.entries)-1] = e
			return e.schema, nil
		}
	}
	s, err := DecodeSchema(packed)
	if err != nil {
		return nil, err
	}
	if len(c.entries) == cachedSchemas {
		c.entries = append(c.entries[:0], c.entries[1:]...)
	}
	c.entries = append(c.entries, schemaEntry{packed: bytes.Clone(packed), schema: s})
	return s, nil
}
