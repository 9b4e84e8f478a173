package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/raced"
	"databricks-access-audit/core/report"
)

// redundancyWorlds is how many random worlds the oracle is asked about. REDUNDANCY_WORLDS says another
// number.
const redundancyWorlds = 2_000

// subjectsOf is how many principals are asked about in each.
const subjectsOf = 2

// TestRedundanciesAgreeWithTheDefinition takes grants out of random accounts, and compares everything
// that everybody can do before and after: of accounts of which everything was read, and of others of
// which that was not, which are then found out about.
func TestRedundanciesAgreeWithTheDefinition(t *testing.T) {
	n := redundancyWorlds
	if raced.On {
		n /= 20 // it is ten times slower then, and nothing is shared but the estate
	}
	if said := os.Getenv("REDUNDANCY_WORLDS"); said != "" {
		var err error
		if n, err = strconv.Atoi(said); err != nil {
			t.Fatal(err)
		}
	}
	seen := &tally{count: map[string]int{}}
	shards := 2 * runtime.GOMAXPROCS(0)
	t.Run("worlds", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for i := shard; i < n && !t.Failed(); i += shards {
					checkWorld(t, i, seen)
				}
			})
		}
	})
	t.Log(seen)
	if t.Failed() || n < redundancyWorlds {
		return
	}
	for _, what := range []string{
		report.RedundantFull, report.RedundantPartial, report.RedundantNone, report.RedundantShadowed, report.RedundantUnknown,
		"fragile", "sturdy", "covered on", "unread full", "unread unknown", "group", "inactive", "ALL PRIVILEGES covered", "MANAGE covered",
	} {
		if seen.count[what] < 20 {
			t.Errorf("only %d of %q in all these worlds: they show nothing about it", seen.count[what], what)
		}
	}
}

type tally struct {
	sync.Mutex
	count map[string]int
}

func (t *tally) add(what string) {
	t.Lock()
	defer t.Unlock()
	t.count[what]++
}

func (t *tally) String() string { return fmt.Sprint(t.count) }

func checkWorld(t *testing.T, i int, seen *tally) {
	rng := rand.New(rand.NewPCG(11, uint64(i)))
	w := accesstest.Random(rng)
	truth := plainly(w, rng)
	crawled := truth
	if i%2 == 1 {
		crawled.Hidden = hideSome(truth, w.Hidden, rng)
	}
	var of []identity.PrincipalKey
	for _, p := range truth.Principals {
		if p.Key.Workspace == 0 && p.Name != stranger && !identity.SameName(p.Name, identity.AccountUsersName) {
			of = append(of, p.Key)
		}
	}
	rng.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
	everybody := of[:min(len(of), 2*subjectsOf)]
	of = of[:min(subjectsOf, len(of))]
	c := &checked{
		truth: truth, found: analysis.Redundancies(crawled.model(), of), all: i%2 == 0, seen: seen,
		everywhere: i%8 < 2, sides: map[identity.PrincipalKey]*sides{},
	}
	if complaint := c.check(everybody); complaint != "" {
		t.Errorf("world %d: %s\nfound\n%s\nin the world\n%v", i, complaint, c.list(), crawled.World)
	}
}

// hideSome are reads that fail: those of the random world, and some more.
func hideSome(a account, some map[estate.ReadKey]accesstest.Gap, rng *rand.Rand) map[estate.ReadKey]accesstest.Gap {
	hidden := map[estate.ReadKey]accesstest.Gap{}
	for _, k := range a.Reads() {
		if gap, ok := some[k]; a.Hideable(k) && ok {
			hidden[k] = gap
		} else if a.Hideable(k) && rng.IntN(12) == 0 {
			hidden[k] = accesstest.Gap{Kind: identity.Forbidden}
		}
	}
	return hidden
}

// checked holds findings against the truth.
type checked struct {
	truth account
	found []report.Redundancy
	all   bool // everything was read
	seen  *tally
	// everywhere asks about everything, and not only about what a grant was on or around.
	everywhere bool
	after      account
	sides      map[identity.PrincipalKey]*sides
}

// sides are the accounts as one principal has them: before and after everything covered was revoked, and
// after that without all that it has itself.
type sides struct{ before, after, byGroups *asked }

func (c *checked) of(k identity.PrincipalKey) *sides {
	s, ok := c.sides[k]
	if !ok {
		truth, after := c.truth.asSeen(k), c.after.asSeen(k)
		s = &sides{before: truth.ask(k), after: after.ask(k)}
		s.after.from = s.before.from
		c.sides[k] = s
	}
	return s
}

