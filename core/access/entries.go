package access

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Options are the choices that the model is under.
func (m *Model) Options() Options { return m.options }

// Entry says whether an entry of the list of permissions on an object in a workspace counts for whom
// it names, and if that is not known, which read would tell. Names of groups are those of the
// workspace: an account group that is not assigned there counts by an option, and may be another group
// of the same name.
func (m *Model) Entry(h estate.Holder, in identity.WorkspaceID) (Verdict, estate.ReadKey) {
	groups := estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}
	accountGroup := h.Key.Kind == identity.KindGroup && h.Key.Workspace == 0 && h.Key != identity.AccountUsers()
	switch {
	case h.Ambiguous:
		return Unknown, groups
	case !accountGroup || m.groupAssigned(h.Key, in):
		return Allowed, estate.ReadKey{}
	case !m.e.Saw(groups):
		return Unknown, groups
	default:
		return Holds(!m.options.AssignedGroupsOnly), estate.ReadKey{}
	}
}
