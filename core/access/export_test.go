package access

import (
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// ResourceOneByOne is Resource with every answer worked out for itself.
func (m *Model) ResourceOneByOne(on identity.Securable, who Who) *report.ResourceReport {
	q := m.question(on, who)
	q.plain, q.localised = false, true
	return q.report()
}

// Alike counts the pairs of principals that Resource takes for alike as to a securable.
func (m *Model) Alike(on identity.Securable, who Who) (pairs int) {
	q, seen := m.question(on, who), map[string]int{}
	for _, k := range q.subjects() {
		if like, ok := q.likeness.of(m.Subject(k)); ok {
			pairs += seen[like]
			seen[like]++
		}
	}
	return pairs
}

// WaysThatDiffer gives the identities of a principal to which the steps that are counted for everybody
// lead otherwise than the principal's own.
func (m *Model) WaysThatDiffer(k identity.PrincipalKey) (differ []identity.PrincipalKey) {
	s := m.Subject(k)
	for _, to := range s.Identities() {
		if !slices.Equal(s.along(m.e.StepsTo(to)), s.Shortest(to)) {
			differ = append(differ, to)
		}
	}
	return differ
}

// Closure is what a principal is certainly in, found by the sets of bits that everybody shares.
func (m *Model) Closure(k identity.PrincipalKey) []identity.PrincipalKey {
	s := m.Subject(k)
	keys := slices.Clone(s.others)
	for n, g := range m.e.Containers() {
		if s.groups.has(int32(n)) && !slices.Contains(keys, g) {
			keys = append(keys, g)
		}
	}
	slices.SortFunc(keys, identity.PrincipalKey.Compare)
	return keys
}

// BetweenOneByOne is BetweenAnd with every securable and object of the account asked about for itself, by the
// rules that answer one question.
func BetweenOneByOne(before, after *Model, key, than identity.PrincipalKey) (turn Turn, beyond Rights) {
	t := newTurning(before, after, key)
	t.than = usageOf(after.Subject(than))
	t.workspaces()
	t.roles()
	was, is, other := t.before.audit, t.after.audit, t.than.audit
	rows := func(on identity.Securable, ps []identity.Privilege, had func(identity.Privilege, identity.WorkspaceID) Verdict) []comparedRow {
		sideIn := func(p identity.Privilege, w identity.WorkspaceID) side {
			return sideAfter(had(p, w), is.canUse(p, on, w))
		}
		return rowsOf(after.e, on, identity.SortPrivileges(ps), sideIn, func(row *comparedRow, p identity.Privilege, w identity.WorkspaceID) {
			row.pathA, row.pathB = was.wayToUse(p, on, w), is.wayToUse(p, on, w)
		})
	}
	enter := func(turn *Turn, on identity.Securable, list []comparedRow) {
		for _, row := range list {
			r, path := turn.rights(row.at), row.pathB
			if row.at == onlyA {
				path = row.pathA
			}
			r.Access = append(r.Access, Right{On: on, Privileges: identity.SortPrivileges(row.privileges), In: row.workspaces, Path: path})
		}
	}
	for s := range after.e.Securables() {
		on := s.Securable
		own, all := both(is.given(on), was.given(on)), both(both(is.given(on), was.given(on)), other.given(on))
		if is.carries(on) || was.carries(on) {
			enter(&t.turn, on, rows(on, own, func(p identity.Privilege, w identity.WorkspaceID) Verdict { return was.canUse(p, on, w) }))
		}
		if is.carries(on) || was.carries(on) || other.carries(on) {
			enter(&t.beyond, on, rows(on, all, func(p identity.Privilege, w identity.WorkspaceID) Verdict {
				return Any(was.canUse(p, on, w), other.canUse(p, on, w))
			}))
		}
	}
	for _, o := range after.e.Objects() {
		own, all := levelsFor(o.Object, t.after, t.before), levelsFor(o.Object, t.after, t.before, t.than)
		for _, l := range all {
			had, has := was.Operates(l, o.Object), is.Operates(l, o.Object)
			if r := t.turn.rights(sideAfter(had, has)); r != nil && slices.Contains(own, l) {
				r.Objects = append(r.Objects, Operation{On: o.Object, Level: l})
			}
			if r := t.beyond.rights(sideAfter(Any(had, other.Operates(l, o.Object)), has)); r != nil {
				r.Objects = append(r.Objects, Operation{On: o.Object, Level: l})
			}
		}
	}
	return t.turn, t.beyond.Gained
}

// carries reports whether a grant or an ownership names one of the identities that count for the subject.
func (a audit) carries(on identity.Securable) bool {
	keys := a.actsAs()
	if owner, known := a.e.Owner(on); known && slices.Contains(keys, a.e.Canonical(owner.Key)) {
		return true
	}
	for g := range a.e.GrantsOn(on) {
		if slices.Contains(keys, a.e.Canonical(g.Holder.Key)) {
			return true
		}
	}
	return false
}
