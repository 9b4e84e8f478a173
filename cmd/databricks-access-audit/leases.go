package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core/elevate/book"
	"databricks-access-audit/core/ledger"
)

// leasePlace is where the leases of elevations are kept.
type leasePlace struct {
	options ledger.Options
	getenv  func(string) string
}

// leasesOf finds the ledger that the flags, the environment or the platform name. The sample account's goes with it.
func (a *account) leasesOf(c *cli.Context, s streams) (leasePlace, error) {
	id := a.opened.Session().Reach().AccountID
	if c.Bool("sandbox") && c.String(ledgerFlag) == "" {
		return leasePlace{ledger.Options{Location: ledger.Memory, Account: id, Log: a.log}, s.getenv}, nil
	}
	o, err := ledgerOptions(c, s, id)
	o.Log = a.log
	return leasePlace{o, s.getenv}, err
}

func (p leasePlace) location() string { return p.options.Location }

// shown is the location for people. An address of PostgreSQL may hold a password.
func (p leasePlace) shown() string {
	if p.shared() {
		return "postgres://…"
	}
	return p.location()
}

func (p leasePlace) inMemory() bool { return p.location() == ledger.Memory }

// shared says that several processes may have the ledger open.
func (p leasePlace) shared() bool {
	return strings.HasPrefix(p.location(), "postgres://") || strings.HasPrefix(p.location(), "postgresql://")
}

// exists says that there is such a ledger already.
func (p leasePlace) exists() bool {
	if p.shared() {
		return true
	}
	_, err := os.Stat(p.location())
	return !p.inMemory() && !errors.Is(err, fs.ErrNotExist)
}

// runs is the folder in which runs show that they are alive: beside the file, or where the file would be.
func (p leasePlace) runs() (string, error) {
	at := p.location()
	if p.shared() {
		var err error
		if at, err = defaultLedger(p.getenv, p.options.Account); err != nil {
			return "", err
		}
	}
	return at + ".runs", nil
}

func (p leasePlace) open(ctx context.Context, readOnly bool) (*ledger.Ledger, error) {
	o := p.options
	o.ReadOnly = readOnly
	return ledger.Open(ctx, o)
}

// book makes the book of leases in a ledger, and enters this run.
func (a *account) book(ctx context.Context, at leasePlace) (*book.Book, error) {
	b := &book.Book{Shared: at.shared(), Actor: ledger.Actor{Via: "cli", Tool: version()}}
	if at.inMemory() {
		return b, a.forget(ctx, b, at)
	}
	b.Open = func(ctx context.Context) (*ledger.Ledger, error) { return at.open(ctx, false) }
	// A ledger that cannot be used is found out before anything is put beside it.
	if l, err := b.Open(ctx); err == nil {
		if err := l.Close(); err != nil {
			return nil, err
		}
	} else if !is[*ledger.BusyError](err) {
		return nil, err
	}
	dir, err := at.runs()
	if err != nil {
		return nil, err
	}
	if b.Runs, err = book.OpenRuns(dir); err == nil {
		a.close = append(a.close, b.Runs.Close)
	}
	return b, err
}

// forget makes a book that is gone with the account.
func (a *account) forget(ctx context.Context, b *book.Book, at leasePlace) error {
	l, err := at.open(ctx, false)
	if err != nil {
		return err
	}
	a.close = append(a.close, l.Close)
	dir, err := os.MkdirTemp("", "sandbox-runs-*")
	if err != nil {
		return err
	}
	a.close = append(a.close, func() error { return os.RemoveAll(dir) })
	b.Keep, b.Open = true, func(context.Context) (*ledger.Ledger, error) { return l, nil }
	if b.Runs, err = book.OpenRuns(filepath.Join(dir, "runs")); err == nil {
		a.close = append(a.close, b.Runs.Close)
	}
	return err
}
