package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/urgent"
)

// post is something to be said or carried out, as the outbox keeps it. It holds no secret.
type post struct {
	// Key names it for good: the same key is queued once.
	Key     string            `json:"-"`
	Kind    postKind          `json:"kind"`
	Plan    string            `json:"plan,omitempty"`
	User    string            `json:"user,omitempty"`
	Channel string            `json:"channel,omitempty"`
	Message *slackapi.Message `json:"message,omitempty"`
	// Again says of postShow that there is something to show although the edition is the same.
	Again bool          `json:"again,omitempty"`
	By    *ledger.Actor `json:"by,omitempty"`
}

type postKind string

const (
	postCard    postKind = "card"    // the plan's message is written
	postShow    postKind = "show"    // … and brought up to date
	postThread  postKind = "thread"  // Message under it
	postFiles   postKind = "files"   // the files under it
	postWhisper postKind = "whisper" // Message to User alone, in Channel or else directly
	postNotice  postKind = "notice"  // Message in Channel, for everybody in it
	orderApply  postKind = "apply"   // the plan is carried out, on the word of By
	orderUndo   postKind = "undo"    // … or taken back
)

func thread(plan, key string, m slackapi.Message) post {
	return post{Key: "thread/" + plan + "/" + key, Kind: postThread, Plan: plan, Message: &m}
}

// show brings the plan's message up to what a case says.
func show(plan string, edition int64) post {
	return post{Key: fmt.Sprintf("show/%s/%d", plan, edition), Kind: postShow, Plan: plan}
}

// heldKey names the time, of those in this version of a plan, that it could not be begun.
func heldKey(version int64, times int) string { return fmt.Sprintf("held/%d/%d", version, times) }

// tellHeld tells at a plan's message and under it that it could not be begun. Whoever tells it, it is told once for each time.
func tellHeld(plan string, version int64, times int, m slackapi.Message) []post {
	key := heldKey(version, times)
	return []post{thread(plan, key, m), {Key: "show/" + plan + "/" + key, Kind: postShow, Plan: plan, Again: true}}
}

// apply orders that a plan that became approved with this version is carried out.
func apply(plan string, version int64, by ledger.Actor) post {
	return post{Key: fmt.Sprintf("apply/%s/%d", plan, version), Kind: orderApply, Plan: plan, By: &by}
}

// queue puts posts into the outbox, in their order.
func queue(tx *ledger.Tx, posts []post) error {
	for i, p := range posts {
		body, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("queue %s: %w", p.Key, err)
		}
		if err := tx.Queue(ledger.Post{Key: p.Key, Body: body, DueAt: tx.Now().Add(time.Duration(i) * time.Microsecond)}); err != nil {
			return err
		}
	}
	return nil
}

// knock tells the mail that there is something in the outbox.
func (c *clones) knock() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// mail sends what is in the outbox until the loops are to end, and then what is due once more.
func (c *clones) mail() {
	t := time.NewTicker(c.pace.mail)
	defer t.Stop()
	for {
		guard(c.deliverAll, func(p any) { c.Log.Error("panic", "panic", p) })
		select {
		case <-c.loops.Done():
			c.deliverAll()
			return
		case <-c.wake:
		case <-t.C:
		}
	}
}

const (
	mailAtOnce = 20
	// mailLife is after how long a post that Slack does not take is given up.
	mailLife   = 24 * time.Hour
	mostPause  = 5 * time.Minute
	mostDouble = 10
)

// deliverAll sends what is due. Posts of a plan keep their order as long as none fails.
func (c *clones) deliverAll() {
	for {
		waiting, err := c.ledger.Outbox(c.work)
		if err != nil || len(waiting) == 0 {
			if err != nil && c.work.Err() == nil {
				c.Log.Error("outbox not read", "error", err)
			}
			return
		}
		var taken []ledger.Post
		var now time.Time
		err = c.ledger.Do(c.work, func(tx *ledger.Tx) (err error) {
			now = tx.Now()
			taken, err = tx.Due(mailAtOnce, c.pace.putOff)
			return err
		})
		if err != nil || len(taken) == 0 {
			if err != nil && c.work.Err() == nil {
				c.Log.Error("outbox not taken", "error", err)
			}
			return
		}
		stuck := map[string]bool{}
		for _, d := range c.orders(taken) {
			c.deliverOne(d, now, stuck)
		}
	}
}

