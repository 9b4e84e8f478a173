package core_test

import (
	"strings"
	"testing"

	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// TestThriftyStartsNoWarehouse: what only a stopped SQL warehouse could tell is a gap that says why, and no statement is sent to one.
func TestThriftyStartsNoWarehouse(t *testing.T) {
	for _, thrifty := range []bool{false, true} {
		c := sit(t)
		c.server.Update(func(a *sandbox.Account) {
			for _, w := range a.Workspaces {
				for _, o := range w.Objects {
					if o.Type == "warehouses" {
						o.Extra = map[string]any{"state": "STOPPED"}
					}
				}
			}
		})
		engine := c.engine
		if thrifty {
			engine = engine.Thrifty()
		}
		r, err := engine.Answer(t.Context(), query.Principal{Who: wendy, LastUse: query.LastUse{Days: 90}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		statements := 0
		for _, call := range c.server.Calls() {
			if strings.HasPrefix(call.Path, "/api/2.0/sql/statements") {
				statements++
			}
		}
		refused := 0
		for _, gap := range r.Head().Coverage.Gaps {
			if strings.Contains(gap.Message, "audits.may_start_warehouse") && gap.Blocking {
				refused++
			}
		}
		if thrifty != (statements == 0) || thrifty != (refused > 0) {
			t.Errorf("thrifty %t: %d statements, %d gaps for want of a warehouse", thrifty, statements, refused)
		}
		if p, ok := r.(*report.PrincipalReport); !ok || thrifty && p.Coverage.Complete {
			t.Errorf("thrifty %t: complete %t", thrifty, p.Coverage.Complete)
		}
	}
}
