package accesstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// law is something that holds between a world and a changed one, whatever the rules of access are.
type law struct {
	name string
	// change chooses a change that fits the world. The change itself must also bear a world from
	// which something was taken away, since failures are shrunk.
	change func(rng *rand.Rand, w World) func(World) World
	// renamed is how a question about the world is asked about the changed one; nil leaves it.
	renamed func(Question) Question
	// holds says whether the answers before and after agree with the law.
	holds func(before, after Reply) bool
}

func laws() []law {
	return []law{
		{
			name: "another grant never takes access away",
			change: func(rng *rand.Rand, w World) func(World) World {
				g := anyGrant(rng, w)
				return func(w World) World {
					w.Grants = append(slices.Clone(w.Grants), g)
					return w
				}
			},
			holds: func(before, after Reply) bool {
				return before.Verdict != access.Allowed || before == after
			},
		},
		{
			name: "the order of facts does not matter",
			change: func(*rand.Rand, World) func(World) World {
				return func(w World) World {
					w.Order++
					return w
				}
			},
			holds: func(before, after Reply) bool { return before == after },
		},
		{
			name: "hiding a read turns answers to unknown and nothing else",
			change: func(rng *rand.Rand, w World) func(World) World {
				reads := keep(w.Reads(), w.Hideable)
				k := reads[rng.IntN(len(reads))]
				gap := Gap{Kind: identity.Forbidden, Keep: uint64(rng.IntN(2)) * rng.Uint64()}
				// What a gap had kept before must not come back with the new one.
				if old, hidden := w.Hidden[k]; hidden {
					gap.Keep &= old.Keep
				}
				return func(w World) World {
					if !w.Hideable(k) {
						return w
					}
					return w.hide(k, gap)
				}
			},
			holds: learntNothing,
		},
		{
			name: "what was read of a world is true of the whole of it",
			change: func(*rand.Rand, World) func(World) World {
				return func(w World) World {
					w.Hidden = nil
					return w
				}
			},
			holds: func(before, after Reply) bool { return learntNothing(after, before) },
		},
		{
			name: "keys are only names",
			change: func(*rand.Rand, World) func(World) World {
				return World.renamed
			},
			renamed: func(q Question) Question {
				q.Subject, q.Group = renamed(q.Subject), renamed(q.Group)
				return q
			},
			holds: func(before, after Reply) bool { return before == after },
		},
	}
}

// learntNothing reports whether the second answer may come from knowing less than the first.
func learntNothing(more, less Reply) bool {
	return less.Permission <= more.Permission && (less.Verdict == access.Unknown || less.Verdict == more.Verdict)
}

func anyGrant(rng *rand.Rand, w World) identity.Grant {
	on := w.Securables[rng.IntN(len(w.Securables))]
	holders := []string{identity.AccountUsersName, ""}
	for _, p := range w.Principals {
		holders = append(holders, p.Name)
	}
	for _, ws := range w.Workspaces {
		holders = append(holders, "_workspace_users_"+ws.String())
	}
	privileges := append([]identity.Privilege{identity.AllPrivileges}, sample[on.Type]...)
	return identity.Grant{
		Securable:  on.Securable,
		Holder:     holders[rng.IntN(len(holders))],
		Privileges: []identity.Privilege{privileges[rng.IntN(len(privileges))]},
	}
}

