package accesstest

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// A proof is checked by believing it: in a world that has nothing but the facts that its steps cite,
// the oracle must still say yes, and must not without any one of them.

// cited is the fact of one step, found again in what was seen.
type cited struct {
	// key is the same for steps that cite the same fact, and empty for those that cite none.
	key string
	add func(*sightings)
	// ambiguous says that it may be one of several facts, of principals that share a name.
	ambiguous bool
	// definer says that it counts only as far as the rights of the owner of a view are cited.
	definer bool
}

func (c *canCheck) proofs() complaint {
	var keys [][]string
	for i, p := range c.r.Proofs {
		if i > 0 && len(p.Steps) < len(c.r.Proofs[i-1].Steps) {
			return complain("proofs are shortest first", "proof %d has %d steps, the one before %d", i, len(p.Steps), len(c.r.Proofs[i-1].Steps))
		}
		facts, bad := c.proof(p)
		if bad != (complaint{}) {
			bad.why = fmt.Sprintf("proof %d: %s", i, bad.why)
			return bad
		}
		for j, earlier := range keys {
			// Facts of different workspaces differ: each proof cites an assignment.
			if facts != nil && earlier != nil && (within(earlier, facts) || within(facts, earlier)) {
				return complain("no proof contains another", "proof %d cites %q, proof %d cites %q", j, earlier, i, facts)
			}
		}
		keys = append(keys, facts)
	}
	for _, name := range c.r.ReachableIn {
		proven := slices.ContainsFunc(c.r.Proofs, func(p report.Proof) bool { return p.Workspace == name })
		if !proven && !c.r.ProofsOmitted {
			return complain("each workspace has a proof", "%s has none", name)
		}
	}
	return complaint{}
}

func within(small, large []string) bool {
	return !slices.ContainsFunc(small, func(s string) bool { return !slices.Contains(large, s) })
}

// proof checks one and gives the keys of its facts, unless names leave open which they are.
func (c *canCheck) proof(p report.Proof) ([]string, complaint) {
	ws, ok := c.workspace(p.Workspace)
	if !ok || !slices.Contains(c.q.From, ws) {
		return nil, complain("a proof is for a workspace that was asked about", "%q is none", p.Workspace)
	}
	var facts []cited
	var keys []string
	for i, s := range p.Steps {
		f, bad := c.cite(s)
		if s.Kind == report.StepAssume && slices.ContainsFunc(p.Steps, isAssumer) {
			f, bad = cited{}, "" // it follows from that role
		}
		if bad == "" {
			bad = c.derived(p.Steps, i)
		}
		if bad != "" {
			return nil, complain("each step is a fact that was seen", "%s: %s", describeStep(s), bad)
		}
		if c.repeats(p.Steps, i) {
			return nil, complain("no step comes twice", "%s", describeStep(s))
		}
		switch at := slices.Index(keys, f.key); {
		case f.key == "":
		case at < 0:
			facts, keys = append(facts, f), append(keys, f.key)
		default:
			facts[at].definer = facts[at].definer && f.definer
		}
	}
	definers := keep(p.Steps, func(s report.Step) bool { return s.Kind == report.StepDefiner })
	without := func(key string) answer {
		s := c.bare()
		c.define(&s, definers)
		for _, f := range facts {
			if f.key != key {
				f.add(&s)
			}
		}
		return newOracle(s, c.q.Subject).can(c.q.Privilege, c.q.On, ws)
	}
	if len(definers) > 0 && without("").verdict != access.Allowed {
		// What the owners of views may read is not cited but for saying who they are.
		definers, facts, keys = nil, keep(facts, func(f cited) bool { return !f.definer }), nil
		for _, f := range facts {
			keys = append(keys, f.key)
		}
	}
	if a := without(""); a.verdict != access.Allowed {
		return nil, complain("a proof suffices", "with its facts alone it is %v: %v", a.verdict, a)
	}
	if len(definers) > 0 {
		return nil, c.ownPart(p, ws)
	}
	if slices.ContainsFunc(facts, func(f cited) bool { return f.ambiguous }) {
		return nil, complaint{} // the facts are more than the steps, so some may well be needless
	}
	for _, key := range keys {
		if a := without(key); a.verdict == access.Allowed {
			return nil, complain("every step of a proof is needed", "%s is not", key)
		}
	}
	return keys, complaint{}
}

