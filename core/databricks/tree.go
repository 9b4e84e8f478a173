package databricks

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

var routeStatus = get(classOther, "/api/2.0/workspace/get-status")

// treeStatus is what lies at a path.
//
// https://docs.databricks.com/api/workspace/workspace/getstatus
type treeStatus struct {
	ID       scalar `json:"object_id"`
	Type     string `json:"object_type"`
	Path     string `json:"path"`
	Resource string `json:"resource_id"`
}

var treeTypes = map[string]identity.ObjectType{
	"NOTEBOOK":  identity.ObjectNotebook,
	"FILE":      identity.ObjectFile,
	"DIRECTORY": identity.ObjectDirectory,
	"REPO":      identity.ObjectRepo,
	"DASHBOARD": identity.ObjectDashboard,
}

// ObjectAt finds what lies at a path of the workspace's tree.
func (s *Session) ObjectAt(ctx context.Context, at identity.Workspace, path string) (identity.ObjectInfo, error) {
	r, err := s.at(at, routeStatus)
	if err != nil {
		return identity.ObjectInfo{}, err
	}
	if !strings.HasPrefix(path, "/") {
		return identity.ObjectInfo{}, s.failed(fmt.Errorf("%q is no path of the workspace: it does not begin with a slash", path))
	}
	r.query = url.Values{"path": {path}}
	var found treeStatus
	if _, err := s.fetch(ctx, r, &found); err != nil {
		return identity.ObjectInfo{}, err
	}
	if found.Type == "" {
		return identity.ObjectInfo{}, s.failed(fmt.Errorf("%s: the answer does not say what %q is", r.route, path))
	}
	t, ok := treeTypes[found.Type]
	if !ok {
		return identity.ObjectInfo{}, unsupported(s.account.scrub.line(fmt.Sprintf("what lies at %q is of the type %q, which is not known", path, found.Type)))
	}
	id := string(found.ID)
	if t == identity.ObjectDashboard {
		// Permissions on dashboards go by another id than the tree.
		// https://docs.databricks.com/aws/en/dashboards/tutorials/manage-permissions
		id = found.Resource
	}
	if id == "" {
		return identity.ObjectInfo{}, s.failed(fmt.Errorf("%s: the answer has no id of %q", r.route, path))
	}
	where := firstNonEmpty(found.Path, path)
	name := where[strings.LastIndexByte(where, '/')+1:]
	return identity.ObjectInfo{Object: identity.Object{Workspace: at.ID, Type: t, ID: id}, Name: name, Path: where}, nil
}
