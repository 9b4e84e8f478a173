package ledger

import (
	"context"
	"fmt"
	"time"
)

// ExecWrites runs a statement on the connection that writes, for tests that make the store fail.
func (l *Ledger) ExecWrites(ctx context.Context, statement string) error {
	_, err := l.store.writes.ExecContext(ctx, statement)
	return err
}

// FillAudit adds rows to the audit trail in one transaction, for tests of long ones.
func (l *Ledger) FillAudit(ctx context.Context, n int, event Event) error {
	return l.Do(ctx, func(tx *Tx) error {
		for range n {
			if err := tx.append(event); err != nil {
				return err
			}
		}
		return nil
	})
}

// IdleLimit is for how long PostgreSQL lets the transaction wait for this process; zero is without end.
func (tx *Tx) IdleLimit() (time.Duration, error) {
	var ms int64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT CAST(setting AS BIGINT) FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'`).Scan(&ms)
	return time.Duration(ms) * time.Millisecond, err
}

// SetIdleLimit sets that for the session.
func (tx *Tx) SetIdleLimit(d time.Duration) error {
	return tx.exec("set the limit", fmt.Sprintf(`SET idle_in_transaction_session_timeout = %d`, d.Milliseconds()))
}
