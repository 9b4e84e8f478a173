package slackapi

import (
	"bytes"
	"context"
	"errors"

	"github.com/slack-go/slack"
)

// Place is a conversation, or with Thread a thread in it.
type Place struct {
	Channel string
	Thread  string // ts of the message that began it
}

func (p Place) options(m Message) []slack.MsgOption {
	options := []slack.MsgOption{
		slack.MsgOptionText(m.notification(), false),
		slack.MsgOptionBlocks(m.blocks()...),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
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
	if _, _, _, err := c.api.UpdateMessageContext(ctx, channel, ts, slack.MsgOptionText(m.notification(), false), slack.MsgOptionBlocks(m.blocks()...)); err != nil {
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

// Share uploads files and shares them with one comment in a thread. Channel, Comment of the files are not looked at. Nothing is
// shared unless all were uploaded.
//
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (c *Client) Share(ctx context.Context, at Place, comment string, files []File) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var done []slack.FileSummary
	for _, f := range files {
		if len(f.Content) == 0 {
			return errors.New("upload: the file is empty")
		}
		to, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: f.Name, FileSize: len(f.Content)})
		if err != nil {
			return fail("files.getUploadURLExternal", err)
		}
		if err := c.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: to.UploadURL, Reader: bytes.NewReader(f.Content), Filename: f.Name}); err != nil {
			return fail(stepContent, err)
		}
		done = append(done, slack.FileSummary{ID: to.FileID, Title: f.Title})
	}
	_, err := c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files: done, Channel: at.Channel, ThreadTimestamp: at.Thread, InitialComment: comment,
	})
	if err != nil {
		return fail("files.completeUploadExternal", err)
	}
	return nil
}
