package accesstest

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// mayAct asks whether the subject may supply itself with a fact, acting in the workspace.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
func (o *Oracle) mayAct(s supply, ws identity.WorkspaceID) answer {
	var authority answer
	switch s.kind {
	case report.StepAssigned, supplyAdmin:
		authority = o.accountAdmin()
	case report.StepGrant:
		if !s.privilege.InOwnership() {
			return denied("somebody else must grant %s", s.privilege)
		}
		authority = o.manages(s.on, ws)
		if s.on.Type == identity.TypeMetastore {
			authority = anyOf(authority, authority, o.accountAdmin())
		}
	case report.StepBinding:
		authority = o.manages(s.on, ws)
		if s.on.Type == identity.TypeCatalog {
			// MANAGE alone does not do.
			// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
			authority = allOf(authority, anyOf(denied("neither uses nor administers it"),
				o.uses(s.on, ws), o.administers(s.on.Metastore, ws)))
		}
	case report.ActJoin:
		authority = allOf(o.joinable(s.other), o.hasRole(identity.RoleGroupManager, s.other))
	case report.ActTakeRole:
		if s.role != identity.RoleServicePrincipalUser || s.other.Kind != identity.KindServicePrincipal {
			return denied("nobody gives itself %s on %v", s.role, s.other)
		}
		authority = o.hasRole(identity.RoleServicePrincipalManager, s.other)
	case report.ActRunAs:
		authority = o.runsAs(s, ws)
	default:
		return denied("nobody does that for himself")
	}
	return allOf(o.active(), authority)
}

// joinable asks whether the members of a group are kept in Databricks at all.
func (o *Oracle) joinable(group identity.PrincipalKey) answer {
	if !isAccountGroup(group) || group == identity.AccountUsers() {
		return denied("nobody puts himself into %v", group)
	}
	for _, p := range o.seen.Principals {
		if p.Key == group && p.Name != "" {
			if p.Origin == identity.OriginIDP {
				return denied("who is in %v is up to the identity provider", group)
			}
			return allowed("%v is kept in Databricks", group)
		}
	}
	return unknown("who keeps %v was not read", group)
}

// runsAs asks whether the subject may run something as somebody else from the workspace: for having the
// role on a service principal and being let in, or by turning what runs as that one there.
func (o *Oracle) runsAs(s supply, ws identity.WorkspaceID) answer {
	if s.workspace != 0 && s.workspace != ws {
		return denied("who runs something in %v is not that one in %v", s.workspace, ws)
	}
	turns := o.turnsSome(s.other, ws, s.lever)
	if s.lever != (identity.Object{}) || s.other.Kind != identity.KindServicePrincipal {
		return turns
	}
	return anyOf(turns, turns, allOf(o.assigned(ws, identity.WorkspaceUser), o.hasRole(identity.RoleServicePrincipalUser, s.other)))
}

// after is the oracle once an act is done.
func (o *Oracle) after(act supply) *Oracle {
	who := o.subject
	if act.kind == report.ActRunAs {
		who = act.other
	}
	other := newOracle(o.seen.suppose(act), who)
	other.cautious = o.cautious
	return other
}

// servicePrincipals are those that anything that was read, or was meant to be read, speaks of.
func (o *Oracle) servicePrincipals() []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for _, p := range o.seen.Principals {
		keys = append(keys, p.Key)
	}
	for _, r := range o.seen.Roles {
		keys = append(keys, r.On)
	}
	for k := range o.seen.Reads {
		keys = append(keys, k.Principal)
	}
	keys = keep(keys, func(k identity.PrincipalKey) bool { return k.Kind == identity.KindServicePrincipal && k.ID != "" })
	slices.SortFunc(keys, identity.PrincipalKey.Compare)
	return slices.Compact(keys)
}

