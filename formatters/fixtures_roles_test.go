package formatters

import (
	"databricks-access-audit/core/report"
)

type subjectRequest struct {
	Who string `json:"who"`
}

func bot(id, applicationID, display string) report.Principal {
	return report.Principal{ID: id, Kind: "service_principal", Name: applicationID, DisplayName: display, Source: "databricks", Active: ptr(true), Aliases: []string{}}
}

// has is one role of a principal, held through the groups.
func has(p report.Principal, role, scope, source string, through ...string) report.HeldRole {
	return report.HeldRole{Principal: p, Role: role, Scope: scope, Path: append(report.Path{p.Name}, through...), Fact: fact(source, 60), Certain: true}
}

// rolesRich is a complete answer about everybody, with roles of most kinds.
func rolesRich() *report.RolesReport {
	bob, carol := person("31", "bob@acme.test"), person("32", "carol@acme.test")
	etl := bot("81", "1b2c3d4e-0000-4000-8000-000000000001", "etl-nightly")
	admins := group("41", "account-admins", "idp")
	doubtful := has(carol, metastoreAdmin, "metastore us-east", "read metastore us-east", "platform")
	doubtful.Certain = false
	reading := has(alice, "data_access", "catalog main", "read grants on catalog main", "analysts")
	reading.Detail = "SELECT, USE_CATALOG"
	r := &report.RolesReport{
		Envelope: envelope("roles"),
		Roles: []report.HeldRole{
			has(admins, accountAdmin, "account", "list the groups"),
			has(alice, accountAdmin, "account", "list the users"),
			has(alice, accountAdmin, "account", "list the groups", "account-admins"),
			has(bob, accountAdmin, "account", "list the groups", "account-admins"),
			has(etl, "service_principal_user", "service principal etl-nightly", "read the rules of service principal etl-nightly"),
			has(bob, workspaceAdmin, "workspace prod", "read the assignments of workspace prod"),
			has(bob, workspaceAdmin, "workspace dev", "read the assignments of workspace dev", "admins"),
			has(etl, "user", "workspace prod", "read the assignments of workspace prod"),
			doubtful,
			reading,
			has(carol, "catalog_owner", "catalog main", "read catalog main"),
			has(carol, "roles/custom.thing", "account", "read the rules of the account"),
		},
		Workspaces: []report.WorkspaceAdmins{
			{Name: "prod", RestrictAdmins: "ALLOW_ALL", Admins: 3, Nested: 1, Complete: true},
			{Name: "dev", RestrictAdmins: "RESTRICT_TOKENS_AND_JOB_RUN_AS", Admins: 1, Complete: true},
			{Name: "lab", RestrictAdmins: "unknown", Complete: true},
			{Name: "new", RestrictAdmins: "ALLOW_SOME", Admins: 2, Complete: true},
		},
		Metastores: []report.MetastoreAdmin{
			{Name: "eu-west", Owner: ptr("platform"), Admins: 2, Complete: true},
			{Name: "us-east", Owner: ptr(""), Complete: true},
			{Name: "ap-south"},
		},
		WorkspaceCatalogs: []report.WorkspaceCatalog{
			{Catalog: mainCatalog, Workspace: "prod", Holder: "_workspace_users_prod_42", Privileges: []string{"ALL_PRIVILEGES"}, On: salesSchema},
			{Catalog: mainCatalog, Workspace: "prod", Holder: "_workspace_admins_prod_42", Privileges: []string{"OWNER"}, On: mainCatalog},
		},
		Unknowable: []report.Unknowable{{Role: "account owner", Why: "it is shown in the console of the account alone"}},
	}
	r.Request = subjectRequest{}
	return r
}

// rolesSubject is an answer about one who holds several roles.
func rolesSubject() *report.RolesReport {
	r := rolesRich()
	r.Subject = &alice
	r.Request = subjectRequest{Who: alice.Name}
	r.Roles = []report.HeldRole{
		r.Roles[1], r.Roles[2], r.Roles[9],
		has(alice, workspaceAdmin, "workspace prod", "read the assignments of workspace prod", "admins"),
		has(alice, workspaceAdmin, "workspace dev", "read the assignments of workspace dev", "admins"),
		has(alice, "group_manager", "group analysts", "read the rules of group analysts"),
	}
	r.Roles[5].Certain = false
	r.Workspaces, r.Metastores, r.WorkspaceCatalogs = nil, nil, nil
	return r
}

