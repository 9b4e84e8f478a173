package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
)

var routeWarehouses = get(classOther, "/api/2.0/sql/warehouses")

type warehouseRows struct {
	Rows []warehouseRow `json:"warehouses"`
	Next string         `json:"next_page_token"`
}

// Warehouses lists the SQL warehouses that the caller may use.
func (s *Session) Warehouses(ctx context.Context, at identity.Workspace) ([]identity.Warehouse, error) {
	r, err := s.at(at, routeWarehouses)
	if err != nil {
		return nil, err
	}
	rows, err := tokenPages(ctx, s, r,
		func(w warehouseRow) string { return string(w.ID) },
		func(w warehouseRows) page[warehouseRow] { return page[warehouseRow]{w.Rows, w.Next} })
	found := make([]identity.Warehouse, 0, len(rows))
	for _, w := range rows {
		found = append(found, identity.Warehouse{ID: string(w.ID), Name: w.Name, State: w.State, Serverless: w.Serverless})
	}
	return found, err
}

// The audit log. Its rows are gathered in the warehouse, so that what comes over is one row for each
// principal and thing.
//
// https://docs.databricks.com/aws/en/admin/system-tables/audit-logs
const (
	auditShapeQuery = "SELECT * FROM system.access.audit LIMIT 0"
	auditSpanQuery  = "SELECT min(event_date) AS first_day, max(event_date) AS last_day FROM system.access.audit WHERE event_date >= :since"
)

// auditParams are the parameters of events that name a securable in full, or a part of its name.
//
// https://docs.databricks.com/aws/en/admin/account-settings/audit-logs (Unity Catalog events)
var auditParams = []string{
	"metastore_id", "full_name_arg", "table_full_name", "volume_full_name", "securable_full_name", "name_arg", "catalog_name", "schema_name",
}

// auditIdentities are the expressions under which the two shapes of the table have whoever acted: a
// structure, and before that two columns.
var auditIdentities = map[string][]string{
	"user_identity":          {"user_identity.email", "user_identity.subject_name"},
	"user_name":              {"user_name"},
	"service_principal_name": {"service_principal_name"},
}

// maxAsked is how many names one statement asks for. Every name is a parameter of its own.
const maxAsked = 100

// AuditLog finds out of which days since the one given the audit log of a workspace has anything. The
// metastore is left out of it.
func (s *Session) AuditLog(ctx context.Context, at identity.Workspace, warehouse identity.Warehouse, since time.Time) (identity.AuditLog, error) {
	log := identity.AuditLog{Workspace: at.ID, Warehouse: warehouse, Since: since}
	t, err := s.query(ctx, at, warehouse.ID, auditSpanQuery, sinceParameter(since))
	if err != nil {
		return log, s.advisedOnAudit(err)
	}
	if len(t.rows) != 1 || len(t.columns) != 2 {
		return log, s.failed(fmt.Errorf("the audit log answers with %d rows of %d columns when asked for its first and last day", len(t.rows), len(t.columns)))
	}
	for i, into := range []*time.Time{&log.First, &log.Last} {
		if day := t.rows[0][i]; day != nil {
			if *into, err = parseMoment(*day); err != nil {
				return log, s.failed(err)
			}
		}
	}
	return log, nil
}

// Uses reads from the audit log of a workspace when each of some principals last used what, or was refused,
// and was last seen at all, since a day.
func (s *Session) Uses(ctx context.Context, at identity.Workspace, warehouse identity.Warehouse, since time.Time, who []identity.Principal) ([]identity.Use, error) {
	var names []string
	for _, p := range who {
		names = append(names, p.LogNames()...)
	}
	if len(names) == 0 {
		return nil, nil
	}
	identities, err := s.auditIdentities(ctx, at, warehouse)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var uses []identity.Use
	for asked := range slices.Chunk(slices.Compact(names), maxAsked) {
		text, parameters := usesQuery(identities, since, asked)
		t, err := s.query(ctx, at, warehouse.ID, text, parameters...)
		found, unreadable := readUses(t, len(identities), asked)
		uses = append(uses, found...)
		if err != nil {
			return uses, partly(uses, s.advisedOnAudit(err))
		}
		if unreadable != nil {
			return uses, partly(uses, s.failed(unreadable))
		}
	}
	return uses, nil
}

