package core_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// slackTeam is what Slack says of one user group, and of people.
type slackTeam struct {
	mu        sync.Mutex
	groups    map[string]core.SlackGroup
	addresses map[string]string // of full members
	failing   map[string]error  // by group or member
	asked     map[string]time.Time
}

func (s *slackTeam) UserGroup(_ context.Context, id string, since time.Time) (core.SlackGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[id] = since
	return s.groups[id], s.failing[id]
}

func (s *slackTeam) Address(_ context.Context, member string, since time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[member] = since
	return s.addresses[member], s.failing[member]
}

// change has Slack say something else of the group.
func (s *slackTeam) change(f func(g *core.SlackGroup)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[own]
	f(&g)
	s.groups[own] = g
}

func (s *slackTeam) fail(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing[what] = err
}

const own = "S0OWN"

// slackCourt is a court in which the people of a Slack group approve what is of the normal tier: erin, who was seen before, heidi,
// who was not, and gina, who is a guest.
func slackCourt(t *testing.T, mutable bool, mode core.IdentityMode) (*court, *slackTeam, *core.Directory) {
	t.Helper()
	team := &slackTeam{
		groups:    map[string]core.SlackGroup{own: {There: true, Team: "T1", Members: []string{"U" + heidi, "U" + erin, "UGINA"}, Kept: consent.Yes}},
		addresses: map[string]string{"U" + erin: "erin@acme.test", "U" + heidi: "heidi@acme.test", "U" + grace: "grace@acme.test"},
		failing:   map[string]error{}, asked: map[string]time.Time{},
	}
	c := sit(t, func(p *consent.Policy) {
		p.Rules[1].Approvers = []consent.Set{{SlackGroup: own, AllowMutable: mutable}}
	})
	d := c.engine.Directory(core.DirectoryOptions{Mode: mode, Ledger: c.ledger, Actor: ledger.Actor{Host: "test"},
		Static: map[core.Member]string{{Team: "T1", Member: "U" + erin}: erin, {Team: "T1", Member: "U" + grace}: grace}})
	c.Approvals = c.replica("slack", c.policy, func(o *core.ApprovalOptions) { o.Roster, o.Directory = team, d })
	if _, err := d.Identify(t.Context(), "T1", "U"+erin, "erin@acme.test"); err != nil && mode != core.EmailIdentity {
		t.Fatal(err)
	}
	return c, team, d
}

// TestSlackGroupApproves counts who is in a user group by what Slack says of it and of them, and whom they were seen to be.
func TestSlackGroupApproves(t *testing.T) {
	for name, c := range map[string]struct {
		mutable bool
		mode    core.IdentityMode
		change  func(c *court, s *slackTeam, d *core.Directory)
		voter   string
		refused string // empty: the vote counts
	}{
		"a member":           {voter: erin},
		"a member of a list": {voter: erin, mode: core.StaticIdentity},
		"somebody else":      {voter: grace, refused: "none of its approvers"},
		"a group that is open": {voter: erin, refused: "can be changed by hand in Slack", change: func(_ *court, s *slackTeam, _ *core.Directory) {
			s.change(func(g *core.SlackGroup) { g.Kept = consent.No })
		}},
		"one of which that is not known": {voter: erin, refused: "can be changed by hand in Slack", change: func(_ *court, s *slackTeam, _ *core.Directory) {
			s.change(func(g *core.SlackGroup) { g.Kept = consent.Unknown })
		}},
		"an open one that is allowed": {voter: erin, mutable: true, change: func(_ *court, s *slackTeam, _ *core.Directory) {
			s.change(func(g *core.SlackGroup) { g.Kept = consent.No })
		}},
		"one that is gone": {voter: erin, refused: "there is no Slack group S0OWN", change: func(_ *court, s *slackTeam, _ *core.Directory) {
			s.change(func(g *core.SlackGroup) { *g = core.SlackGroup{} })
		}},
		"one who left it": {voter: erin, refused: "none of its approvers", change: func(_ *court, s *slackTeam, _ *core.Directory) {
			s.change(func(g *core.SlackGroup) { g.Members = []string{"U" + heidi} })
		}},
		"a guest by now":  {voter: erin, refused: "none of its approvers", change: func(_ *court, s *slackTeam, _ *core.Directory) { delete(s.addresses, "U"+erin) }},
		"another address": {voter: erin, refused: "none of its approvers", change: func(_ *court, s *slackTeam, _ *core.Directory) { s.addresses["U"+erin] = "heidi@acme.test" }},
		"another address of the same user": {voter: erin, refused: "none of its approvers", change: func(c *court, s *slackTeam, _ *core.Directory) {
			s.addresses["U"+erin] = "e.other@acme.test"
			c.server.Update(func(a *sandbox.Account) {
				user(a, erin, func(u *sandbox.User) { u.Emails = append(u.Emails, "e.other@acme.test") })
			})
		}},
		"unread":            {voter: erin, refused: "user group S0OWN in Slack: no network", change: func(_ *court, s *slackTeam, _ *core.Directory) { s.fail(own, errors.New("no network")) }},
		"unread themselves": {voter: erin, refused: "user group S0OWN in Slack: no network", change: func(_ *court, s *slackTeam, _ *core.Directory) { s.fail("U"+erin, errors.New("no network")) }},
		"another unread":    {voter: erin, change: func(_ *court, s *slackTeam, _ *core.Directory) { s.fail("U"+heidi, errors.New("no network")) }},
		"of another team": {voter: erin, refused: "none of its approvers", change: func(_ *court, s *slackTeam, _ *core.Directory) {
			s.change(func(g *core.SlackGroup) { g.Team = "T2" })
			delete(s.addresses, "U"+erin)
		}},
		"locked": {voter: erin, refused: "may not log in", change: func(c *court, _ *slackTeam, d *core.Directory) {
			_, err := d.Identify(c.t.Context(), "T1", "U"+erin, "other@acme.test")
			notAllowed(c.t, err, "doubtful")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.mode == "" {
				c.mode = core.PinnedIdentity
			}
			court, team, d := slackCourt(t, c.mutable, c.mode)
			made := court.pending()
			if c.change != nil {
				c.change(court, team, d)
			}
			now := court.clock.Now()
			clear(team.asked)
			got, err := court.Vote(t.Context(), in(c.voter), made.ID, made.Digest, true, "")
			want := map[string]time.Time{own: now, "U" + heidi: now.Add(-10 * time.Minute)}
			if c.refused == "" {
				want["U"+c.voter] = now
			}
			for what, since := range want {
				if at, asked := team.asked[what]; asked && !at.Equal(since) {
					t.Errorf("T07: %s may have been read at %s when a vote was decided at %s", what, at, now)
				}
			}
			if c.refused == "" {
				if err != nil {
					t.Fatal(err)
				}
				court.is(got, ledger.Approved)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Fatalf("got %v, want a refusal that says %q", err, c.refused)
			}
			court.kept(made.ID, ledger.Pending)
		})
	}
}

