package formatters

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// mapView is the view of a report that can be drawn as a map: who comes to what, by which ways.
type mapView interface {
	view
	drawing() drawing
}

// drawing is what a map shows. Unlike report.Graph, which is a fact of one report, it is made for
// looking at: things lie in one another, and edges say what they give, how and where.
type drawing struct {
	nodes []drawnNode
	edges []drawnEdge
	place map[string]int
	// joined are the ends of the edges that give nothing by themselves.
	joined map[[2]int]bool
	// start are the nodes from which the map is read; without any it is read from those that nothing
	// leads to.
	start []string
	// unread says what the map cannot show because it was not read; empty where there is nothing.
	unread string
}

// drawnNode is a principal, a place or a thing.
type drawnNode struct {
	id   string
	kind string // user, service_principal, group, role, workspace, metastore, or the type of securable or object in lower case
	name string
	// inside is the id of the node that it lies in; empty for none.
	inside string
	// metastore tells apart what has one name in several.
	metastore string
	// note is what else there is to say of it.
	note string
	// change says how it changed, in a comparison.
	change string
	// weight is how much it matters where there is no room for all: as a severity does, see
	// severityWeights.
	weight int
	// mark is a word that sets it off in a picture.
	mark string
}

// drawnEdge leads from who has something to what it has.
type drawnEdge struct {
	from, to string
	kind     string   // in words, such as "member of"
	gives    []string // privileges, levels, roles; empty for what gives nothing by itself
	source   string   // direct, group, owner, …; empty where that has no meaning
	// in are the workspaces from which it can be used; null where that was not decided or has no meaning.
	in       []string
	severity string
	note     string
	// absent says that it is missing: drawn for what would have to be there.
	absent bool
	// change says how it changed, in a comparison.
	change string
	// mark is a word that sets it off in a picture.
	mark string
}

// Kinds of drawnEdge that several reports have.
const (
	edgeMember   = "member of"
	edgeGrant    = "granted"
	edgeOwner    = "owner of"
	edgeAssigned = "assigned to"
	edgeRole     = "has role"
	edgeFact     = "leads to"
	edgeThrough  = "comes to" // not by being a member
)

func newDrawing() drawing { return drawing{place: map[string]int{}, joined: map[[2]int]bool{}} }

// node adds a node, unless there is one with the id, and returns the id. A node that was first met
// without a kind takes that of a later meeting.
func (d *drawing) node(n drawnNode) string {
	i, known := d.place[n.id]
	if !known {
		d.place[n.id] = len(d.nodes)
		d.nodes = append(d.nodes, n)
		return n.id
	}
	old := &d.nodes[i]
	if old.kind == "" {
		old.kind, old.name = n.kind, n.name
	}
	old.note, old.change = cmp.Or(old.note, n.note), cmp.Or(old.change, n.change)
	if old.inside == "" {
		old.inside = n.inside
	}
	return n.id
}

func (d *drawing) edge(e drawnEdge) { d.edges = append(d.edges, e) }

// principal adds a principal by what paths call it.
func (d *drawing) principal(name, kind string) string {
	return d.node(drawnNode{id: "principal " + name, kind: kind, name: name})
}

// known adds a principal of which more than the name is there.
func (d *drawing) known(p report.Principal) string {
	n := drawnNode{id: "principal " + inPaths(p), kind: p.Kind, name: drawnName(p), note: describe(p)}
	if p.DisplayName != "" && p.DisplayName != p.Name && p.Kind != identity.KindServicePrincipal.String() {
		n.note = "“" + EscapeLine(p.DisplayName) + "”, " + n.note
	}
	return d.node(n)
}

// inPaths is what paths call a principal.
func inPaths(p report.Principal) string {
	if p.Workspace != "" {
		return cmp.Or(p.Name, p.ID) + "@" + p.Workspace
	}
	return cmp.Or(p.Name, p.ID)
}

// drawnName puts what people call a service principal before its application id.
func drawnName(p report.Principal) string {
	if p.Kind == identity.KindServicePrincipal.String() && p.DisplayName != "" && p.DisplayName != p.Name {
		return p.DisplayName + " (" + cmp.Or(p.Name, p.ID) + ")"
	}
	return inPaths(p)
}

