package accesstest

import (
	"maps"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// shrink takes facts and gaps out of a world, one after the other, as long as it still fails.
func shrink(w World, fails func(World) bool) World {
	for shrunk := true; shrunk; {
		shrunk = false
		for _, smaller := range w.smaller() {
			for i := 0; ; {
				next, ok := smaller(w, i)
				if !ok {
					break
				}
				if fails(next) {
					w, shrunk = next, true
				} else {
					i++
				}
			}
		}
	}
	return w
}

// smaller gives ways to take the i-th thing of a sort away; each reports false when there is none.
func (w World) smaller() []func(w World, i int) (World, bool) {
	return []func(w World, i int) (World, bool){
		func(w World, i int) (World, bool) {
			keys := slices.DeleteFunc(w.Reads(), func(k estate.ReadKey) bool { _, hidden := w.Hidden[k]; return !hidden })
			if i >= len(keys) {
				return w, false
			}
			w.Hidden = maps.Clone(w.Hidden)
			delete(w.Hidden, keys[i])
			return w, true
		},
		func(w World, i int) (World, bool) {
			ok := i < len(w.Securables)
			if ok {
				w = w.withoutSecurable(w.Securables[i].Securable)
			}
			return w, ok
		},
		func(w World, i int) (World, bool) {
			ok := i < len(w.Principals)
			if ok {
				w = w.withoutPrincipal(w.Principals[i].Key)
			}
			return w, ok
		},
		func(w World, i int) (World, bool) {
			// Indexes of what has roles and owners already taken away must not count, or it never ends.
			for at, p := range w.Principals {
				if len(p.Roles) == 0 {
					continue
				}
				if i--; i < 0 {
					w.Principals = slices.Clone(w.Principals)
					w.Principals[at].Roles = nil
					return w, true
				}
			}
			return w, false
		},
		func(w World, i int) (World, bool) {
			for at, m := range w.Metastores {
				if m.Owner == "" {
					continue
				}
				if i--; i < 0 {
					w.Metastores = slices.Clone(w.Metastores)
					w.Metastores[at].Owner = ""
					return w, true
				}
			}
			return w, false
		},
		func(w World, i int) (_ World, ok bool) { w.Grants, ok = without(w.Grants, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Memberships, ok = without(w.Memberships, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.SamePerson, ok = without(w.SamePerson, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Assignments, ok = without(w.Assignments, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Attachments, ok = without(w.Attachments, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Bindings, ok = without(w.Bindings, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Roles, ok = without(w.Roles, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Entitlements, ok = without(w.Entitlements, i); return w, ok },
		func(w World, i int) (_ World, ok bool) { w.Permissions, ok = without(w.Permissions, i); return w, ok },
		func(w World, i int) (World, bool) {
			ok := i < len(w.Objects)
			if ok {
				gone := w.Objects[i].Object
				w.Objects, _ = without(w.Objects, i)
				w.Permissions = keep(w.Permissions, func(p Permission) bool { return p.On != gone })
			}
			return w, ok
		},
		func(w World, i int) (World, bool) {
			for at, o := range w.Objects {
				plainer := o
				plainer.RunAs, plainer.Creator, plainer.Code = "", "", nil
				if o.RunAs == "" && o.Creator == "" && len(o.Code) == 0 {
					continue
				}
				if i--; i < 0 {
					w.Objects = slices.Clone(w.Objects)
					w.Objects[at] = plainer
					return w, true
				}
			}
			return w, false
		},
		func(w World, i int) (World, bool) {
			for at, s := range w.Securables {
				if !s.BasesKnown {
					continue
				}
				if i--; i < 0 {
					w.Securables = slices.Clone(w.Securables)
					w.Securables[at].BasesKnown, w.Securables[at].Bases = false, nil
					return w, true
				}
			}
			return w, false
		},
	}
}

func without[T any](from []T, i int) ([]T, bool) {
	if i >= len(from) {
		return from, false
	}
	return slices.Delete(slices.Clone(from), i, i+1), true
}

// withoutPrincipal takes everything away that refers to the principal by key. Its name may go on
// standing in grants: then nobody bears it.
func (w World) withoutPrincipal(k identity.PrincipalKey) World {
	w.Principals = keep(w.Principals, func(p identity.Principal) bool { return p.Key != k })
	w.Memberships = keep(w.Memberships, func(m identity.Membership) bool { return m.Member != k && m.Group != k })
	w.SamePerson = keep(w.SamePerson, func(p [2]identity.PrincipalKey) bool { return p[0] != k && p[1] != k })
	w.Assignments = keep(w.Assignments, func(a identity.Assignment) bool { return a.Principal != k })
	w.Roles = keep(w.Roles, func(r identity.RoleGrant) bool { return r.On != k })
	w.Entitlements = keep(w.Entitlements, func(e Endowment) bool { return e.Holder != k })
	return w
}

// withoutSecurable takes a securable away with all that is in it.
func (w World) withoutSecurable(gone identity.Securable) World {
	stays := func(s identity.Securable) bool {
		for up, ok := s, true; ok; up, ok = up.Parent() {
			if up == gone {
				return false
			}
		}
		return true
	}
	w.Securables = keep(w.Securables, func(s identity.SecurableInfo) bool { return stays(s.Securable) })
	w.Grants = keep(w.Grants, func(g identity.Grant) bool { return stays(g.Securable) })
	w.Bindings = keep(w.Bindings, func(b Binding) bool { return stays(b.On) })
	return w
}

func keep[T any](from []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(from), func(v T) bool { return !keep(v) })
}
