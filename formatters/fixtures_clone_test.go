package formatters

import (
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// clonePlan has an action of every kind, and of everything that would come of it.
func clonePlan() report.Plan {
	orders := object(identity.TypeTable, "prod.sales.orders", "eu-west", "bob@acme.test")
	emea, analysts := group("12", "team-emea", "databricks"), group("11", "analysts", "idp")
	job := &report.ObjectRef{Workspace: "prod", Type: "jobs", ID: "5", Name: "nightly"}
	gain := func(g report.Gain) report.Gain {
		g.Principal, g.Because = bob, []string{"s1"}
		if g.Path == nil {
			g.Path = report.Path{}
		}
		return g
	}
	read := gain(report.Gain{Kind: report.GainAccess, Securable: &orders, Privileges: []identity.Privilege{identity.Modify, report.Owner}, Path: bobs("team-emea"), ReachableIn: []string{"prod", "dev"}})
	return report.Plan{
		ID: "p-7K3V9XQ2MA", Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Kind: "clone", Source: alice, Target: bob,
		Actions: []report.Action{
			{ID: "s1", Kind: "workspace_assignment", Detail: "ADMIN of workspace prod", Before: "USER", After: "ADMIN", Status: "planned", Workspace: "prod", WorkspaceID: "4411"},
			{ID: "s2", Kind: "entitlement", Detail: "databricks-sql-access in workspace prod", After: "present", Status: "planned", Workspace: "prod", WorkspaceID: "4411", Entitlement: identity.SQLAccess},
			{ID: "s3", Kind: "object_acl", Detail: "CAN_MANAGE on job nightly", Before: "CAN_VIEW", After: "CAN_MANAGE", Status: "planned", Object: job},
			{ID: "s4", Kind: "grant", Detail: "SELECT on TABLE prod.sales.orders", After: "present", Status: "planned", Securable: &orders, Privilege: identity.Select},
			{ID: "s5", Kind: "add_member", Group: &emea, Detail: "member of group team-emea", After: "present", Status: "failed", Error: "403 forbidden"},
			{ID: "s6", Kind: "idp_required", Group: &analysts, ExternalID: "entra-11", Detail: "member of group analysts", After: "present", Status: "open", Reason: "the identity provider keeps it"},
			{ID: "s7", Kind: "unexecutable", Group: &emea, Detail: "member of group team-emea", After: "present", Status: "open", Reason: "nobody is known who may change its members"},
			{ID: "s8", Kind: "unverified", Reason: "who is assigned to workspace dev was not read", Status: "none"},
			{ID: "s9", Kind: "already_member", Group: &emea, Detail: "member of group team-emea", Before: "present", After: "present", Status: "none"},
			{ID: "s10", Kind: "skipped", Reason: "ownership is not copied", Status: "none"},
		},
		Gains: []report.Gain{
			gain(report.Gain{Kind: report.GainWorkspace, Workspace: "prod", Permission: "ADMIN", Path: bobs(), ReachableIn: []string{"prod"}}),
			gain(report.Gain{Kind: report.GainRole, Role: workspaceAdmin, Scope: "prod", Path: bobs("team-emea"), ReachableIn: []string{}}),
			read,
			gain(report.Gain{Kind: report.GainObject, Object: job, Level: identity.CanManage, ReachableIn: []string{"prod"}}),
		},
		Losses: []report.Gain{}, UnknownGains: []report.Gain{}, Excess: []report.Gain{read}, Escalations: escalationsRich().Findings[:1],
		Tier: "barred", TierReasons: []string{"it makes the target admin of workspace prod"}, Complete: true, Applyable: true,
		CreatedAt: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), ForSeconds: 8 * 3600,
		Scripts: report.Scripts{SQL: "GRANT SELECT ON TABLE `prod`.`sales`.`orders` TO `bob@acme.test`;\n", Terraform: "# plan\n", API: "{\"step\":\"s1\"}\n", Tickets: "Please add a member\n"},
	}
}

func cloneRich() *report.CloneReport {
	return &report.CloneReport{Envelope: envelope("clone"), Plan: clonePlan()}
}

// shortOfRights makes a plan one of which the caller may carry out one step, not two others, and perhaps a fourth.
func shortOfRights(p *report.Plan) {
	p.Caller = &alice
	p.Actions[0].Right = &report.Right{May: report.MayYes, Needs: "the role account admin", Who: []string{}}
	p.Actions[1].Right = &report.Right{May: report.MayNo, Needs: `admin rights in workspace "prod"`, Who: []string{}}
	p.Actions[2].Right = &report.Right{May: report.MayUnknown, Needs: `CAN_MANAGE on job "nightly"`, Who: []string{"carol@acme.test"}, Why: "read permissions (prod): 503"}
	p.Actions[3].Right = &report.Right{May: report.MayNo, Needs: "ownership of table prod.sales.orders", Who: []string{"bob@acme.test", "erin@acme.test", "metastore-admins", "platform"}}
}

func cloneIncomplete() *report.CloneReport {
	r := cloneRich()
	shortOfRights(&r.Plan)
	r.Envelope = incomplete().Envelope
	r.Mode = "clone"
	r.Plan.Complete, r.Plan.Tier = false, "high"
	r.Plan.Gains, r.Plan.UnknownGains = r.Plan.Gains[:1], r.Plan.Gains[1:]
	r.Plan.Losses = r.Plan.Excess
	return r
}

