package proof

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

var errNotThere = errors.New("is not so, as far as was read now")

// take looks a step up and, if it is a fact, keeps it.
func (f *facts) take(s report.Step) error {
	switch s.Kind {
	case report.StepActive:
		return f.active(s)
	case report.StepMember, report.StepSame, report.StepAncestor:
		return f.member(s)
	case report.StepImplicit, report.StepAssume, report.StepExpands, report.StepInherits:
		return nil // rules, not facts: whether they apply shows in the end
	case report.StepGrant:
		return f.grant(s)
	case report.StepOwner, report.StepDefiner:
		return f.owner(s)
	case report.StepAssigned:
		return f.assigned(s)
	case report.StepAttached:
		return f.attached(s)
	case report.StepBinding:
		return f.binding(s)
	case report.StepRole:
		return f.role(s)
	case report.StepACL:
		return f.permission(s)
	case report.StepEntitlement:
		return f.entitlement(s)
	default:
		return fmt.Errorf("a step of kind %q is not known", s.Kind)
	}
}

func (f *facts) active(s report.Step) error {
	for _, k := range f.named(s.Principal) {
		p, _ := f.e.Principal(k)
		if p.Status == identity.StatusActive {
			f.change(k, func(p *identity.Principal) { p.Status = identity.StatusActive })
			return nil
		}
	}
	return fmt.Errorf("that %s is active %w", s.Principal, errNotThere)
}

// named finds the principals that a step can mean by a name.
func (f *facts) named(name string) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for p := range f.e.Principals() {
		if p.Name != "" && (p.Name == name || identity.SameName(p.Name, name) || slices.Contains(p.Aliases, name)) || p.Name == "" && name == p.Key.Kind.Title()+" "+p.Key.ID {
			keys = append(keys, p.Key)
		}
	}
	if local, place, ok := strings.Cut(name, "@"); ok {
		for _, w := range f.e.Workspaces() {
			if w.Name != place && w.ID.String() != place {
				continue
			}
			for p := range f.e.Principals() {
				if p.Key.Workspace == w.ID && p.Key.ID == local {
					keys = append(keys, p.Key)
				}
			}
		}
	}
	return keys
}

func (f *facts) member(s report.Step) error {
	for _, member := range f.named(s.Principal) {
		for _, group := range f.named(s.Group) {
			switch {
			case s.Kind == report.StepSame && slices.Contains(slices.Collect(f.e.SamePerson(member)), group):
				f.b.AddSamePerson(member, group)
			case s.Kind == report.StepMember && slices.Contains(slices.Collect(f.e.Parents(member)), group):
				f.b.AddMembership(member, group)
			case s.Kind == report.StepAncestor && slices.Contains(slices.Collect(f.e.Ancestors(member)), group):
				f.b.AddAncestor(member, group)
			default:
				continue
			}
			f.involve(member)
			f.involve(group)
			return nil
		}
	}
	return fmt.Errorf("that %s is in %s %w", s.Principal, s.Group, errNotThere)
}

// securable finds what a step names.
func (f *facts) securable(s *report.Securable) (identity.Securable, error) {
	if s == nil {
		return identity.Securable{}, errors.New("the step names no securable")
	}
	for _, m := range f.e.Metastores() {
		if s.Type == identity.TypeMetastore && (s.FullName == m.Name || s.FullName == m.ID) {
			return identity.MetastoreSecurable(m.ID), nil
		}
	}
	for on := range f.e.Securables() {
		if on.Type == s.Type && on.FullName() == s.FullName && f.e.MetastoreName(on.Metastore) == s.Metastore {
			return on.Securable, nil
		}
	}
	return identity.Securable{}, fmt.Errorf("that there is a %s %s %w", s.Type.Title(), s.FullName, errNotThere)
}

func (f *facts) grant(s report.Step) error {
	on, err := f.securable(s.Securable)
	if err != nil {
		return err
	}
	for g := range f.e.GrantsOn(on) {
		if g.Holder.Name == s.Principal && slices.Contains(g.Privileges, s.Privilege) {
			f.involve(g.Holder.Key)
			f.grants[on] = append(f.grants[on], identity.Grant{Securable: on, Holder: g.Holder.Name, Privileges: []identity.Privilege{s.Privilege}})
			return nil
		}
	}
	return fmt.Errorf("that %s was granted %s on %s %w", s.Principal, s.Privilege, on, errNotThere)
}

func (f *facts) owner(s report.Step) error {
	on, err := f.securable(s.Securable)
	if err != nil {
		return err
	}
	if owner, known := f.e.Owner(on); known && owner.Name == s.Principal {
		f.owned[on] = true
		f.involve(owner.Key)
		return nil
	}
	return fmt.Errorf("that %s owns %s %w", s.Principal, on, errNotThere)
}

