package accesstest

import (
	"slices"

	"databricks-access-audit/core/identity"
)

// aliens is a type of object that no reference lists, and flying a level of it.
const (
	aliens identity.ObjectType = "aliens"
	flying identity.Level      = "CAN_FLY"
)

// levelsOf are the levels that are given and asked about on each type.
func levelsOf(t identity.ObjectType) []identity.Level {
	if t == aliens {
		return []identity.Level{flying, identity.CanManage, identity.CanView}
	}
	return t.Levels()
}

// entitlements are those that are given and asked about.
var entitlements = []identity.Entitlement{
	identity.WorkspaceAccess, identity.SQLAccess, identity.ConsumerAccess, identity.AllowClusterCreate, identity.AllowPoolCreate,
	"fly",
}

// rolesOn are the roles that are given and asked about on a principal, or on the account.
func rolesOn(k identity.PrincipalKey) []identity.Role {
	switch k.Kind {
	case identity.KindGroup:
		return []identity.Role{identity.RoleGroupManager, identity.RoleGroupAssumer}
	case identity.KindServicePrincipal:
		return []identity.Role{identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager}
	default:
		return []identity.Role{
			identity.RoleGroupManager, identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager,
			identity.RoleBillingAdmin, identity.RoleGroupAssumer,
		}
	}
}

// placeQuestions are those about objects, entitlements and roles.
func (w World) placeQuestions(subject identity.PrincipalKey) []Question {
	var qs []Question
	turn := int(w.Order % 1000)
	for _, o := range w.Objects {
		levels := levelsOf(o.Type)
		for i := range min(2, len(levels)) {
			turn++
			l := levels[(turn+i)%len(levels)]
			qs = append(qs,
				Question{Method: Permitted, Subject: subject, Level: l, Object: o.Object},
				Question{Method: Operates, Subject: subject, Level: l, Object: o.Object})
		}
	}
	for _, ws := range w.Workspaces {
		for i := range 2 {
			turn++
			x := entitlements[(turn+i)%len(entitlements)]
			qs = append(qs, Question{Method: Entitled, Subject: subject, Entitlement: x, Workspace: ws})
		}
	}
	ons := slices.DeleteFunc(w.subjects(), func(k identity.PrincipalKey) bool { return k.Kind == identity.KindUser })
	for _, on := range append(ons, identity.PrincipalKey{}) {
		turn++
		roles := rolesOn(on)
		qs = append(qs, Question{Method: HasRole, Subject: subject, Role: roles[turn%len(roles)], Group: on})
	}
	return qs
}
