package diff_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/diff"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/snapshot"
)

// pair is a world and what became of it.
type pair struct{ before, after accesstest.World }

// drawPair makes a world that was read whole, and takes away from it and gives to it.
func drawPair(t *rapid.T) pair {
	w := accesstest.Generate(t)
	w.Hidden = nil
	seed := rapid.Uint64().Draw(t, "changes")
	return pair{w, changed(w, rand.New(rand.NewPCG(seed, 7)))}
}

// changed is a world in which facts went, came and changed.
func changed(w accesstest.World, rng *rand.Rand) accesstest.World {
	w.Facts.Principals = slices.Clone(w.Principals)
	w.Memberships = without(w.Memberships, rng)
	w.Assignments = without(w.Assignments, rng)
	w.Grants = without(w.Grants, rng)
	w.Roles = without(w.Roles, rng)
	w.Permissions = without(w.Permissions, rng)
	w.Securables = slices.Clone(w.Securables)
	w.Order = rng.Uint64()
	for i := range w.Grants {
		if rng.IntN(6) == 0 {
			w.Grants[i].Privileges = append(slices.Clone(w.Grants[i].Privileges), "BROWSE")
		}
	}
	if i := slices.IndexFunc(w.Principals, func(p identity.Principal) bool { return p.Name == "g3" && p.Key.Workspace == 0 }); i >= 0 && rng.IntN(2) == 0 {
		rename(&w.Facts, i)
	}
	for i, p := range w.Principals {
		if rng.IntN(8) == 0 && p.Status == identity.StatusActive && p.Key.Kind != identity.KindGroup {
			w.Principals[i].Status = identity.StatusInactive
		}
	}
	return w
}

// rename gives a group another name, wherever it is spelt.
func rename(f *accesstest.Facts, i int) {
	was, is := f.Principals[i].Name, "renamed"
	again := func(name *string) {
		if identity.SameName(*name, was) {
			*name = is
		}
	}
	again(&f.Principals[i].Name)
	again(&f.Principals[i].DisplayName)
	for i := range f.Grants {
		again(&f.Grants[i].Holder)
	}
	for i := range f.Securables {
		again(&f.Securables[i].Owner)
	}
	for i := range f.Roles {
		again(&f.Roles[i].Holder.Name)
	}
	for i := range f.Permissions {
		again(&f.Permissions[i].Holder.Name)
	}
}

// without drops some items and moves on.
func without[T any](list []T, rng *rand.Rand) []T {
	return slices.DeleteFunc(slices.Clone(list), func(T) bool { return rng.IntN(5) == 0 })
}

func between(p pair) *report.DiffReport {
	return diff.Between(p.before.Estate(), p.after.Estate(), diff.Options{})
}

// facts are the changes of a list as text, without ids, one for each thing that came or went.
func facts(list []report.Change, effective bool) []string {
	texts := []string{}
	for _, c := range list {
		if (c.Kind == report.KindEffective) != effective {
			continue
		}
		k := c.Key
		text := c.Kind
		for _, p := range []*report.Principal{k.Principal, k.Group} {
			switch {
			case p == nil:
			case p.ID == "":
				text += " " + strings.ToLower(p.Name)
			default:
				text += " " + p.Kind + p.ID
			}
		}
		if k.Securable != nil {
			text += " on " + string(k.Securable.Type) + k.Securable.FullName + k.Securable.Metastore
		}
		if k.Object != nil {
			text += " on " + k.Object.Type + k.Object.ID
		}
		text += " in " + k.WorkspaceID + " " + k.Name
		if !effective {
			texts = append(texts, text)
			continue
		}
		for _, s := range []*report.State{c.Before, c.After} {
			if s == nil {
				continue
			}
			texts = append(texts, atoms(text, s)...)
		}
	}
	slices.Sort(texts)
	return texts
}

// atoms takes an effective change apart: reports put privileges and workspaces together.
func atoms(text string, s *report.State) []string {
	var list []string
	for _, p := range s.Privileges {
		for _, w := range s.ReachableIn {
			list = append(list, fmt.Sprint(text, " ", p, " from ", w))
		}
	}
	for _, l := range s.Levels {
		list = append(list, fmt.Sprint(text, " ", l.Level))
	}
	if len(s.Privileges)+len(s.Levels) == 0 {
		list = append(list, text+" "+s.Permission)
	}
	return list
}

func TestNothingChangedInTheSameWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := accesstest.Generate(t)
		again := w
		again.Order++
		if r := between(pair{w, again}); r.HasChanges {
			t.Fatalf("changes: %+v %+v %+v", r.Added, r.Removed, r.Changed)
		}
	})
}

// TestNothingIsLeftOut compares with the same comparison that looks at every fact, of worlds that differ in
// records of securables and objects too, and of which each side may lack reads.
func TestNothingIsLeftOut(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := accesstest.Generate(t)
		for i := range w.Objects {
			w.Objects[i].Name = "object"
		}
		seed := rapid.Uint64().Draw(t, "changes")
		rng := rand.New(rand.NewPCG(seed, 11))
		p := pair{w, changed(w, rng)}
		touch(&p.after.Facts, rng)
		if rapid.Bool().Draw(t, "back") {
			p.before, p.after = p.after, p.before
		}
		before, after := p.before.Estate(), p.after.Estate()
		got, want := diff.Between(before, after, diff.Options{}), diff.BetweenAll(before, after, diff.Options{})
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("what is left out differs (-all +got): %s", d)
		}
		for _, c := range slices.Concat(got.Added, got.Removed, got.Changed) {
			seen[c.Kind+" "+c.Key.Name]++
			if c.Kind == report.KindObject && c.Key.Principal == nil && c.Before != nil && c.After != nil {
				seen["object record"]++
			}
		}
	})
	for _, kind := range []string{"grant ", "owner ", "binding ", "object ", "object record", "securable "} {
		if seen[kind] == 0 {
			t.Errorf("no change of %s was met: the worlds are too alike", kind)
		}
	}
}

// touch changes the records of some securables and objects, and drops others.
func touch(f *accesstest.Facts, rng *rand.Rand) {
	f.Objects = without(f.Objects, rng)
	f.Securables = slices.DeleteFunc(slices.Clone(f.Securables), func(s identity.SecurableInfo) bool { return s.Type.InSchema() && rng.IntN(6) == 0 })
	for i := range f.Securables {
		s := &f.Securables[i]
		switch rng.IntN(12) {
		case 0:
			s.TableType = "EXTERNAL"
		case 1:
			s.Isolation = identity.Isolated
		case 2:
			s.Owner = "somebody else"
		}
	}
	for i := range f.Objects {
		o := &f.Objects[i]
		switch rng.IntN(6) {
		case 0:
			o.Name += "2"
		case 1:
			o.RunAs, o.Detailed = "somebody else", true
		case 2:
			o.Detailed = !o.Detailed
		}
	}
}

func TestReversed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		there, back := between(p), between(pair{p.after, p.before})
		for _, effective := range []bool{false, true} {
			if d := cmp.Diff(facts(there.Added, effective), facts(back.Removed, effective)); d != "" {
				t.Fatalf("added there, removed back: %s", d)
			}
			if d := cmp.Diff(facts(there.Removed, effective), facts(back.Added, effective)); d != "" {
				t.Fatalf("removed there, added back: %s", d)
			}
		}
		if d := cmp.Diff(facts(there.Changed, false), facts(back.Changed, false)); d != "" {
			t.Fatalf("changed: %s", d)
		}
	})
}

func TestRoundTripThroughAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		want := between(p)
		var file bytes.Buffer
		if err := snapshot.Write(&file, p.before.Estate(), snapshot.About{}); err != nil {
			t.Fatal(err)
		}
		read, _, err := snapshot.Read(&file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, diff.Between(read, p.after.Estate(), diff.Options{})); d != "" {
			t.Fatal(d)
		}
	})
}

// TestAppliedChangesGiveTheOtherWorld: nothing is left out of a comparison of what was read whole.
func TestAppliedChangesGiveTheOtherWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		want := list(p.after)
		got := apply(list(p.before), between(p))
		for _, m := range []map[string]bool{want, got} {
			maps.DeleteFunc(m, func(_ string, is bool) bool { return !is })
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("-after +before with the changes:\n%s\n%s\n%s\n%+v", d, p.before, p.after, between(p).Removed)
		}
	})
}

