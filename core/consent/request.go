package consent

import (
	"errors"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// errRequest is the one answer to all who may not ask: another for each reason would tell who there is.
var errRequest = errors.New("the policy does not let you plan for this principal")

// MayRequest says whether somebody may ask for the plan: nil, or a reason that is the same for all and tells nothing of the
// target.
func (p Policy) MayRequest(by identity.PrincipalKey, pl plan.Plan, f Facts) error {
	whom := beneficiaries(pl)
	if !person(by) || len(whom) == 0 || f.Active(by) != Yes {
		return errRequest
	}
	for _, r := range p.Requesters {
		if r.From.has(by, f) == Yes && r.speaksFor(by, whom, f) {
			return nil
		}
	}
	return errRequest
}

// speaksFor reports whether they may plan for all of them.
func (r Requesting) speaksFor(by identity.PrincipalKey, whom []identity.PrincipalKey, f Facts) bool {
	for _, k := range whom {
		switch {
		case r.For == Anyone && !k.IsZero():
		case r.For == Self && k == by:
		case r.For == Members && r.MembersOf != nil && r.MembersOf.has(k, f) == Yes:
		default:
			return false
		}
	}
	return true
}

// person reports whether a key is that of somebody who could log in.
func person(k identity.PrincipalKey) bool {
	return k.Kind == identity.KindUser && k.Workspace == 0 && k.ID != ""
}

// undoWithin is for how long one's own plan may be taken back without votes.
const undoWithin = time.Hour

// UndoFree says whether somebody may take back what a plan gave without votes: nil, or the reason why not. That is for the
// requester of an ordinary plan alone, for an hour, and only if all that it does is to take away what was given.
func (p Policy) UndoFree(parent plan.Plan, by, requester identity.PrincipalKey, appliedAt, now time.Time) error {
	steps := parent.Executable()
	switch age := now.Sub(appliedAt); {
	case !p.FreeUndo:
		return errors.New("the policy wants votes for every undo")
	case !person(by) || by != requester:
		return errors.New("only who asked for the plan may take it back without votes")
	case parent.Kind != plan.Clone:
		return errors.New("it takes back what another plan gave: only what gives something is taken back without votes")
	case parent.Tier != plan.Normal:
		return errors.New("the plan was not of the normal tier: taking it back needs votes")
	case appliedAt.IsZero() || age < 0 || age > undoWithin:
		return errors.New("it was not applied within the last hour: taking it back needs votes")
	case len(steps) == 0:
		return errors.New("the plan changed nothing")
	}
	for _, s := range steps {
		if s.Change.Before != plan.Absent || s.Change.After == plan.Absent {
			return errors.New("taking it back would give something: that needs votes")
		}
	}
	return nil
}
