package core_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// sweep sweeps once, and gives what changed as "id state".
func (c *court) sweep(a *core.Approvals) (changed []string) {
	c.t.Helper()
	cases, err := a.Sweep(c.t.Context())
	if err != nil {
		c.t.Errorf("sweep: %v", err)
	}
	for _, one := range cases {
		changed = append(changed, one.ID+" "+string(one.State))
	}
	return changed
}

func (c *court) sweeps(want ...string) {
	c.t.Helper()
	slices.Sort(want)
	if got := c.sweep(c.Approvals); !slices.Equal(got, want) {
		c.t.Errorf("changed: %q, want %q", got, want)
	}
}

// TestSweep_Expired ends what was not decided, or not begun, in time, and leaves the rest.
func TestSweep_Expired(t *testing.T) {
	c := sit(t)
	approved, draft := c.approved(), c.draft()
	c.sweeps()
	c.clock.Add(15 * time.Minute)
	pending := c.pending()
	c.sweeps(approved.ID + " expired")
	c.sweeps()
	if _, err := c.Vote(t.Context(), in(erin), approved.ID, approved.Digest, false, ""); err == nil {
		t.Error("a vote on what had expired was taken")
	}
	if _, _, err := c.Apply(t.Context(), in(bob), approved.ID, nil); err == nil {
		t.Error("what had expired was applied")
	}
	c.clock.Add(23*time.Hour + 45*time.Minute)
	c.sweeps(draft.ID + " expired")
	if _, err := c.Submit(t.Context(), in(bob), draft.ID, draft.Digest); err == nil {
		t.Error("what had expired was put to the vote")
	}
	c.clock.Add(time.Hour)
	if _, err := c.Vote(t.Context(), in(erin), pending.ID, pending.Digest, true, ""); err == nil {
		t.Error("a vote was taken when the time was over, before anybody swept")
	}
	c.sweeps(pending.ID + " expired")
	c.untouched()
}

