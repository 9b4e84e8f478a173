package sandbox

import (
	"fmt"
	"math/rand/v2"
)

// GenOptions size a generated account. A zero number is replaced by a small
// default; use a negative one for none. Of Extras there is none by default.
type GenOptions struct {
	// Seed decides everything that is random; equal options give equal accounts.
	Seed uint64

	Users             int // 20
	ServicePrincipals int // 5, the auditor not counted
	Groups            int // 12, the system and auditor groups not counted
	// Depth is how many levels groups nest.
	Depth int // 4
	// GroupsPerPrincipal is how many groups each user and service principal is a direct member of.
	GroupsPerPrincipal int // 3

	Workspaces           int // 2
	AssignmentsPerWS     int // 4 groups
	Metastores           int // 1; workspaces take turns
	Catalogs             int // 3 per metastore
	SchemasPerCatalog    int // 3
	TablesPerSchema      int // 4
	VolumesPerSchema     int // 1
	FunctionsPerSchema   int // 1
	IsolatedCatalogs     int // 1 per metastore
	ObjectsPerWorkspace  int // 5
	GrantsPerCatalog     int // 3
	GrantsPerSchema      int // 2
	GrantsPerTable       int // 1
	ExternalLocations    int // 1 per metastore
	RuleSetsPerThousand  int // 20 of 1000 groups have a rule set
	ExternalGroupPercent int // 50 percent of the groups come from an identity provider

	// Extras are rule sets, entitlements and objects beyond these.
	Extras GenExtras
}

func (o GenOptions) withDefaults() GenOptions {
	for _, d := range []struct {
		n        *int
		standard int
	}{
		{&o.Users, 20}, {&o.ServicePrincipals, 5}, {&o.Groups, 12}, {&o.Depth, 4}, {&o.GroupsPerPrincipal, 3}, {&o.Workspaces, 2},
		{&o.AssignmentsPerWS, 4}, {&o.Metastores, 1}, {&o.Catalogs, 3}, {&o.SchemasPerCatalog, 3}, {&o.TablesPerSchema, 4},
		{&o.VolumesPerSchema, 1}, {&o.FunctionsPerSchema, 1}, {&o.IsolatedCatalogs, 1}, {&o.ObjectsPerWorkspace, 5},
		{&o.GrantsPerCatalog, 3}, {&o.GrantsPerSchema, 2}, {&o.GrantsPerTable, 1}, {&o.ExternalLocations, 1},
		{&o.RuleSetsPerThousand, 20}, {&o.ExternalGroupPercent, 50},
	} {
		if *d.n == 0 {
			*d.n = d.standard
		}
		*d.n = max(*d.n, 0)
	}
	return o
}

// Names and ids of every generated account.
const (
	// GeneratedStar is the user name of the first user, who is in a group of every
	// level and is assigned to the first workspace.
	GeneratedStar = "user00000@gen.test"
	// GeneratedDomain is the domain of generated accounts.
	GeneratedDomain = "gen.test"

	generatedAuditorApp   = "a0d17000-0000-4000-8000-0000000000ff"
	generatedLimitedApp   = "a0d17000-0000-4000-8000-0000000000fe"
	generatedMetastoreAdm = "metastore-admins"
)

const (
	firstUserID  = 100_000
	firstSPID    = 300_000
	firstGroupID = 500_000
	auditorID    = "900001"
	limitedID    = "900002"
	adminGroupID = "900003"
	everyoneID   = "900004"
)

type generator struct {
	GenOptions
	rnd  *rand.Rand
	acct *Account
	// levels holds the groups of each level, outermost first.
	levels [][]*Group
}

// Generate makes an account of the asked size from a seed: deterministic, valid,
// with an auditor that may read everything. Groups form a lattice of Depth
// levels, each a member of one or two groups of the level above; the first user
// is a member of a group of every level.
func Generate(opts GenOptions) *Account {
	g := &generator{GenOptions: opts.withDefaults()}
	g.rnd = rand.New(rand.NewPCG(opts.Seed, 0x5a4d_b0c5))
	g.acct = &Account{
		ID:             fmt.Sprintf("9e4e0000-0000-4000-8000-%012x", opts.Seed&0xffff_ffff_ffff),
		Name:           "Generated",
		Cloud:          "aws",
		Domain:         GeneratedDomain,
		Auditor:        Credentials{generatedAuditorApp, "generated-auditor-secret"},
		LimitedAuditor: Credentials{generatedLimitedApp, "generated-limited-secret"},
	}
	g.identities()
	g.metastores()
	g.workspaces()
	g.ruleSets()
	g.extras()
	return g.acct
}

func (g *generator) pick(n int) int { return g.rnd.IntN(n) }

func (g *generator) percent(n int) bool { return g.rnd.IntN(100) < n }

