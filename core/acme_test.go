package core_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// alice is what the sample account gives alice@acme.test, worked out by hand from the account's
// data (core/sandbox/acme.go), not from the program's output.
var alice = struct{ memberships, workspaces, grants []string }{
	memberships: []string{
		"account users: alice@acme.test>account users",
		"all-staff: alice@acme.test>pipelines-oncall>data-engineering>engineering>all-staff",
		"data-engineering: alice@acme.test>pipelines-oncall>data-engineering",
		"engineering: alice@acme.test>pipelines-oncall>data-engineering>engineering",
		"lakehouse-users: alice@acme.test>pipelines-oncall>data-engineering>lakehouse-users",
		"lakehouse-users: alice@acme.test>sales-analytics>lakehouse-users",
		"pipelines-oncall: alice@acme.test>pipelines-oncall",
		"sales-analytics: alice@acme.test>sales-analytics",
	},
	workspaces: []string{
		"analytics-eu USER account users", "prod USER engineering", "staging USER data-engineering",
	},
	grants: []string{
		// personal
		"TABLE main.sales.orders SELECT directly in prod,staging",
		"SCHEMA prod_lakehouse.silver MODIFY,SELECT,USE_SCHEMA directly in prod",
		// owned
		"SCHEMA main.sales OWNER directly in prod,staging",
		"TABLE main.sales.orders OWNER directly in prod,staging",
		"TABLE main.sales.customers OWNER directly in prod,staging",
		"VOLUME main.sales.exports OWNER directly in prod,staging",
		"FUNCTION main.sales.mask_email OWNER directly in prod,staging",
		"FUNCTION prod_lakehouse.silver.clean_phone OWNER directly in prod",
		"SHARE sales_share OWNER directly in prod,staging",
		"RECIPIENT partner_corp OWNER directly in prod,staging",
		"SCHEMA prod_lakehouse.silver OWNER via data-engineering in prod",
		"TABLE prod_lakehouse.silver.events OWNER via data-engineering in prod",
		// through groups
		"CATALOG main USE_SCHEMA via lakehouse-users in prod,staging",
		"SCHEMA main.sales SELECT,USE_SCHEMA via sales-analytics in prod,staging",
		"VOLUME main.sales.exports READ_VOLUME via sales-analytics in prod,staging",
		"CATALOG prod_lakehouse USE_CATALOG via lakehouse-users in prod",
		"SCHEMA prod_lakehouse.bronze ALL_PRIVILEGES via data-engineering in prod",
		"SCHEMA prod_lakehouse.gold SELECT,USE_SCHEMA via lakehouse-users in prod",
		"CATALOG reference MODIFY via data-engineering in prod", // staging is bound read-only
		"CATALOG staging_scratch CREATE_SCHEMA,CREATE_TABLE,USE_CATALOG,USE_SCHEMA via data-engineering in staging",
		"METASTORE acme-us CREATE_EXTERNAL_LOCATION via data-engineering in prod,staging",
		"STORAGE_CREDENTIAL lake_credential CREATE_EXTERNAL_LOCATION via pipelines-oncall in prod,staging",
		"EXTERNAL_LOCATION raw_landing READ_FILES,WRITE_FILES via data-engineering in prod,staging",
		"SCHEMA analytics.web SELECT,USE_SCHEMA via sales-analytics in analytics-eu",
		// what everybody has
		"CATALOG main BROWSE,USE_CATALOG via account users in prod,staging",
		"CATALOG reference SELECT,USE_CATALOG,USE_SCHEMA via account users in prod,staging",
		"CATALOG analytics USE_CATALOG via account users in analytics-eu",
	},
}

// differences compares a report on alice with what the account's data say. Grants of the list must
// be there; others may be, since samples and system grant a lot to everybody.
func differences(r *report.PrincipalReport) (problems []string) {
	var memberships, workspaces, grants []string
	for _, m := range r.Memberships {
		for _, p := range m.Paths {
			memberships = append(memberships, m.Group.Name+": "+strings.Join(p, ">"))
		}
	}
	for _, w := range r.Workspaces {
		workspaces = append(workspaces, fmt.Sprintf("%s %s %s", w.Name, w.Access, w.Path[len(w.Path)-1]))
	}
	for _, g := range r.Grants {
		var ps []string
		for _, p := range g.Privileges {
			ps = append(ps, string(p))
		}
		via := "directly"
		if len(g.Path) > 1 {
			via = "via " + g.Path[len(g.Path)-1]
		}
		grants = append(grants, fmt.Sprintf("%s %s %s %s in %s", g.Securable.Type, g.Securable.FullName, strings.Join(ps, ","), via, strings.Join(g.ReachableIn, ",")))
	}
	slices.Sort(memberships)
	if !slices.Equal(memberships, alice.memberships) {
		problems = append(problems, fmt.Sprintf("memberships: got %q, want %q", memberships, alice.memberships))
	}
	if slices.Sort(workspaces); !slices.Equal(workspaces, alice.workspaces) {
		problems = append(problems, fmt.Sprintf("workspaces: got %q, want %q", workspaces, alice.workspaces))
	}
	for _, want := range alice.grants {
		if !slices.Contains(grants, want) {
			problems = append(problems, "missing: "+want)
		}
	}
	return problems
}

