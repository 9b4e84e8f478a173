package core

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// Preview shows a stored plan, with whether the caller may carry it out. The error is a *NoRightError where it may not
// carry out all of it; the report is given beside it.
func (a *Applier) Preview(ctx context.Context, id string) (*report.CloneReport, error) {
	p, r, err := a.shown(ctx, id)
	if err != nil {
		return nil, err
	}
	rights, err := a.exec.Ask(ctx, p)
	rights.Add(&r.Plan)
	r.Coverage.APICalls = cost(a.calls())
	return r, err
}

// Foretell is Preview with what would come of the plan, for those who are to consent to it: the account is read as deep as it
// was for the plan, unless the caller may not carry it out. The errors are those of Preview, and a *StalePlanError where
// something else would come of it by now than was shown when it was made; the report is given beside both. Progress may be nil.
//
// Apply compares the gain, too. It takes the one that was foretold, if that is at most foretoldFor old.
func (a *Applier) Foretell(ctx context.Context, id string, progress Progress) (*report.CloneReport, error) {
	p, kept, err := a.shown(ctx, id)
	if err != nil {
		return nil, err
	}
	rights, err := a.exec.Ask(ctx, p)
	if err != nil || p.Kind != plan.Clone {
		rights.Add(&kept.Plan)
		kept.Coverage.APICalls = cost(a.calls())
		return kept, err
	}
	f, err := a.foresee(ctx, p, progress)
	if err != nil {
		rights.Add(&kept.Plan)
		return kept, err
	}
	r := f.report
	r.Mode, r.Request = PlanMode, shownPlan{Plan: id}
	for route, n := range a.calls() {
		r.Coverage.APICalls.ByEndpoint[route] += n
		r.Coverage.APICalls.Total += n
	}
	if !p.Complete {
		r.Coverage.Complete = false
		r.Coverage.Gaps = append(r.Coverage.Gaps, unreadThen)
	}
	if r.Plan, err = plan.Show(p, f.model); err != nil {
		return nil, err
	}
	if r.Plan.Scripts, err = plan.Scripts(p, f.model); err != nil {
		return nil, err
	}
	f.out.Add(&r.Plan)
	rights.Add(&r.Plan)
	r.Notes = f.out.Notes
	if p.Gain != "" && f.gain != p.Gain {
		return r, &StalePlanError{Plan: id, Drift: []apply.Drift{{Why: apply.GainMoved}}}
	}
	a.told = foretold{plan: r.Plan.Digest, gain: f.gain, at: a.engine.o.Now()}
	return r, nil
}

// shown is a stored plan, and what is shown of it without asking anybody.
func (a *Applier) shown(ctx context.Context, id string) (plan.Plan, *report.CloneReport, error) {
	kept, err := a.store.Plan(ctx, id)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	p, _, err := plan.Decode(kept.Body)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	r, err := a.engine.ShowPlan(id, kept.Body)
	return p, r, err
}

// foretold is a gain that was computed before consent was asked for: of the plan with this digest, at this time.
type foretold struct {
	plan, gain string
	at         time.Time
}

// foretoldFor is for how long a gain that was foretold is taken for the gain: to read a question and to answer it. What it
// rests on may be so much older when the first change is made; what the steps themselves touch is read again all the same.
const foretoldFor = time.Minute

// foresight is what would come of a plan now.
type foresight struct {
	report *report.CloneReport // its envelope says what was read
	model  *access.Model
	out    plan.Outcome
	gain   string
}

// foresee computes what a plan would give now, from the account read as deep as it was for the plan.
func (a *Applier) foresee(ctx context.Context, p plan.Plan, progress Progress) (foresight, error) {
	g := a.engine
	src := g.o.Open()
	who := []string{p.Source.Key.Handle(), p.Target.Key.Handle()}
	e, _, err := surveyFor(ctx, src, who, p.Depth, collect.Options{Workers: g.o.Workers, Now: g.clock(src), Progress: progress})
	if err != nil {
		return foresight{}, err
	}
	f := foresight{report: &report.CloneReport{}, model: access.Over(e, g.o.Rules)}
	g.signFacts(&f.report.Envelope, query.Clone{}, e)
	f.report.Coverage.APICalls = cost(maps.Clone(src.Calls()))
	if seen := f.report.Coverage; p.Complete && !seen.Complete {
		return foresight{}, fmt.Errorf("what plan %s would give by now is not known: %w", p.ID, missing(seen)) // which is no sign that anything moved
	}
	f.out, f.gain, err = plan.Gained(f.model, p, g.o.votes.guarded, f.report.Coverage.Complete)
	return f, err
}

// gain is the fingerprint of what a plan would give now.
func (a *Applier) gain(ctx context.Context, p plan.Plan) (string, error) {
	told := a.told
	a.told = foretold{} // once
	if sum, err := plan.Digest(p); err == nil && told.plan == sum && a.engine.o.Now().Sub(told.at) <= foretoldFor {
		return told.gain, nil
	}
	f, err := a.foresee(ctx, p, nil)
	return f.gain, err
}

// missing says what could not be read: the first few of it.
func missing(c report.Coverage) error {
	var said []string
	for _, g := range c.Gaps {
		if g.Blocking {
			said = append(said, g.Operation+": "+g.Message)
		}
	}
	const few = 3
	if n := len(said); n > few {
		said = append(said[:few], fmt.Sprintf("and %d reads more", n-few))
	}
	return errors.New("not all could be read: " + strings.Join(said, "; "))
}
