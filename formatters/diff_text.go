package formatters

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// changeTitles are the headings of the kinds, in the order of the text.
var changeTitles = []struct{ kind, title string }{
	{report.KindPrincipal, "Principals"}, {report.KindMembership, "Memberships"}, {report.KindWorkspace, "Workspaces and assignments"},
	{report.KindRole, "Roles"}, {report.KindEntitlement, "Entitlements"}, {report.KindSecurable, "Securables"}, {report.KindOwner, "Owners"},
	{report.KindGrant, "Grants"}, {report.KindBinding, "Bindings and isolation"}, {report.KindObject, "Workspace objects"}, {report.KindSetting, "Settings and policies"},
}

func (v diffView) all() []report.Change { return slices.Concat(v.Added, v.Removed, v.Changed) }

func (v diffView) answer() []node {
	first := node{text: v.sentence(), tone: title}
	if !v.Comparable {
		first.tone = alarm
	}
	nodes := []node{first}
	if s := v.gains(); s != "" {
		nodes = append(nodes, node{text: s, tone: alarm})
	}
	return nodes
}

// sentence says how much changed, and how sure that is.
func (v diffView) sentence() string {
	n := len(v.all())
	between := " between " + moment(v.Before.At) + " and " + moment(v.After.At)
	var s string
	switch {
	case !v.Comparable:
		return "The two readings are of different accounts, " + shortName(v.Before.AccountID) + " and " + shortName(v.After.AccountID) + ": nothing was compared."
	case v.Added == nil || v.Removed == nil || v.Changed == nil:
		s = "What changed" + between + " was not compared"
	case n == 0 && v.HasChanges: // a contradiction is not believed
		s = "Something changed" + between + ", but the report does not say what"
	case n == 0:
		s = "Nothing changed" + between + " in what was read both times"
	default:
		facts := n - len(effective(v.all()))
		s = fmt.Sprintf("%s of facts%s: %d added, %d removed, %d changed", count(facts, "change"), between,
			len(v.Added)-len(effective(v.Added)), len(v.Removed)-len(effective(v.Removed)), len(v.Changed)-len(effective(v.Changed)))
	}
	if n := len(v.NotComparable); n > 0 {
		s += "; " + count(n, "part") + " could not be compared"
	}
	return s + "; " + v.coverage().clause() + "."
}

// gains says who can do more or less than before.
func (v diffView) gains() string {
	var parts []string
	for _, x := range []struct {
		list []report.Change
		verb string
	}{{v.Added, "Gained access: "}, {v.Removed, "Lost access: "}, {v.Changed, "Other access: "}} {
		var who []string
		for _, c := range effective(x.list) {
			if c.Key.Principal != nil {
				who = append(who, shortName(nameOrID(*c.Key.Principal)))
			}
		}
		slices.Sort(who)
		if who = slices.Compact(who); len(who) > 0 {
			parts = append(parts, x.verb+strings.Join(upTo(who, maxPlaces), ", ")+".")
		}
	}
	return strings.Join(parts, " ")
}

func (v diffView) text() []node {
	nodes := v.changeNodes()
	nodes = append(nodes, v.incomparable())
	return append(nodes, node{text: "Compared", tone: title, kids: v.sideNodes()})
}

func (v diffView) tree() []node { return append(v.changeNodes(), v.incomparable()) }

// changeNodes are what principals gained and lost, then the facts by kind. A report without any says so.
func (v diffView) changeNodes() []node {
	facts := v.byKind()
	if len(facts) == 0 && len(effective(v.all())) == 0 {
		read := v.Added != nil && v.Removed != nil && v.Changed != nil
		return []node{block("Changes", nil, absence(read, "not compared", v.coverage()))}
	}
	short := map[string]string{}
	for _, c := range v.all() {
		short[c.ID] = changeWords(c)
	}
	var nodes []node
	for _, x := range []struct {
		heading string
		list    []report.Change
	}{{"Effective access gained", v.Added}, {"Effective access lost", v.Removed}, {"Effective access changed", v.Changed}} {
		if list := effective(x.list); len(list) > 0 {
			nodes = append(nodes, node{text: x.heading, tone: title, kids: effectiveNodes(list, short)})
		}
	}
	return append(nodes, facts...)
}

// effectiveNodes put what one principal gained or lost together, with the changes behind it: once where
// they are the same for all of it.
func effectiveNodes(list []report.Change, short map[string]string) []node {
	who := func(c report.Change) report.Principal {
		if c.Key.Principal == nil {
			return report.Principal{Name: "somebody who is not named"}
		}
		return *c.Key.Principal
	}
	slices.SortStableFunc(list, func(a, b report.Change) int { return comparePrincipals(who(a), who(b)) })
	var nodes []node
	for len(list) > 0 {
		n := 1
		for n < len(list) && keyOf(who(list[n])) == keyOf(who(list[0])) {
			n++
		}
		nodes = append(nodes, effectiveNode(who(list[0]), list[:n], short))
		list = list[n:]
	}
	return nodes
}

