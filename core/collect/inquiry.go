package collect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Inquiry is the reading for the question whether one principal can do something. It reads what
// decides at once; what is only needed for some answers is read when it is asked for. It is not safe
// for concurrent use.
type Inquiry struct {
	*crawler
	Subject identity.PrincipalKey
	// What was found of that which the question is about: a securable, a workspace object, a workspace
	// or a principal.
	On        identity.Securable
	Object    identity.Object
	Workspace identity.WorkspaceID
	Principal identity.PrincipalKey

	subject identity.Principal
	done    bool     // the subject was read
	names   []string // whom the facts that decide name
}

// Can begins an inquiry. The errors are those of Principal, *UnknownResourceError and
// *AmbiguousResourceError. If the subject was found and the rest was not, the Inquiry is beside the error, for SubjectAlone.
func Can(ctx context.Context, src Source, scope Scope, target Target, o Options) (*Inquiry, error) {
	c := newCrawler(src, scope, o)
	subject, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	in := &Inquiry{crawler: c, subject: subject, Subject: subject.Key}
	read := in.securable
	switch {
	case target.Workspace:
		read = in.workspace
	case target.Object != "":
		read = in.object
	case target.Principal:
		read = in.principal
	}
	if err := read(ctx, target); err != nil {
		return in, err
	}
	in.readSubject(ctx)
	if in.Object.Type != "" {
		// Whom names in its list mean, and which groups of the workspace the subject is in.
		in.entry(ctx, in.workspaceOf(in.Object.Workspace), append(c.directory.others, subject.Key)...)
	}
	c.guests.finish(c)
	return in, nil
}

// readSubject reads whose inquiry it is, with whatever else was put in the queue.
func (in *Inquiry) readSubject(ctx context.Context) {
	in.done = true
	in.q.add(func(ctx context.Context) { in.crawler.subject(ctx, in.subject) })
	in.noteStatus(in.subject)
	in.q.run(ctx, in.workers)
}

// SubjectAlone reads of the subject, where that was not done yet because nothing else was found, what Can reads of it otherwise: as
// if some workspace had been found, for a target that is one or lies in one.
func (in *Inquiry) SubjectAlone(ctx context.Context, target Target) {
	if in.done {
		return
	}
	some := slices.IndexFunc(in.workspaces, identity.Workspace.Running)
	if (target.Workspace || target.Object != "") && some >= 0 {
		w := in.workspaces[some]
		in.Workspace = w.ID
		in.q.add(func(ctx context.Context) { in.assignments(ctx, w.ID) })
	} else {
		in.crawlWorkspaces()
	}
	in.readSubject(ctx)
	in.guests.finish(in.crawler)
}

// Estate is what was read so far.
func (in *Inquiry) Estate(ctx context.Context) *estate.Estate {
	if errors.Is(ctx.Err(), context.Canceled) {
		in.b.Interrupted()
	}
	return in.b.Build()
}

// securable reads what decides over a securable.
func (in *Inquiry) securable(ctx context.Context, target Target) error {
	v, found, err := in.locate(ctx, target)
	if err != nil {
		return err
	}
	in.On = found.Securable
	var mu sync.Mutex
	v.onHolder = func(name string) {
		mu.Lock()
		defer mu.Unlock()
		in.names = append(in.names, name)
	}
	in.crawlAssignments(v.attached)
	v.chain(ctx, found)
	if target.WithMetastore {
		v.grantsOnce(v.self, v.door)
	}
	v.hear(v.m.Owner)
	return nil
}

// principal finds another principal, who may manage or act as it, and where both can go.
func (in *Inquiry) principal(ctx context.Context, target Target) error {
	p, err := in.find(ctx, strings.Join(target.Parts, "."))
	if err != nil {
		return err
	}
	in.Principal = p.Key
	in.b.AddPrincipal(p)
	in.crawlWorkspaces()
	in.q.add(func(ctx context.Context) { in.memberships(ctx, p.Key) })
	in.q.add(func(ctx context.Context) { in.roles(ctx, identity.Principal{}) })
	if p.Key.Kind != identity.KindUser {
		in.q.add(func(ctx context.Context) { in.roles(ctx, p) })
	}
	return nil
}

