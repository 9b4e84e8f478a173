package formatters

import (
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

type canRequest struct {
	Who      string `json:"who"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

var (
	mainCatalog = object(identity.TypeCatalog, "main", "eu-west", "platform")
	salesSchema = object(identity.TypeSchema, "main.sales", "eu-west", "heidi@acme.test")
	orders      = object(identity.TypeTable, "main.sales.orders", "eu-west", "data-engineering")
)

// fact is one that was read in this many seconds before noon.
func fact(source string, seconds int) report.Fact {
	return report.Fact{Source: source, ReadAt: noon.Add(-time.Duration(seconds) * time.Second)}
}

func canQuestion(verdict report.Verdict) *report.CanReport {
	r := &report.CanReport{
		Envelope: envelope("can"), Subject: alice, Action: "SELECT", Resource: orders, Verdict: verdict,
		Tiers:       report.Tiers{Granted: report.No, Reachable: report.No, Exercisable: report.NotChecked},
		ReachableIn: []string{}, Proofs: []report.Proof{}, Missing: []report.MissingSet{}, Acts: []report.Act{}, Caveats: []string{},
	}
	r.Request = canRequest{Who: "alice@acme.test", Action: "SELECT", Resource: "main.sales.orders"}
	return r
}

// canAllow has two proofs, with a step of nearly every kind.
func canAllow() *report.CanReport {
	r := canQuestion(report.Allow)
	r.Tiers = report.Tiers{Granted: report.Yes, Reachable: report.Yes, Exercisable: report.NotChecked}
	r.ReachableIn = []string{"prod", "staging"}
	usage := []report.Step{
		{Kind: report.StepActive, Principal: alice.Name, Fact: fact("read user alice@acme.test", 90)},
		{Kind: report.StepMember, Principal: alice.Name, Group: "pipelines-oncall", Fact: fact("read the members of group pipelines-oncall", 80)},
		{Kind: report.StepMember, Principal: "pipelines-oncall", Group: "data-engineering", Fact: fact("read the members of group data-engineering", 80)},
		{Kind: report.StepGrant, Principal: "data-engineering", Privilege: "USE_CATALOG", Securable: &mainCatalog, Fact: fact("read grants on catalog main", 60)},
		{Kind: report.StepGrant, Principal: "data-engineering", Privilege: "USE_SCHEMA", Securable: &mainCatalog, Fact: fact("read grants on catalog main", 60)},
		{Kind: report.StepInherits, Securable: &mainCatalog},
	}
	r.Proofs = []report.Proof{
		{Workspace: "prod", Steps: append(usage[:6:6],
			report.Step{Kind: report.StepOwner, Principal: "data-engineering", Securable: &orders, Fact: fact("read table main.sales.orders", 50)},
			report.Step{Kind: report.StepAssigned, Principal: alice.Name, Workspace: "prod", Detail: "USER", Group: "engineering", Fact: fact("read the assignments of workspace prod", 40)},
			report.Step{Kind: report.StepAttached, Workspace: "prod", Fact: fact("read the metastore assignment of workspace prod", 40)},
			report.Step{Kind: report.StepBinding, Securable: &mainCatalog, Workspace: "prod", Detail: "read and write", Fact: fact("read the bindings of catalog main", 30)},
		)},
		{Workspace: "staging", Steps: append(usage[:6:6],
			report.Step{Kind: report.StepImplicit, Principal: alice.Name, Group: "account users"},
			report.Step{Kind: report.StepGrant, Principal: "account users", Privilege: "ALL_PRIVILEGES", Securable: &salesSchema, Fact: fact("read grants on schema main.sales", 60)},
			report.Step{Kind: report.StepExpands, Privilege: "SELECT", Securable: &salesSchema, Detail: "ALL_PRIVILEGES"},
			report.Step{Kind: report.StepSame, Principal: alice.Name, Group: alice.Aliases[0], Fact: fact("list the users", 95)},
			report.Step{Kind: report.StepAncestor, Principal: alice.Name, Group: "engineering", Fact: fact("read the groups of user alice@acme.test", 70)},
			report.Step{Kind: report.StepAssigned, Principal: "engineering", Workspace: "staging", Detail: "USER", Fact: fact("read the assignments of workspace staging", 40)},
			report.Step{Kind: report.StepAttached, Securable: ptr(object(identity.TypeMetastore, "eu-west", "eu-west", "")), Workspace: "staging", Fact: report.Fact{ReadAt: noon}},
			report.Step{Kind: "quorum", Principal: alice.Name, Workspace: "staging", Fact: fact("ask two others", 1)},
		)},
	}
	r.ProofsOmitted = false
	r.Caveats = []string{"a row filter of main.sales.orders may hide rows", "taking over an old name is assumed not to happen"}
	return r
}

func canDeny() *report.CanReport {
	r := canQuestion(report.Deny)
	r.Missing = []report.MissingSet{
		{Workspace: "prod", Facts: []report.Missing{
			{Kind: report.StepGrant, Privilege: "USE_SCHEMA", Securable: &salesSchema, Known: true, Suppliers: []string{"heidi@acme.test", "platform"}},
		}},
		{Workspace: "staging", Facts: []report.Missing{
			{Kind: report.StepGrant, Privilege: "USE_SCHEMA", Securable: &salesSchema, Known: true, Suppliers: []string{"heidi@acme.test", "platform"}},
			{Kind: report.StepAssigned, Workspace: "staging", Known: true, Suppliers: []string{"account admins"}},
			{Kind: report.StepBinding, Securable: &mainCatalog, Workspace: "staging", Known: true, Suppliers: []string{}},
		}},
	}
	return r
}

// canLatent is of one who is deactivated and would be allowed by two proofs otherwise.
func canLatent() *report.CanReport {
	r := canQuestion(report.Deny)
	r.Subject.Active = ptr(false)
	r.Missing = []report.MissingSet{{Facts: []report.Missing{{Kind: report.StepActive, Known: true, Suppliers: []string{"account admins"}}}}}
	r.Latent = []report.Proof{
		{Workspace: "prod", Steps: []report.Step{
			{Kind: report.StepMember, Principal: alice.Name, Group: "analysts", Fact: fact("read the members of group analysts", 80)},
			{Kind: report.StepGrant, Principal: "analysts", Privilege: "SELECT", Securable: &orders, Fact: fact("read grants on table main.sales.orders", 60)},
		}},
		{Steps: []report.Step{{Kind: report.StepOwner, Principal: alice.Name, Securable: &mainCatalog, Fact: fact("read catalog main", 60)}}},
	}
	return r
}

func canIndirect() *report.CanReport {
	r := canDeny()
	r.Verdict = report.Indirect
	r.Workspace = "prod"
	r.Missing = r.Missing[:1]
	r.Acts = []report.Act{
		{Description: "GRANT USE_SCHEMA ON SCHEMA main.sales TO alice@acme.test", Securable: &salesSchema, Because: "owner of catalog main", Path: path("platform")},
		{Description: "GRANT SELECT ON TABLE main.sales.orders TO alice@acme.test", Securable: &orders, Because: "MANAGE on schema main.sales", Path: path()},
	}
	r.Caveats = []string{"both acts are in the audit log"}
	r.Coverage.Gaps = everyGap()[:1]
	return r
}

func canUnknown() *report.CanReport {
	r := canQuestion(report.Unknown)
	r.Tiers = report.Tiers{Granted: report.NotKnown, Reachable: report.NotKnown, Exercisable: report.NotKnown}
	r.Missing = []report.MissingSet{
		{Workspace: "prod", Facts: []report.Missing{
			{Kind: report.StepGrant, Privilege: "USE_CATALOG", Securable: &mainCatalog, Read: "read grants on catalog main", Suppliers: []string{"platform"}},
			{Kind: report.StepActive, Read: "read user alice@acme.test"},
		}},
		{Workspace: "prod", Facts: []report.Missing{
			{Kind: report.StepMember, Privilege: "SELECT", Read: "read grants on catalog main", Suppliers: []string{}},
			{Kind: report.StepOwner, Securable: &orders, Known: true, Suppliers: []string{"data-engineering"}},
		}},
	}
	r.Coverage.Complete = false
	r.Coverage.Read = 24
	r.Coverage.Gaps = []report.Gap{{Scope: "metastore eu-west", Operation: "read grants on CATALOG main", Kind: identity.Forbidden, Status: 403,
		Message: "User does not have MANAGE on Catalog 'main'.", Effect: "grants on this catalog and below are not shown",
		Affects: []string{listProofs, listMissing}, Blocking: true}}
	return r
}

// canNamed is a report of one verdict in which every text from outside is the given one.
func canNamed(s string, verdict report.Verdict) *report.CanReport {
	p := named(s)
	on := p.Grants[0].Securable
	thing := report.ObjectRef{Workspace: s, Type: s, ID: s, Name: s}
	r := &report.CanReport{
		Envelope: p.Envelope, Subject: p.Principal, Action: identity.Privilege(s), Resource: on, Workspace: s, Verdict: verdict,
		Tiers:       report.Tiers{Granted: report.Answer(s), Reachable: report.Answer(s), Exercisable: report.Answer(s)},
		ReachableIn: []string{s}, ProofsOmitted: true, Caveats: []string{s, s},
		Acts: []report.Act{{Kind: s, Description: s, Securable: &on, Privilege: identity.Privilege(s), Principal: s, Role: s, Workspace: s,
			Object: &thing, Level: s, Because: s, Path: p.Memberships[0].Paths[0]}},
	}
	proof := report.Proof{Workspace: s}
	set := report.MissingSet{Workspace: s}
	kinds := []string{report.StepActive, report.StepMember, report.StepImplicit, report.StepSame, report.StepAncestor, report.StepGrant,
		report.StepExpands, report.StepInherits, report.StepOwner, report.StepAssigned, report.StepAttached, report.StepBinding,
		report.StepDefiner, report.StepAssume, report.StepRole, report.StepACL, report.StepEntitlement, report.StepSetting, report.StepCompute, s}
	if verdict != report.Deny { // the sections are the same for all
		kinds = []string{s}
	}
	for _, kind := range kinds {
		proof.Steps = append(proof.Steps, report.Step{Kind: kind, Principal: s, Group: s, Privilege: identity.Privilege(s), Securable: &on,
			Workspace: s, Object: &thing, Detail: s, Fact: report.Fact{Source: s, ReadAt: noon}})
		set.Facts = append(set.Facts, report.Missing{Kind: kind, Privilege: identity.Privilege(s), Securable: &on, Workspace: s,
			Object: &thing, Principal: s, Detail: s, Known: verdict == report.Deny, Read: s, Suppliers: []string{s}})
	}
	r.Proofs, r.Missing = []report.Proof{proof}, []report.MissingSet{set}
	if verdict == report.Deny {
		r.Latent = []report.Proof{proof, {Workspace: s}}
	}
	return r
}

// canNamedThing is canNamed about a workspace object, a workspace or a principal.
func canNamedThing(s string, about identity.SecurableType, action identity.Privilege) *report.CanReport {
	r := canNamed(s, report.Deny)
	r.Action, r.Resource = action, report.Securable{Type: about, FullName: s}
	if isObject(about) {
		r.Object = &report.ObjectRef{Workspace: s, Type: string(about), ID: s, Name: s}
	} else { // the steps are those of objects
		r.Proofs, r.Missing = r.Proofs[:0], r.Missing[:0]
	}
	for _, p := range r.Proofs {
		for i := range p.Steps {
			p.Steps[i].Securable = nil
		}
	}
	for _, m := range r.Missing {
		for i := range m.Facts {
			m.Facts[i].Securable = nil
		}
	}
	return r
}

// canHostile has names that read on as sentences beside those that act on terminals.
func canHostile() *report.CanReport {
	r := canNamed("x\x1b[2J\u202enimda\u200b\r\nALLOW: x can y\x00\u2028\x9b\xff", report.Deny)
	r.Mode, r.ToolVersion = "can", "1.2.3"
	r.Subject.Name = "bob can SELECT on TABLE t; eve"
	r.Missing = append(r.Missing, report.MissingSet{Facts: []report.Missing{{Kind: report.StepGrant, Privilege: "SELECT", Securable: &orders, Known: true,
		Suppliers: []string{"a or b", "=1+1", `say "x"`, "(nobody)"}}}})
	r.Proofs = append(r.Proofs, report.Proof{Steps: []report.Step{
		{Kind: report.StepMember, Principal: "eve", Group: "admins (read the members of group admins)", Fact: report.Fact{Source: "@SUM(1)"}},
		{Kind: report.StepGrant, Principal: "a has SELECT on t and b", Privilege: "SELECT", Securable: &orders},
	}}, report.Proof{Steps: []report.Step{}})
	return r
}

type resourceRequest struct {
	Resource string `json:"resource"`
}

// person is a user whose record was read.
func person(id, userName string) report.Principal {
	return report.Principal{ID: id, Kind: "user", Name: userName, Source: "idp", Active: ptr(true), Aliases: []string{}}
}

// gives is one way to hold something on the table, usable in the workspaces.
func gives(p report.Principal, source string, on report.Securable, holder string, between []string, in []string, ps ...identity.Privilege) report.Access {
	way := append(report.Path{p.Name}, between...)
	if holder != p.Name {
		way = append(way, holder)
	}
	return report.Access{Principal: p, Privileges: ps, Source: source, GrantedOn: on, Via: holder, Path: way,
		Verdict: report.Allow, ReachableIn: in, Missing: []string{}}
}

func lacking(a report.Access, verdict report.Verdict, missing ...string) report.Access {
	a.Verdict, a.ReachableIn, a.Missing = verdict, []string{}, missing
	return a
}

// byActs comes to its access by becoming and acting as another.
func byActs(a report.Access) report.Access {
	a.Acts = []report.Act{
		{Kind: report.ActJoin, Description: "add itself to the group deployers", Principal: "deployers", Because: "manager of group deployers", Path: report.Path{a.Principal.Name}},
		{Kind: report.ActRunAs, Description: "run a job as etl-nightly; it is in platform", Principal: "etl-nightly", Because: "Service principal user of etl-nightly",
			Path: report.Path{a.Principal.Name, "deployers"}},
	}
	return a
}

// resourceRich has ways of every source and verdict.
func resourceRich() *report.ResourceReport {
	r := &report.ResourceReport{Envelope: envelope("resource"), Resource: orders, Containers: []report.Securable{salesSchema, mainCatalog}}
	r.Request = resourceRequest{Resource: "main.sales.orders"}
	both := []string{"prod", "staging"}
	bot := report.Principal{ID: "81", Kind: "service_principal", Name: "1b2c3d4e-0000-4000-8000-000000000001", DisplayName: "etl-prod", Source: "databricks", Active: ptr(true), Aliases: []string{}}
	engineering, analysts := group("21", "data-engineering", "idp"), group("22", "analysts", "idp")
	bob, carol, dave, erin := person("31", "bob@acme.test"), person("32", "carol@acme.test"), person("33", "dave@acme.test"), person("34", "erin@acme.test")
	erin.Active = ptr(false)
	heidi, root, ivan := person("35", "heidi@acme.test"), person("36", "root@acme.test"), person("37", "ivan@acme.test")
	r.Access = []report.Access{
		gives(engineering, report.AccessOwner, orders, engineering.Name, nil, both, report.Owner),
		gives(alice, report.AccessOwner, orders, engineering.Name, []string{"pipelines-oncall"}, both, report.Owner),
		gives(alice, report.AccessInherited, salesSchema, analysts.Name, nil, both, "SELECT", "USE_SCHEMA"),
		gives(analysts, report.AccessInherited, salesSchema, analysts.Name, nil, both, "SELECT", "USE_SCHEMA"),
		gives(bob, report.AccessInherited, salesSchema, analysts.Name, nil, []string{"prod"}, "SELECT", "USE_SCHEMA"),
		gives(carol, report.AccessDirect, orders, carol.Name, nil, []string{"prod"}, "SELECT"),
		gives(dave, report.AccessDirect, orders, dave.Name, nil, []string{"staging"}, "MODIFY", "SELECT"),
		gives(bot, report.AccessInherited, mainCatalog, bot.Name, nil, both, "ALL_PRIVILEGES"),
		lacking(gives(carol, report.AccessInherited, mainCatalog, "account users", nil, nil, "MODIFY"), report.Deny, "USE_SCHEMA on SCHEMA main.sales"),
		lacking(gives(erin, report.AccessDirect, orders, erin.Name, nil, nil, "SELECT"), report.Deny, "an active identity", "USE_CATALOG on CATALOG main"),
	}
	r.Indirect = []report.Access{
		lacking(gives(heidi, report.AccessOwner, salesSchema, heidi.Name, nil, nil, report.Owner), report.Indirect),
		lacking(gives(ivan, report.AccessOwner, mainCatalog, "platform", nil, nil, report.Owner), report.Indirect),
		lacking(gives(root, report.AccessRole, object(identity.TypeMetastore, "eu-west", "eu-west", "platform-admins"), "platform-admins", nil, nil, "METASTORE_ADMIN"), report.Indirect),
		byActs(lacking(gives(person("38", "judy@acme.test"), report.AccessOwner, mainCatalog, "platform", nil, nil, report.Owner), report.Indirect)),
	}
	return r
}

func resourceIncomplete() *report.ResourceReport {
	r := resourceRich()
	r.Access = append(r.Access[1:3:3],
		lacking(gives(person("31", "bob@acme.test"), report.AccessInherited, salesSchema, "analysts", nil, nil, "SELECT"), report.Unknown, "USE_CATALOG on CATALOG main: grants were not read"),
		report.Access{Principal: report.Principal{ID: "99", Kind: "unknown", Source: "unknown"}, Source: "direct", GrantedOn: orders, Via: "deleted", Verdict: report.Unknown})
	r.Access[0].ReachableIn = nil
	r.Indirect = nil
	r.Containers = nil
	r.Resource.Owner = nil
	r.Coverage.Complete = false
	r.Coverage.Read = 20
	r.Coverage.Gaps = everyGap()
	return r
}

func resourceEmpty() *report.ResourceReport {
	r := resourceRich()
	r.Resource = object(identity.TypeVolume, "main.sales.attic", "eu-west", "")
	r.Request = resourceRequest{Resource: "main.sales.attic"}
	r.Access, r.Indirect = []report.Access{}, []report.Access{}
	return r
}

// resourceNamed is a report in which every text from outside is the given one.
func resourceNamed(s string, object bool) *report.ResourceReport {
	p := named(s)
	on := p.Grants[0].Securable
	r := &report.ResourceReport{Envelope: p.Envelope, Resource: on, Containers: []report.Securable{on, mainCatalog}}
	if object {
		r.Object = &report.ObjectRef{Workspace: s, Type: s, ID: s + "3", Name: s}
	}
	verdicts := []report.Verdict{report.Allow, report.Unknown, report.Deny, report.Indirect, report.Verdict(s)}
	for i, source := range []string{report.AccessDirect, report.AccessInherited, report.AccessOwner, report.AccessRole, s} {
		r.Access = append(r.Access, report.Access{Principal: p.Principal, Privileges: []identity.Privilege{identity.Privilege(s)}, Source: source,
			GrantedOn: on, Via: s, Path: report.Path{s, s + "2"}, Verdict: verdicts[i], ReachableIn: []string{s}, Missing: []string{s}})
	}
	other := r.Access[0]
	other.Principal.Kind, other.Verdict = "service_principal", report.Indirect
	other.Acts = []report.Act{{Kind: s, Description: s, Because: s, Path: report.Path{s, s + "2"}}, {Kind: s, Description: s}}
	r.Indirect = []report.Access{other}
	return r
}

// nightly and warehouse are workspace objects.
var (
	nightly   = report.ObjectRef{Workspace: "prod", Type: "jobs", ID: "991", Name: "nightly_etl"}
	warehouse = report.ObjectRef{Workspace: "prod", Type: "sql_warehouses", ID: "8f3a", Name: "BI, shared"}
)

func canObject(verdict report.Verdict, level identity.Privilege, o report.ObjectRef) *report.CanReport {
	r := canQuestion(verdict)
	r.Action, r.Object = level, &o
	r.Resource = report.Securable{Type: identity.SecurableType(o.Type), FullName: o.Name}
	r.Request = canRequest{Who: "alice@acme.test", Action: string(level), Resource: o.Name}
	return r
}

// canJob is allowed by a permission on a workspace object, in steps of the kinds that objects have.
func canJob() *report.CanReport {
	r := canObject(report.Allow, "CAN_MANAGE", nightly)
	r.Tiers = report.Tiers{Granted: report.Yes, Reachable: report.Yes, Exercisable: report.Yes}
	r.ReachableIn = []string{"prod"}
	r.Proofs = []report.Proof{{Workspace: "prod", Steps: []report.Step{
		{Kind: report.StepActive, Principal: alice.Name, Fact: fact("read user alice@acme.test", 90)},
		{Kind: report.StepRole, Principal: alice.Name, Group: "etl-nightly", Detail: "roles/servicePrincipal.user", Fact: fact("read the rules of service principal etl-nightly", 70)},
		{Kind: report.StepAssume, Principal: alice.Name, Group: "etl-nightly"},
		{Kind: report.StepACL, Principal: "etl-nightly", Object: &nightly, Detail: "CAN_MANAGE", Fact: fact("read the permissions of job 991 in prod", 60)},
		{Kind: report.StepACL, Principal: "etl-nightly", Object: &nightly, Detail: "CAN_MANAGE, inherited from /Shared", Fact: fact("read the permissions of job 991 in prod", 60)},
		{Kind: report.StepEntitlement, Principal: "etl-nightly", Workspace: "prod", Detail: "workspace-access", Fact: fact("read the entitlements in prod", 50)},
		{Kind: report.StepOwner, Principal: "etl-nightly", Object: &nightly, Fact: fact("read job 991 in prod", 50)},
		{Kind: report.StepCompute, Principal: "etl-nightly", Workspace: "prod", Detail: "any cluster will do"},
		{Kind: "quorum", Principal: alice.Name, Object: &nightly},
	}}}
	return r
}

// canWorkspace lacks what it takes to create something in a workspace.
func canWorkspace() *report.CanReport {
	r := canQuestion(report.Deny)
	r.Action, r.Resource = "create cluster", report.Securable{Type: typeWorkspace, FullName: "prod"}
	r.Request = canRequest{Who: "alice@acme.test", Action: "create cluster", Resource: "prod"}
	r.Workspace = "prod"
	r.Tiers.Exercisable = report.No
	r.Missing = []report.MissingSet{
		{Workspace: "prod", Facts: []report.Missing{
			{Kind: report.StepEntitlement, Workspace: "prod", Detail: "allow-cluster-create", Known: true, Suppliers: []string{"admins"}},
		}},
		{Workspace: "prod", Facts: []report.Missing{
			{Kind: report.StepAssigned, Workspace: "prod", Detail: "ADMIN", Known: true, Suppliers: []string{"account admins"}},
			{Kind: report.StepCompute, Workspace: "prod", Read: "list the SQL warehouses of prod", Suppliers: []string{}},
			{Kind: report.StepACL, Object: &warehouse, Detail: "CAN_USE", Known: true, Suppliers: []string{"bob@acme.test"}},
		}},
	}
	return r
}

// canSetting is kept from it by a setting that holds for all.
func canSetting() *report.CanReport {
	r := canQuestion(report.Deny)
	r.Action = "EXTERNAL_USE_SCHEMA"
	r.Resource = salesSchema
	r.Request = canRequest{Who: "alice@acme.test", Action: "EXTERNAL_USE_SCHEMA", Resource: "main.sales"}
	r.Missing = []report.MissingSet{{Facts: []report.Missing{{Kind: report.StepSetting, Detail: "external_access_enabled", Known: true,
		Securable: ptr(object(identity.TypeMetastore, "acme-us", "acme-us", "metastore admins")), Suppliers: []string{"metastore admins"}}}}}
	return r
}

// canAct would be able to act as another by giving itself a role; proofs were not asked for.
func canAct() *report.CanReport {
	r := canQuestion(report.Indirect)
	r.Action, r.Resource = "impersonate", report.Securable{Type: typePrincipal, FullName: "etl-nightly"}
	r.Request = map[string]any{"who": "alice@acme.test", "action": "impersonate", "resource": "etl-nightly", "why": false, "why_not": true}
	r.Proofs = nil
	r.Missing = []report.MissingSet{
		{Facts: []report.Missing{{Kind: report.StepRole, Principal: "etl-nightly", Detail: "roles/servicePrincipal.user", Known: true, Suppliers: []string{"etl-owners"}}}},
		{Facts: []report.Missing{{Kind: report.StepAssume, Principal: "etl-nightly", Known: true, Suppliers: []string{"etl-owners"}}}},
	}
	r.Acts = []report.Act{
		{Kind: report.ActTakeRole, Description: "give itself the role Service principal user on etl-nightly", Principal: "etl-nightly", Role: "roles/servicePrincipal.user",
			Because: "Service principal manager of etl-nightly", Path: path("etl-owners")},
		{Kind: report.ActPermit, Description: "give itself CAN_MANAGE on job nightly_etl", Object: &nightly, Level: "CAN_MANAGE", Workspace: "prod",
			Because: "workspace admin of prod", Path: path()},
	}
	return r
}

// canThroughView reads through a view; the proofs alone were asked for.
func canThroughView() *report.CanReport {
	r := canQuestion(report.Allow)
	r.Request = map[string]any{"who": "alice@acme.test", "action": "SELECT", "resource": "main.sales.orders", "why": true, "why_not": false}
	r.ReachableIn = []string{"prod"}
	r.Tiers = report.Tiers{Granted: report.Yes, Reachable: report.Yes, Exercisable: report.NotKnown}
	r.Missing, r.Acts = nil, nil
	view := object(identity.TypeTable, "main.sales.orders_v", "eu-west", "platform")
	r.Proofs = []report.Proof{{Workspace: "prod", Steps: []report.Step{
		{Kind: report.StepGrant, Principal: alice.Name, Privilege: "SELECT", Securable: &view, Fact: fact("read grants on table main.sales.orders_v", 60)},
		{Kind: report.StepDefiner, Principal: "platform", Securable: &view, Fact: fact("read table main.sales.orders_v", 60)},
		{Kind: report.StepGrant, Principal: "platform", Privilege: "SELECT", Securable: &orders, Fact: fact("read grants on table main.sales.orders", 60)},
	}}}
	return r
}

// resourceJob is about a workspace object: levels instead of privileges, and nothing of Unity Catalog.
func resourceJob() *report.ResourceReport {
	job := object("jobs", "nightly_etl", "prod", "bob@acme.test")
	folder := object("directories", "/Shared", "prod", "")
	bob, carol := person("31", "bob@acme.test"), person("32", "carol@acme.test")
	return &report.ResourceReport{
		Envelope: envelope("resource"), Resource: job, Object: &nightly, Containers: []report.Securable{folder},
		Access: []report.Access{
			gives(bob, report.AccessOwner, job, bob.Name, nil, []string{"prod"}, "IS_OWNER"),
			gives(alice, report.AccessDirect, job, "analysts", nil, []string{"prod"}, "CAN_MANAGE_RUN"),
			gives(alice, report.AccessInherited, folder, "analysts", nil, []string{"prod"}, "CAN_VIEW"),
		},
		Indirect: []report.Access{lacking(gives(carol, report.AccessRole, report.Securable{Type: typeWorkspace, FullName: "prod"}, "admins", nil, nil, "ADMIN"), report.Indirect)},
	}
}

// resourceWorkspace is about who may enter.
func resourceWorkspace() *report.ResourceReport {
	prod := report.Securable{Type: typeWorkspace, FullName: "prod"}
	bob, carol := person("31", "bob@acme.test"), person("32", "carol@acme.test")
	return &report.ResourceReport{
		Envelope: envelope("resource"), Resource: prod, Containers: []report.Securable{},
		Access: []report.Access{
			gives(bob, report.AccessDirect, prod, bob.Name, nil, []string{"prod"}, "ADMIN"),
			gives(alice, report.AccessDirect, prod, "analysts", nil, []string{"prod"}, "USER"),
			gives(carol, report.AccessRole, prod, "account admins", nil, []string{"prod"}, "ADMIN"),
		},
		Indirect: []report.Access{},
	}
}