// due is a post that is due.
type due struct {
	post
	kept ledger.Post
}

// orders has the works begin that are ordered, since nothing that is to be said need be said first, and gives what is to be said.
func (c *clones) orders(list []ledger.Post) (rest []due) {
	for _, d := range list {
		var p post
		if err := json.Unmarshal(d.Body, &p); err != nil {
			c.Log.Error("outbox: not readable", "key", d.Key, "error", err)
			c.sent(d.Key, nil)
			continue
		}
		p.Key = d.Key
		if p.Kind == orderApply || p.Kind == orderUndo {
			c.order(p)
			continue
		}
		rest = append(rest, due{p, d})
	}
	return rest
}

// deliverOne sends a post, and notes what became of it.
func (c *clones) deliverOne(d due, now time.Time, stuck map[string]bool) {
	p := d.post
	err := errWaits
	if !stuck[p.Plan] || p.Plan == "" {
		err = c.send(c.urgent, p)
	}
	switch {
	case err == nil:
	case c.work.Err() != nil: // comes again at the next start
	case now.Sub(d.kept.QueuedAt) > mailLife:
		c.Log.Error("post given up", "key", d.Key, "error", err)
		c.sent(d.Key, nil)
	default:
		stuck[p.Plan] = true
		pause := c.pace.retry << min(d.kept.Attempts, mostDouble)
		if errors.Is(err, errWaits) {
			pause = c.pace.retry
		} else {
			c.Log.Warn("post put off", "key", d.Key, "attempt", d.kept.Attempts, "error", err)
		}
		c.unsent(d.Key, err, min(pause, mostPause))
	}
}

// errWaits says that something else must be sent first.
var errWaits = errors.New("waits for an earlier post")

func (c *clones) sent(key string, also func(tx *ledger.Tx) error) {
	err := c.ledger.Do(c.work, func(tx *ledger.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return tx.Sent(key)
	})
	if err != nil {
		c.Log.Error("post not noted as sent", "key", key, "error", err)
	}
}

// unsent puts a post off for a while, by the ledger's clock.
func (c *clones) unsent(key string, why error, wait time.Duration) {
	if err := c.ledger.Do(c.work, func(tx *ledger.Tx) error { return tx.Unsent(key, line(why.Error()), wait) }); err != nil {
		c.Log.Error("post not put off", "key", key, "error", err)
	}
}

// send says one thing. A nil error means that it is noted as sent.
func (c *clones) send(ctx context.Context, p post) error {
	ctx, cancel := context.WithTimeout(ctx, c.pace.deliver)
	defer cancel()
	switch p.Kind {
	case postCard:
		return c.sendCard(ctx, p)
	case postShow:
		return c.sendShow(ctx, p)
	case postThread, postFiles:
		return c.sendThread(ctx, p)
	case postWhisper:
		return c.sendWhisper(ctx, p)
	case postNotice:
		return c.sendNotice(ctx, p)
	default:
		c.Log.Error("outbox: of a kind that this version does not know", "key", p.Key, "kind", p.Kind)
		c.sent(p.Key, nil)
		return nil
	}
}

// room checks a channel before something is posted there. Posts wait for that behind the votes, which need the same of Slack: it
// describes a channel no more than fifty times in a minute.
func (c *clones) room(ctx context.Context, channel string) error {
	return c.place(urgent.Unmark(ctx), channel)
}

