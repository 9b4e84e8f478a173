package formatters

import (
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// TestClaimsReadAsSentences: levels are held, workspaces entered and principals acted as, and no
// verdict says more than another.
func TestClaimsReadAsSentences(t *testing.T) {
	const who = "alice@acme.test "
	for name, c := range map[string]struct {
		about   report.Securable
		object  *report.ObjectRef
		action  identity.Privilege
		yes, no string
	}{
		"object":         {report.Securable{Type: "jobs", FullName: "nightly_etl"}, &nightly, "CAN_MANAGE", "has CAN_MANAGE on job nightly_etl in prod", "does not have CAN_MANAGE on job nightly_etl in prod"},
		"object by type": {report.Securable{Type: "sql_warehouses", FullName: "BI"}, nil, "CAN_USE", "has CAN_USE on SQL warehouse BI", "does not have CAN_USE on SQL warehouse BI"},
		"object of a type that is not known": {report.Securable{Type: "looms", FullName: "l"}, &report.ObjectRef{Workspace: "prod", Type: "looms", ID: "7"}, "CAN_WEAVE",
			"has CAN_WEAVE on looms with id 7 in prod", "does not have CAN_WEAVE on looms with id 7 in prod"},
		"object of a hostile name": {report.Securable{Type: "jobs"}, &report.ObjectRef{Workspace: "prod", Type: "jobs", ID: "7", Name: "x in dev; DENY"}, "CAN_VIEW",
			`has CAN_VIEW on job "x in dev; DENY" in prod`, `does not have CAN_VIEW on job "x in dev; DENY" in prod`},
		"enter":             {report.Securable{Type: typeWorkspace, FullName: "prod"}, nil, "enter", "can enter workspace prod", "cannot enter workspace prod"},
		"create":            {report.Securable{Type: typeWorkspace, FullName: "prod"}, nil, "CREATE_CLUSTER", "can create cluster in prod", "cannot create cluster in prod"},
		"create what":       {report.Securable{Type: typeWorkspace, FullName: "prod"}, nil, "create x; DENY", `can "create x; DENY" on workspace prod`, `cannot "create x; DENY" on workspace prod`},
		"act as":            {report.Securable{Type: typePrincipal, FullName: "etl-nightly"}, nil, "impersonate", "can act as etl-nightly", "cannot act as etl-nightly"},
		"act as two":        {report.Securable{Type: typePrincipal, FullName: "etl or nightly"}, nil, "impersonate", `can act as "etl or nightly"`, `cannot act as "etl or nightly"`},
		"else on principal": {report.Securable{Type: typePrincipal, FullName: "etl"}, nil, "MANAGE", "can MANAGE on principal etl", "cannot MANAGE on principal etl"},
		"securable":         {orders, nil, "SELECT", "can SELECT on TABLE main.sales.orders", "cannot SELECT on TABLE main.sales.orders"},
	} {
		t.Run(name, func(t *testing.T) {
			for verdict, want := range map[report.Verdict]string{
				report.Allow: "ALLOW: " + who + c.yes, report.Deny: "DENY: " + who + c.no + ": ", report.Indirect: "INDIRECT: " + who + c.no + " now, but can ",
				report.Unknown: "UNKNOWN: whether " + who + c.yes + " cannot be told: ", "": `NO VERDICT (""): whether ` + who + c.yes + " was not decided; ",
			} {
				r := canQuestion(verdict)
				r.Resource, r.Object, r.Action = c.about, c.object, c.action
				if got := firstLine(t, r); !strings.HasPrefix(got, want) {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

// TestWorkspacesAreNamedOnce: where the question names the one, "from prod" says nothing more.
func TestWorkspacesAreNamedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		r    *report.CanReport
		want string
	}{
		"object":    {canJob(), "on job nightly_etl in prod; 1 proof."},
		"principal": {canAct(), "act as etl-nightly; its proofs were not asked for."},
	} {
		c.r.Verdict, c.r.Workspace = report.Allow, "prod"
		if got := firstLine(t, c.r); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	r := canAct()
	r.Verdict, r.ReachableIn = report.Allow, []string{"prod"}
	if got := firstLine(t, r); !strings.Contains(got, "act as etl-nightly from prod; ") {
		t.Errorf("got %s", got)
	}
}

// TestEveryKindHasWords: only a kind of a later version is shown by its name.
func TestEveryKindHasWords(t *testing.T) {
	for _, kind := range []string{report.StepActive, report.StepMember, report.StepImplicit, report.StepSame, report.StepAncestor, report.StepGrant,
		report.StepExpands, report.StepInherits, report.StepOwner, report.StepAssigned, report.StepAttached, report.StepBinding, report.StepDefiner,
		report.StepAssume, report.StepRole, report.StepACL, report.StepEntitlement, report.StepSetting, report.StepCompute} {
		step := report.Step{Kind: kind, Principal: "p", Group: "g", Privilege: "SELECT", Securable: &orders, Workspace: "prod", Object: &nightly, Detail: "a detail"}
		if got := stepWords(step); strings.Contains(got, "of kind") || !strings.HasSuffix(got, "; a detail") {
			t.Errorf("step %s reads %q", kind, got)
		}
		lack := report.Missing{Kind: kind, Privilege: "SELECT", Securable: &orders, Workspace: "prod", Object: &nightly, Principal: "p", Detail: "a detail"}
		got := missingWords(lack, shortSecurable)
		if strings.Contains(got, "of kind") != (kind == report.StepInherits) || !strings.HasSuffix(got, ", a detail") {
			t.Errorf("missing %s reads %q", kind, got)
		}
	}
	for _, kind := range []string{report.StepRole, report.StepACL, report.StepEntitlement} {
		step, lack := stepWords(report.Step{Kind: kind}), missingWords(report.Missing{Kind: kind}, shortSecurable)
		if !strings.Contains(step, " has a") || !strings.HasPrefix(lack, "a") {
			t.Errorf("%s without its detail reads %q and %q", kind, step, lack)
		}
	}
}

// TestSettingsAreNamedWithWhatTheyAreOf: what keeps all from it is no right of one.
func TestSettingsAreNamedWithWhatTheyAreOf(t *testing.T) {
	r := canSetting()
	if got, want := firstLine(t, r), `: missing setting external_access_enabled of METASTORE acme-us ("metastore admins" can change it); everything needed was read.`; !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for want, m := range map[string]report.Missing{
		"setting external_access_enabled of a securable that is not named": {Detail: "external_access_enabled"},
		"a setting of TABLE main.sales.orders":                             {Securable: &orders},
		"a setting of TABLE main.sales.orders, \"x; DENY\"":                {Securable: &orders, Detail: "x; DENY"},
	} {
		m.Kind = report.StepSetting
		if got := missingWords(m, shortSecurable); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got, want := stepWords(report.Step{Kind: report.StepSetting, Detail: "external_access_enabled", Securable: &orders}), "setting external_access_enabled of TABLE main.sales.orders permits it"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSeeingHasItsVerb: nobody exercises BROWSE on something.
func TestSeeingHasItsVerb(t *testing.T) {
	for _, action := range []identity.Privilege{identity.Browse, "see"} {
		for verdict, want := range map[report.Verdict]string{
			report.Allow: "ALLOW: alice@acme.test can see TABLE main.sales.orders from ", report.Deny: "DENY: alice@acme.test cannot see TABLE main.sales.orders: ",
			report.Unknown: "UNKNOWN: whether alice@acme.test can see TABLE main.sales.orders cannot be told: ",
		} {
			r := canQuestion(verdict)
			r.Action = action
			if got := firstLine(t, r); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got  %s\nwant %s", action, got, want)
			}
		}
		v := verifyOne()
		v.Action = string(action)
		if got := firstLine(t, v); !strings.HasPrefix(got, "The proof that alice@acme.test can see main.sales.orders holds: ") {
			t.Errorf("%s: got  %s", action, got)
		}
	}
	r := canJob()
	r.Action = "see"
	if got := firstLine(t, r); !strings.HasPrefix(got, "ALLOW: alice@acme.test has see on job") { // objects have levels
		t.Errorf("got %s", got)
	}
}

// TestObjectsHaveNoMetastoreAndNoOwner: what is none of Unity Catalog's is not described as if a read
// of it had failed.
func TestObjectsHaveNoMetastoreAndNoOwner(t *testing.T) {
	for fixture, r := range fixtures() {
		for _, f := range []Format{Text, Tree} {
			out := write(t, r, Options{Format: f})
			for _, bad := range []string{`metastore ""`, `owner ""`} {
				if fixture != "can_hostile" && strings.Contains(out, bad) {
					t.Errorf("%s as %s says %s", fixture, f, bad)
				}
			}
		}
	}
	nobody := ""
	for want, s := range map[string]report.Securable{
		"job nightly_etl":                                    {Type: "jobs", FullName: "nightly_etl"},
		"workspace prod":                                     {Type: typeWorkspace, FullName: "prod"},
		"job nightly_etl in workspace prod":                  {Type: "jobs", FullName: "nightly_etl", Metastore: "prod", Owner: &nobody},
		"CATALOG main in metastore eu-west, owner not read":  {Type: "CATALOG", FullName: "main", Metastore: "eu-west"},
		"METASTORE eu-west, owned by nobody":                 {Type: "METASTORE", FullName: "eu-west", Owner: &nobody},
		"job nightly_etl in workspace prod, owner bob":       {Type: "jobs", FullName: "nightly_etl", Metastore: "prod", Owner: ptr("bob")},
		"CATALOG main in metastore eu-west, owned by nobody": {Type: "CATALOG", FullName: "main", Metastore: "eu-west", Owner: &nobody},
	} {
		if got := described(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestTheHalfThatWasNotAskedForIsLeftOut, but a half that was asked for and could not be read is not.
func TestTheHalfThatWasNotAskedForIsLeftOut(t *testing.T) {
	for _, f := range []Format{Text, Tree} {
		if got := write(t, canThroughView(), Options{Format: f}); strings.Contains(got, "Missing") || strings.Contains(got, "Acts") || strings.Contains(got, "not read") {
			t.Errorf("--why as %s:\n%s", f, got)
		}
		if got := write(t, canAct(), Options{Format: f}); strings.Contains(got, "Proofs") || strings.Contains(got, "not read") {
			t.Errorf("--why-not as %s:\n%s", f, got)
		}
	}
	denied := canThroughView()
	denied.Verdict = report.Deny
	if got := firstLine(t, denied); !strings.Contains(got, ": what is missing was not asked for;") {
		t.Errorf("got %s", got)
	}
	denied.Verdict = report.Indirect
	if got := firstLine(t, denied); !strings.Contains(got, ": by acts that were not asked for;") {
		t.Errorf("got %s", got)
	}
	if got := summary(t, canThroughView(), Options{}); !strings.Contains(got, "Counts: 1 workspace · 1 proof · 0 caveats\n") {
		t.Errorf("the summary counts what was not asked for:\n%s", got)
	}
	unread := canThroughView()
	unread.Proofs = nil
	if got := write(t, unread, Options{}); !strings.Contains(got, "Proofs: not read\n") {
		t.Errorf("proofs that were asked for are left out:\n%s", got)
	}
	unread.Request = func() {} // not JSON
	if got := write(t, unread, Options{}); !strings.Contains(got, "Proofs: not read\n") {
		t.Errorf("a request that cannot be read reads as one for a half:\n%s", got)
	}
}

// TestExercisableHasALineWhenAsked, with what keeps somebody from it.
func TestExercisableHasALineWhenAsked(t *testing.T) {
	for tier, want := range map[report.Answer]string{
		report.Yes:        "Tiers: granted no, reachable no.\nTier exercisable: yes.\n",
		report.No:         "Tier exercisable: no; missing the entitlement allow-cluster-create in prod, compute to run it on in prod (not known to be missing).\n",
		report.NotKnown:   "Tier exercisable: unknown; missing the entitlement",
		report.NotChecked: "Tiers: granted no, reachable no, exercisable not asked for.\nCoverage",
		"":                "Tiers: granted no, reachable no, exercisable not decided.\nCoverage",
		"x; ALLOW":        `Tier exercisable: "x; ALLOW"; missing`,
	} {
		r := canWorkspace()
		r.Tiers.Exercisable = tier
		if got := write(t, r, Options{}); !strings.Contains(got, want) {
			t.Errorf("%q: no %q in\n%s", tier, want, got)
		}
	}
}

// TestReadingsTakeOneLine, however many there are.
func TestReadingsTakeOneLine(t *testing.T) {
	r := canAllow()
	r.Options = map[string]string{"b_rule": "yes", "a_rule": "no, never"}
	if got := write(t, r, Options{}); !strings.Contains(got, "\n  readings chosen: a_rule = \"no, never\", b_rule = yes\n") {
		t.Errorf("got\n%s", got)
	}
	if got := write(t, canAllow(), Options{}); strings.Contains(got, "readings") {
		t.Errorf("no option is a reading:\n%s", got)
	}
}

// TestObjectsAreWholeInTables: the id and the workspace tell objects of one name apart.
func TestObjectsAreWholeInTables(t *testing.T) {
	for _, r := range []*report.CanReport{canJob(), canWorkspace(), canAct()} {
		want := map[string]int{}
		for _, p := range r.Proofs {
			for _, s := range p.Steps {
				if s.Object != nil {
					want[strings.Join([]string{s.Object.Type, s.Object.Name, s.Object.ID, s.Object.Workspace, s.Detail}, "|")]++
				}
			}
		}
		for _, set := range r.Missing {
			for _, m := range set.Facts {
				if m.Object != nil {
					want[strings.Join([]string{m.Object.Type, m.Object.Name, m.Object.ID, m.Object.Workspace, m.Detail}, "|")]++
				}
			}
		}
		for _, a := range r.Acts {
			if a.Object != nil {
				want[strings.Join([]string{a.Object.Type, a.Object.Name, a.Object.ID, a.Object.Workspace, ""}, "|")]++
			}
		}
		if r.Object != nil {
			want[strings.Join([]string{r.Object.Type, r.Object.Name, r.Object.ID, r.Object.Workspace, ""}, "|")]++
		}
		rows := parseCSV(t, write(t, r, Options{Format: CSV}))
		place := map[string]int{}
		for i, c := range rows[0] {
			place[c] = i
		}
		for _, row := range rows[1:] {
			if row[place["object_id"]] != "" {
				want[strings.Join([]string{row[place["object_type"]], row[place["object"]], row[place["object_id"]], row[place["object_workspace"]], row[place["detail"]]}, "|")]--
			}
		}
		for object, n := range want {
			if n != 0 {
				t.Errorf("%s is %d times too rare", object, n)
			}
		}
	}
}
