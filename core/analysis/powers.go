package analysis

import (
	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// maxActs bounds how many steps a way to power may take: a longer one is not described by its end.
const maxActs = 6

// power is an administrative power.
type power struct {
	kind, scope string
	node        report.GraphNode
	// holders are whom the facts name as having it.
	holders []bearer
	// account says that an account admin need not make itself anything to have it.
	account bool
}

func (p power) String() string { return p.kind + " " + p.scope }

// powers lists the account's, those of its metastores and those of its running workspaces.
func (c *catalogue) powers() []power {
	account := power{kind: identity.RoleAccountAdmin, scope: scopeAccount, account: true, node: accountNode()}
	for i, k := range c.keys {
		if p, _ := c.e.Principal(k); p.HasRole(identity.RoleAccountAdmin) {
			account.holders = append(account.holders, bearer{of: int32(i)})
		}
	}
	list := []power{account}
	for _, m := range c.e.Metastores() {
		p := power{kind: roleMetastoreAdmin, scope: c.e.MetastoreName(m.ID), node: c.metastoreNode(m.ID)}
		if owner, known := c.e.MetastoreAdmin(m.ID); known && !unowned(owner) {
			p.holders = c.bearers(owner)
		}
		list = append(list, p)
	}
	for _, w := range c.e.Workspaces() {
		if w.Running() {
			list = append(list, power{
				kind: roleWorkspaceAdmin, scope: c.e.WorkspaceName(w.ID), node: c.workspaceNode(w.ID),
				holders: []bearer{{of: c.number(identity.WorkspaceAdmins(w.ID))}},
			})
		}
	}
	return list
}

// gate is a holder together with a workspace of which whoever takes an edge must be a user; zero is
// none. It stands between principals and edges, so that a group's thousand members and its thousand
// edges make two thousand steps and not a million.
type gate struct {
	holder int32
	in     identity.WorkspaceID
}

// web is the graph of steps to power.
type web struct {
	*catalogue
	gates map[gate]gateMembers
	// into are the edges that lead to acting as a principal, intoCrowd those to any of a crowd, and
	// crowdsOf the crowds of a principal.
	into, intoCrowd [][]int32
	crowdsOf        [][]int32
	toAll           []int32 // edges that lead to every metastore and workspace
}

// gateMembers may pass a gate: for sure, or perhaps, where it was not read who is in the workspace.
type gateMembers struct{ sure, perhaps []int32 }

func newWeb(c *catalogue) *web {
	w := &web{catalogue: c, gates: map[gate]gateMembers{}}
	w.into, w.crowdsOf = make([][]int32, len(c.keys)), make([][]int32, len(c.keys))
	w.intoCrowd = make([][]int32, len(c.crowds))
	for n, one := range c.crowds {
		for _, i := range one.in {
			w.crowdsOf[i] = append(w.crowdsOf[i], int32(n))
		}
	}
	for n, e := range c.edges {
		switch {
		case e.toward.power:
			w.toAll = append(w.toAll, int32(n))
		case e.toward.identity != none:
			w.into[e.toward.identity] = append(w.into[e.toward.identity], int32(n))
		case e.toward.crowd != none:
			w.intoCrowd[e.toward.crowd] = append(w.intoCrowd[e.toward.crowd], int32(n))
		}
	}
	return w
}

// pass lists who may pass a gate. A group that somebody acts as passes whatever workspace it is in:
// who acts as it may be in the workspace itself.
func (w *web) pass(g gate) gateMembers {
	if m, ok := w.gates[g]; ok {
		return m
	}
	var m gateMembers
	for _, i := range w.circle(g.holder).in {
		switch {
		case !w.active(i):
		case g.in == 0 || !w.person(i):
			m.sure = append(m.sure, i)
		default:
			switch w.assigned(i, g.in) {
			case access.Allowed:
				m.sure = append(m.sure, i)
			case access.Unknown:
				m.perhaps = append(m.perhaps, i)
			case access.Denied:
			}
		}
	}
	w.gates[g] = m
	return m
}

// gatesOf are the gates before an edge.
func gatesOf(e *edge) []gate {
	if len(e.in) == 0 {
		return []gate{{holder: e.holder}}
	}
	gates := make([]gate, 0, len(e.in))
	for _, in := range e.in {
		gates = append(gates, gate{e.holder, in})
	}
	return gates
}

// step is what one principal does first on its shortest way to a power.
type step struct {
	edge   int32 // none where it holds the power
	holder int32 // whom the fact names, that it is or is in
	to     int32 // whom it acts as then; none where the edge leads to the power itself
	left   int8  // how many edges it takes from here; negative where there is no way
}

// field is the first step of everybody on the way to one power.
type field []step

const noWay = int8(-1)

// ways searches backwards from a power, breadth first: who holds it, who can act as one of these, and
// so on. With sure, only by steps that are certain. Of several powers it is the way to the nearest.
func (w *web) ways(sure bool, powers ...power) field {
	f := make(field, len(w.keys))
	for i := range f {
		f[i].left = noWay
	}
	var reached []int32
	passed, taken, met := map[gate]bool{}, make([]bool, len(w.edges)), make([]bool, len(w.crowds))
	through := func(g gate, s step) {
		if passed[g] {
			return
		}
		passed[g] = true
		may := w.pass(g)
		enter := func(list []int32) {
			for _, i := range list {
				if f[i].left == noWay {
					f[i] = s
					reached = append(reached, i)
				}
			}
		}
		enter(may.sure)
		if !sure {
			enter(may.perhaps)
		}
	}
	take := func(n, to int32, left int8) {
		e := w.edges[n]
		if taken[n] || sure && (!e.sure() || e.doubtful) {
			return
		}
		taken[n] = true
		for _, g := range gatesOf(e) {
			through(g, step{n, e.holder, to, left})
		}
	}
	made := false // whether one is a power that account admins can give themselves
	for _, p := range powers {
		made = made || !p.account
		for _, h := range p.holders {
			if h.why == "" || !sure {
				through(gate{holder: h.of}, step{none, h.of, none, 0})
			}
		}
	}
	for left, from := int8(1), 0; left <= maxActs; left++ {
		frontier := reached[from:len(reached):len(reached)]
		from = len(reached)
		if left == 1 && made {
			for _, n := range w.toAll {
				take(n, none, left)
			}
		}
		for _, i := range frontier {
			for _, n := range w.into[i] {
				take(n, i, left)
			}
			for _, crowd := range w.crowdsOf[i] {
				if met[crowd] {
					continue
				}
				met[crowd] = true
				for _, n := range w.intoCrowd[crowd] {
					take(n, i, left)
				}
			}
		}
		if from == len(reached) {
			break
		}
	}
	return f
}

// comesTo searches forwards from somebody: which powers it has, or comes to by steps of its own, perhaps.
// These are the powers to which ways that are possible lead from it.
func (q *escalation) comesTo(from int32) []bool {
	comes := make([]bool, len(q.powers))
	held := map[int32][]int{} // powers by holder
	for n, p := range q.powers {
		for _, h := range p.holders {
			held[h.of] = append(held[h.of], n)
		}
	}
	seen := make([]bool, len(q.keys))
	asked, met := make([]bool, len(q.keys)), make([]bool, len(q.crowds))
	var next []int32
	reach := func(i int32) {
		if !seen[i] && q.active(i) {
			seen[i] = true
			next = append(next, i)
		}
	}
	take := func(e *edge, left int) {
		switch t := e.toward; {
		case t.power && left > 0:
			for n, p := range q.powers {
				comes[n] = comes[n] || !p.account
			}
		case t.identity != none:
			reach(t.identity)
		case t.crowd != none && !met[t.crowd]:
			met[t.crowd] = true
			for _, i := range q.crowds[t.crowd].in {
				reach(i)
			}
		}
	}
	reach(from)
	for left := maxActs; left >= 0; left-- {
		at := next
		next = nil
		for _, i := range at {
			for _, k := range q.identities(i) {
				for _, n := range held[k] {
					comes[n] = true
				}
				if asked[k] {
					continue // those before took what there is
				}
				all := true
				for _, e := range q.byHolder[k] {
					if q.passes(i, e) {
						take(e, left)
					} else {
						all = false
					}
				}
				asked[k] = all
			}
		}
	}
	return comes
}
