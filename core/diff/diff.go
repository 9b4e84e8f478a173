package diff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Options are how to compare.
type Options struct {
	// Rules are the choices under which effective access is worked out.
	Rules access.Options
	// Subjects, if any, limit the comparison to what concerns these principals: themselves, the groups
	// that they are in, and what those hold. One principal may have several keys over time.
	Subjects []identity.PrincipalKey
	// Target, if set, limits it to a securable with its containers, and Object to a workspace object.
	Target identity.Securable
	Object identity.Object
	// Workspace, if set, limits it to who may enter that workspace.
	Workspace identity.WorkspaceID
	// Budget is how many questions of effective access are asked at most; zero means DefaultBudget.
	Budget int
}

// DefaultBudget keeps a comparison of two large accounts to seconds.
const DefaultBudget = 400_000

// Between compares two readings. The envelope, and what the sides were read for, are left to the caller.
// Estates of different accounts are not compared.
func Between(before, after *estate.Estate, o Options) *report.DiffReport {
	return between(before, after, o, newUnlike)
}

// between leaves out what the last argument does not find unlike.
func between(before, after *estate.Estate, o Options, differing func(a, b *estate.Estate) *unlike) *report.DiffReport {
	r := &report.DiffReport{
		Before: describe(before), After: describe(after), NotComparable: []report.NotComparable{},
		Comparable: before.AccountID() == after.AccountID(),
	}
	if !r.Comparable {
		r.NotComparable = append(r.NotComparable, report.NotComparable{
			Scope: "account", Operation: "compare two accounts", Side: report.SideBoth, Kind: identity.Unsupported,
			Message: fmt.Sprintf("one is of account %s and the other of account %s", before.AccountID(), after.AccountID()),
			Effect:  "nothing was compared",
		})
		n := r.NotComparable[0]
		r.Coverage.Gaps = []report.Gap{{Scope: n.Scope, Operation: n.Operation, Kind: n.Kind, Message: n.Message, Effect: n.Effect, Blocking: true}}
		return r
	}
	ids := newIdentities(before, after)
	u := differing(before, after)
	c := &comparison{before: newSide(before, ids, u, o.Rules), after: newSide(after, ids, u, o.Rules), o: o}
	c.focus = newFocus(c)
	c.compare()
	c.compareEffective()
	c.write(r)
	c.cover(r)
	return r
}

// describe says what a reading is of.
func describe(e *estate.Estate) report.DiffSide {
	oldest, newest := e.Window()
	return report.DiffSide{AccountID: e.AccountID(), At: newest.UTC(), Oldest: oldest.UTC(), Scope: Scope(e)}
}

// comparison is two sides and what was found so far.
type comparison struct {
	before, after *side
	o             Options
	focus         *focus
	changes       []change
	// unidentified counts facts of which it is not known whether they are the same under another name.
	unidentified int
	// unasked counts those whom changes touch and whose effective access was not worked out.
	unasked int
}

// change is one difference; a side without the thing has no state.
type change struct {
	key           key
	before, after *report.State
	because       []int  // indexes of changes
	tie           string // orders changes of one key
}

// compare finds the facts that differ.
func (c *comparison) compare() {
	all := maps.Clone(c.before.facts)
	maps.Copy(all, c.after.facts)
	for k := range all {
		if !c.focus.has(k) {
			continue
		}
		was, before, knownBefore := c.before.at(k)
		is, after, knownAfter := c.after.at(k)
		switch {
		case !knownBefore || !knownAfter || !before && !after:
		case c.confused(k, was, is, before, after):
			c.unidentified++
		case before && after && !differ(k, was, is):
		case before && after:
			c.changes = append(c.changes, change{key: k, before: &was.state, after: &is.state})
		case before:
			c.changes = append(c.changes, change{key: k, before: &was.state})
		default:
			c.changes = append(c.changes, change{key: k, after: &is.state})
		}
	}
	slices.SortFunc(c.changes, change.compare)
}

func (c change) compare(other change) int {
	return cmp.Or(c.key.compare(other.key), strings.Compare(c.tie, other.tie))
}

