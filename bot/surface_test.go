package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// canary is in every name of a report that must not be seen.
const canary = "Zz-canary"

// canaryGroup answers every question with a report about a group, whose names are all canaries.
func canaryGroup(_ context.Context, q query.Request, _ core.Progress) (report.Report, error) {
	named := func(kind string) report.Principal {
		return report.Principal{ID: canary, Kind: kind, Name: canary, DisplayName: canary, Source: "idp"}
	}
	g := &report.GroupReport{
		Group:   named("group"),
		Members: []report.GroupMember{{Principal: named("user"), Direct: true, Paths: []report.Path{{canary}}}},
		Grants: []report.GroupGrant{{Grant: report.Grant{
			Securable:  report.Securable{Type: identity.TypeCatalog, FullName: canary, Metastore: canary},
			Privileges: []identity.Privilege{"SELECT"}, ReachableIn: []string{canary}, Path: report.Path{canary},
		}, GrantSource: "direct"}},
	}
	g.Mode, g.Request = q.Mode(), q
	g.Coverage = report.Coverage{Planned: 3, Read: 2, Gaps: []report.Gap{{Scope: canary, Operation: "read " + canary, Kind: "forbidden", Message: canary, Effect: canary, Blocking: true}}}
	return g, nil
}

func everywhere(v Visibility) func(*Config) {
	return func(c *Config) { c.Public = func(string) Visibility { return v } }
}

// inChannel asks in a channel and gives what only the person was shown there, newest last.
func (r *rig) askIn(user, channel, text string) string {
	r.Helper()
	d, err := r.slack.SlashTyped(r.Context(), user, channel, "/access-audit", text)
	if err != nil {
		r.Fatal(err)
	}
	r.await(d.EnvelopeID, 1)
	all := r.slack.EphemeralsFor(user, channel)
	if len(all) == 0 {
		return ""
	}
	return textOf(all[len(all)-1])
}

// shownIn is everything that everybody in a channel sees, files included.
func (r *rig) shownIn(channel string) string {
	r.Helper()
	s := r.slack.Snapshot()
	var b strings.Builder
	for _, m := range r.slack.MessagesIn(channel) {
		whole, err := json.Marshal(m)
		if err != nil {
			r.Fatal(err)
		}
		b.WriteString(string(whole) + "\n" + textOf(m))
		for _, f := range s.Files {
			for _, id := range m.FileIDs {
				if f.ID == id {
					b.WriteString(f.Name + f.Title + f.AltText + string(f.Content))
				}
			}
		}
	}
	return b.String()
}

// wholeAnswer says whether a person was shown all of the canary's report, with its files in a direct message.
func (r *rig) wholeAnswer(user, told string) bool {
	return strings.Contains(told, canary) && strings.Contains(told, "Coverage: INCOMPLETE") && strings.Contains(told, "direct messages") && len(r.endings(user)) == 1
}

func TestAnswersArePrivateUnlessAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		config  func(*Config)
		channel string
		text    string
		prepare func(*slackfake.Server)
		say     string // to the person
	}{
		"not asked for":         {everywhere(Full), slackfake.DataHelp, "group x", nil, ""},
		"by default":            {nil, slackfake.DataHelp, "group x --public", nil, sayNotListed},
		"by policy":             {everywhere(None), slackfake.DataHelp, "group x --public", nil, sayNotListed},
		"an odd policy":         {everywhere(7), slackfake.DataHelp, "group x --public", nil, sayNotListed},
		"a negative policy":     {everywhere(-1), slackfake.DataHelp, "group x --public", nil, sayNotListed},
		"about a person":        {everywhere(Full), slackfake.DataHelp, "principal @bob --public", nil, sayPersonal},
		"about two":             {everywhere(Full), slackfake.DataHelp, "compare @bob @carol --public", nil, sayPersonal},
		"what a person can do":  {everywhere(Full), slackfake.DataHelp, "can --public @bob read main.a.b", nil, sayPersonal},
		"the roles of a person": {everywhere(Full), slackfake.DataHelp, "roles @bob --public", nil, sayPersonal},
		"the ways of a person":  {everywhere(Full), slackfake.DataHelp, "escalations @bob --public", nil, sayPersonal},
		"a clone of a person":   {everywhere(Full), slackfake.DataHelp, "clone @bob @carol --public", nil, sayPersonal},
		"a wish":                {everywhere(Full), slackfake.DataHelp, "what-if remove-member @bob x --public", nil, sayPersonal},
		"in a shared channel":   {everywhere(Full), slackfake.Partners, "group x --public", nil, sayShared},
		"where the bot is not":  {everywhere(Full), slackfake.Lounge, "group x --public", nil, sayNotIn},
		"in a direct message":   {everywhere(Full), "D0ALICE", "group x --public", nil, sayUnknownRoom},
		"without the scopes": {everywhere(Full), slackfake.DataHelp, "group x --public", func(s *slackfake.Server) {
			s.SetScopes("commands", "chat:write", "files:write", "im:write", "users:read", "users:read.email")
		}, "lacks the scope"},
		"when Slack is troubled": {everywhere(Full), slackfake.DataHelp, "group x --public", func(s *slackfake.Server) {
			s.AddFault(slackfake.Fault{Method: "conversations.info", Error: "internal_error"})
		}, sayUnknownRoom},
		"pending":               {everywhere(Full), slackfake.DataHelp, "group x --public", change(func(c *slackfake.Channel) { c.IsPendingExtShared = true }), sayShared},
		"shared by the company": {everywhere(Full), slackfake.DataHelp, "group x --public", change(func(c *slackfake.Channel) { c.IsOrgShared = true }), sayShared},
		"shared somehow":        {everywhere(Full), slackfake.DataHelp, "group x --public", change(func(c *slackfake.Channel) { c.IsShared = true }), sayShared},
		"archived":              {everywhere(Full), slackfake.DataHelp, "group x --public", change(func(c *slackfake.Channel) { c.IsArchived = true }), sayArchived},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := begin(t, canaryGroup, slackfake.Options{}, c.config)
			if c.channel == "D0ALICE" {
				r.openDM(slackfake.Alice)
			}
			if c.prepare != nil {
				c.prepare(r.slack)
			}
			before := len(r.slack.MessagesIn(c.channel))
			told := r.askIn(slackfake.Alice, c.channel, c.text)
			if !r.wholeAnswer(slackfake.Alice, told) || !strings.Contains(told, c.say) {
				t.Errorf("told %s\nfiles %q", told, r.endings(slackfake.Alice))
			}
			if shown := len(r.slack.MessagesIn(c.channel)) - before; shown != 0 && c.channel != "D0ALICE" {
				t.Errorf("%d messages that everybody sees", shown)
			}
			for _, m := range r.slack.Snapshot().Messages {
				if m.Via == "chat.postMessage" {
					t.Errorf("posted in %s", m.Channel)
				}
			}
		})
	}
}

// change changes #data-help.
func change(how func(*slackfake.Channel)) func(*slackfake.Server) {
	return func(s *slackfake.Server) { _ = s.UpdateChannel(slackfake.DataHelp, how) }
}

// openDM makes the conversation in which a person talks with the bot.
func (r *rig) openDM(user string) {
	r.Helper()
	c, err := slackapi.New(slackapi.Options{BotToken: slackapi.Secret(r.slack.BotToken()), APIURL: r.slack.APIURL(), Transport: r.transport})
	if err == nil {
		_, err = c.OpenDM(r.Context(), user)
	}
	if err != nil {
		r.Fatal(err)
	}
}

func TestFullChannelsShowTheAnswer(t *testing.T) {
	r := begin(t, canaryGroup, slackfake.Options{}, everywhere(Full))
	told := r.askIn(slackfake.Alice, slackfake.DataHelp, "group x --public")
	if !strings.Contains(told, "The answer is in the channel, with access-audit-") || strings.Contains(told, canary) {
		t.Errorf("told %s", told)
	}
	messages := r.slack.MessagesIn(slackfake.DataHelp)
	if len(messages) != 2 || messages[1].ThreadTS != messages[0].TS || len(messages[1].FileIDs) != 3 || len(r.slack.DirectMessages(slackfake.Alice)) != 0 {
		t.Fatalf("messages %+v", messages)
	}
	for _, want := range []string{canary, "Coverage: INCOMPLETE", "Facts: "} {
		if !strings.Contains(textOf(messages[0]), want) {
			t.Errorf("no %q in %s", want, textOf(messages[0]))
		}
	}
	if n := len(r.slack.Snapshot().CallsTo("conversations.info")); n != 2 {
		t.Errorf("the channel was looked at %d times, for two messages", n)
	}
	r.noMentions()
}

// TestCountChannelsShowNoName: not of anybody or anything, whatever the mode.
func TestCountChannelsShowNoName(t *testing.T) {
	for _, question := range []string{"group " + canary, "resource " + canary, "roles", "escalations", "doctor"} {
		r := begin(t, canaryGroup, slackfake.Options{}, everywhere(Counts))
		told := r.askIn(slackfake.Alice, slackfake.DataHelp, question+" --public")
		if !r.wholeAnswer(slackfake.Alice, told) || !strings.Contains(told, "without names") {
			t.Errorf("%s: told %s", question, told)
		}
		shown := r.shownIn(slackfake.DataHelp)
		if strings.Contains(strings.ToLower(shown), strings.ToLower(canary)) || strings.Contains(shown, "alice") {
			t.Errorf("%s: a name in %s", question, shown)
		}
		for _, want := range []string{"members: 1", "grants: 1", "redundancies: not read or not asked", "Coverage: INCOMPLETE, 1 gap could hide more; 2 of 3", "Facts: none were read"} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: no %q in %s", question, want, shown)
			}
		}
	}
}

