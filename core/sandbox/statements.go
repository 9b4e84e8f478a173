package sandbox

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// statementRoutes are the Statement Execution API
// (https://docs.databricks.com/api/workspace/statementexecution) and the storage
// that its external links lead to.
func statementRoutes() []route {
	const base = "/api/2.0/sql/statements"
	on := func(method, path string, handle func(*call) reply) route {
		return route{method: method, host: onWorkspace, template: base + path, access: member, reads: true, handle: handle}
	}
	return []route{
		on("POST", "", (*call).executeStatement),
		on("GET", "/{id}", (*call).getStatement),
		on("GET", "/{id}/result/chunks/{chunk}", (*call).getStatementChunk),
		on("POST", "/{id}/cancel", (*call).cancelStatement),
		{method: "GET", host: onStorage, template: "/statements/{id}/{chunk}", access: open, handle: (*call).fetchResult},
	}
}

// The states of a warehouse
// (https://docs.databricks.com/api/workspace/warehouses/get).
const (
	warehouseRunning  = "RUNNING"
	warehouseStarting = "STARTING"
	warehouseStopped  = "STOPPED"
)

const (
	// startPolls is how often a statement is PENDING when it is asked for, while its warehouse starts.
	startPolls = 2
	// resultLife is how long a result is kept, linkLife how long an external link is good.
	resultLife = time.Hour
	linkLife   = 15 * time.Minute
	// minWait and maxWait are the limits of wait_timeout, other than 0.
	minWait, maxWait = 5, 50

	standardChunkRows   = 500
	standardInlineBytes = 25 << 20
)

// statementStore holds the statements of all workspaces and the states of
// their warehouses.
type statementStore struct {
	mu    sync.Mutex
	byID  map[string]*statement
	state map[string]string // of warehouses, by workspace and id, that differ from what the account says
}

func warehouseKey(w *Workspace, o *Object) string { return fmt.Sprint(w.ID, "/", o.ID) }

func (st *statementStore) warehouseState(w *Workspace, o *Object) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.stateOf(w, o)
}

func (st *statementStore) stateOf(w *Workspace, o *Object) string {
	if s := st.state[warehouseKey(w, o)]; s != "" {
		return s
	}
	state, _ := o.Extra["state"].(string)
	return cmp.Or(state, warehouseRunning)
}

// statement is one that was submitted. Its outcome is known from the start and
// shows after as many polls as it takes.
type statement struct {
	id, owner string
	workspace int64
	warehouse string

	pending, running int
	state            string // empty until it is over
	failure          *sqlError
	columns          []sqlColumn
	rows             [][]*string
	bytes            int
	truncated        bool
	external         bool
	chunkRows        int
	done             time.Time
}

type wireStatementRequest struct {
	Warehouse   string `json:"warehouse_id"`
	Statement   string `json:"statement"`
	Catalog     string `json:"catalog"`
	Schema      string `json:"schema"`
	Wait        string `json:"wait_timeout"`
	OnWait      string `json:"on_wait_timeout"`
	Disposition string `json:"disposition"`
	Format      string `json:"format"`
	RowLimit    int64  `json:"row_limit"`
	ByteLimit   int64  `json:"byte_limit"`
	Parameters  []struct {
		Name  string  `json:"name"`
		Type  string  `json:"type"`
		Value *string `json:"value"`
	} `json:"parameters"`
}

