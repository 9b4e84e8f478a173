package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Target names the securable that a question is about.
type Target struct {
	// Parts are the parts of its name.
	Parts []string
	// Type is its type; empty when the name alone must tell.
	Type identity.SecurableType
	// Metastore is the name or id of the metastore; empty means any.
	Metastore string
	// Object is the type, where a workspace object is meant; Parts then hold its name, id or path
	// alone. Workspace says that a workspace itself is.
	Object    identity.ObjectType
	Workspace bool
	// Principal says that a user, service principal or group is meant.
	Principal bool
	// WithMetastore asks for the grants on the metastore, too.
	WithMetastore bool
}

// what is the type in words.
func (t Target) what() string {
	switch {
	case t.Workspace:
		return "workspace"
	case t.Object != "":
		return t.Object.Title()
	case t.Type != "":
		return t.Type.Title()
	default:
		return "securable"
	}
}

// name is how the name is written.
func (t Target) name() string {
	if t.Workspace || t.Principal || t.Object != "" || t.Type == identity.TypeMetastore {
		return strings.Join(t.Parts, ".") // it has one part, whose dots part nothing
	}
	return identity.QuoteFullName(t.Parts)
}

// means reports whether the target can be of a type, so far as it says. Either purpose of credential
// goes with the type that stands for both.
func (t Target) means(s identity.SecurableType) bool {
	switch {
	case t.Type == "" || t.Type == s:
		return true
	case s == identity.AnyCredential:
		return t.Type == identity.TypeStorageCredential || t.Type == identity.TypeServiceCredential
	case t.Type == identity.AnyCredential:
		return s == identity.TypeStorageCredential || s == identity.TypeServiceCredential
	default:
		return false
	}
}

// in gives the securables that the target can be in a metastore, one for each type.
func (t Target) in(metastore string) []identity.Securable {
	return slices.DeleteFunc(identity.Named(metastore, t.Parts), func(s identity.Securable) bool { return !t.means(s.Type) })
}

// UnknownResourceError says that the caller sees no securable of the name. Unity Catalog can answer
// alike for what does not exist and for what the caller may not see.
type UnknownResourceError struct {
	Target Target
	// Near are names like it, nearest first, where there is a list to take them from: as they are to be
	// written, after their type where that is not the one asked for ("table main.sales.orders"). That
	// there are none says nothing.
	Near []string
}

// Missing says what was looked for: "there is no job called nightly".
func (e *UnknownResourceError) Missing() string {
	where := ""
	if e.Target.Metastore != "" {
		where = " in metastore " + e.Target.Metastore
	}
	return fmt.Sprintf("there is no %s called %s%s that the caller can see", e.Target.what(), e.Target.name(), where)
}

// Error says what was looked for, and what to do next where no near miss says it.
func (e *UnknownResourceError) Error() string {
	if len(e.Near) > 0 {
		return e.Missing()
	}
	return e.Missing() + "; check the name, and with databricks-access-audit doctor what the caller may read"
}

// AmbiguousResourceError says that several securables bear the name.
type AmbiguousResourceError struct {
	Target Target
	// Found are the securables, Metastores the names of the metastores that they are in.
	Found      []identity.Securable
	Metastores []string
	// Objects are the workspace objects, where such are meant, and Workspaces the names of theirs.
	Objects    []identity.ObjectInfo
	Workspaces []string
}

// Error says how to choose.
func (e *AmbiguousResourceError) Error() string {
	if len(e.Objects) > 0 {
		return fmt.Sprintf("%s names %d objects of type %s; choose one by its id, or its workspace by --workspace-urls", strings.Join(e.Target.Parts, "."), len(e.Objects), e.Target.what())
	}
	return fmt.Sprintf("%s names %d securables; choose one by --resource-type or --metastore", strings.Join(e.Target.Parts, "."), len(e.Found))
}

// Meanings are what the name could mean, one in a line.
func (e *AmbiguousResourceError) Meanings() []string {
	var lines []string
	for i, s := range e.Found {
		lines = append(lines, fmt.Sprintf("%s %s  in metastore %s", s.Type.Title(), s.FullName(), e.Metastores[i]))
	}
	for i, o := range e.Objects {
		lines = append(lines, fmt.Sprintf("%s %s  id %s  in workspace %s", o.Type.Title(), o.Name, o.ID, e.Workspaces[i]))
	}
	return lines
}

