package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

// tfPlan is as much of terraform show -json as matters here.
//
// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
type tfPlan struct {
	FormatVersion   string `json:"format_version"`
	ResourceChanges []struct {
		Address string `json:"address"`
		Type    string `json:"type"`
		Mode    string `json:"mode"`
		Change  struct {
			Actions []string `json:"actions"`
			Before  tfValues `json:"before"`
			After   tfValues `json:"after"`
		} `json:"change"`
	} `json:"resource_changes"`
}

// tfValues are the arguments of a resource.
type tfValues map[string]any

func (v tfValues) text(name string) string {
	switch x := v[name].(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case json.Number:
		return x.String()
	default:
		return ""
	}
}

func (v tfValues) texts(name string) []string {
	list, _ := v[name].([]any)
	var all []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// TerraformPlan is what a plan of Terraform changes. Resources of the Databricks provider that may change
// access in other ways, or whose names are not known before they are made, are named in left. The error says
// that the text is no such plan.
func (n Names) TerraformPlan(text []byte) (h Hypothesis, left []string, err error) {
	var p tfPlan
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&p); err != nil {
		return h, nil, &UnclearError{fmt.Sprintf("this is no Terraform plan: %v; write one by terraform show -json PLANFILE", err)}
	}
	if p.FormatVersion == "" {
		return h, nil, &UnclearError{"this is no Terraform plan: it has no format_version; write one by terraform show -json PLANFILE"}
	}
	for _, r := range p.ResourceChanges {
		c := r.Change
		if r.Mode == "data" || !strings.HasPrefix(r.Type, "databricks_") || slices.Equal(c.Actions, []string{"no-op"}) || slices.Equal(c.Actions, []string{"read"}) {
			continue
		}
		before, e1 := n.tfChanges(r.Type, c.Before, Absent)
		after, e2 := n.tfChanges(r.Type, c.After, Present)
		switch {
		case e1 != nil:
			left = append(left, r.Address+": "+e1.Error())
		case e2 != nil:
			left = append(left, r.Address+": "+e2.Error())
		case r.Type == "databricks_user" || r.Type == "databricks_service_principal" || r.Type == "databricks_group":
			if slices.Contains(c.Actions, "delete") {
				k, err := n.Principal(c.Before.text("id"))
				if err != nil {
					left = append(left, r.Address+": "+err.Error())
					continue
				}
				h.Deleted = append(h.Deleted, k)
			}
		default:
			h.Changes = append(h.Changes, net(before, after)...)
		}
	}
	return h, left, nil
}

// net is what remains of taking some cells away and giving others.
func net(before, after []Change) []Change {
	var all []Change
	for _, b := range before {
		if !slices.ContainsFunc(after, func(a Change) bool { return a.Cell == b.Cell }) {
			all = append(all, b)
		}
	}
	return append(all, after...)
}

// tfChanges are the cells that a resource holds, with the value that they have with it or without.
func (n Names) tfChanges(kind string, v tfValues, value Value) ([]Change, error) {
	if v == nil {
		return nil, nil
	}
	switch kind {
	case "databricks_group_member":
		group, member := v.text("group_id"), v.text("member_id")
		if group == "" || member == "" {
			return nil, &UnclearError{"the group or the member is known only after it is made"}
		}
		c, err := n.Member(member, group, value != Absent)
		return []Change{c}, err
	case "databricks_grant":
		return n.tfGrants(v, []any{map[string]any(v)}, value)
	case "databricks_grants":
		rows, _ := v["grant"].([]any)
		return n.tfGrants(v, rows, value)
	case "databricks_mws_permission_assignment":
		return n.tfAssignment(v, value)
	case "databricks_user", "databricks_service_principal", "databricks_group":
		return nil, nil
	default:
		return nil, &UnclearError{"resources of type " + kind + " are not looked at"}
	}
}

// tfSecurables are the arguments that name a securable.
var tfSecurables = map[string]identity.SecurableType{
	"metastore": identity.TypeMetastore, "catalog": identity.TypeCatalog, "schema": identity.TypeSchema, "table": identity.TypeTable,
	"volume": identity.TypeVolume, "function": identity.TypeFunction, "model": identity.TypeModel, "external_location": identity.TypeExternalLocation,
	"storage_credential": identity.TypeStorageCredential, "credential": identity.TypeServiceCredential, "foreign_connection": identity.TypeConnection,
}

func (n Names) tfGrants(v tfValues, rows []any, value Value) ([]Change, error) {
	var all []Change
	for argument, t := range tfSecurables {
		name := v.text(argument)
		if name == "" {
			continue
		}
		parts := strings.Split(name, ".") // the provider joins them so, whatever is in them
		if t == identity.TypeMetastore {
			parts = nil
		}
		for _, row := range rows {
			r, _ := row.(map[string]any)
			one := tfValues(r)
			for _, text := range one.texts("privileges") {
				changes, err := n.Grant(one.text("principal"), identity.ParsePrivilege(text), parts, t, value != Absent)
				if err != nil {
					return nil, err
				}
				all = append(all, changes[0])
			}
		}
		return all, nil
	}
	return nil, &UnclearError{"the securable is known only after it is made, or is of a type that is not looked at"}
}

func (n Names) tfAssignment(v tfValues, value Value) ([]Change, error) {
	id, err := strconv.ParseInt(v.text("workspace_id"), 10, 64)
	if err != nil || v.text("principal_id") == "" {
		return nil, &UnclearError{"the workspace or the principal is known only after it is made"}
	}
	k, err := n.Principal(v.text("principal_id"))
	if err != nil {
		return nil, err
	}
	best := identity.WorkspaceNone
	for _, p := range v.texts("permissions") {
		best = max(best, Permission(Value(p)))
	}
	if value != Absent && best != identity.WorkspaceNone {
		value = Value(best.String())
	}
	return []Change{n.Change(Cell{Kind: Assigned, Holder: k, Workspace: identity.WorkspaceID(id)}, value)}, nil
}
