package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Part is a kind of access that a clone can take over.
type Part string

// The parts.
const (
	PartGroups       Part = "groups"
	PartAssignments  Part = "assignments"
	PartEntitlements Part = "entitlements"
	PartGrants       Part = "grants"
	PartObjects      Part = "objects"
)

// Wish is what a clone is asked for.
type Wish struct {
	Source, Target identity.PrincipalKey
	// Parts are what is to be taken over; empty means groups and assignments.
	Parts []Part
	// Only, if set, limits the steps to what bears one of these names; Exclude leaves those out. They are
	// names of groups, workspaces, securables and objects, without regard to case.
	Only, Exclude []string
	// Minimal leaves out the groups that are not needed; see the function of that name.
	Minimal bool
	// Deep says that everything in Unity Catalog was looked at, so that a group which gives nothing there
	// gives nothing.
	Deep bool
}

func (w Wish) takes(p Part) bool {
	if len(w.Parts) == 0 {
		return p == PartGroups || p == PartAssignments
	}
	return slices.Contains(w.Parts, p)
}

// RefusedError says that no plan can do what was asked.
type RefusedError struct{ Why string }

// Error says why, and what to ask instead.
func (e *RefusedError) Error() string { return e.Why }

// Steps are what gives the target of a wish what its source has, the least privileged first. The same
// facts give the same steps. The error is a *RefusedError.
func Steps(m *access.Model, w Wish) ([]Step, error) {
	e := m.Estate()
	w.Source, w.Target = e.Canonical(w.Source), e.Canonical(w.Target)
	if err := w.refused(m); err != nil {
		return nil, err
	}
	c := &cloning{m: m, e: e, w: w, source: m.Subject(w.Source), target: m.Subject(w.Target), grantors: newGrantors(m)}
	c.groups()
	if w.takes(PartAssignments) {
		c.assignments()
	}
	c.personal()
	c.offices()
	c.settle()
	if err := c.misnamed(); err != nil {
		return nil, err
	}
	if w.Minimal {
		return Minimal(m, w, c.steps), nil
	}
	return c.steps, nil
}

// refused is the error for pairs that no plan is made for.
func (w Wish) refused(m *access.Model) error {
	from, to := m.Estate().Label(w.Source), m.Estate().Label(w.Target)
	samePerson := slices.Contains(slices.Collect(m.Estate().SamePerson(w.Source)), w.Target)
	switch group := identity.KindGroup; {
	case w.Source == w.Target || samePerson:
		return &RefusedError{fmt.Sprintf("%s and %s are the same %s: name another target", from, to, w.Source.Kind.Title())}
	case (w.Source.Kind == group) != (w.Target.Kind == group):
		return &RefusedError{fmt.Sprintf("what the %s %s has cannot be given to the %s %s: clone between groups, or between users and service principals", w.Source.Kind.Title(), from, w.Target.Kind.Title(), to)}
	case w.Target.Workspace != 0 || w.Source.Workspace != 0:
		return &RefusedError{fmt.Sprintf("%s and %s must both be of the account: what exists in one workspace alone is changed there", from, to)}
	}
	for _, k := range []identity.PrincipalKey{w.Source, w.Target} {
		if p, _ := m.Estate().Principal(k); p.Origin == identity.OriginSystem {
			return &RefusedError{fmt.Sprintf("%s is kept by Databricks itself: name another principal", p.Name)}
		}
	}
	return nil
}

// cloning is one plan in the making.
type cloning struct {
	m              *access.Model
	e              *estate.Estate
	w              Wish
	source, target *access.Subject
	grantors       *grantors
	steps          []Step
	// named are the names that steps bore, by which --only and --exclude choose among them.
	named []string
	// joined are the groups that the plan puts the target in, and those that it comes into thereby.
	joined map[identity.PrincipalKey]bool
	// then is the target with the groups and workspaces of the plan.
	then *access.Subject
}

