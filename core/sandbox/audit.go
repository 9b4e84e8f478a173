package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// AuditLog is what the table system.access.audit of a metastore's region holds
// (https://docs.databricks.com/admin/system-tables/audit-logs).
type AuditLog struct {
	// Days is how far the log goes back; 0 means the documented 365. What is
	// older is not there.
	Days int
	// NoIdentityMetadata leaves out the column identity_metadata, as regions do
	// that have an older schema.
	NoIdentityMetadata bool
	Habits             []AuditHabit
}

// AuditHabit is something that was done once, or again and again.
type AuditHabit struct {
	// Who is a user name or application id, as user_identity.email has it.
	Who string
	// Service and Action are service_name and action_name.
	Service, Action string
	Params          map[string]string
	// WorkspaceID is 0 for events of the account.
	WorkspaceID int64
	// Last and First are how many days before the server's start it was done for
	// the last and for the first time, each a minute earlier than the full day. A
	// First of 0 means that it was done once, at Last.
	Last, First int
	// Every is the number of days between; 0 means 1.
	Every int
	// Status is the response's status_code, 0 meaning 200; Error its error_message.
	Status int
	Error  string
	// RunBy and RunAs are those of identity_metadata, for what ran as somebody else.
	RunBy, RunAs string
}

const (
	auditTableName   = "audit"
	defaultAuditDays = 365
)

var (
	auditIdentityType = sqlStruct(sqlColumn{"email", sqlStringType}, sqlColumn{"subject_name", sqlStringType})
	auditResponseType = sqlStruct(sqlColumn{"status_code", sqlInt}, sqlColumn{"error_message", sqlStringType}, sqlColumn{"result", sqlStringType})
	auditMetadataType = sqlStruct(sqlColumn{"run_by", sqlStringType}, sqlColumn{"run_as", sqlStringType}, sqlColumn{"acting_resource", sqlStringType})
)

// auditColumns is the documented schema, identity_metadata last.
var auditColumns = []sqlColumn{
	{"account_id", sqlStringType}, {"workspace_id", sqlStringType}, {"version", sqlStringType},
	{"event_time", sqlTimestamp}, {"event_date", sqlDate}, {"source_ip_address", sqlStringType},
	{"user_agent", sqlStringType}, {"session_id", sqlStringType}, {"user_identity", auditIdentityType},
	{"service_name", sqlStringType}, {"action_name", sqlStringType}, {"request_id", sqlStringType},
	{"request_params", sqlMap}, {"response", auditResponseType}, {"audit_level", sqlStringType},
	{"event_id", sqlStringType}, {"identity_metadata", auditMetadataType},
}

// auditTable makes the rows of a log as of now, in no order that a client could
// rely on.
func (s *Server) auditTable(acct *Account, log *AuditLog) *sqlTable {
	if log == nil {
		log = &AuditLog{}
	}
	t := &sqlTable{columns: slices.Clone(auditColumns)}
	oldest := dayOf(s.opts.Now()).AddDate(0, 0, -cmp.Or(log.Days, defaultAuditDays))
	for i, h := range log.Habits {
		for day := h.Last; day <= max(h.First, h.Last); day += max(h.Every, 1) {
			at := s.started.Add(-time.Minute).AddDate(0, 0, -day)
			if at.Before(oldest) {
				break
			}
			t.rows = append(t.rows, h.row(acct, at, fmt.Sprintf("%d/%d", i, day)))
		}
	}
	if log.NoIdentityMetadata {
		last := len(t.columns) - 1
		t.columns = t.columns[:last]
		for i := range t.rows {
			t.rows[i] = t.rows[i][:last]
		}
	}
	return t
}

// row is one event. The values that nobody cares for follow from its number.
func (h AuditHabit) row(acct *Account, at time.Time, number string) []any {
	sum := sha256.Sum256([]byte(h.Who + h.Action + number))
	id := hex.EncodeToString(sum[:16])
	level, agent := "WORKSPACE_LEVEL", "Databricks-Service/driver"
	if h.WorkspaceID == 0 {
		level, agent = "ACCOUNT_LEVEL", "Mozilla/5.0"
	}
	params := maps.Clone(h.Params)
	if params == nil {
		params = map[string]string{}
	}
	var metadata any
	if h.RunBy != "" || h.RunAs != "" {
		metadata = sqlRecord{auditMetadataType, []any{sqlOrNull(h.RunBy), sqlOrNull(h.RunAs), nil}}
	}
	return []any{
		acct.ID, fmt.Sprint(h.WorkspaceID), "2.0",
		at, dayOf(at), fmt.Sprintf("10.30.%d.%d", sum[0], sum[1]),
		agent, nil, sqlRecord{auditIdentityType, []any{h.Who, nil}},
		h.Service, h.Action, "ServiceMain-" + id[:12],
		params, sqlRecord{auditResponseType, []any{int64(cmp.Or(h.Status, 200)), sqlOrNull(h.Error), nil}}, level,
		id, metadata,
	}
}

func sqlOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
