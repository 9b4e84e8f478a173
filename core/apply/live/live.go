// Package live applies plans to a Databricks account: it implements apply.Account over the account's reads and writes.
package live

import (
	"context"
	"fmt"
	"slices"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// Source is what is needed of the account. Its errors are identity.Failures; writes are sent once.
type Source interface {
	Workspaces(ctx context.Context) ([]identity.Workspace, error)
	Principal(ctx context.Context, key identity.PrincipalKey) (identity.Principal, error)
	Group(ctx context.Context, key identity.PrincipalKey) (identity.Group, error)
	Assignments(ctx context.Context, id identity.WorkspaceID) ([]identity.Assignment, error)
	Entitlements(ctx context.Context, at identity.Workspace, of identity.PrincipalKey) ([]identity.Entitlement, error)
	Grants(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Grant, error)
	ObjectGrants(ctx context.Context, at identity.Workspace, on identity.Object) ([]identity.ObjectGrant, error)

	AddMembers(ctx context.Context, group identity.PrincipalKey, members []identity.PrincipalKey) error
	RemoveMember(ctx context.Context, group, member identity.PrincipalKey) error
	Assign(ctx context.Context, id identity.WorkspaceID, to identity.PrincipalKey, p identity.WorkspacePermission) error
	Unassign(ctx context.Context, id identity.WorkspaceID, to identity.PrincipalKey) error
	Entitle(ctx context.Context, at identity.Workspace, to identity.PrincipalKey, list []identity.Entitlement) error
	Disentitle(ctx context.Context, at identity.Workspace, from identity.PrincipalKey, e identity.Entitlement) error
	ChangeGrants(ctx context.Context, at identity.Workspace, on identity.Securable, changes []identity.GrantChange) error
	RaiseObject(ctx context.Context, at identity.Workspace, on identity.Object, to identity.PrincipalName, l identity.Level) error
	LowerObject(ctx context.Context, at identity.Workspace, on identity.Object, from identity.PrincipalName, l identity.Level) error
}

// Account is an apply.Account over a Source. It is for one goroutine.
type Account struct {
	source     Source
	place      apply.Place
	workspaces map[identity.WorkspaceID]identity.Workspace
}

// New gives the account that a Source reaches at a place.
func New(s Source, at apply.Place) *Account { return &Account{source: s, place: at} }

// Place is where the account is.
func (a *Account) Place() apply.Place { return a.place }

// workspace finds a workspace by id. Workspaces do not move: they are listed once.
func (a *Account) workspace(ctx context.Context, id identity.WorkspaceID) (identity.Workspace, error) {
	if a.workspaces == nil {
		list, err := a.source.Workspaces(ctx)
		if err != nil {
			return identity.Workspace{}, fmt.Errorf("list the workspaces: %w", err)
		}
		a.workspaces = map[identity.WorkspaceID]identity.Workspace{}
		for _, w := range list {
			a.workspaces[w.ID] = w
		}
	}
	w, ok := a.workspaces[id]
	switch {
	case !ok:
		return w, &identity.Failure{Kind: identity.NotFound, Message: fmt.Sprintf("workspace %s is not there", id)}
	case !w.Running():
		return w, &identity.Failure{Kind: identity.NotRunning, Message: fmt.Sprintf("workspace %s is %s", w.Name, w.Status)}
	}
	return w, nil
}

// through is the workspace whose host serves a change.
func through(c plan.Change) identity.WorkspaceID {
	switch {
	case c.Through != 0:
		return c.Through
	case c.Cell.Object.Workspace != 0:
		return c.Cell.Object.Workspace
	default:
		return c.Cell.Workspace
	}
}

// Read reads the cells of the changes: each list that holds some of them once.
func (a *Account) Read(ctx context.Context, changes []plan.Change) ([]apply.Reading, error) {
	r := reading{Account: a, holders: map[identity.PrincipalKey]identity.Principal{}, groups: map[identity.PrincipalKey]identity.Group{},
		assignments: map[identity.WorkspaceID][]identity.Assignment{}, grants: map[identity.Securable][]identity.Grant{}}
	out := make([]apply.Reading, len(changes))
	for i, c := range changes {
		var err error
		if out[i], err = r.cell(ctx, c); err != nil {
			return nil, fmt.Errorf("read %s: %w", Describe(c), err)
		}
	}
	return out, nil
}

// Describe names the cell of a change for messages.
func Describe(c plan.Change) string {
	holder := c.HolderName
	if holder == "" {
		holder = c.Cell.Holder.String()
	}
	switch c.Cell.Kind {
	case plan.Member:
		return fmt.Sprintf("%q in group %q", holder, c.GroupName)
	case plan.Assigned:
		return fmt.Sprintf("%q in workspace %s", holder, c.Cell.Workspace)
	case plan.Entitled:
		return fmt.Sprintf("%s of %q in workspace %s", c.Cell.Entitlement, holder, c.Cell.Workspace)
	case plan.Granted:
		return fmt.Sprintf("%s of %q on %s", c.Cell.Privilege, holder, c.Cell.Securable)
	default:
		return fmt.Sprintf("%q on %s %q", holder, c.Cell.Object.Type.Title(), c.ObjectName)
	}
}

// reading is what one call of Read has read so far.
type reading struct {
	*Account
	holders     map[identity.PrincipalKey]identity.Principal
	groups      map[identity.PrincipalKey]identity.Group
	assignments map[identity.WorkspaceID][]identity.Assignment
	grants      map[identity.Securable][]identity.Grant
}

// once gives what is known, or reads it.
func once[K comparable, V any](known map[K]V, key K, read func() (V, error)) (V, error) {
	if v, ok := known[key]; ok {
		return v, nil
	}
	v, err := read()
	if err == nil {
		known[key] = v
	}
	return v, err
}

func (r *reading) cell(ctx context.Context, c plan.Change) (out apply.Reading, err error) {
	if out.Barred, err = r.barred(ctx, c); err != nil {
		return out, err
	}
	switch c.Cell.Kind {
	case plan.Member:
		g, err := r.group(ctx, c.Cell.Group)
		if err != nil {
			return out, err
		}
		if slices.Contains(g.Members, c.Cell.Holder) {
			out.Value = plan.Present
		}
		if out.Barred == "" {
			out.Barred = keptElsewhere(g)
		}
		return out, nil
	case plan.Assigned:
		out.Value, err = r.assigned(ctx, c)
	case plan.Entitled:
		out.Value, err = r.entitled(ctx, c)
	case plan.Granted:
		out.Value, err = r.granted(ctx, c)
	case plan.ObjectLevel:
		out.Value, err = r.level(ctx, c)
	default:
		err = fmt.Errorf("%q is not a kind of cell", c.Cell.Kind)
	}
	return out, err
}

// barred makes sure that the holder is who the plan means: writes of grants and permissions name principals by name,
// and names may change hands.
func (r *reading) barred(ctx context.Context, c plan.Change) (string, error) {
	if c.Cell.Holder.Workspace != 0 {
		return "", nil
	}
	p, err := once(r.holders, c.Cell.Holder, func() (identity.Principal, error) { return r.source.Principal(ctx, c.Cell.Holder) })
	switch {
	case err != nil:
		return "", err
	case (c.Cell.Kind == plan.Granted || c.Cell.Kind == plan.ObjectLevel) && !identity.SameName(p.Name, c.HolderName):
		return fmt.Sprintf("%s is called %q by now, and not %q", c.Cell.Holder, p.Name, c.HolderName), nil
	case p.Status == identity.StatusInactive && c.After != plan.Absent:
		return fmt.Sprintf("%q was deactivated", p.Name), nil
	default:
		return "", nil
	}
}

func (r *reading) group(ctx context.Context, key identity.PrincipalKey) (identity.Group, error) {
	return once(r.groups, key, func() (identity.Group, error) { return r.source.Group(ctx, key) })
}

// keptElsewhere says why the members of a group are not ours to change; empty if they are.
//
// https://docs.databricks.com/aws/en/admin/users-groups/groups (external and system groups)
func keptElsewhere(g identity.Group) string {
	switch {
	case !g.MembersListed:
		return fmt.Sprintf("the members of group %q were not told", g.Name)
	case g.Origin == identity.OriginIDP || g.ExternalID != "":
		return fmt.Sprintf("group %q is kept by the identity provider: add the member there", g.Name)
	case g.Origin == identity.OriginSystem:
		return fmt.Sprintf("group %q is kept by Databricks itself", g.Name)
	default:
		return ""
	}
}

func (r *reading) assigned(ctx context.Context, c plan.Change) (plan.Value, error) {
	list, err := once(r.assignments, c.Cell.Workspace, func() ([]identity.Assignment, error) {
		return r.source.Assignments(ctx, c.Cell.Workspace)
	})
	for _, a := range list {
		if a.Principal == c.Cell.Holder && a.Permission != identity.WorkspaceNone {
			return plan.Value(a.Permission.String()), err
		}
	}
	return plan.Absent, err
}

func (r *reading) entitled(ctx context.Context, c plan.Change) (plan.Value, error) {
	w, err := r.workspace(ctx, through(c))
	if err != nil {
		return plan.Absent, err
	}
	list, err := r.source.Entitlements(ctx, w, c.Cell.Holder)
	if identity.IsKind(err, identity.NotFound) {
		return plan.Absent, nil // who is not in the workspace has no entitlement there
	}
	if slices.Contains(list, c.Cell.Entitlement) {
		return plan.Present, err
	}
	return plan.Absent, err
}

func (r *reading) granted(ctx context.Context, c plan.Change) (plan.Value, error) {
	list, err := once(r.grants, c.Cell.Securable, func() ([]identity.Grant, error) {
		w, err := r.workspace(ctx, through(c))
		if err != nil {
			return nil, err
		}
		return r.source.Grants(ctx, w, c.Cell.Securable)
	})
	for _, g := range list {
		if g.Holder != "" && identity.SameName(g.Holder, c.HolderName) && slices.Contains(g.Privileges, c.Cell.Privilege) {
			return plan.Present, err
		}
	}
	return plan.Absent, err
}

// level is the holder's direct level. More than one would be two answers.
func (r *reading) level(ctx context.Context, c plan.Change) (plan.Value, error) {
	w, err := r.workspace(ctx, through(c))
	if err != nil {
		return plan.Absent, err
	}
	list, err := r.source.ObjectGrants(ctx, w, c.Cell.Object)
	found := plan.Absent
	for _, g := range list {
		if g.From != "" || !identity.SameName(g.Holder.Name, c.HolderName) || g.Holder.Kind != c.Cell.Holder.Kind {
			continue
		}
		if found != plan.Absent && found != plan.Value(g.Level) {
			return found, fmt.Errorf("%s has two levels, %s and %s", c.HolderName, found, g.Level)
		}
		found = plan.Value(g.Level)
	}
	return found, err
}

// Write makes changes that apply.Together holds of, with one request; to lower a level on an object takes a reading
// before it.
func (a *Account) Write(ctx context.Context, changes []plan.Change) error {
	first := changes[0]
	cell, gone := first.Cell, first.After == plan.Absent
	switch cell.Kind {
	case plan.Member:
		if gone {
			return a.source.RemoveMember(ctx, cell.Group, cell.Holder)
		}
		members := make([]identity.PrincipalKey, len(changes))
		for i, c := range changes {
			members[i] = c.Cell.Holder
		}
		return a.source.AddMembers(ctx, cell.Group, members)
	case plan.Assigned:
		if gone {
			return a.source.Unassign(ctx, cell.Workspace, cell.Holder)
		}
		return a.source.Assign(ctx, cell.Workspace, cell.Holder, plan.Permission(first.After))
	default:
		w, err := a.workspace(ctx, through(first))
		if err != nil {
			return err
		}
		return a.writeAt(ctx, w, changes)
	}
}

func (a *Account) writeAt(ctx context.Context, w identity.Workspace, changes []plan.Change) error {
	first := changes[0]
	cell := first.Cell
	switch cell.Kind {
	case plan.Entitled:
		if first.After == plan.Absent {
			return a.source.Disentitle(ctx, w, cell.Holder, cell.Entitlement)
		}
		list := make([]identity.Entitlement, len(changes))
		for i, c := range changes {
			list[i] = c.Cell.Entitlement
		}
		return a.source.Entitle(ctx, w, cell.Holder, list)
	case plan.Granted:
		return a.source.ChangeGrants(ctx, w, cell.Securable, grantChanges(changes))
	case plan.ObjectLevel:
		holder := identity.PrincipalName{Kind: cell.Holder.Kind, Name: first.HolderName}
		before, after := identity.Level(first.Before), identity.Level(first.After)
		if after != "" && (before == "" || cell.Object.Type.Includes(after, before)) {
			return a.source.RaiseObject(ctx, w, cell.Object, holder, after)
		}
		return a.source.LowerObject(ctx, w, cell.Object, holder, after)
	default:
		return fmt.Errorf("%q is not a kind of cell", cell.Kind)
	}
}

// grantChanges puts changes of one holder together.
func grantChanges(changes []plan.Change) []identity.GrantChange {
	var list []identity.GrantChange
	at := map[string]int{}
	for _, c := range changes {
		i, ok := at[c.HolderName]
		if !ok {
			i = len(list)
			at[c.HolderName] = i
			list = append(list, identity.GrantChange{Holder: c.HolderName})
		}
		if c.After == plan.Absent {
			list[i].Remove = append(list[i].Remove, c.Cell.Privilege)
		} else {
			list[i].Add = append(list[i].Add, c.Cell.Privilege)
		}
	}
	return list
}
