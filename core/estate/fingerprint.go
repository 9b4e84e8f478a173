package estate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"

	"databricks-access-audit/core/identity"
)

// fingerprint hashes every fact and the coverage in the estate's own order, leaving out the times
// of reading.
func fingerprint(e *Estate) string {
	h := sha256.New()
	put(h, "account", e.account, e.interrupted)
	for i, p := range e.principals {
		put(h, "principal", p, e.edgeKeys(e.parents[i]), e.edgeKeys(e.ancestors[i]), e.edgeKeys(e.same[i]))
	}
	for _, w := range e.workspaces {
		put(h, "workspace", w, e.assignments[w.ID])
	}
	for _, m := range e.metastores {
		put(h, "metastore", m, e.attachments[m.ID])
	}
	for i, s := range e.securables {
		put(h, "securable", s, e.bindings[s.Securable], e.policies[s.Securable])
		for _, r := range e.rowsOn(int32(i)) {
			put(h, "grant", e.holders[r.holder], e.sets[r.set])
		}
	}
	for _, g := range e.roles {
		put(h, "role", g.On, g.Role, g.Holder)
	}
	for _, w := range e.workspaces {
		put(h, "entitled", w.ID, e.entitled[w.ID], e.restricted[w.ID])
	}
	for i, o := range e.objects {
		put(h, "object", o, e.permissions[i])
	}
	for _, l := range e.AuditLogs() {
		put(h, "log", l)
	}
	for u := range e.AllUses() {
		put(h, "use", u)
	}
	for _, r := range e.reads {
		put(h, "read", r.Key, r.Outcome.Kind, r.Outcome.Status, r.Outcome.Partial, r.Outcome.Needed)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (e *Estate) edgeKeys(edges []int32) []identity.PrincipalKey {
	keys := make([]identity.PrincipalKey, 0, len(edges))
	for _, i := range edges {
		keys = append(keys, e.principals[i].Key)
	}
	return keys
}

// put writes one line. Every value is a plain struct of strings and numbers, which always encode.
func put(h hash.Hash, values ...any) {
	line, err := json.Marshal(values)
	if err != nil {
		panic("estate: a fact does not encode: " + err.Error())
	}
	h.Write(line)
	h.Write([]byte{'\n'})
}
