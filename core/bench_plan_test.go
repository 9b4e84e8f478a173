package core_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// BenchmarkPlan makes the plan of a clone, with everything that the target would gain by it, from accounts
// that were loaded before: the source is in 30 groups and has 20 grants of its own, the target is in two.
// The last account is at the limits of the platform. Reach: at most 1 s.
//
// https://docs.databricks.com/aws/en/resources/limits
func BenchmarkPlan(b *testing.B) {
	for _, size := range teams() {
		b.Run(size.name, func(b *testing.B) {
			e := size.estate()
			e.Fingerprint()
			wish := plan.Wish{
				Source: userNumber(0), Target: userNumber(1), Deep: true,
				Parts: []plan.Part{plan.PartGroups, plan.PartAssignments, plan.PartEntitlements, plan.PartGrants, plan.PartObjects},
			}
			for b.Loop() {
				p, out, err := plan.Make(access.Over(e, access.Options{}), wish, plan.About{At: time.Unix(0, 0), Complete: true})
				if err != nil || len(p.Executable()) < 40 || len(out.Gains) == 0 {
					b.Fatalf("%v, %d steps, %d gains", err, len(p.Executable()), len(out.Gains))
				}
				b.ReportMetric(float64(len(p.Executable())), "steps")
				b.ReportMetric(float64(len(out.Gains)), "gains")
			}
			b.ReportMetric(1000, "limit-ms/op")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/1000, "x-limit")
		})
	}
}

// BenchmarkWhatIf thinks through what the accounts would be with one change, under the same limit. The account
// at the limits of the platform is over it: a membership or a grant less took 1.5 s on two processors, and who is
// deleted, which costs another Build of the whole account, 9 s.
func BenchmarkWhatIf(b *testing.B) {
	for _, size := range teams() {
		e := size.estate()
		for name, h := range map[string]plan.Hypothesis{
			"delete_user":   {Deleted: []identity.PrincipalKey{userNumber(0)}},
			"remove_member": {Changes: []plan.Change{{Cell: plan.Cell{Kind: plan.Member, Holder: userNumber(0), Group: team(size.groupsOf(0)[0])}, Before: plan.Present}}},
			"revoke":        {Changes: []plan.Change{{Cell: plan.Cell{Kind: plan.Granted, Holder: userNumber(0), Securable: size.table(0), Privilege: identity.Select}, Before: plan.Present}}},
		} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					r := plan.WhatIf(access.Over(e, access.Options{}), h)
					b.ReportMetric(float64(len(r.Losses)), "losses")
				}
				b.ReportMetric(1000, "limit-ms/op")
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/1000, "x-limit")
			})
		}
	}
}

// organisation is an account of teams: each schema is worked on by one team and read by another, catalogs
// are entered by everybody, and of a workspace's objects each is one person's, its team's and, if it is a
// notebook or dashboard, everybody's there.
type organisation struct {
	name                                     string
	users, groups, workspaces, tables, items int
}

func teams() []organisation {
	return []organisation{
		{"100k_tables", 10_000, 5_000, 50, 100_000, 50_000},
		{"at_the_limits", 10_000, 5_000, 50, 1_000_000, 500_000},
	}
}

func userNumber(i int) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindUser, ID: strconv.Itoa(1 + i)}
}

func team(i int) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindGroup, ID: strconv.Itoa(100_000 + i)}
}

func robot(i int) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: strconv.Itoa(200_000 + i)}
}

// The names by which facts call them.
func userName(i int) string  { return "user" + strconv.Itoa(i) + "@bench.test" }
func teamName(i int) string  { return "team" + strconv.Itoa(i) }
func robotName(i int) string { return "robot" + strconv.Itoa(i) }

// scattered is some number below n, always the same for i.
func scattered(i, n int) int { return int(uint32(i+1) * 2654435761 >> 4 % uint32(n)) }

// groupsOf are the teams that a user is in: the first in 30, all others in two.
func (o organisation) groupsOf(u int) []int {
	n := 2
	if u == 0 {
		n = 30
	}
	var in []int
	for i := range n {
		in = append(in, scattered(u*31+i*7, o.groups))
	}
	return in
}

