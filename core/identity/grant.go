package identity

import (
	"slices"
	"strings"
)

// Privilege is a Unity Catalog privilege in the API's spelling, USE_CATALOG. One that Databricks
// has and this package does not know is kept verbatim and matched exactly.
type Privilege string

// ParsePrivilege turns either spelling, "use catalog" or USE_CATALOG, into the canonical one.
func ParsePrivilege(s string) Privilege {
	return Privilege(strings.ToUpper(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == '_'
	}), "_")))
}

// SQL is the spelling of GRANT and REVOKE statements: USE CATALOG.
func (p Privilege) SQL() string { return strings.ReplaceAll(string(p), "_", " ") }

// Grant is one row of an answer about permissions: privileges that one holder was given on one
// securable, as granted, without anything inherited.
type Grant struct {
	Securable Securable
	// Holder is a user name, application id or group name. It is empty when the principal was
	// deleted; DeletedID then says which one it was, if the answer did.
	Holder     string
	DeletedID  string
	Privileges []Privilege
}

// GrantChange is what is to be given to and taken from one holder of grants on one securable.
type GrantChange struct {
	// Holder is a user name, application id or group name.
	Holder      string
	Add, Remove []Privilege
}

// SortPrivileges sorts in place and drops duplicates.
func SortPrivileges(ps []Privilege) []Privilege {
	slices.Sort(ps)
	return slices.Compact(ps)
}
