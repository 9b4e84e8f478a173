package plan

import (
	"cmp"
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// What the source holds under its own name, and not by a group: entitlements, grants and permissions on
// workspace objects.

// personal plans them. Whatever comes with the groups and workspaces of the plan is not given twice.
func (c *cloning) personal() {
	if !c.w.takes(PartEntitlements) && !c.w.takes(PartGrants) && !c.w.takes(PartObjects) {
		return
	}
	_, all := changes(c.steps)
	c.then = c.m.With(Overlay(c.e, all)).Subject(c.w.Target)
	if c.w.takes(PartEntitlements) {
		c.entitlements()
	}
	if c.w.takes(PartGrants) {
		c.grants()
	}
	if c.w.takes(PartObjects) {
		c.objects()
	}
}

func (c *cloning) entitlements() {
	for _, w := range c.e.Workspaces() {
		if !w.Running() {
			continue
		}
		if _, seen := ValueOf(c.e, Cell{Kind: Entitled, Workspace: w.ID, Holder: c.w.Source}); !seen && len(entitlements(c.e, w.ID, c.w.Source)) == 0 {
			if _, asked := c.e.Outcome(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}); asked && !c.notAsked(w.ID) {
				c.say(Unverified, fmt.Sprintf("which entitlements there are in workspace %s was not read", c.e.WorkspaceName(w.ID)))
			}
		}
		done := map[identity.Entitlement]bool{}
		for _, k := range c.records(c.source) {
			for _, x := range entitlements(c.e, w.ID, k) {
				if !done[x] {
					done[x] = true
					c.entitlement(w, x)
				}
			}
		}
	}
}

func (c *cloning) notAsked(in identity.WorkspaceID) bool {
	o, _ := c.e.Outcome(estate.ReadKey{Op: estate.OpAssignments, Workspace: in})
	return o.Kind == identity.NotAsked
}

func (c *cloning) entitlement(w identity.Workspace, x identity.Entitlement) {
	cell := Cell{Kind: Entitled, Workspace: w.ID, Entitlement: x, Holder: c.w.Target}
	before, seen := ValueOf(c.e, cell)
	change := Change{Cell: cell, Before: before, After: Present, ObjectName: c.e.WorkspaceName(w.ID), Through: w.ID}
	names := []string{w.Name, w.ID.String(), string(x)}
	_, in := c.then.Assigned(w.ID)
	switch now := c.target.Entitled(x, w.ID); {
	case before == Present:
		c.add(AlreadyMember, change, "", names...)
	case now == access.Allowed:
		c.add(AlreadyMember, change, "by way of a group", names...)
	case x == identity.AllowPoolCreate && c.w.Target.Kind != identity.KindGroup:
		// https://docs.databricks.com/aws/en/security/auth/entitlements
		c.add(Skipped, change, "only groups are given it", names...)
	case now == access.Unknown || !seen:
		c.add(Unverified, change, "whether the target has it already was not read", names...)
	case c.then.Entitled(x, w.ID) == access.Allowed:
		c.add(Skipped, change, "it comes by itself with a group of this plan", names...)
	case in != access.Allowed:
		c.add(Unexecutable, change, "the target is not in the workspace, with this plan or without", names...)
	case !c.grantors.ofWorkspace(w.ID):
		c.add(Unexecutable, change, "nobody is known who could give it: no admin of the workspace or the account was seen", names...)
	default:
		c.add(Entitlement, change, "", names...)
	}
}

func (c *cloning) grants() {
	unread := 0
	for _, r := range c.e.ReadsOf(estate.OpGrants) {
		if r.Blocking() {
			unread++
		}
	}
	if unread > 0 {
		c.say(Unverified, fmt.Sprintf("more may be granted to the source: grants on %d securables were not read", unread))
	}
	done := map[Cell]bool{}
	for _, k := range c.records(c.source) {
		for g := range c.e.GrantsTo(k) {
			for _, p := range g.Privileges {
				for _, today := range p.FromLegacy(g.Securable.Type) { // what it was granted as may be a name of the past
					cell := Cell{Kind: Granted, Securable: g.Securable, Privilege: today, Holder: c.w.Target}
					if !done[cell] {
						done[cell] = true
						c.grant(cell)
					}
				}
			}
		}
	}
}

