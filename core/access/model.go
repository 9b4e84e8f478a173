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
	assumed []identity.PrincipalKey
	// unread gives the account groups whose members were not read. Every subject asks for it.
	unread func() []identity.PrincipalKey
	// stages gives what runs as somebody in each workspace.
	stages func() map[identity.WorkspaceID]*stage
}

// Over applies the rules to an estate.
func Over(e *estate.Estate, o Options) *Model {
	m := &Model{e: e, options: o, subjects: &sync.Map{}, assumed: assumed(e), unread: sync.OnceValue(func() []identity.PrincipalKey { return unread(e) })}
	m.stages = sync.OnceValue(func() map[identity.WorkspaceID]*stage { return stages(m) })
	return m
}

func unread(e *estate.Estate) []identity.PrincipalKey {
	var groups []identity.PrincipalKey
	for p := range e.Principals() {
		if accountGroup(p) && !e.Saw(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key}) {
			groups = append(groups, p.Key)
		}
	}
	return groups
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
