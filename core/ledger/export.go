package ledger

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Rows visits the rows of the audit trail, the oldest first, until one gives an error. What it reads is of one moment; visit is called by
// another goroutine than the caller's, one row after the other, and must not use the Ledger. The rows are not checked.
func (l *Ledger) Rows(ctx context.Context, visit func(e Entry) error) error {
	return l.walk(ctx, func(e Entry, _ string) error { return visit(e) })
}

// Chain names the audit trail among all that there are: rows of another do not fit.
func (l *Ledger) Chain() string { return hex.EncodeToString(l.chain) }

// Export writes the audit trail as lines of JSON (Entry), the oldest row first, and says how many there were. The
// rows are whole: who has the chain's name (of the genesis) and the keys can check them without the ledger.
func (l *Ledger) Export(ctx context.Context, w io.Writer) (n int64, err error) {
	buffer := bufio.NewWriter(w)
	lines := json.NewEncoder(buffer)
	err = l.walk(ctx, func(e Entry, _ string) error {
		n++
		return lines.Encode(e)
	})
	if err := errors.Join(err, buffer.Flush()); err != nil {
		return n, fmt.Errorf("export the audit trail: %w", err)
	}
	return n, nil
}
