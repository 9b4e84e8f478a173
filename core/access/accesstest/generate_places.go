package accesstest

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// addMore adds what is beside Unity Catalog, and views. It comes after everything else, so that the
// choices before it make what they always made.
func (g *generator) addMore() {
	g.settleLocals()
	g.addViews()
	g.addOrigins()
	g.addRoles()
	g.addWay()
	g.addEntitlements()
	g.addObjects()
	g.hideMore()
	g.addLevers()
}

// settleLocals keeps groups of one workspace to what a workspace allows: whoever is in one is assigned
// there, and none is called like a group that is assigned there. Sometimes there is another group of
// the workspace around it, and a group of the account in it.
func (g *generator) settleLocals() {
	for i, p := range g.Principals {
		ws := p.Key.Workspace
		if ws == 0 {
			continue
		}
		for _, q := range g.Principals {
			if identity.SameName(p.Name, q.Name) && g.directlyAssigned(q.Key, ws) {
				g.Principals[i].Name = "l1"
			}
		}
		for _, k := range g.groups {
			if g.isThere(k, ws) && g.chance(4) {
				g.Memberships = append(g.Memberships, identity.Membership{Member: k, Group: p.Key})
			}
		}
		if g.chance(2) {
			outer := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: ws, ID: "502"}
			g.addGroup(outer, "l2")
			g.Memberships = append(g.Memberships, identity.Membership{Member: p.Key, Group: outer})
		}
	}
	g.Memberships = keep(g.Memberships, func(m identity.Membership) bool {
		return m.Group.Workspace == 0 || m.Member.Workspace != 0 || g.isThere(m.Member, m.Group.Workspace)
	})
}

// directlyAssigned reports whether the principal itself is assigned to the workspace.
func (w World) directlyAssigned(k identity.PrincipalKey, ws identity.WorkspaceID) bool {
	return slices.ContainsFunc(w.Assignments, func(a identity.Assignment) bool { return a.Workspace == ws && a.Principal == k })
}

// isThere reports whether somebody is assigned to the workspace, by itself or through a group.
func (g *generator) isThere(k identity.PrincipalKey, ws identity.WorkspaceID) bool {
	return slices.ContainsFunc(climb(g.Memberships, k), func(k identity.PrincipalKey) bool { return g.directlyAssigned(k, ws) })
}

// addViews makes views from tables, functions and each other. Whoever owns one is somebody: who else
// could, what owns views is not documented for.
func (g *generator) addViews() {
	var owners []string
	for _, p := range g.Principals {
		if p.Key.Workspace == 0 && !isListedAccountUsers(p) {
			owners = append(owners, p.Name, p.Name, strings.ToUpper(p.Name))
			owners = append(owners, p.Aliases...)
		}
	}
	owners = append(owners, "gone", "")
	for _, m := range g.Metastores {
		var schemas, bases []identity.Securable
		for _, s := range g.Securables {
			switch {
			case s.Metastore != m.ID:
			case s.Type == identity.TypeSchema:
				schemas = append(schemas, s.Securable)
			case s.Type == identity.TypeTable || s.Type == identity.TypeFunction:
				bases = append(bases, s.Securable)
			}
		}
		// Where a listing brings views it is not hidden, see hasViews.
		schemas = keep(schemas, func(s identity.Securable) bool {
			_, hidden := g.Hidden[readListing(inSchema(s, identity.TypeTable, ""))]
			return !hidden
		})
		for n := range g.below(3) {
			if len(schemas) == 0 {
				break
			}
			s := choose(g, schemas...)
			view := identity.SecurableInfo{
				Securable: inSchema(s, identity.TypeTable, fmt.Sprintf("w%d", n+1)),
				Owner:     choose(g, owners...),
				TableType: choose(g, "VIEW", "VIEW", "VIEW", "METRIC_VIEW", "MATERIALIZED_VIEW"),
				Bases:     []identity.Securable{choose(g, bases...)}, BasesKnown: !g.chance(6),
			}
			if more := choose(g, bases...); more != view.Bases[0] && g.chance(3) {
				view.Bases = append(view.Bases, more)
			}
			g.Securables = append(g.Securables, view)
			bases = append(bases, view.Securable)
			g.giveRead(view.Securable)
			for _, b := range view.Bases {
				if g.chance(2) { // else hardly anybody can read it
					g.giveUse(b, view.Owner)
				}
			}
		}
	}
}

// giveRead grants a view to somebody.
func (g *generator) giveRead(on identity.Securable) {
	for range 1 + g.below(2) {
		g.Grants = append(g.Grants, identity.Grant{
			Securable: on, Holder: choose(g, append(slices.Clone(g.names), identity.AccountUsersName)...), Privileges: []identity.Privilege{identity.Select},
		})
	}
}

