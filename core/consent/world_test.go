package consent_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// account is an account as raw facts: nothing in it is worked out.
type account struct {
	people []somebody
	// groups are nested as they please, in circles too: of[i] are the direct members of group i, as keys.
	of [][]identity.PrincipalKey
	// uses and owns are the direct holders of rights on service principals: users and groups.
	uses, owns map[identity.PrincipalKey][]identity.PrincipalKey
}

type somebody struct {
	key             identity.PrincipalKey
	active          bool
	mails, external []string
}

const firstGroup = 500

func drawAccount(t *rapid.T) *account {
	a := &account{uses: map[identity.PrincipalKey][]identity.PrincipalKey{}, owns: map[identity.PrincipalKey][]identity.PrincipalKey{}}
	for i := range rapid.IntRange(3, 8).Draw(t, "people") {
		a.people = append(a.people, somebody{
			key: user(strconv.Itoa(i + 1)), active: rapid.IntRange(0, 9).Draw(t, "active") > 0,
			mails:    few(t, "mail", 12, 2),
			external: few(t, "external", 12, 1),
		})
	}
	n := rapid.IntRange(2, 5).Draw(t, "groups")
	principal := rapid.Custom(func(t *rapid.T) identity.PrincipalKey {
		if rapid.Bool().Draw(t, "group") {
			return group(strconv.Itoa(firstGroup + rapid.IntRange(0, n-1).Draw(t, "which")))
		}
		return user(strconv.Itoa(rapid.IntRange(1, len(a.people)).Draw(t, "who")))
	})
	for range n {
		a.of = append(a.of, rapid.SliceOfN(principal, 0, 4).Draw(t, "members"))
	}
	a.uses[robot("900")] = rapid.SliceOfN(principal, 0, 2).Draw(t, "uses")
	a.owns[robot("900")] = rapid.SliceOfN(principal, 0, 1).Draw(t, "owns")
	return a
}

func few(t *rapid.T, label string, of, most int) (list []string) {
	for range rapid.IntRange(0, most).Draw(t, label+"s") {
		list = append(list, label+strconv.Itoa(rapid.IntRange(1, of).Draw(t, label)))
	}
	return list
}

// facts answers questions about the account for one target, by searches from who is asked about.
type facts struct {
	*account
	target identity.PrincipalKey
}

func (f facts) person(k identity.PrincipalKey) (somebody, bool) {
	i := slices.IndexFunc(f.people, func(s somebody) bool { return s.key == k })
	if i < 0 {
		return somebody{}, false
	}
	return f.people[i], true
}

func known(b bool) consent.Answer {
	if b {
		return consent.Yes
	}
	return consent.No
}

func (f facts) Active(k identity.PrincipalKey) consent.Answer {
	s, there := f.person(k)
	return known(there && s.active)
}

// accounts are all accounts of one human.
func (f facts) accounts(k identity.PrincipalKey) []identity.PrincipalKey {
	list := []identity.PrincipalKey{k}
	for i := 0; i < len(list); i++ {
		s, _ := f.person(list[i])
		for _, o := range f.people {
			if !slices.Contains(list, o.key) && (slices.ContainsFunc(s.mails, func(m string) bool { return slices.Contains(o.mails, m) }) ||
				slices.ContainsFunc(s.external, func(m string) bool { return slices.Contains(o.external, m) })) {
				list = append(list, o.key)
			}
		}
	}
	return list
}

func (f facts) Same(a, b identity.PrincipalKey) consent.Answer {
	return known(slices.Contains(f.accounts(a), b))
}

// above are the groups that a key is in.
func (f facts) above(k identity.PrincipalKey) map[identity.PrincipalKey]bool {
	seen := map[identity.PrincipalKey]bool{}
	var climb func(identity.PrincipalKey)
	climb = func(k identity.PrincipalKey) {
		for i, members := range f.of {
			if g := group(strconv.Itoa(firstGroup + i)); slices.Contains(members, k) && !seen[g] {
				seen[g] = true
				climb(g)
			}
		}
	}
	climb(k)
	return seen
}

