package formatters

import (
	"slices"
	"strconv"

	"databricks-access-audit/core/report"
)

// diffView is the view of a DiffReport: this file holds its lists, diff_text.go the arrangement for
// people and diff_words.go how a change is told.
type diffView struct{ *report.DiffReport }

func (v diffView) head() *report.Envelope { return v.Head() }

func (v diffView) coverage() coverage { return coverage{v.Head()} }

func (v diffView) key() (column, value string) { return "account", v.AccountID }

// diffSide is one side of the comparison, for records.
type diffSide struct {
	Side string `json:"side"`
	report.DiffSide
}

func (v diffView) sides() []diffSide {
	return []diffSide{{report.SideBefore, v.Before}, {report.SideAfter, v.After}}
}

// sideScope is one kind of read of one side.
type sideScope struct {
	Side string `json:"side"`
	report.ScopeRead
}

func (v diffView) scope() []sideScope {
	list := []sideScope{}
	for _, s := range v.sides() {
		for _, r := range s.Scope {
			list = append(list, sideScope{s.Side, r})
		}
	}
	return list
}

// diffAnswer is the report without its lists, for records.
type diffAnswer struct {
	Comparable bool `json:"comparable"`
	HasChanges bool `json:"has_changes"`
}

func (v diffView) sections() []section {
	changes := func(record, name string, list []report.Change) section {
		return listed(record, name, changeColumns, list, one(changeRow))
	}
	return []section{
		listed("answer", "answer", []string{"comparable", "has_changes"}, []diffAnswer{{v.Comparable, v.HasChanges}}, one(func(a diffAnswer) []string {
			return []string{strconv.FormatBool(a.Comparable), strconv.FormatBool(a.HasChanges)}
		})),
		listed("side", "sides", []string{"side", "account_id", "at", "oldest", "question", "source"}, v.sides(), one(func(s diffSide) []string {
			return []string{s.Side, s.AccountID, stamp(s.At), stamp(s.Oldest), s.Question, s.Source}
		})),
		listed("scope", "scope", append([]string{"side"}, scopeColumns...), v.scope(), one(func(s sideScope) []string {
			return append([]string{s.Side}, scopeCells(s.ScopeRead)...)
		})),
		changes("added", report.ListAdded, v.Added),
		changes("removed", report.ListRemoved, v.Removed),
		changes("changed", report.ListChanged, v.Changed),
		listed("not_comparable", "not_comparable", []string{"scope", "operation", "side", "kind", "message", "effect", "reads", "example"}, v.NotComparable,
			one(func(n report.NotComparable) []string {
				return []string{n.Scope, n.Operation, n.Side, string(n.Kind), n.Message, n.Effect, strconv.Itoa(n.Reads), n.Example}
			})),
	}
}

var scopeColumns = []string{"operation", "read", "failed", "left_out"}

func scopeCells(s report.ScopeRead) []string {
	return []string{s.Operation, strconv.Itoa(s.Read), strconv.Itoa(s.Failed), strconv.Itoa(s.NotAsked)}
}

var changeColumns = append([]string{"id", "change_kind"}, append(slices.Clone(principalColumns),
	"group", "object_type", "object", "object_id", "metastore", "workspace", "workspace_id", "name", "before", "after", "because", "not_read")...)

func changeRow(c report.Change) []string {
	row := []string{c.ID, c.Kind}
	p := report.Principal{Aliases: []string{}}
	missing := []null{}
	if c.Key.Principal != nil {
		p = *c.Key.Principal
		row = append(row, principalCells(p)...)
		missing = append(missing, null{"active", p.Active == nil}, null{"aliases", p.Aliases == nil})
	} else {
		row = append(row, make([]string, len(principalColumns))...)
	}
	row = append(row, subjectName(c.Key.Group))
	switch k := c.Key; {
	case k.Securable != nil:
		row = append(row, string(k.Securable.Type), k.Securable.FullName, "", k.Securable.Metastore)
	case k.Object != nil:
		row = append(row, k.Object.Type, k.Object.Name, k.Object.ID, "")
	default:
		row = append(row, "", "", "", "")
	}
	workspace := c.Key.Workspace
	if c.Key.Object != nil {
		workspace = c.Key.Object.Workspace
	}
	missing = append(missing, null{"before", c.Before == nil}, null{"after", c.After == nil})
	return append(row, workspace, c.Key.WorkspaceID, c.Key.Name, rawState(c.Before), rawState(c.After), chain(c.Because, ", "), nulls(missing...))
}

// effective are the changes of what principals can do, without those of the facts behind them.
func effective(list []report.Change) []report.Change {
	return slices.DeleteFunc(slices.Clone(list), func(c report.Change) bool { return c.Kind != report.KindEffective })
}

func (v diffView) figures() string {
	var f figures
	f.add(len(v.Added), v.Added != nil, "addition")
	f.add(len(v.Removed), v.Removed != nil, "removal")
	f.add(len(v.Changed), v.Changed != nil, "alteration")
	f.add(len(v.NotComparable), v.NotComparable != nil, "incomparable part")
	return f.line("not compared")
}
