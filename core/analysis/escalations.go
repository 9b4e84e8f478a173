package analysis

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Escalations answers by which ways somebody comes to more access than was given: one identity, or with
// who nil everybody. For everybody a finding names the holder that its fact names, so that a group is
// one finding. For one identity the findings are those of every identity that it has, and of whomever it
// can come to act as, with the acts that lead there. The envelope is left to the caller, except for its
// notes.
func Escalations(m *access.Model, who *identity.PrincipalKey) *report.EscalationsReport {
	q := newEscalation(m, who)
	r := &report.EscalationsReport{
		Findings: []report.Finding{}, Powers: []report.Power{}, ChokePoints: []report.ChokePoint{}, NotLookedAt: []report.Unknowable{},
	}
	q.r, q.draw = r, newDrawing(q.catalogue)
	q.search()
	q.reached()
	if who == nil {
		q.all()
	} else {
		p := m.Describe(*who)
		r.Subject = &p
		known := q.of(m.Subject(*who), func(f report.Finding, e *edge, way []int32) {
			r.Findings = append(r.Findings, f)
			q.draw.finding(e)
			q.draw.way(way)
		})
		if !known {
			r.Notes = append(r.Notes, "deactivated: it can take none of the ways that it has until it is reactivated")
		}
	}
	q.chokePoints()
	q.notes()
	sortFindings(r.Findings)
	r.Graph = q.draw.graph()
	return r
}

// newEscalation enters all edges and weighs them.
func newEscalation(m *access.Model, who *identity.PrincipalKey) *escalation {
	c := newCatalogue(m)
	if who != nil {
		c.number(*who) // it may be nobody that a fact names
	}
	powers := c.powers()
	q := &escalation{web: newWeb(c), who: who, powers: powers}
	q.weigh()
	return q
}

// newCatalogue enters all edges.
func newCatalogue(m *access.Model) *catalogue {
	c := &catalogue{directory: newDirectory(m), inventory: takeInventory(m.Estate()), crowdAt: map[report.GraphNode]int32{}}
	c.stored = c.storedIn()
	c.unityCatalog()
	c.sharing()
	c.views()
	c.policies()
	c.delegations()
	c.workspaceAdmins()
	c.objects()
	c.sort()
	return c
}

type escalation struct {
	*web
	draw   *drawing
	who    *identity.PrincipalKey
	r      *report.EscalationsReport
	powers []power
	// certain and possible are the ways to each power that was searched for.
	certain, possible []field
	byHolder          [][]*edge
}

// search finds the ways to each power: where one identity is asked about, to those that it comes to.
func (q *escalation) search() {
	q.certain, q.possible = make([]field, len(q.powers)), make([]field, len(q.powers))
	var comes []bool
	if q.who != nil {
		comes = q.comesTo(q.number(*q.who))
	}
	for n, p := range q.powers {
		if comes == nil || comes[n] {
			q.certain[n], q.possible[n] = q.ways(true, p), q.ways(false, p)
		}
	}
}

// weigh gives the edges their severity, and adds those that follow from it.
func (q *escalation) weigh() {
	q.index()
	w := &weigher{catalogue: q.catalogue, byHolder: q.byHolder, powerful: make([]bool, len(q.keys)), worth: map[int32]string{}}
	for i, s := range q.ways(true, q.powers...) {
		w.powerful[i] = s.left != noWay
	}
	w.weigh()
	w.outside()
	q.index()
}

func (q *escalation) index() {
	q.byHolder = make([][]*edge, len(q.keys))
	for _, e := range q.edges {
		q.byHolder[e.holder] = append(q.byHolder[e.holder], e)
	}
}

// finding tells of an edge.
func (q *escalation) finding(e *edge) report.Finding {
	e.told()
	f := report.Finding{
		ID: e.id, Severity: e.severity, Subject: q.describe(e.holder), Gains: e.gains, Path: report.Path{q.name(e.holder)},
		Acts: slices.Clone(e.acts), Facts: []report.Fact{}, Fix: e.fix, Certain: e.sure(), Why: e.doubt(),
	}
	for _, k := range e.facts {
		f.Facts = append(f.Facts, q.m.Fact(k))
	}
	if on := e.about(); on.Type != "" {
		s := q.m.DescribeSecurable(on)
		f.Securable = &s
	}
	if e.toward.object != (identity.Object{}) {
		f.Object = q.m.DescribeObject(e.toward.object)
	}
	if e.toward.identity != none {
		p := q.describe(e.toward.identity)
		f.Principal = &p
	}
	return f
}

// all tells of every edge, as the holder's.
func (q *escalation) all() {
	for _, e := range q.edges {
		q.r.Findings = append(q.r.Findings, q.finding(e))
		q.draw.finding(e)
	}
}

func sortFindings(list []report.Finding) {
	slices.SortStableFunc(list, func(a, b report.Finding) int {
		return cmp.Or(
			cmp.Compare(ranks[a.Severity], ranks[b.Severity]),
			strings.Compare(a.ID, b.ID),
			cmp.Compare(len(a.Acts), len(b.Acts)),
			strings.Compare(a.Subject.Kind, b.Subject.Kind),
			strings.Compare(identity.FoldName(a.Subject.Name), identity.FoldName(b.Subject.Name)),
			strings.Compare(a.Subject.ID, b.Subject.ID),
			slices.Compare(a.Path, b.Path),
			strings.Compare(a.Gains, b.Gains),
			slices.Compare(a.Acts, b.Acts),
		)
	})
}

// notes says what the answer leaves out.
func (q *escalation) notes() {
	q.r.Notes = append(q.r.Notes, "deactivated principals are left out: what they have is of use to nobody until they are reactivated")
	say := func(id, why string) { q.gap(id, why) }
	say("E15", "whether managed tables, raw data or code lie under the paths of external locations is not collected; external tables and volumes are named where they were listed")
	say("E24", "who may rewrite what filters rows and masks columns is not looked at")
	say("E31", "what is on the allowlist, and where init scripts and libraries of shared clusters lie, is not collected")
	say("E32", "who administers the identity provider, holds its provisioning token, or administers cloud accounts and storage, no API of Databricks tells")
	if len(q.e.Metastores()) == 0 {
		say("E01–E04, E14, E15, E24–E30, E33", "no metastore was read")
	}
	q.r.NotLookedAt = append(q.r.NotLookedAt, q.gaps...)
	slices.SortFunc(q.r.NotLookedAt, func(a, b report.Unknowable) int {
		return cmp.Or(strings.Compare(a.Role, b.Role), strings.Compare(a.Why, b.Why))
	})
}
