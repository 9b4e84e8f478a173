package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/elevate"
	"databricks-access-audit/core/elevate/book"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

const (
	elevateFlag = "auto-elevate"
	dryRunFlag  = "dry-run-elevation"
	fixFlag     = "fix"
	elevation   = "ELEVATION"
)

// elevationFlags are those of the commands that read workspaces. They are the command line's alone: they are not in
// the grammar, and so nobody can give them in Slack.
func elevationFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: elevateFlag, Category: elevation, Usage: "make the caller, who must be account admin, ADMIN of the workspaces that it cannot read, for as long as reading takes"},
		&cli.BoolFlag{Name: dryRunFlag, Category: elevation, Usage: "say what --" + elevateFlag + " would change and put back, and answer without it"},
	}, ledgerFlags()...)
}

// extraFlags are those that a mode has beside the grammar. A clone has none: what it needs the right to write
// for, it is better planned with the rights that it will be carried out with.
func extraFlags(mode string) []cli.Flag {
	switch mode {
	case (query.Clone{}).Mode():
		return nil
	case (query.Doctor{}).Mode():
		return append([]cli.Flag{&cli.BoolFlag{Name: fixFlag, Category: elevation, Usage: "put back the rights that runs of --" + elevateFlag + " have left behind"}}, ledgerFlags()...)
	}
	return elevationFlags()
}

// standing is what a question needs to be in which workspaces.
type standing struct {
	urls  []string // empty for all
	right identity.WorkspacePermission
}

// standingFor says what a question needs. What Unity Catalog tells, it tells whoever may enter; what belongs to a workspace
// (entitlements, objects, settings), it tells its admins.
func standingFor(request query.Request) standing {
	n := standing{right: identity.WorkspaceAdmin}
	switch q := request.(type) {
	case query.Principal:
		n.urls = q.WorkspaceURLs
		if !q.Escalations && !q.Objects.Asked && !q.LocalGroups {
			n.right = identity.WorkspaceUser
		}
	case query.Compare:
		n.urls = q.WorkspaceURLs
		if !q.Objects.Asked {
			n.right = identity.WorkspaceUser
		}
	case query.Group:
		n.urls = q.WorkspaceURLs
		if !q.Objects.Asked && !q.LocalGroups {
			n.right = identity.WorkspaceUser
		}
	case query.Resource:
		n.urls = q.WorkspaceURLs
	case query.Can:
		n.urls = q.WorkspaceURLs
	case query.WhatIf:
		n.urls = q.WorkspaceURLs
	case query.Roles:
		n.urls = q.WorkspaceURLs
	case query.Escalations:
		n.urls = q.WorkspaceURLs
	}
	return n
}

// in reports whether the question is about the workspace.
func (n standing) in(w identity.Workspace) bool {
	return len(n.urls) == 0 || slices.ContainsFunc(n.urls, func(u string) bool { return collect.Means(u, w) })
}

// leftError says that rights are not put back.
type leftError struct {
	left   []elevate.Outcome
	ledger string
	cause  error // what else went wrong
}

func (e *leftError) Error() string {
	var parts []string
	for _, o := range e.left {
		command := "databricks account workspace-assignment delete " + o.Workspace.ID.String() + " " + o.Who.ID
		if o.Before == identity.WorkspaceUser {
			command = "databricks account workspace-assignment update " + o.Workspace.ID.String() + " " + o.Who.ID + ` --json '{"permissions":["USER"]}'`
		}
		parts = append(parts, fmt.Sprintf("%s may still be ADMIN of workspace %s, where it was %s (%s); by hand: %s", o.Name, o.Workspace.Name, elevate.In(o.Before), o.Note, command))
	}
	text := fmt.Sprintf("%s; to put it back run: %s doctor --fix%s", strings.Join(parts, "; "), name, e.ledger)
	if e.cause != nil {
		text += "; and " + e.cause.Error()
	}
	return text
}

func (e *leftError) Unwrap() error { return e.cause }

// left gives an error if any of the outcomes is open, and cause otherwise.
func left(outcomes []elevate.Outcome, at leasePlace, cause error) error {
	e := &leftError{cause: cause}
	for _, o := range outcomes {
		if o.State == elevate.Open {
			e.left = append(e.left, o)
		}
	}
	if len(e.left) == 0 {
		return cause
	}
	if !at.inMemory() {
		e.ledger = " --" + ledgerFlag + " " + shellQuote(at.shown())
	}
	return e
}

