package formatters

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// cloneView is the view of a CloneReport.
type cloneView struct{ *report.CloneReport }

func (v cloneView) head() *report.Envelope { return v.Head() }

func (v cloneView) coverage() coverage { return coverage{v.Head()} }

func (v cloneView) key() (column, value string) { return "plan", v.Plan.ID }

var actionColumns = []string{
	"action", "kind", "status", "group_id", "group", "group_source", "external_id", "workspace_id", "workspace", "entitlement",
	"object_type", "object", "metastore", "privilege", "object_id", "object_workspace", "detail", "before", "after", "reason", "error",
	"caller_may", "takes", "who_may", "not_read",
}

var gainColumns = append(slices.Clone(principalColumns),
	"kind", "object_type", "object", "metastore", "object_id", "object_workspace", "privileges", "level", "workspace", "permission",
	"role", "scope", "because", "path", "usable_from", "not_read")

func (v cloneView) sections() []section {
	return append(planSections(v.Plan),
		listed("escalation", "escalations", findingColumns, v.Plan.Escalations, one(findingRow)))
}

// planSections are the parties, the actions and what would come of them.
func planSections(p report.Plan) []section {
	parties := listed("principal", "principals", append([]string{"side"}, principalColumns...), []sided[report.Principal]{{"source", p.Source}, {"target", p.Target}},
		one(func(x sided[report.Principal]) []string { return append([]string{x.side}, principalCells(x.item)...) }))
	return []section{
		parties,
		listed("action", report.ListActions, actionColumns, p.Actions, one(actionRow)),
		gainSection("gain", report.ListGains, p.Gains),
		gainSection("loss", "losses", p.Losses),
		gainSection("unknown_gain", "unknown_gains", p.UnknownGains),
		gainSection("excess", "excess", p.Excess),
	}
}

func gainSection(record, name string, list []report.Gain) section {
	return listed(record, name, gainColumns, list, one(gainRow))
}

func actionRow(a report.Action) []string {
	var g report.Principal
	if a.Group != nil {
		g = *a.Group
	}
	id, workspace := objectCells(a.Object)
	where := place(a.Securable, a.Object)
	var right report.Right
	if a.Right != nil {
		right = *a.Right
	}
	return slices.Concat([]string{a.ID, a.Kind, a.Status, g.ID, g.Name, g.Source, a.ExternalID, a.WorkspaceID, a.Workspace, string(a.Entitlement)},
		where, []string{string(a.Privilege), id, workspace, a.Detail, a.Before, a.After, a.Reason, a.Error,
			right.May, right.Needs, chain(right.Who, ", "), nulls(null{"who_may", a.Right != nil && right.Who == nil})})
}

func gainRow(g report.Gain) []string {
	id, workspace := objectCells(g.Object)
	return slices.Concat(principalCells(g.Principal), []string{g.Kind}, place(g.Securable, g.Object),
		[]string{id, workspace, chain(g.Privileges, ", "), string(g.Level), g.Workspace, g.Permission, g.Role, g.Scope,
			chain(g.Because, ", "), chain(g.Path, arrow), chain(g.ReachableIn, ", "),
			nulls(null{"because", g.Because == nil}, null{"path", g.Path == nil}, null{"reachable_in", g.ReachableIn == nil})})
}

// The actions in the order in which people want them, with what each kind is called.
var actionTitles = []struct{ kind, title string }{
	{"workspace_assignment", "Assign to workspaces"},
	{"entitlement", "Entitle in workspaces"},
	{"object_acl", "Permit on workspace objects"},
	{"grant", "Grant in Unity Catalog"},
	{"add_member", "Add to groups"},
	{"remove_member", "Remove from groups"},
	{"idp_required", "For the identity provider's administrators"},
	{"unexecutable", "Nobody is known who could do it"},
	{"unverified", "Not decided, because of what was not read"},
	{"already_member", "There already"},
	{"skipped", "Left out"},
}

