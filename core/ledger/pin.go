package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Pin ties a member of a chat team to a Databricks user, as it was found the first time. A later answer that
// differs is suspicious, and for the caller to refuse.
type Pin struct {
	Team, Member string // Slack ids
	Email        string
	Principal    string // Databricks user id
	// Locked says that the member may do nothing until an operator has looked at it.
	Locked   bool
	PinnedAt time.Time // by the store's clock
}

// Pin stores who a member is. One who is pinned already keeps what is there, which it gives; to change it is
// Repin.
func (tx *Tx) Pin(actor Actor, p Pin) (Pin, error) {
	old, err := tx.Pinned(tx.ctx, p.Team, p.Member)
	if err == nil {
		return old, nil
	}
	if !isNotFound(err) {
		return Pin{}, err
	}
	return tx.Repin(actor, p, "first seen")
}

// Repin stores who a member is, whatever was there: an operator said so, or locks the member.
func (tx *Tx) Repin(actor Actor, p Pin, reason string) (Pin, error) {
	if p.Team == "" || p.Member == "" || p.Principal == "" {
		return Pin{}, &RefusedError{What: "pin a member", Why: "it needs a team, a member and a principal"}
	}
	p.PinnedAt = tx.Now()
	proof := tx.keys.seal("pin", p.fields()...)
	if err := tx.exec("pin a member", `INSERT INTO pins (team, member, email, principal, locked, pinned_at, key_id, mac) VALUES (`+places(8)+`)
		ON CONFLICT (team, member) DO UPDATE SET email = excluded.email, principal = excluded.principal, locked = excluded.locked,
			pinned_at = excluded.pinned_at, key_id = excluded.key_id, mac = excluded.mac`,
		p.Team, p.Member, p.Email, p.Principal, p.locked(), micros(p.PinnedAt), proof.keyID, proof.mac); err != nil {
		return Pin{}, err
	}
	return p, tx.append(Event{Event: EventPinned, Actor: actor, Subject: p.Team + "/" + p.Member, Reason: reason,
		Detail: map[string]string{"principal": p.Principal, "email": p.Email, "locked": fmt.Sprint(p.Locked)}})
}

func (p *Pin) locked() int64 {
	if p.Locked {
		return 1
	}
	return 0
}

func (p *Pin) fields() []any {
	return []any{p.Team, p.Member, p.Email, p.Principal, p.locked(), micros(p.PinnedAt)}
}

// Unpin forgets who a member is, so that they are mapped anew: an operator said so. It gives a NotFoundError if they
// were never pinned.
func (tx *Tx) Unpin(actor Actor, team, member, reason string) (Pin, error) {
	p, err := tx.Pinned(tx.ctx, team, member)
	if err != nil {
		return Pin{}, err
	}
	if err := tx.exec("unpin a member", `DELETE FROM pins WHERE team = $1 AND member = $2`, team, member); err != nil {
		return Pin{}, err
	}
	return p, tx.append(Event{Event: EventUnpinned, Actor: actor, Subject: team + "/" + member, Reason: reason,
		Detail: map[string]string{"principal": p.Principal, "email": p.Email, "locked": fmt.Sprint(p.Locked)}})
}

// Pinned gives who a member is, or a NotFoundError.
func (r reader) Pinned(ctx context.Context, team, member string) (Pin, error) {
	list, err := r.pins(ctx, `WHERE team = $1 AND member = $2`, team, member)
	if err != nil {
		return Pin{}, err
	}
	if len(list) == 0 {
		return Pin{}, &NotFoundError{What: "pinned identity", ID: team + "/" + member}
	}
	return list[0], nil
}

// Pins lists who is pinned, or who is pinned to one Databricks user: there should be one.
func (r reader) Pins(ctx context.Context, principal string) ([]Pin, error) {
	if principal == "" {
		return r.pins(ctx, `ORDER BY team, member`)
	}
	return r.pins(ctx, `WHERE principal = $1 ORDER BY team, member`, principal)
}

func (r reader) pins(ctx context.Context, clause string, args ...any) ([]Pin, error) {
	return rows(ctx, r, "read the pinned identities", `SELECT team, member, email, principal, locked, pinned_at, key_id, mac FROM pins `+clause, args, func(row *sql.Rows) (Pin, error) {
		var p Pin
		var locked, at int64
		var proof seal
		if err := row.Scan(&p.Team, &p.Member, &p.Email, &p.Principal, &locked, &at, &proof.keyID, &proof.mac); err != nil {
			return Pin{}, err
		}
		p.Locked, p.PinnedAt = locked != 0, instant(at)
		return p, r.keys.check(proof, fmt.Sprintf("the pinned identity of %s/%s", p.Team, p.Member), "pin", p.fields()...)
	})
}
