package core_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

func objectRows(r *report.PrincipalReport) (list []string) {
	for _, o := range r.Objects {
		usable := "?"
		if o.Usable != nil {
			usable = fmt.Sprint(*o.Usable)
		}
		list = append(list, strings.Join([]string{o.Workspace, o.Type, o.Name, o.Level, o.Source, strings.Join(o.Path, ">"), o.InheritedFrom, usable}, "|"))
	}
	return list
}

// TestPrincipalObjects lists what somebody may do with workspace objects. What it must list was worked out
// by hand from the account's data.
func TestPrincipalObjects(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	for words, want := range map[string][]string{
		"alice@acme.test --workspace-object-types instance_pools,clusters,secret_scopes": {
			"prod|clusters|alice-dev|CAN_MANAGE|direct|alice@acme.test||true",
			"prod|clusters|shared-legacy|CAN_RESTART|group|alice@acme.test>pipelines-oncall>data-engineering||true",
			"prod|instance_pools|small|CAN_MANAGE|group|alice@acme.test>prod-local-ops@prod||true", // by a group of the workspace alone
			"prod|secret_scopes|prod-creds|MANAGE|direct|alice@acme.test||true",
		},
		"bob@acme.test --workspace-object-types notebooks,directories": {
			"prod|directories|/Shared|CAN_MANAGE|implicit|bob@acme.test>analysts>users@prod||true",
			"prod|directories|/Shared/etl|CAN_MANAGE|implicit|bob@acme.test>analysts>users@prod|/directories/9001|true",
			"prod|notebooks|/Shared/etl/ingest|CAN_MANAGE|implicit|bob@acme.test>analysts>users@prod|/directories/9001|true",
			"prod|notebooks|/Users/alice@acme.test/scratch|CAN_RUN|direct|bob@acme.test||true",
			"analytics-eu|directories|/Shared|CAN_MANAGE|implicit|bob@acme.test>account users>users@analytics-eu||true",
		},
		"frank@acme.test --workspace-object-types jobs --workspace-urls prod": { // he is deactivated
			"prod|jobs|frank_weekly_report|IS_OWNER|direct|frank@acme.test||false",
			"prod|jobs|nightly_etl|CAN_MANAGE_RUN|group|frank@acme.test>pipelines-oncall||false",
		},
	} {
		r := ask[*report.PrincipalReport](t, g, parse(t, append([]string{"principal"}, strings.Fields(words)...)...))
		got := objectRows(r)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", words, diff)
		}
		if !r.Coverage.Complete {
			t.Errorf("%s: not complete: %+v", words, r.Coverage.Gaps)
		}
	}
	r := ask[*report.PrincipalReport](t, g, parse(t, "principal", "bob@acme.test"))
	if r.Objects != nil || r.LocalGroups != nil {
		t.Errorf("what was not asked for is %v and %v, not null", r.Objects, r.LocalGroups)
	}
}

// TestPrincipalLocalGroups lists the groups of one workspace alone, the legacy ones and not those that
// Databricks keeps for everybody and for admins.
func TestPrincipalLocalGroups(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	r := ask[*report.PrincipalReport](t, g, parse(t, "principal", "alice@acme.test", "--check-local-groups"))
	yes, no, two, one := true, false, 2, 1
	want := []report.LocalGroup{
		{Workspace: "prod", Group: "prod-local-ops", ID: "8101", Members: &two, SameName: &no},
		{Workspace: "staging", Group: "analysts", ID: "8102", Members: &one, SameName: &yes},
	}
	if diff := cmp.Diff(want, r.LocalGroups); diff != "" {
		t.Error(diff)
	}
	in := slices.IndexFunc(r.Memberships, func(m report.Membership) bool { return m.Group.Name == "prod-local-ops" })
	if in < 0 || !r.Memberships[in].Direct || r.Objects != nil || !r.Coverage.Complete {
		t.Errorf("%+v\n%+v", r.Memberships, r.Coverage)
	}
	server.SetFaults(mustFault(t, "GET /api/2.0/preview/scim/v2/Groups status=403"))
	r = ask[*report.PrincipalReport](t, g, parse(t, "principal", "alice@acme.test", "--check-local-groups"))
	if len(r.LocalGroups) != 0 || !r.Coverage.InDoubt(report.ListLocalGroups) {
		t.Errorf("the lists were refused, and the answer is %+v over %+v", r.LocalGroups, r.Coverage)
	}
}

