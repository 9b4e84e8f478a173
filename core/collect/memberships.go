package collect

import (
	"context"
	"fmt"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// directory remembers what the crawl has read of groups.
type directory struct {
	sweep  sync.Once
	groups memo[identity.PrincipalKey, identity.Group]
	above  memo[identity.PrincipalKey, []identity.PrincipalKey]
	caller memo[struct{}, identity.Principal]

	mu      sync.Mutex
	planned map[identity.PrincipalKey]bool // groups whose reading is planned
	names   map[string]identity.PrincipalKey
}

// subject reads what concerns the subject itself: other records of the same person and the groups
// above each record.
func (c *crawler) subject(ctx context.Context, p identity.Principal) {
	c.memberships(ctx, p.Key)
	for _, other := range c.otherRecords(ctx, p) {
		c.b.AddPrincipal(other)
		c.b.AddSamePerson(p.Key, other.Key)
		c.q.add(func(ctx context.Context) { c.memberships(ctx, other.Key) })
	}
}

// memberships finds every group above a principal: by one call where the account offers it, and
// otherwise by reading the members of every group there is. Either way each group above is read
// once, for its name, its roles and the edges that make the paths.
func (c *crawler) memberships(ctx context.Context, k identity.PrincipalKey) {
	above, err := c.parentGroups(ctx, k)
	key := estate.ReadKey{Op: estate.OpParents, Principal: k}
	switch {
	case err == nil:
		c.note(key, nil)
	case !identity.IsKind(err, identity.Unsupported):
		f := identity.FailureOf(err)
		c.b.Record(key, estate.Outcome{
			Kind: f.Kind, Status: f.Status, At: c.now(), Partial: f.Partial,
			Message: f.Message + "; the members of every group are needed instead",
		})
	}
	for _, g := range above {
		c.b.AddAncestor(k, g)
		c.planGroup(g)
	}
	if err != nil {
		c.directory.sweep.Do(func() { c.sweepGroups(ctx) })
	}
}

// sweepGroups reads every group of the account with its members.
func (c *crawler) sweepGroups(ctx context.Context) {
	groups, err := c.src.Groups(ctx)
	c.note(estate.ReadKey{Op: estate.OpGroups}, err)
	for _, g := range groups {
		switch {
		case g.Name == identity.AccountUsersName:
			c.addGroup(g)
		case g.MembersListed:
			_, _ = c.directory.groups.get(g.Key, func() (identity.Group, error) { return g, nil })
			c.addGroup(g)
			c.note(estate.ReadKey{Op: estate.OpMembers, Principal: g.Key}, nil)
		default:
			c.addGroup(g)
			c.planGroup(g.Key)
		}
	}
}

// planGroup reads a group with its members, once.
func (c *crawler) planGroup(k identity.PrincipalKey) {
	if !c.directory.plan(k) {
		return
	}
	c.q.add(func(ctx context.Context) {
		g, err := c.group(ctx, k)
		c.note(estate.ReadKey{Op: estate.OpMembers, Principal: k}, err)
		if err == nil || identity.FailureOf(err).Partial {
			c.addGroup(g)
		}
	})
}

func (c *crawler) group(ctx context.Context, k identity.PrincipalKey) (identity.Group, error) {
	return c.directory.groups.get(k, func() (identity.Group, error) { return c.src.Group(ctx, k) })
}

func (c *crawler) parentGroups(ctx context.Context, k identity.PrincipalKey) ([]identity.PrincipalKey, error) {
	return c.directory.above.get(k, func() ([]identity.PrincipalKey, error) { return c.src.ParentGroups(ctx, k) })
}

// addGroup adds a group with its members, except for account users: everybody is in it, and it is
// not worth listing.
func (c *crawler) addGroup(g identity.Group) {
	if g.Name == identity.AccountUsersName {
		g.Members = nil
	}
	c.b.AddGroup(g)
	c.directory.mu.Lock()
	defer c.directory.mu.Unlock()
	if c.directory.names == nil {
		c.directory.names = map[string]identity.PrincipalKey{}
	}
	c.directory.names[g.Name] = g.Key
}

// plan reports whether reading the group was not planned before.
func (d *directory) plan(k identity.PrincipalKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.planned == nil {
		d.planned = map[identity.PrincipalKey]bool{}
	}
	first := !d.planned[k]
	d.planned[k] = true
	return first
}

func (d *directory) named(name string) identity.PrincipalKey {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[name]
}

// checkVisibility finds out whether listings of the metastore show everything. Unity Catalog leaves
// what the caller has no privilege on out of its listings without a word, except for the metastore
// admin.
//
// https://docs.databricks.com/api/workspace/catalogs/list
func (c *crawler) checkVisibility(ctx context.Context, m identity.Metastore, at identity.Workspace) {
	key := estate.ReadKey{Op: estate.OpVisibility, Securable: identity.MetastoreSecurable(m.ID)}
	caller, err := c.caller(ctx, at)
	switch {
	case identity.IsKind(err, identity.Unsupported), identity.IsKind(err, identity.NotFound):
		c.remark(key, identity.Unsupported, "cannot find out who the caller is")
		return
	case err != nil:
		c.note(key, err)
		return
	case identity.SameName(caller.Name, m.Owner):
		c.note(key, nil)
		return
	}
	switch in, err := c.callerIn(ctx, caller, m.Owner); {
	case err != nil:
		c.note(key, err)
	case in == callerInside:
		c.note(key, nil)
	case in == callerOutside:
		c.note(key, &identity.Failure{Kind: identity.Forbidden, Message: fmt.Sprintf(
			"the caller %s is not an admin of this metastore (its owner is %s)", caller.Label(), m.Owner)})
	default:
		c.remark(key, identity.Unsupported, "the metastore has no admin that could be found: who sees everything is not known")
	}
}

// caller reads whose credentials are in use; they are the same in every workspace.
func (c *crawler) caller(ctx context.Context, at identity.Workspace) (identity.Principal, error) {
	return c.directory.caller.get(struct{}{}, func() (identity.Principal, error) { return c.src.Caller(ctx, at) })
}

// callerStanding is what is known of the caller and the owner of a metastore.
type callerStanding int

const (
	ownerUnknown callerStanding = iota
	callerInside
	callerOutside
)

// callerIn finds out whether the caller is in the group that owns a metastore.
func (c *crawler) callerIn(ctx context.Context, caller identity.Principal, owner string) (callerStanding, error) {
	if owner == "" {
		return ownerUnknown, nil
	}
	group, err := c.groupNamed(ctx, owner)
	if err != nil {
		return ownerUnknown, err
	}
	if group.IsZero() {
		return c.ownedByOther(ctx, owner)
	}
	above, err := c.parentGroups(ctx, caller.Key)
	if err != nil {
		return c.climb(ctx, caller.Key, group)
	}
	for _, k := range above {
		if k == group {
			return callerInside, nil
		}
	}
	return callerOutside, nil
}

// groupNamed finds the key of an account group by name; zero when there is none.
func (c *crawler) groupNamed(ctx context.Context, name string) (identity.PrincipalKey, error) {
	if key := c.directory.named(name); !key.IsZero() {
		return key, nil
	}
	found, err := c.src.FindPrincipals(ctx, identity.KindGroup, identity.Match{Field: identity.ByName, Value: name})
	if err != nil || len(found) != 1 {
		return identity.PrincipalKey{}, err
	}
	return found[0].Key, nil
}

// ownedByOther answers for an owner that is neither the caller nor a group: if it is a person or a
// service principal, the caller is certainly somebody else.
func (c *crawler) ownedByOther(ctx context.Context, owner string) (callerStanding, error) {
	kind := identity.KindServicePrincipal
	if !uuid.MatchString(owner) {
		kind = identity.KindUser
	}
	found, err := c.src.FindPrincipals(ctx, kind, identity.Match{Field: identity.ByName, Value: owner})
	switch {
	case err != nil:
		return ownerUnknown, err
	case len(found) > 0:
		return callerOutside, nil
	default:
		return ownerUnknown, nil
	}
}

// climb answers from the members of the owner group and the groups in it.
func (c *crawler) climb(ctx context.Context, caller, group identity.PrincipalKey) (callerStanding, error) {
	seen := map[identity.PrincipalKey]bool{group: true}
	for queue := []identity.PrincipalKey{group}; len(queue) > 0; queue = queue[1:] {
		g, err := c.group(ctx, queue[0])
		if err != nil {
			return ownerUnknown, err
		}
		for _, m := range g.Members {
			if m == caller {
				return callerInside, nil
			}
			if m.Kind == identity.KindGroup && !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	return callerOutside, nil
}
