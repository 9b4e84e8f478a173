package core_test

import (
	"slices"
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
