package access

import (
	"slices"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// likeness tells subjects apart as far as a question about one securable does. Nearly all of the thousands
// in an account are in the same few of the groups that the facts about a securable name: whoever is in the
// same ones, is assigned to the same workspaces and may log in, or not, has the same access to it. So it is
// worked out once for all who are alike. It costs the memory of a few answers for each question.
type likeness struct {
	from []identity.WorkspaceID
	// named are those whom the facts about the securable, the containers and the metastore name.
	named []identity.PrincipalKey
	// plain says that nothing else tells subjects apart: nothing that reads with the rights of another;
	// no policy, which may except somebody; no name that several bear; no group of one workspace.
	plain bool
}

func likenessOn(e *estate.Estate, on identity.Securable, from []identity.WorkspaceID) likeness {
	l := likeness{from: from, plain: true}
	name := func(h estate.Holder) {
		l.plain = l.plain && !h.Ambiguous && h.Key.Workspace == 0
		if !h.Key.IsZero() && !slices.Contains(l.named, h.Key) {
			l.named = append(l.named, h.Key)
		}
	}
	about := func(at identity.Securable) {
		if owner, known := e.Owner(at); known {
			name(owner)
		}
		for g := range e.GrantsOn(at) {
			name(g.Holder)
		}
		l.plain = l.plain && len(e.Policies(at)) == 0
	}
	for at := range lineage(on) {
		about(at)
	}
	about(identity.MetastoreSecurable(on.Metastore))
	info, _ := e.Securable(on)
	l.plain = l.plain && !info.ReadsAsOwner()
	return l
}

// of is equal for subjects that are alike; ok is false for one that is like no other, because what it is
// in, or what facts call it, is not known for certain.
func (l likeness) of(s *Subject) (like string, ok bool) {
	if !l.plain || !s.MembershipsKnown() || s.unnamed {
		return "", false
	}
	key := make([]byte, 0, 64)
	key = append(key, byte(s.verdicts().active()), byte(Holds(s.key.Kind == identity.KindGroup)))
	for _, in := range l.from {
		key = append(key, byte(s.assignedTo(in)))
	}
	for _, k := range l.named {
		key = append(key, byte(Holds(s.is(k))))
	}
	return string(key), true
}
