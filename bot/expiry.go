package bot

import (
	"context"
	"errors"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/ledger"
)

// Reports name people, and what is in Slack stays for ever and goes into its exports. So each file is noted in the ledger before
// anybody can see it, the message that carries it says until when it is kept, and then it is deleted by whichever process is at
// hand.

const (
	// defaultRetention is how long reports are kept unless it is said otherwise.
	defaultRetention = 7 * 24 * time.Hour
	// overdue is after how long a file that could not be deleted calls for a person.
	overdue = 24 * time.Hour

	expireAtOnce = 20
	// expirePutOff is for how long a file that one process is deleting is no other's. It is longer than so many calls take at
	// Slack's rates.
	expirePutOff = 10 * time.Minute
	// A file that could not be deleted is tried again after expireRetry, which doubles up to expireMost.
	expireRetry = time.Minute
	expireMost  = time.Hour
)

// errUnkept is why a file is not sent: nobody would delete it.
var errUnkept = errors.New("bot: a file could not be noted for its deletion")

// keepUploads notes that files are to be deleted, before anybody sees them. Where there is no ledger nothing is noted: that was
// said at the start.
func (b *bot) keepUploads(ctx context.Context, work string, until time.Time, files []slackapi.Staged) error {
	if b.Ledger == nil {
		return nil
	}
	err := b.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		for _, f := range files {
			if err := tx.KeepUpload(ledger.Upload{File: f.ID, Work: work, UploadedAt: b.pace.now(), DeleteAt: until}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Log.Error("files not sent, since their deletion could not be noted", "work", work, "error", err)
		return errors.Join(errUnkept, err)
	}
	return nil
}

// untilWhen is how long files that are sent now are kept.
func (b *bot) untilWhen() time.Time { return b.pace.now().Add(b.Retention) }

// keptUntil adds to a message that carries files until when they are kept.
func (b *bot) keptUntil(m slackapi.Message, until time.Time) slackapi.Message {
	if b.Ledger == nil {
		return m
	}
	parts := append([]slackapi.Part(nil), m.Parts...)
	m.Parts = append(parts, slackapi.Part{Text: "Kept until " + moment(until) + "; then I delete the files."})
	return m
}

// expireAll deletes what is due at a pace, until ctx ends.
func (b *bot) expireAll(ctx context.Context) {
	t := time.NewTicker(b.pace.sweep)
	defer t.Stop()
	for {
		guard(func() { b.expire(ctx) }, func(p any) { b.Log.Error("panic", "panic", p) })
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// expire deletes the files whose time is over.
func (b *bot) expire(ctx context.Context) {
	for ctx.Err() == nil {
		now := b.pace.now()
		waiting, err := b.Ledger.Uploads(ctx, now)
		if err != nil {
			b.unexpired(ctx, err)
			return
		}
		b.metrics.expiring(waiting, now)
		if len(waiting) == 0 {
			return
		}
		var due []ledger.Upload
		err = b.Ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
			due, err = tx.DueUploads(now, expireAtOnce, expirePutOff)
			return err
		})
		if err != nil {
			b.unexpired(ctx, err)
			return
		}
		if len(due) == 0 || !b.expireThese(ctx, due, now) {
			return
		}
	}
}

// expireThese deletes files that were taken at a time; false says that Slack takes no more for now.
func (b *bot) expireThese(ctx context.Context, due []ledger.Upload, now time.Time) bool {
	for i, u := range due {
		err := b.client.Delete(ctx, u.File)
		if ctx.Err() != nil {
			return false // comes again
		}
		if err == nil {
			err = b.Ledger.Do(ctx, func(tx *ledger.Tx) error { return tx.UploadGone(u.File, now) })
			if err != nil {
				b.unexpired(ctx, err)
				return false
			}
			b.Log.Info("file deleted, since its time is over", "file", u.File, "work", u.Work)
			continue
		}
		b.stays(ctx, u, err, now)
		// No answer, or none but "later", is about all files.
		if code := slackapi.Code(err); code == "" || code == slackapi.CodeRateLimited {
			for _, rest := range due[i+1:] {
				b.putOff(ctx, rest, err, now.Add(expireRetry))
			}
			return false
		}
	}
	return true
}

// stays notes that a file could not be deleted. After a day that is an alarm.
func (b *bot) stays(ctx context.Context, u ledger.Upload, err error, now time.Time) {
	b.metrics.undeleted.Inc()
	log := b.Log.With("file", u.File, "work", u.Work, "attempts", u.Attempts, "error", err)
	if late := now.Sub(u.DeleteAt); late >= overdue {
		log.Error("a file is in Slack for longer than people were told, and cannot be deleted: somebody has to delete it", "overdue", late.Round(time.Minute).String())
	} else {
		log.Warn("file not deleted, to be tried again")
	}
	b.putOff(ctx, u, err, now.Add(min(expireRetry<<min(u.Attempts-1, 10), expireMost)))
}

func (b *bot) putOff(ctx context.Context, u ledger.Upload, why error, again time.Time) {
	err := b.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		return tx.UploadStays(u.File, line(why.Error()), again)
	})
	if err != nil {
		b.unexpired(ctx, err)
	}
}

// unexpired says that the ledger did not take what it was told, or tell what it was asked.
func (b *bot) unexpired(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	b.Log.Error("files not swept", "error", err)
	b.hurt(err)
}

// hurt ends the bot if the error says that its ledger takes nothing more until it is opened anew.
func (b *bot) hurt(err error) {
	gone, failed := errors.AsType[*ledger.FailedError](err)
	if !failed {
		return
	}
	select {
	case b.broken <- gone:
	default: // it was said
	}
}
