package consent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// TestTerms are what a ballot takes: with one vote less it is open, and with these it is approved.
func TestTerms(t *testing.T) {
	for _, c := range []struct {
		least  int
		tier   plan.Tier
		want   string
		enough []consent.Vote
	}{
		{1, plan.Normal, "all 1 1 0", []consent.Vote{yes(ann)}},
		{3, plan.Normal, "all 3 1 0", []consent.Vote{yes(ann), yes(ada), yes(sue)}},
		{1, plan.High, "all 2 2 1", []consent.Vote{yes(ann), login(sue)}},
		{3, plan.High, "all 3 2 1", []consent.Vote{yes(ann), yes(ada), login(sue)}},
		{1, plan.Barred, "all 2 2 2", []consent.Vote{login(ann), login(sue)}},
		{3, plan.Barred, "all 3 2 3", []consent.Vote{login(ann), login(sam), login(sue)}},
	} {
		p := with(t, "min_approvals: 1", fmt.Sprintf("min_approvals: %d", c.least))
		b := ballot(clonePlan(c.tier), c.enough...)
		b.Channel = ""
		terms := p.Terms(b.Plan, "")
		if got := fmt.Sprint(terms.Rule, " ", terms.Votes, terms.Sets, terms.Logins); got != c.want || len(terms.Against) > 0 || len(terms.Approvers) != 2 {
			t.Errorf("%d, %s: %+v", c.least, c.tier, terms)
		}
		if alone := p.Rules[0].Terms(c.tier); fmt.Sprint(alone) != fmt.Sprint(terms) {
			t.Errorf("the rule by itself: %+v, %+v", alone, terms)
		}
		if r := p.Rule(b, village()); r.Outcome != consent.Approved {
			t.Errorf("%+v", r)
		}
		for i := range b.Votes {
			less := b
			less.Votes = append(append([]consent.Vote{}, b.Votes[:i]...), b.Votes[i+1:]...)
			if r := p.Rule(less, village()); r.Outcome != consent.Open {
				t.Errorf("without vote %d: %+v", i, r)
			}
		}
	}
	p := parse(t, policyText)
	for channel, want := range map[string]string{"C0PLANS": "never given from Slack", "": ""} {
		if terms := p.Terms(clonePlan(plan.Barred), channel); strings.Join(terms.Against, "") != want && !strings.Contains(strings.Join(terms.Against, ""), want) {
			t.Errorf("%q: %+v", channel, terms)
		}
	}
	one := with(t, "- {name: security, group: 72}", "")
	if terms := one.Rules[0].Terms(plan.High); len(terms.Against) != 1 || terms.Votes != 0 {
		t.Errorf("%+v", terms)
	}
	if terms := (consent.Policy{}).Terms(clonePlan(plan.Normal), ""); len(terms.Against) != 1 || terms.Rule != "" {
		t.Errorf("%+v", terms)
	}
	nobody := clonePlan(plan.Normal)
	nobody.Target.Key.ID = ""
	if terms := p.Terms(nobody, ""); len(terms.Against) != 1 {
		t.Errorf("for nobody: %+v", terms)
	}
	set := consent.Set{Name: "leads", Group: &consent.Ref{Written: "a"}, Users: []consent.Ref{{Written: "b", Key: identity.PrincipalKey{}}}, SlackGroup: "S01"}
	if set.String() != "leads" || set.Parts() != "group a and user b and Slack group S01" {
		t.Error(set, set.Parts())
	}
	for d, want := range map[time.Duration]string{720 * time.Hour: "30d", 25 * time.Hour: "25h", 20 * time.Minute: "20m", 90 * time.Minute: "90m", 61 * time.Second: "1m1s"} {
		if got := consent.Span(d); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