func (o organisation) table(t int) identity.Securable {
	return identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c" + strconv.Itoa(t/10_000), Schema: "s" + strconv.Itoa(t/100), Name: "t" + strconv.Itoa(t)}
}

func (o organisation) estate() *estate.Estate {
	b := estate.NewBuilder("bench")
	done := func(k estate.ReadKey) { b.Record(k, estate.Outcome{Needed: true}) }
	o.people(b, done)
	o.data(b, done)
	o.objects(b, done)
	return b.Build()
}

func (o organisation) people(b *estate.Builder, done func(estate.ReadKey)) {
	const depth, robots = 10, 200
	layer := o.groups / depth
	members := make([][]identity.PrincipalKey, o.groups)
	for g := range o.groups - layer { // each is in half as many of the next layer
		above := (g/layer+1)*layer + g%layer/2
		members[above] = append(members[above], team(g))
	}
	for u := range o.users {
		p := identity.Principal{Key: userNumber(u), Name: userName(u), DisplayName: userName(u), Status: identity.StatusActive, Origin: identity.OriginDatabricks}
		if u == o.users-1 {
			p.Roles = []string{identity.RoleAccountAdmin}
		}
		b.AddPrincipal(p)
		for _, g := range o.groupsOf(u) {
			members[g] = append(members[g], userNumber(u))
		}
	}
	for i := range robots {
		b.AddPrincipal(identity.Principal{Key: robot(i), Name: robotName(i), Status: identity.StatusActive, Origin: identity.OriginDatabricks})
		done(estate.ReadKey{Op: estate.OpRoles, Principal: robot(i)})
		b.AddRoleGrant(identity.RoleGrant{On: robot(i), Role: identity.RoleServicePrincipalUser, Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: teamName(i * 3)}})
		members[i*5] = append(members[i*5], robot(i))
	}
	for g, in := range members {
		b.AddGroup(identity.Group{
			Principal: identity.Principal{Key: team(g), Name: teamName(g), DisplayName: teamName(g), Status: identity.StatusActive, Origin: identity.OriginDatabricks},
			Members:   in, MembersListed: true,
		})
		done(estate.ReadKey{Op: estate.OpMembers, Principal: team(g)})
		done(estate.ReadKey{Op: estate.OpRoles, Principal: team(g)})
		if g%50 == 0 {
			b.AddRoleGrant(identity.RoleGrant{On: team(g), Role: identity.RoleGroupManager, Holder: identity.PrincipalName{Kind: identity.KindUser, Name: userName(g)}})
		}
	}
	done(estate.ReadKey{Op: estate.OpGroups})
	done(estate.ReadKey{Op: estate.OpRoles})
	for _, k := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		done(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: k}})
	}
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m", Owner: teamName(o.groups - 1), PrivilegeModel: "1.0"})
	done(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable("m")})
	for w := range o.workspaces {
		id := identity.WorkspaceID(w + 1)
		b.AddWorkspace(identity.Workspace{ID: id, Name: "w" + id.String(), Status: "RUNNING"})
		b.AttachMetastore("m", id)
		b.AddRestrictAdmins(id, identity.AdminsRestricted)
		for i := range 40 { // whose teams work there
			b.AddAssignment(identity.Assignment{Workspace: id, Principal: team(scattered(w*40+i, o.groups)), Permission: identity.WorkspaceUser})
		}
		b.AddAssignment(identity.Assignment{Workspace: id, Principal: team(w * 7), Permission: identity.WorkspaceAdmin})
		if w%10 == 0 {
			b.AddAssignment(identity.Assignment{Workspace: id, Principal: userNumber(0), Permission: identity.WorkspaceUser})
		}
		if w < 3 {
			b.AddAssignment(identity.Assignment{Workspace: id, Principal: userNumber(1), Permission: identity.WorkspaceUser})
		}
		b.AddEntitlements(id, identity.WorkspaceUsers(id), []identity.Entitlement{identity.WorkspaceAccess, identity.SQLAccess})
		done(estate.ReadKey{Op: estate.OpAssignments, Workspace: id})
		for _, k := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
			done(estate.ReadKey{Op: estate.OpEntitlements, Workspace: id, Principal: identity.PrincipalKey{Kind: k}})
		}
	}
}

