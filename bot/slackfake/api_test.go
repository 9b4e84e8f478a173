package slackfake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"databricks-access-audit/bot/slackfake"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	bot, app := s.BotToken(), s.AppToken()
	check(t, s.UpdateChannel("#lounge", func(c *slackfake.Channel) { c.IsArchived = true }))
	check(t, s.UpdateUser(slackfake.Dave, func(u *slackfake.User) { u.NotVisible = true }))
	check(t, s.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) { c.Members = []string{slackfake.Carol} }))
	mention, err := s.Say(within(t), slackfake.Alice, slackfake.DataHelp, "", "by alice")
	check(t, err)
	people := mention.TS
	for _, tt := range []struct {
		name, method, token string
		args                url.Values
		want                string
	}{
		{"method", "chat.invent", bot, nil, "unknown_method"},
		{"no token", "auth.test", "", nil, "not_authed"},
		{"wrong token", "auth.test", "xoxb-other", nil, "invalid_auth"},
		{"bot token for socket", "apps.connections.open", bot, nil, "not_allowed_token_type"},
		{"app token in body", "apps.connections.open", "", form("token", app), "invalid_auth"},
		{"app token for chat", "chat.postMessage", app, form("channel", slackfake.DataHelp, "text", "x"), "not_allowed_token_type"},
		{"no argument", "users.info", bot, nil, "invalid_arguments"},
		{"user", "users.info", bot, form("user", "U1"), "user_not_found"},
		{"invisible user", "users.info", bot, form("user", slackfake.Dave), "user_not_visible"},
		{"e-mail", "users.lookupByEmail", bot, form("email", "nobody@acme.test"), "users_not_found"},
		{"deactivated e-mail", "users.lookupByEmail", bot, form("email", "larry@acme.test"), "users_not_found"},
		{"another's bot", "bots.info", bot, form("bot", "B0DEPLOY"), "bot_not_found"},
		{"no bot", "bots.info", bot, nil, "invalid_arguments"},
		{"channel", "chat.postMessage", bot, form("channel", "C1", "text", "x"), "channel_not_found"},
		{"private channel", "chat.postMessage", bot, form("channel", slackfake.DataApprovals, "text", "x"), "channel_not_found"},
		{"info on private channel", "conversations.info", bot, form("channel", slackfake.DataApprovals), "channel_not_found"},
		{"foreign channel", "chat.postMessage", bot, form("channel", slackfake.Lounge, "text", "x"), "not_in_channel"},
		{"no text", "chat.postMessage", bot, form("channel", slackfake.DataHelp, "blocks", "[]"), "no_text"},
		{"thread", "chat.postMessage", bot, form("channel", slackfake.DataHelp, "text", "x", "thread_ts", "1.1"), "thread_not_found"},
		{"blocks", "chat.postMessage", bot, form("channel", slackfake.DataHelp, "blocks", "{"), "invalid_blocks_format"},
		{"ephemeral outside", "chat.postEphemeral", bot, form("channel", slackfake.DataHelp, "user", slackfake.Stranger, "text", "x"), "user_not_in_channel"},
		{"ephemeral without bot", "chat.postEphemeral", bot, form("channel", slackfake.Lounge, "user", slackfake.Alice, "text", "x"), "not_in_channel"},
		{"update nothing", "chat.update", bot, form("channel", slackfake.DataHelp, "ts", "1.1", "text", "x"), "message_not_found"},
		{"update a person's", "chat.update", bot, form("channel", slackfake.DataHelp, "ts", people, "text", "x"), "cant_update_message"},
		{"open nobody", "conversations.open", bot, nil, "users_list_not_supplied"},
		{"open unknown", "conversations.open", bot, form("users", "U1"), "user_not_found"},
		{"open deactivated", "conversations.open", bot, form("users", slackfake.Leaver), "user_disabled"},
		{"open bot", "conversations.open", bot, form("users", slackfake.Robot), "cannot_dm_bot"},
		{"open many", "conversations.open", bot, form("users", slackfake.Alice+","+slackfake.Bob), "missing_scope"},
		{"usergroups scope", "usergroups.list", bot, nil, "missing_scope"},
		{"trigger", "views.open", bot, form("trigger_id", "1.2", "view", "{}"), "invalid_trigger_id"},
		{"view", "views.update", bot, form("view_id", "V1", "view", "{}"), "not_found"},
		{"empty upload", "files.getUploadURLExternal", bot, form("filename", "a.csv", "length", "0"), "invalid_arguments"},
		{"huge upload", "files.getUploadURLExternal", bot, form("filename", "a.csv", "length", "1073741825"), "file_upload_size_restricted"},
		{"huge snippet", "files.getUploadURLExternal", bot, form("filename", "a.csv", "length", "1048577", "snippet_type", "csv"), "snippet_too_large"},
		{"unknown file", "files.completeUploadExternal", bot, form("files", `[{"id":"F1"}]`), "file_not_found"},
		{"no files", "files.completeUploadExternal", bot, form("files", `[]`), "invalid_arguments"},
		{"delete no file", "files.delete", bot, nil, "invalid_arguments"},
		{"delete unknown file", "files.delete", bot, form("file", "F1"), "file_not_found"},
		{"delete with a wrong token", "files.delete", "xoxb-other", form("file", "F1"), "invalid_auth"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := post(t, s, tt.method, tt.token, tt.args)
			if got["ok"] != false || got["error"] != tt.want {
				t.Errorf("%v, want %s", got, tt.want)
			}
		})
	}
	got := post(t, s, "usergroups.list", bot, nil)
	if got["needed"] != "usergroups:read" || got["provided"] != strings.Join(slackfake.DefaultScopes(), ",") {
		t.Errorf("missing_scope says %v", got)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestScopesDecideWhatIsShown(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{Scopes: []string{"users:read", "channels:read"}})
	api := client(t, s)
	u, err := api.GetUserInfo(slackfake.Alice)
	check(t, err)
	if u.Profile.Email != "" {
		t.Errorf("e-mail %q without users:read.email", u.Profile.Email)
	}
	s.SetScopes("users:read", "users:read.email", "channels:read", "groups:read", "usergroups:read")
	for id, want := range map[string]string{slackfake.Alice: "alice@acme.test", slackfake.Stranger: ""} {
		u, err = api.GetUserInfo(id)
		check(t, err)
		if u.Profile.Email != want || u.IsStranger != (id == slackfake.Stranger) || u.IsEmailConfirmed != (id == slackfake.Alice) {
			t.Errorf("%s: %+v", id, u)
		}
	}
	u, err = api.GetUserByEmail("bob@acme.test")
	check(t, err)
	if u.ID != slackfake.Bob || u.TeamID != "T0ACME" {
		t.Errorf("by e-mail: %+v", u)
	}
	c, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: slackfake.Partners, IncludeNumMembers: true})
	check(t, err)
	if !c.IsExtShared || c.NumMembers != 6 || !c.IsMember {
		t.Errorf("channel %+v", c)
	}
	groups, err := api.GetUserGroups(slack.GetUserGroupsOptionIncludeUsers(true))
	check(t, err)
	if len(groups) != 2 || groups[0].Handle != "data-admins" || len(groups[0].Users) != 2 {
		t.Errorf("groups %+v", groups)
	}
	auth, err := api.AuthTest()
	check(t, err)
	if auth.TeamID != "T0ACME" || auth.UserID != slackfake.AuditBot || auth.BotID != "B0AUDIT" {
		t.Errorf("auth %+v", auth)
	}
}

