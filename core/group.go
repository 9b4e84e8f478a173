package core

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sqltext"
)

// group answers what a group gives, who is in it and what they hold besides.
func (g *Engine) group(ctx context.Context, src collect.Source, q query.Group, o collect.Options) (report.Report, error) {
	scope := collect.Scope{Who: q.Name, Below: q.Scan, Objects: objectScope(q.Objects), LocalGroups: q.LocalGroups, WorkspaceURLs: q.WorkspaceURLs, Uses: collect.Uses(q.LastUse)}
	e, key, err := collect.Group(ctx, src, scope, o)
	if err != nil {
		return nil, err
	}
	m := access.Over(e, g.o.Rules)
	r := m.Group(key, access.Also{Objects: q.Objects.Asked, LocalGroups: q.LocalGroups})
	if r.Members != nil {
		r.Redundancies = analysis.Redundancies(m, m.Members(key))
		if q.Objects.Asked {
			r.ObjectRedundancies = analysis.ObjectRedundancies(m, m.Members(key))
		}
	}
	g.sign(&r.Envelope, q, e, src)
	doubt(&r.Coverage, e, m.GroupDoubts(key), report.ListGrants)
	if q.Objects.Asked {
		doubtObjects(&r.Coverage, e, m.GroupObjectDoubts(key), "the group's or a member's")
	}
	r.Stale = staleGrants(&r.Envelope, m, key, q.LastUse)
	if q.RevokeScript {
		script := sqltext.Revokes(r.Redundancies, r.Coverage, q.Force) + notBySQL(r.ObjectRedundancies)
		r.RevokeScript = &script
	}
	return r, nil
}

// notBySQL says in a script what it cannot do.
func notBySQL(found []report.ObjectRedundancy) string {
	n := 0
	for _, r := range found {
		if r.Level == report.RedundantFull || r.Level == report.RedundantShadowed {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("-- Beside these, permissions on workspace objects that members would not miss: %d. No SQL takes them away; the report lists them.\n", n)
}

// doubtObjects adds a gap for each object of whose permissions it cannot be told whom they name.
func doubtObjects(c *report.Coverage, e *estate.Estate, doubts map[identity.Object][]string, whose string) {
	for _, o := range e.Objects() {
		names := doubts[o.Object]
		if len(names) == 0 {
			continue
		}
		c.Complete = false
		c.Gaps = append(c.Gaps, report.Gap{
			Scope: "workspace " + e.WorkspaceName(o.Workspace), Operation: "tell whom the permissions on " + o.Type.Title() + " " + o.Name + " name",
			Kind:    identity.Failed,
			Message: fmt.Sprintf("a group of the workspace alone and one of the account are called %s", strings.Join(slices.Compact(names), ", ")),
			Effect:  "whether the permission is " + whose + " is not known; it is not listed",
			Affects: []string{report.ListObjects}, Blocking: true,
		})
	}
}
