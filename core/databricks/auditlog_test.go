package databricks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"databricks-access-audit/core/identity"
)

const (
	prodHost    = "prod.cloud.databricks.com"
	statementsH = prodHost + "/api/2.0/sql/statements"
)

var (
	auditSince = time.Date(2025, 11, 22, 0, 0, 0, 0, time.UTC)
	bi         = identity.Warehouse{ID: "w1", Name: "bi", State: "RUNNING"}
)

// asked is a request to execute a statement, as the documentation spells it.
//
// https://docs.databricks.com/api/workspace/statementexecution/executestatement
type asked struct {
	WarehouseID   string `json:"warehouse_id"`
	Statement     string `json:"statement"`
	WaitTimeout   string `json:"wait_timeout"`
	OnWaitTimeout string `json:"on_wait_timeout"`
	Disposition   string `json:"disposition"`
	Format        string `json:"format"`
	Parameters    []struct{ Name, Value, Type string }
}

// warehouse answers statements by what they begin with, at once, and keeps what it was asked.
type warehouse struct {
	mu      sync.Mutex
	asked   []asked
	answers map[string]string
}

func newWarehouse(w *world, answers map[string]string) *warehouse {
	h := &warehouse{answers: answers}
	w.handle("POST "+statementsH, func(rw http.ResponseWriter, r *http.Request) {
		var a asked
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil || r.Header.Get("Content-Type") != "application/json" {
			refuse(rw, 400, `{"error_code":"MALFORMED_REQUEST","message":"bad body"}`)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked = append(h.asked, a)
		for start, answer := range h.answers {
			if strings.HasPrefix(a.Statement, start) {
				refuse(rw, 200, answer)
				return
			}
		}
		refuse(rw, 400, `{"error_code":"INVALID_PARAMETER_VALUE","message":"no such statement"}`)
	})
	return h
}

// done is a statement that succeeded with all its rows in one chunk.
func done(columns []string, rows ...string) string {
	var cs []string
	for _, c := range columns {
		cs = append(cs, fmt.Sprintf(`{"name":%q,"type_text":"STRING"}`, c))
	}
	return fmt.Sprintf(`{"statement_id":"s1","status":{"state":"SUCCEEDED"},"manifest":{"format":"JSON_ARRAY","schema":{"column_count":%d,"columns":[%s]},
		"total_chunk_count":1,"total_row_count":%d,"truncated":false},"result":{"chunk_index":0,"row_offset":0,"row_count":%d,"data_array":[%s]}}`,
		len(columns), strings.Join(cs, ","), len(rows), len(rows), strings.Join(rows, ","))
}

var (
	newShape = done([]string{"event_time", "user_identity", "request_params"})
	oldShape = done([]string{"event_time", "user_name", "service_principal_name", "request_params"})
	columns  = append([]string{"who0", "who1"}, append(slices.Clone(auditParams), "status_code", "last_time")...)
)

// event is a row of the gathering statement: who, then the parameters by name, then when.
func event(who, subject, at string, params map[string]string) string {
	values := []any{who, nil}
	if subject != "" {
		values[1] = subject
	}
	for _, p := range auditParams {
		if v, ok := params[p]; ok {
			values = append(values, v)
		} else {
			values = append(values, nil)
		}
	}
	row, _ := json.Marshal(append(values, params["status"], at))
	return string(row)
}

func TestUses(t *testing.T) {
	w := newWorld(t)
	h := newWarehouse(w, map[string]string{"SELECT *": newShape, "SELECT lower": done(columns,
		event("alice@acme.test", "", "2026-03-01T10:00:00.123Z", map[string]string{"metastore_id": "M1", "full_name_arg": "Main.sales.orders"}),
		event("alice@acme.test", "", "2026-03-02T10:00:00Z", map[string]string{"metastore_id": "M1", "catalog_name": "main", "schema_name": "sales", "name_arg": "fresh"}),
		event("ALICE@acme.test", "", "2026-02-01 09:00:00", nil),
		event("", "app-1", "2026-03-03T10:00:00Z", map[string]string{"volume_full_name": "main.raw.landing", "table_full_name": "main.raw.t"}),
		event("alice@acme.test", "", "2026-03-04T10:00:00Z", map[string]string{"metastore_id": "m1", "name_arg": "c", "status": "403"}),
		event("alice@acme.test", "", "2026-03-05T10:00:00Z", map[string]string{"metastore_id": "m1", "name_arg": "d", "status": "200"}),
		event("mallory@acme.test", "", "2026-03-03T10:00:00Z", nil))})
	alice := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "Alice@acme.test", Emails: []string{`o'neil" OR 1=1 -- @acme.test`}}
	robot := identity.Principal{Key: identity.PrincipalKey{Kind: identity.KindServicePrincipal, ID: "2"}, Name: "APP-1"}
	got, err := w.session().Uses(t.Context(), workspaceNamed("prod"), bi, auditSince, []identity.Principal{alice, robot})
	day := func(d, h int) time.Time { return time.Date(2026, 3, d, h, 0, 0, 0, time.UTC) }
	check(t, got, err, []identity.Use{
		{Who: "alice@acme.test", Metastore: "m1", At: day(1, 10).Add(123 * time.Millisecond)},
		{Who: "alice@acme.test", Metastore: "m1", Name: "main.sales.orders", At: day(1, 10).Add(123 * time.Millisecond)},
		{Who: "alice@acme.test", Metastore: "m1", At: day(2, 10)},
		{Who: "alice@acme.test", Metastore: "m1", Name: "fresh", At: day(2, 10)},
		{Who: "alice@acme.test", Metastore: "m1", Name: "main.sales", At: day(2, 10)},
		{Who: "alice@acme.test", At: time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)},
		{Who: "app-1", At: day(3, 10)},
		{Who: "app-1", Name: "main.raw.t", At: day(3, 10)},
		{Who: "app-1", Name: "main.raw.landing", At: day(3, 10)},
		{Who: "alice@acme.test", Metastore: "m1", At: day(4, 10), Refused: true},
		{Who: "alice@acme.test", Metastore: "m1", Name: "c", At: day(4, 10), Refused: true},
		{Who: "alice@acme.test", Metastore: "m1", At: day(5, 10)},
		{Who: "alice@acme.test", Metastore: "m1", Name: "d", At: day(5, 10)},
	})
	last := h.asked[len(h.asked)-1]
	if want := (asked{WarehouseID: "w1", Statement: last.Statement, WaitTimeout: "0s", OnWaitTimeout: "CONTINUE", Disposition: "INLINE", Format: "JSON_ARRAY", Parameters: last.Parameters}); !reflect.DeepEqual(last, want) {
		t.Errorf("asked %+v", last)
	}
	var values []string
	for _, p := range last.Parameters {
		if !strings.Contains(last.Statement, ":"+p.Name) {
			t.Errorf("parameter %s is nowhere in the statement", p.Name)
		}
		values = append(values, p.Type+" "+p.Value)
	}
	check(t, values, nil, []string{"DATE 2025-11-22", "STRING alice@acme.test", "STRING app-1", `STRING o'neil" or 1=1 -- @acme.test`})
	if strings.Contains(last.Statement, "neil") || strings.Contains(last.Statement, "2025") || strings.Contains(last.Statement, "'") {
		t.Errorf("a value stands in the statement: %s", last.Statement)
	}
}

