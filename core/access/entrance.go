package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// entrance is who is assigned to a workspace, for the many of whom it is asked.
type entrance struct {
	users, admins audience
	// plain says that the assignments were read, name principals of the account alone and say what they
	// give, so that nothing but the subject's memberships can leave open whether it is assigned.
	plain bool
}

func entrances(m *Model) map[identity.WorkspaceID]entrance {
	all := make(map[identity.WorkspaceID]entrance, len(m.e.Workspaces()))
	for _, w := range m.e.Workspaces() {
		var users, admins []identity.PrincipalKey
		plain := m.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID})
		for _, a := range m.e.Assignments(w.ID) {
			plain = plain && a.Principal.Workspace == 0 && a.Permission != identity.WorkspaceNone
			users = append(users, a.Principal)
			if a.Permission == identity.WorkspaceAdmin {
				admins = append(admins, a.Principal)
			}
		}
		all[w.ID] = entrance{m.audience(users...), m.audience(admins...), plain}
	}
	return all
}

// standsPlainly is what the subject is in a workspace where nothing is left open; ok is false where
// something is.
func (s *Subject) standsPlainly(id identity.WorkspaceID) (at standing, ok bool) {
	entrance, listed := s.m.entrances()[id]
	if !listed || !entrance.plain || !s.MembershipsKnown() {
		return standing{}, false
	}
	at = standing{assigned: Holds(s.isOf(entrance.users)), admin: Holds(s.isOf(entrance.admins))}
	switch {
	case at.admin == Allowed:
		at.permission = identity.WorkspaceAdmin
	case at.assigned == Allowed:
		at.permission = identity.WorkspaceUser
	}
	return at, true
}

// assignedTo says whether the subject is assigned to the workspace, as the rules do.
func (s *Subject) assignedTo(id identity.WorkspaceID) Verdict {
	if at, plain := s.standsPlainly(id); plain && !slices.Contains(s.assumed, id) {
		return at.assigned
	}
	return s.verdicts().assigned(id)
}
