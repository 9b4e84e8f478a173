package core_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/sandbox"
)

// events are the audit rows of one name.
func (c *court) events(name string) (list []ledger.Event) {
	c.t.Helper()
	trail, err := c.ledger.Trail(c.t.Context(), "")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, entry := range trail {
		e, err := entry.Event()
		if err != nil {
			c.t.Fatal(err)
		}
		if e.Event == name {
			list = append(list, e)
		}
	}
	return list
}

// TestT01_Requester lets nobody plan for whom no rule speaks, tells them nothing of whom Databricks knows, and records it.
func TestT01_Requester(t *testing.T) {
	c := sit(t)
	propose := func(by string, q query.Clone) error {
		_, _, err := c.Propose(t.Context(), in(by), q, "", nil)
		return err
	}
	known := propose(mallory, wish())
	notAllowed(t, known, "")
	unknown := propose(mallory, query.Clone{From: wendy, To: "nobody@acme.test", Include: []string{"groups"}})
	notAllowed(t, unknown, "")
	if known.Error() != unknown.Error() {
		t.Errorf("of somebody who is there it says %q, of somebody who is not %q", known, unknown)
	}
	if _, is := errors.AsType[*core.UnknownError](propose(bob, query.Clone{From: wendy, To: "nobody@acme.test", Include: []string{"groups"}})); !is {
		t.Error("who may plan for anybody is not told that there is nobody of the name")
	}
	if n := len(c.events(core.EventRefused)); n != 2 {
		t.Errorf("%d refusals are recorded, want 2", n)
	}
	c.server.Update(func(a *sandbox.Account) { user(a, bob, func(u *sandbox.User) { u.Inactive = true }) })
	notAllowed(t, propose(bob, wish()), "not active")
	if err := propose("", wish()); err == nil {
		t.Error("nobody may plan")
	}
	c.server.Update(func(a *sandbox.Account) { user(a, bob, func(u *sandbox.User) { u.Inactive = false }) })
	c.fault("GET /api/2.0/accounts/*/scim/v2/Users/1002 status=403")
	notAllowed(t, propose(bob, wish()), "could not be read")
	plans, err := c.ledger.Plans(t.Context(), ledger.PlanFilter{})
	if err != nil || len(plans) > 0 {
		t.Errorf("plans were kept: %v, %v", plans, err)
	}
}

func (c *court) fault(texts ...string) {
	c.t.Helper()
	var list []sandbox.Fault
	for _, text := range texts {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			c.t.Fatal(err)
		}
		list = append(list, f)
	}
	c.server.SetFaults(list...)
}

