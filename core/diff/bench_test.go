package diff_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"databricks-access-audit/core/diff"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// The figures of the benchmark.
const (
	people = 5_000
	tables = 30_000
)

// crowd is a large account; the other of two lacks some memberships and grants.
func crowd(other bool) *estate.Estate {
	b := estate.NewBuilder("acme")
	r := rand.New(rand.NewPCG(1, 1))
	read := func(k estate.ReadKey) { b.Record(k, estate.Outcome{Needed: true, At: time.Unix(100, 0)}) }
	read(estate.ReadKey{Op: estate.OpGroups})
	read(estate.ReadKey{Op: estate.OpWorkspaces})
	read(estate.ReadKey{Op: estate.OpMetastores})
	read(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}})
	names := make([]string, people)
	group := func(i int) identity.PrincipalKey {
		return identity.PrincipalKey{Kind: identity.KindGroup, ID: strconv.Itoa(1_000_000 + i*5)}
	}
	for i := range people {
		k := identity.PrincipalKey{Kind: identity.KindUser, ID: strconv.Itoa(1_000_000 + i)}
		names[i] = fmt.Sprintf("first.last.%d@acme.test", i)
		if i%5 == 0 {
			k.Kind, names[i] = identity.KindGroup, fmt.Sprintf("team number %d", i)
			read(estate.ReadKey{Op: estate.OpMembers, Principal: k})
		}
		b.AddPrincipal(identity.Principal{Key: k, Name: names[i], DisplayName: names[i], Status: identity.StatusActive})
		if g := group(i / 40); !other || i%1000 != 1 {
			b.AddMembership(k, g)
		}
	}
	for w := range 3 {
		id := identity.WorkspaceID(w + 1)
		b.AddWorkspace(identity.Workspace{ID: id, Name: "ws" + id.String(), Status: "RUNNING"})
		b.AttachMetastore("m", id)
		b.AddAssignment(identity.Assignment{Workspace: id, Principal: identity.AccountUsers(), Name: identity.AccountUsersName, Permission: identity.WorkspaceUser})
		read(estate.ReadKey{Op: estate.OpAssignments, Workspace: id})
	}
	m := identity.MetastoreSecurable("m")
	read(estate.ReadKey{Op: estate.OpVisibility, Securable: m})
	read(estate.ReadKey{Op: estate.OpMetastoreWorkspaces, Securable: m})
	b.AddMetastore(identity.Metastore{ID: "m", Name: "main", Owner: names[0], PrivilegeModel: "1.0"})
	for i := range tables {
		s := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: fmt.Sprintf("catalog_%d", i%50), Schema: fmt.Sprintf("schema_%d", i%1000), Name: fmt.Sprintf("some_table_name_%d", i)}
		b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: names[r.IntN(people)], TableType: "MANAGED"})
		var grants []identity.Grant
		for g := range 3 {
			holder, privileges := names[r.IntN(people)], []identity.Privilege{"SELECT", "MODIFY"}[:1+r.IntN(2)]
			if !other || i%3000 != 0 || g > 0 {
				grants = append(grants, identity.Grant{Holder: holder, Privileges: privileges})
			}
		}
		b.AddGrants(s, grants)
		read(estate.ReadKey{Op: estate.OpGrants, Securable: s})
	}
	return b.Build()
}

// BenchmarkBetween compares two large accounts that differ in little.
func BenchmarkBetween(b *testing.B) {
	before, after := crowd(false), crowd(true)
	var start, end runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&start)
	for b.Loop() {
		r := diff.Between(before, after, diff.Options{})
		b.ReportMetric(float64(len(r.Added)+len(r.Removed)+len(r.Changed)), "changes")
	}
	runtime.ReadMemStats(&end)
	b.ReportMetric(float64(end.TotalAlloc-start.TotalAlloc)/float64(b.N)/(1<<20), "MiB/op")
}
