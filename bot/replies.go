package bot

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// order is the whole of a reply that does something, after the mention: nothing is guessed.
var order = regexp.MustCompile(`^(approve|reject|cancel|apply|undo|status) (p-[0-9A-HJKMNP-TV-Z]{10})(?: (.{0,300}))?$`)

// replyLife is how old a reply may be: an older one was held back by somebody or something.
const replyLife = 10 * time.Minute

const sayOrders = "In the thread of a plan I take: approve, reject, cancel, apply, undo or status, each with the plan's id and perhaps a reason, and nothing else. For example: approve p-0123456789"

// wordsTo gives what was said to the bot: what follows a mention of it at the beginning.
func (c *clones) wordsTo(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\u00a0", " "))
	for _, mention := range []string{"<@" + c.self + ">", "<@" + c.self + "|"} {
		rest, ok := strings.CutPrefix(text, mention)
		if !ok {
			continue
		}
		if strings.HasSuffix(mention, "|") {
			if _, rest, ok = strings.Cut(rest, ">"); !ok {
				return ""
			}
		}
		return strings.TrimSpace(rest)
	}
	return ""
}

// ordered gives the parts of an order; nil if a message is none. What need not mention the bot is one as it stands.
func (c *clones) ordered(d *slackapi.Mention) []string {
	if d.Plain && !strings.Contains(d.Text, "<@"+c.self) {
		return order.FindStringSubmatch(strings.TrimSpace(strings.ReplaceAll(d.Text, "\u00a0", " ")))
	}
	return order.FindStringSubmatch(c.wordsTo(d.Text))
}

// reply deals with a message that mentions the bot, or need not.
func (c *clones) reply(j *errand, d *slackapi.Mention) {
	said := c.ordered(d)
	if said == nil {
		c.answer(j, slackapi.Say(sayOrders))
		return
	}
	word, id, reason := said[1], said[2], entities.Replace(said[3])
	j.log = j.log.With("plan", id, "order", word)
	card, err := c.ledger.CardAt(c.urgent, d.ChannelID, d.ThreadTS)
	switch {
	case d.ThreadTS == "" || err != nil && isNotFound(err):
		c.uncounted(word, voteMisplaced)
		c.refused(j, "", slackapi.Say("That is not the thread of a plan, so nothing was done. Please reply under the plan's message."))
		return
	case err != nil:
		c.answer(j, c.unable(j, err, core.Case{}))
		return
	case card.Plan != id:
		c.uncounted(word, voteMisplaced)
		c.refused(j, card.Plan, slackapi.Say(fmt.Sprintf("This is the thread of plan %s, and not of %s, so nothing was done.", card.Plan, id)))
		return
	}
	if why := untimely(d.TS, card.TS, j.at); why != "" {
		j.log.Warn("reply void", "reason", why)
		c.uncounted(word, voteLate)
		c.refused(j, id, slackapi.Say("I got that reply too late to act on it, so nothing was done. Please write it again."))
		return
	}
	who, err := c.actor(c.urgent, j)
	if err != nil {
		c.uncounted(word, voteStranger)
		c.refused(j, id, c.unknownPerson(j, err))
		return
	}
	k, err := c.approvals.Kept(c.urgent, id)
	if err != nil {
		c.answer(j, c.unable(j, err, core.Case{ID: id}))
		return
	}
	if err := c.misplaced(c.urgent, id, d.ChannelID, d.ThreadTS); err != nil {
		c.uncounted(word, voteMisplaced)
		c.refused(j, id, c.unable(j, err, k))
		return
	}
	c.obey(j, who, k, word, reason)
}

// uncounted counts a reply that would have been a vote.
func (c *clones) uncounted(word, reason string) {
	if word == "approve" || word == "reject" {
		c.metrics.voted(word == "approve", reason)
	}
}

