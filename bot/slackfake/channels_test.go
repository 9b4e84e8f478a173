package slackfake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

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

func TestSharingIsHeardBySubscription(t *testing.T) {
	t.Parallel()
	s, api, events := listen(t, slackfake.Options{BotEvents: []string{"channel_shared", "channel_unshared"}})
	share := func(channel, team string) slackfake.Delivery {
		t.Helper()
		d, err := s.ShareChannel(within(t), channel, team)
		check(t, err)
		return d
	}
	shared := func(channel string) bool {
		t.Helper()
		c, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: channel})
		check(t, err)
		if c.IsShared != c.IsExtShared || c.IsPendingExtShared {
			t.Errorf("%+v", c)
		}
		return c.IsExtShared
	}
	check(t, s.UpdateChannel(slackfake.DataHelp, func(c *slackfake.Channel) {
		c.IsPendingExtShared, c.PendingTeams = true, []string{"E0OTHER"}
	}))
	for _, team := range []string{"E0OTHER", "T0THIRD"} {
		share(slackfake.DataHelp, team)
		e, ok := (<-events).inner.(*slackevents.ChannelSharedEvent)
		if !ok || e.Channel != slackfake.DataHelp || e.ConnectedTeamID != team || e.EventTs == "" || !shared(slackfake.DataHelp) {
			t.Errorf("shared %+v", e)
		}
	}
	for i, team := range []string{"T0THIRD", "E0OTHER"} {
		_, err := s.UnshareChannel(within(t), slackfake.DataHelp, team)
		check(t, err)
		left := i == 0 // the other one is still there
		e, ok := (<-events).inner.(*slackevents.ChannelUnsharedEvent)
		if !ok || e.PreviouslyConnectedTeamID != team || e.IsExtShared != left || shared(slackfake.DataHelp) != left {
			t.Errorf("unshared %+v", e)
		}
	}
	for _, team := range []string{"", "T0ACME", "T0PARTNER"} {
		if _, err := s.ShareChannel(within(t), slackfake.Partners, team); err == nil {
			t.Errorf("shared with %q", team)
		}
	}
	if _, err := s.UnshareChannel(within(t), slackfake.Partners, "T1"); err == nil {
		t.Error("unshared what was not shared")
	}
	s.SetScopes("channels:read")
	if d := share(slackfake.DataApprovals, "T1"); d.EnvelopeID != "" {
		t.Error("a private channel is heard without groups:read")
	}
	nothing(t, events)
	noProblems(t, s)
}

func TestSharingIsSilentByDefault(t *testing.T) {
	t.Parallel()
	s, _, events := listen(t, slackfake.Options{})
	d, err := s.ShareChannel(within(t), slackfake.DataHelp, "T1")
	check(t, err)
	if d.EnvelopeID != "" {
		t.Errorf("delivered %+v", d)
	}
	nothing(t, events)
}

func TestConversionIsHeardAsAMessage(t *testing.T) {
	t.Parallel()
	s, api, events := listen(t, slackfake.Options{BotEvents: []string{"message.channels", "message.groups"}, Scopes: historyScopes()})
	for _, tt := range []struct {
		private       bool
		subtype, kind string
	}{{true, "channel_convert_to_private", "group"}, {false, "channel_convert_to_public", "channel"}} {
		d, err := s.ConvertChannel(within(t), slackfake.Bob, slackfake.DataHelp, tt.private)
		check(t, err)
		m := messageEvent(t, <-events)
		if m.SubType != tt.subtype || m.ChannelType != tt.kind || m.Channel != slackfake.DataHelp || m.TimeStamp != d.TS || m.User != slackfake.Bob {
			t.Errorf("converted %+v", m)
		}
		c, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: slackfake.DataHelp})
		check(t, err)
		if c.IsPrivate != tt.private {
			t.Errorf("%+v", c)
		}
		if _, err = s.ConvertChannel(within(t), slackfake.Bob, slackfake.DataHelp, tt.private); err == nil {
			t.Error("converted twice")
		}
	}
	nothing(t, events)
}
