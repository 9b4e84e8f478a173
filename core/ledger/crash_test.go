package ledger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// childEnv makes the test binary a program that writes to the ledger at that path until it is killed, and
// says after each commit what is in it.
const childEnv = "LEDGER_TEST_CHILD"

func child(path string) int {
	ctx := context.Background()
	l, err := ledger.Open(ctx, ledger.Options{Location: path, Account: ledgertest.Account})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	defer l.Close()
	fmt.Println("open")
	for n := 0; ; n++ {
		id := ledger.NewPlanID()
		err := l.Do(ctx, func(tx *ledger.Tx) error {
			_, err := tx.Create(ledger.Actor{}, ledger.Plan{ID: id, Kind: "clone", Digest: "d", Body: []byte("{}"), Requester: ledger.Party{ID: "1"}, ExpiresAt: tx.Now().Add(time.Hour)})
			return err
		})
		if err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println("plan", id)
	}
}

// A process that is killed loses nothing that it was told is kept, and nothing is half there.
func TestR01_Killed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own", "ledger.db")
	var said []string
	for range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		enough := rand.IntN(40)
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if id, is := strings.CutPrefix(lines.Text(), "plan "); is {
				said = append(said, id)
			} else if lines.Text() != "open" {
				t.Fatal(lines.Text())
			}
			if n == enough {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
	}
	l := ledgertest.Open(t, ledger.Options{Location: path})
	v, err := l.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plans, err := l.Plans(t.Context(), ledger.PlanFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, p := range plans {
		kept = append(kept, p.ID)
		if err := l.Check(t.Context(), p.ID); err != nil {
			t.Error(err)
		}
	}
	for _, id := range said {
		if !slices.Contains(kept, id) {
			t.Errorf("%s was committed, and is gone", id)
		}
	}
	if more := len(kept) - len(said); more < 0 || more > 12 || v.Rows != int64(len(kept))+1 {
		t.Errorf("%d were committed, %d are there, with %d rows of the trail", len(said), len(kept), v.Rows)
	}
}

