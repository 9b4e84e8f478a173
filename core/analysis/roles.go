package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// The roles of a report that are not account roles of an API, under the names of report.HeldRole.
const (
	roleMetastoreAdmin = "metastore_admin"
	roleWorkspaceAdmin = "workspace_admin"
	roleUser           = "user"
	roleJobCreator     = "job_creator"
	roleViewer         = "viewer"
	roleCatalogOwner   = "catalog_owner"
	roleSchemaOwner    = "schema_owner"
	roleVolumeOwner    = "volume_owner"
	roleDataAccess     = "data_access"
)

const scopeAccount = "account"

// ruleSetRoles are what reports call the roles of rule sets. Others keep their spelling.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
var ruleSetRoles = map[identity.Role]string{
	identity.RoleBillingAdmin:            "billing_admin",
	identity.RoleMarketplaceAdmin:        "marketplace_admin",
	identity.RoleGroupManager:            "group_manager",
	identity.RoleGroupAssumer:            "group_assumer",
	identity.RoleServicePrincipalManager: "service_principal_manager",
	identity.RoleServicePrincipalUser:    "service_principal_user",
}

// Roles answers who has which role: one identity, or with who nil every user and service principal, and
// every group that a fact names. Owning and data access through a group are listed for everybody with
// the group alone, since they multiply with its members; asked about one identity, they are listed
// whatever group they come through. The envelope is left to the caller, except for its notes.
func Roles(m *access.Model, who *identity.PrincipalKey) *report.RolesReport {
	d := newDirectory(m)
	q := &rolesQuestion{directory: d, asked: audienceOf(d, who), r: &report.RolesReport{
		Roles: []report.HeldRole{}, Workspaces: []report.WorkspaceAdmins{}, Metastores: []report.MetastoreAdmin{},
		WorkspaceCatalogs: []report.WorkspaceCatalog{}, Unknowable: []report.Unknowable{},
	}}
	if who != nil {
		p := m.Describe(*who)
		q.r.Subject = &p
	} else {
		q.r.Notes = append(q.r.Notes, "ownership and data access are listed for whom the facts name: ask about one identity for what it has through groups")
	}
	q.accountRoles()
	q.ruleSets()
	q.metastores()
	q.workspaces()
	q.owners()
	q.dataAccess()
	q.derived()
	q.workspaceCatalogs()
	q.unknowable()
	q.sort()
	return q.r
}

type rolesQuestion struct {
	*directory
	asked audience
	r     *report.RolesReport
}

// hold lists a role of those whom a fact means.
func (q *rolesQuestion) hold(held []meaning, role report.HeldRole) {
	for _, m := range held {
		q.r.Roles = append(q.r.Roles, q.held(m, role))
	}
}

func (q *rolesQuestion) held(m meaning, role report.HeldRole) report.HeldRole {
	i := q.number(m.who)
	role.Principal, role.Path, role.Certain = q.describe(i), m.path, m.certain
	notes := []string{role.Detail, m.why}
	if !q.active(i) {
		notes = append(notes, "deactivated: it cannot log in, and has this again when it is reactivated")
	}
	role.Detail = strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
	return role
}

// accountRoles are those of the account's SCIM API. Members of a group have the group's.
//
// https://docs.databricks.com/aws/en/admin/users-groups/groups
func (q *rolesQuestion) accountRoles() {
	for p := range q.e.Principals() {
		for _, role := range slices.Compact(slices.Sorted(slices.Values(p.Roles))) {
			q.hold(q.asked.meant(estate.Holder{Key: p.Key, Name: p.Name}, 0), report.HeldRole{
				Role: role, Scope: scopeAccount, Fact: q.m.Fact(principalRead(q.e, p.Key)),
			})
		}
	}
}

