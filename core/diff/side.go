package diff

import (
	"sync"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// side is one of the two readings, as the comparison sees it.
type side struct {
	e *estate.Estate
	m *access.Model
	// ids finds the key that a principal has on both sides.
	ids    *identities
	unlike *unlike
	facts  map[key]value
	// slots are whom facts name, by what they are given: the key without the principal.
	slots map[key][]id
	// reached are the groups above a principal, found once.
	reached map[identity.PrincipalKey]map[identity.PrincipalKey]bool
	// below are those who are known to be in a group, though the way there may not be known.
	below map[identity.PrincipalKey][]identity.PrincipalKey
	// assumes are the groups that somebody may act as, assumed who may act as a group.
	assumes, assumed map[identity.PrincipalKey][]identity.PrincipalKey
	// groupsRead reports whether the members of every account group were read.
	groupsRead func() bool
	// objectsOf are the objects whose lists name a principal, once they were asked for.
	objectsOf map[identity.PrincipalKey][]identity.Object
}

func newSide(e *estate.Estate, ids *identities, u *unlike, rules access.Options) *side {
	s := &side{
		e: e, m: access.Over(e, rules), ids: ids, unlike: u, facts: map[key]value{},
		reached: map[identity.PrincipalKey]map[identity.PrincipalKey]bool{},
		below:   map[identity.PrincipalKey][]identity.PrincipalKey{},
	}
	s.groupsRead = sync.OnceValue(s.everyGroup)
	s.gather()
	s.assumers()
	return s
}

// at is how a thing is on this side: whether it is there, and whether that is known at all.
func (s *side) at(k key) (v value, there, known bool) {
	if membership(k) {
		return s.member(k.principal.key, k.group)
	}
	v, there = s.facts[k]
	return v, there, s.known(k, there)
}

// saw reports whether the whole answer of a read is there.
func (s *side) saw(k estate.ReadKey) bool { return s.e.Saw(k) }

// whole reports whether lists of the account show all of it, and not what a workspace knows.
func (s *side) whole() bool { return !s.e.Missed(estate.ReadKey{Op: estate.OpReach}) }

// lacksPrincipal reports whether it is certain that the account has no such principal: the list that
// would have it was read.
func (s *side) lacksPrincipal(k identity.PrincipalKey) bool {
	if s.e.Names(k) || implicit(k) {
		return false
	}
	return s.sawPrincipals(k)
}

// sawPrincipals reports whether the list that has principals like this one was read.
func (s *side) sawPrincipals(k identity.PrincipalKey) bool {
	switch {
	case k.Workspace != 0:
		return s.lacksWorkspace(k.Workspace) || s.saw(entitlements(k.Workspace, identity.PrincipalKey{Kind: identity.KindGroup}))
	case k.Kind == identity.KindGroup:
		return s.whole() && s.saw(estate.ReadKey{Op: estate.OpGroups})
	case k.Kind == identity.KindUnknown:
		return false
	default:
		return s.whole() && s.saw(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: k.Kind}})
	}
}

// lacksWorkspace reports whether it is certain that the account has no such workspace.
func (s *side) lacksWorkspace(id identity.WorkspaceID) bool {
	_, there := s.e.Workspace(id)
	return !there && s.whole() && s.saw(estate.ReadKey{Op: estate.OpWorkspaces})
}

// lacksSecurable reports whether it is certain that there is no such securable: its container is not
// there, or was listed whole. Listings leave out what the caller has no privilege on, unless it is admin
// of the metastore.
func (s *side) lacksSecurable(on identity.Securable) bool {
	if on.Type == identity.TypeMetastore {
		_, there := s.e.Metastore(on.Metastore)
		return !there && s.whole() && s.saw(estate.ReadKey{Op: estate.OpMetastores})
	}
	if _, there := s.e.Securable(on); there {
		return false
	}
	parent, _ := on.Parent()
	visible := estate.ReadKey{Op: estate.OpVisibility, Securable: identity.MetastoreSecurable(on.Metastore)}
	return s.lacksSecurable(parent) || s.saw(listing(on)) && s.saw(visible)
}

// lacksObject reports whether it is certain that there is no such workspace object.
func (s *side) lacksObject(o identity.Object) bool {
	if _, there := s.e.Object(o); there {
		return false
	}
	list := estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: o.Workspace, Type: o.Type}}
	return s.lacksWorkspace(o.Workspace) || s.saw(list)
}

// listing is the read that shows a securable.
func listing(on identity.Securable) estate.ReadKey {
	parent, _ := on.Parent()
	t := on.Type
	if t == identity.TypeStorageCredential || t == identity.TypeServiceCredential {
		t = identity.AnyCredential // one listing has both
	}
	return estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: t}
}

func entitlements(in identity.WorkspaceID, k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: k}
}

// implicit reports whether a group exists without being listed.
func implicit(k identity.PrincipalKey) bool {
	return k == identity.AccountUsers() || k == identity.WorkspaceUsers(k.Workspace) || k == identity.WorkspaceAdmins(k.Workspace)
}
