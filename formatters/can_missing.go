package formatters

import (
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// missingWords names what is missing.
func missingWords(m report.Missing, show func(report.Securable) string) string {
	on := "a securable that is not named"
	switch {
	case m.Securable != nil:
		on = show(*m.Securable)
	case m.Object != nil:
		on = objectTerm(m.Object)
	}
	detail := m.Detail
	var words string
	switch m.Kind {
	case report.StepActive:
		words = "an active identity"
	case report.StepGrant, report.StepExpands:
		words = term(m.Privilege) + " on " + on
	case report.StepOwner:
		words = "ownership of " + on
	case report.StepAssigned:
		words = "assignment to " + term(m.Workspace)
		if level := inline(&detail); level != "" {
			words += " as " + level
		}
	case report.StepAttached:
		words = "attachment of the metastore to " + term(m.Workspace)
	case report.StepBinding:
		words = "a binding of " + on + " that lets " + term(m.Workspace) + " in"
	case report.StepDefiner:
		words = "a right of the owner of " + on + ", with whose rights it reads"
	case report.StepAssume:
		words = "the right to act as " + term(m.Principal)
	case report.StepRole:
		words = wordOr(inline(&detail), "the role", "a role") + " on " + term(m.Principal)
	case report.StepACL:
		words = wordOr(inline(&detail), "", "a permission") + " on " + objectTerm(m.Object)
	case report.StepEntitlement:
		words = wordOr(inline(&detail), "the entitlement", "an entitlement") + in(m.Workspace)
	case report.StepSetting:
		words = wordOr(inline(&detail), "setting", "a setting") + " of " + on
	case report.StepCompute:
		words = "compute to run it on" + in(m.Workspace)
	case report.StepMember, report.StepImplicit, report.StepSame, report.StepAncestor:
		words = strings.Join(slices.Concat([]string{"a membership"}, missingRest(m, on)), ", ")
	default:
		words = strings.Join(slices.Concat([]string{"a fact of kind " + term(m.Kind)}, missingRest(m, on)), ", ")
	}
	if detail != "" {
		words += ", " + sentenceTerm(detail)
	}
	return words
}

func missingRest(m report.Missing, on string) []string {
	parts := slices.Concat(stated("privilege", string(m.Privilege)), stated("principal", m.Principal))
	if m.Securable != nil || m.Object != nil {
		parts = append(parts, "on "+on)
	}
	return append(parts, stated("workspace", m.Workspace)...)
}

// supply is what the suppliers do.
func supply(kind string) string {
	switch kind {
	case report.StepActive:
		return "activate it"
	case report.StepGrant, report.StepExpands, report.StepRole, report.StepAssume:
		return "grant it"
	case report.StepOwner:
		return "transfer it"
	case report.StepAssigned:
		return "assign it"
	case report.StepAttached:
		return "attach it"
	case report.StepBinding, report.StepSetting:
		return "change it"
	case report.StepACL, report.StepEntitlement:
		return "give it"
	case report.StepCompute:
		return "provide it"
	default:
		return "supply it"
	}
}