// cloneEmpty has nothing to do.
func cloneEmpty() *report.CloneReport {
	r := cloneRich()
	p := &r.Plan
	p.Actions, p.Gains, p.Excess, p.Escalations, p.Tier, p.TierReasons, p.Applyable, p.ForSeconds = p.Actions[8:], []report.Gain{}, []report.Gain{}, []report.Finding{}, "normal", []string{}, false, 0
	return r
}

func cloneHostile() *report.CloneReport {
	evil := "a\x1b[2J\u202e`</script>\n=1+1"
	r := cloneRich()
	p := &r.Plan
	p.ID, p.Tier, p.TierReasons = evil, evil, []string{evil}
	p.Source.Name, p.Target.DisplayName = evil, evil
	shortOfRights(p)
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Right != nil {
			a.Right.Needs, a.Right.Why, a.Right.Who = evil, evil, []string{evil}
		}
		a.ID, a.Detail, a.Reason, a.Error, a.Before, a.After, a.ExternalID = evil, evil, evil, evil, evil, evil, evil
		if a.Group != nil {
			g := *a.Group
			g.Name = evil
			a.Group = &g
		}
	}
	for i := range p.Gains {
		p.Gains[i].Workspace, p.Gains[i].Role, p.Gains[i].Because = evil, evil, []string{evil}
	}
	return r
}

// planShown is what a file holds: what would come of the plan is not in it.
func planShown() *report.CloneReport {
	r := cloneRich()
	r.Mode = "plan"
	r.Coverage.Planned, r.Coverage.Read, r.Coverage.APICalls = 0, 0, report.APICalls{ByEndpoint: map[string]int{}}
	p := &r.Plan
	p.Gains, p.Losses, p.UnknownGains, p.Excess, p.Escalations = nil, nil, nil, nil, nil
	return r
}

// planKept is a plan of the ledger that nobody consented to yet.
func planKept() *report.CloneReport {
	r := planShown()
	r.Plan.State, r.Plan.TierReasons = "draft", []string{}
	return r
}

// planApplied is a plan that stopped on the way, with every status that a step can end in.
func planApplied() *report.CloneReport {
	r := planShown()
	r.Mode = "apply"
	r.Coverage.APICalls = report.APICalls{Total: 22, ByEndpoint: map[string]int{"PATCH /api/2.0/accounts/{id}/scim/v2/Groups/{id}": 22}}
	ends := r.GeneratedAt.Add(8 * time.Hour)
	p := &r.Plan
	p.State, p.EndsAt = "partially_applied", &ends
	statuses := []string{
		report.StatusDone, report.StatusAlready, report.StatusFailed, report.StatusRefused, report.StatusUnknown, report.StatusLeft, report.StatusPlanned,
	}
	for i := range p.Actions {
		if i < len(statuses) {
			p.Actions[i].Status = statuses[i]
		}
	}
	p.Actions[0].Uncertain, p.Actions[2].Error = true, "the server answered 403: only a manager of the group may change it"
	return r
}

// planUndoing takes back what another plan gave; one of its steps is still to be done.
func planUndoing() *report.CloneReport {
	r := planApplied()
	p := &r.Plan
	p.Kind, p.Parent, p.State, p.EndsAt, p.ForSeconds = "undo", "p-0000000001", "partially_applied", nil, 0
	p.Actions = p.Actions[:5]
	for i := range p.Actions {
		a := &p.Actions[i]
		a.Before, a.After = a.After, a.Before
		a.Status, a.Error, a.Uncertain, a.Reason = report.StatusDone, "", false, "takes back what the plan gave"
	}
	p.Actions[1].Status = report.StatusPlanned
	p.Actions[4].Group.Source = identity.OriginUnknown.String()
	return r
}

// planUndone is a plan that was taken back.
func planUndone() *report.CloneReport {
	r := planApplied()
	r.Plan.State, r.Plan.Actions = "undone", r.Plan.Actions[:2]
	r.Plan.Actions[0].Uncertain = false
	return r
}

func whatIfRich() *report.WhatIfReport {
	p := clonePlan()
	r := &report.WhatIfReport{
		Envelope: envelope("what-if"), Changes: p.Actions[:5], Gains: p.Gains, Losses: p.Excess, Unknown: p.Excess,
		Escalations: p.Escalations, NotLookedAt: []string{"databricks_permissions.x: resources of type databricks_permissions are not looked at"},
	}
	r.Changes[4].Kind, r.Changes[4].Error = "remove_member", ""
	for i := range r.Changes {
		r.Changes[i].Holder = &bob
	}
	r.Changes = append(r.Changes, report.Action{ID: "c6", Kind: "delete", Reason: "user bob@acme.test", Status: "planned"})
	return r
}

func whatIfEmpty() *report.WhatIfReport {
	r := whatIfRich()
	r.Changes, r.Gains, r.Losses, r.Unknown, r.Escalations, r.NotLookedAt = r.Changes[:1], []report.Gain{}, []report.Gain{}, []report.Gain{}, []report.Finding{}, []string{}
	return r
}

func whatIfHostile() *report.WhatIfReport {
	r, c := whatIfRich(), cloneHostile()
	r.Changes, r.Gains, r.NotLookedAt = c.Plan.Actions, c.Plan.Gains, []string{"a\x1b[2J\u202e"}
	return r
}
