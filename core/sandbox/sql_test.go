package sandbox

import (
	"strings"
	"testing"
	"time"
)

// runSQL runs a statement on Acme's log at a fixed time and returns its rows as
// text, or the error.
func runSQL(t *testing.T, text string, params map[string]sqlValue) ([]string, string) {
	t.Helper()
	s, err := newServer(Acme(), Options{Now: func() time.Time { return time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	run := &sqlRun{now: s.opts.Now(), user: "me", params: params, table: func([]string) (*sqlTable, *sqlError) {
		return s.auditTable(s.acct, s.acct.Metastores[0].Audit), nil
	}}
	table, failed := run.run(text)
	if failed != nil {
		return nil, failed.Error()
	}
	out := []string{}
	for _, row := range table.rows {
		parts := make([]string, len(row))
		for i, v := range row {
			parts[i] = sqlText(v)
		}
		out = append(out, strings.Join(parts, "|"))
	}
	return out, ""
}

func TestSQL(t *testing.T) {
	for text, want := range map[string]string{
		"select 1 + 2 * 3, -4, 7 % 4, 10 / 4": "7|-4|3|2.5",
		`SELECT 'it\'s', 'a' 'b', 'it''s', "dq", concat('a', 1), 'x' || NULL, 'a\_b\u00e9\\', 'a_b' LIKE 'a\_b', 'axb' LIKE 'a\_b'`:                                                                                                        "it's|ab|its|dq|a1|NULL|a\\_bé\\|true|false",
		"SELECT NULL AND false, NULL AND true, NULL OR true, NOT NULL, 1 IN (2, NULL), 1 NOT IN (1, 2)":                                                                                                                                    "false|NULL|true|NULL|NULL|false",
		"SELECT coalesce(NULL, 'a'), nullif(1, 1), if(1 > 2, 'x', 'y'), CASE WHEN 1=2 THEN 'p' ELSE 'q' END, CASE 3 WHEN 3 THEN 'r' END":                                                                                                   "a|NULL|y|q|r",
		"SELECT 'Ab' LIKE 'a%', 'Ab' ILIKE 'a%', 'a_b' LIKE 'a\\\\_b', 'axb' LIKE 'a\\\\_b', lower('ÄB'), length('äb'), substring('hello', 2, 3), substr('hello', -3)":                                                                     "false|true|true|false|äb|2|ell|llo",
		"SELECT current_date(), current_date - 30, date_sub(current_date(), 1), now() - INTERVAL 2 HOURS, DATE '2026-01-31' + INTERVAL 1 MONTH, dateadd(DAY, -1, DATE'2026-03-01')":                                                        "2026-11-01|2026-10-02|2026-10-31|2026-11-01T07:00:00.000Z|2026-03-03|2026-02-28",
		"SELECT datediff(DATE'2026-03-01', DATE'2026-02-01'), date_trunc('month', TIMESTAMP'2026-03-09T10:00:00Z'), date_format(TIMESTAMP'2026-03-09 10:11:12', 'yyyy-MM-dd''T''HH:mm'), CAST(TIMESTAMP'2026-03-09 10:11:12.5' AS STRING)": "28|2026-03-01T00:00:00.000Z|2026-03-09T10:11|2026-03-09 10:11:12.5",
		"SELECT count(*) FROM system.access.audit WHERE 1 = 2":                                                                                                            "0",
		"SELECT max(event_time), count(*) FROM system.access.audit WHERE event_date > DATE'2030-01-01'":                                                                   "NULL|0",
		"SELECT max(event_time) FROM system.access.audit WHERE 1=2 GROUP BY event_date":                                                                                   "",
		"SELECT min(event_date), max(event_date) FROM system.access.audit":                                                                                                "2025-11-01|2026-11-01",
		"select a.user_identity.email e, max(a.event_date) from system.access.audit a where user_identity.email = :who group by user_identity.email":                      "bob@acme.test|2026-10-31",
		"SELECT event_date FROM system.access.audit WHERE request_params['full_name_arg'] = 'main.sales.customers' AND response.status_code = 200":                        "",
		"SELECT response.status_code, response.error_message FROM system.access.audit WHERE request_params.full_name_arg = 'main.sales.customers'":                        "403|PERMISSION_DENIED: User does not have USE CATALOG on Catalog 'main'",
		"SELECT identity_metadata.run_by, identity_metadata FROM system.access.audit WHERE action_name = 'runSucceeded' AND identity_metadata.run_as IS NOT NULL LIMIT 1": `grace@acme.test|{"run_by":"grace@acme.test","run_as":"` + AcmeETLApp + `","acting_resource":null}`,
		`WITH used AS (SELECT lower(user_identity.email) AS who, coalesce(request_params['full_name_arg'], request_params['table_full_name']) AS what, event_time
			FROM system.access.audit WHERE service_name = 'unityCatalog' AND action_name IN ('getTable', 'generateTemporaryTableCredential') AND response.status_code = 200)
			SELECT who, what, max(event_time) AS last FROM used WHERE who LIKE 'alice@%' GROUP BY ALL HAVING last IS NOT NULL ORDER BY last DESC, 2`: "alice@acme.test|main.sales.orders|2026-10-29T08:59:00.000Z;alice@acme.test|prod_lakehouse.silver.events|2026-09-22T08:59:00.000Z",
		"SELECT max_by(action_name, event_time), count(DISTINCT user_identity.email) FILTER (WHERE user_identity.email LIKE 'alice@%') FROM system.access.audit WHERE user_identity.email ILIKE 'alice@acme.test' AND service_name = 'accounts'": "oidcBrowserLogin|1",
		"SELECT 'b' AS x UNION ALL SELECT 'a' ORDER BY x LIMIT 1":         "a",
		"SELECT DISTINCT audit_level FROM system.access.audit ORDER BY 1": "ACCOUNT_LEVEL;WORKSPACE_LEVEL",
		"SELECT who FROM (SELECT user_identity.email AS who, count(*) AS n FROM system.access.audit GROUP BY 1) WHERE array_contains(split('x,erin@acme.test', ','), who)": "erin@acme.test",
		"-- a comment\nSELECT /* another */ 1;": "1",
	} {
		rows, failed := runSQL(t, text, map[string]sqlValue{"who": {sqlStringType, "bob@acme.test"}})
		if got := strings.Join(rows, ";"); failed != "" || got != want {
			t.Errorf("%s\n got %s %s\nwant %s", text, got, failed, want)
		}
	}
}

// TestSQLRefuses: a statement that does not make sense fails even where it would read no row.
func TestSQLRefuses(t *testing.T) {
	for text, class := range map[string]string{
		"":                                      "PARSE_SYNTAX_ERROR",
		"SELECT":                                "PARSE_SYNTAX_ERROR",
		"SELEC 1":                               "PARSE_SYNTAX_ERROR",
		"SELECT 1 FROM a JOIN b ON 1 = 1":       "PARSE_SYNTAX_ERROR",
		"SELECT row_number() OVER (ORDER BY 1)": "PARSE_SYNTAX_ERROR",
		"DELETE FROM system.access.audit":       "PARSE_SYNTAX_ERROR",
		"SELECT 'open":                          "PARSE_SYNTAX_ERROR",
		"SELECT /* open":                        "UNCLOSED_BRACKETED_COMMENT",
		"SELECT 1; SELECT 2":                    "PARSE_SYNTAX_ERROR",
		"SELECT " + strings.Repeat("(", 5000):   "FAILED_TO_PARSE_TOO_COMPLEX",
		"SELECT nope FROM t WHERE 1 = 2":        "UNRESOLVED_COLUMN",
		"SELECT user_identity.nope FROM t":      "FIELD_NOT_FOUND",
		"SELECT action_name.x FROM t":           "INVALID_EXTRACT_BASE_FIELD_TYPE",
		"SELECT nope(1)":                        "UNRESOLVED_ROUTINE",
		"SELECT lower('a', 'b')":                "WRONG_NUM_ARGS",
		"SELECT dateadd()":                      "WRONG_NUM_ARGS",
		"SELECT timestampadd(DAY)":              "WRONG_NUM_ARGS",
		"SELECT :missing":                       "UNBOUND_SQL_PARAMETER",
		"SELECT action_name, count(*) FROM t":   "MISSING_AGGREGATION",
		"SELECT action_name, max(event_time) FROM t GROUP BY service_name": "MISSING_AGGREGATION",
		"SELECT 1 FROM t WHERE max(event_time) > now()":                    "INVALID_WHERE_CONDITION",
		"SELECT 1 FROM t WHERE event_date = 'yesterday'":                   "CAST_INVALID_INPUT",
		"SELECT 1 FROM t WHERE event_date = 1":                             "DATATYPE_MISMATCH",
		"SELECT 1 FROM t WHERE action_name":                                "DATATYPE_MISMATCH",
		"SELECT 1 / 0":                                                     "DIVIDE_BY_ZERO",
		"SELECT 1 LIMIT -1":                                                "PARSE_SYNTAX_ERROR",
	} {
		if rows, failed := runSQL(t, text, nil); !strings.HasPrefix(failed, "["+class) {
			t.Errorf("%.60s: %v %s, want %s", text, rows, failed, class)
		}
	}
}

func FuzzSQL(f *testing.F) {
	f.Add("SELECT max(event_time) FROM system.access.audit WHERE request_params['a'] IN ('b', :who) GROUP BY 1 ORDER BY 1 DESC NULLS LAST LIMIT 3")
	f.Add("WITH a AS (SELECT CASE WHEN 1 BETWEEN 0 AND 2 THEN DATE'2026-01-01' END x) SELECT x::STRING FROM a UNION ALL SELECT dateadd(DAY, 1, now())")
	f.Fuzz(func(t *testing.T, text string) { _, _ = runSQL(t, text, nil) })
}