// tally counts the actions that are carried out, those that others do, and those that are undecided.
func (v cloneView) tally() (planned, idp, open, unverified int) {
	for _, a := range v.Plan.Actions {
		switch {
		case a.Status == report.StatusPlanned:
			planned++
		case a.Kind == "idp_required":
			idp++
		case a.Status == report.StatusOpen:
			open++
		case a.Kind == "unverified":
			unverified++
		}
	}
	return planned, idp, open, unverified
}

// writeSteps writes the steps of a plan in the language of others. They are written with every name already
// escaped for that language.
func writeSteps(out *bytes.Buffer, r report.Report, f Format) error {
	c, ok := r.(*report.CloneReport)
	if !ok {
		return f.Fits(r.Head().Mode)
	}
	s := c.Plan.Scripts
	out.WriteString(map[Format]string{SQL: s.SQL, Terraform: s.Terraform, API: s.API, Tickets: s.Tickets}[f])
	return nil
}

// waiting says in words how a plan stands that was not begun.
var waiting = map[string]string{
	"draft":    "It waits for consent: plan apply asks for it.",
	"pending":  "It waits for votes.",
	"approved": "It is approved, and was not begun.",
}

// begun reports whether the plan is shown as one that somebody worked on, rather than by what it would change.
func (v cloneView) begun() bool {
	_, waits := waiting[v.Plan.State]
	return v.Plan.State != "" && !(waits && v.Mode == "plan")
}

func (v cloneView) answer() []node {
	if v.begun() {
		return appliedAnswer(v.Plan)
	}
	source, target := subjectTerm(v.Plan.Source), subjectTerm(v.Plan.Target)
	planned, idp, open, unverified := v.tally()
	first := fmt.Sprintf("To give %s what %s has takes %s; %s.", target, source, count(planned, "step"), v.coverage().clause())
	switch {
	case planned+idp+open+unverified == 0 && v.Plan.Complete:
		first = fmt.Sprintf("%s already has all of what was asked for that %s has; %s.", target, source, v.coverage().clause())
	case planned+idp+open == 0:
		first = fmt.Sprintf("Nothing was seen that %s lacks of what %s has; %s.", target, source, v.coverage().clause())
	case planned == 0:
		first = fmt.Sprintf("Nothing can be done here to give %s what %s has; %s.", target, source, v.coverage().clause())
	}
	nodes := []node{{text: first, tone: title}}
	if v.Plan.State != "" {
		nodes = append(nodes, line(waiting[v.Plan.State]))
	}
	if idp > 0 {
		nodes = append(nodes, linef("The identity provider's administrators have to do %s.", count(idp, "more step")))
	}
	if open > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("For %s nobody is known who could do it.", count(open, "step")), tone: alarm})
	}
	if unverified > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("Not decided, because of what was not read: %s.", count(unverified, "step")), tone: alarm})
	}
	nodes = append(nodes, rightsAnswer(v.Plan)...)
	return append(nodes, outcomeAnswer(v.Plan, target)...)
}

// outcomeAnswer says what would come of a plan.
func outcomeAnswer(p report.Plan, target string) []node {
	if p.Gains == nil {
		return append([]node{{text: "What would come of it is not kept with the plan: plan apply reads it anew, and shows it before it asks for consent.", tone: remark}}, tierAnswer(p)...)
	}
	nodes := []node{line(fmt.Sprintf("%s would gain %s.", target, gainCount(p.Gains)))}
	if len(p.Gains)+len(p.UnknownGains) == 0 && p.Gains != nil {
		nodes = []node{line(fmt.Sprintf("%s would gain nothing that can be used now.", target))}
	}
	if n := len(p.Excess); n > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("Of that, the source itself does not have %s.", gainCount(p.Excess)), tone: alarm})
	}
	if n := len(p.UnknownGains); n > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("Whether it would gain %s is not known, because of what was not read.", gainCount(p.UnknownGains)), tone: alarm})
	}
	if len(p.Escalations) > 0 {
		nodes = append(nodes, node{text: fmt.Sprintf("It would open %s to more: %s.", count(len(p.Escalations), "way"), tallied(p.Escalations)), tone: alarm})
	}
	return append(nodes, tierAnswer(p)...)
}