// executeStatement: https://docs.databricks.com/api/workspace/statementexecution/executestatement
func (c *call) executeStatement() reply {
	var b wireStatementRequest
	if err := c.decode(&b); err != nil {
		return badRequest("malformed request: %v", err)
	}
	wait, failed := b.check()
	if failed != nil {
		return *failed
	}
	o, failed := c.usableWarehouse(b.Warehouse)
	if failed != nil {
		return *failed
	}
	params, failed := b.params()
	if failed != nil {
		return *failed
	}
	st := &statement{
		id: statementID(), owner: c.caller.id, workspace: c.ws.ID, warehouse: warehouseKey(c.ws, o),
		running: c.srv.opts.StatementPolls, external: b.Disposition == "EXTERNAL_LINKS", chunkRows: cmp.Or(c.srv.opts.ChunkRows, standardChunkRows), done: c.srv.opts.Now(),
	}
	c.compute(st, b, params)

	store := &c.srv.statements
	store.mu.Lock()
	defer store.mu.Unlock()
	if store.byID == nil {
		store.byID, store.state = map[string]*statement{}, map[string]string{}
	}
	if store.stateOf(c.ws, o) != warehouseRunning {
		store.state[st.warehouse] = warehouseStarting
		st.pending = startPolls
	}
	store.byID[st.id] = st
	switch {
	case wait == 0:
		return ok(map[string]any{"statement_id": st.id, "status": map[string]any{"state": "PENDING"}})
	case st.pending+st.running == 0:
		st.finish()
	case b.OnWait == "CANCEL":
		st.state = "CANCELED"
	}
	return ok(c.wireStatement(st))
}

// statementID looks like those of the service.
func statementID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[0], b[1] = 0x01, 0xf0
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// check refuses what the API refuses and returns the seconds to wait.
func (b *wireStatementRequest) check() (wait int, failed *reply) {
	switch b.Wait {
	case "":
		wait = 10
	default:
		n, err := strconv.Atoi(strings.TrimSuffix(b.Wait, "s"))
		if err != nil || !strings.HasSuffix(b.Wait, "s") || n != 0 && (n < minWait || n > maxWait) {
			return 0, failedWith(badRequest("wait_timeout must be 0s or between %ds and %ds, not %q", minWait, maxWait, b.Wait))
		}
		wait = n
	}
	inline := b.Disposition == "" || b.Disposition == "INLINE"
	switch {
	case b.Warehouse == "":
		failed = failedWith(badRequest("warehouse_id is required"))
	case strings.TrimSpace(b.Statement) == "":
		failed = failedWith(badRequest("statement is required"))
	case b.OnWait != "" && b.OnWait != "CONTINUE" && b.OnWait != "CANCEL":
		failed = failedWith(badRequest("on_wait_timeout must be CONTINUE or CANCEL, not %q", b.OnWait))
	case !inline && b.Disposition != "EXTERNAL_LINKS":
		failed = failedWith(badRequest("disposition must be INLINE or EXTERNAL_LINKS, not %q", b.Disposition))
	case b.Format != "" && b.Format != "JSON_ARRAY" && (inline || b.Format != "ARROW_STREAM" && b.Format != "CSV"):
		failed = failedWith(badRequest("format %q is not supported with this disposition", b.Format))
	case b.Format != "" && b.Format != "JSON_ARRAY":
		failed = failedWith(fail(http.StatusNotImplemented, "NOT_IMPLEMENTED", "the sandbox sends results as JSON_ARRAY only"))
	case b.RowLimit < 0 || b.ByteLimit < 0:
		failed = failedWith(badRequest("row_limit and byte_limit must be positive"))
	}
	return wait, failed
}

var decimalType = regexp.MustCompile(`^DECIMAL(\(.*\))?$`)

// params gives each parameter its type; without one it is a string, without a
// value NULL.
func (b *wireStatementRequest) params() (map[string]sqlValue, *reply) {
	out := map[string]sqlValue{}
	for _, p := range b.Parameters {
		name := strings.ToUpper(cmp.Or(p.Type, "STRING"))
		if decimalType.MatchString(name) {
			name = "DOUBLE"
		}
		typ, known := sqlTypesByName[name]
		if !known {
			return nil, failedWith(badRequest("parameter %s has unsupported type %q", p.Name, p.Type))
		}
		v := sqlValue{typ: typ}
		if p.Value != nil {
			value, failed := sqlCast(*p.Value, typ)
			if failed != nil {
				return nil, failedWith(badRequest("parameter %s: %s", p.Name, failed.Error()))
			}
			v.value = value
		}
		out[p.Name] = v
	}
	return out, nil
}

