package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// HasRole says whether the subject has the role on a group or service principal, or where on is zero
// on the account. What the account's own rule set gives on groups and service principals holds for all
// of them; account admins manage all of them, and members of a group may act as it.
//
// A rule set that the question had no reason to read counts as giving nothing.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl,
// https://docs.databricks.com/aws/en/admin/users-groups/manage-groups
func (s *Subject) HasRole(role identity.Role, on identity.PrincipalKey) Verdict {
	return s.verdicts().hasRole(role, s.e.Canonical(on))
}

func (r rules[T]) hasRole(role identity.Role, on identity.PrincipalKey) T {
	parts := r.ruleSet(role, on, on)
	if !on.IsZero() && kindOf(role) == on.Kind {
		parts = append(parts, r.ruleSet(role, identity.PrincipalKey{}, on)...)
		switch role {
		case identity.RoleGroupManager, identity.RoleServicePrincipalManager:
			parts = append(parts, r.accountAdmin())
		case identity.RoleGroupAssumer:
			parts = append(parts, r.logic.fact(r.In(on), evidence{kind: member, group: on, read: r.settling(on)}))
		default: // nobody has it without being given it
		}
	}
	return r.logic.need(r.logic.any(parts...), lack{kind: lackRole, role: role, group: on})
}

// kindOf is the kind of principal on which a role can be had.
func kindOf(role identity.Role) identity.Kind {
	switch role {
	case identity.RoleGroupManager, identity.RoleGroupAssumer:
		return identity.KindGroup
	case identity.RoleServicePrincipalManager, identity.RoleServicePrincipalUser:
		return identity.KindServicePrincipal
	default:
		return identity.KindUnknown
	}
}

// ruleSet is what one rule set gives of a role for a principal.
func (r rules[T]) ruleSet(role identity.Role, set, on identity.PrincipalKey) []T {
	read := estate.ReadKey{Op: estate.OpRoles, Principal: set}
	var parts []T
	if r.e.Missed(read) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for g := range r.e.RoleGrants(set) {
		if g.Role == role {
			held := evidence{kind: hasRole, holder: g.Holder.Name, role: role, group: on, read: read}
			parts = append(parts, r.logic.all(r.meansKind(g.Holder, g.Kind, 0), r.logic.fact(Allowed, held)))
		}
	}
	return parts
}

// accountAdmin says whether the subject, or a group that it is in, is account admin.
func (r rules[T]) accountAdmin() T {
	if r.rulesNothing() {
		return r.logic.any()
	}
	var parts []T
	read := estate.ReadKey{Op: estate.OpParents, Principal: r.key}
	if !r.MembershipsKnown() {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for _, k := range r.Identities() {
		p, ok := r.e.Principal(k)
		switch {
		case k.Workspace != 0: // groups of a workspace have no account roles
		case p.HasRole(identity.RoleAccountAdmin):
			held := evidence{kind: hasRole, holder: p.Name, role: identity.RoleAccountAdmin, read: estate.ReadKey{Op: estate.OpFindPrincipal}}
			parts = append(parts, r.logic.all(r.logic.fact(Allowed, evidence{kind: member, group: k, holder: p.Name, read: read}), r.logic.fact(Allowed, held)))
		case !ok || p.Name == "":
			parts = append(parts, r.logic.fact(Unknown, evidence{read: estate.ReadKey{Op: estate.OpPrincipal, Principal: k}}))
		}
	}
	return r.logic.any(parts...)
}

// rulesNothing reports that the subject is certainly no account admin.
func (s *Subject) rulesNothing() bool {
	admin := func(k identity.PrincipalKey) bool {
		p, _ := s.e.Principal(k)
		return k.Workspace == 0 && p.HasRole(identity.RoleAccountAdmin)
	}
	return s.MembershipsKnown() && !s.unnamed && !s.groups.meets(s.m.admins()) && !slices.ContainsFunc(s.others, admin)
}

// mayAssume lists the groups that the subject is not in, but may act as, or of which that is not known.
func (s *Subject) mayAssume() []identity.PrincipalKey {
	var groups []identity.PrincipalKey
	for _, k := range s.m.assumed {
		if s.In(k) != Allowed && s.HasRole(identity.RoleGroupAssumer, k) != Denied {
			groups = append(groups, k)
		}
	}
	return groups
}

// assuming says whether the subject can do it as a group that it may act as: with the access of the
// group instead of its own. The group must be able to enter the workspace itself.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/service-principal-acl and the pages
// on role-based access beside it
func (r rules[T]) assuming(g identity.PrincipalKey, p identity.Privilege, on identity.Securable, in identity.WorkspaceID) T {
	group := r.m.Subject(g)
	as := rules[T]{group, r.logic}
	return r.logic.all(
		r.active(), r.hasRole(identity.RoleGroupAssumer, g),
		r.logic.fact(Allowed, evidence{kind: assumes, from: r.key, group: g}),
		r.logic.by(group, r.Subject, as.canItself(p, on, in)),
	)
}

// AdminOf gives those of the workspaces of which the principal is admin, or may be.
func (m *Model) AdminOf(key identity.PrincipalKey, among []identity.WorkspaceID) []identity.WorkspaceID {
	s := m.Subject(key)
	return slices.DeleteFunc(slices.Clone(among), func(id identity.WorkspaceID) bool { return s.In(identity.WorkspaceAdmins(id)) == Denied })
}
