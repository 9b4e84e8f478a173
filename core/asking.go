package core

import (
	"context"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// mayAsk refuses somebody who may plan for nobody of the name, before anything is read that depends on who there is: whether the
// name is anybody's costs the same calls as that they may not plan for them, and reads the same. Whom it lets through is judged
// again by the plan that is made.
func (a *Approvals) mayAsk(ctx context.Context, by ledger.Actor, to string) error {
	who := userKey(by.ID)
	h := hearing{kept: ledger.Plan{State: ledger.Draft, Requester: ledger.Party{ID: by.ID}}, wished: wished{channel: by.Channel}}
	f := a.facts(ctx, h, a.engine.o.Now(), a.engine.o.votes.guarded, by.ID)
	if f.Active(who) != consent.Yes {
		return errNotActive
	}
	may := func(k identity.PrincipalKey) error {
		return a.o.Policy.MayRequest(who, plan.Plan{Kind: plan.Clone, Target: plan.Party{Key: k}}, f)
	}
	refused := may(userKey("0")) // who is nobody: only who may plan for anybody may plan for them
	if refused == nil {
		return nil
	}
	found, err := collect.Bearers(ctx, a.engine.o.Open(), to)
	if err != nil {
		return err
	}
	for _, p := range found {
		if may(p.Key) == nil {
			return nil
		}
	}
	return notAllowed("%v", refused)
}

var errNotActive = notAllowed("your Databricks user is not active, or it could not be read whether it is")
