package slackapi

import (
	"context"
	"net/url"
)

// Delete deletes a file of the bot's own, wherever it was shared. One that is gone already is no error: somebody deleted it, or it
// was never shared, and then Slack discards it.
//
// https://docs.slack.dev/reference/methods/files.delete
func (c *Client) Delete(ctx context.Context, file string) error {
	err := c.look(ctx, "files.delete", url.Values{"file": {file}}, &struct{}{})
	if code := Code(err); code == "file_not_found" || code == "file_deleted" {
		return nil
	}
	return err
}