// usableWarehouse finds a warehouse that the caller may run statements on
// (https://docs.databricks.com/security/auth/access-control/#sql-warehouse-acls).
func (c *call) usableWarehouse(id string) (*Object, *reply) {
	o := c.object("warehouses", id)
	if o == nil {
		return nil, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "SQL warehouse %s does not exist.", id))
	}
	if !c.isWorkspaceAdmin() && !c.holdsOn(o, "CAN_USE", "CAN_MONITOR", "IS_OWNER", "CAN_MANAGE") {
		return nil, failedWith(forbidden("User %s does not have permission to use SQL warehouse %s.", c.caller.name, id))
	}
	return o, nil
}

// getWarehouse: https://docs.databricks.com/api/workspace/warehouses/get
func (c *call) getWarehouse() reply {
	o := c.object("warehouses", c.params["id"])
	switch {
	case o == nil:
		return notFound("RESOURCE_DOES_NOT_EXIST", "SQL warehouse %s does not exist.", c.params["id"])
	case !c.sees(o):
		return forbidden("User %s does not have permission to view SQL warehouse %s.", c.caller.name, o.ID)
	}
	return ok(c.row("warehouses", o))
}

// compute runs the statement and keeps its rows as the result holds them.
func (c *call) compute(st *statement, b wireStatementRequest, params map[string]sqlValue) {
	run := &sqlRun{now: c.srv.opts.Now().UTC().Truncate(time.Millisecond), user: c.caller.name, params: params}
	run.table = func(name []string) (*sqlTable, *sqlError) { return c.readTable(name, b.Catalog, b.Schema) }
	t, failed := run.run(b.Statement)
	if failed != nil {
		st.failure = failed
		return
	}
	st.columns = t.columns
	for i, row := range t.rows {
		if b.RowLimit > 0 && int64(i) >= b.RowLimit {
			st.truncated = true
			break
		}
		out, size := make([]*string, len(row)), 2
		for j, v := range row {
			if size += 5; v != nil {
				s := sqlText(v)
				out[j] = &s
				size += len(s)
			}
		}
		if b.ByteLimit > 0 && int64(st.bytes+size) > b.ByteLimit {
			st.truncated = true
			break
		}
		st.bytes += size
		st.rows = append(st.rows, out)
	}
	if limit := cmp.Or(c.srv.opts.InlineBytes, standardInlineBytes); !st.external && st.bytes > limit {
		st.failure = &sqlError{text: fmt.Sprintf("Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most %d bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want to download the full result.", limit)}
	}
}

// readTable finds a table as Unity Catalog does: it must be there, and the
// caller must hold SELECT on it, USE SCHEMA and USE CATALOG. USE SCHEMA does not
// pass from the catalog system to its schemas
// (https://docs.databricks.com/admin/system-tables/#grant-access-to-system-tables).
func (c *call) readTable(name []string, catalog, schema string) (*sqlTable, *sqlError) {
	switch len(name) {
	case 1:
		name = []string{catalog, cmp.Or(schema, "default"), name[0]}
	case 2:
		name = []string{catalog, name[0], name[1]}
	}
	quoted := "`" + strings.Join(name, "`.`") + "`"
	missing := sqlFail("TABLE_OR_VIEW_NOT_FOUND", "42P01", "The table or view %s cannot be found. Verify the spelling and correctness of the schema and catalog.", quoted)
	v := c.viewer()
	if v == nil || len(name) != 3 {
		return nil, missing
	}
	n := v.catalogue.find(kindTable, strings.Join(name, "."))
	if n == nil {
		return nil, missing
	}
	sch, cat := n.parent, n.catalog()
	if !cat.usable(c.ws) {
		return nil, sqlFail("INSUFFICIENT_PERMISSIONS", "42501", "Insufficient privileges:\nCatalog '%s' is not accessible in current workspace", cat.name)
	}
	usesSchema := v.is(*sch.owner) || v.holds(sch, "USE_SCHEMA")
	if cat.object.(*Catalog).Type == "SYSTEM_CATALOG" {
		alone := *sch
		alone.parent = nil
		usesSchema = v.holds(&alone, "USE_SCHEMA")
	}
	switch {
	case !v.is(*cat.owner) && !v.holds(cat, "USE_CATALOG"):
		return nil, sqlFail("INSUFFICIENT_PERMISSIONS", "42501", "Insufficient privileges:\nUser does not have USE CATALOG on Catalog '%s'.", cat.full)
	case !usesSchema:
		return nil, sqlFail("INSUFFICIENT_PERMISSIONS", "42501", "Insufficient privileges:\nUser does not have USE SCHEMA on Schema '%s'.", sch.full)
	case !v.is(*n.owner) && !v.holds(n, "SELECT"):
		return nil, sqlFail("INSUFFICIENT_PERMISSIONS", "42501", "Insufficient privileges:\nUser does not have SELECT on Table '%s'.", n.full)
	case n.full != "system.access."+auditTableName:
		return nil, sqlFail("INTERNAL_ERROR", "XX000", "The sandbox keeps no rows of %s.", quoted)
	}
	return c.srv.auditTable(c.acct, v.catalogue.metastore.Audit), nil
}

