package accesstest

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// More of the fixture's world: what runs as somebody, and what it runs.
var (
	pipeline  = identity.Object{Workspace: w1, Type: identity.ObjectPipeline, ID: "8"}
	serving   = identity.Object{Workspace: w1, Type: identity.ObjectServing, ID: "e"}
	app       = identity.Object{Workspace: w1, Type: identity.ObjectApp, ID: "a"}
	job2      = identity.Object{Workspace: w1, Type: identity.ObjectJob, ID: "70"}
	directory = identity.Object{Workspace: w1, Type: identity.ObjectDirectory, ID: "2"}
)

// runs adds an object of which everything was read.
func (f *fixture) runs(o identity.Object, write func(info *identity.ObjectInfo)) {
	info := identity.ObjectInfo{Object: o, Name: o.ID, Detailed: true}
	write(&info)
	f.Objects = append(f.Objects, info)
}

// runsAs is an object that runs as somebody, by the field that its type has for that.
func (f *fixture) runsAs(o identity.Object, name string) {
	f.runs(o, func(info *identity.ObjectInfo) {
		if o.Type == identity.ObjectCluster {
			info.SingleUser = name
			return
		}
		info.RunAs = name
	})
}

// lies adds something to the workspace's tree.
func (f *fixture) lies(o identity.Object, path string) {
	f.Objects = append(f.Objects, identity.ObjectInfo{Object: o, Name: o.ID, Path: path})
}

