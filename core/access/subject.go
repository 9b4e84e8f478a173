package access

import (
	"maps"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Subject is one principal as seen by one estate: every identity it acts with. It is immutable and
// safe for concurrent use.
type Subject struct {
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
}

// standing is what the subject is in one workspace.
type standing struct {
	assigned, admin Verdict
	permission      identity.WorkspacePermission // strongest that is certain
	via             identity.PrincipalKey        // the assigned identity that gives it
}

// For gathers the identities of a principal. A principal that the estate does not know is a subject
// with itself as only identity.
func For(e *estate.Estate, key identity.PrincipalKey) *Subject {
	s := &Subject{e: e, key: e.Canonical(key)}
	s.close()
	s.connect()
	s.findGaps()
	s.standings = map[identity.WorkspaceID]standing{}
	for _, w := range e.Workspaces() {
		s.standings[w.ID] = s.stand(w.ID)
	}
	return s
}

// assuming is the subject as it would be with an assignment to the workspace.
func (s *Subject) assuming(id identity.WorkspaceID) *Subject {
	as := *s
	as.standings = maps.Clone(s.standings)
	at := as.standings[id]
	at.assigned, at.permission, at.via = Allowed, max(at.permission, identity.WorkspaceUser), s.key
	as.standings[id] = at
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
		if p, ok := s.e.Principal(k); !ok || p.Name == "" {
			s.unnamed = true
		}
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
	for p := range s.e.Principals() {
		if accountGroup(p) && !s.e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key}) {
			add(p.Key)
		}
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
	default:
		return Denied
	}
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
