package sandbox

import "strings"

// policyRoutes are attribute-based policies
// (https://docs.databricks.com/api/workspace/policies).
func policyRoutes() []route {
	get := func(path string, handle func(*call, *viewer) reply) route {
		return route{method: "GET", host: onWorkspace, template: ucBase + path, access: member, handle: withViewer(handle)}
	}
	return []route{
		get("policies/{type}/{name}", (*call).listPolicies),
		get("policies/{type}/{name}/{policy}", (*call).getPolicy),
	}
}

type wireArgument struct {
	Alias string `json:"alias"`
}

type wireMatch struct {
	Alias     string `json:"alias"`
	Condition string `json:"condition"`
}

type wirePolicyFunction struct {
	FunctionName string         `json:"function_name"`
	OnColumn     string         `json:"on_column,omitempty"`
	Using        []wireArgument `json:"using,omitempty"`
}

type wirePolicy struct {
	ID        string              `json:"id"`
	Name      string              `json:"name"`
	Comment   string              `json:"comment,omitempty"`
	Type      string              `json:"policy_type"`
	OnType    string              `json:"on_securable_type"`
	OnName    string              `json:"on_securable_fullname"`
	For       string              `json:"for_securable_type"`
	To        []string            `json:"to_principals"`
	Except    []string            `json:"except_principals,omitempty"`
	When      string              `json:"when_condition,omitempty"`
	Match     []wireMatch         `json:"match_columns,omitempty"`
	RowFilter *wirePolicyFunction `json:"row_filter,omitempty"`
	Mask      *wirePolicyFunction `json:"column_mask,omitempty"`
	Grant     *wirePolicyGrant    `json:"grant,omitempty"`
	CreatedBy string              `json:"created_by,omitempty"`
}

type wirePolicyGrant struct {
	Privileges []string `json:"privileges"`
}

func (p Policy) wire(on *node) wirePolicy {
	w := wirePolicy{
		ID: p.ID, Name: p.Name, Comment: p.Comment, Type: p.Type, OnType: strings.ToUpper(string(on.kind)), OnName: on.full,
		For: p.For, To: p.To, Except: p.Except, When: p.When, CreatedBy: p.CreatedBy,
	}
	for _, m := range p.Match {
		w.Match = append(w.Match, wireMatch{Alias: m[0], Condition: m[1]})
	}
	f := &wirePolicyFunction{FunctionName: p.Function, OnColumn: p.OnColumn}
	for _, alias := range p.Using {
		f.Using = append(f.Using, wireArgument{alias})
	}
	switch p.Type {
	case "POLICY_TYPE_ROW_FILTER":
		w.RowFilter = f
	case "POLICY_TYPE_COLUMN_MASK":
		w.Mask = f
	case "POLICY_TYPE_GRANT":
		w.Grant = &wirePolicyGrant{p.Privileges}
	}
	return w
}

// policies are those attached to a node.
func (n *node) policies() []Policy {
	switch o := n.object.(type) {
	case *Catalog:
		return o.Policies
	case *Schema:
		return o.Policies
	case *Table:
		return o.Policies
	}
	return nil
}

// policySecurable finds the securable of a path: a catalog, schema or table that
// the caller manages.
func (c *call) policySecurable(v *viewer) (*node, *reply) {
	kind := securableKind(strings.ToLower(c.params["type"]))
	switch kind {
	case kindCatalog, kindSchema, kindTable:
	default:
		return nil, failedWith(badRequest("Policies are not supported on securable type %s", strings.ToUpper(string(kind))))
	}
	n, failed := c.findSecurable(v, kind, c.params["name"])
	if failed == nil && !v.manages(n) {
		failed = failedWith(forbidden("User does not have MANAGE on %s '%s'.", n.kind, n.full))
	}
	return n, failed
}

// listPolicies shows the policies of one securable, and with include_inherited
// those of its containers as well
// (https://docs.databricks.com/api/workspace/policies/listpolicies).
func (c *call) listPolicies(v *viewer) reply {
	n, failed := c.policySecurable(v)
	if failed != nil {
		return *failed
	}
	var out []wirePolicy
	for a := n; a != nil; a = a.parent {
		for _, p := range a.policies() {
			out = append(out, p.wire(a))
		}
		if c.query.Get("include_inherited") != "true" {
			break
		}
	}
	return listReply(c, ucPaging("policies", 100, 1000), out)
}

// getPolicy: https://docs.databricks.com/api/workspace/policies/getpolicy
func (c *call) getPolicy(v *viewer) reply {
	n, failed := c.policySecurable(v)
	if failed != nil {
		return *failed
	}
	for _, p := range n.policies() {
		if p.Name == c.params["policy"] {
			return ok(p.wire(n))
		}
	}
	return notFound("POLICY_DOES_NOT_EXIST", "Policy '%s' does not exist on %s '%s'.", c.params["policy"], n.kind, n.full)
}
