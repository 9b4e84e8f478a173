package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// HaltedError says that somebody has halted all applying.
type HaltedError struct {
	Reason string
	// By is who halted it, and Since when. Both are zero where the trail no longer says.
	By    Actor
	Since time.Time
}

// Error says why, and who halted it.
func (e *HaltedError) Error() string { return "nothing may be applied now: " + e.Why() }

// Why is the reason, with who gave it and when. All of it is as others wrote it: it is to be escaped where it is shown.
func (e *HaltedError) Why() string {
	if e.Since.IsZero() {
		return e.Reason + " (who halted it, and when, is no longer in the audit trail)"
	}
	who := e.By.Email
	if who == "" {
		who = e.By.ID
	}
	if who == "" {
		who = "somebody without a name"
	}
	if e.By.Host != "" {
		who += " on " + e.By.Host
	}
	return e.Reason + " (halted by " + who + " at " + e.Since.UTC().Format(time.RFC3339) + ")"
}

// Halt stops all applying, until Resume: plans can no longer be approved or applied, and no step begun. What takes something
// back is a plan, too, and stops with the others.
func (tx *Tx) Halt(actor Actor, reason string) error {
	if plain(reason) == "" {
		return &RefusedError{What: "halt", Why: "it needs a reason"}
	}
	tx.head.halt = plain(reason)
	return tx.append(Event{Event: EventHalted, Actor: actor, Reason: tx.head.halt})
}

// Resume lets plans be applied again after Halt.
func (tx *Tx) Resume(actor Actor, reason string) error {
	tx.head.halt = ""
	return tx.append(Event{Event: EventResumed, Actor: actor, Reason: reason})
}

// Halted is nil if plans may be applied; a HaltedError if not.
func (tx *Tx) Halted() error { return tx.halted(tx.ctx, &tx.head) }

// Halted is nil if plans may be applied; a HaltedError if not.
func (l *Ledger) Halted(ctx context.Context) error {
	h, err := l.store.head(ctx, l.q)
	if err != nil {
		return l.store.explain("read the head of the ledger", err)
	}
	if err := h.check(l.keys); err != nil {
		return err
	}
	return l.halted(ctx, &h)
}

// halted says by the head whether plans may be applied, and looks up in the trail who is to be asked about it. That they cannot be
// found allows nothing.
func (r reader) halted(ctx context.Context, h *head) error {
	if h.halt == "" {
		return nil
	}
	no := &HaltedError{Reason: h.halt}
	event, err := r.halting(ctx, h)
	if err != nil {
		return errors.Join(no, err)
	}
	if event.Reason == h.halt {
		no.By, no.Since = event.Actor, event.At.Time
	}
	return no
}

// halting is the newest event of a halt, and none where the trail has no such row any more.
func (r reader) halting(ctx context.Context, h *head) (Event, error) {
	const doing = "read who halted it"
	// A quote within a text is escaped in JSON, so that no reason looks like this.
	found, err := rows(ctx, r, doing, `SELECT seq, prev, hash, plan, body, key_id, mac FROM audit WHERE plan = '' AND body LIKE '%"event":"`+EventHalted+`"%' ORDER BY seq DESC LIMIT 1`, nil,
		func(row *sql.Rows) (e Entry, err error) {
			var plan string
			err = e.scan(row, &plan)
			return e, err
		})
	if err != nil || len(found) == 0 {
		return Event{}, err
	}
	e := found[0]
	if err := e.check(h.chain, r.keys); err != nil {
		return Event{}, err
	}
	event, err := e.Event()
	if event.Event != EventHalted {
		return Event{}, err
	}
	return event, err
}
