package collect

import (
	"context"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// guests finds the second names of Entra B2B guests. The account knows a guest by the mail address;
// facts may also name the guest user, "ann_partner.com#EXT#@tenant". A second name is looked into
// only when a fact bears it, so that ordinary users cost nothing.
type guests struct {
	mu      sync.Mutex
	subject identity.Principal
	names   map[string]kinship
}

// kinship is what is known of a name that is spelt like the subject's second one.
type kinship int

const (
	alike     kinship = iota // by the spelling alone
	same                     // the external ids agree
	stranger                 // the external ids differ
	ownRecord                // another record of the same person bears it
)

// recognise notes the subject, and the guest name by which it was asked for, if it was.
func (g *guests) recognise(who string, p identity.Principal) identity.Principal {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.names = map[string]kinship{}
	if mail, ok := identity.GuestEmail(who); ok && !identity.SameName(who, p.Name) && hasAddress(p, mail) {
		p.Aliases = append(slices.Clone(p.Aliases), who)
	}
	g.subject = p
	return p
}

func hasAddress(p identity.Principal, mail string) bool {
	return identity.SameName(p.Name, mail) || slices.ContainsFunc(p.Emails, func(e string) bool {
		return identity.SameName(e, mail)
	})
}

// meet looks at a name that a fact bears. It reports whether the name may be the subject's second
// one and was not met before.
func (g *guests) meet(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.subject.Key.Kind != identity.KindUser || identity.SameName(name, g.subject.Name) || !g.fits(name) {
		return false
	}
	for met := range g.names {
		if identity.SameName(met, name) {
			return false
		}
	}
	g.names[name] = alike
	return true
}

// fits reports whether the two spellings of a guest's name agree, either way round.
func (g *guests) fits(name string) bool {
	if mail, ok := identity.GuestEmail(name); ok && hasAddress(g.subject, mail) {
		return true
	}
	mail, ok := identity.GuestEmail(g.subject.Name)
	return ok && identity.SameName(name, mail)
}

// meetNames plans a look at each name that could be the subject's second one.
func (c *crawler) meetNames(at identity.Workspace, names ...string) {
	for _, name := range names {
		if name == "" || !c.guests.meet(name) {
			continue
		}
		c.q.add(func(ctx context.Context) {
			external, err := c.src.WorkspaceUserName(ctx, at, name)
			c.guests.settle(name, external, err)
		})
	}
}

// confirm notes that a name is on a record of the same person: no fact that bears it needs a look.
func (g *guests) confirm(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.names[name] = ownRecord
}

// settle keeps a second name whose external id is the subject's, drops one whose external id is
// somebody else's, and leaves the rest to their spelling.
func (g *guests) settle(name, external string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil || external == "" || g.subject.ExternalID == "" {
		return
	}
	g.names[name] = stranger
	if external == g.subject.ExternalID {
		g.names[name] = same
	}
}

// finish gives the subject its second names.
func (g *guests) finish(c *crawler, p identity.Principal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var spelt []string
	for name, kin := range g.names {
		if kin == alike || kin == same {
			p.Aliases = append(p.Aliases, name)
		}
		if kin == alike {
			spelt = append(spelt, name)
		}
	}
	slices.Sort(p.Aliases)
	p.Aliases = slices.Compact(p.Aliases)
	c.b.AddPrincipal(p)
	if len(spelt) > 0 {
		slices.Sort(spelt)
		c.remark(estate.ReadKey{Op: estate.OpAliases, Principal: p.Key}, identity.NotFound,
			"taken for the same person by the spelling alone: "+strings.Join(spelt, ", "))
	}
}

// otherRecords finds further account records of a guest: those with the same external id. Only
// Azure has guests of this sort.
func (c *crawler) otherRecords(ctx context.Context, p identity.Principal) []identity.Principal {
	if p.Key.Kind != identity.KindUser || p.ExternalID == "" || !c.onAzure() {
		return nil
	}
	found, err := c.src.FindPrincipals(ctx, identity.KindUser, identity.Match{Field: identity.ByExternalID, Value: p.ExternalID})
	c.note(estate.ReadKey{Op: estate.OpAliases, Principal: p.Key}, err)
	return slices.DeleteFunc(found, func(q identity.Principal) bool {
		return q.Key == p.Key || q.ExternalID != p.ExternalID
	})
}

func (c *crawler) onAzure() bool {
	return slices.ContainsFunc(c.workspaces, func(w identity.Workspace) bool {
		return w.Cloud == "azure" || strings.Contains(w.Host, ".azuredatabricks.net")
	})
}
