package estate

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// ObjectGrant is one entry of an object's list of permissions.
type ObjectGrant struct {
	Holder Holder
	Kind   identity.Kind // that the entry says the holder is of
	Level  identity.Level
	// From names the object that it is inherited from; empty when it was given on the object itself.
	From string
}

// Objects gives the workspace objects that were listed, in order of workspace, type and id.
func (e *Estate) Objects() []identity.ObjectInfo { return e.objects }

// ObjectsOf gives the objects of one type in one workspace, in order of id.
func (e *Estate) ObjectsOf(in identity.WorkspaceID, t identity.ObjectType) []identity.ObjectInfo {
	first, _ := slices.BinarySearchFunc(e.objects, identity.Object{Workspace: in, Type: t}, func(o identity.ObjectInfo, k identity.Object) int { return o.Compare(k) })
	last := first
	for last < len(e.objects) && e.objects[last].Workspace == in && e.objects[last].Type == t {
		last++
	}
	return e.objects[first:last]
}

// Object finds what is known of a workspace object.
func (e *Estate) Object(o identity.Object) (identity.ObjectInfo, bool) {
	i, ok := e.object[o]
	if !ok {
		return identity.ObjectInfo{}, false
	}
	return e.objects[i], true
}

// Above gives what lies at a path of a workspace's tree and the directories that it is in, the deepest
// first: whoever may edit one of them decides what is at the path. It is empty for what lies elsewhere,
// in a volume or in a Git repository.
func (e *Estate) Above(in identity.WorkspaceID, path string) []identity.ObjectInfo {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, volumes) {
		return nil
	}
	var above []identity.ObjectInfo
	for at := treePath(path); ; at = at[:max(1, strings.LastIndexByte(at, '/'))] {
		for _, i := range e.tree[treePlace{in, at}] {
			above = append(above, e.objects[i])
		}
		if len(at) <= 1 {
			return above
		}
	}
}

// treePlace is a path of one workspace's tree.
type treePlace struct {
	in   identity.WorkspaceID
	path string
}

// volumes is where the files of volumes are.
//
// https://docs.databricks.com/aws/en/volumes/paths
const volumes = "/Volumes/"

// treePath is a path without the prefix that stands for the workspace's tree among other file systems.
//
// https://docs.databricks.com/aws/en/files/workspace
func treePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "/Workspace/"); ok {
		path = "/" + rest
	}
	if len(path) > 1 {
		path = strings.TrimRight(path, "/")
	}
	return path
}

// ObjectGrants gives the permissions on a workspace object, inherited ones included.
func (e *Estate) ObjectGrants(o identity.Object) []ObjectGrant {
	i, ok := e.object[o]
	if !ok {
		return nil
	}
	return e.permissions[i]
}

// ObjectGrantsAt is ObjectGrants for the object at a place of Objects.
func (e *Estate) ObjectGrantsAt(place int) []ObjectGrant { return e.permissions[place] }

func (b *Builder) buildObjects(e *Estate) {
	for o := range b.permissions {
		if _, ok := b.objects[o]; !ok {
			b.objects[o] = identity.ObjectInfo{Object: o}
		}
	}
	e.objects = slices.SortedFunc(maps.Values(b.objects), func(a, b identity.ObjectInfo) int { return a.Compare(b.Object) })
	e.object, e.tree = make(map[identity.Object]int, len(e.objects)), map[treePlace][]int{}
	for i, o := range e.objects {
		e.object[o.Object] = i
		if o.Type.InTree() && o.Path != "" {
			at := treePlace{o.Workspace, treePath(o.Path)}
			e.tree[at] = append(e.tree[at], i)
		}
	}
	e.permissions = make([][]ObjectGrant, len(e.objects))
	e.permitted = map[identity.PrincipalKey][]int32{}
	for i, o := range e.objects {
		if rows, read := b.permissions[o.Object]; read {
			e.permissions[i] = e.permit(o.Workspace, rows)
			e.notePermitted(int32(i))
		}
	}
}

// permit is the list of an object in a workspace.
func (e *Estate) permit(in identity.WorkspaceID, rows []identity.ObjectGrant) []ObjectGrant {
	grants := make([]ObjectGrant, 0, len(rows))
	for _, g := range rows {
		grants = append(grants, ObjectGrant{Holder: e.resolveIn(in, g.Holder), Kind: g.Holder.Kind, Level: g.Level, From: g.From})
	}
	slices.SortFunc(grants, func(a, b ObjectGrant) int {
		return cmp.Or(compareHolders(a.Holder, b.Holder), cmp.Compare(a.Level, b.Level), strings.Compare(a.From, b.From))
	})
	return slices.Compact(grants)
}

// notePermitted enters an object for each of the holders that its list names. Objects come in order.
func (e *Estate) notePermitted(i int32) {
	for _, g := range e.permissions[i] {
		if list := e.permitted[g.Holder.Key]; len(list) == 0 || list[len(list)-1] != i {
			e.permitted[g.Holder.Key] = append(list, i)
		}
	}
}

// Permitted gives the objects whose lists name a holder by its key, in order: with the zero key those that
// name nobody who was read, or one of several.
func (e *Estate) Permitted(k identity.PrincipalKey) iter.Seq[identity.ObjectInfo] {
	return func(yield func(identity.ObjectInfo) bool) {
		for _, i := range e.permitted[k] {
			if !yield(e.objects[i]) {
				return
			}
		}
	}
}

// PermittedTo gives the objects whose lists name one of those that a holder may be, in order, each once.
func (e *Estate) PermittedTo(may func(k identity.PrincipalKey) bool) []identity.ObjectInfo {
	marked := newMarks(len(e.objects))
	for k, list := range e.permitted {
		if may(k) {
			for _, i := range list {
				marked.add(i)
			}
		}
	}
	found := make([]identity.ObjectInfo, 0, marked.count())
	for i := range marked.all() {
		found = append(found, e.objects[i])
	}
	return found
}
