package accesstest

import (
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Random worlds seldom leave out all but the one thing that matters. Small worlds are all that can be
// made from a handful of facts.

// alphabet makes one world from choices, with what is asked about it.
type alphabet struct {
	name  string
	world func(below func(n int) int) (World, []Question)
}

// smallHolders are whom a grant or an owner of a small world names: nobody, alice or g1.
var smallHolders = []string{"", "u@x.test", "g"}

// exhaust runs something with every sequence of choices that it can make.
func exhaust(run func(below func(n int) int)) {
	var made, limits []int
	for {
		next := 0
		run(func(n int) int {
			if next == len(made) {
				made, limits = append(made, 0), append(limits, n)
			}
			next++
			return made[next-1]
		})
		for len(made) > 0 && made[len(made)-1] == limits[len(limits)-1]-1 {
			made, limits = made[:len(made)-1], limits[:len(limits)-1]
		}
		if len(made) == 0 {
			return
		}
		made[len(made)-1]++
	}
}

// RunSmall compares an engine with the oracle on every small world.
func RunSmall(t *testing.T, newSubject NewSubject) {
	for _, a := range alphabets() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			worlds, failed := 0, 0
			exhaust(func(below func(n int) int) {
				if failed > 2 { // a few are enough to see what is wrong
					return
				}
				worlds++
				w, qs := a.world(below)
				if m, wrong := compareAll(w, qs, newSubject); wrong {
					failed++
					t.Errorf("the engine and the oracle disagree:\n%v", m)
				}
			})
			t.Logf("%d worlds", worlds)
		})
	}
}

// compareAll puts given questions.
func compareAll(w World, qs []Question, newSubject NewSubject) (Mismatch, bool) {
	e, seen := w.Estate(), w.sightings()
	for _, key := range w.subjects() {
		oracle, subject := newOracle(seen, key), newSubject(e, key)
		for _, q := range qs {
			q.Subject = key
			if m, wrong := compare(w, q, oracle, subject); wrong {
				return m, true
			}
		}
	}
	return Mismatch{}, false
}

// newSmall has one user, one group that it may be in, one workspace and one metastore that is there.
func newSmall(below func(n int) int) *fixture {
	f := &fixture{}
	f.Workspaces = []identity.WorkspaceID{w1}
	f.Metastores = []identity.Metastore{{ID: store, Name: "store", PrivilegeModel: "1.0"}}
	f.Attachments = []Attachment{{store, w1}}
	f.principal(alice, "u@x.test")
	f.principal(g1, "g")
	if below(2) == 1 {
		f.member(alice, g1)
	}
	return f
}

// holder chooses nobody, the user or the group.
func (f *fixture) holder(below func(n int) int, on identity.Securable, p identity.Privilege) {
	if name := smallHolders[below(len(smallHolders))]; name != "" {
		f.grant(on, name, p)
	}
}

// hideOne chooses one group of reads that fail together, or none.
func (f *fixture) hideOne(below func(n int) int, reads ...[]estate.ReadKey) {
	if which := below(len(reads) + 1); which > 0 {
		for _, k := range reads[which-1] {
			f.hides(k)
		}
	}
}

// unreadGroups is that it was not read which groups the user is in.
var unreadGroups = []estate.ReadKey{readParents(alice), readMembers(g1)}

func alphabets() []alphabet {
	return []alphabet{
		{"a table and what it is in", smallTables},
		{"a binding, a workspace and a status", smallPlaces},
		{"a view and its owner", smallViews},
		{"an object and who is meant", smallObjects},
		{"entitlements and compute", smallCompute},
		{"roles", smallRoles},
	}
}

