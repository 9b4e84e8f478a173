package ledger

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strings"

	"github.com/pressly/goose/v3"
)

// The migrations go forward only, each in one transaction. A change of the tables is a new file and a new
// entry here; what was once released is never edited.
//
//go:embed migrations/00001_ledger.sql
var ledger1 string

//go:embed migrations/00002_cards.sql
var cards2 string

//go:embed migrations/00003_target.sql
var target3 string

//go:embed migrations/00004_slack.sql
var slack4 string

// migrations gives all migrations in the words of an engine.
func migrations(dialect *strings.Replacer) []*goose.Migration {
	var list []*goose.Migration
	for _, m := range []struct {
		version int64
		text    string
	}{{1, ledger1}, {2, cards2}, {3, target3}, {4, slack4}} {
		list = append(list, goose.NewGoMigration(m.version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, dialect.Replace(m.text))
			return err
		}}, nil))
	}
	return list
}

// migrate brings the tables to what this program knows. Before it changes tables that hold something it has
// them copied.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, words *strings.Replacer, copyAway func(version int64) error) error {
	provider, err := goose.NewProvider(dialect, db, nil,
		goose.WithTableName("ledger_version"), goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(migrations(words)...))
	if err != nil {
		return fmt.Errorf("prepare the migrations: %w", err)
	}
	has, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	switch {
	case has == newest:
		return nil
	case has > newest:
		return &RefusedError{What: "open the ledger", Why: fmt.Sprintf("its tables are of version %d, and this program knows them up to %d: use the newer program", has, newest)}
	case has > 0:
		if err := copyAway(has); err != nil {
			return fmt.Errorf("copy the ledger before its tables are changed: %w", err)
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the tables to version %d: %w", newest, err)
	}
	return nil
}
