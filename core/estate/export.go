package estate

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// What a copy of an Estate is made from: the facts that the other accessors give only to those who
// know what to ask for, and the facts that come without a record of their own.

// AddMention adds that some fact names a principal, though nothing is known of it but the key.
func (b *Builder) AddMention(k identity.PrincipalKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mentions[k] = struct{}{}
}

// AddOtherKey adds that facts also knew a principal under another key, which an Estate found out
// before: see OtherKeys.
func (b *Builder) AddOtherKey(other, key identity.PrincipalKey) {
	if other == key {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.otherKeys[other] = key
}

// OtherKeys gives the keys for which Canonical gives another one, with that one, in order.
func (e *Estate) OtherKeys() iter.Seq2[identity.PrincipalKey, identity.PrincipalKey] {
	return inOrder(e.renamed, identity.PrincipalKey.Compare)
}

// AllAssignments gives the assignments of every workspace, listed or not, in order of its id.
func (e *Estate) AllAssignments() iter.Seq2[identity.WorkspaceID, []identity.Assignment] {
	return inOrder(e.assignments, cmp.Compare)
}

// AllAttachments gives the workspaces of every metastore, listed or not, in order of its id.
func (e *Estate) AllAttachments() iter.Seq2[string, []identity.WorkspaceID] {
	return inOrder(e.attachments, strings.Compare)
}

// AllBindings gives the bindings of every securable, listed or not.
func (e *Estate) AllBindings() iter.Seq2[identity.Securable, []identity.Binding] {
	return inOrder(e.bindings, identity.Securable.Compare)
}

// AllPolicies gives the policies on every securable, listed or not.
func (e *Estate) AllPolicies() iter.Seq2[identity.Securable, []identity.Policy] {
	return inOrder(e.policies, identity.Securable.Compare)
}

// AllEntitlements gives the entitlements in every workspace, listed or not, in order of its id.
func (e *Estate) AllEntitlements() iter.Seq2[identity.WorkspaceID, []Entitled] {
	return inOrder(e.entitled, cmp.Compare)
}

// AllRestrictAdmins gives how far admins may act as others in every workspace where that was read.
func (e *Estate) AllRestrictAdmins() iter.Seq2[identity.WorkspaceID, identity.RestrictAdmins] {
	return inOrder(e.restricted, cmp.Compare)
}

// SecurableList gives what Securables gives, to look things up in.
func (e *Estate) SecurableList() []identity.SecurableInfo { return e.securables }

// RuleSets gives every role that was given on anything with the holder as the fact names it.
func (e *Estate) RuleSets() []identity.RoleGrant {
	sets := make([]identity.RoleGrant, 0, len(e.roles))
	for _, g := range e.roles {
		sets = append(sets, identity.RoleGrant{On: g.On, Role: g.Role, Holder: identity.PrincipalName{Kind: g.Kind, Name: g.Holder.Name}})
	}
	return sets
}

func inOrder[K comparable, V any](m map[K]V, compare func(a, b K) int) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, k := range slices.SortedFunc(maps.Keys(m), compare) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// worse is the outcome to keep of one read that is in the ledger twice, under two keys of one
// principal: what one of them missed may be missing.
func worse(a, b Outcome) Outcome {
	if cmp.Or(
		-compareBool(a.OK(), b.OK()), compareBool(a.Needed, b.Needed), -compareBool(a.Partial, b.Partial),
		strings.Compare(string(a.Kind), string(b.Kind)), cmp.Compare(a.Status, b.Status),
		strings.Compare(a.Message, b.Message), -a.At.Compare(b.At),
	) < 0 {
		return b
	}
	return a
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}
