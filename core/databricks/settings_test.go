package databricks

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testConfig = `
[DEFAULT]
host = https://dbc-default.cloud.databricks.com
token = dapidefault0000000000000000000000

[acct]
host          = https://accounts.cloud.databricks.com
account_id    = 7f3b9c1e-0d2a-4b5c-8e6f-1a2b3c4d5e6f
client_id     = file-client
client_secret = dose00112233445566778899aabbccddeeff

[mixed]
host          = https://accounts.cloud.databricks.com
account_id    = 7f3b9c1e-0d2a-4b5c-8e6f-1a2b3c4d5e6f
client_id     = file-client
client_secret = dose00112233445566778899aabbccddeeff
token         = dapi0000

[nosecret]
host       = https://accounts.cloud.databricks.com
account_id = 7f3b9c1e-0d2a-4b5c-8e6f-1a2b3c4d5e6f
client_id  = file-client

[nohost]
account_id    = 7f3b9c1e-0d2a-4b5c-8e6f-1a2b3c4d5e6f
client_id     = file-client
client_secret = dose00112233445566778899aabbccddeeff

[ws]
host  = dbc-ws.cloud.databricks.com
token = dapi00112233445566778899aabbccddeeff

[cli]
host      = https://accounts.azuredatabricks.net
auth_type = databricks-cli
account_id = 7f3b9c1e-0d2a-4b5c-8e6f-1a2b3c4d5e6f

[empty]
`

