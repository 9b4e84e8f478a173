package core

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/apply/live"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
)

// ApplyMode is the name of the reports of what was carried out.
const ApplyMode = "apply"

// The ways in which carrying out a plan ends otherwise than well.
type (
	// StalePlanError says that the account moved since the plan was made; nothing was changed.
	StalePlanError = apply.StaleError
	// RefusedApplyError says that the plan may not be applied; nothing was changed.
	RefusedApplyError = apply.RefusedError
	// NoRightError says that the caller may not carry out all of the plan; nothing was changed.
	NoRightError = apply.NoRightError
	// PartlyAppliedError says that a plan stopped after it had changed something.
	PartlyAppliedError = apply.PartialError
	// FailedApplyError says that a plan ended without having changed anything.
	FailedApplyError = apply.FailedError
	// ChangedPlanError says that a stored plan is not what was consented to.
	ChangedPlanError = apply.TamperedError
	// HaltedError says that all applying is switched off.
	HaltedError = apply.HaltedError
	// BusyPlanError says that another process works on the plan, or on one for the same principal.
	BusyPlanError = apply.BusyError
	// LeaseLostError says that another process took over.
	LeaseLostError = apply.LeaseLostError
)

// Applying is what carrying out plans takes besides what an Engine has.
type Applying struct {
	// Account is written to. Its caller is who carries plans out.
	Account Writer
	// Ledger keeps what is done. It is of the account.
	Ledger *ledger.Ledger
	// Actor is on whose word, and Holder names this process among all that use the ledger.
	Actor  ledger.Actor
	Holder string
	// Announce, unless nil, is told in words what a plan takes back from which other, before it does: one for each step.
	Announce func(id, parent string, steps []string)
}

// Applier carries out plans and takes them back. It is for one goroutine.
type Applier struct {
	engine *Engine
	store  *journal.Store
	exec   *apply.Executor
	source Writer
	told   foretold
}

// Applier makes an Applier for the engine's account.
func (g *Engine) Applier(o Applying) *Applier {
	a := &Applier{engine: g, store: &journal.Store{Ledger: o.Ledger, Actor: o.Actor, Holder: o.Holder}, source: o.Account}
	a.exec = &apply.Executor{
		Account: live.New(o.Account, apply.Place{Account: o.Ledger.Account(), Host: g.o.Host}), Store: a.store, Clock: clock{g.o.Now},
		Decode: plan.Decode, NewID: g.o.PlanID, Gain: a.gain, Rights: a.rights, Tool: g.o.Version,
	}
	if o.Announce != nil {
		a.exec.Announce = func(p plan.Plan, left []plan.Step) {
			var said []string
			for _, s := range left {
				said = append(said, s.ID+" "+p.Target.Name+": "+s.Detail())
			}
			o.Announce(p.ID, p.Parent, said)
		}
	}
	if clocked, ok := o.Account.(Clocked); ok {
		a.exec.AccountTime = func() (time.Time, bool) {
			ahead, known := clocked.Ahead()
			return g.o.Now().Add(ahead), known
		}
	}
	return a
}

// clock is the real time.
type clock struct{ now func() time.Time }

func (c clock) Now() time.Time { return c.now() }