// lie puts securables inside the metastore, where that is on the map by itself.
func (d *drawing) lie(list []report.Securable) {
	for _, s := range list {
		store := securableID(report.Securable{Type: identity.TypeMetastore, FullName: s.Metastore, Metastore: s.Metastore})
		if _, drawn := d.place[store]; drawn && d.nodes[d.place[securableID(s)]].inside == "" {
			d.nodes[d.place[securableID(s)]].inside = store
		}
	}
}

// walk adds the memberships along a path and returns the node at its end. A path that was not read ends
// where it begins.
func (d *drawing) walk(from string, p report.Path) string {
	return d.follow(from, p, edgeMember, "group")
}

// pass is walk for a path that may lead through more than groups.
func (d *drawing) pass(from string, p report.Path) string { return d.follow(from, p, edgeThrough, "") }

// follow joins the names of a path by edges of a kind, where they are not joined yet.
func (d *drawing) follow(from string, p report.Path, kind, of string) string {
	for i, name := range p {
		if i == 0 {
			from = d.principal(name, "")
			continue
		}
		next := d.principal(name, "")
		if n := &d.nodes[d.place[next]]; n.kind == "" {
			n.kind = of
		}
		d.join(drawnEdge{from: from, to: next, kind: kind})
		from = next
	}
	return from
}

// join adds an edge that gives nothing by itself, unless such a one joins the two already.
func (d *drawing) join(e drawnEdge) {
	k := [2]int{d.place[e.from], d.place[e.to]}
	if !d.joined[k] {
		d.joined[k] = true
		d.edge(e)
	}
}

func (d *drawing) workspace(name string) string {
	return d.node(drawnNode{id: "workspace " + name, kind: "workspace", name: name})
}

func (d *drawing) role(role, scope string) string {
	n := drawnNode{id: "role " + role + " " + scope, kind: "role", name: strings.ReplaceAll(role, "_", " ") + " of " + scope, weight: 3}
	switch {
	case role == identity.RoleAccountAdmin:
		n.weight = severityWeights[report.Critical]
	case strings.Contains(role, "admin"):
		n.weight = severityWeights[report.High]
	case role == "user": // what nearly everybody is
		n.weight = 0
	}
	return d.node(n)
}

// securable adds a securable with what it lies in. Names of catalogs and schemas hold no dot.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func (d *drawing) securable(s report.Securable) string {
	n := drawnNode{id: securableID(s), kind: strings.ToLower(string(s.Type)), name: s.FullName}
	if s.Owner != nil && *s.Owner != "" {
		n.note = "owner " + name(*s.Owner)
	}
	if s.Type != identity.TypeMetastore {
		n.metastore = s.Metastore
	}
	switch catalog, rest, _ := strings.Cut(s.FullName, "."); {
	case s.Type == identity.TypeSchema:
		n.inside = d.securable(report.Securable{Type: identity.TypeCatalog, FullName: catalog, Metastore: s.Metastore})
	case s.Type.InSchema():
		schema, _, _ := strings.Cut(rest, ".")
		n.inside = d.securable(report.Securable{Type: identity.TypeSchema, FullName: catalog + "." + schema, Metastore: s.Metastore})
	}
	return d.node(n)
}

func securableID(s report.Securable) string {
	return strings.Join([]string{"securable", string(s.Type), s.Metastore, s.FullName}, " ")
}

// object adds a workspace object inside its workspace.
func (d *drawing) object(o report.ObjectRef) string {
	n := drawnNode{id: "object " + o.Workspace + " " + o.Type + " " + cmp.Or(o.ID, o.Name), kind: noun(identity.SecurableType(o.Type)), name: cmp.Or(o.Name, o.ID)}
	if o.Workspace != "" {
		n.inside = d.workspace(o.Workspace)
	}
	return d.node(n)
}

// thing adds a securable, an object, or neither.
func (d *drawing) thing(s *report.Securable, o *report.ObjectRef) (id string, ok bool) {
	switch {
	case o != nil:
		return d.object(*o), true
	case s == nil:
		return "", false
	case s.Type == typeWorkspace:
		return d.workspace(s.FullName), true
	case s.Type == typePrincipal:
		return d.principal(s.FullName, ""), true
	default:
		return d.securable(*s), true
	}
}

