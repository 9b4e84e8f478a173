package slackapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Person is a member as users.info describes one. A nil flag was not in the answer, which slack-go
// cannot tell from false; a check that fails closed has to.
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

// maxAnswer bounds an answer that is read without slack-go.
const maxAnswer = 1 << 20

// Person looks a member up. Nothing is cached.
//
// https://docs.slack.dev/reference/methods/users.info
func (c *Client) Person(ctx context.Context, id string) (Person, error) {
	var answer struct {
		User Person `json:"user"`
	}
	err := c.look(ctx, "users.info", url.Values{"user": {id}}, &answer)
	return answer.User, err
}

// look calls a method that only reads, without slack-go, and decodes its answer into one of ours, in
// which what is missing differs from what is false.
func (c *Client) look(ctx context.Context, call string, form url.Values, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+call, strings.NewReader(form.Encode()))
	if err != nil {
		return fail(call, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+string(c.bot))
	r, err := c.http.Do(req)
	if err != nil {
		return fail(call, err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		return statusError(call, r)
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return fail(call, err)
	}
	var verdict struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if err := errors.Join(json.Unmarshal(text, &verdict), json.Unmarshal(text, answer)); err != nil {
		return fmt.Errorf("%s: the answer is not readable: %w", call, err)
	}
	if !verdict.OK {
		return &Error{Call: call, Code: verdict.Error, Needed: verdict.Needed}
	}
	return nil
}
