package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
)

// buttonValue is what a button names: a plan, and the beginning of its digest.
var buttonValue = regexp.MustCompile(`^(p-[0-9A-HJKMNP-TV-Z]{10}):([0-9a-f]{12})$`)

const (
	sayOtherPlan = "That button is not of a plan as I know it, so nothing was done."
	sayOldCard   = "That message is no longer the plan's, so nothing was done. Please use the newest one."
)

// click deals with a press of a button. The message with it is for display alone: what counts is the plan that the ledger has.
func (c *clones) click(j *errand, d *slackapi.Click) {
	m := buttonValue.FindStringSubmatch(d.Value)
	if m == nil {
		c.answer(j, slackapi.Say(sayOtherPlan))
		return
	}
	id, digest := m[1], m[2]
	j.log = j.log.With("plan", id, "button", d.ActionID)
	who, err := c.actor(c.urgent, j)
	if err != nil {
		if d.ActionID == buttonApprove {
			c.metrics.voted(true, voteStranger)
		}
		c.refused(j, id, c.unknownPerson(j, err))
		return
	}
	k, err := c.approvals.Kept(c.urgent, id)
	if err != nil {
		c.answer(j, c.unable(j, err, k))
		return
	}
	if short(k.Digest) != digest {
		if d.ActionID == buttonApprove {
			c.metrics.voted(true, voteMisplaced)
		}
		c.refused(j, id, slackapi.Say(sayOtherPlan))
		return
	}
	switch d.ActionID {
	case buttonSend, buttonDiscard:
		if !d.Ephemeral {
			c.refused(j, id, slackapi.Say(sayOldCard))
			return
		}
		if d.ActionID == buttonSend {
			c.send4approval(j, who, k)
			return
		}
		c.discard(j, who, k)
		return
	}
	if why := c.misplaced(c.urgent, id, d.ChannelID, d.MessageTS); d.Ephemeral || why != nil {
		if d.ActionID == buttonApprove {
			c.metrics.voted(true, voteMisplaced)
		}
		c.refused(j, id, slackapi.Say(sayOldCard))
		return
	}
	switch d.ActionID {
	case buttonApprove:
		c.vote(j, who, k, true, "", "by button")
	case buttonReject:
		c.askWhy(j, d, k)
	case buttonCancel:
		c.cancel(j, who, k, "")
	case buttonDetails:
		c.details(j, k)
	default:
		c.answer(j, slackapi.Say(sayOtherPlan))
	}
}

// misplaced checks that something was said at a plan's message or in its thread, and in the channel that is for that.
func (c *clones) misplaced(ctx context.Context, plan, channel, ts string) error {
	card, err := c.ledger.Card(ctx, plan)
	if err != nil {
		return err
	}
	if card.Channel != channel || card.TS != ts {
		return &unfit{"that is not the plan's message"}
	}
	if card.Channel != c.channel {
		return &unfit{"it is no longer the approval channel"}
	}
	return nil
}

// send4approval puts a draft to the vote.
func (c *clones) send4approval(j *errand, who ledger.Actor, k core.Case) {
	if k.State != ledger.Draft {
		// Sent before: also by this very click, before a restart.
		j.posts = append(j.posts, c.asked(j, k)...)
		c.instead(j, slackapi.Say("Plan "+k.ID+" was sent already. "+stands(k)))
		return
	}
	if err := c.place(c.urgent, c.channel); err != nil {
		c.answer(j, c.unable(j, err, k))
		return
	}
	who.Channel, who.Message = c.channel, "" // where it will be voted on
	k, err := c.approvals.Submit(c.urgent, who, k.ID, k.Digest)
	if err != nil {
		c.answer(j, c.unable(j, err, k))
		return
	}
	j.log.Info("plan sent for approval", "supersedes", k.Supersedes)
	j.posts = append(j.posts, c.asked(j, k)...)
	said := "Plan " + k.ID + " was sent for approval. What becomes of it is told in the thread of its message."
	if len(k.Supersedes) > 0 {
		said += " It takes the place of " + strings.Join(k.Supersedes, ", ") + ", which you had sent for the same."
	}
	for _, old := range k.Supersedes {
		j.posts = append(j.posts, c.superseded(j, old)...)
	}
	c.instead(j, slackapi.Say(said))
}

