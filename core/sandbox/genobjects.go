package sandbox

import (
	"fmt"
	"slices"
)

// GenExtras are what a generated account has only if asked for, so that accounts
// of other options stay as they are. All are numbers for each workspace unless
// they say otherwise; 0 means none.
type GenExtras struct {
	// AccountRules is how many roles are given on the account as a whole, for the account.
	AccountRules int
	// SPRuleSetsPerThousand service principals of 1000 have a rule set, for the account.
	SPRuleSetsPerThousand int

	LocalGroups int
	// EntitledGroups and EntitledUsers have an entitlement of their own.
	EntitledGroups, EntitledUsers int
	// InstanceProfiles is how many groups may use an instance profile.
	InstanceProfiles int

	// Folders are folders with a permission, Notebooks are spread over them; one
	// notebook in ten has a permission of its own.
	Folders, Notebooks int
	// Jobs run a notebook each, every third of them as a service principal. They
	// come besides ObjectsPerWorkspace.
	Jobs                                            int
	Clusters, Warehouses, Queries, Dashboards, Apps int
	Scopes, Tokens                                  int
}

// extras adds to a finished account. It comes last, so that what came before does
// not change with it.
type extras struct {
	GenExtras
	*generator
	// next is the number of the last id that was given to an object.
	next int
}

func (g *generator) extras() {
	x := &extras{GenExtras: g.Extras, generator: g}
	x.roles()
	for i, w := range g.acct.Workspaces {
		x.identities(w, i)
		x.files(w)
		x.compute(w)
		x.sql(w)
		x.secrets(w)
	}
}

// aUser, aGroup and anSP pick one. Where there is none it is the auditor, or the
// group of everybody.
func (x *extras) aUser() *User {
	if x.Users == 0 {
		return &User{ID: auditorID, UserName: generatedAuditorApp}
	}
	return x.acct.Users[x.rnd.IntN(x.Users)]
}

func (x *extras) anSP() *ServicePrincipal {
	return x.acct.ServicePrincipals[x.rnd.IntN(len(x.acct.ServicePrincipals))]
}

func (x *extras) aGroup() *Group {
	if x.Groups == 0 {
		return &Group{ID: everyoneID, DisplayName: GroupAccountUsers}
	}
	return x.acct.Groups[x.rnd.IntN(x.Groups)]
}

func (x *extras) entry(level string) ACE {
	switch x.rnd.IntN(10) {
	case 0:
		return app(x.anSP().ApplicationID, level)
	case 1, 2:
		if x.Users > 0 {
			return ACE{User: x.aUser().UserName, Level: level}
		}
	}
	return group(x.aGroup().DisplayName, level)
}

// owner is a user, or the auditor where there is none.
func (x *extras) owner() ACE {
	if x.Users == 0 {
		return app(generatedAuditorApp, "IS_OWNER")
	}
	return ACE{User: x.aUser().UserName, Level: "IS_OWNER"}
}

func (x *extras) roles() {
	prefix := "accounts/" + x.acct.ID + "/"
	account := &RuleSet{Name: prefix + "ruleSets/default", Version: 1}
	for i := range x.AccountRules {
		role := rolesByTarget["account"][i%len(rolesByTarget["account"])]
		account.Rules = append(account.Rules, GrantRule{role, []string{"groups/" + x.aGroup().DisplayName}})
	}
	if len(account.Rules) > 0 {
		x.acct.RuleSets = append(x.acct.RuleSets, account)
	}
	for _, sp := range x.acct.ServicePrincipals[:x.ServicePrincipals] {
		if x.rnd.IntN(1000) >= x.SPRuleSetsPerThousand {
			continue
		}
		x.acct.RuleSets = append(x.acct.RuleSets, &RuleSet{Name: prefix + "servicePrincipals/" + sp.ApplicationID + "/ruleSets/default", Version: 1, Rules: []GrantRule{
			{"roles/servicePrincipal.user", []string{"groups/" + x.aGroup().DisplayName}},
			{"roles/servicePrincipal.manager", []string{"groups/" + x.aGroup().DisplayName}},
		}})
	}
}

const (
	firstLocalGroupID = 1_000_000
	firstObjectID     = 10_000_000
)

func (x *extras) identities(w *Workspace, n int) {
	for i := range x.LocalGroups {
		id := fmt.Sprint(firstLocalGroupID + n*10_000 + i)
		w.LocalGroups = append(w.LocalGroups, &LocalGroup{ID: id, DisplayName: "local-" + id, Members: []string{x.aUser().ID}})
	}
	for range x.EntitledGroups {
		w.Entitlements[x.aGroup().ID] = []string{"allow-cluster-create"}
	}
	for range x.EntitledUsers {
		w.Entitlements[x.aUser().ID] = []string{"workspace-access"}
	}
	if x.InstanceProfiles > 0 {
		w.InstanceProfiles = map[string][]string{}
	}
	for i := range x.InstanceProfiles {
		w.InstanceProfiles[x.aGroup().ID] = []string{fmt.Sprintf("arn:aws:iam::123456789012:instance-profile/gen-%03d", i)}
	}
}

