package access

import (
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// objects compares what the two can do now with each workspace object whose list means, or may mean, one of
// them. A level is left out where one that includes it is on the same side.
func (c comparison) objects() *report.Sides[report.ComparedObject] {
	list := sides[report.ComparedObject]()
	a, b := newPermissionList(c.a), newPermissionList(c.b)
	for _, o := range c.e.Objects() {
		if !c.a.listsOf(o.Object) {
			continue
		}
		levels := both(c.a.levelsOn(o.Object), c.b.levelsOn(o.Object))
		at := make([]side, len(levels))
		for i, l := range levels {
			at[i] = sideOf(c.a.Operates(l, o.Object), c.b.Operates(l, o.Object))
		}
		for i, l := range levels {
			if at[i] == nowhere || saidByHigher(levels, at, i, o.Type) {
				continue
			}
			ref := c.a.object(o.Object)
			put(&list, at[i], report.ComparedObject{
				Workspace: ref.Workspace, Type: ref.Type, ID: ref.ID, Name: ref.Name, Level: string(l),
				PathA: a.wayToLevel(l, o.Object), PathB: b.wayToLevel(l, o.Object),
			})
		}
	}
	return &list
}

// levelsOn are the levels on an object that the subject may have, without those that they include.
func (a audit) levelsOn(on identity.Object) []identity.Level {
	var levels []identity.Level
	for _, g := range withAdmins(a.e.ObjectGrants(on), on) {
		if a.verdicts().meansThere(g, on.Workspace) != Denied {
			levels = both(levels, []identity.Level{g.Level})
		}
	}
	return levels
}

// saidByHigher reports whether another level on the same side stands for one: one that includes it, or an
// earlier one that gives the same.
func saidByHigher(levels []identity.Level, at []side, i int, t identity.ObjectType) bool {
	for j, other := range levels {
		if j != i && at[j] == at[i] && t.Includes(other, levels[i]) && (j < i || !t.Includes(levels[i], other)) {
			return true
		}
	}
	return false
}

// wayToLevel leads to the nearest holder by whom the subject can use the level now; nil when it certainly
// cannot, or that is not known.
func (l permissionList) wayToLevel(level identity.Level, on identity.Object) report.Path {
	if l.Operates(level, on) != Allowed {
		return nil
	}
	var path report.Path
	for _, p := range l.permissions(on) {
		if way := l.path(p.holder); on.Type.Includes(p.level, level) && (path == nil || len(way) < len(path)) {
			path = way
		}
	}
	return slices.Clip(path)
}