func TestJSONAndFormBodiesAgree(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	blocks := `[{"type":"section","text":{"type":"mrkdwn","text":"a"}}]`
	got := postJSON(t, s, "chat.postMessage", s.BotToken(), `{"channel":"C0HELP","text":"t","blocks":`+blocks+`,"link_names":true}`)
	if got["ok"] != true {
		t.Fatal(got)
	}
	post(t, s, "chat.postMessage", s.BotToken(), form("channel", "C0HELP", "text", "t", "blocks", blocks, "link_names", "1"))
	all := s.MessagesIn("C0HELP")
	if len(all) != 2 || string(all[0].Blocks) != string(all[1].Blocks) || !all[0].LinkNames || !all[1].LinkNames {
		t.Errorf("messages %+v", all)
	}
	// A method that takes only forms sees no arguments in JSON.
	if got := postJSON(t, s, "users.info", s.BotToken(), `{"user":"U0ALICE"}`); got["error"] != "invalid_arguments" {
		t.Error(got)
	}
	for contentType, want := range map[string]string{"application/json": "invalid_json", "text/plain": "invalid_post_type"} {
		if got := send(t, s, "chat.postMessage", s.BotToken(), contentType, "{"); got["error"] != want {
			t.Errorf("%s: %v", contentType, got)
		}
	}
}

