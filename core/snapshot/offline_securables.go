package snapshot

import (
	"context"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// fold is the form of a name that is the same in any case.
func fold(on identity.Securable) identity.Securable {
	on.Catalog, on.Schema, on.Name = strings.ToLower(on.Catalog), strings.ToLower(on.Schema), strings.ToLower(on.Name)
	return on
}

// find gives the name under which the estate knows a securable: names are the same in any case.
func (s *Offline) find(on identity.Securable) (identity.Securable, bool) {
	if _, ok := s.e.Securable(on); ok {
		return on, true
	}
	if on.Type == identity.AnyCredential {
		for _, on.Type = range []identity.SecurableType{identity.TypeStorageCredential, identity.TypeServiceCredential} {
			if found, ok := s.find(on); ok {
				return found, true
			}
		}
		return on, false
	}
	if kept, ok := s.folded()[fold(on)]; ok {
		return kept, true
	}
	return on, false
}

// listing is the type under which securables of a type are listed.
func listing(t identity.SecurableType) identity.SecurableType {
	if t == identity.TypeStorageCredential || t == identity.TypeServiceCredential {
		return identity.AnyCredential
	}
	return t
}

// children is the read that lists a securable among its neighbours.
func children(of identity.Securable, t identity.SecurableType) estate.ReadKey {
	return estate.ReadKey{Op: estate.OpChildren, Securable: of, Type: listing(t)}
}

// Children gives the securables of one type in parent.
func (s *Offline) Children(ctx context.Context, _ identity.Workspace, parent identity.Securable, t identity.SecurableType) ([]identity.SecurableInfo, error) {
	parent, _ = s.find(parent)
	return answer(s.said(ctx, children(parent, t)), func() (found []identity.SecurableInfo) {
		all := s.e.SecurableList()
		first, _ := slices.BinarySearchFunc(all, parent, func(x identity.SecurableInfo, p identity.Securable) int { return x.Compare(p) })
		for _, x := range all[first:] {
			if !inside(parent, x.Securable) {
				break
			}
			if up, ok := x.Parent(); ok && up == parent && listing(x.Type) == t {
				found = append(found, x)
			}
		}
		return found
	})
}

// inside reports whether a securable is the container itself or anywhere in it.
func inside(container, x identity.Securable) bool {
	return x.Metastore == container.Metastore &&
		(container.Catalog == "" || x.Catalog == container.Catalog) && (container.Schema == "" || x.Schema == container.Schema)
}

// Grants gives the direct grants on a securable.
func (s *Offline) Grants(ctx context.Context, _ identity.Workspace, on identity.Securable) ([]identity.Grant, error) {
	kept, _ := s.find(on)
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpGrants, Securable: kept}), func() (grants []identity.Grant) {
		for g := range s.e.GrantsOn(kept) {
			grants = append(grants, identity.Grant{Securable: on, Holder: g.Holder.Name, DeletedID: g.Holder.DeletedID, Privileges: g.Privileges})
		}
		return grants
	})
}

// Lookup gives one securable under the name that was asked for. What a view is made from no listing
// tells, so that a view must have been looked up to be there.
func (s *Offline) Lookup(ctx context.Context, _ identity.Workspace, on identity.Securable) (identity.SecurableInfo, error) {
	if on.Type == identity.TypeMetastore {
		return identity.SecurableInfo{}, &identity.Failure{Kind: identity.Unsupported, Message: "metastores cannot be looked up by name"}
	}
	kept, ok := s.find(on)
	own := estate.ReadKey{Op: estate.OpSecurable, Securable: kept}
	info, _ := s.e.Securable(kept)
	parent, _ := kept.Parent()
	switch {
	case s.e.Saw(own) || ok && s.e.Saw(children(parent, kept.Type)) && !info.View():
		on.Type = kept.Type
		info.Securable = on
		return info, ctx.Err()
	case !ok && s.absent(kept):
		return identity.SecurableInfo{}, &identity.Failure{Kind: identity.NotFound, Message: "there was no " + s.thing(on) + " when the snapshot was saved"}
	default:
		return identity.SecurableInfo{}, s.said(ctx, own)
	}
}

// absent reports whether what the estate does not have is not there: the list that would have it, or
// its container, was read whole.
func (s *Offline) absent(on identity.Securable) bool {
	parent, ok := on.Parent()
	if !ok {
		return false
	}
	parent, known := s.find(parent)
	return s.e.Saw(children(parent, on.Type)) || !known && s.absent(parent)
}

// Policies gives the attribute-based policies that hold on a securable.
func (s *Offline) Policies(ctx context.Context, _ identity.Workspace, on identity.Securable) ([]identity.Policy, error) {
	kept, _ := s.find(on)
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpPolicies, Securable: kept}), func() []identity.Policy { return slices.Clone(s.e.Policies(kept)) })
}

// Bindings gives the workspaces that an isolated securable is bound to.
func (s *Offline) Bindings(ctx context.Context, _ identity.Workspace, on identity.Securable) ([]identity.Binding, error) {
	kept, _ := s.find(on)
	return answer(s.said(ctx, estate.ReadKey{Op: estate.OpBindings, Securable: kept}), func() []identity.Binding { return slices.Clone(s.e.Bindings(kept)) })
}
