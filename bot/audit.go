package bot

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/report"
)

// errTooLong is why an audit is interrupted after Config.AuditLimit.
var errTooLong = errors.New("the audit took too long")

// conduct answers one question.
func (b *bot) conduct(n *job) {
	defer b.Settled(n.envelope)
	if !b.jobs.start(n, b.pace.now()) {
		return // cancelled while it waited, which was said then
	}
	defer func() { b.jobs.end(n, b.pace.now()) }()
	defer b.rescue(n.task)
	if b.draining.Load() {
		n.reply.last(b.work, slackapi.Say(sayRestarting))
		return
	}
	// The limit cancels rather than sets a deadline: an engine that is cancelled answers with what
	// it knows, and says so.
	limit := time.AfterFunc(b.AuditLimit, func() { n.stop(errTooLong) })
	defer limit.Stop()

	start := time.Now()
	p := b.watchProgress(n)
	r, err := b.answer(n, p)
	p.stop()
	b.metrics.answered(n.request.Mode(), time.Since(n.reply.born), r, err)
	n.log.Info("audit ended", "mode", n.request.Mode(), "seconds", time.Since(start).Seconds(), "answered", err == nil)
	if err != nil {
		n.reply.last(b.work, explain(n.ctx, err, n.task))
		return
	}
	b.deliver(n.task, r)
}

// answer asks for what the person may see. The progress ends with it also when it panics, so that no note follows
// the last word.
func (b *bot) answer(n *job, p *progress) (report.Report, error) {
	defer p.stop()
	may, err := b.admitted(n)
	if err != nil {
		return nil, err
	}
	e := b.Engine
	if n.fresh && b.Fresh != nil {
		e = b.Fresh
	}
	r, err := e.Answer(n.ctx, may.Request, n.counts.count)
	if err == nil && r == nil {
		err = errors.New("the engine gave no answer")
	}
	return may.Show(r, err)
}

// deliver shows the answer, and the whole of it as files: in the channel where that was asked for and is allowed, and else to
// the person alone, the files in a direct message, because what is ephemeral cannot carry any.
func (b *bot) deliver(t *task, r report.Report) {
	a, err := compose(r)
	if err != nil {
		t.reply.last(b.work, explain(b.work, err, t))
		return
	}
	files, unwritten := b.render(t, r, a.words())
	p := b.publish(b.work, t, r, a, files)
	note := leftOut(unwritten)
	if !p.files {
		note = join(b.sendFiles(t, a, files), note)
	}
	if p.summary {
		t.reply.last(b.work, slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Paragraph, Text: slackapi.Cut(join(p.say, note), maxNote)}}})
		return
	}
	t.reply.last(b.work, a.message(p.say, note))
}

// sendFiles sends the report as files in a direct message, and gives a sentence about that.
func (b *bot) sendFiles(t *task, a answer, files []slackapi.File) string {
	channel, err := t.reply.conversation(b.work)
	s := shared{err: err}
	if err == nil {
		words := slackapi.Message{Parts: append([]slackapi.Part{{Kind: slackapi.Paragraph, Text: "The report of: " + t.asked + " (job " + t.id + ")."}}, a.foot...)}
		s = b.share(b.work, t, place{channel: channel}, words, files)
	}
	if s.err != nil {
		t.log.Error("files not delivered", "error", s.err)
		return join(undelivered(s.err, a.shortened), s.leftOut())
	}
	return join("The whole report is in your direct messages with me: "+names(s.sent)+".", s.leftOut())
}

// undelivered says that no file arrived, why, and what to do.
func undelivered(err error, shortened bool) string {
	why := "I could not send the report as files: " + reasonOf(err) + "."
	if shortened {
		return why + " What you see above is shortened. The command line gives the whole: databricks-access-audit … -o html --output-file report.html"
	}
	return why + " What you see above is the whole answer."
}

// newTaskID makes a short name for logs, files and talk. It is no secret.
func newTaskID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
