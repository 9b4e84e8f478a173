package slackapi

import (
	"slices"
	"strings"
)

// Scope is a right that the app asks a workspace for.
//
// https://docs.slack.dev/reference/scopes
type Scope struct {
	Name string
	// Why says what the bot does with it, Without what is lost when it is not granted.
	Why, Without string
	// Vital scopes are those without which nobody can be answered.
	Vital bool
}

// scopes is the one list of the rights that the bot asks for: the manifest, the check at the start,
// the doctor and the table in README.md are made of it or compared with it. No history, no user
// scope, no administrator's scope, and none to write where the bot was not invited or under another
// name.
var scopes = []Scope{
	{Name: "commands", Why: "receive the slash commands", Without: "no command arrives", Vital: true},
	{Name: "chat:write", Why: "answer, post plans and update them where the bot is a member", Without: "plans cannot be posted, nor answers that come late"},
	{Name: "files:write", Why: "attach reports", Without: "reports cannot be sent as files"},
	{Name: "im:write", Why: "open the direct conversation that a report goes to", Without: "reports cannot be sent as files"},
	{Name: "users:read", Why: "tell members from guests, bots, strangers and leavers", Without: "nobody can be let in", Vital: true},
	{Name: "users:read.email", Why: "map a Slack user to a Databricks user", Without: "nobody can be let in", Vital: true},
	{Name: "app_mentions:read", Why: "approve or reject by mentioning the bot in a plan's thread", Without: "plans can be approved by buttons only"},
	{Name: "channels:read", Why: "refuse public channels that are shared with other organisations", Without: "plans cannot be posted in public channels"},
	{Name: "groups:read", Why: "the same for private channels", Without: "plans cannot be posted in private channels"},
}

// plainReplyScopes come with replies that do not mention the bot: it then reads every message of the
// channels that it is in.
var plainReplyScopes = []Scope{
	{Name: "channels:history", Why: "hear replies that do not mention the bot, in public channels", Without: "replies in public channels must mention the bot"},
	{Name: "groups:history", Why: "the same in private channels", Without: "replies in private channels must mention the bot"},
}

// userGroupScopes come with approvers whom a Slack user group names.
var userGroupScopes = []Scope{
	{Name: "usergroups:read", Why: "read who is in the user groups that the policy names", Without: "nobody counts as a member of a Slack user group, so that those approve nothing"},
}

// notAsked is what bots are often given and this one does without.
func notAsked(asked []string) string {
	history := "any history scope"
	if slices.Contains(asked, plainReplyScopes[0].Name) {
		history = "any other history scope"
	}
	return "Not asked for: chat:write.public and chat:write.customize, files:read,\n" + history + ", any user scope, any admin scope."
}

// Wants are the abilities for which the app asks for more than the rights that it always has.
type Wants struct {
	// PlainReplies lets the bot hear replies that do not mention it: every message where it is a member.
	PlainReplies bool
	// UserGroups lets it read who is in which user group: for a policy that names some.
	UserGroups bool
}

// Scopes are the rights that the app asks for, in the order of the manifest.
func Scopes(w Wants) []Scope {
	list := slices.Clone(scopes)
	if w.UserGroups {
		list = append(list, userGroupScopes...)
	}
	if w.PlainReplies {
		list = append(list, plainReplyScopes...)
	}
	return list
}

// ScopeNames are the names of scopes.
func ScopeNames(of []Scope) []string {
	names := make([]string, len(of))
	for i, s := range of {
		names[i] = s.Name
	}
	return names
}

// CompareScopes tells which of the scopes that are needed were not granted, and which were granted and
// are not needed, by name.
func CompareScopes(needed []Scope, granted []string) (missing []Scope, broader []string) {
	for _, s := range needed {
		if !slices.Contains(granted, s.Name) {
			missing = append(missing, s)
		}
	}
	names := ScopeNames(needed)
	for _, g := range granted {
		if !slices.Contains(names, g) {
			broader = append(broader, g)
		}
	}
	slices.Sort(broader)
	return missing, slices.Compact(broader)
}

// parseScopes reads the header X-OAuth-Scopes; nil when there is none.
func parseScopes(header string) []string {
	var granted []string
	for scope := range strings.SplitSeq(header, ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			granted = append(granted, scope)
		}
	}
	return granted
}
