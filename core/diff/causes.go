package diff

import (
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// causes finds the changes of facts that could have brought about what somebody gained or lost.
type causes struct {
	c       *comparison
	ofWhom  map[identity.PrincipalKey][]int // members, holders, assigned
	onWhat  map[identity.Securable][]int    // without a principal
	inWhere map[identity.WorkspaceID][]int  // without a principal
}

func newCauses(c *comparison) *causes {
	f := &causes{c: c, ofWhom: map[identity.PrincipalKey][]int{}, onWhat: map[identity.Securable][]int{}, inWhere: map[identity.WorkspaceID][]int{}}
	for i, x := range c.changes {
		switch k := x.key; {
		case k.principal != (id{}):
			f.ofWhom[k.principal.key] = append(f.ofWhom[k.principal.key], i)
		case k.securable.Type != "":
			f.onWhat[k.securable] = append(f.onWhat[k.securable], i)
		case k.workspace != 0:
			f.inWhere[k.workspace] = append(f.inWhere[k.workspace], i)
		}
	}
	return f
}

// of gives the indexes of the changes behind an effective one, in order.
func (f *causes) of(x change) []int {
	acting := map[identity.PrincipalKey]bool{}
	for _, s := range []*side{f.c.before, f.c.after} {
		for k := range s.actsAs(x.key.principal.key) {
			acting[k] = true
		}
	}
	giving := f.giving(x)
	var list []int
	for k := range acting {
		for _, i := range f.ofWhom[k] {
			if f.matters(f.c.changes[i], x, giving) {
				list = append(list, i)
			}
		}
	}
	if x.key.securable.Type != "" {
		for _, at := range append(lineage(x.key.securable), identity.MetastoreSecurable(x.key.securable.Metastore)) {
			for _, i := range f.onWhat[at] {
				if f.c.changes[i].key.kind != report.KindOwner || f.concerned(at, acting) {
					list = append(list, i)
				}
			}
		}
	}
	for _, w := range f.places(x) {
		list = append(list, f.inWhere[w]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// concerned reports whether one of the principals owns a securable on either side.
func (f *causes) concerned(on identity.Securable, acting map[identity.PrincipalKey]bool) bool {
	for _, s := range []*side{f.c.before, f.c.after} {
		if owner, known := s.e.Owner(on); known && acting[s.ids.one(owner.Key)] {
			return true
		}
	}
	return false
}

// matters reports whether a change of what a principal is or has can be behind what was gained or lost:
// nothing is gained by losing something.
func (f *causes) matters(fact, x change, giving map[identity.PrincipalKey]bool) bool {
	gained := x.before == nil || x.after != nil && x.after.Permission == identity.WorkspaceAdmin.String()
	if fact.key.kind != report.KindPrincipal && (gained && fact.after == nil || !gained && fact.before == nil) {
		return false
	}
	switch k := fact.key; k.kind {
	case report.KindPrincipal:
		return k.principal == x.key.principal && (fact.before == nil || fact.after == nil || fact.before.Status != fact.after.Status)
	case report.KindMembership:
		return f.leads(k.group, giving)
	case report.KindGrant:
		return slices.Contains(lineage(x.key.securable), k.securable)
	case report.KindWorkspace:
		return slices.Contains(f.places(x), k.workspace)
	case report.KindRole:
		return k.name == x.key.name || !k.group.IsZero() && x.key.securable.Type != "" && f.leads(k.group, giving)
	case report.KindObject:
		return k.object == x.key.object
	default:
		return false
	}
}

// leads reports whether a group, or one above it, is among those that give.
func (f *causes) leads(group identity.PrincipalKey, giving map[identity.PrincipalKey]bool) bool {
	if giving[group] {
		return true
	}
	for _, s := range []*side{f.c.before, f.c.after} {
		for g := range s.above(group) {
			if giving[g] {
				return true
			}
		}
	}
	return false
}

// giving are those whose rights could be behind an effective change: holders on the way to the
// securable or on the object, those assigned to the workspaces, those with the role.
func (f *causes) giving(x change) map[identity.PrincipalKey]bool {
	all := map[identity.PrincipalKey]bool{}
	for _, s := range []*side{f.c.before, f.c.after} {
		if x.key.securable.Type != "" {
			for _, at := range lineage(x.key.securable) {
				for g := range s.e.GrantsOn(at) {
					all[s.ids.one(g.Holder.Key)] = true
				}
				if owner, known := s.e.Owner(at); known {
					all[s.ids.one(owner.Key)] = true
				}
			}
		}
		for _, g := range s.e.ObjectGrants(x.key.object) {
			all[s.ids.one(g.Holder.Key)] = true
		}
		for _, w := range f.places(x) {
			for _, a := range s.e.Assignments(w) {
				all[s.ids.one(a.Principal)] = true
			}
		}
		if x.key.name != "" {
			for p := range s.e.Principals() {
				if p.HasRole(x.key.name) {
					all[s.ids.one(p.Key)] = true
				}
			}
		}
	}
	delete(all, identity.PrincipalKey{})
	return all
}

// places are the workspaces that an effective change is about.
func (f *causes) places(x change) []identity.WorkspaceID {
	switch {
	case x.key.workspace != 0:
		return []identity.WorkspaceID{x.key.workspace}
	case x.key.object.Type != "":
		return []identity.WorkspaceID{x.key.object.Workspace}
	case x.key.securable.Type == "":
		return nil
	}
	state := x.after
	if state == nil {
		state = x.before
	}
	return slices.DeleteFunc(f.c.workspacesOf(x.key.securable.Metastore), func(w identity.WorkspaceID) bool {
		return !slices.Contains(state.ReachableIn, f.c.workspaceName(w))
	})
}
