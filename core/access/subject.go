package access

import (
	"maps"
	"slices"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Subject is one principal as seen by one estate: every identity it acts with. It is immutable and
// safe for concurrent use.
type Subject struct {
	m   *Model
	e   *estate.Estate
	key identity.PrincipalKey

	// people are the records of the subject itself, and others are those and the groups it is taken to be
	// in of which the estate knows nothing. Certainly it is in groups, and in nothing else.
	people, others []identity.PrincipalKey
	groups         groups
	// perhaps says that the subject may be in the groups that the model calls hidden, because somebody's
	// members were not read; anyGroup that it may be in any group at all.
	perhaps, anyGroup bool
	// unnamed says that an identity has no known name, so a fact may mean it by a name that nobody
	// else bears.
	unnamed bool

	// web gives the identities in order, with the steps between them. Most subjects are never asked.
	web       func() *web
	standings *standings
	// assumable are the groups that the subject is not in, but may act as, or perhaps may.
	assumable []identity.PrincipalKey
	// entered are answers of Enters that were given before: what is in a container asks them again.
	entered *entered
	// woken says that it is taken to be active, although it is not.
	woken bool
	// assumed are workspaces that it is taken to be assigned to, although it is not.
	assumed []identity.WorkspaceID
	// joined are groups that it is taken to be in, although it is not.
	joined []identity.PrincipalKey
	// left narrows what counts for it, where it is a Remainder.
	left *leftover
}

// entered keeps answers of Enters.
type entered struct {
	mu     sync.Mutex
	places map[place]Verdict
}

// place is a securable as it is entered from a workspace, or zero from any.
type place struct {
	on identity.Securable
	in identity.WorkspaceID
}

// standings keeps what the subject is in each workspace that was asked about.
type standings struct {
	mu sync.Mutex
	in map[identity.WorkspaceID]standing
}

// standing is what the subject is in one workspace.
type standing struct {
	assigned, admin Verdict
	permission      identity.WorkspacePermission // strongest that is certain
}

// For is the subject under the usual options.
func For(e *estate.Estate, key identity.PrincipalKey) *Subject {
	return Over(e, Options{}).Subject(key)
}

// gather works out a subject. Groups in joining are taken for groups that it is in.
func (m *Model) gather(key identity.PrincipalKey, joining ...identity.PrincipalKey) *Subject {
	s := &Subject{
		m: m, e: m.e, key: m.e.Canonical(key), joined: joining,
		groups: m.ancestry.none(), standings: &standings{}, entered: &entered{},
	}
	s.web = sync.OnceValue(func() *web { return newWeb(s) })
	s.close()
	s.findGaps()
	s.assumable = s.mayAssume()
	return s
}

// joining is the subject as it would be in one more group.
func (s *Subject) joining(group identity.PrincipalKey) *Subject {
	return s.m.gather(s.key, append(slices.Clone(s.joined), group)...)
}

// assuming is the subject as it would be with an assignment to the workspace.
func (s *Subject) assuming(id identity.WorkspaceID) *Subject {
	as := *s
	as.assumed, as.entered = append(slices.Clone(s.assumed), id), &entered{}
	at, _ := s.standing(id)
	at.assigned, at.permission = Allowed, max(at.permission, identity.WorkspaceUser)
	s.standings.mu.Lock()
	defer s.standings.mu.Unlock()
	as.standings = &standings{in: maps.Clone(s.standings.in)}
	if as.standings.in == nil {
		as.standings.in = map[identity.WorkspaceID]standing{}
	}
	as.standings.in[id] = at
	return &as
}

// awake is the subject as it would be if it could log in.
func (s *Subject) awake() *Subject {
	as := *s
	as.woken = true
	return &as
}

// Key is the subject's own key.
func (s *Subject) Key() identity.PrincipalKey { return s.key }

// Identities are the subject, other records of the same person, and every account group it is
// certainly in. The implicit groups of workspaces are not among them: they count only there.
func (s *Subject) Identities() []identity.PrincipalKey { return s.web().identities }

// persons are the records of the subject itself.
func (s *Subject) persons() []identity.PrincipalKey { return s.people }

// close finds what the subject is certainly in.
func (s *Subject) close() {
	s.people = []identity.PrincipalKey{s.key}
	for i := 0; i < len(s.people); i++ {
		for other := range s.e.SamePerson(s.people[i]) {
			if !slices.Contains(s.people, other) {
				s.people = append(s.people, other)
			}
		}
	}
	s.people = slices.Clip(s.people)
	s.others = s.people
	for _, k := range s.people {
		s.m.ancestry.addTo(s.groups, k)
	}
	for _, k := range s.joined {
		k = s.e.Canonical(k)
		if _, known := s.e.Container(k); !known {
			s.others = append(s.others, k)
		}
		s.m.ancestry.addTo(s.groups, k)
	}
	nameless := func(k identity.PrincipalKey) bool { return k.Workspace == 0 && !s.e.Names(k) } // facts of the account name no group of a workspace
	s.unnamed = s.groups.meets(s.m.nameless()) || slices.ContainsFunc(s.others, nameless)
}

// is reports whether the subject is the principal, the same person, or certainly in the group.
func (s *Subject) is(k identity.PrincipalKey) bool {
	if n, ok := s.e.Container(k); ok {
		return s.groups.has(n)
	}
	return slices.Contains(s.others, k)
}

// maybe reports whether the subject may be in the group, though no fact says so.
func (s *Subject) maybe(k identity.PrincipalKey) bool {
	n, ok := s.e.Container(k)
	return s.perhaps && ok && s.m.hidden().has(n) && !s.groups.has(n)
}

// actsAsEverybody reports whether what account users has counts for the identity: users and service
// principals are in it, and whoever acts as a group is one of these.
//
// https://docs.databricks.com/aws/en/admin/users-groups/groups
func actsAsEverybody(k identity.PrincipalKey) bool {
	return k.Workspace == 0 && k.Kind != identity.KindUnknown && k != identity.AccountUsers()
}

// findGaps decides which groups the subject may be in although no fact says so. Reading all groups
// above a principal settles its memberships; so does reading the members of every group.
func (s *Subject) findGaps() {
	settled := true
	for _, k := range s.persons() {
		settled = settled && s.e.Saw(estate.ReadKey{Op: estate.OpParents, Principal: k})
	}
	switch {
	case settled:
		return
	case !s.e.Saw(estate.ReadKey{Op: estate.OpGroups}):
		s.anyGroup = true
		return
	}
	s.perhaps = true
}

func accountGroup(p identity.Principal) bool {
	return p.Key.Kind == identity.KindGroup && p.Key.Workspace == 0 && p.Key != identity.AccountUsers()
}

// MembershipsKnown reports whether every group that the subject is in is known.
func (s *Subject) MembershipsKnown() bool {
	return !s.anyGroup && (!s.perhaps || s.m.hidden().within(s.groups))
}

// In says whether the subject is the principal, the same person, or transitively in the group.
func (s *Subject) In(k identity.PrincipalKey) Verdict {
	k = s.e.Canonical(k)
	switch {
	case s.is(k):
		return Allowed
	case k.Workspace != 0:
		return s.inWorkspaceGroup(k)
	case k == identity.AccountUsers() || k.Kind != identity.KindGroup:
		return Denied
	case s.maybe(k), s.anyGroup && !s.e.Settled(k):
		return Unknown
	default:
		return Denied
	}
}

func (s *Subject) inWorkspaceGroup(k identity.PrincipalKey) Verdict {
	at, ok := s.standing(k.Workspace)
	switch {
	case !ok && k.ID != identity.WorkspaceUsersName && k.ID != identity.WorkspaceAdminsName:
		return Denied
	case !ok:
		return Unknown
	case k == identity.WorkspaceUsers(k.Workspace):
		return at.assigned
	case k == identity.WorkspaceAdmins(k.Workspace):
		return at.admin
	case s.perhapsBelow(k):
		return Unknown // by an account group that it may be in
	case s.key.Kind == identity.KindGroup:
		return Denied // what groups are in is read from their members
	case s.e.Settled(k) || !slices.ContainsFunc(s.persons(), func(p identity.PrincipalKey) bool { return !s.e.Saw(ownEntitlements(k.Workspace, p)) }):
		return Denied
	default:
		return All(at.assigned, Unknown) // its groups there were not read
	}
}

// perhapsBelow reports whether an account group that the subject may be in is somewhere in a group of a
// workspace.
func (s *Subject) perhapsBelow(k identity.PrincipalKey) bool {
	seen := map[identity.PrincipalKey]bool{k: true}
	for queue := []identity.PrincipalKey{k}; len(queue) > 0; queue = queue[1:] {
		for member := range s.e.Members(queue[0]) {
			switch {
			case member.Kind != identity.KindGroup || seen[member]:
			case member.Workspace == 0 && s.In(member) == Unknown:
				return true
			default:
				seen[member] = true
				queue = append(queue, member)
			}
		}
	}
	return false
}

// ownEntitlements is the read of how a workspace records one principal: what it may use there, and
// which groups of that workspace alone it is in.
func ownEntitlements(in identity.WorkspaceID, k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: k}
}

