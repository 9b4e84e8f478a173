package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/sandbox"
)

// killing is an account in which a service principal raises itself, and is killed doing it.
type killing struct {
	server *sandbox.Server
	env    []string
	before map[string]string
}

var elevating = []string{"prod", "staging", "analytics-eu"}

func (k *killing) rights() map[string]string {
	is := map[string]string{}
	for _, w := range elevating {
		is[w] = assigned(k.server, w, "2002")
	}
	return is
}

func (k *killing) command(t *testing.T, args ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	t.Helper()
	exe, err := exec.LookPath(name) // as testscript.Main provides it
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), exe, args...)
	cmd.Env, cmd.Dir = k.env, t.TempDir()
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

func newKilling(t *testing.T) *killing {
	t.Helper()
	server, err := sandbox.Start(sandbox.Acme(), sandbox.Options{Latency: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	server.Update(func(a *sandbox.Account) {
		a.ServicePrincipalByName("access-auditor-limited").Roles = []string{sandbox.RoleAccountAdmin}
	})
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, server.CACertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &killing{server: server, env: []string{
		"GORACE=atexit_sleep_ms=0", "HOME=" + dir, "SSL_CERT_FILE=" + ca, "HTTPS_PROXY=" + server.ProxyURL().String(),
		"DATABRICKS_HOST=" + server.AccountHost(), "DATABRICKS_ACCOUNT_ID=" + server.AccountID(),
		"DATABRICKS_CLIENT_ID=" + sandbox.AcmeLimitedApp, "DATABRICKS_CLIENT_SECRET=acme-limited-secret",
	}}
	k.before = k.rights()
	return k
}

// A process that is killed at any moment leaves rights that the next run puts back exactly.
func TestT35_ElevationKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 50 processes")
	}
	k := newKilling(t)
	raised, mended := 0, 0
	for n := range 24 {
		at := filepath.Join(t.TempDir(), "own", "ledger.db") // a new one: what is not settled yet would keep the next from raising
		cmd, _, errs := k.command(t, "roles", "--auto-elevate", "--ledger", at, "-o", "json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		// The elevation and the first reads are some forty requests; kills are spread over them, and between them.
		for len(k.server.Calls()) < 2*n && len(ended) == 0 {
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(rand.N(5 * time.Millisecond))
		_ = cmd.Process.Kill()
		if err := <-ended; err == nil {
			t.Fatalf("run %d ended before it was killed\n%s", n, errs)
		}
		time.Sleep(20 * time.Millisecond) // what was sent arrives
		if diff := cmp.Diff(k.before, k.rights()); diff != "" {
			raised++
		}
		k.server.ResetCalls()
		next, out, errs := k.command(t, "principal", "alice@acme.test", "--auto-elevate", "--ledger", at, "-o", "json", "--workspace-urls", "prod")
		if err := next.Run(); err != nil {
			t.Fatalf("the run after kill %d: %v\n%s", n, err, errs)
		}
		mended += strings.Count(errs.String(), "is ended; it is")
		if diff := cmp.Diff(k.before, k.rights()); diff != "" {
			t.Fatalf("after kill %d and the next run (-before +after):\n%s%s", n, diff, errs)
		}
		k.server.ResetCalls()
		var report struct {
			Elevations []struct{ State string }
		}
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Error(err)
		}
		for _, e := range report.Elevations {
			if e.State != "refused" {
				t.Errorf("who may enter prod was raised there: %+v", report)
			}
		}
	}
	t.Logf("%d kills of 24 left rights behind; %d were mended", raised, mended)
	if raised < 3 {
		t.Errorf("only %d kills hit while rights were raised: the test shows little", raised)
	}
}

// Without somewhere to record it, nothing is changed.
func TestElevationWithoutLedger(t *testing.T) {
	k := newKilling(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"a file for a folder": filepath.Join(file, "ledger.db"), "no ledger": writeJunk(t)} {
		t.Run(name, func(t *testing.T) {
			cmd, _, errs := k.command(t, "roles", "--auto-elevate", "--ledger", at)
			err := cmd.Run()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() == 0 {
				t.Errorf("it went on: %v, %s", err, errs)
			}
			if n := k.server.CallCount()["PUT /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}"]; n > 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func writeJunk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledger.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("junk"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
