package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// objectWorld is a workspace with ann, who is in team and lead, lead being in team, and with objects.
func objectWorld(grants map[identity.Object][]identity.ObjectGrant, change ...func(*estate.Builder)) (*access.Model, []identity.PrincipalKey) {
	b := estate.NewBuilder("a")
	ann := identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}
	team, lead := identity.PrincipalKey{Kind: identity.KindGroup, ID: "2"}, identity.PrincipalKey{Kind: identity.KindGroup, ID: "3"}
	b.AddPrincipal(identity.Principal{Key: ann, Name: "ann@x.test", Status: identity.StatusActive})
	b.AddPrincipal(identity.Principal{Key: team, Name: "team", Origin: identity.OriginDatabricks})
	b.AddPrincipal(identity.Principal{Key: lead, Name: "lead", Origin: identity.OriginDatabricks})
	b.AddMembership(ann, team)
	b.AddMembership(ann, lead)
	b.AddMembership(lead, team)
	b.AddWorkspace(identity.Workspace{ID: 7, Name: "prod", Status: "RUNNING"})
	b.AddAssignment(identity.Assignment{Workspace: 7, Principal: team, Permission: identity.WorkspaceUser})
	for _, k := range []estate.ReadKey{
		{Op: estate.OpGroups}, {Op: estate.OpMembers, Principal: team}, {Op: estate.OpMembers, Principal: lead}, {Op: estate.OpWorkspaces}, {Op: estate.OpAssignments, Workspace: 7},
		{Op: estate.OpEntitlements, Workspace: 7, Principal: identity.PrincipalKey{Kind: identity.KindGroup}},
	} {
		b.Record(k, estate.Outcome{Needed: true})
	}
	for o, list := range grants {
		o.Workspace = 7
		b.AddObject(identity.ObjectInfo{Object: o})
		b.AddObjectGrants(o, list)
		b.Record(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}, estate.Outcome{Needed: true})
	}
	for _, f := range change {
		f(b)
	}
	return access.Over(b.Build(), access.Options{}), []identity.PrincipalKey{ann, lead}
}