// auditIdentities finds out which shape the table has here.
func (s *Session) auditIdentities(ctx context.Context, at identity.Workspace, warehouse identity.Warehouse) ([]string, error) {
	t, err := s.query(ctx, at, warehouse.ID, auditShapeQuery)
	if err != nil {
		return nil, s.advisedOnAudit(err)
	}
	if slices.Contains(t.columns, "user_identity") {
		return auditIdentities["user_identity"], nil
	}
	var found []string
	for _, c := range []string{"user_name", "service_principal_name"} {
		if slices.Contains(t.columns, c) {
			found = append(found, auditIdentities[c]...)
		}
	}
	if found == nil {
		return nil, unsupported("system.access.audit has no column that is known to say who acted")
	}
	return found, nil
}

// usesQuery is the statement that gathers the uses of some names, which are its parameters. The
// expressions in it are all this program's own.
func usesQuery(identities []string, since time.Time, names []string) (string, []parameter) {
	parameters := []parameter{sinceParameter(since)}
	var markers []string
	for i, n := range names {
		name := "who" + strconv.Itoa(i)
		markers = append(markers, ":"+name)
		parameters = append(parameters, parameter{name, n, "STRING"})
	}
	in := " IN (" + strings.Join(markers, ", ") + ")"
	var columns, groups, meant []string
	add := func(expression, as string) {
		columns = append(columns, expression+" AS "+as)
		groups = append(groups, expression)
	}
	for i, e := range identities {
		add("lower("+e+")", "who"+strconv.Itoa(i))
		meant = append(meant, "lower("+e+")"+in)
	}
	for _, p := range auditParams {
		add("request_params."+p, p)
	}
	add("response.status_code", "status_code")
	return "SELECT " + strings.Join(columns, ", ") + ", max(event_time) AS last_time" +
		" FROM system.access.audit" +
		" WHERE event_date >= :since AND (" + strings.Join(meant, " OR ") + ")" +
		" GROUP BY " + strings.Join(groups, ", "), parameters
}

func sinceParameter(since time.Time) parameter {
	return parameter{"since", since.UTC().Format(time.DateOnly), "DATE"}
}

// readUses turns the rows of usesQuery into uses.
func readUses(t table, identities int, asked []string) ([]identity.Use, error) {
	var uses []identity.Use
	for _, row := range t.rows {
		if len(row) != identities+len(auditParams)+2 {
			return uses, errors.New("the audit log answers with other columns than were asked for")
		}
		values := make([]string, len(row))
		for i, v := range row {
			if v != nil {
				values[i] = strings.TrimSpace(*v)
			}
		}
		at, err := parseMoment(values[len(values)-1])
		if err != nil {
			return uses, err
		}
		metastore, named := securablesNamed(values[identities : len(values)-2])
		status, err := strconv.Atoi(values[len(values)-2])
		refused := err == nil && status >= http.StatusBadRequest // what gives no status was not refused
		for _, w := range values[:identities] {
			who := identity.FoldName(w)
			if !slices.Contains(asked, who) {
				continue
			}
			uses = append(uses, identity.Use{Who: who, Metastore: metastore, At: at, Refused: refused})
			for _, n := range named {
				uses = append(uses, identity.Use{Who: who, Metastore: metastore, Name: n, At: at, Refused: refused})
			}
		}
	}
	return uses, nil
}

// securablesNamed are the metastore and the full names, in lower case, that the values of auditParams give.
func securablesNamed(values []string) (metastore string, names []string) {
	of := map[string]string{}
	for i, p := range auditParams {
		of[p] = strings.ToLower(values[i])
	}
	for _, p := range auditParams {
		switch p {
		case "metastore_id", "schema_name", "catalog_name":
		default:
			if n := of[p]; n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	if c := of["catalog_name"]; c != "" {
		n := c
		if s := of["schema_name"]; s != "" {
			n += "." + s
		}
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return of["metastore_id"], names
}

// parseMoment reads a date or a timestamp as results have it: in ISO 8601, with or without the time and its
// zone, which is then UTC.
//
// https://docs.databricks.com/api/workspace/statementexecution/executestatement (format JSON_ARRAY)
func parseMoment(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the audit log answers with %q where a time is due", s)
}

// advisedOnAudit says what to do where the table may not be read, or is not there.
//
// https://docs.databricks.com/aws/en/admin/system-tables/#enable
func (s *Session) advisedOnAudit(err error) error {
	f, ok := errors.AsType[*identity.Failure](err)
	if !ok || f.Advised {
		return err
	}
	advice := ""
	switch f.Kind {
	case identity.Forbidden:
		advice = "the caller needs CAN USE on the SQL warehouse, USE CATALOG on system, and USE SCHEMA and SELECT on system.access"
	case identity.NotFound:
		advice = "an account admin can enable the system schema access, and grant USE SCHEMA and SELECT on it"
	default:
		return err
	}
	with := *f
	with.Message, with.Advised = joinAdvice(f.Message, advice), true
	return &with
}