// TestAliceByEveryRoute asks for the same answer along every way that the account may offer.
func TestAliceByEveryRoute(t *testing.T) {
	routes := map[string]sandbox.Options{
		"identity API":             {},
		"SCIM only":                {IAMv2: sandbox.IAMv2NotFound},
		"identity API off":         {IAMv2: sandbox.IAMv2Disabled},
		"members in group lists":   {IAMv2: sandbox.IAMv2NotFound, GrandfatheredGroupMembers: true},
		"throttled":                {EnforceLimits: true},
		"throttled with a date":    {EnforceLimits: true, RetryAfter: sandbox.RetryAfterDate},
		"throttled inside a 500":   {EnforceLimits: true, SCIM429As500: true},
		"throttled without a hint": {EnforceLimits: true, RetryAfter: sandbox.RetryAfterAbsent},
	}
	for name, o := range routes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, sandbox.Acme(), o)
			g := engine(t, server, server.Auditor(), func(o *databricks.Options) { o.RateLimit = 0 })
			r := audit(t, g, query.Principal{Who: "alice@acme.test", Scan: everything})
			for _, problem := range differences(r) {
				t.Error(problem)
			}
		})
	}
}

// TestUnusedGroups says of a group that it gives nothing only when everything was looked at.
func TestUnusedGroups(t *testing.T) {
	account := sandbox.Acme()
	eu := account.MetastoreByName("acme-eu").CatalogByName("eu_gdpr")
	eu.Bindings = append(eu.Bindings, sandbox.Binding{WorkspaceID: account.WorkspaceByName("analytics-eu").ID})
	account.WorkspaceByName("lab").Status = sandbox.Running
	account.WorkspaceByName("lab").NoIdentityFederation = false
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	shallow := audit(t, g, query.Principal{Who: "alice@acme.test"})
	if len(shallow.UnusedGroups) != 0 || len(shallow.UndecidedGroups) != 1 || shallow.UndecidedGroups[0].Name != "all-staff" {
		t.Errorf("looking at catalogs alone: unused %v, undecided %v", shallow.UnusedGroups, shallow.UndecidedGroups)
	}
	deep := audit(t, g, query.Principal{Who: "alice@acme.test", Scan: everything})
	if !deep.Coverage.Complete {
		t.Fatalf("not complete: %+v", deep.Coverage.Gaps)
	}
	if len(deep.UnusedGroups) != 1 || deep.UnusedGroups[0].Name != "all-staff" || len(deep.UndecidedGroups) != 0 {
		t.Errorf("looking at everything: unused %v, undecided %v", deep.UnusedGroups, deep.UndecidedGroups)
	}
}

// TestNamesThatSeveralBear leaves a grant open whose holder's name two groups bear, and says so.
func TestNamesThatSeveralBear(t *testing.T) {
	account := sandbox.Acme()
	account.GroupByName("sales-analytics").DisplayName = "twins"
	account.GroupByName("contractors").DisplayName = "twins"
	main := account.MetastoreByName("acme-us").CatalogByName("main")
	main.Grants = append(main.Grants, sandbox.Grant{Principal: "twins", Privileges: []string{"MODIFY"}})
	server := serve(t, account, sandbox.Options{IAMv2: sandbox.IAMv2NotFound})
	r := audit(t, engine(t, server, server.Auditor()), query.Principal{Who: "alice@acme.test"})
	if r.Coverage.Complete || !slices.ContainsFunc(r.Coverage.Gaps, func(g report.Gap) bool {
		return g.Blocking && g.Operation == "tell whom a grant on catalog main names"
	}) {
		t.Errorf("no gap: %+v", r.Coverage.Gaps)
	}
}

// mutant is a Source that makes one typical mistake.
type mutant struct {
	collect.Source
	children func([]identity.SecurableInfo, error) ([]identity.SecurableInfo, error)
	grants   func([]identity.Grant, error) ([]identity.Grant, error)
	group    func(identity.Group) identity.Group
	parents  func([]identity.PrincipalKey) []identity.PrincipalKey
}

