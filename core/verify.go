package core

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/proof"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// VerifyMode is the name of the report that Verify makes.
const VerifyMode = "verify"

// Verify checks the proofs of an earlier answer to can: each step is looked up again, and the steps of
// a proof alone must suffice. The error is a *ForeignProofError when the answer is none of this
// account's, or those of Answer.
func (g *Engine) Verify(ctx context.Context, answer *report.CanReport, progress Progress) (*report.VerifyReport, error) {
	q, err := asked(answer)
	if err != nil {
		return nil, err
	}
	src := g.o.Open()
	if here := src.Reach().AccountID; answer.AccountID != here {
		return nil, &ForeignProofError{fmt.Sprintf("the proof is of account %s, and this is account %s", answer.AccountID, here)}
	}
	where := target(q.Target)
	where.WithMetastore = q.Action.Registers()
	in, err := collect.Can(ctx, src, collect.Scope{Who: q.Who, WorkspaceURLs: q.WorkspaceURLs}, where,
		collect.Options{Workers: g.o.Workers, Now: g.clock(src), Progress: progress})
	if err != nil {
		return nil, err
	}
	if answer.Subject.ID != in.Subject.ID {
		return nil, &ForeignProofError{fmt.Sprintf("the proof is about id %s, but %s is id %s now", answer.Subject.ID, q.Who, in.Subject.ID)}
	}
	ask, err := g.asking(q, in)
	if err != nil {
		return nil, err
	}
	g.readFor(ctx, in, answer, q)
	e := in.Estate(ctx)
	r := &report.VerifyReport{
		Subject: answer.Subject.Name, Action: string(answer.Action), Resource: answer.Resource.FullName, MadeAt: answer.GeneratedAt.UTC().Format(time.RFC3339),
		Proofs: proof.Check(e, answer, proof.Question{Subject: in.Subject, Ask: func(m *access.Model) *report.CanReport { return ask(m, q.Exercisable) }}, g.o.Rules),
	}
	r.Holds = len(r.Proofs) > 0 && !slices.ContainsFunc(r.Proofs, func(p report.CheckedProof) bool { return !p.Holds })
	g.sign(&r.Envelope, q, e, src)
	r.Mode = VerifyMode
	return r, nil
}

// readFor reads what steps of the kinds that occur rest on.
func (g *Engine) readFor(ctx context.Context, in *collect.Inquiry, answer *report.CanReport, q query.Can) {
	m := access.Over(in.Estate(ctx), g.o.Rules)
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(answer.Proofs, func(p report.Proof) bool {
			return slices.ContainsFunc(p.Steps, func(s report.Step) bool { return slices.Contains(kinds, s.Kind) })
		})
	}
	if has(report.StepACL, report.StepEntitlement) {
		in.Equipment(ctx, worthLooking(m, in, q.WorkspaceURLs))
	}
	if has(report.StepRole, report.StepAssume) {
		g.readWays(ctx, in, m, q)
	}
}

// asked reads the question of an earlier answer back.
func asked(answer *report.CanReport) (query.Can, error) {
	raw, err := json.Marshal(answer.Request)
	var echo struct {
		Who, Action, Resource string
		Type                  string   `json:"resource_type"`
		Metastore             string   `json:"metastore"`
		Workspaces            []string `json:"workspace_urls"`
		Exercisable           bool     `json:"exercisable"`
	}
	if answer.Mode != (query.Can{}).Mode() || err != nil || json.Unmarshal(raw, &echo) != nil {
		return query.Can{}, &ForeignProofError{"this is no answer of databricks-access-audit can in JSON"}
	}
	words := []string{"can"}
	for name, value := range map[string]string{"resource-type": echo.Type, "metastore": echo.Metastore, "workspace-urls": strings.Join(echo.Workspaces, ",")} {
		if value != "" {
			words = append(words, "--"+name+"="+value)
		}
	}
	if echo.Exercisable {
		words = append(words, "--exercisable")
	}
	request, err := query.Parse(append(words, "--", echo.Who, echo.Action, echo.Resource))
	q, ok := request.(query.Can)
	if err != nil || !ok {
		return query.Can{}, &ForeignProofError{fmt.Sprintf("the question of the proof cannot be read: %v", err)}
	}
	return q, nil
}
