package analysis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// usesWorld is an account with one metastore whose audit log was read on readOn, for 365 days.
type usesWorld struct {
	b   *estate.Builder
	log identity.AuditLog
	// Unread are reads that failed; hidden are principals whose members are not known.
	unread []estate.ReadKey
}

var (
	readOn = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ann    = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "Ann@acme.test", Emails: []string{"ann.ng@acme.test"}}
	bob    = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "2"}, Name: "bob@acme.test", Status: identity.StatusInactive}
	robot  = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "3"}, Name: "App-1", DisplayName: "robot"}
	inner  = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "8"}, Name: "inner"}
	outer  = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "9"}, Name: "outer"}
	above  = identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindGroup, ID: "10"}, Name: "above"}
)

func ago(days int) time.Time { return readOn.AddDate(0, 0, -days) }

func newUsesWorld() *usesWorld {
	w := &usesWorld{b: estate.NewBuilder("account"), log: identity.AuditLog{Metastore: "m", Since: ago(365), First: ago(365).Truncate(24 * time.Hour), Last: ago(0).Truncate(24 * time.Hour)}}
	w.b.AddMetastore(identity.Metastore{ID: "m", Name: "eu"})
	for _, p := range []identity.Principal{ann, bob, robot} {
		w.b.AddPrincipal(p)
	}
	w.group(above, outer.Key)
	w.group(outer, inner.Key, robot.Key)
	w.group(inner, ann.Key, bob.Key)
	return w
}

func (w *usesWorld) group(g identity.Principal, members ...identity.PrincipalKey) {
	w.b.AddGroup(identity.Group{Principal: g, MembersListed: true, Members: members})
	w.b.Record(estate.ReadKey{Op: estate.OpMembers, Principal: g.Key}, estate.Outcome{Needed: true, At: readOn})
}

func (w *usesWorld) grant(to identity.Principal, on identity.Securable, ps ...identity.Privilege) {
	w.b.AddSecurable(identity.SecurableInfo{Securable: on})
	w.b.AddGrants(on, []identity.Grant{{Holder: to.Name, Privileges: ps}})
}

func (w *usesWorld) used(who, name string, days int) {
	w.b.AddUses([]identity.Use{{Who: who, Metastore: "m", At: ago(days)}, {Who: who, Metastore: "m", Name: name, At: ago(days)}})
}

