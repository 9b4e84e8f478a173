package diff

import (
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// known reports whether this side could tell how the thing is: there it knows all of it, and where it
// is not there it knows that too.
func (s *side) known(k key, there bool) bool {
	switch k.kind {
	case report.KindPrincipal:
		return there || s.lacksPrincipal(k.principal.key)
	case report.KindWorkspace:
		return s.knownWorkspace(k, there)
	case report.KindRole:
		return s.knownRole(k)
	case report.KindEntitlement:
		one, all := entitlements(k.workspace, k.principal.key), entitlements(k.workspace, identity.PrincipalKey{Kind: k.principal.key.Kind})
		return s.lacksWorkspace(k.workspace) || s.saw(one) || s.saw(all) || s.lacksPrincipal(k.principal.key)
	case report.KindSecurable:
		return there || s.lacksSecurable(k.securable)
	case report.KindOwner:
		return there // a securable that is not there has no owner to compare
	case report.KindGrant:
		return s.lacksSecurable(k.securable) || s.saw(estate.ReadKey{Op: estate.OpGrants, Securable: k.securable})
	case report.KindBinding:
		return s.knownBinding(k, there)
	case report.KindObject:
		return s.knownObject(k, there)
	case report.KindSetting:
		return s.knownSetting(k, there)
	default:
		return false
	}
}

func (s *side) knownWorkspace(k key, there bool) bool {
	if k.principal == (id{}) {
		return there || s.lacksWorkspace(k.workspace)
	}
	return s.lacksWorkspace(k.workspace) || s.saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: k.workspace})
}

// knownRole tells account roles, which stand in the record of their holder, from those of rule sets.
func (s *side) knownRole(k key) bool {
	if k.group.IsZero() && !strings.Contains(k.name, "/") {
		return s.e.Names(k.principal.key) || s.lacksPrincipal(k.principal.key)
	}
	return !k.group.IsZero() && s.lacksPrincipal(k.group) || s.saw(estate.ReadKey{Op: estate.OpRoles, Principal: k.group})
}

func (s *side) knownBinding(k key, there bool) bool {
	if k.workspace == 0 { // the mode of isolation
		return there
	}
	if k.securable.Type == identity.TypeMetastore {
		attached := estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: k.securable}
		return s.saw(attached) || s.lacksSecurable(k.securable) || s.lacksWorkspace(k.workspace)
	}
	info, listed := s.e.Securable(k.securable)
	open := listed && info.Isolation == identity.IsolationOpen
	return open || s.lacksSecurable(k.securable) || s.saw(estate.ReadKey{Op: estate.OpBindings, Securable: k.securable})
}

func (s *side) knownObject(k key, there bool) bool {
	if k.principal == (id{}) {
		return there || s.lacksObject(k.object)
	}
	return s.lacksObject(k.object) || s.saw(estate.ReadKey{Op: estate.OpObjectGrants, Object: k.object})
}

func (s *side) knownSetting(k key, there bool) bool {
	switch {
	case strings.HasPrefix(k.name, policyPrefix):
		return s.lacksSecurable(k.securable) || s.saw(estate.ReadKey{Op: estate.OpPolicies, Securable: k.securable})
	default:
		return there // what was never set has a default, which is read like any other
	}
}

// membership reports whether the thing is that somebody is in a group.
func membership(k key) bool { return k.kind == report.KindMembership }

// member is whether somebody is in a group on this side, and how. What is known of the groups above
// somebody does not say by which way; the members of the group itself do.
func (s *side) member(who, group identity.PrincipalKey) (v value, there, known bool) {
	for g := range s.e.Parents(who) {
		if s.ids.one(g) == group {
			return value{same: report.MemberDirect, state: report.State{Membership: report.MemberDirect}}, true, true
		}
	}
	if s.above(who)[group] {
		how := report.MemberUnclear
		inList := group.Workspace != 0 && who.Kind == identity.KindGroup && s.sawLocal(who, group.Workspace)
		if inList || s.saw(estate.ReadKey{Op: estate.OpMembers, Principal: group}) {
			how = report.MemberIndirect
		}
		return value{same: how, state: report.State{Membership: how}}, true, true
	}
	above := s.saw(estate.ReadKey{Op: estate.OpParents, Principal: who})
	if group.Workspace != 0 {
		above = s.sawLocal(who, group.Workspace)
	}
	return value{}, false, above || s.e.Settled(group) || s.lacksPrincipal(group) || s.lacksPrincipal(who)
}

// sawLocal reports whether the groups of one workspace alone that somebody is in were read: they stand
// in its own record there, direct or not, and for groups in the list of groups, the direct ones alone.
func (s *side) sawLocal(who identity.PrincipalKey, in identity.WorkspaceID) bool {
	if who.Kind == identity.KindGroup {
		who = identity.PrincipalKey{Kind: identity.KindGroup}
	}
	return s.saw(entitlements(in, who))
}

// above are the groups that somebody is known to be in, directly or not.
func (s *side) above(who identity.PrincipalKey) map[identity.PrincipalKey]bool {
	if found, again := s.reached[who]; again {
		return found
	}
	found := map[identity.PrincipalKey]bool{}
	for queue := []identity.PrincipalKey{who}; len(queue) > 0; queue = queue[1:] {
		enter := func(g identity.PrincipalKey) {
			g = s.ids.one(g)
			if !found[g] && g != who {
				found[g] = true
				queue = append(queue, g)
			}
		}
		for g := range s.e.Parents(queue[0]) {
			enter(g)
		}
		for g := range s.e.Ancestors(queue[0]) {
			enter(g)
		}
	}
	s.reached[who] = found
	return found
}
