package accesstest

import (
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// canAlphabet makes one world from choices, with what is asked about it of whole reports.
type canAlphabet struct {
	name  string
	world func(below func(n int) int) World
}

func canAlphabets() []canAlphabet {
	return []canAlphabet{
		{"who turns a lever", smallTurners},
		{"as whom a lever runs", smallRunners},
		{"what a lever runs", smallCode},
		{"two levers", smallChains},
	}
}

// runSmallCan holds the reports about every small world against the oracle: whether alice reads the table.
func runSmallCan(t *testing.T, can CanFunc) {
	for _, a := range canAlphabets() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			worlds, failed := 0, 0
			exhaust(func(below func(n int) int) {
				if failed > 2 { // a few are enough to see what is wrong
					return
				}
				worlds++
				if m, wrong := compareSmallCan(a.world(below), can); wrong {
					failed++
					t.Errorf("the engine's report does not hold:\n%v", m)
				}
			})
			t.Logf("%d worlds", worlds)
		})
	}
}

func compareSmallCan(w World, can CanFunc) (CanMismatch, bool) {
	q := CanQuestion{Subject: alice, Privilege: identity.Select, On: table, From: w.Workspaces}
	r, bad := q.complaint(w.crawl(), can)
	return CanMismatch{w, q, r, bad}, bad != (complaint{})
}

// newLevers is a small world in which a service principal and bob may read a table, and alice may not.
func newLevers(below func(n int) int) *fixture {
	f := newSmall(below)
	f.principal(bob, "bob@x.test")
	f.principal(etl, "0000-etl")
	for _, s := range []identity.Securable{catalog, schema, table} {
		f.securable(s, "gone")
	}
	f.use()
	f.grant(table, "0000-etl", identity.Select)
	f.assign(etl, w1)
	f.assign(bob, w1)
	return f
}

// smallLevers are one object of each type that runs as somebody.
var smallLevers = []identity.Object{job, pipeline, cluster, app, serving}

func smallTurners(below func(n int) int) World {
	f := newLevers(below)
	o := smallLevers[below(len(smallLevers))]
	f.runsAs(o, "0000-etl")
	switch below(3) {
	case 1:
		f.assign(alice, w1)
	case 2:
		f.assignAdmin(alice, w1)
	}
	holders := []identity.PrincipalName{user("u@x.test"), group("g"), group("users"), group("admins")}
	if which := below(len(holders) + 1); which > 0 {
		levels := o.Type.Levels()
		f.permit(o, holders[which-1], levels[below(len(levels))])
	}
	f.hideOne(below, unreadGroups, []estate.ReadKey{readPermissions(o)}, []estate.ReadKey{readAssignments(w1)}, []estate.ReadKey{readPrincipal(alice)})
	return f.World
}

func smallRunners(below func(n int) int) World {
	f := newLevers(func(int) int { return 0 })
	o := smallLevers[below(len(smallLevers))]
	f.assign(alice, w1)
	f.permit(o, user("u@x.test"), identity.CanManage)
	names := []string{"", "0000-ETL", "g", "gone", "u@x.test"}
	f.runs(o, func(info *identity.ObjectInfo) {
		info.RunAs = names[below(len(names))]
		info.SingleUser = info.RunAs
		info.Creator = names[below(2)]
		info.Detailed = below(2) == 1
	})
	owners := []identity.PrincipalName{{}, {Kind: identity.KindServicePrincipal, Name: "0000-etl"}, user("bob@x.test"), group("g")}
	if owner := owners[below(len(owners))]; owner.Name != "" && o.Type.Has(identity.IsOwner) {
		f.permit(o, owner, identity.IsOwner)
	}
	switch below(5) {
	case 1:
		f.hides(readObjects(w1, o.Type))
	case 2:
		f.World = f.hide(readObjects(w1, o.Type), Gap{})
	case 3:
		f.hides(readPermissions(o))
	case 4:
		f.World = f.hide(readObjects(w1, o.Type), Gap{Kind: identity.NotAsked, Spare: true})
	}
	return f.World
}

func smallCode(below func(n int) int) World {
	f := newLevers(below)
	f.assign(alice, w1)
	o := smallLevers[below(2)*3] // a job or an app
	f.runsAs(o, "0000-etl")
	codes := []string{"/d/n", "/Workspace/d/n", "/d/n/", "/dd/n", "d/n", "/Volumes/d/n"}
	f.Objects[0].Code = []string{codes[below(len(codes))]}
	at := []identity.ObjectInfo{
		{Object: notebook, Path: "/d/n"}, {Object: directory, Path: "/d"}, {Object: directory, Path: "/"},
		{Object: identity.Object{Workspace: w1, Type: identity.ObjectRepo, ID: "3"}, Path: "/d"},
		{Object: identity.Object{Workspace: w1, Type: identity.ObjectFile, ID: "4"}, Path: "/dd/n"}, {Object: notebook},
	}[below(6)]
	f.Objects = append(f.Objects, at)
	f.permit(at.Object, []identity.PrincipalName{user("u@x.test"), group("g")}[below(2)], []identity.Level{identity.CanRun, identity.CanEdit}[below(2)])
	f.hideOne(below, unreadGroups, []estate.ReadKey{readPermissions(at.Object)}, []estate.ReadKey{readObjects(w1, at.Type)})
	return f.World
}

func smallChains(below func(n int) int) World {
	f := newLevers(func(int) int { return 0 })
	f.assign(alice, w1)
	runners := []string{"bob@x.test", "0000-etl", "u@x.test"}
	holders := []identity.PrincipalName{user("u@x.test"), user("bob@x.test")}
	for _, o := range []identity.Object{job, job2} {
		f.runsAs(o, runners[below(len(runners))])
		f.permit(o, holders[below(len(holders))], []identity.Level{identity.CanView, identity.CanManage}[below(2)])
	}
	if below(2) == 1 {
		f.Objects[1] = identity.ObjectInfo{Object: job2}
	}
	f.hideOne(below, []estate.ReadKey{readPermissions(job)}, []estate.ReadKey{readPermissions(job2)})
	return f.World
}
