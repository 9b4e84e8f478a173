package snapshot

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Read reads what Write wrote, compressed or not, to the end of r.
//
// The errors are *CorruptError when it is not a whole snapshot, *VersionError when its format is one
// that this program does not read, and those of r. With an error there is no estate: nothing of a file
// that is not whole is given out.
func Read(r io.Reader) (*estate.Estate, About, error) {
	plain, packed, err := open(r)
	if err != nil {
		return nil, About{}, err
	}
	l := &loader{in: plain, sum: sha256.New()}
	l.quick.texts = &l.texts
	if err := l.load(); err != nil {
		return nil, About{}, err
	}
	l.about.Gzip = packed
	return l.b.Build(), l.about, nil
}

// open finds out whether the file is compressed.
func open(r io.Reader) (plain *bufio.Reader, packed bool, err error) {
	plain = bufio.NewReaderSize(r, 1<<16)
	start, err := plain.Peek(2)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, false, fmt.Errorf("read the snapshot: %w", err)
	case len(start) == 0:
		return nil, false, &CorruptError{Problem: "it is empty"}
	case string(start) != "\x1f\x8b":
		return plain, false, nil
	}
	z, err := gzip.NewReader(plain)
	if err != nil {
		return nil, false, trouble(0, err)
	}
	return bufio.NewReaderSize(z, 1<<16), true, nil
}

// trouble tells a file that is damaged from one that cannot be read.
func trouble(line int, err error) error {
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), isFlate(err):
		return &CorruptError{Line: line, Problem: "its compression is damaged"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &CorruptError{Line: line, Problem: "it ends too early"}
	default:
		return fmt.Errorf("read the snapshot: %w", err)
	}
}

// longest is how long a line may be: far more than Write makes one, and little enough that a file that
// is no snapshot is not taken into memory whole.
const longest = 64 << 20

// loader reads lines into a Builder.
type loader struct {
	in     *bufio.Reader
	sum    hash.Hash // of the lines before the last
	lines  int
	long   []byte // of a line that does not fit in the reader's buffer
	b      *estate.Builder
	about  About
	texts  texts
	quick  quick
	grants []identity.Grant // of the securable that is being added
}

func (l *loader) load() error {
	first, err := l.next()
	if err != nil {
		return err
	}
	if err := l.head(first); err != nil {
		return err
	}
	l.sum.Write(first)
	for {
		b, err := l.next()
		if err != nil {
			return err
		}
		x, ok := l.quick.line(b)
		if !ok {
			if err := json.Unmarshal(b, &x); err != nil {
				return l.corrupt(err)
			}
		}
		if x.End != nil {
			return l.end(b)
		}
		l.sum.Write(b)
		if err := l.add(x); err != nil {
			return l.corrupt(err)
		}
	}
}

// next gives the next line, which is good until the one after it.
func (l *loader) next() ([]byte, error) {
	l.lines++
	l.long = l.long[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		if err == nil && len(l.long) == 0 {
			return part, nil
		}
		l.long = append(l.long, part...)
		switch {
		case err == nil:
			return l.long, nil
		case len(l.long) > longest:
			return nil, l.corrupt(errors.New("it is too long for one"))
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, trouble(l.lines, err)
		}
	}
}

func (l *loader) corrupt(err error) error {
	return &CorruptError{Line: l.lines, Problem: err.Error()}
}

// head reads the first line.
func (l *loader) head(b []byte) error {
	var h head
	if err := json.Unmarshal(b, &h); err != nil || h.Format != format {
		return &CorruptError{Line: 1, Problem: "it does not begin as one"}
	}
	if h.Version < oldest || h.Version > version {
		return &VersionError{Version: h.Version, Known: version, Tool: h.Tool}
	}
	l.b = estate.NewBuilder(h.Account)
	if h.Interrupted {
		l.b.Interrupted()
	}
	l.about = About{Tool: h.Tool, SavedAt: h.SavedAt, Question: h.Question}
	return nil
}

// end compares the last line with what Write would make it, and sees that it is the last.
func (l *loader) end(b []byte) error {
	want, err := json.Marshal(line{End: &end{Lines: l.lines - 1, SHA256: hex.EncodeToString(l.sum.Sum(nil))}})
	if err != nil || string(b) != string(want)+"\n" {
		return &CorruptError{Problem: "it was changed after it was written: the checksum at its end is another"}
	}
	switch _, err := l.in.ReadByte(); {
	case err == nil:
		return &CorruptError{Line: l.lines + 1, Problem: "something follows its end"}
	case !errors.Is(err, io.EOF):
		return trouble(l.lines+1, err)
	}
	return nil
}
