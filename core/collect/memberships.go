package collect

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// directory remembers what the crawl has read of groups.
type directory struct {
	sweep  sync.Once
	list   memo[struct{}, []identity.Group]
	groups memo[identity.PrincipalKey, identity.Group]
	above  memo[identity.PrincipalKey, []identity.PrincipalKey]
	caller memo[struct{}, identity.Principal]

	mu       sync.Mutex
	others   []identity.PrincipalKey        // other records of the subject
	planned  map[identity.PrincipalKey]bool // groups whose reading is planned
	names    map[string]identity.PrincipalKey
	assigned []identity.Assignment
}

// subject reads what concerns the subject itself: other records of the same person and the groups
// above each record.
func (c *crawler) subject(ctx context.Context, p identity.Principal) {
	c.memberships(ctx, p.Key)
	for _, other := range c.otherRecords(ctx, p) {
		c.b.AddPrincipal(other)
		c.b.AddSamePerson(p.Key, other.Key)
		c.directory.alsoIs(other.Key)
		c.guests.confirm(p.Key, other.Name)
		c.q.add(func(ctx context.Context) { c.memberships(ctx, other.Key) })
	}
}

// memberships finds every group above a principal, and reads each once, for its name, its roles and the edges that make the paths.
func (c *crawler) memberships(ctx context.Context, k identity.PrincipalKey) {
	c.planGroups(c.ancestors(ctx, k))
}

// ancestors finds every group above a principal: by one call where the account offers it, and otherwise by reading the members of
// every group there is. It gives those that the one call named.
func (c *crawler) ancestors(ctx context.Context, k identity.PrincipalKey) []identity.PrincipalKey {
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
	}
	if err != nil {
		c.directory.sweep.Do(func() { c.sweepGroups(ctx) })
	}
	return above
}

// sweepGroups reads every group of the account with its members, and gives the groups.
func (c *crawler) sweepGroups(ctx context.Context) []identity.Group {
	groups, err := c.accountGroupList(ctx)
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
	return groups
}

// accountGroupList lists the groups of the account, once.
func (c *crawler) accountGroupList(ctx context.Context) ([]identity.Group, error) {
	return c.directory.list.get(struct{}{}, func() ([]identity.Group, error) { return c.src.Groups(ctx) })
}

func (c *crawler) planGroups(keys []identity.PrincipalKey) {
	for _, k := range keys {
		c.planGroup(k)
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

func (d *directory) alsoIs(k identity.PrincipalKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.others = append(d.others, k)
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
	if err != nil {
		c.note(key, fmt.Errorf("find out who the caller is: %w", err))
		return
	}
	filtered := func(why string) error {
		return &identity.Failure{Kind: identity.Forbidden, Message: fmt.Sprintf("the caller %s is not an admin of this metastore: %s", caller.Label(), why)}
	}
	switch {
	case identity.SameName(caller.Name, m.Owner):
		c.note(key, nil)
		return
	case identity.SameName(m.Owner, identity.SystemUser):
		c.note(key, filtered("it has none"))
		return
	case m.Owner == "":
		c.remark(key, identity.Unsupported, "the metastore does not say who its admin is: whether the caller sees everything is not known")
		return
	}
	switch in, err := c.callerIn(ctx, caller, m.Owner); {
	case err != nil:
		c.note(key, err)
	case in:
		c.note(key, nil)
	default:
		c.note(key, filtered("its owner is "+m.Owner))
	}
}

// caller reads whose credentials are in use; they are the same in every workspace.
func (c *crawler) caller(ctx context.Context, at identity.Workspace) (identity.Principal, error) {
	return c.directory.caller.get(struct{}{}, func() (identity.Principal, error) { return c.src.Caller(ctx, at) })
}

// callerIn finds out whether the caller is in the group that owns a metastore. An owner that is not a
// group is somebody else.
func (c *crawler) callerIn(ctx context.Context, caller identity.Principal, owner string) (bool, error) {
	group, err := c.groupNamed(ctx, owner)
	if err != nil || group.IsZero() {
		return false, err
	}
	above, err := c.parentGroups(ctx, caller.Key)
	if err != nil {
		return c.climb(ctx, caller.Key, group)
	}
	return slices.Contains(above, group), nil
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

// climb answers from the members of the owner group and the groups in it. A member whose kind the
// answer leaves out is known by its id.
func (c *crawler) climb(ctx context.Context, caller, group identity.PrincipalKey) (bool, error) {
	seen := map[identity.PrincipalKey]bool{group: true}
	for queue := []identity.PrincipalKey{group}; len(queue) > 0; queue = queue[1:] {
		g, err := c.group(ctx, queue[0])
		if err != nil {
			return false, err
		}
		for _, m := range g.Members {
			if m.ID == caller.ID && (m.Kind == caller.Kind || m.Kind == identity.KindUnknown) {
				return true, nil
			}
			if m.Kind == identity.KindGroup && !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	return false, nil
}
