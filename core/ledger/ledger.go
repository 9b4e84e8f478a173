package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// Memory is the location of a ledger that is gone when it is closed. It runs the same statements on the same
// engine as a file does, and is there for tests and simulations.
const Memory = ":memory:"

// Options say which ledger to open, and how.
type Options struct {
	// Location is the path of a SQLite file, the address of a PostgreSQL database (postgres://…), or Memory.
	// The folder of a file is made if it is not there; it must be its owner's alone.
	Location string
	// Account is the Databricks account that the ledger is of. A ledger is of one account, and refuses to be
	// opened for another. Empty takes the account that an existing ledger is of; a new one needs it.
	Account string
	// Keys prove the rows. If they are not given, a file's are read from beside it (KeyFile), where they
	// are made with a new ledger; PostgreSQL must be given them.
	Keys Keys
	// ReadOnly takes no lock and writes nothing.
	ReadOnly bool
	// Clock is the store's clock. Nil is the machine's for a file, and the server's for PostgreSQL.
	Clock func() time.Time
	// Anchors is where heads of the audit trail are kept, outside the store. Nil keeps none.
	Anchors AnchorSink
	// Backups is the folder that a copy goes to before the tables are changed by a newer program. Empty is the
	// folder of the file; for PostgreSQL it must be given when there is something to change.
	Backups string
	// Log gets warnings. Nil discards them.
	Log *slog.Logger
}

// Ledger is an open ledger. Its methods may be called concurrently.
type Ledger struct {
	reader
	store   *store
	account string
	chain   []byte
	log     *slog.Logger
	anchors anchors

	mu     sync.Mutex
	failed error // a write of which it is not known what the disk holds
}

// Open opens a ledger, and makes it if it is not there (unless it is to be read only: then it gives a
// NotFoundError). It gives a BusyError if another process writes to the file, a CorruptError or a
// TamperedError if it is not what a ledger wrote, a KeyError or an ExposedError if it is not safe to use.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	l := &Ledger{store: s, log: o.Log}
	l.reader = reader{q: s.reads, store: s}
	if err := l.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return l, nil
}

// start makes the first row of a new ledger, and checks the head of an old one.
func (l *Ledger) start(ctx context.Context, o Options) error {
	h, err := l.store.head(ctx, l.store.reads)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return l.store.explain("read the head of the ledger", err)
	}
	if fresh && o.ReadOnly {
		return &NotFoundError{What: "ledger", ID: l.store.name}
	}
	keys, err := l.store.keys(o, fresh)
	if err != nil {
		return err
	}
	l.keys = keys
	if fresh {
		if o.Account == "" {
			return &RefusedError{What: "make the ledger " + l.store.name, Why: "it is not said of which account it is"}
		}
		// Another replica may make it at the same moment: the head row can be inserted once.
		if err := l.genesis(ctx, o); err != nil {
			return err
		}
		if h, err = l.store.head(ctx, l.store.reads); err != nil {
			return l.store.explain("read the head of the ledger", err)
		}
	}
	if err := h.check(keys); err != nil {
		return err
	}
	if o.Account != "" && o.Account != h.account {
		return &RefusedError{What: "open the ledger " + l.store.name, Why: fmt.Sprintf("it is of account %s, not of %s: choose another with --ledger", h.account, o.Account)}
	}
	l.account, l.chain = h.account, h.chain
	l.reader.account = h.account
	if o.ReadOnly {
		return nil
	}
	if err := l.anchors.start(ctx, l, o.Anchors, h); err != nil {
		return err
	}
	if l.store.alone() {
		// Whoever held a lease is gone: this process holds the file. What it fenced stays fenced.
		return l.Do(ctx, func(tx *Tx) error { return tx.dropLeases("the process that held it is gone") })
	}
	return nil
}

// Account is the Databricks account that the ledger is of.
func (l *Ledger) Account() string { return l.account }

// Location says which ledger it is, without a password.
func (l *Ledger) Location() string { return l.store.name }

// Close anchors the head of the trail and lets the store go.
func (l *Ledger) Close() error {
	err := l.anchors.close(l)
	return errors.Join(err, l.store.close())
}

// Do runs one transaction. When it returns nil all that was done in it is on disk; when it returns an error
// nothing of it is. The function may be run more than once (PostgreSQL asks for that when transactions meet),
// so it must have no effect but on the transaction and on variables that it sets anew each time. It must not use
// the Ledger, which would wait for itself.
func (l *Ledger) Do(ctx context.Context, f func(tx *Tx) error) error {
	if err := l.failure(); err != nil {
		return err
	}
	if l.store.readOnly {
		return &RefusedError{What: "write to " + l.store.name, Why: "it was opened to be read"}
	}
	if err := l.anchors.ready(ctx, l); err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		head, err := l.once(ctx, f)
		if err == nil {
			return l.anchors.passed(ctx, l, head)
		}
		if !l.store.again(err) || attempt >= 20 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt+1) * 2 * time.Millisecond):
		}
	}
}

func (l *Ledger) once(ctx context.Context, f func(tx *Tx) error) (head, error) {
	db, err := l.store.writes.BeginTx(ctx, nil)
	if err != nil {
		return head{}, l.hurt(l.store.explain("begin a write", err))
	}
	tx := &Tx{ctx: ctx, l: l, reader: reader{q: l.store.in(db), store: l.store, keys: l.keys, account: l.account}}
	err = tx.open()
	if err == nil {
		err = f(tx)
	}
	if err == nil {
		err = tx.seal()
	}
	if err != nil {
		// A rollback that fails leaves nothing behind either: the connection is dropped, and the store undoes it.
		_ = db.Rollback()
		return head{}, l.hurt(err)
	}
	if err := db.Commit(); err != nil {
		return head{}, l.hurt(l.store.explain("commit", err))
	}
	if l.store.prepared != nil {
		l.store.prepared.prepare(ctx, l.store.writes)
	}
	return tx.head, nil
}

// hurt remembers an error after which it is not known what the disk holds.
func (l *Ledger) hurt(err error) error {
	if l.store.fatal(err) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.failed == nil {
			l.failed = &FailedError{Cause: err}
		}
	}
	return err
}

func (l *Ledger) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// querier is a database, or a transaction in it.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reader answers questions, in a transaction or outside of one.
type reader struct {
	q       querier
	store   *store
	keys    Keys
	account string
}

// holder says who holds the file, for whoever finds it held.
func holder(now time.Time) string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, now.UTC().Format(time.RFC3339))
}

func isPostgres(location string) bool {
	return strings.HasPrefix(location, "postgres://") || strings.HasPrefix(location, "postgresql://")
}
