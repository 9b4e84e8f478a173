package diff

import (
	"cmp"
	"fmt"
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// lacking is one read that at least one side needed and did not make.
type lacking struct {
	key     estate.ReadKey
	side    string
	outcome estate.Outcome
}

// cover fills in what was not compared, and the coverage that follows: reads of the same kind and place
// together. What was left out on purpose on one side leaves the comparison complete.
func (c *comparison) cover(r *report.DiffReport) {
	lacking, planned := c.lacking()
	r.NotComparable = append(c.limits(), c.together(lacking)...)
	r.Coverage = report.Coverage{Complete: true, Planned: planned, Read: planned - len(lacking), Gaps: []report.Gap{}}
	for _, n := range r.NotComparable {
		if n.Kind == identity.NotAsked || n.Kind == identity.NotRunning {
			continue
		}
		g := report.Gap{Scope: n.Scope, Operation: n.Operation, Kind: n.Kind, Message: n.Message, Effect: n.Effect, Blocking: true}
		if n.Reads > 1 {
			g.Operation = fmt.Sprintf("%s (%d times)", n.Operation, n.Reads)
		}
		r.Coverage.Complete = false
		r.Coverage.Gaps = append(r.Coverage.Gaps, g)
	}
}

// limits are the parts that are not a single read.
func (c *comparison) limits() []report.NotComparable {
	list := []report.NotComparable{}
	for _, x := range []struct {
		s    *side
		name string
	}{{c.before, report.SideBefore}, {c.after, report.SideAfter}} {
		if x.s.e.Interrupted() {
			list = append(list, report.NotComparable{
				Scope: "account", Operation: "read to the end", Side: x.name, Kind: identity.Failed, Message: "the reading was interrupted",
				Effect: "changes of what was not reached are not seen", Reads: 1,
			})
		}
	}
	if c.unidentified > 0 {
		list = append(list, report.NotComparable{
			Scope: "account", Operation: "tell whom facts name", Side: report.SideBoth, Kind: identity.NotAsked,
			Message: "who bears the name was read on one side alone: principals with another name now cannot be told from others",
			Effect:  "whether it changed is not known: what they were granted, own and may use", Reads: c.unidentified,
		})
	}
	if c.unasked > 0 {
		list = append(list, report.NotComparable{
			Scope: "account", Operation: "work out effective access", Side: report.SideBoth, Kind: identity.Unsupported,
			Message: fmt.Sprintf("changes touch so many that %d principals were left out; ask about them one by one: principal WHO --baseline FILE", c.unasked),
			Effect:  "what they gained or lost is not shown", Reads: c.unasked,
		})
	}
	return list
}

// lacking finds the reads, in the order of the ledger, and counts those that either side made or needed.
func (c *comparison) lacking() (list []lacking, planned int) {
	seen := map[estate.ReadKey]bool{}
	for _, s := range []*side{c.before, c.after} {
		for _, r := range s.e.Reads() {
			k := r.Key
			k.Principal = c.before.ids.one(k.Principal)
			if seen[k] || titles[k.Op].many == "" || c.focus.leavesOut(k) {
				continue
			}
			seen[k] = true
			l, ok := c.lack(k)
			if ok {
				list = append(list, l)
			}
			if ok || r.Outcome.OK() {
				planned++
			}
		}
	}
	return list, planned
}

// lack compares how one read ended on the two sides.
func (c *comparison) lack(k estate.ReadKey) (l lacking, ok bool) {
	was, before := c.before.outcome(k)
	is, after := c.after.outcome(k)
	before, after = before || c.outside(c.before, k), after || c.outside(c.after, k)
	switch {
	case before && after || !was.Needed && !is.Needed && !before && !after:
		return lacking{}, false
	case before:
		return lacking{k, report.SideAfter, is}, true
	case after:
		return lacking{k, report.SideBefore, was}, true
	case is.Needed:
		return lacking{k, report.SideBoth, is}, true
	default:
		return lacking{k, report.SideBoth, was}, true
	}
}

// outside reports whether a read is of the members of a group that none of the subjects is in on a side,
// as their own groups show.
func (c *comparison) outside(s *side, k estate.ReadKey) bool {
	if k.Op != estate.OpMembers || len(c.o.Subjects) == 0 {
		return false
	}
	return !slices.ContainsFunc(c.o.Subjects, func(who identity.PrincipalKey) bool {
		who = s.ids.one(who)
		_, told := s.outcome(estate.ReadKey{Op: estate.OpParents, Principal: who})
		return !told || who == k.Principal || s.above(who)[k.Principal]
	})
}

// outcome is how a read ended on this side; told is true where its whole answer, or what comes to the
// same, is known.
func (s *side) outcome(k estate.ReadKey) (o estate.Outcome, told bool) {
	o, planned := s.e.Outcome(k)
	if planned && o.OK() || s.knowsOtherwise(k) {
		return estate.Outcome{}, true
	}
	if planned {
		return o, false
	}
	general := estate.ReadKey{Op: k.Op, Type: k.Type}
	if o, planned = s.e.Outcome(general); !planned {
		o = estate.Outcome{Kind: identity.NotAsked, Message: "not part of the question that it was read for"}
	}
	o.Needed = false
	return o, k.Op == estate.OpReach // which is only entered when it fails
}

// knowsOtherwise reports whether a read that was not made would tell nothing more: what it is about is
// not there, or was told by another one.
func (s *side) knowsOtherwise(k estate.ReadKey) bool {
	switch k.Op {
	case estate.OpPrincipal:
		p, _ := s.e.Principal(k.Principal)
		return p.Status != identity.StatusUnknown || p.Key.Kind == identity.KindGroup && p.Name != "" || s.lacksPrincipal(k.Principal)
	case estate.OpMembers:
		return s.lacksPrincipal(k.Principal)
	case estate.OpParents:
		return s.lacksPrincipal(k.Principal) || s.groupsRead()
	case estate.OpRoles:
		return !k.Principal.IsZero() && s.lacksPrincipal(k.Principal)
	case estate.OpAssignments, estate.OpRestrictAdmins, estate.OpDirectory:
		return s.lacksWorkspace(k.Workspace)
	case estate.OpEntitlements:
		all := entitlements(k.Workspace, identity.PrincipalKey{Kind: k.Principal.Kind})
		return k.Workspace != 0 && (s.lacksWorkspace(k.Workspace) || k.Principal.ID != "" && (s.saw(all) || s.lacksPrincipal(k.Principal)))
	case estate.OpChildren, estate.OpGrants, estate.OpPolicies, estate.OpMetastoreWorkspaces, estate.OpPrivilegeModel, estate.OpVisibility:
		return k.Securable.Type != "" && s.lacksSecurable(k.Securable)
	case estate.OpSecurable:
		_, owned := s.e.Owner(k.Securable)
		return owned || s.lacksSecurable(k.Securable)
	case estate.OpBindings:
		info, there := s.e.Securable(k.Securable)
		return there && info.Isolation == identity.IsolationOpen || s.lacksSecurable(k.Securable)
	case estate.OpObjects:
		return k.Object.Workspace != 0 && s.lacksWorkspace(k.Object.Workspace)
	case estate.OpObject, estate.OpObjectGrants:
		return s.lacksObject(k.Object)
	default:
		return false
	}
}

// everyGroup reports whether the members of every account group were read, so that nobody's groups are
// hidden.
func (s *side) everyGroup() bool {
	if !s.whole() || !s.saw(estate.ReadKey{Op: estate.OpGroups}) {
		return false
	}
	for p := range s.e.Principals() {
		if p.Key.Kind == identity.KindGroup && p.Key.Workspace == 0 && !implicit(p.Key) && !s.saw(estate.ReadKey{Op: estate.OpMembers, Principal: p.Key}) {
			return false
		}
	}
	return true
}

// leavesOut reports whether a read is of no concern to what the comparison is limited to.
func (f *focus) leavesOut(k estate.ReadKey) bool {
	switch k.Op {
	case estate.OpPrincipals, estate.OpGroups:
		return !f.unlimited()
	case estate.OpPrincipal, estate.OpParents, estate.OpMembers:
		return !f.unlimited() && !f.acting[k.Principal] && !f.holding[k.Principal]
	case estate.OpChildren, estate.OpGrants, estate.OpBindings, estate.OpPolicies, estate.OpSecurable:
		return f.o.Target.Type != "" && !slices.Contains(f.lineage, k.Securable)
	default:
		return false
	}
}

// together puts reads of the same kind in the same place, that are missing on the same side for the same
// reason, into one entry each.
func (c *comparison) together(all []lacking) []report.NotComparable {
	type group struct{ scope, operation, side, kind string }
	var order []group
	reads := map[group][]lacking{}
	for _, l := range all {
		e := c.naming(l).e
		g := group{e.Scope(l.key), many(l.key), l.side, string(l.outcome.Kind)}
		if reads[g] == nil {
			order = append(order, g)
		}
		reads[g] = append(reads[g], l)
	}
	slices.SortStableFunc(order, func(a, b group) int { return cmp.Compare(gravity(a.kind), gravity(b.kind)) })
	var list []report.NotComparable
	for _, g := range order {
		first := reads[g][0]
		entry := report.NotComparable{
			Scope: g.scope, Operation: g.operation, Side: g.side, Kind: first.outcome.Kind, Message: first.outcome.Message,
			Effect: "whether it changed is not known: " + titles[first.key.Op].what, Reads: len(reads[g]),
		}
		if one := c.naming(first).e.Operation(first.key); entry.Reads == 1 {
			entry.Operation = one
		} else {
			entry.Example = one
		}
		list = append(list, entry)
	}
	return list
}

// gravity puts what failed before what was left out on purpose.
func gravity(kind string) int {
	if kind == string(identity.NotAsked) {
		return 1
	}
	return 0
}

// naming is the side that knows what a read is about: the one that made it.
func (c *comparison) naming(l lacking) *side {
	if l.side == report.SideAfter {
		return c.before
	}
	return c.after
}
