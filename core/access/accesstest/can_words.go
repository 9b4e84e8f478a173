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

// readActs turns the acts of the report into what they bring about, those without a workspace in ws.
func (c *canCheck) readActs(ws identity.WorkspaceID) ([]supply, complaint) {
	var acts []supply
	for _, a := range c.r.Acts {
		read := c.readAct
		if a.Kind == "" {
			read = c.readWords
		}
		s, ok := read(a, ws)
		if !ok {
			return nil, complain("an act is one that is known", "%s", fmt.Sprintf("%q %q on %q %s", a.Kind, a.Description, a.Principal, securableName(a.Securable)))
		}
		s.subject = c.q.Subject
		acts = append(acts, s)
	}
	return acts, complaint{}
}

func (c *canCheck) readAct(a report.Act, ws identity.WorkspaceID) (supply, bool) {
	if other, named := c.workspace(a.Workspace); named {
		ws = other
	} else if a.Workspace != "" {
		return supply{}, false
	}
	on, named := c.securable(a.Securable)
	switch a.Kind {
	case report.ActAssign:
		return supply{kind: report.StepAssigned, workspace: ws}, true
	case report.ActMetastore:
		return supply{kind: supplyAdmin, on: on}, named && on.Type == identity.TypeMetastore
	case report.ActGrant:
		return supply{kind: report.StepGrant, on: on, privilege: a.Privilege}, named && a.Privilege != ""
	case report.ActBind:
		return supply{kind: report.StepBinding, on: on, workspace: ws}, named
	case report.ActTakeRole:
		return c.aboutSomebody(supply{kind: a.Kind, role: identity.RoleServicePrincipalUser}, a.Principal, ws,
			isRole(identity.RoleServicePrincipalUser, a.Role))
	case report.ActJoin:
		return c.aboutSomebody(supply{kind: a.Kind}, a.Principal, ws, true)
	case report.ActRunAs:
		s := supply{kind: a.Kind}
		if a.Workspace != "" {
			s.workspace = ws
		}
		s.lever, named = c.object(a.Object)
		return c.aboutSomebody(s, a.Principal, ws, named || a.Object == nil)
	default:
		return supply{}, false
	}
}

// object finds one by what a report has for it.
func (c *canCheck) object(r *report.ObjectRef) (identity.Object, bool) {
	if r == nil {
		return identity.Object{}, false
	}
	ws, named := c.workspace(r.Workspace)
	return identity.Object{Workspace: ws, Type: identity.ObjectType(r.Type), ID: r.ID}, named
}

// aboutSomebody finds whom an act is about. Where several bear the name, it is one with whom it works.
func (c *canCheck) aboutSomebody(s supply, name string, ws identity.WorkspaceID, ok bool) (supply, bool) {
	called := c.called(name)
	if !ok || len(called) == 0 {
		return s, false
	}
	s.other = called[0]
	for _, k := range called {
		may := s
		may.other = k
		if c.oracle.mayAct(may, ws).verdict == access.Allowed {
			return may, true
		}
	}
	return s, true
}

var grantAct = regexp.MustCompile(`(?i)^grants? (.+?) on `)

// readWords is for an act that says what it is in words alone.
func (c *canCheck) readWords(a report.Act, ws identity.WorkspaceID) (supply, bool) {
	said := strings.ToLower(a.Description)
	s := supply{workspace: ws}
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
		return s, false
	}
	return s, true
}
