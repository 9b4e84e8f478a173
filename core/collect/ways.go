package collect

import (
	"context"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// maxWays bounds how many principals are looked into for a way: every one costs two calls.
const maxWays = 200

// ways walks down from the names that decide to those who could be used to reach them.
type ways struct {
	*crawler
	not     identity.Principal // whom it leaves out: the subject itself
	people  bool               // look at users too
	manages bool               // the subject may join any group

	// onHolder hears of everybody who has a role; may be nil.
	onHolder func(name string)

	mu   sync.Mutex
	met  map[string]bool
	seen map[identity.PrincipalKey]bool
}

func (w *ways) meet(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if anonymous(name) || w.met[name] || w.not.Name != "" && identity.SameName(name, w.not.Name) {
		return
	}
	if w.met == nil {
		w.met, w.seen = map[string]bool{}, map[identity.PrincipalKey]bool{}
	}
	w.met[name] = true
	w.q.add(func(ctx context.Context) {
		found, err := w.whoIs(ctx, name)
		if err != nil {
			w.note(estate.ReadKey{Op: estate.OpHolder, Name: name}, err)
			return
		}
		for _, p := range found {
			w.b.AddPrincipal(p)
			w.enter(ctx, p)
		}
	})
}

// enter looks at one principal, once.
func (w *ways) enter(ctx context.Context, p identity.Principal) {
	w.mu.Lock()
	first := !w.seen[p.Key]
	w.seen[p.Key] = true
	many := len(w.seen) > maxWays
	w.mu.Unlock()
	switch {
	case !first:
	case many:
		w.remark(estate.ReadKey{Op: estate.OpRoles, Principal: identity.PrincipalKey{Kind: identity.KindGroup}}, identity.NotAsked, "so many groups lead to it that the rest were not looked into")
	case p.Key.Kind == identity.KindGroup:
		w.q.add(func(ctx context.Context) { w.group(ctx, p) })
	case p.Key.Kind == identity.KindServicePrincipal:
		w.q.add(func(ctx context.Context) { w.rolesOn(ctx, p) })
		w.q.add(func(ctx context.Context) { w.memberships(ctx, p.Key) })
	case w.people:
		w.q.add(func(ctx context.Context) { w.memberships(ctx, p.Key) })
	}
}

// group reads who is in a group and who may manage or act as it.
func (w *ways) group(ctx context.Context, p identity.Principal) {
	if held := w.rolesOn(ctx, p); w.manages || held {
		w.memberships(ctx, p.Key) // whoever joins it, or acts as it, has what the groups above it have
	}
	g, err := w.crawler.group(ctx, p.Key)
	w.note(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key}, err)
	if err != nil && !identity.FailureOf(err).Partial {
		return
	}
	w.addGroup(g)
	for _, m := range g.Members {
		if m == w.not.Key || m.Kind == identity.KindUser && !w.people || m.Kind == identity.KindUnknown {
			continue
		}
		w.q.add(func(ctx context.Context) { w.member(ctx, m) })
	}
}

func (w *ways) member(ctx context.Context, k identity.PrincipalKey) {
	if k.Kind == identity.KindGroup {
		g, err := w.crawler.group(ctx, k)
		if err != nil {
			w.note(estate.ReadKey{Op: estate.OpMembers, Principal: k}, err)
			return
		}
		w.enter(ctx, g.Principal)
		return
	}
	p, err := w.src.Principal(ctx, k)
	w.note(estate.ReadKey{Op: estate.OpPrincipal, Principal: k}, err)
	if err == nil {
		w.b.AddPrincipal(p)
		w.enter(ctx, p)
	}
}

// rolesOn reads who may manage or act as a principal, and reports whether anybody may.
func (w *ways) rolesOn(ctx context.Context, p identity.Principal) bool {
	held := w.roles(ctx, p)
	for _, g := range held {
		if w.onHolder != nil {
			w.onHolder(g.Holder.Name)
		}
	}
	return len(held) > 0
}

// roles reads the rule set of a group or service principal, or of the account for no principal.
func (c *crawler) roles(ctx context.Context, p identity.Principal) []identity.RoleGrant {
	grants, err := c.src.RoleGrants(ctx, p)
	c.note(estate.ReadKey{Op: estate.OpRoles, Principal: p.Key}, err)
	for _, g := range grants {
		c.b.AddRoleGrant(g)
	}
	return grants
}

// whoIs searches a name among the kinds of principal that may bear it, the likely one first.
func (c *crawler) whoIs(ctx context.Context, name string) ([]identity.Principal, error) {
	kinds := []identity.Kind{identity.KindGroup, identity.KindUser}
	switch {
	case uuid.MatchString(name):
		kinds = []identity.Kind{identity.KindServicePrincipal}
	case strings.Contains(name, "@"):
		kinds = []identity.Kind{identity.KindUser, identity.KindGroup}
	}
	for _, kind := range kinds {
		found, err := c.src.FindPrincipals(ctx, kind, identity.Match{Field: identity.ByName, Value: name})
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// anonymous reports whether a name is nobody's that could be searched: none, one of the groups that
// mirror a workspace, everybody, or Databricks itself.
func anonymous(name string) bool {
	return identity.Nobody(name) || strings.HasPrefix(name, "_workspace_") || name == identity.AccountUsersName
}