// Resource reads what the question needs who can reach one securable. With expand, the members of the
// groups that are named are read too, down to the people. The errors are *UnknownResourceError,
// *AmbiguousResourceError and *UnknownWorkspaceError.
func Resource(ctx context.Context, src Source, scope Scope, target Target, expand bool, o Options) (*estate.Estate, Found, error) {
	c := newCrawler(src, scope, o)
	if err := c.startPlaces(ctx); err != nil {
		return nil, Found{}, err
	}
	switch {
	case target.Workspace:
		return c.whoEnters(ctx, target, expand)
	case target.Object != "":
		return c.whoOperates(ctx, target, expand)
	}
	v, found, err := c.locate(ctx, target)
	if err != nil {
		return nil, Found{}, err
	}
	c.crawlAssignments(v.attached)
	h := &holders{crawler: c, expand: expand}
	w := &ways{crawler: c, onHolder: h.meet}
	v.onHolder = func(name string) {
		h.meet(name)
		if expand {
			w.meet(name)
		}
	}
	v.chain(ctx, found)
	v.hear(v.m.Owner)
	if expand {
		c.q.add(func(ctx context.Context) { w.rolesOn(ctx, identity.Principal{}) })
		c.restrictions(v.attached)
	}
	c.finishWho(ctx, h)
	return c.b.Build(), Found{Securable: found.Securable}, nil
}

// Found is what the name of a resource means; one field is set.
type Found struct {
	Securable identity.Securable
	Object    identity.Object
	Workspace identity.WorkspaceID
}

// whoEnters reads who is assigned to a workspace, with expand down to the people.
func (c *crawler) whoEnters(ctx context.Context, target Target, expand bool) (*estate.Estate, Found, error) {
	w, err := c.findWorkspace(target)
	if err != nil {
		return nil, Found{}, err
	}
	h := &holders{crawler: c, expand: expand}
	c.q.add(func(ctx context.Context) { c.assignments(ctx, w.ID) })
	c.q.run(ctx, c.workers)
	for _, a := range c.directory.assigned {
		h.meet(a.Name)
	}
	c.finishWho(ctx, h)
	return c.b.Build(), Found{Workspace: w.ID}, nil
}

// whoOperates reads who may use a workspace object, with expand down to the people.
func (c *crawler) whoOperates(ctx context.Context, target Target, expand bool) (*estate.Estate, Found, error) {
	o, err := c.findObject(ctx, target)
	if err != nil {
		return nil, Found{}, err
	}
	at := c.workspaceOf(o.Workspace)
	c.b.AddObject(o)
	h := &holders{crawler: c, expand: expand}
	c.q.add(func(ctx context.Context) { c.assignments(ctx, at.ID) })
	c.q.add(func(ctx context.Context) {
		detail, err := c.src.Object(ctx, at, o)
		c.note(estate.ReadKey{Op: estate.OpObject, Object: o.Object}, err)
		if err == nil {
			c.b.AddObject(detail)
		}
	})
	c.q.add(func(ctx context.Context) {
		local := c.groupsOf(ctx, at)
		for _, g := range c.permissions(ctx, at, o.Object) {
			switch name := g.Holder.Name; {
			case g.Holder.Kind == identity.KindGroup && local[name] != identity.PrincipalKey{}:
				c.membersThere(ctx, at, local[name], h)
			case name != identity.WorkspaceUsersName && name != identity.WorkspaceAdminsName:
				h.meet(name)
			}
		}
	})
	c.q.run(ctx, c.workers)
	c.finishWho(ctx, h)
	return c.b.Build(), Found{Object: o.Object}, nil
}

// finishWho reads down to the people, if it is to.
func (c *crawler) finishWho(ctx context.Context, h *holders) {
	c.q.run(ctx, c.workers)
	h.assigned(ctx)
	h.people(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
}

// crawlAssignments reads the assignments of the workspaces from which the securable can be reached.
func (c *crawler) crawlAssignments(attached []identity.WorkspaceID) {
	for _, w := range c.workspaces {
		switch {
		case !slices.Contains(attached, w.ID):
			c.remark(estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}, identity.NotAsked, "the metastore is not attached there")
		case w.Running():
			c.q.add(func(ctx context.Context) { c.assignments(ctx, w.ID) })
		}
	}
}

