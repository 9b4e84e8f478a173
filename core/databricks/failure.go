package databricks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"crypto/tls"
	"crypto/x509"

	"databricks-access-audit/core/identity"
)

// errorBody is any of the shapes in which Databricks' services put errors: {error_code, message},
// SCIM's {status, detail, scimType}, OAuth's {error, error_description} and {error: {code, message}}.
//
// https://docs.databricks.com/api/workspace/introduction, RFC 7644 §3.12, RFC 6749 §5.2,
// databricks-sdk-go apierr/unmarshal.go
type errorBody struct {
	ErrorCode        scalar          `json:"error_code"`
	Message          scalar          `json:"message"`
	Detail           scalar          `json:"detail"`
	ScimType         scalar          `json:"scimType"`
	Schemas          json.RawMessage `json:"schemas"`
	Error            json.RawMessage `json:"error"`
	ErrorDescription scalar          `json:"error_description"`
}

// remoteError is what could be read from an error answer.
type remoteError struct {
	code, message string
	scim          bool
	json          bool
}

func readRemoteError(body []byte) remoteError {
	var e errorBody
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 || trimmed[0] != '{' || tooDeep(trimmed) || json.Unmarshal(trimmed, &e) != nil {
		return remoteError{message: plainText(body)}
	}
	r := remoteError{code: string(e.ErrorCode), message: string(e.Message), json: true}
	r.scim = bytes.Contains(e.Schemas, []byte("scim:api:messages"))
	var nested struct {
		Code    scalar `json:"code"`
		Status  scalar `json:"status"`
		Message scalar `json:"message"`
	}
	var flat string
	switch {
	case len(e.Error) > 0 && json.Unmarshal(e.Error, &flat) == nil:
		r.code = firstNonEmpty(r.code, flat)
	case len(e.Error) > 0 && json.Unmarshal(e.Error, &nested) == nil:
		r.code = firstNonEmpty(r.code, string(nested.Status), string(nested.Code))
		r.message = firstNonEmpty(r.message, string(nested.Message))
	}
	if r.scim {
		r.code = firstNonEmpty(r.code, string(e.ScimType))
	}
	r.message = firstNonEmpty(r.message, string(e.Detail), string(e.ErrorDescription), r.code)
	return r
}

// plainText gives an error body that is not JSON, unless it is a page for browsers, whose text helps
// nobody.
func plainText(body []byte) string {
	if isPage("", body) {
		return ""
	}
	return string(body[:min(len(body), maxScrubbed)])
}

