package bot

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"databricks-access-audit/core/query"
)

// maxCommand bounds the text of a command, in characters.
const maxCommand = 1000

// maxMentions bounds how many people one command may make the bot look up.
const maxMentions = 5

// words reads the text of a command as Slack sends it: what people, clients and Slack itself have
// made of the question is undone, and then the grammar of the command line splits it. email gives
// the address of a mentioned member. The error is a *query.UsageError or one of email.
//
// Slack sends mentions and links as tokens in angle brackets, and & < > as entities:
// https://docs.slack.dev/interactivity/implementing-slash-commands#escaping
func words(text string, email func(userID string) (string, error)) ([]string, error) {
	if utf8.RuneCountInString(text) > maxCommand {
		return nil, &query.UsageError{Problem: fmt.Sprintf("the command is longer than %d characters", maxCommand), Hint: "name one principal at a time"}
	}
	line, tokens, err := takeTokens(strings.Map(dropHidden, text))
	if err != nil {
		return nil, err
	}
	values, err := meanings(tokens, email)
	if err != nil {
		return nil, err
	}
	split, err := query.Words(straighten(line))
	if err != nil {
		return nil, err
	}
	for i, w := range split {
		if strings.HasPrefix(w, "@") {
			return nil, bareName(w)
		}
		split[i] = fill(entities.Replace(w), values)
	}
	return split, nil
}

// Tokens are replaced by single characters while the line is split, so that a space or a quote in
// a label neither ends a word nor opens one. The characters are those that Unicode has set aside
// for such inner use and that no text may hold.
//
// https://www.unicode.org/faq/private_use.html#nonchar1
const (
	firstPlace = '\uFDD0'
	lastPlace  = '\uFDEF'
)

// dropHidden takes out what people paste without seeing it: placeholders, zero-width spaces, marks
// of direction. Joiners stay, words of some languages need them.
func dropHidden(r rune) rune {
	switch {
	case r >= firstPlace && r <= lastPlace:
		return -1
	case r == '\u200c' || r == '\u200d':
		return r
	case unicode.Is(unicode.Cf, r), unicode.IsControl(r) && !unicode.IsSpace(r):
		return -1
	}
	return r
}

// slackToken is a token: <@U1|name>, <#C1|name>, <!here>, <https://…|label>.
var slackToken = regexp.MustCompile(`<(@[UW][A-Z0-9]+|#[A-Z0-9]+|![^<>|]+|[a-z][a-z0-9+.-]*:[^<>|]+)(?:\|([^<>]*))?>`)

type slackTok struct{ target, label string }

func takeTokens(text string) (line string, tokens []slackTok, err error) {
	line = slackToken.ReplaceAllStringFunc(text, func(found string) string {
		m := slackToken.FindStringSubmatch(found)
		place := firstPlace + rune(len(tokens))
		tokens = append(tokens, slackTok{target: m[1], label: m[2]})
		if place > lastPlace {
			return ""
		}
		return string(place)
	})
	if len(tokens) > lastPlace-firstPlace+1 {
		return "", nil, &query.UsageError{Problem: "there are too many links in the command", Hint: "name one principal at a time"}
	}
	return line, tokens, nil
}

// meanings gives what each token stands for.
func meanings(tokens []slackTok, email func(string) (string, error)) ([]string, error) {
	values := make([]string, len(tokens))
	mentions := 0
	for i, t := range tokens {
		switch t.target[0] {
		case '@':
			if mentions++; mentions > maxMentions {
				return nil, &query.UsageError{Problem: "the command mentions too many people", Hint: "name one principal at a time"}
			}
			address, err := email(t.target[1:])
			if err != nil {
				return nil, err
			}
			values[i] = address
		case '#':
			return nil, &query.UsageError{Problem: "a Slack channel has no access in Databricks", Hint: "name a user, service principal or group"}
		case '!':
			return nil, &query.UsageError{Problem: "a Slack user group has no access in Databricks", Hint: "write the name of the group in Databricks"}
		default:
			values[i] = linkText(t)
		}
	}
	return values, nil
}

// linkText is what the person saw: clients turn addresses and names with dots into links, and the
// label is what was typed.
func linkText(t slackTok) string {
	if t.label != "" {
		return entities.Replace(t.label)
	}
	address, _ := strings.CutPrefix(t.target, "mailto:")
	return entities.Replace(address)
}

// entities are the three that Slack writes. Each is read once: &amp;lt; was typed as &lt;.
var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// straighten undoes smart punctuation: curly quotes, spaces that do not break, and at the beginning
// of a word the dash that two hyphens become. A dash within a word may belong to a name.
func straighten(line string) string {
	var b strings.Builder
	start := true
	for _, r := range line {
		switch r {
		case '“', '”', '„', '‟':
			r = '"'
		case '‘', '’', '‚', '‛':
			r = '\''
		case '—', '–', '―':
			if start {
				b.WriteByte('-')
				r = '-'
			}
		default:
			if unicode.IsSpace(r) {
				r = ' '
			}
		}
		start = r == ' '
		b.WriteRune(r)
	}
	return b.String()
}

// fill puts the values in their places.
func fill(word string, values []string) string {
	if !strings.ContainsFunc(word, isPlace) {
		return word
	}
	var b strings.Builder
	for _, r := range word {
		if isPlace(r) {
			b.WriteString(values[r-firstPlace])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isPlace(r rune) bool { return r >= firstPlace && r <= lastPlace }

// bareName refuses @name that is no mention: handles and display names are not unique, and anybody
// may take another's.
func bareName(word string) error {
	return &query.UsageError{
		Problem: fmt.Sprintf("%q is not a mention of anybody", word),
		Hint:    "pick the person from the list that Slack offers while you type, or write the e-mail address",
	}
}