// doubtful does everything that the subject, and whom it may run something as, may do or could be found
// to, until that gives nothing more. It reports whether it might lead there.
func (c *canCheck) doubtful(o *Oracle, ws identity.WorkspaceID) bool {
	if !c.seen.saw(readGroups) {
		return o.active().verdict != access.Denied // who knows which groups there are to join or act as
	}
	cautious, seen := o.cautious, o.seen
	who, done := []identity.PrincipalKey{o.subject}, []supply{}
	for acted := true; acted; {
		acted = false
		for _, k := range who {
			o := newOracle(seen, k)
			o.cautious = cautious
			if o.can(c.q.Privilege, c.q.On, ws).verdict != access.Denied || o.missesLevers(ws) || o.turnsBlindly(ws) {
				return true
			}
			acts := append(c.possibleActs(k, ws), o.changes(ws)...)
			for _, act := range acts {
				if slices.Contains(done, act) || o.mayAct(act, ws).verdict == access.Denied {
					continue
				}
				done, seen, acted = append(done, act), seen.suppose(act), true
				if act.kind == report.ActRunAs && !slices.Contains(who, act.other) {
					who = append(who, act.other)
				}
			}
		}
	}
	return false
}

// possibleActs are all that could be of use to somebody, short of becoming somebody else.
func (c *canCheck) possibleActs(who identity.PrincipalKey, ws identity.WorkspaceID) []supply {
	acts := []supply{
		{kind: report.StepAssigned, subject: who, workspace: ws},
		{kind: supplyAdmin, subject: who, on: identity.MetastoreSecurable(c.q.On.Metastore)},
	}
	for on, ok := c.q.On, true; ok; on, ok = on.Parent() {
		for _, p := range []identity.Privilege{
			identity.UseCatalog, identity.UseSchema, identity.Select, identity.ReadFiles, identity.Manage, c.q.Privilege,
		} {
			if p.Applies(on.Type) {
				acts = append(acts, supply{kind: report.StepGrant, subject: who, privilege: p, on: on})
			}
		}
		if isolatable(on.Type) {
			acts = append(acts, supply{kind: report.StepBinding, subject: who, on: on, workspace: ws})
		}
	}
	return acts
}

// acts checks that there is a workspace to which the acts of the report lead, one after the other.
func (c *canCheck) acts() complaint {
	if c.r.Verdict != report.Indirect {
		return complaint{}
	}
	var closest complaint
	failed := -1
	for _, ws := range c.q.From {
		acts, bad := c.readActs(ws)
		if bad != (complaint{}) {
			return bad
		}
		failures := []func([]supply, identity.WorkspaceID) complaint{c.unauthorised, c.inVain, c.needless}
		i := slices.IndexFunc(failures, func(fails func([]supply, identity.WorkspaceID) complaint) bool {
			bad = fails(acts, ws)
			return bad != (complaint{})
		})
		if i < 0 {
			return complaint{}
		}
		if i > failed {
			closest, failed = bad, i
		}
	}
	return closest
}

// perform does the acts one after the other, but for one, and gives what an oracle says afterwards.
// Acts without authority change nothing; idle is the first of them, or -1. Who runs something as
// somebody else is that one from then on.
func (c *canCheck) perform(acts []supply, ws identity.WorkspaceID, skip int) (after answer, idle int) {
	o := c.oracle
	idle = -1
	for i, act := range acts {
		act.subject = o.subject
		switch {
		case i == skip:
		case o.mayAct(act, ws).verdict == access.Allowed:
			o = o.after(act)
		case idle < 0:
			idle = i
		}
	}
	return o.can(c.q.Privilege, c.q.On, ws), idle
}

func (c *canCheck) unauthorised(acts []supply, ws identity.WorkspaceID) complaint {
	if _, idle := c.perform(acts, ws, -1); idle >= 0 {
		return complain("every act is within the authority of who does it", "%q is not in %v", c.r.Acts[idle].Description, ws)
	}
	return complaint{}
}

func (c *canCheck) inVain(acts []supply, ws identity.WorkspaceID) complaint {
	if a, _ := c.perform(acts, ws, -1); a.verdict != access.Allowed {
		return complain("the acts lead there", "after them it is %v in %v: %v", a.verdict, ws, a)
	}
	return complaint{}
}

func (c *canCheck) needless(acts []supply, ws identity.WorkspaceID) complaint {
	for i := range acts {
		if a, _ := c.perform(acts, ws, i); a.verdict == access.Allowed {
			return complain("every act is needed", "%q is not in %v", c.r.Acts[i].Description, ws)
		}
	}
	return complaint{}
}
