package databricks

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

var (
	routeStatus = get(classOther, "/api/2.0/workspace/get-status")
	routeInside = get(classOther, "/api/2.0/workspace/list")
)

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
	found.Path = firstNonEmpty(found.Path, path)
	info, ok := found.object(at)
	if !ok {
		return identity.ObjectInfo{}, unsupported(s.account.scrub.line(fmt.Sprintf("what lies at %q is of the type %q, which is not known", path, found.Type)))
	}
	if info.ID == "" {
		return identity.ObjectInfo{}, s.failed(fmt.Errorf("%s: the answer has no id of %q", r.route, path))
	}
	return info, nil
}

// object is what lies there; ok is false for a type that is not known.
func (t treeStatus) object(at identity.Workspace) (info identity.ObjectInfo, ok bool) {
	known, ok := treeTypes[t.Type]
	if !ok {
		return identity.ObjectInfo{}, false
	}
	id := string(t.ID)
	if known == identity.ObjectDashboard {
		// Permissions on dashboards go by another id than the tree.
		// https://docs.databricks.com/aws/en/dashboards/tutorials/manage-permissions
		id = t.Resource
	}
	name := t.Path[strings.LastIndexByte(t.Path, '/')+1:]
	return identity.ObjectInfo{Object: identity.Object{Workspace: at.ID, Type: known, ID: id}, Name: name, Path: t.Path}, true
}

// treeList is what lies in a directory. It has no pages.
//
// https://docs.databricks.com/api/workspace/workspace/list
type treeList struct {
	Objects []treeStatus `json:"objects"`
}

// Inside lists what lies directly in a directory or Git folder of the workspace's tree.
func (s *Session) Inside(ctx context.Context, at identity.Workspace, path string) ([]identity.ObjectInfo, error) {
	r, err := s.at(at, routeInside)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(path, "/") {
		return nil, s.failed(fmt.Errorf("%q is no path of the workspace: it does not begin with a slash", path))
	}
	r.query = url.Values{"path": {path}}
	var answer treeList
	if _, err := s.fetch(ctx, r, &answer); err != nil {
		return nil, err
	}
	var found listing[identity.ObjectInfo]
	for _, one := range answer.Objects {
		info, ok := one.object(at)
		switch {
		case one.Type == "" || ok && (info.ID == "" || info.Path == ""):
			return found.items, incomplete("%s: an entry has no type, no id or no path", r.route)
		case info.Path == path: // of what is no directory the list is itself
		case ok && !strings.HasPrefix(info.Path, strings.TrimSuffix(path, "/")+"/"): // would be walked in circles
			return found.items, incomplete("%s", s.account.scrub.line(fmt.Sprintf("%s: %q does not lie in %q", r.route, info.Path, path)))
		case ok && info.Type.InTree():
			found.add(string(info.Type)+"\x00"+info.ID, info)
		}
	}
	return found.items, nil
}