// list is a world's facts as a set of sentences, made without the code that is tested.
func list(w accesstest.World) map[string]bool {
	set := map[string]bool{}
	e := w.Estate()
	who := func(k identity.PrincipalKey) string {
		k = e.Canonical(k)
		if k.Workspace != 0 {
			return k.Kind.String() + k.ID + "@" + k.Workspace.String()
		}
		return k.Kind.String() + k.ID
	}
	holder := func(name string) string {
		if k := e.Resolve(name).Key; !k.IsZero() {
			return who(k)
		}
		return "unknown" + strings.ToLower(name)
	}
	for _, m := range w.Memberships {
		local := m.Group.Workspace != 0 && m.Member.Kind != identity.KindGroup // which do not tell whether it is direct
		if a, b := who(m.Member), who(m.Group); a != b && !local {
			set["member "+a+" "+b] = true
		}
	}
	for _, g := range w.Grants {
		for _, p := range g.Privileges {
			name := g.Holder
			if name == "" {
				set[fmt.Sprint("grant unknowndeleted principal ", g.DeletedID, g.Securable.Metastore, g.Securable, p)] = true
				continue
			}
			set[fmt.Sprint("grant ", holder(name), g.Securable.Metastore, g.Securable, p)] = true
		}
	}
	strongest := map[string]identity.WorkspacePermission{}
	for _, a := range w.Assignments {
		at := fmt.Sprint("assigned ", who(a.Principal), " ", a.Workspace, " ")
		if old, again := strongest[at]; !again || a.Permission > old {
			strongest[at] = a.Permission
		}
	}
	for at, p := range strongest {
		set[at+p.String()] = true
	}
	for _, p := range w.Principals {
		if p.Key.Workspace == 0 && p.Key.Kind != identity.KindGroup && p.Status != identity.StatusUnknown {
			set[fmt.Sprint("status ", who(p.Key), " ", p.Status == identity.StatusActive)] = true
		}
	}
	return set
}

// apply changes sentences as a report says.
func apply(set map[string]bool, r *report.DiffReport) map[string]bool {
	put := func(c report.Change, s *report.State, is bool) {
		if s == nil || c.Key.Principal == nil {
			return
		}
		who := c.Key.Principal.Kind + c.Key.Principal.ID
		switch {
		case c.Key.Principal.ID == "":
			who = "unknown" + c.Key.Principal.Name
		case c.Kind == report.KindGrant && c.Key.WorkspaceID != "", c.Kind == report.KindMembership && local(c.Key.Principal):
			who += "@" + c.Key.WorkspaceID // a group of one workspace
		}
		switch c.Kind {
		case report.KindMembership:
			group := c.Key.Group.Kind + c.Key.Group.ID
			if local(c.Key.Group) {
				group += "@" + c.Key.WorkspaceID
			}
			if s.Membership == report.MemberDirect && (!local(c.Key.Group) || c.Key.Principal.Kind == "group") {
				set["member "+who+" "+group] = is
			}
		case report.KindGrant:
			for _, p := range s.Privileges {
				set[fmt.Sprint("grant ", who, securable(c.Key.Securable), p)] = is
			}
		case report.KindWorkspace:
			set["assigned "+who+" "+c.Key.WorkspaceID+" "+s.Permission] = is
		case report.KindPrincipal:
			if s.Status != "" {
				set[fmt.Sprint("status ", who, " ", s.Status == "active")] = is
			}
		}
	}
	for _, c := range slices.Concat(r.Added, r.Removed, r.Changed) {
		put(c, c.Before, false)
		put(c, c.After, true)
	}
	return set
}

// local reports whether a group is one of one workspace alone, by the ids of the generated worlds.
func local(p *report.Principal) bool { return strings.HasPrefix(p.ID, "5") && p.Kind == "group" }

// securable spells it as list does; reports call a metastore by its name.
func securable(s *report.Securable) string {
	id := strings.Replace(s.Metastore, "store", "m", 1)
	if s.Type == identity.TypeMetastore {
		return id + string(s.Type) + " " + id
	}
	return id + string(s.Type) + " " + s.FullName
}

