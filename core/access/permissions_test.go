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

// TestObjectsThroughEveryDoor holds what a principal's own report says of workspace objects against the
// oracle, against can, against who can use the object, and against comparisons: for everybody, on every
// object and for each of its levels.
func TestObjectsThroughEveryDoor(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(250) {
		w := accesstest.Random(rand.New(rand.NewPCG(seed, 11)))
		e := w.Estate()
		m := access.Over(e, access.Options{})
		people := loggingIn(e)
		for i, k := range people {
			own := m.Principal(k, access.Also{Objects: true})
			oracle := accesstest.NewOracle(w, k)
			other := people[(i+1)%len(people)]
			compared := m.Compare(k, other, access.Also{Objects: true})
			for _, o := range e.Objects() {
				if _, asked := e.Outcome(estate.ReadKey{Op: estate.OpObjectGrants, Object: o.Object}); !asked {
					continue
				}
				for _, l := range o.Type.Levels() {
					bad := objectDoors(m, own, k, l, o.Object, oracle)
					if other != k {
						bad = append(bad, comparedObject(m, compared, l, o.Object, m.Subject(k).Operates(l, o.Object), m.Subject(other).Operates(l, o.Object))...)
					}
					if len(bad) > 0 {
						t.Fatalf("world %d, %s, %s on %v:\n%q\n%+v\n%s", seed, k.ID, l, o.Object, bad, own.Objects, w)
					}
					met[fmt.Sprintf("%v permitted, %v usable", oracle.Permitted(l, o.Object), oracle.Operates(l, o.Object))]++
				}
			}
			if len(own.Objects) > 0 {
				met["somebody has something"]++
			}
		}
	}
	for _, want := range []string{
		fmt.Sprintf("%v permitted, %v usable", access.Allowed, access.Allowed), fmt.Sprintf("%v permitted, %v usable", access.Allowed, access.Denied),
		fmt.Sprintf("%v permitted, %v usable", access.Denied, access.Denied), fmt.Sprintf("%v permitted, %v usable", access.Unknown, access.Unknown),
	} {
		if met[want] < 100 {
			t.Errorf("%q was met %d times: the worlds are too dull (%v)", want, met[want], met)
		}
	}
}

// objectDoors says where the doors tell something else than the oracle about one level on one object.
func objectDoors(m *access.Model, own *report.PrincipalReport, k identity.PrincipalKey, l identity.Level, on identity.Object, oracle *accesstest.Oracle) (bad []string) {
	ref := m.DescribeObject(on)
	var has, usable, unsure bool
	for _, o := range own.Objects {
		if o.Workspace == ref.Workspace && o.Type == ref.Type && o.ID == ref.ID && on.Type.Includes(identity.Level(o.Level), l) {
			has, usable, unsure = true, usable || o.Usable != nil && *o.Usable, unsure || o.Usable == nil
		}
	}
	if want := oracle.Permitted(l, on) == access.Allowed; has != want {
		bad = append(bad, fmt.Sprintf("principal lists it: %v, the oracle: %v", has, want))
	}
	if want := oracle.Operates(l, on); usable != (want == access.Allowed) || unsure && want == access.Denied {
		bad = append(bad, fmt.Sprintf("principal says that it is usable: %v (not known: %v), the oracle: %v", usable, unsure, want))
	}
	can := m.CanOperate(k, l, on, false)
	if (can.Verdict == report.Allow) != usable {
		bad = append(bad, fmt.Sprintf("can says %s, principal that it is usable: %v", can.Verdict, usable))
	}
	who := m.WhoOperates(on, access.Who{Expand: true, Privilege: identity.Privilege(l)})
	subject := own.Principal.ID
	listed := slices.ContainsFunc(who.Access, func(a report.Access) bool { return a.Principal.ID == subject && a.Verdict == report.Allow })
	if listed && !usable {
		bad = append(bad, "resource lists it, principal does not")
	}
	if usable && !listed {
		bad = append(bad, "principal lists it, resource does not")
	}
	return bad
}