func (f facts) In(k identity.PrincipalKey, id string) consent.Answer {
	return known(f.above(k)[group(id)])
}

func (f facts) Gains(k identity.PrincipalKey) consent.Answer {
	for _, one := range f.accounts(k) {
		above := f.above(one)
		if above[f.target] || slices.ContainsFunc(slices.Concat(f.uses[f.target], f.owns[f.target]), func(h identity.PrincipalKey) bool { return h == one || above[h] }) {
			return consent.Yes
		}
	}
	return consent.No
}

func (f facts) Members(id string) (list []identity.PrincipalKey, a consent.Answer) {
	for _, s := range f.people {
		if f.above(s.key)[group(id)] {
			list = append(list, s.key)
		}
	}
	return list, consent.Yes
}

func (f facts) UserGroup(string) consent.UserGroup { return consent.UserGroup{} }

// oracle says the same from the words of the threat, by passes over all pairs until nothing changes: it shares no step with
// facts.
type oracle struct {
	human, inside map[[2]identity.PrincipalKey]bool
}

func newOracle(a *account) oracle {
	o := oracle{map[[2]identity.PrincipalKey]bool{}, map[[2]identity.PrincipalKey]bool{}}
	for _, x := range a.people {
		for _, y := range a.people {
			if x.key == y.key {
				o.human[[2]identity.PrincipalKey{x.key, y.key}] = true
			}
			for _, p := range x.mails {
				for _, q := range y.mails {
					if p == q {
						o.human[[2]identity.PrincipalKey{x.key, y.key}] = true
					}
				}
			}
			for _, p := range x.external {
				for _, q := range y.external {
					if p == q {
						o.human[[2]identity.PrincipalKey{x.key, y.key}] = true
					}
				}
			}
		}
	}
	for i, members := range a.of {
		for _, m := range members {
			o.inside[[2]identity.PrincipalKey{m, group(strconv.Itoa(firstGroup + i))}] = true
		}
	}
	transitive(o.human)
	transitive(o.inside)
	return o
}

func transitive(r map[[2]identity.PrincipalKey]bool) {
	for grown := true; grown; {
		grown = false
		for p := range r {
			for q := range r {
				if both := [2]identity.PrincipalKey{p[0], q[1]}; p[1] == q[0] && !r[both] {
					r[both], grown = true, true
				}
			}
		}
	}
}

// mayVote is who may: an active user in a set of approvers; not who asked; not who the plan is for, nor a human in the group
// that it is for, nor one who may use, manage or owns the service principal that it is for; and not the source of what reaches
// far. All of that holds for a human, by whichever account.
func (o oracle) mayVote(a *account, b consent.Ballot, voter identity.PrincipalKey, sets []string) bool {
	at := slices.IndexFunc(a.people, func(s somebody) bool { return s.key == voter })
	if at < 0 || !a.people[at].active {
		return false
	}
	target := b.Plan.Target.Key
	for _, s := range a.people {
		if !o.human[[2]identity.PrincipalKey{voter, s.key}] {
			continue
		}
		if s.key == b.Requester || s.key == target || slices.Contains(b.Bots, s.key) || o.inside[[2]identity.PrincipalKey{s.key, target}] {
			return false
		}
		if b.Plan.Tier != plan.Normal && s.key == b.Plan.Source.Key {
			return false
		}
		for _, holders := range [][]identity.PrincipalKey{a.uses[target], a.owns[target]} {
			for _, h := range holders {
				if h == s.key || o.inside[[2]identity.PrincipalKey{s.key, h}] {
					return false
				}
			}
		}
	}
	for _, id := range sets {
		if o.inside[[2]identity.PrincipalKey{voter, group(id)}] {
			return true
		}
	}
	return false
}

