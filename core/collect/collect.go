package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Scope is what a question needs to know.
type Scope struct {
	// Who names the subject: e-mail, user name, name or application id of a service principal,
	// group name, numeric id, or the user name of a guest.
	Who string
	// Below names the types to look at below catalogs. Types of objects in schemas imply schemas.
	Below []identity.SecurableType
	// Objects are the workspace objects to look at, with who may use each: one call for each object.
	Objects ObjectScope
	// Policies reads the attribute-based policies on every securable in a catalog that is looked at: one call
	// more for each catalog, schema and table.
	Policies bool
	// LocalGroups reads the groups that exist in one workspace alone, and the names of the account's groups.
	LocalGroups bool
	// WorkspaceURLs limits the crawl to these workspaces, by address, name or id; empty means all.
	WorkspaceURLs []string
	// Uses asks for what the subject, or everybody in it, last used.
	Uses Uses
}

// in reports whether securables of the type are asked for.
func (s Scope) in(t identity.SecurableType) bool {
	if slices.Contains(s.Below, t) {
		return true
	}
	return t == identity.TypeSchema && len(s.Below) > 0
}

// Options are how to crawl.
type Options struct {
	// Workers is how many reads run at once; the source may hold some of them back. Zero means 256, of which
	// no workspace or metastore takes more than 32.
	Workers int
	// OnlyRunning says that the audit log is read by SQL warehouses that run, and that none is started for it. One that stops
	// between being listed and being asked is started all the same: Databricks has no way to ask only one that runs.
	OnlyRunning bool
	// Now is the clock for the ledger; nil means time.Now.
	Now func() time.Time
	// Progress, if set, is called after each read with the number done and the number planned so
	// far. It may be called concurrently.
	Progress func(done, planned int)
}

const defaultWorkers = 256

// Principal reads what an audit of one principal needs. The key is the subject's in the estate.
//
// An error means that there is no answer: *UnknownError or *AmbiguousError about the name, or the
// failure of the search itself. Any other failed read is a gap in the estate. When the context ends
// after the subject was found, the estate holds what was read so far and is marked as interrupted.
func Principal(ctx context.Context, src Source, scope Scope, o Options) (*estate.Estate, identity.PrincipalKey, error) {
	c := newCrawler(src, scope, o)
	subject, err := c.start(ctx)
	if err != nil {
		return nil, identity.PrincipalKey{}, err
	}
	return c.audit(ctx, subject), subject.Key, nil
}

// Compare reads what a comparison of two principals needs: what an audit of each does, each fact once. The
// keys are those of the two in the estate. The errors are those of Principal, and *SameError.
func Compare(ctx context.Context, src Source, scope Scope, a, b string, o Options) (*estate.Estate, [2]identity.PrincipalKey, error) {
	c := newCrawler(src, scope, o)
	found, err := c.startFor(ctx, a, b)
	if err != nil {
		return nil, [2]identity.PrincipalKey{}, err
	}
	if found[0].Key == found[1].Key {
		return nil, [2]identity.PrincipalKey{}, &SameError{Names: [2]string{a, b}, Is: found[0]}
	}
	return c.audit(ctx, found...), [2]identity.PrincipalKey{found[0].Key, found[1].Key}, nil
}

// SameError says that two names are of one principal.
type SameError struct {
	Names [2]string
	Is    identity.Principal
}

// Error says who it is.
func (e *SameError) Error() string {
	return fmt.Sprintf("%q and %q are the same %s, %s; name another one", e.Names[0], e.Names[1], e.Is.Key.Kind.Title(), e.Is.Label())
}

