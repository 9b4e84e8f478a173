package formatters

import (
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

type groupRequest struct {
	Group string `json:"group"`
}

var engineers = group("3004", "data-engineers", "idp")

func gone(p report.Principal) report.Principal {
	p.Active = ptr(false)
	return p
}

func belongs(p report.Principal, ways ...report.Path) report.GroupMember {
	m := report.GroupMember{Principal: p, Paths: ways}
	for _, way := range ways {
		m.Direct = m.Direct || len(way) == 2
	}
	return m
}

func itsOwn(g report.Grant) report.GroupGrant {
	return report.GroupGrant{Grant: g, GrantSource: report.GrantDirect}
}

func fromAbove(g report.Grant) report.GroupGrant {
	return report.GroupGrant{Grant: g, GrantSource: report.GrantUpstream}
}

func of(p report.Principal, g report.Grant) report.GroupGrant {
	g.Path = report.Path{p.Name}
	return report.GroupGrant{Grant: g, GrantSource: report.GrantMemberDirect, Member: &p}
}

// groupRich is a complete answer with something in every list.
func groupRich() *report.GroupReport {
	bob, frank := person("31", "bob@acme.test"), gone(person("36", "frank@acme.test"))
	etl := bot("81", "1b2c3d4e-0000-4000-8000-000000000001", "etl-nightly")
	oncall := group("3006", "oncall", "databricks")
	self := report.Path{engineers.Name}
	orders := object(identity.TypeTable, "main.sales.orders", "eu-west", "erin@acme.test")
	return &report.GroupReport{
		Envelope: withRequest(envelope("group"), groupRequest{engineers.Name}),
		Group:    engineers,
		Members: []report.GroupMember{
			belongs(alice, report.Path{alice.Name, engineers.Name}, report.Path{alice.Name, "oncall", engineers.Name}),
			belongs(bob, report.Path{bob.Name, "oncall", engineers.Name}, report.Path{bob.Name, "leads", "oncall", engineers.Name}),
			belongs(frank, report.Path{frank.Name, engineers.Name}),
			belongs(etl, report.Path{etl.Name, "oncall", engineers.Name}),
			belongs(oncall, report.Path{"oncall", engineers.Name}),
			{Principal: group("3007", "leads", "databricks"), Paths: []report.Path{{"leads", "oncall", engineers.Name}}, PathsOmitted: 3},
		},
		Ancestors: []report.Membership{
			{Group: group("3003", "engineering", "idp"), Direct: true, Paths: []report.Path{{engineers.Name, "engineering"}}},
			{Group: group("3002", "all-staff", "idp"), Paths: []report.Path{{engineers.Name, "engineering", "all-staff"}}},
		},
		Workspaces: []report.WorkspaceAccess{{ID: "4411", Name: "prod", URL: "https://prod.cloud.test", Access: "USER", Path: report.Path{engineers.Name, "engineering"}}},
		Roles:      []report.Role{{Role: "workspace_admin", Scope: "dev", Path: self}},
		Grants: []report.GroupGrant{
			itsOwn(grant(mainCatalog, report.SourceDirect, self, []string{"prod"}, "USE_CATALOG")),
			itsOwn(grant(object(identity.TypeSchema, "main.raw", "eu-west", engineers.Name), report.SourceOwner, self, []string{"prod"}, report.Owner)),
			itsOwn(grant(orders, report.SourceDirect, self, []string{"prod"}, "SELECT")),
			fromAbove(grant(orders, report.SourceGroup, report.Path{engineers.Name, "engineering"}, []string{"prod"}, "SELECT")),
			fromAbove(grant(object(identity.TypeExternalLocation, "landing", "eu-west", ""), report.SourceGroup, report.Path{engineers.Name, "engineering", "all-staff"}, []string{"prod"}, "READ_FILES")),
			of(alice, grant(orders, report.SourceDirect, nil, []string{"prod"}, "MODIFY", "SELECT")),
			of(alice, grant(object(identity.TypeCatalog, "lab", "us-east", alice.Name), report.SourceOwner, nil, []string{}, report.Owner)),
			of(frank, grant(orders, report.SourceDirect, nil, []string{}, "SELECT")),
			of(oncall, grant(object(identity.TypeVolume, "main.raw.landing", "eu-west", ""), report.SourceDirect, nil, nil, "WRITE_VOLUME")),
		},
		Redundancies: []report.Redundancy{
			{Member: alice, Securable: orders, Privileges: []identity.Privilege{"MODIFY", "SELECT"}, Level: report.RedundantPartial,
				Covered: []identity.Privilege{"SELECT"}, Kept: []identity.Privilege{"MODIFY"}, Undecided: []identity.Privilege{},
				CoveredBy: []report.Path{{alice.Name, engineers.Name}}, CoveredOn: []report.Securable{salesSchema}, MoreCovered: true, Fragile: true, Recommendation: "keep MODIFY, or give it to a group"},
			{Member: frank, Securable: orders, Privileges: []identity.Privilege{"SELECT"}, Level: report.RedundantFull,
				Covered: []identity.Privilege{"SELECT"}, Kept: []identity.Privilege{}, Undecided: []identity.Privilege{}, CoveredBy: []report.Path{{frank.Name, engineers.Name}}},
		},
		Objects: []report.GroupObject{
			{GrantSource: report.GrantDirect, Object: report.Object{Workspace: "prod", Type: "jobs", ID: "991", Name: "nightly load", Level: "CAN_MANAGE", Source: "direct", Path: self}},
			{GrantSource: report.GrantMemberDirect, Member: &alice, Object: report.Object{Workspace: "prod", Type: "directories", ID: "12", Name: "/Shared/reports", Level: "CAN_READ", Source: "direct", Path: path(), InheritedFrom: "/Shared"}},
		},
		ObjectRedundancies: []report.ObjectRedundancy{
			{Member: alice, Workspace: "prod", Type: "jobs", ID: "991", Name: "nightly load", Permission: "CAN_VIEW", Level: report.RedundantFull, CoveredBy: []report.Path{{alice.Name, engineers.Name}}, Fragile: true, Recommendation: "take it off the object once what covers it is made sure: that hangs on little"},
			{Member: bob, Workspace: "dev", Type: "notebooks", ID: "12", Name: "/Users/bob/x", Permission: "CAN_MANAGE", Level: report.RedundantNone, CoveredBy: []report.Path{}, Recommendation: "keep it: nothing else gives it"},
		},
		Stale: []report.Stale{
			{Principal: engineers, Securable: mainCatalog, Privileges: []identity.Privilege{"USE_CATALOG"}, Source: report.SourceDirect, Path: self, LastSeen: &noon, LastSeenAny: &noon,
				Verdict: report.UseActive, UsedBy: []report.LastUse{{Name: alice.Name, At: noon}, {Name: frank.Name, At: noon.Add(-100 * 24 * time.Hour)}}, LogDays: 365},
			{Principal: engineers, Securable: orders, Privileges: []identity.Privilege{"SELECT"}, Source: report.SourceGroup, Path: report.Path{engineers.Name, "engineering"}, LastSeenAny: &noon, Verdict: report.UseStale, LogDays: 365},
			{Principal: alice, Securable: orders, Privileges: []identity.Privilege{"MODIFY"}, Source: report.SourceDirect, Path: path(), LastSeen: ptr(noon.Add(-200 * 24 * time.Hour)), LastSeenAny: &noon, Verdict: report.UseStale, LogDays: 365},
			{Principal: frank, Securable: orders, Privileges: []identity.Privilege{"SELECT"}, Source: report.SourceDirect, Path: report.Path{frank.Name}, Verdict: report.UseStale, LogDays: 365},
			{Principal: oncall, Securable: object(identity.TypeVolume, "main.raw.landing", "eu-west", ""), Privileges: []identity.Privilege{"WRITE_VOLUME"}, Source: report.SourceDirect, Path: report.Path{oncall.Name},
				LastSeenAny: &noon, Verdict: report.UseUnknown, Reason: "files in volumes can be used by their path", LogDays: 365},
			{Principal: alice, Securable: object(identity.TypeCatalog, "lab", "us-east", alice.Name), Privileges: []identity.Privilege{report.Owner}, Source: report.SourceOwner, Path: path(),
				Verdict: report.UseUnknown, Reason: "the audit log was not read, or not to its end"},
		},
		LocalGroups: []report.LocalGroup{
			{Workspace: "prod", Group: "ops", ID: "8101", Members: ptr(2), SameName: ptr(false)},
			{Workspace: "dev", Group: engineers.Name, ID: "8102", Members: ptr(1), SameName: ptr(true)},
			{Workspace: "dr", Group: "old", ID: "8103"},
		},
		RevokeScript: ptr("-- frank@acme.test keeps nothing\nREVOKE SELECT ON TABLE main.sales.orders FROM `frank@acme.test`;\n"),
	}
}

func withRequest(e report.Envelope, asked any) report.Envelope {
	e.Request = asked
	return e
}

// groupIncomplete knows little of some members, and nothing of grants.
func groupIncomplete() *report.GroupReport {
	r := groupRich()
	r.Members = []report.GroupMember{
		belongs(alice, report.Path{alice.Name, engineers.Name}),
		belongs(report.Principal{ID: "99", Kind: "user", Source: "unknown"}, report.Path{"user 99", engineers.Name}),
		{Principal: group("17", "ring", "unknown"), WayUnknown: true},
		{Principal: group("18", "rings", "unknown"), Paths: []report.Path{{"rings", "ring", engineers.Name}}, PathsOmitted: -1},
	}
	r.Ancestors, r.Workspaces, r.Roles = []report.Membership{}, []report.WorkspaceAccess{}, []report.Role{}
	r.ObjectRedundancies = nil
	r.Grants, r.Redundancies, r.Objects, r.Stale, r.LocalGroups, r.RevokeScript = nil, nil, []report.GroupObject{}, nil, nil, nil
	r.Coverage.Complete = false
	r.Coverage.Read = 19
	r.Coverage.Gaps = everyGap()
	return r
}

// groupEmpty is a complete answer about a group that nobody is in and that gives nothing.
func groupEmpty() *report.GroupReport {
	return &report.GroupReport{
		Envelope: withRequest(envelope("group"), groupRequest{"nobody"}), Group: group("3099", "nobody", "databricks"),
		Members: []report.GroupMember{}, Ancestors: []report.Membership{}, Workspaces: []report.WorkspaceAccess{}, Roles: []report.Role{}, Grants: []report.GroupGrant{},
	}
}

// groupEverybody is about the group that everybody is in.
func groupEverybody() *report.GroupReport {
	r := groupEmpty()
	r.Request = groupRequest{identity.AccountUsersName}
	r.Group = report.Principal{ID: identity.AccountUsersName, Kind: "group", Name: identity.AccountUsersName, DisplayName: identity.AccountUsersName, Source: "system", Active: ptr(true), Aliases: []string{}}
	r.Members = nil
	r.Grants = []report.GroupGrant{itsOwn(grant(mainCatalog, report.SourceDirect, report.Path{identity.AccountUsersName}, []string{"prod"}, "USE_CATALOG"))}
	return r
}

// groupNamed is a report in which every text from outside is the given one.
func groupNamed(s string) *report.GroupReport {
	p := named(s)
	way := report.Path{s, s, s}
	r := &report.GroupReport{
		Envelope: p.Envelope, Group: p.Principal,
		Members: []report.GroupMember{
			{Principal: p.Principal, Paths: []report.Path{way, {s, s + "2", s, s}}},
			{Principal: p.Principal, Direct: true, WayUnknown: true, Paths: []report.Path{way}},
		},
		Ancestors: p.Memberships, Workspaces: p.Workspaces, Roles: p.Roles,
		Redundancies: []report.Redundancy{{Member: p.Principal, Securable: p.Grants[0].Securable, Privileges: []identity.Privilege{identity.Privilege(s), "x"}, Level: s,
			Covered: []identity.Privilege{identity.Privilege(s)}, Kept: []identity.Privilege{identity.Privilege(s)}, CoveredBy: []report.Path{way}, Recommendation: "y" + s}},
		Stale: []report.Stale{{Principal: p.Principal, Securable: p.Grants[0].Securable, Privileges: []identity.Privilege{identity.Privilege(s)}, Source: report.SourceGroup, Path: way, Verdict: s, Reason: s,
			UsedBy: []report.LastUse{{Name: s, At: noon}}}},
		LocalGroups:        []report.LocalGroup{{Workspace: s, Group: s, ID: s}},
		RevokeScript:       ptr("REVOKE"),
		ObjectRedundancies: []report.ObjectRedundancy{{Member: p.Principal, Workspace: s, Type: s, ID: s, Name: s, Permission: s, Level: s, CoveredBy: []report.Path{{s, s + "2"}}, Recommendation: s}},
	}
	for _, g := range p.Grants {
		r.Grants = append(r.Grants, itsOwn(g), of(p.Principal, g))
	}
	for _, o := range p.Objects {
		r.Objects = append(r.Objects, report.GroupObject{Object: o, GrantSource: s, Member: &p.Principal}, report.GroupObject{Object: o, GrantSource: report.GrantDirect})
	}
	return r
}

// groupHostile mixes what tries to act on a terminal, on a spreadsheet and on the reader.
func groupHostile() *report.GroupReport {
	r := groupNamed("x\x1b[2J\u202enimda\u200b\r\nCoverage: complete\x00\u2028\x9b\xff")
	r.Mode, r.ToolVersion = "group", "1.2.3"
	r.Group.Kind, r.Group.Source = "group", "idp"
	r.Members = append(r.Members, belongs(group("1", "a → b, c", "idp"), report.Path{"a → b", "=1+1", "c\"d"}))
	r.RevokeScript = ptr("REVOKE SELECT ON TABLE `a` FROM `b\x1b[2J`;\nCoverage: complete\n")
	return r
}

func longGroup(s string) *report.GroupReport {
	r := groupRich()
	r.Group.Name, r.Members[0].Principal.Name, r.Grants[0].Securable.FullName, r.LocalGroups[0].Group = s, s, s, s
	return r
}