// TestT03_I5_OracleAgrees holds every voter of random accounts, with nested groups and people of several accounts, against
// the oracle, and every ballot against invariant I5.
func TestT03_I5_OracleAgrees(t *testing.T) {
	sets := []string{strconv.Itoa(firstGroup), strconv.Itoa(firstGroup + 1)}
	p := parse(t, fmt.Sprintf(`{rules: [{id: m, approvers: [{group: %s}, {group: %s}], min_approvals: 1, channels: any}]}`, sets[0], sets[1]))
	seen := map[string]int{}
	check := func(t *rapid.T) {
		a := drawAccount(t)
		one := rapid.Custom(func(t *rapid.T) identity.PrincipalKey {
			return user(strconv.Itoa(rapid.IntRange(1, len(a.people)).Draw(t, "who")))
		})
		target := rapid.OneOf(one, rapid.Just(robot("900")), rapid.Custom(func(t *rapid.T) identity.PrincipalKey {
			return group(strconv.Itoa(firstGroup + rapid.IntRange(0, len(a.of)-1).Draw(t, "group")))
		})).Draw(t, "target")
		tier := rapid.SampledFrom([]plan.Tier{plan.Normal, plan.High, plan.Barred}).Draw(t, "tier")
		pl := clonePlan(tier, grant(target, "sales"))
		pl.Target.Key, pl.Source.Key = target, one.Draw(t, "source")
		b := consent.Ballot{Plan: pl, Requester: one.Draw(t, "requester"), Bots: []identity.PrincipalKey{bot}}
		if rapid.Bool().Draw(t, "a user is the bot") {
			b.Bots = append(b.Bots, one.Draw(t, "bot"))
		}
		f, o := facts{a, target}, newOracle(a)
		for _, s := range a.people {
			want := o.mayVote(a, b, s.key, sets)
			if err := p.MayVote(b, s.key, f); (err == nil) != want {
				t.Fatalf("%v: %v, want %v", s.key, err, want)
			}
			seen[fmt.Sprint("may vote: ", want)]++
		}
		var ayes []identity.PrincipalKey
		refused := false
		for _, k := range rapid.SliceOfN(one, 0, 6).Draw(t, "voters") {
			v := consent.Vote{Voter: k, Approve: rapid.IntRange(0, 4).Draw(t, "vote") > 0, Login: rapid.Bool().Draw(t, "login")}
			b.Votes = append(b.Votes, v)
			if !o.mayVote(a, b, k, sets) {
				continue
			}
			refused = refused || !v.Approve
			if v.Approve && (v.Login || tier != plan.Barred) {
				ayes = append(ayes, k)
			}
		}
		r := p.Rule(b, f)
		seen[string(r.Outcome)]++
		for i, v := range r.Counted {
			if !o.mayVote(a, b, v.Voter, sets) {
				t.Fatalf("a vote of %v counts: %+v", v.Voter, r)
			}
			for _, other := range r.Counted[:i] {
				if v.Approve && other.Approve && o.human[[2]identity.PrincipalKey{v.Voter, other.Voter}] {
					t.Fatalf("%v and %v are one human: %+v", v.Voter, other.Voter, r)
				}
			}
		}
		if refused != (r.Outcome == consent.Rejected) {
			t.Fatalf("a no that counts is %v: %+v", refused, r)
		}
		// Two are needed above the normal tier: different humans, for different sets.
		enough := tier == plan.Normal && len(ayes) > 0
		for _, x := range ayes {
			for _, y := range ayes {
				enough = enough || !o.human[[2]identity.PrincipalKey{x, y}] && by(o, x, sets[0]) && by(o, y, sets[1])
			}
		}
		if r.Outcome == consent.Approved && !enough {
			t.Fatalf("approved by %v: %+v", ayes, r)
		}
		if enough && tier != plan.High && !refused && r.Outcome != consent.Approved {
			t.Fatalf("not approved by %v: %+v", ayes, r)
		}
		possible(t, p, b, f, r)
	}
	for range 20 {
		rapid.Check(t, check)
	}
	for _, what := range []string{"may vote: true", "may vote: false", "open", "approved", "rejected", "refused"} {
		if seen[what] < 20 {
			t.Errorf("%q happened %d times: the accounts do not say much of it", what, seen[what])
		}
	}
}