func (g *generator) identities() {
	a := g.acct
	for i := range g.Users {
		u := &User{ID: fmt.Sprint(firstUserID + i), UserName: fmt.Sprintf("user%05d@gen.test", i), DisplayName: fmt.Sprintf("User %05d", i)}
		if g.percent(80) {
			u.ExternalID = "idp-user-" + u.ID
		}
		u.Inactive = i > 0 && g.percent(2)
		a.Users = append(a.Users, u)
	}
	for i := range g.ServicePrincipals {
		a.ServicePrincipals = append(a.ServicePrincipals, &ServicePrincipal{
			ID: fmt.Sprint(firstSPID + i), ApplicationID: fmt.Sprintf("5e4c0000-0000-4000-8000-%012d", i), DisplayName: fmt.Sprintf("sp-%05d", i),
		})
	}
	a.ServicePrincipals = append(a.ServicePrincipals,
		&ServicePrincipal{ID: auditorID, ApplicationID: generatedAuditorApp, DisplayName: "access-auditor", Roles: []string{RoleAccountAdmin}, Secrets: []*Secret{{ID: "1", Value: a.Auditor.ClientSecret}}},
		&ServicePrincipal{ID: limitedID, ApplicationID: generatedLimitedApp, DisplayName: "access-auditor-limited", Secrets: []*Secret{{ID: "2", Value: a.LimitedAuditor.ClientSecret}}},
	)
	g.groups()
	a.Groups = append(a.Groups,
		&Group{ID: adminGroupID, DisplayName: generatedMetastoreAdm, Members: []string{auditorID}},
		&Group{ID: everyoneID, DisplayName: GroupAccountUsers, System: true},
	)
}

// groups spreads the groups over the levels, nests each in the level above, and
// then puts principals into random groups.
func (g *generator) groups() {
	depth := max(g.Depth, 1)
	g.levels = make([][]*Group, depth)
	for i := range g.Groups {
		gr := &Group{ID: fmt.Sprint(firstGroupID + i), DisplayName: fmt.Sprintf("group-%05d", i)}
		if g.percent(g.ExternalGroupPercent) {
			gr.ExternalID = "idp-group-" + gr.ID
		}
		level := i % depth
		g.levels[level] = append(g.levels[level], gr)
		g.acct.Groups = append(g.acct.Groups, gr)
	}
	for l := 1; l < depth; l++ {
		for _, child := range g.levels[l] {
			g.join(child.ID, g.levels[l-1])
			if g.percent(25) {
				g.join(child.ID, g.levels[l-1])
			}
		}
	}
	if g.Groups == 0 {
		return
	}
	for i, u := range g.acct.Users {
		if i == 0 {
			for _, level := range g.levels {
				g.join(u.ID, level)
			}
			continue
		}
		g.joinSome(u.ID)
	}
	for _, sp := range g.acct.ServicePrincipals {
		if sp.ID != auditorID && sp.ID != limitedID {
			g.joinSome(sp.ID)
		}
	}
}

func (g *generator) joinSome(id string) {
	for range g.GroupsPerPrincipal {
		g.join(id, g.acct.Groups)
	}
}

// join adds the id to a random group of the list, unless it is there already.
func (g *generator) join(id string, list []*Group) {
	if len(list) == 0 {
		return
	}
	gr := list[g.pick(len(list))]
	for _, m := range gr.Members {
		if m == id {
			return
		}
	}
	gr.Members = append(gr.Members, id)
}

// grantee is a group mostly, sometimes a user, seldom a service principal.
func (g *generator) grantee() string {
	switch n := g.pick(10); {
	case n == 0 && g.ServicePrincipals > 0:
		return g.acct.ServicePrincipals[g.pick(g.ServicePrincipals)].ApplicationID
	case n < 4 && g.Users > 0 || g.Groups == 0:
		if g.Users == 0 {
			return GroupAccountUsers
		}
		return g.acct.Users[g.pick(g.Users)].UserName
	}
	return g.acct.Groups[g.pick(g.Groups)].DisplayName
}

var (
	generatedCatalogPrivileges = []string{"USE_CATALOG", "USE_CATALOG USE_SCHEMA", "USE_CATALOG USE_SCHEMA SELECT", "ALL_PRIVILEGES", "MANAGE", "BROWSE"}
	generatedSchemaPrivileges  = []string{"USE_SCHEMA", "USE_SCHEMA SELECT", "USE_SCHEMA SELECT MODIFY", "ALL_PRIVILEGES"}
	generatedTablePrivileges   = []string{"SELECT", "SELECT MODIFY", "MANAGE"}
)

func (g *generator) grants(n int, choices []string) []Grant {
	var out []Grant
	for range n {
		gr := grant(g.grantee(), choices[g.pick(len(choices))])
		dup := false
		for i := range out {
			dup = dup || out[i].Principal == gr.Principal
		}
		if !dup {
			out = append(out, gr)
		}
	}
	return out
}

func (g *generator) securable(name string, grants int, choices []string) Securable {
	return Securable{Name: name, Owner: g.grantee(), Grants: g.grants(grants, choices)}
}

