package core

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// RefusedPlanError says that no plan can do what was asked.
type RefusedPlanError = plan.RefusedError

// clone answers what gives one principal what another has, and what would come of it. The whole account is
// read: who manages and owns what decides who could carry a step out, and how far it reaches.
func (g *Engine) clone(ctx context.Context, src collect.Source, q query.Clone, o collect.Options) (*report.CloneReport, error) {
	depth := plan.Depth{Below: q.Scan, Entitlements: q.Takes("entitlements"), Objects: q.Takes("objects"), Workspaces: q.WorkspaceURLs}
	e, who, err := surveyFor(ctx, src, []string{q.From, q.To}, depth, o)
	if err != nil {
		return nil, err
	}
	m := access.Over(e, g.o.Rules)
	r := &report.CloneReport{}
	g.sign(&r.Envelope, q, e, src)
	wish := plan.Wish{Source: who[0], Target: who[1], Only: q.Only, Exclude: q.Exclude, Deep: q.Deep, Minimal: q.Minimal}
	for _, part := range q.Include {
		wish.Parts = append(wish.Parts, plan.Part(part))
	}
	p, out, err := plan.Make(m, wish, plan.About{
		ID: g.o.PlanID(), Host: g.o.Host, Tool: g.o.Version, At: g.o.Now(), For: q.For, Depth: depth, Complete: r.Coverage.Complete,
		Policy: g.o.votes.policy, Lasts: g.o.votes.lasts, Guarded: g.o.votes.guarded,
	})
	if err != nil {
		return nil, err
	}
	if r.Plan, err = plan.Show(p, m); err != nil {
		return nil, err
	}
	if r.Plan.Scripts, err = plan.Scripts(p, m); err != nil {
		return nil, err
	}
	out.Add(&r.Plan)
	if g.o.OwnPlans {
		ownRights(ctx, src, m, p).Add(&r.Plan)
	}
	r.Notes = append(r.Notes, out.Notes...)
	if g.o.KeepPlan != nil {
		file, err := plan.Encode(p)
		if err != nil {
			return nil, err
		}
		g.o.KeepPlan(file)
	}
	return r, nil
}

// surveyFor reads the account as a plan needs it about some principals.
func surveyFor(ctx context.Context, src collect.Source, who []string, d plan.Depth, o collect.Options) (*estate.Estate, []identity.PrincipalKey, error) {
	scope := collect.Scope{Below: d.Below, WorkspaceURLs: d.Workspaces, Objects: objectScope(query.Objects{Asked: d.Objects})}
	return collect.SurveyOf(ctx, src, scope, who, collect.Depth{Delegations: true, Entry: d.Entitlements, Objects: d.Objects}, o)
}

// PlanMode is the name of the report that ShowPlan makes.
const PlanMode = "plan"

// TamperedPlanError says that bytes are no plan that this program wrote, or were changed since.
type TamperedPlanError = plan.TamperedError

// ShowPlan says what a plan's file holds. It reads nothing else: what would come of the plan is not in it.
// The error is a *TamperedPlanError.
func (g *Engine) ShowPlan(name string, file []byte) (*report.CloneReport, error) {
	p, _, err := plan.Decode(file)
	if err != nil {
		return nil, err
	}
	r := &report.CloneReport{Envelope: report.Envelope{
		Mode: PlanMode, SchemaVersion: report.SchemaVersion, ToolVersion: g.o.Version, AccountID: p.Account, GeneratedAt: g.o.Now().UTC(),
		FactsReadAt: report.FactsReadAt{Oldest: p.CreatedAt, Newest: p.CreatedAt}, Request: shownPlan{File: name},
		Coverage: report.Coverage{Complete: p.Complete, Gaps: []report.Gap{}, APICalls: cost(map[string]int{})},
		Notes: []string{
			"what would come of the plan is not kept with it: plan apply reads it anew, and shows it before it asks for consent",
			"this is what the plan says: the account was asked nothing for it, and complete is what it was when the plan was made",
		},
	}}
	if r.Plan, err = plan.Show(p, nil); err != nil {
		return nil, err
	}
	if !p.Complete {
		r.Coverage.Gaps = append(r.Coverage.Gaps, unreadThen)
	}
	r.Plan.Scripts, err = plan.Scripts(p, nil)
	return r, err
}

// unreadThen is the gap of a plan that was made from less than it needed.
var unreadThen = report.Gap{
	Scope: "account", Operation: "read what the plan needs", Kind: identity.Failed, Blocking: true,
	Message: "not everything was read when the plan was made", Effect: "steps may be missing", Affects: []string{report.ListActions},
}

// KeptPlan says what a plan of the ledger holds and how it stands. Databricks is asked nothing. The errors are those of the
// ledger, of which *ledger.NotFoundError says that it has no such plan, and *ChangedPlanError.
func (g *Engine) KeptPlan(ctx context.Context, l *ledger.Ledger, id string) (*report.CloneReport, error) {
	store := &journal.Store{Ledger: l}
	out, err := (&apply.Executor{Store: store, Decode: plan.Decode}).Look(ctx, id)
	if err != nil {
		return nil, err
	}
	kept, err := store.Plan(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := g.ShowPlan(id, kept.Body)
	if err != nil {
		return nil, err
	}
	r.Request = shownPlan{Plan: id}
	stand(&r.Plan, out)
	return r, nil
}

// shownPlan is the question what a plan holds: one in a file, or one of the ledger by its id.
type shownPlan struct{ File, Plan string }

// MarshalJSON is the question as reports echo it.
func (q shownPlan) MarshalJSON() ([]byte, error) {
	if q.Plan != "" {
		return json.Marshal(map[string]string{"mode": PlanMode, "plan": q.Plan})
	}
	return json.Marshal(map[string]string{"mode": PlanMode, "file": q.File})
}

func planID() string {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails
	return plan.ID(random)
}