// by reports whether somebody speaks for a set by any of their accounts that may be in it.
func by(o oracle, k identity.PrincipalKey, id string) bool {
	return o.inside[[2]identity.PrincipalKey{k, group(id)}]
}

// possible holds "nobody is left" against letting everybody vote who may.
func possible(t *rapid.T, p consent.Policy, b consent.Ballot, f facts, r consent.Ruling) {
	if r.Outcome != consent.Refused && r.Outcome != consent.Open {
		return
	}
	for _, s := range f.people {
		if p.MayVote(b, s.key, f) == nil {
			b.Votes = append(b.Votes, login(s.key))
		}
	}
	b.Votes = slices.DeleteFunc(b.Votes, func(v consent.Vote) bool { return !v.Approve })
	if all := p.Rule(b, f); (all.Outcome == consent.Approved) != (r.Outcome == consent.Open) {
		t.Fatalf("%s, and when all vote %s: %+v", r.Outcome, all.Outcome, all)
	}
}

// asked notes what is asked of the facts, and gives another answer to one question.
type asked struct {
	consent.Facts
	questions map[string]consent.Answer
	change    string
	to        consent.Answer
}

func (a *asked) note(question string, answer consent.Answer) consent.Answer {
	if question == a.change {
		answer = a.to
	}
	a.questions[question] = answer
	return answer
}

func (a *asked) Active(k identity.PrincipalKey) consent.Answer {
	return a.note("active "+k.ID, a.Facts.Active(k))
}

func (a *asked) Same(x, y identity.PrincipalKey) consent.Answer {
	if x.Compare(y) > 0 {
		x, y = y, x
	}
	return a.note("same "+x.ID+" "+y.ID, a.Facts.Same(x, y))
}

func (a *asked) In(k identity.PrincipalKey, id string) consent.Answer {
	return a.note("in "+k.ID+" "+id, a.Facts.In(k, id))
}

func (a *asked) Gains(k identity.PrincipalKey) consent.Answer {
	return a.note("gains "+k.ID, a.Facts.Gains(k))
}

// TestI10_EveryFactIsNeeded turns each fact that an approval rests on into its opposite, and into what is not known.
func TestI10_EveryFactIsNeeded(t *testing.T) {
	p := parse(t, policyText)
	b := ballot(clonePlan(plan.High), login(ann), yes(sue))
	run := func(change string, to consent.Answer) (consent.Ruling, map[string]consent.Answer) {
		f := &asked{village(), map[string]consent.Answer{}, change, to}
		return p.Rule(b, f), f.questions
	}
	r, questions := run("", consent.Unknown)
	if r.Outcome != consent.Approved {
		t.Fatalf("%+v", r)
	}
	tried := map[string]int{}
	for q, answer := range questions {
		word, who, _ := strings.Cut(q, " ")
		first, second, _ := strings.Cut(who, " ")
		ofVoter := first == ann.ID || first == sue.ID || word == "same" && (second == ann.ID || second == sue.ID)
		switch {
		case !ofVoter: // such as whether who asked is the target, which they may be
			continue
		case word == "in" && answer != consent.Yes: // one set is enough for each
			continue
		}
		tried[word]++
		for _, to := range []consent.Answer{consent.Unknown, consent.Yes, consent.No} {
			if to == answer {
				continue
			}
			if r, _ := run(q, to); r.Outcome == consent.Approved {
				t.Errorf("approved although the answer to %q is %d, not %d", q, to, answer)
			}
		}
	}
	if tried["active"] != 2 || tried["gains"] != 2 || tried["in"] != 2 || tried["same"] < 7 {
		t.Errorf("tried %v", tried)
	}
}