// TestNoReadNoChange: what one side did not read never shows as having gone or come.
func TestNoReadNoChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		full := between(p)
		var reads []estate.ReadKey
		for _, k := range p.after.Reads() {
			if p.after.Hideable(k) && slices.Contains(p.before.Reads(), k) {
				reads = append(reads, k)
			}
		}
		if len(reads) == 0 {
			return
		}
		hidden := map[estate.ReadKey]accesstest.Gap{}
		kind := rapid.SampledFrom([]identity.FailureKind{"", identity.Forbidden, identity.Failed}).Draw(t, "kind")
		for range rapid.IntRange(1, 3).Draw(t, "reads") {
			hidden[rapid.SampledFrom(reads).Draw(t, "read")] = accesstest.Gap{Kind: kind}
		}
		blind := p
		if rapid.Bool().Draw(t, "before") {
			blind.before.Hidden = hidden
		} else {
			blind.after.Hidden = hidden
		}
		got := between(blind)
		for _, effective := range []bool{false, true} {
			within(t, "removed", facts(got.Removed, effective), facts(full.Removed, effective))
			within(t, "added", facts(got.Added, effective), facts(full.Added, effective))
		}
		within(t, "changed", facts(got.Changed, false), facts(full.Changed, false))
		alone := func(k estate.ReadKey) bool { return k.Op == estate.OpGrants || k.Op == estate.OpAssignments } // nothing else tells it
		if len(got.NotComparable) == 0 && slices.ContainsFunc(slices.Collect(maps.Keys(hidden)), alone) {
			t.Fatalf("reads %v were not made and nothing says so", hidden)
		}
	})
}

func within(t *rapid.T, what string, small, large []string) {
	t.Helper()
	for _, s := range small {
		if !slices.Contains(large, s) {
			t.Fatalf("%s: %s, which did not happen", what, s)
		}
	}
}

// TestNobodyIsForgotten: what anybody gained or lost on what it holds is among the effective changes,
// whichever facts changed.
func TestNobodyIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		a, b := p.before.Estate(), p.after.Estate()
		r := diff.Between(a, b, diff.Options{})
		gained, lost := facts(r.Added, true), facts(r.Removed, true)
		before, after := access.Over(a, access.Options{}), access.Over(b, access.Options{})
		for who := range a.Principals() {
			if who.Key.Kind == identity.KindGroup || who.Name == "" {
				continue
			}
			for on := range holdings(a, b, before, after, who.Key) {
				for _, privilege := range []identity.Privilege{identity.Select, identity.UseCatalog, identity.UseSchema, identity.Modify} {
					for _, w := range p.before.Workspaces {
						was, is := before.Subject(who.Key).Can(privilege, on, w), after.Subject(who.Key).Can(privilege, on, w)
						text := fmt.Sprintf("effective %s%s on %s%s%s in   %s from %s", who.Key.Kind, who.Key.ID,
							on.Type, on.FullName(), a.MetastoreName(on.Metastore), privilege, a.WorkspaceName(w))
						if was == access.Denied && is == access.Allowed && !slices.Contains(gained, text) {
							t.Fatalf("gained, but not told: %s\n%s", text, strings.Join(gained, "\n"))
						}
						if was == access.Allowed && is == access.Denied && !slices.Contains(lost, text) {
							t.Fatalf("lost, but not told: %s\n%s\n%s\n%s", text, strings.Join(lost, "\n"), p.before, p.after)
						}
					}
				}
			}
		}
	})
}

// holdings are the securables on which somebody, or a group that it is in on either side, is granted
// something that applies there.
func holdings(a, b *estate.Estate, before, after *access.Model, who identity.PrincipalKey) map[identity.Securable]bool {
	held := map[identity.Securable]bool{}
	mine := func(k identity.PrincipalKey) bool {
		return before.Subject(who).In(k) == access.Allowed || after.Subject(who).In(k) == access.Allowed
	}
	for _, e := range []*estate.Estate{a, b} {
		for s := range e.Securables() {
			for g := range e.GrantsOn(s.Securable) {
				held[s.Securable] = held[s.Securable] || !g.Holder.Key.IsZero() && mine(g.Holder.Key)
			}
		}
	}
	maps.DeleteFunc(held, func(_ identity.Securable, is bool) bool { return !is })
	return held
}
