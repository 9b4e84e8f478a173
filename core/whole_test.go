package core_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// TestEveryQuestionFromOneSnapshot asks the account, and a snapshot of the whole account that was read before
// anybody knew what would be asked: the answers are the same, and what could hide more is.
func TestEveryQuestionFromOneSnapshot(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	var kept *core.Snapshot
	if _, err := engineKeeping(t, server, &kept).Snapshot(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	live, saved := engineKeeping(t, server, new(*core.Snapshot)), fromFile(t, kept)
	for _, words := range []string{
		"principal alice@acme.test",
		"principal alice@acme.test --scan-all --scan-workspace-objects --check-local-groups --escalation-check",
		"principal data-engineering --scan-all --scan-workspace-objects",
		"principal sybil@acme.test --workspace-object-types tokens,passwords,instance_pools,genie_spaces,legacy_dashboards,sql_alerts,mlflow_experiments",
		"group data-engineering --scan-all --scan-workspace-objects --check-local-groups --revoke-script",
		"group 8102@staging --check-local-groups",
		"compare alice@acme.test bob@acme.test --scan-all --scan-workspace-objects",
		"resource main.sales.orders",
		"resource main --privilege USE_CATALOG",
		"can alice@acme.test read main.sales.orders",
		"can dave@acme.test read main.finance.ledger --scan-workspace-objects",
		"roles",
		"roles --scan-workspace-objects",
		"escalations --scan-workspace-objects --scan-all",
		"what-if remove-member alice@acme.test pipelines-oncall",
	} {
		t.Run(words, func(t *testing.T) {
			q := parse(t, strings.Fields(words)...)
			first, again := ask[report.Report](t, live, q), ask[report.Report](t, saved, q)
			if g, ok := again.(*report.GroupReport); ok {
				// The file knows who else is in what, which decides about redundancies that are unknown to
				// whoever reads the group alone.
				f := first.(*report.GroupReport)
				decided(t, f.Redundancies, g.Redundancies)
				g.Redundancies, g.ObjectRedundancies, g.RevokeScript = f.Redundancies, f.ObjectRedundancies, f.RevokeScript
			}
			if diff := cmp.Diff(answerOf(t, first), answerOf(t, again)); diff != "" {
				t.Errorf("answered otherwise from the file: %s", diff)
			}
			if diff := cmp.Diff(gapsOf(first), gapsOf(again)); diff != "" {
				t.Errorf("what could hide more: %s", diff)
			}
		})
	}
}

// decided checks that a list of redundancies which rests on more facts says what the other says, where that
// says anything.
func decided(t *testing.T, less, more []report.Redundancy) {
	t.Helper()
	if len(less) != len(more) {
		t.Fatalf("%d and %d redundancies", len(less), len(more))
	}
	for i := range less {
		a, b := less[i], more[i]
		found := a.Level == report.RedundantShadowed && b.Level == report.RedundantFull // by a group that was not known
		if a.Member.ID != b.Member.ID || a.Securable.FullName != b.Securable.FullName || a.Level != b.Level && a.Level != report.RedundantUnknown && !found {
			t.Errorf("%s on %s is %s, and from the file %s on %s is %s", a.Member.Name, a.Securable.FullName, a.Level, b.Member.Name, b.Securable.FullName, b.Level)
		}
	}
}
