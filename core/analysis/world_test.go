package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// world is an account written down fact by fact, all of it read unless a test takes something away.
type world struct {
	facts  []func(*estate.Builder)
	reads  map[estate.ReadKey]estate.Outcome
	keys   map[string]identity.PrincipalKey
	groups map[identity.PrincipalKey][]identity.PrincipalKey
}

const (
	eu   = "ms-eu"
	prod = identity.WorkspaceID(1)
	dev  = identity.WorkspaceID(2)
)

var read = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// newWorld has two workspaces on one metastore without admin, catalog c owned by own, with schema s,
// table t and volume v, and alice and bob, users of prod.
func newWorld() *world {
	w := &world{
		reads: map[estate.ReadKey]estate.Outcome{}, keys: map[string]identity.PrincipalKey{},
		groups: map[identity.PrincipalKey][]identity.PrincipalKey{},
	}
	w.saw(estate.ReadKey{Op: estate.OpReach}, estate.ReadKey{Op: estate.OpGroups}, estate.ReadKey{Op: estate.OpWorkspaces}, estate.ReadKey{Op: estate.OpMetastores},
		estate.ReadKey{Op: estate.OpRoles}, estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable(eu)})
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		w.saw(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: kind}})
	}
	for id, name := range map[identity.WorkspaceID]string{prod: "prod", dev: "dev"} {
		w.add(func(b *estate.Builder) {
			b.AddWorkspace(identity.Workspace{ID: id, Name: name, Status: "RUNNING", Cloud: "aws"})
			b.AttachMetastore(eu, id)
			b.AddRestrictAdmins(id, identity.AdminsAllowAll)
		})
		w.saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}, estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: id},
			estate.ReadKey{Op: estate.OpEntitlements, Workspace: id, Principal: identity.PrincipalKey{Kind: identity.KindGroup}},
			estate.ReadKey{Op: estate.OpEntitlements, Workspace: id, Principal: identity.PrincipalKey{Kind: identity.KindUser}})
	}
	w.metastore("")
	w.user("alice").user("bob").sp("etl")
	w.assign("alice", prod, identity.WorkspaceUser).assign("bob", prod, identity.WorkspaceUser)
	w.group("own")
	for _, s := range []identity.Securable{catalog, schema, table, volume} {
		w.securable(identity.SecurableInfo{Securable: s, Owner: "own", Isolation: identity.IsolationOpen})
	}
	w.saw(estate.ReadKey{Op: estate.OpGrants, Securable: identity.MetastoreSecurable(eu)})
	return w
}

var (
	catalog = identity.CatalogSecurable(eu, "c")
	schema  = identity.SchemaSecurable(eu, "c", "s")
	table   = identity.Securable{Metastore: eu, Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "t"}
	volume  = identity.Securable{Metastore: eu, Type: identity.TypeVolume, Catalog: "c", Schema: "s", Name: "v"}
	root    = identity.MetastoreSecurable(eu)
)

func beside(t identity.SecurableType, name string) identity.Securable {
	return identity.Securable{Metastore: eu, Type: t, Name: name}
}

func (w *world) add(fact func(*estate.Builder)) *world { w.facts = append(w.facts, fact); return w }

func (w *world) saw(keys ...estate.ReadKey) *world {
	for _, k := range keys {
		w.reads[k] = estate.Outcome{Needed: true, At: read}
	}
	return w
}

func (w *world) missed(k estate.ReadKey) *world {
	w.reads[k] = estate.Outcome{Kind: identity.Forbidden, Needed: true, At: read}
	return w
}

func (w *world) key(name string) identity.PrincipalKey {
	k, ok := w.keys[name]
	if !ok {
		panic("nobody is called " + name)
	}
	return k
}

func (w *world) principal(kind identity.Kind, name string, change func(*identity.Principal)) *world {
	p := identity.Principal{
		Key: identity.PrincipalKey{Kind: kind, ID: fmt.Sprint(100 + len(w.keys))}, Name: name, DisplayName: name,
		Origin: identity.OriginDatabricks, Status: identity.StatusActive,
	}
	if kind == identity.KindGroup {
		p.Status = identity.StatusUnknown
	}
	if change != nil {
		change(&p)
	}
	w.keys[name] = p.Key
	if kind != identity.KindGroup {
		for _, in := range []identity.WorkspaceID{prod, dev} {
			w.saw(estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: p.Key})
		}
	}
	return w.add(func(b *estate.Builder) { b.AddPrincipal(p) })
}

func (w *world) user(name string) *world { return w.principal(identity.KindUser, name, nil) }
func (w *world) sp(name string) *world   { return w.principal(identity.KindServicePrincipal, name, nil) }

func (w *world) group(name string, members ...string) *world {
	return w.groupOf(identity.OriginDatabricks, name, members...)
}

func (w *world) groupOf(origin identity.Origin, name string, members ...string) *world {
	w.principal(identity.KindGroup, name, func(p *identity.Principal) { p.Origin = origin })
	w.saw(estate.ReadKey{Op: estate.OpMembers, Principal: w.key(name)})
	for _, m := range members {
		w.member(m, name)
	}
	return w
}

func (w *world) member(member, group string) *world {
	m, g := w.key(member), w.key(group)
	return w.add(func(b *estate.Builder) { b.AddMembership(m, g) })
}

