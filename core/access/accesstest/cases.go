package accesstest

import (
	"fmt"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Case is a written world with answers that follow from Databricks' documentation alone.
type Case struct {
	Name  string
	World World
	Want  []Expectation
}

// Expectation is one question and the right answer.
type Expectation struct {
	Question Question
	Verdict  access.Verdict
}

// Check asks an engine the questions of the case.
func (c Case) Check(t testing.TB, newSubject NewSubject) {
	t.Helper()
	e := c.World.Estate()
	for _, want := range c.Want {
		q := want.Question
		if got := q.Ask(newSubject(e, q.Subject)); got.Verdict != want.Verdict {
			t.Errorf("%v\n  got  %v\n  want %v\nin the world\n%v", q, got, want.Verdict, c.World)
		}
	}
}

// The fixture: alice is active and a user of w1, in g1, which is in g2. Metastore m is in both
// workspaces; c, c.s, c.s.t and c.s.v belong to the group own, which is empty. Nothing is granted.
const (
	w1, w2 identity.WorkspaceID = 1, 2
	store                       = "m"
)

var (
	alice    = identity.PrincipalKey{Kind: identity.KindUser, ID: "11"}
	bob      = identity.PrincipalKey{Kind: identity.KindUser, ID: "12"}
	g1       = identity.PrincipalKey{Kind: identity.KindGroup, ID: "31"}
	g2       = identity.PrincipalKey{Kind: identity.KindGroup, ID: "32"}
	own      = identity.PrincipalKey{Kind: identity.KindGroup, ID: "33"}
	catalog  = identity.CatalogSecurable(store, "c")
	schema   = identity.SchemaSecurable(store, "c", "s")
	table    = inSchema(schema, identity.TypeTable, "t")
	volume   = inSchema(schema, identity.TypeVolume, "v")
	schema2  = identity.SchemaSecurable(store, "c", "s2")
	table2   = inSchema(schema2, identity.TypeTable, "t")
	location = identity.Securable{Metastore: store, Type: identity.TypeExternalLocation, Name: "loc"}
)

func inSchema(s identity.Securable, t identity.SecurableType, name string) identity.Securable {
	s.Type, s.Name = t, name
	return s
}

type fixture struct {
	World
	want []Expectation
}

func newFixture() *fixture {
	f := &fixture{}
	f.Workspaces = []identity.WorkspaceID{w1, w2}
	f.Metastores = []identity.Metastore{{ID: store, Name: "store", PrivilegeModel: "1.0"}}
	f.Attachments = []Attachment{{store, w1}, {store, w2}}
	f.principal(alice, "alice@x.test")
	f.principal(bob, "bob@x.test")
	f.principal(g1, "g1")
	f.principal(g2, "g2")
	f.principal(own, "own")
	f.member(alice, g1)
	f.member(g1, g2)
	f.assign(alice, w1)
	for _, s := range []identity.Securable{catalog, schema, table, volume} {
		f.securable(s, "own")
	}
	return f
}

func (f *fixture) principal(k identity.PrincipalKey, name string) {
	p := identity.Principal{Key: k, Name: name, Status: identity.StatusActive}
	if k.Workspace != 0 {
		p.Origin = identity.OriginWorkspaceLocal
	}
	f.Principals = append(f.Principals, p)
}

func (f *fixture) member(member, group identity.PrincipalKey) {
	f.Memberships = append(f.Memberships, identity.Membership{Member: member, Group: group})
}

func (f *fixture) assign(k identity.PrincipalKey, ws identity.WorkspaceID) {
	f.Assignments = append(f.Assignments, identity.Assignment{Workspace: ws, Principal: k, Permission: identity.WorkspaceUser})
}

func (f *fixture) securable(s identity.Securable, owner string) {
	f.Securables = append(f.Securables, identity.SecurableInfo{Securable: s, Owner: owner, Isolation: identity.IsolationOpen})
}

func (f *fixture) own(s identity.Securable, owner string) {
	for i := range f.Securables {
		if f.Securables[i].Securable == s {
			f.Securables[i].Owner = owner
		}
	}
}

func (f *fixture) isolate(s identity.Securable, mode identity.Isolation, bindings ...identity.Binding) {
	for i := range f.Securables {
		if f.Securables[i].Securable == s {
			f.Securables[i].Isolation = mode
		}
	}
	for _, b := range bindings {
		f.Bindings = append(f.Bindings, Binding{s, b})
	}
}

func (f *fixture) grant(on identity.Securable, holder string, ps ...identity.Privilege) {
	f.Grants = append(f.Grants, identity.Grant{Securable: on, Holder: holder, Privileges: ps})
}

// use lets everybody use the catalog and the schema.
func (f *fixture) use() {
	f.grant(catalog, identity.AccountUsersName, identity.UseCatalog)
	f.grant(schema, identity.AccountUsersName, identity.UseSchema)
}

func (f *fixture) hides(k estate.ReadKey) {
	f.World = f.hide(k, Gap{Kind: identity.Forbidden})
}

func (f *fixture) ask(v access.Verdict, q Question) { f.want = append(f.want, Expectation{q, v}) }

func (f *fixture) can(v access.Verdict, k identity.PrincipalKey, p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) {
	f.ask(v, Question{Method: Can, Subject: k, Privilege: p, On: on, Workspace: ws})
}

func (f *fixture) effective(v access.Verdict, k identity.PrincipalKey, p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) {
	f.ask(v, Question{Method: Effective, Subject: k, Privilege: p, On: on, Workspace: ws})
}

func (f *fixture) in(v access.Verdict, k, group identity.PrincipalKey) {
	f.ask(v, Question{Method: In, Subject: k, Group: group})
}

// Cases are the written worlds.
func Cases() []Case {
	var cases []Case
	add := func(name string, write func(f *fixture)) {
		f := newFixture()
		write(f)
		cases = append(cases, Case{name, f.World, f.want})
	}
	const yes, no, maybe = access.Allowed, access.Denied, access.Unknown

	add("01 a grant on a table is nothing without the use of what it is in", func(f *fixture) {
		f.grant(table, "alice@x.test", identity.Select)
		f.effective(yes, alice, identity.Select, table, w1)
		f.ask(no, Question{Method: Uses, Subject: alice, On: catalog, Workspace: w1})
		f.ask(no, Question{Method: Uses, Subject: alice, On: schema, Workspace: w1})
		f.can(no, alice, identity.Select, table, w1)
	})
	add("02 a grant on a catalog to a nested group reaches its tables", func(f *fixture) {
		f.use()
		f.grant(catalog, "g2", identity.Select)
		f.in(yes, alice, g2)
		f.in(no, bob, g2)
		f.can(yes, alice, identity.Select, table, w1)
		f.can(no, bob, identity.Select, table, w1)
	})
	add("03 the parts may come through different identities", func(f *fixture) {
		f.grant(catalog, "alice@x.test", identity.UseCatalog)
		f.grant(catalog, "g1", identity.UseSchema)
		f.grant(schema, "g2", identity.Select)
		f.can(yes, alice, identity.Select, table, w1)
	})
	add("04 all privileges stand for all but three", func(f *fixture) {
		f.grant(catalog, "g1", identity.AllPrivileges)
		f.can(yes, alice, identity.Select, table, w1)
		f.can(yes, alice, identity.Modify, table, w1)
		f.can(yes, alice, "CREATE_SCHEMA", catalog, w1)
		f.can(no, alice, identity.ExternalUseSchema, schema, w1)
		f.effective(no, alice, identity.Manage, table, w1)
	})
	add("09 members of an owning group own", func(f *fixture) {
		f.use()
		f.own(table, "g2")
		f.own(schema, "g2")
		f.can(yes, alice, identity.Select, table, w1)
		f.can(yes, alice, identity.Modify, table, w1)
		f.can(no, alice, identity.ExternalUseSchema, schema, w1)
	})
	add("10 an owner needs the use of what the table is in", func(f *fixture) {
		f.own(table, "alice@x.test")
		f.can(no, alice, identity.Select, table, w1)
	})
	add("08 an owner of a catalog has no data in it", func(f *fixture) {
		f.own(catalog, "alice@x.test")
		f.can(yes, alice, "CREATE_SCHEMA", catalog, w1)
		f.can(no, alice, identity.Select, table, w1)
		f.effective(no, alice, identity.Select, table, w1)
	})
	add("15 the users of a workspace hold what their mirror group holds, there alone", func(f *fixture) {
		f.assign(bob, w2)
		f.grant(catalog, "_workspace_users_databricks_acc_workspace_1", identity.UseCatalog)
		f.grant(schema, "_workspace_users_databricks_acc_workspace_1", identity.UseSchema, "CREATE_TABLE")
		f.own(volume, "alice@x.test")
		f.can(yes, alice, "CREATE_TABLE", schema, w1)
		f.can(no, alice, identity.Select, table, w1)
		f.can(yes, alice, identity.ReadVolume, volume, w1)
		f.can(no, bob, "CREATE_TABLE", schema, w2)
	})
	for _, assigned := range []bool{false, true} {
		add(fmt.Sprintf("16 bindings beat grants, assigned to the other workspace: %v", assigned), func(f *fixture) {
			f.use()
			f.grant(catalog, "alice@x.test", identity.Select)
			f.isolate(catalog, identity.Isolated, identity.Binding{Workspace: w2})
			f.can(no, alice, identity.Select, table, w1)
			f.effective(yes, alice, identity.Select, table, w1)
			if assigned {
				f.assign(alice, w2)
				f.can(yes, alice, identity.Select, table, w2)
			} else {
				f.can(no, alice, identity.Select, table, w2)
			}
		})
	}
	readOnly := func(mode identity.Isolation, write access.Verdict) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.grant(catalog, "alice@x.test", identity.Select, identity.Modify)
			f.isolate(catalog, mode, identity.Binding{Workspace: w1, ReadOnly: true})
			f.can(yes, alice, identity.Select, table, w1)
			f.can(write, alice, identity.Modify, table, w1)
		}
	}
	add("17 a read-only binding lets read", readOnly(identity.Isolated, no))
	add("17 whether a read-only binding lets grant is not documented", func(f *fixture) {
		f.use()
		f.own(table, "alice@x.test")
		f.isolate(catalog, identity.Isolated, identity.Binding{Workspace: w1, ReadOnly: true})
		f.effective(yes, alice, identity.Manage, table, w1)
		f.can(maybe, alice, identity.Manage, table, w1)
	})
	add("17 a stale binding of an open catalog is nothing", readOnly(identity.IsolationOpen, yes))
	add("19 writing to a table needs reading it", func(f *fixture) {
		f.use()
		f.grant(table, "alice@x.test", identity.Modify)
		f.effective(yes, alice, identity.Modify, table, w1)
		f.can(no, alice, identity.Modify, table, w1)
	})
	add("20 BROWSE reads nothing", func(f *fixture) {
		f.use()
		f.grant(catalog, identity.AccountUsersName, identity.Browse)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("21 nothing on a metastore is inherited", func(f *fixture) {
		f.use()
		m := identity.MetastoreSecurable(store)
		f.grant(m, "g1", "CREATE_CATALOG", identity.Select)
		f.can(yes, alice, "CREATE_CATALOG", m, w1)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("25 a group of one workspace holds nothing of its namesake", func(f *fixture) {
		f.use()
		f.grant(catalog, "g2", identity.Select)
		local := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: w1, ID: "41"}
		f.principal(local, "g2")
		f.Memberships = []identity.Membership{{Member: alice, Group: local}}
		f.in(no, alice, g2)
		f.can(no, alice, identity.Select, table, w1)
	})
	add("26 what a deleted principal held nobody holds", func(f *fixture) {
		f.use()
		f.Grants = append(f.Grants, identity.Grant{Securable: table, DeletedID: "77", Privileges: []identity.Privilege{identity.Select}})
		f.can(no, alice, identity.Select, table, w1)
	})
	withStatus := func(status identity.Status, read access.Verdict) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.grant(table, "alice@x.test", identity.Select)
			f.Principals[0].Status = status
			f.effective(yes, alice, identity.Select, table, w1) // it revives with the user
			f.can(read, alice, identity.Select, table, w1)
		}
	}
	add("27 a deactivated user can do nothing", withStatus(identity.StatusInactive, no))
	add("27 a user whose status was not told may be active", withStatus(identity.StatusUnknown, maybe))
	add("28 groups in a circle and eleven layers of them", func(f *fixture) {
		f.use()
		f.member(g2, g1)
		below := bob
		for i := range 11 {
			layer := identity.PrincipalKey{Kind: identity.KindGroup, ID: fmt.Sprint(51 + i)}
			f.principal(layer, fmt.Sprintf("layer%d", i+1))
			f.member(below, layer)
			below = layer
		}
		f.assign(g1, w2)
		f.assign(below, w2)
		f.grant(catalog, "g1", identity.Select)
		f.grant(catalog, "layer11", identity.Select)
		f.in(yes, g1, g2)
		f.in(yes, g2, g1)
		f.can(yes, alice, identity.Select, table, w2)
		f.can(yes, bob, identity.Select, table, w2)
	})
	for _, above := range []bool{false, true} {
		add(fmt.Sprintf("44 unread grants on a schema, enough granted above: %v", above), func(f *fixture) {
			f.use()
			f.securable(schema2, "own")
			f.securable(table2, "own")
			f.hides(readGrants(schema2))
			read := maybe
			if above {
				f.grant(catalog, "g2", identity.Select, identity.UseCatalog, identity.UseSchema)
				read = yes
			}
			f.can(read, alice, identity.Select, table2, w1)
			f.can(access.Holds(above), alice, identity.Select, table, w1)
		})
	}
	for _, on := range []identity.Securable{catalog, table} {
		for _, model := range []string{"", "0"} {
			add(fmt.Sprintf("45 no inheritance in privilege model %q, SELECT on %v", model, on), func(f *fixture) {
				f.Metastores[0].PrivilegeModel = model
				f.grant(catalog, "alice@x.test", "USAGE")
				f.grant(schema, "alice@x.test", "USAGE")
				f.grant(on, "alice@x.test", identity.Select)
				f.can(access.Holds(on == table), alice, identity.Select, table, w1)
			})
		}
	}
	add("46 writing into a volume needs no reading, into a location it does", func(f *fixture) {
		f.use()
		f.grant(schema, "g1", identity.WriteVolume)
		f.securable(location, "own")
		f.grant(location, "g1", "WRITE_FILES")
		f.can(yes, alice, identity.WriteVolume, volume, w1)
		f.can(no, alice, identity.ReadVolume, volume, w1)
		f.can(no, alice, "WRITE_FILES", location, w1)
		f.effective(yes, alice, "WRITE_FILES", location, w1)
	})
	add("48 a location has bindings of its own", func(f *fixture) {
		f.securable(location, "own")
		f.isolate(location, identity.Isolated, identity.Binding{Workspace: w2})
		f.assign(g2, w2)
		f.grant(location, "g1", identity.ReadFiles)
		f.can(no, alice, identity.ReadFiles, location, w1)
		f.can(yes, alice, identity.ReadFiles, location, w2)
	})

	// Two records of one person, and what a crawl can miss.
	add("a guest holds what either record holds", func(f *fixture) {
		guest := identity.PrincipalKey{Kind: identity.KindUser, ID: "13"}
		f.principal(guest, "alice_x.test#EXT#@tenant")
		f.SamePerson = append(f.SamePerson, [2]identity.PrincipalKey{guest, alice})
		f.use()
		f.grant(table, "ALICE@x.test", identity.Select)
		f.can(yes, guest, identity.Select, table, w1)
		f.in(yes, guest, g2)
	})
	add("what account users has counts for a group too: whoever acts as it is one", func(f *fixture) {
		f.in(yes, bob, identity.AccountUsers())
		f.in(yes, g1, identity.AccountUsers())
	})
	add("a group whose members were not read may hold anybody", func(f *fixture) {
		for _, k := range []identity.PrincipalKey{alice, bob, g1} {
			f.hides(readParents(k))
		}
		f.hides(readMembers(g2))
		f.in(yes, alice, g1)
		f.in(maybe, alice, g2)
		f.in(no, bob, g1)
		f.in(maybe, bob, g2)
		f.in(no, bob, own)
	})
	add("a principal with no list of groups may be in any", func(f *fixture) {
		f.use()
		f.hides(readParents(bob))
		f.hides(readGroups)
		f.hides(readMembers(own))
		f.assign(bob, w1)
		f.grant(table, "unheard of", identity.Select)
		f.in(maybe, bob, own)
		f.in(no, bob, g1) // the members of g1 were read, and bob is not among them
		f.can(maybe, bob, identity.Select, table, w1)
		f.can(no, bob, identity.Select, volume, w1) // whoever holds it, it does not apply to volumes
		f.can(no, alice, identity.Select, table, w1)
	})
	add("a group without a name may be the one that a grant names", func(f *fixture) {
		f.use()
		f.hides(readGroups)
		for _, g := range []identity.PrincipalKey{g1, g2} {
			f.hides(readMembers(g))
		}
		f.hides(readPrincipal(g2))
		f.grant(table, "g2", identity.Select)
		f.in(yes, alice, g2)
		f.in(no, bob, g2)
		f.can(maybe, alice, identity.Select, table, w1)
		f.effective(no, bob, identity.Select, table, w1)
	})
	for _, hidden := range []estate.ReadKey{readAssignments(w2), readAttachments(store), readBindings(catalog), readListing(catalog)} {
		add(fmt.Sprintf("unread, and so unknown: op %d", hidden.Op), func(f *fixture) {
			f.use()
			f.grant(table, "g1", identity.Select)
			f.isolate(catalog, identity.Isolated, identity.Binding{Workspace: w2})
			f.hides(hidden)
			f.assign(alice, w2)
			f.ask(maybe, Question{Method: Reaches, Subject: alice, Privilege: identity.Select, On: table, Workspace: w2})
			f.can(maybe, alice, identity.Select, table, w2)
		})
	}
	for _, more := range []func(func(string, func(*fixture))){unityCases, viewCases, objectCases, entitlementCases, roleCases} {
		more(add)
	}
	return cases
}
