package accesstest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"pgregory.net/rapid"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Random makes a small world, the same for the same numbers of rng.
func Random(rng *rand.Rand) World { return generate(rng.IntN) }

// Generate makes a small world from rapid's choices. Smaller choices make a plainer world.
func Generate(t *rapid.T) World {
	return generate(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
}

// seeded is the i-th world of a fixed series.
func seeded(series, i int) World { return Random(rand.New(rand.NewPCG(uint64(series), uint64(i)))) }

// generator makes choices and gathers what follows from them.
type generator struct {
	below func(n int) int // 0 ≤ x < n
	World

	people []identity.PrincipalKey // users and service principals
	groups []identity.PrincipalKey // account groups
	names  []string                // whom a grant or an owner may name
}

// chance is true once in n times. The smallest choice is "no", so that shrinking takes things away.
func (g *generator) chance(n int) bool { return g.below(n) == n-1 }

func choose[T any](g *generator, from ...T) T { return from[g.below(len(from))] }

func generate(below func(n int) int) World {
	g := &generator{below: below}
	g.make()
	return g.World
}

// make gathers a whole world.
func (g *generator) make() {
	g.addPeople()
	g.addGroups()
	g.addPlaces()
	g.addNames()
	g.addSecurables()
	g.addGrants()
	g.hideReads()
	g.addAdmins()
	g.Order = uint64(g.below(1 << 30))
	g.addMore()
}

// key gives an id that no other principal has, whatever its kind.
func (g *generator) key(kind identity.Kind, n int) identity.PrincipalKey {
	return identity.PrincipalKey{Kind: kind, ID: fmt.Sprint(100*int(kind) + n)}
}

func (g *generator) addPeople() {
	person := func(kind identity.Kind, n int, name string, status identity.Status) identity.PrincipalKey {
		p := identity.Principal{Key: g.key(kind, n), Name: name, DisplayName: strings.ToTitle(name), Status: status}
		if g.chance(6) {
			p.Aliases = []string{"alias-" + name}
		}
		g.Principals = append(g.Principals, p)
		g.people = append(g.people, p.Key)
		return p.Key
	}
	status := func() identity.Status {
		return choose(g, identity.StatusActive, identity.StatusActive, identity.StatusActive, identity.StatusActive,
			identity.StatusActive, identity.StatusActive, identity.StatusInactive, identity.StatusUnknown)
	}
	firstStatus := status()
	first := person(identity.KindUser, 1, "u1@x.test", firstStatus)
	for n := range g.below(3) {
		person(identity.KindUser, n+2, fmt.Sprintf("u%d@x.test", n+2), status())
	}
	for n := range g.below(3) {
		person(identity.KindServicePrincipal, n+1, fmt.Sprintf("0000-sp%d", n+1), status())
	}
	if g.chance(3) {
		// One person is active or not: what it means that only one record is, nobody has written down.
		guest := person(identity.KindUser, 9, "u1_x.test#EXT#@tenant", firstStatus)
		g.SamePerson = append(g.SamePerson, [2]identity.PrincipalKey{first, guest})
	}
}

func (g *generator) addGroups() {
	count := 1 + g.below(7)
	for n := 1; n <= count; n++ {
		k := g.key(identity.KindGroup, n)
		g.groups = append(g.groups, k)
		g.addGroup(k, fmt.Sprintf("g%d", n))
	}
	if count > 1 && g.chance(4) {
		g.Principals[len(g.people)+1].Name = choose(g, "g1", "G1")
	}
	if g.chance(4) {
		g.addGroup(g.key(identity.KindGroup, 99), identity.AccountUsersName)
	}
	edge := func(member, group identity.PrincipalKey) {
		if member != group {
			g.Memberships = append(g.Memberships, identity.Membership{Member: member, Group: group})
		}
	}
	for _, group := range g.groups {
		for _, member := range g.people {
			if g.chance(5) {
				edge(member, group)
			}
		}
		for _, member := range g.groups {
			if g.chance(8) {
				edge(member, group)
			}
		}
	}
	pick := func() identity.PrincipalKey { return choose(g, g.groups...) }
	if g.chance(4) { // a cycle
		a, b := pick(), pick()
		edge(a, b)
		edge(b, a)
	}
	if g.chance(4) { // a diamond
		low, left, right, top := choose(g, g.people...), pick(), pick(), pick()
		edge(low, left)
		edge(low, right)
		edge(left, top)
		edge(right, top)
	}
	if g.chance(4) { // a chain as long as there are groups
		edge(g.people[0], g.groups[0])
		for i := range g.groups[1:] {
			edge(g.groups[i], g.groups[i+1])
		}
	}
}

func (g *generator) addGroup(k identity.PrincipalKey, name string) {
	p := identity.Principal{Key: k, Name: name, DisplayName: name, Origin: identity.OriginDatabricks}
	p.Status = choose(g, identity.StatusActive, identity.StatusUnknown)
	if k.Workspace != 0 {
		p.Origin = identity.OriginWorkspaceLocal
	}
	g.Principals = append(g.Principals, p)
}

func (g *generator) addPlaces() {
	for n := range 1 + g.below(3) {
		g.Workspaces = append(g.Workspaces, identity.WorkspaceID(1001+n))
	}
	if g.chance(4) { // a group of one workspace, called like an account group
		k := identity.PrincipalKey{Kind: identity.KindGroup, Workspace: g.Workspaces[0], ID: "501"}
		g.addGroup(k, "g1")
		for _, p := range g.people {
			if g.chance(2) {
				g.Memberships = append(g.Memberships, identity.Membership{Member: p, Group: k})
			}
		}
	}
	for n := range 1 + g.below(2) {
		m := identity.Metastore{ID: fmt.Sprintf("m%d", n+1), Name: fmt.Sprintf("store%d", n+1)}
		m.PrivilegeModel = choose(g, "1.0", "1.0", "1.0", "1.1")
		if n == 1 || g.chance(8) {
			m.PrivilegeModel = choose(g, "0", "")
		}
		g.Metastores = append(g.Metastores, m)
	}
	for _, ws := range g.Workspaces {
		if !g.chance(6) { // a workspace has one metastore or none
			g.Attachments = append(g.Attachments, Attachment{choose(g, g.Metastores...).ID, ws})
		}
		assign := func(k identity.PrincipalKey) {
			g.Assignments = append(g.Assignments, identity.Assignment{
				Workspace: ws, Principal: k,
				Permission: choose(g, identity.WorkspaceUser, identity.WorkspaceUser, identity.WorkspaceAdmin),
			})
		}
		for _, k := range g.people {
			if g.chance(4) {
				assign(k)
			}
		}
		for _, k := range g.groups {
			if g.chance(4) {
				assign(k)
			}
		}
		if g.chance(4) {
			assign(identity.AccountUsers())
		}
		for _, p := range g.Principals {
			if isListedAccountUsers(p) && g.chance(4) {
				assign(p.Key)
			}
		}
	}
}

// addNames gathers whom grants and owners may name, the likelier the more useful.
func (g *generator) addNames() {
	for _, p := range g.Principals {
		if p.Key.Workspace != 0 {
			continue
		}
		g.names = append(g.names, p.Name, p.Name, p.Name, strings.ToUpper(p.Name))
		g.names = append(g.names, p.Aliases...)
		if p.Key.Kind == identity.KindUser {
			g.names = append(g.names, "`"+p.Name+"`")
		}
	}
	for _, ws := range g.Workspaces {
		g.names = append(g.names,
			"_workspace_users_databricks_acc_workspace_"+ws.String(),
			"_workspace_users_workspace_"+ws.String(),
			"_workspace_admins_databricks_acc_workspace_"+ws.String(),
			"_workspace_admins_"+ws.String())
	}
	g.names = append(g.names, identity.AccountUsersName, "Account Users", "gone", "users")
}

func (g *generator) addSecurables() {
	add := func(s identity.Securable) identity.Securable {
		info := identity.SecurableInfo{Securable: s}
		if !g.chance(12) { // else the listing did not say
			info.Owner = choose(g, g.names...)
		}
		if isolatable(s.Type) {
			info.Isolation = choose(g, identity.IsolationUnknown, identity.IsolationOpen, identity.IsolationOpen,
				identity.Isolated, identity.Isolated)
			for _, ws := range g.Workspaces {
				if info.Isolation != identity.IsolationUnknown && g.chance(2) {
					readOnly := s.Type == identity.TypeCatalog && g.chance(3)
					g.Bindings = append(g.Bindings, Binding{s, identity.Binding{Workspace: ws, ReadOnly: readOnly}})
				}
			}
		}
		if s.Type == identity.TypeTable {
			info.TableType = "MANAGED"
		}
		g.Securables = append(g.Securables, info)
		return s
	}
	for i := range g.Metastores {
		m := g.Metastores[i].ID
		if !g.chance(3) {
			g.Metastores[i].Owner = choose(g, g.names...)
		}
		for c := range 1 + g.below(2) {
			catalog := add(identity.CatalogSecurable(m, fmt.Sprintf("c%d", c+1)))
			for s := range 1 + g.below(2) {
				schema := add(identity.SchemaSecurable(m, catalog.Catalog, fmt.Sprintf("s%d", s+1)))
				in := func(t identity.SecurableType, name string) {
					add(identity.Securable{Metastore: m, Type: t, Catalog: schema.Catalog, Schema: schema.Schema, Name: name})
				}
				in(identity.TypeTable, "t")
				if g.chance(3) {
					in(choose(g, identity.TypeVolume, identity.TypeFunction, identity.TypeModel), "o")
				}
			}
		}
		for _, t := range []identity.SecurableType{
			identity.TypeExternalLocation, identity.TypeStorageCredential, identity.TypeServiceCredential, identity.TypeConnection,
		} {
			if g.chance(3) {
				add(identity.Securable{Metastore: m, Type: t, Name: strings.ToLower(string(t))})
			}
		}
	}
}

// unheard is a privilege that no reference lists.
const unheard identity.Privilege = "FLY_TO_THE_MOON"

// sample are the privileges that are granted and asked about on each type, inapplicable ones among
// them.
var sample = map[identity.SecurableType][]identity.Privilege{
	identity.TypeMetastore: {"CREATE_CATALOG", identity.Select, unheard},
	identity.TypeCatalog: {
		identity.UseCatalog, "CREATE_SCHEMA", identity.Select, identity.UseSchema, identity.Manage, identity.Browse,
		identity.ExternalUseSchema, identity.ReadFiles, unheard,
	},
	identity.TypeSchema: {
		identity.UseSchema, "CREATE_TABLE", "CREATE_FUNCTION", identity.Modify, identity.Manage, identity.ExternalUseSchema,
		identity.UseCatalog, unheard,
	},
	identity.TypeTable:             {identity.Select, identity.Modify, identity.Refresh, identity.Manage, identity.ReadVolume, unheard},
	identity.TypeVolume:            {identity.ReadVolume, identity.WriteVolume, identity.Select, "APPLY_TAG"},
	identity.TypeFunction:          {identity.Execute, identity.Manage, identity.Select},
	identity.TypeModel:             {identity.Execute, "CREATE_MODEL_VERSION", identity.Manage},
	identity.TypeExternalLocation:  {identity.ReadFiles, "WRITE_FILES", identity.ExternalUseLocation, identity.Browse},
	identity.TypeStorageCredential: {"CREATE_EXTERNAL_LOCATION", "WRITE_FILES", identity.ReadFiles},
	identity.TypeServiceCredential: {"ACCESS", "CREATE_CONNECTION"},
	identity.TypeConnection:        {"USE_CONNECTION", "CREATE_FOREIGN_CATALOG"},
}

func (g *generator) addGrants() {
	grant := func(on identity.Securable, holder string, ps ...identity.Privilege) {
		row := identity.Grant{Securable: on, Holder: holder, Privileges: ps}
		if holder == "" {
			row.DeletedID = "77"
		}
		g.Grants = append(g.Grants, row)
	}
	some := func(on identity.Securable) {
		for range g.below(4) {
			holder := choose(g, g.names...)
			if g.chance(12) {
				holder = ""
			}
			privileges := sample[on.Type]
			if on.Type == identity.TypeCatalog || on.Type == identity.TypeSchema {
				privileges = append([]identity.Privilege{
					identity.UseCatalog, identity.UseSchema, identity.Select, identity.Modify, identity.ReadVolume,
					identity.WriteVolume, identity.Execute, "USAGE", "CREATE", "CREATE_VIEW",
				}, privileges...)
			}
			if on.Type != identity.TypeMetastore { // where it does not exist
				privileges = append([]identity.Privilege{identity.AllPrivileges}, privileges...)
			}
			ps := []identity.Privilege{choose(g, privileges...)}
			if g.chance(2) {
				ps = append(ps, choose(g, privileges...))
			}
			grant(on, holder, ps...)
		}
	}
	for _, m := range g.Metastores {
		some(identity.MetastoreSecurable(m.ID))
	}
	for _, s := range g.Securables {
		some(s.Securable)
		// Without the right to use what is around it, nothing else would matter.
		switch {
		case s.Type == identity.TypeCatalog && g.chance(2):
			grant(s.Securable, choose(g, g.names...), identity.UseCatalog)
		case s.Type == identity.TypeCatalog && g.chance(2):
			grant(s.Securable, identity.AccountUsersName, choose[identity.Privilege](g, identity.UseCatalog, "USAGE"))
		case s.Type == identity.TypeSchema && g.chance(2):
			grant(s.Securable, identity.AccountUsersName, choose[identity.Privilege](g, identity.UseSchema, "USAGE"))
		}
	}
}

func (g *generator) hideReads() {
	g.Hidden = map[estate.ReadKey]Gap{}
	hide := func(k estate.ReadKey, gap Gap) {
		if g.Hideable(k) {
			g.Hidden[k] = gap
		}
	}
	gap := g.gap
	// A crawl learns memberships from below, from above, or from both sides.
	switch g.below(3) {
	case 1:
		for _, k := range g.Reads() {
			if k.Op == estate.OpParents {
				hide(k, Gap{})
			}
		}
	case 2:
		hide(readGroups, gap())
		for _, group := range g.groups {
			if !g.chance(3) {
				hide(readMembers(group), Gap{})
			}
			if !g.chance(3) {
				hide(readPrincipal(group), Gap{})
			}
		}
	}
	if every := choose(g, 0, 20, 6); every > 0 {
		for _, k := range g.Reads() {
			if !ofPlaces(k) && g.chance(every) {
				hide(k, gap())
			}
		}
	}
}

// gap is a way to fail.
func (g *generator) gap() Gap {
	gap := Gap{Kind: choose(g, "", identity.Forbidden, identity.Failed, identity.NotAsked)}
	if gap.Kind != "" && g.chance(3) {
		gap.Keep = uint64(g.below(1 << 12))
	}
	return gap
}

// addAdmins makes some account admins and some managers. It comes last, so that the choices before
// it make what they always made.
func (g *generator) addAdmins() {
	for i, p := range g.Principals {
		if p.Key.Workspace == 0 && !isListedAccountUsers(p) && g.chance(12) {
			g.Principals[i].Roles = []string{identity.RoleAccountAdmin}
		}
	}
	for _, s := range g.Securables {
		if g.chance(6) {
			g.Grants = append(g.Grants, identity.Grant{
				Securable: s.Securable, Holder: choose(g, g.names...), Privileges: []identity.Privilege{identity.Manage},
			})
		}
	}
}
