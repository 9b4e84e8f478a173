package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

// TerraformPlan is as much of a plan of Terraform as matters here.
//
// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
type TerraformPlan struct {
	FormatVersion   string     `json:"format_version"`
	ResourceChanges []tfChange `json:"resource_changes"`
	Configuration   struct {
		Providers map[string]struct {
			Expressions struct {
				Host struct {
					Constant any `json:"constant_value"`
				} `json:"host"`
			} `json:"expressions"`
		} `json:"provider_config"`
		Root struct {
			Resources []struct {
				Address  string `json:"address"`
				Provider string `json:"provider_config_key"`
			} `json:"resources"`
		} `json:"root_module"`
	} `json:"configuration"`
}

// provider is by what a resource is made, and which host that has, where the plan says so. What modules make
// is theirs.
func (p *TerraformPlan) provider(r tfChange) (key, host string) {
	if r.Module != "" {
		return "module " + r.Module, ""
	}
	address, _, _ := strings.Cut(r.Address, "[")
	for _, x := range p.Configuration.Root.Resources {
		if x.Address == address {
			host, _ = p.Configuration.Providers[x.Provider].Expressions.Host.Constant.(string)
			return x.Provider, host
		}
	}
	return "", ""
}

// unsaid counts the providers of entitlements of which it is not said whose they are.
func (p *TerraformPlan) unsaid() int {
	keys := map[string]bool{}
	for _, r := range p.ResourceChanges {
		if key, host := p.provider(r); host == "" && r.Type == "databricks_entitlements" {
			keys[key] = true
		}
	}
	return len(keys)
}

// tfChange is what happens to one resource.
type tfChange struct {
	Address string `json:"address"`
	Type    string `json:"type"`
	Mode    string `json:"mode"`
	Module  string `json:"module_address"`
	Change  struct {
		Actions []string `json:"actions"`
		// Unknown has the arguments that are known only after the change, as true in the place of the value.
		Unknown tfValues `json:"after_unknown"`
		Before  tfValues `json:"before"`
		After   tfValues `json:"after"`
	} `json:"change"`
}

// matters reports whether the change is of what Databricks has, and is one.
func (r tfChange) matters() bool {
	none := slices.Equal(r.Change.Actions, []string{"no-op"}) || slices.Equal(r.Change.Actions, []string{"read"})
	return r.Mode != "data" && strings.HasPrefix(r.Type, "databricks_") && !none
}

// ParseTerraform reads what terraform show -json writes of a plan. The error is an *UnclearError: the text is no
// such plan.
func ParseTerraform(text []byte) (*TerraformPlan, error) {
	var p TerraformPlan
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&p); err != nil {
		return nil, &UnclearError{fmt.Sprintf("this is no Terraform plan: %v", err)}
	}
	if p.FormatVersion == "" {
		return nil, &UnclearError{"this is no Terraform plan: it has no format_version"}
	}
	return &p, nil
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

// Terraform is what a plan of Terraform changes. Resources of the Databricks provider that may change
// access in other ways, or whose names are not known before they are made, are named in left.
func (n Names) Terraform(p *TerraformPlan) (h Hypothesis, left []string) {
	for _, r := range p.ResourceChanges {
		if !r.matters() {
			continue
		}
		changes, deleted, err := n.tfResource(p, r)
		if err != nil {
			left = append(left, r.Address+": "+err.Error())
			continue
		}
		if r.Type == "databricks_permissions" && (r.Change.Before == nil || r.Change.After == nil) {
			left = append(left, r.Address+": whoever applies it may manage or own the object afterwards, and who does is not known")
		}
		h.Changes, h.Deleted = append(h.Changes, changes...), append(h.Deleted, deleted...)
	}
	return h, left
}

// tfResource is what happens to one resource, and who is deleted with it.
func (n Names) tfResource(p *TerraformPlan, r tfChange) (changes []Change, deleted []identity.PrincipalKey, err error) {
	if kind, ok := tfPrincipals[r.Type]; ok {
		if !slices.Contains(r.Change.Actions, "delete") {
			return nil, nil, nil
		}
		name := cmp.Or(r.Change.Before.text("id"), r.Change.Before.text(kind.name))
		if name == "" {
			return nil, nil, &UnclearError{"it does not say who is deleted: it has neither id nor " + kind.name}
		}
		k, err := n.Principal(name, kind.of)
		return nil, []identity.PrincipalKey{k}, err
	}
	for _, argument := range tfLists[r.Type] {
		if later(r.Change.Unknown[argument]) {
			return nil, nil, &UnclearError{argument + " is known only after it is made"}
		}
	}
	switch r.Type { // what sets a whole list
	case "databricks_permissions":
		changes, err = n.tfPermissions(p, r)
		return changes, nil, err
	case "databricks_entitlements":
		changes, err = n.tfEntitled(p, r)
		return changes, nil, err
	}
	before, err := n.tfChanges(p, r, r.Change.Before, Absent)
	if err != nil {
		return nil, nil, err
	}
	after, err := n.tfChanges(p, r, r.Change.After, Present)
	return net(before, after), nil, err
}

// tfLists are the arguments that hold more than a name: what is missing there would be taken for nothing.
var tfLists = map[string][]string{
	"databricks_permissions": {"access_control"}, "databricks_entitlements": slices.Sorted(maps.Keys(tfEntitlements)),
	"databricks_grants": {"grant"}, "databricks_grant": {"privileges"}, "databricks_mws_permission_assignment": {"permissions"},
}

// later reports whether any part of a value is known only after the change.
func later(unknown any) bool {
	switch x := unknown.(type) {
	case bool:
		return x
	case []any:
		return slices.ContainsFunc(x, later)
	case map[string]any:
		for _, part := range x {
			if later(part) {
				return true
			}
		}
	}
	return false
}

// tfPrincipals are the resources that are principals, with the argument that names each where it has no id yet.
var tfPrincipals = map[string]struct {
	of   identity.Kind
	name string
}{
	"databricks_user":              {identity.KindUser, "user_name"},
	"databricks_service_principal": {identity.KindServicePrincipal, "application_id"},
	"databricks_group":             {identity.KindGroup, "display_name"},
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
func (n Names) tfChanges(p *TerraformPlan, r tfChange, v tfValues, value Value) ([]Change, error) {
	if v == nil {
		return nil, nil
	}
	switch r.Type {
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
	case "databricks_secret_acl":
		return n.tfSecret(p, r, v, value)
	case "databricks_mws_permission_assignment":
		return n.tfAssignment(v, value)
	default:
		return nil, &UnclearError{"resources of type " + r.Type + " are not looked at"}
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
