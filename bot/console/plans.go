package console

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"databricks-access-audit/bot/slackfake"
)

// done is a line that is no command: a button, a reply, a form.
var done = regexp.MustCompile(`^(?:as (\w+):\s*)?(click|say|answer)\s+(.*)$`)

// button is one that was shown, under the number that it was shown with.
type button struct{ channel, ts, action, text string }

// act presses a button, writes into the thread of a plan or fills in a form.
func (c *console) act(ctx context.Context, who, verb, rest string) {
	user := c.member(who)
	if user == "" {
		c.write("Nobody here is called " + who + ".\n")
		return
	}
	var d slackfake.Delivery
	var err error
	switch verb {
	case "click":
		n, fault := strconv.Atoi(rest)
		if fault != nil || n < 1 || n > len(c.screen.buttons) {
			c.write("There is no button " + rest + ".\n")
			return
		}
		b := c.screen.buttons[n-1]
		d, err = c.slack.Click(ctx, slackfake.Press{User: user, Channel: b.channel, TS: b.ts, ActionID: b.action})
	case "say":
		now := c.slack.Snapshot()
		thread := c.screen.threadOf(now, rest)
		rest = strings.ReplaceAll(rest, newest, c.screen.planOf(now, thread))
		mention := "<@" + slackfake.AuditBot + ">"
		d, err = c.slack.Say(ctx, user, slackfake.DataApprovals, thread, strings.Replace(rest, "@bot", mention, 1))
		if err == nil && d.EnvelopeID == "" {
			c.write("The bot only hears what mentions it: say @bot …\n")
			return
		}
	case "answer":
		view := ""
		for _, v := range c.slack.Views() {
			if v.User == user && !v.Closed {
				view = v.ID
			}
		}
		if view == "" {
			c.write("No form is open for " + who + ".\n")
			return
		}
		d, err = c.slack.Submit(ctx, user, view, map[string]map[string]string{"text": {"input": rest}})
	}
	if err != nil {
		c.write("Slack says: " + err.Error() + "\n")
		return
	}
	c.watch(ctx, d.EnvelopeID)
	for _, v := range c.slack.Views() {
		if v.User == user && !v.Closed {
			c.write("  A form is open for " + who + ", and asks for a reason: as " + who + ": answer …\n")
		}
	}
}

var planID = regexp.MustCompile(`p-[0-9A-Z]{10}`)

// threadOf finds the plan's message that a text is about, or else the newest.
func (s *screen) threadOf(now *slackfake.Snapshot, text string) (ts string) {
	id := planID.FindString(text)
	for _, m := range now.Messages {
		if m.Channel != slackfake.DataApprovals || m.ThreadTS != "" || m.User != slackfake.AuditBot {
			continue
		}
		if ts == "" || id == "" || strings.Contains(body(m), id) {
			ts = m.TS
		}
	}
	return ts
}

// newest stands for the id of the newest plan.
const newest = "p-…"

// planOf is the plan that a message shows.
func (s *screen) planOf(now *slackfake.Snapshot, ts string) string {
	for _, m := range now.Messages {
		if m.TS == ts {
			return planID.FindString(body(m))
		}
	}
	return newest
}

// pressable gives the buttons of a message, numbered on.
func (s *screen) pressable(m slackfake.Message) string {
	var blocks []struct {
		Type     string `json:"type"`
		Elements []struct {
			Type   string                `json:"type"`
			Action string                `json:"action_id"`
			Text   struct{ Text string } `json:"text"`
		} `json:"elements"`
	}
	_ = json.Unmarshal(m.Blocks, &blocks) // rich text has other elements, which say nothing here
	var list []string
	for _, b := range blocks {
		if b.Type != "actions" {
			continue
		}
		for _, e := range b.Elements {
			if e.Type == "button" {
				s.buttons = append(s.buttons, button{m.Channel, m.TS, e.Action, e.Text.Text})
				list = append(list, fmt.Sprintf("[%d: %s]", len(s.buttons), e.Text.Text))
			}
		}
	}
	return strings.Join(list, " ")
}
