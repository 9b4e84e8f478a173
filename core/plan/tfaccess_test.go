package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// offices are two workspaces: the job 1 is in one, the job 2 in both, and the warehouses of one could not be read.
func offices() plan.Names {
	b := estate.NewBuilder("acc")
	robot := person("5")
	robot.Key.Kind, robot.Name = identity.KindServicePrincipal, "app-5"
	for _, p := range []identity.Principal{person("1"), person("2"), group("10"), robot} {
		b.AddPrincipal(p)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, w := range []identity.Workspace{{ID: 7, Name: "w7", Host: "https://w7.example.test"}, {ID: 8, Name: "w8", Host: "https://w8.example.test"}} {
		b.AddWorkspace(w)
		for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
			b.Record(estate.ReadKey{Op: estate.OpEntitlements, Workspace: w.ID, Principal: identity.PrincipalKey{Kind: kind}}, estate.OutcomeOf(nil, at))
		}
	}
	lacking := estate.Outcome{Kind: identity.Forbidden, Needed: true, At: at}
	b.Record(estate.ReadKey{Op: estate.OpObjects, Object: identity.Object{Workspace: 8, Type: identity.ObjectWarehouse}}, lacking)
	entry := func(kind identity.Kind, name string, level identity.Level) identity.ObjectGrant {
		return identity.ObjectGrant{Holder: identity.PrincipalName{Kind: kind, Name: name}, Level: level}
	}
	object := func(in identity.WorkspaceID, t identity.ObjectType, id string, list ...identity.ObjectGrant) {
		o := identity.Object{Workspace: in, Type: t, ID: id}
		b.AddObject(identity.ObjectInfo{Object: o, Name: "the " + id})
		b.AddObjectGrants(o, list)
	}
	object(7, identity.ObjectJob, "1", entry(identity.KindUser, "u1@x.test", identity.IsOwner), entry(identity.KindUser, "u2@x.test", identity.CanView),
		entry(identity.KindGroup, "admins", identity.CanManage))
	object(7, identity.ObjectJob, "2")
	object(8, identity.ObjectJob, "2")
	object(7, identity.ObjectWarehouse, "w")
	object(8, identity.ObjectPipeline, "p")
	object(8, identity.ObjectSecretScope, "s")
	b.AddEntitlements(8, identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, []identity.Entitlement{identity.WorkspaceAccess, identity.AllowClusterCreate})
	return plan.Names{E: b.Build()}
}

const applier = "r: whoever applies it may manage or own the object afterwards, and who does is not known"

