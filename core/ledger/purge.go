package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Purged says how much was forgotten.
type Purged struct{ Plans, Rows int64 }

// errEnough ends a walk.
var errEnough = errors.New("enough")

// Purge forgets plans that came to their end before a time, and rows of the audit trail from before another; a zero
// time forgets nothing. Plans that may still be undone by time, or are half done, are kept, with what was done for the
// same target meanwhile (see Standing), and the trail is kept from the creation of the oldest plan on. The trail stays
// whole: it then begins later, and says so. What is deleted is overwritten in the file.
func (l *Ledger) Purge(ctx context.Context, actor Actor, plansBefore, trailBefore time.Time) (Purged, error) {
	var p Purged
	err := l.Do(ctx, func(tx *Tx) error {
		p = Purged{}
		if !plansBefore.IsZero() {
			if err := tx.purgePlans(micros(plansBefore), &p); err != nil {
				return err
			}
		}
		if !trailBefore.IsZero() {
			if err := tx.purgeTrail(trailBefore, &p); err != nil {
				return err
			}
		}
		if p == (Purged{}) {
			return nil
		}
		return tx.append(Event{Event: EventPurged, Actor: actor, Detail: map[string]string{
			"plans": strconv.FormatInt(p.Plans, 10), "rows": strconv.FormatInt(p.Rows, 10), "first": strconv.FormatInt(tx.head.firstSeq, 10)}})
	})
	if err != nil || p == (Purged{}) {
		return p, err
	}
	return p, l.store.explain("wipe what was purged", l.store.engine.vacuum(ctx, l.store.writes))
}

func (tx *Tx) purgePlans(before int64, p *Purged) error {
	// What was done for good is kept as long as a plan that was made before it was over may be taken back, of the same target: that
	// undo must know what others gave. What was done ten minutes and more before another plan was made cannot concern that one.
	over := `updated_at < $1 AND (state IN ('failed', 'rejected', 'cancelled', 'expired', 'superseded', 'stale', 'undone') OR state = 'applied' AND ends_at = 0
		AND NOT EXISTS (SELECT 1 FROM plans AS other WHERE other.target_id = plans.target_id AND other.id <> plans.id AND other.created_at <= plans.updated_at + 600000000
			AND (other.state IN ('applying', 'partially_applied', 'undo_pending', 'expiry_overdue') OR other.state = 'applied' AND (other.ends_at <> 0 OR other.updated_at >= $1))))`
	for _, table := range []string{"votes", "intents", "cards", "showings"} {
		if err := tx.exec("purge plans", `DELETE FROM `+table+` WHERE plan IN (SELECT id FROM plans WHERE `+over+`)`, before); err != nil {
			return err
		}
	}
	result, err := tx.q.ExecContext(tx.ctx, `DELETE FROM plans WHERE `+over, before)
	if err != nil {
		return tx.store.explain("purge plans", err)
	}
	p.Plans, err = result.RowsAffected()
	return err
}

func (tx *Tx) purgeTrail(before time.Time, p *Purged) error {
	var oldest sql.NullInt64
	if err := tx.q.QueryRowContext(tx.ctx, `SELECT MIN(created_at) FROM plans`).Scan(&oldest); err != nil {
		return tx.store.explain("purge the audit trail", err)
	}
	if oldest.Valid && oldest.Int64 < micros(before) {
		before = instant(oldest.Int64)
	}
	first, prev := tx.head.firstSeq, tx.head.firstPrev
	err := tx.walk(tx.ctx, func(e Entry, _ string) error {
		event, err := e.Event()
		if err != nil {
			return err
		}
		if !event.At.Before(before) {
			return errEnough
		}
		first, prev = e.Seq+1, e.Hash
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("purge the audit trail: %w", err)
	}
	p.Rows = first - tx.head.firstSeq
	tx.head.firstSeq, tx.head.firstPrev = first, prev
	return tx.exec("purge the audit trail", `DELETE FROM audit WHERE seq < $1`, first)
}