// sendCard writes the plan's message. If the process ends between Slack's answer and the note of it, a second message is written,
// which then is the plan's; buttons of the first say so.
func (c *clones) sendCard(ctx context.Context, p post) error {
	if _, err := c.ledger.Card(ctx, p.Plan); err == nil {
		c.sent(p.Key, nil)
		return nil
	}
	m, edition, closed, news, err := c.card(ctx, p.Plan, "")
	if err != nil {
		return err
	}
	if err := c.room(ctx, c.channel); err != nil {
		return err
	}
	ts, err := c.written(ctx, slackapi.Place{Channel: c.channel}, m)
	if err != nil {
		return err
	}
	c.sent(p.Key, func(tx *ledger.Tx) error {
		if err := tx.PutCard(ledger.Card{Plan: p.Plan, Channel: c.channel, TS: ts, Shown: edition, Closed: closed}); err != nil {
			return err
		}
		return queue(tx, news)
	})
	return nil
}

func (c *clones) sendShow(ctx context.Context, p post) error {
	card, err := c.cardOf(ctx, p.Plan)
	if err != nil {
		return err
	}
	if err := c.refresh(ctx, card, "", p.Again); err != nil {
		return err
	}
	c.sent(p.Key, nil)
	return nil
}

// refresh brings a plan's message up to date. A note says what the ledger does not: how far the work has come. Again says that
// there is something to show although the edition is the same.
func (c *clones) refresh(ctx context.Context, card ledger.Card, note string, again bool) error {
	m, edition, closed, news, err := c.card(ctx, card.Plan, note)
	if err != nil || edition <= card.Shown && note == "" && !again {
		return err
	}
	if err := c.room(ctx, card.Channel); err != nil {
		return err
	}
	if err := c.door.Rewrite(ctx, card.Channel, card.TS, m); err != nil && slackapi.Code(err) != "message_not_found" {
		return err
	}
	card.Shown, card.Closed = edition, closed
	defer c.knock()
	return c.ledger.Do(ctx, func(tx *ledger.Tx) error {
		if err := tx.PutCard(card); err != nil {
			return err
		}
		return queue(tx, news)
	})
}

func (c *clones) cardOf(ctx context.Context, plan string) (ledger.Card, error) {
	card, err := c.ledger.Card(ctx, plan)
	if _, none := errors.AsType[*ledger.NotFoundError](err); none {
		return card, errWaits
	}
	return card, err
}

func (c *clones) sendThread(ctx context.Context, p post) error {
	card, err := c.cardOf(ctx, p.Plan)
	if err != nil {
		return err
	}
	if err := c.room(ctx, card.Channel); err != nil {
		return err
	}
	at := slackapi.Place{Channel: card.Channel, Thread: card.TS}
	if p.Kind == postFiles {
		err = c.share(ctx, at, p.Plan)
	} else if p.Message != nil {
		_, err = c.written(ctx, at, *p.Message)
	}
	if err != nil {
		return err
	}
	c.sent(p.Key, nil)
	return nil
}

// share sends the files of a plan. Where files may not be sent, that is said instead.
func (c *clones) share(ctx context.Context, at slackapi.Place, plan string) error {
	s, err := c.showing(ctx, plan)
	if err != nil || len(s.Files) == 0 {
		return err
	}
	var staged []slackapi.Staged
	for _, f := range s.Files {
		var one slackapi.Staged
		if one, err = c.door.Stage(ctx, f); err != nil {
			break
		}
		staged = append(staged, one)
	}
	until := c.untilWhen()
	if err == nil {
		err = c.keepUploads(ctx, "plan/"+plan, until, staged)
	}
	if err == nil {
		err = c.door.Share(ctx, at.Channel, at.Thread, c.keptUntil(slackapi.Say("The whole plan."), until), staged...)
	}
	code := slackapi.Code(err)
	if strings.HasPrefix(code, "file_") || code == "storage_limit_reached" || code == "missing_scope" {
		_, err = c.written(ctx, at, slackapi.Say(undelivered(err, false)))
	}
	return err
}