// audit reads what the subjects are in and what is granted anywhere.
func (c *crawler) audit(ctx context.Context, subjects ...identity.Principal) *estate.Estate {
	for _, p := range subjects {
		c.q.add(func(ctx context.Context) { c.subject(ctx, p) })
		c.noteStatus(p)
	}
	c.crawlWorkspaces()
	c.crawlMetastores()
	c.workspaceReads(&objectReads{crawler: c, onHolder: func(at identity.Workspace, name string) { c.meetNames(at, name) }})
	c.noteNotAsked(false)
	c.q.run(ctx, c.workers)
	c.guests.finish(c)
	if len(subjects) == 1 {
		c.readUses(ctx, subjects[0].Key)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build()
}

// workspaceReads plans the reads of what only the workspaces know, as far as the scope has it. Permissions
// name groups of the workspace alone, whose members are no part of what the account tells.
func (c *crawler) workspaceReads(objects *objectReads) {
	if c.scope.LocalGroups {
		c.q.add(c.accountGroupNames)
	}
	for _, w := range c.workspaces {
		if !w.Running() || w.Host == "" || !c.scope.LocalGroups && !c.scope.Objects.Asked {
			continue
		}
		c.q.add(func(ctx context.Context) { c.localMembers(ctx, w) })
		objects.plan(w, c.scope.Objects)
	}
}

// localMembers reads who is directly in each group of a workspace alone.
func (c *crawler) localMembers(ctx context.Context, at identity.Workspace) {
	for _, k := range c.groupsOf(ctx, at) {
		c.q.add(func(ctx context.Context) { c.membersThere(ctx, at, k, &holders{crawler: c}) })
	}
}

// accountGroupNames lists the groups of the account, without their members.
func (c *crawler) accountGroupNames(ctx context.Context) {
	listed, err := c.accountGroupList(ctx)
	for _, one := range listed {
		c.b.AddPrincipal(one.Principal) // what is read of one by itself comes later, and replaces this
	}
	c.note(estate.ReadKey{Op: estate.OpGroups}, err)
}

// crawler is the state of one crawl.
type crawler struct {
	src     Source
	scope   Scope
	b       *estate.Builder
	q       *queue
	now     func() time.Time
	workers int
	// onlyRunning is Options.OnlyRunning.
	onlyRunning bool

	workspaces []identity.Workspace          // asked for
	listed     map[identity.WorkspaceID]bool // all of the account; nil when the list was not read
	metastores []identity.Metastore

	workspacesErr, metastoresErr error // why the list was not read, or not to its end

	directory directory
	guests    guests
	seconds   *secondNames // where nobody in particular is asked about; may be nil

	groupsAt memo[identity.WorkspaceID, map[string]identity.PrincipalKey] // groups of workspaces alone
	records  memo[record, struct{}]
}

func newCrawler(src Source, scope Scope, o Options) *crawler {
	c := &crawler{
		src: src, scope: scope, now: o.Now, workers: o.Workers, onlyRunning: o.OnlyRunning,
		b: estate.NewBuilder(src.Reach().AccountID), q: newQueue(o.Progress),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.workers == 0 {
		c.workers = defaultWorkers
	}
	return c
}

// note enters the outcome of a needed read in the ledger.
func (c *crawler) note(k estate.ReadKey, err error) {
	o := estate.OutcomeOf(err, c.now())
	switch {
	case errors.Is(err, context.Canceled):
		o.Message = "not read: interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		o.Message = "not read: the time for reading was over"
	}
	c.b.Record(k, o)
}

// remark enters something in the ledger that the answer can do without.
func (c *crawler) remark(k estate.ReadKey, kind identity.FailureKind, message string) {
	c.b.Record(k, estate.Outcome{Kind: kind, Message: message, At: c.now()})
}

// start finds the subject and the places to look at, at the same time.
func (c *crawler) start(ctx context.Context) (identity.Principal, error) {
	subjects, err := c.startFor(ctx, c.scope.Who)
	return subjects[0], err
}

// startFor finds everybody whom the question is about, in the order asked, and the places to look at.
func (c *crawler) startFor(ctx context.Context, names ...string) ([]identity.Principal, error) {
	c.noteReach()
	subjects, errs := make([]identity.Principal, len(names)), make([]error, len(names))
	var filter error
	first := newQueue(nil)
	first.add(func(ctx context.Context) { filter = c.listWorkspaces(ctx) })
	first.add(c.listMetastores)
	for i, who := range names {
		first.add(func(ctx context.Context) { subjects[i], errs[i] = c.find(ctx, who) })
	}
	first.run(ctx, 2+len(names))
	for i, who := range names {
		if identity.IsKind(errs[i], identity.Forbidden) {
			if caller, ok := c.asksAboutItself(ctx, who); ok {
				subjects[i], errs[i] = caller, nil
			}
		}
	}
	if err := joinDistinct(errs); err != nil {
		return subjects, err
	}
	return subjects, filter
}

// joinDistinct joins errors, those that say the same once: a search that is refused for one name is refused
// for every other.
func joinDistinct(errs []error) error {
	said := map[string]bool{}
	return errors.Join(slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		if err == nil || said[err.Error()] {
			return true
		}
		said[err.Error()] = true
		return false
	})...)
}

