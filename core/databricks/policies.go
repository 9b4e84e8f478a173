package databricks

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

var routePolicies = get(classCatalog, catalogAPI+"policies/{on_securable_type}/{on_securable_fullname}")

// policyRow is one attribute-based policy. Conditions on tags are in when_condition for the
// securable and in match_columns for its columns.
//
// https://docs.databricks.com/api/workspace/policies/listpolicies
type policyRow struct {
	ID     string                 `json:"id"`
	Name   string                 `json:"name"`
	OnType string                 `json:"on_securable_type"`
	On     string                 `json:"on_securable_fullname"`
	For    identity.SecurableType `json:"for_securable_type"`
	Type   string                 `json:"policy_type"`
	To     []string               `json:"to_principals"`
	Except []string               `json:"except_principals"`
	When   string                 `json:"when_condition"`
	Match  []json.RawMessage      `json:"match_columns"`
	Grant  struct {
		Privileges []string `json:"privileges"`
	} `json:"grant"`
}

type policyRows struct {
	Rows []policyRow `json:"policies"`
	Next string      `json:"next_page_token"`
}

// key tells rows apart: a name is used once on a securable, and again on others.
func (p policyRow) key() string {
	if p.Name == "" {
		return p.ID
	}
	return p.OnType + "\x00" + p.On + "\x00" + p.Name
}

// Policies reads the attribute-based policies that hold on a securable. They are set on catalogs,
// schemas and tables: what else is in a schema has those of the schema, and what stands beside the
// catalogs has none. Where the feature is off there are none.
func (s *Session) Policies(ctx context.Context, at identity.Workspace, on identity.Securable) ([]identity.Policy, error) {
	if err := s.named(on); err != nil {
		return nil, err
	}
	bearer := on
	if on.Type.InSchema() && on.Type != identity.TypeTable {
		bearer, _ = on.Parent()
	}
	switch bearer.Type {
	case identity.TypeCatalog, identity.TypeSchema, identity.TypeTable:
	default:
		return nil, nil
	}
	r, err := s.at(at, routePolicies, string(bearer.Type), bearer.FullName())
	if err != nil {
		return nil, err
	}
	r.query = url.Values{"include_inherited": {"true"}}
	answered := false
	rows, err := tokenPages(ctx, s, r, policyRow.key,
		func(w policyRows) page[policyRow] {
			answered = true
			return page[policyRow]{w.Rows, w.Next}
		})
	if identity.IsKind(err, identity.Unsupported) && !answered {
		return nil, nil
	}
	found := make([]identity.Policy, 0, len(rows))
	for _, row := range rows {
		if row.concerns(on.Type) {
			found = append(found, row.policy())
		}
	}
	return found, err
}

// concerns reports whether the policy may take effect on securables of the type. A schema's policies
// for its volumes, say, do nothing to its tables. Models may count as functions, as in grants.
func (p policyRow) concerns(t identity.SecurableType) bool {
	if !t.InSchema() || !p.For.InSchema() || p.For == t {
		return true
	}
	return t == identity.TypeModel && p.For == identity.TypeFunction
}

func (p policyRow) policy() identity.Policy {
	out := identity.Policy{
		Name: p.Name, On: p.On, Kind: identity.PolicyKind(strings.TrimPrefix(p.Type, "POLICY_TYPE_")),
		To: principalNames(p.To), Except: principalNames(p.Except),
		Conditional: strings.TrimSpace(p.When) != "" || len(p.Match) > 0,
	}
	if out.Kind == identity.PolicyGrant {
		for _, g := range p.Grant.Privileges {
			if g != "" {
				out.Privileges = append(out.Privileges, identity.ParsePrivilege(g))
			}
		}
		out.Privileges = identity.SortPrivileges(out.Privileges)
	}
	return out
}

func principalNames(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" {
			out = append(out, unquote(n))
		}
	}
	return out
}
