package databricks

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
)

var (
	routeStatements      = post(classOther, "/api/2.0/sql/statements")
	routeStatement       = get(classOther, "/api/2.0/sql/statements/{statement_id}")
	routeStatementChunk  = get(classOther, "/api/2.0/sql/statements/{statement_id}/result/chunks/{chunk_index}")
	routeStatementCancel = post(classOther, "/api/2.0/sql/statements/{statement_id}/cancel")
)

const (
	// statementWait makes the first answer come at once, with the id of the statement: one that is waited for
	// cannot be cancelled.
	//
	// https://docs.databricks.com/api/workspace/statementexecution/executestatement
	statementWait = "0s"
	// statementTime bounds one statement, the start of its warehouse included, which takes minutes where it
	// is not serverless.
	statementTime = 15 * time.Minute
	// firstPoll and longestPoll bound the wait between two looks at a statement that runs.
	firstPoll   = 200 * time.Millisecond
	longestPoll = 10 * time.Second
	// cancelTime is what is left to stop a statement that nobody waits for any more.
	cancelTime = 10 * time.Second
)

// parameter is the value of one :name in a statement. Values are never part of the text of a statement.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-parameter-marker
type parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Type  string `json:"type"`
}

// statement is a request to execute one.
//
// https://docs.databricks.com/api/workspace/statementexecution/executestatement
type statement struct {
	Warehouse   string      `json:"warehouse_id"`
	Text        string      `json:"statement"`
	Parameters  []parameter `json:"parameters,omitempty"`
	Wait        string      `json:"wait_timeout"`
	OnWait      string      `json:"on_wait_timeout"`
	Disposition string      `json:"disposition"`
	Format      string      `json:"format"`
}

// statementRow is a statement as the API tells of it. Values that are not there are null; all others are
// texts, whatever their type.
//
// https://docs.databricks.com/api/workspace/statementexecution/getstatement
type statementRow struct {
	ID     string `json:"statement_id"`
	Status struct {
		State string `json:"state"`
		Error *struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		} `json:"error"`
		SQLState string `json:"sql_state"`
	} `json:"status"`
	Manifest *struct {
		Schema struct {
			Columns []struct {
				Name string `json:"name"`
			} `json:"columns"`
		} `json:"schema"`
		Chunks    int  `json:"total_chunk_count"`
		Rows      *int `json:"total_row_count"`
		Truncated bool `json:"truncated"`
	} `json:"manifest"`
	Result *statementChunk `json:"result"`
}

type statementChunk struct {
	Index int         `json:"chunk_index"`
	Rows  [][]*string `json:"data_array"`
}

// table is the whole result of a statement.
type table struct {
	columns []string
	rows    [][]*string
}

// query executes a statement on a warehouse and reads its whole result. A result of which some is missing
// is a partial failure beside the rows that came. A statement that is not waited for to its end, because
// the context ended or it took too long, is cancelled: it would run on, and cost money.
func (s *Session) query(ctx context.Context, at identity.Workspace, warehouse, text string, parameters ...parameter) (table, error) {
	r, err := s.at(at, routeStatements)
	if err != nil {
		return table{}, err
	}
	r.body = statement{
		Warehouse: warehouse, Text: text, Parameters: parameters, Wait: statementWait, OnWait: "CONTINUE",
		Disposition: "INLINE", Format: "JSON_ARRAY",
	}
	var row statementRow
	if err := s.submit(ctx, r, &row); err != nil {
		return table{}, err
	}
	if err := s.finish(ctx, at, &row); err != nil {
		return table{}, err
	}
	return s.result(ctx, at, row)
}

// submit sends a statement. Requests that may change something are repeated by nobody below; this one
// only reads, and what was refused for rate was not executed at all.
func (s *Session) submit(ctx context.Context, r request, row *statementRow) error {
	for n := 0; ; n++ {
		_, err := s.fetch(ctx, r, row)
		if n >= s.account.policy.retries || !identity.IsKind(err, identity.Throttled) {
			return err
		}
		if err := sleep(ctx, backoff(s.account.policy.base, s.account.policy.max, n)); err != nil {
			return err
		}
	}
}

