package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Turn is what one principal comes to have, or no longer has, between two estates of one account: the one
// as it is, and the one as it would be with some changes made.
//
// What is not known before and after alike is no part of it.
type Turn struct {
	Gained, Lost, Undecided Rights
}

// Rights are what somebody can use or is.
type Rights struct {
	Access     []Right
	Workspaces []Entrance
	Roles      []Office
	Objects    []Operation
}

// Right is what can be done with one securable from some workspaces.
type Right struct {
	On identity.Securable
	// Privileges are sorted. As in a comparison, ALL_PRIVILEGES and OWNER stand for what they include.
	Privileges []identity.Privilege
	In         []identity.WorkspaceID
	// Path leads to the nearest identity by which it is so; for what is undecided it may be empty.
	Path report.Path
}

// Entrance is one workspace that can be entered, as USER or ADMIN.
type Entrance struct {
	In   identity.WorkspaceID
	As   identity.WorkspacePermission
	Path report.Path
}

// Office is an administrative role, as report.Role.
type Office struct {
	Role, Scope string
	Path        report.Path
}

// Operation is a level on a workspace object.
type Operation struct {
	On    identity.Object
	Level identity.Level
}

// Between finds what a principal gains and loses between two models. than, if not zero, is another
// principal of the later one: what this one can do too, or may be able to, does not count as gained. Both
// models must be over estates with the same places.
func Between(before, after *Model, key, than identity.PrincipalKey) Turn {
	t := turning{e: after.e, after: audit{after.Subject(key)}, before: []audit{{before.Subject(key)}}}
	if !than.IsZero() {
		t.before = append(t.before, audit{after.Subject(than)})
	}
	t.access()
	t.workspaces()
	t.roles()
	t.objects()
	return t.turn
}

// turning compares what was, where any of several counts, with what is.
type turning struct {
	e      *estate.Estate
	before []audit
	after  audit
	turn   Turn
}

// sideAfter is where something belongs by what it was and is: only what differs is anywhere.
func sideAfter(was, is Verdict) side {
	if was == is {
		return nowhere
	}
	return sideOf(was, is)
}

func (t *turning) was(verdict func(audit) Verdict) Verdict {
	verdicts := make([]Verdict, 0, len(t.before))
	for _, a := range t.before {
		verdicts = append(verdicts, verdict(a))
	}
	return Any(verdicts...)
}

// rights is the list of a side, nil where nothing turned.
func (t *turning) rights(at side) *Rights {
	switch at {
	case onlyA:
		return &t.turn.Lost
	case onlyB:
		return &t.turn.Gained
	case undecided:
		return &t.turn.Undecided
	default:
		return nil
	}
}

func (t *turning) access() {
	var all []identity.Securable
	for _, one := range append([]audit{t.after}, t.before...) {
		all = append(all, one.carriersOf(one.actsAs())...)
	}
	slices.SortFunc(all, identity.Securable.Compare)
	for _, on := range slices.Compact(all) {
		privileges := t.after.given(on)
		for _, a := range t.before {
			privileges = both(privileges, a.given(on))
		}
		sideIn := func(p identity.Privilege, w identity.WorkspaceID) side {
			return sideAfter(t.was(func(a audit) Verdict { return a.canUse(p, on, w) }), t.after.canUse(p, on, w))
		}
		rows := rowsOf(t.e, on, identity.SortPrivileges(privileges), sideIn, func(row *comparedRow, p identity.Privilege, w identity.WorkspaceID) {
			row.pathA, row.pathB = t.before[0].wayToUse(p, on, w), t.after.wayToUse(p, on, w)
		})
		for _, row := range rows {
			path := row.pathB
			if row.at == onlyA {
				path = row.pathA
			}
			r := t.rights(row.at)
			r.Access = append(r.Access, Right{On: on, Privileges: identity.SortPrivileges(row.privileges), In: row.workspaces, Path: path})
		}
	}
}

// carriers are the securables on which the subject was given something or that it owns.
func (a audit) carriers() []identity.Securable { return a.carriersOf(a.holders()) }

