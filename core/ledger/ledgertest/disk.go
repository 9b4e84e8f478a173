package ledgertest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

// Disk is a disk that may fail, and that forgets what was not synced when the power is cut. It has the files that
// SQLite opens in one folder; what other programs put there it takes as it finds it. It may be used concurrently.
//
// After a sync that failed, what was to be synced stays readable, and a later sync says that all is well, but none of it
// comes to be on the disk any more: so do Linux's file systems (https://www.usenix.org/conference/atc20/presentation/rebello).
type Disk struct {
	folder string

	mu    sync.Mutex
	files map[string]*image
	rules []*Fault
	// Hits is how many operations failed.
	hits int
}

// Operation is a kind of thing that is done to a file.
type Operation int

// The operations that can fail.
const (
	Writing Operation = iota
	Syncing
)

// Fault lets the nth operation of a kind fail, counted from now, with a code of SQLite.
type Fault struct {
	Operation Operation
	Nth       int
	Code      int32 // https://www.sqlite.org/rescode.html
}

// The faults of disks.
var (
	SyncFails  = Fault{Operation: Syncing, Code: sqlite3.SQLITE_IOERR_FSYNC}
	WriteFails = Fault{Operation: Writing, Code: sqlite3.SQLITE_IOERR_WRITE}
	DiskFull   = Fault{Operation: Writing, Code: sqlite3.SQLITE_FULL}
)

// At is the fault at the nth operation.
func (f Fault) At(nth int) Fault { f.Nth = nth; return f }

// image is what of a file is on the disk, and what was done to it since.
type image struct {
	synced []byte
	since  []change
}

// change is one write, or one cut to a length if there is nothing to write.
type change struct {
	at   int64
	data []byte
	cut  bool
}

func (c change) apply(to []byte) []byte {
	end := c.at + int64(len(c.data))
	if n := int64(len(to)); n < end {
		to = append(to, make([]byte, end-n)...)
	}
	if c.cut {
		return to[:c.at]
	}
	copy(to[c.at:], c.data)
	return to
}

// NewDisk gives a disk with a folder, which a ledger can be in.
func NewDisk(t testing.TB) *Disk {
	t.Helper()
	interpose(t)
	d := &Disk{folder: filepath.Join(t.TempDir(), "disk"), files: map[string]*image{}}
	if err := os.Mkdir(d.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	disks.Store(d.folder, d)
	t.Cleanup(func() { disks.Delete(d.folder) })
	return d
}

// Ledger is the path of the ledger on the disk.
func (d *Disk) Ledger() string { return filepath.Join(d.folder, "ledger.db") }

// Fail sets the faults that are to come, in place of those that were.
func (d *Disk) Fail(faults ...Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rules = nil
	for _, f := range faults {
		d.rules = append(d.rules, &f)
	}
	d.hits = 0
}

// Hits is how many operations failed since Fail.
func (d *Disk) Hits() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hits
}

// Cut gives the disk as it is found after the power was cut: what was synced, and of what was not, with luck, any part.
// The disk goes on as if nothing had happened.
func (d *Disk) Cut(t testing.TB, luck *rand.Rand) *Disk {
	t.Helper()
	after := NewDisk(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	// What was not written by SQLite: the keys, which are synced when they are made.
	others, err := os.ReadDir(d.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range others {
		if name := file.Name(); !strings.HasPrefix(name, "ledger.db-") {
			after.put(t, name, read(t, filepath.Join(d.folder, name)))
		}
	}
	for name, f := range d.files {
		kept := bytes.Clone(f.synced)
		for _, c := range f.since {
			if luck != nil && luck.IntN(2) == 0 {
				kept = c.apply(kept)
			}
		}
		after.files[name] = &image{synced: bytes.Clone(kept)}
		after.put(t, name, kept)
	}
	return after
}

func (d *Disk) put(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// image finds a file, which is new if nobody knows it.
func (d *Disk) image(name string) *image {
	f := d.files[name]
	if f == nil {
		f = &image{}
		d.files[name] = f
	}
	return f
}

// due gives the code of the fault that an operation meets, or 0.
func (d *Disk) due(o Operation) (code int32) {
	for _, f := range d.rules {
		if f.Operation == o {
			if f.Nth--; f.Nth == 0 {
				code = f.Code
				d.hits++
			}
		}
	}
	return code
}

// write notes a change of a file, unless it is to fail.
func (d *Disk) write(name string, c change) (code int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if code := d.due(Writing); code != 0 {
		return code
	}
	f := d.image(name)
	f.since = append(f.since, c)
	return 0
}

// sync brings what was done to a file to the disk, unless it is to fail: then it never gets there.
func (d *Disk) sync(name string) (code int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.image(name)
	code = d.due(Syncing)
	if code == 0 {
		for _, c := range f.since {
			f.synced = c.apply(f.synced)
		}
	}
	f.since = nil
	return code
}

// remove forgets a file that was removed.
func (d *Disk) remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
}
