package consent

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// voter is one human whose approval counts.
type voter struct {
	keys []identity.PrincipalKey
	sets []int
	// login says that one of their votes was given with their own login.
	login bool
}

// Rule says how the ballot stands, by all votes of it at once: their order is of no account. The votes of one human count as
// one, in any one of the sets that the human is in.
func (p Policy) Rule(b Ballot, f Facts) Ruling {
	h, against := p.hear(b, f)
	var r Ruling
	if h.rule != nil {
		r.Rule = h.rule.ID
		for _, s := range h.rule.Approvers {
			r.Approvers = append(r.Approvers, s.String())
		}
	}
	if len(against) > 0 {
		r.Outcome, r.Why = Refused, against
		for _, v := range b.Votes {
			r.Void = append(r.Void, VoidVote{v, against[0]})
		}
		return r
	}
	voters, doubts, rejected := h.count(&r)
	switch missing := slices.Concat(doubts, h.missing(voters)); {
	case rejected:
		r.Outcome = Rejected
		r.Why = []string{"one who may vote on it said no"}
	case len(missing) == 0:
		r.Outcome = Approved
	case !h.possible(voters):
		r.Outcome = Refused
		r.Why = []string{fmt.Sprintf("nobody is left who could approve it: of those in rule %s too few may vote", h.rule.ID)}
	default:
		r.Outcome, r.Why = Open, missing
	}
	return r
}

// count sorts the votes into those that count and those that do not. The doubts are those of people who said no and of whom
// it is not known whether they may: until it is, nothing is approved over their heads.
func (h *hearing) count(r *Ruling) (voters []voter, doubts []string, rejected bool) {
	at, counted := map[int]int{}, map[int]int{} // person: where in voters, and in r.Counted
	for _, v := range h.Votes {
		right := h.right(v.Voter)
		switch {
		case right.may == Yes && !v.Approve:
			rejected = true
			r.Counted = append(r.Counted, v)
			continue
		case right.may == Unknown && !v.Approve:
			doubts = append(doubts, "somebody said no, of whom it is not known whether they may: "+right.why)
		case right.may == Yes && h.Plan.Tier == plan.Barred && !v.Login:
			right.may, right.why = No, "what it gives takes votes at the command line, with one's own login"
		}
		if right.may != Yes {
			r.Void = append(r.Void, VoidVote{v, right.why})
			continue
		}
		who := h.people.person(v.Voter)
		i, again := at[who]
		if !again {
			i = len(voters)
			at[who], counted[who] = i, len(r.Counted)
			voters = append(voters, voter{})
			r.Counted = append(r.Counted, v)
		} else {
			void := v
			if first := &r.Counted[counted[who]]; v.Login && !first.Login {
				void, *first = *first, v
			}
			r.Void = append(r.Void, VoidVote{void, "they have voted already, perhaps by another of their accounts"})
		}
		one := &voters[i]
		one.keys = append(one.keys, v.Voter)
		one.login = one.login || v.Login
		one.sets = union(one.sets, right.sets)
	}
	return voters, doubts, rejected
}

func union(a, b []int) []int {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// missing says what there must be besides these votes.
func (h *hearing) missing(voters []voter) (list []string) {
	if n := h.votesNeeded() - len(voters); n > 0 {
		list = append(list, fmt.Sprintf("approvals are missing: %d, of %s", n, h.names(" or ")))
	}
	if len(voters) > 0 && matched(voters, len(h.rule.Approvers)) < h.setsNeeded() {
		list = append(list, fmt.Sprintf("the approvals must come from %d different sets of people: %s", h.setsNeeded(), h.names(", ")))
	}
	if h.Plan.Tier == plan.High && !slices.ContainsFunc(voters, func(v voter) bool { return v.login }) {
		list = append(list, fmt.Sprintf("one of the approvals must be given with one's own login: approve %s at the command line", h.Plan.ID))
	}
	return list
}

func (h *hearing) names(between string) string {
	var list []string
	for _, s := range h.rule.Approvers {
		list = append(list, s.String())
	}
	return strings.Join(list, between)
}

// matched is of how many sets there can be a vote when each person speaks for one set alone: the size of a largest matching.
func matched(voters []voter, sets int) int {
	speaker := make([]int, sets) // set: who speaks for it, plus one
	var place func(v int, tried []bool) bool
	place = func(v int, tried []bool) bool {
		for _, s := range voters[v].sets {
			if tried[s] {
				continue
			}
			tried[s] = true
			if speaker[s] == 0 || place(speaker[s]-1, tried) {
				speaker[s] = v + 1
				return true
			}
		}
		return false
	}
	n := 0
	for v := range voters {
		if place(v, make([]bool, sets)) {
			n++
		}
	}
	return n
}

// possible reports whether the votes could still come to suffice, if all who may vote, or of whom it is not known, did. Who
// has voted is among them, and may vote again by another account.
func (h *hearing) possible(voters []voter) bool {
	enough := func(list []voter) bool {
		return len(list) >= h.votesNeeded() && matched(list, len(h.rule.Approvers)) >= h.setsNeeded()
	}
	list := slices.Clone(voters)
	var people humans
	for _, v := range voters {
		for _, k := range v.keys {
			people.add(h.facts, k)
		}
	}
	for i, s := range h.rule.Approvers {
		keys, all := s.people(h.facts)
		if all == Unknown { // it may be full of people
			list = append(list, slices.Repeat([]voter{{sets: []int{i}}}, h.votesNeeded())...)
		}
		for _, k := range keys {
			if enough(list) {
				return true
			}
			right := h.right(k)
			if right.may == No {
				continue
			}
			more := people.with(h.facts, k)
			is := func(other identity.PrincipalKey) bool { return more.same(other, k) == Yes }
			switch one := slices.IndexFunc(list, func(v voter) bool { return slices.ContainsFunc(v.keys, is) }); {
			case one >= 0:
				list[one].sets = union(list[one].sets, right.perhaps)
			case !h.plenty(list, right.perhaps):
				people = more
				list = append(list, voter{keys: []identity.PrincipalKey{k}, sets: right.perhaps})
			}
		}
	}
	return enough(list)
}

// plenty reports whether there are so many people in the same sets that one more makes no difference.
func (h *hearing) plenty(list []voter, sets []int) bool {
	n := 0
	for _, v := range list {
		if slices.Equal(v.sets, sets) {
			n++
		}
	}
	return n >= h.votesNeeded()
}
