package sandbox

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

func authRoutes() []route {
	return []route{
		{method: "GET", host: onBoth, template: "/.well-known/databricks-config", handle: (*call).hostMetadata},
		{method: "GET", host: onAccount, template: "/oidc/accounts/{account_id}/.well-known/oauth-authorization-server", handle: (*call).accountDiscovery},
		{method: "GET", host: onWorkspace, template: "/oidc/.well-known/oauth-authorization-server", handle: (*call).workspaceDiscovery},
		{method: "POST", host: onAccount, template: "/oidc/accounts/{account_id}/v1/token", reads: true, handle: (*call).accountToken},
		{method: "POST", host: onBoth, template: "/oidc/v1/token", reads: true, handle: (*call).workspaceToken},
	}
}

// caller is the authenticated identity of a call.
type caller struct {
	id   string
	name string // user name or application id
	// memberships are the caller's own id, all its parent groups and the
	// account users group, as ids.
	memberships map[string]bool
}

// token is an OAuth access token that was issued here.
type token struct {
	principal string
	// workspace is 0 for tokens of the account, which every workspace accepts.
	workspace int64
	expires   time.Time
}

type tokenStore struct {
	mu     sync.Mutex
	issued map[string]token
}

func (t *tokenStore) issue(tok token, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.issued == nil {
		t.issued = map[string]token{}
	}
	for k, old := range t.issued {
		// Expired tokens are kept for a while, to be told apart from unknown ones.
		if old.expires.Add(time.Hour).Before(now) {
			delete(t.issued, k)
		}
	}
	value := "sandbox." + rand.Text()
	t.issued[value] = tok
	return value
}

func (t *tokenStore) find(value string) (token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tok, ok := t.issued[value]
	return tok, ok
}

type wireHostMetadata struct {
	OIDCEndpoint string `json:"oidc_endpoint"`
	AccountID    string `json:"account_id"`
	WorkspaceID  string `json:"workspace_id,omitempty"`
	Cloud        string `json:"cloud"`
	HostType     string `json:"host_type"`
}

// hostMetadata serves the configuration document that clients look up for each
// host (https://docs.databricks.com/dev-tools/auth/unified-auth).
func (c *call) hostMetadata() reply {
	m := wireHostMetadata{AccountID: c.acct.ID, Cloud: strings.ToUpper(c.acct.Cloud)}
	if c.ws == nil {
		m.HostType = "account"
		m.OIDCEndpoint = c.origin() + "/oidc/accounts/{account_id}"
		return ok(m)
	}
	m.HostType = "workspace"
	m.WorkspaceID = fmt.Sprint(c.ws.ID)
	m.OIDCEndpoint = c.origin() + "/oidc"
	return ok(m)
}

// origin is the base URL under which the caller reached this host.
func (c *call) origin() string {
	if c.r.TLS == nil {
		return "http://" + c.r.Host
	}
	return "https://" + c.host
}

type wireDiscovery struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	GrantTypes            []string `json:"grant_types_supported"`
	Scopes                []string `json:"scopes_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
}

func discovery(base string) reply {
	return ok(wireDiscovery{
		Issuer:                base,
		AuthorizationEndpoint: base + "/v1/authorize",
		TokenEndpoint:         base + "/v1/token",
		GrantTypes:            []string{"client_credentials"},
		Scopes:                []string{"all-apis"},
		AuthMethods:           []string{"client_secret_basic", "client_secret_post"},
	})
}

// accountDiscovery and workspaceDiscovery serve RFC 8414 documents
// (https://docs.databricks.com/dev-tools/auth/oauth-m2m).
func (c *call) accountDiscovery() reply {
	if c.params["account_id"] != c.acct.ID {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Account %s does not exist", c.params["account_id"])
	}
	return discovery(c.origin() + "/oidc/accounts/" + c.acct.ID)
}

func (c *call) workspaceDiscovery() reply { return discovery(c.origin() + "/oidc") }

type wireToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope"`
}

type wireOAuthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func oauthFail(code int, kind, description string) reply {
	return status(code, wireOAuthError{Error: kind, Description: description})
}

// accountToken issues tokens that the account host and every workspace accept
// (https://docs.databricks.com/dev-tools/auth/oauth-m2m).
func (c *call) accountToken() reply {
	if c.params["account_id"] != c.acct.ID {
		return oauthFail(http.StatusBadRequest, "invalid_request", "unknown account id")
	}
	return c.issueToken(0)
}

// workspaceToken issues tokens for one workspace. It refuses service principals
// that are not in the workspace; on the account host this path is a mistake.
func (c *call) workspaceToken() reply {
	if c.ws == nil {
		return oauthFail(http.StatusBadRequest, "invalid_request", "use the token endpoint of the account")
	}
	return c.issueToken(c.ws.ID)
}