// TestT07_SlackGroupLost judges a vote again before a plan is carried out, by who is in the group then.
func TestT07_SlackGroupLost(t *testing.T) {
	for name, lose := range map[string]func(s *slackTeam){
		"left":     func(s *slackTeam) { s.change(func(g *core.SlackGroup) { g.Members = []string{"U" + heidi} }) },
		"opened":   func(s *slackTeam) { s.change(func(g *core.SlackGroup) { g.Kept = consent.No }) },
		"gone":     func(s *slackTeam) { s.change(func(g *core.SlackGroup) { *g = core.SlackGroup{} }) },
		"a guest":  func(s *slackTeam) { delete(s.addresses, "U"+erin) },
		"no Slack": func(s *slackTeam) { s.fail(own, errors.New("no network")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, team, _ := slackCourt(t, false, core.PinnedIdentity)
			made := c.approved()
			if got, err := c.Case(t.Context(), made.ID); err != nil || got.Ruling.Outcome != consent.Approved {
				t.Fatalf("%+v, %v", got.Ruling, err)
			}
			if at := team.asked[own]; !at.Equal(c.clock.Now().Add(-10 * time.Minute)) {
				t.Errorf("what is only shown was asked as of %s", at)
			}
			lose(team)
			_, _, err := c.Apply(t.Context(), in(bob), made.ID, nil)
			if err == nil {
				t.Fatal("it was carried out")
			}
			want := ledger.Pending
			if name == "no Slack" {
				want = ledger.Approved // not known is no reason to take the approval back, and none to write
			}
			c.kept(made.ID, want)
			c.untouched()
		})
	}
}

