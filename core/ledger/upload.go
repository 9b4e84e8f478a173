package ledger

import (
	"context"
	"database/sql"
	"time"
)

// Upload is a file that was sent to Slack and is to be deleted there. Its times are by the clock of whoever keeps it: the one by
// which people were told how long the file is kept.
type Upload struct {
	File string // Slack's id
	Work string // of which job or plan it is a report: "job/…", "plan/…"
	// UploadedAt is when it was sent, DeleteAt until when it is kept.
	UploadedAt, DeleteAt time.Time
	Attempts             int64
	Error                string // of the last attempt to delete it
}

// uploadKept is how long it is known of a file that it was deleted.
const uploadKept = 30 * 24 * time.Hour

// KeepUpload notes that a file is to be deleted. It belongs before the moment when people can see the file. A file that is noted
// stays as it is.
func (tx *Tx) KeepUpload(u Upload) error {
	if u.File == "" || u.Work == "" || u.DeleteAt.IsZero() {
		return &RefusedError{What: "keep an upload", Why: "it needs a file, what it is of, and when it is to be deleted"}
	}
	return tx.exec("keep an upload", `INSERT INTO uploads (file, work, uploaded_at, delete_at, next_at, attempts, error, deleted_at) VALUES ($1, $2, $3, $4, $4, 0, '', 0)
		ON CONFLICT (file) DO NOTHING`, u.File, u.Work, micros(u.UploadedAt), micros(u.DeleteAt))
}

// DueUploads takes up to n files that are to be deleted by now, the oldest first, and puts them off for a while: so other replicas
// do not delete them too, and they come again if this one dies.
func (tx *Tx) DueUploads(now time.Time, n int, putOff time.Duration) ([]Upload, error) {
	list, err := tx.uploads(tx.ctx, `WHERE deleted_at = 0 AND next_at <= $1 ORDER BY next_at, file LIMIT $2`, micros(now), int64(n))
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Attempts++
		if err := tx.exec("take an upload", `UPDATE uploads SET next_at = $1, attempts = attempts + 1 WHERE file = $2`, micros(now.Add(putOff)), list[i].File); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// UploadGone says that a file is deleted, and forgets those that have been for a month.
func (tx *Tx) UploadGone(file string, now time.Time) error {
	if err := tx.exec("end an upload", `UPDATE uploads SET deleted_at = $1, error = '' WHERE file = $2 AND deleted_at = 0`, micros(now), file); err != nil {
		return err
	}
	return tx.exec("forget uploads", `DELETE FROM uploads WHERE deleted_at <> 0 AND deleted_at < $1`, micros(now.Add(-uploadKept)))
}

// UploadStays says why a file could not be deleted, and when to try again.
func (tx *Tx) UploadStays(file, reason string, again time.Time) error {
	return tx.exec("put off an upload", `UPDATE uploads SET next_at = $1, error = $2 WHERE file = $3 AND deleted_at = 0`, micros(again), plain(reason), file)
}

// Uploads lists the files that are not known to be deleted and that were to be by a time, the oldest first.
func (r reader) Uploads(ctx context.Context, due time.Time) ([]Upload, error) {
	return r.uploads(ctx, `WHERE deleted_at = 0 AND delete_at <= $1 ORDER BY delete_at, file`, micros(due))
}

func (r reader) uploads(ctx context.Context, clause string, args ...any) ([]Upload, error) {
	return rows(ctx, r, "read the uploads", `SELECT file, work, uploaded_at, delete_at, attempts, error FROM uploads `+clause, args, func(row *sql.Rows) (Upload, error) {
		var u Upload
		var at, until int64
		err := row.Scan(&u.File, &u.Work, &at, &until, &u.Attempts, &u.Error)
		u.UploadedAt, u.DeleteAt = instant(at), instant(until)
		return u, err
	})
}
