package formatters

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/report"
)

// How something changed, for drawn nodes and edges; empty for what did not change.
const (
	changeAdded   = "added"
	changeRemoved = "removed"
	changeChanged = "changed"
)

// changeMark is a change in a sign and a word, so that nothing rests on colour.
func changeMark(change string) string {
	switch change {
	case changeAdded:
		return "+ added"
	case changeRemoved:
		return "− removed"
	case changeChanged:
		return "~ changed"
	default:
		return EscapeLine(change)
	}
}

// Where an edge of a comparison comes from: a fact that changed, or what principals can do by all facts.
const (
	diffFact      = "fact"
	diffEffective = "effective"
)

// drawing of a comparison has what changed between whom and what, and what that lets them do. What stayed
// is not on it.
func (v diffView) drawing() drawing {
	d := newDrawing()
	for _, c := range v.all() {
		d.change(c)
	}
	d.unread = unreadLists(map[string]bool{report.ListAdded: v.Added != nil, report.ListRemoved: v.Removed != nil, report.ListChanged: v.Changed != nil})
	return d
}

// howChanged is the change as drawings mark it.
func howChanged(c report.Change) string {
	switch {
	case c.Before == nil:
		return changeAdded
	case c.After == nil:
		return changeRemoved
	default:
		return changeChanged
	}
}

// change adds one change: to an edge where it is between two things, and else to the node that it is of.
func (d *drawing) change(c report.Change) {
	how, note := howChanged(c), EscapeLine(changeWords(c))
	to, between := d.changed(c)
	switch {
	case c.Kind == report.KindOwner:
		d.owners(c, to, note)
		return
	case c.Kind == report.KindBinding && c.Key.Workspace+c.Key.WorkspaceID != "":
		d.edge(drawnEdge{from: d.workspace(workspaceOr(c.Key)), to: to, kind: "is bound to", gives: stateGives(c.After, c.Before), source: diffFact, change: how, note: note})
		return
	case c.Key.Principal == nil || !between:
		if c.Key.Principal != nil && to == "" {
			to = d.known(*c.Key.Principal)
		}
		if to == "" {
			to = d.node(drawnNode{id: "setting " + c.Key.Name, kind: "setting", name: cmp.Or(c.Key.Name, c.ID)})
		}
		n := &d.nodes[d.place[to]]
		n.change, n.note = how, note
		return
	}
	e := drawnEdge{from: d.known(*c.Key.Principal), to: to, kind: edgeFact, source: diffFact, note: note}
	switch c.Kind {
	case report.KindMembership:
		e.kind, e.change, e.gives = edgeMember, how, []string{}
		d.edge(e)
		return
	case report.KindGrant, report.KindObject:
		e.kind = edgeGrant
	case report.KindRole:
		e.kind = edgeRole
	case report.KindWorkspace, report.KindEntitlement:
		e.kind = edgeAssigned
	case report.KindEffective:
		e.kind, e.source = "can use", diffEffective
		if c.Key.Name != "" {
			e.kind = edgeRole
		}
		if c.After != nil {
			e.in = c.After.ReachableIn
		}
	}
	d.gainAndLoss(e, c)
}

// changed adds what a change is of, apart from the principal; between is whether it joins the two.
func (d *drawing) changed(c report.Change) (to string, between bool) {
	k := c.Key
	switch {
	case c.Kind == report.KindMembership && k.Group != nil:
		return d.known(*k.Group), true
	case k.Name != "" && (c.Kind == report.KindRole || c.Kind == report.KindEffective):
		scope := "account"
		if k.Group != nil {
			scope = k.Group.Name
		} else if id := workspaceOr(k); id != "" {
			scope = id
		}
		return d.role(k.Name, scope), true
	}
	if id, ok := d.thing(k.Securable, k.Object); ok {
		return id, true
	}
	if id := workspaceOr(k); id != "" {
		return d.workspace(id), true
	}
	return "", false
}

// owners draws who owned something and who owns it. Nobody is not drawn.
func (d *drawing) owners(c report.Change, to, note string) {
	for _, side := range []struct {
		state  *report.State
		change string
	}{{c.Before, changeRemoved}, {c.After, changeAdded}} {
		if side.state != nil && side.state.Owner != nil && *side.state.Owner != "" {
			d.edge(drawnEdge{from: d.principal(*side.state.Owner, ""), to: to, kind: edgeOwner, gives: []string{string(report.Owner)},
				source: diffFact, change: side.change, note: note})
		}
	}
	if n := &d.nodes[d.place[to]]; n.note == "" {
		n.note = note
	}
}

// gainAndLoss adds an edge for what came and one for what went, so that each says what it is; where the
// lists are the same on both sides, one that says that it changed.
func (d *drawing) gainAndLoss(e drawnEdge, c report.Change) {
	if c.Before == nil || c.After == nil {
		e.change, e.gives = howChanged(c), stateGives(c.After, c.Before)
		if len(e.gives) == 0 && c.Key.Name != "" { // a role
			e.gives = []string{c.Key.Name}
		}
		d.edge(e)
		return
	}
	before, after := stateGives(c.Before, nil), stateGives(c.After, nil)
	came := slices.DeleteFunc(slices.Clone(after), func(s string) bool { return slices.Contains(before, s) })
	went := slices.DeleteFunc(slices.Clone(before), func(s string) bool { return slices.Contains(after, s) })
	if len(came)+len(went) == 0 {
		e.change, e.gives = changeChanged, after
		d.edge(e)
		return
	}
	for _, part := range []struct {
		gives  []string
		change string
	}{{came, changeAdded}, {went, changeRemoved}} {
		if len(part.gives) > 0 {
			e.gives, e.change = part.gives, part.change
			d.edge(e)
		}
	}
}

// stateGives is what a state gives, of the first of two that is there. It is never null: such edges give
// something, even where the state does not say what.
func stateGives(first, second *report.State) []string {
	s := cmp.Or(first, second)
	if s == nil {
		return []string{}
	}
	all := append(texts(s.Privileges), texts(s.Entitlements)...)
	for _, l := range s.Levels {
		all = append(all, string(l.Level))
	}
	if s.Permission != "" {
		all = append(all, s.Permission)
	}
	return all
}

// reach is from where something can be used, as drawings have it: null where that was not decided.
func reach(in []string, unknown bool) []string {
	if unknown && len(in) == 0 {
		return nil
	}
	return in
}
