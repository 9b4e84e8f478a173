package accesstest

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
)

// Levers: objects of a workspace that run as somebody. Who can change what one does acts as that one.

// turningLevels has the types of object that run as somebody, and the least level on each that lets its
// holder change what it does.
//
// https://docs.databricks.com/aws/en/jobs/privileges, https://docs.databricks.com/aws/en/ldp/privileges,
// https://docs.databricks.com/aws/en/compute/dedicated-overview,
// https://docs.databricks.com/aws/en/security/auth/access-control/
var turningLevels = map[identity.ObjectType]identity.Level{
	identity.ObjectJob:      identity.IsOwner,
	identity.ObjectPipeline: identity.CanManage,
	identity.ObjectCluster:  identity.CanManage,
	identity.ObjectApp:      identity.CanManage,
	identity.ObjectServing:  identity.CanManage,
}

// leverTypes are the same types in a fixed order.
var leverTypes = []identity.ObjectType{
	identity.ObjectJob, identity.ObjectPipeline, identity.ObjectCluster, identity.ObjectApp, identity.ObjectServing,
}

func isLever(t identity.ObjectType) bool { return slices.Contains(leverTypes, t) }

// levers are the objects of the workspace that can run as somebody. One may be known by its list of
// permissions alone.
func (o *Oracle) levers(in identity.WorkspaceID) []identity.ObjectInfo {
	objects := slices.Clone(o.seen.Objects)
	for _, on := range o.seen.permitting() {
		if !slices.ContainsFunc(objects, func(info identity.ObjectInfo) bool { return info.Object == on }) {
			objects = append(objects, identity.ObjectInfo{Object: on})
		}
	}
	return keep(objects, func(info identity.ObjectInfo) bool { return info.Workspace == in && isLever(info.Type) })
}

// runner is as whom an object runs: Denied where that is nobody that one could become, Unknown where it
// was not read.
func (o *Oracle) runner(info identity.ObjectInfo) (identity.PrincipalKey, answer) {
	var said []identity.PrincipalName
	called := func(name string) { said = []identity.PrincipalName{{Kind: anyKind, Name: name}} }
	switch owners := o.owners(info.Object); {
	case info.Type == identity.ObjectCluster:
		called(info.SingleUser)
	case info.RunAs != "":
		called(info.RunAs)
	case info.Type == identity.ObjectApp:
		return identity.PrincipalKey{}, denied("as whom %v runs nobody knows", info.Object)
	case info.Type == identity.ObjectServing:
		called(info.Creator)
	case len(owners) > 0:
		said = owners
	case info.Type == identity.ObjectJob && !info.Detailed:
		return identity.PrincipalKey{}, unknown("as whom %v runs was not read", info.Object)
	default:
		called(info.Creator)
	}
	var ones []identity.PrincipalKey
	for _, name := range said {
		if name.Name == "" {
			continue
		}
		ones = append(ones, o.bearers(name.Name, name.Kind)...)
	}
	slices.SortFunc(ones, identity.PrincipalKey.Compare)
	ones = slices.Compact(ones)
	switch {
	case len(ones) != 1:
		return identity.PrincipalKey{}, denied("%v runs as no one principal: %q means %v", info.Object, said, ones)
	case ones[0].Kind == identity.KindGroup:
		return identity.PrincipalKey{}, denied("nothing runs as a group: %v", ones[0])
	default:
		return ones[0], allowed("%v runs as %v", info.Object, ones[0])
	}
}

// owners are whom an object's own list calls its owner.
func (o *Oracle) owners(of identity.Object) []identity.PrincipalName {
	var names []identity.PrincipalName
	for _, p := range o.seen.Permissions {
		if p.On == of && p.Level == identity.IsOwner {
			names = append(names, p.Holder)
		}
	}
	return names
}

// turns asks whether the subject can change what an object does that runs as somebody: by its list, or
// by changing what it runs.
func (o *Oracle) turns(info identity.ObjectInfo, as identity.PrincipalKey) answer {
	byList := o.operates(turningLevels[info.Type], info.Object)
	if o.seen.editNeedsUser && info.Type == identity.ObjectJob && as.Kind == identity.KindServicePrincipal {
		byList = allOf(byList, o.hasRole(identity.RoleServicePrincipalUser, as))
	}
	var byCode []answer
	for _, code := range info.Code {
		for _, file := range o.seen.Objects {
			if file.Workspace == info.Workspace && file.Type.InTree() && holdsCode(file.Path, code) {
				byCode = append(byCode, o.operates(identity.CanEdit, file.Object))
			}
		}
	}
	return anyOf(byList, append(byCode, byList)...)
}

// holdsCode reports whether what lies at a path of the workspace's tree is, or is around, the code that
// an object says it runs. Relative paths are those of a Git repository, and volumes are no part of the tree.
func holdsCode(path, code string) bool {
	if !strings.HasPrefix(code, "/") || strings.HasPrefix(code, "/Volumes/") || path == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(code, "/Workspace"); ok && (rest == "" || rest[0] == '/') {
		code = rest
	}
	code, path = strings.TrimRight(code, "/"), strings.TrimRight(path, "/")
	return code == path || strings.HasPrefix(code, path+"/")
}

// turnsSome asks whether the subject can turn something in the workspace that runs as another; by is the
// one object that it must be, if not zero.
func (o *Oracle) turnsSome(as identity.PrincipalKey, in identity.WorkspaceID, by identity.Object) answer {
	var witnesses []answer
	for _, info := range o.levers(in) {
		if k, runs := o.runner(info); runs.verdict == access.Allowed && k == as && (by == info.Object || by == identity.Object{}) {
			witnesses = append(witnesses, o.turns(info, as))
		}
	}
	if slices.Contains(o.records, as) {
		return denied("%v is %v itself", as, o.subject)
	}
	return anyOf(denied("turns nothing in %v that runs as %v", in, as), witnesses...)
}

// turnsBlindly asks whether there is something in the workspace that the subject can, or may be able to,
// turn, of which it is not known as whom it runs.
func (o *Oracle) turnsBlindly(in identity.WorkspaceID) bool {
	return slices.ContainsFunc(o.levers(in), func(info identity.ObjectInfo) bool {
		_, runs := o.runner(info)
		return runs.verdict == access.Unknown && o.turns(info, identity.PrincipalKey{}).verdict != access.Denied
	})
}

// missesLevers reports whether there may be something to turn in a workspace that the subject may enter:
// somebody tried to list it, and failed.
func (o *Oracle) missesLevers(in identity.WorkspaceID) bool {
	failed := slices.ContainsFunc(leverTypes, func(t identity.ObjectType) bool {
		outcome, tried := o.seen.Reads[readObjects(in, t)]
		return tried && outcome.Needed && !outcome.OK()
	})
	return failed && allOf(o.active(), o.assigned(in, identity.WorkspaceUser)).verdict != access.Denied
}

// lever is one object and as whom it runs.
type lever struct {
	on identity.Object
	as identity.PrincipalKey
}

// usable are the levers of a workspace of which it is known that they run as somebody else.
func (o *Oracle) usable(in identity.WorkspaceID) []lever {
	var usable []lever
	for _, info := range o.levers(in) {
		if k, runs := o.runner(info); runs.verdict == access.Allowed && !slices.Contains(o.records, k) {
			usable = append(usable, lever{info.Object, k})
		}
	}
	slices.SortFunc(usable, func(a, b lever) int { return cmp.Or(a.on.Compare(b.on), a.as.Compare(b.as)) })
	return usable
}
