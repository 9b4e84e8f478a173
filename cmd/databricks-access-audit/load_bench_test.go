package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/sandbox"
)

// busy is a bot as it ships, of which much is asked: with policy and ledger, with all limits for people and for calls.
type busy struct {
	*testing.B
	*killed
	slack *slackfake.Server
	cmd   *exec.Cmd
	kept  *ledger.Ledger
	log   lockedBuffer
	at    string // of its metrics
	next  atomic.Int64
}

const busyConfig = `
listen: %[4]s
estate: {refresh: 1h}
slack: {bot_token_file: %[1]s/bot, app_token_file: %[1]s/app}
ledger: {%[3]s}
channels: {approval: %[2]s}
policy:
  requesters:
    - {from: {group: all-staff}, for: anyone}
  rules:
    - id: all
      approvers:
        - {name: anybody, group: all-staff}
      min_approvals: 1
      channels: any
`

// ledgers are where a busy bot keeps its plans: a file; PostgreSQL; and one that is some way off, by a millisecond for each request.
var ledgers = []struct {
	name string
	in   func(testing.TB, *killed)
}{
	{"sqlite", inFile}, {"postgres", inPostgres}, {"slow_postgres", func(t testing.TB, k *killed) {
		inPostgres(t, k)
		k.ledger = away(t, k.ledger, time.Millisecond)
	}},
}

// employ starts a bot in a workspace, and waits until it has read the account.
func employ(b *testing.B, in func(testing.TB, *killed)) *busy {
	b.Helper()
	w := &busy{B: b, killed: newKilled(b, in)}
	r := &replicas{killed: w.killed}
	r.people()
	var err error
	if w.slack, err = slackfake.Start(r.workspace(), slackfake.Options{AckLimit: time.Minute}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.slack.Close() })
	if err := os.MkdirAll(filepath.Join(w.dir, "kept"), 0o700); err != nil {
		b.Fatal(err)
	}
	where := "path: " + w.ledger
	if w.shared != nil {
		where = fmt.Sprintf("url_file: %[1]s/url, key_file: %[1]s/key", w.dir)
	}
	w.at = free(b)
	for file, text := range map[string]string{"bot": w.slack.BotToken(), "app": w.slack.AppToken(), "url": w.ledger, "key": w.keys,
		"config.yaml": fmt.Sprintf(busyConfig, w.dir, slackfake.DataApprovals, where, w.at)} {
		if err := os.WriteFile(filepath.Join(w.dir, file), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	// Built as it is released: the tests' own binary has the tests in it.
	w.cmd = exec.Command(program(b), "bot", "--config", filepath.Join(w.dir, "config.yaml"), "--slack-api-url", w.slack.APIURL(), "--drain", "1s", "--log-level", "debug")
	w.cmd.Env = slices.DeleteFunc(w.killed.program(b).Env, func(v string) bool { return strings.HasPrefix(v, "DATABRICKS_ACCESS_AUDIT_") })
	w.cmd.Stderr = &w.log
	if err := w.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.cmd.Process.Kill(); _ = w.cmd.Wait() })
	if err := w.slack.WaitConnected(b.Context(), 2); err != nil {
		b.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(w.dir, "key"))
	o := ledger.Options{Location: w.ledger, Account: sandbox.AcmeAccountID, ReadOnly: true}
	if err == nil && w.shared != nil {
		o.Keys, err = ledger.ParseKeys(string(keys))
	}
	if err == nil {
		w.kept, err = ledger.Open(b.Context(), o)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.kept.Close() })
	w.answer(askerID(0)) // it has read the account when it answers
	return w
}

