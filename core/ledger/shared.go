package ledger

import (
	"context"
	"database/sql"
	"time"
)

// EventChannelShared is the event of the audit trail that a channel was found to be shared with others, so that nothing is posted in
// it. Its Subject is the channel.
const EventChannelShared = "channel_shared"

// ChannelShared notes that a channel was found to be shared with others, and records that once for as long as it is so. It reports
// whether its owner is to be told, which it then takes as done: whoever cannot tell them calls ChannelUntold.
func (tx *Tx) ChannelShared(channel string, now time.Time, actor Actor, reason string) (tell bool, err error) {
	if channel == "" {
		return false, &RefusedError{What: "note a shared channel", Why: "it has no id"}
	}
	known, err := rows(tx.ctx, tx.reader, "read the shared channels", `SELECT told FROM shared_channels WHERE channel = $1`, []any{channel}, func(row *sql.Rows) (told int64, err error) {
		return told, row.Scan(&told)
	})
	if err != nil {
		return false, err
	}
	if len(known) == 0 {
		if err := tx.append(Event{Event: EventChannelShared, Actor: actor, Subject: channel, Reason: reason}); err != nil {
			return false, err
		}
		return true, tx.exec("note a shared channel", `INSERT INTO shared_channels (channel, since, told) VALUES ($1, $2, 1)`, channel, micros(now))
	}
	if known[0] != 0 {
		return false, nil
	}
	return true, tx.exec("note a shared channel", `UPDATE shared_channels SET told = 1 WHERE channel = $1`, channel)
}

// IsShared reports whether a channel was last found to be shared with others.
func (r reader) IsShared(ctx context.Context, channel string) (bool, error) {
	known, err := rows(ctx, r, "read the shared channels", `SELECT 1 FROM shared_channels WHERE channel = $1`, []any{channel}, func(row *sql.Rows) (one int64, err error) {
		return one, row.Scan(&one)
	})
	return len(known) > 0, err
}

// ChannelUntold says that the owner of a shared channel could not be told: the next who finds it shared is to try again.
func (tx *Tx) ChannelUntold(channel string) error {
	return tx.exec("note a shared channel", `UPDATE shared_channels SET told = 0 WHERE channel = $1`, channel)
}

// ChannelOwn says that a channel is not shared: when it is again, that is news.
func (tx *Tx) ChannelOwn(channel string) error {
	return tx.exec("note a channel", `DELETE FROM shared_channels WHERE channel = $1`, channel)
}
