package plan

import (
	"cmp"
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Outcome is what would come of a plan's steps: worked out over an estate on which they were made, and not
// read off the names of groups.
type Outcome struct {
	Gains, Losses, Unknown, Excess []report.Gain
	// Escalations are the ways to more that the target does not have now.
	Escalations []report.Finding
	Tier        Tier
	Reasons     []string
	// Notes say what of the gain is not listed.
	Notes []string
}

// membersShown is how many members of a group are looked at one by one.
const membersShown = 200

// OutcomeOf works out what the steps of a wish give the target: those that are carried out, and those that
// the identity provider's administrators are asked for. Only the first decide the tier. guarded are groups
// that only the command line may give; complete says that everything needed was read.
func OutcomeOf(before *access.Model, w Wish, steps []Step, guarded []identity.PrincipalKey, complete bool) Outcome {
	e := before.Estate()
	w.Source, w.Target = e.Canonical(w.Source), e.Canonical(w.Target)
	ours, all := changes(steps)
	after := before.With(Overlay(e, all))
	carried := after
	if len(ours) != len(all) {
		carried = before.With(Overlay(e, ours))
	}
	t := &gaining{before: before, after: after, w: w, steps: steps, because: newCauses(before, after, w.Target, steps)}
	t.Escalations = []report.Finding{}
	c := &classifier{before: before, after: carried, target: w.Target, guarded: guarded}
	if len(all) == 0 {
		t.gain()
	} else {
		var was, is analysis.Ways
		access.Together(
			t.gain,
			func() { was = analysis.WaysOver(before, &w.Target) },
			func() { is = analysis.WaysOver(after, &w.Target) },
		)
		t.Escalations = is.NewSince(was)
		if carried != after {
			is = analysis.WaysOver(carried, &w.Target)
		}
		c.powers(was.Powers(), is.Powers())
	}
	c.steps(steps)
	if !complete && len(ours) > 0 {
		c.class(High, "not everything was read: what more it gives is not known")
	}
	t.Tier, t.Reasons = c.result()
	return t.Outcome
}

// changes are what is carried out, and what is to be done by anybody.
func changes(steps []Step) (ours, all []Change) {
	for _, s := range steps {
		switch {
		case s.Change == nil:
		case s.Kind.Executable():
			ours, all = append(ours, *s.Change), append(all, *s.Change)
		case s.Kind == IDPRequired:
			all = append(all, *s.Change)
		}
	}
	return ours, all
}

// gaining is an Outcome in the making.
type gaining struct {
	Outcome
	before, after *access.Model
	w             Wish
	steps         []Step
	because       *causes
}

// gain works out what the target comes to, and if it is a group its members.
func (t *gaining) gain() {
	t.target()
	t.members()
}

func (t *gaining) target() {
	turn, beyond := access.BetweenAnd(t.before, t.after, t.w.Target, t.w.Source)
	t.Gains = t.list(t.w.Target, turn.Gained, gained)
	t.Losses = t.list(t.w.Target, turn.Lost, lost)
	t.Unknown = t.list(t.w.Target, turn.Undecided, perhaps)
	t.Excess = t.list(t.w.Target, beyond, gained)
}

// members adds what members of a group come to that the group by itself does not.
func (t *gaining) members() {
	if t.w.Target.Kind != identity.KindGroup {
		return
	}
	n, left := 0, 0
	for _, k := range t.before.Members(t.w.Target) {
		if k.Kind == identity.KindGroup {
			continue
		}
		if n++; n > membersShown {
			left++
			continue
		}
		turn := access.Between(t.before, t.after, k)
		t.Gains = append(t.Gains, beside(t.list(k, turn.Gained, gained), t.Gains)...)
		t.Losses = append(t.Losses, beside(t.list(k, turn.Lost, lost), t.Losses)...)
		t.Unknown = append(t.Unknown, beside(t.list(k, turn.Undecided, perhaps), t.Unknown)...)
	}
	if n > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("what the group gains, its members gain as far as they do not have it: %d were seen; what they gain besides is listed under their names", n))
	}
	if left > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("what %d of the members gain besides is not listed", left))
	}
}

