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

	// identities are the subject, other records of the same person, and every account group they
	// are certainly in, nearest first.
	identities []identity.PrincipalKey
	certain    map[identity.PrincipalKey]bool
	// possible are groups that the subject may be in, because somebody's members were not read.
	possible map[identity.PrincipalKey]bool
	// anyGroup says that the subject may be in any group at all.
	anyGroup bool
	// unnamed says that an identity has no known name, so a fact may mean it by a name that nobody
	// else bears.
	unnamed bool

	// The steps between identities, by their index.
	place    map[identity.PrincipalKey]int32
	up, down [][]int32

	standings map[identity.WorkspaceID]standing
	// assumable are the groups that the subject is not in, but may act as, or perhaps may.
	assumable []identity.PrincipalKey
	// rulesNothing says that the subject is certainly no account admin.
	rulesNothing bool
	// entered are answers of Enters that were given before: what is in a container asks them again.
	entered *entered
	// woken says that it is taken to be active, although it is not.
	woken bool
	// assumed are workspaces that it is taken to be assigned to, although it is not.
	assumed []identity.WorkspaceID
	// joined are groups that it is taken to be in, although it is not.
	joined []identity.PrincipalKey
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

// standing is what the subject is in one workspace.
type standing struct {
	assigned, admin Verdict
	permission      identity.WorkspacePermission // strongest that is certain
	via             identity.PrincipalKey        // the assigned identity that gives it
}

// For is the subject under the usual options.
func For(e *estate.Estate, key identity.PrincipalKey) *Subject {
	return Over(e, Options{}).Subject(key)
}

// gather works out a subject. Groups in joining are taken for groups that it is in.
func (m *Model) gather(key identity.PrincipalKey, joining ...identity.PrincipalKey) *Subject {
	s := &Subject{m: m, e: m.e, key: m.e.Canonical(key), joined: joining, entered: &entered{}}
	s.close()
	s.connect()
	s.findGaps()
	s.standings = map[identity.WorkspaceID]standing{}
	for _, w := range m.e.Workspaces() {
		s.standings[w.ID] = s.stand(w.ID)
	}
	s.rulesNothing = s.verdicts().accountAdmin() == Denied
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
	as.standings = maps.Clone(s.standings)
	as.assumed, as.entered = append(slices.Clone(s.assumed), id), &entered{}
	at := as.standings[id]
	at.assigned, at.permission, at.via = Allowed, max(at.permission, identity.WorkspaceUser), s.key
	as.standings[id] = at
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
func (s *Subject) Identities() []identity.PrincipalKey { return s.identities }

// persons are the records of the subject itself.
func (s *Subject) persons() []identity.PrincipalKey {
	persons := []identity.PrincipalKey{s.key}
	for i := 0; i < len(persons); i++ {
		for other := range s.e.SamePerson(persons[i]) {
			if !slices.Contains(persons, other) {
				persons = append(persons, other)
			}
		}
	}
	return persons
}

// close walks up from the subject, breadth first, so that circles end and near groups come first.
func (s *Subject) close() {
	s.certain = map[identity.PrincipalKey]bool{}
	add := func(k identity.PrincipalKey) {
		if !s.certain[k] {
			s.certain[k] = true
			s.identities = append(s.identities, k)
		}
	}
	for _, k := range s.persons() {
		add(k)
	}
	for _, k := range s.joined {
		add(s.e.Canonical(k))
	}
	for walked := 0; walked < len(s.identities); {
		for ; walked < len(s.identities); walked++ {
			k := s.identities[walked]
			for parent := range s.e.Parents(k) {
				add(parent)
			}
			if actsAsEverybody(k) {
				add(identity.AccountUsers())
			}
		}
		// Groups whose way is not known come last: how far they are is not known either.
		for _, k := range s.identities[:walked] {
			for ancestor := range s.e.Ancestors(k) {
				add(ancestor)
			}
		}
	}
	for _, k := range s.identities {
		s.unnamed = s.unnamed || k.Workspace == 0 && !s.e.Names(k) // facts of the account name no group of a workspace
	}
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
	s.possible = map[identity.PrincipalKey]bool{}
	var queue []identity.PrincipalKey
	add := func(k identity.PrincipalKey) {
		if !s.possible[k] && !s.certain[k] {
			s.possible[k] = true
			queue = append(queue, k)
		}
	}
	for _, k := range s.m.unread() {
		add(k)
	}
	for len(queue) > 0 {
		k := queue[0]
		queue = queue[1:]
		for parent := range s.e.Parents(k) {
			add(parent)
		}
		for ancestor := range s.e.Ancestors(k) {
			add(ancestor)
		}
	}
}

func accountGroup(p identity.Principal) bool {
	return p.Key.Kind == identity.KindGroup && p.Key.Workspace == 0 && p.Key != identity.AccountUsers()
}

// MembershipsKnown reports whether every group that the subject is in is known.
func (s *Subject) MembershipsKnown() bool { return !s.anyGroup && len(s.possible) == 0 }

// In says whether the subject is the principal, the same person, or transitively in the group.
func (s *Subject) In(k identity.PrincipalKey) Verdict {
	k = s.e.Canonical(k)
	switch {
	case s.certain[k]:
		return Allowed
	case k.Workspace != 0:
		return s.inWorkspaceGroup(k)
	case k == identity.AccountUsers() || k.Kind != identity.KindGroup:
		return Denied
	case s.possible[k], s.anyGroup && !s.e.Settled(k):
		return Unknown
	default:
		return Denied
	}
}

func (s *Subject) inWorkspaceGroup(k identity.PrincipalKey) Verdict {
	at, ok := s.standings[k.Workspace]
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

// stand finds what the assignments of a workspace make of the subject.
func (s *Subject) stand(id identity.WorkspaceID) standing {
	at := standing{assigned: Denied, admin: Denied}
	if !s.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}) {
		at.assigned, at.admin = Unknown, Unknown
	}
	for _, a := range s.e.Assignments(id) {
		in := s.In(a.Principal)
		if a.Permission == identity.WorkspaceNone {
			in = All(in, Unknown) // the answer did not say what it gives
		}
		at.assigned = Any(at.assigned, in)
		if a.Permission == identity.WorkspaceAdmin {
			at.admin = Any(at.admin, in)
		}
		if in == Allowed && s.stronger(a, at) {
			at.permission, at.via = a.Permission, a.Principal
		}
	}
	return at
}

// stronger prefers more permission, then the identity nearer to the subject.
func (s *Subject) stronger(a identity.Assignment, than standing) bool {
	if a.Permission != than.permission {
		return a.Permission > than.permission
	}
	return slices.Index(s.identities, a.Principal) < slices.Index(s.identities, than.via)
}

// Assigned says whether the subject is assigned to the workspace, and the strongest permission that
// it certainly has there.
func (s *Subject) Assigned(id identity.WorkspaceID) (identity.WorkspacePermission, Verdict) {
	at, ok := s.standings[id]
	if !ok {
		return identity.WorkspaceNone, Unknown
	}
	return at.permission, at.assigned
}

// means says whether a fact that names the holder means the subject, while it acts in the
// workspace. A workspace's own groups count in that workspace only.
func (s *Subject) means(h estate.Holder, in identity.WorkspaceID) Verdict {
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