// stale gives "verdict principal privileges on securable (reason)" for 90 days.
func (w *usesWorld) stale(t *testing.T, subject identity.Principal) []string {
	t.Helper()
	var lines []string
	for _, s := range w.list(subject, 90) {
		line := s.Verdict + " " + s.Principal.Name + " " + words(s.Privileges) + " on " + s.Securable.FullName
		if s.Reason != "" {
			line += " (" + s.Reason + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func words(ps []identity.Privilege) string {
	var all []string
	for _, p := range ps {
		all = append(all, string(p))
	}
	return strings.Join(all, ",")
}

func (w *usesWorld) list(subject identity.Principal, days int) []report.Stale {
	reads := []estate.ReadKey{{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m")}}
	for _, p := range []identity.Principal{ann, bob, robot} {
		reads = append(reads, estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m"), Principal: p.Key})
	}
	for _, k := range reads {
		w.b.Record(k, estate.Outcome{Needed: true, At: readOn})
	}
	for _, k := range w.unread {
		w.b.Record(k, estate.Outcome{Needed: true, At: readOn, Kind: identity.Forbidden})
	}
	w.b.AddAuditLog(w.log)
	return analysis.StaleGrants(access.Over(w.b.Build(), access.Options{}), subject.Key, days)
}

var (
	mainCatalog = identity.CatalogSecurable("m", "main")
	sales       = identity.SchemaSecurable("m", "main", "sales")
	orders      = identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "main", Schema: "sales", Name: "orders"}
	landing     = identity.Securable{Metastore: "m", Type: identity.TypeVolume, Catalog: "main", Schema: "sales", Name: "landing"}
	location    = identity.Securable{Metastore: "m", Type: identity.TypeExternalLocation, Name: "lake"}
)

// TestStaleUser compares what a user holds with what the log shows of the user.
func TestStaleUser(t *testing.T) {
	const noLog = " (the log does not show the use of this privilege)"
	const byPath = " (files in volumes can be used by their path, which the log may not show under the name of the securable)"
	for name, c := range map[string]struct {
		set  func(w *usesWorld)
		want []string
	}{
		"used below counts for what contains it": {func(w *usesWorld) {
			w.grant(ann, mainCatalog, "USE_CATALOG")
			w.grant(ann, sales, "SELECT", "USE_SCHEMA")
			w.used("ann@acme.test", "main.sales.orders", 10)
		}, []string{"active Ann@acme.test USE_CATALOG on main", "active Ann@acme.test SELECT,USE_SCHEMA on main.sales"}},
		"used beside it does not": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "main.sales.orders_old", 10)
			w.used("ann@acme.test", "main.sales", 10)
		}, []string{"stale Ann@acme.test SELECT on main.sales.orders"}},
		"used by somebody else does not": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("bob@acme.test", "main.sales.orders", 10)
		}, []string{"stale Ann@acme.test SELECT on main.sales.orders"}},
		"used in another metastore does not": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.b.AddUses([]identity.Use{{Who: "ann@acme.test", Metastore: "other", Name: "main.sales.orders", At: ago(1)}})
		}, []string{"stale Ann@acme.test SELECT on main.sales.orders"}},
		"used too long ago": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "main.sales.orders", 91)
		}, []string{"stale Ann@acme.test SELECT on main.sales.orders"}},
		"used on the last day that counts": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "main.sales.orders", 90)
		}, []string{"active Ann@acme.test SELECT on main.sales.orders"}},
		"under another address": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("ann.ng@acme.test", "main.sales.orders", 5)
		}, []string{"active Ann@acme.test SELECT on main.sales.orders"}},
		"what the log does not show": {func(w *usesWorld) {
			w.grant(ann, orders, "BROWSE", "MANAGE", "SELECT")
			w.grant(ann, location, "READ_FILES")
		}, []string{"unknown Ann@acme.test READ_FILES on lake" + noLog, "stale Ann@acme.test SELECT on main.sales.orders", "unknown Ann@acme.test BROWSE,MANAGE on main.sales.orders" + noLog}},
		"tried and refused": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.b.AddUses([]identity.Use{{Who: "ann@acme.test", Metastore: "m", Name: "main.sales.orders", At: ago(5), Refused: true}})
		}, []string{"unknown Ann@acme.test SELECT on main.sales.orders (it was tried and refused on 2026-02-24: something else may be missing)"}},
		"refused long ago": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.b.AddUses([]identity.Use{{Who: "ann@acme.test", Metastore: "m", Name: "main.sales.orders", At: ago(95), Refused: true}})
		}, []string{"stale Ann@acme.test SELECT on main.sales.orders"}},
		"used, and later refused": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "main.sales.orders", 20)
			w.b.AddUses([]identity.Use{{Who: "ann@acme.test", Metastore: "m", Name: "main.sales.orders", At: ago(5), Refused: true}})
		}, []string{"active Ann@acme.test SELECT on main.sales.orders"}},
		"files by path, of somebody who was there": {func(w *usesWorld) {
			w.grant(ann, mainCatalog, "USE_CATALOG")
			w.grant(ann, landing, "READ_VOLUME")
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "elsewhere", 10)
		}, []string{"unknown Ann@acme.test USE_CATALOG on main" + byPath, "unknown Ann@acme.test READ_VOLUME on main.sales.landing" + byPath, "stale Ann@acme.test SELECT on main.sales.orders"}},
		"files by path, of somebody who was not": {func(w *usesWorld) {
			w.grant(ann, landing, "READ_VOLUME")
			w.used("ann@acme.test", "elsewhere", 200)
		}, []string{"stale Ann@acme.test READ_VOLUME on main.sales.landing"}},
		"volumes were not looked at": {func(w *usesWorld) {
			w.grant(ann, mainCatalog, "USE_CATALOG")
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "elsewhere", 10)
			w.b.Record(estate.ReadKey{Op: estate.OpChildren, Type: identity.TypeVolume}, estate.Outcome{Kind: identity.NotAsked})
		}, []string{"unknown Ann@acme.test USE_CATALOG on main (files in volumes can be used by their path, and which rights there are on volumes was not looked at: --scan-volumes)", "stale Ann@acme.test SELECT on main.sales.orders"}},
		"not all grants were read": {func(w *usesWorld) {
			w.grant(ann, mainCatalog, "USE_CATALOG")
			w.used("ann@acme.test", "elsewhere", 10)
			w.unread = []estate.ReadKey{{Op: estate.OpGrants, Securable: landing}}
		}, []string{"unknown Ann@acme.test USE_CATALOG on main" + byPath}},
		"nothing lets at files": {func(w *usesWorld) {
			w.grant(ann, mainCatalog, "USE_CATALOG")
			w.used("ann@acme.test", "elsewhere", 10)
		}, []string{"stale Ann@acme.test USE_CATALOG on main"}},
		"the log was refused": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.unread = []estate.ReadKey{{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m")}}
		}, []string{"unknown Ann@acme.test SELECT on main.sales.orders (the audit log was not read, or not to its end)"}},
		"the log was refused after some of it": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.used("ann@acme.test", "main.sales.orders", 5)
			w.unread = []estate.ReadKey{{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m")}}
		}, []string{"active Ann@acme.test SELECT on main.sales.orders"}},
		"the log was not read for her": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.unread = []estate.ReadKey{{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m"), Principal: ann.Key}}
		}, []string{"unknown Ann@acme.test SELECT on main.sales.orders (the audit log was not read for Ann@acme.test)"}},
		"the log is too short": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.log.First = ago(30).Truncate(24 * time.Hour)
		}, []string{"unknown Ann@acme.test SELECT on main.sales.orders (the audit log goes back 30 days only)"}},
		"the log is just long enough": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.log.First = ago(90).Truncate(24 * time.Hour)
		}, []string{"stale Ann@acme.test SELECT on main.sales.orders"}},
		"the log stopped": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.log.Last = ago(20).Truncate(24 * time.Hour)
		}, []string{"unknown Ann@acme.test SELECT on main.sales.orders (the audit log ends on 2026-02-09)"}},
		"the log is empty": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.log.First, w.log.Last = time.Time{}, time.Time{}
		}, []string{"unknown Ann@acme.test SELECT on main.sales.orders (the audit log is empty)"}},
		"through groups": {func(w *usesWorld) {
			w.grant(above, orders, "SELECT")
			w.grant(inner, mainCatalog, "USE_CATALOG")
			w.used("ann@acme.test", "main.other", 5)
		}, []string{"active Ann@acme.test USE_CATALOG on main", "stale Ann@acme.test SELECT on main.sales.orders"}},
		"owned": {func(w *usesWorld) {
			w.b.AddSecurable(identity.SecurableInfo{Securable: orders, Owner: ann.Name})
		}, []string{"unknown Ann@acme.test OWNER on main.sales.orders" + noLog}},
		"another record of the same person": {func(w *usesWorld) {
			w.grant(ann, orders, "SELECT")
			w.b.AddSamePerson(ann.Key, bob.Key)
			w.used("bob@acme.test", "main.sales.orders", 5)
		}, []string{"active Ann@acme.test SELECT on main.sales.orders"}},
		"names of another case": {func(w *usesWorld) {
			odd := orders
			odd.Name = "Orders"
			w.grant(ann, odd, "SELECT")
			w.used("ann@acme.test", "main.sales.orders", 5)
		}, []string{"active Ann@acme.test SELECT on main.sales.Orders"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newUsesWorld()
			c.set(w)
			if diff := cmp.Diff(c.want, w.stale(t, ann)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStaleGroup takes what anybody in a group used for the group's, and lists what its members hold
// themselves.
func TestStaleGroup(t *testing.T) {
	w := newUsesWorld()
	w.grant(outer, orders, "SELECT")
	w.grant(above, mainCatalog, "USE_CATALOG")
	w.grant(inner, sales, "USE_SCHEMA", "SELECT")
	w.grant(robot, location, "READ_FILES")
	w.grant(bob, landing, "READ_VOLUME")
	w.used("app-1", "main.sales.orders", 3)
	w.used("ann@acme.test", "main.sales.orders", 40)
	got := w.list(outer, 90)
	var lines []string
	for _, s := range got {
		by := ""
		for _, u := range s.UsedBy {
			by += " " + u.Name + " " + u.At.Format(time.DateOnly)
		}
		lines = append(lines, s.Verdict+" "+s.Principal.Name+" "+words(s.Privileges)+" on "+s.Securable.FullName+" "+s.Source+" "+strings.Join(s.Path, ">")+by)
	}
	want := []string{
		"active outer USE_CATALOG on main group outer>above App-1 2026-02-26 Ann@acme.test 2026-01-20",
		"active outer SELECT on main.sales.orders direct outer App-1 2026-02-26 Ann@acme.test 2026-01-20",
		"stale bob@acme.test READ_VOLUME on main.sales.landing direct bob@acme.test",
		"unknown App-1 READ_FILES on lake direct App-1",
		"active inner SELECT,USE_SCHEMA on main.sales direct inner Ann@acme.test 2026-01-20",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if last := got[0].LastSeen; last == nil || !last.Equal(ago(3)) {
		t.Errorf("last seen %v", last)
	}
}

// TestStaleGroupOfUnknownMembers calls nothing stale that somebody who is not known may use, and nothing
// that one member uses.
func TestStaleGroupOfUnknownMembers(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(w *usesWorld)
		want string
	}{
		"members not read": {func(w *usesWorld) {
			w.unread = append(w.unread, estate.ReadKey{Op: estate.OpMembers, Principal: inner.Key})
		}, "unknown outer SELECT on main.sales.orders (not everybody in the group is known)"},
		"a member without a record": {func(w *usesWorld) {
			w.b.AddMembership(identity.PrincipalKey{Kind: identity.KindUser, ID: "77"}, inner.Key)
		}, "unknown outer SELECT on main.sales.orders (the name of somebody in the group was not read)"},
		"one member not asked about": {func(w *usesWorld) {
			w.unread = append(w.unread, estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m"), Principal: bob.Key})
		}, "unknown outer SELECT on main.sales.orders (the audit log was not read for bob@acme.test)"},
		"used all the same": {func(w *usesWorld) {
			w.unread = append(w.unread, estate.ReadKey{Op: estate.OpMembers, Principal: inner.Key})
			w.used("app-1", "main.sales.orders", 3)
		}, "active outer SELECT on main.sales.orders"},
		"nobody used it": {func(*usesWorld) {}, "stale outer SELECT on main.sales.orders"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newUsesWorld()
			w.grant(outer, orders, "SELECT")
			c.set(w)
			if diff := cmp.Diff([]string{c.want}, w.stale(t, outer)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStaleDays holds the days that were looked at against those asked about.
func TestStaleDays(t *testing.T) {
	for days, want := range map[int]string{1: report.UseStale, 39: report.UseStale, 40: report.UseActive, 365: report.UseActive, 366: report.UseActive} {
		w := newUsesWorld()
		w.grant(ann, orders, "SELECT")
		w.used("ann@acme.test", "main.sales.orders", 40)
		if got := w.list(ann, days)[0]; got.Verdict != want || got.LogDays != 365 || got.LastSeen == nil {
			t.Errorf("%d days: %+v, want %s", days, got, want)
		}
		w = newUsesWorld()
		w.grant(ann, orders, "SELECT")
		want = report.UseStale
		if days > 365 {
			want = report.UseUnknown
		}
		if got := w.list(ann, days)[0]; got.Verdict != want || got.LastSeenAny != nil {
			t.Errorf("%d days without a use: %+v, want %s", days, got, want)
		}
	}
}