func (clock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (clock) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// Keep stores a plan's bytes, and gives its id. To store the same plan again changes nothing.
func (a *Applier) Keep(ctx context.Context, file []byte) (string, error) {
	who := a.store.Actor
	kept, err := a.store.Keep(ctx, file, ledger.Party{ID: who.ID, Name: who.Email})
	return kept.ID, err
}

// Waits reports whether a stored plan waits for consent.
func (a *Applier) Waits(ctx context.Context, id string) (bool, error) {
	kept, err := a.store.Plan(ctx, id)
	return kept.State == apply.State(ledger.Draft), err
}

// VotedUnder gives the version of the rules that a stored plan is voted on by; empty if its requester's word is enough. Such a
// plan is carried out by Approvals, which judge its votes, and refused by the methods here that carry plans out.
func (a *Applier) VotedUnder(ctx context.Context, id string) (string, error) {
	kept, err := a.store.Plan(ctx, id)
	if err != nil {
		return "", err
	}
	p, _, err := plan.Decode(kept.Body)
	switch {
	case err != nil:
		return "", &ChangedPlanError{Plan: id, Why: err.Error()}
	case p.Kind != plan.Clone:
		return "", nil // what takes something back was consented to with what it takes back
	}
	return p.Policy, nil
}

// unvoted refuses plans that take votes.
func (a *Applier) unvoted(ctx context.Context, id string) error {
	policy, err := a.VotedUnder(ctx, id)
	if err == nil && policy != "" {
		return &RefusedApplyError{Plan: id, Why: "it takes votes, which are judged by the policy that it was made under: name that policy"}
	}
	return err
}

// Consent lets a stored plan be applied, on the word of the one who asks. A plan that takes votes is refused.
func (a *Applier) Consent(ctx context.Context, id string) error {
	if err := a.unvoted(ctx, id); err != nil {
		return err
	}
	kept, err := a.store.Plan(ctx, id)
	if err == nil {
		_, err = a.store.Consent(ctx, kept, "consent at the command line")
	}
	return err
}

// Apply carries out a plan that was consented to. The report says how things stand beside every error but those of
// reading the ledger; nil is none.
func (a *Applier) Apply(ctx context.Context, id string) (*report.CloneReport, error) {
	if err := a.unvoted(ctx, id); err != nil {
		return nil, err
	}
	out, err := a.exec.Apply(ctx, id)
	return a.report(out, err)
}

// Resume goes on with a plan that stopped on the way.
func (a *Applier) Resume(ctx context.Context, id string) (*report.CloneReport, error) {
	if err := a.unvoted(ctx, id); err != nil {
		return nil, err
	}
	out, err := a.exec.Resume(ctx, id)
	return a.report(out, err)
}

// Undo takes back what a plan gave. With uncertain, that includes steps of which it is not certain that they were the
// plan's doing.
func (a *Applier) Undo(ctx context.Context, id string, uncertain bool) (*report.CloneReport, error) {
	out, err := a.exec.Undo(ctx, id, uncertain)
	return a.report(out, err)
}

// Expire takes back what plans gave for a time that is over: one report for each such plan.
func (a *Applier) Expire(ctx context.Context) ([]*report.CloneReport, error) {
	results, err := a.exec.Expire(ctx)
	var list []*report.CloneReport
	for _, out := range results {
		r, showErr := a.report(out, nil)
		if r != nil {
			list = append(list, r)
		}
		err = errors.Join(err, showErr)
	}
	return list, err
}

// report shows how a plan stands; one of nothing, such as an undo with nothing to take back, shows its parent.
func (a *Applier) report(out apply.Result, err error) (*report.CloneReport, error) {
	if out.Plan.ID == "" && out.Parent != nil {
		out = *out.Parent
	}
	if out.Plan.ID == "" {
		return nil, err
	}
	r := &report.CloneReport{Envelope: report.Envelope{
		Mode: ApplyMode, SchemaVersion: report.SchemaVersion, ToolVersion: a.engine.o.Version, AccountID: out.Plan.Account, GeneratedAt: a.engine.o.Now().UTC(),
		FactsReadAt: report.FactsReadAt{Oldest: out.Plan.CreatedAt, Newest: a.engine.o.Now().UTC()}, Request: appliedPlan{out.Plan.ID},
		Coverage: report.Coverage{Complete: true, Gaps: []report.Gap{}, APICalls: cost(a.calls())},
		Notes:    []string{"what the calls read was for the steps alone: complete is no word about the account"},
	}}
	shown, showErr := plan.Show(out.Plan, nil)
	if showErr != nil {
		return nil, errors.Join(err, showErr)
	}
	stand(&shown, out)
	out.Rights.Add(&shown)
	for _, one := range out.Rights.Steps {
		if one.May == plan.NotKnown {
			r.Notes = append(r.Notes, fmt.Sprintf("whether the caller may carry out %s was not known before: %s", one.Step, one.Why))
		}
	}
	r.Plan = shown
	return r, err
}

// stand adds to what is shown of a plan how it stands, and its steps.
func stand(shown *report.Plan, out apply.Result) {
	shown.State, shown.Parent = string(out.State), out.Plan.Parent
	if !out.EndsAt.IsZero() {
		shown.EndsAt = &out.EndsAt
	}
	status := map[string]apply.Step{}
	for _, s := range out.Steps {
		status[s.ID] = s
	}
	for i, action := range shown.Actions {
		// A step that nobody has tried yet is still planned: open are those that others have to do.
		if s, ok := status[action.ID]; ok && s.Status != apply.StatusOpen {
			shown.Actions[i].Status, shown.Actions[i].Error, shown.Actions[i].Uncertain = string(s.Status), s.Error, s.Uncertain
		}
	}
}

// appliedPlan is the question how a plan stands.
type appliedPlan struct{ id string }

// MarshalJSON is the question as reports echo it.
func (q appliedPlan) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"mode": ApplyMode, "plan": q.id})
}

// calls are the requests that the account was sent, where the source counts them.
func (a *Applier) calls() map[string]int {
	if counts, ok := a.source.(interface{ Calls() map[string]int }); ok {
		return counts.Calls()
	}
	return map[string]int{}
}
