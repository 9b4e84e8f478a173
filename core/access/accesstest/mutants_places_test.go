package accesstest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// spoilt answers some questions otherwise than a right engine.
type spoilt struct {
	honest
	can       func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict
	exercises func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict
	permitted func(l identity.Level, on identity.Object) access.Verdict
	operates  func(l identity.Level, on identity.Object) access.Verdict
	hasRole   func(r identity.Role, on identity.PrincipalKey) access.Verdict
}

func (s spoilt) Can(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	if s.can == nil {
		return s.honest.Can(p, on, ws)
	}
	return s.can(p, on, ws)
}

func (s spoilt) Exercises(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
	if s.exercises == nil {
		return s.honest.Exercises(p, on, ws)
	}
	return s.exercises(p, on, ws)
}

func (s spoilt) Permitted(l identity.Level, on identity.Object) access.Verdict {
	if s.permitted == nil {
		return s.honest.Permitted(l, on)
	}
	return s.permitted(l, on)
}

func (s spoilt) Operates(l identity.Level, on identity.Object) access.Verdict {
	if s.operates == nil {
		return s.honest.Operates(l, on)
	}
	return s.operates(l, on)
}

func (s spoilt) HasRole(r identity.Role, on identity.PrincipalKey) access.Verdict {
	if s.hasRole == nil {
		return s.honest.HasRole(r, on)
	}
	return s.hasRole(r, s.e.Canonical(on))
}

// with is an oracle over other facts. The edit may change what is in the lists that are cloned here.
func (s honest) with(edit func(*sightings)) *Oracle {
	seen := s.seen
	seen.Principals, seen.Securables = slices.Clone(seen.Principals), slices.Clone(seen.Securables)
	seen.Assignments, seen.Memberships = slices.Clone(seen.Assignments), slices.Clone(seen.Memberships)
	seen.Bindings = slices.Clone(seen.Bindings)
	seen.Permissions, seen.Entitlements = slices.Clone(seen.Permissions), slices.Clone(seen.Entitlements)
	seen.Roles, seen.Objects, seen.Reads = slices.Clone(seen.Roles), slices.Clone(seen.Objects), maps.Clone(seen.Reads)
	edit(&seen)
	o := newOracle(seen, s.subject)
	o.cautious = s.cautious
	return o
}

// canOtherwise spoils Can alone, by other facts.
func canOtherwise(edit func(*sightings)) engine {
	return engine{wrap: func(h honest) Subject { return spoilt{honest: h, can: h.with(edit).Can} }}
}

// exercisesOtherwise spoils Exercises alone, by other facts.
func exercisesOtherwise(edit func(*sightings)) engine {
	return engine{wrap: func(h honest) Subject { return spoilt{honest: h, exercises: h.with(edit).Exercises} }}
}

// claimsReads makes reads that some say of a success.
func claimsReads(which func(estate.ReadKey) bool) func(*sightings) {
	return func(s *sightings) {
		for k := range s.Reads {
			if which(k) {
				s.Reads[k] = estate.Outcome{}
			}
		}
		claimed := World{Facts: s.Facts}
		for _, k := range claimed.Reads() {
			if which(k) {
				s.Reads[k] = estate.Outcome{}
			}
		}
	}
}

func ofOp(op estate.Op) func(estate.ReadKey) bool {
	return func(k estate.ReadKey) bool { return k.Op == op }
}

func keepRoles(which func(identity.RoleGrant) bool) func(*sightings) {
	return func(s *sightings) { s.Roles = keep(s.Roles, which) }
}

func keepEntitlements(which func(Endowment) bool) func(*sightings) {
	return func(s *sightings) { s.Entitlements = keep(s.Entitlements, which) }
}

func keepMemberships(which func(identity.Membership) bool) func(*sightings) {
	return func(s *sightings) { s.Memberships = keep(s.Memberships, which) }
}