// add makes an object; a principal has one entry of its own, the first.
func (x *extras) add(w *Workspace, kind, name, path string, acl ...ACE) *Object {
	x.next++
	o := &Object{Type: kind, ID: fmt.Sprint(firstObjectID + x.next), Name: fmt.Sprintf("%s-%06d", name, x.next), Path: path}
	for _, e := range acl {
		if !slices.ContainsFunc(o.ACL, func(old ACE) bool { return old.key() == e.key() }) {
			o.ACL = append(o.ACL, e)
		}
	}
	w.Objects = append(w.Objects, o)
	return o
}

func folderPath(n int) string { return fmt.Sprintf("/Shared/folder-%04d", n) }

// notebookPath puts notebooks into the folders in turn.
func (x *extras) notebookPath(n int) string {
	if x.Folders <= 0 {
		return fmt.Sprintf("/Shared/notebook-%05d", n)
	}
	return fmt.Sprintf("%s/notebook-%05d", folderPath(n%x.Folders), n)
}

func (x *extras) files(w *Workspace) {
	if x.Folders <= 0 && x.Notebooks <= 0 {
		return
	}
	x.add(w, "directories", "shared", "/Shared", group(GroupUsers, "CAN_READ"))
	for i := range x.Folders {
		x.add(w, "directories", "folder", folderPath(i), x.entry("CAN_EDIT"))
	}
	for i := range x.Notebooks {
		o := x.add(w, "notebooks", "notebook", x.notebookPath(i))
		if i%10 == 0 {
			o.ACL = []ACE{x.entry("CAN_RUN")}
		}
	}
}

func (x *extras) compute(w *Workspace) {
	for i := range x.Jobs {
		owner := x.owner()
		o := x.add(w, "jobs", "etl", "", owner, x.entry("CAN_MANAGE_RUN"))
		o.Creator = owner.User + owner.SP
		if i%3 == 0 {
			o.RunAs = x.anSP().ApplicationID
		}
		o.Settings = map[string]any{"tasks": []map[string]any{notebookTask("main", x.notebookPath(i%max(x.Notebooks, 1)))}}
	}
	for i := range x.Clusters {
		o := x.add(w, "clusters", "cluster", "", x.entry("CAN_ATTACH_TO"), x.entry("CAN_MANAGE"))
		o.Extra = map[string]any{"data_security_mode": "USER_ISOLATION"}
		if i%4 == 0 {
			o.Extra = map[string]any{"data_security_mode": "SINGLE_USER", "single_user_name": x.aUser().UserName}
		}
	}
	for range x.Apps {
		sp := x.anSP()
		x.add(w, "apps", "app", "", x.entry("CAN_USE")).Extra = map[string]any{"service_principal_client_id": sp.ApplicationID, "service_principal_id": number(sp.ID)}
	}
}

func (x *extras) sql(w *Workspace) {
	for range x.Warehouses {
		owner := x.owner()
		x.add(w, "warehouses", "warehouse", "", owner, x.entry("CAN_USE")).Creator = owner.User + owner.SP
	}
	for i := range x.Queries {
		o := x.add(w, "queries", "query", "", x.entry("CAN_RUN"))
		o.Owner = x.aUser().UserName
		o.Extra = map[string]any{"run_as_mode": []string{"OWNER", "VIEWER"}[i%2]}
	}
	for i := range x.Dashboards {
		x.add(w, "dashboards", "dashboard", "", x.entry("CAN_READ")).Published = &Published{EmbedCredentials: i%2 == 0}
	}
}

func (x *extras) secrets(w *Workspace) {
	for i := range x.Scopes {
		w.Scopes = append(w.Scopes, &SecretScope{Name: fmt.Sprintf("scope-%03d", i), Backend: "DATABRICKS", ACLs: []SecretACL{{x.aGroup().DisplayName, "READ"}, {x.aUser().UserName, "MANAGE"}}})
	}
	if x.Tokens > 0 {
		w.TokensACL = []ACE{group(GroupUsers, "CAN_USE")}
	}
	for i := range x.Tokens {
		w.PATs = append(w.PATs, &PAT{ID: fmt.Sprintf("tok-%d-%05d", w.ID%1000, i), OwnerID: x.aUser().ID, CreationTime: acmeEpoch, ExpiryTime: -1})
	}
}