func smallTables(below func(n int) int) (World, []Question) {
	f := newSmall(below)
	f.assign(alice, w1)
	f.securable(catalog, "gone")
	f.securable(schema, "gone")
	f.securable(table, smallHolders[below(len(smallHolders))])
	f.holder(below, catalog, identity.UseCatalog)
	f.holder(below, schema, identity.UseSchema)
	f.holder(below, []identity.Securable{table, catalog}[below(2)], []identity.Privilege{identity.Select, identity.AllPrivileges, identity.Modify}[below(3)])
	f.hideOne(below, unreadGroups, []estate.ReadKey{readGrants(table)}, []estate.ReadKey{readGrants(catalog)}, []estate.ReadKey{readPrincipal(alice)})
	var qs []Question
	for _, p := range []identity.Privilege{identity.Select, identity.Modify} {
		qs = append(qs, Question{Method: Effective, Privilege: p, On: table, Workspace: w1}, Question{Method: Can, Privilege: p, On: table, Workspace: w1})
	}
	return f.World, append(qs, Question{Method: In, Group: g1}, Question{Method: Uses, On: schema, Workspace: w1})
}

func smallPlaces(below func(n int) int) (World, []Question) {
	f := newSmall(below)
	f.use()
	for _, s := range []identity.Securable{catalog, schema, table} {
		f.securable(s, "gone")
	}
	f.grant(table, "g", identity.Select, identity.Modify)
	f.Principals[0].Status = []identity.Status{identity.StatusActive, identity.StatusInactive, identity.StatusUnknown}[below(3)]
	f.Attachments = f.Attachments[below(2):]
	for _, k := range []identity.PrincipalKey{alice, g1} {
		switch below(3) {
		case 1:
			f.assign(k, w1)
		case 2:
			f.assignAdmin(k, w1)
		}
	}
	switch isolation := below(5); isolation {
	case 1:
		f.isolate(catalog, identity.Isolated)
	case 2, 3:
		f.isolate(catalog, identity.Isolated, identity.Binding{Workspace: w1, ReadOnly: isolation == 3})
	case 4:
		f.isolate(catalog, identity.IsolationOpen, identity.Binding{Workspace: w1, ReadOnly: true})
	}
	f.hideOne(below, unreadGroups, []estate.ReadKey{readAssignments(w1)}, []estate.ReadKey{readBindings(catalog)},
		[]estate.ReadKey{readAttachments(store)}, []estate.ReadKey{readListing(catalog)})
	return f.World, []Question{
		{Method: Assigned, Workspace: w1},
		{Method: Can, Privilege: identity.Select, On: table, Workspace: w1},
		{Method: Can, Privilege: identity.Modify, On: table, Workspace: w1},
	}
}

func smallViews(below func(n int) int) (World, []Question) {
	f := newSmall(below)
	f.assign(alice, w1)
	for _, s := range []identity.Securable{catalog, schema} {
		f.securable(s, "gone")
	}
	f.securable(table, smallHolders[below(len(smallHolders))])
	f.holder(below, table, identity.Select)
	inner := below(3) // a view of the table, or one of that, or one of which it was not told
	f.view(view, smallHolders[below(len(smallHolders))], table)
	on := view
	if inner == 1 {
		on = inSchema(schema, identity.TypeTable, "o")
		f.view(on, "g", view)
	}
	f.Securables[3].BasesKnown = inner != 2
	f.grant(on, []string{"u@x.test", "g"}[below(2)], identity.Select)
	if below(2) == 1 {
		f.use()
	} else {
		f.grant(catalog, "u@x.test", identity.UseCatalog, identity.UseSchema)
	}
	f.hideOne(below, unreadGroups, []estate.ReadKey{readGrants(table)}, []estate.ReadKey{readPrincipal(alice)})
	return f.World, []Question{
		{Method: Can, Privilege: identity.Select, On: on, Workspace: w1},
		{Method: Can, Privilege: identity.Select, On: table, Workspace: w1},
		{Method: Effective, Privilege: identity.Select, On: on, Workspace: w1},
	}
}

