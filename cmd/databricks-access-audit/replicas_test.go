package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// replicaName is the program as main has it, but that it is in haste and that its clock is wrong by replicaSkew.
const (
	replicaName  = name + "-replica"
	replicaSkew  = "REPLICA_SKEW"
	replicaHaste = 20
)

func replica() {
	skew, err := time.ParseDuration(os.Getenv(replicaSkew))
	if err != nil {
		panic(err)
	}
	s := terminal()
	s.haste, s.now = replicaHaste, func() time.Time { return time.Now().Add(skew) }
	os.Exit(run(os.Args[1:], s))
}

// replicas are bots of one app that share a ledger in PostgreSQL, in a workspace of pretence.
type replicas struct {
	*testing.T
	*killed
	slack *slackfake.Server
	kept  *ledger.Ledger
	bots  [3]*process

	mu       sync.Mutex
	writers  map[int]string // by process id: as whom it writes
	askers   int            // handed out so far
	counts   map[string]int // what happened how often
	standing *process       // that stands still
	restarts sync.WaitGroup
	fail     func(error) // ends all
}

// process is one of the bots. It has a clock of its own.
type process struct {
	skew time.Duration

	mu     sync.Mutex // guards the rest, and keeps the process from being killed twice
	cmd    *exec.Cmd
	log    lockedBuffer
	starts int
}

const replicaConfig = `
listen: off
replicas: 3
estate: {refresh: 0s}
slack: {bot_token_file: %[1]s/bot, app_token_file: %[1]s/app, sockets: 2}
ledger: {url_file: %[1]s/url, key_file: %[1]s/key}
channels: {approval: %[2]s}
approvals: {plans_a_day: 1000}
writer: {client_id: %[3]s, client_secret_file: %[1]s/writer}
policy:
  requesters:
    - {from: {group: all-staff}, for: anyone}
  rules:
    - id: all
      approvers:
        - {name: anybody, group: all-staff}
      min_approvals: 2
      channels: any
  free_undo: true
`

// TestR15_BotsShareALedger: three bots, of which one's clock is ten minutes slow and one's ten minutes fast, take what Slack sends to
// any of them. A round is two plans or more that two people approve at the same moment, or that must not be carried out, and with
// that one trouble: a bot is killed or told to end, and started again; one stands still, for up to twice as long as its leases last;
// all sockets are cut or closed; or all bots are killed, and one of the voters leaves. The next round begins while the plans of
// the last are brought to their ends. Of each plan it is checked that what was approved was carried out and taken back once, that
// what was not approved was not, and that all invariants hold; in the end, that the ledger is whole and its clock never went
// back. BOT_ROUNDS says how many rounds, BOT_SEED with what luck.
func TestR15_BotsShareALedger(t *testing.T) {
	rounds, seed := 3, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("BOT_ROUNDS")); err == nil {
		rounds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("BOT_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d, %d rounds", seed, rounds)
	r := &replicas{T: t, killed: newKilled(t, inPostgres), writers: map[int]string{}, counts: map[string]int{}}
	r.rng = rand.New(rand.NewPCG(seed, 1))
	r.people()
	r.open()
	r.play(rounds, seed)
	r.restarts.Wait()
	for _, p := range r.bots {
		p.stop(syscall.SIGTERM)
	}
	r.whole()
}

// open starts the workspace, the ledger and the bots.
func (r *replicas) open() {
	r.Helper()
	var err error
	if r.slack, err = slackfake.Start(r.workspace(), slackfake.Options{}); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = r.slack.Close() })
	r.write("bot", r.slack.BotToken())
	r.write("app", r.slack.AppToken())
	r.write("url", r.ledger)
	r.write("key", r.keys)
	r.write("writer", "replica-secret")
	for i := range r.bots {
		r.bots[i] = &process{skew: time.Duration(i-1) * 10 * time.Minute}
		r.Cleanup(func() { r.bots[i].stop(syscall.SIGKILL) })
	}
	var starting sync.WaitGroup
	failed := make([]error, len(r.bots))
	for i := range r.bots {
		starting.Go(func() { failed[i] = r.start(i) })
	}
	starting.Wait()
	if err := errors.Join(failed...); err != nil {
		r.Fatal(err)
	}
	keys, err := ledger.ParseKeys(r.keys)
	if err != nil {
		r.Fatal(err)
	}
	// Read-only, so that it stays out of what is tested.
	if r.kept, err = ledger.Open(r.Context(), ledger.Options{Location: r.ledger, Account: sandbox.AcmeAccountID, Keys: keys, ReadOnly: true}); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = r.kept.Close() })
}

