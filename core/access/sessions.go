package access

import (
	"cmp"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// session is the subject as it would be after some acts: in more groups than it is, or acting as
// somebody else.
type session struct {
	canQuestion
	acts []report.Act
	// known is Unknown where it is not known whether the acts are possible; doubt is then why.
	known Verdict
	doubt estate.ReadKey
}

// maxSessions bounds the search: whoever can become more than that many others is not described by
// one of them.
const maxSessions = 300

// fewestActs looks for the way to access with the fewest acts: joining groups, acting as service
// principals, for admins of workspaces as the people in them, and as whom the jobs and other objects run
// that the subject may change; and in each of these states giving itself what is missing.
func (q canQuestion) fewestActs() way {
	best := way{possible: Denied}
	queue := []session{{canQuestion: q, known: Allowed}}
	for tried := 0; tried < len(queue) && tried < maxSessions; tried++ {
		s := queue[tried]
		if best.possible == Allowed && len(s.acts) >= len(best.acts) {
			continue
		}
		found := s.finish()
		switch {
		case found.possible == Allowed && (best.possible != Allowed || len(found.acts) < len(best.acts)):
			best = found
			best.acts = s.withoutGoal(found.acts)
		case found.possible == Unknown && best.possible == Denied:
			best = found
		}
		if len(s.acts) < q.m.options.maxActs() {
			queue = append(queue, s.next()...)
			if read, missed := s.unknownRunner(); missed && best.possible == Denied {
				best = way{possible: Unknown, doubt: read}
			}
		}
	}
	if read, missed := q.m.unknownHolder(); missed && best.possible == Denied {
		best = way{possible: Unknown, doubt: read} // it may be a group that the subject manages
	}
	if read, missed := q.unseenSteering(); missed && best.possible == Denied {
		best = way{possible: Unknown, doubt: read}
	}
	return best
}

// unknownHolder is a search for whom a fact names that failed.
func (m *Model) unknownHolder() (estate.ReadKey, bool) {
	for _, read := range m.e.ReadsOf(estate.OpHolder) {
		if read.Blocking() {
			return read.Key, true
		}
	}
	return estate.ReadKey{}, false
}

// withoutGoal drops the last act where that is what was asked about: whoever wants to act as somebody
// needs no more than to be able to.
func (s session) withoutGoal(acts []report.Act) []report.Act {
	goal, ok := s.goal.(be)
	last := len(acts) - 1
	if !ok || last < 1 || acts[last].Kind != report.ActRunAs || acts[last].Principal != s.name(goal.whom) {
		return acts
	}
	if acts[last].Object != nil {
		return acts // there it is no right to act as somebody that was asked about
	}
	return acts[:last]
}

// finish is what it takes from here.
func (s session) finish() way {
	here := s.places()
	whole := Denied
	for _, w := range here {
		whole = Any(whole, w.whole.verdict)
	}
	end := way{possible: Allowed}
	if len(s.acts) == 0 || whole != Allowed {
		end = s.bySets(s.wantsOf(here, whole))
	}
	if len(s.acts) > 0 && whole == Unknown && end.possible == Denied {
		end.possible, end.doubt = Unknown, gapIn(here) // it may be all that it takes to come so far
	}
	end.acts = append(slices.Clone(s.acts), end.acts...)
	if s.known != Allowed && end.possible != Denied {
		end.possible, end.doubt = Unknown, s.doubt
	}
	return end
}

// gapIn is the first read whose absence leaves the answer unknown somewhere.
func gapIn(here []inWorkspace) estate.ReadKey {
	for _, w := range here {
		if w.whole.verdict == Unknown {
			return w.whole.gap()
		}
	}
	return estate.ReadKey{}
}

// next are the states that one more step leads to.
func (s session) next() []session {
	switch s.active() {
	case Denied:
		return nil
	case Unknown: // steering says so itself
		return s.steers()
	case Allowed:
	}
	groups, principals := s.reachable()
	var list []session
	for _, g := range groups {
		if to, ok := s.joins(g); ok {
			list = append(list, to)
		}
	}
	for _, p := range principals {
		list = append(list, s.runsAs(p)...)
	}
	return slices.Concat(list, s.steers(), s.entersAndSteers())
}

// reachable are the groups and the users and service principals through whom the goal could be
// reached: those whom facts about it name, the groups that are assigned to the workspaces, whoever is
// in them, and everybody on whom anybody has a role.
func (s session) reachable() (groups, principals []identity.PrincipalKey) {
	seen := map[identity.PrincipalKey]bool{}
	queue := s.bearers(s.Subject)
	for _, w := range s.From {
		for _, a := range s.e.Assignments(w) { // being in the workspace may be all that is missing
			if a.Principal.Kind == identity.KindGroup {
				queue = append(queue, a.Principal)
			}
		}
	}
	queue = append(queue, s.delegatedTo()...) // who may have what nothing here names
	for ; len(queue) > 0; queue = queue[1:] {
		k := s.e.Canonical(queue[0])
		if k.IsZero() || seen[k] || k == identity.AccountUsers() || k.Workspace != 0 {
			continue
		}
		seen[k] = true
		if k.Kind == identity.KindGroup {
			groups = append(groups, k)
			queue = slices.AppendSeq(queue, s.e.Members(k))
		} else if !slices.Contains(s.persons(), k) {
			principals = append(principals, k)
		}
	}
	return groups, principals
}

// delegatedTo are those on whom the subject may have a role that lets it act as them.
func (s session) delegatedTo() []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for _, g := range s.e.AllRoleGrants() {
		kind := kindOf(g.Role)
		switch {
		case kind == identity.KindUnknown || s.verdicts().meansKind(g.Holder, g.Kind, 0) == Denied:
		case !g.On.IsZero():
			keys = append(keys, g.On)
		default: // on the account: all of the kind
			for p := range s.e.Principals() {
				if p.Key.Kind == kind && p.Key.Workspace == 0 {
					keys = append(keys, p.Key)
				}
			}
		}
	}
	return keys
}

