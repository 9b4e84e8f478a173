package snapshot_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/snapshot"
)

// The figures of the benchmarks: a tenth of the largest account that a file is to be read and written
// for in limit each.
const (
	people  = 10_000
	tables  = 100_000
	granted = 3 // grants on each
	limit   = 5 * time.Second
	tenth   = 10
)

// crowd is the estate of the benchmarks, made once.
var crowd = sync.OnceValue(func() *estate.Estate {
	b := estate.NewBuilder("11111111-2222-3333-4444-555555555555")
	r := rand.New(rand.NewPCG(1, 1))
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	read := func(k estate.ReadKey) {
		now = now.Add(1234567 * time.Nanosecond)
		b.Record(k, estate.Outcome{Needed: true, At: now})
	}
	names := make([]string, people)
	for i := range people {
		k := identity.PrincipalKey{Kind: identity.KindUser, ID: strconv.Itoa(1_000_000_000_000 + i)}
		names[i] = fmt.Sprintf("first.last.%d@acme.test", i)
		if i%5 == 0 {
			k.Kind, names[i] = identity.KindGroup, fmt.Sprintf("team number %d", i)
			read(estate.ReadKey{Op: estate.OpMembers, Principal: k})
		}
		b.AddPrincipal(identity.Principal{Key: k, Name: names[i], DisplayName: names[i], ExternalID: "f3a5-" + strconv.Itoa(i), Status: identity.StatusActive})
		for range 3 {
			b.AddMembership(k, identity.PrincipalKey{Kind: identity.KindGroup, ID: strconv.Itoa(1_000_000_000_000 + r.IntN(people/5)*5)})
		}
	}
	const metastore = "99999999-8888-7777-6666-555555555555"
	b.AddMetastore(identity.Metastore{ID: metastore, Name: "main", Owner: names[0], PrivilegeModel: "1.0"})
	for i := range tables {
		s := identity.Securable{
			Metastore: metastore, Type: identity.TypeTable, Catalog: fmt.Sprintf("catalog_%d", i%50),
			Schema: fmt.Sprintf("schema_%d", i%1000), Name: fmt.Sprintf("some_table_name_%d", i),
		}
		b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: names[r.IntN(people)], TableType: "MANAGED"})
		var grants []identity.Grant
		for range granted {
			grants = append(grants, identity.Grant{Holder: names[r.IntN(people)], Privileges: []identity.Privilege{"SELECT", "MODIFY"}[:1+r.IntN(2)]})
		}
		b.AddGrants(s, grants)
		read(estate.ReadKey{Op: estate.OpGrants, Securable: s})
	}
	return b.Build()
})

func BenchmarkWrite(b *testing.B) {
	for _, gzip := range []bool{false, true} {
		b.Run(fmt.Sprintf("gzip=%v", gzip), func(b *testing.B) {
			e := crowd()
			b.SetBytes(int64(len(saved(b, e, snapshot.About{}))))
			for b.Loop() {
				if err := snapshot.Write(io.Discard, e, snapshot.About{Gzip: gzip}); err != nil {
					b.Fatal(err)
				}
			}
			extrapolate(b)
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, gzip := range []bool{false, true} {
		b.Run(fmt.Sprintf("gzip=%v", gzip), func(b *testing.B) {
			file := saved(b, crowd(), snapshot.About{Gzip: gzip})
			b.SetBytes(int64(len(saved(b, crowd(), snapshot.About{}))))
			b.ReportMetric(perSecurable(b, file), "heap-B/securable")
			for b.Loop() {
				if _, _, err := snapshot.Read(bytes.NewReader(file)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(file))/1e6, "MB/file")
			extrapolate(b)
		})
	}
}

// perSecurable is what an estate keeps of the heap for each securable, with its grants and its entry in
// the ledger. Reach: at most 1,600 bytes, which make 1.5 GiB of a million.
func perSecurable(b *testing.B, file []byte) float64 {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what the first one swept of pools and finalizers
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	e, _, err := snapshot.Read(bytes.NewReader(file))
	if err != nil {
		b.Fatal(err)
	}
	used := float64(heap() - before)
	return used / float64(len(e.SecurableList()))
}

// extrapolate reports what a file of ten times the size would take, beside the limit.
func extrapolate(b *testing.B) {
	b.ReportAllocs()
	b.ReportMetric(tenth*b.Elapsed().Seconds()/float64(b.N), "s/1Mtables")
	b.ReportMetric(limit.Seconds(), "s/limit")
}
