package slackapi

import (
	"context"
	"net/url"
)

// Channel is a conversation as conversations.info describes one. A nil flag was not in the answer.
//
// https://docs.slack.dev/reference/objects/conversation-object
type Channel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Creator is the member who made it; empty where Slack does not say.
	Creator string `json:"creator"`

	IsIM       *bool `json:"is_im"`
	IsMPIM     *bool `json:"is_mpim"`
	IsPrivate  *bool `json:"is_private"`
	IsArchived *bool `json:"is_archived"`
	IsMember   *bool `json:"is_member"` // of the bot

	// With whom else the conversation is shared: other organisations, or other workspaces of this one.
	IsShared             *bool    `json:"is_shared"`
	IsExtShared          *bool    `json:"is_ext_shared"`
	IsPendingExtShared   *bool    `json:"is_pending_ext_shared"`
	IsOrgShared          *bool    `json:"is_org_shared"`
	PendingShared        []string `json:"pending_shared"`
	PendingConnectedTeam []string `json:"pending_connected_team_ids"`
}

// Channel looks a conversation up. Nothing is cached. A private conversation that the bot is not in is
// "channel_not_found".
//
// https://docs.slack.dev/reference/methods/conversations.info
func (c *Client) Channel(ctx context.Context, id string) (Channel, error) {
	var answer struct {
		Channel Channel `json:"channel"`
	}
	if err := c.look(ctx, "conversations.info", url.Values{"channel": {id}}, &answer); err != nil {
		return Channel{}, err
	}
	return answer.Channel, nil
}
