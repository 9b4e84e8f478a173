package core

import (
	"context"
	"errors"
	"slices"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// mayAsk refuses somebody who may plan for nobody of the name, before anything is read that depends on who there is: whether the
// name is anybody's costs the same calls as that they may not plan for them, and reads the same. Whom it lets through is judged
// again by the plan that is made.
func (a *Approvals) mayAsk(ctx context.Context, by ledger.Actor, to string) (asker, error) {
	who := userKey(by.ID)
	h := hearing{kept: ledger.Plan{State: ledger.Draft, Requester: ledger.Party{ID: by.ID}}, wished: wished{channel: by.Channel}}
	f := a.facts(ctx, h, a.engine.o.Now(), a.engine.o.votes.guarded, by.ID)
	if f.Active(who) != consent.Yes {
		return asker{}, errNotActive
	}
	may := func(k identity.PrincipalKey) error {
		return a.o.Policy.MayRequest(who, plan.Plan{Kind: plan.Clone, Target: plan.Party{Key: k}}, f)
	}
	refused := may(userKey("0")) // who is nobody: only who may plan for anybody may plan for them
	if refused == nil {
		return asker{knows: true}, nil
	}
	found, err := collect.Bearers(ctx, a.engine.o.Open(), to)
	if err != nil {
		return asker{}, err
	}
	for _, p := range found {
		if may(p.Key) == nil {
			return asker{target: p.Key}, nil
		}
	}
	return asker{}, notAllowed("%v", refused)
}

// asker is what is known of somebody who may ask for a plan.
type asker struct {
	// knows says that they may plan for anybody, and so may know who there is. Others may not: target is for whom they plan.
	knows  bool
	target identity.PrincipalKey
}

var errNotActive = notAllowed("your Databricks user is not active, or it could not be read whether it is")

// errNothingThere is what somebody reads who may not know who there is, and named somebody of whom there is nothing to take over: the
// same whether there is nobody of the name, or several, or one who has nothing of the kind.
var errNothingThere = notAllowed("there is nothing to plan: whoever is to be the source is not there or not one alone, is of another kind than the target, or has nothing that the target lacks")

// makeFor is make for somebody of whom it is known what they may know. To others than those who know who there is, a source that
// is not there reads like one from whom nothing comes, and takes as much reading. What a source has of which something comes, the
// plan tells them: that they may ask for it is why they were let through.
func (a *Approvals) makeFor(ctx context.Context, asks asker, by ledger.Actor, q query.Clone, progress Progress) (*report.CloneReport, []byte, error) {
	if asks.knows {
		return a.make(ctx, q, progress)
	}
	there, err := collect.MeansOne(ctx, a.engine.o.Open(), q.From)
	if err != nil {
		return nil, nil, err
	}
	instead := q
	if !there {
		instead.From = asks.target.Handle() // of which no plan comes, once everything was read
	}
	made, file, err := a.make(ctx, instead, progress)
	_, refused := errors.AsType[*RefusedPlanError](err)
	if refused || isNot[*UnknownError](err) || isNot[*AmbiguousError](err) {
		// As much is asked about the people of a plan that was made before it turns out that there is nothing in it.
		nothing := plan.Plan{Kind: plan.Clone, Source: plan.Party{Key: asks.target}, Target: plan.Party{Key: asks.target}}
		h := hearing{kept: ledger.Plan{State: ledger.Draft, Requester: ledger.Party{ID: by.ID}}, plan: nothing, wished: wished{channel: by.Channel}}
		_ = a.facts(ctx, h, a.engine.o.Now(), a.engine.o.votes.guarded, by.ID)
		return nil, nil, errNothingThere
	}
	if elsewhere, is := errors.AsType[*UnknownWorkspaceError](err); is {
		return nil, nil, &UnknownWorkspaceError{URLs: elsewhere.URLs} // which there are is not theirs to know
	}
	return made, file, err
}

// empty reports whether a plan has nothing to do for anybody.
func empty(made *report.CloneReport) bool {
	return !slices.ContainsFunc(made.Plan.Actions, func(a report.Action) bool {
		return a.Status == report.StatusPlanned || a.Status == report.StatusOpen
	})
}
