package slackapi

import (
	"encoding/json"
	"fmt"
)

// Click is the press of a button.
//
// https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
type Click struct {
	AppID     string `json:"app"`
	TeamID    string `json:"team"`
	UserID    string `json:"user"`
	ChannelID string `json:"channel"`
	// MessageTS is the message with the button; Ephemeral says that only the person sees it.
	MessageTS string `json:"ts"`
	Ephemeral bool   `json:"ephemeral"`
	ActionID  string `json:"action"`
	Value     string `json:"value"`
	ActionTS  string `json:"action_ts"`
	// ResponseURL and TriggerID work like passwords, and for a short time only: they are not kept.
	ResponseURL Secret `json:"-"`
	TriggerID   Secret `json:"-"`
	// Doubt says what speaks against its being a person's press of one of our buttons; empty if nothing does.
	Doubt string `json:"doubt,omitempty"`
}

// Submission is a form that was filled in.
//
// https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
type Submission struct {
	AppID  string `json:"app"`
	TeamID string `json:"team"`
	UserID string `json:"user"`
	ViewID string `json:"view"`
	// Form and About are Form.ID and Form.About of the form that was opened.
	Form  string `json:"form"`
	About string `json:"about"`
	Text  string `json:"text"`
	Doubt string `json:"doubt,omitempty"`
}

type party struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
}

// readInteraction reads the raw payload: slack-go's own type does not tell what is missing from what is empty. Kinds
// other than clicks and submissions give nothing.
func readInteraction(raw json.RawMessage) (*Click, *Submission) {
	var p struct {
		Type      string `json:"type"`
		AppID     string `json:"api_app_id"`
		Team      party  `json:"team"`
		User      party  `json:"user"`
		Channel   party  `json:"channel"`
		Container struct {
			Type      string `json:"type"`
			MessageTS string `json:"message_ts"`
			ChannelID string `json:"channel_id"`
			Ephemeral bool   `json:"is_ephemeral"`
		} `json:"container"`
		ResponseURL Secret `json:"response_url"`
		TriggerID   Secret `json:"trigger_id"`
		Actions     []struct {
			Type     string `json:"type"`
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			TS       string `json:"action_ts"`
		} `json:"actions"`
		View struct {
			ID       string `json:"id"`
			TeamID   string `json:"team_id"`
			AppID    string `json:"app_id"`
			Callback string `json:"callback_id"`
			Metadata string `json:"private_metadata"`
			State    struct {
				Values map[string]map[string]struct {
					Value string `json:"value"`
				} `json:"values"`
			} `json:"state"`
		} `json:"view"`
	}
	err := json.Unmarshal(raw, &p)
	switch p.Type {
	case "block_actions":
		c := &Click{AppID: p.AppID, TeamID: p.Team.ID, UserID: p.User.ID, ChannelID: p.Channel.ID, MessageTS: p.Container.MessageTS,
			Ephemeral: p.Container.Ephemeral, ResponseURL: p.ResponseURL, TriggerID: p.TriggerID}
		if len(p.Actions) == 1 {
			c.ActionID, c.Value, c.ActionTS = p.Actions[0].ActionID, p.Actions[0].Value, p.Actions[0].TS
		}
		c.Doubt = firstOf(
			doubt{err != nil, "not readable"},
			doubt{p.Team.ID == "" || p.User.TeamID != p.Team.ID, "somebody of another team, or of none"},
			doubt{len(p.Actions) != 1 || p.Actions[0].Type != "button", "not one button"},
			doubt{p.Container.Type != "message" || p.Container.MessageTS == "", "not on a message"},
			doubt{p.Channel.ID == "" || p.Channel.ID != p.Container.ChannelID, "of two places"},
			doubt{c.ActionTS == "", "without a time"},
		)
		return c, nil
	case "view_submission":
		s := &Submission{AppID: p.AppID, TeamID: p.Team.ID, UserID: p.User.ID, ViewID: p.View.ID, Form: p.View.Callback, About: p.View.Metadata,
			Text: p.View.State.Values[formBlock][formInput].Value}
		s.Doubt = firstOf(
			doubt{err != nil, "not readable"},
			doubt{p.Team.ID == "" || p.User.TeamID != p.Team.ID || p.View.TeamID != p.Team.ID, "somebody of another team, or of none"},
			doubt{p.View.ID == "" || p.View.AppID != p.AppID, "not a form of this app"},
		)
		return nil, s
	}
	return nil, nil
}

type doubt struct {
	is  bool
	why string
}

func firstOf(doubts ...doubt) string {
	for _, d := range doubts {
		if d.is {
			return d.why
		}
	}
	return ""
}

