package bot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
)

// sweep has done what is due by the clock, and tells of it where the plan is shown.
func (c *clones) sweep() {
	c.every(c.pace.sweep, func() {
		changed, err := c.approvals.Sweep(c.applying)
		if err != nil && c.applying.Err() == nil {
			c.Log.Error("plans not swept", "error", err)
		}
		for _, k := range changed {
			c.tell(k)
		}
	})
}

// tell says how a plan stands that nobody at hand has changed.
func (c *clones) tell(k core.Case) {
	c.Log.Info("plan swept", "plan", k.ID, "state", k.State)
	card, err := c.ledger.Card(c.work, k.ID)
	if err != nil {
		return // it was never shown: a draft, or a plan of the command line
	}
	err = c.ledger.Do(c.work, func(tx *ledger.Tx) error {
		return queue(tx, []post{
			thread(k.ID, fmt.Sprintf("swept/%d", k.Version), slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "Plan " + k.ID + ": " + stands(k)}}}),
			show(card.Plan, ledger.Edition(k.Version, k.Votes)),
		})
	})
	if err != nil {
		c.Log.Error("news of a plan not queued", "plan", k.ID, "error", err)
		return
	}
	c.knock()
}

// tend keeps the boxes and the plans' messages in order.
func (c *clones) tend() {
	c.every(c.pace.sweep, func() {
		c.takeUp(false)
		cards, err := c.ledger.OpenCards(c.work)
		if err != nil {
			c.Log.Error("cards not read", "error", err)
		}
		for _, card := range cards {
			if err := c.look(card); err != nil && c.loops.Err() == nil {
				c.Log.Error("card not looked at", "plan", card.Plan, "error", err)
			}
		}
		err = c.ledger.Do(c.work, func(tx *ledger.Tx) error { return tx.Sweep() })
		c.hurt(err)
		if err != nil && c.loops.Err() == nil {
			c.Log.Error("boxes not swept", "error", err)
		}
	})
}

// look brings a message up to date that fell behind, and reminds people of a plan that has waited for half of its time.
func (c *clones) look(card ledger.Card) error {
	p, err := c.ledger.Plan(c.work, card.Plan)
	if err != nil {
		return err
	}
	votes, err := c.ledger.Votes(c.work, card.Plan)
	if err != nil {
		return err
	}
	var posts []post
	if e := ledger.Edition(p.Version, votes); e > card.Shown {
		// By now the post of the change itself has failed, or was lost with the process that was to queue it; or the change was made
		// outside Slack.
		logins, err := c.logins(p.ID, votes)
		if err != nil {
			return err
		}
		posts = append(append(posts, logins...), show(card.Plan, e))
	}
	if p.State == ledger.Approved {
		begin, err := c.due(p, votes)
		if err != nil {
			return err
		}
		posts = append(posts, begin...)
	}
	remind := p.State == ledger.Pending && !card.Reminded && c.half(p)
	if remind {
		text := fmt.Sprintf("Plan %s still waits for votes. It may be approved until %s.", p.ID, moment(p.ExpiresAt))
		posts = append(posts, thread(p.ID, "reminder", slackapi.Say(text)))
		card.Reminded = true
	}
	if len(posts) == 0 {
		return nil
	}
	defer c.knock()
	return c.ledger.Do(c.work, func(tx *ledger.Tx) error {
		return errors.Join(queue(tx, posts), tx.PutCard(card))
	})
}

// logins tell in the thread of votes that were given outside Slack, and whoever watches over approvals of what they gave rise to say.
func (c *clones) logins(id string, votes []ledger.Vote) (posts []post, err error) {
	for _, v := range votes {
		if v.Source != ledger.SourceLogin || !v.Stands() {
			continue
		}
		k, err := c.approvals.Case(c.work, id)
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf("%s by %s, with their own Databricks login.", verb(v.Decision), party(v.Voter))
		m := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: text}, {Text: stands(k)}}}
		posts = append(posts, thread(id, "login/"+v.Voter.ID+"/"+string(v.Decision), m))
		posts = append(posts, c.reviews(k)...)
	}
	return posts, nil
}

// due has an approved plan carried out whose last vote was not given in Slack, or was judged later: on the word of who voted for it
// last. An order that there is already is the same one. If it could not be begun, wherever that was tried, it is told.
func (c *clones) due(p ledger.Plan, votes []ledger.Vote) ([]post, error) {
	trail, err := c.ledger.Trail(c.work, p.ID)
	if err != nil {
		return nil, err
	}
	times, why, moved := 0, "", false
	var order []post
	for _, entry := range slices.Backward(trail) {
		e, err := entry.Event()
		if err != nil {
			return nil, err
		}
		moved = moved || e.Event == ledger.EventPlanMoved
		if e.Event == core.EventHeld && !moved { // else it is of another time that it was approved
			times++
			why = cmp.Or(why, e.Reason)
		}
		stands := func(v ledger.Vote) bool { return v.Voter.ID == e.Subject && v.Stands() && v.Decision == ledger.Approve }
		if len(order) == 0 && e.Event == ledger.EventVoted && slices.ContainsFunc(votes, stands) {
			order = []post{apply(p.ID, p.Version, e.Actor)}
		}
	}
	if times > 0 {
		m := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "Plan " + p.ID + ": " + held(p.ID, why, p.ExpiresAt)}}}
		order = append(order, tellHeld(p.ID, p.Version, times, m)...)
	}
	return order, nil
}

func (c *clones) half(p ledger.Plan) bool {
	whole := p.ExpiresAt.Sub(p.CreatedAt)
	return whole > 0 && c.storeTime().After(p.CreatedAt.Add(whole/2)) && whole >= 2*time.Minute
}
