package collect

import (
	"context"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// secondNames remembers the names that facts bear, to find those that are second names of Entra B2B
// guests among the members of a group. Who is a member is known only in the end.
type secondNames struct {
	mu     sync.Mutex
	heard  map[string]hearing   // by folded name
	byMail map[string][]hearing // guest user names, by the folded address they were made from
}

// hearing is a name and a workspace that can be asked whose it is.
type hearing struct {
	name string
	at   identity.Workspace
}

func (s *secondNames) hear(at identity.Workspace, name string) {
	if s == nil || name == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard == nil {
		s.heard, s.byMail = map[string]hearing{}, map[string][]hearing{}
	}
	folded := identity.FoldName(name)
	if _, again := s.heard[folded]; again {
		return
	}
	s.heard[folded] = hearing{name, at}
	if mail, ok := identity.GuestEmail(name); ok {
		mail = identity.FoldName(mail)
		s.byMail[mail] = append(s.byMail[mail], s.heard[folded])
	}
}

// of gives the names that may be second ones of the user.
func (s *secondNames) of(p identity.Principal) (names []hearing) {
	for _, address := range append([]string{p.Name}, p.Emails...) {
		names = append(names, s.byMail[identity.FoldName(address)]...)
	}
	if mail, ok := identity.GuestEmail(p.Name); ok {
		if h, ok := s.heard[identity.FoldName(mail)]; ok {
			names = append(names, h)
		}
	}
	return names
}

// secondNames gives the members that are guests the second names that facts bear. Other records of the same
// person would cost a search for each member: they are not looked for, and the ledger says so.
func (g *groupCrawl) secondNames(ctx context.Context) {
	external := false
	for _, p := range g.holders.known {
		if p.Key.Kind != identity.KindUser {
			continue
		}
		external = external || p.ExternalID != ""
		for _, h := range g.seconds.of(p) {
			if identity.SameName(h.name, p.Name) {
				continue
			}
			g.guests.recognise(p.Name, p)
			one := g.guests.of(p.Key)
			one.names[h.name] = alike
			g.q.add(func(ctx context.Context) {
				external, err := g.src.WorkspaceUserName(ctx, h.at, h.name)
				g.guests.settle(one, h.name, external, err)
			})
		}
	}
	g.q.run(ctx, g.workers)
	g.guests.finish(g.crawler)
	if external && g.onAzure() {
		g.remark(estate.ReadKey{Op: estate.OpAliases}, identity.NotAsked, "members are not searched one by one for a second account record")
	}
}