func TestMessagesHaveOrderedTimestampsAndAreUpdated(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{Clock: slackfake.NewManualClock(noon)})
	api := client(t, s)
	_, ts, err := api.PostMessage("#data-help", slack.MsgOptionText("one", false))
	check(t, err)
	_, reply, err := api.PostMessage(slackfake.DataHelp, slack.MsgOptionText(strings.Repeat("é", 40_001), false), slack.MsgOptionTS(ts))
	check(t, err)
	if !regexp.MustCompile(`^\d{10}\.\d{6}$`).MatchString(ts) || reply <= ts {
		t.Errorf("timestamps %s, %s", ts, reply)
	}
	section := slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "b", false, false), nil, nil)
	_, _, _, err = api.UpdateMessage(slackfake.DataHelp, ts, slack.MsgOptionText("two", false), slack.MsgOptionBlocks(section))
	check(t, err)
	// What an update leaves out stays.
	post(t, s, "chat.update", s.BotToken(), form("channel", slackfake.DataHelp, "ts", ts, "text", "three"))
	all := s.MessagesIn(slackfake.DataHelp)
	if all[0].Text != "three" || all[0].Edits != 2 || all[0].Blocks == nil || all[1].ThreadTS != ts || len([]rune(all[1].Text)) != 40_000 {
		t.Errorf("messages %+v", all[0])
	}
	post(t, s, "chat.update", s.BotToken(), form("channel", slackfake.DataHelp, "ts", ts, "text", "four", "blocks", "[]"))
	if m := s.MessagesIn(slackfake.DataHelp)[0]; m.Blocks != nil {
		t.Errorf("blocks %s are left", m.Blocks)
	}
	eph, err := api.PostEphemeral(slackfake.DataHelp, slackfake.Bob, slack.MsgOptionText("psst", false))
	check(t, err)
	if got := post(t, s, "chat.update", s.BotToken(), form("channel", slackfake.DataHelp, "ts", eph, "text", "x")); got["error"] != "message_not_found" {
		t.Errorf("update of an ephemeral: %v", got)
	}
}

func TestDirectMessages(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	api := client(t, s)
	dm, _, _, err := api.OpenConversation(&slack.OpenConversationParameters{Users: []string{slackfake.Bob}})
	check(t, err)
	_, _, err = api.PostMessage(dm.ID, slack.MsgOptionText("report", false))
	check(t, err)
	_, _, err = api.PostMessage(slackfake.Bob, slack.MsgOptionText("again", false))
	check(t, err)
	if got := s.DirectMessages(slackfake.Bob); len(got) != 2 || got[1].Channel != dm.ID {
		t.Errorf("direct messages %+v", got)
	}
	if got := s.DirectMessages(slackfake.Carol); got != nil {
		t.Errorf("carol has %+v", got)
	}
}