// ownPart checks that what a proof says before it comes to the owner of a view is needed. What it says of
// the owner is another proof, which may do with less where it shares facts with this one.
func (c *canCheck) ownPart(p report.Proof, ws identity.WorkspaceID) complaint {
	var facts []cited
	owner := false
	for _, s := range p.Steps {
		owner = owner || s.Kind == report.StepDefiner
		switch s.Kind {
		case report.StepAssigned, report.StepAttached, report.StepBinding, report.StepActive:
		case report.StepAssume:
			if owner || slices.ContainsFunc(p.Steps, isAssumer) {
				continue // it follows from that role
			}
		default:
			if owner {
				continue
			}
		}
		if f, bad := c.cite(s); bad == "" && f.key != "" && !f.ambiguous {
			facts = append(facts, f)
		}
	}
	without := func(key string) access.Verdict {
		s := c.bare()
		for _, f := range facts {
			if f.key != key {
				f.add(&s)
			}
		}
		return newOracle(s, c.q.Subject).Can(c.q.Privilege, c.q.On, ws)
	}
	if without("") != access.Allowed {
		return complaint{} // the two parts cannot be told apart
	}
	for _, f := range facts {
		if f.definer || f.key == "" {
			continue
		}
		// Where somebody is assigned, and who is in what, may be there for the owner too.
		shared := slices.ContainsFunc([]string{report.StepAssigned, report.StepBinding}, func(kind string) bool { return strings.HasPrefix(f.key, kind) })
		if !shared && without(f.key) == access.Allowed {
			return complain("every step of a proof is needed", "%s is not", f.key)
		}
	}
	return complaint{}
}

// bare is what was seen without any fact that a step could cite: principals are of unknown status,
// securables have no owners, nobody is in a group or a workspace, nothing is granted.
func (c *canCheck) bare() sightings {
	var s sightings
	s.Principals = slices.Clone(c.seen.Principals)
	for i := range s.Principals {
		s.Principals[i].Status = identity.StatusUnknown
		s.Principals[i].Roles = nil
	}
	s.Workspaces = c.seen.Workspaces
	s.Metastores = slices.Clone(c.seen.Metastores)
	for i := range s.Metastores {
		s.Metastores[i].Owner = ""
	}
	s.Securables = slices.Clone(c.seen.Securables)
	for i := range s.Securables {
		s.Securables[i].Owner = ""
		s.Securables[i].Bases, s.Securables[i].BasesKnown = nil, false
	}
	return s
}