// superseded tells at a plan's message that another took its place. If this process ends before that is queued, tend brings the
// message up to date.
func (c *clones) superseded(j *errand, id string) []post {
	k, err := c.approvals.Kept(c.urgent, id)
	if err != nil {
		j.log.Error("superseded plan not read", "plan", id, "error", err)
		return nil
	}
	m := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "Plan " + k.ID + ": " + stands(k)}}}
	return []post{thread(k.ID, "superseded", m), show(k.ID, ledger.Edition(k.Version, k.Votes))}
}

// asked are the plan's message, and under it all of the plan.
func (c *clones) asked(j *errand, k core.Case) []post {
	posts := []post{{Key: "card/" + k.ID, Kind: postCard, Plan: k.ID}}
	s, err := c.showing(c.urgent, k.ID)
	if err != nil {
		j.log.Error("plan cannot be shown in full", "error", err)
		return posts
	}
	for i, m := range s.threads() {
		posts = append(posts, thread(k.ID, fmt.Sprintf("page/%02d", i), m))
	}
	return append(posts, post{Key: "files/" + k.ID, Kind: postFiles, Plan: k.ID})
}

func (c *clones) discard(j *errand, who ledger.Actor, k core.Case) {
	if k.State != ledger.Draft {
		c.instead(j, slackapi.Say("Plan "+k.ID+" was sent already. "+stands(k)))
		return
	}
	if k, err := c.approvals.Cancel(c.urgent, who, k.ID, "discarded"); err != nil {
		c.answer(j, c.unable(j, err, k))
		return
	}
	c.instead(j, slackapi.Say("Plan "+k.ID+" was discarded. Nobody was asked, and nothing changed."))
}

// vote records a vote and says so where all can see it. With enough votes the plan is carried out.
func (c *clones) vote(j *errand, who ledger.Actor, k core.Case, approve bool, reason, how string) {
	if err := c.place(c.urgent, c.channel); err != nil {
		c.metrics.voted(approve, voteFailed)
		c.refused(j, k.ID, c.unable(j, err, k))
		return
	}
	before := k
	k, err := c.approvals.Vote(c.urgent, who, k.ID, k.Digest, approve, reason)
	if err != nil {
		c.metrics.voted(approve, whyUncounted(err))
		c.refused(j, before.ID, c.unable(j, err, before))
		return
	}
	decision := ledger.Reject
	if approve {
		decision = ledger.Approve
	}
	j.log.Info("vote", "decision", decision, "state", k.State)
	text := fmt.Sprintf("%s by %s, Slack member %s, %s.", verb(decision), party(ledger.Party{ID: who.ID, Name: who.Email}), line(who.Member), how)
	if reason != "" {
		text += " Reason: " + line(reason)
	}
	parts := []slackapi.Part{{Kind: slackapi.Strong, Text: text}, {Text: stands(k)}}
	j.posts = append(j.posts, thread(k.ID, "vote/"+who.ID+"/"+string(decision), slackapi.Message{Parts: parts}), show(k.ID, ledger.Edition(k.Version, k.Votes)))
	if k.State == ledger.Approved {
		j.posts = append(j.posts, apply(k.ID, k.Version, who))
	}
	if slices.ContainsFunc(before.Votes, func(v ledger.Vote) bool { return v.Voter.ID == who.ID && v.Decision == decision && v.Stands() }) {
		c.metrics.voted(approve, voteRepeated)
		c.answer(j, slackapi.Say("Your vote is counted already. "+stands(k)))
		return
	}
	c.metrics.voted(approve, voteCounted)
}