// finish waits until a statement has succeeded.
func (s *Session) finish(ctx context.Context, at identity.Workspace, row *statementRow) error {
	id := row.ID
	patience := statementTime
	for n := 0; ; n++ {
		switch row.Status.State {
		case "SUCCEEDED":
			row.ID = id
			return nil
		case "PENDING", "RUNNING":
		default:
			return s.stopped(*row)
		}
		if id == "" {
			return s.failed(fmt.Errorf("%s: the answer names no statement", routeStatements))
		}
		wait := backoff(firstPoll, longestPoll, n)
		if patience -= wait; patience < 0 {
			s.cancel(ctx, at, id)
			return s.failed(fmt.Errorf("the SQL statement took longer than %s, and was cancelled", statementTime))
		}
		r, err := s.at(at, routeStatement, id)
		if err == nil {
			err = sleep(ctx, wait)
		}
		if err == nil {
			*row = statementRow{}
			_, err = s.fetch(ctx, r, row)
		}
		if err != nil {
			s.cancel(ctx, at, id)
			return err
		}
	}
}

// cancel asks to stop a statement, though the context may be over. Whether that was heard is not waited for.
//
// https://docs.databricks.com/api/workspace/statementexecution/cancelexecution
func (s *Session) cancel(ctx context.Context, at identity.Workspace, id string) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer done()
	r, err := s.at(at, routeStatementCancel, id)
	if err != nil {
		return
	}
	r.body = struct{}{}
	var nothing struct{}
	_, _ = s.fetch(ctx, r, &nothing) // an empty answer is a good one; of any other there is nobody left to tell
}

// stopped makes the failure of a statement that ended otherwise than well.
func (s *Session) stopped(row statementRow) *identity.Failure {
	f := &identity.Failure{Kind: identity.Failed, Message: "the SQL statement ended as " + firstNonEmpty(row.Status.State, "nothing that was told")}
	e := row.Status.Error
	if e == nil {
		f.Message = s.account.scrub.line(f.Message)
		return f
	}
	f.Code = s.account.scrub.line(e.Code)
	f.Message = s.account.scrub.line("the SQL statement failed: " + firstNonEmpty(e.Message, e.Code, "no explanation"))
	// https://docs.databricks.com/aws/en/error-messages/sqlstates
	switch class := e.Message; {
	case row.Status.SQLState == "42501" || strings.Contains(class, "INSUFFICIENT_PERMISSIONS") || strings.Contains(class, "PERMISSION_DENIED"):
		f.Kind = identity.Forbidden
	case row.Status.SQLState == "42P01" || strings.Contains(class, "TABLE_OR_VIEW_NOT_FOUND") || strings.Contains(class, "SCHEMA_NOT_FOUND"):
		f.Kind = identity.NotFound
	}
	return f
}

// result reads every chunk of the result of a statement that succeeded.
func (s *Session) result(ctx context.Context, at identity.Workspace, row statementRow) (table, error) {
	if row.Manifest == nil {
		return table{}, s.failed(fmt.Errorf("%s: the answer has no manifest", routeStatements))
	}
	var t table
	for _, c := range row.Manifest.Schema.Columns {
		t.columns = append(t.columns, c.Name)
	}
	// What is called the first chunk comes with the status. Where another one begins is not told reliably:
	// a next index of zero and a missing one look alike. How many there are is.
	first := -1
	if row.Result != nil {
		first = row.Result.Index
		t.rows = row.Result.Rows
	}
	for i := range row.Manifest.Chunks {
		if i == first {
			continue
		}
		r, err := s.at(at, routeStatementChunk, row.ID, strconv.Itoa(i))
		if err != nil {
			return t, err
		}
		var chunk statementChunk
		if _, err := s.fetch(ctx, r, &chunk); err != nil {
			return t, partly(t.rows, err)
		}
		t.rows = append(t.rows, chunk.Rows...)
	}
	switch told := row.Manifest.Rows; {
	case row.Manifest.Truncated:
		return t, incomplete("the result of the SQL statement was cut after %d rows", len(t.rows))
	case told != nil && *told != len(t.rows):
		return t, incomplete("the result of the SQL statement has %d rows, of which %d came", *told, len(t.rows))
	}
	for _, r := range t.rows {
		if len(r) != len(t.columns) {
			return table{}, s.failed(fmt.Errorf("%s: a row has %d values for %d columns", routeStatements, len(r), len(t.columns)))
		}
	}
	return t, nil
}
