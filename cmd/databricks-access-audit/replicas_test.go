package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// replicas are two bots of one app that share a ledger in PostgreSQL, in a workspace of pretence.
type replicas struct {
	*testing.T
	*killed
	slack *slackfake.Server
	kept  *ledger.Ledger
	bots  [2]*exec.Cmd
	logs  [2]*bytes.Buffer
}

const replicaConfig = `
listen: off
replicas: 2
estate: {refresh: 0s}
slack: {bot_token_file: %[1]s/bot, app_token_file: %[1]s/app, sockets: 1}
ledger: {url_file: %[1]s/url, key_file: %[1]s/key}
channels: {approval: %[2]s}
approvals: {plans_a_day: 1000}
policy:
  requesters:
    - {from: {group: all-staff}, for: anyone}
  rules:
    - id: all
      approvers:
        - {name: data owners, users: [carol@acme.test, dave@acme.test]}
      min_approvals: 2
      channels: any
  free_undo: true
`

// TestR15_BotsShareALedger: two bots take what Slack sends to either of them, are killed and stand still while they do; two people
// approve at once. What was approved is carried out once, what was not is not, and the ledger is whole.
func TestR15_BotsShareALedger(t *testing.T) {
	r := &replicas{T: t, killed: newKilled(t, inPostgres)}
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("BOT_ROUNDS")); err == nil {
		rounds = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d rounds", seed, rounds)
	r.rng = rand.New(rand.NewPCG(seed, 1))
	slack, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slack.Close() })
	r.slack = slack
	r.write("bot", slack.BotToken())
	r.write("app", slack.AppToken())
	r.write("url", r.ledger)
	r.write("key", r.keys)
	r.write("config.yaml", fmt.Sprintf(replicaConfig, r.dir, slackfake.DataApprovals))
	for i := range r.bots {
		r.start(i)
	}
	keys, err := ledger.ParseKeys(r.keys)
	if err != nil {
		t.Fatal(err)
	}
	// Read-only, so that it stays out of what is tested.
	if r.kept, err = ledger.Open(t.Context(), ledger.Options{Location: r.ledger, Account: sandbox.AcmeAccountID, Keys: keys, ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.kept.Close() })
	for i := range rounds {
		r.round(i)
	}
	for i := range r.bots {
		r.stop(i)
	}
	if v, err := r.kept.Verify(t.Context()); err != nil || v.Last == 0 {
		t.Errorf("the trail: %v", err)
	}
}

func (r *replicas) write(file, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, file), []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

// start starts a bot, and waits until it has its socket.
func (r *replicas) start(i int) {
	r.Helper()
	connected := r.slack.Snapshot().Connected
	r.bots[i], r.logs[i] = r.program(r.T, "bot", "--config", filepath.Join(r.dir, "config.yaml"), "--slack-api-url", r.slack.APIURL(), "--drain", "2s"), &bytes.Buffer{}
	// Its ledger is that of the configuration.
	r.bots[i].Env = slices.DeleteFunc(r.bots[i].Env, func(v string) bool { return strings.HasPrefix(v, "DATABRICKS_ACCESS_AUDIT_") })
	r.bots[i].Stderr = r.logs[i]
	if err := r.bots[i].Start(); err != nil {
		r.Fatal(err)
	}
	stop := sync.OnceFunc(func() { _ = r.bots[i].Process.Kill(); _ = r.bots[i].Wait() })
	r.Cleanup(stop)
	r.until("a socket", func(s *slackfake.Snapshot) bool { return s.Connected > connected })
}

func (r *replicas) stop(i int) {
	_ = r.bots[i].Process.Signal(syscall.SIGTERM)
	_ = r.bots[i].Wait() // how it ended is not what this is about
}

func (r *replicas) until(what string, ok func(s *slackfake.Snapshot) bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 90*time.Second)
	defer cancel()
	if err := r.slack.WaitFor(ctx, ok); err != nil {
		var seen []string
		for _, m := range r.slack.MessagesIn(slackfake.DataApprovals) {
			seen = append(seen, m.Text)
		}
		r.Fatalf("never %s\nchannel: %s\nlogs: %s\n%s", what, strings.Join(seen, "\n---\n"), r.logs[0], r.logs[1])
	}
}

var planNamed = regexp.MustCompile(`p-[0-9A-HJKMNP-TV-Z]{10}`)

