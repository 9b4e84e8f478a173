package plan_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
)

// TestWhatIfThereAndBack holds that what a change gives, taking it back takes.
func TestWhatIfThereAndBack(t *testing.T) {
	turned := 0
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		steps, err := plan.Steps(m, w)
		if err != nil {
			t.Skip("refused")
		}
		there := carried(steps, true)
		back := slices.Clone(there)
		for i, c := range there {
			back[i].Before, back[i].After = c.After, c.Before
		}
		slices.Reverse(back)
		forth := plan.WhatIf(m, plan.Hypothesis{Changes: there})
		after := m.With(plan.Overlay(m.Estate(), there))
		again := plan.WhatIf(after, plan.Hypothesis{Changes: back})
		turned += len(forth.Gains)
		// The ways differ: before, there is none for what is gained.
		ignore := cmpopts.IgnoreFields(report.Gain{}, "Because", "Path", "Principal")
		if diff := cmp.Diff(forth.Gains, again.Losses, ignore, cmpopts.EquateEmpty(), unordered()); diff != "" {
			t.Errorf("gained there and lost back differ:\n%s", diff)
		}
	})
	if turned == 0 {
		t.Error("nothing was ever gained: the test shows nothing")
	}
}

func unordered() cmp.Option {
	return cmpopts.SortSlices(func(a, b report.Gain) bool {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return string(x) < string(y)
	})
}

// TestDeletedHasNothing holds that whoever is deleted loses all that it certainly had, and nobody gains.
func TestDeletedHasNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, w := drawn(t)
		if w.Target.Kind != identity.KindUser {
			t.Skip("no user")
		}
		r := plan.WhatIf(m, plan.Hypothesis{Deleted: []identity.PrincipalKey{w.Target}})
		for _, g := range r.Gains {
			if g.Principal.ID == w.Target.ID {
				t.Errorf("deleted, it gains %+v", g)
			}
		}
		had := m.Principal(w.Target, access.Also{})
		if len(had.Workspaces) > 0 && had.Principal.Active != nil && *had.Principal.Active && len(r.Losses) == 0 {
			t.Errorf("it could enter %+v, and loses nothing", had.Workspaces)
		}
	})
}

// small is an account with two principals of one name, and a catalog in two metastores.
func small() plan.Names {
	b := estate.NewBuilder("acc")
	sp := person("5")
	sp.Key.Kind, sp.Name, sp.DisplayName = identity.KindServicePrincipal, "app-5", "u1@x.test"
	for _, p := range []identity.Principal{person("1"), person("2"), group("10"), group("11"), sp} {
		b.AddPrincipal(p)
	}
	twin := group("12")
	twin.Name = "g11"
	b.AddPrincipal(twin)
	b.AddWorkspace(identity.Workspace{ID: 7, Name: "w"})
	for _, m := range []string{"m1", "m2"} {
		b.AddMetastore(identity.Metastore{ID: m, Name: "store-" + m, PrivilegeModel: "1.0"})
		b.AddSecurable(identity.SecurableInfo{Securable: identity.CatalogSecurable(m, "both")})
	}
	b.AddSecurable(identity.SecurableInfo{Securable: identity.CatalogSecurable("m1", "main")})
	table := identity.Securable{Metastore: "m1", Type: identity.TypeTable, Catalog: "main", Schema: "s", Name: "t.1"}
	b.AddSecurable(identity.SecurableInfo{Securable: table})
	b.AddGrants(table, []identity.Grant{{Securable: table, Holder: "g10", Privileges: []identity.Privilege{identity.AllPrivileges, identity.Manage, identity.Select}}})
	b.AddMembership(identity.PrincipalKey{Kind: identity.KindUser, ID: "2"}, key("10"))
	return plan.Names{E: b.Build()}
}

