package access_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// worlds are random estates, the same ones each time.
func worlds(n int, each func(seed int, e *estate.Estate)) {
	for seed := range n {
		each(seed, accesstest.Random(rand.New(rand.NewPCG(77, uint64(seed)))).Estate())
	}
}

func from(e *estate.Estate) (ids []identity.WorkspaceID) {
	for _, w := range e.Workspaces() {
		ids = append(ids, w.ID)
	}
	return ids
}

// TestWhoIsAlikeHasOneAnswer compares reports about everybody with those for which nothing was shared.
func TestWhoIsAlikeHasOneAnswer(t *testing.T) {
	alike := 0
	worlds(15, func(seed int, e *estate.Estate) {
		for s := range e.Securables() {
			for _, p := range []identity.Privilege{"", identity.Select, identity.Manage, identity.Browse} {
				who := access.Who{From: from(e), Expand: true, Privilege: p}
				m := access.Over(e, access.Options{})
				if diff := cmp.Diff(m.ResourceOneByOne(s.Securable, who), m.Resource(s.Securable, who)); diff != "" {
					t.Fatalf("world %d, %q on %s: alone (-) and shared (+) differ\n%s", seed, p, s.Securable, diff)
				}
				alike += m.Alike(s.Securable, who)
			}
		}
	})
	if alike == 0 {
		t.Error("nobody was alike: nothing was compared")
	}
}

// TestWhoDiffersIsNotAlike has people who differ in one thing each: in which workspaces they are, whether
// they may log in, and in which of the groups that facts name.
func TestWhoDiffersIsNotAlike(t *testing.T) {
	b := estate.NewBuilder("a")
	table := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "t"}
	done := func(k estate.ReadKey) { b.Record(k, estate.Outcome{Needed: true}) }
	group := func(id string, members ...string) {
		g := identity.Group{Principal: identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: id}, Name: "g" + id}, MembersListed: true}
		for _, m := range members {
			g.Members = append(g.Members, identity.PrincipalKey{Kind: identity.KindUser, ID: m})
		}
		b.AddGroup(g)
		done(estate.ReadKey{Op: estate.OpMembers, Principal: g.Key})
	}
	for id, status := range map[string]identity.Status{"1": identity.StatusActive, "2": identity.StatusActive, "3": identity.StatusInactive, "4": identity.StatusActive, "5": identity.StatusActive, "6": identity.StatusActive} {
		b.AddPrincipal(identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: id}, Name: "u" + id, Status: status})
	}
	done(estate.ReadKey{Op: estate.OpGroups})
	group("10", "1", "2", "3", "4", "5") // reads
	group("11", "1", "3", "4", "5", "6") // is in the first workspace
	group("12", "2", "4")                // is in the second
	group("13", "5")                     // owns the catalog
	for i, name := range []string{"w1", "w2"} {
		id := identity.WorkspaceID(i + 1)
		b.AddWorkspace(identity.Workspace{ID: id, Name: name, Status: "RUNNING"})
		b.AttachMetastore("m", id)
		b.AddAssignment(identity.Assignment{Workspace: id, Principal: identity.PrincipalKey{Kind: identity.KindGroup, ID: []string{"11", "12"}[i]}, Permission: identity.WorkspaceUser})
		done(estate.ReadKey{Op: estate.OpAssignments, Workspace: id})
	}
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m", PrivilegeModel: "1.0"})
	b.AddSecurable(identity.SecurableInfo{Securable: identity.CatalogSecurable("m", "c"), Owner: "g13", Isolation: identity.IsolationOpen})
	b.AddGrants(identity.CatalogSecurable("m", "c"), []identity.Grant{{Holder: "g10", Privileges: []identity.Privilege{identity.UseCatalog, identity.UseSchema, identity.Select}}})
	for _, s := range []identity.Securable{identity.SchemaSecurable("m", "c", "s"), table} {
		b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: "u6"})
	}
	for at, ok := table, true; ok; at, ok = at.Parent() {
		done(estate.ReadKey{Op: estate.OpGrants, Securable: at})
	}
	m, who := access.Over(b.Build(), access.Options{}), access.Who{From: []identity.WorkspaceID{1, 2}, Expand: true}
	if pairs := m.Alike(table, who); pairs != 0 {
		t.Errorf("%d pairs are alike, though everybody differs", pairs)
	}
	if diff := cmp.Diff(m.ResourceOneByOne(table, who), m.Resource(table, who)); diff != "" {
		t.Errorf("alone (-) and shared (+) differ\n%s", diff)
	}
	reached := map[string]int{}
	for _, row := range m.Resource(table, who).Access {
		reached[row.Principal.Name] += len(row.ReachableIn)
	}
	if want := map[string]int{"g10": 0, "u1": 1, "u2": 1, "u3": 0, "u4": 2, "u5": 1, "u6": 0}; !cmp.Equal(want, reached) {
		t.Errorf("reached from so many workspaces: %v, want %v", reached, want)
	}
}

// TestSharedWalks compares what is found once for everybody with what a subject finds by itself: what it
// is in, and the shortest ways there.
func TestSharedWalks(t *testing.T) {
	worlds(150, func(seed int, e *estate.Estate) {
		m := access.Over(e, access.Options{})
		for p := range e.Principals() {
			own := slices.SortedFunc(slices.Values(m.Subject(p.Key).Identities()), identity.PrincipalKey.Compare)
			if diff := cmp.Diff(own, m.Closure(p.Key)); diff != "" {
				t.Fatalf("world %d: %s is in, by itself (-) and by what is shared (+)\n%s", seed, p.Key, diff)
			}
			if differ := m.WaysThatDiffer(p.Key); len(differ) > 0 {
				t.Fatalf("world %d: the shared steps lead %s to %v otherwise", seed, p.Key, differ)
			}
		}
	})
}

// TestConcurrent asks one model everything at once, and each question of a model of its own.
func TestConcurrent(t *testing.T) {
	worlds(10, func(seed int, e *estate.Estate) {
		shared := access.Over(e, access.Options{})
		var questions []func(m *access.Model) any
		for s := range e.Securables() {
			questions = append(questions, func(m *access.Model) any {
				return m.Resource(s.Securable, access.Who{From: from(e), Expand: true})
			})
		}
		for p := range e.Principals() {
			questions = append(questions, func(m *access.Model) any { return m.Principal(p.Key, access.Also{Objects: true}) })
		}
		answers := make([]any, len(questions))
		var all sync.WaitGroup
		for i, ask := range questions {
			all.Go(func() { answers[i] = ask(shared) })
		}
		all.Wait()
		for i, ask := range questions {
			if diff := cmp.Diff(ask(access.Over(e, access.Options{})), answers[i]); diff != "" {
				t.Fatalf("world %d, question %d: alone (-) and among others (+)\n%s", seed, i, diff)
			}
		}
	})
}