// round has one plan asked for, voted on by two people at once while bots die, carried out, and taken back.
func (r *replicas) round(n int) {
	r.Helper()
	before := len(r.slack.EphemeralsFor(slackfake.Alice, slackfake.DataHelp))
	if _, err := r.slack.SlashTyped(r.Context(), slackfake.Alice, slackfake.DataHelp, "/access-clone", "ivan@acme.test bob@acme.test --only loop-blue --ticket OPS-"+strconv.Itoa(n)); err != nil {
		r.Fatal(err)
	}
	var preview slackfake.Message
	r.until("a preview", func(s *slackfake.Snapshot) bool {
		mine := slices.DeleteFunc(slices.Clone(s.Ephemerals), func(m slackfake.Message) bool { return m.ForUser != slackfake.Alice || m.Channel != slackfake.DataHelp })
		for _, m := range mine[min(before, len(mine)):] {
			if strings.Contains(string(m.Blocks), "plan_send") {
				preview = m
			}
		}
		return preview.TS != ""
	})
	id := planNamed.FindString(string(preview.Blocks))
	r.press(slackfake.Alice, slackfake.DataHelp, preview.TS, "plan_send")
	var card slackfake.Message
	r.until("the plan's message", func(s *slackfake.Snapshot) bool {
		for _, m := range s.Messages {
			if m.Channel == slackfake.DataApprovals && m.ThreadTS == "" && strings.Contains(string(m.Blocks), id) {
				card = m
			}
		}
		return card.TS != ""
	})
	if writes := len(r.server.Writes()); writes != 2*n {
		r.Fatalf("round %d: %d writes before anybody approved", n, writes)
	}
	var voting sync.WaitGroup
	for _, voter := range []string{slackfake.Carol, slackfake.Dave} {
		voting.Go(func() { r.press(voter, slackfake.DataApprovals, card.TS, "plan_approve") })
	}
	victim := r.rng.IntN(2)
	pause := time.Duration(r.rng.IntN(400)) * time.Millisecond
	time.Sleep(pause)
	if r.rng.IntN(2) == 0 {
		_ = r.bots[victim].Process.Kill()
		_ = r.bots[victim].Wait()
		voting.Wait()
		r.start(victim)
	} else {
		_ = r.bots[victim].Process.Signal(syscall.SIGSTOP)
		time.Sleep(2 * time.Second)
		_ = r.bots[victim].Process.Signal(syscall.SIGCONT)
		voting.Wait()
	}
	// A vote may have been lost with its acknowledgement, of which Slack tells the person: they click again.
	r.settled(id, card, ledger.Applied, func() {
		for _, voter := range []string{slackfake.Carol, slackfake.Dave} {
			r.press(voter, slackfake.DataApprovals, card.TS, "plan_approve")
		}
	})
	if writes := len(r.server.Writes()); writes != 2*n+1 {
		r.Fatalf("round %d: %d writes, and not %d", n, writes, 2*n+1)
	}
	r.settled(id, card, ledger.Undone, func() {
		_, _ = r.slack.Mention(r.Context(), slackfake.Alice, slackfake.DataApprovals, card.TS, "undo "+id)
	})
	if writes := len(r.server.Writes()); writes != 2*n+2 {
		r.Fatalf("round %d: %d writes, and not %d", n, writes, 2*n+2)
	}
	votes, err := r.kept.Votes(r.Context(), id)
	if err != nil || len(votes) != 2 {
		r.Errorf("round %d: %d votes: %v", n, len(votes), err)
	}
}

// settled waits until a plan is in a state, and does something about it in between.
func (r *replicas) settled(id string, _ slackfake.Message, want ledger.State, again func()) {
	r.Helper()
	limit := time.Now().Add(3 * time.Minute)
	for n := 0; ; n++ {
		p, err := r.kept.Plan(r.Context(), id)
		switch {
		case err != nil:
			r.Fatal(err)
		case p.State == want:
			return
		case time.Now().After(limit):
			r.Fatalf("plan %s is %s\n%s\n%s", id, p.State, r.logs[0], r.logs[1])
		case n%50 == 0 && (want == ledger.Undone || p.State == ledger.Pending):
			again()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// press clicks a button. That nobody took the click is for the person to see.
func (r *replicas) press(user, channel, ts, button string) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	_, _ = r.slack.Click(ctx, slackfake.Press{User: user, Channel: channel, TS: ts, ActionID: button})
}
