package formatters

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// escalationsRich is a complete answer about everybody.
func escalationsRich() *report.EscalationsReport {
	bob, carol, dave := person("31", "bob@acme.test"), person("32", "carol@acme.test"), person("33", "dave@acme.test")
	etl := bot("81", "1b2c3d4e-0000-4000-8000-000000000001", "etl-nightly")
	join := func(who report.Principal, through ...string) report.Finding {
		return report.Finding{ID: "E03", Severity: report.Critical, Subject: who, Gains: "account admin, as a member of account-admins", Principal: ptr(group("41", "account-admins", "idp")),
			Path: append(report.Path{who.Name}, through...), Acts: []string{"add itself to the group account-admins", "log in again"},
			Facts: []report.Fact{fact("read the rules of group account-admins", 60), fact("list the groups", 90)},
			Fix:   "take the role Group manager on account-admins away from helpdesk", Certain: true}
	}
	runAs := report.Finding{ID: "E11", Severity: report.High, Subject: alice, Gains: "what etl-nightly may do", Object: &nightly, Principal: &etl,
		Path: path("analysts"), Acts: []string{"change the notebook that job nightly_etl runs", "run job nightly_etl"},
		Facts: []report.Fact{fact("read the permissions of job 991 in prod", 60)}, Fix: "give analysts CAN_VIEW on job nightly_etl", Certain: true}
	owns := report.Finding{ID: "E07", Severity: report.High, Subject: carol, Gains: "every privilege on CATALOG main", Securable: &mainCatalog,
		Path: report.Path{carol.Name}, Acts: []string{}, Facts: []report.Fact{}, Certain: false, Why: "the owner of catalog main was not read"}
	r := &report.EscalationsReport{
		Envelope: envelope("escalations"),
		Findings: []report.Finding{runAs, join(bob, "helpdesk"), join(dave, "contractors", "helpdesk"), owns,
			{ID: "E20", Severity: report.Low, Subject: etl, Gains: "the token of whoever runs its cluster", Path: report.Path{etl.Name}, Acts: []string{"read the environment of the driver"},
				Facts: []report.Fact{{Source: "list the clusters of prod"}}, Fix: "use standard access mode", Certain: true}},
		Powers: []report.Power{
			{Power: workspaceAdmin, Scope: "prod", Reached: []report.Reach{
				{Principal: carol, Via: []string{}, Through: report.Path{carol.Name}, Certain: true},
				{Principal: bob, Steps: 2, Via: []string{"E03", "E14"}, Through: report.Path{bob.Name, "account-admins", "carol@acme.test"}, Certain: true},
			}},
			{Power: accountAdmin, Scope: "account", Reached: []report.Reach{
				{Principal: alice, Via: []string{}, Through: report.Path{alice.Name}, Certain: true},
				{Principal: bob, Steps: 1, Via: []string{"E03"}, Through: report.Path{bob.Name, "account-admins"}, Certain: true},
				{Principal: dave, Steps: 1, Via: []string{"E03"}, Through: report.Path{dave.Name, "account-admins"}, Certain: true},
			}},
			{Power: workspaceAdmin, Scope: "dev", Reached: []report.Reach{{Principal: carol, Via: []string{}, Through: report.Path{carol.Name}, Certain: true}}},
			{Power: metastoreAdmin, Scope: "eu-west", Reached: []report.Reach{}},
		},
		ChokePoints: []report.ChokePoint{
			{Finding: "E03", From: "helpdesk", To: "account-admins", Principals: 2, Powers: []string{"account_admin", "workspace_admin prod"}, Fix: "take the role Group manager on account-admins away from helpdesk"},
			{Finding: "E14", From: "account-admins", To: "workspace_admin prod", Principals: 1, Powers: []string{"workspace_admin prod"}},
		},
		Graph: report.Graph{
			Nodes: []report.GraphNode{
				{ID: "group:41", Kind: "group", Name: "account-admins"}, {ID: "user:31", Kind: "user", Name: "bob@acme.test"}, {ID: "user:33", Kind: "user", Name: "dave@acme.test"},
				{ID: "user:4711", Kind: "user", Name: "alice@acme.test"}, {ID: "group:42", Kind: "group", Name: "helpdesk"}, {ID: "account", Kind: "account", Name: "acme"},
				{ID: "service_principal:81", Kind: "service_principal", Name: "etl-nightly"}, {ID: "jobs:prod/991", Kind: "jobs", Name: "nightly_etl"},
				{ID: "CATALOG:eu-west/main", Kind: "CATALOG", Name: "main"}, {ID: "workspace:4411", Kind: "workspace", Name: "prod"},
			},
			Edges: []report.GraphEdge{
				{From: "user:31", To: "group:42", Kind: "member_of"}, {From: "user:33", To: "group:42", Kind: "member_of"},
				{From: "group:42", To: "group:41", Kind: "E03", Severity: report.Critical}, {From: "group:41", To: "account", Kind: "member_of"},
				{From: "user:4711", To: "jobs:prod/991", Kind: "E11", Severity: report.High}, {From: "jobs:prod/991", To: "service_principal:81", Kind: "E11", Severity: report.High},
				{From: "service_principal:81", To: "workspace:4411", Kind: "E20", Severity: report.Low}, {From: "user:31", To: "CATALOG:eu-west/main", Kind: "E07", Severity: report.Medium},
			},
		},
		NotLookedAt: []report.Unknowable{{Role: "E31", Why: "no API tells who may read the state of Terraform"}},
	}
	r.Request = subjectRequest{}
	return r
}

