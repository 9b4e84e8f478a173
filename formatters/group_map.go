package formatters

import (
	"strings"

	"databricks-access-audit/core/report"
)

// drawing of a group leads from its members through it to what it gives, and beside it to what members
// hold themselves. The source of an edge says which of the two it is.
func (v groupView) drawing() drawing {
	d := newDrawing()
	group := d.known(v.Group)
	for _, m := range v.Members {
		member := d.known(m.Principal)
		for _, p := range m.Paths {
			d.walk(member, p)
		}
		if len(m.Paths) == 0 {
			d.join(drawnEdge{from: member, to: group, kind: edgeMember, note: "by a way that was not read"})
		}
	}
	for _, a := range v.Ancestors {
		above := d.known(a.Group)
		for _, p := range a.Paths {
			d.walk(group, p)
		}
		if len(a.Paths) == 0 {
			d.join(drawnEdge{from: group, to: above, kind: edgeMember, note: "by a way that was not read"})
		}
	}
	for _, w := range v.Workspaces {
		d.edge(drawnEdge{from: d.walk(group, w.Path), to: d.workspace(w.Name), kind: edgeAssigned,
			gives: append([]string{w.Access}, w.Entitlements...), source: report.GrantDirect, in: []string{w.Name}})
	}
	for _, r := range v.Roles {
		d.edge(drawnEdge{from: d.walk(group, r.Path), to: d.role(r.Role, r.Scope), kind: edgeRole, gives: []string{r.Role}, source: report.GrantDirect})
	}
	holder := func(member *report.Principal, p report.Path) string {
		if member != nil {
			return d.walk(d.known(*member), p)
		}
		return d.walk(group, p)
	}
	spare := v.spare()
	for _, g := range v.Grants {
		e := drawnEdge{from: holder(g.Member, g.Path), to: d.securable(g.Securable), kind: edgeGrant, gives: texts(g.Privileges), source: g.GrantSource, in: reach(g.ReachableIn, g.ReachUnknown)}
		if g.Source == report.SourceOwner {
			e.kind = edgeOwner
		}
		notes := g.Caveats
		if g.Member != nil {
			notes = append(append([]string{}, notes...), spare[spareGrant{keyOf(*g.Member), securableID(g.Securable), strings.Join(e.gives, " ")}]...)
		}
		e.note = EscapeLine(strings.Join(notes, "; "))
		d.edge(e)
	}
	for _, o := range v.Objects {
		to := d.object(report.ObjectRef{Workspace: o.Workspace, Type: o.Type, ID: o.ID, Name: o.Name})
		d.edge(drawnEdge{from: holder(o.Member, o.Path), to: to, kind: edgeGrant, gives: []string{o.Level}, source: o.GrantSource, in: []string{o.Workspace}})
	}
	d.unread = unreadLists(map[string]bool{"members": v.Members != nil, "groups above": v.Ancestors != nil, "workspaces": v.Workspaces != nil,
		"grants": v.Grants != nil, "roles": v.Roles != nil})
	return d
}

// spareGrant is a personal grant as redundancies name it.
type spareGrant struct {
	member           principalKey
	securable, gives string
}

// spare says of each personal grant that was compared what its holder would keep without it.
func (v groupView) spare() map[spareGrant][]string {
	all := map[spareGrant][]string{}
	for _, r := range v.Redundancies {
		k := spareGrant{keyOf(r.Member), securableID(r.Securable), strings.Join(texts(r.Privileges), " ")}
		all[k] = append(all[k], "redundancy "+r.Level+": "+r.Recommendation)
	}
	return all
}

// toCarryOut is the script that takes away what is redundant.
func (v groupView) toCarryOut() (list, title, text string) {
	if v.RevokeScript == nil {
		return "", "", ""
	}
	return "revoke_script", "Script that takes away what is redundant", *v.RevokeScript
}
