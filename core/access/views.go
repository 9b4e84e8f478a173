package access

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// defined says whether a view can be read as far as what it is made from goes: whoever reads it reads
// that with the rights of the view's owner, so where the owner may not, nobody can. For what is no view,
// and for views of which it was not told what they are made from, it says nothing.
//
// https://docs.databricks.com/aws/en/views/create-views
func (r rules[T]) defined(view identity.Securable, in identity.WorkspaceID) T {
	return r.readable(view, view, in)
}

// reads is the privilege by which what a view is made from is read.
func reads(base identity.Securable) identity.Privilege {
	if base.Type == identity.TypeFunction {
		return identity.Execute
	}
	return identity.Select
}

// readable says whether the owner of a view may read what it is made from, and where that are views
// whether their owners may. The binding of the catalog of the view that is asked about is a matter of
// its own: whoever reads the view needs it, too.
func (r rules[T]) readable(view, asked identity.Securable, in identity.WorkspaceID) T {
	info, _ := r.e.Securable(view)
	if !info.View() || !info.BasesKnown {
		return r.logic.all()
	}
	owner, known := r.e.Owner(view)
	wanted := lack{kind: lackDefiner, securable: view, workspace: in}
	if !known || owner.Key.IsZero() {
		read := r.showing(view)
		if known {
			read = estate.ReadKey{Op: estate.OpHolder, Name: owner.Name}
		}
		return r.logic.need(r.logic.fact(Unknown, evidence{read: read}), wanted)
	}
	as := r // as it is asked about, when that is the subject itself
	if r.e.Canonical(owner.Key) != r.key {
		as.Subject = r.m.Subject(owner.Key)
	}
	shares := as.In(r.key) == Allowed // what is given to the subject, its owner has
	for _, w := range r.assumed {
		if shares && as.Subject != r.Subject {
			as.Subject = as.Subject.assuming(w)
		}
	}
	parts := []T{r.logic.fact(Allowed, evidence{kind: defines, holder: owner.Name, securable: view, read: r.showing(view)})}
	for _, base := range info.Bases {
		if base == view || r.leadsTo(base, view) {
			continue // a view made from itself cannot be; do not go round in circles
		}
		reading := []T{as.held(reads(base), base, in), as.readable(base, asked, in)}
		if bindable(base) != bindable(asked) {
			reading = append(reading, as.bound(base, reads(base), in))
		}
		parts = append(parts, r.logic.by(as.Subject, r.Subject, r.logic.all(reading...)))
	}
	if shares {
		return r.logic.all(parts...)
	}
	return r.logic.need(r.logic.all(parts...), wanted)
}

// madeFrom lists all that a view is made from, directly or through other views.
func (s *Subject) madeFrom(view identity.Securable) []identity.Securable {
	seen := map[identity.Securable]bool{view: true}
	var found []identity.Securable
	for queue := []identity.Securable{view}; len(queue) > 0; queue = queue[1:] {
		info, _ := s.e.Securable(queue[0])
		for _, base := range info.Bases {
			if !seen[base] {
				seen[base] = true
				found = append(found, base)
				queue = append(queue, base)
			}
		}
	}
	return found
}

func (s *Subject) leadsTo(from, to identity.Securable) bool {
	for _, base := range s.madeFrom(from) {
		if base == to {
			return true
		}
	}
	return false
}
