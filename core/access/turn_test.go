package access_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// TestBetweenIsWhatOneByOneGives holds what is worked out for all that is alike at once against every right
// asked about for itself, over accounts before and after random changes.
func TestBetweenIsWhatOneByOneGives(t *testing.T) {
	met := map[string]int{}
	worlds(150, func(seed int, e *estate.Estate) {
		rng := rand.New(rand.NewPCG(uint64(seed), 5))
		var people []identity.Principal
		for p := range e.Principals() {
			people = append(people, p)
		}
		some := func() identity.Principal { return people[rng.IntN(len(people))] }
		before := access.Over(e, access.Options{})
		for range 4 {
			who, than := some(), some()
			after := before.With(e.With(changesFor(rng, e, who, some)))
			got, beyond := access.BetweenAnd(before, after, who.Key, than.Key)
			want, wantBeyond := access.BetweenOneByOne(before, after, who.Key, than.Key)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("world %d, %v: one by one (-) and all at once (+) differ\n%s", seed, who.Key, diff)
			}
			if diff := cmp.Diff(wantBeyond, beyond, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("world %d, %v beyond %v: one by one (-) and all at once (+) differ\n%s", seed, who.Key, than.Key, diff)
			}
			if diff := cmp.Diff(want, access.Between(before, after, who.Key), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("world %d, %v: with nobody compared it differs\n%s", seed, who.Key, diff)
			}
			for side, r := range map[string]access.Rights{"gained": got.Gained, "lost": got.Lost, "perhaps": got.Undecided, "beyond": beyond} {
				met[side+" access"] += len(r.Access)
				met[side+" objects"] += len(r.Objects)
				met[side+" workspaces"] += len(r.Workspaces)
			}
		}
	})
	for _, what := range []string{"gained access", "lost access", "perhaps access", "beyond access", "gained objects", "lost objects", "beyond objects", "gained workspaces", "lost workspaces"} {
		if met[what] < 10 {
			t.Errorf("%d times %s: the test shows little", met[what], what)
		}
	}
}

// changesFor are a few changes that bear on somebody: its groups, where it is assigned, and what it or a group
// was given on things.
func changesFor(rng *rand.Rand, e *estate.Estate, who identity.Principal, some func() identity.Principal) estate.Changes {
	c := estate.Changes{
		Members: map[identity.Membership]bool{}, Assigned: map[estate.Seat]identity.Assignment{},
		Granted: map[identity.Securable][]identity.Grant{}, Permitted: map[identity.Object][]identity.ObjectGrant{},
	}
	for range 1 + rng.IntN(4) {
		switch list := e.SecurableList(); rng.IntN(5) {
		case 0, 1:
			if g := some(); g.Key.Kind == identity.KindGroup && g.Key.Workspace == 0 {
				c.Members[identity.Membership{Member: who.Key, Group: g.Key}] = true
			}
			for g := range e.Parents(who.Key) {
				c.Members[identity.Membership{Member: who.Key, Group: g}] = rng.IntN(2) == 0
			}
		case 2:
			for _, w := range e.Workspaces() {
				c.Assigned[estate.Seat{In: w.ID, Who: who.Key}] = identity.Assignment{Workspace: w.ID, Principal: who.Key, Name: who.Name, Permission: identity.WorkspacePermission(rng.IntN(3))}
			}
		case 3:
			on := list[rng.IntN(len(list))].Securable
			c.Granted[on] = []identity.Grant{{Securable: on, Holder: who.Name, Privileges: []identity.Privilege{identity.Select, identity.Modify, identity.UseCatalog, identity.UseSchema}}}
		case 4:
			if n := len(e.Objects()); n > 0 {
				on := e.Objects()[rng.IntN(n)].Object
				c.Permitted[on] = []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: who.Key.Kind, Name: who.Name}, Level: on.Type.Highest()}}
			}
		}
	}
	return c
}