// workspace finds a workspace by name, id or address, and reads who is assigned to it.
func (in *Inquiry) workspace(_ context.Context, target Target) error {
	w, err := in.findWorkspace(target)
	if err != nil {
		return err
	}
	in.Workspace = w.ID
	in.q.add(func(ctx context.Context) { in.assignments(ctx, w.ID) })
	return nil
}

func (c *crawler) findWorkspace(target Target) (identity.Workspace, error) {
	name := strings.Join(target.Parts, ".")
	unknown := &UnknownResourceError{Target: target}
	for _, w := range c.workspaces {
		if Means(name, w) {
			return w, nil
		}
		if identity.EditDistance(strings.ToLower(w.Name), strings.ToLower(name)) <= 2 || strings.Contains(w.Name, name) {
			unknown.Near = append(unknown.Near, w.Name)
		}
	}
	if c.workspacesErr != nil {
		return identity.Workspace{}, c.workspacesErr
	}
	return identity.Workspace{}, unknown
}

// object finds a workspace object by name, id or path, and reads who may use it.
func (in *Inquiry) object(ctx context.Context, target Target) error {
	found, err := in.findObject(ctx, target)
	if err != nil {
		return err
	}
	in.Object = found.Object
	at := in.workspaceOf(found.Workspace)
	in.b.AddObject(found)
	in.q.add(func(ctx context.Context) { in.assignments(ctx, at.ID) })
	in.q.add(func(ctx context.Context) { in.permissions(ctx, at, found.Object) })
	in.q.add(func(ctx context.Context) {
		detail, err := in.src.Object(ctx, at, found)
		in.note(estate.ReadKey{Op: estate.OpObject, Object: found.Object}, err)
		if err == nil {
			in.b.AddObject(detail)
		}
	})
	return nil
}

func (c *crawler) workspaceOf(id identity.WorkspaceID) identity.Workspace {
	i := slices.IndexFunc(c.workspaces, func(w identity.Workspace) bool { return w.ID == id })
	if i < 0 {
		return identity.Workspace{ID: id}
	}
	return c.workspaces[i]
}

// findObject looks in every running workspace that the question is about.
func (c *crawler) findObject(ctx context.Context, target Target) (identity.ObjectInfo, error) {
	name := strings.Join(target.Parts, ".")
	var mu sync.Mutex
	var found []identity.ObjectInfo
	var errs []error
	unknown := &UnknownResourceError{Target: target}
	look := newQueue(nil)
	for _, w := range c.workspaces {
		if !w.Running() {
			continue
		}
		look.add(func(ctx context.Context) {
			objects, near, err := c.objectsNamed(ctx, w, target.Object, name)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, objects...)
			unknown.Near = append(unknown.Near, near...)
			if err != nil {
				c.note(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: w.ID, Type: target.Object}}, err)
				errs = append(errs, err)
			}
		})
	}
	look.run(ctx, c.workers)
	slices.SortFunc(found, func(a, b identity.ObjectInfo) int { return a.Compare(b.Object) })
	slices.Sort(unknown.Near)
	unknown.Near = slices.Compact(unknown.Near)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		e := &AmbiguousResourceError{Target: target, Objects: found}
		for _, o := range found {
			e.Workspaces = append(e.Workspaces, c.workspaceOf(o.Workspace).Name)
		}
		return identity.ObjectInfo{}, e
	}
	if err := errors.Join(append(errs, c.workspacesErr)...); err != nil {
		return identity.ObjectInfo{}, err
	}
	return identity.ObjectInfo{}, unknown
}

