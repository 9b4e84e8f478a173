package ledger_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// lived is a ledger file with a life behind it, and its keys.
type lived struct {
	file  []byte
	keys  ledger.Keys
	plan  ledger.Plan
	rows  int64
	clock *ledgertest.Clock
	old   []byte // the file as it was some rows before
}

func live(t *testing.T) lived {
	t.Helper()
	clock := ledgertest.NewClock()
	x := lived{keys: ledger.NewKeys(), clock: clock, plan: ledgertest.Plan(clock)}
	path := filepath.Join(t.TempDir(), "own", "ledger.db")
	open := func() *ledger.Ledger {
		l, err := ledger.Open(t.Context(), ledger.Options{Location: path, Account: ledgertest.Account, Keys: x.keys, Clock: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	do := func(f func(tx *ledger.Tx) error) {
		t.Helper()
		if err := l.Do(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	actor := ledger.Actor{ID: "103"}
	lease := ledger.Lease{}
	move := func(to ledger.State) {
		t.Helper()
		do(func(tx *ledger.Tx) error {
			p, err := tx.Move(ledger.Move{Plan: x.plan.ID, From: x.plan.State, Version: x.plan.Version, To: to, Actor: actor, Lease: lease})
			if err == nil {
				x.plan = p
			}
			return err
		})
	}
	do(func(tx *ledger.Tx) (err error) {
		x.plan, err = tx.Create(actor, x.plan)
		return err
	})
	move(ledger.Pending)
	vote := func(who string, d ledger.Decision) {
		do(func(tx *ledger.Tx) error {
			_, err := tx.Vote(actor, ledger.Vote{Plan: x.plan.ID, Voter: ledger.Party{ID: who}, Decision: d, Digest: x.plan.Digest})
			return err
		})
	}
	vote("104", ledger.Approve)
	vote("105", ledger.Reject)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	x.old = read(t, path)
	l = open()
	move(ledger.Approved)
	do(func(tx *ledger.Tx) (err error) {
		lease, err = tx.Acquire(ledger.PlanLease(x.plan.ID), "one", time.Minute)
		return err
	})
	move(ledger.Applying)
	do(func(tx *ledger.Tx) error {
		_, err := tx.Begin(lease, actor, x.plan.ID, "a", []byte(`"NONE"`))
		return err
	})
	do(func(tx *ledger.Tx) error {
		_, err := tx.End(lease, actor, x.plan.ID, "a", 1, ledger.Outcome{Result: ledger.Done, Attribution: ledger.Certain})
		return err
	})
	do(func(tx *ledger.Tx) error {
		_, _, err := tx.Elevate(actor, "workspace/1", "one", []byte("USER"), clock.Now().Add(time.Hour))
		return err
	})
	do(func(tx *ledger.Tx) error {
		_, err := tx.Pin(actor, ledger.Pin{Team: "T1", Member: "U1", Principal: "104"})
		return err
	})
	v, err := l.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x.rows = v.Last
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	x.file = read(t, path)
	return x
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// placed writes bytes as a ledger file of its own.
func placed(t *testing.T, file []byte) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "own")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledger.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// altered gives the path of a copy in which statements were run by somebody who can write to the database.
func (x lived) altered(t *testing.T, statements ...string) string {
	t.Helper()
	path := placed(t, x.file)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// verified opens a ledger and verifies it.
func (x lived) verified(t *testing.T, path string, anchors ...ledger.Anchor) error {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Location: path, ReadOnly: true, Keys: x.keys, Clock: x.clock.Now})
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = l.Verify(t.Context(), anchors...)
	return err
}

// Whatever is done to a row of the trail, the first bad row is named.
func TestA01_TrailTampered(t *testing.T) {
	x := live(t)
	if err := x.verified(t, x.altered(t)); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	first := func(name string, seq int64, statements ...string) {
		t.Helper()
		err := x.verified(t, x.altered(t, statements...))
		if e, is := errors.AsType[*ledger.TamperedError](err); !is || e.Seq != seq {
			t.Errorf("%s: got %v (%T), want row %d named", name, err, err, seq)
		}
	}
	for seq := int64(1); seq <= x.rows; seq++ {
		at := fmt.Sprintf(" WHERE seq = %d", seq)
		for column, value := range map[string]string{
			"body": `replace(body, '"event"', '"event" ')`, "hash": "randomblob(32)", "prev": "randomblob(32)", "mac": "randomblob(32)", "plan": "'p-0000000000'",
		} {
			first(fmt.Sprintf("row %d with another %s", seq, column), seq, `UPDATE audit SET `+column+` = `+value+at)
		}
		first(fmt.Sprintf("row %d with a short hash", seq), seq, `UPDATE audit SET hash = substr(hash, 1, 31)`+at)
		first(fmt.Sprintf("row %d dropped", seq), seq, `DELETE FROM audit`+at)
		first(fmt.Sprintf("cut off before row %d", seq), seq, fmt.Sprintf(`DELETE FROM audit WHERE seq >= %d`, seq))
		twin := seq - 1 // what is put in is a copy of another row
		if seq == 1 {
			twin = 3
		}
		first(fmt.Sprintf("a row put in at %d", seq), seq,
			fmt.Sprintf(`UPDATE audit SET seq = -seq WHERE seq >= %d`, seq), `UPDATE audit SET seq = -seq + 1 WHERE seq < 0`,
			fmt.Sprintf(`INSERT INTO audit SELECT %d, prev, hash, plan, body, key_id, mac FROM audit WHERE seq = %d`, seq, twin))
		if seq < x.rows {
			first(fmt.Sprintf("rows %d and %d changed places", seq, seq+1), seq,
				fmt.Sprintf(`UPDATE audit SET seq = -1 WHERE seq = %d`, seq), fmt.Sprintf(`UPDATE audit SET seq = %d WHERE seq = %d`, seq, seq+1), fmt.Sprintf(`UPDATE audit SET seq = %d WHERE seq = -1`, seq+1))
		}
	}
	first("a row put in at the end", x.rows+1, fmt.Sprintf(`INSERT INTO audit SELECT %d, prev, hash, plan, body, key_id, mac FROM audit WHERE seq = %d`, x.rows+1, x.rows))
	first("a row put in before the first", 0, `INSERT INTO audit SELECT 0, prev, hash, plan, body, key_id, mac FROM audit WHERE seq = 1`)
	unknown := x.verified(t, x.altered(t, `UPDATE audit SET key_id = 'k-000000000000' WHERE seq = 3`))
	if e, is := errors.AsType[*ledger.KeyError](unknown); !is || !strings.Contains(e.Why, "row 3") {
		t.Errorf("a row by an unknown key: %v", unknown)
	}
}

// A row of another continuation of the same trail is whole by itself, and yet does not fit.
func TestA01_TrailSpliced(t *testing.T) {
	x := live(t)
	fork := placed(t, x.old)
	l, err := ledger.Open(t.Context(), ledger.Options{Location: fork, Keys: x.keys, Clock: x.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Do(t.Context(), func(tx *ledger.Tx) error { return tx.Record(ledger.Event{Event: "elsewhere"}) }); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := x.altered(t, `ATTACH '`+fork+`' AS fork`, `DELETE FROM main.audit WHERE seq = 6`, `INSERT INTO main.audit SELECT * FROM fork.audit WHERE seq = 6`)
	if e, is := errors.AsType[*ledger.TamperedError](x.verified(t, path)); !is || e.Seq != 7 {
		t.Errorf("got %v, want row 7 named: it follows another row 6", e)
	}
}

// Who cuts the end off and has the head say so is found out, and so is who puts an old copy of all of it back.
func TestA02_TrailCutOrPutBack(t *testing.T) {
	x := live(t)
	cut := x.altered(t, `DELETE FROM audit WHERE seq > 3`, `UPDATE head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)`)
	if _, is := errors.AsType[*ledger.TamperedError](x.verified(t, cut)); !is {
		t.Error("a head that was written without the key was believed")
	}
	// The old copy is whole. Only anchors, which are elsewhere, tell.
	if err := x.verified(t, placed(t, x.old)); err != nil {
		t.Fatalf("the old copy is not whole: %v", err)
	}
	file := ledger.AnchorFile{Path: filepath.Join(t.TempDir(), "anchors.jsonl")}
	open := func(path string) (*ledger.Ledger, error) {
		return ledger.Open(t.Context(), ledger.Options{Location: path, Keys: x.keys, Clock: x.clock.Now, Anchors: file})
	}
	l, err := open(placed(t, x.file))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	anchors, err := file.Read()
	if err != nil || len(anchors) == 0 {
		t.Fatalf("anchors: %v, %v", anchors, err)
	}
	if err := x.verified(t, placed(t, x.file), anchors[0]); err != nil {
		t.Errorf("the trail does not go through its anchor: %v", err)
	}
	if e, is := errors.AsType[*ledger.TamperedError](x.verified(t, placed(t, x.old), anchors[0])); !is || e.Seq != 6 {
		t.Errorf("the old copy passes with an anchor: %v", e)
	}
	if _, err := open(placed(t, x.old)); err == nil {
		t.Error("the old copy can be written on with")
	}
	anchors[0].Hash[0] ^= 1
	if x.verified(t, placed(t, x.file), anchors[0]) == nil {
		t.Error("a forged anchor is believed")
	}
}

// A row that somebody wrote who has not the key gives no right to anything.
func TestT10_RowsForged(t *testing.T) {
	x := live(t)
	const copyVote = `INSERT INTO votes SELECT plan, '106', voter_name, decision, digest, source, event_hash, rule, policy, at, withdrawn_at, key_id, mac FROM votes WHERE voter_id = '104'`
	for name, statement := range map[string]string{
		"a vote of another":                copyVote,
		"a decision turned around":         `UPDATE votes SET decision = 'approve'`,
		"a vote on another digest":         `UPDATE votes SET digest = 'd2'`,
		"a vote withdrawn":                 `UPDATE votes SET withdrawn_at = 1 WHERE voter_id = '105'`,
		"a vote taken away":                `DELETE FROM votes WHERE voter_id = '105'`,
		"all votes taken away":             `DELETE FROM votes`,
		"a vote for nobody's key":          `UPDATE votes SET mac = x''`,
		"a plan's digest":                  `UPDATE plans SET digest = 'd2'`,
		"a plan's body":                    `UPDATE plans SET body = x'7b7d'`,
		"more time":                        `UPDATE plans SET expires_at = expires_at + 1`,
		"an end put off":                   `UPDATE plans SET ends_at = ends_at + 1`,
		"a state":                          `UPDATE plans SET state = 'approved', version = 2`,
		"another target":                   `UPDATE plans SET target_id = '666'`,
		"another requester":                `UPDATE plans SET requester_id = '666'`,
		"one step less":                    `UPDATE plans SET steps = '["a","b"]'`,
		"steps that are no list":           `UPDATE plans SET steps = 'x'`,
		"what was before":                  `UPDATE intents SET before = x'00'`,
		"a result":                         `UPDATE intents SET result = 'already'`,
		"an attempt taken away":            `DELETE FROM intents`,
		"an attempt of another plan":       `UPDATE intents SET step = 'b'`,
		"a row of the trail of this plan":  `UPDATE audit SET body = replace(body, 'reject', 'approve')`,
		"a row of the trail of the voter":  `UPDATE audit SET plan = '' WHERE body LIKE '%reject%'`,
		"rows of the trail that are false": `UPDATE audit SET mac = zeroblob(32)`,
	} {
		path := x.altered(t, statement)
		l, err := ledger.Open(t.Context(), ledger.Options{Location: path, ReadOnly: true, Keys: x.keys, Clock: x.clock.Now})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, is := errors.AsType[*ledger.TamperedError](l.Check(t.Context(), x.plan.ID)); !is {
			t.Errorf("%s: the plan passes", name)
		}
		l.Close()
	}
	for name, statement := range map[string]string{
		"elevation": `UPDATE elevations SET before = x'00'`, "elevation's end": `UPDATE elevations SET deadline = deadline + 1`,
		"pin": `UPDATE pins SET principal = '666'`, "pin's lock": `UPDATE pins SET locked = 1`,
	} {
		l, err := ledger.Open(t.Context(), ledger.Options{Location: x.altered(t, statement), ReadOnly: true, Keys: x.keys, Clock: x.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Elevations(t.Context())
		if strings.HasPrefix(name, "pin") {
			_, err = l.Pinned(t.Context(), "T1", "U1")
		}
		if _, is := errors.AsType[*ledger.TamperedError](err); !is {
			t.Errorf("%s: %v", name, err)
		}
		l.Close()
	}
	for _, column := range []string{"account", "chain", "seq", "hash", "at", "first_seq", "halt"} {
		path := x.altered(t, `UPDATE head SET `+column+` = CASE typeof(`+column+`) WHEN 'integer' THEN `+column+` + 1 WHEN 'text' THEN 'x' ELSE randomblob(32) END`)
		if _, is := errors.AsType[*ledger.TamperedError](x.verified(t, path)); !is {
			t.Errorf("head.%s: it was believed", column)
		}
	}
	// Untouched, it all passes: or the above would prove nothing.
	l, err := ledger.Open(t.Context(), ledger.Options{Location: x.altered(t), Keys: x.keys, Clock: x.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Check(t.Context(), x.plan.ID); err != nil {
		t.Error(err)
	}
}

// A damaged file is never read wrongly: it gives what was written, or an error.
func TestR13_BytesDamaged(t *testing.T) {
	x := live(t)
	whole, err := story(t, x, placed(t, x.file))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var refused, same int
	for n := range 300 {
		file := bytes.Clone(x.file)
		at := random.IntN(len(file))
		if n%10 == 0 {
			file = file[:at]
		} else {
			file[at] ^= byte(1 + random.IntN(255))
		}
		got, err := story(t, x, placed(t, file))
		switch {
		case err != nil:
			refused++
		case got != whole:
			t.Errorf("byte %d: it reads\n%s\nand not\n%s", at, got, whole)
		default:
			same++
		}
	}
	t.Logf("%d refused, %d in bytes that mean nothing", refused, same)
	if refused == 0 || same == 0 {
		t.Error("the damage was all of one kind")
	}
	if _, is := errors.AsType[*ledger.CorruptError](x.verified(t, placed(t, append([]byte("SQLite format 3\x00"), make([]byte, 5000)...)))); !is {
		t.Error("no CorruptError for what is no database")
	}
	other := filepath.Join(t.TempDir(), "own", "other.db")
	if err := os.Mkdir(filepath.Dir(other), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE precious (x)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.Chmod(other, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Open(t.Context(), ledger.Options{Location: other, Account: ledgertest.Account})
	if e, is := errors.AsType[*ledger.CorruptError](err); !is || !strings.Contains(e.Error(), "ledger restore") {
		t.Errorf("another program's database: %v", err)
	}
}

// story reads all there is in a ledger.
func story(t *testing.T, x lived, path string) (string, error) {
	l, err := ledger.Open(t.Context(), ledger.Options{Location: path, ReadOnly: true, Keys: x.keys, Clock: x.clock.Now})
	if err != nil {
		return "", err
	}
	defer l.Close()
	v, err := l.Verify(t.Context())
	if err != nil {
		return "", err
	}
	if err := l.Check(t.Context(), x.plan.ID); err != nil {
		return "", err
	}
	p, err := l.Plan(t.Context(), x.plan.ID)
	if err != nil {
		return "", err
	}
	votes, err := l.Votes(t.Context(), x.plan.ID)
	if err != nil {
		return "", err
	}
	attempts, err := l.Attempts(t.Context(), x.plan.ID)
	if err != nil {
		return "", err
	}
	elevations, err := l.Elevations(t.Context())
	if err != nil {
		return "", err
	}
	pin, err := l.Pinned(t.Context(), "T1", "U1")
	return fmt.Sprint(v, p, votes, attempts, elevations, pin), err
}
