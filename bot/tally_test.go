package bot

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

var (
	series = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? (\S+)$`)
	label  = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	// plain is what labels may hold: names of this program's, of Slack's methods, and numbers.
	plainLabel = regexp.MustCompile(`^([a-z]+(_[a-z]+)*|[a-z]+(\.[a-z]+)*\.[a-zA-Z]+|[0-9.e+-]+|\+Inf)$`)
)

// values gives all values of labels, as "metric label value".
func values(metrics string) map[string]bool {
	all := map[string]bool{}
	for _, line := range series.FindAllStringSubmatch(metrics, -1) {
		for _, l := range label.FindAllStringSubmatch(line[2], -1) {
			if l[1] != "le" {
				all[line[1]+" "+l[1]+" "+l[2]] = true
			}
		}
	}
	return all
}

// busy does a bit of everything, on the word of some people about others.
func (w *town) busy(from, to, asker, voter string) {
	w.Helper()
	w.ask(asker, "principal "+to+"@acme.test")
	w.ask(asker, "nonsense "+to)
	w.ask(slackfake.Guest, "principal "+to+"@acme.test")
	card := w.asks(asker, from+" @"+to)
	plans := w.plans()
	p := plans[len(plans)-1]
	for _, user := range []string{slackfake.Guest, asker, voter} {
		w.press(user, slackfake.DataApprovals, card.TS, buttonApprove)
	}
	w.become(p.ID, ledger.Applied)
	w.stale(voter, card.TS, buttonApprove, p.ID+":"+p.Digest[:12])
	w.stale(slackfake.Dave, card.TS, buttonApprove, p.ID+":"+p.Digest[:12])
	w.replies(voter, card.TS, "approve p-0000000000")
	w.replies(slackfake.Guest, card.TS, "reject "+p.ID)
	w.until("carried out", says("To take it back, mention me here with: undo "+p.ID))
	w.until("the files", func(s *slackfake.Snapshot) bool { return len(s.Files)%6 == 0 })
	w.quiet()
}

// TestMetricsNameNobody: after a busy time every metric is there, and no label says whom or what it was about; nor do more people and
// plans make more labels.
func TestMetricsNameNobody(t *testing.T) {
	address := freeAddress(t)
	w := found(t, slackfake.Options{}, nil, func(b *board, c *Config) { c.Listen = address })
	if err := w.slack.UpdateChannel(slackfake.DataApprovals, func(c *slackfake.Channel) { c.Members = append(c.Members, slackfake.Guest) }); err != nil {
		t.Fatal(err)
	}
	w.slack.AddFault(slackfake.Fault{Method: "chat.update", Status: 429, NoHeader: true, Times: 1})
	w.busy("erin", "bob", slackfake.Alice, slackfake.Carol)
	text := scrape(t, address)
	before := values(text)
	for _, want := range []string{
		`plans{state="applied"} 1`, `plans{state="pending"} 0`, `outbox_depth 0`, `applies_halted 0`, `apply_actions_total{result="done"} 0`,
		`approvals_total{decision="approve",reason="counted"} 1`, `approvals_total{decision="approve",reason="not_allowed"} 1`,
		`approvals_total{decision="approve",reason="stranger"} 1`, `approvals_total{decision="reject",reason="stranger"} 1`,
		`approvals_total{decision="approve",reason="misplaced"} 1`, `approvals_total{decision="approve",reason="too_late"} 1`,
		`approvals_total{decision="approve",reason="repeated"} 1`,
		`identity_refused_total{reason="guest"} 3`, `queue_depth{lane="votes"} 0`, `queue_depth{lane="audits"} 0`,
		`dedupe_hits_total 0`, `acks_late_total 0`, `command_seconds_count{result="complete",sub="clone"} 1`,
		`slack_api_seconds_count{code="200",method="files.completeUploadExternal"} 2`, `uploads_expiry_overdue 0`,
	} {
		if !strings.Contains(text, "access_audit_"+want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	w.busy("frank", "dave", slackfake.Bob, slackfake.Carol)
	text = scrape(t, address)
	after := values(text)
	for _, v := range slices.Sorted(maps.Keys(after)) {
		what := strings.Fields(v)
		if len(what) != 3 || !plainLabel.MatchString(what[2]) {
			t.Errorf("a label that may hold anything: %s", v)
		}
		if !before[v] {
			t.Errorf("a label that more people and plans made: %s", v)
		}
	}
	if len(after) > 200 {
		t.Errorf("%d values of labels", len(after))
	}
	told := []string{"acme", "alice", "bob", "carol", "dave", "erin", "@", slackfake.DataApprovals, slackfake.DataHelp, "U0"}
	for _, p := range w.plans() {
		told = append(told, p.ID, p.Digest[:8])
	}
	for _, job := range regexp.MustCompile(`"job":"(\w+)"`).FindAllStringSubmatch(w.log.String(), -1) {
		told = append(told, job[1])
	}
	for _, name := range told {
		if strings.Contains(text, name) {
			t.Errorf("%s is among the metrics", name)
		}
	}
	if want := `access_audit_slack_429_total{method="chat.update"} 1`; !strings.Contains(text, want+"\n") {
		t.Errorf("no %s", want)
	}
}

// TestMetricsOfRepetitions: what is delivered again is counted, for plans as for questions.
func TestMetricsOfRepetitions(t *testing.T) {
	address := freeAddress(t)
	w := found(t, slackfake.Options{Duplicate: true}, nil, func(_ *board, c *Config) { c.Listen = address })
	w.asks(slackfake.Alice, "erin @bob")
	w.quiet()
	if n := fmt.Sprintf("access_audit_dedupe_hits_total %d\n", 2); !strings.Contains(scrape(t, address), n) {
		t.Errorf("no %s in\n%s", n, scrape(t, address))
	}
}

// TestStrangerKinds: every reason has a name among the metrics.
func TestStrangerKinds(t *testing.T) {
	seen := map[string]string{}
	for kind, why := range strangerKinds {
		if other, twice := seen[why]; why == "" || twice {
			t.Errorf("%s and %s are both %q", kind, other, why)
		}
		seen[why] = kind
	}
}
