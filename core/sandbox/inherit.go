package sandbox

import (
	"path"
	"slices"
	"strings"
)

// objectIndex finds the objects of a workspace by id and by place in the tree.
type objectIndex struct {
	byID   map[string]*Object // by type/id, apps and database instances by type/name
	byPath map[string]*Object // folders, notebooks, files, git folders and dashboards
	inside map[string][]*Object
}

func indexObjects(w *Workspace) *objectIndex {
	x := &objectIndex{byID: map[string]*Object{}, byPath: map[string]*Object{}, inside: map[string][]*Object{}}
	for _, o := range w.Objects {
		x.byID[o.Type+"/"+o.permissionID()] = o
		if wireObjectTypes[o.Type] != "" && o.Path != "" {
			x.byPath[o.treePath()] = o
			dir := parentPath(o.treePath())
			x.inside[dir] = append(x.inside[dir], o)
		}
	}
	return x
}

// permissionID is what the Permissions API calls the object
// (https://docs.databricks.com/api/workspace/apps/getpermissions,
// …/database/getdatabaseinstance).
func (o *Object) permissionID() string {
	if o.Type == "apps" || o.Type == "database-instances" {
		return o.Name
	}
	return o.ID
}

// treePath is the path without the /Workspace that may stand before it
// (https://docs.databricks.com/files/workspace).
func (o *Object) treePath() string { return treePath(o.Path) }

func treePath(p string) string {
	if rest, found := strings.CutPrefix(p, "/Workspace"); found && (rest == "" || rest[0] == '/') {
		p = rest
	}
	return path.Clean("/" + p)
}

// parentPath is the folder of a path; that of the root is empty.
func parentPath(p string) string {
	if p == "/" {
		return ""
	}
	return path.Dir(p)
}

// acl is all that an object's list holds but the entry of the admins: its own
// entries, and below them what comes from folders
// (https://docs.databricks.com/security/auth/access-control/#manage-access-control-lists-with-folders)
// or from the root of the registered models.
func (x *index) acl(w *Workspace, o *Object) []ACE {
	out := slices.Clone(o.ACL)
	if o.Type == "registered-models" {
		for _, e := range w.ModelRootACL {
			out = append(out, e.from("/registered-models/"))
		}
	}
	if o.Path == "" {
		return out
	}
	for dir := parentPath(o.treePath()); dir != ""; dir = parentPath(dir) {
		folder := x.objects[w].byPath[dir]
		if folder == nil || folder.Type != "directories" && folder.Type != "repos" {
			continue
		}
		for _, e := range folder.ACL {
			if e.Level = flowing(e.Level, objectKinds[o.Type].levels); e.Level != "" && len(e.InheritedFrom) == 0 {
				out = append(out, e.from("/"+folder.Type+"/"+folder.ID))
			}
		}
	}
	return out
}

// flowing is what a level on a folder is on an object with other levels: the
// highest that is no higher. CAN_READ and CAN_VIEW are two names of the lowest.
func flowing(level string, levels []string) string {
	for i := slices.Index(fileLevels, level); i >= 0; i-- {
		if slices.Contains(levels, fileLevels[i]) {
			return fileLevels[i]
		}
	}
	if slices.Contains(levels, "CAN_VIEW") && slices.Contains(fileLevels, level) {
		return "CAN_VIEW"
	}
	return ""
}

// holdsOn reports whether the caller holds one of the levels on an object; no
// levels means any.
func (c *call) holdsOn(o *Object, levels ...string) bool {
	names := c.aclNames()
	return slices.ContainsFunc(c.idx.acl(c.ws, o), func(e ACE) bool {
		return names[e.key()] && (len(levels) == 0 || slices.Contains(levels, e.Level))
	})
}

// sees reports whether an object is in the caller's lists. Of a folder without
// permission the name is visible if something in it is.
func (c *call) sees(o *Object) bool {
	if c.isWorkspaceAdmin() || c.holdsOn(o) {
		return true
	}
	return o.Type == "directories" && slices.ContainsFunc(c.idx.objects[c.ws].inside[o.treePath()], c.sees)
}