// cite finds the fact of a step, or says why there is none.
func (c *canCheck) cite(s report.Step) (f cited, bad string) {
	on, named := c.securable(s.Securable)
	if s.Securable != nil && !named {
		return f, "there is no such securable"
	}
	ws, placed := c.workspace(s.Workspace)
	f.key = words(s.Kind, s.Principal, s.Group)
	switch s.Kind {
	case report.StepImplicit, report.StepExpands, report.StepInherits:
		return cited{}, "" // rules, not facts: see derived
	case report.StepActive:
		if !slices.Contains(c.called(s.Principal), c.q.Subject) {
			return f, "it is about somebody else"
		}
		active := func(p identity.Principal) bool { return p.Key == c.q.Subject && p.Status == identity.StatusActive }
		f.add = func(to *sightings) { to.setStatus(c.q.Subject, identity.StatusActive) }
		return f, unless(slices.ContainsFunc(c.seen.Principals, active))
	case report.StepMember, report.StepAncestor:
		edges := c.seen.Memberships
		if s.Kind == report.StepAncestor {
			edges = c.seen.Ancestors
		}
		members, groups := c.called(s.Principal), c.called(s.Group)
		edges = keep(edges, func(m identity.Membership) bool {
			return slices.Contains(members, m.Member) && slices.Contains(groups, m.Group)
		})
		f.ambiguous = slices.ContainsFunc(edges, func(m identity.Membership) bool { return m != edges[0] })
		f.add = func(to *sightings) { to.Memberships = append(to.Memberships, edges...) }
		return f, unless(len(edges) > 0)
	case report.StepSame:
		ones, others := c.called(s.Principal), c.called(s.Group)
		pairs := keep(c.seen.SamePerson, func(p [2]identity.PrincipalKey) bool {
			return slices.Contains(ones, p[0]) && slices.Contains(others, p[1]) ||
				slices.Contains(ones, p[1]) && slices.Contains(others, p[0])
		})
		f.key = words(s.Kind, min(s.Principal, s.Group), max(s.Principal, s.Group))
		f.add = func(to *sightings) { to.SamePerson = append(to.SamePerson, pairs...) }
		return f, unless(len(pairs) > 0)
	case report.StepRole, report.StepAssume:
		rows := c.roleRows(s)
		f.add = func(to *sightings) { to.Roles = append(to.Roles, rows...) }
		f.key = words(s.Kind, s.Principal, s.Group, s.Detail)
		f.ambiguous = len(rows) > 1
		return f, unless(len(rows) > 0)
	case report.StepDefiner:
		info, _ := c.seen.listed(on)
		f.definer = true
		f.key = words(report.StepOwner, s.Principal, on.Metastore, on.String()) // the same fact
		f.add = func(to *sightings) { to.setOwner(on, s.Principal) }
		return f, unless(named && info.View() && info.BasesKnown && s.Principal != "" && info.Owner == s.Principal)
	case report.StepACL:
		return cited{}, unless(c.isPermitted(s))
	case report.StepEntitlement:
		return cited{}, unless(placed && c.isEntitled(s, ws))
	case report.StepGrant:
		f.key = words(s.Kind, s.Principal, string(s.Privilege), on.Metastore, on.String())
		row := func(g identity.Grant) bool {
			return named && g.Securable == on && g.Holder == s.Principal && slices.Contains(g.Privileges, s.Privilege)
		}
		f.add = func(to *sightings) {
			to.Grants = append(to.Grants, identity.Grant{Securable: on, Holder: s.Principal, Privileges: []identity.Privilege{s.Privilege}})
		}
		return f, unless(s.Principal != "" && slices.ContainsFunc(c.seen.Grants, row))
	case report.StepOwner:
		f.key = words(s.Kind, s.Principal, on.Metastore, on.String())
		owner, _ := c.oracle.owner(on)
		f.add = func(to *sightings) { to.setOwner(on, s.Principal) }
		return f, unless(named && owner != "" && owner == s.Principal)
	case report.StepAssigned:
		who := c.called(s.Principal)
		rows := keep(c.seen.Assignments, func(a identity.Assignment) bool {
			return placed && a.Workspace == ws && slices.Contains(who, a.Principal) &&
				(s.Detail == "" || s.Detail == a.Permission.String())
		})
		f.key = words(s.Kind, s.Principal, s.Workspace, s.Detail)
		f.ambiguous = slices.ContainsFunc(rows, func(a identity.Assignment) bool { return a.Principal != rows[0].Principal })
		f.add = func(to *sightings) { to.Assignments = append(to.Assignments, rows...) }
		return f, unless(len(rows) > 0)
	case report.StepAttached:
		a := Attachment{on.Metastore, ws}
		f.key = words(s.Kind, on.Metastore, s.Workspace)
		f.add = func(to *sightings) { to.Attachments = append(to.Attachments, a) }
		return f, unless(named && placed && slices.Contains(c.seen.Attachments, a))
	case report.StepBinding:
		rows := keep(c.seen.Bindings, func(b Binding) bool { return named && placed && b.On == on && b.Workspace == ws })
		f.key = words(s.Kind, on.Metastore, on.String(), s.Workspace)
		f.add = func(to *sightings) { to.Bindings = append(to.Bindings, rows...) }
		return f, unless(len(rows) > 0)
	default:
		return f, "no such kind of step"
	}
}

// unless is a complaint unless the fact was seen.
func unless(seen bool) string {
	if seen {
		return ""
	}
	return "nobody saw that"
}

