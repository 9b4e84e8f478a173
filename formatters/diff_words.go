package formatters

import (
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// facet is one thing that a state says, not yet escaped.
type facet struct {
	name   string
	values []string
}

// facets takes a state apart, in a fixed order; what it does not say is left out.
func facets(s *report.State) []facet {
	if s == nil {
		return nil
	}
	var list []facet
	add := func(name string, values ...string) {
		if len(values) > 0 && (len(values) > 1 || values[0] != "") {
			list = append(list, facet{name, values})
		}
	}
	add("name", s.Name)
	add("display name", s.DisplayName)
	add("status", s.Status)
	add("source", s.Source)
	add("membership", s.Membership)
	add("permission", s.Permission)
	add("privileges", texts(s.Privileges)...)
	var levels []string
	for _, l := range s.Levels {
		text := string(l.Level)
		if l.InheritedFrom != "" {
			text += " inherited from " + l.InheritedFrom
		}
		levels = append(levels, text)
	}
	add("levels", levels...)
	add("entitlements", texts(s.Entitlements)...)
	if s.Owner != nil {
		list = append(list, facet{"owner", []string{*s.Owner}})
	}
	add("isolation", s.Isolation)
	add("type", s.Subtype)
	add("run as", s.RunAs)
	add("value", s.Value)
	add("reachable in", s.ReachableIn...)
	return list
}

// rawState is a state in one cell of a table.
func rawState(s *report.State) string {
	var parts []string
	for _, f := range facets(s) {
		parts = append(parts, f.name+": "+chain(f.values, ", "))
	}
	return strings.Join(parts, "; ")
}

// unlabelled are the facets that need no name before them.
var unlabelled = []string{"privileges", "levels", "entitlements", "permission", "membership", "value", "isolation", "status"}

func (f facet) words() string {
	switch {
	case f.name == "reachable in":
		return "from " + names(f.values)
	case slices.Contains(unlabelled, f.name):
		return names(f.values)
	case f.name == "owner" && f.values[0] == "":
		return "owned by nobody"
	default:
		return f.name + " " + names(f.values)
	}
}

// shown are the values alone. No name stands in parentheses without quotes.
func (f facet) shown() string {
	if f.name == "owner" && f.values[0] == "" {
		return "(nobody)"
	}
	return names(f.values)
}

// stateWords is a state in words; empty for one that says nothing.
func stateWords(s *report.State) string {
	var parts []string
	for _, f := range facets(s) {
		parts = append(parts, f.words())
	}
	return strings.Join(parts, ", ")
}

// turned is what differs between two states.
func turned(before, after *report.State) string {
	was := map[string]facet{}
	for _, f := range facets(before) {
		was[f.name] = f
	}
	var parts []string
	for _, f := range facets(after) {
		old, told := was[f.name]
		if told && !slices.Equal(old.values, f.values) {
			words := old.shown() + " → " + f.shown()
			if !slices.Contains(unlabelled, f.name) {
				words = f.name + " " + words
			}
			parts = append(parts, words)
		}
	}
	if len(parts) == 0 {
		return "differs"
	}
	return strings.Join(parts, "; ")
}

// changeWords is a change in one line.
func changeWords(c report.Change) string {
	sign, words := "~ ", turned(c.Before, c.After)
	switch {
	case c.Before == nil:
		sign, words = "+ ", stateWords(c.After)
	case c.After == nil:
		sign, words = "- ", stateWords(c.Before)
	}
	s := sign + changedThing(c)
	if words != "" && (c.Kind != report.KindMembership || c.Before != nil && c.After != nil || words != report.MemberDirect) {
		s += ": " + words
	}
	return s
}

// changedThing is what a change is of.
func changedThing(c report.Change) string {
	k := c.Key
	var parts []string
	if k.Principal != nil {
		who := introduced(*k.Principal)
		if k.Principal.ID == "" {
			who = name(k.Principal.Name)
		}
		parts = append(parts, who)
	}
	switch {
	case c.Kind == report.KindMembership && k.Group != nil:
		parts = append(parts, "in "+nameOrID(*k.Group))
	case c.Kind == report.KindRole || c.Kind == report.KindEffective && k.Name != "":
		parts = append(parts, "role "+term(k.Name))
	case k.Name != "":
		parts = append(parts, "setting "+term(k.Name))
	}
	if c.Kind == report.KindRole && k.Group != nil {
		parts = append(parts, "on "+introduced(*k.Group))
	}
	on := ""
	if len(parts) > 0 {
		on = "on "
	}
	if k.Securable != nil {
		parts = append(parts, on+securableWhere(*k.Securable))
	}
	if k.Object != nil {
		parts = append(parts, on+objectTerm(k.Object))
	}
	if k.Workspace != "" || k.WorkspaceID != "" {
		in := "workspace " + term(workspaceOr(k))
		if len(parts) > 0 {
			in = "in " + in
		}
		parts = append(parts, in)
	}
	return strings.Join(parts, " ")
}

func workspaceOr(k report.ChangeKey) string {
	if k.Workspace == "" {
		return k.WorkspaceID
	}
	return k.Workspace
}

// securableWhere is a securable with its metastore, as two may hold the same name.
func securableWhere(s report.Securable) string {
	if s.Type == identity.TypeMetastore {
		return securableTerm(&s)
	}
	return securableTerm(&s) + " (metastore " + term(s.Metastore) + ")"
}
