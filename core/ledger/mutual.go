package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Mutual counts how often, at a time or later, a approved what b had asked for, and b what a had. Votes that were withdrawn do not
// count. The seals of the votes are not checked: nothing is decided by these numbers.
func (r reader) Mutual(ctx context.Context, a, b string, since time.Time) (byA, byB int, err error) {
	type count struct {
		voter string
		votes int
	}
	counts, err := rows(ctx, r, fmt.Sprintf("count how often %s and %s approved each other's plans", a, b),
		`SELECT v.voter_id, COUNT(*) FROM votes v JOIN plans p ON p.id = v.plan
		WHERE v.at >= $1 AND v.decision = $2 AND v.withdrawn_at = 0 AND (v.voter_id = $3 AND p.requester_id = $4 OR v.voter_id = $4 AND p.requester_id = $3)
		GROUP BY v.voter_id`,
		[]any{micros(since), string(Approve), a, b}, func(row *sql.Rows) (c count, err error) {
			return c, row.Scan(&c.voter, &c.votes)
		})
	if err != nil {
		return 0, 0, err
	}
	for _, c := range counts {
		switch c.voter {
		case a:
			byA = c.votes
		case b:
			byB = c.votes
		}
	}
	return byA, byB, nil
}
