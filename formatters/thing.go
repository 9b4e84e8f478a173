package formatters

import (
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// The types that a report gives to what is no securable and no workspace object.
const (
	typeWorkspace identity.SecurableType = "WORKSPACE"
	typePrincipal identity.SecurableType = "PRINCIPAL"
)

// isObject reports whether the type is one of workspace objects, which reports put where a securable's
// type stands.
func isObject(t identity.SecurableType) bool { return len(identity.ObjectType(t).Levels()) > 0 }

// noun is what a sentence calls things of the type: TABLE as Unity Catalog writes it, but "job" and
// "workspace", which are no keywords of SQL.
func noun(t identity.SecurableType) string {
	switch {
	case t == typeWorkspace || t == typePrincipal:
		return strings.ToLower(string(t))
	case isObject(t):
		return identity.ObjectType(t).Title()
	default:
		return term(t)
	}
}

// shortSecurable is for the first sentence.
func shortSecurable(s report.Securable) string {
	return noun(s.Type) + " " + shortTerm(s.FullName, maxSubject)
}

func securableTerm(s *report.Securable) string {
	if s == nil {
		return "a securable that is not named"
	}
	return noun(s.Type) + " " + term(s.FullName)
}

// objectTerm is a workspace object with the workspace that it is in.
func objectTerm(o *report.ObjectRef) string {
	if o == nil {
		return "an object that is not named"
	}
	return objectWords(o, term[string])
}

// shortObject is objectTerm for the first sentence.
func shortObject(o *report.ObjectRef) string {
	return objectWords(o, func(s string) string { return shortTerm(s, maxSubject) })
}

// objectWords falls back to the id, by which the permissions API knows what has no name.
func objectWords(o *report.ObjectRef, show func(string) string) string {
	called := show(o.Name)
	if o.Name == "" {
		called = "with id " + show(o.ID)
	}
	return noun(identity.SecurableType(o.Type)) + " " + called + inWorkspace(o)
}

func inWorkspace(o *report.ObjectRef) string {
	if o.Workspace == "" {
		return ""
	}
	return " in " + term(o.Workspace)
}

// described is a securable with all that tells it from others. Only securables have a metastore and
// an owner that could have been read.
func described(s report.Securable) string {
	text := noun(s.Type) + " " + name(s.FullName)
	plainThing := isObject(s.Type) || s.Type == typeWorkspace || s.Type == typePrincipal
	if s.Metastore != "" {
		in := " in metastore "
		if plainThing {
			in = " in workspace "
		}
		text += in + name(s.Metastore)
	}
	switch {
	case plainThing && (s.Owner == nil || *s.Owner == ""):
		return text
	case s.Owner == nil:
		return text + ", owner not read"
	case *s.Owner == "":
		return text + ", owned by nobody"
	default:
		return text + ", owner " + name(*s.Owner)
	}
}

// describedObject is a workspace object with all that tells it from others.
func describedObject(o *report.ObjectRef) string {
	s := noun(identity.SecurableType(o.Type)) + " " + name(o.Name)
	if o.ID != o.Name {
		s += " (id " + name(o.ID) + ")"
	}
	if o.Workspace != "" {
		s += " in workspace " + name(o.Workspace)
	}
	return s
}
