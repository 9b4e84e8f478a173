package analysis_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// outline is what matters of a finding, in one line.
func outline(r report.Redundancy) string {
	words := func(ps []identity.Privilege) string {
		var list []string
		for _, p := range ps {
			list = append(list, string(p))
		}
		return strings.Join(list, ",")
	}
	text := fmt.Sprintf("%s %s: %s covered[%s] kept[%s]", r.Member.Name, r.Securable.FullName, r.Level, words(r.Covered), words(r.Kept))
	if len(r.Undecided) > 0 {
		text += fmt.Sprintf(" undecided[%s]", words(r.Undecided))
	}
	for _, p := range r.CoveredBy {
		text += " by " + strings.Join(p, ">")
	}
	for _, s := range r.CoveredOn {
		text += " on " + s.FullName
	}
	if r.MoreCovered {
		text += " and more"
	}
	if r.Fragile {
		text += " fragile"
	}
	return text
}

// nest makes groups as "g1: alice, bob"; a star behind the name is for the identity provider's.
func (w *world) nest(lists ...string) *world {
	for _, list := range lists {
		name, members, _ := strings.Cut(list, ":")
		origin := identity.OriginDatabricks
		if strings.HasSuffix(name, "*") {
			name, origin = strings.TrimSuffix(name, "*"), identity.OriginIDP
		}
		w.groupOf(origin, name)
		for _, m := range strings.Split(members, ",") {
			if m = strings.TrimSpace(m); m != "" {
				w.member(m, name)
			}
		}
	}
	return w
}