// leverCases are about what runs as somebody else.
func leverCases(ask asked) {
	const (
		no, self, maybe = report.Deny, report.Indirect, report.Unknown
		name            = "alice@x.test"
		bobs            = "bob@x.test"
		etls            = "0000-etl"
		read            = identity.Select
	)
	kinds := []string{report.ActRunAs}
	// reads is a table that bob and etl may read, who are both let into w1, and alice may not.
	reads := func(also func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.principal(etl, etls)
			f.assign(etl, w1)
			f.assign(bob, w1)
			f.grant(table, etls, read)
			f.grant(table, bobs, read)
			also(f)
		}
	}
	turned := func(also func(f *fixture)) func(f *fixture) {
		return reads(func(f *fixture) {
			f.permit(job, user(name), identity.CanManage)
			also(f)
		})
	}
	does := func(title string, write func(f *fixture)) {
		ask("48 "+title, self, read, table, w1, write).Kinds = kinds
	}
	not := func(title string, write func(f *fixture)) { ask("48 "+title, no, read, table, w1, write) }
	may := func(title string, write func(f *fixture)) { ask("48 "+title, maybe, read, table, w1, write) }

	// By whom it is turned.
	for _, of := range []struct {
		o      identity.Object
		change identity.Level
		less   identity.Level
	}{
		{job, identity.IsOwner, identity.CanManageRun},
		{pipeline, identity.CanManage, identity.CanRun},
		{cluster, identity.CanManage, identity.CanRestart},
		{app, identity.CanManage, identity.CanUse},
		{serving, identity.CanManage, identity.CanQuery},
	} {
		o, title := of.o, of.o.Type.Title()
		does("the list of a "+title+" lets alice change it", reads(func(f *fixture) {
			f.runsAs(o, bobs)
			f.permit(o, user(name), of.change)
		}))
		not("the list of a "+title+" lets alice use it only", reads(func(f *fixture) {
			f.runsAs(o, bobs)
			f.permit(o, user(name), of.less)
		}))
		does("an admin of the workspace, who is restricted, changes the "+title+" of somebody else", reads(func(f *fixture) {
			f.Assignments[0].Permission = identity.WorkspaceAdmin
			f.runsAs(o, etls)
		}))
		may("the list of a "+title+" was not read", reads(func(f *fixture) {
			f.runsAs(o, etls)
			f.hides(readPermissions(o))
		}))
		may("whether there is a "+title+" was not read", reads(func(f *fixture) {
			f.Objects = append(f.Objects, identity.ObjectInfo{Object: o}) // so that it is tried
			f.hides(readObjects(w1, o.Type))
		}))
		not("nobody tried to list a "+title, reads(func(f *fixture) {
			f.World = f.hide(readObjects(w1, o.Type), Gap{})
		}))
	}
	does("a group of a group may change a job", reads(func(f *fixture) {
		f.runsAs(job, etls)
		f.permit(job, group("g2"), identity.CanManage)
	}))
	does("users of the workspace may change an app", reads(func(f *fixture) {
		f.runsAs(app, etls)
		f.permit(app, group(identity.WorkspaceUsersName), identity.CanManage)
	}))
	does("a group of the workspace may change a pipeline", reads(func(f *fixture) {
		f.principal(local, "l")
		f.member(alice, local)
		f.runsAs(pipeline, etls)
		f.permit(pipeline, group("l"), identity.CanManage)
	}))
	does("an inherited entry lets change a job", reads(func(f *fixture) {
		f.runsAs(job, etls)
		f.Permissions = append(f.Permissions, Permission{job, identity.ObjectGrant{Holder: user(name), Level: identity.CanManage, From: "/jobs/"}})
	}))
	not("whoever is not let into the workspace changes nothing there", turned(func(f *fixture) {
		f.runsAs(job, etls)
		f.Assignments = f.Assignments[1:]
	}))
	not("whoever was deactivated changes nothing", turned(func(f *fixture) {
		f.runsAs(job, etls)
		f.Principals[0].Status = identity.StatusInactive
	}))
	may("a name of two groups may change a job", reads(func(f *fixture) {
		f.principal(g9, "G1")
		f.Principals[2].Name = "g1x"
		f.Principals[2].Aliases = []string{"g1"}
		f.runsAs(job, etls)
		f.permit(job, group("g1"), identity.CanManage)
	}))
	not("a listing that failed where alice is not let in", reads(func(f *fixture) {
		o := job
		o.Workspace = w2
		f.object(o)
		f.hides(readObjects(w2, identity.ObjectJob))
	}))
	not("a listing that the question did not need", reads(func(f *fixture) {
		f.object(job)
		f.World = f.hide(readObjects(w1, identity.ObjectJob), Gap{Kind: identity.NotAsked, Spare: true})
	}))
	not("a listing of notebooks that failed", reads(func(f *fixture) {
		f.object(notebook)
		f.hides(readObjects(w1, identity.ObjectNotebook))
	}))

	// As whom it runs.
	does("a job runs as its owner", turned(func(f *fixture) {
		f.runs(job, func(info *identity.ObjectInfo) { info.Creator = name })
		f.permit(job, user(bobs), identity.IsOwner)
	}))
	not("a job runs as whom it says before its owner", turned(func(f *fixture) {
		f.runsAs(job, "gone")
		f.permit(job, user(bobs), identity.IsOwner)
	}))
	does("a job runs as its creator", turned(func(f *fixture) {
		f.runs(job, func(info *identity.ObjectInfo) { info.Creator = bobs })
	}))
	does("a serving endpoint runs as its creator", reads(func(f *fixture) {
		f.runs(serving, func(info *identity.ObjectInfo) { info.Creator = bobs })
		f.permit(serving, user(name), identity.CanManage)
	}))
	not("an app does not run as its creator", reads(func(f *fixture) {
		f.runs(app, func(info *identity.ObjectInfo) { info.Creator = bobs })
		f.permit(app, user(name), identity.CanManage)
	}))
	not("a cluster does not run as its creator", reads(func(f *fixture) {
		f.runs(cluster, func(info *identity.ObjectInfo) { info.Creator = bobs })
		f.permit(cluster, user(name), identity.CanManage)
	}))
	for _, runner := range []string{"g9", "gone", name, "g1"} {
		not("a job that runs as "+runner, turned(func(f *fixture) {
			f.principal(g9, "g9")
			f.grant(table, "g9", read)
			f.runsAs(job, runner)
		}))
	}
	not("a job that runs as another record of alice", turned(func(f *fixture) {
		f.Grants = f.Grants[:2] // neither of them reads
		f.SamePerson = append(f.SamePerson, [2]identity.PrincipalKey{alice, bob})
		f.runsAs(job, bobs)
	}))
	not("a runner that is not let in", turned(func(f *fixture) {
		f.runsAs(job, etls)
		f.Assignments = keep(f.Assignments, func(a identity.Assignment) bool { return a.Principal != etl })
	}))
	not("a runner that was deactivated", turned(func(f *fixture) {
		f.runsAs(job, etls)
		f.setStatus(etl, identity.StatusInactive)
	}))
	may("a runner of whom it is not known what it may read", turned(func(f *fixture) {
		f.Grants = f.Grants[:2]
		f.runsAs(job, etls)
		f.grant(table, "g9", read)
		f.principal(g9, "g9")
		f.Principals[len(f.Principals)-1].Origin = identity.OriginIDP
		f.hides(readParents(etl))
		f.hides(readMembers(g9))
	}))
	undetailed := func(also func(f *fixture)) func(f *fixture) {
		return turned(func(f *fixture) {
			f.object(job)
			also(f)
		})
	}
	may("a job of which the details were not read", undetailed(func(*fixture) {}))
	may("a job of which the details were not read, but its creator", undetailed(func(f *fixture) { f.Objects[0].Creator = bobs }))
	may("a job of which its list alone is known", undetailed(func(f *fixture) {
		f.World = f.hide(readObjects(w1, identity.ObjectJob), Gap{})
	}))
	does("a job of which its list alone is known, which has its owner", undetailed(func(f *fixture) {
		f.World = f.hide(readObjects(w1, identity.ObjectJob), Gap{})
		f.permit(job, user(bobs), identity.IsOwner)
	}))
	not("a pipeline of which the details were not read", reads(func(f *fixture) {
		f.object(pipeline)
		f.permit(pipeline, user(name), identity.CanManage)
	}))
	not("somebody else's job of which the details were not read", reads(func(f *fixture) {
		f.object(job)
		f.permit(job, user(name), identity.CanManageRun)
	}))

	// By what it runs.
	code := func(path string, at identity.Object, lies string, l identity.Level) func(f *fixture) {
		return reads(func(f *fixture) {
			f.runs(job, func(info *identity.ObjectInfo) { info.RunAs, info.Code = etls, []string{path} })
			f.lies(at, lies)
			f.permit(at, group("g1"), l)
		})
	}
	does("the notebook that a job runs", code("/etl/load", notebook, "/etl/load", identity.CanEdit))
	does("the notebook that a job runs, by its longer path", code("/Workspace/etl/load/", notebook, "/etl/load", identity.CanEdit))
	does("the folder around it", code("/etl/load", directory, "/etl", identity.CanManage))
	does("the root of the workspace", code("/etl/load", directory, "/", identity.CanManage))
	does("the Git folder around it", code("/Repos/x/etl/src/load", identity.Object{Workspace: w1, Type: identity.ObjectRepo, ID: "3"}, "/Repos/x/etl", identity.CanEdit))
	not("running what a job runs is not changing it", code("/etl/load", notebook, "/etl/load", identity.CanRun))
	not("a folder whose name begins like that of the one around it", code("/etl2/load", directory, "/etl", identity.CanManage))
	not("a folder below what a job runs", code("/etl", directory, "/etl/load", identity.CanManage))
	not("code in a Git repository", code("etl/load", directory, "/etl", identity.CanManage))
	not("code in a volume", code("/Volumes/c/s/v/load.py", directory, "/Volumes", identity.CanManage))
	not("code of a namesake in another workspace", code("/etl/load", identity.Object{Workspace: w2, Type: identity.ObjectNotebook, ID: "1"}, "/etl/load", identity.CanEdit))
	not("a dashboard where the code lies", code("/etl/load", dashboard, "/etl/load", identity.CanEdit))
	may("the list of the notebook that a job runs was not read", func(f *fixture) {
		code("/etl/load", notebook, "/etl/load", identity.CanRun)(f)
		f.hides(readPermissions(notebook))
	})

	// Together with other acts.
	ask("49 join a group that may change a job", self, read, table, w1, reads(func(f *fixture) {
		f.principal(g9, "g9")
		f.role(g9, identity.RoleGroupManager, user(name))
		f.runsAs(job, etls)
		f.permit(job, group("g9"), identity.CanManage)
	})).Kinds = []string{report.ActJoin, report.ActRunAs}
	ask("49 two levers in a row", self, read, table, w1, reads(func(f *fixture) {
		f.Grants = f.Grants[:3] // bob reads nothing
		f.runsAs(job, bobs)
		f.permit(job, user(name), identity.CanManage)
		f.runsAs(job2, etls)
		f.permit(job2, user(bobs), identity.CanManage)
	})).Kinds = []string{report.ActRunAs, report.ActRunAs}
	not("the second lever is in another workspace", reads(func(f *fixture) {
		f.Grants = f.Grants[:3]
		f.runsAs(job, bobs)
		f.permit(job, user(name), identity.CanManage)
		there := job2
		there.Workspace = w2
		f.assign(bob, w2)
		f.assign(etl, w2)
		f.runsAs(there, etls)
		f.permit(there, user(bobs), identity.CanManage)
	}))
	may("of the second lever it is not known who may turn it", reads(func(f *fixture) {
		f.Grants = f.Grants[:3]
		f.runsAs(job, bobs)
		f.permit(job, user(name), identity.CanManage)
		f.runsAs(job2, etls)
		f.hides(readPermissions(job2))
	}))
	may("of the second lever it is not known as whom it runs", reads(func(f *fixture) {
		f.Grants = f.Grants[:3]
		f.runsAs(job, bobs)
		f.permit(job, user(name), identity.CanManage)
		f.object(job2)
		f.permit(job2, user(bobs), identity.CanManage)
	}))
	ask("49 a lever to whom may run as another", self, read, table, w1, reads(func(f *fixture) {
		f.Grants = f.Grants[:3]
		f.runsAs(job, bobs)
		f.permit(job, user(name), identity.CanManage)
		f.role(etl, identity.RoleServicePrincipalUser, user(bobs))
	})).Kinds = []string{report.ActRunAs, report.ActRunAs}
	ask("49 a lever to whom manages the catalog", self, read, table, w1, reads(func(f *fixture) {
		f.Grants = nil
		f.own(catalog, bobs)
		f.runsAs(job, bobs)
		f.permit(job, user(name), identity.CanManage)
	})).Kinds = []string{report.ActRunAs, report.ActGrant, report.ActGrant}
	ask("49 an account admin enters a workspace, and turns a job there", self, read, table, w1, reads(func(f *fixture) {
		f.Principals[0].Roles = []string{identity.RoleAccountAdmin}
		f.Assignments = f.Assignments[1:]
		f.runsAs(job, etls)
		f.permit(job, user(name), identity.CanManage)
	}))
	// What alice turns in w1 she does not turn for w2, where the runner is too.
	ask("49 a lever of one workspace does not lead to another", no, read, table, w2, turned(func(f *fixture) {
		f.runsAs(job, etls)
		f.assign(alice, w2)
		f.assign(etl, w2)
	}))
}