// about is what a form is about.
type about struct {
	Plan    string `json:"plan"`
	Digest  string `json:"digest"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

const (
	formReject = "plan_reject"
	minReason  = 3
	maxReason  = 300
)

// askWhy opens a form for the reason of a rejection.
func (c *clones) askWhy(j *errand, d *slackapi.Click, k core.Case) {
	if k.State != ledger.Pending && k.State != ledger.Approved {
		c.answer(j, c.already(k))
		return
	}
	if d.TriggerID == "" {
		c.answer(j, slackapi.Say("That click is too old to open a form. Please press the button again."))
		return
	}
	text, err := json.Marshal(about{Plan: k.ID, Digest: short(k.Digest), Channel: d.ChannelID, TS: d.MessageTS})
	if err == nil {
		err = c.door.OpenForm(c.urgent, d.TriggerID, slackapi.Form{ID: formReject, About: string(text), Title: "Reject the plan", Label: "Why should " + k.ID + " not be carried out?",
			Hint: "Everybody in the thread will see it.", Submit: "Reject", MinLength: minReason, MaxChars: maxReason})
	}
	if err != nil {
		j.log.Warn("form not opened", "error", err)
		c.answer(j, slackapi.Say("I could not open the form for the reason. Press the button again, or reply in the thread: reject "+k.ID+" and the reason."))
	}
}

// submitted deals with a form that was filled in. What it is about was kept by Slack, and is checked as if it were new.
func (c *clones) submitted(j *errand, d *slackapi.Submission) {
	var a about
	if err := json.Unmarshal([]byte(d.About), &a); err != nil || d.Form != formReject || !buttonValue.MatchString(a.Plan+":"+a.Digest) {
		j.log.Warn("form void", "form", d.Form)
		return
	}
	j.log = j.log.With("plan", a.Plan, "form", d.Form)
	j.channel, j.ts = a.Channel, a.TS
	who, err := c.actor(c.urgent, j)
	if err != nil {
		c.metrics.voted(false, voteStranger)
		c.refused(j, a.Plan, c.unknownPerson(j, err))
		return
	}
	k, err := c.approvals.Kept(c.urgent, a.Plan)
	if err != nil {
		c.answer(j, c.unable(j, err, k))
		return
	}
	if short(k.Digest) != a.Digest || c.misplaced(c.urgent, a.Plan, a.Channel, a.TS) != nil {
		c.metrics.voted(false, voteMisplaced)
		c.refused(j, a.Plan, slackapi.Say(sayOldCard))
		return
	}
	reason := strings.TrimSpace(d.Text)
	if len(reason) < minReason {
		c.answer(j, slackapi.Say("A rejection needs a reason, so nothing was done. Please press Reject again."))
		return
	}
	c.vote(j, who, k, false, slackapi.Cut(reason, maxReason), "by button")
}

func (c *clones) cancel(j *errand, who ledger.Actor, k core.Case, reason string) {
	before := k
	k, err := c.approvals.Cancel(c.urgent, who, k.ID, reason)
	if err != nil {
		c.refused(j, before.ID, c.unable(j, err, before))
		return
	}
	text := "Cancelled by " + party(ledger.Party{ID: who.ID, Name: who.Email}) + ", Slack member " + line(who.Member) + "."
	if reason != "" {
		text += " Reason: " + line(reason)
	}
	j.posts = append(j.posts, thread(k.ID, fmt.Sprintf("cancel/%d", k.Version), slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: text}}}), show(k.ID, ledger.Edition(k.Version, k.Votes)))
}

// details shows somebody how a plan stands, and the beginning of it.
func (c *clones) details(j *errand, k core.Case) {
	m := c.status(j, k.ID)
	if s, err := c.showing(c.urgent, k.ID); err == nil {
		m.Parts = append(m.Parts, s.Head...)
		m.Parts = append(m.Parts, s.Pages[:min(1, len(s.Pages))]...)
	}
	c.answer(j, m)
}

// status is how a plan stands.
func (c *clones) status(j *errand, id string) slackapi.Message {
	k, err := c.approvals.Case(c.urgent, id)
	if err != nil {
		return c.unable(j, err, core.Case{ID: id})
	}
	m := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "Plan " + k.ID + ": " + stands(k)}}}
	for _, text := range []string{votesTold(k.Votes), voids(k)} {
		if text != "" {
			m.Parts = append(m.Parts, slackapi.Part{Text: slackapi.Cut(text, maxLine)})
		}
	}
	return m
}

// voids lists the votes that do not count, with the reason.
func voids(k core.Case) string {
	var list []string
	for _, v := range k.Ruling.Void {
		list = append(list, "The vote of Databricks id "+line(v.Voter.ID)+" does not count: "+line(v.Why))
	}
	return strings.Join(list, "\n")
}

// already is what somebody is told who comes too late.
func (c *clones) already(k core.Case) slackapi.Message {
	if k.State == ledger.Superseded && k.SupersededBy != "" {
		return slackapi.Say("Too late: plan " + k.ID + " is superseded by " + line(k.SupersededBy) + ", so nothing was done.")
	}
	text := "Too late: plan " + k.ID + " is already " + strings.ReplaceAll(string(k.State), "_", " ")
	if who := c.mover(k); who != "" {
		text += ", by " + who
	}
	return slackapi.Say(text + ". " + stands(k))
}

// mover is who brought a plan to where it stands, by the audit trail; empty if that is not known.
func (c *clones) mover(k core.Case) (who string) {
	trail, err := c.ledger.Trail(c.urgent, k.ID)
	if err != nil {
		return ""
	}
	for _, entry := range trail {
		if e, err := entry.Event(); err == nil && e.Event == ledger.EventPlanMoved && e.To == k.State && e.Actor.ID != "" {
			who = party(ledger.Party{ID: e.Actor.ID, Name: e.Actor.Email})
		}
	}
	return who
}

// refused says no to somebody, and records it.
func (c *clones) refused(j *errand, plan string, m slackapi.Message) {
	why := ""
	if len(m.Parts) > 0 {
		why = m.Parts[0].Text
	}
	err := c.ledger.Do(c.urgent, func(tx *ledger.Tx) error {
		return tx.Record(ledger.Event{Event: "refused", Plan: plan, Actor: j.sign(ledger.Actor{}, c.team), Reason: why})
	})
	if err != nil {
		j.log.Error("refusal not recorded", "error", err)
	}
	c.answer(j, m)
}

// forbidden says that something was not done, and the reason.
func forbidden(no *core.NotAllowedError) string {
	return "Nothing was done: " + strings.TrimSuffix(line(no.Why), ".") + "."
}

// unable puts into words why something was not done.
func (c *clones) unable(j *errand, err error, k core.Case) slackapi.Message {
	if no, ok := errors.AsType[*core.NotAllowedError](err); ok {
		j.log.Info("not allowed", "reason", no.Why)
		return slackapi.Say(forbidden(no))
	}
	if no, ok := errors.AsType[*unfit](err); ok {
		j.log.Error("plans cannot be shown", "error", err)
		return slackapi.Say("Nothing was done: " + line(no.Error()) + ".")
	}
	if late, ok := errors.AsType[*ledger.ConflictError](err); ok {
		if now, err := c.approvals.Kept(c.urgent, k.ID); err == nil && now.Version != k.Version {
			return c.already(now)
		}
		if k.State != "" && k.State != ledger.Pending {
			return c.already(k)
		}
		return slackapi.Say("Nothing was done: " + line(late.Why) + ".")
	}
	if no, ok := errors.AsType[*ledger.RefusedError](err); ok {
		return slackapi.Say("Nothing was done: " + line(no.Why) + ".")
	}
	if no, ok := errors.AsType[*ledger.HaltedError](err); ok {
		return slackapi.Say("Nothing was done, and no vote was kept: " + line(no.Error()) + ". Please try again when that is over.")
	}
	if _, ok := errors.AsType[*ledger.NotFoundError](err); ok {
		return slackapi.Say("There is no such plan.")
	}
	if busy, ok := errors.AsType[*ledger.BusyError](err); ok {
		j.log.Info("busy", "error", busy)
		return slackapi.Say("Somebody is at work on this plan. Please try again in a minute.")
	}
	j.log.Error("not done", "error", err)
	if _, ok := errors.AsType[*ledger.TamperedError](err); ok {
		return slackapi.Say("The ledger is not as I wrote it, so nothing is done with this plan. Somebody has to look at it at once.")
	}
	return slackapi.Say("I cannot tell whether this was done: " + line(err.Error()) + ". Ask me for the status of the plan.")
}