func TestScript(t *testing.T) {
	n := small()
	changes, err := n.Script("revoke all on `main`.s.`t.1` from g10; GRANT USE CATALOG, BROWSE ON CATALOG Main TO `u1@x.test`")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, string(c.Cell.Privilege)+" "+c.HolderName+" "+string(c.Before)+">"+string(c.After))
	}
	// MANAGE is not in ALL PRIVILEGES, and stays.
	want := []string{"ALL_PRIVILEGES g10 present>", "SELECT g10 present>", "USE_CATALOG u1@x.test >present", "BROWSE u1@x.test >present"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreNeverGuessed(t *testing.T) {
	n := small()
	for script, want := range map[string]string{
		"GRANT SELECT ON CATALOG both TO g10":                    "names 2 securables",
		"GRANT SELECT ON CATALOG main TO g11":                    "names 2 principals",
		"GRANT SELECT ON CATALOG main TO nobody":                 "is called",
		"GRANT SELECT ON TABLE main.s.t TO g10":                  "no securable called",
		"GRANT READ VOLUME ON TABLE main.s.`t.1` TO `u1@x.test`": "",
	} {
		changes, err := n.Script(script)
		if want == "" {
			if err != nil || len(changes) != 1 {
				t.Errorf("%s: %v, %+v", script, err, changes)
			}
			continue
		}
		if !errors.As(err, new(*plan.UnclearError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
	n.Metastore = "store-m2"
	if changes, err := n.Script("GRANT USE CATALOG ON CATALOG both TO g10"); err != nil || changes[0].Cell.Securable.Metastore != "m2" {
		t.Errorf("%v, %+v", err, changes)
	}
}

func TestTerraformPlan(t *testing.T) {
	n := small()
	h, left, err := terraform(n, `{"format_version":"1.2","resource_changes":[
		{"address":"a","type":"databricks_group_member","change":{"actions":["delete"],"before":{"group_id":"10","member_id":"2"},"after":null}},
		{"address":"b","type":"databricks_grant","change":{"actions":["update"],"before":{"catalog":"main","principal":"g10","privileges":["USE_CATALOG","BROWSE"]},"after":{"catalog":"main","principal":"g10","privileges":["USE_CATALOG","SELECT"]}}},
		{"address":"c","type":"databricks_mws_permission_assignment","change":{"actions":["create"],"before":null,"after":{"workspace_id":7,"principal_id":1,"permissions":["ADMIN"]}}},
		{"address":"d","type":"databricks_group_member","change":{"actions":["create"],"before":null,"after":{"group_id":"10"}}},
		{"address":"e","type":"databricks_secret_acl","change":{"actions":["create"],"before":null,"after":{}}},
		{"address":"f","type":"databricks_user","change":{"actions":["delete"],"before":{"id":"1"},"after":null}},
		{"address":"g","type":"databricks_secret_acl","change":{"actions":["no-op"],"before":{},"after":{}}},
		{"address":"h","type":"databricks_grants","change":{"actions":["create"],"before":null,"after":{"catalog":"main","grant":[{"principal":"u1@x.test","privileges":["USE CATALOG"]}]}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range h.Changes {
		got = append(got, string(c.Cell.Kind)+" "+c.HolderName+" "+string(c.Cell.Privilege)+" "+string(c.After))
	}
	want := []string{"member u2@x.test  ", "grant g10 BROWSE ", "grant g10 USE_CATALOG present", "grant g10 SELECT present", "assignment u1@x.test  ADMIN", "grant u1@x.test USE_CATALOG present"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(left) != 2 || !strings.HasPrefix(left[0], "d: ") || !strings.HasPrefix(left[1], "e: ") {
		t.Errorf("left: %q", left)
	}
	if len(h.Deleted) != 1 || h.Deleted[0].ID != "1" {
		t.Errorf("deleted: %v", h.Deleted)
	}
	for _, bad := range []string{"", "{}", "[]", "GRANT"} {
		if _, err := plan.ParseTerraform([]byte(bad)); !errors.As(err, new(*plan.UnclearError)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func terraform(n plan.Names, text string) (h plan.Hypothesis, left []string, err error) {
	p, err := plan.ParseTerraform([]byte(text))
	if err != nil {
		return h, nil, err
	}
	h, left = n.Terraform(p)
	return h, left, nil
}

// TestTerraformDeletes holds that somebody who has no id in a plan is found by name, among those of the kind alone.
func TestTerraformDeletes(t *testing.T) {
	for change, want := range map[string]string{
		`"databricks_user","change":{"actions":["delete"],"before":{"user_name":"u2@x.test"}}`:                 "2",
		`"databricks_user","change":{"actions":["delete"],"before":{"id":"2","user_name":"u1@x.test"}}`:        "2",
		`"databricks_user","change":{"actions":["delete"],"before":{"user_name":"U1@X.test"}}`:                 "1",
		`"databricks_group","change":{"actions":["delete"],"before":{"display_name":"g10"}}`:                   "10",
		`"databricks_service_principal","change":{"actions":["delete"],"before":{"application_id":"app-5"}}`:   "5",
		`"databricks_service_principal","change":{"actions":["delete"],"before":{"display_name":"u1@x.test"}}`: "r: it does not say who is deleted: it has neither id nor application_id",
		`"databricks_user","change":{"actions":["delete"],"before":{"user_name":"app-5"}}`:                     `r: no user is called "app-5"`,
		`"databricks_user","change":{"actions":["delete"],"before":{}}`:                                        "r: it does not say who is deleted: it has neither id nor user_name",
	} {
		h, left, err := terraform(small(), `{"format_version":"1.2","resource_changes":[{"address":"r","type":`+change+`}]}`)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(left, "; ")
		for _, k := range h.Deleted {
			got += k.ID
		}
		if got != want {
			t.Errorf("%s\n  gives %q, want %q", change, got, want)
		}
	}
}