func TestFilesAreUploadedInThreeSteps(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	api := client(t, s)
	_, ts, err := api.PostMessage(slackfake.DataHelp, slack.MsgOptionText("plan", false))
	check(t, err)
	csv := "a,b\n1,2\n"
	_, err = api.UploadFile(slack.UploadFileParameters{
		Filename: "r.csv", Title: "Report", Content: csv, FileSize: len(csv), Channel: slackfake.DataHelp, ThreadTimestamp: ts, InitialComment: "here",
	})
	check(t, err)
	f := s.Files()
	if len(f) != 1 || !bytes.Equal(f[0].Content, []byte(csv)) || f[0].Title != "Report" || f[0].ThreadTS != ts || f[0].InitialComment != "here" {
		t.Fatalf("files %+v", f)
	}
	if m := s.MessagesIn(slackfake.DataHelp); len(m) != 2 || m[1].Subtype != "file_share" || m[1].FileIDs[0] != f[0].ID {
		t.Errorf("messages %+v", m)
	}
	s.SetScopes("files:write", "chat:write", "chat:write.public")
	for channel, want := range map[string]string{slackfake.Lounge: "not_in_channel", "C1": "channel_not_found", slackfake.Bob: "channel_not_found"} {
		_, err = api.UploadFile(slack.UploadFileParameters{Filename: "r.csv", Content: csv, FileSize: len(csv), Channel: channel})
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s: %v, want %s", channel, err, want)
		}
	}
	if len(s.Files()) != 1 {
		t.Error("a refused share left a file")
	}
}

func TestUploadLengthIsExact(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	got := post(t, s, "files.getUploadURLExternal", s.BotToken(), form("filename", "a.csv", "length", "3"))
	address, _ := got["upload_url"].(string)
	id, _ := got["file_id"].(string)
	complete := func() any {
		return post(t, s, "files.completeUploadExternal", s.BotToken(), form("files", `[{"id":"`+id+`"}]`))["error"]
	}
	if e := complete(); e != "file_not_found" {
		t.Errorf("complete before upload: %v", e)
	}
	if r, _ := raw(t, address, "", "application/octet-stream", "four"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("four bytes of three: %d", r.StatusCode)
	}
	if r, body := raw(t, address, "", "application/octet-stream", "abc"); r.StatusCode != http.StatusOK || body != "OK - 3" {
		t.Errorf("%d %s", r.StatusCode, body)
	}
	if e := complete(); e != nil {
		t.Error(e)
	}
	if e := complete(); e != "file_not_found" {
		t.Errorf("completed twice: %v", e)
	}
}