// TestTerraformAccess holds what becomes of resources that set who may use an object, and who is entitled to what. Lists are set
// as a whole: what is not on them goes, except what the provider keeps.
func TestTerraformAccess(t *testing.T) {
	for name, c := range map[string]struct {
		resource string
		want     []string
	}{
		"a list is made": {
			`"databricks_permissions","change":{"actions":["create"],"before":null,"after":{"job_id":1,"access_control":[{"group_name":"g10","user_name":"","permission_level":"CAN_MANAGE_RUN"}]}}`,
			[]string{"object_acl u2@x.test w7 jobs 1 CAN_VIEW>", "object_acl g10 w7 jobs 1 >CAN_MANAGE_RUN", applier},
		},
		"a list is made that names an owner": {
			`"databricks_permissions","change":{"actions":["create"],"before":null,"after":{"job_id":"1","access_control":[{"service_principal_name":"app-5","permission_level":"IS_OWNER"},{"user_name":"U2@x.test","permission_level":"CAN_MANAGE"},{"user_name":"u2@x.test","permission_level":"CAN_VIEW"}]}}`,
			[]string{"object_acl u1@x.test w7 jobs 1 IS_OWNER>", "object_acl app-5 w7 jobs 1 >IS_OWNER", "object_acl u2@x.test w7 jobs 1 CAN_VIEW>CAN_MANAGE", applier},
		},
		"a list is changed: whom it did not name keeps what it has": {
			`"databricks_permissions","change":{"actions":["update"],"before":{"job_id":"1","access_control":[{"group_name":"g10","permission_level":"CAN_VIEW"},{"user_name":"u1@x.test","permission_level":"IS_OWNER"}]},"after":{"job_id":"1","access_control":[{"group_name":"users","permission_level":"CAN_VIEW"},{"user_name":"u1@x.test","permission_level":"IS_OWNER"}]}}`,
			[]string{"object_acl g10 w7 jobs 1 >", "object_acl users w7 jobs 1 >CAN_VIEW", "object_acl u1@x.test w7 jobs 1 IS_OWNER>IS_OWNER"},
		},
		"a list goes": {
			`"databricks_permissions","change":{"actions":["delete"],"before":{"job_id":"1","access_control":[{"user_name":"u2@x.test","permission_level":"CAN_VIEW"}]},"after":null}`,
			[]string{"object_acl u2@x.test w7 jobs 1 CAN_VIEW>", applier},
		},
		"a pipeline's stays": {
			`"databricks_permissions","change":{"actions":["delete"],"before":{"pipeline_id":"p","access_control":[{"user_name":"u2@x.test","permission_level":"CAN_VIEW"}]},"after":null}`,
			[]string{"r: the provider leaves the permissions on a pipeline as they are"},
		},
		"in two workspaces": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"job_id":"2","access_control":[{"group_name":"g10","permission_level":"CAN_VIEW"}]}}`,
			[]string{`r: job "2" is in 2 workspaces, and it is not said which is meant`},
		},
		"said by the resource": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"job_id":"2","provider_config":[{"workspace_id":"8"}],"access_control":[{"group_name":"g10","permission_level":"CAN_VIEW"}]}}`,
			[]string{"object_acl g10 w8 jobs 2 >CAN_VIEW", applier},
		},
		"said, and not seen": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"job_id":"2","provider_config":[{"workspace_id":"9"}],"access_control":[{"group_name":"g10","permission_level":"CAN_VIEW"}]}}`,
			[]string{`r: no workspace "9" was seen`},
		},
		"perhaps in another": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"sql_endpoint_id":"w","access_control":[{"group_name":"g10","permission_level":"CAN_USE"}]}}`,
			[]string{`r: which SQL warehouse "w" is meant is not known: what there is was not read in workspace w8`},
		},
		"no such thing": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"cluster_id":"c","access_control":[{"group_name":"g10","permission_level":"CAN_RESTART"}]}}`,
			[]string{`r: no cluster "c" was seen`},
		},
		"no such level": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"job_id":"1","access_control":[{"group_name":"g10","permission_level":"CAN_RESTART"}]}}`,
			[]string{`r: "CAN_RESTART" is no level of a job`},
		},
		"nobody": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"job_id":"1","access_control":[{"group_name":"g11","permission_level":"CAN_VIEW"}]}}`,
			[]string{`r: no group is called "g11"`},
		},
		"made with it": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"access_control":[{"group_name":"g10","permission_level":"CAN_VIEW"}]},"after_unknown":{"job_id":true}}`,
			[]string{"r: the object is known only after it is made, or is of a type that is not looked at"},
		},
		"a list that is not known yet is no empty list": {
			`"databricks_permissions","change":{"actions":["update"],"before":{"job_id":"1","access_control":[{"user_name":"u2@x.test","permission_level":"CAN_VIEW"}]},"after":{"job_id":"1"},"after_unknown":{"access_control":true}}`,
			[]string{"r: access_control is known only after it is made"},
		},
		"nor is one with a name that is not known yet": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"job_id":"1","access_control":[{"permission_level":"CAN_VIEW"}]},"after_unknown":{"id":true,"access_control":[{"user_name":true}]}}`,
			[]string{"r: access_control is known only after it is made"},
		},
		"what lies in the tree": {
			`"databricks_permissions","change":{"actions":["create"],"after":{"notebook_path":"/a","access_control":[{"group_name":"g10","permission_level":"CAN_READ"}]}}`,
			[]string{"r: notebook_path is not looked at: the tree of a workspace is not read for this, and what is given on a directory reaches what is in it"},
		},
		"a secret": {
			`"databricks_secret_acl","change":{"actions":["create"],"after":{"scope":"s","principal":"g10","permission":"READ"}}`,
			[]string{"object_acl g10 w8 secret_scopes s >READ"},
		},
		"a secret for all": {
			`"databricks_secret_acl","change":{"actions":["create"],"after":{"scope":"s","principal":"users","permission":"READ"}}`,
			[]string{"object_acl users w8 secret_scopes s >READ"},
		},
		"entitlements by the provider's host, in place of others": {
			`"databricks_entitlements","change":{"actions":["create"],"after":{"user_id":"1","workspace_access":true,"databricks_sql_access":true,"allow_cluster_create":false}}}],"configuration":{"provider_config":{"databricks.b":{"expressions":{"host":{"constant_value":"https://W8.example.test/"}}}},"root_module":{"resources":[{"address":"r","provider_config_key":"databricks.b"}]}`,
			[]string{"entitlement u1@x.test w8 allow-cluster-create present>", "entitlement u1@x.test w8 databricks-sql-access >present", "entitlement u1@x.test w8 workspace-access present>present"},
		},
		"entitlements are changed": {
			`"databricks_entitlements","change":{"actions":["update"],"before":{"user_id":"1","workspace_access":true,"provider_config":[{"workspace_id":"8"}]},"after":{"user_id":"1","workspace_consume":true,"provider_config":[{"workspace_id":"8"}]}}`,
			[]string{"entitlement u1@x.test w8 workspace-access present>", "entitlement u1@x.test w8 workspace-consume >present"},
		},
		"entitlements of nobody knows where": {
			`"databricks_entitlements","change":{"actions":["create"],"after":{"user_id":"1","workspace_access":true}}`,
			[]string{"r: it is not said in which workspace; ask about one with --workspace-urls, or give the provider its host"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := `{"format_version":"1.2","resource_changes":[{"address":"r","type":` + c.resource
			if !strings.Contains(text, `"configuration"`) {
				text += `}]`
			} else {
				text += `}`
			}
			h, left, err := terraform(offices(), text+`}`)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range h.Changes {
				words := []string{string(x.Cell.Kind), x.HolderName}
				if o := x.Cell.Object; x.Cell.Kind == plan.ObjectLevel {
					words = append(words, "w"+o.Workspace.String(), string(o.Type), o.ID)
				} else {
					words = append(words, "w"+x.Cell.Workspace.String(), string(x.Cell.Entitlement))
				}
				got = append(got, strings.Join(append(words, string(x.Before)+">"+string(x.After)), " "))
			}
			if diff := cmp.Diff(c.want, append(got, left...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTerraformNeeds holds that a plan says what has to be read for it, and no more.
func TestTerraformNeeds(t *testing.T) {
	p, err := plan.ParseTerraform([]byte(`{"format_version":"1.2","resource_changes":[
		{"address":"a","type":"databricks_permissions","change":{"actions":["create"],"after":{"sql_endpoint_id":"w"}}},
		{"address":"b","type":"databricks_permissions","change":{"actions":["delete"],"before":{"job_id":"1"}}},
		{"address":"c","type":"databricks_permissions","change":{"actions":["create"],"after":{"directory_id":"1"}}},
		{"address":"d","type":"databricks_secret_acl","change":{"actions":["create"],"after":{}}},
		{"address":"e","type":"databricks_entitlements","change":{"actions":["no-op"],"after":{}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	entitlements, objects := p.Needs()
	if want := []identity.ObjectType{identity.ObjectJob, identity.ObjectSecretScope, identity.ObjectWarehouse}; entitlements || !slices.Equal(objects, want) {
		t.Errorf("needs %v, %v", entitlements, objects)
	}
}
