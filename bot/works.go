package bot

import (
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

// order has a plan carried out or taken back, one work at a time for each plan. The order stays in the outbox until its outcome is
// known: a process that ends on the way leaves it to the next.
func (c *clones) order(p post) {
	own := "plan/" + p.Plan
	if !c.take(own) {
		c.unsent(p.Key, errors.New("another work on the plan goes on"), c.pace.busy)
		return
	}
	if !c.lanes.works.offer(func() {
		defer c.drop(own)
		c.carryOut(p)
	}) {
		c.drop(own)
		c.unsent(p.Key, errRestarting, c.pace.retry)
	}
}

// carryOut does what an order says, and tells in the thread what came of it. Nothing is said to be granted before it is.
func (c *clones) carryOut(p post) {
	log := c.Log.With("plan", p.Plan, "order", p.Kind)
	if c.applying.Err() != nil {
		c.unsent(p.Key, c.applying.Err(), 0)
		return
	}
	if p.By == nil {
		log.Error("order of nobody")
		c.sent(p.Key, nil)
		return
	}
	if p.Kind == orderApply {
		if err := c.seeAgain(p.Plan); err != nil {
			log.Info("work put off", "error", err)
			c.unsent(p.Key, err, c.pace.busy)
			return
		}
	}
	var r *report.CloneReport
	var k core.Case
	var err error
	begun := time.Now()
	if p.Kind == orderUndo {
		r, k, err = c.approvals.Undo(c.applying, *p.By, p.Plan)
	} else {
		r, k, err = c.approvals.Apply(c.applying, *p.By, p.Plan, c.progress(p.Plan))
	}
	_, taken := errors.AsType[*ledger.BusyError](err)
	_, isBusy := errors.AsType[*core.BusyPlanError](err)
	_, lost := errors.AsType[*core.LeaseLostError](err) // whoever has it now may be somebody else's work for the same person
	switch {
	case c.applying.Err() != nil && err != nil:
		log.Info("work stopped on the way, to go on at the next start", "error", err)
		c.unsent(p.Key, errRestarting, 0)
		return
	case taken || isBusy || lost:
		log.Info("work put off", "error", err)
		c.unsent(p.Key, err, c.pace.busy)
		return
	}
	log.Info("work ended", "state", k.State, "seconds", time.Since(begun).Seconds(), "error", err)
	if k.ID == "" {
		if now, lost := c.approvals.Case(c.work, p.Plan); lost == nil {
			k = now
		}
	}
	posts := c.outcome(p, r, k, err)
	c.sent(p.Key, func(tx *ledger.Tx) error { return queue(tx, posts) })
	c.knock()
}

// outcome tells what came of a work.
func (c *clones) outcome(p post, r *report.CloneReport, k core.Case, err error) []post {
	first := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "Plan " + p.Plan + ": " + stands(k)}}}
	_, held := errors.AsType[*core.HeldError](err)
	if err != nil && !held { // which is in how it stands
		first.Parts = append(first.Parts, slackapi.Part{Text: c.failure(err)})
	}
	list, posts := []slackapi.Message{first}, []post(nil)
	if held {
		list, posts = nil, tellHeld(p.Plan, k.Version, len(k.Held), first)
	}
	if r != nil {
		drawn, fault := draw(r, formatters.Write, formatters.Options{Format: formatters.Tree, Width: treeWidth})
		if fault != nil {
			c.Log.Error("outcome not drawn", "plan", p.Plan, "error", fault)
		}
		parts := pages(drawn)
		list = append(list, showing{Pages: parts[:min(len(parts), mostPages)]}.threads()...)
	}
	if k.State == ledger.Applied || k.State == ledger.PartiallyApplied {
		list = append(list, slackapi.Say("To take it back, mention me here with: undo "+p.Plan+"   or run: databricks-access-audit undo "+p.Plan))
	}
	for i, m := range list {
		posts = append(posts, thread(p.Plan, fmt.Sprintf("outcome/%s/%02d", p.Key, i), m))
	}
	return append(posts, show(p.Plan, ledger.Edition(k.Version, k.Votes)))
}

// failure puts into words why a work did not end well.
func (c *clones) failure(err error) string {
	if no, ok := errors.AsType[*core.NotAllowedError](err); ok {
		return forbidden(no)
	}
	if late, ok := errors.AsType[*ledger.ConflictError](err); ok {
		return "Somebody was faster: " + line(late.Why) + "."
	}
	return line(err.Error()) + "."
}

// progress shows in the plan's message how far a work has come, now and then. It is dropped when it cannot be shown.
func (c *clones) progress(plan string) func(done, all int) {
	var last time.Time
	return func(done, all int) {
		if time.Since(last) < c.pace.steps || done >= all {
			return
		}
		last = time.Now()
		card, err := c.ledger.Card(c.work, plan)
		if err == nil {
			err = c.refresh(c.work, card, fmt.Sprintf("%d of %s done.", done, counted(all, "step")), false)
		}
		if err != nil {
			c.Log.Warn("progress not shown", "plan", plan, "error", err)
		}
	}
}
