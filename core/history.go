package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/report"
)

// HistoryMode is the name of the report that History makes.
const HistoryMode = "history"

// HistoryRequest is the question what was done, as reports echo it.
type HistoryRequest struct {
	Mode  string `json:"mode"`
	Limit int    `json:"limit,omitempty"`
}

// History says what the ledger holds of plans, the newest first; limit is how many, zero for all. It asks no
// account. The errors are those of the ledger: a plan that somebody else changed is one.
func (g *Engine) History(ctx context.Context, l *ledger.Ledger, limit int) (*report.HistoryReport, error) {
	filter := ledger.PlanFilter{}
	if limit > 0 {
		filter.Limit = limit + 1 // one more tells whether there are more
	}
	plans, err := l.Plans(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	r := &report.HistoryReport{
		Envelope: report.Envelope{
			Mode: HistoryMode, SchemaVersion: report.SchemaVersion, ToolVersion: g.o.Version, AccountID: l.Account(), GeneratedAt: g.o.Now().UTC(),
			Request: HistoryRequest{HistoryMode, limit}, Coverage: report.Coverage{Complete: true, Gaps: []report.Gap{}, APICalls: cost(map[string]int{})},
			Notes: []string{"this is what the ledger holds: the account was asked nothing, and complete is no word about it"},
		},
		Ledger: l.Location(), Plans: []report.PastPlan{},
	}
	err = l.Halted(ctx)
	if halted, is := errors.AsType[*ledger.HaltedError](err); is {
		r.Notes = append(r.Notes, "all applying is halted: "+halted.Why())
	} else if err != nil {
		return nil, fmt.Errorf("read whether plans may be applied: %w", err)
	}
	if limit > 0 && len(plans) > limit {
		plans, r.More = plans[:limit], true
	}
	for _, p := range plans {
		past, err := past(ctx, l, p)
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", p.ID, err)
		}
		r.Plans = append(r.Plans, past)
	}
	return r, nil
}

func past(ctx context.Context, l *ledger.Ledger, p ledger.Plan) (report.PastPlan, error) {
	past := report.PastPlan{
		ID: p.ID, Digest: p.Digest, Kind: p.Kind, Source: report.Party(p.Source), Target: report.Party(p.Target), Requester: report.Party(p.Requester),
		State: string(p.State), Parent: p.Parent, CreatedAt: p.CreatedAt, AppliedAt: unless(p.AppliedAt), ExpiresAt: p.ExpiresAt, EndsAt: unless(p.EndsAt),
		Approvers: []report.Party{},
	}
	votes, err := l.Votes(ctx, p.ID)
	if err != nil {
		return past, err
	}
	for _, v := range votes {
		// A vote under a policy has a rule by which it counts; one without was kept to be judged.
		if v.Decision == ledger.Approve && v.Stands() && (v.Rule != "" || p.Policy == "") {
			past.Approvers = append(past.Approvers, report.Party(v.Voter))
		}
	}
	attempts, err := l.Attempts(ctx, p.ID)
	if err != nil {
		return past, err
	}
	last := map[string]ledger.Result{}
	for _, a := range attempts {
		last[a.Step] = a.Result
	}
	for _, step := range p.Steps {
		switch last[step] {
		case ledger.Done, ledger.Already:
			past.Steps.Done++
		case ledger.StepFailed, ledger.StepRefused:
			past.Steps.Failed++
		default:
			past.Steps.Open++
		}
	}
	return past, nil
}

// unless gives nil for the zero time.
func unless(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