// Mention is a message that mentions the bot, or any message of a channel that the bot is in.
//
// https://docs.slack.dev/reference/events/app_mention
// https://docs.slack.dev/reference/events/message.channels
// https://docs.slack.dev/reference/events/message.groups
type Mention struct {
	// Plain says that Slack did not tell of it as a mention. One that is one is told of twice then, with the same channel and TS.
	Plain     bool   `json:"plain,omitempty"`
	EventID   string `json:"event"`
	AppID     string `json:"app"`
	TeamID    string `json:"team"`
	UserID    string `json:"user"`
	ChannelID string `json:"channel"`
	TS        string `json:"ts"`
	// ThreadTS is the message that began the thread; empty outside of threads.
	ThreadTS string `json:"thread,omitempty"`
	Text     string `json:"text"`
	// Doubt says what speaks against its being what a person of the team wrote, once, with their own hands; empty if nothing does.
	Doubt string `json:"doubt,omitempty"`
}

// Change tells that a message was edited or deleted.
//
// https://docs.slack.dev/reference/events/message/message_changed
// https://docs.slack.dev/reference/events/message/message_deleted
type Change struct {
	EventID   string `json:"event"`
	AppID     string `json:"app"`
	TeamID    string `json:"team"`
	ChannelID string `json:"channel"`
	// TS and ThreadTS are of the message that is no longer what it was, and UserID its author.
	TS       string `json:"ts"`
	ThreadTS string `json:"thread,omitempty"`
	UserID   string `json:"user"`
	Deleted  bool   `json:"deleted"`
	Doubt    string `json:"doubt,omitempty"`
}

// marks are the fields that a message of a program has and one of a person has not. A message that was posted with somebody's
// user token by another app has app_id; slack-go drops it.
//
// https://docs.slack.dev/reference/events/message
var marks = []string{"bot_id", "app_id", "bot_profile", "workflow_id", "subtype", "edited", "username"}

type message struct {
	Type       string `json:"type"`
	Subtype    string `json:"subtype"`
	User       string `json:"user"`
	Text       string `json:"text"`
	TS         string `json:"ts"`
	ThreadTS   string `json:"thread_ts"`
	Channel    string `json:"channel"`
	Team       string `json:"team"`
	UserTeam   string `json:"user_team"`
	SourceTeam string `json:"source_team"`

	Previous  *message `json:"previous_message"`
	Message   *message `json:"message"`
	DeletedTS string   `json:"deleted_ts"`
}

// readEvent reads the raw payload of an event. Kinds that the bot has no use for give nothing.
func readEvent(raw json.RawMessage) (*Mention, *Change) {
	var outer struct {
		Type    string          `json:"type"`
		EventID string          `json:"event_id"`
		AppID   string          `json:"api_app_id"`
		TeamID  string          `json:"team_id"`
		Shared  bool            `json:"is_ext_shared_channel"`
		Event   json.RawMessage `json:"event"`
	}
	var m message
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &outer) != nil || json.Unmarshal(outer.Event, &fields) != nil || json.Unmarshal(outer.Event, &m) != nil {
		return nil, nil
	}
	base := []doubt{
		{outer.Type != "event_callback", "not an event"},
		{outer.TeamID == "" || outer.EventID == "", "without a team or an id"},
		{outer.Shared, "in a channel that is shared with others"},
		{m.Channel == "", "nowhere"},
	}
	switch {
	case m.Type == "app_mention", m.Type == "message" && m.Subtype != "message_changed" && m.Subtype != "message_deleted":
		doubts := base
		for _, mark := range marks {
			_, has := fields[mark]
			doubts = append(doubts, doubt{has, fmt.Sprintf("not a person's own message: it has %s", mark)})
		}
		doubts = append(doubts,
			doubt{m.User == "" || m.TS == "", "without an author or a time"},
			doubt{m.Team != outer.TeamID || m.UserTeam != "" && m.UserTeam != m.Team || m.SourceTeam != "" && m.SourceTeam != m.Team, "of another team, or of none"},
		)
		return &Mention{Plain: m.Type == "message", EventID: outer.EventID, AppID: outer.AppID, TeamID: outer.TeamID, UserID: m.User, ChannelID: m.Channel, TS: m.TS, ThreadTS: m.ThreadTS,
			Text: m.Text, Doubt: firstOf(doubts...)}, nil
	case m.Type == "message" && (m.Subtype == "message_changed" || m.Subtype == "message_deleted"):
		c := &Change{EventID: outer.EventID, AppID: outer.AppID, TeamID: outer.TeamID, ChannelID: m.Channel, TS: m.DeletedTS, Deleted: m.Subtype == "message_deleted"}
		for _, of := range []*message{m.Message, m.Previous} {
			if of != nil && of.TS != "" {
				c.TS, c.ThreadTS, c.UserID = of.TS, of.ThreadTS, of.User
			}
		}
		c.Doubt = firstOf(append(base, doubt{c.TS == "", "of no message"})...)
		return nil, c
	}
	return nil, nil
}
