package accesstest

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// permitted asks for at least a level on an object.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
func (o *Oracle) permitted(l identity.Level, on identity.Object) answer {
	var witnesses []answer
	if on.Type.Includes(on.Type.Highest(), l) {
		witnesses = append(witnesses, o.assigned(on.Workspace, identity.WorkspaceAdmin))
	}
	for _, p := range o.seen.Permissions {
		if p.On == on && on.Type.Includes(p.Level, l) {
			witnesses = append(witnesses, o.isNamed(p.Holder, on.Workspace))
		}
	}
	if !o.seen.saw(readPermissions(on)) {
		witnesses = append(witnesses, unknown("the permissions on %v were not read", on))
	}
	return anyOf(denied("no %s on %v", l, on), witnesses...)
}

func (o *Oracle) operates(l identity.Level, on identity.Object) answer {
	return allOf(o.permitted(l, on), o.active(), o.assigned(on.Workspace, identity.WorkspaceUser))
}

// entitled asks for an entitlement, the subject's own or that of any group that it is in there.
//
// https://docs.databricks.com/aws/en/security/auth/entitlements
func (o *Oracle) entitled(x identity.Entitlement, in identity.WorkspaceID) answer {
	var witnesses []answer
	for _, e := range o.seen.Entitlements {
		if e.Workspace == in && slices.Contains(e.Entitlements, x) {
			witnesses = append(witnesses, o.inThere(o.canonical(e.Holder), in))
		}
	}
	if !o.seen.saw(readLocals(in)) {
		witnesses = append(witnesses, unknown("what groups have in %v was not read", in))
	}
	for _, r := range o.records {
		if !o.seen.saw(readEntitled(in, r)) {
			witnesses = append(witnesses, unknown("what %v has in %v was not read", r, in))
		}
	}
	return anyOf(denied("no %s in %v", x, in), witnesses...)
}

// exercises asks whether there is something to do it with as well.
func (o *Oracle) exercises(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) answer {
	can := o.can(p, on, in)
	if can.verdict == access.Denied {
		return can
	}
	return allOf(can, o.computes(in))
}

// computes asks for an entitlement and for compute that goes with it.
func (o *Oracle) computes(in identity.WorkspaceID) answer {
	warehouse := o.onSome(identity.ObjectWarehouse, identity.CanUse, in, anyObject)
	policy := o.onSome(identity.ObjectClusterPolicy, identity.CanUse, in, anyObject)
	cluster := o.onSome(identity.ObjectCluster, identity.CanAttachTo, in, func(c identity.ObjectInfo) answer {
		if c.SingleUser == "" {
			return allowed("%v is for all", c.Object)
		}
		return o.heldBy(c.SingleUser, anyKind)
	})
	sql, makes := o.entitled(identity.SQLAccess, in), o.entitled(identity.AllowClusterCreate, in)
	no := denied("nothing in %v to do it with", in)
	return anyOf(no,
		allOf(anyOf(sql, sql, o.entitled(identity.ConsumerAccess, in)), warehouse),
		allOf(sql, makes),
		allOf(o.entitled(identity.WorkspaceAccess, in),
			anyOf(no, makes, policy, cluster, unknown("there may be serverless compute in %v", in))),
	)
}

func anyObject(identity.ObjectInfo) answer { return allowed("any will do") }

// onSome asks for at least a level on some object of a type that will do.
func (o *Oracle) onSome(t identity.ObjectType, l identity.Level, in identity.WorkspaceID, do func(identity.ObjectInfo) answer) answer {
	objects := slices.Clone(o.seen.Objects)
	for _, on := range o.seen.permitting() { // one may be known without the listing
		if !slices.ContainsFunc(objects, func(info identity.ObjectInfo) bool { return info.Object == on }) {
			objects = append(objects, identity.ObjectInfo{Object: on})
		}
	}
	var witnesses []answer
	for _, info := range objects {
		if info.Type == t && info.Workspace == in {
			witnesses = append(witnesses, allOf(o.permitted(l, info.Object), do(info)))
		}
	}
	if !o.seen.saw(readObjects(in, t)) {
		witnesses = append(witnesses, unknown("the %s of %v were not listed", t, in))
	}
	return anyOf(denied("%s on none of the %s of %v", l, t, in), witnesses...)
}

// Permitted reports whether the subject has at least the level on the object.
func (o *Oracle) Permitted(l identity.Level, on identity.Object) access.Verdict {
	return o.permitted(l, on).verdict
}

// Operates reports whether it can make use of that.
func (o *Oracle) Operates(l identity.Level, on identity.Object) access.Verdict {
	return o.operates(l, on).verdict
}

// Entitled reports whether the subject has the entitlement in the workspace.
func (o *Oracle) Entitled(x identity.Entitlement, in identity.WorkspaceID) access.Verdict {
	return o.entitled(x, in).verdict
}

// Exercises reports whether the subject can do what the privilege is for, and has what to do it with.
func (o *Oracle) Exercises(p identity.Privilege, on identity.Securable, in identity.WorkspaceID) access.Verdict {
	return o.exercises(p, on, in).verdict
}