// TestUsesOfTheOldShape asks a table in which two columns say who acted.
func TestUsesOfTheOldShape(t *testing.T) {
	w := newWorld(t)
	h := newWarehouse(w, map[string]string{"SELECT *": oldShape, "SELECT lower": done(columns,
		event("alice@acme.test", "", "2026-03-01T10:00:00Z", map[string]string{"full_name_arg": "main"}))})
	got, err := w.session().Uses(t.Context(), workspaceNamed("prod"), bi, auditSince, []identity.Principal{{Name: "alice@acme.test"}})
	check(t, len(got), err, 2)
	text := h.asked[1].Statement
	for _, want := range []string{"lower(user_name) IN (:who0)", "lower(service_principal_name) IN (:who0)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(text, "user_identity") {
		t.Errorf("a column that is not there is asked for: %s", text)
	}
	w = newWorld(t)
	newWarehouse(w, map[string]string{"SELECT *": done([]string{"event_time", "actor"})})
	_, err = w.session().Uses(t.Context(), workspaceNamed("prod"), bi, auditSince, []identity.Principal{{Name: "alice@acme.test"}})
	wantKind(t, err, identity.Unsupported, "")
}

// TestUsesOfMany asks for no more names in one statement than there is room for, and for nobody not at all.
func TestUsesOfMany(t *testing.T) {
	w := newWorld(t)
	h := newWarehouse(w, map[string]string{"SELECT *": newShape, "SELECT lower": done(columns)})
	var who []identity.Principal
	for i := range 2*maxAsked + 1 {
		who = append(who, identity.Principal{Name: fmt.Sprintf("u%03d@acme.test", i)})
	}
	got, err := w.session().Uses(t.Context(), workspaceNamed("prod"), bi, auditSince, who)
	check(t, len(got), err, 0)
	names := map[string]bool{}
	for _, a := range h.asked[1:] {
		for _, p := range a.Parameters[1:] {
			names[p.Value] = true
		}
	}
	check(t, []int{len(h.asked), len(names)}, nil, []int{4, 2*maxAsked + 1})
	before := len(h.asked)
	got, err = w.session().Uses(t.Context(), workspaceNamed("prod"), bi, auditSince, nil)
	check(t, len(got), err, 0)
	check(t, len(h.asked), nil, before)
}

