package analysis

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// The reads that facts are cited by.

func grantsRead(on identity.Securable) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpGrants, Securable: on}
}

func assignmentsRead(in identity.WorkspaceID) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpAssignments, Workspace: in}
}

func rolesRead(on identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpRoles, Principal: on}
}

func restrictionRead(in identity.WorkspaceID) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: in}
}

func permissionsRead(on identity.Object) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpObjectGrants, Object: on}
}

// objectRead is what told of an object: itself in detail, or the list that it is in.
func objectRead(e *estate.Estate, o identity.Object) estate.ReadKey {
	if detail := (estate.ReadKey{Op: estate.OpObject, Object: o}); e.Saw(detail) {
		return detail
	}
	return estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: o.Workspace, Type: o.Type}}
}

// ownerRead is what told who owns a securable.
func ownerRead(e *estate.Estate, on identity.Securable) estate.ReadKey {
	if one := (estate.ReadKey{Op: estate.OpSecurable, Securable: on}); e.Saw(one) {
		return one
	}
	parent, ok := on.Parent()
	if !ok {
		return estate.ReadKey{Op: estate.OpMetastores}
	}
	t := on.Type
	if t == identity.TypeStorageCredential || t == identity.TypeServiceCredential {
		t = identity.AnyCredential // one listing has both
	}
	return estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: t}
}

// principalRead is what told which account roles a principal has.
func principalRead(e *estate.Estate, k identity.PrincipalKey) estate.ReadKey {
	one := estate.ReadKey{Op: estate.OpPrincipal, Principal: k}
	list := estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: k.Kind}}
	groups := estate.ReadKey{Op: estate.OpGroups}
	members := estate.ReadKey{Op: estate.OpMembers, Principal: k}
	switch {
	case e.Saw(one):
		return one
	case k.Kind == identity.KindGroup && e.Saw(members):
		return members
	case k.Kind == identity.KindGroup && e.Saw(groups):
		return groups
	case e.Saw(list):
		return list
	default:
		return estate.ReadKey{Op: estate.OpFindPrincipal}
	}
}

// entitlementsRead is what told the entitlements of a principal.
func entitlementsRead(in identity.WorkspaceID, k identity.PrincipalKey) estate.ReadKey {
	if k.Kind == identity.KindGroup {
		k = identity.PrincipalKey{Kind: identity.KindGroup}
	}
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: k}
}
