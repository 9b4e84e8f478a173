package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/core/ledger"
)

// events lists the names of the rows of the trail.
func (w *world) events() []string {
	w.Helper()
	entries, err := w.Trail(w.Context(), "")
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		event, err := e.Event()
		if err != nil {
			w.Fatal(err)
		}
		list = append(list, event.Event)
	}
	return list
}

func stepsOnce(w *world) {
	p, l := w.applying()
	begin := func(step string) func(tx *ledger.Tx) error {
		return func(tx *ledger.Tx) error {
			_, err := tx.Begin(l, carol, p.ID, step, nil)
			return err
		}
	}
	end := func(a ledger.Attempt, o ledger.Outcome) func(tx *ledger.Tx) error {
		return func(tx *ledger.Tx) error {
			_, err := tx.End(l, carol, a.Plan, a.Step, a.Number, o)
			return err
		}
	}
	fails[*ledger.RefusedError](w, begin("d"))
	a := w.begin(l, p, "a")
	w.equal("attempt", a.Number, int64(1))
	fails[*ledger.ConflictError](w, begin("a"))
	fails[*ledger.RefusedError](w, end(a, ledger.Outcome{Result: "perhaps"}))
	fails[*ledger.RefusedError](w, end(a, ledger.Outcome{Result: ledger.Done}))
	w.do(end(a, ledger.Outcome{Result: ledger.Unknown, Error: "timed out"}))
	fails[*ledger.ConflictError](w, begin("a"))
	w.do(end(a, ledger.Outcome{Result: ledger.StepFailed}))
	again := w.begin(l, p, "a")
	w.equal("attempt", again.Number, int64(2))
	done := ledger.Outcome{Result: ledger.Done, Attribution: ledger.Uncertain, After: []byte("1")}
	w.do(end(again, done))
	w.do(end(again, done))
	fails[*ledger.ConflictError](w, end(again, ledger.Outcome{Result: ledger.StepFailed}))
	fails[*ledger.ConflictError](w, begin("a"))
	a.Number = 3
	fails[*ledger.NotFoundError](w, end(a, done))

	// What the steps say decides what the plan may be called.
	move := func(to ledger.State) func(tx *ledger.Tx) error {
		return func(tx *ledger.Tx) error {
			_, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Lease: l})
			return err
		}
	}
	for _, to := range []ledger.State{ledger.Applied, ledger.Failed, ledger.Stale} {
		fails[*ledger.RefusedError](w, move(to))
	}
	w.end(l, w.begin(l, p, "b"), ledger.Already)
	w.end(l, w.begin(l, p, "c"), ledger.StepRefused)
	fails[*ledger.RefusedError](w, move(ledger.Applied))
	p = w.moved(p, l, ledger.PartiallyApplied)
	fails[*ledger.ConflictError](w, begin("c"))
	p = w.moved(p, l, ledger.Applying)
	w.end(l, w.begin(l, p, "c"), ledger.Done)
	w.do(move(ledger.Applied))

	attempts, err := w.Attempts(w.Context(), p.ID)
	if err != nil {
		w.Fatal(err)
	}
	var results []ledger.Result
	for _, a := range attempts {
		results = append(results, a.Result)
	}
	if want := []ledger.Result{ledger.StepFailed, ledger.Done, ledger.Already, ledger.StepRefused, ledger.Done}; !slices.Equal(results, want) {
		w.Errorf("results: %v, want %v", results, want)
	}
	w.equal("before", string(attempts[0].Before), `"before a"`)
	w.equal("after", string(attempts[1].After), "1")
	w.equal("attribution", attempts[1].Attribution, ledger.Uncertain)
}

func findsOpenIntents(w *world) {
	p, l := w.applying()
	w.end(l, w.begin(l, p, "a"), ledger.Done)
	w.end(l, w.begin(l, p, "b"), ledger.Unknown)
	w.clock.Add(time.Second)
	w.begin(l, p, "c")
	open, err := w.OpenIntents(w.Context())
	if err != nil || len(open) != 2 || open[0].Step != "b" || open[1].Step != "c" || string(open[1].Before) != `"before c"` {
		w.Fatalf("open: %v, %v", open, err)
	}
	// Another takes over when the lease has run out. The first can no longer say anything.
	w.clock.Add(time.Minute)
	other := w.lease(p, "two")
	late := ledger.Outcome{Result: ledger.Done, Attribution: ledger.Certain}
	stale := failure[*ledger.StaleLeaseError](w, func(tx *ledger.Tx) error {
		_, err := tx.End(l, carol, p.ID, "c", 1, late)
		return err
	})
	w.equal("who has it", stale.Holder, "two")
	w.end(other, open[0], ledger.Done)
	w.end(other, open[1], ledger.StepFailed)
	if open, err = w.OpenIntents(w.Context()); err != nil || len(open) != 0 {
		w.Errorf("open: %v, %v", open, err)
	}
}

