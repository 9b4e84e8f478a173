package slackapi

import (
	"context"
	"fmt"
	"net/url"
)

// UserGroup is a user group as usergroups.list describes one. A nil field was not in the answer.
//
// https://docs.slack.dev/reference/objects/usergroup-object
type UserGroup struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
	// DateDelete is when it was switched off, in seconds since 1970; zero if it was not.
	DateDelete *int64 `json:"date_delete"`
	// IsIDPGroup says that an identity provider keeps it, IsMembershipLocked that its members cannot be changed in Slack.
	IsIDPGroup         *bool `json:"is_idp_group"`
	IsMembershipLocked *bool `json:"is_membership_locked"`
}

// UserGroups lists the user groups of the workspace that are in use. Nothing is cached.
//
// https://docs.slack.dev/reference/methods/usergroups.list
func (c *Client) UserGroups(ctx context.Context) ([]UserGroup, error) {
	const call = "usergroups.list"
	var answer struct {
		Groups []UserGroup `json:"usergroups"`
		more
	}
	if err := c.look(ctx, call, url.Values{}, &answer); err != nil {
		return nil, err
	}
	if answer.Groups == nil {
		return nil, fmt.Errorf("%s: the answer holds no list", call)
	}
	return answer.Groups, answer.all(call)
}

// UserGroupMembers lists the ids of the members of a user group. Nothing is cached.
//
// https://docs.slack.dev/reference/methods/usergroups.users.list
func (c *Client) UserGroupMembers(ctx context.Context, id string) ([]string, error) {
	const call = "usergroups.users.list"
	var answer struct {
		Users []string `json:"users"`
		more
	}
	if err := c.look(ctx, call, url.Values{"usergroup": {id}}, &answer); err != nil {
		return nil, err
	}
	if answer.Users == nil {
		return nil, fmt.Errorf("%s: the answer holds no list", call)
	}
	return answer.Users, answer.all(call)
}

// more is how Slack says that a list goes on. Neither of these methods has a way to ask for the rest, though each has an
// error for a cursor: a list that goes on is not taken for the whole.
type more struct {
	Metadata struct {
		Next string `json:"next_cursor"`
	} `json:"response_metadata"`
}

func (m more) all(call string) error {
	if m.Metadata.Next != "" {
		return fmt.Errorf("%s: the answer is a part of the list alone", call)
	}
	return nil
}