func (r *replicas) write(file, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, file), []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

// start starts a bot, which writes to the account as a service principal of its own, and waits until it has a socket.
func (r *replicas) start(i int) error {
	p := r.bots[i]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts++
	writer := fmt.Sprintf("0000000%d-0000-4000-8000-%012d", i, p.starts)
	r.server.Update(func(a *sandbox.Account) {
		a.ServicePrincipals = append(a.ServicePrincipals, &sandbox.ServicePrincipal{ID: strconv.Itoa(50000 + 10000*i + p.starts), ApplicationID: writer,
			DisplayName: "replica", Roles: []string{sandbox.RoleAccountAdmin}, Secrets: []*sandbox.Secret{{ID: "1", Value: "replica-secret"}}})
	})
	config := filepath.Join(r.dir, fmt.Sprintf("config-%d-%d.yaml", i, p.starts))
	if err := os.WriteFile(config, fmt.Appendf(nil, replicaConfig, r.dir, slackfake.DataApprovals, writer), 0o600); err != nil {
		return err
	}
	said := len(p.log.String())
	path, err := exec.LookPath(replicaName)
	if err != nil {
		return err
	}
	p.cmd = r.program(r.T, "bot", "--config", config, "--slack-api-url", r.slack.APIURL(), "--drain", "2s", "--rate-limit", "100000", "--retry-base-delay", "10ms", "--retry-max-delay", "100ms")
	p.cmd.Path, p.cmd.Args[0] = path, path
	// Its ledger is that of the configuration.
	p.cmd.Env = append(slices.DeleteFunc(p.cmd.Env, func(v string) bool { return strings.HasPrefix(v, "DATABRICKS_ACCESS_AUDIT_") }), replicaSkew+"="+p.skew.String())
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	r.mu.Lock()
	r.writers[p.cmd.Process.Pid] = writer
	r.mu.Unlock()
	for limit := time.Now().Add(time.Minute); !strings.Contains(p.log.String()[said:], "socket open"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			return fmt.Errorf("bot %d has no socket:\n%s", i, p.log.String())
		}
	}
	return nil
}

// stop ends a process.
func (p *process) stop(by syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(by)
	_ = p.cmd.Wait() // how it ended is not what this is about
	p.cmd = nil
}

// again starts a bot again that has ended, while the rest goes on.
func (r *replicas) again(i int) {
	r.restarts.Go(func() {
		if err := r.start(i); err != nil {
			r.Error(err)
		}
	})
}

func (r *replicas) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what]++
}

// trouble makes trouble, and says which. No bot is troubled that another trouble has not let go of yet.
func (r *replicas) trouble(rng *rand.Rand) {
	time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
	i := rng.IntN(len(r.bots))
	r.mu.Lock()
	if r.bots[i] == r.standing {
		i = (i + 1) % len(r.bots)
	}
	r.mu.Unlock()
	switch n := rng.IntN(10); {
	case n < 4:
		r.count("killed")
		r.bots[i].stop(syscall.SIGKILL)
		r.again(i)
	case n < 7:
		r.stand(i, time.Duration(rng.Int64N(int64(2*time.Minute/replicaHaste))))
	case n == 7:
		r.count("told to end")
		r.restarts.Go(func() {
			r.bots[i].stop(syscall.SIGTERM)
			r.again(i)
		})
	case n == 8:
		r.count("sockets cut")
		r.slack.DropSockets()
	default:
		r.count("sockets closed")
		r.slack.Disconnect([]string{slackfake.DisconnectWarning, slackfake.DisconnectRefresh}[rng.IntN(2)])
	}
}