// add adds a step, unless the wish leaves it out: then it says so.
func (c *cloning) add(kind StepKind, change Change, reason string, names ...string) {
	p, _ := c.e.Principal(change.Cell.Holder)
	change.HolderName = p.Name
	s := Step{Kind: kind, Change: &change, Reason: reason}
	c.named = append(c.named, names...)
	if kind.Executable() || kind == IDPRequired || kind == Unverified {
		switch {
		case among(c.w.Exclude, names):
			s.Kind, s.Reason = Skipped, "left out by --exclude"
		case len(c.w.Only) > 0 && !among(c.w.Only, names):
			s.Kind, s.Reason = Skipped, "not among what --only names"
		}
	}
	c.steps = append(c.steps, s)
}

// say adds a step that has nothing to change.
func (c *cloning) say(kind StepKind, reason string) {
	c.steps = append(c.steps, Step{Kind: kind, Reason: reason})
}

// misnamed is the error for a name of --only or --exclude that no step bears: mistyped, the first would leave out what was
// asked for, and the second give what was not to be given.
func (c *cloning) misnamed() error {
	for _, one := range slices.Concat(c.w.Only, c.w.Exclude) {
		if !among([]string{one}, c.named) {
			return &RefusedError{fmt.Sprintf("--only or --exclude names %q, and no step that could be chosen or left out is about it: name what stands in the plan without them", one)}
		}
	}
	return nil
}

func among(list, names []string) bool {
	return slices.ContainsFunc(list, func(one string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n != "" && identity.SameName(one, n) })
	})
}

// records are the source and the other records of the same person.
func (c *cloning) records(s *access.Subject) []identity.PrincipalKey {
	return append([]identity.PrincipalKey{s.Key()}, slices.Collect(c.e.SamePerson(s.Key()))...)
}

// groups plans the memberships.
func (c *cloning) groups() {
	c.joined = map[identity.PrincipalKey]bool{}
	direct := map[identity.PrincipalKey]bool{}
	var order []identity.PrincipalKey
	for _, k := range c.records(c.source) {
		for g := range c.e.Parents(k) {
			if !direct[g] {
				direct[g] = true
				order = append(order, g)
			}
		}
	}
	if !c.w.takes(PartGroups) {
		return
	}
	slices.SortFunc(order, identity.PrincipalKey.Compare)
	for _, g := range order {
		c.group(g)
	}
	for _, g := range c.source.Identities() {
		if direct[g] || g.Kind != identity.KindGroup || slices.Contains(c.records(c.source), g) || g == identity.AccountUsers() {
			continue
		}
		c.above(g, direct)
	}
	if !c.source.MembershipsKnown() {
		c.say(Unverified, fmt.Sprintf("%s may be in more groups: not all memberships were read", c.e.Label(c.w.Source)))
	}
}

