package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// StaleGrants compares what a principal holds, itself or through groups, with what it used within so many
// days, as the audit logs of the estate tell. A group uses what anybody in it does, and what each member
// holds itself is compared with what that member used.
//
// Only a log that was read whole, that goes back that far and that would show a use makes a grant stale.
// The list follows the names of those who hold, then securables.
func StaleGrants(m *access.Model, subject identity.PrincipalKey, days int) []report.Stale {
	u := &lastUses{m: m, e: m.Estate(), days: days}
	subject = u.e.Canonical(subject)
	list := []report.Stale{}
	list = append(list, u.held(subject, true)...)
	if subject.Kind != identity.KindGroup || subject == identity.AccountUsers() {
		return list
	}
	for _, k := range m.Members(subject) {
		if !slices.Contains(m.Subject(subject).Identities(), k) {
			list = append(list, u.held(k, false)...)
		}
	}
	return list
}

// lastUses compares grants with uses.
type lastUses struct {
	m    *access.Model
	e    *estate.Estate
	days int
}

// held compares what a principal holds: through groups too, or by itself alone.
func (u *lastUses) held(k identity.PrincipalKey, throughGroups bool) []report.Stale {
	s := u.m.Subject(k)
	holders := []identity.PrincipalKey{k}
	if throughGroups {
		holders = s.Identities()
		if k.Kind == identity.KindGroup {
			// What everybody has is not the group's.
			holders = slices.DeleteFunc(slices.Clone(holders), func(h identity.PrincipalKey) bool {
				return h == identity.AccountUsers() && h != k
			})
		} else {
			holders = slices.Concat(holders, u.everybodyIn(s))
		}
	}
	var items []item
	files := map[identity.Securable]string{} // the catalogs in which files may be used by their path
	for _, h := range holders {
		source := u.source(s, h)
		for g := range u.e.GrantsTo(h) {
			items = append(items, item{g.Securable, g.Privileges, source, h})
			if slices.ContainsFunc(g.Privileges, giveFiles) {
				files[catalogOf(g.Securable)] = filesByPath
			}
		}
		for o := range u.e.OwnedBy(h) {
			items = append(items, item{o.Securable, []identity.Privilege{report.Owner}, report.SourceOwner, h})
		}
	}
	if len(items) == 0 {
		return nil
	}
	by := u.usersOf(k)
	var list []report.Stale
	for _, i := range items {
		list = append(list, u.compare(s, by, i, cmp.Or(files[catalogOf(i.on)], u.filesUnread(i.on.Metastore)))...)
	}
	slices.SortStableFunc(list, func(a, b report.Stale) int {
		return cmp.Or(strings.Compare(a.Securable.Metastore, b.Securable.Metastore), strings.Compare(a.Securable.FullName, b.Securable.FullName),
			a.Securable.Type.Compare(b.Securable.Type), cmp.Compare(len(a.Path), len(b.Path)), slices.Compare(a.Path, b.Path))
	})
	return list
}

// everybodyIn are the groups of workspaces that a user or service principal is in without being put there.
func (u *lastUses) everybodyIn(s *access.Subject) []identity.PrincipalKey {
	var in []identity.PrincipalKey
	for _, w := range u.e.Workspaces() {
		for _, k := range []identity.PrincipalKey{identity.WorkspaceUsers(w.ID), identity.WorkspaceAdmins(w.ID)} {
			if s.In(k) == access.Allowed {
				in = append(in, k)
			}
		}
	}
	return in
}

func (u *lastUses) source(s *access.Subject, holder identity.PrincipalKey) string {
	switch {
	case holder == s.Key() || slices.Contains(slices.Collect(u.e.SamePerson(s.Key())), holder):
		return report.SourceDirect
	case holder == identity.AccountUsers() || holder.Workspace != 0:
		return report.SourceImplicit
	default:
		return report.SourceGroup
	}
}

// item is privileges on a securable, with how they are held.
type item struct {
	on         identity.Securable
	privileges []identity.Privilege
	source     string
	holder     identity.PrincipalKey
}

// users are those whose uses are a principal's.
type users struct {
	keys []identity.PrincipalKey
	// hidden says why there may be more, or uses under names that are not known; empty when there are none.
	hidden string
	seen   time.Time // when the last of them was seen at all
	group  bool
	unread map[string]string // by metastore: why not every use is known that the log shows
}