func TestAuditLog(t *testing.T) {
	for _, c := range []struct {
		row         string
		first, last string
	}{
		{`["2026-01-05","2026-03-01"]`, "2026-01-05", "2026-03-01"},
		{`[null,null]`, "0001-01-01", "0001-01-01"},
	} {
		w := newWorld(t)
		newWarehouse(w, map[string]string{"SELECT min": done([]string{"first_day", "last_day"}, c.row)})
		got, err := w.session().AuditLog(t.Context(), workspaceNamed("prod"), bi, auditSince)
		check(t, []string{got.First.Format(time.DateOnly), got.Last.Format(time.DateOnly)}, err, []string{c.first, c.last})
		check(t, []any{got.Workspace, got.Warehouse, got.Since}, nil, []any{identity.WorkspaceID(4411), bi, auditSince})
	}
	for _, answer := range []string{
		done([]string{"first_day", "last_day"}), done([]string{"first_day"}, `["2026-01-05"]`), done([]string{"first_day", "last_day"}, `["soon","2026-03-01"]`),
	} {
		w := newWorld(t)
		newWarehouse(w, map[string]string{"SELECT min": answer})
		_, err := w.session().AuditLog(t.Context(), workspaceNamed("prod"), bi, auditSince)
		wantKind(t, err, identity.Failed, "")
	}
}