// written writes a message; one whose form Slack refuses is written once more as its paragraphs and buttons alone.
func (c *clones) written(ctx context.Context, at slackapi.Place, m slackapi.Message) (ts string, err error) {
	ts, err = c.door.Write(ctx, at, m)
	if err != nil && malformed(err) {
		c.Log.Error("Slack refused the form of a message", "error", err)
		short := paragraphs(m)
		short.Buttons = m.Buttons
		ts, err = c.door.Write(ctx, at, short)
	}
	return ts, err
}

// paragraphs are what a message says without what it draws.
func paragraphs(m slackapi.Message) slackapi.Message {
	var short slackapi.Message
	for _, p := range m.Parts {
		if p.Kind != slackapi.Preformatted {
			short.Parts = append(short.Parts, slackapi.Part{Kind: slackapi.Paragraph, Text: slackapi.Cut(p.Text, 1000)})
		}
	}
	return short
}

// sendNotice writes a message into a channel of its own, which has to be one that plans may be shown in.
func (c *clones) sendNotice(ctx context.Context, p post) error {
	if p.Message == nil {
		c.sent(p.Key, nil)
		return nil
	}
	if err := c.room(ctx, p.Channel); err != nil {
		return err
	}
	if _, err := c.written(ctx, slackapi.Place{Channel: p.Channel}, *p.Message); err != nil {
		return err
	}
	c.sent(p.Key, nil)
	return nil
}

// sendWhisper says something to one person: where they are, or else in a direct message.
func (c *clones) sendWhisper(ctx context.Context, p post) error {
	if p.Message == nil {
		c.sent(p.Key, nil)
		return nil
	}
	err := error(&slackapi.Error{Code: "channel_not_found"})
	if p.Channel != "" {
		err = c.door.Whisper(ctx, slackapi.Place{Channel: p.Channel}, p.User, *p.Message)
	}
	if code := slackapi.Code(err); code == "user_not_in_channel" || code == "channel_not_found" || code == "not_in_channel" || code == "is_archived" {
		var dm string
		if dm, err = c.door.OpenDM(ctx, p.User); err == nil {
			_, err = c.written(ctx, slackapi.Place{Channel: dm}, *p.Message)
		}
		if code := slackapi.Code(err); code == "user_disabled" || code == "cannot_dm_bot" || code == "user_not_found" || code == "user_not_visible" {
			c.Log.Warn("answer lost", "key", p.Key, "error", err)
			err = nil
		}
	}
	if err != nil {
		return err
	}
	c.sent(p.Key, nil)
	return nil
}

// answer says something to the person of an errand alone: at once if Slack gave an address for that, else by the outbox.
func (c *clones) answer(j *errand, m slackapi.Message) {
	if url := j.url(); url != "" {
		err := c.door.Respond(c.urgent, url, m, false)
		if err == nil {
			return
		}
		j.log.Warn("answer not shown at the response URL", "error", err)
	}
	j.posts = append(j.posts, post{Key: "whisper/" + j.id, Kind: postWhisper, User: j.user, Channel: j.channel, Message: &m})
}

// instead says something in place of the message of which a button was pressed, which only the person sees.
func (c *clones) instead(j *errand, m slackapi.Message) {
	if url := j.url(); url != "" {
		err := c.door.Respond(c.urgent, url, m, true)
		if err == nil {
			return
		}
		j.log.Warn("answer not shown at the response URL", "error", err)
	}
	j.posts = append(j.posts, post{Key: "whisper/" + j.id, Kind: postWhisper, User: j.user, Channel: j.channel, Message: &m})
}

// url is where the person of an errand can be answered, for half an hour and five times; empty after a restart.
func (j *errand) url() slackapi.Secret {
	switch {
	case j.d.Command != nil:
		return j.d.Command.ResponseURL
	case j.d.Click != nil:
		return j.d.Click.ResponseURL
	}
	return ""
}
