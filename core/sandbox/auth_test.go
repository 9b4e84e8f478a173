package sandbox

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// testClock is a clock that tests move.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *testClock { return &testClock{now: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const usersPath = "/api/2.0/accounts/{acct}/scim/v2/Users"

func TestLogin(t *testing.T) {
	anon := start(t, Acme(), Options{})
	acct := anon.srv.AccountHost() + "/oidc/accounts/" + anon.srv.AccountID() + "/v1/token"
	for _, tc := range []struct {
		name, endpoint string
		cred           Credentials
		status         int
		oauthError     string
	}{
		{"account", acct, Acme().Auditor, 200, ""},
		{"wrong secret", acct, Credentials{AcmeAuditorApp, "nope"}, 401, "invalid_client"},
		{"unknown client", acct, Credentials{"nobody", "nope"}, 401, "invalid_client"},
		{"deactivated", acct, Credentials{AcmeLegacyApp, ""}, 401, "invalid_client"},
		{"other account", anon.srv.AccountHost() + "/oidc/accounts/other/v1/token", Acme().Auditor, 400, "invalid_request"},
		{"workspace path on account host", anon.srv.AccountHost() + "/oidc/v1/token", Acme().Auditor, 400, "invalid_request"},
		{"workspace", "https://acme-prod.acme.test/oidc/v1/token", Acme().Auditor, 200, ""},
		{"workspace not assigned", "https://acme-staging.acme.test/oidc/v1/token", Credentials{AcmeETLApp, "acme-etl-secret"}, 401, "invalid_client"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := anon.login(tc.endpoint, tc.cred)
			if r.status != tc.status || r.str("error") != tc.oauthError {
				t.Errorf("got %d %s, want %d %q", r.status, r, tc.status, tc.oauthError)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	clock := newClock()
	c := acme(t, Options{Now: clock.Now, TokenTTL: time.Minute})
	for _, ws := range []string{"prod", "staging", "analytics-eu"} {
		c.want(c.on(ws, "/api/2.0/preview/scim/v2/Me"), 200)
	}
	ws := c.with(c.login("https://acme-prod.acme.test/oidc/v1/token", Acme().Auditor).str("access_token"))
	c.want(ws.on("prod", "/api/2.0/preview/scim/v2/Me"), 200)
	c.want(ws.on("staging", "/api/2.0/preview/scim/v2/Me"), 401)
	c.want(ws.account(usersPath), 401)

	alice := c.with("dapi-acme-alice-prod")
	if got := c.want(alice.on("prod", "/api/2.0/preview/scim/v2/Me"), 200).str("userName"); got != "alice@acme.test" {
		t.Errorf("token of %s", got)
	}
	c.want(alice.on("staging", "/api/2.0/preview/scim/v2/Me"), 403)
	c.want(alice.account(usersPath), 401)
	c.want(c.with("dapi-acme-frank-prod").on("prod", "/api/2.0/preview/scim/v2/Me"), 403) // deactivated
	c.want(c.with("").account(usersPath), 401)
	c.want(c.with("junk").account(usersPath), 401)

	clock.advance(59 * time.Second)
	c.want(c.account(usersPath), 200)
	clock.advance(time.Second)
	if r := c.want(c.account(usersPath), 401); r.str("status") != "401" || r.str("detail") == "" {
		t.Errorf("SCIM error form: %s", r)
	}
}

func TestWhoMayRead(t *testing.T) {
	c := acme(t, Options{})
	limited := c.as(Acme().LimitedAuditor)
	c.want(limited.account(usersPath), 403)
	if r := c.want(limited.account("/api/2.0/accounts/{acct}/workspaces"), 403); r.str("error_code") != "PERMISSION_DENIED" || r.str("message") == "" {
		t.Errorf("error form: %s", r)
	}
	c.want(limited.on("prod", "/api/2.0/preview/scim/v2/Me"), 200)
	c.want(limited.on("prod", "/api/2.0/token-management/tokens"), 403)
	c.want(limited.on("prod", "/api/2.1/unity-catalog/permissions/catalog/main"), 403)
	c.want(limited.on("prod", "/api/2.0/preview/scim/v2/Users?attributes=id,externalId"), 403)
	if u := limited.on("prod", "/api/2.0/preview/scim/v2/Users").list("Resources")[0]; u["entitlements"] != nil || u["emails"] != nil || u["userName"] == nil {
		t.Errorf("a non-admin sees %v", u)
	}
	c.want(c.as(Credentials{AcmeETLApp, "acme-etl-secret"}).on("staging", "/api/2.0/preview/scim/v2/Me"), 403)
	c.want(c.on("lab", "/api/2.0/preview/scim/v2/Me"), 400)

	// An account admin through a group: trent has no login, so grant the limited SP the group.
	c.srv.Update(func(a *Account) {
		g := a.GroupByName("account-admins")
		g.Members = append(g.Members, a.ServicePrincipalByName("access-auditor-limited").ID)
	})
	c.want(limited.account(usersPath), 200)
	// Account admin is not workspace admin nor metastore admin.
	c.want(limited.on("prod", "/api/2.1/unity-catalog/permissions/catalog/main"), 403)
}

func TestHosts(t *testing.T) {
	c := acme(t, Options{})
	if r := c.with("").account("/.well-known/databricks-config"); r.str("host_type") != "account" || r.str("account_id") != AcmeAccountID {
		t.Error(r)
	}
	if r := c.with("").on("prod", "/.well-known/databricks-config"); r.str("host_type") != "workspace" || r.str("workspace_id") != "6051000000000101" {
		t.Error(r)
	}
	if r := c.on("prod", "/oidc/.well-known/oauth-authorization-server"); r.str("token_endpoint") != "https://acme-prod.acme.test/oidc/v1/token" {
		t.Error(r)
	}
	if r := c.account("/oidc/accounts/{acct}/.well-known/oauth-authorization-server"); !strings.HasSuffix(r.str("token_endpoint"), AcmeAccountID+"/v1/token") {
		t.Error(r)
	}
	if r := c.account("/api/2.1/unity-catalog/catalogs"); r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("Unity Catalog on the account host: %s", r)
	}
	if r := c.on("prod", "/api/2.0/nothing/here"); r.status != 404 || r.str("error_code") != "ENDPOINT_NOT_FOUND" || !strings.Contains(r.str("message"), "No API found for 'GET /2.0/nothing/here'") {
		t.Error(r)
	}
	if _, err := c.http.Get("https://other.acme.test/"); err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
		t.Errorf("CONNECT to an unknown host: %v", err)
	}
}

func TestProxyForms(t *testing.T) {
	c := acme(t, Options{})
	path := "/api/2.0/preview/scim/v2/Me"
	t.Run("absolute URI", func(t *testing.T) {
		c.want(c.do("GET", "http://acme-prod.acme.test"+path, nil), 200)
	})
	t.Run("host header", func(t *testing.T) {
		req, _ := http.NewRequest("GET", c.srv.ProxyURL().String()+path, nil)
		req.Host = "acme-prod.acme.test"
		req.Header.Set("Authorization", "Bearer "+c.token)
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		resp, err := tr.RoundTrip(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v %v", resp, err)
		}
		resp.Body.Close()
	})
	t.Run("in memory", func(t *testing.T) {
		req := httptest.NewRequest("GET", "https://acme-prod.acme.test"+path, nil)
		req.Header.Set("Authorization", "Bearer "+c.token)
		w := httptest.NewRecorder()
		c.srv.ServeHTTP(w, req)
		if w.Code != 200 {
			t.Error(w.Code, w.Body)
		}
	})
	t.Run("HTTP/1.1", func(t *testing.T) {
		tr := &http.Transport{Proxy: http.ProxyURL(c.srv.ProxyURL()), TLSClientConfig: &tls.Config{RootCAs: c.srv.CertPool()}}
		defer tr.CloseIdleConnections()
		one := *c
		one.http = &http.Client{Transport: tr}
		if r := one.want(one.on("prod", path), 200); r.proto != "HTTP/1.1" {
			t.Error(r.proto)
		}
	})
	t.Run("the CA is needed", func(t *testing.T) {
		tr := &http.Transport{Proxy: http.ProxyURL(c.srv.ProxyURL())}
		defer tr.CloseIdleConnections()
		if _, err := (&http.Client{Transport: tr}).Get("https://acme-prod.acme.test/"); err == nil || !strings.Contains(err.Error(), "x509") {
			t.Errorf("untrusted CA: %v", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(c.srv.CACertPEM()) {
			t.Error("CA is not PEM")
		}
	})
	t.Run("certificate is the host's own", func(t *testing.T) {
		raw, err := net.Dial("tcp", c.srv.ProxyURL().Host)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		_, _ = raw.Write([]byte("CONNECT acme-prod.acme.test:443 HTTP/1.1\r\nHost: acme-prod.acme.test\r\n\r\n"))
		buf := make([]byte, 64)
		if n, _ := raw.Read(buf); !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 200") {
			t.Fatalf("%s", buf[:n])
		}
		err = tls.Client(raw, &tls.Config{RootCAs: c.srv.CertPool(), ServerName: "acme-staging.acme.test"}).HandshakeContext(t.Context())
		if err == nil {
			t.Error("another host's name was accepted")
		}
	})
}

func TestCallRecords(t *testing.T) {
	c := acme(t, Options{MaxCalls: 3})
	c.srv.ResetCalls()
	c.account("/api/2.0/accounts/{acct}/scim/v2/Groups/3004?x=1")
	for range 3 {
		c.account("/api/2.0/accounts/{acct}/scim/v2/Groups/3005")
	}
	c.account("/nothing")
	calls := c.srv.Calls()
	if len(calls) != 3 || calls[2].Route != "" || calls[2].Status != 404 || calls[1].Caller != AcmeAuditorApp || calls[1].Host != "accounts.acme.test" {
		t.Errorf("calls: %+v", calls)
	}
	count := c.srv.CallCount()
	if n := count["GET /api/2.0/accounts/{account_id}/scim/v2/Groups/{id}"]; n != 4 || count["GET ?"] != 1 {
		t.Errorf("counts: %v", count)
	}
	c.srv.ResetCalls()
	if len(c.srv.Calls())+len(c.srv.CallCount()) != 0 {
		t.Error("reset left calls behind")
	}
}

func TestCloseEndsOpenTunnels(t *testing.T) {
	srv, err := Start(Acme(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Dial("tcp", srv.ProxyURL().Host)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, _ = raw.Write([]byte("CONNECT accounts.acme.test:443 HTTP/1.1\r\nHost: accounts.acme.test\r\n\r\n"))
	_, _ = raw.Read(make([]byte, 64))
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := srv.Close(); err != nil {
		t.Error("second close:", err)
	}
}

func TestUpdateWhileServing(t *testing.T) {
	c := acme(t, Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				c.srv.Update(func(a *Account) { a.GroupByName("loop-red").Members = []string{"3017", "1001"} })
				c.on("prod", "/api/2.0/preview/scim/v2/Users")
			}
		})
	}
	wg.Wait()
	got := c.account("/api/2.0/accounts/{acct}/scim/v2/Groups/3016").names("members", "value")
	if !slices.Equal(got, []string{"3017", "1001"}) {
		t.Error(got)
	}
}

func TestStartRefusesImpossibleAccounts(t *testing.T) {
	for name, spoil := range map[string]func(*Account){
		"no id":             func(a *Account) { a.ID = "" },
		"id used twice":     func(a *Account) { a.Users[1].ID = a.Users[0].ID },
		"unknown member":    func(a *Account) { a.Groups[3].Members = []string{"9"} },
		"unknown metastore": func(a *Account) { a.Workspaces[0].MetastoreID = "m" },
		"unknown assignee":  func(a *Account) { a.Workspaces[0].Assignments = []*Assignment{{PrincipalID: "9"}} },
		"two equal catalogs": func(a *Account) {
			a.Metastores[0].Catalogs = append(a.Metastores[0].Catalogs, a.Metastores[0].Catalogs[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := Acme()
			spoil(a)
			if srv, err := Start(a, Options{}); err == nil {
				srv.Close()
				t.Error("started")
			}
		})
	}
}

func escape(s string) string { return url.PathEscape(s) }
