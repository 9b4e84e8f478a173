package accesstest

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// leverQuestions are about those who can turn what runs as somebody else, or may be able to, and about what
// that one was granted.
func (w World) leverQuestions() []CanQuestion {
	var qs []CanQuestion
	whole := w
	whole.Hidden = nil
	seen := whole.sightings()
	turn := int(w.Order % 1000)
	for _, subject := range w.subjects() {
		o := newOracle(seen, subject)
		// The last levers are the likeliest.
		for _, info := range slices.Backward(seen.Objects) {
			if !isLever(info.Type) {
				continue
			}
			as, runs := o.runner(info)
			if runs.verdict == access.Denied && turn%4 > 0 || o.turns(info, as).verdict == access.Denied {
				continue
			}
			turn++
			on, p, ok := w.readBy(as, runs.verdict == access.Allowed, turn)
			if !ok {
				continue
			}
			q := CanQuestion{subject, p, on, []identity.WorkspaceID{info.Workspace}}
			if turn%3 == 0 {
				q.From = w.Workspaces
			}
			qs = append(qs, q)
			break
		}
	}
	return qs
}

// readBy is something in a schema that somebody was granted, or where that is not known somebody else.
func (w World) readBy(k identity.PrincipalKey, known bool, turn int) (identity.Securable, identity.Privilege, bool) {
	var others []identity.Grant
	for _, g := range slices.Backward(w.Grants) {
		if !g.Securable.Type.InSchema() {
			continue
		}
		if known && g.Holder == w.nameOf(k) {
			return g.Securable, g.Privileges[0], true
		}
		others = append(others, g)
	}
	if len(others) == 0 {
		return identity.Securable{}, "", false
	}
	g := others[turn%len(others)]
	return g.Securable, g.Privileges[0], true
}
