package diff

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// What somebody can do is compared for the users and service principals whom the changes touch: the
// members of changed groups, the holders of changed rights, those assigned to changed workspaces. It is
// asked on what they, or groups that they are in, hold on either side, for the privileges held there,
// and where a change is about one catalog alone, only in that. What somebody comes to by a right on a
// container is said there and not repeated for everything in it.
//
// An answer that is not certain on both sides is no change.

// reach is where to look for one principal.
type reach struct {
	everywhere bool
	roots      map[identity.Securable]bool
	objects    map[identity.Object]bool
}

func (r *reach) covers(on identity.Securable) bool { return r.everywhere || r.roots[root(on)] }

// compareEffective adds the changes of what principals can do.
func (c *comparison) compareEffective() {
	touched := newTouched(c)
	facts := len(c.changes)
	for i := range facts {
		touched.by(c.changes[i].key, c.changes[i])
	}
	touched.throughViews()
	people := touched.sorted()
	budget := c.o.Budget
	if budget == 0 {
		budget = DefaultBudget
	}
	var found []change
	for i, who := range people {
		if budget <= 0 {
			c.unasked = len(people) - i
			break
		}
		p := &person{c: c, key: who, reach: touched.people[who], acting: map[identity.PrincipalKey]bool{}, budget: &budget}
		for _, s := range []*side{c.before, c.after} {
			for k := range s.actsAs(who) {
				p.acting[k] = true
			}
		}
		found = append(found, p.changes()...)
	}
	slices.SortFunc(found, change.compare)
	because := newCauses(c)
	for i := range found {
		found[i].because = because.of(found[i])
	}
	c.changes = append(c.changes, found...)
}

// person is one principal whose effective access is compared.
type person struct {
	c      *comparison
	key    identity.PrincipalKey
	reach  *reach
	acting map[identity.PrincipalKey]bool // whose rights it has on either side
	budget *int
}

func (p *person) changes() []change {
	var found []change
	for _, on := range p.held() {
		found = append(found, p.on(on)...)
	}
	for _, o := range p.objects() {
		found = append(found, p.operating(o)...)
	}
	if p.reach.everywhere && p.c.o.Target.Type == "" && p.c.o.Object.Type == "" {
		found = append(found, p.entering()...)
		found = append(found, p.administering()...)
	}
	return found
}

// held are the securables on which the principal holds something on either side, where changes matter.
func (p *person) held() []identity.Securable {
	if p.c.o.Target.Type != "" {
		return []identity.Securable{p.c.o.Target}
	}
	if p.c.o.Object.Type != "" || p.c.o.Workspace != 0 {
		return nil
	}
	all := map[identity.Securable]bool{}
	for _, s := range p.sides() {
		for k := range p.acting {
			for g := range s.e.GrantsTo(k) {
				all[g.Securable] = all[g.Securable] || p.reach.covers(g.Securable)
			}
			for info := range s.e.OwnedBy(k) {
				all[info.Securable] = all[info.Securable] || p.reach.covers(info.Securable)
			}
		}
	}
	return chosen(all, identity.Securable.Compare)
}

func (p *person) sides() []*side { return []*side{p.c.before, p.c.after} }

