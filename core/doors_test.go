package core_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/raced"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

func ask[T report.Report](t *testing.T, g *core.Engine, q query.Request) T {
	t.Helper()
	r, err := g.Answer(t.Context(), q, nil)
	if err != nil {
		t.Fatalf("%s: %v", q.Mode(), err)
	}
	return r.(T)
}

// TestEveryDoorTellsTheSame asks who can read each of a few tables, and of every user and service
// principal whether it can: the two answers, made from different reads, must agree, and a principal's
// own audit must show the grants that they rest on.
func TestEveryDoorTellsTheSame(t *testing.T) {
	account := sandbox.Acme()
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	for _, parts := range [][]string{
		{"main", "sales", "orders"}, {"main", "sales", "customers"}, {"main", "finance", "ledger"},
		{"main", "finance", "payroll"}, {"prod_lakehouse", "silver", "events"}, {"analytics", "web", "sessions"},
	} {
		name := parts[0] + "." + parts[1] + "." + parts[2]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := ask[*report.ResourceReport](t, g, parse(t, "resource", name))
			if !who.Coverage.Complete {
				t.Fatalf("not complete: %+v", who.Coverage.Gaps)
			}
			for _, k := range everybodyIn(account) {
				can := ask[*report.CanReport](t, g, parse(t, "can", k, "SELECT", name))
				if got, want := readsIt(who, can.Subject.ID), can.Verdict == report.Allow; got != want {
					t.Errorf("%s: resource says %v, can says %s", k, got, can.Verdict)
				}
				manages := slices.ContainsFunc(who.Indirect, func(a report.Access) bool { return a.Principal.ID == can.Subject.ID })
				// Account admins are not looked for by resource, and say so in can.
				admin := slices.ContainsFunc(can.Acts, func(a report.Act) bool { return a.Because == "account admin" })
				if can.Verdict == report.Indirect && !admin && !manages {
					t.Errorf("%s: can says INDIRECT by %+v, resource does not list it", k, can.Acts)
				}
			}
		})
	}
}

// parse reads a question as both frontends do.
func parse(t *testing.T, words ...string) query.Request {
	t.Helper()
	q, err := query.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func everybodyIn(account *sandbox.Account) (names []string) {
	for _, u := range account.Users {
		names = append(names, u.ID)
	}
	for _, sp := range account.ServicePrincipals {
		names = append(names, sp.ApplicationID)
	}
	return names
}

func readsIt(r *report.ResourceReport, id string) bool {
	return slices.ContainsFunc(r.Access, func(a report.Access) bool {
		reads := slices.ContainsFunc(a.Privileges, func(p identity.Privilege) bool {
			return p == identity.Select || p == identity.AllPrivileges || p == report.Owner
		})
		return a.Principal.ID == id && a.Verdict == report.Allow && reads
	})
}

// TestR09_VerdictsSurviveFailedCalls fails each single call of can and resource in turn: a verdict may
// become UNKNOWN, never its opposite, and whoever disappears from a list leaves a named gap.
func TestR09_VerdictsSurviveFailedCalls(t *testing.T) {
	questions := map[string]query.Request{
		"allow":    parse(t, "can", "bob@acme.test", "SELECT", "main.sales.orders"),
		"deny":     parse(t, "can", "dave@acme.test", "SELECT", "main.finance.ledger"),
		"indirect": parse(t, "can", "carol@acme.test", "SELECT", "main.finance.ledger"),
		"bound":    parse(t, "can", "alice@acme.test", "SELECT", "prod_lakehouse.silver.events"),
		"who":      parse(t, "resource", "main.sales.orders"),
		"groups":   parse(t, "resource", "analytics.web.sessions", "--no-expand-groups"),
		"object":   parse(t, "can", "bob@acme.test", "run", "bi", "--resource-type", "warehouse"),
		"query":    parse(t, "can", "bob@acme.test", "query", "main.sales.orders"),
		"ways":     parse(t, "can", "mallory@acme.test", "read", "main.finance.ledger"),
		"steered":  parse(t, "can", "bob@acme.test", "SELECT", "main.finance.payroll", "--scan-workspace-objects"),
		"nothing":  parse(t, "can", "judy@acme.test", "SELECT", "main.finance.payroll", "--scan-workspace-objects"),
		"view":     parse(t, "can", "bob@acme.test", "read", "main.sales.margin_by_region"),
		"users":    parse(t, "resource", "nightly_etl", "--resource-type", "job"),
		"roles":    parse(t, "roles", "alice@acme.test"),
		"compare":  parse(t, "compare", "alice@acme.test", "bob@acme.test"),
		"group":    parse(t, "group", "data-engineering", "--scan-schemas", "--check-local-groups"),
		"unused":   parse(t, "principal", "bob@acme.test", "--scan-volumes", "--stale-days", "90"),
		"idle":     parse(t, "group", "pipelines-oncall", "--scan-volumes", "--stale-days", "90"),
		"local":    parse(t, "group", "8102@staging", "--check-local-groups", "--workspace-urls", "staging"),
		"acls":     parse(t, "group", "data-engineering", "--scan-workspace-objects", "--workspace-urls", "staging"),
		"twin":     parse(t, "group", "3008", "--scan-workspace-objects", "--workspace-urls", "staging"),
		"crowd":    parse(t, "group", "all-staff", "--workspace-urls", "prod"),
		"more":     parse(t, "escalations", "niaj@acme.test", "--scan-workspace-objects", "--workspace-urls", "prod"),
	}
	for name, q := range questions {
		eachRefused(t, name, q, func(t *testing.T, full, r report.Report) {
			switch r := r.(type) {
			case *report.CanReport:
				was := full.(*report.CanReport).Verdict
				if r.Verdict != was && r.Verdict != report.Unknown {
					t.Errorf("%s became %s", was, r.Verdict)
				}
				if r.Verdict != was && r.Coverage.Complete {
					t.Errorf("%s became %s over complete coverage", was, r.Verdict)
				}
			case *report.ResourceReport:
				fewer(t, allowed(full.(*report.ResourceReport)), allowed(r), r.Coverage)
			case *report.CompareReport:
				stays(t, comparedSides(full.(*report.CompareReport)), comparedSides(r), r.Coverage)
			case *report.GroupReport:
				fewerOfGroup(t, full.(*report.GroupReport), r)
				fewer(t, stale(full.(*report.GroupReport).Stale), stale(r.Stale), r.Coverage)
			case *report.PrincipalReport:
				fewer(t, stale(full.(*report.PrincipalReport).Stale), stale(r.Stale), r.Coverage)
			case *report.RolesReport:
				fewer(t, certainRoles(full.(*report.RolesReport)), certainRoles(r), r.Coverage)
			case *report.EscalationsReport:
				fewer(t, certainFindings(full.(*report.EscalationsReport)), certainFindings(r), r.Coverage)
			}
		})
	}
}

// eachRefused asks a question, and again with each single call refused that it took. No answer is no wrong
// answer, but "there is none" is one.
func eachRefused(t *testing.T, name string, q query.Request, check func(t *testing.T, full, again report.Report)) {
	t.Helper()
	whole := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, whole, whole.Auditor())
	whole.ResetCalls()
	full := ask[report.Report](t, g, q)
	for _, call := range raced.Sample(t, whole.Calls(), 8) {
		t.Run(name+" "+strings.ReplaceAll(call.Path+"?"+call.Query, "/", "_"), func(t *testing.T) {
			t.Parallel()
			server := serve(t, sandbox.Acme(), sandbox.Options{})
			g := engine(t, server, server.Auditor())
			server.SetFaults(fault(t, call, "status=403"))
			again, err := g.Answer(t.Context(), q, nil)
			if none, ok := errors.AsType[*core.UnknownResourceError](err); ok {
				t.Errorf("a refused read became: %v", none)
			}
			if err == nil {
				check(t, full, again)
			}
		})
	}
}