// TestChannelThatBecomesShared: after it has, nothing more is shown there, be that before the first message, between that
// and the files, or between one answer and the next.
func TestChannelThatBecomesShared(t *testing.T) {
	flags := map[string]func(*slackfake.Channel){
		"shared":         func(c *slackfake.Channel) { c.IsExtShared = true },
		"pending":        func(c *slackfake.Channel) { c.IsPendingExtShared = true },
		"with a company": func(c *slackfake.Channel) { c.IsOrgShared = true },
	}
	for name, flag := range flags {
		t.Run(name+" while the audit runs", func(t *testing.T) {
			var r *rig
			var events tally
			r = begin(t, func(ctx context.Context, q query.Request, p core.Progress) (report.Report, error) {
				change(flag)(r.slack)
				return canaryGroup(ctx, q, p)
			}, slackfake.Options{}, func(c *Config) { everywhere(Full)(c); c.Count = events.count })
			told := r.askIn(slackfake.Alice, slackfake.DataHelp, "group x --public")
			if shown := r.shownIn(slackfake.DataHelp); shown != "" || !r.wholeAnswer(slackfake.Alice, told) || !strings.Contains(told, sayShared) {
				t.Errorf("shown %s\ntold %s", shown, told)
			}
			if events.of(CountChannelRefused) != 1 || !strings.Contains(r.log.String(), "answer not shown in a channel that is on the list") {
				t.Error("neither counted nor logged")
			}
		})
		t.Run(name+" between two messages", func(t *testing.T) {
			r := begin(t, canaryGroup, slackfake.Options{}, func(c *Config) {
				everywhere(Full)(c)
				c.Transport = &tripwire{next: c.Transport, path: "/chat.postMessage", after: func(r *rig) { change(flag)(r.slack) }}
			})
			told := r.askIn(slackfake.Alice, slackfake.DataHelp, "group x --public")
			messages := r.slack.MessagesIn(slackfake.DataHelp)
			if len(messages) != 1 || len(messages[0].FileIDs) != 0 {
				t.Errorf("%d messages after the channel was shared", len(messages)-1)
			}
			if !strings.Contains(told, "and then no more. "+sayShared) || !strings.Contains(told, "direct messages") || len(r.endings(slackfake.Alice)) != 1 {
				t.Errorf("told %s", told)
			}
			// And the next answer.
			told = r.askIn(slackfake.Bob, slackfake.DataHelp, "group x --public")
			if n := len(r.slack.MessagesIn(slackfake.DataHelp)); n != 1 || !strings.Contains(told, sayShared) {
				t.Errorf("%d messages, told %s", n, told)
			}
		})
	}
}

func TestTakePublic(t *testing.T) {
	for text, want := range map[string]string{
		"group x --public": "group x|true", "--public group x": "group x|true", "group --public x --public": "group x|true",
		"group x": "group x|false", "group -- --public": "group -- --public|false", "group --public -- --public": "group -- --public|true",
		"group --publicly": "group --publicly|false", "": "|false",
	} {
		rest, public := takeFlag(strings.Fields(text), publicFlag)
		got := strings.Join(rest, " ") + "|false"
		if public {
			got = strings.Join(rest, " ") + "|true"
		}
		if got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// TestClosedFailsClosed: a fact that Slack leaves out counts against the channel.
func TestClosedFailsClosed(t *testing.T) {
	good := `{"id":"C1","is_im":false,"is_mpim":false,"is_archived":false,"is_member":true,"is_shared":false,"is_ext_shared":false,"is_pending_ext_shared":false,"is_org_shared":false,"pending_shared":[]}`
	read := func(text string) slackapi.Channel {
		var c slackapi.Channel
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if why := closed(read(good)); why != "" {
		t.Errorf("a channel is refused: %s", why)
	}
	for _, field := range []string{"is_archived", "is_member", "is_ext_shared", "is_pending_ext_shared", "is_org_shared"} {
		if closed(read(strings.Replace(good, `"`+field+`"`, `"x"`, 1))) == "" {
			t.Errorf("open without %s", field)
		}
	}
	for _, wrong := range []string{`"is_im":true`, `"is_mpim":true`, `"is_archived":true`, `"is_member":false`, `"is_shared":true`, `"is_ext_shared":true`,
		`"is_pending_ext_shared":true`, `"is_org_shared":true`, `"pending_shared":["T2"]`, `"pending_connected_team_ids":["T2"]`} {
		if closed(read(strings.TrimSuffix(good, "}")+","+wrong+"}")) == "" {
			t.Errorf("open with %s", wrong)
		}
	}
}
