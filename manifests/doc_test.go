// Package manifests holds what the program is deployed from, and the tests that hold it together: that
// its files can be read, agree with each other on ports, paths and times, say only what the program
// knows, and give the bot no more rights than it needs.
package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"databricks-access-audit/bot/settings"
)

const (
	bot        = "databricks-access-audit-bot"
	configPath = "/etc/databricks-access-audit/bot.yaml"
	// inTheEnd is how many seconds the bot may take after the drain, for what was interrupted and for
	// what does not end: see drain in bot/run.go.
	inTheEnd = 40
	// nobody is the user in the image. Kubernetes can only tell that a number is not root.
	nobody = 65532
)

// program is the program, built for the tests.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "manifests")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		program = filepath.Join(dir, "databricks-access-audit")
		if out, err := exec.Command("go", "build", "-o", program, "databricks-access-audit/cmd/databricks-access-audit").CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}())
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// configured are the settings that a deployment comes with.
func configured(t *testing.T, path string) settings.Settings {
	t.Helper()
	s, err := settings.Parse([]byte(read(t, path)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return s
}

// secretFiles are the files with secrets that settings name, by key.
func secretFiles(s settings.Settings) map[string]string {
	files := map[string]string{
		"slack.app_token_file": s.Slack.AppTokenFile, "slack.bot_token_file": s.Slack.BotTokenFile,
		"databricks.client_secret_file": s.Databricks.ClientSecretFile, "ledger.url_file": s.Ledger.URLFile, "ledger.key_file": s.Ledger.KeyFile,
	}
	if s.Writer != nil {
		files["writer.client_secret_file"] = s.Writer.ClientSecretFile
	}
	for key, path := range files {
		if path == "" {
			delete(files, key)
		}
	}
	return files
}

// started runs the program with the arguments of a deployment. Its configuration is not on this machine:
// that this is all it complains of shows that it knows the command and the flags.
func started(t *testing.T, args ...string) {
	t.Helper()
	for i, a := range args {
		if a == configPath {
			args[i] = filepath.Join(t.TempDir(), "bot.yaml")
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "read the configuration: open ") {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// checked has the program check a configuration whose secrets are there.
func checked(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	text := read(t, path)
	secrets := map[string]string{
		"slack.app_token_file": "xapp-1-A1-1-a", "slack.bot_token_file": "xoxb-1-1-a", "databricks.client_secret_file": "s", "writer.client_secret_file": "s",
		"ledger.url_file": "postgres://u:p@ledger.test/ledger", "ledger.key_file": "k",
	}
	for key, file := range secretFiles(configured(t, path)) {
		here := filepath.Join(dir, key)
		if err := os.WriteFile(here, []byte(secrets[key]+"\n"), 0o400); err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, file+"\n", here+"\n")
		text = strings.ReplaceAll(text, file+" ", here+" ")
	}
	config := filepath.Join(dir, "bot.yaml")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "bot", "check-config", config)
	cmd.Env = []string{}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", path, err, out)
	}
}

// example is a configuration with what it shows as comments: lines of which the text follows # at once.
var example = regexp.MustCompile(`(?m)^#([^ \n]|  )`)

// TestExamplesInComments: what the shipped configurations leave to who installs them is shown, and is read as it is meant.
func TestExamplesInComments(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"kubernetes/bot.yaml", "systemd/bot.yaml"} {
		shipped := configured(t, path)
		s, err := settings.Parse([]byte(example.ReplaceAllString(read(t, path), "$1")))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if s.Channels.Approval == "" || len(s.Channels.Public) == 0 || s.Writer == nil || s.Writer.ClientID == "" || s.Writer.ClientSecretFile == "" {
			t.Errorf("%s: %+v, writer %+v", path, s.Channels, s.Writer)
		}
		if shipped.Channels.Approval != "" || shipped.Writer != nil || shipped.Audits.MayStartWarehouse || shipped.Reports.Retention != settings.Default().Reports.Retention {
			t.Errorf("%s sets what is only to be shown, or another default: %+v", path, shipped)
		}
		if s.Writer.ClientSecretFile == s.Databricks.ClientSecretFile || filepath.Dir(s.Writer.ClientSecretFile) != filepath.Dir(s.Databricks.ClientSecretFile) {
			t.Errorf("%s: the writer's secret is at %s, and the reader's at %s", path, s.Writer.ClientSecretFile, s.Databricks.ClientSecretFile)
		}
	}
}

// whole fails for what has no value: a fact that a test is to compare must be there.
func whole(t *testing.T, facts map[string]string) {
	t.Helper()
	for what, value := range facts {
		if value == "" {
			t.Errorf("%s is not said", what)
		}
	}
}