func effectiveNode(who report.Principal, list []report.Change, short map[string]string) node {
	why := func(c report.Change) []node {
		var nodes []node
		for _, id := range c.Because {
			words := short[id]
			if words == "" {
				words = name(id)
			}
			nodes = append(nodes, node{text: "because " + words, tone: remark})
		}
		return nodes
	}
	alike := !slices.ContainsFunc(list, func(c report.Change) bool { return !slices.Equal(c.Because, list[0].Because) })
	of := line(introduced(who))
	for _, c := range list {
		c.Key.Principal = nil
		n := line(changeWords(c))
		if !alike {
			n.kids = why(c)
		}
		of.kids = append(of.kids, n)
	}
	if alike {
		of.kids = append(of.kids, why(list[0])...)
	}
	return of
}

// byKind are the changes of facts under a heading for each kind; kinds that are not known come last.
func (v diffView) byKind() []node {
	lists := map[string][]node{}
	var others []string
	for _, c := range v.all() {
		if c.Kind == report.KindEffective {
			continue
		}
		known := slices.ContainsFunc(changeTitles, func(t struct{ kind, title string }) bool { return t.kind == c.Kind })
		if !known && lists[c.Kind] == nil {
			others = append(others, c.Kind)
		}
		lists[c.Kind] = append(lists[c.Kind], line(changeWords(c)))
	}
	var nodes []node
	for _, t := range changeTitles {
		if len(lists[t.kind]) > 0 {
			nodes = append(nodes, node{text: t.title + " (+ added, - removed, ~ changed)", tone: title, kids: lists[t.kind]})
		}
	}
	for _, kind := range others {
		nodes = append(nodes, node{text: "Other: " + name(kind), tone: title, kids: lists[kind]})
	}
	return nodes
}

// incomparable are the parts that were not compared, with the side that lacks them: what was left out on
// purpose on one line for each side.
func (v diffView) incomparable() node {
	var nodes []node
	var sides []string
	left := map[string][]string{}
	for _, n := range v.NotComparable {
		s := EscapeLine(n.Operation) + " (" + EscapeLine(n.Scope) + ")"
		if n.Reads > 1 {
			s += fmt.Sprintf(", %d times", n.Reads)
		}
		if n.Kind == identity.NotAsked {
			if left[n.Side] == nil {
				sides = append(sides, n.Side)
			}
			left[n.Side] = append(left[n.Side], s)
			continue
		}
		x := line(s + ": " + lackingWords(n.Side) + ", " + kindTitle(n.Kind))
		if n.Example != "" {
			x.kids = append(x.kids, line("such as: "+EscapeLine(n.Example)))
		}
		if n.Message != "" {
			x.kids = append(x.kids, line("said: "+EscapeLine(n.Message)))
		}
		if n.Effect != "" {
			x.kids = append(x.kids, line("hides: "+EscapeLine(n.Effect)))
		}
		nodes = append(nodes, x)
	}
	for _, side := range sides {
		nodes = append(nodes, node{text: lackingWords(side) + ", not asked for: " + strings.Join(left[side], "; "), tone: remark})
	}
	why := "nothing; both sides read the same"
	if v.NotComparable == nil {
		why = notRead
	}
	return block("Not compared", nodes, why)
}

func lackingWords(side string) string {
	switch side {
	case report.SideBefore:
		return "not read before"
	case report.SideAfter:
		return "not read after"
	case report.SideBoth:
		return "read neither before nor after"
	default:
		return "not read by " + name(side)
	}
}

func (v diffView) sideNodes() []node {
	var nodes []node
	for i, s := range v.sides() {
		text := fmt.Sprintf("%s: %s, account %s, read for %s, from %s to %s", s.Side, name(s.Source), name(s.AccountID), name(s.Question),
			moment(s.Oldest), moment(s.At))
		kids := scopeNodes(s.Scope)
		if i > 0 && s.Scope != nil && slices.Equal(s.Scope, v.Before.Scope) {
			kids = []node{line("read: the same as before")}
		}
		nodes = append(nodes, node{text: text, kids: kids})
	}
	return nodes
}

// scopeNodes are the reads on one line each kind of outcome.
func scopeNodes(scope []report.ScopeRead) []node {
	if scope == nil {
		return []node{line("what was read is not recorded")}
	}
	var read, failed, left []string
	for _, s := range scope {
		if s.Read > 0 {
			read = append(read, fmt.Sprintf("%s (%d)", EscapeLine(s.Operation), s.Read))
		}
		if s.Failed > 0 {
			failed = append(failed, fmt.Sprintf("%s (%d)", EscapeLine(s.Operation), s.Failed))
		}
		if s.NotAsked > 0 {
			left = append(left, fmt.Sprintf("%s (%d)", EscapeLine(s.Operation), s.NotAsked))
		}
	}
	var nodes []node
	for _, x := range []struct {
		heading string
		list    []string
		tone    tone
	}{{"read: ", read, plain}, {"failed: ", failed, alarm}, {"left out: ", left, remark}} {
		if len(x.list) > 0 {
			nodes = append(nodes, node{text: x.heading + strings.Join(x.list, ", "), tone: x.tone})
		}
	}
	return nodes
}
