package estate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"runtime"

	"databricks-access-audit/core/identity"
)

// fingerprint hashes every fact and the coverage in the estate's own order, leaving out the times
// of reading.
func fingerprint(e *Estate) string {
	h := sha256.New()
	one := func(write func(l *lines)) { writeLines(h, 1, func(l *lines, _ int) { write(l) }) }
	one(func(l *lines) { l.put("account", e.account, e.interrupted) })
	writeLines(h, len(e.principals), func(l *lines, i int) {
		l.put("principal", e.principals[i], e.edgeKeys(e.parents[i]), e.edgeKeys(e.ancestors[i]), e.edgeKeys(e.same[i]))
	})
	one(e.writePlaces)
	writeLines(h, len(e.securables), func(l *lines, i int) {
		s := &e.securables[i]
		l.put("securable", s, e.bindings[s.Securable], e.policies[s.Securable])
		for _, r := range e.rowsOn(int32(i)) {
			l.putGrant(e, r)
		}
	})
	one(func(l *lines) {
		for _, g := range e.roles {
			l.put("role", g.On, g.Role, g.Holder)
		}
		for _, w := range e.workspaces {
			l.put("entitled", w.ID, e.entitled[w.ID], e.restricted[w.ID])
		}
	})
	writeLines(h, len(e.objects), func(l *lines, i int) { l.put("object", &e.objects[i], e.permissions[i]) })
	one(func(l *lines) {
		for _, log := range e.AuditLogs() {
			l.put("log", log)
		}
		for u := range e.AllUses() {
			l.put("use", u)
		}
	})
	writeLines(h, len(e.reads), func(l *lines, i int) {
		r := &e.reads[i]
		l.put("read", &r.Key, r.Outcome.Kind, r.Outcome.Status, r.Outcome.Partial, r.Outcome.Needed)
	})
	return hex.EncodeToString(h.Sum(nil))
}

func (e *Estate) writePlaces(l *lines) {
	for _, w := range e.workspaces {
		l.put("workspace", w, e.assignments[w.ID])
	}
	for _, m := range e.metastores {
		l.put("metastore", m, e.attachments[m.ID])
	}
}

func (e *Estate) edgeKeys(edges []int32) []identity.PrincipalKey {
	keys := make([]identity.PrincipalKey, 0, len(edges))
	for _, i := range edges {
		keys = append(keys, e.principals[i].Key)
	}
	return keys
}

// writeLines hashes the lines of n facts in their order. Millions of them take seconds to write, so as many
// parts of the list are written at the same time as there are processors, a few ahead of the hash.
func writeLines(h hash.Hash, n int, write func(l *lines, i int)) {
	const part = 1 << 12
	parts := make(chan chan []byte, runtime.GOMAXPROCS(0))
	go func() {
		defer close(parts)
		for first := 0; first < n; first += part {
			written := make(chan []byte, 1)
			parts <- written
			go func() {
				var l lines
				for i := first; i < min(first+part, n); i++ {
					write(&l, i)
				}
				written <- l.Bytes()
			}()
		}
	}()
	for written := range parts {
		h.Write(<-written)
	}
}

// lines are facts as they are hashed, one a line.
type lines struct {
	bytes.Buffer
	grants map[row][]byte // lines of grants, whatever they are on: many are alike
}

// put writes one line. Every value is a plain struct of strings and numbers, which always encode.
func (l *lines) put(values ...any) {
	line, err := json.Marshal(values)
	if err != nil {
		panic("estate: a fact does not encode: " + err.Error())
	}
	l.Write(line)
	l.WriteByte('\n')
}

// putGrant writes the line of a grant, which is below that of what it is on.
func (l *lines) putGrant(e *Estate, r row) {
	alike := row{holder: r.holder, set: r.set}
	line, ok := l.grants[alike]
	if !ok {
		start := l.Len()
		l.put("grant", e.holders[r.holder], e.sets[r.set])
		if l.grants == nil {
			l.grants = map[row][]byte{}
		}
		l.grants[alike] = bytes.Clone(l.Bytes()[start:])
		return
	}
	l.Write(line)
}
