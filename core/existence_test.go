package core_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// callsOf are the calls that the account got, in a fixed order, each without the name and the id that was asked about.
func callsOf(s *sandbox.Server, names ...string) (list []string) {
	for _, c := range s.Calls() {
		text, err := url.QueryUnescape(c.Query)
		if err != nil {
			text = c.Query
		}
		call := c.Method + " " + c.Host + " " + c.Path + " " + text
		for _, n := range names {
			call = strings.ReplaceAll(call, n, "…")
		}
		list = append(list, call)
	}
	slices.Sort(list) // some are made at the same time
	return list
}

// TestT26_WhoMayNotPlanLearnsNothing: that somebody is not there and that one may not plan for them read the same, and cost the same
// calls to Databricks. That is better than to compare times: what differs is not there to be measured.
func TestT26_WhoMayNotPlanLearnsNothing(t *testing.T) {
	analysts := ref(identity.KindGroup, readers) // wendy is in it
	for name, c := range map[string]struct {
		policy []consent.Requesting
		by     string
	}{
		"for nobody":            {nil, bob},
		"of whom no rule is":    {[]consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Anyone}}, mallory},
		"for themselves":        {[]consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Self}}, bob},
		"for members of a team": {[]consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Members, MembersOf: &analysts}}, bob},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			court := sit(t, func(p *consent.Policy) { p.Requesters = c.policy })
			try := func(to string) (said string, calls []string) {
				t.Helper()
				court.server.ResetCalls()
				_, _, err := court.Propose(t.Context(), in(c.by), query.Clone{From: wendy, To: to, Include: []string{"groups"}}, "", nil)
				notAllowed(t, err, "does not let you plan")
				return err.Error(), callsOf(court.server, to)
			}
			for _, pair := range [][2]string{
				{"victor@acme.test", "nobody@acme.test"}, {victor, "1999"}, {"data-owners", "no-such-group"},
				{"00000000-0000-0000-0000-000000000001", "f0000000-0000-0000-0000-00000000000f"},
			} {
				forbidden, calls := try(pair[0])
				unknown, other := try(pair[1])
				if forbidden != unknown {
					t.Errorf("of %s it says %q, of %s %q", pair[0], forbidden, pair[1], unknown)
				}
				if diff := cmp.Diff(calls, other); diff != "" || len(calls) == 0 {
					t.Errorf("%s is told from %s by the calls:\n%s", pair[0], pair[1], diff)
				}
			}
		})
	}
}

// TestT26_SourceThatIsNotThere: somebody who may plan for themselves alone, and so may not know who there is, reads the same of a
// source that is not there, of several of the name, of one of another kind and of one that has nothing that they lack, and as much
// is read before.
func TestT26_SourceThatIsNotThere(t *testing.T) {
	c := sit(t, func(p *consent.Policy) {
		p.Requesters = []consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Self}}
	})
	c.server.Update(func(a *sandbox.Account) {
		join(a, readers, bob) // so that he lacks nothing that wendy has
		for _, id := range []string{"2901", "2902"} {
			a.ServicePrincipals = append(a.ServicePrincipals, &sandbox.ServicePrincipal{ID: id, ApplicationID: "00000000-0000-0000-0000-00000000" + id, DisplayName: "twins"})
		}
	})
	try := func(from string) (string, int) {
		t.Helper()
		c.server.ResetCalls()
		q := query.Clone{From: from, To: bob, Include: []string{"groups"}, Only: []string{"readers"}}
		made, _, err := c.Propose(t.Context(), in(bob), q, "", nil)
		notAllowed(t, err, "there is nothing to plan")
		if made != nil {
			t.Errorf("of %s a plan is shown: %+v", from, made.Plan.Actions)
		}
		return err.Error(), len(c.server.Calls())
	}
	for _, pair := range [][2]string{
		{"wendy@acme.test", "nobody@acme.test"}, {wendy, "1999"}, {"data-owners", "no-such-group"}, {"wendy@acme.test", "twins"}, {"wendy@acme.test", "bob@acme.test"},
		{"wendy@acme.test", "00000000-0000-0000-0000-000000000009"},
	} {
		there, calls := try(pair[0])
		unknown, other := try(pair[1])
		if there != unknown {
			t.Errorf("of %s it says %q, of %s %q", pair[0], there, pair[1], unknown)
		}
		if spread := max(calls, other)*100/min(calls, other) - 100; spread > 10 {
			t.Errorf("%s takes %d calls, and %s %d", pair[0], calls, pair[1], other)
		}
	}
	_, _, err := c.Propose(t.Context(), in(bob), query.Clone{From: wendy, To: bob, Include: []string{"groups"}, WorkspaceURLs: []string{"https://x.test"}}, "", nil)
	if elsewhere, is := errors.AsType[*core.UnknownWorkspaceError](err); !is || len(elsewhere.Known) != 0 {
		t.Errorf("of a workspace that is not there: %v", err)
	}
}

// TestT26_SourceOfWhoMayKnow: who may plan for anybody is told that a source is not there.
func TestT26_SourceOfWhoMayKnow(t *testing.T) {
	c := sit(t)
	_, _, err := c.Propose(t.Context(), in(bob), query.Clone{From: "nobody@acme.test", To: victor, Include: []string{"groups"}}, "", nil)
	if _, unknown := errors.AsType[*core.UnknownError](err); !unknown {
		t.Errorf("%v", err)
	}
}