// escalationsSubject is an answer about one.
func escalationsSubject() *report.EscalationsReport {
	r := escalationsRich()
	r.Subject = &alice
	r.Request = subjectRequest{Who: alice.Name}
	r.Findings = r.Findings[:1]
	r.Powers = []report.Power{{Power: accountAdmin, Scope: "account", Reached: []report.Reach{{Principal: alice, Steps: 1, Via: []string{"E11"}, Through: path("etl-nightly"), Certain: true}}}}
	r.ChokePoints = []report.ChokePoint{}
	return r
}

func escalationsIncomplete() *report.EscalationsReport {
	r := escalationsRich()
	r.Findings = r.Findings[3:4]
	r.Findings[0].Acts, r.Findings[0].Facts, r.Findings[0].Path, r.Findings[0].Why = nil, nil, nil, ""
	r.Powers = []report.Power{{Power: accountAdmin, Scope: "account"}, {Power: metastoreAdmin, Scope: "eu-west", Reached: []report.Reach{}}}
	r.ChokePoints, r.NotLookedAt, r.Graph = nil, nil, report.Graph{}
	r.Coverage.Complete = false
	r.Coverage.Read = 20
	r.Coverage.Gaps = everyGap()
	return r
}

func escalationsEmpty() *report.EscalationsReport {
	r := escalationsRich()
	r.Findings, r.Powers, r.ChokePoints = []report.Finding{}, []report.Power{}, []report.ChokePoint{}
	r.Graph = report.Graph{Nodes: []report.GraphNode{}, Edges: []report.GraphEdge{}}
	return r
}

// escalationsNamed is a report in which every text from outside is the given one.
func escalationsNamed(s string, everybody bool) *report.EscalationsReport {
	p := named(s)
	on := p.Grants[0].Securable
	way := report.Path{s, s + "2"}
	thing := report.ObjectRef{Workspace: s, Type: s, ID: s, Name: s}
	r := &report.EscalationsReport{
		Envelope: p.Envelope, Subject: &p.Principal,
		Powers: []report.Power{
			{Power: s, Scope: s, Reached: []report.Reach{{Principal: p.Principal, Through: way}, {Principal: p.Principal, Steps: 1, Via: []string{s}, Through: way}}},
			{Power: accountAdmin, Scope: s},
		},
		ChokePoints: []report.ChokePoint{{Finding: s, From: s, To: s, Principals: 3, Powers: []string{s}, Fix: "x" + s}},
		Graph: report.Graph{
			Nodes: []report.GraphNode{{ID: s, Kind: s, Name: s}, {ID: s + "2", Kind: "user", Name: s}},
			Edges: []report.GraphEdge{{From: s, To: s + "2", Kind: s, Severity: s}, {From: s + "2", To: s + "3", Kind: "member_of"}},
		},
		NotLookedAt: []report.Unknowable{{Role: s, Why: s}},
	}
	if everybody {
		r.Subject = nil
	}
	for _, severity := range []string{report.Critical, report.Critical, "z" + s} {
		r.Findings = append(r.Findings, report.Finding{ID: s, Severity: severity, Subject: p.Principal, Gains: s, Securable: &on, Object: &thing, Principal: &p.Principal,
			Path: way, Acts: []string{s, s}, Facts: []report.Fact{{Source: "r" + s}}, Fix: "x" + s, Certain: severity == report.Critical, Why: s})
	}
	return r
}

// escalationsHostile has names that end strings and comments, and that read on, beside those that act
// on terminals.
func escalationsHostile() *report.EscalationsReport {
	r := escalationsNamed("x\x1b[2J\u202enimda\u200b\r\n\"]; evil -> node; // \\N &lt;b&gt;\x00\u2028\x9b\xff\\", true)
	r.Mode, r.ToolVersion = "escalations", "1.2.3"
	r.Graph.Nodes = append(r.Graph.Nodes, report.GraphNode{ID: "user:a", Kind: "user", Name: "<b>a</b>"}, report.GraphNode{ID: "USER:A", Kind: "user", Name: "*/ A"},
		report.GraphNode{ID: "user:a", Kind: "group", Name: "a again"}, report.GraphNode{})
	r.Graph.Edges = append(r.Graph.Edges, report.GraphEdge{From: "user:a", To: "USER:A", Kind: "member-of \"x\"", Severity: "high"}, report.GraphEdge{From: "user:a", To: "gone", Kind: "ключ"})
	r.Findings = append(r.Findings, report.Finding{ID: "E01", Severity: report.High, Subject: person("1", "eve (user, IdP, active): account admin"), Gains: "=1+1",
		Securable: ptr(object(identity.TypeCatalog, "a; b", "m", "")), Path: report.Path{"eve"}, Acts: []string{"one; 2. two"}, Certain: true})
	return r
}
