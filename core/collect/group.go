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

// NotGroupError says that a name is not that of a group, but of somebody else.
type NotGroupError struct {
	Who   string
	Found identity.Principal
}

// Error says whose name it is and what to ask instead.
func (e *NotGroupError) Error() string {
	return fmt.Sprintf("%q is a %s, not a group; what it can reach says principal %s", e.Who, e.Found.Key.Kind.Title(), e.Who)
}

// Group reads what a question about one group needs: who is in it, which groups it is in, and what they
// all hold. What members hold stands in the same lists of grants as what the group holds, so that a
// member costs a call for its record at most, and many members cost two lists. The key is the group's in
// the estate. The errors are those of Principal and *NotGroupError.
func Group(ctx context.Context, src Source, scope Scope, o Options) (*estate.Estate, identity.PrincipalKey, error) {
	c := newCrawler(src, scope, o)
	g := &groupCrawl{
		crawler: c, holders: &holders{crawler: c, expand: true},
		local: map[identity.WorkspaceID]map[string]identity.PrincipalKey{}, failed: map[identity.WorkspaceID]error{},
	}
	subject, err := g.begin(ctx)
	if err != nil {
		return nil, identity.PrincipalKey{}, err
	}
	c.seconds = &secondNames{}
	if at := subject.Key.Workspace; at != 0 {
		// The list of the workspace's groups told which of them it is in; it can be in no other.
		c.note(estate.ReadKey{Op: estate.OpParents, Principal: subject.Key}, g.failed[at])
		c.q.add(g.noteNobody)
		c.q.add(func(ctx context.Context) { c.membersThere(ctx, c.workspaceOf(at), subject.Key, g.holders) })
	} else {
		c.q.add(func(ctx context.Context) { c.memberships(ctx, subject.Key) })
		c.q.add(func(ctx context.Context) { g.holders.members(ctx, subject.Key) })
	}
	c.crawlWorkspaces()
	c.crawlMetastores()
	// Lists in workspaces name guests by their second name.
	g.workspaceReads(&objectReads{crawler: c, onHolder: c.seconds.hear})
	c.noteNotAsked(false)
	c.q.run(ctx, c.workers)
	g.holders.people(ctx)
	g.secondNames(ctx)
	c.readUses(ctx, subject.Key)
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build(), subject.Key, nil
}

// groupCrawl is the reading about one group.
type groupCrawl struct {
	*crawler
	holders *holders

	mu     sync.Mutex
	local  map[identity.WorkspaceID]map[string]identity.PrincipalKey // groups of each workspace alone that was asked for them
	failed map[identity.WorkspaceID]error                            // why its groups could not be listed
}

// begin finds the group and the places to look at, at the same time.
func (g *groupCrawl) begin(ctx context.Context) (identity.Principal, error) {
	g.noteReach()
	var filter, err error
	var found []identity.Principal
	first := newQueue(nil)
	first.add(func(ctx context.Context) { filter = g.listWorkspaces(ctx) })
	first.add(g.listMetastores)
	first.add(func(ctx context.Context) { found, err = g.accountGroups(ctx) })
	first.run(ctx, 3)
	if err == nil {
		err = filter
	}
	if err != nil {
		return identity.Principal{}, err
	}
	if len(found) == 0 || g.scope.LocalGroups || g.scope.Objects.Asked {
		found = append(found, g.groupsThere(ctx)...)
	}
	switch len(found) {
	case 0:
		return identity.Principal{}, g.nobody(ctx)
	case 1:
		return found[0], nil
	default:
		return identity.Principal{}, &AmbiguousError{Who: g.who(), Candidates: found}
	}
}

func (g *groupCrawl) who() string { return strings.TrimSpace(g.scope.Who) }

// accountGroups finds the groups of the account by id or name.
func (g *groupCrawl) accountGroups(ctx context.Context) ([]identity.Principal, error) {
	who := g.who()
	if numeric.MatchString(who) {
		p, err := g.findByID(ctx, who)
		switch {
		case err != nil:
			return nil, err
		case p.Key.Kind == identity.KindGroup:
			return []identity.Principal{p}, nil
		case !p.Key.IsZero():
			return nil, &NotGroupError{Who: who, Found: p}
		}
	}
	found, err := g.searchAll(ctx, []search{{identity.KindGroup, identity.Match{Field: identity.ByName, Value: who}}})
	return exact(found, who), err
}

// groupsThere finds the groups of one workspace alone that are meant: by their name, or by name or id
// followed by @ and the workspace.
func (g *groupCrawl) groupsThere(ctx context.Context) (found []identity.Principal) {
	look := newQueue(nil)
	for _, w := range g.workspaces {
		if w.Running() && w.Host != "" {
			look.add(func(ctx context.Context) {
				local, err := g.localGroups(ctx, w)
				g.mu.Lock()
				defer g.mu.Unlock()
				g.local[w.ID] = local
				if err != nil {
					g.failed[w.ID] = err
				}
			})
		}
	}
	look.run(ctx, g.workers)
	who := g.who()
	at := strings.LastIndexByte(who, '@')
	for _, w := range g.workspaces {
		for name, k := range g.local[w.ID] {
			there := at > 0 && Means(who[at+1:], w) && (who[:at] == name || who[:at] == k.ID)
			if name == who || there {
				found = append(found, identity.Principal{Key: k, Name: name + "@" + w.Name, Origin: identity.OriginWorkspaceLocal})
			}
		}
	}
	slices.SortFunc(found, func(a, b identity.Principal) int { return a.Key.Compare(b.Key) })
	return found
}

// noteNobody enters in the ledger that the account has nobody of the name: no group was found, and no user
// is looked for otherwise.
func (g *groupCrawl) noteNobody(ctx context.Context) {
	found, err := g.src.FindPrincipals(ctx, identity.KindUser, identity.Match{Field: identity.ByName, Value: g.who()})
	for _, p := range found {
		g.b.AddPrincipal(p)
	}
	g.note(estate.ReadKey{Op: estate.OpHolder, Name: g.who()}, err)
}

// nobody says why no group was found: the name is somebody else's, or nobody's.
func (g *groupCrawl) nobody(ctx context.Context) error {
	p, err := g.find(ctx, g.who())
	if err == nil {
		return &NotGroupError{Who: g.who(), Found: p}
	}
	unknown, ok := errors.AsType[*UnknownError](err)
	if !ok {
		return err
	}
	for _, w := range g.workspaces {
		if g.failed[w.ID] != nil {
			unknown.NotIn = append(unknown.NotIn, w.Name)
		}
	}
	// Somebody with a name like it is of no use to who asks for a group, while there are groups.
	groups := slices.DeleteFunc(slices.Clone(unknown.Candidates), func(p identity.Principal) bool { return p.Key.Kind != identity.KindGroup })
	if len(groups) > 0 {
		unknown.Candidates = groups
	}
	return unknown
}