// joins is the state of being in a group that the subject may add itself to. Who is in a group of the
// identity provider is decided there.
func (s session) joins(g identity.PrincipalKey) (session, bool) {
	p, ok := s.e.Principal(g)
	if s.In(g) == Allowed || p.Origin == identity.OriginIDP || p.Origin == identity.OriginSystem {
		return session{}, false
	}
	may := s.HasRole(identity.RoleGroupManager, g)
	if may == Denied {
		return session{}, false
	}
	to := s.after(may, estate.ReadKey{Op: estate.OpRoles, Principal: g}, report.Act{
		Kind: report.ActJoin, Principal: s.name(g), Description: "add itself to group " + s.name(g),
		Because: s.roleOn(identity.RoleGroupManager, g), Path: s.roleHolder(identity.RoleGroupManager, g),
	})
	if !ok || p.Name == "" {
		to.known, to.doubt = Unknown, estate.ReadKey{Op: estate.OpPrincipal, Principal: g}
	}
	to.audit = audit{s.joining(g)}
	return to, true
}

// runsAs are the states of acting as somebody else: as a service principal that the subject may use,
// or may let itself use, and as anybody in a workspace whose admins are not restricted.
//
// https://docs.databricks.com/aws/en/admin/workspace-settings/restrict-workspace-admins
func (s session) runsAs(p identity.PrincipalKey) []session {
	var list []session
	if p.Kind == identity.KindServicePrincipal {
		user := s.HasRole(identity.RoleServicePrincipalUser, p)
		run := report.Act{
			Kind: report.ActRunAs, Principal: s.name(p), Description: "run something as service principal " + s.name(p),
			Because: s.roleOn(identity.RoleServicePrincipalUser, p), Path: s.roleHolder(identity.RoleServicePrincipalUser, p),
		}
		read := estate.ReadKey{Op: estate.OpRoles, Principal: p}
		from, entered := s.entered()
		if user != Denied {
			list = append(list, s.as(p, from, All(user, entered), read, run))
		}
		if manager := s.HasRole(identity.RoleServicePrincipalManager, p); user != Allowed && manager != Denied {
			take := report.Act{
				Kind: report.ActTakeRole, Principal: s.name(p), Role: string(identity.RoleServicePrincipalUser),
				Description: "let itself use service principal " + s.name(p),
				Because:     s.roleOn(identity.RoleServicePrincipalManager, p), Path: s.roleHolder(identity.RoleServicePrincipalManager, p),
			}
			run.Because, run.Path = "allowed by then", report.Path{s.name(s.key)}
			list = append(list, s.as(p, from, All(manager, entered), read, take, run))
		}
	}
	return append(list, s.runsAsAdmin(p)...)
}

