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
}

// UnknownResourceError says that the caller sees no securable of the name. Unity Catalog can answer
// alike for what does not exist and for what the caller may not see.
type UnknownResourceError struct{ Target Target }

// Error says what was looked for.
func (e *UnknownResourceError) Error() string {
	what := "securable"
	if e.Target.Type != "" {
		what = e.Target.Type.Title()
	}
	where := ""
	if e.Target.Metastore != "" {
		where = " in metastore " + e.Target.Metastore
	}
	return fmt.Sprintf("there is no %s called %s%s that the caller can see; check the name, and with databricks-access-audit doctor what the caller may read", what, strings.Join(e.Target.Parts, "."), where)
}

// AmbiguousResourceError says that several securables bear the name.
type AmbiguousResourceError struct {
	Target Target
	// Found are the securables, Metastores the names of the metastores that they are in.
	Found      []identity.Securable
	Metastores []string
}

// Error says how to choose.
func (e *AmbiguousResourceError) Error() string {
	return fmt.Sprintf("%s names %d securables; choose one by --resource-type or --metastore", strings.Join(e.Target.Parts, "."), len(e.Found))
}

// Can reads what the question needs whether one principal can do something on one securable. The
// errors are those of Principal, *UnknownResourceError and *AmbiguousResourceError.
func Can(ctx context.Context, src Source, scope Scope, target Target, o Options) (*estate.Estate, identity.PrincipalKey, identity.Securable, error) {
	c := newCrawler(src, scope, o)
	subject, err := c.start(ctx)
	if err != nil {
		return nil, identity.PrincipalKey{}, identity.Securable{}, err
	}
	v, found, err := c.locate(ctx, target)
	if err != nil {
		return nil, identity.PrincipalKey{}, identity.Securable{}, err
	}
	c.q.add(func(ctx context.Context) { c.subject(ctx, subject) })
	c.noteStatus(subject)
	c.crawlAssignments(v.attached)
	v.chain(ctx, found)
	c.q.run(ctx, c.workers)
	c.guests.finish(c, subject)
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build(), subject.Key, found.Securable, nil
}

// Resource reads what the question needs who can reach one securable. With expand, the members of the
// groups that are named are read too, down to the people. The errors are *UnknownResourceError,
// *AmbiguousResourceError and *UnknownWorkspaceError.
func Resource(ctx context.Context, src Source, scope Scope, target Target, expand bool, o Options) (*estate.Estate, identity.Securable, error) {
	c := newCrawler(src, scope, o)
	if err := c.startPlaces(ctx); err != nil {
		return nil, identity.Securable{}, err
	}
	v, found, err := c.locate(ctx, target)
	if err != nil {
		return nil, identity.Securable{}, err
	}
	c.crawlAssignments(v.attached)
	h := &holders{crawler: c, expand: expand}
	v.onHolder = h.meet
	v.chain(ctx, found)
	h.meet(v.m.Owner)
	c.q.run(ctx, c.workers)
	h.assigned(ctx)
	h.people(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build(), found.Securable, nil
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
	var mu sync.Mutex
	var seen []sighting
	var errs []error
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
	return nil, identity.SecurableInfo{}, &UnknownResourceError{target}
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
	var candidates []identity.Securable
	for _, s := range identity.Named(v.m.ID, target.Parts) {
		credential := target.Type == identity.TypeStorageCredential || target.Type == identity.TypeServiceCredential
		if target.Type == "" || s.Type == target.Type || s.Type == identity.AnyCredential && credential {
			candidates = append(candidates, s)
		}
	}
	infos := make([]identity.SecurableInfo, len(candidates))
	errs := make([]error, len(candidates))
	var all sync.WaitGroup
	for i, s := range candidates {
		all.Go(func() { infos[i], errs[i] = v.src.Lookup(ctx, v.door, s) })
	}
	all.Wait()
	for i, e := range errs {
		switch {
		case e == nil && (target.Type == "" || infos[i].Type == target.Type):
			found = append(found, infos[i])
		case e != nil && !identity.IsKind(e, identity.NotFound) && !identity.IsKind(e, identity.Unsupported):
			err = errors.Join(err, e)
		}
	}
	return found, err
}

// chain reads what decides over one securable: the containers it is in, the grants on each, the
// binding of its catalog, and the policies on it.
func (v *metastore) chain(ctx context.Context, found identity.SecurableInfo) {
	at := v.door
	v.note(estate.ReadKey{Op: estate.OpSecurable, Securable: found.Securable}, nil)
	v.seen(found)
	for s, ok := found.Parent(); ok && s.Type != identity.TypeMetastore; s, ok = s.Parent() {
		info, err := v.src.Lookup(ctx, v.door, s)
		v.note(estate.ReadKey{Op: estate.OpSecurable, Securable: s}, err)
		if err != nil {
			continue
		}
		v.seen(info)
		if info.Isolation == identity.Isolated {
			at = v.doorOf(v.bindings(ctx, s))
		}
	}
	if found.Isolation == identity.Isolated && (found.Type == identity.TypeCatalog || found.Type.UnderMetastore()) {
		at = v.doorOf(v.bindings(ctx, found.Securable))
	}
	for s, ok := found.Securable, true; ok && (s.Type != identity.TypeMetastore || found.Type == identity.TypeMetastore); s, ok = s.Parent() {
		v.grants(s, at)
	}
	v.q.add(v.complete)
	if t := found.Type; t == identity.TypeCatalog || t == identity.TypeSchema || t.InSchema() {
		v.q.add(func(ctx context.Context) {
			policies, err := v.src.Policies(ctx, at, found.Securable)
			v.note(estate.ReadKey{Op: estate.OpPolicies, Securable: found.Securable}, err)
			v.b.AddPolicies(found.Securable, policies)
		})
	}
}

// seen adds what a lookup told.
func (v *metastore) seen(info identity.SecurableInfo) {
	v.b.AddSecurable(info)
	v.meetNames(v.door, info.Owner)
	v.hear(info.Owner)
}