// alsoRole takes one role for another.
func alsoRole(held, taken identity.Role) func(*sightings) {
	return func(s *sightings) {
		for _, r := range s.Roles {
			if r.Role == held {
				r.Role = taken
				s.Roles = append(s.Roles, r)
			}
		}
	}
}

func eachView(change func(s *sightings, info *identity.SecurableInfo)) func(*sightings) {
	return func(s *sightings) {
		for i := range s.Securables {
			if s.Securables[i].View() && s.Securables[i].BasesKnown {
				change(s, &s.Securables[i])
			}
		}
	}
}

// viewOf is what is known of a view whose owner counts when it is read.
func (s honest) viewOf(p identity.Privilege, on identity.Securable) (info identity.SecurableInfo, owner *Oracle, ok bool) {
	info, _ = s.seen.listed(on)
	if !info.View() || !info.BasesKnown || p != identity.Select {
		return info, nil, false
	}
	owners := s.bearers(info.Owner, anyKind)
	if len(owners) != 1 {
		return info, nil, false
	}
	return info, s.as(owners[0]), true
}

// asGroups is canAsGroup with other conditions on the session.
func (s honest) asGroups(ask func(session *Oracle) answer) access.Verdict {
	return s.asGroup(ask).verdict
}

var placeMutants = map[string]engine{
	// Roles.
	"takes unread roles for none": {edit: claimsReads(ofOp(estate.OpRoles))},
	"takes roles that nobody meant to read for unread": {edit: func(s *sightings) {
		whole := World{Facts: s.Facts}
		for _, k := range whole.Reads() {
			if _, planned := s.Reads[k]; k.Op == estate.OpRoles && !planned {
				s.Reads[k] = estate.Outcome{Kind: identity.Failed}
			}
		}
	}},
	"ignores the roles on the account": {edit: keepRoles(func(r identity.RoleGrant) bool { return !r.On.IsZero() })},
	"takes a role on one for a role on all": {edit: func(s *sightings) {
		for _, r := range s.Roles {
			r.On = identity.PrincipalKey{}
			s.Roles = append(s.Roles, r)
		}
	}},
	"takes who manages a service principal for its user":    {edit: alsoRole(identity.RoleServicePrincipalManager, identity.RoleServicePrincipalUser)},
	"takes the user of a service principal for its manager": {edit: alsoRole(identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager)},
	"takes who manages a group for one who acts as it":      {edit: alsoRole(identity.RoleGroupManager, identity.RoleGroupAssumer)},
	"forgets that members may act as their group": {wrap: func(h honest) Subject {
		return spoilt{honest: h, hasRole: func(r identity.Role, on identity.PrincipalKey) access.Verdict {
			if r == identity.RoleGroupAssumer {
				return h.givenRole(r, on).verdict
			}
			return h.HasRole(r, on)
		}}
	}},
	"forgets that account admins manage groups": {wrap: func(h honest) Subject {
		return spoilt{honest: h, hasRole: func(r identity.Role, on identity.PrincipalKey) access.Verdict {
			if r == identity.RoleGroupManager {
				return h.givenRole(r, on).verdict
			}
			return h.HasRole(r, on)
		}}
	}},
	"lets account admins use service principals": {wrap: func(h honest) Subject {
		return spoilt{honest: h, hasRole: func(r identity.Role, on identity.PrincipalKey) access.Verdict {
			return access.Any(h.HasRole(r, on), h.accountAdmin().verdict)
		}}
	}},
	"sees account admins by themselves only": {edit: func(s *sightings) {
		for i := range s.Principals {
			if s.Principals[i].Key.Kind == identity.KindGroup {
				s.Principals[i].Roles = nil
			}
		}
	}},
	"takes a group without a record for no group of admins": {wrap: func(h honest) Subject {
		return spoilt{honest: h, hasRole: func(r identity.Role, on identity.PrincipalKey) access.Verdict {
			return h.with(func(s *sightings) {
				for i := range s.Principals {
					if s.Principals[i].Name == "" {
						s.Principals[i].Name = "somebody " + s.Principals[i].Key.ID
					}
				}
			}).HasRole(r, on)
		}}
	}},
	"ignores the kind of a holder": {edit: func(s *sightings) {
		for i := range s.Roles {
			s.Roles[i].Holder.Kind = anyKind
		}
		for i := range s.Permissions {
			s.Permissions[i].Holder.Kind = anyKind
		}
	}},

	"takes granting through a read-only binding for allowed": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			if p != identity.Manage {
				return h.Can(p, on, ws)
			}
			return h.with(func(s *sightings) {
				for i := range s.Bindings {
					s.Bindings[i].ReadOnly = false
				}
			}).Can(p, on, ws)
		}}
	}},

	// Acting as a group.
	"never acts as a group": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return h.canItself(p, on, ws).verdict
		}}
	}},
	"acts as a group where the group is not": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return access.Any(h.Can(p, on, ws), h.asGroups(func(s *Oracle) answer {
				return allOf(h.active(), s.granted(p, on, ws), s.attached(on.Metastore, ws), s.bound(on, p, ws), s.defined(p, on, ws))
			}))
		}}
	}},
	"acts as a group though deactivated": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return access.Any(h.Can(p, on, ws), h.asGroups(func(s *Oracle) answer { return s.canItself(p, on, ws) }))
		}}
	}},
	"asks who acts as a group to be there": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return access.Any(h.canItself(p, on, ws).verdict, access.All(h.assigned(ws, identity.WorkspaceUser).verdict, h.Can(p, on, ws)))
		}}
	}},
	"takes acting as a group for being in it": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: h.with(func(s *sightings) {
			for _, g := range h.assumable() {
				if h.givenRole(identity.RoleGroupAssumer, g).verdict == access.Allowed {
					s.Memberships = append(s.Memberships, identity.Membership{Member: h.subject, Group: g})
				}
			}
		}).Can}
	}},
	"acts as groups that it only manages": canOtherwise(alsoRole(identity.RoleGroupManager, identity.RoleGroupAssumer)),

	// Views.
	"ignores the owners of views": {edit: eachView(func(_ *sightings, v *identity.SecurableInfo) { v.BasesKnown = false })},
	"asks for one base only":      {edit: eachView(func(_ *sightings, v *identity.SecurableInfo) { v.Bases = v.Bases[:min(1, len(v.Bases))] })},
	"asks for tables only": {edit: eachView(func(_ *sightings, v *identity.SecurableInfo) {
		v.Bases = keep(v.Bases, func(s identity.Securable) bool { return s.Type == identity.TypeTable })
	})},
	"reads views with the reader's rights": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			info, _, ok := h.viewOf(p, on)
			if !ok {
				return h.Can(p, on, ws)
			}
			conditions := []access.Verdict{h.granted(p, on, ws).verdict, h.reaches(on, p, ws).verdict}
			for _, b := range info.Bases {
				conditions = append(conditions, h.granted(identity.Select, b, ws).verdict)
			}
			return access.All(conditions...)
		}}
	}},
	"asks the owner of a view to be there": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			_, owner, ok := h.viewOf(p, on)
			if !ok {
				return h.Can(p, on, ws)
			}
			return access.All(h.Can(p, on, ws), owner.assigned(ws, identity.WorkspaceUser).verdict)
		}}
	}},
	"asks the owner of a view to be active": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			_, owner, ok := h.viewOf(p, on)
			if !ok {
				return h.Can(p, on, ws)
			}
			return access.All(h.Can(p, on, ws), owner.active().verdict)
		}}
	}},
	"asks the owner of a view for no use of containers": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			info, owner, ok := h.viewOf(p, on)
			if !ok {
				return h.Can(p, on, ws)
			}
			conditions := []access.Verdict{h.granted(p, on, ws).verdict, h.reaches(on, p, ws).verdict}
			for _, b := range info.Bases {
				q := identity.Select
				if b.Type == identity.TypeFunction {
					q = identity.Execute
				}
				conditions = append(conditions, owner.Effective(q, b, ws), owner.bound(b, q, ws).verdict, h.definedWithin(b, ws, on).verdict)
			}
			return access.Any(access.All(conditions...), h.canAsGroup(p, on, ws).verdict)
		}}
	}},
	"ignores the bindings of what views are made from": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			info, _, ok := h.viewOf(p, on)
			if !ok || h.reaches(on, p, ws).verdict != access.Allowed {
				return h.Can(p, on, ws)
			}
			return h.with(func(s *sightings) {
				for i := range s.Securables {
					for _, b := range info.Bases {
						if s.Securables[i].Securable == identity.CatalogSecurable(b.Metastore, b.Catalog) {
							s.Securables[i].Isolation = identity.IsolationOpen
						}
					}
				}
			}).Can(p, on, ws)
		}}
	}},
	"does not look into views of views": {wrap: func(h honest) Subject {
		return spoilt{honest: h, can: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return h.with(eachView(func(_ *sightings, v *identity.SecurableInfo) {
				v.BasesKnown = v.Securable == on
			})).Can(p, on, ws)
		}}
	}},
	"takes an unknown owner of a view for able": {edit: eachView(func(s *sightings, v *identity.SecurableInfo) {
		o := Oracle{seen: *s}
		v.BasesKnown = len(o.bearers(v.Owner, anyKind)) > 0
	})},
	"takes an unknown owner of a view for unable": canOtherwise(eachView(func(s *sightings, v *identity.SecurableInfo) {
		o := Oracle{seen: *s}
		if len(o.bearers(v.Owner, anyKind)) == 0 {
			v.Bases, v.Owner = []identity.Securable{v.Securable}, identity.AccountUsersName
		}
	})),
	"takes materialized views for views": {edit: func(s *sightings) {
		for i := range s.Securables {
			if s.Securables[i].TableType == "MATERIALIZED_VIEW" {
				s.Securables[i].TableType = "VIEW"
			}
		}
	}},

	// Objects.
	"compares levels by name": {wrap: func(h honest) Subject {
		return spoilt{honest: h, permitted: func(l identity.Level, on identity.Object) access.Verdict {
			return h.with(func(s *sightings) {
				s.Permissions = keep(s.Permissions, func(p Permission) bool { return p.Level == l })
			}).Permitted(l, on)
		}}
	}},
	"takes any level for enough": {wrap: func(h honest) Subject {
		return spoilt{honest: h, permitted: func(l identity.Level, on identity.Object) access.Verdict {
			return h.with(func(s *sightings) {
				for i := range s.Permissions {
					s.Permissions[i].Level = l
				}
			}).Permitted(l, on)
		}}
	}},
	"forgets that admins manage objects": {wrap: func(h honest) Subject {
		return spoilt{honest: h, permitted: func(l identity.Level, on identity.Object) access.Verdict {
			return h.with(func(s *sightings) {
				for i := range s.Assignments {
					s.Assignments[i].Permission = identity.WorkspaceUser
				}
			}).Permitted(l, on)
		}}
	}},
	"lets admins own": {wrap: func(h honest) Subject {
		return spoilt{honest: h, permitted: func(l identity.Level, on identity.Object) access.Verdict {
			return access.Any(h.Permitted(l, on), h.assigned(on.Workspace, identity.WorkspaceAdmin).verdict)
		}}
	}},
	"asks admins for a list that was read": {wrap: func(h honest) Subject {
		return spoilt{honest: h, permitted: func(l identity.Level, on identity.Object) access.Verdict {
			if !h.seen.saw(readPermissions(on)) && !slices.ContainsFunc(h.seen.Permissions, func(p Permission) bool { return p.On == on }) {
				return access.Unknown
			}
			return h.Permitted(l, on)
		}}
	}},
	"takes unread permissions for none": {edit: claimsReads(ofOp(estate.OpObjectGrants))},
	"ignores inherited permissions": {edit: func(s *sightings) {
		s.Permissions = keep(s.Permissions, func(p Permission) bool { return p.From == "" })
	}},
	"takes users of a workspace for those of the account": {edit: func(s *sightings) {
		for i := range s.Permissions {
			if s.Permissions[i].Holder.Name == identity.WorkspaceUsersName {
				s.Permissions[i].Holder.Name = identity.AccountUsersName
			}
		}
	}},
	"takes permissions in one workspace for those in all": {edit: func(s *sightings) {
		for _, p := range s.Permissions {
			for _, ws := range s.Workspaces {
				p.On.Workspace = ws
				s.Permissions = append(s.Permissions, p)
			}
		}
	}},
	"operates though deactivated": {wrap: func(h honest) Subject {
		return spoilt{honest: h, operates: func(l identity.Level, on identity.Object) access.Verdict {
			return access.All(h.Permitted(l, on), h.assigned(on.Workspace, identity.WorkspaceUser).verdict)
		}}
	}},
	"operates from outside": {wrap: func(h honest) Subject {
		return spoilt{honest: h, operates: func(l identity.Level, on identity.Object) access.Verdict {
			return access.All(h.Permitted(l, on), h.active().verdict)
		}}
	}},

	// Groups of one workspace.
	"knows no groups of one workspace": {edit: func(s *sightings) {
		s.Principals = keep(s.Principals, func(p identity.Principal) bool { return p.Key.Workspace == 0 })
	}},
	"takes unlisted groups of a workspace for none": {edit: claimsReads(func(k estate.ReadKey) bool { return k == readLocals(k.Workspace) })},
	"takes unread memberships in a workspace for none": {edit: claimsReads(func(k estate.ReadKey) bool {
		return k.Op == estate.OpEntitlements && k != readLocals(k.Workspace)
	})},
	"ignores groups of a workspace in others": {edit: keepMemberships(func(m identity.Membership) bool { return m.Member.Workspace == 0 })},
	"ignores account groups in groups of a workspace": {edit: keepMemberships(func(m identity.Membership) bool {
		return m.Group.Workspace == 0 || m.Member.Kind != identity.KindGroup || m.Member.Workspace != 0
	})},

	// Entitlements and compute.
	"sees entitlements of one's own only": {edit: keepEntitlements(func(e Endowment) bool { return e.Holder.Kind != identity.KindGroup })},
	"forgets what users are entitled to": {edit: keepEntitlements(func(e Endowment) bool {
		return e.Holder != identity.WorkspaceUsers(e.Workspace)
	})},
	"takes users for admins": {edit: func(s *sightings) {
		for i, e := range s.Entitlements {
			if e.Holder == identity.WorkspaceAdmins(e.Workspace) {
				s.Entitlements[i].Holder = identity.WorkspaceUsers(e.Workspace)
			}
		}
	}},
	"takes unread entitlements for none": {edit: claimsReads(ofOp(estate.OpEntitlements))},
	"takes entitlements in one workspace for those in all": {edit: func(s *sightings) {
		for _, e := range s.Entitlements {
			for _, ws := range s.Workspaces {
				e.Workspace = ws
				s.Entitlements = append(s.Entitlements, e)
			}
		}
	}},
	"exercises what it can": {wrap: func(h honest) Subject { return spoilt{honest: h, exercises: h.Can} }},
	"exercises what is granted": {wrap: func(h honest) Subject {
		return spoilt{honest: h, exercises: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return access.All(h.granted(p, on, ws).verdict, h.computes(ws).verdict)
		}}
	}},
	"believes in serverless compute": {wrap: func(h honest) Subject {
		return spoilt{honest: h, exercises: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			return access.Any(h.Exercises(p, on, ws), access.All(h.Can(p, on, ws), h.Entitled(identity.WorkspaceAccess, ws)))
		}}
	}},
	"knows no serverless compute": {wrap: func(h honest) Subject {
		return spoilt{honest: h, exercises: func(p identity.Privilege, on identity.Securable, ws identity.WorkspaceID) access.Verdict {
			if v := h.Exercises(p, on, ws); v != access.Unknown || h.Can(p, on, ws) == access.Unknown {
				return v
			}
			return access.Denied
		}}
	}},
	"lets consumers make compute": exercisesOtherwise(func(s *sightings) {
		for i, e := range s.Entitlements {
			if slices.Contains(e.Entitlements, identity.ConsumerAccess) {
				s.Entitlements[i].Entitlements = append(slices.Clone(e.Entitlements), identity.SQLAccess)
			}
		}
	}),
	"forgets consumers": exercisesOtherwise(func(s *sightings) {
		for i := range s.Entitlements {
			s.Entitlements[i].Entitlements = keep(s.Entitlements[i].Entitlements, func(x identity.Entitlement) bool { return x != identity.ConsumerAccess })
		}
	}),
	"uses warehouses that it may only see": exercisesOtherwise(func(s *sightings) {
		for i, p := range s.Permissions {
			if p.On.Type == identity.ObjectWarehouse && p.Level == identity.CanView {
				s.Permissions[i].Level = identity.CanUse
			}
		}
	}),
	"attaches to clusters of others": exercisesOtherwise(func(s *sightings) {
		for i := range s.Objects {
			s.Objects[i].SingleUser = ""
		}
	}),
	"attaches to no dedicated cluster": exercisesOtherwise(func(s *sightings) {
		theirs := map[identity.Object]bool{}
		for _, o := range s.Objects {
			theirs[o.Object] = o.SingleUser != ""
		}
		s.Objects = keep(s.Objects, func(o identity.ObjectInfo) bool { return !theirs[o.Object] })
		s.Permissions = keep(s.Permissions, func(p Permission) bool { return !theirs[p.On] })
		for k := range s.Reads {
			if theirs[k.Object] {
				delete(s.Reads, k)
			}
		}
	}),
	"knows no policies": exercisesOtherwise(func(s *sightings) {
		policies := func(o identity.Object) bool { return o.Type == identity.ObjectClusterPolicy }
		s.Objects = keep(s.Objects, func(o identity.ObjectInfo) bool { return !policies(o.Object) })
		s.Permissions = keep(s.Permissions, func(p Permission) bool { return !policies(p.On) })
		for k := range s.Reads {
			if k.Op == estate.OpObjectGrants && policies(k.Object) {
				delete(s.Reads, k)
			}
		}
	}),
	"takes unlisted objects for none": {edit: claimsReads(ofOp(estate.OpObjects))},
}

