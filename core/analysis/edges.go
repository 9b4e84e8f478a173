package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// edge is one entry of the catalogue as it stands in the account: what somebody who is named by a fact
// may do, and what it leads to.
type edge struct {
	id, severity string
	holder       int32
	// in are the workspaces of which the holder must be a user to take it; empty means that it need not
	// be of any.
	in     []identity.WorkspaceID
	toward target
	gains  string
	acts   []string
	facts  []estate.ReadKey
	fix    string
	// say, where it is not nil, gives acts, facts and fix, which are not there yet: see told.
	say func() words
	// why says what makes it uncertain; empty where every fact that it rests on was read.
	why string
	// unless says what the holder itself lacks for it, where members of it may have that otherwise; holds
	// then tells of one identity.
	unless string
	// doubtful says that it leads to whom it leads only under circumstances that no fact shows, so that
	// it is no sure step to power.
	doubtful bool
	// raised says that it is critical where it leads to somebody who holds or reaches a power.
	raised bool
	// personal says that it is the business of the holder alone, not of whoever can act as it.
	personal bool
	// holds asks anew whether it is possible, for one identity that has it through the holder; nil
	// means that being the holder is enough.
	holds func(*access.Subject) access.Verdict
}

// words are what is said of an edge to whoever is told of it.
type words struct {
	acts  []string
	facts []estate.ReadKey
	fix   string
}

// told is the edge with all that is said of it. Of the permissions on a hundred thousand objects a few are
// told of at a time, so what is said of one is put into words only then.
func (e *edge) told() *edge {
	if e.say != nil {
		w := e.say()
		e.acts, e.facts, e.fix, e.say = w.acts, w.facts, w.fix, nil
	}
	return e
}

// sure reports whether every fact that the edge rests on was read, and says that it can be taken.
func (e *edge) sure() bool { return e.why == "" && e.unless == "" }

// doubt says what makes the edge uncertain.
func (e *edge) doubt() string { return cmp.Or(e.why, e.unless) }

// leads reports whether the edge leads to acting as somebody.
func (e *edge) leads() bool { return e.toward.identity != none || e.toward.crowd != none }

// target is what an edge leads to. At most one field is meant; identity and crowd are acted as.
type target struct {
	identity  int32 // to act as, or none
	crowd     int32 // any of these may be acted as, or none
	power     bool  // every metastore and workspace of the account
	metastore string
	workspace identity.WorkspaceID
	securable identity.Securable
	object    identity.Object
}

func nowhere() target { return target{identity: none, crowd: none} }

func toIdentity(i int32) target { t := nowhere(); t.identity = i; return t }

func toSecurable(s identity.Securable) target { t := nowhere(); t.securable = s; return t }

func toObject(o identity.Object) target { t := nowhere(); t.object = o; return t }

// about is the securable that an edge is about, a metastore too; the zero value where it is about none.
func (e *edge) about() identity.Securable {
	if t := e.toward; t.securable.Type != "" || t.metastore == "" {
		return t.securable
	}
	return identity.MetastoreSecurable(e.toward.metastore)
}

// crowd is several principals any of whom can be acted as, such as the people of a workspace.
type crowd struct {
	name string
	node report.GraphNode
	in   []int32
}

// catalogue collects the edges.
type catalogue struct {
	*directory
	inventory
	edges   []*edge
	listed  []estate.ObjectGrant // room for entries
	crowds  []*crowd
	crowdAt map[report.GraphNode]int32
	// gaps are what the catalogue could not be asked for lack of facts, by id.
	gaps []report.Unknowable
	// stored are the external tables and volumes that lie in each external location, as far as is known.
	stored map[identity.Securable][]identity.Securable
}

func (c *catalogue) gap(id, why string) {
	u := report.Unknowable{Role: id, Why: why}
	if !slices.Contains(c.gaps, u) {
		c.gaps = append(c.gaps, u)
	}
}

// add enters an edge for each principal that a fact names. Deactivated ones can do nothing; the
// holder that the edge leads to, and one that is in it, gain nothing.
func (c *catalogue) add(h estate.Holder, e edge) {
	if !h.Key.IsZero() { // as nearly always
		e.holder = c.number(h.Key)
		c.enter(e)
		return
	}
	for _, b := range c.bearers(h) {
		one := e
		one.holder = b.of
		one.why = cmp.Or(one.why, b.why)
		c.enter(one)
	}
}

