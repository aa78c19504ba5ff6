package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// ids makes the ids of records: other ones in each company, and the same ones again when its calls are done again, which is how its state is
// kept (sandbox.System.Replays).
type ids struct {
	Seed  [16]byte `json:"seed"`
	Count uint64   `json:"count"`
}

func newIDs() ids {
	var i ids
	rand.Read(i.Seed[:]) // never fails since Go 1.24
	return i
}

// newID is the id of a new record. Only a call that may change the company takes one, for a read is not done again.
func (c *company) newID() string {
	c.ids.Count++
	return hashedUUID(binary.BigEndian.AppendUint64(c.ids.Seed[:], c.ids.Count))
}

// newUUID is the id of what is not kept: an error.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	return formatUUID(b)
}

// fixedUUID is the id of a record that every company of this kind has, the same at each start.
func (c *company) fixedUUID(parts ...string) string {
	return hashedUUID([]byte(c.env.CompanyID + "/" + strings.Join(parts, "/")))
}

func hashedUUID(of []byte) string {
	sum := sha256.Sum256(of)
	return formatUUID([16]byte(sum[:16]))
}

// formatUUID writes bytes as a random UUID is written.
func formatUUID(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