// tierAnswer says how far a plan reaches, where that is further than usual.
func tierAnswer(p report.Plan) []node {
	switch p.Tier {
	case "barred":
		return []node{{text: "It reaches so far that it cannot be approved in Slack (tier barred).", tone: alarm}}
	case "high":
		return []node{{text: "It reaches far: two sets of approvers have to agree (tier high).", tone: alarm}}
	}
	return nil
}

// gainCount counts gains by kind.
func gainCount(list []report.Gain) string {
	var access, workspaces, roles, objects int
	for _, g := range list {
		switch g.Kind {
		case report.GainWorkspace:
			workspaces++
		case report.GainRole:
			roles++
		case report.GainObject:
			objects++
		default:
			access++
		}
	}
	var parts []string
	add := func(n int, noun string) {
		if n > 0 {
			parts = append(parts, count(n, noun))
		}
	}
	add(workspaces, "way into a workspace")
	add(roles, "role")
	add(access, "right on a securable")
	add(objects, "level on an object")
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.NewReplacer("way into a workspaces", "ways into workspaces", "right on a securables", "rights on securables", "level on an objects", "levels on objects").Replace(series(parts, "and"))
}

func (v cloneView) figures() string {
	var f figures
	f.add(len(v.Plan.Actions), v.Plan.Actions != nil, "action")
	f.add(len(v.Plan.Gains), v.Plan.Gains != nil, "gain")
	f.add(len(v.Plan.Escalations), v.Plan.Escalations != nil, "escalation")
	return f.line(notRead)
}

func (v cloneView) text() []node {
	if v.begun() {
		return appliedNodes(v.Plan)
	}
	c := v.coverage()
	return slices.Concat(
		[]node{block("Steps", actionNodes(v.Plan.Actions), absence(v.Plan.Actions != nil, notRead, c, report.ListActions))},
		outcomeNodes(v.Plan, c),
		[]node{{text: "Plan", tone: title, kids: planFacts(v.Plan)}},
	)
}

func (v cloneView) tree() []node { return v.text() }