func TestResponseURLRules(t *testing.T) {
	t.Parallel()
	clock := slackfake.NewManualClock(noon)
	s := start(t, slackfake.Options{Clock: clock})
	hook := func() string {
		p, err := s.SlashPayload(slackfake.Alice, slackfake.Lounge, "/access-audit", "")
		check(t, err)
		return p["response_url"]
	}
	status := func(address, body string) string {
		r, answer := raw(t, address, "", "application/json", body)
		if r.StatusCode == http.StatusOK {
			return answer
		}
		var e struct{ Error string }
		check(t, json.Unmarshal([]byte(answer), &e))
		return fmt.Sprint(r.StatusCode, " ", e.Error)
	}
	h := hook()
	for i, step := range []struct{ body, want string }{
		{`{"text":""}`, "400 no_text"},
		{`{"blocks":[{"type":"alert","text":"x"}]}`, "400 invalid_blocks"},
		{`nonsense`, "400 invalid_payload"},
		{`{"text":"1"}`, "ok"},
		{`{"text":"2","replace_original":true}`, "ok"},
		{`{"text":"3","response_type":"in_channel"}`, "ok"},
		{`{"text":"4"}`, "ok"},
		{`{"delete_original":"true"}`, "ok"},
		{`{"text":"6"}`, "404 used_url"},
	} {
		if got := status(h, step.body); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	eph, all := s.EphemeralsFor(slackfake.Alice, "#lounge"), s.MessagesIn("#lounge")
	if len(eph) != 1 || eph[0].Text != "2" || len(all) != 1 || all[0].Text != "3" {
		t.Errorf("ephemerals %+v, messages %+v", eph, all)
	}
	late := hook()
	clock.Advance(30*time.Minute + time.Second)
	if got := status(late, `{"text":"x"}`); got != "404 expired_url" {
		t.Error(got)
	}
	if got := status(late+"x", `{"text":"x"}`); got != "404 invalid_url" {
		t.Error(got)
	}
}

func TestTriggerExpires(t *testing.T) {
	t.Parallel()
	clock := slackfake.NewManualClock(noon)
	s := start(t, slackfake.Options{Clock: clock})
	p, err := s.SlashPayload(slackfake.Alice, slackfake.DataHelp, "/access-audit", "")
	check(t, err)
	clock.Advance(4 * time.Second)
	if got := post(t, s, "views.open", s.BotToken(), form("trigger_id", p["trigger_id"], "view", "{}")); got["error"] != "expired_trigger_id" {
		t.Error(got)
	}
}

func TestFaultsAndRateLimits(t *testing.T) {
	t.Parallel()
	clock := slackfake.NewManualClock(noon)
	s := start(t, slackfake.Options{Clock: clock, RealRateLimits: true})
	api := client(t, s)
	s.AddFault(slackfake.Fault{Method: "auth.test", Status: 429, RetryAfter: 7 * time.Second, Times: 1})
	s.AddFault(slackfake.Fault{Method: "auth.test", Status: 429, NoHeader: true, Times: 1})
	s.AddFault(slackfake.Fault{Method: "auth.test", Error: "account_inactive", Times: 1})
	_, err := api.AuthTest()
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); !ok || limited.RetryAfter != 7*time.Second {
		t.Errorf("429: %v", err)
	}
	_, err = api.AuthTest()
	if code, ok := errors.AsType[slack.StatusCodeError](err); !ok || code.Code != 429 {
		t.Errorf("429 without a header: %v", err)
	}
	if _, err = api.AuthTest(); err == nil || err.Error() != "account_inactive" {
		t.Error(err)
	}
	_, err = api.AuthTest()
	check(t, err)
	s.AddFault(slackfake.Fault{Method: "*", Status: 503})
	if _, err = api.AuthTest(); err == nil {
		t.Error("503 is no error")
	}
	s.ClearFaults()

	say := func(channel string) error {
		_, _, err := api.PostMessage(channel, slack.MsgOptionText("x", false))
		return err
	}
	for range 5 {
		check(t, say(slackfake.DataHelp))
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](say(slackfake.DataHelp)); !ok || limited.RetryAfter != time.Second {
		t.Error("the sixth message at once is let through")
	}
	check(t, say(slackfake.DataApprovals)) // another channel
	clock.Advance(time.Second)
	check(t, say(slackfake.DataHelp))
}

