package collect

import (
	"context"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// holders finds the principals behind the names that facts about a securable bear, and with expand
// the people in the groups among them.
type holders struct {
	*crawler
	expand bool

	mu      sync.Mutex
	met     map[string]bool
	seen    map[identity.PrincipalKey]bool // groups whose members are read
	unnamed map[identity.PrincipalKey]bool // members of whom nothing but the key is known
	known   []identity.Principal           // members whose record was read
}

// meet plans the search for a name, once.
func (h *holders) meet(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready()
	if anonymous(name) || h.met[name] {
		return
	}
	h.met[name] = true
	h.q.add(func(ctx context.Context) { h.find(ctx, name) })
}

// find searches a name, and goes on with whom it finds.
func (h *holders) find(ctx context.Context, name string) {
	found, err := h.whoIs(ctx, name)
	if err != nil {
		h.note(estate.ReadKey{Op: estate.OpHolder, Name: name}, err)
		return
	}
	for _, p := range found {
		h.b.AddPrincipal(p)
		switch {
		case !h.expand: // its way into a workspace may lead through groups that are not expanded
			h.q.add(func(ctx context.Context) { h.memberships(ctx, p.Key) })
		case p.Key.Kind == identity.KindGroup:
			h.members(ctx, p.Key)
		}
	}
}

// members reads a group and, on the way down, every group in it.
func (h *holders) members(ctx context.Context, k identity.PrincipalKey) {
	if !h.first(k) {
		return
	}
	g, err := h.group(ctx, k)
	h.note(estate.ReadKey{Op: estate.OpMembers, Principal: k}, err)
	if err != nil && !identity.FailureOf(err).Partial {
		return
	}
	h.addGroup(g)
	if g.Name == identity.AccountUsersName {
		return
	}
	for _, m := range g.Members {
		if m.Kind == identity.KindGroup {
			h.q.add(func(ctx context.Context) { h.members(ctx, m) })
			continue
		}
		h.await(m)
	}
}

// await has the record of a member read in the end.
func (h *holders) await(k identity.PrincipalKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready()
	h.unnamed[k] = true
}

func (h *holders) ready() {
	if h.met == nil {
		h.met, h.seen, h.unnamed = map[string]bool{}, map[identity.PrincipalKey]bool{}, map[identity.PrincipalKey]bool{}
	}
}

func (h *holders) first(k identity.PrincipalKey) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready()
	first := !h.seen[k]
	h.seen[k] = true
	return first
}

// assigned reads the members of the groups that are assigned to the workspaces from which the
// securable can be reached: without them nobody's way in is known.
func (h *holders) assigned(ctx context.Context) {
	if !h.expand {
		return
	}
	for _, a := range h.directory.assigned {
		if a.Principal.Kind == identity.KindGroup && a.Name != identity.AccountUsersName {
			h.q.add(func(ctx context.Context) { h.members(ctx, a.Principal) })
		}
	}
	h.q.run(ctx, h.workers)
}

// fewPeople is up to how many members are read one by one; for more, lists are cheaper.
const fewPeople = 30

// people reads the names and the status of the members that were met.
func (h *holders) people(ctx context.Context) {
	single := h.unnamed
	if len(h.unnamed) > fewPeople {
		single = h.everybody(ctx)
	}
	for k := range single {
		h.q.add(func(ctx context.Context) {
			p, err := h.src.Principal(ctx, k)
			h.note(estate.ReadKey{Op: estate.OpPrincipal, Principal: k}, err)
			if err == nil {
				h.add(p)
			}
		})
	}
	h.q.run(ctx, h.workers)
}

func (h *holders) add(p identity.Principal) {
	h.b.AddPrincipal(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = append(h.known, p)
}

// everybody lists the users and service principals of the account, and gives the members that have to
// be read one by one all the same: some accounts do not let anybody list all, and a snapshot need not
// hold the list.
func (h *holders) everybody(ctx context.Context) map[identity.PrincipalKey]bool {
	var mu sync.Mutex
	single := map[identity.PrincipalKey]bool{}
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		var members []identity.PrincipalKey
		for k := range h.unnamed {
			if k.Kind == kind {
				members = append(members, k)
			}
		}
		if len(members) == 0 {
			continue
		}
		h.q.add(func(ctx context.Context) {
			all, err := h.src.Principals(ctx, kind)
			if len(all) == 0 && (identity.IsKind(err, identity.Forbidden) || identity.IsKind(err, identity.NotAsked)) {
				mu.Lock()
				defer mu.Unlock()
				for _, k := range members {
					single[k] = true
				}
				return
			}
			// The name says that not all of the list is kept.
			h.note(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: kind}, Name: "members"}, err)
			for _, p := range all {
				if h.unnamed[p.Key] {
					h.add(p)
				}
			}
		})
	}
	for k := range h.unnamed {
		if k.Kind != identity.KindUser && k.Kind != identity.KindServicePrincipal {
			single[k] = true
		}
	}
	h.q.run(ctx, h.workers)
	return single
}