func smallObjects(below func(n int) int) (World, []Question) {
	f := newSmall(below)
	switch below(4) {
	case 1:
		f.assign(alice, w1)
	case 2:
		f.assignAdmin(alice, w1)
	case 3:
		f.assign(g1, w1)
	}
	name := "g"
	if f.directlyAssigned(g1, w1) {
		name = "l" // no two groups of one workspace have one name
	}
	there := f.directlyAssigned(alice, w1)
	switch below(3) {
	case 1:
		f.principal(local, name)
	case 2:
		f.principal(local, name)
		if there {
			f.member(alice, local)
		}
	}
	f.object(job)
	holders := []identity.PrincipalName{user("u@x.test"), user("g"), group("g"), group("l"), group("users"), group("admins")}
	if which := below(len(holders) + 1); which > 0 {
		f.permit(job, holders[which-1], []identity.Level{identity.CanManageRun, identity.CanManage}[below(2)])
	}
	if below(2) == 1 {
		f.Principals[0].Status = identity.StatusInactive
	}
	f.hideOne(below, unreadGroups, []estate.ReadKey{readAssignments(w1)}, []estate.ReadKey{readPermissions(job)},
		[]estate.ReadKey{readLocals(w1)}, []estate.ReadKey{readEntitled(w1, alice)}, []estate.ReadKey{readLocals(w1), readAssignments(w1)})
	var qs []Question
	for _, l := range []identity.Level{identity.CanView, identity.CanManage, identity.IsOwner} {
		qs = append(qs, Question{Method: Permitted, Level: l, Object: job}, Question{Method: Operates, Level: l, Object: job})
	}
	return f.World, qs
}

func smallCompute(below func(n int) int) (World, []Question) {
	f := newSmall(below)
	f.assign(alice, w1)
	for _, s := range []identity.Securable{catalog, schema, table} {
		f.securable(s, "gone")
	}
	f.use()
	f.grant(table, "u@x.test", identity.Select)
	x := []identity.Entitlement{identity.SQLAccess, identity.WorkspaceAccess, identity.ConsumerAccess}[below(3)]
	f.entitle([]identity.PrincipalKey{alice, g1, identity.WorkspaceUsers(w1), identity.WorkspaceAdmins(w1)}[below(4)], x)
	if below(2) == 1 {
		f.entitle(g1, identity.AllowClusterCreate)
	}
	if which := below(4); which > 0 {
		o := []identity.Object{warehouse, policy, cluster}[which-1]
		f.object(o)
		f.permit(o, []identity.PrincipalName{user("u@x.test"), group("g")}[below(2)], o.Type.Levels()[below(min(2, len(o.Type.Levels())))])
		if o == cluster {
			f.Objects[0].SingleUser = []string{"", "u@x.test", "g", "gone"}[below(4)]
		}
		f.hideOne(below, unreadGroups, []estate.ReadKey{readPermissions(o)}, []estate.ReadKey{readObjects(w1, o.Type)},
			[]estate.ReadKey{readLocals(w1)}, []estate.ReadKey{readEntitled(w1, alice)})
	}
	return f.World, []Question{
		{Method: Entitled, Entitlement: x, Workspace: w1},
		{Method: Exercises, Privilege: identity.Select, On: table, Workspace: w1},
	}
}

func smallRoles(below func(n int) int) (World, []Question) {
	f := newSmall(below)
	f.principal(etl, "0000-sp")
	f.assign(alice, w1)
	if below(2) == 1 {
		f.assign(g1, w1)
	}
	for _, s := range []identity.Securable{catalog, schema, table} {
		f.securable(s, "gone")
	}
	f.use()
	f.grant(table, "g", identity.Select)
	if below(2) == 1 {
		f.Principals[below(2)].Roles = []string{identity.RoleAccountAdmin}
	}
	ons := []identity.PrincipalKey{g1, etl, {}}
	if which := below(len(ons) + 1); which > 0 {
		on := ons[which-1]
		roles := rolesOn(on)
		holders := []identity.PrincipalName{user("u@x.test"), group("g"), {Kind: identity.KindServicePrincipal, Name: "0000-sp"}}
		f.role(on, roles[below(len(roles))], holders[below(len(holders))])
	}
	f.hideOne(below, unreadGroups, []estate.ReadKey{readRoles(g1)}, []estate.ReadKey{readRoles(etl)},
		[]estate.ReadKey{readRoles(identity.PrincipalKey{})}, []estate.ReadKey{readPrincipal(alice)},
		[]estate.ReadKey{readGroups, readMembers(g1), readPrincipal(g1)})
	qs := []Question{{Method: Can, Privilege: identity.Select, On: table, Workspace: w1}}
	for _, on := range ons {
		for _, r := range rolesOn(on) {
			qs = append(qs, Question{Method: HasRole, Role: r, Group: on})
		}
	}
	return f.World, qs
}