// had says what is left of the member's to be had by its groups alone.
func (s *sides) had() *asked {
	if s.byGroups == nil {
		k := s.after.key
		s.byGroups = s.after.only(func(holder identity.PrincipalKey) bool { return !slices.Contains(s.after.persons(k), holder) }).ask(k)
		s.byGroups.from = s.before.from
	}
	return s.byGroups
}

func (c *checked) list() string {
	var lines []string
	for _, r := range c.found {
		lines = append(lines, "  "+outline(r))
	}
	return strings.Join(lines, "\n")
}

func (c *checked) units(r report.Redundancy, ps []identity.Privilege) []unit {
	var units []unit
	for _, p := range ps {
		units = append(units, unit{r.On.Securable, c.truth.who[r.Holder], p})
	}
	return units
}

func (c *checked) member(r report.Redundancy) identity.PrincipalKey {
	for _, p := range c.truth.Principals {
		if p.Key.ID == r.Member.ID && p.Key.Workspace == 0 {
			return p.Key
		}
	}
	panic("nobody has the id " + r.Member.ID)
}

// check says what is wrong with the findings, or nothing.
func (c *checked) check(everybody []identity.PrincipalKey) string {
	var covered []unit
	for _, r := range c.found {
		covered = append(covered, c.units(r, r.Revocable())...)
	}
	c.after = c.truth.without(covered...)
	touched := slices.DeleteFunc(c.truth.everything(nil), func(s identity.Securable) bool {
		return !c.everywhere && !slices.ContainsFunc(covered, func(u unit) bool { return s == u.on || within(s, u.on) || within(u.on, s) })
	})
	if len(touched) == 0 {
		everybody = nil
	}
	for _, k := range everybody { // those who were not asked about, too: they may read with the rights of these
		if what, differs := c.of(k).before.difference(c.of(k).after, touched); differs {
			return fmt.Sprintf("revoking what is covered changes something for %v: %s", k, what)
		}
	}
	for _, r := range c.found {
		if complaint := c.grant(r); complaint != "" {
			return outline(r) + ": " + complaint
		}
	}
	return ""
}

// grant checks one finding in the account without what is covered.
func (c *checked) grant(r report.Redundancy) string {
	k := c.member(r)
	s := c.of(k)
	full, some := true, false
	for _, u := range c.units(r, r.Privileges) {
		var gives []answer
		if c.all || r.Level == report.RedundantFull {
			gives = s.before.gives(u)
		}
		kept := 0
		for _, x := range gives {
			if s.had().holds(x) {
				kept++
			}
		}
		some = some || kept > 0
		switch {
		case slices.Contains(r.Kept, u.privilege):
			if _, differs := s.after.difference(s.after.without(u).ask(k), c.truth.everything(&u.on)); !differs {
				return fmt.Sprintf("%s is said to be needed, and is not", u.privilege)
			}
		case slices.Contains(r.Undecided, u.privilege):
			if c.all && len(gives) > 0 {
				return fmt.Sprintf("%s is undecided, though everything is known", u.privilege)
			}
		default:
			full = full && kept == len(gives)
		}
	}
	c.count(r, k)
	if !c.all {
		if r.Level == report.RedundantFull && !full {
			return "it is not full"
		}
		return ""
	}
	want := report.RedundantNone
	switch {
	case len(r.Kept)+len(r.Undecided) == 0 && full:
		want = report.RedundantFull
	case len(r.Kept)+len(r.Undecided) == 0:
		want = report.RedundantShadowed
	case some || len(r.Revocable()) > 0:
		want = report.RedundantPartial
	case len(r.Undecided) > 0:
		want = report.RedundantUnknown
	}
	if r.Level != want {
		return "its level should be " + want
	}
	return ""
}

// holds asks again for one answer.
func (q *asked) holds(x answer) bool {
	yes := false
	q.about(x.on, func(a answer, v access.Verdict) bool {
		if a == x {
			yes = v == access.Allowed
		}
		return a != x
	})
	return yes
}

func (c *checked) count(r report.Redundancy, k identity.PrincipalKey) {
	c.seen.add(r.Level)
	if !c.all && (r.Level == report.RedundantFull || r.Level == report.RedundantUnknown) {
		c.seen.add("unread " + r.Level)
	}
	if len(r.CoveredOn) > 0 {
		c.seen.add("covered on")
	}
	if r.Level == report.RedundantFull {
		c.seen.add(map[bool]string{true: "fragile", false: "sturdy"}[r.Fragile])
	}
	if k.Kind == identity.KindGroup {
		c.seen.add("group")
	}
	if r.Member.Active != nil && !*r.Member.Active {
		c.seen.add("inactive")
	}
	for _, p := range r.Revocable() {
		if p == identity.AllPrivileges || p == identity.Manage {
			c.seen.add(p.SQL() + " covered")
		}
	}
}
