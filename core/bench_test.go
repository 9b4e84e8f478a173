package core_test

import (
	"strconv"
	"testing"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/sandbox"
)

// crowd is the account of the figures: 20 workspaces on one metastore, 2,000 groups, 50 catalogs.
func crowd() *sandbox.Account {
	return sandbox.Generate(sandbox.GenOptions{
		Seed: 1, Users: 1000, ServicePrincipals: 50, Groups: 2000, Depth: 6,
		Workspaces: 20, Metastores: 1, Catalogs: 50, SchemasPerCatalog: 1, TablesPerSchema: 1,
	})
}

// floor is the fewest calls that an audit of a principal can take, from what the API offers: see
// BenchmarkCalls for what each term stands for.
type floor struct {
	token, listings, who, groups, assignments, securables int
}

func (f floor) total() int {
	return f.token + f.listings + f.who + f.groups + f.assignments + f.securables
}

// floorOf works out the floor from the account alone. One securable per grants call and one
// workspace per assignments call is all that the API offers; a group's members come one group a
// call; everything else is a list.
func floorOf(a *sandbox.Account, ancestors int, iamv2 bool) floor {
	f := floor{token: 1, listings: 2 + len(a.Metastores), assignments: len(a.Workspaces)}
	if iamv2 {
		f.who, f.groups = 2, ancestors // the search, all groups above in one call; then each group's edges
	} else {
		f.who, f.groups = 1, pages(len(a.Groups), 100)+len(a.Groups)
	}
	for _, m := range a.Metastores {
		lists := 1 + 6 // catalogs; locations, credentials, connections, shares, recipients, providers
		grants := 1 + len(m.Catalogs) + len(m.ExternalLocations) + len(m.Credentials) + len(m.Connections)
		bindings := 0
		for _, c := range m.Catalogs {
			if c.Mode == sandbox.Isolated {
				bindings++
			}
		}
		f.securables += lists + grants + bindings
	}
	return f
}

func pages(items, size int) int { return max(1, (items+size-1)/size) }

// BenchmarkCalls counts what an audit costs against the floor. Reach: at most 1.1 with the identity
// API; the fallback through SCIM at its own floor.
func BenchmarkCalls(b *testing.B) {
	for name, mode := range map[string]sandbox.IAMv2Mode{"identity_api": sandbox.IAMv2On, "scim_only": sandbox.IAMv2NotFound} {
		b.Run(name, func(b *testing.B) {
			account := crowd()
			server := serve(b, account, sandbox.Options{IAMv2: mode})
			for b.Loop() {
				g := engine(b, server, server.Auditor())
				r := audit(b, g, query.Principal{Who: sandbox.GeneratedStar})
				least := floorOf(account, len(r.Memberships)-1, mode == sandbox.IAMv2On).total()
				calls := r.Coverage.APICalls.Total
				b.ReportMetric(float64(calls), "calls")
				b.ReportMetric(float64(least), "floor-calls")
				b.ReportMetric(float64(calls)/float64(least), "x-floor")
			}
		})
	}
}

// BenchmarkWall times the same audit at 30 ms a response under the documented limits, against the
// longer of two floors: calls at the permitted rate, and the chain of calls that need each other's
// answers. Reach: at most 1.15.
func BenchmarkWall(b *testing.B) {
	const latency = 30 * time.Millisecond
	// Sign in; find the subject and the places; groups above, assignments, the metastore's workspaces;
	// catalogs; their bindings; their grants.
	const chain = 6
	for name, mode := range map[string]sandbox.IAMv2Mode{"identity_api": sandbox.IAMv2On, "scim_only": sandbox.IAMv2NotFound} {
		b.Run(name, func(b *testing.B) {
			server := serve(b, crowd(), sandbox.Options{IAMv2: mode, Latency: latency, EnforceLimits: true})
			for b.Loop() {
				server.ResetCalls()
				g := engine(b, server, server.Auditor(), func(o *databricks.Options) { o.RateLimit = 0 })
				began := time.Now()
				r := audit(b, g, query.Principal{Who: sandbox.GeneratedStar})
				took := time.Since(began)
				if !r.Coverage.Complete {
					b.Fatalf("not complete: %+v", r.Coverage.Gaps)
				}
				least := max(chain*latency, permitted(server.CallCount()))
				refused := 0
				for _, call := range server.Calls() {
					if call.Status == 429 {
						refused++
					}
				}
				b.ReportMetric(took.Seconds(), "wall-s")
				b.ReportMetric(least.Seconds(), "floor-s")
				b.ReportMetric(took.Seconds()/least.Seconds(), "x-floor")
				b.ReportMetric(float64(refused), "refused")
			}
		})
	}
}

