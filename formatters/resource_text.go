package formatters

import (
	"databricks-access-audit/core/report"
)

// The headings of the two lists. Access explains its marks.
const (
	accessHeading   = "Access, by principal (* ALLOW, ? UNKNOWN, - DENY)"
	indirectHeading = "Can give it to themselves (INDIRECT)"
)

func (v resourceView) text() []node {
	c := v.coverage()
	return []node{
		block(accessHeading, v.readerNodes(readers(v.Access)), absence(v.Access != nil, notRead, c, listAccess)),
		v.indirectNode(),
		{text: "Resource", tone: title, kids: v.particulars()},
	}
}

func (v resourceView) indirectNode() node {
	return block(indirectHeading, v.readerNodes(readers(v.Indirect)), absence(v.Indirect != nil, notRead, v.coverage(), listIndirect))
}

func (v resourceView) readerNodes(list []reader) []node {
	var nodes []node
	for _, r := range list {
		n := readerNode(r.principal, r.rank(), r.indirect())
		for _, a := range r.ways {
			way := v.wayNode(a)
			way.text = privilegeTerms(a) + " " + v.origin(a) + way.text
			n.kids = append(n.kids, way)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// indirect reports whether the reader holds nothing, but can give itself all.
func (r reader) indirect() bool {
	for _, a := range r.ways {
		if a.Verdict != report.Indirect {
			return false
		}
	}
	return true
}

// readerNode is the principal with the mark of its verdict.
func readerNode(p report.Principal, rank int, indirect bool) node {
	mark, t := "? ", alarm
	switch {
	case indirect:
		mark = "! "
	case rank == rankAllow:
		mark, t = "* ", plain
	case rank == rankDeny:
		mark, t = "- ", plain
	}
	return node{text: mark + introduced(p), tone: t}
}

// introduced is a principal at the head of what it holds.
func introduced(p report.Principal) string {
	s := nameOrID(p)
	if d := p.DisplayName; d != "" && d != p.Name {
		s += " “" + EscapeLine(d) + "”"
	}
	return s + " (" + describe(p) + ")"
}

// privilegeTerms are the privileges as the way carries them.
func privilegeTerms(a report.Access) string {
	if a.Privileges == nil {
		return "privileges not read"
	}
	return privileges(a.Privileges)
}

// origin says where the right was given and in which manner.
func (v resourceView) origin(a report.Access) string {
	on := securableTerm(&a.GrantedOn)
	switch a.Source {
	case report.AccessDirect:
		if a.GrantedOn.Type == typeWorkspace { // workspaces have assignments for grants
			return "by assignment to " + on
		}
		return "granted on " + on
	case report.AccessInherited:
		return "inherited from " + on
	case report.AccessOwner:
		return "as owner of " + on
	case report.AccessRole:
		return "by an administrative role over " + on
	default:
		return name(a.Source) + " on " + on
	}
}

// wayNode says by which path, with which verdict and where, after what the right is.
func (v resourceView) wayNode(a report.Access) node {
	s := " " + via(a.Principal.Name, a.Path)
	if len(a.Path) == 0 || a.Path[len(a.Path)-1] != a.Via {
		s += ", given to " + name(a.Via)
	}
	n := line(s + "; " + verdictTitle(a.Verdict) + ", " + v.usable(a))
	for _, m := range a.Missing {
		n.kids = append(n.kids, line("missing: "+EscapeLine(m)))
	}
	if hindered := a.Verdict != report.Allow && a.Verdict != report.Indirect; hindered && len(a.Missing) == 0 {
		n.kids = append(n.kids, line("missing: "+listless(a.Missing != nil, "not named")))
	}
	n.kids = append(n.kids, actNodes(a.Acts, a.Principal.Name)...)
	return n
}

func verdictTitle(verdict report.Verdict) string {
	if verdict == "" {
		return "no verdict"
	}
	return name(verdict)
}

func (v resourceView) usable(a report.Access) string {
	if a.Verdict == report.Indirect && a.ReachableIn != nil && len(a.ReachableIn) == 0 {
		return "not usable until then"
	}
	doubt := len(a.ReachableIn) == 0 && !v.coverage().certain(listAccess, listIndirect) && a.Verdict != report.Deny
	return usable(a.ReachableIn, doubt || rank(a.Verdict) == rankUnknown && a.Verdict != report.Indirect)
}

// particulars hold the names in full.
func (v resourceView) particulars() []node {
	full := described(v.Resource)
	if v.Object != nil {
		full = describedObject(v.Object)
		if owner := deref(v.Resource.Owner); owner != "" {
			full += ", owner " + name(owner)
		}
	}
	nodes := []node{line("name: " + full)}
	if len(v.Containers) == 0 {
		return append(nodes, line("in: "+listless(v.Containers != nil, "nothing")))
	}
	for _, c := range v.Containers {
		nodes = append(nodes, line("in: "+described(c)))
	}
	return nodes
}

// tree shows the resource and each container with what was given there, and to whom it comes.
func (v resourceView) tree() []node {
	var nodes []node
	for _, p := range v.places() {
		given := block("Given on "+securable(p.on), v.rightNodes(p.ways), absence(v.Access != nil, notRead, v.coverage(), listAccess))
		nodes = append(nodes, given)
	}
	return append(nodes, v.indirectNode(), node{text: "Resource", tone: title, kids: v.particulars()})
}

// given is a securable with the ways that begin there.
type given struct {
	on   report.Securable
	ways []report.Access
}

// places are the resource, its containers and what else rights were given on.
func (v resourceView) places() []*given {
	type key struct{ kind, metastore, name string }
	var all []*given
	known := map[key]*given{}
	at := func(s report.Securable) *given {
		k := key{string(s.Type), s.Metastore, s.FullName}
		if known[k] == nil {
			known[k] = &given{on: s}
			all = append(all, known[k])
		}
		return known[k]
	}
	at(v.Resource)
	for _, c := range v.Containers {
		at(c)
	}
	for _, a := range v.Access {
		p := at(a.GrantedOn)
		p.ways = append(p.ways, a)
	}
	return all
}

// rightNodes puts those together who hold one right through one holder.
func (v resourceView) rightNodes(ways []report.Access) []node {
	type right struct{ privileges, source, via string }
	var nodes []node
	place := map[right]int{}
	for _, r := range readers(ways) {
		for _, a := range r.ways {
			k := right{privilegeTerms(a), a.Source, a.Via}
			i, known := place[k]
			if !known {
				i = len(nodes)
				place[k] = i
				nodes = append(nodes, line(k.privileges+rightOf(a)))
			}
			to := readerNode(a.Principal, rank(a.Verdict), a.Verdict == report.Indirect)
			way := v.wayNode(a)
			to.text += way.text
			to.kids = way.kids
			nodes[i].kids = append(nodes[i].kids, to)
		}
	}
	return nodes
}

// rightOf says to whom a right was given.
func rightOf(a report.Access) string {
	switch a.Source {
	case report.AccessDirect, report.AccessInherited:
		return " to " + name(a.Via)
	case report.AccessOwner:
		return " of the owner " + name(a.Via)
	case report.AccessRole:
		return " by the administrative role of " + name(a.Via)
	default:
		return " " + name(a.Source) + " of " + name(a.Via)
	}
}
