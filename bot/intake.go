package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/ledger"
)

var _ slackapi.Keeper = (*socket)(nil)

// Keep gives what is about plans to clones.
func (s *socket) Keep(d slackapi.Delivery, ack slackapi.Ack) bool {
	return s.bot.clones != nil && s.bot.clones.keep(d, ack)
}

// Words for those whose command or click could not be kept.
const (
	sayNotKept = "I could not take this down just now, so nothing was done. Please try again in a minute."
	sayHaste   = "That were many clicks and replies in a minute. Please try this one again shortly."
)

// keep takes a delivery over. It only decides in memory: the socket's loop waits for it.
func (c *clones) keep(d slackapi.Delivery, ack slackapi.Ack) bool {
	if d.Command != nil && d.Command.Name != c.command {
		return false
	}
	if c.idle(d) {
		return false
	}
	now := c.pace.now()
	c.lastCommand.Store(time.Now().UnixNano())
	from := sender(d)
	log := c.logOf(d, from.user)
	if why := c.void(d, from); why != "" {
		log.Warn("delivery void", "kind", from.kind, "reason", why)
		c.let(d, ack, "")
		return true
	}
	hasty := ""
	switch {
	case d.Command != nil && c.draining.Load():
		hasty = sayRestarting
	case d.Command != nil:
		if wait := c.fair.allow(from.user, now); wait > 0 {
			hasty = fmt.Sprintf(sayTooMany, lasting(wait))
		}
	case d.Change == nil && d.Command == nil && c.clicks.allow(from.user, now) > 0:
		hasty = sayHaste
	}
	if hasty != "" && (d.Command != nil || d.Submission != nil) {
		c.let(d, ack, hasty)
		return true
	}
	if hasty != "" { // Slack shows that the click had no effect, and sends the reply again
		log.Warn("delivery not taken", "reason", "too many")
		c.Settled(d.EnvelopeID)
		return true
	}
	late := time.Now().Add(c.pace.commit)
	if !c.intake.offer(func() { c.receive(d, ack, late, log) }) {
		log.Error("delivery not taken", "reason", "the intake is full")
		if d.Command != nil || d.Submission != nil {
			ack(sayBusy)
		}
		c.Settled(d.EnvelopeID)
	}
	return true
}

// idle reports that nothing comes of an event, so that it is acknowledged and forgotten: neither log nor ledger hears of it. What
// people write to each other is nobody's business here.
func (c *clones) idle(d slackapi.Delivery) bool {
	switch {
	case d.Mention != nil && d.Mention.Plain:
		return !c.PlainReplies || d.Mention.ThreadTS == "" || c.ordered(d.Mention) == nil
	case d.Change != nil: // no vote was given outside of a thread, nor by the bot
		return d.Change.ThreadTS == "" || d.Change.UserID == c.self && c.self != ""
	}
	return false
}

// elsewhere reports that a reply that does not mention the bot is in the thread of no plan.
func (c *clones) elsewhere(ctx context.Context, d slackapi.Delivery) (bool, error) {
	if d.Mention == nil || !d.Mention.Plain {
		return false, nil
	}
	_, err := c.ledger.CardAt(ctx, d.Mention.ChannelID, d.Mention.ThreadTS)
	if err != nil && isNotFound(err) {
		return true, nil
	}
	return false, err
}

// let acknowledges what is not kept.
func (c *clones) let(d slackapi.Delivery, ack slackapi.Ack, say string) {
	ack(say)
	c.Settled(d.EnvelopeID)
}

// source is where a delivery comes from.
type source struct{ kind, app, team, user, channel, ts, doubt string }

func sender(d slackapi.Delivery) source {
	switch {
	case d.Command != nil:
		return source{"command", d.Command.AppID, d.Command.TeamID, d.Command.UserID, d.Command.ChannelID, "", ""}
	case d.Click != nil:
		return source{"click", d.Click.AppID, d.Click.TeamID, d.Click.UserID, d.Click.ChannelID, d.Click.MessageTS, d.Click.Doubt}
	case d.Submission != nil:
		return source{"form", d.Submission.AppID, d.Submission.TeamID, d.Submission.UserID, "", "", d.Submission.Doubt}
	case d.Mention != nil:
		return source{"mention", d.Mention.AppID, d.Mention.TeamID, d.Mention.UserID, d.Mention.ChannelID, d.Mention.TS, d.Mention.Doubt}
	default:
		return source{"change", d.Change.AppID, d.Change.TeamID, d.Change.UserID, d.Change.ChannelID, d.Change.TS, d.Change.Doubt}
	}
}

