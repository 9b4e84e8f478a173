package plan

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// causes finds the steps that have a part in something.
type causes struct {
	e     *estate.Estate // with the steps made
	was   *estate.Estate
	steps []Step
	// granting and permitting are the steps that give something on a securable, or an object, itself.
	granting   map[identity.Securable]stepSet
	permitting map[identity.Object]stepSet
	// bearing are the steps by which the target comes to an identity, or no longer has it, and named those by
	// which it comes to whom the facts of each of the two estates name, as far as they were asked for.
	bearing map[identity.PrincipalKey]stepSet
	named   map[*estate.Estate]map[estate.HolderNumber]stepSet
	// way leaves out the steps that lead the other way.
	way turned
	// What is asked again for everything in a container or workspace, and what was said of sets of steps.
	containers map[identity.Securable]stepSet
	entrances  map[identity.WorkspaceID]stepSet
	said       map[turned]map[string][]string
}

// stepSet is a set of steps by their places in the list.
type stepSet []byte

func (c *causes) none() stepSet { return make(stepSet, (len(c.steps)+7)/8) }

func (s stepSet) add(i int) { s[i/8] |= 1 << (i % 8) }

func (s stepSet) has(i int) bool { return s[i/8]&(1<<(i%8)) != 0 }

func (s stepSet) addAll(other stepSet) {
	for i, b := range other {
		s[i] |= b
	}
}

func newCauses(before, after *access.Model, target identity.PrincipalKey, steps []Step) *causes {
	c := &causes{
		e: after.Estate(), was: before.Estate(), bearing: map[identity.PrincipalKey]stepSet{},
		granting: map[identity.Securable]stepSet{}, permitting: map[identity.Object]stepSet{},
		named:      map[*estate.Estate]map[estate.HolderNumber]stepSet{after.Estate(): {}, before.Estate(): {}},
		containers: map[identity.Securable]stepSet{}, entrances: map[identity.WorkspaceID]stepSet{}, said: map[turned]map[string][]string{},
	}
	was, is := before.Subject(target), after.Subject(target)
	for _, s := range steps {
		if s.Change != nil && s.Change.Before != s.Change.After && (s.Kind.Executable() || s.Kind == IDPRequired || s.Kind == RemoveMember) &&
			concerns(s.Change.Cell.Holder, was, is) {
			c.steps = append(c.steps, s)
		}
	}
	for i, s := range c.steps {
		switch cell := s.Change.Cell; cell.Kind {
		case Granted:
			note(c, c.granting, cell.Securable, i)
		case ObjectLevel:
			note(c, c.permitting, cell.Object, i)
		case Member, Assigned, Entitled:
		}
	}
	c.findBearing(before, after, target)
	return c
}

// concerns reports whether what somebody comes to, or no longer has, may be the target's: they are the target, or it is in them.
// Groups of a workspace have members whom nobody lists.
func concerns(holder identity.PrincipalKey, target ...*access.Subject) bool {
	return holder.Workspace != 0 || holder == identity.AccountUsers() ||
		slices.ContainsFunc(target, func(s *access.Subject) bool { return s.In(holder) != access.Denied })
}

// note enters a step for something.
func note[K comparable](c *causes, of map[K]stepSet, k K, step int) {
	if of[k] == nil {
		of[k] = c.none()
	}
	of[k].add(step)
}

// findBearing finds the steps by which the target comes to the identities that it does not have on the other side.
func (c *causes) findBearing(before, after *access.Model, target identity.PrincipalKey) {
	had, has := map[identity.PrincipalKey]bool{}, map[identity.PrincipalKey]bool{}
	for _, k := range before.Subject(target).Identities() {
		had[k] = true
	}
	for _, k := range after.Subject(target).Identities() {
		has[k] = true
	}
	for i, s := range c.steps {
		if s.Change.Cell.Kind != Member {
			continue
		}
		there, without := after, had
		if s.Change.After == Absent {
			there, without = before, has
		}
		for _, k := range there.Subject(s.Change.Cell.Group).Identities() {
			if !without[k] {
				note(c, c.bearing, k, i)
			}
		}
	}
}

