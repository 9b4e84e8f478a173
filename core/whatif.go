package core

import (
	"context"
	"errors"
	"fmt"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sqltext"
)

// Errors of what-if, under names that a front may import.
type (
	// UnclearChangeError says that a name in a change is of nothing that was read, or of several things.
	UnclearChangeError = plan.UnclearError
	// ScriptError says that a script holds something else than GRANT and REVOKE.
	ScriptError = sqltext.ParseError
)

// whatIf answers who would gain and lose what. The whole account is read, as deep as the names go.
func (g *Engine) whatIf(ctx context.Context, src collect.Source, q query.WhatIf, o collect.Options) (*report.WhatIfReport, error) {
	if q.SQLFile != "" && q.SQL == "" || q.TerraformFile != "" && q.Terraform == "" {
		return nil, &query.UsageError{Problem: "files cannot be read here", Hint: "write the changes out, or ask on the command line"}
	}
	script, err := terraformOf(q)
	if err != nil {
		return nil, err
	}
	below, err := depthOf(q)
	if err != nil {
		return nil, err
	}
	scope := collect.Scope{Below: append(below, q.Scan...), WorkspaceURLs: q.WorkspaceURLs}
	depth := collect.Depth{Delegations: true}
	if script != nil {
		entitlements, objects := script.Needs()
		depth.Entry, depth.Objects = entitlements, len(objects) > 0
		scope.Objects = collect.ObjectScope{Asked: depth.Objects, Types: objects}
	}
	e, _, err := collect.Survey(ctx, src, scope, depth, o)
	if err != nil {
		return nil, err
	}
	names := plan.Names{E: e, Metastore: q.Metastore}
	h, left, err := hypothesis(names, q, script)
	if err != nil {
		return nil, err
	}
	r := plan.WhatIf(access.Over(e, g.o.Rules), h)
	r.NotLookedAt = append(r.NotLookedAt, left...)
	notes := r.Notes
	g.sign(&r.Envelope, q, e, src)
	r.Notes = append(notes, r.Notes...)
	return r, nil
}

// terraformOf is the question's plan of Terraform; nil where it has none.
func terraformOf(q query.WhatIf) (*plan.TerraformPlan, error) {
	if q.Terraform == "" {
		return nil, nil
	}
	p, err := plan.ParseTerraform([]byte(q.Terraform))
	if err != nil {
		return nil, &query.UsageError{Problem: q.TerraformFile + ": " + err.Error(), Hint: "write one by terraform show -json PLANFILE"}
	}
	return p, nil
}

// depthOf is how deep in catalogs the securables of a question lie.
func depthOf(q query.WhatIf) ([]identity.SecurableType, error) {
	deepest := 0
	for _, h := range q.Changes {
		if h.On != "" {
			parts, err := identity.ParseFullName(h.On)
			if err != nil {
				return nil, err
			}
			deepest = max(deepest, len(parts))
		}
	}
	statements, err := sqltext.Parse(q.SQL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.SQLFile, err)
	}
	for _, s := range statements {
		deepest = max(deepest, len(s.Parts))
	}
	if q.Terraform != "" {
		deepest = 3
	}
	switch {
	case deepest < 2:
		return nil, nil
	case deepest == 2:
		return []identity.SecurableType{identity.TypeSchema}, nil
	default:
		return []identity.SecurableType{identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel}, nil
	}
}

// hypothesis finds what the words mean. Every name that means nothing is told at once.
func hypothesis(n plan.Names, q query.WhatIf, script *plan.TerraformPlan) (h plan.Hypothesis, left []string, err error) {
	var errs []error
	add := func(err error, changes ...plan.Change) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		h.Changes = append(h.Changes, changes...)
	}
	if script != nil {
		h, left = n.Terraform(script)
	}
	if q.SQL != "" {
		changes, err := n.Script(q.SQL)
		if err != nil {
			err = fmt.Errorf("%s: %w", q.SQLFile, err)
		}
		add(err, changes...)
	}
	for _, one := range q.Changes {
		switch one.Verb {
		case query.AddMember, query.RemoveMember:
			c, err := n.Member(one.Who, one.Group, one.Verb == query.AddMember)
			add(err, c)
		case query.GrantVerb, query.RevokeVerb:
			parts, err := identity.ParseFullName(one.On)
			if err != nil {
				add(err)
				continue
			}
			changes, err := n.Grant(one.Who, one.Privilege, parts, "", one.Verb == query.GrantVerb)
			add(err, changes...)
		case query.DeleteUser:
			k, err := n.Principal(one.Who, identity.KindUser, identity.KindServicePrincipal)
			add(err)
			if err == nil {
				h.Deleted = append(h.Deleted, k)
			}
		}
	}
	return h, left, errors.Join(errs...)
}
