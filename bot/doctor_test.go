package bot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/query"
)

// examination is one of a workspace of pretence, and what was found.
func examination(t *testing.T, prepare func(*slackfake.Server, *Examination)) []SetupCheck {
	t.Helper()
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	e := Examination{
		Tokens: Tokens{Bot: slackapi.Secret(s.BotToken()), App: slackapi.Secret(s.AppToken())},
		APIURL: s.APIURL(), Transport: transport, Channels: []string{slackfake.DataApprovals},
	}
	if prepare != nil {
		prepare(s, &e)
	}
	checks, err := Examine(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if (c.Fix == "") != (c.Status == SetupOK) || c.Detail == "" || c.Name == "" {
			t.Errorf("a check without what it needs: %+v", c)
		}
	}
	text, err := json.Marshal(checks)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"slackfake", "ticket", "canary", "xoxb-0", "xapp-1"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q in %s", secret, text)
		}
	}
	for _, w := range s.Problems() {
		t.Errorf("problem with Slack: %s", w)
	}
	for _, m := range s.MessagesIn(slackfake.DataApprovals) {
		t.Errorf("somebody sees %q", m.Text)
	}
	return checks
}

const (
	accepted    = "bot token is accepted"
	granted     = "scopes are granted"
	notBroader  = "no scope is granted that is not needed"
	opens       = "socket opens"
	oneApp      = "both tokens are of one app"
	byHand      = "slash commands, interactivity and events"
	inApprovals = "channel " + slackfake.DataApprovals
)

