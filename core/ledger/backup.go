package ledger

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// A backup is lines of JSON: a header, the rows of all tables, and a last line with the SHA-256 of what is before it.
// It is of no engine: what was backed up from SQLite can be restored into PostgreSQL, and the other way.
const backupFormat = "databricks-access-audit ledger backup 1"

type backupHeader struct {
	Format  string `json:"format"`
	Account string `json:"account"`
	Tables  int    `json:"tables"` // their version
	At      Time   `json:"at"`
}

type backupRow struct {
	Table  string `json:"t"`
	Values []cell `json:"v"`
}

type backupEnd struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// tables are all tables, each after those that it refers to.
var tables = []struct {
	name    string
	columns int
}{
	{"head", 13}, {"audit", 7}, {"plans", 23}, {"votes", 13}, {"intents", 13}, {"leases", 5}, {"elevations", 7}, {"elevation_holders", 3},
	{"inbox", 4}, {"inbox_keys", 2}, {"outbox", 7}, {"pins", 8}, {"cards", 6}, {"showings", 2},
}

// cell is a value of a column: a number, a text or bytes.
type cell struct{ value any }

func (c cell) MarshalJSON() ([]byte, error) {
	if b, is := c.value.([]byte); is {
		return json.Marshal(map[string][]byte{"b": b})
	}
	return json.Marshal(c.value)
}

func (c *cell) UnmarshalJSON(text []byte) error {
	var err error
	switch text[0] {
	case '"':
		var s string
		err = json.Unmarshal(text, &s)
		c.value = s
	case '{':
		var b struct{ B []byte }
		err = json.Unmarshal(text, &b)
		c.value = bytesOf(b.B)
	default:
		c.value, err = strconv.ParseInt(string(text), 10, 64)
	}
	return err
}

// Backup writes the whole ledger as it is at one moment. It holds no key: who restores it needs those of the
// ledger. Writes go on meanwhile. It gives the number of rows.
func (l *Ledger) Backup(ctx context.Context, w io.Writer) (int64, error) {
	tx, err := l.store.reads.BeginTx(ctx, l.store.engine.snapshot())
	if err != nil {
		return 0, l.store.explain("back up", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	sum := sha256.New()
	buffer := bufio.NewWriter(w)
	lines := json.NewEncoder(io.MultiWriter(buffer, sum))
	h, err := l.store.head(ctx, tx)
	if err != nil {
		return 0, l.store.explain("back up", err)
	}
	if err := lines.Encode(backupHeader{Format: backupFormat, Account: l.account, Tables: len(migrations(sqliteWords)), At: Time{instant(h.at)}}); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	var n int64
	r := reader{q: tx, store: l.store}
	for _, table := range tables {
		values := make([]cell, table.columns)
		into := make([]any, table.columns)
		for i := range values {
			into[i] = &values[i].value
		}
		_, err := rows(ctx, r, "back up", `SELECT * FROM `+table.name, nil, func(row *sql.Rows) (struct{}, error) {
			n++
			if err := row.Scan(into...); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, lines.Encode(backupRow{Table: table.name, Values: values})
		})
		if err != nil {
			return 0, err
		}
	}
	if err := json.NewEncoder(buffer).Encode(backupEnd{Rows: n, SHA256: fmt.Sprintf("%x", sum.Sum(nil))}); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	if err := buffer.Flush(); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	return n, nil
}

// Restore makes a ledger at a new location from a backup, checks the whole of its audit trail and closes it. It
// needs the keys of the ledger that was backed up: as Options.Keys, or put beside the new file before. A backup
// that is not whole is a CorruptError; a location that holds a ledger already is refused.
func Restore(ctx context.Context, o Options, backup io.ReadSeeker) (v Verification, err error) {
	header, err := checkBackup(backup)
	if err != nil {
		return v, err
	}
	if _, err := backup.Seek(0, io.SeekStart); err != nil {
		return v, fmt.Errorf("read the backup: %w", err)
	}
	o.ReadOnly = false
	s, err := openStore(ctx, o)
	if err != nil {
		return v, err
	}
	err = s.fill(ctx, o, backup)
	if err := errors.Join(err, s.close()); err != nil {
		return v, err
	}
	l, err := Open(ctx, o)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if v, err = l.Verify(ctx); err != nil {
		return v, err
	}
	return v, l.Do(ctx, func(tx *Tx) error {
		if err := tx.dropLeases("the ledger was restored"); err != nil {
			return err
		}
		return tx.append(Event{Event: EventRestored, Detail: map[string]string{"backup_of": header.At.String()}})
	})
}

// fill puts the rows of a backup into empty tables, in one transaction.
func (s *store) fill(ctx context.Context, o Options, backup io.Reader) error {
	if _, err := s.head(ctx, s.reads); !errors.Is(err, sql.ErrNoRows) {
		if err != nil {
			return s.explain("restore", err)
		}
		return &RefusedError{What: "restore into " + s.name, Why: "there is a ledger already: name a new location"}
	}
	if _, err := s.keys(o, false); err != nil {
		return err
	}
	tx, err := s.writes.BeginTx(ctx, nil)
	if err != nil {
		return s.explain("restore", err)
	}
	defer func() { _ = tx.Rollback() }()
	inserts := map[string]string{}
	for _, table := range tables {
		inserts[table.name] = `INSERT INTO ` + table.name + ` VALUES (` + places(table.columns) + `)`
	}
	lines := bufio.NewReader(backup)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the backup: %w", err)
		}
		if !bytes.HasPrefix(line, []byte(`{"t":`)) {
			continue // the header and the end, which are checked already
		}
		var row backupRow
		insert := ""
		if err := json.Unmarshal(line, &row); err == nil {
			insert = inserts[row.Table]
		}
		if insert == "" {
			return &CorruptError{Store: "backup", Why: "it has a row that is of no table"}
		}
		values := make([]any, len(row.Values))
		for i, c := range row.Values {
			values[i] = c.value
		}
		if _, err := tx.ExecContext(ctx, insert, values...); err != nil {
			return s.explain("restore "+row.Table, err)
		}
	}
	return s.explain("restore", tx.Commit())
}

// checkBackup reads a backup through and checks that it is whole and that this program knows it.
func checkBackup(r io.Reader) (backupHeader, error) {
	damaged := func(why string) (backupHeader, error) {
		return backupHeader{}, &CorruptError{Store: "backup", Why: why}
	}
	var header backupHeader
	var end backupEnd
	var sum hash.Hash = sha256.New()
	lines := bufio.NewReader(r)
	for n := int64(0); ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return damaged("it ends too soon")
		}
		if err != nil {
			return header, fmt.Errorf("read the backup: %w", err)
		}
		if n == 0 {
			if err := json.Unmarshal(line, &header); err != nil || !strings.HasPrefix(header.Format, "databricks-access-audit ledger backup") {
				return damaged("it is no backup of a ledger")
			}
			if header.Format != backupFormat || header.Tables != len(migrations(sqliteWords)) {
				return header, &RefusedError{What: "restore the backup", Why: fmt.Sprintf("it has the form %q and tables of version %d: use the program that made it", header.Format, header.Tables)}
			}
		}
		if bytes.HasPrefix(line, []byte(`{"rows":`)) {
			if err := json.Unmarshal(line, &end); err != nil || end.Rows != n-1 || end.SHA256 != fmt.Sprintf("%x", sum.Sum(nil)) {
				return damaged("its checksum is wrong")
			}
			if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
				return damaged("something follows its end")
			}
			return header, nil
		}
		_, _ = sum.Write(line)
	}
}