// group plans one direct membership of the source.
func (c *cloning) group(g identity.PrincipalKey) {
	p, _ := c.e.Principal(g)
	change := Change{
		Cell: Cell{Kind: Member, Holder: c.w.Target, Group: g}, After: Present,
		GroupName: p.Name, ExternalID: p.ExternalID,
	}
	name := cmp.Or(p.Name, g.ID)
	put := func(kind StepKind, reason string) {
		c.add(kind, change, reason, name, g.ID)
		if last := c.steps[len(c.steps)-1]; last.Kind == AddMember || last.Kind == IDPRequired {
			c.join(g)
		}
	}
	within := c.target.In(g)
	switch value, seen := ValueOf(c.e, change.Cell); {
	case g == c.w.Target:
		put(Skipped, "it is the target itself")
	case p.Origin == identity.OriginSystem:
		put(Skipped, "Databricks itself decides who is in it")
	case g.Workspace != 0:
		put(Skipped, fmt.Sprintf("it exists in workspace %s alone: whoever is admin there adds members", c.e.WorkspaceName(g.Workspace)))
	case value == Present:
		change.Before = Present
		put(AlreadyMember, "")
	case within == access.Allowed:
		put(AlreadyMember, "by way of "+strings.Join(c.target.PathTo(g), " → "))
	case c.w.Target.Kind == identity.KindGroup && c.m.Subject(g).In(c.w.Target) == access.Allowed:
		put(Skipped, "it is in the target: groups would be in one another")
	case p.Origin == identity.OriginUnknown:
		put(Unverified, "its record was not read: whether the identity provider keeps it is not known")
	case within == access.Unknown || !seen:
		put(Unverified, "whether the target is in it already was not read")
	case p.Origin == identity.OriginIDP:
		put(IDPRequired, "the identity provider keeps it: its administrators add the member there")
	case !c.gives(g) && !c.w.Deep && !among(c.w.Only, []string{name, g.ID}):
		put(Unverified, "nothing was seen that it gives, and what is in catalogs was not looked at: ask again with --scan-uc, or name it with --only")
	case !c.gives(g) && !among(c.w.Only, []string{name, g.ID}):
		put(Skipped, "nothing was seen that it gives beyond what the target has; name it with --only to add it all the same")
	case c.grantors.ofGroup(g) == access.Denied:
		put(Unexecutable, "nobody is known who may change its members")
	case c.grantors.ofGroup(g) == access.Unknown:
		put(Unexecutable, "nobody is known who may change its members; who is account admin, or manages it, was not fully read")
	default:
		put(AddMember, "")
	}
}

// join notes that the plan brings the target into a group and all above it.
func (c *cloning) join(g identity.PrincipalKey) {
	for _, k := range c.m.Subject(g).Identities() {
		c.joined[k] = true
	}
}

// above explains a group that the source is in by way of others.
func (c *cloning) above(g identity.PrincipalKey, direct map[identity.PrincipalKey]bool) {
	p, _ := c.e.Principal(g)
	change := Change{Cell: Cell{Kind: Member, Holder: c.w.Target, Group: g}, After: Present, GroupName: p.Name, ExternalID: p.ExternalID}
	switch {
	case c.target.In(g) == access.Allowed:
		c.add(AlreadyMember, change, "by way of "+strings.Join(c.target.PathTo(g), " → "))
	case c.joined[g]:
		c.add(Skipped, change, "it comes by itself with "+strings.Join(c.source.PathTo(g)[1:], " → "))
	case climb(c.e, c.w.Source)[g]:
		c.add(Skipped, change, "it would come with "+strings.Join(c.source.PathTo(g)[1:], " → ")+", which is not part of the plan")
	default:
		c.add(Unverified, change, "the source is in it, but by which group was not read")
	}
}

// gives reports whether a group, or one above it, was seen to give anything that the target does not have
// already by being in it.
func (c *cloning) gives(g identity.PrincipalKey) bool {
	for _, k := range c.m.Subject(g).Identities() {
		if k.Kind == identity.KindGroup && k != identity.AccountUsers() && c.target.In(k) != access.Allowed && c.grantors.holds(k) {
			return true
		}
	}
	return false
}

// assignments plans the workspaces to which the source itself is assigned.
func (c *cloning) assignments() {
	for _, w := range c.e.Workspaces() {
		if !c.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}) {
			o, planned := c.e.Outcome(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID})
			switch {
			case !planned || o.Kind == identity.NotAsked:
				continue
			case o.Kind == identity.NotRunning:
				c.say(Skipped, fmt.Sprintf("workspace %s is not running: nobody can use it, and who is assigned to it is not read", c.e.WorkspaceName(w.ID)))
				continue
			}
			c.say(Unverified, fmt.Sprintf("who is assigned to workspace %s was not read: %s", c.e.WorkspaceName(w.ID), o.Message))
			continue
		}
		own := identity.WorkspaceNone
		for _, k := range c.records(c.source) {
			v, _ := ValueOf(c.e, Cell{Kind: Assigned, Workspace: w.ID, Holder: k})
			own = max(own, Permission(v))
		}
		if own != identity.WorkspaceNone {
			c.assignment(w, own)
		}
	}
}

