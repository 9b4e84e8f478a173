package ledger

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Anchor is a head of the audit trail, as it was at some time. Kept where those who can write to the store
// cannot, it shows that the trail was cut off or written anew.
type Anchor struct {
	Chain string `json:"chain"`
	Seq   int64  `json:"seq"`
	Hash  Hash   `json:"hash"`
	At    Time   `json:"at"`
	KeyID string `json:"key_id"`
	MAC   Hash   `json:"mac"`
}

// AnchorSink keeps anchors. Its methods are not called concurrently by one Ledger.
type AnchorSink interface {
	// Keep stores an anchor for good before it returns nil.
	Keep(ctx context.Context, a Anchor) error
	// Last gives the newest anchor of a trail; false if there is none.
	Last(ctx context.Context, chain string) (Anchor, bool, error)
}

// How often anchors are kept: at the latest after so many rows, or so long after the one before.
const (
	anchorRows = 100
	anchorTime = 5 * time.Minute
)

func (a *Anchor) fields() []any { return []any{a.Chain, a.Seq, a.Hash[:], micros(a.At.Time)} }

func (h *head) anchor(keys Keys) Anchor {
	a := Anchor{Chain: fmt.Sprintf("%x", h.chain), Seq: h.seq, Hash: h.hash, At: Time{instant(h.at)}}
	proof := keys.seal("anchor", a.fields()...)
	a.KeyID = proof.keyID
	copy(a.MAC[:], proof.mac)
	return a
}

func (a *Anchor) check(keys Keys) error {
	return keys.check(seal{keyID: a.KeyID, mac: a.MAC[:]}, fmt.Sprintf("the anchor of row %d", a.Seq), "anchor", a.fields()...)
}

// anchors keeps the heads of a Ledger in a sink. If the sink fails there are no more writes until it works
// again: a trail that nobody can check is none.
type anchors struct {
	sink AnchorSink

	mu     sync.Mutex
	last   Anchor // the newest that was kept
	newest head   // the newest head that was committed
	failed error  // why the one that was due was not kept
}

func (k *anchors) start(ctx context.Context, l *Ledger, sink AnchorSink, h head) error {
	if k.sink, k.newest = sink, h; sink == nil {
		return nil
	}
	last, found, err := sink.Last(ctx, fmt.Sprintf("%x", h.chain))
	if err != nil {
		return fmt.Errorf("read the anchors: %w", err)
	}
	if !found {
		return k.keep(ctx, l, h)
	}
	if err := l.anchored(ctx, h, last); err != nil {
		return err
	}
	k.last = last
	return nil
}

// anchored checks that the trail still goes through an anchor.
func (l *Ledger) anchored(ctx context.Context, h head, a Anchor) error {
	if err := a.check(l.keys); err != nil {
		return err
	}
	switch {
	case a.Seq > h.seq:
		return &TamperedError{What: fmt.Sprintf("the audit trail ends at row %d, but row %d was there on %s: it was cut off, or the store was put back to an older state", h.seq, a.Seq, a.At), Seq: h.seq + 1}
	case a.Seq < h.firstSeq:
		return nil // it was purged since
	}
	var hash []byte
	if err := l.q.QueryRowContext(ctx, `SELECT hash FROM audit WHERE seq = $1`, a.Seq).Scan(&hash); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return l.store.explain("read the audit trail", err)
	}
	if string(hash) != string(a.Hash[:]) {
		return &TamperedError{What: fmt.Sprintf("row %d of the audit trail is another than it was on %s", a.Seq, a.At), Seq: a.Seq}
	}
	return nil
}

// ready refuses a write while an anchor that is due cannot be kept.
func (k *anchors) ready(ctx context.Context, l *Ledger) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed == nil {
		return nil
	}
	return k.keepLocked(ctx, l, k.newest)
}

// passed is told of each head that was committed.
func (k *anchors) passed(ctx context.Context, l *Ledger, h head) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h.seq > k.newest.seq {
		k.newest = h
	}
	if k.sink == nil || h.seq-k.last.Seq < anchorRows && instant(h.at).Sub(k.last.At.Time) < anchorTime || h.seq <= k.last.Seq {
		return nil
	}
	if err := k.keepLocked(ctx, l, k.newest); err != nil {
		// What was committed stands: it is the next write that is refused.
		l.log.Error("the head of the audit trail could not be anchored", "error", err.Error())
	}
	return nil
}

func (k *anchors) keep(ctx context.Context, l *Ledger, h head) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keepLocked(ctx, l, h)
}

func (k *anchors) keepLocked(ctx context.Context, l *Ledger, h head) error {
	a := h.anchor(l.keys)
	if k.failed = k.sink.Keep(ctx, a); k.failed != nil {
		k.failed = fmt.Errorf("keep an anchor of the audit trail: %w", k.failed)
		return k.failed
	}
	k.last = a
	return nil
}

func (k *anchors) close(l *Ledger) error {
	if k.sink == nil || k.newest.seq == k.last.Seq {
		return nil
	}
	return k.keep(context.Background(), l, k.newest)
}

// AnchorFile keeps anchors as lines of JSON in a file, which only grows. It belongs on another disk or machine
// than the store, or into what is shipped to one.
type AnchorFile struct{ Path string }

// Keep adds a line, and syncs it.
func (f AnchorFile) Keep(_ context.Context, a Anchor) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Clean(f.Path), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// Last reads the newest anchor of a trail.
func (f AnchorFile) Last(_ context.Context, chain string) (Anchor, bool, error) {
	list, err := f.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return Anchor{}, false, nil
	}
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Chain == chain {
			return list[i], true, err
		}
	}
	return Anchor{}, false, err
}

// Read reads all anchors of the file. A line that is none is a TamperedError, but for a last one that was cut
// off while it was written.
func (f AnchorFile) Read() ([]Anchor, error) {
	file, err := os.Open(filepath.Clean(f.Path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var list []Anchor
	var bad error
	scanner := bufio.NewScanner(file)
	for n := 1; scanner.Scan(); n++ {
		if bad != nil {
			return nil, bad
		}
		var a Anchor
		if err := json.Unmarshal(scanner.Bytes(), &a); err != nil {
			bad = &TamperedError{What: fmt.Sprintf("line %d of %s is no anchor", n, f.Path)}
			continue
		}
		list = append(list, a)
	}
	return list, scanner.Err()
}