// whatStands has plans for one target, and one for another, whose attempts ended in every way.
func whatStands(w *world) {
	made := map[string]string{}
	begun := func(name string, change func(p *ledger.Plan)) (ledger.Plan, ledger.Lease) {
		p := Plan(w.clock)
		if change != nil {
			change(&p)
		}
		made[p.ID] = name
		w.do(func(tx *ledger.Tx) (err error) {
			p, err = tx.Create(carol, p)
			return err
		})
		l := w.lease(p, "one")
		w.clock.Add(time.Second)
		return w.moved(p, l, ledger.Pending, ledger.Approved, ledger.Applying), l
	}
	p, l := begun("all", nil)
	w.end(l, w.begin(l, p, "a"), ledger.StepFailed)
	w.end(l, w.begin(l, p, "a"), ledger.Done)
	w.end(l, w.begin(l, p, "b"), ledger.Already)
	w.end(l, w.begin(l, p, "c"), ledger.Unknown)

	p, l = begun("open", nil)
	w.end(l, w.begin(l, p, "a"), ledger.StepRefused)
	w.end(l, w.begin(l, p, "b"), ledger.Already)
	w.end(l, w.begin(l, p, "b"), ledger.StepFailed)
	w.begin(l, p, "c")

	p, l = begun("undone", nil)
	for _, step := range p.Steps {
		w.end(l, w.begin(l, p, step), ledger.Done)
	}
	undone := w.moved(p, l, ledger.Applied, ledger.UndoPending, ledger.Undone)

	p, l = begun("undo", func(p *ledger.Plan) { p.Kind, p.Parent = "undo", undone.ID })
	w.end(l, w.begin(l, p, "a"), ledger.Done)

	p, l = begun("somebody else's", func(p *ledger.Plan) { p.Target = ledger.Party{ID: "109", Name: "bob@acme.test"} })
	w.end(l, w.begin(l, p, "a"), ledger.Done)

	w.moved(w.created(), ledger.Lease{}, ledger.Pending)

	attempts, err := w.Standing(w.Context(), "102")
	if err != nil {
		w.Fatal(err)
	}
	var got []string
	for _, a := range attempts {
		got = append(got, fmt.Sprintf("%s %s #%d %s", made[a.Plan], a.Step, a.Number, a.Result))
	}
	if want := []string{"all a #2 done", "all b #1 already", "all c #1 unknown", "open c #1 ", "undo a #1 done"}; !slices.Equal(got, want) {
		w.Errorf("standing: %q, want %q", got, want)
	}
	w.equal("before", string(attempts[0].Before), `"before a"`)
	if attempts, err = w.Standing(w.Context(), "nobody"); err != nil || len(attempts) != 0 {
		w.Errorf("of nobody: %v, %v", attempts, err)
	}
	if _, err = w.Standing(w.Context(), "a\x00b"); err == nil {
		w.Error("what no store can hold was looked for")
	}
}

