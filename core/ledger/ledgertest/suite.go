package ledgertest

import (
	"errors"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
)

var (
	carol = ledger.Actor{ID: "103", Email: "carol@acme.test", Via: "cli"}
	dave  = ledger.Party{ID: "104", Name: "dave@acme.test"}
	erin  = ledger.Party{ID: "105", Name: "erin@acme.test"}
)

// Suite is what every ledger must do. Open gives an empty one that reads the clock.
func Suite(t *testing.T, open func(t *testing.T, clock *Clock) *ledger.Ledger) {
	for _, c := range []struct {
		name string
		test func(w *world)
	}{
		{"a plan goes all the way", walksThrough},
		{"a plan that is not as it was seen stays as it is", losesRaces},
		{"every move that is not in the state machine is refused", refusesMoves},
		{"a plan is over when its time is", expires},
		{"one vote of each, on what was shown", votesOnce},
		{"a withdrawn vote stays withdrawn", withdraws},
		{"who approves whose plans is counted", countsMutual},
		{"when the account was changed is told", tellsChanges},
		{"a step is begun and ended once", stepsOnce},
		{"what may have been done is found again", findsOpenIntents},
		{"what may stand for a target is found", whatStands},
		{"a lease is of one holder, and each is of a greater epoch", leases},
		{"nothing is applied while halted", halts},
		{"an elevation is shared by count", elevates},
		{"a message is handled once", receivesOnce},
		{"a post is sent until it has arrived", sendsUntilSent},
		{"cards are found", cardsAreFound},
		{"uploads are deleted once", uploadsAreDeletedOnce},
		{"shared channels are told once", sharedChannelsAreToldOnce},
		{"what there is is counted", counts},
		{"a member stays who it was", pins},
		{"what fails leaves nothing behind", rollsBack},
		{"the ledger's time does not go back", clockGoesBack},
		{"the trail tells all of it", trails},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := NewClock()
			w := &world{T: t, Ledger: open(t, clock), clock: clock}
			c.test(w)
			if err := Retold(t.Context(), w.Ledger); err != nil {
				t.Errorf("T14: %v", err)
			}
		})
	}
}

// world is a ledger with a short way to say what is done to it.
type world struct {
	*testing.T
	*ledger.Ledger
	clock *Clock
}

// do runs a transaction that must succeed.
func (w *world) do(f func(tx *ledger.Tx) error) {
	w.Helper()
	if err := w.Do(w.Context(), f); err != nil {
		w.Fatal(err)
	}
}

// failure runs a transaction that must give an error of a type, which it returns.
func failure[E error](w *world, f func(tx *ledger.Tx) error) E {
	w.Helper()
	err := w.Do(w.Context(), f)
	e, is := errors.AsType[E](err)
	if !is {
		w.Fatalf("got %T (%v), want %T", err, err, e)
	}
	return e
}

// fails is failure where its kind is all that matters.
func fails[E error](w *world, f func(tx *ledger.Tx) error) {
	w.Helper()
	_ = failure[E](w, f)
}

func (w *world) plan(id string) ledger.Plan {
	w.Helper()
	p, err := w.Plan(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// created stores a new plan.
func (w *world) created() ledger.Plan {
	w.Helper()
	var p ledger.Plan
	w.do(func(tx *ledger.Tx) (err error) {
		p, err = tx.Create(carol, Plan(w.clock))
		return err
	})
	return p
}

// moved moves a plan on, one state after the other.
func (w *world) moved(p ledger.Plan, lease ledger.Lease, states ...ledger.State) ledger.Plan {
	w.Helper()
	for _, to := range states {
		w.do(func(tx *ledger.Tx) (err error) {
			p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Actor: carol, Lease: lease})
			return err
		})
	}
	return p
}

func (w *world) lease(p ledger.Plan, holder string) ledger.Lease {
	w.Helper()
	var l ledger.Lease
	w.do(func(tx *ledger.Tx) (err error) {
		l, err = tx.Acquire(ledger.PlanLease(p.ID), holder, time.Minute)
		return err
	})
	return l
}

// applying stores a plan and brings it to where its steps may be begun.
func (w *world) applying() (ledger.Plan, ledger.Lease) {
	w.Helper()
	p := w.created()
	l := w.lease(p, "one")
	return w.moved(p, l, ledger.Pending, ledger.Approved, ledger.Applying), l
}

func (w *world) begin(l ledger.Lease, p ledger.Plan, step string) ledger.Attempt {
	w.Helper()
	var a ledger.Attempt
	w.do(func(tx *ledger.Tx) (err error) {
		a, err = tx.Begin(l, carol, p.ID, step, []byte(`"before `+step+`"`))
		return err
	})
	return a
}

func (w *world) end(l ledger.Lease, a ledger.Attempt, result ledger.Result) {
	w.Helper()
	w.do(func(tx *ledger.Tx) error {
		_, err := tx.End(l, carol, a.Plan, a.Step, a.Number, ledger.Outcome{Result: result, After: []byte(`"after"`), Attribution: ledger.Certain})
		return err
	})
}

