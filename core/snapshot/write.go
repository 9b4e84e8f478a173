package snapshot

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"databricks-access-audit/core/estate"
)

// Write writes everything that the estate holds. The same facts and the same About give the same bytes,
// in whatever order the facts were gathered; compressed, as long as the same version of Go compresses.
//
// An error is one of w's: what was written then is no snapshot, and Read says so.
func Write(w io.Writer, e *estate.Estate, about About) error {
	if err := write(w, e, about); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}

func write(w io.Writer, e *estate.Estate, about About) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	if !about.Gzip {
		if err := writeLines(buffered, e, about); err != nil {
			return err
		}
		return buffered.Flush()
	}
	z, err := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := writeLines(z, e, about); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

func writeLines(w io.Writer, e *estate.Estate, about About) error {
	p := &printer{w: w, sum: sha256.New()}
	p.json = json.NewEncoder(p)
	p.json.SetEscapeHTML(false)
	p.put(head{
		Format: format, Version: version, Account: e.AccountID(), Interrupted: e.Interrupted(),
		Tool: about.Tool, SavedAt: about.SavedAt.UTC(), Question: about.Question,
	})
	p.people(e)
	p.places(e)
	p.securables(e)
	p.delegations(e)
	p.objects(e)
	p.uses(e)
	p.ledger(e)
	p.put(line{End: &end{Lines: p.lines, SHA256: hex.EncodeToString(p.sum.Sum(nil))}})
	return p.err
}

// printer writes lines and adds them up. After an error it writes nothing more.
type printer struct {
	w     io.Writer
	sum   hash.Hash
	json  *json.Encoder
	lines int
	err   error
}

// Write takes what the encoder makes of one line.
func (p *printer) Write(b []byte) (int, error) {
	p.sum.Write(b)
	return p.w.Write(b)
}

func (p *printer) put(line any) {
	if p.err == nil {
		p.err = p.json.Encode(line)
		p.lines++
	}
}

// most is how many things one line holds, where there may be many: a line is in memory twice while it
// is read.
const most = 1000

// chunks cuts a list into lists that fit in a line. An empty list gives none.
func chunks[T any](list []T, each func([]T)) {
	for len(list) > 0 {
		n := min(len(list), most)
		each(list[:n])
		list = list[n:]
	}
}