func leases(w *world) {
	p, l := w.applying()
	take := func(holder string) func(tx *ledger.Tx) error {
		return func(tx *ledger.Tx) (err error) {
			_, err = tx.Acquire(l.Name, holder, time.Minute)
			return err
		}
	}
	busy := failure[*ledger.BusyError](w, take("two"))
	w.equal("holder", busy.Holder, "one")
	w.equal("until", busy.Until, w.clock.Now().Add(time.Minute))
	w.clock.Add(50 * time.Second)
	w.do(func(tx *ledger.Tx) (err error) {
		l, err = tx.Renew(l, time.Minute)
		return err
	})
	w.clock.Add(59 * time.Second)
	fails[*ledger.BusyError](w, take("two"))
	w.clock.Add(time.Second)
	// It ran out: what needs it is refused even before anybody else takes it, but what happened may be said.
	fails[*ledger.StaleLeaseError](w, func(tx *ledger.Tx) error {
		_, err := tx.Begin(l, carol, p.ID, "a", nil)
		return err
	})
	fails[*ledger.StaleLeaseError](w, func(tx *ledger.Tx) error {
		_, err := tx.Renew(l, time.Minute)
		return err
	})
	two := w.lease(p, "two")
	w.equal("epoch", two.Epoch, l.Epoch+1)
	for what, lease := range map[string]ledger.Lease{
		"the old one": l, "a forged epoch": {Name: two.Name, Holder: "two", Epoch: two.Epoch + 1}, "another holder": {Name: two.Name, Holder: "one", Epoch: two.Epoch},
		"none": {}, "another plan's": {Name: ledger.PlanLease("p-0000000000"), Holder: "two", Epoch: two.Epoch},
	} {
		err := w.Do(w.Context(), func(tx *ledger.Tx) error {
			_, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.PartiallyApplied, Lease: lease})
			return err
		})
		if _, is := errors.AsType[*ledger.StaleLeaseError](err); !is {
			w.Errorf("with %s: %v", what, err)
		}
	}
	again := w.lease(p, "two") // it crashed, and came back
	fails[*ledger.StaleLeaseError](w, func(tx *ledger.Tx) error {
		_, err := tx.Begin(two, carol, p.ID, "a", nil)
		return err
	})
	held, err := w.Leases(w.Context())
	if err != nil || len(held) != 1 || held[0] != again {
		w.Errorf("leases: %v, %v; want %v", held, err, again)
	}
	w.do(func(tx *ledger.Tx) error { return tx.Release(two) }) // stale: nothing happens
	fails[*ledger.BusyError](w, take("three"))
	w.do(func(tx *ledger.Tx) error { return tx.Release(again) })
	w.equal("epoch after a release", w.lease(p, "three").Epoch, again.Epoch+1)
}

func halts(w *world) {
	p, l := w.applying()
	approved := w.moved(w.created(), ledger.Lease{}, ledger.Pending)
	w.do(func(tx *ledger.Tx) error { return tx.Halt(carol, "something is wrong") })
	e := failure[*ledger.HaltedError](w, func(tx *ledger.Tx) error {
		_, err := tx.Begin(l, carol, p.ID, "a", nil)
		return err
	})
	w.equal("reason", e.Reason, "something is wrong")
	w.equal("who halted it", e.By, carol)
	w.equal("since when", e.Since.IsZero(), false)
	fails[*ledger.HaltedError](w, func(tx *ledger.Tx) error {
		_, err := tx.Move(ledger.Move{Plan: approved.ID, From: approved.State, Version: approved.Version, To: ledger.Approved})
		return err
	})
	again, ok := errors.AsType[*ledger.HaltedError](w.Halted(w.Context()))
	if !ok || *again != *e {
		w.Errorf("it says that it is halted by %+v; want %+v", again, e)
	}
	// A reason that looks like a row of the trail is not taken for one.
	w.do(func(tx *ledger.Tx) error { return tx.Record(ledger.Event{Event: "seen", Reason: `"event":"halted"`}) })
	if again, ok := errors.AsType[*ledger.HaltedError](w.Halted(w.Context())); !ok || *again != *e {
		w.Errorf("it says that it is halted by %+v; want %+v", again, e)
	}
	w.do(func(tx *ledger.Tx) error { return tx.Resume(carol, "") })
	if err := w.Halted(w.Context()); err != nil {
		w.Errorf("it is halted still: %v", err)
	}
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error { return tx.Halt(carol, "") })
	w.begin(l, p, "a")
}

