package slackfake

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
)

// MentionKind says what a mention does when a client shows it.
type MentionKind string

// The kinds of mentions and links.
const (
	MentionUser      MentionKind = "user"      // notifies one person
	MentionUsergroup MentionKind = "usergroup" // notifies a user group
	MentionBroadcast MentionKind = "broadcast" // notifies here, channel or everyone
	MentionChannel   MentionKind = "channel"   // a link to a channel
	MentionLink      MentionKind = "link"      // a link out of Slack, or mailto:
	MentionAutoLink  MentionKind = "autolink"  // an address in the text that clients turn into a link
)

// Mention is one mention or link that a client would show.
type Mention struct {
	Kind   MentionKind
	Target string // user, usergroup or channel id; here, channel, everyone; address
	Label  string // what is shown instead of Target, if anything
	Where  string // "text" or the JSON pointer of the node in blocks
}

// Notifies reports whether showing the mention notifies somebody.
func (m Mention) Notifies() bool {
	return m.Kind == MentionUser || m.Kind == MentionUsergroup || m.Kind == MentionBroadcast
}

// RenderedMentions returns every mention, broadcast and link that a client
// would make of a message's text and blocks (a JSON array, may be nil), in
// order. Text and mrkdwn objects are parsed as
// https://docs.slack.dev/messaging/formatting-message-text describes; of rich
// text the elements count and their strings do not, since they are shown as
// they are; plain_text shows nothing. Text counts even when there are blocks:
// it is the notification. Tokens in code spans count too, as Slack parses them
// before the client formats.
func RenderedMentions(text string, blocks json.RawMessage) []Mention {
	found := parseMrkdwn(text, "text", true)
	walkJSON(blocks, func(path string, node map[string]any) {
		found = append(found, nodeMentions(path, node)...)
	})
	return found
}

func nodeMentions(path string, node map[string]any) []Mention {
	one := func(kind MentionKind, target, label string) []Mention {
		if target == "" {
			return nil
		}
		return []Mention{{Kind: kind, Target: target, Label: label, Where: path}}
	}
	switch str(node, "type") {
	case "mrkdwn":
		verbatim, _ := node["verbatim"].(bool)
		return parseMrkdwn(str(node, "text"), path, !verbatim)
	case "markdown":
		return append(parseMrkdwn(str(node, "text"), path, true), markdownLinks(str(node, "text"), path)...)
	case "user":
		return one(MentionUser, str(node, "user_id"), "")
	case "usergroup":
		return one(MentionUsergroup, str(node, "usergroup_id"), "")
	case "broadcast":
		return one(MentionBroadcast, str(node, "range"), "")
	case "channel":
		return one(MentionChannel, str(node, "channel_id"), "")
	case "link", "button":
		label := str(node, "text")
		if object, ok := node["text"].(map[string]any); ok {
			label = str(object, "text")
		}
		return one(MentionLink, str(node, "url"), label)
	}
	return nil
}

var (
	tokenPattern    = regexp.MustCompile(`<([^<>]+)>`)
	addressPattern  = regexp.MustCompile(`https?://[^\s<>|*_~` + "`" + `]+`)
	markdownPattern = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	typedPattern    = regexp.MustCompile(`(^|[\s(])@(here|channel|everyone)\b`)
)

// parseMrkdwn finds the tokens in angle brackets and, if auto is true, the
// bare addresses.
func parseMrkdwn(text, where string, auto bool) []Mention {
	var found []Mention
	end := 0
	bare := func(part string) {
		if !auto {
			return
		}
		for _, address := range addressPattern.FindAllString(part, -1) {
			found = append(found, Mention{Kind: MentionAutoLink, Target: html.UnescapeString(address), Where: where})
		}
	}
	for _, at := range tokenPattern.FindAllStringSubmatchIndex(text, -1) {
		bare(text[end:at[0]])
		end = at[1]
		if m, ok := token(text[at[2]:at[3]]); ok {
			m.Where = where
			found = append(found, m)
		}
	}
	bare(text[end:])
	return found
}

// token reads what stands between angle brackets: @user, #channel, !command
// or an address, each with an optional label.
func token(inner string) (Mention, bool) {
	target, label, _ := strings.Cut(inner, "|")
	if target == "" {
		return Mention{}, false
	}
	label = html.UnescapeString(label)
	rest := target[1:]
	switch target[0] {
	case '@':
		return Mention{Kind: MentionUser, Target: rest, Label: label}, rest != ""
	case '#':
		return Mention{Kind: MentionChannel, Target: rest, Label: label}, rest != ""
	case '!':
		return command(rest, label)
	}
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") || strings.HasPrefix(target, "tel:") {
		return Mention{Kind: MentionLink, Target: html.UnescapeString(target), Label: label}, true
	}
	return Mention{}, false
}

func command(rest, label string) (Mention, bool) {
	name, argument, _ := strings.Cut(rest, "^")
	switch name {
	case "here", "channel", "everyone", "group":
		return Mention{Kind: MentionBroadcast, Target: name, Label: label}, true
	case "subteam":
		return Mention{Kind: MentionUsergroup, Target: argument, Label: label}, argument != ""
	case "date":
		if parts := strings.Split(argument, "^"); len(parts) == 3 && parts[2] != "" {
			return Mention{Kind: MentionLink, Target: html.UnescapeString(parts[2]), Label: label}, true
		}
	}
	return Mention{}, false
}

func markdownLinks(text, where string) []Mention {
	var found []Mention
	for _, m := range markdownPattern.FindAllStringSubmatch(text, -1) {
		found = append(found, Mention{Kind: MentionLink, Target: m[2], Label: m[1], Where: where})
	}
	return found
}

// typedMentions finds what link_names or parse=full turn into broadcasts,
// https://docs.slack.dev/messaging/formatting-message-text#automatic-parsing.
func typedMentions(text string) []Mention {
	var found []Mention
	for _, m := range typedPattern.FindAllStringSubmatch(text, -1) {
		found = append(found, Mention{Kind: MentionBroadcast, Target: m[2], Where: "text"})
	}
	return found
}