// data are two grants on each table, three on each schema and one on each catalog.
func (o organisation) data(b *estate.Builder, done func(estate.ReadKey)) {
	add := func(s identity.Securable, owner string, grants ...identity.Grant) {
		b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: owner})
		b.AddGrants(s, grants)
		done(estate.ReadKey{Op: estate.OpGrants, Securable: s})
	}
	root := identity.MetastoreSecurable("m")
	done(estate.ReadKey{Op: estate.OpGrants, Securable: root})
	done(estate.ReadKey{Op: estate.OpChildren, Securable: root, Type: identity.TypeCatalog})
	for t := range o.tables {
		on := o.table(t)
		schema := mustParent(on)
		catalog := mustParent(schema)
		work, read := scattered(t/100, o.groups), scattered(t/100+77_777, o.groups)
		if t%10_000 == 0 {
			add(catalog, teamName(work), identity.Grant{Holder: identity.AccountUsersName, Privileges: []identity.Privilege{identity.UseCatalog, identity.Browse}})
			done(estate.ReadKey{Op: estate.OpChildren, Securable: catalog, Type: identity.TypeSchema})
		}
		if t%100 == 0 {
			add(schema, teamName(work),
				identity.Grant{Holder: teamName(work), Privileges: []identity.Privilege{identity.UseSchema, "CREATE_TABLE"}},
				identity.Grant{Holder: teamName(read), Privileges: []identity.Privilege{identity.UseSchema}})
			done(estate.ReadKey{Op: estate.OpChildren, Securable: schema, Type: identity.TypeTable})
		}
		grants := []identity.Grant{
			{Holder: teamName(work), Privileges: []identity.Privilege{identity.Select, identity.Modify}},
			{Holder: teamName(read), Privileges: []identity.Privilege{identity.Select}},
		}
		if t%(o.tables/20) == 0 { // what the first user was given personally
			grants = append(grants, identity.Grant{Holder: userName(0), Privileges: []identity.Privilege{identity.Select}})
		}
		add(on, userName(scattered(t, o.users)), grants...)
	}
}

func (o organisation) objects(b *estate.Builder, done func(estate.ReadKey)) {
	types := []identity.ObjectType{
		identity.ObjectNotebook, identity.ObjectNotebook, identity.ObjectNotebook, identity.ObjectNotebook, identity.ObjectDirectory,
		identity.ObjectFile, identity.ObjectQuery, identity.ObjectDashboard, identity.ObjectJob, identity.ObjectCluster,
	}
	for w := range o.workspaces {
		for _, t := range identity.ObjectTypes() {
			done(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: identity.WorkspaceID(w + 1), Type: t}})
		}
	}
	for i := range o.items {
		t := types[i%len(types)]
		on := identity.Object{Workspace: identity.WorkspaceID(i%o.workspaces + 1), Type: t, ID: strconv.Itoa(i)}
		whose := scattered(i, o.users)
		info := identity.ObjectInfo{Object: on, Name: fmt.Sprintf("%s %d", t, i), Creator: userName(whose), Detailed: true}
		grants := []identity.ObjectGrant{
			{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: teamName(scattered(i*3, o.groups))}, Level: identity.CanManage},
		}
		if t.InTree() {
			info.Path = "/Users/" + userName(whose) + "/" + strconv.Itoa(i)
		}
		switch t {
		case identity.ObjectJob:
			info.RunAs, info.Code = robotName(scattered(i, 200)), []string{"/Users/" + userName(scattered(i-8, o.users)) + "/" + strconv.Itoa(i-8)}
			grants = append(grants, identity.ObjectGrant{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: userName(whose)}, Level: identity.IsOwner})
		case identity.ObjectCluster:
		default:
			grants = append(grants, identity.ObjectGrant{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: userName(whose)}, Level: identity.CanManage})
		}
		b.AddObject(info)
		b.AddObjectGrants(on, grants)
		done(estate.ReadKey{Op: estate.OpObjectGrants, Object: on})
		done(estate.ReadKey{Op: estate.OpObject, Object: on})
	}
}
