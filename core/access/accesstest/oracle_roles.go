package accesstest

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// hasRole asks for a role on a principal, or on the account.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl,
// https://docs.databricks.com/aws/en/admin/users-groups/groups
func (o *Oracle) hasRole(r identity.Role, on identity.PrincipalKey) answer {
	given := o.givenRole(r, on)
	switch {
	case r == identity.RoleGroupManager && isAccountGroup(on),
		r == identity.RoleServicePrincipalManager && on.Kind == identity.KindServicePrincipal:
		return anyOf(given, given, o.accountAdmin())
	case r == identity.RoleGroupAssumer && isAccountGroup(on):
		return anyOf(given, given, o.in(on))
	default:
		return given
	}
}

// givenRole asks for the role by rule sets alone: that of the principal and, for roles that the account
// has for all groups or all service principals, that of the account.
func (o *Oracle) givenRole(r identity.Role, on identity.PrincipalKey) answer {
	sets := []identity.PrincipalKey{on}
	switch {
	case (r == identity.RoleGroupManager || r == identity.RoleGroupAssumer) && isAccountGroup(on),
		(r == identity.RoleServicePrincipalManager || r == identity.RoleServicePrincipalUser) && on.Kind == identity.KindServicePrincipal:
		sets = append(sets, identity.PrincipalKey{})
	}
	var witnesses []answer
	for _, set := range sets {
		for _, g := range o.seen.Roles {
			if g.On == set && g.Role == r {
				witnesses = append(witnesses, o.heldBy(g.Holder.Name, g.Holder.Kind))
			}
		}
		// One that nobody meant to read is not what the question is about.
		if outcome, planned := o.seen.Reads[readRoles(set)]; planned && !outcome.OK() {
			witnesses = append(witnesses, unknown("the roles on %v were not read", set))
		}
	}
	return anyOf(denied("nobody gave it %s on %v", r, on), witnesses...)
}

// accountAdmin asks whether the subject is one, by itself or through a group. Roles come with records.
func (o *Oracle) accountAdmin() answer {
	var witnesses []answer
	var recorded []identity.PrincipalKey
	for _, p := range o.seen.Principals {
		if p.Name != "" {
			recorded = append(recorded, o.canonical(p.Key))
		}
		if p.HasRole(identity.RoleAccountAdmin) {
			witnesses = append(witnesses, o.in(p.Key))
		}
	}
	for _, k := range o.possible {
		if k.Workspace == 0 && k != identity.AccountUsers() && !slices.Contains(recorded, k) {
			witnesses = append(witnesses, unknown("the roles of %v were not read", k))
		}
	}
	// Where all groups were listed, none of those that it may be in need be one of account admins. An
	// engine that asks for all memberships is right too.
	if o.anyGroup || o.cautious && !o.complete {
		witnesses = append(witnesses, unknown("it may be in a group of account admins"))
	}
	return anyOf(denied("no account admin"), witnesses...)
}

func (o *Oracle) canAsGroup(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) answer {
	return o.asGroup(func(session *Oracle) answer { return allOf(o.active(), session.canItself(p, on, ws)) })
}

// asGroup asks something in the sessions of the groups that the subject may act as without being in
// them. The group's permissions are then instead of its own.
//
// https://docs.databricks.com/aws/en/security/auth/rbac
func (o *Oracle) asGroup(ask func(session *Oracle) answer) answer {
	var witnesses []answer
	for _, g := range o.assumable() {
		if slices.Contains(o.certain, g) {
			continue
		}
		role := o.givenRole(identity.RoleGroupAssumer, g)
		if role.verdict == access.Denied {
			continue
		}
		witnesses = append(witnesses, allOf(role, ask(o.as(g))))
	}
	return anyOf(denied("may act as no group that can"), witnesses...)
}

// assumable are the account groups that somebody may act as by a rule set, read or not.
func (o *Oracle) assumable() []identity.PrincipalKey {
	var groups []identity.PrincipalKey
	for _, r := range o.seen.Roles {
		if r.Role == identity.RoleGroupAssumer {
			groups = append(groups, r.On)
		}
	}
	for k, outcome := range o.seen.Reads {
		if k.Op == estate.OpRoles && !outcome.OK() {
			groups = append(groups, k.Principal)
		}
	}
	if slices.ContainsFunc(groups, identity.PrincipalKey.IsZero) { // on the account: any of them
		return o.accountGroups()
	}
	groups = keep(groups, isAccountGroup)
	slices.SortFunc(groups, identity.PrincipalKey.Compare)
	return slices.Compact(groups)
}

// as is the oracle for another principal over the same facts.
func (o *Oracle) as(k identity.PrincipalKey) *Oracle {
	other := newOracle(o.seen, k)
	other.cautious = o.cautious
	return other
}

// accountGroups are those that anything that was read, or was meant to be read, speaks of.
func (o *Oracle) accountGroups() []identity.PrincipalKey {
	var groups []identity.PrincipalKey
	add := func(k identity.PrincipalKey) {
		k = o.canonical(k)
		if isAccountGroup(k) && k != identity.AccountUsers() && k.ID != "" && !slices.Contains(groups, k) {
			groups = append(groups, k)
		}
	}
	for _, p := range o.seen.Principals {
		add(p.Key)
	}
	for _, m := range slices.Concat(o.seen.Memberships, o.seen.Ancestors) {
		add(m.Group)
		add(m.Member)
	}
	for _, r := range o.seen.Roles {
		add(r.On)
	}
	for k := range o.seen.Reads {
		add(k.Principal)
	}
	slices.SortFunc(groups, identity.PrincipalKey.Compare)
	return groups
}

// HasRole reports whether the subject has the role on the principal, or on the account.
func (o *Oracle) HasRole(r identity.Role, on identity.PrincipalKey) access.Verdict {
	return o.hasRole(r, o.canonical(on)).verdict
}
