package diff

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// touched finds the users and service principals whom changes may give or take something.
type touched struct {
	c      *comparison
	people map[identity.PrincipalKey]*reach
	found  map[identity.PrincipalKey][]identity.PrincipalKey // who is in a group on either side
	// all are whom changes touch, groups too, whoever is looked at.
	all map[identity.PrincipalKey]bool
	// only are the ones that are looked at; nil for all.
	only map[identity.PrincipalKey]bool
}

func newTouched(c *comparison) *touched {
	t := &touched{c: c, people: map[identity.PrincipalKey]*reach{}, found: map[identity.PrincipalKey][]identity.PrincipalKey{}, all: map[identity.PrincipalKey]bool{}}
	if len(c.o.Subjects) == 0 {
		return t
	}
	t.only = map[identity.PrincipalKey]bool{}
	for _, k := range c.o.Subjects {
		t.only[c.after.ids.one(k)] = true
	}
	return t
}

func (t *touched) sorted() []identity.PrincipalKey {
	all := map[identity.PrincipalKey]bool{}
	for k := range t.people {
		all[k] = true
	}
	return chosen(all, identity.PrincipalKey.Compare)
}

// by adds whom one change touches.
func (t *touched) by(k key, x change) {
	switch k.kind {
	case report.KindPrincipal, report.KindMembership, report.KindRole:
		t.everywhere(k.principal.key)
	case report.KindWorkspace:
		if k.principal == (id{}) {
			t.assigned(k.workspace)
			return
		}
		t.everywhere(k.principal.key)
	case report.KindGrant:
		t.within(k.principal.key, k.securable)
	case report.KindOwner, report.KindSecurable:
		for _, s := range t.sides() {
			if owner, known := s.e.Owner(k.securable); known {
				t.within(s.ids.one(owner.Key), k.securable)
			}
		}
	case report.KindBinding, report.KindSetting:
		if k.securable.Type != "" {
			t.holders(k.securable)
		}
	case report.KindObject:
		for _, who := range t.persons(k.principal.key) {
			t.reach(who).objects[k.object] = true
		}
	default: // entitlements decide over what can be carried out, which is not compared
	}
}

func (t *touched) sides() []*side { return []*side{t.c.before, t.c.after} }

func (t *touched) reach(who identity.PrincipalKey) *reach {
	if t.people[who] == nil {
		t.people[who] = &reach{roots: map[identity.Securable]bool{}, objects: map[identity.Object]bool{}}
	}
	return t.people[who]
}

func (t *touched) everywhere(holder identity.PrincipalKey) {
	for _, who := range t.persons(holder) {
		t.reach(who).everywhere = true
	}
}

// within adds a holder for what is in one catalog, or beside the catalogs; for the metastore everywhere.
func (t *touched) within(holder identity.PrincipalKey, on identity.Securable) {
	for _, who := range t.persons(holder) {
		r := t.reach(who)
		r.roots[root(on)] = true
		r.everywhere = r.everywhere || on.Type == identity.TypeMetastore
	}
}

// assigned adds whoever is assigned to a workspace.
func (t *touched) assigned(in identity.WorkspaceID) {
	for _, s := range t.sides() {
		for _, a := range s.e.Assignments(in) {
			t.everywhere(s.ids.one(a.Principal))
		}
	}
}

// holders adds whoever holds something in a catalog, beside the catalogs, or in a metastore.
func (t *touched) holders(on identity.Securable) {
	for _, s := range t.sides() {
		for info := range s.e.Securables() {
			in := info.Securable
			if root(in) != root(on) && (on.Type != identity.TypeMetastore || in.Metastore != on.Metastore) {
				continue
			}
			for g := range s.e.GrantsOn(in) {
				t.within(s.ids.one(g.Holder.Key), in)
			}
			if owner, known := s.e.Owner(in); known {
				t.within(s.ids.one(owner.Key), in)
			}
		}
	}
}

// throughViews adds whoever may read through a view whose owner is touched: a view reads with the rights
// of its owner.
//
// https://docs.databricks.com/aws/en/views/
func (t *touched) throughViews() {
	done := map[identity.Securable]bool{}
	for more := true; more; {
		more = false
		for _, s := range t.sides() {
			for info := range s.e.Securables() {
				owner, _ := s.e.Owner(info.Securable)
				if len(info.Bases) > 0 && !done[info.Securable] && t.all[s.ids.one(owner.Key)] {
					done[info.Securable], more = true, true
					t.holders(info.Securable)
				}
			}
		}
	}
}

// persons are the users and service principals that are, or are in, a principal on either side.
func (t *touched) persons(holder identity.PrincipalKey) []identity.PrincipalKey {
	if holder.IsZero() {
		return nil
	}
	if found, again := t.found[holder]; again {
		return found
	}
	seen := map[identity.PrincipalKey]bool{holder: true}
	for queue := []identity.PrincipalKey{holder}; len(queue) > 0; queue = queue[1:] {
		for _, s := range t.sides() {
			for _, m := range s.inside(queue[0]) {
				if !seen[m] {
					seen[m] = true
					queue = append(queue, m)
				}
			}
		}
	}
	for k := range seen {
		t.all[k] = true
		person := k.Kind == identity.KindUser || k.Kind == identity.KindServicePrincipal
		seen[k] = person && t.only == nil || t.only[k]
	}
	t.found[holder] = chosen(seen, identity.PrincipalKey.Compare)
	return t.found[holder]
}

// inside are the direct members of a group, the other records of a person, and those in the groups that
// exist without being listed, and those who may act as a group.
func (s *side) inside(k identity.PrincipalKey) []identity.PrincipalKey {
	var list []identity.PrincipalKey
	for m := range s.e.Members(k) {
		list = append(list, s.ids.one(m))
	}
	for m := range s.e.SamePerson(k) {
		list = append(list, s.ids.one(m))
	}
	list = append(list, s.below[k]...)
	list = append(list, s.assumed[k]...)
	switch {
	case k == identity.AccountUsers():
		for p := range s.e.Principals() {
			if p.Key.Kind == identity.KindUser || p.Key.Kind == identity.KindServicePrincipal {
				list = append(list, s.ids.one(p.Key))
			}
		}
	case k == identity.WorkspaceUsers(k.Workspace) || k == identity.WorkspaceAdmins(k.Workspace):
		for _, a := range s.e.Assignments(k.Workspace) {
			list = append(list, s.ids.one(a.Principal))
		}
	}
	return list
}
