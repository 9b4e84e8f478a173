package formatters

import (
	"regexp"
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// looksComplete is what only an answer may say for which something was read.
var looksComplete = regexp.MustCompile(`Coverage: complete|0 of 0|everything needed was read|class="seen complete"|✓`)

func TestNothingPlannedDoesNotLookComplete(t *testing.T) {
	for fixture, clause := range map[string]string{
		"plan_shown": "nothing was read from the account for this answer", "plan_applied": "no reads were planned for this answer",
		"history": "nothing was read from the account for this answer", "history_empty": "nothing was read from the account for this answer",
	} {
		r := fixtures()[fixture]
		if r.Head().Coverage.Planned != 0 || !r.Head().Coverage.Complete {
			t.Fatalf("%s does not stand for an answer without planned reads: %+v", fixture, r.Head().Coverage)
		}
		texts := map[string]string{"summary": summary(t, r, Options{})}
		for _, f := range []Format{Text, Tree, Markdown, HTML, CSV} {
			texts[string(f)] = write(t, r, Options{Format: f})
		}
		for f, text := range texts {
			if found := looksComplete.FindString(text); found != "" {
				t.Errorf("%s as %s says %q, and nothing was read", fixture, f, found)
			}
			if !strings.Contains(text, clause) {
				t.Errorf("%s as %s does not say: %s", fixture, f, clause)
			}
		}
	}
	one := rich()
	if text := write(t, one, Options{Format: Text}); !strings.Contains(text, "Coverage: complete, 25 of 25 planned reads succeeded") {
		t.Error("what was read is no longer said to be complete")
	}
	cut := historyOf()
	cut.Coverage.Complete = false
	cut.Coverage.Gaps = []report.Gap{{Scope: "account", Operation: "read the ledger", Blocking: true}}
	if text := write(t, cut, Options{Format: Text}); !strings.Contains(text, "Coverage: INCOMPLETE") {
		t.Error("an answer that lacks something is no longer said to be incomplete")
	}
}
