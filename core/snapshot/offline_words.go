package snapshot

import (
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// what names the fact that a read brings, for a message that it is not there.
func (s *Offline) what(k estate.ReadKey) string {
	switch k.Op {
	case estate.OpGroups:
		return "the list of groups"
	case estate.OpPrincipals:
		return "the list of " + k.Principal.Kind.Title() + "s"
	case estate.OpPrincipal:
		return "the record of " + s.who(k.Principal)
	case estate.OpParents:
		return "the groups above " + s.who(k.Principal)
	case estate.OpMembers:
		return "the members of " + s.who(k.Principal)
	case estate.OpAliases:
		return "other records of " + s.who(k.Principal)
	case estate.OpHolder:
		return "who " + k.Name + " is"
	case estate.OpWorkspaces:
		return "the list of workspaces"
	case estate.OpMetastores:
		return "the list of metastores"
	case estate.OpVisibility:
		return "who read the account"
	case estate.OpLookup:
		return "what lies at " + k.Name + " in " + s.e.Scope(k)
	case estate.OpDirectory:
		return "the list of what lies in " + k.Name + " in " + s.e.Scope(k)
	default:
		return s.whatThere(k)
	}
}

// whatThere names a fact about a place or what is in it.
func (s *Offline) whatThere(k estate.ReadKey) string {
	on := s.thing(k.Securable)
	switch k.Op {
	case estate.OpAssignments:
		return "who is assigned to " + s.e.Scope(k)
	case estate.OpMetastoreWorkspaces:
		return "the workspaces of " + on
	case estate.OpPrivilegeModel:
		return "the privilege model of " + on
	case estate.OpSecurable:
		return on
	case estate.OpChildren:
		return "the list of " + k.Type.Title() + "s in " + on
	case estate.OpGrants:
		return "the grants on " + on
	case estate.OpPolicies:
		if k.Securable.Type == identity.TypeTable {
			return "the policies, row filters and column masks on " + on
		}
		return "the policies on " + on
	case estate.OpBindings:
		return "the workspaces that " + on + " is bound to"
	case estate.OpEntitlements:
		if k.Principal.ID == "" {
			return "the entitlements of " + k.Principal.Kind.Title() + "s in " + s.e.Scope(k)
		}
		return "the entitlements of " + s.who(k.Principal) + " in " + s.e.Scope(k)
	case estate.OpRoles:
		if k.Principal.IsZero() {
			return "the roles on the account"
		}
		return "the roles on " + s.who(k.Principal)
	case estate.OpObjects:
		return "the list of " + strings.ReplaceAll(string(k.Object.Type), "_", " ") + " in " + s.e.Scope(k)
	case estate.OpObject:
		return "the details of " + s.object(k.Object)
	case estate.OpObjectGrants:
		return "the permissions on " + s.object(k.Object)
	case estate.OpRestrictAdmins:
		return "whether the admins of " + s.e.Scope(k) + " are restricted"
	case estate.OpUses:
		if k.Principal.IsZero() {
			return "what was last used"
		}
		return "what " + s.who(k.Principal) + " last used"
	default:
		return "this"
	}
}

func (s *Offline) who(k identity.PrincipalKey) string {
	if p, ok := s.e.Principal(k); ok && p.Name != "" {
		return k.Kind.Title() + " " + p.Name
	}
	return k.Kind.Title() + " " + k.ID
}

func (s *Offline) thing(on identity.Securable) string {
	if on.Type == identity.TypeMetastore {
		return "metastore " + s.e.MetastoreName(on.Metastore)
	}
	return on.Type.Title() + " " + on.FullName()
}

func (s *Offline) object(o identity.Object) string {
	if info, ok := s.e.Object(o); ok && info.Name != "" {
		return o.Type.Title() + " " + info.Name
	}
	return o.Type.Title() + " " + o.ID
}
