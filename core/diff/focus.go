package diff

import (
	"maps"
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// focus is what a comparison is limited to.
type focus struct {
	o Options
	// acting are the subjects and the groups that they are in on either side.
	acting map[identity.PrincipalKey]bool
	// holds are the catalogs, and what stands beside them, in which those hold something.
	holds map[identity.Securable]bool
	// lineage are the target and its containers.
	lineage []identity.Securable
	// holding are those who hold something on the lineage, on the object or in the workspace, on either
	// side.
	holding map[identity.PrincipalKey]bool
}

func newFocus(c *comparison) *focus {
	f := &focus{o: c.o, acting: map[identity.PrincipalKey]bool{}, holds: map[identity.Securable]bool{}, holding: map[identity.PrincipalKey]bool{}}
	for _, s := range []*side{c.before, c.after} {
		for _, k := range c.o.Subjects {
			for one := range s.actsAs(s.ids.one(k)) {
				f.acting[one] = true
			}
		}
	}
	if c.o.Target.Type != "" {
		f.lineage = lineage(c.o.Target)
	}
	for _, s := range []*side{c.before, c.after} {
		f.look(s)
	}
	return f
}

// look finds what is held by whom on one side.
func (f *focus) look(s *side) {
	for who := range f.acting {
		for g := range s.e.GrantsTo(who) {
			f.holds[root(g.Securable)] = true
		}
		for info := range s.e.OwnedBy(who) {
			f.holds[root(info.Securable)] = true
		}
	}
	for _, at := range f.lineage {
		for g := range s.e.GrantsOn(at) {
			f.holding[s.ids.one(g.Holder.Key)] = true
		}
		if owner, known := s.e.Owner(at); known {
			f.holding[s.ids.one(owner.Key)] = true
		}
	}
	for _, g := range s.e.ObjectGrants(f.o.Object) {
		f.holding[s.ids.one(g.Holder.Key)] = true
	}
	in := f.o.Workspace
	if f.o.Object.Type != "" {
		in = f.o.Object.Workspace
	}
	for _, a := range s.e.Assignments(in) {
		f.holding[s.ids.one(a.Principal)] = true
	}
	for queue := slices.Collect(maps.Keys(f.holding)); len(queue) > 0; queue = queue[1:] {
		for m := range s.e.Members(queue[0]) {
			if m = s.ids.one(m); !f.holding[m] {
				f.holding[m] = true
				queue = append(queue, m)
			}
		}
	}
}

// has reports whether a thing is what the comparison is about.
func (f *focus) has(k key) bool {
	switch {
	case len(f.o.Subjects) > 0:
		return f.concerns(k)
	case f.o.Target.Type != "":
		return f.onTheWay(k)
	case f.o.Object.Type != "":
		return k.object == f.o.Object || f.leadsIn(k)
	case f.o.Workspace != 0:
		return k.workspace == f.o.Workspace && k.kind == report.KindWorkspace || f.leadsIn(k)
	default:
		return true
	}
}

// concerns reports whether a thing is about the subjects: what they, or groups that they are in, are and
// have, and where what those hold may be used.
func (f *focus) concerns(k key) bool {
	if k.principal != (id{}) {
		return f.acting[k.principal.key]
	}
	return k.kind == report.KindWorkspace || k.securable.Type != "" && k.kind != report.KindSecurable && f.holds[root(k.securable)] ||
		k.kind == report.KindSetting && k.workspace != 0
}

// onTheWay reports whether a thing is about the target, or about who is in what holds something there.
func (f *focus) onTheWay(k key) bool {
	if k.securable == identity.MetastoreSecurable(f.o.Target.Metastore) {
		return k.kind != report.KindGrant || f.o.Target == k.securable // those reach nothing below
	}
	if k.securable.Type != "" {
		return slices.Contains(f.lineage, k.securable)
	}
	return f.leadsIn(k) || k.kind == report.KindWorkspace
}

// leadsIn reports whether a thing is a membership in, or the record of, somebody who holds something on
// the target.
func (f *focus) leadsIn(k key) bool {
	switch k.kind {
	case report.KindMembership:
		return f.holding[k.group]
	case report.KindPrincipal:
		return f.holding[k.principal.key]
	default:
		return false
	}
}

// unlimited reports whether everything is compared.
func (f *focus) unlimited() bool {
	return len(f.o.Subjects) == 0 && f.o.Target.Type == "" && f.o.Object.Type == "" && f.o.Workspace == 0
}

// lineage is a securable with its containers, without the metastore.
func lineage(on identity.Securable) []identity.Securable {
	list := []identity.Securable{on}
	for at, ok := on.Parent(); ok && at.Type != identity.TypeMetastore; at, ok = at.Parent() {
		list = append(list, at)
	}
	return list
}

// root is the catalog that a securable is in, or itself.
func root(on identity.Securable) identity.Securable {
	list := lineage(on)
	return list[len(list)-1]
}

// actsAs are the principals whose rights somebody has, or can take on: itself, other records of the same
// person, the groups above them, those that everybody is in, and those that it may act as.
func (s *side) actsAs(who identity.PrincipalKey) map[identity.PrincipalKey]bool {
	all := map[identity.PrincipalKey]bool{who: true}
	queue := []identity.PrincipalKey{who}
	add := func(k identity.PrincipalKey) {
		if !all[k] {
			all[k] = true
			queue = append(queue, k)
		}
	}
	for k := range s.e.SamePerson(who) {
		add(s.ids.one(k))
	}
	if who.Kind != identity.KindGroup {
		add(identity.AccountUsers())
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for g := range s.above(queue[0]) {
			add(g)
		}
		for _, g := range s.assumes[queue[0]] {
			add(g)
		}
	}
	if who.Kind == identity.KindGroup {
		return all
	}
	for _, w := range s.e.Workspaces() {
		for _, a := range s.e.Assignments(w.ID) {
			if all[s.ids.one(a.Principal)] {
				all[identity.WorkspaceUsers(w.ID)] = true
				if a.Permission == identity.WorkspaceAdmin {
					all[identity.WorkspaceAdmins(w.ID)] = true
				}
			}
		}
	}
	return all
}

// assumers finds who may act as which groups without being in them.
func (s *side) assumers() {
	s.assumes, s.assumed = map[identity.PrincipalKey][]identity.PrincipalKey{}, map[identity.PrincipalKey][]identity.PrincipalKey{}
	for _, g := range s.e.AllRoleGrants() {
		if g.Role != identity.RoleGroupAssumer || g.Holder.Key.IsZero() {
			continue
		}
		groups := []identity.PrincipalKey{g.On}
		if g.On.IsZero() { // on the account: all of them
			groups = nil
			for p := range s.e.Principals() {
				if p.Key.Kind == identity.KindGroup && p.Key.Workspace == 0 && !implicit(p.Key) {
					groups = append(groups, p.Key)
				}
			}
		}
		who := s.ids.one(g.Holder.Key)
		for _, group := range groups {
			group = s.ids.one(group)
			s.assumes[who] = append(s.assumes[who], group)
			s.assumed[group] = append(s.assumed[group], who)
		}
	}
}
