package accesstest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// mayAct asks whether the subject may supply itself with a fact, acting in the workspace.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/admin-privileges
func (o *Oracle) mayAct(s supply, ws identity.WorkspaceID) answer {
	var authority answer
	switch s.kind {
	case report.StepAssigned, supplyAdmin:
		authority = o.accountAdmin()
	case report.StepGrant:
		if !s.privilege.InOwnership() {
			return denied("somebody else must grant %s", s.privilege)
		}
		authority = o.manages(s.on, ws)
		if s.on.Type == identity.TypeMetastore {
			authority = anyOf(authority, authority, o.accountAdmin())
		}
	case report.StepBinding:
		authority = o.manages(s.on, ws)
		if s.on.Type == identity.TypeCatalog {
			// MANAGE alone does not do.
			// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/workspace-catalog-binding
			authority = allOf(authority, anyOf(denied("neither uses nor administers it"),
				o.uses(s.on, ws), o.administers(s.on.Metastore, ws)))
		}
	default:
		return denied("nobody does that for himself")
	}
	return allOf(o.active(), authority)
}

// selfMade reports whether the subject can come to it from the workspace by its own acts.
func (c *canCheck) selfMade(ws identity.WorkspaceID) bool {
	return c.actAll(c.oracle, ws, access.Allowed).verdict == access.Allowed
}

// actAll does all that the subject may, over and over, and none of that ever takes anything away.
// Which verdicts on its authority will do is up to the caller.
func (c *canCheck) actAll(o *Oracle, ws identity.WorkspaceID, willDo ...access.Verdict) answer {
	seen, cautious := c.seen, o.cautious
	rest := c.possibleActs(ws)
	for acted := true; acted; {
		acted = false
		for i := 0; i < len(rest); i++ {
			if slices.Contains(willDo, o.mayAct(rest[i], ws).verdict) {
				seen = seen.suppose(rest[i])
				o = newOracle(seen, c.q.Subject)
				o.cautious = cautious
				rest, _ = without(rest, i)
				acted = true
				i--
			}
		}
	}
	return o.can(c.q.Privilege, c.q.On, ws)
}

// possibleActs are all that could be of use.
func (c *canCheck) possibleActs(ws identity.WorkspaceID) []supply {
	acts := []supply{
		{kind: report.StepAssigned, subject: c.q.Subject, workspace: ws},
		{kind: supplyAdmin, subject: c.q.Subject, on: identity.MetastoreSecurable(c.q.On.Metastore)},
	}
	for on, ok := c.q.On, true; ok; on, ok = on.Parent() {
		for _, p := range []identity.Privilege{
			identity.UseCatalog, identity.UseSchema, identity.Select, identity.ReadFiles, identity.Manage, c.q.Privilege,
		} {
			if p.Applies(on.Type) {
				acts = append(acts, supply{kind: report.StepGrant, subject: c.q.Subject, privilege: p, on: on})
			}
		}
		if isolatable(on.Type) {
			acts = append(acts, supply{kind: report.StepBinding, subject: c.q.Subject, on: on, workspace: ws})
		}
	}
	return acts
}

// acts checks that there is a workspace to which the acts of the report lead, one after the other.
func (c *canCheck) acts() complaint {
	if c.r.Verdict != report.Indirect {
		return complaint{}
	}
	var closest complaint
	failed := -1
	for _, ws := range c.q.From {
		acts, bad := c.readActs(ws)
		if bad != (complaint{}) {
			return bad
		}
		failures := []func([]supply, identity.WorkspaceID) complaint{c.unauthorised, c.inVain, c.needless}
		i := slices.IndexFunc(failures, func(fails func([]supply, identity.WorkspaceID) complaint) bool {
			bad = fails(acts, ws)
			return bad != (complaint{})
		})
		if i < 0 {
			return complaint{}
		}
		if i > failed {
			closest, failed = bad, i
		}
	}
	return closest
}

// perform does the acts one after the other, but for one, and gives what an oracle says afterwards.
// Acts without authority change nothing; idle is the first of them, or -1.
func (c *canCheck) perform(acts []supply, ws identity.WorkspaceID, skip int) (after answer, idle int) {
	seen, o := c.seen, c.oracle
	idle = -1
	for i, act := range acts {
		switch {
		case i == skip:
		case o.mayAct(act, ws).verdict == access.Allowed:
			seen = seen.suppose(act)
			o = newOracle(seen, c.q.Subject)
		case idle < 0:
			idle = i
		}
	}
	return o.can(c.q.Privilege, c.q.On, ws), idle
}

func (c *canCheck) unauthorised(acts []supply, ws identity.WorkspaceID) complaint {
	if _, idle := c.perform(acts, ws, -1); idle >= 0 {
		return complain("every act is within the authority of who does it", "%q is not in %v", c.r.Acts[idle].Description, ws)
	}
	return complaint{}
}

func (c *canCheck) inVain(acts []supply, ws identity.WorkspaceID) complaint {
	if a, _ := c.perform(acts, ws, -1); a.verdict != access.Allowed {
		return complain("the acts lead there", "after them it is %v in %v: %v", a.verdict, ws, a)
	}
	return complaint{}
}

func (c *canCheck) needless(acts []supply, ws identity.WorkspaceID) complaint {
	for i := range acts {
		if a, _ := c.perform(acts, ws, i); a.verdict == access.Allowed {
			return complain("every act is needed", "%q is not in %v", c.r.Acts[i].Description, ws)
		}
	}
	return complaint{}
}

var grantAct = regexp.MustCompile(`(?i)^grants? (.+?) on `)

// readActs turns the words of acts into what they bring about, those without a workspace in ws.
func (c *canCheck) readActs(ws identity.WorkspaceID) ([]supply, complaint) {
	var acts []supply
	for _, a := range c.r.Acts {
		said := strings.ToLower(a.Description)
		s := supply{subject: c.q.Subject, workspace: ws}
		for _, other := range c.seen.Workspaces {
			if slices.Contains(strings.Fields(said), workspaceName(other)) {
				s.workspace = other
			}
		}
		on, named := c.securable(a.Securable)
		grant := grantAct.FindStringSubmatch(a.Description)
		switch {
		case grant != nil && named:
			s.kind, s.on, s.workspace = report.StepGrant, on, 0
			s.privilege = identity.ParsePrivilege(grant[1])
		case strings.HasPrefix(said, "assign itself to workspace"):
			s.kind = report.StepAssigned
		case strings.HasPrefix(said, "make itself admin of metastore"):
			s.kind, s.workspace = supplyAdmin, 0
			s.on = identity.MetastoreSecurable(c.q.On.Metastore)
			if named {
				s.on = on
			}
		case strings.HasPrefix(said, "bind") && named:
			s.kind, s.on = report.StepBinding, on
		default:
			return nil, complain("an act is one that is known", "%s", fmt.Sprintf("%q on %s", a.Description, securableName(a.Securable)))
		}
		acts = append(acts, s)
	}
	return acts, complaint{}
}
