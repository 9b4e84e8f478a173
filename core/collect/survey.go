package collect

import (
	"context"
	"errors"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Depth is how far a survey of an account goes.
type Depth struct {
	// Delegations reads who may manage or act as each group and service principal: one call for each.
	Delegations bool
	// Entry reads who is entitled to what in each workspace.
	Entry bool
	// Objects reads the workspace objects by which somebody may come to act as others, and who may use
	// each. Where the scope names objects, it reads those.
	Objects bool
}

// Survey reads who is who in the whole account, who administers what and how far each may act as
// others. With a name in the scope the subject is found too; its key is zero otherwise. The errors are
// those of Principal.
func Survey(ctx context.Context, src Source, scope Scope, depth Depth, o Options) (*estate.Estate, identity.PrincipalKey, error) {
	var names []string
	if scope.Who != "" {
		names = []string{scope.Who}
	}
	e, keys, err := SurveyOf(ctx, src, scope, names, depth, o)
	if err != nil || scope.Who == "" {
		return e, identity.PrincipalKey{}, err
	}
	return e, keys[0], nil
}

// SurveyOf is Survey for any number of names, whose keys it gives in their order.
func SurveyOf(ctx context.Context, src Source, scope Scope, names []string, depth Depth, o Options) (*estate.Estate, []identity.PrincipalKey, error) {
	c := newCrawler(src, scope, o)
	var subjects []identity.Principal
	var err error
	if len(names) > 0 {
		subjects, err = c.startFor(ctx, names...)
	} else {
		err = c.startPlaces(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	s := &survey{crawler: c, depth: depth, objects: &objectReads{crawler: c}}
	keys := make([]identity.PrincipalKey, 0, len(subjects))
	for _, subject := range subjects {
		keys = append(keys, subject.Key)
		c.q.add(func(ctx context.Context) { c.subject(ctx, subject) })
	}
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		c.q.add(func(ctx context.Context) { s.everybody(ctx, kind) })
	}
	c.q.add(func(ctx context.Context) { c.directory.sweep.Do(func() { s.groups(ctx) }) })
	c.q.add(func(ctx context.Context) { c.roles(ctx, identity.Principal{}) })
	c.crawlWorkspaces()
	c.crawlMetastores()
	for _, w := range c.workspaces {
		if w.Running() && w.Host != "" {
			s.workspace(w)
		}
	}
	c.noteNotAsked(depth.Entry)
	c.q.run(ctx, c.workers)
	c.guests.finish(c)
	if scope.Who != "" {
		c.readUses(ctx, keys[0])
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		c.b.Interrupted()
	}
	return c.b.Build(), keys, nil
}

type survey struct {
	*crawler
	depth   Depth
	objects *objectReads
}

// everybody lists the users or the service principals of the account.
func (s *survey) everybody(ctx context.Context, kind identity.Kind) {
	all, err := s.src.Principals(ctx, kind)
	s.note(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: kind}}, err)
	for _, p := range all {
		s.b.AddPrincipal(p)
		if s.depth.Delegations && kind == identity.KindServicePrincipal {
			s.q.add(func(ctx context.Context) { s.roles(ctx, p) })
		}
	}
}

// groups reads every group with its members and, if asked, who may manage or act as it.
func (s *survey) groups(ctx context.Context) {
	for _, g := range s.sweepGroups(ctx) {
		if s.depth.Delegations && g.Name != identity.AccountUsersName {
			s.q.add(func(ctx context.Context) { s.roles(ctx, g.Principal) })
		}
	}
}

// workspace plans the reads of one workspace.
func (s *survey) workspace(at identity.Workspace) {
	s.restrictions([]identity.WorkspaceID{at.ID})
	if s.depth.Entry || s.depth.Objects {
		s.q.add(func(ctx context.Context) { s.entries(ctx, at) })
	}
	if !s.depth.Objects {
		return
	}
	wanted := s.scope.Objects
	if !wanted.Asked {
		wanted = ObjectScope{Asked: true, Types: revealing}
	}
	s.objects.plan(at, wanted, revealing...)
}

// entries reads who is entitled to what in a workspace, and who is in its own groups.
func (s *survey) entries(ctx context.Context, at identity.Workspace) {
	h := &holders{crawler: s.crawler}
	for _, g := range s.groupsOf(ctx, at) {
		s.q.add(func(ctx context.Context) { s.membersThere(ctx, at, g, h) })
	}
	if !s.depth.Entry {
		return
	}
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		s.q.add(func(ctx context.Context) {
			all, err := s.src.WorkspaceIdentities(ctx, at, kind)
			s.note(estate.ReadKey{Op: estate.OpEntitlements, Workspace: at.ID, Principal: identity.PrincipalKey{Kind: kind}}, err)
			for _, p := range all {
				s.b.AddEntitlements(at.ID, p.Key, p.Entitlements)
			}
		})
	}
}
