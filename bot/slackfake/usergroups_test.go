package slackfake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"databricks-access-audit/bot/slackfake"
)

func startWithGroups(t *testing.T) (*slackfake.Server, *slack.Client) {
	t.Helper()
	s := start(t, slackfake.Options{Scopes: []string{"usergroups:read"}})
	return s, client(t, s)
}

func TestUsergroupsAreShownAsSlackGoReadsThem(t *testing.T) {
	t.Parallel()
	s, api := startWithGroups(t)
	check(t, s.UpdateUsergroup("@data-admins", func(g *slackfake.Usergroup) {
		g.IsEditingRestricted, g.Description = true, "who decides"
		g.Channels = []string{slackfake.DataHelp, slackfake.DataApprovals}
	}))
	groups, err := api.GetUserGroups(slack.GetUserGroupsOptionIncludeUsers(true), slack.GetUserGroupsOptionIncludeCount(true))
	check(t, err)
	if len(groups) != 2 {
		t.Fatalf("groups %+v", groups)
	}
	want := slack.UserGroup{
		ID: "S0ADMINS", TeamID: "T0ACME", IsUserGroup: true, IsSubteam: true, Name: "Data admins", Handle: "data-admins", Description: "who decides",
		DateCreate: 1_700_000_000, DateUpdate: 1_700_000_000, CreatedBy: "USLACKBOT", UpdatedBy: "USLACKBOT",
		IsIDPGroup: true, IsMembershipLocked: true, IsEditingRestricted: true, IsVisible: true,
		Prefs:     slack.UserGroupPrefs{Channels: []string{slackfake.DataHelp}, Groups: []string{slackfake.DataApprovals}},
		UserCount: 2, ChannelCount: 2, Users: []string{slackfake.Carol, slackfake.Dave},
	}
	if d := cmp.Diff(want, groups[0]); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if g := groups[1]; g.IsIDPGroup || g.IsMembershipLocked || g.IsEditingRestricted {
		t.Errorf("an open group is %+v", g)
	}
	groups, err = api.GetUserGroups()
	check(t, err)
	if g := groups[0]; g.Users != nil || g.UserCount != 0 {
		t.Errorf("members that were not asked for: %+v", g)
	}
}

func TestUsergroupsChangeWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	s, api := startWithGroups(t)
	members := []string{slackfake.Bob}
	check(t, s.AddUsergroup(slackfake.Usergroup{ID: "S0NEW", Handle: "new", Name: "New", Users: members}))
	members[0] = slackfake.Guest // the caller's slice is not the group's
	expect := func(id string, want ...string) {
		t.Helper()
		got, err := api.GetUserGroupMembers(id)
		check(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", id, d)
		}
	}
	expect("S0NEW", slackfake.Bob)
	check(t, s.UpdateUsergroup("new", func(g *slackfake.Usergroup) { g.Users = append(g.Users, slackfake.Carol) }))
	expect("S0NEW", slackfake.Bob, slackfake.Carol)
	expect("S0ADMINS", slackfake.Carol, slackfake.Dave)
	check(t, s.UpdateUsergroup("S0NEW", func(g *slackfake.Usergroup) { g.Users = nil }))
	got := post(t, s, "usergroups.users.list", s.BotToken(), form("usergroup", "S0NEW"))
	if d := cmp.Diff([]any{}, got["users"]); d != "" {
		t.Errorf("an empty group: -want +got\n%s", d)
	}
	for _, g := range []slackfake.Usergroup{{Handle: "x"}, {ID: "S0NEW", Handle: "x"}, {ID: "S0OTHER", Handle: "new"}} {
		if s.AddUsergroup(g) == nil {
			t.Errorf("added %+v", g)
		}
	}
	if s.UpdateUsergroup("nobody", func(*slackfake.Usergroup) {}) == nil {
		t.Error("updated a group that is not there")
	}
}

func TestDisabledUsergroupIsShownOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	s, api := startWithGroups(t)
	check(t, s.UpdateUsergroup("S0OPEN", func(g *slackfake.Usergroup) { g.Disabled = true }))
	groups, err := api.GetUserGroups()
	check(t, err)
	if len(groups) != 1 || groups[0].ID != "S0ADMINS" || groups[0].DateDelete != 0 {
		t.Errorf("groups %+v", groups)
	}
	groups, err = api.GetUserGroups(slack.GetUserGroupsOptionIncludeDisabled(true))
	check(t, err)
	if len(groups) != 2 || groups[1].ID != "S0OPEN" || groups[1].DateDelete == 0 {
		t.Errorf("groups with disabled ones %+v", groups)
	}
	if _, err = api.GetUserGroupMembers("S0OPEN"); err == nil || err.Error() != "no_such_subteam" {
		t.Errorf("members of a disabled group: %v", err)
	}
	users, err := api.GetUserGroupMembers("S0OPEN", slack.GetUserGroupMembersOptionIncludeDisabled(true))
	check(t, err)
	if d := cmp.Diff([]string{slackfake.Alice}, users); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got := s.Typed("@data-fans"); got != "@data-fans" {
		t.Errorf("a client offers a disabled group: %s", got)
	}
}

func TestUsergroupMembersAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := startWithGroups(t)
	for want, args := range map[string][]string{
		"no_such_subteam":   {"usergroup", "data-admins"}, // a handle is no id
		"invalid_arguments": nil,
	} {
		if got := post(t, s, "usergroups.users.list", s.BotToken(), form(args...)); got["error"] != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	s.SetScopes("users:read")
	got := post(t, s, "usergroups.users.list", s.BotToken(), form("usergroup", "S0ADMINS"))
	if got["error"] != "missing_scope" || got["needed"] != "usergroups:read" {
		t.Error(got)
	}
}