// objectsNamed finds the objects of a workspace that bear a name or an id, and names like it.
func (c *crawler) objectsNamed(ctx context.Context, w identity.Workspace, t identity.ObjectType, name string) (found []identity.ObjectInfo, near []string, err error) {
	switch {
	case t == identity.ObjectTokens || t == identity.ObjectPasswords:
		return []identity.ObjectInfo{{Object: identity.Object{Workspace: w.ID, Type: t, ID: string(t)}, Name: string(t)}}, nil, nil
	case t.InTree():
		o, err := c.src.ObjectAt(ctx, w, name)
		if identity.IsKind(err, identity.NotFound) {
			return nil, nil, nil
		}
		if err == nil {
			found = append(found, o)
		}
		return found, nil, err
	}
	all, err := c.src.Objects(ctx, w, t)
	for _, o := range all {
		switch {
		case o.ID == name || o.Name == name:
			found = append(found, o)
		case identity.EditDistance(strings.ToLower(o.Name), strings.ToLower(name)) <= 2 || strings.Contains(strings.ToLower(o.Name), strings.ToLower(name)):
			near = append(near, o.Name)
		}
	}
	return found, near, err
}

// groupsOf is localGroups where the ledger tells of the error.
func (c *crawler) groupsOf(ctx context.Context, at identity.Workspace) map[string]identity.PrincipalKey {
	local, _ := c.localGroups(ctx, at)
	return local
}

// localGroups lists the groups that a workspace knows with what they are entitled to, once, and gives those
// of the workspace alone by name. The error is in the ledger already.
func (c *crawler) localGroups(ctx context.Context, at identity.Workspace) (map[string]identity.PrincipalKey, error) {
	return c.groupsAt.get(at.ID, func() (map[string]identity.PrincipalKey, error) { return c.listGroups(ctx, at) })
}

func (c *crawler) listGroups(ctx context.Context, at identity.Workspace) (map[string]identity.PrincipalKey, error) {
	listed, err := c.src.WorkspaceIdentities(ctx, at, identity.KindGroup)
	c.note(estate.ReadKey{Op: estate.OpEntitlements, Workspace: at.ID, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}, err)
	local := map[string]identity.PrincipalKey{}
	for _, g := range listed {
		c.b.AddEntitlements(at.ID, g.Key, g.Entitlements)
		if g.Key.Workspace == 0 || g.Key == identity.WorkspaceUsers(at.ID) || g.Key == identity.WorkspaceAdmins(at.ID) {
			continue
		}
		local[g.Name] = g.Key
		c.b.AddPrincipal(identity.Principal{Key: g.Key, Name: g.Name, DisplayName: g.Name, Origin: identity.OriginWorkspaceLocal, Status: identity.StatusActive})
		for _, above := range g.Parents {
			c.b.AddMembership(g.Key, above)
		}
	}
	return local, err
}

// membersThere reads who is in a group of a workspace alone, down to the people.
func (c *crawler) membersThere(ctx context.Context, at identity.Workspace, group identity.PrincipalKey, h *holders) {
	members, err := c.src.WorkspaceMembers(ctx, at, group)
	c.note(estate.ReadKey{Op: estate.OpMembers, Principal: group}, err)
	for _, m := range members {
		c.b.AddMembership(m, group)
		switch {
		case !h.expand:
		case m.Kind == identity.KindGroup && m.Workspace != 0:
			if h.first(m) {
				c.membersThere(ctx, at, m, h)
			}
		case m.Kind == identity.KindGroup:
			h.members(ctx, m)
		default:
			h.await(m)
		}
	}
}

// entry reads what somebody may use of a workspace: which groups the workspace has and what they are
// entitled to, and how it records each of the records of that person.
func (c *crawler) entry(ctx context.Context, at identity.Workspace, persons ...identity.PrincipalKey) {
	local := c.groupsOf(ctx, at)
	for _, k := range persons {
		if k.Kind == identity.KindUser || k.Kind == identity.KindServicePrincipal {
			c.recordOf(ctx, at, k, local)
		}
	}
}

// recordOf reads how a workspace records a user or service principal, once.
func (c *crawler) recordOf(ctx context.Context, at identity.Workspace, k identity.PrincipalKey, local map[string]identity.PrincipalKey) {
	_, _ = c.records.get(record{at.ID, k}, func() (struct{}, error) {
		c.readRecord(ctx, at, k, local)
		return struct{}{}, nil
	})
}

// record is somebody as a workspace knows it.
type record struct {
	in  identity.WorkspaceID
	who identity.PrincipalKey
}

