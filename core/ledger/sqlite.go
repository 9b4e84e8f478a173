package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// applicationID marks a SQLite file as a ledger: https://www.sqlite.org/pragma.html#pragma_application_id
const applicationID = 0x61636c67

var sqliteWords = strings.NewReplacer() // the migrations are written for SQLite

// openSQLite opens a file, or a database in memory.
//
// Every commit is synced (synchronous=FULL in WAL mode: https://www.sqlite.org/pragma.html#pragma_synchronous), what is
// deleted is overwritten, and one connection writes while others read.
func openSQLite(ctx context.Context, o Options) (*store, error) {
	s := &store{name: o.Location, clock: o.Clock, now: `CAST($1 AS INTEGER)`, readOnly: o.ReadOnly}
	if s.clock == nil {
		s.clock = time.Now
	}
	if o.Location == Memory {
		s.engine = sqliteEngine{memory: true}
		return s, s.connect(ctx, o, "file::memory:", "")
	}
	path, err := filepath.Abs(o.Location)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", o.Location, err)
	}
	f, err := openFolder(path, o.ReadOnly, s.clock())
	if err != nil {
		return nil, err
	}
	s.engine = sqliteEngine{folder: f}
	backups := o.Backups
	if backups == "" {
		backups = filepath.Dir(path)
	}
	if err := s.connect(ctx, o, (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), backups); err != nil {
		return nil, errors.Join(err, s.close(), f.Close())
	}
	s.closed = append(s.closed, f)
	return s, nil
}

func (s *store) connect(ctx context.Context, o Options, address, backups string) error {
	pragmas := func(begin string, list ...string) string {
		q := url.Values{"_txlock": {begin}, "_defensive": {"1"}}
		for _, p := range append([]string{"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)", "cell_size_check(1)", "secure_delete(1)"}, list...) {
			q.Add("_pragma", p)
		}
		return address + "?" + q.Encode()
	}
	open := func(dsn string, connections int) (*sql.DB, error) {
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil, fmt.Errorf("ledger %s: %w", s.name, err)
		}
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		s.closed = append(s.closed, db)
		return db, nil
	}
	var err error
	if s.readOnly {
		if s.reads, err = open(pragmas("deferred", "query_only(1)"), 4); err != nil {
			return err
		}
		s.writes = s.reads
		if err := s.whole(ctx); err != nil {
			return err
		}
		return s.known(ctx)
	}
	s.prepared = newStatements()
	s.closed = append(s.closed, s.prepared)
	if s.writes, err = open(pragmas("immediate", "journal_mode(WAL)", "synchronous(FULL)"), 1); err != nil {
		return err
	}
	if s.reads = s.writes; o.Location != Memory {
		if s.reads, err = open(pragmas("deferred", "query_only(1)"), 4); err != nil {
			return err
		}
		if err := s.whole(ctx); err != nil {
			return err
		}
	}
	// Before there are tables: a file with tables and without the mark is somebody else's.
	if _, err = s.writes.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return s.explain("mark the file", err)
	}
	err = migrate(ctx, s.writes, goose.DialectSQLite3, sqliteWords, func(version int64) error {
		name := fmt.Sprintf("%s.version-%d.%s", filepath.Base(s.name), version, s.clock().UTC().Format("20060102T150405"))
		_, err := s.writes.ExecContext(ctx, `VACUUM INTO $1`, filepath.Join(backups, name))
		return err
	})
	return s.explain("prepare the tables", err)
}

// whole checks that a file is a ledger, and an undamaged one.
func (s *store) whole(ctx context.Context) error {
	var id, tables int
	if err := s.reads.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return s.explain("open", err)
	}
	if err := s.reads.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return s.explain("open", err)
	}
	if id != applicationID && tables > 0 {
		return &CorruptError{Store: s.name, Why: "it is a database, but not a ledger"}
	}
	var verdict string
	if err := s.reads.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return s.explain("check", err)
	}
	if verdict != "ok" {
		return &CorruptError{Store: s.name, Why: verdict}
	}
	return nil
}

// known checks that the tables of a ledger that is only read are those of this program.
func (s *store) known(ctx context.Context) error {
	var version int
	if err := s.reads.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM ledger_version").Scan(&version); err != nil {
		return s.explain("read the version of the tables", err)
	}
	if want := len(migrations(sqliteWords)); version != want {
		return &RefusedError{What: "read the ledger " + s.name, Why: fmt.Sprintf("its tables are of version %d, and this program reads version %d: open it with the program that wrote it, or bring it up to date by any command that writes", version, want)}
	}
	return nil
}

type sqliteEngine struct {
	memory bool
	folder *folder
}

func (sqliteEngine) explain(name string, err error) error {
	e, is := errors.AsType[*sqlite.Error](err)
	if !is {
		return nil
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return &CorruptError{Store: name, Why: e.Error()}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &BusyError{What: name, Holder: "another program"}
	}
	return nil
}

// again is false: one connection writes, so that transactions never meet.
func (sqliteEngine) again(error) bool { return false }

// fatal is true of errors of reading, writing and syncing: after a failed sync the system may have dropped what it
// was to write, and a second sync would not tell (https://www.sqlite.org/atomiccommit.html).
func (sqliteEngine) fatal(err error) bool {
	if _, is := errors.AsType[*CorruptError](err); is {
		return true
	}
	e, is := errors.AsType[*sqlite.Error](err)
	return is && e.Code()&0xff == sqlite3.SQLITE_IOERR
}

func (e sqliteEngine) keys(fresh bool) (Keys, error) {
	if e.memory {
		return NewKeys(), nil
	}
	return e.folder.keys(fresh)
}

func (e sqliteEngine) alone() bool { return true }

// snapshot needs no more: what a transaction reads in WAL mode is of the moment of its first read.
func (sqliteEngine) snapshot() *sql.TxOptions { return nil }

func (e sqliteEngine) vacuum(ctx context.Context, db *sql.DB) error {
	for _, statement := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
