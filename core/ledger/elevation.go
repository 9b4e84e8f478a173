package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// maxElevation is how long an elevation may last.
const maxElevation = time.Hour

// Elevation is a right that the program gave itself for a while, in one scope (a workspace, say). Several runs
// may share it; when the last of them has left, or its deadline has come, Before is to be put back.
type Elevation struct {
	Scope string
	// Before is the state to put back, as it was read before the elevation.
	Before []byte
	// Restoring says that nobody may join any more: Before is being put back.
	Restoring bool
	Holders   []string // in order of their names
	At        time.Time
	Deadline  time.Time
}

// Elevate records, before it happens, that holder gives itself a right in a scope until the deadline, which is an
// hour away at most. First says that nobody had it yet: the caller makes the change when the transaction is
// committed. Else the caller shares what is there, with the state before and the deadline of the first. While it is being put
// back it gives a BusyError.
func (tx *Tx) Elevate(actor Actor, scope, holder string, before []byte, deadline time.Time) (e Elevation, first bool, err error) {
	what := "elevate in " + scope
	switch {
	case scope == "" || holder == "":
		return Elevation{}, false, &RefusedError{What: what, Why: "it needs a scope and a holder"}
	case !deadline.After(tx.Now()) || deadline.Sub(tx.Now()) > maxElevation:
		return Elevation{}, false, &RefusedError{What: what, Why: "it must end within an hour"}
	}
	list, err := tx.elevations(tx.ctx, `WHERE scope = $1`, scope)
	if err != nil {
		return Elevation{}, false, err
	}
	event := Event{Event: EventElevationJoined, Actor: actor, Subject: scope, Detail: map[string]string{"holder": holder}}
	if len(list) == 0 {
		e = Elevation{Scope: scope, Before: bytesOf(before), At: tx.Now(), Deadline: micro(deadline)}
		proof := tx.keys.seal("elevation", e.fields()...)
		if err := tx.exec(what, `INSERT INTO elevations (scope, before, state, at, deadline, key_id, mac) VALUES (`+places(7)+`)`,
			e.Scope, e.Before, e.state(), micros(e.At), micros(e.Deadline), proof.keyID, proof.mac); err != nil {
			return Elevation{}, false, err
		}
		event.Event, event.Before = EventElevationTaken, sum(e.Before)
		event.Detail["deadline"] = Time{e.Deadline}.String()
		first = true
	} else if e = list[0]; e.Restoring || !tx.Now().Before(e.Deadline) {
		return Elevation{}, false, &BusyError{What: "the elevation in " + scope, Holder: "whoever puts back what was before"}
	}
	if err := tx.exec(what, `INSERT INTO elevation_holders (scope, holder, at) VALUES ($1, $2, $3) ON CONFLICT (scope, holder) DO NOTHING`, scope, holder, tx.head.at); err != nil {
		return Elevation{}, false, err
	}
	if err := tx.append(event); err != nil {
		return Elevation{}, false, err
	}
	e, err = tx.Elevation(tx.ctx, scope)
	return e, first, err
}

