package formatters

import (
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

func TestResourceCountsEachPrincipalOnce(t *testing.T) {
	want := "TABLE main.sales.orders: 4 users, 1 service principal and 2 groups have access now (ALLOW), 1 more holds a right that cannot be used (DENY), 4 more can give it to themselves; everything needed was read."
	r := resourceRich()
	if got := firstLine(t, r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Who has access already, or a second way, is counted no further.
	r.Indirect = append(r.Indirect, lacking(r.Access[1], report.Indirect), r.Indirect[0], lacking(r.Access[9], report.Indirect))
	r.Access = append(r.Access, r.Access...)
	r.Access = append(r.Access, lacking(r.Access[0], report.Unknown, "x"))
	want = strings.Replace(want, "1 more holds a right that cannot be used (DENY), 4 more", "5 more", 1)
	if got := firstLine(t, r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestVerdictsThatAreNotKnownAreNoAccess: what is not ALLOW by name is not counted as access.
func TestVerdictsThatAreNotKnownAreNoAccess(t *testing.T) {
	for _, verdict := range []report.Verdict{"", "MAYBE", "allow"} {
		r := resourceRich()
		r.Access = []report.Access{lacking(r.Access[0], verdict)}
		got := write(t, r, Options{})
		if !strings.Contains(got, "nobody has access now (ALLOW), 1 perhaps (UNKNOWN), 4 more can give it to themselves") || !strings.Contains(got, "? data-engineering") {
			t.Errorf("%q reads\n%s", verdict, got)
		}
	}
}

func TestEmptyListsOfResourceDoNotReadAsAnswers(t *testing.T) {
	for state, want := range map[string]string{"null": "not read", "empty": "none (everything needed was read)", "in doubt": noneSeen} {
		r := resourceEmpty()
		switch state {
		case "null":
			r.Access, r.Indirect = nil, nil
		case "in doubt":
			r.Coverage.Gaps = everyGap()
		}
		text, tree := write(t, r, Options{}), write(t, r, Options{Format: Tree})
		for _, got := range []string{text, tree} {
			if !strings.Contains(got, indirectHeading+": "+want+"\n") {
				t.Errorf("%s: indirect is not %q:\n%s", state, want, got)
			}
		}
		if !strings.Contains(text, accessHeading+": "+want+"\n") || !strings.Contains(tree, "Given on VOLUME main.sales.attic: "+want+"\n") {
			t.Errorf("%s: access is not %q:\n%s\n%s", state, want, text, tree)
		}
		if nobody := strings.Contains(text, "nobody has access"); nobody != (state == "empty") {
			t.Errorf("%s reads\n%s", state, text)
		}
		if zero := strings.Contains(summary(t, r, Options{}), "Counts: 0 ALLOW · 0 UNKNOWN · 0 DENY · 0 INDIRECT"); zero != (state != "null") {
			t.Errorf("%s: summary is\n%s", state, summary(t, r, Options{}))
		}
		ndjson, flat := write(t, r, Options{Format: NDJSON}), write(t, r, Options{Format: CSV})
		if null := strings.Contains(ndjson, `"section":"access","count":null`); null != (state == "null") {
			t.Errorf("%s: ndjson does not tell null from empty:\n%s", state, ndjson)
		}
		if null := strings.Contains(flat, "access,not_read_or_not_asked,,"); null != (state == "null") {
			t.Errorf("%s: csv does not tell null from empty:\n%s", state, flat)
		}
	}
}

// TestNullInsideAWayIsNotEmpty: reachable_in and missing too, in every format.
func TestNullInsideAWayIsNotEmpty(t *testing.T) {
	r := resourceRich()
	r.Access = r.Access[9:]
	r.Indirect = []report.Access{}
	empty := write(t, r, Options{Format: CSV})
	r.Access[0].ReachableIn, r.Access[0].Missing = nil, nil
	null := write(t, r, Options{Format: CSV})
	if strings.Contains(empty, "reachable_in, missing") || !strings.Contains(null, `"reachable_in, missing"`) {
		t.Errorf("csv does not tell null from empty:\n%s\n%s", empty, null)
	}
	for _, f := range []Format{Text, Tree} {
		if got := write(t, r, Options{Format: f}); !strings.Contains(got, "DENY, where it is usable was not read") || !strings.Contains(got, "missing: not read") {
			t.Errorf("%s:\n%s", f, got)
		}
	}
}

// TestTreeAndTextShowEachWayOnce: by principal and by where the right was given.
func TestTreeAndTextShowEachWayOnce(t *testing.T) {
	r := resourceRich()
	for _, f := range []Format{Text, Tree} {
		out := write(t, r, Options{Format: f})
		for verdict, want := range map[string]int{"; ALLOW, ": 8, "; DENY, ": 2, "; INDIRECT, ": 4} {
			if n := strings.Count(out, verdict); n != want {
				t.Errorf("%s shows %d ways of %q, want %d:\n%s", f, n, verdict, want, out)
			}
		}
	}
	stray := r.Access[0]
	stray.GrantedOn = object("SHARE", "elsewhere", "eu-west", "")
	r.Access = append(r.Access, stray)
	if out := write(t, r, Options{Format: Tree}); strings.Count(out, "Given on SHARE elsewhere") != 1 {
		t.Errorf("what is granted elsewhere is not shown:\n%s", out)
	}
}

// TestPrincipalsOfOneNameStayApart: an account group and a workspace's own.
func TestPrincipalsOfOneNameStayApart(t *testing.T) {
	r := resourceRich()
	twin := r.Access[3]
	twin.Principal = group("77", twin.Principal.Name, "workspace_local")
	r.Access = append(r.Access, lacking(twin, report.Deny, "it is not in the account"))
	out := write(t, r, Options{})
	if !strings.Contains(out, "* analysts (group, IdP)\n") || !strings.Contains(out, "- analysts (group, workspace-local)\n") {
		t.Errorf("two groups are one:\n%s", out)
	}
}

// TestActsStandUnderTheWay, in order and with their authority: a way by acting as others is none that
// the principal has already.
func TestActsStandUnderTheWay(t *testing.T) {
	r := resourceRich()
	for f, want := range map[Format]string{
		Text: "not usable until then\n      1. add itself to the group deployers\n        authority: manager of group deployers, held directly\n" +
			"      2. run a job as etl-nightly; it is in platform\n        authority: Service principal user of etl-nightly, held via deployers\n",
		Tree: "not usable until then\n│  │     ├─ 1. add itself to the group deployers\n│  │     │  └─ authority: manager of group deployers, held directly\n" +
			"│  │     └─ 2. run a job as etl-nightly; it is in platform\n│  │        └─ authority: Service principal user of etl-nightly, held via deployers\n",
	} {
		if got := write(t, r, Options{Format: f}); strings.Count(got, want) != 1 {
			t.Errorf("%s:\n%s", f, got)
		}
	}
	for _, table := range Tables(r) {
		for i, row := range table.Rows {
			want := ""
			if table.Name == listIndirect && i == 3 {
				want = `add itself to the group deployers; "run a job as etl-nightly; it is in platform"`
			}
			if last := len(row) - 1; table.Header[last] == "acts" && row[last] != want {
				t.Errorf("%s: acts are %q, want %q", table.Name, row[last], want)
			}
		}
	}
	if got := write(t, r, Options{Format: NDJSON}); strings.Count(got, `"acts":[{"kind":"join_group",`) != 1 {
		t.Errorf("ndjson is\n%s", got)
	}
}

// TestObjectsAreInWorkspaces: what stands where a securable has its metastore is the workspace.
func TestObjectsAreInWorkspaces(t *testing.T) {
	for name, plant := range map[string]func(*report.ResourceReport){
		"job": func(*report.ResourceReport) {},
		"type that is not known": func(r *report.ResourceReport) {
			r.Resource.Type, r.Object = "looms", &report.ObjectRef{Workspace: "prod", Type: "looms", ID: "991", Name: "nightly_etl"}
		},
		"creator that is not told": func(r *report.ResourceReport) { r.Resource.Owner = ptr("") },
	} {
		r := resourceJob()
		plant(r)
		what := noun(r.Resource.Type) + " nightly_etl"
		if got := firstLine(t, r); !strings.HasPrefix(got, what+" in workspace prod: 2 users have access") {
			t.Errorf("%s: got %s", name, got)
		}
		for _, f := range []Format{Text, Tree} {
			got := write(t, r, Options{Format: f})
			if strings.Contains(got, "metastore") || strings.Contains(got, "owned by nobody") || !strings.Contains(got, "name: "+what+" (id 991) in workspace prod") {
				t.Errorf("%s as %s:\n%s", name, f, got)
			}
		}
		if got := write(t, r, Options{Format: NDJSON}); strings.Count(got, `"object":{"workspace":"prod","type":`) != 1 {
			t.Errorf("%s: ndjson does not tell objects of one name apart:\n%s", name, got)
		}
		for _, table := range Tables(r) {
			if table.Name == "resource" && strings.Join(table.Rows[0][6:], "|") != "991|prod" {
				t.Errorf("%s: table has %q", name, table.Rows[0])
			}
		}
	}
	r := resourceJob()
	r.Object = &report.ObjectRef{Workspace: "prod; eve has access", Type: "jobs", ID: "7"}
	if got := firstLine(t, r); !strings.HasPrefix(got, `job with id 7 in workspace "prod; eve has access": `) {
		t.Errorf("got %s", got)
	}
}
