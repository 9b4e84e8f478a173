package analysis

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// ObjectRedundancies compares every permission that these principals were given themselves on a workspace
// object with what they would still have there without it: by their groups, by being admin of the workspace,
// or by what was given on a folder around it. Owning an object is never redundant: it has one owner.
//
// As in Redundancies the permissions are tried one after the other, each without those found to be covered
// before, so that of two that cover each other one stays. What is taken from a folder is taken from all in it.
func ObjectRedundancies(m *access.Model, of []identity.PrincipalKey) []report.ObjectRedundancy {
	c := &objectComparison{m: m, e: m.Estate(), taken: map[objectRow]bool{}}
	keys := make([]identity.PrincipalKey, 0, len(of))
	for _, k := range of {
		if !k.IsZero() {
			keys = append(keys, c.e.Canonical(k))
		}
	}
	slices.SortFunc(keys, func(a, b identity.PrincipalKey) int { return cmp.Or(cmp.Compare(b.Kind, a.Kind), a.Compare(b)) })
	keys = slices.Compact(keys)
	subjects := make([]access.Remainder, len(keys))
	for i, k := range keys {
		subjects[i] = m.Remainder(k)
	}
	// Folders first: what is in them is then compared with what is left there.
	objects := slices.Clone(c.e.Objects())
	slices.SortStableFunc(objects, func(a, b identity.ObjectInfo) int { return cmp.Compare(later(a), later(b)) })
	var own []*ownPermission
	for i, k := range keys {
		for _, o := range objects {
			for _, g := range c.e.ObjectGrants(o.Object) {
				if g.From == "" && g.Level != identity.IsOwner && subjects[i].Named(g, o.Workspace) {
					own = append(own, &ownPermission{c: c, who: k, all: subjects[i], on: o, row: objectRow{o.Object, c.e.Canonical(g.Holder.Key), g.Level}})
				}
			}
		}
	}
	for _, p := range own {
		p.verdict, _ = p.left(p.all)
		if p.verdict == access.Allowed {
			c.taken[p.row] = true
		}
	}
	found := []report.ObjectRedundancy{}
	for _, p := range own {
		found = append(found, p.report())
	}
	return found
}

func later(o identity.ObjectInfo) int {
	if o.Type == identity.ObjectDirectory {
		return 0
	}
	return 1
}

// objectRow is an entry of an object's list that was given on the object itself.
type objectRow struct {
	on     identity.Object
	holder identity.PrincipalKey
	level  identity.Level
}

type objectComparison struct {
	m *access.Model
	e *estate.Estate
	// taken are the entries found to be covered so far.
	taken map[objectRow]bool
}

// ownPermission is an entry that names one principal itself.
type ownPermission struct {
	c       *objectComparison
	who     identity.PrincipalKey
	all     access.Remainder
	on      identity.ObjectInfo
	row     objectRow
	verdict access.Verdict
}

// left says whether a principal keeps the level without the entry and those that were taken.
func (p *ownPermission) left(of access.Remainder) (access.Verdict, []identity.PrincipalKey) {
	return of.Permitted(p.row.level, p.on.Object, func(g estate.ObjectGrant) bool {
		row := objectRow{p.on.Object, p.c.e.Canonical(g.Holder.Key), g.Level}
		if g.From != "" {
			origin, known := directoryOf(p.on.Workspace, g.From)
			row.on = origin
			return known && p.c.taken[row]
		}
		return row == p.row || p.c.taken[row]
	})
}

// directoryOf reads from what an entry is inherited, where that is a directory.
func directoryOf(in identity.WorkspaceID, from string) (identity.Object, bool) {
	id, ok := strings.CutPrefix(from, "/directories/")
	return identity.Object{Workspace: in, Type: identity.ObjectDirectory, ID: id}, ok
}

// report tells of an entry, once all were tried.
func (p *ownPermission) report() report.ObjectRedundancy {
	ref := p.c.m.DescribeObject(p.on.Object)
	r := report.ObjectRedundancy{
		Member: p.c.m.Describe(p.who), Workspace: ref.Workspace, Type: ref.Type, ID: ref.ID, Name: ref.Name, Permission: string(p.row.level),
		CoveredBy: []report.Path{},
	}
	switch p.verdict {
	case access.Allowed:
		r.Level = report.RedundantFull
		still, givers := p.left(p.all.ByGroups())
		if still != access.Allowed {
			r.Level = report.RedundantShadowed
			_, givers = p.left(p.all)
		}
		h := (&comparison{m: p.c.m, e: p.c.e}).holder(p.who)
		r.CoveredBy, r.Fragile = h.paths(givers), h.hangsOnLittle(givers)
	case access.Denied:
		r.Level = report.RedundantNone
	case access.Unknown:
		r.Level = report.RedundantUnknown
	}
	r.Recommendation = recommendObject(r)
	return r
}

func recommendObject(r report.ObjectRedundancy) string {
	switch {
	case r.Level == report.RedundantFull && r.Fragile:
		return "take it off the object once what covers it is made sure: that hangs on little"
	case r.Level == report.RedundantFull:
		return "take it off the object: nothing changes"
	case r.Level == report.RedundantShadowed:
		return "take it off the object: nothing changes as long as what the holder has itself on the folder stays"
	case r.Level == report.RedundantUnknown:
		return "keep it until what was not read is read: that may cover it"
	case r.Member.Active != nil && !*r.Member.Active:
		return "remove the principal rather than the permission: it is deactivated, and what its groups have does not count for it"
	default:
		return "keep it: nothing else gives it"
	}
}