// sighting is a securable that bears the name, with the metastore that it is in.
type sighting struct {
	v    *metastore
	info identity.SecurableInfo
}

// locate finds the one securable that bears the name, looking in every metastore at once.
func (c *crawler) locate(ctx context.Context, target Target) (*metastore, identity.SecurableInfo, error) {
	if target.Type == identity.TypeMetastore {
		return c.locateMetastore(ctx, target)
	}
	var mu sync.Mutex
	var seen []sighting
	var errs []error
	var looked []*metastore
	look := newQueue(nil)
	for _, m := range c.metastores {
		if target.Metastore != "" && target.Metastore != m.ID && target.Metastore != m.Name {
			continue
		}
		look.add(func(ctx context.Context) {
			v := c.metastore(ctx, m)
			found, err := v.lookFor(ctx, target)
			mu.Lock()
			defer mu.Unlock()
			looked = append(looked, v)
			for _, s := range found {
				seen = append(seen, sighting{v, s})
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("look for %s in metastore %s: %w", strings.Join(target.Parts, "."), m.Name, err))
			}
		})
	}
	look.run(ctx, c.workers)
	switch {
	case len(seen) == 1:
		for _, err := range errs {
			c.note(estate.ReadKey{Op: estate.OpLookup}, err) // there may be another of the name
		}
		return seen[0].v, seen[0].info, nil
	case len(seen) > 1:
		return nil, identity.SecurableInfo{}, c.ambiguous(target, seen)
	}
	// Where a place may have been missed, nothing found is not an answer.
	if err := errors.Join(append(errs, c.metastoresErr, c.workspacesErr)...); err != nil {
		return nil, identity.SecurableInfo{}, err
	}
	if target.Metastore != "" && len(looked) == 0 {
		return c.locateMetastore(ctx, Target{Parts: []string{target.Metastore}, Type: identity.TypeMetastore})
	}
	return nil, identity.SecurableInfo{}, &UnknownResourceError{Target: target, Near: c.near(ctx, target, looked)}
}

// locateMetastore finds a metastore by its name or id.
func (c *crawler) locateMetastore(ctx context.Context, target Target) (*metastore, identity.SecurableInfo, error) {
	name := strings.Join(target.Parts, ".")
	unknown := &UnknownResourceError{Target: target}
	var found []sighting
	for _, m := range c.metastores {
		if m.Name != name && m.ID != name {
			unknown.Near = append(unknown.Near, m.Name)
			continue
		}
		v := c.metastore(ctx, m)
		for _, v.door = range v.doors() {
			break
		}
		found = append(found, sighting{v, identity.SecurableInfo{Securable: v.self, Owner: m.Owner}})
	}
	switch {
	case len(found) == 1:
		return found[0].v, found[0].info, nil
	case len(found) > 1:
		return nil, identity.SecurableInfo{}, c.ambiguous(target, found)
	case c.metastoresErr != nil:
		return nil, identity.SecurableInfo{}, c.metastoresErr
	}
	return nil, identity.SecurableInfo{}, unknown
}

func (c *crawler) ambiguous(target Target, seen []sighting) error {
	slices.SortFunc(seen, func(a, b sighting) int { return a.info.Compare(b.info.Securable) })
	e := &AmbiguousResourceError{Target: target}
	for _, s := range seen {
		e.Found = append(e.Found, s.info.Securable)
		e.Metastores = append(e.Metastores, s.v.m.Name)
	}
	return e
}

// lookFor looks in one metastore, through the first workspace that lets us.
func (v *metastore) lookFor(ctx context.Context, target Target) (found []identity.SecurableInfo, err error) {
	doors := v.doors()
	for _, v.door = range doors[:min(len(doors), maxDoors)] {
		found, err = v.lookThrough(ctx, target)
		if err == nil || len(found) > 0 || ctx.Err() != nil {
			return found, err
		}
	}
	return found, errors.Join(err, v.unknown)
}