// void gives the reason why nothing may come of a delivery, empty if something may. All of it is what Slack says of it; who
// the person is comes later.
func (c *clones) void(d slackapi.Delivery, from source) string {
	app := c.appID.Load()
	switch {
	case from.doubt != "":
		return from.doubt
	case from.team != c.team:
		return "of another team"
	case app != nil && from.app != *app:
		return "of another app"
	case d.Change == nil && !memberID.MatchString(from.user):
		return "not of a person"
	case from.user == c.self && c.self != "":
		return "of the bot itself"
	}
	return ""
}

// receive keeps a delivery, acknowledges it, and hands it on.
func (c *clones) receive(d slackapi.Delivery, ack slackapi.Ack, late time.Time, log *slog.Logger) {
	body, err := json.Marshal(d)
	if err != nil {
		log.Error("delivery not kept", "error", err)
		c.let(d, ack, sayNotKept)
		return
	}
	// What takes too long is answered before Slack's patience ends, and then is no longer to be done, though it were kept.
	var told atomic.Bool
	timer := time.AfterFunc(time.Until(late), func() {
		if d.Mention == nil && d.Change == nil && told.CompareAndSwap(false, true) {
			c.refuse(d, ack, log)
		}
	})
	defer timer.Stop()
	within, cancel := context.WithDeadline(c.work, late)
	defer cancel()
	away, err := c.elsewhere(within, d)
	if away {
		c.let(d, ack, "")
		return
	}
	if err != nil {
		log.Error("delivery not kept", "error", err)
		c.Settled(d.EnvelopeID) // it comes again
		return
	}
	m, fresh, err := c.inbox.receive(c.work, ledger.Message{Keys: keysOf(d), Body: body})
	event := d.Mention != nil || d.Change != nil
	if err != nil {
		log.Error("delivery not kept", "error", err)
		if !event && told.CompareAndSwap(false, true) {
			c.refuse(d, ack, log)
		}
		c.Settled(d.EnvelopeID) // an event comes again
		return
	}
	if !told.CompareAndSwap(false, true) {
		if fresh {
			c.handled(m.ID, log)
		}
		c.Settled(d.EnvelopeID)
		return
	}
	ack("")
	if !fresh {
		c.metrics.repeated.Inc()
		log.Info("delivered again, not taken")
		c.Settled(d.EnvelopeID)
		return
	}
	c.hand(m.ID, d, m.ReceivedAt)
}

// refuse says to a person that nothing will come of a command or click.
func (c *clones) refuse(d slackapi.Delivery, ack slackapi.Ack, log *slog.Logger) {
	ack(sayNotKept)
	if d.Click == nil {
		return
	}
	if err := c.door.Respond(c.work, d.Click.ResponseURL, slackapi.Say(sayNotKept), false); err != nil {
		log.Error("answer lost", "error", err)
	}
}

// keysOf are the names by which a second delivery is known.
func keysOf(d slackapi.Delivery) []string {
	keys := []string{"envelope/" + d.EnvelopeID}
	switch {
	case d.Command != nil:
		if id := d.Command.TriggerID; id != "" {
			sum := sha256.Sum256([]byte(id)) // it works like a password, for a moment
			keys = append(keys, "trigger/"+hex.EncodeToString(sum[:]))
		}
	case d.Click != nil:
		keys = append(keys, "click/"+d.Click.UserID+"/"+d.Click.ActionTS)
	case d.Submission != nil:
		keys = append(keys, "form/"+d.Submission.ViewID)
	case d.Mention != nil:
		keys = append(keys, "event/"+d.Mention.EventID, "message/"+d.Mention.ChannelID+"/"+d.Mention.TS)
	case d.Change != nil:
		keys = append(keys, "event/"+d.Change.EventID)
	}
	return keys
}

// errand is a delivery that is being dealt with.
type errand struct {
	id  string // in the inbox
	d   slackapi.Delivery
	log *slog.Logger
	at  time.Time // received
	// Who said it, where.
	user, channel, ts string
	// posts are queued when it is done, in the same transaction.
	posts []post
}

