package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"databricks-access-audit/core/identity"
)

const workspacesPath = testConsole + "/api/2.0/accounts/" + testAccount + "/workspaces"

// together runs n calls at once and returns their errors.
func together(n int, f func(int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}

// One token serves the account and every workspace, however many calls start at once.
func TestOneTokenForAll(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+workspacesPath, `[]`)
	w.json("GET /api/2.1/unity-catalog/catalogs", `{}`)
	a := w.open(w.overSocket)
	for _, err := range together(60, func(i int) error {
		s := a.Session()
		if i%2 == 0 {
			_, err := s.Workspaces(t.Context())
			return err
		}
		_, err := s.Children(t.Context(), workspaceNamed(fmt.Sprintf("ws-%d", i%7)), identity.MetastoreSecurable("m"), identity.TypeCatalog)
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if n := w.tokens.Load(); n != 1 {
		t.Errorf("%d tokens were fetched, want 1", n)
	}
}

// A token that is revoked in mid-crawl is replaced once, and no call fails.
func TestRevokedToken(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+workspacesPath, `[]`)
	var good atomic.Value
	good.Store("tok-account-1-canary")
	w.valid = func(_, token string) bool { return token == good.Load() }
	a := w.open(w.overSocket)
	if _, err := a.Session().Workspaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	good.Store("tok-account-2-canary")
	for _, err := range together(30, func(int) error {
		_, err := a.Session().Workspaces(t.Context())
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if n := w.tokens.Load(); n != 2 {
		t.Errorf("%d tokens were fetched, want 2", n)
	}
}

// Tokens are renewed by the clock before they expire: a call never sees a refusal for that.
func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.json("GET "+workspacesPath, `[]`)
		var mu sync.Mutex
		issued := map[string]time.Time{}
		w.valid = func(_, token string) bool {
			mu.Lock()
			defer mu.Unlock()
			at, ok := issued[token]
			if !ok {
				at = time.Now()
				issued[token] = at
			}
			return time.Since(at) < time.Hour
		}
		s := w.session()
		for range 300 {
			if _, err := s.Workspaces(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := w.tokens.Load(); n < 5 || n > 6 {
			t.Errorf("%d tokens in five hours", n)
		}
		if n := len(w.requests()); n != 300 {
			t.Errorf("%d requests for 300 calls", n)
		}
	})
}

func TestRefusedForGood(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+workspacesPath, `[]`)
	s := w.session()
	w.valid = func(string, string) bool { return false }
	_, err := s.Workspaces(t.Context())
	f := wantKind(t, err, identity.Forbidden, "check that they are still valid")
	if f.Status != 401 || len(w.requests()) != 2 || w.tokens.Load() != 2 {
		t.Errorf("status %d, %d requests, %d tokens", f.Status, len(w.requests()), w.tokens.Load())
	}
}

// A secret that is revoked meanwhile is asked for once, not by every call that follows.
func TestRevokedSecretIsNotHammered(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+workspacesPath, `[]`)
	a := w.open()
	var asked atomic.Int64
	a.settings.values["client_secret"] = "revoked-secret-0123456789"
	inner := a.transport
	a.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		return inner.RoundTrip(r)
	})
	w.valid = func(string, string) bool { return false }
	for _, err := range together(20, func(int) error {
		_, err := a.Session().Workspaces(t.Context())
		return err
	}) {
		wantKind(t, err, identity.Forbidden, "refuses the oauth-m2m credentials")
	}
	for range 5 {
		_, err := a.Session().Workspaces(t.Context())
		wantKind(t, err, identity.Forbidden, "refuses the oauth-m2m credentials")
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the token endpoint was asked %d times", n)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A personal access token stays what it is: a refusal is not worth a second call.
func TestRefusedPersonalToken(t *testing.T) {
	w := newWorld(t)
	w.valid = func(string, string) bool { return false }
	s := w.session(func(o *Options) {
		o.Host, o.AccountID, o.ClientID, o.ClientSecret, o.Token = "http://dbc-1.cloud.databricks.com", "", "", "", "dapi00112233445566778899aabbccddeeff"
	})
	_, err := s.Groups(t.Context())
	wantKind(t, err, identity.Forbidden, "refuses the token")
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// Some workspaces want a token of their own. They are asked for one once, and it is kept.
func TestWorkspaceWantsItsOwnToken(t *testing.T) {
	w := newWorld(t)
	w.json("GET /api/2.1/unity-catalog/catalogs", `{}`)
	const h = "own.cloud.databricks.com"
	w.json("GET "+h+"/oidc/.well-known/oauth-authorization-server", `{"token_endpoint":"http://`+h+`/oidc/v1/token"}`)
	var own atomic.Int64
	w.handle("POST "+h+"/oidc/v1/token", func(rw http.ResponseWriter, r *http.Request) { own.Add(1); w.issue(rw, r, "own") })
	w.valid = func(host, token string) bool { return strings.HasPrefix(token, "tok-own-") == (host == h) }
	a := w.open(w.overSocket)
	for range 2 {
		for _, err := range together(20, func(i int) error {
			_, err := a.Session().Children(t.Context(), workspaceNamed([]string{"own", "prod"}[i%2]), identity.MetastoreSecurable("m"), identity.TypeCatalog)
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	if own.Load() != 1 || w.tokens.Load() != 2 {
		t.Errorf("%d tokens of its own, %d in all", own.Load(), w.tokens.Load())
	}
}

// A workspace that the principal is not in refuses both; this costs two requests there and none for
// a token of the account.
func TestWorkspaceRefusesBothTokens(t *testing.T) {
	w := newWorld(t)
	w.json("GET /api/2.1/unity-catalog/catalogs", `{}`)
	w.handle("GET out.cloud.databricks.com/oidc/.well-known/oauth-authorization-server", func(rw http.ResponseWriter, r *http.Request) {
		writeJSON(rw, map[string]string{"token_endpoint": "http://" + r.Host + "/oidc/v1/token"})
	})
	w.handle("POST out.cloud.databricks.com/oidc/v1/token", func(rw http.ResponseWriter, _ *http.Request) {
		refuse(rw, 400, `{"error":"invalid_client","error_description":"not in this workspace"}`)
	})
	w.valid = func(host, _ string) bool { return !strings.HasPrefix(host, "out") }
	s := w.session()
	_, err := s.Children(t.Context(), workspaceNamed("out"), identity.MetastoreSecurable("m"), identity.TypeCatalog)
	wantKind(t, err, identity.Forbidden, "workspace out.cloud.databricks.com refuses the credentials")
	if _, err := s.Children(t.Context(), workspaceNamed("in"), identity.MetastoreSecurable("m"), identity.TypeCatalog); err != nil {
		t.Error(err)
	}
	if n := w.tokens.Load(); n != 1 {
		t.Errorf("%d tokens of the account", n)
	}
}

// "Invalid access token" comes with status 403 from some workspaces.
func TestRefusalOfTheTokenAs403(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+workspacesPath, func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("Authorization"), "-1-canary") {
			refuse(rw, 403, `{"error_code":"403","message":"Invalid access token."}`)
			return
		}
		refuse(rw, 200, `[]`)
	})
	if _, err := w.session().Workspaces(t.Context()); err != nil || w.tokens.Load() != 2 {
		t.Errorf("%v, %d tokens", err, w.tokens.Load())
	}
}

func TestOpenErrors(t *testing.T) {
	token := func(answer http.HandlerFunc) func(*world, *Options) {
		return func(w *world, o *Options) {
			w.mux = http.NewServeMux()
			w.handle("POST "+testConsole+"/oidc/accounts/"+testAccount+"/v1/token", answer)
		}
	}
	for name, c := range map[string]struct {
		change func(*world, *Options)
		kind   identity.FailureKind
		want   string
	}{
		"wrong secret": {func(_ *world, o *Options) { o.ClientSecret = "dose-wrong-secret-canary" }, identity.Forbidden,
			"accounts.cloud.databricks.com refuses the oauth-m2m credentials for account " + testAccount + " (Client authentication failed): check client id and secret"},
		"wrong account":         {func(_ *world, o *Options) { o.AccountID = "7f3b9c1e-0d2a-4b5c-8e6f-000000000000" }, identity.Failed, "check the host and the account id"},
		"account id is no uuid": {func(_ *world, o *Options) { o.AccountID = "my-account" }, "", `account id "my-account" is not a UUID: copy it`},
		"no account id":         {func(_ *world, o *Options) { o.AccountID = "" }, "", "no account id is configured for accounts.cloud.databricks.com: set DATABRICKS_ACCOUNT_ID"},
		"token for an account": {func(_ *world, o *Options) { o.ClientID, o.ClientSecret, o.Token = "", "", "dapi0011" }, "",
			"a personal access token reaches one workspace"},
		"no host":        {func(_ *world, o *Options) { o.Host = "" }, "", "no host is configured: set DATABRICKS_HOST, or name the cloud (aws"},
		"nothing at all": {func(_ *world, o *Options) { *o = Options{} }, "", "no credentials found: set DATABRICKS_HOST"},
		"host only":      {func(_ *world, o *Options) { o.ClientID, o.ClientSecret = "", "" }, identity.Forbidden, "no credentials found for accounts.cloud.databricks.com"},
		"unknown cloud":  {func(_ *world, o *Options) { o.Cloud = "ibm" }, "", `cloud "ibm" is not known: give aws`},
		"other cloud":    {func(_ *world, o *Options) { o.Cloud = "azure" }, "", "belongs to cloud aws, not azure"},
		"half a client":  {func(_ *world, o *Options) { o.ClientSecret = "" }, "", "client_id is set without client_secret"},
		"other half":     {func(_ *world, o *Options) { o.ClientID = "" }, "", "client_secret is set without client_id"},
		"two kinds":      {func(_ *world, o *Options) { o.Token, o.Host = "dapi0011", "https://dbc-1.cloud.databricks.com" }, "", "more than one kind of credentials is configured (oauth-m2m, pat)"},
		"unknown kind":   {func(_ *world, o *Options) { o.AuthType = "magic" }, identity.Forbidden, `auth type "magic" not found`},
		"no address":     {func(_ *world, o *Options) { o.Host = "http://" }, "", "is not an address"},
		"not https":      {func(_ *world, o *Options) { o.Host = "ftp://x.test" }, "", "does not use https"},
		"throttled":      {token(func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, 429, `{}`) }), identity.Throttled, "refuses for rate"},
		"broken":         {token(func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, 500, `{}`) }), identity.Failed, "fails with HTTP 500"},
		"redirect": {token(func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://evil.test/", http.StatusTemporaryRedirect)
		}), identity.Failed, "redirects the request for a token"},
		"unreachable": {func(w *world, o *Options) {
			o.transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, dialError("connection refused") })
		}, identity.Failed, "host accounts.cloud.databricks.com does not answer: check the address, the network and HTTPS_PROXY"},
		"unreachable workspace": {func(w *world, o *Options) {
			o.Host = "https://dbc-1.cloud.databricks.com"
			o.transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, dialError("connection refused") })
		}, identity.Failed, "host dbc-1.cloud.databricks.com does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := w.options()
			c.change(w, &o)
			start := time.Now()
			a, err := Open(t.Context(), o)
			if err == nil {
				a.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %q\nwant %q", err, c.want)
			}
			if c.kind != "" && identity.FailureOf(err).Kind != c.kind {
				t.Errorf("kind %s, want %s", identity.FailureOf(err).Kind, c.kind)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), testSecret) {
				t.Errorf("a secret is in %q", err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A wrong secret must not end in another identity that happens to be configured, as it would if the
// SDK tried one kind after another.
func TestNoSilentSwitchOfIdentity(t *testing.T) {
	w := newWorld(t)
	t.Setenv("DATABRICKS_CLIENT_ID", "client")
	t.Setenv("DATABRICKS_CLIENT_SECRET", "wrong-secret-0123456789")
	t.Setenv("ARM_USE_MSI", "")
	o := w.options()
	o.ClientID, o.ClientSecret = "", ""
	_, err := Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "refuses the oauth-m2m credentials") {
		t.Errorf("got %v", err)
	}
}

// A token endpoint elsewhere is not followed: the secret stays where it belongs.
func TestSecretGoesNowhereElse(t *testing.T) {
	w := newWorld(t)
	const h = "dbc-1.cloud.databricks.com"
	w.json("GET "+h+"/oidc/.well-known/oauth-authorization-server", `{"token_endpoint":"https://evil.test/v1/token"}`)
	evil := false
	w.handle("POST evil.test/", func(http.ResponseWriter, *http.Request) { evil = true })
	o := w.options()
	o.Host, o.AccountID = "http://"+h, ""
	_, err := Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "evil.test") || evil {
		t.Errorf("got %v, sent %v", err, evil)
	}
}

func TestTokenEndpointIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mux = http.NewServeMux()
		var n atomic.Int64
		w.handle("POST "+testConsole+"/oidc/", func(rw http.ResponseWriter, r *http.Request) {
			if n.Add(1) < 3 {
				rw.Header().Set("Retry-After", "5")
				refuse(rw, 429, `{}`)
				return
			}
			w.issue(rw, r, "account")
		})
		start := time.Now()
		w.open()
		if took := time.Since(start); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("took %v, want two waits of 5 s", took)
		}
	})
}

// Who gives up waiting for a token is let go at once; the others get theirs.
func TestCancelledWhileWaitingForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mux = http.NewServeMux()
		w.handle("POST "+testConsole+"/oidc/", func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Second)
			w.issue(rw, r, "account")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := Open(ctx, w.options())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		time.Sleep(time.Minute)
	})
}
