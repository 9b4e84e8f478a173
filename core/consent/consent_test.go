package consent_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// policyText is the policy of the table tests.
const policyText = `
requesters:
  - {from: {group: 73}, for: self}
  - {from: {users: ["3"]}, for: {members_of: "73"}}
  - {from: {users: ["5"]}, for: anyone}
auditors: ["72"]
rules:
  - id: all
    approvers:
      - {name: owners, group: 71}
      - {name: security, group: 72}
    min_approvals: 1
    channels: [C0PLANS]
free_undo: true
`

func parse(t testing.TB, text string) consent.Policy {
	t.Helper()
	p, err := consent.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// with gives the policy of the table tests with another text in place of one.
func with(t testing.TB, old, other string) consent.Policy {
	t.Helper()
	if strings.Count(policyText, old) != 1 {
		t.Fatalf("%q is not once in the policy", old)
	}
	return parse(t, strings.Replace(policyText, old, other, 1))
}

// TestT04_Tiers counts votes: how many, of which sets, and where they were given.
func TestT04_Tiers(t *testing.T) {
	for name, c := range map[string]struct {
		tier  plan.Tier
		slack bool
		votes []consent.Vote
		want  consent.Outcome
		why   string
	}{
		"normal, nobody yet":               {plan.Normal, true, nil, consent.Open, "approvals are missing: 1, of owners or security"},
		"normal, one":                      {plan.Normal, true, []consent.Vote{yes(ann)}, consent.Approved, ""},
		"normal, one of the other set":     {plan.Normal, true, []consent.Vote{yes(sam)}, consent.Approved, ""},
		"normal, a no":                     {plan.Normal, true, []consent.Vote{no(ann)}, consent.Rejected, "said no"},
		"normal, a no after a yes":         {plan.Normal, true, []consent.Vote{yes(ann), no(sue)}, consent.Rejected, "said no"},
		"normal, a no of a stranger":       {plan.Normal, true, []consent.Vote{no(stranger), yes(ann)}, consent.Approved, ""},
		"normal, a no of who asked":        {plan.Normal, true, []consent.Vote{no(rita), yes(ann)}, consent.Approved, ""},
		"high, one":                        {plan.High, true, []consent.Vote{login(ann)}, consent.Open, "approvals are missing: 1"},
		"high, two of one set":             {plan.High, true, []consent.Vote{login(ann), yes(ada)}, consent.Open, "2 different sets of people: owners, security"},
		"high, two sets without login":     {plan.High, true, []consent.Vote{yes(ann), yes(sue)}, consent.Open, "approve p-0123456789 at the command line"},
		"high, two sets, one with login":   {plan.High, true, []consent.Vote{yes(ann), login(sue)}, consent.Approved, ""},
		"high, the other with login":       {plan.High, true, []consent.Vote{login(ann), yes(sue)}, consent.Approved, ""},
		"high, the login is of a stranger": {plan.High, true, []consent.Vote{yes(ann), yes(sue), login(stranger)}, consent.Open, "own login"},
		"barred from Slack":                {plan.Barred, true, []consent.Vote{login(ann), login(sue)}, consent.Refused, "never given from Slack"},
		"barred, at the command line":      {plan.Barred, false, []consent.Vote{login(ann), login(sue)}, consent.Approved, ""},
		"barred, one without login":        {plan.Barred, false, []consent.Vote{login(ann), yes(sue)}, consent.Open, "approvals are missing: 1"},
		"barred, a no without login":       {plan.Barred, false, []consent.Vote{login(ann), login(sue), no(sam)}, consent.Rejected, "said no"},
		"barred, one set":                  {plan.Barred, false, []consent.Vote{login(ann), login(ada)}, consent.Open, "different sets"},
		"a tier that is not known":         {"", true, []consent.Vote{login(ann), login(sue)}, consent.Refused, "not known how far"},
		"a tier of tomorrow":               {"extreme", true, []consent.Vote{login(ann), login(sue)}, consent.Refused, "not known how far"},
	} {
		t.Run(name, func(t *testing.T) {
			b := ballot(clonePlan(c.tier), c.votes...)
			if !c.slack {
				b.Channel = ""
			}
			r := parse(t, policyText).Rule(b, village())
			if r.Outcome != c.want || !strings.Contains(strings.Join(r.Why, "; "), c.why) || (c.why == "") != (len(r.Why) == 0) {
				t.Errorf("%s, %q; want %s, %q", r.Outcome, r.Why, c.want, c.why)
			}
			if len(r.Counted)+len(r.Void) != len(c.votes) {
				t.Errorf("%d votes became %d and %d", len(c.votes), len(r.Counted), len(r.Void))
			}
		})
	}
}

// refusals are the ways in which one who may vote comes not to: each changes one thing of a plan that sue approved.
var refusals = map[string]struct {
	change func(*town, *consent.Ballot)
	why    string
}{
	"not known to be active":             {func(f *town, _ *consent.Ballot) { f.unread["active 6"] = true }, "not known"},
	"deactivated":                        {func(f *town, _ *consent.Ballot) { f.active[sue] = false }, "may not log in"},
	"left the group":                     {func(f *town, _ *consent.Ballot) { f.members[security] = []identity.PrincipalKey{sam} }, "none of its approvers"},
	"membership not read":                {func(f *town, _ *consent.Ballot) { f.unread["in 6 72"] = true }, "not known"},
	"gains":                              {func(f *town, _ *consent.Ballot) { f.gains[sue] = true }, "give them something"},
	"gain not read":                      {func(f *town, _ *consent.Ballot) { f.unread["gains 6"] = true }, "not known"},
	"asked":                              {func(_ *town, b *consent.Ballot) { b.Requester = sue }, "asked for it"},
	"asked by another account":           {func(f *town, _ *consent.Ballot) { f.alike[[2]identity.PrincipalKey{sue, rita}] = true }, "asked for it"},
	"may have asked":                     {func(f *town, _ *consent.Ballot) { f.unread["same 3 6"] = true }, "may be who asked"},
	"target":                             {func(_ *town, b *consent.Ballot) { b.Plan.Target.Key = sue }, "for them"},
	"target by another account":          {func(f *town, _ *consent.Ballot) { f.alike[[2]identity.PrincipalKey{bob, sue}] = true }, "for them"},
	"may be the target":                  {func(f *town, _ *consent.Ballot) { f.unread["same 1 6"] = true }, "may be whom"},
	"holder of a step beside the target": {func(_ *town, b *consent.Ballot) { b.Plan.Steps = append(b.Plan.Steps, grant(sue, "sales")) }, "for them"},
	"bot":                                {func(_ *town, b *consent.Ballot) { b.Bots = append(b.Bots, sue) }, "does not vote"},
	"bot by another account": {func(f *town, b *consent.Ballot) {
		b.Bots = append(b.Bots, stranger)
		f.alike[[2]identity.PrincipalKey{stranger, sue}] = true
	}, "does not vote"},
	"source of what reaches far": {func(_ *town, b *consent.Ballot) { b.Plan.Source.Key = sue }, "what they have"},
	"the source's other account": {func(f *town, _ *consent.Ballot) { f.alike[[2]identity.PrincipalKey{alice, sue}] = true }, "what they have"},
	"may be the source":          {func(f *town, _ *consent.Ballot) { f.unread["same 6 2"] = true }, "may be who has"},
	"a group, not a person": {func(f *town, b *consent.Ballot) {
		b.Votes[1].Voter = group("6")
		f.members[security] = append(f.members[security], group("6"))
	}, "only people"},
	"a service principal": {func(f *town, b *consent.Ballot) {
		b.Votes[1].Voter = robot("6")
		f.members[security] = append(f.members[security], robot("6"))
	}, "only people"},
	"nobody":                               {func(_ *town, b *consent.Ballot) { b.Votes[1].Voter = user("") }, "only people"},
	"a user of one workspace":              {func(_ *town, b *consent.Ballot) { b.Votes[1].Voter.Workspace = 5 }, "only people"},
	"whose account's twin has a seat here": {func(f *town, _ *consent.Ballot) { f.alike[[2]identity.PrincipalKey{sue, ann}] = true }, "voted already"},
}

// TestI5_NoVoteOfThoseConcerned holds a plan with just enough votes against all that takes one away, one at a time.
func TestI5_NoVoteOfThoseConcerned(t *testing.T) {
	fresh := func() (*town, consent.Ballot) {
		f, b := village(), ballot(clonePlan(plan.High), login(ann), login(sue))
		f.active[sue] = true
		return f, b
	}
	p := parse(t, policyText)
	f, b := fresh()
	if r := p.Rule(b, f); r.Outcome != consent.Approved {
		t.Fatalf("%+v", r)
	}
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			f, b := fresh()
			c.change(f, &b)
			voter := b.Votes[1].Voter
			if voter.Kind == identity.KindUser {
				f.active[voter] = f.active[voter] || voter != sue
			} else {
				f.active[voter] = true
			}
			r := p.Rule(b, f)
			if r.Outcome == consent.Approved || r.Outcome == consent.Rejected {
				t.Errorf("%+v", r)
			}
			at := slices.IndexFunc(r.Void, func(v consent.VoidVote) bool { return v.Voter == voter })
			if at < 0 || !strings.Contains(r.Void[at].Why, c.why) {
				t.Errorf("void are %+v; want %q", r.Void, c.why)
			}
			b.Votes = b.Votes[:1]
			if err := p.MayVote(b, voter, f); (err == nil) != (c.why == "voted already") {
				t.Errorf("may vote: %v", err)
			} else if err != nil && !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v; want %q", err, c.why)
			}
		})
	}
}