func elevates(w *world) {
	take := func(holder string, before string) (e ledger.Elevation, first bool) {
		w.Helper()
		w.do(func(tx *ledger.Tx) (err error) {
			e, first, err = tx.Elevate(carol, "workspace/1", holder, []byte(before), w.clock.Now().Add(time.Hour))
			return err
		})
		return e, first
	}
	leave := func(holder string) (last bool) {
		w.Helper()
		w.do(func(tx *ledger.Tx) (err error) {
			_, last, err = tx.Leave(carol, "workspace/1", holder)
			return err
		})
		return last
	}
	for _, until := range []time.Duration{0, time.Hour + time.Second} {
		fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error {
			_, _, err := tx.Elevate(carol, "workspace/1", "x", nil, w.clock.Now().Add(until))
			return err
		})
	}
	_, first := take("one", "USER")
	w.equal("first", first, true)
	w.clock.Add(time.Minute)
	e, first := take("two", "ADMIN")
	w.equal("first", first, false)
	w.equal("what was before the first", string(e.Before), "USER")
	w.equal("deadline of the first", e.Deadline, w.clock.Now().Add(59*time.Minute))
	if !slices.Equal(e.Holders, []string{"one", "two"}) {
		w.Errorf("holders: %v", e.Holders)
	}
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error { return tx.Restored(carol, "workspace/1") })
	w.equal("last", leave("one"), false)
	w.equal("last", leave("one"), false)
	w.equal("last", leave("two"), true)
	w.equal("last, again", leave("two"), false)
	busy := func(tx *ledger.Tx) error {
		_, _, err := tx.Elevate(carol, "workspace/1", "three", nil, w.clock.Now().Add(time.Minute))
		return err
	}
	fails[*ledger.BusyError](w, busy)
	w.do(func(tx *ledger.Tx) error { return tx.Restored(carol, "workspace/1") })
	if _, first = take("three", "NONE"); !first {
		w.Error("not the first after it was restored")
	}
	w.clock.Add(time.Hour)
	fails[*ledger.BusyError](w, busy)
	for range 2 { // a reaper that died is followed by another
		w.do(func(tx *ledger.Tx) (err error) {
			e, err = tx.Reap(carol, "workspace/1", "over")
			return err
		})
		w.equal("restoring", e.Restoring, true)
		w.equal("before", string(e.Before), "NONE")
	}
	w.do(func(tx *ledger.Tx) error { return tx.Restored(carol, "workspace/1") })
	list, err := w.Elevations(w.Context())
	if err != nil || len(list) != 0 {
		w.Errorf("elevations: %v, %v", list, err)
	}
}

func rollsBack(w *world) {
	p := w.created()
	before := w.events()
	oops := errors.New("oops")
	err := w.Do(w.Context(), func(tx *ledger.Tx) error {
		if _, err := tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: ledger.Pending}); err != nil {
			return err
		}
		if err := tx.Queue(ledger.Post{Key: "k", Body: []byte("b")}); err != nil {
			return err
		}
		return oops
	})
	if !errors.Is(err, oops) {
		w.Errorf("got %v", err)
	}
	w.equal("state", w.plan(p.ID).State, ledger.Draft)
	w.equal("rows of the trail", len(w.events()), len(before))
	if out, err := w.Outbox(w.Context()); err != nil || len(out) != 0 {
		w.Errorf("outbox: %v, %v", out, err)
	}
}

func clockGoesBack(w *world) {
	p, _ := w.applying()
	w.clock.Add(24*time.Hour - time.Second)
	l := w.lease(p, "one")
	w.clock.Add(-time.Second) // clocks are set a little all the time
	w.begin(l, p, "a")
	w.clock.Add(-time.Hour)
	fails[*ledger.StaleLeaseError](w, func(tx *ledger.Tx) error {
		_, err := tx.Begin(l, carol, p.ID, "b", nil)
		return err
	})
	var now time.Time
	w.do(func(tx *ledger.Tx) error {
		now = tx.Now()
		return nil
	})
	w.equal("the ledger's time", now, w.clock.Now().Add(time.Hour+time.Second))
	w.equal("lease dropped", slices.Contains(w.events(), ledger.EventLeaseDropped), true)
	w.equal("told once", len(slices.DeleteFunc(w.events(), func(e string) bool { return e != ledger.EventClockBack })), 1)
}

func trails(w *world) {
	p, l := w.applying()
	w.end(l, w.begin(l, p, "a"), ledger.Done)
	w.do(func(tx *ledger.Tx) error {
		return tx.Record(ledger.Event{Event: "request_refused", Actor: carol, Reason: "no rule allows it"})
	})
	fails[*ledger.RefusedError](w, func(tx *ledger.Tx) error { return tx.Record(ledger.Event{Event: ledger.EventVoted}) })
	want := []string{"genesis", "plan_created", "lease_taken", "plan_moved", "plan_moved", "plan_moved", "intent", "outcome", "request_refused"}
	if got := w.events(); !slices.Equal(got, want) {
		w.Errorf("events: %v, want %v", got, want)
	}
	entries, err := w.Trail(w.Context(), p.ID)
	if err != nil || len(entries) != 6 {
		w.Fatalf("of the plan: %d rows, %v", len(entries), err)
	}
	intent, err := entries[4].Event()
	if err != nil {
		w.Fatal(err)
	}
	w.equal("step", intent.Step, "a")
	w.equal("epoch", intent.Epoch, l.Epoch)
	w.equal("actor", intent.Actor, carol)
	w.equal("at", intent.At.Time, w.clock.Now())
	w.equal("digest", intent.Digest, p.Digest)
	v, err := w.Verify(w.Context())
	if err != nil || v.Rows != int64(len(want)) {
		w.Errorf("verify: %+v, %v", v, err)
	}
}
