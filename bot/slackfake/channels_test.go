package slackfake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"databricks-access-audit/bot/slackfake"
)

func TestChannelIsShownAsItIsNow(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	api := client(t, s)
	info := func() *slack.Channel {
		t.Helper()
		c, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: slackfake.DataHelp})
		check(t, err)
		return c
	}
	c := info()
	if c.Creator != slackfake.Alice || !c.IsChannel || !c.IsMember || c.IsPrivate || c.IsArchived || c.IsShared ||
		c.IsExtShared || c.IsPendingExtShared || c.IsOrgShared {
		t.Errorf("at first %+v", c)
	}
	if d := cmp.Diff([]string{"T0ACME"}, c.SharedTeamIDs); d != "" {
		t.Errorf("teams: -want +got\n%s", d)
	}
	for name, tt := range map[string]struct {
		change func(*slackfake.Channel)
		shown  func(*slack.Channel) bool
	}{
		"creator":  {func(c *slackfake.Channel) { c.Creator = slackfake.Guest }, func(c *slack.Channel) bool { return c.Creator == slackfake.Guest }},
		"ext":      {func(c *slackfake.Channel) { c.IsExtShared = true }, func(c *slack.Channel) bool { return c.IsExtShared }},
		"pending":  {func(c *slackfake.Channel) { c.IsPendingExtShared = true }, func(c *slack.Channel) bool { return c.IsPendingExtShared }},
		"org":      {func(c *slackfake.Channel) { c.IsOrgShared = true }, func(c *slack.Channel) bool { return c.IsOrgShared }},
		"archived": {func(c *slackfake.Channel) { c.IsArchived = true }, func(c *slack.Channel) bool { return c.IsArchived }},
		"private":  {func(c *slackfake.Channel) { c.IsPrivate = true }, func(c *slack.Channel) bool { return c.IsPrivate && c.IsGroup && !c.IsChannel }},
		"member":   {func(c *slackfake.Channel) { c.Members = append(c.Members, slackfake.Guest) }, func(c *slack.Channel) bool { return c.IsMember }},
		"teams":    {func(c *slackfake.Channel) { c.ConnectedTeams = []string{"T1"} }, func(c *slack.Channel) bool { return len(c.SharedTeamIDs) == 2 }},
		"invited":  {func(c *slackfake.Channel) { c.PendingTeams = []string{"T2"} }, func(c *slack.Channel) bool { return len(c.PendingShared) == 1 }},
	} {
		check(t, s.UpdateChannel(slackfake.DataHelp, tt.change))
		if c := info(); !tt.shown(c) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