// fewer checks what is left of a list of certain things when something was not read: nothing new, and
// nothing gone without a gap.
func fewer(t *testing.T, was, is []string, c report.Coverage) {
	t.Helper()
	for _, id := range is {
		if !slices.Contains(was, id) {
			t.Errorf("%s is so only when something is not read", id)
		}
	}
	if len(is) < len(was) && c.Complete {
		t.Errorf("%d of %d are left over complete coverage", len(is), len(was))
	}
}

// stale gives each privilege that is said not to be used.
func stale(list []report.Stale) (ids []string) {
	for _, s := range list {
		for _, p := range s.Privileges {
			if s.Verdict == report.UseStale {
				ids = append(ids, strings.Join([]string{s.Principal.Name, string(p), string(s.Securable.Type), s.Securable.FullName, s.Securable.Metastore}, " "))
			}
		}
	}
	return ids
}

func certainRoles(r *report.RolesReport) (ids []string) {
	for _, one := range r.Roles {
		// Being a viewer, or having nothing more, is what the absence of other facts shows.
		if one.Certain && one.Role != "viewer" {
			ids = append(ids, one.Principal.Name+" "+one.Role+" "+one.Scope)
		}
	}
	return ids
}

func certainFindings(r *report.EscalationsReport) (ids []string) {
	for _, f := range r.Findings {
		if f.Certain {
			ids = append(ids, f.ID+" "+f.Subject.Name+" "+f.Gains)
		}
	}
	return ids
}

func allowed(r *report.ResourceReport) (ids []string) {
	for _, a := range r.Access {
		if a.Verdict == report.Allow {
			ids = append(ids, a.Principal.Name+" "+string(a.GrantedOn.Type)+" "+a.Via)
		}
	}
	return ids
}

// comparedSides is on which side each group and each use of a securable is.
func comparedSides(r *report.CompareReport) map[string]string {
	sides := map[string]string{}
	for side, list := range map[string][]report.ComparedGroup{"a": r.Groups.OnlyInA, "b": r.Groups.OnlyInB, "both": r.Groups.InBoth} {
		for _, g := range list {
			sides["group "+g.Group.ID] = side
		}
	}
	for side, list := range map[string][]report.ComparedAccess{"a": r.Access.OnlyInA, "b": r.Access.OnlyInB, "both": r.Access.InBoth} {
		for _, x := range list {
			for _, p := range x.Privileges {
				for _, w := range x.Workspaces {
					sides[strings.Join([]string{string(p), string(x.Securable.Type), x.Securable.FullName, x.Securable.Metastore, w}, " ")] = side
				}
			}
		}
	}
	return sides
}

// stays says that what was decided is on the same side or on none, and on none only with a gap.
func stays(t *testing.T, was, is map[string]string, c report.Coverage) {
	t.Helper()
	for what, side := range was {
		switch now := is[what]; {
		case now != "" && now != side:
			t.Errorf("%s was on side %q and is on %q", what, side, now)
		case now == "" && c.Complete:
			t.Errorf("%s disappeared over complete coverage", what)
		}
	}
	for what := range is {
		if was[what] == "" {
			t.Errorf("%s appeared", what)
		}
	}
}
