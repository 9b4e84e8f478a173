package analysis_test

import (
	"strings"
	"testing"

	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sqltext"
)

// TestScriptOfFindings is the whole way, from facts to the script that a person reads.
func TestScriptOfFindings(t *testing.T) {
	w := newWorld()
	w.nest("analysts: alice, bob", "seniors: alice", "synced*: bob", "platform: analysts")
	w.grants(catalog, "alice: USE_CATALOG, SELECT", "account users: USE_CATALOG", "bob: ALL_PRIVILEGES, BROWSE", "synced: ALL_PRIVILEGES")
	w.grants(schema, "analysts: SELECT", "seniors: SELECT", "alice: SELECT, FLY_TO_THE_MOON", "bob: USE_SCHEMA, MODIFY")
	w.grants(table, "alice: SELECT", "bob: SELECT", "own: FLY_TO_THE_MOON", "platform: MANAGE", "analysts: MANAGE")
	w.securable(identity.SecurableInfo{Securable: volume, Owner: "seniors"}).grants(volume, "alice: READ_VOLUME, MANAGE")
	found := analysis.Redundancies(w.model(), []identity.PrincipalKey{w.key("alice"), w.key("bob"), w.key("analysts"), w.key("alice")})
	want := strings.ReplaceAll(`-- Revokes personal grants that their holders would keep all the same. Nothing of this was carried out.
-- Each statement changes nothing that anybody can do, by itself or after those above it.

-- Metastore eu (ms-eu): run this in a workspace that it is attached to.

-- analysts on table c.s.t: full, and what covers it hangs on little
--   by analysts -> platform
REVOKE MANAGE ON TABLE 'c'.'s'.'t' FROM 'analysts';

-- alice on catalog c: partial, and what covers it hangs on little: SELECT would be lost and is to stay
--   by alice -> account users
--   by alice -> analysts
--   by alice -> seniors
--   groups give some of what would be lost on c.s, c.s.t
-- REVOKE USE CATALOG ON CATALOG 'c' FROM 'alice';

-- alice on schema c.s: partial: FLY TO THE MOON would be lost and is to stay
--   by alice -> analysts
--   by alice -> seniors
--   groups give some of what would be lost on c.s.v
-- REVOKE SELECT ON SCHEMA 'c'.'s' FROM 'alice';

-- alice on table c.s.t: full
--   by alice -> analysts
--   by alice -> seniors
REVOKE SELECT ON TABLE 'c'.'s'.'t' FROM 'alice';

-- alice on volume c.s.v: full, and what covers it hangs on little
--   by alice -> seniors
REVOKE MANAGE, READ VOLUME ON VOLUME 'c'.'s'.'v' FROM 'alice';

-- bob on catalog c: full, and what covers it hangs on little
--   by bob -> account users
--   by bob -> synced
REVOKE ALL PRIVILEGES ON CATALOG 'c' FROM 'bob';
REVOKE BROWSE ON CATALOG 'c' FROM 'bob';

-- bob on schema c.s: full, and what covers it hangs on little
--   by bob -> synced
REVOKE MODIFY, USE SCHEMA ON SCHEMA 'c'.'s' FROM 'bob';

-- bob on table c.s.t: full, and what covers it hangs on little
--   by bob -> analysts
--   by bob -> synced
REVOKE SELECT ON TABLE 'c'.'s'.'t' FROM 'bob';

-- 9 personal grants: 6 revoked here, 2 in part redundant, 1 needed, 0 not decided, 0 that cannot be written.
`, "'", "`") // which cannot stand here
	got := sqltext.Revokes(found, report.Coverage{Complete: true}, false)
	if got != want {
		t.Errorf("got\n%s", got)
	}
	ranked := analysis.Ranked(found)
	var names []string
	for _, r := range ranked {
		names = append(names, r.Member.Name)
	}
	if strings.Join(names, " ") != "bob alice analysts" {
		t.Errorf("ranked %v", ranked)
	}
}
