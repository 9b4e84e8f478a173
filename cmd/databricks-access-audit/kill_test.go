package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/sandbox"
)

// killed is an account whose plans are applied by programs that are killed.
type killed struct {
	server *sandbox.Server
	dir    string
	groups []string // ids
	rng    *rand.Rand
}

const killSteps = 6

func newKilled(t *testing.T) *killed {
	t.Helper()
	account := sandbox.Acme()
	k := &killed{dir: t.TempDir()}
	for i := range killSteps {
		id := strconv.Itoa(3900 + i)
		k.groups = append(k.groups, id)
		account.Groups = append(account.Groups, &sandbox.Group{ID: id, DisplayName: "on-call-" + id, Members: []string{"1001"}})
	}
	server, err := sandbox.Start(account, sandbox.Options{Latency: 3 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	k.server = server
	if err := os.WriteFile(filepath.Join(k.dir, "ca.pem"), server.CACertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// program is the program with arguments, in an environment that leads to the account.
func (k *killed) program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + k.dir, "SSL_CERT_FILE=" + filepath.Join(k.dir, "ca.pem"), "HTTPS_PROXY=" + k.server.ProxyURL().String(),
		"DATABRICKS_HOST=" + k.server.AccountHost(), "DATABRICKS_ACCOUNT_ID=" + k.server.AccountID(),
		"DATABRICKS_CLIENT_ID=" + sandbox.AcmeAuditorApp, "DATABRICKS_CLIENT_SECRET=acme-auditor-secret",
		"DATABRICKS_ACCESS_AUDIT_LEDGER=" + filepath.Join(k.dir, "kept", "ledger.db")}
	return cmd
}

// run runs the program to its end.
func (k *killed) run(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	cmd := k.program(t, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil && !is[*exec.ExitError](err) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// kill starts the program and kills it after a while, if it has not ended by then.
func (k *killed) kill(t *testing.T, after time.Duration, args ...string) {
	t.Helper()
	cmd := k.program(t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // how it ended is what the rest of the test is about
}

// plan writes a plan that puts dave into all the groups.
func (k *killed) plan(t *testing.T, file string) string {
	t.Helper()
	var random [10]byte
	for i := range random {
		random[i] = byte(k.rng.Uint32())
	}
	holder := identity.PrincipalKey{Kind: identity.KindUser, ID: "1004"}
	now := time.Now()
	p := plan.Plan{ID: plan.ID(random), Kind: plan.Clone, Account: k.server.AccountID(), Host: k.server.AccountHost(),
		Target: plan.Party{Key: holder, Name: "dave@acme.test"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Complete: true}
	for i, id := range k.groups {
		p.Steps = append(p.Steps, plan.Step{ID: fmt.Sprintf("s%d", i+1), Kind: plan.AddMember, Change: &plan.Change{
			Cell:  plan.Cell{Kind: plan.Member, Holder: holder, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: id}},
			After: plan.Present, HolderName: "dave@acme.test", GroupName: "on-call-" + id}})
	}
	body, err := plan.Encode(p)
	if err == nil {
		err = os.WriteFile(file, body, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// members are those of the groups, all of which should be the same.
func (k *killed) members(t *testing.T) []string {
	t.Helper()
	var all [][]string
	k.server.Update(func(a *sandbox.Account) {
		for _, g := range a.Groups {
			if slices.Contains(k.groups, g.ID) {
				all = append(all, slices.Clone(g.Members))
			}
		}
	})
	for _, m := range all[1:] {
		if !slices.Equal(m, all[0]) {
			t.Fatalf("the groups differ: %v", all)
		}
	}
	return all[0]
}

// TestR01_KilledOnTheWay kills the real program at random moments while it applies a plan, lets others bring it to its
// end, and takes it back: nothing is lost, doubled, or left behind. APPLY_KILLS says how often; APPLY_SEED when. The
// program waits for the rate of writes most of the time, so several accounts are worked on at once.
func TestR01_KilledOnTheWay(t *testing.T) {
	const accounts = 5
	kills, seed := 2, uint64(time.Now().UnixNano())
	if s := os.Getenv("APPLY_KILLS"); s != "" {
		kills, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("APPLY_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("%d kills from seed %d", kills, seed)
	for account := range min(accounts, kills) {
		share := (kills + accounts - 1 - account) / accounts
		t.Run(fmt.Sprintf("account %d", account), func(t *testing.T) {
			t.Parallel()
			k := newKilled(t)
			k.rng = rand.New(rand.NewPCG(seed, uint64(account)))
			k.times(t, share)
		})
	}
}

// times kills the program so often.
func (k *killed) times(t *testing.T, kills int) {
	t.Helper()
	file := filepath.Join(k.dir, "the.plan")
	k.plan(t, file)
	begun := time.Now()
	if code, said := k.run(t, "plan", "apply", file, "--auto-approve"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	whole := time.Since(begun)
	met := map[int]int{}
	for i := range kills {
		k.server.Update(func(a *sandbox.Account) {
			for _, g := range a.Groups {
				if slices.Contains(k.groups, g.ID) {
					g.Members = []string{"1001"}
				}
			}
		})
		k.server.ResetWrites()
		id := k.plan(t, file)
		k.kill(t, time.Duration(k.rng.Int64N(int64(whole))), "plan", "apply", file, "--auto-approve")
		if k.rng.IntN(2) == 0 {
			k.kill(t, time.Duration(k.rng.Int64N(int64(whole))), "resume", id)
		}
		met[len(k.server.Writes())]++
		code, said := k.run(t, "resume", id)
		if code != 0 { // it was killed before it began
			code, said = k.run(t, "plan", "apply", file, "--auto-approve")
		}
		if code != 0 {
			t.Fatalf("kill %d: exit %d:\n%s", i, code, said)
		}
		if got := k.members(t); !slices.Equal(got, []string{"1001", "1004"}) {
			t.Fatalf("kill %d: the members are %v", i, got)
		}
		if n := len(k.server.Writes()); n > killSteps+2 {
			t.Fatalf("kill %d: %d writes for %d steps", i, n, killSteps)
		}
		if code, said = k.run(t, "undo", id, "--uncertain"); code != 0 {
			t.Fatalf("kill %d: undo: exit %d:\n%s", i, code, said)
		}
		if got := k.members(t); !slices.Equal(got, []string{"1001"}) {
			t.Fatalf("kill %d: after undo the members are %v", i, got)
		}
	}
	var spread []string
	for n := range killSteps + 2 {
		spread = append(spread, fmt.Sprintf("%d×%d", met[n], n))
	}
	t.Logf("writes when resumed: %s", strings.Join(spread, " "))
}
