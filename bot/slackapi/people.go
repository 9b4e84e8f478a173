package slackapi

import (
	"context"
	"net/url"
)

// Person is a member as users.info describes one. A nil flag was not in the answer.
//
// https://docs.slack.dev/reference/objects/user-object
type Person struct {
	ID      string `json:"id"`
	TeamID  string `json:"team_id"`
	Deleted *bool  `json:"deleted"`

	IsBot             *bool `json:"is_bot"`
	IsAppUser         *bool `json:"is_app_user"`
	IsWorkflowBot     *bool `json:"is_workflow_bot"`
	IsConnectorBot    *bool `json:"is_connector_bot"`
	IsRestricted      *bool `json:"is_restricted"`       // a guest
	IsUltraRestricted *bool `json:"is_ultra_restricted"` // a guest of one channel
	IsStranger        *bool `json:"is_stranger"`         // of another workspace
	IsEmailConfirmed  *bool `json:"is_email_confirmed"`

	Profile struct {
		Email string `json:"email"`
	} `json:"profile"`
}

// Person looks a member up. Nothing is cached.
//
// https://docs.slack.dev/reference/methods/users.info
func (c *Client) Person(ctx context.Context, id string) (Person, error) {
	var answer struct {
		User Person `json:"user"`
	}
	if err := c.look(ctx, "users.info", url.Values{"user": {id}}, &answer); err != nil {
		return Person{}, err
	}
	return answer.User, nil
}
