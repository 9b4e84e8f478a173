package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// TestCompareAgreesWithTheOracle holds every row about what lies in a schema against the oracle, and the
// oracle's answers against the rows.
func TestCompareAgreesWithTheOracle(t *testing.T) {
	sides := map[string]int{}
	for seed := range uint64(400) {
		w := accesstest.Random(rand.New(rand.NewPCG(seed, 7)))
		e := w.Estate()
		m := access.Over(e, access.Options{})
		people := loggingIn(e)
		for i, a := range people {
			b := people[(i+1)%len(people)]
			if a == b {
				continue
			}
			r := m.Compare(a, b, access.Also{})
			mirrored(t, r, m.Compare(b, a, access.Also{}))
			compareWithOracle(t, w, e, r, a, b, sides)
		}
	}
	for _, side := range []string{"only_in_a", "only_in_b", "in_both", "undecided", ""} {
		if sides[side] < 50 {
			t.Errorf("%d answers on side %q: the worlds are too dull", sides[side], side)
		}
	}
}

func loggingIn(e *estate.Estate) (people []identity.PrincipalKey) {
	for p := range e.Principals() {
		if p.Key.Kind == identity.KindUser || p.Key.Kind == identity.KindServicePrincipal {
			people = append(people, p.Key)
		}
	}
	return people
}

func compareWithOracle(t *testing.T, w accesstest.World, e *estate.Estate, r *report.CompareReport, a, b identity.PrincipalKey, sides map[string]int) {
	t.Helper()
	ofA, ofB := accesstest.NewOracle(w, a), accesstest.NewOracle(w, b)
	seen := map[identity.Securable]bool{}
	for s := range e.Securables() {
		if s.Type.InSchema() && mentioned(r, e, s.Securable) {
			seen[s.Securable] = true
		}
	}
	for on := range seen {
		for _, p := range identity.PrivilegesOn(on.Type) {
			if p == identity.AllPrivileges || p == identity.Manage || p == identity.Browse {
				continue
			}
			for _, at := range e.Workspaces() {
				if !at.Running() || !slices.Contains(e.MetastoreWorkspaces(on.Metastore), at.ID) {
					continue
				}
				want := sideBy(ofA.Can(p, on, at.ID), ofB.Can(p, on, at.ID))
				got := rowSide(r, e, on, p, at.ID, want != "")
				sides[want]++
				unseen := want == "undecided" && got == "" // the gap tells, where nobody was seen to have it
				if got != want && !unseen && !instead(e) {
					t.Fatalf("%s and %s, %s on %s from %s: the report says %q, the oracle %q\n%+v\n%s", a.ID, b.ID, p, on.FullName(), e.WorkspaceName(at.ID), got, want, r.Access, w)
				}
			}
		}
	}
}

// instead reports whether somebody may act as a group without being in it, or perhaps may: comparisons
// leave out what that gives.
func instead(e *estate.Estate) bool {
	return slices.ContainsFunc(e.AllRoleGrants(), func(g estate.RoleGrant) bool { return g.Role == identity.RoleGroupAssumer }) ||
		slices.ContainsFunc(e.ReadsOf(estate.OpRoles), func(r estate.Read) bool { return !r.Outcome.OK() })
}

func sideBy(a, b access.Verdict) string {
	switch {
	case a == access.Allowed && b == access.Allowed:
		return "in_both"
	case a == access.Denied && b == access.Denied:
		return ""
	case a == access.Unknown || b == access.Unknown:
		return "undecided"
	case a == access.Allowed:
		return "only_in_a"
	default:
		return "only_in_b"
	}
}

func allRows(r *report.CompareReport) map[string][]report.ComparedAccess {
	return map[string][]report.ComparedAccess{
		"only_in_a": r.Access.OnlyInA, "only_in_b": r.Access.OnlyInB, "in_both": r.Access.InBoth, "undecided": r.Access.Undecided,
	}
}

func isOn(x report.ComparedAccess, e *estate.Estate, on identity.Securable) bool {
	return x.Securable.Type == on.Type && x.Securable.FullName == on.FullName() && x.Securable.Metastore == e.MetastoreName(on.Metastore)
}

func mentioned(r *report.CompareReport, e *estate.Estate, on identity.Securable) bool {
	for _, rows := range allRows(r) {
		if slices.ContainsFunc(rows, func(x report.ComparedAccess) bool { return isOn(x, e, on) }) {
			return true
		}
	}
	return false
}

// rowSide is the side on which the report has a privilege, by its name or, if collective, by what stands
// for it. What stands for many does so as far as each can be used from there.
func rowSide(r *report.CompareReport, e *estate.Estate, on identity.Securable, p identity.Privilege, in identity.WorkspaceID, collective bool) string {
	stands := []func(identity.Privilege) bool{func(q identity.Privilege) bool { return q == p }}
	if collective {
		stands = append(stands, func(q identity.Privilege) bool {
			return q == identity.AllPrivileges && p.InAllPrivileges() || q == report.Owner && p.InOwnership()
		})
	}
	for _, stand := range stands {
		for _, side := range []string{"in_both", "undecided", "only_in_a", "only_in_b"} { // what the other has too, or may, is not one's alone
			for _, x := range allRows(r)[side] {
				if isOn(x, e, on) && slices.Contains(x.Workspaces, e.WorkspaceName(in)) && slices.ContainsFunc(x.Privileges, stand) {
					return side
				}
			}
		}
	}
	return ""
}

// mirrored says that asking the other way round tells the same.
func mirrored(t *testing.T, r, back *report.CompareReport) {
	t.Helper()
	turned := report.CompareReport{
		A: back.B, B: back.A,
		Groups: turn(back.Groups), Workspaces: turn(back.Workspaces), Roles: turn(back.Roles), Access: turn(back.Access),
	}
	for _, list := range []*[]report.ComparedGroup{&turned.Groups.OnlyInA, &turned.Groups.OnlyInB, &turned.Groups.InBoth, &turned.Groups.Undecided} {
		for i, g := range *list {
			(*list)[i].PathA, (*list)[i].PathB, (*list)[i].DirectA, (*list)[i].DirectB = g.PathB, g.PathA, g.DirectB, g.DirectA
		}
	}
	key := func(r *report.CompareReport) map[string]int {
		count := map[string]int{}
		for side, rows := range allRows(r) {
			for _, x := range rows {
				for _, p := range x.Privileges {
					for _, w := range x.Workspaces {
						count[fmt.Sprint(side, x.Securable.Type, x.Securable.FullName, p, w)]++
					}
				}
			}
		}
		return count
	}
	if diff := cmp.Diff(key(r), key(&turned)); diff != "" {
		t.Errorf("the other way round:\n%s", diff)
	}
	if diff := cmp.Diff(names(r.Groups), names(turned.Groups)); diff != "" {
		t.Errorf("groups the other way round:\n%s", diff)
	}
}

func turn[T any](s report.Sides[T]) report.Sides[T] {
	return report.Sides[T]{OnlyInA: s.OnlyInB, OnlyInB: s.OnlyInA, InBoth: s.InBoth, Undecided: s.Undecided}
}

func names(s report.Sides[report.ComparedGroup]) (all [4][]string) {
	for i, list := range [][]report.ComparedGroup{s.OnlyInA, s.OnlyInB, s.InBoth, s.Undecided} {
		for _, g := range list {
			all[i] = append(all[i], g.Group.ID)
		}
		slices.Sort(all[i])
	}
	return all
}
