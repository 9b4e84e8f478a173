package accesstest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/raced"
)

// ManyWorlds is how many worlds RunMany is meant to check on every change.
const ManyWorlds = 20_000

// Of each of many worlds a few questions about a few principals are asked: more worlds find more than
// more questions about one.
const (
	manySubjects  = 2
	manyQuestions = 24
)

// RunMany compares an engine with the oracle on n random worlds, in parallel. The environment variable
// ACCESS_WORLDS says another number, ACCESS_SEED other worlds.
func RunMany(t *testing.T, n int, newSubject NewSubject) {
	if raced.On {
		n /= 20 // it is ten times slower then, and has seen all there is to see after a few
	}
	n = fromEnvironment(t, "ACCESS_WORLDS", n)
	seed := fromEnvironment(t, "ACCESS_SEED", 7)
	t.Logf("seed %d, %d worlds: ACCESS_SEED=%[1]d ACCESS_WORLDS=%[2]d does it again", seed, n)
	shards := min(n, 2*runtime.GOMAXPROCS(0))
	for shard := range shards {
		t.Run(fmt.Sprint("shard ", shard), func(t *testing.T) {
			t.Parallel()
			for i := shard; i < n && !t.Failed(); i += shards {
				checkSome(t, seed, i, newSubject)
			}
		})
	}
}

// checkSome asks an engine a few questions about one world.
func checkSome(t testing.TB, seed, i int, newSubject NewSubject) {
	m, wrong := compareSome(seed, i, newSubject)
	if !wrong {
		return
	}
	small := shrink(m.World, func(w World) bool {
		_, wrong := compareOne(w, m.Question, newSubject)
		return wrong
	})
	m, _ = compareOne(small, m.Question, newSubject)
	t.Errorf("the engine and the oracle disagree in world %d of seed %d:\n%v", i, seed, m)
}

// compareSome is Compare for a few questions.
func compareSome(seed, i int, newSubject NewSubject) (Mismatch, bool) {
	w, rng := seeded(seed, i), rand.New(rand.NewPCG(uint64(seed), ^uint64(i)))
	e, seen, subjects := w.Estate(), w.sightings(), w.subjects()
	for range min(manySubjects, len(subjects)) {
		key := subjects[rng.IntN(len(subjects))]
		oracle, subject, qs := newOracle(seen, key), newSubject(e, key), w.Questions(key)
		asked := keep(qs, func(q Question) bool { // these are few
			info, _ := w.listed(q.On)
			return q.Method == Can && q.Privilege == identity.Select && info.View()
		})
		for range manyQuestions {
			asked = append(asked, qs[rng.IntN(len(qs))])
		}
		for _, q := range asked {
			if m, wrong := compare(w, q, oracle, subject); wrong {
				return m, true
			}
		}
	}
	return Mismatch{}, false
}

func fromEnvironment(t testing.TB, name string, instead int) int {
	said := os.Getenv(name)
	if said == "" {
		return instead
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, which is no number", name, said)
	}
	return n
}