// differ compares a thing that is there on both sides. What one side does not tell is taken as it is on
// the other.
func differ(k key, a, b value) bool {
	x, y := a.state, b.state
	switch k.kind {
	case report.KindPrincipal:
		return told(x.Name, y.Name) || told(x.DisplayName, y.DisplayName) || told(x.Status, y.Status) || told(x.Source, y.Source)
	case report.KindMembership:
		unclear := x.Membership == report.MemberUnclear || y.Membership == report.MemberUnclear
		return !unclear && x.Membership != y.Membership
	case report.KindWorkspace:
		return told(x.Name, y.Name) || told(x.Status, y.Status) || a.same != b.same
	case report.KindSecurable:
		return told(x.Subtype, y.Subtype)
	case report.KindObject:
		return told(x.Name, y.Name) || told(x.RunAs, y.RunAs) || a.same != b.same
	case report.KindOwner:
		return a.holder != b.holder
	default:
		return a.same != b.same
	}
}

// told reports whether both sides tell, and not the same.
func told(a, b string) bool { return a != "" && b != "" && a != b }

// write puts the changes into the report.
func (c *comparison) write(r *report.DiffReport) {
	r.Added, r.Removed, r.Changed = []report.Change{}, []report.Change{}, []report.Change{}
	number := func(i int) string { return fmt.Sprintf("c%d", i+1) }
	for i, x := range c.changes {
		item := report.Change{ID: number(i), Kind: x.key.kind, Key: c.show(x), Before: x.before, After: x.after}
		for _, j := range x.because {
			item.Because = append(item.Because, number(j))
		}
		switch {
		case x.before == nil:
			r.Added = append(r.Added, item)
		case x.after == nil:
			r.Removed = append(r.Removed, item)
		default:
			r.Changed = append(r.Changed, item)
		}
	}
	r.HasChanges = len(c.changes) > 0
	for _, x := range c.changes {
		if x.key.kind == report.KindObject && x.key.principal == (id{}) && (x.before == nil || x.after == nil) {
			r.Notes = append(r.Notes, "lists of workspace objects hold those that whoever read them may see: where two callers read the two sides, an object may only seem to have come or gone")
			break
		}
	}
}

// show names what a change is of: as it is called now, or as it was called where it is gone.
func (c *comparison) show(x change) report.ChangeKey {
	k := x.key
	shown := report.ChangeKey{Name: k.name}
	if k.principal != (id{}) {
		shown.Principal = c.principal(k.principal)
	}
	if !k.group.IsZero() {
		shown.Group = c.principal(id{key: k.group})
	}
	if k.securable.Type != "" {
		s := c.knowing(func(s *side) bool { _, ok := s.e.Securable(k.securable); return ok }).m.DescribeSecurable(k.securable)
		shown.Securable = &s
	}
	if k.object.Type != "" {
		shown.Object = c.knowing(func(s *side) bool { _, ok := s.e.Object(k.object); return ok }).m.DescribeObject(k.object)
	}
	if in := cmp.Or(k.workspace, k.group.Workspace, k.principal.key.Workspace); in != 0 { // groups of a workspace are told apart by it
		shown.Workspace, shown.WorkspaceID = c.workspaceName(in), in.String()
	}
	return shown
}

// knowing is the later of the sides that know something.
func (c *comparison) knowing(known func(*side) bool) *side {
	if known(c.after) || !known(c.before) {
		return c.after
	}
	return c.before
}

func (c *comparison) workspaceName(id identity.WorkspaceID) string {
	return c.knowing(func(s *side) bool { _, ok := s.e.Workspace(id); return ok }).e.WorkspaceName(id)
}

func (c *comparison) principal(who id) *report.Principal {
	if who.key.IsZero() {
		return &report.Principal{Kind: identity.KindUnknown.String(), Name: who.name, Source: identity.OriginUnknown.String(), Aliases: []string{}}
	}
	p := c.knowing(func(s *side) bool { return s.e.Names(who.key) }).m.Describe(who.key)
	return &p
}