// graphDrawing is a graph as a map.
func graphDrawing(g report.Graph, explain func(from, to report.GraphNode, kind string) string) drawing {
	d := newDrawing()
	g = tidy(g)
	byID := map[string]report.GraphNode{}
	for _, n := range g.Nodes {
		byID[n.ID] = n
		d.node(drawnNode{id: n.ID, kind: strings.ToLower(n.Kind), name: cmp.Or(n.Name, n.ID)})
	}
	for _, e := range g.Edges {
		drawn := drawnEdge{from: e.From, to: e.To, kind: strings.ReplaceAll(e.Kind, "_", " "), severity: e.Severity}
		if e.Severity != "" {
			drawn.gives, drawn.note = []string{e.Kind}, explain(byID[e.From], byID[e.To], e.Kind)
		}
		d.edge(drawn)
	}
	return d
}

// htmlMap is a drawing as the script reads it: nodes and lists by their place, so that 5,000 grants
// stay small, and every text escaped.
type htmlMap struct {
	Unread string     `json:"-"`
	Nodes  []htmlSpot `json:"nodes"`
	Edges  []htmlWay  `json:"edges"`
	Start  []int      `json:"start"`
	// Lists are the lists of texts that edges refer to.
	Lists [][]string `json:"lists"`
}

type htmlSpot struct {
	Kind   string `json:"k"`
	Name   string `json:"n"`
	Inside *int   `json:"i,omitempty"`
	Note   string `json:"t,omitempty"`
	// Metastore tells apart what has one name in several.
	Metastore string `json:"m,omitempty"`
	Change    string `json:"c,omitempty"`
}

type htmlWay struct {
	From     int    `json:"f"`
	To       int    `json:"o"`
	Kind     string `json:"k"`
	Gives    *int   `json:"g,omitempty"`
	Source   string `json:"s,omitempty"`
	In       *int   `json:"w,omitempty"`
	Severity string `json:"v,omitempty"`
	Note     string `json:"t,omitempty"`
	Absent   bool   `json:"x,omitempty"`
	Change   string `json:"c,omitempty"`
}

func newHTMLMap(d drawing) *htmlMap {
	m := &htmlMap{Unread: d.unread, Nodes: []htmlSpot{}, Edges: []htmlWay{}, Start: []int{}, Lists: [][]string{}}
	for _, n := range d.nodes {
		spot := htmlSpot{Kind: EscapeLine(cmp.Or(n.kind, "principal")), Name: EscapeLine(cmp.Or(n.name, `""`)), Note: n.note, Metastore: EscapeLine(n.metastore), Change: n.change}
		if at, ok := d.place[n.inside]; ok && n.inside != n.id {
			spot.Inside = &at
		}
		m.Nodes = append(m.Nodes, spot)
	}
	lists := map[string]int{}
	list := func(texts []string) *int {
		if texts == nil {
			return nil
		}
		escaped := make([]string, len(texts))
		for i, s := range texts {
			escaped[i] = EscapeLine(s)
		}
		key := strings.Join(escaped, "\n") // LF is escaped in each
		at, known := lists[key]
		if !known || len(m.Lists[at]) != len(escaped) {
			at = len(m.Lists)
			lists[key] = at
			m.Lists = append(m.Lists, escaped)
		}
		return &at
	}
	for _, e := range d.edges {
		m.Edges = append(m.Edges, htmlWay{From: d.place[e.from], To: d.place[e.to], Kind: EscapeLine(e.kind), Gives: list(e.gives),
			Source: EscapeLine(e.source), In: list(e.in), Severity: EscapeLine(e.severity), Note: e.note, Absent: e.absent, Change: e.change})
	}
	for _, id := range d.start {
		m.Start = append(m.Start, d.place[id])
	}
	slices.Sort(m.Start)
	m.Start = slices.Compact(m.Start)
	return m
}

// texts are privileges and other names as plain texts.
func texts[S ~string](list []S) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = string(s)
	}
	return all
}