// giveUse grants what it takes to read something.
func (g *generator) giveUse(on identity.Securable, holder string) {
	p := identity.Select
	if on.Type == identity.TypeFunction {
		p = identity.Execute
	}
	for _, row := range []identity.Grant{
		{Securable: identity.CatalogSecurable(on.Metastore, on.Catalog), Privileges: []identity.Privilege{identity.UseCatalog}},
		{Securable: identity.SchemaSecurable(on.Metastore, on.Catalog, on.Schema), Privileges: []identity.Privilege{identity.UseSchema}},
		{Securable: on, Privileges: []identity.Privilege{p}},
	} {
		if holder != "" && !g.chance(8) {
			row.Holder = holder
			g.Grants = append(g.Grants, row)
		}
	}
}

func (g *generator) addOrigins() {
	for i, p := range g.Principals {
		if isAccountGroup(p.Key) && !isListedAccountUsers(p) && g.chance(4) {
			g.Principals[i].Origin = identity.OriginIDP
		}
	}
}

// somebody is whom a rule set or an object's list may name, mostly with the right kind.
func (g *generator) somebody(in identity.WorkspaceID) identity.PrincipalName {
	var names []identity.PrincipalName
	for _, p := range g.Principals {
		if p.Key.Workspace == 0 || p.Key.Workspace == in {
			names = append(names, identity.PrincipalName{Kind: p.Key.Kind, Name: p.Name})
		}
		for _, alias := range p.Aliases {
			names = append(names, identity.PrincipalName{Kind: p.Key.Kind, Name: alias})
		}
		if p.Key.Kind == identity.KindUser {
			names = append(names, identity.PrincipalName{Kind: identity.KindUser, Name: strings.ToUpper(p.Name)})
		}
	}
	names = append(names, group("gone"), user("gone"), user("g1"), group(identity.AccountUsersName))
	if in != 0 {
		for range 3 {
			names = append(names, group(identity.WorkspaceUsersName), group(identity.WorkspaceAdminsName))
		}
	}
	return choose(g, names...)
}

func (g *generator) addRoles() {
	give := func(on identity.PrincipalKey, roles ...identity.Role) {
		g.Roles = append(g.Roles, identity.RoleGrant{On: on, Role: choose(g, roles...), Holder: g.somebody(0)})
	}
	for _, k := range g.groups {
		if g.chance(4) {
			give(k, identity.RoleGroupManager, identity.RoleGroupAssumer)
		}
	}
	for _, k := range g.people {
		for range 2 {
			if k.Kind == identity.KindServicePrincipal && g.chance(3) {
				give(k, identity.RoleServicePrincipalUser, identity.RoleServicePrincipalManager)
			}
		}
	}
	if g.chance(3) {
		// Nobody may act as every group: with groups unlisted, it could be as any.
		give(identity.PrincipalKey{}, identity.RoleGroupManager, identity.RoleServicePrincipalUser,
			identity.RoleServicePrincipalManager, identity.RoleBillingAdmin)
	}
}

// addWay gives somebody a role on a group or service principal that may read something, mostly so that
// it comes to something.
func (g *generator) addWay() {
	ws := choose(g, g.Workspaces...)
	tables := g.openTables(ws)
	var ons []identity.PrincipalKey
	for _, p := range g.Principals {
		if p.Key.Workspace == 0 && p.Key.Kind != identity.KindUser && !isListedAccountUsers(p) && p.Status != identity.StatusInactive {
			ons = append(ons, p.Key)
			if p.Key.Kind == identity.KindServicePrincipal { // they are few
				ons = append(ons, p.Key, p.Key, p.Key)
			}
		}
	}
	if len(tables) == 0 || g.chance(4) {
		return
	}
	on := choose(g, ons...)
	who := choose(g, append(keep(g.people, func(k identity.PrincipalKey) bool { return k != on }), g.people[0])...)
	if !g.chance(4) {
		g.activate(who)
	}
	g.Roles = append(g.Roles, identity.RoleGrant{
		On: on, Role: choose(g, rolesOn(on)...), Holder: identity.PrincipalName{Kind: who.Kind, Name: g.nameOf(who)},
	})
	g.giveUse(choose(g, tables...).Securable, g.nameOf(on))
	for _, k := range []identity.PrincipalKey{on, who} {
		if !g.chance(8) {
			g.letIn(k, ws)
		}
	}
}

// openTables are those that can be got at from the workspace.
func (g *generator) openTables(ws identity.WorkspaceID) []identity.SecurableInfo {
	return keep(g.Securables, func(s identity.SecurableInfo) bool {
		catalog, _ := g.listed(identity.CatalogSecurable(s.Metastore, s.Catalog))
		return s.Type == identity.TypeTable && catalog.Isolation == identity.IsolationOpen &&
			slices.Contains(g.Attachments, Attachment{s.Metastore, ws})
	})
}

