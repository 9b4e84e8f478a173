package ocsf

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
)

// Export gives an Event for each row of the trail, the oldest first, and says how many there were. An error of emit ends
// it. Which cell a step changes is in the plan: a step of one that was purged, was made while this runs, or cannot be read by
// this program is told as Entity Management. The errors are those of the ledger.
func Export(ctx context.Context, l *ledger.Ledger, emit func(Event) error) (n int64, err error) {
	m := mapper{account: l.Account(), chain: l.Chain(), steps: map[string]map[string]plan.Change{}, approvers: map[string]map[string]bool{}}
	plans, err := l.Plans(ctx, ledger.PlanFilter{})
	if err != nil {
		return 0, err
	}
	for _, p := range plans {
		m.steps[p.ID] = changes(p)
	}
	err = l.Rows(ctx, func(e ledger.Entry) error {
		event, err := m.event(e)
		if err != nil {
			return err
		}
		n++
		return emit(event)
	})
	if err != nil {
		return n, fmt.Errorf("export the audit trail: %w", err)
	}
	return n, nil
}

// changes are those of a plan's steps, by step; nil of one that this program cannot read.
func changes(p ledger.Plan) map[string]plan.Change {
	decoded, digest, err := plan.Decode(p.Body)
	if err != nil || digest != p.Digest {
		return nil
	}
	steps := map[string]plan.Change{}
	for _, s := range decoded.Executable() {
		steps[s.ID] = *s.Change
	}
	return steps
}

// mapper tells rows in their order.
type mapper struct {
	account, chain string
	steps          map[string]map[string]plan.Change
	approvers      map[string]map[string]bool // by plan: who approved and did not withdraw it yet
}

func (m *mapper) event(entry ledger.Entry) (Event, error) {
	e, err := entry.Event()
	if err != nil {
		return Event{}, err
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return Event{}, err
	}
	m.hear(e)
	out := Event{
		Actor: actorOf(e.Actor), Enrichments: enrichmentsOf(e.Actor), Message: e.Event, RawData: string(raw), SeverityID: 1, Status: string(e.Result), StatusDetail: e.Reason,
		StatusID: success, Time: e.At.UnixMilli(), Unmapped: Unmapped{AccountID: m.account, Event: entry.Body},
		Metadata: Metadata{CorrelationUID: e.Plan, EventCode: e.Event, LogName: "audit trail", Sequence: entry.Seq, UID: fmt.Sprintf("%s-%d", m.chain, entry.Seq), Version: Version,
			Product: Product{Name: "databricks-access-audit", VendorName: "databricks-access-audit", Version: e.Actor.Tool}},
	}
	if e.Plan != "" {
		out.Unmapped.Approvers = slices.Sorted(maps.Keys(m.approvers[e.Plan]))
	}
	m.class(&out, e)
	out.CategoryUID, out.TypeUID = out.ClassUID/1000, out.ClassUID*100+out.ActivityID
	return out, nil
}

// hear keeps who approved what.
func (m *mapper) hear(e ledger.Event) {
	switch {
	case e.Event == ledger.EventVoted && e.Decision == ledger.Approve:
		if m.approvers[e.Plan] == nil {
			m.approvers[e.Plan] = map[string]bool{}
		}
		m.approvers[e.Plan][e.Subject] = true
	case e.Event == ledger.EventVoteWithdrawn:
		delete(m.approvers[e.Plan], e.Subject)
	}
}

// The events that are recorded above the ledger and are more than management of an entity. Their names are those of
// core/apply/journal and core.
const (
	eventAlarm           = "alarm"
	eventRefused         = "refused"
	eventVoteRefused     = "vote_refused"
	eventIdentityRefused = "identity_refused"
)

// class says what kind of event it is. One that it does not know is management of what it is about.
func (m *mapper) class(out *Event, e ledger.Event) {
	switch e.Event {
	case ledger.EventIntent, ledger.EventOutcome:
		out.StatusID = statusOf(e)
		if c, known := m.steps[e.Plan][e.Step]; known {
			change(out, c)
			return
		}
	case eventAlarm:
		out.ClassUID, out.ActivityID, out.SeverityID = DetectionFinding, create, 4 // high
		out.StatusID = unknown                                                     // nobody has looked at it
		out.FindingInfo = &FindingInfo{Title: cmp.Or(e.Reason, e.Event), UID: out.Metadata.UID}
		return
	case eventRefused, eventVoteRefused, eventIdentityRefused:
		out.StatusID = failure
	}
	out.ClassUID, out.ActivityID, out.Entity = EntityManagement, update, entityOf(e, m.chain)
	if e.Event == ledger.EventPlanCreated || e.Event == ledger.EventGenesis {
		out.ActivityID = create
	}
}