// renamed gives every numbered principal another number, in the opposite order.
func (w World) renamed() World {
	w.Principals = slices.Clone(w.Principals)
	for i := range w.Principals {
		w.Principals[i].Key = renamed(w.Principals[i].Key)
	}
	w.Memberships = slices.Clone(w.Memberships)
	for i, m := range w.Memberships {
		w.Memberships[i] = identity.Membership{Member: renamed(m.Member), Group: renamed(m.Group)}
	}
	w.SamePerson = slices.Clone(w.SamePerson)
	for i, pair := range w.SamePerson {
		w.SamePerson[i] = [2]identity.PrincipalKey{renamed(pair[0]), renamed(pair[1])}
	}
	w.Assignments = slices.Clone(w.Assignments)
	for i := range w.Assignments {
		w.Assignments[i].Principal = renamed(w.Assignments[i].Principal)
	}
	w.Roles = slices.Clone(w.Roles)
	for i := range w.Roles {
		w.Roles[i].On = renamed(w.Roles[i].On)
	}
	w.Entitlements = slices.Clone(w.Entitlements)
	for i := range w.Entitlements {
		w.Entitlements[i].Holder = renamed(w.Entitlements[i].Holder)
	}
	hidden := map[estate.ReadKey]Gap{}
	for k, gap := range w.Hidden {
		k.Principal = renamed(k.Principal)
		hidden[k] = gap
	}
	w.Hidden = hidden
	return w
}

func renamed(k identity.PrincipalKey) identity.PrincipalKey {
	if n, err := strconv.Atoi(k.ID); err == nil {
		k.ID = strconv.Itoa(10000 - n)
	}
	return k
}

// propertyWorlds is how many worlds each law is tried on.
const propertyWorlds = 100

// propertyWorld is the i-th of them, with the source of the choices that are made about it.
func propertyWorld(i int) (*rand.Rand, World) {
	rng := rand.New(rand.NewPCG(2, uint64(i)))
	return rng, Random(rng)
}

// Properties checks an engine against laws that need no oracle, on random worlds.
func Properties(t *testing.T, newSubject NewSubject) {
	for _, law := range laws() {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			for i := range propertyWorlds {
				rng, w := propertyWorld(i)
				if broken := law.check(rng, w, newSubject); broken != "" {
					t.Fatalf("broken in world %d of %d: %s", i, propertyWorlds, broken)
				}
			}
		})
	}
	t.Run("facts in any order give one fingerprint", func(t *testing.T) {
		t.Parallel()
		for i := range propertyWorlds {
			_, w := propertyWorld(i)
			first := w.Estate().Fingerprint()
			w.Order++
			if second := w.Estate().Fingerprint(); second != first {
				t.Fatalf("two fingerprints of the world\n%v", w)
			}
		}
	})
}

// check looks for a question about the world whose answers break the law. It asks about three
// principals, to be quick.
func (l law) check(rng *rand.Rand, w World, newSubject NewSubject) string {
	change := l.change(rng, w)
	ask := func(w World, e *estate.Estate, qs []Question) []Reply {
		var replies []Reply
		subjects := map[identity.PrincipalKey]Subject{}
		for _, q := range qs {
			s, ok := subjects[q.Subject]
			if !ok {
				s = newSubject(e, q.Subject)
				subjects[q.Subject] = s
			}
			replies = append(replies, q.Ask(s))
		}
		return replies
	}
	broken := func(w World, qs []Question) (at int, before, after Reply) {
		changed := change(w)
		asked := slices.Clone(qs)
		if l.renamed != nil {
			for i := range asked {
				asked[i] = l.renamed(asked[i])
			}
		}
		befores, afters := ask(w, w.Estate(), qs), ask(changed, changed.Estate(), asked)
		for i := range qs {
			if !l.holds(befores[i], afters[i]) {
				return i, befores[i], afters[i]
			}
		}
		return -1, Reply{}, Reply{}
	}
	var qs []Question
	subjects := w.subjects()
	for _, i := range rng.Perm(len(subjects))[:min(3, len(subjects))] {
		qs = append(qs, w.Questions(subjects[i])...)
	}
	at, _, _ := broken(w, qs)
	if at < 0 {
		return ""
	}
	qs = qs[at : at+1]
	w = shrink(w, func(w World) bool {
		at, _, _ := broken(w, qs)
		return at == 0
	})
	_, before, after := broken(w, qs)
	return fmt.Sprintf("%v\n  before %v\n  after  %v\nbefore:\n%v\nafter:\n%v", qs[0], before, after, w, change(w))
}