// stand stops a process for a while, which goes by beside the next rounds.
func (r *replicas) stand(i int, d time.Duration) {
	p := r.bots[i]
	r.mu.Lock()
	free := r.standing == nil
	if free {
		r.standing = p
	}
	r.mu.Unlock()
	if !free {
		return
	}
	r.count("stood still")
	p.mu.Lock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	}
	r.restarts.Go(func() {
		defer p.mu.Unlock()
		time.Sleep(d)
		if p.cmd != nil {
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.standing = nil
	})
}

// purge kills all bots at once, does something, and starts them again.
func (r *replicas) purge(meanwhile func()) {
	r.count("all killed")
	var ending sync.WaitGroup
	for _, p := range r.bots {
		ending.Go(func() { p.stop(syscall.SIGKILL) })
	}
	ending.Wait()
	meanwhile()
	for i := range r.bots {
		r.again(i)
	}
}

// play has the slots live plans, round by round.
func (r *replicas) play(rounds int, seed uint64) {
	r.Helper()
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	r.fail = func(err error) { cancel(err) }
	ready := make(chan *life)
	over := make(chan struct{})
	var slots sync.WaitGroup
	for n := range slotCount {
		slots.Go(func() {
			s := &slot{replicas: r, n: n, long: rounds >= 30, rng: rand.New(rand.NewPCG(seed, uint64(100+n))), ready: ready, over: over}
			if err := s.live(ctx); err != nil {
				cancel(fmt.Errorf("slot %d: %w", n, err))
			}
		})
	}
	begun := time.Now()
	played := 0
	for played < rounds && r.round(ctx, ready) {
		played++
	}
	close(over)
	troubled := time.Since(begun)
	slots.Wait()
	if err := context.Cause(ctx); err != nil {
		r.Errorf("after %d rounds: %v\n%s", played, err, r.logs(err))
	}
	r.Logf("%d rounds in %s, and %s until all plans had their end: %v", played, troubled.Round(time.Second), (time.Since(begun) - troubled).Round(time.Second), r.counts)
}

// round waits until there are plans to vote on, and has them voted on while there is trouble.
func (r *replicas) round(ctx context.Context, ready chan *life) bool {
	var lives []*life
	for len(lives) < 2 {
		select {
		case l := <-ready:
			lives = append(lives, l)
		case <-ctx.Done():
			return false
		}
	}
	for more := true; more; {
		select {
		case l := <-ready:
			lives = append(lives, l)
		default:
			more = false
		}
	}
	leaver := slices.IndexFunc(lives, func(l *life) bool { return l.kind == deserted })
	for _, l := range lives {
		close(l.vote)
	}
	if leaver >= 0 {
		lives[leaver].leave(ctx)
		return true
	}
	r.trouble(r.rng)
	return true
}

// logs are what the bots said of something, and the last that they said.
func (r *replicas) logs(about error) string {
	var all strings.Builder
	plan := planNamed(about.Error())
	for i, p := range r.bots {
		lines := strings.Split(p.log.String(), "\n")
		fmt.Fprintf(&all, "bot %d:\n", i)
		for n, line := range lines {
			if strings.Contains(line, plan) || n > len(lines)-10 {
				fmt.Fprintln(&all, line)
			}
		}
	}
	return all.String()
}

// whole checks the ledger after all.
func (r *replicas) whole() {
	r.Helper()
	if v, err := r.kept.Verify(r.Context()); err != nil || v.Last == 0 {
		r.Errorf("the trail: %v", err)
	}
	back := 0
	if err := r.shared.QueryRow(`SELECT count(*) FROM audit WHERE body LIKE '%"event":"clock_back"%'`).Scan(&back); err != nil || back > 0 {
		r.Errorf("the store's clock went back %d times: it is not the store's (%v)", back, err)
	}
}
