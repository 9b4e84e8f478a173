package access

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func TestSharedOut(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for _, n := range []int{0, 1, few - 1, few, few + 1, 5 * few} {
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		var want []string
		for _, i := range list {
			want = append(want, strconv.Itoa(i))
		}
		got := sharedOut(list, func(part []int) []string {
			if n >= few && len(part) > n/2 {
				t.Errorf("%d of %d are answered for in one part", len(part), n)
			}
			var out []string
			for _, i := range part {
				out = append(out, strconv.Itoa(i))
			}
			return out
		})
		if !slices.Equal(got, want) {
			t.Errorf("of %d: got %d, the first out of place is %d", n, len(got), slices.IndexFunc(got, func(s string) bool { return !slices.Contains(want, s) }))
		}
	}
}

func TestSharedOutPanics(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer func() {
		if p := recover(); p != "the second part" {
			t.Errorf("recovered %v", p)
		}
	}()
	list := make([]int, few)
	list[few-1] = 1
	sharedOut(list, func(part []int) []int {
		if slices.Contains(part, 1) {
			panic("the second part")
		}
		return part
	})
	t.Error("nothing happened")
}

// TestResourceOfManyIsTheSameInParts asks about more people than are answered for in one part.
func TestResourceOfManyIsTheSameInParts(t *testing.T) {
	b := estate.NewBuilder("acme")
	table := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "t"}
	b.AddMetastore(identity.Metastore{ID: "m", Name: "m", Owner: "user7", PrivilegeModel: "1.0"})
	b.AddWorkspace(identity.Workspace{ID: 1, Name: "w", Status: "RUNNING"})
	b.AttachMetastore("m", 1)
	group := identity.PrincipalKey{Kind: identity.KindGroup, ID: "100000"}
	b.AddGroup(identity.Group{Principal: identity.Principal{Key: group, Name: "readers"}})
	for i := range 3 * few {
		k := identity.PrincipalKey{Kind: identity.KindUser, ID: strconv.Itoa(i + 1)}
		b.AddPrincipal(identity.Principal{Key: k, Name: fmt.Sprintf("user%d", i), Status: identity.StatusActive})
		if i%3 == 0 {
			b.AddMembership(k, group)
		}
	}
	for op, s := range map[estate.Op]identity.Securable{estate.OpGroups: {}, estate.OpMetastoreWorkspaces: identity.MetastoreSecurable("m")} {
		b.Record(estate.ReadKey{Op: op, Securable: s}, estate.Outcome{Needed: true})
	}
	b.Record(estate.ReadKey{Op: estate.OpMembers, Principal: group}, estate.Outcome{Needed: true})
	b.Record(estate.ReadKey{Op: estate.OpAssignments, Workspace: 1}, estate.Outcome{Needed: true})
	b.AddAssignment(identity.Assignment{Workspace: 1, Principal: identity.AccountUsers(), Permission: identity.WorkspaceUser})
	for on := range lineage(table) {
		b.AddSecurable(identity.SecurableInfo{Securable: on, Owner: "user3"})
		b.AddGrants(on, []identity.Grant{{Holder: "readers", Privileges: []identity.Privilege{identity.UseCatalog, identity.UseSchema, identity.Select}}})
		b.Record(estate.ReadKey{Op: estate.OpGrants, Securable: on}, estate.Outcome{Needed: true})
	}
	e := b.Build()
	asked := func(processors int) *report.ResourceReport {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		return Over(e, Options{}).Resource(table, Who{From: []identity.WorkspaceID{1}, Expand: true})
	}
	want := asked(1)
	if len(want.Access) < few || len(want.Indirect) == 0 {
		t.Fatalf("%d have access and %d indirectly", len(want.Access), len(want.Indirect))
	}
	if d := cmp.Diff(want, asked(4)); d != "" {
		t.Errorf("in parts: %s", d)
	}
}
