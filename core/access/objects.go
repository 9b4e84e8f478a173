package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Permitted says whether the subject has at least the level on a workspace object: by an entry of the
// object's list, inherited ones included, or by being admin of the workspace, which no list can take
// away.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
func (s *Subject) Permitted(l identity.Level, on identity.Object) Verdict {
	return s.verdicts().permitted(l, on)
}

// Operates says whether the subject can use the level on the object now: it is active, assigned to the
// object's workspace, and has it.
func (s *Subject) Operates(l identity.Level, on identity.Object) Verdict {
	return s.verdicts().operates(l, on)
}

func (r rules[T]) operates(l identity.Level, on identity.Object) T {
	return r.logic.all(r.permitted(l, on), r.active(), r.assigned(on.Workspace))
}

func (r rules[T]) permitted(l identity.Level, on identity.Object) T {
	read := estate.ReadKey{Op: estate.OpObjectGrants, Object: on}
	var parts []T
	if !r.e.Saw(read) {
		parts = append(parts, r.logic.fact(Unknown, evidence{read: read}))
	}
	for _, g := range r.e.ObjectGrants(on) {
		if !on.Type.Includes(g.Level, l) {
			continue
		}
		held := evidence{kind: permits, holder: g.Holder.Name, object: on, level: g.Level, read: read}
		parts = append(parts, r.logic.all(r.meansThere(g, on.Workspace), r.logic.fact(Allowed, held)))
	}
	if top := on.Type.Highest(); on.Type.Includes(top, l) {
		admins := identity.WorkspaceAdmins(on.Workspace)
		held := evidence{kind: permits, holder: admins.ID, object: on, level: top, read: estate.ReadKey{Op: estate.OpAssignments, Workspace: on.Workspace}}
		parts = append(parts, r.logic.all(r.means(estate.Holder{Key: admins, Name: admins.ID}, on.Workspace), r.logic.fact(Allowed, held)))
	}
	return r.logic.need(r.logic.any(parts...), lack{kind: lackLevel, object: on, level: l, workspace: on.Workspace})
}

// meansThere says whether an entry of a list in a workspace means the subject. Names of groups are
// those of the workspace: without its own groups it cannot be told whether an account group that is
// not assigned there is meant.
func (r rules[T]) meansThere(g estate.ObjectGrant, in identity.WorkspaceID) T {
	h := g.Holder
	group := g.Kind == identity.KindGroup && h.Key.Workspace == 0
	groups := estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}
	switch {
	case h.Ambiguous && group && !r.e.Saw(groups):
		return r.logic.fact(r.meansOneOrOther(h, in), evidence{read: groups})
	case h.Ambiguous:
		return r.logic.fact(r.meansEither(h.Name, in), evidence{read: groups})
	case group && h.Key != identity.AccountUsers() && !r.m.groupAssigned(h.Key, in) && !r.e.Saw(groups):
		return r.logic.fact(r.meansOneOrOther(h, in), evidence{read: groups})
	case group && r.m.options.AssignedGroupsOnly && !r.m.groupAssigned(h.Key, in):
		return r.logic.fact(Denied, evidence{})
	default:
		return r.meansKind(h, g.Kind, in)
	}
}

// meansOneOrOther answers for a name that may be that of a group of the workspace, of which only those
// who are assigned there can be members.
func (s *Subject) meansOneOrOther(h estate.Holder, in identity.WorkspaceID) Verdict {
	_, assigned := s.Assigned(in)
	if s.means(h, in) == Denied && assigned == Denied {
		return Denied
	}
	return Unknown
}

// meansEither answers for a name that a group of the workspace and one of the account bear.
func (s *Subject) meansEither(name string, in identity.WorkspaceID) Verdict {
	local, ok := s.e.LocalGroup(in, name)
	if ok && s.In(local) != Denied {
		return Unknown
	}
	return s.meansOneOf(name)
}

// groupAssigned reports whether a group is itself assigned to a workspace.
func (m *Model) groupAssigned(k identity.PrincipalKey, in identity.WorkspaceID) bool {
	if at, listed := m.entrances()[in]; listed {
		n, ok := m.e.Container(k)
		return ok && at.users.groups.has(n)
	}
	return slices.ContainsFunc(m.e.Assignments(in), func(a identity.Assignment) bool { return a.Principal == k })
}
