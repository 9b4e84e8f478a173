package slackfake

import (
	"context"
	"regexp"
	"strings"
)

var typedToken = regexp.MustCompile(`[<>&]` +
	`|https?://[^\s<>]+` +
	`|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+` +
	`|@[A-Za-z0-9][A-Za-z0-9._-]*` +
	`|#[a-z0-9][a-z0-9_-]*` +
	`|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?:/[^\s<>]*)?`)

// linkedDomains are the last labels that make a dotted word a link here. Slack
// goes by the list of real top-level domains, of which these are enough to
// catch catalog and schema names.
var linkedDomains = map[string]bool{
	"com": true, "org": true, "net": true, "io": true, "dev": true, "app": true, "ai": true, "co": true,
	"info": true, "sales": true, "sale": true, "market": true, "team": true, "data": true, "test": true,
}

// Typed returns what a client sends for typed text when the slash command has
// should_escape (https://docs.slack.dev/interactivity/implementing-slash-commands#escaping):
// handles, channels, user groups and e-mail addresses as tokens, addresses and
// dotted words that look like one as links, and & < > as entities. Names that
// nobody has stay as they are.
func (s *Server) Typed(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return typedToken.ReplaceAllStringFunc(text, s.st.encode)
}

// SlashTyped is [Server.Slash] for text as a person types it.
func (s *Server) SlashTyped(ctx context.Context, user, channel, command, text string) (Delivery, error) {
	return s.Slash(ctx, user, channel, command, s.Typed(text))
}

func (st *state) encode(word string) string {
	switch {
	case word == "&":
		return "&amp;"
	case word == "<":
		return "&lt;"
	case word == ">":
		return "&gt;"
	case word[0] == '@':
		return st.encodeHandle(word)
	case word[0] == '#':
		if c := st.channel(word); c != nil {
			return "<#" + c.ID + "|" + c.Name + ">"
		}
		return word
	case strings.Contains(word, "://"):
		return "<" + strings.ReplaceAll(word, "&", "&amp;") + ">"
	case strings.Contains(word, "@"):
		return "<mailto:" + word + "|" + word + ">"
	}
	host, _, _ := strings.Cut(word, "/")
	if last := host[strings.LastIndex(host, ".")+1:]; linkedDomains[strings.ToLower(last)] {
		return "<http://" + word + "|" + word + ">"
	}
	return word
}

func (st *state) encodeHandle(word string) string {
	name := strings.TrimRight(word[1:], ".-_")
	tail := word[1+len(name):]
	switch name {
	case "here", "channel", "everyone":
		return "<!" + name + ">" + tail
	}
	for _, listed := range st.Workspace.Users { // in a fixed order
		u := st.users[listed.ID]
		if u.Name == name || (u.DisplayName != "" && u.DisplayName == name) {
			return "<@" + u.ID + "|" + u.Name + ">" + tail
		}
	}
	for _, g := range st.groups {
		if g.Handle == name && !g.Disabled { // clients offer no disabled ones (an assumption)
			return "<!subteam^" + g.ID + "|@" + g.Handle + ">" + tail
		}
	}
	return word
}

// SmartPunctuation returns what clients and keyboards make of typed
// punctuation: curly quotes, a dash for a double hyphen and an ellipsis for
// three dots. Which ones depends on the person's device, hence it is not part
// of [Server.Typed].
func SmartPunctuation(text string) string {
	text = strings.NewReplacer("--", "—", "...", "…").Replace(text)
	var out strings.Builder
	opening := true // whether a quote here opens
	for _, r := range text {
		switch {
		case r == '"' && opening:
			r = '“'
		case r == '"':
			r = '”'
		case r == '\'' && opening:
			r = '‘'
		case r == '\'':
			r = '’'
		}
		out.WriteRune(r)
		opening = strings.ContainsRune(" \t\n\u00a0([{=“‘", r)
	}
	return out.String()
}
