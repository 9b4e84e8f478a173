package accesstest

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// maxActs is how many acts that change who somebody is, or what it is in, a way must be found with. Engines
// that look further are right too, as long as their acts lead there.
const maxActs = 3

// stand is where somebody stands after some acts.
type stand struct {
	o    *Oracle
	acts []supply // at most maxActs
	// turned says that a lever was turned on the way, sure that all of them can be for certain. All other
	// acts are within the authority of who does them.
	turned, sure bool
}

// changes are all acts that change who somebody is, or what it is in: enter the workspace, join one group,
// give itself the role on a service principal, run something as that, turn what runs as somebody else.
func (o *Oracle) changes(ws identity.WorkspaceID) []supply {
	acts := []supply{{kind: report.StepAssigned, subject: o.subject, workspace: ws}}
	for _, g := range o.accountGroups() {
		acts = append(acts, supply{kind: report.ActJoin, subject: o.subject, other: g})
	}
	for _, k := range o.servicePrincipals() {
		if k != o.subject {
			acts = append(acts,
				supply{kind: report.ActTakeRole, subject: o.subject, other: k, role: identity.RoleServicePrincipalUser},
				supply{kind: report.ActRunAs, subject: o.subject, other: k})
		}
	}
	for _, l := range o.usable(ws) {
		acts = append(acts, supply{kind: report.ActRunAs, subject: o.subject, other: l.as, lever: l.on})
	}
	return acts
}

// settle does all that somebody may for itself in the end, over and over: none of that ever takes anything
// away, nor is it bounded.
func (c *canCheck) settle(at stand, ws identity.WorkspaceID) stand {
	rest := c.possibleActs(at.o.subject, ws)
	for acted := true; acted; {
		acted = false
		for i := 0; i < len(rest); i++ {
			if at.o.mayAct(rest[i], ws).verdict == access.Allowed {
				at.o, at.acts = at.o.after(rest[i]), append(slices.Clip(at.acts), rest[i])
				rest, _ = without(rest, i)
				acted = true
				i--
			}
		}
	}
	return at
}

// stands are all places that the subject may come to in a workspace by acts, the nearest first.
func (c *canCheck) stands(ws identity.WorkspaceID) []stand {
	if c.hopeless(ws) {
		return nil
	}
	all := []stand{{o: c.oracle, sure: true}}
	been := map[string]bool{}
	for i := 0; i < len(all); i++ {
		at := all[i]
		if len(at.acts) == maxActs {
			continue
		}
		there := at.o.assigned(ws, identity.WorkspaceUser).verdict == access.Allowed
		for _, act := range at.o.changes(ws) {
			if at.o.idle(act, ws) {
				continue
			}
			may := at.o.mayAct(act, ws).verdict
			turn := act.lever != (identity.Object{})
			switch {
			case turn && may == access.Denied, !turn && may != access.Allowed:
				continue
			case !turn && act.kind == report.ActRunAs && (!there || at.o.hasRole(identity.RoleServicePrincipalUser, act.other).verdict != access.Allowed):
				continue // who runs something for having the role must be let into the workspace to do so
			}
			next := stand{
				o: at.o.after(act), acts: append(slices.Clip(at.acts), act),
				turned: at.turned || turn, sure: at.sure && may == access.Allowed,
			}
			if where := next.where(); !been[where] {
				been[where] = true
				all = append(all, next)
			}
		}
	}
	return all
}

// idle reports whether an act would change nothing: it is so already.
func (o *Oracle) idle(act supply, ws identity.WorkspaceID) bool {
	switch act.kind {
	case report.StepAssigned:
		return o.assigned(ws, identity.WorkspaceUser).verdict == access.Allowed
	case report.ActJoin:
		return o.in(act.other).verdict == access.Allowed
	case report.ActTakeRole:
		return o.hasRole(act.role, act.other).verdict == access.Allowed
	default:
		return slices.Contains(o.records, act.other)
	}
}

// where tells stands apart: who it is, what was joined and taken, and what of that is in doubt.
func (s stand) where() string {
	facts := []string{}
	for _, a := range s.acts {
		if a.kind != report.ActRunAs {
			facts = append(facts, fmt.Sprint(a))
		}
	}
	slices.Sort(facts)
	return fmt.Sprint(s.o.subject, s.turned, s.sure, strings.Join(facts, ";"))
}

// route is what the subject can do for certain to come to it from the workspace, with some acts that may
// be needless; found is false where there is nothing.
func (c *canCheck) route(stands []stand, ws identity.WorkspaceID) (acts []supply, found bool) {
	for _, at := range stands {
		if !at.sure {
			continue
		}
		if end := c.settle(at, ws); end.o.can(c.q.Privilege, c.q.On, ws).verdict == access.Allowed {
			return end.acts, true
		}
	}
	return nil, false
}

// leversInDoubt reports whether a DENY would say more than was read: of a lever that the subject may be
// able to turn, as whom it runs is not known; or turning some may lead there; or they could not be listed.
func (c *canCheck) leversInDoubt(stands []stand, ws identity.WorkspaceID) bool {
	return !c.hopeless(ws) && (c.oracle.missesLevers(ws) || slices.ContainsFunc(stands, func(at stand) bool {
		return at.turned && c.settle(at, ws).o.can(c.q.Privilege, c.q.On, ws).verdict != access.Denied ||
			len(at.acts) < maxActs && at.o.turnsBlindly(ws)
	}))
}

// hopeless reports whether nobody at all can do it from the workspace, whatever acts he does: then nothing
// that was not read of acts could turn the answer. An engine that is in doubt all the same is right too.
func (c *canCheck) hopeless(ws identity.WorkspaceID) bool {
	return !c.q.Privilege.Applies(c.q.On.Type) || c.oracle.attached(c.q.On.Metastore, ws).verdict == access.Denied
}
