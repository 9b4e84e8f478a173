package estate

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
)

// usedBy says of whom and where a use is.
type usedBy struct {
	metastore, who, name string
	refused              bool
}

// AddAuditLog adds how much of the audit log was looked at for a metastore. The later of two wins.
func (b *Builder) AddAuditLog(l identity.AuditLog) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.logs == nil {
		b.logs = map[string]identity.AuditLog{}
	}
	b.logs[l.Metastore] = l
}

// AddUses adds when things were last used. Of two uses of the same by the same, the last one counts.
func (b *Builder) AddUses(uses []identity.Use) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uses == nil {
		b.uses = map[usedBy]time.Time{}
	}
	for _, u := range uses {
		k := usedBy{u.Metastore, u.Who, u.Name, u.Refused}
		if u.At.After(b.uses[k]) {
			b.uses[k] = u.At.UTC()
		}
	}
}

// buildUses makes every use count for what the used thing is in: names have the outermost part first, and
// no part of the name of a catalog or schema holds a dot.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func (b *Builder) buildUses(e *Estate) {
	e.logs, e.uses = maps.Clone(b.logs), maps.Clone(b.uses)
	e.lastUses = make(map[usedBy]time.Time, len(b.uses))
	e.lastSeen = map[string]time.Time{}
	for k, at := range b.uses {
		if !k.refused && at.After(e.lastSeen[k.who]) {
			e.lastSeen[k.who] = at
		}
		for name := k.name; name != ""; name = container(name) {
			if in := (usedBy{k.metastore, k.who, name, k.refused}); at.After(e.lastUses[in]) {
				e.lastUses[in] = at
			}
		}
	}
}

// container is the name of what a name is in; empty for the outermost.
func container(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '.'))]
}

// AuditLog says how much of the audit log was looked at for a metastore.
func (e *Estate) AuditLog(metastore string) (identity.AuditLog, bool) {
	l, ok := e.logs[metastore]
	return l, ok
}

// AuditLogs gives every audit log that was looked at, in order of metastore.
func (e *Estate) AuditLogs() iter.Seq2[string, identity.AuditLog] {
	return inOrder(e.logs, strings.Compare)
}

// LastUse is when a principal was last seen using a securable or something in it, and when it was last
// refused; zero when it was not. Groups use nothing themselves.
func (e *Estate) LastUse(k identity.PrincipalKey, on identity.Securable) (used, refused time.Time) {
	name := strings.ToLower(strings.Join(on.Parts(), "."))
	of := func(refused bool) time.Time {
		return e.latest(k, func(who string) time.Time { return e.lastUses[usedBy{on.Metastore, who, name, refused}] })
	}
	return of(false), of(true)
}

// LastSeen is when a principal was last seen doing anything that was not refused; zero when it was not:
// who is refused, at the log-in say, need not be the principal.
func (e *Estate) LastSeen(k identity.PrincipalKey) time.Time {
	return e.latest(k, func(who string) time.Time { return e.lastSeen[who] })
}

func (e *Estate) latest(k identity.PrincipalKey, of func(who string) time.Time) (last time.Time) {
	p, ok := e.Principal(k)
	if !ok || k.Kind == identity.KindGroup {
		return time.Time{}
	}
	for _, who := range p.LogNames() {
		if at := of(who); at.After(last) {
			last = at
		}
	}
	return last
}

// AllUses gives every use that was read, in a fixed order.
func (e *Estate) AllUses() iter.Seq[identity.Use] {
	return func(yield func(identity.Use) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(e.uses), compareUses) {
			if !yield(identity.Use{Metastore: k.metastore, Who: k.who, Name: k.name, At: e.uses[k], Refused: k.refused}) {
				return
			}
		}
	}
}

func compareUses(a, b usedBy) int {
	return cmp.Or(strings.Compare(a.metastore, b.metastore), strings.Compare(a.who, b.who), strings.Compare(a.name, b.name), compareBool(a.refused, b.refused))
}