// TestT02_SelfApproval lets nobody approve what they asked for, by whatever account.
func TestT02_SelfApproval(t *testing.T) {
	for name, change := range map[string]func(a *sandbox.Account, again *sandbox.User){
		"the same e-mail address": func(_ *sandbox.Account, again *sandbox.User) { again.Emails = []string{"BOB@acme.test "} },
		"the same external id":    func(_ *sandbox.Account, again *sandbox.User) { again.ExternalID = "entra-user-1002" },
		"by way of a third account": func(a *sandbox.Account, again *sandbox.User) {
			again.Emails = []string{"r@acme.test"}
			a.Users = append(a.Users, &sandbox.User{ID: "1901", UserName: "bob.admin@acme.test", ExternalID: "entra-user-1002", Emails: []string{"R@acme.test"}})
		},
		"the other one's user name": func(a *sandbox.Account, again *sandbox.User) {
			user(a, bob, func(u *sandbox.User) { u.Emails = []string{again.UserName} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			c.server.Update(func(a *sandbox.Account) {
				again := &sandbox.User{ID: "1900", UserName: "robert@acme.test", DisplayName: "Robert"}
				change(a, again)
				a.Users = append(a.Users, again)
				join(a, owners, "1900")
			})
			made := c.pending()
			_, err := c.Vote(t.Context(), in("1900"), made.ID, made.Digest, true, "")
			notAllowed(t, err, "asked for it")
			c.kept(made.ID, ledger.Pending)
		})
	}
	t.Run("themselves", func(t *testing.T) {
		t.Parallel()
		c := sit(t)
		c.server.Update(func(a *sandbox.Account) { join(a, owners, bob) })
		made := c.pending()
		_, err := c.Vote(t.Context(), in(bob), made.ID, made.Digest, true, "")
		notAllowed(t, err, "asked for it themselves")
		if refused := c.events(core.EventVoteRefused); len(refused) != 1 || refused[0].Subject != bob || refused[0].Actor.Envelope != "e-1002" {
			t.Errorf("recorded: %+v", refused)
		}
		_, _, err = c.Apply(t.Context(), in(bob), made.ID, nil)
		notAllowed(t, err, "not approved")
		c.untouched()
	})
}

// TestT03_ApproverIsTarget lets nobody approve what they would get something of.
func TestT03_ApproverIsTarget(t *testing.T) {
	role := func(a *sandbox.Account, on, role, who string) {
		name := "accounts/" + sandbox.AcmeAccountID + "/" + on + "/ruleSets/default"
		a.RuleSets = append(a.RuleSets, &sandbox.RuleSet{Name: name, Version: 1, Rules: []sandbox.GrantRule{{Role: "roles/" + role, Principals: []string{who}}}})
	}
	const team, model = "3905", "3909"
	inSecurity := func(a *sandbox.Account) { join(a, security, erin) }
	serving := "servicePrincipals/" + sandbox.AcmeServingApp
	for name, gives := range map[string]struct {
		to     string
		change func(a *sandbox.Account)
		words  string // empty: it is approved
	}{
		"is the target":               {erin, func(*sandbox.Account) {}, "it is for them"},
		"is in the target":            {team, func(a *sandbox.Account) { join(a, team, erin) }, "give them something"},
		"is in a group in the target": {team, func(a *sandbox.Account) { join(a, team, "3906"); join(a, "3906", erin) }, "give them something"},
		"manages the target":          {team, func(a *sandbox.Account) { role(a, "groups/"+team, "group.manager", "users/erin@acme.test") }, "give them something"},
		"may act as the target by a group": {team, func(a *sandbox.Account) {
			inSecurity(a)
			role(a, "groups/"+team, "group.assumer", "groups/security")
		}, "give them something"},
		"may use the service principal": {"2005", func(a *sandbox.Account) { role(a, serving, "servicePrincipal.user", "users/ERIN@acme.test") }, "give them something"},
		"manages it by a group": {"2005", func(a *sandbox.Account) {
			inSecurity(a)
			role(a, serving, "servicePrincipal.manager", "groups/security")
		}, "give them something"},
		"may use it as all approvers may": {"2005", func(a *sandbox.Account) { role(a, serving, "servicePrincipal.user", "groups/data-owners") }, "nobody could approve"},
		"may use it as everybody may":     {"2005", func(a *sandbox.Account) { role(a, serving, "servicePrincipal.user", "groups/account users") }, "nobody could approve"},
		"is in the target by another account": {team, func(a *sandbox.Account) {
			a.Users = append(a.Users, &sandbox.User{ID: "1902", UserName: "erin.admin@acme.test", Emails: []string{"erin@acme.test"}})
			join(a, team, "1902")
		}, "give them something"},
		"manages the target by a third account": {team, func(a *sandbox.Account) {
			a.Users = append(a.Users, &sandbox.User{ID: "1902", UserName: "erin.admin@acme.test", Emails: []string{"erin@acme.test"}, ExternalID: "entra-other"},
				&sandbox.User{ID: "1903", UserName: "e.root@acme.test", ExternalID: "entra-other"})
			role(a, "groups/"+team, "group.manager", "users/e.root@acme.test")
		}, "give them something"},
		"has no part in the target": {team, func(a *sandbox.Account) { role(a, "groups/"+team, "group.manager", "users/mallory@acme.test") }, ""},
		"has none in the principal": {"2005", func(*sandbox.Account) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			c.server.Update(func(a *sandbox.Account) {
				a.Groups = append(a.Groups, &sandbox.Group{ID: team, DisplayName: "team", Members: []string{victor}},
					&sandbox.Group{ID: "3906", DisplayName: "subteam"}, &sandbox.Group{ID: model, DisplayName: "model"})
				join(a, readers, model)
				gives.change(a)
			})
			q := wish()
			if q.To = gives.to; q.To == team {
				q.From = model
			}
			_, made, err := c.Propose(t.Context(), in(bob), q, "", nil)
			if err == nil {
				made, err = c.Submit(t.Context(), in(bob), made.ID, made.Digest)
			}
			if err == nil {
				made, err = c.Vote(t.Context(), in(erin), made.ID, made.Digest, true, "")
			}
			if gives.words != "" {
				notAllowed(t, err, gives.words)
				return
			}
			if err != nil || made.State != ledger.Approved {
				t.Errorf("%s, %v", made.State, err)
			}
		})
	}
}

