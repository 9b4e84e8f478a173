package accesstest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// CanFunc is an engine's whole answer to: may the principal do on the securable what the privilege
// is for, asked from these workspaces. It is called from several goroutines.
type CanFunc func(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
	from []identity.WorkspaceID) *report.CanReport

// CanQuestion is one call of a CanFunc. MANAGE asks for the authority over the securable, any other
// privilege for what it lets do.
type CanQuestion struct {
	Subject   identity.PrincipalKey
	Privilege identity.Privilege
	On        identity.Securable
	From      []identity.WorkspaceID
}

// String is the call, as Go would nearly have it.
func (q CanQuestion) String() string {
	return fmt.Sprintf("Can(%v, %s, %s:%v, %v)", q.Subject, q.Privilege, q.On.Metastore, q.On, q.From)
}

// ask puts the question to an engine.
func (q CanQuestion) ask(e *estate.Estate, can CanFunc) *report.CanReport {
	return can(e, q.Subject, q.Privilege, q.On, q.From)
}

// fits reports whether the world has what the question is about.
func (q CanQuestion) fits(w World) bool {
	_, listed := w.listed(q.On)
	return slices.Contains(w.subjects(), q.Subject) && (listed || q.On.Type == identity.TypeMetastore)
}

// topic is a sort of question. They are tried apart, so that an engine with one trouble shows others.
type topic string

const (
	aboutData     topic = "data"
	aboutManaging topic = "managing"
	aboutWays     topic = "what others have"
	aboutLevers   topic = "what runs as others"
	aboutNothing  topic = "privileges that do not apply"
)

var topics = []topic{aboutData, aboutManaging, aboutWays, aboutLevers, aboutNothing}

// canQuestions are those on a topic that CheckCan asks: one or two principals about every securable,
// with one privilege of its type's, mostly from every workspace. Which ones differs from world to world.
// Of BROWSE nothing is asked, since metadata is shown for many other reasons.
func (w World) canQuestions(about topic) []CanQuestion {
	switch about {
	case aboutWays:
		return w.wayQuestions()
	case aboutLevers:
		return w.leverQuestions()
	default: // below
	}
	var qs []CanQuestion
	ons := slices.Clone(w.Securables)
	for _, m := range w.Metastores {
		ons = append(ons, identity.SecurableInfo{Securable: identity.MetastoreSecurable(m.ID)})
	}
	subjects, turn := w.subjects(), int(w.Order%1000)
	for _, on := range ons {
		privileges := keep(sample[on.Type], func(p identity.Privilege) bool {
			switch {
			case p == identity.Manage || p == identity.Browse:
				return false
			case p.Applies(on.Type):
				return about == aboutData
			default:
				return about == aboutNothing
			}
		})
		if about == aboutManaging && on.Type != identity.TypeMetastore {
			privileges = []identity.Privilege{identity.Manage}
		}
		if len(privileges) == 0 || len(subjects) == 0 {
			continue
		}
		for range 1 + turn%2 {
			turn++
			q := CanQuestion{subjects[turn%len(subjects)], privileges[turn/2%len(privileges)], on.Securable, w.Workspaces}
			if turn%4 == 0 {
				q.From = q.From[turn/4%len(q.From):][:1]
			}
			qs = append(qs, q)
		}
	}
	return qs
}

// wayQuestions are about those who have a role on a principal, and about what that one was granted.
func (w World) wayQuestions() []CanQuestion {
	var qs []CanQuestion
	for _, r := range w.Roles {
		for _, p := range w.Principals {
			if p.Key.Workspace != 0 || p.Name != r.Holder.Name || isListedAccountUsers(p) || len(qs) == 6 {
				continue
			}
			for _, g := range slices.Backward(w.Grants) { // the last is the likeliest
				if g.Holder == w.nameOf(r.On) && g.Securable.Type.InSchema() {
					qs = append(qs, CanQuestion{p.Key, g.Privileges[0], g.Securable, w.Workspaces})
					break
				}
			}
		}
	}
	return qs
}

// CanMismatch is one answer of an engine that is wrong.
type CanMismatch struct {
	World    World
	Question CanQuestion
	Report   *report.CanReport
	complaint
}

