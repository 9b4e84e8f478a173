package formatters

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// This file says how each report is drawn as a map.

func (v principalView) drawing() drawing {
	d := newDrawing()
	subject := d.known(v.Principal)
	d.start = []string{subject}
	for _, m := range v.Memberships {
		group := d.known(m.Group)
		for _, p := range m.Paths {
			d.walk(subject, p)
		}
		if len(m.Paths) == 0 {
			d.join(drawnEdge{from: subject, to: group, kind: edgeMember, note: "by a way that was not read"})
		}
	}
	for _, w := range v.Workspaces {
		d.edge(drawnEdge{from: d.walk(subject, w.Path), to: d.workspace(w.Name), kind: edgeAssigned,
			gives: append([]string{w.Access}, w.Entitlements...), in: []string{w.Name}})
	}
	for _, g := range v.Grants {
		e := drawnEdge{from: d.walk(subject, g.Path), to: d.securable(g.Securable), kind: edgeGrant, gives: texts(g.Privileges), source: g.Source,
			in: reach(g.ReachableIn, g.ReachUnknown), note: EscapeLine(strings.Join(g.Caveats, "; "))}
		if g.Source == report.SourceOwner {
			e.kind = edgeOwner
		}
		d.edge(e)
	}
	for _, o := range v.Objects {
		to := d.object(report.ObjectRef{Workspace: o.Workspace, Type: o.Type, ID: o.ID, Name: o.Name})
		e := drawnEdge{from: d.walk(subject, o.Path), to: to, kind: edgeGrant, gives: []string{o.Level}, source: o.Source, in: []string{o.Workspace}}
		if o.InheritedFrom != "" {
			e.note = "inherited from " + name(o.InheritedFrom)
		}
		d.edge(e)
	}
	for _, r := range v.Roles {
		role := d.role(r.Role, r.Scope)
		d.edge(drawnEdge{from: d.walk(subject, r.Path), to: role, kind: edgeRole, gives: []string{r.Role}})
	}
	for _, e := range v.Escalations {
		to, known := d.thing(e.Securable, nil)
		if !known {
			to = d.node(drawnNode{id: "risk " + e.ID + " " + e.Explanation, kind: "risk", name: cmp.Or(e.Explanation, e.ID), note: EscapeLine(e.ID)})
		}
		d.edge(drawnEdge{from: d.pass(subject, e.Path), to: to, kind: "can escalate by " + e.ID, gives: []string{e.ID}, severity: e.Severity,
			note: EscapeLine(e.Explanation + ": " + strings.Join(e.Acts, ", then "))})
	}
	d.unread = unreadLists(map[string]bool{"groups": v.Memberships != nil, "workspaces": v.Workspaces != nil, "grants": v.Grants != nil, "roles": v.Roles != nil})
	return d
}

// unreadLists names the lists that a map lacks.
func unreadLists(read map[string]bool) string {
	var missing []string
	for list, ok := range read {
		if !ok {
			missing = append(missing, list)
		}
	}
	if missing == nil {
		return ""
	}
	slices.Sort(missing)
	return "Not on the map, since not read: " + strings.Join(missing, ", ") + "."
}

func (v resourceView) drawing() drawing {
	d := newDrawing()
	for _, c := range slices.Backward(v.Containers) {
		d.securable(c)
	}
	target, _ := d.thing(&v.Resource, v.Object)
	add := func(list []report.Access, indirect bool) {
		for _, a := range list {
			from := d.known(a.Principal)
			d.start = append(d.start, from)
			lead := d.walk
			if indirect { // who acts as others is no member of them
				lead = d.pass
			}
			holder := lead(from, a.Path)
			to := target
			if on := a.GrantedOn; on.FullName != "" && securableID(on) != securableID(v.Resource) {
				to, _ = d.thing(&on, nil)
			}
			e := drawnEdge{from: holder, to: to, kind: edgeGrant, gives: texts(a.Privileges), source: a.Source, in: reach(a.ReachableIn, a.Verdict == report.Unknown),
				note: EscapeLine(strings.Join(slices.Concat([]string{string(a.Verdict)}, a.Missing, actTexts(a.Acts)), "; "))}
			switch {
			case indirect:
				e.kind, e.severity = "can give itself", report.High
			case a.Source == report.AccessOwner:
				e.kind = edgeOwner
			}
			d.edge(e)
		}
	}
	add(v.Access, false)
	add(v.Indirect, true)
	d.lie(v.Containers)
	d.unread = unreadLists(map[string]bool{listAccess: v.Access != nil, listIndirect: v.Indirect != nil})
	return d
}

