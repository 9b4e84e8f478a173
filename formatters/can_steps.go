package formatters

import (
	"slices"
	"strings"

	"databricks-access-audit/core/report"
)

// stepWords is one fact as a sentence without its full stop.
func stepWords(s report.Step) string {
	who := term(s.Principal)
	var words string
	switch s.Kind {
	case report.StepActive:
		words = who + " may log in"
	case report.StepMember:
		words = who + " is in " + term(s.Group)
	case report.StepImplicit:
		words = who + " is in " + term(s.Group) + ", as everybody like it is"
	case report.StepSame:
		words = who + " and " + term(s.Group) + " are two records of one person"
	case report.StepAncestor:
		words = who + " is in " + term(s.Group) + ", by a way that was not read"
	case report.StepGrant:
		words = who + " has " + term(s.Privilege) + " on " + securableTerm(s.Securable)
	case report.StepExpands:
		words = "what was granted stands for " + term(s.Privilege)
		if s.Securable != nil {
			words += " on " + securableTerm(s.Securable)
		}
	case report.StepInherits:
		words = "what is granted on " + thingTerm(s.Securable, s.Object) + " counts for what is in it"
	case report.StepOwner:
		words = who + " owns " + thingTerm(s.Securable, s.Object)
	case report.StepAssigned:
		words = who + " is assigned to " + term(s.Workspace)
		if level := inline(&s.Detail); level != "" {
			words += " as " + level
		}
		if s.Group != "" {
			words += " via " + term(s.Group)
		}
	case report.StepAttached:
		words = attached(s.Securable) + " is attached to " + term(s.Workspace)
	case report.StepBinding:
		words = "the binding of " + securableTerm(s.Securable) + " lets " + term(s.Workspace) + " in"
	case report.StepDefiner:
		words = who + " owns " + securableTerm(s.Securable) + ", which reads with its owner's rights"
	case report.StepAssume:
		words = who + " may act as " + term(s.Group) + "; what follows is what " + term(s.Group) + " may do"
	case report.StepRole:
		words = who + " has " + stepDetail(&s, "the role", "a role") + " on " + term(s.Group)
	case report.StepACL:
		words = who + " has " + stepDetail(&s, "", "a permission") + " on " + objectTerm(s.Object)
	case report.StepEntitlement:
		words = who + " has " + stepDetail(&s, "the entitlement", "an entitlement") + in(s.Workspace)
	case report.StepSetting:
		words = stepDetail(&s, "setting", "a setting") + " of " + thingTerm(s.Securable, s.Object) + " permits it"
	case report.StepCompute:
		words = who + " has compute to run it on" + in(s.Workspace)
	default:
		words = strings.Join(slices.Concat([]string{"fact of kind " + term(s.Kind)}, stated("principal", s.Principal), stated("group", s.Group),
			stated("privilege", string(s.Privilege)), onOptional(s.Securable, s.Object), stated("workspace", s.Workspace)), ", ")
	}
	if s.Detail != "" {
		words += "; " + EscapeLine(s.Detail)
	}
	return words
}

// inline takes a detail of one word, which has its place within the sentence; a longer one stays where
// it is, to follow the sentence.
func inline(detail *string) string {
	if *detail == "" || quotes(*detail) {
		return ""
	}
	word := term(*detail)
	*detail = ""
	return word
}

// stepDetail names the role, level or entitlement; vague is for one that is told at more length.
func stepDetail(s *report.Step, before, vague string) string {
	return wordOr(inline(&s.Detail), before, vague)
}

func wordOr(word, before, vague string) string {
	if word == "" {
		return vague
	}
	return strings.TrimSpace(before + " " + word)
}

// attached is the metastore, whether the fact names it or not.
func attached(s *report.Securable) string {
	if s == nil {
		return "the metastore"
	}
	return securableTerm(s)
}

// in is nothing where no workspace is named.
func in(workspace string) string {
	if workspace == "" {
		return ""
	}
	return " in " + term(workspace)
}

// thingTerm is the securable or the object of a fact, whichever it has.
func thingTerm(s *report.Securable, o *report.ObjectRef) string {
	if s == nil && o != nil {
		return objectTerm(o)
	}
	return securableTerm(s)
}

// stated and onOptional leave out what is not said.
func stated(noun, s string) []string {
	if s == "" {
		return nil
	}
	return []string{noun + " " + term(s)}
}

func onOptional(s *report.Securable, o *report.ObjectRef) []string {
	if s == nil && o == nil {
		return nil
	}
	return []string{"on " + thingTerm(s, o)}
}
