package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"
)

// store is the database under a ledger, and all that differs between the two engines.
type store struct {
	name     string // for people, without a password
	writes   *sql.DB
	reads    *sql.DB
	readOnly bool
	clock    func() time.Time // nil: the server's
	// now is the expression that gives the time in microseconds; $1 is what clock said, or NULL.
	now    string
	engine engine
	// prepared is nil where the driver keeps statements prepared by itself.
	prepared *statements
	closed   []io.Closer // in the order in which they are to be closed
}

// engine is what an engine must say of itself.
type engine interface {
	// explain gives an error of this package for one of the engine's, if there is one that fits; else nil.
	explain(name string, err error) error
	// again says that the transaction only met another one.
	again(err error) bool
	// fatal says that it is not known what the disk holds after this error.
	fatal(err error) bool
	// keys gives the keys, if they were not given.
	keys(fresh bool) (Keys, error)
	// alone says that no other process can write.
	alone() bool
	// snapshot is how to begin a transaction that sees one moment, and only reads.
	snapshot() *sql.TxOptions
	// vacuum gives the space of deleted rows back, and wipes it.
	vacuum(ctx context.Context, db *sql.DB) error
}

func openStore(ctx context.Context, o Options) (*store, error) {
	if isPostgres(o.Location) {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o)
}

func (s *store) keys(o Options, fresh bool) (Keys, error) {
	if len(o.Keys.ring) > 0 {
		return o.Keys, nil
	}
	return s.engine.keys(fresh && !o.ReadOnly)
}

// in gives the statements of a transaction.
func (s *store) in(tx *sql.Tx) querier {
	if s.prepared == nil {
		return tx
	}
	return preparedTx{tx, s.prepared}
}

func (s *store) alone() bool { return s.engine.alone() }

// explain says what was being done when an error came, in the words of this package where they fit.
func (s *store) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if known := s.engine.explain(s.name, err); known != nil {
		return known
	}
	return fmt.Errorf("ledger %s: %s: %w", s.name, doing, err)
}

func (s *store) again(err error) bool { return s.engine.again(err) }

func (s *store) fatal(err error) bool { return s.engine.fatal(err) }

func (s *store) close() error {
	var errs []error
	for _, c := range s.closed {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
