package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Reaches says whether the subject can get at the securable from the workspace at all, for use of
// the privilege: it is active and assigned there, the metastore is attached there, and the binding
// of an isolated catalog, external location or credential lets the workspace in. A read-only
// binding lets only reading privileges in. Bindings beat grants.
func (s *Subject) Reaches(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) Verdict {
	_, assigned := s.Assigned(in)
	return All(s.active(), assigned, s.attached(on.Metastore, in), s.bound(on, p, in))
}

// active says whether the subject may log in. Groups do not log in: they stand for their members.
func (s *Subject) active() Verdict {
	if s.key.Kind == identity.KindGroup {
		return Allowed
	}
	p, _ := s.e.Principal(s.key)
	switch p.Status {
	case identity.StatusActive:
		return Allowed
	case identity.StatusInactive:
		return Denied
	default:
		return Unknown
	}
}

func (s *Subject) attached(metastore string, in identity.WorkspaceID) Verdict {
	if slices.Contains(s.e.MetastoreWorkspaces(metastore), in) {
		return Allowed
	}
	read := estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(metastore)}
	if s.e.Saw(read) {
		return Denied
	}
	return Unknown
}

// bound applies the workspace bindings of the securable that carries them: the catalog of what is
// in one, otherwise the securable itself.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (s *Subject) bound(on identity.Securable, p identity.Privilege, in identity.WorkspaceID) Verdict {
	carrier := bindable(on)
	if carrier.Type == "" {
		return Allowed
	}
	info, ok := s.e.Securable(carrier)
	switch {
	case !ok:
		return Unknown
	case info.Isolation != identity.Isolated:
		return Allowed
	}
	answer := Denied
	if !s.e.Saw(estate.ReadKey{Op: estate.OpBindings, Securable: carrier}) {
		answer = Unknown
	}
	for _, b := range s.e.Bindings(carrier) {
		if b.Workspace == in {
			answer = Any(answer, Holds(!b.ReadOnly || p.Reads()))
		}
	}
	return answer
}

// bindable is the securable whose isolation decides over on, or the zero value when none does.
func bindable(on identity.Securable) identity.Securable {
	switch on.Type {
	case identity.TypeCatalog, identity.TypeExternalLocation, identity.TypeStorageCredential, identity.TypeServiceCredential:
		return on
	case identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel:
		return identity.CatalogSecurable(on.Metastore, on.Catalog)
	default:
		return identity.Securable{}
	}
}
