package analysis_test

import (
	"fmt"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// large is an account of many users, groups and objects: groups nest, every object is everybody's to
// see and some group's to manage, and a way to power leads through a few of them.
func large(users, groups, objects int) *estate.Estate {
	b := estate.NewBuilder("acc")
	saw := func(keys ...estate.ReadKey) {
		for _, k := range keys {
			b.Record(k, estate.Outcome{Needed: true, At: read})
		}
	}
	saw(estate.ReadKey{Op: estate.OpGroups}, estate.ReadKey{Op: estate.OpWorkspaces}, estate.ReadKey{Op: estate.OpMetastores}, estate.ReadKey{Op: estate.OpRoles})
	user := func(i int) identity.Principal {
		return identity.Principal{
			Key: identity.PrincipalKey{Kind: identity.KindUser, ID: fmt.Sprint(1_000_000 + i)}, Name: fmt.Sprintf("user%d@x", i), Status: identity.StatusActive,
		}
	}
	group := func(i int) identity.Principal {
		return identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: fmt.Sprint(2_000_000 + i)}, Name: fmt.Sprintf("group%d", i), Origin: identity.OriginDatabricks}
	}
	for i := range users {
		b.AddPrincipal(user(i))
		for j := range 4 {
			b.AddMembership(user(i).Key, group((i*7+j*13)%groups).Key)
		}
	}
	for i := range groups {
		b.AddPrincipal(group(i))
		saw(estate.ReadKey{Op: estate.OpMembers, Principal: group(i).Key})
		if i > 0 {
			b.AddMembership(group(i).Key, group(i/5).Key)
		}
	}
	b.AddMetastore(identity.Metastore{ID: eu, Name: "eu", Owner: "group7", PrivilegeModel: "1.0"})
	for in := identity.WorkspaceID(1); in <= 5; in++ {
		b.AddWorkspace(identity.Workspace{ID: in, Name: fmt.Sprintf("ws%d", in), Status: "RUNNING"})
		b.AttachMetastore(eu, in)
		saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: in}, estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: identity.PrincipalKey{Kind: identity.KindGroup}})
		b.AddAssignment(identity.Assignment{Workspace: in, Principal: identity.AccountUsers(), Permission: identity.WorkspaceUser})
		b.AddAssignment(identity.Assignment{Workspace: in, Principal: group(int(in) * 11).Key, Permission: identity.WorkspaceAdmin})
		b.AddRestrictAdmins(in, identity.AdminsAllowAll)
	}
	for i := range objects {
		o := identity.Object{Workspace: identity.WorkspaceID(i%5 + 1), Type: identity.ObjectJob, ID: fmt.Sprint(i)}
		b.AddObject(identity.ObjectInfo{Object: o, Name: fmt.Sprintf("job %d", i), RunAs: fmt.Sprintf("user%d@x", i%users)})
		b.AddObjectGrants(o, []identity.ObjectGrant{
			{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "users"}, Level: identity.CanManageRun},
			{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: fmt.Sprintf("group%d", i%groups)}, Level: identity.CanManage},
		})
		saw(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}, estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: o.Workspace, Type: o.Type}})
		s := identity.SchemaSecurable(eu, fmt.Sprintf("c%d", i%100), fmt.Sprintf("s%d", i))
		b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: fmt.Sprintf("group%d", i%groups)})
		b.AddGrants(s, []identity.Grant{{Holder: fmt.Sprintf("group%d", (i+1)%groups), Privileges: []identity.Privilege{identity.Select}}})
		saw(estate.ReadKey{Op: estate.OpGrants, Securable: s})
	}
	return b.Build()
}

// BenchmarkLargeAccount asks about the largest account that Databricks describes.
//
// https://docs.databricks.com/aws/en/resources/limits
func BenchmarkLargeAccount(b *testing.B) {
	e := large(10_000, 5_000, 20_000)
	someone := identity.PrincipalKey{Kind: identity.KindUser, ID: "1000123"}
	for name, ask := range map[string]func(*access.Model){
		"roles":                     func(m *access.Model) { analysis.Roles(m, nil) },
		"roles of one":              func(m *access.Model) { analysis.Roles(m, &someone) },
		"escalations":               func(m *access.Model) { analysis.Escalations(m, nil) },
		"escalations of one person": func(m *access.Model) { analysis.Escalations(m, &someone) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(access.Over(e, access.Options{}))
			}
		})
	}
}

