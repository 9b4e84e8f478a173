package slackapi

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/slack-go/slack"
)

// Slack's limits, counted by Size. A message's blocks together are kept well below what Slack was
// seen to refuse; the sum is not documented.
//
// https://docs.slack.dev/reference/block-kit/blocks
const (
	MaxPart    = 3000  // characters in one text object
	MaxMessage = 10000 // characters in all blocks of a message
	maxText    = 3000  // characters in the text beside the blocks
)

// Kind says how a part of a message looks.
type Kind int

// The kinds of part.
const (
	Paragraph Kind = iota
	Strong         // a paragraph in bold
	Preformatted
)

// Part is one piece of a message.
type Part struct {
	Kind Kind   `json:"kind,omitempty"`
	Text string `json:"text"`
}

// Message is what the bot says: plain text throughout. It travels as rich text elements, which
// clients show as they are: no mention, link, emoji or formatting can come of them.
//
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
type Message struct {
	Parts []Part `json:"parts"`
	// Buttons stand under the text.
	Buttons []Button `json:"buttons,omitempty"`
	// Plain sends the message as preformatted text without blocks, for when Slack refuses its blocks. It shows
	// the paragraphs first, and of what is preformatted as much as there is room for.
	Plain bool `json:"plain,omitempty"`
}

// Say makes a message of one paragraph.
func Say(text string) Message { return Message{Parts: []Part{{Kind: Paragraph, Text: text}}} }

// Size is how much Slack may count for a text: UTF-16 units, with & < > as the entities that Slack
// keeps them as. Slack says "characters"; this is the most that it can mean.
func Size(text string) int {
	n := 0
	for _, r := range text {
		switch r {
		case '&':
			n += len("&amp;")
		case '<', '>':
			n += len("&lt;")
		default:
			n += max(1, utf16.RuneLen(r))
		}
	}
	return n
}

// Size is the sum over the parts.
func (m Message) Size() int {
	n := 0
	for _, p := range m.Parts {
		n += Size(p.Text)
	}
	return n
}

// Cut shortens a text to a Size and marks the cut with an ellipsis, which counts.
func Cut(text string, size int) string {
	if Size(text) <= size {
		return text
	}
	if size < 1 {
		return ""
	}
	n := 0
	for i, r := range text {
		if n += Size(string(r)); n > size-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// blocks gives the message as one rich text block, every part and their sum within Slack's limits.
func (m Message) blocks() []slack.Block {
	var elements []slack.RichTextElement
	left := MaxMessage
	for _, p := range m.Parts {
		text := Cut(visible(p.Text), min(MaxPart, left)-1) // room for a line's end
		left -= Size(text) + 1
		if strings.TrimSpace(text) == "" {
			continue // Slack refuses an element without text
		}
		if p.Kind == Preformatted {
			elements = append(elements, &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: textElement(text, false)})
			continue
		}
		// Sections follow each other without a break of their own.
		elements = append(elements, &slack.RichTextSection{Type: slack.RTESection, Elements: textElement(text+"\n", p.Kind == Strong)})
	}
	blocks := []slack.Block{&slack.RichTextBlock{Type: slack.MBTRichText, Elements: elements}}
	if len(m.Buttons) > 0 {
		blocks = append(blocks, actions(m.Buttons))
	}
	return blocks
}

func textElement(text string, bold bool) []slack.RichTextSectionElement {
	e := &slack.RichTextSectionTextElement{Type: slack.RTSEText, Text: text}
	if bold {
		e.Style = &slack.RichTextSectionTextStyle{Bold: true}
	}
	return []slack.RichTextSectionElement{e}
}

// visible takes out what could act or hide in a client, should the writer of the text have let it
// through: controls other than LF and TAB, bidi controls and other format characters.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// notification gives the message as the text beside the blocks, which Slack shows in notifications
// and reads aloud. Unlike blocks it is always markup, so it goes into a code span with nothing left
// in it that Slack could take for a token, a link or the end of the span.
//
// https://docs.slack.dev/messaging/formatting-message-text#escaping
func (m Message) notification() string {
	var texts []string
	for _, p := range m.Parts {
		if p.Kind != Preformatted {
			texts = append(texts, p.Text)
		}
	}
	return "`" + inert(Cut(tame(strings.Join(strings.Fields(visible(strings.Join(texts, " "))), " ")), maxText)) + "`"
}

// plain gives the whole message as preformatted markup, within the length that Slack advises.
func (m Message) plain() string {
	var words, drawn []string
	for _, p := range m.Parts {
		if p.Kind == Preformatted {
			drawn = append(drawn, p.Text)
		} else {
			words = append(words, p.Text)
		}
	}
	text := strings.TrimSpace(visible(strings.Join(append(words, drawn...), "\n")))
	return "```\n" + inert(Cut(tame(text), maxText)) + "\n```"
}

// text is what goes beside the blocks, or in their place.
func (m Message) text() string {
	if m.Plain {
		return m.plain()
	}
	return m.notification()
}

// tame leaves nothing in a text that could end a code span, or that a client would take for a link.
func tame(text string) string {
	return strings.NewReplacer("`", "\u02cb", "://", ": //").Replace(text)
}

// inert writes a text so that nothing in it is a token.
func inert(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// content is the message as an argument of slack-go.
func (m Message) content() []slack.MsgOption {
	o := []slack.MsgOption{slack.MsgOptionText(m.text(), false)}
	if !m.Plain {
		o = append(o, slack.MsgOptionBlocks(m.blocks()...))
	}
	return o
}