// asksAboutItself finds out whether the subject is the caller, whose own name every workspace tells
// it: callers that may not look names up can still ask about themselves.
func (c *crawler) asksAboutItself(ctx context.Context, who string) (identity.Principal, bool) {
	i := slices.IndexFunc(c.workspaces, identity.Workspace.Running)
	if i < 0 {
		return identity.Principal{}, false
	}
	caller, err := c.caller(ctx, c.workspaces[i])
	if err != nil || !identity.SameName(who, caller.Name) && !identity.SameName(who, caller.DisplayName) && who != caller.Key.ID {
		return identity.Principal{}, false
	}
	c.b.AddPrincipal(caller)
	c.note(estate.ReadKey{Op: estate.OpFindPrincipal}, &identity.Failure{Kind: identity.Forbidden, Message: "taken for the caller by its own word: names may not be looked up"})
	return c.guests.recognise(who, caller), true
}

// startPlaces finds the places to look at, where the question is about nobody.
func (c *crawler) startPlaces(ctx context.Context) (err error) {
	c.noteReach()
	first := newQueue(nil)
	first.add(func(ctx context.Context) { err = c.listWorkspaces(ctx) })
	first.add(c.listMetastores)
	first.run(ctx, 2)
	return err
}

// noteReach enters in the ledger when the credentials are for a part of the account only.
func (c *crawler) noteReach() {
	if reach := c.src.Reach(); !reach.WholeAccount {
		c.note(estate.ReadKey{Op: estate.OpReach}, &identity.Failure{Kind: identity.Unsupported, Message: reach.Limit})
	}
}

func (c *crawler) listWorkspaces(ctx context.Context) error {
	all, err := c.src.Workspaces(ctx)
	c.note(estate.ReadKey{Op: estate.OpWorkspaces}, err)
	if err != nil {
		c.workspacesErr = fmt.Errorf("list workspaces: %w", err)
	}
	if err == nil {
		c.listed = map[identity.WorkspaceID]bool{}
	}
	for _, w := range all {
		c.b.AddWorkspace(w)
		if err == nil {
			c.listed[w.ID] = true
		}
	}
	chosen, missing := choose(all, c.scope.WorkspaceURLs)
	if len(missing) > 0 && err == nil {
		return &UnknownWorkspaceError{URLs: missing, Known: hosts(all)}
	}
	if by := c.scope.Uses.Workspace; by != "" && err == nil && !slices.ContainsFunc(all, func(w identity.Workspace) bool { return Means(by, w) }) {
		return &UnknownWorkspaceError{URLs: []string{by}, Known: hosts(all)}
	}
	c.workspaces = chosen
	for _, w := range all {
		key := estate.ReadKey{Op: estate.OpAssignments, Workspace: w.ID}
		switch {
		case !slices.Contains(chosen, w):
			c.remark(key, identity.NotAsked, "not among the workspaces asked for")
		case !w.Running():
			c.remark(key, identity.NotRunning, "the workspace is "+w.Status)
		}
	}
	return nil
}

