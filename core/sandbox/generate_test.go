package sandbox

import "testing"

func BenchmarkGenerateLargest(b *testing.B) {
	for b.Loop() {
		a := Generate(GenOptions{Users: 10000, ServicePrincipals: 2000, Groups: 5000, Depth: 10, Workspaces: 50, Catalogs: 50, SchemasPerCatalog: 20, TablesPerSchema: 100})
		buildIndex(a)
	}
}

func BenchmarkWorkspaceUsersPage(b *testing.B) {
	a := Generate(GenOptions{Users: 10000, Groups: 5000, Depth: 10})
	x := buildIndex(a)
	for b.Loop() {
		x.residents(a.Workspaces[0])
	}
}
