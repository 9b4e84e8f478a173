package core_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
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
			who := ask[*report.ResourceReport](t, g, query.Resource{Name: name, Parts: parts})
			if !who.Coverage.Complete {
				t.Fatalf("not complete: %+v", who.Coverage.Gaps)
			}
			for _, k := range everybodyIn(account) {
				can := ask[*report.CanReport](t, g, query.Can{Who: k, Action: string(identity.Select), Resource: name, Parts: parts})
				if got, want := readsIt(who, can.Subject.ID), can.Verdict == report.Allow; got != want {
					t.Errorf("%s: resource says %v, can says %s", k, got, can.Verdict)
				}
				manages := slices.ContainsFunc(who.Indirect, func(a report.Access) bool { return a.Principal.ID == can.Subject.ID })
				// Account admins are not looked for by resource, and say so in can.
				admin := slices.ContainsFunc(can.Acts, func(a report.Act) bool { return a.Because == "account admin" })
				holds := slices.ContainsFunc(who.Access, func(a report.Access) bool { return a.Principal.ID == can.Subject.ID })
				if can.Verdict == report.Indirect && !admin && !manages && !holds {
					t.Errorf("%s: can says INDIRECT by %+v, resource does not list it", k, can.Acts)
				}
			}
		})
	}
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
		"allow":    query.Can{Who: "bob@acme.test", Action: "SELECT", Parts: []string{"main", "sales", "orders"}},
		"deny":     query.Can{Who: "dave@acme.test", Action: "SELECT", Parts: []string{"main", "finance", "ledger"}},
		"indirect": query.Can{Who: "carol@acme.test", Action: "SELECT", Parts: []string{"main", "finance", "ledger"}},
		"bound":    query.Can{Who: "alice@acme.test", Action: "SELECT", Parts: []string{"prod_lakehouse", "silver", "events"}},
		"who":      query.Resource{Parts: []string{"main", "sales", "orders"}},
		"groups":   query.Resource{Parts: []string{"analytics", "web", "sessions"}, Groups: true},
	}
	for name, q := range questions {
		whole := serve(t, sandbox.Acme(), sandbox.Options{})
		g := engine(t, whole, whole.Auditor())
		whole.ResetCalls()
		full := ask[report.Report](t, g, q)
		for _, call := range whole.Calls() {
			t.Run(name+" "+strings.ReplaceAll(call.Path+"?"+call.Query, "/", "_"), func(t *testing.T) {
				t.Parallel()
				server := serve(t, sandbox.Acme(), sandbox.Options{})
				g := engine(t, server, server.Auditor())
				server.SetFaults(fault(t, call, "status=403"))
				r, err := g.Answer(t.Context(), q, nil)
				if err != nil { // no answer is no wrong answer, but "there is none" is one
					if none, ok := errors.AsType[*core.UnknownResourceError](err); ok {
						t.Errorf("a refused read became: %v", none)
					}
					return
				}
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
					was, is := allowed(full.(*report.ResourceReport)), allowed(r)
					for _, id := range is {
						if !slices.Contains(was, id) {
							t.Errorf("%s has access only when something is not read", id)
						}
					}
					if len(is) < len(was) && r.Coverage.Complete {
						t.Errorf("%d of %d are left over complete coverage", len(is), len(was))
					}
				}
			})
		}
	}
}

func allowed(r *report.ResourceReport) (ids []string) {
	for _, a := range r.Access {
		if a.Verdict == report.Allow {
			ids = append(ids, a.Principal.Name+" "+string(a.GrantedOn.Type)+" "+a.Via)
		}
	}
	return ids
}
