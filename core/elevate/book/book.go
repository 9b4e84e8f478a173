// Package book keeps the leases of elevations in a ledger: it implements elevate.Book.
package book

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"databricks-access-audit/core/elevate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
)

// Book is an elevate.Book on a ledger, for one run. A ledger file is opened for each turn and closed after it, so that
// several runs can share it: the file's own lock makes the turns. PostgreSQL has a lease for that.
type Book struct {
	// Open opens the ledger for writing.
	Open func(ctx context.Context) (*ledger.Ledger, error)
	// Keep says that what Open gives is not to be closed: it is a ledger in memory.
	Keep bool
	// Shared says that the ledger may be open in several processes at once.
	Shared bool
	Actor  ledger.Actor
	// Runs tells which runs are alive.
	Runs *Runs
}

// Bounds on turns.
const (
	turn      = 10 * time.Minute
	busyPause = 50 * time.Millisecond
	// turnLease is the lease of the turn where the ledger is shared.
	turnLease = "elevations"
)

// With opens the ledger, waiting for whoever has it, and gives f the leases in it.
func (b *Book) With(ctx context.Context, patience time.Duration, f func(ctx context.Context, l elevate.Leases) error) (err error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := b.open(waiting, ctx)
	if err != nil {
		return err
	}
	if !b.Keep {
		defer func() { err = errors.Join(err, l.Close()) }()
	}
	working, cancel := context.WithTimeout(context.WithoutCancel(ctx), turn)
	defer cancel()
	return b.alone(waiting, working, l, func() error { return f(working, &leases{l, b}) })
}

// open opens the ledger as soon as nobody else has it. The error names who has it.
func (b *Book) open(waiting, ctx context.Context) (*ledger.Ledger, error) {
	for {
		l, err := b.Open(context.WithoutCancel(ctx))
		if !isBusy(err) {
			return l, err
		}
		select {
		case <-waiting.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, err
		case <-time.After(busyPause):
		}
	}
}

// alone runs f when no other process that has the ledger open is in such a turn.
func (b *Book) alone(waiting, working context.Context, l *ledger.Ledger, f func() error) error {
	if !b.Shared {
		return f()
	}
	var lease ledger.Lease
	for {
		err := l.Do(waiting, func(tx *ledger.Tx) (err error) {
			lease, err = tx.Acquire(turnLease, b.Runs.Holder(), turn+time.Minute)
			return err
		})
		if err == nil {
			break
		}
		if !isBusy(err) {
			return err
		}
		select {
		case <-waiting.Done():
			return err
		case <-time.After(busyPause):
		}
	}
	err := f()
	return errors.Join(err, l.Do(working, func(tx *ledger.Tx) error { return tx.Release(lease) }))
}

func isBusy(err error) bool {
	_, is := errors.AsType[*ledger.BusyError](err)
	return is
}

// leases are the leases of an open ledger.
type leases struct {
	*ledger.Ledger
	b *Book
}

// record is what a lease says beside its times and holders. It is what "before" means to the ledger.
type record struct {
	Workspace     identity.WorkspaceID `json:"workspace"`
	WorkspaceName string               `json:"workspace_name"`
	Who           string               `json:"principal"`
	Kind          string               `json:"kind"`
	WhoName       string               `json:"name"`
	Before        string               `json:"before"`
}

// kinds are those that can act, and be assigned.
var kinds = []identity.Kind{identity.KindUser, identity.KindServicePrincipal}

// scope names a lease in the ledger.
func scope(l elevate.Lease) string {
	return "workspace/" + l.Workspace.String() + "/" + l.Who.ID
}

func encode(l elevate.Lease) ([]byte, error) {
	if l.Before != identity.WorkspaceNone && l.Before != identity.WorkspaceUser {
		return nil, fmt.Errorf("%s is nothing that an elevation could put back", l.Before)
	}
	if l.Workspace == 0 || l.Who.ID == "" || l.Who.Workspace != 0 {
		return nil, errors.New("an elevation is of an account principal in a workspace")
	}
	return json.Marshal(record{l.Workspace, l.WorkspaceName, l.Who.ID, l.Who.Kind.String(), l.WhoName, l.Before.String()})
}

