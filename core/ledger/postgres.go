package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

var postgresWords = strings.NewReplacer("INTEGER", "BIGINT", "BLOB", "BYTEA", ") STRICT;", ");")

// idleLimit is how long a transaction may wait for this process, which does nothing in one but compute.
const idleLimit = 5 * time.Second

// openPostgres opens a ledger in the schema that is first on the search path of the address.
func openPostgres(ctx context.Context, o Options) (*store, error) {
	config, err := pgx.ParseConfig(o.Location)
	if err != nil {
		// The text of the error may quote the address, and with it a password.
		return nil, &RefusedError{What: "open the ledger in PostgreSQL", Why: "its address cannot be read: it is of the form postgres://USER@HOST/DATABASE"}
	}
	s := &store{
		name:     fmt.Sprintf("postgres://%s:%d/%s", config.Host, config.Port, config.Database),
		clock:    o.Clock,
		readOnly: o.ReadOnly,
		engine:   postgresEngine{},
		// clock_timestamp, and not now: the transaction may have waited for the head row.
		now: `COALESCE(CAST($1 AS BIGINT), (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT)`,
	}
	config.RuntimeParams["application_name"] = "databricks-access-audit"
	// What is committed is on disk, whatever the server's default is.
	config.RuntimeParams["synchronous_commit"] = "on"
	config.RuntimeParams["default_transaction_isolation"] = "read committed"
	// A process that stands still in a transaction holds the head row: without this, for all others until it goes on or its machine is
	// given up. https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT
	config.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(idleLimit.Milliseconds(), 10)
	if o.ReadOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s.writes, s.reads = db, db
	s.closed = append(s.closed, db)
	if err := s.connectPostgres(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) connectPostgres(ctx context.Context, o Options) error {
	if err := s.writes.PingContext(ctx); err != nil {
		return s.explain("connect", err)
	}
	if o.ReadOnly {
		var there bool
		if err := s.reads.QueryRowContext(ctx, `SELECT to_regclass('ledger_version') IS NOT NULL`).Scan(&there); err != nil {
			return s.explain("connect", err)
		}
		if !there {
			return &NotFoundError{What: "ledger", ID: s.name}
		}
		return s.known(ctx)
	}
	// Replicas may start at the same moment: one prepares the tables, the others wait.
	turn, err := s.writes.Conn(ctx)
	if err != nil {
		return s.explain("prepare the tables", err)
	}
	defer func() { _ = turn.Close() }()
	const name = `hashtextextended('databricks-access-audit ' || current_schema(), 0)`
	if _, err := turn.ExecContext(ctx, `SELECT pg_advisory_lock(`+name+`)`); err != nil {
		return s.explain("prepare the tables", err)
	}
	defer func() {
		// If this fails so did the connection, and the lock is gone with it.
		_, _ = turn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+name+`)`)
	}()
	err = migrate(ctx, s.writes, goose.DialectPostgres, postgresWords, func(version int64) error {
		return &RefusedError{What: fmt.Sprintf("bring the ledger %s from version %d up to date", s.name, version), Why: "take a backup with pg_dump first, and say where it is"}
	})
	return s.explain("prepare the tables", err)
}

type postgresEngine struct{}

func (postgresEngine) explain(name string, err error) error {
	e, is := errors.AsType[*pgconn.PgError](err)
	if is && (e.Code == "XX001" || e.Code == "XX002") { // data_corrupted, index_corrupted
		return &CorruptError{Store: name, Why: e.Message}
	}
	if c, is := errors.AsType[*pgconn.ConnectError](err); is {
		return fmt.Errorf("ledger %s: connect: %w", name, c.Unwrap())
	}
	return nil
}

// again is true where PostgreSQL says that the transaction is to be run again: serialization_failure and
// deadlock_detected, https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
func (postgresEngine) again(err error) bool {
	e, is := errors.AsType[*pgconn.PgError](err)
	return is && (e.Code == "40001" || e.Code == "40P01")
}

// fatal is false: the server, and not this process, keeps the files, and stops by itself when a sync fails.
func (postgresEngine) fatal(error) bool { return false }

func (postgresEngine) keys(bool) (Keys, error) {
	return Keys{}, &KeyError{Why: "a ledger in PostgreSQL needs one that all replicas share: give it in a file"}
}

func (postgresEngine) alone() bool { return false }

func (postgresEngine) snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

func (postgresEngine) vacuum(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "VACUUM")
	return err
}
