package slackapi

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"databricks-access-audit/bot/slackfake"
)

var hostile = []string{
	"<!channel>", "<!here|here>", "<!everyone>", "<@U0ALICE>", "<@U0ALICE|alice>", "<!subteam^S1|@admins>", "<#C0HELP|x>",
	"<https://evil.test|https://good.test>", "https://evil.test/login", "mailto:x@y.test", "slack://open", "@here @channel @everyone",
	"*bold* _it_ ~no~ `code` ```block```", ":rotating_light: :skull:", "&lt;!channel&gt;", "&amp;lt;!here&amp;gt;", "` <!channel> `",
	"a\nCoverage: complete\n*Approved by:* CEO", "\u202egnp.exe", "zero\u200bwidth", "\x1b[31mred\x07", "\u2028line", "<", ">", "&", "", " ",
	strings.Repeat("<!channel>", 1000), strings.Repeat("&", 5000), strings.Repeat("😀", 4000), "\ufeff", "\x00",
}

func TestMessagesCanNeitherPingNorLink(t *testing.T) {
	for _, text := range hostile {
		for _, kind := range []Kind{Paragraph, Strong, Preformatted} {
			m := Message{Parts: []Part{{Paragraph, "headline"}, {kind, text}}}
			blocks, err := json.Marshal(m.blocks())
			if err != nil {
				t.Fatal(err)
			}
			if got := slackfake.RenderedMentions(m.notification(), blocks); len(got) > 0 {
				t.Errorf("%.60q as %v shows %v", text, kind, got)
			}
			if err := slackfake.CheckBlocks(blocks, slackfake.SurfaceMessage); err != nil {
				t.Errorf("%.60q as %v: %v", text, kind, err)
			}
			if strings.Count(m.notification(), "`") != 2 {
				t.Errorf("%.60q leaves its code span: %.100q", text, m.notification())
			}
			m.Plain = true
			if got := slackfake.RenderedMentions(m.text(), nil); len(got) > 0 {
				t.Errorf("%.60q as %v in plain text shows %v", text, kind, got)
			}
			if p := m.text(); strings.Count(p, "`") != 6 || !strings.HasPrefix(p, "```\nheadline") || !strings.HasSuffix(p, "\n```") || utf8.RuneCountInString(p) > 4000 {
				t.Errorf("%.60q in plain text leaves its block, of length %d: %.100q", text, utf8.RuneCountInString(p), p)
			}
			for _, bad := range []string{"\u202e", "\u200b", "\x1b", "\u2028", "\x00"} {
				if strings.Contains(m.notification()+m.text()+m.Parts[0].Text+string(blocks), bad) {
					t.Errorf("%.60q keeps %q", text, bad)
				}
			}
		}
	}
}

func TestMessagesKeepWithinTheSum(t *testing.T) {
	var m Message
	for range 8 {
		m.Parts = append(m.Parts, Part{Preformatted, strings.Repeat("<x>", 3000)})
	}
	blocks, err := json.Marshal(m.blocks())
	if err != nil {
		t.Fatal(err)
	}
	if err := slackfake.CheckBlocks(blocks, slackfake.SurfaceMessage); err != nil {
		t.Error(err)
	}
	if n := strings.Count(string(blocks), `x\u003e`); n > MaxMessage/9 {
		t.Errorf("%d of 24000 pieces are shown", n)
	}
}

func TestSizeAndCut(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "é": 1, "😀": 2, "<&>": 13} {
		if got := Size(text); got != want {
			t.Errorf("Size(%q) = %d, want %d", text, got, want)
		}
	}
	for _, text := range hostile {
		for _, size := range []int{0, 1, 2, 10, 3000} {
			if got := Cut(text, size); Size(got) > size {
				t.Errorf("Cut(%.40q, %d) has size %d", text, size, Size(got))
			}
		}
	}
	if got := Cut("abcdef", 4); got != "abc…" {
		t.Errorf("Cut = %q", got)
	}
}

// TestClickOfTwoPlacesIsDoubted: what Slack says twice must be the same.
func TestClickOfTwoPlacesIsDoubted(t *testing.T) {
	const click = `{"type":"block_actions","api_app_id":"A1","team":{"id":"T1"},"user":{"id":"U1","team_id":"T1"},"channel":{"id":"C1"},
		"container":{"type":"message","message_ts":"1.000001","channel_id":"C1"},"actions":[{"type":"button","action_id":"x","value":"v","action_ts":"1.1"}]}`
	if c, _ := readInteraction([]byte(click)); c == nil || c.Doubt != "" {
		t.Errorf("a click without a flaw: %+v", c)
	}
	if c, _ := readInteraction([]byte(strings.Replace(click, `"channel_id":"C1"`, `"channel_id":"C2"`, 1))); c == nil || c.Doubt == "" {
		t.Errorf("a click of two places: %+v", c)
	}
}

// TestPlainKeepsTheWords: when a drawing must be cut, what is said about it is still there.
func TestPlainKeepsTheWords(t *testing.T) {
	m := Message{Plain: true, Parts: []Part{{Strong, "head"}, {Preformatted, strings.Repeat("tree\n", 3000)}, {Paragraph, "Coverage: complete"}}}
	if text := m.text(); !strings.HasPrefix(text, "```\nhead\nCoverage: complete\ntree\n") || !strings.HasSuffix(text, "…\n```") {
		t.Errorf("%.80q", text)
	}
}
