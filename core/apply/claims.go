package apply

import (
	"context"
	"fmt"
	"time"

	"databricks-access-audit/core/plan"
)

// claim is another plan's hold on a cell that is to be taken back: that plan, too, made it what it is, or may have.
//
// Several plans can have made one change: a process died without knowing whether its write got through, or readings
// lagged, so that each read the cell as it was before and had its write acknowledged. Nobody can tell whose it is then, and none may
// take what another gave. So each leaves it to those that stand, and whoever is taken back last takes it:
//
//   - A plan that was taken back has none: not when it is Undone, and not of a cell that its own undo is done with.
//   - A step that ended Already has none: it relies on what it found, but did not give it, and it was never ours to keep.
//   - An attempt without an outcome may have given it. Whoever takes back must not, and cannot hand over to what may be
//     nothing: the step is refused until that plan was resumed or undone. What ends because its time is over is overdue
//     meanwhile, and a person is called.
//   - What one plan gave for a time ends when its own time is over, and stays until then: two times do not shorten each other.
//   - A plan that takes back has one on what it restored: to give that again would undo the undo.
//   - What was surely over when the plan that is taken back read the cell has none: the cell was as it was before, so
//     somebody had taken it already. See overBy.
//   - A plan that is being carried out has the lease of the principal (HolderLease): taking back waits, by a BusyError. So
//     nothing here changes while a run has it.
type claim struct {
	plan string
	// sure says that it did, and not only may have; own that it is itself a plan that takes something back.
	sure, own bool
}

// why says what becomes of a step because of the claim, and what to do.
func (c claim) why() string {
	switch {
	case !c.sure:
		return fmt.Sprintf("plan %s may have made it so, too, and what became of its attempt is not known: resume or undo that plan first", c.plan)
	case c.own:
		return fmt.Sprintf("plan %s made it so when it took back another: left alone", c.plan)
	default:
		return fmt.Sprintf("plan %s made it so, too, and was not taken back: left to that plan; undo it as well to take this back", c.plan)
	}
}

// askClaims finds the claims on the cells of the plan that is taken back. They are asked for once: see claim.
func (r *run) askClaims(ctx context.Context) error {
	if r.claimed != nil {
		return nil
	}
	root, past := r.plan, r.past
	if !gives(r.plan) {
		var err error
		if _, root, err = r.load(ctx, r.plan.Parent); err != nil {
			return err
		}
		if past, err = r.pastOf(ctx, root.ID); err != nil {
			return err
		}
	}
	standing, err := r.standing(ctx, root)
	if err != nil {
		return err
	}
	back := takenBack(standing)
	found := map[plan.Cell]claim{}
	for _, s := range root.Executable() {
		for _, other := range standing {
			if other.plan.ID == root.ID || back[given{other.plan.ID, s.Change.Cell}] {
				continue
			}
			a, ok := other.made(*s.Change)
			if !ok || r.overBy(a, firstOf(past[s.ID], *s.Change)) || found[s.Change.Cell].sure {
				continue
			}
			found[s.Change.Cell] = claim{plan: other.plan.ID, sure: !a.Open(), own: !gives(other.plan)}
		}
	}
	r.claimed = found
	return nil
}

// handedOver reports whether a step is left to another plan, rather than taken back.
func (r *run) handedOver(s plan.Step) bool { return r.claimed[s.Change.Cell].sure }

// standing is a plan and the attempts of it that stand, by step.
type standing struct {
	plan     plan.Plan
	attempts map[string]Attempt
}

// standing gives the plans for the principal that a plan is for.
func (r *run) standing(ctx context.Context, p plan.Plan) ([]standing, error) {
	list, err := r.Store.Standing(ctx, p.Target.Key)
	if err != nil {
		return nil, err
	}
	out := make([]standing, len(list))
	for i, kept := range list {
		if out[i].plan, err = r.decode(kept.Kept); err != nil {
			return nil, err
		}
		out[i].attempts = map[string]Attempt{}
		for _, a := range kept.Attempts {
			out[i].attempts[a.Step] = a
		}
	}
	return out, nil
}

// made gives the attempt by which a plan made a change, or may have.
func (s standing) made(c plan.Change) (Attempt, bool) {
	for _, step := range s.plan.Executable() {
		if step.Change.Cell != c.Cell || step.Change.After != c.After {
			continue
		}
		a, tried := s.attempts[step.ID]
		return a, tried && (a.Open() || a.Result == Done)
	}
	return Attempt{}, false
}

// given is a cell of a plan that gave it something.
type given struct {
	plan string
	cell plan.Cell
}

// takenBack are the cells that plans are done with that take others back: they wrote them, or there was nothing of the
// other's to take, or they left it to another plan.
func takenBack(list []standing) map[given]bool {
	back := map[given]bool{}
	for _, s := range list {
		if s.plan.Parent == "" {
			continue
		}
		for _, step := range s.plan.Executable() {
			if a := s.attempts[step.ID]; a.Result == Done || a.Result == Already {
				back[given{s.plan.Parent, step.Change.Cell}] = true
			}
		}
	}
	return back
}

// firstOf gives the first of the attempts at a change that may have made it. Where that one found it made already, when the
// cell was read as it was before is not known: its time is zero.
func firstOf(attempts []Attempt, c plan.Change) Attempt {
	for _, a := range attempts {
		if a.Result != Done && !a.Open() && !a.Uncertain {
			continue
		}
		if a.Before != c.Before {
			a.BegunAt = time.Time{}
		}
		return a
	}
	return Attempt{}
}

// overBy reports whether the effect of an attempt, if it had one, would have shown in the reading that another rests
// on. That one read the cell as it was before, so the effect was undone by then, or never was.
//
// An attempt that is Done had its effect before it ended: that is when it was read back, or found. Of an open one, it may
// take as long as a reading stays good until the write is sent, and a Call until it is made. Readings may lag by Converge, and
// the other's may be as old as that when its intent is kept. All of it is by the store's clock.
func (e *Executor) overBy(a, other Attempt) bool {
	t := e.times()
	at := a.EndedAt
	if a.Open() {
		at = a.BegunAt.Add(t.ReadingAge + t.Call)
	}
	return !at.Add(t.Converge + t.ReadingAge).After(other.BegunAt)
}
