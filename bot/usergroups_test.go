package bot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/consent"
)

// roster is what a bot reads of user groups, and its workspace.
func roster(t *testing.T, scopes ...string) (*UserGroups, *slackfake.Server, *time.Time) {
	t.Helper()
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{Scopes: append(slackfake.DefaultScopes(), scopes...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	client, err := slackapi.New(slackapi.Options{BotToken: slackapi.Secret(s.BotToken()), AppToken: slackapi.Secret(s.AppToken()), APIURL: s.APIURL(), Unlimited: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	g := &UserGroups{}
	g.connect(client, "T0ACME", func() time.Time { return now })
	return g, s, &now
}

const readGroups = "usergroups:read"

// own is a group that an identity provider keeps.
func own() slackfake.Usergroup {
	return slackfake.Usergroup{ID: "S0OWN", Handle: "owners", Users: []string{slackfake.Carol, slackfake.Guest}, IsIDPGroup: true}
}

// called counts the calls of a method.
func called(s *slackfake.Server, method string) int { return len(s.Snapshot().CallsTo(method)) }

func TestUserGroupIsReadWhenItMatters(t *testing.T) {
	g, s, now := roster(t, readGroups)
	if err := s.AddUsergroup(own()); err != nil {
		t.Fatal(err)
	}
	read := func(since time.Time) string {
		t.Helper()
		got, err := g.UserGroup(t.Context(), "S0OWN", since)
		if err != nil || !got.There || got.Team != "T0ACME" || got.Kept != consent.Yes {
			t.Fatalf("%+v, %v", got, err)
		}
		return strings.Join(got.Members, " ")
	}
	if got := read(*now); got != "U0CAROL U0GUEST" {
		t.Errorf("members %s", got)
	}
	if err := s.UpdateUsergroup("S0OWN", func(u *slackfake.Usergroup) { u.Users = []string{slackfake.Dave} }); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(9 * time.Minute)
	if got := read(now.Add(-10 * time.Minute)); got != "U0CAROL U0GUEST" {
		t.Errorf("what is shown costs a call: %s", got)
	}
	if n := called(s, "usergroups.users.list"); n != 1 {
		t.Errorf("%d calls", n)
	}
	if got := read(*now); got != "U0DAVE" {
		t.Errorf("T07: a decision rests on what was: %s", got)
	}
	if n := called(s, "usergroups.list"); n != 2 {
		t.Errorf("%d lists", n)
	}
	if got := read(*now); got != "U0DAVE" || called(s, "usergroups.list") != 2 {
		t.Error("two groups of one decision are listed twice")
	}
}

func TestUserGroupsThatDoNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*slackfake.Usergroup)
		want   core.SlackGroup
	}{
		"open":     {func(u *slackfake.Usergroup) { u.IsIDPGroup = false }, core.SlackGroup{There: true, Kept: consent.No}},
		"locked":   {func(u *slackfake.Usergroup) { u.IsIDPGroup, u.IsMembershipLocked = false, true }, core.SlackGroup{There: true, Kept: consent.Yes}},
		"disabled": {func(u *slackfake.Usergroup) { u.Disabled = true }, core.SlackGroup{}},
		"of another name": {func(u *slackfake.Usergroup) { u.ID = "S0OTHER" },
			core.SlackGroup{}},
		"editing restricted alone": {func(u *slackfake.Usergroup) { u.IsIDPGroup, u.IsEditingRestricted = false, true }, core.SlackGroup{There: true, Kept: consent.No}},
	} {
		g, s, now := roster(t, readGroups)
		u := own()
		c.change(&u)
		if err := s.AddUsergroup(u); err != nil {
			t.Fatal(err)
		}
		if got, err := g.UserGroup(t.Context(), "S0OWN", *now); err != nil || got.There != c.want.There || got.Kept != c.want.Kept {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	g, s, now := roster(t)
	if err := s.AddUsergroup(own()); err != nil {
		t.Fatal(err)
	}
	if _, err := g.UserGroup(t.Context(), "S0OWN", *now); err == nil || !strings.Contains(err.Error(), "grant it the scope usergroups:read") {
		t.Errorf("without the scope: %v", err)
	}
	if _, err := (&UserGroups{}).UserGroup(t.Context(), "S0OWN", *now); !errors.Is(err, errNoSlack) {
		t.Errorf("before the start: %v", err)
	}
}

// halfTold is a Slack that leaves out what decides.
type halfTold struct {
	groupDoor
	group slackapi.UserGroup
}

func (h halfTold) UserGroups(context.Context) ([]slackapi.UserGroup, error) {
	return []slackapi.UserGroup{h.group}, nil
}
func (halfTold) UserGroupMembers(context.Context, string) ([]string, error) {
	return []string{"U1"}, nil
}

// TestUserGroupHalfTold takes what Slack does not say for neither yes nor no.
func TestUserGroupHalfTold(t *testing.T) {
	f, tr := false, true
	for _, c := range []struct {
		group slackapi.UserGroup
		want  consent.Answer
		fails bool
	}{
		{slackapi.UserGroup{TeamID: "T1"}, consent.Unknown, false},
		{slackapi.UserGroup{TeamID: "T1", IsIDPGroup: &f}, consent.Unknown, false},
		{slackapi.UserGroup{TeamID: "T1", IsMembershipLocked: &f}, consent.Unknown, false},
		{slackapi.UserGroup{TeamID: "T1", IsIDPGroup: &f, IsMembershipLocked: &f}, consent.No, false},
		{slackapi.UserGroup{TeamID: "T1", IsIDPGroup: &f, IsMembershipLocked: &tr}, consent.Yes, false},
		{slackapi.UserGroup{TeamID: "T2", IsIDPGroup: &tr}, 0, true},
		{slackapi.UserGroup{IsIDPGroup: &tr}, 0, true},
	} {
		c.group.ID = "S1"
		g := &UserGroups{}
		g.connect(halfTold{group: c.group}, "T1", time.Now)
		got, err := g.UserGroup(t.Context(), "S1", time.Now())
		if (err != nil) != c.fails || got.Kept != c.want {
			t.Errorf("%+v: %+v, %v", c.group, got, err)
		}
	}
}

// TestUserGroupMembersAreFullMembers gives the address of nobody else.
func TestUserGroupMembersAreFullMembers(t *testing.T) {
	g, s, now := roster(t, readGroups)
	for who, want := range map[string]string{
		slackfake.Carol: "carol@acme.test", slackfake.Guest: "", slackfake.Robot: "", slackfake.Leaver: "", slackfake.Stranger: "", "U0NOBODY": "",
	} {
		if got, err := g.Address(t.Context(), who, *now); err != nil || got != want {
			t.Errorf("%s: %q, %v", who, got, err)
		}
	}
	before := called(s, "users.info")
	if _, err := g.Address(t.Context(), slackfake.Carol, now.Add(-time.Minute)); err != nil || called(s, "users.info") != before {
		t.Errorf("looked up again: %v", err)
	}
	*now = now.Add(time.Second)
	s.AddFault(slackfake.Fault{Method: "users.info", Status: 503})
	if got, err := g.Address(t.Context(), slackfake.Carol, *now); err == nil {
		t.Errorf("of whom Slack says nothing now, it gives %q", got)
	}
}

// TestBotConnectsUserGroups at its start, and says what it lacks for them.
func TestBotConnectsUserGroups(t *testing.T) {
	g := &UserGroups{}
	w := found(t, slackfake.Options{}, nil, func(_ *board, c *Config) { c.UserGroups = g })
	if _, err := g.UserGroup(t.Context(), "S0OWN", time.Now()); err == nil || !strings.Contains(err.Error(), "usergroups:read") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(w.log.String(), `"scope":"usergroups:read"`) {
		t.Error("the missing scope is not told")
	}
}