// caught is where a mistake shows: in one of many worlds, in a written case, or in a small world.
func (mistaken engine) caught() (where string, m Mismatch) {
	for i := range 1500 {
		if m, wrong := compareSome(7, i, mistaken.subject); wrong {
			return fmt.Sprintf("world %d of many", i), m
		}
	}
	for _, c := range Cases() {
		if m, wrong := Compare(c.World, mistaken.subject); wrong {
			return "the case " + c.Name, m
		}
	}
	for _, a := range alphabets() {
		var found Mismatch
		exhaust(func(below func(n int) int) {
			if found.Want == "" {
				w, qs := a.world(below)
				if m, wrong := compareAll(w, qs, mistaken.subject); wrong {
					found = m
				}
			}
		})
		if found.Want != "" {
			return "a small world", found
		}
	}
	return "", Mismatch{}
}

// TestSuiteCatchesPlaceMutants shows that no mistake about roles, objects, entitlements and views lives.
func TestSuiteCatchesPlaceMutants(t *testing.T) {
	skipRaced(t)
	for name, mutant := range placeMutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, m := mutant.caught()
			if where == "" {
				t.Fatal("lives")
			}
			t.Logf("caught in %s at %v", where, m.Question)
		})
	}
	t.Logf("%d mutants", len(placeMutants))
}
