package sqltext_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sqltext"
)

func table(name string) identity.SecurableInfo {
	return identity.SecurableInfo{Securable: identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "main", Schema: "sales", Name: name}}
}

func TestRevoke(t *testing.T) {
	beside := func(t identity.SecurableType) identity.SecurableInfo {
		return identity.SecurableInfo{Securable: identity.Securable{Metastore: "m", Type: t, Name: "x"}}
	}
	kind := func(t string) identity.SecurableInfo { s := table("t"); s.TableType = t; return s }
	in := func(t identity.SecurableType) identity.SecurableInfo { s := table("t"); s.Type = t; return s }
	for _, c := range []struct {
		ps   []identity.Privilege
		on   identity.SecurableInfo
		from string
		want string
	}{
		{[]identity.Privilege{identity.Select, identity.UseSchema}, identity.SecurableInfo{Securable: identity.SchemaSecurable("m", "main", "sales")}, "alice@acme.test", "REVOKE SELECT, USE SCHEMA ON SCHEMA `main`.`sales` FROM `alice@acme.test`;"},
		{[]identity.Privilege{identity.UseCatalog}, identity.SecurableInfo{Securable: identity.CatalogSecurable("m", "main")}, "a", "REVOKE USE CATALOG ON CATALOG `main` FROM `a`;"},
		{[]identity.Privilege{"CREATE_CATALOG"}, identity.SecurableInfo{Securable: identity.MetastoreSecurable("m")}, "a", "REVOKE CREATE CATALOG ON METASTORE FROM `a`;"},
		{[]identity.Privilege{identity.Manage}, kind("MANAGED"), "a", "REVOKE MANAGE ON TABLE `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{identity.Select}, kind("VIEW"), "a", "REVOKE SELECT ON VIEW `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{identity.Select}, kind("METRIC_VIEW"), "a", "REVOKE SELECT ON VIEW `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{identity.Refresh}, kind("MATERIALIZED_VIEW"), "a", "REVOKE REFRESH ON MATERIALIZED VIEW `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{identity.ReadVolume}, in(identity.TypeVolume), "a", "REVOKE READ VOLUME ON VOLUME `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{identity.Execute}, in(identity.TypeFunction), "a", "REVOKE EXECUTE ON FUNCTION `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{"CREATE_MODEL_VERSION"}, in(identity.TypeModel), "a", "REVOKE CREATE MODEL VERSION ON FUNCTION `main`.`sales`.`t` FROM `a`;"},
		{[]identity.Privilege{identity.ExternalUseLocation}, beside(identity.TypeExternalLocation), "a", "REVOKE EXTERNAL USE LOCATION ON EXTERNAL LOCATION `x` FROM `a`;"},
		{[]identity.Privilege{"CREATE_EXTERNAL_TABLE"}, beside(identity.TypeStorageCredential), "a", "REVOKE CREATE EXTERNAL TABLE ON STORAGE CREDENTIAL `x` FROM `a`;"},
		{[]identity.Privilege{"ACCESS"}, beside(identity.TypeServiceCredential), "a", "REVOKE ACCESS ON SERVICE CREDENTIAL `x` FROM `a`;"},
		{[]identity.Privilege{"USE_CONNECTION"}, beside(identity.TypeConnection), "a", "REVOKE USE CONNECTION ON CONNECTION `x` FROM `a`;"},
		{[]identity.Privilege{identity.AllPrivileges, identity.Manage, identity.Select}, table("a`b.c"), "o'x`;--", "REVOKE ALL PRIVILEGES ON TABLE `main`.`sales`.`a``b.c` FROM `o'x``;--`; REVOKE MANAGE, SELECT ON TABLE `main`.`sales`.`a``b.c` FROM `o'x``;--`;"},
	} {
		got, err := sqltext.Revoke(c.ps, c.on, c.from)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("got %s (%v)\nwant %s", strings.Join(got, " "), err, c.want)
		}
	}
}