// drawing of a question about one access has the facts of its proofs; where there are none, what the
// subject would do or what is missing.
func (v canView) drawing() drawing {
	d := newDrawing()
	subject := d.known(v.Subject)
	d.start = []string{subject}
	target, _ := d.thing(&v.Resource, v.Object)
	for i, p := range slices.Concat(v.Proofs, v.Latent) {
		for _, s := range p.Steps {
			d.step(s, fmt.Sprintf("proof %d", i+1))
		}
	}
	for i, a := range v.Acts {
		to, ok := d.thing(a.Securable, a.Object)
		switch {
		case ok:
		case a.Principal != "":
			to = d.principal(a.Principal, "")
		case a.Workspace != "":
			to = d.workspace(a.Workspace)
		default:
			to = target
		}
		gives := slices.DeleteFunc([]string{string(a.Privilege), a.Role, a.Level}, func(s string) bool { return s == "" })
		d.edge(drawnEdge{from: d.pass(subject, a.Path), to: to, kind: fmt.Sprintf("act %d", i+1), gives: gives, severity: report.High,
			note: EscapeLine(a.Description + " (" + a.Because + ")")})
	}
	if len(v.Proofs)+len(v.Latent) > 0 {
		return d
	}
	for i, set := range v.Missing {
		for _, m := range set.Facts {
			to, ok := d.thing(m.Securable, m.Object)
			if !ok && m.Workspace != "" {
				to, ok = d.workspace(m.Workspace), true
			}
			if !ok {
				to = target
			}
			e := drawnEdge{from: subject, to: to, kind: "lacks", absent: true, gives: []string{cmp.Or(string(m.Privilege), m.Detail, m.Kind)},
				note: fmt.Sprintf("set %d: %s", i+1, missingWords(m, shortSecurable))}
			if !m.Known {
				e.kind = "may lack"
			}
			d.edge(e)
		}
	}
	return d
}

// step adds a fact that joins two things; of the others the words of the proof tell.
func (d *drawing) step(s report.Step, proof string) {
	e := drawnEdge{kind: edgeFact, note: proof + ": " + stepWords(s)}
	switch s.Kind {
	case report.StepMember, report.StepImplicit, report.StepAncestor, report.StepSame, report.StepAssume:
		of := "group"
		e.kind, e.note = edgeMember, ""
		if s.Kind == report.StepSame || s.Kind == report.StepAssume {
			of, e.kind = "", edgeThrough
		}
		e.from, e.to = d.principal(s.Principal, ""), d.principal(s.Group, of)
	case report.StepRole:
		e.from, e.to, e.kind, e.gives = d.principal(s.Principal, ""), d.principal(s.Group, ""), edgeRole, []string{s.Detail}
	case report.StepGrant, report.StepOwner, report.StepACL, report.StepDefiner:
		to, ok := d.thing(s.Securable, s.Object)
		if !ok {
			return
		}
		e.from, e.to, e.kind, e.gives = d.principal(s.Principal, ""), to, edgeGrant, []string{cmp.Or(string(s.Privilege), s.Detail, string(report.Owner))}
		if s.Kind == report.StepOwner || s.Kind == report.StepDefiner {
			e.kind, e.gives = edgeOwner, []string{string(report.Owner)}
		}
	case report.StepAssigned, report.StepEntitlement:
		e.from, e.to, e.kind, e.gives = d.principal(s.Principal, ""), d.workspace(s.Workspace), edgeAssigned, []string{cmp.Or(s.Detail, "USER")}
		e.in = []string{s.Workspace}
	default:
		return
	}
	for i, old := range d.edges { // the same fact in several proofs is one edge
		if old.from == e.from && old.to == e.to && old.kind == e.kind && slices.Equal(old.gives, e.gives) {
			if e.note != "" && !strings.Contains(old.note, proof+":") {
				d.edges[i].note += "; " + proof
			}
			return
		}
	}
	d.edge(e)
}

