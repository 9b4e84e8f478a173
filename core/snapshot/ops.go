package snapshot

import "databricks-access-audit/core/estate"

// ops are how the file spells the reads of the ledger.
var ops = words[estate.Op]{
	estate.OpUnknown:             "unknown",
	estate.OpReach:               "reach",
	estate.OpFindPrincipal:       "find_principal",
	estate.OpHolder:              "holder",
	estate.OpPrincipals:          "principals",
	estate.OpPrincipal:           "principal",
	estate.OpGroups:              "groups",
	estate.OpParents:             "parents",
	estate.OpMembers:             "members",
	estate.OpAliases:             "aliases",
	estate.OpWorkspaces:          "workspaces",
	estate.OpAssignments:         "assignments",
	estate.OpMetastores:          "metastores",
	estate.OpMetastoreWorkspaces: "metastore_workspaces",
	estate.OpPrivilegeModel:      "privilege_model",
	estate.OpVisibility:          "visibility",
	estate.OpLookup:              "lookup",
	estate.OpSecurable:           "securable",
	estate.OpChildren:            "children",
	estate.OpGrants:              "grants",
	estate.OpPolicies:            "policies",
	estate.OpBindings:            "bindings",
	estate.OpEntitlements:        "entitlements",
	estate.OpObjects:             "objects",
	estate.OpRoles:               "roles",
	estate.OpObject:              "object",
	estate.OpObjectGrants:        "object_grants",
	estate.OpRestrictAdmins:      "restrict_admins",
	estate.OpDirectory:           "directory",
	estate.OpUses:                "uses",
}