// editCases are those that another reading of the documentation answers otherwise: that changing a job
// which runs as a service principal takes the right to use that. They hold under it.
func editCases(ask asked) {
	const (
		no, self, maybe = report.Deny, report.Indirect, report.Unknown
		name            = "alice@x.test"
		etls            = "0000-etl"
		read            = identity.Select
	)
	edits := func(runner string, o identity.Object, also func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.EditNeedsUser = true
			f.use()
			f.principal(etl, etls)
			f.assign(bob, w1)
			f.assign(etl, w1)
			f.grant(table, runner, read)
			f.runsAs(o, runner)
			f.permit(o, user(name), identity.CanManage)
			also(f)
		}
	}
	nothing := func(*fixture) {}
	ask("50 a job of a service principal without its use", no, read, table, w1, edits(etls, job, nothing))
	ask("50 a job of a service principal with its use, and none of it", self, read, table, w1, edits(etls, job, func(f *fixture) {
		f.role(etl, identity.RoleServicePrincipalUser, group("g2"))
	}))
	ask("50 a job of a service principal that one manages", self, read, table, w1, edits(etls, job, func(f *fixture) {
		f.role(etl, identity.RoleServicePrincipalManager, user(name))
	})).Kinds = []string{report.ActTakeRole, report.ActRunAs}
	ask("50 a job of a user", self, read, table, w1, edits("bob@x.test", job, nothing)).Kinds = []string{report.ActRunAs}
	ask("50 a pipeline of a service principal", self, read, table, w1, edits(etls, pipeline, nothing)).Kinds = []string{report.ActRunAs}
	ask("50 the code of a job of a service principal", self, read, table, w1, edits(etls, job, func(f *fixture) {
		f.Permissions = nil
		f.Objects[0].Code = []string{"/etl/load"}
		f.lies(notebook, "/etl/load")
		f.permit(notebook, user(name), identity.CanEdit)
	})).Kinds = []string{report.ActRunAs}
	ask("50 whether one may use the service principal was not read", maybe, read, table, w1, edits(etls, job, func(f *fixture) {
		f.hides(readRoles(etl))
	}))
	ask("50 a job of which it is not known as whom it runs", maybe, read, table, w1, edits("bob@x.test", job, func(f *fixture) {
		f.Objects[0] = identity.ObjectInfo{Object: job}
	}))
}