func TestWaitForEndsWithTheContext(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.WaitFor(ctx, func(*slackfake.Snapshot) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	closed := make(chan error, 1)
	go func() {
		closed <- s.WaitFor(context.Background(), func(*slackfake.Snapshot) bool { return false })
	}()
	check(t, s.Close())
	if err := <-closed; err == nil {
		t.Error("waited beyond Close")
	}
}

func TestStartRefusesABadWorkspace(t *testing.T) {
	t.Parallel()
	ws := slackfake.AcmeWorkspace()
	ws.BotUserID = slackfake.Alice
	for _, w := range []*slackfake.Workspace{nil, ws} {
		if s, err := slackfake.Start(w, slackfake.Options{}); err == nil {
			t.Error(s.Close())
		}
	}
}

func TestTyped(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	for typed, want := range map[string]string{
		"principal @alice":           "principal <@U0ALICE|alice>",
		"principal @alice.":          "principal <@U0ALICE|alice>.",
		"principal @nobody":          "principal @nobody",
		"compare a@b.test & x<y":     "compare <mailto:a@b.test|a@b.test> &amp; x&lt;y",
		"resource prod.sales":        "resource <http://prod.sales|prod.sales>",
		"resource prod.sales.orders": "resource prod.sales.orders",
		"in #data-help":              "in <#C0HELP|data-help>",
		"in #nowhere":                "in #nowhere",
		"https://x.test/?a=1&b=2":    "<https://x.test/?a=1&amp;b=2>",
		"group @data-admins":         "group <!subteam^S0ADMINS|@data-admins>",
		"hello @here":                "hello <!here>",
	} {
		if got := s.Typed(typed); got != want {
			t.Errorf("Typed(%q) = %q, want %q", typed, got, want)
		}
	}
	got := slackfake.SmartPunctuation(`--only "a b" 'c' don't...`)
	if want := "—only “a b” ‘c’ don’t…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRenderedMentions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, blocks string
		want         []slackfake.Mention
	}{
		"escaped":   {text: "&lt;!channel&gt; &lt;@U1&gt; @here"},
		"user":      {text: "<@U1|bob>", want: []slackfake.Mention{{Kind: "user", Target: "U1", Label: "bob", Where: "text"}}},
		"broadcast": {text: "`<!channel>`", want: []slackfake.Mention{{Kind: "broadcast", Target: "channel", Where: "text"}}},
		"group":     {text: "<!subteam^S1|@x>", want: []slackfake.Mention{{Kind: "usergroup", Target: "S1", Label: "@x", Where: "text"}}},
		"spoof": {text: "<http://evil.test|https://good.test>", want: []slackfake.Mention{
			{Kind: "link", Target: "http://evil.test", Label: "https://good.test", Where: "text"},
		}},
		"bare address": {text: "see https://x.test/a", want: []slackfake.Mention{{Kind: "autolink", Target: "https://x.test/a", Where: "text"}}},
		"odd tokens":   {text: "<|x> <> <!> <@> <a> <!unknown>"},
		"mrkdwn block": {
			blocks: `[{"type":"section","text":{"type":"mrkdwn","text":"<!here>"}}]`,
			want:   []slackfake.Mention{{Kind: "broadcast", Target: "here", Where: "/0/text"}},
		},
		"plain text block": {blocks: `[{"type":"header","text":{"type":"plain_text","text":"<!here>"}}]`},
		"rich text": {
			blocks: `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
				{"type":"text","text":"<!channel>"},{"type":"broadcast","range":"channel"},{"type":"user","user_id":"U1"},
				{"type":"usergroup","usergroup_id":"S1"},{"type":"link","url":"http://x.test","text":"y"}]}]}]`,
			want: []slackfake.Mention{
				{Kind: "broadcast", Target: "channel", Where: "/0/elements/0/elements/1"},
				{Kind: "user", Target: "U1", Where: "/0/elements/0/elements/2"},
				{Kind: "usergroup", Target: "S1", Where: "/0/elements/0/elements/3"},
				{Kind: "link", Target: "http://x.test", Label: "y", Where: "/0/elements/0/elements/4"},
			},
		},
		"markdown block": {
			blocks: `[{"type":"markdown","text":"[a](http://b.test)"}]`,
			want: []slackfake.Mention{
				{Kind: "link", Target: "http://b.test", Label: "a", Where: "/0"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := slackfake.RenderedMentions(tt.text, json.RawMessage(tt.blocks))
			if name == "markdown block" { // the address is found as such, too
				got = got[len(got)-1:]
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
	m := slackfake.Message{Text: "@channel", ParseFull: true}
	if got := m.Mentions(); len(got) != 1 || !got[0].Notifies() {
		t.Errorf("parse=full: %+v", got)
	}
}

func FuzzRenderedMentions(f *testing.F) {
	f.Add("<@U1> <!date^1^x^http://y|z>", `[{"type":"mrkdwn","text":"<|>"}]`)
	f.Fuzz(func(t *testing.T, text, blocks string) {
		slackfake.RenderedMentions(text, json.RawMessage(blocks))
		_ = slackfake.CheckBlocks(json.RawMessage(blocks), slackfake.SurfaceMessage)
		_ = slackfake.CheckView(json.RawMessage(blocks))
	})
}

func TestManifestAsksForExactlyTheDefaultScopes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../app-manifest.yml")
	check(t, err)
	_, rest, _ := strings.Cut(string(text), "    bot:\n")
	list, _, _ := strings.Cut(rest, "    # Not asked for")
	var scopes []string
	for line := range strings.Lines(list) {
		if scope, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
			name, reason, _ := strings.Cut(scope, " # ")
			scopes = append(scopes, name)
			if reason == "" {
				t.Errorf("%s has no reason", name)
			}
		}
	}
	if d := cmp.Diff(slackfake.DefaultScopes(), scopes); d != "" {
		t.Error(d)
	}
}
