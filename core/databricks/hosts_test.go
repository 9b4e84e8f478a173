package databricks

import (
	"testing"

	"databricks-access-audit/core/identity"
)

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]string{
		"accounts.cloud.databricks.com":                      "https://accounts.cloud.databricks.com",
		"https://Accounts.Cloud.Databricks.com/":             "https://accounts.cloud.databricks.com",
		" https://adb-1.2.azuredatabricks.net/?o=123#job/1 ": "https://adb-1.2.azuredatabricks.net",
		"https://x.test:8443/path":                           "https://x.test:8443",
		"http://127.0.0.1:8080":                              "http://127.0.0.1:8080",
		"http://localhost":                                   "http://localhost",
		"http://[::1]:80":                                    "http://[::1]:80",
		"http://accounts.localhost:9":                        "http://accounts.localhost:9",
		"http://x.test":                                      "",
		"http://127.0.0.1.x.test":                            "",
		"http://localhost.x.test":                            "",
		"https://user:pw@x.test":                             "",
		"https://":                                           "",
		"":                                                   "",
		"file:///etc/passwd":                                 "",
		"ftp://x.test":                                       "",
		"https://x test":                                     "",
	} {
		got, _, err := parseAddress(raw, false)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("parseAddress(%q) = %v, %v, want %q", raw, got, err, want)
		}
	}
	if a, _, err := parseAddress("http://x.test", true); err != nil || a.scheme != "http" {
		t.Errorf("explicit http: %v, %v", a, err)
	}
	if _, ids, _ := parseAddress("https://acme.databricks.com/?o=5&a=acc", false); ids.workspace != "5" || ids.account != "acc" {
		t.Errorf("ids %+v", ids)
	}
}

func TestWorkspaceAddresses(t *testing.T) {
	for _, c := range []struct{ account, deployment, want string }{
		{"https://accounts.cloud.databricks.com", "dbc-a1b2-c3", "https://dbc-a1b2-c3.cloud.databricks.com"},
		{"https://accounts.cloud.databricks.us", "dbc-1", "https://dbc-1.cloud.databricks.us"},
		{"https://accounts-dod.cloud.databricks.us", "dbc-1", "https://dbc-1.cloud.databricks.us"},
		{"https://accounts.azuredatabricks.net", "adb-123.4", "https://adb-123.4.azuredatabricks.net"},
		{"https://accounts.databricks.azure.us", "adb-123.4", "https://adb-123.4.databricks.azure.us"},
		{"https://accounts.databricks.azure.cn", "adb-123.4", "https://adb-123.4.databricks.azure.cn"},
		{"https://accounts.gcp.databricks.com", "123.4", "https://123.4.gcp.databricks.com"},
		{"https://accounts.staging.example.test:8443", "ws", "https://ws.staging.example.test:8443"},
		{"http://accounts.localhost:8080", "ws", "http://ws.localhost:8080"},
		{"https://accounts.cloud.databricks.com", "", ""},
		{"https://accounts.cloud.databricks.com", "evil.test/", ""},
		{"https://accounts.cloud.databricks.com", "evil.test#", ""},
		{"https://accounts.cloud.databricks.com", "u@evil.test:1", ""},
		{"https://accounts.cloud.databricks.com", "a..b", ""},
		{"https://accounts.cloud.databricks.com", "-a", ""},
		{"https://acme.databricks.com", "dbc-1", ""},
	} {
		account, _, err := parseAddress(c.account, true)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := workspaceAddress(account, c.deployment)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%s + %q = %v %v, want %q", c.account, c.deployment, got, ok, c.want)
		}
		if ok {
			if back, err := workspaceTarget(account, accountHost, identity.Workspace{Host: got.String()}); err != nil || back != got {
				t.Errorf("%v is refused: %v", got, err)
			}
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		host, said, account string
		want                hostKind
	}{
		{"https://accounts.cloud.databricks.com", "", "", accountHost},
		{"https://accounts-dod.cloud.databricks.us", "", "", accountHost},
		{"https://accounts.azuredatabricks.net", "workspace", "", accountHost},
		{"https://dbc-1.cloud.databricks.com", "", "", workspaceHost},
		{"https://dbc-1.cloud.databricks.com", "", testAccount, workspaceHost},
		{"https://acme.cloud.databricks.com", "unified", testAccount, unifiedHost},
		{"https://acme.databricks.com", "unified", "", unifiedHost},
		{"https://acme.databricks.com", "", testAccount, unifiedHost},
		{"https://acme.databricks.com", "workspace", testAccount, workspaceHost},
		{"http://127.0.0.1:80", "", testAccount, unifiedHost},
		{"http://127.0.0.1:80", "", "", workspaceHost},
	} {
		a, _, err := parseAddress(c.host, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := kindOf(a, c.said, c.account); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestCloudOf(t *testing.T) {
	for host, want := range map[string]string{
		"accounts.cloud.databricks.com": "aws", "dbc.cloud.databricks.us": "aws", "adb-1.2.azuredatabricks.net": "azure",
		"accounts.databricks.azure.cn": "azure", "1.2.gcp.databricks.com": "gcp", "acme.databricks.com": "", "evilazuredatabricks.net": "",
	} {
		if got := cloudOf(address{"https", host}); got != want {
			t.Errorf("cloudOf(%s) = %q, want %q", host, got, want)
		}
	}
}