// decode reads a lease strictly: what is put back is never guessed.
func decode(e ledger.Elevation) (elevate.Lease, error) {
	bad := func(why string) error {
		return fmt.Errorf("the lease %s in the ledger cannot be read: %s", e.Scope, why)
	}
	var r record
	d := json.NewDecoder(bytes.NewReader(e.Before))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return elevate.Lease{}, bad(err.Error())
	}
	l := elevate.Lease{Workspace: r.Workspace, WorkspaceName: r.WorkspaceName, WhoName: r.WhoName, Who: identity.PrincipalKey{ID: r.Who}, At: e.At, Deadline: e.Deadline}
	for _, k := range kinds {
		if k.String() == r.Kind {
			l.Who.Kind = k
		}
	}
	switch r.Before {
	case identity.WorkspaceNone.String():
		l.Before = identity.WorkspaceNone
	case identity.WorkspaceUser.String():
		l.Before = identity.WorkspaceUser
	default:
		return elevate.Lease{}, bad("it would put back " + strconv.Quote(r.Before))
	}
	if scope(l) != e.Scope || l.Who.Kind == 0 {
		return elevate.Lease{}, bad("it is of something else")
	}
	return l, nil
}

// List gives all leases. An elevation that is not one of these is an error: it is not known what it means.
func (s *leases) List(ctx context.Context) (list []elevate.Lease, now time.Time, err error) {
	var all []ledger.Elevation
	err = s.Do(ctx, func(tx *ledger.Tx) error {
		now = tx.Now()
		all, err = tx.Elevations(ctx)
		return err
	})
	if err != nil {
		return nil, now, err
	}
	return s.b.Runs.read(all, now)
}

// read makes leases of elevations.
func (r *Runs) read(all []ledger.Elevation, now time.Time) ([]elevate.Lease, time.Time, error) {
	list := make([]elevate.Lease, 0, len(all))
	for _, e := range all {
		l, err := decode(e)
		if err != nil {
			return nil, now, err
		}
		l.Landed = slices.Contains(e.Holders, landed)
		l.Over = e.Restoring || !now.Before(e.Deadline) || r.allGone(e.Holders)
		list = append(list, l)
	}
	return list, now, nil
}

func (s *leases) Take(ctx context.Context, l elevate.Lease, most time.Duration) (held elevate.Lease, first bool, err error) {
	before, err := encode(l)
	if err != nil {
		return elevate.Lease{}, false, err
	}
	var e ledger.Elevation
	err = s.Do(ctx, func(tx *ledger.Tx) error {
		e, first, err = tx.Elevate(s.b.Actor, scope(l), s.b.Runs.Holder(), before, tx.Now().Add(most))
		return err
	})
	if err != nil {
		return elevate.Lease{}, false, err
	}
	held, err = decode(e)
	return held, first, err
}

// landed is among the holders of an elevation whose change is known to have been made. It is no run, and holds nothing.
const landed = "landed"

func (s *leases) Land(ctx context.Context, l elevate.Lease) error {
	before, err := encode(l)
	if err != nil {
		return err
	}
	return s.Do(ctx, func(tx *ledger.Tx) error {
		_, _, err := tx.Elevate(s.b.Actor, scope(l), landed, before, l.Deadline)
		return err
	})
}

func (s *leases) Leave(ctx context.Context, l elevate.Lease) (last bool, err error) {
	err = s.Do(ctx, func(tx *ledger.Tx) error {
		var e ledger.Elevation
		if e, last, err = tx.Leave(s.b.Actor, scope(l), s.b.Runs.Holder()); err != nil {
			if _, gone := errors.AsType[*ledger.NotFoundError](err); gone {
				return nil
			}
			return err
		}
		if !last && !e.Restoring && s.b.Runs.allGone(e.Holders) {
			_, err = tx.Reap(s.b.Actor, scope(l), "its other runs are gone")
			last = err == nil
		}
		return err
	})
	return last && err == nil, err
}

func (s *leases) End(ctx context.Context, l elevate.Lease, reason string) error {
	return s.Do(ctx, func(tx *ledger.Tx) error {
		_, err := tx.Reap(s.b.Actor, scope(l), reason)
		return err
	})
}

func (s *leases) Forget(ctx context.Context, l elevate.Lease) error {
	return s.Do(ctx, func(tx *ledger.Tx) error { return tx.Restored(s.b.Actor, scope(l)) })
}

// Left reads which leases of a ledger are over and not forgotten, without changing anything; l may be open to be read
// only. Now is this machine's time.
func (r *Runs) Left(ctx context.Context, l *ledger.Ledger, now time.Time) ([]elevate.Lease, error) {
	all, err := l.Elevations(ctx)
	if err != nil {
		return nil, err
	}
	list, _, err := r.read(all, now)
	var over []elevate.Lease
	for _, lease := range list {
		if lease.Over {
			over = append(over, lease)
		}
	}
	return over, err
}
