package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Write is the record of a request that changes something, or would have.
type Write struct {
	Call
	// At is when all of the request was there and it was carried out; Call.Time is when it began to come in.
	At time.Time
	// Body is the request's body, Digest the hexadecimal SHA-256 of it.
	Body   []byte
	Digest string
	// Done is the status of what was carried out, 0 if a fault kept the request
	// from being carried out. Call.Status is what the caller was told: 0 if the
	// connection was dropped instead.
	Done int
}

// Carried reports whether the write took effect.
func (w Write) Carried() bool { return w.Done >= 200 && w.Done < 300 }

// Writes returns all writes received, refused ones too, in the order in which
// they were answered. Logins, statements and searches that happen to be POSTs
// are no writes.
func (s *Server) Writes() []Write { return s.journal.all() }

// ResetWrites forgets them.
func (s *Server) ResetWrites() { s.journal.reset() }

// writes reports whether the request is one that changes something.
func (c *call) writes() bool {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return false
	}
	return c.route == nil || !c.route.reads
}

type journal struct {
	mu      sync.Mutex
	entries []Write
}

func (j *journal) add(record Call, at time.Time, body []byte, done int, dropped bool) {
	sum := sha256.Sum256(body)
	if dropped {
		record.Status = 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, Write{Call: record, At: at, Body: body, Digest: hex.EncodeToString(sum[:]), Done: done})
}

func (j *journal) all() []Write {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
}
