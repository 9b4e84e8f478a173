package ledger

import (
	"context"
	"database/sql"
	"time"
)

// Post is something that is to be sent, and is sent again until it is known to have arrived.
type Post struct {
	// Key names it for good: the same key is sent once, however often it is queued.
	Key      string
	Body     []byte // without anything secret
	DueAt    time.Time
	QueuedAt time.Time // by the store's clock
	Attempts int64
	Error    string // of the last attempt
}

// Queue stores what is to be sent from DueAt on (zero: from now on). It belongs into the transaction whose
// outcome it tells of. A key that was queued before changes nothing.
func (tx *Tx) Queue(p Post) error {
	if p.Key == "" {
		return &RefusedError{What: "queue a post", Why: "it has no key"}
	}
	due := micros(p.DueAt)
	if due == 0 {
		due = tx.head.at
	}
	return tx.exec("queue a post", `INSERT INTO outbox (key, body, queued_at, due_at, attempts, error, sent_at) VALUES ($1, $2, $3, $4, 0, '', 0) ON CONFLICT (key) DO NOTHING`,
		p.Key, bytesOf(p.Body), tx.head.at, due)
}

// Due takes up to n posts whose time has come, the oldest first, and puts them off for a while: so other replicas do not
// send them too, and they come again if this one dies.
func (tx *Tx) Due(n int, putOff time.Duration) ([]Post, error) {
	list, err := tx.posts(tx.ctx, `WHERE sent_at = 0 AND due_at <= $1 ORDER BY due_at, key LIMIT $2`, tx.head.at, int64(n))
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Attempts++
		if err := tx.exec("take a post", `UPDATE outbox SET due_at = $1, attempts = attempts + 1 WHERE key = $2`, tx.head.at+putOff.Microseconds(), list[i].Key); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Sent says that a post has arrived.
func (tx *Tx) Sent(key string) error {
	return tx.exec("end a post", `UPDATE outbox SET sent_at = $1, error = '' WHERE key = $2 AND sent_at = 0`, tx.head.at, key)
}

// Unsent says that sending failed, and after how long to try again: by the store's clock, since a process whose own is wrong would put it
// off for as long as that is wrong, or not at all.
func (tx *Tx) Unsent(key, reason string, wait time.Duration) error {
	return tx.exec("put off a post", `UPDATE outbox SET due_at = $1, error = $2 WHERE key = $3 AND sent_at = 0`, tx.head.at+wait.Microseconds(), plain(reason), key)
}

// Outbox lists what is not known to have arrived, the oldest first.
func (r reader) Outbox(ctx context.Context) ([]Post, error) {
	return r.posts(ctx, `WHERE sent_at = 0 ORDER BY queued_at, key`)
}

func (r reader) posts(ctx context.Context, clause string, args ...any) ([]Post, error) {
	return rows(ctx, r, "read the outbox", `SELECT key, body, due_at, queued_at, attempts, error FROM outbox `+clause, args, func(row *sql.Rows) (Post, error) {
		var p Post
		var due, queued int64
		err := row.Scan(&p.Key, &p.Body, &due, &queued, &p.Attempts, &p.Error)
		p.DueAt, p.QueuedAt = instant(due), instant(queued)
		return p, err
	})
}
