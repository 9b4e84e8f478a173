package sandbox

import (
	"hash/fnv"
	"strings"
)

// wireObjectTypes are the object types of workspace/list.
var wireObjectTypes = map[string]string{
	"notebooks": "NOTEBOOK", "files": "FILE", "directories": "DIRECTORY", "repos": "REPO", "dashboards": "DASHBOARD",
}

// wireFile: a dashboard has a number in the tree, and as resource_id the id that
// its permissions go by
// (https://docs.databricks.com/dashboards/tutorials/manage-permissions).
func wireFile(o *Object) map[string]any {
	m := map[string]any{"object_type": wireObjectTypes[o.Type], "path": o.treePath(), "object_id": o.treeNumber(), "resource_id": o.ID}
	if o.Type == "notebooks" {
		m["language"] = "PYTHON"
	}
	return m
}

// treeNumber is the object_id; objects whose own id is no number get one.
func (o *Object) treeNumber() int64 {
	if isDecimal(o.ID) {
		return number(o.ID)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(o.ID))
	return 1<<40 + int64(h.Sum32())
}

// treeTarget finds what the path parameter names, nil for the root.
func (c *call) treeTarget() (*Object, *reply) {
	p := c.query.Get("path")
	switch {
	case !strings.HasPrefix(p, "/"):
		return nil, failedWith(badRequest("Path (%s) doesn't start with '/'", p))
	case treePath(p) == "/":
		return nil, nil
	}
	o := c.idx.objects[c.ws].byPath[treePath(p)]
	switch {
	case o == nil:
		return nil, failedWith(notFound("RESOURCE_DOES_NOT_EXIST", "Path (%s) doesn't exist.", p))
	case !c.sees(o):
		return nil, failedWith(forbidden("%s does not have View permissions on %s.", c.caller.name, p))
	}
	return o, nil
}

// listDirectory lists one directory, unpaged and not recursive; of anything else
// it lists the thing itself
// (https://docs.databricks.com/api/workspace/workspace/list).
func (c *call) listDirectory() reply {
	o, failed := c.treeTarget()
	if failed != nil {
		return *failed
	}
	if o != nil && o.Type != "directories" && o.Type != "repos" {
		return listReply(c, whole("objects"), []map[string]any{wireFile(o)})
	}
	dir := "/"
	if o != nil {
		dir = o.treePath()
	}
	var out []map[string]any
	for _, child := range c.idx.objects[c.ws].inside[dir] {
		if c.sees(child) {
			out = append(out, wireFile(child))
		}
	}
	return listReply(c, whole("objects"), out)
}

// pathStatus: https://docs.databricks.com/api/workspace/workspace/getstatus
func (c *call) pathStatus() reply {
	o, failed := c.treeTarget()
	switch {
	case failed != nil:
		return *failed
	case o == nil:
		return ok(map[string]any{"object_type": "DIRECTORY", "path": "/", "object_id": 0, "resource_id": "0"})
	}
	return ok(wireFile(o))
}