func chosen[K comparable](all map[K]bool, compare func(a, b K) int) []K {
	var list []K
	for k, is := range all {
		if is {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, compare)
	return list
}

// on compares what the principal can do on one securable, privilege by privilege and workspace by
// workspace.
func (p *person) on(on identity.Securable) []change {
	gained, lost := map[string][]identity.Privilege{}, map[string][]identity.Privilege{}
	places := p.c.workspacesOf(on.Metastore)
	for _, privilege := range p.privileges(on) {
		var came, went []string
		for _, w := range places {
			*p.budget -= 2
			switch was, is := p.c.before.can(p.key, privilege, on, w), p.c.after.can(p.key, privilege, on, w); {
			case was == access.Denied && is == access.Allowed:
				came = append(came, p.c.workspaceName(w))
			case was == access.Allowed && is == access.Denied:
				went = append(went, p.c.workspaceName(w))
			}
		}
		if len(came) > 0 {
			gained[joined(came...)] = append(gained[joined(came...)], privilege)
		}
		if len(went) > 0 {
			lost[joined(went...)] = append(lost[joined(went...)], privilege)
		}
	}
	k := key{kind: report.KindEffective, principal: id{key: p.key}, securable: on}
	return append(grouped(k, gained, true), grouped(k, lost, false)...)
}

// grouped makes one change of the privileges that came or went in the same workspaces.
func grouped(k key, privileges map[string][]identity.Privilege, came bool) []change {
	var list []change
	for places, ps := range privileges {
		state := &report.State{Privileges: ps, ReachableIn: strings.Split(strings.TrimSuffix(places, "\n"), "\n")}
		x := change{key: k, before: state, tie: "lost " + places}
		if came {
			x = change{key: k, after: state, tie: "gained " + places}
		}
		list = append(list, x)
	}
	return list
}

// privileges are those that the principal holds on a securable, or above it, on either side.
func (p *person) privileges(on identity.Securable) []identity.Privilege {
	var ps []identity.Privilege
	take := func(held identity.Privilege, at identity.Securable) {
		for _, one := range held.FromLegacy(at.Type) {
			switch {
			case one == report.Owner || one == identity.AllPrivileges:
				ps = append(ps, identity.PrivilegesOn(on.Type)...)
			case one.Applies(on.Type):
				ps = append(ps, one)
			}
		}
	}
	for _, s := range p.sides() {
		for _, at := range lineage(on) {
			for g := range s.e.GrantsOn(at) {
				if p.acting[s.ids.one(g.Holder.Key)] {
					for _, held := range g.Privileges {
						take(held, at)
					}
				}
			}
			if owner, known := s.e.Owner(at); known && at == on && p.acting[s.ids.one(owner.Key)] {
				take(report.Owner, at)
			}
		}
	}
	ps = slices.DeleteFunc(identity.SortPrivileges(ps), func(one identity.Privilege) bool { return one == identity.AllPrivileges })
	return ps
}

// can says whether somebody can do something from a workspace. What is not there gives nothing.
func (s *side) can(who identity.PrincipalKey, p identity.Privilege, on identity.Securable, in identity.WorkspaceID) access.Verdict {
	if s.lacksPrincipal(who) || s.lacksSecurable(on) || s.closed(in) {
		return access.Denied
	}
	return s.m.Subject(who).Can(p, on, in)
}

// closed reports whether nothing can be done from a workspace: there is none, or it is not running.
func (s *side) closed(in identity.WorkspaceID) bool {
	w, there := s.e.Workspace(in)
	return there && !w.Running() || s.lacksWorkspace(in)
}

// workspacesOf are those that the metastore is attached to on either side.
func (c *comparison) workspacesOf(metastore string) []identity.WorkspaceID {
	ids := slices.Concat(c.before.e.MetastoreWorkspaces(metastore), c.after.e.MetastoreWorkspaces(metastore))
	slices.Sort(ids)
	return slices.Compact(ids)
}

// objects are those on which the principal holds something on either side, where changes matter.
func (p *person) objects() []identity.Object {
	all := map[identity.Object]bool{}
	for _, s := range p.sides() {
		if !p.reach.everywhere && len(p.reach.objects) == 0 {
			continue
		}
		for k := range p.acting {
			for _, o := range s.permitted(k) {
				wanted := p.c.o.Object.Type == "" && p.c.o.Target.Type == "" || o == p.c.o.Object
				all[o] = all[o] || wanted && (p.reach.everywhere || p.reach.objects[o])
			}
		}
	}
	return chosen(all, identity.Object.Compare)
}

// permitted are the objects whose lists name a principal.
func (s *side) permitted(k identity.PrincipalKey) []identity.Object {
	if s.objectsOf == nil {
		s.objectsOf = map[identity.PrincipalKey][]identity.Object{}
		for _, o := range s.e.Objects() {
			for _, g := range s.e.ObjectGrants(o.Object) {
				who := s.ids.one(g.Holder.Key)
				s.objectsOf[who] = append(s.objectsOf[who], o.Object)
			}
		}
	}
	return s.objectsOf[k]
}

// operating compares which levels the principal has of use on an object.
func (p *person) operating(o identity.Object) []change {
	var levels []identity.Level
	for _, s := range p.sides() {
		for _, g := range s.e.ObjectGrants(o) {
			if p.acting[s.ids.one(g.Holder.Key)] {
				levels = append(levels, g.Level)
			}
		}
	}
	slices.Sort(levels)
	var came, went []report.ObjectLevel
	for _, l := range slices.Compact(levels) {
		*p.budget -= 2
		switch was, is := p.c.before.operates(p.key, l, o), p.c.after.operates(p.key, l, o); {
		case was == access.Denied && is == access.Allowed:
			came = append(came, report.ObjectLevel{Level: l})
		case was == access.Allowed && is == access.Denied:
			went = append(went, report.ObjectLevel{Level: l})
		}
	}
	k := key{kind: report.KindEffective, principal: id{key: p.key}, object: o}
	var list []change
	if len(came) > 0 {
		list = append(list, change{key: k, after: &report.State{Levels: came}, tie: "gained"})
	}
	if len(went) > 0 {
		list = append(list, change{key: k, before: &report.State{Levels: went}, tie: "lost"})
	}
	return list
}

func (s *side) operates(who identity.PrincipalKey, l identity.Level, o identity.Object) access.Verdict {
	if s.lacksPrincipal(who) || s.lacksObject(o) || s.closed(o.Workspace) {
		return access.Denied
	}
	return s.m.Subject(who).Operates(l, o)
}

// entering compares which workspaces the principal can enter, and as what.
func (p *person) entering() []change {
	all := map[identity.WorkspaceID]bool{}
	for _, s := range p.sides() {
		for _, w := range s.e.Workspaces() {
			all[w.ID] = p.c.o.Workspace == 0 || p.c.o.Workspace == w.ID
		}
	}
	var list []change
	for _, w := range chosen(all, cmp.Compare) {
		*p.budget -= 2
		was, before := p.c.before.entry(p.key, w)
		is, after := p.c.after.entry(p.key, w)
		if !before || !after || was == is {
			continue
		}
		x := change{key: key{kind: report.KindEffective, principal: id{key: p.key}, workspace: w}}
		if was != identity.WorkspaceNone {
			x.before = &report.State{Permission: was.String()}
		}
		if is != identity.WorkspaceNone {
			x.after = &report.State{Permission: is.String()}
		}
		list = append(list, x)
	}
	return list
}

// entry is as what somebody can enter a workspace; known is false when a fact is missing.
func (s *side) entry(who identity.PrincipalKey, in identity.WorkspaceID) (as identity.WorkspacePermission, known bool) {
	if s.lacksPrincipal(who) || s.lacksWorkspace(in) || s.active(who) == access.Denied {
		return identity.WorkspaceNone, true
	}
	subject := s.m.Subject(who)
	admin := subject.In(identity.WorkspaceAdmins(in))
	_, assigned := subject.Assigned(in)
	switch {
	case s.active(who) == access.Unknown:
		return identity.WorkspaceNone, false
	case admin == access.Allowed:
		return identity.WorkspaceAdmin, true
	case admin == access.Unknown || assigned == access.Unknown:
		return identity.WorkspaceNone, false
	case assigned == access.Allowed:
		return identity.WorkspaceUser, true
	default:
		return identity.WorkspaceNone, true
	}
}

// administering compares whether the principal is account admin.
func (p *person) administering() []change {
	*p.budget -= 2
	was, is := p.c.before.administers(p.key), p.c.after.administers(p.key)
	k := key{kind: report.KindEffective, principal: id{key: p.key}, name: identity.RoleAccountAdmin}
	switch {
	case was == access.Denied && is == access.Allowed:
		return []change{{key: k, after: &report.State{}}}
	case was == access.Allowed && is == access.Denied:
		return []change{{key: k, before: &report.State{}}}
	default:
		return nil
	}
}

func (s *side) administers(who identity.PrincipalKey) access.Verdict {
	if s.lacksPrincipal(who) {
		return access.Denied
	}
	return access.All(s.active(who), s.m.Subject(who).IsAccountAdmin())
}

// active says whether somebody may log in; groups do not, and stand for their members.
func (s *side) active(who identity.PrincipalKey) access.Verdict {
	p, _ := s.e.Principal(who)
	switch {
	case who.Kind == identity.KindGroup || p.Status == identity.StatusActive:
		return access.Allowed
	case p.Status == identity.StatusInactive:
		return access.Denied
	default:
		return access.Unknown
	}
}