// actsAs are the identities that count for the subject. What everybody has who gets somewhere counts for
// groups too here: it comes into reach of their members with a workspace.
func (a audit) actsAs() []identity.PrincipalKey {
	keys := a.holders()
	if a.key.Kind == identity.KindGroup {
		keys = append(keys, identity.AccountUsers())
		for _, w := range a.e.Workspaces() {
			keys = append(keys, identity.WorkspaceUsers(w.ID), identity.WorkspaceAdmins(w.ID))
		}
	}
	return keys
}

func (a audit) carriersOf(holders []identity.PrincipalKey) []identity.Securable {
	var all []identity.Securable
	for _, k := range holders {
		for g := range a.e.GrantsTo(k) {
			all = append(all, g.Securable)
		}
		for s := range a.e.OwnedBy(k) {
			all = append(all, s.Securable)
		}
	}
	return all
}

func (t *turning) workspaces() {
	for _, w := range t.e.Workspaces() {
		if !w.Running() {
			continue
		}
		for _, least := range []identity.WorkspacePermission{identity.WorkspaceUser, identity.WorkspaceAdmin} {
			at := sideAfter(t.was(func(a audit) Verdict { return a.enters(w.ID, least) }), t.after.enters(w.ID, least))
			if r := t.rights(at); r != nil {
				path := t.after.wayInto(w.ID, least)
				if at == onlyA {
					path = t.before[0].wayInto(w.ID, least)
				}
				r.Workspaces = append(r.Workspaces, Entrance{In: w.ID, As: least, Path: path})
			}
		}
	}
}

// enters says whether the subject may enter a workspace with at least a permission, as far as it is active.
func (a audit) enters(in identity.WorkspaceID, least identity.WorkspacePermission) Verdict {
	return All(a.verdicts().active(), a.verdicts().assignedAs(in, least))
}

func (t *turning) roles() {
	was, is := map[office]report.Path{}, waysToRoles(t.after.roles())
	for _, a := range t.before {
		for r, path := range waysToRoles(a.roles()) {
			was[r] = path
		}
	}
	for _, r := range t.after.roles() {
		t.role(r, was, is)
	}
	for _, a := range t.before {
		for _, r := range a.roles() {
			if _, again := is[office{r.Role, r.Scope}]; !again {
				t.role(r, was, is)
			}
		}
	}
}

func (t *turning) role(r report.Role, was, is map[office]report.Path) {
	o := office{r.Role, r.Scope}
	at := sideAfter(t.was(func(a audit) Verdict { return a.hasRoleOf(o, was) }), t.after.hasRoleOf(o, is))
	list := t.rights(at)
	if list == nil || slices.ContainsFunc(list.Roles, func(one Office) bool { return one.Role == r.Role && one.Scope == r.Scope }) {
		return
	}
	list.Roles = append(list.Roles, Office{Role: r.Role, Scope: r.Scope, Path: r.Path})
}

func (t *turning) objects() {
	for _, o := range t.e.Objects() {
		var levels []identity.Level
		for _, one := range append([]audit{t.after}, t.before...) {
			for _, g := range one.e.ObjectGrants(o.Object) {
				if one.means(g.Holder, o.Workspace) != Denied {
					levels = append(levels, g.Level)
				}
			}
		}
		slices.Sort(levels)
		for _, l := range slices.Compact(levels) {
			at := sideAfter(t.was(func(a audit) Verdict { return a.Operates(l, o.Object) }), t.after.Operates(l, o.Object))
			if r := t.rights(at); r != nil {
				r.Objects = append(r.Objects, Operation{On: o.Object, Level: l})
			}
		}
	}
}

// Given says whether a grant of the privilege on the securable would give the subject nothing new, while it
// acts in the workspace: it was granted there or above to one of its identities, or owning the securable
// gives it. What owners of a container have on it does not reach what is in it, as a grant would.
func (s *Subject) Given(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) Verdict {
	if p != identity.AllPrivileges && !spreads(p, on) {
		return s.Effective(p, on, in)
	}
	r := s.verdicts()
	granted := []Verdict{Denied}
	for at := range lineage(on) {
		granted = append(granted, All(r.byGrant(p, at, in), r.flows(at, on)))
	}
	return Any(granted...)
}
