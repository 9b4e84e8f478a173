package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/formatters"
)

// screen turns what people see into text, each thing once.
type screen struct {
	seen  map[string]int    // edits shown, by place and timestamp
	names map[string]string // of people and channels, by id
	// buttons are all that were shown, in the order of their numbers.
	buttons []button
}

func newScreen(w *slackfake.Workspace) screen {
	s := screen{seen: map[string]int{}, names: map[string]string{}}
	for _, u := range w.Users {
		s.names[u.ID] = u.Name
	}
	for _, c := range w.Channels {
		s.names[c.ID] = "#" + c.Name
	}
	return s
}

// fileColumns is how much of a line of a file is shown.
const fileColumns = 100

// news gives what was not shown yet, in the order in which people saw it.
func (s *screen) news(now *slackfake.Snapshot, fileLines int) string {
	var b strings.Builder
	all := append(slices.Clone(now.Messages), now.Ephemerals...)
	slices.SortStableFunc(all, func(x, y slackfake.Message) int { return strings.Compare(x.TS, y.TS) })
	for _, m := range all {
		key := m.Channel + m.ForUser + m.TS
		if edits, ok := s.seen[key]; m.Deleted || ok && edits == m.Edits || m.Via == "user" {
			continue
		}
		s.seen[key] = m.Edits
		text := strings.TrimRight(body(m), "\n")
		if pressable := s.pressable(m); pressable != "" {
			text += "\n" + pressable
		}
		b.WriteString(frame(s.title(m), text))
		for _, f := range now.Files {
			if slices.Contains(m.FileIDs, f.ID) {
				b.WriteString(attached(f, fileLines))
			}
		}
	}
	return b.String()
}

func (s *screen) title(m slackfake.Message) string {
	title := "in " + s.name(m.Channel)
	if m.ThreadTS != "" {
		title += ", in a thread"
	}
	if m.Ephemeral {
		title += ", only visible to " + s.name(m.ForUser)
	}
	if m.ThreadTS != "" {
		title += ", in the thread"
	}
	if m.Edits > 0 {
		title += ", changed"
	}
	return title
}

func (s *screen) name(id string) string {
	if n, ok := s.names[id]; ok {
		return n
	}
	return "the direct messages " + id
}

// attached shows the beginning of a file that a chat would show; of the others what they are.
func attached(f slackfake.File, most int) string {
	title := fmt.Sprintf("file %s, %d bytes", f.Name, len(f.Content))
	switch kind := http.DetectContentType(f.Content); {
	case f.AltText != "":
		return frame(title, "a picture: "+f.AltText)
	case strings.HasPrefix(kind, "text/html"):
		return frame(title, "a page to download and open")
	case !strings.HasPrefix(kind, "text/"):
		return frame(title, "to download: "+kind)
	}
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(f.Content), "\r\n", "\n")), "\n")
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… %d more lines", len(lines)-most))
	}
	for i, l := range lines {
		lines[i] = formatters.Truncate(l, fileColumns)
	}
	return frame(title, strings.Join(lines, "\n"))
}

func frame(title, text string) string {
	return "  ┌ " + title + "\n  │ " + strings.ReplaceAll(text, "\n", "\n  │ ") + "\n  └\n"
}

// element is what is needed of any part of rich text.
//
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
type element struct {
	Type     string    `json:"type"`
	Text     string    `json:"text"`
	Elements []element `json:"elements"`
}

// body gives the text of a message: of its rich text if it has any.
func body(m slackfake.Message) string {
	var blocks []json.RawMessage
	_ = json.Unmarshal(m.Blocks, &blocks) // without readable blocks the text stands in
	var b strings.Builder
	for _, raw := range blocks {
		var block element
		if json.Unmarshal(raw, &block) == nil && block.Type == "rich_text" {
			write(&b, block)
		}
	}
	if b.Len() == 0 {
		return m.Text
	}
	return b.String()
}

func write(b *strings.Builder, e element) {
	if e.Type == "rich_text_preformatted" {
		var inner strings.Builder
		for _, i := range e.Elements {
			write(&inner, i)
		}
		b.WriteString("    " + strings.ReplaceAll(inner.String(), "\n", "\n    ") + "\n")
		return
	}
	b.WriteString(e.Text)
	for _, inner := range e.Elements {
		write(b, inner)
	}
}