func (v rolesView) drawing() drawing {
	d := newDrawing()
	for _, r := range v.Roles {
		from := d.known(r.Principal)
		d.start = append(d.start, from)
		role := d.role(r.Role, r.Scope)
		e := drawnEdge{from: d.walk(from, r.Path), to: role, kind: edgeRole, gives: []string{r.Role}, note: EscapeLine(r.Detail)}
		if !r.Certain {
			e.note = strings.TrimPrefix(e.note+"; not certain", "; ")
		}
		d.edge(e)
	}
	d.unread = unreadLists(map[string]bool{"roles": v.Roles != nil})
	return d
}

func (v escalationsView) drawing() drawing {
	type target struct{ finding, name string }
	gains := map[target]string{}
	titles := map[string]string{}
	for _, f := range v.Findings {
		for _, p := range []*report.Principal{&f.Subject, f.Principal} {
			if p != nil && p.Name != "" {
				titles[p.Name] = drawnName(*p)
			}
		}
		about := target{finding: f.ID}
		switch {
		case f.Securable != nil:
			about.name = f.Securable.FullName
		case f.Object != nil:
			about.name = f.Object.Name
		case f.Principal != nil:
			about.name = drawnName(*f.Principal)
		}
		if _, known := gains[about]; !known {
			gains[about] = f.Gains + "; fix: " + f.Fix
		}
	}
	g := v.Graph
	g.Nodes = slices.Clone(g.Nodes)
	for i, n := range g.Nodes {
		if title := titles[n.Name]; title != "" {
			g.Nodes[i].Name = title
		}
	}
	d := graphDrawing(g, func(_, to report.GraphNode, kind string) string { return EscapeLine(gains[target{kind, to.Name}]) })
	if v.Graph.Nodes == nil || v.Graph.Edges == nil {
		d.unread = "The graph was " + notRead + "."
	}
	return d
}

// drawing of a comparison has both principals at its start; the source of each edge says which of them
// has what it leads to.
func (v compareView) drawing() drawing {
	d := newDrawing()
	a, b := d.known(v.A), d.known(v.B)
	d.start = []string{a, b}
	d.nodes[d.place[a]].mark, d.nodes[d.place[b]].mark = "A", "B"
	marks := map[string]string{onlyInA: "A only", onlyInB: "B only"}
	both := func(to string, pathA, pathB report.Path, e drawnEdge) {
		for _, side := range []struct {
			from string
			path report.Path
		}{{a, pathA}, {b, pathB}} {
			if side.path != nil {
				e.from, e.to = d.walk(side.from, side.path), to
				d.edge(e)
			}
		}
	}
	for _, g := range onSides(v.Groups) {
		group := d.known(g.item.Group)
		for _, p := range []report.Path{g.item.PathA, g.item.PathB} {
			if len(p) > 1 && p[len(p)-1] == g.item.Group.Name {
				d.walk(group, p)
			}
		}
	}
	for _, w := range onSides(v.Workspaces) {
		both(d.workspace(w.item.Name), w.item.PathA, w.item.PathB,
			drawnEdge{kind: edgeAssigned, gives: []string{w.item.Access}, source: v.side(w.side), mark: marks[w.side], in: []string{w.item.Name}})
	}
	for _, r := range onSides(v.Roles) {
		role := d.role(r.item.Role, r.item.Scope)
		both(role, r.item.PathA, r.item.PathB, drawnEdge{kind: edgeRole, gives: []string{r.item.Role}, source: v.side(r.side), mark: marks[r.side]})
	}
	for _, x := range onSides(v.Access) {
		both(d.securable(x.item.Securable), x.item.PathA, x.item.PathB,
			drawnEdge{kind: "can use", gives: texts(x.item.Privileges), source: v.side(x.side), mark: marks[x.side], in: x.item.Workspaces})
	}
	d.unread = unreadLists(map[string]bool{"groups": onSides(v.Groups) != nil, "workspaces": onSides(v.Workspaces) != nil,
		"roles": onSides(v.Roles) != nil, "access": onSides(v.Access) != nil})
	return d
}

// side is that of an item in words.
func (v compareView) side(side string) string {
	switch side {
	case onlyInA:
		return "only " + v.A.Name
	case onlyInB:
		return "only " + v.B.Name
	case inBoth:
		return "both"
	default:
		return side
	}
}
