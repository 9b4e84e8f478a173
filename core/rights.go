package core

import (
	"context"
	"errors"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/apply/live"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// Writer is an account that plans are applied to: what is changed, and what its caller is told of itself.
type Writer interface {
	live.Source
	collect.Own
}

// rights says of steps whether the caller of the account that is written to may carry them out. It reads what decides
// and no more, and of that first what may make the rest needless: an account admin is asked for nothing else to
// change groups.
func (a *Applier) rights(ctx context.Context, steps []plan.Step) (plan.Rights, error) {
	errand, err := collect.Rights(ctx, a.source, collect.Options{Workers: a.engine.o.Workers, Now: a.engine.o.Now})
	if _, outside := errors.AsType[*collect.OutsiderError](err); outside {
		return plan.RightsOfOutsider(steps, err.Error()), nil
	}
	if err != nil {
		return plan.Rights{}, err
	}
	judged := func() plan.Rights {
		return plan.RightsOf(access.Over(errand.Estate(ctx), a.engine.o.Rules), errand.Caller.Key, steps)
	}
	now := judged()
	for _, ask := range []func(*collect.Errand, plan.Change){askStanding, askHolders} {
		open := false
		for _, s := range steps {
			if now.Of(s.ID).May == plan.NotKnown {
				ask(errand, *s.Change)
				open = true
			}
		}
		if !open {
			break
		}
		errand.Read(ctx)
		now = judged()
	}
	return now, ctx.Err()
}

// ownRights says of the steps of a plan whether the caller may carry them out, from what was read for the plan and one
// call more. Where the caller is not found out, nothing is said: before anything is written it is asked again.
func ownRights(ctx context.Context, src collect.Source, m *access.Model, p plan.Plan) plan.Rights {
	for _, w := range m.Estate().Workspaces() {
		if !w.Running() || w.Host == "" {
			continue
		}
		if caller, err := src.Caller(ctx, w); err == nil {
			return plan.RightsOf(m, caller.Key, p.Executable())
		}
		break
	}
	return plan.Rights{}
}

// askStanding asks what the caller is: in which groups, in the workspaces, in the metastores.
func askStanding(e *collect.Errand, c plan.Change) {
	e.Memberships()
	switch cell := c.Cell; cell.Kind {
	case plan.Entitled:
		e.Standing(cell.Workspace)
	case plan.ObjectLevel:
		e.Standing(cell.Object.Workspace)
	case plan.Granted:
		e.Standing(c.Through)
		e.Metastore(cell.Securable.Metastore, c.Through)
	default:
	}
}

// askHolders asks who holds what on the thing that is changed.
func askHolders(e *collect.Errand, c plan.Change) {
	switch cell := c.Cell; cell.Kind {
	case plan.Member:
		e.Managers(identity.Principal{Key: cell.Group, Name: c.GroupName})
	case plan.ObjectLevel:
		e.Permissions(cell.Object)
	case plan.Granted:
		e.Lineage(cell.Securable)
	default:
	}
}