// usersOf are a user or service principal with the other records of the same person, or everybody in a
// group.
func (u *lastUses) usersOf(k identity.PrincipalKey) *users {
	all := &users{group: k.Kind == identity.KindGroup, unread: map[string]string{}}
	switch {
	case k == identity.AccountUsers():
		all.hidden = "everybody in the account is in the group: who uses what was not asked for each"
	case all.group && !u.e.Settled(k):
		all.hidden = "not everybody in the group is known"
	}
	seen := map[identity.PrincipalKey]bool{}
	for queue := []identity.PrincipalKey{k}; len(queue) > 0; queue = queue[1:] {
		one := queue[0]
		if seen[one] {
			continue
		}
		seen[one] = true
		if one.Kind != identity.KindGroup {
			all.keys = append(all.keys, one)
			if !u.e.Names(one) && all.hidden == "" {
				all.hidden = "the name of somebody in the group was not read"
			}
			if at := u.e.LastSeen(one); at.After(all.seen) {
				all.seen = at
			}
			queue = slices.AppendSeq(queue, u.e.SamePerson(one))
		}
		queue = slices.AppendSeq(queue, u.e.Members(one))
	}
	return all
}

// filesByPath says why the log may not name the volume whose files somebody uses, nor its containers.
const filesByPath = "files in volumes can be used by their path, which the log may not show under the name of the securable"

// filesUnread says why the principal may hold rights on volumes of a metastore that are not known; empty when
// all are.
func (u *lastUses) filesUnread(metastore string) string {
	for _, r := range u.e.Unread() {
		here := r.Key.Securable.Metastore == "" || r.Key.Securable.Metastore == metastore
		switch r.Key.Op {
		case estate.OpChildren:
			t := r.Key.Type
			if here && t == identity.TypeVolume && r.Outcome.Kind == identity.NotAsked {
				return "files in volumes can be used by their path, and which rights there are on volumes was not looked at: --scan-volumes"
			}
			if here && (t == identity.TypeCatalog || t == identity.TypeSchema || t == identity.TypeVolume) && r.Outcome.Kind != identity.NotAsked {
				return filesByPath
			}
		case estate.OpGrants, estate.OpMetastoreWorkspaces, estate.OpVisibility:
			if here && r.Blocking() {
				return filesByPath
			}
		case estate.OpReach, estate.OpMetastores, estate.OpFindPrincipal, estate.OpAliases, estate.OpGroups, estate.OpParents, estate.OpMembers:
			if r.Blocking() {
				return filesByPath
			}
		default: // tells of no grant on a volume
		}
	}
	return ""
}

// compare judges one grant. files says why the principal may use files of the catalog by their path; empty
// when it may not.
func (u *lastUses) compare(s *access.Subject, by *users, i item, files string) []report.Stale {
	log, at := u.log(i.on.Metastore)
	base := report.Stale{
		Principal: u.m.Describe(s.Key()), Securable: u.m.DescribeSecurable(i.on), Source: i.source, Path: s.PathTo(i.holder),
		LastSeenAny: moment(by.seen), LogDays: logDays(log, at),
	}
	var last, tried time.Time
	for _, k := range by.keys {
		used, refused := u.e.LastUse(k, i.on)
		if refused.After(tried) {
			tried = refused
		}
		if used.IsZero() {
			continue
		}
		if used.After(last) {
			last = used
		}
		if by.group {
			base.UsedBy = append(base.UsedBy, report.LastUse{Name: u.m.Describe(k).Name, At: used.UTC()})
		}
	}
	slices.SortStableFunc(base.UsedBy, func(a, b report.LastUse) int { return b.At.Compare(a.At) })
	base.LastSeen = moment(last)
	since := at.AddDate(0, 0, -u.days)
	if !last.IsZero() && !last.Before(since) {
		base.Verdict, base.Privileges = report.UseActive, i.privileges
		return []report.Stale{base}
	}
	why := u.unread(i.on.Metastore, by)
	if why == "" {
		why = tooShort(log, at, u.days)
	}
	if why == "" && !tried.IsZero() && !tried.Before(since) {
		why = "it was tried and refused on " + tried.UTC().Format(time.DateOnly) + ": something else may be missing"
	}
	var list []report.Stale
	if by.seen.IsZero() || by.seen.Before(since) {
		files = "" // it did nothing at all
	}
	for _, of := range traced(i.on.Type, i.privileges, files) {
		one := base
		one.Privileges, one.Verdict = of.privileges, report.UseStale
		if reason := cmp.Or(why, of.hidden); reason != "" {
			one.Verdict, one.Reason = report.UseUnknown, reason
		}
		if n := len(list); n > 0 && list[n-1].Verdict == one.Verdict && list[n-1].Reason == one.Reason {
			list[n-1].Privileges = slices.Sorted(slices.Values(slices.Concat(list[n-1].Privileges, one.Privileges)))
			continue
		}
		list = append(list, one)
	}
	return list
}

