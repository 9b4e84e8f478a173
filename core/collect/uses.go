package collect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Uses says whether to read what was last used when, and through what.
type Uses struct {
	// Days is how long something may not have been used; zero asks for nothing.
	Days int
	// Warehouse is the id of the SQL warehouse to ask; empty lets the collector choose in each metastore.
	Warehouse string
	// Workspace is the address, name or id of the workspace whose warehouse is asked; empty means one of each
	// metastore.
	Workspace string
}

// lookback is how far back the log is read, so that a last use is told that is older than the days asked
// about: three times as far, and at least as long as Databricks keeps the table.
//
// https://docs.databricks.com/aws/en/admin/system-tables/#system-tables-reference
func (u Uses) lookback() int { return max(3*u.Days, 365) }

// readUses reads what the subject, or everybody in it, last used. It comes last: only what was read before
// tells whom to ask about. The log is read once for each metastore, since it is one of a region, and so
// is a metastore.
//
// https://docs.databricks.com/aws/en/admin/system-tables/audit-logs
func (c *crawler) readUses(ctx context.Context, subject identity.PrincipalKey) {
	if c.scope.Uses.Days == 0 {
		return
	}
	u := &usesCrawl{crawler: c, e: c.b.Build(), since: midnight(c.now()).AddDate(0, 0, -c.scope.Uses.lookback())}
	if key := (estate.ReadKey{Op: estate.OpMembers, Principal: subject}); subject.Kind == identity.KindGroup && subject != identity.AccountUsers() && !u.e.Saw(key) {
		c.note(estate.ReadKey{Op: estate.OpUses}, &identity.Failure{Kind: identity.Unsupported, Advised: true,
			Message: "groups use nothing themselves, and who is in this one was not read: ask group NAME --stale-days N"})
		return
	}
	u.who = u.everybody(subject)
	readers := make([]reader, len(c.metastores))
	for i, m := range c.metastores {
		c.q.add(func(ctx context.Context) { readers[i] = u.look(ctx, m) })
	}
	c.q.run(ctx, c.workers)
	named := slices.ContainsFunc(readers, func(r reader) bool { return r.found })
	for i, m := range c.metastores {
		c.q.add(func(ctx context.Context) { u.read(ctx, m, readers[i], named) })
	}
	c.q.run(ctx, c.workers)
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// usesCrawl is the reading of what was used.
type usesCrawl struct {
	*crawler
	e     *estate.Estate // what was read before
	who   []identity.Principal
	since time.Time
}

// everybody are the records of a principal and of those in it: groups use nothing themselves.
func (u *usesCrawl) everybody(subject identity.PrincipalKey) []identity.Principal {
	var who []identity.Principal
	seen := map[identity.PrincipalKey]bool{}
	for queue := []identity.PrincipalKey{u.e.Canonical(subject)}; len(queue) > 0; queue = queue[1:] {
		k := queue[0]
		if seen[k] {
			continue
		}
		seen[k] = true
		if p, ok := u.e.Principal(k); ok && k.Kind != identity.KindGroup && len(p.LogNames()) > 0 {
			who = append(who, p)
		}
		queue = slices.AppendSeq(slices.AppendSeq(queue, u.e.Members(k)), u.e.SamePerson(k))
	}
	slices.SortFunc(who, func(a, b identity.Principal) int { return a.Key.Compare(b.Key) })
	return who
}

// reader is the SQL warehouse by which the log is read for a metastore, or why there is none.
type reader struct {
	at        identity.Workspace
	warehouse identity.Warehouse
	found     bool
	stopped   bool // there is one that would have to be started

	kind identity.FailureKind // of a reading that the question leaves out
	why  string
	err  error
}

// look chooses the warehouse for a metastore: the one that is asked for; else one that runs; else one
// that starts quickly; else any. Workspaces are looked through only as far as needed.
func (u *usesCrawl) look(ctx context.Context, m identity.Metastore) reader {
	doors, none := u.doors(m)
	best := none
	for _, at := range doors[:min(len(doors), maxDoors)] {
		all, err := u.src.Warehouses(ctx, at)
		if err != nil && best.err == nil {
			best.err = fmt.Errorf("list the SQL warehouses of workspace %s: %w", at.Name, err)
		}
		for _, w := range all {
			asked := u.scope.Uses.Warehouse == "" || u.scope.Uses.Warehouse == w.ID
			if asked && w.Usable() && u.onlyRunning && !w.Running() {
				best.stopped = true
				continue
			}
			if asked && w.Usable() && (!best.found || readiness(w) > readiness(best.warehouse)) {
				best = reader{at: at, warehouse: w, found: true, stopped: best.stopped}
			}
		}
		if best.found && (best.warehouse.Running() || u.scope.Uses.Warehouse != "") {
			break
		}
	}
	return best
}

// wouldStart says why no warehouse was asked.
const wouldStart = "no SQL warehouse that could be asked is running, and starting one costs money, which whoever runs this program has not allowed " +
	"(audits.may_start_warehouse): ask again while one runs, or at the command line"

// readiness is greater for what answers sooner.
func readiness(w identity.Warehouse) int {
	switch {
	case w.Running():
		return 3
	case w.State == "STARTING":
		return 2
	case w.Serverless:
		return 1
	default:
		return 0
	}
}

// doors are the workspaces by which the log can be read for a metastore, and what to say when they do not
// serve.
func (u *usesCrawl) doors(m identity.Metastore) ([]identity.Workspace, reader) {
	attached := u.e.MetastoreWorkspaces(m.ID)
	there := func(w identity.Workspace) bool { return slices.Contains(attached, w.ID) }
	if name := u.scope.Uses.Workspace; name != "" {
		for _, w := range u.e.Workspaces() {
			if !Means(name, w) {
				continue
			}
			switch {
			case !there(w):
				return nil, reader{kind: identity.NotAsked, why: "workspace " + w.Name + ", which is to be asked, has another metastore: its log is not that of this one"}
			case !w.Running():
				return nil, reader{err: &identity.Failure{Kind: identity.NotRunning, Message: "workspace " + w.Name + ", which is to be asked, is " + w.Status}}
			}
			return []identity.Workspace{w}, reader{}
		}
	}
	v := &metastore{crawler: u.crawler, m: m, attached: attached}
	doors := v.doors()
	if len(doors) == 0 {
		return nil, reader{kind: v.closed(), why: "no workspace whose log could be read: the metastore is attached to none that is running and asked for"}
	}
	return doors, reader{}
}

// read reads the log for a metastore. anywhere says that some metastore has a warehouse to ask.
func (u *usesCrawl) read(ctx context.Context, m identity.Metastore, by reader, anywhere bool) {
	key := estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable(m.ID)}
	switch asked := u.scope.Uses.Warehouse; {
	case by.found:
	case by.why != "":
		u.remark(key, by.kind, by.why)
		return
	case by.err != nil:
		u.note(key, by.err)
		return
	case by.stopped:
		u.note(key, &identity.Failure{Kind: identity.NotRunning, Advised: true, Message: wouldStart})
		return
	case asked != "" && anywhere:
		u.remark(key, identity.NotAsked, "SQL warehouse "+asked+", which is to be asked, is in no workspace of this metastore: without --sql-warehouse-id each metastore is asked by one of its own")
		return
	case asked != "":
		u.note(key, &identity.Failure{Kind: identity.NotFound, Advised: true, Message: "there is no SQL warehouse " + asked + " that the caller may use: check --sql-warehouse-id, and that the caller has CAN USE on it"})
		return
	default:
		u.note(key, &identity.Failure{Kind: identity.NotFound, Advised: true, Message: "no workspace of the metastore has a SQL warehouse that the caller may use: give the caller CAN USE on one"})
		return
	}
	log, err := u.src.AuditLog(ctx, by.at, by.warehouse, u.since)
	if err != nil {
		u.note(key, err)
		return
	}
	log.Metastore = m.ID
	u.b.AddAuditLog(log)
	uses, err := u.src.Uses(ctx, by.at, by.warehouse, u.since, u.who)
	for i := range uses {
		if uses[i].Metastore == "" {
			uses[i].Metastore = m.ID // what the log of one region does not tell apart is of its own
		}
	}
	u.b.AddUses(uses)
	u.note(key, err)
	if err != nil {
		return
	}
	for _, p := range u.who {
		u.note(estate.ReadKey{Op: estate.OpUses, Securable: key.Securable, Principal: p.Key}, nil)
	}
}