func (w *world) equal(what string, got, want any) {
	w.Helper()
	if got != want {
		w.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func walksThrough(w *world) {
	given := Plan(w.clock)
	given.EndsAt = w.clock.Now().Add(90*time.Minute + 123456*time.Nanosecond)
	w.do(func(tx *ledger.Tx) error {
		_, err := tx.Create(carol, given)
		return err
	})
	p := w.plan(given.ID)
	w.equal("body", string(p.Body), string(given.Body))
	w.equal("ends at, to the microsecond", p.EndsAt, w.clock.Now().Add(90*time.Minute+123*time.Microsecond))
	w.equal("source", p.Source, given.Source)
	w.equal("state", p.State, ledger.Draft)
	l := w.lease(p, "one")
	p = w.moved(p, l, ledger.Pending, ledger.Approved)
	w.clock.Add(time.Second)
	p = w.moved(p, l, ledger.Applying)
	for _, step := range p.Steps {
		w.end(l, w.begin(l, p, step), ledger.Done)
	}
	w.clock.Add(time.Second)
	p = w.moved(p, l, ledger.Applied)
	w.equal("applied at", p.AppliedAt, w.clock.Now())
	again := w.plan(p.ID)
	w.equal("version", again.Version, int64(5))
	w.equal("state", again.State, ledger.Applied)
	w.equal("applied at, read again", again.AppliedAt, p.AppliedAt)
	w.do(func(tx *ledger.Tx) error { return tx.Release(l) })
	w.moved(p, ledger.Lease{}, ledger.UndoPending, ledger.Undone)
	list, err := w.Plans(w.Context(), ledger.PlanFilter{States: []ledger.State{ledger.Undone, ledger.Draft}, Target: "102", Ended: w.clock.Now().Add(2 * time.Hour)})
	if err != nil || len(list) != 1 || list[0].ID != p.ID {
		w.Errorf("plans: %v, %v", list, err)
	}
	if list, err = w.Plans(w.Context(), ledger.PlanFilter{States: []ledger.State{ledger.Applied}}); err != nil || len(list) != 0 {
		w.Errorf("plans that are applied: %v, %v", list, err)
	}
	if _, err := w.Plan(w.Context(), "p-0000000000"); err == nil {
		w.Error("a plan that is not there was found")
	}
}

func losesRaces(w *world) {
	p := w.created()
	w.moved(p, ledger.Lease{}, ledger.Pending)
	e := failure[*ledger.ConflictError](w, func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: p.ID, From: ledger.Draft, Version: 1, To: ledger.Cancelled})
		return err
	})
	w.equal("what", e.What, "plan "+p.ID)
	fails[*ledger.ConflictError](w, func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: p.ID, From: ledger.Pending, Version: 1, To: ledger.Cancelled})
		return err
	})
	fails[*ledger.ConflictError](w, func(tx *ledger.Tx) error {
		_, err := tx.Create(carol, p)
		return err
	})
	fails[*ledger.NotFoundError](w, func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: "p-0000000000", From: ledger.Pending, Version: 1, To: ledger.Cancelled})
		return err
	})
	w.equal("state", w.plan(p.ID).State, ledger.Pending)
}

// ways is how to come to a state from a draft.
var ways = map[ledger.State][]ledger.State{
	ledger.Draft: {}, ledger.Pending: {ledger.Pending}, ledger.Approved: {ledger.Pending, ledger.Approved},
	ledger.Applying: {ledger.Pending, ledger.Approved, ledger.Applying}, ledger.PartiallyApplied: {ledger.Pending, ledger.Approved, ledger.Applying, ledger.PartiallyApplied},
	ledger.Failed: {ledger.Pending, ledger.Approved, ledger.Applying, ledger.Failed}, ledger.Rejected: {ledger.Pending, ledger.Rejected},
	ledger.Applied:   {ledger.Pending, ledger.Approved, ledger.Applying, ledger.Applied},
	ledger.Cancelled: {ledger.Cancelled}, ledger.Expired: {ledger.Expired}, ledger.Superseded: {ledger.Pending, ledger.Superseded}, ledger.Stale: {ledger.Pending, ledger.Approved, ledger.Stale},
	ledger.UndoPending:   {ledger.Pending, ledger.Approved, ledger.Applying, ledger.PartiallyApplied, ledger.UndoPending},
	ledger.Undone:        {ledger.Pending, ledger.Approved, ledger.Applying, ledger.PartiallyApplied, ledger.UndoPending, ledger.Undone},
	ledger.ExpiryOverdue: {ledger.Pending, ledger.Approved, ledger.Applying, ledger.PartiallyApplied, ledger.ExpiryOverdue},
}

