package consent_test

import (
	"strings"
	"testing"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// pair are two keys that may be alike.
type pair = [2]identity.PrincipalKey

// TestOneCertainReasonIsEnough passes over the no of somebody who certainly may not vote, whatever else is not known of them.
func TestOneCertainReasonIsEnough(t *testing.T) {
	for name, c := range map[string]struct {
		voter  identity.PrincipalKey
		change func(*town)
	}{
		"who asked, perhaps deactivated":             {rita, func(f *town) { f.unread["active 3"] = true }},
		"who asked, and perhaps the target":          {rita, func(f *town) { f.unread["same 3 1"] = true }},
		"deactivated, and perhaps who asked":         {sue, func(f *town) { f.unread["same 3 6"] = true; f.active[sue] = false }},
		"no approver, perhaps deactivated":           {stranger, func(f *town) { f.unread["active 8"] = true }},
		"an approver who asked, perhaps deactivated": {sue, func(f *town) { f.alike[pair{rita, sue}] = true; f.unread["active 6"] = true }},
		"no person": {robot("6"), func(f *town) { f.active[robot("6")] = true }},
	} {
		t.Run(name, func(t *testing.T) {
			f := village()
			c.change(f)
			if r := parse(t, policyText).Rule(ballot(clonePlan(plan.Normal), yes(ann), no(c.voter)), f); r.Outcome != consent.Approved {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestDoubtfulLikeness is taken for one where it takes a vote away.
func TestDoubtfulLikeness(t *testing.T) {
	p := parse(t, policyText)
	for name, change := range map[string]func(*town, *consent.Ballot){
		"the source, which gains":                         func(f *town, _ *consent.Ballot) { f.unread["same 2 6"], f.gains[alice] = true, true },
		"the source, which does not gain, while she does": func(f *town, _ *consent.Ballot) { f.unread["same 2 6"], f.gains[sue] = true, true },
		"one who voted, and gains": func(f *town, b *consent.Ballot) {
			f.unread["same 8 6"], f.gains[stranger] = true, true
			b.Votes = []consent.Vote{yes(stranger)}
		},
		"who asked, by way of one who voted": func(f *town, b *consent.Ballot) {
			f.unread["same 3 8"], f.alike[pair{stranger, sue}] = true, true
			b.Votes = []consent.Vote{yes(stranger)}
		},
		"the target, by way of who may be the source": func(f *town, _ *consent.Ballot) { f.unread["same 1 2"], f.unread["same 2 6"] = true, true },
		"two of whom it is not known what they are":   func(f *town, _ *consent.Ballot) { f.unread["same 1 2"], f.alike[pair{alice, sue}] = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			f, b := village(), ballot(clonePlan(plan.Normal))
			if err := p.MayVote(b, sue, f); err != nil {
				t.Fatal(err)
			}
			change(f, &b)
			if p.MayVote(b, sue, f) == nil {
				t.Error("she may vote")
			}
			if err := p.MayVote(b, sam, f); err != nil {
				t.Errorf("another may not: %v", err)
			}
		})
	}
	t.Run("a source of unknown kind", func(t *testing.T) {
		f, b := village(), ballot(clonePlan(plan.High))
		b.Plan.Source.Key = identity.PrincipalKey{ID: "2"}
		f.alike[pair{b.Plan.Source.Key, sue}] = true
		if p.MayVote(b, sue, f) == nil {
			t.Error("she may vote")
		}
		// That source may also be what makes one human of two.
		f.alike[pair{rita, b.Plan.Source.Key}] = true
		b.Plan.Tier = plan.Normal
		if p.MayVote(b, sue, f) == nil {
			t.Error("she asked for it")
		}
	})
}

// TestDoubtfulMembership gives a vote for no set in which somebody may not be, and leaves the plan open for it.
func TestDoubtfulMembership(t *testing.T) {
	p, f := parse(t, policyText), village()
	f.unread["in 6 71"] = true // sue is in security, and perhaps an owner
	if r := p.Rule(ballot(clonePlan(plan.High), login(sue), yes(sam)), f); r.Outcome != consent.Open {
		t.Errorf("%+v", r)
	}
	f.members[owners] = []identity.PrincipalKey{stranger}
	f.gains[stranger] = true
	if r := p.Rule(ballot(clonePlan(plan.High)), f); r.Outcome != consent.Open {
		t.Errorf("sue may yet turn out to be an owner: %+v", r)
	}
	// The same by another account of hers, of which that is not known.
	f = village()
	f.members[owners], f.members[security] = []identity.PrincipalKey{stranger}, []identity.PrincipalKey{sue, ada}
	f.alike[pair{stranger, sue}] = true
	f.unread["in 8 71"] = true
	if r := p.Rule(ballot(clonePlan(plan.High)), f); r.Outcome != consent.Open {
		t.Errorf("%+v", r)
	}
}

// TestPerhapsSomebodyIsLeft keeps plans open for people of whom it is not known that they may not vote, and refuses them when
// it is.
func TestPerhapsSomebodyIsLeft(t *testing.T) {
	named := parse(t, `rules: [{id: x, approvers: [{users: [4]}, {users: [6]}], min_approvals: 1, channels: any}]`)
	whole := parse(t, policyText)
	for name, c := range map[string]struct {
		policy consent.Policy
		tier   plan.Tier
		change func(*town)
		want   consent.Outcome
	}{
		"people by their ids":       {named, plan.High, func(*town) {}, consent.Open},
		"people by their ids, gain": {named, plan.High, func(f *town) { f.gains[ann] = true }, consent.Refused},
		"a group without an id":     {parse(t, `rules: [{id: x, approvers: [{group: nowhere}], min_approvals: 1, channels: any}]`), plan.Normal, func(*town) {}, consent.Open},
		"a user without an id":      {parse(t, `rules: [{id: x, approvers: [{users: [who, 6]}], min_approvals: 1, channels: any}]`), plan.Normal, func(f *town) { f.gains[sue] = true }, consent.Open},
		"the second user":           {parse(t, `rules: [{id: x, approvers: [{users: [4, 6]}], min_approvals: 1, channels: any}]`), plan.Normal, func(f *town) { f.gains[ann] = true }, consent.Open},
		"a user after one without":  {parse(t, `rules: [{id: x, approvers: [{users: [6]}], min_approvals: 1, channels: any}]`), plan.Normal, func(f *town) { f.gains[sue] = true }, consent.Refused},
		"two who may be one":        {whole, plan.High, func(f *town) { one(f); f.unread["same 4 6"] = true }, consent.Open},
		"two who are one":           {whole, plan.High, func(f *town) { one(f); f.alike[pair{ann, sue}] = true }, consent.Refused},
		"another account, perhaps in": {whole, plan.High, func(f *town) {
			one(f)
			f.members[owners] = []identity.PrincipalKey{ann, ada}
			f.alike[pair{ann, sue}] = true
			f.unread["in 6 72"] = true
		}, consent.Open},
		"the third, perhaps an owner": {whole, plan.High, func(f *town) {
			f.members[owners], f.members[security] = []identity.PrincipalKey{stranger}, []identity.PrincipalKey{sue, sam, ada}
			f.gains[stranger], f.unread["in 5 71"] = true, true
		}, consent.Open},
		"who may be the target by the source": {parse(t, `rules: [{id: x, approvers: [{users: [6]}], min_approvals: 1, channels: any}]`), plan.Normal, func(f *town) { f.unread["same 1 2"], f.alike[pair{alice, sue}] = true, true }, consent.Open},
	} {
		t.Run(name, func(t *testing.T) {
			f := village()
			c.change(f)
			if r := c.policy.Rule(ballot(clonePlan(c.tier)), f); r.Outcome != c.want {
				t.Errorf("%+v", r)
			}
		})
	}
	// Who is not in a Slack group is not, whoever keeps that.
	f := village()
	f.slack["S0SEC"] = consent.UserGroup{Members: []identity.PrincipalKey{ann}, Read: consent.Yes}
	slack := parse(t, `rules: [{id: x, approvers: [{slack_group: S0SEC}, {users: [5]}], min_approvals: 1, channels: any}]`)
	if r := slack.Rule(ballot(clonePlan(plan.Normal), yes(ada), no(sue)), f); r.Outcome != consent.Approved {
		t.Errorf("%+v", r)
	}
}

// one leaves one person in each set.
func one(f *town) {
	f.members[owners], f.members[security] = []identity.PrincipalKey{ann}, []identity.PrincipalKey{sue}
}

// TestWhatIsMissing says no more than that.
func TestWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		tier  plan.Tier
		votes []consent.Vote
		want  string
	}{
		{plan.Normal, nil, "approvals are missing: 1, of owners or security"},
		{plan.High, nil, "approvals are missing: 2, of owners or security; one of the approvals must be given with one's own login: approve p-0123456789 at the command line"},
		{plan.High, []consent.Vote{login(ann)}, "approvals are missing: 1, of owners or security; the approvals must come from 2 different sets of people: owners, security"},
		{plan.High, []consent.Vote{login(ann), yes(ada)}, "the approvals must come from 2 different sets of people: owners, security"},
	} {
		r := parse(t, policyText).Rule(ballot(clonePlan(c.tier), c.votes...), village())
		if got := strings.Join(r.Why, "; "); got != c.want {
			t.Errorf("%s, %v: %q", c.tier, c.votes, got)
		}
	}
}
