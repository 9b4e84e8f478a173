package collect

import (
	"context"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// storage reads which external location an external table or volume lies in and, where that is isolated,
// which workspaces it lets in and who may change that.
//
// https://docs.databricks.com/aws/en/connect/unity-catalog/cloud-storage/manage-external-locations
func (v *metastore) storage(of identity.SecurableInfo) {
	if of.Path == "" || of.Type == identity.TypeExternalLocation {
		return
	}
	v.q.add(func(ctx context.Context) {
		all, _ := v.locations.get(struct{}{}, func() ([]identity.SecurableInfo, error) { return v.listLocations(ctx), nil })
		paths := identity.Locations{}
		for _, s := range all {
			paths.Add(s)
		}
		covering, _ := paths.Covering(of.Path)
		for _, s := range all {
			if s.Securable != covering || s.Isolation != identity.Isolated {
				continue
			}
			if _, again := v.kept.LoadOrStore(covering, true); again {
				continue
			}
			v.meetNames(v.door, s.Owner)
			v.hear(s.Owner)
			v.grantsOnce(covering, v.door)
			v.q.add(func(ctx context.Context) { v.bindings(ctx, covering) })
		}
	})
}

// listLocations lists the external locations of the metastore.
func (v *metastore) listLocations(ctx context.Context) []identity.SecurableInfo {
	all, err := v.src.Children(ctx, v.door, v.self, identity.TypeExternalLocation)
	key := estate.ReadKey{Op: estate.OpChildren, Securable: v.self, Type: identity.TypeExternalLocation}
	if identity.IsKind(err, identity.Unsupported) {
		v.remark(key, identity.Unsupported, identity.FailureOf(err).Message)
	} else {
		v.note(key, err)
	}
	for _, s := range all {
		v.b.AddSecurable(s)
	}
	return all
}
