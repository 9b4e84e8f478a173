package access

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// permission is one way by which the subject may use a workspace object: an entry of the object's list that
// means it, or being admin of the workspace.
type permission struct {
	level  identity.Level
	holder identity.PrincipalKey
	from   string // what it is inherited from; empty for what was given on the object itself
}

// permissions are the ways by which the subject may certainly use an object, in no order. A group has what
// everybody has as well, which is not listed as the group's.
func (a audit) permissions(on identity.Object) []permission {
	var list []permission
	for _, g := range withAdmins(a.e.ObjectGrants(on), on) {
		if a.verdicts().meansThere(g, on.Workspace) == Allowed {
			list = append(list, permission{g.Level, a.e.Canonical(g.Holder.Key), g.From})
		}
	}
	if a.key.Kind == identity.KindGroup {
		list = slices.DeleteFunc(list, func(p permission) bool {
			return p.holder != a.key && (p.holder == identity.AccountUsers() || p.holder == identity.WorkspaceUsers(on.Workspace))
		})
	}
	return list
}

// permissionList lists permissions on many objects; what is alike for them is worked out once.
type permissionList struct {
	audit
	paths  map[identity.PrincipalKey]report.Path
	usable map[identity.WorkspaceID]Verdict
}

func newPermissionList(a audit) permissionList {
	return permissionList{a, map[identity.PrincipalKey]report.Path{}, map[identity.WorkspaceID]Verdict{}}
}

func (l permissionList) path(k identity.PrincipalKey) report.Path {
	if _, known := l.paths[k]; !known {
		l.paths[k] = slices.Clip(l.shortest(k))
	}
	return l.paths[k]
}

// here says whether the subject can use what it has in a workspace now.
func (l permissionList) here(in identity.WorkspaceID) Verdict {
	v, known := l.usable[in]
	if !known {
		v = All(l.verdicts().active(), l.verdicts().assigned(in))
		l.usable[in] = v
	}
	return v
}

// strongest keeps of several ways those that no other surpasses, and of those that give the same the nearest
// one.
func (l permissionList) strongest(all []permission, t identity.ObjectType) []permission {
	slices.SortStableFunc(all, func(a, b permission) int {
		return cmp.Or(cmp.Compare(len(l.path(a.holder)), len(l.path(b.holder))), cmp.Compare(len(a.from), len(b.from)), a.holder.Compare(b.holder), cmp.Compare(a.level, b.level), cmp.Compare(a.from, b.from))
	})
	var kept []permission
	for i, p := range all {
		surpassed := false
		for j, other := range all {
			same := t.Includes(p.level, other.level)
			surpassed = surpassed || t.Includes(other.level, p.level) && (!same || j < i)
		}
		if !surpassed {
			kept = append(kept, p)
		}
	}
	return kept
}

// objects lists the strongest permissions of the subject on every object whose list was to be read.
func (a audit) objects() []report.Object {
	list := []report.Object{}
	l := newPermissionList(a)
	for _, o := range a.e.Objects() {
		if !a.listsOf(o.Object) {
			continue
		}
		for _, p := range l.strongest(a.permissions(o.Object), o.Type) {
			item := l.item(o, p)
			switch l.here(o.Workspace) {
			case Allowed, Denied:
				usable := l.here(o.Workspace) == Allowed
				item.Usable = &usable
			case Unknown:
			}
			list = append(list, item)
		}
	}
	return list
}

// listsOf reports whether who may use an object was to be read: others are known by the way.
func (a audit) listsOf(on identity.Object) bool {
	_, asked := a.e.Outcome(estate.ReadKey{Op: estate.OpObjectGrants, Object: on})
	return asked
}

// item is a permission as reports show it.
func (l permissionList) item(o identity.ObjectInfo, p permission) report.Object {
	ref := l.object(o.Object)
	item := report.Object{
		Workspace: ref.Workspace, Type: ref.Type, ID: ref.ID, Name: ref.Name,
		Level: string(p.level), Source: l.source(p.holder), Path: l.path(p.holder), InheritedFrom: p.from,
		RunAs: l.m.RunsAs(o).Name,
	}
	if owner, ok := l.m.ownerOf(o.Object); ok {
		item.Owner = owner.Name
	}
	return item
}

// ObjectDoubts gives the permissions on workspace objects of which it cannot be told whether they are the
// subject's: a group of the workspace alone and one of the account bear the holder's name. Where the groups
// of the workspace were not read, the ledger says so.
func (m *Model) ObjectDoubts(key identity.PrincipalKey) map[identity.Object][]string {
	s := m.Subject(key)
	return m.objectDoubts(func(g estate.ObjectGrant, in identity.WorkspaceID) bool {
		return s.verdicts().meansThere(g, in) == Unknown
	})
}

// objectDoubts gives the names that several bear, of the entries that may be meant.
func (m *Model) objectDoubts(mayMean func(g estate.ObjectGrant, in identity.WorkspaceID) bool) map[identity.Object][]string {
	doubts := map[identity.Object][]string{}
	for _, o := range m.e.Objects() {
		if !m.e.Saw(estate.ReadKey{Op: estate.OpEntitlements, Workspace: o.Workspace, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}) {
			continue
		}
		for _, g := range m.e.ObjectGrants(o.Object) {
			if g.Holder.Ambiguous && mayMean(g, o.Workspace) {
				doubts[o.Object] = append(doubts[o.Object], g.Holder.Name)
			}
		}
	}
	return doubts
}