// TestExamine breaks one thing at a time. What is not named must be well.
func TestExamine(t *testing.T) {
	type found map[string]string // check to "status: words of detail or fix"
	unknownBearer := func(rest found) found {
		f := found{granted: "not_checked", notBroader: "not_checked", oneApp: "not_checked", inApprovals: "not_checked"}
		for k, v := range rest {
			f[k] = v
		}
		return f
	}
	withoutBot := func(rest found) found {
		rest[accepted] = "not_checked"
		return unknownBearer(rest)
	}
	for name, c := range map[string]struct {
		prepare func(*slackfake.Server, *Examination)
		want    found
	}{
		"nothing": {nil, nil},
		"scopes missing": {func(s *slackfake.Server, _ *Examination) {
			s.SetScopes("commands", "chat:write", "users:read", "users:read.email", "app_mentions:read", "channels:read", "groups:read")
		}, found{granted: "problem: missing: files:write (without it reports cannot be sent as files), im:write (without it"}},
		"scopes to spare": {func(s *slackfake.Server, _ *Examination) {
			s.SetScopes(append(slackfake.DefaultScopes(), "chat:write.customize", "admin.users:read")...)
		}, found{notBroader: "problem: not needed: admin.users:read, chat:write.customize"}},
		"history to spare": {func(s *slackfake.Server, _ *Examination) {
			s.SetScopes(append(slackfake.DefaultScopes(), "channels:history")...)
		}, found{notBroader: "problem: ask with --plain-replies"}},
		"user groups": {func(s *slackfake.Server, e *Examination) {
			s.SetScopes(append(slackfake.DefaultScopes(), "usergroups:read")...)
			e.UserGroups = true
		}, nil},
		"user groups without the scope": {func(_ *slackfake.Server, e *Examination) { e.UserGroups = true },
			found{granted: "problem: missing: usergroups:read (without it nobody counts as a member of a Slack user group"}},
		"user groups to spare": {func(s *slackfake.Server, _ *Examination) {
			s.SetScopes(append(slackfake.DefaultScopes(), "usergroups:read")...)
		}, found{notBroader: "problem: ask with --config or --user-groups"}},
		"plain replies": {func(s *slackfake.Server, e *Examination) {
			s.SetScopes(append(slackfake.DefaultScopes(), "channels:history", "groups:history")...)
			e.PlainReplies = true
		}, nil},
		"plain replies without history": {func(_ *slackfake.Server, e *Examination) { e.PlainReplies = true },
			found{granted: "problem: missing: channels:history"}},
		"scopes not told": {func(s *slackfake.Server, _ *Examination) { s.SetScopes() },
			found{granted: "not_checked: does not say", notBroader: "not_checked: does not say", oneApp: "not_checked: users:read", inApprovals: "not_checked: channels:read"}},
		"groups not readable": {func(s *slackfake.Server, _ *Examination) {
			s.SetScopes(slices.DeleteFunc(slackfake.DefaultScopes(), func(s string) bool { return s == "groups:read" })...)
		}, found{granted: "problem: missing: groups:read", inApprovals: "not_checked: groups:read"}},

		"tokens swapped": {func(_ *slackfake.Server, e *Examination) {
			e.Tokens.Bot, e.Tokens.App = e.Tokens.App, e.Tokens.Bot
		}, withoutBot(found{"bot token": "problem: swapped", "app-level token": "problem: swapped", opens: "not_checked"})},
		"a person's token": {func(_ *slackfake.Server, e *Examination) { e.Tokens.Bot = "xoxp-canary" },
			withoutBot(found{"bot token": "problem: begins with xoxp-"})},
		"two bot tokens": {func(_ *slackfake.Server, e *Examination) { e.Tokens.App = e.Tokens.Bot },
			found{"app-level token": "problem: begins with xoxb-", opens: "not_checked", oneApp: "not_checked"}},
		"no bot token": {func(_ *slackfake.Server, e *Examination) {
			e.Tokens, e.BotErr, e.AppErr = ReadTokens(func(k string) string {
				return map[string]string{"SLACK_APP_TOKEN": string(e.Tokens.App)}[k]
			})
		}, withoutBot(found{"bot token": "problem: SLACK_BOT_TOKEN is not set"})},
		"bot token revoked": {func(s *slackfake.Server, _ *Examination) {
			s.AddFault(slackfake.Fault{Method: "auth.test", Error: "token_revoked"})
		}, unknownBearer(found{accepted: "problem: make a new one"})},
		"bot token unknown": {func(_ *slackfake.Server, e *Examination) { e.Tokens.Bot = "xoxb-canary" },
			unknownBearer(found{accepted: "problem: copy it again"})},
		"Slack is down": {func(s *slackfake.Server, _ *Examination) {
			s.AddFault(slackfake.Fault{Method: "auth.test", Status: 503})
		},
			unknownBearer(found{accepted: "problem: slack-status.com"})},

		"app-level token revoked": {func(s *slackfake.Server, _ *Examination) {
			s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: "token_revoked"})
		}, found{opens: "problem: make a new one", oneApp: "not_checked"}},
		"connections:write missing": {func(s *slackfake.Server, _ *Examination) {
			s.AddFault(slackfake.Fault{Method: "apps.connections.open", Error: "missing_scope"})
		}, found{opens: "problem: needs connections:write", oneApp: "not_checked"}},
		"Socket Mode off": {func(s *slackfake.Server, _ *Examination) { s.Disconnect(slackfake.DisconnectDisabled) },
			found{opens: "problem: switch Socket Mode on", oneApp: "not_checked"}},
		"bots unknown": {func(s *slackfake.Server, _ *Examination) {
			s.AddFault(slackfake.Fault{Method: "bots.info", Error: "internal_error"})
		}, found{oneApp: "not_checked: internal_error"}},

		"channel shared": {func(s *slackfake.Server, e *Examination) { e.Channels = []string{slackfake.Partners} },
			found{inApprovals: "", "channel " + slackfake.Partners: "problem: shared with another organisation"}},
		"channel about to be shared": {func(s *slackfake.Server, _ *Examination) {
			share(t, s, func(c *slackfake.Channel) { c.IsPendingExtShared = true })
		}, found{inApprovals: "problem: about to be shared"}},
		"channel of the organisation": {func(s *slackfake.Server, _ *Examination) {
			share(t, s, func(c *slackfake.Channel) { c.IsOrgShared = true })
		}, found{inApprovals: "problem: other workspaces"}},
		"channel archived": {func(s *slackfake.Server, _ *Examination) {
			share(t, s, func(c *slackfake.Channel) { c.IsArchived = true })
		}, found{inApprovals: "problem: it is archived"}},
		"channel without the bot": {func(s *slackfake.Server, e *Examination) { e.Channels = []string{slackfake.Lounge, slackfake.Lounge} },
			found{inApprovals: "", "channel " + slackfake.Lounge: "problem: /invite"}},
		"private channel without the bot": {func(s *slackfake.Server, _ *Examination) {
			share(t, s, func(c *slackfake.Channel) { c.Members = []string{slackfake.Alice} })
		}, found{inApprovals: "problem: /invite"}},
		"channel unreadable": {func(s *slackfake.Server, _ *Examination) {
			s.AddFault(slackfake.Fault{Method: "conversations.info", Error: "internal_error"})
		}, found{inApprovals: "problem: internal_error"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]SetupCheck{}
			for _, c := range examination(t, c.prepare) {
				if _, twice := got[c.Name]; twice {
					t.Errorf("%s is checked twice", c.Name)
				}
				got[c.Name] = c
			}
			for _, check := range []string{"bot token", "app-level token", accepted, granted, notBroader, opens, oneApp, byHand, inApprovals} {
				if _, said := c.want[check]; said {
					continue
				}
				want := SetupOK
				if check == byHand {
					want = SetupNotChecked // Slack never tells
				}
				if got[check].Status != want {
					t.Errorf("%s: %+v, want %s", check, got[check], want)
				}
			}
			for check, want := range c.want {
				status, words, _ := strings.Cut(want, ": ")
				if g := got[check]; g.Status != status || !strings.Contains(g.Detail+" "+g.Fix, words) {
					t.Errorf("%s: %+v, want %q", check, g, want)
				}
			}
		})
	}
}

