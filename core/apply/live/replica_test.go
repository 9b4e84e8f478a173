//go:build unix

package live_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptrace"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"databricks-access-audit/core/apply"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/apply/live"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/plan"
)

// replicaEnv makes the test binary a replica: a program that does one thing to one plan, and ends.
const replicaEnv = "APPLY_TEST_REPLICA"

// postgres is started by the first test that needs it.
var postgres ledgertest.Server

func TestMain(m *testing.M) {
	if order := os.Getenv(replicaEnv); order != "" {
		if err := obey(context.Background(), order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

// order is what a replica is told.
type order struct {
	Do, Plan string
	Stop     stop

	Proxy, CA, Host, Account string
	ClientID, Secret         string // the replica's own: the account tells it from the others by that
	Ledger, Keys             string
}

// stop is when a replica stops itself, by SIGSTOP.
type stop struct {
	Write  int    // at which of its writes; 0 is at none
	Moment moment // and when in it
}

// moment is a moment in a write, after all that is checked before it.
type moment string

const (
	unsent     moment = "before it is sent"
	connected  moment = "with a connection for it"
	headerSent moment = "with its header sent"
)

// hasty are times of replicas that tests can wait for. Their proportions are those of the real ones.
var hasty = apply.Times{Call: time.Second, Lease: 2 * time.Second, Heartbeat: 300 * time.Millisecond, Converge: time.Second, ReadingAge: 500 * time.Millisecond}

// obey does what a replica is told: everything is real but its times.
func obey(ctx context.Context, text string) (err error) {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	proxy, err := url.Parse(o.Proxy)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(o.CA))
	account, err := databricks.Open(ctx, databricks.Options{Isolated: true, Host: o.Host, AccountID: o.Account, ClientID: o.ClientID,
		ClientSecret: databricks.Secret(o.Secret), Proxy: proxy, RootCAs: roots, RateLimit: 1e5, RetryBaseDelay: time.Millisecond, RetryMaxDelay: time.Millisecond})
	if err != nil {
		return err
	}
	defer account.Close()
	keys, err := ledger.ParseKeys(o.Keys)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Options{Location: o.Ledger, Account: o.Account, Keys: keys})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	store := &journal.Store{Ledger: l, Actor: ledger.Actor{ID: o.ClientID, Via: "test"}, Holder: o.ClientID}
	e := &apply.Executor{
		Account: &stopping{Account: live.New(account.Session(), apply.Place{Account: o.Account, Host: o.Host}), stop: o.Stop},
		Store:   store, Clock: wall{}, Decode: plan.Decode, NewID: ledger.NewPlanID, Times: hasty,
	}
	switch o.Do {
	case "bring":
		kept, err := store.Plan(ctx, o.Plan)
		if err == nil && kept.State == apply.Approved {
			_, err = e.Apply(ctx, o.Plan)
		} else if err == nil {
			_, err = e.Resume(ctx, o.Plan)
		}
		return err
	case "undo":
		_, err = e.Undo(ctx, o.Plan, true)
		return err
	default:
		return fmt.Errorf("told to %q", o.Do)
	}
}

// wall is the real time.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) Sleep(_ context.Context, d time.Duration) error { time.Sleep(d); return nil }

func (wall) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// stopping is an account in one of whose writes the program is stopped.
type stopping struct {
	*live.Account
	writes int
	stop   stop
}

func (s *stopping) Write(ctx context.Context, changes []plan.Change) error {
	if s.writes++; s.writes != s.stop.Write {
		return s.Account.Write(ctx, changes)
	}
	switch s.stop.Moment {
	case unsent:
		stopMe()
	case connected:
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { stopMe() }})
	case headerSent:
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: stopMe})
	}
	return s.Account.Write(ctx, changes)
}

func stopMe() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		panic(err)
	}
	for at := time.Now(); time.Since(at) < 5*time.Millisecond; { // this thread may not be the first that is stopped
	}
}
