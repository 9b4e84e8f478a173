package access

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Who is what a question of the form "who can reach it" is asked under.
type Who struct {
	// From are the workspaces from which it is asked.
	From []identity.WorkspaceID
	// Expand lists what comes through groups with everybody in them; otherwise with the group alone.
	Expand bool
	// Privilege, if set, leaves out who does not hold it. On objects it is a level.
	Privilege identity.Privilege
}

// Resource answers who can reach a securable: whoever holds something that counts on it, and apart
// from them whoever can give itself something. The envelope is left to the caller.
func (m *Model) Resource(on identity.Securable, who Who) *report.ResourceReport {
	return m.question(on, who).report()
}

func (q resourceQuestion) report() *report.ResourceReport {
	on, nobody := q.on, q.m.nobody()
	r := &report.ResourceReport{
		Resource: nobody.securable(on), Containers: []report.Securable{},
		Access: []report.Access{}, Indirect: []report.Access{},
	}
	for at := range lineage(on) {
		if at != on {
			r.Containers = append(r.Containers, nobody.securable(at))
		}
	}
	r.Notes = []string{"account admins are not looked for: each can make itself admin of the metastore, and then give itself anything"}
	p := cmp.Or(q.Privilege, reading[on.Type])
	attached := slices.DeleteFunc(slices.Clone(q.From), func(in identity.WorkspaceID) bool { return nobody.verdicts().attached(on.Metastore, in) == Denied })
	r.Notes = append(r.Notes, use{p, on}.unbound(nobody, attached)...)
	for _, one := range sharedOut(q.subjects(), q.answers) {
		r.Access, r.Indirect = append(r.Access, one.access...), append(r.Indirect, one.indirect...)
	}
	return r
}

// reached is what there is to say of one subject.
type reached struct{ access, indirect []report.Access }

// answers answers for some of the subjects. What is worked out once for those who are alike is worked out
// once here: several parts of one question may be answered at the same time.
func (q resourceQuestion) answers(subjects []identity.PrincipalKey) []reached {
	q.outcomes, q.rule, q.steps = map[outcomeKey]outcome{}, map[string]ruling{}, map[identity.PrincipalKey]estate.Steps{}
	list := make([]reached, 0, len(subjects))
	for _, k := range subjects {
		a := audit{q.m.Subject(k)}
		one := reached{access: q.accessOf(a)}
		allowed := slices.ContainsFunc(one.access, func(one report.Access) bool { return one.Verdict == report.Allow })
		if !allowed && q.Privilege == identity.Browse {
			one.access = append(one.access, q.seeing(a)...)
			allowed = len(one.access) > 0
		}
		if !allowed {
			one.indirect = q.indirectOf(a)
		}
		list = append(list, one)
	}
	return list
}

type resourceQuestion struct {
	m  *Model
	e  *estate.Estate
	on identity.Securable
	Who
	// held is what counts on the securable, whoever holds it; holders are those who do, and rulers those
	// whom ownership and grants of any kind name, as far as they are of the account.
	held            []holding
	holders, rulers audience
	localised       bool // some of these are groups of one workspace
	likeness
	// The answers for those who are alike, and the steps to each holder: see answers.
	outcomes map[outcomeKey]outcome
	rule     map[string]ruling
	steps    map[identity.PrincipalKey]estate.Steps
}

// holding is one grant or ownership that counts on the securable.
type holding struct {
	holder     estate.Holder
	privileges []identity.Privilege
	exercised  []identity.Privilege // of which one must be of use
	source     string
	on         report.Securable // where it is held
}

func (m *Model) question(on identity.Securable, who Who) resourceQuestion {
	q := resourceQuestion{m: m, e: m.e, on: on, Who: who, likeness: likenessOn(m.e, on, who.From)}
	q.rulers = m.audience(q.named...)
	q.localised = slices.ContainsFunc(q.named, func(k identity.PrincipalKey) bool { return k.Workspace != 0 })
	hold := func(at identity.Securable, h estate.Holder, ps []identity.Privilege, source string) {
		q.held = append(q.held, holding{h, ps, q.exercising(ps), source, m.nobody().securable(at)})
	}
	for at := range lineage(on) {
		source := report.AccessInherited
		if at == on {
			source = report.AccessDirect
		}
		for g := range m.e.GrantsOn(at) {
			if ps := q.counting(g.Privileges, at); len(ps) > 0 {
				hold(at, g.Holder, ps, source)
			}
		}
	}
	owns := who.Privilege == "" || who.Privilege.InOwnership() && who.Privilege.Applies(on.Type)
	if owner, known := m.e.Owner(on); owns && known {
		hold(on, owner, []identity.Privilege{report.Owner}, report.AccessOwner)
	}
	var keys []identity.PrincipalKey
	for _, h := range q.held {
		keys = append(keys, h.holder.Key)
	}
	q.holders = m.audience(keys...)
	return q
}