func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "databrickscfg")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSettings(t *testing.T) {
	const env = "DATABRICKS_"
	for name, c := range map[string]struct {
		env     map[string]string
		options Options
		want    map[string]string // values that must be there; "" for absent
		source  string
		err     string
	}{
		"default profile": {want: map[string]string{"host": "https://dbc-default.cloud.databricks.com", "auth_type": "pat"}, source: "profile DEFAULT of"},
		"named profile":   {options: Options{Profile: "acct"}, want: map[string]string{"client_id": "file-client", "auth_type": "oauth-m2m", "profile": "acct"}, source: "profile acct of"},
		"profile from the environment": {env: map[string]string{"CONFIG_PROFILE": "ws"}, want: map[string]string{"host": "dbc-ws.cloud.databricks.com", "auth_type": "pat"},
			source: "environment, profile ws of"},
		"environment alone": {env: map[string]string{"HOST": "h.test", "CLIENT_ID": "env", "CLIENT_SECRET": "s"},
			want: map[string]string{"host": "h.test", "client_id": "env", "auth_type": "oauth-m2m", "token": ""}, source: "environment"},
		"environment beats a profile it names": {env: map[string]string{"CONFIG_PROFILE": "acct", "CLIENT_ID": "env", "CLIENT_SECRET": "s"},
			want: map[string]string{"client_id": "env", "client_secret": "s", "account_id": testAccount}},
		"a profile named outright beats the environment": {options: Options{Profile: "acct"}, env: map[string]string{"CLIENT_ID": "env", "CLIENT_SECRET": "s", "HOST": "evil.test", "ACCOUNT_ID": "x"},
			want: map[string]string{"client_id": "file-client", "host": "https://accounts.cloud.databricks.com", "account_id": testAccount}},
		"a token in the environment does not disturb a profile": {options: Options{Profile: "acct"}, env: map[string]string{"TOKEN": "dapi1"}, want: map[string]string{"auth_type": "oauth-m2m"}},
		"the environment completes a profile":                   {options: Options{Profile: "nosecret"}, env: map[string]string{"CLIENT_SECRET": "s"}, want: map[string]string{"client_secret": "s", "auth_type": "oauth-m2m"}},
		"options beat all": {options: Options{Host: "https://accounts.gcp.databricks.com", ClientID: "opt", ClientSecret: "o"}, env: map[string]string{"TOKEN": "dapi1", "CLIENT_ID": "env"},
			want: map[string]string{"client_id": "opt", "host": "https://accounts.gcp.databricks.com", "auth_type": "oauth-m2m"}},
		"a token next to a client is of no use to an account": {options: Options{Profile: "mixed"}, want: map[string]string{"auth_type": "oauth-m2m"}},
		"a kind that was named":                               {options: Options{Profile: "mixed", AuthType: "pat"}, want: map[string]string{"auth_type": "pat"}},
		"a kind named by the environment":                     {env: map[string]string{"HOST": "h.test", "TOKEN": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "AUTH_TYPE": "pat"}, want: map[string]string{"auth_type": "pat"}},
		"command line":                                        {options: Options{Profile: "cli"}, want: map[string]string{"auth_type": "databricks-cli"}},
		"azure":                                               {env: map[string]string{"HOST": "accounts.azuredatabricks.net", "@ARM_CLIENT_ID": "a", "@ARM_CLIENT_SECRET": "b", "@ARM_TENANT_ID": "c"}, want: map[string]string{"auth_type": "azure-client-secret"}},
		"azure machine":                                       {env: map[string]string{"HOST": "accounts.azuredatabricks.net", "@ARM_USE_MSI": "true"}, want: map[string]string{"auth_type": "azure-msi"}},
		"google":                                              {env: map[string]string{"HOST": "accounts.gcp.databricks.com", "@GOOGLE_CREDENTIALS": "{}"}, want: map[string]string{"auth_type": "google-credentials"}},
		"google account":                                      {env: map[string]string{"HOST": "accounts.gcp.databricks.com", "GOOGLE_SERVICE_ACCOUNT": "x@y"}, want: map[string]string{"auth_type": "google-id"}},
		"github":                                              {env: map[string]string{"HOST": "h.test", "CLIENT_ID": "c", "@ACTIONS_ID_TOKEN_REQUEST_URL": "u", "@ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}, want: map[string]string{"auth_type": "github-oidc"}},
		"token in a file":                                     {env: map[string]string{"HOST": "h.test", "CLIENT_ID": "c", "OIDC_TOKEN_FILEPATH": "/x"}, want: map[string]string{"auth_type": "file-oidc"}},
		"token in the environment":                            {env: map[string]string{"HOST": "h.test", "CLIENT_ID": "c", "OIDC_TOKEN": "x"}, want: map[string]string{"auth_type": "env-oidc"}},
		"isolated": {options: Options{Isolated: true, Host: "h.test", ClientID: "c", ClientSecret: "s"}, env: map[string]string{"TOKEN": "t", "ACCOUNT_ID": "x"},
			want: map[string]string{"auth_type": "oauth-m2m", "token": "", "account_id": ""}, source: "options"},
		"isolated without credentials": {options: Options{Isolated: true, Host: "h.test"}, env: map[string]string{"TOKEN": "t"}, err: "no credentials are given"},

		"unknown profile":   {options: Options{Profile: "prod"}, err: `profile "prod" is not in FILE: choose one of DEFAULT, acct, cli, mixed, nohost, nosecret, ws`},
		"unknown from env":  {env: map[string]string{"CONFIG_PROFILE": "prod"}, err: `profile "prod" is not in FILE: choose one of`},
		"empty profile":     {options: Options{Profile: "empty"}, err: `profile "empty" is not in`},
		"no file":           {options: Options{Profile: "prod", ConfigFile: "/nonexistent/cfg"}, err: "configuration file /nonexistent/cfg does not exist: create it"},
		"half a client":     {options: Options{Profile: "nosecret"}, err: "client_id is set without client_secret"},
		"two kinds":         {env: map[string]string{"HOST": "h.test", "TOKEN": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s"}, err: "more than one kind of credentials is configured (oauth-m2m, pat)"},
		"google and client": {env: map[string]string{"HOST": "h.test", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "@GOOGLE_CREDENTIALS": "{}"}, err: "oauth-m2m, google-credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			file := configFile(t, testConfig)
			t.Setenv("DATABRICKS_CONFIG_FILE", file)
			for k, v := range c.env {
				if k[0] == '@' {
					t.Setenv(k[1:], v)
				} else {
					t.Setenv(env+k, v)
				}
			}
			s, err := loadSettings(c.options)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(c.err, "FILE", file)) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for k, want := range c.want {
				if got := s.values[k]; got != want {
					t.Errorf("%s = %q, want %q", k, got, want)
				}
			}
			if !strings.Contains(s.source, c.source) {
				t.Errorf("source %q, want %q", s.source, c.source)
			}
		})
	}
}

// A broken file is not quoted: the line that does not parse may be the one with the secret.
func TestBrokenConfigFile(t *testing.T) {
	_, err := loadSettings(Options{Profile: "x", ConfigFile: configFile(t, "[x]\nclient_secret canary0123456789\n")})
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "is not valid") {
		t.Errorf("got %v", err)
	}
}

func TestDefaultProfileOfTheFile(t *testing.T) {
	file := configFile(t, testConfig+"\n[__settings__]\ndefault_profile = acct\n")
	s, err := loadSettings(Options{ConfigFile: file})
	if err != nil || s.values["client_id"] != "file-client" || s.values["profile"] != "acct" {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := loadSettings(Options{ConfigFile: file, Profile: "nope"}); err == nil || strings.Contains(err.Error(), "__settings__") {
		t.Errorf("got %v", err)
	}
}

// The cloud stands in for the host, and the profile for the rest.
func TestCloudPicksTheConsole(t *testing.T) {
	for cloud, host := range accountHosts {
		w := newWorld(t)
		w.mux = http.NewServeMux()
		at := strings.TrimPrefix(host, "https://")
		w.handle("POST "+at+"/oidc/accounts/"+testAccount+"/v1/token", func(rw http.ResponseWriter, r *http.Request) { w.issue(rw, r, "x") })
		a, err := Open(t.Context(), Options{Cloud: cloud, Profile: "nohost", ConfigFile: configFile(t, testConfig), transport: w})
		if err != nil {
			t.Errorf("%s: %v", cloud, err)
			continue
		}
		defer a.Close()
		id := a.Identity()
		if id.Host != host || id.ClientID != "file-client" || id.Profile != "nohost" || !strings.HasPrefix(id.ConfigSource, "profile nohost of ") {
			t.Errorf("%s: %+v", cloud, id)
		}
		if r := a.Session().Reach(); !r.WholeAccount || r.AccountID != testAccount || r.Limit != "" {
			t.Errorf("%s: %+v", cloud, r)
		}
	}
}

// The other ways to authenticate, as far as they go through our transport.
func TestWaysToAuthenticate(t *testing.T) {
	exchange := func(w *world, host, path, want string) {
		w.handle("POST "+host+path, func(rw http.ResponseWriter, r *http.Request) {
			if r.FormValue("subject_token") != want || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" {
				refuse(rw, 401, `{"error":"invalid_grant"}`)
				return
			}
			w.tokens.Add(1)
			writeJSON(rw, map[string]any{"access_token": "tok-exchanged", "token_type": "Bearer", "expires_in": 3600})
		})
	}
	tokenPath := "/oidc/accounts/" + testAccount + "/v1/token"
	idFile := configFile(t, "id-token-of-the-file")
	for name, c := range map[string]struct {
		env    map[string]string
		world  func(*world)
		bearer string
		extra  string
	}{
		"env-oidc": {map[string]string{"DATABRICKS_CLIENT_ID": "c", "DATABRICKS_OIDC_TOKEN": "id-token-1"}, func(w *world) {
			exchange(w, testConsole, tokenPath, "id-token-1")
		}, "tok-exchanged", ""},
		"file-oidc": {map[string]string{"DATABRICKS_CLIENT_ID": "c", "DATABRICKS_OIDC_TOKEN_FILEPATH": idFile}, func(w *world) {
			exchange(w, testConsole, tokenPath, "id-token-of-the-file")
		}, "tok-exchanged", ""},
		"github-oidc": {map[string]string{"DATABRICKS_CLIENT_ID": "c", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://github.test/token?x=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "gh-token"}, func(w *world) {
			w.handle("GET github.test/token", func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("audience") != testAccount || !strings.Contains(r.Header.Get("Authorization"), "gh-token") {
					refuse(rw, 401, `{}`)
					return
				}
				writeJSON(rw, map[string]string{"value": "id-token-of-github"})
			})
			exchange(w, testConsole, tokenPath, "id-token-of-github")
		}, "tok-exchanged", ""},
		"azure-client-secret": {map[string]string{"ARM_CLIENT_ID": "c", "ARM_CLIENT_SECRET": "azure-secret-0123", "ARM_TENANT_ID": "tenant", "DATABRICKS_HOST": "https://accounts.azuredatabricks.net"}, func(w *world) {
			w.handle("POST login.microsoftonline.com/tenant/oauth2/token", func(rw http.ResponseWriter, r *http.Request) {
				id, secret, _ := r.BasicAuth()
				if id == "" {
					id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
				}
				if id != "c" || secret != "azure-secret-0123" {
					refuse(rw, 401, `{"error":"invalid_client"}`)
					return
				}
				name := "aad"
				if strings.Contains(r.FormValue("resource"), "management") {
					name = "management"
				}
				w.tokens.Add(1)
				writeJSON(rw, map[string]any{"access_token": "tok-" + name, "token_type": "Bearer", "expires_in": "3599"})
			})
		}, "tok-aad", "tok-management"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mux = http.NewServeMux()
			c.world(w)
			var bearer, extra string
			w.handle("GET /api/2.0/accounts/", func(rw http.ResponseWriter, r *http.Request) {
				bearer, extra = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("X-Databricks-Azure-SP-Management-Token")
				refuse(rw, 200, `[]`)
			})
			t.Setenv("DATABRICKS_HOST", "http://"+testConsole)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			o := w.options()
			o.ClientID, o.ClientSecret = "", ""
			if c.env["DATABRICKS_HOST"] != "" {
				o.Host = ""
			}
			a, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if a.Identity().AuthType != name {
				t.Errorf("auth type %s", a.Identity().AuthType)
			}
			if _, err := a.Session().Workspaces(t.Context()); err != nil || bearer != c.bearer || extra != c.extra {
				t.Errorf("%v, token %q, second token %q", err, bearer, extra)
			}
		})
	}
}
