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
			questions = append(questions, func(m *access.Model) any { return m.Principal(p.Key) })
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
