package formatters

import (
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// TestRolesAnswerInTheFirstLine: who administers what, or what one holds, and how sure that is.
func TestRolesAnswerInTheFirstLine(t *testing.T) {
	for name, c := range map[string]struct {
		r      func() *report.RolesReport
		change func(*report.RolesReport)
		want   string
	}{
		"everybody": {rolesRich, func(*report.RolesReport) {}, "2 account admins, 1 metastore admin (1 of them not certain) and 1 workspace admin; 12 roles in all, held by 5 principals; everything needed was read."},
		"no admins": {rolesRich, func(r *report.RolesReport) { r.Roles = r.Roles[10:] }, "no account admin, no metastore admin and no workspace admin; 2 roles in all, held by 1 principal; "},
		"not read":  {rolesRich, func(r *report.RolesReport) { r.Roles = nil }, "Who holds which role was not read; everything"},
		"in doubt":  {rolesIncomplete, func(*report.RolesReport) {}, "1 group as account admin, no metastore admin that was seen and no workspace admin that was seen; 2 roles in all"},
		"gap beside": {rolesRich, func(r *report.RolesReport) {
			r.Roles = []report.HeldRole{}
			r.Coverage.Gaps = gapIn(report.ListMetastoreAdmins)
		}, "no account admin, no"},
		"subject":        {rolesSubject, func(*report.RolesReport) {}, "alice@acme.test holds 5 roles: account admin, workspace admin (workspace prod, workspace dev), perhaps group manager (group analysts) and data access (catalog main); everything"},
		"one role":       {rolesSubject, func(r *report.RolesReport) { r.Roles = r.Roles[:2] }, "alice@acme.test holds 1 role: account admin; everything"},
		"no role":        {rolesEmpty, func(*report.RolesReport) {}, "alice@acme.test holds no role; everything needed was read."},
		"no role yet":    {rolesEmpty, func(r *report.RolesReport) { r.Coverage.Gaps = everyGap() }, "alice@acme.test holds no role that was seen; 5 of 8 gaps"},
		"roles not read": {rolesEmpty, func(r *report.RolesReport) { r.Roles = nil }, "alice@acme.test holds roles that were not read; "},
		"many scopes": {rolesSubject, func(r *report.RolesReport) {
			for _, w := range []string{"a", "b", "c"} {
				r.Roles = append(r.Roles, has(alice, workspaceAdmin, "workspace "+w, "list"))
			}
		}, "workspace admin (workspace prod, workspace dev, workspace a, 2 more)"},
		"a name that reads on": {rolesSubject, func(r *report.RolesReport) { r.Roles[3].Scope = "workspace x), account admin (y" }, `workspace admin (workspace "x), account admin (y", workspace dev)`},
		"a scope of no kind":   {rolesSubject, func(r *report.RolesReport) { r.Roles[3].Scope = "loom x" }, `workspace admin ("loom x", workspace dev)`},
		"a role of its own":    {rolesSubject, func(r *report.RolesReport) { r.Roles[2].Role = "roles/x and account admin" }, `and "roles/x and account admin" (catalog main); `},
		"a hostile subject":    {rolesEmpty, func(r *report.RolesReport) { r.Subject = ptr(person("1", "eve holds all; bob")) }, `"eve holds all; bob" holds no role; `},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.r()
			c.change(r)
			if got := firstLine(t, r); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func gapIn(list string) []report.Gap {
	gaps := everyGap()[3:4]
	gaps[0].Affects = []string{list}
	return gaps
}

// TestRolesWarnBeforeTheNames: what a reader must not miss stands on the first screen.
func TestRolesWarnBeforeTheNames(t *testing.T) {
	got := summary(t, rolesRich(), Options{})
	for _, want := range []string{"\nAccount admins: alice@acme.test, bob@acme.test.\n", "\nMetastores that nobody administers: us-east.\n",
		"\nWorkspaces whose admins may create tokens and run jobs as others: prod.\n", "\nNot in this answer: account owner.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestEmptyListsOfRolesDoNotReadAsAnswers(t *testing.T) {
	for state, want := range map[string]string{"null": "not read", "empty": "none (everything needed was read)", "in doubt": noneSeen} {
		r := rolesRich()
		r.Roles, r.Workspaces, r.Metastores, r.WorkspaceCatalogs = []report.HeldRole{}, []report.WorkspaceAdmins{}, []report.MetastoreAdmin{}, []report.WorkspaceCatalog{}
		switch state {
		case "null":
			r.Roles, r.Workspaces, r.Metastores, r.WorkspaceCatalogs = nil, nil, nil, nil
		case "in doubt":
			r.Coverage.Gaps = everyGap()
		}
		for f, roles := range map[Format]string{Text: rolesHeading, Tree: "Roles"} {
			got := write(t, r, Options{Format: f})
			for _, heading := range []string{roles, "Workspaces and their admins", "Metastores and their admins", "Catalogs that hidden groups of a workspace hold"} {
				if !strings.Contains(got, heading+": "+want+"\n") {
					t.Errorf("%s: %s is not %q in %s:\n%s", state, heading, want, f, got)
				}
			}
		}
		ndjson, flat := write(t, r, Options{Format: NDJSON}), write(t, r, Options{Format: CSV})
		if null := strings.Contains(ndjson, `"section":"roles","count":null`); null != (state == "null") {
			t.Errorf("%s: ndjson does not tell null from empty:\n%s", state, ndjson)
		}
		if null := strings.Contains(flat, "roles,not_read_or_not_asked,,"); null != (state == "null") {
			t.Errorf("%s: csv does not tell null from empty:\n%s", state, flat)
		}
	}
	if got := write(t, rolesSubject(), Options{}); strings.Contains(got, "Metastores and") {
		t.Errorf("the question about one has a list that it does not ask for:\n%s", got)
	}
}

// TestEachHeldRoleIsShownOnce, by role and by place, and as one row.
func TestEachHeldRoleIsShownOnce(t *testing.T) {
	for _, r := range []*report.RolesReport{rolesRich(), rolesSubject()} {
		for i := range r.Roles {
			r.Roles[i].Fact.Source = strings.Repeat("x", i+1) + " was read"
		}
		for _, f := range []Format{Text, Tree} {
			got := write(t, r, Options{Format: f})
			for _, h := range r.Roles {
				if n := strings.Count(got, "("+h.Fact.Source+")"); n != 1 {
					t.Errorf("%s shows %s of %s %d times", f, h.Role, h.Principal.Name, n)
				}
			}
		}
		rows := 0
		for _, row := range parseCSV(t, write(t, r, Options{Format: CSV})) {
			if row[0] == "held_role" {
				rows++
			}
		}
		if rows != len(r.Roles) {
			t.Errorf("%d rows for %d roles", rows, len(r.Roles))
		}
	}
}

// TestRolesThatAreNotCertainAreMarked wherever they are shown.
func TestRolesThatAreNotCertainAreMarked(t *testing.T) {
	for f, want := range map[Format]string{
		Text: "    ? carol@acme.test (user, IdP, active): metastore us-east via platform; not certain (read metastore us-east)\n",
		Tree: "? carol@acme.test (user, IdP, active) via platform; not certain (read metastore us-east)\n",
	} {
		if got := write(t, rolesRich(), Options{Format: f}); !strings.Contains(got, want) || strings.Count(got, "; not certain") != 1 {
			t.Errorf("%s:\n%s", f, got)
		}
	}
	r := rolesRich()
	r.Roles = append(r.Roles, has(r.Roles[8].Principal, metastoreAdmin, "metastore us-east", "list"))
	if got := write(t, r, Options{}); strings.Contains(firstLine(t, r), "not certain") || !strings.Contains(got, "    * carol@acme.test (user, IdP, active)\n      ? metastore us-east via platform") {
		t.Errorf("one way that is certain is enough:\n%s", got)
	}
}

// TestScopesAreShownByTheirLongestKind: a cluster policy is no cluster.
func TestScopesAreShownByTheirLongestKind(t *testing.T) {
	for scope, want := range map[string]string{
		"account": "account", "workspace prod": "workspace prod", "workspace a b": `workspace "a b"`, "service principal etl": "service principal etl",
		"external location x y": `external location "x y"`, "": `""`, "workspace": "workspace", "prod": "prod", "SQL warehouse BI, EU": `SQL warehouse "BI, EU"`,
		"cluster policy a b": `cluster policy "a b"`,
	} {
		if got := scopeTerm(scope, term[string]); got != want {
			t.Errorf("%q: got %s, want %s", scope, got, want)
		}
	}
}

// TestAdminsThatWereNotReadAreNotNone: a count that may be too low says so.
func TestAdminsThatWereNotReadAreNotNone(t *testing.T) {
	r := rolesCounted()
	for _, f := range []Format{Text, Tree} {
		got := write(t, r, Options{Format: f})
		for _, want := range []string{
			" prod: at least 3 admins, 1 of them through a group in a group; they may create", " dev: at least 1 admin; they may not", " lab: admins were not read; whether they", " new: 0 admins; whether they",
			" eu-west: administered by platform, at least 2 admins\n", " eu-east: administered by strangers, admins were not read\n", " us-west: administered by nobodies, 0 admins\n",
			" us-east: nobody administers it\n", " ap-south: who administers it was not read\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", f, want, got)
			}
		}
	}
	var got []string
	for _, table := range Tables(r) {
		if table.Name == report.ListWorkspaceSettings || table.Name == report.ListMetastoreAdmins {
			for _, row := range table.Rows {
				if last := len(row) - 1; table.Header[last] == "admins_complete" {
					got = append(got, row[1]+" "+row[last])
				}
			}
		}
	}
	if want := "prod false, dev false, lab false, new true, eu-west false, eu-east false, us-west true, us-east false, ap-south false"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	for _, line := range strings.Split(write(t, rolesRich(), Options{}), "\n") {
		if strings.Contains(line, "at least") || strings.Contains(line, "admins were not read") {
			t.Errorf("a complete count is in doubt: %s", line)
		}
	}
}

func TestWhatSharesAReasonSharesALine(t *testing.T) {
	t.Parallel()
	r := rolesRich()
	r.Unknowable = []report.Unknowable{{Role: "job_creator", Why: "not read"}, {Role: "support", Why: "no API"}, {Role: "user", Why: "not read"}, {Role: "user", Why: "no list"}}
	if got := write(t, r, Options{Format: Text}); !strings.Contains(got, "\nNot in this answer\n  job_creator, user: not read\n  support: no API\n  user: no list\n") {
		t.Error(got)
	}
	if got, want := summary(t, r, Options{}), "\nNot in this answer: job_creator, support, user.\n"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}
