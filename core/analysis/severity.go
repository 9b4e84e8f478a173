package analysis

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// weigher says how much it is worth to act as somebody: as much as the worst of what that one may do.
type weigher struct {
	*catalogue
	byHolder [][]*edge
	powerful []bool // who holds or certainly reaches a power
	worth    map[int32]string
}

// everybodys reports whether a group is one that everybody, or everybody in a workspace, is in: what it
// has is no gain to anybody.
func (d *directory) everybodys(i int32) bool {
	k := d.keys[i]
	return k == identity.AccountUsers() || k.Workspace != 0 && k.ID == identity.WorkspaceUsersName
}

// of is what acting as somebody is worth.
func (w *weigher) of(i int32) string {
	if s, ok := w.worth[i]; ok {
		return s
	}
	s := report.Medium
	for _, k := range w.identities(i) {
		if w.everybodys(k) {
			continue
		}
		for _, e := range w.byHolder[k] {
			s = worse(s, e.severity)
		}
		for range w.e.GrantsTo(w.keys[k]) {
			s = worse(s, report.High)
			break
		}
		for range w.e.OwnedBy(w.keys[k]) {
			s = worse(s, report.High)
			break
		}
	}
	if w.powerful[i] {
		s = report.Critical
	}
	w.worth[i] = s
	return s
}

// weigh raises what leads to acting as others by what those may do. Roles on groups and service
// principals are worth what these are; a permission on an object is critical where it leads to power.
func (w *weigher) weigh() {
	weighed := make([]string, len(w.edges))
	for n, e := range w.edges {
		weighed[n] = e.severity
		if !e.raised && e.id != "E12" || !e.leads() {
			continue
		}
		gain := report.Low
		if t := e.toward.identity; t != none {
			gain = w.of(t)
		} else {
			for _, i := range w.crowds[e.toward.crowd].in {
				gain = worse(gain, w.of(i))
			}
		}
		switch e.id {
		case "E06", "E07", "E08", "E09":
			weighed[n] = worse(e.severity, gain)
		case "E12":
			if gain == report.Critical {
				weighed[n] = report.High
			}
		default:
			if gain == report.Critical {
				weighed[n] = report.Critical
			}
		}
	}
	for n, e := range w.edges {
		e.severity = weighed[n]
	}
}

// outside enters the groups that carry privilege and whose members are chosen in the identity provider
// (E32): whoever administers them there decides who has it.
//
// https://docs.databricks.com/aws/en/admin/users-groups/groups
func (w *weigher) outside() {
	clear(w.worth) // which was asked while edges had yet to be weighed
	for i, k := range w.keys {
		p, _ := w.e.Principal(k)
		if p.Origin != identity.OriginIDP || k.Kind != identity.KindGroup {
			continue
		}
		if gain := w.of(int32(i)); ranks[gain] <= ranks[report.High] {
			w.edges = append(w.edges, &edge{
				id: "E32", severity: report.High, holder: int32(i), toward: nowhere(), personal: true,
				gains: "what group " + w.name(int32(i)) + " has, for whomever its owner in the identity provider puts into it",
				acts:  []string{"in the identity provider: add somebody to the group, or provision as if it were it"},
				fix:   "protect the group in the identity provider like what it gives here",
				why:   "no API of Databricks tells who may change the group in the identity provider",
			})
		}
	}
}