func firstNonEmpty(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// isPage reports whether an answer is a page for browsers instead of API data: what a workspace
// behind a private link or an IP access list, or a proxy, gives.
func isPage(contentType string, body []byte) bool {
	if strings.HasPrefix(strings.ToLower(contentType), "text/html") {
		return true
	}
	head := strings.ToLower(string(bytes.TrimSpace(body[:min(len(body), 256)])))
	return strings.HasPrefix(head, "<!doctype") || strings.HasPrefix(head, "<html") || strings.HasPrefix(head, "<head")
}

// hiddenThrottle reports whether an answer is a refusal for rate whatever its status says: SCIM wraps
// those of the services behind it into status 500.
//
// https://github.com/databricks/databricks-sdk-go/pull/721
func hiddenThrottle(status int, body []byte) bool {
	if status == http.StatusTooManyRequests {
		return true
	}
	if status < 400 {
		return false
	}
	return bytes.Contains(body, []byte("REQUEST_LIMIT_EXCEEDED")) || bytes.Contains(body, []byte("RESOURCE_EXHAUSTED"))
}

// tokenRefused reports whether an answer refuses the token rather than the request.
func tokenRefused(ans *answer) bool {
	if ans.status == http.StatusUnauthorized {
		return true
	}
	if ans.status != http.StatusForbidden {
		return false
	}
	// Workspaces answer a token they do not know with 403 and this text.
	text := strings.ToLower(string(ans.body[:min(len(ans.body), maxScrubbed)]))
	return strings.Contains(text, "invalid access token") || strings.Contains(text, "invalid token") ||
		strings.Contains(text, "token is expired") || strings.Contains(text, "expired token")
}

// kindOfAnswer turns a refused request into one of the few kinds that the rest of the program knows.
func kindOfAnswer(status int, e remoteError) identity.FailureKind {
	code, message := strings.ToUpper(e.code), strings.ToLower(e.message)
	switch {
	case status == http.StatusTooManyRequests || code == "REQUEST_LIMIT_EXCEEDED" || code == "RESOURCE_EXHAUSTED":
		return identity.Throttled
	case code == "FEATURE_DISABLED" || code == "ENDPOINT_NOT_FOUND" || code == "NOT_IMPLEMENTED" ||
		code == "UNIMPLEMENTED" || status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed:
		return identity.Unsupported
	case strings.Contains(message, "not available for this workspace") || strings.Contains(message, "no api found"):
		return identity.Unsupported
	case status < 500 && (strings.HasSuffix(code, "DOES_NOT_EXIST") || strings.HasSuffix(code, "NOT_FOUND") ||
		strings.Contains(message, "no metastore assigned")):
		return identity.NotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden || code == "PERMISSION_DENIED":
		return identity.Forbidden
	case status == http.StatusNotFound && !e.json:
		// Services answer for things with JSON; a bare 404 is the gateway not knowing the path.
		return identity.Unsupported
	case status == http.StatusNotFound:
		return identity.NotFound
	default:
		return identity.Failed
	}
}

// refusal makes the Failure for an answer that is not a success.
func (a *Account) refusal(c *call, ans *answer) *identity.Failure {
	if ans.status >= 300 && ans.status < 400 {
		return a.redirected(c, ans)
	}
	if isPage(ans.header.Get("Content-Type"), ans.body) && ans.status != http.StatusTooManyRequests &&
		ans.status != http.StatusNotFound && ans.status < 500 {
		return a.loginPage(c, ans)
	}
	e := readRemoteError(ans.body)
	code := e.code
	if code == "" && e.scim {
		code = fmt.Sprintf("SCIM_%d", ans.status)
	}
	f := &identity.Failure{Kind: kindOfAnswer(ans.status, e), Status: ans.status, Code: a.scrub.line(code)}
	if hiddenThrottle(ans.status, ans.body) {
		f.Kind = identity.Throttled
	}
	text := firstNonEmpty(e.message, http.StatusText(ans.status), "no explanation")
	f.Message = a.scrub.line(text)
	if advice := a.advice(c, f, tokenRefused(ans)); advice != "" {
		f.Message, f.Advised = joinAdvice(f.Message, advice), true
	}
	return f
}

// joinAdvice appends what to do next, at the cost of the remote text where both are too long.
func joinAdvice(text, advice string) string {
	room := maxMessage - len([]rune(advice)) - 2
	if r := []rune(text); len(r) > room && room > 1 {
		text = string(r[:room-1]) + "…"
	}
	return strings.TrimRight(text, ". ") + ": " + advice
}

// advice says what to do about a failure where that is not obvious from the answer.
func (a *Account) advice(c *call, f *identity.Failure, refused bool) string {
	switch {
	case refused && a.settings.values[keyAuthType] == authPAT:
		return fmt.Sprintf("%s refuses the token: check that it was not revoked, has not expired and is of this workspace", c.host.addr.host)
	case refused && c.host.own:
		return fmt.Sprintf("%s refuses the credentials (%s): check that they are still valid and belong to this account", c.host.addr.host, a.identity.AuthType)
	case refused:
		return fmt.Sprintf("workspace %s refuses the credentials (%s); add this identity to the workspace", c.host.addr.host, a.identity.AuthType)
	case f.Kind == identity.NotFound && c.accountWide:
		return "check the account id " + a.identity.AccountID
	default:
		return ""
	}
}

func (a *Account) loginPage(c *call, ans *answer) *identity.Failure {
	return &identity.Failure{
		Kind: identity.Failed, Status: ans.status,
		Message: a.scrub.line(fmt.Sprintf("unreachable: %s answers with a login page instead of data; a private link, an IP access list or a proxy stands in between", c.host.addr.host)),
	}
}

// redirected explains a redirect. None is followed: the API has none, and a token must not travel.
//
// databricks-sdk-go apierr/private_link.go has the mark of a workspace behind a private link.
func (a *Account) redirected(c *call, ans *answer) *identity.Failure {
	where := ans.header.Get("Location")
	if strings.Contains(where, "private-link-validation-error") {
		return &identity.Failure{Kind: identity.Failed, Status: ans.status, Message: a.scrub.line(fmt.Sprintf(
			"unreachable: %s takes requests over its private link only; run this inside that network", c.host.addr.host))}
	}
	if strings.Contains(where, "login") {
		return a.loginPage(c, ans)
	}
	where, _, _ = strings.Cut(where, "?")
	return &identity.Failure{Kind: identity.Failed, Status: ans.status, Message: a.scrub.line(fmt.Sprintf(
		"%s redirects to %s, which is not followed", c.host.addr.host, where))}
}

// broken makes the Failure for an exchange without an answer. A cancelled context stays
// recognisable through it.
func (a *Account) broken(ctx context.Context, c *call, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", c.route, ctx.Err())
	}
	if f, ok := errors.AsType[*identity.Failure](err); ok {
		return f
	}
	return &identity.Failure{Kind: identity.Failed, Message: a.scrub.line(explain(c.host.addr, err)), Cause: &scrubbed{a.scrub.line(err.Error()), err}}
}