// far makes what bob asks for reach far.
func far(c *court) {
	c.server.Update(func(a *sandbox.Account) {
		main := a.MetastoreByName("acme-us").CatalogByName("main")
		main.Grants = append(main.Grants, sandbox.Grant{Principal: "readers", Privileges: []string{"MANAGE"}})
	})
}

// TestT04_Collusion takes two people of different sets for what reaches far, one of them with a login of their own, and
// ends with the first who says no.
func TestT04_Collusion(t *testing.T) {
	c := sit(t)
	far(c)
	terminal := func(id string) *core.Approvals {
		return c.replica("terminal", c.policy, func(o *core.ApprovalOptions) { o.Login = identity.PrincipalKey{Kind: identity.KindUser, ID: id} })
	}
	atCLI := func(id string) ledger.Actor { return ledger.Actor{ID: id, Via: "cli", Host: "laptop"} }
	vote := func(a *core.Approvals, by ledger.Actor, made core.Case, approve bool, want ledger.State) {
		t.Helper()
		got, err := a.Vote(t.Context(), by, made.ID, made.Digest, approve, "")
		if err != nil {
			t.Fatalf("vote of %s: %v", by.ID, err)
		}
		c.is(got, want)
	}
	made := c.pending()
	if made.Tier != "high" {
		t.Fatalf("the plan is %s", made.Tier)
	}
	vote(c.Approvals, in(erin), made, true, ledger.Pending)
	vote(terminal(heidi), atCLI(heidi), made, true, ledger.Pending) // two of one set
	vote(c.Approvals, in(grace), made, true, ledger.Approved)

	made = c.pending()
	vote(c.Approvals, in(erin), made, true, ledger.Pending)
	vote(c.Approvals, in(grace), made, true, ledger.Pending) // nobody with a login
	if _, err := terminal(heidi).Vote(t.Context(), atCLI(dave), made.ID, made.Digest, true, ""); err == nil {
		t.Error("somebody voted with the login of another")
	}
	if _, err := c.Vote(t.Context(), atCLI(dave), made.ID, made.Digest, true, ""); err == nil {
		t.Error("the bot took a vote for one with a login")
	}
	vote(terminal(dave), atCLI(dave), made, false, ledger.Rejected)
	if _, err := c.Vote(t.Context(), in(heidi), made.ID, made.Digest, true, ""); err == nil {
		t.Error("a plan that was rejected was voted on")
	}
}

