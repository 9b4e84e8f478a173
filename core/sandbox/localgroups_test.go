package sandbox

import (
	"strings"
	"testing"
)

// TestLocalGroups: a group of one workspace, which may carry the name of an
// account group that is not there.
func TestLocalGroups(t *testing.T) {
	const groups, users = "/api/2.0/preview/scim/v2/Groups", "/api/2.0/preview/scim/v2/Users/"
	c := acme(t, Options{})
	kinds := map[string]any{}
	for _, g := range c.want(c.on("staging", groups), 200).list("Resources") {
		if g["displayName"] == "analysts" {
			kinds[g["id"].(string)] = g["meta"].(map[string]any)["resourceType"]
		}
	}
	if len(kinds) != 1 || kinds["8102"] != "WorkspaceGroup" {
		t.Errorf("analysts of staging: %v", kinds)
	}
	if got := c.on("staging", groups+"/8102").list("members"); len(got) != 1 || got[0]["$ref"] != "Users/1012" {
		t.Errorf("members: %v", got)
	}

	// An entry for analysts is about the workspace's group.
	c.srv.Update(func(a *Account) {
		w := a.WorkspaceByName("staging")
		// It stands before the group that it holds.
		w.LocalGroups = append([]*LocalGroup{{ID: "8103", DisplayName: "nested", Members: []string{"8102", "3004"}}}, w.LocalGroups...)
		w.Assignments = append(w.Assignments, assignUser("1002"))
		w.LocalGroups = append([]*LocalGroup{{ID: "8104", DisplayName: "outer", Members: []string{"8103"}}}, w.LocalGroups...)
		w.PATs = append(w.PATs, &PAT{ID: "b", Value: "dapi-bob", OwnerID: "1002"}, &PAT{ID: "n", Value: "dapi-niaj", OwnerID: "1012"})
		for _, o := range w.Objects {
			if o.Type == "warehouses" {
				o.ACL = []ACE{group("analysts", "CAN_USE")}
			}
		}
	})
	seen := func(token string) int {
		return len(c.with(token).want(c.with(token).on("staging", "/api/2.0/sql/warehouses"), 200).list("warehouses"))
	}
	if bob, niaj := seen("dapi-bob"), seen("dapi-niaj"); bob != 0 || niaj != 1 {
		t.Errorf("bob of the account's analysts sees %d, niaj of the workspace's %d", bob, niaj)
	}
	how := map[any]any{}
	for _, g := range c.on("staging", users+"1012").list("groups") {
		how[g["display"]] = g["type"]
		if g["$ref"] != "Groups/"+g["value"].(string) {
			t.Errorf("$ref: %v", g)
		}
	}
	if how["analysts"] != "direct" || how["nested"] != "indirect" || how["outer"] != "indirect" || how["data-engineering"] != "direct" {
		t.Errorf("niaj's groups: %v", how)
	}
	if got := c.on("staging", groups+"/8103").names("members", "display"); strings.Join(got, " ") != "analysts data-engineering" {
		t.Errorf("members that are groups: %q", got)
	}
	if got := c.on("staging", groups+"/3004").names("groups", "display"); strings.Join(got, " ") != "nested outer" {
		t.Errorf("groups of a group: %q", got)
	}
}

func TestGroupNamesAreUniqueInAWorkspace(t *testing.T) {
	for name, spoil := range map[string]func(*Workspace){
		"two groups are called analysts": func(w *Workspace) {
			w.LocalGroups = append(w.LocalGroups, &LocalGroup{ID: "8", DisplayName: "analysts"})
		},
		"two groups are called Admins": func(w *Workspace) { w.LocalGroups = append(w.LocalGroups, &LocalGroup{ID: "8", DisplayName: "Admins"}) },
		"two groups are called PROD-local-ops": func(w *Workspace) {
			w.LocalGroups = append(w.LocalGroups, &LocalGroup{ID: "8", DisplayName: "PROD-local-ops"})
		},
	} {
		a := Acme()
		spoil(a.WorkspaceByName("prod"))
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}