func BenchmarkEscalations(b *testing.B) {
	for _, n := range []int{1_000, 2_000, 4_000} {
		e := large(n, n/2, 2*n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				analysis.Escalations(access.Over(e, access.Options{}), nil)
			}
		})
	}
}

// BenchmarkRedundancies compares ten thousand personal grants: all on one catalog, and as many spread
// over what is in it.
func BenchmarkRedundancies(b *testing.B) {
	const people = 10_000
	build := func(on func(i int) identity.Securable) (*estate.Estate, []identity.PrincipalKey) {
		w := estate.NewBuilder("acc")
		saw := func(k estate.ReadKey) { w.Record(k, estate.Outcome{Needed: true, At: read}) }
		saw(estate.ReadKey{Op: estate.OpGroups})
		saw(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(eu)})
		w.AddMetastore(identity.Metastore{ID: eu, Name: "eu", PrivilegeModel: "1.0"})
		for in := identity.WorkspaceID(1); in <= 5; in++ {
			w.AddWorkspace(identity.Workspace{ID: in, Status: "RUNNING"})
			w.AttachMetastore(eu, in)
			saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: in})
			w.AddAssignment(identity.Assignment{Workspace: in, Principal: identity.AccountUsers(), Permission: identity.WorkspaceUser})
		}
		group := func(i int) identity.PrincipalKey {
			return identity.PrincipalKey{Kind: identity.KindGroup, ID: fmt.Sprint(900_000 + i)}
		}
		rows := map[identity.Securable][]identity.Grant{}
		for i := range 100 {
			w.AddPrincipal(identity.Principal{Key: group(i), Name: fmt.Sprintf("g%d", i), Origin: identity.OriginDatabricks})
			saw(estate.ReadKey{Op: estate.OpMembers, Principal: group(i)})
			rows[catalog] = append(rows[catalog], identity.Grant{Holder: fmt.Sprintf("g%d", i), Privileges: []identity.Privilege{identity.UseCatalog}})
		}
		var of []identity.PrincipalKey
		for i := range people {
			p := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: fmt.Sprint(1 + i)}, Name: fmt.Sprintf("u%d@x.test", i), Status: identity.StatusActive}
			w.AddPrincipal(p)
			of = append(of, p.Key)
			for j := range 3 {
				w.AddMembership(p.Key, group((i+j*7)%100))
			}
			rows[on(i)] = append(rows[on(i)], identity.Grant{Holder: p.Name, Privileges: []identity.Privilege{identity.UseCatalog, identity.AllPrivileges}})
		}
		for s := range 1_000 {
			table := identity.Securable{Metastore: eu, Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: fmt.Sprint(s)}
			rows[table] = append(rows[table], identity.Grant{Holder: fmt.Sprintf("g%d", s%100), Privileges: []identity.Privilege{identity.Select}})
		}
		rows[schema] = append(rows[schema], identity.Grant{Holder: "account users", Privileges: []identity.Privilege{identity.UseSchema}})
		for s, list := range rows {
			w.AddSecurable(identity.SecurableInfo{Securable: s, Owner: "g0", Isolation: identity.IsolationOpen})
			w.AddGrants(s, list)
			saw(estate.ReadKey{Op: estate.OpGrants, Securable: s})
		}
		return w.Build(), of
	}
	for name, on := range map[string]func(int) identity.Securable{
		"one catalog": func(int) identity.Securable { return catalog },
		"many tables": func(i int) identity.Securable {
			return identity.Securable{Metastore: eu, Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: fmt.Sprint(i % 1_000)}
		},
	} {
		b.Run(name, func(b *testing.B) {
			e, of := build(on)
			for b.Loop() {
				if found := analysis.Redundancies(access.Over(e, access.Options{}), of); len(found) != people {
					b.Fatalf("%d grants were compared", len(found))
				}
			}
		})
	}
}
