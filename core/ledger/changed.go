package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// touching are the states of plans by which something in the account was or may have been changed. A plan that is Applying, or is
// being taken back, changes it now.
var touching = []State{Applying, Applied, PartiallyApplied, Failed, UndoPending, Undone, ExpiryOverdue}

// Changed gives the time, by the store's clock, at which the account was last changed by plans of this ledger, whichever process
// carried them out; zero if it never was. Now says that one is being carried out or taken back, so that no time is the last.
func (r reader) Changed(ctx context.Context) (at time.Time, now bool, err error) {
	var in []string
	args := []any{string(Applying), string(UndoPending)}
	for _, s := range touching {
		args = append(args, string(s))
		in = append(in, fmt.Sprintf("$%d", len(args)))
	}
	type change struct{ at, now int64 }
	found, err := rows(ctx, r, "find when the account was last changed",
		`SELECT COALESCE(MAX(updated_at), 0), COALESCE(SUM(CASE WHEN state IN ($1, $2) THEN 1 ELSE 0 END), 0) FROM plans WHERE state IN (`+strings.Join(in, ", ")+`)`,
		args, func(row *sql.Rows) (c change, err error) { return c, row.Scan(&c.at, &c.now) })
	if err != nil || len(found) == 0 {
		return time.Time{}, false, err
	}
	return instant(found[0].at), found[0].now > 0, nil
}
