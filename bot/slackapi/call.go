package slackapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer bounds an answer that is read without slack-go. The longest is the list of all user groups of a workspace.
const maxAnswer = 8 << 20

// look calls a method without slack-go, whose types do not tell a field that is false from one that was not in
// the answer: a check that fails closed has to. The answer is decoded into to.
func (c *Client) look(ctx context.Context, call string, form url.Values, to any) error {
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
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return fail(call, err)
	}
	var head struct {
		OK     bool   `json:"ok"`
		Error  string `json:"error"`
		Needed string `json:"needed"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return fmt.Errorf("%s: the answer is not readable: %w", call, err)
	}
	if !head.OK {
		return &Error{Call: call, Code: head.Error, Needed: head.Needed}
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("%s: the answer is not readable: %w", call, err)
	}
	return nil
}