func (c *call) issueToken(workspace int64) reply {
	form, err := url.ParseQuery(string(c.body))
	if err != nil || form.Get("grant_type") != "client_credentials" {
		return oauthFail(http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is supported")
	}
	if scopes := strings.Fields(form.Get("scope")); !slices.Contains(scopes, "all-apis") {
		return oauthFail(http.StatusBadRequest, "invalid_scope", "scope must hold all-apis")
	}
	id, secret, basic := c.r.BasicAuth()
	if basic {
		id, secret = unescapeCredential(id), unescapeCredential(secret)
	} else {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	sp := c.idx.apps[id]
	if sp == nil || sp.Inactive || !hasSecret(sp, secret) {
		return oauthFail(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	if workspace != 0 && !c.idx.entry(c.ws, sp.ID).any() {
		return oauthFail(http.StatusUnauthorized, "invalid_client", "The service principal is not in this workspace")
	}
	now, ttl := c.srv.opts.Now(), c.srv.opts.TokenTTL
	value := c.srv.tokens.issue(token{principal: sp.ID, workspace: workspace, expires: now.Add(ttl)}, now)
	return ok(wireToken{AccessToken: value, TokenType: "Bearer", ExpiresIn: int(ttl / time.Second), Scope: "all-apis"})
}

// unescapeCredential undoes the form encoding that RFC 6749 section 2.3.1 asks
// of credentials in a Basic header; clients that skip it are understood too.
func unescapeCredential(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

func hasSecret(sp *ServicePrincipal, value string) bool {
	return value != "" && slices.ContainsFunc(sp.Secrets, func(s *Secret) bool {
		return s.Value == value && (s.Status == "" || s.Status == "ACTIVE")
	})
}

// authenticate finds the caller behind the bearer token.
func (c *call) authenticate() (reply, bool) {
	value, found := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !found || value == "" {
		return fail(http.StatusUnauthorized, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API."), false
	}
	if strings.HasPrefix(value, "dapi") {
		return c.authenticatePAT(value)
	}
	tok, known := c.srv.tokens.find(value)
	switch {
	case !known && c.ws != nil:
		return fail(http.StatusForbidden, "403", "Invalid access token."), false
	case !known:
		return fail(http.StatusUnauthorized, "UNAUTHENTICATED", "Invalid token"), false
	case !tok.expires.After(c.srv.opts.Now()):
		return fail(http.StatusUnauthorized, "UNAUTHENTICATED", "Token is expired"), false
	case tok.workspace != 0 && (c.ws == nil || tok.workspace != c.ws.ID):
		return fail(http.StatusUnauthorized, "UNAUTHENTICATED", "Token was issued for another workspace"), false
	}
	return c.become(tok.principal)
}

// authenticatePAT accepts the tokens of this workspace only
// (https://docs.databricks.com/dev-tools/auth/pat).
func (c *call) authenticatePAT(value string) (reply, bool) {
	if c.ws == nil {
		return fail(http.StatusUnauthorized, "UNAUTHENTICATED", "Personal access tokens are not accepted by the account"), false
	}
	for _, p := range c.ws.PATs {
		if p.Value != value {
			continue
		}
		if p.ExpiryTime > 0 && p.ExpiryTime <= c.srv.opts.Now().UnixMilli() {
			return fail(http.StatusForbidden, "403", "Access token expired"), false
		}
		return c.become(p.OwnerID)
	}
	return fail(http.StatusForbidden, "403", "Invalid access token."), false
}

func (c *call) become(id string) (reply, bool) {
	p := c.idx.principals[id]
	if p == nil || !p.active {
		return fail(http.StatusForbidden, "403", "The principal is not active"), false
	}
	c.caller = &caller{id: id, name: p.name, memberships: c.idx.memberships(id)}
	return reply{}, true
}

// authorize checks what a route asks of its caller.
func (c *call) authorize() (reply, bool) {
	if id, has := c.params["account_id"]; has && id != c.acct.ID {
		return notFound("RESOURCE_DOES_NOT_EXIST", "Account %s does not exist", id), false
	}
	switch c.route.access {
	case accountAdmin:
		if !c.isAccountAdmin() {
			return forbidden("%s is not an account admin", c.caller.name), false
		}
	case open, accountMember: // whoever has a token
	case member, workspaceAdmin:
		e := c.idx.entry(c.ws, c.caller.id)
		if !e.any() {
			return forbidden("User %s is not a member of workspace %d", c.caller.name, c.ws.ID), false
		}
		if c.route.access == workspaceAdmin && !e.admin {
			return forbidden("Only workspace admins can call this API"), false
		}
	}
	return reply{}, true
}

func (c *call) isAccountAdmin() bool {
	for id := range c.caller.memberships {
		if p := c.idx.principals[id]; p != nil && slices.Contains(p.roles(), RoleAccountAdmin) {
			return true
		}
	}
	return false
}

func (c *call) isWorkspaceAdmin() bool { return c.ws != nil && c.idx.entry(c.ws, c.caller.id).admin }
