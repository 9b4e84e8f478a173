package collect

import (
	"context"
	"slices"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// guests finds the second names of subjects that are Entra B2B guests. The account knows a guest by the
// mail address; facts may also name the guest user, "ann_partner.com#EXT#@tenant". A second name is
// looked into only when a fact bears it, so that ordinary users cost nothing.
type guests struct {
	mu  sync.Mutex
	all []*guest
}

// guest is one subject, with the names that facts bear which may be its second ones.
type guest struct {
	subject identity.Principal
	names   map[string]kinship
}

// of finds a subject; nil when it was not recognised.
func (g *guests) of(k identity.PrincipalKey) *guest {
	i := slices.IndexFunc(g.all, func(one *guest) bool { return one.subject.Key == k })
	if i < 0 {
		return nil
	}
	return g.all[i]
}

// kinship is what is known of a name that is spelt like the subject's second one.
type kinship int

const (
	alike     kinship = iota // by the spelling alone
	same                     // the external ids agree
	stranger                 // the external ids differ
	ownRecord                // another record of the same person bears it
)

// recognise notes a subject, and the guest name by which it was asked for, if it was.
func (g *guests) recognise(who string, p identity.Principal) identity.Principal {
	g.mu.Lock()
	defer g.mu.Unlock()
	if mail, ok := identity.GuestEmail(who); ok && !identity.SameName(who, p.Name) && hasAddress(p, mail) {
		p.Aliases = append(slices.Clone(p.Aliases), who)
	}
	if !p.Key.IsZero() && g.of(p.Key) == nil {
		g.all = append(g.all, &guest{subject: p, names: map[string]kinship{}})
	}
	return p
}

func hasAddress(p identity.Principal, mail string) bool {
	return identity.SameName(p.Name, mail) || slices.ContainsFunc(p.Emails, func(e string) bool {
		return identity.SameName(e, mail)
	})
}

// meet looks at a name that a fact bears. It gives the subject whose second name it may be, unless it was
// met before.
func (g *guests) meet(name string) *guest {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.all {
		if one.subject.Key.Kind != identity.KindUser || identity.SameName(name, one.subject.Name) || !one.fits(name) {
			continue
		}
		for met := range one.names {
			if identity.SameName(met, name) {
				return nil
			}
		}
		one.names[name] = alike
		return one
	}
	return nil
}

// fits reports whether the two spellings of a guest's name agree, either way round.
func (g *guest) fits(name string) bool {
	if mail, ok := identity.GuestEmail(name); ok && hasAddress(g.subject, mail) {
		return true
	}
	mail, ok := identity.GuestEmail(g.subject.Name)
	return ok && identity.SameName(name, mail)
}

// meetNames plans a look at each name that could be the subject's second one.
func (c *crawler) meetNames(at identity.Workspace, names ...string) {
	for _, name := range names {
		c.seconds.hear(at, name)
		if name == "" {
			continue
		}
		if of := c.guests.meet(name); of != nil {
			c.q.add(func(ctx context.Context) {
				external, err := c.src.WorkspaceUserName(ctx, at, name)
				c.guests.settle(of, name, external, err)
			})
		}
	}
}

// confirm notes that a name is on another record of the subject: no fact that bears it needs a look.
func (g *guests) confirm(of identity.PrincipalKey, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one := g.of(of); one != nil {
		one.names[name] = ownRecord
	}
}

// settle keeps a second name whose external id is the subject's, drops one whose external id is
// somebody else's, and leaves the rest to their spelling.
func (g *guests) settle(of *guest, name, external string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil || external == "" || of.subject.ExternalID == "" {
		return
	}
	of.names[name] = stranger
	if external == of.subject.ExternalID {
		of.names[name] = same
	}
}

// finish gives every subject its second names.
func (g *guests) finish(c *crawler) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.all {
		one.finish(c)
	}
}

func (g *guest) finish(c *crawler) {
	p := g.subject
	p.Aliases = slices.Clone(p.Aliases)
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