// ruleSets are the roles on groups, service principals and the account.
func (q *rolesQuestion) ruleSets() {
	for _, g := range q.e.AllRoleGrants() {
		scope := scopeAccount
		if !g.On.IsZero() {
			scope = g.On.Kind.Title() + " " + q.name(q.number(g.On))
		}
		detail := ""
		if _, on := ruleSetRoles[g.Role]; on && g.On.IsZero() && g.Role != identity.RoleBillingAdmin && g.Role != identity.RoleMarketplaceAdmin {
			detail = "on all of them"
		}
		q.hold(q.asked.meant(g.Holder, 0), report.HeldRole{
			Role: cmp.Or(ruleSetRoles[g.Role], string(g.Role)), Scope: scope, Detail: detail, Fact: q.m.Fact(rolesRead(g.On)),
		})
	}
}

// owners are who owns catalogs, schemas and volumes.
func (q *rolesQuestion) owners() {
	owner := map[identity.SecurableType]string{
		identity.TypeCatalog: roleCatalogOwner, identity.TypeSchema: roleSchemaOwner, identity.TypeVolume: roleVolumeOwner,
	}
	for s := range q.e.Securables() {
		role, asked := owner[s.Type]
		holder, known := q.e.Owner(s.Securable)
		if !asked || !known {
			continue
		}
		// A workspace's own groups count there, everybody else wherever it is.
		q.hold(q.asked.named(holder, holder.Key.Workspace), report.HeldRole{
			Role: role, Scope: scope(s.Securable), Fact: q.m.Fact(ownerRead(q.e, s.Securable)),
		})
	}
}

func scope(s identity.Securable) string { return s.Type.Title() + " " + s.FullName() }

func (q *rolesQuestion) sort() {
	slices.SortStableFunc(q.r.Roles, func(a, b report.HeldRole) int {
		return cmp.Or(
			strings.Compare(a.Principal.Kind, b.Principal.Kind),
			strings.Compare(identity.FoldName(a.Principal.Name), identity.FoldName(b.Principal.Name)),
			strings.Compare(a.Principal.ID, b.Principal.ID),
			strings.Compare(a.Role, b.Role),
			strings.Compare(a.Scope, b.Scope),
			slices.Compare(a.Path, b.Path),
			strings.Compare(a.Detail, b.Detail),
		)
	})
	q.r.Roles = slices.CompactFunc(q.r.Roles, func(a, b report.HeldRole) bool {
		return a.Principal.ID == b.Principal.ID && a.Principal.Kind == b.Principal.Kind && a.Principal.Name == b.Principal.Name &&
			a.Role == b.Role && a.Scope == b.Scope && slices.Equal(a.Path, b.Path) && a.Detail == b.Detail
	})
}

// unknowable says of which roles nothing tells.
func (q *rolesQuestion) unknowable() {
	say := func(role, why string) {
		q.r.Unknowable = append(q.r.Unknowable, report.Unknowable{Role: role, Why: why})
	}
	say("support", "no API tells which of Databricks' staff may enter the account for support")
	say("identity provider administrator", "whoever administers the identity provider, or holds its provisioning token, decides who is in the groups that it keeps")
	azure := false
	for _, w := range q.e.Workspaces() {
		azure = azure || w.Cloud == "azure"
	}
	if azure {
		say("azure owner or contributor", "whoever is Owner or Contributor of a workspace's Azure resource becomes its admin by opening it from the Azure portal: only Azure Resource Manager tells who")
		say("entra global administrator", "a Global Administrator can make itself the account's first admin: only Microsoft Entra ID tells who")
	}
	if !q.e.Saw(rolesRead(identity.PrincipalKey{})) {
		for _, role := range []string{"billing_admin", "marketplace_admin"} {
			say(role, fmt.Sprintf("to %s was not part of what was read, or failed", q.e.Operation(rolesRead(identity.PrincipalKey{}))))
		}
	}
	if !slices.ContainsFunc(q.e.Reads(), func(r estate.Read) bool {
		return r.Key.Op == estate.OpRoles && !r.Key.Principal.IsZero() && r.Outcome.OK()
	}) {
		for _, role := range []string{"group_manager", "group_assumer", "service_principal_manager", "service_principal_user"} {
			say(role, "the roles on groups and service principals were not read")
		}
	}
	slices.SortStableFunc(q.r.Unknowable, func(a, b report.Unknowable) int {
		return cmp.Or(strings.Compare(a.Role, b.Role), strings.Compare(a.Why, b.Why))
	})
}