// finish ends a statement; the store is locked.
func (st *statement) finish() {
	switch {
	case st.state != "":
	case st.failure != nil:
		st.state = "FAILED"
	default:
		st.state = "SUCCEEDED"
	}
}

// poll is one look at a statement, which brings it on.
func (st *statement) poll(store *statementStore) {
	switch {
	case st.state != "":
	case st.pending > 0:
		if st.pending--; st.pending == 0 {
			store.state[st.warehouse] = warehouseRunning
		}
	case st.running > 0:
		st.running--
	}
	if st.pending+st.running == 0 {
		st.finish()
	}
}

// ownStatement finds a statement that the caller submitted here. The store must
// be locked. After an hour its result is gone.
func (c *call) ownStatement() (*statement, *reply) {
	st := c.srv.statements.byID[c.params["id"]]
	if st == nil || c.ws != nil && st.workspace != c.ws.ID {
		return nil, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "The statement %s was not found.", c.params["id"]))
	}
	if c.caller != nil && st.owner != c.caller.id {
		return nil, failedWith(forbidden("User %s may not read statement %s.", c.caller.name, st.id))
	}
	if st.state == "SUCCEEDED" && c.srv.opts.Now().Sub(st.done) > resultLife {
		st.state, st.rows = "CLOSED", nil
	}
	return st, nil
}

// getStatement: https://docs.databricks.com/api/workspace/statementexecution/getstatement
func (c *call) getStatement() reply {
	store := &c.srv.statements
	store.mu.Lock()
	defer store.mu.Unlock()
	st, failed := c.ownStatement()
	if failed != nil {
		return *failed
	}
	st.poll(store)
	return ok(c.wireStatement(st))
}

// cancelStatement says nothing of whether it came in time
// (https://docs.databricks.com/api/workspace/statementexecution/cancelexecution).
func (c *call) cancelStatement() reply {
	store := &c.srv.statements
	store.mu.Lock()
	defer store.mu.Unlock()
	st, failed := c.ownStatement()
	if failed != nil {
		return *failed
	}
	if st.state == "" {
		st.state = "CANCELED"
	}
	return ok(nil)
}

// getStatementChunk: https://docs.databricks.com/api/workspace/statementexecution/getstatementresultchunkn
func (c *call) getStatementChunk() reply {
	store := &c.srv.statements
	store.mu.Lock()
	defer store.mu.Unlock()
	st, failed := c.ownStatement()
	if failed != nil {
		return *failed
	}
	n, err := strconv.Atoi(c.params["chunk"])
	switch {
	case err != nil || n < 0:
		return badRequest("chunk_index must be a number, not %q", c.params["chunk"])
	case st.state != "SUCCEEDED":
		return badRequest("The statement %s has no result: its state is %s", st.id, cmp.Or(st.state, "RUNNING"))
	case n >= st.chunks():
		return notFound("RESOURCE_DOES_NOT_EXIST", "The statement %s has no chunk %d.", st.id, n)
	}
	return ok(c.wireChunk(st, n))
}

func (st *statement) chunks() int { return max(1, (len(st.rows)+st.chunkRows-1)/st.chunkRows) }

// chunk are the rows of a chunk and the number of the first.
func (st *statement) chunk(n int) (rows [][]*string, offset int) {
	from := n * st.chunkRows
	return st.rows[from:min(from+st.chunkRows, len(st.rows))], from
}