func (v *metastore) lookThrough(ctx context.Context, target Target) (found []identity.SecurableInfo, err error) {
	candidates := target.in(v.m.ID)
	infos := make([]identity.SecurableInfo, len(candidates))
	errs := make([]error, len(candidates))
	var all sync.WaitGroup
	for i, s := range candidates {
		all.Go(func() { infos[i], errs[i] = v.src.Lookup(ctx, v.door, s) })
	}
	all.Wait()
	for i, e := range errs {
		switch {
		case e == nil && target.means(infos[i].Type):
			found = append(found, infos[i])
		case e != nil && !identity.IsKind(e, identity.NotFound) && !identity.IsKind(e, identity.Unsupported):
			err = errors.Join(err, e)
		}
	}
	return found, err
}

// chain reads what decides over one securable: the containers it is in, the grants on each, the
// binding of its catalog, the policies on it, what an external table or volume lies in, and for a view or
// function what it is made from.
func (v *metastore) chain(ctx context.Context, found identity.SecurableInfo) {
	if found.Type != identity.TypeMetastore {
		v.note(estate.ReadKey{Op: estate.OpSecurable, Securable: found.Securable}, nil)
		v.seen(found)
	}
	at := v.around(ctx, found)
	if found.Isolation == identity.Isolated && (found.Type == identity.TypeCatalog || found.Type.UnderMetastore()) {
		at = v.doorOf(v.bindings(ctx, found.Securable))
	}
	for s, ok := found.Securable, true; ok && (s.Type != identity.TypeMetastore || found.Type == identity.TypeMetastore); s, ok = s.Parent() {
		v.grantsOnce(s, at)
	}
	v.q.addTo(lane{metastore: v.m.ID}, v.complete)
	if t := found.Type; t == identity.TypeCatalog || t == identity.TypeSchema || t.InSchema() {
		v.policies(found.Securable, at)
	}
	v.storage(found)
	v.made(ctx, found)
}

// around reads the containers of a securable, each once, and gives the workspace through which what is
// in them can be read.
func (v *metastore) around(ctx context.Context, of identity.SecurableInfo) identity.Workspace {
	at := v.door
	for s, ok := of.Parent(); ok && s.Type != identity.TypeMetastore; s, ok = s.Parent() {
		door, _ := v.containers.get(s, func() (identity.Workspace, error) { return v.container(ctx, s), nil })
		if s.Type == identity.TypeCatalog {
			at = door
		}
	}
	return at
}

// container reads one container and gives the workspace through which what is in it can be read.
func (v *metastore) container(ctx context.Context, s identity.Securable) identity.Workspace {
	info, err := v.src.Lookup(ctx, v.door, s)
	v.note(estate.ReadKey{Op: estate.OpSecurable, Securable: s}, err)
	if err != nil {
		return v.door
	}
	v.seen(info)
	if info.Isolation == identity.Isolated {
		return v.doorOf(v.bindings(ctx, s))
	}
	return v.door
}

func (v *metastore) grantsOnce(on identity.Securable, at identity.Workspace) {
	if _, again := v.granted.LoadOrStore(on, true); !again {
		v.grants(on, at)
	}
}

// made reads whether the owner of a view or function may read what it is made from: without that nobody
// can use it.
func (v *metastore) made(ctx context.Context, view identity.SecurableInfo) {
	if !view.ReadsAsOwner() || len(view.Bases) == 0 {
		return
	}
	v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
		owners, err := v.whoIs(ctx, view.Owner)
		if err != nil {
			v.note(estate.ReadKey{Op: estate.OpHolder, Name: view.Owner}, err)
		}
		for _, p := range owners {
			v.b.AddPrincipal(p)
			v.memberships(ctx, p.Key)
		}
	})
	for _, base := range view.Bases {
		if _, again := v.based.LoadOrStore(base, true); again {
			continue
		}
		v.q.addTo(lane{metastore: v.m.ID}, func(ctx context.Context) {
			info, err := v.src.Lookup(ctx, v.door, base)
			v.note(estate.ReadKey{Op: estate.OpSecurable, Securable: base}, err)
			if err != nil {
				return
			}
			v.seen(info)
			at := v.around(ctx, info)
			for s, ok := base, true; ok && s.Type != identity.TypeMetastore; s, ok = s.Parent() {
				v.grantsOnce(s, at)
			}
			v.storage(info)
			v.made(ctx, info)
		})
	}
}

// seen adds what a lookup told.
func (v *metastore) seen(info identity.SecurableInfo) {
	v.b.AddSecurable(info)
	v.meetNames(v.door, info.Owner)
	v.hear(info.Owner)
}