func (c *cloning) grant(cell Cell) {
	on, p := cell.Securable, cell.Privilege
	before, seen := ValueOf(c.e, cell)
	change := Change{Cell: cell, Before: before, After: Present, ObjectName: on.FullName(), Through: c.grantors.through(on)}
	names := []string{on.FullName(), on.Catalog, string(p), p.SQL()}
	called, _ := c.e.Principal(c.w.Target)
	switch now := c.target.Given(p, on, 0); {
	case before == Present:
		c.add(AlreadyMember, change, "", names...)
	case now == access.Allowed:
		c.add(AlreadyMember, change, "by another grant, a group or ownership", names...)
	case !p.Applies(on.Type):
		c.add(Skipped, change, "it gives nothing on a securable of that type", names...)
	case on.Type == identity.TypeShare:
		c.add(Skipped, change, "shares are granted to recipients", names...)
	case now == access.Unknown || !seen:
		c.add(Unverified, change, "whether the target has it already was not read", names...)
	case c.then.Given(p, on, 0) == access.Allowed:
		c.add(Skipped, change, "it comes by itself with a group of this plan", names...)
	case called.Name == "" || c.e.Resolve(called.Name).Key != c.w.Target:
		c.add(Unexecutable, change, "grants are to names, and the name of the target is not its alone", names...)
	case change.Through == 0:
		c.add(Unexecutable, change, "no running workspace is known from which it can be granted", names...)
	case !c.grantors.ofSecurable(on):
		c.add(Unexecutable, change, "nobody is known who could grant it: no owner, holder of MANAGE or metastore admin was seen", names...)
	default:
		c.add(Grant, change, "", names...)
	}
}

func (c *cloning) objects() {
	for _, r := range c.e.Unread() {
		if (r.Key.Op == estate.OpObjects || r.Key.Op == estate.OpObjectGrants) && r.Blocking() {
			c.say(Unverified, fmt.Sprintf("the source may have permissions on more objects: %s in %s failed", c.e.Operation(r.Key), c.e.Scope(r.Key)))
		}
	}
	records := c.records(c.source)
	for _, o := range c.e.PermittedTo(func(k identity.PrincipalKey) bool { return slices.Contains(records, k) }) {
		var best identity.Level
		for _, g := range c.e.ObjectGrants(o.Object) {
			if g.From != "" || !slices.Contains(records, c.e.Canonical(g.Holder.Key)) {
				continue
			}
			if g.Level == identity.IsOwner {
				c.owns(o)
				continue
			}
			if best == "" || o.Type.Includes(g.Level, best) {
				best = g.Level
			}
		}
		if best != "" {
			c.object(o, best)
		}
	}
}

// owns names an object that the source owns: the ownership stays with it.
func (c *cloning) owns(o identity.ObjectInfo) {
	change := Change{Cell: Cell{Kind: ObjectLevel, Object: o.Object, Holder: c.w.Target}, After: Value(identity.IsOwner), ObjectName: cmp.Or(o.Name, o.ID)}
	c.add(Skipped, change, "ownership is not copied: what has an owner has one", o.Name)
}

func (c *cloning) object(o identity.ObjectInfo, l identity.Level) {
	cell := Cell{Kind: ObjectLevel, Object: o.Object, Holder: c.w.Target}
	before, seen := ValueOf(c.e, cell)
	change := Change{Cell: cell, Before: before, After: Value(l), ObjectName: cmp.Or(o.Name, o.ID), Through: o.Workspace}
	names := []string{o.Name, o.Path, o.ID, string(o.Type)}
	held := identity.Level(before)
	called, _ := c.e.Principal(c.w.Target)
	now := c.level(c.target, o.Object, l)
	_, in := c.then.Assigned(o.Workspace)
	switch {
	case before != Absent && o.Type.Includes(held, l):
		c.add(AlreadyMember, change, "", names...)
	case now == access.Allowed:
		c.add(AlreadyMember, change, "by a group, or from what it lies in", names...)
	case before != Absent && !o.Type.Includes(l, held):
		c.add(Skipped, change, fmt.Sprintf("the target has %s, which the other does not include", held), names...)
	case now == access.Unknown || !seen:
		c.add(Unverified, change, "whether the target has it already was not read", names...)
	case c.level(c.then, o.Object, l) == access.Allowed:
		c.add(Skipped, change, "it comes by itself with a group of this plan", names...)
	case c.e.ResolveIn(o.Workspace, identity.PrincipalName{Kind: c.w.Target.Kind, Name: called.Name}).Key != c.w.Target || called.Name == "":
		c.add(Unexecutable, change, "permissions are given to names, and the name of the target is not its alone there", names...)
	case in == access.Denied:
		c.add(Unexecutable, change, "the target is not in the workspace, with this plan or without", names...)
	case !c.grantors.ofObject(o.Object):
		c.add(Unexecutable, change, "nobody is known who could give it: nobody who manages it, and no admin of the workspace, was seen", names...)
	default:
		c.add(ObjectACL, change, "", names...)
	}
}

// level says whether somebody has a level on an object, in whatever workspace it is.
func (c *cloning) level(s *access.Subject, o identity.Object, l identity.Level) access.Verdict {
	verdicts := []access.Verdict{access.Denied}
	for _, g := range c.e.ObjectGrants(o) {
		if o.Type.Includes(g.Level, l) {
			verdicts = append(verdicts, s.Means(g.Holder, o.Workspace))
		}
	}
	return access.Any(verdicts...)
}