func refusesMoves(w *world) {
	w.equal("states that the test knows a way to", len(ways), len(ledger.States()))
	for from, way := range ways {
		for _, to := range ledger.States() {
			if from.CanBecome(to) {
				continue
			}
			p := Plan(w.clock)
			p.Steps = nil
			w.do(func(tx *ledger.Tx) (err error) {
				p, err = tx.Create(carol, p)
				return err
			})
			if from == ledger.Expired {
				w.clock.Add(24 * time.Hour)
			}
			l := w.lease(p, "one")
			p = w.moved(p, l, way...)
			w.equal("state", p.State, from)
			fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error {
				_, err := tx.Move(ledger.Move{Plan: p.ID, From: from, Version: p.Version, To: to, Lease: l})
				return err
			})
			after := w.plan(p.ID)
			w.equal("state after a move to "+string(to), after.State, from)
			w.equal("version after a move to "+string(to), after.Version, p.Version)
		}
	}
}

func expires(w *world) {
	p := w.moved(w.created(), ledger.Lease{}, ledger.Pending)
	expire := func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Expired})
		return err
	}
	approve := func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Approved})
		return err
	}
	w.clock.Add(24*time.Hour - time.Microsecond)
	fails[*ledger.RefusedError](w, expire)
	w.clock.Add(time.Microsecond)
	fails[*ledger.RefusedError](w, approve)
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error {
		_, err := tx.Vote(carol, ledger.Vote{Plan: p.ID, Voter: dave, Decision: ledger.Approve, Digest: p.Digest})
		return err
	})
	due, err := w.Plans(w.Context(), ledger.PlanFilter{Due: w.clock.Now()})
	if err != nil || len(due) != 1 {
		w.Errorf("due: %v, %v", due, err)
	}
	w.do(expire)
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error {
		late := Plan(w.clock)
		late.ExpiresAt = w.clock.Now()
		_, err := tx.Create(carol, late)
		return err
	})
}

func votesOnce(w *world) {
	p := w.created()
	vote := func(v ledger.Vote) func(tx *ledger.Tx) error {
		v.Plan, v.Rule, v.Policy, v.Source = p.ID, "rule-1", "policy-1", "T1/C1/17.0001"
		return func(tx *ledger.Tx) error {
			_, err := tx.Vote(carol, v)
			return err
		}
	}
	fails[*ledger.ConflictError](w, vote(ledger.Vote{Voter: dave, Decision: ledger.Approve, Digest: "d1"})) // a draft
	p = w.moved(p, ledger.Lease{}, ledger.Pending)
	fails[*ledger.RefusedError](w, vote(ledger.Vote{Voter: dave, Decision: ledger.Approve, Digest: "d2"}))
	fails[*ledger.RefusedError](w, vote(ledger.Vote{Voter: dave, Decision: "maybe", Digest: "d1"}))
	fails[*ledger.RefusedError](w, vote(ledger.Vote{Decision: ledger.Approve, Digest: "d1"}))
	w.do(vote(ledger.Vote{Voter: dave, Decision: ledger.Approve, Digest: "d1"}))
	before := w.events()
	w.do(vote(ledger.Vote{Voter: dave, Decision: ledger.Approve, Digest: "d1"}))
	w.equal("events after a double click", len(w.events()), len(before))
	fails[*ledger.ConflictError](w, vote(ledger.Vote{Voter: dave, Decision: ledger.Reject, Digest: "d1"}))
	w.clock.Add(time.Second)
	w.do(vote(ledger.Vote{Voter: erin, Decision: ledger.Reject, Digest: "d1"}))
	votes, err := w.Votes(w.Context(), p.ID)
	if err != nil || len(votes) != 2 {
		w.Fatalf("votes: %v, %v", votes, err)
	}
	w.equal("first vote", votes[0], ledger.Vote{Plan: p.ID, Voter: dave, Decision: ledger.Approve, Digest: "d1", Source: "T1/C1/17.0001", Rule: "rule-1", Policy: "policy-1", At: w.clock.Now().Add(-time.Second)})
	w.equal("second voter", votes[1].Voter, erin)
}

func withdraws(w *world) {
	p := w.moved(w.created(), ledger.Lease{}, ledger.Pending)
	cast := func(tx *ledger.Tx) error {
		_, err := tx.Vote(carol, ledger.Vote{Plan: p.ID, Voter: dave, Decision: ledger.Approve, Digest: "d1"})
		return err
	}
	withdraw := func(tx *ledger.Tx) error { return tx.Withdraw(carol, p.ID, dave.ID, "the message was edited") }
	fails[*ledger.NotFoundError](w, withdraw)
	w.do(cast)
	w.clock.Add(time.Second)
	w.do(withdraw)
	w.do(withdraw)
	fails[*ledger.ConflictError](w, cast)
	votes, err := w.Votes(w.Context(), p.ID)
	if err != nil || len(votes) != 1 || votes[0].Stands() || votes[0].WithdrawnAt != w.clock.Now() {
		w.Errorf("votes: %v, %v", votes, err)
	}
}
