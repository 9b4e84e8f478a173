package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sqltext"
)

// Scripts writes the steps of a plan in the languages of others. They are data: nothing here carries one
// out. The model may be nil; then the hosts of workspaces and the names of metastores are not known.
func Scripts(p Plan, m *access.Model) (report.Scripts, error) {
	w := &scribe{p: p, m: m}
	api, err := w.api()
	return report.Scripts{SQL: w.sql(), Terraform: w.terraform(), API: api, Tickets: w.tickets()}, err
}

type scribe struct {
	p Plan
	m *access.Model
}

// head says of what a script is, in lines that do nothing.
func (w *scribe) head(comment func(string) string) string {
	sum, _ := Digest(w.p) // a plan without a digest has no scripts: Show refused it
	lines := []string{
		comment(fmt.Sprintf("plan %s, digest %s, for %s %s", w.p.ID, sum, w.p.Target.Key.Kind.Title(), w.p.Target.Name)),
	}
	if !w.p.Complete {
		lines = append(lines, comment("not everything was read that the plan needs: more may be missing"))
	}
	return strings.Join(lines, "\n") + "\n"
}

// sql are the grants; what SQL cannot do stands beside them as comments.
func (w *scribe) sql() string {
	var b strings.Builder
	b.WriteString(w.head(sqltext.Comment))
	metastore := ""
	for _, c := range w.p.changes(Granted) {
		on := c.Cell.Securable
		if on.Metastore != metastore {
			metastore = on.Metastore
			b.WriteString("\n" + sqltext.Comment("in a workspace of metastore "+w.metastore(metastore)) + "\n")
		}
		statements, err := w.statement(c)
		if err != nil {
			b.WriteString(sqltext.Comment(fmt.Sprintf("not written: %s on %s %s: %v", c.Cell.Privilege.SQL(), on.Type, on.FullName(), err)) + "\n")
			continue
		}
		for _, s := range statements {
			b.WriteString(s + "\n")
		}
	}
	for _, s := range w.p.Executable() {
		if s.Change.Cell.Kind != Granted {
			b.WriteString(sqltext.Comment(fmt.Sprintf("not for SQL: step %s, %s", s.ID, words(*s.Change))) + "\n")
		}
	}
	return b.String()
}

func (w *scribe) statement(c Change) ([]string, error) {
	info := identity.SecurableInfo{Securable: c.Cell.Securable}
	if w.m != nil {
		if known, ok := w.m.Estate().Securable(c.Cell.Securable); ok {
			info = known
		}
	}
	if c.After == Absent {
		return sqltext.Revoke([]identity.Privilege{c.Cell.Privilege}, info, c.HolderName)
	}
	return sqltext.Grant([]identity.Privilege{c.Cell.Privilege}, info, c.HolderName)
}

func (w *scribe) metastore(id string) string {
	if w.m == nil {
		return id
	}
	return w.m.Estate().MetastoreName(id)
}

// changes are the executable ones of a kind of cell, in order of the cells.
func (p Plan) changes(kind CellKind) []Change {
	var list []Change
	for _, s := range p.Executable() {
		if s.Change.Cell.Kind == kind {
			list = append(list, *s.Change)
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return a.Cell.Compare(b.Cell) })
	return list
}

// words say what a change does.
func words(c Change) string {
	verb := "give"
	if c.After == Absent {
		verb = "take from"
	}
	switch c.Cell.Kind {
	case Member:
		verb = "add"
		if c.After == Absent {
			verb = "remove"
		}
		return fmt.Sprintf("%s %s as member of group %s (id %s)", verb, c.HolderName, c.GroupName, c.Cell.Group.ID)
	case Assigned:
		return fmt.Sprintf("%s %s %s in workspace %s", verb, c.HolderName, held(cmp.Or(c.After, c.Before)), c.ObjectName)
	case Entitled:
		return fmt.Sprintf("%s %s %s in workspace %s", verb, c.HolderName, c.Cell.Entitlement, c.ObjectName)
	case ObjectLevel:
		return fmt.Sprintf("%s %s %s on %s %s", verb, c.HolderName, held(cmp.Or(c.After, c.Before)), c.Cell.Object.Type.Title(), c.ObjectName)
	default:
		return fmt.Sprintf("%s %s %s on %s %s", verb, c.HolderName, c.Cell.Privilege.SQL(), c.Cell.Securable.Type, c.Cell.Securable.FullName())
	}
}

// tickets are what the identity provider's administrators are asked for, one paragraph for each group.
func (w *scribe) tickets() string {
	var b strings.Builder
	for _, s := range w.p.Steps {
		if s.Kind != IDPRequired || s.Change == nil {
			continue
		}
		c := s.Change
		fmt.Fprintf(&b, "Please add a member to a group in the identity provider.\n  group: %s\n  external id: %s\n  member: %s (%s, Databricks id %s)\n",
			visible(c.GroupName), visible(cmp.Or(c.ExternalID, "not known")), visible(c.HolderName), c.Cell.Holder.Kind.Title(), c.Cell.Holder.ID)
		if p, ok := w.holder(); ok && p.ExternalID != "" {
			fmt.Fprintf(&b, "  member's external id: %s\n", visible(p.ExternalID))
		}
		if w.p.For > 0 {
			fmt.Fprintf(&b, "  for: %d minutes; please remove it then\n", w.p.For/60)
		}
		fmt.Fprintf(&b, "  why: access like that of %s; plan %s, step %s\n\n", visible(w.p.Source.Name), w.p.ID, s.ID)
	}
	if b.Len() == 0 {
		return "Nothing is to be asked of the identity provider's administrators.\n"
	}
	return b.String()
}

func (w *scribe) holder() (identity.Principal, bool) {
	if w.m == nil {
		return identity.Principal{}, false
	}
	return w.m.Estate().Principal(w.p.Target.Key)
}

// visible shows a name on one line, with what cannot be seen written out.
func visible(name string) string { return strings.TrimPrefix(sqltext.Comment(name), "-- ") }