func (g *generator) metastores() {
	for i := range g.Metastores {
		m := &Metastore{ID: fmt.Sprintf("3e7a0000-0000-4000-8000-%012d", i+1), Name: fmt.Sprintf("metastore-%02d", i), Region: fmt.Sprintf("us-east-%d", i+1), Owner: generatedMetastoreAdm}
		m.Grants = g.grants(1, []string{"CREATE_CATALOG"})
		for j := range g.Catalogs {
			m.Catalogs = append(m.Catalogs, g.catalog(j))
		}
		for j := range g.ExternalLocations {
			m.ExternalLocations = append(m.ExternalLocations, &ExternalLocation{Securable: g.securable(fmt.Sprintf("location_%03d", j), 1, []string{"READ_FILES"}), URL: fmt.Sprintf("s3://gen-%03d/", j)})
		}
		g.acct.Metastores = append(g.acct.Metastores, m)
	}
}

func (g *generator) catalog(n int) *Catalog {
	c := &Catalog{Securable: g.securable(fmt.Sprintf("catalog_%03d", n), g.GrantsPerCatalog, generatedCatalogPrivileges)}
	if n < g.IsolatedCatalogs {
		c.Mode = Isolated
	}
	c.Schemas = make([]*Schema, g.SchemasPerCatalog)
	for i := range c.Schemas {
		s := &Schema{Securable: g.securable(fmt.Sprintf("schema_%03d", i), g.GrantsPerSchema, generatedSchemaPrivileges)}
		s.Tables = make([]*Table, g.TablesPerSchema)
		for j := range s.Tables {
			s.Tables[j] = &Table{Securable: g.securable(fmt.Sprintf("table_%05d", j), g.GrantsPerTable, generatedTablePrivileges)}
		}
		for j := range g.VolumesPerSchema {
			s.Volumes = append(s.Volumes, &Volume{Securable: g.securable(fmt.Sprintf("volume_%03d", j), 1, []string{"READ_VOLUME"})})
		}
		for j := range g.FunctionsPerSchema {
			s.Functions = append(s.Functions, &Function{Securable: g.securable(fmt.Sprintf("function_%03d", j), 1, []string{"EXECUTE"})})
		}
		c.Schemas[i] = s
	}
	return c
}

func (g *generator) workspaces() {
	for i := range g.Workspaces {
		w := &Workspace{
			ID: 7_000_000_000_000_001 + int64(i), Name: fmt.Sprintf("ws-%03d", i), DeploymentName: fmt.Sprintf("gen-ws-%03d", i),
			Status: Running, Region: "us-east-1",
			Entitlements: map[string][]string{GroupUsers: defaultEntitlements, GroupAdmins: adminEntitlements},
		}
		w.Assignments = append(w.Assignments, assignAdmin(auditorID), assignUser(limitedID))
		if len(g.acct.Metastores) > 0 {
			m := g.acct.Metastores[i%len(g.acct.Metastores)]
			w.MetastoreID = m.ID
			for _, c := range m.Catalogs {
				if c.Mode == Isolated && len(c.Bindings) == 0 {
					c.Bindings = []Binding{{WorkspaceID: w.ID}}
				}
			}
		}
		g.assign(w, i)
		g.objects(w)
		g.acct.Workspaces = append(g.acct.Workspaces, w)
	}
}

func (g *generator) assign(w *Workspace, n int) {
	if n == 0 && g.Users > 0 {
		w.Assignments = append(w.Assignments, assignUser(g.acct.Users[0].ID))
	}
	seen := map[string]bool{}
	for range min(g.AssignmentsPerWS, g.Groups) {
		id := g.acct.Groups[g.pick(g.Groups)].ID
		if !seen[id] {
			w.Assignments = append(w.Assignments, assignUser(id))
		}
		seen[id] = true
	}
}

func (g *generator) objects(w *Workspace) {
	for i := range g.ObjectsPerWorkspace {
		o := &Object{Type: "jobs", ID: fmt.Sprint(i + 1), Name: fmt.Sprintf("job-%05d", i), Creator: GeneratedStar}
		if g.Groups > 0 {
			o.ACL = []ACE{group(g.acct.Groups[g.pick(g.Groups)].DisplayName, "CAN_MANAGE_RUN")}
		}
		w.Objects = append(w.Objects, o)
	}
}

func (g *generator) ruleSets() {
	for _, gr := range g.acct.Groups[:g.Groups] {
		if g.pick(1000) >= g.RuleSetsPerThousand || g.Users == 0 {
			continue
		}
		g.acct.RuleSets = append(g.acct.RuleSets, &RuleSet{
			Name:    "accounts/" + g.acct.ID + "/groups/" + gr.ID + "/ruleSets/default",
			Version: 1,
			Rules:   []GrantRule{{"roles/group.manager", []string{"users/" + g.acct.Users[g.pick(g.Users)].UserName}}},
		})
	}
}
