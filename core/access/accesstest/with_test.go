package accesstest

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// TestWithIsLikeGatheringAnew holds estates with changes against estates for which all facts were gathered
// anew, fact by fact and by what is looked up in them; and that what was changed stays as it was.
func TestWithIsLikeGatheringAnew(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(1500) {
		e := Random(rand.New(rand.NewPCG(seed, 31))).Estate()
		was := e.Fingerprint()
		for again := range 2 { // what has changes may be changed again
			c := randomChanges(rand.New(rand.NewPCG(seed, uint64(32+again))), e, kinds)
			got, want := e.With(c), anew(e, c)
			if all, changed := lookups(want), lookups(got); !reflect.DeepEqual(all, changed) {
				t.Fatalf("seed %d, %+v: gathered anew (-) and changed (+) differ:\n%s", seed, c, cmp.Diff(all, changed))
			}
			if got.Fingerprint() != want.Fingerprint() {
				t.Fatalf("seed %d, %+v: the fingerprints differ", seed, c)
			}
			if again == 0 && e.Thaw().Build().Fingerprint() != was {
				t.Fatalf("seed %d: the estate itself changed", seed)
			}
			e = got
		}
	}
	for _, kind := range []string{"member", "no member", "assignment", "no assignment", "entitlements", "grants", "no grants", "permissions", "forgotten"} {
		if kinds[kind] < 200 {
			t.Errorf("%d changes are of kind %q: the test shows little", kinds[kind], kind)
		}
	}
}

// randomChanges are a few changes that name what is in the estate, and seldom what is not.
func randomChanges(rng *rand.Rand, e *estate.Estate, kinds map[string]int) estate.Changes {
	c := estate.Changes{
		Members: map[identity.Membership]bool{}, Assigned: map[estate.Seat]identity.Assignment{}, Entitled: map[estate.Seat][]identity.Entitlement{},
		Granted: map[identity.Securable][]identity.Grant{}, Permitted: map[identity.Object][]identity.ObjectGrant{},
	}
	people := slices.Collect(e.Principals())
	some := func() identity.Principal { return people[rng.IntN(len(people))] }
	for range 1 + rng.IntN(4) {
		switch who := some(); rng.IntN(6) {
		case 0:
			group := some()
			if group.Key.Kind != identity.KindGroup {
				continue
			}
			c.Members[identity.Membership{Member: who.Key, Group: group.Key}] = true
			kinds["member"]++
		case 1:
			for g := range e.Parents(who.Key) {
				c.Members[identity.Membership{Member: who.Key, Group: g}] = false
				kinds["no member"]++
			}
			for g := range e.Ancestors(who.Key) {
				c.Forgotten = append(c.Forgotten, identity.Membership{Member: who.Key, Group: g})
				kinds["forgotten"]++
			}
		case 2:
			for _, w := range e.Workspaces() {
				p := identity.WorkspacePermission(rng.IntN(3))
				c.Assigned[estate.Seat{In: w.ID, Who: who.Key}] = identity.Assignment{Workspace: w.ID, Principal: who.Key, Name: who.Name, Permission: p}
				kinds[map[bool]string{true: "no assignment", false: "assignment"}[p == identity.WorkspaceNone]]++
			}
		case 3:
			for _, w := range e.Workspaces() {
				c.Entitled[estate.Seat{In: w.ID, Who: who.Key}] = []identity.Entitlement{identity.SQLAccess, identity.WorkspaceAccess, identity.SQLAccess}[:rng.IntN(4)]
				kinds["entitlements"]++
			}
		case 4:
			list := e.SecurableList()
			if len(list) == 0 {
				continue
			}
			on := list[rng.IntN(len(list))].Securable
			var grants []identity.Grant
			for g := range e.GrantsOn(on) {
				if rng.IntN(2) == 0 {
					grants = append(grants, identity.Grant{Securable: on, Holder: g.Holder.Name, DeletedID: g.Holder.DeletedID, Privileges: g.Privileges})
				}
			}
			if rng.IntN(2) == 0 {
				grants = append(grants, identity.Grant{Securable: on, Holder: who.Name, Privileges: []identity.Privilege{identity.Select, identity.Modify, "NEW"}})
			}
			c.Granted[on] = grants
			kinds[map[bool]string{true: "no grants", false: "grants"}[len(grants) == 0]]++
		case 5:
			if len(e.Objects()) == 0 {
				continue
			}
			on := e.Objects()[rng.IntN(len(e.Objects()))].Object
			c.Permitted[on] = []identity.ObjectGrant{{Holder: identity.PrincipalName{Kind: who.Key.Kind, Name: who.Name}, Level: identity.CanManage}}
			kinds["permissions"]++
		}
	}
	return c
}