// TestSourceOfAnOrdinaryPlan may vote: it gives nothing to them. Where it does, it is Gains that says so, of whichever of
// their accounts.
func TestSourceOfAnOrdinaryPlan(t *testing.T) {
	p, f := parse(t, policyText), village()
	b := ballot(clonePlan(plan.Normal))
	b.Plan.Source.Key = sue
	if err := p.MayVote(b, sue, f); err != nil {
		t.Error(err)
	}
	f.alike[[2]identity.PrincipalKey{sue, sam}] = true
	f.gains[sue] = true
	if err := p.MayVote(b, sam, f); err == nil {
		t.Error("the source votes by another account on what it gains by")
	}
}

// TestI10_RefusedBallots are plans that nobody can approve, whoever votes.
func TestI10_RefusedBallots(t *testing.T) {
	plain := func(*town, *consent.Ballot) {}
	for name, c := range map[string]struct {
		policy consent.Policy
		change func(*town, *consent.Ballot)
		why    string
	}{
		"no policy":                    {consent.Policy{}, plain, "no rule"},
		"no rule for it":               {with(t, "id: all", "id: all\n    match: {catalogs: [hr]}"), plain, "no rule"},
		"another tier":                 {with(t, "id: all", "id: all\n    match: {tiers: [normal]}"), plain, "no rule"},
		"another channel":              {with(t, "[C0PLANS]", "[C0OTHER]"), plain, "this channel"},
		"no channel":                   {with(t, "channels: [C0PLANS]", ""), plain, "names no channels"},
		"for good":                     {with(t, "min_approvals", "max_for: 8h\n    min_approvals"), plain, "for 8h at most"},
		"for too long":                 {with(t, "min_approvals", "max_for: 8h\n    min_approvals"), func(_ *town, b *consent.Ballot) { b.Plan.For = 8*3600 + 1 }, "for 8h at most"},
		"for a negative time":          {with(t, "min_approvals", "max_for: 8h\n    min_approvals"), func(_ *town, b *consent.Ballot) { b.Plan.For = -1 }, "for 8h at most"},
		"one set for what needs two":   {with(t, "- {name: security, group: 72}", ""), plain, "1 of the 2 sets"},
		"no number of votes":           {consent.Policy{Rules: []consent.ApprovalRule{{ID: "x", AnyChannel: true, Approvers: make([]consent.Set, 2)}}}, plain, "how many"},
		"a group that was not found":   {with(t, "id: all", "id: all\n    match: {groups: [nowhere]}"), func(_ *town, b *consent.Ballot) { b.Plan.Steps = []plan.Step{join(bob, "73")} }, "not found"},
		"nobody asked":                 {parse(t, policyText), func(_ *town, b *consent.Ballot) { b.Requester = identity.PrincipalKey{} }, "not known who asked"},
		"a robot asked":                {parse(t, policyText), func(_ *town, b *consent.Ballot) { b.Requester = bot }, "not known who asked"},
		"nothing to do":                {parse(t, policyText), func(_ *town, b *consent.Ballot) { b.Plan.Steps[0].Kind = plan.IDPRequired }, "nothing to approve"},
		"for somebody without an id":   {parse(t, policyText), func(_ *town, b *consent.Ballot) { b.Plan.Steps[0].Change.Cell.Holder.ID = "" }, "whom it is for"},
		"for somebody of unknown kind": {parse(t, policyText), func(_ *town, b *consent.Ballot) { b.Plan.Target.Key.Kind = identity.KindUnknown }, "whom it is for"},
		"an empty group":               {parse(t, policyText), func(f *town, _ *consent.Ballot) { f.members[security] = nil }, "nobody is left"},
		"a group that is not there":    {parse(t, policyText), func(f *town, _ *consent.Ballot) { delete(f.members, security) }, "nobody is left"},
		"all of a set gain":            {parse(t, policyText), func(f *town, _ *consent.Ballot) { f.gains[sue], f.gains[sam] = true, true }, "nobody is left"},
		"both sets are the same person": {parse(t, policyText), func(f *town, _ *consent.Ballot) {
			f.members[security], f.members[owners] = []identity.PrincipalKey{sue}, []identity.PrincipalKey{sue}
		}, "nobody is left"},
		"both sets are one human": {parse(t, policyText), func(f *town, _ *consent.Ballot) {
			f.members[security], f.members[owners] = []identity.PrincipalKey{sue}, []identity.PrincipalKey{ann}
			f.alike[[2]identity.PrincipalKey{ann, sue}] = true
		}, "nobody is left"},
	} {
		t.Run(name, func(t *testing.T) {
			f, b := village(), ballot(clonePlan(plan.High))
			c.change(f, &b)
			r := c.policy.Rule(b, f)
			if r.Outcome != consent.Refused || !strings.Contains(strings.Join(r.Why, "; "), c.why) {
				t.Errorf("%+v; want %q", r, c.why)
			}
			if c.why == "nobody is left" { // of others it is all who may not vote
				return
			}
			if err := c.policy.MayVote(b, sue, f); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("may vote: %v; want %q", err, c.why)
			}
		})
	}
	t.Run("within the time", func(t *testing.T) {
		b := ballot(clonePlan(plan.High))
		b.Plan.For = 8 * 3600
		p := with(t, "min_approvals", "max_for: 8h\n    min_approvals")
		if r := p.Rule(b, village()); r.Outcome != consent.Open {
			t.Errorf("%+v", r)
		}
		b.Plan.For = 1
		if r := p.Rule(b, village()); r.Outcome != consent.Open {
			t.Errorf("%+v", r)
		}
		b.Plan.For, b.Plan.Kind = 0, plan.Undo
		if r := p.Rule(b, village()); r.Outcome != consent.Open {
			t.Errorf("taking back has no time: %+v", r)
		}
	})
}