// TestStatementInChunks reads every chunk, whichever came first, and says when some are missing.
func TestStatementInChunks(t *testing.T) {
	const manifest = `"manifest":{"schema":{"columns":[{"name":"n"}]},"total_chunk_count":3,"total_row_count":%d,"truncated":%t}`
	for _, c := range []struct {
		name    string
		inline  string // chunk that comes with the status
		rows    int
		cut     bool
		lost    string // chunk that cannot be had
		want    int
		partial bool
		kind    identity.FailureKind
	}{
		{name: "whole", inline: `"chunk_index":0,"next_chunk_index":1,"data_array":[["0"]]`, rows: 3, want: 3},
		{name: "none inline", rows: 3, want: 3},
		{name: "the first comes without its index", inline: `"data_array":[["0"]]`, rows: 3, want: 3},
		{name: "cut", inline: `"chunk_index":0,"data_array":[["0"]]`, rows: 3, cut: true, want: 3, partial: true, kind: identity.Failed},
		{name: "fewer rows than told", inline: `"chunk_index":0,"data_array":[]`, rows: 3, want: 2, partial: true, kind: identity.Failed},
		{name: "a chunk is refused", inline: `"chunk_index":0,"data_array":[["0"]]`, rows: 3, lost: "2", want: 2, partial: true, kind: identity.Forbidden},
		{name: "the first is refused", rows: 3, lost: "0", want: 0, kind: identity.Forbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			result := ""
			if c.inline != "" {
				result = `,"result":{` + c.inline + `}`
			}
			w.json("POST "+statementsH, `{"statement_id":"s 1","status":{"state":"SUCCEEDED"},`+fmt.Sprintf(manifest, c.rows, c.cut)+result+`}`)
			w.handle("GET "+statementsH+"/{id}/result/chunks/{n}", func(rw http.ResponseWriter, r *http.Request) {
				switch n := r.PathValue("n"); {
				case r.PathValue("id") != "s 1":
					refuse(rw, 404, `{"error_code":"NOT_FOUND","message":"no statement"}`)
				case n == c.lost:
					refuse(rw, 403, `{"error_code":"PERMISSION_DENIED","message":"no"}`)
				default:
					refuse(rw, 200, `{"chunk_index":`+n+`,"data_array":[["`+n+`"]]}`)
				}
			})
			got, err := w.session().query(t.Context(), workspaceNamed("prod"), "w1", "SELECT n")
			if c.kind == "" {
				check(t, len(got.rows), err, c.want)
				return
			}
			f := wantKind(t, err, c.kind, "")
			check(t, []any{len(got.rows), f.Partial}, nil, []any{c.want, c.partial})
		})
	}
}

// TestStatementThatFails tells why as the warehouse does.
func TestStatementThatFails(t *testing.T) {
	for _, c := range []struct {
		answer string
		kind   identity.FailureKind
		says   string
	}{
		{`{"statement_id":"s","status":{"state":"FAILED","error":{"error_code":"BAD_REQUEST","message":"[INSUFFICIENT_PERMISSIONS] User does not have USE SCHEMA on Schema 'system.access'. SQLSTATE: 42501"}}}`, identity.Forbidden, "USE SCHEMA on Schema"},
		{`{"statement_id":"s","status":{"state":"FAILED","error":{"error_code":"BAD_REQUEST","message":"[TABLE_OR_VIEW_NOT_FOUND] The table or view system.access.audit cannot be found."}}}`, identity.NotFound, "enable the system schema"},
		{`{"statement_id":"s","status":{"state":"FAILED","error":{"error_code":"INTERNAL_ERROR","message":"result exceeds 25 MiB"}}}`, identity.Failed, "25 MiB"},
		{`{"statement_id":"s","status":{"state":"CANCELED"}}`, identity.Failed, "CANCELED"},
		{`{"statement_id":"s","status":{"state":"CLOSED"}}`, identity.Failed, "CLOSED"},
		{`{"statement_id":"s"}`, identity.Failed, "nothing that was told"},
		{`{"status":{"state":"RUNNING"}}`, identity.Failed, "names no statement"},
		{`{"statement_id":"s","status":{"state":"SUCCEEDED"}}`, identity.Failed, "manifest"},
	} {
		w := newWorld(t)
		w.json("POST "+statementsH, c.answer)
		_, err := w.session().AuditLog(t.Context(), workspaceNamed("prod"), bi, auditSince)
		f := wantKind(t, err, c.kind, "")
		if !strings.Contains(f.Message, c.says) {
			t.Errorf("%q does not say %q", f.Message, c.says)
		}
	}
}