// A second process is refused, and told who has the ledger. It may read.
func TestR15_SecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own", "ledger.db")
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "plan ") {
	}
	go func() {
		for lines.Scan() { // it goes on writing
		}
	}()
	_, err = ledger.Open(t.Context(), ledger.Options{Location: path, Account: ledgertest.Account})
	busy, is := errors.AsType[*ledger.BusyError](err)
	if !is || !strings.Contains(busy.Holder, fmt.Sprintf("process %d on ", cmd.Process.Pid)) {
		t.Errorf("the second process: %v", err)
	}
	for range 5 {
		l, err := ledger.Open(t.Context(), ledger.Options{Location: path, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := l.Verify(t.Context()); err != nil || v.Rows < 2 {
			t.Errorf("read beside the writer: %+v, %v", v, err)
		}
		err = l.Do(t.Context(), func(*ledger.Tx) error { return nil })
		if _, is := errors.AsType[*ledger.RefusedError](err); !is {
			t.Errorf("a reader wrote: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A disk that is full at any moment costs what is written then, and nothing else: an error is said, nothing of
// the transaction is there, and it works again when there is room.
func TestR12_DiskFull(t *testing.T) {
	clock := ledgertest.NewClock()
	l := ledgertest.File(t, clock)
	var refused int
	for page := 1; ; page++ {
		// max_page_count is at least as many as there are: https://www.sqlite.org/pragma.html#pragma_max_page_count
		if err := l.ExecWrites(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
			t.Fatal(err)
		}
		before, err := l.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := ledgertest.Plan(clock)
		p.Body = make([]byte, 3000*page)
		err = l.Do(t.Context(), func(tx *ledger.Tx) error {
			_, err := tx.Create(ledger.Actor{}, p)
			return err
		})
		after, verr := l.Verify(t.Context())
		if verr != nil {
			t.Fatal(verr)
		}
		_, perr := l.Plan(t.Context(), p.ID)
		if err != nil {
			refused++
			if perr == nil || after != before || !strings.Contains(err.Error(), "full") {
				t.Fatalf("it was refused (%v), and is there: %v; %+v, %+v", err, perr, before, after)
			}
		} else if perr != nil || after.Rows != before.Rows+1 {
			t.Fatalf("it was kept, and is not there: %v; %+v, %+v", perr, before, after)
		}
		if err := l.ExecWrites(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
			t.Fatal(err)
		}
		if err := l.Do(t.Context(), func(tx *ledger.Tx) error {
			_, err := tx.Create(ledger.Actor{}, ledgertest.Plan(clock))
			return err
		}); err != nil {
			t.Fatalf("with room again: %v", err)
		}
		if page == 20 {
			break
		}
	}
	if refused == 0 {
		t.Error("the disk was never full: this shows nothing")
	}
}

// failingSink keeps nothing while it is broken.
type failingSink struct {
	broken bool
	kept   []ledger.Anchor
}

func (s *failingSink) Keep(_ context.Context, a ledger.Anchor) error {
	if s.broken {
		return fs.ErrPermission
	}
	s.kept = append(s.kept, a)
	return nil
}

func (s *failingSink) Last(context.Context, string) (ledger.Anchor, bool, error) {
	if len(s.kept) == 0 {
		return ledger.Anchor{}, false, nil
	}
	return s.kept[len(s.kept)-1], true, nil
}

// The heads of the trail are kept elsewhere every hundred rows or five minutes; when that fails, nothing more is
// written until it works again.
func TestA03_AnchorsFail(t *testing.T) {
	clock, sink := ledgertest.NewClock(), &failingSink{}
	l := ledgertest.Open(t, ledger.Options{Location: ledger.Memory, Clock: clock.Now, Anchors: sink})
	if len(sink.kept) != 1 {
		t.Fatalf("a new ledger is anchored %d times", len(sink.kept))
	}
	write := func() error {
		return l.Do(t.Context(), func(tx *ledger.Tx) error { return tx.Record(ledger.Event{Event: "seen"}) })
	}
	must := func(n int) {
		t.Helper()
		for range n {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
	}
	must(99)
	if len(sink.kept) != 1 {
		t.Errorf("after 99 rows: %d", len(sink.kept))
	}
	must(1)
	if len(sink.kept) != 2 || sink.kept[1].Seq != 101 {
		t.Errorf("after 100 rows: %+v", sink.kept)
	}
	clock.Add(5*time.Minute - time.Second)
	must(1)
	clock.Add(time.Second)
	must(1)
	if len(sink.kept) != 3 || sink.kept[2].Seq != 103 {
		t.Errorf("after five minutes: %+v", sink.kept)
	}
	sink.broken = true
	clock.Add(5 * time.Minute)
	must(1) // it is committed before the sink can say no
	if err := write(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a write without a record elsewhere: %v", err)
	}
	sink.broken = false
	must(1)
	if _, err := l.Verify(t.Context(), sink.kept...); err != nil {
		t.Error(err)
	}
	sink.kept[1].Seq++
	if _, err := l.Verify(t.Context(), sink.kept...); err == nil {
		t.Error("a forged anchor passes")
	}
}

// A file of keys may be a link, as those of Kubernetes are, and may be for our group if somebody else gave it to
// it; one that others can read or change is not used.
func TestT28_KeyFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "ledger-key"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte(ledger.NewKeys().Text()), 0o400), os.Symlink("ledger-key", link)); err != nil {
		t.Fatal(err)
	}
	read := func(mode fs.FileMode) error {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, err := ledger.ReadKeys(link)
		return err
	}
	if err := read(0o400); err != nil {
		t.Error(err)
	}
	for _, looser := range []fs.FileMode{0o440, 0o404, 0o420, 0o401} {
		if _, is := errors.AsType[*ledger.ExposedError](read(looser)); !is {
			t.Errorf("with %04o it is used", looser)
		}
	}
	if os.Geteuid() == 0 { // only root can give files away
		if err := os.Chown(file, 1, os.Getegid()); err != nil {
			t.Fatal(err)
		}
		if err := read(0o440); err != nil {
			t.Error(err)
		}
		if _, is := errors.AsType[*ledger.ExposedError](read(0o444)); !is {
			t.Error("what everybody can read is used")
		}
	}
	if _, is := errors.AsType[*ledger.KeyError](second(ledger.ReadKeys(file + ".none"))); !is {
		t.Error("no file")
	}
	if _, is := errors.AsType[*ledger.ExposedError](second(ledger.ReadKeys(dir))); !is {
		t.Error("a folder")
	}
}

func second[T any](_ T, err error) error { return err }

// Files that others can read or change are not used; nor is a ledger whose key is gone, or of another account.
func TestT28_Exposed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "own")
	path := filepath.Join(dir, "ledger.db")
	open := func() error {
		l, err := ledger.Open(t.Context(), ledger.Options{Location: path, Account: ledgertest.Account})
		if err == nil {
			err = l.Close()
		}
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "ledger.db", "ledger.db.key", "ledger.db.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q was made as %v, %v", name, info.Mode(), err)
		}
		own := info.Mode().Perm()
		for _, looser := range []fs.FileMode{0o040, 0o004, 0o020, 0o001} {
			if err := os.Chmod(filepath.Join(dir, name), own|looser); err != nil {
				t.Fatal(err)
			}
			if _, is := errors.AsType[*ledger.ExposedError](open()); !is {
				t.Errorf("%q with %v is used", name, own|looser)
			}
		}
		if err := os.Chmod(filepath.Join(dir, name), own); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for _, name := range []string{"ledger.db", "ledger.db.key"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.Rename(file, elsewhere), os.Symlink(elsewhere, file)); err != nil {
			t.Fatal(err)
		}
		if _, is := errors.AsType[*ledger.ExposedError](open()); !is {
			t.Errorf("%s may be a link", name)
		}
		if err := errors.Join(os.Remove(file), os.Rename(elsewhere, file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(path+".key", elsewhere); err != nil {
		t.Fatal(err)
	}
	if _, is := errors.AsType[*ledger.KeyError](open()); !is {
		t.Error("a ledger without its key is used")
	}
	if _, err := os.Stat(path + ".key"); err == nil {
		t.Error("a new key was made for an old ledger")
	}
	_, err := ledger.Open(t.Context(), ledger.Options{Location: path, Account: ledgertest.Account, Keys: ledger.NewKeys()})
	if _, is := errors.AsType[*ledger.KeyError](err); !is {
		t.Errorf("with another key: %v", err)
	}
	if err := os.Rename(elsewhere, path+".key"); err != nil {
		t.Fatal(err)
	}
	_, err = ledger.Open(t.Context(), ledger.Options{Location: path, Account: "another"})
	if _, is := errors.AsType[*ledger.RefusedError](err); !is {
		t.Errorf("for another account: %v", err)
	}
	// Keys change: the new one writes, the old one still proves.
	keys, err := ledger.ReadKeys(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	rotated := keys.Rotate()
	l := ledgertest.Open(t, ledger.Options{Location: path, Keys: rotated})
	if err := l.Do(t.Context(), func(tx *ledger.Tx) error { return tx.Record(ledger.Event{Event: "seen"}) }); err != nil {
		t.Fatal(err)
	}
	if v, err := l.Verify(t.Context()); err != nil || v.Rows != 2 {
		t.Errorf("after a change of keys: %+v, %v", v, err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %x", keys, keys, keys, keys, keys); strings.Contains(text, strings.TrimSpace(string(keys.Text()))) {
		t.Errorf("keys print as %s", text)
	}
}

// No byte of a key is in what the ledger writes.
func TestI08_NoKeyInTheStore(t *testing.T) {
	x := live(t)
	raw := strings.TrimSpace(string(x.keys.Text()))
	if strings.Contains(string(x.file), raw) {
		t.Error("the key is in the file")
	}
	l := ledgertest.Open(t, ledger.Options{Location: placed(t, x.file), Keys: x.keys, Clock: x.clock.Now})
	var backup strings.Builder
	if _, err := l.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(backup.String(), raw) {
		t.Error("the key is in the backup")
	}
}
