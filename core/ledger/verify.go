package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Verification says what was checked.
type Verification struct {
	Rows        int64
	First, Last int64 // rows of the trail
	Head        Hash
	Anchors     int // those that the trail was found to go through
}

// Verify checks the whole audit trail: that it has no gaps, that each row is linked to the one before it and
// was written with one of the keys, that it ends where the head says, and that it goes through the anchors. The
// error is a TamperedError with the first bad row. Anchors of other trails, and of rows that were purged, are not looked at.
//
// Writes go on meanwhile: what is checked is the trail as it was when Verify began.
func (l *Ledger) Verify(ctx context.Context, given ...Anchor) (Verification, error) {
	tx, err := l.store.reads.BeginTx(ctx, l.store.engine.snapshot())
	if err != nil {
		return Verification{}, l.store.explain("verify", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	r := reader{q: tx, store: l.store}
	h, err := l.store.head(ctx, tx)
	if err != nil {
		return Verification{}, l.store.explain("read the head of the ledger", err)
	}
	if err := h.check(l.keys); err != nil {
		return Verification{}, err
	}
	v := Verification{First: h.firstSeq, Last: h.seq, Head: h.hash}
	due := map[int64]Anchor{}
	for _, a := range given {
		if a.Chain != fmt.Sprintf("%x", h.chain) || a.Seq < h.firstSeq {
			continue
		}
		if err := a.check(l.keys); err != nil {
			return v, err
		}
		due[a.Seq] = a
	}
	expected, prev := h.firstSeq, h.firstPrev
	err = r.walk(ctx, func(e Entry, plan string) error {
		bad := func(why string) error {
			return &TamperedError{What: fmt.Sprintf("row %d of the audit trail %s", expected, why), Seq: expected}
		}
		switch {
		case e.Seq < expected || e.Seq > h.seq && expected > h.seq:
			return &TamperedError{What: fmt.Sprintf("row %d of the audit trail was put in", e.Seq), Seq: e.Seq}
		case e.Seq != expected:
			return bad("is missing")
		case e.Prev != prev:
			return bad("does not follow the one before it")
		}
		if err := e.check(h.chain, l.keys); err != nil {
			return err
		}
		if filed, err := e.filedUnder(plan); err != nil {
			return err
		} else if !filed {
			return bad("is filed under another plan than its own")
		}
		if a, is := due[e.Seq]; is {
			if a.Hash != e.Hash {
				return bad("is another than it was when it was anchored on " + a.At.String())
			}
			v.Anchors++
			delete(due, e.Seq)
		}
		prev = e.Hash
		expected++
		v.Rows++
		return nil
	})
	if err != nil {
		return v, err
	}
	if expected != h.seq+1 || prev != h.hash {
		return v, &TamperedError{What: fmt.Sprintf("row %d of the audit trail is missing", expected), Seq: expected}
	}
	for seq, a := range due {
		return v, &TamperedError{What: fmt.Sprintf("the audit trail ends at row %d, but row %d was there on %s: it was cut off, or the store was put back to an older state", h.seq, seq, a.At), Seq: h.seq + 1}
	}
	return v, nil
}

// filedUnder says whether the body names the plan that its row is found by. Most bodies are not read whole for that:
// text in JSON has no bare quotes, so that only a key looks like one, and only details have keys of others' choice.
func (e *Entry) filedUnder(plan string) (bool, error) {
	if !bytes.Contains(e.Body, []byte(`"detail":`)) {
		if plan == "" {
			return !bytes.Contains(e.Body, []byte(`,"plan":"`)), nil
		}
		if ValidPlanID(plan) {
			return bytes.Contains(e.Body, []byte(`,"plan":"`+plan+`"`)), nil
		}
	}
	event, err := e.Event()
	return event.Plan == plan, err
}

// walk reads the audit trail in order. The rows are visited one after the other, while the next are read.
func (r reader) walk(ctx context.Context, visit func(e Entry, plan string) error) (err error) {
	found, err := r.q.QueryContext(ctx, `SELECT seq, prev, hash, plan, body, key_id, mac FROM audit ORDER BY seq`)
	if err != nil {
		return r.store.explain("read the audit trail", err)
	}
	type row struct {
		entry Entry
		plan  string
	}
	const batch = 256
	batches := make(chan []row, 4)
	visited := make(chan error, 1)
	go func() {
		var failed error
		for rows := range batches {
			for i := range rows {
				if failed == nil {
					failed = visit(rows[i].entry, rows[i].plan)
				}
			}
			if failed != nil {
				break
			}
		}
		visited <- failed
		for range batches { // so that the reader does not wait for ever
		}
	}()
	rows := make([]row, 0, batch)
	read := func() error {
		defer close(batches)
		for found.Next() {
			var r row
			if err := r.entry.scan(found, &r.plan); err != nil {
				return err
			}
			if rows = append(rows, r); len(rows) < batch {
				continue
			}
			select {
			case batches <- rows:
			case err := <-visited:
				visited <- err
				return nil
			}
			rows = make([]row, 0, batch)
		}
		batches <- rows
		return found.Err()
	}()
	// What is wrong with a row comes before what is wrong with reading those behind it.
	return errors.Join(cmp.Or(<-visited, r.store.explain("read the audit trail", read)), found.Close())
}

func (e *Entry) scan(row *sql.Rows, plan *string) error {
	var prev, hash, mac sql.RawBytes
	var body sql.RawBytes
	if err := row.Scan(&e.Seq, &prev, &hash, plan, &body, &e.KeyID, &mac); err != nil {
		return err
	}
	copy(e.Prev[:], prev)
	copy(e.Hash[:], hash)
	copy(e.MAC[:], mac)
	e.Body = append([]byte(nil), body...)
	if len(prev) != len(e.Prev) || len(hash) != len(e.Hash) || len(mac) != len(e.MAC) {
		// A row with a hash of another length must not look like one with a short hash.
		e.Hash = Hash{}
	}
	return nil
}

// Trail gives the rows of the audit trail that are of a plan, in order; of all plans and of none if it is empty.
func (r reader) Trail(ctx context.Context, plan string) ([]Entry, error) {
	where, args := "", []any(nil)
	if plan != "" {
		where, args = `WHERE plan = $1 AND plan <> ''`, []any{plan}
	}
	return rows(ctx, r, "read the audit trail", `SELECT seq, prev, hash, plan, body, key_id, mac FROM audit `+where+` ORDER BY seq`, args, func(row *sql.Rows) (Entry, error) {
		var e Entry
		var plan string
		err := e.scan(row, &plan)
		return e, err
	})
}