// workspace finds what a step names.
func (f *facts) workspace(name string) (identity.WorkspaceID, error) {
	for _, w := range f.e.Workspaces() {
		if w.Name == name || w.ID.String() == name {
			return w.ID, nil
		}
	}
	return 0, fmt.Errorf("that there is a workspace %s %w", name, errNotThere)
}

func (f *facts) assigned(s report.Step) error {
	in, err := f.workspace(s.Workspace)
	if err != nil {
		return err
	}
	for _, a := range f.e.Assignments(in) {
		if slices.Contains(f.named(s.Principal), a.Principal) && (s.Detail == "" || s.Detail == a.Permission.String()) {
			f.involve(a.Principal)
			f.b.AddAssignment(a)
			return nil
		}
	}
	return fmt.Errorf("that %s is assigned to %s %w", s.Principal, s.Workspace, errNotThere)
}

func (f *facts) attached(s report.Step) error {
	in, err := f.workspace(s.Workspace)
	if err != nil {
		return err
	}
	on, err := f.securable(s.Securable)
	if err != nil {
		return err
	}
	if slices.Contains(f.e.MetastoreWorkspaces(on.Metastore), in) {
		f.b.AttachMetastore(on.Metastore, in)
		return nil
	}
	return fmt.Errorf("that the metastore is attached to %s %w", s.Workspace, errNotThere)
}

func (f *facts) binding(s report.Step) error {
	in, err := f.workspace(s.Workspace)
	if err != nil {
		return err
	}
	on, err := f.securable(s.Securable)
	if err != nil {
		return err
	}
	for _, b := range f.e.Bindings(on) {
		if b.Workspace == in {
			f.bound[on] = append(f.bound[on], b)
			return nil
		}
	}
	return fmt.Errorf("that %s is bound to %s %w", on, s.Workspace, errNotThere)
}

func (f *facts) role(s report.Step) error {
	if s.Detail == string(identity.RoleAccountAdmin) {
		return f.accountRole(s)
	}
	for _, g := range f.e.AllRoleGrants() {
		on := g.On.IsZero() || slices.Contains(f.named(s.Group), g.On)
		if on && string(g.Role) == s.Detail && g.Holder.Name == s.Principal {
			f.involve(g.Holder.Key)
			f.involve(g.On)
			f.b.AddRoleGrant(identity.RoleGrant{On: g.On, Role: g.Role, Holder: f.spelled(g.Holder)})
			return nil
		}
	}
	return fmt.Errorf("that %s has %s on %s %w", s.Principal, s.Detail, s.Group, errNotThere)
}

// accountRole is a role in somebody's own record.
func (f *facts) accountRole(s report.Step) error {
	for _, k := range f.named(s.Principal) {
		if p, _ := f.e.Principal(k); p.HasRole(s.Detail) {
			f.change(k, func(p *identity.Principal) { p.Roles = append(p.Roles, s.Detail) })
			return nil
		}
	}
	return fmt.Errorf("that %s has %s %w", s.Principal, s.Detail, errNotThere)
}

// spelled is a holder as a fact names it.
func (f *facts) spelled(h estate.Holder) identity.PrincipalName {
	return identity.PrincipalName{Kind: h.Key.Kind, Name: h.Name}
}

func (f *facts) permission(s report.Step) error {
	if s.Object == nil {
		return errors.New("the step names no object")
	}
	in, err := f.workspace(s.Object.Workspace)
	if err != nil {
		return err
	}
	on := identity.Object{Workspace: in, Type: identity.ObjectType(s.Object.Type), ID: s.Object.ID}
	if s.Principal == identity.WorkspaceAdminsName && s.Detail == string(on.Type.Highest()) {
		return nil // a rule: admins have it, whatever the list says
	}
	for _, g := range f.e.ObjectGrants(on) {
		if g.Holder.Name == s.Principal && string(g.Level) == s.Detail {
			f.involve(g.Holder.Key)
			f.acls[on] = append(f.acls[on], identity.ObjectGrant{Holder: identity.PrincipalName{Kind: g.Kind, Name: g.Holder.Name}, Level: g.Level, From: g.From})
			return nil
		}
	}
	return fmt.Errorf("that %s has %s on %s %w", s.Principal, s.Detail, s.Object.Name, errNotThere)
}

func (f *facts) entitlement(s report.Step) error {
	in, err := f.workspace(s.Workspace)
	if err != nil {
		return err
	}
	for _, row := range f.e.Entitlements(in) {
		p, _ := f.e.Principal(row.Principal)
		if p.Name == s.Principal && slices.Contains(row.Entitlements, identity.Entitlement(s.Detail)) {
			f.involve(row.Principal)
			if f.entered[in] == nil {
				f.entered[in] = map[identity.PrincipalKey][]identity.Entitlement{}
			}
			f.entered[in][row.Principal] = append(f.entered[in][row.Principal], identity.Entitlement(s.Detail))
			return nil
		}
	}
	return fmt.Errorf("that %s has the entitlement %s in %s %w", s.Principal, s.Detail, s.Workspace, errNotThere)
}