// standing is what the subject is in a workspace; ok is false for one that was not listed.
func (s *Subject) standing(id identity.WorkspaceID) (at standing, ok bool) {
	s.standings.mu.Lock()
	at, ok = s.standings.in[id]
	s.standings.mu.Unlock()
	if ok {
		return at, true
	}
	if _, listed := s.e.Workspace(id); !listed {
		return standing{}, false
	}
	at = s.stand(id)
	s.standings.mu.Lock()
	defer s.standings.mu.Unlock()
	if s.standings.in == nil {
		s.standings.in = map[identity.WorkspaceID]standing{}
	}
	s.standings.in[id] = at
	return at, true
}

// stand finds what the assignments of a workspace make of the subject.
func (s *Subject) stand(id identity.WorkspaceID) standing {
	if at, plain := s.standsPlainly(id); plain {
		return at
	}
	at := standing{assigned: Denied, admin: Denied}
	if !s.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}) {
		at.assigned, at.admin = Unknown, Unknown
	}
	for _, a := range s.e.Assignments(id) {
		in := s.assignedBy(a)
		at.assigned = Any(at.assigned, in)
		if a.Permission == identity.WorkspaceAdmin {
			at.admin = Any(at.admin, in)
		}
		if in == Allowed {
			at.permission = max(at.permission, a.Permission)
		}
	}
	return at
}