// ids names the steps of a set that lead the right way.
func (c *causes) ids(set stepSet) []string {
	if c.said[c.way] == nil {
		c.said[c.way] = map[string][]string{}
	}
	ids, ok := c.said[c.way][string(set)]
	if ok {
		return ids
	}
	ids = []string{}
	for i, s := range c.steps {
		other := s.Change.After == Absent && c.way == gained || s.Change.After != Absent && c.way == lost
		if set.has(i) && !other {
			ids = append(ids, s.ID)
		}
	}
	ids = slices.Clip(ids)
	c.said[c.way][string(set)] = ids
	return ids
}

func (c *causes) ofWorkspace(in identity.WorkspaceID) []string { return c.ids(c.entering(in)) }

// entering are the steps that have a part in letting somebody into a workspace.
func (c *causes) entering(in identity.WorkspaceID) stepSet {
	set, ok := c.entrances[in]
	if ok {
		return set
	}
	set = c.none()
	for i, s := range c.steps {
		if s.Change.Cell.Kind == Assigned && s.Change.Cell.Workspace == in {
			set.add(i)
		}
	}
	for _, a := range c.e.Assignments(in) {
		set.addAll(c.bearing[a.Principal])
	}
	c.entrances[in] = set
	return set
}

func (c *causes) ofRole(x access.Office) []string {
	set := c.none()
	for k, by := range c.bearing {
		if p, _ := c.e.Principal(k); p.HasRole(x.Role) {
			set.addAll(by)
		}
	}
	for _, m := range c.e.Metastores() {
		if owner, known := c.e.MetastoreAdmin(m.ID); known && c.e.MetastoreName(m.ID) == x.Scope {
			set.addAll(c.bearing[owner.Key])
		}
	}
	for _, w := range c.e.Workspaces() {
		if c.e.WorkspaceName(w.ID) == x.Scope {
			set.addAll(c.entering(w.ID))
		}
	}
	return c.ids(set)
}

// ofSecurable are the steps that give a right on a securable or around it, or the way into a workspace from
// which it is used.
func (c *causes) ofSecurable(on identity.Securable, in []identity.WorkspaceID) []string {
	set := c.on(on)
	if parent, ok := on.Parent(); ok {
		set.addAll(c.within(parent))
	}
	for _, w := range in {
		set.addAll(c.entering(w))
	}
	return c.ids(set)
}

// within are the steps that give a right on what is in a container. Of a metastore, only its admin has one: what is granted on it
// is not inherited.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/#inheritance-model
func (c *causes) within(container identity.Securable) stepSet {
	set, ok := c.containers[container]
	if ok {
		return set
	}
	set = c.none()
	if container.Type == identity.TypeMetastore {
		if at, is := c.e.Spot(container); is {
			c.addOwner(set, at)
		}
	} else {
		set.addAll(c.on(container))
	}
	if parent, ok := container.Parent(); ok {
		set.addAll(c.within(parent))
	}
	c.containers[container] = set
	return set
}

// on are the steps that give a right on the securable itself.
func (c *causes) on(on identity.Securable) stepSet {
	set := c.none()
	set.addAll(c.granting[on])
	at, is := c.e.Spot(on)
	if is {
		c.addGranted(set, c.e, at)
		c.addOwner(set, at)
	}
	if !c.was.SameSpots(c.e) {
		at, is = c.was.Spot(on)
	}
	if is {
		c.addGranted(set, c.was, at)
	}
	return set
}

// addOwner adds the steps by which the target comes to whoever owns what is at a place.
func (c *causes) addOwner(set stepSet, at estate.Spot) {
	if owner, known := c.e.OwnerAt(at); known {
		set.addAll(c.to(c.e, owner))
	}
}

// addGranted adds the steps by which the target comes to whom the grants on a securable name.
func (c *causes) addGranted(set stepSet, e *estate.Estate, at estate.Spot) {
	for holder := range e.GrantsAt(at) {
		set.addAll(c.to(e, holder))
	}
}

// to are the steps by which the target comes to whom facts of an estate name.
func (c *causes) to(e *estate.Estate, n estate.HolderNumber) stepSet {
	set, ok := c.named[e][n]
	if !ok {
		set = c.bearing[c.e.Canonical(e.Holder(n).Key)]
		c.named[e][n] = set
	}
	return set
}

func (c *causes) ofObject(o identity.Object) []string {
	set := c.none()
	set.addAll(c.permitting[o])
	for _, g := range c.e.ObjectGrants(o) {
		set.addAll(c.bearing[c.e.Canonical(g.Holder.Key)])
	}
	set.addAll(c.entering(o.Workspace))
	return c.ids(set)
}