// derived checks a step that follows from others: each is about something that the proof uses.
func (c *canCheck) derived(steps []report.Step, i int) string {
	s := steps[i]
	on, named := c.securable(s.Securable)
	switch s.Kind {
	case report.StepImplicit:
		// What is held through it may have been cited before, for somebody else who is in it too.
		used := slices.ContainsFunc(steps, func(later report.Step) bool {
			switch later.Kind {
			case report.StepGrant, report.StepOwner, report.StepAssigned, report.StepRole, report.StepAssume,
				report.StepACL, report.StepEntitlement:
				return identity.SameName(later.Principal, s.Group) || mirrors(later.Principal, s.Group) ||
					strings.HasPrefix(s.Group, later.Principal+"@")
			default:
				return false
			}
		})
		if !used {
			return "nothing is held through that group"
		}
	case report.StepExpands:
		if i == 0 || steps[i-1].Kind != report.StepGrant {
			return "it does not follow a grant"
		}
		granted, ok := c.securable(steps[i-1].Securable)
		row := identity.Grant{Securable: granted, Privileges: []identity.Privilege{steps[i-1].Privilege}}
		if !ok || steps[i-1].Privilege == s.Privilege || !gives(row, s.Privilege) {
			return "the grant before it does not stand for that"
		}
	case report.StepInherits:
		used := slices.ContainsFunc(steps, func(other report.Step) bool {
			from, ok := c.securable(other.Securable)
			return other.Kind == report.StepGrant && ok && from == on
		})
		if !named || !used || !c.oracle.inherits(on.Metastore) || on.Type != identity.TypeCatalog && on.Type != identity.TypeSchema {
			return "nothing is inherited from there"
		}
	}
	return ""
}

// mirrors reports whether a holder is the name that a group of a workspace, written users@place or
// admins@place, has in Unity Catalog.
func mirrors(holder, group string) bool {
	sort, place, ok := strings.Cut(group, "@")
	return ok && strings.HasPrefix(holder, "_workspace_"+sort+"_") && strings.HasSuffix(holder, "_"+strings.TrimPrefix(place, "ws"))
}

// repeats reports whether the i-th step came before. A grant that stands for several privileges
// comes once for each.
func (c *canCheck) repeats(steps []report.Step, i int) bool {
	whole := func(i int) string {
		if next := i + 1; next < len(steps) && steps[next].Kind == report.StepExpands {
			return describeStep(steps[i]) + "/" + string(steps[next].Privilege)
		}
		return describeStep(steps[i])
	}
	if steps[i].Kind == report.StepExpands {
		return false // it is part of the grant before it
	}
	for j := range i {
		if whole(j) == whole(i) {
			return true
		}
	}
	return false
}

// called are the principals that a report may mean by a name: those spelled so, else those who bear
// it otherwise, else those whose name was not read, by their id.
func (c *canCheck) called(name string) []identity.PrincipalKey {
	var exact, folded, byID []identity.PrincipalKey
	named := map[identity.PrincipalKey]bool{}
	if name == identity.AccountUsersName {
		exact = append(exact, identity.AccountUsers())
	}
	for _, p := range c.seen.Principals {
		named[p.Key] = p.Name != ""
		switch {
		case p.Name == name:
			exact = append(exact, p.Key)
		case slices.ContainsFunc(append([]string{p.Name}, p.Aliases...), func(other string) bool { return identity.SameName(name, other) }):
			folded = append(folded, p.Key)
		}
	}
	var records []identity.PrincipalKey
	for _, pair := range c.seen.SamePerson {
		records = append(records, pair[:]...)
	}
	for _, k := range slices.Concat(c.oracle.certain, []identity.PrincipalKey{c.q.Subject}, c.oracle.accountGroups(), c.oracle.servicePrincipals(), records) {
		if !named[k] && strings.Contains(name, k.ID) {
			byID = append(byID, k)
		}
	}
	switch {
	case len(exact) > 0:
		return exact
	case len(folded) > 0:
		return folded
	default:
		return byID
	}
}

// setOwner changes the owner of a securable or of a metastore.
func (f *Facts) setOwner(of identity.Securable, name string) {
	for i := range f.Metastores {
		if of == identity.MetastoreSecurable(f.Metastores[i].ID) {
			f.Metastores[i].Owner = name
		}
	}
	for i := range f.Securables {
		if f.Securables[i].Securable == of {
			f.Securables[i].Owner = name
		}
	}
}
