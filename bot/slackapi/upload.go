package slackapi

import (
	"bytes"
	"context"
	"errors"

	"github.com/slack-go/slack"
)

// File is a file to share in a conversation. Name, Title and Comment must be the bot's own words:
// Slack reads the comment as markup.
type File struct {
	Channel string
	Name    string
	Title   string
	Comment string
	Content []byte
}

// Upload shares a file: an upload address is asked for, the content goes there, and the file is
// completed into the conversation. When Slack refuses the content for its rate limit all begins
// anew, once: nothing was shared yet, and slack-go cannot repeat that step.
//
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (c *Client) Upload(ctx context.Context, f File) error {
	if len(f.Content) == 0 {
		return errors.New("upload: the file is empty")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := c.upload(ctx, f)
	if e, ok := errors.AsType[*Error](err); ok && e.Call == stepContent && e.Code == CodeRateLimited {
		err = c.upload(ctx, f)
	}
	return err
}

// stepContent names the step of an upload that carries the content.
const stepContent = "upload"

func (c *Client) upload(ctx context.Context, f File) error {
	at, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
		FileName: f.Name,
		FileSize: len(f.Content),
	})
	if err != nil {
		return fail("files.getUploadURLExternal", err)
	}
	err = c.api.UploadToURL(ctx, slack.UploadToURLParameters{
		UploadURL: at.UploadURL,
		Reader:    bytes.NewReader(f.Content),
		Filename:  f.Name,
	})
	if err != nil {
		return fail(stepContent, err)
	}
	_, err = c.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files:          []slack.FileSummary{{ID: at.FileID, Title: f.Title}},
		Channel:        f.Channel,
		InitialComment: f.Comment,
	})
	if err != nil {
		return fail("files.completeUploadExternal", err)
	}
	return nil
}
