package estate_test

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

func user(id, name string) identity.Principal {
	return identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: id}, Name: name, Status: identity.StatusActive}
}

func group(id, name string, members ...identity.PrincipalKey) identity.Group {
	return identity.Group{
		Principal: identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: id}, Name: name},
		Members:   members, MembersListed: true,
	}
}

var (
	alice   = user("1", "alice@acme.test")
	catalog = identity.CatalogSecurable("m", "c")
)

// TestOrderDoesNotMatter adds the same facts in many orders, some of them twice.
func TestOrderDoesNotMatter(t *testing.T) {
	build := func(seed int64) *estate.Estate {
		b := estate.NewBuilder("a")
		facts := []func(){
			func() { b.AddPrincipal(alice) },
			func() { b.AddGroup(group("2", "g", alice.Key)) },
			func() { b.AddGroup(group("3", "h", identity.PrincipalKey{Kind: identity.KindGroup, ID: "2"})) },
			func() { b.AddWorkspace(identity.Workspace{ID: 7, Name: "w"}) },
			func() {
				b.AddAssignment(identity.Assignment{Workspace: 7, Principal: alice.Key, Permission: identity.WorkspaceUser})
			},
			func() { b.AddMetastore(identity.Metastore{ID: "m", Name: "meta", Owner: "g"}) },
			func() { b.AttachMetastore("m", 7) },
			func() { b.AddSecurable(identity.SecurableInfo{Securable: catalog, Owner: "ALICE@acme.test"}) },
			func() {
				b.AddGrants(catalog, []identity.Grant{
					{Holder: "g", Privileges: []identity.Privilege{"SELECT", "USE_CATALOG"}}, {Holder: "", DeletedID: "77", Privileges: []identity.Privilege{"SELECT"}},
				})
			},
			func() { b.AddBindings(catalog, []identity.Binding{{Workspace: 9}, {Workspace: 7}}) },
			func() {
				b.Record(estate.ReadKey{Op: estate.OpGrants, Securable: catalog}, estate.Outcome{Needed: true, At: time.Unix(seed, 0)})
			},
		}
		r := rand.New(rand.NewSource(seed))
		for _, i := range append(r.Perm(len(facts)), r.Perm(len(facts))[:4]...) {
			facts[i]()
		}
		return b.Build()
	}
	want := build(0)
	for seed := int64(1); seed < 50; seed++ {
		if got := build(seed); got.Fingerprint() != want.Fingerprint() {
			t.Fatalf("order %d gives another fingerprint", seed)
		}
	}
	if owner, known := want.Owner(catalog); !known || owner.Key != alice.Key {
		t.Errorf("owner %+v, known %v: names differ in case only", owner, known)
	}
}

// TestAccountUsersHasOneKey covers the group that everybody is in: listed under a number, assigned
// under that number although its record was not read, granted under its name.
func TestAccountUsersHasOneKey(t *testing.T) {
	numeric := identity.PrincipalKey{Kind: identity.KindGroup, ID: "555"}
	for name, add := range map[string]func(*estate.Builder){
		"listed": func(b *estate.Builder) {
			b.AddGroup(identity.Group{Principal: identity.Principal{Key: numeric, Name: identity.AccountUsersName, Roles: []string{"r"}}})
		},
		"only named by the assignment": func(*estate.Builder) {},
	} {
		t.Run(name, func(t *testing.T) {
			b := estate.NewBuilder("a")
			add(b)
			b.AddAssignment(identity.Assignment{Workspace: 7, Principal: numeric, Name: identity.AccountUsersName, Permission: identity.WorkspaceUser})
			b.AddGrants(catalog, []identity.Grant{{Holder: "account users", Privileges: []identity.Privilege{"SELECT"}}})
			e := b.Build()
			if got := e.Assignments(7)[0].Principal; got != identity.AccountUsers() {
				t.Errorf("assigned to %s", got)
			}
			if n := len(slices.Collect(e.GrantsTo(numeric))); n != 1 {
				t.Errorf("%d grants under the number", n)
			}
		})
	}
}

func TestNamesThatMeanSeveralMeanNobody(t *testing.T) {
	b := estate.NewBuilder("a")
	b.AddGroup(group("2", "team"))
	b.AddGroup(group("3", "Team"))
	b.AddGroup(group("4", "TEAM"))
	b.AddGroup(group("4", "team"))
	local := group("9", "local")
	local.Key.Workspace = 7
	b.AddGroup(local)
	b.AddGrants(catalog, []identity.Grant{
		{Holder: "Team", Privileges: []identity.Privilege{"A"}},
		{Holder: "team", Privileges: []identity.Privilege{"B"}},
		{Holder: "local", Privileges: []identity.Privilege{"C"}},
		{Holder: "_workspace_users_databricks_x_workspace_7", Privileges: []identity.Privilege{"D"}},
	})
	want := map[identity.Privilege]string{
		"A": "group:3 false", // spelt exactly
		"B": ": true",        // two are spelt so
		"C": ": false",       // Unity Catalog knows no groups of one workspace
		"D": "group:users@7 false",
	}
	for g := range b.Build().GrantsOn(catalog) {
		key := ""
		if !g.Holder.Key.IsZero() {
			key = g.Holder.Key.String()
		} else {
			key = ":"
		}
		if got := fmt.Sprintf("%s %v", key, g.Holder.Ambiguous); got != want[g.Privileges[0]] {
			t.Errorf("%s: got %q, want %q", g.Holder.Name, got, want[g.Privileges[0]])
		}
	}
}

// TestEveryOpIsSpoken sees that each read has its own words for what it is and what it could hide.
func TestEveryOpIsSpoken(t *testing.T) {
	e := estate.NewBuilder("a").Build()
	seen := map[string]estate.Op{}
	for op := estate.OpReach; op <= estate.OpObjects; op++ {
		k := estate.ReadKey{Op: op, Type: identity.TypeSchema}
		words := e.Operation(k)
		if other, again := seen[words]; again {
			t.Errorf("%d and %d are both called %q", other, op, words)
		}
		seen[words] = op
		if e.Effect(k) == e.Effect(estate.ReadKey{}) {
			t.Errorf("%q has no effect of its own", words)
		}
	}
}
