package identity

import (
	"maps"
	"slices"
	"strings"
)

// The privileges that the rules of access name. Others exist; see Applies.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference
const (
	AllPrivileges       Privilege = "ALL_PRIVILEGES"
	Manage              Privilege = "MANAGE"
	UseCatalog          Privilege = "USE_CATALOG"
	UseSchema           Privilege = "USE_SCHEMA"
	Browse              Privilege = "BROWSE"
	Select              Privilege = "SELECT"
	Modify              Privilege = "MODIFY"
	Execute             Privilege = "EXECUTE"
	ReadVolume          Privilege = "READ_VOLUME"
	WriteVolume         Privilege = "WRITE_VOLUME"
	Refresh             Privilege = "REFRESH"
	ReadFiles           Privilege = "READ_FILES"
	WriteFiles          Privilege = "WRITE_FILES"
	ExternalUseSchema   Privilege = "EXTERNAL_USE_SCHEMA"
	ExternalUseLocation Privilege = "EXTERNAL_USE_LOCATION"
)

// applicable lists for each type of securable the privileges that can be held on it, whether they
// were granted there or on a container above it.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference
var applicable = map[SecurableType][]Privilege{
	TypeMetastore: {
		"CREATE_CATALOG", "CREATE_CLEAN_ROOM", "CREATE_CONNECTION", "CREATE_EXTERNAL_LOCATION",
		"CREATE_EXTERNAL_METADATA", "CREATE_PROVIDER", "CREATE_RECIPIENT", "CREATE_SHARE",
		"CREATE_SERVICE_CREDENTIAL", "CREATE_STORAGE_CREDENTIAL", "MANAGE_ALLOWLIST",
		"SET_SHARE_PERMISSION", "USE_MARKETPLACE_ASSETS", "USE_PROVIDER", "USE_RECIPIENT", "USE_SHARE",
		"CREATE_FOREIGN_CATALOG", "CREATE_MATERIALIZED_VIEW",
	},
	TypeCatalog: {
		UseCatalog, Browse, "CREATE_SCHEMA", UseSchema, "CREATE_TABLE", "CREATE_MATERIALIZED_VIEW",
		"CREATE_VOLUME", "CREATE_FUNCTION", "CREATE_MODEL", Select, Modify, Refresh, ReadVolume,
		WriteVolume, Execute, "APPLY_TAG", Manage, AllPrivileges, ExternalUseSchema,
	},
	TypeSchema: {
		UseSchema, "CREATE_TABLE", "CREATE_MATERIALIZED_VIEW", "CREATE_VOLUME", "CREATE_FUNCTION",
		"CREATE_MODEL", Select, Modify, Refresh, ReadVolume, WriteVolume, Execute, "APPLY_TAG", Manage,
		AllPrivileges, ExternalUseSchema,
	},
	TypeTable:    {Select, Modify, Refresh, "APPLY_TAG", Manage, AllPrivileges},
	TypeVolume:   {ReadVolume, WriteVolume, "APPLY_TAG", Manage, AllPrivileges},
	TypeFunction: {Execute, Manage, AllPrivileges},
	TypeModel:    {Execute, "APPLY_TAG", "CREATE_MODEL_VERSION", Manage, AllPrivileges},
	TypeExternalLocation: {
		ReadFiles, WriteFiles, "CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME",
		"CREATE_MANAGED_STORAGE", "CREATE_FOREIGN_SECURABLE", Browse, ExternalUseLocation, Manage,
		AllPrivileges,
	},
	TypeStorageCredential: {
		"CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", ReadFiles, WriteFiles, Manage,
		AllPrivileges,
	},
	TypeServiceCredential: {"ACCESS", "CREATE_CONNECTION", Manage, AllPrivileges},
	TypeConnection:        {"USE_CONNECTION", "CREATE_FOREIGN_CATALOG", Manage, AllPrivileges},
}

type privilegeOn struct {
	privilege Privilege
	on        SecurableType
}

var applies, known = indexPrivileges()

func indexPrivileges() (applies map[privilegeOn]bool, known map[Privilege]bool) {
	applies, known = map[privilegeOn]bool{}, map[Privilege]bool{}
	for t, ps := range applicable {
		for _, p := range ps {
			applies[privilegeOn{p, t}] = true
			known[p] = true
		}
	}
	return applies, known
}

// Applies reports whether the privilege can be held on securables of the type. A privilege or a
// type that is not in Databricks' reference as this package knows it is believed to apply: a grant
// of it is then matched exactly, never dropped. Known says which case it is.
func (p Privilege) Applies(t SecurableType) bool {
	if _, ok := applicable[t]; !ok || !known[p] {
		return true
	}
	return applies[privilegeOn{p, t}]
}

// PrivilegesOn lists the privileges that can be held on securables of a type, as far as this package
// knows it.
func PrivilegesOn(t SecurableType) []Privilege { return slices.Clone(applicable[t]) }

// Known reports whether the privilege is in Databricks' reference as this package knows it.
func (p Privilege) Known() bool { return known[p] }

// KnownPrivileges lists the privileges of Databricks' reference as this package knows it.
func KnownPrivileges() []Privilege { return slices.Sorted(maps.Keys(known)) }

// InAllPrivileges reports whether ALL PRIVILEGES stands for the privilege when access is checked.
// The three that must be granted by name are MANAGE and the two for access from outside Databricks.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference#all-privileges
func (p Privilege) InAllPrivileges() bool {
	return p != Manage && p != ExternalUseSchema && p != ExternalUseLocation
}

// InOwnership reports whether owning a securable gives the privilege on it. The two for access from
// outside Databricks must be granted even to an owner.
func (p Privilege) InOwnership() bool {
	return p != ExternalUseSchema && p != ExternalUseLocation
}

// Reads reports whether the privilege is of use through a read-only workspace binding: everything
// but writing, refreshing and creating.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
func (p Privilege) Reads() bool {
	switch p {
	case Modify, WriteVolume, Refresh, WriteFiles, "APPLY_TAG":
		return false
	default:
		return !strings.HasPrefix(string(p), "CREATE_")
	}
}

// FromLegacy translates the names of the first privilege model into today's. Names that are not of
// that model come back alone and unchanged.
func (p Privilege) FromLegacy(on SecurableType) []Privilege {
	switch {
	case p == "USAGE" && on == TypeCatalog:
		return []Privilege{UseCatalog}
	case p == "USAGE" && on == TypeSchema:
		return []Privilege{UseSchema}
	case p == "CREATE" && on == TypeCatalog:
		return []Privilege{"CREATE_SCHEMA"}
	case p == "CREATE" && on == TypeSchema:
		return []Privilege{"CREATE_TABLE", "CREATE_FUNCTION"}
	case p == "CREATE_VIEW":
		return []Privilege{"CREATE_TABLE"}
	default:
		return []Privilege{p}
	}
}
