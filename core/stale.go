package core

import (
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// staleGrants compares what somebody holds with what was used, if that is asked, and says in the envelope
// what the answer rests on. It is null when it is not asked.
func staleGrants(head *report.Envelope, m *access.Model, subject identity.PrincipalKey, asked query.LastUse) []report.Stale {
	if asked.Days == 0 {
		return nil
	}
	for i, g := range head.Coverage.Gaps {
		// A grant that is not known is not among those compared.
		if slices.Contains(g.Affects, report.ListGrants) {
			head.Coverage.Gaps[i].Affects = append(slices.Clone(g.Affects), report.ListStale)
		}
	}
	e := m.Estate()
	for metastore, l := range e.AuditLogs() {
		head.Notes = append(head.Notes, "last uses in metastore "+e.MetastoreName(metastore)+": "+covered(l)+
			fmt.Sprintf(", read by SQL warehouse %s (%s) of workspace %s, %s", l.Warehouse.Name, l.Warehouse.ID, e.WorkspaceName(l.Workspace), spending(l.Warehouse)))
	}
	return analysis.StaleGrants(m, subject, asked.Days)
}

// covered says of which days a log has anything.
func covered(l identity.AuditLog) string {
	if l.First.IsZero() {
		return "the audit log has nothing since " + l.Since.Format(time.DateOnly)
	}
	return "audit log from " + l.First.Format(time.DateOnly) + " to " + l.Last.Format(time.DateOnly)
}

func spending(w identity.Warehouse) string {
	if w.Running() {
		return "which was running: what it computes costs money"
	}
	return "which was started for it: that costs money until it stops by itself"
}
