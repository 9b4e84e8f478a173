package ledger

import (
	"context"
	"database/sql"
)

// Counts are how much of what the ledger holds, for those who watch it. They are read without checking the rows, and prove nothing.
type Counts struct {
	// Plans is how many plans are in each state. All states are there.
	Plans map[State]int64
	// Steps is how many attempts at steps ended with each result. All results are there. It goes back when plans are purged.
	Steps map[Result]int64
	// Unsent is how many posts are not known to have arrived.
	Unsent int64
}

// Counts counts. What is of a state or result that this program does not know is left out.
func (r reader) Counts(ctx context.Context) (Counts, error) {
	c := Counts{Plans: map[State]int64{}, Steps: map[Result]int64{}}
	for _, s := range States() {
		c.Plans[s] = 0
	}
	for _, s := range []Result{Done, Already, StepFailed, Unknown, StepRefused} {
		c.Steps[s] = 0
	}
	type count struct {
		of string
		n  int64
	}
	for _, q := range []struct {
		query string
		put   func(count)
	}{
		{`SELECT state, COUNT(*) FROM plans GROUP BY state`, func(x count) { known(c.Plans, State(x.of), x.n) }},
		{`SELECT result, COUNT(*) FROM intents GROUP BY result`, func(x count) { known(c.Steps, Result(x.of), x.n) }},
		{`SELECT '', COUNT(*) FROM outbox WHERE sent_at = 0`, func(x count) { c.Unsent = x.n }},
	} {
		list, err := rows(ctx, r, "count what is in the ledger", q.query, nil, func(row *sql.Rows) (x count, err error) {
			return x, row.Scan(&x.of, &x.n)
		})
		if err != nil {
			return Counts{}, err
		}
		for _, x := range list {
			q.put(x)
		}
	}
	return c, nil
}

// known sets a count that is there.
func known[K comparable](counts map[K]int64, key K, n int64) {
	if _, is := counts[key]; is {
		counts[key] = n
	}
}
