package plan

import (
	"fmt"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Show is a plan as reports show it, without what would come of it. The model may be nil: then only what
// the plan itself holds is said of principals and securables.
func Show(p Plan, m *access.Model) (report.Plan, error) {
	sum, err := Digest(p)
	if err != nil {
		return report.Plan{}, err
	}
	s := shower{m}
	r := report.Plan{
		ID: p.ID, Digest: sum, Kind: string(p.Kind), Source: s.party(p.Source), Target: s.party(p.Target),
		Actions: []report.Action{}, Tier: string(p.Tier), TierReasons: []string{},
		Complete: p.Complete, Applyable: len(p.Executable()) > 0, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, ForSeconds: int(p.For),
	}
	for _, step := range p.Steps {
		r.Actions = append(r.Actions, s.action(step))
	}
	return r, nil
}

// Add adds what would come of a plan to what is shown of it.
func (o Outcome) Add(r *report.Plan) {
	r.Gains, r.Losses, r.UnknownGains, r.Excess = o.Gains, o.Losses, o.Unknown, o.Excess
	r.Escalations, r.TierReasons = o.Escalations, o.Reasons
}

// Add adds to what is shown of a plan whether the caller may carry its steps out. Steps that are over are left as they
// are.
func (r Rights) Add(to *report.Plan) {
	if !r.Caller.Key.IsZero() {
		p := access.Describe(r.Caller)
		to.Caller = &p
	}
	for _, one := range r.Steps {
		for i := range to.Actions {
			if a := &to.Actions[i]; a.ID == one.Step && a.Status == report.StatusPlanned {
				a.Right = &report.Right{May: one.May.String(), Needs: one.Needs, Who: append([]string{}, one.Who...), Why: one.Why}
			}
		}
	}
}

// Detail says in words what a step changes; empty where it changes nothing. Names in it are as they came.
func (s Step) Detail() string { return shower{}.action(s).Detail }

type shower struct{ m *access.Model }

func (s shower) party(p Party) report.Principal {
	if s.m != nil {
		return s.m.Describe(p.Key)
	}
	return access.Describe(identity.Principal{Key: p.Key, Name: p.Name, DisplayName: p.Name})
}

func (s shower) action(step Step) report.Action {
	a := report.Action{ID: step.ID, Kind: string(step.Kind), Reason: step.Reason, Status: report.StatusNone}
	switch {
	case step.Kind.Executable():
		a.Status = report.StatusPlanned
	case step.Kind == IDPRequired, step.Kind == Unexecutable:
		a.Status = report.StatusOpen
	}
	if c := step.Change; c != nil {
		a.Before, a.After, a.ExternalID = string(c.Before), string(c.After), c.ExternalID
		s.change(&a, *c)
	}
	return a
}

// change says what a step is about.
func (s shower) change(a *report.Action, c Change) {
	switch cell := c.Cell; cell.Kind {
	case Member:
		g := access.Describe(identity.Principal{Key: cell.Group, Name: c.GroupName, DisplayName: c.GroupName, ExternalID: c.ExternalID, Status: identity.StatusActive})
		if s.m != nil {
			g = s.m.Describe(cell.Group)
		}
		a.Group, a.Detail = &g, "member of group "+c.GroupName
		if c.takes() {
			a.Detail = "no longer member of group " + c.GroupName
		}
	case Assigned:
		a.Workspace, a.WorkspaceID = c.ObjectName, cell.Workspace.String()
		a.Detail = fmt.Sprintf("%s of workspace %s", c.held(), c.ObjectName)
	case Entitled:
		a.Workspace, a.WorkspaceID, a.Entitlement = c.ObjectName, cell.Workspace.String(), cell.Entitlement
		a.Detail = fmt.Sprintf("%s in workspace %s", c.said(cell.Entitlement), c.ObjectName)
	case Granted:
		on := report.Securable{Type: cell.Securable.Type, FullName: cell.Securable.FullName(), Metastore: cell.Securable.Metastore}
		if s.m != nil {
			on = s.m.DescribeSecurable(cell.Securable)
		}
		a.Securable, a.Privilege = &on, cell.Privilege
		a.Detail = fmt.Sprintf("%s on %s %s", c.said(cell.Privilege.SQL()), cell.Securable.Type.Title(), on.FullName)
	case ObjectLevel:
		// A plan that was kept holds the workspace's id alone; without it, things of one name could not be told apart.
		a.Object = &report.ObjectRef{Workspace: place(cell.Object.Workspace), Type: string(cell.Object.Type), ID: cell.Object.ID, Name: c.ObjectName}
		if s.m != nil {
			a.Object = s.m.DescribeObject(cell.Object)
		}
		a.Detail = fmt.Sprintf("%s on %s %s", c.held(), cell.Object.Type.Title(), c.ObjectName)
	}
}

// takes reports whether a change takes something away and gives nothing for it.
func (c Change) takes() bool { return c.After == Absent && c.Before != Absent }

// held says what is held after a change of what can be held in several ways.
func (c Change) held() string {
	if c.takes() {
		return "no longer " + string(c.Before)
	}
	return held(c.After)
}

// said says what is held after a change of what is held or is not.
func (c Change) said(what any) string {
	if c.takes() {
		return fmt.Sprintf("no longer %s", what)
	}
	return fmt.Sprint(what)
}

// held is a value in words.
func held(v Value) string {
	if v == Absent {
		return "nothing"
	}
	return string(v)
}
