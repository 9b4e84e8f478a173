package slackapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/slack-go/slack"
)

// Error is the refusal of a call by Slack.
type Error struct {
	Call string // the method, or what was done
	// Code is Slack's name for the refusal ("not_in_channel"), or "http_404" when there was none.
	Code string
	// Needed is the scope that was missing, if that was the reason.
	Needed string
}

// Error names the call and the code.
func (e *Error) Error() string {
	if e.Needed != "" {
		return fmt.Sprintf("%s: %s (needs the scope %s)", e.Call, e.Code, e.Needed)
	}
	return e.Call + ": " + e.Code
}

// CodeRateLimited is the code when Slack went on refusing after the waits that it asked for.
const CodeRateLimited = "ratelimited"

// Code gives Slack's name for a refusal, empty when err is none: when the call did not arrive, or
// nobody knows whether it did.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// fail turns an error of slack-go or net/http into one of this package. The address is left out:
// those of response URLs and uploads work like passwords.
func fail(call string, err error) error {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return &Error{Call: call, Code: e.Err, Needed: e.Needed}
	}
	if e, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return &Error{Call: call, Code: fmt.Sprintf("http_%d", e.Code)}
	}
	if _, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &Error{Call: call, Code: CodeRateLimited}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", call, err)
}

// FatalError says that a token or the app does not work and will not by waiting.
type FatalError struct {
	What   string // "the bot token (xoxb-…)"
	Code   string
	Advice string
}

// Error says in one sentence what to do.
func (e *FatalError) Error() string {
	return fmt.Sprintf("Slack refuses %s (%s): %s", e.What, e.Code, e.Advice)
}

// advice holds the refusals that no retry heals. slack-go ends on the first four only and would
// repeat the others for ever.
//
// https://docs.slack.dev/reference/methods/apps.connections.open
// https://docs.slack.dev/reference/methods/auth.test
var advice = map[string]string{
	"invalid_auth":             "copy it again from the app's settings at https://api.slack.com/apps",
	"not_authed":               "no token arrived; check its variable or file",
	"account_inactive":         "the app was removed or its workspace closed; install the app again",
	"token_revoked":            "it was revoked; make a new one in the app's settings",
	"token_expired":            "it has expired; make a new one in the app's settings, and keep token rotation off",
	"missing_scope":            "a scope is missing: an app-level token needs connections:write, a bot token those of app-manifest.yml; grant it and install the app again",
	"not_allowed_token_type":   "it is of the wrong kind: sockets need an app-level token (xapp-…), everything else a bot token (xoxb-…)",
	"no_permission":            "the app may not do this; compare its scopes with app-manifest.yml and install it again",
	"team_access_not_granted":  "the app is not allowed in this workspace; ask the organisation's administrator to approve it",
	"access_denied":            "the app is not allowed here; ask the workspace's administrator to approve it",
	"org_login_required":       "the workspace has moved into an organisation; install the app again there",
	"ekm_access_denied":        "the organisation's administrators have suspended access; ask them",
	"enterprise_is_restricted": "the method cannot be used in this organisation; ask its administrators",
	"forbidden_team":           "the app is not allowed in this workspace; ask its administrator",
	"invalid_app_id":           "the app no longer exists; create it again from app-manifest.yml",
	"http_404":                 "the API address answers \"not found\"; check it",
}

// fatalOr is the *FatalError for a refusal that no retry heals, and err itself for others.
func fatalOr(what string, err error) error {
	code := Code(err)
	text, ok := advice[code]
	if !ok {
		return err
	}
	return &FatalError{What: what, Code: code, Advice: text}
}

// statusError is the refusal of an HTTP status of a call made without slack-go.
func statusError(call string, r *http.Response) error {
	if r.StatusCode == http.StatusTooManyRequests {
		return &Error{Call: call, Code: CodeRateLimited}
	}
	return &Error{Call: call, Code: fmt.Sprintf("http_%d", r.StatusCode)}
}