func (c *call) wireStatement(st *statement) map[string]any {
	status := map[string]any{"state": st.state}
	body := map[string]any{"statement_id": st.id, "status": status}
	switch st.state {
	case "":
		status["state"] = "RUNNING"
		if st.pending > 0 {
			status["state"] = "PENDING"
		}
	case "FAILED":
		code, message := "BAD_REQUEST", st.failure.Error()
		switch {
		case st.failure.class == "":
			code, message = "RESOURCE_EXHAUSTED", st.failure.text
		case st.failure.class == "INTERNAL_ERROR":
			code = "INTERNAL_ERROR"
		}
		status["error"] = map[string]any{"error_code": code, "message": message}
		if st.failure.state != "" {
			status["sql_state"] = st.failure.state
		}
	case "SUCCEEDED":
		body["manifest"] = st.wireManifest()
		body["result"] = c.wireChunk(st, 0)
	case "CLOSED":
		body["manifest"] = st.wireManifest()
	}
	return body
}

func (st *statement) wireManifest() map[string]any {
	columns := make([]map[string]any, len(st.columns))
	for i, col := range st.columns {
		columns[i] = map[string]any{"name": col.name, "position": i, "type_name": col.typ.name, "type_text": col.typ.text}
	}
	var chunks []map[string]any
	for n := range st.chunks() {
		if st.state == "CLOSED" {
			break
		}
		rows, offset := st.chunk(n)
		chunks = append(chunks, map[string]any{"chunk_index": n, "row_offset": offset, "row_count": len(rows)})
	}
	m := map[string]any{
		"format": "JSON_ARRAY", "schema": map[string]any{"column_count": len(columns), "columns": columns},
		"total_chunk_count": len(chunks), "total_row_count": len(st.rows), "truncated": st.truncated, "chunks": chunks,
	}
	if st.external {
		m["total_byte_count"] = st.bytes
	}
	return m
}

// wireChunk leaves the link to the next chunk out of the last one.
func (c *call) wireChunk(st *statement, n int) map[string]any {
	rows, offset := st.chunk(n)
	m := map[string]any{"chunk_index": n, "row_offset": offset, "row_count": len(rows)}
	if n+1 < st.chunks() {
		m["next_chunk_index"] = n + 1
		m["next_chunk_internal_link"] = fmt.Sprintf("/api/2.0/sql/statements/%s/result/chunks/%d?row_offset=%d", st.id, n+1, offset+len(rows))
	}
	if !st.external {
		if len(rows) > 0 {
			m["data_array"] = rows
		}
		return m
	}
	expires := c.srv.opts.Now().Add(linkLife)
	m["external_link"] = fmt.Sprintf("https://%s/statements/%s/%d?expires=%d&sig=%s", c.acct.ResultsHostName(), st.id, n, expires.UnixMilli(), st.id[4:8])
	m["expiration"] = expires.UTC().Format(time.RFC3339)
	return map[string]any{"external_links": []map[string]any{m}}
}

// fetchResult is the cloud storage. The link is the right to read: a request
// with an Authorization header is refused, as storage services do
// (https://docs.databricks.com/dev-tools/sql-execution-tutorial).
func (c *call) fetchResult() reply {
	store := &c.srv.statements
	store.mu.Lock()
	defer store.mu.Unlock()
	st, failed := c.ownStatement()
	if failed != nil {
		return *failed
	}
	expires, _ := strconv.ParseInt(c.query.Get("expires"), 10, 64)
	n, err := strconv.Atoi(c.params["chunk"])
	switch {
	case c.r.Header.Get("Authorization") != "":
		return fail(http.StatusBadRequest, "InvalidAuthenticationInfo", "Only one auth mechanism is allowed: the link is signed already.")
	case c.query.Get("sig") != st.id[4:8], c.srv.opts.Now().UnixMilli() > expires, st.state != "SUCCEEDED":
		return fail(http.StatusForbidden, "AuthenticationFailed", "The link is not valid, or no longer.")
	case err != nil || n < 0 || n >= st.chunks():
		return notFound("BlobNotFound", "The specified blob does not exist.")
	}
	rows, _ := st.chunk(n)
	return ok(slices.Clone(rows))
}
