package access

import (
	"slices"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Model is the rules of access over one estate, under the options chosen. It is immutable and safe for
// concurrent use; subjects that were once worked out are kept.
type Model struct {
	e        *estate.Estate
	options  Options
	subjects *sync.Map // identity.PrincipalKey → *Subject
	// assumed are the groups that somebody may act as without being in them, or perhaps may.
	assumed  []identity.PrincipalKey
	ancestry *ancestry
	// hidden are the groups that somebody may be in because members were not read, nameless those of which
	// it is not known what facts call them, admins those that are account admin.
	hidden, nameless, admins func() groups
	// entrances gives who is assigned to each workspace, delegates who has a role by which one acts as
	// others.
	entrances func() map[identity.WorkspaceID]entrance
	delegates func() audience
	// stages gives what runs as somebody in each workspace.
	stages func() map[identity.WorkspaceID]*stage
	// locations gives the external locations of each metastore by what they cover.
	locations func() map[string]identity.Locations
	// rows are the grants on securables that were asked about for what is left: see rowsOf.
	rows *sync.Map // identity.Securable → map[identity.PrincipalKey][]estate.Grant
}

// Over applies the rules to an estate.
func Over(e *estate.Estate, o Options) *Model {
	m := &Model{e: e, options: o, subjects: &sync.Map{}, rows: &sync.Map{}, assumed: assumed(e), ancestry: newAncestry(e)}
	m.hidden = sync.OnceValue(m.findHidden)
	m.nameless = sync.OnceValue(func() groups { return m.those(func(p identity.Principal) bool { return p.Name == "" }) })
	m.admins = sync.OnceValue(func() groups {
		return m.those(func(p identity.Principal) bool { return p.HasRole(identity.RoleAccountAdmin) })
	})
	m.entrances = sync.OnceValue(func() map[identity.WorkspaceID]entrance { return entrances(m) })
	m.delegates = sync.OnceValue(m.findDelegates)
	m.locations = sync.OnceValue(func() map[string]identity.Locations { return locations(e) })
	m.stages = sync.OnceValue(func() map[identity.WorkspaceID]*stage { return stages(m) })
	return m
}

// those are the groups of the account of which something holds.
func (m *Model) those(hold func(identity.Principal) bool) groups {
	set := m.ancestry.none()
	for n, k := range m.e.Containers() {
		if p, _ := m.e.Principal(k); k.Workspace == 0 && hold(p) {
			set.add(int32(n))
		}
	}
	return set
}

// findHidden finds the account groups whose members were not read, and all above them.
func (m *Model) findHidden() groups {
	set := m.ancestry.none()
	var queue []identity.PrincipalKey
	add := func(k identity.PrincipalKey) {
		if n, _ := m.e.Container(k); !set.has(n) {
			set.add(n)
			queue = append(queue, k)
		}
	}
	for _, k := range m.e.Unlisted() {
		if p, _ := m.e.Principal(k); accountGroup(p) {
			add(k)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for parent := range m.e.Parents(queue[0]) {
			add(parent)
		}
		for ancestor := range m.e.Ancestors(queue[0]) {
			add(ancestor)
		}
	}
	return set
}

func (m *Model) findDelegates() audience {
	var keys []identity.PrincipalKey
	for _, g := range m.e.AllRoleGrants() {
		if kindOf(g.Role) != identity.KindUnknown && !g.Holder.Key.IsZero() && g.Holder.Key.Workspace == 0 {
			keys = append(keys, g.Holder.Key)
		}
	}
	return m.audience(keys...)
}

// below reports whether whoever is in one group is certainly in the other.
func (m *Model) below(group, other identity.PrincipalKey) bool {
	n, ok := m.e.Container(other)
	set := m.ancestry.none()
	m.ancestry.addTo(set, group)
	return ok && set.has(n)
}

// assumed lists the groups whose assumers, or those of every group, are given by a rule set or were
// not read.
func assumed(e *estate.Estate) []identity.PrincipalKey {
	found := map[identity.PrincipalKey]bool{}
	for _, g := range e.AllRoleGrants() {
		found[g.On] = found[g.On] || g.Role == identity.RoleGroupAssumer
	}
	for _, read := range e.ReadsOf(estate.OpRoles) {
		if !read.Outcome.OK() {
			found[read.Key.Principal] = true
		}
	}
	if found[identity.PrincipalKey{}] {
		for p := range e.Principals() {
			found[p.Key] = true
		}
		for _, read := range e.Reads() {
			found[read.Key.Principal] = true // a group of which nothing came but that it is there
		}
	}
	var groups []identity.PrincipalKey
	for k, is := range found {
		if is && k.Kind == identity.KindGroup && k.Workspace == 0 && k.ID != "" && k != identity.AccountUsers() {
			groups = append(groups, k)
		}
	}
	slices.SortFunc(groups, identity.PrincipalKey.Compare)
	return groups
}

// Estate is what the model is over.
func (m *Model) Estate() *estate.Estate { return m.e }

// Subject gathers the identities of a principal. One that the estate does not know is a subject with
// itself as only identity.
func (m *Model) Subject(key identity.PrincipalKey) *Subject {
	key = m.e.Canonical(key)
	if s, ok := m.subjects.Load(key); ok {
		return s.(*Subject)
	}
	s, _ := m.subjects.LoadOrStore(key, m.gather(key))
	return s.(*Subject)
}

// With applies the same rules to another estate.
func (m *Model) With(e *estate.Estate) *Model { return Over(e, m.options) }
