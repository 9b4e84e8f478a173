package accesstest

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// What there is beside Unity Catalog: roles on principals, entitlements in workspaces, and objects of
// workspaces with their lists of permissions.

// Endowment is what one principal has of a workspace by itself. Groups of the workspace alone have
// memberships like any other group.
type Endowment struct {
	Workspace    identity.WorkspaceID
	Holder       identity.PrincipalKey
	Entitlements []identity.Entitlement
}

// Permission is one entry of an object's list.
type Permission struct {
	On identity.Object
	identity.ObjectGrant
}

func readRoles(on identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpRoles, Principal: on}
}

// readLocals lists the groups of a workspace, those of the account that are assigned among them, with
// their entitlements.
func readLocals(in identity.WorkspaceID) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}
}

// readEntitled reads what somebody has in a workspace: a group's is in the list of groups.
func readEntitled(in identity.WorkspaceID, k identity.PrincipalKey) estate.ReadKey {
	if k.Kind == identity.KindGroup {
		return readLocals(in)
	}
	return estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: k}
}

func readLocalParents(m identity.Membership) estate.ReadKey {
	return readEntitled(m.Group.Workspace, m.Member)
}

func readObjects(in identity.WorkspaceID, t identity.ObjectType) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: in, Type: t}}
}

func readPermissions(on identity.Object) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpObjectGrants, Object: on}
}

// computeTypes are the types of object that something can be run on, or by.
var computeTypes = []identity.ObjectType{identity.ObjectWarehouse, identity.ObjectClusterPolicy, identity.ObjectCluster}

// placeReads are the reads of a crawl that leaves nothing out of that.
func (w World) placeReads() []estate.ReadKey {
	keys := []estate.ReadKey{readRoles(identity.PrincipalKey{})}
	for _, p := range w.Principals {
		if p.Key.Workspace == 0 && p.Key.Kind != identity.KindUser && !isListedAccountUsers(p) {
			keys = append(keys, readRoles(p.Key)) // nobody has roles on users
		}
	}
	for _, ws := range w.Workspaces {
		keys = append(keys, readLocals(ws))
		for _, p := range w.Principals {
			if p.Key.Kind != identity.KindGroup {
				keys = append(keys, readEntitled(ws, p.Key))
			}
		}
		for _, t := range slices.Concat(computeTypes, leverTypes) {
			keys = append(keys, readObjects(ws, t))
		}
	}
	for _, o := range w.Objects {
		keys = append(keys, readObjects(o.Workspace, o.Type), readPermissions(o.Object))
	}
	return keys
}

// hasViews reports whether a listing brings views: that something is a view can be told from nothing
// else, so without the listing it would seem to be a table, which no engine could notice.
func (w World) hasViews(k estate.ReadKey) bool {
	return slices.ContainsFunc(w.Securables, func(s identity.SecurableInfo) bool { return s.View() && readListing(s.Securable) == k })
}

// seePlaces is the part of the crawl that is about them.
func (w World) seePlaces(s *sightings, brings func(estate.ReadKey) bool) {
	for _, r := range w.Roles {
		if brings(readRoles(r.On)) {
			s.Roles = append(s.Roles, r)
		}
	}
	for _, e := range w.Entitlements {
		if brings(readEntitled(e.Workspace, e.Holder)) {
			s.Entitlements = append(s.Entitlements, e)
		}
	}
	unseen := map[identity.Object]bool{}
	for _, o := range w.Objects {
		if brings(readObjects(o.Workspace, o.Type)) {
			s.Objects = append(s.Objects, o)
			continue
		}
		if o.Type == identity.ObjectCluster {
			// An estate cannot tell a cluster whose permissions alone were read from one that is
			// nobody's own, so no crawl here reads those permissions.
			unseen[o.Object] = true
			delete(s.Reads, readPermissions(o.Object))
		}
	}
	for _, p := range w.Permissions {
		if brings(readPermissions(p.On)) && !unseen[p.On] {
			s.Permissions = append(s.Permissions, p)
		}
	}
}

// addPlaces hands them to a Builder.
func (s *sightings) addPlaces(b *estate.Builder, add func(func())) {
	for _, m := range s.Memberships {
		if m.Group.Workspace != 0 {
			add(func() { b.AddMembership(m.Member, m.Group) })
		}
	}
	for _, r := range s.Roles {
		add(func() { b.AddRoleGrant(r) })
	}
	// The Builder takes all entitlements of one principal at once, and all permissions on an object.
	var entitled []Endowment
	for _, e := range s.Entitlements {
		at := slices.IndexFunc(entitled, func(other Endowment) bool { return other.Workspace == e.Workspace && other.Holder == e.Holder })
		if at < 0 {
			entitled = append(entitled, e)
		} else {
			entitled[at].Entitlements = slices.Concat(entitled[at].Entitlements, e.Entitlements)
		}
	}
	for _, e := range entitled {
		add(func() { b.AddEntitlements(e.Workspace, e.Holder, e.Entitlements) })
	}
	for _, o := range s.Objects {
		add(func() { b.AddObject(o) })
	}
	for _, o := range s.permitting() {
		var rows []identity.ObjectGrant
		for _, p := range s.Permissions {
			if p.On == o {
				rows = append(rows, p.ObjectGrant)
			}
		}
		add(func() { b.AddObjectGrants(o, rows) })
	}
}

// permitting are the objects whose permissions came home, or some of them.
func (s *sightings) permitting() []identity.Object {
	var on []identity.Object
	add := func(o identity.Object) {
		if !slices.Contains(on, o) {
			on = append(on, o)
		}
	}
	for _, p := range s.Permissions {
		add(p.On)
	}
	for k, outcome := range s.Reads {
		if k.Op == estate.OpObjectGrants && outcome.OK() {
			add(k.Object)
		}
	}
	slices.SortFunc(on, identity.Object.Compare)
	return on
}