// actionNodes are the actions under the titles of their kinds.
func actionNodes(list []report.Action) []node {
	var nodes []node
	for _, t := range actionTitles {
		n := node{text: t.title, tone: title}
		if t.kind == "unverified" || t.kind == "unexecutable" {
			n.tone = alarm
		}
		for _, a := range list {
			if a.Kind == t.kind {
				n.kids = append(n.kids, line(actionText(a)))
			}
		}
		if len(n.kids) > 0 {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func actionText(a report.Action) string {
	text := term(a.ID) + " "
	switch {
	case a.Group != nil:
		of := keptBy(*a.Group) + ", "
		if a.Group.Source == identity.OriginUnknown.String() { // of a plan that was kept
			of = ""
		}
		text += "group " + nameOrID(*a.Group) + " (" + of + "id " + EscapeLine(a.Group.ID) + ")"
		if a.Kind == "idp_required" && a.ExternalID != "" {
			text += ", external id " + name(a.ExternalID)
		}
	case a.Workspace != "" && a.Entitlement != "":
		text += name(a.Entitlement) + " in " + name(a.Workspace)
	case a.Workspace != "":
		text += name(a.Workspace) + ": " + turnText(a)
	case a.Securable != nil:
		text += name(a.Privilege) + " on " + described(*a.Securable)
	case a.Object != nil:
		text += describedObject(a.Object) + ": " + turnText(a)
	case a.Detail != "":
		text += EscapeLine(a.Detail)
	}
	return ended(a, strings.TrimRight(text, " "))
}

// turnText is what is held before and after.
func turnText(a report.Action) string {
	if a.Before == "" || a.Before == a.After {
		return name(a.After)
	}
	if a.After == "" {
		return name(a.Before) + " → nothing"
	}
	return name(a.Before) + " → " + name(a.After)
}

// outcomeNodes are the gains, the losses, what is not known of them, and the ways to more.
func outcomeNodes(p report.Plan, c coverage) []node {
	nodes := []node{block("Net gain, nested groups and all", gainNodes(p.Gains), absence(p.Gains != nil, "not kept with the plan; plan apply shows it before it asks for consent", c, report.ListGains))}
	if len(p.Losses) > 0 {
		nodes = append(nodes, node{text: "Lost", tone: title, kids: gainNodes(p.Losses)})
	}
	if len(p.UnknownGains) > 0 {
		nodes = append(nodes, node{text: "Perhaps gained, because of what was not read", tone: alarm, kids: gainNodes(p.UnknownGains)})
	}
	if len(p.Excess) > 0 {
		nodes = append(nodes, node{text: "Of that, not the source's own", tone: alarm, kids: gainNodes(p.Excess)})
	}
	if len(p.Escalations) > 0 {
		nodes = append(nodes, newWays(p.Escalations))
	}
	if len(p.TierReasons) > 0 {
		n := node{text: "Tier " + name(p.Tier) + ", because", tone: alarm}
		for _, why := range p.TierReasons {
			n.kids = append(n.kids, line(EscapeLine(why)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// gainNodes are gains, one line each; those of others than the first come under their names.
func gainNodes(list []report.Gain) []node {
	var nodes []node
	for _, of := range runs(list, func(a, b report.Gain) bool {
		return a.Principal.ID == b.Principal.ID && a.Principal.Kind == b.Principal.Kind
	}) {
		n := node{text: introduced(of[0].Principal)}
		for _, g := range of {
			n.kids = append(n.kids, line(gainText(g)))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func gainText(g report.Gain) string {
	text := ""
	switch g.Kind {
	case report.GainWorkspace:
		text = "workspace " + name(g.Workspace) + " (" + EscapeLine(g.Permission) + ")"
	case report.GainRole:
		text = roleNoun(g.Role) + ", " + name(g.Scope)
	case report.GainObject:
		text = describedObject(g.Object) + ": " + name(g.Level)
	default:
		if g.Securable != nil {
			text = described(*g.Securable) + ": "
		}
		text += privilegesFrom(report.ComparedAccess{Privileges: g.Privileges, Workspaces: g.ReachableIn})
	}
	if len(g.Path) > 0 {
		text += ", " + via(g.Principal.Name, g.Path)
	}
	if len(g.Because) > 0 {
		text += " [" + names(g.Because) + "]"
	}
	return text
}

// newWays are ways to more that a change would open, those that are alike together.
func newWays(found []report.Finding) node {
	n := node{text: "New ways to more", tone: alarm}
	for _, same := range alike(found) {
		n.kids = append(n.kids, alikeNode(same))
	}
	return n
}

// planParty is somebody whom a plan is about. A plan that was kept has no more of anybody than name, kind and id.
func planParty(p report.Principal) string {
	if p.Active == nil && (p.Source == "" || p.Source == identity.OriginUnknown.String()) {
		return nameOrID(p) + " (" + kindOf(p) + "), id " + name(p.ID)
	}
	return identified(p)
}

// planFacts are what identifies a plan.
func planFacts(p report.Plan) []node {
	nodes := []node{line("id: " + name(p.ID)), line("digest: " + EscapeLine(p.Digest))}
	if p.Source.ID != "" || p.Target.ID != "" {
		nodes = append(nodes, line("from: "+planParty(p.Source)), line("to: "+planParty(p.Target)))
	}
	if p.Tier != "" {
		nodes = append(nodes, line("tier: "+name(p.Tier)))
	}
	if !p.ExpiresAt.IsZero() {
		nodes = append(nodes, line("may be applied until: "+stamp(p.ExpiresAt)))
	}
	if p.ForSeconds > 0 {
		nodes = append(nodes, line("for: "+(time.Duration(p.ForSeconds)*time.Second).String()+" from being applied"))
	}
	return nodes
}
