package slackapi

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/slack-go/slack"
)

// Respond shows a message to the person who gave a command, and to nobody else, through the
// command's response URL. With replace it takes the place of the message shown before, if Slack
// still knows it. Slack allows five uses within 30 minutes; counting them is the caller's.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
func (c *Client) Respond(ctx context.Context, responseURL Secret, m Message, replace bool) error {
	if !c.isSlack(string(responseURL)) {
		return errors.New("response_url: not an address of Slack")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := append(m.content(), slack.MsgOptionResponseURL(string(responseURL), slack.ResponseTypeEphemeral))
	if replace {
		options = append(options, slack.MsgOptionReplaceOriginal(string(responseURL)))
	}
	if _, _, err := c.api.PostMessageContext(ctx, "", options...); err != nil {
		return fail("response_url", err)
	}
	return nil
}

// isSlack reports whether an address that came in a payload is Slack's: an https address of its
// domains, or of the host of the API. What the bot says is for nobody else.
func (c *Client) isSlack(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	if api, err := url.Parse(c.base); err == nil && u.Scheme == api.Scheme && u.Host == api.Host {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && (strings.HasSuffix(host, ".slack.com") || strings.HasSuffix(host, ".slack-gov.com"))
}

// OpenDM gives the id of the conversation between the bot and a person.
//
// https://docs.slack.dev/reference/methods/conversations.open
func (c *Client) OpenDM(ctx context.Context, userID string) (string, error) {
	const call = "conversations.open"
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	channel, _, _, err := c.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{userID}})
	if err != nil {
		return "", fail(call, err)
	}
	if channel == nil || channel.ID == "" {
		return "", &Error{Call: call, Code: "no_channel"}
	}
	return channel.ID, nil
}

// Post writes a message into a conversation and gives its timestamp, under which others can be shown.
//
// https://docs.slack.dev/reference/methods/chat.postMessage
func (c *Client) Post(ctx context.Context, channel string, m Message) (ts string, err error) {
	return c.Write(ctx, Place{Channel: channel}, m)
}