// log is how much of a metastore's audit log was looked at, and when.
func (u *lastUses) log(metastore string) (identity.AuditLog, time.Time) {
	log, _ := u.e.AuditLog(metastore)
	o, ok := u.e.Outcome(usesRead(metastore, identity.PrincipalKey{}))
	if !ok || o.At.IsZero() {
		_, o.At = u.e.Window()
	}
	return log, o.At
}

func usesRead(metastore string, k identity.PrincipalKey) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpUses, Securable: identity.MetastoreSecurable(metastore), Principal: k}
}

// unread says why not every use is known that the log shows; empty when each is.
func (u *lastUses) unread(metastore string, by *users) string {
	if by.hidden != "" {
		return by.hidden
	}
	why, known := by.unread[metastore]
	if !known {
		why = u.unreadFor(metastore, by)
		by.unread[metastore] = why
	}
	return why
}

func (u *lastUses) unreadFor(metastore string, by *users) string {
	if o, planned := u.e.Outcome(usesRead(metastore, identity.PrincipalKey{})); !planned || !o.OK() {
		return "the audit log was not read, or not to its end"
	}
	for _, k := range by.keys {
		if !u.e.Saw(usesRead(metastore, k)) {
			return "the audit log was not read for " + u.m.Describe(k).Name
		}
	}
	return ""
}

// lag is how far the last day of a log may lie back without doubt that it still grows: the table is filled
// throughout the day, and a region is hardly quiet for longer.
const lag = 3 * 24 * time.Hour

// tooShort says why a log does not show the last days whole; empty when it does.
func tooShort(log identity.AuditLog, at time.Time, days int) string {
	switch have := logDays(log, at); {
	case log.First.IsZero():
		return "the audit log is empty"
	case have < days:
		return fmt.Sprintf("the audit log goes back %d days only", have)
	case at.Sub(log.Last) > lag+24*time.Hour:
		return "the audit log ends on " + log.Last.UTC().Format(time.DateOnly)
	default:
		return ""
	}
}

// logDays counts the days from the first of which the log has anything to when it was read.
func logDays(log identity.AuditLog, at time.Time) int {
	first := log.First
	if first.Before(log.Since) {
		first = log.Since
	}
	if log.First.IsZero() || at.Before(first) {
		return 0
	}
	return int(at.Sub(first) / (24 * time.Hour))
}

// tracing is privileges with why the log may not show their use; empty where it does.
type tracing struct {
	privileges []identity.Privilege
	hidden     string
}

// traced parts privileges by whether the log shows their use under the name of the securable. files says why
// something that the principal was seen doing may have been the use of files in the catalog by their path;
// empty when it was not.
//
// https://docs.databricks.com/aws/en/admin/account-settings/audit-logs (Unity Catalog events)
func traced(t identity.SecurableType, ps []identity.Privilege, files string) []tracing {
	var plain, byPath, none tracing
	byPath.hidden = files
	none.hidden = "the log does not show the use of this privilege"
	for _, p := range ps {
		switch {
		case t == identity.TypeMetastore || t.UnderMetastore() || !leavesTrace[p]:
			none.privileges = append(none.privileges, p)
		case files != "" && (giveFiles(p) || p == identity.UseCatalog || p == identity.UseSchema) && (!t.InSchema() || t == identity.TypeVolume):
			byPath.privileges = append(byPath.privileges, p)
		default:
			plain.privileges = append(plain.privileges, p)
		}
	}
	return slices.DeleteFunc([]tracing{plain, byPath, none}, func(t tracing) bool { return len(t.privileges) == 0 })
}

// giveFiles reports whether a privilege can let somebody at the files of volumes.
func giveFiles(p identity.Privilege) bool {
	return p == identity.ReadVolume || p == identity.WriteVolume || p == identity.AllPrivileges
}

// catalogOf is the catalog that a securable is or is in; of what is in none, the metastore.
func catalogOf(s identity.Securable) identity.Securable {
	if s.Catalog == "" {
		return identity.MetastoreSecurable(s.Metastore)
	}
	return identity.CatalogSecurable(s.Metastore, s.Catalog)
}

// leavesTrace are the privileges without which the requests that the log names a securable in would have
// been refused. MANAGE, BROWSE and the like need no such request.
var leavesTrace = map[identity.Privilege]bool{
	identity.AllPrivileges: true, identity.UseCatalog: true, identity.UseSchema: true,
	identity.Select: true, identity.Modify: true, identity.Execute: true, identity.ReadVolume: true, identity.WriteVolume: true,
	"CREATE_SCHEMA": true, "CREATE_TABLE": true, "CREATE_VOLUME": true,
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
