package formatters

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

var bob = person("31", "bob@acme.test")

// bobs is a path from bob.
func bobs(holders ...string) report.Path { return append(report.Path{bob.Name}, holders...) }

// compareRich is a complete comparison with something on every side but the undecided.
func compareRich() *report.CompareReport {
	prod := object(identity.TypeCatalog, "prod", "eu-west", "platform-admins")
	orders := object(identity.TypeTable, "prod.sales.orders", "eu-west", "bob@acme.test")
	r := &report.CompareReport{
		Envelope: envelope("compare"), A: alice, B: bob,
		Groups: report.Sides[report.ComparedGroup]{
			OnlyInA: []report.ComparedGroup{{Group: group("12", "team-emea", "idp"), DirectA: true, PathA: path("team-emea")}},
			OnlyInB: []report.ComparedGroup{{Group: group("18", "ops", "databricks"), PathB: bobs("on-call", "ops")}, {Group: group("19", "on-call", "idp"), DirectB: true, PathB: bobs("on-call")}},
			InBoth: []report.ComparedGroup{{Group: group("11", "analysts", "idp"), DirectA: true, PathA: path("analysts"), PathB: bobs("on-call", "analysts")},
				{Group: group("1", "account users", "system"), DirectA: true, DirectB: true, PathA: path("account users"), PathB: bobs("account users")}},
			Undecided: []report.ComparedGroup{},
		},
		Workspaces: report.Sides[report.ComparedWorkspace]{
			OnlyInA: []report.ComparedWorkspace{},
			OnlyInB: []report.ComparedWorkspace{{ID: "4412", Name: "dev", Access: "USER", PathB: bobs()}, {ID: "4412", Name: "dev", Access: "ADMIN", PathB: bobs()}},
			InBoth:  []report.ComparedWorkspace{{ID: "4411", Name: "prod", Access: "USER", PathA: path("analysts"), PathB: bobs("on-call", "analysts")}}, Undecided: []report.ComparedWorkspace{},
		},
		Roles: report.Sides[report.ComparedRole]{
			OnlyInA: []report.ComparedRole{}, OnlyInB: []report.ComparedRole{{Role: workspaceAdmin, Scope: "dev", PathB: bobs()}},
			InBoth: []report.ComparedRole{}, Undecided: []report.ComparedRole{},
		},
		Access: report.Sides[report.ComparedAccess]{
			OnlyInA: []report.ComparedAccess{{Securable: prod, Privileges: []identity.Privilege{identity.AllPrivileges}, Workspaces: []string{"prod"}, PathA: path("team-emea")}},
			OnlyInB: []report.ComparedAccess{{Securable: orders, Privileges: []identity.Privilege{identity.Modify, report.Owner}, Workspaces: []string{"prod", "dev"}, PathB: bobs()}},
			InBoth: []report.ComparedAccess{
				{Securable: prod, Privileges: []identity.Privilege{identity.UseCatalog}, Workspaces: []string{"prod"}, PathA: path("analysts"), PathB: bobs("on-call", "analysts")},
				{Securable: orders, Privileges: []identity.Privilege{identity.Select}, Workspaces: []string{"prod"}, PathA: path("account users"), PathB: bobs("account users")},
			},
			Undecided: []report.ComparedAccess{},
		},
	}
	r.Objects = &report.Sides[report.ComparedObject]{
		OnlyInA: []report.ComparedObject{{Workspace: "prod", Type: "jobs", ID: "991", Name: "nightly load", Level: "CAN_MANAGE", PathA: path("analysts")}},
		OnlyInB: []report.ComparedObject{},
		InBoth: []report.ComparedObject{
			{Workspace: "prod", Type: "jobs", ID: "991", Name: "nightly load", Level: "CAN_VIEW", PathA: path("analysts"), PathB: bobs()},
			{Workspace: "dev", Type: "secret_scopes", ID: "creds", Name: "creds", Level: "READ", PathA: path("users@dev"), PathB: bobs("users@dev")},
		},
		Undecided: []report.ComparedObject{},
	}
	r.Notes = []string{"bob@acme.test is deactivated: it can use nothing now"}
	return r
}

// compareIncomplete leaves something undecided.
func compareIncomplete() *report.CompareReport {
	r := compareRich()
	r.Envelope = incomplete().Envelope
	r.Mode = "compare"
	r.Groups.Undecided = []report.ComparedGroup{{Group: group("17", "ring", "unknown"), PathA: path("ring")}}
	r.Access.Undecided = []report.ComparedAccess{{Securable: salesSchema, Privileges: []identity.Privilege{"FLY_TO_THE_MOON"}, Workspaces: []string{"prod"}, PathB: bobs("ops")}}
	r.Roles = report.Sides[report.ComparedRole]{}
	r.Objects.Undecided = []report.ComparedObject{{Workspace: "dev", Type: "apps", ID: "shop", Name: "shop", Level: "CAN_USE", PathB: bobs("ops")}}
	return r
}

// compareEmpty finds nothing at all.
func compareEmpty() *report.CompareReport {
	return &report.CompareReport{
		Envelope: envelope("compare"), A: alice, B: bob,
		Groups:     report.Sides[report.ComparedGroup]{OnlyInA: []report.ComparedGroup{}},
		Workspaces: report.Sides[report.ComparedWorkspace]{OnlyInA: []report.ComparedWorkspace{}},
		Roles:      report.Sides[report.ComparedRole]{OnlyInA: []report.ComparedRole{}},
		Access:     report.Sides[report.ComparedAccess]{OnlyInA: []report.ComparedAccess{}},
	}
}

// compareNamed is a report in which every text from outside is the given one.
func compareNamed(s string) *report.CompareReport {
	p := named(s)
	way := report.Path{s, s + "2"}
	g := report.ComparedGroup{Group: p.Principal, PathA: way, PathB: way}
	w := report.ComparedWorkspace{ID: s, Name: s, Access: s, PathA: way}
	role := report.ComparedRole{Role: s, Scope: s, PathB: way}
	on := report.ComparedAccess{Securable: p.Grants[0].Securable, Privileges: []identity.Privilege{identity.Privilege(s)}, Workspaces: []string{s}, PathA: way, PathB: report.Path{s}}
	thing := report.ComparedObject{Workspace: s, Type: s, ID: s + "3", Name: s, Level: s, PathA: way, PathB: way}
	return &report.CompareReport{
		Envelope: p.Envelope, A: p.Principal, B: p.Principal,
		Objects:    &report.Sides[report.ComparedObject]{OnlyInA: []report.ComparedObject{thing}, InBoth: []report.ComparedObject{thing}},
		Groups:     report.Sides[report.ComparedGroup]{OnlyInA: []report.ComparedGroup{g}, InBoth: []report.ComparedGroup{g}},
		Workspaces: report.Sides[report.ComparedWorkspace]{OnlyInA: []report.ComparedWorkspace{w}, Undecided: []report.ComparedWorkspace{w}},
		Roles:      report.Sides[report.ComparedRole]{OnlyInB: []report.ComparedRole{role}},
		Access:     report.Sides[report.ComparedAccess]{OnlyInA: []report.ComparedAccess{on}, OnlyInB: []report.ComparedAccess{on}, InBoth: []report.ComparedAccess{on}, Undecided: []report.ComparedAccess{on}},
	}
}

func longCompare(s string) *report.CompareReport {
	r := compareRich()
	r.B.Name, r.Groups.OnlyInA[0].Group.Name, r.Access.InBoth[0].Securable.FullName = s, s, s
	return r
}