func (c *catalogue) enter(e edge) {
	if !c.active(e.holder) || c.itself(e.holder, e.toward.identity) {
		return
	}
	if t := e.toward.identity; t != none && c.keys[t].Kind == identity.KindUnknown && e.why == "" {
		e.why = "no principal that was read bears the name " + c.name(t)
	}
	if len(e.in) > 0 && c.person(e.holder) {
		keepsOut := func(in identity.WorkspaceID) bool { return c.assigned(e.holder, in) == access.Denied }
		if slices.ContainsFunc(e.in, keepsOut) {
			e.in = slices.DeleteFunc(slices.Clone(e.in), keepsOut)
		}
		if len(e.in) == 0 {
			return
		}
		if e.why == "" && !slices.ContainsFunc(e.in, func(in identity.WorkspaceID) bool { return c.assigned(e.holder, in) == access.Allowed }) {
			e.why = "whether it is a user of the workspace was not read"
		}
	}
	for _, old := range c.edges[max(0, len(c.edges)-sameFacts):] {
		if old.id == e.id && old.holder == e.holder && old.toward == e.toward && old.gains == e.gains && slices.Equal(old.in, e.in) {
			return
		}
	}
	entered := e
	c.edges = append(c.edges, &entered)
}

// sameFacts is how far back an edge is looked for that says the same: two entries of one list follow
// each other.
const sameFacts = 8

// itself reports whether acting as the target is what the holder is anyway: itself, the same person, a
// group that it is in; or, for a group, its only member.
func (c *catalogue) itself(holder, target int32) bool {
	if target == none {
		return false
	}
	if c.circle(target).has(holder) {
		return true
	}
	people := c.circle(holder).people
	return len(people) == 1 && c.settled(holder) && !c.person(holder) && c.circle(target).has(people[0])
}

// sort puts the edges into an order that does not depend on how they were found.
func (c *catalogue) sort() {
	ranks, ids := c.byKey(), c.ids()
	found := make([]foundEdge, len(c.edges))
	for n, e := range c.edges {
		found[n] = foundEdge{e, ids[e.id], ranks[e.holder], int32(n)}
	}
	slices.SortFunc(found, foundEdge.compare)
	c.edges = c.edges[:0]
	for n, f := range found {
		if n == 0 || !sameEdge(found[n-1].edge, f.edge) {
			c.edges = append(c.edges, f.edge)
		}
	}
}

// ids are the entries of the catalogue that there are edges of, with the place of each in their order.
func (c *catalogue) ids() map[string]int32 {
	ids := map[string]int32{}
	for _, e := range c.edges {
		ids[e.id] = 0
	}
	for n, id := range slices.Sorted(maps.Keys(ids)) {
		ids[id] = int32(n)
	}
	return ids
}

// byKey is the place of each principal in the order of keys.
func (d *directory) byKey() []int32 {
	order, place := make([]int32, len(d.keys)), make([]int32, len(d.keys))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int { return d.keys[i].Compare(d.keys[j]) })
	for n, i := range order {
		place[i] = int32(n)
	}
	return place
}

// foundEdge is an edge to be put in order: by the places of its id among all ids, and of its holder among all
// keys, and where nothing tells two apart as they were found.
type foundEdge struct {
	*edge
	id, rank, at int32
}

// compare asks for one thing after the other, since of a hundred thousand edges nearly all differ in the first,
// for which no edge has to be looked at.
func (a foundEdge) compare(b foundEdge) int {
	if c := cmp.Compare(a.id, b.id); c != 0 {
		return c
	}
	if c := cmp.Compare(a.rank, b.rank); c != 0 {
		return c
	}
	if c := compareTargets(a.toward, b.toward); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.gains, b.gains), strings.Compare(a.why, b.why), slices.Compare(a.in, b.in), cmp.Compare(a.at, b.at))
}

func sameEdge(a, b *edge) bool {
	return a.id == b.id && a.holder == b.holder && a.toward == b.toward && a.gains == b.gains && a.why == b.why && slices.Equal(a.in, b.in)
}

func compareTargets(a, b target) int {
	if c := cmp.Or(cmp.Compare(a.identity, b.identity), cmp.Compare(a.crowd, b.crowd)); c != 0 {
		return c
	}
	if c := cmp.Or(strings.Compare(a.metastore, b.metastore), cmp.Compare(a.workspace, b.workspace)); c != 0 {
		return c
	}
	if c := a.securable.Compare(b.securable); c != 0 {
		return c
	}
	return a.object.Compare(b.object)
}

// ranks orders the severities, the worst first.
var ranks = map[string]int{report.Critical: 0, report.High: 1, report.Medium: 2, report.Low: 3}

func worse(a, b string) string {
	if ranks[b] < ranks[a] {
		return b
	}
	return a
}

// quoted is a name as SQL takes it.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-identifiers
func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// sqlName is a securable as SQL names it.
func sqlName(on identity.Securable) string {
	if on.Type == identity.TypeMetastore {
		return "METASTORE"
	}
	var parts []string
	for _, p := range on.Parts() {
		parts = append(parts, quoted(p))
	}
	return strings.ReplaceAll(string(on.Type), "_", " ") + " " + strings.Join(parts, ".")
}

// revoke is the statement that takes privileges back.
func revoke(on identity.Securable, from string, ps ...identity.Privilege) string {
	var names []string
	for _, p := range ps {
		names = append(names, p.SQL())
	}
	return "REVOKE " + strings.Join(names, ", ") + " ON " + sqlName(on) + " FROM " + quoted(from)
}
