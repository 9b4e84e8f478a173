package formatters

import (
	"strings"

	"databricks-access-audit/core/identity"
)

// claim is what is asked about as the end of a sentence, and its denial: "can enter workspace prod",
// "cannot enter workspace prod".
type claim struct{ yes, no string }

func able(what string) claim { return claim{"can " + what, "cannot " + what} }

// claim follows what the question is about: privileges are exercised, levels are held, workspaces are
// entered and principals are acted as.
func (v canView) claim() claim {
	what := shortSecurable(v.Resource)
	if v.Object != nil {
		what = shortObject(v.Object)
	}
	switch {
	case v.Object != nil || isObject(v.Resource.Type):
		held := term(v.Action) + " on " + what
		return claim{"has " + held, "does not have " + held}
	case v.Resource.Type == typeWorkspace && v.verb() == "enter":
		return able("enter " + what)
	case v.Resource.Type == typeWorkspace && strings.HasPrefix(v.verb(), "create "):
		return able(v.verb() + " in " + shortTerm(v.Resource.FullName, maxSubject))
	case v.Resource.Type == typePrincipal && v.verb() == "impersonate":
		return able("act as " + shortTerm(v.Resource.FullName, maxSubject))
	case sees(v.Action):
		return able("see " + what)
	default:
		return able(term(v.Action) + " on " + what)
	}
}

// sees reports whether the action is BROWSE, which is exercised on nothing, or the word for it.
func sees(action identity.Privilege) bool {
	return action == identity.Browse || plainVerb(action) == "see"
}

func (v canView) verb() string { return plainVerb(v.Action) }

// plainVerb is the action where it is plain words rather than a privilege: those can stand in a sentence
// as they are, however they are spelt. It is empty for all else.
func plainVerb(action identity.Privilege) string {
	words := strings.ToLower(strings.ReplaceAll(string(action), "_", " "))
	if strings.Trim(words, "abcdefghijklmnopqrstuvwxyz ") != "" || strings.Join(strings.Fields(words), " ") != words {
		return ""
	}
	return words
}

// aboutWorkspace reports whether the question itself names the one workspace where the answer holds.
func (v canView) aboutWorkspace() bool {
	return v.Object != nil || isObject(v.Resource.Type) || v.Resource.Type == typeWorkspace
}