// scrubbed is a cause whose text is free of secrets and which still answers errors.Is.
type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string        { return s.text }
func (s *scrubbed) Is(target error) bool { return errors.Is(s.err, target) }

// explain says in words what went wrong on the way to a host, and what to do.
func explain(at address, err error) string {
	host := at.host
	switch {
	case errors.Is(err, errIdle), errors.Is(err, errCallTimeout), errors.Is(err, errTooLarge), errors.Is(err, errTooDeep), errors.Is(err, errBomb), errors.Is(err, errPlainHTTP):
		return fmt.Sprintf("%s: %s", host, rootText(err))
	}
	if refused, ok := errors.AsType[*proxyRefusal](err); ok {
		switch refused.status {
		case http.StatusProxyAuthRequired:
			return fmt.Sprintf("the proxy wants a user name and password to connect to %s: put them into HTTPS_PROXY", host)
		default:
			return fmt.Sprintf("the proxy refuses to connect to %s (HTTP %d): check the address, and that the proxy allows it", host, refused.status)
		}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("host %s is not known: check the address, the network and HTTPS_PROXY", host)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("the certificate of %s is not trusted: if a proxy stands in between, set SSL_CERT_FILE to its CA", host)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the certificate of %s is not valid: %s", host, rootText(err))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return fmt.Sprintf("the proxy does not answer: check HTTPS_PROXY (%s)", rootText(err))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Sprintf("host %s does not answer: check the address, the network and HTTPS_PROXY (%s)", host, rootText(err))
	}
	return fmt.Sprintf("%s: %s", host, err.Error())
}

// rootText is the text of the innermost error: "connection refused" without the path to it.
func rootText(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// scalar reads a JSON string, number or bool as text, and anything else as empty: some services
// write error codes and ids as numbers, and an error answer must never fail to be read.
type scalar string

// UnmarshalJSON never fails on valid JSON.
func (s *scalar) UnmarshalJSON(b []byte) error {
	*s = ""
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[' || string(b) == "null":
	case b[0] == '"':
		var v string
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*s = scalar(v)
	default:
		*s = scalar(b)
	}
	return nil
}
