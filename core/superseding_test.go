package core_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/sandbox"
)

// sends has somebody ask for something and put it to the vote.
func (c *court) sends(who string, q query.Clone) core.Case {
	c.t.Helper()
	_, made, err := c.Propose(c.t.Context(), in(who), q, "", nil)
	if err != nil {
		c.t.Fatalf("propose: %v", err)
	}
	got, err := c.Submit(c.t.Context(), in(who), made.ID, made.Digest)
	if err != nil {
		c.t.Fatalf("submit: %v", err)
	}
	return got
}

// TestSuperseded lets a plan take the place of an earlier one for the same when it is sent, and not before.
func TestSuperseded(t *testing.T) {
	c := sit(t)
	first, second := c.pending(), c.draft()
	c.kept(first.ID, ledger.Pending)
	got, err := c.Submit(t.Context(), in(bob), second.ID, second.Digest)
	if err != nil {
		t.Fatal(err)
	}
	c.is(got, ledger.Pending)
	if !slices.Equal(got.Supersedes, []string{first.ID}) || got.SupersededBy != "" {
		t.Errorf("the later one took the place of %q, want %s; and %q took its", got.Supersedes, first.ID, got.SupersededBy)
	}
	old, err := c.Case(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.is(old, ledger.Superseded)
	if old.SupersededBy != second.ID {
		t.Errorf("the earlier one is superseded by %q, want %s", old.SupersededBy, second.ID)
	}
	_, err = c.Vote(t.Context(), in(erin), first.ID, first.Digest, true, "")
	if _, late := errors.AsType[*ledger.ConflictError](err); !late || !strings.Contains(err.Error(), "superseded by "+second.ID) {
		t.Errorf("a vote on it: %v", err)
	}
	trail, err := c.ledger.Trail(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	last, err := trail[len(trail)-1].Event()
	if err != nil || last.To != ledger.Superseded || last.Actor.ID != bob || last.Detail[ledger.DetailSuccessor] != second.ID {
		t.Errorf("the trail ends with %+v; %v", last, err)
	}
	// Sent again, it changes nothing; and what was superseded does not come back.
	if again, err := c.Submit(t.Context(), in(bob), second.ID, second.Digest); err != nil || len(again.Supersedes) > 0 || again.Version != got.Version {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	if _, err := c.Submit(t.Context(), in(bob), first.ID, first.Digest); err == nil {
		t.Error("what was superseded was put to the vote again")
	}
	c.kept(first.ID, ledger.Superseded)
	c.kept(second.ID, ledger.Pending)
}

// TestNotSuperseded leaves plans that are about something else, or somebody else's, and those on which others have decided.
func TestNotSuperseded(t *testing.T) {
	only := func(change func(*query.Clone)) query.Clone {
		q := wish()
		change(&q)
		return q
	}
	for name, other := range map[string]struct {
		who string
		q   query.Clone
	}{
		"another source":       {bob, only(func(q *query.Clone) { q.From = dave })},
		"another target":       {bob, only(func(q *query.Clone) { q.To = mallory })},
		"other parts":          {bob, only(func(q *query.Clone) { q.Include = []string{"groups", "assignments"} })},
		"other names":          {bob, only(func(q *query.Clone) { q.Only = []string{"readers", "analysts"} })},
		"others left out":      {bob, only(func(q *query.Clone) { q.Exclude = []string{"analysts"} })},
		"in certain workspace": {bob, only(func(q *query.Clone) { q.WorkspaceURLs = []string{"prod"} })},
		"another requester":    {dave, wish()},
	} {
		t.Run(name, func(t *testing.T) {
			c := sit(t)
			c.server.Update(func(a *sandbox.Account) { join(a, readers, dave); join(a, "3008", dave); join(a, "3008", wendy) })
			first := c.pending()
			_, made, err := c.Propose(t.Context(), in(other.who), other.q, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Submit(t.Context(), in(other.who), made.ID, made.Digest)
			if err != nil {
				t.Fatal(err)
			}
			c.is(got, ledger.Pending)
			c.kept(first.ID, ledger.Pending)
		})
	}
	t.Run("approved", func(t *testing.T) {
		c := sit(t)
		first := c.approved()
		if got := c.pending(); len(got.Supersedes) > 0 {
			t.Errorf("took the place of %q", got.Supersedes)
		}
		c.kept(first.ID, ledger.Approved)
		if _, got, err := c.Apply(t.Context(), in(erin), first.ID, nil); err != nil || got.State != ledger.Applied {
			t.Errorf("applied: %s, %v", got.State, err)
		}
	})
	t.Run("the same in other words", func(t *testing.T) {
		c := sit(t)
		first := c.sends(bob, only(func(q *query.Clone) { q.Include = []string{"assignments", "groups"} }))
		got := c.sends(bob, only(func(q *query.Clone) {
			q.Include, q.Only, q.For = []string{"groups", "assignments", "groups"}, []string{"readers", "readers"}, 8*time.Hour
		}))
		if !slices.Equal(got.Supersedes, []string{first.ID}) {
			t.Errorf("took the place of %q, want %s", got.Supersedes, first.ID)
		}
	})
}

// TestSupersededAtOnce sends several plans for the same at the same moment, on two replicas, while somebody votes on an earlier
// one: of those that wait for votes one remains, and the earlier one is either approved or superseded.
func TestSupersededAtOnce(t *testing.T) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			c.t = t
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
				replicas[i] = g.Approvals(core.ApprovalOptions{
					Account: func() core.Writer { return nil }, Ledger: l, Policy: c.policy, Holder: fmt.Sprint(i), PerDay: 1000,
					Bots: []identity.PrincipalKey{{Kind: identity.KindServicePrincipal, ID: "2001"}},
				})
			}
			for round := range 25 {
				atOnce(t, replicas, ledgers[0], round)
				if t.Failed() {
					return
				}
			}
		})
	}
}

