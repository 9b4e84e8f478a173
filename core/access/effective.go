package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Effective says whether the subject holds the privilege on the securable while it acts in the
// workspace: granted there or on a container of it, by name or by ALL PRIVILEGES, to any of its
// identities, or by owning the securable itself. It does not look at prerequisites or at where the
// securable can be reached from: Can does.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/permissions-concepts
func (s *Subject) Effective(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	if !p.Applies(on.Type) {
		return Denied
	}
	answer := s.byOwnership(p, on, in)
	for at := range lineage(on) {
		answer = Any(answer, All(s.flows(at, on), s.byGrant(p, at, in)))
	}
	return answer
}

// lineage gives the securable and the containers whose grants reach it. Grants on the metastore
// reach nothing below it.
func lineage(on identity.Securable) func(yield func(identity.Securable) bool) {
	return func(yield func(identity.Securable) bool) {
		for at, ok := on, true; ok; at, ok = at.Parent() {
			if at.Type == identity.TypeMetastore && on.Type != identity.TypeMetastore {
				return
			}
			if !yield(at) {
				return
			}
		}
	}
}

// flows says whether a grant at one securable counts on the other: always on itself, further down
// only in metastores whose privilege model inherits.
func (s *Subject) flows(at, on identity.Securable) Verdict {
	if at == on {
		return Allowed
	}
	m, ok := s.e.Metastore(on.Metastore)
	model := estate.ReadKey{Op: estate.OpPrivilegeModel, Securable: identity.MetastoreSecurable(on.Metastore)}
	if !ok || m.PrivilegeModel == "" && s.e.Missed(model) {
		return Unknown
	}
	return Holds(m.Inherits())
}

func (s *Subject) byOwnership(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	if !p.InOwnership() {
		return Denied
	}
	owner, known := s.e.Owner(on)
	if !known {
		return Unknown
	}
	return s.means(owner, in)
}

func (s *Subject) byGrant(p identity.Privilege, at identity.Securable, in identity.WorkspaceID) Verdict {
	answer := Denied
	if !s.e.Saw(estate.ReadKey{Op: estate.OpGrants, Securable: at}) {
		answer = Unknown
	}
	for g := range s.e.GrantsOn(at) {
		if Gives(g.Privileges, p, at.Type) {
			answer = Any(answer, s.means(g.Holder, in))
		}
	}
	return answer
}

// Gives reports whether a set of privileges granted on a securable of the type contains the
// privilege, by name, by an older name, or by ALL PRIVILEGES.
func Gives(granted []identity.Privilege, p identity.Privilege, on identity.SecurableType) bool {
	return slices.ContainsFunc(granted, func(g identity.Privilege) bool {
		return g == identity.AllPrivileges && p.InAllPrivileges() || slices.Contains(g.FromLegacy(on), p)
	})
}

// Uses says whether the subject may enter the container: USE CATALOG on a catalog, USE SCHEMA on a
// schema. Everything else needs no such right.
func (s *Subject) Uses(on identity.Securable, in identity.WorkspaceID) Verdict {
	switch on.Type {
	case identity.TypeCatalog:
		return s.Effective(identity.UseCatalog, on, in)
	case identity.TypeSchema:
		return s.Effective(identity.UseSchema, on, in)
	default:
		return Allowed
	}
}

// Enters says whether the subject may enter the securable and every container that it is in.
func (s *Subject) Enters(on identity.Securable, in identity.WorkspaceID) Verdict {
	answer := Allowed
	for at := range lineage(on) {
		answer = All(answer, s.Uses(at, in))
	}
	return answer
}

// Can says whether the subject can exercise a data privilege on the securable from the workspace,
// now: it holds it, may enter every container, and reaches the securable from there. MODIFY on a
// table also needs SELECT on it, and WRITE FILES needs READ FILES.
func (s *Subject) Can(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	answer := All(s.Reaches(on, p, in), s.Enters(on, in), s.Effective(p, on, in))
	switch {
	case p == identity.Modify && on.Type == identity.TypeTable:
		answer = All(answer, s.Effective(identity.Select, on, in))
	case p == identity.WriteFiles:
		answer = All(answer, s.Effective(identity.ReadFiles, on, in))
	}
	return answer
}
