package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"databricks-access-audit/core/identity"
)

func TestGuestEmail(t *testing.T) {
	for name, want := range map[string]string{
		"ann_partner.com#EXT#@acme.onmicrosoft.com": "ann@partner.com",
		"ann_partner.com#ext#@acme.onmicrosoft.com": "ann@partner.com",
		"ann_lee_partner.com#EXT#@tenant":           "ann_lee@partner.com",
		"ann@acme.test":                             "",
		"#EXT#@tenant":                              "",
		"_partner.com#EXT#@tenant":                  "",
		"ann_#EXT#@tenant":                          "",
	} {
		got, ok := identity.GuestEmail(name)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestSameName(t *testing.T) {
	same := [][2]string{{"Alice@acme.test", "alice@ACME.test"}, {"`a b`", "a b"}, {"`a``b`", "a`b"}}
	for _, p := range same {
		if !identity.SameName(p[0], p[1]) || identity.FoldName(p[0]) != identity.FoldName(p[1]) {
			t.Errorf("%q and %q are not the same name", p[0], p[1])
		}
	}
	if identity.SameName("alice", "alicia") || identity.SameName("`", "") {
		t.Error("different names are called the same")
	}
}

func TestKeysAreOrderedByNumber(t *testing.T) {
	key := func(id string) identity.PrincipalKey { return identity.PrincipalKey{Kind: identity.KindUser, ID: id} }
	keys := []identity.PrincipalKey{key("10"), key("9"), identity.WorkspaceUsers(7), key("100")}
	slices.SortFunc(keys, identity.PrincipalKey.Compare)
	if got := fmt.Sprint(keys); got != "[user:9 user:10 user:100 group:users@7]" {
		t.Error(got)
	}
}

func TestSecurableTree(t *testing.T) {
	table := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c.d", Schema: "s", Name: "t"}
	var up []string
	for s, ok := table, true; ok; s, ok = s.Parent() {
		up = append(up, s.String())
	}
	if got := fmt.Sprint(up); got != "[TABLE c.d.s.t SCHEMA c.d.s CATALOG c.d METASTORE m]" {
		t.Error(got)
	}
	// A dot in a name does not make it another securable.
	if table == (identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c", Schema: "d.s", Name: "t"}) {
		t.Error("parts run together")
	}
}

func TestPrivileges(t *testing.T) {
	if got := identity.ParsePrivilege("use  catalog"); got != identity.UseCatalog || got.SQL() != "USE CATALOG" {
		t.Errorf("got %s, %s", got, got.SQL())
	}
	for _, c := range []struct {
		p    identity.Privilege
		on   identity.SecurableType
		want bool
	}{
		{identity.Select, identity.TypeTable, true},
		{identity.Select, identity.TypeVolume, false},
		{identity.Select, identity.TypeMetastore, false},
		{"CREATE_CATALOG", identity.TypeMetastore, true},
		{identity.AllPrivileges, identity.TypeMetastore, false},
		{"SOMETHING_NEW", identity.TypeTable, true}, // not known: kept and matched exactly
		{identity.Select, "CLEAN_ROOM", true},       // a type without a reference here
	} {
		if got := c.p.Applies(c.on); got != c.want {
			t.Errorf("%s on %s: %v", c.p, c.on, got)
		}
	}
	if identity.Manage.InAllPrivileges() || !identity.Select.InAllPrivileges() {
		t.Error("ALL PRIVILEGES holds the wrong privileges")
	}
	if identity.Modify.Reads() || identity.Privilege("CREATE_TABLE").Reads() || !identity.Select.Reads() {
		t.Error("a read-only binding lets the wrong privileges in")
	}
}

func TestFailureOf(t *testing.T) {
	f := &identity.Failure{Kind: identity.Forbidden, Status: 403, Message: "no"}
	if got := identity.FailureOf(fmt.Errorf("list: %w", f)); got != f {
		t.Errorf("got %v", got)
	}
	if got := identity.FailureOf(errors.New("odd")); got.Kind != identity.Failed {
		t.Errorf("an unknown error became %s", got.Kind)
	}
	if identity.FailureOf(nil) != nil || identity.IsKind(nil, identity.Failed) {
		t.Error("no error became a failure")
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"alice", "ALICE", 0}, {"alcie", "alice", 1}, {"mian", "main", 1}, {"abcd", "badc", 2}, {"ca", "abc", 3}, {"kitten", "sitting", 3}, {"é", "e", 1}} {
		if got := identity.EditDistance(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestQuoteFullName writes names that are read as the same parts again, plain where that is enough.
func TestQuoteFullName(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"main", "sales", "orders"}, "main.sales.orders"},
		{[]string{"main.sales", "orders"}, "`main.sales`.orders"},
		{[]string{"`", "a`b", "a`.b"}, "````.a`b.`a``.b`"},
		{[]string{"od'd \"names\" 100%/#?&é", "x y"}, "od'd \"names\" 100%/#?&é.x y"},
	} {
		got := identity.QuoteFullName(c.parts)
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.parts, got, c.want)
		}
		if back, err := identity.ParseFullName(got); err != nil || !slices.Equal(back, c.parts) {
			t.Errorf("%q is read back from %s as %q, %v", c.parts, got, back, err)
		}
	}
}
