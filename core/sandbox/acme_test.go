package sandbox

import (
	"slices"
	"testing"
)

func TestAcmeIsDeterministicAndValid(t *testing.T) {
	if first, second := fingerprint(t, Acme()), fingerprint(t, Acme()); first != second {
		t.Error("two Acmes differ")
	}
	if err := Acme().Validate(); err != nil {
		t.Error(err)
	}
}

// TestAcmeHoldsWhatItPromises checks the traits that other tests build on.
func TestAcmeHoldsWhatItPromises(t *testing.T) {
	a := Acme()
	x := buildIndex(a)
	ids := func(names ...string) []string {
		var out []string
		for _, n := range names {
			out = append(out, a.GroupByName(n).ID)
		}
		slices.Sort(out)
		return out
	}
	alice := x.ancestors(a.UserByName("ALICE@acme.test").ID)
	slices.Sort(alice)
	if want := ids("pipelines-oncall", "data-engineering", "engineering", "all-staff", "sales-analytics", "lakehouse-users"); !slices.Equal(alice, want) {
		t.Errorf("alice is in %v, want %v", alice, want)
	}
	for ws, want := range map[string]workspaceEntry{
		"prod": {indirect: true}, "staging": {indirect: true}, "analytics-eu": {indirect: true}, "lab": {},
	} {
		if got := x.entry(a.WorkspaceByName(ws), "1001"); got != want {
			t.Errorf("alice in %s: %+v", ws, got)
		}
	}
	red := a.GroupByName("loop-red")
	if !slices.Contains(x.ancestors(red.ID), red.ID) {
		t.Error("no cycle")
	}
	for _, ws := range a.Workspaces[:3] {
		if !x.entry(ws, a.ServicePrincipalByName("access-auditor").ID).admin {
			t.Errorf("auditor is not admin of %s", ws.Name)
		}
	}
	us, eu := a.MetastoreByName("acme-us"), a.MetastoreByName("acme-eu")
	if us.CatalogByName("shared_dim") == nil || eu.CatalogByName("shared_dim") == nil {
		t.Error("shared_dim must be in both metastores")
	}
	if a.UserByName("frank@acme.test").Inactive != true || us.CatalogByName("main").SchemaByName("finance").TableByName("payroll").Grants[0].Principal != "" {
		t.Error("deactivated user or orphaned grant is missing")
	}
	for _, m := range a.Metastores {
		for _, n := range x.securables[m.ID].byName {
			for _, s := range n {
				for _, g := range *s.grants {
					for _, p := range g.Privileges {
						if !slices.Contains(grantable[s.kind], p) {
							t.Errorf("%s cannot be granted on %s %q", p, s.kind, s.full)
						}
					}
					known := x.byName(g.Principal) != nil || g.Principal == "" || s.kind == kindShare || len(g.Principal) > 10 && g.Principal[0] == '_'
					if !known {
						t.Errorf("grant on %s to unknown %q", s.full, g.Principal)
					}
				}
			}
		}
	}
	for _, w := range a.Workspaces {
		for _, o := range w.Objects {
			for _, e := range o.ACL {
				if !slices.Contains(objectKinds[o.Type].levels, e.Level) {
					t.Errorf("%s %s: level %s", o.Type, o.Name, e.Level)
				}
			}
		}
	}
}
