package core

import (
	"context"
	"crypto/rand"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// RefusedPlanError says that no plan can do what was asked.
type RefusedPlanError = plan.RefusedError

// clone answers what gives one principal what another has, and what would come of it. The whole account is
// read: who manages and owns what decides who could carry a step out, and how far it reaches.
func (g *Engine) clone(ctx context.Context, src collect.Source, q query.Clone, o collect.Options) (*report.CloneReport, error) {
	scope := collect.Scope{Below: q.Scan, WorkspaceURLs: q.WorkspaceURLs}
	depth := collect.Depth{Delegations: true, Entry: q.Takes("entitlements"), Objects: q.Takes("objects")}
	e, who, err := collect.SurveyOf(ctx, src, scope, []string{q.From, q.To}, depth, o)
	if err != nil {
		return nil, err
	}
	m := access.Over(e, g.o.Rules)
	r := &report.CloneReport{}
	g.sign(&r.Envelope, q, e, src)
	wish := plan.Wish{Source: who[0], Target: who[1], Only: q.Only, Exclude: q.Exclude, Deep: q.Deep}
	for _, part := range q.Include {
		wish.Parts = append(wish.Parts, plan.Part(part))
	}
	p, out, err := plan.Make(m, wish, plan.About{
		ID: g.o.PlanID(), Host: g.o.Host, Tool: g.o.Version, At: g.o.Now(), For: q.For, Complete: r.Coverage.Complete,
	})
	if err != nil {
		return nil, err
	}
	if r.Plan, err = plan.Show(p, m); err != nil {
		return nil, err
	}
	out.Add(&r.Plan)
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

func planID() string {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails
	return plan.ID(random)
}