func TestRedundancies(t *testing.T) {
	usersOf := func(in identity.WorkspaceID) string { return "_workspace_users_workspace_" + in.String() }
	twice := []string{"g1: alice", "g2: alice"} // two ways, so that nothing hangs on one membership
	for _, c := range []struct {
		name  string
		world func(*world)
		of    string // alice unless said otherwise
		want  []string
	}{
		{"R1 the same privilege on the securable", func(w *world) {
			w.nest("g1: alice").grants(table, "alice: SELECT", "g1: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g1 fragile"}},
		{"R1 the privilege on the catalog, through a group in a group", func(w *world) {
			w.nest("g1: alice", "g2: g1").grants(table, "alice: SELECT").grants(catalog, "g2: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g1>g2 fragile"}},
		{"R1 ALL PRIVILEGES on a container", func(w *world) {
			w.nest(twice...).grants(table, "alice: SELECT, MODIFY").grants(schema, "g1: ALL_PRIVILEGES", "g2: ALL_PRIVILEGES")
		}, "", []string{"alice c.s.t: full covered[MODIFY,SELECT] kept[] by alice>g1 by alice>g2"}},
		{"R1 ALL PRIVILEGES gives neither MANAGE nor access from outside", func(w *world) {
			w.nest("g1: alice").grants(schema, "alice: MANAGE, EXTERNAL_USE_SCHEMA, SELECT").grants(catalog, "g1: ALL_PRIVILEGES")
		}, "", []string{"alice c.s: partial covered[SELECT] kept[EXTERNAL_USE_SCHEMA,MANAGE] by alice>g1 fragile"}},
		{"R2 ALL PRIVILEGES is not the sum of today's", func(w *world) {
			w.nest("g1: alice").grants(table, "alice: ALL_PRIVILEGES", "g1: SELECT, MODIFY, REFRESH, APPLY_TAG")
		}, "", []string{"alice c.s.t: partial covered[APPLY_TAG,MODIFY,REFRESH,SELECT] kept[ALL_PRIVILEGES] by alice>g1"}},
		{"R2 ALL PRIVILEGES by ALL PRIVILEGES", func(w *world) {
			w.nest("g1: alice").grants(schema, "alice: ALL_PRIVILEGES").grants(catalog, "g1: ALL_PRIVILEGES")
		}, "", []string{"alice c.s: full covered[ALL_PRIVILEGES] kept[] by alice>g1 fragile"}},
		{"R3 owning what has nothing in it", func(w *world) {
			w.member("alice", "own").grants(table, "alice: SELECT, ALL_PRIVILEGES")
		}, "", []string{"alice c.s.t: full covered[ALL_PRIVILEGES,SELECT] kept[] by alice>own fragile"}},
		{"R3 owning a container covers what does not go on into it", func(w *world) {
			w.member("alice", "own").grants(catalog, "alice: SELECT, USE_CATALOG, USE_SCHEMA, CREATE_SCHEMA")
		}, "", []string{"alice c: partial covered[CREATE_SCHEMA,USE_CATALOG] kept[SELECT,USE_SCHEMA] by alice>own on c.s on c.s.t fragile"}},
		{"R3 owning gives no access from outside", func(w *world) {
			w.member("alice", "own").grants(schema, "alice: EXTERNAL_USE_SCHEMA")
		}, "", []string{"alice c.s: none covered[] kept[EXTERNAL_USE_SCHEMA]"}},
		{"R4 MANAGE by owning the catalog", func(w *world) {
			w.member("alice", "own").grants(schema, "alice: MANAGE")
		}, "", []string{"alice c.s: full covered[MANAGE] kept[] by alice>own fragile"}},
		{"R4 MANAGE by MANAGE above, without a way through", func(w *world) {
			w.nest("g1: alice").grants(table, "alice: MANAGE").grants(schema, "g1: MANAGE")
		}, "", []string{"alice c.s.t: full covered[MANAGE] kept[] by alice>g1 fragile"}},
		{"R4 MANAGE on a container is not covered by MANAGE on what is in it", func(w *world) {
			w.nest("g1: alice").grants(schema, "alice: MANAGE").grants(table, "g1: MANAGE")
		}, "", []string{"alice c.s: partial covered[] kept[MANAGE] by alice>g1 on c.s.t"}},
		{"R5 groups have it on some of what is in it", func(w *world) {
			w.nest("g1: alice").grants(catalog, "alice: SELECT").grants(schema, "g1: SELECT")
		}, "", []string{"alice c: partial covered[] kept[SELECT] by alice>g1 on c.s"}},
		{"R5 on everything that is in it, but not on what comes", func(w *world) {
			w.nest("g1: alice").grants(schema, "alice: SELECT").grants(table, "g1: SELECT")
		}, "", []string{"alice c.s: partial covered[] kept[SELECT] by alice>g1 on c.s.t"}},
		{"R6 shadowed by another personal grant above", func(w *world) {
			w.grants(catalog, "alice: SELECT").grants(table, "alice: SELECT")
		}, "", []string{"alice c: none covered[] kept[SELECT]", "alice c.s.t: shadowed covered[SELECT] kept[] by alice"}},
		{"R6 shadowed by owning it", func(w *world) {
			w.securable(identity.SecurableInfo{Securable: volume, Owner: "alice"}).grants(volume, "alice: READ_VOLUME")
		}, "", []string{"alice c.s.v: shadowed covered[READ_VOLUME] kept[] by alice"}},
		{"R6 what a personal grant covers, a group may, too", func(w *world) {
			w.nest("g1: alice").grants(catalog, "alice: SELECT", "g1: SELECT").grants(table, "alice: SELECT")
		}, "", []string{"alice c: full covered[SELECT] kept[] by alice>g1 fragile", "alice c.s.t: full covered[SELECT] kept[] by alice>g1 fragile"}},
		{"R7 by the users of the only workspace from which it is reached", func(w *world) {
			w.grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
		}, "", []string{"alice c: full covered[USE_CATALOG] kept[] by alice>users@prod fragile"}},
		{"R7 not from another workspace", func(w *world) {
			w.assign("alice", dev, identity.WorkspaceUser).grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
		}, "", []string{"alice c: partial covered[] kept[USE_CATALOG] by alice>users@prod"}},
		{"R7 the other workspace does not reach it", func(w *world) {
			w.assign("alice", dev, identity.WorkspaceUser).grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
			w.securable(identity.SecurableInfo{Securable: catalog, Owner: "own", Isolation: identity.Isolated}).saw(estate.ReadKey{Op: estate.OpBindings, Securable: catalog})
			w.add(func(b *estate.Builder) { b.AddBindings(catalog, []identity.Binding{{Workspace: prod}}) })
		}, "", []string{"alice c: full covered[USE_CATALOG] kept[] by alice>users@prod fragile"}},
		{"R7 others read a view with its owner's rights, from where they are", func(w *world) {
			view := identity.Securable{Metastore: eu, Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "w"}
			w.securable(identity.SecurableInfo{Securable: view, Owner: "alice", TableType: "VIEW"})
			w.grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
		}, "", []string{"alice c: partial covered[] kept[USE_CATALOG] by alice>users@prod"}},
		{"R7 whether it owns views was not read", func(w *world) {
			w.missed(estate.ReadKey{Op: estate.OpChildren, Securable: schema, Type: identity.TypeTable})
			w.grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
		}, "", []string{"alice c: partial covered[] kept[] undecided[USE_CATALOG] by alice>users@prod"}},
		{"R7 a group's members may be in any workspace", func(w *world) {
			w.nest("g1: alice").assign("g1", prod, identity.WorkspaceUser).grants(catalog, "g1: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
		}, "g1", []string{"g1 c: none covered[] kept[USE_CATALOG]"}},
		{"R8 BROWSE by BROWSE", func(w *world) {
			w.nest("g1: alice").grants(catalog, "alice: BROWSE", "g1: BROWSE")
		}, "", []string{"alice c: full covered[BROWSE] kept[] by alice>g1 fragile"}},
		{"R8 BROWSE by ALL PRIVILEGES", func(w *world) {
			w.nest("g1: alice").grants(catalog, "alice: BROWSE", "g1: ALL_PRIVILEGES")
		}, "", []string{"alice c: full covered[BROWSE] kept[] by alice>g1 fragile"}},
		{"R8 BROWSE by nothing else that shows", func(w *world) {
			w.nest("g1: alice").grants(catalog, "alice: BROWSE", "g1: MANAGE, USE_CATALOG, USE_SCHEMA, SELECT")
		}, "", []string{"alice c: none covered[] kept[BROWSE]"}},
		{"R9 the right to enter is compared like any other", func(w *world) {
			w.nest("g1: alice").grants(catalog, "alice: USE_CATALOG, USE_SCHEMA", "account users: USE_CATALOG").grants(table, "g1: SELECT")
		}, "", []string{"alice c: partial covered[USE_CATALOG] kept[USE_SCHEMA] by alice>account users fragile"}},
		{"R10 an individual privilege beside ALL PRIVILEGES", func(w *world) {
			w.grants(table, "alice: ALL_PRIVILEGES, SELECT, MANAGE")
		}, "", []string{"alice c.s.t: partial covered[SELECT] kept[ALL_PRIVILEGES,MANAGE] by alice"}},
		{"R11 sturdy: two groups", func(w *world) {
			w.nest(twice...).grants(table, "alice: SELECT", "g1: SELECT", "g2: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g1 by alice>g2"}},
		{"R11 one membership is on both ways", func(w *world) {
			w.nest("g0: alice", "g1: g0", "g2: g0").grants(table, "alice: SELECT", "g1: SELECT", "g2: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g0>g1 by alice>g0>g2 fragile"}},
		{"R11 two memberships lead to one group", func(w *world) {
			w.nest("g1: alice", "g2: alice", "g3: g1, g2").grants(table, "alice: SELECT", "g3: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g1>g3"}},
		{"R11 the identity provider's group does not make it sturdy", func(w *world) {
			w.nest("g1: alice", "g2*: alice").grants(table, "alice: SELECT", "g1: SELECT", "g2: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g1 by alice>g2 fragile"}},
		{"R11 account users", func(w *world) {
			w.grants(table, "alice: SELECT", "account users: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>account users fragile"}},
		{"R12 of an old name and today's, today's stays", func(w *world) {
			w.grants(catalog, "alice: USAGE, USE_CATALOG")
		}, "", []string{"alice c: partial covered[USAGE] kept[USE_CATALOG] by alice"}},
		{"R12 of two records of a person, one keeps it", func(w *world) {
			w.user("alice#ext").add(func(b *estate.Builder) { b.AddSamePerson(w.key("alice"), w.key("alice#ext")) })
			w.grants(table, "alice: SELECT", "alice#ext: SELECT")
		}, "", []string{"alice c.s.t: shadowed covered[SELECT] kept[] by alice>alice#ext", "alice c.s.t: none covered[] kept[SELECT]"}},
		{"R12 of two groups in each other, one keeps it", func(w *world) {
			w.nest("g1: alice", "g2: g1").member("g2", "g1").grants(table, "g1: SELECT", "g2: SELECT")
		}, "g1,g2", []string{"g1 c.s.t: full covered[SELECT] kept[] by g1>g2 fragile", "g2 c.s.t: none covered[] kept[SELECT]"}},
		{"a group that goes covers nobody", func(w *world) {
			w.nest("g1: alice", "g2: g1").grants(table, "alice: SELECT", "g1: SELECT", "g2: SELECT")
		}, "alice,g1", []string{"g1 c.s.t: full covered[SELECT] kept[] by g1>g2 fragile", "alice c.s.t: full covered[SELECT] kept[] by alice>g1>g2 fragile"}},
		{"a group that it may only act as covers nothing", func(w *world) {
			w.nest("g1:").role("alice", identity.RoleGroupAssumer, "g1").assign("g1", prod, identity.WorkspaceUser).grants(table, "alice: SELECT", "g1: SELECT")
		}, "", []string{"alice c.s.t: none covered[] kept[SELECT]"}},
		{"a policy covers nothing", func(w *world) {
			w.grants(table, "alice: SELECT").add(func(b *estate.Builder) {
				b.AddPolicies(table, []identity.Policy{{Name: "p", On: "c", Kind: identity.PolicyGrant, To: []string{"alice"}, Privileges: []identity.Privilege{identity.Select}}})
			})
		}, "", []string{"alice c.s.t: none covered[] kept[SELECT]"}},
		{"nothing is covered for the deactivated but what they have themselves", func(w *world) {
			w.principal(identity.KindUser, "gone", func(p *identity.Principal) { p.Status = identity.StatusInactive })
			w.nest("g1: gone").grants(table, "gone: SELECT", "g1: SELECT").grants(schema, "gone: MODIFY", "account users: MODIFY").grants(volume, "gone: READ_VOLUME, READ VOLUME").grants(catalog, "gone: READ_VOLUME")
		}, "gone", []string{
			"gone c: none covered[] kept[READ_VOLUME]", "gone c.s: none covered[] kept[MODIFY]", "gone c.s.t: none covered[] kept[SELECT]",
			"gone c.s.v: shadowed covered[READ_VOLUME] kept[] by gone",
		}},
		{"a group of the same name in the workspace covers nothing", func(w *world) {
			local := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: prod, ID: "501"}
			w.nest("g1:").add(func(b *estate.Builder) {
				b.AddGroup(identity.Group{Principal: identity.Principal{Key: local, Name: "g1", Origin: identity.OriginWorkspaceLocal}})
				b.AddMembership(w.key("alice"), local)
			}).grants(table, "alice: SELECT", "g1: SELECT")
		}, "", []string{"alice c.s.t: none covered[] kept[SELECT]"}},
		{"a catalog is its own in each metastore", func(w *world) {
			w.nest("g1: alice").grants(identity.CatalogSecurable("ms-us", "c"), "g1: SELECT").saw(estate.ReadKey{Op: estate.OpGrants, Securable: identity.CatalogSecurable("ms-us", "c")})
			w.add(func(b *estate.Builder) {
				b.AddMetastore(identity.Metastore{ID: "ms-us", Name: "us", PrivilegeModel: "1.0"})
			}).grants(catalog, "alice: SELECT")
		}, "", []string{"alice c: none covered[] kept[SELECT]"}},
		{"MODIFY does not contain SELECT", func(w *world) {
			w.nest("g1: alice").grants(table, "alice: SELECT", "g1: MODIFY")
		}, "", []string{"alice c.s.t: none covered[] kept[SELECT]"}},
		{"a grant on the metastore", func(w *world) {
			w.nest(twice...).grants(root, "alice: CREATE_CATALOG, USE_SHARE", "g1: CREATE_CATALOG", "g2: CREATE_CATALOG")
		}, "", []string{"alice eu: partial covered[CREATE_CATALOG] kept[USE_SHARE] by alice>g1 by alice>g2"}},
		{"a grant on an external location", func(w *world) {
			l := beside(identity.TypeExternalLocation, "raw")
			w.nest(twice...).securable(identity.SecurableInfo{Securable: l, Owner: "own", Isolation: identity.IsolationOpen}).grants(l, "alice: READ_FILES, BROWSE", "g1: ALL_PRIVILEGES", "g2: ALL_PRIVILEGES")
		}, "", []string{"alice raw: full covered[BROWSE,READ_FILES] kept[] by alice>g1 by alice>g2"}},
		{"a privilege that gives nothing that is known", func(w *world) {
			w.nest("g1: alice").grants(table, "alice: READ_VOLUME", "g1: READ_VOLUME")
		}, "", []string{"alice c.s.t: unknown covered[] kept[] undecided[READ_VOLUME]"}},
		{"without inheritance what is above covers nothing", func(w *world) {
			w.add(func(b *estate.Builder) { b.AddMetastore(identity.Metastore{ID: eu, Name: "eu", PrivilegeModel: "0"}) })
			w.nest("g1: alice").grants(table, "alice: SELECT").grants(catalog, "alice: SELECT", "g1: SELECT")
		}, "", []string{"alice c: full covered[SELECT] kept[] by alice>g1 fragile", "alice c.s.t: none covered[] kept[SELECT]"}},

		{"unread members decide nothing", func(w *world) {
			w.nest("g1:").missed(estate.ReadKey{Op: estate.OpMembers, Principal: w.key("g1")}).grants(table, "alice: SELECT", "g1: SELECT")
		}, "", []string{"alice c.s.t: unknown covered[] kept[] undecided[SELECT]"}},
		{"unread grants above decide nothing", func(w *world) {
			w.missed(estate.ReadKey{Op: estate.OpGrants, Securable: catalog}).grants(table, "alice: SELECT")
		}, "", []string{"alice c.s.t: unknown covered[] kept[] undecided[SELECT]"}},
		{"unread grants above do not matter where it is covered all the same", func(w *world) {
			w.nest(twice...).missed(estate.ReadKey{Op: estate.OpGrants, Securable: catalog}).grants(schema, "g1: SELECT", "g2: SELECT").grants(table, "alice: SELECT")
		}, "", []string{"alice c.s.t: full covered[SELECT] kept[] by alice>g1 by alice>g2"}},
		{"unread bindings decide nothing where it matters from where", func(w *world) {
			w.assign("alice", dev, identity.WorkspaceUser).grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
			w.securable(identity.SecurableInfo{Securable: catalog, Owner: "own", Isolation: identity.Isolated}).missed(estate.ReadKey{Op: estate.OpBindings, Securable: catalog})
		}, "", []string{"alice c: unknown covered[] kept[] undecided[USE_CATALOG]"}},
		{"an unread assignment decides nothing where it matters from where", func(w *world) {
			w.missed(estate.ReadKey{Op: estate.OpAssignments, Workspace: dev}).grants(catalog, "alice: USE_CATALOG", usersOf(prod)+": USE_CATALOG")
		}, "", []string{"alice c: partial covered[] kept[] undecided[USE_CATALOG] by alice>users@prod"}},
		{"an unread owner decides nothing", func(w *world) {
			w.securable(identity.SecurableInfo{Securable: table}).grants(table, "alice: SELECT")
		}, "", []string{"alice c.s.t: unknown covered[] kept[] undecided[SELECT]"}},
		{"a name that two groups bear decides nothing", func(w *world) {
			w.nest("g1: alice").principal(identity.KindGroup, "G1 ", func(p *identity.Principal) { p.Name = "g1" }).grants(table, "alice: SELECT", "g1: SELECT")
		}, "", []string{"alice c.s.t: unknown covered[] kept[] undecided[SELECT]"}},
		{"a strange name may be another name of the deactivated", func(w *world) {
			w.principal(identity.KindUser, "gone", func(p *identity.Principal) { p.Status = identity.StatusInactive })
			w.add(func(b *estate.Builder) {
				b.AddSamePerson(w.key("gone"), identity.PrincipalKey{Kind: identity.KindUser, ID: "999"})
			})
			w.grants(table, "gone: SELECT, MODIFY", "strange: SELECT")
		}, "gone", []string{"gone c.s.t: unknown covered[] kept[MODIFY] undecided[SELECT]"}},
		{"whether somebody is active was not read", func(w *world) {
			w.principal(identity.KindUser, "dim", func(p *identity.Principal) { p.Status = identity.StatusUnknown })
			w.nest("g1: dim").grants(table, "dim: SELECT, MODIFY", "g1: SELECT")
		}, "dim", []string{"dim c.s.t: unknown covered[] kept[MODIFY] undecided[SELECT]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			c.world(w)
			var of []identity.PrincipalKey
			for _, name := range strings.Split(cmp.Or(c.of, "alice"), ",") {
				of = append(of, w.key(name))
			}
			var got []string
			for _, r := range analysis.Redundancies(w.model(), of) {
				got = append(got, outline(r))
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}