func (c *clones) obey(j *errand, who ledger.Actor, k core.Case, word, reason string) {
	switch word {
	case "approve", "reject":
		if k.Tier != plan.Normal {
			c.uncounted(word, voteFar)
			if k.Tier == plan.Barred {
				c.refused(j, k.ID, slackapi.Say("Nobody votes on this plan, here or elsewhere: what it gives is never given from Slack. An operator can do it at the command line: databricks-access-audit clone --apply"))
				return
			}
			c.refused(j, k.ID, slackapi.Say("This plan reaches far, so replies do not count as votes on it. Press the button above, or vote with your own Databricks login: databricks-access-audit "+word+" "+k.ID))
			return
		}
		c.vote(j, who, k, word == "approve", reason, "by a reply in this thread")
	case "cancel":
		c.cancel(j, who, k, reason)
	case "apply", "undo":
		c.demand(j, who, k, word)
	case "status":
		c.answer(j, c.status(j, k.ID))
	}
}

// demand has a plan carried out, or taken back. Each demand is an order of its own: after one that failed, the plan stands as it did.
func (c *clones) demand(j *errand, who ledger.Actor, k core.Case, word string) {
	kind, from := orderApply, []ledger.State{ledger.Approved, ledger.PartiallyApplied}
	if word == "undo" {
		kind, from = orderUndo, []ledger.State{ledger.Applied, ledger.PartiallyApplied, ledger.UndoPending, ledger.ExpiryOverdue}
	}
	for _, s := range from {
		if k.State == s {
			j.posts = append(j.posts, post{Key: fmt.Sprintf("%s/%s/%d/%s/%s", word, k.ID, k.Version, who.ID, j.id), Kind: kind, Plan: k.ID, By: &who})
			return
		}
	}
	now, err := c.approvals.Case(c.urgent, k.ID)
	if err != nil {
		c.answer(j, c.unable(j, err, k))
		return
	}
	c.answer(j, slackapi.Say("Nothing was done: plan "+k.ID+" cannot be told to "+word+" now. "+stands(now)))
}

// untimely gives the reason why a reply was not of the moment when it was received: it is older than the plan's message, or than
// replyLife, or of the future.
func untimely(ts, parent string, now time.Time) string {
	at, ok := instant(ts)
	since, known := instant(parent)
	switch {
	case !ok || !known:
		return "its time is not readable"
	case at.Before(since):
		return "older than the plan"
	case now.Sub(at) > replyLife:
		return "too old"
	case at.Sub(now) > time.Minute:
		return "of the future"
	}
	return ""
}

// instant reads a ts: seconds, a dot and six digits.
//
// https://docs.slack.dev/messaging/retrieving-messages
func instant(ts string) (time.Time, bool) {
	whole, part, ok := strings.Cut(ts, ".")
	s, err := strconv.ParseUint(whole, 10, 40)
	us, fault := strconv.ParseUint(part, 10, 32)
	if !ok || err != nil || fault != nil || len(part) != 6 || s > math.MaxInt32*4 {
		return time.Time{}, false
	}
	return time.Unix(int64(s), int64(us)*1000), true
}

func isNotFound(err error) bool {
	_, is := errors.AsType[*ledger.NotFoundError](err)
	return is
}

// changed withdraws a vote whose message was edited or deleted. Nothing else ever comes of a change.
func (c *clones) changed(j *errand, d *slackapi.Change) {
	if d.ThreadTS == "" {
		return
	}
	card, err := c.ledger.CardAt(c.urgent, d.ChannelID, d.ThreadTS)
	if err != nil {
		if !isNotFound(err) {
			j.log.Error("change of a message not looked at", "error", err)
		}
		return
	}
	k, err := c.approvals.Kept(c.urgent, card.Plan)
	if err != nil {
		j.log.Error("change of a message not looked at", "plan", card.Plan, "error", err)
		return
	}
	what := "edited"
	if d.Deleted {
		what = "deleted"
	}
	for _, v := range k.Votes {
		// A source ends with the channel and the ts of the message.
		if !v.Stands() || !strings.Contains(v.Source, d.ChannelID) || !strings.HasSuffix(v.Source, d.TS) || d.TS == card.TS {
			continue
		}
		now, err := c.approvals.Withdraw(c.urgent, j.sign(ledger.Actor{}, c.team), k.ID, v.Source, "its message was "+what)
		if err != nil {
			j.log.Error("vote not withdrawn", "plan", k.ID, "error", err)
			continue
		}
		j.posts = append(j.posts, withdrawn(now, v, "its message was "+what)...)
	}
}