// beside leaves out what another list says of somebody already.
func beside(list, said []report.Gain) []report.Gain {
	return slices.DeleteFunc(list, func(g report.Gain) bool {
		return slices.ContainsFunc(said, func(o report.Gain) bool { return sameGain(g, o) })
	})
}

func sameGain(a, b report.Gain) bool {
	same := a.Kind == b.Kind && a.Workspace == b.Workspace && a.Permission == b.Permission && a.Role == b.Role && a.Scope == b.Scope && a.Level == b.Level
	if a.Securable != nil && b.Securable != nil {
		same = same && a.Securable.Type == b.Securable.Type && a.Securable.FullName == b.Securable.FullName && a.Securable.Metastore == b.Securable.Metastore
	}
	if a.Object != nil && b.Object != nil {
		same = same && *a.Object == *b.Object
	}
	return same && slices.Equal(a.Privileges, b.Privileges) && slices.Equal(a.ReachableIn, b.ReachableIn)
}

// turned is which way something went.
type turned uint8

const (
	perhaps turned = iota
	gained
	lost
)

// list turns rights into what reports say of them.
func (t *gaining) list(who identity.PrincipalKey, r access.Rights, way turned) []report.Gain {
	t.because.way = way
	e := t.after.Estate()
	principal := t.before.Describe(who) // it may be gone afterwards
	names := map[identity.WorkspaceID]string{}
	for _, w := range e.Workspaces() {
		names[w.ID] = e.WorkspaceName(w.ID)
	}
	within := reachable(names)
	list := make([]report.Gain, 0, len(r.Workspaces)+len(r.Roles)+len(r.Access)+len(r.Objects))
	for _, x := range r.Workspaces {
		list = append(list, report.Gain{
			Principal: principal, Kind: report.GainWorkspace, Workspace: names[x.In], Permission: x.As.String(),
			Because: t.because.ofWorkspace(x.In), Path: path(x.Path), ReachableIn: []string{names[x.In]},
		})
	}
	for _, x := range r.Roles {
		list = append(list, report.Gain{Principal: principal, Kind: report.GainRole, Role: x.Role, Scope: x.Scope, Because: t.because.ofRole(x), Path: path(x.Path), ReachableIn: []string{}})
	}
	for _, x := range r.Access {
		s := t.after.DescribeSecurable(x.On)
		g := report.Gain{
			Principal: principal, Kind: report.GainAccess, Securable: &s, Privileges: x.Privileges, Because: t.because.ofSecurable(x.On, x.In),
			Path: path(x.Path), ReachableIn: within(x.In),
		}
		list = append(list, g)
	}
	for _, x := range r.Objects {
		list = append(list, report.Gain{
			Principal: principal, Kind: report.GainObject, Object: t.after.DescribeObject(x.On), Level: x.Level,
			Because: t.because.ofObject(x.On), Path: report.Path{}, ReachableIn: []string{e.WorkspaceName(x.On.Workspace)},
		})
	}
	return list
}

// reachable gives the names of workspaces. Rights on what is alike share their list of workspaces, and so they do
// the one of names.
func reachable(names map[identity.WorkspaceID]string) func(in []identity.WorkspaceID) []string {
	type shared struct {
		first *identity.WorkspaceID
		n     int
	}
	known := map[shared][]string{}
	return func(in []identity.WorkspaceID) []string {
		if len(in) == 0 {
			return []string{}
		}
		k := shared{&in[0], len(in)}
		list, ok := known[k]
		if !ok {
			for _, w := range in {
				list = append(list, names[w])
			}
			list = slices.Clip(list)
			known[k] = list
		}
		return list
	}
}

func path(p report.Path) report.Path {
	if p == nil {
		return report.Path{}
	}
	return p
}

// compareTier orders tiers, the lowest first.
func compareTier(a, b Tier) int {
	return cmp.Compare(slices.Index(tiers, a), slices.Index(tiers, b))
}

var tiers = []Tier{"", Normal, High, Barred}