// TestT26_WhoMayPlanIsLetThrough: who is let plan by the account that is named still is.
func TestT26_WhoMayPlanIsLetThrough(t *testing.T) {
	team := ref(identity.KindGroup, "3905")
	c := sit(t, func(p *consent.Policy) {
		p.Requesters = []consent.Requesting{{From: setOf("analysts", "3008"), For: consent.Self}, {From: setOf("analysts", "3008"), For: consent.Members, MembersOf: &team}}
	})
	c.server.Update(func(a *sandbox.Account) {
		a.Groups = append(a.Groups, &sandbox.Group{ID: "3905", DisplayName: "team", Members: []string{"3906"}}, &sandbox.Group{ID: "3906", DisplayName: "subteam", Members: []string{victor}})
	})
	for _, to := range []string{bob, "bob@acme.test", "BOB@acme.test", victor, "victor@acme.test"} {
		q := wish()
		q.To = to
		if _, _, err := c.Propose(t.Context(), in(bob), q, "", nil); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// TestT26_WhatOneCannot: somebody who may see themselves alone reads the same of what is there and not theirs, of what is not there,
// and of what one does not do with it; and as much is read for it: of the account as of what was read before.
func TestT26_WhatOneCannot(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	warm := g.Warm()
	if err := warm.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	views := g.Views(consent.Policy{})
	xavier := acmeUser("1022")
	try := func(ask func(context.Context, query.Request, core.Progress) (report.Report, error), words string) (string, int) {
		t.Helper()
		admitted, err := views.Admit(t.Context(), xavier, parse(t, strings.Fields("can xavier@acme.test "+words)...))
		if err != nil {
			t.Fatal(err)
		}
		server.ResetCalls()
		r, err := ask(t.Context(), admitted.Request, nil)
		calls := len(server.Calls())
		if r, err = admitted.Show(r, err); r != nil {
			t.Fatalf("%s: he can", words)
		}
		return refused(t, err), calls
	}
	for _, pair := range [][2]string{
		{"read main.finance.ledger", "read main.finance.ledgers"},
		{"read main.finance.ledger", "read nothing.at.all"},
		{"BROWSE main", "BROWSE mains"},
		{"BROWSE main", "read main"},
		{"enter staging", "enter stagings"},
		{"impersonate platform", "impersonate platforms"},
	} {
		there, calls := try(g.Answer, pair[0])
		unknown, other := try(g.Answer, pair[1])
		if there != unknown {
			t.Errorf("of %s it says %q, of %s %q", pair[0], there, pair[1], unknown)
		}
		if spread := max(calls, other)*100/min(calls, other) - 100; spread > 35 { // what is there differs by as much: by whom its grants name
			t.Errorf("%s takes %d calls, and %s %d", pair[0], calls, pair[1], other)
		}
		for _, words := range pair {
			if _, n := try(warm.Answer, words); n != 0 {
				t.Errorf("%s takes %d calls of what was read before", words, n)
			}
		}
	}
}

// TestT26_GroupsOfOthers: of a group that somebody else manages one learns as much as of one that is not there.
func TestT26_GroupsOfOthers(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	e := engine(t, server, server.Auditor())
	names := []string{"platform", "finance-readers", "data-engineering", "no-such-group"}
	var first []string
	for _, name := range names {
		server.ResetCalls()
		_, err := e.Views(consent.Policy{}).Admit(t.Context(), acmeUser("1007"), query.Group{Name: name})
		_ = refused(t, err)
		ids := []string{name}
		server.Update(func(a *sandbox.Account) {
			for _, g := range a.Groups {
				if g.DisplayName == name {
					ids = append(ids, "groups/"+g.ID+"/")
				}
			}
		})
		ids = append(ids, "groups/0/")
		calls := callsOf(server, ids...)
		if first == nil {
			first = calls
		}
		if diff := cmp.Diff(first, calls); diff != "" || len(calls) == 0 {
			t.Errorf("%s is told from %s by the calls:\n%s", name, names[0], diff)
		}
	}
}

// TestT26_ManagerByGroup: who manages a group by another, nested one, or as everybody does, still sees it.
func TestT26_ManagerByGroup(t *testing.T) {
	const grace, inner, outer, shown = "1007", "3951", "3952", "3953"
	for holder, want := range map[string]bool{"groups/outer": true, "groups/inner": true, "users/GRACE@acme.test": true, "groups/account users": true, "groups/others": false, "users/bob@acme.test": false} {
		account := sandbox.Acme()
		account.Groups = append(account.Groups, &sandbox.Group{ID: inner, DisplayName: "inner", Members: []string{grace}}, &sandbox.Group{ID: outer, DisplayName: "outer", Members: []string{inner}},
			&sandbox.Group{ID: shown, DisplayName: "shown"}, &sandbox.Group{ID: "3954", DisplayName: "others", Members: []string{"1002"}})
		account.RuleSets = append(account.RuleSets, &sandbox.RuleSet{Name: "accounts/" + sandbox.AcmeAccountID + "/groups/" + shown + "/ruleSets/default", Version: 1,
			Rules: []sandbox.GrantRule{{Role: "roles/group.manager", Principals: []string{holder}}}})
		server := serve(t, account, sandbox.Options{})
		got, err := engine(t, server, server.Auditor()).Views(consent.Policy{}).Admit(t.Context(), acmeUser(grace), query.Group{Name: "shown"})
		if (err == nil) != want || want && got.Request.(query.Group).Name != shown {
			t.Errorf("%s: %+v, %v", holder, got, err)
		}
	}
}