// Leave says that a holder needs an elevation no more. Last says that nobody else does: the caller puts Before back
// when the transaction is committed, and then says Restored. To leave twice, or what one did not hold, is no last.
func (tx *Tx) Leave(actor Actor, scope, holder string) (e Elevation, last bool, err error) {
	if e, err = tx.Elevation(tx.ctx, scope); err != nil {
		return Elevation{}, false, err
	}
	if err := storable("leave the elevation in "+scope, []any{holder}); err != nil {
		return Elevation{}, false, err
	}
	result, err := tx.q.ExecContext(tx.ctx, `DELETE FROM elevation_holders WHERE scope = $1 AND holder = $2`, scope, holder)
	if err != nil {
		return Elevation{}, false, tx.store.explain("leave the elevation in "+scope, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return e, false, err
	}
	if err := tx.append(Event{Event: EventElevationLeft, Actor: actor, Subject: scope, Detail: map[string]string{"holder": holder}}); err != nil {
		return Elevation{}, false, err
	}
	if e, err = tx.Elevation(tx.ctx, scope); err != nil {
		return Elevation{}, false, err
	}
	if len(e.Holders) > 0 || e.Restoring {
		return e, false, nil
	}
	return tx.restoring(e)
}

// Reap ends an elevation whatever its holders say: its deadline has come, or they are gone. The caller puts Before
// back when the transaction is committed, and then says Restored. It may be called again until then.
func (tx *Tx) Reap(actor Actor, scope, reason string) (Elevation, error) {
	e, err := tx.Elevation(tx.ctx, scope)
	if err != nil {
		return Elevation{}, err
	}
	if err := tx.exec("reap the elevation in "+scope, `DELETE FROM elevation_holders WHERE scope = $1`, scope); err != nil {
		return Elevation{}, err
	}
	if err := tx.append(Event{Event: EventElevationLeft, Actor: actor, Subject: scope, Reason: reason}); err != nil {
		return Elevation{}, err
	}
	e.Holders = []string{}
	e, _, err = tx.restoring(e)
	return e, err
}

func (tx *Tx) restoring(e Elevation) (Elevation, bool, error) {
	e.Restoring = true
	proof := tx.keys.seal("elevation", e.fields()...)
	return e, true, tx.exec("end the elevation in "+e.Scope, `UPDATE elevations SET state = $1, key_id = $2, mac = $3 WHERE scope = $4`, e.state(), proof.keyID, proof.mac, e.Scope)
}

// Restored says that Before was put back and read back: the elevation is over, and forgotten but for the audit trail.
func (tx *Tx) Restored(actor Actor, scope string) error {
	e, err := tx.Elevation(tx.ctx, scope)
	if err != nil {
		return err
	}
	if !e.Restoring {
		return &RefusedError{What: "end the elevation in " + scope, Why: fmt.Sprintf("%d still hold it", len(e.Holders))}
	}
	if err := tx.exec("end the elevation in "+scope, `DELETE FROM elevations WHERE scope = $1`, scope); err != nil {
		return err
	}
	return tx.append(Event{Event: EventElevationRestored, Actor: actor, Subject: scope, After: sum(e.Before)})
}

func (e *Elevation) state() string {
	if e.Restoring {
		return "restoring"
	}
	return "held"
}

func (e *Elevation) fields() []any {
	return []any{e.Scope, e.Before, e.state(), micros(e.At), micros(e.Deadline)}
}

// Elevation gives the elevation in a scope, or a NotFoundError.
func (r reader) Elevation(ctx context.Context, scope string) (Elevation, error) {
	list, err := r.elevations(ctx, `WHERE scope = $1`, scope)
	if err != nil {
		return Elevation{}, err
	}
	if len(list) == 0 {
		return Elevation{}, &NotFoundError{What: "elevation in", ID: scope}
	}
	return list[0], nil
}

// Elevations lists what is elevated or being put back, by scope. After a start, those that nobody alive holds are to be reaped.
func (r reader) Elevations(ctx context.Context) ([]Elevation, error) {
	return r.elevations(ctx, "")
}

func (r reader) elevations(ctx context.Context, where string, args ...any) ([]Elevation, error) {
	list, err := rows(ctx, r, "read the elevations", `SELECT scope, before, state, at, deadline, key_id, mac FROM elevations `+where+` ORDER BY scope`, args, func(row *sql.Rows) (Elevation, error) {
		var e Elevation
		var state string
		var at, deadline int64
		var proof seal
		if err := row.Scan(&e.Scope, &e.Before, &state, &at, &deadline, &proof.keyID, &proof.mac); err != nil {
			return Elevation{}, err
		}
		e.Restoring, e.At, e.Deadline = state == "restoring", instant(at), instant(deadline)
		return e, r.keys.check(proof, "the elevation in "+e.Scope, "elevation", e.fields()...)
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Holders, err = rows(ctx, r, "read the elevations", `SELECT holder FROM elevation_holders WHERE scope = $1 ORDER BY holder`, []any{list[i].Scope}, func(row *sql.Rows) (string, error) {
			var holder string
			err := row.Scan(&holder)
			return holder, err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
