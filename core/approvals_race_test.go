package core_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
)

// again puts a plan like another to the vote, without making it anew.
func (c *court) again(l *ledger.Ledger, like plan.Plan) (id, digest string) {
	c.t.Helper()
	like.ID = ledger.NewPlanID()
	body, err := plan.Encode(like)
	if err == nil {
		digest, err = plan.Digest(like)
	}
	if err == nil {
		err = l.Do(c.t.Context(), func(tx *ledger.Tx) error {
			p, err := tx.Create(in(bob), journal.Row(like, body, digest, ledger.Party{ID: bob}))
			if err == nil {
				_, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Pending, Actor: in(bob)})
			}
			return err
		})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return like.ID, digest
}

// remembered is an engine that answers from a snapshot of the court's account, without a network.
func (c *court) remembered() *core.Engine {
	c.t.Helper()
	var file bytes.Buffer
	g := core.New(core.Options{Open: func() collect.Source { return c.opened.Session() }, Version: "test", Keep: func(s *core.Snapshot) {
		file.Reset()
		if err := s.Write(&file); err != nil {
			c.t.Error(err)
		}
	}})
	if _, err := g.Answer(c.t.Context(), query.Escalations{}, nil); err != nil {
		c.t.Fatal(err)
	}
	saved, err := core.Load(&file)
	if err != nil {
		c.t.Fatal(err)
	}
	return core.New(core.Options{Open: saved.Open, Version: "test", Now: c.clock.Now, Host: c.server.AccountHost()})
}

// TestT11_VotesAtOnce has two people, each clicking once or twice, vote at the same moment on two replicas: both are counted, each
// once, and the plan is approved once.
func TestT11_VotesAtOnce(t *testing.T) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rounds := 100
			if n, err := strconv.Atoi(os.Getenv("APPROVAL_ROUNDS")); err == nil {
				rounds = n
			}
			c := sit(t, func(p *consent.Policy) { p.Rules[1].MinApprovals = 2 })
			c.t = t
			kept, err := c.ledger.Plan(t.Context(), c.draft().ID)
			if err != nil {
				t.Fatal(err)
			}
			like, _, err := plan.Decode(kept.Body)
			if err != nil {
				t.Fatal(err)
			}
			one := c.open(ledger.Memory, ledger.Keys{})
			ledgers := []*ledger.Ledger{one, one}
			if name == "PostgreSQL" {
				var server ledgertest.Server
				t.Cleanup(server.Stop)
				at, keys := server.Address(t), ledger.NewKeys()
				ledgers = []*ledger.Ledger{c.open(at, keys), c.open(at, keys)}
			}
			g := c.remembered()
			replicas := make([]*core.Approvals, len(ledgers))
			for i, l := range ledgers {
				replicas[i] = g.Approvals(core.ApprovalOptions{Account: func() core.Writer { return nil }, Ledger: l, Policy: c.policy, Holder: fmt.Sprint(i)})
			}
			for round := range rounds {
				id, digest := c.again(ledgers[0], like)
				var all sync.WaitGroup
				for i, who := range []string{erin, heidi} {
					for range 1 + round%2 { // a second click would mend what the first missed
						all.Go(func() {
							_, err := replicas[i].Vote(t.Context(), in(who), id, digest, true, "")
							if conflict, ok := errors.AsType[*ledger.ConflictError](err); err != nil && !ok {
								t.Errorf("round %d: %v %v", round, err, conflict)
							}
						})
					}
				}
				all.Wait()
				c.once(ledgers[0], id, round)
				if t.Failed() {
					return
				}
			}
			if err := ledgertest.Retold(t.Context(), ledgers[0]); err != nil {
				t.Errorf("T14: %v", err)
			}
		})
	}
}

// once checks that a plan was approved once, by two votes.
func (c *court) once(l *ledger.Ledger, id string, round int) {
	c.t.Helper()
	trail, err := l.Trail(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	voted, approved := 0, 0
	for _, entry := range trail {
		e, err := entry.Event()
		if err != nil {
			c.t.Fatal(err)
		}
		if e.Event == ledger.EventVoted {
			voted++
		}
		if e.To == ledger.Approved {
			approved++
		}
	}
	p, err := l.Plan(c.t.Context(), id)
	if err != nil || p.State != ledger.Approved || voted != 2 || approved != 1 {
		c.t.Errorf("round %d: the plan is %s, by %d votes, and became approved %d times; %v", round, p.State, voted, approved, err)
	}
}
