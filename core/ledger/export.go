package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

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
