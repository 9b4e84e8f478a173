package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/query"
)

// The outcomes of a SetupCheck.
const (
	SetupOK      = "ok"
	SetupProblem = "problem"
	// SetupNotChecked says that nobody knows: something else has to work first, or Slack does not tell.
	SetupNotChecked = "not_checked"
)

// SetupCheck is one thing that the bot needs of Slack. Its texts hold no secret; Detail may hold names from
// Slack.
type SetupCheck struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	// Fix is what to do about it; empty when Status is ok.
	Fix string `json:"fix"`
}

// Examination is what Examine looks at.
type Examination struct {
	Tokens Tokens
	// BotErr and AppErr say why a token could not be read, as ReadTokens has it.
	BotErr, AppErr error
	// Wants are what the bot is to do that takes more rights.
	slackapi.Wants
	// Channels are the ids of those that the bot is to post in.
	Channels []string
	// APIURL and Transport are those of Config.
	APIURL    string
	Transport http.RoundTripper
}

// Examine tries everything that the bot needs of Slack and can be tried without being seen by
// anybody: the tokens, their rights, a socket that is opened and closed, the channels. An error means
// that nothing could be tried: a *query.UsageError for a channel that is named and not by its id, or
// the end of ctx.
func Examine(ctx context.Context, e Examination) ([]SetupCheck, error) {
	for _, id := range e.Channels {
		if !channelID.MatchString(id) {
			return nil, &query.UsageError{Problem: fmt.Sprintf("%q is no id of a channel", id), Hint: "an id looks like C0123456789 and stands at the end of the channel's details in Slack"}
		}
	}
	client, err := slackapi.New(slackapi.Options{BotToken: e.Tokens.Bot, AppToken: e.Tokens.App, APIURL: e.APIURL, Transport: e.Transport})
	if err != nil {
		return nil, &query.UsageError{Problem: err.Error()}
	}
	x := &examiner{Examination: e, client: client}
	botOK, appOK := x.tokens()
	self := x.bearer(ctx, botOK)
	x.scopes(self)
	greeting := x.socket(ctx, appOK)
	x.sameApp(ctx, self, greeting)
	x.settings()
	for _, id := range slices.Compact(slices.Sorted(slices.Values(e.Channels))) {
		x.channel(ctx, self, id)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return x.checks, nil
}

// channelID is the form of the ids of channels. https://docs.slack.dev/reference/objects/conversation-object
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,}$`)

type examiner struct {
	Examination
	client *slackapi.Client
	checks []SetupCheck
}

func (x *examiner) ok(name, detail string) {
	x.checks = append(x.checks, SetupCheck{Name: name, Status: SetupOK, Detail: detail})
}

func (x *examiner) problem(name, detail, fix string) {
	x.checks = append(x.checks, SetupCheck{Name: name, Status: SetupProblem, Detail: scrub(detail), Fix: fix})
}

func (x *examiner) not(name, why, fix string) {
	x.checks = append(x.checks, SetupCheck{Name: name, Status: SetupNotChecked, Detail: scrub(why), Fix: fix})
}

// tokens looks at the two tokens without using them.
func (x *examiner) tokens() (botOK, appOK bool) {
	const (
		botFix = "copy the Bot User OAuth Token from OAuth & Permissions in the app's settings to " + botTokenVariable
		appFix = "make a token with the scope connections:write under Basic Information, App-Level Tokens, for " + appTokenVariable
	)
	const swapFix = "exchange the values of " + botTokenVariable + " and " + appTokenVariable
	if x.BotErr == nil && x.AppErr == nil && x.Tokens.swapped() {
		x.problem("bot token", "the tokens are swapped: this is the app-level token (xapp-…)", swapFix)
		x.problem("app-level token", "the tokens are swapped: this is the bot token (xoxb-…)", swapFix)
		return false, false
	}
	look := func(name string, unread, wrong error, prefix, fix string) bool {
		switch {
		case unread != nil:
			x.problem(name, unread.Error(), fix)
		case wrong != nil:
			x.problem(name, wrong.Error(), fix)
		default:
			x.ok(name, "begins with "+prefix)
		}
		return unread == nil && wrong == nil
	}
	botOK = look("bot token", x.BotErr, x.Tokens.checkBot(), botPrefix, botFix)
	appOK = look("app-level token", x.AppErr, x.Tokens.checkApp(), appPrefix, appFix)
	return botOK, appOK
}

const (
	first   = "something above has to be mended first"
	network = "try again; if it stays, check the network, HTTPS_PROXY and https://slack-status.com"
)

// fix is what to do about a call that failed.
func fix(err error) string {
	if e, ok := errors.AsType[*slackapi.FatalError](err); ok {
		return e.Advice
	}
	return network
}

// bearer asks who the bot token is. It gives nil when that is not known.
func (x *examiner) bearer(ctx context.Context, tokenOK bool) *slackapi.Self {
	const name = "bot token is accepted"
	if !tokenOK {
		x.not(name, first, "mend the bot token")
		return nil
	}
	self, err := x.client.Self(ctx)
	if err != nil {
		x.problem(name, err.Error(), fix(err))
		return nil
	}
	x.ok(name, fmt.Sprintf("bot %s in the workspace %s (%s)", self.UserID, self.Team, self.TeamID))
	return &self
}

func (x *examiner) scopes(self *slackapi.Self) {
	const granted, broad = "scopes are granted", "no scope is granted that is not needed"
	needed := slackapi.Scopes(x.Wants)
	switch {
	case self == nil:
		x.not(granted, first, "mend the bot token")
		x.not(broad, first, "mend the bot token")
		return
	case self.Scopes == nil:
		const compare = "compare OAuth & Permissions in the app's settings with what slack manifest prints"
		x.not(granted, "Slack does not say which scopes the bot has", compare)
		x.not(broad, "Slack does not say which scopes the bot has", compare)
		return
	}
	missing, broader := slackapi.CompareScopes(needed, self.Scopes)
	if len(missing) == 0 {
		x.ok(granted, fmt.Sprintf("all %d", len(needed)))
	} else {
		var lost []string
		for _, s := range missing {
			lost = append(lost, fmt.Sprintf("%s (without it %s)", s.Name, s.Without))
		}
		x.problem(granted, "missing: "+strings.Join(lost, ", "), "add them under OAuth & Permissions, Bot Token Scopes, and install the app again")
	}
	if len(broader) == 0 {
		x.ok(broad, "none")
		return
	}
	remedy := "remove them under OAuth & Permissions, Bot Token Scopes, and install the app again: whoever steals the token could do more than the bot does"
	if !x.PlainReplies && strings.Contains(strings.Join(broader, " "), ":history") {
		remedy += "; if plain replies are wanted, ask with --plain-replies"
	}
	if !x.UserGroups && slices.Contains(broader, "usergroups:read") {
		remedy += "; if the policy names Slack user groups, ask with --config or --user-groups"
	}
	x.problem(broad, "not needed: "+strings.Join(broader, ", "), remedy)
}

// refusedSocket is what to do about the reasons for which Slack closes a socket.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect
var refusedSocket = map[string]string{
	"link_disabled":       "switch Socket Mode on in the app's settings",
	"too_many_websockets": "ten sockets of this app are open, which is all that Slack allows: stop other copies of the bot",
	"warning":             "try again in a minute: Slack is renewing its sockets",
	"refresh_requested":   "try again in a minute: Slack is renewing its sockets",
}

// socket opens a socket and closes it. It gives nil when there was no greeting.
func (x *examiner) socket(ctx context.Context, tokenOK bool) *slackapi.Greeting {
	const name = "socket opens"
	if !tokenOK {
		x.not(name, first, "mend the app-level token")
		return nil
	}
	g, err := x.client.TrySocket(ctx)
	if e, ok := errors.AsType[*slackapi.SocketRefusedError](err); ok {
		remedy, known := refusedSocket[e.Reason]
		if !known {
			remedy = network
		}
		x.problem(name, err.Error(), remedy)
		return nil
	}
	if err != nil {
		x.problem(name, err.Error(), fix(err))
		return nil
	}
	detail := "opened, greeted and closed"
	if g.Sockets > 0 {
		detail += fmt.Sprintf("; %d of the 10 that Slack allows were open with it", g.Sockets)
	}
	x.ok(name, detail)
	return &g
}

// sameApp finds tokens of two apps: commands would come to one, and answers from the other.
func (x *examiner) sameApp(ctx context.Context, self *slackapi.Self, g *slackapi.Greeting) {
	const name = "both tokens are of one app"
	if self == nil || g == nil {
		x.not(name, first, "mend the tokens")
		return
	}
	const look = "compare the app ids under Basic Information in the settings of the apps that the tokens come from"
	app, err := x.client.AppOf(ctx, self.BotID)
	switch {
	case err != nil:
		x.not(name, err.Error(), look)
	case app == "" || g.AppID == "":
		x.not(name, "Slack does not say of which app they are", look)
	case app != g.AppID:
		x.problem(name, fmt.Sprintf("the bot token is of the app %s, the app-level token of %s", app, g.AppID), "take both tokens from the settings of one app")
	default:
		x.ok(name, app)
	}
}

// settings names what Slack tells nobody, so that it is looked at by hand.
func (x *examiner) settings() {
	events := "app_mention"
	if x.PlainReplies {
		events = "app_mention, message.channels, message.groups"
	}
	x.not("slash commands, interactivity and events", "Slack does not say how the app is set up",
		"see in the app's settings that Interactivity is on (else clicks never arrive), that both slash commands are there with escaping on, and that the bot subscribes to "+events+"; or paste what slack manifest prints under App Manifest")
}

func (x *examiner) channel(ctx context.Context, self *slackapi.Self, id string) {
	name := "channel " + id
	if self == nil {
		x.not(name, first, "mend the bot token")
		return
	}
	const invite = "type /invite with the bot's name in the channel"
	c, err := x.client.Channel(ctx, id)
	switch slackapi.Code(err) {
	case "channel_not_found":
		x.problem(name, "the bot sees no such channel: it may be private, and the bot not in it", invite+", or correct the id")
	case "missing_scope":
		x.not(name, err.Error(), "grant the scope and install the app again")
	case "":
		if err != nil {
			x.problem(name, err.Error(), fix(err))
			return
		}
		x.judge(name, c, invite)
	default:
		x.problem(name, err.Error(), fix(err))
	}
}

// judge says whether plans can be posted in a channel. A flag that is missing is neither yes nor no.
func (x *examiner) judge(name string, c slackapi.Channel, invite string) {
	var wrong, remedies, unknown []string
	ask := func(flag *bool, want bool, what, problem, remedy string) {
		switch {
		case flag == nil:
			unknown = append(unknown, what)
		case *flag != want:
			wrong = append(wrong, problem)
			if !slices.Contains(remedies, remedy) {
				remedies = append(remedies, remedy)
			}
		}
	}
	const other = "choose a channel that only members of this workspace are in"
	ask(c.IsMember, true, "whether the bot is a member", "the bot is not a member", invite)
	ask(c.IsArchived, false, "whether it is archived", "it is archived", "bring it back, or choose another")
	ask(c.IsExtShared, false, "whether it is shared", "it is shared with another organisation, whose people could read plans", other)
	ask(c.IsPendingExtShared, false, "whether it is about to be shared", "it is about to be shared with another organisation", other)
	ask(c.IsOrgShared, false, "whether other workspaces share it", "it is shared with other workspaces of the organisation", other)
	label := "#" + c.Name
	switch {
	case len(wrong) > 0:
		x.problem(name, label+": "+strings.Join(wrong, "; "), strings.Join(remedies, "; "))
	case len(unknown) > 0:
		x.not(name, label+": Slack does not say "+strings.Join(unknown, ", "), "look at the channel's details in Slack")
	default:
		x.ok(name, label+": the bot is a member, and it is not shared")
	}
}