// TestStatementThatTakesItsTime is looked at until it is done, less and less often, and cancelled when
// nobody waits for it any more.
func TestStatementThatTakesItsTime(t *testing.T) {
	slow := func(w *world, looks int) (cancelled *[]string) {
		cancelled = &[]string{}
		var mu sync.Mutex
		n := 0
		w.json("POST "+statementsH, `{"statement_id":"s1","status":{"state":"PENDING"}}`)
		w.handle("GET "+statementsH+"/s1", func(rw http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if n++; n < looks {
				refuse(rw, 200, `{"statement_id":"s1","status":{"state":"RUNNING"}}`)
				return
			}
			refuse(rw, 200, `{"status":{"state":"SUCCEEDED"},"manifest":{"schema":{"columns":[{"name":"n"}]},"total_chunk_count":2,"total_row_count":2},"result":{"chunk_index":0,"data_array":[["0"]]}}`)
		})
		w.json("GET "+statementsH+"/s1/result/chunks/1", `{"chunk_index":1,"data_array":[["1"]]}`)
		w.handle("POST "+statementsH+"/s1/cancel", func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			*cancelled = append(*cancelled, r.PathValue("id")+"s1")
			refuse(rw, 200, "")
		})
		return cancelled
	}
	t.Run("done", func(t *testing.T) {
		w := newWorld(t)
		slow(w, 9)
		s := w.session()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			got, err := s.query(t.Context(), workspaceNamed("prod"), "w1", "SELECT n")
			check(t, len(got.rows), err, 2)
			if took := time.Since(start); took < 10*time.Second || took > time.Minute {
				t.Errorf("took %v for nine looks", took)
			}
			check(t, s.Calls()["GET /api/2.0/sql/statements/{statement_id}"], nil, 9)
		})
	})
	t.Run("interrupted", func(t *testing.T) {
		w := newWorld(t)
		cancelled := slow(w, 1000)
		s := w.session()
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
			defer stop()
			_, err := s.query(ctx, workspaceNamed("prod"), "w1", "SELECT n")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			check(t, len(*cancelled), nil, 1)
		})
	})
	t.Run("without end", func(t *testing.T) {
		w := newWorld(t)
		cancelled := slow(w, 1000)
		s := w.session()
		synctest.Test(t, func(t *testing.T) {
			_, err := s.query(t.Context(), workspaceNamed("prod"), "w1", "SELECT n")
			wantKind(t, err, identity.Failed, "")
			check(t, len(*cancelled), nil, 1)
		})
	})
}

// TestStatementThatIsRefusedForRate is sent again: nothing was executed.
func TestStatementThatIsRefusedForRate(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.handle("POST "+statementsH, func(rw http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			refuse(rw, 429, `{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"}`)
			return
		}
		refuse(rw, 200, done([]string{"first_day", "last_day"}, `["2026-01-05","2026-03-01"]`))
	})
	_, err := w.session().AuditLog(t.Context(), workspaceNamed("prod"), bi, auditSince)
	check(t, n, err, 3)
	w = newWorld(t)
	n = 0
	w.handle("POST "+statementsH, func(rw http.ResponseWriter, _ *http.Request) {
		n++
		refuse(rw, 503, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"later"}`)
	})
	_, err = w.session().AuditLog(t.Context(), workspaceNamed("prod"), bi, auditSince)
	wantKind(t, err, identity.Failed, "")
	check(t, n, nil, 1) // it may have begun
}

func TestWarehouses(t *testing.T) {
	w := newWorld(t)
	w.json("GET "+prodHost+"/api/2.0/sql/warehouses", `{"warehouses":[
		{"id":"w1","name":"bi","state":"RUNNING","enable_serverless_compute":false},
		{"id":"w2","name":"adhoc","state":"STOPPED","enable_serverless_compute":true,"warehouse_type":"PRO"}]}`)
	got, err := w.session().Warehouses(t.Context(), workspaceNamed("prod"))
	check(t, got, err, []identity.Warehouse{bi, {ID: "w2", Name: "adhoc", State: "STOPPED", Serverless: true}})
}
