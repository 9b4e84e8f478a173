package core_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// TestApprovals follows a plan from being asked for to being taken back.
func TestApprovals(t *testing.T) {
	c := sit(t)
	got := c.approved()
	if got.Ticket != "TICKET-1" || len(got.Votes) != 1 || got.Votes[0].Rule != "near" || got.Votes[0].Source != "T1/C0DATA/17.1005" || got.Ruling.Outcome != "approved" {
		t.Errorf("the case says %+v", got)
	}
	var seen []int
	r, got, err := c.Apply(t.Context(), in(erin), got.ID, func(done, all int) { seen = append(seen, done, all) })
	if err != nil {
		t.Fatal(err)
	}
	c.is(got, ledger.Applied)
	if !c.has(readers, victor) || len(c.server.Writes()) != 1 || r.Plan.State != "applied" || len(seen) != 2 {
		t.Errorf("victor is in readers: %t, by %d writes; told %v; the report says %s", c.has(readers, victor), len(c.server.Writes()), seen, r.Plan.State)
	}
	if _, _, err = c.Undo(t.Context(), in(erin), got.ID); err == nil {
		t.Error("somebody else took it back")
	}
	_, got, err = c.Undo(t.Context(), in(bob), got.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.is(got, ledger.Undone)
	if c.has(readers, victor) {
		t.Error("victor still is in readers")
	}
	c.server.ResetWrites()
	if _, _, err := c.Apply(t.Context(), in(bob), got.ID, nil); err == nil {
		t.Error("what was taken back was applied again")
	}
	c.untouched()
}

// TestUndoTakesVotes leaves what is not free to be taken back to an operator.
func TestUndoTakesVotes(t *testing.T) {
	c := sit(t)
	made := c.approved()
	_, _, err := c.Undo(t.Context(), in(bob), made.ID)
	notAllowed(t, err, "")
	if _, _, err = c.Apply(t.Context(), in(bob), made.ID, nil); err != nil {
		t.Fatal(err)
	}
	c.server.ResetWrites()
	c.clock.Add(61 * time.Minute)
	_, _, err = c.Undo(t.Context(), in(bob), made.ID)
	notAllowed(t, err, "databricks-access-audit undo "+made.ID)
	c.untouched()
	c.kept(made.ID, ledger.Applied)
}

// TestEnded neither takes votes on plans that ended nor carries them out.
func TestEnded(t *testing.T) {
	c := sit(t)
	for _, end := range []ledger.State{ledger.Rejected, ledger.Cancelled, ledger.Superseded, ledger.Stale} {
		made := c.pending()
		c.server.ResetWrites()
		err := c.ledger.Do(t.Context(), func(tx *ledger.Tx) error {
			_, err := tx.Move(ledger.Move{Plan: made.ID, From: ledger.Pending, Version: made.Version, To: end})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Vote(t.Context(), in(heidi), made.ID, made.Digest, true, ""); err == nil {
			t.Errorf("%s: a vote was taken", end)
		}
		if _, _, err := c.Apply(t.Context(), in(bob), made.ID, nil); err == nil {
			t.Errorf("%s: it was applied", end)
		}
		if _, err := c.Submit(t.Context(), in(bob), made.ID, made.Digest); err == nil {
			t.Errorf("%s: it was put to the vote again", end)
		}
		c.untouched()
		c.kept(made.ID, end)
	}
}

// TestI1_CommandLine carries nothing out at the command line that takes votes, whatever its state, but by judging them.
func TestI1_CommandLine(t *testing.T) {
	c := sit(t)
	approved := c.approved() // before the pending one, whose place it would take
	for _, made := range []core.Case{c.draft(), c.pending(), approved} {
		a := c.engine.Applier(core.Applying{Account: c.opened.Session(), Ledger: c.ledger, Actor: ledger.Actor{ID: "operator", Via: "cli"}, Holder: "terminal"})
		consented := a.Consent(t.Context(), made.ID)
		_, applied := a.Apply(t.Context(), made.ID)
		_, resumed := a.Resume(t.Context(), made.ID)
		for what, err := range map[string]error{"consented to": consented, "applied": applied, "gone on with": resumed} {
			if _, refused := errors.AsType[*core.RefusedApplyError](err); !refused {
				t.Errorf("%s: it was %s: %v", made.State, what, err)
			}
		}
		c.kept(made.ID, made.State)
	}
	c.untouched()
}

// TestVoteReadsThePeopleConcerned counts what a vote asks of Databricks: for each of the people concerned their record and their
// groups, and one search for further accounts of theirs. How many others might vote, and in how many groups people are, costs nothing.
func TestVoteReadsThePeopleConcerned(t *testing.T) {
	c := sit(t)
	c.server.Update(func(a *sandbox.Account) {
		for i := range 40 {
			id := fmt.Sprint(5000 + i)
			a.Users = append(a.Users, &sandbox.User{ID: id, UserName: "voter" + id + "@acme.test"})
			join(a, owners, id)
		}
	})
	made := c.pending()
	c.server.ResetCalls()
	if _, err := c.Vote(t.Context(), in(heidi), made.ID, made.Digest, true, ""); err != nil {
		t.Fatal(err)
	}
	const people = 4 // who asked, who votes, source and target
	asked := map[string]int{}
	for _, call := range c.server.Calls() {
		asked[call.Route]++
	}
	want := map[string]int{
		"/api/2.0/accounts/{account_id}/scim/v2/Users/{id}":                                          people,
		"/api/2.0/identity/accounts/{account_id}/principals/{principal_id}/transitive-parent-groups": people,
		"/api/2.0/accounts/{account_id}/scim/v2/Users":                                               1,
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("a vote asks for (-want +got):\n%s", diff)
	}
}