// TestT05_NeverFromSlack keeps what leads to power over the votes themselves, or over the account, out of Slack.
func TestT05_NeverFromSlack(t *testing.T) {
	for name, change := range map[string]func(a *sandbox.Account){
		"into a group that approves":        func(a *sandbox.Account) { join(a, owners, readers) },
		"into one that is in one":           func(a *sandbox.Account) { join(a, "3904", readers) },
		"to the rights of an account admin": func(a *sandbox.Account) { join(a, "3020", readers) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			c.server.Update(change)
			_, _, err := c.Propose(t.Context(), in(bob), wish(), "", nil)
			notAllowed(t, err, "databricks-access-audit clone --from 1021 --to 1020 --apply")
		})
	}
}

// TestT06_TargetSwaps applies nothing to somebody else who goes by the name.
func TestT06_TargetSwaps(t *testing.T) {
	for name, change := range map[string]func(a *sandbox.Account){
		"another user of the target's name": func(a *sandbox.Account) {
			user(a, victor, func(u *sandbox.User) { u.ID = "1920" })
			for _, g := range a.Groups {
				leave(a, g.ID, victor)
			}
		},
		"another group of the group's name": func(a *sandbox.Account) {
			for _, g := range a.Groups {
				if g.ID == readers {
					g.ID = "3950"
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			made := c.approved()
			c.server.Update(change)
			if _, _, err := c.Apply(t.Context(), in(erin), made.ID, nil); err == nil {
				t.Error("it was applied")
			}
			c.untouched()
		})
	}
}

// TestT07_Conditions flips each condition of an approval between the vote and the application, one at a time: nothing is
// written, and the plan waits for votes again. What cannot be read keeps it as it is.
func TestT07_Conditions(t *testing.T) {
	lock := func(c *court, id string) {
		err := c.ledger.Do(t.Context(), func(tx *ledger.Tx) error {
			_, err := tx.Repin(ledger.Actor{}, ledger.Pin{Team: "T1", Member: "U1", Email: "x@acme.test", Principal: id, Locked: true}, "test")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	update := func(f func(a *sandbox.Account)) func(*court) { return func(c *court) { c.server.Update(f) } }
	cases := map[string]struct {
		flip func(c *court)
		want ledger.State
		by   string
	}{
		"the voter is deactivated":         {update(func(a *sandbox.Account) { user(a, erin, func(u *sandbox.User) { u.Inactive = true }) }), ledger.Pending, bob},
		"the voter is gone":                {update(func(a *sandbox.Account) { user(a, erin, func(u *sandbox.User) { u.ID = "1955" }) }), ledger.Pending, bob},
		"the voter left the approvers":     {update(func(a *sandbox.Account) { leave(a, owners, erin) }), ledger.Pending, bob},
		"who the voter is became doubtful": {func(c *court) { lock(c, erin) }, ledger.Pending, bob},
		"the voter turns out to be bob": {update(func(a *sandbox.Account) {
			user(a, erin, func(u *sandbox.User) { u.Emails = []string{"bob@acme.test"} })
		}), ledger.Pending, bob},
		"the voter turns out to be victor": {update(func(a *sandbox.Account) { user(a, erin, func(u *sandbox.User) { u.ExternalID = "entra-user-1020" }) }), ledger.Pending, bob},
		"the requester is deactivated":     {update(func(a *sandbox.Account) { user(a, bob, func(u *sandbox.User) { u.Inactive = true }) }), ledger.Pending, erin},
		"who asked became doubtful":        {func(c *court) { lock(c, bob) }, ledger.Pending, erin},
		"the target is deactivated":        {update(func(a *sandbox.Account) { user(a, victor, func(u *sandbox.User) { u.Inactive = true }) }), ledger.Pending, bob},
		"the rules changed": {func(c *court) {
			p := rules()
			p.FreeUndo = false
			c.Approvals = c.replica("new", p)
		}, ledger.Pending, bob},
		"the vote was withdrawn": {func(c *court) {
			list, err := c.ledger.Plans(t.Context(), ledger.PlanFilter{})
			if err == nil {
				_, err = c.Withdraw(t.Context(), in(erin), list[0].ID, "T1/C0DATA/17.1005", "the message was edited")
			}
			if err != nil {
				t.Fatal(err)
			}
		}, ledger.Pending, bob},
		"the approvers cannot be read": {func(c *court) {
			c.fault("GET /api/2.0/accounts/*/scim/v2/Groups/3901 status=500", "GET /api/2.0/identity/accounts/*/principals/*/transitive-parent-groups status=500")
		}, ledger.Approved, bob},
		"the voter cannot be read":  {func(c *court) { c.fault("GET /api/2.0/accounts/*/scim/v2/Users/1005 status=403") }, ledger.Approved, bob},
		"the target cannot be read": {func(c *court) { c.fault("GET /api/2.0/accounts/*/scim/v2/Users/1020 status=500") }, ledger.Approved, bob},
		"nothing can be read":       {func(c *court) { c.fault("GET /api/2.0/accounts/*/scim/v2/* status=403") }, ledger.Approved, bob},
		"the time to begin is over": {func(c *court) { c.clock.Add(16 * time.Minute) }, ledger.Approved, bob},
		"all applying is halted": {func(c *court) {
			if err := c.ledger.Do(t.Context(), func(tx *ledger.Tx) error { return tx.Halt(ledger.Actor{}, "test") }); err != nil {
				t.Fatal(err)
			}
		}, ledger.Approved, bob},
		"somebody else asks for it":         {func(*court) {}, ledger.Approved, mallory},
		"what it would give is another":     {func(c *court) { far(c) }, ledger.Stale, bob},
		"it would lead among the approvers": {update(func(a *sandbox.Account) { join(a, owners, readers) }), ledger.Stale, bob},
		"a second approver leaves as well":  {update(func(a *sandbox.Account) { leave(a, owners, erin); leave(a, owners, heidi) }), ledger.Pending, bob},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t)
			c.t = t
			made := c.approved()
			one.flip(c)
			_, got, err := c.Apply(t.Context(), in(one.by), made.ID, nil)
			if err == nil {
				t.Error("it was applied")
			}
			c.untouched()
			if got.State != one.want {
				t.Errorf("the plan is %s, want %s: %v", got.State, one.want, err)
			}
			c.kept(made.ID, one.want)
			if c.has(readers, victor) {
				t.Error("victor is in readers")
			}
			if one.want != ledger.Pending || name == "the rules changed" {
				return
			}
			// Waiting again, it is not approved by asking again, and has no more time than before.
			if _, _, err := c.Apply(context.WithoutCancel(t.Context()), in(one.by), made.ID, nil); err == nil {
				t.Error("it was applied the second time")
			}
			c.untouched()
			if end := c.kept(made.ID, ledger.Pending).ExpiresAt; !end.Equal(made.CreatedAt.Add(24 * time.Hour)) {
				t.Errorf("it may be voted on until %s, and was made at %s", end, made.CreatedAt)
			}
		})
	}
}

// TestT14_Evidence records with each vote where it came from, on what it was, and by which rule.
func TestT14_Evidence(t *testing.T) {
	c := sit(t)
	made := c.approved()
	votes := c.events(ledger.EventVoted)
	if len(votes) != 1 {
		t.Fatalf("%d votes are recorded", len(votes))
	}
	v := votes[0]
	if v.Actor != in(erin) || v.Digest != made.Digest || v.Rule != "near" || v.Policy != c.policy.Version() || v.Policy == "" || v.Subject != erin || v.Detail["event_hash"] != in(erin).EventHash {
		t.Errorf("recorded: %+v", v)
	}
	if reasons := c.events(core.EventVoteReason); len(reasons) != 1 || reasons[0].Reason != "fine" {
		t.Errorf("reasons: %+v", reasons)
	}
}

// TestT36_Caps refuses plans that are too large, and people who ask too often.
func TestT36_Caps(t *testing.T) {
	c := sit(t)
	small := c.replica("small", c.policy, func(o *core.ApprovalOptions) { o.Caps.Steps, o.Caps.Securables = 1, 1 })
	c.server.Update(func(a *sandbox.Account) {
		a.Groups = append(a.Groups, &sandbox.Group{ID: "3907", DisplayName: "readers-too", Members: []string{wendy}})
	})
	q := wish()
	q.Only = []string{"readers", "readers-too"}
	_, _, err := small.Propose(t.Context(), in(bob), q, "", nil)
	notAllowed(t, err, "makes 2 changes")
	rare := c.replica("rare", c.policy, func(o *core.ApprovalOptions) { o.PerDay = 2 })
	for range 2 {
		if _, _, err := rare.Propose(t.Context(), in(bob), wish(), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = rare.Propose(t.Context(), in(bob), wish(), "", nil)
	notAllowed(t, err, "2 plans in 24 hours")
	c.clock.Add(25 * time.Hour)
	if _, _, err := rare.Propose(t.Context(), in(bob), wish(), "", nil); err != nil {
		t.Errorf("the next day: %v", err)
	}
}

// TestNobodyCouldApprove refuses at once what would wait in vain.
func TestNobodyCouldApprove(t *testing.T) {
	for name, change := range map[string]func(*consent.Policy){
		"no rule":                   func(p *consent.Policy) { p.Rules = nil },
		"an empty group":            func(p *consent.Policy) { p.Rules[1].Approvers = []consent.Set{setOf("nobody", "3908")} },
		"a group that is not there": func(p *consent.Policy) { p.Rules[1].Approvers = []consent.Set{setOf("nobody", "3999")} },
		"another channel":           func(p *consent.Policy) { p.Rules[1].Channels = []string{"C0OTHER"} },
		"nobody but who asks": func(p *consent.Policy) {
			p.Rules[1].Approvers = []consent.Set{{Users: []consent.Ref{ref(identity.KindUser, bob)}}}
		},
		"somebody who is not active": func(p *consent.Policy) {
			p.Rules[1].Approvers = []consent.Set{{Users: []consent.Ref{ref(identity.KindUser, frank)}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sit(t, change)
			c.server.Update(func(a *sandbox.Account) {
				a.Groups = append(a.Groups, &sandbox.Group{ID: "3908", DisplayName: "nobody"})
			})
			_, _, err := c.Propose(t.Context(), in(bob), wish(), "", nil)
			notAllowed(t, err, "nobody could approve")
		})
	}
}

// TestT14_VotesThatSayTooLittle are not kept: those of nobody, those of which it is not told where they were given, and those given
// where other rules are in force than the plan was made under.
func TestT14_VotesThatSayTooLittle(t *testing.T) {
	c := sit(t)
	made := c.pending()
	other := c.policy
	other.FreeUndo = !other.FreeUndo
	elsewhere := c.replica("elsewhere", other)
	for name, vote := range map[string]struct {
		at     *core.Approvals
		change func(*ledger.Actor)
		why    string
	}{
		"nobody":      {c.Approvals, func(by *ledger.Actor) { by.ID = "" }, "not known who votes"},
		"no team":     {c.Approvals, func(by *ledger.Actor) { by.Team = "" }, "not known where"},
		"no channel":  {c.Approvals, func(by *ledger.Actor) { by.Channel = "" }, "not known where"},
		"no message":  {c.Approvals, func(by *ledger.Actor) { by.Message = "" }, "not known where"},
		"other rules": {elsewhere, func(*ledger.Actor) {}, "other rules"},
	} {
		by := in(erin)
		vote.change(&by)
		if _, err := vote.at.Vote(t.Context(), by, made.ID, made.Digest, true, ""); err == nil || !strings.Contains(err.Error(), vote.why) {
			t.Errorf("%s: %v; want %q", name, err, vote.why)
		}
		if got, err := c.Case(t.Context(), made.ID); err != nil || len(got.Votes) > 0 || got.State != ledger.Pending {
			t.Errorf("%s: %s with votes %+v, %v", name, got.State, got.Votes, err)
		}
	}
}
