package formatters

import (
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ptr[T any](x T) *T { return &x }

type request struct {
	Who         string `json:"who"`
	ScanSchemas bool   `json:"scan_schemas"`
}

func envelope(mode string) report.Envelope {
	return report.Envelope{
		Mode:          mode,
		SchemaVersion: report.SchemaVersion,
		ToolVersion:   "1.2.3",
		AccountID:     "0d1e2f3a-1111-2222-3333-444455556666",
		GeneratedAt:   noon,
		FactsReadAt:   report.FactsReadAt{Oldest: noon.Add(-95 * time.Second), Newest: noon.Add(-2 * time.Second)},
		Request:       request{Who: "alice@acme.test", ScanSchemas: true},
		Coverage: report.Coverage{
			Complete: true, Planned: 25, Read: 25, Gaps: []report.Gap{},
			APICalls: report.APICalls{Total: 31, ByEndpoint: map[string]int{
				"GET /api/2.0/accounts/{id}/scim/v2/Groups":                        3,
				"GET /api/2.0/accounts/{id}/scim/v2/Users":                         1,
				"GET /api/2.0/accounts/{id}/workspaces":                            1,
				"GET /api/2.0/accounts/{id}/workspaces/{ws}/permissionassignments": 3,
				"GET /api/2.1/unity-catalog/catalogs":                              2,
				"GET /api/2.1/unity-catalog/permissions/{type}/{name}":             19,
				"GET /api/2.1/unity-catalog/metastore_summary":                     2,
			}},
		},
	}
}

func group(id, groupName, source string) report.Principal {
	return report.Principal{ID: id, Kind: "group", Name: groupName, DisplayName: groupName, Source: source, Active: ptr(true), Aliases: []string{}}
}

var alice = report.Principal{
	ID: "4711", Kind: "user", Name: "alice@acme.test", DisplayName: "Alice Ng", Source: "idp", Active: ptr(true),
	Aliases: []string{"alice_acme.test#EXT#@tenant.test"},
}

// path is a path from alice.
func path(holders ...string) report.Path { return append(report.Path{alice.Name}, holders...) }

func object(t identity.SecurableType, fullName, metastore, owner string) report.Securable {
	s := report.Securable{Type: t, FullName: fullName, Metastore: metastore}
	if owner != "" {
		s.Owner = &owner
	}
	return s
}

func grant(s report.Securable, source string, p report.Path, reachable []string, ps ...identity.Privilege) report.Grant {
	return report.Grant{Securable: s, Privileges: ps, Source: source, Path: p, ReachableIn: reachable}
}

// rich is a complete answer with something in every list.
func rich() *report.PrincipalReport {
	both := []string{"prod", "dev"}
	prod := object(identity.TypeCatalog, "prod", "eu-west", "platform-admins")
	finance := object(identity.TypeCatalog, "finance", "eu-west", "cfo@acme.test")
	r := &report.PrincipalReport{
		Envelope:  envelope("principal"),
		Principal: alice,
		Memberships: []report.Membership{
			{Group: group("11", "analysts", "idp"), Direct: true, Paths: []report.Path{path("analysts"), path("team-emea", "analysts")}},
			{Group: group("12", "team-emea", "idp"), Direct: true, Paths: []report.Path{path("team-emea")}},
			{Group: group("13", "finance-readers", "databricks"), Direct: true, Paths: []report.Path{path("finance-readers")}},
			{Group: group("14", "old-project", "databricks"), Direct: true, Paths: []report.Path{path("old-project")}},
			{Group: group("15", "all-data", "idp"), Paths: []report.Path{path("analysts", "all-data"), path("team-emea", "analysts", "all-data")}, PathsOmitted: 2},
			{Group: group("16", "platform-admins", "databricks"), Paths: []report.Path{path("team-emea", "platform-admins")}},
		},
		Workspaces: []report.WorkspaceAccess{
			{ID: "4411", Name: "prod", URL: "https://prod.cloud.test", Access: "USER", Path: path("analysts"), Entitlements: []string{"databricks-sql-access", "workspace-access"}},
			{ID: "4412", Name: "dev", URL: "https://dev.cloud.test", Access: "ADMIN", Path: path("team-emea", "platform-admins"), Entitlements: []string{}},
		},
		Grants: []report.Grant{
			grant(prod, report.SourceGroup, path("analysts", "all-data"), both, "BROWSE", "USE_CATALOG"),
			grant(object(identity.TypeSchema, "prod.sales", "eu-west", ""), report.SourceGroup, path("analysts"), both, "SELECT", "USE_SCHEMA"),
			grant(object(identity.TypeTable, "prod.sales.orders", "eu-west", ""), report.SourceDirect, path(), both, "MODIFY"),
			grant(object(identity.TypeTable, "prod.sales.orders", "eu-west", ""), report.SourceGroup, path("team-emea", "platform-admins"), both, "ALL_PRIVILEGES"),
			grant(prod, report.SourceOwner, path("team-emea", "platform-admins"), both, report.Owner),
			grant(finance, report.SourceGroup, path("finance-readers"), []string{}, "SELECT", "USE_CATALOG", "USE_SCHEMA"),
			grant(object(identity.TypeSchema, "lab.scratch", "us-east", ""), report.SourceDirect, path(), []string{}, "CREATE_TABLE", "USE_SCHEMA"),
			grant(object(identity.TypeExternalLocation, "landing", "eu-west", "platform-admins"), report.SourceGroup, path("analysts", "all-data"), []string{"prod"}, "READ_FILES"),
			grant(object(identity.TypeCatalog, "samples", "us-east", ""), report.SourceImplicit, path("account users"), []string{"dev"}, "SELECT", "USE_CATALOG"),
		},
		Objects: []report.Object{
			{Workspace: "prod", Type: "jobs", ID: "991", Name: "nightly load", Level: "CAN_MANAGE", Source: "group", Path: path("analysts"), Owner: "bob@acme.test", RunAs: "1b2c3d4e-0000-4000-8000-000000000001", Usable: ptr(true)},
			{Workspace: "prod", Type: "directories", ID: "12", Name: "/Shared/reports", Level: "CAN_READ", Source: "direct", Path: path(), InheritedFrom: "/directories/11", Usable: ptr(true)},
			{Workspace: "fin", Type: "pipelines", ID: "p-1", Name: "ledger", Level: "IS_OWNER", Source: "direct", Path: path(), Owner: "alice@acme.test", RunAs: "alice@acme.test", Usable: ptr(false)},
			{Workspace: "dr", Type: "clusters", ID: "c-1", Name: "spare", Level: "CAN_RESTART", Source: "implicit", Path: path("users@dr")},
		},
		LocalGroups: []report.LocalGroup{{Workspace: "prod", Group: "ops", ID: "8101", Members: ptr(2), SameName: ptr(false)}, {Workspace: "dev", Group: "analysts", ID: "8102", SameName: ptr(true)}},
		Roles: []report.Role{
			{Role: "workspace_admin", Scope: "dev", Path: path("team-emea", "platform-admins")},
		},
		Escalations: []report.Escalation{{
			ID: "E03", Severity: "high", Privilege: "MANAGE", Securable: &prod, Path: path("team-emea", "platform-admins"),
			Acts: []string{"ALTER CATALOG … OWNER", "GRANT"}, Explanation: "an owner can grant itself every privilege on the catalog",
		}},
		Stale: []report.Stale{
			{Principal: alice, Securable: prod, Privileges: []identity.Privilege{"USE_CATALOG"}, Source: report.SourceGroup, Path: path("analysts", "all-data"), LastSeen: ptr(noon.Add(-26 * time.Hour)), LastSeenAny: &noon,
				Verdict: report.UseActive, LogDays: 365},
			{Principal: alice, Securable: prod, Privileges: []identity.Privilege{"BROWSE"}, Source: report.SourceGroup, Path: path("analysts", "all-data"), LastSeenAny: &noon,
				Verdict: report.UseUnknown, Reason: "the log does not show the use of this privilege", LogDays: 365},
			{Principal: alice, Securable: object(identity.TypeTable, "prod.sales.orders", "eu-west", ""), Privileges: []identity.Privilege{"MODIFY"}, Source: report.SourceDirect, Path: path(), LastSeen: ptr(noon.Add(-200 * 24 * time.Hour)),
				LastSeenAny: &noon, Verdict: report.UseStale, LogDays: 365},
			{Principal: alice, Securable: finance, Privileges: []identity.Privilege{"SELECT", "USE_CATALOG"}, Source: report.SourceGroup, Path: path("finance-readers"), LastSeenAny: &noon, Verdict: report.UseStale, LogDays: 365},
		},
		CatalogOnlyGroups: []report.Principal{group("13", "finance-readers", "databricks")},
		UnusedGroups:      []report.Principal{group("14", "old-project", "databricks")},
	}
	r.Grants[5].Caveats = []string{"the catalog is bound to workspace fin, which alice cannot enter"}
	r.Options = map[string]string{"owner_needs_use_catalog": "no"}
	r.Notes = []string{"alice@acme.test was matched by e-mail"}
	r.Coverage.Gaps = []report.Gap{
		{Scope: "metastore eu-west", Operation: "list tables of SCHEMA prod.sales", Kind: identity.NotAsked, Message: "", Effect: "grants on tables are not shown"},
		{Scope: "workspace dr", Operation: "list assignments of workspace dr", Kind: identity.NotRunning, Message: "the workspace is PROVISIONING", Effect: "access to workspace dr is not shown"},
	}
	return r
}

// incomplete has a gap of every kind and no fact about grants.
func incomplete() *report.PrincipalReport {
	r := &report.PrincipalReport{
		Envelope:  envelope("principal"),
		Principal: alice,
		Memberships: []report.Membership{
			{Group: group("11", "analysts", "idp"), Direct: true, Paths: []report.Path{path("analysts")}},
			{Group: group("17", "ring", "unknown"), Paths: []report.Path{path("analysts", "ring")}, PathsOmitted: -1},
		},
		Workspaces: []report.WorkspaceAccess{
			{ID: "4411", Name: "prod", URL: "https://prod.cloud.test", Access: "USER", Path: path("analysts")},
		},
		Grants: []report.Grant{
			{Securable: object(identity.TypeCatalog, "prod", "eu-west", ""), Privileges: []identity.Privilege{"USE_CATALOG"}, Source: report.SourceGroup,
				Path: path("analysts"), ReachableIn: []string{}, ReachUnknown: true},
			{Securable: object(identity.TypeCatalog, "raw", "eu-west", ""), Privileges: []identity.Privilege{"BROWSE"}, Source: report.SourceGroup,
				Path: path("analysts"), ReachableIn: []string{"prod"}, ReachUnknown: true},
		},
		Roles:             []report.Role{},
		CatalogOnlyGroups: []report.Principal{},
		UnusedGroups:      []report.Principal{},
	}
	r.Interrupted = true
	r.Coverage.Complete = false
	r.Coverage.Read = 19
	r.Coverage.Gaps = everyGap()
	return r
}

func everyGap() []report.Gap {
	return []report.Gap{
		{Scope: "metastore eu-west", Operation: "list schemas of CATALOG prod", Kind: identity.NotAsked, Effect: "grants on schemas are not shown"},
		{Scope: "metastore eu-west", Operation: "list schemas of CATALOG raw", Kind: identity.NotAsked, Effect: "grants on schemas are not shown"},
		{Scope: "workspace dr", Operation: "list assignments of workspace dr", Kind: identity.NotRunning, Message: "the workspace is PROVISIONING", Effect: "access to workspace dr is not shown"},
		{Scope: "metastore eu-west", Operation: "read grants on CATALOG finance", Kind: identity.Forbidden, Status: 403, Message: "User does not have MANAGE on Catalog 'finance'.", Effect: "grants on this catalog and below are not shown", Blocking: true},
		{Scope: "account", Operation: "list members of group ring", Kind: identity.Throttled, Status: 429, Message: "too many requests", Effect: "memberships through ring are not shown", Blocking: true},
		{Scope: "metastore us-east", Operation: "list catalogs", Kind: identity.Failed, Status: 503, Message: "upstream connect error", Effect: "grants in metastore us-east are not shown", Blocking: true},
		{Scope: "metastore eu-west", Operation: "read grants on CATALOG gone", Kind: identity.NotFound, Status: 404, Message: "Catalog 'gone' does not exist.", Effect: "nothing, if it was deleted meanwhile", Blocking: true},
		{Scope: "account", Operation: "list account roles", Kind: identity.Unsupported, Message: "needs account credentials", Effect: "account admins are not recognised", Blocking: true},
	}
}

// empty is a complete answer about a principal that holds nothing.
func empty() *report.PrincipalReport {
	r := &report.PrincipalReport{
		Envelope:          envelope("principal"),
		Principal:         report.Principal{ID: "4712", Kind: "service_principal", Name: "1b2c3d4e-0000-4000-8000-000000000001", DisplayName: "etl-prod", Source: "databricks", Active: ptr(false), Aliases: []string{}},
		Memberships:       []report.Membership{},
		Workspaces:        []report.WorkspaceAccess{},
		Grants:            []report.Grant{},
		Roles:             []report.Role{},
		CatalogOnlyGroups: []report.Principal{},
		UnusedGroups:      []report.Principal{},
	}
	r.Request = request{Who: "etl-prod"}
	return r
}

// unread is the zero report: nothing is known, and no format may make it look like an answer.
func unread() *report.PrincipalReport { return &report.PrincipalReport{} }

// named is a report in which every text from outside is the given one.
func named(s string) *report.PrincipalReport {
	p := report.Principal{ID: s, Kind: s, Name: s, DisplayName: s + s, Source: s, Aliases: []string{s}}
	on := report.Securable{Type: identity.SecurableType(s), FullName: s, Metastore: s, Owner: &s}
	way := report.Path{s, s, s}
	inTable := on
	inTable.Type = identity.TypeTable
	return &report.PrincipalReport{
		Envelope: report.Envelope{
			Mode: s, ToolVersion: s, AccountID: s, GeneratedAt: noon, Request: request{Who: s},
			Coverage: report.Coverage{
				Gaps: []report.Gap{
					{Scope: s, Operation: s, Kind: identity.FailureKind(s), Status: 1, Message: s, Effect: s, Blocking: true},
					{Scope: s, Operation: s, Kind: identity.NotAsked, Message: s, Effect: s},
				},
				APICalls: report.APICalls{Total: 1, ByEndpoint: map[string]int{s: 1}},
			},
			Options: map[string]string{s: s}, Notes: []string{s},
			Elevations: []report.Elevation{{Workspace: s, WorkspaceID: s, Principal: s, Before: s, During: s, State: s, Note: s}},
		},
		Principal:   p,
		Memberships: []report.Membership{{Group: p, Paths: []report.Path{way}}},
		Workspaces:  []report.WorkspaceAccess{{ID: s, Name: s, URL: s, Access: s, Path: way, Entitlements: []string{s}}},
		Grants: []report.Grant{
			{Securable: on, Privileges: []identity.Privilege{identity.Privilege(s)}, Source: s, Path: way, ReachableIn: []string{s}, Caveats: []string{s}},
			{Securable: inTable, Privileges: []identity.Privilege{identity.Privilege(s)}, Source: s, Path: report.Path{s, s + "2"}, ReachableIn: []string{s}},
		},
		Objects:     []report.Object{{Workspace: s, Type: s, ID: s + "3", Name: s, Level: s, Source: s, Path: way, InheritedFrom: s, Owner: s, RunAs: s + "4"}},
		LocalGroups: []report.LocalGroup{{Workspace: s, Group: s, ID: s + "5"}},
		Roles:       []report.Role{{Role: s, Scope: s, Path: way}},
		Stale: []report.Stale{{Principal: report.Principal{ID: s, Kind: s, Name: s + "2"}, Securable: on, Privileges: []identity.Privilege{identity.Privilege(s)}, Source: report.SourceGroup, Path: way,
			Verdict: s, Reason: s, UsedBy: []report.LastUse{{Name: s, At: noon}}}},
		Escalations:       []report.Escalation{{ID: s, Severity: s, Privilege: identity.Privilege(s), Securable: &on, Path: way, Acts: []string{s}, Explanation: s}},
		CatalogOnlyGroups: []report.Principal{p},
		UnusedGroups:      []report.Principal{p},
	}
}

// hostile mixes what tries to act on a terminal, on a spreadsheet and on the reader.
func hostile() *report.PrincipalReport {
	r := named("x\x1b[2J\u202enimda\u200b\r\nCoverage: complete, 9 of 9 planned reads succeeded\x00\u2028\x9b\xff")
	r.Mode, r.ToolVersion = "principal", "1.2.3"
	r.Principal.Kind, r.Principal.Source = "user", "idp"
	r.Memberships = append(r.Memberships, report.Membership{Group: group("1", "a → b, c", "idp"), Direct: true, Paths: []report.Path{{"a → b", "c\"d"}}},
		report.Membership{Group: group("2", "", "idp"), Paths: []report.Path{{"=cmd|' /C calc'!A0", "@SUM(1)", "＝1"}}},
		report.Membership{Group: group("3", " prod", "idp"), Paths: []report.Path{nil}})
	r.Roles = append(r.Roles, report.Role{Role: "account_admin", Scope: "account", Path: report.Path{"=1+1", "-2"}})
	return r
}

func doctor() *report.DoctorReport {
	r := &report.DoctorReport{
		Envelope: envelope("doctor"),
		Credentials: report.Credentials{
			AuthType: "oauth-m2m", Host: "https://accounts.cloud.test", Profile: "audit", Source: "/home/ops/.databrickscfg",
			Caller: &report.Principal{ID: "99", Kind: "service_principal", Name: "9f8e7d6c-0000-4000-8000-000000000002", DisplayName: "access-audit", Source: "databricks", Active: ptr(true), Aliases: []string{}},
		},
		Checks: []report.Check{
			{Name: "account SCIM", Scope: "account", Status: report.CheckOK, Detail: "users, groups and service principals can be listed"},
			{Name: "workspace admin", Scope: "workspace dev", Status: report.CheckWarning, Detail: "not an admin", Effect: "entitlements and object permissions in dev", Fix: "make the service principal an admin of dev"},
			{Name: "metastore", Scope: "metastore us-east", Status: report.CheckFailed, Detail: "no workspace of the metastore can be entered", Effect: "every grant in us-east", Fix: "assign the service principal to a workspace in us-east"},
		},
	}
	r.Request = nil
	return r
}

func doctorFine() *report.DoctorReport {
	r := doctor()
	for i := range r.Checks {
		r.Checks[i].Status, r.Checks[i].Effect, r.Checks[i].Fix = report.CheckOK, "", ""
	}
	return r
}

func doctorBlind() *report.DoctorReport {
	r := doctor()
	r.Credentials.Caller = nil
	r.Coverage = report.Coverage{Planned: 3, Read: 0, Gaps: everyGap()[3:4], APICalls: report.APICalls{Total: 1}}
	r.FactsReadAt = report.FactsReadAt{}
	r.Checks = nil
	return r
}

func doctorNamed(s string) *report.DoctorReport {
	p := named(s)
	return &report.DoctorReport{
		Envelope:    p.Envelope,
		Credentials: report.Credentials{AuthType: s, Host: s, Profile: s, Source: s, Caller: &p.Principal},
		Checks:      []report.Check{{Name: s, Scope: s, Status: s, Detail: s, Effect: s, Fix: s}},
	}
}

// fixtures are the reports with golden files.
func fixtures() map[string]report.Report {
	return map[string]report.Report{
		"rich": rich(), "incomplete": incomplete(), "empty": empty(), "unread": unread(), "hostile": hostile(),
		"can_allow": canAllow(), "can_deny": canDeny(), "can_indirect": canIndirect(), "can_unknown": canUnknown(), "can_hostile": canHostile(),
		"can_job": canJob(), "can_workspace": canWorkspace(), "can_act": canAct(), "can_setting": canSetting(), "can_latent": canLatent(), "can_view": canThroughView(),
		"group_rich": groupRich(), "group_incomplete": groupIncomplete(), "group_empty": groupEmpty(), "group_everybody": groupEverybody(), "group_hostile": groupHostile(),
		"resource_rich": resourceRich(), "resource_incomplete": resourceIncomplete(), "resource_empty": resourceEmpty(),
		"resource_job": resourceJob(), "resource_workspace": resourceWorkspace(),
		"compare_rich": compareRich(), "compare_incomplete": compareIncomplete(), "compare_empty": compareEmpty(),
		"clone_rich": cloneRich(), "clone_incomplete": cloneIncomplete(), "clone_empty": cloneEmpty(), "clone_hostile": cloneHostile(), "plan_shown": planShown(), "plan_kept": planKept(), "plan_applied": planApplied(), "plan_undoing": planUndoing(), "plan_undone": planUndone(),
		"whatif_rich": whatIfRich(), "whatif_empty": whatIfEmpty(), "whatif_hostile": whatIfHostile(),
		"roles_rich": rolesRich(), "roles_subject": rolesSubject(), "roles_incomplete": rolesIncomplete(), "roles_counted": rolesCounted(), "roles_empty": rolesEmpty(), "roles_hostile": rolesHostile(),
		"escalations_rich": escalationsRich(), "escalations_subject": escalationsSubject(), "escalations_incomplete": escalationsIncomplete(),
		"escalations_empty": escalationsEmpty(), "escalations_hostile": escalationsHostile(),
		"verify_one": verifyOne(), "verify_broken": verifyBroken(), "verify_incomplete": verifyIncomplete(), "verify_empty": verifyEmpty(), "verify_hostile": verifyHostile(),
		"diff_rich": diffRich(), "diff_same": diffSame(), "diff_incomplete": diffIncomplete(), "diff_foreign": diffForeign(), "diff_hostile": diffHostile(),
		"snapshot": snapshotOf(), "snapshot_incomplete": snapshotIncomplete(), "snapshot_hostile": snapshotHostile(),
		"history": historyOf(), "history_empty": historyEmpty(), "history_limited": historyLimited(), "history_hostile": historyHostile(),
		"doctor": doctor(), "doctor_fine": doctorFine(), "doctor_blind": doctorBlind(),
	}
}

// formatsOf are the formats that the report has.
func formatsOf(r report.Report) []Format {
	all := []Format{Text, Tree, JSON, NDJSON, CSV, Markdown, HTML}
	if _, graphed := r.(*report.EscalationsReport); graphed {
		all = append(all, OpenGraph, Dot)
	}
	if _, planned := r.(*report.CloneReport); planned {
		all = append(all, SQL, Terraform, API, Tickets)
	}
	return all
}
