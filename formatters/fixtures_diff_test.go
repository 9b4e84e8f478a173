package formatters

import (
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

type diffRequest struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

func scopeOf(reads int) []report.ScopeRead {
	return []report.ScopeRead{{Operation: "list groups", Read: 1}, {Operation: "read grants", Read: reads, Failed: 1, NotAsked: 2}}
}

// diffOf is a comparison of two files that read everything.
func diffOf() *report.DiffReport {
	r := &report.DiffReport{Envelope: envelope("diff"), Comparable: true, Added: []report.Change{}, Removed: []report.Change{}, Changed: []report.Change{},
		NotComparable: []report.NotComparable{}}
	r.Request = diffRequest{"old.snap", "new.snap"}
	newest := r.FactsReadAt.Newest
	r.Before = report.DiffSide{AccountID: r.AccountID, At: newest.AddDate(0, -3, 0), Oldest: newest.AddDate(0, -3, -1), Question: "snapshot", Source: "old.snap", Scope: scopeOf(40)}
	r.After = report.DiffSide{AccountID: r.AccountID, At: newest, Oldest: r.FactsReadAt.Oldest, Question: "snapshot", Source: "new.snap", Scope: scopeOf(40)}
	return r
}

func owned(name string) *string { return &name }

// diffRich has a change of every kind, added, removed and changed.
func diffRich() *report.DiffReport {
	r := diffOf()
	analysts := report.Principal{ID: "31", Kind: "group", Name: "analysts", DisplayName: "analysts", Source: "idp", Aliases: []string{}}
	orders := report.Securable{Type: identity.TypeTable, FullName: "main.sales.orders", Metastore: "us", Owner: owned("platform")}
	main := report.Securable{Type: identity.TypeCatalog, FullName: "main", Metastore: "us"}
	metastore := report.Securable{Type: identity.TypeMetastore, FullName: "us", Metastore: "us"}
	job := &report.ObjectRef{Workspace: "prod", Type: "jobs", ID: "7", Name: "nightly etl"}
	person := alice
	r.Added = []report.Change{
		{ID: "c2", Kind: report.KindMembership, Key: report.ChangeKey{Principal: &person, Group: &analysts}, After: &report.State{Membership: report.MemberDirect}},
		{ID: "c3", Kind: report.KindWorkspace, Key: report.ChangeKey{Principal: &analysts, Workspace: "prod", WorkspaceID: "1"}, After: &report.State{Permission: "USER"}},
		{ID: "c4", Kind: report.KindRole, Key: report.ChangeKey{Principal: &person, Name: "account_admin"}, After: &report.State{}},
		{ID: "c5", Kind: report.KindRole, Key: report.ChangeKey{Principal: &person, Group: &analysts, Name: "roles/group.manager"}, After: &report.State{}},
		{ID: "c6", Kind: report.KindSecurable, Key: report.ChangeKey{Securable: &orders}, After: &report.State{Subtype: "MANAGED", Owner: owned("platform")}},
		{ID: "c7", Kind: report.KindGrant, Key: report.ChangeKey{Principal: &report.Principal{Kind: "unknown", Name: "gone", Source: "unknown", Aliases: []string{}}, Securable: &orders},
			After: &report.State{Privileges: []identity.Privilege{"MODIFY", "SELECT"}}},
		{ID: "c8", Kind: report.KindBinding, Key: report.ChangeKey{Securable: &main, Workspace: "prod", WorkspaceID: "1"}, After: &report.State{Permission: "READ_ONLY"}},
		{ID: "c9", Kind: report.KindObject, Key: report.ChangeKey{Principal: &analysts, Object: job},
			After: &report.State{Levels: []report.ObjectLevel{{Level: identity.CanManageRun}, {Level: identity.CanView, InheritedFrom: "/directories/4"}}}},
		{ID: "c20", Kind: report.KindEffective, Key: report.ChangeKey{Principal: &person, Securable: &orders},
			After: &report.State{Privileges: []identity.Privilege{"SELECT"}, ReachableIn: []string{"prod", "staging"}}, Because: []string{"c2", "c3"}},
		{ID: "c21", Kind: report.KindEffective, Key: report.ChangeKey{Principal: &person, Name: "account_admin"}, After: &report.State{}, Because: []string{"c4"}},
	}
	r.Removed = []report.Change{
		{ID: "c10", Kind: report.KindEntitlement, Key: report.ChangeKey{Principal: &analysts, Workspace: "prod", WorkspaceID: "1"}, Before: &report.State{Entitlements: []identity.Entitlement{identity.WorkspaceAccess}}},
		{ID: "c22", Kind: report.KindEffective, Key: report.ChangeKey{Principal: &person, Object: job}, Before: &report.State{Levels: []report.ObjectLevel{{Level: identity.CanManage}}}, Because: []string{"c99"}},
	}
	r.Changed = []report.Change{
		{ID: "c1", Kind: report.KindPrincipal, Key: report.ChangeKey{Principal: &analysts}, Before: &report.State{Name: "readers", Source: "idp"}, After: &report.State{Name: "analysts", Source: "idp"}},
		{ID: "c11", Kind: report.KindMembership, Key: report.ChangeKey{Principal: &person, Group: &analysts}, Before: &report.State{Membership: report.MemberDirect}, After: &report.State{Membership: report.MemberIndirect}},
		{ID: "c12", Kind: report.KindOwner, Key: report.ChangeKey{Securable: &orders}, Before: &report.State{Owner: owned("")}, After: &report.State{Owner: owned("platform")}},
		{ID: "c13", Kind: report.KindBinding, Key: report.ChangeKey{Securable: &main}, Before: &report.State{Isolation: "OPEN"}, After: &report.State{Isolation: "ISOLATED"}},
		{ID: "c14", Kind: report.KindSetting, Key: report.ChangeKey{Securable: &metastore, Name: "external_access"}, Before: &report.State{Value: "off"}, After: &report.State{Value: "on"}},
		{ID: "c15", Kind: report.KindSetting, Key: report.ChangeKey{Workspace: "prod", WorkspaceID: "1", Name: "restrict_workspace_admins"}, Before: &report.State{Value: "ALLOW_ALL"}, After: &report.State{Value: "RESTRICT_TOKENS_AND_JOB_RUN_AS"}},
		{ID: "c16", Kind: report.KindObject, Key: report.ChangeKey{Object: job}, Before: &report.State{Name: "nightly", RunAs: "alice@acme.test"}, After: &report.State{Name: "nightly etl", RunAs: "etl"}},
		{ID: "c23", Kind: report.KindEffective, Key: report.ChangeKey{Principal: &person, Workspace: "prod", WorkspaceID: "1"}, Before: &report.State{Permission: "USER"}, After: &report.State{Permission: "ADMIN"}},
	}
	r.HasChanges = true
	return r
}

func diffSame() *report.DiffReport { return diffOf() }

// diffIncomplete has something that was read on each side alone and on neither.
func diffIncomplete() *report.DiffReport {
	r := diffOf()
	r.After.Scope = []report.ScopeRead{}
	r.Added = diffRich().Added[:1]
	r.HasChanges = true
	r.Coverage.Complete = false
	r.Coverage.Gaps = everyGap()
	r.NotComparable = []report.NotComparable{
		{Scope: "metastore us", Operation: "read grants", Side: report.SideAfter, Kind: identity.Forbidden, Message: "not the owner", Effect: "whether it changed is not known: what is granted on them", Reads: 3, Example: "read grants on catalog main"},
		{Scope: "account", Operation: "list groups", Side: report.SideBoth, Kind: identity.Throttled, Effect: "whether it changed is not known: which groups there are", Reads: 1},
		{Scope: "workspace prod", Operation: "list jobs", Side: report.SideBefore, Kind: identity.NotAsked, Message: "not part of this question", Reads: 2},
	}
	return r
}

// diffForeign is a comparison of two accounts, which is none.
func diffForeign() *report.DiffReport {
	r := diffOf()
	r.Before.AccountID = "another"
	r.Comparable, r.Added, r.Removed, r.Changed = false, nil, nil, nil
	r.Coverage.Complete, r.Coverage.Gaps = false, everyGap()[:1]
	r.NotComparable = []report.NotComparable{{Scope: "account", Operation: "compare two accounts", Side: report.SideBoth, Kind: identity.Unsupported, Message: "one is of account another", Effect: "nothing was compared"}}
	return r
}

// diffNamed is a report in which every text from outside is the given one.
func diffNamed(s string) *report.DiffReport {
	p := named(s)
	key := report.ChangeKey{Principal: &p.Principal, Group: &p.Principal, Securable: &p.Grants[0].Securable, Object: &report.ObjectRef{Workspace: s, Type: s, ID: s, Name: s}, Workspace: s, WorkspaceID: s, Name: s}
	state := &report.State{Name: s, DisplayName: s, Status: s, Source: s, Membership: s, Permission: s, Privileges: []identity.Privilege{identity.Privilege(s)},
		Levels: []report.ObjectLevel{{Level: identity.Level(s), InheritedFrom: s}}, Entitlements: []identity.Entitlement{identity.Entitlement(s)}, Owner: &s,
		Isolation: s, Subtype: s, RunAs: s, Value: s, ReachableIn: []string{s}}
	r := &report.DiffReport{Envelope: p.Envelope, Comparable: true, HasChanges: true}
	side := report.DiffSide{AccountID: s, Question: s, Source: s, Scope: []report.ScopeRead{{Operation: s, Read: 1}, {Operation: s, Failed: 1}, {Operation: s, NotAsked: 1}}}
	r.Before, r.After = side, side
	for _, kind := range []string{report.KindMembership, report.KindGrant, report.KindEffective, report.KindRole, "calm"} {
		r.Added = append(r.Added, report.Change{ID: s, Kind: kind, Key: key, After: state, Because: []string{s}})
		r.Removed = append(r.Removed, report.Change{ID: s, Kind: kind, Key: key, Before: state})
		r.Changed = append(r.Changed, report.Change{ID: s, Kind: kind, Key: key, Before: &report.State{}, After: state})
	}
	for _, kind := range []identity.FailureKind{identity.FailureKind("x" + s), identity.NotAsked} {
		r.NotComparable = append(r.NotComparable, report.NotComparable{Scope: s, Operation: s, Side: "x" + s, Kind: kind, Message: s, Effect: s, Reads: 2, Example: s})
	}
	return r
}

// diffHostile has names that read on as sentences beside those that act on terminals.
func diffHostile() *report.DiffReport {
	r := diffNamed("x\x1b[2J\u202enimda\u200b\r\nNothing changed\x00\u2028\x9b\xff")
	r.Mode, r.ToolVersion = "diff", "1.2.3"
	r.Added[0].Key.Principal = &report.Principal{ID: "1", Kind: "user", Name: "bob (user) in admins: direct; eve", Aliases: []string{}}
	return r
}

func snapshotOf() *report.SnapshotReport {
	r := &report.SnapshotReport{Envelope: envelope("snapshot"), File: "acme.snap", Tool: "1.2.3", Question: "snapshot", Compressed: true, Fingerprint: "00ff",
		Counts: []report.FactCount{{What: "users", Count: 25}, {What: "grants", Count: 71}, {What: "shares", Count: 0}}, Scope: scopeOf(40)}
	r.SavedAt = r.FactsReadAt.Newest
	r.Request = struct {
		Mode string `json:"mode"`
	}{"snapshot"}
	return r
}

func snapshotIncomplete() *report.SnapshotReport {
	r := snapshotOf()
	r.Compressed, r.File = false, ""
	r.Coverage.Complete, r.Coverage.Gaps = false, everyGap()
	r.Counts, r.Scope = nil, nil
	return r
}

func snapshotNamed(s string) *report.SnapshotReport {
	return &report.SnapshotReport{Envelope: named(s).Envelope, File: "x" + s, Tool: s, Question: s, Fingerprint: s,
		Counts: []report.FactCount{{What: s, Count: 1}}, Scope: []report.ScopeRead{{Operation: s, Read: 1, Failed: 1, NotAsked: 1}}}
}

func snapshotHostile() *report.SnapshotReport {
	r := snapshotNamed(strings.Repeat("=1+1\x1b]0;x\x07", 3))
	r.Mode, r.ToolVersion = "snapshot", "1.2.3"
	return r
}
