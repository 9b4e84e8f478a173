package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Lease is the right to work on something until it runs out. Its epoch is greater than that of all leases of
// the name before it, so that a holder who slept through the end of his is found out.
//
// The ledger cannot stop a holder whose lease has run out from calling Databricks. So a holder must stop by
// himself, by a clock that only goes forward, before the lease does: choose a time to live longer than the longest call.
type Lease struct {
	Name, Holder string
	Epoch        int64
	ExpiresAt    time.Time // by the store's clock
}

// PlanLease is the name of the lease for applying a plan.
func PlanLease(plan string) string { return "plan/" + plan }

// Acquire takes a lease for a while. It gives a BusyError if another holder has it. A holder who has it
// already (and crashed, say) gets a new one, and the old one is stale.
func (tx *Tx) Acquire(name, holder string, ttl time.Duration) (Lease, error) {
	what := fmt.Sprintf("acquire the lease on %s", name)
	if name == "" || holder == "" || ttl <= 0 {
		return Lease{}, &RefusedError{What: what, Why: "it needs a name, a holder and a time to live"}
	}
	old, err := tx.lease(name)
	if err != nil {
		return Lease{}, err
	}
	if old.Holder != "" && old.Holder != holder && tx.Now().Before(old.ExpiresAt) {
		return Lease{}, &BusyError{What: name, Holder: old.Holder, Until: old.ExpiresAt}
	}
	l := Lease{Name: name, Holder: holder, Epoch: old.Epoch + 1, ExpiresAt: micro(tx.Now().Add(ttl))}
	if err := tx.exec(what, `INSERT INTO leases (name, holder, epoch, acquired_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at`,
		l.Name, l.Holder, l.Epoch, tx.head.at, micros(l.ExpiresAt)); err != nil {
		return Lease{}, err
	}
	event := Event{Event: EventLeaseTaken, Subject: name, Actor: Actor{Host: holder}, Epoch: l.Epoch}
	if old.Holder != "" {
		event.Detail = map[string]string{"after": old.Holder}
	}
	return l, tx.append(event)
}

// Renew gives a lease more time from now. A lease that ran out cannot be renewed, even if nobody took it:
// that is a StaleLeaseError.
func (tx *Tx) Renew(l Lease, ttl time.Duration) (Lease, error) {
	if err := tx.holds(l, l.Name, true); err != nil {
		return Lease{}, err
	}
	l.ExpiresAt = micro(tx.Now().Add(ttl))
	return l, tx.exec("renew the lease on "+l.Name, `UPDATE leases SET expires_at = $1 WHERE name = $2 AND epoch = $3`, micros(l.ExpiresAt), l.Name, l.Epoch)
}

// Release gives a lease back. To release one that is no longer held changes nothing.
func (tx *Tx) Release(l Lease) error {
	return tx.exec("release the lease on "+l.Name, `UPDATE leases SET holder = '', expires_at = 0 WHERE name = $1 AND epoch = $2`, l.Name, l.Epoch)
}

// Leases lists the leases that are held, by name.
func (r reader) Leases(ctx context.Context) ([]Lease, error) {
	return r.leases(ctx, `WHERE holder <> '' ORDER BY name`)
}

func (r reader) leases(ctx context.Context, clause string, args ...any) ([]Lease, error) {
	return rows(ctx, r, "read the leases", `SELECT name, holder, epoch, expires_at FROM leases `+clause, args, func(row *sql.Rows) (Lease, error) {
		var l Lease
		var expires int64
		err := row.Scan(&l.Name, &l.Holder, &l.Epoch, &expires)
		l.ExpiresAt = instant(expires)
		return l, err
	})
}

// lease gives the row of a name; the zero Lease if there was never one.
func (tx *Tx) lease(name string) (Lease, error) {
	list, err := tx.leases(tx.ctx, `WHERE name = $1`, name)
	if err != nil || len(list) == 0 {
		return Lease{}, err
	}
	return list[0], nil
}

// holds checks that a lease is of a name and still its holder's. What only records something that happened
// may come when it has run out, as long as nobody else took it.
func (tx *Tx) holds(l Lease, name string, inTime bool) error {
	if l.Name != name {
		return &StaleLeaseError{Name: name, Epoch: l.Epoch}
	}
	now, err := tx.lease(name)
	if err != nil {
		return err
	}
	if now.Epoch != l.Epoch || now.Holder != l.Holder || now.Holder == "" {
		return &StaleLeaseError{Name: name, Epoch: l.Epoch, Holder: now.Holder}
	}
	if inTime && !tx.Now().Before(now.ExpiresAt) {
		return &StaleLeaseError{Name: name, Epoch: l.Epoch}
	}
	return nil
}

// dropLeases ends all leases. Their epochs stay, so that what their holders still do is stale.
func (tx *Tx) dropLeases(reason string) error {
	held, err := tx.Leases(tx.ctx)
	if err != nil {
		return err
	}
	for _, l := range held {
		if err := tx.append(Event{Event: EventLeaseDropped, Subject: l.Name, Epoch: l.Epoch, Reason: reason, Detail: map[string]string{"holder": l.Holder}}); err != nil {
			return err
		}
	}
	return tx.exec("drop the leases", `UPDATE leases SET holder = '', expires_at = 0 WHERE holder <> ''`)
}