// choose picks the workspaces whose address is asked for, all when none is.
func choose(all []identity.Workspace, urls []string) (chosen []identity.Workspace, missing []string) {
	if len(urls) == 0 {
		return all, nil
	}
	for _, u := range urls {
		i := slices.IndexFunc(all, func(w identity.Workspace) bool { return Means(u, w) })
		switch {
		case i < 0:
			missing = append(missing, u)
		case !slices.Contains(chosen, all[i]):
			chosen = append(chosen, all[i])
		}
	}
	return chosen, missing
}

// Means reports whether a text names the workspace: by its address, name or id.
func Means(text string, w identity.Workspace) bool {
	return host(text) == host(w.Host) || text == w.Name || text == w.ID.String()
}

// host strips an address to what names the workspace.
func host(url string) string {
	h := strings.ToLower(url)
	h = strings.TrimPrefix(strings.TrimPrefix(h, "https://"), "http://")
	h, _, _ = strings.Cut(h, "/")
	return h
}

func hosts(all []identity.Workspace) []string {
	var list []string
	for _, w := range all {
		list = append(list, w.Host)
	}
	slices.Sort(list)
	return list
}

func (c *crawler) listMetastores(ctx context.Context) {
	all, err := c.src.Metastores(ctx)
	c.note(estate.ReadKey{Op: estate.OpMetastores}, err)
	if err != nil {
		c.metastoresErr = fmt.Errorf("list metastores: %w", err)
	}
	c.metastores = all
	for _, m := range all {
		c.b.AddMetastore(m)
	}
}

// noteStatus enters in the ledger when the subject's record does not say whether it may log in.
func (c *crawler) noteStatus(p identity.Principal) {
	if p.Status == identity.StatusUnknown && p.Key.Kind != identity.KindGroup {
		c.note(estate.ReadKey{Op: estate.OpPrincipal, Principal: p.Key}, &identity.Failure{
			Kind: identity.Unsupported, Message: "the record does not say whether it is active",
		})
	}
}

// crawlWorkspaces reads who is assigned to each workspace.
func (c *crawler) crawlWorkspaces() {
	for _, w := range c.workspaces {
		if !w.Running() {
			continue
		}
		c.q.add(func(ctx context.Context) { c.assignments(ctx, w.ID) })
	}
}

func (c *crawler) assignments(ctx context.Context, id identity.WorkspaceID) {
	assignments, err := c.src.Assignments(ctx, id)
	c.directory.mu.Lock()
	c.directory.assigned = append(c.directory.assigned, assignments...)
	c.directory.mu.Unlock()
	for _, a := range assignments {
		c.b.AddAssignment(a)
		if a.Permission == identity.WorkspaceNone && err == nil {
			err = &identity.Failure{Kind: identity.Failed, Partial: true, Message: fmt.Sprintf("the assignment of %s has no permission that this program knows", a.Name)}
		}
	}
	c.note(estate.ReadKey{Op: estate.OpAssignments, Workspace: id}, err)
}

// noteNotAsked enters in the ledger what this question leaves out by its nature or by its depth. entry says
// that entitlements are part of it.
func (c *crawler) noteNotAsked(entry bool) {
	const deeper = "not asked to go so deep"
	for _, t := range []identity.SecurableType{
		identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel,
	} {
		if !c.scope.in(t) {
			c.remark(estate.ReadKey{Op: estate.OpChildren, Type: t}, identity.NotAsked, deeper)
		}
	}
	if !entry {
		c.remark(estate.ReadKey{Op: estate.OpEntitlements}, identity.NotAsked, "not part of this question")
	}
	if c.scope.Objects.Asked {
		c.noteObjects()
	} else {
		c.remark(estate.ReadKey{Op: estate.OpObjects}, identity.NotAsked, "not part of this question")
	}
}
