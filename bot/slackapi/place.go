package slackapi

import (
	"context"

	"github.com/slack-go/slack"
)

// Place is a conversation, or with Thread a thread in it.
type Place struct {
	Channel string
	Thread  string // ts of the message that began it
}

func (p Place) options(m Message) []slack.MsgOption {
	options := append(m.content(), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if p.Thread != "" {
		options = append(options, slack.MsgOptionTS(p.Thread))
	}
	return options
}

// Write posts a message and gives its ts, by which it is found again.
//
// https://docs.slack.dev/reference/methods/chat.postMessage
func (c *Client) Write(ctx context.Context, at Place, m Message) (ts string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, ts, err = c.api.PostMessageContext(ctx, at.Channel, at.options(m)...)
	if err != nil {
		return "", fail("chat.postMessage", err)
	}
	return ts, nil
}

// Rewrite puts a message in the place of one of the bot's own.
//
// https://docs.slack.dev/reference/methods/chat.update
func (c *Client) Rewrite(ctx context.Context, channel, ts string, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, _, _, err := c.api.UpdateMessageContext(ctx, channel, ts, m.content()...); err != nil {
		return fail("chat.update", err)
	}
	return nil
}

// Whisper shows a message to one person of a channel that the bot is in.
//
// https://docs.slack.dev/reference/methods/chat.postEphemeral
func (c *Client) Whisper(ctx context.Context, at Place, user string, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := c.api.PostEphemeralContext(ctx, at.Channel, user, at.options(m)...); err != nil {
		return fail("chat.postEphemeral", err)
	}
	return nil
}
