package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"time"
)

// Message is something that arrived and is to be handled once, however often and to however many replicas
// it is delivered.
type Message struct {
	// ID is given by Receive.
	ID string
	// Keys are all the names that a second delivery could be known by: envelope id, event id, channel and ts, ….
	// If any of them was seen in the last day the message is a duplicate.
	Keys []string
	// Body is what is needed to handle it after a crash, without anything secret (a response URL is).
	Body       []byte
	ReceivedAt time.Time // by the store's clock
}

// Receive stores a message. Fresh says that it is to be handled; if it is not, it was received before, and
// Message.ID is the earlier one's. What was received is to be acknowledged when the transaction is committed.
func (tx *Tx) Receive(m Message) (_ Message, fresh bool, err error) {
	if len(m.Keys) == 0 {
		return Message{}, false, &RefusedError{What: "receive a message", Why: "it has no key"}
	}
	for _, key := range m.Keys {
		earlier, err := rows(tx.ctx, tx.reader, "look for a message", `SELECT message FROM inbox_keys WHERE key = $1`, []any{key}, func(row *sql.Rows) (id string, err error) {
			return id, row.Scan(&id)
		})
		if err != nil {
			return Message{}, false, err
		}
		if len(earlier) > 0 {
			m.ID = earlier[0]
			return m, false, nil
		}
	}
	m.ID, m.ReceivedAt = rand.Text(), tx.Now()
	if err := tx.exec("receive a message", `INSERT INTO inbox (id, body, received_at, handled_at) VALUES ($1, $2, $3, 0)`, m.ID, bytesOf(m.Body), tx.head.at); err != nil {
		return Message{}, false, err
	}
	for _, key := range m.Keys {
		if err := tx.exec("receive a message", `INSERT INTO inbox_keys (key, message) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, key, m.ID); err != nil {
			return Message{}, false, err
		}
	}
	return m, true, nil
}

// Handled says that a message needs no more work. It belongs into the transaction that does the work.
func (tx *Tx) Handled(id string) error {
	return tx.exec("end a message", `UPDATE inbox SET handled_at = $1 WHERE id = $2 AND handled_at = 0`, tx.head.at, id)
}

// Unhandled lists messages that were received before a time and not handled, the oldest first. They have no Keys.
func (r reader) Unhandled(ctx context.Context, before time.Time) ([]Message, error) {
	return rows(ctx, r, "read the inbox", `SELECT id, body, received_at FROM inbox WHERE handled_at = 0 AND received_at < $1 ORDER BY received_at, id`, []any{before.UnixMicro()}, func(row *sql.Rows) (Message, error) {
		var m Message
		var at int64
		err := row.Scan(&m.ID, &m.Body, &at)
		m.ReceivedAt = instant(at)
		return m, err
	})
}

// boxKept is how long a second delivery is known as one.
const boxKept = 24 * time.Hour

// Sweep forgets messages that were handled, and posts that were sent, more than a day ago. Any replica may do
// so at any time.
func (tx *Tx) Sweep() error {
	before := tx.Now().Add(-boxKept).UnixMicro()
	for _, query := range []string{
		`DELETE FROM inbox_keys WHERE message IN (SELECT id FROM inbox WHERE received_at < $1 AND handled_at <> 0)`,
		`DELETE FROM inbox WHERE received_at < $1 AND handled_at <> 0`,
		`DELETE FROM outbox WHERE sent_at <> 0 AND sent_at < $1`,
	} {
		if err := tx.exec("sweep the boxes", query, before); err != nil {
			return err
		}
	}
	return nil
}
