package databricks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

// route is one endpoint: a method, a path with {names} for what varies, and the limit it falls under.
type route struct {
	method   string
	template string
	class    class
}

func get(c class, template string) route { return route{http.MethodGet, template, c} }

func post(c class, template string) route { return route{http.MethodPost, template, c} }

// String is the key of Session.Calls.
func (r route) String() string { return r.method + " " + r.template }

// path fills the template, in order, escaping each value as one segment. An empty value, "." and
// ".." are refused: they would make the path another one.
func (r route) path(values ...string) (string, error) {
	segments := strings.Split(r.template, "/")
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		if len(values) == 0 {
			panic("databricks: too few values for " + r.template)
		}
		v := values[0]
		values = values[1:]
		if v == "" || v == "." || v == ".." {
			return "", fmt.Errorf("%q cannot be part of an address (%s)", v, strings.Trim(s, "{}"))
		}
		segments[i] = url.PathEscape(v)
	}
	if len(values) > 0 {
		panic("databricks: too many values for " + r.template)
	}
	return strings.Join(segments, "/"), nil
}

// request is what a Session method asks for.
type request struct {
	host      *host
	route     route
	values    []string
	query     url.Values
	body      any                  // sent as JSON; nil for none
	workspace identity.WorkspaceID // to be named in a header where the host serves several
	// accountWide says that the answer can only be missing when the account is.
	accountWide bool
}

// with gives the request with one more query parameter.
func (r request) with(key, value string) request {
	q := url.Values{}
	for k, v := range r.query {
		q[k] = v
	}
	q.Set(key, value)
	r.query = q
	return r
}

// workspaceHeader names the workspace on hosts that serve several.
//
// databricks-sdk-go service/*/impl.go
const workspaceHeader = "X-Databricks-Workspace-Id"

// fetch makes the request and decodes the answer, which must be a JSON object or, where into
// accepts it, an array.
func (s *Session) fetch(ctx context.Context, r request, into any) (http.Header, error) {
	c, err := s.newCall(r)
	if err != nil {
		return nil, err
	}
	ans, err := s.account.send(ctx, c)
	if err != nil {
		return nil, s.account.broken(ctx, c, err)
	}
	if ans.status < 200 || ans.status > 299 {
		return nil, s.account.refusal(c, ans)
	}
	if isPage(ans.header.Get("Content-Type"), ans.body) {
		return nil, s.account.loginPage(c, ans)
	}
	if err := decode(ans.body, into); err != nil {
		return nil, &identity.Failure{Kind: identity.Failed, Status: ans.status, Cause: err,
			Message: s.account.scrub.line(fmt.Sprintf("%s: %v", c.route, err))}
	}
	return ans.header, nil
}

func (s *Session) newCall(r request) (*call, error) {
	path, err := r.route.path(r.values...)
	if err != nil {
		return nil, s.failed(err)
	}
	u, err := url.Parse(r.host.addr.String() + path)
	if err != nil {
		return nil, s.failed(err)
	}
	u.RawQuery = r.query.Encode()
	c := &call{host: r.host, route: r.route, url: u, counts: &s.counts, accountWide: r.accountWide,
		header: http.Header{"User-Agent": {s.account.userAgent}}}
	if r.body != nil {
		if c.body, err = json.Marshal(r.body); err != nil {
			return nil, s.failed(err)
		}
		c.header.Set("Content-Type", "application/json")
	}
	if r.workspace != 0 {
		c.header.Set(workspaceHeader, r.workspace.String())
	}
	return c, nil
}

// failed makes a Failure of an error that came up before anything was sent.
func (s *Session) failed(err error) *identity.Failure {
	return &identity.Failure{Kind: identity.Failed, Message: s.account.scrub.line(err.Error())}
}

// decode reads a JSON answer strictly enough that nothing malformed passes for an empty list.
func decode(body []byte, into any) error {
	text := bytes.TrimSpace(body)
	if tooDeep(text) {
		return errTooDeep
	}
	if len(text) == 0 {
		return fmt.Errorf("the answer is empty")
	}
	if text[0] != '{' && text[0] != '[' {
		return fmt.Errorf("the answer is not a JSON object")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	return nil
}
