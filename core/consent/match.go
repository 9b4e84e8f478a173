package consent

import (
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// covers says whether the plan is one that the rule is for: every change that it makes has to be, so that nothing comes in
// beside what a rule speaks of.
func (m Match) covers(p plan.Plan) Answer {
	if len(m.Tiers) > 0 && !slices.Contains(m.Tiers, p.Tier) {
		return No
	}
	if len(m.Targets) > 0 && slices.ContainsFunc(beneficiaries(p), func(k identity.PrincipalKey) bool { return !slices.Contains(m.Targets, k.Kind) }) {
		return No
	}
	all := Yes
	for _, s := range p.Executable() {
		all = not(anyOf(not(all), not(m.step(s))))
	}
	return all
}

// step says whether a change is covered. Catalogs and privileges speak of grants, groups of memberships. Where a rule speaks
// of any of these, changes of which it does not speak are covered only if it names their kind.
func (m Match) step(s plan.Step) Answer {
	named := slices.Contains(m.Steps, s.Kind)
	if len(m.Steps) > 0 && !named {
		return No
	}
	cell := s.Change.Cell
	grants, joins := len(m.Catalogs)+len(m.Privileges) > 0, len(m.Groups) > 0
	switch {
	case cell.Kind == plan.Granted && grants:
		return said(m.catalog(cell.Securable.Catalog) && (len(m.Privileges) == 0 || slices.Contains(m.Privileges, cell.Privilege)))
	case cell.Kind == plan.Member && joins:
		in := No
		for _, g := range m.Groups {
			in = anyOf(in, g.is(cell.Group))
		}
		return in
	default:
		return said(named || !grants && !joins)
	}
}

// catalog says whether grants in the catalog are covered; an empty name is that of what is in none.
func (m Match) catalog(name string) bool {
	return len(m.Catalogs) == 0 || name != "" && slices.ContainsFunc(m.Catalogs, func(pattern string) bool { return fits(pattern, name) })
}

// fits matches a name, without regard to case, against a pattern in which * stands for any text. It looks at each part once,
// so that no pattern is expensive.
func fits(pattern, name string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	name, ok := strings.CutPrefix(strings.ToLower(name), parts[0])
	if !ok || len(parts) == 1 {
		return ok && name == ""
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return strings.HasSuffix(name, last)
}

// beneficiaries are those whom the plan is for: its target, and whoever a change names.
func beneficiaries(p plan.Plan) []identity.PrincipalKey {
	list := []identity.PrincipalKey{}
	if !p.Target.Key.IsZero() {
		list = append(list, p.Target.Key)
	}
	for _, s := range p.Executable() {
		list = append(list, s.Change.Cell.Holder)
	}
	slices.SortFunc(list, identity.PrincipalKey.Compare)
	return slices.Compact(list)
}
