package plan

import (
	"cmp"
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// Minimal leaves out of the steps the memberships that are not needed: without any of them, the target
// would still come to everything of the gain that the source has. It drops greedily, first those that bring
// the most that the source does not have: what is left is such that none of it can be spared, but another
// set may be smaller.
func Minimal(m *access.Model, w Wish, steps []Step) []Step {
	e := m.Estate()
	w.Source, w.Target = e.Canonical(w.Source), e.Canonical(w.Target)
	kept := slices.Clone(steps)
	gained, excess := rightsOf(m, w, kept)
	needed := gained.without(excess)
	var candidates []candidate
	for i, s := range kept {
		if s.Change != nil && s.Change.Cell.Kind == Member && (s.Kind == AddMember || s.Kind == IDPRequired) {
			_, more := rightsOf(m, w, []Step{s})
			candidates = append(candidates, candidate{i, len(more)})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.excess, a.excess) })
	for _, c := range candidates {
		was := kept[c.step]
		kept[c.step].Kind, kept[c.step].Reason = Skipped, "not needed: the other groups of the plan give what it gives of the source's access"
		if c.excess > 0 {
			kept[c.step].Reason += fmt.Sprintf(", without %d rights that the source does not have", c.excess)
		}
		if rest, _ := rightsOf(m, w, kept); !rest.covers(needed) {
			kept[c.step] = was
		}
	}
	c := &cloning{e: e, steps: kept}
	c.settle()
	return c.steps
}

// candidate is a membership that may be spared, with how much it brings by itself that the source does not
// have.
type candidate struct{ step, excess int }

// right is one thing of a gain, the smallest.
type right struct {
	on        identity.Securable
	privilege identity.Privilege
	in        identity.WorkspaceID
	as        identity.WorkspacePermission
	role      string
	object    identity.Object
	level     identity.Level
}

type rightSet map[right]bool

func (s rightSet) without(other rightSet) rightSet {
	rest := rightSet{}
	for r := range s {
		if !other[r] {
			rest[r] = true
		}
	}
	return rest
}

func (s rightSet) covers(other rightSet) bool { return len(other.without(s)) == 0 }

// rightsOf is what the target gains by some steps, and what of it the source does not have.
func rightsOf(m *access.Model, w Wish, steps []Step) (gained, excess rightSet) {
	_, all := changes(steps)
	after := m.With(Overlay(m.Estate(), all))
	turn, beyond := access.BetweenAnd(m, after, w.Target, w.Source)
	return rights(turn.Gained), rights(beyond)
}

func rights(r access.Rights) rightSet {
	set := rightSet{}
	for _, x := range r.Access {
		for _, p := range x.Privileges {
			for _, in := range x.In {
				set[right{on: x.On, privilege: p, in: in}] = true
			}
		}
	}
	for _, x := range r.Workspaces {
		set[right{in: x.In, as: x.As}] = true
	}
	for _, x := range r.Roles {
		set[right{role: x.Role + "\x00" + x.Scope}] = true
	}
	for _, x := range r.Objects {
		set[right{object: x.On, level: x.Level}] = true
	}
	return set
}