// TestSweep_TimedAccess takes back what was given for a time when that is over (I6), and no sooner.
func TestSweep_TimedAccess(t *testing.T) {
	c := sit(t)
	q := wish()
	q.For = time.Hour
	_, made, err := c.Propose(t.Context(), in(bob), q, "", nil)
	if err == nil {
		made, err = c.Submit(t.Context(), in(bob), made.ID, made.Digest)
	}
	if err == nil {
		made, err = c.Vote(t.Context(), in(erin), made.ID, made.Digest, true, "")
	}
	if err == nil {
		_, made, err = c.Apply(t.Context(), in(erin), made.ID, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.is(made, ledger.Applied)
	if !made.EndsAt.Equal(c.clock.Now().Add(time.Hour)) {
		t.Errorf("it ends at %s", made.EndsAt)
	}
	c.clock.Add(59 * time.Minute)
	c.sweeps()
	c.clock.Add(time.Minute)
	c.sweeps(made.ID + " undone")
	if c.has(readers, victor) {
		t.Error("victor still is in readers")
	}
	c.sweeps()
}

// begun leaves a plan as a process does that ends just after it began: it holds the lease, and wrote nothing.
func (c *court) begun(id string) {
	c.t.Helper()
	err := c.ledger.Do(c.t.Context(), func(tx *ledger.Tx) error {
		p, err := tx.Plan(c.t.Context(), id)
		if err != nil {
			return err
		}
		l, err := tx.Acquire(ledger.PlanLease(id), "a process that is gone", time.Minute)
		if err == nil {
			_, err = tx.Move(ledger.Move{Plan: id, From: p.State, Version: p.Version, To: ledger.Applying, Lease: l})
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// TestSweep_GoesOn goes on with what a process left, when its lease is over, and only with enough votes.
func TestSweep_GoesOn(t *testing.T) {
	c := sit(t)
	made := c.approved()
	c.begun(made.ID)
	c.sweeps() // it may still be at it
	c.untouched()
	c.clock.Add(2 * time.Minute)
	c.server.Update(func(a *sandbox.Account) { leave(a, owners, erin) })
	for range 3 {
		if cases, err := c.Sweep(t.Context()); err == nil || len(cases) > 0 {
			t.Errorf("without its votes: %v, %v", cases, err)
		}
	}
	c.untouched()
	if n := len(c.events("alarm")); n != 1 {
		t.Errorf("%d alarms, want 1", n)
	}
	c.server.Update(func(a *sandbox.Account) { join(a, owners, erin) })
	c.sweeps(made.ID + " applied")
	if !c.has(readers, victor) || len(c.server.Writes()) != 1 {
		t.Errorf("victor is in readers: %t, by %d writes", c.has(readers, victor), len(c.server.Writes()))
	}
}

// TestSweep_Replicas has several replicas sweep at once: each plan changes once.
func TestSweep_Replicas(t *testing.T) {
	c := sit(t)
	expired, left := c.approved(), c.draft()
	c.clock.Add(20 * time.Minute)
	begun := c.approved()
	c.begun(begun.ID)
	c.clock.Add(2 * time.Minute)
	var mu sync.Mutex
	var changed []string
	var all sync.WaitGroup
	for _, name := range []string{"one", "two", "three"} {
		a := c.replica(name, c.policy)
		for range 2 {
			all.Go(func() {
				cases, _ := a.Sweep(t.Context())
				mu.Lock()
				defer mu.Unlock()
				for _, one := range cases {
					changed = append(changed, one.ID+" "+string(one.State))
				}
			})
		}
	}
	all.Wait()
	c.kept(left.ID, ledger.Draft)
	c.kept(begun.ID, ledger.Applied)
	if n := len(c.server.Writes()); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	if !slices.Contains(changed, expired.ID+" expired") || !slices.Contains(changed, begun.ID+" applied") {
		t.Errorf("changed: %q", changed)
	}
	moves := 0
	for _, e := range c.events(ledger.EventPlanMoved) {
		if e.Plan == expired.ID && e.To == ledger.Expired || e.Plan == begun.ID && e.To == ledger.Applied {
			moves++
		}
	}
	if moves != 2 {
		t.Errorf("%d ends are recorded, want 2", moves)
	}
}

// TestKeptVotes counts a vote of somebody whose own login cannot read who may vote when a process that can has looked at it.
func TestKeptVotes(t *testing.T) {
	for name, one := range map[string]struct {
		who  string
		want ledger.State
	}{"an approver": {erin, ledger.Approved}, "somebody else": {mallory, ledger.Pending}} {
		t.Run(name, func(t *testing.T) {
			c := sit(t)
			made := c.pending()
			c.fault("GET /api/2.0/accounts/*/scim/v2/* status=403", "GET /api/2.0/identity/* status=403", "GET /api/2.0/identity/accounts/*/principals/*/transitive-parent-groups status=403")
			terminal := c.replica("terminal", c.policy, func(o *core.ApprovalOptions) {
				o.Login = identity.PrincipalKey{Kind: identity.KindUser, ID: one.who}
			})
			by := ledger.Actor{ID: one.who, Via: "cli"}
			got, err := terminal.Vote(t.Context(), by, made.ID, made.Digest, true, "")
			if err != nil || got.Ruling.Outcome != consent.Open || !strings.Contains(strings.Join(got.Ruling.Why, " "), "is kept") {
				t.Fatalf("%+v, %v", got.Ruling, err)
			}
			c.kept(made.ID, ledger.Pending)
			c.fault()
			c.sweep(c.Approvals)
			c.kept(made.ID, one.want)
		})
	}
}

// TestCancel ends a plan on the word of its requester or of an approver, and of nobody else.
func TestCancel(t *testing.T) {
	c := sit(t)
	for _, by := range []string{bob, erin} {
		made := c.approved()
		_, err := c.Cancel(t.Context(), in(mallory), made.ID, "")
		notAllowed(t, err, "may cancel it")
		got, err := c.Cancel(t.Context(), in(by), made.ID, "not needed")
		if err != nil {
			t.Fatal(err)
		}
		c.is(got, ledger.Cancelled)
		if _, _, err := c.Apply(t.Context(), in(bob), made.ID, nil); err == nil {
			t.Error("what was cancelled was applied")
		}
		if _, err := c.Vote(t.Context(), in(heidi), made.ID, made.Digest, true, ""); err == nil {
			t.Error("what was cancelled was voted on")
		}
		if _, err := c.Vote(t.Context(), in(erin), made.ID, made.Digest, true, ""); err != nil {
			t.Errorf("the vote that was given, given again: %v", err)
		}
	}
	c.untouched()
}

// TestSubmit puts to the vote what its requester saw, on their word alone, and once.
func TestSubmit(t *testing.T) {
	c := sit(t)
	made := c.draft()
	_, err := c.Submit(t.Context(), in(erin), made.ID, made.Digest)
	notAllowed(t, err, "only whoever asked")
	_, err = c.Submit(t.Context(), in(bob), made.ID, strings.Repeat("0", 64))
	notAllowed(t, err, "another plan")
	_, err = c.Submit(t.Context(), in(bob), made.ID, "")
	notAllowed(t, err, "another plan")
	if _, err := c.Vote(t.Context(), in(erin), made.ID, made.Digest, true, ""); err == nil {
		t.Error("a draft was voted on")
	}
	for range 2 {
		got, err := c.Submit(t.Context(), in(bob), made.ID, made.Digest[:12])
		if err != nil {
			t.Fatal(err)
		}
		c.is(got, ledger.Pending)
	}
	_, err = c.Vote(t.Context(), in(erin), made.ID, strings.Repeat("0", 64), true, "")
	notAllowed(t, err, "not what was shown")
	if n := len(c.events(ledger.EventPlanMoved)); n != 1 {
		t.Errorf("%d moves, want 1", n)
	}
	r, err := c.Show(t.Context(), made.ID)
	if err != nil || r.Plan.State != "pending" || r.Plan.Digest != made.Digest {
		t.Errorf("shown: %+v, %v", r, err)
	}
}

// TestWithdraw takes a vote back whose message was edited: what it approved waits again, and it is not given anew.
func TestWithdraw(t *testing.T) {
	c := sit(t)
	made := c.approved()
	got, err := c.Withdraw(t.Context(), in(erin), made.ID, "T1/C0DATA/17.1005", "edited")
	if err != nil {
		t.Fatal(err)
	}
	c.is(got, ledger.Pending)
	if _, err := c.Withdraw(t.Context(), in(erin), made.ID, "T1/C0DATA/17.9", "edited"); err == nil {
		t.Error("a vote that was never given was taken back")
	}
	if _, err := c.Vote(t.Context(), in(erin), made.ID, made.Digest, true, ""); err == nil {
		t.Error("it was given anew")
	}
	got, err = c.Vote(t.Context(), in(heidi), made.ID, made.Digest, true, "")
	if err != nil {
		t.Fatal(err)
	}
	c.is(got, ledger.Approved)
}

// TestKeptVoteAfterOneInSlack judges a vote with a login that could not be judged at once, though its voter had voted in Slack before.
// The message of that vote no longer matters.
func TestKeptVoteAfterOneInSlack(t *testing.T) {
	c := sit(t)
	far(c)
	made := c.pending()
	for _, who := range []string{erin, grace} {
		if _, err := c.Vote(t.Context(), in(who), made.ID, made.Digest, true, ""); err != nil {
			t.Fatal(err)
		}
	}
	c.kept(made.ID, ledger.Pending)
	c.fault("GET /api/2.0/accounts/*/scim/v2/* status=403", "GET /api/2.0/identity/* status=403", "GET /api/2.0/identity/accounts/*/principals/*/transitive-parent-groups status=403")
	terminal := c.replica("terminal", c.policy, func(o *core.ApprovalOptions) { o.Login = identity.PrincipalKey{Kind: identity.KindUser, ID: grace} })
	if _, err := terminal.Vote(t.Context(), ledger.Actor{ID: grace, Via: "cli"}, made.ID, made.Digest, true, ""); err != nil {
		t.Fatal(err)
	}
	c.kept(made.ID, ledger.Pending)
	c.fault()
	c.sweep(c.Approvals)
	c.kept(made.ID, ledger.Approved)
	if _, err := c.Withdraw(t.Context(), in(grace), made.ID, core.VoteSource(in(grace)), "the message was deleted"); err == nil {
		t.Error("a vote with a login was taken back with a message")
	}
	c.kept(made.ID, ledger.Approved)
	if err := c.ledger.Check(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
}