// subjects are those whose access is looked at: whom grants and ownerships on the way down name, and
// with expand everybody known.
func (q resourceQuestion) subjects() []identity.PrincipalKey {
	named := map[identity.PrincipalKey]bool{}
	note := func(h estate.Holder) {
		if !h.Key.IsZero() && h.Key.Workspace == 0 {
			named[h.Key] = true
		}
	}
	for at := range lineage(q.on) {
		if owner, known := q.e.Owner(at); known {
			note(owner)
		}
		for g := range q.e.GrantsOn(at) {
			note(g.Holder)
		}
	}
	if admin, known := q.e.MetastoreAdmin(q.on.Metastore); known {
		note(admin)
	}
	return q.m.listed(named, q.Expand)
}

// listed are the principals that a report about a resource lists: those that are named, and with
// expand everybody known.
func (m *Model) listed(named map[identity.PrincipalKey]bool, expand bool) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for p := range m.e.ByName() {
		person := p.Key.Kind == identity.KindUser || p.Key.Kind == identity.KindServicePrincipal
		if expand && person && p.Name != "" || named[p.Key] {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// accessOf lists what one subject holds: one item for each carrier and holder.
func (q resourceQuestion) accessOf(a audit) []report.Access {
	var list []report.Access
	if q.localised || a.isOf(q.holders) {
		like, alike := q.likeness.of(a.Subject)
		for i := range q.held {
			if q.meaning(a, q.held[i].holder) != Allowed {
				continue
			}
			if !alike {
				list = append(list, q.item(a, q.held[i], q.outcome(a, q.held[i])))
				continue
			}
			key := outcomeKey{i, like}
			if _, known := q.outcomes[key]; !known {
				q.outcomes[key] = q.outcome(a, q.held[i])
			}
			list = append(list, q.item(a, q.held[i], q.outcomes[key]))
		}
	}
	return append(append(list, q.byPolicies(a)...), q.byAssuming(a)...)
}

// seeing lists who sees a securable without BROWSE: whoever manages it, or can use it for anything.
func (q resourceQuestion) seeing(a audit) []report.Access {
	r := report.Access{
		Principal: a.principal(a.key), Privileges: []identity.Privilege{identity.Browse}, Source: report.AccessRole, GrantedOn: a.securable(q.on),
		Via: a.name(a.key), Path: report.Path{a.name(a.key)}, Verdict: report.Allow, ReachableIn: []string{}, Missing: []string{},
	}
	for _, w := range q.From {
		if a.verdicts().canItself(identity.Browse, q.on, w) != Allowed {
			continue
		}
		r.ReachableIn = append(r.ReachableIn, q.e.WorkspaceName(w))
		if by, v := a.Manages(q.on, w); v == Allowed {
			r.GrantedOn, r.Via, r.Path = a.securable(by.At), by.Name, a.shortest(by.Holder)
		}
	}
	if len(r.ReachableIn) == 0 || !q.Expand && !slices.Contains(r.Path, r.Via) && len(r.Path) > 1 {
		return nil
	}
	return []report.Access{r}
}

// byPolicies lists what attribute-based policies give. Whether their conditions hold may not be known.
func (q resourceQuestion) byPolicies(a audit) []report.Access {
	var list []report.Access
	for _, policy := range q.e.Policies(q.on) {
		ps := q.counting(policy.Privileges, q.on)
		if policy.Kind != identity.PolicyGrant || len(ps) == 0 || a.named(policy.To) == Denied || a.named(policy.Except) == Allowed {
			continue
		}
		by := holding{estate.Holder{Key: a.key, Name: "policy " + policy.Name}, ps, q.exercising(ps), report.AccessInherited, a.securable(q.on)}
		list = append(list, q.item(a, by, q.outcome(a, by)))
	}
	return list
}

// byAssuming lists what groups have that the subject may act as without being in them.
func (q resourceQuestion) byAssuming(a audit) []report.Access {
	var list []report.Access
	for _, k := range a.assumable {
		if a.HasRole(identity.RoleGroupAssumer, k) != Allowed {
			continue
		}
		as := q
		as.Expand = true // what the groups above it have, too
		for _, item := range as.accessOf(audit{q.m.Subject(k)}) {
			item.Principal, item.Source, item.Path = a.principal(a.key), report.AccessRole, append(report.Path{a.name(a.key)}, item.Path...)
			if a.verdicts().active() != Allowed {
				item.Verdict, item.ReachableIn, item.Missing = verdictOf(a.verdicts().active()), []string{}, []string{"an active identity"}
			}
			list = append(list, item)
		}
	}
	return list
}

// exercising are the privileges of which one must be of use for what is held to be of use.
func (q resourceQuestion) exercising(held []identity.Privilege) []identity.Privilege {
	if q.Privilege != "" {
		return []identity.Privilege{q.Privilege}
	}
	var ps []identity.Privilege
	for _, p := range held {
		if p != report.Owner && p != identity.AllPrivileges {
			ps = append(ps, p)
			continue
		}
		for _, one := range identity.PrivilegesOn(q.on.Type) {
			if one != identity.Manage && one != identity.Browse && one != identity.AllPrivileges && one.InAllPrivileges() {
				ps = append(ps, one)
			}
		}
	}
	return identity.SortPrivileges(ps)
}

// exercises says whether one of the privileges can be exercised from the workspace. BROWSE shows
// metadata without any other right.
func (q resourceQuestion) exercises(a audit, ps []identity.Privilege, in identity.WorkspaceID) Verdict {
	answer := Denied
	for _, p := range ps {
		if p == identity.Browse {
			answer = Any(answer, a.Reaches(q.on, p, in))
			continue
		}
		answer = Any(answer, a.verdicts().canItself(p, q.on, in))
	}
	return answer
}

// meaning says whether a holder means the subject in one of the workspaces.
func (q resourceQuestion) meaning(a audit, h estate.Holder) Verdict {
	if !q.Expand && !slices.Contains(a.persons(), h.Key) {
		return Denied
	}
	answer := a.means(h, 0)
	if h.Key.Workspace == 0 {
		return answer // the same in every workspace
	}
	for _, w := range q.From {
		answer = Any(answer, a.means(h, w))
	}
	return answer
}

// counting are the privileges of a grant that count on the securable.
func (q resourceQuestion) counting(granted []identity.Privilege, at identity.Securable) []identity.Privilege {
	inherits := at == q.on
	if m, ok := q.e.Metastore(q.on.Metastore); ok && m.Inherits() {
		inherits = true
	}
	if !inherits {
		return nil
	}
	var ps []identity.Privilege
	for _, p := range granted {
		for _, today := range p.FromLegacy(at.Type) {
			asked := q.Privilege == "" || today == q.Privilege || today == identity.AllPrivileges && q.Privilege.InAllPrivileges()
			shows := today == identity.Browse && q.Privilege == identity.Browse           // what is in a catalog, too
			if asked && (shows || today.Applies(q.on.Type)) && today != identity.Manage { // managing is a way to access, not access
				ps = append(ps, today)
			}
		}
	}
	return identity.SortPrivileges(ps)
}

// outcome is where an access can be exercised, or what keeps it from being.
type outcome struct {
	verdict     report.Verdict
	reachableIn []string
	missing     []string
}

type outcomeKey struct {
	held int
	like string
}

func (q resourceQuestion) outcome(a audit, h holding) outcome {
	o := outcome{reachableIn: []string{}, missing: []string{}}
	answer := Denied
	for _, w := range q.From {
		here := Denied
		if a.means(h.holder, w) == Allowed {
			here = q.exercises(a, h.exercised, w)
		}
		answer = Any(answer, here)
		if here == Allowed {
			o.reachableIn = append(o.reachableIn, q.e.WorkspaceName(w))
		}
	}
	o.reachableIn = slices.Clip(o.reachableIn)
	o.verdict = verdictOf(answer)
	if answer != Allowed {
		o.missing = slices.Clip(q.keeps(a, h.exercised))
	}
	return o
}

// item is one access of one subject.
func (q resourceQuestion) item(a audit, h holding, o outcome) report.Access {
	return report.Access{
		Principal: a.principal(a.key), Privileges: h.privileges, Source: h.source, GrantedOn: h.on, Via: h.holder.Name,
		Path: q.path(a, a.e.Canonical(h.holder.Key)), ReachableIn: o.reachableIn, Missing: o.missing, Verdict: o.verdict,
	}
}

// path is the shortest way of a subject to a holder. Among everybody, many have a way to the same few
// holders, so the steps to these are counted once.
func (q resourceQuestion) path(a audit, to identity.PrincipalKey) report.Path {
	if !q.Expand || to.Workspace != 0 {
		return a.shortest(to)
	}
	steps, ok := q.steps[to]
	if !ok {
		steps = q.e.StepsTo(to)
		q.steps[to] = steps
	}
	if path := a.along(steps); path != nil {
		return a.names(path)
	}
	return report.Path{a.name(a.key), wayUnknown, a.name(to)}
}

// keeps says in words what is missing where the least is.
func (q resourceQuestion) keeps(a audit, ps []identity.Privilege) []string {
	var least []want
	found := false
	for _, w := range q.From {
		for _, p := range ps {
			c := a.clauses().canItself(p, q.on, w)
			for _, set := range c.wants() {
				if !found || len(set) < len(least) {
					least, found = set, true
				}
			}
		}
	}
	words := []string{}
	for _, w := range least {
		words = append(words, a.wantWords(w))
	}
	if !found {
		words = append(words, "a running workspace that has the metastore")
	}
	return words
}

// indirectOf lists by which authority, or by which acts, a subject that holds nothing can give itself
// something.
func (q resourceQuestion) indirectOf(a audit) []report.Access {
	if by := q.ruling(a); by.found {
		return []report.Access{{
			Principal: a.principal(a.key), Privileges: by.privileges, Source: by.source, GrantedOn: by.on,
			Via: by.Name, Path: q.path(a, by.Holder), Verdict: report.Indirect, ReachableIn: []string{}, Missing: []string{},
		}}
	}
	if q.Expand {
		return q.byRoles(a)
	}
	return nil
}

// ruling is the authority by which somebody can give itself something, if there is any.
type ruling struct {
	Authority
	found      bool
	source     string
	privileges []identity.Privilege
	on         report.Securable
}

func (q resourceQuestion) ruling(a audit) ruling {
	if !q.localised && !a.isOf(q.rulers) {
		return ruling{}
	}
	like, alike := q.likeness.of(a.Subject)
	if !alike || !q.Expand {
		return q.rules(a)
	}
	if _, known := q.rule[like]; !known {
		q.rule[like] = q.rules(a)
	}
	return q.rule[like]
}

func (q resourceQuestion) rules(a audit) ruling {
	for _, w := range q.From {
		by, v := a.Manages(q.on, w)
		if v != Allowed || !q.Expand && !slices.Contains(a.persons(), by.Holder) {
			continue
		}
		r := ruling{by, true, report.AccessOwner, []identity.Privilege{report.Owner}, a.securable(by.At)}
		switch by.Kind {
		case ByManage:
			r.source, r.privileges = report.AccessInherited, []identity.Privilege{identity.Manage}
			if by.At == q.on {
				r.source = report.AccessDirect
			}
		case ByMetastoreAdmin:
			r.source = report.AccessRole
		default:
		}
		return r
	}
	return ruling{}
}

// byRoles lists the acts by which a subject that manages groups or service principals, that is admin of a
// workspace, or that may change what runs as others, can come to the access of others.
func (q resourceQuestion) byRoles(a audit) []report.Access {
	p := q.Privilege
	if p == "" {
		p = reading[q.on.Type]
	}
	if p == "" {
		return nil
	}
	return canQuestion{audit: a, goal: use{p, q.on}, Asked: Asked{From: q.From}}.asOthers(a.securable(q.on), p)
}

// asOthers lists the acts by which the subject, as somebody else, can come to what it has not itself.
func (q canQuestion) asOthers(resource report.Securable, p identity.Privilege) []report.Access {
	if !q.mayActAsOthers(q.From) && !q.mayBindStorage() {
		return nil
	}
	way := q.fewestActs()
	if way.possible != Allowed || len(way.acts) == 0 {
		return nil
	}
	return []report.Access{{
		Principal: q.principal(q.key), Privileges: []identity.Privilege{p}, Source: report.AccessRole, GrantedOn: resource,
		Via: way.acts[0].Because, Path: way.acts[0].Path, Verdict: report.Indirect, ReachableIn: []string{}, Missing: []string{}, Acts: way.acts,
	}}
}

// reading is what it takes to read, or to use, a securable of a type.
var reading = map[identity.SecurableType]identity.Privilege{
	identity.TypeCatalog: identity.UseCatalog, identity.TypeSchema: identity.UseSchema, identity.TypeTable: identity.Select,
	identity.TypeVolume: identity.ReadVolume, identity.TypeFunction: identity.Execute, identity.TypeModel: identity.Execute,
	identity.TypeExternalLocation: identity.ReadFiles, identity.TypeConnection: "USE_CONNECTION", identity.TypeServiceCredential: "ACCESS",
}

// mayActAsOthers reports whether the subject has a role by which it could act as others, or decides what
// runs as others. It saves the search for everybody else.
func (a audit) mayActAsOthers(from []identity.WorkspaceID) bool {
	return a.isOf(a.m.delegates()) || slices.ContainsFunc(from, func(w identity.WorkspaceID) bool {
		restricted, _ := a.restricted(w)
		return restricted == Denied && a.In(identity.WorkspaceAdmins(w)) == Allowed || a.maySteer(w)
	})
}