// complaint is what is wrong with a report. The zero complaint means that nothing is.
type complaint struct {
	rule string // which rule is broken, in constant words
	why  string
}

func complain(rule, why string, args ...any) complaint {
	return complaint{rule, fmt.Sprintf(why, args...)}
}

// first is the first real complaint.
func first(checks ...func() complaint) complaint {
	for _, check := range checks {
		if c := check(); c != (complaint{}) {
			return c
		}
	}
	return complaint{}
}

// String prints everything that is needed to see the mismatch by eye.
func (m CanMismatch) String() string {
	return fmt.Sprintf("%v\n  broken rule: %s\n  why: %s\n%s\nin the world\n%v",
		m.Question, m.rule, m.why, outline(m.Report), m.World)
}

// outline is what matters of a report, in a few lines.
func outline(r *report.CanReport) string {
	if r == nil {
		return "  no report"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %s, tiers %v, reachable in %v", r.Verdict, r.Tiers, r.ReachableIn)
	for _, p := range r.Proofs {
		fmt.Fprintf(&b, "\n  proof in %s:", p.Workspace)
		for _, s := range p.Steps {
			fmt.Fprintf(&b, " %s;", describeStep(s))
		}
	}
	for _, set := range r.Missing {
		fmt.Fprintf(&b, "\n  missing in %s:", set.Workspace)
		for _, m := range set.Facts {
			fmt.Fprintf(&b, " %s;", describeMissing(m))
		}
	}
	for _, a := range r.Acts {
		fmt.Fprintf(&b, "\n  act: %s, because %s", a.Description, a.Because)
	}
	return b.String()
}

func describeStep(s report.Step) string {
	return words(s.Kind, s.Principal, s.Group, string(s.Privilege), securableName(s.Securable), s.Workspace, s.Detail)
}

func describeMissing(m report.Missing) string {
	known := "known"
	if !m.Known {
		known = fmt.Sprintf("unread: %q", m.Read)
	}
	return words(m.Kind, string(m.Privilege), securableName(m.Securable), m.Workspace, "("+known+")")
}

func words(ws ...string) string {
	return strings.Join(slices.DeleteFunc(ws, func(w string) bool { return w == "" }), " ")
}

func securableName(s *report.Securable) string {
	if s == nil {
		return ""
	}
	return string(s.Type) + " " + s.FullName
}

// canCheck holds one report against what a crawl saw of a world.
type canCheck struct {
	seen   sightings
	oracle *Oracle
	q      CanQuestion
	r      *report.CanReport
	// securables are all that the world has, listed or not, for names in the report.
	securables []identity.Securable
}

// crawled is a world with what a crawl of it brought home.
type crawled struct {
	World
	seen   sightings
	estate *estate.Estate
}

func (w World) crawl() crawled { return crawled{w, w.sightings(), w.Estate()} }

// complaint asks an engine and gives what is wrong with its answer.
func (q CanQuestion) complaint(w crawled, can CanFunc) (*report.CanReport, complaint) {
	if !q.fits(w.World) {
		return nil, complaint{}
	}
	c := &canCheck{seen: w.seen, q: q, r: q.ask(w.estate, can)}
	if c.r == nil {
		return nil, complain("there is a report", "it is nil")
	}
	c.oracle = newOracle(c.seen, q.Subject)
	for _, s := range w.Securables {
		c.securables = append(c.securables, s.Securable)
	}
	return c.r, first(c.verdict, c.reachable, c.tiers, c.lists, c.proofs, c.missing, c.acts,
		func() complaint { return c.monotone(w.World, can) })
}

func (c *canCheck) verdict() complaint {
	var each []access.Verdict
	var whys []string
	for _, ws := range c.q.From {
		a := c.oracle.can(c.q.Privilege, c.q.On, ws)
		each = append(each, a.verdict)
		whys = append(whys, fmt.Sprintf("from %v it is %v: %v", ws, a.verdict, a))
	}
	now := access.Any(each...)
	want := map[access.Verdict]report.Verdict{
		access.Allowed: report.Allow, access.Unknown: report.Unknown, access.Denied: report.Deny,
	}[now]
	if now != access.Allowed {
		for _, ws := range c.q.From {
			stands := c.stands(ws)
			if acts, found := c.route(stands, ws); found {
				want = report.Indirect
				whys = append(whys, fmt.Sprintf("in %v it can come to it: %v", ws, acts))
				break
			}
			if want == report.Deny && c.leversInDoubt(stands, ws) {
				want = report.Unknown
				whys = append(whys, fmt.Sprintf("in %v it may be able to turn what runs as somebody else", ws))
			}
		}
	}
	switch {
	case c.r.Verdict == want:
		return complaint{}
	case c.r.Verdict == report.Unknown && want == report.Deny && slices.ContainsFunc(c.q.From, c.inDoubt):
		return complaint{}
	case c.r.Verdict == report.Indirect && want != report.Allow && len(c.r.Acts) > 0 && c.acts() == (complaint{}):
		return complaint{} // there are more ways than were tried here, and this is one
	default:
		return complain("the verdict", "got %s, want %s: %s", c.r.Verdict, want, strings.Join(whys, "; "))
	}
}

// inDoubt reports whether an UNKNOWN is sound although it is denied from the workspace: a name that
// nobody bears may be somebody's, see unborne, or authority that was not seen may suffice to get
// there. A DENY speaks of neither.
func (c *canCheck) inDoubt(ws identity.WorkspaceID) bool {
	cautious := *c.oracle
	cautious.cautious = true
	return c.doubtful(&cautious, ws)
}

func (c *canCheck) reachable() complaint {
	var want []string
	for _, ws := range c.q.From {
		if c.oracle.Can(c.q.Privilege, c.q.On, ws) == access.Allowed {
			want = append(want, workspaceName(ws))
		}
	}
	got := slices.Sorted(slices.Values(c.r.ReachableIn))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return complain("reachable in the workspaces where it is allowed", "got %v, want %v", got, want)
	}
	return complaint{}
}

