package access

import (
	"cmp"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// steps tells evidence as a proof: who the subject is, what it holds, from where.
func (a audit) steps(c []evidence) []report.Step {
	var list []report.Step
	for _, e := range c {
		list = append(list, a.step(e)...)
	}
	return list
}

func (a audit) step(e evidence) []report.Step {
	s := report.Step{Fact: a.fact(e.read)}
	if e.securable.Type != "" {
		on := a.securable(e.securable)
		s.Securable = &on
	}
	switch e.kind {
	case step:
		s.Kind, s.Principal, s.Group = report.StepMember, a.name(e.from), a.name(e.group)
		if e.group == identity.AccountUsers() {
			s.Kind, s.Fact = report.StepImplicit, report.Fact{Source: "everybody who can log in is in it"}
		} else if e.read.Op == estate.OpAliases {
			s.Kind = report.StepSame
		}
	case above:
		s.Kind, s.Principal, s.Group = report.StepAncestor, a.name(e.from), a.name(e.group)
	case mirrors:
		s.Kind, s.Principal, s.Group = report.StepImplicit, a.name(e.from), a.name(e.group)
		s.Workspace, s.Fact = a.e.WorkspaceName(e.workspace), report.Fact{Source: "who is assigned to a workspace is in its groups"}
	case granted:
		return a.grantSteps(e, s)
	case owns:
		s.Kind, s.Principal = report.StepOwner, e.holder
	case inherits:
		s.Kind = report.StepInherits
	case active:
		s.Kind, s.Principal = report.StepActive, a.name(a.key)
	case assigned:
		s.Kind, s.Principal, s.Workspace = report.StepAssigned, a.name(a.e.Canonical(e.group)), a.e.WorkspaceName(e.workspace)
		s.Detail = e.permission.String()
	case attachedTo:
		s.Kind, s.Workspace = report.StepAttached, a.e.WorkspaceName(e.workspace)
	case boundTo:
		s.Kind, s.Workspace = report.StepBinding, a.e.WorkspaceName(e.workspace)
		if e.readOnly {
			s.Detail = "read-only"
		}
	case defines:
		s.Kind, s.Principal = report.StepDefiner, e.holder
	case assumes:
		s.Kind, s.Principal, s.Group, s.Fact = report.StepAssume, a.name(e.from), a.name(e.group), report.Fact{Source: "whoever has the role may act as the group, with its access instead of its own"}
	case hasRole:
		s.Kind, s.Principal, s.Group, s.Detail = report.StepRole, e.holder, a.name(e.group), string(e.role)
	case permits:
		s.Kind, s.Principal, s.Detail = report.StepACL, e.holder, string(e.level)
		s.Object = a.object(e.object)
	case entitles:
		s.Kind, s.Principal, s.Detail, s.Workspace = report.StepEntitlement, e.holder, string(e.entitlement), a.e.WorkspaceName(e.workspace)
	default:
		return nil
	}
	return []report.Step{s}
}

// object shows a workspace object.
func (a audit) object(o identity.Object) *report.ObjectRef {
	info, _ := a.e.Object(o)
	return &report.ObjectRef{Workspace: a.e.WorkspaceName(o.Workspace), Type: string(o.Type), ID: o.ID, Name: cmp.Or(info.Path, info.Name)}
}

// grantSteps is the grant and, where it says something else than the privilege, what it stands for.
func (a audit) grantSteps(e evidence, s report.Step) []report.Step {
	s.Kind, s.Principal, s.Privilege = report.StepGrant, e.holder, e.as
	if e.as == e.privilege {
		return []report.Step{s}
	}
	return []report.Step{s, {
		Kind: report.StepExpands, Privilege: e.privilege, Securable: s.Securable, Detail: string(e.as),
		Fact: report.Fact{Source: "the rules of Unity Catalog"},
	}}
}

// fact cites the read that a step rests on.
func (a audit) fact(k estate.ReadKey) report.Fact {
	f := report.Fact{Source: a.e.Operation(k)}
	if at, ok := a.e.ReadAt(k); ok {
		f.ReadAt = at.UTC()
	}
	return f
}