// TestNobodyIsLeftOnlyIfThatIsKnown keeps a plan open where it was not read who could approve it.
func TestNobodyIsLeftOnlyIfThatIsKnown(t *testing.T) {
	p := parse(t, policyText)
	for name, change := range map[string]func(*town){
		"members not read":    func(f *town) { f.members[security] = nil; f.unread["members 72"] = true },
		"gains not read":      func(f *town) { f.unread["gains 6"] = true; f.gains[sam] = true },
		"likeness not read":   func(f *town) { f.members[security], f.unread["same 6 4"] = f.members[security][:1], true },
		"membership not read": func(f *town) { f.unread["in 6 72"], f.gains[sam] = true, true },
		"two accounts of one, in both sets": func(f *town) {
			f.members[owners], f.members[security] = []identity.PrincipalKey{ann, ada}, []identity.PrincipalKey{sue}
			f.alike[[2]identity.PrincipalKey{ann, sue}] = true
		},
		"one is left": func(f *town) { f.gains[sue], f.active[ada] = true, false },
	} {
		t.Run(name, func(t *testing.T) {
			f := village()
			change(f)
			if r := p.Rule(ballot(clonePlan(plan.High)), f); r.Outcome != consent.Open {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestVotesOfSomebodyUnknown does not pass over a no: as long as it is not known whether they may say it, nothing is approved.
// A yes of theirs counts for nothing, and holds nothing up.
func TestVotesOfSomebodyUnknown(t *testing.T) {
	const rest = `{id: x, approvers: [{group: 71}, SET], min_approvals: 1, channels: any}`
	for name, c := range map[string]struct {
		policy string
		unread string
	}{
		"whose membership was not read":       {policyText, "in 6 72"},
		"in a Slack group that was not read":  {"rules: [" + strings.Replace(rest, "SET", "{slack_group: S0SEC}", 1) + "]", "-"},
		"who may be in a group without an id": {"rules: [" + strings.Replace(rest, "SET", "{group: nowhere}", 1) + "]", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			f := village()
			f.unread[c.unread] = true
			p := parse(t, c.policy)
			r := p.Rule(ballot(clonePlan(plan.Normal), yes(ann), no(sue)), f)
			if r.Outcome != consent.Open || len(r.Why) != 1 || !strings.Contains(r.Why[0], "said no") {
				t.Errorf("%+v", r)
			}
			if r := p.Rule(ballot(clonePlan(plan.Normal), yes(sue)), f); r.Outcome != consent.Open || len(r.Counted) > 0 {
				t.Errorf("%+v", r)
			}
			if r := p.Rule(ballot(clonePlan(plan.Normal), yes(sue), yes(ann)), f); r.Outcome != consent.Approved {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestVoidVotesSayWhy: one who may not vote at all is not sent to the command line for it.
func TestVoidVotesSayWhy(t *testing.T) {
	b := ballot(clonePlan(plan.Barred), yes(rita), yes(ann))
	b.Channel = ""
	r := parse(t, policyText).Rule(b, village())
	if len(r.Void) != 2 || !strings.Contains(r.Void[0].Why, "asked for it") || !strings.Contains(r.Void[1].Why, "own login") {
		t.Errorf("%+v", r.Void)
	}
}

// TestT04_PlanWithoutSource takes the votes of its tier: nobody is the source of what is taken back.
func TestT04_PlanWithoutSource(t *testing.T) {
	b := ballot(clonePlan(plan.High), login(ann), yes(sue))
	b.Plan.Kind, b.Plan.Source = plan.Undo, plan.Party{}
	if r := parse(t, policyText).Rule(b, village()); r.Outcome != consent.Approved {
		t.Errorf("%+v", r)
	}
}

// TestMoreThanTheLeast takes as many votes as the rule says, of different people.
func TestMoreThanTheLeast(t *testing.T) {
	p := with(t, "min_approvals: 1", "min_approvals: 3")
	for _, c := range []struct {
		votes []consent.Vote
		want  consent.Outcome
	}{
		{[]consent.Vote{yes(ann), yes(ada)}, consent.Open},
		{[]consent.Vote{yes(ann), yes(ann), yes(ada)}, consent.Open},
		{[]consent.Vote{yes(ann), yes(ada), yes(sue)}, consent.Approved},
	} {
		if r := p.Rule(ballot(clonePlan(plan.Normal), c.votes...), village()); r.Outcome != c.want {
			t.Errorf("%v: %+v", c.votes, r)
		}
	}
	f := village()
	f.members[security] = nil
	if r := p.Rule(ballot(clonePlan(plan.Normal)), f); r.Outcome != consent.Refused {
		t.Errorf("two people for three votes: %+v", r)
	}
}

// TestOneSeatEach lets somebody in two sets speak for one of them, whichever is wanting.
func TestOneSeatEach(t *testing.T) {
	p, f := parse(t, policyText), village()
	f.members[security] = append(f.members[security], ann)
	for _, c := range []struct {
		votes []consent.Vote
		want  consent.Outcome
	}{
		{[]consent.Vote{login(ann)}, consent.Open},
		{[]consent.Vote{login(ann), yes(ada)}, consent.Approved}, // ann for security
		{[]consent.Vote{login(ann), yes(sue)}, consent.Approved}, // ann for the owners
		{[]consent.Vote{yes(ada), login(ann)}, consent.Approved},
	} {
		if r := p.Rule(ballot(clonePlan(plan.High), c.votes...), f); r.Outcome != c.want {
			t.Errorf("%v: %+v", c.votes, r)
		}
	}
}

// TestTwoAccountsOfOneHuman count once, and for the sets of both; the vote with a login is the one that is named.
func TestTwoAccountsOfOneHuman(t *testing.T) {
	p, f := parse(t, policyText), village()
	f.alike[[2]identity.PrincipalKey{ann, sue}] = true
	r := p.Rule(ballot(clonePlan(plan.High), yes(ann), login(sue)), f)
	if r.Outcome != consent.Open || !slices.Equal(r.Counted, []consent.Vote{login(sue)}) || len(r.Void) != 1 || r.Void[0].Vote != yes(ann) {
		t.Errorf("%+v", r)
	}
	r = p.Rule(ballot(clonePlan(plan.High), login(ann), login(sue)), f)
	if !slices.Equal(r.Counted, []consent.Vote{login(ann)}) {
		t.Errorf("%+v", r)
	}
	if r = p.Rule(ballot(clonePlan(plan.Normal), yes(ann), yes(sue)), f); !slices.Equal(r.Counted, []consent.Vote{yes(ann)}) {
		t.Errorf("without logins the first counts: %+v", r)
	}
	for _, second := range []identity.PrincipalKey{ada, sam} {
		for _, both := range [][]consent.Vote{{yes(ann), login(sue)}, {login(ann), yes(sue)}} {
			if r := p.Rule(ballot(clonePlan(plan.High), append(both, yes(second))...), f); r.Outcome != consent.Approved {
				t.Errorf("%v: %+v", both, r)
			}
		}
	}
}

// TestT01_Requests says who may plan for whom.
func TestT01_Requests(t *testing.T) {
	p := parse(t, policyText)
	outsider := user("99")
	forWhom := func(k identity.PrincipalKey) plan.Plan {
		pl := clonePlan(plan.Normal, grant(k, "sales"))
		pl.Target.Key = k
		return pl
	}
	for name, c := range map[string]struct {
		by     identity.PrincipalKey
		pl     plan.Plan
		change func(*town)
		want   bool
	}{
		"for oneself":                           {bob, forWhom(bob), nil, true},
		"for oneself, not in the group":         {stranger, forWhom(stranger), nil, false},
		"for another":                           {bob, forWhom(alice), nil, false},
		"for a member":                          {rita, forWhom(alice), nil, true},
		"for a member, which was not read":      {rita, forWhom(alice), func(f *town) { f.unread["in 2 73"] = true }, false},
		"for one who is none":                   {rita, forWhom(stranger), nil, false},
		"for anyone":                            {ada, forWhom(outsider), nil, true},
		"for a service principal":               {ada, forWhom(robot("5")), nil, true},
		"for oneself as a robot of the same id": {bob, forWhom(robot("1")), nil, false},
		"deactivated":                           {ada, forWhom(outsider), func(f *town) { f.active[ada] = false }, false},
		"not known to be active":                {ada, forWhom(outsider), func(f *town) { f.unread["active 5"] = true }, false},
		"by a robot":                            {robot("5"), forWhom(outsider), func(f *town) { f.active[robot("5")] = true }, false},
		"membership not read":                   {bob, forWhom(bob), func(f *town) { f.unread["in 1 73"] = true }, false},
		"with a change for another":             {bob, clonePlan(plan.Normal, grant(bob, "sales"), grant(alice, "sales")), nil, false},
		"for nobody":                            {ada, plan.Plan{}, nil, false},
		"for a change without holder":           {ada, clonePlan(plan.Normal, grant(identity.PrincipalKey{}, "sales")), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := village()
			if c.change != nil {
				c.change(f)
			}
			err := p.MayRequest(c.by, c.pl, f)
			if (err == nil) != c.want {
				t.Errorf("%v", err)
			}
			if err != nil && err.Error() != "the policy does not let you plan for this principal" {
				t.Errorf("a refusal tells more than others: %v", err)
			}
			if (consent.Policy{}).MayRequest(c.by, c.pl, f) == nil {
				t.Error("no policy lets them")
			}
		})
	}
	unresolved := with(t, "{members_of: \"73\"}", "{members_of: everyone}")
	if unresolved.MayRequest(rita, forWhom(alice), village()) == nil {
		t.Error("a group that was not found has members")
	}
	if (consent.Policy{Requesters: []consent.Requesting{{From: p.Requesters[0].From}, {From: p.Requesters[0].From, For: consent.Members}}}).MayRequest(bob, forWhom(bob), village()) == nil {
		t.Error("a rule for nobody is for somebody")
	}
}

// TestUndoFree takes away one condition at a time.
func TestUndoFree(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := parse(t, policyText)
	step := func(before, after plan.Value) plan.Step {
		s := grant(bob, "sales")
		s.Change.Before, s.Change.After = before, after
		return s
	}
	for name, c := range map[string]struct {
		policy    consent.Policy
		parent    plan.Plan
		by        identity.PrincipalKey
		requester identity.PrincipalKey
		at, now   time.Time
		want      bool
	}{
		"as it is meant":     {p, clonePlan(plan.Normal), rita, rita, at, at.Add(time.Hour), true},
		"at once":            {p, clonePlan(plan.Normal), rita, rita, at, at, true},
		"too late":           {p, clonePlan(plan.Normal), rita, rita, at, at.Add(time.Hour + 1), false},
		"before":             {p, clonePlan(plan.Normal), rita, rita, at, at.Add(-1), false},
		"never applied":      {p, clonePlan(plan.Normal), rita, rita, time.Time{}, time.Time{}, false},
		"another's":          {p, clonePlan(plan.Normal), ann, rita, at, at, false},
		"a robot's":          {p, clonePlan(plan.Normal), bot, bot, at, at, false},
		"nobody's":           {p, clonePlan(plan.Normal), identity.PrincipalKey{}, identity.PrincipalKey{}, at, at, false},
		"high":               {p, clonePlan(plan.High), rita, rita, at, at, false},
		"barred":             {p, clonePlan(plan.Barred), rita, rita, at, at, false},
		"of no tier":         {p, clonePlan(""), rita, rita, at, at, false},
		"not allowed":        {with(t, "free_undo: true", "free_undo: false"), clonePlan(plan.Normal), rita, rita, at, at, false},
		"not spoken of":      {with(t, "free_undo: true", ""), clonePlan(plan.Normal), rita, rita, at, at, false},
		"gives back":         {p, clonePlan(plan.Normal, grant(bob, "sales"), step(plan.Present, plan.Absent)), rita, rita, at, at, false},
		"lowers":             {p, clonePlan(plan.Normal, step("CAN_READ", "CAN_RUN")), rita, rita, at, at, false},
		"changes nothing":    {p, clonePlan(plan.Normal, step(plan.Absent, plan.Absent)), rita, rita, at, at, false},
		"has nothing to do":  {p, plan.Plan{Kind: plan.Clone, Tier: plan.Normal}, rita, rita, at, at, false},
		"undo of an undo":    {p, plan.Plan{Kind: plan.Undo, Tier: plan.Normal, Steps: []plan.Step{grant(bob, "sales")}}, rita, rita, at, at, false},
		"undo of an expiry":  {p, plan.Plan{Kind: plan.Expire, Tier: plan.Normal, Steps: []plan.Step{grant(bob, "sales")}}, rita, rita, at, at, false},
		"without any policy": {consent.Policy{}, clonePlan(plan.Normal), rita, rita, at, at, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.policy.UndoFree(c.parent, c.by, c.requester, c.at, c.now); (err == nil) != c.want {
				t.Errorf("%v", err)
			}
		})
	}
}
