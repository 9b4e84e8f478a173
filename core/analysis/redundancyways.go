package analysis

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// giversOf are those whose grants, or ownership, give the principal something, from one of its
// workspaces at least.
func (h *holder) giversOf(by access.Remainder, x held) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	means := func(k identity.PrincipalKey, counts func(identity.WorkspaceID) access.Verdict) {
		here := counts(0) == access.Allowed || slices.ContainsFunc(h.vantages(x.on), func(w vantage) bool { return counts(w.in) == access.Allowed })
		if here && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	owners := []identity.Securable{}
	if x.privilege.InOwnership() {
		owners = append(owners, x.on)
	}
	for at, ok := x.on, true; ok; at, ok = at.Parent() {
		if at.Type == identity.TypeMetastore && at != x.on {
			break
		}
		if x.privilege == identity.Manage {
			owners = append(owners, at)
		}
		for g := range by.Grants(at) {
			if slices.ContainsFunc(g.Privileges, func(as identity.Privilege) bool { return gives(as, x.privilege, at.Type) }) {
				means(g.Holder.Key, func(in identity.WorkspaceID) access.Verdict { return by.Means(g.Holder, in) })
			}
		}
	}
	if x.privilege == identity.Manage {
		owners = append(owners, identity.MetastoreSecurable(x.on.Metastore))
	}
	for _, on := range owners {
		if owner, known := h.e.Owner(on); known {
			means(owner.Key, func(in identity.WorkspaceID) access.Verdict { return by.Means(owner, in) })
		}
	}
	return keys
}

// waysOf notes by whom a privilege is covered. Of all that it gives, the last is the furthest from any
// other fact: what gives that gives the rest.
func (f *findings) waysOf(by access.Remainder, all []held) {
	last := map[identity.Privilege]held{}
	for _, x := range all {
		last[x.privilege] = x
	}
	for _, x := range last {
		givers := f.h.giversOf(by, x)
		f.givers = append(f.givers, givers...)
		f.fragile = f.fragile || f.h.hangsOnLittle(givers)
	}
}

// tell puts into the report what the trials showed.
func (f *findings) tell(r *report.Redundancy) {
	revocable := r.Revocable()
	switch {
	case len(r.Kept) == 0 && len(r.Undecided) == 0 && f.shadowed:
		r.Level = report.RedundantShadowed
	case len(r.Kept) == 0 && len(r.Undecided) == 0:
		r.Level = report.RedundantFull
	case len(revocable) > 0 || f.partly:
		r.Level = report.RedundantPartial
	case len(r.Undecided) > 0:
		r.Level = report.RedundantUnknown
	default:
		r.Level = report.RedundantNone
	}
	slices.SortFunc(f.within, identity.Securable.Compare)
	for _, s := range f.within {
		r.CoveredOn = append(r.CoveredOn, f.h.m.DescribeSecurable(s))
	}
	r.MoreCovered = f.more
	r.CoveredBy = f.h.paths(f.givers)
	r.Fragile = f.fragile
	r.Recommendation = recommend(r)
}

// paths are the shortest ways to the principals, each once, the shortest first.
func (h *holder) paths(to []identity.PrincipalKey) []report.Path {
	slices.SortFunc(to, identity.PrincipalKey.Compare)
	paths := []report.Path{}
	for _, k := range slices.Compact(to) {
		paths = append(paths, h.s.PathTo(k))
	}
	slices.SortStableFunc(paths, func(a, b report.Path) int { return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b)) })
	return paths
}

// hangsOnLittle reports whether what these give would be lost with one membership, or with what people
// outside Databricks decide, or is given to everybody.
func (h *holder) hangsOnLittle(givers []identity.PrincipalKey) bool {
	var common []identity.Membership
	sturdy := false
	for _, k := range givers {
		for _, path := range h.sturdy(k) {
			steps := h.steps(path)
			if !sturdy {
				sturdy, common = true, steps
				continue
			}
			common = slices.DeleteFunc(common, func(m identity.Membership) bool { return !slices.Contains(steps, m) })
		}
	}
	return !sturdy || len(common) > 0
}

// sturdy are the ways to one of the identities that lead through groups of this account alone which
// somebody puts their members into, one by one.
func (h *holder) sturdy(to identity.PrincipalKey) []access.Path {
	if ways, ok := h.trail[to]; ok {
		return ways
	}
	ways, _ := h.s.Paths(to)
	ways = slices.DeleteFunc(ways, func(path access.Path) bool {
		return slices.ContainsFunc(path, func(k identity.PrincipalKey) bool {
			p, _ := h.e.Principal(k)
			return k.Kind == identity.KindGroup && k != h.key && (p.Origin == identity.OriginIDP || p.Origin == identity.OriginSystem || k.Workspace != 0)
		})
	})
	h.trail[to] = ways
	return ways
}

// steps are the memberships of a way. That two records are the same person is none.
func (h *holder) steps(path access.Path) []identity.Membership {
	var steps []identity.Membership
	for i := 1; i < len(path); i++ {
		if path[i].Kind == identity.KindGroup {
			steps = append(steps, identity.Membership{Member: path[i-1], Group: path[i]})
		}
	}
	return steps
}

// recommend says in one sentence what to do about a grant.
func recommend(r *report.Redundancy) string {
	switch r.Level {
	case report.RedundantFull:
		if r.Fragile {
			return "revoke it once what covers it is made sure: that hangs on little"
		}
		return "revoke it: nothing changes"
	case report.RedundantShadowed:
		return "revoke it: nothing changes as long as the rest of what the holder has itself stays"
	case report.RedundantPartial:
		if len(r.Revocable()) > 0 {
			return "revoke what is covered and keep the rest"
		}
		return "keep it, or grant to a group what is not covered: groups give some of it alone"
	case report.RedundantUnknown:
		return "keep it until what was not read is read: that may cover it"
	default:
		if r.Member.Active != nil && !*r.Member.Active {
			return "remove the principal rather than the grant: it is deactivated, and what its groups have does not count for it"
		}
		return "keep it: nothing else gives it"
	}
}