// runsAsAdmin is what admins of workspaces may do with jobs: run them as anybody there.
func (s session) runsAsAdmin(p identity.PrincipalKey) []session {
	var list []session
	for _, w := range s.From {
		restricted, read := s.restricted(w)
		may := All(s.In(identity.WorkspaceAdmins(w)), negate(restricted))
		if p.Kind == identity.KindServicePrincipal || may == Denied {
			continue // running as a service principal takes the right to use it all the same
		}
		_, assigned := s.m.Subject(p).Assigned(w)
		if may = All(may, assigned); may == Denied {
			continue
		}
		run := report.Act{
			Kind: report.ActRunAs, Principal: s.name(p), Workspace: s.e.WorkspaceName(w),
			Description: "run a job as " + s.name(p) + " in workspace " + s.e.WorkspaceName(w),
			Because:     "admin of workspace " + s.e.WorkspaceName(w) + ", whose admins are not restricted", Path: s.shortest(identity.WorkspaceAdmins(w)),
		}
		list = append(list, s.as(p, []identity.WorkspaceID{w}, may, read, run))
	}
	return list
}

// restricted says whether the admins of a workspace are kept from acting as others.
func (s *Subject) restricted(in identity.WorkspaceID) (Verdict, estate.ReadKey) {
	read := estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: in}
	switch s.e.RestrictAdmins(in) {
	case identity.AdminsAllowAll:
		return Denied, read
	case identity.AdminsRestricted:
		return Allowed, read
	default:
		return Holds(s.m.options.AdminsRestricted), read
	}
}

// entersAndSteers are the states of acting as whom something runs as in a workspace to which the subject
// is not assigned: account admins can assign themselves.
func (s session) entersAndSteers() []session {
	var list []session
	for _, w := range s.From {
		if _, assigned := s.Assigned(w); assigned == Allowed || len(s.m.runnersIn(w)) == 0 {
			continue
		}
		if act, ok := s.assignItself(w, false); ok {
			to := s.after(Allowed, estate.ReadKey{}, act)
			to.audit, to.From = audit{s.assuming(w)}, []identity.WorkspaceID{w}
			list = append(list, to.steers()...)
		}
	}
	return list
}

// entered are the workspaces, of those asked about, that the subject can enter; where there is none, those
// of which that is not known.
func (s session) entered() ([]identity.WorkspaceID, Verdict) {
	var sure, perhaps []identity.WorkspaceID
	for _, w := range s.From {
		switch _, assigned := s.Assigned(w); assigned {
		case Allowed:
			sure = append(sure, w)
		case Unknown:
			perhaps = append(perhaps, w)
		case Denied:
		}
	}
	if len(sure) == 0 && len(perhaps) > 0 {
		return perhaps, Unknown
	}
	return sure, Allowed
}

// after is this state with more acts done, as far as they may be done.
func (s session) after(may Verdict, read estate.ReadKey, acts ...report.Act) session {
	to := s
	to.acts = append(slices.Clone(s.acts), acts...)
	if may == Unknown {
		to.known, to.doubt = Unknown, read
	}
	return to
}

// as is the state of acting as somebody else, from some of the workspaces.
func (s session) as(p identity.PrincipalKey, from []identity.WorkspaceID, may Verdict, read estate.ReadKey, acts ...report.Act) session {
	to := s.after(may, read, acts...)
	to.audit, to.From = audit{s.m.Subject(p)}, from
	if len(from) == 0 {
		to.From = []identity.WorkspaceID{noWorkspace}
	}
	return to
}

// noWorkspace stands for acting from nowhere: nothing can be reached from it.
const noWorkspace identity.WorkspaceID = -1

// roleOn says in words why the subject has a role.
func (a audit) roleOn(role identity.Role, on identity.PrincipalKey) string {
	p, _ := a.e.Principal(on)
	words := map[identity.Role]string{
		identity.RoleGroupManager: "manager of group ", identity.RoleServicePrincipalUser: "user of service principal ",
		identity.RoleServicePrincipalManager: "manager of service principal ",
	}[role] + cmp.Or(p.Name, on.ID)
	if _, admin := a.AccountAdmin(); admin && a.grantedRole(role, on).IsZero() {
		return "account admin"
	}
	return words
}

// roleHolder leads to the identity that has the role.
func (a audit) roleHolder(role identity.Role, on identity.PrincipalKey) report.Path {
	if k := a.grantedRole(role, on); !k.IsZero() {
		return a.shortest(k)
	}
	if k, ok := a.AccountAdmin(); ok {
		return a.shortest(k)
	}
	return report.Path{a.name(a.key)}
}

// grantedRole is the identity of the subject that a rule set names, zero when none does.
func (a audit) grantedRole(role identity.Role, on identity.PrincipalKey) identity.PrincipalKey {
	for _, set := range []identity.PrincipalKey{on, {}} {
		for g := range a.e.RoleGrants(set) {
			if g.Role == role && a.means(g.Holder, 0) == Allowed {
				return g.Holder.Key
			}
		}
	}
	return identity.PrincipalKey{}
}