func (m mutant) Children(ctx context.Context, at identity.Workspace, parent identity.Securable, t identity.SecurableType) ([]identity.SecurableInfo, error) {
	items, err := m.Source.Children(ctx, at, parent, t)
	if m.children != nil {
		return m.children(items, err)
	}
	return items, err
}

func (m mutant) Grants(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Grant, error) {
	items, err := m.Source.Grants(ctx, at, on)
	if m.grants != nil {
		return m.grants(items, err)
	}
	return items, err
}

func (m mutant) Group(ctx context.Context, k identity.PrincipalKey) (identity.Group, error) {
	g, err := m.Source.Group(ctx, k)
	if m.group != nil && err == nil {
		return m.group(g), nil
	}
	return g, err
}

func (m mutant) ParentGroups(ctx context.Context, k identity.PrincipalKey) ([]identity.PrincipalKey, error) {
	keys, err := m.Source.ParentGroups(ctx, k)
	if m.parents != nil {
		return m.parents(keys), err
	}
	return keys, err
}

// TestMutantsAreCaught plants typical mistakes and sees that the checks of this package object.
func TestMutantsAreCaught(t *testing.T) {
	noForbidden := func(err error) error {
		if identity.IsKind(err, identity.Forbidden) {
			return nil
		}
		return err
	}
	mutants := map[string]mutant{
		"a refused listing taken as empty": {children: func(items []identity.SecurableInfo, err error) ([]identity.SecurableInfo, error) {
			return items, noForbidden(err)
		}},
		"refused grants taken as none": {grants: func(items []identity.Grant, err error) ([]identity.Grant, error) {
			return items, noForbidden(err)
		}},
		"the last item of each page dropped": {children: func(items []identity.SecurableInfo, err error) ([]identity.SecurableInfo, error) {
			return items[:max(0, len(items)-1)], err
		}},
		"nested groups skipped": {group: func(g identity.Group) identity.Group {
			g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(k identity.PrincipalKey) bool { return k.Kind == identity.KindGroup })
			return g
		}},
		"one group above left out": {parents: func(keys []identity.PrincipalKey) []identity.PrincipalKey {
			return keys[:max(0, len(keys)-1)]
		}},
	}
	whole := serve(t, sandbox.Acme(), sandbox.Options{})
	full := audit(t, engine(t, whole, whole.Auditor()), query.Principal{Who: "alice@acme.test", Scan: everything})
	if problems := differences(full); len(problems) > 0 {
		t.Fatalf("the engine itself fails the check: %q", problems)
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			server := serve(t, sandbox.Acme(), sandbox.Options{})
			refuse, err := sandbox.ParseFault("GET /api/2.1/unity-catalog/permissions/schema/main.sales status=403")
			if err != nil {
				t.Fatal(err)
			}
			refuseList, err := sandbox.ParseFault("GET /api/2.1/unity-catalog/volumes status=403")
			if err != nil {
				t.Fatal(err)
			}
			server.SetFaults(refuse, refuseList)
			g := core.New(core.Options{Open: func() collect.Source {
				broken := m
				broken.Source = session(t, server)
				return broken
			}})
			r := audit(t, g, query.Principal{Who: "alice@acme.test", Scan: everything})
			honest := core.New(core.Options{Open: func() collect.Source { return session(t, server) }})
			want := audit(t, honest, query.Principal{Who: "alice@acme.test", Scan: everything})
			// With two reads refused, the honest answer differs from the whole one in a known way and
			// says so; the mutant's answer must differ from it in facts or in coverage.
			if facts(t, r) == facts(t, want) && len(r.Coverage.Gaps) == len(want.Coverage.Gaps) {
				t.Fatal("the mutant changes nothing: it proves nothing")
			}
			if len(dishonest(t, want, full)) > 0 {
				t.Fatalf("the honest answer is called dishonest: %q", dishonest(t, want, full))
			}
			if len(differences(r)) == len(differences(want)) && len(dishonest(t, r, full)) == 0 && r.Coverage.Blocking() == want.Coverage.Blocking() {
				t.Error("no check notices the mistake")
			}
		})
	}
}

func session(t testing.TB, server *sandbox.Server) collect.Source {
	t.Helper()
	who := server.Auditor()
	account, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: who.ClientID, ClientSecret: databricks.Secret(who.ClientSecret),
		Proxy: server.ProxyURL(), RootCAs: server.CertPool(), RateLimit: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(account.Close)
	return account.Session()
}