func (w *world) assign(name string, in identity.WorkspaceID, p identity.WorkspacePermission) *world {
	k := w.key(name)
	return w.add(func(b *estate.Builder) {
		b.AddAssignment(identity.Assignment{Workspace: in, Principal: k, Name: name, Permission: p})
	})
}

func (w *world) metastore(owner string) *world {
	return w.add(func(b *estate.Builder) {
		b.AddMetastore(identity.Metastore{ID: eu, Name: "eu", Owner: owner, PrivilegeModel: "1.0"})
	})
}

func (w *world) securable(s identity.SecurableInfo) *world {
	parent, _ := s.Parent()
	w.saw(estate.ReadKey{Op: estate.OpGrants, Securable: s.Securable}, estate.ReadKey{Op: estate.OpChildren, Securable: parent, Type: s.Type},
		estate.ReadKey{Op: estate.OpPolicies, Securable: s.Securable})
	return w.add(func(b *estate.Builder) { b.AddSecurable(s) })
}

// grants are all grants on a securable, as "holder: PRIVILEGE, PRIVILEGE".
func (w *world) grants(on identity.Securable, rows ...string) *world {
	var list []identity.Grant
	for _, row := range rows {
		holder, ps, _ := strings.Cut(row, ": ")
		g := identity.Grant{Holder: holder}
		for _, p := range strings.Split(ps, ", ") {
			g.Privileges = append(g.Privileges, identity.ParsePrivilege(p))
		}
		list = append(list, g)
	}
	return w.add(func(b *estate.Builder) { b.AddGrants(on, list) })
}

// use lets everybody use the catalog and schema.
func (w *world) use(more ...string) *world {
	return w.grants(catalog, append([]string{"account users: USE_CATALOG"}, more...)...).grants(schema, "account users: USE_SCHEMA")
}

// role gives a role on a principal, or where on is empty on the account.
func (w *world) role(holder string, r identity.Role, on string) *world {
	g := identity.RoleGrant{Role: r, Holder: identity.PrincipalName{Kind: w.key(holder).Kind, Name: holder}}
	if on != "" {
		g.On = w.key(on)
	}
	w.saw(estate.ReadKey{Op: estate.OpRoles, Principal: g.On})
	return w.add(func(b *estate.Builder) { b.AddRoleGrant(g) })
}

// accountRole makes somebody account admin.
func (w *world) admin(kind identity.Kind, name string) *world {
	return w.principal(kind, name, func(p *identity.Principal) { p.Roles = []string{identity.RoleAccountAdmin} })
}

// object adds a workspace object with its permissions, as "holder LEVEL". A holder that nobody is
// called is a group of the workspace.
func (w *world) object(o identity.ObjectInfo, rows ...string) *world {
	if o.Workspace == 0 {
		o.Workspace = prod
	}
	w.saw(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: o.Workspace, Type: o.Type}},
		estate.ReadKey{Op: estate.OpObjectGrants, Object: o.Object})
	var list []identity.ObjectGrant
	for _, row := range rows {
		i := strings.LastIndexByte(row, ' ')
		holder := identity.PrincipalName{Kind: identity.KindGroup, Name: row[:i]}
		if k, ok := w.keys[row[:i]]; ok {
			holder.Kind = k.Kind
		}
		list = append(list, identity.ObjectGrant{Holder: holder, Level: identity.Level(row[i+1:])})
	}
	return w.add(func(b *estate.Builder) {
		b.AddObject(o)
		b.AddObjectGrants(o.Object, list)
	})
}

func job(id, runAs string, code ...string) identity.ObjectInfo {
	return identity.ObjectInfo{
		Object: identity.Object{Workspace: prod, Type: identity.ObjectJob, ID: id}, Name: "job " + id, RunAs: runAs, Code: code, Detailed: true,
	}
}

func object(t identity.ObjectType, id string, change func(*identity.ObjectInfo)) identity.ObjectInfo {
	o := identity.ObjectInfo{Object: identity.Object{Workspace: prod, Type: t, ID: id}, Name: id}
	if change != nil {
		change(&o)
	}
	return o
}

func (w *world) entitle(name string, in identity.WorkspaceID, es ...identity.Entitlement) *world {
	k := w.key(name)
	if k.Kind != identity.KindGroup {
		w.saw(estate.ReadKey{Op: estate.OpEntitlements, Workspace: in, Principal: k})
	}
	return w.add(func(b *estate.Builder) { b.AddEntitlements(in, k, es) })
}

// estate builds the facts in an order of the seed's.
func (w *world) estate(seed uint64) *estate.Estate {
	b := estate.NewBuilder("acc")
	order := slices.Clone(w.facts)
	// The first record of a metastore is that of newWorld, which a test may replace: order among
	// records of one thing counts, so they are only turned against others.
	if seed > 0 {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	for _, fact := range order {
		fact(b)
	}
	for k, o := range w.reads {
		b.Record(k, o)
	}
	return b.Build()
}

func (w *world) model() *access.Model { return access.Over(w.estate(0), access.Options{}) }

func (w *world) roles(t *testing.T, who string) *report.RolesReport {
	t.Helper()
	if who == "" {
		return analysis.Roles(w.model(), nil)
	}
	k := w.key(who)
	return analysis.Roles(w.model(), &k)
}