// permitted is how long the calls take at the documented rates, the slowest class deciding. The
// classes with no documented limit do not bind.
//
// https://docs.databricks.com/aws/en/resources/limits
func permitted(calls map[string]int) time.Duration {
	const scim = "GET /api/2.0/accounts/{account_id}/scim/v2/"
	lists := calls[scim+"Users"] + calls[scim+"Groups"] + calls[scim+"ServicePrincipals"]
	gets := calls[scim+"Groups/{id}"] + calls[scim+"Users/{id}"]
	seconds := max(float64(lists)/(240.0/60), float64(gets)/20)
	return time.Duration(seconds * float64(time.Second))
}

// BenchmarkClosure gathers the identities of one principal among 10,000 users and 5,000 groups
// nested 10 deep, each group in two of the layer above. Reach: at most 5 ms. The paths to all of
// them, which a report shows, come on top.
func BenchmarkClosure(b *testing.B) {
	e, who := deepEstate(10_000, 5_000, 10)
	b.Run("identities", func(b *testing.B) {
		for b.Loop() {
			access.For(e, who)
		}
		b.ReportMetric(5, "limit-ms/op")
	})
	b.Run("with_all_paths", func(b *testing.B) {
		for b.Loop() {
			s := access.For(e, who)
			for _, k := range s.Identities() {
				s.Paths(k)
			}
			b.ReportMetric(float64(len(s.Identities())), "identities")
		}
	})
}

// BenchmarkQuestions asks one question of each form about an account of 10,000 users, 5,000 groups nested
// 10 deep, 50 workspaces, 100,000 tables and 200,000 grants, loaded before: with proofs to find where the
// answer is yes, and about an account where everybody can enter every workspace and use every table, so
// that the answer has a row for each of them. Reach: at most 50 ms.
func BenchmarkQuestions(b *testing.B) {
	from := []identity.WorkspaceID{1, 2, 3}
	e, who, table := largeEstate(10_000, 5_000, 50, 100_000, false)
	within := identity.PrincipalKey{Kind: identity.KindUser, ID: "10000"} // may use the table from two of them
	for name, question := range map[string]func(m *access.Model){
		"can":                 func(m *access.Model) { m.Can(who, identity.Select, table, access.Asked{From: from}) },
		"can_by_many_ways":    func(m *access.Model) { m.Can(within, identity.Select, table, access.Asked{From: from}) },
		"can_manage_a_schema": func(m *access.Model) { m.Can(who, identity.Manage, mustParent(table), access.Asked{From: from}) },
		"principal":           func(m *access.Model) { m.Principal(who, access.Also{Objects: true}) },
		"principal_within":    func(m *access.Model) { m.Principal(within, access.Also{Objects: true}) },
		"resource_groups":     func(m *access.Model) { m.Resource(table, access.Who{From: from}) },
		"resource_everybody":  func(m *access.Model) { m.Resource(table, access.Who{From: from, Expand: true}) },
	} {
		questioned(b, name, e, question)
	}
	e, who, table = largeEstate(10_000, 5_000, 50, 100_000, true)
	questioned(b, "open_principal", e, func(m *access.Model) { m.Principal(who, access.Also{Objects: true}) })
	questioned(b, "open_resource_everybody", e, func(m *access.Model) { m.Resource(table, access.Who{From: from, Expand: true}) })
}

// questioned times a question under a model of its own: nothing that an earlier one worked out is there.
func questioned(b *testing.B, name string, e *estate.Estate, question func(m *access.Model)) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			question(access.Over(e, access.Options{}))
		}
		b.ReportMetric(50, "limit-ms/op")
	})
}

func mustParent(s identity.Securable) identity.Securable {
	parent, _ := s.Parent()
	return parent
}

