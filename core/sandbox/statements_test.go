package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const statements = "/api/2.0/sql/statements"

// execute submits a statement to a workspace; more are further fields.
func (c *client) execute(workspace, warehouse, text string, more map[string]any) response {
	c.t.Helper()
	body := map[string]any{"warehouse_id": warehouse, "statement": text}
	for k, v := range more {
		body[k] = v
	}
	return c.do("POST", "https://acme-"+workspace+".acme.test"+statements, body)
}

func (r response) at(path ...string) any {
	r.t.Helper()
	var v any = r.json()
	for _, k := range path {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// rows are the data_array of an object that holds one, NULL as <nil>.
func dataRows(v any) []string {
	m, _ := v.(map[string]any)
	array, _ := m["data_array"].([]any)
	var out []string
	for _, row := range array {
		out = append(out, strings.Trim(fmt.Sprint(row), "[]"))
	}
	return out
}

func TestStatementSucceeds(t *testing.T) {
	clock := newClock()
	c := acme(t, Options{Now: clock.Now})
	r := c.want(c.execute("prod", "wh-bi", `SELECT max(event_date) AS last, count(*) AS n, max(identity_metadata.run_by) AS run_by, NULL AS nothing
		FROM system.access.audit WHERE event_date >= :since AND user_identity.email = :who AND action_name = 'getTable'`,
		map[string]any{"parameters": []map[string]any{{"name": "since", "value": "2026-10-01", "type": "DATE"}, {"name": "who", "value": "alice@acme.test"}}}), 200)
	if r.at("status", "state") != "SUCCEEDED" || r.at("statement_id") == "" {
		t.Fatal(r)
	}
	if got := dataRows(r.at("result")); !slices.Equal(got, []string{"2026-10-29 6 <nil> <nil>"}) {
		t.Errorf("rows %q", got)
	}
	want := `{"column_count":4,"columns":[{"name":"last","position":0,"type_name":"DATE","type_text":"DATE"},{"name":"n","position":1,"type_name":"LONG","type_text":"BIGINT"},{"name":"run_by","position":2,"type_name":"STRING","type_text":"STRING"},{"name":"nothing","position":3,"type_name":"NULL","type_text":"VOID"}]}`
	if raw, _ := json.Marshal(r.at("manifest", "schema")); string(raw) != want {
		t.Errorf("schema %s", raw)
	}
	if r.at("manifest", "total_chunk_count") != 1.0 || r.at("manifest", "truncated") != false || r.at("result", "next_chunk_index") != nil {
		t.Error(r)
	}
	clock.advance(2 * time.Hour)
	c = c.as(Acme().Auditor)
	again := c.want(c.on("prod", statements+"/"+r.str("statement_id")), 200)
	if again.at("status", "state") != "CLOSED" || again.at("result") != nil {
		t.Errorf("after its life: %s", again)
	}
	c.want(c.on("prod", statements+"/"+r.str("statement_id")+"/result/chunks/0"), 400)
}

// TestStatementFails: what is wrong with a statement is in its state, not in the status of the response.
func TestStatementFails(t *testing.T) {
	a := Acme()
	a.Workspaces[1].MetastoreID = ""
	c := start(t, a, Options{InlineBytes: 5000}).as(a.Auditor)
	limited := c.as(a.LimitedAuditor)
	a.Workspaces[0].Objects[slices.IndexFunc(a.Workspaces[0].Objects, func(o *Object) bool { return o.ID == "wh-bi" })].ACL = append([]ACE{app(AcmeLimitedApp, "CAN_USE")}, user("grace", "IS_OWNER"))
	const audit = "SELECT count(*) FROM system.access.audit"
	for _, tc := range []struct {
		as                         *client
		workspace, warehouse, text string
		code, message, state       string
	}{
		{c, "prod", "wh-bi", "SELEC 1", "BAD_REQUEST", "[PARSE_SYNTAX_ERROR]", "42601"},
		{c, "prod", "wh-bi", "SELECT 1 FROM main.sales.nothing", "BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND] The table or view `main`.`sales`.`nothing` cannot be found.", "42P01"},
		{c, "analytics-eu", "wh-eu", audit, "BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND]", "42P01"},
		{c, "staging", "wh-stg", audit, "BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND]", "42P01"},
		{limited, "prod", "wh-bi", audit, "BAD_REQUEST", "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser does not have USE SCHEMA on Schema 'system.access'.", "42501"},
		{c, "prod", "wh-bi", "SELECT 1 FROM main.finance.payroll", "BAD_REQUEST", "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser does not have USE SCHEMA on Schema 'main.finance'.", "42501"},
		{c, "prod", "wh-bi", "SELECT 1 FROM samples.nyctaxi.trips", "INTERNAL_ERROR", "[INTERNAL_ERROR] The sandbox keeps no rows of", "XX000"},
		{c, "prod", "wh-bi", "SELECT * FROM system.access.audit", "RESOURCE_EXHAUSTED", "Inline byte limit exceeded.", ""},
	} {
		r := c.want(tc.as.execute(tc.workspace, tc.warehouse, tc.text, nil), 200)
		if r.at("status", "state") == "PENDING" { // its warehouse was stopped
			for range startPolls {
				r = tc.as.on(tc.workspace, statements+"/"+r.str("statement_id"))
			}
		}
		message, _ := r.at("status", "error", "message").(string)
		state, _ := r.at("status", "sql_state").(string)
		if r.at("status", "state") != "FAILED" || r.at("status", "error", "error_code") != tc.code || !strings.HasPrefix(message, tc.message) || state != tc.state || r.at("manifest") != nil {
			t.Errorf("%s: %s", tc.text, r)
		}
	}
	// USE SCHEMA on the catalog system does not reach its schemas, SELECT does.
	c.srv.Update(func(a *Account) {
		system := a.Metastores[0].CatalogByName("system")
		system.Grants = append(system.Grants, grant(AcmeLimitedApp, "USE_SCHEMA SELECT"))
	})
	if r := limited.execute("prod", "wh-bi", audit, nil); !strings.Contains(r.String(), "USE SCHEMA on Schema 'system.access'") {
		t.Error(r)
	}
	c.srv.Update(func(a *Account) {
		schema := a.Metastores[0].CatalogByName("system").SchemaByName("access")
		schema.Grants = append(schema.Grants, grant(AcmeLimitedApp, "USE_SCHEMA"))
	})
	if r := limited.execute("prod", "wh-bi", audit, nil); r.at("status", "state") != "SUCCEEDED" {
		t.Error(r)
	}
}

func TestStatementRequests(t *testing.T) {
	c := acme(t, Options{})
	alice := c.with("dapi-acme-alice-prod")
	for name, tc := range map[string]struct {
		warehouse string
		more      map[string]any
		status    int
	}{
		"unknown warehouse": {"wh-none", nil, 404},
		"no warehouse":      {"", nil, 400},
		"waits too short":   {"wh-bi", map[string]any{"wait_timeout": "4s"}, 400},
		"waits too long":    {"wh-bi", map[string]any{"wait_timeout": "51s"}, 400},
		"no unit":           {"wh-bi", map[string]any{"wait_timeout": "10"}, 400},
		"on wait":           {"wh-bi", map[string]any{"on_wait_timeout": "STOP"}, 400},
		"inline arrow":      {"wh-bi", map[string]any{"format": "ARROW_STREAM"}, 400},
		"external arrow":    {"wh-bi", map[string]any{"format": "ARROW_STREAM", "disposition": "EXTERNAL_LINKS"}, 501},
		"disposition":       {"wh-bi", map[string]any{"disposition": "OUTLINE"}, 400},
		"parameter type":    {"wh-bi", map[string]any{"parameters": []map[string]any{{"name": "a", "type": "MAP", "value": "x"}}}, 400},
		"parameter value":   {"wh-bi", map[string]any{"parameters": []map[string]any{{"name": "a", "type": "DATE", "value": "x"}}}, 400},
		"longest wait":      {"wh-bi", map[string]any{"wait_timeout": "50s", "on_wait_timeout": "CANCEL"}, 200},
	} {
		if r := c.execute("prod", tc.warehouse, "SELECT 1", tc.more); r.status != tc.status {
			t.Errorf("%s: %s", name, r)
		}
	}
	c.want(c.execute("prod", "wh-bi", " ", nil), 400)
	// CAN_MONITOR is enough, CAN_VIEW is not, and nothing is not either.
	mine := c.want(alice.execute("prod", "wh-bi", "SELECT current_user()", nil), 200)
	if got := dataRows(mine.at("result")); !slices.Equal(got, []string{"alice@acme.test"}) {
		t.Error(mine)
	}
	c.want(c.on("prod", statements+"/"+mine.str("statement_id")), 403)
	c.want(c.on("staging", statements+"/"+mine.str("statement_id")), 404)
	c.want(c.on("prod", statements+"/01f0-none"), 404)
	for _, acl := range [][]ACE{nil, {user("alice", "CAN_VIEW")}} {
		c.srv.Update(func(a *Account) { a.Workspaces[0].Objects[objectAt(a, "wh-bi")].ACL = acl })
		c.want(alice.execute("prod", "wh-bi", "SELECT 1", nil), 403)
	}
}

func objectAt(a *Account, id string) int {
	return slices.IndexFunc(a.Workspaces[0].Objects, func(o *Object) bool { return o.ID == id })
}

func TestWarehousesAndWaiting(t *testing.T) {
	c := acme(t, Options{StatementPolls: 1})
	state := func(workspace, id string) any {
		t.Helper()
		r := c.want(c.on(workspace, "/api/2.0/sql/warehouses/"+id), 200)
		row := byField(c.want(c.on(workspace, "/api/2.0/sql/warehouses"), 200).list("warehouses"), "id", id)
		if row["state"] != r.str("state") || row["name"] != r.str("name") {
			t.Errorf("list has %v, get %s", row, r)
		}
		return r.at("state")
	}
	c.want(c.on("prod", "/api/2.0/sql/warehouses/wh-stg"), 404)
	if got := state("staging", "wh-stg"); got != warehouseStopped {
		t.Errorf("staging starts %v", got)
	}
	poll := func(workspace string, r response) []any {
		out := []any{r.at("status", "state")}
		for range 5 {
			r = c.want(c.on(workspace, statements+"/"+r.str("statement_id")), 200)
			out = append(out, r.at("status", "state"))
			if r.at("status", "state") == "SUCCEEDED" {
				break
			}
		}
		return out
	}
	r := c.execute("staging", "wh-stg", "SELECT 1", nil)
	if got := state("staging", "wh-stg"); got != warehouseStarting {
		t.Errorf("asked, it is %v", got)
	}
	if got := poll("staging", r); !slices.Equal(got, []any{"PENDING", "PENDING", "RUNNING", "SUCCEEDED"}) {
		t.Errorf("stopped warehouse: %v", got)
	}
	if got := state("staging", "wh-stg"); got != warehouseRunning {
		t.Errorf("after a statement it is %v", got)
	}
	if got := poll("staging", c.execute("staging", "wh-stg", "SELECT 1", nil)); !slices.Equal(got, []any{"RUNNING", "SUCCEEDED"}) {
		t.Errorf("running warehouse: %v", got)
	}
	if got := poll("prod", c.execute("prod", "wh-bi", "SELECT 1", map[string]any{"wait_timeout": "0s"})); !slices.Equal(got, []any{"PENDING", "SUCCEEDED"}) {
		t.Errorf("not waited for: %v", got)
	}
	// Whoever does not wait may cancel; whoever has waited enough may have it canceled.
	if r := c.execute("prod", "wh-bi", "SELECT 1", map[string]any{"on_wait_timeout": "CANCEL"}); r.at("status", "state") != "CANCELED" {
		t.Error(r)
	}
	r = c.execute("prod", "wh-bi", "SELECT 1", nil)
	path := statements + "/" + r.str("statement_id")
	c.want(c.on("prod", path+"/result/chunks/0"), 400)
	c.want(c.do("POST", "https://acme-prod.acme.test"+path+"/cancel", map[string]any{}), 200)
	if r := c.on("prod", path); r.at("status", "state") != "CANCELED" || r.at("result") != nil {
		t.Error(r)
	}
	c.want(c.do("POST", "https://acme-prod.acme.test"+statements+"/none/cancel", map[string]any{}), 404)
}

func TestChunksAndLimits(t *testing.T) {
	const all = "SELECT event_id FROM system.access.audit ORDER BY event_time, event_id"
	clock := newClock()
	c := acme(t, Options{ChunkRows: 200, Now: clock.Now})
	whole := dataRows(acmeAt(t, clock, 1<<20).execute("prod", "wh-bi", all, nil).at("result"))
	if len(whole) < 1000 {
		t.Fatalf("only %d events", len(whole))
	}
	r := c.want(c.execute("prod", "wh-bi", all, nil), 200)
	if n := r.at("manifest", "total_row_count"); n != float64(len(whole)) || r.at("manifest", "total_chunk_count") != float64((len(whole)+199)/200) {
		t.Errorf("%v rows in %v chunks, want %d", n, r.at("manifest", "total_chunk_count"), len(whole))
	}
	got, part := dataRows(r.at("result")), r.at("result").(map[string]any)
	for n := 1; part["next_chunk_internal_link"] != nil; n++ {
		if part["next_chunk_index"] != float64(n) {
			t.Fatalf("chunk %d follows %v", n, part["next_chunk_index"])
		}
		next := c.want(c.on("prod", part["next_chunk_internal_link"].(string)), 200)
		part = next.json()
		if part["chunk_index"] != float64(n) || part["row_offset"] != float64(len(got)) {
			t.Fatalf("chunk %d: %v %v", n, part["chunk_index"], part["row_offset"])
		}
		got = append(got, dataRows(part)...)
	}
	if !slices.Equal(got, whole) {
		t.Errorf("%d rows in chunks, want %d", len(got), len(whole))
	}
	c.want(c.on("prod", statements+"/"+r.str("statement_id")+"/result/chunks/99"), 404)

	r = c.execute("prod", "wh-bi", all, map[string]any{"row_limit": 3})
	if len(dataRows(r.at("result"))) != 3 || r.at("manifest", "truncated") != true || r.at("manifest", "total_row_count") != 3.0 {
		t.Error(r)
	}
	r = c.execute("prod", "wh-bi", all, map[string]any{"byte_limit": 400})
	if n := len(dataRows(r.at("result"))); n == 0 || n > 12 || r.at("manifest", "truncated") != true {
		t.Errorf("%d rows in 400 bytes", n)
	}
	if r = c.execute("prod", "wh-bi", all, map[string]any{"row_limit": len(whole)}); r.at("manifest", "truncated") != false {
		t.Error("a limit that is just met truncates nothing")
	}

	r = c.execute("prod", "wh-bi", all, map[string]any{"disposition": "EXTERNAL_LINKS"})
	link := r.at("result").(map[string]any)["external_links"].([]any)[0].(map[string]any)
	if link["next_chunk_index"] != 1.0 || r.at("manifest", "total_byte_count") == nil || r.at("result", "data_array") != nil {
		t.Error(link)
	}
	address := link["external_link"].(string)
	c.want(c.do("GET", address, nil), 400) // with a token
	signed := c.with("")
	var rows [][]string
	if err := json.Unmarshal(c.want(signed.do("GET", address, nil), 200).raw, &rows); err != nil || len(rows) != 200 || rows[0][0] != whole[0] {
		t.Errorf("%v, %d rows", err, len(rows))
	}
	c.want(signed.do("GET", strings.Replace(address, "sig=", "sig=x", 1), nil), 403)
	clock.advance(16 * time.Minute)
	c.want(signed.do("GET", address, nil), 403)
	second := c.want(c.on("prod", statements+"/"+r.str("statement_id")+"/result/chunks/1"), 200).list("external_links")
	c.want(signed.do("GET", second[0]["external_link"].(string), nil), 200)
}

// acmeAt is Acme at a clock, with chunks of so many rows.
func acmeAt(t *testing.T, clock *testClock, chunk int) *client {
	t.Helper()
	return acme(t, Options{ChunkRows: chunk, Now: clock.Now})
}

// TestAcmeActivity checks the traits of the log that are documented.
func TestAcmeActivity(t *testing.T) {
	clock := newClock()
	a := Acme()
	c := acmeAt(t, clock, 1<<20)
	last := func(where string) string {
		t.Helper()
		r := c.want(c.execute("prod", "wh-bi", "SELECT datediff(current_date(), max(event_date)) FROM system.access.audit WHERE response.status_code = 200 AND "+where, nil), 200)
		return strings.Join(dataRows(r.at("result")), "")
	}
	for where, want := range map[string]string{
		"request_params['table_full_name'] = 'main.sales.orders' AND user_identity.email = '" + AcmeETLApp + "'":              "0",
		"request_params['full_name_arg'] = 'main.sales.orders' AND user_identity.email = 'bob@acme.test'":                     "100",
		"request_params['full_name_arg'] = 'main.finance.ledger'":                                                             "200",
		"request_params['full_name_arg'] = 'prod_lakehouse.silver.events' AND lower(user_identity.email) = 'alice@acme.test'": "40",
		"request_params['full_name_arg'] = 'main.sales.customers'":                                                            "<nil>",
		"user_identity.email = 'dave@acme.test'":                                                                              "<nil>",
		"user_identity.email = 'victor@acme.test'":                                                                            "<nil>",
		"user_identity.email = 'uma@acme.test'":                                                                               "200",
	} {
		if got := last(where); got != want {
			t.Errorf("%s: %s days ago, want %s", where, got, want)
		}
	}
	known := map[string]bool{"System-User": true}
	for _, u := range a.Users {
		known[strings.ToLower(u.UserName)] = true
	}
	for _, sp := range a.ServicePrincipals {
		known[sp.ApplicationID] = true
	}
	for _, h := range a.Metastores[0].Audit.Habits {
		if !known[h.Who] && !known[strings.ToLower(h.Who)] {
			t.Errorf("nobody is called %s", h.Who)
		}
	}
	for days, want := range map[int]string{0: "2025-11-01", 30: "2026-10-02"} {
		c.srv.Update(func(a *Account) { a.Metastores[0].Audit.Days = days })
		if got := dataRows(c.execute("prod", "wh-bi", "SELECT min(event_date) FROM system.access.audit", nil).at("result")); !slices.Equal(got, []string{want}) {
			t.Errorf("%d days: from %v", days, got)
		}
	}
	c.srv.Update(func(a *Account) { a.Metastores[0].Audit.NoIdentityMetadata = true })
	if r := c.execute("prod", "wh-bi", "SELECT identity_metadata.run_by FROM system.access.audit", nil); !strings.Contains(r.String(), "UNRESOLVED_COLUMN") {
		t.Error(r)
	}
	if r := c.execute("prod", "wh-bi", "SELECT * FROM system.access.audit LIMIT 1", nil); r.at("manifest", "schema", "column_count") != 16.0 {
		t.Error(r)
	}
}

func TestFaultsReachStatements(t *testing.T) {
	c := acme(t, Options{})
	for _, text := range []string{"POST /api/2.0/sql/statements status=429 retry_after=3 times=1", "GET /api/2.0/sql/statements/{id} status=503"} {
		f, err := ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		c.srv.SetFaults(f)
		if strings.HasPrefix(text, "POST") {
			if r := c.want(c.execute("prod", "wh-bi", "SELECT 1", nil), http.StatusTooManyRequests); r.header.Get("Retry-After") != "3" {
				t.Error(r.header)
			}
			continue
		}
		r := c.want(c.execute("prod", "wh-bi", "SELECT 1", nil), 200)
		c.want(c.on("prod", statements+"/"+r.str("statement_id")), 503)
	}
}