// assignedBy says whether an assignment is the subject's. Groups of a workspace alone follow from its
// assignments and are not assigned themselves.
func (s *Subject) assignedBy(a identity.Assignment) Verdict {
	var in Verdict
	switch {
	case a.Principal.Workspace == 0 || s.is(a.Principal):
		in = s.In(a.Principal)
	case a.Principal == identity.WorkspaceUsers(a.Principal.Workspace) || a.Principal == identity.WorkspaceAdmins(a.Principal.Workspace):
		in = Unknown
	default:
		in = Denied
	}
	if a.Permission == identity.WorkspaceNone {
		return All(in, Unknown) // the answer did not say what it gives
	}
	return in
}

// via is the assigned identity that gives the subject its strongest permission in a workspace: of several
// the nearest. It is zero where it has none for certain.
func (s *Subject) via(id identity.WorkspaceID) identity.PrincipalKey {
	at, _ := s.standing(id)
	if slices.Contains(s.assumed, id) {
		return s.key
	}
	var via []identity.PrincipalKey
	for _, a := range s.e.Assignments(id) {
		if a.Permission == at.permission && s.assignedBy(a) == Allowed {
			via = append(via, a.Principal)
		}
	}
	switch len(via) {
	case 0:
		return identity.PrincipalKey{}
	case 1:
		return via[0]
	}
	place := s.web().place
	return slices.MinFunc(via, func(a, b identity.PrincipalKey) int { return int(place[a] - place[b]) })
}

// Assigned says whether the subject is assigned to the workspace, and the strongest permission that
// it certainly has there.
func (s *Subject) Assigned(id identity.WorkspaceID) (identity.WorkspacePermission, Verdict) {
	at, ok := s.standing(id)
	if !ok {
		return identity.WorkspaceNone, Unknown
	}
	return at.permission, at.assigned
}

// means says whether a fact that names the holder means the subject, while it acts in the
// workspace. A workspace's own groups count in that workspace only.
func (s *Subject) means(h estate.Holder, in identity.WorkspaceID) Verdict {
	return s.left.counts(h, s.isMeant(h, in))
}

func (s *Subject) isMeant(h estate.Holder, in identity.WorkspaceID) Verdict {
	switch {
	case h.Key.Workspace != 0 && h.Key.Workspace != in:
		return Denied
	case !h.Key.IsZero():
		return s.In(h.Key)
	case h.Name == "":
		return Denied // deleted: nobody, even if the name lives on
	case h.Ambiguous:
		return s.meansOneOf(h.Name)
	case s.unnamed || !s.MembershipsKnown():
		return Unknown
	default:
		return Denied
	}
}

// meansOneOf answers for a name that several principals bear: it is never certain whom it means.
func (s *Subject) meansOneOf(name string) Verdict {
	for _, p := range s.e.Named(name) {
		if s.In(p.Key) != Denied {
			return Unknown
		}
	}
	return Denied
}
