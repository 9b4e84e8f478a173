package sandbox

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client reaches a server as the product does: through the proxy, over TLS,
// trusting the private CA only.
type client struct {
	t     *testing.T
	srv   *Server
	http  *http.Client
	token string
}

// start serves an account for the time of a test.
func start(t *testing.T, a *Account, opts Options) *client {
	t.Helper()
	srv, err := Start(a, opts)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{
		Proxy:             http.ProxyURL(srv.ProxyURL()),
		TLSClientConfig:   &tls.Config{RootCAs: srv.CertPool()},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &client{t: t, srv: srv, http: &http.Client{Transport: tr}}
}

// acme serves Acme and logs its auditor in.
func acme(t *testing.T, opts Options) *client {
	t.Helper()
	c := start(t, Acme(), opts)
	return c.as(Acme().Auditor)
}

// as is the same client, logged in to the account as a service principal.
func (c *client) as(cred Credentials) *client {
	c.t.Helper()
	r := c.login(c.srv.AccountHost()+"/oidc/accounts/"+c.srv.AccountID()+"/v1/token", cred)
	if r.status != 200 {
		c.t.Fatalf("login of %s: %s", cred.ClientID, r)
	}
	return c.with(r.str("access_token"))
}

func (c *client) with(token string) *client {
	d := *c
	d.token = token
	return &d
}

func (c *client) login(endpoint string, cred Credentials) response {
	c.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"all-apis"}}
	req, _ := http.NewRequest("POST", endpoint, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(cred.ClientID), url.QueryEscape(cred.ClientSecret))
	return c.send(req)
}

type response struct {
	t      *testing.T
	status int
	header http.Header
	proto  string
	raw    []byte
}

func (r response) String() string { return http.StatusText(r.status) + " " + string(r.raw) }

func (r response) json() map[string]any {
	r.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(r.raw, &m); err != nil {
		r.t.Fatalf("not a JSON object: %s", r)
	}
	return m
}

func (r response) str(key string) string { s, _ := r.json()[key].(string); return s }

// list returns the objects under a key.
func (r response) list(key string) []map[string]any {
	r.t.Helper()
	var out []map[string]any
	items, _ := r.json()[key].([]any)
	for _, it := range items {
		out = append(out, it.(map[string]any))
	}
	return out
}

// names collects one string field of the objects under a key.
func (r response) names(key, field string) []string {
	r.t.Helper()
	var out []string
	for _, it := range r.list(key) {
		s, _ := it[field].(string)
		out = append(out, s)
	}
	return out
}

func (c *client) send(req *http.Request) response {
	c.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: body: %v", req.Method, req.URL, err)
	}
	return response{c.t, resp.StatusCode, resp.Header, resp.Proto, raw}
}

func (c *client) do(method, address string, body any) response {
	c.t.Helper()
	var rd io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		rd = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, address, rd)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.send(req)
}

// account and on call the account host and a workspace host.
func (c *client) account(path string) response {
	c.t.Helper()
	return c.do("GET", c.srv.AccountHost()+strings.ReplaceAll(path, "{acct}", c.srv.AccountID()), nil)
}

func (c *client) on(workspace, path string) response {
	c.t.Helper()
	return c.do("GET", "https://acme-"+workspace+".acme.test"+path, nil)
}

func (c *client) want(r response, status int) response {
	c.t.Helper()
	if r.status != status {
		c.t.Fatalf("status %d, want %d: %s", r.status, status, r)
	}
	return r
}

func TestSmoke(t *testing.T) {
	c := acme(t, Options{})
	for _, path := range []string{
		"/api/2.0/accounts/{acct}/workspaces",
		"/api/2.0/accounts/{acct}/metastores",
		"/api/2.0/accounts/{acct}/metastores/" + AcmeMetastoreUS + "/workspaces",
		"/api/2.0/accounts/{acct}/scim/v2/Users",
		"/api/2.0/accounts/{acct}/scim/v2/Groups",
		"/api/2.0/accounts/{acct}/scim/v2/Groups/3004",
		"/api/2.0/accounts/{acct}/scim/v2/ServicePrincipals",
		"/api/2.0/identity/accounts/{acct}/groups/3004/direct-members",
		"/api/2.0/identity/accounts/{acct}/principals/1001/transitive-parent-groups",
		"/api/2.0/accounts/{acct}/workspaces/6051000000000101/permissionassignments",
	} {
		r := c.want(c.account(path), 200)
		if r.proto != "HTTP/2.0" {
			t.Errorf("%s over %s", path, r.proto)
		}
		t.Logf("%s\n%.400s", path, r.raw)
	}
	for _, path := range []string{
		"/api/2.1/unity-catalog/catalogs",
		"/api/2.1/unity-catalog/catalogs?max_results=0&include_unbound=true",
		"/api/2.1/unity-catalog/schemas?catalog_name=main&max_results=0",
		"/api/2.1/unity-catalog/tables?catalog_name=main&schema_name=sales&max_results=0",
		"/api/2.1/unity-catalog/permissions/catalog/main",
		"/api/2.1/unity-catalog/permissions/table/main.finance.payroll",
		"/api/2.0/preview/scim/v2/Me",
		"/api/2.0/preview/scim/v2/Users",
		"/api/2.0/preview/scim/v2/Groups",
	} {
		t.Logf("%s\n%.600s", path, c.want(c.on("prod", path), 200).raw)
	}
}