func mustFault(t *testing.T, text string) sandbox.Fault {
	t.Helper()
	f, err := sandbox.ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestObjectGaps tells a feature that is off, which has no objects, from one that was not to be seen.
func TestObjectGaps(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	for fault, want := range map[string]struct {
		operation string
		kind      identity.FailureKind
		blocking  bool
	}{
		"GET /api/2.0/serving-endpoints status=404 error_code=FEATURE_DISABLED":                 {"list serving endpoints", identity.Unsupported, false},
		"GET /api/2.0/serving-endpoints status=403":                                             {"list serving endpoints", identity.Forbidden, true},
		"GET /api/2.0/workspace/list query=path=%2FShared status=403":                           {"list what lies in /Shared", identity.Forbidden, true},
		"GET /api/2.0/permissions/jobs/501 status=403":                                          {"read permissions on job nightly_etl", identity.Forbidden, true},
		"GET /api/2.0/permissions/authorization/tokens status=404 error_code=FEATURE_DISABLED":  {"read permissions on token permissions tokens", identity.Unsupported, false},
		"GET /api/2.0/preview/scim/v2/Groups status=403":                                        {"list the entitlements of groups", identity.Forbidden, true},
		"GET /api/2.0/mlflow/databricks/registered-models/get status=500 error_code=INTERNAL_X": {"list registered models", identity.Failed, true},
	} {
		server.SetFaults(mustFault(t, fault))
		r := ask[*report.PrincipalReport](t, g, parse(t, "principal", "bob@acme.test", "--workspace-urls", "prod", "--workspace-object-types", "jobs,serving_endpoints,directories,tokens,registered_models"))
		i := slices.IndexFunc(r.Coverage.Gaps, func(x report.Gap) bool { return x.Operation == want.operation })
		if i < 0 {
			t.Errorf("%s: no gap %q in %+v", fault, want.operation, r.Coverage.Gaps)
			continue
		}
		gap := r.Coverage.Gaps[i]
		if gap.Kind != want.kind || gap.Blocking != want.blocking || r.Coverage.Complete == want.blocking || !slices.Contains(gap.Affects, report.ListObjects) {
			t.Errorf("%s: %+v, complete %v", fault, gap, r.Coverage.Complete)
		}
	}
	server.SetFaults()
	r := ask[*report.PrincipalReport](t, g, parse(t, "principal", "bob@acme.test", "--workspace-urls", "prod", "--scan-workspace-objects"))
	if !slices.ContainsFunc(r.Coverage.Gaps, func(x report.Gap) bool {
		return x.Operation == "list notebooks" && x.Kind == identity.NotAsked && !x.Blocking && strings.Contains(x.Message, "named")
	}) {
		t.Errorf("the tree was left out without a word: %+v", r.Coverage.Gaps)
	}
}

// TestR09_ObjectsSurviveFailedCalls refuses each single call in turn: whatever disappears leaves a named
// gap, and nothing is claimed that the whole answer does not.
func TestR09_ObjectsSurviveFailedCalls(t *testing.T) {
	types := "jobs,instance_pools,secret_scopes,notebooks,files,sql_warehouses,tokens"
	for name, q := range map[string]query.Request{
		"principal": parse(t, "principal", "alice@acme.test", "--workspace-object-types", types, "--workspace-urls", "prod,staging", "--check-local-groups"),
		"compare":   parse(t, "compare", "alice@acme.test", "bob@acme.test", "--workspace-object-types", types, "--workspace-urls", "prod,staging"),
	} {
		eachRefused(t, name, q, func(t *testing.T, full, again report.Report) {
			switch r := again.(type) {
			case *report.PrincipalReport:
				was := full.(*report.PrincipalReport)
				for _, problem := range dishonest(t, r, was) {
					t.Error(problem)
				}
				for _, o := range r.Objects {
					if !slices.ContainsFunc(was.Objects, func(x report.Object) bool {
						same := x.Workspace == o.Workspace && x.Type == o.Type && x.ID == o.ID
						return same && identity.ObjectType(o.Type).Includes(identity.Level(x.Level), identity.Level(o.Level)) && (o.Usable == nil || *o.Usable == *x.Usable)
					}) {
						t.Errorf("claims %+v, which the whole answer does not", o)
					}
				}
			case *report.CompareReport:
				stays(t, objectSides(full.(*report.CompareReport)), objectSides(r), r.Coverage)
			}
		})
	}
}

// objectSides is on which side each level on an object is.
func objectSides(r *report.CompareReport) map[string]string {
	sides := map[string]string{}
	for side, list := range map[string][]report.ComparedObject{"a": r.Objects.OnlyInA, "b": r.Objects.OnlyInB, "both": r.Objects.InBoth} {
		for _, o := range list {
			sides[strings.Join([]string{o.Workspace, o.Type, o.ID, o.Level}, " ")] = side
		}
	}
	return sides
}

// TestObjectDoors asks who can use each of a few objects, of everybody whether they can, and of each what
// they can: answers made from different reads agree.
func TestObjectDoors(t *testing.T) {
	account := sandbox.Acme()
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	objects := []struct {
		t          identity.ObjectType
		name, from string
	}{
		{identity.ObjectJob, "nightly_etl", "prod"}, {identity.ObjectJob, "finance_close", "prod"}, {identity.ObjectInstancePool, "small", "prod"},
		{identity.ObjectWarehouse, "staging", "staging"}, {identity.ObjectNotebook, "/Users/alice@acme.test/scratch", "prod"}, {identity.ObjectSecretScope, "prod-creds", "prod"},
	}
	var types []string
	who := make([]*report.ResourceReport, len(objects))
	for i, o := range objects {
		types = append(types, string(o.t))
		who[i] = ask[*report.ResourceReport](t, g, parse(t, "resource", o.name, "--resource-type", string(o.t), "--workspace", o.from))
	}
	for _, k := range everybodyIn(account) {
		own := ask[*report.PrincipalReport](t, g, parse(t, "principal", k, "--workspace-object-types", strings.Join(types, ","), "--workspace-urls", "prod,staging"))
		for i, o := range objects {
			can := ask[*report.CanReport](t, g, parse(t, "can", k, "manage", o.name, "--resource-type", string(o.t), "--workspace", o.from))
			lists := slices.ContainsFunc(own.Objects, func(x report.Object) bool {
				return x.Workspace == o.from && x.Type == string(o.t) && x.ID == who[i].Object.ID && x.Level == string(o.t.Highest()) && x.Usable != nil && *x.Usable
			})
			holds := slices.ContainsFunc(who[i].Access, func(a report.Access) bool {
				return a.Principal.ID == own.Principal.ID && a.Verdict == report.Allow && a.Privileges[0] == identity.Privilege(o.t.Highest())
			})
			if yes := can.Verdict == report.Allow; lists != yes || holds != yes {
				t.Errorf("%s on %s: can says %s, resource %v, principal %v", k, o.name, can.Verdict, holds, lists)
			}
		}
	}
}

// TestObjectsFromTheirOwnSnapshot answers again from the facts of the first answer, and says of what was
// not read that it was not.
func TestObjectsFromTheirOwnSnapshot(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	for _, words := range []string{
		"principal bob@acme.test --scan-workspace-objects --check-local-groups", "principal bob@acme.test --workspace-object-types directories,notebooks",
		"principal niaj@acme.test --escalation-check --scan-workspace-objects --workspace-urls prod",
	} {
		var kept *core.Snapshot
		q := parse(t, strings.Fields(words)...)
		first := ask[*report.PrincipalReport](t, engineKeeping(t, server, &kept), q)
		file := fromFile(t, kept)
		again := ask[*report.PrincipalReport](t, file, q)
		if diff := cmp.Diff(facts(t, first), facts(t, again)); diff != "" || first.Coverage.Complete != again.Coverage.Complete {
			t.Errorf("%s: %s\n%v", words, diff, again.Coverage.Gaps)
		}
		if len(first.Objects) == 0 {
			t.Errorf("%s: nothing to compare", words)
		}
		deeper := ask[*report.PrincipalReport](t, file, parse(t, "principal", first.Principal.Name, "--workspace-object-types", "files,repos"))
		if !deeper.Coverage.InDoubt(report.ListObjects) {
			t.Errorf("%s: files were not read, and are said to be none", words)
		}
	}
}