func (c *cloning) assignment(w identity.Workspace, own identity.WorkspacePermission) {
	cell := Cell{Kind: Assigned, Workspace: w.ID, Holder: c.w.Target}
	before, _ := ValueOf(c.e, cell)
	change := Change{Cell: cell, Before: before, After: Value(own.String()), ObjectName: c.e.WorkspaceName(w.ID)}
	names := []string{w.Name, w.ID.String(), w.Host}
	has, certain := c.target.Assigned(w.ID)
	switch {
	case Permission(before) >= own:
		c.add(AlreadyMember, change, "", names...)
	case certain == access.Allowed && has >= own:
		c.add(AlreadyMember, change, "by way of a group", names...)
	case certain == access.Unknown:
		c.add(Unverified, change, "whether the target may enter it already was not read", names...)
	case c.comesWithGroup(w.ID, own):
		c.add(Skipped, change, "it comes by itself with a group of this plan", names...)
	case !c.grantors.account():
		c.add(Unexecutable, change, "nobody is known who may assign principals to workspaces: no account admin was seen", names...)
	default:
		c.add(WorkspaceAssignment, change, "", names...)
	}
}

// comesWithGroup reports whether a group that the plan joins is assigned to a workspace.
func (c *cloning) comesWithGroup(id identity.WorkspaceID, own identity.WorkspacePermission) bool {
	return slices.ContainsFunc(c.e.Assignments(id), func(a identity.Assignment) bool {
		return c.joined[a.Principal] && a.Permission >= own
	})
}

// offices names the roles that the source itself has, none of which is copied.
func (c *cloning) offices() {
	for _, k := range c.records(c.source) {
		if p, _ := c.e.Principal(k); p.HasRole(identity.RoleAccountAdmin) {
			c.say(Skipped, "the role account admin is not copied: an account admin gives it, on purpose")
		}
	}
	for _, g := range c.e.AllRoleGrants() {
		if !slices.Contains(c.records(c.source), g.Holder.Key) {
			continue
		}
		on := "the account"
		if !g.On.IsZero() {
			on = g.On.Kind.Title() + " " + c.e.Label(g.On)
		}
		c.say(Skipped, fmt.Sprintf("the role %s on %s is not copied: whoever manages it gives it, on purpose", g.Role, on))
	}
	for _, k := range c.records(c.source) {
		n := 0
		for range c.e.OwnedBy(k) {
			n++
		}
		if n > 0 {
			c.say(Skipped, fmt.Sprintf("ownership is not copied: what has an owner has one (%d securables)", n))
		}
	}
}

// settle puts the steps in order and names them: those that are carried out first, and of these the least
// privileged.
func (c *cloning) settle() {
	slices.SortStableFunc(c.steps, func(a, b Step) int {
		if d := cmp.Compare(order[a.Kind], order[b.Kind]); d != 0 {
			return d
		}
		switch {
		case a.Change == nil && b.Change == nil:
			return strings.Compare(a.Reason, b.Reason)
		case a.Change == nil:
			return 1
		case b.Change == nil:
			return -1
		default:
			return cmp.Or(cmp.Compare(Permission(a.Change.After), Permission(b.Change.After)), a.Change.Cell.Compare(b.Change.Cell), strings.Compare(a.Reason, b.Reason))
		}
	})
	for i := range c.steps {
		c.steps[i].ID = fmt.Sprintf("s%d", i+1)
	}
}

// order is that of the kinds of step: what only lets somebody in comes before what lets him do something.
var order = map[StepKind]int{
	WorkspaceAssignment: 1, Entitlement: 2, ObjectACL: 3, Grant: 4, AddMember: 5,
	IDPRequired: 6, Unexecutable: 7, Unverified: 8, AlreadyMember: 9, Skipped: 10,
}