// checkElevation refuses what cannot be meant.
func checkElevation(c *cli.Context) error {
	if file := c.String("from-snapshot"); file != "" {
		for _, flag := range []string{elevateFlag, dryRunFlag, fixFlag} {
			if c.Bool(flag) {
				return &query.UsageError{Problem: fmt.Sprintf("--%s changes the account, and --from-snapshot asks none", flag), Hint: "leave one out"}
			}
		}
	}
	return nil
}

// elevated runs ask while the caller is ADMIN where the question needs it, if that was asked for. The error is ask's, or
// a *leftError around it.
func (a *account) elevated(ctx context.Context, c *cli.Context, s streams, n standing, ask func() error) ([]report.Elevation, error) {
	if !c.Bool(elevateFlag) && !c.Bool(dryRunFlag) {
		return nil, ask()
	}
	session := a.opened.Session()
	if reach := session.Reach(); !reach.WholeAccount {
		return nil, fmt.Errorf("--%s changes assignments, which takes credentials for the account: %s", elevateFlag, reach.Limit)
	}
	workspaces, err := session.Workspaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the workspaces: %w", err)
	}
	who, err := session.Self(ctx, workspaces)
	if err != nil {
		return nil, err
	}
	workspaces = slices.DeleteFunc(workspaces, func(w identity.Workspace) bool { return !n.in(w) })
	say := func(format string, args ...any) {
		fmt.Fprintln(s.err, "elevation: "+formatters.EscapeLine(fmt.Sprintf(format, args...)))
	}
	if c.Bool(dryRunFlag) {
		targets, err := elevate.Survey(ctx, session, who.Key, workspaces, n.right)
		if err != nil {
			return nil, err
		}
		return planned(targets, who, say), ask()
	}
	at, err := a.leasesOf(c, s)
	if err != nil {
		return nil, err
	}
	b, err := a.book(ctx, at)
	if err != nil {
		return nil, err
	}
	e := elevate.Elevator{Account: session, Book: b, Clock: realClock{}, Say: say}
	// What others left is put back first: else it would be taken for the caller's own right.
	if _, err := e.Mend(ctx, false); err != nil {
		return nil, err
	}
	targets, err := elevate.Survey(ctx, session, who.Key, workspaces, n.right)
	if err != nil {
		return nil, err
	}
	held, err := e.Raise(ctx, who, targets)
	defer held.End(context.WithoutCancel(ctx)) // a panic, too, ends it
	if err == nil {
		for _, o := range held.Outcomes() {
			if o.State == elevate.Refused {
				say("workspace %s: %s is left as it is (%s): %s", o.Workspace.Name, o.Name, elevate.In(o.Before), o.Note)
			}
		}
		if a.raised = held.Outcomes(); len(a.raised) == 0 {
			say("nothing was changed: %s is what the question needs in all of %d workspaces", who.Label(), len(targets))
		}
		err = ask()
	}
	ended := held.End(context.WithoutCancel(ctx))
	return reported(ended), left(ended, at, err)
}

