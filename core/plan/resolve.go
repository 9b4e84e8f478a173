package plan

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/sqltext"
)

// UnclearError says that a name in a hypothesis is of nothing that was read, or of several things.
type UnclearError struct{ Why string }

// Error says which name, and what it could be.
func (e *UnclearError) Error() string { return e.Why }

// Names finds what the words of a hypothesis mean in an estate.
type Names struct {
	E *estate.Estate
	// Metastore, if set, is the one that securables are in, by name or id.
	Metastore string
}

// Principal finds whom a name or id means; with a kind only those of the kind.
func (n Names) Principal(name string, kinds ...identity.Kind) (identity.PrincipalKey, error) {
	fits := func(p identity.Principal) bool {
		return p.Key.Workspace == 0 && (len(kinds) == 0 || slices.Contains(kinds, p.Key.Kind))
	}
	var found, shown []identity.Principal
	for p := range n.E.Principals() {
		if fits(p) && p.Name != "" && p.Key.ID == name {
			return p.Key, nil
		}
		if fits(p) && p.Key.Kind == identity.KindServicePrincipal && identity.SameName(name, p.DisplayName) {
			shown = append(shown, p)
		}
	}
	for _, p := range n.E.Named(name) {
		if fits(p) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		found = shown // what people see counts where nobody bears the name
	}
	switch len(found) {
	case 0:
		return identity.PrincipalKey{}, &UnclearError{fmt.Sprintf("no %s is called %q", kindWords(kinds), name)}
	case 1:
		return found[0].Key, nil
	default:
		var labels []string
		for _, p := range found {
			labels = append(labels, p.Key.Kind.Title()+" "+p.Label()+" id "+p.Key.ID)
		}
		return identity.PrincipalKey{}, &UnclearError{fmt.Sprintf("%q names %d principals; name one by its id: %s", name, len(found), strings.Join(labels, "; "))}
	}
}

func kindWords(kinds []identity.Kind) string {
	if len(kinds) == 0 {
		return "user, service principal or group"
	}
	var words []string
	for _, k := range kinds {
		words = append(words, k.Title())
	}
	return strings.Join(words, " or ")
}

// Securable finds what a name means on which a privilege is given. Without a type, the privilege decides
// among those that bear the name.
func (n Names) Securable(parts []string, t identity.SecurableType, p identity.Privilege) (identity.Securable, error) {
	var found []identity.Securable
	for _, m := range n.E.Metastores() {
		if n.Metastore != "" && !strings.EqualFold(n.Metastore, m.Name) && n.Metastore != m.ID {
			continue
		}
		candidates := identity.Named(m.ID, parts)
		if len(parts) == 0 {
			candidates = []identity.Securable{identity.MetastoreSecurable(m.ID)}
		}
		for _, s := range candidates {
			if t != "" && s.Type != t || t == "" && p != "" && !p.Applies(s.Type) {
				continue
			}
			if known, ok := n.spelled(s); ok {
				found = append(found, known)
			}
		}
	}
	name := identity.QuoteFullName(parts)
	switch len(found) {
	case 0:
		return identity.Securable{}, &UnclearError{fmt.Sprintf("no securable called %s was seen on which %s can be held", name, p.SQL())}
	case 1:
		return found[0], nil
	default:
		var labels []string
		for _, s := range found {
			labels = append(labels, fmt.Sprintf("%s in metastore %s", s, n.E.MetastoreName(s.Metastore)))
		}
		return identity.Securable{}, &UnclearError{fmt.Sprintf("%s names %d securables; choose by --metastore: %s", name, len(found), strings.Join(labels, "; "))}
	}
}

// spelled finds a securable whatever the case of its name: Unity Catalog keeps names in lower case.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func (n Names) spelled(s identity.Securable) (identity.Securable, bool) {
	if info, ok := n.E.Securable(s); ok {
		return info.Securable, true
	}
	s.Catalog, s.Schema, s.Name = strings.ToLower(s.Catalog), strings.ToLower(s.Schema), strings.ToLower(s.Name)
	info, ok := n.E.Securable(s)
	return info.Securable, ok
}

// Change gives a cell another value, as reports and overlays need it.
func (n Names) Change(c Cell, after Value) Change {
	before, _ := ValueOf(n.E, c)
	p, _ := n.E.Principal(c.Holder)
	change := Change{Cell: c, Before: before, After: after, HolderName: p.Name}
	switch c.Kind {
	case Member:
		g, _ := n.E.Principal(c.Group)
		change.GroupName, change.ExternalID = g.Name, g.ExternalID
	case Assigned, Entitled:
		change.ObjectName = n.E.WorkspaceName(c.Workspace)
	case Granted:
		change.ObjectName = c.Securable.FullName()
	case ObjectLevel:
		o, _ := n.E.Object(c.Object)
		change.ObjectName = o.Name
	}
	return change
}

// Member is that somebody is in a group, or no longer.
func (n Names) Member(who, group string, in bool) (Change, error) {
	holder, err := n.Principal(who)
	if err != nil {
		return Change{}, err
	}
	g, err := n.Principal(group, identity.KindGroup)
	if err != nil {
		return Change{}, err
	}
	if holder == g {
		return Change{}, &UnclearError{fmt.Sprintf("a group cannot be in itself: %s", group)}
	}
	return n.Change(Cell{Kind: Member, Holder: holder, Group: g}, presence(in)), nil
}

func presence(is bool) Value {
	if is {
		return Present
	}
	return Absent
}

// Grant is that somebody was granted a privilege, or no longer. Taking ALL PRIVILEGES back takes with it
// what was granted one by one and is in it.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference#all-privileges
func (n Names) Grant(who string, p identity.Privilege, parts []string, t identity.SecurableType, granted bool) ([]Change, error) {
	holder, err := n.Principal(who)
	if err != nil {
		return nil, err
	}
	on, err := n.Securable(parts, t, p)
	if err != nil {
		return nil, err
	}
	change := func(p identity.Privilege) Change {
		return n.Change(Cell{Kind: Granted, Holder: holder, Securable: on, Privilege: p}, presence(granted))
	}
	list := []Change{change(p)}
	if granted || p != identity.AllPrivileges {
		return list, nil
	}
	for g := range n.E.GrantsOn(on) {
		for _, other := range g.Privileges {
			if g.Holder.Key == holder && other != p && other.InAllPrivileges() {
				list = append(list, change(other))
			}
		}
	}
	return list, nil
}

// Script is what a script of GRANT and REVOKE statements changes. The error is an *UnclearError or a
// *sqltext.ParseError.
func (n Names) Script(script string) ([]Change, error) {
	statements, err := sqltext.Parse(script)
	if err != nil {
		return nil, err
	}
	var all []Change
	for _, s := range statements {
		t := s.Type
		if t == "" {
			t = identity.TypeTable
		}
		for _, p := range s.Privileges {
			changes, err := n.Grant(s.Principal, p, s.Parts, t, !s.Revoke)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", s.Line, err)
			}
			all = append(all, changes...)
		}
	}
	return all, nil
}