func TestRevokeRefuses(t *testing.T) {
	for name, why := range map[string]string{
		"": "empty", "a\x00": "control", "a\nb": "control", "a\u0085b": "control", "a\u2028b": "seen", "a\u202eb": "seen", "a\u200bb": "seen",
		"a\xffb": "UTF-8", "${spark.x}": "variable", "{{ x }}": "variable",
	} {
		_, err := sqltext.Revoke([]identity.Privilege{identity.Select}, table(name), "a")
		_, second := sqltext.Revoke([]identity.Privilege{identity.Select}, table("t"), name)
		for _, err := range []error{err, second} {
			var cannot *sqltext.UnwritableError
			if !errors.As(err, &cannot) || !strings.Contains(cannot.Why, why) {
				t.Errorf("%q: %v, want something about %q", name, err, why)
			}
		}
	}
	for _, p := range []identity.Privilege{"FLY_TO_THE_MOON", "SELECT ON TABLE x FROM y; --", "USAGE", ""} {
		if got, err := sqltext.Revoke([]identity.Privilege{p}, table("t"), "a"); err == nil {
			t.Errorf("%q is written as %s", p, got)
		}
	}
	for _, st := range []identity.SecurableType{identity.TypeShare, identity.TypeRecipient, "PIPELINE", "TABLE x FROM y; --"} {
		if got, err := sqltext.Revoke([]identity.Privilege{identity.Select}, identity.SecurableInfo{Securable: identity.Securable{Type: st, Name: "x"}}, "a"); err == nil {
			t.Errorf("%q is written as %s", st, got)
		}
	}
}

