package access

import (
	"cmp"
	"maps"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// RunsAs is the identity that an object runs as, or reads with: the one it says, or its owner, or who
// made it. Its key is zero where that is nobody's, or not known.
//
// https://docs.databricks.com/aws/en/jobs/privileges, https://docs.databricks.com/aws/en/ldp/privileges
func (m *Model) RunsAs(o identity.ObjectInfo) estate.Holder {
	name := o.RunAs
	if o.Type == identity.ObjectCluster {
		name = o.SingleUser
	}
	if name != "" {
		return m.e.Resolve(name)
	}
	switch o.Type {
	case identity.ObjectJob, identity.ObjectPipeline:
		if owner, ok := m.ownerOf(o.Object); ok {
			return owner
		}
	case identity.ObjectServing, identity.ObjectQuery, identity.ObjectAlert, identity.ObjectLegacyDashboard, identity.ObjectDashboard:
	default:
		return estate.Holder{}
	}
	if o.Creator == "" {
		return estate.Holder{}
	}
	return m.e.Resolve(o.Creator)
}

// ownerOf is whom the list of an object calls its owner.
func (m *Model) ownerOf(o identity.Object) (estate.Holder, bool) {
	for _, g := range m.e.ObjectGrants(o) {
		if g.Level == identity.IsOwner {
			return g.Holder, true
		}
	}
	return estate.Holder{}, false
}

// stage is what runs as somebody in one workspace.
type stage struct {
	// runners are as whom the objects run, in order of the objects.
	runners []runner
	// steerers are whom the lists of the objects, and of the code that they run, let decide what runs: in
	// the end those groups of the workspace alone.
	steerers map[identity.PrincipalKey]bool
	// sure are all of them, for those who are certainly among them.
	sure audience
}

// runner is somebody as whom objects of a workspace run.
type runner struct {
	key     identity.PrincipalKey // zero when that was not told
	objects []identity.ObjectInfo
}

// stages gives for each workspace what runs there as somebody.
func stages(m *Model) map[identity.WorkspaceID]*stage {
	all := map[identity.WorkspaceID]*stage{}
	for _, o := range m.e.Objects() {
		key, known := m.runnerOf(o)
		level, steers := o.Type.Steering()
		if !steers || known && key.IsZero() {
			continue
		}
		there, ok := all[o.Workspace]
		if !ok {
			there = &stage{steerers: map[identity.PrincipalKey]bool{}}
			all[o.Workspace] = there
		}
		there.add(key, o)
		m.noteSteerers(there, o.Object, level)
		for _, path := range o.Code {
			for _, file := range m.e.Above(o.Workspace, path) {
				m.noteSteerers(there, file.Object, identity.CanEdit)
			}
		}
	}
	for _, there := range all {
		there.sure = m.audience(slices.Collect(maps.Keys(there.steerers))...)
		maps.DeleteFunc(there.steerers, func(k identity.PrincipalKey, _ bool) bool { return k.Workspace == 0 })
	}
	return all
}

func (st *stage) add(as identity.PrincipalKey, o identity.ObjectInfo) {
	i := slices.IndexFunc(st.runners, func(r runner) bool { return r.key == as })
	if i < 0 {
		st.runners, i = append(st.runners, runner{key: as}), len(st.runners)
	}
	st.runners[i].objects = append(st.runners[i].objects, o)
}

func (m *Model) noteSteerers(there *stage, on identity.Object, l identity.Level) {
	for _, g := range m.e.ObjectGrants(on) {
		if on.Type.Includes(g.Level, l) {
			there.steerers[g.Holder.Key] = true
		}
	}
}

// runnersIn are as whom the objects of a workspace run.
func (m *Model) runnersIn(w identity.WorkspaceID) []runner {
	if there, ok := m.stages()[w]; ok {
		return there.runners
	}
	return nil
}

// maySteer reports whether the subject is among those who decide what runs as somebody else. It saves
// the search for everybody else.
func (s *Subject) maySteer(in identity.WorkspaceID) bool {
	there, ok := s.m.stages()[in]
	if !ok {
		return false
	}
	if s.isOf(there.sure) || s.In(identity.WorkspaceAdmins(in)) == Allowed {
		return true
	}
	for k := range there.steerers {
		if s.In(k) == Allowed {
			return true
		}
	}
	return false
}

// runnerOf is the user or service principal as whom an object runs, zero when it is none; known is false
// for a job of which neither the details nor an owner were read.
func (m *Model) runnerOf(o identity.ObjectInfo) (key identity.PrincipalKey, known bool) {
	if o.Type == identity.ObjectJob && !o.Detailed && o.RunAs == "" {
		if _, owned := m.ownerOf(o.Object); !owned {
			return identity.PrincipalKey{}, false
		}
	}
	as := m.RunsAs(o)
	key = m.e.Canonical(as.Key)
	if as.Ambiguous || key.Kind != identity.KindUser && key.Kind != identity.KindServicePrincipal {
		return identity.PrincipalKey{}, true
	}
	return key, true
}

// steers are the states of acting as those as whom objects run that the subject may change.
func (s session) steers() []session {
	var list []session
	for _, w := range s.From {
		for _, r := range s.m.runnersIn(w) {
			if r.key.IsZero() || slices.Contains(s.persons(), r.key) {
				continue
			}
			if by := s.steering(r); by.may != Denied {
				list = append(list, s.as(r.key, []identity.WorkspaceID{w}, by.may, by.doubt, by.act))
			}
		}
	}
	return list
}

// unknownRunner finds an object that the subject may change, or perhaps may, of which it was not read as
// whom it runs.
func (s session) unknownRunner() (estate.ReadKey, bool) {
	for _, w := range s.From {
		for _, r := range s.m.runnersIn(w) {
			for _, o := range r.objects {
				if r.key.IsZero() && s.steeringOf(o, r.key).may != Denied {
					return estate.ReadKey{Op: estate.OpObject, Object: o.Object}, true
				}
			}
		}
	}
	return estate.ReadKey{}, false
}

// unseenSteering finds a failed listing of objects that the subject might have changed.
func (q canQuestion) unseenSteering() (estate.ReadKey, bool) {
	if q.active() == Denied {
		return estate.ReadKey{}, false
	}
	for _, read := range q.e.ReadsOf(estate.OpObjects) {
		in := read.Key.Object.Workspace
		_, steers := read.Key.Object.Type.Steering()
		if !steers || !read.Blocking() || !slices.Contains(q.From, in) {
			continue
		}
		if _, assigned := q.Assigned(in); assigned != Denied {
			return read.Key, true
		}
	}
	return estate.ReadKey{}, false
}

// sawSteering reports whether everything that runs as somebody was listed where the subject can be.
func (q canQuestion) sawSteering() bool {
	listed := map[identity.Object]bool{}
	for _, read := range q.e.ReadsOf(estate.OpObjects) {
		listed[read.Key.Object] = read.Outcome.OK() || read.Outcome.Kind == identity.Unsupported // a feature that is off
	}
	for _, w := range q.From {
		if _, assigned := q.Assigned(w); assigned == Denied {
			continue
		}
		for _, t := range identity.ObjectTypes() {
			if _, steers := t.Steering(); steers && !listed[identity.Object{Workspace: w, Type: t}] {
				return false
			}
		}
	}
	return len(q.From) > 0
}

// steered is whether and how the subject may change what runs as somebody else.
type steered struct {
	may   Verdict
	doubt estate.ReadKey
	act   report.Act
}

// steering is the surest way to change one of the objects that run as somebody.
func (s session) steering(r runner) steered {
	best := steered{may: Denied}
	for _, o := range r.objects {
		best = surest(best, s.steeringOf(o, r.key))
	}
	return best
}

func surest(one, other steered) steered {
	if one.may == Allowed || other.may == Denied || one.may == other.may {
		return one
	}
	return other
}

// steeringOf is by the permissions on an object itself, or on the code that it runs.
func (s session) steeringOf(o identity.ObjectInfo, as identity.PrincipalKey) steered {
	l, _ := o.Type.Steering()
	best := s.changing(l, o.Object, "change what "+s.title(o.Object)+" runs, which runs as "+s.name(as))
	if s.m.options.JobEditNeedsUser && o.Type == identity.ObjectJob && as.Kind == identity.KindServicePrincipal {
		if best.may == Allowed {
			best.doubt = estate.ReadKey{Op: estate.OpRoles, Principal: as}
		}
		best.may = All(best.may, s.HasRole(identity.RoleServicePrincipalUser, as))
	}
	for _, path := range o.Code {
		for _, file := range s.e.Above(o.Workspace, path) {
			if best.may == Allowed {
				break
			}
			best = surest(best, s.changing(identity.CanEdit, file.Object, "change "+s.title(file.Object)+", which "+s.title(o.Object)+" runs as "+s.name(as)))
		}
	}
	best.act.Kind, best.act.Object = report.ActRunAs, s.object(o.Object)
	best.act.Principal, best.act.Workspace = s.name(as), s.e.WorkspaceName(o.Workspace)
	return best
}

// changing is whether the subject has a level on an object that lets it change the object.
func (s session) changing(l identity.Level, on identity.Object, description string) steered {
	by := steered{may: s.Operates(l, on)}
	if slices.Contains(s.assumed, on.Workspace) { // it assigned itself before
		by.may = All(s.Permitted(l, on), s.active())
	}
	if by.may == Denied {
		return by
	}
	by.act.Description = description
	by.act.Because, by.act.Path = s.permittedBy(l, on)
	if by.may == Unknown {
		by.doubt = s.clauses().permitted(l, on).gap()
	}
	return by
}

// permittedBy says in words what gives the subject a level on an object, and leads to the identity that
// has it.
func (s session) permittedBy(l identity.Level, on identity.Object) (string, report.Path) {
	admins := identity.WorkspaceAdmins(on.Workspace)
	if s.In(admins) == Allowed && on.Type.Includes(on.Type.Highest(), l) {
		return "admin of workspace " + s.e.WorkspaceName(on.Workspace), s.shortest(admins)
	}
	for _, g := range s.e.ObjectGrants(on) {
		if on.Type.Includes(g.Level, l) && s.verdicts().meansThere(g, on.Workspace) == Allowed {
			return string(g.Level) + " on " + s.title(on), s.shortest(s.e.Canonical(g.Holder.Key))
		}
	}
	return string(l) + " on " + s.title(on) + ", if it has that", report.Path{s.name(s.key)}
}

// title names an object for people.
func (a audit) title(o identity.Object) string {
	info, _ := a.e.Object(o)
	return o.Type.Title() + " " + cmp.Or(info.Path, info.Name, o.ID)
}