// hand gives a kept delivery to its lane. One for which there is no room stays in the inbox, and is taken up later.
func (c *clones) hand(id string, d slackapi.Delivery, at time.Time) {
	if !c.take(id) {
		return
	}
	from := sender(d)
	j := &errand{id: id, d: d, at: at, log: c.logOf(d, from.user), user: from.user, channel: from.channel, ts: from.ts}
	lane := c.lanes.votes
	if d.Command != nil {
		lane = c.lanes.plans
	}
	if lane.offer(func() { c.serve(j) }) {
		return
	}
	c.drop(id)
	j.log.Warn("delivery waits in the inbox")
	if d.Command != nil {
		c.answer(j, slackapi.Say(sayFull))
		c.finish(j)
		return
	}
	c.Settled(d.EnvelopeID)
}

// serve deals with a delivery, once it is its turn.
func (c *clones) serve(j *errand) {
	defer c.drop(j.id)
	defer c.finish(j)
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("panic", "panic", p, "stack", string(debug.Stack()))
			j.posts = nil
			c.answer(j, slackapi.Say("Something went wrong inside, and I cannot tell what became of this. Please tell the people who run this bot."))
		}
	}()
	switch {
	case j.d.Command != nil:
		c.propose(j, j.d.Command)
	case j.d.Click != nil:
		c.click(j, j.d.Click)
	case j.d.Submission != nil:
		c.submitted(j, j.d.Submission)
	case j.d.Mention != nil:
		c.reply(j, j.d.Mention)
	case j.d.Change != nil:
		c.changed(j, j.d.Change)
	}
}

// finish queues what is to be said and carried out, and marks the delivery as dealt with, all at once or not at all.
func (c *clones) finish(j *errand) {
	defer c.Settled(j.d.EnvelopeID)
	err := c.ledger.Do(c.work, func(tx *ledger.Tx) error {
		if err := queue(tx, j.posts); err != nil {
			return err
		}
		return tx.Handled(j.id)
	})
	if err != nil {
		j.log.Error("delivery will be dealt with again", "error", err)
		return
	}
	c.knock()
}

func (c *clones) handled(id string, log *slog.Logger) {
	if err := c.ledger.Do(c.work, func(tx *ledger.Tx) error { return tx.Handled(id) }); err != nil {
		log.Error("delivery not marked as dealt with", "error", err)
	}
}

// takeUp deals with what was received and not dealt with: by a process that ended, or for want of room.
func (c *clones) takeUp(start bool) {
	now := c.storeTime()
	left, err := c.ledger.Unhandled(c.work, now.Add(time.Second))
	if err != nil {
		c.Log.Error("inbox not read", "error", err)
		return
	}
	alone := !strings.HasPrefix(c.ledger.Location(), "postgres")
	for _, m := range left {
		var d slackapi.Delivery
		if err := json.Unmarshal(m.Body, &d); err != nil {
			c.Log.Error("inbox: not readable", "error", err)
			c.handled(m.ID, c.Log)
			continue
		}
		age := now.Sub(m.ReceivedAt)
		switch {
		case c.has(m.ID), !(start && alone) && age < c.pace.stuck:
		case d.Command == nil:
			c.hand(m.ID, d, m.ReceivedAt)
		case start && alone || age >= 10*c.pace.stuck:
			c.abandon(m.ID, d, m.ReceivedAt)
		}
	}
}

func (c *clones) has(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy[id]
}

// abandon tells somebody that their command was lost with the process that had it: to make the plan now could be hours too late.
func (c *clones) abandon(id string, d slackapi.Delivery, at time.Time) {
	from := sender(d)
	j := &errand{id: id, d: d, at: at, log: c.logOf(d, from.user), user: from.user, channel: from.channel}
	c.answer(j, slackapi.Say("I was restarted before there was a plan. Please repeat the command: "+line(c.command+" "+d.Command.Text)))
	c.finish(j)
}

// storeTime is the time by the ledger's clock, as messages and posts are stamped; the process's own if that cannot be had.
func (c *clones) storeTime() (now time.Time) {
	now = c.pace.now()
	_ = c.ledger.Do(c.work, func(tx *ledger.Tx) error {
		now = tx.Now()
		return nil
	})
	return now
}