// free is a port of this machine that nobody listens at.
func free(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// away gives an address of a PostgreSQL for which each message takes so long to go there.
func away(t testing.TB, address string, d time.Duration) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	there := filepath.Join(q.Get("host"), ".s.PGSQL.5432")
	folder, err := os.MkdirTemp("", "away-") // not t.TempDir: a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(folder, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(folder) })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", there)
			if err != nil {
				_ = from.Close()
				continue
			}
			go func() { _, _ = io.Copy(from, to); _ = from.Close() }()
			go func() {
				defer func() { _ = to.Close() }()
				for buffer := make([]byte, 1<<16); ; {
					n, err := from.Read(buffer)
					if err != nil {
						return
					}
					time.Sleep(d)
					if _, err := to.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	q.Set("host", folder)
	u.RawQuery = q.Encode()
	return u.String()
}

// asks gives a command: a question of somebody about themselves, or every second time for a plan. No person gives many.
func (w *busy) asks(ctx context.Context) error {
	n := int(w.next.Add(1))
	who := askerID(n % askerCount)
	command, text := "/access-audit", "principal "+address(who)
	if n%2 == 0 {
		command, text = "/access-clone", fmt.Sprintf("%s %s --only slot-%d --ticket OPS-1", address(sourceID), address(targetID(n%slotCount)), n%slotCount)
	}
	_, err := w.slack.SlashTyped(ctx, member(who), slackfake.DataHelp, command, text)
	return err
}

// answer has somebody ask about themselves, and gives how long they waited for the answer.
func (w *busy) answer(who string) time.Duration {
	w.Helper()
	before := len(w.slack.EphemeralsFor(member(who), slackfake.DataHelp))
	begun := time.Now()
	if _, err := w.slack.SlashTyped(w.Context(), member(who), slackfake.DataHelp, "/access-audit", "principal "+address(who)); err != nil {
		w.Fatal(err)
	}
	for time.Since(begun) < time.Minute {
		for _, m := range w.slack.EphemeralsFor(member(who), slackfake.DataHelp)[before:] {
			if strings.Contains(m.Text+string(m.Blocks), "Coverage:") {
				return time.Since(begun)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	var told []string
	for _, m := range w.slack.EphemeralsFor(member(who), slackfake.DataHelp)[before:] {
		told = append(told, m.Text)
	}
	w.Fatalf("no answer to %s: %q", who, told)
	return 0
}

// metric reads one of the bot's figures.
func (w *busy) metric(line string) float64 {
	w.Helper()
	resp, err := http.Get("http://" + w.at + "/metrics")
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	sum := 0.0
	for l := range strings.Lines(string(text)) {
		if strings.HasPrefix(l, line) {
			v, _ := strconv.ParseFloat(strings.Fields(l)[len(strings.Fields(l))-1], 64)
			sum += v
		}
	}
	return sum
}

// files is how many the bot has open.
func (w *busy) files() float64 {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.cmd.Process.Pid))
	return float64(len(list))
}

// acked reports how long the last acknowledgements took, and how many envelopes have none or more than one.
func (w *busy) acked(since int, limits ...any) {
	w.Helper()
	var took []time.Duration
	lost := 0
	for _, a := range w.slack.Acks()[since:] {
		if a.Acked {
			took = append(took, a.AckedAt.Sub(a.SentAt))
		} else {
			lost++
		}
	}
	slices.Sort(took)
	if len(took) == 0 {
		w.Fatal("nothing was acknowledged")
	}
	w.ReportMetric(0, "ns/op")
	w.ReportMetric(ms(took[len(took)/2]), "ack-p50-ms")
	w.ReportMetric(ms(took[len(took)*95/100]), "ack-p95-ms")
	w.ReportMetric(ms(took[len(took)-1]), "ack-max-ms")
	w.ReportMetric(float64(lost+len(w.slack.Problems())), "not-acked-once")
	w.ReportMetric(500, "limit-p95-ms")
	w.ReportMetric(2000, "limit-max-ms")
	w.Logf("%d acknowledged, %d not; %q", len(took), lost, w.slack.Problems())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// steadily gives commands at a rate, without waiting for what becomes of them, and then waits until all were acknowledged or given up.
func (w *busy) steadily(n int, each time.Duration) {
	w.Helper()
	var giving sync.WaitGroup
	tick := time.NewTicker(each)
	defer tick.Stop()
	for range n {
		giving.Go(func() {
			if err := w.asks(w.Context()); err != nil && !errors.Is(err, slackfake.ErrNotAcked) {
				w.Error(err)
			}
		})
		<-tick.C
	}
	giving.Wait()
}

// BenchmarkBurst gives 100 commands within a second, half of them for plans.
func BenchmarkBurst(b *testing.B) {
	for _, l := range ledgers {
		b.Run(l.name, func(b *testing.B) {
			w := employ(b, l.in)
			before := len(w.slack.Acks())
			for b.Loop() {
				w.steadily(100, 10*time.Millisecond)
			}
			w.acked(before)
		})
	}
}

// BenchmarkSteady gives 20 commands a second for half a minute.
func BenchmarkSteady(b *testing.B) {
	for _, l := range ledgers[:2] {
		b.Run(l.name, func(b *testing.B) {
			w := employ(b, l.in)
			before := len(w.slack.Acks())
			w.steadily(100, 50*time.Millisecond)
			files, depth := w.files(), w.metric("access_audit_queue_depth")
			for b.Loop() {
				w.steadily(500, 50*time.Millisecond)
			}
			b.ReportMetric(w.files()-files, "more-files-open")
			b.ReportMetric(w.metric("access_audit_queue_depth")-depth, "more-queued")
			b.ReportMetric(w.metric("access_audit_commands_turned_away_total"), "turned-away")
			w.acked(before)
		})
	}
}

// BenchmarkWarmAnswer times answers from what was read before, one after the other, each to somebody else, and no more than Slack takes
// the files of: three for each answer, a hundred a minute.
func BenchmarkWarmAnswer(b *testing.B) {
	w := employ(b, inFile)
	var took []time.Duration
	for b.Loop() {
		for n := range 20 {
			took = append(took, w.answer(askerID(1+n)))
			time.Sleep(time.Second)
		}
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*95/100]), "p95-ms")
	b.ReportMetric(2000, "limit-p95-ms")
}

// BenchmarkApprovalUnderAudits times clicks of approval while audits that read the account fill all lanes and the queue: until the
// approval is recorded, and until the plan is carried out.
func BenchmarkApprovalUnderAudits(b *testing.B) {
	for _, l := range ledgers {
		b.Run(l.name, func(b *testing.B) {
			w := employ(b, l.in)
			const plans = 5
			var made []approvable
			for n := range plans {
				made = append(made, w.put(n))
			}
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			var auditing sync.WaitGroup
			w.server.SetFaults(sandbox.Fault{Method: "GET", Route: "/api/2.1/unity-catalog/schemas", Delay: 2 * time.Second}) // so that audits last
			for n := range 60 {
				auditing.Go(func() {
					who := askerID(20 + n)
					_, _ = w.slack.SlashTyped(ctx, member(who), slackfake.DataHelp, "/access-audit", "principal "+address(who)+" --scan-uc --fresh")
				})
			}
			auditing.Wait()
			var approved, applied []time.Duration
			full := w.metric("access_audit_queue_depth")
			for b.Loop() {
				for n, p := range made {
					a, d := w.approve(p, voterID(n))
					approved, applied = append(approved, a), append(applied, d)
				}
				made = nil
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(full, "audits-queued")
			b.ReportMetric(ms(slices.Max(approved)), "approved-max-ms")
			b.ReportMetric(1000, "limit-approved-ms")
			b.ReportMetric(ms(slices.Max(applied)), "applied-max-ms")
		})
	}
}

// approvable is a plan that waits for a vote.
type approvable struct {
	id   string
	card ledger.Card
}

// put makes a plan and puts it to the vote.
func (w *busy) put(n int) (p approvable) {
	w.Helper()
	who := askerID(80 + n)
	text := fmt.Sprintf("%s %s --only slot-%d --ticket OPS-1", address(sourceID), address(targetID(2*n)), 2*n)
	if _, err := w.slack.SlashTyped(w.Context(), member(who), slackfake.DataHelp, "/access-clone", text); err != nil {
		w.Fatal(err)
	}
	ts := ""
	w.wait("a preview", func() bool {
		for _, m := range w.slack.EphemeralsFor(member(who), slackfake.DataHelp) {
			if strings.Contains(string(m.Blocks), "plan_send") {
				ts, p.id = m.TS, planNamed(string(m.Blocks))
			}
		}
		return ts != ""
	})
	if _, err := w.slack.Click(w.Context(), slackfake.Press{User: member(who), Channel: slackfake.DataHelp, TS: ts, ActionID: "plan_send"}); err != nil {
		w.Fatal(err)
	}
	w.wait("a card", func() (there bool) {
		var err error
		p.card, err = w.kept.Card(w.Context(), p.id)
		return err == nil
	})
	return p
}

func (w *busy) wait(what string, ok func() bool) {
	w.Helper()
	for limit := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			w.Fatalf("never: %s", what)
		}
	}
}

// approve clicks, and gives how long it was until the plan was approved, and until it was carried out.
func (w *busy) approve(p approvable, voter string) (approved, applied time.Duration) {
	w.Helper()
	begun := time.Now()
	go func() {
		_, _ = w.slack.Click(w.Context(), slackfake.Press{User: member(voter), Channel: p.card.Channel, TS: p.card.TS, ActionID: "plan_approve"})
	}()
	var now ledger.Plan
	state := func(states ...ledger.State) func() bool {
		return func() bool {
			var err error
			now, err = w.kept.Plan(w.Context(), p.id)
			return err == nil && slices.Contains(states, now.State)
		}
	}
	w.wait("approved", state(ledger.Approved, ledger.Applying, ledger.Applied))
	approved = time.Since(begun)
	w.wait("applied", state(ledger.Applied))
	return approved, time.Since(begun)
}