// statusOf is what came of an attempt: of an intent, that is not known yet.
func statusOf(e ledger.Event) int {
	switch e.Result {
	case ledger.Done:
		return success
	case ledger.StepFailed, ledger.StepRefused:
		return failure
	case ledger.Already:
		return other
	default:
		return unknown
	}
}

// change tells of a change of a cell.
func change(out *Event, c plan.Change) {
	gone := c.After == plan.Absent
	out.User = userOf(c)
	if c.Cell.Kind == plan.Member {
		out.ClassUID, out.ActivityID, out.Group = GroupManagement, addUser, &Named{c.GroupName, c.Cell.Group.ID}
		if gone {
			out.ActivityID = removeUser
		}
		return
	}
	out.ClassUID, out.ActivityID = UserAccessManagement, assignPrivileges
	value := c.After
	if gone {
		out.ActivityID, value = revokePrivileges, c.Before
	}
	switch c.Cell.Kind {
	case plan.Granted:
		out.Privileges, out.Resource = []string{string(c.Cell.Privilege)}, &Resource{Type: string(c.Cell.Securable.Type), Name: c.Cell.Securable.FullName(), UID: c.Cell.Securable.Metastore + "/" + c.Cell.Securable.FullName()}
	case plan.ObjectLevel:
		out.Privileges, out.Resource = []string{string(value)}, &Resource{Type: string(c.Cell.Object.Type), Name: c.ObjectName, UID: c.Cell.Object.ID}
	case plan.Entitled:
		out.Privileges, out.Resource = []string{string(c.Cell.Entitlement)}, &Resource{Type: "workspace", UID: c.Cell.Workspace.String()}
	default:
		out.Privileges, out.Resource = []string{string(value)}, &Resource{Type: "workspace", UID: c.Cell.Workspace.String()}
	}
}

func userOf(c plan.Change) *User {
	u := &User{Name: c.HolderName, Type: c.Cell.Holder.Kind.String(), TypeID: other, UID: c.Cell.Holder.ID}
	if c.Cell.Holder.Kind == identity.KindUser {
		u.TypeID = 1
	}
	return u
}

func actorOf(a ledger.Actor) *Actor {
	out := &Actor{AppName: a.Via}
	if a.ID != "" || a.Email != "" {
		out.User = &User{EmailAddr: a.Email, UID: a.ID}
	}
	if *out == (Actor{}) {
		return nil
	}
	return out
}

// enrichmentsOf is where in Slack the actor was.
func enrichmentsOf(a ledger.Actor) (list []Enrichment) {
	for _, known := range []struct{ name, value string }{{"slack.team", a.Team}, {"slack.user", a.Member}, {"slack.channel", a.Channel}, {"slack.ts", a.Message}} {
		if known.value != "" {
			list = append(list, Enrichment{Name: known.name, Value: known.value, Data: map[string]string{"id": known.value}})
		}
	}
	return list
}

// entityOf is what an event is about.
func entityOf(e ledger.Event, chain string) *Entity {
	switch {
	case e.Plan != "" && e.Digest != "":
		return &Entity{Type: "plan", UID: e.Plan, Data: map[string]string{"digest": e.Digest}}
	case e.Plan != "":
		return &Entity{Type: "plan", UID: e.Plan}
	case e.Subject != "":
		return &Entity{Type: kindOf(e.Event), UID: e.Subject}
	default:
		return &Entity{Type: "audit trail", UID: chain}
	}
}

// kindOf is what kind of thing an event of no plan is about.
func kindOf(event string) string {
	switch event {
	case ledger.EventLeaseTaken, ledger.EventLeaseDropped:
		return "lease"
	case ledger.EventElevationTaken, ledger.EventElevationJoined, ledger.EventElevationLeft, ledger.EventElevationRestored:
		return "elevation"
	case ledger.EventPinned, ledger.EventUnpinned, eventIdentityRefused:
		return "identity"
	default:
		return "other"
	}
}