// TestSlackGroupAtCreation refuses a plan that waits for people in a group nobody of whom could approve it.
func TestSlackGroupAtCreation(t *testing.T) {
	crowd := func(s *slackTeam) {
		s.change(func(g *core.SlackGroup) {
			g.Members = nil
			for i := range 25 {
				g.Members = append(g.Members, fmt.Sprintf("UZ%02d", i))
			}
		})
	}
	for name, c := range map[string]struct {
		change  func(s *slackTeam)
		refused string
	}{
		"somebody never seen": {func(s *slackTeam) { s.change(func(g *core.SlackGroup) { g.Members = []string{"U" + heidi} }) }, ""},
		"guests alone":        {func(s *slackTeam) { s.change(func(g *core.SlackGroup) { g.Members = []string{"UGINA"} }) }, "nobody could approve"},
		"nobody in Databricks": {func(s *slackTeam) { maps.DeleteFunc(s.addresses, func(string, string) bool { return true }) },
			"nobody could approve"},
		"open to all":       {func(s *slackTeam) { s.change(func(g *core.SlackGroup) { g.Kept = consent.No }) }, "can be changed by hand in Slack"},
		"gone":              {func(s *slackTeam) { s.change(func(g *core.SlackGroup) { *g = core.SlackGroup{} }) }, "there is no Slack group"},
		"unread":            {func(s *slackTeam) { s.fail(own, errors.New("no network")) }, "nobody could approve this plan here, as far as I can see: user group S0OWN in Slack: no network"},
		"many who are none": {crowd, ""}, // not all of whom were looked up
		"many, and open to all": {func(s *slackTeam) {
			crowd(s)
			s.change(func(g *core.SlackGroup) { g.Kept = consent.No })
		}, "can be changed by hand in Slack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			court, team, _ := slackCourt(t, false, core.PinnedIdentity)
			c.change(team)
			_, _, err := court.Propose(t.Context(), in(bob), wish(), "", nil)
			if c.refused != "" {
				notAllowed(t, err, c.refused)
			} else if err != nil {
				t.Fatal(err)
			}
			looked := 0
			for who := range team.asked {
				if strings.HasPrefix(who, "U") {
					looked++
				}
			}
			if looked > 20 {
				t.Errorf("%d members were looked up", looked)
			}
		})
	}
}

// TestSlackGroupOfRequesters lets people ask who are in a user group.
func TestSlackGroupOfRequesters(t *testing.T) {
	c, team, d := slackCourt(t, false, core.PinnedIdentity)
	const askers = "S0ASK"
	p := c.policy
	p.Requesters = []consent.Requesting{{From: consent.Set{SlackGroup: askers}, For: consent.Anyone}}
	c.Approvals = c.replica("asked", p, func(o *core.ApprovalOptions) { o.Roster, o.Directory = team, d })
	team.groups[askers] = core.SlackGroup{There: true, Team: "T1", Members: []string{"U" + grace}, Kept: consent.Yes}
	if _, err := d.Identify(t.Context(), "T1", "U"+grace, "grace@acme.test"); err != nil {
		t.Fatal(err)
	}
	propose := func(by string) error {
		_, _, err := c.Propose(t.Context(), in(by), wish(), "", nil)
		return err
	}
	if err := propose(grace); err != nil {
		t.Error(err)
	}
	notAllowed(t, propose(bob), "does not let you plan")
	team.fail(askers, errors.New("no network"))
	notAllowed(t, propose(grace), "does not let you plan")
}

// TestSlackGroupByLogin keeps a vote of the command line, where Slack cannot be read, until the bot has looked at it.
func TestSlackGroupByLogin(t *testing.T) {
	c, team, d := slackCourt(t, false, core.PinnedIdentity)
	made := c.pending()
	cli := c.replica("cli", c.policy, func(o *core.ApprovalOptions) {
		o.Login = identity.PrincipalKey{Kind: identity.KindUser, ID: erin}
	})
	got, err := cli.Vote(t.Context(), ledger.Actor{ID: erin, Via: "cli"}, made.ID, made.Digest, true, "")
	if err != nil {
		t.Fatal(err)
	}
	c.is(got, ledger.Pending)
	_, _, err = c.replica("operator", c.policy, func(o *core.ApprovalOptions) { o.Operator = true }).Apply(t.Context(), ledger.Actor{Via: "cli"}, made.ID, nil)
	if err == nil {
		t.Fatal("carried out by a process that cannot know who approves")
	}
	c.untouched()
	if _, err := c.replica("bot", c.policy, func(o *core.ApprovalOptions) { o.Roster, o.Directory = team, d }).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.kept(made.ID, ledger.Approved)
}

// TestT02_SlackGroupOfOneself: in a Slack group nobody approves what they asked for, nor who gets it.
func TestT02_SlackGroupOfOneself(t *testing.T) {
	c, team, d := slackCourt(t, false, core.PinnedIdentity)
	for _, who := range []struct{ id, name string }{{bob, "bob"}, {victor, "victor"}} {
		team.addresses["U"+who.id] = who.name + "@acme.test"
		team.change(func(g *core.SlackGroup) { g.Members = append(g.Members, "U"+who.id) })
		if _, err := d.Identify(t.Context(), "T1", "U"+who.id, who.name+"@acme.test"); err != nil {
			t.Fatal(err)
		}
	}
	made := c.pending()
	for who, why := range map[string]string{bob: "asked for it themselves", victor: "it is for them"} {
		_, err := c.Vote(t.Context(), in(who), made.ID, made.Digest, true, "")
		notAllowed(t, err, why)
	}
	c.kept(made.ID, ledger.Pending)
}