// activate makes somebody active: one person is active or not.
func (g *generator) activate(who identity.PrincipalKey) {
	g.setStatus(who, identity.StatusActive)
	for _, pair := range g.SamePerson {
		if slices.Contains(pair[:], who) {
			g.setStatus(pair[0], identity.StatusActive)
			g.setStatus(pair[1], identity.StatusActive)
		}
	}
}

// letIn assigns somebody to the workspace, unless it is so already or its name is taken there.
func (g *generator) letIn(k identity.PrincipalKey, ws identity.WorkspaceID) {
	if !g.directlyAssigned(k, ws) && !g.namesakeThere(k, ws) {
		g.Assignments = append(g.Assignments, identity.Assignment{Workspace: ws, Principal: k, Permission: identity.WorkspaceUser})
	}
}

// namesakeThere reports whether a group of the workspace alone is called like the principal.
func (g *generator) namesakeThere(k identity.PrincipalKey, ws identity.WorkspaceID) bool {
	return slices.ContainsFunc(g.Principals, func(p identity.Principal) bool {
		return p.Key.Workspace == ws && identity.SameName(p.Name, g.nameOf(k))
	})
}

func (g *generator) addEntitlements() {
	for _, ws := range g.Workspaces {
		give := func(k identity.PrincipalKey, es ...identity.Entitlement) {
			g.Entitlements = append(g.Entitlements, Endowment{ws, k, es})
		}
		some := func() []identity.Entitlement {
			one, other := choose(g, entitlements...), choose(g, entitlements...)
			if one == other {
				return []identity.Entitlement{one}
			}
			return []identity.Entitlement{one, other}
		}
		if !g.chance(3) {
			give(identity.WorkspaceUsers(ws), some()...)
		}
		if g.chance(2) {
			give(identity.WorkspaceAdmins(ws), identity.WorkspaceAccess, identity.SQLAccess, identity.AllowClusterCreate, identity.AllowPoolCreate)
		}
		for _, p := range g.Principals {
			if (p.Key.Workspace == 0 || p.Key.Workspace == ws) && g.chance(6) {
				give(p.Key, some()...)
			}
		}
	}
}

func (g *generator) addObjects() {
	for _, ws := range g.Workspaces {
		for n := range g.below(4) {
			o := identity.ObjectInfo{Object: identity.Object{Workspace: ws, ID: fmt.Sprint(n + 1), Type: choose(g,
				identity.ObjectWarehouse, identity.ObjectWarehouse, identity.ObjectCluster, identity.ObjectCluster,
				identity.ObjectClusterPolicy, identity.ObjectClusterPolicy, identity.ObjectJob, identity.ObjectNotebook,
				identity.ObjectPipeline, identity.ObjectDashboard, identity.ObjectSecretScope, identity.ObjectTokens, aliens)}}
			if o.Type == identity.ObjectCluster && g.chance(2) {
				o.SingleUser = choose(g, g.names...)
				if strings.HasPrefix(o.SingleUser, "_workspace_") {
					o.SingleUser = "gone"
				}
			}
			g.Objects = append(g.Objects, o)
			for range g.below(4) {
				row := identity.ObjectGrant{Holder: g.somebody(ws), Level: choose(g, levelsOf(o.Type)...)}
				if g.chance(4) {
					row.From = "/directories/42"
				}
				g.Permissions = append(g.Permissions, Permission{o.Object, row})
			}
		}
	}
}

// ofPlaces reports whether a read is of what addMore adds.
func ofPlaces(k estate.ReadKey) bool {
	switch k.Op {
	case estate.OpRoles, estate.OpEntitlements, estate.OpObjects, estate.OpObjectGrants:
		return true
	default:
		return false
	}
}

// listsNothing reports whether a read lists levers where there are none: these are left to hideLevers.
func (g *generator) listsNothing(k estate.ReadKey) bool {
	return k.Op == estate.OpObjects && isLever(k.Object.Type) && !slices.Contains(computeTypes, k.Object.Type) &&
		!slices.ContainsFunc(g.Objects, func(o identity.ObjectInfo) bool {
			return o.Workspace == k.Object.Workspace && o.Type == k.Object.Type
		})
}

func (g *generator) hideMore() {
	every := choose(g, 0, 0, 20, 6)
	if every == 0 {
		return
	}
	for _, k := range g.Reads() {
		if !ofPlaces(k) || g.listsNothing(k) || !g.chance(every) {
			continue
		}
		gap := g.gap()
		g.Hidden[k] = gap
		if gap.Kind == "" {
			// Roles that nobody meant to read are none: it is up to the crawl to mean to.
			g.Roles = keep(g.Roles, func(r identity.RoleGrant) bool { return readRoles(r.On) != k })
		}
	}
}
