package formatters

import (
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// TestGroupsOfPlansAreQuotedOnce: a name that needs quotes has one pair of them.
func TestGroupsOfPlansAreQuotedOnce(t *testing.T) {
	for name, want := range map[string]string{
		`analysts`: `s1 group analysts (`,
		`<!channel> =HYPERLINK("http://evil.test")`: `s1 group "<!channel> =HYPERLINK(""http://evil.test"")" (`,
		`a, b`: `s1 group "a, b" (`,
		``:     `s1 group group 7 (`,
	} {
		got := actionText(report.Action{ID: "s1", Group: &report.Principal{ID: "7", Kind: "group", Name: name}})
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q is shown as %s, want %s…", name, got, want)
		}
	}
}