// anew is what With says that it is like.
func anew(e *estate.Estate, c estate.Changes) *estate.Estate {
	b := e.Thaw()
	for m, is := range c.Members {
		if is {
			b.AddMembership(m.Member, m.Group)
		} else {
			b.RemoveMembership(m.Member, m.Group)
		}
	}
	for _, m := range c.Forgotten {
		b.RemoveAncestor(m.Member, m.Group)
	}
	for _, a := range c.Assigned {
		b.SetAssignment(a)
	}
	for at, list := range c.Entitled {
		b.AddEntitlements(at.In, at.Who, list)
	}
	for on, list := range c.Granted {
		b.SetGrants(on, list)
	}
	for on, list := range c.Permitted {
		b.AddObjectGrants(on, list)
	}
	return b.Build()
}

// found is all that can be looked up about one principal or thing.
type found struct {
	Of   any
	Keys [][]identity.PrincipalKey
	More []any
}

// lookups are what the accessors give that go by an index of their own.
func lookups(e *estate.Estate) (all []found) {
	for p := range e.Principals() {
		f := found{Of: p.Key, More: []any{e.Settled(p.Key)}, Keys: [][]identity.PrincipalKey{
			slices.Collect(e.Parents(p.Key)), slices.Collect(e.Members(p.Key)), slices.Collect(e.Ancestors(p.Key)),
		}}
		n, ok := e.Container(p.Key)
		f.More = append(f.More, n, ok, slices.Collect(e.In(p.Key)))
		for g := range e.GrantsTo(p.Key) {
			f.More = append(f.More, g)
		}
		for s := range e.OwnedBy(p.Key) {
			f.More = append(f.More, s)
		}
		for o := range e.Permitted(p.Key) {
			f.More = append(f.More, o)
		}
		for _, o := range e.PermittedTo(func(k identity.PrincipalKey) bool { return k == p.Key }) {
			f.More = append(f.More, o)
		}
		all = append(all, f)
	}
	for s := range e.Securables() {
		owner, known := e.Owner(s.Securable)
		f := found{Of: s, More: []any{owner, known}}
		for g := range e.GrantsOn(s.Securable) {
			f.More = append(f.More, g)
		}
		all = append(all, f)
	}
	for _, o := range e.Objects() {
		all = append(all, found{Of: o, More: []any{e.ObjectGrants(o.Object)}})
	}
	rest := found{Of: "rest", More: []any{e.Unlisted(), e.Containers()}}
	for id, list := range e.AllAssignments() {
		rest.More = append(rest.More, id, list)
	}
	for id, list := range e.AllEntitlements() {
		rest.More = append(rest.More, id, list)
	}
	for g := range e.GrantsOf(identity.Select, identity.AllPrivileges) {
		rest.More = append(rest.More, g)
	}
	for g := range e.Ambiguous() {
		rest.More = append(rest.More, g)
	}
	for o := range e.Permitted(identity.PrincipalKey{}) {
		rest.More = append(rest.More, o)
	}
	return append(all, rest)
}
