package access

import (
	"iter"
	"slices"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Remainder is a principal for the question what it would still have if some grants were revoked. To be
// on the safe side of revoking, it leaves out what may end without anybody revoking it: what its groups
// give while it is deactivated, what attribute-based policies give, and what it may do by acting as a
// group that it is not in. It is immutable and safe for concurrent use.
type Remainder struct{ s *Subject }

// Taken is one privilege that is thought away from whatever names the holder on the securable.
type Taken struct {
	On        identity.Securable
	Holder    identity.PrincipalKey
	Privilege identity.Privilege
}

// leftover is how the facts count for a subject that is a Remainder.
type leftover struct {
	taken func(Taken) bool
	// itself says that facts count which name the subject, and not only its groups; landless, that no
	// ownership does.
	itself   bool
	landless bool
	persons  []identity.PrincipalKey
	// groups is how far facts can count that name its groups.
	groups Verdict
	// rows are the grants on a securable that may mean the subject, looked for once: there may be as many
	// others as there are principals.
	rows *sync.Map // identity.Securable → []estate.Grant
}

// Remainder is the principal with all that it has.
func (m *Model) Remainder(key identity.PrincipalKey) Remainder {
	s := *m.Subject(key)
	s.left = &leftover{taken: func(Taken) bool { return false }, itself: true, persons: s.persons(), groups: s.stays(), rows: &sync.Map{}}
	return Remainder{&s}
}

// Without is what is left once these are taken. The function must not change its mind.
func (r Remainder) Without(taken func(Taken) bool) Remainder {
	return r.with(func(l *leftover) { l.taken = taken })
}

// ByGroups is what is left without anything that the principal was granted, or owns, itself.
func (r Remainder) ByGroups() Remainder {
	return r.with(func(l *leftover) { l.itself = false })
}

// Just is what one privilege of a grant to the principal gives by itself.
func (r Remainder) Just(t Taken) Remainder {
	return r.with(func(l *leftover) {
		l.taken = func(x Taken) bool { return x != t }
		l.itself, l.landless, l.groups = true, true, Denied
	})
}

func (r Remainder) with(change func(*leftover)) Remainder {
	s, left := *r.s, *r.s.left
	change(&left)
	s.left = &left
	return Remainder{&s}
}

// Records are the principal and the other records of the same person.
func (r Remainder) Records() []identity.PrincipalKey { return r.s.left.persons }

// Holds says whether the privilege counts on the securable while the principal acts in the workspace,
// zero standing for acting in none, whether or not it gets there. MANAGE counts where it owns or manages
// the securable or anything around it; BROWSE where it was granted there or above, or by owning the very
// securable.
func (r Remainder) Holds(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	rules := r.s.verdicts()
	switch p {
	case identity.Manage:
		return rules.governs(on, in)
	case identity.Browse:
		return rules.browses(on, in)
	default:
		return rules.effective(p, on, in)
	}
}

// Manages says whether the principal may manage the securable, and gets there: see Subject.Manages.
func (r Remainder) Manages(on identity.Securable, in identity.WorkspaceID) Verdict {
	return r.s.verdicts().manages(on, in)
}

// Means says whether a fact that names the holder counts for the principal while it acts in the workspace.
func (r Remainder) Means(h estate.Holder, in identity.WorkspaceID) Verdict { return r.s.means(h, in) }

// Grants gives what is left of the grants on a securable that mean, or may mean, the principal.
func (r Remainder) Grants(on identity.Securable) iter.Seq[estate.Grant] {
	return func(yield func(estate.Grant) bool) {
		for g := range r.s.rowsOn(on) {
			g.Privileges = slices.DeleteFunc(slices.Clone(g.Privileges), func(p identity.Privilege) bool { return r.s.left.lacks(on, g.Holder, p) })
			if len(g.Privileges) > 0 && !yield(g) {
				return
			}
		}
	}
}

// rowsOn gives the grants on a securable; to a Remainder only those that may mean it somewhere.
func (s *Subject) rowsOn(on identity.Securable) iter.Seq[estate.Grant] {
	if s.left == nil {
		return s.e.GrantsOn(on)
	}
	rows, ok := s.left.rows.Load(on)
	if !ok {
		rows, _ = s.left.rows.LoadOrStore(on, s.mine(on))
	}
	return slices.Values(rows.([]estate.Grant))
}

// mine lists the grants on a securable that may mean the subject.
func (s *Subject) mine(on identity.Securable) []estate.Grant {
	var mine []estate.Grant
	if !s.MembershipsKnown() {
		for g := range s.e.GrantsOn(on) {
			if g.Holder.Key.Workspace != 0 || s.isMeant(g.Holder, 0) != Denied {
				mine = append(mine, g)
			}
		}
		return mine
	}
	rows := s.m.rowsOf(on)
	mine = slices.Clone(rows[identity.PrincipalKey{}])
	for _, k := range s.Identities() {
		mine = append(mine, rows[k]...)
	}
	return mine
}

// rowsOf has the grants on a securable by whom they name. Under no key are those that may mean anybody: by
// a name of which it is not known whose it is, and by what somebody is in one workspace.
func (m *Model) rowsOf(on identity.Securable) map[identity.PrincipalKey][]estate.Grant {
	if rows, ok := m.rows.Load(on); ok {
		return rows.(map[identity.PrincipalKey][]estate.Grant)
	}
	rows := map[identity.PrincipalKey][]estate.Grant{}
	for g := range m.e.GrantsOn(on) {
		k := g.Holder.Key
		if k.Workspace != 0 {
			k = identity.PrincipalKey{}
		}
		rows[k] = append(rows[k], g)
	}
	kept, _ := m.rows.LoadOrStore(on, rows)
	return kept.(map[identity.PrincipalKey][]estate.Grant)
}

// governs is authority over a securable, whether or not there is a way to it.
func (r rules[T]) governs(on identity.Securable, in identity.WorkspaceID) T {
	parts := []T{r.owns(identity.MetastoreSecurable(on.Metastore), in)}
	for at := range lineage(on) {
		parts = append(parts, r.authority(at, in))
	}
	return r.logic.any(parts...)
}

// stays says how far the subject can count on its groups: not while one of its records is deactivated.
func (s *Subject) stays() Verdict {
	if s.key.Kind == identity.KindGroup {
		return Allowed
	}
	all := Allowed
	for _, k := range s.persons() {
		switch p, _ := s.e.Principal(k); p.Status {
		case identity.StatusActive:
		case identity.StatusInactive:
			return Denied
		case identity.StatusUnknown:
			all = Unknown
		}
	}
	return all
}

// counts narrows what a fact that names the holder means.
func (l *leftover) counts(h estate.Holder, means Verdict) Verdict {
	switch {
	case l == nil:
		return means
	case h.Key.IsZero() && l.itself: // whoever it is, it may be the subject
		return means
	case !slices.Contains(l.persons, h.Key):
		return All(means, l.groups)
	case l.itself:
		return means
	default:
		return Denied
	}
}

// lacks reports whether the privilege was taken from what names the holder on the securable.
func (l *leftover) lacks(on identity.Securable, h estate.Holder, p identity.Privilege) bool {
	return l != nil && l.taken(Taken{On: on, Holder: h.Key, Privilege: p})
}

// owned reports whether owning the securable can count.
func (l *leftover) owned(on identity.Securable) bool { return !unborn(on) && (l == nil || !l.landless) }

// Future is a securable of the type that somebody else may create in the container one day: whoever
// creates it owns it, and nobody else has been granted anything on it. It has no name.
func Future(in identity.Securable, t identity.SecurableType) identity.Securable {
	return identity.Securable{Metastore: in.Metastore, Type: t, Catalog: in.Catalog, Schema: in.Schema}
}

// unborn reports whether a securable is a Future one.
func unborn(on identity.Securable) bool {
	switch {
	case on.Type == identity.TypeSchema:
		return on.Schema == ""
	case on.Type.InSchema():
		return on.Name == ""
	default:
		return false
	}
}

// Permitted says whether the principal would still have at least the level on a workspace object without
// some entries of its list, and whom the entries name that give it.
func (r Remainder) Permitted(l identity.Level, on identity.Object, without func(estate.ObjectGrant) bool) (v Verdict, givers []identity.PrincipalKey) {
	v = Denied
	if !r.s.e.Saw(estate.ReadKey{Op: estate.OpObjectGrants, Object: on}) {
		v = Unknown
	}
	rules := r.s.verdicts()
	for _, g := range withAdmins(r.s.e.ObjectGrants(on), on) {
		if !on.Type.Includes(g.Level, l) || without(g) {
			continue
		}
		meant := rules.meansThere(g, on.Workspace)
		v = Any(v, meant)
		if meant == Allowed {
			givers = append(givers, r.s.e.Canonical(g.Holder.Key))
		}
	}
	return v, givers
}

// Named says whether an entry of a list in a workspace certainly names the principal itself.
func (r Remainder) Named(g estate.ObjectGrant, in identity.WorkspaceID) bool {
	return slices.Contains(r.s.left.persons, r.s.e.Canonical(g.Holder.Key)) && r.s.verdicts().meansThere(g, in) == Allowed
}
