package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// all are the parts of a wish for everything.
var all = []plan.Part{plan.PartGroups, plan.PartAssignments, plan.PartEntitlements, plan.PartGrants, plan.PartObjects}

// drawn is a random account with a wish for two of its principals.
func drawn(t *rapid.T) (*access.Model, plan.Wish) {
	e := accesstest.Generate(t).Estate()
	var keys []identity.PrincipalKey
	for p := range e.Principals() {
		keys = append(keys, p.Key)
	}
	w := plan.Wish{
		Source: rapid.SampledFrom(keys).Draw(t, "source"), Target: rapid.SampledFrom(keys).Draw(t, "target"),
		Parts: all, Deep: rapid.Bool().Draw(t, "deep"),
	}
	return access.Over(e, access.Options{}), w
}

// carried are the changes of the steps that we carry out, and with idp those of its administrators too.
func carried(steps []plan.Step, idp bool) []plan.Change {
	var list []plan.Change
	for _, s := range steps {
		if s.Kind.Executable() || idp && s.Kind == plan.IDPRequired {
			list = append(list, *s.Change)
		}
	}
	return list
}

// TestPlanAgainIsEmpty holds that what a plan gives, the next plan does not give again.
func TestPlanAgainIsEmpty(t *testing.T) {
	kinds := map[plan.StepKind]int{}
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		for _, s := range steps {
			kinds[s.Kind]++
		}
		again, err := plan.Steps(m.With(plan.Overlay(m.Estate(), carried(steps, true))), w)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range again {
			if s.Kind.Executable() || s.Kind == plan.IDPRequired {
				t.Errorf("planned again after it was done: %+v %+v", s, *s.Change)
			}
		}
	})
	for _, k := range []plan.StepKind{plan.AddMember, plan.WorkspaceAssignment, plan.Entitlement, plan.Grant, plan.AlreadyMember, plan.Skipped, plan.Unverified} {
		if kinds[k] == 0 {
			t.Errorf("no world had a step %s: the test shows nothing of it (%v)", k, kinds)
		}
	}
}

// TestCellsHoldWhatWasPlanned holds that an overlay is what the changes say, and undoing them gives the facts
// back.
func TestCellsHoldWhatWasPlanned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		changes := carried(steps, true)
		after := plan.Overlay(m.Estate(), changes)
		back := slices.Clone(changes)
		for i, c := range changes {
			if v, _ := plan.ValueOf(m.Estate(), c.Cell); v != c.Before {
				t.Errorf("%+v holds %q before, the plan says %q", c.Cell, v, c.Before)
			}
			if v, known := plan.ValueOf(after, c.Cell); v != c.After || !known {
				t.Errorf("%+v holds %q (known %v) after, the plan says %q", c.Cell, v, known, c.After)
			}
			back[i].Before, back[i].After = c.After, c.Before
		}
		slices.Reverse(back)
		undone := plan.Overlay(after, back)
		for _, c := range changes {
			if v, _ := plan.ValueOf(undone, c.Cell); v != c.Before {
				t.Errorf("%+v holds %q when taken back, and held %q", c.Cell, v, c.Before)
			}
		}
		if w := plan.Overlay(undone, nil).Fingerprint(); w != undone.Fingerprint() {
			t.Error("an overlay of nothing is another estate")
		}
	})
}

// TestTakesNothing holds that a plan takes nothing away from anybody: what somebody could do for certain
// before, he can do after.
func TestTakesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		after := m.With(plan.Overlay(m.Estate(), carried(steps, true)))
		for q := range questions(m.Estate()) {
			for p := range m.Estate().Principals() {
				was, is := m.Subject(p.Key).Can(q.p, q.on, q.in), after.Subject(p.Key).Can(q.p, q.on, q.in)
				if was == access.Allowed && is != access.Allowed {
					t.Fatalf("%v could %v and then %v", p.Key, q, is)
				}
			}
		}
	})
}

// question is whether somebody can exercise a privilege on a securable from a workspace.
type question struct {
	p  identity.Privilege
	on identity.Securable
	in identity.WorkspaceID
}

func questions(e *estate.Estate) func(func(question) bool) {
	return func(yield func(question) bool) {
		for s := range e.Securables() {
			for _, w := range e.MetastoreWorkspaces(s.Metastore) {
				for _, p := range []identity.Privilege{identity.Select, identity.UseCatalog, identity.Modify, identity.Execute, identity.ReadFiles} {
					if p.Applies(s.Type) && !yield(question{p, s.Securable, w}) {
						return
					}
				}
			}
		}
	}
}

// TestGivesNothingTwice holds that no step gives the target what it has by one of its groups, and that none
// writes a group that Databricks does not keep. T37.
func TestGivesNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		e := m.Estate()
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		target := m.Subject(w.Target)
		for _, c := range carried(steps, false) {
			switch c.Cell.Kind {
			case plan.Member:
				if slices.Contains(target.Identities(), c.Cell.Group) {
					t.Errorf("it is in %v already", c.Cell.Group)
				}
				if p, _ := e.Principal(c.Cell.Group); p.Origin != identity.OriginDatabricks || p.ExternalID != "" {
					t.Errorf("%+v is not for us to write", p)
				}
			case plan.Assigned:
				for _, a := range e.Assignments(c.Cell.Workspace) {
					if slices.Contains(target.Identities(), a.Principal) && a.Permission >= plan.Permission(c.After) {
						t.Errorf("%+v gives it already", a)
					}
				}
			case plan.Granted:
				for g := range e.GrantsOn(c.Cell.Securable) {
					if slices.Contains(target.Identities(), g.Holder.Key) && slices.Contains(g.Privileges, c.Cell.Privilege) {
						t.Errorf("%+v gives it already", g)
					}
				}
			case plan.Entitled, plan.ObjectLevel:
			}
		}
	})
}

// TestOutOfAGroupIsOutOfThoseAbove holds where some API told, without the way, that somebody is in a group.
func TestOutOfAGroupIsOutOfThoseAbove(t *testing.T) {
	b := estate.NewBuilder("acc")
	who := person("1")
	for _, p := range []identity.Principal{who, group("10"), group("11"), group("12")} {
		b.AddPrincipal(p)
	}
	b.AddMembership(who.Key, key("10"))
	b.AddMembership(key("10"), key("11"))
	for _, above := range []string{"10", "11", "12"} { // nothing tells by which way it is in 12
		b.AddAncestor(who.Key, key(above))
	}
	e := plan.Overlay(b.Build(), []plan.Change{{Cell: plan.Cell{Kind: plan.Member, Holder: who.Key, Group: key("10")}, Before: plan.Present}})
	s := access.Over(e, access.Options{}).Subject(who.Key)
	for id, in := range map[string]bool{"10": false, "11": false, "12": true} {
		if got := s.In(key(id)) == access.Allowed; got != in {
			t.Errorf("in %s: %v, want %v", id, got, in)
		}
	}
}
