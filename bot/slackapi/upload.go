package slackapi

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"
)

// File is a file on its way to Slack. Name, Title and AltText are shown as they are.
type File struct {
	Name  string
	Title string
	// AltText tells people who cannot see a picture what it shows; empty for other files. It is cut to what
	// Slack takes.
	AltText string
	Content []byte
}

// Staged is a file that Slack holds and that nobody sees yet: Slack discards it unless it is shared.
type Staged struct {
	ID    string // at Slack
	title string
}

// maxAltText is in characters.
//
// https://docs.slack.dev/reference/methods/files.getUploadURLExternal#errors
const maxAltText = 1000

// stagings is how often a file is sent in all, while the address for its content does not take it.
const stagings = 3

// stepContent names the step of an upload that carries the content.
const stepContent = "upload"

// Stage brings a file to Slack: an address is asked for, and the content goes there. When the content does not
// arrive all begins anew with another address, whatever the reason: nobody has seen the file yet, and slack-go
// cannot repeat that step.
//
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (c *Client) Stage(ctx context.Context, f File) (Staged, error) {
	if len(f.Content) == 0 {
		return Staged{}, errors.New("upload: the file is empty")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for n := 1; ; n++ {
		s, err := c.stage(ctx, f)
		lost, ok := errors.AsType[*contentError](err)
		if !ok {
			return s, err
		}
		if n == stagings {
			return Staged{}, lost.error
		}
		if err := sleep(ctx, time.Duration(n-1)*firstPause); err != nil {
			return Staged{}, lost.error
		}
	}
}

// contentError is the error of the step that carries the content.
type contentError struct{ error }

func (c *Client) stage(ctx context.Context, f File) (Staged, error) {
	at, err := c.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
		FileName: f.Name,
		FileSize: len(f.Content),
		AltTxt:   Cut(visible(f.AltText), maxAltText),
	})
	if err != nil {
		return Staged{}, fail("files.getUploadURLExternal", err)
	}
	err = c.api.UploadToURL(ctx, slack.UploadToURLParameters{
		UploadURL: at.UploadURL,
		Reader:    bytes.NewReader(f.Content),
		Filename:  f.Name,
	})
	if err != nil {
		return Staged{}, &contentError{fail(stepContent, err)}
	}
	return Staged{ID: at.FileID, title: f.Title}, nil
}

// Share shows files in a conversation, all in one message: that of Words, if it has any. Thread is the
// timestamp of the message under which they are shown; empty for none. Files can be shared once. After an
// "internal_error" or "fatal_error" nobody knows whether they were.
//
// https://docs.slack.dev/reference/methods/files.completeUploadExternal
func (c *Client) Share(ctx context.Context, channel, thread string, words Message, files ...Staged) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := slack.CompleteUploadExternalParameters{Channel: channel, ThreadTimestamp: thread}
	for _, f := range files {
		p.Files = append(p.Files, slack.FileSummary{ID: f.ID, Title: f.title})
	}
	switch {
	case words.Plain:
		p.InitialComment = words.text()
	case len(words.Parts) > 0:
		p.Blocks = slack.Blocks{BlockSet: words.blocks()}
	}
	if _, err := c.api.CompleteUploadExternalContext(ctx, p); err != nil {
		return fail("files.completeUploadExternal", err)
	}
	return nil
}
