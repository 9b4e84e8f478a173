package plan

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Hypothesis is what is thought through: cells that are otherwise, and principals that are gone.
type Hypothesis struct {
	Changes []Change
	Deleted []identity.PrincipalKey
}

// askedAbout is how many principals are looked at one by one.
const askedAbout = 500

// WhatIf works out who would gain and lose what. Those looked at are the principals and groups that the
// hypothesis names, and everybody in them. The envelope is left to the caller, except for its notes.
func WhatIf(before *access.Model, h Hypothesis) *report.WhatIfReport {
	e := before.Estate()
	after := before.With(overlayWithout(e, h))
	r := &report.WhatIfReport{Changes: []report.Action{}, Gains: []report.Gain{}, Losses: []report.Gain{}, Unknown: []report.Gain{}, Escalations: []report.Finding{}, NotLookedAt: []string{}}
	steps := h.steps(e)
	s := shower{before}
	for _, step := range steps {
		a := s.action(step)
		a.Status = report.StatusPlanned
		if step.Change != nil {
			holder := before.Describe(step.Change.Cell.Holder)
			a.Holder = &holder
		}
		r.Changes = append(r.Changes, a)
	}
	touched := touched(before, after, h)
	for i, who := range touched {
		if i == askedAbout {
			r.Notes = append(r.Notes, fmt.Sprintf("%d of %d principals that the changes touch were looked at; what the others gain and lose is not listed", askedAbout, len(touched)))
			break
		}
		t := &gaining{before: before, after: after, because: newCauses(before, after, who, steps)}
		turn := access.Between(before, after, who)
		r.Gains = append(r.Gains, t.list(who, turn.Gained, gained)...)
		r.Losses = append(r.Losses, h.blame(e, who, steps, t.list(who, turn.Lost, lost))...)
		r.Unknown = append(r.Unknown, t.list(who, turn.Undecided, perhaps)...)
	}
	var was, is analysis.Ways
	access.Together(
		func() { was = analysis.WaysOver(before, nil) },
		func() { is = analysis.WaysOver(after, nil) },
	)
	r.Escalations = slices.DeleteFunc(is.NewSince(was), func(f report.Finding) bool { return h.gone(e, f.Subject) })
	for _, k := range h.Deleted {
		owned := 0
		for range e.OwnedBy(k) {
			owned++
		}
		if owned > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s owns %d securables, which nobody would own: what reads with its rights, such as views, stops working", e.Label(k), owned))
		}
	}
	return r
}

// gone reports whether a finding is of somebody who is deleted, whose name some facts still bear.
func (h Hypothesis) gone(e *estate.Estate, subject report.Principal) bool {
	return slices.ContainsFunc(h.Deleted, func(k identity.PrincipalKey) bool {
		p, _ := e.Principal(k)
		return subject.ID == k.ID || subject.ID == "" && identity.SameName(subject.Name, p.Name)
	})
}

// blame says of what a deleted principal loses that the deletion is why.
func (h Hypothesis) blame(e *estate.Estate, who identity.PrincipalKey, steps []Step, list []report.Gain) []report.Gain {
	i := slices.IndexFunc(h.Deleted, func(k identity.PrincipalKey) bool { return e.Canonical(k) == who })
	if i < 0 {
		return list
	}
	for n := range list {
		list[n].Because = append(list[n].Because, steps[len(h.Changes)+i].ID)
	}
	return list
}

// overlayWithout is the estate with the changes made and the deleted gone. What was granted to them is
// granted to nobody; what they own has no owner.
func overlayWithout(e *estate.Estate, h Hypothesis) *estate.Estate {
	o := newOverlay(e)
	for _, c := range h.Changes {
		o.change(c)
	}
	o.changes.Deleted = h.Deleted
	return e.With(o.changes)
}

// steps are the changes as reports show them.
func (h Hypothesis) steps(e *estate.Estate) []Step {
	var steps []Step
	for _, c := range h.Changes {
		kind := stepOf[c.Cell.Kind]
		s := Step{ID: fmt.Sprintf("c%d", len(steps)+1), Kind: kind, Change: &c}
		if c.Before == c.After {
			s.Reason = "it is so already"
		}
		if kind == AddMember && c.After == Absent {
			s.Kind = RemoveMember
		}
		steps = append(steps, s)
	}
	for _, k := range h.Deleted {
		steps = append(steps, Step{ID: fmt.Sprintf("c%d", len(steps)+1), Kind: Delete, Reason: fmt.Sprintf("%s %s", k.Kind.Title(), e.Label(k))})
	}
	return steps
}

// stepOf is the kind of step that changes a kind of cell.
var stepOf = map[CellKind]StepKind{Member: AddMember, Assigned: WorkspaceAssignment, Entitled: Entitlement, Granted: Grant, ObjectLevel: ObjectACL}

// touched are those for whom something may differ: the holders, and everybody in them on either side. Of
// groups only those that are named stand for themselves.
func touched(before, after *access.Model, h Hypothesis) []identity.PrincipalKey {
	e := before.Estate()
	var named []identity.PrincipalKey
	for _, c := range h.Changes {
		named = append(named, e.Canonical(c.Cell.Holder))
	}
	for _, k := range h.Deleted {
		named = append(named, e.Canonical(k))
	}
	list := slices.Clone(named)
	for _, k := range named {
		if k.Kind != identity.KindGroup {
			list = append(list, slices.Collect(e.SamePerson(k))...)
			continue
		}
		members := slices.Concat(before.Members(k), after.Members(k))
		if k == identity.AccountUsers() {
			for p := range e.Principals() {
				members = append(members, p.Key)
			}
		}
		for _, m := range members {
			if m.Kind == identity.KindUser || m.Kind == identity.KindServicePrincipal {
				list = append(list, m)
			}
		}
	}
	slices.SortFunc(list, identity.PrincipalKey.Compare)
	return slices.Compact(list)
}
