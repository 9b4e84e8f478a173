package slackfake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
)

func rep(s string, n int) string { return strings.Repeat(s, n) }

// items joins n copies of a JSON value into an array.
func items(n int, value string) string {
	return "[" + strings.TrimSuffix(rep(value+",", n), ",") + "]"
}

func plain(n int) string { return `{"type":"plain_text","text":"` + rep("é", n) + `"}` }

func mrkdwn(n int) string { return `{"type":"mrkdwn","text":"` + rep("é", n) + `"}` }

func button(extra string) string { return `{"type":"button","text":` + plain(3) + extra + `}` }

func actions(elements string) string { return `[{"type":"actions","elements":` + elements + `}]` }

// TestBlockLimits gives each limit a value that just fits and one that does not.
func TestBlockLimits(t *testing.T) {
	t.Parallel()
	section := func(s string) string { return `[{"type":"section",` + s + `}]` }
	option := func(text, value int) string {
		return `{"text":` + plain(text) + `,"value":"` + rep("v", value) + `"}`
	}
	selects := func(options string) string {
		return actions(`[{"type":"static_select","options":` + options + `}]`)
	}
	confirm := func(title, text, ok int) string {
		return actions(`[` + button(`,"confirm":{"title":`+plain(title)+`,"text":`+mrkdwn(text)+`,"confirm":`+plain(ok)+`,"deny":`+plain(ok)+`}`) + `]`)
	}
	table := func(rows, columns int) string {
		return `{"type":"table","rows":` + items(rows, items(columns, `{"type":"raw_text","text":"x"}`)) + `}`
	}
	data := func(head string, rows string) string {
		return `[{"type":"data_table","caption":"c","rows":[[` + head + `],` + rows + `]}]`
	}
	cell := `{"type":"raw_text","text":"x"}`
	dataRows := func(n int) string {
		return `[{"type":"data_table","caption":"c","rows":` + items(n, `[`+cell+`]`) + `}]`
	}
	rich := func(leaf string) string {
		return `[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[` + leaf + `]}]}]`
	}
	for _, tt := range []struct{ name, fits, fails, code string }{
		{"blocks", items(50, `{"type":"divider"}`), items(51, `{"type":"divider"}`), ""},
		{"section text", section(`"text":` + mrkdwn(3000)), section(`"text":` + mrkdwn(3001)), ""},
		{"section without text", section(`"fields":[` + plain(1) + `]`), section(`"block_id":"x"`), ""},
		{"empty text", section(`"text":` + plain(1)), section(`"text":` + plain(0)), ""},
		{"fields", section(`"fields":` + items(10, plain(1))), section(`"fields":` + items(11, plain(1))), ""},
		{"field text", section(`"fields":[` + plain(2000) + `]`), section(`"fields":[` + plain(2001) + `]`), ""},
		{"header", `[{"type":"header","text":` + plain(150) + `}]`, `[{"type":"header","text":` + plain(151) + `}]`, ""},
		{"header type", `[{"type":"header","text":` + plain(1) + `,"level":4}]`, `[{"type":"header","text":` + mrkdwn(1) + `}]`, ""},
		{"context", `[{"type":"context","elements":` + items(10, mrkdwn(1)) + `}]`, `[{"type":"context","elements":` + items(11, mrkdwn(1)) + `}]`, ""},
		{"actions", actions(items(25, button(""))), actions(items(26, button(""))), ""},
		{"button text", actions(`[{"type":"button","text":` + plain(75) + `}]`), actions(`[{"type":"button","text":` + plain(76) + `}]`), ""},
		{"button value", actions(`[` + button(`,"value":"`+rep("v", 2000)+`"`) + `]`), actions(`[` + button(`,"value":"`+rep("v", 2001)+`"`) + `]`), ""},
		{"button url", actions(`[` + button(`,"url":"`+rep("v", 3000)+`"`) + `]`), actions(`[` + button(`,"url":"`+rep("v", 3001)+`"`) + `]`), ""},
		{"button style", actions(`[` + button(`,"style":"danger"`) + `]`), actions(`[` + button(`,"style":"blue"`) + `]`), ""},
		{"action_id", actions(`[` + button(`,"action_id":"`+rep("v", 255)+`"`) + `]`), actions(`[` + button(`,"action_id":"`+rep("v", 256)+`"`) + `]`), ""},
		{"action_id twice", actions(`[` + button(`,"action_id":"a"`) + `,` + button(`,"action_id":"b"`) + `]`), actions(items(2, button(`,"action_id":"a"`))), ""},
		{"block_id", `[{"type":"divider","block_id":"` + rep("b", 255) + `"}]`, `[{"type":"divider","block_id":"` + rep("b", 256) + `"}]`, ""},
		{"block_id twice", `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}]`, items(2, `{"type":"divider","block_id":"a"}`), ""},
		{"confirm title", confirm(100, 300, 30), confirm(101, 300, 30), ""},
		{"confirm text", confirm(100, 300, 30), confirm(100, 301, 30), ""},
		{"confirm buttons", confirm(100, 300, 30), confirm(100, 300, 31), ""},
		{"options", selects(items(100, option(1, 1))), selects(items(101, option(1, 1))), ""},
		{"option text", selects(`[` + option(75, 1) + `]`), selects(`[` + option(76, 1) + `]`), ""},
		{"option value", selects(`[` + option(1, 150) + `]`), selects(`[` + option(1, 151) + `]`), ""},
		{"image", `[{"type":"image","image_url":"https://x.test","alt_text":"a"}]`, `[{"type":"image","image_url":"https://x.test"}]`, ""},
		{"rich text leaf", rich(`{"type":"text","text":"x"}`), rich(`{"type":"text","text":""}`), ""},
		{"rich text type", rich(`{"type":"broadcast","range":"here"}`), rich(`{"type":"blink"}`), ""},
		{"table rows", `[` + table(100, 1) + `]`, `[` + table(101, 1) + `]`, ""},
		{"table columns", `[` + table(1, 20) + `]`, `[` + table(1, 21) + `]`, ""},
		{"one table", `[` + table(1, 1) + `]`, `[` + table(1, 1) + `,` + table(1, 1) + `]`, "invalid_attachments"},
		{"data table header", data(cell, `[`+cell+`]`), data(`{"type":"raw_number","value":1}`, `[`+cell+`]`), ""},
		{"data table rectangle", data(cell, `[`+cell+`]`), data(cell, `[`+cell+`,`+cell+`]`), ""},
		{"data table rows", dataRows(101), dataRows(102), ""},
		{"data table empty cell", data(cell, `[`+cell+`]`), data(cell, `[{"type":"raw_text","text":""}]`), ""},
		{"all content", items(4, `{"type":"section","text":`+mrkdwn(3000)+`}`), items(5, `{"type":"section","text":`+mrkdwn(3000)+`}`), "msg_blocks_too_long"},
		{"markdown", `[{"type":"markdown","text":"` + rep("m", 12000) + `"}]`, `[{"type":"markdown","text":"` + rep("m", 12001) + `"}]`, "msg_blocks_too_long"},
		{"chart title", `[{"type":"data_visualization","title":"` + rep("t", 50) + `"}]`, `[{"type":"data_visualization","title":"` + rep("t", 51) + `"}]`, ""},
		{"chart series", `[{"type":"data_visualization","series":` + items(12, "1") + `}]`, `[{"type":"data_visualization","series":` + items(13, "1") + `}]`, ""},
		{"card body", `[{"type":"card","body":` + plain(200) + `}]`, `[{"type":"card","body":` + plain(201) + `}]`, ""},
		{"carousel", `[{"type":"carousel","elements":` + items(10, "{}") + `}]`, `[{"type":"carousel","elements":` + items(11, "{}") + `}]`, ""},
		{"container", `[{"type":"container","child_blocks":` + items(10, `{"type":"divider"}`) + `}]`, `[{"type":"container","child_blocks":` + items(11, `{"type":"divider"}`) + `}]`, ""},
		{"plan", `[{"type":"plan","tasks":` + items(50, "{}") + `}]`, `[{"type":"plan","tasks":` + items(51, "{}") + `}]`, ""},
		{"task", `[{"type":"task_card","status":"complete"}]`, `[{"type":"task_card","status":"done"}]`, ""},
		{"input", `[{"type":"input","label":` + plain(9) + `,"element":{"type":"plain_text_input"}}]`, `[{"type":"input","label":` + plain(9) + `}]`, ""},
		{"type", `[{"type":"divider"}]`, `[{"type":"marquee"}]`, ""},
		{"alert in a message", `[{"type":"divider"}]`, `[{"type":"alert","text":"x"}]`, ""},
		{"list", `[]`, `{}`, "invalid_blocks_format"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := slackfake.CheckBlocks(json.RawMessage(tt.fits), slackfake.SurfaceMessage); err != nil {
				t.Errorf("fitting value: %v", err)
			}
			want := tt.code
			if want == "" {
				want = "invalid_blocks"
			}
			err := slackfake.CheckBlocks(json.RawMessage(tt.fails), slackfake.SurfaceMessage)
			var e *slackfake.BlockError
			if !errors.As(err, &e) || e.Code != want || len(e.Messages) == 0 {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestViewLimits(t *testing.T) {
	t.Parallel()
	view := func(title int, rest string) string {
		return `{"type":"modal","title":` + plain(title) + `,"blocks":[]` + rest + `}`
	}
	blocks := func(b string) string { return `{"type":"modal","title":` + plain(1) + `,"blocks":` + b + `}` }
	for _, tt := range []struct{ name, fits, fails string }{
		{"title", view(24, ""), view(25, "")},
		{"submit", view(1, `,"submit":`+plain(24)), view(1, `,"submit":`+plain(25))},
		{"metadata", view(1, fmt.Sprintf(`,"private_metadata":%q`, rep("m", 3000))), view(1, fmt.Sprintf(`,"private_metadata":%q`, rep("m", 3001)))},
		{"callback", view(1, fmt.Sprintf(`,"callback_id":%q`, rep("m", 255))), view(1, fmt.Sprintf(`,"callback_id":%q`, rep("m", 256)))},
		{"blocks", blocks(items(100, `{"type":"divider"}`)), blocks(items(101, `{"type":"divider"}`))},
		{"alert", blocks(`[{"type":"alert","text":"` + rep("a", 200) + `"}]`), blocks(`[{"type":"alert","text":"` + rep("a", 201) + `"}]`)},
		{"surface", blocks(`[{"type":"divider"}]`), blocks(`[{"type":"container","child_blocks":[{"type":"divider"}]}]`)},
		{"submit of input", view(1, ""), blocks(`[{"type":"input","label":` + plain(1) + `,"element":{"type":"plain_text_input"}}]`)},
		{"type", view(1, ""), `{"type":"home","title":` + plain(1) + `,"blocks":[]}`},
		{"json", view(1, ""), `[]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := slackfake.CheckView(json.RawMessage(tt.fits)); err != nil {
				t.Errorf("fitting value: %v", err)
			}
			var e *slackfake.BlockError
			if err := slackfake.CheckView(json.RawMessage(tt.fails)); !errors.As(err, &e) || e.Code != "invalid_arguments" {
				t.Errorf("got %v, want invalid_arguments", err)
			}
		})
	}
}

func TestInvalidBlocksAreExplainedOnTheWire(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	got := post(t, s, "chat.postMessage", s.BotToken(), form("channel", slackfake.DataHelp, "blocks", `[{"type":"header","text":`+plain(151)+`}]`))
	meta, _ := got["response_metadata"].(map[string]any)
	messages, _ := meta["messages"].([]any)
	if got["error"] != "invalid_blocks" || len(messages) != 1 || messages[0] != "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]" {
		t.Errorf("got %v", got)
	}
	if len(s.MessagesIn(slackfake.DataHelp)) != 0 {
		t.Error("the message was posted")
	}
}
