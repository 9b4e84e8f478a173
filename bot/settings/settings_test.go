package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

const full = `# all of it
listen: 0.0.0.0:8080
applies: off
replicas: 2
audit_limit: 30m
drain: 45s
slack:
  bot_token_file: /run/secrets/bot
  app_token_file: /run/secrets/app
  api_url: https://slack-gov.com/api/
  command: /audit
  clone_command: /clone
  sockets: 3
  administrators: [U0123]
databricks: {profile: reader, host: https://accounts.cloud.databricks.com, account_id: "1", client_id: c, client_secret_file: /run/secrets/reader}
writer: {profile: writer}
ledger: {url_file: /run/secrets/ledger, key_file: /run/secrets/key}
estate: {refresh: 5m}
reports: {retention: 48h}
audits: {may_start_warehouse: true}
channels:
  approval: C012345
  review: C054321
  public: {C099: counts}
identity:
  mode: static
  members: {T1/U1: "77"}
  domains: [acme.test]
approvals: {wait: 12h, plans_a_day: 3, plain_replies: true}
policy:
  anything: [at, all]
`

// TestParse: every key is read, and nothing is left at its default by a file that sets all.
func TestParse(t *testing.T) {
	s, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if s.Slack.Sockets != 3 || s.Drain != 45*time.Second || s.Applies != Off || s.Writer.Profile != "writer" || s.Identity.Members["T1/U1"] != "77" || s.Policy.IsZero() || s.Approvals.PlansADay != 3 {
		t.Errorf("%+v", s)
	}
	same(t, "", reflect.ValueOf(s), reflect.ValueOf(Settings{}))
	none, err := Parse([]byte("# nothing\n"))
	if err != nil || !reflect.DeepEqual(none, Default()) {
		t.Errorf("%+v %v", none, err)
	}
}

// same fails for each field that has the zero value.
func same(t *testing.T, at string, v, zero reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		f, key := v.Field(i), at+v.Type().Field(i).Name
		if f.Kind() == reflect.Struct && f.Type().PkgPath() == v.Type().PkgPath() && v.Type().Field(i).Name != "Databricks" {
			if key == "Ledger" || key == "Writer" { // path and url_file exclude each other
				continue
			}
			same(t, key+".", f, zero)
		} else if f.IsZero() {
			t.Errorf("%s was not read", key)
		}
	}
}

// TestRefused: what cannot be meant is refused, with the key and what to write.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"applies: no":                                   `applies: "no" is neither on nor off`,
		"lisen: off":                                    `line 1: there is no key "lisen"`,
		"slack: {comand: /x}":                           `line 1: there is no key "comand" in slack`,
		"slack: {command: access}":                      "slack.command: \"access\" is no slash command",
		"slack: {command: /a, clone_command: /a}":       "slack.clone_command",
		"slack: {sockets: 5}":                           "slack.sockets",
		"slack: {administrators: [ann]}":                "slack.administrators",
		"slack: {api_url: http://slack.com/api/}":       "slack.api_url",
		"replicas: 2":                                   "replicas: several processes need a ledger",
		"replicas: 0":                                   "replicas: 0",
		"replicas: 5\nledger: {url_file: x}":            "slack.sockets: 5 replicas with 2 sockets",
		"listen: '8080'":                                "listen:",
		"ledger: {path: a, url_file: b}":                "ledger: path and url_file",
		"ledger: {path: 'postgres://u:p@h/d'}":          "ledger.path",
		"channels: {approval: help}":                    "channels.approval",
		"channels: {review: safety}":                    "channels.review",
		"channels: {public: {C11: all}}":                "write counts or full",
		"channels: {public: {c11: full}}":               "no id of a channel",
		"identity: {mode: mail}":                        "identity.mode",
		"identity: {mode: static}":                      "identity.members: with mode static",
		"identity: {members: {T1/U1: '1'}}":             "identity.members: it is for mode static alone",
		"identity: {mode: static, members: {U1: '1'}}":  "a team id, a slash and a member id",
		"identity: {mode: static, members: {T1/U1: a}}": "no Databricks user id",
		"drain: 30":                                     `"30" cannot be read as a duration`,
		"drain: 300h":                                   "drain: 300h",
		"slack: 3":                                      "cannot be read as keys and values",
		"audit_limit: 999h":                             "audit_limit",
		"approvals: {wait: 1s}":                         "approvals.wait",
		"approvals: {plans_a_day: 0}":                   "approvals.plans_a_day",
		"listen: off\nlisten: off":                      "already defined",
		"listen: off\n---\nlisten: off":                 "second document",
		"listen: [":                                     "line 1",
		strings.Repeat("# x\n", maxFile):                "larger than",
		"policy: *nobody":                               "anchor",
		"databricks: {client_secret: x}":                `no key "client_secret" in databricks`,
		"estate: {refresh: -1s}":                        "estate.refresh",
		"reports: {retention: 59m}":                     "reports.retention",
		"reports: {retention: 2161h}":                   "reports.retention",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, and not %s", text, err, want)
		}
	}
}

// TestT44OthersMayWrite: a file that everybody may write to says nothing.
func TestT44OthersMayWrite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	path := filepath.Join(t.TempDir(), "bot.yaml")
	if err := os.WriteFile(path, []byte("listen: off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o644: false, 0o666: true, 0o602: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); (err != nil) != refused {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if _, err := Read(filepath.Dir(path)); err == nil {
		t.Error("a folder was read")
	}
	if _, err := Read(path + ".none"); err == nil {
		t.Error("no file was read")
	}
}

// FuzzParse: whatever a file holds, it is read or refused; what is read holds what check asks for.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("slack: {sockets: 2}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Parse(text); err == nil {
			if err := s.check(); err != nil {
				t.Errorf("accepted, but %v", err)
			}
		}
	})
}
