package accesstest

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func (c *canCheck) missing() complaint {
	if c.r.Verdict == report.Allow {
		return complaint{}
	}
	for i, set := range c.r.Missing {
		if i > 0 && len(set.Facts) < len(c.r.Missing[i-1].Facts) {
			return complain("the smallest missing set comes first", "set %d has %d facts, the one before %d",
				i, len(set.Facts), len(c.r.Missing[i-1].Facts))
		}
		if bad := c.missingSet(set); bad != (complaint{}) {
			bad.why = fmt.Sprintf("set %d: %s", i, bad.why)
			return bad
		}
	}
	for _, ws := range c.q.From {
		in := func(set report.MissingSet) bool { return set.Workspace == workspaceName(ws) }
		if c.q.Privilege.Applies(c.q.On.Type) && !slices.ContainsFunc(c.r.Missing, in) {
			return complain("each workspace has a missing set", "%v has none", ws)
		}
	}
	// Of a doubt about acting as somebody else, nothing is missing of its own.
	unknown := func(ws identity.WorkspaceID) bool {
		return c.oracle.canItself(c.q.Privilege, c.q.On, ws).verdict == access.Unknown
	}
	doubtful := func(set report.MissingSet) bool {
		return slices.ContainsFunc(set.Facts, func(m report.Missing) bool { return !m.Known })
	}
	if c.r.Verdict == report.Unknown && slices.ContainsFunc(c.q.From, unknown) && !slices.ContainsFunc(c.r.Missing, doubtful) {
		return complain("an UNKNOWN names what was not read", "every missing fact is known to be absent")
	}
	// Where it is denied, some condition fails for sure, though others may not have been read.
	for _, set := range c.r.Missing {
		known := slices.ContainsFunc(set.Facts, func(m report.Missing) bool { return m.Known })
		if c.r.Verdict == report.Deny && !known {
			return complain("a DENY lacks facts that are known to be absent", "each fact of the set for %s may be there", set.Workspace)
		}
	}
	return complaint{}
}

func (c *canCheck) missingSet(set report.MissingSet) complaint {
	ws, ok := c.workspace(set.Workspace)
	if !ok || !slices.Contains(c.q.From, ws) {
		return complain("a missing set is for a workspace that was asked about", "%q is none", set.Workspace)
	}
	if len(set.Facts) == 0 {
		return complain("something is missing", "the set for %s is empty", set.Workspace)
	}
	var extra []supply
	enough := access.Allowed
	for _, m := range set.Facts {
		s, bad := c.supplied(set, m)
		if bad != (complaint{}) {
			return bad
		}
		if m.Known != (m.Read == "") {
			return complain("what was not read is named", "%s", describeMissing(m))
		}
		if m.Known && !c.absent(s) {
			return complain("what is known to be missing is not there", "%s", describeMissing(m))
		}
		if slices.Contains(extra, s) {
			return complain("no missing fact comes twice", "%s", describeMissing(m))
		}
		extra = append(extra, s)
		if isDoubt(m) { // of which group is not said: all the rest can do is leave room for it
			enough = access.Unknown
		}
	}
	if slices.ContainsFunc(set.Facts, isDoubt) {
		return complaint{} // who it would have to be is the group that was not read: nothing to supply
	}
	with := func(extra []supply) answer {
		return newOracle(c.seen.suppose(extra...), c.q.Subject).can(c.q.Privilege, c.q.On, ws)
	}
	a := with(extra)
	itself := func(extra []supply) answer {
		return newOracle(c.seen.suppose(extra...), c.q.Subject).canItself(c.q.Privilege, c.q.On, ws)
	}
	if itself(extra).verdict == access.Allowed {
		with = itself // what a set gives the subject is one thing, what it gives whom it may act as another
	}
	if access.Any(a.verdict, enough) != a.verdict {
		return complain("a missing set suffices", "with it, it is %v: %v", a.verdict, a)
	}
	// That the owner of a view may read what it is made from is supposed whole, and may bring more with it
	// than the set says: of a view that the view asked about is made from, the subject's own right to read it.
	deeper := func(s supply) bool { return s.kind == report.StepDefiner && s.on != c.q.On }
	if slices.ContainsFunc(extra, deeper) {
		return complaint{}
	}
	for i := range extra {
		less, _ := without(extra, i)
		if with(less).verdict == access.Allowed {
			return complain("every missing fact is needed", "%s is not", describeMissing(set.Facts[i]))
		}
	}
	return complaint{}
}

// supplied is a missing fact as one that can be supposed. A membership that was not read cannot: it
// only says where the doubt is from.
func (c *canCheck) supplied(set report.MissingSet, m report.Missing) (supply, complaint) {
	ws, _ := c.workspace(set.Workspace)
	s := supply{kind: m.Kind, subject: c.q.Subject}
	on, named := c.securable(m.Securable)
	there := named && (m.Workspace == set.Workspace || m.Workspace == "")
	switch {
	case m.Kind == report.StepGrant && named && m.Privilege != "":
		s.on, s.privilege = on, m.Privilege
	case m.Kind == report.StepAssigned && m.Workspace == set.Workspace:
		s.workspace = ws
	case m.Kind == report.StepAttached && there:
		s.on, s.workspace = identity.MetastoreSecurable(on.Metastore), ws
	case m.Kind == report.StepBinding && there:
		s.on, s.workspace = on, ws
	case m.Kind == report.StepDefiner && named:
		s.on, s.workspace = on, ws
	case m.Kind == report.StepActive:
	case isDoubt(m): // it may be somebody who holds it already
	default:
		return s, complain("a missing fact is one that could be supplied", "%s", describeMissing(m))
	}
	return s, complaint{}
}

// absent reports whether nothing that was not seen could be the fact. A grant is absent when the
// principal does not hold the privilege there, whatever the way.
func (c *canCheck) absent(s supply) bool {
	switch s.kind {
	case report.StepActive:
		return c.oracle.active().verdict == access.Denied
	case report.StepAssigned:
		return c.oracle.assigned(s.workspace, identity.WorkspaceUser).verdict == access.Denied
	case report.StepAttached:
		return c.oracle.attached(s.on.Metastore, s.workspace).verdict == access.Denied
	case report.StepBinding:
		return c.oracle.bound(s.on, c.q.Privilege, s.workspace).verdict == access.Denied
	case report.StepDefiner:
		return c.oracle.defined(c.q.Privilege, c.q.On, s.workspace).verdict == access.Denied
	default:
		return true // see missingSet: that it is needed is checked there
	}
}

// isDoubt reports whether a missing fact only says where a doubt is from: whom it would be about was not
// read.
func isDoubt(m report.Missing) bool {
	switch m.Kind {
	case report.StepMember, report.StepRole, report.StepAssume:
		return !m.Known
	default:
		return false
	}
}