// hostile are names that somebody would choose who knows how scripts are made.
var hostile = []string{
	"plain", "o'neil", "two words", "a`b", "``", "`", "x` FROM `y`; REVOKE ALL PRIVILEGES ON CATALOG `main", "a;b", "a--b", "-- ", "/*", "*/", `back\`, `\`, `\\`, `\ `,
	"new\nline", "return\rhere", "line\u2028sep", "nul\x00", "bell\a", "\x1b[2J", "rtl\u202e", "bad\xff", "${spark.x}", "$", "{{ p }}", "日本", "ümlaut", "e\u0301", "👩", `u{41}`, `\u{41}`, "",
}

func TestHostileNames(t *testing.T) {
	for _, catalog := range hostile {
		for _, holder := range hostile {
			checkScript(t, catalog, holder, holder)
		}
	}
}

func FuzzRevokes(f *testing.F) {
	for i, name := range hostile {
		f.Add(name, hostile[(i*7+3)%len(hostile)], hostile[(i*5+1)%len(hostile)])
	}
	f.Fuzz(func(t *testing.T, catalog, holder, way string) { checkScript(t, catalog, holder, way) })
}

// checkScript makes a script of a full, a partial and an undecided grant, and reads it as Spark would:
// it must have the statements of the first and nothing else.
func checkScript(t *testing.T, catalog, holder, way string) {
	t.Helper()
	grant := func(level string, on identity.SecurableInfo) report.Redundancy {
		return report.Redundancy{
			Member: report.Principal{Kind: "user", Name: holder}, Securable: report.Securable{Type: on.Type, FullName: on.FullName(), Metastore: way},
			Privileges: []identity.Privilege{identity.Select, identity.UseSchema}, Level: level, CoveredBy: []report.Path{{holder, way}}, On: on, Holder: holder,
		}
	}
	schema := identity.SecurableInfo{Securable: identity.SchemaSecurable("m"+way, catalog, "s")}
	full, partial, unknown := grant(report.RedundantFull, schema), grant(report.RedundantPartial, table(catalog)), grant(report.RedundantUnknown, table(catalog))
	full.Covered, partial.Covered, partial.Kept, unknown.Undecided = full.Privileges, []identity.Privilege{identity.Select}, []identity.Privilege{identity.UseSchema}, full.Privileges
	found := []report.Redundancy{partial, full, unknown, partial}
	script := sqltext.Revokes(found, report.Coverage{Complete: true}, false)

	var want []revocation
	if writable(catalog) && writable(holder) {
		want = append(want, revocation{[]string{"SELECT", "USE SCHEMA"}, "SCHEMA", []string{catalog, "s"}, holder})
	}
	list, err := statements(script)
	if err != nil {
		t.Fatalf("%v in\n%s", err, script)
	}
	var got []revocation
	for _, ts := range list {
		r, err := parse(ts)
		if err != nil {
			t.Fatalf("%v in\n%s", err, script)
		}
		got = append(got, r)
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("read %q, want %q, in\n%s", got, want, script)
	}
	for _, r := range script {
		if r != '\n' && (r == unicode.ReplacementChar && !strings.Contains(catalog+holder+way, "\ufffd") || !unicode.IsGraphic(r)) {
			t.Fatalf("%U is in\n%q", r, script)
		}
	}
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "-- ") && (strings.Contains(line, "${") || strings.Contains(line, "{{") || strings.HasSuffix(line, "\\\n")) {
			t.Fatalf("the comment %q does something", line)
		}
		if !strings.HasPrefix(line, "-- ") && !strings.HasPrefix(line, "REVOKE ") && line != "\n" {
			t.Fatalf("%q is neither a comment nor a statement", line)
		}
	}
	gaps := sqltext.Revokes(found, report.Coverage{Gaps: []report.Gap{{Blocking: true, Scope: way, Operation: "read " + catalog, Message: holder}}}, false)
	if list, err := statements(gaps); err != nil || len(list) > 0 {
		t.Fatalf("there are %v (%v) in\n%s", list, err, gaps)
	}
}

// writable is a name that can be put into a statement, by the rules for people.
func writable(name string) bool {
	return name != "" && strings.ToValidUTF8(name, "") == name && !strings.Contains(name, "${") && !strings.Contains(name, "{{") &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r != ' ' && (!unicode.IsGraphic(r) || unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point))
		})
}

func TestRevokesOfIncompleteFacts(t *testing.T) {
	r := report.Redundancy{
		Member: report.Principal{Name: "alice"}, Privileges: []identity.Privilege{identity.Select}, Covered: []identity.Privilege{identity.Select},
		Level: report.RedundantFull, CoveredBy: []report.Path{{"alice", "g1"}}, On: table("t"), Holder: "alice", Fragile: true,
	}
	gap := report.Gap{Scope: "metastore eu", Operation: "read grants on catalog c", Message: "not permitted", Blocking: true}
	incomplete := report.Coverage{Gaps: []report.Gap{gap, {Operation: "not needed"}}}
	if got := sqltext.Revokes([]report.Redundancy{r}, incomplete, false); strings.Contains(got, "REVOKE ") || !strings.Contains(got, "read grants on catalog c: not permitted") || strings.Contains(got, "not needed") {
		t.Errorf("without force:\n%s", got)
	}
	if got := sqltext.Revokes([]report.Redundancy{r}, incomplete, true); !strings.Contains(got, "\nREVOKE SELECT ON TABLE") || !strings.Contains(got, "read grants on catalog c") || !strings.Contains(got, "hangs on little") {
		t.Errorf("by force:\n%s", got)
	}
	undecided := r
	undecided.Level, undecided.Covered, undecided.Undecided = report.RedundantUnknown, nil, r.Privileges
	if got := sqltext.Revokes([]report.Redundancy{undecided}, incomplete, true); strings.Contains(got, "REVOKE ") {
		t.Errorf("force does not decide:\n%s", got)
	}
	incomplete.Gaps = slices.Repeat([]report.Gap{gap}, 100)
	if got := sqltext.Revokes(nil, incomplete, false); !strings.Contains(got, "not read: 80 more") {
		t.Errorf("gaps:\n%s", got)
	}
	if got := sqltext.Revokes(nil, report.Coverage{Complete: true}, false); !strings.Contains(got, "None of the personal grants") {
		t.Errorf("nothing found:\n%s", got)
	}
}

// TestRevokesKeepsWhatAllPrivilegesImplies: revoking ALL PRIVILEGES takes individual privileges with it.
func TestRevokesKeepsWhatAllPrivilegesImplies(t *testing.T) {
	r := report.Redundancy{
		Member: report.Principal{Name: "alice"}, Privileges: []identity.Privilege{identity.AllPrivileges, identity.Manage, identity.Select},
		Covered: []identity.Privilege{identity.AllPrivileges}, Kept: []identity.Privilege{identity.Manage, identity.Select},
		Level: report.RedundantPartial, On: table("t"), Holder: "alice",
	}
	if got := sqltext.Revokes([]report.Redundancy{r}, report.Coverage{Complete: true}, false); strings.Contains(got, "REVOKE ") || !strings.Contains(got, "SELECT would be lost, which is to stay") {
		t.Errorf("got\n%s", got)
	}
	r.Covered, r.Kept = append(r.Covered, identity.Select), []identity.Privilege{identity.Manage}
	if got := sqltext.Revokes([]report.Redundancy{r}, report.Coverage{Complete: true}, false); !strings.Contains(got, "-- REVOKE ALL PRIVILEGES ON") || strings.Contains(got, "MANAGE,") {
		t.Errorf("got\n%s", got)
	}
}
