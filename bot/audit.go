package bot

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/report"
)

// errTooLong is why an audit is interrupted after Config.AuditLimit.
var errTooLong = errors.New("the audit took too long")

// conduct answers one question.
func (b *bot) conduct(t *task) {
	defer b.Settled(t.envelope)
	defer b.fair.end(t.user)
	defer b.rescue(t)
	if b.draining.Load() {
		t.reply.last(b.work, slackapi.Say(sayRestarting))
		return
	}
	// The limit cancels rather than sets a deadline: an engine that is cancelled answers with what
	// it knows, and says so.
	ctx, cancel := context.WithCancelCause(b.audit)
	defer cancel(nil)
	limit := time.AfterFunc(b.AuditLimit, func() { cancel(errTooLong) })
	defer limit.Stop()

	start := time.Now()
	p := b.watchProgress(t)
	r, err := answerOf(ctx, b.Engine, t, p)
	p.stop()
	b.metrics.answered(t.request.Mode(), time.Since(t.reply.born), r, err)
	t.log.Info("audit ended", "mode", t.request.Mode(), "seconds", time.Since(start).Seconds(), "answered", err == nil)
	if err != nil {
		t.reply.last(b.work, explain(ctx, err, t))
		return
	}
	b.deliver(t, r)
}

// answerOf asks the engine. The progress ends with it also when it panics, so that no note follows
// the last word.
func answerOf(ctx context.Context, e Engine, t *task, p *progress) (report.Report, error) {
	defer p.stop()
	r, err := e.Answer(ctx, t.request, p.count)
	if err == nil && r == nil {
		err = errors.New("the engine gave no answer")
	}
	return r, err
}

// deliver shows the answer to the person alone, and sends the whole of it as a file.
func (b *bot) deliver(t *task, r report.Report) {
	a, err := compose(r)
	if err != nil {
		t.reply.last(b.work, explain(b.work, err, t))
		return
	}
	name := fmt.Sprintf("access-audit-%s-%s.csv", t.id, b.pace.now().UTC().Format(time.DateOnly))
	note := "The whole report is in your direct messages with me: " + name
	if err := t.sendFile(b.work, r, name); err != nil {
		t.log.Error("file not delivered", "error", err)
		note = undelivered(err, a.shortened)
	}
	t.reply.last(b.work, slackapi.Message{Parts: append(a.parts, slackapi.Part{Kind: slackapi.Paragraph, Text: note})})
}

// sendFile sends the report as CSV in a direct message: what is ephemeral cannot carry a file.
func (t *task) sendFile(ctx context.Context, r report.Report, name string) error {
	content, err := csv(r)
	if err != nil {
		return err
	}
	if len(content) > maxFile {
		return errTooLarge
	}
	channel, err := t.reply.conversation(ctx)
	if err != nil {
		return err
	}
	return t.reply.door.Upload(ctx, slackapi.File{
		Channel: channel, Name: name, Title: name, Content: content,
		Comment: "The report that you asked for.",
	})
}

var errTooLarge = errors.New("the report is larger than 20 MB")

// undelivered says that the file did not arrive, why, and what to do.
//
// https://docs.slack.dev/reference/methods/files.completeUploadExternal#errors
func undelivered(err error, shortened bool) string {
	why := "I could not send the report as a file"
	switch code := slackapi.Code(err); {
	case errors.Is(err, errTooLarge):
		why = "The report is too large to send as a file"
	case strings.HasPrefix(code, "file_uploads_") || code == "file_type_not_allowed" || code == "file_upload_size_restricted":
		why = "This workspace does not allow me to send the report as a file (" + code + ")"
	case code == "storage_limit_reached":
		why = "This workspace has no room for the report as a file (" + code + ")"
	case code == slackapi.CodeRateLimited:
		why = "Slack takes no more files from me just now"
	case code != "":
		why += " (" + code + ")"
	}
	if shortened {
		return why + ", and what you see above is shortened. The command line gives the whole: databricks-access-audit … -o csv"
	}
	return why + ". What you see above is the whole answer."
}

// newTaskID makes a short name for logs, files and talk. It is no secret.
func newTaskID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
