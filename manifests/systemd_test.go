package manifests

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/bot/settings"
)

const unitFile = "systemd/" + bot + ".service"

// unit holds the values of each key of a unit file, by section and key.
type unit map[string][]string

func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s is said %d times: %q", key, len(u[key]), u[key])
	}
	return u[key][0]
}

// parsed reads a unit file as systemd.syntax(7) has it.
func parsed(t *testing.T) unit {
	t.Helper()
	u, section := unit{}, ""
	for line := range strings.Lines(read(t, unitFile)) {
		line = strings.TrimSpace(line)
		key, value, assigns := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case !assigns || section == "" || strings.HasSuffix(line, `\`):
			t.Fatalf("line %q", line)
		default:
			u[section+"."+key] = append(u[section+"."+key], value)
		}
	}
	return u
}

func TestSystemdHardening(t *testing.T) {
	t.Parallel()
	u := parsed(t)
	for _, key := range []string{
		"DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateMounts", "ProtectKernelTunables", "ProtectKernelModules",
		"ProtectKernelLogs", "ProtectControlGroups", "ProtectClock", "ProtectHostname", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "RemoveIPC",
		"LockPersonality", "MemoryDenyWriteExecute",
	} {
		if got := u.one(t, "Service."+key); got != "yes" {
			t.Errorf("%s=%s", key, got)
		}
	}
	for key, want := range map[string]string{
		"Service.ProtectSystem": "strict", "Service.CapabilityBoundingSet": "", "Service.AmbientCapabilities": "", "Service.ProtectProc": "invisible", "Service.ProcSubset": "pid",
		"Service.UMask": "0077", "Service.StateDirectoryMode": "0700", "Service.LimitCORE": "0", "Service.SystemCallArchitectures": "native",
		"Service.RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "Service.Restart": "always", "Unit.StartLimitIntervalSec": "0", "Install.WantedBy": "multi-user.target",
		"Service.ExecReload": "/bin/kill -HUP $MAINPID",
	} {
		if got := u.one(t, key); got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	if f := u["Service.SystemCallFilter"]; !slices.Equal(f, []string{"@system-service", "~@privileged @resources"}) {
		t.Errorf("SystemCallFilter %q", f)
	}
	for key := range u {
		if strings.Contains(key, "EnvironmentFile") || strings.Contains(key, "PassEnvironment") {
			t.Errorf("%s: a secret in the environment is seen by whatever the service starts", key)
		}
	}
}

// TestSystemdFiles follows every path from the configuration to the credentials.
func TestSystemdFiles(t *testing.T) {
	t.Parallel()
	u, s := parsed(t), configured(t, "systemd/bot.yaml")
	command := strings.Fields(u.one(t, "Service.ExecStart"))
	if !slices.Equal(command[1:], []string{"bot", "--config", configPath}) || path.Base(command[0]) != "databricks-access-audit" || !path.IsAbs(command[0]) {
		t.Errorf("it starts %q", command)
	}
	given := map[string]bool{}
	for _, credential := range u["Service.LoadCredential"] {
		name, from, _ := strings.Cut(credential, ":")
		given["/run/credentials/"+bot+".service/"+name] = true
		if from != path.Join(path.Dir(configPath), name) {
			t.Errorf("LoadCredential=%s", credential)
		}
	}
	files := secretFiles(s)
	for _, key := range []string{"slack.app_token_file", "slack.bot_token_file", "databricks.client_secret_file", "ledger.key_file"} {
		if !given[files[key]] {
			t.Errorf("%s: %q is no credential", key, files[key])
		}
	}
	if len(files) != len(given) {
		t.Errorf("credentials %v, and files %v", given, files)
	}
	if dir := path.Dir(s.Ledger.Path); dir != "/var/lib/"+u.one(t, "Service.StateDirectory") || s.Replicas != 1 {
		t.Errorf("the ledger %s, %d replicas", s.Ledger.Path, s.Replicas)
	}
	stop, err := strconv.Atoi(u.one(t, "Service.TimeoutStopSec"))
	if err != nil || stop != 90 || s.Drain+inTheEnd*time.Second > time.Duration(stop)*time.Second {
		t.Errorf("a drain of %s and %d s do not fit into %d s: %v", s.Drain, inTheEnd, stop, err)
	}
	if s.Listen != settings.Default().Listen {
		t.Errorf("it listens at %s: nobody but this machine has to ask", s.Listen)
	}
	checked(t, "systemd/bot.yaml")
	started(t, slices.Clone(command[1:])...)
}

// TestSystemdVerify has systemd read the unit, where there is systemd. The program's place is that of one
// that every machine has.
func TestSystemdVerify(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here: the unit was not read by systemd")
	}
	text := read(t, unitFile)
	command := strings.Fields(parsed(t).one(t, "Service.ExecStart"))[0]
	file := filepath.Join(t.TempDir(), bot+".service")
	verify := func(text string) (string, error) {
		if err := os.WriteFile(file, []byte(strings.Replace(text, "ExecStart="+command, "ExecStart="+program, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput()
		return string(out), err
	}
	if out, err := verify(text); err != nil || strings.Contains(out, bot) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := verify(strings.Replace(text, "ProtectHome=", "ProtectHouse=", 1)); err == nil && !strings.Contains(out, "ProtectHouse") {
		t.Errorf("a key that does not exist is not found: %s", out)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=15", unitFile).CombinedOutput()
	if err != nil {
		t.Errorf("more exposed than 1.5 of 10: %v\n%s", err, out)
	}
}
