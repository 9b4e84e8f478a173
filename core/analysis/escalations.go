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
	c := newCatalogue(m)
	if who != nil {
		c.number(*who) // it may be nobody that a fact names
	}
	powers := c.powers()
	q := &escalation{
		web: newWeb(c), who: who, draw: newDrawing(c), powers: powers,
		r: &report.EscalationsReport{
			Findings: []report.Finding{}, Powers: []report.Power{}, ChokePoints: []report.ChokePoint{}, NotLookedAt: []report.Unknowable{},
		},
	}
	q.search()
	q.weigh()
	q.reached()
	if who == nil {
		q.all()
	} else {
		p := m.Describe(*who)
		q.r.Subject = &p
		q.of(m.Subject(*who))
	}
	q.chokePoints()
	q.notes()
	sortFindings(q.r.Findings)
	q.r.Graph = q.draw.graph()
	return q.r
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
	// certain and possible are the ways to each power.
	certain, possible []field
	byHolder          map[int32][]*edge
}

// search finds the ways to each power.
func (q *escalation) search() {
	for _, p := range q.powers {
		q.certain = append(q.certain, q.ways(p, true))
		q.possible = append(q.possible, q.ways(p, false))
	}
}

// weigh gives the edges their severity, and adds those that follow from it.
func (q *escalation) weigh() {
	q.index()
	w := &weigher{catalogue: q.catalogue, byHolder: q.byHolder, powerful: make([]bool, len(q.keys)), worth: map[int32]string{}}
	for _, f := range q.certain {
		for i, s := range f {
			w.powerful[i] = w.powerful[i] || s.left != noWay
		}
	}
	w.weigh()
	w.outside()
	q.index()
}

func (q *escalation) index() {
	q.byHolder = map[int32][]*edge{}
	for _, e := range q.edges {
		q.byHolder[e.holder] = append(q.byHolder[e.holder], e)
	}
}

// finding tells of an edge.
func (q *escalation) finding(e *edge) report.Finding {
	f := report.Finding{
		ID: e.id, Severity: e.severity, Subject: q.describe(e.holder), Gains: e.gains, Path: report.Path{q.name(e.holder)},
		Acts: slices.Clone(e.acts), Facts: []report.Fact{}, Fix: e.fix, Certain: e.sure(), Why: e.doubt(),
	}
	for _, k := range e.facts {
		f.Facts = append(f.Facts, q.m.Fact(k))
	}
	switch t := e.toward; {
	case t.securable.Type != "":
		s := q.m.DescribeSecurable(t.securable)
		f.Securable = &s
	case t.metastore != "":
		s := q.m.DescribeSecurable(identity.MetastoreSecurable(t.metastore))
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
