package formatters

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// changedWays are the edges of a map that say how they changed, in words.
func changedWays(m htmlMap) []string {
	var all []string
	for _, e := range m.Edges {
		gives := ""
		if e.Gives != nil {
			gives = strings.Join(m.Lists[*e.Gives], ",")
		}
		all = append(all, fmt.Sprintf("%s %s %s %s [%s] %s", changeMark(e.Change), m.Nodes[e.From].Name, e.Kind, m.Nodes[e.To].Name, gives, e.Source))
	}
	slices.Sort(all)
	return all
}

// TestTheMapOfAComparison has each change once: as an edge where it is between two, and else on the node.
func TestTheMapOfAComparison(t *testing.T) {
	m, drawn := mapOf(t, diffRich())
	if !drawn {
		t.Fatal("no map")
	}
	want := []string{
		"+ added alice@acme.test can use main.sales.orders [SELECT] effective",
		"+ added alice@acme.test can use prod [ADMIN] effective",
		"+ added alice@acme.test has role account admin of account [account_admin] effective",
		"+ added alice@acme.test has role account admin of account [account_admin] fact",
		"+ added alice@acme.test has role roles/group.manager of analysts [roles/group.manager] fact",
		"+ added alice@acme.test member of analysts [] fact",
		"+ added analysts assigned to prod [USER] fact",
		"+ added analysts granted nightly etl [CAN_MANAGE_RUN,CAN_VIEW] fact",
		"+ added gone granted main.sales.orders [MODIFY,SELECT] fact",
		"+ added platform owner of main.sales.orders [OWNER] fact",
		"+ added prod is bound to main [READ_ONLY] fact",
		"~ changed alice@acme.test member of analysts [] fact",
		"− removed alice@acme.test can use nightly etl [CAN_MANAGE] effective",
		"− removed alice@acme.test can use prod [USER] effective",
		"− removed analysts assigned to prod [workspace-access] fact",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, changedWays(m)); diff != "" {
		t.Error(diff)
	}
	nodes := map[string]string{}
	for _, n := range m.Nodes {
		if n.Change != "" {
			nodes[n.Name] = n.Change
		}
	}
	wantNodes := map[string]string{"analysts": changeChanged, "main.sales.orders": changeAdded, "main": changeChanged, "us": changeChanged, "prod": changeChanged, "nightly etl": changeChanged}
	if diff := cmp.Diff(wantNodes, nodes); diff != "" {
		t.Error(diff)
	}
}

// TestGainAndLossAreApart: of a grant that changed, the map shows what came and what went, not what stayed.
func TestGainAndLossAreApart(t *testing.T) {
	r := diffOf()
	who := report.Principal{ID: "1", Kind: "user", Name: "ann", Aliases: []string{}}
	on := report.Securable{Type: identity.TypeCatalog, FullName: "main", Metastore: "us"}
	change := func(before, after []identity.Privilege) {
		r.Changed = []report.Change{{ID: "c1", Kind: report.KindGrant, Key: report.ChangeKey{Principal: &who, Securable: &on},
			Before: &report.State{Privileges: before}, After: &report.State{Privileges: after}}}
	}
	for _, c := range []struct {
		before, after []identity.Privilege
		want          []string
	}{
		{[]identity.Privilege{"BROWSE", "SELECT"}, []identity.Privilege{"MODIFY", "BROWSE"}, []string{"+ added ann granted main [MODIFY] fact", "− removed ann granted main [SELECT] fact"}},
		{[]identity.Privilege{"SELECT"}, []identity.Privilege{"MODIFY", "SELECT"}, []string{"+ added ann granted main [MODIFY] fact"}},
		{[]identity.Privilege{"SELECT"}, []identity.Privilege{"SELECT"}, []string{"~ changed ann granted main [SELECT] fact"}},
	} {
		change(c.before, c.after)
		m, _ := mapOf(t, r)
		if diff := cmp.Diff(c.want, changedWays(m)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestAComparisonThatWasNotMadeIsNotDrawnAsEmpty: the picture and the page say what is missing.
func TestAComparisonThatWasNotMadeIsNotDrawnAsEmpty(t *testing.T) {
	want := "Not on the map, since not read: added, changed, removed."
	if got := write(t, diffForeign(), Options{Format: SVG}); !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
	if got := write(t, diffSame(), Options{Format: SVG}); strings.Contains(got, "Not on the map") || !strings.Contains(got, "There is nothing to draw.") {
		t.Errorf("two readings that are the same:\n%s", got)
	}
}