// TestObjectRedundancies compares what was given to somebody with what groups and folders give.
func TestObjectRedundancies(t *testing.T) {
	ann := identity.PrincipalName{Kind: identity.KindUser, Name: "ann@x.test"}
	team, lead := identity.PrincipalName{Kind: identity.KindGroup, Name: "team"}, identity.PrincipalName{Kind: identity.KindGroup, Name: "lead"}
	world := map[identity.Object][]identity.ObjectGrant{
		{Type: identity.ObjectJob, ID: "covered"}:      {{Holder: ann, Level: identity.CanView}, {Holder: team, Level: identity.CanManageRun}},
		{Type: identity.ObjectJob, ID: "more"}:         {{Holder: ann, Level: identity.CanManage}, {Holder: team, Level: identity.CanManageRun}},
		{Type: identity.ObjectJob, ID: "owned"}:        {{Holder: ann, Level: identity.IsOwner}, {Holder: team, Level: identity.CanManage}},
		{Type: identity.ObjectWarehouse, ID: "beside"}: {{Holder: ann, Level: identity.CanView}, {Holder: team, Level: identity.CanUse}},
		{Type: identity.ObjectNotebook, ID: "folder"}:  {{Holder: ann, Level: identity.CanRun}, {Holder: team, Level: identity.CanEdit, From: "/directories/9"}},
		{Type: identity.ObjectNotebook, ID: "own"}:     {{Holder: ann, Level: identity.CanRun}, {Holder: ann, Level: identity.CanEdit, From: "/directories/8"}},
		{Type: identity.ObjectApp, ID: "both"}:         {{Holder: ann, Level: identity.CanUse}, {Holder: lead, Level: identity.CanUse}},
		{Type: identity.ObjectApp, ID: "all"}:          {{Holder: ann, Level: identity.CanUse}, {Holder: lead, Level: identity.CanUse}, {Holder: team, Level: identity.CanUse}},
		{Type: identity.ObjectDirectory, ID: "5"}:      {{Holder: ann, Level: identity.CanEdit}, {Holder: team, Level: identity.CanEdit}},
		{Type: identity.ObjectAlertV2, ID: "in5"}:      {{Holder: ann, Level: identity.CanRun}, {Holder: ann, Level: identity.CanEdit, From: "/directories/5"}},
		{Type: identity.ObjectSecretScope, ID: "s"}:    {{Holder: ann, Level: identity.SecretRead}},
	}
	levels := func(change ...func(*estate.Builder)) (list []string) {
		m, who := objectWorld(world, change...)
		for _, r := range analysis.ObjectRedundancies(m, who) {
			list = append(list, fmt.Sprintf("%s %s %s %s %v", r.ID, r.Member.Name, r.Permission, r.Level, r.CoveredBy))
		}
		slices.Sort(list)
		return list
	}
	want := []string{
		"5 ann@x.test CAN_EDIT full [[ann@x.test team]]",
		"all ann@x.test CAN_USE full [[ann@x.test team]]", "all lead CAN_USE full [[lead team]]",
		"beside ann@x.test CAN_VIEW none []", "both ann@x.test CAN_USE full [[ann@x.test lead]]", "both lead CAN_USE none []",
		"covered ann@x.test CAN_VIEW full [[ann@x.test team]]", "folder ann@x.test CAN_RUN full [[ann@x.test team]]",
		"in5 ann@x.test CAN_RUN none []", "more ann@x.test CAN_MANAGE none []", "own ann@x.test CAN_RUN shadowed [[ann@x.test]]", "s ann@x.test READ none []",
	}
	if diff := cmp.Diff(want, levels()); diff != "" {
		t.Error(diff)
	}
	ann1 := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "ann@x.test", Status: identity.StatusInactive}
	for _, l := range levels(func(b *estate.Builder) { b.AddPrincipal(ann1) }) {
		// What the groups have does not count for her, and her own permission on the folder does.
		if words := strings.Fields(l); words[1] == ann.Name && words[0] != "own" && words[0] != "in5" && words[3] != report.RedundantNone {
			t.Errorf("groups count for somebody deactivated: %s", l)
		}
	}
	admin := func(b *estate.Builder) {
		b.AddAssignment(identity.Assignment{Workspace: 7, Principal: identity.PrincipalKey{Kind: identity.KindGroup, ID: "3"}, Permission: identity.WorkspaceAdmin})
	}
	if got := levels(admin); !slices.Contains(got, "s ann@x.test READ full [[ann@x.test lead admins@prod]]") {
		t.Errorf("admins may do everything: %q", got)
	}
	unread := func(b *estate.Builder) {
		b.Record(estate.ReadKey{Op: estate.OpMembers, Principal: identity.PrincipalKey{Kind: identity.KindGroup, ID: "3"}}, estate.Outcome{Kind: identity.Forbidden, Needed: true})
		b.AddObjectGrants(identity.Object{Workspace: 7, Type: identity.ObjectSecretScope, ID: "s"}, []identity.ObjectGrant{
			{Holder: ann, Level: identity.SecretRead}, {Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "elsewhere"}, Level: identity.SecretRead},
		})
		b.AddPrincipal(identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "4"}, Name: "elsewhere"})
	}
	if got := levels(unread); !slices.Contains(got, "s ann@x.test READ unknown []") {
		t.Errorf("what was not read covers nothing, and excludes nothing: %q", got)
	}
}

// TestTakingCoveredPermissionsChangesNothing takes away, in random worlds, some of the permissions that are
// said to be covered, with what they give below folders: whatever anybody could do, they can.
func TestTakingCoveredPermissionsChangesNothing(t *testing.T) {
	taken := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 13))
		w := accesstest.Random(rng)
		e := w.Estate()
		m := access.Over(e, access.Options{})
		var all []identity.PrincipalKey
		for p := range e.Principals() {
			all = append(all, p.Key)
		}
		gone := w
		gone.Permissions = slices.Clone(w.Permissions)
		for _, r := range analysis.ObjectRedundancies(m, all) {
			if r.Level != report.RedundantFull && r.Level != report.RedundantShadowed || rng.IntN(3) == 0 {
				continue
			}
			taken++
			gone.Permissions = slices.DeleteFunc(gone.Permissions, func(p accesstest.Permission) bool {
				ref := m.DescribeObject(p.On)
				same := ref.Workspace == r.Workspace && ref.Type == r.Type && ref.ID == r.ID && p.From == ""
				return same && string(p.Level) == r.Permission && (identity.SameName(p.Holder.Name, r.Member.Name) || slices.ContainsFunc(r.Member.Aliases, func(a string) bool { return identity.SameName(a, p.Holder.Name) }))
			})
		}
		after := access.Over(gone.Estate(), access.Options{})
		for _, k := range all {
			for _, o := range e.Objects() {
				for _, l := range o.Type.Levels() {
					if was, is := m.Subject(k).Operates(l, o.Object), after.Subject(k).Operates(l, o.Object); was == access.Allowed && is != access.Allowed {
						t.Fatalf("world %d: %v lost %s on %v, which is %v now\n%s", seed, k, l, o.Object, is, w)
					}
				}
			}
		}
	}
	if taken < 50 {
		t.Errorf("%d permissions were taken: the worlds are too dull", taken)
	}
}
