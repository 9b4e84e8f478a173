package snapshot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/snapshot"
)

// TestUsesOffline gives what was read of the audit log, about those who were asked about, and nothing else.
func TestUsesOffline(t *testing.T) {
	since := noon.AddDate(-1, 0, 0)
	log := identity.AuditLog{Metastore: "m", Workspace: 7, Warehouse: identity.Warehouse{ID: "w1", Name: "bi", State: "STOPPED"}, Since: since, First: noon.AddDate(0, -2, 0), Last: noon}
	build := func(change func(*estate.Builder)) *snapshot.Offline {
		b := estate.NewBuilder("a")
		for id, m := range map[identity.WorkspaceID]string{7: "m", 8: "m", 9: "unread"} {
			b.AddWorkspace(identity.Workspace{ID: id})
			b.AttachMetastore(m, id)
		}
		for id, name := range map[string]string{"1": "ann@acme.test", "2": "bob@acme.test"} {
			b.AddPrincipal(identity.Principal{Key: user(id), Name: name})
		}
		b.AddAuditLog(log)
		b.AddUses([]identity.Use{{Who: "ann@acme.test", Metastore: "m", Name: "c", At: noon}, {Who: "ann@acme.test", Metastore: "m", At: noon.AddDate(-2, 0, 0)}, {Who: "bob@acme.test", Metastore: "m", At: noon}})
		for _, k := range []identity.PrincipalKey{{}, user("1")} {
			b.Record(estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m"), Principal: k}, estate.Outcome{Needed: true, At: noon})
		}
		if change != nil {
			change(b)
		}
		return snapshot.Source(b.Build())
	}
	s := build(nil)
	ann, bob := identity.Principal{Key: user("1"), Name: "ann@acme.test"}, identity.Principal{Key: user("2"), Name: "bob@acme.test"}
	at := func(id identity.WorkspaceID) identity.Workspace { return identity.Workspace{ID: id} }
	found, err := s.Warehouses(t.Context(), at(7))
	if diff := cmp.Diff([]identity.Warehouse{log.Warehouse}, found); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if found, err = s.Warehouses(t.Context(), at(8)); len(found) != 0 || err != nil {
		t.Errorf("beside the workspace that was read: %v, %v", found, err)
	}
	if _, err = s.Warehouses(t.Context(), at(9)); !identity.IsKind(err, identity.NotAsked) || !strings.Contains(err.Error(), "does not hold what was last used") {
		t.Errorf("a metastore whose log was not read: %v", err)
	}
	uses := func(s *snapshot.Offline, who ...identity.Principal) (int, error) {
		found, err := s.Uses(t.Context(), at(7), log.Warehouse, since, who)
		return len(found), err
	}
	if n, err := uses(s, ann); n != 1 || err != nil {
		t.Errorf("who was asked about: %d uses, %v", n, err)
	}
	if _, err := uses(s, ann, bob); !identity.IsKind(err, identity.NotAsked) || !strings.Contains(err.Error(), "user bob@acme.test") {
		t.Errorf("who was not: %v", err)
	}
	refused := build(func(b *estate.Builder) {
		b.Record(estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable("m")}, estate.Outcome{Needed: true, Kind: identity.Forbidden, Message: "no", At: noon})
	})
	if n, err := uses(refused, ann); n != 1 || !identity.IsKind(err, identity.Forbidden) || !identity.FailureOf(err).Partial {
		t.Errorf("a log that was read in part: %d uses, %v", n, err)
	}
	for _, c := range []struct{ asked, since, first time.Time }{
		{since, since, log.First}, {since.AddDate(-1, 0, 0), since, log.First}, {noon.AddDate(0, -1, 0), noon.AddDate(0, -1, 0), noon.AddDate(0, -1, 0)},
	} {
		got, err := s.AuditLog(t.Context(), at(7), log.Warehouse, c.asked)
		if err != nil || !got.Since.Equal(c.since) || !got.First.Equal(c.first) || !got.Last.Equal(log.Last) {
			t.Errorf("asked since %v: %+v, %v", c.asked, got, err)
		}
	}
}
