package access

import (
	"fmt"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// defined says whether a view can be read, or a function executed, as far as what it is made from goes:
// whoever uses it reads that with the rights of its owner, so where the owner may not, nobody can. For
// what is neither, and for what leavesOut leaves out, it says nothing.
//
// https://docs.databricks.com/aws/en/views/create-views, https://docs.databricks.com/aws/en/udf/unity-catalog
func (r rules[T]) defined(view identity.Securable, in identity.WorkspaceID) T {
	return r.readable(view, view, in)
}

// reads is the privilege by which what a view or function is made from is read.
func reads(base identity.Securable) identity.Privilege {
	if base.Type == identity.TypeFunction {
		return identity.Execute
	}
	return identity.Select
}

// readable says whether the owner of a view or function may read what it is made from, and where those
// are views or functions whether their owners may. The binding of the catalog of what is asked about is a
// matter of its own: whoever uses that needs it, too.
func (r rules[T]) readable(view, asked identity.Securable, in identity.WorkspaceID) T {
	info, _ := r.e.Securable(view)
	if !info.ReadsAsOwner() || len(info.Bases) == 0 || r.leavesOut(info) != "" {
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
		} else {
			reading = append(reading, as.stored(base, reads(base), in))
		}
		parts = append(parts, r.logic.by(as.Subject, r.Subject, r.logic.all(reading...)))
	}
	if shares {
		return r.logic.all(parts...)
	}
	return r.logic.need(r.logic.all(parts...), wanted)
}

// leavesOut says why the rights of the owner of a view or function are left out of account; it is empty
// where they are not, and for everything else.
func (s *Subject) leavesOut(info identity.SecurableInfo) string {
	function := info.Type == identity.TypeFunction
	switch {
	case !info.ReadsAsOwner() || info.BasesKnown && len(info.Bases) == 0:
		return ""
	case function && s.m.options.FunctionsAsCaller:
		return "were not taken into account, as udf_definer=false has it"
	case !info.BasesKnown:
		return "were not looked at: if the owner may not use what it is made from, nobody can"
	case function && s.unknownOwner(info.Securable):
		return "are not known: if the owner may not use what it is made from, nobody can"
	default:
		return ""
	}
}

func (s *Subject) unknownOwner(of identity.Securable) bool {
	owner, known := s.e.Owner(of)
	return !known || owner.Key.IsZero()
}

// madeFrom lists all that a view or function is made from, directly or through others.
func (s *Subject) madeFrom(view identity.Securable) []identity.Securable {
	seen := map[identity.Securable]bool{view: true}
	var found []identity.Securable
	for queue := []identity.Securable{view}; len(queue) > 0; queue = queue[1:] {
		info, _ := s.e.Securable(queue[0])
		if !info.ReadsAsOwner() {
			continue // a materialized view holds what it shows
		}
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

// definers says whose rights the verdict about a view or function leaves out of account.
func definers(a audit, on identity.Securable) []string {
	var caveats []string
	for _, s := range append([]identity.Securable{on}, a.madeFrom(on)...) {
		info, _ := a.e.Securable(s)
		why := a.leavesOut(info)
		if why != "" {
			caveats = append(caveats, fmt.Sprintf("%s %s reads with the rights of its owner %s, which %s", a.calledAs(s), s.FullName(), info.Owner, why))
		}
	}
	return caveats
}
