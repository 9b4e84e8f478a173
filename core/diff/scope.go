package diff

import (
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// titles are the reads that bring facts which are compared, in words for many of them and for what
// they tell. Searches by name are not among them: they find what other reads bring.
var titles = map[estate.Op]struct{ many, what string }{
	estate.OpReach:               {"see the whole account", "anything outside the part that was seen"},
	estate.OpPrincipals:          {"list users and service principals", "who is in the account"},
	estate.OpPrincipal:           {"read single principals", "their status and account roles"},
	estate.OpGroups:              {"list groups", "which groups there are"},
	estate.OpParents:             {"list the groups above principals", "their memberships"},
	estate.OpMembers:             {"read members of groups", "who is in them"},
	estate.OpWorkspaces:          {"list workspaces", "which workspaces there are"},
	estate.OpAssignments:         {"list workspace assignments", "who is assigned"},
	estate.OpMetastores:          {"list metastores", "which metastores there are, and who administers them"},
	estate.OpMetastoreWorkspaces: {"list the workspaces of metastores", "where the metastore is attached"},
	estate.OpPrivilegeModel:      {"read privilege models", "whether grants are inherited"},
	estate.OpVisibility:          {"see every securable of metastores", "what listings left out without a word"},
	estate.OpSecurable:           {"read single securables", "their owners, row filters and column masks"},
	estate.OpChildren:            {"list securables", "which there are, and who owns them"},
	estate.OpGrants:              {"read grants", "what is granted on them"},
	estate.OpPolicies:            {"read attribute-based policies", "which policies hold"},
	estate.OpBindings:            {"read workspace bindings", "from where they can be used"},
	estate.OpEntitlements:        {"read entitlements", "who may use what of the workspace"},
	estate.OpObjects:             {"list workspace objects", "which there are"},
	estate.OpRoles:               {"read roles on principals and the account", "who may manage or act as them"},
	estate.OpObject:              {"read workspace objects in detail", "as whom they run"},
	estate.OpObjectGrants:        {"read permissions on workspace objects", "who may use them"},
	estate.OpRestrictAdmins:      {"read whether workspace admins are restricted", "whether admins may act as others"},
	estate.OpDirectory:           {"list directories of workspaces", "what lies in them"},
}

// many is what the reads of one kind are called.
func many(k estate.ReadKey) string {
	switch {
	case k.Op == estate.OpChildren && k.Type != "":
		return "list " + k.Type.Title() + "s"
	case k.Op == estate.OpObjects && k.Object.Type != "":
		return "list " + strings.ReplaceAll(string(k.Object.Type), "_", " ") // the type is a plural
	case k.Op == estate.OpPrincipals && k.Principal.Kind != identity.KindUnknown:
		return "list " + k.Principal.Kind.Title() + "s"
	default:
		return titles[k.Op].many
	}
}

// Scope says what an estate's reading covered: each kind of read once, in a fixed order.
func Scope(e *estate.Estate) []report.ScopeRead {
	list := []report.ScopeRead{}
	for _, r := range e.Reads() {
		if titles[r.Key.Op].many == "" {
			continue
		}
		name := many(r.Key)
		i := slices.IndexFunc(list, func(s report.ScopeRead) bool { return s.Operation == name })
		if i < 0 {
			i = len(list)
			list = append(list, report.ScopeRead{Operation: name})
		}
		switch {
		case r.Outcome.OK():
			list[i].Read++
		case r.Outcome.Needed:
			list[i].Failed++
		default:
			list[i].NotAsked++
		}
	}
	return list
}

// Counts says how many facts of each kind an estate holds.
func Counts(e *estate.Estate) []report.FactCount {
	var list []report.FactCount
	count := func(what string, n int) { list = append(list, report.FactCount{What: what, Count: n}) }
	byKind := map[identity.Kind]int{}
	members, roles := 0, len(e.AllRoleGrants())
	for p := range e.Principals() {
		if p.Name != "" && !implicit(p.Key) {
			byKind[p.Key.Kind]++
		}
		roles += len(p.Roles)
		for range e.Members(p.Key) {
			members++
		}
	}
	count("users", byKind[identity.KindUser])
	count("service principals", byKind[identity.KindServicePrincipal])
	count("groups", byKind[identity.KindGroup])
	count("memberships", members)
	count("workspaces", len(e.Workspaces()))
	assigned, entitled := 0, 0
	for _, all := range e.AllAssignments() {
		assigned += len(all)
	}
	for _, all := range e.AllEntitlements() {
		entitled += len(all)
	}
	count("workspace assignments", assigned)
	count("entitled principals", entitled)
	count("roles", roles)
	byType := map[identity.SecurableType]int{}
	grants := 0
	for s := range e.Securables() {
		byType[s.Type]++
		for range e.GrantsOn(s.Securable) {
			grants++
		}
	}
	for _, t := range identity.SecurableTypes() {
		count(t.Title()+"s", byType[t])
	}
	count("grants", grants)
	permissions := 0
	for _, o := range e.Objects() {
		permissions += len(e.ObjectGrants(o.Object))
	}
	count("workspace objects", len(e.Objects()))
	count("permissions on workspace objects", permissions)
	return list
}