// largeEstate is deepEstate with places and things: every workspace is entered through a group, every
// tenth table is granted to some group twenty times over. An open one is everybody's as well.
func largeEstate(users, groups, workspaces, tables int, open bool) (*estate.Estate, identity.PrincipalKey, identity.Securable) {
	b, who := deepBuilder(users, groups, 10)
	group := func(i int) string { return "group" + strconv.Itoa(100_000+i%groups) }
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m", Owner: group(7), PrivilegeModel: "1.0"})
	done := func(k estate.ReadKey) { b.Record(k, estate.Outcome{Needed: true}) }
	for w := range workspaces {
		id := identity.WorkspaceID(w + 1)
		b.AddWorkspace(identity.Workspace{ID: id, Name: "w" + id.String(), Status: "RUNNING"})
		b.AttachMetastore("m", id)
		b.AddAssignment(identity.Assignment{Workspace: id, Principal: identity.PrincipalKey{Kind: identity.KindGroup, ID: strconv.Itoa(100_000 + groups - 1 - w)}, Permission: identity.WorkspaceUser})
		if open {
			b.AddAssignment(identity.Assignment{Workspace: id, Principal: identity.AccountUsers(), Permission: identity.WorkspaceUser})
		}
		done(estate.ReadKey{Op: estate.OpAssignments, Workspace: id})
	}
	done(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: identity.MetastoreSecurable("m")})
	add := func(s identity.Securable, holders ...string) {
		var grants []identity.Grant
		for _, h := range holders {
			grants = append(grants, identity.Grant{Holder: h, Privileges: []identity.Privilege{identity.UseCatalog, identity.UseSchema, identity.Select}})
		}
		b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: group(3)})
		b.AddGrants(s, grants)
		done(estate.ReadKey{Op: estate.OpGrants, Securable: s})
	}
	catalogUsers := []string{group(groups - 1)}
	if open {
		catalogUsers = append(catalogUsers, identity.AccountUsersName)
	}
	var last identity.Securable
	for t := range tables {
		c, s := strconv.Itoa(t/10_000), strconv.Itoa(t/100)
		if t%10_000 == 0 {
			add(identity.CatalogSecurable("m", c), append(catalogUsers, group(t))...)
		}
		if t%100 == 0 {
			add(identity.SchemaSecurable("m", c, s), group(t), group(groups-2))
		}
		last = identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: c, Schema: s, Name: strconv.Itoa(t)}
		var holders []string
		for i := range 20 * ((t%10+9)/10*-1 + 1) {
			holders = append(holders, group(t+i*31))
		}
		add(last, holders...)
	}
	return b.Build(), who, last
}

// deepEstate is an estate of users in groups, layer upon layer, each group in two of the next layer.
func deepEstate(users, groups, depth int) (*estate.Estate, identity.PrincipalKey) {
	b, first := deepBuilder(users, groups, depth)
	return b.Build(), first
}

func deepBuilder(users, groups, depth int) (*estate.Builder, identity.PrincipalKey) {
	b := estate.NewBuilder("bench")
	layer := groups / depth
	group := func(l, i int) identity.PrincipalKey {
		return identity.PrincipalKey{Kind: identity.KindGroup, ID: strconv.Itoa(100_000 + l*layer + i%layer)}
	}
	members := map[identity.PrincipalKey][]identity.PrincipalKey{}
	for l := range depth - 1 {
		for i := range layer {
			members[group(l+1, i)] = append(members[group(l+1, i)], group(l, i))
			members[group(l+1, i*7+1)] = append(members[group(l+1, i*7+1)], group(l, i))
		}
	}
	var first identity.PrincipalKey
	for u := range users {
		k := identity.PrincipalKey{Kind: identity.KindUser, ID: strconv.Itoa(1 + u)}
		if u == 0 {
			first = k
		}
		b.AddPrincipal(identity.Principal{Key: k, Name: "user" + k.ID + "@bench.test", Status: identity.StatusActive})
		members[group(0, u)] = append(members[group(0, u)], k)
		members[group(0, u*3+1)] = append(members[group(0, u*3+1)], k)
	}
	b.Record(estate.ReadKey{Op: estate.OpGroups}, estate.Outcome{Needed: true})
	for k, ms := range members {
		b.AddGroup(identity.Group{Principal: identity.Principal{Key: k, Name: "group" + k.ID}, Members: ms, MembersListed: true})
		b.Record(estate.ReadKey{Op: estate.OpMembers, Principal: k}, estate.Outcome{Needed: true})
	}
	return b, first
}