func atOnce(t *testing.T, replicas []*core.Approvals, l *ledger.Ledger, round int) {
	t.Helper()
	drafts := make([]core.Case, 4)
	for i := range drafts {
		_, made, err := replicas[i%2].Propose(t.Context(), in(bob), wish(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		drafts[i] = made
	}
	early := drafts[0]
	if _, err := replicas[0].Submit(t.Context(), in(bob), early.ID, early.Digest); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i, made := range drafts[1:] {
		all.Go(func() {
			if _, err := replicas[i%2].Submit(t.Context(), in(bob), made.ID, made.Digest); err != nil {
				t.Errorf("round %d: submit: %v", round, err)
			}
		})
	}
	all.Go(func() {
		_, err := replicas[1].Vote(t.Context(), in(erin), early.ID, early.Digest, true, "")
		if _, late := errors.AsType[*ledger.ConflictError](err); err != nil && !late {
			t.Errorf("round %d: vote: %v", round, err)
		}
	})
	all.Wait()
	states := map[ledger.State]int{}
	for i, made := range drafts {
		k, err := replicas[0].Case(t.Context(), made.ID)
		if err != nil {
			t.Fatal(err)
		}
		states[k.State]++
		if (k.State == ledger.Superseded) != (k.SupersededBy != "") || k.State == ledger.Approved && i != 0 || k.SupersededBy == k.ID {
			t.Errorf("round %d: plan %d is %s, superseded by %q", round, i, k.State, k.SupersededBy)
		}
	}
	if states[ledger.Pending] != 1 || states[ledger.Superseded] != 3-states[ledger.Approved] {
		t.Errorf("round %d: %v", round, states)
	}
	// An approved one is out of the way of the next round.
	waiting, err := l.Plans(t.Context(), ledger.PlanFilter{States: []ledger.State{ledger.Pending, ledger.Approved}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range waiting {
		if _, err := replicas[0].Cancel(t.Context(), in(bob), p.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
}
