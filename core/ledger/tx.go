package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Tx is one transaction of the ledger: see Ledger.Do. It reads what it wrote. It is for one goroutine.
type Tx struct {
	reader
	ctx  context.Context
	l    *Ledger
	head head
	rows int // audit rows of this transaction
}

// head is the one row that says where the audit trail stands.
type head struct {
	chain     []byte
	account   string
	firstSeq  int64
	firstPrev Hash
	seq       int64
	hash      Hash
	at        int64
	clock     int64
	halt      string
	seal      seal
}

// clockJump is how far the store's clock may go back before it is taken for a mistake. Clocks are set
// a little all the time.
const clockJump = 2 * time.Second

const headColumns = `chain, account, first_seq, first_prev, seq, hash, at, clock, halt, key_id, mac`

func (h *head) scan(row interface{ Scan(...any) error }, more ...any) error {
	var prev, hash []byte
	if err := row.Scan(append([]any{&h.chain, &h.account, &h.firstSeq, &prev, &h.seq, &hash, &h.at, &h.clock, &h.halt, &h.seal.keyID, &h.seal.mac}, more...)...); err != nil {
		return err
	}
	copy(h.firstPrev[:], prev)
	copy(h.hash[:], hash)
	return nil
}

func (h *head) fields() []any {
	return []any{h.chain, h.account, h.firstSeq, h.firstPrev[:], h.seq, h.hash[:], h.at, h.halt}
}

func (h *head) check(keys Keys) error {
	return keys.check(h.seal, "the head of the audit trail", "head", h.fields()...)
}

func (s *store) head(ctx context.Context, q querier) (head, error) {
	var h head
	err := h.scan(q.QueryRowContext(ctx, `SELECT `+headColumns+` FROM head WHERE id = 1`))
	return h, err
}

// genesis makes the head and the first row of the trail. If another process was faster, that one's stand.
func (l *Ledger) genesis(ctx context.Context, o Options) error {
	chain := make([]byte, 16)
	_, _ = rand.Read(chain)
	db, err := l.store.writes.BeginTx(ctx, nil)
	if err != nil {
		return l.store.explain("begin the ledger", err)
	}
	defer func() { _ = db.Rollback() }()
	h := head{chain: chain, account: o.Account, firstSeq: 1}
	h.seal = l.keys.seal("head", h.fields()...)
	result, err := db.ExecContext(ctx, `INSERT INTO head (id, chain, account, first_seq, first_prev, seq, hash, at, clock, turns, halt, key_id, mac)
		VALUES (1, $1, $2, 1, $3, 0, $3, 0, 0, 0, '', $4, $5) ON CONFLICT (id) DO NOTHING`,
		h.chain, h.account, h.hash[:], h.seal.keyID, h.seal.mac)
	if err != nil {
		return l.store.explain("begin the ledger", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	tx := &Tx{ctx: ctx, l: l, reader: reader{q: db, store: l.store, keys: l.keys, account: o.Account}}
	if err := tx.open(); err != nil {
		return err
	}
	if err := tx.append(Event{Event: EventGenesis, Account: o.Account, Chain: hex.EncodeToString(chain)}); err != nil {
		return err
	}
	if err := tx.seal(); err != nil {
		return err
	}
	if err := db.Commit(); err != nil {
		return l.store.explain("begin the ledger", err)
	}
	return nil
}

// open takes the head row, which nobody else can then have until the transaction ends, and the time.
func (tx *Tx) open() error {
	var given any // the time by Options.Clock
	if tx.store.clock != nil {
		given = tx.store.clock().UnixMicro()
	}
	var clock int64
	err := tx.head.scan(tx.q.QueryRowContext(tx.ctx, `UPDATE head SET turns = turns + 1 WHERE id = 1
		RETURNING `+headColumns+`, `+tx.store.now, given), &clock)
	if err != nil {
		return tx.store.explain("take the head of the ledger", err)
	}
	if err := tx.head.check(tx.keys); err != nil {
		return err
	}
	back := tx.head.clock - clock
	tx.head.clock = clock
	// What has run out stays so: the ledger's time does not go back with the clock.
	tx.head.at = max(tx.head.at, clock)
	if back > clockJump.Microseconds() {
		tx.l.log.Warn("the store's clock went back", slog.Duration("by", time.Duration(back)*time.Microsecond))
		if err := tx.append(Event{Event: EventClockBack, Detail: map[string]string{"by": (time.Duration(back) * time.Microsecond).String()}}); err != nil {
			return err
		}
		return tx.dropLeases("the clock went back")
	}
	return nil
}

// seal writes the head as the transaction leaves it.
func (tx *Tx) seal() error {
	tx.head.seal = tx.keys.seal("head", tx.head.fields()...)
	h := &tx.head
	_, err := tx.q.ExecContext(tx.ctx, `UPDATE head SET first_seq = $1, first_prev = $2, seq = $3, hash = $4, at = $5, clock = $6, halt = $7, key_id = $8, mac = $9 WHERE id = 1`,
		h.firstSeq, h.firstPrev[:], h.seq, h.hash[:], h.at, h.clock, h.halt, h.seal.keyID, h.seal.mac)
	if err != nil {
		return tx.store.explain("write the head of the ledger", err)
	}
	return nil
}

// Now is the time of the transaction, by the store's clock. It never goes back.
func (tx *Tx) Now() time.Time { return instant(tx.head.at) }

// Record adds a row to the audit trail that is of no change of the ledger: a refusal, a report that somebody
// read. Event is a name in lower case; the names of the ledger's own events are refused.
func (tx *Tx) Record(event Event) error {
	switch event.Event {
	case EventGenesis, EventPlanCreated, EventPlanMoved, EventVoted, EventVoteWithdrawn, EventVoteJudged, EventIntent, EventOutcome, EventLeaseTaken, EventLeaseDropped,
		EventElevationTaken, EventElevationJoined, EventElevationLeft, EventElevationRestored, EventPinned, EventUnpinned, EventHalted, EventResumed, EventPurged, EventRestored, EventClockBack, EventChannelShared:
		return &RefusedError{What: "record " + event.Event, Why: "only the ledger writes this event"}
	case "":
		return &RefusedError{What: "record an event", Why: "it has no name"}
	}
	return tx.append(event)
}

// append adds a row to the audit trail, at the time of the transaction.
func (tx *Tx) append(event Event) error {
	event.At = Time{tx.Now()}
	body, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("write %s to the audit trail: %w", event.Event, err)
	}
	prev := tx.head.hash
	tx.head.seq++
	tx.head.hash = link(tx.head.chain, tx.head.seq, prev, body)
	tx.rows++
	proof := tx.keys.seal("audit", tx.head.hash[:])
	return tx.exec("write to the audit trail", `INSERT INTO audit (seq, prev, hash, plan, body, key_id, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		tx.head.seq, prev[:], tx.head.hash[:], event.Plan, string(body), proof.keyID, proof.mac)
}

// exec runs a statement that changes something; doing says what for.
func (tx *Tx) exec(doing, query string, args ...any) error {
	if err := storable(doing, args); err != nil {
		return err
	}
	if _, err := tx.q.ExecContext(tx.ctx, query, args...); err != nil {
		return tx.store.explain(doing, err)
	}
	return nil
}

// storable refuses texts that one of the engines would not take.
func storable(doing string, args []any) error {
	for _, a := range args {
		if text, is := a.(string); is && text != plain(text) {
			return &RefusedError{What: doing, Why: fmt.Sprintf("%q is no text", text)}
		}
	}
	return nil
}

// plain makes a text for people one that can be stored: in UTF-8, and without NUL.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
