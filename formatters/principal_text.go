package formatters

import (
	"fmt"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func (v principalView) text() []node {
	c := v.coverage()
	nodes := []node{
		{text: "Principal", tone: title, kids: v.particulars()},
		block("Groups (* direct, - nested)", v.membershipNodes(), absence(v.Memberships != nil, notRead, c, report.ListMemberships)),
		block("Workspaces", v.workspaceNodes(), absence(v.Workspaces != nil, notRead, c, report.ListWorkspaces)),
		block("Roles", v.roleNodes(), absence(v.Roles != nil, notRead, c, report.ListRoles)),
		block("Grants, where they were given", v.grantNodes(), absence(v.Grants != nil, notRead, c, report.ListGrants)),
		block("Workspace objects", v.objectNodes(), absence(v.Objects != nil, notAsked, c, report.ListObjects)),
		block(localHeading, localGroupNodes(v.LocalGroups), absence(v.LocalGroups != nil, notAsked, c, report.ListLocalGroups)),
		block(staleHeading, staleNodes(v.Stale, v.Principal), absence(v.Stale != nil, notAsked, c, report.ListStale)),
		block("Escalations", v.escalationNodes(), absence(v.Escalations != nil, notAsked, c)),
	}
	return append(nodes, v.idleNodes("Groups that give only catalogs and no way into a workspace", "Unused groups, which give nothing")...)
}

// particulars hold the names in full.
func (v principalView) particulars() []node {
	p := v.Principal
	nodes := []node{
		line("name: " + name(p.Name)),
		line("is: " + describe(p)),
		line("id: " + name(p.ID)),
	}
	if p.DisplayName != "" && p.DisplayName != p.Name {
		nodes = append(nodes, line("display name: "+name(p.DisplayName)))
	}
	if len(p.Aliases) > 0 {
		nodes = append(nodes, line("also known as: "+names(p.Aliases)))
	}
	return nodes
}

func (v principalView) membershipNodes() []node {
	var nodes []node
	for _, m := range v.memberships() {
		n := line(membershipTitle(m))
		paths := v.paths(m)
		if len(paths) == 1 {
			n.text += " " + paths[0]
			paths = nil
		}
		for _, p := range paths {
			n.kids = append(n.kids, line(p))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func (v principalView) workspaceNodes() []node {
	var nodes []node
	unasked := 0
	for _, w := range v.Workspaces {
		n := line(workspaceText(w, " "+v.via(w.Path)))
		if w.Access == identity.WorkspaceAdmin.String() {
			n.tone = alarm
		}
		if w.Entitlements == nil {
			unasked++
		}
		n.kids = entitlements(w)
		nodes = append(nodes, n)
	}
	if unasked > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("entitlements were not asked for (%d of %d)", unasked, len(v.Workspaces)), tone: remark})
	}
	return nodes
}

// entitlements is nothing for those that were not asked for.
func entitlements(w report.WorkspaceAccess) []node {
	switch {
	case w.Entitlements == nil:
		return nil
	case len(w.Entitlements) == 0:
		return []node{line("entitlements: none")}
	default:
		return []node{line("entitlements: " + names(w.Entitlements))}
	}
}

func (v principalView) roleNodes() []node {
	var nodes []node
	for _, r := range v.Roles {
		nodes = append(nodes, node{text: v.roleText(r), tone: alarm})
	}
	return nodes
}

// grantNodes groups grants by metastore, catalog and securable.
func (v principalView) grantNodes() []node {
	var nodes []node
	for _, store := range runs(v.sortedGrants(), sameMetastore) {
		n := node{text: "metastore " + name(store[0].Securable.Metastore), tone: title}
		for _, top := range runs(store, sameTop) {
			n.kids = append(n.kids, v.topNode(top))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// topNode is a catalog with what is granted in it, or one securable that is in none.
func (v principalView) topNode(grants []report.Grant) node {
	var objects []node
	for _, object := range runs(grants, sameObject) {
		n := line(securable(object[0].Securable))
		for _, g := range object {
			n.kids = append(n.kids, grantNode(g, manner(g)+" "+v.via(g.Path)))
		}
		objects = append(objects, n)
	}
	first := grants[0].Securable
	if inCatalog(first.Type) && first.Type != identity.TypeCatalog {
		return node{text: "in catalog " + name(catalogOf(first)), kids: objects}
	}
	top := objects[0]
	top.kids = append(top.kids, objects[1:]...)
	return top
}

func sameMetastore(a, b report.Grant) bool { return a.Securable.Metastore == b.Securable.Metastore }

func sameObject(a, b report.Grant) bool {
	return a.Securable.Type == b.Securable.Type && a.Securable.FullName == b.Securable.FullName
}

func sameTop(a, b report.Grant) bool {
	if inCatalog(a.Securable.Type) && inCatalog(b.Securable.Type) {
		return catalogOf(a.Securable) == catalogOf(b.Securable)
	}
	return sameObject(a, b)
}

// runs cuts a list where neighbours are not the same.
func runs[T any](list []T, same func(a, b T) bool) [][]T {
	var all [][]T
	for start, i := 0, 1; i <= len(list); i++ {
		if i == len(list) || !same(list[i-1], list[i]) {
			all = append(all, list[start:i])
			start = i
		}
	}
	return all
}

func (v principalView) objectNodes() []node {
	return byWorkspace(v.Objects, func(o report.Object) (string, string) {
		return o.Workspace, objectText(o, " "+v.via(o.Path)) + objectUse(o.Usable)
	})
}

// byWorkspace puts the texts of what is in workspaces under the workspace of each, in the order met.
func byWorkspace[T any](list []T, tell func(T) (workspace, text string)) []node {
	return byWorkspaceNodes(list, func(x T) (string, node) {
		workspace, text := tell(x)
		return workspace, line(text)
	})
}

func byWorkspaceNodes[T any](list []T, tell func(T) (workspace string, n node)) []node {
	var nodes []node
	at := map[string]int{}
	for _, x := range list {
		workspace, n := tell(x)
		i, known := at[workspace]
		if !known {
			i = len(nodes)
			at[workspace] = i
			nodes = append(nodes, line("workspace "+name(workspace)))
		}
		nodes[i].kids = append(nodes[i].kids, n)
	}
	return nodes
}