func share(t *testing.T, s *slackfake.Server, change func(*slackfake.Channel)) {
	t.Helper()
	if err := s.UpdateChannel(slackfake.DataApprovals, change); err != nil {
		t.Fatal(err)
	}
}

// TestExamineTwoApps is about tokens of two apps: the fake has one, so that another answers for the second.
func TestExamineTwoApps(t *testing.T) {
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	other := roundTrip(func(r *http.Request) (*http.Response, error) {
		answer, err := transport.RoundTrip(r)
		if err == nil && strings.HasSuffix(r.URL.Path, "/bots.info") {
			answer.Body = bodyOf(t, answer.Body, `"A0AUDIT"`, `"A0OTHER"`)
		}
		return answer, err
	})
	checks, err := Examine(t.Context(), Examination{
		Tokens: Tokens{Bot: slackapi.Secret(s.BotToken()), App: slackapi.Secret(s.AppToken())}, APIURL: s.APIURL(), Transport: other,
	})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(checks, func(c SetupCheck) bool { return c.Name == oneApp })
	if c := checks[i]; c.Status != SetupProblem || !strings.Contains(c.Detail, "A0OTHER") || !strings.Contains(c.Detail, "A0AUDIT") {
		t.Errorf("%+v", c)
	}
}

func TestExamineIsAskedRightly(t *testing.T) {
	for _, id := range []string{"#data-help", "data-help", "", "C", "U0ALICE", "c0help", "C0HELP\n", "https://acme.slack.com/archives/C0HELP"} {
		if _, err := Examine(t.Context(), Examination{Channels: []string{id}}); err == nil || !isUsageError(err) {
			t.Errorf("channel %q: %v", id, err)
		}
	}
	if _, err := Examine(t.Context(), Examination{APIURL: "http://slack.test/"}); !isUsageError(err) {
		t.Errorf("an address without TLS: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	e := Examination{Tokens: Tokens{Bot: slackapi.Secret(s.BotToken()), App: slackapi.Secret(s.AppToken())}, APIURL: s.APIURL(), Transport: &http.Transport{}}
	if _, err := Examine(ctx, e); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func isUsageError(err error) bool {
	_, ok := errors.AsType[*query.UsageError](err)
	return ok
}

// TestMissingFlagsAreNotNo is about an answer that leaves out what decides.
func TestMissingFlagsAreNotNo(t *testing.T) {
	yes, no := true, false
	x := &examiner{}
	x.judge("c", slackapi.Channel{Name: "c", IsMember: &yes, IsArchived: &no, IsExtShared: &no}, "invite")
	x.judge("c", slackapi.Channel{Name: "c", IsMember: &no}, "invite")
	if c := x.checks[0]; c.Status != SetupNotChecked || !strings.Contains(c.Detail, "about to be shared") || !strings.Contains(c.Detail, "other workspaces") {
		t.Errorf("%+v", c)
	}
	if c := x.checks[1]; c.Status != SetupProblem || c.Fix != "invite" {
		t.Errorf("%+v", c)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func bodyOf(t *testing.T, body io.ReadCloser, old, new string) io.ReadCloser {
	t.Helper()
	text, err := io.ReadAll(body)
	if err != nil || !strings.Contains(string(text), old) {
		t.Errorf("no %s in %q: %v", old, text, err)
	}
	_ = body.Close()
	return io.NopCloser(strings.NewReader(strings.ReplaceAll(string(text), old, new)))
}
