package ledgertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes and drops the schemas of tests

	"databricks-access-audit/core/ledger"
)

// Server is a PostgreSQL server of the tests' own: a new cluster in a temporary folder that listens on a socket
// there, and nowhere else. It is started when it is first needed. Use one for a test binary, from its TestMain.
type Server struct {
	once    sync.Once
	folder  string
	input   io.Closer // when it is closed, also because the tests died, the server stops
	command *exec.Cmd
	failed  error
	schemas atomic.Int64
}

// errNoPostgres says that the machine has no PostgreSQL, which is no failure of what is tested.
var errNoPostgres = errors.New("no PostgreSQL server is installed here (Debian: apt-get install postgresql): these tests ran on SQLite only")

// Stop ends the server, if it was started.
func (s *Server) Stop() {
	if s.command != nil {
		_ = s.input.Close()
		_ = s.command.Wait()
	}
	if s.folder != "" {
		_ = os.RemoveAll(s.folder)
	}
}

// Address gives the address of a schema of its own in the server, which is dropped at the end of the test. Without a
// server on the machine the test is skipped, and says so.
func (s *Server) Address(t testing.TB) string {
	t.Helper()
	s.once.Do(func() { s.failed = s.start() })
	if errors.Is(s.failed, errNoPostgres) {
		t.Skip(s.failed)
	}
	if s.failed != nil {
		t.Fatalf("start PostgreSQL: %v", s.failed)
	}
	schema := fmt.Sprintf("test_%d", s.schemas.Add(1))
	admin, err := sql.Open("pgx", s.address(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	return s.address(schema)
}

// Ledger gives a new ledger in a schema of its own.
func (s *Server) Ledger(t testing.TB, clock *Clock) *ledger.Ledger {
	t.Helper()
	return Open(t, ledger.Options{Location: s.Address(t), Clock: clock.Now, Keys: ledger.NewKeys()})
}

func (s *Server) address(schema string) string {
	q := url.Values{"host": {s.folder}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	return "postgres://ledger@/postgres?" + q.Encode()
}

func (s *Server) start() error {
	bin, err := findPostgres()
	if err != nil {
		return err
	}
	// Not t.TempDir: a socket's path must be short, and another user must be able to enter.
	if s.folder, err = os.MkdirTemp("", "ledger-pg-"); err != nil {
		return err
	}
	asOther, err := notAsRoot(s.folder)
	if err != nil {
		return err
	}
	data := filepath.Join(s.folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "ledger", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	asOther(initdb)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	// The server ends when the shell's input does, which it also does when the tests are killed.
	s.command = exec.Command("sh", "-c", `"$@" & server=$!; read -r _; kill -INT $server; wait $server`, "sh",
		filepath.Join(bin, "postgres"), "-D", data, "-k", s.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60")
	asOther(s.command)
	log := new(strings.Builder)
	s.command.Stdout, s.command.Stderr = log, log
	if s.input, err = s.command.StdinPipe(); err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		return err
	}
	db, err := sql.Open("pgx", s.address(""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for range 300 {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("no answer: %w: %s", err, log)
}

// findPostgres gives the folder with the programs of the newest server that is installed.
func findPostgres() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(found[len(found)-1]), nil
}
