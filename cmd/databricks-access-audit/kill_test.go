package main

import (
	"bytes"
	"database/sql"
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
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/sandbox"
)

// killed is an account whose plans are applied by programs that are killed.
type killed struct {
	server *sandbox.Server
	dir    string
	ledger string
	keys   string   // of the ledger; empty where they are beside it
	shared *sql.DB  // the ledger's database where several programs share it, else nil
	groups []string // ids
	rng    *rand.Rand
}

const killSteps = 6

// postgres is started by the first test that needs it.
var postgres ledgertest.Server

// inFile and inPostgres say where a killed account's plans are kept.
func inFile(_ testing.TB, k *killed) { k.ledger = filepath.Join(k.dir, "kept", "ledger.db") }

func inPostgres(t testing.TB, k *killed) {
	t.Helper()
	k.ledger, k.keys = postgres.Address(t), string(ledger.NewKeys().Text())
	db, err := sql.Open("pgx", k.ledger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	k.shared = db
}

func newKilled(t testing.TB, in func(testing.TB, *killed)) *killed {
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
	in(t, k)
	if err := os.WriteFile(filepath.Join(k.dir, "ca.pem"), server.CACertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// program is the program with arguments, in an environment that leads to the account.
func (k *killed) program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + k.dir, "SSL_CERT_FILE=" + filepath.Join(k.dir, "ca.pem"), "HTTPS_PROXY=" + k.server.ProxyURL().String(),
		"DATABRICKS_HOST=" + k.server.AccountHost(), "DATABRICKS_ACCOUNT_ID=" + k.server.AccountID(),
		"DATABRICKS_CLIENT_ID=" + sandbox.AcmeAuditorApp, "DATABRICKS_CLIENT_SECRET=acme-auditor-secret",
		"DATABRICKS_ACCESS_AUDIT_LEDGER=" + k.ledger, "DATABRICKS_ACCESS_AUDIT_LEDGER_KEY=" + k.keys}
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

// held says whether somebody, who may be dead, has the lease of a plan.
func (k *killed) held(t *testing.T, id string) (held bool) {
	t.Helper()
	if k.shared == nil {
		return false
	}
	if err := k.shared.QueryRow(`SELECT EXISTS (SELECT FROM leases WHERE name = $1 AND holder <> '')`, ledger.PlanLease(id)).Scan(&held); err != nil {
		t.Fatal(err)
	}
	return held
}

// lapse lets the minute pass after which what a dead program held is free. A file is free at once, by its lock. In
// PostgreSQL the end of the leases is put back: nobody is alive who could take that for something else.
func (k *killed) lapse(t *testing.T) {
	t.Helper()
	if k.shared == nil {
		return
	}
	if _, err := k.shared.Exec(`UPDATE leases SET expires_at = 1 WHERE holder <> ''`); err != nil {
		t.Fatal(err)
	}
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
// end, and takes it back: nothing is lost, doubled, or left behind. APPLY_KILLS says how often on each kind of ledger;
// APPLY_SEED when. The program waits for the rate of writes most of the time, so several accounts are worked on at once.
func TestR01_KilledOnTheWay(t *testing.T) {
	const accounts = 5
	kills, seed := 2, uint64(time.Now().UnixNano())
	if s := os.Getenv("APPLY_KILLS"); s != "" {
		kills, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("APPLY_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("%d kills on each ledger, from seed %d", kills, seed)
	for stream, kind := range []struct {
		name string
		in   func(testing.TB, *killed)
	}{{"SQLite", inFile}, {"PostgreSQL", inPostgres}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for account := range min(accounts, kills) {
				share := (kills + accounts - 1 - account) / accounts
				t.Run(fmt.Sprintf("account %d", account), func(t *testing.T) {
					t.Parallel()
					k := newKilled(t, kind.in)
					k.rng = rand.New(rand.NewPCG(seed, uint64(stream*accounts+account)))
					k.times(t, share)
				})
			}
		})
	}
}

// times kills the program so often.
func (k *killed) times(t *testing.T, kills int) {
	t.Helper()
	file := filepath.Join(k.dir, "the.plan")
	first := k.plan(t, file)
	begun := time.Now()
	if code, said := k.run(t, "plan", "apply", file, "--auto-approve"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	whole := time.Since(begun)
	if code, said := k.run(t, "undo", first); code != 0 { // else what the others give would be its own, too
		t.Fatalf("exit %d:\n%s", code, said)
	}
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
		if i == 0 && k.held(t, id) {
			// For all that the others know it may still be at work.
			if code, said := k.run(t, "resume", id); code != exitFailed || !strings.Contains(said, "in use by") || !k.held(t, id) {
				t.Errorf("resumed beside a holder: exit %d:\n%s", code, said)
			}
		}
		k.lapse(t)
		if k.rng.IntN(2) == 0 {
			k.kill(t, time.Duration(k.rng.Int64N(int64(whole))), "resume", id)
			k.lapse(t)
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
	if code, said := k.run(t, "audit", "verify"); code != 0 {
		t.Errorf("audit verify: exit %d:\n%s", code, said)
	}
}
