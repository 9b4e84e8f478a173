package sandbox

import (
	"net/url"
	"slices"
	"testing"
)

func TestWorkspaceTree(t *testing.T) {
	c := acme(t, Options{})
	list := func(c *client, path string) response {
		return c.on("prod", "/api/2.0/workspace/list?path="+url.QueryEscape(path))
	}
	paths := func(c *client, path string) []string { return c.want(list(c, path), 200).names("objects", "path") }

	for _, spelling := range []string{"/Shared", "/Shared/", "/Workspace/Shared"} {
		if got := paths(c, spelling); !slices.Equal(got, []string{"/Shared/etl"}) {
			t.Errorf("%s: %q", spelling, got)
		}
	}
	for _, root := range []string{"/", "/Workspace", "/Workspace/"} {
		if got := paths(c, root); !slices.Equal(got, []string{"/Shared", "/Users", "/Repos"}) {
			t.Errorf("%s: %q", root, got)
		}
	}
	if got := list(c, "/Shared/etl/ingest").list("objects"); len(got) != 1 || got[0]["object_id"] != 9003.0 || got[0]["language"] != "PYTHON" {
		t.Errorf("a notebook lists itself: %v", got)
	}
	kpis := byField(list(c, "/Users/erin@acme.test").list("objects"), "object_type", "DASHBOARD")
	if kpis["resource_id"] != "01f0aaaa00000000000000000000d001" || kpis["object_id"] == nil {
		t.Errorf("a dashboard in the tree: %v", kpis)
	}
	if got := list(c, "/Users/niaj@acme.test").list("objects"); len(got) != 1 || got[0]["object_type"] != "REPO" {
		t.Errorf("a git folder outside of /Repos: %v", got)
	}
	if got := paths(c, "/Users/niaj@acme.test/dbt"); len(got) != 1 {
		t.Errorf("in a git folder: %q", got)
	}
	for path, code := range map[string]string{"": "INVALID_PARAMETER_VALUE", "Shared": "INVALID_PARAMETER_VALUE", "/nope": "RESOURCE_DOES_NOT_EXIST", "/Workspaces": "RESOURCE_DOES_NOT_EXIST"} {
		for _, call := range []string{"list", "get-status"} {
			if r := c.on("prod", "/api/2.0/workspace/"+call+"?path="+path); r.status < 400 || r.str("error_code") != code {
				t.Errorf("%s %q: %s", call, path, r)
			}
		}
	}
	for path, want := range map[string]string{"/Workspacesque/x": "/Workspacesque/x", "/Workspace/x/": "/x", "/a//b": "/a/b", "": "/"} {
		if got := treePath(path); got != want {
			t.Errorf("%q is %q in the tree, want %q", path, got, want)
		}
	}
	status := func(c *client, path string) response {
		return c.on("prod", "/api/2.0/workspace/get-status?path="+url.QueryEscape(path))
	}
	if s := c.want(status(c, "/Workspace/Shared/etl/ingest"), 200).json(); s["object_type"] != "NOTEBOOK" || s["object_id"] != 9003.0 {
		t.Error(s)
	}
	c.want(status(c, "/"), 200)

	// bob may run one notebook of alice's: he sees its folder's name, and nothing else there.
	bob := c.with("dapi-acme-bob-prod")
	if got := paths(bob, "/Users/alice@acme.test"); !slices.Equal(got, []string{"/Users/alice@acme.test/scratch"}) {
		t.Errorf("bob in alice's folder: %q", got)
	}
	if got := paths(bob, "/Users"); !slices.Equal(got, []string{"/Users/alice@acme.test", "/Users/erin@acme.test"}) {
		t.Errorf("bob in /Users: %q", got) // erin's dashboard is for everybody
	}
	c.want(status(bob, "/Users/alice@acme.test/helpers.py"), 403)
	c.want(list(bob, "/Users/niaj@acme.test"), 403)
}