// comparedObject says where a comparison has a level on another side than the verdicts on the two.
func comparedObject(m *access.Model, r *report.CompareReport, l identity.Level, on identity.Object, a, b access.Verdict) []string {
	ref := m.DescribeObject(on)
	has := func(rows []report.ComparedObject) bool {
		return slices.ContainsFunc(rows, func(o report.ComparedObject) bool {
			return o.Workspace == ref.Workspace && o.Type == ref.Type && o.ID == ref.ID && on.Type.Includes(identity.Level(o.Level), l)
		})
	}
	// A level stands for those that it includes as far as these are not on a side of their own.
	got := map[string]bool{"only_in_a": has(r.Objects.OnlyInA), "only_in_b": has(r.Objects.OnlyInB), "in_both": has(r.Objects.InBoth), "undecided": has(r.Objects.Undecided)}
	want := sideBy(a, b)
	if want != "" && !got[want] && want != "undecided" { // where nobody was seen to have it the gap tells
		return []string{fmt.Sprintf("compare does not have it on side %q: %v", want, got)}
	}
	if want == "" && (got["only_in_a"] || got["only_in_b"] || got["in_both"]) {
		return []string{fmt.Sprintf("compare has it where nobody has it: %v", got)}
	}
	return nil
}

// TestStrongestPermissions lists of many ways to an object those that no other surpasses.
func TestStrongestPermissions(t *testing.T) {
	b := estate.NewBuilder("a")
	ann, team := identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, identity.PrincipalKey{Kind: identity.KindGroup, ID: "2"}
	b.AddPrincipal(identity.Principal{Key: ann, Name: "ann@x.test", Status: identity.StatusActive})
	b.AddPrincipal(identity.Principal{Key: team, Name: "team"})
	b.AddMembership(ann, team)
	b.AddWorkspace(identity.Workspace{ID: 7, Name: "prod", Status: "RUNNING"})
	b.AddAssignment(identity.Assignment{Workspace: 7, Principal: ann, Permission: identity.WorkspaceUser})
	for _, k := range []estate.ReadKey{
		{Op: estate.OpGroups}, {Op: estate.OpMembers, Principal: team}, {Op: estate.OpParents, Principal: ann}, {Op: estate.OpAssignments, Workspace: 7}, {Op: estate.OpWorkspaces},
		{Op: estate.OpEntitlements, Workspace: 7, Principal: identity.PrincipalKey{Kind: identity.KindGroup}},
	} {
		b.Record(k, estate.Outcome{Needed: true})
	}
	user, group := identity.PrincipalName{Kind: identity.KindUser, Name: "ann@x.test"}, identity.PrincipalName{Kind: identity.KindGroup, Name: "team"}
	for id, grants := range map[identity.Object][]identity.ObjectGrant{
		{Type: identity.ObjectWarehouse, ID: "both"}:  {{Holder: user, Level: identity.CanView}, {Holder: group, Level: identity.CanUse}},
		{Type: identity.ObjectWarehouse, ID: "above"}: {{Holder: user, Level: identity.CanView}, {Holder: group, Level: identity.CanMonitor}},
		{Type: identity.ObjectJob, ID: "owned"}:       {{Holder: user, Level: identity.IsOwner}, {Holder: group, Level: identity.CanManage, From: "/directories/4"}, {Holder: group, Level: identity.CanView}},
		{Type: identity.ObjectDashboard, ID: "alike"}: {{Holder: group, Level: identity.CanRead}, {Holder: user, Level: identity.CanRun}},
		{Type: identity.ObjectJob, ID: "new"}:         {{Holder: user, Level: "CAN_DREAM"}, {Holder: user, Level: identity.CanManage}},
	} {
		id.Workspace = 7
		b.AddObject(identity.ObjectInfo{Object: id})
		b.AddObjectGrants(id, grants)
		b.Record(estate.ReadKey{Op: estate.OpObjectGrants, Object: id}, estate.Outcome{Needed: true})
	}
	var got []string
	for _, o := range access.Over(b.Build(), access.Options{}).Principal(ann, access.Also{Objects: true}).Objects {
		got = append(got, fmt.Sprintf("%s %s %s via %v from %q of %q", o.ID, o.Level, o.Source, o.Path, o.InheritedFrom, o.Owner))
	}
	slices.Sort(got)
	want := []string{
		`above CAN_MONITOR group via [ann@x.test team] from "" of ""`,
		`alike CAN_RUN direct via [ann@x.test] from "" of ""`,
		`both CAN_USE group via [ann@x.test team] from "" of ""`,
		`both CAN_VIEW direct via [ann@x.test] from "" of ""`,
		`new CAN_DREAM direct via [ann@x.test] from "" of ""`,
		`new CAN_MANAGE direct via [ann@x.test] from "" of ""`,
		`owned CAN_MANAGE group via [ann@x.test team] from "/directories/4" of "ann@x.test"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
