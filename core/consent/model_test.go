package consent_test

import (
	"fmt"
	"strconv"
	"testing"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// kind is all that tells one voter of the model from another: in which of the two sets they are, as bits, and what they say.
type kind struct {
	sets int
	vote consent.Vote
}

func kinds() (list []kind) {
	for sets := range 4 {
		for _, v := range []consent.Vote{yes(identity.PrincipalKey{}), login(identity.PrincipalKey{}), no(identity.PrincipalKey{})} {
			list = append(list, kind{sets, v})
		}
	}
	return list
}

// expected is how a ballot stands after these votes, from the words of the rule: a no of one who may vote ends it; at the
// normal tier enough people of any set suffice; above it two of them must speak for two sets, and one with a login; and what
// is barred counts votes with a login alone.
func expected(tier plan.Tier, least int, voters []kind) consent.Outcome {
	var ayes []kind
	for _, v := range voters {
		switch {
		case v.sets == 0:
		case !v.vote.Approve:
			return consent.Rejected
		case v.vote.Login || tier != plan.Barred:
			ayes = append(ayes, v)
		}
	}
	pair, with := tier == plan.Normal, tier != plan.High
	for i, a := range ayes {
		with = with || a.vote.Login
		for j, b := range ayes {
			pair = pair || i != j && a.sets&1 != 0 && b.sets&2 != 0
		}
	}
	if pair && with && len(ayes) >= least {
		return consent.Approved
	}
	return consent.Open
}

// TestT04_EveryOrderOfVotes is every ballot of at most five voters and two sets, in every order of their votes. Voters who
// could be exchanged are looked at once.
func TestT04_EveryOrderOfVotes(t *testing.T) {
	seen := map[consent.Outcome]int{}
	for _, c := range []struct {
		tier          plan.Tier
		least, voters int
	}{{plan.Normal, 1, 4}, {plan.Normal, 2, 5}, {plan.High, 1, 5}, {plan.High, 3, 4}, {plan.Barred, 1, 4}} {
		p := parse(t, fmt.Sprintf(`{rules: [{id: m, approvers: [{group: 71}, {group: 72}], min_approvals: %d, channels: any}]}`, c.least))
		f := village()
		populate := func(voters []kind) {
			f.members[owners], f.members[security] = []identity.PrincipalKey{ann, ada}, []identity.PrincipalKey{sue, sam}
			for i, v := range voters {
				k := user(strconv.Itoa(100 + i))
				f.active[k] = true
				for bit, g := range []string{owners, security} {
					if v.sets&(1<<bit) != 0 {
						f.members[g] = append(f.members[g], k)
					}
				}
			}
		}
		b := ballot(clonePlan(c.tier))
		b.Channel = ""
		rule := func(voters []kind, order []int) consent.Ruling {
			b.Votes = b.Votes[:0]
			for _, i := range order {
				v := voters[i].vote
				v.Voter = user(strconv.Itoa(100 + i))
				b.Votes = append(b.Votes, v)
			}
			return p.Rule(b, f)
		}
		ballots(kinds(), c.voters, func(voters []kind) {
			want := expected(c.tier, c.least, voters)
			seen[want]++
			populate(voters)
			orders(voters, func(order []int) {
				if got := rule(voters, order); got.Outcome != want {
					t.Fatalf("%s, at least %d: %v in the order %v: %+v, want %s", c.tier, c.least, voters, order, got, want)
				}
			})
			// What comes of votes one by one is decided by those before the first no alone.
			orders(voters, func(order []int) {
				var said []kind
				var end consent.Outcome
				for _, i := range order {
					said = append(said, voters[i])
					if end = expected(c.tier, c.least, said); end == consent.Approved || end == consent.Rejected {
						break
					}
				}
				before := said
				if end == consent.Rejected {
					before = said[:len(said)-1]
				}
				if late := expected(c.tier, c.least, before); end == consent.Rejected && late != consent.Open || end == consent.Approved && want == consent.Open {
					t.Fatalf("%v in the order %v ends %s", voters, order, end)
				}
			})
		})
	}
	for _, o := range []consent.Outcome{consent.Open, consent.Approved, consent.Rejected} {
		if seen[o] < 1000 {
			t.Errorf("only %d ballots end %s: the model does not say much of it", seen[o], o)
		}
	}
}

// ballots gives every choice of at most n of the kinds, with repetition and without regard to order.
func ballots(of []kind, n int, yield func([]kind)) {
	var choose func(from int, list []kind)
	choose = func(from int, list []kind) {
		yield(list)
		if len(list) == n {
			return
		}
		for i := from; i < len(of); i++ {
			choose(i, append(list[:len(list):len(list)], of[i]))
		}
	}
	choose(0, nil)
}

// orders gives every order of the voters; those that only exchange voters of one kind are the same order.
func orders(voters []kind, yield func([]int)) {
	order := make([]int, 0, len(voters))
	used := make([]bool, len(voters))
	var next func()
	next = func() {
		if len(order) == len(voters) {
			yield(order)
		}
		tried := map[kind]bool{}
		for i, k := range voters {
			if used[i] || tried[k] {
				continue
			}
			used[i], tried[k] = true, true
			order = append(order, i)
			next()
			order = order[:len(order)-1]
			used[i] = false
		}
	}
	next()
}