// rolesCounted is about everybody where some admins were not read.
func rolesCounted() *report.RolesReport {
	r := rolesRich()
	r.Workspaces = []report.WorkspaceAdmins{
		{Name: "prod", RestrictAdmins: "ALLOW_ALL", Admins: 3, Nested: 1},
		{Name: "dev", RestrictAdmins: "RESTRICT_TOKENS_AND_JOB_RUN_AS", Admins: 1},
		{Name: "lab", RestrictAdmins: "unknown"},
		{Name: "new", RestrictAdmins: "unknown", Complete: true},
	}
	r.Metastores = []report.MetastoreAdmin{
		{Name: "eu-west", Owner: ptr("platform"), Admins: 2},
		{Name: "eu-east", Owner: ptr("strangers")},
		{Name: "us-west", Owner: ptr("nobodies"), Complete: true},
		{Name: "us-east", Owner: ptr("")},
		{Name: "ap-south"},
	}
	r.Coverage.Complete = false
	r.Coverage.Gaps = everyGap()
	return r
}

func rolesIncomplete() *report.RolesReport {
	r := rolesRich()
	r.Roles = []report.HeldRole{
		has(group("41", "account-admins", "idp"), accountAdmin, "account", "list the groups"),
		{Principal: report.Principal{ID: "99", Kind: "unknown", Source: "unknown"}, Role: "user", Scope: "workspace prod"},
	}
	r.Metastores, r.Unknowable = nil, nil
	r.Workspaces = []report.WorkspaceAdmins{}
	r.WorkspaceCatalogs = []report.WorkspaceCatalog{{Catalog: report.Securable{Type: "CATALOG", FullName: "raw"}, Workspace: "prod", Holder: "_workspace_users_prod_42"}}
	r.Coverage.Complete = false
	r.Coverage.Read = 20
	r.Coverage.Gaps = everyGap()
	return r
}

func rolesEmpty() *report.RolesReport {
	r := rolesSubject()
	r.Roles = []report.HeldRole{}
	r.Unknowable = []report.Unknowable{}
	return r
}

// rolesNamed is a report in which every text from outside is the given one.
func rolesNamed(s string, everybody bool) *report.RolesReport {
	p := named(s)
	on := p.Grants[0].Securable
	r := &report.RolesReport{
		Envelope: p.Envelope, Subject: &p.Principal,
		Workspaces:        []report.WorkspaceAdmins{{Name: s, RestrictAdmins: s, Nested: 1}, {Name: s, RestrictAdmins: allowAll}},
		Metastores:        []report.MetastoreAdmin{{Name: s, Owner: &s}, {Name: s, Owner: ptr("")}, {Name: s}},
		WorkspaceCatalogs: []report.WorkspaceCatalog{{Catalog: on, Workspace: s, Holder: s, Privileges: []string{s}, On: on}},
		Unknowable:        []report.Unknowable{{Role: s, Why: s}},
	}
	if everybody {
		r.Subject = nil
	}
	other := p.Principal
	other.Kind = "service_principal"
	for _, who := range []report.Principal{p.Principal, other} {
		for i, role := range []string{accountAdmin, "data_access", "x" + s} {
			r.Roles = append(r.Roles, report.HeldRole{Principal: who, Role: role, Scope: "catalog " + s, Path: report.Path{s, s + "2"},
				Fact: report.Fact{Source: s}, Certain: i > 0, Detail: s}, report.HeldRole{Principal: who, Role: role, Scope: "y" + s})
		}
	}
	return r
}

// rolesHostile has names that read on as sentences beside those that act on terminals.
func rolesHostile() *report.RolesReport {
	r := rolesNamed("x\x1b[2J\u202enimda\u200b\r\nCoverage: complete\x00\u2028\x9b\xff", false)
	r.Mode, r.ToolVersion = "roles", "1.2.3"
	r.Roles = append(r.Roles, has(*r.Subject, workspaceAdmin, "workspace prod), account admin (x", "=1+1"), has(*r.Subject, "@SUM(1)", "account", ""))
	return r
}