// tiers are checked as far as they follow: what is granted without its workspaces, and what of that
// is reached. Both readings of a name that nobody bears are let pass, and whether what the owner of a
// view may read, or what the subject may act as, counts as granted.
func (c *canCheck) tiers() complaint {
	cautious := *c.oracle
	cautious.cautious = true
	var granted, reached, exercised []report.Answer
	for _, o := range []*Oracle{c.oracle, &cautious} {
		granted = append(granted, c.anywhere(o.grantedItself(c.q)), c.anywhere(o.grantedToo(c.q)), c.anywhere(o.grantedByAll(c.q)))
		reached = append(reached, c.anywhere(func(ws identity.WorkspaceID) answer { return o.can(c.q.Privilege, c.q.On, ws) }))
		exercised = append(exercised, c.anywhere(func(ws identity.WorkspaceID) answer { return o.exercises(c.q.Privilege, c.q.On, ws) }))
	}
	t := c.r.Tiers
	switch {
	case !slices.Contains(granted, t.Granted):
		return complain("what is granted", "got %s, want %s", t.Granted, granted[0])
	case !slices.Contains(reached, t.Reachable):
		return complain("what is reachable", "got %s, want %s", t.Reachable, reached[0])
	case (t.Exercisable == report.Yes || t.Exercisable == report.No) && !slices.Contains(exercised, t.Exercisable):
		return complain("what is exercisable", "got %s, want %s", t.Exercisable, exercised[0])
	}
	return complaint{}
}

// anywhere is the answer from all workspaces that were asked about.
func (c *canCheck) anywhere(ask func(identity.WorkspaceID) answer) report.Answer {
	var each []access.Verdict
	for _, ws := range c.q.From {
		each = append(each, ask(ws).verdict)
	}
	switch access.Any(each...) {
	case access.Allowed:
		return report.Yes
	case access.Denied:
		return report.No
	default:
		return report.NotKnown
	}
}

// grantedItself counts what the subject has; grantedToo what the owner of a view has as well; and
// grantedByAll also what it may act as has.
func (o *Oracle) grantedItself(q CanQuestion) func(identity.WorkspaceID) answer {
	return func(ws identity.WorkspaceID) answer { return o.granted(q.Privilege, q.On, ws) }
}

