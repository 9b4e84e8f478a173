package formatters

import (
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// TestTheMapOfAGroup: every grant is an edge that says whose it is, and the redundant ones say so.
func TestTheMapOfAGroup(t *testing.T) {
	r := groupRich()
	m, drawn := mapOf(t, r)
	if !drawn {
		t.Fatal("no map")
	}
	bySource, held := map[string]int{}, map[string]int{}
	redundant := 0
	for _, e := range m.Edges {
		if e.Kind == edgeGrant || e.Kind == edgeOwner {
			bySource[e.Source]++
		}
		if strings.Contains(e.Note, "redundancy") {
			redundant++
		}
	}
	for _, g := range r.Grants {
		held[g.GrantSource]++
	}
	for _, o := range r.Objects {
		held[o.GrantSource]++
	}
	for source, n := range held {
		if bySource[source] != n {
			t.Errorf("%d edges of %d that are %s", bySource[source], n, source)
		}
	}
	if redundant == 0 {
		t.Errorf("no edge says that it is redundant:\n%s", strings.Join(ways(m), "\n"))
	}
}

// TestTheScriptIsShownAsItIs: line by line, and without what acts.
func TestTheScriptIsShownAsItIs(t *testing.T) {
	r := groupRich()
	script := "-- takes it away\nREVOKE SELECT ON TABLE `a</script>b` FROM `x`;\n-- \x1b[2J\n"
	for text, want := range map[*string]string{&script: "-- takes it away\nREVOKE SELECT ON TABLE `a</script>b` FROM `x`;\n-- \\u{1b}[2J\n", nil: ""} {
		r.RevokeScript = text
		shown := ""
		for _, n := range elements(parseHTML(t, write(t, report.Report(r), Options{Format: HTML})), "pre") {
			shown += textOf(n)
		}
		if shown != want {
			t.Errorf("got %q, want %q", shown, want)
		}
	}
}
