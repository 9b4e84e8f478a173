package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

// The words at the desk.
const (
	// sayRefused is one text for everybody who may not ask: it does not tell who is what.
	sayRefused   = "Only full members of this workspace with a confirmed e-mail address may ask me. Guests, apps and people from elsewhere may not."
	sayUnchecked = "I could not check with Slack who you are, so I cannot answer. Please try again in a minute."
	sayUnfound   = "I could not look up with Slack whom you mention. Please try again in a minute, or write the e-mail address."
	sayOne       = "I am still working on your last question (job %s); I take one at a time from each person. Please repeat this one when it is answered, or say cancel first."
	sayFull      = "I am busy: %d questions are waiting already. Please try again in about %s."
)

// serve deals with one command: who asks, what is asked, and whether there is room for it.
func (b *bot) serve(c slackapi.Command, taken time.Time) {
	t := &task{
		id: newTaskID(), envelope: c.EnvelopeID, user: c.UserID, channel: c.ChannelID,
		log: b.Log.With("envelope_id", c.EnvelopeID, "user", c.UserID),
	}
	t.log = t.log.With("job", t.id)
	t.reply = &reply{door: b.door, now: b.pace.now, log: t.log, count: b.Count, user: c.UserID, url: c.ResponseURL, born: taken}
	handed := false
	defer func() {
		if !handed {
			b.Settled(c.EnvelopeID)
		}
	}()
	defer b.rescue(t)

	m, err := b.understand(b.work, t, c)
	if err != nil {
		b.metrics.refusedPerson(err)
		m = refusal(err, t)
	}
	switch {
	case t.request == nil:
		t.reply.last(b.work, m)
	case b.draining.Load():
		t.reply.last(b.work, slackapi.Say(sayRestarting))
	default:
		handed = b.enqueue(t)
	}
}

// task is one command on its way.
type task struct {
	id       string
	envelope string
	user     string
	channel  string // where it was asked
	asked    string // the question in the person's words
	request  query.Request
	public   bool // to be answered where everybody sees it, if that is allowed
	fresh    bool // to be answered from the account itself
	reply    *reply
	log      *slog.Logger
}

// understand finds what is asked, and that the person may ask. Without a question it gives the
// usage, which is all that is to be said.
func (b *bot) understand(ctx context.Context, t *task, c slackapi.Command) (slackapi.Message, error) {
	if err := b.people.admit(ctx, b.team, c.UserID); err != nil {
		return slackapi.Message{}, &admission{err}
	}
	if c.Name != b.Command {
		return usage(b.Command), nil
	}
	split, err := words(c.Text, func(id string) (string, error) { return b.people.email(ctx, b.team, id) })
	if err != nil {
		return slackapi.Message{}, err
	}
	if len(split) == 0 || strings.EqualFold(split[0], "help") || strings.EqualFold(split[0], "--help") {
		return usage(b.Command), nil
	}
	if said, ok := b.control(c.UserID, split); ok {
		return said, nil
	}
	split, t.public = takeFlag(split, publicFlag)
	split, t.fresh = takeFlag(split, freshFlag)
	request, err := query.Parse(split)
	if err != nil {
		return slackapi.Message{}, err
	}
	t.request, t.asked = request, formatters.Truncate(formatters.EscapeLine(strings.Join(split, " ")), 200)
	return slackapi.Message{}, nil
}

// admission is the error of somebody who was not let in.
type admission struct{ error }

func (a *admission) Unwrap() error { return a.error }

// refusal puts into words why there is no question to answer.
func refusal(err error, t *task) slackapi.Message {
	if stranger, ok := errors.AsType[*errStranger](err); ok {
		t.log.Warn("person refused", "reason", stranger.reason)
		return slackapi.Say(sayRefused)
	}
	if _, ok := errors.AsType[*admission](err); ok {
		t.log.Error("person not checked", "error", err)
		return slackapi.Say(sayUnchecked)
	}
	if wrong, ok := isUsage(err); ok {
		return misused(wrong)
	}
	t.log.Error("mention not looked up", "error", err)
	return slackapi.Say(sayUnfound)
}

// enqueue hands a question to the audits, and says so first: the note must not come after the
// answer.
func (b *bot) enqueue(t *task) (taken bool) {
	n, err := b.jobs.begin(b.audit, t, b.pace.now())
	switch {
	case errors.Is(err, errOneAtATime):
		t.reply.last(b.work, slackapi.Say(fmt.Sprintf(sayOne, n.id)))
		return false
	case err != nil:
		t.reply.last(b.work, slackapi.Say(fmt.Sprintf(sayFull, auditQueue, lasting(b.jobs.room()))))
		return false
	}
	defer func() {
		if !taken {
			b.jobs.end(n, b.pace.now())
		}
	}()
	t.reply.note(b.work, slackapi.Say(b.working(t)), false)
	if b.audits.offer(func() { b.conduct(n) }) {
		return true
	}
	say := sayBusy
	if b.draining.Load() {
		say = sayRestarting
	}
	t.reply.last(b.work, slackapi.Say(say))
	return false
}

// working says that a question was taken, and who will see its answer if somebody else might have.
func (b *bot) working(t *task) string {
	s := "Working on " + t.asked + " … (job " + t.id + "; say status to see how far it is, cancel to stop it)"
	if v, why := b.allowed(t); t.public && v == None {
		s += " " + why
	}
	return s
}

// rescue turns a panic into an answer: one broken question must not end the bot, nor leave a person
// waiting.
func (b *bot) rescue(t *task) {
	if p := recover(); p != nil {
		t.log.Error("panic", "panic", p, "stack", string(debug.Stack()))
		t.reply.last(b.work, slackapi.Say("Something went wrong inside, so there is no answer. Please tell the people who run this bot, with the number "+t.id+"."))
	}
}
