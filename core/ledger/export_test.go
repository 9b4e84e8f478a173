package ledger

import "context"

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