func (o *Oracle) grantedToo(q CanQuestion) func(identity.WorkspaceID) answer {
	return func(ws identity.WorkspaceID) answer {
		return allOf(o.granted(q.Privilege, q.On, ws), o.defined(q.Privilege, q.On, ws))
	}
}

func (o *Oracle) grantedByAll(q CanQuestion) func(identity.WorkspaceID) answer {
	return func(ws identity.WorkspaceID) answer {
		itself := o.grantedToo(q)(ws)
		return anyOf(itself, itself, o.asGroup(func(session *Oracle) answer { return session.grantedToo(q)(ws) }))
	}
}

// lists checks which parts of the report may hold anything.
func (c *canCheck) lists() complaint {
	v, r := c.r.Verdict, c.r
	switch {
	case v == report.Allow && len(r.Proofs) == 0:
		return complain("an ALLOW has a proof", "it has none")
	case v != report.Allow && len(r.Proofs) > 0:
		return complain("only an ALLOW has proofs", "there are %d", len(r.Proofs))
	case v == report.Allow && len(r.Missing) > 0:
		return complain("an ALLOW lacks nothing", "missing are %d sets", len(r.Missing))
	case v == report.Indirect && len(r.Acts) == 0:
		return complain("an INDIRECT has acts", "it has none")
	case v != report.Indirect && len(r.Acts) > 0:
		return complain("only an INDIRECT has acts", "there are %d", len(r.Acts))
	}
	return complaint{}
}

// strength orders verdicts, the weakest first.
func strength(v report.Verdict) int {
	return slices.Index([]report.Verdict{report.Deny, report.Unknown, report.Indirect, report.Allow}, v)
}

// monotone adds one missing fact to the world and asks again: that must not give less. Which one
// differs from world to world.
func (c *canCheck) monotone(w World, can CanFunc) complaint {
	if len(c.r.Missing) == 0 {
		return complaint{}
	}
	set := c.r.Missing[int(w.Order)%len(c.r.Missing)]
	m := set.Facts[int(w.Order/7)%len(set.Facts)]
	extra, bad := c.supplied(set, m)
	if bad != (complaint{}) {
		return bad
	}
	more := w
	more.Facts = w.with(extra, w.nameOf(c.q.Subject))
	if after := c.q.ask(more.Estate(), can).Verdict; strength(after) < strength(c.r.Verdict) {
		return complain("a further fact never makes a verdict weaker", "%s becomes %s with %s",
			c.r.Verdict, after, describeMissing(m))
	}
	return complaint{}
}

// The names that World.Estate gives to places.

func workspaceName(ws identity.WorkspaceID) string { return "ws" + ws.String() }

// workspace finds one by the name that the report has for it.
func (c *canCheck) workspace(name string) (identity.WorkspaceID, bool) {
	for _, ws := range c.seen.Workspaces {
		if workspaceName(ws) == name {
			return ws, true
		}
	}
	return 0, false
}

// securable finds one by the name that the report has for it.
func (c *canCheck) securable(s *report.Securable) (identity.Securable, bool) {
	if s == nil {
		return identity.Securable{}, false
	}
	for _, m := range c.seen.Metastores {
		if m.Name != s.Metastore && m.ID != s.Metastore {
			continue
		}
		if s.Type == identity.TypeMetastore && (s.FullName == m.Name || s.FullName == m.ID) {
			return identity.MetastoreSecurable(m.ID), true
		}
		for _, on := range c.securables {
			if on.Metastore == m.ID && on.Type == s.Type && on.FullName() == s.FullName {
				return on, true
			}
		}
	}
	return identity.Securable{}, false
}

// nameOf is the name of a principal of the world.
func (f *Facts) nameOf(k identity.PrincipalKey) string {
	for _, p := range f.Principals {
		if p.Key == k {
			return p.Name
		}
	}
	return ""
}