// planned says what would be done.
func planned(targets []elevate.Target, who identity.Principal, say func(string, ...any)) []report.Elevation {
	list := []report.Elevation{}
	for _, t := range targets {
		if t.Enough {
			continue
		}
		r := report.Elevation{
			Workspace: t.Workspace.Name, WorkspaceID: t.Workspace.ID.String(), Principal: who.Label(),
			Before: t.Own.String(), During: identity.WorkspaceAdmin.String(), State: report.ElevationPlanned,
		}
		if t.Problem != "" {
			r.State, r.During, r.Note = report.ElevationRefused, r.Before, t.Problem
			say("workspace %s: %s would be left as it is: %s", r.Workspace, r.Principal, t.Problem)
		} else {
			say("workspace %s: %s would be made ADMIN, and %s again afterwards", r.Workspace, r.Principal, elevate.In(t.Own))
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		say("nothing would be changed: %s is what the question needs in all of %d workspaces", who.Label(), len(targets))
	}
	return list
}

// reported are outcomes as reports have them.
func reported(outcomes []elevate.Outcome) []report.Elevation {
	list := make([]report.Elevation, 0, len(outcomes))
	yes, no := true, false
	for _, o := range outcomes {
		r := report.Elevation{
			Workspace: o.Workspace.Name, WorkspaceID: o.Workspace.ID.String(), Principal: o.Name,
			Before: o.Before.String(), During: o.During.String(), Restored: &no, Note: o.Note,
		}
		switch o.State {
		case elevate.Refused:
			r.State, r.Restored = report.ElevationRefused, nil
		case elevate.Restored:
			r.State, r.Restored = report.ElevationRestored, &yes
		case elevate.Shared:
			r.State = report.ElevationShared
		case elevate.Foreign:
			r.State = report.ElevationForeign
		case elevate.Raised, elevate.Open:
			r.State = report.ElevationOpen
		}
		list = append(list, r)
	}
	return list
}

// veiled reads the account as it was before the caller was raised.
type veiled struct {
	*databricks.Session
	raised func() []elevate.Outcome
}

// Assignments leaves out what the program gave itself.
func (v veiled) Assignments(ctx context.Context, id identity.WorkspaceID) ([]identity.Assignment, error) {
	all, err := v.Session.Assignments(ctx, id)
	return elevate.Veil(all, v.raised()), err
}

// realClock is the machine's.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (realClock) After(d time.Duration, f func()) (stop func()) {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// examined adds to what doctor found the elevations that were left behind, and with --fix puts them back.
func (a *account) examined(ctx context.Context, c *cli.Context, s streams, r *report.DoctorReport) error {
	if a.opened == nil {
		return nil
	}
	at, err := a.leasesOf(c, s)
	if err != nil || !at.exists() {
		if c.Bool(fixFlag) && err == nil {
			where := ""
			if !at.inMemory() {
				where = " at " + formatters.EscapeLine(at.shown())
			}
			fmt.Fprintf(s.err, "elevation: nothing was left behind: there is no ledger%s\n", where)
		}
		return err
	}
	const about = "look for elevations left behind"
	scope := "ledger " + at.shown()
	if !c.Bool(fixFlag) {
		found, unread := a.leftIn(ctx, at)
		if unread != nil {
			r.Checks = append(r.Checks, report.Check{Name: about, Scope: scope, Status: report.CheckWarning, Detail: unread.Error(), Effect: "whether the program has left rights behind is not known", Fix: "name the ledger with --" + ledgerFlag})
		}
		for _, l := range found {
			r.Checks = append(r.Checks, report.Check{
				Name: about, Scope: "workspace " + l.WorkspaceName, Status: report.CheckWarning,
				Detail: fmt.Sprintf("%s was made ADMIN on %s by a run that did not put it back", l.WhoName, l.At.UTC().Format(time.RFC3339)),
				Effect: fmt.Sprintf("it may still be ADMIN, and was %s before", elevate.In(l.Before)), Fix: "run " + name + " doctor --" + fixFlag,
			})
		}
		if len(found) == 0 && unread == nil {
			r.Checks = append(r.Checks, report.Check{Name: about, Scope: scope, Status: report.CheckOK})
		}
		return nil
	}
	b, err := a.book(ctx, at)
	if err != nil {
		return err
	}
	e := elevate.Elevator{Account: a.opened.Session(), Book: b, Clock: realClock{}, Say: func(format string, args ...any) {
		fmt.Fprintln(s.err, "elevation: "+formatters.EscapeLine(fmt.Sprintf(format, args...)))
	}}
	done, err := e.Mend(ctx, true)
	for _, o := range done {
		check := report.Check{Name: "put back an elevation left behind", Scope: "workspace " + o.Workspace.Name, Status: report.CheckOK, Detail: o.Name + " is " + elevate.In(o.Before) + ", as before"}
		switch o.State {
		case elevate.Restored:
		case elevate.Foreign:
			check.Detail = o.Note
		default:
			check.Status, check.Detail = report.CheckFailed, o.Note
			check.Effect, check.Fix = o.Name+" may still be ADMIN, and was "+elevate.In(o.Before)+" before", "run doctor --"+fixFlag+" again, or take the right back by hand"
		}
		r.Checks = append(r.Checks, check)
	}
	if err == nil && len(done) == 0 {
		r.Checks = append(r.Checks, report.Check{Name: about, Scope: scope, Status: report.CheckOK})
	}
	return left(done, at, err)
}

// leftIn reads a ledger without changing it.
func (a *account) leftIn(ctx context.Context, at leasePlace) ([]elevate.Lease, error) {
	dir, err := at.runs()
	if err != nil {
		return nil, err
	}
	runs, err := book.LookAtRuns(dir)
	if err != nil {
		return nil, err
	}
	l, err := at.open(ctx, true)
	if err != nil {
		return nil, err
	}
	found, err := runs.Left(ctx, l, time.Now())
	return found, errors.Join(err, l.Close())
}