func (c *crawler) readRecord(ctx context.Context, at identity.Workspace, k identity.PrincipalKey, local map[string]identity.PrincipalKey) {
	own, err := c.src.WorkspaceIdentity(ctx, at, k)
	if identity.IsKind(err, identity.NotFound) {
		own, err = identity.WorkspaceIdentity{}, nil // the workspace has no record: it has nothing there
	}
	c.note(estate.ReadKey{Op: estate.OpEntitlements, Workspace: at.ID, Principal: k}, err)
	if err != nil {
		return
	}
	c.b.AddEntitlements(at.ID, k, own.Entitlements)
	for _, g := range own.Parents {
		for _, known := range local {
			if g == known { // the record alone does not tell groups of the workspace from others
				c.b.AddMembership(k, g)
			}
		}
	}
}

// compute are the types of object on which something can be run, or by which something can be made
// that runs.
var compute = []identity.ObjectType{identity.ObjectWarehouse, identity.ObjectClusterPolicy, identity.ObjectCluster}

// Equipment reads what it takes to carry something out in the workspaces: entitlements and compute.
func (in *Inquiry) Equipment(ctx context.Context, ids []identity.WorkspaceID) {
	objects := &objectReads{crawler: in.crawler}
	for _, id := range ids {
		at := in.workspaceOf(id)
		in.planEntry(at)
		for _, t := range compute {
			in.q.add(func(ctx context.Context) { objects.list(ctx, at, t) })
		}
	}
	in.q.run(ctx, in.workers)
}

func (in *Inquiry) planEntry(at identity.Workspace) {
	in.q.add(func(ctx context.Context) { in.entry(ctx, at, append(in.directory.others, in.Subject)...) })
}

// Steering reads what runs as somebody in the workspaces, who may change it, and what those are in as
// whom it runs: one call for each type, and up to four for each object. Types narrows it to these; empty
// means all that run as somebody.
func (in *Inquiry) Steering(ctx context.Context, ids []identity.WorkspaceID, types []identity.ObjectType) {
	r := &runners{crawler: in.crawler, not: in.subject, met: map[standing]bool{}}
	objects := &objectReads{crawler: in.crawler, onRunner: r.meet}
	for _, id := range ids {
		at := in.workspaceOf(id)
		in.planEntry(at)
		for _, t := range revealing {
			_, steers := t.Steering()
			switch {
			case !steers:
			case len(types) > 0 && !slices.Contains(types, t):
				in.remark(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: at.ID, Type: t}}, identity.NotAsked, "not among the types asked for")
			default:
				in.q.add(func(ctx context.Context) { objects.listRunning(ctx, at, t) })
			}
		}
	}
	in.q.run(ctx, in.workers)
}

// Ways reads through whom the subject could come to it: the groups and service principals that the
// facts name and whoever is in them, who may manage or act as each, and for the workspaces of which the
// subject is admin, or may be, the people too and whether admins are restricted there. Account admins
// manage every group, whatever its rule set says.
func (in *Inquiry) Ways(ctx context.Context, admin []identity.WorkspaceID, accountAdmin bool) {
	w := &ways{crawler: in.crawler, not: in.subject, people: len(admin) > 0, manages: accountAdmin}
	in.q.add(func(ctx context.Context) { in.roles(ctx, identity.Principal{}) })
	in.restrictions(admin)
	for _, name := range in.names {
		w.meet(name)
	}
	for _, a := range in.directory.assigned {
		if a.Principal.Kind == identity.KindGroup {
			w.meet(a.Name)
		}
	}
	in.q.run(ctx, in.workers)
}

// restrictions plans reading how far admins may act as others.
func (c *crawler) restrictions(ids []identity.WorkspaceID) {
	for _, id := range ids {
		at := c.workspaceOf(id)
		if !at.Running() || at.Host == "" {
			continue // not among those asked about
		}
		c.q.add(func(ctx context.Context) {
			r, err := c.src.RestrictAdmins(ctx, at)
			c.note(estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: id}, err)
			if err == nil {
				c.b.AddRestrictAdmins(id, r)
			}
		})
	}
}
