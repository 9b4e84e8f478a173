package ledger

import (
	"context"
	"database/sql"
)

// Card is the message by which a plan is shown to those who vote on it, so that it can be found and brought up to date. It is for
// display: nothing that a card says decides anything.
type Card struct {
	Plan        string
	Channel, TS string
	// Shown is the edition of the plan that the message shows: see Edition.
	Shown int64
	// Closed says that no edition will follow.
	Closed bool
	// Reminded says that people were told once more that the plan waits.
	Reminded bool
}

// Edition is a number that grows with each change of a plan that people are to see: of its state, and of the votes.
func Edition(version int64, votes []Vote) int64 {
	n := version + int64(len(votes))
	for _, v := range votes {
		if !v.Stands() {
			n++
		}
	}
	return n
}

// PutCard stores a card in place of the plan's earlier one. What is shown does not go back: of two editions the later stays.
func (tx *Tx) PutCard(c Card) error {
	what := "keep the card of plan " + c.Plan
	if c.Plan == "" || c.Channel == "" || c.TS == "" {
		return &RefusedError{What: what, Why: "it needs a plan, a channel and a message"}
	}
	return tx.exec(what, `INSERT INTO cards (plan, channel, ts, shown, closed, reminded) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (plan) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, closed = CASE WHEN cards.closed > excluded.closed THEN cards.closed ELSE excluded.closed END,
		shown = CASE WHEN cards.shown > excluded.shown THEN cards.shown ELSE excluded.shown END,
		reminded = CASE WHEN cards.reminded > excluded.reminded THEN cards.reminded ELSE excluded.reminded END`,
		c.Plan, c.Channel, c.TS, c.Shown, number(c.Closed), number(c.Reminded))
}

func number(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// Card gives the card of a plan, or a NotFoundError.
func (r reader) Card(ctx context.Context, plan string) (Card, error) {
	return r.card(ctx, plan, `WHERE plan = $1`, plan)
}

// CardAt gives the card that is a message, or a NotFoundError.
func (r reader) CardAt(ctx context.Context, channel, ts string) (Card, error) {
	return r.card(ctx, channel+"/"+ts, `WHERE channel = $1 AND ts = $2`, channel, ts)
}

// OpenCards lists the cards that are not closed.
func (r reader) OpenCards(ctx context.Context) ([]Card, error) {
	return r.cards(ctx, `WHERE closed = 0 ORDER BY plan`)
}

func (r reader) card(ctx context.Context, name, clause string, args ...any) (Card, error) {
	list, err := r.cards(ctx, clause, args...)
	if err != nil {
		return Card{}, err
	}
	if len(list) == 0 {
		return Card{}, &NotFoundError{What: "card", ID: name}
	}
	return list[0], nil
}

func (r reader) cards(ctx context.Context, clause string, args ...any) ([]Card, error) {
	return rows(ctx, r, "read the cards", `SELECT plan, channel, ts, shown, closed, reminded FROM cards `+clause, args, func(row *sql.Rows) (Card, error) {
		var c Card
		var closed, reminded int64
		err := row.Scan(&c.Plan, &c.Channel, &c.TS, &c.Shown, &closed, &reminded)
		c.Closed, c.Reminded = closed != 0, reminded != 0
		return c, err
	})
}

// KeepShowing stores what people are to be shown of a plan: what would come of it is known when it is made, and not part of what is
// kept of it. As with a card, nothing is decided by it. What was kept before stays.
func (tx *Tx) KeepShowing(plan string, body []byte) error {
	if plan == "" || len(body) == 0 {
		return &RefusedError{What: "keep what is shown of a plan", Why: "it needs a plan and a body"}
	}
	return tx.exec("keep what is shown of plan "+plan, `INSERT INTO showings (plan, body) VALUES ($1, $2) ON CONFLICT (plan) DO NOTHING`, plan, body)
}

// Showing gives what KeepShowing stored, or a NotFoundError.
func (r reader) Showing(ctx context.Context, plan string) ([]byte, error) {
	list, err := rows(ctx, r, "read what is shown of plan "+plan, `SELECT body FROM showings WHERE plan = $1`, []any{plan}, func(row *sql.Rows) (body []byte, err error) {
		return body, row.Scan(&body)
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &NotFoundError{What: "showing of plan", ID: plan}
	}
	return list[0], nil
}