// compareCan asks an engine the questions of a topic about a world and gives the first mismatch.
func compareCan(w World, about topic, can CanFunc) (CanMismatch, bool) {
	home := w.crawl()
	for _, q := range w.canQuestions(about) {
		if r, bad := q.complaint(home, can); bad != (complaint{}) {
			return CanMismatch{w, q, r, bad}, true
		}
	}
	return CanMismatch{}, false
}

// smallest is the same mismatch in as small a world as it can be.
func (m CanMismatch) smallest(can CanFunc) CanMismatch {
	world := shrink(m.World, func(w World) bool {
		_, bad := m.Question.complaint(w.crawl(), can)
		return bad.rule == m.rule
	})
	r, bad := m.Question.complaint(world.crawl(), can)
	return CanMismatch{world, m.Question, r, bad}
}

// checkCan holds the reports of an engine about one world against the oracle: the verdicts, and that
// proofs prove, that what is missing suffices and is needed, and that acts are within the
// principal's authority and lead there. The world of a failure is made as small as it can be.
func checkCan(t testing.TB, w World, about topic, can CanFunc) {
	t.Helper()
	if m, wrong := compareCan(w, about, can); wrong {
		t.Errorf("the engine's report does not hold:\n%v", m.smallest(can))
	}
}

// canWorlds is how many worlds RunCan checks.
const canWorlds = 150

// share of the worlds goes to a topic: the rarer a trouble with it, the more are needed.
func (about topic) share(worlds int) int {
	switch about {
	case aboutData:
		return worlds
	case aboutWays:
		return 10 * worlds // there are few questions in each
	case aboutLevers:
		return 3 * worlds
	default:
		return worlds / 3
	}
}

// RunCan is the whole suite for reports: CanCases, small worlds, random worlds by topic, and laws.
func RunCan(t *testing.T, can CanFunc) {
	runCan(t, can, canWorlds)
	t.Run("small worlds", func(t *testing.T) { runSmallCan(t, can) })
}

// RunEditCan is for an engine under the other reading of what changing a job takes, see World: EditCanCases,
// and random worlds about what runs as somebody else.
func RunEditCan(t *testing.T, can CanFunc) { runEditCan(t, can, canWorlds) }

func runEditCan(t *testing.T, can CanFunc, worlds int) {
	t.Run("cases", func(t *testing.T) {
		for _, c := range EditCanCases() {
			t.Run(c.Name, func(t *testing.T) { c.Check(t, can) })
		}
	})
	t.Run("random worlds", func(t *testing.T) {
		t.Parallel()
		for i := range aboutLevers.share(worlds) {
			w := aboutLevers.world(5, i)
			w.EditNeedsUser = true
			checkCan(t, w, aboutLevers, can)
			if t.Failed() {
				t.Fatalf("in world %d of %d", i, aboutLevers.share(worlds))
			}
		}
	})
}

func runCan(t *testing.T, can CanFunc, worlds int) {
	t.Run("cases", func(t *testing.T) {
		for _, c := range CanCases() {
			t.Run(c.Name, func(t *testing.T) { c.Check(t, can) })
		}
	})
	t.Run("random worlds", func(t *testing.T) {
		for _, about := range topics {
			t.Run(string(about), func(t *testing.T) {
				t.Parallel()
				for i := range about.share(worlds) {
					checkCan(t, about.world(5, i), about, can)
					if t.Failed() {
						t.Fatalf("in world %d of %d", i, about.share(worlds)) // one small world is easier to look at than many
					}
				}
			})
		}
	})
	t.Run("the order of facts does not matter", func(t *testing.T) {
		t.Parallel()
		for i := range worlds / 3 {
			w := seeded(6, i)
			other := w
			other.Order += 1 << 40 // far from any other world's
			one, two := w.Estate(), other.Estate()
			for _, q := range w.canQuestions(aboutData) {
				before, after := q.ask(one, can), q.ask(two, can)
				if a, b := inJSON(before), inJSON(after); a != b {
					t.Fatalf("%v\n  before %s\n  after  %s\nin the world\n%v", q, a, b, w)
				}
			}
		}
	})
}

func inJSON(r *report.CanReport) string {
	b, err := json.Marshal(r)
	return cmp.Or(string(b), fmt.Sprint(err))
}
